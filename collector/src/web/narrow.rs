//! What narrows the list of AI systems, as its address has it.

use serde::Deserialize;

use super::error::WebError;
use super::list::{Choice, Select};
use super::url::Address;
use crate::model::record::{Observed, ReviewState, Sanction, Scope, Stage, SystemKind, Tier};
use crate::model::{SystemFilter, UnitRow};
use crate::web::language::{key, t};

/// Asks for what is neither decided nor dismissed.
const PENDING: (&str, &str) = ("pending", key("Waiting"));
/// Asks for what the reader owns.
const MINE: (&str, &str) = ("mine", key("Mine"));

/// Words of an address that narrow the list. An empty one lets everything through.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SystemQuery {
    pub(crate) review: String,
    pub(crate) sanction: String,
    pub(crate) scope: String,
    pub(crate) tier: String,
    pub(crate) stage: String,
    pub(crate) observed: String,
    /// `mine`, or a person's number.
    pub(crate) owner: String,
    /// `yes` or `no`.
    pub(crate) requested: String,
    /// A unit's number.
    pub(crate) unit: String,
}

impl SystemQuery {
    /// The filter of a reader; a word that is no choice is told of.
    pub(crate) fn filter(&self, search: String, kind: &str, reader: i64) -> Result<SystemFilter, WebError> {
        let pending = self.review == PENDING.0;
        let review = if pending { "" } else { self.review.as_str() };
        let number = |text: &str| text.parse::<i64>().ok();
        Ok(SystemFilter {
            search,
            kind: word("kind", kind, SystemKind::parse)?,
            review: word("review", review, ReviewState::parse)?,
            pending,
            sanction: word("sanction", &self.sanction, Sanction::parse)?,
            scope: word("scope", &self.scope, Scope::parse)?,
            tier: word("tier", &self.tier, Tier::parse)?,
            stage: word("stage", &self.stage, Stage::parse)?,
            observed: word("observed", &self.observed, Observed::parse)?,
            owner: word(
                "owner",
                &self.owner,
                |text| if text == MINE.0 { Some(reader) } else { number(text) },
            )?,
            requested: word("requested", &self.requested, |text| match text {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            })?,
            unit: word("unit", &self.unit, number)?,
            ..SystemFilter::default()
        })
    }

    /// An address with these words.
    pub(crate) fn onto(&self, address: &Address) -> Address {
        address
            .with("review", self.review.as_str())
            .with("sanction", self.sanction.as_str())
            .with("scope", self.scope.as_str())
            .with("tier", self.tier.as_str())
            .with("stage", self.stage.as_str())
            .with("observed", self.observed.as_str())
            .with("owner", self.owner.as_str())
            .with("requested", self.requested.as_str())
            .with("unit", self.unit.as_str())
    }

    /// The same as a form.
    pub(crate) fn selects(&self, kind: &str, units: &[UnitRow]) -> Vec<Select> {
        let review = std::iter::once(PENDING).chain(ReviewState::choices()).collect();
        let mut selects = vec![
            select("review", t("Review"), t("any state"), review, &self.review),
            select("sanction", t("Decision"), t("any decision"), Sanction::choices(), &self.sanction),
            select("scope", t("Scope"), t("any scope"), Scope::choices(), &self.scope),
            select("tier", t("Risk tier"), t("any tier"), Tier::choices(), &self.tier),
            select("observed", t("Observed"), t("seen or not"), Observed::choices(), &self.observed),
            select("stage", t("Stage"), t("any stage"), Stage::choices(), &self.stage),
            select(
                "requested",
                t("Asked for"),
                t("or not"),
                vec![("yes", t("Something")), ("no", t("Nothing"))],
                &self.requested,
            ),
            select("owner", t("Owner"), "anybody", vec![MINE], &self.owner),
            select("kind", t("Kind"), t("every kind"), SystemKind::choices(), kind),
        ];
        if !units.is_empty() {
            selects.push(Select::units(units, self.unit.parse().ok()));
        }
        selects
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
        label: t(label).to_owned(),
        chosen: value == chosen,
    });
    Select { name, label, all, options: options.collect() }
}
