//! The PBXs' own files beside their table, on a real MariaDB: what the table never got is taken from them, once, and counted in its
//! minute, wherever the reading is cut off.

use crate::cdr::{Source, database, drain};
use server::{
    adapters::ssh::{FilePiece, FilePlace},
    cdr::local::{LocalFile, LocalFiles, Wish},
    stack::facts::CDR_COLUMNS,
};
use tokio::sync::mpsc::Receiver;

/// Of the file that is played here.
const FIRST_LINE: u64 = 4_711;
const ALL: usize = usize::MAX;

/// The lines a PBX would have written of these rows of the table.
fn lines(source: &Source, which: &str) -> String {
    let fields = CDR_COLUMNS.map(|column| format!("CONCAT('\"', COALESCE({column}, ''), '\"')")).join(", ");
    source.ours.sql(&format!("SELECT CONCAT_WS(',', {fields}) FROM {}.cdr WHERE {which} ORDER BY id", source.pbx)) + "\n"
}

/// Answers wishes from a file that does not grow, in pieces of so many bytes; after so many answers nobody is there any more.
async fn serve(content: Vec<u8>, mut wishes: Receiver<Wish>, piece_bytes: usize, answers: usize) {
    for _ in 0..answers {
        let Some(Wish { place, tell }) = wishes.recv().await else { return };
        let begin = usize::try_from(place.offset).expect("a small file").min(content.len());
        let end = begin.saturating_add(piece_bytes).min(content.len());
        let bytes = content[begin..end].to_vec();
        let place = FilePlace { first_line: FIRST_LINE, offset: place.offset };
        let piece = FilePiece { place, is_rotated: false, is_full: bytes.len() >= piece_bytes, bytes };
        // The collector waits for it.
        let _ = tell.send(Ok(piece));
    }
}

async fn files(source: &Source, content: &str, piece_bytes: usize, answers: usize) -> LocalFiles {
    let (file, wishes) = LocalFile::new("asterisk-01");
    tokio::spawn(serve(content.as_bytes().to_vec(), wishes, piece_bytes, answers));
    LocalFiles::new(database(&source.ours.url()).await, "one", vec![file])
}

/// What one round brought of the one file there is.
async fn round(files: &LocalFiles) -> Result<usize, String> {
    let mut read = files.round().await;
    assert_eq!(read.len(), 1, "one PBX");
    read.remove(0).1
}

#[tokio::test]
async fn what_the_table_never_got_comes_from_the_file_once_and_in_its_minute() {
    let source = Source::new().await;
    source.call(1, 500);
    let all = lines(&source, "TRUE");
    let (pbx, columns) = (&source.pbx, CDR_COLUMNS.join(", "));
    source.ours.sql(&format!("CREATE TABLE {pbx}.late AS SELECT {columns} FROM {pbx}.cdr WHERE id BETWEEN 101 AND 300"));
    source.ours.sql(&format!("DELETE FROM {pbx}.cdr WHERE id BETWEEN 101 AND 300"));
    let collector = source.collector().await;
    assert_eq!(drain(&collector).await, 700, "three hundred calls, four hundred tries");
    // Half a record of a Dial that failed, what a power cut leaves, and a line that is being written.
    let half = all.lines().next().expect("there are lines").replace("\"1795316403100000\"", "\"\"");
    assert!(!half.contains("1795316403100000"), "{half}");
    let content = format!("{half}\n\0\0\0\0\n{all}\"ref-");
    let read = files(&source, &content, 1 << 18, ALL).await;
    assert_eq!(round(&read).await, Ok(200));
    assert_eq!(source.ours.sql("SELECT COUNT(*) FROM cdrs"), "500");
    assert_eq!(round(&read).await, Ok(0), "it is read to its end");
    // Another process goes on where this one was, and one that knows nothing reads all of it again; neither adds anything.
    assert_eq!(round(&files(&source, &content, 1 << 18, ALL).await).await, Ok(0));
    source.ours.sql("UPDATE cdr_sources SET position = 0, settled = 0 WHERE source LIKE 'asterisk-01%'");
    assert_eq!(round(&read).await, Ok(0));
    // The database gets them after all, much later.
    source.ours.sql(&format!("INSERT INTO {pbx}.cdr ({columns}) SELECT {columns} FROM {pbx}.late"));
    assert_eq!(drain(&collector).await, 0);
    source.proved();
}

#[tokio::test]
async fn the_file_may_come_first_and_the_table_adds_nothing() {
    let source = Source::new().await;
    source.call(1, 100);
    let read = files(&source, &lines(&source, "TRUE"), 1 << 18, ALL).await;
    assert_eq!(round(&read).await, Ok(100));
    assert_eq!(drain(&source.collector().await).await, 80, "the tries only");
    source.proved();
}

#[tokio::test]
async fn reading_that_is_cut_off_anywhere_goes_on_there() {
    let source = Source::new().await;
    source.call(1, 300);
    let content = lines(&source, "TRUE");
    let (mut new, mut cut) = (0, 0);
    for attempt in 0..200 {
        // From one piece to four, then the way to the PBX is gone; each time another process.
        let read = files(&source, &content, 1_500, 1 + attempt % 4).await;
        match round(&read).await {
            Ok(count) => new += count,
            Err(said) => {
                assert!(said.contains("asterisk-01"), "{said}");
                cut += 1;
            }
        }
        if source.ours.sql("SELECT COUNT(*) FROM cdrs") == "300" {
            break;
        }
    }
    assert!(cut > 10, "cut off {cut} times");
    assert!(new <= 300, "{new}");
    drain(&source.collector().await).await;
    source.proved();
}

#[tokio::test]
async fn a_second_panel_leaves_the_file_to_the_first() {
    let source = Source::new().await;
    source.call(1, 20);
    let content = lines(&source, "TRUE");
    assert_eq!(round(&files(&source, &content, 1 << 18, ALL).await).await, Ok(20));
    let (file, wishes) = LocalFile::new("asterisk-01");
    tokio::spawn(serve(content.into_bytes(), wishes, 1 << 18, ALL));
    let other = LocalFiles::new(database(&source.ours.url()).await, "two", vec![file]);
    source.ours.sql("TRUNCATE cdrs");
    source.ours.sql("UPDATE cdr_sources SET position = 0, settled = 0");
    assert_eq!(round(&other).await, Ok(0), "the first has just read it");
    source.ours.sql("UPDATE cdr_sources SET read_at = read_at - INTERVAL 11 SECOND");
    assert_eq!(round(&other).await, Ok(20));
}
