//! A person's own account: password, second step, sessions.

use crate::{
    auth::{
        api::{profile, profile::get_profile, session, session::list_own_sessions, totp},
        session::SessionView,
    },
    context,
    error::AppError,
    limits,
    routes::Page,
    shell::PageView,
    ui::{Badge, Field, FieldKind, FormState, Instant, Kind, PostForm, Submit},
    values::{Query, Tone},
};
use leptos::{prelude::*, server_fn::ServerFn};

pub async fn page() -> Result<PageView, AppError> {
    let profile = get_profile().await?;
    let sessions = list_own_sessions().await?;
    let request = context::request();
    let action = profile::ChangePassword::PATH;
    let state = FormState::of(request.notice.as_ref(), action);
    let hint = format!("At least {} characters.", limits::PASSWORD_CHARS_MIN);
    let only_session = (sessions.len() < 2).then(|| "This is your only session.".to_string());
    let proved = request.who.as_ref().is_some_and(|who| who.proved_lately(context::now()));
    let own_name = profile.name.clone();
    let body = view! {
        <div class="cols">
            <section class="panel">
                <h2>"Password"</h2>
                <PostForm action=action state=state.clone()>
                    <input class="unseen" type="text" autocomplete="username" value=own_name readonly=true tabindex="-1" aria-hidden="true"/>
                    <Field
                        label="Current password"
                        name="current_password"
                        kind=FieldKind::Password
                        state=state.clone()
                        autocomplete="current-password"
                        required=true
                    />
                    <Field
                        label="New password"
                        name="password"
                        kind=FieldKind::Password
                        state=state
                        autocomplete="new-password"
                        hint=hint
                        required=true
                    />
                    <div class="actions">
                        <Submit label="Change password"/>
                    </div>
                </PostForm>
                <p class="quiet">"Your other sessions end when you change it."</p>
            </section>
            <section class="panel">
                <h2>"Second step"</h2>
                {second_step(&profile, proved)}
            </section>
        </div>
        <section class="panel flush">
            <div class="bar">
                <h2>"Sessions"</h2>
                <span class="grow"></span>
                <PostForm action=session::EndOtherSessions::PATH>
                    <Submit label="End all others" why_not=only_session/>
                </PostForm>
            </div>
            {session_table(sessions)}
        </section>
    };
    let lead = format!("{}, {}.", profile.name, profile.role.describe());
    Ok(PageView::new("Profile", body).lead(lead))
}

fn second_step(profile: &profile::Profile, proved: bool) -> impl IntoView + use<> {
    let prove_first = Query::default().with("next", Page::Profile.path()).link(&Page::StepUp.path());
    let prove = move || {
        (!proved).then(|| {
            view! {
                <p class="actions">
                    <a class="button" href=prove_first>
                        "Prove it is you to change this"
                    </a>
                </p>
            }
        })
    };
    let required = profile.totp_required.then(|| format!("The role {} must have one.", profile.role.name()));
    if !profile.totp {
        let begin =
            proved.then(|| view! { <PostForm action=totp::BeginTotp::PATH><Submit label="Set up a second step"/></PostForm> });
        return view! {
            <p class="say">
                <Badge tone=Tone::Notice word="off"/>
                " Your password alone signs you in. With a second step a stolen password is not enough."
            </p>
            {begin}
            {prove()}
        }
        .into_any();
    }
    let left = profile.recovery_codes_left;
    let change = proved.then(|| {
        view! {
            <div class="actions">
                <PostForm action=totp::RenewRecoveryCodes::PATH>
                    <Submit label="Make new recovery codes"/>
                </PostForm>
                <PostForm action=totp::SwitchTotpOff::PATH>
                    <Submit label="Switch off" kind=Kind::Danger why_not=required/>
                </PostForm>
            </div>
        }
    });
    view! {
        <p class="say">
            <Badge tone=Tone::Good word="on"/>
            " Signing in asks for a code. "
            {left}
            " recovery codes are left."
        </p>
        {change}
        {prove()}
    }
    .into_any()
}

fn session_table(sessions: Vec<SessionView>) -> impl IntoView {
    let row = |view: SessionView| {
        let end = match view.current {
            true => view! { <Badge tone=Tone::Good word="this browser"/> }.into_any(),
            false => view! {
                <PostForm action=session::EndOwnSession::PATH hidden=vec![("handle", view.handle.0.clone())]>
                    <Submit label="End" kind=Kind::Quiet/>
                </PostForm>
            }
            .into_any(),
        };
        view! {
            <tr>
                <td>{view.agent}</td>
                <td class="num">{view.address}</td>
                <td>
                    <Instant at=view.signed_in_at/>
                </td>
                <td>
                    <Instant at=view.last_input_at/>
                </td>
                <td>{end}</td>
            </tr>
        }
    };
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Table of sessions">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Browser"</th>
                        <th scope="col">"Address"</th>
                        <th scope="col">"Signed in"</th>
                        <th scope="col">"Last input"</th>
                        <th scope="col">"State"</th>
                    </tr>
                </thead>
                <tbody>{sessions.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}
