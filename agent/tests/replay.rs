//! What `replay` prints of a capture: sightings with their flags, or every message's name.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::io::Write;
use std::process::{Command, Stdio};

/// A capture of IPv4 packets, a millisecond apart (pcap, link type 101).
fn capture(packets: &[Vec<u8>]) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let mut file = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x4_0000, 101]);
    for (number, packet) in packets.iter().enumerate() {
        let len = packet.len() as u32;
        file.extend(words(&[1_800_000_000, number as u32 * 1000, len, len]));
        file.extend(packet);
    }
    file
}

fn replay(arguments: &[&str], capture: &[u8]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_umbrascope-agent"));
    command.arg("replay").args(arguments).arg("-").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(capture).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn ipv4(src: [u8; 4], dst: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len() as u16).to_be_bytes();
    [&[0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, protocol, 0, 0][..], &src, &dst, payload].concat()
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

/// A ClientHello for `chatgpt.com`, with ECH, on its way from this address.
fn hello(src: [u8; 4]) -> Vec<u8> {
    let extension = |kind: u16, data: &[u8]| [&kind.to_be_bytes()[..], &sized(data)].concat();
    let name = [&[0][..], &sized(b"chatgpt.com")].concat();
    let extensions = [extension(0xfe0d, &[0; 64]), extension(0, &sized(&name))].concat();
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0], &sized(&extensions)].concat();
    let record = [&[22, 3, 1][..], &sized(&[&[1, 0][..], &sized(&body)].concat())].concat();
    let header = [0x9c, 0x40, 1, 0xbb, 0, 0, 0, 9, 0, 0, 0, 0, 0x50, 0x18, 1, 0, 0, 0, 0, 0];
    ipv4(src, [192, 0, 2, 7], 6, &[&header[..], &record].concat())
}

/// The question for `a.example`, and an answer that leads to `claude.ai`.
fn look_up() -> [Vec<u8>; 2] {
    let name = |name: &str| {
        let labels = name.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat());
        labels.chain([0]).collect::<Vec<u8>>()
    };
    let question = [name("a.example"), vec![0, 1, 0, 1]].concat();
    let query = [&[0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &question].concat();
    let record = [&[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60][..], &sized(&name("claude.ai"))].concat();
    let answer = [&[0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0][..], &question, &record].concat();
    let udp = |src: u16, dst: u16, payload: &[u8]| {
        [&[src, dst, 8 + payload.len() as u16, 0].map(u16::to_be_bytes).concat()[..], payload].concat()
    };
    let (client, resolver) = ([10, 0, 0, 1], [10, 0, 0, 53]);
    [
        ipv4(client, resolver, 17, &udp(40000, 53, &query)),
        ipv4(resolver, client, 17, &udp(53, 40000, &answer)),
    ]
}

#[test]
fn sightings_count_connections_and_names_count_messages() {
    let [query, answer] = look_up();
    // The hello twice: as the container sent it, and as the machine sent it on.
    let file = capture(&[hello([172, 17, 0, 2]), hello([10, 0, 0, 1]), query, answer]);
    let sightings = replay(&["--format", "tsv"], &file);
    let rows: Vec<Vec<&str>> = sightings.lines().map(|line| line.split('\t').collect()).collect();
    let mut shown: Vec<_> = rows.iter().map(|row| [row[4], row[5], row[7], row[8]]).collect();
    shown.sort_unstable();
    assert_eq!(shown, [["dns", "claude.ai", "1", "-"], ["tls", "chatgpt.com", "1", "ech-offered"]]);
    let names = replay(&["--names", "--format", "tsv"], &file);
    assert_eq!(names, "dns\ta.example\t1\ntls\tchatgpt.com\t2\n");
}

#[test]
fn every_format_shows_which_hellos_offer_ech() {
    let file = capture(&[hello([10, 0, 0, 1])]);
    let json: serde_json::Value = serde_json::from_str(&replay(&["--format", "json"], &file)).unwrap();
    assert_eq!(json[0]["flags"], serde_json::json!(["ech-offered"]));
    let table = replay(&[], &file);
    assert!(
        table.lines().next().unwrap().ends_with("COUNT  FLAGS") && table.contains("ech-offered"),
        "{table}"
    );
}
