//! Bad input to the real programs: damaged captures, wrong catalogue files, hostile file trees, wrong
//! usage. Each ends by itself, with an exit code that says how, and names the place.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use umbrascope_e2e::programs::programs;

const DNS_NAME: &str = "asked.example.org";
const TLS_NAME: &str = "greeted.example.org";
const QUIC_NAME: &str = "quick.example.org";

/// Runs of the agent over the prefixes of one capture, and over its bit flips.
const PREFIXES: usize = 100;
const FLIPS: usize = 50;

/// How a program ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs a program to its end. No input may kill it, make it panic or keep it for two minutes.
fn run(program: &Path, arguments: &[&std::ffi::OsStr]) -> Ended {
    let output = Command::new("timeout")
        .args(["--signal=KILL", "120"])
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("coreutils' timeout can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    // A program ended by a signal, and one that had to be ended, have a code above 128 here or none.
    let code = output.status.code().unwrap_or(-1);
    assert!((0..=2).contains(&code), "{arguments:?} ended with {:?}: {stderr}", output.status);
    assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    Ended { code, stdout, stderr }
}

fn agent(words: &[&str], path: &Path) -> Ended {
    let mut arguments: Vec<&std::ffi::OsStr> = words.iter().map(|word| word.as_ref()).collect();
    arguments.push(path.as_os_str());
    run(&programs().agent, &arguments)
}

/// A client of the test equipment; ended with the test.
struct Client(Child);

impl Client {
    fn start(words: &[&str]) -> Self {
        let mut command = Command::new(&programs().peer);
        command.args(words).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("the test client can be started"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The first bytes that real clients send, each as the frame that would carry it.
fn frames() -> Vec<Vec<u8>> {
    let patience = Some(Duration::from_secs(20));
    let datagram = |words: &dyn Fn(&str) -> Vec<String>| {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket on loopback");
        socket.set_read_timeout(patience).expect("a time limit");
        let words = words(&socket.local_addr().expect("a bound socket has an address").to_string());
        let _client = Client::start(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let mut bytes = vec![0; 2000];
        let length = socket.recv(&mut bytes).expect("the client sends a datagram");
        bytes.truncate(length);
        bytes
    };
    let query =
        datagram(&|address| vec!["dns".into(), address.into(), "0".into(), "1".into(), DNS_NAME.into()]);
    let initial = datagram(&|address| vec!["quic".into(), address.into(), QUIC_NAME.into()]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket on loopback");
    let address = listener.local_addr().expect("a bound socket has an address").to_string();
    let _client = Client::start(&["tls", &address, TLS_NAME]);
    let (mut stream, _) = listener.accept().expect("the client connects");
    stream.set_read_timeout(patience).expect("a time limit");
    let mut hello = vec![0; 5];
    stream.read_exact(&mut hello).expect("the head of a TLS record (RFC 8446 §5.1)");
    let length = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
    hello.resize(5 + length, 0);
    stream.read_exact(&mut hello[5..]).expect("the record");
    // In two segments, as a large one comes.
    let (first, second) = hello.split_at(length / 2);
    vec![
        udp(53, &query),
        tcp(1, 0x02, &[]),
        tcp(2, 0x18, first),
        tcp(2 + u32::try_from(first.len()).expect("a short hello"), 0x18, second),
        udp(443, &initial),
    ]
}

/// A UDP datagram in IPv4 (RFC 791 §3.1) in Ethernet. Checksums stay zero, as where a card computes them.
fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0xc0, 0x01];
    datagram.extend(port.to_be_bytes());
    datagram.extend(u16::try_from(8 + payload.len()).expect("a short datagram").to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    ipv4(17, &datagram)
}

/// A TCP segment to port 443 (RFC 9293 §3.1).
fn tcp(sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = vec![0xc0, 0x02, 0x01, 0xbb];
    segment.extend(sequence.to_be_bytes());
    segment.extend([0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(payload);
    ipv4(6, &segment)
}

fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00, 0x45, 0];
    frame.extend(u16::try_from(20 + payload.len()).expect("a short packet").to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    frame.extend(payload);
    frame
}

/// The classic format: a header of 24 bytes, then records with a header of 16.
fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        out.extend(word.to_le_bytes());
    }
    for (second, frame) in (1_760_000_000_u32..).zip(frames) {
        let length = u32::try_from(frame.len()).expect("a short frame");
        for word in [second, 0, length, length] {
            out.extend(word.to_le_bytes());
        }
        out.extend(frame);
    }
    out
}

/// The newer format: a section header, an interface description, then enhanced packet blocks.
fn pcapng(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut block = |kind: u32, body: &[u8]| {
        let padding = body.len().next_multiple_of(4) - body.len();
        let length = u32::try_from(12 + body.len() + padding).expect("a short block").to_le_bytes();
        out.extend(kind.to_le_bytes());
        out.extend(length);
        out.extend(body);
        out.extend(std::iter::repeat_n(0, padding));
        out.extend(length);
    };
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    block(0x0a0d_0d0a, &words(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]));
    block(1, &words(&[1, 65_535]));
    for frame in frames {
        let length = u32::try_from(frame.len()).expect("a short frame");
        let mut body = words(&[0, 0x0006_0000, 0, length, length]);
        body.extend(frame);
        block(6, &body);
    }
    out
}

/// The names that a replay printed.
fn names(ended: &Ended) -> BTreeSet<&str> {
    ended.stdout.lines().filter_map(|line| line.split('\t').nth(1)).collect()
}

/// Replays a file; whatever it says is about that file.
fn replay(path: &Path) -> Ended {
    let ended = agent(&["replay", "--names", "--format", "tsv"], path);
    assert!(ended.code < 2, "{}: {}", path.display(), ended.stderr);
    let told = ended.stderr.contains(&path.display().to_string());
    assert!(told || (ended.code == 0 && ended.stderr.is_empty()), "code {}: {}", ended.code, ended.stderr);
    ended
}

#[test]
fn every_prefix_of_a_capture_gives_the_names_that_it_holds() {
    let frames = frames();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, capture) in [("cut.pcap", pcap(&frames)), ("cut.pcapng", pcapng(&frames))] {
        let path = folder.path().join(name);
        fs::write(&path, &capture).expect("the file is written");
        let whole = replay(&path);
        assert_eq!((whole.code, whole.stderr.as_str()), (0, ""), "{name} is a good capture");
        assert_eq!(names(&whole), BTreeSet::from([DNS_NAME, TLS_NAME, QUIC_NAME]), "{name}");
        let mut before = 0;
        for end in (0..capture.len()).step_by(capture.len() / PREFIXES + 1) {
            fs::write(&path, &capture[..end]).expect("the file is written");
            let ended = replay(&path);
            let found = names(&ended);
            assert!(found.is_subset(&names(&whole)), "{name} cut at {end} holds no {found:?}");
            assert!(found.len() >= before, "{name} cut at {end} holds what a shorter one held");
            before = found.len();
        }
        assert!(before >= 2, "the longest prefix lacks the last frame only");
    }
}

#[test]
fn a_flipped_bit_of_a_capture_is_survived() {
    let frames = frames();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, capture) in [("flipped.pcap", pcap(&frames)), ("flipped.pcapng", pcapng(&frames))] {
        let path = folder.path().join(name);
        for number in 0..FLIPS {
            // Every other one among the headers of the file and of its first frames.
            let range = if number % 2 == 0 { 240 } else { capture.len() };
            let mut damaged = capture.clone();
            damaged[number * range / FLIPS] ^= 1 << (number % 8);
            fs::write(&path, &damaged).expect("the file is written");
            replay(&path);
        }
    }
}

#[test]
fn a_capture_that_is_not_there_or_is_none_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = folder.path().join("missing.pcap");
    assert_eq!(replay(&missing).code, 1);
    assert_eq!(replay(folder.path()).code, 1, "a folder is no capture");
    let text = folder.path().join("text.pcap");
    fs::write(&text, "this is no capture\n".repeat(100)).expect("the file is written");
    assert_eq!(replay(&text).code, 1);
}

/// A catalogue file without a mistake.
const GOOD: &str = r#"[vendor]
id = "v"
name = "V"
country = "DE"

[[product]]
id = "v.p"
name = "P"
kind = "service"
category = "assistant"
description = "P of V."

[[rule]]
id = "v.p.web"
product = "v.p"
confidence = "high"
source_url = "https://docs.vendor.dev/hosts"
source_type = "first_party"
last_checked = 2026-01-21
suffix = ["vendor.dev"]
examples = ["api.vendor.dev"]
counter_examples = ["notvendor.dev"]
"#;

#[test]
fn each_kind_of_mistake_in_a_catalogue_file_is_told_with_its_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("v.toml");
    fs::write(&path, GOOD).expect("the file is written");
    let good = agent(&["rules", "check"], &path);
    assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
    let suffix = "suffix = [\"vendor.dev\"]";
    let mut misses = Vec::new();
    for (from, to, line, expected) in [
        (suffix, "suffix = [\"vendor.dev\"", 21, "not TOML"),
        ("last_checked = 2026-01-21", "last_checked = 2026-01-32", 19, "not TOML"),
        ("[vendor]", "[vendors]", 1, "did you mean `vendor`?"),
        ("name = \"V\"", "nme = \"V\"", 3, "did you mean `name`?"),
        ("id = \"v\"\nname = \"V\"", "name = \"V\"", 1, "vendor has no `id`"),
        ("id = \"v\"", "id = \"V \"", 2, "is not a slug"),
        ("id = \"v\"", "id = \"w\"", 2, "call the file w.toml"),
        ("country = \"DE\"", "country = \"Germany\"", 4, "two capital letters"),
        ("name = \"P\"", "name = \" \"", 8, "`name` is empty"),
        ("kind = \"service\"", "kind = \"website\"", 9, "is none of service"),
        ("category = \"assistant\"", "category = \"chat\"", 10, "is none of assistant"),
        ("id = \"v.p.web\"", "id = \"v.q.web\"", 14, "does not go with `v.p`"),
        ("product = \"v.p\"", "product = \"v.q\"", 14, "does not go with `v.q`"),
        ("\"v.p.web\"\nproduct = \"v.p\"", "\"v.q.web\"\nproduct = \"v.q\"", 13, "which is not there"),
        ("confidence = \"high\"", "confidence = \"sure\"", 16, "is none of suspect"),
        ("confidence = \"high\"", "confidence = true", 16, "is a boolean where a string is expected"),
        ("https://docs", "docs", 17, "is not a web address"),
        ("first_party", "hearsay", 18, "`hearsay` is none of"),
        ("first_party", "knowledge", 13, "general knowledge has a `last_checked`"),
        ("last_checked = 2026-01-21\n", "", 13, "rule has no `last_checked`"),
        (suffix, "sufix = [\"vendor.dev\"]", 20, "did you mean `suffix`?"),
        (suffix, "suffix = \"vendor.dev\"", 20, "where a list of strings is expected"),
        (suffix, "suffix = [7]", 20, "where a non-empty string is expected"),
        (suffix, "suffix = [\"com\"]", 20, "is a single label"),
        (suffix, "exact = [\"192.0.2.1\"]", 20, "an address is not a name"),
        (suffix, "glob = [\"*.com\"]", 20, "fewer than two fixed labels"),
        (suffix, "suffix = [\"vendor.dev\", \"vendor.dev\"]", 20, "is in rule `v.p.web` already"),
        (suffix, "replaced_by = \"v.p.gone\"", 13, "leads nowhere"),
        ("examples = [\"api.vendor.dev\"]", "examples = [\"api.vendor.example\"]", 13, "matches nothing"),
        (
            "counter_examples = [\"notvendor.dev\"]",
            "counter_examples = [\"x.vendor.dev\"]",
            13,
            "matches rule `v.p.web`",
        ),
        ("[[rule]]", "[rule]", 13, "is a table where a list of tables is expected"),
    ] {
        assert!(GOOD.contains(from), "{from} is to be replaced");
        fs::write(&path, GOOD.replacen(from, to, 1)).expect("the file is written");
        let ended = agent(&["rules", "check"], &path);
        let told = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, 1, "{to}: {told}");
        let place = format!("{}:{line}: ", path.display());
        let found = told.lines().any(|line| line.contains(&place) && line.contains(expected));
        if !found {
            misses.push(format!("`{to}` is not told as `:{line}: … {expected}`:\n{told}"));
        }
    }
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}

#[test]
fn a_catalogue_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let binary = folder.path().join("v.toml");
    fs::write(&binary, b"[vendor]\nid = \"\xff\xfe\"\n").expect("the file is written");
    for path in [binary, folder.path().join("missing.toml")] {
        let ended = agent(&["rules", "check"], &path);
        assert_eq!(ended.code, 1, "{}", ended.stderr);
        assert!(ended.stderr.contains(&path.display().to_string()), "{}", ended.stderr);
    }
}

/// Makes the folder of a file in the home and returns the file's path.
fn at_home(root: &Path, path: &str) -> PathBuf {
    let path = root.join("home/kim").join(path);
    fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder is made");
    path
}

#[test]
fn a_scan_of_a_hostile_tree_ends_and_says_what_it_could_not_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outside = folder.path().join("outside.json");
    fs::write(&outside, r#"{"mcpServers": {"from-outside": {"command": "x"}}}"#)
        .expect("the file is written");
    let root = folder.path().join("root");
    let home = |path: &str| at_home(&root, path);
    let fifo = Command::new("mkfifo").arg(home(".claude.json")).status().expect("mkfifo can be started");
    assert!(fifo.success(), "a FIFO is made");
    let _socket = UnixListener::bind(home(".roo/mcp.json")).expect("a socket is made");
    symlink("/etc/shadow", home(".cursor/mcp.json")).expect("a link is made");
    symlink(&outside, home(".copilot/mcp-config.json")).expect("a link is made");
    symlink("../../../../outside.json", home(".qwen/settings.json")).expect("a link is made");
    symlink("settings.json", home(".iflow/settings.json")).expect("a link is made");
    symlink("/", home(".config")).expect("a link is made");
    symlink(".", home("dot")).expect("a link is made");
    let sparse = |path: &str| {
        fs::File::create(home(path)).and_then(|file| file.set_len(10 << 30)).expect("a sparse file is made");
    };
    sparse(".gemini/settings.json");
    sparse("models/huge.gguf");
    fs::write(home(".kiro/settings/mcp.json"), "{\"mcpServers\":".repeat(50_000))
        .expect("the file is written");
    fs::write(home(".aws/amazonq/mcp.json"), b"{\"mcpServers\": {\"\xff\xfe\": 1}")
        .expect("the file is written");
    let odd = root.join("home/kim").join(std::ffi::OsStr::from_bytes(b"bad\xff\n\x1b[31m"));
    fs::create_dir_all(&odd).expect("the folder is made");
    fs::write(odd.join(".mcp.json"), r#"{"mcpServers": {"in-odd-folder": {"command": "x"}}}"#)
        .expect("the file is written");
    fs::write(home("good/.mcp.json"), r#"{"mcpServers": {"still-found": {"command": "x"}}}"#)
        .expect("the file is written");

    let ended = agent(&["scan", "--format", "json", "--root"], &root);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!ended.stdout.contains("from-outside"), "no link leads out of the tree");
    assert!(!ended.stdout.contains("root:"), "nothing of a password file");
    let scan: Value = serde_json::from_str(&ended.stdout).expect("the scan prints JSON");
    for name in ["still-found", "in-odd-folder"] {
        assert!(ended.stdout.contains(name), "{name} is found beside them: {scan:#}");
    }
    assert_eq!(scan["partial"], true);
    let problem = |location: &str| {
        let mut problems = scan["problems"].as_array().expect("a list of problems").iter();
        let told =
            problems.find(|problem| problem["location"] == location && problem["source"] == "mcp-config");
        told.map(|problem| problem["state"].as_str().expect("a state").to_owned())
    };
    for (location, state) in [
        ("~/.claude.json", "refused"),
        ("~/.roo/mcp.json", "refused"),
        ("~/.cursor/mcp.json", "refused"),
        ("~/.copilot/mcp-config.json", "refused"),
        ("~/.qwen/settings.json", "refused"),
        ("~/.iflow/settings.json", "refused"),
        ("~/.config/Claude/claude_desktop_config.json", "refused"),
        ("~/.gemini/settings.json", "too-large"),
        ("~/.kiro/settings/mcp.json", "too-large"),
        ("~/.aws/amazonq/mcp.json", "malformed"),
    ] {
        assert_eq!(problem(location).as_deref(), Some(state), "{location}: {:#}", scan["problems"]);
    }

    let table = agent(&["scan", "--root"], &root);
    assert_eq!(table.code, 0, "{}", table.stderr);
    assert!(table.stdout.contains("Not all could be read:"), "{}", table.stdout);
    assert!(!table.stdout.contains('\x1b'), "no name of a file steers the terminal: {:?}", table.stdout);
}

#[test]
fn wrong_usage_is_told_apart_from_failure() {
    let programs = programs();
    let cases: [(&Path, &[&str]); 13] = [
        (&programs.agent, &[]),
        (&programs.agent, &["nosuch"]),
        (&programs.agent, &["scan", "--nosuch"]),
        (&programs.agent, &["scan", "--root", "/nonexistent"]),
        (&programs.agent, &["scan", "--format", "xml"]),
        (&programs.agent, &["replay"]),
        (&programs.agent, &["rules", "show"]),
        (&programs.collector, &[]),
        (&programs.collector, &["nosuch"]),
        (&programs.collector, &["try", "--nosuch"]),
        (&programs.collector, &["try", "--listen", "nowhere"]),
        (&programs.collector, &["export", "xml"]),
        (&programs.collector, &["token"]),
    ];
    for (program, words) in cases {
        let arguments: Vec<&std::ffi::OsStr> = words.iter().map(|word| word.as_ref()).collect();
        let ended = run(program, &arguments);
        assert_eq!(ended.code, 2, "{} {words:?}: {}", program.display(), ended.stderr);
        assert!(!ended.stderr.is_empty() && ended.stdout.is_empty(), "{words:?} is answered on stderr");
    }
}
