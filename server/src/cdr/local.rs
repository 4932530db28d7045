//! The PBXs' own files: each PBX writes every record to its disk before it tries the database, so what the table never got, because
//! the database was away or the PBX started without it, is still there.
//!
//! A line has the table's columns and gives the same call with the same key, so whichever comes first is kept and the other changes
//! nothing. How far a file was read moves in the transaction that keeps its lines, as for the tables: a checksum of the file's first
//! line, by which it is known after a rotation, and the offset in it.

use super::{
    Failed, keep_rows,
    read::Rows,
    record::{Record, call},
};
use crate::{
    adapters::ssh::{FilePiece, FilePlace},
    stack::facts::CDR_COLUMNS,
};
use app::{
    calls::{cdr::Cdr, store::collection},
    database::Database,
    values::{Moment, PortError},
};
use std::{str::FromStr, sync::Arc};
use tokio::sync::{mpsc, oneshot};

/// As `cdr_custom.conf` of the stack has it.
pub const PATH: &str = "/var/log/asterisk/cdr-custom/cdr.csv";
/// Pieces of one file in one round, so that a long one does not keep the others waiting.
const PIECES_MAX: usize = 10;
/// Lines of a stack from before these columns end without them.
const NEW_COLUMNS: usize = 3;

/// A wish for the next piece of a PBX's file.
pub struct Wish {
    pub place: FilePlace,
    pub tell: oneshot::Sender<Result<FilePiece, PortError>>,
}

/// The file of one PBX, and the way to who can read it.
pub struct LocalFile {
    pbx: String,
    reader: mpsc::Sender<Wish>,
}

impl LocalFile {
    /// The file, and where its wishes arrive.
    pub fn new(pbx: impl Into<String>) -> (Self, mpsc::Receiver<Wish>) {
        let (reader, wishes) = mpsc::channel(1);
        (Self { pbx: pbx.into(), reader }, wishes)
    }

    pub fn pbx(&self) -> &str {
        &self.pbx
    }

    async fn piece(&self, place: FilePlace) -> Result<FilePiece, String> {
        let nobody = || format!("nobody reads the files of {} at the moment", self.pbx);
        let (tell, told) = oneshot::channel();
        self.reader.send(Wish { place, tell }).await.map_err(|_| nobody())?;
        // Dropped unanswered when the observers end.
        told.await.map_err(|_| nobody())?.map_err(|error| error.to_string())
    }
}

pub struct LocalFiles {
    database: Arc<Database>,
    reader: String,
    files: Vec<LocalFile>,
}

impl LocalFiles {
    pub fn new(database: Arc<Database>, reader: impl Into<String>, files: Vec<LocalFile>) -> Self {
        Self { database, reader: reader.into(), files }
    }

    pub fn pbxs(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(LocalFile::pbx)
    }

    /// Reads what is new in every file at the same time; for each PBX how many of its calls were not there yet.
    pub async fn round(&self) -> Vec<(&str, Result<usize, String>)> {
        if !self.database.state().is_up() {
            return Vec::new();
        }
        let read = self.files.iter().map(|file| async { (file.pbx(), self.read(file).await) });
        futures::future::join_all(read).await
    }

    async fn read(&self, file: &LocalFile) -> Result<usize, String> {
        let source = format!("{}:{PATH}", file.pbx);
        let cannot_keep = |failed: Failed| format!("what stands in {source} cannot be kept: {failed}");
        let mut new = 0;
        for _ in 0..PIECES_MAX {
            let Some(place) = self.place(&source).await.map_err(cannot_keep)? else { return Ok(new) };
            let piece = file.piece(place).await?;
            let (lines, next) = piece.lines();
            let (mut calls, mut odd) = (Vec::new(), 0);
            for line in lines {
                match read_line(line) {
                    Ok(found) => calls.extend(found),
                    Err(why) => {
                        odd += 1;
                        tracing::debug!(source, "a line is passed over: {why}");
                    }
                }
            }
            if odd > 0 {
                tracing::warn!(source, odd, "lines that are no call records were passed over");
            }
            let position = collection::Position { position: next.offset, settled: next.first_line };
            let kept = keep_rows(&self.database, &source, &self.reader, &Rows::Calls(Vec::new(), calls), position).await;
            match kept.map_err(cannot_keep)? {
                Some(count) => new += count,
                None => return Ok(new),
            }
            if next == place {
                return Ok(new);
            }
        }
        Ok(new)
    }

    /// How far a file was read; `None` while another panel reads it.
    async fn place(&self, source: &str) -> Result<Option<FilePlace>, Failed> {
        let doing = "see how far a PBX's own file was read";
        let mut tx = self.database.begin(doing).await.map_err(Failed::panel)?;
        let found = self.database.within(doing, collection::lock_position(&mut tx, source, &self.reader)).await;
        self.database.within(doing, tx.commit()).await.map_err(Failed::panel)?;
        let place = |at: collection::Position| FilePlace { first_line: at.settled, offset: at.position };
        Ok(found.map_err(Failed::panel)?.map(place))
    }
}

/// A line's fields, in the order of [`CDR_COLUMNS`].
struct Line(csv::StringRecord);

impl Line {
    fn field(&self, column: &str) -> Option<&str> {
        let at = CDR_COLUMNS.iter().position(|known| *known == column)?;
        self.0.get(at).filter(|text| !text.is_empty())
    }

    fn parsed<T: FromStr>(&self, column: &str) -> Result<Option<T>, String> {
        let parse = |text: &str| text.parse().map_err(|_| format!("{column} is {text:?}"));
        self.field(column).map(parse).transpose()
    }
}

impl Record for Line {
    type Error = String;

    /// Not longer than the table's column: what did not fit there is why the line is the only record of its call.
    fn text(&self, column: &str) -> Result<Option<String>, String> {
        Ok(self.field(column).map(|text| text.chars().take(length(column)).collect()))
    }

    fn at(&self, column: &str) -> Result<Option<Moment>, String> {
        Ok(self.parsed(column)?.map(Moment::from_micros))
    }

    fn code(&self, column: &str) -> Result<Option<u16>, String> {
        self.parsed(column)
    }

    fn seconds(&self, column: &str) -> Result<u32, String> {
        Ok(self.parsed(column)?.unwrap_or_default())
    }
}

/// The most characters of a column of text in `cdr.sql`.
fn length(column: &str) -> usize {
    match column {
        "reference" => 128,
        "sip_call_id" | "carrier_call_id" => 255,
        "uniqueid" => 150,
        "authorization_id" => 64,
        "caller" | "called" | "called_prefix" => 18,
        "refusal" | "customer_codec" | "carrier_codec" => 32,
        "disposition" => 16,
        _ => 63,
    }
}

/// The call of a line; `None` for the half record of a Dial that failed, which the whole one follows.
fn read_line(line: &[u8]) -> Result<Option<Cdr>, String> {
    let text = String::from_utf8_lossy(line);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let fields = reader.records().next().ok_or("it is empty")?.map_err(|error| error.to_string())?;
    if !(CDR_COLUMNS.len() - NEW_COLUMNS..=CDR_COLUMNS.len()).contains(&fields.len()) {
        return Err(format!("it has {} fields", fields.len()));
    }
    let line = Line(fields);
    if line.field("uniqueid").is_none() {
        return Err("it has no unique id".into());
    }
    match line.field("ended_us") {
        Some(_) => call(&line).map(Some),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::calls::outcome::Outcome;

    const OLD: &str = r#""ref-1","call@host","out@host","asterisk-01-1795317127.42","asterisk-01","kamailio-01","acme","12125550100","442079460123","carrier-a","4420","0.0038","a-1","","ANSWERED","16","","1795317127000001","1795317128500000","1795317130500000","2""#;

    fn read(line: &str) -> Cdr {
        read_line(line.as_bytes()).expect("a record").expect("a whole one")
    }

    #[test]
    fn a_line_is_the_call_that_its_row_would_be() {
        let cdr = read(&format!(r#"{OLD},"1795317127400000","alaw","ulaw""#));
        assert_eq!((cdr.key.started_at, cdr.billsec), (Moment::from_micros(1_795_317_127_000_001), 2));
        assert_eq!(cdr.key.id, super::super::record::number(&["ref-1", "asterisk-01-1795317127.42"]));
        assert_eq!(
            (cdr.customer.as_deref(), cdr.carrier.as_deref(), cdr.prefix.as_deref()),
            (Some("acme"), Some("carrier-a"), Some("4420"))
        );
        assert_eq!(
            (cdr.outcome, cdr.hangup_cause, cdr.sip_status, cdr.refusal.as_deref()),
            (Outcome::Answered, Some(16), None, None)
        );
        assert_eq!(cdr.rate.map(|rate| rate.micros()), Some(3_800));
        assert_eq!(cdr.pdd().map(|pdd| pdd.as_millis()), Some(399));
        assert!(cdr.transcodes());
    }

    #[test]
    fn a_line_of_an_older_stack_is_read_without_what_it_does_not_have() {
        let cdr = read(OLD);
        assert_eq!((cdr.talk().as_secs(), cdr.pdd()), (2, None));
        assert_eq!((cdr.customer_codec, cdr.carrier_codec), (None, None));
    }

    #[test]
    fn half_a_record_is_none_and_what_is_no_record_says_why() {
        let half = OLD.replace("1795317130500000", "");
        assert_eq!(read_line(half.as_bytes()), Ok(None));
        for (odd, why) in [
            ("rubbish".to_string(), "1 fields"),
            (OLD.replace("asterisk-01-1795317127.42", ""), "no unique id"),
            (OLD.replace("1795317128500000", "soon"), "answered_us is \"soon\""),
            (OLD.replace("\"16\"", "\"99999\""), "hangup_cause"),
            ("\0\0\0\0".to_string(), "1 fields"),
        ] {
            let said = read_line(odd.as_bytes()).expect_err("it is no record");
            assert!(said.contains(why), "{odd:?}: {said}");
        }
    }

    #[test]
    fn a_text_is_no_longer_than_its_column_of_the_table() {
        let table = include_str!("../../stack/mariadb/cdr.sql");
        for column in CDR_COLUMNS {
            let declared = table.split_once(&format!("\n    {column} VARCHAR(")).and_then(|(_, rest)| rest.split_once(')'));
            if let Some((declared, _)) = declared {
                assert_eq!(length(column).to_string(), declared, "{column}");
            }
        }
        let long = OLD.replace("call@host", &"x".repeat(300));
        assert_eq!(read(&long).sip_call_id.map(|id| id.len()), Some(255));
    }
}
