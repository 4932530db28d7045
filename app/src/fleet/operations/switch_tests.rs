//! Plans for a made-up fleet: what is done, what stands in the way, what is refused.

use super::*;
use crate::{fleet::facts::DispatcherSet, fleet::sample, values::PortErrorKind};
use TargetState::{Active, Disabled, Inactive};

fn proxy(sets: &[(u32, &[(&str, TargetState)])]) -> Result<ProxyFacts, PortError> {
    let target = |(host, state): &(&str, TargetState)| DispatcherTarget {
        uri: format!("sip:{host}:5060"),
        state: *state,
        priority: 0,
        round_trip_ms: None,
    };
    let set =
        |(id, targets): &(u32, &[(&str, TargetState)])| DispatcherSet { id: *id, targets: targets.iter().map(target).collect() };
    Ok(ProxyFacts { version: "kamailio 5.6".into(), dialogs: 3, sets: sets.iter().map(set).collect(), ..ProxyFacts::default() })
}

fn whole() -> SwitchSeen {
    let pool: &[(&str, TargetState)] = &[("10.10.10.21", Active), ("10.10.10.22", Active)];
    let sets: &[(u32, &[(&str, TargetState)])] =
        &[(1, pool), (101, &[("203.0.113.101", Active)]), (102, &[("203.0.113.102", Active)])];
    SwitchSeen { proxies: [("kamailio-01".into(), proxy(sets)), ("kamailio-02".into(), proxy(sets))].into(), pbx: None }
}

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn plan(kind: OperationKind, subject: &str, pairs: &[(&str, &str)], seen: &SwitchSeen) -> Plan {
    let (inventory, settings) = (sample::lab(), settings(pairs));
    Switch::new(&inventory, kind, subject, &settings).expect("it is known").plan(&settings, seen)
}

fn refused(kind: OperationKind, subject: &str, pairs: &[(&str, &str)]) -> String {
    Switch::new(&sample::lab(), kind, subject, &settings(pairs)).expect_err("it is refused").to_string()
}

fn verdict(plan: &Plan, name: &str) -> Verdict {
    plan.preflights.iter().find(|preflight| preflight.name == name).map(|preflight| preflight.verdict).expect("it was looked at")
}

#[test]
fn disabling_a_carrier_says_exactly_what_is_sent_and_how_it_is_undone() {
    let plan = plan(OperationKind::DisableCarrier, "carrier-a", &[], &whole());
    let names: Vec<&str> = plan.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["note_states", "take_out", "verify_out"]);
    assert_eq!(
        plan.steps[1].commands,
        [
            "kamailio-01: dispatcher.set_state dx 101 sip:203.0.113.101:5060",
            "kamailio-02: dispatcher.set_state dx 101 sip:203.0.113.101:5060"
        ]
    );
    assert!(matches!(&plan.steps[1].undo, Undo::By(words) if words.contains("the state it was in before")));
    assert_eq!((plan.point_of_no_return(), plan.hold()), (None, "carrier carrier-a".to_string()));
    assert!(plan.preflights.iter().all(|preflight| preflight.verdict == Verdict::Pass), "{:?}", plan.preflights);
    assert!(plan.steps.iter().all(|step| SwitchStep::find(&step.name).is_some()));
}

#[test]
fn the_last_active_carrier_is_kept_unless_a_person_takes_that_on_themselves() {
    let mut seen = whole();
    let sets: &[(u32, &[(&str, TargetState)])] = &[(101, &[("203.0.113.101", Active)]), (102, &[("203.0.113.102", Inactive)])];
    seen.proxies.insert("kamailio-02".into(), proxy(sets));
    let blocked = plan(OperationKind::DisableCarrier, "carrier-a", &[], &seen);
    assert_eq!(verdict(&blocked, "other_way"), Verdict::Block);
    assert!(blocked.preflights.iter().any(|preflight| preflight.evidence.contains("active at kamailio-02: new calls would fail")));
    let accepted = plan(OperationKind::DisableCarrier, "carrier-a", &[(ACCEPT_NO_ROUTE, "yes")], &seen);
    assert_eq!(verdict(&accepted, "other_way"), Verdict::Warn);
    assert_ne!(accepted.fingerprint(), blocked.fingerprint());
}

#[test]
fn a_proxy_that_does_not_answer_blocks_until_it_is_left_out() {
    let mut seen = whole();
    let gone = PortError::new("kamailio-02 JSON-RPC", "read core.version", PortErrorKind::TimedOut, "no answer within 2 s");
    seen.proxies.insert("kamailio-02".into(), Err(gone));
    let blocked = plan(OperationKind::DisableCarrier, "carrier-a", &[], &seen);
    assert_eq!(verdict(&blocked, "proxies"), Verdict::Block);
    let without = plan(OperationKind::DisableCarrier, "carrier-a", &[(WITHOUT, "kamailio-02")], &seen);
    assert_eq!((verdict(&without, "proxies"), without.steps[1].commands.len()), (Verdict::Warn, 1));
    let nobody = plan(OperationKind::DisableCarrier, "carrier-a", &[(WITHOUT, "kamailio-01,kamailio-02")], &seen);
    assert_eq!(verdict(&nobody, "proxies"), Verdict::Block);
}

#[test]
fn a_carrier_comes_back_probed_and_one_that_is_there_already_is_told() {
    let mut seen = whole();
    assert_eq!(verdict(&plan(OperationKind::EnableCarrier, "carrier-a", &[], &seen), "destinations"), Verdict::Warn);
    let out: &[(u32, &[(&str, TargetState)])] = &[(101, &[("203.0.113.101", Disabled)]), (102, &[("203.0.113.102", Active)])];
    seen.proxies = [("kamailio-01".into(), proxy(out)), ("kamailio-02".into(), proxy(out))].into();
    let plan_back = plan(OperationKind::EnableCarrier, "carrier-a", &[], &seen);
    assert_eq!(verdict(&plan_back, "destinations"), Verdict::Pass);
    assert_eq!(plan_back.steps[1].commands[0], "kamailio-01: dispatcher.set_state ip 101 sip:203.0.113.101:5060");
    assert_eq!(verdict(&plan(OperationKind::DisableCarrier, "carrier-a", &[], &seen), "destinations"), Verdict::Warn);
    seen.proxies.insert("kamailio-01".into(), proxy(&[]));
    assert_eq!(verdict(&plan(OperationKind::EnableCarrier, "carrier-a", &[], &seen), "destinations"), Verdict::Block);
}

#[test]
fn draining_a_pbx_touches_its_own_destination_only_and_waits_for_its_calls() {
    let mut seen = whole();
    seen.pbx = Some(Ok(PbxFacts { calls: 4, ..pbx_facts() }));
    let drain = plan(OperationKind::Drain, "asterisk-01", &[(WITHIN_S, "90")], &seen);
    assert_eq!(drain.steps[1].commands[0], "kamailio-01: dispatcher.set_state dx 1 sip:10.10.10.21:5060");
    assert_eq!((drain.steps[1].commands.len(), drain.steps.len()), (2, 4));
    assert_eq!(drain.steps[3].words, "Wait until no call is up on asterisk-01, at most 90 s.");
    assert!(drain.preflights.iter().any(|preflight| preflight.evidence == "4 call(s) are up on asterisk-01; none is cut."));
    seen.pbx = Some(Err(PortError::new("asterisk-01 AMI", "log in", PortErrorKind::Refused, "nobody listens")));
    assert_eq!(verdict(&plan(OperationKind::Drain, "asterisk-01", &[], &seen), "live_calls"), Verdict::Block);
    assert_eq!(verdict(&plan(OperationKind::ReturnToService, "asterisk-01", &[], &seen), "live_calls"), Verdict::Warn);
}

fn pbx_facts() -> PbxFacts {
    PbxFacts {
        version: "20".into(),
        started_at: None,
        reloaded_at: None,
        channels: 0,
        calls: 0,
        endpoints: Vec::new(),
        codecs: BTreeMap::new(),
        transcoding: 0,
    }
}

#[test]
fn what_is_not_there_is_refused_with_what_is() {
    let said = refused(OperationKind::DisableCarrier, "carrier-x", &[]);
    assert_eq!(said, "The inventory has no carrier \"carrier-x\". There are: carrier-b, carrier-a.");
    assert!(refused(OperationKind::Drain, "kamailio-01", &[]).contains("no PBX \"kamailio-01\""));
    assert!(refused(OperationKind::EnableCarrier, "carrier-a", &[("x", "1")]).contains("it has: without."));
    assert!(refused(OperationKind::DisableCarrier, "carrier-a", &[(WITHOUT, "kamailio-09")]).contains("kamailio-01, kamailio-02"));
    assert!(refused(OperationKind::Drain, "asterisk-01", &[(WITHIN_S, "0")]).contains("from 1 to 14400"));
    assert!(refused(OperationKind::Drain, "asterisk-01", &[(ACCEPT_NO_ROUTE, "1")]).contains("yes or no"));
    assert!(refused(OperationKind::CloneMachine, "asterisk-01", &[]).contains("not built yet"));
}
