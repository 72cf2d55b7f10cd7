//! Emergency access.

use askama::Template;

use super::{Frame, filters};
use crate::emergency::{MOST_HOURS, ROLES, WEEK_HOURS};
use crate::review::JUSTIFICATION_CHARS;
use crate::web::list::Pager;

/// An emergency as the list shows it.
#[derive(Debug)]
pub(crate) struct EmergencyView {
    /// Its reference.
    pub(crate) id: String,
    /// Who.
    pub(crate) who: String,
    /// The role that was taken.
    pub(crate) role: &'static str,
    /// Why.
    pub(crate) reason: String,
    /// From when on, Unix milliseconds.
    pub(crate) from_ms: i64,
    /// Until when, Unix milliseconds.
    pub(crate) end_ms: i64,
    /// Who ended it before its time.
    pub(crate) ended_by: Option<String>,
    /// Whether it lasts.
    pub(crate) on: bool,
    /// Who of those to whom it is reported has seen it, and when.
    pub(crate) seen: Vec<(String, i64)>,
    /// What was done in the role, and how often.
    pub(crate) acts: Vec<(String, u64)>,
}

/// What was typed to take a role.
#[derive(Debug, Default)]
pub(crate) struct TakeForm {
    /// The role.
    pub(crate) role: String,
    /// For how many hours.
    pub(crate) hours: String,
    /// Why.
    pub(crate) reason: String,
}

/// `/emergency`.
#[derive(Debug, Template)]
#[template(path = "emergency.html")]
pub(crate) struct EmergencyPage {
    pub(crate) frame: Frame,
    /// What was wrong.
    pub(crate) problem: Option<String>,
    /// What was typed.
    pub(crate) form: TakeForm,
    /// Whether the reader may take a role.
    pub(crate) administers: bool,
    /// Whether the reader signed in again a moment ago, without which none is taken.
    pub(crate) fresh: bool,
    /// Whether the reader can say to have seen them.
    pub(crate) sees: bool,
    /// The emergencies.
    pub(crate) rows: Vec<EmergencyView>,
    /// The pages of the list.
    pub(crate) pager: Pager,
}
