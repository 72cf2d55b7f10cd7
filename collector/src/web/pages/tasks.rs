//! Tasks, and one of them.

use askama::Template;

use super::{DocumentsView, Frame, People, TaskForm, filters};
use crate::model::governed::TrailRow;
use crate::model::task::TaskRow;
use crate::web::list::{Pager, Select};

/// The list.
#[derive(Debug, Template)]
#[template(path = "tasks.html")]
pub(crate) struct TasksPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Filters.
    pub(crate) selects: Vec<Select>,
    /// Whether anything but the open ones is asked for.
    pub(crate) filtered: bool,
    /// The foot.
    pub(crate) pager: Pager,
    /// The rows, and a form for one more.
    pub(crate) tasks: TaskForm,
}

/// One task.
#[derive(Debug, Template)]
#[template(path = "task.html")]
pub(crate) struct TaskPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The task.
    pub(crate) row: TaskRow,
    /// Whether the reader may do all of it.
    pub(crate) triages: bool,
    /// Whether the reader may begin and finish it.
    pub(crate) works: bool,
    /// Who can be assigned.
    pub(crate) people: People,
    /// Documents that hang on it.
    pub(crate) documents: DocumentsView,
    /// What was done with it, the newest first.
    pub(crate) history: Vec<TrailRow>,
}

impl TaskPage {
    /// To whom it is assigned, as the field takes them.
    pub(crate) fn assigned(&self) -> &str {
        self.people.field(self.row.held.body.assignee)
    }
}
