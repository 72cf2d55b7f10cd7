//! A person who signs in.

use serde::Serialize;

/// What a person may do. Each role adds to the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads every page.
    Viewer,
    /// Also makes tokens, revokes sensors and manages people.
    Administrator,
}

impl Role {
    /// The word for it in SQL, JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Administrator => "administrator",
        }
    }
}

/// A person's account, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserRow {
    /// Number of the account in this collector.
    pub id: i64,
    /// Sign-in name, unique, lower case.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Whether a password is set; without one only a one-time link signs in.
    pub has_password: bool,
    /// Unix time in milliseconds.
    pub created_at_ms: i64,
    /// Unix time in milliseconds of the last sign-in.
    pub last_sign_in_at_ms: Option<i64>,
}
