//! [`Proof`] over SQLite.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::{SqliteStore, governed, prepare};
use crate::audit::verify::{KEY_KIND, ROTATE};
use crate::audit::{
    Checkpoint, CheckpointLine, Entry, Hash, Keys, Note, NoteError, PayloadLine, RecordLine, Salt, Tree,
    merkle,
};
use crate::store::StoreError;
use crate::store::proof::{Each, Evidence, EvidenceError, Proof, Stamped, TrailNote};

impl Proof for SqliteStore {
    fn checkpoint(&self, keys: Arc<Keys>, now_ms: i64) -> Result<Note, StoreError> {
        self.writer
            .run("sign a checkpoint of the audit trail", move |connection, _| sign(connection, &keys, now_ms))
    }

    fn newest_checkpoint(&self) -> Result<Option<Note>, StoreError> {
        self.readers.with("read the newest checkpoint", |connection| {
            Ok(newest(connection)?.map(|newest| newest.note))
        })
    }

    fn unsigned_entries(&self) -> Result<u64, StoreError> {
        self.readers.with("compare the audit trail with its checkpoint", |connection| {
            let signed = newest(connection)?.map_or(0, |newest| newest.tree.size());
            Ok(size(connection)?.saturating_sub(signed))
        })
    }

    fn note(&self, note: TrailNote) -> Result<u64, StoreError> {
        self.writer.run("note something in the audit trail", move |connection, _| {
            governed::note(connection, note.kind, &note.id, &note.act, note.action, &note.details)
        })
    }

    fn last_rotation(&self) -> Result<Option<String>, StoreError> {
        self.readers.with("look for changes of the key", |connection| {
            let sql = "SELECT p.payload FROM trail t JOIN trail_payload p ON p.seq = t.seq
                       WHERE t.kind = $1 AND t.action = $2 ORDER BY t.seq DESC LIMIT 1";
            let payload: Option<String> = prepare(connection, sql)?
                .query_row(params![KEY_KIND, ROTATE], |row| row.get(0))
                .optional()?;
            let payload =
                payload.map(|text| serde_json::from_str::<serde_json::Value>(&text).map_err(failed));
            Ok(payload.transpose()?.and_then(|payload| payload["set"]["to"].as_str().map(str::to_owned)))
        })
    }

    fn keep_stamp(&self, size: u64, answer: Vec<u8>) -> Result<(), StoreError> {
        self.writer.run("keep a time stamp", move |connection, _| {
            prepare(connection, "UPDATE checkpoint SET stamp = $1 WHERE size = $2")?
                .execute(params![HEXLOWER.encode(&answer), number(size)])?;
            Ok(())
        })
    }

    fn stamped(&self) -> Result<Stamped, StoreError> {
        self.readers.with("look how far the audit trail is stamped", |connection| {
            let newest = "SELECT size, at_ms FROM checkpoint WHERE stamp <> '' ORDER BY size DESC LIMIT 1";
            let statement = "SELECT max(seq) FROM trail WHERE kind = 'statement' AND outcome = 'done'
                AND action IN ('statement.approve', 'statement.countersign')";
            Ok(Stamped {
                entries: size(connection)?,
                newest: prepare(connection, newest)?
                    .query_row([], |row| Ok((row.get::<_, u64>(0)?, row.get(1)?)))
                    .optional()?,
                statement: prepare(connection, statement)?.query_row([], |row| row.get(0))?,
            })
        })
    }

    fn evidence(
        &self,
        work: &mut dyn FnMut(&dyn Evidence) -> Result<(), EvidenceError>,
    ) -> Result<(), EvidenceError> {
        self.readers.with("read the evidence", |connection| Ok(work(&Snapshot(connection))))?
    }
}

/// The newest checkpoint, and the tree that it is of.
struct Newest {
    note: Note,
    checkpoint: Checkpoint,
    tree: Tree,
}

/// Why nothing is signed.
#[derive(Debug, thiserror::Error)]
enum Unsound {
    #[error(
        "entry {0} of the audit trail is not as it was written: restore the database from a backup, and look who changed it"
    )]
    Entry(u64),
    #[error(
        "the audit trail does not go on from its checkpoint of {0} entries: \
         restore the database from a backup, and look who changed it"
    )]
    Rewritten(u64),
    #[error(
        "the checkpoint of {0} entries is not signed by the key of this collector: restore audit.key or the database from a backup"
    )]
    Foreign(u64),
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// Signs what [`grown`] gives.
fn sign(connection: &Connection, keys: &Keys, now_ms: i64) -> rusqlite::Result<Note> {
    let (tree, last) = grown(connection, keys)?;
    if let Some((note, true, begin)) = last
        && tree.size() == begin
    {
        return Ok(note);
    }
    let origin = keys.origin().to_owned();
    let checkpoint = Checkpoint { origin, size: tree.size(), root: tree.root(), at_ms: now_ms };
    let note = keys.sign_checkpoint(&checkpoint).map_err(failed)?;
    let peaks: Vec<String> = tree.peaks().iter().map(Hash::to_string).collect();
    // The same size once more: the key that leaves was not among the signers.
    prepare(
        connection,
        "INSERT INTO checkpoint (size, at_ms, note, peaks, stamp) VALUES ($1, $2, $3, $4, '')
         ON CONFLICT (size) DO UPDATE SET at_ms = excluded.at_ms, note = excluded.note, stamp = ''",
    )?
    .execute(params![number(tree.size()), now_ms, note.to_string(), peaks.join(" ")])?;
    Ok(note)
}

/// The newest checkpoint, whether every key in use signed it, and its size.
type Last = (Note, bool, u64);

/// The tree over the whole trail, and the checkpoint that it goes on from. Its new entries are added to what that was of, and whatever does
/// not fit it is refused: whoever holds the database and not the key gets no signature for another history.
pub(super) fn grown(connection: &Connection, keys: &Keys) -> rusqlite::Result<(Tree, Option<Last>)> {
    let (mut tree, last) = match newest(connection)? {
        None => (Tree::new(), None),
        Some(Newest { note, checkpoint, tree }) => {
            let known: Vec<_> = keys.leaving().into_iter().chain([keys.vkey()]).cloned().collect();
            let signers = note.verify(&known).map_err(|_| failed(Unsound::Foreign(checkpoint.size)))?;
            if checkpoint.origin != keys.origin() || tree.root() != checkpoint.root {
                return Err(failed(Unsound::Rewritten(checkpoint.size)));
            }
            let by_all = signers.len() == known.len();
            (tree, Some((note, by_all, checkpoint.size)))
        }
    };
    let begin = tree.size();
    let mut prev = match begin {
        0 => Hash::ZERO,
        _ => leaf(connection, begin - 1)?.ok_or_else(|| failed(Unsound::Rewritten(begin)))?,
    };
    let mut statement = prepare(connection, "SELECT entry FROM trail WHERE seq >= $1 ORDER BY seq")?;
    let mut rows = statement.query(params![number(begin)])?;
    while let Some(row) = rows.next()? {
        let seq = tree.size();
        let entry = Entry::read(row.get::<_, String>(0)?.as_bytes()).ok();
        let entry = entry.filter(|entry| entry.seq == seq && entry.prev == prev);
        prev = entry.ok_or_else(|| failed(Unsound::Entry(seq)))?.leaf();
        tree.push(prev);
    }
    Ok((tree, last))
}

fn newest(connection: &Connection) -> rusqlite::Result<Option<Newest>> {
    let found: Option<(String, String)> =
        prepare(connection, "SELECT note, peaks FROM checkpoint ORDER BY size DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
    let Some((note, peaks)) = found else { return Ok(None) };
    let note = Note::read(&note).map_err(failed)?;
    let checkpoint = Checkpoint::of(&note).map_err(failed)?;
    let peaks = peaks.split(' ').filter(|peak| !peak.is_empty()).map(str::parse);
    let peaks = peaks.collect::<Result<Vec<Hash>, _>>().map_err(failed)?;
    let tree = Tree::from_parts(checkpoint.size, peaks);
    let tree = tree.ok_or_else(|| failed(Unsound::Rewritten(checkpoint.size)))?;
    Ok(Some(Newest { note, checkpoint, tree }))
}

fn size(connection: &Connection) -> rusqlite::Result<u64> {
    let next = prepare(connection, "SELECT coalesce(max(seq) + 1, 0) FROM trail")?;
    let mut next = next;
    next.query_row([], |row| row.get::<_, i64>(0)).map(|size| u64::try_from(size).unwrap_or(0))
}

fn leaf(connection: &Connection, seq: u64) -> rusqlite::Result<Option<Hash>> {
    let entry: Option<String> = prepare(connection, "SELECT entry FROM trail WHERE seq = $1")?
        .query_row(params![number(seq)], |row| row.get(0))
        .optional()?;
    Ok(entry.and_then(|entry| Entry::read(entry.as_bytes()).ok()).map(|entry| entry.leaf()))
}

struct Snapshot<'c>(&'c Connection);

impl Snapshot<'_> {
    /// Gives each row to `take`, which reads it and passes it on.
    fn each<P: Params>(
        &self,
        sql: &str,
        params: P,
        mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<std::io::Result<()>>,
    ) -> Result<(), EvidenceError> {
        let run = || -> rusqlite::Result<std::io::Result<()>> {
            let mut statement = prepare(self.0, sql)?;
            let mut rows = statement.query(params)?;
            while let Some(row) = rows.next()? {
                if let Err(error) = take(row)? {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        };
        Ok(run().map_err(unread)??)
    }

    fn notes(&self) -> Result<Vec<(Note, Checkpoint, Vec<u8>)>, EvidenceError> {
        let mut notes = Vec::new();
        self.each("SELECT note, stamp FROM checkpoint ORDER BY size", [], |row| {
            let note = Note::read(&row.get::<_, String>(0)?).map_err(failed)?;
            let checkpoint = Checkpoint::of(&note).map_err(failed)?;
            let stamp = HEXLOWER.decode(row.get::<_, String>(1)?.as_bytes()).map_err(failed)?;
            notes.push((note, checkpoint, stamp));
            Ok(Ok(()))
        })?;
        Ok(notes)
    }
}

impl Evidence for Snapshot<'_> {
    fn size(&self) -> Result<u64, EvidenceError> {
        Ok(size(self.0).map_err(unread)?)
    }

    fn head(&self) -> Result<Option<Note>, EvidenceError> {
        let newest = newest(self.0).map_err(unread)?;
        let size = self.size()?;
        Ok(newest.filter(|newest| newest.checkpoint.size == size).map(|newest| newest.note))
    }

    fn earlier(&self) -> Result<Vec<CheckpointLine>, EvidenceError> {
        let mut leaves = Vec::new();
        self.each("SELECT leaf FROM trail ORDER BY seq", [], |row| {
            leaves.push(row.get::<_, String>(0)?.parse::<Hash>().map_err(failed)?);
            Ok(Ok(()))
        })?;
        let mut lines = Vec::new();
        for (note, checkpoint, _) in self.notes()? {
            let size = usize::try_from(checkpoint.size).unwrap_or(usize::MAX);
            if size < leaves.len() {
                let proof = merkle::consistency(&leaves, size).unwrap_or_default();
                lines.push(CheckpointLine::new(&note, proof));
            }
        }
        Ok(lines)
    }

    fn checkpoints(&self) -> Result<Vec<Note>, EvidenceError> {
        Ok(self.notes()?.into_iter().map(|(note, ..)| note).collect())
    }

    fn stamps(&self) -> Result<Vec<(u64, Vec<u8>)>, EvidenceError> {
        let notes = self.notes()?.into_iter();
        let stamped = notes.filter(|(_, _, stamp)| !stamp.is_empty());
        Ok(stamped.map(|(_, checkpoint, stamp)| (checkpoint.size, stamp)).collect())
    }

    fn snapshots(
        &self,
        each: &mut dyn FnMut(&str, &[u8]) -> std::io::Result<()>,
    ) -> Result<(), EvidenceError> {
        self.each("SELECT month, content FROM monthly_snapshot ORDER BY month", [], |row| {
            Ok(each(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?.as_bytes()))
        })
    }

    fn entries(&self, each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> Result<(), EvidenceError> {
        self.each("SELECT entry FROM trail ORDER BY seq", [], |row| {
            Ok(each(row.get_ref(0)?.as_str()?.as_bytes()))
        })
    }

    fn payloads(&self, without: &[&str], each: Each<'_, PayloadLine>) -> Result<(), EvidenceError> {
        let sql = "SELECT p.seq, p.salt, p.payload, t.kind FROM trail_payload p JOIN trail t ON t.seq = p.seq ORDER BY p.seq";
        self.each(sql, [], |row| {
            if without.contains(&&*row.get::<_, String>(3)?) {
                return Ok(Ok(()));
            }
            let seq = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
            let salt = salt(&row.get::<_, String>(1)?)?;
            let payload = serde_json::from_str(&row.get::<_, String>(2)?).map_err(failed)?;
            Ok(each(PayloadLine { payload, salt, seq }))
        })
    }

    fn records(&self, without: &[&str], each: Each<'_, RecordLine>) -> Result<(), EvidenceError> {
        // By the very text that the verifier compares: kind and id with the slash between.
        let sql = "SELECT kind, id, nonce, body FROM governed ORDER BY kind || '/' || id";
        self.each(sql, [], |row| {
            let kind: String = row.get(0)?;
            if without.contains(&&*kind) {
                return Ok(Ok(()));
            }
            let object = format!("{kind}/{}", row.get::<_, String>(1)?);
            let nonce = salt(&row.get::<_, String>(2)?)?;
            let body = serde_json::from_str(&row.get::<_, String>(3)?).map_err(failed)?;
            Ok(each(RecordLine { body, nonce, object }))
        })
    }
}

fn salt(text: &str) -> rusqlite::Result<Salt> {
    Salt::from_hex(text).ok_or_else(|| failed(NoteError::Form("a salt is 64 hexadecimal digits")))
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unread(source: rusqlite::Error) -> StoreError {
    StoreError::database("read the evidence", source)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}
