//! Sources of call records that are behind.

use super::*;
use crate::calls::sources::{RecordSource, SourceKind};

fn source(kind: SourceKind, name: &str, read_s_ago: Option<u64>) -> RecordSource {
    let ago = |seconds| NOW.minus(Duration::from_secs(seconds));
    let failing = read_s_ago.is_none_or(|seconds| seconds > 5).then(|| (ago(55), "no answer within 2 s".to_string()));
    RecordSource { kind, name: name.into(), read_at: read_s_ago.map(ago), failing, watched_since: ago(3_600) }
}

fn scene(sources: Vec<RecordSource>) -> Scene {
    Scene { sources, ..Scene::default() }
}

#[test]
fn a_source_that_was_not_read_for_a_minute_is_told_on_whom_it_is() {
    let (cluster, pbx) = (|ago| source(SourceKind::Cluster, "databases", ago), |ago| source(SourceKind::Pbx, "asterisk-02", ago));
    for (sources, expected) in [
        (vec![cluster(Some(1)), pbx(Some(60))], vec![]),
        (vec![cluster(Some(61)), pbx(Some(1))], vec!["bad cdrs.behind@cluster:databases"]),
        (vec![cluster(Some(1)), pbx(Some(61))], vec!["notice cdrs.behind@machine:asterisk-02"]),
        (vec![source(SourceKind::Cluster, "nameless", Some(61))], vec!["bad cdrs.behind@panel:wirecenter"]),
        (vec![cluster(None)], vec!["bad cdrs.behind@cluster:databases"]),
    ] {
        let scene = scene(sources);
        assert_eq!(scene.told(), expected);
        for symptom in scene.symptoms() {
            assert!(
                symptom.sentence.contains("cannot be read since") && symptom.evidence == ["no answer within 2 s"],
                "{symptom:?}"
            );
        }
    }
}

#[test]
fn dead_machines_explain_it() {
    let scene = scene(vec![source(SourceKind::Cluster, "databases", Some(90)), source(SourceKind::Pbx, "asterisk-02", Some(90))]);
    let groups = scene.find("mariadb-01", &[AWAY]).find("asterisk-02", &[AWAY]).groups();
    assert_eq!(
        groups.iter().map(|group| (group.root.key.as_str(), group.folded.len())).collect::<Vec<_>>(),
        [("machine.away", 1), ("machine.away", 1)]
    );
}

#[test]
fn it_ends_when_the_source_was_read_and_not_because_nobody_knows() {
    let subject = Subject::machine("asterisk-02");
    let judges = |sources| scene(sources).look(|seen| can_judge(seen, "cdrs.behind", &subject));
    let own = |ago| source(SourceKind::Pbx, "asterisk-02", ago);
    assert!(judges(vec![own(Some(1))]));
    assert!(!judges(vec![own(None)]), "it was not read since the start");
    assert!(!judges(vec![]), "nothing is read while the panel's own database is away");
    assert!(judges(vec![source(SourceKind::Cluster, "databases", Some(1))]), "nobody is to read its file any more");
}
