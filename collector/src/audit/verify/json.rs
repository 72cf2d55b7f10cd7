//! An export as JSON as a source of what is checked. It carries the parts of a pack in its field `trail`, and ends with `proof`: a
//! seal over every byte before that field.

use std::io;

use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;

use super::packed::Sealing;
use super::report::{Fault, Report};
use super::{Part, Source};
use crate::audit::hash::{Hash, canonical, sha256};
use crate::audit::seal::Sealed;

/// What parts the sealed bytes of a JSON export from the seal.
pub const BEFORE_PROOF: &[u8] = b",\n\"proof\":";

pub(super) struct JsonSource {
    trail: TrailPart,
    sealing: Option<Sealing>,
}

#[derive(Deserialize)]
struct Document {
    trail: Option<TrailPart>,
}

#[derive(Deserialize)]
struct TrailPart {
    checkpoint: String,
    checkpoints: Vec<Value>,
    entries: Vec<Value>,
    payloads: Vec<Value>,
    records: Vec<Value>,
    vkey: String,
}

impl JsonSource {
    /// Opens an export; `None` when it holds no trail, which the report then says.
    pub(super) fn open(bytes: &[u8], report: &mut Report) -> Option<Self> {
        let trail = match serde_json::from_slice::<Document>(bytes) {
            Ok(Document { trail: Some(trail) }) => trail,
            Ok(Document { trail: None }) => {
                report.add(Fault::Incomplete, "trail", "the export holds no audit trail");
                return None;
            }
            Err(error) => {
                let cut = error.classify() == Category::Eof || error.to_string().starts_with("missing field");
                let fault = if cut { Fault::Incomplete } else { Fault::Altered };
                let place = format!("line {} column {}", error.line(), error.column());
                report.add(fault, place, format!("it is no JSON export ({error})"));
                return None;
            }
        };
        let at = bytes.windows(BEFORE_PROOF.len()).rposition(|window| window == BEFORE_PROOF);
        let sealing = at.and_then(|at| {
            let note = bytes[at + BEFORE_PROOF.len()..].strip_suffix(b"}\n")?;
            let text: String = serde_json::from_slice(note).ok()?;
            // One way to write it, so that every byte after the sealed ones counts too.
            (Value::from(&*text).to_string().as_bytes() == note).then(|| Sealing {
                sealed: Sealed::Json,
                place: "proof",
                note: text,
                content: sha256(&[&bytes[..at]]),
            })
        });
        match (at, &sealing) {
            (None, _) => report.add(Fault::Incomplete, "proof", "the export is not sealed"),
            (Some(_), None) => {
                report.add(Fault::Altered, "proof", "the seal is not where and how it is written")
            }
            _ => {}
        }
        Some(Self { trail, sealing })
    }
}

impl Source for JsonSource {
    fn heads(&mut self) -> io::Result<(Option<String>, Option<String>)> {
        Ok((Some(self.trail.checkpoint.clone()), Some(self.trail.vkey.clone())))
    }

    fn lines(&mut self, part: Part, each: &mut dyn FnMut(String, &[u8])) -> io::Result<()> {
        let (name, values) = match part {
            Part::Checkpoints => ("checkpoints", &self.trail.checkpoints),
            Part::Entries => ("entries", &self.trail.entries),
            Part::Payloads => ("payloads", &self.trail.payloads),
            Part::Records => ("records", &self.trail.records),
        };
        for (at, value) in values.iter().enumerate() {
            each(format!("trail.{name}[{at}]"), &canonical(value).unwrap_or_default());
        }
        Ok(())
    }

    fn seal(&mut self) -> io::Result<Option<Sealing>> {
        Ok(self.sealing.take())
    }

    fn snapshots(&mut self) -> io::Result<Option<Vec<(String, String, Hash)>>> {
        Ok(None)
    }

    fn stamps(&mut self) -> io::Result<Vec<(String, u64, Vec<u8>)>> {
        Ok(Vec::new())
    }
}
