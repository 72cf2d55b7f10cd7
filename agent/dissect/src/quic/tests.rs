//! Initials made with the keys of rustls, in every order and cutting.

use crate::testing::{Bench, large_hello, udp};
use crate::{Channel, Limits};
use proptest::prelude::*;
use rustls::Side;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::quic::{Keys as Oracle, Version as OracleVersion};

const CID: &[u8] = b"\x83\x94\xc8\xf0\x3e\x51\x57\x08";

/// An Initial made with the keys of rustls.
struct Sender {
    version: u32,
    src_cid: [u8; 4],
    oracle: OracleVersion,
    key_cid: Vec<u8>,
    dst_cid: Vec<u8>,
    number: u64,
}

impl Sender {
    fn new(version: u32) -> Self {
        let oracle = match version {
            0x6b33_43cf => OracleVersion::V2,
            0xff00_001d..=0xff00_0020 => OracleVersion::V1Draft,
            _ => OracleVersion::V1,
        };
        Sender {
            version,
            src_cid: [1, 2, 3, 4],
            oracle,
            key_cid: CID.to_vec(),
            dst_cid: CID.to_vec(),
            number: 0,
        }
    }

    fn packet(&mut self, frames: &[u8]) -> Vec<u8> {
        let suite = TLS13_AES_128_GCM_SHA256.tls13().unwrap();
        let keys = Oracle::initial(
            self.oracle,
            suite,
            suite.quic_suite().unwrap().quic,
            &self.key_cid,
            Side::Client,
        );
        let kind = if self.version == 0x6b33_43cf { 0x10 } else { 0 };
        let mut packet = vec![0xc0 | kind | 1];
        packet.extend(self.version.to_be_bytes());
        packet.push(self.dst_cid.len() as u8);
        packet.extend(&self.dst_cid);
        packet.push(4);
        packet.extend(self.src_cid);
        packet.push(0);
        let len = 2 + frames.len() + 16;
        packet.extend((0x4000 | len as u16).to_be_bytes());
        let number_at = packet.len();
        packet.extend((self.number as u16).to_be_bytes());
        let header = packet.clone();
        let mut payload = frames.to_vec();
        let tag = keys.local.packet.encrypt_in_place(self.number, &header, &mut payload).unwrap();
        packet.extend(&payload);
        packet.extend(tag.as_ref());
        let sample: Vec<u8> = packet[number_at + 4..number_at + 20].to_vec();
        let (first, rest) = packet.split_at_mut(1);
        let number = &mut rest[number_at - 1..number_at + 1];
        keys.local.header.encrypt_in_place(&sample, &mut first[0], number).unwrap();
        self.number += 1;
        packet
    }
}

fn crypto_frame_of(message: &[u8], from: usize, to: usize) -> Vec<u8> {
    let mut frame = vec![6];
    frame.extend((0x8000_0000 | from as u32).to_be_bytes());
    frame.extend((0x4000 | (to - from) as u16).to_be_bytes());
    frame.extend(&message[from..to]);
    frame
}

fn seen(datagrams: impl IntoIterator<Item = Vec<u8>>) -> Vec<(Channel, String)> {
    let mut bench = Bench::new();
    for datagram in datagrams {
        bench.packet(&udp(50000, 443, &datagram));
    }
    bench.seen()
}

fn quic(name: &str) -> Vec<(Channel, String)> {
    vec![(Channel::Quic, name.to_owned())]
}

#[test]
fn initials_made_with_the_keys_of_rustls_are_opened_in_each_version_it_knows() {
    for version in [1, 0x6b33_43cf, 0xff00_001d, 0xff00_0020, 0xff00_0021, 0xff00_0022] {
        let hello = large_hello("one.example");
        let mut frames = crypto_frame_of(&hello, 0, hello.len());
        frames.extend([0; 40]);
        assert_eq!(seen([Sender::new(version).packet(&frames)]), quic("one.example"), "{version:x}");
    }
}

#[test]
fn a_hello_beyond_four_kilobytes_in_many_datagrams_and_frames_is_joined() {
    let hello = crate::testing::hello_of(&[
        crate::testing::extension(21, &[0; 5000]),
        crate::testing::server_name("big.example"),
    ]);
    let mut sender = Sender::new(1);
    let mut datagrams: Vec<_> = (0..hello.len())
        .step_by(900)
        .map(|from| {
            let (middle, end) = ((from + 400).min(hello.len()), (from + 900).min(hello.len()));
            let mut frames = crypto_frame_of(&hello, middle, end);
            // PING, an ACK with a range, padding, in between.
            frames.extend([1, 2, 9, 0, 1, 0, 1, 1, 0, 0]);
            frames.extend(crypto_frame_of(&hello, from, middle));
            sender.packet(&frames)
        })
        .collect();
    datagrams.reverse();
    // The same once more changes nothing.
    datagrams.extend(datagrams.clone());
    assert_eq!(seen(datagrams), quic("big.example"));
}

#[test]
fn a_duplicate_with_a_hole_is_not_taken_for_a_whole() {
    let hello = large_hello("hole.example");
    let mut sender = Sender::new(1);
    let mut parts = |from, to| sender.packet(&crypto_frame_of(&hello, from, to));
    let end = hello.len();
    let datagrams = [parts(0, 900), parts(0, 900), parts(1200, end)];
    assert_eq!(seen(datagrams.clone()), []);
    let rest = parts(900, 1200);
    assert_eq!(seen(datagrams.into_iter().chain([rest])), quic("hole.example"));
}

#[test]
fn the_keys_stay_when_the_connection_id_changes() {
    let hello = large_hello("moved.example");
    let mut sender = Sender::new(1);
    let first = sender.packet(&crypto_frame_of(&hello, 0, 1000));
    sender.dst_cid = b"server".to_vec();
    let second = sender.packet(&crypto_frame_of(&hello, 1000, hello.len()));
    assert_eq!(seen([first, second]), quic("moved.example"));
}

#[test]
fn keys_are_made_anew_after_a_retry() {
    let hello = large_hello("retried.example");
    let first = Sender::new(1).packet(&crypto_frame_of(&hello, 0, 1000));
    let mut after = Sender::new(1);
    (after.key_cid, after.dst_cid, after.number) = (b"retry".to_vec(), b"retry".to_vec(), 1);
    let second = after.packet(&crypto_frame_of(&hello, 0, 1000));
    let third = after.packet(&crypto_frame_of(&hello, 1000, hello.len()));
    assert_eq!(seen([first, second, third]), quic("retried.example"));
}

#[test]
fn connections_that_share_a_socket_are_told_apart() {
    let (one, two) = (large_hello("one.example"), large_hello("two.example"));
    let (mut first, mut second) = (Sender::new(1), Sender::new(1));
    (second.src_cid, second.key_cid, second.dst_cid) = ([9; 4], b"another!".to_vec(), b"another!".to_vec());
    let datagrams = [
        first.packet(&crypto_frame_of(&one, 0, 900)),
        second.packet(&crypto_frame_of(&two, 0, 900)),
        first.packet(&crypto_frame_of(&one, 900, one.len())),
        second.packet(&crypto_frame_of(&two, 900, two.len())),
    ];
    assert_eq!(seen(datagrams), [quic("one.example"), quic("two.example")].concat());
}

#[test]
fn an_initial_on_a_port_of_dns_is_read() {
    let hello = large_hello("port.example");
    for port in [53, 853, 5353] {
        let packet = Sender::new(1).packet(&crypto_frame_of(&hello, 0, hello.len()));
        let mut bench = Bench::new();
        bench.packet(&udp(50000, port, &packet));
        assert_eq!(bench.seen(), quic("port.example"));
    }
}

#[test]
fn an_initial_behind_another_packet_of_the_datagram_is_read() {
    let hello = large_hello("behind.example");
    let mut sender = Sender::new(1);
    // 0-RTT: the long header of type 1.
    let mut datagram = vec![0xd0, 0, 0, 0, 1, 8];
    datagram.extend(CID);
    datagram.extend([0, 0x20]);
    datagram.extend([0x55; 32]);
    datagram.extend(sender.packet(&crypto_frame_of(&hello, 0, 1000)));
    datagram.extend(sender.packet(&crypto_frame_of(&hello, 1000, hello.len())));
    assert_eq!(seen([datagram]), quic("behind.example"));
}

#[test]
fn the_servers_initials_are_left_alone() {
    let hello = large_hello("once.example");
    let mut bench = Bench::new();
    bench.packet(&udp(50000, 443, &Sender::new(1).packet(&crypto_frame_of(&hello, 0, hello.len()))));
    // It is addressed to the ID that the client chose, and has the server's keys, which are not derived here.
    let mut server = Sender::new(1);
    (server.dst_cid, server.src_cid, server.key_cid) =
        (vec![1, 2, 3, 4], *b"serv", b"of the server".to_vec());
    let answer = server.packet(&[1; 100]);
    let back = crate::testing::udp_header(443, 50000, &answer);
    bench.packet(&crate::testing::ipv4(crate::testing::SERVER, crate::testing::CLIENT, 17, &back));
    assert_eq!(bench.seen(), quic("once.example"));
    assert_eq!(bench.0.counters().undecryptable, 0);
}

#[test]
fn every_prefix_and_every_flipped_byte_is_survived_and_names_nothing() {
    let hello = large_hello("exact.example");
    let packet = Sender::new(1).packet(&crypto_frame_of(&hello, 0, hello.len()));
    let mut bench = Bench::new();
    for len in 0..packet.len() {
        bench.packet(&udp(50000, 443, &packet[..len]));
        let mut flipped = packet.clone();
        flipped[len] ^= 0x40;
        bench.packet(&udp(50001, 443, &flipped));
    }
    assert_eq!(bench.seen(), []);
}

#[test]
fn connections_keep_their_bound_under_a_flood_of_initials_that_blinds_nobody_else() {
    let hello = large_hello("half.example");
    let packet = Sender::new(1).packet(&crypto_frame_of(&hello, 0, 900));
    let other = large_hello("other.example");
    let mut sender = Sender::new(1);
    let halves = [(0, 900), (900, other.len())]
        .map(|(from, to)| udp(50000, 443, &sender.packet(&crypto_frame_of(&other, from, to))));
    let mut bench = Bench::new();
    bench.packet(&halves[0]);
    for port in 1..20_000 {
        let datagram = crate::testing::udp_header(port, 443, &packet);
        bench.packet(&crate::testing::ipv4([203, 0, 113, 9], crate::testing::SERVER, 17, &datagram));
    }
    assert!(bench.0.held_bytes() <= Limits::default().max_held_bytes);
    assert!(bench.0.quic_bytes() <= Limits::default().max_quic_bytes);
    assert!(bench.0.counters().evicted_flows > 0);
    bench.packet(&halves[1]);
    assert_eq!(bench.seen(), quic("other.example"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_cutting_in_any_order_gives_the_name(
        cuts in proptest::collection::btree_set(1usize..1500, 0..20),
        order in proptest::collection::vec(any::<u32>(), 64),
    ) {
        let hello = large_hello("any.example");
        let mut edges: Vec<usize> = cuts.into_iter().collect();
        edges.insert(0, 0);
        edges.push(hello.len());
        let mut sender = Sender::new(1);
        let mut keyed: Vec<_> = edges
            .windows(2)
            .zip(&order)
            .map(|(pair, key)| (*key, sender.packet(&crypto_frame_of(&hello, pair[0], pair[1]))))
            .collect();
        keyed.sort();
        let first = keyed.remove(0).1;
        let again = first.clone();
        let datagrams = [first].into_iter().chain(keyed.into_iter().map(|(_, packet)| packet)).chain([again]);
        prop_assert_eq!(seen(datagrams), quic("any.example"));
    }
}
