//! Looks at the certificates of TLS endpoints, every hour and soon after the inventory changed: all at once, each by itself.

use super::{
    rounds::{Schedule, rounds},
    watch::Post,
};
use crate::adapters::certificate::present;
use app::{
    context,
    fleet::{
        certificate::{Owner, Place},
        facts::CertificateFacts,
        state::FleetState,
        world::Seen,
    },
    values::{Moment, PortError},
};
use std::{sync::Arc, time::Duration};
use tokio::task::spawn_local;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(3_600);
/// Of the handshake; a little more for what it overlooks.
const DEADLINE: Duration = Duration::from_secs(5);
const SCHEDULE: Schedule = Schedule { every: EVERY, deadline: Duration::from_secs(6) };

pub(super) fn observe(post: &Post, stop: &CancellationToken) {
    for place in post.panel.certificate_places(&post.inventory) {
        let fleet = Arc::clone(&post.panel.fleet);
        begin(&fleet, &place);
        // The panel's own doors are where the panel is, which is not always where the machines are.
        if place.owner == Owner::Panel {
            let stop = stop.clone();
            post.main.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = watch(fleet, place) => {}
                }
            });
        } else {
            spawn_local(watch(fleet, place));
        }
    }
}

fn begin(fleet: &FleetState, place: &Place) {
    let every_ms = u32::try_from(EVERY.as_millis()).unwrap_or(u32::MAX);
    fleet.update(|world| {
        world.certificates.insert(place.name.clone(), Seen::new(every_ms, context::now()));
    });
}

async fn watch(fleet: Arc<FleetState>, place: Place) {
    let (subject, name) = (format!("{} certificate", place.name), place.name.clone());
    let note = move |result: Result<CertificateFacts, PortError>, at: Moment| {
        fleet.update(|world| {
            if let Some(seen) = world.certificates.get_mut(&name) {
                seen.note(result, at);
            }
        });
    };
    let look = || {
        let place = place.clone();
        async move { present(&place, DEADLINE).await }
    };
    rounds(subject, SCHEDULE, look, note).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::{
        certificate::tests::{TlsStandIn, certificate, place_at},
        standin::{Answer, StandIn},
    };
    use app::{live::Hub, values::PortErrorKind, values::RequestId};
    use std::time::Instant;

    fn fleet() -> Arc<FleetState> {
        Arc::new(FleetState::new(Arc::new(Hub::new(RequestId("test".into())))))
    }

    #[tokio::test]
    async fn one_that_keeps_silent_delays_no_other() {
        let fine = TlsStandIn::start(certificate(&["sip.example.net"], -1, 90)).await;
        let silent = StandIn::tcp(Vec::new(), |_| Answer::Silence).await;
        let fleet = fleet();
        let mut watches = tokio::task::JoinSet::new();
        for (name, address) in [("silent", silent.address), ("fine", fine.address), ("nobody", StandIn::nobody().await)] {
            let place = Place { name: name.into(), ..place_at(address, Some("sip.example.net")) };
            begin(&fleet, &place);
            watches.spawn(watch(Arc::clone(&fleet), place));
        }
        let began = Instant::now();
        let seen = |name: &str| fleet.with_world(|world| world.certificates[name].clone());
        while seen("fine").value().is_none() || seen("nobody").failing.is_none() {
            assert!(began.elapsed() < DEADLINE, "the silent one delays the others: {:?} {:?}", seen("fine"), seen("nobody"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(seen("silent").value().is_none() && seen("silent").failing.is_none(), "it has still time");
        assert_eq!(seen("nobody").failing.map(|failing| failing.kind), Some(PortErrorKind::Refused));
        assert!(seen("fine").fresh(context::now().plus(EVERY * 2)).is_some(), "an hourly look is fresh for three hours");
    }
}
