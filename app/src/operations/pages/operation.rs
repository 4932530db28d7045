//! One operation: its steps done, running and to come, its facts, its log, and what can be asked of it. Its address is the link to share.

use super::{
    links::role_refusal,
    list::{FRESH_MS, span},
    plan_view::{commands, line_of_no_return, preflights, undo, verdicts},
};
use crate::{
    context::{self, Request},
    error::AppError,
    live::Topic,
    operations::{
        api::{CancelOperation, ContinueOperation, PauseOperation, ResolveOperation, get_operation},
        journal::Resolution,
        plan::{Plan, PlannedStep, Undo},
        sheet::{LogLine, OperationSheet, StepSheet, Summary},
    },
    routes::Page,
    shell::{PageView, fresh::Fresh},
    ui::{ActionLink, Badge, Choice, Confirm, Confirmation, Empty, Field, FormState, Instant, Kind, PostForm, Select, Submit},
    values::{Level, OperationId, Query},
};
use leptos::{prelude::*, server_fn::ServerFn};
use std::time::Duration;

pub async fn page(id: OperationId) -> Result<PageView, AppError> {
    let sheet = get_operation(id).await?;
    let request = context::request();
    let link = format!("{}{}", context::panel().staff_url, Page::Operation(id).path());
    let summary = &sheet.summary;
    let lead = format!("Operation {id}, started by {} at {} UTC.", summary.started_by, summary.started_at);
    let dialog = request.query.get("do").filter(|what| *what == "cancel").map(|_| cancel_dialog(&sheet, &request));
    let title = summary.title.clone();
    let body = view! {
        <section class="panel">
            <div data-fresh="operation-state">{state(&sheet)}</div>
            <p class="quiet">"Link to share: " <code class="copy">{link}</code></p>
        </section>
        <section class="panel" aria-labelledby="ask">
            <h2 id="ask">"What can be asked of it"</h2>
            <div class="asks" data-fresh="operation-ask">{asks(&sheet, &request)}</div>
        </section>
        <div class="cols">
            <section class="panel" aria-labelledby="steps">
                <h2 id="steps">"Steps"</h2>
                {steps(&sheet)}
            </section>
            <section class="panel" aria-labelledby="log">
                <h2 id="log">"Log " <small>"UTC"</small></h2>
                <div data-fresh="operation-log">{log(&sheet.log)}</div>
            </section>
        </div>
        <div class="cols">
            <section class="panel" aria-labelledby="facts">
                <h2 id="facts">"What it found"</h2>
                <div data-fresh="operation-facts">{facts(&sheet.facts)}</div>
            </section>
            <section class="panel" aria-labelledby="preflights">
                <h2 id="preflights">"What spoke for it and against it"</h2>
                <p class="quiet">{verdicts(&sheet.plan)}</p>
                {preflights(&sheet.plan, &[])}
                {settings(&sheet.plan)}
            </section>
        </div>
        {dialog}
    };
    let actions = view! {
        <Fresh topic=Topic::Operations every_ms=FRESH_MS/>
        <a class="button" href=Page::Operations.path()>
            "All operations"
        </a>
    };
    Ok(PageView::new(title, body).lead(lead).actions(actions))
}

/// What it is at, since when, and what it waits on.
fn state(sheet: &OperationSheet) -> impl IntoView + use<> {
    let Summary { word, tone, over, step, since, last_line, reason, started_at, last_at, .. } = sheet.summary.clone();
    let took = span(last_at.since(started_at));
    let said = match (over, step) {
        (true, _) => format!("It is over: {word} after {took}."),
        (false, Some(step)) => step,
        (false, None) => "It comes to its end.".into(),
    };
    let line = sheet.past_the_line.then_some(" Its point of no return is behind it.");
    view! {
        <p class="say first">
            <Badge tone=tone word=word/>
            " "
            {said}
            {line}
            {since.map(|since| view! { <span class="quiet">" Since " <Instant at=since/> "."</span> })}
        </p>
        {last_line.filter(|_| !over).map(|line| view! { <p class="comment">{line}</p> })}
        {reason.map(|reason| view! { <p class="comment">{reason}</p> })}
    }
}

/// What moves in a step is a piece of its own: whoever reads its commands meanwhile is not disturbed.
fn steps(sheet: &OperationSheet) -> impl IntoView + use<> {
    let line = sheet.plan.point_of_no_return();
    let one = |(number, (planned, step)): (usize, (&PlannedStep, &StepSheet))| {
        view! {
            {(line == Some(number)).then(line_of_no_return)}
            <li class="step">
                <div>
                    <div data-fresh=format!("operation-step-{number}")>{progress(number, planned, step)}</div>
                    <p class="quiet">{undo(&planned.undo)}</p>
                    {commands(&planned.commands)}
                </div>
            </li>
        }
    };
    view! { <ol class="steps-of-plan">{sheet.plan.steps.iter().zip(&sheet.steps).enumerate().map(one).collect_view()}</ol> }
}

fn progress(number: usize, planned: &PlannedStep, step: &StepSheet) -> impl IntoView + use<> {
    let (name, expected) = (format!("{}. {}", number + 1, planned.words), planned.seconds_expected);
    let took = step.took_ms.map(|ms| format!("took {}", span(Duration::from_millis(ms))));
    let timing = match (took, step.since) {
        (Some(took), _) => took,
        (None, None) => format!("about {expected} s"),
        (None, Some(since)) => format!("since {} UTC", since.time_of_day()),
    };
    let tries = match (step.attempts, step.undo_attempts) {
        (0 | 1, 0 | 1) => None,
        (run, 0 | 1) => Some(format!(" · attempt {run}")),
        (_, undo) => Some(format!(" · attempt {undo} at the undo")),
    };
    view! {
        <p aria-current=step.current.then_some("step")>
            <Badge tone=step.tone word=step.word.clone()/>
            " "
            <b>{name}</b>
        </p>
        <p class="quiet">{timing} {tries}</p>
        {step.why.clone().map(|why| view! { <p class="comment">{why}</p> })}
    }
}

fn facts(facts: &[(String, String)]) -> AnyView {
    if facts.is_empty() {
        return view! { <Empty what="Nothing yet." next="What the steps find out is kept here for those that come after."/> }
            .into_any();
    }
    let one = |(name, value): &(String, String)| {
        view! {
            <li>
                <span class="label">{name.replace('_', " ")}</span>
                <code>{value.clone()}</code>
            </li>
        }
    };
    view! { <ul class="facts">{facts.iter().map(one).collect_view()}</ul> }.into_any()
}

fn settings(plan: &Plan) -> Option<impl IntoView + use<>> {
    let lines: Vec<String> = plan.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (!lines.is_empty()).then(|| view! { <p class="quiet">"Settings: " <code>{lines.join(" ")}</code></p> })
}

fn log(lines: &[LogLine]) -> impl IntoView + use<> {
    let one = |line: &LogLine| {
        view! {
            <li class=line.tone.name()>
                <time datetime=line.at.rfc3339()>{line.at.time_of_day()}</time>
                <span>{line.words.clone()}</span>
            </li>
        }
    };
    view! { <ol class="timeline">{lines.iter().map(one).collect_view()}</ol> }
}

fn asks(sheet: &OperationSheet, request: &Request) -> impl IntoView + use<> {
    let (id, can, no_role) = (sheet.summary.id, sheet.can.clone(), role_refusal());
    let [cancel, pause, go_on, resolve] =
        [can.cancel, can.pause, can.go_on, can.resolve.clone()].map(|why| no_role.clone().or(why));
    let hidden = || vec![("id", id.to_string())];
    let cancel_at = Query::default().with("do", "cancel").link(&Page::Operation(id).path());
    let stuck = can.resolve.is_none() && no_role.is_none();
    view! {
        <div class="actions">
            <ActionLink label="Cancel and undo…" href=cancel_at kind=Kind::Danger why_not=cancel/>
            <PostForm action=PauseOperation::PATH hidden=hidden()>
                <Submit label="Pause" why_not=pause/>
            </PostForm>
            <PostForm action=ContinueOperation::PATH hidden=hidden()>
                <Submit label="Continue" why_not=go_on/>
            </PostForm>
            {(!stuck).then(|| view! { <ActionLink label="Resolve" href="#ask" why_not=resolve/> })}
        </div>
        {stuck.then(|| resolve_form(id, request))}
    }
}

fn resolve_form(id: OperationId, request: &Request) -> impl IntoView + use<> {
    let state = FormState::of(request.notice.as_ref(), ResolveOperation::PATH);
    let hows = Resolution::ALL.map(|how| {
        let label = match how {
            Resolution::TryAgain => "what was in the way is gone: try again",
            Resolution::DoneByHand => "I brought it to its end by hand: done",
            Resolution::UndoneByHand => "all is as it was before, by hand: undone",
        };
        Choice::new(how.name(), label)
    });
    view! {
        <PostForm action=ResolveOperation::PATH hidden=vec![("id", id.to_string())] state=state.clone() class="inline">
            <Select label="It is stuck. What became of it?" name="how" choices=hows.into() state=state.clone()/>
            <Field label="What was done about it" name="words" hint="for whoever reads the timeline" state=state required=true/>
            <Submit label="Resolve" kind=Kind::Go/>
        </PostForm>
    }
}

/// The dialog names what will be undone. Where it cannot be, there is none.
fn cancel_dialog(sheet: &OperationSheet, request: &Request) -> Option<impl IntoView + use<>> {
    let id = sheet.summary.id;
    let done = sheet.steps.iter().zip(&sheet.plan.steps).filter(|(step, _)| step.since.is_some());
    let undone = done.filter(|(_, planned)| matches!(planned.undo, Undo::By(_))).count();
    let consequence = match undone {
        0 => "Nothing was changed yet; no other step begins.".to_string(),
        1 => "One step is undone; no other begins.".into(),
        many => format!("{many} steps are undone, the last one first; no other begins."),
    };
    let confirmation = Confirmation {
        level: Level::L1,
        title: format!("Cancel: {}", sheet.summary.title),
        consequence,
        action: CancelOperation::PATH,
        hidden: vec![("id", id.to_string())],
        name: sheet.summary.subject.clone(),
        verb: "Cancel and undo".into(),
        back: Page::Operation(id).path(),
        prove_at: None,
    };
    let allowed = sheet.can.cancel.is_none() && role_refusal().is_none();
    let state = FormState::of(request.notice.as_ref(), CancelOperation::PATH);
    allowed.then(|| view! { <Confirm confirmation=confirmation state=state/> })
}
