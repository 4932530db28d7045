//! One alert: how it is, what happened to it, who was told, and what can be done.

use super::{inbox::spans, timeline::AlertTimeline};
use crate::{
    alerts::{
        alert::AlertState,
        api::{AcknowledgeAlert, AlertDetail, AssignAlert, SilenceAlert, UnsilenceAlert, get_alert},
        links::links,
    },
    auth::role::Permission,
    context,
    error::AppError,
    notice::Notice,
    routes::Page,
    shell::PageView,
    ui::{Field, FormState, Kind, PostForm, Select, Submit},
    values::AlertId,
};
use leptos::{prelude::*, server_fn::ServerFn};

pub async fn page(id: AlertId) -> Result<PageView, AppError> {
    let detail = get_alert(id).await?;
    let request = context::request();
    let who = request.who.as_ref();
    let may_handle = who.is_some_and(|who| who.role.may(Permission::HandleAlerts));
    let me = who.map(|who| who.name.clone()).unwrap_or_default();
    let leads = links(&detail.alert, detail.at).into_iter().map(|link| {
        view! {
            <a class="button" href=link.href>
                {link.title}
            </a>
        }
    });
    let actions = view! {
        {leads.collect_view()}
        <a class="button" href=Page::Alerts.path()>
            "All alerts"
        </a>
    };
    let forms = match (may_handle, detail.state) {
        (_, AlertState::Resolved) => view! { <p class="quiet">"It is over; there is nothing to look after."</p> }.into_any(),
        (false, _) => view! { <p class="quiet">"Your role sees alerts; the NOC looks after them."</p> }.into_any(),
        (true, _) => forms(&detail, request.notice.as_ref(), me).into_any(),
    };
    let body = view! {
        <AlertTimeline initial=detail/>
        <section class="panel" id="do">
            <h2>"Look after it"</h2>
            {forms}
        </section>
    };
    Ok(PageView::new(format!("Alert {id}"), body).actions(actions))
}

fn forms(detail: &AlertDetail, notice: Option<&Notice>, me: String) -> impl IntoView + use<> {
    let alert = &detail.alert;
    let hidden = vec![("id", alert.id.to_string())];
    let acknowledge = FormState::of(notice, AcknowledgeAlert::PATH);
    let assign = FormState::of(notice, AssignAlert::PATH);
    let silenced = alert.silenced_until.is_some_and(|until| until > detail.at);
    let assigned = alert.assigned.clone().unwrap_or(me);
    let comment = alert.acknowledged.as_ref().map(|acknowledged| acknowledged.comment.clone()).unwrap_or_default();
    let silence = if silenced {
        view! {
            <PostForm action=UnsilenceAlert::PATH hidden=hidden.clone()>
                <Submit label="End the silence"/>
            </PostForm>
        }
        .into_any()
    } else {
        view! {
            <PostForm action=SilenceAlert::PATH hidden=hidden.clone() class="inline">
                <Select label="Tell nothing of it for" name="minutes" choices=spans() value="120"/>
                <Submit label="Silence"/>
            </PostForm>
        }
        .into_any()
    };
    view! {
        <div class="handle">
            <PostForm action=AcknowledgeAlert::PATH hidden=hidden.clone() state=acknowledge.clone() class="inline">
                <Field label="Comment, seen by all" name="comment" value=comment state=acknowledge/>
                <Submit label="I look after it" kind=Kind::Go/>
            </PostForm>
            <PostForm action=AssignAlert::PATH hidden=hidden state=assign.clone() class="inline">
                <Field label="Assigned to" name="to" value=assigned hint="blank: nobody" state=assign/>
                <Submit label="Assign"/>
            </PostForm>
            {silence}
        </div>
    }
}
