//! Setting the second step up: scan, keep the recovery codes, confirm with a code.

use crate::{
    auth::{api::totp, session::Stage, totp as codes},
    context,
    error::{AppError, SignedOut},
    shell::PageView,
    ui::{Field, FieldKind, FormState, Kind, PostForm, Submit},
};
use leptos::{prelude::*, server_fn::ServerFn};

pub async fn page() -> Result<PageView, AppError> {
    let request = context::request();
    let who = request.who.as_ref().ok_or(AppError::SignedOut(SignedOut::NoSession))?;
    let next = request.query.get("next").map(|next| vec![("next", next.to_string())]).unwrap_or_default();
    let Some(secret) = who.totp_pending.clone() else {
        let lead = match who.stage {
            Stage::SecondStepMissing => "Your role must use a second step at sign-in. It takes a minute.",
            Stage::CodeMissing | Stage::Full => "With a second step a stolen password is not enough.",
        };
        let body = view! {
            <section class="panel narrow">
                <p class="say">"You need an authenticator on your phone or in your password manager; any that reads a QR code will do."</p>
                <PostForm action=totp::BeginTotp::PATH>
                    <div class="actions">
                        <Submit label="Begin" kind=Kind::Go/>
                    </div>
                </PostForm>
            </section>
        };
        return Ok(PageView::new("Second step", body).lead(lead));
    };
    let action = totp::ConfirmTotp::PATH;
    let state = FormState::of(request.notice.as_ref(), action);
    let qr = codes::address(&secret, &who.name).and_then(|address| codes::qr_svg(&address)).unwrap_or_default();
    let groups = secret.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect::<Vec<_>>().join(" ");
    let body = view! {
        <ol class="steps">
            <li class="panel">
                <h2>"1. Scan this with your authenticator"</h2>
                <div inner_html=qr></div>
                <p class="quiet">"Or type this key: " <code class="copy">{groups}</code></p>
            </li>
            <li class="panel">
                <h2>"2. Keep these recovery codes"</h2>
                <p class="say">"Each signs you in once if the device is lost. Print them, or put them beside your password; they are not shown again."</p>
                <CodeList codes=who.codes_shown.clone()/>
            </li>
            <li class="panel">
                <h2>"3. Confirm with a code"</h2>
                <PostForm action=action hidden=next state=state.clone()>
                    <Field
                        label="Code"
                        name="code"
                        kind=FieldKind::Code
                        state=state
                        autocomplete="one-time-code"
                        hint="The six digits your authenticator shows now."
                        required=true
                    />
                    <div class="actions">
                        <Submit label="Switch on" kind=Kind::Go/>
                    </div>
                </PostForm>
            </li>
        </ol>
    };
    Ok(PageView::new("Second step", body).lead("Three things, in this order. Nothing counts until the last."))
}

#[component]
pub fn CodeList(codes: Vec<String>) -> impl IntoView {
    view! { <ul class="codes">{codes.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view()}</ul> }
}
