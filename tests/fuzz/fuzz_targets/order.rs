//! A hello that the target builds itself, cut at places and delivered in an order that the input chooses, with
//! duplicates, shows what it shows in order and once.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use umbrascope_dissect::fuzzing;

/// More pieces than this need more islands than an assembler has.
const MAX_PIECES: usize = 60;

#[derive(Arbitrary, Debug)]
struct Delivery {
    over: Over,
    padding: u16,
    name_last: bool,
    record: u16,
    sequence: u32,
    cuts: Vec<u16>,
    order: Vec<u8>,
    duplicates: Vec<(u16, u16)>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Over {
    Tcp,
    TcpBehindSocks,
    TcpBehindConnect,
    TcpBehindProxyHeader,
    Quic,
    QuicV2,
}

fuzz_target!(|delivery: Delivery| {
    // Behind another protocol no more than 8 KiB wait for what is missing (`MAX_UNSURE`); QUIC may have more.
    let most = if matches!(delivery.over, Over::Quic | Over::QuicV2) { 9000 } else { 6000 };
    let hello =
        fuzzing::client_hello("in.order.example", usize::from(delivery.padding % most), delivery.name_last);
    let front: &[u8] = match delivery.over {
        Over::Tcp | Over::Quic | Over::QuicV2 => b"",
        Over::TcpBehindSocks => b"\x05\x01\0\x05\x01\0\x03\x0dproxy.example\x01\xbb",
        Over::TcpBehindConnect => b"CONNECT proxy.example:443 HTTP/1.1\r\nHost: proxy.example:443\r\n\r\n",
        Over::TcpBehindProxyHeader => b"PROXY TCP4 192.0.2.1 198.51.100.2 1000 443\r\n",
    };
    let quic = match delivery.over {
        Over::Quic => Some(1),
        Over::QuicV2 => Some(0x6b33_43cf),
        _ => None,
    };
    let stream = match quic {
        Some(_) => hello,
        // Records of at least 64 bytes: smaller ones make a stream longer than is followed.
        None => [front, &fuzzing::records(&hello, usize::from(delivery.record.max(64)))].concat(),
    };

    let mut edges: Vec<usize> =
        delivery.cuts.iter().take(MAX_PIECES - 20).map(|&cut| usize::from(cut) % stream.len()).collect();
    // A datagram or a segment has a largest size.
    edges.extend((0..=stream.len()).step_by(1400));
    edges.push(stream.len());
    // What stands in front comes in one segment: in pieces it is only joined where the hello does not overtake it.
    edges.retain(|&edge| edge == 0 || edge >= front.len());
    edges.sort_unstable();
    edges.dedup();
    let mut pieces: Vec<(usize, usize)> = edges.windows(2).map(|pair| (pair[0], pair[1])).collect();
    pieces.extend(delivery.duplicates.iter().take(10).map(|&(from, len)| {
        let from = usize::from(from) % stream.len();
        (from, (from + 1 + usize::from(len) % 1400).min(stream.len()))
    }));
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    for (turn, &by) in delivery.order.iter().take(order.len()).enumerate() {
        let count = order.len();
        order.swap(turn, usize::from(by) % count);
    }

    let packet = |number: usize, (from, to): (usize, usize)| match quic {
        None => fuzzing::tcp(delivery.sequence.wrapping_add(from as u32), &stream[from..to]),
        Some(version) => {
            let mut frames = vec![6];
            frames.extend((0x8000_0000 | from as u32).to_be_bytes());
            frames.extend((0x4000 | (to - from) as u16).to_be_bytes());
            frames.extend(&stream[from..to]);
            let initial = fuzzing::initial(version, b"order", number as u8, &frames);
            fuzzing::udp(50000, 443, &initial.expect("a piece fits"))
        }
    };
    let syn = quic.is_none().then(|| fuzzing::syn(delivery.sequence.wrapping_sub(1)));
    let packets: Vec<_> = syn
        .into_iter()
        .chain(order.into_iter().enumerate().map(|(number, index)| packet(number, pieces[index])))
        .collect();
    let mut seen: Vec<_> = fuzzing::names(&packets).into_iter().map(|(_, name)| name).collect();
    let mut expected = vec!["in.order.example".to_owned()];
    if front.windows(5).any(|window| window == b"proxy") {
        expected.insert(0, "proxy.example".to_owned());
    }
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
});
