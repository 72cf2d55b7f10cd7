//! Network namespaces as machines. [`Pair`]: two of them joined by a veth pair, `host` the machine under test, `net` the
//! rest of the world. [`Site`]: as many as a test names, and the links that it lays. Nothing in them reaches any other network.

use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{have_command, is_root, require};

/// Address of the machine under test.
pub const HOST: &str = "10.99.0.1";
/// Address of the server side.
pub const NET: &str = "10.99.0.2";

/// How the link between the two behaves.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// Largest packet, in bytes.
    pub mtu: u32,
    /// Whether the kernel may hand over packets larger than that and cut them later.
    pub offload: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self { mtu: 1500, offload: true }
    }
}

/// The pair of namespaces; taken down on drop, with every process in them.
#[derive(Debug)]
pub struct Pair {
    host: String,
    net: String,
}

impl Pair {
    /// Makes the pair, or says what is missing for it and returns `None`.
    ///
    /// # Panics
    /// When the machine has all that is needed and it fails all the same.
    pub fn new(link: Link) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if !require("root (network namespaces)", is_root()) || !require("iproute2 (ip)", have_command("ip")) {
            return None;
        }
        if !link.offload && !require("ethtool", have_command("ethtool")) {
            return None;
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}-{number}", std::process::id());
        let pair = Self { host: format!("ush-{id}"), net: format!("usn-{id}") };
        let (outer, inner) =
            (format!("uh{}x{number}", std::process::id()), format!("un{}x{number}", std::process::id()));
        ip(&["netns", "add", &pair.host]);
        ip(&["netns", "add", &pair.net]);
        ip(&["link", "add", &outer, "type", "veth", "peer", "name", &inner]);
        for (interface, namespace, name, address) in
            [(&outer, &pair.host, "eth0", HOST), (&inner, &pair.net, "eth0", NET)]
        {
            ip(&["link", "set", interface, "netns", namespace, "name", name]);
            ip(&["-n", namespace, "addr", "add", &format!("{address}/24"), "dev", name]);
            ip(&["-n", namespace, "link", "set", name, "mtu", &link.mtu.to_string()]);
            ip(&["-n", namespace, "link", "set", "lo", "up"]);
            ip(&["-n", namespace, "link", "set", name, "up"]);
        }
        // The test machine's own services come first; everything else goes to the server side.
        ip(&["-n", &pair.host, "route", "add", "default", "via", NET]);
        if !link.offload {
            for namespace in [&pair.host, &pair.net] {
                let done = Command::new("ip")
                    .args(["netns", "exec", namespace, "ethtool", "-K", "eth0"])
                    .args(["tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off", "sg", "off"])
                    .output();
                assert!(
                    done.is_ok_and(|output| output.status.success()),
                    "ethtool could not switch offload off"
                );
            }
        }
        Some(pair)
    }

    /// A command that will run on the machine under test.
    pub fn host(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        inside(&self.host, program.as_ref())
    }

    /// The words that stand before a command to run it on the machine under test.
    pub fn host_words(&self) -> Vec<String> {
        ["ip", "netns", "exec", &self.host].map(str::to_owned).to_vec()
    }

    /// A command that will run on the server side.
    pub fn net(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        inside(&self.net, program.as_ref())
    }
}

/// Namespaces by name; taken down on drop, with every process in them.
#[derive(Debug)]
pub struct Site {
    id: String,
    namespaces: Vec<String>,
}

impl Site {
    /// Makes the namespaces, or says what is missing for them and returns `None`.
    ///
    /// # Panics
    /// When the machine has all that is needed and it fails all the same.
    pub fn new(names: &[&str]) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if !require("root (network namespaces)", is_root()) || !require("iproute2 (ip)", have_command("ip")) {
            return None;
        }
        let id = format!("uss-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let namespaces: Vec<_> = names.iter().map(|name| format!("{id}-{name}")).collect();
        for namespace in &namespaces {
            ip(&["netns", "add", namespace]);
            ip(&["-n", namespace, "link", "set", "lo", "up"]);
        }
        Some(Self { id, namespaces })
    }

    /// Lays a cable from an interface of one machine to an interface of another; both are new, and up.
    pub fn cable(&self, one: (&str, &str), other: (&str, &str)) {
        let ends = [one, other].map(|(name, interface)| (self.namespace(name), interface));
        let [(one, one_interface), (other, other_interface)] = &ends;
        ip(&[
            "link",
            "add",
            one_interface,
            "netns",
            one,
            "type",
            "veth",
            "peer",
            "name",
            other_interface,
            "netns",
            other,
        ]);
        for (namespace, interface) in &ends {
            ip(&["-n", namespace, "link", "set", interface, "up"]);
        }
    }

    /// Runs `ip` on a machine; returns its standard output.
    ///
    /// # Panics
    /// When it fails.
    pub fn ip(&self, name: &str, words: &[&str]) -> String {
        let namespace = self.namespace(name);
        let output = ip(&[&["-n", &namespace], words].concat());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A command that will run on a machine.
    pub fn on(&self, name: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
        inside(&self.namespace(name), program.as_ref())
    }

    fn namespace(&self, name: &str) -> String {
        format!("{}-{name}", self.id)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        take_down(&self.namespaces);
    }
}

/// A command inside a namespace. `ip netns exec` puts a new `/sys` in place, without the control groups that a machine has there.
fn inside(namespace: &str, program: &std::ffi::OsStr) -> Command {
    const WITH_CONTROL_GROUPS: &str = "mount -t cgroup2 none /sys/fs/cgroup; exec \"$@\"";
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace, "sh", "-c", WITH_CONTROL_GROUPS, "sh"]).arg(program);
    command
}

impl Drop for Pair {
    fn drop(&mut self) {
        take_down(&[self.host.clone(), self.net.clone()]);
    }
}

fn take_down(namespaces: &[String]) {
    for namespace in namespaces {
        let pids = Command::new("ip").args(["netns", "pids", namespace]).output();
        for pid in pids
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default()
            .lines()
        {
            let _ = Command::new("kill").args(["-9", pid]).output();
        }
        let _ = Command::new("ip").args(["netns", "del", namespace]).output();
    }
}

fn ip(arguments: &[&str]) -> Output {
    let output =
        Command::new("ip").args(arguments).output().unwrap_or_else(|error| panic!("cannot run ip: {error}"));
    assert!(
        output.status.success(),
        "ip {} failed: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
