//! Management reviews.

use askama::Template;

use super::{Frame, People, filters};
use crate::management::{ManagementReview, Pack, Subject};
use crate::model::governed::TrailRow;

/// What the next review has before it, and the reviews that were held.
#[derive(Debug, Template)]
#[template(path = "management_reviews.html")]
pub(crate) struct ManagementReviewsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What it has before it.
    pub(crate) pack: Pack,
    /// The reviews, the newest first.
    pub(crate) rows: Vec<ManagementReview>,
    /// Whether the reader may record one.
    pub(crate) may_record: bool,
    /// The form.
    pub(crate) form: ReviewForm,
}

/// A review as it was typed.
#[derive(Debug, Default)]
pub(crate) struct ReviewForm {
    /// The day on which it was held.
    pub(crate) held_on: String,
    /// Who took part.
    pub(crate) present: String,
    /// What it concluded.
    pub(crate) conclusion: String,
    /// Why it was not kept.
    pub(crate) problem: Option<String>,
}

/// One review.
#[derive(Debug, Template)]
#[template(path = "management_review.html")]
pub(crate) struct ManagementReviewPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The review.
    pub(crate) review: ManagementReview,
    /// Its version.
    pub(crate) version: u64,
    /// People who are named, and who can be.
    pub(crate) people: People,
    /// What was done with it, the newest first.
    pub(crate) history: Vec<TrailRow>,
    /// Whether the reader may add a decision.
    pub(crate) may_record: bool,
    /// The form.
    pub(crate) form: DecisionForm,
}

impl ManagementReviewPage {
    /// What it had before it, by the name that the part of the page has.
    fn pack(&self) -> &Pack {
        &self.review.pack
    }
}

/// A decision as it was typed.
#[derive(Debug, Default)]
pub(crate) struct DecisionForm {
    /// What it is about.
    pub(crate) subject: Subject,
    /// In words.
    pub(crate) says: String,
    /// Who does it.
    pub(crate) assignee: String,
    /// The day by which it is to be done.
    pub(crate) due: String,
    /// Why it was not kept.
    pub(crate) problem: Option<String>,
}
