use leptos::{either::Either, prelude::*};

/// How a button looks. One `Go` a page; `Danger` is outlined, and filled only inside its dialog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Plain,
    Go,
    Danger,
    /// A button that reads like a link, for rows of a table.
    Quiet,
}

impl Kind {
    const fn class(self) -> &'static str {
        match self {
            Kind::Plain => "button",
            Kind::Go => "button go",
            Kind::Danger => "button danger",
            Kind::Quiet => "button quiet",
        }
    }
}

/// Sends the form it stands in.
#[component]
pub fn Submit(
    #[prop(into)] label: String,
    #[prop(optional)] kind: Kind,
    /// Why it cannot be used now; the sentence the server would answer.
    #[prop(optional_no_strip, into)]
    why_not: Option<String>,
) -> impl IntoView {
    match why_not {
        None => Either::Left(view! {
            <button type="submit" class=kind.class()>
                {label}
            </button>
        }),
        Some(why) => Either::Right(cannot(label, why)),
    }
}

/// Leads to where an action is confirmed, or says why it cannot be done now.
#[component]
pub fn ActionLink(
    #[prop(into)] label: String,
    #[prop(into)] href: String,
    #[prop(optional)] kind: Kind,
    #[prop(optional_no_strip, into)] why_not: Option<String>,
) -> impl IntoView {
    match why_not {
        None => Either::Left(view! {
            <a class=kind.class() href=href>
                {label}
            </a>
        }),
        Some(why) => Either::Right(cannot(label, why)),
    }
}

/// Stays reachable by keyboard, so that everybody can learn why.
fn cannot(label: String, why: String) -> impl IntoView {
    let id: String = label.chars().filter(char::is_ascii_alphanumeric).collect();
    let id = format!("why-{}", id.to_lowercase());
    view! {
        <span class="cannot">
            <button type="button" class="button dim" aria-disabled="true" aria-describedby=id.clone()>
                {label}
            </button>
            <span class="why" role="tooltip" id=id>
                {why}
            </span>
        </span>
    }
}
