//! What the shipped configuration writes of a call beyond who called whom: how long the caller waited, and what each leg spoke.

use crate::{
    harness::{Lab, lab, wait_until},
    panel::{asked, ready},
};
use serde_json::Value;
use std::time::Duration;

const LONDON: &str = "442079460123";
const NEW_YORK: &str = "12125550123";
/// A number that the customer's leg speaks µ-law for, and that a PBX leads to London in A-law.
const MISLED: &str = "12125550199";
const PBXS: [&str; 3] = ["asterisk-01", "asterisk-02", "asterisk-03"];
/// From a call's end to its row in the panel.
const COLLECTED: Duration = Duration::from_secs(10);
/// The same by way of the PBX's own file, which is looked at every five seconds.
const COLLECTED_FROM_FILE: Duration = Duration::from_secs(20);
/// A database that was killed is there again, and the PBX has found it.
const BACK: Duration = Duration::from_secs(60);

fn reference(call: &Value) -> String {
    call["reference"].as_str().unwrap_or_else(|| panic!("no reference in {call}")).into()
}

fn fields(lab: &Lab, statement: &str) -> Vec<String> {
    lab.sql("mariadb-01", statement).split('\t').map(Into::into).collect()
}

fn row(lab: &Lab, reference: &str, columns: &str) -> Vec<String> {
    let statement = format!("SELECT {columns} FROM asterisk.cdr WHERE reference = '{reference}'");
    wait_until("the CDR", Duration::from_secs(5), || !lab.sql("mariadb-01", &statement).is_empty());
    fields(lab, &statement)
}

/// The call as the panel has it, once it has it.
fn collected(lab: &Lab, reference: &str, patience: Duration) -> Value {
    let search = || asked(lab, &["cdr", "search", "--reference", reference]);
    wait_until("the panel to have collected the call", patience, || search().as_array().is_some_and(|found| !found.is_empty()));
    let found = search();
    assert_eq!(found.as_array().map(Vec::len), Some(1), "once: {found}");
    found[0].clone()
}

#[test]
fn an_answered_call_has_its_delay_and_both_codecs() {
    let Some(lab) = lab() else { return };
    for (number, codec) in [(LONDON, "alaw"), (NEW_YORK, "ulaw")] {
        let call = lab.call(&["--to", number, "--answer-after", "1s", "--talk", "1s"]);
        assert_eq!(call["outcome"], "answered", "{call}");
        let reference = reference(&call);
        let row = row(
            &lab,
            &reference,
            "(ringing_us - started_us) / 1000, (answered_us - ringing_us) / 1000, customer_codec, carrier_codec",
        );
        let ms = |field: &str| field.parse::<f64>().unwrap_or_else(|_| panic!("{field:?} is no time: {row:?}"));
        let heard = call["pdd_ms"].as_f64().unwrap_or_else(|| panic!("it rang: {call}"));
        assert!((ms(&row[0]) - heard).abs() < 300.0, "the caller heard it ring after {heard} ms: {row:?}");
        assert!((600.0..1_600.0).contains(&ms(&row[1])), "it rang for a second: {row:?}");
        assert_eq!(row[2..], [codec, codec], "{number}");
        let attempt = format!("SELECT ringing_ms, ms FROM kamailio.attempts WHERE reference = '{reference}'");
        wait_until("the attempt", Duration::from_secs(5), || !lab.sql("mariadb-01", &attempt).is_empty());
        let attempt = fields(&lab, &attempt);
        let (rang, answered) = (ms(&attempt[0]), ms(&attempt[1]));
        assert!(rang <= heard && answered - rang > 600.0, "the carrier rang after {rang} ms: {attempt:?} of {call}");
    }
}

#[test]
fn a_call_that_never_rang_has_no_delay_and_one_given_up_has() {
    let Some(lab) = lab() else { return };
    let busy = lab.call(&["--to", LONDON, "--carrier-a", "486"]);
    assert_eq!(busy["outcome"], "refused", "{busy}");
    assert_eq!(row(&lab, &reference(&busy), "ringing_us IS NULL, CONCAT(customer_codec, carrier_codec) = ''"), ["1", "1"]);
    let given_up = lab.call(&["--to", LONDON, "--carrier-a", "ring", "--ring", "2s"]);
    assert_eq!(given_up["reason"], "no_answer", "{given_up}");
    let row = row(&lab, &reference(&given_up), "(ended_us - ringing_us) / 1000, carrier_codec = ''");
    let rang: f64 = row[0].parse().unwrap_or_else(|_| panic!("it rang: {row:?}"));
    assert!((1_000.0..3_000.0).contains(&rang), "for two seconds: {row:?}");
    assert_eq!(row[1], "1", "nobody answered, so nothing was spoken");
}

/// Leads one number elsewhere on every PBX, until it is dropped.
struct Misled<'a> {
    lab: &'a Lab,
}

impl<'a> Misled<'a> {
    fn on(lab: &'a Lab) -> Self {
        let extension = format!("dialplan add extension {MISLED},1,Goto({LONDON},1) into from-proxy");
        PBXS.iter().for_each(|pbx| drop(lab.exec(pbx, &["asterisk", "-rx", &extension])));
        Self { lab }
    }
}

impl Drop for Misled<'_> {
    fn drop(&mut self) {
        for pbx in PBXS {
            let _ = self.lab.try_exec(pbx, &["asterisk", "-rx", &format!("dialplan remove extension {MISLED}@from-proxy")]);
        }
    }
}

#[test]
fn the_panel_shows_delay_and_codecs_and_flags_a_call_that_is_transcoded() {
    let Some(lab) = ready() else { return };
    let plain = lab.call(&["--to", LONDON, "--answer-after", "500ms", "--talk", "1s"]);
    let shown = collected(&lab, &reference(&plain), COLLECTED);
    assert_eq!((shown["customer_codec"].as_str(), shown["carrier_codec"].as_str()), (Some("alaw"), Some("alaw")), "{shown}");
    assert_eq!(shown["transcodes"], false, "{shown}");
    let (heard, pdd) = (plain["pdd_ms"].as_f64(), shown["pdd_ms"].as_f64());
    assert!(heard.zip(pdd).is_some_and(|(heard, pdd)| (heard - pdd).abs() < 300.0), "the caller waited {heard:?} ms: {shown}");
    let misled = Misled::on(&lab);
    let call = lab.call(&["--to", MISLED, "--talk", "1s"]);
    drop(misled);
    assert_eq!(call["outcome"], "answered", "{call}");
    let shown = collected(&lab, &reference(&call), COLLECTED);
    assert_eq!((shown["customer_codec"].as_str(), shown["carrier_codec"].as_str()), (Some("ulaw"), Some("alaw")), "{shown}");
    assert_eq!(shown["transcodes"], true, "{shown}");
}

#[test]
fn a_call_made_while_the_database_is_away_is_collected_once_and_in_its_minute() {
    let Some(lab) = ready() else { return };
    for database in ["mariadb-01/mariadb", "mariadb-02/mariadb"] {
        lab.json(&["break", "kill", database]);
    }
    let before = app::context::now();
    let call = lab.call(&["--to", LONDON, "--talk", "1s"]);
    assert_eq!(call["outcome"], "answered", "no database is needed for a call: {call}");
    let reference = reference(&call);
    // From the PBX's own file, while the table is still away.
    let shown = collected(&lab, &reference, COLLECTED_FROM_FILE);
    let started = shown["started_at"].as_str().unwrap_or_else(|| panic!("no beginning in {shown}"));
    let within = before.rfc3339()..before.plus(Duration::from_secs(10)).rfc3339();
    assert!(within.contains(&started.to_string()), "{shown}");
    assert_eq!((shown["outcome"].as_str(), shown["carrier"].as_str()), (Some("answered"), call["carrier"].as_str()), "{shown}");
    for database in ["mariadb-01/mariadb", "mariadb-02/mariadb"] {
        lab.json(&["heal", "kill", database]);
    }
    wait_until("the database to be there again", BACK, || lab.service_is_up("mariadb-01", "mariadb"));
    // The table takes records again, and whether it got this one late or never, the panel has it once.
    wait_until("the table to take records again", BACK, || {
        let call = lab.call(&["--to", LONDON, "--talk", "100ms"]);
        std::thread::sleep(Duration::from_secs(2));
        let row = format!("SELECT COUNT(*) FROM asterisk.cdr WHERE reference = '{}'", self::reference(&call));
        lab.sql("mariadb-01", &row) == "1"
    });
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(collected(&lab, &reference, COLLECTED)["started_at"], shown["started_at"]);
}
