//! What Windows wrote to the logs of a hive and not yet to the hive itself.
//!
//! A hive is dirty when its two sequence numbers differ, or when its base block has another sum than it says: the last changes
//! are in its logs then. Since Windows 8.1 a log holds, after a copy of the base block, entries with a number, the pages that
//! were changed and hashes over both; an entry counts when all before it from the hive's own number on do, and the two logs are
//! one chain. A user who owns a hive owns its logs too: sizes and places are checked, and what is hashed and kept is bounded.
//! Nothing is written: pages of a log take the place of the hive's where they are read.
//!
//! The layout and the order are those of the "Windows registry file format specification" by M. Suhanov ("Format of
//! transaction log files", "Dirty state of a hive"), and what its author's reader (yarp) learnt of the order of two logs.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use super::super::super::safe::Trouble;
use super::marvin::Marvin;
use super::pages::Bytes;
use super::{BINS, u32_of};

/// A base block, in bytes, as far as its sum goes, and a sector of a log.
pub(super) const SECTOR: usize = 512;
/// Bytes of entries that are read for all hives of a machine together, to be hashed; twelve bytes of memory are kept for each
/// sector of them. The logs of a machine's largest hive have some 20 MiB, those of a user a few.
const ENTRIES_BYTES: u64 = 128 * 1024 * 1024;
/// Head of an entry: mark, length, flags, number, length of the bins, pages, two hashes.
pub(super) const ENTRY_HEAD: usize = 40;
/// Where the first hash stands, and the second, which is over all before it.
pub(super) const HASH: usize = 24;
pub(super) const HASH_OF_HEAD: usize = 32;
/// Bytes hashed at once.
const CHUNK: usize = 16 * 1024;

/// Kinds of files with a base block.
const NEW_LOG: u32 = 6;
const OLD_LOGS: [u32; 2] = [1, 2];

/// What a base block says, of a hive or, in a copy, of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Base {
    /// Both numbers: when writing began and when it ended.
    first: u32,
    second: u32,
    minor: u32,
    major: u32,
    kind: u32,
    format: u32,
    /// Place of the root.
    pub(super) root: u32,
    /// Whether the sum over it is right.
    valid: bool,
}

impl Base {
    /// Reads one. `None`: it is none.
    pub(super) fn read(block: &[u8; SECTOR]) -> Option<Self> {
        let number = |at| u32_of(block, at);
        block.starts_with(b"regf").then(|| Self {
            first: number(4),
            second: number(8),
            major: number(20),
            minor: number(24),
            kind: number(28),
            format: number(32),
            root: number(36),
            valid: number(508) == sum(block),
        })
    }

    /// Whether it is of a version that is read.
    pub(super) fn is_known(&self) -> bool {
        self.major == 1 && (3..=6).contains(&self.minor) && self.format == 1
    }

    /// Whether the last changes are not in the hive.
    pub(super) fn is_dirty(&self) -> bool {
        self.first != self.second || !self.valid
    }
}

/// All words before it, one over the other, but neither zero nor all ones.
fn sum(block: &[u8; SECTOR]) -> u32 {
    let words = block[..508].as_chunks::<4>().0;
    match words.iter().fold(0, |sum, word| sum ^ u32::from_le_bytes(*word)) {
        0 => 1,
        u32::MAX => u32::MAX - 1,
        sum => sum,
    }
}

/// What is left to be read of the entries of logs.
pub(in super::super) struct Left(u64);

impl Default for Left {
    fn default() -> Self {
        Self(ENTRIES_BYTES)
    }
}

impl Left {
    #[cfg(test)]
    pub(super) fn of(bytes: u64) -> Self {
        Self(bytes)
    }

    fn take(&mut self, bytes: u32) -> Result<(), Trouble> {
        self.0 = self.0.checked_sub(u64::from(bytes)).ok_or(Trouble::TooLarge)?;
        Ok(())
    }
}

/// A log that can be replayed.
pub(in super::super) struct Log {
    file: Box<dyn Bytes>,
    len: u64,
    base: Base,
}

impl Log {
    /// `Ok(None)`: it has nothing in it. [`Trouble::Skipped`]: it is as Windows wrote logs before 8.1.
    pub(in super::super) fn open(mut file: Box<dyn Bytes>, len: u64) -> Result<Option<Self>, Trouble> {
        let mut block = [0; SECTOR];
        if len < SECTOR as u64 {
            return Ok(None);
        }
        read_at(&mut file, 0, &mut block)?;
        match Base::read(&block) {
            Some(base) if base.kind == NEW_LOG && !base.is_dirty() && base.is_known() => {
                // What is beyond has no place in 32 bits, which are enough for what may be read of it.
                Ok(Some(Self { file, len: len.min(u64::from(u32::MAX)), base }))
            }
            Some(base) if OLD_LOGS.contains(&base.kind) => Err(Trouble::Skipped),
            _ => Ok(None),
        }
    }
}

/// What logs change of a hive: the sectors that stand in one of them instead, and the length that the hive gets.
pub(super) struct Changes {
    files: Vec<Box<dyn Bytes>>,
    sectors: BTreeMap<u32, Place>,
    pub(super) len: u64,
}

/// Where a sector stands: in which log, and where there.
#[derive(Clone, Copy)]
struct Place {
    log: u8,
    at: u32,
}

impl Changes {
    /// Puts what logs have of a page of the hive, which begins at such a sector, over what the hive has.
    pub(super) fn patch(&mut self, first: u64, page: &mut [u8]) -> Result<(), Trouble> {
        let Ok(first) = u32::try_from(first) else { return Ok(()) };
        for (sector, into) in (first..).zip(page.as_chunks_mut::<SECTOR>().0) {
            if let Some(Place { log, at }) = self.sectors.get(&sector).copied()
                && let Some(file) = self.files.get_mut(usize::from(log))
            {
                read_at(file, at.into(), into)?;
            }
        }
        Ok(())
    }
}

/// What came of a replay.
pub(super) struct Replayed {
    /// The base block that counts.
    pub(super) base: Base,
    /// `None`: no entry follows what the hive has.
    pub(super) changes: Option<Changes>,
    /// Why that may not be all.
    pub(super) trouble: Option<Trouble>,
}

/// Finds what the logs of a hive, in any order, have of changes to it. `check` says when there is no more time.
pub(super) fn replay(
    base: Base,
    mut logs: Vec<Log>,
    left: &mut Left,
    check: &dyn Fn() -> Result<(), Trouble>,
) -> Replayed {
    logs.sort_by(|a, b| order(a.base.first, b.base.first));
    let mut counts = base;
    if !base.valid {
        // Windows takes the newer log alone then, and its base block.
        logs.drain(..logs.len().saturating_sub(1));
        counts = logs.first().map_or(base, |log| log.base);
    }
    let mut changes = Changes { files: Vec::new(), sectors: BTreeMap::new(), len: 0 };
    let (mut last, mut trouble) = (None, None);
    for (which, mut log) in (0..).zip(logs) {
        if last.is_some_and(|last: u32| log.base.first != last.wrapping_add(1)) {
            break;
        }
        let (mut at, mut number) = (SECTOR as u32, log.base.first);
        while trouble.is_none() {
            let entry = check().and_then(|()| Entry::read(&mut log, at, number, left, check));
            match entry {
                Ok(Some(entry)) => {
                    at += entry.len;
                    // What the hive has already is not put over it again.
                    if !base.valid || order(number, base.second) != Ordering::Less {
                        let pages = entry.pages.iter().flat_map(|page| page.sectors());
                        changes.sectors.extend(pages.map(|(sector, at)| (sector, Place { log: which, at })));
                        changes.len = BINS + u64::from(entry.bins);
                        last = Some(number);
                    }
                    number = number.wrapping_add(1);
                }
                // What follows the last entry is what was there before.
                Ok(None) => break,
                Err(found) => trouble = Some(found),
            }
        }
        changes.files.push(log.file);
    }
    Replayed { base: counts, changes: last.map(|_| changes), trouble }
}

/// Numbers go round.
fn order(one: u32, other: u32) -> Ordering {
    one.wrapping_sub(other).cast_signed().cmp(&0)
}

/// One entry, whose hashes are right.
struct Entry {
    len: u32,
    /// Length of all bins of the hive.
    bins: u32,
    pages: Vec<Page>,
}

/// Some sectors of a hive that follow one another, and where they stand in the log.
struct Page {
    sector: u32,
    count: u32,
    at: u32,
}

impl Page {
    fn sectors(&self) -> impl Iterator<Item = (u32, u32)> {
        (self.sector..).zip((self.at..).step_by(SECTOR)).take(self.count as usize)
    }
}

impl Entry {
    /// The entry at a place with this number, if there is one.
    fn read(
        log: &mut Log,
        at: u32,
        number: u32,
        left: &mut Left,
        check: &dyn Fn() -> Result<(), Trouble>,
    ) -> Result<Option<Self>, Trouble> {
        let mut head = [0; ENTRY_HEAD];
        let there = log.len.saturating_sub(at.into());
        if there < ENTRY_HEAD as u64 {
            return Ok(None);
        }
        read_at(&mut log.file, at.into(), &mut head)?;
        let [len, found, bins, count] = [4, 12, 16, 20].map(|place| u32_of(&head, place));
        let fits = len > 0 && even(len) && u64::from(len) <= there;
        let hash = Marvin::of(&head[..HASH_OF_HEAD]);
        let whole = head.starts_with(b"HvLE") && u64::from(bins).is_multiple_of(BINS);
        if !fits || !whole || found != number || hash != u64_of(&head, HASH_OF_HEAD) {
            return Ok(None);
        }
        left.take(len)?;
        let end = at + len;
        let at = at + ENTRY_HEAD as u32;
        if hashed(log, at, end, check)? != u64_of(&head, HASH) {
            return Ok(None);
        }
        Ok(Self::pages(log, at, end, count, bins)?.map(|pages| Self { len, bins, pages }))
    }

    /// The pages of an entry: so many places and lengths, then they themselves. `None`: they are not within it, or not within the
    /// bins.
    fn pages(log: &mut Log, at: u32, end: u32, count: u32, bins: u32) -> Result<Option<Vec<Page>>, Trouble> {
        // Each page has a sector at least.
        if u64::from(count) * (8 + SECTOR as u64) > u64::from(end - at) {
            return Ok(None);
        }
        let mut places = vec![0; count as usize * 8];
        read_at(&mut log.file, at.into(), &mut places)?;
        let mut at = at + count * 8;
        let mut pages = Vec::new();
        for place in places.as_chunks::<8>().0 {
            let [offset, size] = [0, 4].map(|at| u32_of(place, at));
            let whole = even(offset) && even(size) && size > 0;
            if !whole || size > end - at || u64::from(offset) + u64::from(size) > u64::from(bins) {
                return Ok(None);
            }
            let sector = (BINS as u32 / SECTOR as u32) + offset / SECTOR as u32;
            pages.push(Page { sector, count: size / SECTOR as u32, at });
            at += size;
        }
        Ok(Some(pages))
    }
}

/// Whether it is so many whole sectors.
fn even(bytes: u32) -> bool {
    (bytes as usize).is_multiple_of(SECTOR)
}

/// The hash of what stands between two places of a log.
fn hashed(
    log: &mut Log,
    mut at: u32,
    end: u32,
    check: &dyn Fn() -> Result<(), Trouble>,
) -> Result<u64, Trouble> {
    let (mut hash, mut chunk) = (Marvin::new(), [0; CHUNK]);
    while at < end {
        check()?;
        let part = &mut chunk[..CHUNK.min((end - at) as usize)];
        read_at(&mut log.file, at.into(), part)?;
        hash.add(part);
        at += part.len() as u32;
    }
    Ok(hash.end())
}

fn read_at(file: &mut Box<dyn Bytes>, at: u64, into: &mut [u8]) -> Result<(), Trouble> {
    file.seek(SeekFrom::Start(at)).map_err(|_| Trouble::Refused)?;
    file.read_exact(into).map_err(|error| Trouble::of_start(error.kind()))
}

fn u64_of(head: &[u8; ENTRY_HEAD], at: usize) -> u64 {
    u64::from(u32_of(head, at)) | u64::from(u32_of(head, at + 4)) << 32
}
