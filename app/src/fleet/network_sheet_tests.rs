//! What the pages of networks say, for a whole world and for broken ones.

use super::*;
use crate::fleet::isolation::{
    prove,
    tests::{NOW, host, inventory, probes, seen, shell, world},
};
use crate::fleet::world::MachineSeen;
use crate::values::{PortError, PortErrorKind};

fn all(inventory: &Inventory, world: &World) -> Sheet {
    networks(inventory, world, &prove(inventory, world, NOW), NOW)
}

fn one(inventory: &Inventory, world: &World, name: &str) -> Option<Sheet> {
    network(inventory, world, name, &prove(inventory, world, NOW), &[], NOW)
}

fn table<'a>(sheet: &'a Sheet, title: &str) -> &'a SheetTable {
    let tables = sheet.parts.iter().filter_map(|part| match part {
        Part::Table(table) => Some(table),
        Part::Lines(_) => None,
    });
    tables.into_iter().find(|table| table.title == title).unwrap_or_else(|| panic!("{title} in {sheet:#?}"))
}

fn lines<'a>(sheet: &'a Sheet, title: &str) -> &'a [Line] {
    let lists = sheet.parts.iter().filter_map(|part| match part {
        Part::Lines(lines) => Some(lines),
        Part::Table(_) => None,
    });
    &lists.into_iter().find(|lines| lines.title == title).unwrap_or_else(|| panic!("{title} in {sheet:#?}")).lines
}

fn words(row: &[Cell]) -> Vec<&str> {
    row.iter().map(|cell| cell.text.as_str()).collect()
}

#[test]
fn a_whole_world_is_said_in_one_sentence_and_a_row_each() {
    let inventory = inventory();
    let sheet = all(&inventory, &world(&inventory));
    assert_eq!(sheet.first, Said::new(Tone::Good, "proved", "All 3 networks are proved to be as declared."));
    let rows = &table(&sheet, "Networks").rows;
    assert_eq!(words(&rows[0]), ["data", "proved", "none", "3 of 3 seen", "observed 9000", "3 of 3 pairs", "yes"]);
    assert_eq!(words(&rows[1])[..3], ["external", "proved", "eth0 on host-01"]);
    assert_eq!((rows[1][5].text.as_str(), rows[1][5].tone), ("not tried", None), "nobody pings where a way out is expected");
    assert!(lines(&sheet, "Violations").is_empty());
}

#[test]
fn a_violated_network_comes_first_and_an_unknown_one_is_not_proved() {
    let inventory = inventory();
    let mut broken = world(&inventory);
    host(&mut broken).switches[0].uplinks.push("eth7".into());
    let sheet = all(&inventory, &broken);
    assert_eq!(sheet.first.tone, Tone::Bad);
    assert!(sheet.first.sentence.starts_with("data is violated: data has a way out on host-01"), "{}", sheet.first.sentence);
    assert_eq!(lines(&sheet, "Violations").len(), 1);
    let cell = &table(&sheet, "Networks").rows[0][2];
    assert_eq!((cell.tone, cell.text.as_str()), (Some(Tone::Bad), "eth7 on host-01"));

    let blind = World::default();
    let sheet = all(&inventory, &blind);
    assert_eq!((sheet.first.tone, sheet.first.word.as_str()), (Tone::Idle, "unknown"));
    let rows = &table(&sheet, "Networks").rows;
    assert!(rows.iter().all(|row| row[1].text == "unknown" && row[4].text == "unknown"), "{rows:#?}");
}

#[test]
fn the_matrix_tells_lost_untried_and_unreachable_pairs_apart() {
    let inventory = inventory();
    let mut broken = world(&inventory);
    probes(&mut broken).pings[0].answered = false;
    probes(&mut broken).pings.remove(1);
    let sheet = one(&inventory, &broken, "data").expect("there is such a network");
    let matrix = table(&sheet, "Large packets between each pair");
    assert_eq!(words(&matrix.rows[0]), ["asterisk-01", "", "lost", "not tried"]);
    assert_eq!(words(&matrix.rows[2]), ["mariadb-02", "not tried", "0.10 ms", ""]);
    let away = PortError::new("mariadb-02 SSH", "look", PortErrorKind::TimedOut, "no answer within 2 s");
    shell(&mut broken, "mariadb-02").note(Err(away), NOW);
    let sheet = one(&inventory, &broken, "data").expect("there is such a network");
    assert_eq!(words(&table(&sheet, "Large packets between each pair").rows[1]), ["mariadb-01", "lost", "", "unknown"]);
    let members = table(&sheet, "Members");
    assert_eq!((members.rows[2][1].tone, members.rows[2][1].text.as_str()), (Some(Tone::Idle), "unknown"));
}

#[test]
fn a_network_nobody_declared_has_no_page() {
    let inventory = inventory();
    assert_eq!(one(&inventory, &world(&inventory), "nowhere"), None);
}

#[test]
fn evidence_names_what_is_wrong_then_what_is_missing_then_what_was_seen() {
    let inventory = inventory();
    let mut broken = world(&inventory);
    host(&mut broken).switches[0].uplinks.push("eth7".into());
    broken.machines.insert("mariadb-01".into(), MachineSeen::default());
    let sheet = one(&inventory, &broken, "data").expect("there is such a network");
    let tones: Vec<Tone> = lines(&sheet, "Evidence").iter().map(|line| line.tone).collect();
    assert_eq!(tones[..2], [Tone::Bad, Tone::Idle]);
    assert!(tones[2..].iter().all(|tone| *tone == Tone::Good), "{tones:?}");
}

#[test]
fn with_many_machines_only_lost_pairs_are_listed() {
    let mut inventory = inventory();
    for number in 100..130 {
        let mut machine = inventory.machines[0].clone();
        (machine.name, machine.number) = (format!("asterisk-{number}"), number);
        inventory.machines.push(machine);
    }
    let mut many = world(&inventory);
    let mut probed = probes(&mut many).clone();
    probed.pings[0].answered = false;
    many.networks.insert("data".into(), seen(probed));
    let sheet = one(&inventory, &many, "data").expect("there is such a network");
    assert_eq!(lines(&sheet, "Large packets between each pair").len(), 1);
}

#[test]
fn the_history_is_listed_with_its_times() {
    let inventory = inventory();
    let world = world(&inventory);
    let row = HistoryRow { network: "data".into(), at: NOW, verdict: Verdict::Proved, violations: vec![] };
    let sheet = network(&inventory, &world, "data", &prove(&inventory, &world, NOW), &[row], NOW).expect("there is such a network");
    let past = lines(&sheet, "Verdicts until now");
    assert_eq!((past.len(), past[0].word.as_str(), past[0].at), (1, "proved", Some(NOW)));
}
