//! Configuration: what the user wrote, then what the program needs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use umbrascope_rules::bundle::PublicKey;

use crate::stamper::Authority;

/// Read when it is there and no other file is named.
pub const DEFAULT_FILE: &str = "/etc/umbrascope/collector.toml";

/// What the program needs. Every default is safe to leave alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Folder of the data, unless the command line names one.
    pub data_dir: Option<PathBuf>,
    /// Where people and programs reach us.
    pub people: People,
    /// Where agents reach us.
    pub agents: Agents,
    /// Public keys that may sign catalogues, beside those of the program.
    pub catalogue_keys: Vec<PublicKey>,
    /// Time-stamping authority (RFC 3161) that stamps checkpoints; `None`: nobody is asked.
    pub time_stamps: Option<Authority>,
    /// Bytes below which no report is taken; `None`: 10 % of the disk, at most 1 GiB.
    pub min_free_bytes: Option<u64>,
}

/// The listener of people and programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    /// Address and port.
    pub listen: SocketAddr,
    /// Certificate chain and key, PEM files; without them plain HTTP.
    pub tls: Option<(PathBuf, PathBuf)>,
}

/// The listener of agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agents {
    /// Address and port.
    pub listen: SocketAddr,
    /// Names and addresses that our certificate is made for.
    pub names: Vec<String>,
    /// URL that agents are told to enrol at.
    pub url: String,
    /// How often an agent is asked to report, in seconds.
    pub report_interval_s: u32,
    /// How long a sensor's certificate is valid, in seconds.
    pub sensor_certificate_s: u32,
    /// Connections at the same time, and from one address (IPv6: one /64).
    pub connections: usize,
    /// See [`Agents::connections`].
    pub connections_per_address: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self::from_written(Written::default())
    }
}

/// The file as it is written. Every key is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    data_dir: Option<PathBuf>,
    people: WrittenPeople,
    agents: WrittenAgents,
    catalogue: WrittenCatalogue,
    storage: WrittenStorage,
    time_stamps: WrittenTimeStamps,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenPeople {
    listen: Option<SocketAddr>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenAgents {
    listen: Option<SocketAddr>,
    names: Option<Vec<String>>,
    url: Option<String>,
    report_interval_s: Option<u32>,
    sensor_certificate_s: Option<u32>,
    connections: Option<usize>,
    connections_per_address: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenCatalogue {
    keys: Vec<String>,
}

/// An old key, a new one and some in reserve.
const MAX_KEYS: usize = 16;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenStorage {
    min_free_bytes: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenTimeStamps {
    authority: Option<String>,
}

impl Config {
    /// Reads the file that was named, or the default one when it is there.
    pub fn load(asked: Option<&Path>) -> Result<Self, ConfigError> {
        let path = match asked {
            Some(path) => path,
            None if Path::new(DEFAULT_FILE).exists() => Path::new(DEFAULT_FILE),
            None => return Ok(Self::default()),
        };
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Reads the text of a file; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let wrong = |line, message: String| ConfigError::Wrong { path: path.to_owned(), line, message };
        let written: Written = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
            wrong(line, error.message().trim().to_owned())
        })?;
        let line_of = |key: &str| {
            text.lines().position(|line| line.trim_start().starts_with(key)).map_or(1, |line| line + 1)
        };
        if written.people.certificate.is_some() != written.people.key.is_some() {
            let key = if written.people.key.is_some() { "key" } else { "certificate" };
            return Err(wrong(
                line_of(key),
                "`certificate` and `key` stand together or not at all".to_owned(),
            ));
        }
        for (key, value, range) in [
            ("report_interval_s", written.agents.report_interval_s, 1..=86_400),
            ("sensor_certificate_s", written.agents.sensor_certificate_s, 10..=31_536_000),
        ] {
            if value.is_some_and(|value| !range.contains(&value)) {
                let (least, most) = (range.start(), range.end());
                return Err(wrong(line_of(key), format!("`{key}` must lie between {least} and {most}")));
            }
        }
        if written.agents.names.as_ref().is_some_and(Vec::is_empty) {
            return Err(wrong(line_of("names"), "`names` needs at least one name or address".to_owned()));
        }
        let url = written.agents.url.as_deref();
        if url.is_some_and(|url| !url.starts_with("https://")) {
            return Err(wrong(line_of("url"), "`url` must begin with https://".to_owned()));
        }
        let keys = written.catalogue.keys.iter().map(|key| key.parse()).collect::<Result<Vec<_>, _>>();
        let keys = match keys {
            Ok(keys) if keys.len() <= MAX_KEYS => keys,
            Ok(_) => return Err(wrong(line_of("keys"), format!("`keys` must be {MAX_KEYS} keys at most"))),
            Err(error) => {
                return Err(wrong(line_of("keys"), format!("`keys` must be public keys: {error}")));
            }
        };
        let authority = written.time_stamps.authority.as_deref().map(str::parse::<Authority>).transpose();
        let time_stamps =
            authority.map_err(|error| wrong(line_of("authority"), format!("`authority`: {error}")))?;
        Ok(Self { catalogue_keys: keys, time_stamps, ..Self::from_written(written) })
    }

    fn from_written(written: Written) -> Self {
        let (people, agents) = (written.people, written.agents);
        let listen = agents.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8443)));
        let names =
            agents.names.unwrap_or_else(|| vec!["localhost".into(), "127.0.0.1".into(), "::1".into()]);
        let first = names.first().map_or("localhost", String::as_str);
        let first = if first.contains(':') { format!("[{first}]") } else { first.to_owned() };
        Self {
            data_dir: written.data_dir,
            people: People {
                listen: people.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080))),
                tls: people.certificate.zip(people.key),
            },
            agents: Agents {
                url: agents.url.unwrap_or_else(|| format!("https://{first}:{}", listen.port())),
                listen,
                names,
                report_interval_s: agents.report_interval_s.unwrap_or(300),
                sensor_certificate_s: agents.sensor_certificate_s.unwrap_or(30 * 86_400),
                connections: agents.connections.unwrap_or(10_000),
                // Many agents may stand behind one address translator.
                connections_per_address: agents.connections_per_address.unwrap_or(2_000),
            },
            catalogue_keys: Vec::new(),
            time_stamps: None,
            min_free_bytes: written.storage.min_free_bytes,
        }
    }
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("could not read the configuration {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{path}:{line}: {message}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong and what is wanted.
        message: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::parse(text, Path::new("c.toml")).unwrap_err().to_string()
    }

    #[test]
    fn defaults_listen_on_loopback_only() {
        let config = Config::default();
        assert!(config.people.listen.ip().is_loopback() && config.agents.listen.ip().is_loopback());
        assert_eq!(config.agents.url, "https://localhost:8443");
    }

    #[test]
    fn a_mistake_is_told_with_file_and_line() {
        assert!(
            error("[people]\nlisten = \"127.0.0.1:1\"\nlisten_port = 3\n")
                .starts_with("c.toml:3: unknown field")
        );
        assert!(error("[people]\nlisten = \"here\"\n").starts_with("c.toml:2: "));
        assert!(error("[people]\n\nkey = \"k.pem\"\n").starts_with("c.toml:3: `certificate` and `key`"));
        assert!(
            error("[agents]\nreport_interval_s = 0\n").starts_with("c.toml:2: `report_interval_s` must lie")
        );
        assert!(error("[agents]\nurl = \"http://x\"\n").starts_with("c.toml:2: `url` must begin"));
        let bad = "[time_stamps]\nauthority = \"ftp://tsa.example\"\n";
        assert!(error(bad).starts_with("c.toml:2: `authority`: it must begin with http"), "{}", error(bad));
        assert!(
            error("[catalogue]\n\nkeys = [\"RWQ\"]\n").starts_with("c.toml:3: `keys` must be public keys")
        );
    }

    /// The sample with every key that it shows commented in force.
    fn sample() -> String {
        let key = |line: &str| {
            line.split_once(" = ")
                .is_some_and(|(key, _)| key.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'))
        };
        include_str!("../../packaging/config/collector.toml")
            .lines()
            .map(|line| line.strip_prefix('#').filter(|rest| key(rest)).unwrap_or(line).to_owned() + "\n")
            .collect()
    }

    #[test]
    fn the_packaged_sample_shows_every_default() {
        let (sample, default) = (Config::parse(&sample(), Path::new("c.toml")).unwrap(), Config::default());
        assert_eq!(sample.agents, default.agents);
        assert_eq!(sample.people.listen, default.people.listen);
        assert_eq!(sample.catalogue_keys, default.catalogue_keys);
        assert!(sample.people.tls.is_some() && sample.min_free_bytes.is_some());
        assert!(
            sample.time_stamps.is_some() && default.time_stamps.is_none(),
            "nobody is asked unless told to"
        );
        assert_eq!(sample.data_dir.as_deref(), Some(Path::new("/var/lib/umbrascope-collector")));
    }
}
