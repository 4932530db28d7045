//! The routes of all carriers as one table that a proxy can look up in microseconds: for every prefix any carrier names, the carriers
//! with their own longest match there, cheapest first.
//!
//! A proxy's tree gives one row, that of the longest prefix. If carriers name prefixes of different depth, each row must hold
//! what the others charge there too, or the carrier that splits its prices finest would always win.

use crate::values::{prefix::Prefix, rate_per_minute::RatePerMinute};
use std::collections::{BTreeMap, BTreeSet};

/// One carrier's rates in force.
#[derive(Clone, Debug)]
pub struct CarrierTable {
    /// The carrier's dispatcher set in the proxy.
    pub set: u16,
    /// Lower wins where rates are equal.
    pub priority: u16,
    pub rates: BTreeMap<Prefix, RatePerMinute>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatRoute {
    pub prefix: Prefix,
    /// In the order in which they are tried.
    pub steps: Vec<FlatStep>,
}

/// One carrier's turn. Ordered by rate, then by the carrier's priority, then by its set: total, so that two runs agree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlatStep {
    pub rate: RatePerMinute,
    pub priority: u16,
    pub set: u16,
    /// In the carrier's own table; may be shorter than the row's.
    pub matched: Prefix,
}

impl FlatRoute {
    /// As the proxy reads it: `101:0.004000:4420;102:0.005500:44`.
    pub fn value(&self) -> String {
        self.steps.iter().map(|step| format!("{}:{}:{}", step.set, step.rate, step.matched)).collect::<Vec<_>>().join(";")
    }
}

/// In the order of their prefixes.
pub fn flatten(tables: &[CarrierTable]) -> Vec<FlatRoute> {
    let by_text: Vec<BTreeMap<&str, (&Prefix, RatePerMinute)>> =
        tables.iter().map(|table| table.rates.iter().map(|(prefix, rate)| (prefix.as_str(), (prefix, *rate))).collect()).collect();
    let prefixes: BTreeSet<&Prefix> = tables.iter().flat_map(|table| table.rates.keys()).collect();
    let route = |prefix: &Prefix| {
        let step = |(table, rates): (&CarrierTable, &BTreeMap<&str, (&Prefix, RatePerMinute)>)| {
            let (matched, rate) = prefix.and_shorter().find_map(|shorter| rates.get(shorter))?;
            Some(FlatStep { rate: *rate, priority: table.priority, set: table.set, matched: (*matched).clone() })
        };
        let mut steps: Vec<FlatStep> = tables.iter().zip(&by_text).filter_map(step).collect();
        steps.sort_unstable();
        FlatRoute { prefix: prefix.clone(), steps }
    };
    prefixes.into_iter().map(route).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(set: u16, priority: u16, rates: &[(&str, u64)]) -> CarrierTable {
        let rate = |(prefix, micros): &(&str, u64)| (prefix.parse().expect("digits"), RatePerMinute::from_micros(*micros));
        CarrierTable { set, priority, rates: rates.iter().map(rate).collect() }
    }

    fn find<'a>(routes: &'a [FlatRoute], number: &str) -> Option<&'a FlatRoute> {
        routes.iter().filter(|route| number.starts_with(route.prefix.as_str())).max_by_key(|route| route.prefix.as_str().len())
    }

    #[test]
    fn a_carriers_own_longer_prefix_decides_what_it_costs() {
        // By price over all prefixes carrier 1 would win mobile calls at its landline price.
        let routes = flatten(&[table(1, 1, &[("44", 10), ("447", 900)]), table(2, 2, &[("44", 100)])]);
        assert_eq!(find(&routes, "447700900000").map(FlatRoute::value).as_deref(), Some("2:0.000100:44;1:0.000900:447"));
        assert_eq!(find(&routes, "442079460000").map(FlatRoute::value).as_deref(), Some("1:0.000010:44;2:0.000100:44"));
    }

    #[test]
    fn equal_rates_go_by_priority_then_by_set() {
        let routes = flatten(&[table(7, 2, &[("1", 5)]), table(9, 1, &[("1", 5)]), table(3, 2, &[("1", 5)])]);
        assert_eq!(routes[0].steps.iter().map(|step| step.set).collect::<Vec<_>>(), [9, 3, 7]);
    }

    #[test]
    fn no_rate_no_route() {
        assert_eq!(flatten(&[]), []);
        assert_eq!(find(&flatten(&[table(1, 1, &[("44", 10)])]), "4930"), None);
    }

    proptest! {
        /// The one row the proxy finds says the same as asking each carrier's own table.
        #[test]
        fn one_lookup_equals_asking_every_carrier(
            a in proptest::collection::btree_map("[12]{1,4}", 1_u64..50, 0..12),
            b in proptest::collection::btree_map("[12]{1,4}", 1_u64..50, 0..12),
            number in "[12]{6}",
        ) {
            let made = |set, rates: &BTreeMap<String, u64>| table(set, set, &rates.iter().map(|(p, r)| (p.as_str(), *r)).collect::<Vec<_>>());
            let tables = [made(1, &a), made(2, &b)];
            let own = |table: &CarrierTable| {
                let matching = table.rates.iter().filter(|(prefix, _)| number.starts_with(prefix.as_str()));
                matching.max_by_key(|(prefix, _)| prefix.as_str().len()).map(|(_, rate)| (*rate, table.priority, table.set))
            };
            let mut expected: Vec<_> = tables.iter().filter_map(own).collect();
            expected.sort_unstable();
            let expected: Vec<u16> = expected.into_iter().map(|(_, _, set)| set).collect();
            let found = find(&flatten(&tables), &number).map(|route| route.steps.iter().map(|step| step.set).collect::<Vec<_>>());
            prop_assert_eq!(found.unwrap_or_default(), expected);
        }
    }
}
