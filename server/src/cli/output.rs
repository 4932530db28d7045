//! What a command prints, and how it fails.

use app::error::AppError;
use std::{fmt::Display, io::Write, process::ExitCode};

/// A sentence for stderr, and exit code 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    pub fn new(sentence: impl Display) -> Self {
        Self(sentence.to_string())
    }

    pub fn tell(&self) -> ExitCode {
        warn(&self.0);
        ExitCode::from(1)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        let problems = error.problems().iter().map(|problem| format!("\n  {}: expected {}", problem.at, problem.expected));
        Self(format!("{error}{}", problems.collect::<String>()))
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self(format!("The database refused or did not answer: {error}. Run wirecenter doctor."))
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
