//! `rules`: keys, bundles, and which catalogue is in use where.

mod own;
mod publish;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use clap::Subcommand;
use minisign::KeyPair;
use umbrascope_rules::bundle::{self, PublicKey};
use umbrascope_rules::{Catalogue, Date};

use super::admin::read_hidden;
use super::output::table;
use super::{CliError, Place};
use crate::catalogue::{self, Good};
use crate::clock::Clock;
use crate::config::Config;
use crate::datadir::DataDir;
use crate::model::PageRequest;
use crate::store::Reads;

#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// Make a pair of keys to sign catalogues with, in minisign's form. Prints the public key. The password is read from the
    /// terminal or from the first line of stdin; empty: none
    Keygen {
        /// File for the secret key. The public key goes beside it, with `.pub` behind the name
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Check a catalogue, sign it as a bundle, and hand it to the agents
    Publish(publish::Args),
    /// Hand a bundle to the agents that was published elsewhere
    Import {
        /// The bundle
        bundle: PathBuf,
    },
    /// The organisation's own rules, which stand over the catalogue
    #[command(subcommand)]
    Own(own::OwnCommand),
    /// Which catalogue is in use here, which one agents are given, and which ones they have
    Status,
}

pub(super) fn run(place: &Place, command: RulesCommand) -> Result<(), CliError> {
    match command {
        RulesCommand::Keygen { output } => keygen(&output),
        RulesCommand::Publish(args) => publish::run(place, &args),
        RulesCommand::Import { bundle } => import(place, &bundle),
        RulesCommand::Own(command) => own::run(place, command),
        RulesCommand::Status => status(place),
    }
}

fn keygen(output: &PathBuf) -> Result<(), CliError> {
    let failed = |error: minisign::PError| CliError::Failed(format!("could not make the keys: {error}"));
    let password = read_hidden("Password of the new key (empty: none): ")?;
    if io::stdin().is_terminal() && !password.is_empty() && read_hidden("The same again: ")? != password {
        return Err(CliError::Usage("the two passwords differ: nothing was made".to_owned()));
    }
    let pair = match password.is_empty() {
        true => KeyPair::generate_unencrypted_keypair(),
        false => KeyPair::generate_encrypted_keypair(Some(password)),
    };
    let pair = pair.map_err(failed)?;
    let public: PublicKey =
        pair.pk.to_base64().parse().map_err(|error| CliError::Failed(format!("{error}")))?;
    let secret = pair.sk.to_box(Some("secret key for Umbrascope catalogues")).map_err(failed)?;
    let mut beside = output.clone().into_os_string();
    beside.push(".pub");
    let text = format!("untrusted comment: minisign public key {}\n{public}\n", public.id());
    // Never over a key that somebody may still need.
    write_new(output, format!("{secret}").trim_end(), 0o600)?;
    write_new(&PathBuf::from(beside), text.trim_end(), 0o644)?;
    println!("{public}");
    eprintln!(
        "Keep {} where this collector's administrator alone can read it, best on another machine. Put the line above into `keys` \
         of [catalogue], here in collector.toml and in agent.toml of every machine, together with that of a second key kept elsewhere.",
        output.display()
    );
    Ok(())
}

fn write_new(path: &PathBuf, text: &str, mode: u32) -> Result<(), CliError> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    };
    write().map_err(|error| {
        let fix = match error.kind() {
            io::ErrorKind::AlreadyExists => ": choose another name; nothing is overwritten",
            _ => "",
        };
        CliError::Failed(format!("could not write {}: {error}{fix}", path.display()))
    })
}

fn import(place: &Place, path: &PathBuf) -> Result<(), CliError> {
    let (config, dir) = place_of(place)?;
    let bytes = std::fs::read(path)
        .map_err(|error| CliError::Failed(format!("could not read {}: {error}", path.display())))?;
    let good = install(&config, &dir, &bytes)?;
    println!("{} is handed to the agents, and used here, within seconds", good.catalogue.version());
    Ok(())
}

/// Checks a bundle as an agent would, and puts it into the folder.
fn install(config: &Config, dir: &DataDir, bytes: &[u8]) -> Result<Good, CliError> {
    dir.must_be_initialised()?;
    let keys = PublicKey::trusted(&config.catalogue_keys);
    let refused = |error| CliError::Failed(format!("the bundle is not taken: {error}"));
    let good = catalogue::open(bytes, &keys).map_err(refused)?;
    let mark = match catalogue::look(&dir.catalogue(), &keys).good {
        Some(Ok(before)) => Some(before.mark),
        _ => None,
    };
    let (digest, floor) = (good.mark.digest, bundle::floor());
    good.manifest.admit(digest, today(), floor, mark.as_ref()).map_err(refused)?;
    dir.replace(&dir.catalogue(), bytes)?;
    Ok(good)
}

fn status(place: &Place) -> Result<(), CliError> {
    let (config, dir) = place_of(place)?;
    let keys = PublicKey::trusted(&config.catalogue_keys);
    let found = catalogue::look(&dir.catalogue(), &keys);
    let line = |name: &str, value: &str| println!("{name:<18}{value}");
    line("came with", Catalogue::embedded().version());
    match found.good {
        None => {
            line("published", "nothing: `rules publish` or `rules import` hands a catalogue to the agents")
        }
        Some(Ok(good)) => {
            let over =
                if good.manifest.is_expired(today()) { " (agents do not take it any more)" } else { "" };
            line("published", good.catalogue.version());
            line("signed by", &format!("key {} on {}", good.mark.key, good.manifest.date));
            line("expires", &format!("{}{over}", good.manifest.expires));
        }
        Some(Err(why)) => line("published", &format!("a file that is not used here: {why}")),
    }
    let ids: Vec<String> = keys.iter().map(|key| key.id().to_string()).collect();
    line("trusted keys", if ids.is_empty() { "none" } else { "" });
    ids.iter().for_each(|id| line("", id));
    let store = dir.open_read_only(super::options(&config, &dir))?;
    let mut have = BTreeMap::<String, u64>::new();
    let mut page = PageRequest { offset: 0, limit: PageRequest::MAX_LIMIT };
    loop {
        let rows = store.coverage(page, Clock::system().now_ms())?;
        page.offset += rows.rows.len() as u64;
        let last = rows.rows.is_empty() || page.offset >= rows.total;
        for row in rows.rows {
            *have.entry(row.sensor.catalogue_version).or_default() += 1;
        }
        if last {
            break;
        }
    }
    let rows: Vec<Vec<String>> = have
        .into_iter()
        .rev()
        .map(|(version, sensors)| {
            vec![if version.is_empty() { "-".to_owned() } else { version }, sensors.to_string()]
        })
        .collect();
    println!();
    table(&mut io::stdout().lock(), &["CATALOGUE", "SENSORS"], &rows).map_err(CliError::io("write the table"))
}

fn place_of(place: &Place) -> Result<(Config, DataDir), CliError> {
    let config = place.config()?;
    let dir = place.data_dir(&config)?;
    Ok((config, dir))
}

fn today() -> Date {
    let days = Clock::system().now_ms() / 86_400_000;
    Date::from_days(u32::try_from(days).unwrap_or_default())
}
