//! Where an operation begins: what can be done to what, the plan of one thing, and its confirmation.

use super::{
    links::{confirm_at, role_refusal},
    plan_view::{preflights, steps, verdicts},
    settings_form::settings_form,
};
use crate::{
    context::{self, Request},
    error::AppError,
    operations::{
        api::{StartOperation, list_offers, plan_operation},
        change::PlanChange,
        kind::OperationKind,
        plan::Plan,
        sheet::{Looked, Offer, PlanSheet},
    },
    routes::Page,
    shell::PageView,
    ui::{Empty, Field, FormState, Instant, Kind, PostForm, Progress, Submit},
    values::{Level, Moment, OperationId, Query},
};
use leptos::{either::Either, prelude::*, server_fn::ServerFn};

/// Of the page itself; every other key of its address is a setting.
const OWN_KEYS: [&str; 4] = ["kind", "subject", "seen", "kiosk"];

pub async fn page() -> Result<PageView, AppError> {
    let request = context::request();
    match (request.query.get("kind"), request.query.get("subject")) {
        (Some(kind), Some(subject)) => confirm(&request, kind, subject).await,
        (kind, subject) => choose(kind, subject).await,
    }
}

/// What can be done, to all or to one thing.
async fn choose(kind: Option<&str>, subject: Option<&str>) -> Result<PageView, AppError> {
    let wanted = |offer: &Offer| kind.is_none_or(|kind| offer.kind.name() == kind);
    let links = |offer: &Offer| {
        let of = offer.subjects.iter().filter(|of| subject.is_none_or(|subject| subject == of.as_str()));
        let links: Vec<_> = of.map(|of| (of.clone(), confirm_at(offer.kind, of))).collect();
        let words = format!("{} a {}", offer.kind.verb(), offer.kind.subject().name());
        (!links.is_empty()).then(|| {
            view! {
                <li>
                    <b>{words}</b>
                    <span class="actions">
                        {links
                            .into_iter()
                            .map(|(of, href)| {
                                view! {
                                    <a class="button" href=href>
                                        <span class="unseen">{offer.kind.verb()} " "</span>
                                        {of}
                                    </a>
                                }
                            })
                            .collect_view()}
                    </span>
                </li>
            }
        })
    };
    let body = match list_offers().await {
        Ok(offers) if offers.iter().any(|offer| wanted(offer) && links(offer).is_some()) => {
            let all = offers.iter().filter(|offer| wanted(offer)).filter_map(links).collect_view();
            view! { <ul class="offers">{all}</ul> }.into_any()
        }
        Ok(_) => {
            view! { <Empty what="Nothing here can be operated." next="The inventory names no such carrier, machine or cluster."/> }
                .into_any()
        }
        Err(AppError::Refused { why, .. }) => view! { <Empty what="There is nothing to operate yet." next=why/> }.into_any(),
        Err(error) => return Err(error),
    };
    let body = view! { <section class="panel">{body}</section> };
    Ok(PageView::new("Start an operation", body).lead("Each shows its plan first; nothing begins before you confirm it."))
}

async fn confirm(request: &Request, kind: &str, subject: &str) -> Result<PageView, AppError> {
    let settings = OWN_KEYS.iter().fold(request.query.clone(), |query, key| query.without(key));
    let settings = settings.link("").trim_start_matches('?').to_string();
    let notice = request.notice.as_ref().filter(|notice| notice.form.as_deref() == Some(StartOperation::PATH));
    let seen = notice.and_then(|notice| notice.typed("fingerprint")).or(request.query.get("seen")).map(str::to_string);
    let sheet = plan_operation(kind.into(), subject.into(), Some(settings), seen.clone()).await?;
    let title = format!("{} {}", sheet.kind.verb(), sheet.subject);
    let body = match &sheet.looked {
        Looked::Looking => {
            let again = seen.iter().fold(request.query.clone(), |query, seen| query.with("seen", seen.as_str()));
            context::look_again_after(1, &again.link(&Page::NewOperation.path()));
            looking().into_any()
        }
        Looked::Refused(why) => {
            let why = why.clone();
            view! {
                <section class="panel problem">
                    <h2>"There is no plan for this"</h2>
                    <p class="say">{why}</p>
                </section>
                {settings_form(&sheet)}
            }
            .into_any()
        }
        Looked::Plan { plan, at, why_not, held_by } => {
            let form = start_form(request, &sheet, plan, why_not.clone(), *held_by);
            planned(&sheet, plan, *at, form.into_any()).into_any()
        }
    };
    Ok(PageView::new(title, body).lead(confirmed_how(sheet.kind)))
}

fn looking() -> impl IntoView {
    view! {
        <section class="panel">
            <Progress label="The machines are being asked; this page shows the plan as soon as they have answered." percent=None/>
        </section>
    }
}

const fn confirmed_how(kind: OperationKind) -> &'static str {
    match kind.level() {
        Level::L0 => "It changes nothing.",
        Level::L1 => "Level L1: you confirm it. Nothing has begun.",
        Level::L2 => "Level L2: you look at the plan and type the name. Nothing has begun.",
        Level::L3 => "Level L3: you look at the plan, prove that it is you, and type the name. Nothing has begun.",
    }
}

fn planned(sheet: &PlanSheet, plan: &Plan, at: Moment, form: AnyView) -> impl IntoView + use<> {
    let seconds: u32 = plan.steps.iter().map(|step| step.seconds_expected).sum();
    let said = format!("{} steps, about {seconds} s. ", plan.steps.len());
    view! {
        {changed(&sheet.changes)}
        <div class="cols">
            <section class="panel" aria-labelledby="steps">
                <h2 id="steps">"What will be done"</h2>
                <p class="quiet">{said} "Looked at " <Instant at=at/> "."</p>
                {steps(plan, &sheet.changes)}
            </section>
            <section class="panel" aria-labelledby="preflights">
                <h2 id="preflights">"What speaks for it and against it"</h2>
                <p class="quiet">{verdicts(plan)}</p>
                {preflights(plan, &sheet.changes)}
            </section>
        </div>
        {settings_form(sheet)}
        {form}
    }
}

fn changed(changes: &[PlanChange]) -> Option<impl IntoView + use<>> {
    let lines = changes.iter().map(|change| view! { <li>{change.words.clone()}</li> }).collect_view();
    (!changes.is_empty()).then(|| {
        view! {
            <section class="panel plan-changed" role="status">
                <h2>"What changed since you looked"</h2>
                <ul>{lines}</ul>
            </section>
        }
    })
}

/// The consequence, in one sentence.
fn consequence(plan: &Plan) -> String {
    let back = match plan.point_of_no_return() {
        None => "Every step can be undone, and is if a later one fails.".to_string(),
        Some(line) => format!("Until step {} it can be undone; from there on it only goes forward.", line + 1),
    };
    format!("This will: {}. {back}", plan.title())
}

fn start_form(
    request: &Request,
    sheet: &PlanSheet,
    plan: &Plan,
    why_not: Option<String>,
    held_by: Option<OperationId>,
) -> impl IntoView + use<> {
    let form = FormState::of(request.notice.as_ref(), StartOperation::PATH);
    // What was typed for another plan is no confirmation of this one.
    let state = if sheet.changes.is_empty() { form } else { FormState::default() };
    let settings = sheet.given.iter().fold(Query::default(), |query, (name, value)| query.with(name, value.as_str()));
    let hidden = vec![
        ("kind", sheet.kind.name().to_string()),
        ("subject", sheet.subject.clone()),
        ("settings", settings.link("").trim_start_matches('?').to_string()),
        ("fingerprint", plan.fingerprint()),
    ];
    let why_not = role_refusal().or(why_not);
    let level = plan.level;
    let proved = request.who.as_ref().is_some_and(|who| who.proved_lately(context::now()));
    let must_prove = level >= Level::L3 && !proved && why_not.is_none();
    let here = request.query.clone().without("seen").link(&Page::NewOperation.path());
    let prove_at = Query::default().with("next", here).link(&Page::StepUp.path());
    let typed = (level >= Level::L2).then(|| {
        let label = format!("Type {} to confirm", sheet.subject);
        view! { <Field label=label name="typed" state=state.clone() autocomplete="off"/> }
    });
    let kind = if level >= Level::L2 { Kind::Danger } else { Kind::Go };
    let verb = plan.title();
    let submit_why = why_not.clone();
    let inside = if must_prove {
        Either::Left(view! {
            <p class="say">"This is one of the few things that ask for a fresh proof that it is you. It counts for five minutes."</p>
            <a class="button go" href=prove_at>
                "Prove it is you"
            </a>
        })
    } else {
        Either::Right(view! {
            <PostForm action=StartOperation::PATH hidden=hidden state=state>
                {typed} <div class="actions">
                    <Submit label=verb kind=kind why_not=submit_why/>
                </div>
            </PostForm>
        })
    };
    let held = held_by.map(|id| {
        view! {
            <a class="button" href=Page::Operation(id).path()>
                {format!("See operation {id}")}
            </a>
        }
    });
    view! {
        <section class="panel" id="confirm" aria-labelledby="confirm-title">
            <h2 id="confirm-title">"Confirm"</h2>
            <p class="say">{consequence(plan)}</p>
            {why_not.map(|why| view! { <p class="why-not">{why}</p> })}
            {inside}
            {held}
        </section>
    }
}
