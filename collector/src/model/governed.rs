//! Records that people answer for. Every change of one is an entry of the audit trail, written in the same transaction: who, in which
//! role, why, what was there before and what after.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::role::Role;

/// A kind of record that is changed through the trail only. Its body is what serde makes of it: one JSON object, whose fields are what
/// changes are told of by.
pub trait Governed: Serialize + DeserializeOwned + Clone + Send + 'static {
    /// The word for its kind, in the trail and in SQL.
    const KIND: &'static str;

    /// Its id, unique in its kind and never reused.
    fn id(&self) -> String;
}

/// Who changes something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person, by number.
    Person(i64),
    /// A program, with a token of a person.
    Token {
        /// Public part of the token.
        token: String,
        /// Number of its owner.
        person: i64,
    },
    /// Whoever may run the program on the collector's machine.
    Console,
    /// The collector itself, by the name of the job.
    Job(&'static str),
}

impl Actor {
    /// What stands in the trail: no name, so that a trail can be handed on.
    pub fn as_text(&self) -> String {
        match self {
            Self::Person(person) => format!("person:{person}"),
            Self::Token { token, person } => format!("person:{person} token:{token}"),
            Self::Console => "console".to_owned(),
            Self::Job(name) => format!("job:{name}"),
        }
    }

    /// Number of the person who answers for it; `None`: nobody in particular.
    pub fn person(&self) -> Option<i64> {
        match self {
            Self::Person(person) | Self::Token { person, .. } => Some(*person),
            Self::Console | Self::Job(_) => None,
        }
    }

    /// Number of the person in a text of the trail.
    pub fn person_in(text: &str) -> Option<i64> {
        text.strip_prefix("person:")?.split(' ').next()?.parse().ok()
    }
}

/// The circumstances of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Who.
    pub actor: Actor,
    /// In which role; `None`: in none, or in the part of an owner.
    pub role: Option<Role>,
    /// Why, in the actor's words.
    pub reason: String,
    /// Unix milliseconds.
    pub now_ms: i64,
    /// What the changes of one bulk have in common.
    pub batch: Option<String>,
    /// Version of the policy that was in force.
    pub policy: Option<String>,
    /// Version of the record that the actor saw; another one is refused. `None`: whatever is there.
    pub version: Option<u64>,
}

impl Act {
    /// A change by a job of the collector.
    pub fn job(name: &'static str, now_ms: i64) -> Self {
        Self::by(Actor::Job(name), now_ms)
    }

    /// A change without more to say.
    pub fn by(actor: Actor, now_ms: i64) -> Self {
        Self { actor, role: None, reason: String::new(), now_ms, batch: None, policy: None, version: None }
    }

    /// With a reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// In a role.
    #[must_use]
    pub fn as_role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// On a version of the record.
    #[must_use]
    pub fn on(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }
}

/// A record as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Held<T> {
    /// The record.
    pub body: T,
    /// From 1, one more with every change.
    pub version: u64,
    /// Hash of this version, in hexadecimal.
    pub hash: String,
    /// Sequence number of the entry that made it.
    pub seq: u64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// When each field was last set, and by whom.
    pub stamps: BTreeMap<String, Stamp>,
}

/// The last setting of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Sequence number of the entry.
    pub seq: u64,
    /// Who, as in the trail.
    pub by: String,
    /// When, Unix milliseconds.
    pub at_ms: i64,
}

/// An entry of the trail as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrailRow {
    /// Its number, from 0.
    pub seq: u64,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Who, as in the trail.
    pub actor: String,
    /// In which role; `-`: in none.
    pub role: String,
    /// What.
    pub action: String,
    /// Kind of the record.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// `done`, or `refused:` and the guard.
    pub outcome: String,
    /// Why; `None`: erased.
    pub reason: Option<String>,
    /// What was set, as JSON by field; `None`: erased.
    pub set: Option<BTreeMap<String, serde_json::Value>>,
    /// Version of the policy that was in force.
    pub policy: Option<String>,
    /// What it has in common with others of one bulk.
    pub batch: Option<String>,
    /// Leaf hash of the entry, in hexadecimal.
    pub leaf: String,
}

/// An entry of the trail with the texts that its hashes are over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrailEntry {
    /// The entry as people read it.
    #[serde(flatten)]
    pub row: TrailRow,
    /// Canonical JSON of the entry: its leaf is the hash of 0x00 and this.
    pub entry: String,
    /// Canonical JSON of what was said and set; `None`: erased.
    pub payload: Option<String>,
}

/// How much of the trail somebody reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TrailReach {
    /// All of it.
    #[default]
    Whole,
    /// What is about collection and re-identification, and what is a person's own doing.
    Part {
        /// Whether that is read which is about collection and re-identification (see [`COLLECTION`]).
        collection: bool,
        /// Whose own doing is read; `None`: nobody's.
        own: Option<i64>,
    },
}

/// What of the trail is about collection: the kind of the record, and its id where not all of the kind are. What agents gather and by which
/// rules, how long it is kept, who is told whose an account is, and
/// who took a role in an emergency.
pub const COLLECTION: [(&str, Option<&str>); 7] = [
    ("setting", Some("suspects")),
    ("own-rules", None),
    ("retention", None),
    ("reidentification-setting", None),
    ("reidentification", None),
    ("erasure", None),
    ("emergency", None),
];

/// Which entries of the trail to list. Empty fields let everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailFilter {
    /// How much of it the reader reads at all.
    pub reach: TrailReach,
    /// Of records of this kind.
    pub kind: Option<String>,
    /// Of the record with this id.
    pub id: Option<String>,
    /// By this person.
    pub person: Option<i64>,
    /// Refusals only, or changes only.
    pub refused: Option<bool>,
    /// At this time or later, Unix milliseconds.
    pub from_ms: Option<i64>,
    /// Before this time, Unix milliseconds.
    pub before_ms: Option<i64>,
}

impl Governed for super::record::AiSystem {
    const KIND: &'static str = "system";

    fn id(&self) -> String {
        self.id.clone()
    }
}
