//! What the agent costs while it runs: beside a bulk transfer, under new flows, and in memory.
//!
//! `cargo bench -p umbrascope-e2e --bench live [-- bulk|flows|memory …] [--quick]`, as root. The programs are built as they
//! are shipped. Two network namespaces are joined by a veth pair, the agent captures in the one of them where the
//! traffic starts; nothing leaves them. Each figure stands beside what it is compared with, of the same run, and the budget;
//! nothing is asserted of time.
//!
//! Processor time is that of all processes of the agent as the scheduler counted it. What the kernel does for
//! the agent on the way of a packet (filter, copy) is in the time of whoever sends the packet: that is the difference of
//! the two ends' own time with the agent and without.

#![expect(clippy::panic, reason = "a benchmark that cannot go on ends here")]

use std::path::Path;
use std::process::Command;

use umbrascope_e2e::netns::{Link, Pair};
use umbrascope_e2e::{have_command, is_root};

mod agent;
mod bulk;
mod flows;
mod frames;
mod memory;
mod processes;
mod send;

/// How much is measured: all of it, or enough to see that nothing is off by much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Full,
    Quick,
}

impl Size {
    fn pick<T>(self, full: T, quick: T) -> T {
        match self {
            Size::Full => full,
            Size::Quick => quick,
        }
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // This program once more, inside one of the namespaces.
    match words[..] {
        ["send", interface, kind, rate, seconds] => return send::main(interface, kind, rate, seconds),
        ["connect", server, rate, seconds] => return send::connect_main(server, rate, seconds),
        ["sink", address] => return send::sink_main(address),
        ["bulk-server", address] => return bulk::server_main(address),
        ["bulk-client", address, direction, payload, bytes] => {
            return bulk::client_main(address, direction, payload, bytes);
        }
        _ => {}
    }
    for (what, present) in [
        ("root (network namespaces)", is_root()),
        ("iproute2 (ip)", have_command("ip")),
        ("ethtool", have_command("ethtool")),
        ("util-linux (taskset)", have_command("taskset")),
        ("curl", have_command("curl")),
    ] {
        if !present {
            println!("SKIPPED: needs {what}");
            return;
        }
    }
    let size = if words.contains(&"--quick") { Size::Quick } else { Size::Full };
    let parts = ["bulk", "flows", "memory"];
    let asked = |part| words.contains(&part) || !parts.iter().any(|part| words.contains(part));
    if asked("bulk") {
        bulk::run(size);
    }
    if asked("flows") {
        flows::run(size);
    }
    if asked("memory") {
        memory::run(size);
    }
}

/// The namespaces; what they need was asked for before.
fn pair(offload: bool) -> Pair {
    Pair::new(Link { mtu: 1500, offload }).unwrap_or_else(|| panic!("the namespaces were not made"))
}

/// A command of a namespace that stays on one processor, if `cpu` says which.
fn on_processor(cpu: Option<usize>, program: &Path, inside: impl Fn(&Path) -> Command) -> Command {
    match cpu {
        Some(cpu) => {
            let mut command = inside(Path::new("taskset"));
            command.args(["-c", &cpu.to_string()]).arg(program);
            command
        }
        None => inside(program),
    }
}

/// This program, to be run again in a namespace.
fn this_program() -> std::path::PathBuf {
    std::env::current_exe().unwrap_or_else(|error| panic!("this program has no path: {error}"))
}

/// The middle one; the upper of the two middle ones.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
