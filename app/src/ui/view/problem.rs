use crate::{
    error::{AppError, Problem},
    values::RequestId,
};
use leptos::prelude::*;

/// Wrong values: where, what was read, what was expected.
#[component]
pub fn ProblemList(problems: Vec<Problem>) -> impl IntoView {
    let line = |problem: Problem| {
        let read = (!problem.read.is_empty()).then(|| format!(" — read “{}”", problem.read));
        view! {
            <li>
                <b>{problem.at}</b>
                {read}
                ", expected "
                {problem.expected}
            </li>
        }
    };
    view! { <ul class="problems">{problems.into_iter().map(line).collect_view()}</ul> }
}

/// Instead of a page that cannot be shown: what happened, and where to go from here.
#[component]
pub fn ProblemPage(error: AppError, request: RequestId, #[prop(into)] home: String) -> impl IntoView {
    let (status, heading) = (
        error.status(),
        match &error {
            AppError::SignedOut(_) => "Sign in first",
            AppError::NotAllowed { .. } => "Not allowed",
            AppError::NotFound { .. } => "Not found",
            AppError::Refused { .. } => "Refused",
            AppError::TooMany { .. } => "Too many at once",
            AppError::Malformed { .. } => "Not understood",
            AppError::Away { .. } => "Not available now",
            AppError::Broken => "Our mistake",
        },
    );
    view! {
        <section class="panel problem">
            <h2>{heading}</h2>
            <p class="say">{error.to_string()}</p>
            <p class="actions">
                <a class="button" href="">
                    "Try again"
                </a>
                <a class="button" href=home>
                    "To the start"
                </a>
            </p>
            <p class="quiet">"Status " {status} " · request " <code>{request.0}</code></p>
        </section>
    }
}
