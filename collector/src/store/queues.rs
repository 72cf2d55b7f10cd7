//! What waits for a person, and what a person could do next.

use super::StoreError;
use crate::model::governed::{Act, Held, TrailEntry, TrailReach};
use crate::model::record::AiSystem;
use crate::model::{Page, PageRequest};
use crate::review::{Move, Refused, Who};

/// A list of records that wait for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// Somebody else asks for something that the person may decide.
    Requests,
    /// Open again, and for the person to review.
    Reopened,
    /// Proposed by sightings, and for the person to look at; the one seen first comes first.
    New,
    /// The person owns them, or their risk.
    Own,
}

/// Queues, trials and single entries of the trail. Blocking, like the rest of the store.
pub trait Queues: Send + Sync {
    /// One page of a queue.
    fn queue(&self, queue: Queue, who: &Who, page: PageRequest) -> Result<Page<Held<AiSystem>>, StoreError>;
    /// How many records of all queues but the person's own wait for something to be done.
    fn waiting(&self, who: &Who) -> Result<u64, StoreError>;
    /// What each of some moves would come to on one record; nothing is changed and nothing is noted. `None`: there is no such record.
    fn trial(
        &self,
        id: &str,
        steps: &[Move],
        who: &Who,
        act: &Act,
    ) -> Result<Option<Vec<Result<(), Refused>>>, StoreError>;
    /// One entry of the trail, with the text that is hashed; `None`: there is none of this number within reach.
    fn trail_entry(&self, seq: u64, reach: TrailReach) -> Result<Option<TrailEntry>, StoreError>;
}
