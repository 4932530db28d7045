//! Programs of the machine that adapters look through: run by argument vector, killed at the deadline, never through a shell.

use crate::process::find_program;
use app::values::PortErrorKind;
use std::{io, process::Stdio};
use tokio::{
    io::AsyncReadExt,
    process::Command,
    time::{Instant, timeout_at},
};

/// A failure before it is known what was being done: its kind, and a clause for the sentence.
pub type Failure = (PortErrorKind, String);

/// More than this no list of machines prints.
const PRINTED_MAX_BYTES: u64 = 16 * 1024 * 1024;
const COMPLAINT_MAX_BYTES: u64 = 4 * 1024;

#[derive(Clone, Copy, Debug)]
pub struct Program {
    pub name: &'static str,
    /// The Debian package it comes in, for whoever does not have it.
    pub package: &'static str,
}

/// Runs it to its end; what it printed, or what it complained about.
pub async fn run(program: Program, argv: &[&str], until: Instant) -> Result<Vec<u8>, Failure> {
    let Some(path) = find_program(program.name) else { return Err(missing(program)) };
    let mut command = Command::new(path);
    // Complaints are read by us: they are to be in English.
    command.args(argv).env("LC_ALL", "C.UTF-8").env_remove("LANGUAGE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let ran = timeout_at(until, finish(command)).await;
    let (succeeded, printed, said) = match ran {
        Err(_) => return Err((PortErrorKind::TimedOut, format!("{} did not end in time and was stopped", program.name))),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => return Err(missing(program)),
        Ok(Err(error)) => return Err((PortErrorKind::NotConfigured, format!("{} cannot be run: {error}", program.name))),
        Ok(Ok(ended)) => ended,
    };
    if succeeded {
        return Ok(printed);
    }
    let kind = if said.contains("ermission denied") || said.contains("not permitted") {
        PortErrorKind::Denied
    } else {
        PortErrorKind::Failed
    };
    Err((kind, if said.is_empty() { format!("{} failed and did not say why", program.name) } else { said }))
}

async fn finish(mut command: Command) -> io::Result<(bool, Vec<u8>, String)> {
    let mut child = command.spawn()?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (mut printed, mut said) = (Vec::new(), Vec::new());
    let read_out = async {
        match out {
            Some(out) => out.take(PRINTED_MAX_BYTES).read_to_end(&mut printed).await,
            None => Ok(0),
        }
    };
    let read_err = async {
        match err {
            Some(err) => err.take(COMPLAINT_MAX_BYTES).read_to_end(&mut said).await,
            None => Ok(0),
        }
    };
    let (status, read, _) = tokio::join!(child.wait(), read_out, read_err);
    read?;
    let said = String::from_utf8_lossy(&said).split_whitespace().collect::<Vec<_>>().join(" ");
    Ok((status?.success(), printed, said))
}

fn missing(program: Program) -> Failure {
    let Program { name, package } = program;
    (
        PortErrorKind::NotConfigured,
        format!("the program {name} is not installed on the panel's machine; install the package {package}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SH: Program = Program { name: "sh", package: "dash" };

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(500)
    }

    #[tokio::test]
    async fn a_program_prints_complains_or_is_stopped_in_time() {
        assert_eq!(run(SH, &["-c", "printf 'a b'"], soon()).await, Ok(b"a b".to_vec()));
        let said = run(SH, &["-c", "echo 'no such thing' >&2; exit 3"], soon()).await;
        assert_eq!(said, Err((PortErrorKind::Failed, "no such thing".into())));
        let denied = run(SH, &["-c", "echo 'sh: Permission denied' >&2; exit 1"], soon()).await;
        assert_eq!(denied.map_err(|(kind, _)| kind), Err(PortErrorKind::Denied));
        let began = Instant::now();
        let late = run(SH, &["-c", "sleep 30"], soon()).await;
        assert_eq!(late.map_err(|(kind, _)| kind), Err(PortErrorKind::TimedOut));
        assert!(began.elapsed() < Duration::from_secs(2), "it is not waited for");
    }

    #[tokio::test]
    async fn a_missing_program_names_its_package() {
        let absent = Program { name: "no-such-program", package: "such-a-package" };
        let (kind, said) = run(absent, &[], soon()).await.expect_err("there is none");
        assert!(kind == PortErrorKind::NotConfigured && said.contains("such-a-package"), "{said}");
    }
}
