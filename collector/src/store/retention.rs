//! How long records are kept, and their deletion.

use crate::model::governed::{Act, Held};
use crate::retention::{Retention, Step, Swept};
use crate::review::{Refused, Who};
use crate::store::StoreError;

/// Retention. Blocking, like the rest of the store.
pub trait Retaining: Send + Sync {
    /// The times in force; `None` for its version and maker where nobody ever set any.
    fn retention(&self) -> Result<(Retention, Option<Held<Retention>>), StoreError>;
    /// Takes a step towards other times.
    fn step_retention(
        &self,
        step: Step,
        who: Who,
        act: Act,
    ) -> Result<Result<Retention, Refused>, StoreError>;
    /// Deletes what is over, in pieces that let reports in between; says what, and notes it in the trail.
    fn sweep(&self, now_ms: i64) -> Result<Swept, StoreError>;
}
