//! Hives and logs that are given as bytes, whatever they hold: for tests, and for what feeds parsers with anything.

use std::io::Cursor;

use super::log::{ENTRY_HEAD, HASH, HASH_OF_HEAD, Left, Log, SECTOR};
use super::marvin::Marvin;
use super::{Hive, Key, Trouble, u32_of};

/// Walks through all of a hive.
pub(in super::super::super) fn parse(bytes: &[u8]) -> Result<usize, Trouble> {
    walked(open(bytes)?)
}

/// The same of a hive and its logs, whose entries get the right hashes first. Before these come the lengths of the hive and of
/// one log.
pub(in super::super::super) fn parse_with_logs(bytes: &[u8]) -> Result<usize, Trouble> {
    let (lens, rest) = bytes.split_first_chunk::<8>().ok_or(Trouble::Malformed)?;
    let [hive, first] = [0, 4].map(|at| u32_of(lens, at) as usize);
    let (hive, logs) = rest.split_at(hive.min(rest.len()));
    let (first, second) = logs.split_at(first.min(logs.len()));
    let mut hive = open(hive)?;
    let logs = [first, second].map(|log| open_log(sealed(log.to_vec())));
    hive.replay(logs.into_iter().flatten().flatten().collect(), &mut Left::default(), &|| Ok(()));
    walked(hive)
}

pub(super) fn open(bytes: &[u8]) -> Result<Hive, Trouble> {
    Hive::open(Box::new(Cursor::new(bytes.to_vec())), bytes.len() as u64)
}

pub(super) fn open_log(bytes: Vec<u8>) -> Result<Option<Log>, Trouble> {
    let len = bytes.len() as u64;
    Log::open(Box::new(Cursor::new(bytes)), len)
}

/// A log with the hashes that its entries should have.
pub(super) fn sealed(mut log: Vec<u8>) -> Vec<u8> {
    let mut at = SECTOR;
    while let Some(head) = log.get(at..at + ENTRY_HEAD) {
        let end = at.saturating_add((u32_of(head, 4) as usize).max(SECTOR)).min(log.len());
        let whole = Marvin::of(&log[at + ENTRY_HEAD..end]);
        log[at + HASH..at + HASH_OF_HEAD].copy_from_slice(&whole.to_le_bytes());
        let head = Marvin::of(&log[at..at + HASH_OF_HEAD]);
        log[at + HASH_OF_HEAD..at + ENTRY_HEAD].copy_from_slice(&head.to_le_bytes());
        at = end;
    }
    log
}

fn walked(hive: Hive) -> Result<usize, Trouble> {
    fn walk(key: &dyn Key, depth: usize, seen: &mut usize) -> Result<(), Trouble> {
        *seen += 1;
        // A hive of a test has few keys; one that was tampered with may say that it has any number.
        if depth == 12 || *seen > 200 {
            return Err(Trouble::TooLarge);
        }
        for name in key.names()? {
            let _ = (key.text(&name), key.number(&name));
        }
        key.each(&mut |_, child| walk(child, depth + 1, seen))
    }
    let mut seen = 0;
    walk(&hive.root()?, 0, &mut seen)?;
    Ok(seen)
}
