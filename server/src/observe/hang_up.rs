//! Ending a call: a server function asks, the observers' thread, which is where the PBXs are reached from, does it.

use app::{
    calls::state::HangUp,
    values::{PortError, PortErrorKind},
};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// One call to be ended, and who waits for it.
pub struct Wish {
    pub pbx: String,
    pub channel: String,
    pub tell: oneshot::Sender<Result<(), PortError>>,
}

/// The way to the observers there are now.
#[derive(Default)]
pub struct HangUps {
    observers: Mutex<Option<mpsc::UnboundedSender<Wish>>>,
}

impl HangUps {
    /// The observers that end calls from now on.
    pub fn take(&self) -> mpsc::UnboundedReceiver<Wish> {
        let (tell, wishes) = mpsc::unbounded_channel();
        *self.observers.lock().unwrap_or_else(PoisonError::into_inner) = Some(tell);
        wishes
    }

    async fn ask(&self, pbx: String, channel: String) -> Result<(), PortError> {
        let nobody =
            || PortError::new(pbx.clone(), "end the call", PortErrorKind::Refused, "nobody watches it; see the System page");
        let (tell, told) = oneshot::channel();
        let wish = Wish { pbx: pbx.clone(), channel, tell };
        let observers = self.observers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        observers.and_then(|observers| observers.send(wish).ok()).ok_or_else(nobody)?;
        // Dropped unanswered when the observers end, or when they do not know the PBX.
        told.await.unwrap_or_else(|_| Err(nobody()))
    }

    pub fn control(self: &Arc<Self>) -> HangUp {
        let ours = Arc::clone(self);
        Arc::new(move |pbx, channel| {
            let ours = Arc::clone(&ours);
            Box::pin(async move { ours.ask(pbx, channel).await })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_observers_or_with_ones_that_end_it_is_refused_in_words() {
        let ways = Arc::new(HangUps::default());
        let control = ways.control();
        let refused = control("asterisk-01".into(), "PJSIP/x".into()).await.expect_err("nobody is there");
        assert!(refused.to_string().contains("nobody watches it"), "{refused}");
        let mut wishes = ways.take();
        let (asked, ()) = tokio::join!(control("asterisk-01".into(), "PJSIP/x".into()), async {
            let wish = wishes.recv().await.expect("it comes");
            assert_eq!((wish.pbx.as_str(), wish.channel.as_str()), ("asterisk-01", "PJSIP/x"));
            drop(wish);
        });
        assert!(asked.is_err());
    }
}
