//! What the pages of findings, tasks, records and vendors share: documents, tasks, and people to choose from.

use crate::model::document::{DocumentKind, DocumentRow};
use crate::model::task::{LinkKind, Purpose, TaskRow};
use crate::web::language::{key, say};

/// People to choose from, and the names of some.
#[derive(Debug, Clone, Default)]
pub(crate) struct People {
    /// Whom a field offers, as it takes them back.
    pub(crate) offered: Vec<String>,
    /// People by number: as a field takes them, and by the name that people know.
    pub(crate) known: Vec<(i64, String, String)>,
}

impl People {
    /// The name of one.
    pub(crate) fn name(&self, person: &i64) -> String {
        let found = self.known.iter().find(|(number, ..)| number == person);
        found.map_or_else(|| say!("person {0}", person), |(.., name)| name.clone())
    }

    /// What stands in a field where it is one of them.
    pub(crate) fn field(&self, person: Option<i64>) -> &str {
        let found = person.and_then(|person| self.known.iter().find(|(number, ..)| *number == person));
        found.map_or("", |(_, words, _)| words)
    }
}

/// What the steps on a finding or a task are called. The template is `steps.html`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepWords {
    /// Asks for the evidence.
    pub(crate) evidence: &'static str,
    /// The step that ends it, and its button.
    pub(crate) end: (&'static str, &'static str),
    /// The step that drops it, and its button.
    pub(crate) drop: (&'static str, &'static str),
    /// Asks why it is open again.
    pub(crate) reopen: &'static str,
}

impl StepWords {
    /// Of a finding.
    pub(crate) const FINDING: Self = Self {
        evidence: key("What shows that it is answered"),
        end: ("close", key("Close")),
        drop: ("dismiss", key("Dismiss: it is no question")),
        reopen: key("Why it is open again"),
    };
    /// Of a task.
    pub(crate) const TASK: Self = Self {
        evidence: key("What shows that it is done"),
        end: ("finish", key("It is done")),
        drop: ("drop", key("Drop it")),
        reopen: key("Why it is to be done after all"),
    };
}

/// The documents that hang on something, and a form for one more. The template is `documents.html`.
#[derive(Debug, Clone)]
pub(crate) struct DocumentsView {
    /// What they hang on.
    pub(crate) kind: LinkKind,
    /// Its reference or id.
    pub(crate) id: String,
    /// The page that they stand on, to come back to.
    pub(crate) back: String,
    /// The documents, the newest first, superseded ones too.
    pub(crate) rows: Vec<DocumentRow>,
    /// How many there are.
    pub(crate) total: u64,
    /// Whether the reader may attach one.
    pub(crate) may_attach: bool,
}

impl DocumentsView {
    /// Sorts of document, for the form.
    pub(crate) fn kinds(&self) -> Vec<(&'static str, &'static str)> {
        DocumentKind::choices()
    }

    /// How many are not listed.
    pub(crate) fn more(&self) -> u64 {
        self.total.saturating_sub(self.rows.len() as u64)
    }
}

/// The tasks that hang on something, and a form for one more. The template is `task_form.html`.
#[derive(Debug, Clone)]
pub(crate) struct TaskForm {
    /// What they hang on; `None`: nothing in particular.
    pub(crate) link: Option<(LinkKind, String)>,
    /// The page that the form stands on, to come back to.
    pub(crate) back: String,
    /// The tasks that are there.
    pub(crate) rows: Vec<TaskRow>,
    /// Who can be assigned.
    pub(crate) people: People,
    /// Whether the reader may make one.
    pub(crate) may_add: bool,
    /// The purpose that is offered first.
    pub(crate) purpose: Purpose,
}

impl TaskForm {
    /// Purposes, for the form.
    pub(crate) fn purposes(&self) -> Vec<(&'static str, &'static str)> {
        Purpose::choices()
    }
}
