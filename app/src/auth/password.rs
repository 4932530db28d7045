//! What a password must be: the rules of ASVS 5 §6.2 that need no dictionary. Length counts; kinds of characters do not; nothing
//! is cut, folded or trimmed; pasting is welcome. The list of common passwords is asked where the hash is made, on the server.

use crate::{error::Problem, limits};

/// Words an attacker of this panel tries first.
const OUR_WORDS: [&str; 8] = ["wirecenter", "asterisk", "kamailio", "mariadb", "a2billing", "carrier", "telephone", "voip"];

/// Why `password` is refused for `name`, one problem per broken rule.
pub fn problems(password: &str, name: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let chars = password.chars().count();
    let mut wrong = |expected: String| problems.push(Problem::new("password", "", expected));
    if chars < limits::PASSWORD_CHARS_MIN {
        wrong(format!("at least {} characters; three or four words make a good one", limits::PASSWORD_CHARS_MIN));
    }
    if chars > limits::PASSWORD_CHARS_MAX {
        wrong(format!("at most {} characters", limits::PASSWORD_CHARS_MAX));
    }
    if is_mostly(password, name) {
        wrong("something other than your own name".into());
    }
    if let Some(word) = OUR_WORDS.into_iter().find(|word| is_mostly(password, word)) {
        wrong(format!("something other than “{word}” with a few characters more"));
    }
    if chars > 0 && distinct_chars(password) < 4 {
        wrong("more than a few characters repeated".into());
    }
    problems
}

/// Whether the password is the word with at most six other characters around it.
fn is_mostly(password: &str, word: &str) -> bool {
    let (password, word) = (password.to_lowercase(), word.to_lowercase());
    word.chars().count() >= 3 && password.contains(&word) && password.chars().count() <= word.chars().count() + 6
}

fn distinct_chars(text: &str) -> usize {
    let mut chars: Vec<char> = text.chars().collect();
    chars.sort_unstable();
    chars.dedup();
    chars.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_pass_phrases_of_any_characters_are_good() {
        for good in [
            "correct horse battery",
            "þögn er gulls ígildi",
            "9f8e7d6c5b4a32100",
            "            x y z w v",
            "Wirecenter? never heard of it",
        ] {
            assert_eq!(problems(good, "ada"), [], "{good}");
        }
    }

    #[test]
    fn short_repeated_and_guessable_ones_are_refused_with_the_reason() {
        let reasons =
            |password: &str| problems(password, "grace.hopper").into_iter().map(|p| p.expected).collect::<Vec<_>>().join("; ");
        assert!(reasons("short").contains("at least 12"));
        assert!(reasons(&"x".repeat(300)).contains("at most 256") && reasons("aaaaaaaaaaaaaaaa").contains("repeated"));
        assert!(reasons("Grace.Hopper1906").contains("your own name"));
        assert!(reasons("wirecenter2026").contains("“wirecenter”"));
    }

    #[test]
    fn the_password_itself_is_never_repeated() {
        assert!(problems("hunter2", "ada").iter().all(|problem| problem.read.is_empty()));
    }
}
