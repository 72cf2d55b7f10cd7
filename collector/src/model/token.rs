//! An enrolment token, as people see it. The secret itself is shown once and never stored.

use std::fmt;

use serde::Serialize;

/// Public part of a token, 16 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct TokenId(pub String);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What `token create` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Unit that its assets will belong to.
    pub unit: String,
    /// What it is for, in the creator's words.
    pub label: String,
    /// How many machines may enrol with it, at least 1.
    pub max_uses: u32,
    /// Unix time in milliseconds after which it is refused.
    pub expires_at_ms: i64,
    /// Who made it.
    pub created_by: String,
}

/// Whether a token can still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenState {
    /// It enrols machines.
    Active,
    /// Every use is used.
    Used,
    /// Its time is over.
    Expired,
    /// Somebody revoked it.
    Revoked,
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenRow {
    /// Public part.
    pub id: TokenId,
    /// Unit that its assets belong to.
    pub unit: String,
    /// What it is for.
    pub label: String,
    /// Who made it.
    pub created_by: String,
    /// Unix time in milliseconds.
    pub created_at_ms: i64,
    /// Unix time in milliseconds.
    pub expires_at_ms: i64,
    /// How many machines may enrol with it.
    pub max_uses: u32,
    /// How many have.
    pub uses: u32,
    /// Unix time in milliseconds of the last use.
    pub last_used_at_ms: Option<i64>,
    /// Host name of the machine that used it last.
    pub last_host: Option<String>,
    /// Whether it can still be used.
    pub state: TokenState,
}
