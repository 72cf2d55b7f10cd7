//! `replay`: what the agent would have seen in capture files.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use umbrascope_rules::{Catalogue, Matcher};

use super::CliError;
use crate::pipeline::Pipeline;
use crate::replay::{self, ReplayError, Replayed};

/// Reads capture files (pcap, pcapng; also compressed with gzip or zstd) and shows what the agent would have seen in them.
///
/// Nothing is stored or sent. A file that ends early or is damaged somewhere shows what comes before.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Every name found, whether of an AI tool or not, for diagnosis on this machine
    #[arg(long)]
    names: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Capture files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Aligned columns, for people
    Table,
    /// Columns separated by tabs
    Tsv,
    /// A list of objects
    Json,
}

/// A name found, with its count.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct NameKey {
    channel: &'static str,
    name: Box<str>,
}

/// A sighting: a rule that knew a name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct SightingKey {
    product: String,
    vendor: String,
    confidence: &'static str,
    kind: &'static str,
    channel: &'static str,
    value: Box<str>,
    rule: String,
    flags: Vec<&'static str>,
}

/// The hello offers Encrypted ClientHello: browsers do so with the true name all the time.
const ECH_OFFERED: &str = "ech-offered";

#[derive(Serialize)]
struct Counted<'a, K> {
    #[serde(flatten)]
    what: &'a K,
    count: u64,
}

/// Runs the command.
pub fn run(args: Args) -> Result<ExitCode, CliError> {
    let mut code = ExitCode::SUCCESS;
    let mut failed = false;
    let mut done = |path: &Path, result: Result<Replayed, ReplayError>| match result {
        Ok(replayed) => failed |= !report(path, &replayed),
        Err(error) => {
            failed = true;
            let cause =
                std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            eprintln!("umbrascope-agent: {error}{cause}");
        }
    };
    let mut output = Vec::new();
    let written = if args.names {
        let mut counts = BTreeMap::<NameKey, u64>::new();
        for path in &args.files {
            let mut sink = |channel, name| *counts.entry(NameKey { channel, name }).or_default() += 1;
            done(path, replay::names(path, &mut sink));
        }
        let row =
            |key: &NameKey, count: u64| vec![key.channel.to_owned(), key.name.to_string(), count.to_string()];
        print(&mut output, args.format, &["CHANNEL", "NAME", "COUNT"], &counts, row)
    } else {
        let mut counts = BTreeMap::<SightingKey, u64>::new();
        for path in &args.files {
            let mut pipeline = Pipeline::new(Matcher::new(Catalogue::embedded()), 0);
            let result = replay::matches(path, &mut pipeline, &mut |matched| {
                let key = SightingKey {
                    product: matched.rule.product.to_string(),
                    vendor: matched.rule.vendor.to_string(),
                    confidence: matched.rule.confidence.as_str(),
                    kind: matched.rule.kind.as_str(),
                    channel: matched.channel,
                    value: matched.observation.name.unwrap_or_default(),
                    rule: matched.rule.rule.to_string(),
                    flags: matched.observation.ech.then_some(ECH_OFFERED).into_iter().collect(),
                };
                *counts.entry(key).or_default() += 1;
            });
            done(path, result);
        }
        let header =
            ["PRODUCT", "VENDOR", "CONFIDENCE", "KIND", "CHANNEL", "VALUE", "RULE", "COUNT", "FLAGS"];
        print(&mut output, args.format, &header, &counts, |key, count| {
            let known =
                [&key.product, &key.vendor, key.confidence, key.kind, key.channel, &key.value, &key.rule];
            let mut cells: Vec<_> = known.map(str::to_owned).into();
            cells.push(count.to_string());
            cells.push(if key.flags.is_empty() { "-".to_owned() } else { key.flags.join(",") });
            cells
        })
    };
    let written = written.and_then(|()| io::stdout().lock().write_all(&output));
    match written {
        // Whoever reads the result has had enough of it.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => return Err(CliError::failed("cannot write the result to standard output", error)),
        Ok(()) => {}
    }
    if failed {
        code = ExitCode::FAILURE;
    }
    Ok(code)
}

/// Says on standard error what of a file was not read; `false` where that is a fault of the file.
fn report(path: &Path, replayed: &Replayed) -> bool {
    let path = path.display();
    if replayed.skipped_frames > 0 {
        let skipped = replayed.skipped_frames;
        eprintln!("umbrascope-agent: {path}: {skipped} frames of link types that are not read were left out");
    }
    match &replayed.stopped {
        None => true,
        Some(error) => {
            let cause =
                std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
            eprintln!("umbrascope-agent: {path}: {error}{cause}");
            error.is_early_end()
        }
    }
}

fn print<K: Serialize>(
    output: &mut impl Write,
    format: Format,
    header: &[&str],
    counts: &BTreeMap<K, u64>,
    row: impl Fn(&K, u64) -> Vec<String>,
) -> io::Result<()> {
    let rows = counts.iter().map(|(key, &count)| row(key, count));
    match format {
        Format::Json => {
            let list: Vec<_> = counts.iter().map(|(what, &count)| Counted { what, count }).collect();
            serde_json::to_writer_pretty(&mut *output, &list)?;
            writeln!(output)
        }
        Format::Tsv => {
            for cells in rows {
                writeln!(output, "{}", cells.join("\t"))?;
            }
            Ok(())
        }
        Format::Table => {
            let rows: Vec<_> = rows.collect();
            if rows.is_empty() && io::stdout().is_terminal() {
                return writeln!(output, "Nothing found.");
            }
            let mut widths: Vec<_> = header.iter().map(|title| title.len()).collect();
            for cells in &rows {
                for (width, cell) in widths.iter_mut().zip(cells) {
                    *width = cell.chars().count().max(*width);
                }
            }
            let header: Vec<_> = header.iter().map(|&title| title.to_owned()).collect();
            for cells in std::iter::once(&header).chain(&rows) {
                let line: Vec<_> =
                    cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
                writeln!(output, "{}", line.join("  ").trim_end())?;
            }
            Ok(())
        }
    }
}
