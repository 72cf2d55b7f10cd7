//! The container of an evidence pack: a tar archive (POSIX ustar) in the one way that we write it.
//!
//! Tar, so that an auditor opens it with what every system has. One way, so that nothing hides in it: a header says a
//! name and a size and no more; owner, time, mode and every other byte are the same in all of them. A reader writes each header anew
//! from the name and the size that it read and compares, so a changed byte anywhere outside of the files is one that does
//! not fit, and a changed byte inside is the checksums' matter.

use std::io::{self, Read, Seek, SeekFrom, Write};

/// Headers and contents begin at multiples of it.
const BLOCK: usize = 512;
/// What eleven octal digits hold: one byte less than 8 GiB.
const MAX_SIZE: u64 = (1 << 33) - 1;
/// The archive ends with two blocks of zeros and nothing after them.
const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];
/// A pack has a dozen files, and some per export format.
const MAX_MEMBERS: usize = 10_000;

/// A file in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Its name, with `/` between folders.
    pub(super) name: String,
    /// Where its content begins in the archive.
    pub(super) offset: u64,
    /// Length of its content in bytes.
    pub(super) size: u64,
}

/// Where an archive stops being one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// It ends before its end: at this byte.
    Cut(u64),
    /// Something else than we would have written stands in the block that begins at this byte.
    Foreign(u64),
}

/// Whether a file may have this name: letters, digits, `.`, `-`, `_`, and folders; nothing that leads elsewhere when unpacked.
pub(super) fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        !part.is_empty() && !part.starts_with('.') && part.chars().all(plain)
    };
    name.len() <= 100 && name.split('/').all(part)
}

/// Writes one file whose length is known only at its end: its header is put in its place then.
pub(super) fn write<W: Write + Seek, E: From<io::Error>>(
    out: &mut W,
    name: &str,
    content: impl FnOnce(&mut W) -> Result<(), E>,
) -> Result<(), E> {
    let at = out.stream_position()?;
    out.write_all(&[0; BLOCK])?;
    content(out)?;
    let end = out.stream_position()?;
    let size = end - at - BLOCK as u64;
    let header = header(name, size).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name} has no place in an archive: {size} bytes"),
        )
    })?;
    out.seek(SeekFrom::Start(at))?;
    out.write_all(&header)?;
    out.seek(SeekFrom::Start(end))?;
    out.write_all(&END[..padding(size)])?;
    Ok(())
}

/// Ends the archive.
pub(super) fn finish(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&END)?;
    out.flush()
}

/// Every file of an archive, in order, as far as it is one of ours; and where it ceases to be.
pub(super) fn read(input: &mut (impl Read + Seek)) -> io::Result<(Vec<Member>, Option<Broken>)> {
    let length = input.seek(SeekFrom::End(0))?;
    input.seek(SeekFrom::Start(0))?;
    let (mut members, mut at) = (Vec::<Member>::new(), 0_u64);
    let mut block = [0; BLOCK];
    loop {
        if length - at < BLOCK as u64 {
            return Ok((members, Some(Broken::Cut(length))));
        }
        input.read_exact(&mut block)?;
        if block == END[..BLOCK] {
            break;
        }
        let fits = parse(&block).filter(|(name, _)| {
            members.len() < MAX_MEMBERS && !members.iter().any(|member| member.name == *name)
        });
        let Some((name, size)) = fits else { return Ok((members, Some(Broken::Foreign(at)))) };
        let offset = at + BLOCK as u64;
        let padding = padding(size) as u64;
        if length - offset < size + padding {
            return Ok((members, Some(Broken::Cut(length))));
        }
        members.push(Member { name, offset, size });
        input.seek(SeekFrom::Start(offset + size))?;
        let fill = &mut block[..padding as usize];
        input.read_exact(fill)?;
        if fill.iter().any(|byte| *byte != 0) {
            return Ok((members, Some(Broken::Foreign(offset + size))));
        }
        at = offset + size + padding;
    }
    // The first zero block was read; exactly one more is the rest.
    let after = at + BLOCK as u64;
    if length - after < BLOCK as u64 {
        return Ok((members, Some(Broken::Cut(length))));
    }
    input.read_exact(&mut block)?;
    let whole = block == END[..BLOCK] && length == at + END.len() as u64;
    Ok((members, (!whole).then_some(Broken::Foreign(after))))
}

/// The header of a file; `None` for a name or a size that none is written for.
fn header(name: &str, size: u64) -> Option<[u8; BLOCK]> {
    if !is_name(name) || size > MAX_SIZE {
        return None;
    }
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0"); // mode
    put(108, "0000000\0"); // owner
    put(116, "0000000\0"); // group
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0"); // time
    put(148, "        "); // checksum, counted as spaces
    put(156, "0"); // a regular file
    put(257, "ustar\x0000");
    put(329, "0000000\0"); // device
    put(337, "0000000\0");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(block)
}

/// Name and size of a header, if it is the one that we write for them.
fn parse(block: &[u8; BLOCK]) -> Option<(String, u64)> {
    let end = block[..100].iter().position(|byte| *byte == 0).unwrap_or(100);
    let name = std::str::from_utf8(&block[..end]).ok()?;
    let size = std::str::from_utf8(&block[124..135]).ok()?;
    let size = u64::from_str_radix(size, 8).ok()?;
    (header(name, size)? == *block).then(|| (name.to_owned(), size))
}

fn padding(size: u64) -> usize {
    (size.next_multiple_of(BLOCK as u64) - size) as usize
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        for (name, content) in files {
            write::<_, io::Error>(&mut out, name, |out| out.write_all(content)).unwrap();
        }
        finish(&mut out).unwrap();
        out.into_inner()
    }

    fn listed(bytes: &[u8]) -> (Vec<(String, Vec<u8>)>, Option<Broken>) {
        let (members, broken) = read(&mut Cursor::new(bytes)).unwrap();
        let content = |member: &Member| bytes[member.offset as usize..][..member.size as usize].to_vec();
        (members.iter().map(|member| (member.name.clone(), content(member))).collect(), broken)
    }

    #[test]
    fn tar_itself_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tar");
        std::fs::write(&path, archive(&[("one", b"1"), ("folder/two", &[b'2'; 1000])])).unwrap();
        let run = |args: &[&str]| {
            let output = std::process::Command::new("tar").args(args).arg("-f").arg(&path).output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        assert_eq!(run(&["-t"]), "one\nfolder/two\n");
        assert_eq!(run(&["-xO"]), format!("1{}", "2".repeat(1000)));
    }

    #[test]
    fn names_that_lead_elsewhere_are_not_written() {
        for name in ["", "/a", "a/", "a//b", "../a", "a/../b", ".a", "a b", "ä", "a\0b", &"a".repeat(101)] {
            assert!(!is_name(name), "{name:?}");
            let written = write::<_, io::Error>(&mut Cursor::new(Vec::new()), name, |_| Ok(()));
            assert!(written.is_err());
        }
        assert!(is_name("inventory/ai-systems_1.json"));
    }

    #[test]
    fn a_changed_byte_outside_of_the_files_is_noticed_and_so_is_a_missing_one() {
        let bytes = archive(&[("one", b"1"), ("two", &[b'2'; 512]), ("three", b"")]);
        let (files, broken) = listed(&bytes);
        assert_eq!((files.len(), broken), (3, None));
        let inside = |at: usize| at == BLOCK || (3 * BLOCK..4 * BLOCK).contains(&at);
        for at in 0..bytes.len() {
            for with in [1, 0x10, 0x80] {
                let mut changed = bytes.clone();
                changed[at] ^= with;
                assert_eq!(listed(&changed).1.is_none(), inside(at), "byte {at}");
            }
            assert_eq!(listed(&bytes[..at]).1, Some(Broken::Cut(at as u64)), "the first {at} bytes");
        }
        for more in [&[0][..], &[0; 512], &[1], &bytes] {
            assert!(matches!(listed(&[&bytes, more].concat()).1, Some(Broken::Foreign(_))));
        }
        assert!(listed(&archive(&[("one", b"1"), ("one", b"1")])).1.is_some());
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(files in prop::collection::btree_map("[a-z]{1,9}(/[a-z]{1,9})?", prop::collection::vec(any::<u8>(), 0..1500), 0..5)) {
            let files: Vec<(String, Vec<u8>)> = files.into_iter().collect();
            let given: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (&**name, &**content)).collect();
            let (read, broken) = listed(&archive(&given));
            prop_assert_eq!(read, files);
            prop_assert_eq!(broken, None);
        }
    }
}
