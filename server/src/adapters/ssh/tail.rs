//! A file of lines on the machine that grows and may be rotated, read in pieces: each from where the one before ended.

/// Some hundred lines: an answer stays small, and a piece takes a fraction of a second.
pub const PIECE_BYTES_MAX: usize = 256 * 1024;

/// How far a file was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilePlace {
    /// A checksum of the file's first line, by which it is known after it was rotated; zero before anything was read.
    pub first_line: u64,
    pub offset: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePiece {
    /// Where it begins: not where it was asked for when that file was read to its end or is gone.
    pub place: FilePlace,
    /// Nobody writes this file any more, so its last line is a line even where it has no end.
    pub is_rotated: bool,
    /// There may be more behind it.
    pub is_full: bool,
    pub bytes: Vec<u8>,
}

impl FilePiece {
    /// The whole lines of it, and where the next piece begins.
    pub fn lines(&self) -> (impl Iterator<Item = &[u8]>, FilePlace) {
        let end = match self.bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(last) if self.is_full || !self.is_rotated => last + 1,
            // No line is so long: whatever it is, it is passed over as one.
            None if !self.is_full && !self.is_rotated => 0,
            _ => self.bytes.len(),
        };
        let lines = self.bytes[..end].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        (lines, FilePlace { offset: self.place.offset + end as u64, ..self.place })
    }
}

/// What `tail.sh` printed when it was asked for so many bytes.
pub fn parse(answer: &[u8], most: usize) -> Result<FilePiece, String> {
    let end = answer.iter().position(|byte| *byte == b'\n').ok_or("the answer has no first line")?;
    let told = String::from_utf8_lossy(&answer[..end]);
    let words: Vec<&str> = told.split(' ').collect();
    let ["wirecenter-tail", first_line, offset, state] = words[..] else {
        return Err(format!("the answer begins with {:?}", told.chars().take(60).collect::<String>()));
    };
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{text:?} is no number"));
    Ok(FilePiece {
        place: FilePlace { first_line: number(first_line)?, offset: number(offset)? },
        is_rotated: state == "rotated",
        is_full: answer.len() - end > most,
        bytes: answer[end + 1..].to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::TAIL, *};
    use std::{fs, path::Path, process::Command, thread::sleep, time::Duration};

    /// The script as the machine runs it.
    fn tail(path: &Path, place: FilePlace, most: usize) -> FilePiece {
        let words = [place.first_line, place.offset, most as u64].map(|number| number.to_string());
        let output = Command::new("sh").args(["-c", TAIL, "wirecenter"]).arg(path).args(words).output().expect("a shell");
        parse(&output.stdout, most).unwrap_or_else(|said| panic!("{said}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// All lines from a place on, in small pieces, and where they end.
    fn rest(path: &Path, mut place: FilePlace) -> (Vec<String>, FilePlace) {
        let mut all = Vec::new();
        loop {
            let piece = tail(path, place, 10);
            let (lines, next) = piece.lines();
            all.extend(lines.map(|line| String::from_utf8_lossy(line).into_owned()));
            if next == place {
                return (all, place);
            }
            place = next;
        }
    }

    fn add(path: &Path, text: &str) {
        let before = fs::read_to_string(path).unwrap_or_default();
        fs::write(path, before + text).expect("it can be written");
    }

    #[test]
    fn a_file_is_read_once_in_pieces_as_it_grows() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("cdr.csv");
        assert_eq!(rest(&path, FilePlace::default()), (vec![], FilePlace::default()), "nobody has written it yet");
        add(&path, "one\ntwo\nthr");
        let (lines, place) = rest(&path, FilePlace::default());
        assert_eq!((lines, place.offset), (vec!["one".to_string(), "two".into()], 8), "what is being written is not read");
        add(&path, "ee\nfour\n");
        let (lines, place) = rest(&path, place);
        assert_eq!(lines, ["three", "four"]);
        assert_eq!(rest(&path, place), (vec![], place));
    }

    #[test]
    fn a_rotated_file_is_read_to_its_end_and_then_those_that_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("cdr.csv");
        add(&path, "one\n");
        let (_, place) = rest(&path, FilePlace::default());
        add(&path, "two\nhalf");
        fs::rename(&path, dir.path().join("cdr.csv.2")).expect("rotated");
        let (lines, waiting) = rest(&path, place);
        assert_eq!(lines, ["two", "half"], "nobody will end its last line");
        sleep(Duration::from_millis(20));
        fs::write(dir.path().join("cdr.csv.1"), "three\n").expect("written");
        sleep(Duration::from_millis(20));
        fs::write(&path, "four\n").expect("written");
        let (lines, place) = rest(&path, waiting);
        assert_eq!(lines, ["three", "four"]);
        assert_eq!(rest(&path, place), (vec![], place));
    }

    #[test]
    fn a_file_emptied_in_place_or_gone_is_begun_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("cdr.csv");
        add(&path, "one\ntwo\n");
        let (_, place) = rest(&path, FilePlace::default());
        fs::copy(&path, dir.path().join("cdr.csv.1")).expect("copied");
        sleep(Duration::from_millis(20));
        fs::write(&path, "three\n").expect("emptied and written");
        assert_eq!(rest(&path, place).0, ["three"]);
        fs::remove_file(dir.path().join("cdr.csv.1")).expect("removed");
        fs::write(dir.path().join("cdr.csv.1.gz"), "not a line\n").expect("compressed");
        assert_eq!(rest(&path, place).0, ["three"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_counted_as_they_are() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("cdr.csv");
        fs::write(&path, b"one\n\xff\xfe\0\nthree\n").expect("written");
        let (lines, place) = rest(&path, FilePlace::default());
        assert_eq!((lines.len(), lines[2].as_str(), place.offset), (3, "three", 14));
    }

    #[test]
    fn an_answer_that_is_none_is_refused() {
        for odd in ["", "wirecenter-tail 1 2 written", "hello\n", "wirecenter-tail x 2 written\n", "wirecenter-tail 1 2\n"] {
            assert!(parse(odd.as_bytes(), 10).is_err(), "{odd:?}");
        }
    }
}
