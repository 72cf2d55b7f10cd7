//! What is erased for one pseudonym, on request.

use crate::erasure::{Erasure, Step};
use crate::model::governed::{Act, Held};
use crate::model::{AssetId, Page, PageRequest};
use crate::review::{Refused, Who};
use crate::store::{Changed, StoreError};

/// Erasure. Blocking, like the rest of the store.
pub trait Erasing: Send + Sync {
    /// Machines of this host name, as reported last, and the pseudonyms that anything is kept of on each; a hundred machines at most.
    fn pseudonyms_on(&self, hostname: &str) -> Result<Vec<(AssetId, Vec<String>)>, StoreError>;
    /// Requests, the newest first.
    fn erasures(&self, page: PageRequest) -> Result<Page<Held<Erasure>>, StoreError>;
    /// One of them.
    fn erasure(&self, id: &str) -> Result<Option<Held<Erasure>>, StoreError>;
    /// Asks that what is kept for a pseudonym is erased. Its id is given here.
    fn ask_erasure(
        &self,
        pseudonym: &str,
        who: Who,
        act: Act,
    ) -> Result<Result<Held<Erasure>, Refused>, StoreError>;
    /// Takes a step of a request; an approval deletes in the same transaction.
    fn step_erasure(&self, id: &str, step: Step, who: Who, act: Act) -> Result<Changed<Erasure>, StoreError>;
}
