//! A task for each receiver of notices, so that one that is slow or down delays nobody else.

use super::{Round, Tasks};
use crate::notices::{Way, alertmanager::REPEAT_EVERY, config::NoticesSection, outbox, ways};
use app::{
    alerts::alert::AlertState,
    context::{self, Panel},
};
use std::{sync::Arc, time::Duration};

pub fn start(tasks: &Tasks, panel: &Arc<Panel>, section: &NoticesSection) {
    let second = Duration::from_secs(1);
    for (receiver, way) in ways(section) {
        let (receiver, way, panel) = (Arc::new(receiver), Arc::new(way), Arc::clone(panel));
        if matches!(*way, Way::Alertmanager(_)) {
            repeat(tasks, &panel, &way);
        }
        // The names of tasks are known for the program's life; there are a handful.
        let name: &'static str = Box::leak(format!("notices to {}", receiver.name).into_boxed_str());
        let round = Round { name, does: "sends what the outbox has for it", every: second, deadline: 40 * second };
        tasks.spawn(round, move || {
            let (panel, receiver, way) = (Arc::clone(&panel), Arc::clone(&receiver), Arc::clone(&way));
            async move { outbox::empty(&panel.database, &receiver, &way).await.map(drop) }
        });
    }
}

/// Alertmanager takes silence for the end.
fn repeat(tasks: &Tasks, panel: &Arc<Panel>, way: &Arc<Way>) {
    let (panel, way) = (Arc::clone(panel), Arc::clone(way));
    let does = "says again what is open, before Alertmanager forgets it";
    let round = Round { name: "alertmanager", does, every: REPEAT_EVERY, deadline: REPEAT_EVERY / 2 };
    tasks.spawn(round, move || {
        let (panel, way) = (Arc::clone(&panel), Arc::clone(&way));
        async move {
            let Way::Alertmanager(alertmanager) = &*way else { return Ok(()) };
            let now = context::now();
            let told = panel.alerts.list(now).into_iter().filter(|(alert, state)| alert.told && *state != AlertState::Silenced);
            let told: Vec<_> = told.map(|(alert, _)| alert).collect();
            alertmanager.repeat(&told, &panel.staff_url, now).await.map_err(|not_sent| not_sent.why)
        }
    });
}
