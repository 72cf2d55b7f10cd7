//! `rules own`: the organisation's own rules, for those who keep them in files.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use umbrascope_rules::{MAX_OVERLAY_BYTES, Problem};

use super::place_of;
use crate::cli::{CliError, Place, base, options};
use crate::clock::Clock;
use crate::own::{Desk, PublishError, Reading};
use crate::store::own::OwnRules;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum OwnCommand {
    /// Print the own rules in force, as they can be published again. What else there is to say goes to stderr
    Show {
        /// This version in place of the newest one
        #[arg(long, value_name = "N")]
        version: Option<u32>,
    },
    /// Look for mistakes in a file, as publishing would
    Check {
        /// The file, in TOML; `-` for stdin
        file: PathBuf,
    },
    /// Publish a file as the next version, signed by this collector. Agents and this collector take it up within seconds
    Publish {
        /// The file, in TOML; `-` for stdin
        file: PathBuf,
        /// Why, for the history
        #[arg(long, value_name = "TEXT")]
        note: String,
        /// Only if this version is the newest one still (0: only if there is none)
        #[arg(long, value_name = "N")]
        after: Option<u32>,
    },
}

pub(super) fn run(place: &Place, command: OwnCommand) -> Result<(), CliError> {
    let (config, dir) = place_of(place)?;
    let now_ms = Clock::system().now_ms();
    // `publish` alone writes: the others leave the records to whoever holds them.
    let store = match command {
        OwnCommand::Publish { .. } => dir.open(options(&config, &dir), now_ms)?,
        _ => dir.open_read_only(options(&config, &dir))?,
    };
    let store: Arc<dyn OwnRules> = Arc::new(store);
    let desk = Desk::new(Arc::clone(&store), &dir)?;
    let base = base(&config, &dir);
    match command {
        OwnCommand::Show { version } => show(&desk, version),
        OwnCommand::Check { file } => {
            let reading = desk.read(base.catalogue(), &read(&file)?, now_ms)?;
            tell("error", &file, &reading.found.report.errors);
            tell("warning", &file, &reading.found.report.warnings);
            match reading.found.report.errors.len() {
                0 => {
                    println!("{}", summary(&reading));
                    Ok(())
                }
                many => Err(CliError::Failed(format!("{many} to correct"))),
            }
        }
        OwnCommand::Publish { file, note, after } => {
            let text = read(&file)?;
            let newest = store.own_newest()?.map_or(0, |newest| newest.version.number);
            let by = format!("{} (command line)", user());
            let published =
                desk.publish(base.catalogue(), &text, &note, &by, after.unwrap_or(newest), now_ms);
            let number = published.map_err(|error| {
                if let PublishError::Wrong(problems) = &error {
                    tell("error", &file, problems);
                }
                CliError::Failed(error.to_string())
            })?;
            println!("version {number} of the own rules is published");
            Ok(())
        }
    }
}

fn show(desk: &Desk, version: Option<u32>) -> Result<(), CliError> {
    eprintln!(
        "signed by key {}, which agents may be told as own_rules_key = \"{}\"",
        desk.key().public().id(),
        desk.key().public()
    );
    let found = match version {
        Some(number) => desk.store.own_version(number)?,
        None => desk.store.own_newest()?,
    };
    let Some(found) = found else {
        return match version {
            Some(number) => Err(CliError::Failed(format!("there is no version {number}"))),
            None => {
                eprintln!("nothing was published yet");
                Ok(())
            }
        };
    };
    let version = &found.version;
    eprintln!("version {}, published by {}: {}", version.number, version.published_by, version.note);
    let mut out = io::stdout().lock();
    let written = out.write_all(found.text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::Failed(format!("could not write the rules: {error}")))
        }
        _ => Ok(()),
    }
}

fn summary(reading: &Reading) -> String {
    let overlay = &reading.found.overlay;
    let denies = overlay.rules().iter().filter(|rule| rule.deny).count();
    format!(
        "no mistakes; rules: {}, denies: {denies}, changes: {}; this would be version {}",
        overlay.rules().len() - denies,
        overlay.changes().len(),
        reading.number
    )
}

/// Says what is wrong with the file by the name that it was given by.
fn tell(what: &str, file: &Path, problems: &[Problem]) {
    for Problem { line, message, fix, .. } in problems {
        eprintln!("{what}: {}:{line}: {message}; {fix}", file.display());
    }
}

/// A byte more than the bound, so that what is longer is refused as that.
fn read(path: &Path) -> Result<String, CliError> {
    let most = MAX_OVERLAY_BYTES as u64 + 1;
    let mut text = String::new();
    let read = match path.as_os_str() == "-" {
        true => io::stdin().take(most).read_to_string(&mut text),
        false => File::open(path).and_then(|file| file.take(most).read_to_string(&mut text)),
    };
    read.map_err(|error| CliError::Failed(format!("could not read {}: {error}", path.display())))?;
    Ok(text)
}

/// Who publishes, as the system knows it. For people; the log of the system knows better.
fn user() -> String {
    let named = ["SUDO_USER", "USER"].iter().find_map(|name| std::env::var(name).ok());
    let named = named.filter(|name| !name.is_empty() && name.len() <= 64 && !name.contains(char::is_control));
    named.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}
