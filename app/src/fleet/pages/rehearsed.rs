//! What the last rehearsal of a cluster measured: how long nobody could write.

use crate::{
    fleet::{inventory::Role, operations::offers},
    operations::{
        api::{get_operation, list_operations},
        kind::OperationKind,
        pages::links::confirm_at,
        sheet::{OperationSheet, Summary},
    },
    routes::Page,
    ui::{Empty, Figure, Figures, Instant},
    values::Query,
};
use leptos::prelude::*;

/// Dry ones measured nothing; this many are looked through for one that did.
const LOOKED_THROUGH_MAX: usize = 10;

/// Of each database cluster. Without a journal, or while it cannot be read, there is nothing to tell.
pub async fn last_rehearsals() -> Vec<AnyView> {
    if offers::of_cluster(Role::Mariadb).all(|kind| kind != OperationKind::Rehearse) {
        return Vec::new();
    }
    let query = Query::default().with("kind", OperationKind::Rehearse.name()).with("state", "done").link("");
    let done = list_operations(query.trim_start_matches('?').into()).await.unwrap_or_default();
    let inventory = crate::context::panel().fleet.inventory();
    let clusters: Vec<String> =
        inventory.map(|inventory| offers::subjects(OperationKind::Rehearse, &inventory)).unwrap_or_default();
    let mut all = Vec::new();
    for cluster in clusters {
        all.push(of_cluster(&cluster, &done).await);
    }
    all
}

async fn of_cluster(cluster: &str, done: &[Summary]) -> AnyView {
    for summary in done.iter().filter(|summary| summary.subject == cluster).take(LOOKED_THROUGH_MAX) {
        if let Ok(sheet) = get_operation(summary.id).await
            && fact(&sheet, "switchover_gap_ms").is_some()
        {
            return measured(&sheet).into_any();
        }
    }
    let link = confirm_at(OperationKind::Rehearse, cluster);
    view! {
        <section class="panel">
            <h2>"Rehearsal of " {cluster.to_string()}</h2>
            <Empty what="It was never rehearsed here." next="A rehearsal builds a lab of its own and measures how long nobody can write.">
                <p>
                    <a class="button" href=link>
                        "Rehearse…"
                    </a>
                </p>
            </Empty>
        </section>
    }
    .into_any()
}

fn fact(sheet: &OperationSheet, name: &str) -> Option<String> {
    sheet.facts.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

fn measured(sheet: &OperationSheet) -> impl IntoView + use<> {
    let number = |name: &str| fact(sheet, name).unwrap_or_else(|| "not measured".into());
    let (id, at) = (sheet.summary.id, sheet.summary.last_at);
    let [gap, failover, lost] = ["switchover_gap_ms", "failover_ms", "lost"].map(number);
    let (subject, of) = (sheet.summary.subject.clone(), format!("of {} acknowledged", number("acknowledged")));
    view! {
        <section class="panel">
            <h2>"Last rehearsal of " {subject}</h2>
            <p class="quiet">
                <Instant at=at/> " · "
                <a href=Page::Operation(id).path()>{format!("operation {id}")}</a>
            </p>
            <Figures>
                <Figure label="Switchover" number=gap unit="ms".to_string() note="nobody could write".to_string()/>
                <Figure label="Failover" number=failover unit="ms".to_string() note="from the start to the next write".to_string()/>
                <Figure label="Lost" number=lost note=of/>
            </Figures>
        </section>
    }
}
