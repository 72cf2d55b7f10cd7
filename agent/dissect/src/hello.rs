//! The ClientHello message, the same for TLS, DTLS and QUIC.
//!
//! A complete message goes to `tls-parser`. A message of which only the beginning is there (cut by the capture's
//! snap length, or its rest lost) is walked here down to the extension list, so that a `server_name` that did
//! arrive is not thrown away. The walk is also what reads a complete message with one broken extension, where
//! `tls-parser` stops.

mod ending;

use crate::reader::{Answer, Reader, clean_name, clean_protocol};
use tls_parser::{
    SNIType, TlsExtension, TlsMessage, TlsMessageHandshake, parse_tls_client_hello_extensions,
    parse_tls_message_handshake,
};

pub(crate) use ending::ending;

/// Longest ClientHello that is waited for. Two post-quantum key shares and a full ECH make less than 8 KiB.
pub(crate) const MAX_HELLO: usize = 48 * 1024;

const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// What a ClientHello says that anyone may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hello {
    /// What the client drew for this connection (RFC 8446, section 4.1.2); absent in Google's own hellos.
    pub(crate) random: Option<[u8; 32]>,
    pub(crate) name: Option<Box<str>>,
    pub(crate) alpn: Option<Box<str>>,
    pub(crate) ech: bool,
}

/// Which of the two message layouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// TLS, and so QUIC: a four-byte message header.
    Stream,
    /// DTLS: the body only (its message header belongs to the fragments), with a cookie after the session id.
    Datagram,
}

/// Reads a handshake message from its first byte on; bytes behind it are ignored.
pub(crate) fn parse(message: &[u8]) -> Answer<Hello> {
    let header = &message[..message.len().min(4)];
    let mut head = Reader::new(header);
    match head.u8() {
        None => return Answer::More(4),
        Some(CLIENT_HELLO) => {}
        Some(_) => return Answer::NotThis,
    }
    let Some(len) = head.u24() else { return Answer::More(4) };
    // Version, random, and one byte for each of the three lists.
    if !(2 + 32 + 1 + 2 + 1..=MAX_HELLO).contains(&len) {
        return Answer::NotThis;
    }
    if message.get(4).is_some_and(|&major| major != 3) {
        return Answer::NotThis;
    }
    let total = 4 + len;
    match message.get(..total) {
        // The same for a beginning and for the whole: what would be refused later is not waited for.
        part if is_broken(part.map_or(&message[4..], |complete| &complete[4..])) => Answer::NotThis,
        None => Answer::More(total),
        Some(complete) => match by_library(complete) {
            Some(hello) => Answer::Found(hello),
            None => body(&complete[4..], Layout::Stream),
        },
    }
}

/// Reads a complete message body.
pub(crate) fn body(body: &[u8], layout: Layout) -> Answer<Hello> {
    match walk(body, layout) {
        Walked::Whole(hello) | Walked::Cut { hello, in_extensions: true } => Answer::Found(hello),
        Walked::Cut { .. } | Walked::Broken => Answer::NotThis,
    }
}

/// What the beginning of a message already tells, once its rest will never come: `Some` only with a name.
pub(crate) fn beginning(message: &[u8]) -> Option<Hello> {
    let [CLIENT_HELLO, 0, high, low, body @ ..] = message else { return None };
    // What stands behind the message is none of it.
    let len = usize::from(u16::from_be_bytes([*high, *low]));
    match walk(&body[..body.len().min(len)], Layout::Stream) {
        Walked::Whole(hello) | Walked::Cut { hello, .. } => hello.name.is_some().then_some(hello),
        Walked::Broken => None,
    }
}

/// The lists in front of the extensions cannot be a ClientHello's.
fn is_broken(body: &[u8]) -> bool {
    matches!(walk_head(&mut Reader::new(body), Layout::Stream), Err(Stop::Broken))
}

fn by_library(message: &[u8]) -> Option<Hello> {
    let Ok((_, TlsMessage::Handshake(TlsMessageHandshake::ClientHello(client_hello)))) =
        parse_tls_message_handshake(message)
    else {
        return None;
    };
    let mut hello = Hello { random: client_hello.random.try_into().ok(), ..Hello::default() };
    // The list comes with its two-byte length stripped, and not at all where that length is wrong. What is left over
    // is an extension the library stopped at.
    let (unread, extensions) = parse_tls_client_hello_extensions(client_hello.ext?).ok()?;
    if !unread.is_empty() {
        return None;
    }
    let mut named = false;
    for extension in extensions {
        match extension {
            TlsExtension::SNI(names) if !named => {
                named = true;
                hello.name = names
                    .iter()
                    .find(|(kind, _)| *kind == SNIType::HostName)
                    .and_then(|(_, name)| clean_name(name));
            }
            TlsExtension::ALPN(protocols) if hello.alpn.is_none() => {
                hello.alpn = protocols.first().and_then(|protocol| clean_protocol(protocol));
            }
            TlsExtension::Unknown(kind, _) if kind.0 == ENCRYPTED_CLIENT_HELLO => hello.ech = true,
            _ => {}
        }
    }
    Some(hello)
}

#[derive(Debug, PartialEq, Eq)]
enum Walked {
    Whole(Hello),
    /// The bytes end before the message does.
    Cut {
        hello: Hello,
        in_extensions: bool,
    },
    Broken,
}

fn walk(body: &[u8], layout: Layout) -> Walked {
    let mut hello = Hello::default();
    match walk_lists(&mut Reader::new(body), layout, &mut hello) {
        Ok(()) => Walked::Whole(hello),
        Err(Stop::Cut { in_extensions }) => Walked::Cut { hello, in_extensions },
        Err(Stop::Broken) => Walked::Broken,
    }
}

enum Stop {
    Cut { in_extensions: bool },
    Broken,
}

/// Everything in front of the extensions; returns the random.
fn walk_head(reader: &mut Reader<'_>, layout: Layout) -> Result<[u8; 32], Stop> {
    const CUT: Stop = Stop::Cut { in_extensions: false };
    let major = reader.u8().ok_or(CUT)?;
    if major != if layout == Layout::Stream { 3 } else { 0xfe } {
        return Err(Stop::Broken);
    }
    reader.u8().ok_or(CUT)?;
    let random = reader.array().ok_or(CUT)?;
    if reader.rest().first().is_some_and(|&len| len > 32) {
        return Err(Stop::Broken); // RFC 8446, section 4.1.2: legacy_session_id<0..32>
    }
    reader.vec8().ok_or(CUT)?;
    if layout == Layout::Datagram {
        reader.vec8().ok_or(CUT)?;
    }
    let suites = reader.u16().ok_or(CUT)?;
    if suites == 0 || suites % 2 != 0 {
        return Err(Stop::Broken);
    }
    reader.take(usize::from(suites)).ok_or(CUT)?;
    if reader.rest().first() == Some(&0) {
        return Err(Stop::Broken); // at least the null compression method
    }
    reader.vec8().ok_or(CUT)?;
    Ok(random)
}

fn walk_lists(reader: &mut Reader<'_>, layout: Layout, hello: &mut Hello) -> Result<(), Stop> {
    hello.random = Some(walk_head(reader, layout)?);
    if reader.is_empty() {
        return Ok(()); // a hello before extensions existed
    }
    // What stands behind the list is none of it; a list that claims more than there is, is read as far as it goes.
    let len = usize::from(reader.u16().ok_or(Stop::Cut { in_extensions: false })?);
    let mut reader = Reader::new(&reader.rest()[..reader.rest().len().min(len)]);
    let mut named = false;
    while !reader.is_empty() {
        const CUT: Stop = Stop::Cut { in_extensions: true };
        let kind = reader.u16().ok_or(CUT)?;
        if kind == ENCRYPTED_CLIENT_HELLO {
            hello.ech = true;
        }
        let data = reader.vec16().ok_or(CUT)?;
        match kind {
            SERVER_NAME if !named => {
                named = true;
                hello.name = server_name(data);
            }
            ALPN if hello.alpn.is_none() => hello.alpn = first_protocol(data),
            _ => {}
        }
    }
    Ok(())
}

/// The first `host_name` of a ServerNameList (RFC 6066, section 3).
fn server_name(data: &[u8]) -> Option<Box<str>> {
    let mut list = Reader::new(Reader::new(data).vec16()?);
    while let Some(kind) = list.u8() {
        let name = list.vec16()?;
        if kind == 0 {
            return clean_name(name);
        }
    }
    None
}

/// The first name of a ProtocolNameList (RFC 7301, section 3.1).
fn first_protocol(data: &[u8]) -> Option<Box<str>> {
    clean_protocol(Reader::new(Reader::new(data).vec16()?).vec8()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{extension, hello_of, large_hello, rustls_hello, server_name};

    fn every_prefix_wants_more(message: &[u8], name: &str) {
        for len in 0..message.len() {
            match parse(&message[..len]) {
                Answer::More(needed) => {
                    assert!(needed > len && needed <= message.len(), "at {len}: {needed}")
                }
                other => panic!("at {len} of {}: {other:?}", message.len()),
            }
        }
        let Answer::Found(hello) = parse(message) else { panic!("the whole message is not found") };
        assert_eq!(hello.name.as_deref(), Some(name));
    }

    #[test]
    fn every_prefix_of_a_real_hello_wants_more_and_the_whole_is_found() {
        every_prefix_wants_more(&rustls_hello("api.example.com"), "api.example.com");
    }

    #[test]
    fn every_prefix_of_a_post_quantum_hello_wants_more_and_the_whole_is_found() {
        let hello = large_hello("pq.example.com");
        assert!(hello.len() > 1500);
        every_prefix_wants_more(&hello, "pq.example.com");
    }

    #[test]
    fn name_alpn_and_ech_are_told() {
        let alpn = extension(16, b"\0\x0c\x02h2\x08http/1.1");
        let ech = extension(0xfe0d, &[0; 40]);
        let message = hello_of(&[server_name("A.Example."), alpn, ech]);
        let expected = Hello {
            random: Some([7; 32]),
            name: Some("a.example".into()),
            alpn: Some("h2".into()),
            ech: true,
        };
        assert_eq!(parse(&message), Answer::Found(expected.clone()));
        assert_eq!(body(&message[4..], Layout::Stream), Answer::Found(expected));
    }

    #[test]
    fn a_broken_extension_in_front_does_not_hide_the_name() {
        let broken = extension(10, &[0xff, 0xff, 1]);
        let message = hello_of(&[broken, server_name("behind.example")]);
        let Answer::Found(hello) = parse(&message) else { panic!("not found") };
        assert_eq!(hello.name.as_deref(), Some("behind.example"));
    }

    #[test]
    fn a_beginning_tells_its_name_once_the_extension_is_there_and_not_before() {
        let message = hello_of(&[server_name("early.example"), extension(21, &[0; 2000])]);
        let end_of_name = message.len() - 2004;
        for len in 0..message.len() {
            let name = beginning(&message[..len]).and_then(|hello| hello.name);
            assert_eq!(name.is_some(), len >= end_of_name, "at {len}");
        }
    }

    #[test]
    fn bytes_behind_the_message_add_nothing_to_its_beginning() {
        let mut message = hello_of(&[extension(21, &[0; 20])]);
        message.extend(server_name("behind.example"));
        assert_eq!(beginning(&message), None);
    }

    #[test]
    fn bytes_behind_the_extension_list_add_nothing() {
        let mut message = hello_of(&[]);
        message.extend(server_name("behind.example"));
        message[3] += server_name("behind.example").len() as u8;
        assert_eq!(beginning(&message), None);
        let Answer::Found(hello) = parse(&message) else { panic!("not found") };
        assert_eq!(hello.name, None);
    }

    #[test]
    fn a_wrong_length_of_the_extension_list_does_not_hide_the_name() {
        let mut message = hello_of(&[server_name("long.example")]);
        let at = message.len() - server_name("long.example").len() - 1;
        message[at] += 9;
        let Answer::Found(hello) = parse(&message) else { panic!("not found") };
        assert_eq!(hello.name.as_deref(), Some("long.example"));
    }

    #[test]
    fn what_is_no_hello_as_a_beginning_is_none_as_a_whole() {
        let mut message = hello_of(&[server_name("odd.example")]);
        message[4 + 2 + 32 + 1 + 32 + 1] = 3;
        assert_eq!(parse(&message), Answer::NotThis);
        assert_eq!(parse(&message[..90]), Answer::NotThis);
    }

    #[test]
    fn other_handshake_messages_are_not_hellos() {
        let mut message = rustls_hello("api.example.com");
        message[0] = 2;
        assert_eq!(parse(&message), Answer::NotThis);
        assert_eq!(parse(&[1, 0xff, 0, 0]), Answer::NotThis);
        assert_eq!(parse(&[1, 0, 1, 0, 9]), Answer::NotThis);
    }

    #[test]
    fn a_hello_without_extensions_has_no_name() {
        let mut message = hello_of(&[]);
        message.truncate(message.len() - 2);
        message[3] -= 2;
        let expected = Hello { random: Some([7; 32]), ..Hello::default() };
        assert_eq!(parse(&message), Answer::Found(expected));
    }
}
