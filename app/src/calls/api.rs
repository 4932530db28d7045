//! The server functions of live calls.

use crate::{
    calls::{board::LiveCounts, call_now::CallNow, live_list::LiveList},
    error::AppError,
    wire::{GetUrl, Json},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::{
    auth::audit::{Action, Draft, Outcome},
    calls::{live::LiveCall, store},
    context::{self, Allowed, Panel, allowed},
    notice::Notice,
    routes::Page,
    values::{Moment, PortError, PortErrorKind, Query},
};
#[cfg(feature = "ssr")]
use std::{sync::Arc, time::Duration};

/// A PBX says within milliseconds that a call is over; the answer waits this long for it.
#[cfg(feature = "ssr")]
const END_HEARD_WITHIN: Duration = Duration::from_secs(1);

/// A database that takes longer to write it down gets it later.
#[cfg(feature = "ssr")]
const WRITTEN_WITHIN: Duration = Duration::from_secs(2);

/// `query` is that of the page: `q`, `customer`, `carrier`, `on`, `state`, `codec`, `sort`, `desc`, `page`, `rows`; `call` and `pbx`
/// choose one.
#[server(endpoint = "calls/live", input = GetUrl, output = Json)]
pub async fn list_live_calls(query: String) -> Result<LiveList, AppError> {
    let allowed = allowed::<ListLiveCalls>()?;
    Ok(allowed.panel.calls.list(&Query::parse(&query), context::now()))
}

/// What the calls that are up add up to; in memory, so it answers while the database is away.
#[server(endpoint = "calls/counts", input = GetUrl, output = Json)]
pub async fn get_live_counts() -> Result<LiveCounts, AppError> {
    let allowed = allowed::<GetLiveCounts>()?;
    let now = context::now();
    Ok(LiveCounts { at: now, counts: allowed.panel.calls.counts(now) })
}

/// One call that is up or just over, by its reference; *not found* when the PBXs tell nothing of it any more. The board answers
/// while the database is away; then the tries at carriers and the record are what is missing.
#[server(endpoint = "calls/one", input = GetUrl, output = Json)]
pub async fn get_call_now(reference: String) -> Result<CallNow, AppError> {
    let allowed = allowed::<GetCallNow>()?;
    let found = allowed.panel.calls.find_now(&reference, context::now());
    let mut found = found.ok_or_else(|| AppError::not_found(format!("call {reference} that is up")))?;
    let doing = "read what is written of the call";
    let read = async {
        let mut conn = allowed.panel.database.acquire(doing).await?;
        let attempts = allowed.panel.database.within(doing, store::cdr::list_attempts(&mut conn, &reference)).await?;
        let recorded = match found.is_up() {
            true => false,
            false => {
                let records = allowed.panel.database.within(doing, store::cdr::list_by_reference(&mut conn, &reference)).await?;
                records.iter().any(|cdr| cdr.pbx == found.call.pbx && cdr.uniqueid == found.call.unique_id)
            }
        };
        Ok::<_, AppError>((attempts, recorded))
    };
    match read.await {
        Ok((attempts, recorded)) => (found.attempts, found.recorded) = (attempts, recorded),
        Err(error) => found.attempts_unknown = Some(error.to_string()),
    }
    Ok(found)
}

/// Ends one call, level L1. `query` is that of the page to come back to.
#[server(endpoint = "calls/hang-up")]
pub async fn hang_up_call(pbx: String, channel: String, reference: String, query: Option<String>) -> Result<(), AppError> {
    let allowed = allowed::<HangUpCall>()?;
    let panel = &allowed.panel;
    let call = panel.calls.can_hang_up(&pbx, &channel, &reference)?;
    if let Some(since) = panel.calls.away_since(&call.pbx) {
        return Err(AppError::Away { system: call.pbx.clone(), since: Some(since), doing: "end the call".into() });
    }
    // A task of its own: what was begun is ended and written down also when whoever asked has gone.
    let ending = tokio::spawn(end(Arc::clone(panel), row(&allowed, &call), call.clone()));
    let written = ending.await.map_err(|_| AppError::Broken)??;
    let told = heard_over(&allowed, &call).await;
    let names = format!("The call from {} to {} through {}", call.caller, call.called, call.pbx);
    let mut said = match told {
        true => format!("{names} was ended."),
        false => format!("{names} is being ended; {} has not said yet that it is over.", call.pbx),
    };
    if !written {
        said += " The database is away: the audit log gets it when that is back.";
    }
    let notice = Notice::done(said);
    let back = Query::parse(&query.unwrap_or_default()).without("do").without("call").without("pbx");
    context::go_to_path(&back.link(&Page::Calls.path()), Some(&notice));
    Ok(())
}

/// Ends the call and writes it down; whether the database has it already. A call can be ended while the database is away, and what
/// cannot be written down is not done: the row is on the panel's own disk before.
#[cfg(feature = "ssr")]
async fn end(panel: Arc<Panel>, row: Draft, call: LiveCall) -> Result<bool, AppError> {
    let kept = &panel.kept_audit;
    let begun = kept.begin(row, context::now()).await.map_err(|error| {
        tracing::error!(%error, "the audit log cannot be kept on the panel's disk");
        AppError::refused(format!("It cannot be written down on the panel's disk: {error}. Nothing was ended. Make room there."))
    })?;
    let ended = match panel.calls.hang_up(&call) {
        Some(ended) => ended.await.map_err(|error| (may_be_done(&error), refusal(&error, &call))),
        None => Err((false, AppError::Away { system: call.pbx.clone(), since: None, doing: "end the call".into() })),
    };
    let noted = match &ended {
        Ok(()) => kept.settle(begun, "ended").await,
        Err((true, _)) => kept.settle(begun, &format!("told to end; {} did not say whether it did", call.pbx)).await,
        Err((false, _)) => kept.forget(begun).await,
    };
    if let Err(error) = noted {
        tracing::error!(%error, reference = call.reference, "how a hang-up ended cannot be kept on the panel's disk");
    }
    let written = tokio::time::timeout(WRITTEN_WITHIN, kept.write(&panel.database)).await;
    ended.map_err(|(_, error)| error)?;
    Ok(matches!(written, Ok(Ok(_))))
}

/// Whether the PBX may have ended it although it did not say so.
#[cfg(feature = "ssr")]
fn may_be_done(error: &PortError) -> bool {
    matches!(error.kind, PortErrorKind::TimedOut | PortErrorKind::Broken | PortErrorKind::Garbage)
}

#[cfg(feature = "ssr")]
fn row(allowed: &Allowed, call: &LiveCall) -> Draft {
    let request = &allowed.request;
    let customer = call.customer.as_deref().unwrap_or("unknown");
    let carrier = call.carrier.as_deref().unwrap_or("no carrier yet");
    Draft {
        actor: request.who.as_ref().map_or_else(|| "nobody".into(), |who| who.name.clone()),
        address: request.address.to_string(),
        request: request.id.0.clone(),
        action: Action::CallHangUp,
        subject: call.reference.clone(),
        before: Some(format!(
            "{} to {}, customer {customer}, {carrier}, {}, {}",
            call.caller,
            call.called,
            call.pbx,
            call.state.name()
        )),
        after: None,
        outcome: Outcome::Done,
    }
}

/// Why the PBX did not end it.
#[cfg(feature = "ssr")]
fn refusal(error: &PortError, call: &LiveCall) -> AppError {
    match error.kind {
        PortErrorKind::Failed => crate::calls::board::HangUpRefusal::Over.into(),
        PortErrorKind::Denied | PortErrorKind::NotConfigured => {
            AppError::refused(format!("{} does not let the panel end calls: {error}. Nothing was ended.", call.pbx))
        }
        _ => {
            tracing::warn!(%error, pbx = call.pbx, "a call could not be ended");
            AppError::Away { system: call.pbx.clone(), since: None::<Moment>, doing: "end the call".into() }
        }
    }
}

#[cfg(feature = "ssr")]
async fn heard_over(allowed: &Allowed, call: &LiveCall) -> bool {
    let there = || allowed.panel.calls.can_hang_up(&call.pbx, &call.channel, &call.reference).is_ok();
    let step = Duration::from_millis(20);
    for _ in 0..END_HEARD_WITHIN.as_millis() / step.as_millis() {
        if !there() {
            return true;
        }
        tokio::time::sleep(step).await;
    }
    !there()
}
