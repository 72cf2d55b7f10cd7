//! The evidence pack: everything that somebody needs to check the inventory and its history without us.

use std::io::{self, Seek, Write};

use umbrascope_rules::Catalogue;

use super::{ExportError, Format, Sources, Stamp, dossier};
use crate::audit::pack::{self, PackError, Writer};
use crate::audit::{Keys, Note};
use crate::store::proof::{Evidence, EvidenceError, Proof};

/// How to check it, for whoever has only the file.
const README: &str = include_str!("../../../packaging/doc/audit-trail.md");
/// Formats of the inventory that go along.
const INVENTORY: [Format; 2] = [Format::Csv, Format::Json];
/// Kinds of records that tell of people or of single machines, as a request for a name does: their payloads and records do not leave in a
/// pack, their entries do.
const WITHHELD: &[&str] = &["person", "grant", "directory", "endpoint", "reidentification", "erasure"];

/// What an export is proved with.
#[derive(Clone, Copy)]
pub struct Proving<'a> {
    /// The trail.
    pub proof: &'a dyn Proof,
    /// Who signs.
    pub keys: &'a Keys,
}

/// Writes a pack onto `out`, at whose beginning it stands. [`ExportError::Behind`] when the trail has grown since its newest checkpoint: make
/// one and try again. Blocking.
pub fn write<W: Write + Seek>(
    from: Sources<'_>,
    catalogue: &Catalogue,
    proving: Proving<'_>,
    stamp: &Stamp,
    out: W,
) -> Result<W, ExportError> {
    // A pack goes to auditors and further: decisions, no single machine, and no number of a few.
    let least = from.governance.retention()?.0.times.least_count.into();
    let stamp = &Stamp { machines: false, least, ..stamp.clone() };
    let mut writer = Writer::new(out);
    writer.bytes(pack::README, README.as_bytes())?;
    for format in INVENTORY {
        let name = format!("{}inventory.{}", pack::INVENTORY, format.extension());
        writer.file::<ExportError>(&name, |mut out| {
            super::write(format, format.part(None)?, from, catalogue, stamp, &mut out)
        })?;
    }
    writer.file::<ExportError>(pack::COVERAGE, |mut out| {
        super::json::coverage(from, catalogue, stamp, &mut out)
    })?;
    dossier::write(&mut writer, from.governance, stamp.now_ms)?;
    let mut head = None;
    let mut stop = None;
    proving.proof.evidence(&mut |evidence| {
        match trail(&mut writer, evidence, proving.keys) {
            Ok(note) => head = Some(note),
            Err(error) => stop = Some(error),
        }
        Ok(())
    })?;
    match (stop, head) {
        (Some(error), _) => Err(error),
        (None, None) => Err(ExportError::Behind),
        (None, Some(head)) => Ok(writer.finish(&head, proving.keys, stamp.now_ms)?),
    }
}

/// The parts that are of one state of the records; the checkpoint that they stand at.
fn trail<W: Write + Seek>(
    writer: &mut Writer<W>,
    evidence: &dyn Evidence,
    keys: &Keys,
) -> Result<Note, ExportError> {
    let head = evidence.head()?.ok_or(ExportError::Behind)?;
    writer.bytes(pack::CHECKPOINT, head.to_string().as_bytes())?;
    let earlier = evidence.earlier()?;
    writer.file::<ExportError>(pack::CHECKPOINTS, |out| {
        Ok(earlier.iter().try_for_each(|line| out.line(line))?)
    })?;
    writer.file::<ExportError>(pack::ENTRIES, |out| {
        Ok(evidence.entries(&mut |bytes| {
            out.write_all(bytes)?;
            out.write_all(b"\n")
        })?)
    })?;
    writer.file::<ExportError>(pack::PAYLOADS, |out| {
        Ok(evidence.payloads(WITHHELD, &mut |line| out.line(&line).map_err(io::Error::other))?)
    })?;
    writer.file::<ExportError>(pack::RECORDS, |out| {
        Ok(evidence.records(WITHHELD, &mut |line| out.line(&line).map_err(io::Error::other))?)
    })?;
    evidence.snapshots(&mut |month, bytes| {
        writer.bytes(&format!("{}{month}.json", pack::SNAPSHOTS), bytes).map_err(io::Error::other)
    })?;
    for (size, answer) in evidence.stamps()? {
        writer.bytes(&format!("{}{size}.tsr", pack::STAMPS), &answer)?;
    }
    writer.bytes(pack::VKEY, format!("{}\n", keys.vkey()).as_bytes())?;
    Ok(head)
}

/// Gives the elements of a list, one after the other.
type Fill<'a> = dyn FnMut(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<(), EvidenceError> + 'a;

/// The `trail` of a JSON export, without its name.
pub(super) fn json(proving: Proving<'_>, out: &mut dyn Write) -> Result<Note, ExportError> {
    let mut came_to = Err(ExportError::Behind);
    proving.proof.evidence(&mut |evidence| {
        came_to = json_trail(evidence, proving.keys, out);
        Ok(())
    })?;
    came_to
}

fn json_trail(evidence: &dyn Evidence, keys: &Keys, out: &mut dyn Write) -> Result<Note, ExportError> {
    let head = evidence.head()?.ok_or(ExportError::Behind)?;
    let mut list = |name: &str, fill: &mut Fill<'_>| -> Result<(), ExportError> {
        write!(out, "\"{name}\":[")?;
        let mut first = true;
        fill(&mut |bytes| {
            out.write_all(if std::mem::take(&mut first) { b"\n" } else { b",\n" })?;
            out.write_all(bytes)
        })?;
        out.write_all(b"\n],\n")?;
        Ok(())
    };
    let earlier = evidence.earlier()?;
    list("checkpoints", &mut |each| {
        for checkpoint in &earlier {
            each(&canonical(checkpoint)?)?;
        }
        Ok(())
    })?;
    list("entries", &mut |each| evidence.entries(each))?;
    list("payloads", &mut |each| evidence.payloads(WITHHELD, &mut |line| each(&canonical(&line)?)))?;
    list("records", &mut |each| evidence.records(WITHHELD, &mut |line| each(&canonical(&line)?)))?;
    let text = |text: String| serde_json::Value::from(text).to_string();
    write!(out, "\"checkpoint\":{},\n\"vkey\":{}", text(head.to_string()), text(keys.vkey().to_string()))?;
    Ok(head)
}

fn canonical(value: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    crate::audit::canonical(value).map_err(io::Error::other)
}

impl From<EvidenceError> for ExportError {
    fn from(error: EvidenceError) -> Self {
        match error {
            EvidenceError::Store(error) => Self::Store(error),
            EvidenceError::Write(error) => Self::Write(error),
        }
    }
}

impl From<PackError> for ExportError {
    fn from(error: PackError) -> Self {
        Self::Pack(error)
    }
}
