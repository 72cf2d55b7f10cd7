//! Where a link of NTFS points: the data of its reparse point (MS-FSCC 2.1.2). No I/O.

use super::Trouble;

/// `IO_REPARSE_TAG_SYMLINK`.
pub(super) const SYMLINK: u32 = 0xA000_000C;
/// `IO_REPARSE_TAG_MOUNT_POINT`: a junction, or the place where a volume is mounted.
pub(super) const MOUNT_POINT: u32 = 0xA000_0003;

/// What a link points to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::scan) enum Target {
    /// Seen from the folder of the link, or from the root of its own drive when it begins with a backslash.
    Here(String),
    /// A path from the root of a drive, `\` included, and the drive's letter in upper case.
    Drive(char, String),
}

/// Reads the data of a symbolic link or a junction. A volume or a share is not gone to: it is left out.
pub(in crate::scan) fn target(data: &[u8]) -> Result<Target, Trouble> {
    let number = |at: usize| Some(usize::from(u16::from_le_bytes([*data.get(at)?, *data.get(at + 1)?])));
    let read = || {
        let tag = u32::from_le_bytes(data.first_chunk().copied()?);
        let names = match tag {
            SYMLINK => 20,
            MOUNT_POINT => 16,
            _ => return None,
        };
        let relative = tag == SYMLINK && data.get(16)? & 1 == 1;
        // The name that is meant, not the one that is shown to people.
        let (offset, length) = (number(8)?, number(10)?);
        let name = data.get(names + offset..names + offset + length)?;
        let wide = name.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        let name: Result<String, _> = char::decode_utf16(wide).collect();
        Some((relative, name.ok().filter(|name| !name.is_empty() && !name.contains('\0'))?))
    };
    let (relative, name) = read().ok_or(Trouble::Refused)?;
    if relative {
        return Ok(Target::Here(name));
    }
    let path = name.strip_prefix(r"\??\").unwrap_or(&name);
    let mut chars = path.chars();
    match (chars.next(), chars.next()) {
        (Some(letter), Some(':')) if letter.is_ascii_alphabetic() && chars.as_str().starts_with('\\') => {
            Ok(Target::Drive(letter.to_ascii_uppercase(), chars.as_str().to_owned()))
        }
        _ => Err(Trouble::Skipped),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `mklink` lays it down: the name that is meant, then the one that is shown.
    fn data(tag: u32, flags: Option<u32>, substitute: &str, print: &str) -> Vec<u8> {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let (substitute, print) = (wide(substitute), wide(print));
        let number = |number: usize| u16::try_from(number).unwrap().to_le_bytes();
        let mut rest =
            [number(0), number(substitute.len()), number(substitute.len()), number(print.len())].concat();
        rest.extend(flags.into_iter().flat_map(u32::to_le_bytes));
        rest.extend([substitute, print].concat());
        [&tag.to_le_bytes()[..], &number(rest.len()), &[0, 0], &rest].concat()
    }

    #[test]
    fn links_and_junctions_are_told_apart_from_volumes_and_shares() {
        let relative = data(SYMLINK, Some(1), r"..\dotfiles\mcp.json", r"..\dotfiles\mcp.json");
        assert_eq!(target(&relative), Ok(Target::Here(r"..\dotfiles\mcp.json".into())));
        let absolute = data(SYMLINK, Some(0), r"\??\C:\Users\kim\x", r"C:\Users\kim\x");
        assert_eq!(target(&absolute), Ok(Target::Drive('C', r"\Users\kim\x".into())));
        let junction = data(MOUNT_POINT, None, r"\??\d:\models", r"D:\models");
        assert_eq!(target(&junction), Ok(Target::Drive('D', r"\models".into())));
        let volume = data(MOUNT_POINT, None, r"\??\Volume{9b0f0000-0000-0000-0000-100000000000}\", "");
        assert_eq!(target(&volume), Err(Trouble::Skipped));
        let share = data(SYMLINK, Some(0), r"\??\UNC\server\share", r"\\server\share");
        assert_eq!(target(&share), Err(Trouble::Skipped));
        assert_eq!(target(&data(0x8000_001B, Some(0), "a", "a")), Err(Trouble::Refused));
    }

    #[test]
    fn no_beginning_of_a_link_is_more_than_refused() {
        let whole = data(SYMLINK, Some(0), r"\??\C:\Users\kim\x", "");
        for end in 0..whole.len() {
            assert_eq!(target(&whole[..end]), Err(Trouble::Refused), "{end}");
        }
        let mut beyond = whole;
        beyond[10..12].copy_from_slice(&[0xFF, 0xFF]);
        assert_eq!(target(&beyond), Err(Trouble::Refused));
    }
}
