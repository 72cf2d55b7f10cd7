//! People: the directory, and of it those who sign in.

use serde::{Deserialize, Serialize};

use super::governed::{Act, Actor, Governed};
use super::{Access, AssetId, Deed, Grant, Grants, Role, may};
use crate::people::administers;

/// Somebody who signs in, without their secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserRow {
    /// Number of the person in this collector.
    pub id: i64,
    /// Sign-in name, unique, lower case.
    pub name: String,
    /// The name that people know them by.
    pub display_name: String,
    /// What the person may do; a role for a unit stands for each unit below it too.
    pub grants: Grants,
    /// Whether a password is set; without one only a one-time link signs in.
    pub has_password: bool,
    /// Whether a second factor is set up.
    pub has_totp: bool,
    /// Unix time in milliseconds.
    pub created_at_ms: i64,
    /// Unix time in milliseconds of the last sign-in.
    pub last_sign_in_at_ms: Option<i64>,
    /// Sign-in links by which one person let another one in.
    #[serde(skip)]
    pub let_in: LetIn,
    /// The role that was taken last in an emergency; it is not among `grants`, and may be over.
    #[serde(skip)]
    pub emergency: Option<EmergencyRole>,
}

/// A role that was taken in an emergency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmergencyRole {
    /// Number of the emergency.
    pub number: i64,
    /// The role, for the whole organisation.
    pub role: Role,
    /// Until when, Unix milliseconds.
    pub until_ms: i64,
}

impl UserRow {
    /// The person as they are signed in: with the role of an emergency while it lasts, as long as they administer the whole organisation.
    #[must_use]
    pub fn signed_in(mut self, now_ms: i64) -> Self {
        self.emergency = self.emergency.filter(|taken| now_ms < taken.until_ms && administers(&self.grants));
        if let Some(taken) = &self.emergency {
            self.grants.0.push(Grant { role: taken.role, unit: None });
            self.grants.0.sort_unstable();
        }
        self
    }

    /// Whether a sign-in link of this maker lets the person in with nothing of their own: it is somebody else's, and takes no second factor.
    pub fn is_let_in(&self, made_by: Option<i64>) -> bool {
        made_by.is_some_and(|maker| maker != self.id) && !self.has_totp
    }
}

/// Sign-in links by which one person let another one in, as far as they concern somebody. A link of the command line and one that took
/// a second factor besides are not among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetIn {
    /// When such a link of somebody else's was used last for this person, Unix milliseconds.
    pub last_ms: Option<i64>,
    /// Whom this person let in, by number, and when, Unix milliseconds.
    pub others: Vec<(i64, i64)>,
}

/// A person of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonRow {
    /// Number of the person in this collector.
    pub id: i64,
    /// Sign-in name, unique, lower case.
    pub name: String,
    /// What else is known of them.
    #[serde(flatten)]
    pub details: PersonDetails,
    /// Name of the unit, where there is one.
    pub unit_name: Option<String>,
    /// Name of the manager, where there is one.
    pub manager_name: Option<String>,
    /// Made up, so that the product can be tried.
    pub demonstration: bool,
    /// What the person may do, as it was granted.
    pub grants: Grants,
    /// Whether a password is set.
    pub has_password: bool,
    /// Whether a second factor is set up.
    pub has_totp: bool,
    /// Unix time in milliseconds.
    pub created_at_ms: i64,
    /// Unix time in milliseconds of the last sign-in.
    pub last_sign_in_at_ms: Option<i64>,
}

/// What a directory says of a person, and what is changed by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonDetails {
    /// The name that people know them by, at most [`PersonDetails::MAX_CHARS`] characters.
    pub display_name: String,
    /// Where to write to.
    pub email: Option<String>,
    /// Number of the unit.
    pub unit: Option<i64>,
    /// Number of the person who answers where this one does not.
    pub manager: Option<i64>,
    /// The key of the directory that the person came from.
    pub external_id: Option<String>,
    /// Whether they are still there. Who is not cannot sign in or own anything new.
    pub active: bool,
}

impl PersonDetails {
    /// Longest text of a field, in characters.
    pub const MAX_CHARS: usize = 200;
}

/// Which people to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonFilter {
    /// Words that must stand in the names or the address, any case.
    pub search: String,
    /// Of this unit only.
    pub unit: Option<i64>,
    /// Who may sign in only: those who hold a role or have a password.
    pub signs_in: bool,
    /// Who left too.
    pub inactive: bool,
    /// Of these units only: what the reader's roles are limited to.
    pub within: Option<Vec<i64>>,
}

/// Who changes something, when, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Number of the person; `None`: a command on the collector's own machine.
    pub person: Option<i64>,
    /// Their name, or what the command line knows of them.
    pub name: String,
    /// Why, where it was asked for.
    pub reason: String,
    /// Unix time in milliseconds.
    pub at_ms: i64,
}

impl By {
    /// As the audit trail has it, in the role of these that lets them do it.
    pub fn act(&self, grants: &Grants, deed: Deed) -> Act {
        let actor = self.person.map_or(Actor::Console, Actor::Person);
        let able = grants.0.iter().map(|grant| grant.role).filter(|role| may(*role, deed) > Access::Read);
        Act { role: able.min(), ..Act::by(actor, self.at_ms).because(self.reason.as_str()) }
    }
}

/// A person as the audit trail tells of them: without what lets them in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRecord {
    /// Number of the person.
    pub id: i64,
    /// Sign-in name.
    pub name: String,
    /// What else is known of them.
    #[serde(flatten)]
    pub details: PersonDetails,
    /// Made up, so that the product can be tried.
    pub demonstration: bool,
    /// What they may do.
    pub grants: Grants,
}

impl From<&PersonRow> for PersonRecord {
    fn from(row: &PersonRow) -> Self {
        Self {
            id: row.id,
            name: row.name.clone(),
            details: row.details.clone(),
            demonstration: row.demonstration,
            grants: row.grants.clone(),
        }
    }
}

impl Governed for PersonRecord {
    const KIND: &'static str = "person";

    fn id(&self) -> String {
        self.id.to_string()
    }
}

/// A change of what a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantChange {
    /// One role more.
    Grant(Grant),
    /// One role less.
    Revoke(Grant),
}

/// A second factor as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotpRow {
    /// The secret, sealed.
    pub sealed: String,
    /// Whether a code of it was given back: before that it does not count.
    pub confirmed: bool,
    /// The newest time step that a code was taken of.
    pub last_step: i64,
}

/// Who looked at what is close to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// Who looked: their name.
    pub reader: String,
    /// At what.
    pub what: Looked,
    /// Its host name as last reported; empty where it is gone, and for an export.
    pub hostname: String,
}

/// What is close to a person and was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Looked {
    /// The page of one machine.
    Asset(AssetId),
    /// Every machine, taken away as a file.
    Export,
}
