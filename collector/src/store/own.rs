//! What is kept of an organisation's own rules.

use super::StoreError;
use crate::model::{KnownValue, OwnText, OwnVersion, Page, PageRequest};

/// The versions of own rules. Blocking: call it from a blocking thread.
pub trait OwnRules: Send + Sync {
    /// The newest version; `None` before the first.
    fn own_newest(&self) -> Result<Option<OwnText>, StoreError>;
    /// A version; `None` when there is none of that number.
    fn own_version(&self, number: u32) -> Result<Option<OwnText>, StoreError>;
    /// Versions, newest first.
    fn own_versions(&self, page: PageRequest) -> Result<Page<OwnVersion>, StoreError>;
    /// Adds a version. `false`, and nothing added, when its number is not above all others: somebody was quicker.
    fn add_own_version(&self, new: OwnText) -> Result<bool, StoreError>;
    /// Values that rules matched, those on the most assets first, `limit` at most.
    fn known_values(&self, limit: u32) -> Result<Vec<KnownValue>, StoreError>;
}
