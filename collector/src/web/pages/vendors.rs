//! Vendors in use, and the dossier of one.

use askama::Template;
use umbrascope_api::Day;

use super::{DocumentsView, Frame, TaskForm, filters};
use crate::model::VendorFacts;
use crate::model::record::{Assessment, AssessmentState};
use crate::model::supplier::VendorUse;
use crate::web::language::t;
use crate::web::list::Pager;

/// A vendor on the list.
#[derive(Debug)]
pub(crate) struct VendorLine {
    /// What the fleet has of it.
    pub(crate) used: VendorUse,
    /// How many questions some source answers, of how many; `None`: the catalogue does not know it.
    pub(crate) answered: Option<(usize, usize)>,
}

impl VendorLine {
    /// The last day that the organisation's own assessment counts.
    pub(crate) fn expires(&self) -> Option<Day> {
        self.used.assessment.as_ref().and_then(|held| held.body.assessment.expires)
    }
}

/// The list.
#[derive(Debug, Template)]
#[template(path = "vendors.html")]
pub(crate) struct VendorsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The vendors.
    pub(crate) rows: Vec<VendorLine>,
    /// The foot.
    pub(crate) pager: Pager,
}

impl VendorsPage {
    /// How far the organisation's own assessment is, and the style of it.
    pub(crate) fn standing(&self, line: &VendorLine) -> (&'static str, &'static str) {
        standing(&self.frame, line.used.assessment.as_ref().map(|held| &held.body.assessment))
    }
}

/// The dossier of one vendor.
#[derive(Debug, Template)]
#[template(path = "vendor_dossier.html")]
pub(crate) struct DossierPage {
    /// The smallest number of assets that is told to the reader.
    pub(crate) least: u64,
    /// The frame.
    pub(crate) frame: Frame,
    /// Its id in the catalogue.
    pub(crate) id: String,
    /// What sources say; `None`: the catalogue does not know it.
    pub(crate) facts: Option<VendorFacts>,
    /// What the fleet has of it.
    pub(crate) used: VendorUse,
    /// Questions that no source answers.
    pub(crate) open: Vec<&'static str>,
    /// Whether the reader may assess it.
    pub(crate) assesses: bool,
    /// Name of who recorded the assessment.
    pub(crate) recorded_by: Option<String>,
    /// Tasks that hang on it.
    pub(crate) tasks: TaskForm,
    /// Documents that hang on it.
    pub(crate) documents: DocumentsView,
}

impl DossierPage {
    /// The organisation's own assessment.
    pub(crate) fn assessment(&self) -> Assessment {
        self.used.assessment.as_ref().map(|held| held.body.assessment.clone()).unwrap_or_default()
    }

    /// What it came to.
    pub(crate) fn result(&self) -> &str {
        self.used.assessment.as_ref().and_then(|held| held.body.result.as_deref()).unwrap_or_default()
    }

    /// How far it is, and the style of it.
    pub(crate) fn standing(&self) -> (&'static str, &'static str) {
        standing(&self.frame, self.used.assessment.as_ref().map(|held| &held.body.assessment))
    }

    /// States, for the form.
    pub(crate) fn states(&self) -> Vec<(&'static str, &'static str)> {
        AssessmentState::choices()
    }
}

fn standing(frame: &Frame, assessment: Option<&Assessment>) -> (&'static str, &'static str) {
    let Some(assessment) = assessment else { return (t("none"), "warn") };
    match assessment.state {
        AssessmentState::Done if assessment.is_valid(frame.today) => (t("done"), "good"),
        AssessmentState::Done | AssessmentState::Expired => (t("expired"), "bad"),
        AssessmentState::NotNeeded => (t("not needed"), "good"),
        AssessmentState::Planned => (t("planned"), "run"),
        AssessmentState::None => (t("none"), "warn"),
    }
}
