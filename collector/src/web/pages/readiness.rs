//! Readiness, controls and indicators.

use std::sync::Arc;

use askama::Template;
use umbrascope_api::Day;

use super::{DocumentsView, Frame, People, TaskForm, filters};
use crate::legal::{Checked, Dates};
use crate::model::governed::TrailRow;
use crate::readiness::{
    Aim, Answer, Applicability, Assessed, Control, Kept, Level, Maturity, Measured, Standing, Target, Verdict,
};
use crate::web::language::t;

/// Every requirement.
#[derive(Debug, Template)]
#[template(path = "readiness.html")]
pub(crate) struct ReadinessPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// How many stand how.
    pub(crate) counts: [(&'static str, usize); 4],
    /// How far each clause group is.
    pub(crate) maturity: Vec<Maturity>,
    /// Filters.
    pub(crate) selects: Vec<crate::web::list::Select>,
    /// Whether anything is filtered.
    pub(crate) filtered: bool,
    /// What all of it rests on.
    pub(crate) coverage: Vec<(&'static str, String)>,
    /// The rows, gaps first.
    pub(crate) rows: Vec<RequirementRow>,
    /// Day of the knowledge that the list rests on.
    pub(crate) as_of: Day,
}

/// A requirement on the list.
#[derive(Debug)]
pub(crate) struct RequirementRow {
    /// What there is to show.
    pub(crate) assessed: Assessed,
    /// Who answers for it.
    pub(crate) answer: Answer,
    /// Their name.
    pub(crate) owner: Option<String>,
}

/// Style class of a standing.
pub(crate) fn standing_class(standing: &Standing) -> &'static str {
    match standing {
        Standing::Gap => "bad",
        Standing::Partly => "warn",
        Standing::Shown => "good",
        Standing::NotOurs => "",
    }
}

/// Style class of a level.
pub(crate) fn level_class(level: &Level) -> &'static str {
    match level {
        Level::Nothing => "bad",
        Level::Begun | Level::UnderWay => "warn",
        Level::Covered | Level::Shown => "good",
    }
}

/// One requirement.
#[derive(Debug, Template)]
#[template(path = "requirement.html")]
pub(crate) struct RequirementPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What there is to show.
    pub(crate) assessed: Assessed,
    /// Who answers for it, and what they say.
    pub(crate) answer: Answer,
    /// Their name.
    pub(crate) owner: Option<String>,
    /// Who can be named.
    pub(crate) people: People,
    /// Whether the reader may say who.
    pub(crate) may_answer: bool,
    /// Documents attached to it.
    pub(crate) documents: DocumentsView,
    /// Tasks for it.
    pub(crate) tasks: TaskForm,
    /// What was said of it, the newest first.
    pub(crate) history: Vec<TrailRow>,
}

/// The controls of Annex A.
#[derive(Debug, Template)]
#[template(path = "controls.html")]
pub(crate) struct ControlsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Of how many it was said whether they apply.
    pub(crate) judged: usize,
    /// The controls.
    pub(crate) rows: Vec<ControlRow>,
    /// Whether the reader may say so.
    pub(crate) may_judge: bool,
}

/// A control on the list.
#[derive(Debug)]
pub(crate) struct ControlRow {
    /// The control.
    pub(crate) control: Control,
    /// What was said of it.
    pub(crate) judged: Option<Applicability>,
}

/// Dates of laws and rules.
#[derive(Debug, Template)]
#[template(path = "legal_dates.html")]
pub(crate) struct LegalDatesPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The list.
    pub(crate) list: Arc<Dates>,
}

impl LegalDatesPage {
    /// Style class of how far a date was checked.
    pub(crate) fn class(&self, checked: &Checked) -> &'static str {
        match checked {
            Checked::Primary => "good",
            Checked::Partly | Checked::Secondary => "",
            Checked::Unchecked => "warn",
        }
    }
}

/// Indicators.
#[derive(Debug, Template)]
#[template(path = "indicators.html")]
pub(crate) struct IndicatorsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The past day that they are of; `None`: now.
    pub(crate) as_of: Option<Day>,
    /// As they are then, with the target of that time.
    pub(crate) rows: Vec<(Measured, Option<Target>)>,
    /// As they were kept, the newest month first.
    pub(crate) kept: Vec<Kept>,
}

impl IndicatorsPage {
    /// A target in words, how the figure stands to it, and the class of that.
    fn target(
        &self,
        row: &Measured,
        target: &Option<Target>,
    ) -> Option<(String, &'static str, &'static str)> {
        let verdict = row.against(target.as_ref());
        Some((target.as_ref()?.words()?, t(verdict.label()), verdict_class(&verdict)))
    }
}

/// Style class of how a figure stands to its target.
pub(crate) fn verdict_class(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "good",
        Verdict::Missed => "bad",
        Verdict::NoTarget | Verdict::NoFigure => "",
    }
}

/// One indicator and its target.
#[derive(Debug, Template)]
#[template(path = "target.html")]
pub(crate) struct TargetPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// As it is now.
    pub(crate) measured: Measured,
    /// How that stands to the target.
    pub(crate) verdict: Verdict,
    /// The target in words; `None`: none is set.
    pub(crate) words: Option<String>,
    /// Name of who answers for it.
    pub(crate) owner: Option<String>,
    /// Why that much.
    pub(crate) reason: Option<String>,
    /// As it was kept, the newest month first.
    pub(crate) kept: Vec<Kept>,
    /// Whether the reader may set one.
    pub(crate) may_set: bool,
    /// Version of the target; 0: none was ever set.
    pub(crate) version: u64,
    /// The form.
    pub(crate) form: TargetForm,
    /// Who can be named.
    pub(crate) people: People,
    /// What was done with it, the newest first.
    pub(crate) history: Vec<TrailRow>,
}

/// A target as it was typed, or as it stands.
#[derive(Debug)]
pub(crate) struct TargetForm {
    /// Percent or number.
    pub(crate) value: String,
    /// Who answers for it.
    pub(crate) owner: String,
    /// Why.
    pub(crate) reason: String,
    /// Why it was not kept.
    pub(crate) problem: Option<String>,
}

impl TargetPage {
    /// Style class of the verdict.
    fn class(&self) -> &'static str {
        verdict_class(&self.verdict)
    }

    /// What the form asks for.
    fn asks(&self) -> &'static str {
        match self.measured.indicator.aim {
            Aim::ShareAtLeast => t("At least, in percent"),
            Aim::ShareAtMost => t("At most, in percent"),
            Aim::DaysAtMost => t("At most, in days"),
            Aim::AtMost | Aim::PartAtMost => t("At most"),
        }
    }
}
