//! What people do with tasks.

use umbrascope_api::Day;

use super::{assignable, line, may_work, said, triages};
use crate::model::Role;
use crate::model::finding::Closing;
use crate::model::task::{Task, TaskState};
use crate::review::{Guard, Refused, Who};

/// What a person does with a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskStep {
    /// Somebody is to do it; `None`: nobody any more.
    Assign(Option<i64>),
    /// It is to be done by this day.
    Due(Day),
    /// Somebody works on it.
    Start,
    /// It is done, and this shows it.
    Finish {
        /// What shows it.
        evidence: String,
        /// What is said besides.
        reason: String,
    },
    /// It is not to be done any more.
    Drop {
        /// Why.
        reason: String,
    },
    /// It is to be done after all.
    Reopen {
        /// Why.
        reason: String,
    },
}

impl TaskStep {
    /// What stands in the trail.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Assign(_) => "task.assign",
            Self::Due(_) => "task.due",
            Self::Start => "task.start",
            Self::Finish { .. } => "task.finish",
            Self::Drop { .. } => "task.drop",
            Self::Reopen { .. } => "task.reopen",
        }
    }

    /// The reason that came with it.
    pub fn reason(&self) -> &str {
        match self {
            Self::Finish { reason, .. } | Self::Drop { reason } | Self::Reopen { reason } => reason,
            Self::Assign(_) | Self::Due(_) | Self::Start => "",
        }
    }
}

/// Whether a person may make this task, as it will be kept, and in which role. `owns`: the person answers for what it hangs on.
pub fn add(
    task: &Task,
    who: &Who,
    owns: bool,
    active: &dyn Fn(i64) -> Option<bool>,
) -> Result<(Task, Option<Role>), Refused> {
    let role = match triages(&task.units(), who) {
        Ok(role) => Some(role),
        Err(refused) if !owns || !may_work(who) => return Err(refused),
        Err(_) => None,
    };
    assignable(task.assignee, active)?;
    let details = said(task.details.as_deref().unwrap_or_default(), "description")?;
    Ok((Task { title: line(&task.title, "title")?, details, ..task.clone() }, role))
}

/// Takes a step on a task, or says which guard refuses it. Who triages its units may do all of it; who it is assigned to may begin and
/// finish it.
pub fn take(
    task: &Task,
    step: &TaskStep,
    who: &Who,
    now_ms: i64,
    active: &dyn Fn(i64) -> Option<bool>,
) -> Result<(Task, Option<Role>), Refused> {
    let role = match triages(&task.units(), who) {
        Ok(role) => Some(role),
        Err(refused) => {
            let own = task.assignee == Some(who.person) && may_work(who);
            if !own || !matches!(step, TaskStep::Start | TaskStep::Finish { .. }) {
                return Err(refused);
            }
            None
        }
    };
    let reopens = matches!(step, TaskStep::Reopen { .. });
    if task.state.is_open() == reopens {
        let says = format!("the task is {}", task.state.label().to_lowercase());
        return Err(Refused::new(Guard::State, says));
    }
    let mut next = task.clone();
    let closing = |reason, evidence| Some(Closing { by: Some(who.person), at_ms: now_ms, reason, evidence });
    match step {
        TaskStep::Assign(person) => {
            assignable(*person, active)?;
            next.assignee = *person;
        }
        TaskStep::Due(day) => {
            if *day < Day::from_unix_ms(now_ms) {
                return Err(Refused::new(Guard::Expiry, "the day is over already: choose one to come"));
            }
            next.due = Some(*day);
        }
        TaskStep::Start => {
            next.state = TaskState::InProgress;
            next.assignee = next.assignee.or(Some(who.person));
        }
        TaskStep::Finish { evidence, reason } => {
            let evidence = said(evidence, "evidence")?.ok_or_else(|| {
                Refused::new(Guard::Evidence, "say what shows that it is done: a link, a ticket, a document")
            })?;
            next.state = TaskState::Done;
            next.closing = closing(said(reason, "reason")?, Some(evidence));
        }
        TaskStep::Drop { reason } => {
            next.state = TaskState::Dropped;
            next.closing = closing(Some(needed(reason)?), None);
        }
        TaskStep::Reopen { reason } => {
            needed(reason)?;
            next.state = TaskState::Open;
            next.closing = None;
        }
    }
    Ok((next, role))
}

fn needed(reason: &str) -> Result<String, Refused> {
    said(reason, "reason")?.ok_or_else(|| Refused::new(Guard::Reason, "say why: a reason is missing"))
}
