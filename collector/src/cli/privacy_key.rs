//! `privacy-key`: the privacy officer's key. These commands open no data folder and ask no collector: they are for another machine.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::CliError;
use crate::model::text::visible;
use crate::reidentify::key::{SealedFile, SecretKey};

/// Keys and sealed names are short texts.
const MAX_BYTES: u64 = 64 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum PrivacyKeyCommand {
    /// Make a key: the secret half goes to FILE, which must not be there, the public half is printed. Keep FILE away from the collector
    New {
        /// Where the secret half goes
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print the public half of a key
    Public {
        /// File with the secret half
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Open a sealed name that was taken from a collector after its request was approved
    Open {
        /// File with the secret half of the key
        #[arg(long, value_name = "KEYFILE")]
        key: PathBuf,
        /// File with the sealed name
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Runs the command.
pub(super) fn run(command: PrivacyKeyCommand) -> Result<(), CliError> {
    match command {
        PrivacyKeyCommand::New { file } => {
            let key = SecretKey::create();
            let mut options = OpenOptions::new();
            let made = options.write(true).create_new(true).mode(0o600).open(&file);
            let written = made.and_then(|mut made| {
                made.write_all(key.text().as_bytes())?;
                made.sync_all()
            });
            written.map_err(CliError::io("write the key to a new file"))?;
            println!("{}", key.public());
            eprintln!(
                "{}: the secret half. Keep it away from the collector, and keep a copy",
                file.display()
            );
        }
        PrivacyKeyCommand::Public { file } => println!("{}", secret(&file)?.public()),
        PrivacyKeyCommand::Open { key, file } => {
            let (key, text) = (secret(&key)?, text(&file)?);
            let sealed: SealedFile = serde_json::from_str(&text).map_err(|error| {
                CliError::Usage(format!("{}: this is no sealed name of a collector: {error}", file.display()))
            })?;
            let failed = |error| CliError::Failed(format!("{}: {error}", file.display()));
            let name = key.open(&sealed).map_err(failed)?;
            println!("request  {}", visible(&sealed.request));
            println!("ticket   {}", visible(&sealed.ticket));
            println!("machine  {}", sealed.machine);
            println!("account  {}", visible(&name.name));
            println!("number   {}", name.uid);
        }
    }
    Ok(())
}

fn secret(path: &Path) -> Result<SecretKey, CliError> {
    SecretKey::read(&text(path)?).map_err(|error| CliError::Usage(format!("{}: {error}", path.display())))
}

fn text(path: &Path) -> Result<String, CliError> {
    let read = || -> io::Result<String> {
        let mut text = String::new();
        std::fs::File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
        Ok(text)
    };
    read().map_err(|error| CliError::Usage(format!("{}: {error}", path.display())))
}
