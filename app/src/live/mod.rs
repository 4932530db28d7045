//! Live views. The database (or the observed world) is the truth; a wake-up carries no data: whoever is woken reads again.
//!
//! One stream per browser brings wake-ups by [`Topic`]; every page hears all topics its person may see and takes its own.
//! A change made by another process (the command line, a second panel) raises the topic's version in the `wakes` table, which
//! each panel reads twice a second; a change made here wakes at once.

use serde::{Deserialize, Serialize};

/// What can change on a screen without anyone touching it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// The panel itself: database, tasks, load.
    System,
    Users,
    Sessions,
    Audit,
    /// Machines, networks, hosts: what the observers saw.
    Fleet,
    /// Live calls and call volume.
    Calls,
    Alerts,
    /// What runs and what ran.
    Operations,
}

impl Topic {
    pub const ALL: [Topic; 8] =
        [Topic::System, Topic::Users, Topic::Sessions, Topic::Audit, Topic::Fleet, Topic::Calls, Topic::Alerts, Topic::Operations];

    pub const fn name(self) -> &'static str {
        match self {
            Topic::System => "system",
            Topic::Users => "users",
            Topic::Sessions => "sessions",
            Topic::Audit => "audit",
            Topic::Fleet => "fleet",
            Topic::Calls => "calls",
            Topic::Alerts => "alerts",
            Topic::Operations => "operations",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    pub const fn index(self) -> usize {
        match self {
            Topic::System => 0,
            Topic::Users => 1,
            Topic::Sessions => 2,
            Topic::Audit => 3,
            Topic::Fleet => 4,
            Topic::Calls => 5,
            Topic::Alerts => 6,
            Topic::Operations => 7,
        }
    }
}

#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod client;
#[cfg(feature = "ssr")]
mod wake;
#[cfg(feature = "ssr")]
pub use {hub::Hub, wake::Wake};

#[cfg(feature = "ssr")]
mod hub {
    use super::Topic;
    use crate::values::RequestId;
    use tokio::sync::watch;

    /// Wakes every listener of a topic. Many wake-ups between two looks become one.
    pub struct Hub {
        topics: [watch::Sender<u64>; Topic::ALL.len()],
        /// Names this run of the server: a browser that sees another one reads everything again.
        pub boot: RequestId,
    }

    impl Hub {
        pub fn new(boot: RequestId) -> Self {
            Self { topics: std::array::from_fn(|_| watch::Sender::new(0)), boot }
        }

        pub fn wake(&self, topic: Topic) {
            self.topics[topic.index()].send_modify(|version| *version = version.wrapping_add(1));
        }

        pub fn watch(&self, topic: Topic) -> watch::Receiver<u64> {
            self.topics[topic.index()].subscribe()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_has_its_own_name_and_index() {
        for (i, topic) in Topic::ALL.into_iter().enumerate() {
            assert_eq!(topic.index(), i);
            assert_eq!(Topic::parse(topic.name()), Some(topic));
        }
        assert_eq!(Topic::parse("weather"), None);
    }
}
