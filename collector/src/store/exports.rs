//! What exports read besides lists: whole records, now and as of a past moment.

use crate::model::Sight;
use crate::model::dated::Dated;
use crate::model::policy::Policy;
use crate::model::record::AiSystem;
use crate::store::StoreError;
use crate::store::proof::Proof;

/// Whole records for what is taken away. Blocking, like the rest of the store.
pub trait Exports: Proof {
    /// Every AI system in sight as it stands, by id: the order in which they were made.
    fn whole_systems(&self, sight: &Sight) -> Result<Vec<Dated<AiSystem>>, StoreError>;
    /// Every AI system that is in sight now as the trail says that it was before a moment, Unix milliseconds. Who may read a record reads its
    /// past; what is gone since is in the sight of those only who see all.
    fn whole_systems_as_of(&self, before_ms: i64, sight: &Sight) -> Result<Vec<Dated<AiSystem>>, StoreError>;
    /// Every version of the policy that was recorded before a moment, Unix milliseconds.
    fn policies_as_of(&self, before_ms: i64) -> Result<Vec<Policy>, StoreError>;
    /// Number and leaf hash of the last entry of the trail before a moment, Unix milliseconds; `None`: there was none.
    fn trail_end(&self, before_ms: i64) -> Result<Option<(u64, String)>, StoreError>;
}
