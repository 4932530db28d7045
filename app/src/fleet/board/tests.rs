//! The board of small and large fleets.

use super::*;
use crate::fleet::sample;

#[test]
fn clusters_networks_and_outsiders_stand_in_a_fixed_order() {
    let mut inventory = sample::lab();
    let board = Board::of(&inventory);
    assert_eq!((board.density, board.rows.len()), (Density::Full, 1));
    let row = &board.rows[0];
    let titles: Vec<&str> = row.groups.iter().map(|group| group.title.as_str()).collect();
    assert_eq!(titles, ["SIP proxies", "PBX pool", "Billing", "Databases", "Monitor"]);
    let rails: Vec<&str> = row.rails.iter().map(|rail| rail.network.as_str()).collect();
    assert_eq!(rails, ["external", "voice", "data", "sync", "management"]);
    let outside = row.outside.as_ref().expect("carriers are outside");
    assert_eq!((outside.names.join(" "), outside.more), ("carrier-a carrier-b customer-01".to_string(), 0));
    assert!(board.columns().all(|column| !column.machine.starts_with("carrier")), "the outside has no column");
    // Nothing but the inventory decides; the order of its machines within other roles does not either.
    inventory.machines.reverse();
    let names = |board: &Board| board.rows[0].groups.iter().map(|group| group.title.clone()).collect::<Vec<_>>();
    assert_eq!(names(&Board::of(&inventory)), names(&board));
}

#[test]
fn a_database_does_not_tap_external() {
    let board = Board::of(&sample::lab());
    let taps = |name: &str| {
        let column = board.columns().find(|column| column.machine == name).expect("it is on the board");
        column.taps.iter().map(|(network, _)| network.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(taps("mariadb-01"), "data sync management");
    assert_eq!(taps("kamailio-02"), "external voice sync management");
}

#[test]
fn nothing_overlaps_and_everything_is_inside() {
    for inventory in [sample::lab(), sample::large()] {
        let board = Board::of(&inventory);
        let measures = board.density.measures();
        for row in &board.rows {
            for pair in row.columns.windows(2) {
                assert!(pair[0].x + measures.pitch <= pair[1].x, "{} and {}", pair[0].machine, pair[1].machine);
            }
            for column in &row.columns {
                assert!(column.x + measures.card_width / 2 < board.width && column.card_top >= row.top + CARDS_TOP);
            }
            assert!(row.rails.iter().all(|rail| rail.from < rail.until && rail.until < board.width && rail.y < board.height));
        }
        for pair in board.rows.windows(2) {
            assert!(pair[0].rails.iter().all(|rail| rail.y < pair[1].top));
        }
    }
}

#[test]
fn two_hundred_machines_fit_a_few_narrow_rows() {
    let board = Board::of(&sample::large());
    assert_eq!((board.density, board.columns().count()), (Density::Compact, 200));
    assert!(
        board.rows.len() <= 7 && board.height <= 1_400 && board.width <= 1_400,
        "{} rows, {} x {}",
        board.rows.len(),
        board.width,
        board.height
    );
    let mut shorts: Vec<&str> = board.columns().map(|column| column.short.as_str()).filter(|short| short.len() > 4).collect();
    shorts.dedup();
    assert_eq!(shorts, Vec::<&str>::new(), "a short name fits its column");
    assert_eq!(board.rows[0].groups[0].title, "SIP proxies · kamailio-");
}

#[test]
fn two_clusters_of_one_role_carry_their_names_and_the_unclustered_come_last() {
    let mut inventory = sample::lab();
    let mut second = inventory.clusters["pbx"].clone();
    second.members = vec!["asterisk-03".into()];
    if let Some(first) = inventory.clusters.get_mut("pbx") {
        first.members = vec!["asterisk-01".into()];
    }
    inventory.clusters.insert("pbx-b".into(), second);
    let board = Board::of(&inventory);
    let titles: Vec<&str> = board.rows[0].groups.iter().map(|group| group.title.as_str()).collect();
    assert_eq!(titles[1..4], ["PBX pool · pbx", "PBX pool · pbx-b", "PBX pool"]);
    assert_ne!(board.stamp, Board::of(&sample::lab()).stamp, "another drawing has another stamp");
}

#[test]
fn an_inventory_without_machines_makes_an_empty_board() {
    let mut inventory = sample::lab();
    inventory.machines.clear();
    let board = Board::of(&inventory);
    assert!(board.rows.is_empty() && board.height >= 1 && board.width > 0);
}
