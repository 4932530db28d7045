use crate::{error::Problem, notice::Notice};
use leptos::prelude::*;

/// What a form shows again after it was refused.
#[derive(Clone, Debug, Default)]
pub struct FormState {
    problems: Vec<Problem>,
    typed: Vec<(String, String)>,
}

impl FormState {
    /// The notice, if it is about the form that sends to `action`.
    pub fn of(notice: Option<&Notice>, action: &str) -> Self {
        match notice.filter(|notice| notice.form.as_deref() == Some(action)) {
            Some(notice) => Self { problems: notice.problems.clone(), typed: notice.typed.clone() },
            None => Self::default(),
        }
    }

    fn problem(&self, name: &str) -> Option<String> {
        let expected: Vec<&str> = self.problems.iter().filter(|problem| problem.at == name).map(|p| p.expected.as_str()).collect();
        (!expected.is_empty()).then(|| format!("Expected: {}.", expected.join("; ")))
    }

    fn typed(&self, name: &str) -> Option<String> {
        self.typed.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone())
    }
}

/// A form that is HTML: it posts, and the next page says what came of it.
#[component]
pub fn PostForm(
    action: &'static str,
    #[prop(optional)] hidden: Vec<(&'static str, String)>,
    /// Of the whole form; fields take theirs themselves.
    #[prop(optional)]
    state: FormState,
    #[prop(optional, into)] class: String,
    children: Children,
) -> impl IntoView {
    let class = format!("form {class} {}", if state.problems.is_empty() { "" } else { "refused" });
    view! {
        <form method="post" action=action class=class>
            {hidden.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view()}
            {children()}
        </form>
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldKind {
    #[default]
    Text,
    Password,
    /// A code of digits, typed on a phone.
    Code,
    Search,
    Moment,
}

/// A labeled input with its hint and, after a refusal, what was expected.
#[component]
pub fn Field(
    #[prop(into)] label: String,
    name: &'static str,
    #[prop(optional)] kind: FieldKind,
    #[prop(optional)] state: FormState,
    #[prop(optional, into)] value: String,
    #[prop(optional, into)] hint: String,
    #[prop(optional)] autocomplete: &'static str,
    #[prop(optional)] required: bool,
    #[prop(optional)] focus: bool,
) -> impl IntoView {
    let (type_, mode) = match kind {
        FieldKind::Text => ("text", "text"),
        FieldKind::Password => ("password", "text"),
        FieldKind::Code => ("text", "numeric"),
        FieldKind::Search => ("search", "search"),
        FieldKind::Moment => ("text", "text"),
    };
    // A browser's own date field shows the day and month in an order that depends on its language; at 3 a.m. that is a trap.
    let placeholder = (kind == FieldKind::Moment).then_some("2026-11-22 03:12");
    let problem = state.problem(name);
    let is_wrong = problem.is_some();
    let value = state.typed(name).unwrap_or(value);
    let (id, hint_id, problem_id) = (format!("field-{name}"), format!("hint-{name}"), format!("problem-{name}"));
    let described = [(!hint.is_empty()).then(|| hint_id.clone()), problem.as_ref().map(|_| problem_id.clone())];
    let described = described.into_iter().flatten().collect::<Vec<_>>().join(" ");
    view! {
        <div class="field" class:wrong=is_wrong>
            <label for=id.clone()>{label}</label>
            <input
                id=id
                type=type_
                name=name
                inputmode=mode
                placeholder=placeholder
                value=value
                autocomplete=(!autocomplete.is_empty()).then_some(autocomplete)
                required=required
                autofocus=focus
                autocapitalize="none"
                spellcheck="false"
                aria-invalid=is_wrong.then_some("true")
                aria-describedby=(!described.is_empty()).then_some(described)
            />
            {(!hint.is_empty())
                .then(|| {
                    view! {
                        <p class="hint" id=hint_id>
                            {hint}
                        </p>
                    }
                })}
            {problem
                .map(|problem| {
                    view! {
                        <p class="wrong" id=problem_id>
                            {problem}
                        </p>
                    }
                })}
        </div>
    }
}

/// One choice of a [`Select`].
#[derive(Clone, Debug)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

#[component]
pub fn Select(
    #[prop(into)] label: String,
    name: &'static str,
    choices: Vec<Choice>,
    #[prop(optional, into)] value: String,
    #[prop(optional)] state: FormState,
) -> impl IntoView {
    let value = state.typed(name).unwrap_or(value);
    let id = format!("field-{name}");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select id=id name=name>
                {choices
                    .into_iter()
                    .map(|choice| {
                        let selected = choice.value == value;
                        view! {
                            <option value=choice.value selected=selected>
                                {choice.label}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
        </div>
    }
}
