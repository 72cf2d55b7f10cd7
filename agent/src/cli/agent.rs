//! The commands of the running agent.

use std::process::ExitCode;

use clap::Subcommand;

use super::{CliError, doctor, enrol, explain, role, run, status};

/// The commands that watch, report and answer about it.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Watch the network and scan this machine, until told to end
    Run(run::Args),
    /// Enrol this machine with a collector, by a token
    Enrol(enrol::Args),
    /// Check what the agent needs and say what to do about what is missing
    Doctor(doctor::Args),
    /// How the agent on this machine is doing
    Status(status::Args),
    /// In plain words: what is collected on this machine, and what was sent
    Explain(explain::Args),
    #[command(name = "__role", hide = true)]
    Role(role::Args),
}

impl Command {
    /// Runs it.
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        match self {
            Self::Run(args) => run::run(args),
            Self::Enrol(args) => enrol::run(args),
            Self::Doctor(args) => doctor::run(args),
            Self::Status(args) => status::run(args),
            Self::Explain(args) => explain::run(args),
            Self::Role(args) => role::run(args),
        }
    }
}
