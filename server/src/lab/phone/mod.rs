//! A telephone endpoint for the laboratory: on a carrier's machine it takes calls as it is told to, on the customer's it places
//! them. It speaks SIP over UDP, sends sound when wanted, and is controlled over a Unix socket (see [`control`]).

mod address;
mod attempt;
mod callee;
mod caller;
mod clock;
mod compose;
pub mod control;
mod desk;
mod dialog;
mod door;
mod endpoint;
mod journal;
mod leg;
mod load;
mod message;
mod rtp;
mod sdp;
mod station;
#[cfg(test)]
mod tests;

pub use sdp::Codec;

use endpoint::Endpoint;
use station::Station;
use std::{future::Future, io, net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::{
    net::UdpSocket,
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// So many commands may wait while the endpoint is busy; then whoever places calls waits too.
const COMMANDS_MAX: usize = 1_024;

#[derive(Clone, Debug)]
pub struct PhoneSettings {
    /// In the Contact and in Call-IDs, so letters, digits and dashes only: `carrier-a`.
    pub name: String,
    /// One address of this machine, which everything is sent from: SIP from this port, sound from ports 20000 to 29999.
    pub listen: SocketAddr,
    /// Made with mode 0600; what an earlier run left there is replaced.
    pub control: PathBuf,
    /// What is taken when it is offered.
    pub codecs: Vec<Codec>,
}

#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    #[error("the name {0:?} cannot stand in a SIP address; use letters, digits and dashes")]
    Name(String),
    #[error("0.0.0.0 cannot be told to the other side; listen on one address of this machine instead of {0}")]
    Unspecified(SocketAddr),
    #[error("nobody can call {address}: {source}. See that the address is this machine's and that no other program uses the port")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("no port for sound on {address}: {source}. See that ports 20000 to 29999 are free")]
    Sound { address: SocketAddr, source: io::Error },
    #[error("the control socket {path} cannot be made: {source}. See that its folder exists and can be written")]
    Control { path: PathBuf, source: io::Error },
    #[error("the signals that end the phone cannot be watched: {0}")]
    Signals(io::Error),
}

/// Runs until SIGTERM or SIGINT.
pub async fn run(settings: PhoneSettings) -> Result<(), PhoneError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(PhoneError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(PhoneError::Signals)?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    run_until(settings, stop).await
}

/// Runs until `stop` is done. Calls that are up then are left as they are: the far end has to notice.
pub async fn run_until(settings: PhoneSettings, stop: impl Future<Output = ()>) -> Result<(), PhoneError> {
    let PhoneSettings { name, listen, control, codecs } = settings;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(PhoneError::Name(name));
    }
    if listen.ip().is_unspecified() {
        return Err(PhoneError::Unspecified(listen));
    }
    let cannot_listen = |source| PhoneError::Listen { address: listen, source };
    let socket = UdpSocket::bind(listen).await.map_err(cannot_listen)?;
    let local = socket.local_addr().map_err(cannot_listen)?;
    let no_sound = |source| PhoneError::Sound { address: listen, source };
    let sound = rtp::bind_even(local.ip()).map_err(no_sound)?;
    let echo_address = sound.local_addr().map_err(no_sound)?;
    let _echo = rtp::echo(sound).map_err(no_sound)?;
    let listener = door::bind(&control).map_err(|source| PhoneError::Control { path: control.clone(), source })?;
    tracing::info!(%name, %local, control = %control.display(), "the phone is ready");

    let numbers = endpoint::Numbers::default();
    let (commands, waiting) = mpsc::channel(COMMANDS_MAX);
    let station = Station::new(name, local, echo_address, codecs, socket);
    let desk = desk::Desk { commands, numbers: Arc::clone(&numbers) };
    tokio::select! {
        () = Endpoint::new(station, numbers).work(waiting) => {}
        () = door::serve(listener, desk) => {}
        () = stop => {}
    }
    // Another phone may have taken the place already; then this fails or hits a fresh socket only in the same instant.
    let _ = std::fs::remove_file(&control);
    tracing::info!("the phone has stopped");
    Ok(())
}
