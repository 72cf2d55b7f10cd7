//! An evidence pack as a source of what is checked, and the checks of the file itself.

use std::collections::HashMap;
use std::io::{self, BufRead, Read, Seek};

use super::keys::Ring;
use super::report::{Fault, Report};
use super::{MAX_LINE_BYTES, Part, Source};
use crate::audit::hash::{Hash, sha256};
use crate::audit::note::{Checkpoint, MAX_NOTE_BYTES, Note};
use crate::audit::pack::{self, Reader};
use crate::audit::seal::{Seal, Sealed};
use crate::audit::tar::Broken;

/// A line for each file, and as many as an archive may have.
const MAX_SUMS_BYTES: u64 = 2 << 20;
/// A token holds certificates.
const MAX_STAMP_BYTES: u64 = 256 << 10;

/// A seal as it was found, and what it has to be of.
pub(super) struct Sealing {
    pub(super) sealed: Sealed,
    pub(super) place: &'static str,
    pub(super) note: String,
    pub(super) content: Hash,
}

pub(super) struct PackSource<R> {
    reader: Reader<R>,
    sums: Option<String>,
}

impl<R: Read + Seek> PackSource<R> {
    /// Opens a pack and checks that it is whole and that its files are those of its checksums.
    pub(super) fn open(input: R, report: &mut Report) -> io::Result<Self> {
        let mut reader = Reader::open(input)?;
        match reader.broken {
            None => {}
            Some(Broken::Cut(at)) => {
                report.add(Fault::Incomplete, format!("byte {at}"), "the file ends before its end");
            }
            Some(Broken::Foreign(at)) => {
                let place = match reader.members.last() {
                    None => format!("byte {at}"),
                    Some(member) => format!("byte {at}, after {}", member.name),
                };
                report.add(Fault::Altered, place, "no evidence pack is written like this");
            }
        }
        let sums = match reader.text(pack::SUMS, MAX_SUMS_BYTES)? {
            Some(Some(sums)) => Some(sums),
            Some(None) => {
                report.add(Fault::Altered, pack::SUMS, "it is no list of checksums");
                None
            }
            None => {
                report.add(Fault::Incomplete, pack::SUMS, "the list of checksums is missing");
                None
            }
        };
        if let Some(sums) = &sums {
            compare(&mut reader, sums, report)?;
        }
        for name in pack::REQUIRED {
            if reader.member(name).is_none() {
                report.add(Fault::Incomplete, name, "it is missing, and no evidence pack is without it");
            }
        }
        Ok(Self { reader, sums })
    }
}

impl<R: Read + Seek> Source for PackSource<R> {
    fn heads(&mut self) -> io::Result<(Option<String>, Option<String>)> {
        let mut text = |name| self.reader.text(name, MAX_NOTE_BYTES as u64);
        // What is there and is no text does not fit its place either, which is told there.
        let (checkpoint, vkey) = (text(pack::CHECKPOINT)?, text(pack::VKEY)?);
        let or_empty = |read: Option<Option<String>>| read.map(Option::unwrap_or_default);
        Ok((or_empty(checkpoint), or_empty(vkey)))
    }

    fn lines(&mut self, part: Part, each: &mut dyn FnMut(String, &[u8])) -> io::Result<()> {
        let name = match part {
            Part::Checkpoints => pack::CHECKPOINTS,
            Part::Entries => pack::ENTRIES,
            Part::Payloads => pack::PAYLOADS,
            Part::Records => pack::RECORDS,
        };
        let Some(member) = self.reader.member(name) else { return Ok(()) };
        let mut content = self.reader.content(&member)?;
        let (mut line, mut number) = (Vec::new(), 0_u64);
        loop {
            line.clear();
            number += 1;
            if (&mut content).take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            // A line without an end is given with nothing, which nobody takes.
            let bytes = line.strip_suffix(b"\n").unwrap_or_default();
            each(format!("{name} line {number}"), bytes);
        }
    }

    fn seal(&mut self) -> io::Result<Option<Sealing>> {
        let Some(sums) = &self.sums else { return Ok(None) };
        let content = sha256(&[sums.as_bytes()]);
        let note = self.reader.text(pack::SEAL, MAX_NOTE_BYTES as u64)?;
        Ok(note.map(|note| Sealing {
            sealed: Sealed::Pack,
            place: pack::SEAL,
            note: note.unwrap_or_default(),
            content,
        }))
    }

    fn snapshots(&mut self) -> io::Result<Option<Vec<(String, String, Hash)>>> {
        let mut snapshots = Vec::new();
        for member in self.reader.members.clone() {
            let Some(name) = member.name.strip_prefix(pack::SNAPSHOTS) else { continue };
            let month = name.strip_suffix(".json").unwrap_or(name).to_owned();
            let sum = self.reader.sum(&member)?;
            snapshots.push((member.name, month, sum));
        }
        Ok(Some(snapshots))
    }

    fn stamps(&mut self) -> io::Result<Vec<(String, u64, Vec<u8>)>> {
        let mut stamps = Vec::new();
        for member in self.reader.members.clone() {
            let Some(size) = member.name.strip_prefix(pack::STAMPS) else { continue };
            let size = size.strip_suffix(".tsr").and_then(|size| size.parse().ok()).unwrap_or(u64::MAX);
            let mut token = Vec::new();
            if member.size <= MAX_STAMP_BYTES {
                self.reader.content(&member)?.read_to_end(&mut token)?;
            }
            stamps.push((member.name, size, token));
        }
        Ok(stamps)
    }
}

impl Sealing {
    /// Whether the file is what was sealed, by the key in force.
    pub(super) fn check(&self, ring: &Ring, checkpoint: &Note, at: &Checkpoint, report: &mut Report) {
        let note = match Note::read(&self.note) {
            Ok(note) => note,
            Err(error) => return report.add(Fault::Altered, self.place, error),
        };
        let Some(seal) = Seal::read(self.sealed, note.text()) else {
            return report.add(Fault::Altered, self.place, "it is no seal of this kind of file");
        };
        // Others' signatures would not be noticed when they change, so there are none.
        if note.signatures().len() != 1 {
            report.add(Fault::Altered, self.place, "it has one signature");
        }
        ring.signed(&note, at.size, self.place, report);
        if seal.content != self.content {
            report.add(Fault::Altered, self.place, "it is the seal of other content");
        }
        if seal.size != at.size || seal.checkpoint != sha256(&[checkpoint.to_string().as_bytes()]) {
            report.add(Fault::Altered, self.place, "it is the seal of a file with another checkpoint");
        }
    }
}

fn compare<R: Read + Seek>(reader: &mut Reader<R>, sums: &str, report: &mut Report) -> io::Result<()> {
    let mut wanted = HashMap::new();
    let mut order = Vec::new();
    for (at, line) in sums.split_terminator('\n').enumerate() {
        let sum = line.split_once("  ").and_then(|(sum, name)| Some((Hash::from_hex(sum)?, name)));
        let Some((sum, name)) = sum else {
            report.add(Fault::Altered, format!("{} line {}", pack::SUMS, at + 1), "it is no checksum");
            continue;
        };
        if wanted.insert(name, sum).is_some() {
            report.add(Fault::Altered, format!("{} line {}", pack::SUMS, at + 1), "the file is named twice");
        }
        order.push(name);
    }
    if !sums.is_empty() && !sums.ends_with('\n') {
        report.add(Fault::Altered, pack::SUMS, "its last line is not ended");
    }
    for member in reader.members.clone() {
        if matches!(&*member.name, pack::SUMS | pack::SEAL) {
            continue;
        }
        match wanted.remove(&*member.name) {
            None => report.add(Fault::Altered, member.name, format!("it is not in {}", pack::SUMS)),
            Some(sum) => match reader.sum(&member)? {
                found if found == sum => report.files += 1,
                found => {
                    let what = format!("its SHA-256 is {found}, and {} says {sum}", pack::SUMS);
                    report.add(Fault::Altered, member.name, what);
                }
            },
        }
    }
    for name in order.iter().filter(|name| wanted.contains_key(*name)) {
        report.add(Fault::Incomplete, *name, format!("{} names it, and it is not here", pack::SUMS));
    }
    // The one order of a pack: as the checksums name the files, then they themselves, then the seal.
    let names = reader.members.iter().map(|member| &*member.name);
    let here: Vec<&str> = names.filter(|name| order.contains(name)).collect();
    order.retain(|name| here.contains(name));
    let last = reader.members.iter().map(|member| &*member.name).skip(here.len());
    if here != order
        || !last.eq([pack::SUMS, pack::SEAL].into_iter().filter(|name| reader.member(name).is_some()))
    {
        report.add(Fault::Altered, "the files", format!("they are in another order than in {}", pack::SUMS));
    }
    if reader.broken.is_none() && reader.member(pack::SEAL).is_none() {
        report.add(Fault::Incomplete, pack::SEAL, "the seal is missing");
    }
    Ok(())
}
