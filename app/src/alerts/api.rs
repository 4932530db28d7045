//! The server functions of alerts. What is open is read from memory, so that the inbox works with the database away; what is over,
//! and each change, needs the database.

use crate::{
    alerts::{
        alert::{Alert, AlertEvent, AlertState},
        silence::Silence,
        subject::Severity,
        telling::NoticeRow,
    },
    error::AppError,
    values::{AlertId, Moment},
    wire::{GetUrl, Json},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::{
    alerts::{
        alert::AlertChange,
        filter::{AlertFilter, sort},
        inbox::{AlertRefusal, Inbox},
        store,
    },
    auth::{api::draft, audit::Action, role::Role, store as auth_store},
    context::{self, Allowed, allowed},
    error::Problem,
    notice::Notice,
    routes::Page,
    values::Query,
};
#[cfg(feature = "ssr")]
use std::time::Duration;

/// How far back the inbox looks at what is over, and how much of it.
#[cfg(feature = "ssr")]
const ENDED_SHOWN: Duration = Duration::from_secs(30 * 24 * 3_600);
#[cfg(feature = "ssr")]
const ENDED_ROWS_MAX: u32 = 500;
#[cfg(feature = "ssr")]
const COMMENT_CHARS_MAX: usize = 2_000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertList {
    /// What passes the filter, what matters most first.
    pub alerts: Vec<(Alert, AlertState)>,
    /// All that are not over, by state, whatever the filter.
    pub firing: usize,
    pub acknowledged: usize,
    pub silenced: usize,
    pub at: Moment,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertDetail {
    pub alert: Alert,
    pub state: AlertState,
    pub events: Vec<AlertEvent>,
    pub notices: Vec<NoticeRow>,
    /// Why the history is not shown, when it cannot be read.
    pub without_history: Option<String>,
    pub at: Moment,
}

/// What the menu says of alerts that nobody looks after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firing {
    pub count: usize,
    pub worst: Option<Severity>,
}

impl From<(usize, Option<Severity>)> for Firing {
    fn from((count, worst): (usize, Option<Severity>)) -> Self {
        Self { count, worst }
    }
}

/// For the menu of every page.
#[server(endpoint = "alerts/firing", input = GetUrl, output = Json)]
pub async fn get_firing() -> Result<Firing, AppError> {
    let allowed = allowed::<GetFiring>()?;
    Ok(allowed.panel.alerts.firing_count(context::now()).into())
}

/// `query` is that of the page: `state`, `severity`, `subject`, `q`.
#[server(endpoint = "alerts/list", input = GetUrl, output = Json)]
pub async fn list_alerts(query: String) -> Result<AlertList, AppError> {
    let allowed = allowed::<ListAlerts>()?;
    let (panel, now) = (&allowed.panel, context::now());
    let filter = AlertFilter::from_query(&Query::parse(&query));
    let mut alerts = panel.alerts.list(now);
    let count = |wanted: AlertState| alerts.iter().filter(|(_, state)| *state == wanted).count();
    let (firing, acknowledged, silenced) =
        (count(AlertState::Firing), count(AlertState::Acknowledged), count(AlertState::Silenced));
    if filter.state == Some(AlertState::Resolved) {
        let doing = "list the alerts that are over";
        let mut conn = panel.database.acquire(doing).await?;
        let ended = store::list_ended(&mut conn, now.minus(ENDED_SHOWN), ENDED_ROWS_MAX);
        let ended = panel.database.within(doing, ended).await?;
        alerts.extend(ended.into_iter().map(|alert| (alert, AlertState::Resolved)));
    }
    alerts.retain(|(alert, state)| filter.passes(alert, *state));
    sort(&mut alerts);
    Ok(AlertList { alerts, firing, acknowledged, silenced, at: now })
}

#[server(endpoint = "alerts/get", input = GetUrl, output = Json)]
pub async fn get_alert(id: AlertId) -> Result<AlertDetail, AppError> {
    let allowed = allowed::<GetAlert>()?;
    let (panel, now) = (&allowed.panel, context::now());
    let known = panel.alerts.find(id);
    let doing = "read the history of the alert";
    let read = async {
        let mut conn = panel.database.acquire(doing).await?;
        let stored = panel.database.within(doing, store::find(&mut conn, id)).await?;
        let events = panel.database.within(doing, store::list_events(&mut conn, id)).await?;
        let notices = panel.database.within(doing, store::notices::list_of(&mut conn, id)).await?;
        Ok::<_, AppError>((stored, events, notices))
    };
    let (stored, events, notices, without_history) = match (read.await, &known) {
        (Ok((stored, events, notices)), _) => (stored, events, notices, None),
        // What is open is known without the database.
        (Err(error @ AppError::Away { .. }), Some(_)) => (None, Vec::new(), Vec::new(), Some(error.to_string())),
        (Err(error), _) => return Err(error),
    };
    let alert = known.or(stored).ok_or_else(|| AppError::not_found(format!("alert number {id}")))?;
    let state = panel.alerts.state_of(&alert, now);
    Ok(AlertDetail { alert, state, events, notices, without_history, at: now })
}

/// What a person wrote, within bounds.
#[cfg(feature = "ssr")]
fn parse_text(at: &str, text: &str, chars_max: usize) -> Result<String, AppError> {
    let text = text.trim();
    if text.chars().count() <= chars_max {
        return Ok(text.into());
    }
    Err(AppError::wrong(vec![Problem::new(at, "", format!("at most {chars_max} characters"))]))
}

/// A change of one alert: planned, written with its row in the audit log, shown.
#[cfg(feature = "ssr")]
async fn change(
    allowed: &Allowed,
    action: Action,
    doing: &str,
    plan: impl FnOnce(&mut Inbox, &str, Moment) -> Result<AlertChange, AlertRefusal>,
) -> Result<Alert, AppError> {
    let (panel, now, who) = (&allowed.panel, context::now(), allowed.who()?.name.clone());
    let planned = |inbox: &mut Inbox| {
        let change = plan(inbox, &who, now).map_err(AppError::refused)?;
        Ok((change.clone(), vec![change], None))
    };
    let row = |change: &AlertChange| {
        let mut row = draft(allowed, action, &format!("{} {}", change.alert.id, change.alert.identity()));
        row.after = change.event.as_ref().map(|event| event.text.clone()).filter(|text| !text.is_empty());
        row
    };
    let change = panel.alerts.change(&panel.database, doing, now, planned, row).await?;
    Ok(change.alert)
}

/// Back to the page the form stood on, where that is one of ours, else to the alert.
#[cfg(feature = "ssr")]
fn answer(allowed: &Allowed, back: Option<String>, id: AlertId, text: String) {
    let ours = |back: &String| Page::parse(allowed.request.door, back.split('?').next().unwrap_or_default()).is_some();
    let to = back.filter(ours).unwrap_or_else(|| Page::Alert(id).path());
    context::go_to_path(&to, Some(&Notice::done(text)));
}

/// Says to all that somebody looks after it; escalation stops.
#[server(endpoint = "alerts/acknowledge")]
pub async fn acknowledge_alert(id: AlertId, comment: String, back: Option<String>) -> Result<(), AppError> {
    let allowed = allowed::<AcknowledgeAlert>()?;
    let comment = parse_text("comment", &comment, COMMENT_CHARS_MAX)?;
    let plan = |inbox: &mut Inbox, who: &str, now| inbox.acknowledge(id, who, &comment, now);
    let alert = change(&allowed, Action::AlertAcknowledge, "acknowledge the alert", plan).await?;
    answer(&allowed, back, id, format!("You look after this now: {}", alert.sentence));
    Ok(())
}

/// To a person who works here, or to nobody.
#[server(endpoint = "alerts/assign")]
pub async fn assign_alert(id: AlertId, to: String, back: Option<String>) -> Result<(), AppError> {
    let allowed = allowed::<AssignAlert>()?;
    let (doing, to) = ("assign the alert", to.trim().to_lowercase());
    if !to.is_empty() {
        let mut tx = allowed.panel.database.begin(doing).await?;
        let id = allowed.panel.database.within(doing, auth_store::users::find_id(&mut tx, &to)).await?;
        let user = match id {
            Some(id) => allowed.panel.database.within(doing, auth_store::users::find_user(&mut tx, id)).await?,
            None => None,
        };
        if user.is_none_or(|user| user.role == Role::Customer) {
            return Err(AppError::wrong(vec![Problem::new("to", to, "the name of somebody who signs in at the staff panel")]));
        }
    }
    let plan = |inbox: &mut Inbox, who: &str, now| inbox.assign(id, who, &to, now);
    change(&allowed, Action::AlertAssign, doing, plan).await?;
    let text = if to.is_empty() { "The alert is assigned to nobody.".into() } else { format!("The alert is assigned to {to}.") };
    answer(&allowed, back, id, text);
    Ok(())
}

/// Nothing more is told of it for a while; it stays in the inbox.
#[server(endpoint = "alerts/silence")]
pub async fn silence_alert(id: AlertId, minutes: u32, back: Option<String>) -> Result<(), AppError> {
    let allowed = allowed::<SilenceAlert>()?;
    let span = Duration::from_secs(u64::from(minutes) * 60);
    let plan = |inbox: &mut Inbox, who: &str, now| inbox.silence(id, who, span, now);
    let alert = change(&allowed, Action::AlertSilence, "silence the alert", plan).await?;
    let until = alert.silenced_until.map(|until| until.to_string()).unwrap_or_default();
    answer(&allowed, back, id, format!("Nothing is told of it until {until} UTC; then again, if it is still wrong."));
    Ok(())
}

#[server(endpoint = "alerts/unsilence")]
pub async fn unsilence_alert(id: AlertId, back: Option<String>) -> Result<(), AppError> {
    let allowed = allowed::<UnsilenceAlert>()?;
    let plan = |inbox: &mut Inbox, who: &str, now| inbox.unsilence(id, who, now);
    change(&allowed, Action::AlertUnsilence, "end the silence", plan).await?;
    answer(&allowed, back, id, "The silence is over; changes are told again.".into());
    Ok(())
}

#[server(endpoint = "silences/list", input = GetUrl, output = Json)]
pub async fn list_silences() -> Result<Vec<Silence>, AppError> {
    let allowed = allowed::<ListSilences>()?;
    Ok(allowed.panel.alerts.silences(context::now()))
}

#[cfg(feature = "ssr")]
async fn change_silence(
    allowed: &Allowed,
    action: Action,
    doing: &str,
    plan: impl FnOnce(&mut Inbox, Moment) -> Result<Silence, AlertRefusal>,
) -> Result<Silence, AppError> {
    let (panel, now) = (&allowed.panel, context::now());
    let planned = |inbox: &mut Inbox| {
        let silence = plan(inbox, now).map_err(AppError::refused)?;
        Ok((silence.clone(), Vec::new(), Some(silence)))
    };
    let row = |silence: &Silence| {
        let mut row = draft(allowed, action, &format!("{} of {}", silence.rule, silence.subject));
        row.after = Some(format!("until {} UTC: {}", silence.until, silence.comment));
        row
    };
    panel.alerts.change(&panel.database, doing, now, planned, row).await
}

/// Over every alert, open or to come, whose rule and subject fit the patterns.
#[server(endpoint = "silences/add")]
pub async fn add_silence(rule: String, about: String, minutes: u32, comment: String) -> Result<(), AppError> {
    let allowed = allowed::<AddSilence>()?;
    let by = allowed.who()?.name.clone();
    let pattern = |at: &str, text: &str| {
        let text = parse_text(at, text, 160)?;
        if text.is_empty() {
            Err(AppError::wrong(vec![Problem::new(at, "", "a pattern; * stands for anything")]))
        } else {
            Ok(text)
        }
    };
    let (rule, subject) = (pattern("rule", &rule)?, pattern("about", &about)?);
    let comment = parse_text("comment", &comment, COMMENT_CHARS_MAX)?;
    let plan = |inbox: &mut Inbox, now: Moment| {
        let until = now.plus(Duration::from_secs(u64::from(minutes) * 60));
        inbox.add_silence(Silence { id: 0, rule, subject, until, by, created_at: now, comment, ended_at: None })
    };
    let silence = change_silence(&allowed, Action::SilenceAdd, "add the silence", plan).await?;
    let text = format!("Nothing is told of {} about {} until {} UTC.", silence.rule, silence.subject, silence.until);
    context::go_to(&Page::Alerts, Some(&Notice::done(text)));
    Ok(())
}

#[server(endpoint = "silences/end")]
pub async fn end_silence(id: u64) -> Result<(), AppError> {
    let allowed = allowed::<EndSilence>()?;
    let plan = |inbox: &mut Inbox, now| inbox.end_silence(id, now);
    let silence = change_silence(&allowed, Action::SilenceEnd, "end the silence", plan).await?;
    let text = format!("The silence of {} about {} is over.", silence.rule, silence.subject);
    context::go_to(&Page::Alerts, Some(&Notice::done(text)));
    Ok(())
}
