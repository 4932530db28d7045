//! A way into the observers' network for what has to run elsewhere: the collector of call records writes into the panel's own
//! database, and reads from databases only the observers reach. Each gets a Unix socket that leads there.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpStream, UnixListener, UnixStream},
    task::spawn_local,
};

const CONNECT_MAX: Duration = Duration::from_secs(2);
/// After a connection could not be taken (no more files, say), instead of asking again at once.
const REST: Duration = Duration::from_millis(200);

/// Opens the socket and passes on whatever comes, until this thread's work ends. The folder is for its owner alone.
pub fn open(dir: &Path, name: &str, to: SocketAddr) -> io::Result<PathBuf> {
    crate::files::make_private_dir(dir)?;
    let path = dir.join(name);
    // What an earlier run left.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    spawn_local(async move {
        loop {
            match listener.accept().await {
                Ok((near, _)) => {
                    spawn_local(pass_on(near, to));
                }
                Err(_) => tokio::time::sleep(REST).await,
            }
        }
    });
    Ok(path)
}

/// Until one side closes; an end that is not reached is told by closing the other.
async fn pass_on(mut near: UnixStream, to: SocketAddr) {
    if let Ok(Ok(mut far)) = tokio::time::timeout(CONNECT_MAX, TcpStream::connect(to)).await {
        let _ = far.set_nodelay(true);
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        task::LocalSet,
    };

    #[tokio::test]
    async fn what_goes_in_comes_out_at_the_other_end_and_nobody_there_closes_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let echo = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let there = echo.local_addr().expect("it has one");
        let work = async {
            let path = open(dir.path(), "echo", there).expect("it opens");
            let (near, far) = tokio::join!(UnixStream::connect(&path), echo.accept());
            let (mut near, mut far) = (near.expect("the relay takes it"), far.expect("it comes").0);
            near.write_all(b"ping").await.expect("it is open");
            let mut heard = [0; 4];
            far.read_exact(&mut heard).await.expect("it comes through");
            assert_eq!(&heard, b"ping");
            drop((echo, far));
            assert_eq!(near.read(&mut heard).await.expect("it is closed in order"), 0);
            let mut again = UnixStream::connect(&path).await.expect("the relay is still there");
            assert_eq!(again.read(&mut heard).await.expect("it is closed in order"), 0, "nobody listens there any more");
        };
        LocalSet::new().run_until(work).await;
    }
}
