//! Findings, and one of them.

use askama::Template;

use super::{DocumentsView, Frame, People, TaskForm, filters};
use crate::model::finding::{DueDays, FindingRow, WorkCounts};
use crate::model::governed::TrailRow;
use crate::web::list::{Pager, Select};

/// The list.
#[derive(Debug, Template)]
#[template(path = "findings.html")]
pub(crate) struct FindingsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Numbers at the head.
    pub(crate) counts: WorkCounts,
    /// Filters.
    pub(crate) selects: Vec<Select>,
    /// Whether anything but the open ones is asked for.
    pub(crate) filtered: bool,
    /// The findings.
    pub(crate) rows: Vec<FindingRow>,
    /// The foot.
    pub(crate) pager: Pager,
    /// Who can be assigned.
    pub(crate) people: People,
    /// Whether the reader may assign.
    pub(crate) triages: bool,
    /// What came of a change of several: references and what kept each.
    pub(crate) left: Vec<(String, String)>,
    /// Days within which they are to be answered.
    pub(crate) due_days: DueDays,
    /// Whether the reader may set them.
    pub(crate) sets_days: bool,
}

/// One finding.
#[derive(Debug, Template)]
#[template(path = "finding.html")]
pub(crate) struct FindingPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The finding.
    pub(crate) row: FindingRow,
    /// Names of its units.
    pub(crate) units: Vec<String>,
    /// Whether the reader may do all of it.
    pub(crate) triages: bool,
    /// Whether the reader may begin and close it.
    pub(crate) works: bool,
    /// Who can be assigned.
    pub(crate) people: People,
    /// Tasks that hang on it.
    pub(crate) tasks: TaskForm,
    /// Documents that hang on it.
    pub(crate) documents: DocumentsView,
    /// What was done with it, the newest first.
    pub(crate) history: Vec<TrailRow>,
}

impl FindingPage {
    /// To whom it is assigned, as the field takes them.
    pub(crate) fn assigned(&self) -> &str {
        self.people.field(self.row.held.body.assignee)
    }
}
