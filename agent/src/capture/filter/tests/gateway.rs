//! The gateway's filter against a table of frames.

use super::*;
use crate::capture::filter::gateway;

/// Packet type of what is for another machine (linux/if_packet.h).
const PACKET_OTHERHOST: u32 = 3;

#[track_caller]
fn expect(name: &str, packet: &Packet, verdict: u32) {
    assert_eq!(run(&gateway::tier1(), packet), verdict, "{name}");
}

/// A frame around a packet: these types and tags, then the packet.
fn behind(header: &[u8], packet: Packet) -> Packet {
    let bytes = [&[0x11; 12][..], header, &packet.bytes].concat();
    Packet { kind: PACKET_OTHERHOST, bytes, ..packet }
}

fn frame(packet: Packet) -> Packet {
    let kind = (packet.ethertype as u16).to_be_bytes();
    behind(&kind, packet)
}

fn own(packet: Packet) -> Packet {
    Packet { kind: PACKET_OUTGOING, ..packet }
}

#[test]
fn every_jump_stays_inside_the_program_and_fits_its_byte() {
    check_jumps(&gateway::tier1());
}

#[test]
fn starts_of_other_machines_pass_and_bulk_does_not() {
    let v4 = |payload: &[u8]| frame(ipv4(6, 0, 0x4000, payload));
    expect("SYN", &v4(&tcp(40000, 443, SYN, 20, &[])), SNAP);
    expect("hello", &v4(&tcp(40000, 443, ACK, 12, HELLO)), WHOLE);
    expect("hello for us", &incoming(v4(&tcp(40000, 443, ACK, 12, HELLO))), WHOLE);
    expect("second segment", &v4(&tcp(40000, 443, ACK, 12, &[7; 105])), SNAP);
    expect("HTTP", &v4(&tcp(40000, 80, ACK, 12, b"GET / HTTP/1.1\r\n")), SNAP);
    expect("behind options", &frame(ipv4(6, 40, 0, &tcp(40000, 443, ACK, 12, HELLO))), WHOLE);
    expect(
        "IPv6 behind headers",
        &frame(ipv6(&[(0, 8), (60, 8)], 6, &tcp(40000, 443, ACK, 12, HELLO))),
        WHOLE,
    );
    expect("QUIC", &frame(ipv4(17, 0, 0, &udp(40000, 443, INITIAL_V1))), WHOLE);
    expect("application data", &v4(&tcp(40000, 443, ACK, 12, BULK)), DROP);
    expect("download", &v4(&tcp(443, 40000, ACK, 12, &[5; 1400])), DROP);
    expect("plain download", &v4(&tcp(80, 40000, ACK, 12, &[5; 1400])), DROP);
    expect("QUIC data", &frame(ipv4(17, 0, 0, &udp(40000, 443, &[0x43; 1200]))), DROP);
    expect("ICMP", &frame(ipv4(1, 0, 0, &[8; 64])), DROP);
    expect("fragment", &frame(ipv4(17, 0, 0x2000, &[1; 64])), WHOLE);
}

#[test]
fn of_what_this_machine_sends_only_answers_pass() {
    let query = &[0x12, 0x34, 1, 0, 0, 1];
    let datagram = |source, target| own(frame(ipv4(17, 0, 0, &udp(source, target, query))));
    expect("its hello", &own(frame(ipv4(6, 0, 0, &tcp(40000, 443, ACK, 12, HELLO)))), DROP);
    expect("its query", &datagram(40000, 53), DROP);
    expect("its QUIC", &own(frame(ipv4(17, 0, 0, &udp(40000, 443, INITIAL_V1)))), DROP);
    expect("its fragment", &own(frame(ipv4(17, 0, 0x2000, &[1; 64]))), DROP);
    expect("its tunnel", &own(frame(ipv4(47, 0, 0, &[1; 64]))), DROP);
    expect("DNS answer", &datagram(53, 40000), WHOLE);
    expect("DHCP answer", &datagram(67, 68), WHOLE);
}

#[test]
fn what_tells_whose_address_it_is_passes() {
    let query = &[0x12, 0x34, 1, 0, 0, 1];
    let datagram = |source, target| frame(ipv4(17, 0, 0, &udp(source, target, query)));
    expect("ARP", &frame(Packet { ethertype: 0x0806, ..ipv4(0, 0, 0, &[]) }), WHOLE);
    expect("DHCP request", &datagram(68, 67), WHOLE);
    expect("DHCP answer", &datagram(67, 68), WHOLE);
    expect("multicast DNS", &datagram(5353, 5353), WHOLE);
    expect("query", &datagram(40000, 53), WHOLE);
    expect("answer", &datagram(53, 40000), WHOLE);
}

#[test]
fn tags_labels_and_sessions_are_stepped_over() {
    let hello = || ipv4(6, 0, 0, &tcp(40000, 443, ACK, 12, HELLO));
    let hello6 = || ipv6(&[], 6, &tcp(40000, 443, ACK, 12, HELLO));
    let bulk = || ipv4(6, 0, 0, &tcp(40000, 443, ACK, 12, BULK));
    let headers: [(&str, &[u8], &[u8]); 7] = [
        ("an old QinQ", &[0x91, 0, 0, 9, 0x92, 0, 0, 8, 8, 0], &[0x91, 0, 0, 9, 0x92, 0, 0, 8, 0x86, 0xdd]),
        ("VLAN", &[0x81, 0, 0, 9, 8, 0], &[0x81, 0, 0, 9, 0x86, 0xdd]),
        ("QinQ", &[0x88, 0xa8, 0, 9, 0x81, 0, 0, 8, 8, 0], &[0x88, 0xa8, 0, 9, 0x81, 0, 0, 8, 0x86, 0xdd]),
        ("PPPoE", &[0x88, 0x64, 0x11, 0, 0, 1, 0, 99, 0, 0x21], &[0x88, 0x64, 0x11, 0, 0, 1, 0, 99, 0, 0x57]),
        (
            "PPPoE in a VLAN",
            &[0x81, 0, 0, 9, 0x88, 0x64, 0x11, 0, 0, 1, 0, 99, 0, 0x21],
            &[0x81, 0, 0, 9, 0x88, 0x64, 0x11, 0, 0, 1, 0, 99, 0, 0x57],
        ),
        ("MPLS", &[0x88, 0x47, 0, 1, 0x11, 64], &[0x88, 0x47, 0, 1, 0x11, 64]),
        (
            "three labels",
            &[0x88, 0x47, 0, 1, 0x10, 64, 0, 1, 0x10, 64, 0, 1, 0x11, 64],
            &[0x88, 0x47, 0, 1, 0x10, 64, 0, 1, 0x10, 64, 0, 1, 0x11, 64],
        ),
    ];
    for (name, header, header6) in headers {
        expect(name, &behind(header, hello()), WHOLE);
        expect(name, &behind(header6, hello6()), WHOLE);
        expect(name, &behind(header, bulk()), DROP);
    }
    expect("three tags", &behind(&[0x81, 0, 0, 9, 0x81, 0, 0, 9, 0x81, 0, 0, 9, 8, 0], hello()), DROP);
    expect("PPP control", &behind(&[0x88, 0x64, 0x11, 0, 0, 1, 0, 99, 0xc0, 0x21], hello()), DROP);
    expect("an Ethernet pseudowire", &behind(&[0x88, 0x47, 0, 1, 0x11, 64, 0, 0, 0, 0], hello()), WHOLE);
    expect("PBB", &behind(&[0x88, 0xe7, 0, 0, 0, 1], hello()), WHOLE);
    expect("802.2", &behind(&[0, 99, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0], hello()), WHOLE);
    expect("LLDP", &behind(&[0x88, 0xcc], hello()), DROP);
}

#[test]
fn tunnels_pass_whole() {
    for protocol in [4, 41, 47, 51, 97, 137] {
        expect("tunnel", &frame(ipv4(protocol, 0, 0, &[9; 200])), WHOLE);
        expect("tunnel in IPv6", &frame(ipv6(&[], protocol, &[9; 200])), WHOLE);
    }
    for port in [4789, 8472, 4790, 6081, 4754, 6635, 4341, 37008, 2152, 5247, 1701, 3544] {
        expect("tunnel over UDP", &frame(ipv4(17, 0, 0, &udp(40000, port, &[9; 200]))), WHOLE);
    }
}

#[test]
fn a_frame_cut_anywhere_ends_the_program_without_a_panic() {
    let program = gateway::tier1();
    let header = &[0x81, 0, 0, 9, 0x88, 0x47, 0, 1, 0x11, 64];
    for packet in [
        frame(ipv4(6, 8, 0, &tcp(40000, 443, ACK, 12, HELLO))),
        behind(header, ipv6(&[(0, 8), (43, 24)], 17, &udp(40000, 443, INITIAL_V1))),
    ] {
        for length in 0..packet.bytes.len() {
            let cut = Packet { bytes: packet.bytes[..length].to_vec(), ..packet.clone() };
            run(&program, &cut);
        }
    }
}
