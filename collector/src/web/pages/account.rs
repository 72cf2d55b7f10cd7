//! One's own account, and signing in again.

use askama::Template;

use super::{BareFrame, Frame, filters};
use crate::model::{ApiTokenRow, UserRow};

/// One's own account.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage<'a> {
    /// The frame.
    pub(crate) frame: Frame,
    /// Who.
    pub(crate) user: &'a UserRow,
    /// What they may do, a role a line.
    pub(crate) grants: Vec<String>,
    /// Recovery codes that are left.
    pub(crate) codes: u64,
    /// Whether a role of theirs takes a second factor.
    pub(crate) demanded: bool,
    /// Why they are nobody's second person now; `None`: they can be.
    pub(crate) let_in: Option<String>,
}

/// Setting a second factor up.
#[derive(Template)]
#[template(path = "second_factor.html")]
pub(crate) struct SecondFactorPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The secret, to be typed into an app.
    pub(crate) secret: String,
    /// The same as an address that apps open.
    pub(crate) uri: String,
    /// Whether nothing else can be done before.
    pub(crate) demanded: bool,
    /// What went wrong the last time.
    pub(crate) problem: Option<&'static str>,
}

/// Recovery codes, shown once.
#[derive(Template)]
#[template(path = "recovery_codes.html")]
pub(crate) struct RecoveryPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The codes.
    pub(crate) codes: Vec<String>,
    /// Whether the second factor was just set up.
    pub(crate) first: bool,
}

/// Tokens of programs, and the form for another.
#[derive(Debug, Template)]
#[template(path = "api_tokens.html")]
pub(crate) struct ApiTokensPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Number of the reader.
    pub(crate) me: i64,
    /// Whether the reader revokes tokens of others.
    pub(crate) may_revoke: bool,
    /// Whether these are everybody's.
    pub(crate) everybodys: bool,
    /// Scopes to choose from.
    pub(crate) scopes: [&'static str; 6],
    /// Days that a token can be good for.
    pub(crate) days: [i64; 4],
    /// The rows.
    pub(crate) rows: Vec<ApiTokenRow>,
    /// What was wrong with the last one.
    pub(crate) problem: Option<&'static str>,
}

impl ApiTokensPage {
    /// Whether it can be used.
    pub(crate) fn usable(&self, row: &ApiTokenRow) -> bool {
        row.usable(self.frame.now_ms)
    }

    /// Whether the reader can revoke it.
    pub(crate) fn revocable(&self, row: &ApiTokenRow) -> bool {
        self.usable(row) && (self.may_revoke || row.person == self.me)
    }
}

/// A token, shown once.
#[derive(Template)]
#[template(path = "api_token_made.html")]
pub(crate) struct ApiTokenMadePage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What it is.
    pub(crate) row: ApiTokenRow,
    /// The token.
    pub(crate) text: String,
}

/// Signing in again.
#[derive(Debug, Template)]
#[template(path = "confirm.html")]
pub(crate) struct ConfirmPage {
    /// The frame.
    pub(crate) frame: BareFrame,
    /// Token of the form.
    pub(crate) csrf: String,
    /// Who.
    pub(crate) user: String,
    /// Whether there is a password to give.
    pub(crate) has_password: bool,
    /// Whether a code is asked for.
    pub(crate) has_totp: bool,
    /// For how long it counts.
    pub(crate) minutes: i64,
    /// Where to go afterwards.
    pub(crate) next: String,
    /// What went wrong the last time.
    pub(crate) problem: Option<&'static str>,
}
