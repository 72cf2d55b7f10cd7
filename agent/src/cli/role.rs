//! `__role`: what the warden starts. Not for people.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::CliError;
use crate::roles::{Role, dissector, scanner, uplink};
use crate::sandbox;
use crate::scan::ScanRequest;

/// Arguments of `__role`.
#[derive(Debug, clap::Args)]
pub struct Args {
    role: Role,
    /// Patience of a scan, in seconds
    #[arg(long, default_value_t = 120)]
    deadline_s: u64,
    /// Ask no server what it is
    #[arg(long)]
    no_probe: bool,
    /// Socket of a container daemon to ask
    #[arg(long)]
    containers: Option<PathBuf>,
    /// Folder of projects to read; may be given again
    #[arg(long)]
    project_root: Vec<PathBuf>,
    /// Enter the dissector's sandbox, try what it forbids, and print what came of it
    #[arg(long)]
    self_test: bool,
}

/// Becomes the role.
pub fn run(args: Args) -> Result<ExitCode, CliError> {
    if args.self_test {
        return self_test();
    }
    Ok(match args.role {
        Role::Dissector => dissector::run(),
        Role::Uplink => uplink::run(),
        Role::Scanner => scanner::run(ScanRequest {
            deadline: Duration::from_secs(args.deadline_s),
            probe: !args.no_probe,
            containers: args.containers,
            project_roots: args.project_root,
            ..ScanRequest::live()
        }),
    })
}

/// One line for each thing that a dissector must not be able to do: its name, and `refused` or `ALLOWED`.
fn self_test() -> Result<ExitCode, CliError> {
    let level = sandbox::enter().map_err(|error| CliError::failed("cannot enter the sandbox", error))?;
    println!("sandbox\t{level}");
    let attempts = sandbox::attempts();
    for (name, refused) in &attempts {
        println!("{name}\t{}", if *refused { "refused" } else { "ALLOWED" });
    }
    let all = attempts.iter().all(|(_, refused)| *refused);
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
