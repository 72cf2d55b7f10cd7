//! Makes the captures that are replayed: one long TLS download, and very many handshakes. These are multiplied from real ones
//! of a rustls client and server, each with a name and addresses of its own.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring::{cipher_suite::TLS13_AES_128_GCM_SHA256, default_provider};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::quic::{Keys, Version};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, Side};

/// How many handshakes a mix has; each has a name of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flows {
    /// TLS over TCP. The names of these come first.
    pub(crate) tcp: u32,
    /// QUIC.
    pub(crate) quic: u32,
}

/// The whole mix.
pub(crate) const MIX: Flows = Flows { tcp: 10_000, quic: 4_000 };
/// A small one for a slow program.
pub(crate) const CUT: Flows = Flows { tcp: 1_000, quic: 400 };

const SEGMENT: usize = 1448;
/// Protocols offered by a client whose hello is as long as one with a post-quantum key share.
const LONG_ALPN: usize = 50;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const PUSH_ACK: u8 = 0x18;
const FIN_ACK: u8 = 0x11;

/// One download of about `megabytes` over TLS, of a flow whose handshake is in it.
pub(crate) fn bulk(path: &Path, megabytes: usize) -> io::Result<()> {
    let mut capture = Capture::create(path)?;
    let Handshake { hello, server, client } = handshake(2);
    let mut flow = Flow::new(0);
    flow.open(&mut capture)?;
    flow.client(&mut capture, PUSH_ACK, &hello)?;
    flow.server(&mut capture, PUSH_ACK, &server)?;
    flow.client(&mut capture, PUSH_ACK, &client)?;
    // Records of 16 KiB, one behind the other, cut where the segments end.
    let mut stream = Vec::new();
    let mut noise = Noise(1);
    for _ in 0..64 {
        stream.extend([23, 3, 3, 0x40, 0x11]);
        stream.extend((0..0x4011).map(|_| noise.byte()));
    }
    let mut sent = 0;
    while sent < megabytes * 1_000_000 {
        for segment in stream.chunks(SEGMENT) {
            flow.server(&mut capture, ACK, segment)?;
            sent += segment.len();
            if (sent / SEGMENT).is_multiple_of(2) {
                flow.client(&mut capture, ACK, b"")?;
            }
        }
    }
    capture.finish()
}

/// DNS, TCP and TLS handshakes with a little data each, and QUIC handshakes, in flows of their own addresses. Every other
/// hello is as long as one with a post-quantum key share, and so in two segments or datagrams.
pub(crate) fn mix(path: &Path, flows: Flows) -> io::Result<()> {
    let mut capture = Capture::create(path)?;
    let mut noise = Noise(2);
    let data: Vec<u8> = (0..6 * SEGMENT).map(|_| noise.byte()).collect();
    let handshakes = [handshake(2), handshake(LONG_ALPN)];
    for number in 0..flows.tcp {
        let mut flow = Flow::new(number);
        dns(&mut capture, &flow, number)?;
        let handshake = &handshakes[number as usize % 2];
        flow.open(&mut capture)?;
        for segment in renamed(&handshake.hello, number).chunks(SEGMENT) {
            flow.client(&mut capture, PUSH_ACK, segment)?;
        }
        for segment in handshake.server.chunks(SEGMENT) {
            flow.server(&mut capture, PUSH_ACK, segment)?;
        }
        flow.client(&mut capture, ACK, b"")?;
        flow.client(&mut capture, PUSH_ACK, &handshake.client)?;
        flow.client(&mut capture, PUSH_ACK, &encrypted(&data[..300]))?;
        for segment in encrypted(&data).chunks(SEGMENT) {
            flow.server(&mut capture, ACK, segment)?;
        }
        flow.client(&mut capture, ACK, b"")?;
        flow.client(&mut capture, FIN_ACK, b"")?;
        flow.server(&mut capture, FIN_ACK, b"")?;
    }
    for number in flows.tcp..flows.tcp + flows.quic {
        let flow = Flow::new(number);
        dns(&mut capture, &flow, number)?;
        let record = renamed(&handshakes[number as usize % 2].hello, number);
        for (index, piece) in record[5..].chunks(1000).enumerate() {
            let datagram = initial(number, index as u16, index * 1000, piece);
            capture.udp(flow.client, flow.server, flow.port, 443, &datagram)?;
        }
        // The server's handshake packets and some short ones.
        let cid = number.to_be_bytes();
        let long = [&[0xe0, 0, 0, 0, 1, 0, 4][..], &cid, &[0x44, 0x4c], &data[..1100]].concat();
        capture.udp(flow.server, flow.client, 443, flow.port, &long)?;
        for _ in 0..4 {
            capture.udp(flow.server, flow.client, 443, flow.port, &[&[0x41][..], &data[..1199]].concat())?;
            capture.udp(flow.client, flow.server, flow.port, 443, &[&[0x41][..], &data[..40]].concat())?;
        }
    }
    capture.finish()
}

/// The name of a flow.
pub(crate) fn name(number: u32) -> String {
    format!("host-{number:06}.bench.example")
}

/// What the two sides of a TLS connection send until it stands.
struct Handshake {
    hello: Vec<u8>,
    server: Vec<u8>,
    client: Vec<u8>,
}

/// A handshake under the name of flow 0, with so many protocols offered: they make the hello as long as need be.
fn handshake(protocols: usize) -> Handshake {
    let provider = Arc::new(default_provider());
    let made = rcgen::generate_simple_self_signed(vec![name(0)]).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("ring has the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let longer = (2..protocols).map(|number| format!("a-protocol-of-some-length/{number:02}").into_bytes());
    config.alpn_protocols = [b"h2".to_vec(), b"http/1.1".to_vec()].into_iter().chain(longer).collect();
    let server_config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the default versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a server");
    let name = name(0).try_into().expect("a valid name");
    let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut server = ServerConnection::new(Arc::new(server_config)).expect("a server");
    let mut handshake = Handshake { hello: Vec::new(), server: Vec::new(), client: Vec::new() };
    client.write_tls(&mut handshake.hello).expect("written to memory");
    server.read_tls(&mut &handshake.hello[..]).expect("read from memory");
    server.process_new_packets().expect("a hello");
    while server.wants_write() {
        server.write_tls(&mut handshake.server).expect("written to memory");
    }
    let mut flight = &handshake.server[..];
    while !flight.is_empty() {
        client.read_tls(&mut flight).expect("read from memory");
        client.process_new_packets().expect("a server's flight");
    }
    while client.wants_write() {
        client.write_tls(&mut handshake.client).expect("written to memory");
    }
    assert!(!client.is_handshaking(), "the handshake is not complete");
    handshake
}

/// The same hello for another flow's name.
fn renamed(hello: &[u8], number: u32) -> Vec<u8> {
    let (old, new) = (name(0), name(number));
    let at = hello.windows(old.len()).position(|window| window == old.as_bytes()).expect("the name is there");
    let mut hello = hello.to_vec();
    hello[at..at + new.len()].copy_from_slice(new.as_bytes());
    hello
}

fn encrypted(data: &[u8]) -> Vec<u8> {
    [&[23, 3, 3][..], &(data.len() as u16).to_be_bytes(), data].concat()
}

/// A client's QUIC version 1 Initial with one CRYPTO frame, padded.
fn initial(flow: u32, number: u16, offset: usize, data: &[u8]) -> Vec<u8> {
    let suite = TLS13_AES_128_GCM_SHA256.tls13().expect("a TLS 1.3 suite");
    let quic = suite.quic_suite().expect("with QUIC").quic;
    let cid = u64::from(flow).to_be_bytes();
    let keys = Keys::initial(Version::V1, suite, quic, &cid, Side::Client);
    let mut payload = vec![6];
    payload.extend((0x4000 | offset as u16).to_be_bytes());
    payload.extend((0x4000 | data.len() as u16).to_be_bytes());
    payload.extend(data);
    // A client's datagram with an Initial has 1200 bytes at least (RFC 9000 §14.1).
    payload.resize(1164, 0);
    let mut packet = vec![0xc1, 0, 0, 0, 1, 8];
    packet.extend(cid);
    packet.extend([0, 0]);
    packet.extend((0x4000 | (2 + payload.len() + 16) as u16).to_be_bytes());
    let number_at = packet.len();
    packet.extend(number.to_be_bytes());
    let tag = keys.local.packet.encrypt_in_place(u64::from(number), &packet, &mut payload).expect("sealed");
    packet.extend(&payload);
    packet.extend(tag.as_ref());
    let sample = packet[number_at + 4..number_at + 20].to_vec();
    let (first, rest) = packet.split_at_mut(1);
    let number = &mut rest[number_at - 1..number_at + 1];
    keys.local.header.encrypt_in_place(&sample, &mut first[0], number).expect("masked");
    packet
}

fn dns(capture: &mut Capture, flow: &Flow, number: u32) -> io::Result<()> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name(number).split('.') {
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    capture.udp(flow.client, [10, 0, 0, 53], flow.port, 53, &message)?;
    message[2..8].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1]);
    message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
    message.extend(flow.server);
    capture.udp([10, 0, 0, 53], flow.client, 53, flow.port, &message)
}

struct Flow {
    client: [u8; 4],
    server: [u8; 4],
    port: u16,
    client_sequence: u32,
    server_sequence: u32,
}

impl Flow {
    fn new(number: u32) -> Self {
        let [_, high, middle, low] = number.to_be_bytes();
        Flow {
            client: [10, 1, middle / 8, low],
            server: [203, high, middle, low],
            port: 32768 + (number % 28_000) as u16,
            client_sequence: number.wrapping_mul(2_654_435_761),
            server_sequence: number.wrapping_mul(2_246_822_519),
        }
    }

    fn open(&mut self, capture: &mut Capture) -> io::Result<()> {
        self.client(capture, SYN, b"")?;
        self.server(capture, SYN | ACK, b"")?;
        self.client_sequence = self.client_sequence.wrapping_add(1);
        self.server_sequence = self.server_sequence.wrapping_add(1);
        self.client(capture, ACK, b"")
    }

    fn client(&mut self, capture: &mut Capture, flags: u8, payload: &[u8]) -> io::Result<()> {
        let sequences = (self.client_sequence, self.server_sequence);
        self.client_sequence = self.client_sequence.wrapping_add(payload.len() as u32);
        capture.tcp(self.client, self.server, self.port, 443, sequences, flags, payload)
    }

    fn server(&mut self, capture: &mut Capture, flags: u8, payload: &[u8]) -> io::Result<()> {
        let sequences = (self.server_sequence, self.client_sequence);
        self.server_sequence = self.server_sequence.wrapping_add(payload.len() as u32);
        capture.tcp(self.server, self.client, 443, self.port, sequences, flags, payload)
    }
}

/// A pcap file that is being written.
struct Capture {
    file: BufWriter<File>,
    frames: u32,
}

impl Capture {
    fn create(path: &Path) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            file.write_all(&word.to_le_bytes())?;
        }
        Ok(Capture { file, frames: 0 })
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a header, once")]
    fn tcp(
        &mut self,
        src: [u8; 4],
        dst: [u8; 4],
        src_port: u16,
        dst_port: u16,
        (sequence, acknowledged): (u32, u32),
        flags: u8,
        payload: &[u8],
    ) -> io::Result<()> {
        let mut segment = Vec::with_capacity(32 + payload.len());
        segment.extend(src_port.to_be_bytes());
        segment.extend(dst_port.to_be_bytes());
        segment.extend(sequence.to_be_bytes());
        segment.extend(acknowledged.to_be_bytes());
        segment.extend([0x80, flags, 0xff, 0xff, 0, 0, 0, 0, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1]);
        segment.extend(payload);
        self.frame(src, dst, 6, &segment)
    }

    fn udp(
        &mut self,
        src: [u8; 4],
        dst: [u8; 4],
        src_port: u16,
        dst_port: u16,
        payload: &[u8],
    ) -> io::Result<()> {
        let mut datagram = Vec::with_capacity(8 + payload.len());
        datagram.extend(src_port.to_be_bytes());
        datagram.extend(dst_port.to_be_bytes());
        datagram.extend((8 + payload.len() as u16).to_be_bytes());
        datagram.extend([0, 0]);
        datagram.extend(payload);
        self.frame(src, dst, 17, &datagram)
    }

    fn frame(&mut self, src: [u8; 4], dst: [u8; 4], protocol: u8, payload: &[u8]) -> io::Result<()> {
        let mut header = [0_u8; 16 + 14 + 20];
        let len = (14 + 20 + payload.len()) as u32;
        // Ten microseconds apart.
        let micros = self.frames * 10;
        for (slot, word) in [micros / 1_000_000, micros % 1_000_000, len, len].into_iter().enumerate() {
            header[slot * 4..slot * 4 + 4].copy_from_slice(&word.to_le_bytes());
        }
        header[16 + 12] = 8;
        let ip = &mut header[30..];
        ip[0] = 0x45;
        ip[2..4].copy_from_slice(&((20 + payload.len()) as u16).to_be_bytes());
        ip[4..6].copy_from_slice(&(self.frames as u16).to_be_bytes());
        ip[8..10].copy_from_slice(&[64, protocol]);
        ip[12..16].copy_from_slice(&src);
        ip[16..20].copy_from_slice(&dst);
        self.frames += 1;
        self.file.write_all(&header)?;
        self.file.write_all(payload)
    }

    fn finish(mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Bytes without a pattern, the same in every run.
struct Noise(u64);

impl Noise {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 56) as u8
    }
}
