//! What an owner answers for.

use std::collections::BTreeMap;

use askama::Template;
use umbrascope_api::Day;

use super::{Frame, filters};
use crate::model::campaign::{CampaignMode, OpenRow, RowStep, RowView};
use crate::model::record::{AiSystem, DataCategory, Input, named, shown};
use crate::web::language::{say, t};
use crate::web::list::Pager;

/// Fields that an owner corrects on this page. The rest of the record is for the page of the record.
pub(crate) const AMEND_ON_PAGE: [&str; 9] = [
    "purpose",
    "intended_use",
    "foreseeable_misuse",
    "input_data",
    "decision_impact",
    "human_oversight",
    "environment",
    "deployed_on",
    "data_categories",
];

/// Fewer machines than this are not told by their number.
const TOLD_FROM: u64 = 5;

/// What was typed for a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Typed {
    /// The answer chosen, by its word.
    pub(crate) answer: String,
    /// The comment or reason.
    pub(crate) comment: String,
    /// Who is to have it.
    pub(crate) to: String,
    /// The day of its end.
    pub(crate) retired_on: String,
    /// What shows that.
    pub(crate) evidence: String,
    /// Fields, by name.
    pub(crate) fields: BTreeMap<String, Vec<String>>,
}

/// A row of the page.
#[derive(Debug)]
pub(crate) struct AttestRow {
    /// Its number on the page, from 0.
    pub(crate) number: usize,
    /// The row.
    pub(crate) open: OpenRow,
    /// What was typed before, if anything was.
    pub(crate) typed: Option<Typed>,
    /// Why what was sent is not taken.
    pub(crate) problem: Option<String>,
}

/// A field to correct.
#[derive(Debug)]
pub(crate) struct AmendField {
    /// Its name.
    pub(crate) name: &'static str,
    /// What people read.
    pub(crate) label: &'static str,
    /// `line`, `text`, `day`, `choice` or `choices`.
    pub(crate) input: &'static str,
    /// What is in it.
    pub(crate) values: Vec<String>,
    /// Words and labels to choose from.
    pub(crate) choices: Vec<(&'static str, &'static str)>,
}

impl AmendField {
    /// The text of a field with one.
    pub(crate) fn value(&self) -> &str {
        self.values.first().map_or("", String::as_str)
    }

    /// Whether a word is chosen.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.values.iter().any(|value| value == word)
    }
}

impl AttestRow {
    fn body(&self) -> &AiSystem {
        &self.open.system.held.body
    }

    /// The answer that is chosen.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.typed.as_ref().map_or("", |typed| typed.answer.as_str()) == word
    }

    /// What was typed, or nothing.
    pub(crate) fn typed(&self) -> Typed {
        self.typed.clone().unwrap_or_default()
    }

    /// Whether the whole record is shown: by the campaign's mode, or because this owner never confirmed it.
    pub(crate) fn whole(&self) -> bool {
        self.open.campaign.mode == CampaignMode::Whole || self.open.confirmed_at_ms.is_none()
    }

    /// How far silence went, in words to the owner.
    pub(crate) fn step(&self) -> Option<&'static str> {
        match self.open.held.body.step {
            RowStep::None => None,
            RowStep::Reminded => Some("reminder"),
            RowStep::Escalated => Some(t("your manager was told")),
            RowStep::Reported => Some(t("reported as unanswered")),
        }
    }

    /// What the record says, by label. What is not said is said to be so.
    pub(crate) fn facts(&self) -> Vec<(&'static str, String)> {
        let body = self.body();
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| t("not stated").to_owned());
        let list = |words: Vec<&str>| match words.is_empty() {
            true => t("not stated").to_owned(),
            false => words.join(", "),
        };
        let day = |day: Option<Day>| day.map_or_else(|| t("not stated").to_owned(), |day| day.to_string());
        let data = body.data_categories.iter().map(|one: &DataCategory| t(one.label())).collect();
        let mut decision = t(body.effective_sanction(self.today()).label()).to_owned();
        if let Some(conditions) = &body.conditions {
            decision = say!("{0}; conditions: {1}", decision, conditions);
        }
        if !body.limited_to_units.is_empty() {
            decision = format!("{decision}; not in all of its units");
        }
        if !body.limited_to_versions.is_empty() {
            decision = format!("{decision}; not in all versions");
        }
        vec![
            (t("Kind"), t(body.kind.label()).to_owned()),
            (t("Purpose"), text(&body.purpose)),
            (t("Intended use"), text(&body.intended_use)),
            (t("Foreseeable misuse"), text(&body.foreseeable_misuse)),
            (t("Units"), list(self.open.units.iter().map(String::as_str).collect())),
            (t("Data"), list(data)),
            (t("Effect on decisions"), t(body.decision_impact.label()).to_owned()),
            (t("Human oversight"), t(body.human_oversight.label()).to_owned()),
            (t("Where it works"), t(body.environment.label()).to_owned()),
            (t("Risk tier"), t(body.risk_tier.label()).to_owned()),
            (t("Risk owner"), self.open.risk_owner.clone().unwrap_or_else(|| "nobody".to_owned())),
            (t("Decision"), decision),
            (t("Scope"), t(body.scope.label()).to_owned()),
            (t("Stage"), t(body.stage.label()).to_owned()),
            (t("In use since"), day(body.deployed_on)),
        ]
    }

    fn today(&self) -> Day {
        // The row was opened by the clock of this collector; a decision that ran out since is reopened anyway.
        Day::from_unix_ms(self.open.held.at_ms)
    }

    /// What sensors show, in brief.
    pub(crate) fn evidence(&self) -> String {
        let body = self.body();
        let mut parts = vec![t(body.observed.label()).to_owned()];
        if let Some((first, last)) = self.open.system.seen.days {
            parts.push(say!("first seen {0}, last seen {1}", first, last));
        }
        for product in &self.open.system.products {
            let on = match product.assets {
                0 => t("on no machine").to_owned(),
                few if few < TOLD_FROM => say!("on fewer than {0} machines", TOLD_FROM),
                many => say!("on {0} machines", many),
            };
            parts.push(say!("{0} {1}", product.name, on));
        }
        if !self.open.system.seen.flags.is_empty() {
            let flags: Vec<&str> = self.open.system.seen.flags.iter().map(String::as_str).collect();
            parts.push(say!("flagged: {0}", flags.join(", ")));
        }
        parts.join("; ")
    }

    /// The fields that can be corrected here, with what was typed or else what the record says.
    pub(crate) fn fields(&self) -> Vec<AmendField> {
        let typed = self.typed.as_ref().filter(|typed| typed.answer == "amend");
        AMEND_ON_PAGE
            .iter()
            .filter_map(|name| named(name))
            .map(|field| {
                let (input, choices) = match field.input {
                    Input::Choice(choices) => ("choice", choices()),
                    Input::Choices(choices) => ("choices", choices()),
                    Input::Text | Input::Lines => ("text", Vec::new()),
                    Input::Day => ("day", Vec::new()),
                    _ => ("line", Vec::new()),
                };
                let values = match typed {
                    Some(typed) => typed.fields.get(field.name).cloned().unwrap_or_default(),
                    None => shown(self.body(), field),
                };
                AmendField { name: field.name, label: t(field.label), input, values, choices }
            })
            .collect()
    }
}

/// Everything that waits for the reader.
#[derive(Debug, Template)]
#[template(path = "attest.html")]
pub(crate) struct AttestPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What was just taken.
    pub(crate) taken: u64,
    /// Why nothing at all was taken.
    pub(crate) problem: Option<String>,
    /// The rows.
    pub(crate) rows: Vec<AttestRow>,
    /// Number of this page, from 1.
    pub(crate) page: u64,
    /// Rows of people who answer to the reader, that they left unanswered.
    pub(crate) escalated: Vec<RowView>,
    /// The foot.
    pub(crate) pager: Pager,
}

impl AttestPage {
    /// How many rows were refused.
    pub(crate) fn refused(&self) -> u64 {
        u64::try_from(self.rows.iter().filter(|row| row.problem.is_some()).count()).unwrap_or(0)
    }
}
