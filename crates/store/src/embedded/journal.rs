//! A look at the engine's journal before the engine reads it.
//!
//! A power cut may leave the last batch torn: cut short, or with pages missing in its middle. It was never acknowledged,
//! so it is cut off; the engine alone would refuse to start over some of these. Damage further in is another matter: the
//! engine would silently drop all that follows, so it is reported instead, and nothing is changed. The two are told apart
//! by what comes after: a whole batch that was written when everything before it was on the disk means that something
//! acknowledged is damaged.
//!
//! The form is that of fjall 3 (`Start count seqno`, `Item ...`, `End checksum magic`); a test holds it to the engine.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::ledger::{self, Row};
use crate::StoreError;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const MAGIC: [u8; 4] = *b"FJL\x03";

/// Checks every journal in `dir`, and cuts a torn end off the newest.
pub(super) fn check(dir: &Path) -> Result<(), StoreError> {
    let journals = journals(dir)?;
    for (index, path) in journals.iter().enumerate() {
        let file = File::open(path)?;
        let (whole, mark) = whole_batches(&file)?;
        let rest = read_from(&file, whole)?;
        if rest.iter().all(|byte| *byte == 0) {
            continue;
        }
        // Only the newest was still being written; the others were synced before their successor was made.
        if index + 1 < journals.len() || holds_acknowledged(&rest, mark) {
            let name = path.display();
            return Err(StoreError::Corrupt(format!(
                "{name} is damaged at byte {whole} and goes on after it"
            )));
        }
        tracing::warn!(bytes = rest.len(), "the last, unacknowledged batch was torn and is cut off");
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(whole)?;
        file.sync_all()?;
    }
    Ok(())
}

/// Whether anything was ever written.
pub(super) fn is_used(dir: &Path) -> io::Result<bool> {
    for path in journals(dir)? {
        let file = File::open(path)?;
        if file.metadata()?.len() > 0 && read_from(&file, 0)?.iter().any(|byte| *byte != 0) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The journals, oldest first.
fn journals(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let number =
            path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
        if let (Some(number), Some("jnl")) = (number, path.extension().and_then(|ext| ext.to_str())) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The length of the whole batches that a journal begins with, and the mark of the store that they carry.
fn whole_batches(file: &File) -> io::Result<(u64, Option<u64>)> {
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    let (mut whole, mut mark) = (0, None);
    while let Some(batch) = Batch::parse(&mut reader)? {
        whole += batch.length;
        mark = batch.record.map(|row| row.mark).or(mark);
    }
    Ok((whole, mark))
}

/// What was ever written of a file from `offset` on. Journals are made 64 MiB long and empty, so the holes are skipped.
fn read_from(mut file: &File, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let at = offset + bytes.len() as u64;
        let data = match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(at)) {
            Ok(data) => data,
            Err(rustix::io::Errno::NXIO) => return Ok(bytes),
            // A file system that knows no holes: all of it is data.
            Err(_) => at,
        };
        let hole = rustix::fs::seek(file, rustix::fs::SeekFrom::Hole(data));
        let end = hole.or_else(|_| file.metadata().map(|meta| meta.len()))?;
        if end <= at {
            return Ok(bytes);
        }
        bytes.resize(usize::try_from(data - offset).map_err(|_| ErrorKind::OutOfMemory)?, 0);
        file.seek(SeekFrom::Start(data))?;
        file.take(end - data).read_to_end(&mut bytes)?;
    }
}

/// Whether a whole batch lies in `rest` that was written after everything before it was on the disk.
/// A batch begins where another ended, so the ends are looked for; and it carries the mark of its store if that is known.
fn holds_acknowledged(rest: &[u8], mark: Option<u64>) -> bool {
    let ends = rest.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC);
    ends.map(|(at, _)| &rest[at + MAGIC.len()..])
        .filter_map(|mut after| Batch::parse(&mut after).ok().flatten())
        .filter_map(|batch| batch.record)
        .any(|row| row.follows_durable && mark.is_none_or(|mark| row.mark == mark))
}

/// One whole batch.
#[derive(Debug, PartialEq, Eq)]
struct Batch {
    length: u64,
    items: u32,
    /// Its record in the ledger.
    record: Option<Row>,
}

impl Batch {
    /// The next batch; none unless it is whole and its checksum is right.
    fn parse(reader: &mut impl Read) -> io::Result<Option<Batch>> {
        match Parser::new(reader).batch() {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            other => other,
        }
    }
}

/// Reads a batch's parts, and hashes those that its checksum covers.
struct Parser<'a, R> {
    reader: &'a mut R,
    part: Vec<u8>,
    length: u64,
    hasher: Xxh3,
}

impl<'a, R: Read> Parser<'a, R> {
    fn new(reader: &'a mut R) -> Self {
        Parser { reader, part: Vec::new(), length: 0, hasher: Xxh3::new() }
    }

    fn batch(mut self) -> io::Result<Option<Batch>> {
        let [START, a, b, c, d, ..] = self.array::<13>()? else { return Ok(None) };
        let items = u32::from_le_bytes([a, b, c, d]);
        let mut record = None;
        for _ in 0..items {
            let Some(row) = self.item()? else { return Ok(None) };
            record = row.or(record);
        }
        let expected = self.hasher.digest().to_le_bytes();
        let [END, end @ ..] = self.array::<13>()? else { return Ok(None) };
        let whole = end[..8] == expected && end[8..] == MAGIC;
        Ok(whole.then_some(Batch { length: self.length, items, record }))
    }

    /// Reads an item; none if it is no item, and else the row of the ledger that it may be.
    fn item(&mut self) -> io::Result<Option<Option<Row>>> {
        match self.hashed(1)?[0] {
            ITEM => {}
            CLEAR => return self.hashed(8).map(|_| Some(None)),
            _ => return Ok(None),
        }
        // Value type, compression, keyspace, and the lengths of the key, of the value, and of the value as it stands here.
        let header = self.hashed(20)?;
        let key_length = u16::from_le_bytes([header[10], header[11]]);
        let value_length = u32::from_le_bytes([header[16], header[17], header[18], header[19]]);
        let is_ledger = self.hashed(u64::from(key_length))?.first() == Some(&ledger::PREFIX);
        let value = self.hashed(u64::from(value_length))?;
        Ok(Some(is_ledger.then(|| Row::decode(value)).flatten()))
    }

    fn hashed(&mut self, count: u64) -> io::Result<&[u8]> {
        self.part.clear();
        // Read as far as there is something: a damaged length must not claim memory.
        let read = self.reader.by_ref().take(count).read_to_end(&mut self.part)?;
        if (read as u64) < count {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.length += count;
        self.hasher.update(&self.part);
        Ok(&self.part)
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut array = [0; N];
        self.reader.read_exact(&mut array)?;
        self.length += N as u64;
        Ok(array)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use bytes::Bytes;

    use super::super::generation::Generation;
    use super::*;
    use crate::snapshot::{Snapshot, Writes};
    use crate::{Options, Range};

    const BATCHES: u64 = 20;

    fn name(number: u64) -> String {
        format!("key {number:04}")
    }

    /// A generation with some batches in its journal, closed.
    fn written(dir: &Path, sync: bool) -> PathBuf {
        let generation = Generation::open(dir, &Options::default()).unwrap();
        for number in 0..BATCHES {
            let value = Bytes::from(vec![number as u8; 9000]);
            let writes = Writes::from([
                (name(number).into(), Some(value)),
                (Bytes::from(format!("gone {number}")), None),
            ]);
            generation.apply(&writes, sync, sync).unwrap();
        }
        drop(generation);
        journals(dir).unwrap().pop().unwrap()
    }

    /// Where each batch begins, and where the last ends.
    fn starts(path: &Path) -> Vec<u64> {
        let mut reader = BufReader::new(File::open(path).unwrap());
        let mut starts = vec![0];
        while let Some(batch) = Batch::parse(&mut reader).unwrap() {
            starts.push(starts.last().unwrap() + batch.length);
        }
        starts
    }

    fn count(dir: &Path) -> usize {
        let generation = std::sync::Arc::new(Generation::open(dir, &Options::default()).unwrap());
        let mut count = 0;
        let view = generation.snapshot().unwrap();
        view.scan(&Range::all(), &mut |_, _| {
            count += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        count
    }

    fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
        use std::os::unix::fs::FileExt;
        OpenOptions::new().write(true).open(path).unwrap().write_all_at(bytes, at).unwrap();
    }

    #[test]
    fn every_batch_of_the_engine_is_understood() {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path(), true);
        assert_eq!(starts(&path).len() as u64, BATCHES + 1);
        let mut reader = File::open(&path).unwrap();
        let first = Batch::parse(&mut reader).unwrap().unwrap();
        // Two writes and one row of the ledger.
        assert_eq!(first.items, 3);
        assert!(first.record.is_some_and(|row| row.number == 1 && row.follows_durable));
        check(dir.path()).unwrap();
        assert_eq!(count(dir.path()) as u64, BATCHES);
    }

    #[test]
    fn a_last_batch_cut_anywhere_is_cut_off() {
        for part in 0..8 {
            let dir = tempfile::tempdir().unwrap();
            let path = written(dir.path(), true);
            let starts = starts(&path);
            let [.., start, end] = starts[..] else { panic!("no batches") };
            let cut = start + (end - start) * part / 8;
            OpenOptions::new().write(true).open(&path).unwrap().set_len(cut.max(start + 1)).unwrap();
            assert_eq!(count(dir.path()) as u64, BATCHES - 1, "cut at {cut} of {start}..{end}");
        }
    }

    #[test]
    fn a_last_batch_with_a_page_missing_is_cut_off() {
        for offset in [0, 40, 4096] {
            let dir = tempfile::tempdir().unwrap();
            let path = written(dir.path(), true);
            let start = starts(&path)[BATCHES as usize - 1];
            overwrite(&path, start + offset, &[0; 4096]);
            assert_eq!(count(dir.path()) as u64, BATCHES - 1, "page missing at {offset}");
        }
    }

    #[test]
    fn damage_before_an_acknowledged_batch_is_reported_and_nothing_is_touched() {
        for offset in [0, 40, 4096] {
            let dir = tempfile::tempdir().unwrap();
            let path = written(dir.path(), true);
            overwrite(&path, starts(&path)[5] + offset, &[0; 64]);
            let before = fs::read(&path).unwrap();
            let error = Generation::open(dir.path(), &Options::default()).map(drop).unwrap_err();
            assert!(error.to_string().contains("damaged at byte"), "{error}");
            assert_eq!(fs::read(&path).unwrap(), before);
        }
    }

    #[test]
    fn a_value_cannot_pass_for_a_batch() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (path, foreign) = (written(dir.path(), true), written(other.path(), true));
        let (starts, foreign_starts) = (starts(&path), starts(&foreign));
        let forged = &fs::read(&foreign).unwrap()[..foreign_starts[1] as usize];
        // The last batch is torn, and what is left of it holds what a client has put there.
        let torn = [&MAGIC, forged].concat();
        overwrite(&path, starts[BATCHES as usize - 1] + 40, &torn);
        assert_eq!(count(dir.path()) as u64, BATCHES - 1);
    }

    #[test]
    fn relaxed_batches_are_cut_off_from_the_first_torn_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path(), false);
        overwrite(&path, starts(&path)[5] + 40, &[0; 64]);
        assert_eq!(count(dir.path()), 5);
    }

    #[test]
    fn a_generation_with_data_is_never_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gen-1");
        drop(Generation::make(&path, &Options::default()).unwrap());
        fs::remove_file(path.join("WHOLE")).unwrap();
        drop(Generation::make(&path, &Options::default()).unwrap());
        written(&path, true);
        let error = Generation::make(&path, &Options::default()).map(drop).unwrap_err();
        assert!(error.to_string().contains("holds data"), "{error}");
        assert_eq!(count(&path) as u64, BATCHES);
    }

    #[test]
    fn a_lost_journal_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path(), true);
        let starts = starts(&path);
        // As if batches 6 to 10 had been in a file that is gone.
        let bytes = fs::read(&path).unwrap();
        let kept = [&bytes[..starts[5] as usize], &bytes[starts[10] as usize..]].concat();
        fs::write(&path, kept).unwrap();
        let error = Generation::open(dir.path(), &Options::default()).map(drop).unwrap_err();
        assert!(error.to_string().contains("missing"), "{error}");
    }
}
