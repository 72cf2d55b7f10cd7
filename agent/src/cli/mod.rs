//! The command line: one module a sub-command.
//!
//! Exit codes: 0 done, 1 it went wrong, 2 wrong usage. Results go to standard output; logs,
//! progress and errors to standard error.

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub mod replay;
pub mod scan;

/// Discovers the AI tools that this machine uses and reports them to its collector.
#[derive(Debug, Parser)]
#[command(name = "umbrascope-agent", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Replay(replay::Args),
}

impl Cli {
    /// Runs the command and turns its end into an exit code; an error is printed with its causes.
    pub fn run(self) -> ExitCode {
        let result: Result<ExitCode, CliError> = match self.command {
            Command::Replay(args) => replay::run(args),
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
