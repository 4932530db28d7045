//! Calls that are up.

use super::live_table::LiveCalls;
use crate::{
    auth::role::Permission,
    calls::{
        api::{HangUpCall, list_live_calls},
        board::BoardCall,
        live::CallState,
        live_list::LiveList,
    },
    context::{self, Request},
    error::AppError,
    routes::Page,
    shell::PageView,
    ui::{Choice, Confirm, Confirmation, Filters, FormState, Select},
    values::{Level, Query, quantity::format_span},
};
use leptos::{prelude::*, server_fn::ServerFn};
use std::collections::BTreeSet;

pub async fn page() -> Result<PageView, AppError> {
    let request = context::request();
    let query = request.query.clone();
    let list = list_live_calls(text(&query)).await?;
    // The rows are those of the view, with or without a dialog above them.
    let view = query.clone().without("do").without("call").without("pbx");
    let may_hang_up = request.who.as_ref().is_some_and(|who| who.role.may(Permission::HangUpCalls));
    let dialog = (may_hang_up && query.get("do") == Some("hang-up")).then(|| dialog(list.chosen.as_ref(), &view, &request));
    let filters = filters(&list, &view);
    let body = view! {
        <LiveCalls initial=list query=text(&view) may_hang_up=may_hang_up>
            {filters}
        </LiveCalls>
        {dialog}
    };
    Ok(PageView::new("Calls", body))
}

fn text(query: &Query) -> String {
    query.link("").trim_start_matches('?').into()
}

fn filters(list: &LiveList, query: &Query) -> impl IntoView + use<> {
    let [customer, carrier, on, state, codec] =
        ["customer", "carrier", "on", "state", "codec"].map(|key| query.get(key).unwrap_or_default().to_string());
    let any = || Choice::new("", "any");
    // What was chosen stays a choice when its last call is over.
    let choices = |names: &BTreeSet<String>, key: &str| {
        let chosen = query.get(key).map(str::to_string);
        let names: BTreeSet<String> = names.iter().cloned().chain(chosen).collect();
        std::iter::once(any()).chain(names.into_iter().map(|name| Choice::new(name.clone(), name))).collect::<Vec<_>>()
    };
    let states = std::iter::once(any()).chain(CallState::ALL.map(|state| Choice::new(state.name(), state.name()))).collect();
    let codecs = vec![any(), Choice::new("transcoding", "transcoding")];
    let customers = choices(&list.customers, "customer");
    let (carriers, pbxs) = (choices(&list.carriers, "carrier"), choices(&list.pbxs, "on"));
    view! {
        <Filters path=Page::Calls.path() query=query.clone() search="Number or reference">
            <Select label="Customer" name="customer" choices=customers value=customer/>
            <Select label="Carrier" name="carrier" choices=carriers value=carrier/>
            <Select label="PBX" name="on" choices=pbxs value=on/>
            <Select label="State" name="state" choices=states value=state/>
            <Select label="Codec" name="codec" choices=codecs value=codec/>
        </Filters>
    }
}

/// The dialog the address asks for.
fn dialog(chosen: Option<&BoardCall>, view: &Query, request: &Request) -> AnyView {
    let back = view.link(&Page::Calls.path());
    let Some(BoardCall { call, .. }) = chosen else {
        return view! {
            <div class="notice idle" role="status">
                <p>"That call is over already; there is nothing to end. " <a href=back>"All calls"</a></p>
            </div>
        }
        .into_any();
    };
    let (from, to) = (call.caller.as_str(), call.called.as_str());
    let running = format_span(context::now().since(call.started_at));
    let who = call.customer.as_ref().map_or_else(String::new, |customer| format!(" of {customer}"));
    let through = call.carrier.as_ref().map_or_else(String::new, |carrier| format!(" and {carrier}"));
    let consequence = format!(
        "This call{who} through {}{through} began {running} ago. Both sides hear it end at once, and it is billed until then. It cannot be put back.",
        call.pbx
    );
    let hidden = vec![
        ("pbx", call.pbx.clone()),
        ("channel", call.channel.clone()),
        ("reference", call.reference.clone()),
        ("query", text(view)),
    ];
    let confirmation = Confirmation {
        level: Level::L1,
        title: format!("Hang up the call from {from} to {to}"),
        consequence,
        action: HangUpCall::PATH,
        hidden,
        name: String::new(),
        verb: "Hang up".into(),
        back,
        prove_at: None,
    };
    let state = FormState::of(request.notice.as_ref(), HangUpCall::PATH);
    view! { <Confirm confirmation=confirmation state=state/> }.into_any()
}
