//! Frames built before they are sent: the first flights of real TLS and QUIC clients, and DNS questions.
//!
//! A flow is a copy of its template with a server address, a client port and a random of its own: by the random, the agent
//! tells a new hello from a copy seen on another interface. Checksums are zero, since the network card fills them in later, and
//! the agent does not check them.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::pki_types::ServerName;
use rustls::quic::{Keys, Version};
use rustls::{ClientConfig, ClientConnection, RootCertStore, Side};

/// Names that a machine asks for, those of AI services and others in turn.
pub(crate) const NAMES: [&str; 18] = [
    "chatgpt.com",
    "www.google.com",
    "claude.ai",
    "github.com",
    "gemini.google.com",
    "www.wikipedia.org",
    "api.openai.com",
    "outlook.office365.com",
    "api.anthropic.com",
    "www.youtube.com",
    "api.mistral.ai",
    "cdn.jsdelivr.net",
    "www.perplexity.ai",
    "login.microsoftonline.com",
    "api.deepseek.com",
    "slack.com",
    "huggingface.co",
    "update.code.visualstudio.com",
];

/// What a flow consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// SYN and a hello that fits a segment.
    Small,
    /// SYN and a hello of two segments, as those with a post-quantum key share are.
    Large,
    /// The same over IPv6.
    Large6,
    /// A hello in two Initials.
    Quic,
    /// One question.
    Dns,
    /// SYN and the first half of a hello, and then nothing more.
    Half,
    /// The first fragment of a datagram whose rest never comes.
    Fragment,
    /// Small, large, and large over IPv6, as many of each.
    Tls,
}

impl Kind {
    /// The kind of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let all = [
            Kind::Small,
            Kind::Large,
            Kind::Large6,
            Kind::Quic,
            Kind::Dns,
            Kind::Half,
            Kind::Fragment,
            Kind::Tls,
        ];
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Small => "tls-small",
            Kind::Large => "tls-large",
            Kind::Large6 => "tls-large-ipv6",
            Kind::Quic => "quic",
            Kind::Dns => "dns",
            Kind::Half => "half",
            Kind::Fragment => "fragment",
            Kind::Tls => "tls",
        }
    }
}

/// The frames of flows of one kind and name.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    frames: Vec<Vec<u8>>,
    ipv6: bool,
    mark: Option<Mark>,
}

/// Where a message is told from others like it: the random of a hello, the number of a question.
#[derive(Debug, Clone, Copy)]
struct Mark {
    frame: usize,
    offset: usize,
    bytes: usize,
}

/// Templates of a kind, one a name or, of several kinds in turn, one a name and kind.
pub(crate) fn templates(kind: Kind) -> Vec<Template> {
    match kind {
        Kind::Tls => [Kind::Small, Kind::Large, Kind::Large6].map(templates).concat(),
        Kind::Quic => quic(),
        _ => NAMES.iter().map(|name| template(kind, name)).collect(),
    }
}

fn template(kind: Kind, name: &str) -> Template {
    let ipv6 = kind == Kind::Large6;
    let segments = |hello: &[u8], most: usize| {
        let mut frames = vec![tcp(ipv6, 0, SYN, b"")];
        let mut sequence = 1;
        for piece in hello.chunks(SEGMENT - if ipv6 { 20 } else { 0 }).take(most) {
            frames.push(tcp(ipv6, sequence, PUSH_ACK, piece));
            sequence += piece.len() as u32;
        }
        frames
    };
    let frames = match kind {
        Kind::Small => segments(&hello(name, 2), usize::MAX),
        Kind::Large | Kind::Large6 => segments(&hello(name, LONG_ALPN), usize::MAX),
        Kind::Half => segments(&hello(name, LONG_ALPN), 1),
        Kind::Dns => vec![udp(53, &question(name))],
        Kind::Fragment => {
            let mut frame = udp(443, &[0x55; 1400]);
            // More fragments follow (RFC 791 §3.1).
            frame[20] = 0x20;
            vec![frame]
        }
        Kind::Quic | Kind::Tls => Vec::new(),
    };
    let mark = match kind {
        Kind::Small | Kind::Large | Kind::Half => {
            Some(Mark { frame: 1, offset: ETHERNET + 20 + 32 + RANDOM, bytes: 4 })
        }
        Kind::Large6 => Some(Mark { frame: 1, offset: ETHERNET + 40 + 32 + RANDOM, bytes: 4 }),
        Kind::Dns => Some(Mark { frame: 0, offset: ETHERNET + 20 + 8, bytes: 2 }),
        Kind::Quic | Kind::Fragment | Kind::Tls => None,
    };
    Template { frames, ipv6, mark }
}

impl Template {
    /// The frames of flow `number`.
    pub(crate) fn flow(&mut self, number: u32) -> &[Vec<u8>] {
        let port = FIRST_PORT + (number % PORTS) as u16;
        let server = (number / PORTS).to_be_bytes();
        for frame in &mut self.frames {
            let (address, ports) = if self.ipv6 { (ETHERNET + 36, 54) } else { (ETHERNET + 16, 34) };
            frame[address + 1..address + 4].copy_from_slice(&server[1..]);
            frame[ports..ports + 2].copy_from_slice(&port.to_be_bytes());
            if !self.ipv6 {
                // The identification tells one datagram's fragments from another's.
                frame[18..20].copy_from_slice(&(number as u16).to_be_bytes());
            }
        }
        if let Some(Mark { frame, offset, bytes }) = self.mark {
            let number = number.to_be_bytes();
            self.frames[frame][offset..offset + bytes].copy_from_slice(&number[4 - bytes..]);
        }
        &self.frames
    }
}

/// The records with which a rustls client begins. `alpn` protocols offered make it as long as need be.
pub(crate) fn hello(name: &str, alpn: usize) -> Vec<u8> {
    let mut config = client_config();
    config.alpn_protocols = protocols(alpn);
    let name = ServerName::try_from(name.to_owned()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut client = ClientConnection::new(Arc::new(config), name)
        .unwrap_or_else(|error| panic!("no TLS client: {error}"));
    let mut records = Vec::new();
    client.write_tls(&mut records).unwrap_or_else(|error| panic!("no hello: {error}"));
    records
}

fn client_config() -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|error| panic!("no TLS configuration: {error}"))
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

fn protocols(count: usize) -> Vec<Vec<u8>> {
    let longer = (2..count).map(|number| format!("a-protocol-of-some-length/{number:02}").into_bytes());
    [b"h2".to_vec(), b"http/1.1".to_vec()].into_iter().chain(longer).collect()
}

/// The Initials of QUIC version 1 (RFC 9001) that carry a long hello: so many flights of each name, the names in turn, since
/// a flight cannot be changed once it is sealed.
fn quic() -> Vec<Template> {
    let hellos = NAMES.map(|name| hello(name, LONG_ALPN).split_off(RECORD_HEADER));
    let flight = |number: usize| {
        let mut hello = hellos[number % NAMES.len()].clone();
        let random = RANDOM - RECORD_HEADER;
        hello[random..random + 4].copy_from_slice(&(number as u32).to_be_bytes());
        let pieces = hello.chunks(CRYPTO).enumerate();
        let initials = pieces.map(|(at, piece)| initial(number as u64, at as u16, at * CRYPTO, piece));
        Template { frames: initials.map(|initial| udp(443, &initial)).collect(), ipv6: false, mark: None }
    };
    (0..QUIC_FLIGHTS * NAMES.len()).map(flight).collect()
}

/// A client's Initial with one CRYPTO frame, padded.
fn initial(connection: u64, number: u16, offset: usize, data: &[u8]) -> Vec<u8> {
    let keys = TLS13_AES_128_GCM_SHA256
        .tls13()
        .and_then(|suite| Some((suite, suite.quic_suite()?.quic)))
        .map(|(suite, quic)| Keys::initial(Version::V1, suite, quic, &connection.to_be_bytes(), Side::Client))
        .unwrap_or_else(|| panic!("ring has no suite for QUIC"));
    let mut payload = vec![6];
    payload.extend((0x4000 | offset as u16).to_be_bytes());
    payload.extend((0x4000 | data.len() as u16).to_be_bytes());
    payload.extend(data);
    // A client's datagram with an Initial has 1200 bytes at least (RFC 9000 §14.1).
    payload.resize(1164, 0);
    let mut packet = vec![0xc1, 0, 0, 0, 1, 8];
    packet.extend(connection.to_be_bytes());
    packet.extend([0, 0]);
    packet.extend((0x4000 | (2 + payload.len() + 16) as u16).to_be_bytes());
    let number_at = packet.len();
    packet.extend(number.to_be_bytes());
    let tag = keys.local.packet.encrypt_in_place(u64::from(number), &packet, &mut payload);
    let tag = tag.unwrap_or_else(|error| panic!("cannot seal an Initial: {error}"));
    packet.extend(&payload);
    packet.extend(tag.as_ref());
    let sample = packet[number_at + 4..number_at + 20].to_vec();
    let (first, rest) = packet.split_at_mut(1);
    let masked =
        keys.local.header.encrypt_in_place(&sample, &mut first[0], &mut rest[number_at - 1..number_at + 1]);
    masked.unwrap_or_else(|error| panic!("cannot mask an Initial: {error}"));
    packet
}

/// A query for the A record of a name (RFC 1035 §4.1).
fn question(name: &str) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

fn tcp(ipv6: bool, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = [0, 0, 1, 187].to_vec();
    segment.extend(sequence.wrapping_add(0x7ab1_0000).to_be_bytes());
    segment.extend([0, 0, 0, 0, 0x80, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1]);
    segment.extend(payload);
    frame(ipv6, 6, &segment)
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0, 0];
    datagram.extend(port.to_be_bytes());
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    frame(false, 17, &datagram)
}

/// An Ethernet frame to nobody: the other end of the link throws it away unread.
fn frame(ipv6: bool, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0x55, 0x55, 0x55, 0x55, 0x55, 2, 0, 0, 0, 0, 1];
    if ipv6 {
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
        frame.extend((payload.len() as u16).to_be_bytes());
        frame.extend([protocol, 64]);
        frame.extend(Ipv6Addr::new(0xfd99, 0, 0, 0, 0, 0, 0, 1).octets());
        frame.extend(Ipv6Addr::new(0xfd98, 0, 0, 0, 0, 0, 0, 0).octets());
    } else {
        frame.extend([0x08, 0, 0x45, 0]);
        frame.extend((20 + payload.len() as u16).to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
        frame.extend(Ipv4Addr::new(10, 99, 0, 1).octets());
        frame.extend(Ipv4Addr::new(198, 18, 0, 0).octets());
    }
    frame.extend(payload);
    frame
}

const ETHERNET: usize = 14;
/// Payload of a segment at an MTU of 1500, with time stamps.
const SEGMENT: usize = 1448;
/// Protocols offered by a client whose hello is to be as long as one with a post-quantum key share.
const LONG_ALPN: usize = 50;
/// Of a TLS record (RFC 8446 §5.1).
const RECORD_HEADER: usize = 5;
/// Where the random of a hello begins: behind the headers of record and message, and the version (RFC 8446 §4.1.2).
pub(crate) const RANDOM: usize = RECORD_HEADER + 4 + 2;
/// Bytes of a hello in one Initial.
const CRYPTO: usize = 1000;
/// QUIC flights of each name before they come again, long after the copies of a hello.
const QUIC_FLIGHTS: usize = 450;
const FIRST_PORT: u16 = 2000;
const PORTS: u32 = 60_000;
const SYN: u8 = 0x02;
const PUSH_ACK: u8 = 0x18;
