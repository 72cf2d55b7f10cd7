//! Reading numbers off the wire without ever going past the end, and the three answers a parser gives.

/// What a parser says about bytes that may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer<T> {
    /// Here it is.
    Found(T),
    /// These bytes are something else, whatever follows.
    NotThis,
    /// It may be this: ask again once there are at least so many bytes in all.
    More(usize),
}

/// A checked cursor over bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(crate) fn u24(&mut self) -> Option<usize> {
        let bytes = self.take(3)?;
        Some(usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2]))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        let bytes = self.take(4)?;
        Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A QUIC variable-length integer (RFC 9000, section 16).
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let first = *self.rest.first()?;
        let bytes = self.take(1 << (first >> 6))?;
        let head = u64::from(first & 0x3f);
        Some(bytes[1..].iter().fold(head, |value, &byte| value << 8 | u64::from(byte)))
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (&taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(taken)
    }

    /// Bytes behind a one-byte length.
    pub(crate) fn vec8(&mut self) -> Option<&'a [u8]> {
        let len = self.u8()?;
        self.take(usize::from(len))
    }

    /// Bytes behind a two-byte length.
    pub(crate) fn vec16(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }
}

/// The two bytes at `at`, in network order.
pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes([two[0], two[1]]))
}

/// A name as it goes into an Observation: lower case, no trailing dot. `None` where it holds a byte that no
/// name on these channels holds (a space, a control character, anything beyond ASCII) or is empty.
pub(crate) fn clean_name(bytes: &[u8]) -> Option<Box<str>> {
    let bytes = bytes.strip_suffix(b".").unwrap_or(bytes);
    if bytes.is_empty() || bytes.len() > 512 || !bytes.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let mut name = String::with_capacity(bytes.len());
    name.extend(bytes.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
    Some(name.into_boxed_str())
}

/// ALPN names are bytes; those in use are short ASCII words. GREASE values are not and are left out.
pub(crate) fn clean_protocol(bytes: &[u8]) -> Option<Box<str>> {
    let printable = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic);
    printable.then(|| bytes.iter().map(|&byte| char::from(byte)).collect::<String>().into_boxed_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_of_every_length_are_read() {
        // The examples of RFC 9000, appendix A.1.
        let read = |bytes: &[u8]| Reader::new(bytes).varint();
        assert_eq!(read(&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c]), Some(151_288_809_941_952_652));
        assert_eq!(read(&[0x9d, 0x7f, 0x3e, 0x7d]), Some(494_878_333));
        assert_eq!(read(&[0x7b, 0xbd]), Some(15_293));
        assert_eq!(read(&[0x25]), Some(37));
        assert_eq!(read(&[0x7b]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn names_are_lowered_and_lose_their_final_dot() {
        assert_eq!(clean_name(b"Example.COM.").as_deref(), Some("example.com"));
        assert_eq!(clean_name(b"a b"), None);
        assert_eq!(clean_name(b"."), None);
        assert_eq!(clean_name("ü.example".as_bytes()), None);
    }
}
