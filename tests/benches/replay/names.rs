//! Which names a program found in a capture, each as `channel<TAB>name`. `None` where the program is not installed.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// Of `umbrascope-agent replay --names --format tsv`.
pub(crate) fn ours(command: Command) -> Option<BTreeSet<String>> {
    names(command, |line| line.rsplit_once('\t').map(|(name, _)| name.to_owned()))
}

/// Of ndpiReader, which names one host a flow.
pub(crate) fn ndpi(mut command: Command) -> Option<BTreeSet<String>> {
    command.args(["-v", "2"]);
    names(command, |line| {
        let (before, after) = line.split_once("[Hostname/SNI: ")?;
        let protocol = before.split_once("[proto: ")?.1.split(']').next()?;
        let channel = ["quic", "dns", "tls"].into_iter().find(|c| protocol.contains(&c.to_uppercase()))?;
        Some(format!("{channel}\t{}", after.split(']').next()?))
    })
}

/// Of tshark with the fields: name asked for, port of the UDP datagram, name of the hello.
pub(crate) fn tshark(command: Command) -> Option<BTreeSet<String>> {
    names(command, |line| {
        let [asked, port, hello] = line.split('\t').collect::<Vec<_>>()[..] else { return None };
        match (asked, port, hello) {
            ("", _, "") => None,
            ("", "", name) => Some(format!("tls\t{name}")),
            ("", _, name) => Some(format!("quic\t{name}")),
            (name, ..) => Some(format!("dns\t{name}")),
        }
    })
}

fn names(mut command: Command, name: impl Fn(&str) -> Option<String>) -> Option<BTreeSet<String>> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).lines().filter_map(name).collect())
}
