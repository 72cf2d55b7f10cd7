//! The command line. Results on stdout; logs, progress and errors on stderr.

mod admin;
mod audit;
mod endpoints;
mod export;
mod import;
mod output;
mod privacy_key;
mod rules;
mod run;
mod trial;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use umbrascope_rules::bundle::PublicKey;

use crate::catalogue::{self, Known};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::datadir::{DataDir, DataDirError};
use crate::export::ExportError;
use crate::model::text::chain;
use crate::notary::NotaryError;
use crate::own;
use crate::serve::ServeError;
use crate::session::SessionError;
use crate::store::sqlite::Options;
use crate::store::{SqliteStore, StoreError};

/// Takes what Umbrascope's agents report and shows the AI systems in use.
#[derive(Debug, Parser)]
#[command(name = "umbrascope-collector", version)]
pub struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// Where the collector's data and configuration are.
#[derive(Debug, clap::Args)]
struct Place {
    /// Folder of the database and keys. Default: `data_dir` of the configuration, $STATE_DIRECTORY,
    /// /var/lib/umbrascope-collector for root and the service, else ~/.local/share/umbrascope/collector
    #[arg(long, global = true, value_name = "D")]
    data_dir: Option<PathBuf>,
    /// Configuration file. Default: /etc/umbrascope/collector.toml when it is there
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try the whole product on this machine: a collector, a local agent, and a link to look
    Try(trial::Args),
    /// Make the data folder: private authority, keys, database. Leaves what is there
    Init,
    /// Run the collector
    Serve,
    /// Tokens that agents enrol with
    #[command(subcommand)]
    Token(admin::TokenCommand),
    /// People, and what they may do
    #[command(subcommand)]
    User(user::UserCommand),
    /// Take in what other systems of the organisation know
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Sensors that report
    #[command(subcommand)]
    Sensor(admin::SensorCommand),
    /// The catalogue: publish it, signed, to the agents
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// Make every roll-up anew from the facts
    Rebuild,
    /// Write everything that was found to a file or to stdout
    Export(export::ExportArgs),
    /// The audit trail: check what was exported, sign what it comes to, change the key
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// The privacy officer's key, which opens sealed names of accounts: make one, print its public half, open a name
    #[command(subcommand)]
    PrivacyKey(privacy_key::PrivacyKeyCommand),
}

impl Cli {
    /// Runs the command; 0 done, 1 it went wrong (2, wrong usage, is clap's and ours alike).
    pub fn run(self) -> ExitCode {
        log_to_stderr(matches!(self.command, Command::Serve));
        let result = match self.command {
            Command::Try(args) => trial::run(&self.place, args),
            Command::Init => run::init(&self.place),
            Command::Serve => run::serve(&self.place),
            Command::Token(command) => admin::token(&self.place, command),
            Command::User(command) => user::user(&self.place, command),
            Command::Import(command) => import::import(&self.place, command),
            Command::Sensor(command) => admin::sensor(&self.place, command),
            Command::Rules(command) => rules::run(&self.place, command),
            Command::Rebuild => run::rebuild(&self.place),
            Command::Export(args) => export::run(&self.place, args),
            Command::PrivacyKey(command) => privacy_key::run(command),
            // Consistent or not is an answer of its own.
            Command::Audit(command) => match audit::run(&self.place, command) {
                Ok(code) => return ExitCode::from(code),
                Err(error) => Err(error),
            },
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("umbrascope-collector: {}", chain(&error));
                ExitCode::from(if matches!(error, CliError::Usage(_)) { 2 } else { 1 })
            }
        }
    }
}

impl Place {
    fn config(&self) -> Result<Config, CliError> {
        Ok(Config::load(self.config.as_deref())?)
    }

    fn data_dir(&self, config: &Config) -> Result<DataDir, CliError> {
        Ok(DataDir::choose(self.data_dir.clone().or_else(|| config.data_dir.clone()))?)
    }

    /// The records, to change them: beside a running collector too.
    fn open(&self) -> Result<Opened, CliError> {
        let config = self.config()?;
        let dir = self.data_dir(&config)?;
        let clock = Clock::system();
        let store = dir.open(options(&config, &dir), clock.now_ms())?;
        Ok(Opened { store, dir, config, clock })
    }
}

struct Opened {
    store: SqliteStore,
    dir: DataDir,
    config: Config,
    clock: Clock,
}

/// With the catalogue that was published, or the one that this program came with.
fn options(config: &Config, dir: &DataDir) -> Options {
    Options::knowing(known(config, dir))
}

fn known(config: &Config, dir: &DataDir) -> Arc<Known> {
    own::compose(base(config, dir), own::look(dir)).known
}

/// The catalogue without the organisation's own rules.
fn base(config: &Config, dir: &DataDir) -> Arc<Known> {
    let keys = PublicKey::trusted(&config.catalogue_keys);
    Arc::new(match catalogue::look(&dir.catalogue(), &keys).good {
        Some(Ok(good)) => Known::from(good.catalogue),
        _ => Known::embedded(),
    })
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum CliError {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// What was asked for is not there.
    #[error("{0}")]
    Failed(String),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Notary(#[from] NotaryError),
    #[error("could not {attempted}")]
    Io {
        attempted: &'static str,
        #[source]
        source: std::io::Error,
    },
}

impl CliError {
    fn io(attempted: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { attempted, source }
    }
}

/// `RUST_LOG` decides; else what an operator of a service wants, or a person at a terminal.
fn log_to_stderr(service: bool) {
    let default = if service { "info" } else { "warn" };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Only a second call in one process can fail.
    let _ = log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_option_takes_a_secret() {
        fn options(command: &clap::Command) -> Vec<String> {
            let own = command.get_opts().filter_map(|option| option.get_long().map(str::to_owned));
            own.chain(command.get_subcommands().flat_map(options)).collect()
        }
        let names = options(&Cli::command());
        assert!(!names.iter().any(|name| name.contains("password") || name.contains("secret")), "{names:?}");
    }
}
