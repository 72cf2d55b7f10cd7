//! What keeps a move from being made.

use std::fmt;

use serde::Serialize;

/// A condition that every move of its kind has to meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Guard {
    /// The role permits it.
    #[serde(rename = "G-ROLE")]
    Role,
    /// The role is held for every unit of the record.
    #[serde(rename = "G-ACL")]
    Acl,
    /// Nobody changed the record since it was read.
    #[serde(rename = "G-VERSION")]
    Version,
    /// The axis can be moved so from where it stands.
    #[serde(rename = "G-STATE")]
    State,
    /// Every field that the new state needs is set, and holds what it may.
    #[serde(rename = "G-FIELDS")]
    Fields,
    /// The owner is an active person of the directory.
    #[serde(rename = "G-OWNER-ACTIVE")]
    OwnerActive,
    /// There is a reason.
    #[serde(rename = "G-REASON")]
    Reason,
    /// Two people, not one in two roles.
    #[serde(rename = "G-4EYES")]
    FourEyes,
    /// A policy is in force.
    #[serde(rename = "G-POLICY")]
    Policy,
    /// The impact assessment that is demanded counts.
    #[serde(rename = "G-AIIA")]
    Aiia,
    /// The last day lies ahead, and not too far.
    #[serde(rename = "G-EXPIRY")]
    Expiry,
    /// The justification has at least 20 characters.
    #[serde(rename = "G-JUSTIFY")]
    Justify,
    /// The version of the scope is not being signed or signed.
    #[serde(rename = "G-FROZEN")]
    Frozen,
    /// What it points to is there, and leads to no circle.
    #[serde(rename = "G-TARGET")]
    Target,
    /// It is shown that nothing is left.
    #[serde(rename = "G-DISPOSAL")]
    Disposal,
    /// It is shown, not claimed.
    #[serde(rename = "G-EVIDENCE")]
    Evidence,
    /// The person signed in again a moment ago.
    #[serde(rename = "G-FRESH")]
    Fresh,
}

impl Guard {
    /// Its id, as it stands in the trail and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Role => "G-ROLE",
            Self::Acl => "G-ACL",
            Self::Version => "G-VERSION",
            Self::State => "G-STATE",
            Self::Fields => "G-FIELDS",
            Self::OwnerActive => "G-OWNER-ACTIVE",
            Self::Reason => "G-REASON",
            Self::FourEyes => "G-4EYES",
            Self::Policy => "G-POLICY",
            Self::Aiia => "G-AIIA",
            Self::Expiry => "G-EXPIRY",
            Self::Justify => "G-JUSTIFY",
            Self::Frozen => "G-FROZEN",
            Self::Target => "G-TARGET",
            Self::Disposal => "G-DISPOSAL",
            Self::Evidence => "G-EVIDENCE",
            Self::Fresh => "G-FRESH",
        }
    }
}

/// A move that was not made, and what it would have taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Which guard said no.
    pub guard: Guard,
    /// Names of the fields that are missing or wrong.
    pub missing: Vec<String>,
    /// What people read: what is wrong, and what to do.
    pub says: String,
}

impl Refused {
    /// A refusal without fields.
    pub fn new(guard: Guard, says: impl Into<String>) -> Self {
        Self { guard, missing: Vec::new(), says: says.into() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.says, self.guard.as_str())
    }
}

impl std::error::Error for Refused {}
