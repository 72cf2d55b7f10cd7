//! No packet of the steady state costs an allocation, and a hello a known number.
#![expect(unsafe_code, reason = "an allocator that counts is one that forwards to the system's")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use umbrascope_dissect::{Dissector, Limits, LinkType, Timestamp};

struct Counting;

thread_local! {
    /// Allocations of this thread: each test counts its own.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// # Safety
///
/// Every call goes to the system's allocator unchanged; counting touches a cell that needs no allocation and is
/// skipped while the thread ends.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise about `layout` is the one that is asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the pointer came from `System`, for every allocation does.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

const CLIENT: [u8; 4] = [192, 0, 2, 1];
const SERVER: [u8; 4] = [198, 51, 100, 2];

fn ipv4(src: [u8; 4], dst: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x45, 0, len[0], len[1], 0, 1, 0, 0, 64, protocol, 0, 0];
    packet.extend(src);
    packet.extend(dst);
    packet.extend(payload);
    packet
}

fn tcp(port: u16, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    ipv4(CLIENT, SERVER, 6, &segment(port, 443, sequence, flags, payload))
}

fn segment(src_port: u16, dst_port: u16, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = [src_port.to_be_bytes(), dst_port.to_be_bytes()].concat();
    segment.extend(sequence.to_be_bytes());
    segment.extend([0, 0, 0, 0, 0x50, flags, 1, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

fn datagram(src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(8 + payload.len()).unwrap();
    let mut datagram = [src_port, dst_port, len, 0].map(u16::to_be_bytes).concat();
    datagram.extend(payload);
    datagram
}

fn hello() -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = "api.service.example".try_into().unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut records = Vec::new();
    client.write_tls(&mut records).unwrap();
    records
}

fn dns(flags: [u8; 2], answers: u8) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, flags[0], flags[1], 0, 1, 0, answers, 0, 0, 0, 0];
    message.extend(b"\x03api\x07service\x07example\0\0\x10\0\x01");
    for _ in 0..answers {
        message.extend(b"\xc0\x0c\0\x10\0\x01\0\0\0\x3c\0\x04\x03abc");
    }
    message
}

/// Takes the packets in, polls, and says how many observations there were.
fn feed<'p>(dissector: &mut Dissector, packets: impl IntoIterator<Item = &'p Vec<u8>>) -> u64 {
    let mut observations = 0;
    for packet in packets {
        dissector.handle_frame(Timestamp(1), LinkType::Raw, packet);
        while dissector.poll_observation().is_some() {
            observations += 1;
        }
    }
    observations
}

#[test]
fn packets_of_the_steady_state_cost_no_allocation() {
    let hello = hello();
    let next = 100 + u32::try_from(hello.len()).unwrap();
    let data = [&b"\x17\x03\x03\x05\x9b"[..], &[0x5a; 1435]].concat();
    let server =
        |sequence, payload: &[u8]| ipv4(SERVER, CLIENT, 6, &segment(443, 40000, sequence, 0x18, payload));
    let kinds: [(&str, Vec<Vec<u8>>); 8] = [
        ("bulk out", (0..64).map(|turn| tcp(40000, next + turn * 1440, 0x18, &data)).collect()),
        ("bulk in", (0..64).map(|turn| server(1 + turn * 1440, &data)).collect()),
        ("acknowledgements", vec![tcp(40000, next, 0x10, b""); 16]),
        ("retransmissions of the hello", vec![tcp(40000, 100, 0x18, &hello); 16]),
        ("QUIC short headers", {
            let short = [&[0x41][..], &[0x6b; 1200]].concat();
            let out = ipv4(CLIENT, SERVER, 17, &datagram(50000, 443, &short));
            vec![out, ipv4(SERVER, CLIENT, 17, &datagram(443, 50000, &short))]
        }),
        ("answers that say nothing of interest", {
            let answer = |flags, count| ipv4(SERVER, CLIENT, 17, &datagram(53, 4000, &dns(flags, count)));
            vec![answer([0x81, 0x83], 0), answer([0x81, 0x80], 3), answer([0x81, 0x82], 0)]
        }),
        ("what is not looked into", {
            let ntp = ipv4(CLIENT, SERVER, 17, &datagram(123, 123, &[0x23; 48]));
            vec![ipv4(CLIENT, SERVER, 1, &[8; 64]), ntp, vec![0; 28], ipv4(CLIENT, SERVER, 50, &[7; 80])]
        }),
        ("fragments of no hello, joined", {
            let whole = ipv4(CLIENT, SERVER, 17, &datagram(123, 123, &[0x23; 600]));
            let mut last = [&whole[..20], &whole[20 + 320..]].concat();
            (last[2], last[3], last[7]) = (1, 0x20, 40);
            let mut first = whole[..20 + 320].to_vec();
            (first[2], first[3], first[6]) = (1, 0x54, 0x20);
            vec![first, last]
        }),
    ];
    let mut dissector = Dissector::new(Limits::default());
    assert_eq!(feed(&mut dissector, [&tcp(40000, 99, 2, b""), &tcp(40000, 100, 0x18, &hello)]), 1);
    for (kind, packets) in &kinds {
        feed(&mut dissector, packets);
        let mut observations = 0;
        let turns = 200;
        let count = allocations(|| {
            for _ in 0..turns {
                observations += feed(&mut dissector, packets);
            }
        });
        println!("{kind}: {count} allocations for {} packets", turns * packets.len());
        assert_eq!(observations, 0, "{kind}");
        // Bytes that wait live in memory of their own: a datagram in fragments costs two buffers, one of which grows.
        let bound = if kind.starts_with("fragments") { 3 * turns as u64 } else { 0 };
        assert!(count <= bound, "{kind}: {count} allocations");
    }
}

#[test]
fn new_flows_cost_no_allocation_once_the_tables_are_full() {
    let limits = Limits { max_streams: 256, ..Limits::default() };
    let mut dissector = Dissector::new(limits);
    let packets: Vec<_> = (0..4096_u16)
        .flat_map(|port| [tcp(1024 + port, 99, 2, b""), tcp(1024 + port, 100, 0x18, b"some other protocol")])
        .collect();
    // Twice: the index of a full table grows once more to have room for what is removed and not yet swept.
    feed(&mut dissector, &packets);
    feed(&mut dissector, &packets);
    assert!(dissector.counters().evicted_flows > 0);
    assert_eq!(allocations(|| assert_eq!(feed(&mut dissector, &packets), 0)), 0);
}

#[test]
fn a_message_with_a_name_costs_a_known_number_of_allocations() {
    let hello = hello();
    let (first, second) = hello.split_at(100);
    let query = dns([1, 0], 0);
    let hosts = b"GET /x HTTP/1.1\r\nHost: api.service.example\r\nAccept: */*\r\n\r\n";
    type Case<'c> = (&'c str, u64, Box<dyn Fn(u16) -> Vec<Vec<u8>> + 'c>);
    let cases: [Case<'_>; 4] = [
        ("a hello in one segment", 16, Box::new(|port| vec![tcp(port, 100, 0x18, &hello)])),
        (
            "a hello in two segments",
            20,
            Box::new(|port| vec![tcp(port, 100, 0x18, first), tcp(port, 200, 0x18, second)]),
        ),
        ("a query", 3, Box::new(|port| vec![ipv4(CLIENT, SERVER, 17, &datagram(port, 53, &query))])),
        ("a request", 1, Box::new(|port| vec![tcp(port, 100, 0x18, hosts)])),
    ];
    for (what, bound, packets) in cases {
        let mut dissector = Dissector::new(Limits { max_streams: 64, ..Limits::default() });
        let warm: Vec<_> = (2001..2200).flat_map(&packets).collect();
        assert_eq!(feed(&mut dissector, &warm), 199, "{what}");
        let packets: Vec<_> = (3000..3100).flat_map(&packets).collect();
        let mut observations = 0;
        let count = allocations(|| observations = feed(&mut dissector, &packets));
        assert_eq!(observations, 100, "{what}");
        println!("{what}: {:.1} allocations", count as f64 / 100.0);
        assert!(count <= bound * 100, "{what}: {count} allocations for 100");
    }
}
