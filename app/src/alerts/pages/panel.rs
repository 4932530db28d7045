//! The latest few alerts, for beside the map.

use crate::{
    alerts::{
        api::{AlertList, list_alerts},
        pages::live::marks,
    },
    live::{Topic, client::follow},
    routes::Page,
    ui::Empty,
    wire::Given,
};
use leptos::prelude::*;

const SHOWN: usize = 6;

/// What matters most of what is open; the rest is a link away.
#[island]
pub fn AlertsPanel(#[prop(into)] initial: Given<AlertList>) -> impl IntoView {
    let Given(initial) = initial;
    let list = RwSignal::new(initial);
    follow(Topic::Alerts, list, |_| list_alerts(String::new()), |_, new| new);
    let rows = move || {
        list.with(|list| {
            let row = |(alert, state): &(crate::alerts::alert::Alert, crate::alerts::alert::AlertState)| {
                let below = match alert.symptoms.len() {
                    0 => String::new(),
                    1 => " · 1 symptom".into(),
                    many => format!(" · {many} symptoms"),
                };
                view! {
                    <li class=format!("alert {}", alert.tone().name())>
                        <p class="head">{marks(alert, *state)}</p>
                        <a class="sentence" href=Page::Alert(alert.id).path()>{alert.sentence.clone()}</a>
                        <p class="quiet">"since " {alert.since.time_of_day()} " UTC" {below}</p>
                    </li>
                }
            };
            list.alerts.iter().take(SHOWN).map(row).collect_view()
        })
    };
    let more = move || list.with(|list| list.alerts.len().saturating_sub(SHOWN));
    view! {
        <section class="panel alerts-panel" aria-label="Alerts">
            <h2><a href=Page::Alerts.path()>"Alerts"</a></h2>
            {move || {
                list.with(|list| list.alerts.is_empty())
                    .then(|| view! { <Empty what="Nothing is wrong." next="What holds for a few seconds appears here."/> })
            }}
            <ol class="alerts">{rows}</ol>
            {move || (more() > 0).then(|| view! { <a href=Page::Alerts.path()>{format!("{} more", more())}</a> })}
        </section>
    }
}
