//! Buttons that lead to where an operation is confirmed.

use crate::{auth::role::Permission, context, operations::kind::OperationKind, routes::Page, ui::ActionLink, values::Query};
use leptos::prelude::*;

/// The address of the page where an operation on a subject is confirmed.
pub fn confirm_at(kind: OperationKind, subject: &str) -> String {
    Query::default().with("kind", kind.name()).with("subject", subject).link(&Page::NewOperation.path())
}

/// The address of the page that says what can be done to a subject.
pub fn offers_at(subject: &str) -> String {
    Query::default().with("subject", subject).link(&Page::NewOperation.path())
}

/// Why this person cannot run operations, where they cannot.
pub fn role_refusal() -> Option<String> {
    let request = context::request();
    let may = request.who.as_ref().is_some_and(|who| who.role.may(Permission::RunOperations));
    (!may).then(|| "Your role sees operations; administrators and the NOC run them.".to_string())
}

/// One button for each kind that this program can do. `named` also says to what, where a page shows several.
pub fn buttons(kinds: impl Iterator<Item = OperationKind>, subject: &str, named: bool) -> Vec<AnyView> {
    let why_not = role_refusal();
    let one = |kind: OperationKind| {
        let label = match (named, kind) {
            (true, _) => format!("{} {subject}…", kind.verb()),
            (false, OperationKind::RestartService) => "Restart a service…".into(),
            (false, OperationKind::Rehearse) => "Rehearse…".into(),
            (false, _) => format!("{}…", kind.verb()),
        };
        view! { <ActionLink label=label href=confirm_at(kind, subject) why_not=why_not.clone()/> }.into_any()
    };
    kinds.filter(|kind| kind.is_built()).map(one).collect()
}
