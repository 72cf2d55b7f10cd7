//! New flows: processor time of one, and how many a second one core takes without losing any.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use umbrascope_e2e::netns::{NET, Pair};
use umbrascope_e2e::programs::released;

use crate::agent::{Agent, Counted, Filter};
use crate::frames::{Kind, NAMES};
use crate::send::{self, Sent};
use crate::{Size, pair, this_program};

const BUDGET_US: f64 = 25.0;
/// The agent has one processor to itself, as far as the machine allows, and the sender the other.
const AGENT_CPU: usize = 1;
const SENDER_CPU: usize = 0;

/// Prints the processor time of a flow by kind, and the rising rates.
pub(crate) fn run(size: Size) {
    let pair = pair(true);
    let known = known();
    let seconds = size.pick(8.0, 2.0);
    println!(
        "\nflows: prebuilt frames over veth, {} names, {} of them known; budget {BUDGET_US} us a flow",
        NAMES.len(),
        known.len()
    );
    println!(
        "       dissector, warden, uplink: microseconds of processor time a flow; sender: what the kernel does"
    );
    println!("       on its side for the agent; lost: sightings expected and not stored");
    heading();
    for kind in [Kind::Small, Kind::Large, Kind::Large6, Kind::Quic, Kind::Dns, Kind::Tls] {
        measure(&pair, &known, kind, 2_000, seconds);
    }
    connections(&pair, 1_000, seconds);
    of_others(&known, 2_000, seconds);
    println!("  rising rates, the agent on one core:");
    let mut highest = None;
    for rate in [4_000, 8_000, 12_000, 16_000, 24_000, 32_000, 48_000, 64_000] {
        let run = measure(&pair, &known, Kind::Tls, rate, size.pick(5.0, 2.0));
        if run.lost > 0 {
            break;
        }
        highest = Some((rate, run.achieved));
    }
    match highest {
        Some((asked, achieved)) => println!(
            "  no flow lost up to {asked} a second ({achieved:.0} achieved), that is {:.0} us of one core for each",
            1e6 / achieved
        ),
        None => println!("  flows are lost at every rate tried"),
    }
}

struct Run {
    lost: u64,
    achieved: f64,
}

fn heading() {
    println!(
        "  {:16} {:>8} {:>10} {:>7} {:>7} {:>7} {:>8} {:>8} {:>8} {:>7} {:>7}",
        "kind",
        "a second",
        "dissector",
        "warden",
        "uplink",
        "us/flow",
        "sender",
        "packets",
        "dropped",
        "queue",
        "lost"
    );
}

/// Sends flows of a kind at a rate and prints a row.
fn measure(pair: &Pair, known: &[&str], kind: Kind, rate: u32, seconds: f64) -> Run {
    let sender = |pair: &Pair| {
        let mut command = pair.host("taskset");
        command.args(["-c", &SENDER_CPU.to_string()]).arg(this_program());
        command.args(["send", "eth0", kind.name(), &rate.to_string(), &seconds.to_string()]);
        send::run(&mut command)
    };
    let alone = sender(pair);
    let agent = Agent::start(pair, Filter::Auto, Some(AGENT_CPU));
    let before = agent.cpu();
    let sent = sender(pair);
    let expected = expected(kind, sent.flows, known);
    wait_until_stored(&agent, expected);
    let cpu = difference(&before, &agent.cpu());
    let counted = agent.end();
    let label = kind.name();
    row(label, &sent, &cpu, Some(&alone), &counted, expected)
}

/// Flows of another machine, seen by a gateway.
fn of_others(known: &[&str], rate: u32, seconds: f64) {
    let pair = pair(true);
    // The frames come from an address that must be somebody else's.
    for words in
        [["addr", "flush", "dev", "eth0"].as_slice(), &["addr", "add", "10.99.0.9/24", "dev", "eth0"]]
    {
        let done = pair.host("ip").args(words).status();
        assert!(done.is_ok_and(|status| status.success()), "ip {words:?} failed");
    }
    let agent = Agent::start_gateway(&pair, Some(AGENT_CPU));
    let before = agent.cpu();
    let mut command = pair.net("taskset");
    command.args(["-c", &SENDER_CPU.to_string()]).arg(this_program());
    command.args(["send", "eth0", Kind::Tls.name(), &rate.to_string(), &seconds.to_string()]);
    let sent = send::run(&mut command);
    let expected = expected(Kind::Tls, sent.flows, known);
    wait_until_stored(&agent, expected);
    let cpu = difference(&before, &agent.cpu());
    let counted = agent.end();
    row("tls, gateway", &sent, &cpu, None, &counted, expected);
}

/// Real connections of one process, so that there is an owner to be found.
fn connections(pair: &Pair, rate: u32, seconds: f64) {
    let address = format!("{NET}:8443");
    let mut sink = pair.net(this_program());
    let mut sink = sink
        .args(["sink", &address])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("no server: {error}"));
    let mut line = String::new();
    if let Some(output) = sink.stdout.take() {
        let _ = BufReader::new(output).read_line(&mut line);
    }
    assert_eq!(line, "ready\n", "the server does not listen");
    let agent = Agent::start(pair, Filter::Auto, Some(AGENT_CPU));
    let before = agent.cpu();
    let mut command = pair.host("taskset");
    command.args(["-c", &SENDER_CPU.to_string()]).arg(this_program());
    command.args(["connect", &address, &rate.to_string(), &seconds.to_string()]);
    let sent = send::run(&mut command);
    let expected = expected(Kind::Small, sent.flows, &known());
    wait_until_stored(&agent, expected);
    let cpu = difference(&before, &agent.cpu());
    let counted = agent.end();
    row("connections", &sent, &cpu, None, &counted, expected);
    // Of flows with a name that is not known, nobody asks whose they are.
    let stored: u64 = counted.sightings.values().sum();
    let owned = stored.saturating_sub(counted.unattributed);
    println!("  {:16} owners found for {owned} of {stored} sightings", "");
    let _ = sink.kill();
    let _ = sink.wait();
}

fn row(
    label: &str,
    sent: &Sent,
    cpu: &BTreeMap<String, f64>,
    alone: Option<&Sent>,
    counted: &Counted,
    expected: u64,
) -> Run {
    let flows = f64::from(sent.flows);
    let us = |role: &str| cpu.get(role).copied().unwrap_or_default() * 1e6 / flows;
    let all = cpu.values().sum::<f64>() * 1e6 / flows;
    let kernel =
        alone.map_or(f64::NAN, |alone| sent.cpu_s * 1e6 / flows - alone.cpu_s * 1e6 / f64::from(alone.flows));
    let stored: u64 = counted.sightings.values().sum();
    let lost = expected.saturating_sub(stored);
    let achieved = flows / sent.wall_s;
    println!(
        "  {label:16} {achieved:8.0} {:10.2} {:7.2} {:7.2} {all:7.2} {kernel:8.2} {:8} {:8} {:7} {lost:7}",
        us("dissector"),
        us("warden"),
        us("uplink"),
        counted.packets,
        counted.kernel_drops,
        counted.queue_drops,
    );
    Run { lost, achieved }
}

/// Sightings that flows of a kind give: one for each flow with a name that a rule knows.
fn expected(kind: Kind, flows: u32, known: &[&str]) -> u64 {
    let one_kind = NAMES.len();
    let templates = if kind == Kind::Tls { 3 * one_kind } else { one_kind };
    let of = |at: usize| (flows as usize / templates) + usize::from(at < flows as usize % templates);
    (0..templates).filter(|at| known.contains(&NAMES[at % one_kind])).map(|at| of(at) as u64).sum()
}

/// A moment more than the agent needs to write down what it counted.
fn wait_until_stored(agent: &Agent, expected: u64) {
    let deadline = Instant::now() + Duration::from_secs(4);
    while agent.stored() < expected && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn difference(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    after
        .iter()
        .map(|(role, cpu)| (role.clone(), cpu - before.get(role).copied().unwrap_or_default()))
        .collect()
}

/// The names that the catalogue knows, as the agent itself says.
fn known() -> Vec<&'static str> {
    let mut child = Command::new(&released().agent)
        .args(["rules", "match", "--format", "tsv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run the agent: {error}"));
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(NAMES.join("\n").as_bytes());
    }
    let output = child.wait_with_output().unwrap_or_else(|error| panic!("no answer: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    let is_known = |line: &str| line.split('\t').nth(1).is_some_and(|product| product != "-");
    NAMES.iter().zip(text.lines()).filter(|(_, line)| is_known(line)).map(|(name, _)| *name).collect()
}
