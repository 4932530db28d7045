//! One call by its reference: while it is up what its PBX tells, live; when it is over its record: a sentence, who and where, the ladder
//! of what happened as a drawing and as a table, and the codecs.

use super::{
    call_now::OneCallNow,
    ladder_view::{codecs, ladder_view},
};
use crate::{
    auth::role::Permission,
    calls::{
        api::get_call_now,
        call_now::CallNow,
        cdr::Cdr,
        history::get_cdr,
        ladder::ladder,
        outcome::{Outcome, cause_words},
    },
    context,
    error::AppError,
    routes::Page,
    shell::PageView,
    ui::{Badge, Empty, Instant},
    values::{Query, quantity::format_span},
};
use leptos::prelude::*;

/// What a record without codecs says.
const NO_CODEC: &str = "The PBX told no codec: the call was not set up.";

pub async fn page(reference: &str) -> Result<PageView, AppError> {
    // The board first: it answers while the database is away.
    let now = match get_call_now(reference.to_string()).await {
        Ok(now) => Some(now).filter(|now| !now.recorded),
        Err(AppError::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    match (now, get_cdr(reference.to_string()).await) {
        (Some(now), records) => Ok(before_its_record(now, records)),
        (None, Ok(cdrs)) => {
            let lead = cdrs.last().map(sentence).unwrap_or_default();
            Ok(PageView::new("Call", cdrs.into_iter().map(record).collect_view()).lead(lead))
        }
        (None, Err(error @ AppError::NotFound { .. })) => Ok(nobodys(reference, &error)),
        (None, Err(error)) => Err(error),
    }
}

/// A call that is up or just over; a reference that was tried at another PBX before has records of that below.
fn before_its_record(now: CallNow, records: Result<Vec<Cdr>, AppError>) -> PageView {
    let may_hang_up = context::request().who.as_ref().is_some_and(|who| who.role.may(Permission::HangUpCalls));
    let earlier = match records {
        Ok(cdrs) => view! {
            <h2>"The same reference before, which is over"</h2>
            {cdrs.into_iter().map(record).collect_view()}
        }
        .into_any(),
        // None yet, or the island says why they cannot be read.
        Err(_) => ().into_any(),
    };
    let body = view! {
        <OneCallNow initial=now may_hang_up=may_hang_up/>
        {earlier}
    };
    PageView::new("Call", body)
}

fn nobodys(reference: &str, error: &AppError) -> PageView {
    let next = "No PBX tells of it either. A call that ended is collected within seconds; look again, or check the reference.";
    let body = view! {
        <section class="panel">
            <Empty what=format!("No call has the reference {reference}: none is up, and none that is over.") next=next>
                <a class="button" href=Page::Calls.path()>"Calls that are up"</a>
                " "
                <a class="button" href=Page::Cdrs.path()>"Search the CDRs"</a>
            </Empty>
        </section>
    };
    if let Some(options) = use_context::<leptos_axum::ResponseOptions>() {
        options.set_status(axum::http::StatusCode::from_u16(error.status()).unwrap_or(axum::http::StatusCode::NOT_FOUND));
    }
    PageView::new("Call", body)
}

/// What became of it, in words.
fn sentence(cdr: &Cdr) -> String {
    let carrier = cdr.carrier.as_deref().unwrap_or("a carrier that is not named");
    let cause = cdr.hangup_cause.map(cause_words);
    match (cdr.outcome, &cdr.refusal) {
        (Outcome::Answered, _) => format!("Answered by {carrier} through {}, talked {}.", cdr.pbx, format_span(cdr.talk())),
        (Outcome::Refused, Some(why)) => format!("Refused by us at {}: {}.", cdr.pbx, why.replace('_', " ")),
        (outcome, _) => match cause {
            Some(cause) => format!("Not answered: {} ({cause}), through {}.", outcome.word(), cdr.pbx),
            None => format!("Not answered: {}, through {}.", outcome.word(), cdr.pbx),
        },
    }
}

fn record(cdr: Cdr) -> impl IntoView {
    view! {
        <div class="cols">
            <section class="panel">
                <h2>"The call"</h2>
                {identity(&cdr)}
            </section>
            <section class="panel">
                <h2>"Codecs"</h2>
                {codecs(&cdr.called, cdr.customer_codec.clone(), cdr.carrier_codec.clone(), NO_CODEC)}
            </section>
        </div>
        <section class="panel">
            <h2>"What happened"</h2>
            {ladder_view(ladder(&cdr))}
        </section>
    }
}

fn identity(cdr: &Cdr) -> impl IntoView + use<> {
    let unknown = || "–".to_string();
    let same = |key: &str, value: &Option<String>| {
        let link = value.clone().map(|value| (Query::default().with(key, value.clone()).link(&Page::Cdrs.path()), value));
        link.map_or_else(|| "–".into_any(), |(href, value)| view! { <a href=href>{value}</a> }.into_any())
    };
    let machine = |name: Option<String>| {
        name.map_or_else(
            || "–".into_any(),
            |name| {
                let href = Page::Machine(name.clone()).path();
                view! { <a href=href>{name}</a> }.into_any()
            },
        )
    };
    let cause = cdr.hangup_cause.map_or_else(unknown, |cause| format!("{cause}, {}", cause_words(cause)));
    let pdd = cdr.pdd().map_or_else(|| "– (nothing rang)".into(), |pdd| format!("{} ms", pdd.as_millis()));
    let rate = match (&cdr.prefix, cdr.rate) {
        (Some(prefix), Some(rate)) => format!("{prefix}, {rate} a minute"),
        _ => unknown(),
    };
    view! {
        <dl class="call-facts">
            <dt>"Outcome"</dt><dd><Badge tone=cdr.outcome.tone() word=cdr.outcome.word()/></dd>
            <dt>"Started"</dt><dd><Instant at=cdr.started_at()/></dd>
            <dt>"Caller"</dt><dd class="num">{cdr.caller.clone()}</dd>
            <dt>"Called"</dt><dd><span class="num">{cdr.called.clone()}</span> " " {cdr.destination.clone()}</dd>
            <dt>"Customer"</dt><dd>{same("customer", &cdr.customer)}</dd>
            <dt>"Carrier"</dt><dd>{same("carrier", &cdr.carrier)}</dd>
            <dt>"Prefix and rate"</dt><dd>{rate}</dd>
            <dt>"Proxy"</dt><dd>{machine(cdr.proxy.clone())}</dd>
            <dt>"PBX"</dt><dd>{machine(Some(cdr.pbx.clone()))}</dd>
            <dt>"PDD"</dt><dd>{pdd}</dd>
            <dt>"Talked"</dt><dd>{format_span(cdr.talk())}</dd>
            <dt>"Cause"</dt><dd>{cause}</dd>
            <dt>"SIP status"</dt><dd>{cdr.sip_status.map_or_else(unknown, |status| status.to_string())}</dd>
            <dt>"Reference"</dt><dd class="num">{cdr.reference.clone()}</dd>
            <dt>"Carrier’s Call-ID"</dt><dd class="num">{cdr.carrier_call_id.clone().unwrap_or_else(unknown)}</dd>
        </dl>
    }
}
