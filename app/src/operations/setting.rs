//! What an operator can choose of an operation, declared so that a form can ask for it. The nouns of each operation read and judge
//! what was chosen; this only says how to ask.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The name scripts use.
    pub name: String,
    pub label: String,
    pub hint: String,
    pub sort: SettingSort,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SettingSort {
    /// `yes` or `no`, which is what it is when nobody says anything.
    YesNo,
    /// A number; blank is this one.
    Number {
        by_default: u32,
    },
    /// One of these words, or none of them.
    OneOf(Vec<String>),
    /// Some names, with commas between them.
    Names,
    Text,
}

impl Setting {
    pub fn new(name: &str, label: &str, hint: impl Into<String>, sort: SettingSort) -> Self {
        Self { name: name.into(), label: label.into(), hint: hint.into(), sort }
    }
}

/// The settings with those that were given but are not declared, so that a form never drops what a link says.
pub fn with_given(mut declared: Vec<Setting>, given: &BTreeMap<String, String>) -> Vec<Setting> {
    for name in given.keys() {
        if declared.iter().all(|setting| setting.name != *name) {
            declared.push(Setting::new(name, name, "", SettingSort::Text));
        }
    }
    declared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_asks_for_what_a_link_says_even_where_nobody_declared_it() {
        let declared = vec![Setting::new("within_s", "Wait at most", "seconds", SettingSort::Number { by_default: 600 })];
        let given = [("within_s".to_string(), "90".to_string()), ("mode".to_string(), "x".to_string())].into();
        let all = with_given(declared, &given);
        let names: Vec<&str> = all.iter().map(|setting| setting.name.as_str()).collect();
        assert_eq!(names, ["within_s", "mode"]);
    }
}
