//! What there is to show an auditor.

use std::collections::BTreeMap;

use crate::model::governed::{Act, Held};
use crate::readiness::{Answer, Applicability, Gathered, Kept, Replayed};
use crate::store::StoreError;

/// Readiness. Blocking, like the rest of the store.
pub trait Readying: Send + Sync {
    /// Everything that readiness and indicators look at.
    fn gathered(&self, now_ms: i64) -> Result<Gathered, StoreError>;
    /// What of it rests on governed records, as the trail says that it was before a moment, Unix milliseconds.
    fn gathered_as_of(&self, before_ms: i64) -> Result<Replayed, StoreError>;
    /// Who answers for which requirement.
    fn answers(&self) -> Result<Vec<Held<Answer>>, StoreError>;
    /// Says who answers for one, and what they say.
    fn set_answer(&self, answer: Answer, act: Act) -> Result<(), StoreError>;
    /// Which controls apply, as far as somebody said.
    fn applicabilities(&self) -> Result<Vec<Held<Applicability>>, StoreError>;
    /// Says whether one applies.
    fn set_applicability(&self, applicability: Applicability, act: Act) -> Result<(), StoreError>;
    /// Hashes of the governed records of these kinds as they stand, by what entries of the trail call them: `system/0192…`.
    fn record_hashes(&self, kinds: &[&str]) -> Result<BTreeMap<String, String>, StoreError>;
    /// Indicators that were kept, the newest month first.
    fn kept_indicators(&self) -> Result<Vec<Held<Kept>>, StoreError>;
    /// Keeps the indicators of the present month, unless they are kept. Whether it did.
    fn keep_indicators(&self, now_ms: i64) -> Result<bool, StoreError>;
}
