//! Findings: opened by rules in the transaction that made them true, answered by people.

use super::{Changed, StoreError};
use crate::findings::Step;
use crate::model::finding::{DueDays, Finding, FindingFilter, FindingRow, WorkCounts};
use crate::model::governed::Act;
use crate::model::{Page, PageRequest, Sight};
use crate::review::Who;

/// Findings. Blocking, like the rest of the store.
pub trait Findings: Send + Sync {
    /// Findings, those that press most and are due first at the head.
    fn findings(&self, filter: &FindingFilter, page: PageRequest) -> Result<Page<FindingRow>, StoreError>;
    /// One by its reference or its id.
    fn finding(&self, reference: &str) -> Result<Option<FindingRow>, StoreError>;
    /// Takes a step on one in a person's name.
    fn step_finding(
        &self,
        reference: &str,
        step: Step,
        who: Who,
        act: Act,
    ) -> Result<Changed<Finding>, StoreError>;
    /// Takes the same step on several, one after the other, each with its guards and its entry. What each came to; those beyond the limit
    /// of one change are refused.
    fn step_findings(
        &self,
        references: Vec<String>,
        step: Step,
        who: Who,
        act: Act,
    ) -> Result<Vec<(String, Changed<Finding>)>, StoreError>;
    /// Numbers of what is in a person's sight.
    fn work_counts(&self, person: i64, sight: &Sight, now_ms: i64) -> Result<WorkCounts, StoreError>;
    /// Days within which findings are to be answered.
    fn due_days(&self) -> Result<DueDays, StoreError>;
    /// Sets them, for findings opened from now on.
    fn set_due_days(&self, days: DueDays, act: Act) -> Result<(), StoreError>;
}
