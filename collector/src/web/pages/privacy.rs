//! Privacy: how long records are kept, the notice to those whose machines carry a sensor, and the pack for who assesses it.

use askama::Template;

use super::{Frame, filters};
use crate::model::{Access, Deed, Role};
use crate::privacy::{CANNOT, Notice, Pack};
use crate::retention::{LEAST_COUNTS, Times};

/// Times that somebody asks for.
#[derive(Debug)]
pub(crate) struct AskedView {
    /// Sign-in name of who asks.
    pub(crate) by: String,
    /// Whether it is the reader.
    pub(crate) own: bool,
    /// When, Unix milliseconds.
    pub(crate) at_ms: i64,
    /// The notice as it would be.
    pub(crate) notice: Notice,
    /// Why.
    pub(crate) reason: String,
}

/// A run of the deletion that found something to delete.
#[derive(Debug)]
pub(crate) struct SweepView {
    /// When, Unix milliseconds.
    pub(crate) at_ms: i64,
    /// Number of its entry in the trail.
    pub(crate) seq: u64,
    /// What was deleted, and how many; empty where the entry's payload is itself gone.
    pub(crate) deleted: Vec<(&'static str, u64)>,
}

/// A step on the way to other times.
#[derive(Debug)]
pub(crate) struct StepView {
    /// When, Unix milliseconds.
    pub(crate) at_ms: i64,
    /// Sign-in name of who took it.
    pub(crate) who: String,
    /// In words.
    pub(crate) what: &'static str,
    /// The guard that refused it.
    pub(crate) refused: Option<String>,
    /// Why, in the person's words.
    pub(crate) reason: String,
}

/// The form, as it was sent or as things stand.
#[derive(Debug)]
pub(crate) struct TimesForm {
    /// Name, label and value of each number.
    pub(crate) numbers: Vec<(&'static str, &'static str, String)>,
    /// Why.
    pub(crate) reason: String,
}

impl TimesForm {
    /// What is in force.
    pub(crate) fn of(times: &Times) -> Self {
        let names = ["pseudonym_days", "day_days", "reading_days", "trail_days"];
        let numbers =
            names.into_iter().zip(times.lines()).map(|(name, (label, days))| (name, label, days.to_string()));
        Self { numbers: numbers.collect(), reason: String::new() }
    }
}

/// How long records are kept, and who decides it.
#[derive(Debug, Template)]
#[template(path = "privacy.html")]
pub(crate) struct PrivacyPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What is in force.
    pub(crate) notice: Notice,
    /// What somebody asks for.
    pub(crate) asked: Option<AskedView>,
    /// Why what was just asked for is not done.
    pub(crate) problem: Option<String>,
    /// The form.
    pub(crate) form: TimesForm,
    /// Who decided what, newest first.
    pub(crate) steps: Vec<StepView>,
    /// What was deleted, newest first.
    pub(crate) sweeps: Vec<SweepView>,
    /// Machines known.
    pub(crate) machines: u64,
    /// The smallest number of them that is told to the reader.
    pub(crate) least: u64,
}

impl PrivacyPage {
    fn may_ask(&self) -> bool {
        self.frame.grants.access(Deed::SetRetention, &[]) >= Access::Propose
    }

    fn may_approve(&self) -> bool {
        self.frame.grants.access(Deed::SetRetention, &[]) >= Access::Write
    }

    fn may_assess(&self) -> bool {
        crate::web::may_assess(&self.frame.grants)
    }

    /// Machines below which hiding small numbers hides nobody; `None` where there are enough.
    fn too_few(&self) -> Option<u64> {
        let enough = 10 * u64::from(self.notice.times.least_count);
        (self.machines < enough).then_some(enough)
    }

    fn least(&self) -> u32 {
        *LEAST_COUNTS.start()
    }

    fn most(&self) -> u32 {
        *LEAST_COUNTS.end()
    }
}

/// What the people concerned are to be told.
#[derive(Debug, Template)]
#[template(path = "notice.html")]
pub(crate) struct NoticePage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The settings in force.
    pub(crate) notice: Notice,
}

/// The pack for an assessment of data protection and a works agreement.
#[derive(Debug, Template)]
#[template(path = "privacy_dpia.html")]
pub(crate) struct PackPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The pack.
    pub(crate) pack: Pack,
}

impl PackPage {
    fn roles(&self) -> [&'static str; 8] {
        Role::ALL.map(Role::as_str)
    }

    fn cannot(&self) -> &'static [&'static str] {
        &CANNOT
    }
}
