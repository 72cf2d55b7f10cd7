//! `enrol`: a token against an identity.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use umbrascope_rules::Catalogue;

use super::{CliError, StateArgs};
use crate::enrol::{EnrolError, enrol, fingerprint};
use crate::identity::Identity;
use crate::os::host;
use crate::own::OwnShelf;

/// Longest token read, in bytes.
const TOKEN_BYTES: u64 = 4096;

/// Arguments of `enrol`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    state: StateArgs,
    /// Address of the collector's agent listener, https://HOST:PORT [default: the configuration's]
    #[arg(long, value_name = "URL")]
    collector: Option<String>,
    /// The token. Others on this machine can see it in the list of processes: prefer --token-file
    /// or the environment variable UMBRASCOPE_TOKEN
    #[arg(long, value_name = "T", conflicts_with = "token_file")]
    token: Option<String>,
    /// File that holds the token; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// SHA-256 of the certificate of the collector's authority [default: the one in the token]
    #[arg(long, value_name = "HEX")]
    ca_sha256: Option<String>,
    /// Enrol again, in place of the identity that there is
    #[arg(long)]
    force: bool,
}

/// Enrols this machine.
pub fn run(args: Args) -> Result<ExitCode, CliError> {
    let config = args.state.load()?;
    let collector = args.collector.or(config.collector.url).ok_or_else(|| {
        CliError::Usage(
            "no collector: give --collector URL or `url` in [collector] of the configuration".into(),
        )
    })?;
    let folder = &config.state_dir;
    let enrolled = Identity::load(folder).ok().flatten();
    if let Some(identity) = enrolled.filter(|_| !args.force) {
        return Err(CliError::because(format!(
            "this machine is enrolled with {} as {}; --force enrols it again",
            identity.collector, identity.sensor
        )));
    }
    let token = read_token(args.token, args.token_file)?;
    let trusted = fingerprint(&token, args.ca_sha256.as_deref()).map_err(usage_or_failure)?;
    let info = host::sensor_info(&Catalogue::embedded_version());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::failed("cannot start", error))?;
    let request =
        enrol(&collector, &token, trusted, host::machine_id(), info, config.collector.proxy.as_deref());
    let identity = runtime.block_on(request).map_err(usage_or_failure)?;
    // The rules of another collector's organisation are none of this one's.
    OwnShelf::forget(folder)
        .map_err(|error| CliError::failed("cannot remove the own rules of the last enrolment", error))?;
    identity.store(folder).map_err(|error| CliError::failed("enrolled, but the identity is lost", error))?;
    println!("enrolled with {} as {}", identity.collector, identity.sensor);
    Ok(ExitCode::SUCCESS)
}

fn usage_or_failure(error: EnrolError) -> CliError {
    match error {
        EnrolError::NoFingerprint | EnrolError::BadFingerprint | EnrolError::NotHttps => {
            CliError::Usage(error.to_string())
        }
        other => CliError::failed("cannot enrol", other),
    }
}

fn read_token(token: Option<String>, file: Option<PathBuf>) -> Result<String, CliError> {
    let text = match (token, file) {
        (Some(token), _) => token,
        (None, Some(path)) => {
            let mut text = String::new();
            let read = if path.as_os_str() == "-" {
                std::io::stdin().take(TOKEN_BYTES).read_to_string(&mut text)
            } else {
                std::fs::File::open(&path).and_then(|file| file.take(TOKEN_BYTES).read_to_string(&mut text))
            };
            read.map_err(|error| {
                CliError::failed(format!("cannot read the token from {}", path.display()), error)
            })?;
            text
        }
        (None, None) => std::env::var("UMBRASCOPE_TOKEN").map_err(|_| {
            CliError::Usage("no token: give --token-file FILE, or UMBRASCOPE_TOKEN in the environment".into())
        })?,
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(CliError::Usage("the token is empty".into()));
    }
    Ok(text.to_owned())
}
