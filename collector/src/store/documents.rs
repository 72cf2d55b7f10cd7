//! Documents that people attach as evidence.

use super::StoreError;
use crate::model::document::{Document, DocumentFilter, DocumentRow};
use crate::model::governed::{Act, Held};
use crate::model::{Page, PageRequest};
use crate::review::{Refused, Who};

/// Documents. Blocking, like the rest of the store.
pub trait Documents: Send + Sync {
    /// Documents, the newest first.
    fn documents(&self, filter: &DocumentFilter, page: PageRequest) -> Result<Page<DocumentRow>, StoreError>;
    /// One by its reference or its id.
    fn document(&self, reference: &str) -> Result<Option<DocumentRow>, StoreError>;
    /// Attaches one; where it names one that it supersedes, by reference or id, that one is marked so. Its id and its reference are given
    /// here.
    fn attach(
        &self,
        document: Document,
        who: Who,
        act: Act,
    ) -> Result<Result<Held<Document>, Refused>, StoreError>;
}
