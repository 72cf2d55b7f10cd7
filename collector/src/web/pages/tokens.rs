//! Enrolment tokens.

use askama::Template;

use super::{Frame, filters};
use crate::model::{TokenRow, UnitRow};
use crate::web::language::key;

/// What the form for a new token holds, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenForm {
    /// What the token is for.
    pub(crate) label: String,
    /// Unit of its machines.
    pub(crate) unit: String,
    /// How many machines, as typed.
    pub(crate) max_uses: String,
    /// Days until it ends.
    pub(crate) days: u32,
    /// What is wrong with the label.
    pub(crate) label_problem: Option<&'static str>,
    /// What is wrong with the unit.
    pub(crate) unit_problem: Option<&'static str>,
    /// What is wrong with the number of machines.
    pub(crate) uses_problem: Option<&'static str>,
}

impl TokenForm {
    /// Most machines that one token enrols.
    pub(crate) const MAX_USES: u32 = 100_000;
    /// Longest label and name of a unit, in characters.
    pub(crate) const MAX_CHARS: usize = 100;
    const SPANS: &'static [(u32, &'static str)] = &[
        (1, key("1 day")),
        (7, key("7 days")),
        (30, key("30 days")),
        (90, key("90 days")),
        (365, key("1 year")),
    ];

    /// The times to choose from.
    pub(crate) fn spans(&self) -> &'static [(u32, &'static str)] {
        Self::SPANS
    }

    /// Whether that many days can be chosen.
    pub(crate) fn offers(days: u32) -> bool {
        Self::SPANS.iter().any(|(span, _)| *span == days)
    }
}

/// One machine, seven days: the least that is useful.
impl Default for TokenForm {
    fn default() -> Self {
        Self {
            label: String::new(),
            unit: String::new(),
            max_uses: "1".to_owned(),
            days: 7,
            label_problem: None,
            unit_problem: None,
            uses_problem: None,
        }
    }
}

/// The tokens, and the form for another.
#[derive(Debug, Template)]
#[template(path = "tokens.html")]
pub(crate) struct TokensPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The form.
    pub(crate) form: TokenForm,
    /// Units to offer.
    pub(crate) units: Vec<UnitRow>,
    /// The tokens, newest first.
    pub(crate) rows: Vec<TokenRow>,
}

/// A token just made: the only page that shows its secret.
#[derive(Template)]
#[template(path = "token_made.html")]
pub(crate) struct TokenMadePage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The secret.
    pub(crate) secret: String,
    /// The command that enrols a machine with it.
    pub(crate) command: String,
    /// Its unit.
    pub(crate) unit: String,
    /// How many machines.
    pub(crate) max_uses: u64,
    /// When it ends, Unix time in milliseconds.
    pub(crate) expires_at_ms: i64,
}
