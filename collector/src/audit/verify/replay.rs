//! What follows from the entries: their payloads are what they committed to, and folding them gives the records.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Map, Value};

use super::keys::Rotation;
use super::report::{Fault, Report};
use super::trail::Trail;
use super::{Part, Source};
use crate::audit::entry::Entry;
use crate::audit::hash::{Hash, canonical};
use crate::audit::line::{PayloadLine, RecordLine};

/// The action of an entry that tells of a change of the key. Its payload sets `from` and `to`, two verification keys.
pub const ROTATE: &str = "key.rotate";

/// The kind of object that such an entry is of.
pub const KEY_KIND: &str = "key";

/// The kind of record that holds the hash of a monthly snapshot.
const SNAPSHOT_KIND: &str = "monthly-snapshot/";

/// What the records and entries say besides.
pub(super) struct Replayed {
    /// Changes of the key.
    pub(super) rotations: Vec<Rotation>,
    /// Monthly snapshots, by month.
    pub(super) snapshots: BTreeMap<String, Snapshot>,
}

/// What the record of a monthly snapshot says.
pub(super) struct Snapshot {
    /// Hash of its content.
    pub(super) sha256: Hash,
    /// The entry that made the record what it is.
    pub(super) seq: u64,
    /// Its content was deleted when its time was over.
    pub(super) erased: bool,
}

/// Goes through payloads and records.
pub(super) fn run(source: &mut impl Source, trail: &Trail, report: &mut Report) -> io::Result<Replayed> {
    let (objects, snapshots) = (BTreeMap::new(), BTreeMap::new());
    let mut replay = Replay { trail, objects, rotations: Vec::new(), snapshots, next: 0 };
    source.lines(Part::Payloads, &mut |place, bytes| replay.payload(&place, bytes, report))?;
    replay.skip_to(u64::MAX, report);
    let mut last = String::new();
    source.lines(Part::Records, &mut |place, bytes| replay.record(&place, bytes, &mut last, report))?;
    replay.finish(report);
    Ok(Replayed { rotations: replay.rotations, snapshots: replay.snapshots })
}

struct Replay<'a> {
    trail: &'a Trail,
    objects: BTreeMap<&'a str, Object>,
    rotations: Vec<Rotation>,
    snapshots: BTreeMap<String, Snapshot>,
    /// The first entry that was not gone through.
    next: u64,
}

/// A record as the entries up to some point left it.
#[derive(Default)]
struct Object {
    /// Hash of its version, and the entry that made it; `None`: it is not there.
    hash: Option<(Hash, u64)>,
    fields: Map<String, Value>,
    /// Part of what was set is not known.
    redacted: bool,
    compared: bool,
}

impl<'a> Replay<'a> {
    fn payload(&mut self, place: &str, bytes: &[u8], report: &mut Report) {
        let line = serde_json::from_slice::<PayloadLine>(bytes).ok();
        let Some(line) = line.filter(|line| canonical(line).is_ok_and(|written| written == bytes)) else {
            return report.add(Fault::Altered, place, "it is no payload");
        };
        if line.seq < self.next {
            return report.add(
                Fault::Altered,
                place,
                format!("the payload of entry {} is out of order", line.seq),
            );
        }
        self.skip_to(line.seq, report);
        let Some(entry) = self.trail.entries.get(&line.seq) else {
            if self.trail.whole {
                report.add(Fault::Altered, place, format!("there is no entry {}", line.seq));
            }
            return;
        };
        self.next = line.seq + 1;
        if !line.is_of(entry) {
            let what =
                format!("it is not what entry {} committed to: payload, salt or entry was changed", line.seq);
            return report.add(Fault::Altered, place, what);
        }
        if entry.action == ROTATE && entry.is_done() {
            let key = |name: &str| line.payload["set"][name].as_str().and_then(|key| key.parse().ok());
            match (key("from"), key("to")) {
                (Some(from), Some(to)) => self.rotations.push(Rotation { seq: line.seq, from, to }),
                _ => report.add(Fault::Altered, place, "it changes the key and does not say to which"),
            }
        }
        self.apply(entry, Some(&line), report);
    }

    /// Goes past entries whose payload is not there.
    fn skip_to(&mut self, seq: u64, report: &mut Report) {
        let skipped = self.trail.entries.range(self.next..seq.max(self.next));
        for entry in skipped.map(|(_, entry)| entry) {
            report.redacted.push(entry.seq);
            self.apply(entry, None, report);
        }
        self.next = self.next.max(seq);
    }

    fn apply(&mut self, entry: &'a Entry, payload: Option<&PayloadLine>, report: &mut Report) {
        if !self.trail.whole || (entry.before.is_none() && entry.after.is_none()) {
            return;
        }
        let place = format!("entry {}", entry.seq);
        if !entry.is_done() {
            report.add(Fault::Altered, &*place, "it was refused, and yet it changes a record");
        }
        let object = self.objects.entry(&entry.object).or_default();
        if entry.before != object.hash.map(|(hash, _)| hash) {
            let what = format!("{} was not before it what the entries before it made of it", entry.object);
            report.add(Fault::Altered, &*place, what);
        }
        match payload {
            None => object.redacted = true,
            Some(payload) => payload.fold_into(&mut object.fields),
        }
        object.hash = entry.after.map(|hash| (hash, entry.seq));
        if entry.after.is_none() {
            if !object.redacted && !object.fields.is_empty() {
                report.add(
                    Fault::Altered,
                    place,
                    format!("it removes {} and leaves fields of it", entry.object),
                );
            }
            *object = Object::default();
        }
    }

    fn record(&mut self, place: &str, bytes: &[u8], last: &mut String, report: &mut Report) {
        let line = serde_json::from_slice::<RecordLine>(bytes).ok();
        let Some(line) = line.filter(|line| canonical(line).is_ok_and(|written| written == bytes)) else {
            return report.add(Fault::Altered, place, "it is no record");
        };
        if line.object <= *last {
            report.add(Fault::Altered, place, format!("{} is out of order", line.object));
        }
        last.clone_from(&line.object);
        // What does not follow from some entries may follow from the missing ones.
        if !self.trail.whole {
            return;
        }
        let object = self.objects.get_mut(&*line.object);
        let Some((object, (hash, seq))) = object.and_then(|object| object.hash.map(|hash| (object, hash)))
        else {
            return report.add(Fault::Altered, place, format!("no entry made {}", line.object));
        };
        object.compared = true;
        report.records += 1;
        if line.hash().ok() != Some(hash) {
            let what = format!("{} is not what entry {seq} made of it: its hash is another", line.object);
            return report.add(Fault::Altered, place, what);
        }
        let fields = line.body.as_object();
        if !object.redacted && fields != Some(&object.fields) {
            let other = differing(fields, &object.fields);
            let what = format!("the entries make something else of {}: {other}", line.object);
            report.add(Fault::Altered, place, what);
        }
        if let Some(month) = line.object.strip_prefix(SNAPSHOT_KIND) {
            match line.body["sha256"].as_str().and_then(Hash::from_hex) {
                Some(sha256) => {
                    let erased = !line.body["erased_on"].is_null();
                    self.snapshots.insert(month.to_owned(), Snapshot { sha256, seq, erased });
                }
                None => report.add(Fault::Altered, place, "it is of a snapshot, and holds no hash"),
            }
        }
    }

    fn finish(&self, report: &mut Report) {
        for (name, object) in &self.objects {
            match object {
                Object { hash: Some((_, seq)), compared: false, redacted: false, .. } => {
                    let what = format!("{name}, which entry {seq} made, is missing");
                    report.add(Fault::Incomplete, "the records", what);
                }
                Object { hash: Some(_), compared: false, redacted: true, .. } => report.withheld += 1,
                _ => {}
            }
        }
    }
}

/// Names of the fields in which a record is another.
fn differing(record: Option<&Map<String, Value>>, replayed: &Map<String, Value>) -> String {
    let empty = Map::new();
    let record = record.unwrap_or(&empty);
    let names = record.keys().chain(replayed.keys().filter(|name| !record.contains_key(*name)));
    let other: Vec<&str> =
        names.filter(|name| record.get(*name) != replayed.get(*name)).map(String::as_str).take(8).collect();
    format!("field {}", other.join(", "))
}
