//! The end of a ClientHello whose beginning never came: a capture began in the middle of it, or a packet was lost.
//!
//! Nothing in front says what the bytes are, so what is taken for the end of an extension list has to prove it: it is
//! followed by nothing, or by TLS records; every extension is of a known kind; one is a well-formed `server_name`,
//! and at least two are others.

use super::{ALPN, ENCRYPTED_CLIENT_HELLO, Hello, SERVER_NAME, first_protocol, server_name};
use crate::reader::{Reader, be16};

/// Extensions other than the name that have to be there.
const OTHERS: usize = 2;
/// Headers of an extension, and of a `server_name` around its name.
const EXTENSION: usize = 4;
const NAMED: usize = EXTENSION + 5;

/// What clients send in a hello, the name left out (IANA, "TLS ExtensionType Values", and what browsers try out).
const KNOWN: [u16; 33] = [
    1, 5, 10, 11, 13, 14, 15, 16, 17, 18, 21, 22, 23, 24, 27, 28, 34, 35, 41, 42, 43, 44, 45, 47, 49, 50, 51,
    57, 13172, 17513, 17613, 0xfe0d, 0xff01,
];

/// Bytes looked at, the last ones: two post-quantum key shares and a full ECH make less.
const MAX_BYTES: usize = 16 * 1024;

/// What walking on from a place comes to: the end, and past which extensions.
#[derive(Clone, Copy, Default)]
struct Way {
    ends: bool,
    named: bool,
    others: u8,
}

/// Reads the end of a message from bytes that begin anywhere in it: `Some` only with a name.
///
/// One pass from the back, so that no choice of bytes makes it slow: what follows a place is known when it is reached.
pub(crate) fn ending(bytes: &[u8]) -> Option<Hello> {
    let bytes = &bytes[bytes.len().saturating_sub(MAX_BYTES)..];
    if !(0..bytes.len()).any(|at| is_named(&bytes[at..])) {
        return None;
    }
    let mut ways = vec![Way::default(); bytes.len() + 1];
    let mut start = None;
    for at in (0..=bytes.len()).rev() {
        let way = if is_end(&bytes[at..]) {
            Way { ends: true, ..Way::default() }
        } else {
            way_from(&bytes[at..], &ways[at..]).unwrap_or_default()
        };
        if way.named && usize::from(way.others) >= OTHERS {
            start = Some(at);
        }
        ways[at] = way;
    }
    let mut hello = Hello::default();
    let mut reader = Reader::new(&bytes[start?..]);
    while !is_end(reader.rest()) {
        let kind = reader.u16()?;
        let data = reader.vec16()?;
        match kind {
            SERVER_NAME => hello.name = server_name(data),
            ALPN => hello.alpn = first_protocol(data),
            ENCRYPTED_CLIENT_HELLO => hello.ech = true,
            _ => {}
        }
    }
    hello.name.is_some().then_some(hello)
}

/// Nothing follows, or a TLS record does.
fn is_end(bytes: &[u8]) -> bool {
    match bytes {
        [] => true,
        [20 | 22 | 23, 3, 0..=4, high, low, ..] => u16::from_be_bytes([*high, *low]) <= 0x4800,
        _ => false,
    }
}

/// Past one extension to a place from which there is a way.
fn way_from(bytes: &[u8], ways: &[Way]) -> Option<Way> {
    let (kind, len) = (be16(bytes, 0)?, usize::from(be16(bytes, 2)?));
    let next = *ways.get(EXTENSION + len).filter(|way| way.ends)?;
    if kind == SERVER_NAME {
        return (!next.named && is_named(bytes)).then_some(Way { named: true, ..next });
    }
    let grease = kind & 0x0f0f == 0x0a0a && kind >> 8 == kind & 0xff; // RFC 8701
    (grease || KNOWN.contains(&kind)).then_some(Way { others: next.others.saturating_add(1), ..next })
}

/// A `server_name` begins here whose three lengths agree and whose name is one of a host with a dot in it.
fn is_named(bytes: &[u8]) -> bool {
    let Some(&[0, 0, _, _, _, _, 0, _, _]) = bytes.first_chunk::<NAMED>() else { return false };
    let [extension, list, name] = [2, 4, 7].map(|at| usize::from(be16(bytes, at).unwrap_or_default()));
    extension == list + 2
        && list == name + 3
        && (4..=253).contains(&name)
        && bytes.get(NAMED..NAMED + name).is_some_and(|name| {
            // The dot at the end that `clean_name` takes off is none.
            name.strip_suffix(b".").unwrap_or(name).contains(&b'.')
                && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{extension, hello_of, rustls_hello, server_name};

    fn name(bytes: &[u8]) -> Option<String> {
        ending(bytes)?.name.map(Into::into)
    }

    #[test]
    fn every_ending_that_holds_the_name_and_two_more_extensions_tells_it() {
        let others =
            [extension(10, &[0, 2, 0, 29]), extension(16, b"\0\x03\x02h2"), extension(43, &[2, 3, 4])];
        for place in 0..=3 {
            let mut list = others.to_vec();
            list.insert(place, server_name("end.example"));
            let message = hello_of(&list);
            let first = message.len() - list.concat().len();
            let behind = 3 - place;
            for from in 0..message.len() {
                let whole_before =
                    (0..place).filter(|&number| from <= first + list[..number].concat().len()).count();
                let named = from <= first + list[..place].concat().len();
                let told = name(&message[from..]);
                assert!(told.is_none() || named, "name at {place}, from {from}");
                if named && behind + whole_before >= OTHERS {
                    assert_eq!(told.as_deref(), Some("end.example"), "name at {place}, from {from}");
                }
            }
        }
    }

    #[test]
    fn real_endings_tell_the_name_with_and_without_the_records_that_follow() {
        let message = rustls_hello("real.example");
        // rustls shuffles its extensions: only what begins in front of them is sure to hold the name and two more.
        for from in 0..60 {
            assert_eq!(name(&message[from..]).as_deref(), Some("real.example"), "from {from}");
        }
        let followed = [&message[60..], b"\x14\x03\x03\0\x01\x01\x17\x03\x03\0\x02ab"].concat();
        assert_eq!(name(&followed).as_deref(), Some("real.example"));
    }

    #[test]
    fn bytes_chosen_to_be_slow_are_not() {
        let unit = [extension(0x0a0a, b""), server_name("slow.example")].concat();
        let bytes = unit.repeat(64 * 1024 / unit.len());
        let before = std::time::Instant::now();
        for _ in 0..20 {
            std::hint::black_box(ending(&bytes));
        }
        assert!(before.elapsed() < std::time::Duration::from_secs(5));
    }

    #[test]
    fn what_goes_on_or_ends_early_or_is_of_unknown_kinds_tells_nothing() {
        let list = [server_name("no.example"), extension(10, &[0, 2, 0, 29]), extension(13, &[0, 2, 4, 3])];
        let bytes = list.concat();
        assert_eq!(name(&bytes).as_deref(), Some("no.example"));
        for len in 0..bytes.len() {
            assert_eq!(name(&bytes[..len]), None, "at {len}");
        }
        assert_eq!(name(&[&bytes[..], b"and so on"].concat()), None);
        assert_eq!(name(&[&bytes[..], &extension(999, b"")].concat()), None);
        for host in ["nodot", "nodot."] {
            assert_eq!(name(&[&server_name(host)[..], &list[1], &list[2]].concat()), None);
        }
        assert_eq!(name(&list[..2].concat()), None);
    }
}
