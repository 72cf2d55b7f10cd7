//! The notice to those whose machines carry a sensor.

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use umbrascope_api::{Channel, Reidentification};

use crate::model::{Access, Deed};
use crate::retention::{Retention, Times};

/// The settings that concern people, as they are in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How long things are kept, and the smallest group that is told of by its number.
    pub times: Times,
    /// Why something is kept for ever, where it is.
    pub for_ever_because: Option<String>,
    /// Since when suspects are collected, Unix milliseconds.
    pub suspects_since_ms: Option<i64>,
    /// Since when sealed names of accounts are kept, and what they are sealed to.
    pub sealed_names: Option<Reidentification>,
}

/// What of people's doings somebody may read here.
const READING: [Deed; 5] =
    [Deed::ReadInventory, Deed::ReadMachines, Deed::ReadFindings, Deed::ReadPersons, Deed::Reidentify];

impl Notice {
    /// The notice of settings.
    pub fn of(retention: &Retention, suspects_since_ms: Option<i64>) -> Self {
        let (times, for_ever_because) = (retention.times, retention.reason.clone());
        Self { times, for_ever_because, suspects_since_ms, sealed_names: None }
    }

    /// With names of accounts, sealed and kept.
    #[must_use]
    pub fn with_names(self, sealed_names: Option<Reidentification>) -> Self {
        Self { sealed_names, ..self }
    }

    /// What is collected: the word of each channel, and what it is in words.
    pub fn collected(&self) -> Vec<(&'static str, &'static str)> {
        Channel::KNOWN.iter().filter_map(|channel| Some((channel.as_str(), words(channel)?))).collect()
    }

    /// Who may read: what it is, and the roles.
    pub fn readers(&self) -> Vec<(&'static str, String)> {
        READING
            .into_iter()
            .map(|deed| {
                let roles =
                    deed.roles(if deed == Deed::ReadPersons { Access::Propose } else { Access::Read });
                (deed.words(), roles)
            })
            .collect()
    }

    /// How long things are kept: what, and the time in words.
    pub fn kept(&self) -> Vec<(&'static str, String)> {
        let time = |days| match days {
            0 => "for ever".to_owned(),
            days => format!("{days} days"),
        };
        self.times.lines().into_iter().map(|(what, days)| (what, time(days))).collect()
    }

    /// All of it as plain text, one setting a line. [`Self::hash`] is of this.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |what: &str, value: &str| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{what}: {value}");
        };
        for (channel, words) in self.collected() {
            line(&format!("collected by {channel}"), words);
        }
        let since = self.suspects_since_ms.map_or_else(|| "no".to_owned(), |ms| format!("since {ms}"));
        line("suspects collected", &since);
        let names = self.sealed_names;
        let names =
            names.map_or_else(|| "no".to_owned(), |on| format!("since {}, to {}", on.since_ms, on.key));
        line("sealed names of accounts kept", &names);
        for (what, time) in self.kept() {
            line(what, &time);
        }
        // A reason is one line here, however it was typed.
        let reason = self.for_ever_because.as_deref().unwrap_or("-").split_whitespace();
        line("kept for ever because", &reason.collect::<Vec<_>>().join(" "));
        line("smallest number told", &self.times.least_count.to_string());
        for (what, roles) in self.readers() {
            line(&format!("may {what}"), &roles);
        }
        text
    }

    /// SHA-256 of the text, in hexadecimal: two notices with the same one say the same.
    pub fn hash(&self) -> String {
        HEXLOWER.encode(digest(&SHA256, self.text().as_bytes()).as_ref())
    }
}

fn words(channel: &Channel) -> Option<&'static str> {
    Some(match channel {
        Channel::Dns => "the name of an AI service that was looked up, the day, how often, the program",
        Channel::Tls | Channel::Quic => {
            "the name of an AI service that was connected to, the day, how often, the program"
        }
        Channel::Http => {
            "the host of an AI service that was asked without encryption, never the address of a page"
        }
        Channel::Package => "installed packages that are AI software, with their version",
        Channel::App => "installed programs that are AI software, with their version",
        Channel::Extension => "extensions of browsers and editors that are AI software",
        Channel::Policy => "AI extensions that the organisation orders its browsers to install",
        Channel::McpConfig => {
            "names of MCP servers that assistants are set up with, and names of settings, never values"
        }
        Channel::Manifest => "AI libraries that the files of a project name, never the code",
        Channel::ModelFile => "names and sizes of models kept on the machine",
        Channel::Runtime => "programs on the machine that answer with a model",
        Channel::Container => "containers and images that are AI software",
        Channel::Process => "running programs that are AI software",
        Channel::Account => "of the account that an AI tool is signed in with: the domain alone",
        Channel::Environment => {
            "names of variables that hold a key to an AI service, as the files that set them have it, never the key"
        }
        Channel::Log => "lines of logs that the organisation imports, by the same rules",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_is_told_of() {
        let notice = Notice::of(&Retention::default(), None);
        assert_eq!(notice.collected().len(), Channel::KNOWN.len());
    }

    fn sealed(key: u8) -> Reidentification {
        Reidentification { since_ms: 7, key: umbrascope_api::PrivacyKey::from_bytes([key; 32]) }
    }

    #[test]
    fn whatever_is_set_otherwise_changes_text_and_hash() {
        let base = Retention::default();
        let with = |change: fn(&mut Retention)| {
            let mut other = base.clone();
            change(&mut other);
            Notice::of(&other, None)
        };
        let notices = [
            Notice::of(&base, None),
            Notice::of(&base, Some(7)),
            Notice::of(&base, None).with_names(Some(sealed(1))),
            Notice::of(&base, None).with_names(Some(sealed(2))),
            with(|other| other.times.pseudonym_days = 30),
            with(|other| other.times.day_days = 200),
            with(|other| other.times.reading_days = 200),
            with(|other| other.times.trail_days = 0),
            with(|other| other.times.least_count = 7),
            with(|other| other.reason = Some("the works agreement".to_owned())),
        ];
        let hashes: std::collections::BTreeSet<String> = notices.iter().map(Notice::hash).collect();
        assert_eq!(hashes.len(), notices.len());
        let texts: std::collections::BTreeSet<String> = notices.iter().map(Notice::text).collect();
        assert_eq!(texts.len(), notices.len());
    }

    #[test]
    fn what_was_asked_for_changes_nothing_yet() {
        let asked = crate::retention::Asked {
            by: 1,
            at_ms: 7,
            times: Times { day_days: 30, ..Times::default() },
            reason: "x".to_owned(),
        };
        let other = Retention { asked: Some(asked), ..Retention::default() };
        assert_eq!(Notice::of(&other, None), Notice::of(&Retention::default(), None));
    }
}
