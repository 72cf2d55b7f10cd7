//! `export`: what is stored, as a file for others; and what a command asks of whoever may sign.

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use umbrascope_api::Day;
use umbrascope_rules::Catalogue;

use super::{CliError, Place, known, options};
use crate::clock::Clock;
use crate::config::Config;
use crate::datadir::{DataDir, DataDirError};
use crate::export::{self, ExportError, Format, Proving, Sources, Stamp};
use crate::notary::Notary;
use crate::serve::control::{self, Ask};
use crate::store::SqliteStore;
use crate::store::proof::Proof;
use crate::store::sqlite::Options;

/// How often an export is begun anew because an entry came between checkpoint and reading, and a collector is asked.
const TRIES: u32 = 20;
/// How long a collector is given that does not answer yet, or any more.
const PAUSE: Duration = Duration::from_millis(250);

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// What to write
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(export::FORMATS))]
    format: String,
    /// Which part of the format: csv products (default) or systems; ciso-assistant assets (default), findings or evidence; oscal
    /// component-definition (default) or catalog
    #[arg(long, value_name = "PART")]
    part: Option<String>,
    /// As it was at the end of this past day, UTC: records as the audit trail says, sightings as far as they are kept
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Day>,
    /// Where to write; stdout when absent
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes what is stored now, also while a collector runs on it.
pub(super) fn run(place: &Place, args: ExportArgs) -> Result<(), CliError> {
    let config = place.config()?;
    let dir = place.data_dir(&config)?;
    let asked = Asked::of(&args)?;
    match args.output {
        None => {
            // What has to be sought in is no pipe.
            let mut file = dir.unnamed()?;
            write(&config, &dir, &asked, &mut file)?;
            file.rewind().map_err(CliError::io("read the export again"))?;
            let copied = io::copy(&mut file, &mut io::stdout().lock());
            copied.map(|_| ()).map_err(CliError::io("write the export"))
        }
        Some(path) => {
            // Never half a file under the name that was asked for.
            let part = path.with_extension("part");
            let mut file = File::create(&part).map_err(CliError::io("make the export's file"))?;
            write(&config, &dir, &asked, &mut file)?;
            file.sync_all().map_err(CliError::io("write the export"))?;
            std::fs::rename(&part, &path).map_err(CliError::io("put the export in its place"))
        }
    }
}

/// Has something signed by the collector that runs on the folder, or does it where none runs.
pub(super) fn sign(config: &Config, dir: &DataDir, ask: &Ask) -> Result<String, CliError> {
    let mut tries = 0;
    let _lock = loop {
        match dir.lock() {
            Ok(lock) => break lock,
            Err(DataDirError::InUse { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        tries += 1;
        match control::ask(dir, ask) {
            Ok(answer) => return answer.map_err(CliError::Failed),
            // It may be about to end, or to begin.
            Err(_) if tries < TRIES => std::thread::sleep(PAUSE),
            Err(error) => {
                return Err(CliError::Failed(format!(
                    "a collector runs on {} and does not answer ({error}): it has to sign; try again, or stop it first",
                    dir.path().display()
                )));
            }
        }
    };
    let now_ms = Clock::system().now_ms();
    let store = Arc::new(dir.open(options(config, dir), now_ms)?);
    let notary = Notary::new(Arc::clone(&store) as Arc<dyn Proof>, dir, now_ms)?;
    let answer = ask.answer(&notary, now_ms);
    store.close();
    Ok(answer?)
}

/// What is to be written.
enum Asked {
    /// The file of files.
    Pack,
    /// A part of a format, of now or of a past day.
    Inventory(Format, &'static str, Option<Day>),
}

impl Asked {
    fn of(args: &ExportArgs) -> Result<Self, CliError> {
        let usage = |error: ExportError| CliError::Usage(error.to_string());
        if args.format == export::EVIDENCE_PACK {
            return match (&args.part, args.as_of) {
                (None, None) => Ok(Self::Pack),
                _ => Err(CliError::Usage("an evidence pack has no parts and is of now".to_owned())),
            };
        }
        let format: Format = args.format.parse().map_err(|error| usage(ExportError::Format(error)))?;
        let part = format.part(args.part.as_deref()).map_err(|error| usage(error.into()))?;
        Ok(Self::Inventory(format, part, args.as_of))
    }
}

fn write(config: &Config, dir: &DataDir, asked: &Asked, file: &mut File) -> Result<(), CliError> {
    let known = known(config, dir);
    let catalogue = known.catalogue();
    let open = || dir.open_read_only(Options::knowing(Arc::clone(&known)));
    let stamp = Stamp::new(catalogue, Clock::system().now_ms());
    let (word, stamp) = match asked {
        Asked::Pack => (export::EVIDENCE_PACK, stamp),
        Asked::Inventory(format, _, day) => {
            let of_day = stamp.as_of(*day).map_err(|error| CliError::Usage(error.to_string()))?;
            (format.as_str(), of_day)
        }
    };
    if let Asked::Inventory(format, part, _) = asked
        && *format != Format::Json
    {
        // Nothing in it is proved by a signature: what cannot be noted, for the folder may only be read, is written all the same.
        if let Err(error) = sign(config, dir, &Ask::Export(word.to_owned())) {
            eprintln!("the export is not noted in the audit trail: {}", super::chain(&error));
        }
        let (store, mut out) = (open()?, BufWriter::new(file));
        export::write(*format, part, sources(&store), catalogue, &stamp, &mut out)?;
        return out.flush().map_err(CliError::io("write the export"));
    }
    // A pack is handed on, which the trail is to tell. JSON is read by programs, again and again: that is no news.
    let mut ask = matches!(asked, Asked::Pack).then(|| Ask::Export(word.to_owned()));
    for _ in 0..TRIES {
        if let Some(ask) = &ask {
            sign(config, dir, ask)?;
        }
        let (store, keys) = (open()?, dir.audit_keys()?);
        let proving = Proving { proof: &store, keys: &keys };
        let proven = write_proven(asked, sources(&store), catalogue, proving, &stamp, file);
        match proven {
            Err(ExportError::Behind) => ask = Some(Ask::Checkpoint),
            result => return Ok(result?),
        }
        let again = file.rewind().and_then(|()| file.set_len(0));
        again.map_err(CliError::io("begin the export again"))?;
    }
    Err(ExportError::Behind.into())
}

fn write_proven(
    asked: &Asked,
    from: Sources<'_>,
    catalogue: &Catalogue,
    proving: Proving<'_>,
    stamp: &Stamp,
    file: &mut File,
) -> Result<(), ExportError> {
    let mut out = BufWriter::new(file);
    match asked {
        Asked::Pack => export::write_pack(from, catalogue, proving, stamp, &mut out).map(|_| ())?,
        Asked::Inventory(..) => export::write_proven_json(from, catalogue, proving, stamp, &mut out)?,
    }
    Ok(out.flush()?)
}

fn sources(store: &SqliteStore) -> Sources<'_> {
    Sources { reads: store, governance: store }
}
