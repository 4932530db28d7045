//! Searching call records and reading call volume, from the statements to the command line, on what was really collected.

use crate::{
    browser::Browser,
    cdr::{START_US, Source, drain},
    harness::{Panel, Setup},
};
use app::{
    calls::{
        cdr::{CdrFilter, CdrKey},
        live::{CallState, LiveCall},
        outcome::Outcome,
        store,
        tally::Tally,
        volume::{Grouping, Range, VolumeQuestion, VolumeRow},
    },
    values::Moment,
};
use sqlx::{Connection, MySqlConnection};
use std::time::Duration;

#[tokio::test]
async fn a_search_finds_by_number_customer_and_time_and_pages_without_gap_or_double() {
    let source = Source::new().await;
    source.call(1, 2_500);
    drain(&source.collector().await).await;
    let mut conn = MySqlConnection::connect(&source.ours.url()).await.expect("it answers");
    let conn = &mut conn;
    let filter = CdrFilter { number: Some("44207000".into()), ..CdrFilter::default() };
    let found = store::cdr::list(conn, &filter, None, 10_000).await.expect("it answers");
    assert_eq!(found.len(), 999, "called 44207000001 to …999");
    assert!(found.windows(2).all(|pair| pair[0].key > pair[1].key), "newest first");
    let by_caller = CdrFilter { number: Some("49301000007".into()), ..CdrFilter::default() };
    assert_eq!(store::cdr::count(conn, &by_caller, 100).await.expect("it answers"), 3);
    assert_eq!(store::cdr::count(conn, &CdrFilter::default(), 1_000).await.expect("it answers"), 1_000, "counting ends");

    let filter = CdrFilter {
        customer: Some("acme".into()),
        outcome: Some(Outcome::Busy),
        from: Some(Moment::from_micros(START_US)),
        to: Some(Moment::from_micros(START_US + 200_000_000)),
        ..CdrFilter::default()
    };
    let all = store::cdr::list(conn, &filter, None, 10_000).await.expect("it answers");
    assert!(!all.is_empty() && all.iter().all(|cdr| cdr.customer.as_deref() == Some("acme") && cdr.outcome == Outcome::Busy));
    let (mut paged, mut below): (Vec<CdrKey>, Option<CdrKey>) = (Vec::new(), None);
    loop {
        let page = store::cdr::list(conn, &filter, below, 7).await.expect("it answers");
        let Some(last) = page.last() else { break };
        below = Some(last.key);
        paged.extend(page.iter().map(|cdr| cdr.key));
    }
    assert_eq!(paged, all.iter().map(|cdr| cdr.key).collect::<Vec<_>>());

    let call = store::cdr::list_by_reference(conn, "ref-10").await.expect("it answers");
    assert_eq!((call.len(), call[0].attempts.len(), call[0].attempts[0].carrier.as_str()), (1, 1, "carrier-a"));
    assert_eq!(call[0].rate.map(|rate| rate.to_string()).as_deref(), Some("0.004200"));
    assert!(store::cdr::list_by_reference(conn, "nobody's").await.expect("it answers").is_empty());
}

#[tokio::test]
async fn volume_is_cut_as_asked_and_its_shadow_is_a_week_older() {
    let source = Source::new().await;
    source.call(1, 3_000);
    drain(&source.collector().await).await;
    let mut conn = MySqlConnection::connect(&source.ours.url()).await.expect("it answers");
    let from = Moment::from_micros(START_US);
    let range = Range::Custom { from, to: from.plus(Duration::from_secs(600)) };
    let now = from.plus(Duration::from_secs(8 * 86_400));
    let by = |grouping, only: Option<&str>, range| VolumeQuestion { grouping, only: only.map(Into::into), range };
    let volume =
        store::volume::get(&mut conn, &by(Grouping::Customer, None, range), &Tally::default(), now).await.expect("it answers");
    assert_eq!(
        volume.rows.iter().map(|row| (row.name.as_str(), row.measures.attempts)).collect::<Vec<_>>(),
        [("acme", 1_500), ("umbrella", 1_500)]
    );
    assert_eq!((volume.whole.attempts, volume.whole.asr_percent, volume.whole.cps), (3_000, Some(20.0), Some(5.0)));
    assert_eq!(volume.points.len(), 10);
    assert_eq!(volume.points.iter().map(|point| point.measures.attempts).sum::<u64>(), 3_000);
    // Weeks are read by day, but for their ends.
    let hours = |count: u64| Duration::from_secs(count * 3_600);
    let weeks = Range::Custom { from: from.minus(hours(20 * 24 + 5)), to: from.plus(hours(20 * 24 + 3)) };
    let long =
        store::volume::get(&mut conn, &by(Grouping::Customer, None, weeks), &Tally::default(), now).await.expect("it answers");
    let told = |row: &VolumeRow| (row.name.clone(), row.measures.attempts, row.measures.acd_s, row.measures.concurrent);
    assert_eq!(long.rows.iter().map(told).collect::<Vec<_>>(), volume.rows.iter().map(told).collect::<Vec<_>>());
    assert_eq!(long.whole.attempts, 3_000);
    assert!(long.rows.iter().all(|row| row.week_before.attempts == row.measures.attempts), "they lie in the week before as well");
    // The same where a span begins and ends in the middle of the day the calls are of.
    let morning = from.whole(4 * 3_600);
    for (begins, ends) in
        [(morning.plus(hours(2)), from.plus(hours(7 * 24))), (morning.minus(hours(30 * 24)), morning.plus(hours(4)))]
    {
        let range = Range::Custom { from: begins, to: ends };
        let long =
            store::volume::get(&mut conn, &by(Grouping::Customer, None, range), &Tally::default(), now).await.expect("it answers");
        assert_eq!(long.rows.iter().map(told).collect::<Vec<_>>(), volume.rows.iter().map(told).collect::<Vec<_>>(), "{range:?}");
    }
    // And nothing of them outside.
    let later = Range::Custom { from: morning.plus(hours(4)), to: from.plus(hours(40 * 24)) };
    let after =
        store::volume::get(&mut conn, &by(Grouping::Customer, None, later), &Tally::default(), now).await.expect("it answers");
    assert_eq!(after.whole.attempts, 0);
    // By carrier each try counts, and one carrier's points are its own.
    let volume = store::volume::get(&mut conn, &by(Grouping::Carrier, Some("carrier-b"), range), &Tally::default(), now)
        .await
        .expect("it answers");
    let asr = volume.rows.iter().map(|row| (row.name.as_str(), row.measures.attempts, row.measures.asr_percent));
    assert_eq!(asr.collect::<Vec<_>>(), [("carrier-a", 1_800, Some(600.0 / 1_800.0 * 100.0)), ("carrier-b", 600, Some(0.0))]);
    assert_eq!(volume.whole.attempts, 600);
    // A week later these calls are the shadow.
    let week = Duration::from_secs(7 * 86_400);
    let range = Range::Custom { from: from.plus(week), to: from.plus(week + Duration::from_secs(600)) };
    let volume =
        store::volume::get(&mut conn, &by(Grouping::Total, None, range), &Tally::default(), now).await.expect("it answers");
    assert_eq!((volume.whole.attempts, volume.whole.asr_percent, volume.week_before.attempts), (0, None, 3_000));
    assert_eq!(volume.shadow.iter().map(|point| point.measures.attempts).sum::<u64>(), 3_000);
}

#[tokio::test]
async fn a_call_that_is_up_is_in_the_newest_minutes_and_in_no_ratio() {
    let source = Source::new().await;
    source.call(1, 3_000);
    drain(&source.collector().await).await;
    let mut conn = MySqlConnection::connect(&source.ours.url()).await.expect("it answers");
    let from = Moment::from_micros(START_US);
    let now = from.plus(Duration::from_secs(8 * 60 + 30));
    let call = |name: &str, second| LiveCall {
        reference: name.into(),
        pbx: "asterisk-09".into(),
        unique_id: name.into(),
        channel: name.into(),
        caller: "1".into(),
        called: "442079460123".into(),
        customer: Some("acme".into()),
        carrier: None,
        state: CallState::Up,
        started_at: from.plus(Duration::from_secs(second)),
        answered_at: None,
        customer_codec: None,
        carrier_codec: None,
    };
    let mut live = Tally::default();
    // The third began before the span: it is up in all of it and began in none of it.
    for call in [call("a", 7 * 60), call("b", 8 * 60), LiveCall { started_at: from.minus(Duration::from_secs(90)), ..call("c", 0) }]
    {
        live.note_live(&call, now);
    }
    let question = |only: Option<&str>| VolumeQuestion {
        grouping: Grouping::Pbx,
        only: only.map(Into::into),
        range: Range::Custom { from, to: from.plus(Duration::from_secs(600)) },
    };
    let nobody = Tally::default();
    let before = store::volume::get(&mut conn, &question(None), &nobody, now).await.expect("it answers");
    let volume = store::volume::get(&mut conn, &question(None), &live, now).await.expect("it answers");
    let more = |at: usize| {
        let (old, new) = (before.points[at].measures, volume.points[at].measures);
        (new.attempts - old.attempts, new.concurrent - old.concurrent, new.asr_percent == old.asr_percent)
    };
    assert_eq!((0..10).map(more).collect::<Vec<_>>()[6..], [(0, 1, true), (1, 2, true), (1, 3, true), (0, 0, true)]);
    assert_eq!((volume.whole.attempts, volume.whole.asr_percent), (3_002, before.whole.asr_percent));
    let row = volume.rows.iter().find(|row| row.name == "asterisk-09").expect("it has calls, and none is over");
    assert_eq!((row.measures.attempts, row.measures.asr_percent, row.measures.concurrent), (2, None, 3));
    let one = store::volume::get(&mut conn, &question(Some("asterisk-09")), &live, now).await.expect("it answers");
    assert_eq!(one.points.iter().map(|point| point.measures.concurrent).collect::<Vec<_>>(), [1, 1, 1, 1, 1, 1, 1, 2, 3, 0]);
}

#[tokio::test]
async fn the_command_line_tells_what_was_collected() {
    let source = Source::new().await;
    source.call(1, 100);
    drain(&source.collector().await).await;
    let panel = Panel::start(Setup::with(&source.ours));
    let found = panel.json(&["cdr", "search", "--number", "+44 20 7000010", "--from", "2026-11-22", "--to", "2026-11-23"]);
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!((found[0]["called"].as_str(), found[0]["customer"].as_str()), (Some("44207000010"), Some("umbrella")));
    assert_eq!(panel.json(&["cdr", "search", "--from", "2026-11-23"]).as_array().map(Vec::len), Some(0));
    let call = panel.json(&["cdr", "search", "--reference", "ref-10"]);
    assert_eq!(call[0]["attempts"][0]["carrier"], "carrier-a");
    let volume = panel.json(&["volume", "--by", "carrier", "--from", "2026-11-22T03:00", "--to", "2026-11-22T04:00"]);
    assert_eq!((volume["rows"][0]["name"].as_str(), volume["rows"][0]["attempts"].as_u64()), (Some("carrier-a"), Some(60)));
    assert!(volume["formulas"]["asr"].as_str().is_some_and(|formula| formula.contains('÷')));
    for wrong in [
        &["cdr", "search", "--number", "abc"][..],
        &["cdr", "search", "--number", "00"],
        &["volume", "--from", "2026-11-23", "--to", "2026-11-22"],
    ] {
        let output = panel.command(wrong);
        assert_eq!(output.status.code(), Some(1), "{wrong:?}");
    }
    assert_eq!(panel.command(&["volume", "--by", "moon"]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_cannot_be_read_counts_nothing_and_what_was_typed_stays() {
    let (panel, _database) = Panel::with_everybody();
    let noc = Browser::signed_in(&panel.staff, "noc").await;
    for (query, says) in [
        ("range=custom&from=22.11.&to=2026-11-22", "value=\"22.11.\""),
        ("range=custom&from=2026-11-22&to=2026-11-21", "a moment after 2026-11-22 00:00:00"),
        ("range=custom&from=2020-01-01&to=2026-11-21", "at most 400 days after"),
        ("range=5y", "live, 1h, 24h, 7d, 30d or custom"),
        ("by=moon", "total, carrier, customer, destination or pbx"),
        ("name=acme", "because one name is asked for"),
    ] {
        let page = noc.page(&format!("/volume?{query}")).await;
        assert!(page.contains("Nothing was counted.") && page.contains(says), "{query}");
        assert!(!page.contains("answered ÷ attempts that are over"), "{query}: no figure is shown");
        assert_eq!(noc.read("/api/calls/volume", &[("query", query)]).await.status(), 422, "{query}");
    }
    let live = noc.page("/volume?range=live&by=carrier").await;
    assert!(live.contains("calls that are up at the PBXs now") && live.contains("By carrier each try counts"), "{live}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calls_page_is_its_record_and_nobodys_reference_is_told_apart() {
    let source = Source::new().await;
    source.call(1, 20);
    drain(&source.collector().await).await;
    let panel = Panel::start(Setup::with(&source.ours));
    let add = panel.command_with(&["user", "add", "noc", "--role", "noc", "--password-stdin"], crate::harness::PASSWORD);
    assert!(add.status.success(), "{add:?}");
    let noc = Browser::signed_in(&panel.staff, "noc").await;
    let page = noc.page("/calls/ref-10").await;
    assert!(page.contains("Outcome") && page.contains("carrier-a") && !page.contains("being collected"), "{page}");
    let nobody = noc.get("/calls/nobodys").await;
    assert_eq!(nobody.status(), 404);
    let nobody = nobody.text().await.expect("a page");
    assert!(nobody.contains("none is up, and none that is over"), "{nobody}");
    // What is up is asked of the PBXs, whatever is recorded.
    assert_eq!(noc.read("/api/calls/one", &[("reference", "ref-10")]).await.status(), 404);
    assert_eq!(noc.read("/api/calls/counts", &[]).await.status(), 200);
}
