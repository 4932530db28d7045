//! What a failover would lose now: the transactions of the primary that its replica does not have, and those only the replica has.

use crate::fleet::facts::DatabaseFacts;
use std::collections::BTreeMap;

/// `0-1-4521,1-2-7` as the newest sequence of each domain and server. What is no GTID is passed over.
fn positions(text: &str) -> BTreeMap<(u32, u64), u64> {
    let read = |gtid: &str| {
        let mut parts = gtid.trim().split('-');
        let (domain, server, sequence) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        parts.next().is_none().then_some(((domain, server), sequence))
    };
    text.split(',').filter_map(read).collect()
}

/// The newest sequence of each domain, whoever wrote it: with strict mode they rise over all servers.
fn domains(text: &str) -> BTreeMap<u32, u64> {
    let mut domains = BTreeMap::new();
    for ((domain, _), sequence) in positions(text) {
        let newest: &mut u64 = domains.entry(domain).or_default();
        *newest = sequence.max(*newest);
    }
    domains
}

/// Transactions the primary has written and the replica has not applied.
pub fn behind(primary: &DatabaseFacts, replica: &DatabaseFacts) -> u64 {
    let applied = domains(&replica.gtid_slave);
    domains(&primary.gtid_binlog)
        .into_iter()
        .map(|(domain, at)| at.saturating_sub(applied.get(&domain).copied().unwrap_or(0)))
        .sum()
}

/// Transactions written on the replica itself that the primary never had, as GTIDs.
pub fn errant(primary: &DatabaseFacts, replica: &DatabaseFacts) -> Vec<String> {
    let known = positions(&primary.gtid_binlog_state);
    let own = positions(&replica.gtid_binlog_state).into_iter().filter(|((_, server), _)| *server == replica.server_id);
    let more = own.filter(|(key, sequence)| known.get(key).is_none_or(|known| known < sequence));
    more.map(|((domain, server), sequence)| format!("{domain}-{server}-{sequence}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(server_id: u64, binlog: &str, slave: &str, state: &str) -> DatabaseFacts {
        DatabaseFacts {
            server_id,
            gtid_binlog: binlog.into(),
            gtid_slave: slave.into(),
            gtid_binlog_state: state.into(),
            ..DatabaseFacts::default()
        }
    }

    #[test]
    fn what_the_replica_has_not_applied_is_counted_by_domain() {
        let primary = facts(1, "0-1-120,5-1-7", "", "");
        assert_eq!(behind(&primary, &facts(2, "", "0-1-120,5-1-7", "")), 0);
        assert_eq!(behind(&primary, &facts(2, "", "0-1-100,5-1-6", "")), 21);
        assert_eq!(behind(&primary, &facts(2, "", "0-1-130,5-1-7", "")), 0, "asked later, it is ahead");
        assert_eq!(behind(&primary, &facts(2, "", "", "")), 127);
    }

    #[test]
    fn only_what_the_replica_wrote_itself_and_the_primary_lacks_is_errant() {
        let primary = facts(1, "0-1-120", "", "0-1-120,0-2-40");
        assert!(errant(&primary, &facts(2, "", "", "0-1-110,0-2-40")).is_empty(), "of the time it was primary itself");
        assert_eq!(errant(&primary, &facts(2, "", "", "0-1-110,0-2-121")), ["0-2-121"]);
        assert_eq!(errant(&facts(1, "", "", "garbage,0-1"), &facts(2, "", "", "0-2-1,x")), ["0-2-1"]);
    }
}
