//! Signs checkpoints of the audit trail, and changes the key that they are signed with.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde_json::{Map, Value};

use crate::audit::verify::{KEY_KIND, ROTATE};
use crate::audit::{Keys, KeysError, Note, VerifyingKey};
use crate::datadir::{DataDir, DataDirError};
use crate::export::{self, ExportError, Proving, Stamp};
use crate::model::governed::Act;
use crate::store::proof::{Proof, TrailNote};
use crate::store::{Reads, StoreError};

/// Entries after which a checkpoint is made without waiting.
const ENTRIES: u64 = 1_000;
/// How often a pack is begun anew because an entry came between checkpoint and reading.
const TRIES: u32 = 20;
/// How long an entry waits for a checkpoint, in milliseconds.
const WAIT_MS: i64 = 5 * 60_000;

/// The one who signs.
pub struct Notary {
    store: Arc<dyn Proof>,
    dir: DataDir,
    keys: RwLock<Arc<Keys>>,
    /// The newest checkpoint, for everybody who hears from us.
    newest: RwLock<Option<String>>,
    /// One at a time: key file and trail go together.
    signing: Mutex<Waiting>,
}

/// Since when entries wait.
#[derive(Debug, Default)]
struct Waiting {
    since_ms: Option<i64>,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotaryError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key, or the folder.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The key cannot be changed.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The evidence pack.
    #[error(transparent)]
    Export(#[from] ExportError),
}

impl Notary {
    /// The notary of a folder. A change of the key that was cut short is finished first.
    pub fn new(store: Arc<dyn Proof>, dir: &DataDir, now_ms: i64) -> Result<Self, NotaryError> {
        let keys = RwLock::new(Arc::new(dir.audit_keys()?));
        let newest = RwLock::new(store.newest_checkpoint()?.map(|note| note.to_string()));
        let notary = Self { store, dir: dir.clone(), keys, newest, signing: Mutex::default() };
        if notary.keys().leaving().is_some() {
            let act = Act::job("notary", now_ms).because("a change of the key was cut short");
            notary.hand_over(act, now_ms)?;
        }
        Ok(notary)
    }

    /// The keys in use.
    pub fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The newest signed checkpoint.
    pub fn newest(&self) -> Option<String> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Signs a checkpoint over all entries; the newest one where none came since.
    pub fn checkpoint(&self, now_ms: i64) -> Result<Note, NotaryError> {
        let mut waiting = self.signing.lock().unwrap_or_else(PoisonError::into_inner);
        let note = self.store.checkpoint(self.keys(), now_ms)?;
        waiting.since_ms = None;
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Some(note.to_string());
        Ok(note)
    }

    /// Signs one where entries wait for long enough, or are enough. Whether it did.
    pub fn attend(&self, now_ms: i64) -> Result<bool, NotaryError> {
        let unsigned = self.store.unsigned_entries()?;
        let due = {
            let mut waiting = self.signing.lock().unwrap_or_else(PoisonError::into_inner);
            if unsigned == 0 {
                waiting.since_ms = None;
                return Ok(false);
            }
            let since_ms = *waiting.since_ms.get_or_insert(now_ms);
            unsigned >= ENTRIES || now_ms.abs_diff(since_ms) >= WAIT_MS.unsigned_abs()
        };
        if due {
            self.checkpoint(now_ms)?;
        }
        Ok(due)
    }

    /// Notes an export in the trail, and signs a checkpoint that covers the note.
    pub fn exported(&self, format: &str, act: Act) -> Result<Note, NotaryError> {
        let now_ms = act.now_ms;
        let details = Map::from_iter([("format".to_owned(), Value::from(format))]);
        let id = format.to_owned();
        self.store.note(TrailNote { act, action: "export.make", kind: "export", id, details })?;
        self.checkpoint(now_ms)
    }

    /// Writes an evidence pack into a file that has no name, noted in the trail; at its beginning.
    pub fn pack(&self, reads: &dyn Reads, stamp: &Stamp, act: Act) -> Result<File, NotaryError> {
        let mut file = self.dir.unnamed()?;
        self.exported(export::EVIDENCE_PACK, act)?;
        for _ in 0..TRIES {
            let keys = self.keys();
            let proving = Proving { proof: &*self.store, keys: &keys };
            let written = export::write_pack(reads, proving, stamp, BufWriter::new(&mut file));
            match written.and_then(|mut out| Ok(out.flush()?)) {
                Err(ExportError::Behind) => self.checkpoint(stamp.now_ms)?,
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    file.rewind().map_err(ExportError::from)?;
                    return Ok(file);
                }
            };
            file.rewind().and_then(|()| file.set_len(0)).map_err(ExportError::from)?;
        }
        Err(ExportError::Behind.into())
    }

    /// Changes the key: an entry tells of it, and both keys sign a checkpoint that covers the entry. The new key.
    pub fn rotate(&self, act: Act) -> Result<VerifyingKey, NotaryError> {
        let now_ms = act.now_ms;
        let both = self.keys().rotated()?;
        self.take(self.dir.replace_audit_keys(&both)?);
        self.hand_over(act, now_ms)?;
        Ok(self.keys().vkey().clone())
    }

    /// From the moment that both keys are in the file: entry, checkpoint by both, and the old key goes. Each step may have been done before.
    fn hand_over(&self, act: Act, now_ms: i64) -> Result<(), NotaryError> {
        let keys = self.keys();
        let Some(leaving) = keys.leaving() else { return Ok(()) };
        let to = keys.vkey().to_string();
        if self.store.last_rotation()?.as_ref() != Some(&to) {
            let details = [("from", leaving.to_string()), ("to", to)];
            let details = details.map(|(name, key)| (name.to_owned(), Value::from(key)));
            let (id, details) = ("audit".to_owned(), Map::from_iter(details));
            self.store.note(TrailNote { act, action: ROTATE, kind: KEY_KIND, id, details })?;
        }
        self.checkpoint(now_ms)?;
        self.take(self.dir.replace_audit_keys(&keys.settled())?);
        Ok(())
    }

    fn take(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

#[cfg(test)]
mod tests {
    use umbrascope_rules::Catalogue;

    use super::*;
    use crate::audit::Checkpoint;
    use crate::store::sqlite::Options;

    const NOW_MS: i64 = 1_764_200_000_000;

    fn folder() -> (tempfile::TempDir, DataDir, Notary) {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::choose(Some(parent.path().join("data"))).unwrap();
        dir.init(Options::new(Catalogue::embedded()), NOW_MS).unwrap();
        let notary = open(&dir);
        (parent, dir, notary)
    }

    fn open(dir: &DataDir) -> Notary {
        let store = Arc::new(dir.open(Options::new(Catalogue::embedded()), NOW_MS).unwrap());
        Notary::new(store, dir, NOW_MS).unwrap()
    }

    fn act() -> Act {
        Act::job("test", NOW_MS)
    }

    fn size(note: &Note) -> u64 {
        Checkpoint::of(note).unwrap().size
    }

    #[test]
    fn entries_wait_five_minutes_or_until_they_are_many() {
        let (_parent, _dir, notary) = folder();
        assert!(!notary.attend(NOW_MS).unwrap());
        notary
            .store
            .note(TrailNote { act: act(), action: "a", kind: "k", id: "i".into(), details: Map::new() })
            .unwrap();
        assert!(!notary.attend(NOW_MS + 1).unwrap());
        assert!(!notary.attend(NOW_MS + WAIT_MS).unwrap());
        assert!(notary.attend(NOW_MS + WAIT_MS + 1).unwrap());
        assert!(!notary.attend(NOW_MS + 2 * WAIT_MS).unwrap());
        // What is signed is signed once.
        let note = notary.checkpoint(NOW_MS + 3 * WAIT_MS).unwrap();
        assert_eq!((size(&note), Some(note)), (1, notary.store.newest_checkpoint().unwrap()));
    }

    #[test]
    fn an_export_is_in_the_checkpoint_that_it_is_made_with() {
        let (_parent, _dir, notary) = folder();
        assert_eq!(size(&notary.exported("evidence-pack", act()).unwrap()), 1);
        assert_eq!(size(&notary.exported("json", act()).unwrap()), 2);
    }

    #[test]
    fn a_key_is_changed_once_even_when_that_was_cut_short() {
        let (_parent, dir, notary) = folder();
        let first = notary.keys().vkey().clone();
        let second = notary.rotate(act()).unwrap();
        assert_ne!(first, second);
        let note = notary.store.newest_checkpoint().unwrap().unwrap();
        assert_eq!(note.verify(&[first, second.clone()]), Ok(vec![0, 1]));
        assert_eq!(dir.audit_keys().unwrap().leaving(), None);
        drop(notary);
        // The power goes after the file was written, and again after the entry was.
        let both = dir.audit_keys().unwrap().rotated().unwrap();
        for expected in [3, 3] {
            dir.replace_audit_keys(&both).unwrap();
            let notary = open(&dir);
            assert_eq!(notary.keys().leaving(), None);
            notary.exported("json", act()).unwrap();
            let newest = notary.store.newest_checkpoint().unwrap().unwrap();
            assert!(size(&newest) >= expected);
        }
        let mut rotations = 0;
        let notary = open(&dir);
        notary
            .store
            .evidence(&mut |evidence| {
                evidence.entries(&mut |bytes| {
                    rotations += u64::from(String::from_utf8_lossy(bytes).contains(ROTATE));
                    Ok(())
                })
            })
            .unwrap();
        assert_eq!(rotations, 2);
    }

    #[test]
    fn a_trail_that_somebody_changed_is_not_signed() {
        let (_parent, dir, notary) = folder();
        for _ in 0..3 {
            notary.exported("json", act()).unwrap();
        }
        let change = |sql: &str| {
            let connection = rusqlite::Connection::open(dir.database()).unwrap();
            connection.execute_batch("DROP TRIGGER trail_keeps; DROP TRIGGER trail_stays;").unwrap();
            connection.execute_batch(sql).unwrap();
        };
        // An entry that no checkpoint covers yet.
        notary
            .store
            .note(TrailNote { act: act(), action: "a", kind: "k", id: "i".into(), details: Map::new() })
            .unwrap();
        change("UPDATE trail SET entry = replace(entry, 'job:test', 'job:none') WHERE seq = 2");
        let error = notary.checkpoint(NOW_MS).unwrap_err();
        assert!(format!("{error:?}").contains("Entry(3)"), "{error:?}");
        drop(notary);
        // And one that is older than the checkpoint, whose tree was brought up to it.
        let notary = open(&dir);
        change(
            "UPDATE checkpoint SET peaks = (SELECT peaks FROM checkpoint WHERE size = 1) || ' ' || (SELECT peaks FROM checkpoint WHERE size = 1) WHERE size = 3",
        );
        let error = notary.checkpoint(NOW_MS).unwrap_err();
        assert!(format!("{error:?}").contains("Rewritten(3)"), "{error:?}");
    }
}
