//! What a command prints, and how it fails.

use app::error::AppError;
use std::{fmt::Display, io::Write, process::ExitCode};

/// A sentence for stderr, and an exit code: 1, or that of a command that was run for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    sentence: String,
    code: u8,
}

impl Failure {
    pub fn new(sentence: impl Display) -> Self {
        Self { sentence: sentence.to_string(), code: 1 }
    }

    /// A command that was run for somebody ended like this, and has said itself why.
    pub fn passed_on(code: u8) -> Self {
        Self { sentence: String::new(), code }
    }

    pub fn tell(&self) -> ExitCode {
        if !self.sentence.is_empty() {
            warn(&self.sentence);
        }
        ExitCode::from(self.code)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        let problems = error.problems().iter().map(|problem| format!("\n  {}: expected {}", problem.at, problem.expected));
        Self::new(format!("{error}{}", problems.collect::<String>()))
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::new(format!("The database refused or did not answer: {error}. Run wirecenter doctor."))
    }
}

/// A line on stdout. Whoever reads it may have gone (`| head`); that is no failure of ours.
pub fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

pub fn say_json(value: &impl serde::Serialize) {
    say(serde_json::to_string(value).expect("facts are plain values"));
}

/// A line on stderr.
pub fn warn(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "wirecenter: {line}");
}
