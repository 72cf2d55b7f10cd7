//! Tasks: made by people, done by people.

use super::{Changed, StoreError};
use crate::findings::TaskStep;
use crate::model::governed::{Act, Held};
use crate::model::task::{Task, TaskFilter, TaskRow};
use crate::model::{Page, PageRequest};
use crate::review::{Refused, Who};

/// Tasks. Blocking, like the rest of the store.
pub trait Tasks: Send + Sync {
    /// Tasks, those that are due first at the head.
    fn tasks(&self, filter: &TaskFilter, page: PageRequest) -> Result<Page<TaskRow>, StoreError>;
    /// One by its reference or its id.
    fn task(&self, reference: &str) -> Result<Option<TaskRow>, StoreError>;
    /// Makes one. Its id, its reference and the units of what it hangs on are given here.
    fn add_task(&self, task: Task, who: Who, act: Act) -> Result<Result<Held<Task>, Refused>, StoreError>;
    /// Takes a step on one in a person's name.
    fn step_task(
        &self,
        reference: &str,
        step: TaskStep,
        who: Who,
        act: Act,
    ) -> Result<Changed<Task>, StoreError>;
}
