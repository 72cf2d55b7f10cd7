//! Security identifiers: who an account is on Windows (MS-DTYP 2.4.2). No I/O.

use std::fmt;

use serde::{Serialize, Serializer};

/// `SECURITY_MAX_SID_SIZE`, in bytes: 15 subauthorities.
const BYTES: usize = 68;

/// Who owns a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(not(windows), expect(unreachable_pub, reason = "it is the owner of files on Windows alone"))]
pub struct Sid {
    len: u8,
    /// As Windows keeps it; zero after `len`.
    bytes: [u8; BYTES],
}

impl Sid {
    /// Nobody (`S-1-0-0`): whose owner cannot be learnt.
    pub(super) const NOBODY: Self = {
        let mut bytes = [0; BYTES];
        bytes[0] = 1;
        bytes[1] = 1;
        Self { len: 12, bytes }
    };

    /// Reads one that begins here; what follows it is not looked at.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let len = 8 + 4 * usize::from(*bytes.get(1)?);
        let found = bytes.get(..len).filter(|found| found[0] == 1 && len <= BYTES)?;
        let mut bytes = [0; BYTES];
        bytes[..len].copy_from_slice(found);
        Some(Self { len: u8::try_from(len).ok()?, bytes })
    }

    /// Reads one as people and the registry write it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("S-1-")?.split('-');
        let authority: u64 = parts.next()?.parse().ok().filter(|authority| *authority < 1 << 48)?;
        let parts = parts.map(|part| part.parse().ok().map(u32::to_le_bytes)).collect::<Option<Vec<_>>>()?;
        let mut bytes = vec![1, u8::try_from(parts.len()).ok()?];
        bytes.extend_from_slice(&authority.to_be_bytes()[2..]);
        bytes.extend(parts.iter().flatten());
        Self::read(&bytes)
    }

    /// Whether it is the system itself, its administrators or its installer: what they lay down is to be trusted.
    pub(super) fn is_system(self) -> bool {
        let text = self.to_string();
        matches!(&*text, "S-1-5-18" | "S-1-5-32-544") || text.starts_with("S-1-5-80-956008885-")
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, rest) = self.bytes[..usize::from(self.len)].split_at(8);
        let authority = head[2..].iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        write!(f, "S-{}-{authority}", head[0])?;
        rest.chunks_exact(4).try_for_each(|part| {
            let number = part.iter().rev().fold(0u32, |value, byte| value << 8 | u32::from(*byte));
            write!(f, "-{number}")
        })
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Sid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_reads_as_people_write_it() {
        let administrators = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
        let sid = Sid::read(&administrators).unwrap();
        assert_eq!(sid.to_string(), "S-1-5-32-544");
        assert!(sid.is_system());
        let system = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
        assert!(Sid::read(&system).unwrap().is_system());
        assert_eq!(Sid::NOBODY.to_string(), "S-1-0-0");
        assert!(!Sid::NOBODY.is_system());
    }

    #[test]
    fn what_is_cut_or_too_long_is_none() {
        let person = [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xE9, 3, 0, 0];
        let sid = Sid::read(&person).unwrap();
        assert_eq!(sid.to_string(), "S-1-5-21-1-2-3-1001");
        assert_eq!(Sid::parse("S-1-5-21-1-2-3-1001"), Some(sid));
        assert!(
            ["", "S-1-", "S-1-5-x", "S-1-5-4294967296", "S-1-5-21-1_Classes"]
                .map(Sid::parse)
                .iter()
                .all(Option::is_none)
        );
        assert!((0..person.len()).all(|end| Sid::read(&person[..end]).is_none()));
        assert!(Sid::read(&[&[1, 16][..], &[0; 80]].concat()).is_none());
        assert!(Sid::read(&[&[2, 1][..], &[0; 80]].concat()).is_none());
    }
}
