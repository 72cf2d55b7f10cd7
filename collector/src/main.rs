//! `umbrascope-collector`: parse the command line, run the command, pick the exit code.

use std::process::ExitCode;

use clap::Parser;
use umbrascope_collector::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
