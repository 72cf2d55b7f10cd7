//! `init`, `serve`, `rebuild` and `export`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use umbrascope_api::Day;

use super::{CliError, Place, known, options};
use crate::clock::Clock;
use crate::export::{self, ExportError, Format, Sources, Stamp};
use crate::notify;
use crate::serve;
use crate::store::sqlite::Options;

/// Makes what is missing.
pub(super) fn init(place: &Place) -> Result<(), CliError> {
    let config = place.config()?;
    let dir = place.data_dir(&config)?;
    let made = dir.init(options(&config, &dir), Clock::system().now_ms())?;
    for thing in &made {
        println!("made {thing}");
    }
    let dir = dir.path().display();
    if made.is_empty() {
        println!("{dir} is ready already; nothing was changed");
    } else {
        println!(
            "{dir} is ready: next, `umbrascope-collector user add NAME` and `umbrascope-collector serve`"
        );
    }
    Ok(())
}

/// Runs until SIGTERM or SIGINT.
pub(super) fn serve(place: &Place) -> Result<(), CliError> {
    let config = place.config()?;
    let dir = place.data_dir(&config)?;
    let runtime = tokio::runtime::Runtime::new().map_err(CliError::io("start the runtime"))?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(CliError::io("listen for SIGTERM"))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::io("listen for SIGINT"))?;
        let running = serve::start(&dir, &config, Clock::system()).await?;
        let scheme = if running.app.https { "https" } else { "http" };
        tracing::info!(
            people = format!("{scheme}://{}/", running.people),
            agents = format!("https://{}", running.agents),
            data_dir = %dir.path().display(),
            "the collector runs"
        );
        notify::send("READY=1");
        let watchdog = async {
            match notify::watchdog_interval() {
                None => std::future::pending().await,
                Some(interval) => loop {
                    notify::send("WATCHDOG=1");
                    tokio::time::sleep(interval).await;
                },
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = watchdog => {}
        }
        notify::send("STOPPING=1");
        tracing::info!("stopping: requests under way are finished first");
        running.stop().await;
        Ok(())
    })
}

/// Makes the roll-ups anew; not beside a running collector, whose memory would not know.
pub(super) fn rebuild(place: &Place) -> Result<(), CliError> {
    let config = place.config()?;
    let dir = place.data_dir(&config)?;
    let _lock = dir.lock()?;
    let now_ms = Clock::system().now_ms();
    let store = dir.open(options(&config, &dir), now_ms)?;
    store.rebuild(now_ms)?;
    store.close();
    println!("every roll-up was made anew from the facts");
    Ok(())
}

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(Format::ALL.map(Format::as_str)))]
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

/// Writes what is stored, also while a collector runs on it.
pub(super) fn export(place: &Place, args: ExportArgs) -> Result<(), CliError> {
    let usage = |error: ExportError| CliError::Usage(error.to_string());
    let format: Format = args.format.parse().map_err(|error| usage(ExportError::Format(error)))?;
    let part = format.part(args.part.as_deref()).map_err(|error| usage(error.into()))?;
    let config = place.config()?;
    let dir = place.data_dir(&config)?;
    let known = known(&config, &dir);
    let stamp = Stamp::new(known.catalogue(), Clock::system().now_ms()).as_of(args.as_of).map_err(usage)?;
    let store = dir.open_read_only(Options::knowing(Arc::clone(&known)))?;
    let write = |out: &mut dyn Write| -> Result<(), CliError> {
        let from = Sources { reads: &store, governance: &store };
        export::write(format, part, from, known.catalogue(), &stamp, out)?;
        out.flush().map_err(CliError::io("write the export"))
    };
    match args.output {
        None => write(&mut BufWriter::new(io::stdout().lock())),
        Some(path) => {
            // Never half a file under the name that was asked for.
            let part = path.with_extension("part");
            let file = File::create(&part).map_err(CliError::io("make the export's file"))?;
            let mut out = BufWriter::new(file);
            write(&mut out)?;
            let file = out.into_inner().map_err(|error| CliError::Io {
                attempted: "write the export",
                source: error.into_error(),
            })?;
            file.sync_all().map_err(CliError::io("write the export"))?;
            std::fs::rename(&part, &path).map_err(CliError::io("put the export in its place"))
        }
    }
}
