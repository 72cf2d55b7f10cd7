//! The commands of the running agent, where there is none yet: each says what this system can do.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Subcommand;

use super::CliError;

/// What Linux has. Any arguments are taken, so that the answer is about the system and not about them.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Not on this system yet: watch the network and scan this machine, until told to end
    Run(Rest),
    /// Not on this system yet: enrol this machine with a collector, by a token
    Enrol(Rest),
    /// What the agent can do on this system
    Doctor(Rest),
    /// Not on this system yet: how the agent on this machine is doing
    Status(Rest),
    /// Not on this system yet: what is collected on this machine, and what was sent
    Explain(Rest),
}

/// Arguments that are not read.
#[derive(Debug, clap::Args)]
pub(super) struct Rest {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    _rest: Vec<OsString>,
}

impl Command {
    /// Says why not.
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        let system = if cfg!(windows) { "Windows" } else { std::env::consts::OS };
        let name = match self {
            Self::Run(_) => "run",
            Self::Enrol(_) => "enrol",
            Self::Status(_) => "status",
            Self::Explain(_) => "explain",
            Self::Doctor(_) => {
                print!("{}", findings(system));
                return Ok(ExitCode::FAILURE);
            }
        };
        Err(CliError::because(format!(
            "`{name}` does not work on {system} yet: the agent neither watches the network nor reports here; `scan`, \
             `replay` and `rules` work"
        )))
    }
}

/// In the form of the other systems' `doctor`.
fn findings(system: &str) -> String {
    let line = |word: &str, name: &str, finding: &str| format!("{word:<8} {name:<13} {finding}\n");
    [
        line("ok", "scan", "`scan` reads this machine and prints what it finds"),
        line("ok", "processes", "`scan` looks at running programs and the ports on which servers answer"),
        line("BAD", "capture", &format!("not possible on {system} yet: no network traffic is watched")),
        line("BAD", "collector", &format!("not possible on {system} yet: nothing is stored or reported")),
    ]
    .concat()
}
