//! Whose connection it was, of programs that end as soon as they have said hello.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::io::Read;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::{Command, Stdio};

use common::{Agent, can_capture, require, status, wait};

mod common;

const RUNS: u64 = 100;

/// Takes connections and what is said first, and hangs up.
fn listen() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    address
}

/// A curl that says hello to `server` and ends at once, for it is not answered.
fn curl(name: &str, server: SocketAddr) {
    let port = server.port();
    let _ = Command::new("curl")
        .args(["-sk", "--max-time", "10", "--resolve", &format!("{name}:{port}:127.0.0.1")])
        .arg(format!("https://{name}:{port}/"))
        .stdin(Stdio::null())
        .status()
        .unwrap();
}

/// How many of the sightings of a name say this of their executable, package and user.
fn attributed(agent: &Agent, name: &str, executable: &str, package: Option<&str>) -> u64 {
    let db = rusqlite::Connection::open(agent.state.path().join("state.db")).unwrap();
    db.query_row(
        "SELECT coalesce(sum(count), 0) FROM activity
         WHERE value = ?1 AND executable = ?2 AND account <> '' AND forwarded = 0
           AND (?3 IS NULL OR package = ?3)",
        rusqlite::params![name, executable, package],
        |row| row.get::<_, i64>(0),
    )
    .unwrap()
    .unsigned_abs()
}

fn watching(attribution: &str) -> Agent {
    let agent = Agent::start_configured(&format!("[capture]\nattribution = \"{attribution}\"\n"), &[]);
    let dissector = agent.role("dissector");
    wait("the dissector's seccomp filter", || (status(dissector, "Seccomp") == "2").then_some(()));
    agent
}

#[test]
fn a_curl_that_is_gone_at_once_is_known_by_name() {
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    if !can_capture() || !require("curl", has_curl) {
        return;
    }
    let server = listen();
    let run = |attribution: &str, name: &str| {
        let agent = watching(attribution);
        for _ in 0..RUNS {
            curl(name, server);
        }
        wait("every hello", || (agent.count(name) >= RUNS).then_some(()));
        let path = attributed(&agent, name, "/usr/bin/curl", None);
        // Where a busy machine let the process end before its path was read, its name is what the kernel noted.
        let named = path + attributed(&agent, name, "curl", None);
        (named, path, attributed(&agent, name, "/usr/bin/curl", Some("deb:curl")))
    };
    let tell = |how: &str, (named, path, package): (u64, u64, u64)| {
        println!(
            "of {RUNS} runs of curl, told {how}: {named} by name, {path} with path, {package} with package"
        );
    };
    tell("by sock_diag alone", run("plain", "chat.mistral.ai"));
    let possible = umbrascope_agent::attribution::Hooks::attach().is_ok();
    if !require("hooks of connect in control groups", possible) {
        return;
    }
    let hooked = run("auto", "claude.ai");
    tell("at connect", hooked);
    assert!(hooked.0 * 100 >= RUNS * 99, "{hooked:?} of {RUNS}");
    if std::path::Path::new("/var/lib/dpkg/info/curl.list").exists() {
        assert!(hooked.2 * 2 > RUNS, "{hooked:?} of {RUNS}");
    }
}

/// A DNS query for a name (RFC 1035, section 4.1).
fn query(name: &str) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend_from_slice(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

#[test]
fn a_datagram_of_a_socket_that_is_closed_at_once_is_known_by_name() {
    if !can_capture()
        || !require(
            "hooks of connect in control groups",
            umbrascope_agent::attribution::Hooks::attach().is_ok(),
        )
    {
        return;
    }
    let agent = watching("auto");
    let me = std::env::current_exe().unwrap();
    let me = me.to_str().unwrap();
    let short = std::env::var("HOME").ok().and_then(|home| Some(format!("~{}", me.strip_prefix(&home)?)));
    for number in 0..RUNS {
        // Nobody listens there; the query is on the wire all the same.
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut message = query("api.deepseek.com");
        message[..2].copy_from_slice(&u16::try_from(number).unwrap().to_be_bytes());
        if number % 2 == 0 {
            socket.send_to(&message, "127.0.0.1:53").unwrap();
        } else {
            socket.connect("127.0.0.1:53").unwrap();
            socket.send(&message).unwrap();
        }
    }
    wait("every query", || (agent.count("api.deepseek.com") >= RUNS).then_some(()));
    let known = attributed(&agent, "api.deepseek.com", short.as_deref().unwrap_or(me), None);
    println!("of {RUNS} queries from sockets closed at once, attributed when they were sent: {known}");
    assert!(known * 100 >= RUNS * 99, "{known} of {RUNS}");
}

/// A control group as a container engine makes it; gone on drop.
struct Group(std::path::PathBuf);

impl Group {
    fn new(name: &str) -> Option<Self> {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let root = mounts.lines().find_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let place = fields.next()?;
            (fields.next()? == "cgroup2").then(|| place.to_owned())
        });
        let group = std::path::Path::new(&root?).join(name);
        std::fs::create_dir(&group).ok().map(|()| Self(group))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn a_program_in_a_container_is_told_with_the_containers_id() {
    let id = format!("{:064x}", u128::from(std::process::id()) << 64 | 0xc0ffee);
    let group = Group::new(&format!("docker-{id}.scope"));
    if !can_capture() || !require("leave to make control groups of version 2", group.is_some()) {
        return;
    }
    let (Some(group), server) = (group, listen()) else { return };
    let agent = watching("auto");
    let port = server.port();
    let script = format!(
        "echo $$ >{}/cgroup.procs && exec curl -sk --max-time 10 --resolve gemini.google.com:{port}:127.0.0.1 \
         https://gemini.google.com:{port}/",
        group.0.display()
    );
    let _ = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).status().unwrap();
    wait("the hello", || (agent.count("gemini.google.com") >= 1).then_some(()));
    let db = rusqlite::Connection::open(agent.state.path().join("state.db")).unwrap();
    let told: Option<String> = db
        .query_row("SELECT container FROM activity WHERE value = 'gemini.google.com'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(told.as_deref(), Some(&id[..12]));
}
