//! Observations over time → alerts, as tables: what each second sees, and what comes of it.

use super::*;
use crate::alerts::{alert::AlertState, group::group};
use proptest::prelude::*;

fn at(second: i64) -> Moment {
    Moment::from_seconds(1_780_000_000 + second)
}

fn symptom(key: &str, subject: &str, because: &[&str]) -> Symptom {
    let subjects = because.iter().map(|text| text.parse().expect("a subject"));
    Symptom::new(key, subject.parse().expect("a subject"), Severity::Bad, format!("{key} of {subject}")).because(subjects)
}

fn heard(symptoms: Vec<Symptom>) -> Heard {
    Heard { groups: group(symptoms), ..Heard::default() }
}

/// `12 opened machine.away@machine:a!` where the mark says that the world is told.
fn line(second: i64, change: &AlertChange) -> Option<String> {
    let event = change.event.as_ref()?;
    let mark = if change.tells { "!" } else { "" };
    Some(format!("{second} {} {}{mark}", event.kind.name(), change.alert.identity()))
}

/// Steps once a second from the first to the last, with what `seen` gives, and tells what came of it.
fn run(inbox: &mut Inbox, seconds: std::ops::Range<i64>, seen: impl Fn(i64) -> Vec<Symptom>) -> Vec<String> {
    let mut told = Vec::new();
    for second in seconds {
        let changes = inbox.step(at(second), heard(seen(second)));
        told.extend(changes.iter().filter_map(|change| line(second, change)));
    }
    told
}

fn away(name: &str) -> Symptom {
    symptom("machine.away", &format!("machine:{name}"), &[])
}

#[test]
fn a_symptom_is_told_when_it_held_and_ends_when_it_was_gone_long_enough() {
    let mut inbox = Inbox::default();
    let told = run(&mut inbox, 0..60, |second| if (10..30).contains(&second) { vec![away("a")] } else { vec![] });
    assert_eq!(told, ["11 opened machine.away@machine:a!", "35 resolved machine.away@machine:a!"]);
    assert_eq!(inbox.open().count(), 0);
}

#[test]
fn what_does_not_hold_is_never_told() {
    let behind = || symptom("replica.behind", "machine:mariadb-02", &[]);
    let told = run(&mut Inbox::default(), 0..300, |second| if second % 10 < 9 { vec![behind()] } else { vec![] });
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn a_short_gap_is_the_same_alert() {
    let told = run(&mut Inbox::default(), 0..60, |second| if second % 5 < 3 { vec![away("a")] } else { vec![] });
    assert_eq!(told, ["1 opened machine.away@machine:a!"]);
}

#[test]
fn what_comes_and_goes_flaps_instead_of_filling_the_inbox() {
    let mut inbox = Inbox::default();
    // Every thirty seconds, fifteen seconds long, for ten minutes: twenty times.
    let told = run(&mut inbox, 0..600, |second| if second % 30 < 15 { vec![away("a")] } else { vec![] });
    assert_eq!(
        told,
        [
            "1 opened machine.away@machine:a!",
            "20 resolved machine.away@machine:a!",
            "31 opened machine.away@machine:a!",
            "50 resolved machine.away@machine:a!",
            "61 flapping machine.away@machine:a!"
        ]
    );
    assert!(inbox.open().all(|alert| alert.flapping));
    let told = run(&mut inbox, 600..1_000, |_| vec![]);
    assert_eq!(told, ["885 resolved machine.away@machine:a!"], "it is over when it was calm for five minutes");
}

#[test]
fn what_flaps_every_ten_seconds_is_a_bounded_number_of_notices() {
    // Ten seconds there, ten gone, for an hour: 180 times.
    let told = run(&mut Inbox::default(), 0..3_600, |second| if second % 20 < 10 { vec![away("a")] } else { vec![] });
    let notices: Vec<&String> = told.iter().filter(|line| line.ends_with('!')).collect();
    assert!(notices.len() <= 6, "{notices:?}");
    assert!(notices.last().is_some_and(|line| line.contains("flapping")), "{notices:?}");
}

#[test]
fn what_was_acknowledged_and_ended_tells_again_when_it_comes_again() {
    let mut inbox = Inbox::default();
    run(&mut inbox, 0..10, |_| vec![away("a")]);
    let id = inbox.open().next().expect("one").id;
    inbox.acknowledge(id, "ada", "mine", at(10)).expect("it is open");
    let told = run(&mut inbox, 11..60, |second| if second < 30 { vec![] } else { vec![away("a")] });
    assert_eq!(told, ["16 resolved machine.away@machine:a!", "31 opened machine.away@machine:a!"]);
    let again = inbox.open().next().expect("one");
    assert!(again.id != id && again.acknowledged.is_none() && again.assigned.is_none(), "somebody else's now: {again:?}");
}

#[test]
fn a_dead_proxy_is_one_alert_and_its_late_symptoms_fold_under_it() {
    let mut inbox = Inbox::default();
    let mate = || symptom("dmq.lost", "machine:kamailio-02", &["machine:kamailio-01"]);
    let told = run(&mut inbox, 0..60, |second| match second {
        0..5 => vec![],
        // Its mate misses it before the panel does.
        5..10 => vec![mate()],
        _ => (0..40)
            .map(|n| symptom("dispatcher.inactive", &format!("cluster:{n}"), &["machine:kamailio-01"]))
            .chain([mate(), away("kamailio-01")])
            .collect(),
    });
    assert_eq!(told, ["11 opened machine.away@machine:kamailio-01!"]);
    assert_eq!(inbox.open().next().expect("one").symptoms.len(), 41);
}

#[test]
fn an_alert_that_turns_out_to_be_a_symptom_becomes_part_of_its_cause() {
    let mut inbox = Inbox::default();
    let mate = || symptom("dmq.lost", "machine:b", &["machine:a"]);
    let told = run(&mut inbox, 0..40, |second| if second < 20 { vec![mate()] } else { vec![mate(), away("a")] });
    assert_eq!(told, ["8 opened dmq.lost@machine:b!", "21 opened machine.away@machine:a!", "21 resolved dmq.lost@machine:b!"]);
}

#[test]
fn a_storm_is_bounded_and_nothing_of_it_is_lost() {
    let mut inbox = Inbox::default();
    let told =
        run(&mut inbox, 0..100, |second| if second < 30 { (0..500).map(|n| away(&format!("m{n}"))).collect() } else { vec![] });
    assert_eq!(told, ["1 opened alerts.storm@panel:wirecenter!", "60 resolved alerts.storm@panel:wirecenter!"]);
    let mut inbox = Inbox::default();
    run(&mut inbox, 0..5, |_| (0..500).map(|n| away(&format!("m{n}"))).collect());
    let storm = inbox.open().next().expect("one").clone();
    assert!(storm.sentence.starts_with("500 more things") && storm.symptoms.len() == 200, "{}", storm.sentence);
    let told = run(&mut inbox, 5..40, |_| (0..3).map(|n| away(&format!("m{n}"))).collect());
    assert_eq!(told.iter().filter(|line| line.contains("opened machine.away")).count(), 3, "the few that are left get their own");
}

#[test]
fn what_cannot_be_seen_is_not_over() {
    let mut inbox = Inbox::default();
    run(&mut inbox, 0..10, |_| vec![away("a"), away("b")]);
    let frozen: BTreeSet<String> = ["machine.away@machine:a".to_string()].into();
    let mut told = Vec::new();
    for second in 10..60 {
        let changes = inbox.step(at(second), Heard { frozen: frozen.clone(), ..Heard::default() });
        told.extend(changes.iter().filter_map(|change| line(second, change)));
    }
    assert_eq!(told, ["15 resolved machine.away@machine:b!"]);
}

#[test]
fn a_worse_severity_is_told_and_a_milder_one_is_only_noted() {
    let disk = |severity| Symptom { severity, ..symptom("disk.full:/", "machine:a", &[]) };
    let told = run(&mut Inbox::default(), 0..60, |second| match second {
        0..20 => vec![disk(Severity::Notice)],
        20..40 => vec![disk(Severity::Bad)],
        _ => vec![disk(Severity::Notice)],
    });
    let key = "disk.full:/@machine:a";
    assert_eq!(told, [format!("10 opened {key}!"), format!("20 changed {key}!"), format!("40 changed {key}")]);
}

#[test]
fn nobody_acknowledges_and_it_is_escalated_once() {
    let step = |inbox: &mut Inbox, second| {
        let heard = Heard { escalate_after: Some(Duration::from_secs(60)), ..heard(vec![away("a")]) };
        inbox.step(at(second), heard).iter().filter_map(|change| line(second, change)).collect::<Vec<_>>()
    };
    let mut alone = Inbox::default();
    let told: Vec<String> = (0..300).flat_map(|second| step(&mut alone, second)).collect();
    assert_eq!(told, ["1 opened machine.away@machine:a!", "61 escalated machine.away@machine:a!"]);
    let mut cared_for = Inbox::default();
    (0..30).for_each(|second| drop(step(&mut cared_for, second)));
    let id = cared_for.open().next().expect("one").id;
    cared_for.acknowledge(id, "ada", "on my way", at(30)).expect("it is open");
    assert_eq!((30..300).flat_map(|second| step(&mut cared_for, second)).collect::<Vec<_>>(), Vec::<String>::new());
    let alert = cared_for.open().next().expect("one");
    assert_eq!((cared_for.state_of(alert, at(300)), alert.assigned.as_deref()), (AlertState::Acknowledged, Some("ada")));
}

#[test]
fn a_silenced_alert_is_shown_and_not_told_until_the_silence_ends() {
    let mut inbox = Inbox::default();
    let silence = Silence {
        id: 0,
        rule: "machine.*".into(),
        subject: "machine:a*".into(),
        until: at(120),
        by: "ada".into(),
        created_at: at(0),
        comment: "planned".into(),
        ended_at: None,
    };
    inbox.add_silence(silence).expect("two minutes");
    let told = run(&mut inbox, 0..200, |_| vec![away("a"), away("b")]);
    assert_eq!(
        told,
        ["1 opened machine.away@machine:a", "1 opened machine.away@machine:b!", "120 unsilenced machine.away@machine:a!"]
    );
    let mut inbox = Inbox::default();
    run(&mut inbox, 0..10, |_| vec![away("a")]);
    let id = inbox.open().next().expect("one").id;
    inbox.silence(id, "ada", Duration::from_secs(60), at(10)).expect("it is open");
    assert_eq!(inbox.state_of(inbox.find(id).expect("there"), at(11)), AlertState::Silenced);
    let told = run(&mut inbox, 11..60, |_| vec![]);
    assert_eq!(told, ["16 resolved machine.away@machine:a!"], "whoever heard that it began hears that it is over");
}

#[test]
fn a_person_is_refused_with_the_reason() {
    let mut inbox = Inbox::default();
    run(&mut inbox, 0..5, |_| vec![away("a")]);
    let id = inbox.open().next().expect("one").id;
    let minute = Duration::from_secs(60);
    assert_eq!(inbox.acknowledge(AlertId(1), "ada", "", at(5)), Err(AlertRefusal::Over));
    assert_eq!(inbox.silence(id, "ada", minute / 2, at(5)), Err(AlertRefusal::SilenceLength));
    assert_eq!(inbox.silence(id, "ada", minute * 60 * 24 * 8, at(5)), Err(AlertRefusal::SilenceLength));
    assert_eq!(inbox.unsilence(id, "ada", at(5)), Err(AlertRefusal::NotSilenced));
    inbox.acknowledge(id, "ada", "mine", at(5)).expect("open");
    assert_eq!(inbox.acknowledge(id, "ada", "mine", at(6)), Err(AlertRefusal::Acknowledged { by: "ada".into() }));
    assert!(inbox.assign(id, "ada", "bob", at(7)).is_ok() && inbox.end_silence(5, at(7)) == Err(AlertRefusal::SilenceOver));
}

#[test]
fn an_inbox_that_began_without_its_store_takes_the_stored_alert_in() {
    let mut before = Inbox::default();
    run(&mut before, 0..10, |_| vec![away("a"), away("b")]);
    let stored: Vec<Alert> = before.open().cloned().collect();
    let mut after = Inbox::default();
    let own = run(&mut after, 20..30, |_| vec![away("a"), away("c")]);
    assert_eq!(own.len(), 2);
    let replaced = after.adopt(stored.clone(), at(30));
    assert_eq!(replaced.len(), 1, "its own alert about a is dropped for the stored one");
    let told = run(&mut after, 30..60, |_| vec![away("a"), away("c")]);
    assert_eq!(told, ["35 resolved machine.away@machine:b!"], "b ended meanwhile, a goes on under its old number");
    assert!(stored.iter().filter(|alert| alert.subject.name == "a").all(|alert| after.find(alert.id).is_some()));
}

/// What is known of the alerts when only the stored rows are left.
fn restarted(inbox: &Inbox, ended: &[Alert], now: Moment) -> Inbox {
    Inbox::restore(inbox.open().cloned().collect(), ended, inbox.silences().to_vec(), now)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A restart at any second, by the whole memory or by the stored rows alone: nothing is told twice, nothing is lost.
    #[test]
    fn a_restart_tells_nothing_twice_and_loses_nothing(
        spans in proptest::collection::vec((0i64..200, 1i64..80, 0u8..4), 1..8),
        restarts in proptest::collection::vec((1i64..300, any::<bool>()), 0..6),
    ) {
        let seen = |second: i64| -> Vec<Symptom> {
            let mut names: Vec<u8> =
                spans.iter().filter(|(from, long, _)| (*from..from + long).contains(&second)).map(|span| span.2).collect();
            names.sort_unstable();
            names.dedup();
            names.into_iter().map(|name| away(&format!("m{name}"))).collect()
        };
        let (mut whole, mut broken) = (Inbox::default(), Inbox::default());
        let (mut told_whole, mut told_broken, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        let mut numbers = BTreeSet::new();
        for second in 0..700 {
            for (_, by_store) in restarts.iter().filter(|(at, _)| *at == second) {
                broken = if *by_store {
                    restarted(&broken, &ended, at(second))
                } else {
                    serde_json::from_str(&serde_json::to_string(&broken).expect("plain")).expect("our own")
                };
            }
            told_whole.extend(whole.step(at(second), heard(seen(second))).iter().filter_map(|change| line(second, change)));
            let changes = broken.step(at(second), heard(seen(second)));
            for change in &changes {
                let number = change.event.as_ref().map(|event| (change.alert.id, event.seq));
                prop_assert!(number.is_none_or(|number| numbers.insert(number)), "a number is used twice: {change:?}");
                if change.alert.resolved_at.is_some() { ended.push(change.alert.clone()); }
            }
            told_broken.extend(changes.iter().filter_map(|change| line(second, change)));
        }
        let without_second = |lines: &[String]| -> Vec<String> {
            let mut lines: Vec<String> = lines.iter().map(|line| line.split_once(' ').expect("a second").1.to_string()).collect();
            lines.sort();
            lines
        };
        let kinds = |lines: &[String], kind: &str| without_second(lines).into_iter().filter(|line| line.starts_with(kind)).count();
        // A restart may begin a hold or a calm anew, so that two short alerts become one: never more, and all of them end.
        prop_assert!(told_broken.len() <= told_whole.len(), "{told_broken:?}\n{told_whole:?}");
        prop_assert_eq!(kinds(&told_broken, "opened") + kinds(&told_broken, "flapping"), kinds(&told_broken, "resolved"));
        prop_assert_eq!(broken.open().count(), 0);
        if restarts.iter().all(|(_, by_store)| !by_store) {
            prop_assert_eq!(without_second(&told_broken), without_second(&told_whole));
        }
    }
}

#[test]
fn what_left_the_inventory_is_over_at_once_and_is_not_said_to_be_well() {
    let mut inbox = Inbox::default();
    run(&mut inbox, 0..10, |_| vec![away("a"), away("b")]);
    // A panel that is cut off sees nothing end; what is no longer declared is over all the same.
    let identity = |name: &str| format!("machine.away@machine:{name}");
    let frozen: BTreeSet<String> = ["a", "b"].map(identity).into();
    let changes = inbox.step(at(10), Heard { frozen, undeclared: [identity("a")].into(), ..Heard::default() });
    let told: Vec<String> = changes.iter().filter_map(|change| line(10, change)).collect();
    assert_eq!(told, ["10 resolved machine.away@machine:a!"]);
    let text = changes[0].event.as_ref().map(|event| event.text.as_str());
    assert_eq!(text, Some("a is not in the inventory any more; the panel looks at it no longer."));
    assert_eq!(inbox.open().map(|alert| alert.subject.name.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn what_a_rule_still_sees_is_not_over() {
    let mut inbox = Inbox::default();
    run(&mut inbox, 0..10, |_| vec![away("a")]);
    let undeclared: BTreeSet<String> = ["machine.away@machine:a".to_string()].into();
    assert_eq!(inbox.step(at(10), Heard { undeclared, ..heard(vec![away("a")]) }), []);
}
