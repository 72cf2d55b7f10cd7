//! A container is a network of its own behind its host, which translates its address on the way out: its connections
//! are told with the program that made them all the same.

#![expect(clippy::panic, reason = "a helper that cannot go on fails its test")]

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use umbrascope_e2e::netns::Site;
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::{have_command, require};

const SERVER: &str = "10.99.2.2";
/// Far more than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const TRANSLATION: &str = "table ip nat {
    chain out {
        type nat hook postrouting priority 100
        oifname \"eth0\" masquerade
    }
}
";

/// Ends its process with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(mut command: Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The machines, with their cables, addresses and the translation.
fn site() -> Option<Site> {
    let site = Site::new(&["inside", "host", "server"])?;
    site.cable(("inside", "eth0"), ("host", "to-inside"));
    site.cable(("host", "eth0"), ("server", "eth0"));
    for (name, interface, address) in [
        ("inside", "eth0", "10.98.2.2/24"),
        ("host", "to-inside", "10.98.2.1/24"),
        ("host", "eth0", "10.99.2.1/24"),
        ("server", "eth0", "10.99.2.2/24"),
    ] {
        site.ip(name, &["addr", "add", address, "dev", interface]);
    }
    site.ip("inside", &["route", "add", "default", "via", "10.98.2.1"]);
    let mut forward = site.on("host", "sh");
    forward.args(["-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"]);
    run(forward);
    let mut nft = site.on("host", "nft");
    let mut nft = nft.args(["-f", "-"]).stdin(Stdio::piped()).spawn().expect("nft starts");
    nft.stdin.take().expect("stdin is piped").write_all(TRANSLATION.as_bytes()).expect("nft reads");
    assert!(nft.wait().expect("nft ends").success(), "the translation is set up");
    Some(site)
}

fn start_server(site: &Site) -> Running {
    let mut server = site.on("server", &programs().peer);
    let mut server =
        server.args(["serve", SERVER]).stdout(Stdio::piped()).spawn().expect("the test server starts");
    let mut line = String::new();
    let stdout = server.stdout.take().expect("stdout is piped");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)
        .expect("the test server says that it is ready");
    assert_eq!(line, "ready\n");
    Running(server)
}

/// The agent on the host, once it captures.
fn start_agent(site: &Site, folder: &std::path::Path) -> Running {
    let config = folder.join("agent.toml");
    std::fs::write(&config, "[scan]\nenabled = false\n").expect("the configuration is written");
    let notify = folder.join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&notify).expect("a notification socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let mut agent = site.on("host", &programs().agent);
    agent.arg("run").arg("--config").arg(&config).arg("--state-dir").arg(folder);
    let agent = Running(agent.env("NOTIFY_SOCKET", &notify).spawn().expect("the agent starts"));
    let mut message = [0; 4096];
    loop {
        let length = socket.recv(&mut message).expect("the agent says READY=1");
        if String::from_utf8_lossy(&message[..length]).contains("READY=1") {
            return agent;
        }
    }
}

#[test]
fn a_translated_connection_of_a_container_is_known_by_its_program() {
    if !require("curl", have_command("curl")) || !require("nft (nftables)", have_command("nft")) {
        return;
    }
    let Some(site) = site() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let _server = start_server(&site);
    let _agent = start_agent(&site, folder.path());
    let mut curl = site.on("inside", "curl");
    curl.args(["-sk", "--max-time", "10", "-o", "/dev/null"]);
    curl.args(["--resolve", &format!("claude.ai:443:{SERVER}"), "https://claude.ai/"]);
    run(curl);
    let deadline = Instant::now() + PATIENCE;
    let rows = loop {
        let rows = activity(&folder.path().join("state.db"));
        if !rows.is_empty() || Instant::now() > deadline {
            break rows;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    // Once, though the packet crossed two interfaces of the host.
    assert_eq!(rows, [("claude.ai".to_owned(), "/usr/bin/curl".to_owned(), 0, 1)]);
}

/// Name, executable, whether forwarded, count.
fn activity(state: &std::path::Path) -> Vec<(String, String, i64, i64)> {
    let Ok(db) = rusqlite::Connection::open(state) else { return Vec::new() };
    let Ok(mut query) = db.prepare("SELECT value, executable, forwarded, count FROM activity") else {
        return Vec::new();
    };
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    rows.map(|rows| rows.flatten().collect()).unwrap_or_default()
}
