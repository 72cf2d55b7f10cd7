//! Writes a seed corpus for every target into a folder: `seeds FOLDER`. Everything is generated.

use std::fs;
use std::path::Path;

// Linked for what the instrumented code calls.
use libfuzzer_sys as _;

#[cfg(feature = "scan")]
mod scan;

#[cfg(feature = "scan")]
use umbrascope_agent::scan::parsers::ALL;
use umbrascope_rules::Catalogue;
use umbrascope_rules::bundle::{self, Draft, Kind};

use umbrascope_dissect::fuzzing::{LINKS, client_hello, initial, query, records, syn, tcp, udp};

fn main() {
    let folder = std::env::args_os().nth(1).expect("usage: seeds FOLDER");
    let write = |target: &str, name: String, bytes: &[u8]| {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder).expect("the folder can be made");
        fs::write(folder.join(name), bytes).expect("the seed can be written");
    };

    let (signed, compiled) = bundle();
    write("bundle", "signed".to_owned(), &[&[0], &signed[..]].concat());
    write("bundle", "compiled".to_owned(), &[&[1], &compiled[..]].concat());

    #[cfg(feature = "scan")]
    for (parser, number, bytes) in scan::seeds() {
        write("scan", format!("{parser}-{number}"), &bytes);
    }

    let hello = client_hello("seed.example", 300, false);
    let large = client_hello("large.example", 1500, true);
    for (name, message) in [("small", &hello), ("large", &large)] {
        write("tls", format!("{name}-message"), message);
        for size in [16, 512, 16_000] {
            write("tls", format!("{name}-records-{size}"), &records(message, size));
        }
    }

    let mut two_questions = query("a.b.example");
    two_questions[5] = 2;
    two_questions.extend([1, b'c', 0xc0, 12, 0, 65, 0, 1]);
    let mut edns = query("edns.example");
    edns[11] = 1;
    edns.extend([0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0]);
    let mut answer = query("answer.example");
    answer[2] = 0x81;
    answer[7] = 2;
    answer.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, b'd', 0xc0, 12]);
    answer.extend([0xc0, 44, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
    let messages = [query("plain.example"), two_questions, edns, answer];
    for (number, message) in messages.iter().enumerate() {
        write("dns", format!("message-{number}"), message);
    }

    // Frames of a gateway: an ARP request, a lease asked for and given, a name announced.
    let framed = |kind: u16, packet: &[u8]| {
        let frame = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 7], &kind.to_be_bytes(), packet].concat();
        [&(frame.len() as u16).to_be_bytes()[..], &frame].concat()
    };
    let lease = |operation: u8, yours: [u8; 4], options: &[u8]| {
        let mut message = vec![0; 240];
        message[..3].copy_from_slice(&[operation, 1, 6]);
        message[16..20].copy_from_slice(&yours);
        message[28..34].copy_from_slice(&[2, 0, 0, 0, 0, 7]);
        message[236..].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
        [&message, options, &[255]].concat()
    };
    let asked =
        lease(1, [0; 4], b"\x35\x01\x03\x32\x04\xc0\x00\x02\x01\x0c\x06laptop\x51\x07\x04\0\0\x03lap\0");
    let given = lease(2, [192, 0, 2, 1], b"\x35\x01\x05");
    let announced =
        b"\0\0\x84\0\0\0\0\x01\0\0\0\0\x06laptop\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\xc0\x00\x02\x01";
    let arp = [&[0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 7, 192, 0, 2, 1][..], &[0; 10]].concat();
    let gateway = [
        framed(0x0806, &arp),
        framed(0x0800, &udp(68, 67, &asked)),
        framed(0x0800, &udp(67, 68, &given)),
        framed(0x0800, &udp(5353, 5353, announced)),
    ];
    for (number, frame) in gateway.iter().enumerate() {
        write("station", format!("frame-{number}"), frame);
    }
    write("station", "all".to_owned(), &gateway.concat());

    let frames = |message: &[u8], from: usize, to: usize| {
        let mut frames = vec![1, 2, 9, 0, 1, 0, 1, 1, 0, 0, 6];
        frames.extend((0x8000_0000 | from as u32).to_be_bytes());
        frames.extend((0x4000 | (to - from) as u16).to_be_bytes());
        frames.extend(&message[from..to]);
        frames
    };
    let chlo = b"CHLO\x02\0\0\0PAD\0\x02\0\0\0SNI\0\x0e\0\0\0--seed.example";
    let google = [&[0x0d][..], &[7; 8], b"Q043", &[1], &[0; 12], &[0xa0, 1, 4, 0], chlo].concat();
    write("quic", "frames".to_owned(), &frames(&hello, 0, hello.len()));
    write("quic", "google".to_owned(), &google);
    let mut initials = Vec::new();
    for (number, version) in [1, 0x6b33_43cf, 0xff00_001d, 0xface_b002].into_iter().enumerate() {
        for (part, (from, to)) in [(900, large.len()), (0, 900)].into_iter().enumerate() {
            let packet = initial(version, b"seedseed", part as u8, &frames(&large, from, to));
            let packet = packet.expect("the frames fit one packet");
            write("quic", format!("initial-{version:x}-{part}"), &packet);
            initials.push((50000 + number as u16, packet));
        }
    }

    let heads: [&[u8]; 8] = [
        b"GET / HTTP/1.1\r\nUser-Agent: x\r\nHost: a.example:8080\r\n\r\n",
        b"CONNECT a.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\n",
        b"POST http://user@a.example:80/x HTTP/1.0\r\n\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 1000 443\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0cabcdefghijkl",
        b"\x05\x02\0\x02\x01\x02me\x02pw\x05\x01\0\x03\x09a.example\x01\xbb",
        b"\x04\x01\x01\xbb\0\0\0\x01me\0a.example\0",
        b"\x12\x01\0\x20\0\0\0\0\x16\x03\x01\0\x05",
    ];
    for (number, head) in heads.into_iter().enumerate() {
        write("http", format!("head-{number}"), head);
    }

    // Raw IP packets (link type 101, which stands for 12 in the list) and tunnels around them.
    let raw = LINKS.iter().position(|&link| link == 12).unwrap_or_default() as u8;
    let stream = records(&large, 700);
    let mut packets = vec![syn(99), tcp(1100, &stream[1000..]), tcp(100, &stream[..1000])];
    packets.push(udp(4000, 53, &messages[0]));
    packets.extend(initials.iter().map(|(port, packet)| udp(*port, 443, packet)));
    packets.extend(heads.iter().enumerate().map(|(number, head)| tcp(10_000_000 * number as u32, head)));
    packets.push(udp(40000, 443, &google));
    let ethernet = |packet: &[u8]| [&[0; 12][..], &[8, 0], packet].concat();
    for (port, header) in
        [(4789, &[8, 0, 0, 0, 0, 0, 1, 0][..]), (6081, &[1, 0, 0x65, 0x58, 0, 0, 1, 0, 9, 9, 9, 9])]
    {
        packets.push(udp(9000, port, &[header, &ethernet(&packets[3])].concat()));
    }
    packets.push(udp(
        9000,
        2152,
        &[&[0x34, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 9, 9, 0][..], &packets[3]].concat(),
    ));
    let whole = udp(4000, 53, &query("some.longer.name.example"));
    for from in (20..whole.len()).step_by(24) {
        let mut fragment = [&whole[..20], &whole[from..whole.len().min(from + 24)]].concat();
        let more = if from + 24 < whole.len() { 0x2000 } else { 0 };
        fragment[6..8].copy_from_slice(&(more | ((from - 20) / 8) as u16).to_be_bytes());
        let len = (fragment.len() as u16).to_be_bytes();
        fragment[2..4].copy_from_slice(&len);
        packets.push(fragment);
    }
    let record = |link: u8, frame: &[u8]| [&[link][..], &(frame.len() as u16).to_le_bytes(), frame].concat();
    let sequence: Vec<u8> = packets.iter().flat_map(|packet| record(raw, packet)).collect();
    write("dissector", "all".to_owned(), &sequence);
    for (number, packet) in packets.iter().enumerate() {
        write("dissector", format!("packet-{number}"), &record(raw, packet));
        write("frame", format!("packet-{number}"), &[&[raw][..], packet].concat());
        write("frame", format!("ethernet-{number}"), &[&[0][..], &ethernet(packet)].concat());
    }

    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut pcap = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 101]);
    let mut pcapng = words(&[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28, 1, 20, 101, 0, 20]);
    for packet in packets.iter().take(4) {
        let len = packet.len() as u32;
        pcap.extend(words(&[10, 5, len, len]));
        pcap.extend(packet);
        let padded = len.next_multiple_of(4);
        pcapng.extend(words(&[6, 32 + padded, 0, 0, 5, len, len]));
        pcapng.extend(packet);
        pcapng.extend(vec![0; (padded - len) as usize]);
        pcapng.extend(words(&[32 + padded]));
    }
    write("pcapng", "pcap".to_owned(), &pcap);
    write("pcapng", "pcapng".to_owned(), &pcapng);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, &pcap).expect("memory takes it");
    write("pcapng", "gzip".to_owned(), &gzip.finish().expect("memory takes it"));
    write("pcapng", "zstd".to_owned(), &zstd::encode_all(&pcapng[..], 1).expect("memory takes it"));

    for over in 0..6_u8 {
        write("order", format!("over-{over}"), &[&[over.wrapping_mul(43)][..], &[7; 200]].concat());
    }
}

/// A small catalogue as a bundle, and its bytes once unpacked.
fn bundle() -> (Vec<u8>, Vec<u8>) {
    let text = "[vendor]\nid = \"v\"\nname = \"V\"\naliases = [\"Vau\"]\n[[product]]\nid = \"v.p\"\nname = \"P\"\nkind = \"service\"\n\
                category = \"assistant\"\ndescription = \"P.\"\n[[rule]]\nid = \"v.p.web\"\nproduct = \"v.p\"\nconfidence = \"high\"\n\
                source_url = \"https://v.dev/\"\nsource_type = \"knowledge\"\nsuffix = [\"v.dev\"]\nglob = [\"api.*.v.dev\"]\n\
                npm = [\"@v/p\"]\nexamples = [\"v.dev\"]\n[[landmark]]\nid = \"landmark.r\"\nkind = \"resolver\"\n\
                source_url = \"https://v.dev\"\nsource_type = \"knowledge\"\nsuffix = [\"dns.v.dev\"]\n";
    let (today, expires) = ("2026-11-26".parse().expect("a day"), "2027-11-26".parse().expect("a day"));
    let catalogue = Catalogue::parse(&[("v.toml", text)]).expect("a catalogue").renumbered(1, today);
    let draft = Draft::of_catalogue(&catalogue, today, expires).expect("a draft");
    let pair = minisign::KeyPair::generate_unencrypted_keypair().expect("a key");
    let signature = minisign::sign(None, &pair.sk, draft.to_sign(), Some("c"), None).expect("a signature");
    let signed = draft.sign(&signature.to_string()).expect("a bundle");
    let keys = [pair.pk.to_base64().parse().expect("a public key")];
    let read = bundle::read(&signed, &keys, Kind::Catalogue).expect("it reads");
    let compiled = read.compiled().expect("it unpacks").into_owned();
    (signed, compiled)
}
