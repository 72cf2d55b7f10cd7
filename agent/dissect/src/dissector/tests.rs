//! Packets through all layers.

use super::*;
use crate::Channel;
use crate::testing::{
    Bench, CLIENT, SERVER, ipv4, large_hello, query, records, rustls_records, seen_in, syn, tcp, udp,
    udp_header,
};
use proptest::prelude::*;

fn dns(name: &str) -> Vec<(Channel, String)> {
    vec![(Channel::Dns, name.to_owned())]
}

fn fragments(packet: &[u8], size: usize) -> Vec<Vec<u8>> {
    let (header, payload) = packet.split_at(20);
    let count = payload.len().div_ceil(size);
    (0..count)
        .map(|piece| {
            let mut fragment = header.to_vec();
            let bytes = &payload[piece * size..payload.len().min((piece + 1) * size)];
            fragment.extend(bytes);
            let more = if piece + 1 < count { 0x2000 } else { 0 };
            let flags = (more | (piece * size / 8) as u16).to_be_bytes();
            fragment[6..8].copy_from_slice(&flags);
            let len = (fragment.len() as u16).to_be_bytes();
            fragment[2..4].copy_from_slice(&len);
            fragment
        })
        .collect()
}

#[test]
fn names_on_dns_mdns_and_llmnr_ports_are_told_apart() {
    let seen = seen_in([53, 5353, 5355].map(|port| udp(4000, port, &query("a.example"))));
    let channels: Vec<_> = seen.iter().map(|(channel, _)| *channel).collect();
    assert_eq!(channels, [Channel::Dns, Channel::Mdns, Channel::Llmnr]);
}

#[test]
fn the_client_is_the_source_of_the_flow() {
    let mut bench = Bench::new();
    bench.packet(&tcp(1, &rustls_records("a.example")));
    let observation = bench.observations().remove(0);
    assert_eq!(observation.flow.src, (CLIENT, 40000).into());
    assert_eq!(observation.flow.dst, (SERVER, 443).into());
    assert_eq!(observation.alpn.as_deref(), Some("h2"));
}

#[test]
fn fragments_in_any_order_make_a_datagram() {
    let packet = udp(4000, 53, &query("a-name-that-needs-three-fragments.example"));
    let mut pieces = fragments(&packet, 24);
    assert!(pieces.len() >= 3);
    assert_eq!(seen_in(&pieces), dns("a-name-that-needs-three-fragments.example"));
    pieces.reverse();
    assert_eq!(seen_in(&pieces), dns("a-name-that-needs-three-fragments.example"));
    pieces.pop();
    assert_eq!(seen_in(&pieces), []);
}

#[test]
fn fragments_of_a_flood_keep_the_bound() {
    let mut bench = Bench::new();
    for flow in 0..20_000_u32 {
        let mut fragment = fragments(&udp(4000, 53, &[1; 2000]), 1400).remove(0);
        fragment[4..6].copy_from_slice(&(flow as u16).to_be_bytes());
        fragment[13] = (flow >> 16) as u8;
        bench.packet(&fragment);
    }
    assert!(bench.0.held_bytes() <= Limits::default().max_held_bytes);
}

/// Whether a hello in two segments is still found with these packets in between.
fn survives(flood: impl IntoIterator<Item = Vec<u8>>) -> bool {
    let hello = records(&large_hello("victim.example"), 16000);
    let (first, second) = hello.split_at(1448);
    let mut bench = Bench::new();
    bench.packet(&syn(99));
    bench.packet(&tcp(100, first));
    for packet in flood {
        bench.packet(&packet);
    }
    assert!(bench.0.held_bytes() <= Limits::default().max_held_bytes);
    assert!(bench.0.quic_bytes() <= Limits::default().max_quic_bytes);
    bench.packet(&tcp(100 + 1448, second));
    bench.seen() == [(Channel::Tls, "victim.example".to_owned())]
}

#[test]
fn a_sweep_of_one_network_does_not_blind() {
    let half = &records(&large_hello("half.example"), 16000)[..1448];
    let segment = [crate::testing::tcp_header(40000, 443, 100, 0x18), half.to_vec()].concat();
    assert!(survives((0..20_000_u64).map(|host| {
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend((segment.len() as u16).to_be_bytes());
        packet.extend([6, 64]);
        // Every source of one /64, every destination another.
        packet.extend(
            [0x2001_0db8_0000_0001, host, 0x2001_0db8_0000_0002, host].map(u64::to_be_bytes).concat(),
        );
        packet.extend(&segment);
        packet
    })));
}

#[test]
fn fragments_of_one_source_do_not_blind() {
    assert!(survives((0..20_000_u32).map(|number| {
        let mut fragment = fragments(&udp(4000, 53, &[1; 2000]), 1400).remove(0);
        fragment[4..6].copy_from_slice(&(number as u16).to_be_bytes());
        fragment[12..16].copy_from_slice(&[203, 0, 113, 9]);
        fragment[16] = (number >> 16) as u8;
        fragment
    })));
}

#[test]
fn made_up_sources_blind_no_sooner_than_a_whole_table_of_them_comes() {
    let half = &records(&large_hello("half.example"), 16000)[..1448];
    let packet = crate::testing::tcp_from(CLIENT, 40000, 100, 0x18, half);
    // Between the halves of a hello lie some microseconds, at worst a round trip.
    let flood = |count: u32| {
        let packet = packet.clone();
        (0..count).map(move |source| {
            let mut packet = packet.clone();
            packet[12..16].copy_from_slice(&(0xcb00_0000 + source * 7).to_be_bytes());
            packet
        })
    };
    assert!(survives(flood(2000)));
    assert!(!survives(flood(5000)), "or the bound above is too modest");
}

/// After a flood the tables become small again, while a stream that goes on is still known.
#[test]
fn what_a_flood_left_is_swept_away() {
    let hello = records(&large_hello("victim.example"), 16000);
    let quiet = |minutes: u64| Timestamp(minutes * 60_000_000);
    let mut bench = Bench::new();
    assert!(!bench.0.handle_timeout(quiet(1)));
    for source in 0..40_000_u32 {
        let mut packet = crate::testing::tcp_from(CLIENT, 40000, 100, 2, &[]);
        packet[12..16].copy_from_slice(&(0xcb00_0000 + source).to_be_bytes());
        bench.packet(&packet);
    }
    bench.packet(&syn(99));
    assert_eq!(bench.0.next_timeout(), Some(quiet(3)), "it is not waited for a packet");
    assert!(!bench.0.handle_timeout(quiet(3)), "all came since the tables were swept last");
    // An interactive line now and then.
    bench.packet(&tcp(100, b"EHLO client.example\r\n"));
    assert!(bench.0.handle_timeout(quiet(5)));
    assert_eq!((bench.0.tcp.len(), bench.0.next_timeout()), (1, None));
    bench.packet(&tcp(121, &hello));
    assert_eq!(bench.seen(), [(Channel::Tls, "victim.example".to_owned())]);
}

#[test]
fn padding_behind_the_ip_length_is_no_payload() {
    let hello = records(&large_hello("padded.example"), 16000);
    let (first, second) = hello.split_at(3);
    let mut padded = tcp(100, first);
    padded.extend([0xee; 3]);
    let seen = seen_in([syn(99), padded, tcp(103, second)]);
    assert_eq!(seen, [(Channel::Tls, "padded.example".to_owned())]);
}

#[test]
fn a_total_length_of_zero_is_a_segmentation_offload() {
    let mut packet = tcp(100, &rustls_records("offload.example"));
    packet[2..4].copy_from_slice(&[0, 0]);
    assert_eq!(seen_in([packet]), [(Channel::Tls, "offload.example".to_owned())]);
}

#[test]
fn tunnels_are_followed_and_their_depth_has_an_end() {
    let inner = udp(4000, 53, &query("in.example"));
    let ethernet = [&[0; 12][..], &[8, 0], &inner].concat();
    let ip6 = |next: u8, payload: &[u8]| {
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend((payload.len() as u16).to_be_bytes());
        packet.extend([next, 64]);
        packet.extend([0x20; 32]);
        packet.extend(payload);
        packet
    };
    let over_udp = |port, header: &[u8], payload: &[u8]| udp(9000, port, &[header, payload].concat());
    let cases = [
        ("IP in IP", ipv4(CLIENT, SERVER, 4, &inner)),
        ("GRE", ipv4(CLIENT, SERVER, 47, &[&[0, 0, 8, 0][..], &inner].concat())),
        (
            "GRE with key and sequence",
            ipv4(CLIENT, SERVER, 47, &[&[0x30, 0, 8, 0, 1, 1, 1, 1, 2, 2, 2, 2][..], &inner].concat()),
        ),
        ("GRE with Ethernet", ipv4(CLIENT, SERVER, 47, &[&[0, 0, 0x65, 0x58][..], &ethernet].concat())),
        ("VXLAN", over_udp(4789, &[8, 0, 0, 0, 0, 0, 1, 0], &ethernet)),
        ("Geneve", over_udp(6081, &[1, 0, 0x65, 0x58, 0, 0, 1, 0, 9, 9, 9, 9], &ethernet)),
        ("GTP-U", over_udp(2152, &[0x30, 0xff, 0, 0, 0, 0, 0, 1], &inner)),
        (
            "GTP-U with an extension",
            over_udp(2152, &[0x34, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 9, 9, 0], &inner),
        ),
        ("MPLS over UDP", over_udp(6635, &[0, 0, 0x11, 0x40], &inner)),
        ("LISP", over_udp(4341, &[0; 8], &inner)),
        ("TZSP", over_udp(37008, &[1, 0, 0, 1, 10, 1, 0, 0, 1], &ethernet)),
        ("L2TP", over_udp(1701, &[0, 2, 0, 1, 0, 1, 0xff, 3, 0, 0x21], &inner)),
        (
            "IPv6 with extension headers",
            ip6(0, &[&[60, 0, 1, 4, 0, 0, 0, 0][..], &[17, 1], &[0; 14], &inner[20..]].concat()),
        ),
        ("an atomic fragment", ip6(44, &[&[17, 0, 0, 0, 0, 0, 0, 1][..], &inner[20..]].concat())),
        ("6in4", ipv4(CLIENT, SERVER, 41, &ip6(17, &udp_header(4000, 53, &query("in.example"))))),
    ];
    for (name, packet) in cases {
        assert_eq!(seen_in([packet]), dns("in.example"), "{name}");
    }
    let mut deep = inner;
    for _ in 0..MAX_LAYERS + 1 {
        deep = ipv4(CLIENT, SERVER, 4, &deep);
    }
    let mut bench = Bench::new();
    bench.packet(&deep);
    assert_eq!((bench.seen(), bench.0.counters().too_deep), (vec![], 1));
}

#[test]
fn tags_that_a_packet_socket_leaves_in_the_packet_are_stepped_over() {
    let inner = udp(4000, 53, &query("in.example"));
    let seen = |packet: &[u8]| {
        let mut bench = Bench::new();
        bench.0.handle_frame(Timestamp(0), LinkType::LinuxPacket, packet);
        bench.seen()
    };
    let headers: [&[u8]; 4] = [&[], &[0, 9, 8, 0], &[0x40, 9, 8, 0], &[0x60, 9, 0x81, 0, 0, 9, 8, 0]];
    for header in headers {
        assert_eq!(seen(&[header, &inner[..]].concat()), dns("in.example"), "{header:x?}");
    }
    // A packet of 2048 bytes, whose length looks like the type of IPv4.
    let mut long = udp(4000, 53, &[&query("in.example")[..], &[0x45; 1990]].concat());
    long.resize(2048, 0x45);
    long[2..6].copy_from_slice(&[8, 0, 0x45, 0]);
    assert_eq!(seen(&long), dns("in.example"));
}

#[test]
fn every_link_type_leads_to_the_packet() {
    let inner = udp(4000, 53, &query("in.example"));
    let snap = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    let wifi = [&[0x08, 0x01][..], &[0; 22], &snap].concat();
    let cases: [(u32, &[u8]); 17] = [
        (0, &[2, 0, 0, 0]),
        (0, &[0, 0, 0, 2]),
        (1, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0]),
        (1, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 0, 0, 9, 8, 0]),
        (1, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0xa8, 0, 9, 0x81, 0, 0, 9, 8, 0]),
        (1, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0x47, 0, 0, 0x10, 9, 0, 0, 0x11, 9]),
        (1, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0x64, 0x11, 0, 0, 1, 0, 0, 0, 0x21]),
        (1, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x89, 0x26, 0, 0, 0, 0, 8, 0]),
        (1, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x89, 0x2f, 0, 0, 0, 0, 8, 0]),
        (9, &[0xff, 3, 0, 0x21]),
        (101, &[]),
        (228, &[]),
        (104, &[0x0f, 0, 8, 0]),
        (113, &[0, 4, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0]),
        (276, &[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 4, 6, 1, 2, 3, 4, 5, 6, 0, 0]),
        (105, &wifi),
        (127, &[&[0, 0, 9, 0, 0, 0, 0, 0, 0][..], &wifi].concat()),
    ];
    for (number, header) in cases {
        let link = LinkType::from_dlt(number).unwrap();
        let mut bench = Bench::new();
        bench.0.handle_frame(Timestamp(0), link, &[header, &inner[..]].concat());
        assert_eq!(bench.seen(), dns("in.example"), "{number} {header:x?}");
    }
    assert_eq!(LinkType::from_dlt(147), None);
}

#[test]
fn every_subframe_of_an_aggregate_is_read() {
    let subframe = |name: &str| {
        let packet = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &udp(4000, 53, &query(name))].concat();
        let mut subframe = [&[2; 12][..], &(packet.len() as u16).to_be_bytes(), &packet].concat();
        subframe.resize(subframe.len().next_multiple_of(4), 0);
        subframe
    };
    let header = [&[0x88, 0x01][..], &[0; 22], &[0x80, 0]].concat();
    let frame = [header, subframe("first.example"), subframe("second.example"), vec![0xee; 4]].concat();
    let mut bench = Bench::new();
    bench.0.handle_frame(Timestamp(0), LinkType::Ieee80211, &frame);
    assert_eq!(bench.seen(), [dns("first.example"), dns("second.example")].concat());
}

#[test]
fn an_unpolled_queue_has_an_end() {
    let packet = udp(4000, 53, &query("a.example"));
    let mut bench = Bench::new();
    for _ in 0..10_000 {
        bench.packet(&packet);
    }
    assert_eq!(bench.seen().len() as u64 + bench.0.counters().unpolled, 10_000);
    assert!(bench.0.counters().unpolled > 0);
}

const LINKS: [LinkType; 14] = [
    LinkType::Null,
    LinkType::Ethernet,
    LinkType::Raw,
    LinkType::Ipv4,
    LinkType::Ipv6,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
    LinkType::Ieee80211,
    LinkType::Radiotap,
    LinkType::Avs,
    LinkType::Ppi,
    LinkType::Ppp,
    LinkType::PppEther,
    LinkType::CiscoHdlc,
];

proptest! {
    #[test]
    fn arbitrary_frames_are_survived(
        frames in proptest::collection::vec((0usize..14, proptest::collection::vec(any::<u8>(), 0..200)), 1..20),
    ) {
        let mut dissector = Dissector::new(Limits::default());
        for (link, frame) in &frames {
            dissector.handle_frame(Timestamp(0), LINKS[*link], frame);
        }
        dissector.finish();
        prop_assert_eq!(dissector.held_bytes(), 0);
    }

    #[test]
    fn arbitrary_transports_and_payloads_are_survived(
        packets in proptest::collection::vec(
            (any::<u8>(), prop_oneof![Just(53u16), Just(443), Just(4789), Just(2152), Just(5247), Just(3389), Just(3544), any::<u16>()],
             prop_oneof![Just(vec![]), Just(vec![0x16, 3, 1]), Just(vec![0xc0, 0, 0, 0, 1]), Just(b"CHLO".to_vec()), Just(vec![22, 0xfe, 0xfd, 0, 0])],
             proptest::collection::vec(any::<u8>(), 0..120), any::<bool>(), 0u32..300),
            1..20),
    ) {
        let mut bench = Bench::new();
        for (protocol, port, prefix, bytes, is_tcp, sequence) in packets {
            let payload = [prefix, bytes].concat();
            let packet = if is_tcp {
                let header = crate::testing::tcp_header(1, port, sequence, protocol & 0x1f);
                ipv4(CLIENT, SERVER, 6, &[header, payload].concat())
            } else if protocol & 1 == 0 {
                udp(4000, port, &payload)
            } else {
                ipv4(CLIENT, SERVER, protocol, &payload)
            };
            bench.packet(&packet);
        }
        bench.0.finish();
        prop_assert_eq!(bench.0.held_bytes(), 0);
    }

    #[test]
    fn flipped_and_cut_captures_are_survived(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..3),
    ) {
        let hello = records(&large_hello("real.example"), 700);
        let mut packets = vec![
            syn(99), tcp(800, &hello[700..]), tcp(100, &hello[..700]), udp(4000, 53, &query("real.example")),
            udp(9000, 4789, &[&[8, 0, 0, 0, 0, 0, 1, 0][..], &[0; 12], &[8, 0], &udp(1, 53, &query("b.example"))].concat()),
        ];
        packets.extend(fragments(&udp(4000, 53, &query("some.longer.name.example")), 24));
        for (packet, at, bits) in flips {
            let packet = packet.index(packets.len());
            let at = at.index(packets[packet].len());
            packets[packet][at] ^= bits;
        }
        for (packet, at) in cuts {
            let packet = packet.index(packets.len());
            let at = at.index(packets[packet].len());
            packets[packet].truncate(at.max(1));
        }
        let mut bench = Bench::new();
        for packet in &packets {
            bench.packet(packet);
        }
        bench.0.finish();
        prop_assert_eq!(bench.0.held_bytes(), 0);
    }
}
