//! What indicators are to come to.

use crate::model::governed::{Act, Held};
use crate::readiness::Target;
use crate::review::Refused;
use crate::store::StoreError;

/// Targets of indicators. Blocking, like the rest of the store.
pub trait Targets: Send + Sync {
    /// Those that were ever set, in the order of the indicators; one that was taken back is among them, without a value.
    fn targets(&self) -> Result<Vec<Held<Target>>, StoreError>;
    /// Those that were set before a moment, Unix milliseconds, as the trail says.
    fn targets_as_of(&self, before_ms: i64) -> Result<Vec<Target>, StoreError>;
    /// Sets one, or takes it back. Who answers for it has to be an active person.
    fn set_target(&self, target: Target, act: Act) -> Result<Result<Held<Target>, Refused>, StoreError>;
}
