//! One user, and what an administrator can do to them. Each action is a dialog the address names: `?do=disable`.

use crate::{
    auth::{
        api::{audit::list_audit, users, users::UserDetail, users::get_user},
        audit::Entry,
        role::Role,
        user::{self, User, UserChange, UserState},
    },
    context::{self, Request},
    error::AppError,
    routes::Page,
    shell::PageView,
    ui::{ActionLink, Badge, Choice, Confirm, Confirmation, Figure, Figures, FormState, Instant, Kind, Select},
    values::{Level, Query, UserId},
};
use leptos::{prelude::*, server_fn::ServerFn};

pub async fn page(id: UserId) -> Result<PageView, AppError> {
    let UserDetail { user, active_admins } = get_user(id).await?;
    let recent = list_audit(Query::default().with("q", user.name.as_str()).link("").trim_start_matches('?').into()).await;
    let recent = recent.map(|list| list.entries).unwrap_or_default();
    let request = context::request();
    let actor = request.who.as_ref().map(|who| who.user);
    let here = Page::User(id).path();
    let act = |what: &str| Query::default().with("do", what).link(&here);
    let refusal = |rule: Result<(), user::UserRefusal>| rule.err().map(|refusal| refusal.to_string());
    // Any other role stands for "the role can be changed at all".
    let other_role = if user.role == Role::Noc { Role::Viewer } else { Role::Noc };
    let role_refusal = match user.role {
        Role::Customer => Some("Customers have one role; staff are added as users of their own.".to_string()),
        _ => refusal(user::can_change_role(actor, &user, other_role, active_admins)),
    };
    let no_sessions = (user.sessions == 0).then(|| format!("{} is signed in nowhere.", user.name));
    let switch = match user.state {
        UserState::Disabled => view! { <ActionLink label="Enable…" href=act("enable")/> }.into_any(),
        UserState::Active | UserState::Invited => {
            let why_not = refusal(user::can_disable(actor, &user, active_admins));
            view! { <ActionLink label="Disable…" href=act("disable") kind=Kind::Danger why_not=why_not/> }.into_any()
        }
    };
    let totp_refusal = refusal(user::can_switch_totp_off(actor, &user));
    let actions = view! {
        <ActionLink label="Change role…" href=act("role") why_not=role_refusal/>
        <ActionLink label="Set-up link…" href=act("link")/>
        <ActionLink label="End sessions…" href=act("sessions") why_not=no_sessions/>
        <ActionLink label="Second step off…" href=act("totp") kind=Kind::Danger why_not=totp_refusal/>
        {switch}
    };
    let dialog = request.query.get("do").and_then(|what| dialog(what, &user, &request));
    let seen = match user.last_signed_in_at {
        Some(at) => view! { "Last signed in " <Instant at=at/> ". " }.into_any(),
        None => "Has never signed in. ".into_any(),
    };
    let name = user.name.clone();
    let body = view! {
        <section class="panel">
            <p class="say">{seen} "Added " <Instant at=user.created_at/> "."</p>
            <Figures>
                <Figure label="Role" number=user.role.name().to_string() note=user.role.describe().to_string()/>
                <Figure label="Sessions" number=user.sessions.to_string() note="signed-in browsers now".to_string()/>
                <Figure
                    label="Second step"
                    number=if user.totp { "on" } else { "off" }.to_string()
                    note=if user.totp { "signing in asks for a code" } else { "the password alone" }.to_string()
                />
            </Figures>
        </section>
        <section class="panel flush">
            <div class="bar">
                <h2>"Lately in the audit log"</h2>
                <span class="grow"></span>
                <a class="button quiet" href=Query::default().with("q", name).link(&Page::Audit.path())>
                    "All of it"
                </a>
            </div>
            {lately(recent)}
        </section>
        {dialog}
    };
    let lead = view! { <Badge tone=user.state.tone() word=user.state.name()/> };
    Ok(PageView::new(user.name, body).lead(lead).actions(actions))
}

fn lately(entries: Vec<Entry>) -> impl IntoView {
    let row = |entry: Entry| {
        let change = [entry.before, entry.after].map(Option::unwrap_or_default).join(" → ");
        let change = change.trim_matches(|c: char| " →".contains(c)).to_string();
        view! {
            <tr>
                <td>
                    <Instant at=entry.at/>
                </td>
                <td>{entry.actor}</td>
                <td>{entry.action}</td>
                <td>{change}</td>
                <td>
                    <Badge tone=entry.outcome.tone() word=entry.outcome.name()/>
                </td>
            </tr>
        }
    };
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Table of log rows">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"Did what"</th>
                        <th scope="col">"Change"</th>
                        <th scope="col">"Result"</th>
                    </tr>
                </thead>
                <tbody>{entries.into_iter().take(8).map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}

/// The dialog the address asks for.
fn dialog(what: &str, user: &User, request: &Request) -> Option<AnyView> {
    let name = user.name.as_str();
    let (change, action, title, consequence, verb) = match what {
        "disable" => (
            UserChange::Disable,
            users::DisableUser::PATH,
            format!("Disable {name}"),
            "They are signed out everywhere within a second and cannot sign in until enabled again. Nothing of theirs is removed.",
            "Disable",
        ),
        "enable" => (
            UserChange::Enable,
            users::EnableUser::PATH,
            format!("Enable {name}"),
            "They can sign in again with the password they had.",
            "Enable",
        ),
        "link" => (
            UserChange::SendLink,
            users::SendSetupLink::PATH,
            format!("Make a set-up link for {name}"),
            "Whoever opens the link can choose a new password, once, within 24 hours. The present password works until then; a second step stays on.",
            "Make the link",
        ),
        "sessions" => (
            UserChange::EndSessions,
            users::EndUserSessions::PATH,
            format!("End all sessions of {name}"),
            "Every browser they are signed in with must sign in again.",
            "End sessions",
        ),
        "totp" => (
            UserChange::TotpOff,
            users::SwitchUserTotpOff::PATH,
            format!("Switch off the second step of {name}"),
            "Their password alone signs them in, and their sessions end. Do this only for somebody whose device is lost, and make sure it is them who asks.",
            "Switch off",
        ),
        "role" => return Some(role_dialog(user, request)),
        _ => return None,
    };
    let confirmation = confirmation(change, user, request, action, title, consequence, verb);
    let state = FormState::of(request.notice.as_ref(), action);
    Some(view! { <Confirm confirmation=confirmation state=state/> }.into_any())
}

fn confirmation(
    change: UserChange,
    user: &User,
    request: &Request,
    action: &'static str,
    title: String,
    consequence: &str,
    verb: &str,
) -> Confirmation {
    let proved = request.who.as_ref().is_some_and(|who| who.proved_lately(context::now()));
    let here = request.query.link(&request.path);
    let prove_at = Query::default().with("next", here).link(&Page::StepUp.path());
    Confirmation {
        level: change.level(),
        title,
        consequence: consequence.into(),
        action,
        hidden: vec![("id", user.id.to_string())],
        name: user.name.clone(),
        verb: verb.into(),
        back: request.path.clone(),
        prove_at: (change.level() == Level::L3 && !proved).then_some(prove_at),
    }
}

/// Two steps: which role, then, for an administrator, the harder confirmation.
fn role_dialog(user: &User, request: &Request) -> AnyView {
    let action = users::ChangeRole::PATH;
    let state = FormState::of(request.notice.as_ref(), action);
    let title = format!("Change the role of {}", user.name);
    if request.query.get("to") == Some(Role::Admin.name()) {
        let consequence = "They may do everything, users included; you too can be disabled by them.";
        let mut confirmation = confirmation(UserChange::Promote, user, request, action, title, consequence, "Make administrator");
        confirmation.hidden.push(("role", Role::Admin.name().into()));
        return view! { <Confirm confirmation=confirmation state=state/> }.into_any();
    }
    let consequence = format!("They are {} now. Their sessions end; the new role counts from the next sign-in.", user.role.name());
    let confirmation = confirmation(UserChange::ChangeRole, user, request, action, title, &consequence, "Change role");
    let others = Role::ALL.iter().filter(|role| role.door() == user.role.door() && **role != user.role && **role != Role::Admin);
    let choices = others.map(|role| Choice::new(role.name(), format!("{} — {}", role.name(), role.describe()))).collect();
    let promote = request.query.clone().with("to", Role::Admin.name()).link(&request.path);
    let can_be_promoted = user.role != Role::Admin;
    view! {
        <Confirm confirmation=confirmation state=state>
            <Select label="New role" name="role" choices=choices/>
            {can_be_promoted
                .then(|| {
                    view! {
                        <p class="quiet">
                            <a href=promote>"Make them an administrator instead"</a>
                        </p>
                    }
                })}
        </Confirm>
    }
    .into_any()
}
