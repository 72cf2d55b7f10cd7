//! Streams in every order and cutting.

use super::*;
use crate::testing::{
    Bench, CLIENT, cname, ipv4, large_hello, query, records, response, rustls_records, seen_in, syn, tcp,
    tcp_from, tcp_header,
};
use proptest::prelude::*;

fn tls(name: &str) -> Vec<(Channel, String)> {
    vec![(Channel::Tls, name.to_owned())]
}

#[test]
fn a_hello_in_one_segment_is_found_with_and_without_its_syn() {
    let hello = rustls_records("one.example");
    assert_eq!(seen_in([syn(99), tcp(100, &hello)]), tls("one.example"));
    assert_eq!(seen_in([tcp(100, &hello)]), tls("one.example"));
}

#[test]
fn swapped_halves_join_with_and_without_the_syn() {
    let hello = records(&large_hello("swapped.example"), 16000);
    let (first, second) = hello.split_at(1448);
    let (first, second) = (tcp(100, first), tcp(100 + 1448, second));
    assert_eq!(seen_in([&syn(99), &second, &first]), tls("swapped.example"));
    assert_eq!(seen_in([&second, &first]), tls("swapped.example"));
    assert_eq!(seen_in([&first, &first, &second, &second, &first]), tls("swapped.example"));
}

#[test]
fn sequence_numbers_may_wrap() {
    let hello = records(&large_hello("wrap.example"), 16000);
    let (first, second) = hello.split_at(700);
    let start = 0_u32.wrapping_sub(300);
    let packets = [syn(start.wrapping_sub(1)), tcp(start.wrapping_add(700), second), tcp(start, first)];
    assert_eq!(seen_in(packets), tls("wrap.example"));
}

#[test]
fn different_bytes_in_a_second_copy_are_counted_and_the_first_stay() {
    let hello = records(&large_hello("first.example"), 16000);
    let other = records(&large_hello("other.example"), 16000);
    let mut bench = Bench::new();
    for packet in [syn(99), tcp(1100, &hello[1000..]), tcp(1000, &other[900..]), tcp(100, &hello[..900])] {
        bench.packet(&packet);
    }
    assert_eq!(bench.seen(), tls("first.example"));
    assert_eq!(bench.0.counters().conflicts, 1);
}

#[test]
fn hellos_after_an_upgrade_are_found_in_any_order() {
    let hello = records(&large_hello("mail.example"), 16000);
    let (first, second) = hello.split_at(1000);
    let start = 100 + 21;
    let lines = tcp(100, b"EHLO me\r\nSTARTTLS   \r\n");
    let (first, second) = (tcp(start + 1, first), tcp(start + 1 + 1000, second));
    assert_eq!(seen_in([&syn(99), &lines, &first, &second]), tls("mail.example"));
    assert_eq!(seen_in([&syn(99), &lines, &second, &first]), tls("mail.example"));
    assert_eq!(seen_in([&syn(99), &first, &lines, &second]), tls("mail.example"));
    assert_eq!(seen_in([&lines, &first, &second]), tls("mail.example"));
}

#[test]
fn what_a_proxy_is_asked_for_and_the_hello_inside_are_both_found() {
    let hello = rustls_records("inner.example");
    let connect = b"CONNECT inner.example:443 HTTP/1.1\r\nHost: inner.example:443\r\n\r\n";
    let socks = [&b"\x05\x01\0"[..], b"\x05\x01\0\x03\x0dinner.example\x01\xbb"];
    let expected = vec![(Channel::Http, "inner.example".to_owned()), tls("inner.example").remove(0)];
    let after = 100 + connect.len() as u32;
    assert_eq!(seen_in([syn(99), tcp(100, connect), tcp(after, &hello)]), expected);
    assert_eq!(seen_in([syn(99), tcp(100, &[&connect[..], &hello].concat())]), expected);
    let after = 103 + socks[1].len() as u32;
    assert_eq!(seen_in([syn(99), tcp(100, socks[0]), tcp(103, socks[1]), tcp(after, &hello)]), expected);
    let header = b"PROXY TCP4 192.0.2.1 198.51.100.2 1000 443\r\n";
    assert_eq!(seen_in([syn(99), tcp(100, &[&header[..], &hello].concat())]), tls("inner.example"));
}

#[test]
fn what_a_proxy_is_asked_for_is_told_though_the_hello_inside_overtakes_it() {
    let hello = rustls_records("inner.example");
    let expected = vec![tls("inner.example").remove(0), (Channel::Http, "proxy.example".to_owned())];
    for front in [
        &b"CONNECT proxy.example:443 HTTP/1.1\r\n\r\n"[..],
        b"\x05\x01\0\x05\x01\0\x03\x0dproxy.example\x01\xbb",
    ] {
        let front_bytes = front;
        let inside = tcp(100 + front.len() as u32, &hello);
        let front = tcp(100, front);
        assert_eq!(seen_in([&syn(99), &inside, &front, &front, &inside]), expected);
        let (first, second) = hello.split_at(90);
        let both = tcp(100, &[front_bytes, first].concat());
        let inside = tcp(100 + front_bytes.len() as u32, &first[..50]);
        let rest = tcp(100 + front_bytes.len() as u32 + 90, second);
        let mut seen = seen_in([&syn(99), &rest, &inside, &both]);
        seen.sort();
        assert_eq!(seen, expected);
    }
}

#[test]
fn a_hello_in_the_segment_of_what_asks_for_it_is_found() {
    let hello = rustls_records("same.example");
    let mysql = [&[32, 0, 0, 1, 0, 0x0a, 0, 0, 0, 0, 0, 1, 45][..], &[0; 23]].concat();
    let fronts: [&[u8]; 7] = [
        b"EHLO me\r\nSTARTTLS\r\n",
        b"a1 STARTTLS\r\n",
        b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037",
        b"\0\0\0\x08\x04\xd2\x16\x2f",
        &mysql,
        b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0",
    ];
    for front in fronts {
        let stream = [front, &hello].concat();
        for cut in [1].into_iter().chain(front.len()..front.len() + 30) {
            let (first, second) = stream.split_at(cut);
            let packets = [syn(99), tcp(100, first), tcp(100 + cut as u32, second)];
            assert_eq!(seen_in(packets), tls("same.example"), "{front:x?} cut at {cut}");
        }
    }
}

#[test]
fn a_hello_in_the_middle_of_what_is_carried_is_not_one() {
    let hello = rustls_records("carried.example");
    let body = [b"HTTP/1.1 200 OK\r\n\r\n some bytes of a file", &hello[..]].concat();
    assert_eq!(seen_in([syn(99), tcp(100, &body)]), []);
}

#[test]
fn each_request_of_a_connection_names_its_host() {
    let requests = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\nGET / HTTP/1.1\r\nHost: b.example\r\n\r\n";
    let third = b"GET / HTTP/1.1\r\nHost: c.example\r\n\r\n";
    let seen = seen_in([syn(99), tcp(100, requests), tcp(100 + requests.len() as u32, third)]);
    let names: Vec<_> = seen.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["a.example", "b.example", "c.example"]);
}

#[test]
fn requests_behind_bodies_are_found_and_what_bodies_carry_is_not() {
    let carried = "GET / HTTP/1.1\r\nHost: carried.example\r\n\r\n";
    let stream = [
        &format!("POST /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: {}\r\n\r\n", carried.len()),
        carried,
        "POST /b HTTP/1.1\r\nHost: b.example\r\nTransfer-Encoding: chunked\r\n\r\n",
        &format!("{:x}\r\n{carried}\r\n0\r\n\r\n", carried.len()),
        "GET /c HTTP/1.1\r\nHost: c.example\r\n\r\n",
    ]
    .concat();
    for cut in (1..stream.len()).filter(|&cut| !stream[..cut].ends_with("example")) {
        let (first, second) = stream.as_bytes().split_at(cut);
        let seen = seen_in([syn(99), tcp(100, first), tcp(100 + cut as u32, second)]);
        let names: Vec<_> = seen.iter().map(|(_, name)| name.as_str()).collect();
        // A head is read as far as it goes once it has told its host; its body is not known then.
        let in_head = [&stream[..cut]].iter().any(|text| {
            let head = &text[text.rfind("HTTP/1.1").unwrap_or(0)..];
            head.contains(".example\r\n") && !head.contains("\r\n\r\n")
        });
        if !in_head {
            assert_eq!(names, ["a.example", "b.example", "c.example"], "cut at {cut}");
        }
    }
}

#[test]
fn dns_messages_of_a_stream_are_all_read_however_it_is_cut() {
    let message = |name| [&(query(name).len() as u16).to_be_bytes()[..], &query(name)].concat();
    let stream = [message("a.example"), message("b.example")].concat();
    for cut in 1..stream.len() {
        let packet = |at: usize, bytes: &[u8]| {
            ipv4(
                CLIENT,
                [198, 51, 100, 3],
                6,
                &[tcp_header(4000, 53, at as u32, 0x18), bytes.to_vec()].concat(),
            )
        };
        let seen = seen_in([packet(cut, &stream[cut..]), packet(0, &stream[..cut])].iter().rev());
        let names: Vec<_> = seen.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["a.example", "b.example"], "cut at {cut}");
    }
}

#[test]
fn a_stream_that_was_under_way_before_counts_as_that_and_one_seen_from_its_syn_as_given_up() {
    let (mut late, mut lost) = (Bench::new(), Bench::new());
    late.packet(&tcp(5000, &[0x55; 200]));
    let hello = records(&large_hello("lost.example"), 16000);
    lost.packet(&syn(99));
    lost.packet(&tcp(1100, &hello[1000..]));
    let mut overflowing = Bench::new();
    for at in 0..20 {
        overflowing.packet(&tcp(5000 + 1000 * at, &[0x55; 1000]));
    }
    for (bench, headless, abandoned) in [(late, 1, 0), (lost, 0, 1), (overflowing, 1, 0)] {
        let mut dissector = bench.0;
        dissector.finish();
        let counters = dissector.counters();
        assert_eq!((counters.headless, counters.abandoned), (headless, abandoned));
    }
}

#[test]
fn answers_of_a_stream_are_all_read_whether_its_beginning_was_seen_or_not() {
    let message = |name: &str| {
        let message = response(name, &[cname(name, "target.example")]);
        [&(message.len() as u16).to_be_bytes()[..], &message].concat()
    };
    let stream = [message("a.example"), message("b.example")].concat();
    let packet = |sequence: u32, flags: u8, bytes: &[u8]| {
        let segment = [tcp_header(53, 4000, sequence, flags), bytes.to_vec()].concat();
        ipv4([198, 51, 100, 3], CLIENT, 6, &segment)
    };
    let asked =
        vec![(Channel::DnsAnswer, "a.example".to_owned()), (Channel::DnsAnswer, "b.example".to_owned())];
    let (first, second) = stream.split_at(30);
    for packets in [
        vec![packet(9, 0x12, b""), packet(10, 0x18, first), packet(10 + 30, 0x18, second)],
        vec![packet(10, 0x18, &stream)],
    ] {
        assert_eq!(seen_in(packets), asked);
    }
}

#[test]
fn a_second_hello_counts_and_a_retransmitted_one_does_not() {
    let hello = rustls_records("again.example");
    let next = 100 + hello.len() as u32;
    let second = [&b"\x14\x03\x03\0\x01\x01"[..], &hello].concat();
    let seen = seen_in([tcp(100, &hello), tcp(100, &hello), tcp(next, &second), tcp(next, &second)]);
    assert_eq!(seen.len(), 2);
}

#[test]
fn a_new_connection_on_the_same_ports_starts_anew() {
    let first = rustls_records("first.example");
    let second = rustls_records("second.example");
    let seen = seen_in([syn(99), tcp(100, &first), syn(9), tcp(10, &second)]);
    assert_eq!(seen.len(), 2);
    let seen = seen_in([tcp(900_000, &first), tcp(10, &second)]);
    assert_eq!(seen.len(), 2, "also where its SYN was missed");
}

#[test]
fn a_hello_whose_rest_never_comes_is_reported_at_the_end_if_its_name_came() {
    let hello = records(
        &crate::testing::hello_of(&[
            crate::testing::server_name("cut.example"),
            crate::testing::extension(21, &[0; 1500]),
        ]),
        16000,
    );
    let mut bench = Bench::new();
    bench.packet(&tcp(100, &hello[..1000]));
    assert_eq!(bench.seen(), []);
    let due = bench.0.next_timeout().unwrap();
    bench.0.handle_timeout(due);
    assert_eq!(bench.seen(), tls("cut.example"));
    assert_eq!((bench.0.next_timeout(), bench.0.counters().partial_hellos), (None, 1));
    bench.packet(&tcp(1100, &hello[1000..]));
    assert_eq!(bench.seen(), [], "and not a second time");
}

#[test]
fn a_hello_whose_first_bytes_are_missing_is_told_by_its_end() {
    let hello = records(
        &crate::testing::hello_of(&[
            crate::testing::extension(51, &[0; 1400]),
            crate::testing::server_name("tail.example"),
            crate::testing::extension(10, &[0, 2, 0, 29]),
            crate::testing::extension(43, &[2, 3, 4]),
        ]),
        16000,
    );
    let tail = || tcp(100 + 1448, &hello[1448..]);
    let end = 100 + hello.len() as u32;
    let then =
        |bytes: Vec<u8>| tcp(end, &[&b"\x14\x03\x03\0\x01\x01\x17\x03\x03\x40\0"[..], &bytes].concat());
    for (packets, at_once) in [
        (vec![tail()], false),
        (vec![tail(), then(vec![1; 100])], false),
        (vec![tail(), then(vec![1; 9000])], true),
    ] {
        let mut bench = Bench::new();
        packets.iter().for_each(|packet| bench.packet(packet));
        assert_eq!(bench.seen(), if at_once { tls("tail.example") } else { vec![] });
        bench.0.finish();
        assert_eq!(bench.seen(), if at_once { vec![] } else { tls("tail.example") });
        assert_eq!((bench.0.counters().partial_hellos, bench.0.counters().headless), (1, 0));
    }
    // Or with a hole in it.
    let mut bench = Bench::new();
    [syn(99), tcp(100, &hello[..700]), tail()].iter().for_each(|packet| bench.packet(packet));
    bench.0.finish();
    assert_eq!(bench.seen(), tls("tail.example"));
}

#[test]
fn a_flood_of_half_open_hellos_does_not_blind() {
    let hello = records(&large_hello("victim.example"), 16000);
    let (first, second) = hello.split_at(1448);
    let mut bench = Bench::new();
    bench.packet(&syn(99));
    bench.packet(&tcp(100, first));
    for flow in 0..200_000_u32 {
        let [_, a, b, c] = flow.to_be_bytes();
        let packet = tcp_from(
            [203, 0, 113, 9],
            1024 + u16::from(a),
            u32::from_be_bytes([0, 0, b, c]) << 16,
            0x18,
            first,
        );
        bench.packet(&ipv4([203, 0, 113, 9], [10, a, b, c], 6, &packet[20..]));
    }
    assert!(bench.0.held_bytes() <= crate::Limits::default().max_held_bytes);
    assert!(bench.0.counters().evicted_flows > 0 && bench.0.counters().abandoned > 0);
    bench.packet(&tcp(100 + 1448, second));
    assert_eq!(bench.seen(), tls("victim.example"));
}

#[test]
fn the_table_keeps_its_bound() {
    let mut tcp = Tcp::new(100, 1);
    let (mut held, mut out) = (Held::new(10_000, 1), Output::new(1));
    for flow in 0..5000_u32 {
        let segment = Segment {
            src: crate::frame::Address(u128::from(flow % 7)),
            dst: crate::frame::Address(u128::from(flow)),
            src_port: 1,
            dst_port: 443,
            sequence: 1,
            syn: false,
            payload: b"\x16\x03\x01\x02\0\x01",
        };
        tcp.handle(&segment, &mut held, &mut out);
        assert!(tcp.len() <= 100 && held.weight() <= 10_000);
    }
    assert_eq!(out.counters.evicted_flows, 4900);
}

proptest! {
    #[test]
    fn any_cutting_in_any_order_gives_the_name(
        record_size in 1usize..2000,
        cuts in proptest::collection::btree_set(1usize..1600, 0..40),
        order in proptest::collection::vec(any::<u32>(), 100),
        duplicates in proptest::collection::vec((0usize..1500, 1usize..1500), 0..6),
        synced in any::<bool>(),
        start in any::<u32>(),
    ) {
        let hello = records(&large_hello("any.example"), record_size);
        let mut edges: Vec<usize> = cuts.into_iter().filter(|&cut| cut < hello.len()).collect();
        edges.insert(0, 0);
        edges.push(hello.len());
        let mut pieces: Vec<(usize, usize)> = edges.windows(2).map(|pair| (pair[0], pair[1])).collect();
        pieces.extend(duplicates.into_iter().map(|(from, len)| (from, (from + len).min(hello.len()))));
        let mut keyed: Vec<_> = pieces.into_iter().zip(&order).map(|(piece, key)| (*key, piece)).collect();
        keyed.sort();
        let mut packets = Vec::new();
        if synced {
            packets.push(syn(start.wrapping_sub(1)));
        }
        packets.extend(keyed.into_iter().map(|(_, (from, to))| tcp(start.wrapping_add(from as u32), &hello[from..to])));
        let seen = seen_in(packets);
        // Without the SYN a stream of more than the unsure bytes is given up; records of a few bytes make that.
        if synced || hello.len() <= MAX_UNSURE {
            prop_assert_eq!(seen, tls("any.example"));
        }
    }
}
