//! Memory of all processes of the agent, enrolled and reporting, while nothing happens and under floods.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use umbrascope_e2e::netns::Pair;
use umbrascope_e2e::product::Try;
use umbrascope_e2e::programs::released;

use crate::frames::Kind;
use crate::{Size, pair, processes, send, this_program};

const BUDGET_IDLE_MB: f64 = 14.0;
const BUDGET_PEAK_MB: f64 = 40.0;
/// How often memory is looked at.
const EVERY: Duration = Duration::from_millis(50);
/// How long a first scan may take.
const SCAN_LIMIT: Duration = Duration::from_secs(130);

/// Prints a row for each state.
pub(crate) fn run(size: Size) {
    let pair = pair(true);
    let data = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    let mut command = pair.host(&released().collector);
    command.args(["try", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data.path());
    println!("\nmemory: summed PSS of the agent's processes, under `try`");
    println!("        budget: idle {BUDGET_IDLE_MB} MB, peak {BUDGET_PEAK_MB} MB");
    let product = Try::start(command, pair.host_words());
    let collector = product.pid();
    let scanning = || agent_processes(collector).iter().any(|pid| processes::role(*pid) == "scanner");
    let peak = peak_during(collector, || {
        let deadline = Instant::now() + SCAN_LIMIT;
        std::thread::sleep(Duration::from_secs(2));
        while scanning() && Instant::now() < deadline {
            std::thread::sleep(EVERY);
        }
    });
    row("start and first scan", peak, BUDGET_PEAK_MB);
    std::thread::sleep(size.pick(Duration::from_secs(15), Duration::from_secs(5)));
    idle(collector, "idle");
    let (rate, seconds) = (size.pick(20_000, 10_000), size.pick(8, 2));
    for (what, kind) in [
        ("new TLS flows", Kind::Tls),
        ("new QUIC flows", Kind::Quic),
        ("half-open hellos", Kind::Half),
        ("fragments", Kind::Fragment),
    ] {
        let peak = peak_during(collector, || {
            send::run(&mut flood(&pair, kind, rate, seconds));
            std::thread::sleep(Duration::from_secs(1));
        });
        row(&format!("{what}, {rate} a second"), peak, BUDGET_PEAK_MB);
    }
    std::thread::sleep(size.pick(Duration::from_secs(20), Duration::from_secs(8)));
    idle(collector, "idle again");
    if size == Size::Full {
        // The tables are swept every two minutes: what was used before the first sweep goes with the third at the latest.
        std::thread::sleep(Duration::from_secs(370));
        idle(collector, "idle, six minutes later");
    }
}

fn flood(pair: &Pair, kind: Kind, rate: u32, seconds: u32) -> std::process::Command {
    let mut command = pair.host(this_program());
    command.args(["send", "eth0", kind.name(), &rate.to_string(), &seconds.to_string()]);
    command
}

/// The processes of the agent that the collector started.
fn agent_processes(collector: u32) -> Vec<u32> {
    processes::tree(collector).into_iter().skip(1).collect()
}

/// The most that they had together while something was done.
fn peak_during(collector: u32, work: impl FnOnce()) -> u64 {
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let now = agent_processes(collector).into_iter().map(processes::pss_kib).sum();
                peak.fetch_max(now, Ordering::Relaxed);
                std::thread::sleep(EVERY);
            }
        });
        work();
        done.store(true, Ordering::Relaxed);
    });
    peak.into_inner()
}

fn idle(collector: u32, what: &str) {
    let each: Vec<_> = agent_processes(collector)
        .into_iter()
        .map(|pid| (processes::role(pid), processes::pss_kib(pid)))
        .collect();
    row(what, each.iter().map(|(_, kib)| kib).sum(), BUDGET_IDLE_MB);
    for (role, kib) in each {
        println!("    {role:38} {:6.1} MB", megabytes(kib));
    }
}

fn row(what: &str, kib: u64, budget: f64) {
    println!("  {what:40} {:6.1} MB  (budget {budget:.0})", megabytes(kib));
}

fn megabytes(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}
