//! Records that wait, one after the other, each with its evidence and with what can be done.

use askama::Template;
use umbrascope_api::{Day, RiskFlag};
use umbrascope_rules::ProductKind;

use super::record::{Axis, Missing, Offers, RequestView};
use super::{Frame, QueueTab, filters};
use crate::model::{EvidenceRow, Question};
use crate::web::list::Pager;

/// A record in the list beside.
#[derive(Debug)]
pub(crate) struct TriageRow {
    /// Where it is looked at.
    pub(crate) href: String,
    /// Its reference.
    pub(crate) reference: String,
    /// Its name.
    pub(crate) name: String,
    /// What it is: kind, and since when it is seen.
    pub(crate) kind: &'static str,
    /// First day of a sighting.
    pub(crate) first_seen: Option<Day>,
    /// Whether it is the one that is looked at.
    pub(crate) open: bool,
}

/// A product of the record that is looked at.
#[derive(Debug)]
pub(crate) struct TriageProduct {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Its vendor.
    pub(crate) vendor: String,
    /// Its kind, where the catalogue knows it.
    pub(crate) kind: Option<ProductKind>,
    /// What it is, in the catalogue's words.
    pub(crate) description: String,
    /// The strongest pieces of evidence.
    pub(crate) evidence: Vec<EvidenceRow>,
    /// How many there are.
    pub(crate) all_evidence: u64,
    /// Assets that showed it.
    pub(crate) assets: u64,
    /// Id of its vendor in the catalogue.
    pub(crate) vendor_id: Option<String>,
    /// What sources say of its vendor: the questions that they answer.
    pub(crate) answers: Vec<Question>,
}

/// The record that is looked at.
#[derive(Debug)]
pub(crate) struct TriageView {
    /// Its reference.
    pub(crate) reference: String,
    /// Its name.
    pub(crate) name: String,
    /// Where it stands: review, decision, scope.
    pub(crate) axes: Vec<Axis>,
    /// What it waits for.
    pub(crate) waits: String,
    /// What somebody asks for.
    pub(crate) request: Option<RequestView>,
    /// Its products.
    pub(crate) products: Vec<TriageProduct>,
    /// Risk flags seen.
    pub(crate) flags: Vec<RiskFlag>,
    /// Units in which it is seen.
    pub(crate) units: Vec<String>,
    /// First and last day of a sighting.
    pub(crate) days: Option<(Day, Day)>,
    /// What is seen that the decision does not rest on.
    pub(crate) beyond: Vec<String>,
    /// Its owner's name.
    pub(crate) owner: Option<String>,
    /// What a sanction takes and is missing.
    pub(crate) missing: Vec<Missing>,
    /// What the reader may do.
    pub(crate) offers: Offers,
    /// The one before and the one after.
    pub(crate) around: (Option<String>, Option<String>),
    /// Its place in the queue, from 1.
    pub(crate) place: u64,
}

/// A step that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undo {
    /// The record's reference.
    pub(crate) reference: String,
    /// Word of the move that takes it back.
    pub(crate) word: &'static str,
    /// The version that was made by the step: nobody else's work is undone.
    pub(crate) version: u64,
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "triage.html")]
pub(crate) struct TriagePage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The queues.
    pub(crate) tabs: Vec<QueueTab>,
    /// Word of the open one.
    pub(crate) word: &'static str,
    /// Records that wait.
    pub(crate) rows: Vec<TriageRow>,
    /// The one that is looked at.
    pub(crate) at: Option<TriageView>,
    /// The foot of the list.
    pub(crate) pager: Pager,
    /// What can be taken back, and where that leads.
    pub(crate) undo: Option<Undo>,
    /// The smallest number that is told to the reader.
    pub(crate) least: u64,
    /// The address of this page, to come back to.
    pub(crate) here: String,
}
