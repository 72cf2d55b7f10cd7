//! The command line: one module a sub-command.
//!
//! Exit codes: 0 done, 1 it went wrong, 2 wrong usage. Results go to standard output; logs,
//! progress and errors to standard error.

use std::error::Error;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use umbrascope_rules::{Catalogue, Matcher};

use crate::catalogue::Shelf;
use crate::config::{Config, ConfigError};
use crate::own::{OwnShelf, Sources, composed};

pub mod replay;
pub mod rules;
pub mod scan;

#[cfg(target_os = "linux")]
mod agent;
#[cfg(target_os = "linux")]
pub mod doctor;
#[cfg(target_os = "linux")]
pub mod enrol;
#[cfg(target_os = "linux")]
pub mod explain;
#[cfg(target_os = "linux")]
pub mod role;
#[cfg(target_os = "linux")]
pub mod run;
#[cfg(target_os = "linux")]
pub mod status;

#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod agent;

/// Discovers the AI tools that this machine uses and reports them to its collector.
#[derive(Debug, Parser)]
#[command(name = "umbrascope-agent", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Agent(agent::Command),
    Replay(replay::Args),
    Scan(scan::Args),
    Rules(rules::Args),
}

/// Where configuration and state are; the same for every command that needs them.
#[derive(Debug, clap::Args)]
pub struct StateArgs {
    /// Configuration file [default: /etc/umbrascope/agent.toml if there is one; on Windows in %ProgramData%\Umbrascope]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of state and identity, in place of the configured one
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

impl StateArgs {
    /// The checked configuration.
    pub fn load(&self) -> Result<Config, CliError> {
        Config::load(self.config.as_deref(), self.state_dir.as_deref()).map_err(|error| match error {
            ConfigError::Read { .. } => CliError::failed("the configuration cannot be used", error),
            ConfigError::Content { .. } => CliError::because(error.to_string()),
        })
    }
}

impl StateArgs {
    /// What this machine's agent matches with: the catalogue in its state folder, or the program's own, with the
    /// organisation's own rules over it.
    pub(crate) fn knowledge(&self) -> Result<(Matcher, Catalogue), CliError> {
        let config = self.load()?;
        let (shelf, own) = (Shelf::new(&config.state_dir, &config.catalogue_keys), OwnShelf::of(&config));
        let catalogue = composed(shelf.catalogue(), own.overlay().as_ref());
        let matcher = Sources { catalogue: shelf.handed(), own: own.handed() }.matcher("matching");
        Ok((matcher, catalogue))
    }
}

impl Cli {
    /// Runs the command and turns its end into an exit code; an error is printed with its causes.
    pub fn run(self) -> ExitCode {
        log_to_stderr();
        let result = match self.command {
            Command::Agent(command) => command.run(),
            Command::Replay(args) => replay::run(args),
            Command::Scan(args) => scan::run(args),
            Command::Rules(args) => rules::run(args),
        };
        match result {
            Ok(code) => code,
            Err(error) => {
                eprint!("{}", Chain(&error));
                error.exit_code()
            }
        }
    }
}

/// Logs go to standard error; `UMBRASCOPE_LOG` sets the level (`info` by default), as `tracing` spells it.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("UMBRASCOPE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let under_systemd = std::env::var_os("JOURNAL_STREAM").is_some();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // The journal stamps its own time. Failing means that a test set a logger before.
    let _ = if under_systemd { builder.without_time().try_init() } else { builder.try_init() };
}

/// Why a sub-command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The arguments cannot be right: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It went wrong: exit code 1. The text says what was attempted and what to do.
    #[error("{attempt}")]
    Failed {
        /// What was attempted.
        attempt: String,
        /// Why it failed.
        #[source]
        cause: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl CliError {
    /// An error of exit code 1 with a cause.
    pub fn failed(attempt: impl Into<String>, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { attempt: attempt.into(), cause: Some(cause.into()) }
    }

    /// An error of exit code 1 that needs no further cause.
    pub fn because(attempt: impl Into<String>) -> Self {
        Self::Failed { attempt: attempt.into(), cause: None }
    }

    /// The exit code it stands for.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed { .. } => ExitCode::from(1),
        }
    }
}

/// An error and its causes, a line each.
struct Chain<'a>(&'a dyn Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "umbrascope-agent: {}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            writeln!(f, "  caused by: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_printed_with_its_causes() {
        let error = CliError::failed("cannot read a.toml", std::io::Error::other("disk on fire"));
        assert_eq!(
            Chain(&error).to_string(),
            "umbrascope-agent: cannot read a.toml\n  caused by: disk on fire\n"
        );
    }
}
