//! What of the records a person sees.

use super::StoreError;
use crate::model::Sight;
use crate::model::task::LinkKind;

/// Whether single records are in somebody's sight. Lists are cut by their filters. Blocking, like the rest of the store.
pub trait Sights: Send + Sync {
    /// Whether something that is known by its id or its reference is in sight; of what is not there, no, but to who sees all.
    fn sees(&self, sight: &Sight, kind: LinkKind, id: &str) -> Result<bool, StoreError>;
}
