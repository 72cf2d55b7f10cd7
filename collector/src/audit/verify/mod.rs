//! Checks an evidence pack, or an export as JSON, with nothing but the file: no database, no network, no clock.
//!
//! The order is that in which trust grows: is the file whole; do its bytes fit the checksums; do the entries hold together
//! and come to the checkpoint; who signed; do the records follow from the entries; does all of it go on from what the
//! asker saw before.

use std::io::{self, Read, Seek, SeekFrom};

use super::hash::{Hash, sha256};
use super::note::{Checkpoint, Note, VerifyingKey};
use super::pack;

mod json;
mod keys;
mod packed;
mod replay;
mod report;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
mod trail;

pub use json::BEFORE_PROOF;
pub use replay::{KEY_KIND, ROTATE};
pub use report::{Fault, Finding, Report, Setback, Verdict};

use json::JsonSource;
use packed::PackSource;
use replay::Replayed;

/// A payload or a record has some text of people; a longer line is refused unread.
const MAX_LINE_BYTES: u64 = 16 << 20;

/// What the asker knows besides the file.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// A checkpoint that the asker kept.
    pub since: Option<Note>,
    /// The key that the asker trusts; without it the file's own, whose fingerprint is to be compared.
    pub vkey: Option<VerifyingKey>,
}

/// Checks a file. The only errors are those of reading it: whatever is wrong with what it says is in the report.
pub fn verify(mut input: impl Read + Seek, known: &Known) -> io::Result<Report> {
    let mut first = [0];
    let json = input.read(&mut first)? == 1 && first == *b"{";
    input.seek(SeekFrom::Start(0))?;
    if json {
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        let mut report = Report::new("JSON export", known);
        if let Some(source) = JsonSource::open(&bytes, &mut report) {
            check(source, known, &mut report)?;
        }
        return Ok(report);
    }
    let mut report = Report::new("evidence pack", known);
    let source = PackSource::open(input, &mut report)?;
    check(source, known, &mut report)?;
    Ok(report)
}

/// One of the lists in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Checkpoints,
    Entries,
    Payloads,
    Records,
}

/// Where the parts come from, whatever the file.
trait Source {
    /// The signed checkpoint's text and the key's, each where it is there and is text.
    fn heads(&mut self) -> io::Result<(Option<String>, Option<String>)>;
    /// Calls `each` with the place and the bytes of every line of a part, in order.
    fn lines(&mut self, part: Part, each: &mut dyn FnMut(String, &[u8])) -> io::Result<()>;
    /// The signed seal, and the hash of what it must be of.
    fn seal(&mut self) -> io::Result<Option<packed::Sealing>>;
    /// Tokens of time stamps: place, size of the checkpoint, bytes.
    fn stamps(&mut self) -> io::Result<Vec<(String, u64, Vec<u8>)>>;
    /// Monthly snapshots: place, month, hash. `None`: a file of this kind carries none.
    fn snapshots(&mut self) -> io::Result<Option<Vec<(String, String, Hash)>>>;
}

/// Compares each monthly snapshot with what its record says, and the record with what is there.
fn snapshots(
    source: &mut impl Source,
    replayed: &Replayed,
    trail: &trail::Trail,
    report: &mut Report,
) -> io::Result<()> {
    // What does not follow from some entries may follow from the missing ones.
    let Some(found) = source.snapshots()?.filter(|_| trail.whole) else { return Ok(()) };
    for (place, month, sum) in &found {
        match replayed.snapshots.get(month) {
            Some(told) if told.sha256 == *sum => report.snapshots += 1,
            Some(told) => {
                let what = format!("its SHA-256 is {sum}, and by entry {} it was {}", told.seq, told.sha256);
                report.add(Fault::Altered, place, what);
            }
            None => report.add(Fault::Altered, place, "no record tells of this snapshot"),
        }
    }
    for (month, told) in replayed.snapshots.iter().filter(|(_, told)| !told.erased) {
        if !found.iter().any(|(_, other, _)| other == month) {
            let place = format!("{}{month}.json", pack::SNAPSHOTS);
            report.add(
                Fault::Incomplete,
                place,
                format!("entry {} tells of it, and it is missing", told.seq),
            );
        }
    }
    Ok(())
}

fn check(mut source: impl Source, known: &Known, report: &mut Report) -> io::Result<()> {
    let (checkpoint, vkey) = source.heads()?;
    let head = checkpoint.as_deref().and_then(|text| head(text, report));
    let own = vkey.as_deref().and_then(|text| own_key(text, report));

    let trail = trail::read(&mut source, head.as_ref().map(|(_, checkpoint)| checkpoint), report)?;
    let earlier = keys::earlier(&mut source, report)?;
    let replayed = replay::run(&mut source, &trail, report)?;
    snapshots(&mut source, &replayed, &trail, report)?;

    if let (Some((note, checkpoint)), Some(own)) = (&head, &own) {
        let mut ring = keys::Ring::new(own, replayed.rotations, known.vkey.as_ref(), report);
        ring.trust(note, checkpoint, &earlier, report);
        trail.compare(&ring, note, checkpoint, &earlier, report);
        if let Some(since) = &known.since {
            trail.since(&ring, since, report);
        }
        if let Some(sealing) = source.seal()? {
            sealing.check(&ring, note, checkpoint, report);
        }
        report.origin = Some(checkpoint.origin.clone());
        report.checkpoint = Some(checkpoint.clone());
        report.key = Some(own.clone());
    }
    for (place, size, token) in source.stamps()? {
        let mut notes = head.iter().chain(&earlier.checkpoints);
        match notes.find(|(_, checkpoint)| checkpoint.size == size) {
            None => report.add(Fault::Incomplete, &place, "the checkpoint that it is of is missing"),
            Some((note, _)) => {
                let imprint = sha256(&[note.to_string().as_bytes()]);
                match super::stamp::read(&token) {
                    Ok(stamp) if stamp.imprint == imprint => report.stamps.push((size, stamp.at)),
                    Ok(_) => report.add(
                        Fault::Altered,
                        &place,
                        "the time stamp is of something else than the checkpoint",
                    ),
                    Err(error) => {
                        report.add(Fault::Altered, &place, format!("it is no time stamp ({error})"))
                    }
                }
            }
        }
    }
    Ok(())
}

fn head(text: &str, report: &mut Report) -> Option<(Note, Checkpoint)> {
    let read = Note::read(text).and_then(|note| Ok((Checkpoint::of(&note)?, note)));
    match read {
        Ok((checkpoint, note)) => Some((note, checkpoint)),
        Err(error) => {
            report.add(Fault::Altered, "checkpoint", error);
            None
        }
    }
}

fn own_key(text: &str, report: &mut Report) -> Option<VerifyingKey> {
    let key = text.strip_suffix('\n').unwrap_or(text).parse();
    key.map_err(|error| report.add(Fault::Altered, "vkey", error)).ok()
}
