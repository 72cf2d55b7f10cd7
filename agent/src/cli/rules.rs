//! `rules`: what the catalogue knows, and what it makes of a name.

use std::borrow::Cow;
use std::fs;
use std::io::{self, BufRead, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use serde::Serialize;
use umbrascope_rules::{Catalogue, Date, Matcher, Problem, Product, Rule, Vendor};

use self::check::check;
use self::show::{ShowFormat, Subject};
use super::{CliError, StateArgs};

mod check;
mod contents;
mod differences;
mod show;

/// What the catalogue knows, and what it makes of a name.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say which product each name belongs to, a line a name; names come from standard input if none is given.
    Match {
        #[command(flatten)]
        state: StateArgs,
        /// How to print.
        #[arg(long, value_enum, default_value_t = MatchFormat::Tsv)]
        format: MatchFormat,
        /// Host names.
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// List the products with their vendor and rules.
    List {
        /// Only those of this vendor: its id, or a part of its name.
        #[arg(long, value_name = "VENDOR")]
        vendor: Option<String>,
        /// How to print.
        #[arg(long, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
    /// Show a rule, a product, a vendor or a claim with all that is known about it.
    Show {
        /// Its id.
        #[arg(value_name = "ID")]
        id: String,
        /// How to print.
        #[arg(long, value_enum, default_value_t = ShowFormat::Text)]
        format: ShowFormat,
    },
    /// Print what the catalogue covers: its products by category, how each is known, how surely and since when.
    Index {
        /// How to print.
        #[arg(long, value_enum, default_value_t = IndexFormat::Markdown)]
        format: IndexFormat,
        /// Catalogue files, or folders of them; the built-in catalogue if none is given.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Say in words what changed from one catalogue to another.
    Diff {
        /// How to print.
        #[arg(long, value_enum, default_value_t = ShowFormat::Text)]
        format: ShowFormat,
        /// The earlier catalogue: a file, a folder, or `embedded` for the built-in one.
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// The later one.
        #[arg(value_name = "NEW")]
        new: PathBuf,
    },
    /// Look for mistakes in catalogue files, or in the built-in catalogue if none is given.
    Check {
        /// An earlier catalogue, file or folder: no id of it may have vanished.
        #[arg(long, value_name = "OLD")]
        against: Option<PathBuf>,
        /// Catalogue files, or folders of them.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum MatchFormat {
    /// name, product, vendor, confidence, kind; `-` for what is not there.
    Tsv,
    /// An object a line.
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ListFormat {
    /// For people.
    Table,
    /// product id, product, vendor, kind, category, rules, indicators.
    Tsv,
    /// An object a line.
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum IndexFormat {
    /// A page to read.
    Markdown,
    /// One object.
    Json,
}

/// Answers on standard output. A check that finds mistakes ends with exit code 1.
pub fn run(args: Args) -> Result<ExitCode, CliError> {
    let stdout = io::stdout();
    let interactive = stdout.is_terminal();
    let mut out = BufWriter::new(stdout.lock());
    let catalogue = Catalogue::embedded();
    let code = match args.command {
        Command::Match { state, format, names } => {
            let (matcher, catalogue) = state.knowledge()?;
            let mut answer = |name: &[u8]| {
                match_line(&mut out, &matcher, &catalogue, format, name)?;
                if interactive { out.flush() } else { Ok(()) }
            };
            if names.is_empty() {
                each_line(&mut io::stdin().lock(), &mut answer)
            } else {
                names.iter().try_for_each(|name| answer(name.as_bytes())).map_err(Trouble::Write)
            }
            .or_else(|trouble| match trouble {
                Trouble::Write(error) => written(Err(error)),
                Trouble::Read(error) => Err(CliError::failed("cannot read names from standard input", error)),
            })?;
            ExitCode::SUCCESS
        }
        Command::List { vendor, format } => {
            written(list(&mut out, catalogue, vendor.as_deref(), format))?;
            ExitCode::SUCCESS
        }
        Command::Show { id, format } => {
            let Some(subject) = Subject::find(catalogue, &id) else {
                return Err(CliError::because(format!(
                    "no rule, product, vendor or claim has the id `{id}`; see `rules list`"
                )));
            };
            written(subject.print(&mut out, format))?;
            ExitCode::SUCCESS
        }
        Command::Index { format, files } => {
            let read;
            let catalogue = if files.is_empty() {
                catalogue
            } else {
                read = readable(&files)?;
                &read
            };
            let index = umbrascope_rules::index::index(catalogue);
            written(match format {
                IndexFormat::Markdown => contents::markdown(&mut out, &index),
                IndexFormat::Json => json_line(&mut out, &index),
            })?;
            ExitCode::SUCCESS
        }
        Command::Diff { format, old, new } => {
            let (old, new) = (catalogue_at(&old)?, catalogue_at(&new)?);
            written(differences::print(&mut out, &old, &new, format))?;
            ExitCode::SUCCESS
        }
        Command::Check { against, files } => {
            let findings = check(&files, against.as_deref(), today())?;
            written(findings.print(&mut out))?;
            eprintln!("errors: {}, warnings: {}", findings.errors.len(), findings.warnings.len());
            if findings.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    };
    written(out.flush())?;
    Ok(code)
}

/// A closed pipe is the reader's way of saying that it has had enough.
fn written(result: io::Result<()>) -> Result<(), CliError> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::failed("cannot write to standard output", error))
        }
        _ => Ok(()),
    }
}

enum Trouble {
    Read(io::Error),
    Write(io::Error),
}

/// Hands over each line without its end, whatever bytes it is made of.
fn each_line(
    input: &mut dyn BufRead,
    answer: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), Trouble> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).map_err(Trouble::Read)? == 0 {
            return Ok(());
        }
        let name = line.strip_suffix(b"\n").unwrap_or(&line);
        answer(name.strip_suffix(b"\r").unwrap_or(name)).map_err(Trouble::Write)?;
    }
}

#[derive(Serialize)]
struct Match<'a> {
    name: &'a str,
    product: Option<&'a str>,
    vendor: Option<&'a str>,
    confidence: Option<&'a str>,
    kind: Option<&'a str>,
    rule: Option<&'a str>,
    product_id: Option<&'a str>,
    vendor_id: Option<&'a str>,
}

fn match_line(
    out: &mut dyn Write,
    matcher: &Matcher,
    catalogue: &Catalogue,
    format: MatchFormat,
    name: &[u8],
) -> io::Result<()> {
    let found = str::from_utf8(name).ok().and_then(|name| matcher.name(name.trim()));
    let product = found.and_then(|found| catalogue.product(&found.product));
    let vendor = found.and_then(|found| catalogue.vendor(&found.vendor));
    match format {
        MatchFormat::Tsv => {
            out.write_all(name)?;
            let product = product.map_or("-", |product| &*product.name);
            let vendor = vendor.map_or("-", |vendor| &*vendor.name);
            let confidence = found.map_or("-", |found| found.confidence.as_str());
            let kind = found.map_or("-", |found| found.kind.as_str());
            writeln!(out, "\t{product}\t{vendor}\t{confidence}\t{kind}")
        }
        MatchFormat::Json => {
            let line = Match {
                name: &String::from_utf8_lossy(name),
                product: product.map(|product| &*product.name),
                vendor: vendor.map(|vendor| &*vendor.name),
                confidence: found.map(|found| found.confidence.as_str()),
                kind: found.map(|found| found.kind.as_str()),
                rule: found.map(|found| &*found.rule),
                product_id: found.map(|found| &*found.product),
                vendor_id: found.map(|found| &*found.vendor),
            };
            json_line(out, &line)
        }
    }
}

fn json_line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    product: &'a str,
    vendor: &'a str,
    kind: &'a str,
    category: &'a str,
    rules: usize,
    indicators: usize,
}

fn list(
    out: &mut dyn Write,
    catalogue: &Catalogue,
    vendor: Option<&str>,
    format: ListFormat,
) -> io::Result<()> {
    let wanted = vendor.map(str::to_lowercase);
    let is_wanted = |vendor: &Vendor| {
        wanted
            .as_ref()
            .is_none_or(|wanted| *vendor.id == **wanted || vendor.name.to_lowercase().contains(wanted))
    };
    let rows: Vec<Row<'_>> = catalogue
        .products()
        .iter()
        .filter_map(|product| {
            let vendor = catalogue.vendor(&product.vendor).filter(|vendor| is_wanted(vendor))?;
            let rules = rules_of(catalogue, product);
            Some(Row {
                id: &product.id,
                product: &product.name,
                vendor: &vendor.name,
                kind: product.kind.as_str(),
                category: product.category.as_str(),
                rules: rules.len(),
                indicators: rules.iter().map(|rule| rule.indicators.len()).sum(),
            })
        })
        .collect();
    match format {
        ListFormat::Json => rows.iter().try_for_each(|row| json_line(out, row)),
        ListFormat::Tsv => rows.iter().try_for_each(|row| {
            let Row { id, product, vendor, kind, category, rules, indicators } = row;
            writeln!(out, "{id}\t{product}\t{vendor}\t{kind}\t{category}\t{rules}\t{indicators}")
        }),
        ListFormat::Table => {
            let width = |of: fn(&Row<'_>) -> usize| rows.iter().map(of).max().unwrap_or_default();
            let (id, product) = (width(|row| row.id.len()), width(|row| row.product.chars().count()));
            let vendor = width(|row| row.vendor.chars().count()).max("vendor".len());
            writeln!(
                out,
                "{:id$}  {:product$}  {:vendor$}  {:11}  {:15}  rules  indicators",
                "id", "product", "vendor", "kind", "category"
            )?;
            for row in &rows {
                writeln!(
                    out,
                    "{:id$}  {:product$}  {:vendor$}  {:11}  {:15}  {:5}  {:10}",
                    row.id, row.product, row.vendor, row.kind, row.category, row.rules, row.indicators
                )?;
            }
            let vendors = catalogue.vendors().len();
            writeln!(
                out,
                "catalogue {}: {} products shown, {vendors} vendors known",
                catalogue.version(),
                rows.len()
            )
        }
    }
}

fn rules_of<'a>(catalogue: &'a Catalogue, product: &Product) -> Vec<&'a Rule> {
    catalogue.rules().iter().filter(|rule| rule.product == product.id).collect()
}

/// A catalogue that has to hold together: its mistakes are told by `rules check`.
fn readable(paths: &[PathBuf]) -> Result<Catalogue, CliError> {
    parse(paths)?.map_err(|problems| {
        let count = problems.len();
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        CliError::because(format!(
            "the catalogue has {count} mistakes; see `rules check`. The first: {first}"
        ))
    })
}

/// The catalogue at a path, or the built-in one.
fn catalogue_at(path: &Path) -> Result<Cow<'static, Catalogue>, CliError> {
    match path.as_os_str() == "embedded" {
        true => Ok(Cow::Borrowed(Catalogue::embedded())),
        false => readable(&[path.to_owned()]).map(Cow::Owned),
    }
}

/// Reads catalogue files; a folder stands for the `.toml` files in it.
fn parse(paths: &[PathBuf]) -> Result<Result<Catalogue, Vec<Problem>>, CliError> {
    let mut files = Vec::new();
    for path in paths {
        let failed =
            |error| CliError::failed(format!("cannot read catalogue file {}", path.display()), error);
        if path.is_dir() {
            let entries =
                fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(failed)?;
            files.extend(
                entries
                    .iter()
                    .map(fs::DirEntry::path)
                    .filter(|path| path.extension().is_some_and(|e| e == "toml")),
            );
        } else {
            files.push(path.clone());
        }
    }
    files.sort();
    let mut texts = Vec::with_capacity(files.len());
    for file in &files {
        let text = fs::read_to_string(file).map_err(|error| {
            CliError::failed(format!("cannot read catalogue file {}", file.display()), error)
        })?;
        texts.push((file.display().to_string(), text));
    }
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Ok(Catalogue::parse(&texts))
}

fn today() -> Date {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Date::from_days(u32::try_from(since.as_secs() / 86_400).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(format: MatchFormat, input: &[u8]) -> Vec<u8> {
        let (matcher, mut out) = (Matcher::embedded(), Vec::new());
        let mut answer = |name: &[u8]| match_line(&mut out, &matcher, Catalogue::embedded(), format, name);
        assert!(each_line(&mut &*input, &mut answer).is_ok());
        out
    }

    #[test]
    fn each_line_is_answered_in_its_place_whatever_it_is() {
        let long = "a".repeat(70_000);
        let input = format!("CHATGPT.com.\r\n\nsnapchat.com\n{long}\nclaude.ai:443");
        let out = String::from_utf8(matched(MatchFormat::Tsv, input.as_bytes())).unwrap();
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], "CHATGPT.com.\tChatGPT\tOpenAI\thigh\tservice");
        assert_eq!(lines[1..4], ["\t-\t-\t-\t-", "snapchat.com\t-\t-\t-\t-", &format!("{long}\t-\t-\t-\t-")]);
        assert!(lines[4].starts_with("claude.ai:443\tClaude\tAnthropic\thigh\t"), "{}", lines[4]);
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn bytes_that_are_no_text_come_back_as_given() {
        assert_eq!(
            matched(MatchFormat::Tsv, b"\xff\xfe.chatgpt.com\n"),
            b"\xff\xfe.chatgpt.com\t-\t-\t-\t-\n"
        );
    }

    #[test]
    fn json_is_an_object_a_line_with_the_ids() {
        let out = matched(MatchFormat::Json, b"chatgpt.com\nx.test\n");
        let lines: Vec<serde_json::Value> =
            serde_json::Deserializer::from_slice(&out).into_iter().map(Result::unwrap).collect();
        assert_eq!((&lines[0]["vendor_id"], &lines[0]["confidence"]), (&"openai".into(), &"high".into()));
        assert!(lines[1]["product"].is_null() && lines[1]["name"] == "x.test");
    }

    #[test]
    fn a_vendor_is_found_by_id_and_by_part_of_its_name() {
        for wanted in ["anthropic", "ANTHROP"] {
            let mut out = Vec::new();
            list(&mut out, Catalogue::embedded(), Some(wanted), ListFormat::Tsv).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(
                text.lines().count() > 0 && text.lines().all(|line| line.starts_with("anthropic.")),
                "{text}"
            );
        }
    }
}
