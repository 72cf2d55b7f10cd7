//! `run`: the agent itself.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::{CliError, StateArgs};
use crate::roles::warden::{self, Task, WardenError};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    state: StateArgs,
    /// Feed a capture file through the pipeline into state and delivery, under the capture's own days. A file
    /// that was fed in before is known by its content and not counted again
    #[arg(long, value_name = "FILE")]
    replay: Vec<PathBuf>,
    /// Scan once, feed the captures in, deliver everything, and end
    #[arg(long)]
    once: bool,
    /// Patience for --once, in seconds; a scan that is cut short is marked partial
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    deadline_s: u64,
}

/// Runs until SIGTERM or SIGINT, or with `--once` until everything is delivered.
pub fn run(args: Args) -> Result<ExitCode, CliError> {
    let config = args.state.load()?;
    let deadline = Duration::from_secs(args.deadline_s);
    warden::run(Task { config, replays: args.replay, once: args.once, deadline }).map_err(|error| match error
    {
        WardenError::System(..) | WardenError::Replay(..) => CliError::failed("the agent cannot run", error),
        WardenError::Broken(_) | WardenError::Undelivered(_) => CliError::because(error.to_string()),
    })
}
