//! The evidence pack: one file that somebody checks without us, a year later. A tar archive in the one way that [`tar`] writes
//! it, with a list of checksums over every file and a [`Seal`] over the list, signed with the key of the trail.

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use ring::digest::{Context, SHA256};
use serde::Serialize;

use super::hash::{CanonicalError, Hash, canonical, finish, sha256};
use super::key::Keys;
use super::note::{Note, NoteError};
use super::seal::{Seal, Sealed};
use super::tar::{self, Broken, Member};

/// The signed checkpoint that the pack stands at.
pub const CHECKPOINT: &str = "checkpoint";
/// Checkpoints of before, with proofs.
pub const CHECKPOINTS: &str = "checkpoints.jsonl";
/// The folder of what there is to show, a file for each thing that the standard asks for: `R-8.4-a.json`.
pub const CLAUSES: &str = "clauses/";
/// Which of those files a clause or a control is in.
pub const CLAUSE_INDEX: &str = "clauses/index.json";
/// The statement of applicability: each control of Annex A, whether it applies, and why.
pub const CONTROLS: &str = "controls.json";
/// What could be seen and what could not.
pub const COVERAGE: &str = "coverage.json";
/// Every entry, from the first.
pub const ENTRIES: &str = "entries.jsonl";
/// Indicators as they are, and as they were kept each month.
pub const INDICATORS: &str = "indicators.json";
/// The folder of the inventory, in whatever formats.
pub const INVENTORY: &str = "inventory/";
/// Management reviews that were held, each with what it had before it.
pub const MANAGEMENT_REVIEWS: &str = "management-reviews.json";
/// What the entries commit to, as far as it is not erased.
pub const PAYLOADS: &str = "payloads.jsonl";
/// How all of the clauses stand.
pub const READINESS: &str = "readiness.json";
/// How to check it, for whoever has only the file.
pub const README: &str = "README.md";
/// Every governed record as it stands.
pub const RECORDS: &str = "records.jsonl";
/// The folder of monthly snapshots: `2026-10.json`, whose hash the record of the month holds.
pub const SNAPSHOTS: &str = "snapshots/";
/// The folder of signed scope statements, by number: each is a file that verifies by itself.
pub const STATEMENTS: &str = "statements/";
/// The folder of time stamps: a token for the signed checkpoint of so many entries.
pub const STAMPS: &str = "timestamps/";
/// The key that signed.
pub const VKEY: &str = "vkey";
/// The checksums, in the form of `sha256sum`; after all that they are of.
pub const SUMS: &str = "SHA256SUMS";
/// The signed seal; the last file.
pub const SEAL: &str = "seal";
/// What no pack lacks.
pub const REQUIRED: [&str; 7] = [CHECKPOINT, CHECKPOINTS, COVERAGE, ENTRIES, PAYLOADS, RECORDS, VKEY];

/// Why a pack could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The output did not take it.
    #[error("the evidence pack could not be written")]
    Write(#[from] io::Error),
    /// A line has no canonical form.
    #[error("a line of the evidence pack has no canonical form")]
    Line(#[from] CanonicalError),
    /// It could not be signed.
    #[error("the evidence pack could not be signed")]
    Sign(#[from] NoteError),
    /// There is one file of a name.
    #[error("{0} stands in the evidence pack already")]
    Twice(String),
}

/// Writes a pack, file by file; none of them stands in memory.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    sums: String,
    names: BTreeSet<String>,
}

/// Takes the content of one file.
pub struct Content<'a, W> {
    out: &'a mut W,
    digest: Context,
}

impl<W: Write + Seek> Writer<W> {
    /// Onto `out`, at whose beginning it stands.
    pub fn new(out: W) -> Self {
        Self { out, sums: String::new(), names: [SUMS, SEAL].map(str::to_owned).into() }
    }

    /// Writes a file whose content comes bit by bit.
    pub fn file<E: From<PackError> + From<io::Error>>(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut Content<'_, W>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.names.insert(name.to_owned()) {
            return Err(PackError::Twice(name.to_owned()).into());
        }
        let mut sum = Hash::ZERO;
        tar::write(&mut self.out, name, |out| -> Result<(), E> {
            let mut content = Content { out, digest: Context::new(&SHA256) };
            fill(&mut content)?;
            sum = finish(content.digest);
            Ok(())
        })?;
        self.sums.push_str(&format!("{sum}  {name}\n"));
        Ok(())
    }

    /// Writes a file whole.
    pub fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), PackError> {
        self.file(name, |out| Ok(out.write_all(bytes)?))
    }

    /// Writes a file of one line of canonical JSON.
    pub fn line<E: From<PackError> + From<io::Error>>(
        &mut self,
        name: &str,
        value: &impl Serialize,
    ) -> Result<(), E> {
        self.file(name, |out| Ok(out.line(value)?))
    }

    /// Ends the pack, sealed together with the signed checkpoint that is in it.
    pub fn finish(mut self, checkpoint: &Note, keys: &Keys, now_ms: i64) -> Result<W, PackError> {
        let seal = Seal::sign(Sealed::Pack, checkpoint, sha256(&[self.sums.as_bytes()]), now_ms, keys)?;
        let mut last = |name: &str, text: &str| {
            tar::write::<_, io::Error>(&mut self.out, name, |out| out.write_all(text.as_bytes()))
        };
        last(SUMS, &self.sums)?;
        last(SEAL, &seal.to_string())?;
        tar::finish(&mut self.out)?;
        Ok(self.out)
    }
}

impl<W: Write> Content<'_, W> {
    /// One line of canonical JSON.
    pub fn line(&mut self, value: &impl Serialize) -> Result<(), PackError> {
        let mut line = canonical(value)?;
        line.push(b'\n');
        Ok(self.write_all(&line)?)
    }
}

impl<W: Write> Write for Content<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Reads a pack; nothing of it is believed.
#[derive(Debug)]
pub(super) struct Reader<R> {
    input: R,
    /// Its files in order, as far as the archive is whole.
    pub(super) members: Vec<Member>,
    /// Where it ceases to be.
    pub(super) broken: Option<Broken>,
}

impl<R: Read + Seek> Reader<R> {
    pub(super) fn open(mut input: R) -> io::Result<Self> {
        let (members, broken) = tar::read(&mut input)?;
        Ok(Self { input, members, broken })
    }

    pub(super) fn member(&self, name: &str) -> Option<Member> {
        self.members.iter().find(|member| member.name == name).cloned()
    }

    /// The content of a file, to be read to its end.
    pub(super) fn content(&mut self, member: &Member) -> io::Result<BufReader<io::Take<&mut R>>> {
        self.input.seek(SeekFrom::Start(member.offset))?;
        Ok(BufReader::new(Read::by_ref(&mut self.input).take(member.size)))
    }

    /// A small file as text; `None` when it is not there, `Some(None)` when it is longer than `max` or no text.
    pub(super) fn text(&mut self, name: &str, max: u64) -> io::Result<Option<Option<String>>> {
        let Some(member) = self.member(name) else { return Ok(None) };
        if member.size > max {
            return Ok(Some(None));
        }
        let mut bytes = Vec::new();
        self.content(&member)?.read_to_end(&mut bytes)?;
        Ok(Some(String::from_utf8(bytes).ok()))
    }

    /// SHA-256 of a file.
    pub(super) fn sum(&mut self, member: &Member) -> io::Result<Hash> {
        let mut content = self.content(member)?;
        let (mut digest, mut buffer) = (Context::new(&SHA256), [0; 64 * 1024]);
        loop {
            match content.read(&mut buffer)? {
                0 => return Ok(finish(digest)),
                read => digest.update(&buffer[..read]),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn there_is_one_file_of_a_name() {
        let mut pack = Writer::new(Cursor::new(Vec::new()));
        pack.bytes(CHECKPOINT, b"1").unwrap();
        pack.bytes(ENTRIES, b"2").unwrap();
        for name in [CHECKPOINT, ENTRIES, SUMS, SEAL] {
            assert!(matches!(pack.bytes(name, b"2"), Err(PackError::Twice(_))), "{name}");
        }
    }
}
