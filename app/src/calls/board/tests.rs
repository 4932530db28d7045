//! The board, told all sorts of things in all sorts of orders.

use super::*;
use crate::calls::live::CallState;
use proptest::prelude::*;

fn at(seconds: i64) -> Moment {
    Moment::from_seconds(1_000 + seconds)
}

fn call(pbx: &str, number: u32, started: i64) -> LiveCall {
    LiveCall {
        reference: format!("{number}@customer-01"),
        pbx: pbx.into(),
        unique_id: format!("{pbx}-{number}"),
        channel: format!("PJSIP/kamailio-01-{number:08x}"),
        caller: "12125550100".into(),
        called: "442079460123".into(),
        customer: Some("customer-01".into()),
        carrier: number.is_multiple_of(2).then(|| "carrier-a".into()),
        state: CallState::Up,
        started_at: at(started),
        answered_at: None,
        customer_codec: Some("alaw".into()),
        carrier_codec: Some(if number.is_multiple_of(3) { "ulaw" } else { "alaw" }.into()),
    }
}

fn changed(call: &LiveCall) -> PbxEvent {
    PbxEvent::Changed(Box::new(call.clone()))
}

fn over(call: &LiveCall) -> PbxEvent {
    PbxEvent::Over { channel: call.channel.clone(), at: at(0) }
}

#[test]
fn calls_are_counted_by_carrier_customer_and_pbx() {
    let mut board = Board::default();
    for (pbx, number) in [("one", 1), ("one", 2), ("two", 3), ("two", 4)] {
        assert!(board.tell(pbx, changed(&call(pbx, number, 0)), at(1)));
    }
    let counts = board.counts(at(1));
    assert_eq!((counts.concurrent, counts.unknown, counts.transcoding), (4, 0, 1));
    assert_eq!(counts.by_carrier, BTreeMap::from([("carrier-a".into(), 2)]));
    assert_eq!(counts.by_customer, BTreeMap::from([("customer-01".into(), 4)]));
    assert_eq!(counts.by_pbx, BTreeMap::from([("one".into(), 2), ("two".into(), 2)]));
}

#[test]
fn a_pbx_that_left_the_inventory_takes_its_calls_along_and_no_other() {
    let mut board = Board::default();
    let (one, two) = (call("one", 1, 0), call("two", 2, 0));
    board.tell("one", changed(&one), at(1));
    board.tell("two", changed(&two), at(1));
    board.away("one", at(2));
    board.forget("one");
    assert_eq!(board.calls().map(|(call, _)| call.pbx.as_str()).collect::<Vec<_>>(), ["two"]);
    let counts = board.counts(at(2));
    assert_eq!((counts.concurrent, counts.unknown), (1, 0));
    assert_eq!(board.away_since("one"), None, "nobody waits for it");
    assert!(board.find_by_reference(&one.reference).is_none());
}

#[test]
fn two_pbxs_may_use_the_same_channel_name() {
    let mut board = Board::default();
    let (one, two) = (call("one", 1, 0), call("two", 1, 0));
    assert_eq!(one.channel, two.channel);
    board.tell("one", changed(&one), at(1));
    board.tell("two", changed(&two), at(1));
    board.tell("one", over(&one), at(2));
    assert_eq!(board.calls().map(|(call, _)| call.pbx.as_str()).collect::<Vec<_>>(), ["two"]);
    assert!(board.find("one", &one.channel).is_none() && board.find("two", &two.channel).is_some());
}

#[test]
fn a_reconnect_ends_what_is_not_told_any_more_and_counts_nothing_twice() {
    let mut board = Board::default();
    let calls: Vec<LiveCall> = (1..=5).map(|number| call("one", number, i64::from(number))).collect();
    board.tell("one", PbxEvent::All(calls.clone()), at(6));
    assert_eq!((board.counts(at(6)).concurrent, board.counts(at(6)).cps_10s), (5, 0.5));
    board.away("one", at(7));
    // Two ended meanwhile, one began; the rest is told with whole seconds.
    let mut there: Vec<LiveCall> = calls[2..].to_vec();
    there[0].started_at = at(4);
    there.push(call("one", 6, 8));
    assert!(board.tell("one", PbxEvent::All(there.clone()), at(9)));
    let counts = board.counts(at(9));
    assert_eq!((counts.concurrent, counts.unknown, counts.cps_10s), (4, 0, 0.6));
    assert_eq!(board.find("one", &calls[2].channel).map(|call| call.started_at), Some(at(3)), "it began when it was heard");
    // And once more, with nothing new in it.
    assert!(!board.tell("one", PbxEvent::All(there), at(9)));
    assert_eq!(board.counts(at(9)), counts);
}

#[test]
fn a_pbx_that_was_restarted_uses_its_channel_names_again() {
    let mut board = Board::default();
    let before = call("one", 1, 0);
    board.tell("one", changed(&before), at(1));
    board.away("one", at(2));
    let after = LiveCall { unique_id: "one-after-1".into(), reference: "other@customer-01".into(), started_at: at(5), ..before };
    board.tell("one", PbxEvent::All(vec![after.clone()]), at(6));
    assert_eq!(board.find("one", &after.channel), Some(&after));
    assert_eq!((board.counts(at(6)).concurrent, board.counts(at(6)).cps_10s), (1, 0.2), "two calls began, one is there");
}

#[test]
fn calls_of_a_pbx_that_is_away_are_unknown_and_given_up_after_five_minutes() {
    let mut board = Board::default();
    board.tell("one", changed(&call("one", 1, 0)), at(0));
    board.tell("two", changed(&call("two", 1, 0)), at(0));
    assert!(board.away("one", at(10)));
    assert!(!board.away("one", at(20)), "that is known");
    let unknown = |board: &Board| board.calls().filter_map(|(_, since)| since).collect::<Vec<_>>();
    assert_eq!(unknown(&board), [at(10)], "since it went away, not since the last try");
    assert_eq!(board.counts(at(20)).away, BTreeMap::from([("one".into(), at(10))]));
    assert!(!board.sweep(at(310)));
    assert_eq!((board.counts(at(310)).concurrent, board.counts(at(310)).unknown), (2, 1));
    assert!(board.sweep(at(311)), "somebody who looks must be told");
    assert_eq!(board.calls().map(|(call, _)| call.pbx.as_str()).collect::<Vec<_>>(), ["two"]);
    // It comes back with the same call after all.
    assert!(board.tell("one", PbxEvent::All(vec![call("one", 1, 0)]), at(400)));
    assert_eq!((board.counts(at(400)).concurrent, board.counts(at(400)).unknown), (2, 0));
    assert_eq!(board.counts(at(400)).cps_60s, 0.0, "it is an old call");
}

#[test]
fn the_sentence_says_what_is_up_and_which_pbx_is_away() {
    let mut board = Board::default();
    assert!(board.counts(at(0)).sentence().starts_with("No PBX has been heard yet."));
    assert_eq!(board.counts(at(0)).tone(), Tone::Idle);
    board.tell("one", PbxEvent::All(vec![call("one", 1, 0), call("one", 2, 0)]), at(0));
    board.tell("two", PbxEvent::All(Vec::new()), at(0));
    let counts = board.counts(at(0));
    assert_eq!(counts.sentence(), "2 calls are up; 0.2 a second began over the last 10 s, 0.0 over 60 s.");
    assert_eq!(counts.tone(), Tone::Good);
    board.away("one", at(0));
    let counts = board.counts(at(30));
    assert!(counts.sentence().ends_with(" one does not answer since 00:16:40 UTC; its 2 calls are shown as last heard."));
    assert_eq!(counts.tone(), Tone::Notice);
}

#[test]
fn only_the_call_that_was_meant_is_ended() {
    let mut board = Board::default();
    let one = call("one", 1, 0);
    board.tell("one", changed(&one), at(1));
    assert_eq!(board.can_hang_up("one", &one.channel, &one.reference), Ok(&one));
    assert_eq!(board.can_hang_up("two", &one.channel, &one.reference), Err(HangUpRefusal::Over));
    assert_eq!(board.can_hang_up("one", &one.channel, "another@customer-01"), Err(HangUpRefusal::Over));
}

#[test]
fn what_comes_after_the_end_of_a_call_does_not_bring_it_back() {
    let mut board = Board::default();
    let one = call("one", 1, 0);
    assert!(!board.tell("one", over(&one), at(0)), "an end of nothing is nothing");
    board.tell("one", changed(&one), at(1));
    assert!(board.tell("one", over(&one), at(2)));
    assert!(!board.tell("one", over(&one), at(2)));
    assert!(!board.tell("one", changed(&one), at(3)));
    assert!(!board.tell("one", PbxEvent::All(vec![one]), at(4)));
    assert_eq!(board.counts(at(4)).concurrent, 0);
}

#[test]
fn a_call_that_is_over_is_found_by_its_name_until_it_is_forgotten() {
    let mut board = Board::default();
    let (first, other) = (call("one", 1, 0), call("two", 7, 0));
    // The same name at another PBX: the customer's call was tried there too.
    let second = LiveCall { reference: first.reference.clone(), ..other };
    for one in [&first, &second] {
        board.tell(&one.pbx, changed(one), at(1));
    }
    assert_eq!(board.find_over(&first.reference), None, "both are up");
    board.tell("one", over(&first), at(2));
    board.tell("two", over(&second), at(3));
    assert_eq!(board.find_over(&first.reference), Some((&second, at(3))), "the one that ended last");
    assert_eq!(board.find_over("another@customer-01"), None);
    let later = at(3).plus(OVER_KEPT);
    board.sweep(later);
    assert!(board.find_over(&first.reference).is_some());
    board.sweep(later.plus(Duration::from_secs(1)));
    assert_eq!(board.find_over(&first.reference), None);
}

#[test]
fn calls_per_second_look_back_ten_and_sixty_seconds() {
    let mut board = Board::default();
    for number in 0..60 {
        let one = call("one", number, i64::from(number));
        board.tell("one", changed(&one), one.started_at);
        board.tell("one", over(&one), one.started_at);
    }
    let counts = board.counts(at(59));
    assert_eq!((counts.cps_10s, counts.cps_60s, counts.concurrent), (1.0, 1.0, 0));
    assert_eq!(board.counts(at(69)).cps_10s, 0.0);
    // A start that the PBX's clock puts into the future counts now.
    board.tell("one", changed(&call("one", 99, 5_000)), at(100));
    assert_eq!(board.counts(at(100)).cps_10s, 0.1);
}

proptest! {
    /// However often the connection is lost, and whatever is told twice: at the next All the board is what the PBX has.
    #[test]
    fn after_all_the_board_is_what_the_pbx_has(steps in proptest::collection::vec((0u8..5, 0u32..12), 0..80)) {
        let mut board = Board::default();
        let mut there: BTreeMap<u32, LiveCall> = BTreeMap::new();
        let mut begun = 0u32;
        for (i, (step, number)) in steps.iter().enumerate() {
            let now = at(i64::try_from(i).expect("few steps") / 4);
            // Told, or missed because the connection is gone.
            let heard = number % 3 != 0;
            match step {
                0 | 1 => {
                    begun += 1;
                    let new = call("one", begun, 0);
                    there.insert(begun, new.clone());
                    if heard {
                        board.tell("one", changed(&new), now);
                        board.tell("one", changed(&new), now);
                    }
                }
                2 => if let Some(ended) = there.keys().nth(*number as usize).copied().and_then(|key| there.remove(&key)) && heard {
                    board.tell("one", over(&ended), now);
                    board.tell("one", changed(&ended), now);
                },
                3 => { board.away("one", now); },
                _ => {
                    board.tell("one", PbxEvent::All(there.values().cloned().collect()), now);
                    let mut known: Vec<&str> = board.calls().map(|(call, _)| call.unique_id.as_str()).collect();
                    let mut wanted: Vec<&str> = there.values().map(|call| call.unique_id.as_str()).collect();
                    known.sort_unstable(); wanted.sort_unstable();
                    prop_assert_eq!(known, wanted);
                }
            }
        }
        prop_assert!(board.starts.len() <= begun as usize, "{} starts of {begun} calls", board.starts.len());
    }
}
