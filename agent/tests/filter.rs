//! Both kernel filters in the running kernel: hand-made frames go out on the loopback interface, and a filtered socket
//! tells which of them it gets. Addresses below 127.77.0.0/16 and ::1 with ports of its own tell this test's frames from others.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use common::require;
use pnet::datalink::{self, Channel, DataLinkSender};
use umbrascope_agent::capture::Frames;
use umbrascope_agent::capture::afpacket::{self, LivePackets, Tier};
use umbrascope_agent::capture::filter::flow_aware::STREAM_BYTES;

mod common;

/// Every network namespace has it, and its index is 1.
const LOOPBACK: u32 = 1;
const BUDGET: usize = STREAM_BYTES as usize;

/// A filtered socket, and a sender of frames beside it.
struct Wire {
    packets: LivePackets,
    sender: Box<dyn DataLinkSender>,
}

impl Wire {
    /// `None` where the machine cannot; says so.
    fn new(flow_aware: bool) -> Option<Self> {
        let opened = match afpacket::open(flow_aware) {
            Ok(opened) => opened,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return skip("CAP_NET_RAW"),
            Err(error) => panic!("the filter is not taken: {error}"),
        };
        match opened.tier {
            Tier::Plain { trouble: Some(error) } if error.kind() == ErrorKind::PermissionDenied => {
                return skip("CAP_BPF");
            }
            Tier::Plain { trouble: Some(error) } => panic!("the flow-aware filter is not taken: {error}"),
            Tier::Plain { trouble: None } => assert!(!flow_aware),
            Tier::FlowAware => assert!(flow_aware),
        }
        let packets = LivePackets::on_interface(opened.socket, LOOPBACK).unwrap();
        let lo = datalink::interfaces().into_iter().find(|interface| interface.index == LOOPBACK)?;
        let config = datalink::Config { promiscuous: false, ..datalink::Config::default() };
        let Ok(Channel::Ethernet(sender, _)) = datalink::channel(&lo, config) else { panic!("no sender") };
        Some(Self { packets, sender })
    }

    fn send(&mut self, frame: &[u8]) {
        self.sender.send_to(frame, None).unwrap().unwrap();
    }

    /// Lengths of this test's packets that have arrived since the last look, told by the port they come from. A last frame that
    /// always passes ends the look: frames keep their order.
    fn arrived(&mut self, port: u16) -> Vec<usize> {
        self.send(&ethernet(0x0800, &ipv4(17, &udp(port, 53, b"the end"))));
        let mut lengths = Vec::new();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            let Some(packet) = self.packets.next().unwrap() else { continue };
            let tag = if packet[0] >> 4 == 0 { 4 } else { 0 };
            let packet = &packet[tag..];
            let header = match (packet[0] >> 4, packet[6]) {
                (4, _) => 20,
                // The one extension header of this test.
                (_, 0) => 48,
                _ => 40,
            };
            let mine = packet[0] >> 4 == 6 || packet[12..14] == [127, 77];
            if !mine || packet[header..header + 2] != port.to_be_bytes() {
                continue;
            }
            if packet.ends_with(b"the end") {
                return lengths;
            }
            lengths.push(packet.len());
        }
        panic!("the last frame did not arrive");
    }
}

fn skip<T>(part: &str) -> Option<T> {
    require(part, false);
    None
}

fn ethernet(kind: u16, packet: &[u8]) -> Vec<u8> {
    [&[0; 12][..], &kind.to_be_bytes(), packet].concat()
}

fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, protocol, 0, 0, 127, 77, 0, 1, 127, 77, 0, 2];
    packet.extend_from_slice(payload);
    let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
    packet[2..4].copy_from_slice(&length);
    packet
}

fn ipv6(extensions: &[u8], next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(u16::try_from(extensions.len() + payload.len()).unwrap().to_be_bytes());
    packet.extend([next, 64]);
    packet.extend([[0; 15].as_slice(), &[1], &[0; 15], &[1]].concat());
    [packet.as_slice(), extensions, payload].concat()
}

fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap();
    [&from.to_be_bytes()[..], &to.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload].concat()
}

fn tcp(from: u16, to: u16, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = [&from.to_be_bytes()[..], &to.to_be_bytes(), &sequence.to_be_bytes()].concat();
    segment.extend([0, 0, 0, 0, 0x80, flags, 1, 0, 0, 0, 0, 0]);
    segment.extend([1; 12]);
    segment.extend_from_slice(payload);
    segment
}

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const HEADERS: usize = 20 + 32;
const HELLO: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];

/// An IPv4 segment to port 443.
fn segment(port: u16, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ipv4(6, &tcp(port, 443, sequence, flags, payload)))
}

#[test]
fn both_tiers_judge_single_packets_alike() {
    let port = 41_001;
    let data = |payload: &[u8]| segment(port, 1, ACK, payload);
    let datagram = |to, payload: &[u8]| ethernet(0x0800, &ipv4(17, &udp(port, to, payload)));
    let tagged = |packet: &[u8]| ethernet(0x8100, &[&[0, 9, 8, 0][..], packet].concat());
    let hop_by_hop = [6, 0, 1, 4, 0, 0, 0, 0];
    let cases: Vec<(&str, Vec<u8>, bool)> = vec![
        ("SYN", segment(port, 0, SYN, &[]), true),
        ("hello", data(HELLO), true),
        ("application data", data(&[0x17, 3, 3, 0, 9, 1, 2]), false),
        ("end of a handshake", data(&[0x14, 3, 3, 0, 1, 1, 0x17, 3, 3, 0, 9]), false),
        ("second hello", data(&[0x14, 3, 3, 0, 1, 1, 0x16, 3, 3, 0, 9, 1]), true),
        ("bare ACK", data(&[]), false),
        ("SYN-ACK", segment(port, 0, SYN | ACK, &[]), false),
        ("request", data(b"GET / HTTP/1.1\r\n"), true),
        ("DNS over TCP", ethernet(0x0800, &ipv4(6, &tcp(port, 53, 1, ACK, &[0x17, 3, 1, 1]))), true),
        ("DNS query", datagram(53, &[0x12, 0x34, 1, 0, 0, 1]), true),
        ("QUIC v1 Initial", datagram(443, &[0xc3, 0, 0, 0, 1, 8, 1, 2, 3]), true),
        ("QUIC short header", datagram(443, &[0x43, 0, 0, 0, 1, 8, 1, 2, 3]), false),
        ("DTLS hello", datagram(3478, &[0x16, 0xfe, 0xff, 0, 0]), true),
        ("media", datagram(3478, &[0x80, 0x60, 1, 2, 3, 4, 5, 6]), false),
        ("IPv6 hello", ethernet(0x86dd, &ipv6(&[], 6, &tcp(port, 443, 1, ACK, HELLO))), true),
        (
            "IPv6 behind a header",
            ethernet(0x86dd, &ipv6(&hop_by_hop, 0, &tcp(port, 443, 1, ACK, HELLO))),
            true,
        ),
        ("IPv6 media", ethernet(0x86dd, &ipv6(&[], 17, &udp(port, 3478, &[0x80; 9]))), false),
        ("tagged hello", tagged(&ipv4(6, &tcp(port, 443, 1, ACK, HELLO))), true),
        ("tagged media", tagged(&ipv4(17, &udp(port, 3478, &[0x80; 9]))), false),
        ("ARP", ethernet(0x0806, &[0; 46]), false),
    ];
    for flow_aware in [false, true] {
        let Some(mut wire) = Wire::new(flow_aware) else { return };
        for (name, frame, passes) in &cases {
            wire.send(frame);
            // Each arrives once: the copy that comes in again is dropped.
            assert_eq!(wire.arrived(port).len(), usize::from(*passes), "{name}, flow-aware: {flow_aware}");
        }
    }
}

#[test]
fn the_first_bytes_of_a_stream_pass_and_bulk_never_does() {
    let Some(mut wire) = Wire::new(true) else { return };
    let upload = |wire: &mut Wire, port: u16, from: u32| {
        for number in 0..100 {
            wire.send(&segment(port, from + number * 1000, ACK, &[0x55; 1000]));
        }
        wire.arrived(port)
    };
    let whole = HEADERS + 1000;

    // From its SYN on: 16 segments, and of the seventeenth what is left.
    wire.send(&segment(41_002, 999, SYN, &[]));
    let lengths = upload(&mut wire, 41_002, 1000);
    assert_eq!(lengths, [vec![HEADERS], vec![whole; 16], vec![HEADERS + BUDGET - 16_000]].concat());
    assert_eq!(upload(&mut wire, 41_002, 101_000), [0; 0], "and never again");

    // A stream that was there before the filter: from the first segment seen.
    assert_eq!(upload(&mut wire, 41_003, 5000).len(), 17);

    // Over the wrap of sequence numbers.
    wire.send(&segment(41_004, 0xffff_ff00, SYN, &[]));
    wire.send(&segment(41_004, 0xffff_ff01, ACK, &[1; 400]));
    wire.send(&segment(41_004, 0x91, ACK, &[1; 400]));
    assert_eq!(wire.arrived(41_004), [HEADERS, HEADERS + 400, HEADERS + 400]);

    // One packet of 64 kB, as segmentation offload makes them.
    wire.send(&segment(41_005, 999, SYN, &[]));
    wire.send(&segment(41_005, 1000, ACK, &[0x55; 60_000]));
    wire.send(&segment(41_005, 61_000, ACK, &[0x55; 60_000]));
    assert_eq!(wire.arrived(41_005), [HEADERS, HEADERS + BUDGET]);

    // IPv6 has its own keys.
    for number in 0..100 {
        let segment = tcp(41_006, 443, number * 1000, ACK, &[0x55; 1000]);
        wire.send(&ethernet(0x86dd, &ipv6(&[], 6, &segment)));
    }
    assert_eq!(wire.arrived(41_006).len(), 17);
}

#[test]
fn both_halves_of_a_split_hello_pass_in_either_order_and_late() {
    let Some(mut wire) = Wire::new(true) else { return };
    let first = [HELLO, &[9; 1400]].concat();
    let second = [0x55; 300];
    let halves = |port: u16, start: u32| {
        [segment(port, start, ACK, &first), segment(port, start + first.len() as u32, ACK, &second)]
    };
    for (port, swapped, syn) in [(41_010, false, true), (41_011, true, true), (41_012, true, false)] {
        let [one, two] = halves(port, 1000);
        if syn {
            wire.send(&segment(port, 999, SYN, &[]));
        }
        for frame in if swapped { [&two, &one] } else { [&one, &two] } {
            wire.send(frame);
        }
        assert_eq!(wire.arrived(port).len(), 2 + usize::from(syn), "swapped {swapped}, SYN {syn}");
    }
    // After an upgrade in the middle of a long conversation.
    for number in 0..40 {
        wire.send(&segment(41_013, 1000 + number * 1000, ACK, &[0x55; 1000]));
    }
    assert_eq!(wire.arrived(41_013).len(), 17);
    for frame in halves(41_013, 41_000) {
        wire.send(&frame);
    }
    assert_eq!(wire.arrived(41_013).len(), 2);
    // The next request on a kept connection.
    wire.send(&segment(41_013, 100_000, ACK, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"));
    assert_eq!(wire.arrived(41_013).len(), 1);
}

#[test]
fn a_flood_of_new_streams_hides_no_half_of_a_hello() {
    let Some(mut wire) = Wire::new(true) else { return };
    let first = [HELLO, &[9; 1400]].concat();
    wire.send(&segment(41_020, 999, SYN, &[]));
    wire.send(&segment(41_020, 1000, ACK, &first));
    assert_eq!(wire.arrived(41_020).len(), 2);
    // More streams than the table has room for, none of which is taken for this test's.
    for stream in 0..40_000_u32 {
        let [_, _, high, low] = stream.to_be_bytes();
        let mut packet = ipv4(6, &tcp(41_021, 443, stream, SYN, &[]));
        packet[18..20].copy_from_slice(&[high, low]);
        wire.send(&ethernet(0x0800, &packet));
        if stream % 1000 == 0 {
            wire.arrived(41_021);
        }
    }
    wire.arrived(41_021);
    wire.send(&segment(41_020, 1000 + first.len() as u32, ACK, &[0x55; 300]));
    assert_eq!(wire.arrived(41_020).len(), 1);
}
