//! `export`: what is stored, as a file for others; and what a command asks of whoever may sign.

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{CliError, Place, known, options};
use crate::clock::Clock;
use crate::config::Config;
use crate::datadir::{DataDir, DataDirError};
use crate::export::{self, ExportError, Proving, Stamp};
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
    /// csv, json or evidence-pack
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(export::FORMATS))]
    format: String,
    /// Where to write; stdout when absent
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes what is stored now, also while a collector runs on it.
pub(super) fn run(place: &Place, args: ExportArgs) -> Result<(), CliError> {
    let config = place.config()?;
    let dir = place.data_dir(&config)?;
    match args.output {
        None => {
            // What has to be sought in is no pipe.
            let mut file = dir.unnamed()?;
            write(&config, &dir, &args.format, &mut file)?;
            file.rewind().map_err(CliError::io("read the export again"))?;
            let copied = io::copy(&mut file, &mut io::stdout().lock());
            copied.map(|_| ()).map_err(CliError::io("write the export"))
        }
        Some(path) => {
            // Never half a file under the name that was asked for.
            let part = path.with_extension("part");
            let mut file = File::create(&part).map_err(CliError::io("make the export's file"))?;
            write(&config, &dir, &args.format, &mut file)?;
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

fn write(config: &Config, dir: &DataDir, format: &str, file: &mut File) -> Result<(), CliError> {
    let known = known(config, dir);
    let open = || dir.open_read_only(Options::knowing(Arc::clone(&known)));
    let stamp = Stamp::new(known.catalogue(), Clock::system().now_ms());
    let proven = match format {
        "json" => proven_json,
        export::EVIDENCE_PACK => pack,
        _ => {
            let mut out = BufWriter::new(file);
            export::run(format, &open()?, known.catalogue(), stamp.now_ms, &mut out)?;
            return out.flush().map_err(CliError::io("write the export"));
        }
    };
    // A pack is handed on, which the trail is to tell. JSON is read by programs, again and again: that is no news.
    let mut ask = (format == export::EVIDENCE_PACK).then(|| Ask::Export(format.to_owned()));
    for _ in 0..TRIES {
        if let Some(ask) = &ask {
            sign(config, dir, ask)?;
        }
        let (store, keys) = (open()?, dir.audit_keys()?);
        match proven(&store, Proving { proof: &store, keys: &keys }, &stamp, file) {
            Err(ExportError::Behind) => ask = Some(Ask::Checkpoint),
            result => return Ok(result?),
        }
        let again = file.rewind().and_then(|()| file.set_len(0));
        again.map_err(CliError::io("begin the export again"))?;
    }
    Err(ExportError::Behind.into())
}

fn proven_json(
    store: &SqliteStore,
    proving: Proving<'_>,
    stamp: &Stamp,
    file: &mut File,
) -> Result<(), ExportError> {
    let mut out = BufWriter::new(file);
    export::write_proven_json(store, proving, stamp, &mut out)?;
    Ok(out.flush()?)
}

fn pack(
    store: &SqliteStore,
    proving: Proving<'_>,
    stamp: &Stamp,
    file: &mut File,
) -> Result<(), ExportError> {
    Ok(export::write_pack(store, proving, stamp, BufWriter::new(file))?.flush()?)
}
