//! `init`, `serve` and `rebuild`.

use tokio::signal::unix::{SignalKind, signal};

use super::{CliError, Place, options};
use crate::clock::Clock;
use crate::notify;
use crate::serve;

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
