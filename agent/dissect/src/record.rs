//! TLS records (RFC 8446, section 5.1) at the start of a client's stream: joins the handshake message they carry.

use crate::hello::{self, Hello};
use crate::reader::Answer;

/// TLS 1.2 ciphertext is the longest record there is (RFC 5246, section 6.2.3); plaintext ones are shorter.
const MAX_RECORD: usize = (1 << 14) + 2048;
const HEADER: usize = 5;
/// A change of cipher specification, which a client may send between its two hellos (RFC 8446, appendix D.4).
const CHANGE_CIPHER_SPEC: [u8; 6] = [20, 3, 3, 0, 1, 1];

/// Bytes that [`starts`] looks at.
pub(crate) const STARTS_BYTES: usize = HEADER + 6;

/// A hello and where its last record ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) hello: Hello,
    pub(crate) len: usize,
}

/// As far as they go, the bytes are the start of a record with a ClientHello.
#[inline]
pub(crate) fn may_start(bytes: &[u8]) -> bool {
    match bytes {
        [22, 3, 0..=4, ..] => {
            let record_len = match bytes {
                [_, _, _, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
                _ => 1,
            };
            let at = |index: usize| bytes.get(HEADER + index).copied();
            // The type, and the top byte of a length below 64 KiB; in records of one byte the rest is further on.
            (1..=MAX_RECORD).contains(&record_len)
                && at(0).is_none_or(|kind| kind == 1)
                && (record_len < 2 || at(1).is_none_or(|high| high == 0))
                && (record_len < 6
                    || at(4).is_none_or(|major| major == 3) && at(5).is_none_or(|minor| minor <= 4))
        }
        [22, 3] | [22] => true,
        _ => false,
    }
}

/// The same with every byte there that tells: for streams that are past their beginning, where chance must not do. In
/// records too short to hold them all, the second one may look like the first.
#[inline]
pub(crate) fn starts(bytes: &[u8]) -> bool {
    bytes.len() >= STARTS_BYTES && (bytes[3] > 0 || bytes[4] >= 6) && may_start(bytes)
}

/// Where [`starts`] holds behind the first byte.
pub(crate) fn starts_within(bytes: &[u8]) -> impl Iterator<Item = usize> {
    const BLOCK: usize = 64;
    let blocks = bytes.chunks(BLOCK).enumerate().filter(|(_, block)| block.contains(&22));
    blocks
        .flat_map(|(number, block)| number * BLOCK..number * BLOCK + block.len())
        .filter(|&at| at > 0 && bytes[at] == 22 && starts(&bytes[at..]))
}

/// The length of a change of cipher specification in front.
pub(crate) fn change_cipher_spec(bytes: &[u8]) -> usize {
    if bytes.starts_with(&CHANGE_CIPHER_SPEC) { CHANGE_CIPHER_SPEC.len() } else { 0 }
}

/// Reads the records from the first byte on. `scratch` serves where the message spans several.
pub(crate) fn parse(bytes: &[u8], scratch: &mut Vec<u8>) -> Answer<Found> {
    if !may_start(bytes) {
        return Answer::NotThis;
    }
    match first_record(bytes) {
        None => Answer::More(HEADER + 1),
        Some(body) if body.whole => match hello::parse(body.bytes) {
            Answer::Found(hello) => Answer::Found(Found { hello, len: HEADER + body.bytes.len() }),
            Answer::NotThis => Answer::NotThis,
            Answer::More(_) => over_records(bytes, scratch),
        },
        Some(body) => match hello::parse(body.bytes) {
            // Found in a record that is still open: more handshake messages follow, which is nothing to wait for.
            Answer::Found(hello) => Answer::Found(Found { hello, len: bytes.len() }),
            Answer::NotThis => Answer::NotThis,
            Answer::More(needed) => {
                Answer::More(bytes.len() + needed.saturating_sub(body.bytes.len()).max(1))
            }
        },
    }
}

/// What can be told of records whose rest will never come.
pub(crate) fn beginning(bytes: &[u8], scratch: &mut Vec<u8>) -> Option<Hello> {
    if bytes.len() < STARTS_BYTES || !may_start(bytes) {
        return None;
    }
    join(bytes, scratch);
    hello::beginning(scratch)
}

struct Body<'a> {
    bytes: &'a [u8],
    whole: bool,
}

fn first_record(bytes: &[u8]) -> Option<Body<'_>> {
    let len = usize::from(u16::from_be_bytes([*bytes.get(3)?, *bytes.get(4)?]));
    let body = bytes.get(HEADER..)?;
    Some(match body.get(..len) {
        Some(body) => Body { bytes: body, whole: true },
        None => Body { bytes: body, whole: false },
    })
}

fn over_records(bytes: &[u8], scratch: &mut Vec<u8>) -> Answer<Found> {
    let Some(used) = join(bytes, scratch) else { return Answer::NotThis };
    match hello::parse(scratch) {
        Answer::Found(hello) => Answer::Found(Found { hello, len: used }),
        Answer::NotThis => Answer::NotThis,
        // Every byte of the message still to come needs at least one byte of the stream.
        Answer::More(needed) => Answer::More(bytes.len() + needed.saturating_sub(scratch.len()).max(1)),
    }
}

/// Joins handshake records into `scratch`; returns how far they went, `None` at a record of another kind.
fn join(bytes: &[u8], scratch: &mut Vec<u8>) -> Option<usize> {
    scratch.clear();
    let mut rest = bytes;
    while !rest.is_empty() {
        match rest {
            [22, 3, ..] | [22] => {}
            _ => return None,
        }
        let Some(body) = first_record(rest) else { break };
        if body.bytes.len() > MAX_RECORD || body.whole && body.bytes.is_empty() {
            return None;
        }
        scratch.extend_from_slice(body.bytes);
        let complete = match scratch[..] {
            [_, high, middle, low, ..] => {
                scratch.len() >= 4 + (usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low))
            }
            _ => false,
        };
        rest = &rest[HEADER + body.bytes.len()..];
        if complete || !body.whole {
            break;
        }
    }
    Some(bytes.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{large_hello, records, rustls_hello, rustls_records};

    fn name_of(bytes: &[u8]) -> Option<String> {
        match parse(bytes, &mut Vec::new()) {
            Answer::Found(found) => found.hello.name.map(Into::into),
            _ => None,
        }
    }

    #[test]
    fn every_prefix_of_real_records_wants_more_and_the_whole_is_found() {
        for bytes in [rustls_records("a.example"), records(&large_hello("a.example"), 512)] {
            for len in 1..bytes.len() {
                match parse(&bytes[..len], &mut Vec::new()) {
                    Answer::More(needed) => {
                        assert!(needed > len && needed <= bytes.len(), "at {len}: {needed}")
                    }
                    other => panic!("at {len} of {}: {other:?}", bytes.len()),
                }
            }
            assert_eq!(name_of(&bytes).as_deref(), Some("a.example"));
        }
    }

    #[test]
    fn a_hello_in_records_of_any_size_is_found() {
        let hello = rustls_hello("many.example");
        for size in 1..hello.len() {
            let mut bytes = records(&hello, size);
            let len = bytes.len();
            bytes.extend(b"\x14\x03\x03\0\x01\x01");
            let Answer::Found(found) = parse(&bytes, &mut Vec::new()) else { panic!("not found at {size}") };
            assert_eq!((found.hello.name.as_deref(), found.len), (Some("many.example"), len), "at {size}");
        }
    }

    #[test]
    fn what_asks_for_more_converges_with_records_of_one_byte() {
        let bytes = records(&large_hello("slow.example"), 1);
        let (mut len, mut tries) = (1, 0);
        while let Answer::More(needed) = parse(&bytes[..len], &mut Vec::new()) {
            (len, tries) = (needed, tries + 1);
        }
        assert!(tries < 80, "{tries} tries for {} bytes", bytes.len());
    }

    #[test]
    fn a_record_of_another_kind_in_between_is_no_hello() {
        let hello = rustls_hello("cut.example");
        let mut bytes = records(&hello[..100], 100);
        bytes.extend([23, 3, 3, 0, 1, 0]);
        bytes.extend(records(&hello[100..], 1000));
        assert_eq!(parse(&bytes, &mut Vec::new()), Answer::NotThis);
    }

    #[test]
    fn other_bytes_are_not_the_start_of_a_hello() {
        for bytes in
            [&b"GET / HTTP/1.1"[..], b"\x16\x03\x09", b"\x16\x03\x01\0\x30\x02", b"\x16\x03\x01\xff\xff", b""]
        {
            assert!(!may_start(bytes), "{bytes:?}");
        }
    }
}
