//! The inbox: what is wrong, since when, who looks after it. The address holds the filter.

use super::live::AlertsLive;
use crate::{
    alerts::{
        alert::AlertState,
        api::{AddSilence, EndSilence, list_alerts, list_silences},
        silence::Silence,
        subject::Severity,
    },
    auth::role::Permission,
    context,
    error::AppError,
    routes::Page,
    shell::PageView,
    ui::{Choice, Empty, Field, Filters, FormState, Instant, Kind, PostForm, Select, Submit},
};
use leptos::{prelude::*, server_fn::ServerFn};

pub async fn page() -> Result<PageView, AppError> {
    let request = context::request();
    let query = request.query.clone();
    let text = query.link("").trim_start_matches('?').to_string();
    let list = list_alerts(text.clone()).await?;
    let silences = list_silences().await?;
    let may_handle = request.who.as_ref().is_some_and(|who| who.role.may(Permission::HandleAlerts));
    let states = [("", "all that is not over")].into_iter().chain(AlertState::ALL.map(|state| (state.name(), state.name())));
    let states = states.map(|(value, label)| Choice::new(value, label)).collect();
    let severities = [("", "any")].into_iter().chain(Severity::ALL.map(|severity| (severity.name(), severity.name())));
    let severities = severities.map(|(value, label)| Choice::new(value, label)).collect();
    let [state, severity, subject] = ["state", "severity", "subject"].map(|key| query.get(key).unwrap_or_default().to_string());
    let form = FormState::of(request.notice.as_ref(), AddSilence::PATH);
    let refused = request.notice.as_ref().is_some_and(|notice| notice.form.as_deref() == Some(AddSilence::PATH));
    let body = view! {
        <section class="panel flush">
            <Filters path=Page::Alerts.path() query=query search="Subject, rule, words…">
                <Select label="State" name="state" choices=states value=state/>
                <Select label="Severity" name="severity" choices=severities value=severity/>
                <Field label="Subject" name="subject" value=subject/>
            </Filters>
            <div class="inset">
                <AlertsLive initial=list query=text may_handle=may_handle/>
            </div>
        </section>
        <section class="panel" id="silences">
            <h2>"Silences"</h2>
            {silences_list(silences, may_handle)}
            {may_handle.then(|| silence_form(form, refused))}
        </section>
    };
    Ok(PageView::new("Alerts", body).lead("What is wrong, since when, and who looks after it."))
}

/// How long, in minutes.
pub(super) fn spans() -> Vec<Choice> {
    [("30", "30 minutes"), ("120", "2 hours"), ("480", "8 hours"), ("1440", "a day"), ("10080", "7 days")]
        .into_iter()
        .map(|(minutes, label)| Choice::new(minutes, label))
        .collect()
}

fn silences_list(silences: Vec<Silence>, may_handle: bool) -> AnyView {
    if silences.is_empty() {
        return view! { <Empty what="Nothing is silenced by rule." next="An alert can also be silenced by itself, on its page."/> }
            .into_any();
    }
    let line = |silence: Silence| {
        let hidden = vec![("id", silence.id.to_string())];
        view! {
            <li>
                <span>
                    <code>{silence.rule}</code> " about " <code>{silence.subject}</code> " until " <Instant at=silence.until/> " by "
                    {silence.by} {(!silence.comment.is_empty()).then(|| format!(": {}", silence.comment))}
                </span>
                {may_handle
                    .then(|| {
                        view! {
                            <PostForm action=EndSilence::PATH hidden=hidden>
                                <Submit label="End" kind=Kind::Quiet/>
                            </PostForm>
                        }
                    })}
            </li>
        }
    };
    view! { <ul class="silences">{silences.into_iter().map(line).collect_view()}</ul> }.into_any()
}

/// Open at once after it was refused.
fn silence_form(state: FormState, refused: bool) -> impl IntoView {
    let open = refused.then_some("");
    view! {
        <details class="silence" open=open>
            <summary class="button quiet">"Silence a rule or a subject…"</summary>
            <PostForm action=AddSilence::PATH state=state.clone() class="inline">
                <Field label="Rule" name="rule" value="*" hint="replica.* or *; a star stands for anything" state=state.clone() required=true/>
                <Field label="About" name="about" hint="machine:asterisk-*" state=state.clone() required=true/>
                <Select label="For" name="minutes" choices=spans() value="120" state=state.clone()/>
                <Field label="Why" name="comment" state=state/>
                <Submit label="Tell nothing of it meanwhile"/>
            </PostForm>
        </details>
    }
}
