//! What flows, measured: counters of proxies and databases turned into rates, and the live calls counted.

use app::{
    calls::board::Counts,
    fleet::{
        flows::{Flows, Tries},
        world::World,
    },
    values::Moment,
};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// Rates are over this long: shorter and two calls a second jump up and down, longer and a stop is seen late.
const SPAN: Duration = Duration::from_secs(15);

/// Counters as they were, by what they count. A counter that fell began anew with its daemon.
#[derive(Debug, Default)]
pub struct Meter {
    past: VecDeque<(Moment, BTreeMap<Counter, u64>)>,
    /// By carrier.
    tries: BTreeMap<String, Tries>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Counter {
    /// Attempts at a carrier by a proxy.
    Attempts {
        proxy: String,
        carrier: String,
        sip_status: u16,
    },
    Commits {
        node: String,
    },
}

impl Meter {
    pub fn flows(&mut self, world: &World, calls: &Counts, now: Moment) -> Flows {
        let counted = count(world, now);
        self.note_tries(&counted, now);
        while self.past.len() > 1 && self.past.get(1).is_some_and(|(at, _)| now.since(*at) >= SPAN) {
            self.past.pop_front();
        }
        let mut flows = Flows {
            machine_calls: calls.by_pbx.clone(),
            carrier_calls: calls.by_carrier.clone(),
            carrier_tries: self.tries.clone(),
            ..Flows::default()
        };
        for (counter, value) in &counted {
            // The oldest look of the span that had this counter too.
            let since = self.past.iter().find_map(|(at, past)| Some((*at, *past.get(counter)?)));
            let Some((at, before)) = since.filter(|(at, _)| now > *at) else { continue };
            let per_s = value.saturating_sub(before) as f64 / now.since(at).as_secs_f64();
            match counter {
                Counter::Attempts { proxy, carrier, .. } => {
                    *flows.carrier_cps.entry(carrier.clone()).or_default() += per_s;
                    *flows.machine_cps.entry(proxy.clone()).or_default() += per_s;
                }
                Counter::Commits { node } => {
                    flows.machine_tps.insert(node.clone(), per_s);
                }
            }
        }
        self.past.push_back((now, counted));
        flows
    }

    /// What the carriers said since the look before.
    fn note_tries(&mut self, counted: &BTreeMap<Counter, u64>, now: Moment) {
        let Some((_, before)) = self.past.back() else { return };
        let mut new: BTreeMap<&str, BTreeMap<u16, u64>> = BTreeMap::new();
        for (counter, value) in counted {
            let Counter::Attempts { proxy, carrier, sip_status } = counter else { continue };
            // A status that was never seen at a proxy that was is one that has just come.
            let is_known = || before.keys().any(|known| matches!(known, Counter::Attempts { proxy: of, .. } if of == proxy));
            let since = match before.get(counter) {
                Some(before) => value.saturating_sub(*before),
                None if is_known() => *value,
                None => 0,
            };
            if since > 0 {
                *new.entry(carrier).or_default().entry(*sip_status).or_default() += since;
            }
        }
        for (carrier, new) in new {
            self.tries.entry(carrier.into()).or_default().note(&new, now);
        }
    }
}

fn count(world: &World, now: Moment) -> BTreeMap<Counter, u64> {
    let mut counted = BTreeMap::new();
    for (name, seen) in &world.machines {
        if let Some(proxy) = seen.proxy.as_ref().and_then(|proxy| proxy.fresh(now)) {
            for (counter, value) in &proxy.counters {
                if let Some((carrier, sip_status)) = try_of(counter) {
                    counted.insert(Counter::Attempts { proxy: name.clone(), carrier: carrier.into(), sip_status }, *value);
                }
            }
        }
        if let Some(database) = seen.database.as_ref().and_then(|database| database.fresh(now)) {
            counted.insert(Counter::Commits { node: name.clone() }, database.commits);
        }
    }
    counted
}

/// `attempts_total{carrier="carrier-a",status="200"}`
fn try_of(counter: &str) -> Option<(&str, u16)> {
    let (carrier, rest) = counter.strip_prefix("attempts_total{carrier=\"")?.split_once('"')?;
    let (_, status) = rest.split_once("status=\"")?;
    Some((carrier, status.split('"').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::fleet::{facts::ProxyFacts, world::MachineSeen, world::Seen};

    fn world(attempts: [u64; 2], at: Moment) -> World {
        let mut world = World::default();
        for (name, attempts) in ["kamailio-01", "kamailio-02"].into_iter().zip(attempts) {
            let counters = BTreeMap::from([
                ("attempts_total{carrier=\"carrier-a\",status=\"200\"}".to_string(), attempts),
                ("dialog.processed_dialogs".to_string(), 9_999),
            ]);
            let mut proxy = Seen::new(2_000, at);
            proxy.note(Ok(ProxyFacts { counters, ..ProxyFacts::default() }), at);
            world.machines.insert(name.into(), MachineSeen { proxy: Some(proxy), ..MachineSeen::default() });
        }
        world
    }

    #[test]
    fn a_rate_is_what_both_proxies_did_since_the_span_began() {
        let (mut meter, calls, at) = (Meter::default(), Counts::default(), Moment::from_seconds);
        assert!(meter.flows(&world([100, 50], at(0)), &calls, at(0)).carrier_cps.is_empty(), "one look is no rate");
        let flows = meter.flows(&world([120, 60], at(10)), &calls, at(10));
        assert_eq!((flows.carrier_cps["carrier-a"], flows.machine_cps["kamailio-01"]), (3.0, 2.0));
        // A daemon that began anew has done nothing yet; less than nothing it cannot have done.
        assert_eq!(meter.flows(&world([0, 60], at(12)), &calls, at(12)).machine_cps["kamailio-01"], 0.0);
        // What lies before the span counts no more.
        for second in 13..60 {
            meter.flows(&world([0, 60], at(second)), &calls, at(second));
        }
        assert_eq!(meter.flows(&world([0, 60], at(60)), &calls, at(60)).carrier_cps["carrier-a"], 0.0);
    }
}
