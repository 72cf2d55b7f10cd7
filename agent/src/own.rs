//! The organisation's own rules: what stands over the catalogue on this machine.
//!
//! They come from the collector, as a bundle that it signed with a key of its own. That key is told over the channel that the
//! enrolment pinned, taken at first sight and kept: another one is taken only after a new enrolment, or where the
//! configuration names it (`own_rules_key` of [catalogue], which nobody but this machine's administrator can write).
//!
//! # Files
//! In the state folder, mode 0600, each replaced whole: `own-rules.key`, `own-rules.bundle` and, as with the catalogue,
//! `own-rules.mark` with the highest version taken so far.
//!
//! # What they can do
//! No more than the catalogue's rules can: a name or an identifier of software that is not theirs is dropped on this machine. What would
//! reach over names that many share is left out here, whoever signed it (see `umbrascope_rules::Overlay`). `explain` shows every one of them.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use umbrascope_rules::bundle::{self, Bundle, Kind, Mark, PublicKey};
use umbrascope_rules::{Catalogue, Date, Matcher, Overlay, Problem};

use crate::catalogue::{TakeError, base_matcher, compiled_of, open_named, read, replace_named};
use crate::config::Config;

const FILE: &str = "own-rules.bundle";
const MARK: &str = "own-rules.mark";
const KEY: &str = "own-rules.key";
/// The part of the bundle, and what messages call it.
const PART: &str = "own-rules.toml";
/// Longest mark and key, in bytes.
const SMALL_BYTES: u64 = 256;
/// Parts left out that are told one by one.
const TOLD: usize = 5;

/// Which own rules are in use, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnStanding {
    /// Their version; `None` where there are none.
    pub number: Option<u32>,
    /// The day they were published.
    pub published: String,
    /// Id of the key that signed them.
    pub key: Option<String>,
    /// How many parts do not hold over the catalogue in use.
    pub left_out: usize,
    /// The first of these, with why and what to do.
    pub left_out_words: Vec<String>,
    /// Why what is stored is not used.
    pub set_aside: Option<String>,
}

impl OwnStanding {
    /// In words.
    pub fn words(&self) -> String {
        let Some(number) = self.number else { return "none".to_owned() };
        let key = self.key.as_deref().unwrap_or("-");
        let parts = match self.left_out {
            0 => String::new(),
            1 => "; 1 part does not hold over the catalogue in use and is left out".to_owned(),
            many => format!("; {many} parts do not hold over the catalogue in use and are left out"),
        };
        format!("version {number} of {}, signed by key {key}{parts}", self.published)
    }
}

/// The own rules in the state folder, and whom they may come from.
#[derive(Debug, Clone)]
pub struct OwnShelf {
    folder: PathBuf,
    enabled: bool,
    configured: Option<PublicKey>,
}

impl OwnShelf {
    /// As it is configured.
    pub fn new(folder: &Path, enabled: bool, configured: Option<PublicKey>) -> Self {
        Self { folder: folder.to_owned(), enabled, configured }
    }

    /// That of a configuration.
    pub fn of(config: &Config) -> Self {
        Self::new(&config.state_dir, config.own_rules, config.own_rules_key.clone())
    }

    /// Whether own rules are taken at all.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// The key that own rules are checked with.
    pub fn key(&self) -> Option<PublicKey> {
        if !self.enabled {
            return None;
        }
        self.configured.clone().or_else(|| small(&self.folder, KEY)?.trim().parse().ok())
    }

    /// The collector named its key. The first one is kept; whether that was new.
    pub fn learn(&self, key: &str) -> io::Result<bool> {
        if !self.enabled || self.key().is_some() {
            return Ok(false);
        }
        let Ok(key) = key.parse::<PublicKey>() else { return Ok(false) };
        replace_named(&self.folder, KEY, format!("{key}\n").as_bytes(), "agent-own-before-key")?;
        Ok(true)
    }

    /// Forgets key and rules: those of another collector are none here.
    pub fn forget(folder: &Path) -> io::Result<()> {
        for name in [FILE, MARK, KEY] {
            match fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// The file to be handed to another process, and the key that it checks it with.
    pub fn handed(&self) -> Option<(File, Vec<String>)> {
        Some((open_named(&self.folder, FILE)?, vec![self.key()?.to_string()]))
    }

    /// The stored rules and their version; `None` where there are none, or none that is good.
    pub fn overlay(&self) -> Option<(Overlay, u32)> {
        let (file, keys) = self.handed()?;
        overlay_of(file, &keys).ok()
    }

    /// What is in use over a catalogue, and the SHA-256 of its bundle. `left_out` as [`matcher_of`] tells it.
    pub fn standing(&self, left_out: &[Problem]) -> (OwnStanding, Option<String>) {
        let (Some(key), Some(bytes)) = (self.key(), self.stored()) else { return Default::default() };
        match bundle::read(&bytes, std::slice::from_ref(&key), Kind::Overlay) {
            Ok(good) => (standing_of(&good, left_out), Some(crate::catalogue::digest(&bytes))),
            Err(error) => (OwnStanding { set_aside: Some(words(&error)), ..OwnStanding::default() }, None),
        }
    }

    /// Checks a bundle and keeps it.
    pub fn take(&self, bytes: &[u8], today: Date) -> Result<(), TakeError> {
        let keys: Vec<PublicKey> = self.key().into_iter().collect();
        let new = bundle::read(bytes, &keys, Kind::Overlay)?;
        new.manifest.admit(new.digest, today, 0, self.mark(&keys).as_ref())?;
        overlay_in(&new)?;
        replace_named(&self.folder, FILE, bytes, "agent-own-before-rename")?;
        replace_named(&self.folder, MARK, format!("{}\n", new.mark()).as_bytes(), "agent-own-before-mark")?;
        Ok(())
    }

    /// The highest version taken so far under the key that is trusted now.
    fn mark(&self, keys: &[PublicKey]) -> Option<Mark> {
        let written = small(&self.folder, MARK).and_then(|text| text.parse().ok());
        let stored = self.stored();
        let stored =
            stored.as_deref().and_then(|bytes| Some(bundle::read(bytes, keys, Kind::Overlay).ok()?.mark()));
        let trusted = |mark: &Mark| keys.iter().any(|key| key.id() == mark.key);
        [written, stored].into_iter().flatten().filter(trusted).max_by_key(|mark| mark.number)
    }

    fn stored(&self) -> Option<Vec<u8>> {
        read(open_named(&self.folder, FILE)?).ok()
    }
}

/// Why a bundle is not taken. What is to be done about another key is not what is to be done with catalogues.
pub fn refusal(error: &TakeError) -> String {
    match error {
        TakeError::Refused(error) => words(error),
        TakeError::Io(_) => error.to_string(),
    }
}

fn words(error: &bundle::Error) -> String {
    match error {
        bundle::Error::UnknownKey { key } => format!(
            "they are signed by key {key}, which is not trusted here: if the collector has a new key, enrol this machine again \
             (`enrol --force`), or set `own_rules_key` of [catalogue]"
        ),
        error => error.to_string(),
    }
}

fn small(folder: &Path, name: &str) -> Option<String> {
    let mut text = String::new();
    open_named(folder, name)?.take(SMALL_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

fn standing_of(bundle: &Bundle<'_>, left_out: &[Problem]) -> OwnStanding {
    OwnStanding {
        number: Some(bundle.manifest.number),
        published: bundle.manifest.date.to_string(),
        key: Some(bundle.key.to_string()),
        left_out: left_out.len(),
        left_out_words: left_out.iter().take(TOLD).map(ToString::to_string).collect(),
        set_aside: None,
    }
}

/// What of it can be read: a newer collector may have written words that this version does not know.
fn overlay_in(bundle: &Bundle<'_>) -> Result<Overlay, bundle::Error> {
    let text = bundle.part(PART).ok_or_else(|| bundle::Error::OtherLayout {
        found: bundle.manifest.parts.iter().map(|part| part.name.clone()).collect(),
        wanted: PART.to_owned(),
    })??;
    Ok(Overlay::parse(PART, &String::from_utf8_lossy(&text)).0)
}

fn overlay_of(file: File, keys: &[String]) -> Result<(Overlay, u32), String> {
    let keys: Vec<PublicKey> = keys.iter().filter_map(|key| key.parse().ok()).collect();
    let bytes = read(file).map_err(|error| format!("the own rules cannot be read: {error}"))?;
    let good = bundle::read(&bytes, &keys, Kind::Overlay).map_err(|error| error.to_string())?;
    Ok((overlay_in(&good).map_err(|error| error.to_string())?, good.manifest.number))
}

/// A file that was handed over, and the keys that may have signed it.
pub type Handed = (File, Vec<String>);

/// The catalogue and the own rules that a process was handed.
#[derive(Debug, Default)]
pub struct Sources {
    /// A catalogue in the place of the program's own.
    pub catalogue: Option<Handed>,
    /// Own rules over it.
    pub own: Option<Handed>,
}

impl Sources {
    /// Whether nothing was handed over: then the program's own catalogue is all.
    pub fn is_empty(&self) -> bool {
        self.catalogue.is_none() && self.own.is_none()
    }

    /// A matcher of both. What cannot be used is told and left aside: never less than the program's own catalogue.
    /// `doing` stands in the log.
    pub fn matcher(&mut self, doing: &str) -> Matcher {
        self.matcher_told(doing).0
    }

    /// The same, and the parts of the own rules that do not hold.
    pub fn matcher_told(&mut self, doing: &str) -> (Matcher, Vec<Problem>) {
        let own = again(&self.own).and_then(|(file, keys)| {
            overlay_of(file, &keys).map_err(|why| tracing::warn!("the own rules are not used: {why}")).ok()
        });
        let catalogue = again(&self.catalogue);
        let Some((overlay, number)) = own else { return (base_matcher(catalogue, doing), Vec::new()) };
        let compiled = catalogue.and_then(|(file, keys)| {
            compiled_of(file, &keys).map_err(|why| tracing::warn!("the catalogue is not used: {why}")).ok()
        });
        match &compiled {
            Some((_, version)) => {
                tracing::info!(
                    version,
                    number,
                    "{doing} with another catalogue than the program's own, and own rules"
                );
            }
            None => tracing::info!(number, "{doing} with own rules over the program's own catalogue"),
        }
        compiled
            .and_then(|(bytes, _)| Matcher::from_compiled_with(&bytes, &overlay))
            .unwrap_or_else(|| Matcher::embedded_with(&overlay))
    }
}

/// The same file from its beginning.
fn again(handed: &Option<Handed>) -> Option<Handed> {
    let (file, keys) = handed.as_ref()?;
    let mut file = file.try_clone().ok()?;
    file.rewind().ok()?;
    Some((file, keys.clone()))
}

/// A catalogue with the own rules over it: for people's questions, not for matching.
pub fn composed(catalogue: Catalogue, own: Option<&(Overlay, u32)>) -> Catalogue {
    match own {
        Some((overlay, number)) => catalogue.with_overlay(overlay, *number).catalogue,
        None => catalogue,
    }
}

#[cfg(test)]
mod tests;
