//! One member of a zip archive, by its name, within bounds (PKWARE's APPNOTE 6.3).
//!
//! Only the end of the archive, its directory and that member are read, and of the directory no more than an entry is
//! kept: a library for the whole format would keep every entry of a hostile one. Archives over 4 GiB or with more than
//! 65,534 members, and encrypted members, are not read.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;

use super::safe::Trouble;

/// The record at the end, without its comment.
const END_BYTES: usize = 22;
/// Longest comment there.
const COMMENT_BYTES: usize = 65_535;
/// An entry of the directory, without the texts after it.
const ENTRY_BYTES: usize = 46;

/// Reads the member of that name, of at most `cap` bytes. An archive without it is [`Trouble::Absent`].
pub(crate) fn member(archive: &mut (impl Read + Seek), name: &str, cap: usize) -> Result<Vec<u8>, Trouble> {
    let end = end(archive)?;
    // Then the true figures stand elsewhere.
    if end.members == u16::MAX || end.offset == u32::MAX {
        return Err(Trouble::TooLarge);
    }
    archive.seek(SeekFrom::Start(end.offset.into())).map_err(|_| Trouble::Malformed)?;
    let mut directory = BufReader::new(archive.by_ref().take(end.size.into()));
    let entry = find(&mut directory, end.size, name.as_bytes())?;
    if entry.encrypted {
        return Err(Trouble::Refused);
    }
    if entry.size as usize > cap || entry.packed as usize > cap {
        return Err(Trouble::TooLarge);
    }
    archive.seek(SeekFrom::Start(entry.header.into())).map_err(|_| Trouble::Malformed)?;
    let mut header = [0; 30];
    archive.read_exact(&mut header).map_err(|_| Trouble::Malformed)?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err(Trouble::Malformed);
    }
    let skip = i64::from(u16_at(&header, 26)?) + i64::from(u16_at(&header, 28)?);
    archive.seek(SeekFrom::Current(skip)).map_err(|_| Trouble::Malformed)?;
    let packed = archive.take(entry.packed.into());
    let mut bytes = Vec::new();
    // Whatever the directory promises, no more than the cap comes out.
    let limit = cap as u64 + 1;
    match entry.method {
        0 => packed.take(limit).read_to_end(&mut bytes),
        8 => DeflateDecoder::new(packed).take(limit).read_to_end(&mut bytes),
        _ => return Err(Trouble::Malformed),
    }
    .map_err(|_| Trouble::Malformed)?;
    if bytes.len() > cap { Err(Trouble::TooLarge) } else { Ok(bytes) }
}

struct End {
    members: u16,
    size: u32,
    offset: u32,
}

/// The record at the end of the archive, which mostly has no comment.
fn end(archive: &mut (impl Read + Seek)) -> Result<End, Trouble> {
    let len = archive.seek(SeekFrom::End(0)).map_err(|_| Trouble::Malformed)?;
    for window in [END_BYTES, END_BYTES + COMMENT_BYTES] {
        let window = usize::try_from(len).map_or(window, |len| window.min(len));
        archive.seek(SeekFrom::Start(len - window as u64)).map_err(|_| Trouble::Malformed)?;
        let mut tail = vec![0; window];
        archive.read_exact(&mut tail).map_err(|_| Trouble::Malformed)?;
        let record = tail.windows(END_BYTES).rev().find(|record| record.starts_with(b"PK\x05\x06"));
        if let Some(record) = record {
            return Ok(End {
                members: u16_at(record, 10)?,
                size: u32_at(record, 12)?,
                offset: u32_at(record, 16)?,
            });
        }
    }
    Err(Trouble::Malformed)
}

struct Entry {
    encrypted: bool,
    method: u16,
    packed: u32,
    size: u32,
    header: u32,
}

/// Looks through a directory of `left` bytes.
fn find(directory: &mut impl BufRead, mut left: u32, name: &[u8]) -> Result<Entry, Trouble> {
    let mut own = Vec::new();
    while left > 0 {
        let mut entry = [0; ENTRY_BYTES];
        directory.read_exact(&mut entry).map_err(|_| Trouble::Malformed)?;
        if !entry.starts_with(b"PK\x01\x02") {
            return Err(Trouble::Malformed);
        }
        let [name_len, extra_len, comment_len] =
            [u16_at(&entry, 28)?, u16_at(&entry, 30)?, u16_at(&entry, 32)?];
        own.resize(usize::from(name_len), 0);
        directory.read_exact(&mut own).map_err(|_| Trouble::Malformed)?;
        if own == name {
            return Ok(Entry {
                encrypted: u16_at(&entry, 8)? & 1 != 0,
                method: u16_at(&entry, 10)?,
                packed: u32_at(&entry, 20)?,
                size: u32_at(&entry, 24)?,
                header: u32_at(&entry, 42)?,
            });
        }
        let rest = u32::from(extra_len) + u32::from(comment_len);
        io::copy(&mut directory.take(rest.into()), &mut io::sink()).map_err(|_| Trouble::Malformed)?;
        left = left.checked_sub(46 + u32::from(name_len) + rest).ok_or(Trouble::Malformed)?;
    }
    Err(Trouble::Absent)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Trouble> {
    let bytes = bytes.get(at..at + 2).ok_or(Trouble::Malformed)?;
    bytes.try_into().map(u16::from_le_bytes).map_err(|_| Trouble::Malformed)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Trouble> {
    let bytes = bytes.get(at..at + 4).ok_or(Trouble::Malformed)?;
    bytes.try_into().map(u32::from_le_bytes).map_err(|_| Trouble::Malformed)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Made by Info-ZIP 3.0: `META-INF/plugin.xml` deflated, `a` stored, and a comment.
    const ARCHIVE: &[u8] = include_bytes!("zip/sample.jar");

    fn read(bytes: &[u8], name: &str, cap: usize) -> Result<Vec<u8>, Trouble> {
        member(&mut Cursor::new(bytes), name, cap)
    }

    #[test]
    fn a_member_is_read_whether_deflated_or_stored() {
        let xml = read(ARCHIVE, "META-INF/plugin.xml", 4096).unwrap();
        assert!(xml.starts_with(b"<idea-plugin>") && xml.ends_with(b"</idea-plugin>\n"));
        assert_eq!(read(ARCHIVE, "a", 4096).unwrap(), b"b");
    }

    #[test]
    fn what_is_not_there_is_absent_and_what_is_too_large_says_so() {
        assert_eq!(read(ARCHIVE, "META-INF", 4096), Err(Trouble::Absent));
        assert_eq!(read(ARCHIVE, "META-INF/plugin.xml", 16), Err(Trouble::TooLarge));
    }

    #[test]
    fn a_member_that_says_less_than_it_holds_ends_at_the_cap() {
        let mut lying = ARCHIVE.to_vec();
        let entry = lying.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        lying[entry + 24..entry + 28].copy_from_slice(&[1, 0, 0, 0]);
        assert_eq!(read(&lying, "META-INF/plugin.xml", 150), Err(Trouble::TooLarge));
    }

    #[test]
    fn every_prefix_is_malformed_and_no_panic() {
        for end in 0..ARCHIVE.len() {
            let outcome = read(&ARCHIVE[..end], "META-INF/plugin.xml", 4096);
            // Without the comment alone the archive is whole.
            assert!(outcome.is_ok() || outcome == Err(Trouble::Malformed), "{end}: {outcome:?}");
        }
    }
}
