//! From a kind to who carries it out. One line here for each operation that is built.

pub mod database;
pub mod rehearse;
pub mod switch;

use super::{ground::Ground, journal::JournalError, perform::Performer};
use app::operations::{kind::OperationKind, plan::Plan, refusal::Refusal, run::Run};
use std::collections::BTreeMap;

/// What the operation would do now, with the evidence for and against it.
pub async fn plan(
    kind: OperationKind,
    subject: &str,
    settings: &BTreeMap<String, String>,
    ground: &Ground,
) -> Result<Plan, Refusal> {
    match kind {
        OperationKind::DisableCarrier | OperationKind::EnableCarrier | OperationKind::Drain | OperationKind::ReturnToService => {
            switch::plan(kind, subject, settings, ground).await
        }
        OperationKind::SwitchOverDatabase | OperationKind::FailOverDatabase | OperationKind::RejoinDatabase => {
            database::plan(kind, subject, settings, ground).await
        }
        OperationKind::Rehearse => rehearse::plan(subject, settings, ground),
        OperationKind::FailOverAddress
        | OperationKind::RestartService
        | OperationKind::CloneMachine
        | OperationKind::ReaddressMachine
        | OperationKind::ApplyPriceList => Err(Refusal::NotBuilt { kind }),
    }
}

/// Brings the plan as far as it goes. The outer error is why it cannot even be gone on with, in a sentence.
pub async fn perform(plan: &Plan, ground: &Ground, performer: &Performer<'_>) -> Result<Result<Run, JournalError>, String> {
    match plan.kind {
        OperationKind::DisableCarrier | OperationKind::EnableCarrier | OperationKind::Drain | OperationKind::ReturnToService => {
            Ok(performer.perform(&switch::operation(plan, ground)?).await)
        }
        OperationKind::SwitchOverDatabase | OperationKind::FailOverDatabase | OperationKind::RejoinDatabase => {
            Ok(performer.perform(&database::operation(plan, ground)?).await)
        }
        // It is by far the longest to remember, and rare.
        OperationKind::Rehearse => Ok(Box::pin(performer.perform(&rehearse::operation(plan, ground)?)).await),
        OperationKind::FailOverAddress
        | OperationKind::RestartService
        | OperationKind::CloneMachine
        | OperationKind::ReaddressMachine
        | OperationKind::ApplyPriceList => Err(Refusal::NotBuilt { kind: plan.kind }.to_string()),
    }
}
