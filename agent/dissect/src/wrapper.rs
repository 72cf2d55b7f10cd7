//! What may stand in front of a ClientHello on a TCP stream: proxy greetings, the PROXY header, packet wrappers.

use crate::reader::{Answer, Reader, be16, clean_name};
use std::net::IpAddr;

/// Bytes that are not the stream's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrapper {
    /// How many to skip.
    pub(crate) len: usize,
    /// The authority asked of a proxy.
    pub(crate) authority: Option<Box<str>>,
}

const PROXY_V2: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// Reads a wrapper at the start of the bytes.
pub(crate) fn parse(bytes: &[u8]) -> Answer<Wrapper> {
    match bytes.first() {
        Some(b'P') => proxy_v1(bytes),
        Some(b'\r') => proxy_v2(bytes),
        Some(4) => socks4(bytes),
        Some(5) => socks5(bytes),
        Some(0x12) => tds(bytes),
        _ => Answer::NotThis,
    }
}

fn skip(len: usize) -> Answer<Wrapper> {
    Answer::Found(Wrapper { len, authority: None })
}

/// The PROXY protocol, version 1: one line of at most 107 bytes.
fn proxy_v1(bytes: &[u8]) -> Answer<Wrapper> {
    let head = &bytes[..bytes.len().min(6)];
    if !b"PROXY ".starts_with(head) {
        return Answer::NotThis;
    }
    match bytes.iter().take(108).position(|&byte| byte == b'\n') {
        Some(end) => skip(end + 1),
        None if bytes.len() < 108 => Answer::More(bytes.len() + 1),
        None => Answer::NotThis,
    }
}

/// The PROXY protocol, version 2.
fn proxy_v2(bytes: &[u8]) -> Answer<Wrapper> {
    let head = &bytes[..bytes.len().min(12)];
    if !PROXY_V2.starts_with(head) {
        return Answer::NotThis;
    }
    match be16(bytes, 14) {
        Some(len) if usize::from(len) <= 1024 => {
            let total = 16 + usize::from(len);
            if bytes.len() < total { Answer::More(total) } else { skip(total) }
        }
        Some(_) => Answer::NotThis,
        None => Answer::More(16),
    }
}

/// SOCKS 4 and 4a CONNECT.
fn socks4(bytes: &[u8]) -> Answer<Wrapper> {
    if bytes.get(1).is_some_and(|&command| command != 1) {
        return Answer::NotThis;
    }
    let more = || if bytes.len() < 600 { Answer::More(bytes.len() + 1) } else { Answer::NotThis };
    let Some(address) = bytes.get(4..8) else { return more() };
    let Some(user_end) = bytes[8..].iter().take(256).position(|&byte| byte == 0) else { return more() };
    let after_user = 8 + user_end + 1;
    // Version 4a: an address 0.0.0.x announces a name behind the user.
    if address[..3] != [0, 0, 0] || address[3] == 0 {
        return Answer::Found(Wrapper { len: after_user, authority: literal(address) });
    }
    let Some(end) = bytes[after_user..].iter().take(256).position(|&byte| byte == 0) else { return more() };
    Answer::Found(Wrapper {
        len: after_user + end + 1,
        authority: clean_name(&bytes[after_user..after_user + end]),
    })
}

/// SOCKS 5 (RFC 1928): the greeting, a user and password (RFC 1929) perhaps, then the request, each waiting for an
/// answer of the proxy; all three come here as one stream.
fn socks5(bytes: &[u8]) -> Answer<Wrapper> {
    let mut reader = Reader::new(bytes);
    reader.u8();
    let more = || if bytes.len() < 1024 { Answer::More(bytes.len() + 1) } else { Answer::NotThis };
    match reader.rest().first() {
        None => return more(),
        Some(0 | 10..) => return Answer::NotThis,
        Some(_) => {}
    }
    let Some(methods) = reader.vec8() else { return more() };
    if !methods.iter().all(|method| !(10..0x80).contains(method)) {
        return Answer::NotThis;
    }
    if methods.contains(&2) && reader.rest().first() == Some(&1) {
        reader.u8();
        if reader.vec8().is_none() || reader.vec8().is_none() {
            return more();
        }
    }
    let head = &reader.rest()[..reader.rest().len().min(3)];
    if ![5, 1, 0].starts_with(head) {
        return Answer::NotThis;
    }
    if reader.take(3).is_none() {
        return more();
    }
    let authority = match reader.u8() {
        Some(1) => reader.take(4).map(literal),
        Some(3) => reader.vec8().map(clean_name),
        Some(4) => reader.take(16).map(literal),
        Some(_) => return Answer::NotThis,
        None => None,
    };
    match (authority, reader.u16()) {
        (Some(authority), Some(_)) => {
            Answer::Found(Wrapper { len: bytes.len() - reader.rest().len(), authority })
        }
        _ => more(),
    }
}

/// A TDS pre-login packet (MS-TDS, section 2.2.3.1) around a TLS record.
fn tds(bytes: &[u8]) -> Answer<Wrapper> {
    match bytes.get(1..10) {
        None => Answer::More(10),
        Some([0 | 1, _, _, _, _, _, _, 0x16, 3]) => skip(8),
        Some(_) => Answer::NotThis,
    }
}

fn literal(address: &[u8]) -> Option<Box<str>> {
    let v4 = <[u8; 4]>::try_from(address).map(IpAddr::from);
    let address = v4.or_else(|_| <[u8; 16]>::try_from(address).map(IpAddr::from)).ok()?;
    Some(address.to_string().into_boxed_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found_only_whole(bytes: &[u8], authority: Option<&str>) {
        for len in 1..bytes.len() {
            match parse(&bytes[..len]) {
                Answer::More(needed) => assert!(needed > len, "at {len}"),
                other => panic!("at {len} of {}: {other:?}", bytes.len()),
            }
        }
        let longer = [bytes, b"\x16\x03\x01"].concat();
        let Answer::Found(wrapper) = parse(&longer) else { panic!("not found") };
        assert_eq!((wrapper.len, wrapper.authority.as_deref()), (bytes.len(), authority));
    }

    #[test]
    fn proxy_headers_are_skipped() {
        found_only_whole(b"PROXY TCP4 192.0.2.1 198.51.100.2 1000 443\r\n", None);
        found_only_whole(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0cabcdefghijkl", None);
    }

    #[test]
    fn socks_authorities_are_told() {
        found_only_whole(b"\x05\x01\0\x05\x01\0\x03\x09a.example\x01\xbb", Some("a.example"));
        found_only_whole(
            b"\x05\x02\0\x02\x01\x02me\x02pw\x05\x01\0\x03\x09a.example\x01\xbb",
            Some("a.example"),
        );
        found_only_whole(b"\x05\x01\0\x05\x01\0\x01\xc6\x33\x64\x02\x01\xbb", Some("198.51.100.2"));
        let v6 = b"\x05\x01\0\x05\x01\0\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb";
        found_only_whole(v6, Some("2001:db8::1"));
        found_only_whole(b"\x04\x01\x01\xbb\0\0\0\x01me\0a.example\0", Some("a.example"));
        found_only_whole(b"\x04\x01\x01\xbb\xc6\x33\x64\x02me\0", Some("198.51.100.2"));
    }

    #[test]
    fn answers_of_proxies_and_other_bytes_are_refused() {
        for bytes in [
            &b"\x05\0"[..],
            b"\x05\x01\0\x05\0",
            b"\x04\x5a",
            b"PUT ",
            b"\r\n\r\n\r\n",
            b"\x12\x01\0\x20\0\0\0\0\x17\x03",
        ] {
            assert_eq!(parse(bytes), Answer::NotThis, "{bytes:?}");
        }
    }
}
