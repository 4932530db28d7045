//! What the lab's carriers charge, and where its customer calls: enough destinations, of different depth, for routes to differ.

use app::{
    fleet::inventory::Carrier,
    rates::flattened::{CarrierTable, FlatRoute, flatten},
    values::{Prefix, RatePerMinute},
};
use std::fmt::Write;

/// A place people call.
pub struct Destination {
    pub prefix: &'static str,
    pub name: &'static str,
    /// Base price of a minute, in millionths.
    pub micros: u64,
    /// Share of the traffic.
    pub weight: u32,
    /// Digits of a whole number.
    pub digits: usize,
}

const fn to(prefix: &'static str, name: &'static str, micros: u64, weight: u32, digits: usize) -> Destination {
    Destination { prefix, name, micros, weight, digits }
}

pub const DESTINATIONS: &[Destination] = &[
    to("1212", "United States, New York", 2_100, 60, 11),
    to("1213", "United States, Los Angeles", 2_200, 45, 11),
    to("1312", "United States, Chicago", 2_150, 30, 11),
    to("1416", "Canada, Toronto", 2_900, 40, 11),
    to("1604", "Canada, Vancouver", 2_950, 15, 11),
    to("1809", "Dominican Republic", 24_000, 4, 11),
    to("1876", "Jamaica", 61_000, 3, 11),
    to("20", "Egypt", 98_000, 4, 12),
    to("2010", "Egypt, mobile", 104_000, 4, 12),
    to("212", "Morocco", 165_000, 3, 12),
    to("234", "Nigeria", 72_000, 8, 13),
    to("254", "Kenya", 84_000, 5, 12),
    to("27", "South Africa", 31_000, 6, 11),
    to("2782", "South Africa, mobile", 68_000, 4, 11),
    to("30", "Greece", 7_100, 4, 12),
    to("31", "Netherlands", 5_200, 12, 11),
    to("316", "Netherlands, mobile", 18_500, 8, 11),
    to("32", "Belgium", 6_800, 8, 11),
    to("33", "France", 4_300, 25, 11),
    to("336", "France, mobile", 14_800, 14, 11),
    to("34", "Spain", 4_700, 18, 11),
    to("346", "Spain, mobile", 15_900, 9, 11),
    to("351", "Portugal", 5_900, 6, 12),
    to("353", "Ireland", 6_100, 10, 12),
    to("39", "Italy", 5_000, 18, 12),
    to("393", "Italy, mobile", 17_200, 9, 12),
    to("40", "Romania", 6_600, 5, 11),
    to("41", "Switzerland", 8_900, 9, 11),
    to("4179", "Switzerland, mobile", 41_000, 4, 11),
    to("43", "Austria", 7_700, 8, 12),
    to("44", "United Kingdom", 4_000, 60, 12),
    to("447", "United Kingdom, mobile", 12_600, 35, 12),
    to("4420", "United Kingdom, London", 3_800, 40, 12),
    to("45", "Denmark", 6_200, 6, 10),
    to("46", "Sweden", 5_600, 8, 11),
    to("47", "Norway", 6_000, 6, 10),
    to("48", "Poland", 6_900, 14, 11),
    to("49", "Germany", 4_400, 45, 12),
    to("4915", "Germany, mobile", 16_800, 20, 13),
    to("4917", "Germany, mobile", 16_900, 16, 13),
    to("52", "Mexico", 8_700, 25, 12),
    to("521", "Mexico, mobile", 13_300, 14, 13),
    to("54", "Argentina", 11_900, 6, 12),
    to("55", "Brazil", 13_000, 16, 12),
    to("5511", "Brazil, Sao Paulo", 9_800, 10, 13),
    to("57", "Colombia", 14_100, 7, 12),
    to("60", "Malaysia", 12_300, 5, 11),
    to("61", "Australia", 8_300, 12, 11),
    to("614", "Australia, mobile", 21_700, 7, 11),
    to("62", "Indonesia", 43_000, 5, 12),
    to("63", "Philippines", 112_000, 9, 12),
    to("64", "New Zealand", 9_400, 4, 11),
    to("65", "Singapore", 10_600, 6, 10),
    to("7", "Russia", 48_000, 5, 11),
    to("81", "Japan", 15_200, 7, 12),
    to("8190", "Japan, mobile", 63_000, 4, 12),
    to("82", "South Korea", 14_300, 5, 12),
    to("86", "China", 11_100, 14, 13),
    to("90", "Turkey", 38_000, 6, 12),
    to("91", "India", 9_200, 40, 12),
    to("92", "Pakistan", 62_000, 8, 12),
    to("966", "Saudi Arabia", 96_000, 4, 12),
    to("971", "United Arab Emirates", 158_000, 5, 12),
];

/// What each carrier charges. The first carrier is the cheaper one almost everywhere, so that there is a way to see a failover; it
/// does not break out mobile networks, and asks more for North America.
pub fn tables(carriers: &[Carrier]) -> Vec<CarrierTable> {
    let table = |(place, carrier): (usize, &Carrier)| {
        let rate = |destination: &Destination| {
            let mobile = destination.name.ends_with("mobile");
            let nanp = destination.prefix.starts_with('1');
            let micros = match (place, mobile, nanp) {
                (0, true, _) => return None,
                (0, false, true) => destination.micros * 108 / 100,
                (0, false, false) => destination.micros,
                (more, _, _) => destination.micros * (104 + 3 * more as u64) / 100,
            };
            // Every prefix of the table is digits; a test holds it to that.
            Some((destination.prefix.parse::<Prefix>().ok()?, RatePerMinute::from_micros(micros)))
        };
        CarrierTable { set: carrier.set, priority: carrier.priority, rates: DESTINATIONS.iter().filter_map(rate).collect() }
    };
    carriers.iter().enumerate().map(table).collect()
}

/// The statements that fill the proxies' table.
pub fn fill_routes(routes: &[FlatRoute]) -> String {
    let mut sql = String::from("USE kamailio;\nDELETE FROM lcr_routes;\n");
    for chunk in routes.chunks(500) {
        // Digits, points, colons and semicolons only: there is nothing to quote.
        let rows: Vec<String> = chunk.iter().map(|route| format!("('{}','{}')", route.prefix, route.value())).collect();
        let _ = writeln!(sql, "INSERT INTO lcr_routes (tprefix, tvalue) VALUES {};", rows.join(","));
    }
    sql
}

pub fn routes(carriers: &[Carrier]) -> Vec<FlatRoute> {
    flatten(&tables(carriers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_destination_has_a_route_over_both_carriers() {
        let inventory = super::super::shipped::shipped_inventory().expect("it is read by another test too");
        let routes = routes(&inventory.carriers);
        for destination in DESTINATIONS {
            let route = routes.iter().find(|route| route.prefix.as_str() == destination.prefix).expect("no prefix is lost");
            assert_eq!(route.steps.len(), 2, "{}", destination.name);
        }
        let first = |prefix: &str| routes.iter().find(|route| route.prefix.as_str() == prefix).map(|route| route.steps[0].set);
        assert_eq!((first("4420"), first("1212")), (Some(101), Some(102)), "each carrier is first somewhere");
    }
}
