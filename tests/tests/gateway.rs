//! Gateway mode: a sensor on a router, and on a bridge between machines, names each of them with real clients' traffic.

#![expect(clippy::panic, reason = "a helper that cannot go on fails its test")]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use umbrascope_e2e::netns::Site;
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::{have_command, require};

const SERVER: &str = "10.99.1.2";
/// Far more than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two clients `anna` and `ben`, a machine `box` with both programs between them and `server`.
struct Office {
    site: Site,
    folder: tempfile::TempDir,
    running: Vec<Child>,
}

impl Office {
    /// The machines, without any cable; the collector runs and the sensor is enrolled.
    fn new(gateway: &str) -> Option<Self> {
        if !require("curl", have_command("curl")) || !require("dig (dnsutils)", have_command("dig")) {
            return None;
        }
        let site = Site::new(&["anna", "ben", "box", "server"])?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut office = Self { site, folder, running: Vec::new() };
        office.write(
            "collector.toml",
            "[people]\nlisten = \"127.0.0.1:8080\"\n\
             [agents]\nlisten = \"127.0.0.1:8443\"\nnames = [\"127.0.0.1\"]\nurl = \"https://127.0.0.1:8443\"\n\
             report_interval_s = 2\n",
        );
        office.write(
            "agent.toml",
            &format!("{gateway}[scan]\nenabled = false\n[report]\ncounter_interval_s = 1\n"),
        );
        office.collector(&["init"]);
        let token = office.collector(&["token", "create", "--unit", "Office"]);
        let mut serve = office.collector_command();
        serve.arg("serve").stdout(Stdio::null()).stderr(Stdio::null());
        office.running.push(serve.spawn().expect("the collector starts"));
        wait("the collector", || {
            let probe = office.site.on("box", "curl").args(["-sf", "http://127.0.0.1:8080/readyz"]).output();
            probe.is_ok_and(|output| output.status.success()).then_some(())
        });
        let mut enrol = office.agent_command("enrol");
        enrol.args(["--collector", "https://127.0.0.1:8443"]).env("UMBRASCOPE_TOKEN", token.trim());
        run(enrol);
        Some(office)
    }

    /// The clients at a bridge of `box`.
    fn lay_lan(&self, bridge: &str) {
        self.site.ip("box", &["link", "add", bridge, "type", "bridge"]);
        for (name, address) in [("anna", "10.99.0.11"), ("ben", "10.99.0.12")] {
            self.attach(name, address, bridge);
        }
        self.site.ip("box", &["link", "set", bridge, "up"]);
    }

    /// A machine at a bridge of `box`.
    fn attach(&self, name: &str, address: &str, bridge: &str) {
        let port = format!("to-{name}");
        self.site.cable((name, "eth0"), ("box", &port));
        self.site.ip("box", &["link", "set", &port, "master", bridge]);
        self.site.ip(name, &["addr", "add", &format!("{address}/24"), "dev", "eth0"]);
    }

    fn start_server(&mut self) {
        let mut server = self.site.on("server", &programs().peer);
        let mut child =
            server.args(["serve", SERVER]).stdout(Stdio::piped()).spawn().expect("the test server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)
            .expect("the test server says that it is ready");
        assert_eq!(line, "ready\n");
        self.running.push(child);
    }

    fn start_agent(&mut self) {
        let notify = self.path("notify");
        let socket = std::os::unix::net::UnixDatagram::bind(&notify).expect("a notification socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let mut command = self.agent_command("run");
        command.env("NOTIFY_SOCKET", &notify).stdout(Stdio::null());
        self.running.push(command.spawn().expect("the agent starts"));
        let mut message = [0; 4096];
        loop {
            let length = socket.recv(&mut message).expect("the agent says READY=1");
            if String::from_utf8_lossy(&message[..length]).contains("READY=1") {
                return;
            }
        }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("the configuration is written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn collector_command(&self) -> Command {
        let mut command = self.site.on("box", &programs().collector);
        command.arg("--data-dir").arg(self.path("collector"));
        command.arg("--config").arg(self.path("collector.toml")).stdin(Stdio::null());
        command
    }

    fn collector(&self, words: &[&str]) -> String {
        let mut command = self.collector_command();
        command.args(words);
        run(command)
    }

    fn agent_command(&self, word: &str) -> Command {
        let mut command = self.site.on("box", &programs().agent);
        command.arg(word).arg("--config").arg(self.path("agent.toml"));
        command.arg("--state-dir").arg(self.path("agent")).stdin(Stdio::null());
        command
    }

    fn peer(&self, name: &str, words: &[&str]) {
        let mut peer = self.site.on(name, &programs().peer);
        peer.args(words);
        run(peer);
    }

    fn curl(&self, name: &str, host: &str) {
        let mut curl = self.site.on(name, "curl");
        curl.args(["-sk", "--max-time", "10", "-o", "/dev/null"]);
        curl.args(["--resolve", &format!("{host}:443:{SERVER}"), &format!("https://{host}/")]);
        run(curl);
    }

    fn dig(&self, name: &str, host: &str) {
        let mut dig = self.site.on(name, "dig");
        dig.args(["+short", "+time=3", "+tries=2", &format!("@{SERVER}"), host]);
        run(dig);
    }

    fn mac(&self, name: &str) -> String {
        let links: Value = serde_json::from_str(&self.site.ip(name, &["-j", "link", "show", "dev", "eth0"]))
            .unwrap_or_default();
        links[0]["address"].as_str().unwrap_or_default().to_owned()
    }

    /// How many have asked this interface of `box` for frames that are not its own.
    fn promiscuity(&self, interface: &str) -> u64 {
        let text = self.site.ip("box", &["-d", "-j", "link", "show", "dev", interface]);
        let links: Value = serde_json::from_str(&text).unwrap_or_default();
        links[0]["promiscuity"].as_u64().unwrap_or_else(|| panic!("ip does not tell: {text}"))
    }

    /// Waits until a packet socket of `box` reads this interface and is promiscuous on it.
    fn wait_until_watched(&self, interface: &str) {
        wait("the interface to be watched", || {
            let text = self.site.ip("box", &["-j", "link", "show", "dev", interface]);
            let links: Value = serde_json::from_str(&text).unwrap_or_default();
            let index = links[0]["ifindex"].as_u64()?.to_string();
            let mut cat = self.site.on("box", "cat");
            cat.arg("/proc/net/packet");
            // sk, reference count, type, protocol, interface …
            let bound = run(cat).lines().any(|line| line.split_whitespace().nth(4) == Some(index.as_str()));
            (bound && self.promiscuity(interface) == 1).then_some(())
        });
    }

    /// The process of an agent that reads packets; `agent` is its place among what runs.
    fn dissector(&self, agent: usize) -> u32 {
        let agent = self.running[agent].id();
        let children =
            std::fs::read_to_string(format!("/proc/{agent}/task/{agent}/children")).unwrap_or_default();
        let is_it = |pid: &&str| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.split(|byte| *byte == 0).any(|word| word == b"dissector"))
        };
        let found = children.split_whitespace().find(is_it).and_then(|pid| pid.parse().ok());
        found.unwrap_or_else(|| panic!("the agent {agent} has no dissector"))
    }

    /// What the collector knows.
    fn inventory(&self) -> Value {
        serde_json::from_str(&self.collector(&["export", "json"])).expect("the export is JSON")
    }

    /// Waits until the collector knows so much of this.
    fn wait_for(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let inventory = self.inventory();
            if holds(&inventory) {
                return inventory;
            }
            assert!(start.elapsed() < PATIENCE, "waited for {what} in vain: {inventory:#}");
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn run(mut command: Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn wait<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited for {what} in vain");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Assets that a gateway sensor saw, by hardware address.
fn seen<'i>(inventory: &'i Value, mac: &str) -> Option<&'i Value> {
    let assets = inventory["assets"].as_array()?;
    assets.iter().find(|asset| asset["seen_by_gateway"] == true && asset["mac"] == mac)
}

/// On how many assets and how often a name was seen by a channel.
fn evidence(inventory: &Value, value: &str, channel: &str) -> Vec<(u64, u64)> {
    let products = inventory["products"].as_array().into_iter().flatten();
    let rows = products.filter_map(|product| product["evidence"].as_array()).flatten();
    rows.filter(|row| row["value"] == value && row["channel"] == channel)
        .map(|row| (row["assets"].as_u64().unwrap_or(0), row["count"].as_u64().unwrap_or(0)))
        .collect()
}

/// A router with its clients at one interface and the rest of the world at another.
fn routed(gateway: &str) -> Option<Office> {
    let office = Office::new(gateway)?;
    office.lay_lan("lan0");
    office.site.ip("box", &["addr", "add", "10.99.0.1/24", "dev", "lan0"]);
    office.site.cable(("box", "wan0"), ("server", "eth0"));
    office.site.ip("box", &["addr", "add", "10.99.1.1/24", "dev", "wan0"]);
    office.site.ip("server", &["addr", "add", &format!("{SERVER}/24"), "dev", "eth0"]);
    office.site.ip("server", &["route", "add", "default", "via", "10.99.1.1"]);
    for name in ["anna", "ben"] {
        office.site.ip(name, &["route", "add", "default", "via", "10.99.0.1"]);
    }
    let mut forward = office.site.on("box", "sysctl");
    forward.args(["-qw", "net.ipv4.ip_forward=1"]);
    run(forward);
    Some(office)
}

fn two_machines_are_seen(mut office: Office) {
    office.start_server();
    office.start_agent();
    assert_eq!((office.promiscuity("lan0"), office.promiscuity("wan0")), (1, 0));
    office.curl("anna", "chatgpt.com");
    office.curl("ben", "chatgpt.com");
    office.curl("ben", "claude.ai");
    office.dig("anna", "api.deepseek.com");
    office.peer("ben", &["quic", &format!("{SERVER}:443"), "gemini.google.com"]);
    office.curl("anna", "payroll.intranet.example");
    let [anna, ben] = ["anna", "ben"].map(|name| office.mac(name));
    office.wait_for("both machines with all they did", |inventory| {
        let products = |mac| seen(inventory, mac).map_or(0, |asset| asset["products"].as_u64().unwrap_or(0));
        products(&anna) >= 2 && products(&ben) >= 3
    });
    // Whatever would be too much comes with the next report, which is two seconds away at most.
    std::thread::sleep(Duration::from_secs(4));
    let inventory = office.inventory();
    assert_eq!(seen(&inventory, &anna).map(|asset| &asset["address"]), Some(&"10.99.0.11".into()));
    assert_eq!(seen(&inventory, &ben).map(|asset| &asset["address"]), Some(&"10.99.0.12".into()));
    assert_eq!(evidence(&inventory, "chatgpt.com", "tls"), [(2, 2)], "once for each of two machines");
    assert_eq!(evidence(&inventory, "claude.ai", "tls"), [(1, 1)]);
    assert_eq!(evidence(&inventory, "gemini.google.com", "quic"), [(1, 1)]);
    assert_eq!(evidence(&inventory, "api.deepseek.com", "dns"), [(1, 1)]);
    let assets = inventory["assets"].as_array().map_or(0, Vec::len);
    assert_eq!(assets, 3, "two machines, and the router itself: {inventory:#}");
    let own =
        inventory["assets"].as_array().into_iter().flatten().find(|asset| asset["seen_by_gateway"] == false);
    assert_eq!(own.map(|asset| asset["products"].as_u64()), Some(Some(0)), "the router used none of it");
    assert_eq!(
        inventory["coverage"]["sensors"][0]["coverage"]["gateway"],
        serde_json::json!(["lan0"]),
        "{inventory:#}"
    );
    assert!(!inventory.to_string().contains("intranet.example"), "a name that is not AI");
}

#[test]
fn a_router_names_the_machines_behind_it() {
    let Some(office) = routed("[gateway]\ninterfaces = [\"lan0\"]\n") else { return };
    two_machines_are_seen(office);
}

/// With translated addresses the second copy of a connection, on its way out, looks like the router's own.
#[test]
fn a_router_that_translates_addresses_names_the_machines_behind_it_once() {
    if !require("nft (nftables)", have_command("nft")) {
        return;
    }
    let Some(office) = routed("[gateway]\ninterfaces = [\"lan0\"]\n") else { return };
    let mut nft = office.site.on("box", "nft");
    nft.arg("add table ip nat; add chain ip nat out { type nat hook postrouting priority 100 ; }; add rule ip nat out oifname \"wan0\" masquerade");
    run(nft);
    two_machines_are_seen(office);
}

/// The sensor sits beside what passes, as at a mirror port: nothing is for it. Its interface comes after it has started.
#[test]
fn a_sensor_beside_the_traffic_learns_names_and_an_interface_that_comes_late() {
    let Some(mut office) = Office::new("[gateway]\ninterfaces = [\"tap0\"]\n") else { return };
    office.start_agent();
    let agent = office.running.len() - 1;
    office.lay_lan("tap0");
    office.attach("server", SERVER, "tap0");
    for (name, target) in [("anna", SERVER), ("ben", SERVER), ("server", "10.99.0.0")] {
        let network = if name == "server" { format!("{target}/24") } else { format!("{target}/32") };
        office.site.ip(name, &["route", "add", &network, "dev", "eth0"]);
    }
    office.start_server();
    office.wait_until_watched("tap0");
    office.peer("anna", &["lease", "eth0", "10.99.0.11", "Annas-Laptop"]);
    office.curl("anna", "chatgpt.com");
    office.curl("ben", "chatgpt.com");
    let [anna, ben] = ["anna", "ben"].map(|name| office.mac(name));
    let inventory = office.wait_for("both machines", |inventory| {
        let both = seen(inventory, &anna).is_some() && seen(inventory, &ben).is_some();
        both && evidence(inventory, "chatgpt.com", "tls") == [(2, 2)]
    });
    assert_eq!(seen(&inventory, &anna).map(|asset| &asset["hostname"]), Some(&"annas-laptop".into()));
    assert_eq!(seen(&inventory, &ben).map(|asset| &asset["hostname"]), Some(&"10.99.0.12".into()));
    office.peer("ben", &["announce", "eth0", "10.99.0.12", "desk-12"]);
    office.wait_for("the name that came later", |inventory| {
        seen(inventory, &ben).is_some_and(|asset| asset["hostname"] == "desk-12")
    });

    // It goes and comes back under the same name, and nobody has to start anew.
    let dissector = office.dissector(agent);
    office.site.ip("box", &["link", "del", "tap0"]);
    std::thread::sleep(Duration::from_secs(1));
    office.site.ip("box", &["link", "add", "tap0", "type", "bridge"]);
    for name in ["anna", "ben", "server"] {
        office.site.ip("box", &["link", "set", &format!("to-{name}"), "master", "tap0"]);
    }
    office.site.ip("box", &["link", "set", "tap0", "up"]);
    office.wait_until_watched("tap0");
    office.curl("anna", "claude.ai");
    office.wait_for("what came afterwards", |inventory| evidence(inventory, "claude.ai", "tls") == [(1, 1)]);
    assert_eq!(office.dissector(agent), dissector, "the dissector outlived its interface");
    let explained = run(office.agent_command("explain"));
    for words in ["WATCHES THE TRAFFIC OF OTHER MACHINES", "tap0", "chatgpt.com (tls) by annas-laptop"] {
        assert!(explained.contains(words), "{words}: {explained}");
    }
}

#[test]
fn without_the_section_no_interface_is_promiscuous_and_nobody_else_is_named() {
    // All these machines have one kernel, and its hooks would tell whose the connection is.
    let Some(mut office) = routed("[capture]\nattribution = \"plain\"\n") else { return };
    office.start_server();
    office.start_agent();
    assert_eq!((office.promiscuity("lan0"), office.promiscuity("wan0")), (0, 0));
    office.curl("anna", "chatgpt.com");
    let inventory = office.wait_for("the forwarded connection", |inventory| {
        evidence(inventory, "chatgpt.com", "tls") == [(1, 1)]
    });
    let products = inventory["products"].as_array().into_iter().flatten();
    let forwarded = products.filter_map(|product| product["evidence"].as_array()).flatten();
    assert!(
        forwarded.map(|row| &row["forwarded"]).eq([true]),
        "no socket of the router has it: {inventory:#}"
    );
    assert_eq!(inventory["assets"].as_array().map_or(0, Vec::len), 1, "the router alone");
    assert!(!inventory.to_string().contains(&office.mac("anna")), "no hardware address of anybody");
    assert!(!inventory.to_string().contains("10.99.0.11"), "no address of anybody");
    assert_eq!((office.promiscuity("lan0"), office.promiscuity("wan0")), (0, 0));
}
