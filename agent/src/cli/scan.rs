//! `scan`: one inventory scan of this machine, or of a file tree as if it were one.
//!
//! Only what a rule matched is printed, and what could not be read. Nothing is sent and no state is touched.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;
use umbrascope_api::{Channel, Evidence, ItemDetails, RiskFlag, SourceReport, SourceState};
use umbrascope_rules::Catalogue;

use super::{CliError, StateArgs};
use crate::os::accelerators;
use crate::scan::{FoundItem, OwnerId, Problem, ScanOutcome, ScanRequest, scan};

/// Scan this machine once for AI that is installed, configured or kept.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read the tree below this folder as if it were `/`: no processes, no sockets.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(flatten)]
    state: StateArgs,
    /// How to print what was found.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// A line a sighting: source, product, vendor, value, version, confidence, location, flags.
    Tsv,
    /// Everything, one object.
    Json,
}

/// Scans and prints.
pub fn run(args: Args) -> Result<ExitCode, CliError> {
    let config = args.state.load()?;
    let request = match args.root {
        Some(root) => {
            if !root.is_dir() {
                return Err(CliError::Usage(format!("--root {}: not a folder", root.display())));
            }
            ScanRequest { project_roots: config.project_roots, ..ScanRequest::tree(root) }
        }
        None => ScanRequest {
            probe: config.probe_runtimes,
            containers: config.containers,
            project_roots: config.project_roots,
            ..ScanRequest::live()
        },
    };
    let (matcher, catalogue) = args.state.knowledge()?;
    let outcome = scan(&request, &matcher);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let printed = match args.format {
        Format::Table => table(&mut out, &outcome, &catalogue),
        Format::Tsv => tsv(&mut out, &outcome),
        Format::Json => json(&mut out, &outcome, request.live),
    };
    match printed.and_then(|()| out.flush()) {
        // Whoever read enough has closed the pipe.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::failed("cannot write the result to standard output", error))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

#[derive(Serialize)]
struct Output<'a> {
    sightings: Vec<Sighting<'a>>,
    sources: &'a [SourceReport],
    problems: &'a [Problem],
    partial: bool,
    /// Graphics processors and other accelerators of this machine; of a tree nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    accelerators: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Sighting<'a> {
    source: &'a str,
    rule: &'a str,
    product: &'a str,
    vendor: &'a str,
    confidence: &'a str,
    channel: &'a Channel,
    evidence: &'a Evidence,
    #[serde(skip_serializing_if = "ItemDetails::is_empty")]
    details: &'a ItemDetails,
    flags: &'a [RiskFlag],
    /// The owner of what it was read from: the user id, on Windows the SID.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<OwnerId>,
}

fn found(outcome: &ScanOutcome) -> impl Iterator<Item = (&'static str, &FoundItem)> {
    outcome.snapshots.iter().flat_map(|snapshot| snapshot.items.iter().map(|item| (snapshot.source, item)))
}

fn json(out: &mut impl Write, outcome: &ScanOutcome, live: bool) -> io::Result<()> {
    let sightings = found(outcome).map(|(source, found)| Sighting {
        source,
        rule: &found.item.rule,
        product: &found.product,
        vendor: &found.vendor,
        confidence: found.confidence.as_str(),
        channel: &found.item.channel,
        evidence: &found.item.evidence,
        details: &found.item.details,
        flags: &found.item.flags,
        owner: found.owner,
    });
    let output = Output {
        sightings: sightings.collect(),
        sources: &outcome.reports,
        problems: &outcome.problems,
        partial: outcome.partial(),
        accelerators: (live && cfg!(target_os = "linux")).then(accelerators::present),
    };
    serde_json::to_writer_pretty(&mut *out, &output)?;
    writeln!(out)
}

fn tsv(out: &mut impl Write, outcome: &ScanOutcome) -> io::Result<()> {
    for (source, found) in found(outcome) {
        let evidence = &found.item.evidence;
        writeln!(
            out,
            "{source}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            found.product,
            found.vendor,
            evidence.value,
            or_dash(evidence.version.as_deref()),
            found.confidence.as_str(),
            or_dash(place(found)),
            or_dash(Some(&flags(found)).filter(|flags| !flags.is_empty()).map(String::as_str)),
        )?;
    }
    Ok(())
}

fn table(out: &mut impl Write, outcome: &ScanOutcome, catalogue: &Catalogue) -> io::Result<()> {
    let mut products = BTreeMap::new();
    for snapshot in outcome.snapshots.iter().filter(|snapshot| !snapshot.items.is_empty()) {
        let rows: Vec<[String; 4]> = snapshot
            .items
            .iter()
            .map(|found| {
                let name =
                    catalogue.product(&found.product).map_or(&*found.product, |product| &*product.name);
                *products.entry(&*found.product).or_insert(0) += 1;
                let version = found.item.evidence.version.as_deref();
                let value = match version {
                    Some(version) => format!("{} {version}", found.item.evidence.value),
                    None => found.item.evidence.value.clone(),
                };
                [name.to_owned(), value, place(found).unwrap_or("-").to_owned(), flags(found)]
            })
            .collect();
        let width =
            |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).min(48);
        let widths = [width(0), width(1), width(2)];
        writeln!(out, "{} ({})", snapshot.source, snapshot.items.len())?;
        for [product, value, place, flags] in &rows {
            let [a, b, c] = widths;
            writeln!(out, "{}", format!("  {product:a$}  {value:b$}  {place:c$}  {flags}").trim_end())?;
        }
        writeln!(out)?;
    }
    writeln!(out, "{} sightings of {} products.", found(outcome).count(), products.len())?;
    let told = |report: &&SourceReport| !matches!(report.state, SourceState::Read | SourceState::Absent);
    let partial: Vec<&SourceReport> = outcome.reports.iter().filter(told).collect();
    if !partial.is_empty() {
        writeln!(out, "\nNot all could be read:")?;
    }
    for report in partial {
        writeln!(out, "  {}: {} ({})", report.source, word(report.state), report.problems)?;
        for problem in outcome.problems.iter().filter(|problem| problem.source == report.source).take(8) {
            writeln!(out, "    {}: {}", problem.location, word(problem.state))?;
        }
    }
    Ok(())
}

fn word(state: SourceState) -> &'static str {
    match state {
        SourceState::Read => "read",
        SourceState::Absent => "absent",
        SourceState::Refused => "could not be read",
        SourceState::TooLarge => "over a bound",
        SourceState::TimedOut => "the deadline came first",
        SourceState::Skipped => "left out: remote file system",
        SourceState::Malformed => "not of its format",
        SourceState::Unknown => "unknown",
    }
}

fn place(found: &FoundItem) -> Option<&str> {
    let port = found.item.details.host.as_deref().filter(|_| found.item.channel == Channel::Runtime);
    port.or(found.item.details.location.as_deref()).or(found.item.evidence.executable.as_deref())
}

fn flags(found: &FoundItem) -> String {
    found.item.flags.iter().map(RiskFlag::as_str).collect::<Vec<_>>().join(",")
}

fn or_dash(text: Option<&str>) -> &str {
    text.unwrap_or("-")
}
