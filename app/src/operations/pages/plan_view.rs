//! A plan, drawn: its steps with what is sent, how each is undone, the line of no return, and the evidence for and against it.

use crate::{
    operations::{
        change::PlanChange,
        plan::{Plan, PlannedStep, Preflight, Undo, Verdict},
    },
    ui::Badge,
    values::Tone,
};
use leptos::prelude::*;

/// `changes` are marked where they are.
pub fn steps(plan: &Plan, changes: &[PlanChange]) -> impl IntoView + use<> {
    let line = plan.point_of_no_return();
    let one = |(number, step): (usize, &PlannedStep)| {
        let changed = is_changed(&step.name, changes);
        view! {
            {(line == Some(number)).then(line_of_no_return)}
            <li class="step" class:changed=changed>
                <div>
                    <p>
                        <b>{format!("{}. {}", number + 1, step.words)}</b>
                        " "
                        {changed.then(|| view! { <span class="mark">"changed"</span> })}
                    </p>
                    <p class="quiet">{undo(&step.undo)}</p>
                    {commands(&step.commands)}
                </div>
                <small class="quiet">{format!("about {} s", step.seconds_expected)}</small>
            </li>
        }
    };
    view! { <ol class="steps-of-plan">{plan.steps.iter().enumerate().map(one).collect_view()}</ol> }
}

fn is_changed(name: &str, changes: &[PlanChange]) -> bool {
    changes.iter().any(|change| change.name == name)
}

pub fn line_of_no_return() -> impl IntoView {
    view! {
        <li class="no-return">
            <span>"Point of no return: from here on only forward"</span>
        </li>
    }
}

pub fn undo(undo: &Undo) -> String {
    match undo {
        Undo::By(words) => format!("Undo: {words}"),
        Undo::NothingToUndo(why) => format!("Nothing to undo: {why}"),
        Undo::Impossible(why) => format!("Cannot be undone: {why}"),
    }
}

/// Exactly what is sent, one a line, to be read and copied.
pub fn commands(commands: &[String]) -> Option<impl IntoView + use<>> {
    let (count, text) = (commands.len(), commands.join("\n"));
    (count > 0).then(|| {
        let title = if count == 1 { "What is sent".to_string() } else { format!("What is sent: {count} lines") };
        view! {
            <details class="folded" open=true>
                <summary>{title}</summary>
                <pre class="sent">{text}</pre>
            </details>
        }
    })
}

pub fn preflights(plan: &Plan, changes: &[PlanChange]) -> impl IntoView + use<> {
    let one = |preflight: &Preflight| {
        let tone = match preflight.verdict {
            Verdict::Pass => Tone::Good,
            Verdict::Warn => Tone::Notice,
            Verdict::Block => Tone::Bad,
        };
        let changed = is_changed(&preflight.name, changes);
        view! {
            <li class=tone.name()>
                <p>
                    <Badge tone=tone word=preflight.verdict.name()/>
                    " "
                    <b>{preflight.name.replace('_', " ")}</b>
                    " "
                    {changed.then(|| view! { <span class="mark">"changed"</span> })}
                </p>
                <p class="evidence">{preflight.evidence.clone()}</p>
            </li>
        }
    };
    view! { <ul class="preflights">{plan.preflights.iter().map(one).collect_view()}</ul> }
}

/// "3 pass, 1 warns, none blocks"
pub fn verdicts(plan: &Plan) -> String {
    let count = |verdict: Verdict| plan.preflights.iter().filter(|preflight| preflight.verdict == verdict).count();
    format!("{} pass, {} warn, {} block", count(Verdict::Pass), count(Verdict::Warn), count(Verdict::Block))
}
