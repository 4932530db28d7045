//! One lasting connection to a machine, over which each look is a channel of its own: no greeting, and no program of ours for it.
//!
//! It is a child of the panel and lives by a pipe from it: it ends when it is let go, and also when the panel is killed.

use super::{Target, answer};
use crate::files::SOCKET_PATH_BYTES_MAX;
use app::values::PortErrorKind;
use openssh::{ForwardType, Session, Socket, Stdio};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::{self, File},
    net::SocketAddrV4,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};

pub type Failure = (PortErrorKind, String);

/// More than any machine has to say.
const ANSWER_BYTES_MAX: u64 = 512 * 1024;
const READY: &str = "wirecenter-ready";
/// Runs until its input ends: that is when the panel lets go, or is gone.
const HOLD: &str = "echo wirecenter-ready; cat >/dev/null";

pub struct Master {
    session: Session,
    /// Killed when dropped.
    process: Mutex<Child>,
    /// Sockets here that lead to an address as seen from there.
    ways: tokio::sync::Mutex<BTreeMap<SocketAddrV4, PathBuf>>,
    folder: TempDir,
}

/// What a remote command printed, and how long its first word took.
pub struct Answer {
    pub bytes: Vec<u8>,
    pub first_after: Duration,
    pub succeeded: bool,
    /// What it wrote to its standard error.
    pub complaint: String,
}

impl Answer {
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

impl Master {
    pub async fn open(target: &Target) -> Result<Self, Failure> {
        let ours = |said: String| (PortErrorKind::NotConfigured, said);
        let folder = private_folder(&target.control_dir)?;
        let (socket, config, log) = (folder.path().join("m"), folder.path().join("config"), folder.path().join("log"));
        fs::write(&config, target.config()).map_err(|error| ours(format!("{}: {error}", config.display())))?;
        let log_file = File::create(&log).map_err(|error| ours(format!("{}: {error}", log.display())))?;
        let mut ssh = Command::new("ssh");
        ssh.arg("-F").arg(&config).arg("-S").arg(&socket).args(["-M", "-T", &target.machine, HOLD]);
        ssh.stdin(process::Stdio::piped()).stdout(process::Stdio::piped()).stderr(log_file).kill_on_drop(true);
        let mut child = ssh.spawn().map_err(|error| ours(format!("ssh cannot be started: {error}. Install openssh-client.")))?;
        let stdout = child.stdout.take().expect("it was asked for just above");
        let mut lines = BufReader::new(stdout.take(ANSWER_BYTES_MAX)).lines();
        // A login script may print a greeting before.
        while let Ok(Some(line)) = lines.next_line().await {
            if line == READY {
                let session = Session::resume_mux(socket.into_boxed_path(), None);
                return Ok(Self { session, process: Mutex::new(child), ways: tokio::sync::Mutex::default(), folder });
            }
        }
        let _ = child.wait().await;
        Err(answer::refusal(&fs::read_to_string(&log).unwrap_or_default(), target))
    }

    /// A socket of ours from which one comes to this address as the machine would; the same each time.
    pub async fn way_to(&self, address: SocketAddrV4) -> Result<PathBuf, Failure> {
        let mut ways = self.ways.lock().await;
        if let Some(path) = ways.get(&address) {
            return Ok(path.clone());
        }
        let path = self.folder.path().join(format!("f{}", ways.len()));
        let here = Socket::UnixSocket { path: Cow::Borrowed(&path) };
        let there = Socket::TcpSocket { host: Cow::Owned(address.ip().to_string()), port: address.port() };
        let asked = self.session.request_port_forward(ForwardType::Local, here, there).await;
        asked.map_err(|error| (PortErrorKind::Broken, format!("no way to {address} through it: {error}")))?;
        ways.insert(address, path.clone());
        Ok(path)
    }

    pub fn is_alive(&self) -> bool {
        matches!(self.process.lock().unwrap_or_else(PoisonError::into_inner).try_wait(), Ok(None))
    }

    /// A fixed script with words for its `"$@"`.
    pub async fn run(&self, script: &'static str, words: &[String], input: &[u8]) -> Result<Answer, Failure> {
        let broken = |said: &str| (PortErrorKind::Broken, said.to_string());
        let began = Instant::now();
        let mut command = self.session.command("sh");
        command.args(["-c", script, "wirecenter"]).args(words);
        command.stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().await.map_err(|error| broken(&error.to_string()))?;
        if let Some(mut stdin) = child.stdin().take() {
            // Dropped at its end, so that the script sees the end of its input.
            stdin.write_all(input).await.map_err(|error| broken(&error.to_string()))?;
        }
        let (stdout, stderr) = (child.stdout().take(), child.stderr().take());
        let (mut stdout, stderr) = stdout.zip(stderr).expect("both were asked for just above");
        let mut complaint = Vec::new();
        let complaining = async {
            // What it complains about is for the sentence only.
            let _ = stderr.take(4_096).read_to_end(&mut complaint).await;
        };
        let answering = async {
            let mut bytes = Vec::with_capacity(4_096);
            stdout.read_buf(&mut bytes).await?;
            let first_after = began.elapsed();
            stdout.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes).await?;
            std::io::Result::Ok((bytes, first_after))
        };
        let ((), answered) = tokio::join!(complaining, answering);
        let (bytes, first_after) = answered.map_err(|error| broken(&error.to_string()))?;
        if bytes.len() as u64 >= ANSWER_BYTES_MAX {
            return Err((PortErrorKind::Garbage, format!("more than {} KiB of answer", ANSWER_BYTES_MAX / 1024)));
        }
        let complaint = String::from_utf8_lossy(&complaint).trim().to_string();
        let ended = child.wait().await;
        // ssh ends with 255 when it is ssh that failed.
        match ended {
            Ok(status) => Ok(Answer { bytes, first_after, succeeded: status.success(), complaint }),
            Err(error) if complaint.is_empty() => Err(broken(&error.to_string())),
            Err(_) => Err(broken(&complaint)),
        }
    }
}

/// A folder of its own for the control socket, that nobody else can look into.
fn private_folder(below: &Path) -> Result<TempDir, Failure> {
    let ours = |said: String| (PortErrorKind::NotConfigured, said);
    let failed = |error: std::io::Error| ours(format!("{}: {error}", below.display()));
    crate::files::make_private_dir(below).map_err(failed)?;
    let folder = tempfile::Builder::new().prefix("").rand_bytes(8).tempdir_in(below).map_err(failed)?;
    // ssh makes the socket under a name that is 17 letters longer, and then renames it.
    let length = folder.path().as_os_str().len() + "/m".len() + 17;
    match length <= SOCKET_PATH_BYTES_MAX {
        true => Ok(folder),
        false => Err(ours(format!(
            "{} is too long a path for a socket by {} letters. Choose a state folder with a shorter path.",
            below.display(),
            length - SOCKET_PATH_BYTES_MAX
        ))),
    }
}

/// What a panel that was killed left: folders of ours whose connection nobody holds. Its connections end by themselves, because they
/// live by a pipe from it; their folders do not. Gives how many were removed.
pub fn sweep(control_dir: &Path) -> std::io::Result<usize> {
    let entries = match fs::read_dir(control_dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        if !entry.file_type()?.is_dir() || !is_ours(&entry.path())? {
            continue;
        }
        // Whoever holds it accepts; after the holder is gone the socket is only a name.
        if UnixStream::connect(entry.path().join("m")).is_err() {
            fs::remove_dir_all(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Named and filled as [`Master::open`] does it: nobody else's folder is touched.
fn is_ours(folder: &Path) -> std::io::Result<bool> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name.len() != 8 || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(false);
    }
    let mut has_config = false;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { return Ok(false) };
        has_config |= name == "config";
        // ssh makes its socket under a longer name first.
        let is_way = name.strip_prefix('f').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        if !matches!(name, "config" | "log" | "m") && !name.starts_with("m.") && !is_way {
            return Ok(false);
        }
    }
    Ok(has_config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_folders_of_ours_that_nobody_holds_are_swept() {
        let dir = tempfile::tempdir().expect("a folder");
        let below = dir.path().join("ssh");
        assert_eq!(sweep(&below).expect("none is no mistake"), 0);
        let folder = |name: &str, files: &[&str]| {
            let folder = below.join(name);
            fs::create_dir_all(&folder).expect("made");
            files.iter().for_each(|file| fs::write(folder.join(file), "").expect("written"));
            folder
        };
        let (left, half) = (folder("abcdefg1", &["config", "log"]), folder("abcdefg2", &["config"]));
        drop(UnixListener::bind(left.join("m")).expect("a socket whose holder is gone"));
        let held = folder("abcdefg3", &["config", "log"]);
        let _holder = UnixListener::bind(held.join("m")).expect("a socket");
        let others = [folder("abcdefg4", &["config", "letter"]), folder("named", &["config"]), folder("abcdefg5", &[])];
        assert_eq!(sweep(&below).expect("swept"), 2);
        assert!(!left.exists() && !half.exists() && held.exists());
        assert!(others.iter().all(|folder| folder.exists()), "what is not ours stays");
    }
}
