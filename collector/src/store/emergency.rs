//! Emergencies, and who of those to whom they are reported has seen them.

use super::{Changed, StoreError};
use crate::emergency::{Emergency, Wanted};
use crate::model::governed::{Act, Held};
use crate::model::{Page, PageRequest};
use crate::review::{Refused, Who};

/// An emergency with who has seen it and when: number of the person, Unix milliseconds.
pub type ReportedEmergency = (Held<Emergency>, Vec<(i64, i64)>);

/// Emergency access. Blocking, like the rest of the store.
pub trait Emergencies: Send + Sync {
    /// Takes a role for some hours.
    fn take_emergency(
        &self,
        wanted: Wanted,
        who: Who,
        act: Act,
    ) -> Result<Result<Held<Emergency>, Refused>, StoreError>;
    /// Ends an emergency before its time.
    fn end_emergency(&self, id: &str, who: Who, act: Act) -> Result<Changed<Emergency>, StoreError>;
    /// Emergencies, the newest first.
    fn emergencies(&self, page: PageRequest) -> Result<Page<ReportedEmergency>, StoreError>;
    /// How many emergencies since a time a person has not said to have seen.
    fn unseen_emergencies(&self, person: i64, since_ms: i64) -> Result<u64, StoreError>;
    /// Notes that a person has seen all that there are.
    fn see_emergencies(&self, person: i64, now_ms: i64) -> Result<(), StoreError>;
}
