//! The running agent: its processes, what they may do, and that a sighting survives the death of a role.
//!
//! Capturing needs `CAP_NET_RAW`. Without it these tests say so on standard error and check what is left.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use common::{AGENT, Agent, can_capture, require, status, wait};
use rustix::process::Signal;
use umbrascope_agent::os::capability;
use umbrascope_agent::state::Reader;

mod common;

/// A real ClientHello for a name, to a listener of this test on loopback. The agents of all tests see it: each
/// test counts a name of its own.
fn say_hello(name: &'static str) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let mut client = rustls::ClientConnection::new(Arc::new(config), name.try_into().unwrap()).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.write_all(&hello).unwrap();
    // The connection stays until the hello has arrived.
    let mut accepted = listener.accept().unwrap().0;
    accepted.read_exact(&mut vec![0; hello.len()]).unwrap();
}

#[test]
fn the_sandbox_refuses_everything_a_parser_does_not_need() {
    let output = Command::new(AGENT).args(["__role", "dissector", "--self-test"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && !text.contains("ALLOWED"), "{text}");
    assert!(text.lines().count() >= 10 && text.contains("start a program\trefused"), "{text}");
}

/// A capture file, raw IPv4, with a DNS query for a name.
fn capture_of_a_query(name: &str) -> Vec<u8> {
    let mut dns = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        dns.push(u8::try_from(label.len()).unwrap());
        dns.extend_from_slice(label.as_bytes());
    }
    dns.extend([0, 0, 1, 0, 1]);
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 53];
    packet.extend([0xa0, 0, 0, 53, 0, 0, 0, 0]);
    packet.extend(dns);
    let length = u32::try_from(packet.len()).unwrap();
    let header = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 101, 1_800_000_000, 0, length, length];
    header.iter().flat_map(|word: &u32| word.to_le_bytes()).chain(packet).collect()
}

#[test]
fn compressed_captures_are_read_in_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let (gzip, zstd) = (folder.path().join("gzip"), folder.path().join("zstd"));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&capture_of_a_query("claude.ai")).unwrap();
    std::fs::write(&gzip, encoder.finish().unwrap()).unwrap();
    std::fs::write(&zstd, zstd::encode_all(&capture_of_a_query("perplexity.ai")[..], 1).unwrap()).unwrap();

    let replay = std::ffi::OsStr::new("--replay");
    let agent = Agent::start_with(&[replay, gzip.as_os_str(), replay, zstd.as_os_str()]);
    wait("the name in each", || {
        (agent.count("claude.ai") == 1 && agent.count("perplexity.ai") == 1).then_some(())
    });
}

#[test]
fn roles_have_the_privileges_of_their_part_and_no_more() {
    if !can_capture() {
        return;
    }
    let agent = Agent::start();
    let (dissector, uplink) = (agent.role("dissector"), agent.role("uplink"));
    wait("the dissector's seccomp filter", || (status(dissector, "Seccomp") == "2").then_some(()));
    for pid in [dissector, uplink] {
        for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
            assert_eq!(status(pid, set), "0000000000000000", "{set} of {pid}");
        }
    }
    let warden = u64::from_str_radix(&status(agent.process.id(), "CapEff"), 16).unwrap();
    assert_eq!(warden & !capability::WARDEN.bits(), 0, "{warden:#x}");
    let sockets = |pid: u32| {
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
        open.filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect::<Vec<_>>()
    };
    let files: Vec<_> = sockets(dissector).into_iter().filter(|path| path.is_absolute()).collect();
    assert!(files.iter().all(|path| path == Path::new("/dev/null")), "{files:?}");
}

#[test]
fn the_scanner_sees_programs_of_other_users_and_gives_that_right_up_before_it_reads_homes() {
    let root = require("root", rustix::process::geteuid().is_root());
    if !root || !require("setpriv", Command::new("setpriv").arg("--version").output().is_ok()) {
        return;
    }
    // A program of root's, known by its place and name, that only waits.
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("bin/ollama");
    std::fs::create_dir_all(folder.path().join("bin")).unwrap();
    std::fs::copy("/bin/sleep", &program).unwrap();
    let mut running = Command::new(&program).arg("300").spawn().unwrap();

    let state = tempfile::tempdir().unwrap();
    let config = state.path().join("agent.toml");
    std::fs::write(&config, "[capture]\nenabled = false\n").unwrap();
    for path in [state.path(), &config] {
        std::os::unix::fs::chown(path, Some(65_534), Some(65_534)).unwrap();
    }
    // As the service manager starts it: a user of no importance with the capabilities of the unit.
    let capabilities = "+sys_ptrace,+dac_read_search";
    let process = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps", capabilities])
        .args(["--ambient-caps", capabilities, AGENT, "run", "--config"])
        .arg(&config)
        .arg("--state-dir")
        .arg(state.path())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let agent = Agent { process, state };
    let mut seen = Vec::new();
    let found = wait("the process in a snapshot", || {
        if let Some((pid, _)) = agent.children().into_iter().find(|(_, role)| role == "scanner") {
            let now = u64::from_str_radix(&status(pid, "CapEff"), 16);
            seen.extend(now.ok().filter(|now| seen.last() != Some(now)));
        }
        let snapshots = Reader::open(agent.state.path()).ok()??.snapshots().ok()?;
        let (_, items, _) = snapshots.into_iter().find(|(source, ..)| source == "processes")?;
        Some(items)
    });
    running.kill().unwrap();
    running.wait().unwrap();
    let path = program.to_string_lossy().into_owned();
    assert!(found.iter().any(|item| item.evidence.executable.as_ref() == Some(&path)), "{found:#?}");
    let allowed = capability::SCANNER_STARTING.bits();
    assert!(seen.iter().all(|set| set & !allowed == 0), "{seen:x?}");
    // The rest of the scan goes on without.
    wait("the right to be given up, or the end of the scan", || {
        let scanner = agent.children().into_iter().find(|(_, role)| role == "scanner");
        let Some((pid, _)) = scanner else { return Some(()) };
        (status(pid, "CapEff") == format!("{:016x}", capability::SCANNER.bits())).then_some(())
    });
}

#[test]
fn a_hello_is_counted_once_with_its_process_though_the_uplink_dies_over_and_over() {
    if !can_capture() {
        return;
    }
    let agent = Agent::start();
    let dissector = agent.role("dissector");
    wait("the dissector's seccomp filter", || (status(dissector, "Seccomp") == "2").then_some(()));
    let mut said = 0;
    for _ in 0..5 {
        let uplink = agent.role("uplink");
        for _ in 0..4 {
            say_hello("chatgpt.com");
            say_hello("intranet.example");
            said += 1;
        }
        Agent::signal(uplink, Signal::KILL);
        wait("the next uplink", || (agent.role("uplink") != uplink).then_some(()));
    }
    wait("every hello", || (agent.count("chatgpt.com") >= said).then_some(()));
    let mut agent = agent;
    Agent::signal(agent.process.id(), Signal::TERM);
    assert!(agent.process.wait().unwrap().success());
    assert_eq!(agent.count("chatgpt.com"), said);
    assert_eq!(agent.count("intranet.example"), 0);
    // What no rule knows is in no file of the agent at all.
    for entry in std::fs::read_dir(agent.state.path()).unwrap().flatten() {
        let content = std::fs::read(entry.path()).unwrap();
        assert!(!content.windows(16).any(|window| window == b"intranet.example"), "{:?}", entry.path());
    }
}

#[test]
fn a_dissector_that_dies_is_started_again_and_sees_what_comes_then() {
    if !can_capture() {
        return;
    }
    let agent = Agent::start();
    agent.role("uplink");
    let first = agent.role("dissector");
    Agent::signal(first, Signal::KILL);
    let second = wait("another dissector", || Some(agent.role("dissector")).filter(|pid| *pid != first));
    wait("its seccomp filter", || (status(second, "Seccomp") == "2").then_some(()));
    say_hello("api.anthropic.com");
    wait("the hello", || (agent.count("api.anthropic.com") == 1).then_some(()));
}

#[test]
fn the_roles_end_when_the_warden_is_killed() {
    let mut agent = Agent::start();
    let uplink = agent.role("uplink");
    let children: Vec<u32> = agent.children().into_iter().map(|(pid, _)| pid).collect();
    assert!(children.contains(&uplink));
    agent.process.kill().unwrap();
    agent.process.wait().unwrap();
    for pid in children {
        wait("a role to end", || {
            let state = status(pid, "State");
            (state.is_empty() || state.starts_with('Z')).then_some(())
        });
    }
}
