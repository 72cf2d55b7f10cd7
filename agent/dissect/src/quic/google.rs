//! Google QUIC, the versions before TLS came into QUIC: their client hello (CHLO) is a table of tags.
//!
//! Q024 to Q043 have a public header with flags, Q044 to Q046 the long header of the IETF drafts of their day; the CHLO is in
//! the clear in both. Q050 protects it like an Initial. Layouts: the Chromium "QUIC Wire Layout Specification" and
//! "QUIC Crypto".

use crate::hello::Hello;
use crate::reader::{Answer, Reader, clean_name};

/// Message authentication hash in front of the frames of packets without encryption.
const NULL_HASH: usize = 12;
/// Tags of one message; real ones have about 30.
const MAX_TAGS: usize = 128;

const Q044: u32 = 0x5130_3434;
const Q046: u32 = 0x5130_3436;

/// Q024 to Q043: a public header.
fn is_public_header_version(number: u32) -> bool {
    let [q, zero, tens, ones] = number.to_be_bytes();
    q == b'Q' && zero == b'0' && matches!((tens, ones), (b'2'..=b'4', b'0'..=b'9')) && number < Q044
}

/// A long header whose content is in the clear.
pub(super) fn is_clear_version(number: u32) -> bool {
    (Q044..=Q046).contains(&number)
}

/// A public header: the version bit set, the reset bit not, and a version behind the connection ID.
#[inline]
pub(super) fn may_start(flags: u8, rest: &[u8]) -> bool {
    flags & 0x83 == 0x01 && version_at(flags, rest).is_some_and(is_public_header_version)
}

fn version_at(flags: u8, rest: &[u8]) -> Option<u32> {
    let at = if flags & 0x08 != 0 { 8 } else { 0 };
    Reader::new(rest.get(at..)?).u32()
}

/// The hello of a datagram in the clear: `None` where the datagram is of another kind, `Some(None)` where it is of this
/// kind but holds no hello.
pub(super) fn clear_hello(datagram: &[u8]) -> Option<Option<Hello>> {
    let (&first, rest) = datagram.split_first()?;
    let mut reader = Reader::new(rest);
    let number_len;
    if first & 0x80 != 0 {
        if !is_clear_version(reader.u32()?) {
            return None;
        }
        let lens = reader.u8()?;
        // Four bits each; a length that is not zero is stored less three.
        for len in [lens >> 4, lens & 0xf] {
            reader.take(if len == 0 { 0 } else { usize::from(len) + 3 })?;
        }
        number_len = usize::from(first & 3) + 1;
    } else if may_start(first, rest) {
        reader.take(if first & 0x08 != 0 { 8 } else { 0 })?;
        reader.take(4)?;
        number_len = [1, 2, 4, 6][usize::from(first >> 4 & 3)];
    } else {
        return None;
    }
    Some(reader.take(number_len + NULL_HASH).and_then(|_| hello_in_frames(reader.rest())))
}

/// The CHLO sits in a STREAM frame of the crypto stream, perhaps behind an ACK or STOP_WAITING frame. Those have
/// several layouts over the versions, the CHLO has one, so it is looked for near the start.
fn hello_in_frames(frames: &[u8]) -> Option<Hello> {
    const NEAR: usize = 64;
    let at = frames.windows(4).take(NEAR).position(|window| window == b"CHLO")?;
    match chlo(&frames[at..]) {
        Answer::Found(hello) => Some(hello),
        Answer::NotThis | Answer::More(_) => None,
    }
}

/// Reads a CHLO: its tag, the number of entries, padding, then for each entry a tag and the offset where its value ends,
/// then the values; numbers in little endian.
pub(super) fn chlo(message: &[u8]) -> Answer<Hello> {
    let mut reader = Reader::new(message);
    let Some(tag) = reader.take(4) else { return Answer::More(8) };
    if tag != b"CHLO" {
        return Answer::NotThis;
    }
    let Some(count) = reader.u16() else { return Answer::More(8) };
    let count = usize::from(count.swap_bytes());
    if count == 0 || count > MAX_TAGS {
        return Answer::NotThis;
    }
    let values_at = 8 + count * 8;
    let (Some(_), Some(index)) = (reader.u16(), reader.take(count * 8)) else {
        return Answer::More(values_at);
    };
    let mut start = 0;
    let mut hello = Hello::default();
    for entry in index.chunks_exact(8) {
        let end = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]) as usize;
        if end < start || end > 16 * 1024 {
            return Answer::NotThis;
        }
        if &entry[..4] == b"SNI\0" {
            match message.get(values_at + start..values_at + end) {
                Some(value) => hello.name = clean_name(value),
                None => return Answer::More(values_at + end),
            }
        }
        start = end;
    }
    Answer::Found(hello)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str) -> Vec<u8> {
        let mut message = b"CHLO\x02\0\0\0".to_vec();
        message.extend(b"PAD\0");
        message.extend(10_u32.to_le_bytes());
        message.extend(b"SNI\0");
        message.extend((10 + name.len() as u32).to_le_bytes());
        message.extend([b'-'; 10]);
        message.extend(name.as_bytes());
        message
    }

    fn name_of(datagram: &[u8]) -> Option<String> {
        clear_hello(datagram)??.name.map(Into::into)
    }

    #[test]
    fn hellos_with_a_public_header_and_with_a_long_one_are_found() {
        let stream = [&[0; NULL_HASH][..], &[0xa0, 1, 4, 0], &message("g.example")].concat();
        let public = [&[0x0d][..], &[7; 8], b"Q043", &[1], &stream].concat();
        let long = [&[0xc0][..], b"Q046", &[0x50], &[7; 8], &[1], &stream].concat();
        let older = [&[0xff][..], b"Q044", &[0x50], &[7; 8], &[0, 0, 0, 1], &stream].concat();
        for datagram in [&public, &long, &older] {
            assert_eq!(name_of(datagram).as_deref(), Some("g.example"));
            for len in 0..datagram.len() {
                assert_eq!(name_of(&datagram[..len]), None, "at {len}");
            }
        }
        assert!(super::super::may_start(&public) && super::super::may_start(&long));
    }

    #[test]
    fn offsets_that_run_backwards_are_refused() {
        let mut broken = message("g.example");
        broken[12] = 99;
        assert_eq!(chlo(&broken), Answer::NotThis);
    }
}
