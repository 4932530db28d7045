//! The server functions of operations. They read the journal beside the panel and the machines, never the database; what was begun
//! is written into the audit log on the panel's disk first, and into the database when that is there.

use super::{
    ask::Ask,
    change::changes,
    journal::Resolution,
    kind::OperationKind,
    setting::with_given,
    sheet::{Filter, Looked, Offer, OperationSheet, PlanSheet, Summary},
    state::Wish,
};
use crate::{
    auth::{
        api::draft,
        audit::{Action, Draft},
        session::SignedIn,
    },
    context::{self, Allowed, Panel, allowed},
    error::{AppError, Problem},
    notice::Notice,
    routes::Page,
    values::{Level, Moment, OperationId, Query},
    wire::{GetUrl, Json},
};
use leptos::prelude::*;
use std::{future::Future, sync::Arc, time::Duration};

/// How far back the list goes.
const LISTED_MAX: u32 = 200;

/// Whoever started something wants to see it; a database that takes longer to write the audit row gets it later.
const WRITTEN_WITHIN: Duration = Duration::from_millis(500);

/// What can be done to what.
#[server(endpoint = "operations/offers", input = GetUrl, output = Json)]
pub async fn list_offers() -> Result<Vec<Offer>, AppError> {
    let allowed = allowed::<ListOffers>()?;
    allowed.panel.operations.desk.offers().map_err(AppError::refused)
}

/// What the operation would do now. `settings` is a query; `seen` is the fingerprint of the plan one saw before.
#[server(endpoint = "operations/plan", input = GetUrl, output = Json)]
pub async fn plan_operation(
    kind: String,
    subject: String,
    settings: Option<String>,
    seen: Option<String>,
) -> Result<PlanSheet, AppError> {
    let allowed = allowed::<PlanOperation>()?;
    let desk = &allowed.panel.operations.desk;
    let wish = Wish::parse(&kind, &subject, &settings.unwrap_or_default()).map_err(AppError::refused)?;
    let looked = desk.look(&wish).await;
    let changes = match (&looked, seen.and_then(|seen| desk.shown(&seen))) {
        (Looked::Plan { plan, .. }, Some(seen)) => changes(&seen, plan),
        _ => Vec::new(),
    };
    let settings = with_given(desk.settings(wish.kind), &wish.settings);
    Ok(PlanSheet { kind: wish.kind, subject: wish.subject, given: wish.settings, settings, looked, changes })
}

/// Running and past, of everybody, the newest first. `query` is that of the page: `state`, `kind`, `subject`.
#[server(endpoint = "operations/list", input = GetUrl, output = Json)]
pub async fn list_operations(query: String) -> Result<Vec<Summary>, AppError> {
    let allowed = allowed::<ListOperations>()?;
    let filter = Filter::of(&Query::parse(&query));
    let operations = &allowed.panel.operations;
    let mut listed = match filter.is_of_active() {
        // In memory; every page of the staff asks for these while something runs.
        true => operations.active().iter().rev().cloned().collect(),
        false => operations.desk.list(LISTED_MAX).await?,
    };
    listed.retain(|summary| filter.passes(summary));
    Ok(listed)
}

#[server(endpoint = "operations/show", input = GetUrl, output = Json)]
pub async fn get_operation(id: OperationId) -> Result<OperationSheet, AppError> {
    let allowed = allowed::<GetOperation>()?;
    let (run, entries) = allowed.panel.operations.desk.find(id).await?;
    Ok(OperationSheet::of(&run, &entries))
}

/// Starts the plan with this fingerprint, for somebody who confirmed it at its level.
#[server(endpoint = "operations/start")]
pub async fn start_operation(
    kind: String,
    subject: String,
    settings: Option<String>,
    fingerprint: String,
    typed: Option<String>,
) -> Result<OperationId, AppError> {
    let allowed = allowed::<StartOperation>()?;
    let settings = settings.unwrap_or_default();
    let wish = Wish::parse(&kind, &subject, &settings).map_err(AppError::refused)?;
    let given = confirmed(allowed.who()?, typed.as_deref().unwrap_or_default(), &wish.subject, context::now());
    refuse_early(wish.kind, given, &wish.subject)?;
    if wish.kind.level() >= Level::L3 {
        allowed.proved()?;
    }
    let mut row = draft(&allowed, Action::OperationStart, &format!("{} {}", wish.kind, wish.subject));
    row.before = (!wish.settings.is_empty()).then(|| settings.clone());
    let by = row.actor.clone();
    let title = format!("{} {}", wish.kind.verb(), wish.subject);
    let desk = Arc::clone(&allowed.panel.operations.desk);
    let (id, written) = written_down(&allowed, row, async move {
        let id = desk.start(wish, fingerprint, given, by).await?;
        Ok((id, format!("operation {id}")))
    })
    .await?;
    context::go_to(&Page::Operation(id), Some(&said(format!("{title} has begun."), written)));
    Ok(id)
}

/// How far the person went in confirming it.
fn confirmed(who: &SignedIn, typed: &str, subject: &str, now: Moment) -> Level {
    match (typed.trim() == subject, who.proved_lately(now)) {
        (true, true) => Level::L3,
        (true, false) => Level::L2,
        (false, _) => Level::L1,
    }
}

/// Before any machine is asked.
fn refuse_early(kind: OperationKind, given: Level, subject: &str) -> Result<(), AppError> {
    if kind.level() >= Level::L2 && given < Level::L2 {
        let why = format!("To start this, look at the plan and type {subject}. Nothing was begun.");
        return Err(AppError::Refused { why, problems: vec![Problem::new("typed", "", format!("{subject}, exactly"))] });
    }
    Ok(())
}

/// Stops it and undoes what was done.
#[server(endpoint = "operations/cancel")]
pub async fn cancel_operation(id: OperationId) -> Result<(), AppError> {
    let allowed = allowed::<CancelOperation>()?;
    asked(&allowed, id, Action::OperationCancel, Ask::Cancel, "is being undone").await
}

/// The step that is under way ends; no other begins.
#[server(endpoint = "operations/pause")]
pub async fn pause_operation(id: OperationId) -> Result<(), AppError> {
    let allowed = allowed::<PauseOperation>()?;
    asked(&allowed, id, Action::OperationPause, Ask::Pause, "pauses after the step that is under way").await
}

#[server(endpoint = "operations/continue")]
pub async fn continue_operation(id: OperationId) -> Result<(), AppError> {
    let allowed = allowed::<ContinueOperation>()?;
    asked(&allowed, id, Action::OperationContinue, Ask::Continue, "goes on").await
}

/// What a person makes of an operation that is stuck, and what they did about it.
#[server(endpoint = "operations/resolve")]
pub async fn resolve_operation(id: OperationId, how: String, words: String) -> Result<(), AppError> {
    let allowed = allowed::<ResolveOperation>()?;
    let words = words.trim().to_string();
    let wrong = |at: &str, read: &str, expected: &str| AppError::wrong(vec![Problem::new(at, read, expected)]);
    let parsed = Resolution::parse(&how).ok_or_else(|| wrong("how", &how, "try_again, done_by_hand or undone_by_hand"))?;
    if words.is_empty() {
        return Err(wrong("words", "", "what was done about it, for whoever reads the timeline"));
    }
    asked(&allowed, id, Action::OperationResolve, Ask::Resolve { how: parsed, words }, "was resolved").await
}

async fn asked(allowed: &Allowed, id: OperationId, action: Action, ask: Ask, comes: &str) -> Result<(), AppError> {
    let mut row = draft(allowed, action, &format!("operation {id}"));
    if let Ask::Resolve { how, words } = &ask {
        row.before = Some(format!("{}: {words}", how.name()));
    }
    let (desk, by) = (Arc::clone(&allowed.panel.operations.desk), row.actor.clone());
    let asked = async move { desk.ask(id, by, ask).await.map(|()| ((), "asked".to_string())).map_err(AppError::from) };
    let ((), written) = written_down(allowed, row, asked).await?;
    context::go_to(&Page::Operation(id), Some(&said(format!("Operation {id} {comes}."), written)));
    Ok(())
}

fn said(mut words: String, written: bool) -> Notice {
    if !written {
        words += " The audit log gets it when the database is back.";
    }
    Notice::done(words)
}

/// Does it with its row of the audit log on the panel's disk before; whether the database has the row already. A task of its own: what
/// was begun is ended and written down also when whoever asked has gone.
async fn written_down<T: Send + 'static>(
    allowed: &Allowed,
    row: Draft,
    doing: impl Future<Output = Result<(T, String), AppError>> + Send + 'static,
) -> Result<(T, bool), AppError> {
    let task = tokio::spawn(keep(Arc::clone(&allowed.panel), row, doing));
    task.await.map_err(|_| AppError::Broken)?
}

async fn keep<T>(
    panel: Arc<Panel>,
    row: Draft,
    doing: impl Future<Output = Result<(T, String), AppError>>,
) -> Result<(T, bool), AppError> {
    let kept = &panel.kept_audit;
    let begun = kept.begin(row, context::now()).await.map_err(|error| {
        tracing::error!(%error, "the audit log cannot be kept on the panel's disk");
        AppError::refused(format!("It cannot be written down on the panel's disk: {error}. Nothing was begun. Make room there."))
    })?;
    let done = doing.await;
    let noted = match &done {
        Ok((_, after)) => kept.settle(begun, after).await,
        Err(_) => kept.forget(begun).await,
    };
    if let Err(error) = noted {
        tracing::error!(%error, "how it ended cannot be kept on the panel's disk");
    }
    let (value, _) = done?;
    let written = tokio::time::timeout(WRITTEN_WITHIN, kept.write(&panel.database)).await;
    Ok((value, matches!(written, Ok(Ok(_)))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{role::Role, session::Stage};
    use crate::values::UserId;

    #[test]
    fn the_level_is_what_was_really_given() {
        let now = Moment::from_seconds(10_000);
        let mut who = SignedIn::new(UserId(1), "ada".into(), Role::Noc, Stage::Full, now);
        assert_eq!(confirmed(&who, "carrier-a", "carrier-a", now), Level::L3);
        who.proved_at = Moment::from_seconds(0);
        assert_eq!(confirmed(&who, " carrier-a ", "carrier-a", now), Level::L2);
        assert_eq!(confirmed(&who, "Carrier-A", "carrier-a", now), Level::L1);
        assert_eq!(confirmed(&who, "", "carrier-a", now), Level::L1);
    }

    #[test]
    fn without_the_typed_name_nothing_is_asked_of_a_machine() {
        assert!(refuse_early(OperationKind::EnableCarrier, Level::L1, "carrier-a").is_ok());
        let refused = refuse_early(OperationKind::DisableCarrier, Level::L1, "carrier-a").expect_err("L2");
        assert_eq!((refused.status(), refused.problems()[0].at.as_str()), (422, "typed"));
        assert!(refuse_early(OperationKind::FailOverDatabase, Level::L2, "databases").is_ok(), "the proof is asked for after");
    }
}
