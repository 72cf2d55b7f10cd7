//! What is kept for one person's convenience.

use umbrascope_api::Day;

use super::StoreError;
use crate::model::{LastLook, SavedView, Trend, TrendBy};

/// Views, the last look, and trends. Blocking, like the rest of the store.
pub trait Personal: Send + Sync {
    /// A person's views, by name.
    fn views(&self, person: i64) -> Result<Vec<SavedView>, StoreError>;
    /// Keeps a view; one of the same name is replaced. `false`: the person has as many as one may have.
    fn keep_view(&self, person: i64, name: &str, place: &str) -> Result<bool, StoreError>;
    /// Forgets a view; `false` when the person has none of this number.
    fn drop_view(&self, person: i64, number: i64) -> Result<bool, StoreError>;
    /// How far the person had looked.
    fn last_look(&self, person: i64) -> Result<LastLook, StoreError>;
    /// Notes that the person has looked at everything that there is now.
    fn look(&self, person: i64, now_ms: i64) -> Result<(), StoreError>;
    /// What was seen on each of the last days, split. The largest come first, at most `lines` of them, and then the rest as one.
    fn trend(&self, by: TrendBy, today: Day, days: u32, lines: usize) -> Result<Vec<Trend>, StoreError>;
}
