//! [`Findings`], [`Tasks`], [`Documents`] and [`Suppliers`] over SQLite: each method one job of the writer, or one read.

use super::{SqliteStore, documents, findings, suppliers, tasks};
use crate::findings::{Step, TaskStep};
use crate::model::document::{Document, DocumentFilter, DocumentRow};
use crate::model::finding::{DueDays, Finding, FindingFilter, FindingRow, WorkCounts};
use crate::model::governed::{Act, Held};
use crate::model::supplier::{VendorAssessment, VendorUse};
use crate::model::task::{Task, TaskFilter, TaskRow};
use crate::model::{Page, PageRequest, Sight};
use crate::review::{Refused, Who};
use crate::store::{Changed, Documents, Findings, StoreError, Suppliers, Tasks};

impl Findings for SqliteStore {
    fn findings(&self, filter: &FindingFilter, page: PageRequest) -> Result<Page<FindingRow>, StoreError> {
        self.readers.with("list the findings", |connection| findings::list(connection, filter, page))
    }

    fn finding(&self, reference: &str) -> Result<Option<FindingRow>, StoreError> {
        self.readers.with("show a finding", |connection| findings::one(connection, reference))
    }

    fn step_finding(
        &self,
        reference: &str,
        step: Step,
        who: Who,
        act: Act,
    ) -> Result<Changed<Finding>, StoreError> {
        let reference = reference.to_owned();
        self.writer.run("change a finding", move |connection, _| {
            findings::step(connection, &reference, &step, &who, &act)
        })
    }

    fn step_findings(
        &self,
        references: Vec<String>,
        step: Step,
        who: Who,
        act: Act,
    ) -> Result<Vec<(String, Changed<Finding>)>, StoreError> {
        self.writer.run("change several findings", move |connection, _| {
            findings::step_many(connection, references, &step, &who, &act)
        })
    }

    fn work_counts(&self, person: i64, sight: &Sight, now_ms: i64) -> Result<WorkCounts, StoreError> {
        self.readers.with("count findings and tasks", |connection| {
            findings::counts(connection, person, sight, now_ms)
        })
    }

    fn due_days(&self) -> Result<DueDays, StoreError> {
        self.readers.with("read when findings are due", findings::due_days)
    }

    fn set_due_days(&self, days: DueDays, act: Act) -> Result<(), StoreError> {
        self.writer.run("set when findings are due", move |connection, _| {
            findings::set_due_days(connection, &days, &act)
        })
    }
}

impl Tasks for SqliteStore {
    fn tasks(&self, filter: &TaskFilter, page: PageRequest) -> Result<Page<TaskRow>, StoreError> {
        self.readers.with("list the tasks", |connection| tasks::list(connection, filter, page))
    }

    fn task(&self, reference: &str) -> Result<Option<TaskRow>, StoreError> {
        self.readers.with("show a task", |connection| tasks::one(connection, reference))
    }

    fn add_task(&self, task: Task, who: Who, act: Act) -> Result<Result<Held<Task>, Refused>, StoreError> {
        self.writer.run("make a task", move |connection, _| tasks::add(connection, task, &who, &act))
    }

    fn step_task(
        &self,
        reference: &str,
        step: TaskStep,
        who: Who,
        act: Act,
    ) -> Result<Changed<Task>, StoreError> {
        let reference = reference.to_owned();
        self.writer
            .run("change a task", move |connection, _| tasks::step(connection, &reference, &step, &who, &act))
    }
}

impl Documents for SqliteStore {
    fn documents(&self, filter: &DocumentFilter, page: PageRequest) -> Result<Page<DocumentRow>, StoreError> {
        self.readers.with("list the documents", |connection| documents::list(connection, filter, page))
    }

    fn document(&self, reference: &str) -> Result<Option<DocumentRow>, StoreError> {
        self.readers.with("show a document", |connection| documents::one(connection, reference))
    }

    fn attach(
        &self,
        document: Document,
        who: Who,
        act: Act,
    ) -> Result<Result<Held<Document>, Refused>, StoreError> {
        self.writer
            .run("attach a document", move |connection, _| documents::add(connection, document, &who, &act))
    }
}

impl Suppliers for SqliteStore {
    fn vendors_in_use(&self, sight: &Sight) -> Result<Vec<VendorUse>, StoreError> {
        self.readers.with("list the vendors", |connection| suppliers::in_use(connection, None, sight))
    }

    fn vendor_in_use(&self, vendor: &str, sight: &Sight) -> Result<VendorUse, StoreError> {
        self.readers.with("show a vendor", |connection| {
            let uses = suppliers::in_use(connection, Some(vendor), sight)?;
            Ok(uses.into_iter().next().unwrap_or_default())
        })
    }

    fn assess_vendor(
        &self,
        assessment: VendorAssessment,
        who: Who,
        act: Act,
    ) -> Result<Result<Held<VendorAssessment>, Refused>, StoreError> {
        self.writer.run("record an assessment of a vendor", move |connection, _| {
            suppliers::assess(connection, assessment, &who, &act)
        })
    }
}
