//! What narrows the list of AI systems, as its address has it.

use serde::Deserialize;

use super::error::WebError;
use super::list::{Choice, Select};
use crate::model::SystemFilter;
use crate::model::record::{ReviewState, Sanction, Scope, SystemKind, Tier};

/// Asks for what is neither decided nor dismissed.
const PENDING: (&str, &str) = ("pending", "Waiting");

/// Words of an address that narrow the list. An empty one lets everything through.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SystemQuery {
    pub(crate) review: String,
    pub(crate) sanction: String,
    pub(crate) scope: String,
    pub(crate) tier: String,
}

impl SystemQuery {
    /// The filter; a word that is no choice is told of.
    pub(crate) fn filter(&self, search: String, kind: &str) -> Result<SystemFilter, WebError> {
        let pending = self.review == PENDING.0;
        let review = if pending { "" } else { self.review.as_str() };
        Ok(SystemFilter {
            search,
            kind: word("kind", kind, SystemKind::parse)?,
            review: word("review", review, ReviewState::parse)?,
            pending,
            sanction: word("sanction", &self.sanction, Sanction::parse)?,
            scope: word("scope", &self.scope, Scope::parse)?,
            tier: word("tier", &self.tier, Tier::parse)?,
            ..SystemFilter::default()
        })
    }

    /// The same as a form.
    pub(crate) fn selects(&self, kind: &str) -> Vec<Select> {
        let review = std::iter::once(PENDING).chain(ReviewState::choices()).collect();
        vec![
            select("review", "Review", "any state", review, &self.review),
            select("sanction", "Decision", "any decision", Sanction::choices(), &self.sanction),
            select("scope", "Scope", "any scope", Scope::choices(), &self.scope),
            select("tier", "Risk tier", "any tier", Tier::choices(), &self.tier),
            select("kind", "Kind", "every kind", SystemKind::choices(), kind),
        ]
    }
}

/// The choice of an address; `None` where nothing is asked for.
pub(crate) fn word<T>(
    name: &'static str,
    word: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, WebError> {
    match word {
        "" => Ok(None),
        word => parse(word).map(Some).ok_or_else(|| WebError::unknown_choice(name, word)),
    }
}

/// A list to choose from.
pub(crate) fn select(
    name: &'static str,
    label: &'static str,
    all: &'static str,
    choices: Vec<(&'static str, &'static str)>,
    chosen: &str,
) -> Select {
    let options = choices.into_iter().map(|(value, label)| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        chosen: value == chosen,
    });
    Select { name, label, all, options: options.collect() }
}
