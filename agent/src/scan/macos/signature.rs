//! Who signed a Mach-O program: the Team ID in the code directory of its signature.
//!
//! A program for several processors is several programs after one table (`mach-o/fat.h`); the first is asked. Its load commands
//! (`mach-o/loader.h`) say where the signature is: a list of blobs, one of which is the code directory, whose header names the
//! team (`cs_blobs.h` of XNU). Nothing is verified: it is what the signature says.

use std::io::{Read, Seek, SeekFrom};

const FAT: u32 = 0xCAFE_BABE;
const FAT_64: u32 = 0xCAFE_BABF;
const MACH: u32 = 0xFEED_FACE;
const MACH_64: u32 = 0xFEED_FACF;
const LC_CODE_SIGNATURE: u32 = 0x1D;
const SIGNATURE: u32 = 0xFADE_0CC0;
const CODE_DIRECTORY: u32 = 0xFADE_0C02;
/// The first version of the code directory that names a team.
const WITH_TEAM: u32 = 0x2_0200;

/// Most processors a program is for; Apple's tools know a dozen.
const PROCESSORS: u32 = 32;
/// Most bytes of load commands. Large programs have some ten thousand.
const COMMAND_BYTES: usize = 256 * 1024;
/// Most blobs in a signature: the code directory, requirements, entitlements, the certificates and a few more.
const BLOBS: u32 = 64;

/// The Team ID in a program, when there is one.
pub(in super::super) fn team(file: &mut (impl Read + Seek)) -> Option<String> {
    let mut base = 0;
    let head: [u8; 16] = at(file, 0)?;
    let magic = u32::from_be_bytes(head[..4].try_into().ok()?);
    if matches!(magic, FAT | FAT_64) {
        let count = u32::from_be_bytes(head[4..8].try_into().ok()?);
        // A class file of Java has the same magic number; its version, which stands here, is larger.
        if count == 0 || count > PROCESSORS {
            return None;
        }
        let entry: [u8; 24] = at(file, 8)?;
        base = match magic {
            FAT => u64::from(u32::from_be_bytes(entry[8..12].try_into().ok()?)),
            _ => u64::from_be_bytes(entry[8..16].try_into().ok()?),
        };
    }
    let (place, len) = signature(file, base)?;
    directory(file, base.checked_add(place)?, len)
}

/// Place, from the program's beginning, and length of the signature.
fn signature(file: &mut (impl Read + Seek), base: u64) -> Option<(u64, u64)> {
    let head: [u8; 28] = at(file, base)?;
    let word = |bytes: &[u8], at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let header = match word(&head, 0)? {
        MACH => 28,
        MACH_64 => 32,
        _ => return None,
    };
    let (count, len) = (word(&head, 16)?, usize::try_from(word(&head, 20)?).ok()?);
    if len > COMMAND_BYTES {
        return None;
    }
    let mut commands = vec![0; len];
    file.seek(SeekFrom::Start(base.checked_add(header)?)).ok()?;
    file.read_exact(&mut commands).ok()?;
    let mut place = 0_usize;
    for _ in 0..count {
        let (command, size) = (word(&commands, place)?, usize::try_from(word(&commands, place + 4)?).ok()?);
        if command == LC_CODE_SIGNATURE {
            return Some((u64::from(word(&commands, place + 8)?), u64::from(word(&commands, place + 12)?)));
        }
        // A command is no shorter than its own head; what is would be read again for ever.
        place = place.checked_add(size.max(8))?;
    }
    None
}

fn directory(file: &mut (impl Read + Seek), base: u64, len: u64) -> Option<String> {
    let head: [u8; 12] = at(file, base)?;
    let word = |bytes: &[u8], at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let count = word(&head, 8)?;
    if word(&head, 0)? != SIGNATURE || count > BLOBS {
        return None;
    }
    for index in 0..u64::from(count) {
        let entry: [u8; 8] = at(file, base.checked_add(12 + index * 8)?)?;
        // Slot 0 is the code directory; there may be others, with other digests, for the same code.
        if word(&entry, 0)? != 0 {
            continue;
        }
        let place = u64::from(word(&entry, 4)?);
        let blob = base.checked_add(place)?;
        let directory: [u8; 52] = at(file, blob)?;
        if word(&directory, 0)? != CODE_DIRECTORY || word(&directory, 8)? < WITH_TEAM {
            return None;
        }
        let team = u64::from(word(&directory, 48)?);
        if team == 0 || place.checked_add(team)? >= len {
            return None;
        }
        // Ten letters and digits, and the zero that ends them.
        let id: [u8; 11] = at(file, blob.checked_add(team)?)?;
        let (id, end) = (&id[..10], id[10]);
        let plain = id.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        return (plain && end == 0).then(|| String::from_utf8_lossy(id).into_owned());
    }
    None
}

fn at<const N: usize>(file: &mut (impl Read + Seek), place: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(place)).ok()?;
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const HEAD: &[u8] = include_bytes!("testdata/rg.head");
    const SIGNATURE: &[u8] = include_bytes!("testdata/rg.signature");
    const PLACE: usize = 3_983_328;

    /// The program with nothing but zeros for its code.
    fn program(head: &[u8], signature: &[u8]) -> Vec<u8> {
        let mut bytes = head.to_vec();
        bytes.resize(PLACE, 0);
        bytes.extend(signature);
        bytes
    }

    #[test]
    fn a_signed_program_names_its_team() {
        let bytes = program(HEAD, SIGNATURE);
        assert_eq!(team(&mut Cursor::new(&bytes)).as_deref(), Some("2DC432GLL2"));
        // The same for two processors, as the table before them says.
        let mut fat = [FAT, 2, 0x0100_000C, 0, 4096, 0, 14].map(u32::to_be_bytes).concat();
        fat.resize(4096, 0);
        fat.extend(bytes);
        assert_eq!(team(&mut Cursor::new(&fat)).as_deref(), Some("2DC432GLL2"));
    }

    #[test]
    fn a_program_cut_or_changed_names_none_and_makes_no_panic() {
        for end in 0..HEAD.len() {
            assert_eq!(team(&mut Cursor::new(&HEAD[..end])), None);
        }
        let mut bytes = program(HEAD, SIGNATURE);
        for at in (0..HEAD.len()).chain(PLACE..bytes.len()) {
            let kept = bytes[at];
            for byte in [0x00, 0x7F, 0xFF] {
                bytes[at] = byte;
                let _ = team(&mut Cursor::new(&bytes));
            }
            bytes[at] = kept;
        }
        while bytes.len() > PLACE {
            bytes.pop();
            let short = bytes.len() < PLACE + 36 + 116 + 11;
            assert_eq!(team(&mut Cursor::new(&bytes)).is_none(), short, "{}", bytes.len());
        }
        assert_eq!(team(&mut Cursor::new(b"\xCA\xFE\xBA\xBE\0\0\0\x41")), None);
    }
}
