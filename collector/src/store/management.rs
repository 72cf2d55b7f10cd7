//! Management reviews: what they have before them, and what they decided.

use umbrascope_api::Day;

use super::{Changed, StoreError};
use crate::management::{ManagementReview, Pack, ToDecide, ToRecord};
use crate::model::governed::{Act, Held};
use crate::review::Refused;

/// Management reviews. Blocking, like the rest of the store.
pub trait Reviews: Send + Sync {
    /// Those that were recorded, the newest first.
    fn management_reviews(&self) -> Result<Vec<Held<ManagementReview>>, StoreError>;
    /// One by its reference or its id.
    fn management_review(&self, reference: &str) -> Result<Option<Held<ManagementReview>>, StoreError>;
    /// What a review of these days has before it now. Nothing is written.
    fn review_pack(&self, from: Day, until: Day, now_ms: i64) -> Result<Pack, StoreError>;
    /// Records a review that was held, with what it had before it as that stands now.
    fn record_review(
        &self,
        review: ToRecord,
        act: Act,
    ) -> Result<Result<Held<ManagementReview>, Refused>, StoreError>;
    /// Adds what a review decided, and the task that comes of it.
    fn add_decision(
        &self,
        reference: &str,
        decision: ToDecide,
        act: Act,
    ) -> Result<Changed<ManagementReview>, StoreError>;
}
