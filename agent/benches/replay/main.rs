//! What `replay --names` costs, beside other programs on the same files in the same run.
//!
//! Budgets: a bulk TLS capture takes no more processor time than `tcpdump -r FILE -w /dev/null`; a mix of handshakes a
//! fifth of ndpiReader's processor time and memory, with every name found. Run with `cargo bench -p umbrascope-agent
//! --bench replay`. The captures take about 350 MB in the temporary folder while it runs.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use child::{Cost, cost};

mod child;
mod generate;

const RUNS: usize = 5;
const BULK_MEGABYTES: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, what, path] = &arguments[..] {
        // This program once more, so that the one that measures stays small (see `Cost::peak_kib`).
        match what.as_str() {
            "bulk" => generate::bulk(Path::new(path), BULK_MEGABYTES)?,
            "mix" => generate::mix(Path::new(path))?,
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
    let ours = report("umbrascope-agent replay --names", replay(&bulk))?;
    let floor = report("tcpdump -r FILE -w /dev/null", tcpdump(&bulk))?;
    report("ndpiReader -i FILE", ndpi(&bulk))?;
    compare("tcpdump", ours, floor, 1.0);

    let mix = folder.capture("mix")?;
    let flows = generate::TCP_FLOWS + generate::QUIC_FLOWS;
    println!("\nmix: {flows} handshakes, {} MB", std::fs::metadata(&mix)?.len() / 1_000_000);
    let ours = report("umbrascope-agent replay --names", replay(&mix))?;
    report("tcpdump -r FILE -w /dev/null", tcpdump(&mix))?;
    let peer = report("ndpiReader -i FILE", ndpi(&mix))?;
    compare("ndpiReader", ours, peer, 0.2);
    names_are_all_found(&mix)
}

fn replay(path: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_umbrascope-agent"));
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

/// The least of several runs: what other work on the machine adds is not the program's.
fn report(what: &str, mut command: Command) -> Result<Option<Cost>, Box<dyn Error>> {
    let mut best: Option<Cost> = None;
    for _ in 0..RUNS {
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

fn compare(peer: &str, ours: Option<Cost>, theirs: Option<Cost>, budget: f64) {
    let (Some(ours), Some(theirs)) = (ours, theirs) else { return };
    let cpu = ours.cpu_s / theirs.cpu_s;
    let memory = ours.peak_kib as f64 / theirs.peak_kib as f64;
    println!("  against {peer}: CPU {cpu:.2}, memory {memory:.2} (budget {budget:.2})");
}

fn names_are_all_found(mix: &Path) -> Result<(), Box<dyn Error>> {
    let output = replay(mix).stderr(std::process::Stdio::inherit()).output()?;
    let output = String::from_utf8(output.stdout)?;
    let found: std::collections::BTreeSet<_> =
        output.lines().filter_map(|line| line.rsplit_once('\t').map(|(name, _)| name)).collect();
    let expected = |channel, numbers: std::ops::Range<u32>| {
        numbers.map(move |number| format!("{channel}\t{}", generate::name(number)))
    };
    let all = generate::TCP_FLOWS + generate::QUIC_FLOWS;
    let missing = expected("tls", 0..generate::TCP_FLOWS)
        .chain(expected("quic", generate::TCP_FLOWS..all))
        .chain(expected("dns", 0..all))
        .filter(|pair| !found.contains(pair.as_str()))
        .count();
    println!("  names: {} found, {missing} missing", found.len());
    if missing == 0 { Ok(()) } else { Err("names are missing".into()) }
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
