use crate::{
    ui::{Field, FormState, Kind, PostForm, Submit},
    values::Level,
};
use leptos::prelude::*;

/// A dangerous thing, put into words before it is done.
#[derive(Clone, Debug)]
pub struct Confirmation {
    pub level: Level,
    /// What will be done, to which thing: "Disable ada".
    pub title: String,
    /// What follows from it, and whether it can be undone.
    pub consequence: String,
    /// The server function.
    pub action: &'static str,
    pub hidden: Vec<(&'static str, String)>,
    /// What must be typed at level L2 and above.
    pub name: String,
    /// The word on the button.
    pub verb: String,
    /// Where "Cancel" leads: this page without the dialog.
    pub back: String,
    /// Where a fresh proof of identity is given, if level L3 asks for one now.
    pub prove_at: Option<String>,
}

/// The dialog. It is part of the page the address names (`?do=…`), so it works without a script; with one it becomes modal.
#[component]
pub fn Confirm(confirmation: Confirmation, state: FormState, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    let Confirmation { level, title, consequence, action, hidden, name, verb, back, prove_at } = confirmation;
    let (cancel, escape) = (back.clone(), back);
    let typed = (level >= Level::L2 && prove_at.is_none()).then(|| {
        let label = format!("Type {name} to confirm");
        view! { <Field label=label name="typed" state=state.clone() autocomplete="off" focus=true/> }
    });
    let form = match prove_at {
        Some(at) => view! {
            <p class="say">"This is one of the few things that ask for a fresh proof that it is you."</p>
            <div class="actions">
                <a class="button go" href=at>
                    "Prove it is you"
                </a>
                <a class="button" href=cancel>
                    "Cancel"
                </a>
            </div>
        }
        .into_any(),
        None => view! {
            <PostForm action=action state=state hidden=hidden>
                {children.map(|children| children())} {typed}
                <div class="actions">
                    <Submit label=verb kind=Kind::Danger/>
                    <a class="button" href=cancel>
                        "Cancel"
                    </a>
                </div>
            </PostForm>
        }
        .into_any(),
    };
    view! {
        <div class="veil">
            <dialog class="dialog" open="" aria-labelledby="dialog-title" data-back=escape>
                <h2 id="dialog-title">{title}</h2>
                <p>{consequence}</p>
                {form}
            </dialog>
        </div>
    }
}
