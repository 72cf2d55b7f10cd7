//! Tasks: what somebody is to do about a record, a finding, a supplier, a campaign or a demand.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

use super::finding::Closing;
use super::governed::{Governed, Held};
use super::record::words;

words! {
    /// What tasks and documents hang on.
    LinkKind {
        /// A record.
        System = "system", "AI system";
        /// A finding.
        Finding = "finding", "Finding";
        /// A supplier of the catalogue.
        Vendor = "vendor", "Vendor";
        /// A campaign.
        Campaign = "campaign", "Campaign";
        /// A demand of the standard.
        Requirement = "requirement", "Requirement";
        /// A task.
        Task = "task", "Task";
    }
}

words! {
    /// What a task is for.
    Purpose {
        /// Whatever its title says.
        Other = "other", "Other";
        /// To have the supplier assessed.
        SupplierAssessment = "supplier-assessment", "Assess the supplier";
        /// To have the impact assessed.
        ImpactAssessment = "impact-assessment", "Assess the impact";
        /// To take it off the machines.
        Removal = "removal", "Remove it";
        /// To set right what a finding says.
        Correction = "correction", "Set it right";
    }
}

words! {
    /// How far a task is.
    TaskState {
        /// Nobody began.
        Open = "open", "Open";
        /// Somebody works on it.
        InProgress = "in-progress", "In progress";
        /// It is done, and something shows it.
        Done = "done", "Done";
        /// It is not to be done any more.
        Dropped = "dropped", "Dropped";
    }
}

impl TaskState {
    /// Whether something is left to do.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::InProgress)
    }
}

/// What a task or a document hangs on.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Link {
    /// What sort of thing.
    pub kind: LinkKind,
    /// Its id; of a vendor, that of the catalogue; of a demand, its number such as `R-9.1-b`.
    pub id: String,
}

impl Link {
    /// To something.
    pub fn to(kind: LinkKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

/// Something to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Task {
    /// UUID of version 7; never reused.
    pub id: String,
    /// For people: `TSK-0007`; never reused.
    pub reference: String,
    /// What.
    pub title: String,
    /// More about it.
    pub details: Option<String>,
    /// What for.
    pub purpose: Purpose,
    /// What it hangs on; `None`: on nothing.
    pub link: Option<Link>,
    /// Units that it belongs to, by number.
    pub units: BTreeSet<i64>,
    /// How far it is.
    pub state: TaskState,
    /// Number of the person who does it.
    pub assignee: Option<i64>,
    /// Day by which it is to be done.
    pub due: Option<Day>,
    /// Number of the person who made it; `None`: the collector.
    pub added_by: Option<i64>,
    /// When, Unix milliseconds.
    pub added_at_ms: i64,
    /// How it came to its end.
    pub closing: Option<Closing>,
}

impl Task {
    /// Whether it should have been done by now.
    pub fn is_overdue(&self, today: Day) -> bool {
        self.state.is_open() && self.due.is_some_and(|due| due < today)
    }

    /// Units that it belongs to, as rights are asked for.
    pub fn units(&self) -> Vec<i64> {
        self.units.iter().copied().collect()
    }
}

impl Governed for Task {
    const KIND: &'static str = "task";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// Which tasks to list. Empty fields let everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Those of which something is left to do.
    pub open: bool,
    /// Assigned to this person.
    pub assignee: Option<i64>,
    /// That hang on this.
    pub link: Option<Link>,
    /// Those in this sight.
    pub sight: crate::model::Sight,
}

/// A task on a list.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    /// The task.
    pub held: Held<Task>,
    /// Name of what it hangs on.
    pub about: Option<About>,
    /// Name of the assignee.
    pub assignee: Option<String>,
}

/// What something hangs on, as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// Its name.
    pub name: String,
    /// Its reference, or what stands in its address; `None`: it has no page.
    pub reference: Option<String>,
}
