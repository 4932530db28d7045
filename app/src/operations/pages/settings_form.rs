//! What one can choose of an operation, as a form whose answer is another plan. It starts nothing.

use crate::{
    operations::{
        setting::{Setting, SettingSort},
        sheet::PlanSheet,
    },
    routes::Page,
    ui::Submit,
};
use leptos::{either::Either, prelude::*};
use std::collections::BTreeMap;

pub fn settings_form(sheet: &PlanSheet) -> Option<impl IntoView + use<>> {
    let (kind, subject) = (sheet.kind.name(), sheet.subject.clone());
    let fields = sheet.settings.iter().map(|setting| field(setting, &sheet.given)).collect_view();
    (!sheet.settings.is_empty()).then(|| {
        view! {
            <section class="panel" aria-labelledby="settings">
                <h2 id="settings">"Settings"</h2>
                <form method="get" action=Page::NewOperation.path() class="form inline">
                    <input type="hidden" name="kind" value=kind/>
                    <input type="hidden" name="subject" value=subject/>
                    {fields}
                    <Submit label="Look again with these"/>
                </form>
            </section>
        }
    })
}

fn field(setting: &Setting, given: &BTreeMap<String, String>) -> impl IntoView + use<> {
    let Setting { name, label, hint, sort } = setting.clone();
    let value = given.get(&name).cloned().unwrap_or_default();
    let (id, hint_id) = (format!("setting-{name}"), format!("setting-{name}-hint"));
    let described = (!hint.is_empty()).then(|| hint_id.clone());
    let control = match sort {
        SettingSort::YesNo | SettingSort::OneOf(_) => {
            let (none, mut choices) = match sort {
                SettingSort::OneOf(words) => ("none of these", words),
                _ => ("no", vec!["yes".to_string()]),
            };
            // What a link says is asked for again as it is, and refused with its reason.
            if !["", "no"].contains(&value.as_str()) && !choices.contains(&value) {
                choices.push(value.clone());
            }
            let chosen = choices.contains(&value);
            let option = |word: String| view! { <option value=word.clone() selected=word == value>{word.clone()}</option> };
            let options = choices.into_iter().map(option).collect_view();
            Either::Left(view! {
                <select id=id.clone() name=name aria-describedby=described>
                    <option value="" selected=!chosen>
                        {none}
                    </option>
                    {options}
                </select>
            })
        }
        SettingSort::Number { .. } | SettingSort::Names | SettingSort::Text => {
            let (mode, placeholder) = match sort {
                SettingSort::Number { by_default } => ("numeric", Some(by_default.to_string())),
                _ => ("text", None),
            };
            Either::Right(view! {
                <input
                    id=id.clone()
                    type="text"
                    name=name
                    value=value
                    inputmode=mode
                    placeholder=placeholder
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    aria-describedby=described
                />
            })
        }
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            {control}
            {(!hint.is_empty())
                .then(|| {
                    view! {
                        <p class="hint" id=hint_id>
                            {hint}
                        </p>
                    }
                })}
        </div>
    }
}
