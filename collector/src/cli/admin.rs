//! Tokens and sensors from the command line. Beside a running collector too.

use std::io::{self, BufRead, IsTerminal};

use clap::Subcommand;
use umbrascope_api::SensorId;

use super::output::{moment, table};
use super::user::command_line;
use super::{CliError, Opened, Place};
use crate::model::{NewToken, PageRequest, TokenId};
use crate::store::{Reads, Store};
use crate::token;

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and print it once, on stdout
    Create {
        /// Unit that machines enrolled with it belong to
        #[arg(long, default_value = "Default")]
        unit: String,
        /// What it is for
        #[arg(long, default_value = "")]
        label: String,
        /// How many machines may enrol with it
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        max_uses: u32,
        /// For how many hours it can be used
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8_760))]
        expires_in_h: u32,
    },
    /// List the tokens, without their secrets
    List,
    /// Make a token unusable. Sensors that enrolled with it stay
    Revoke {
        /// Id of the token: the second part of it
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum SensorCommand {
    /// List the sensors
    List,
    /// Lock a sensor out, within seconds and for good
    Revoke {
        /// Id of the sensor
        id: String,
    },
}

pub(super) fn token(place: &Place, command: TokenCommand) -> Result<(), CliError> {
    let Opened { store, dir, config, clock } = place.open()?;
    let now_ms = clock.now_ms();
    match command {
        TokenCommand::Create { unit, label, max_uses, expires_in_h } => {
            let expires_at_ms = now_ms + i64::from(expires_in_h) * 3_600_000;
            let created_by = format!("command line ({})", std::env::var("USER").unwrap_or_default());
            let new = NewToken { unit, label, max_uses, expires_at_ms, created_by };
            let (row, text) = token::create(&store, &new, &dir.authority()?.fingerprint(), now_ms)?;
            println!("{text}");
            eprintln!(
                "Enrols {} machine(s) of unit {} until {}. It is shown this once. On a machine:\n  \
                 umbrascope-agent enrol --collector {} --token-file -",
                row.max_uses,
                row.unit,
                moment(Some(row.expires_at_ms)),
                config.agents.url
            );
        }
        TokenCommand::List => {
            let rows: Vec<Vec<String>> = store
                .tokens(None, now_ms)?
                .into_iter()
                .map(|token| {
                    vec![
                        token.id.to_string(),
                        format!("{:?}", token.state).to_lowercase(),
                        token.unit,
                        format!("{}/{}", token.uses, token.max_uses),
                        moment(Some(token.expires_at_ms)),
                        moment(token.last_used_at_ms),
                        token.last_host.unwrap_or_else(|| "-".to_owned()),
                        token.label,
                    ]
                })
                .collect();
            let head = ["ID", "STATE", "UNIT", "USES", "EXPIRES", "LAST USED", "LAST HOST", "LABEL"];
            print(&head, &rows)?;
        }
        TokenCommand::Revoke { id } => {
            if !store.revoke_token(&TokenId(id.clone()), &command_line(now_ms))? {
                return Err(CliError::Failed(format!("there is no token {id}: `token list` shows them")));
            }
            println!("token {id} can no longer be used");
        }
    }
    store.close();
    Ok(())
}

pub(super) fn sensor(place: &Place, command: SensorCommand) -> Result<(), CliError> {
    let Opened { store, clock, .. } = place.open()?;
    let now_ms = clock.now_ms();
    match command {
        SensorCommand::List => {
            let mut rows = Vec::new();
            let mut page = PageRequest { offset: 0, limit: PageRequest::MAX_LIMIT };
            loop {
                let found = store.coverage(page, now_ms)?;
                page.offset += found.rows.len() as u64;
                let last = found.rows.is_empty() || page.offset >= found.total;
                rows.extend(found.rows.into_iter().map(|row| {
                    let sensor = row.sensor;
                    let clone = if sensor.clone_suspected_at_ms.is_some() { "suspected" } else { "-" };
                    vec![
                        sensor.id.to_string(),
                        sensor.state.as_str().to_owned(),
                        sensor.hostname,
                        sensor.unit,
                        moment(sensor.last_report_at_ms),
                        moment(Some(sensor.certificate_ends_at_ms)),
                        clone.to_owned(),
                        sensor.agent_version,
                    ]
                }));
                if last {
                    break;
                }
            }
            let head = ["ID", "STATE", "HOST", "UNIT", "LAST REPORT", "CERTIFICATE ENDS", "CLONE", "AGENT"];
            print(&head, &rows)?;
        }
        SensorCommand::Revoke { id } => {
            let sensor: SensorId = id
                .parse()
                .map_err(|_| CliError::Usage(format!("{id} is no sensor's id: `sensor list` shows them")))?;
            if !store.revoke_sensor(sensor, &command_line(now_ms))? {
                return Err(CliError::Failed(format!("there is no sensor {id}: `sensor list` shows them")));
            }
            println!("sensor {id} is locked out; a running collector knows within seconds");
        }
    }
    store.close();
    Ok(())
}

pub(super) fn print(head: &[&str], rows: &[Vec<String>]) -> Result<(), CliError> {
    table(&mut io::stdout().lock(), head, rows).map_err(CliError::io("write the table"))
}

/// A line of stdin; at a terminal it is asked for and not shown.
pub(super) fn read_hidden(prompt: &str) -> Result<String, CliError> {
    let stdin = io::stdin();
    let hidden = if stdin.is_terminal() {
        eprint!("{prompt}");
        let before = rustix::termios::tcgetattr(&stdin)
            .map_err(|error| CliError::Io { attempted: "hide the password", source: error.into() })?;
        let mut silent = before.clone();
        silent.local_modes.remove(rustix::termios::LocalModes::ECHO);
        rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Now, &silent)
            .map_err(|error| CliError::Io { attempted: "hide the password", source: error.into() })?;
        Some(before)
    } else {
        None
    };
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    if let Some(before) = hidden {
        eprintln!();
        rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Now, &before).map_err(
            |error| CliError::Io { attempted: "show the terminal's input again", source: error.into() },
        )?;
    }
    read.map_err(CliError::io("read the password"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
