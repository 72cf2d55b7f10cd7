//! What `replay --names` costs, beside other programs on the same files in the same run.
//!
//! Budgets: a bulk TLS capture takes no more processor time than `tcpdump -r FILE -w /dev/null`; a mix of handshakes a
//! fifth of ndpiReader's processor time and memory, with every name found. Run with `cargo bench -p umbrascope-e2e
//! --bench replay`. The captures take about 350 MB in the temporary folder while it runs. tshark is so slow that it gets a
//! small mix of its own.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use child::{Cost, cost};
use generate::{CUT, Flows, MIX};
use umbrascope_e2e::programs::released;

mod child;
mod generate;
mod names;

const RUNS: usize = 5;
const BULK_MEGABYTES: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, what, path] = &arguments[..] {
        // This program once more, so that the one that measures stays small (see `Cost::peak_kib`).
        match what.as_str() {
            "bulk" => generate::bulk(Path::new(path), BULK_MEGABYTES)?,
            "mix" => generate::mix(Path::new(path), MIX)?,
            "cut" => generate::mix(Path::new(path), CUT)?,
            other => return Err(format!("unknown capture {other}").into()),
        }
        return Ok(());
    }
    let folder = Folder::create()?;
    println!(
        "least CPU seconds of {RUNS} runs, peak memory; memory below {} KiB is not told apart",
        own_peak_kib()
    );
    let bulk = folder.capture("bulk")?;
    println!("\nbulk: one TLS download, {} MB", std::fs::metadata(&bulk)?.len() / 1_000_000);
    let ours = report("umbrascope-agent replay --names", replay(&bulk), RUNS)?;
    let floor = report("tcpdump -r FILE -w /dev/null", tcpdump(&bulk), RUNS)?;
    let peer = report("ndpiReader -i FILE", ndpi(&bulk), RUNS)?;
    compare("tcpdump", ours, floor, "budget: CPU 1.00");
    compare("ndpiReader", ours, peer, "no budget");

    let mix = folder.capture("mix")?;
    println!("\nmix: {} handshakes, {} MB", MIX.tcp + MIX.quic, std::fs::metadata(&mix)?.len() / 1_000_000);
    let ours = report("umbrascope-agent replay --names", replay(&mix), RUNS)?;
    let floor = report("tcpdump -r FILE -w /dev/null", tcpdump(&mix), RUNS)?;
    let peer = report("ndpiReader -i FILE", ndpi(&mix), RUNS)?;
    compare("tcpdump", ours, floor, "no budget");
    compare("ndpiReader", ours, peer, "budget: 0.20 each");

    let cut = folder.capture("cut")?;
    println!(
        "\nsmall mix: {} handshakes, {} MB; tshark is run once",
        CUT.tcp + CUT.quic,
        std::fs::metadata(&cut)?.len() / 1_000_000
    );
    let ours = report("umbrascope-agent replay --names", replay(&cut), RUNS)?;
    let peer = report("tshark, DNS and SNI fields", tshark(&cut), 1)?;
    compare("tshark", ours, peer, "no budget");

    // Last, since this program grows by it.
    println!("\nnames found in the mixes");
    let missing = [
        names_of("umbrascope-agent, mix", MIX, names::ours(replay(&mix))),
        names_of("umbrascope-agent, small mix", CUT, names::ours(replay(&cut))),
    ];
    names_of("ndpiReader, mix", MIX, names::ndpi(ndpi(&mix)));
    names_of("tshark, small mix", CUT, names::tshark(tshark(&cut)));
    if missing == [Some(0); 2] { Ok(()) } else { Err("names are missing".into()) }
}

fn replay(path: &Path) -> Command {
    let mut command = Command::new(&released().agent);
    command.args(["replay", "--names", "--format", "tsv"]).arg(path);
    command
}

fn tcpdump(path: &Path) -> Command {
    let mut command = Command::new("tcpdump");
    command.arg("-r").arg(path).args(["-w", "/dev/null"]);
    command
}

fn ndpi(path: &Path) -> Command {
    let mut command = Command::new("ndpiReader");
    command.arg("-i").arg(path);
    command
}

fn tshark(path: &Path) -> Command {
    let mut command = Command::new("tshark");
    command.args(["-n", "-T", "fields", "-e", "dns.qry.name", "-e", "udp.dstport"]);
    command.args(["-e", "tls.handshake.extensions_server_name", "-r"]).arg(path);
    command
}

/// The least of several runs: what other work on the machine adds is not the program's.
fn report(what: &str, mut command: Command, runs: usize) -> Result<Option<Cost>, Box<dyn Error>> {
    let mut best: Option<Cost> = None;
    for _ in 0..runs {
        let run = match cost(&mut command) {
            Ok(run) => run,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                println!("  {what:34} is not installed: no figure");
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        best = Some(match best {
            Some(best) => {
                Cost { cpu_s: best.cpu_s.min(run.cpu_s), peak_kib: best.peak_kib.min(run.peak_kib) }
            }
            None => run,
        });
    }
    if let Some(Cost { cpu_s, peak_kib }) = best {
        println!("  {what:34} {cpu_s:7.3} s  {peak_kib:7} KiB");
    }
    Ok(best)
}

fn compare(peer: &str, ours: Option<Cost>, theirs: Option<Cost>, budget: &str) {
    let (Some(ours), Some(theirs)) = (ours, theirs) else { return };
    let cpu = ours.cpu_s / theirs.cpu_s;
    let memory = ours.peak_kib as f64 / theirs.peak_kib as f64;
    println!("  against {peer}: CPU {cpu:.3}, memory {memory:.3} ({budget})");
}

/// Prints how many of the names of a mix a program found; returns how many it did not.
fn names_of(program: &str, flows: Flows, found: Option<BTreeSet<String>>) -> Option<usize> {
    let found = found?;
    let expected = |channel, numbers: std::ops::Range<u32>| {
        numbers.map(move |number| format!("{channel}\t{}", generate::name(number)))
    };
    let all = flows.tcp + flows.quic;
    let count = |names: &mut dyn Iterator<Item = String>| names.filter(|name| !found.contains(name)).count();
    let missing = [
        count(&mut expected("tls", 0..flows.tcp)),
        count(&mut expected("quic", flows.tcp..all)),
        count(&mut expected("dns", 0..all)),
    ];
    let [tls, quic, dns] = missing;
    println!("  {program:34} {} of {}; missing: tls {tls}, quic {quic}, dns {dns}", found.len(), 2 * all);
    Some(missing.into_iter().sum())
}

fn own_peak_kib() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "?".to_owned(), |value| value.trim().trim_end_matches(" kB").to_owned())
}

/// A folder for the captures, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Self, Box<dyn Error>> {
        let path = std::env::temp_dir().join(format!("umbrascope-bench-replay-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Folder(path))
    }

    fn capture(&self, what: &str) -> Result<PathBuf, Box<dyn Error>> {
        let path = self.0.join(what).with_extension("pcap");
        let made = Command::new(std::env::current_exe()?).arg(what).arg(&path).status()?;
        if made.success() { Ok(path) } else { Err(format!("the {what} capture could not be made").into()) }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} was not removed: {error}", self.0.display());
        }
    }
}
