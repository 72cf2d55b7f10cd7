//! Signing in, and setting a password.

use askama::Template;

use super::{BareFrame, filters};

/// Name and password.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage {
    /// The frame.
    pub(crate) frame: BareFrame,
    /// Token of the form.
    pub(crate) csrf: String,
    /// Where to go afterwards.
    pub(crate) next: String,
    /// The name as typed.
    pub(crate) name: String,
    /// What went wrong the last time.
    pub(crate) problem: Option<&'static str>,
}

/// The one button behind a one-time link. Opening the page does not use the link up, so that a
/// program that looks ahead does not burn it.
#[derive(Template)]
#[template(path = "sign_in_link.html")]
pub(crate) struct LinkPage {
    /// The frame.
    pub(crate) frame: BareFrame,
    /// Token of the form.
    pub(crate) csrf: String,
    /// The link itself.
    pub(crate) action: String,
    /// Why it did not sign in; then a code is asked for.
    pub(crate) problem: Option<&'static str>,
}

/// A password to come back with.
#[derive(Debug, Template)]
#[template(path = "password.html")]
pub(crate) struct PasswordPage {
    /// The frame.
    pub(crate) frame: BareFrame,
    /// Token of the form.
    pub(crate) csrf: String,
    /// Who.
    pub(crate) user: String,
    /// Whether there is one already.
    pub(crate) has_password: bool,
    /// Shortest password, in characters.
    pub(crate) min_chars: usize,
    /// What was wrong with the last one.
    pub(crate) problem: Option<&'static str>,
}
