//! rpm's own back-end "ndb", `Packages.db` (lib/backend/ndb/rpmpkg.c of rpm), in which SUSE keeps its packages.
//!
//! Everything is little-endian and counted in blocks of 16 bytes. A header of 32 bytes (`RpmP`, version, generation,
//! number of slot pages) stands before slots of 16 bytes (`Slot`, package, first block, blocks; a free one begins at
//! block 0), which fill whole pages of 4 KiB. A package is a blob: 16 bytes of head (`BlbS`, package, time, length),
//! then the header as rpm stores it.

use std::fs::File;
use std::io;

use super::super::safe::{self, Trouble};
use super::header;

const PAGE: usize = 4096;
const SLOT: usize = 16;
const BLOCK: u64 = 16;
/// Most pages of slots: room for 100,000 packages.
const PAGES: u32 = 400;
/// Most packages read.
const PACKAGES: usize = 50_000;
/// Largest header taken, in bytes.
const HEADER_BYTES: usize = 32 * 1024 * 1024;
/// What is read of a blob at first: index and names stand before lists of files.
const FIRST_BYTES: usize = 16 * 1024;

/// What can be read at any place.
pub(in crate::scan) trait At {
    /// Fills `buffer` from `at` on.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl At for File {
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut have = 0;
        while have < buffer.len() {
            match safe::read_at(self, &mut buffer[have..], at.saturating_add(have as u64))? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => have += read,
            }
        }
        Ok(())
    }
}

impl At for &[u8] {
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(at).ok();
        let part = start.and_then(|start| self.get(start..start.checked_add(buffer.len())?));
        buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Gives each package's header, or as much of it as holds its names.
pub(in crate::scan) fn headers(
    file: &impl At,
    each: &mut dyn FnMut(&[u8]) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let (generation, pages) = head(file)?;
    if pages > PAGES {
        return Err(Trouble::TooLarge);
    }
    let (mut page, mut blob) = (vec![0; PAGE], Vec::new());
    let mut read = 0;
    for number in 0..pages {
        file.read_at(u64::from(number) * PAGE as u64, &mut page).map_err(of)?;
        // The header of the file stands where the first two slots would.
        for slot in page.chunks_exact(SLOT).skip(if number == 0 { 2 } else { 0 }) {
            let (package, block, blocks) = (word(slot, 4), word(slot, 8), word(slot, 12));
            if !slot.starts_with(b"Slot") {
                return Err(Trouble::Malformed);
            }
            if block == 0 {
                continue;
            }
            read += 1;
            if read > PACKAGES {
                return Err(Trouble::TooLarge);
            }
            header_of(file, package, u64::from(block) * BLOCK, u64::from(blocks) * BLOCK, &mut blob)?;
            each(&blob)?;
        }
    }
    // rpm counts it up with every change: what was read while rpm wrote may be of two times.
    if head(file)?.0 == generation { Ok(()) } else { Err(Trouble::Refused) }
}

/// Generation and number of slot pages.
fn head(file: &impl At) -> Result<(u32, u32), Trouble> {
    let mut head = [0; 32];
    file.read_at(0, &mut head).map_err(of)?;
    let known = head.starts_with(b"RpmP") && word(&head, 4) == 0;
    if known { Ok((word(&head, 8), word(&head, 12))) } else { Err(Trouble::Malformed) }
}

/// Reads one package's header into `blob`.
fn header_of(file: &impl At, package: u32, at: u64, room: u64, blob: &mut Vec<u8>) -> Result<(), Trouble> {
    let mut head = [0; 16];
    file.read_at(at, &mut head).map_err(of)?;
    let len = u64::from(word(&head, 12));
    if !head.starts_with(b"BlbS") || word(&head, 4) != package || len + BLOCK > room {
        return Err(Trouble::Malformed);
    }
    let len = usize::try_from(len).ok().filter(|len| *len <= HEADER_BYTES).ok_or(Trouble::TooLarge)?;
    for part in [FIRST_BYTES.min(len), len] {
        blob.resize(part, 0);
        file.read_at(at + BLOCK, blob).map_err(of)?;
        if part == len || header::parse(blob).is_some() {
            break;
        }
    }
    Ok(())
}

/// The word at a place of a piece of at least 16 bytes, all of whose callers ask within it.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn of(error: io::Error) -> Trouble {
    if error.kind() == io::ErrorKind::UnexpectedEof { Trouble::Malformed } else { Trouble::Refused }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// Written by rpm 4.18's own rpmpkg.c from the headers of two packages that rpmbuild made, one of them put twice
    /// and the second time deleted.
    fn database() -> Vec<u8> {
        let packed: &[u8] = include_bytes!("testdata/Packages.db.gz");
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn names(bytes: &[u8]) -> Result<Vec<String>, Trouble> {
        let mut names = Vec::new();
        headers(&bytes, &mut |header| {
            let package = header::parse(header).ok_or(Trouble::Malformed)?;
            names.push(format!("{} {}", package.name, package.version));
            Ok(())
        })?;
        Ok(names)
    }

    #[test]
    fn what_rpm_wrote_is_read_and_what_it_deleted_is_not() {
        assert_eq!(names(&database()).unwrap(), ["ollie 0.12.3-1.test", "ollama 2:0.12.3-1.test"]);
    }

    #[test]
    fn every_prefix_is_malformed_and_every_changed_byte_is_survived() {
        let whole = database();
        let last = whole.iter().rposition(|byte| *byte != 0).unwrap();
        for end in (0..last - 32).step_by(7) {
            // A prefix may end within the data of a header that is not asked for.
            let _ = names(&whole[..end]).map(|names| assert!(names.len() <= 2));
        }
        assert_eq!(names(&whole[..4000]).unwrap_err(), Trouble::Malformed);
        for at in (0..48).chain(4096..4128) {
            let mut broken = whole.clone();
            broken[at] ^= 0xFF;
            let _ = names(&broken);
        }
        let mut many = whole.clone();
        many[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(names(&many).unwrap_err(), Trouble::TooLarge);
    }

    #[test]
    fn another_file_is_malformed() {
        assert_eq!(names(&[0; 8192]).unwrap_err(), Trouble::Malformed);
        assert_eq!(names(b"SQLite format 3\0").unwrap_err(), Trouble::Malformed);
    }
}
