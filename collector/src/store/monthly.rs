//! Monthly snapshots of the inventory.

use umbrascope_api::Day;

use crate::model::governed::{Act, Held};
use crate::model::monthly::Monthly;
use crate::store::StoreError;

/// Monthly snapshots. Blocking, like the rest of the store.
pub trait Snapshots: Send + Sync {
    /// What the trail says of every snapshot, the newest first.
    fn monthly_snapshots(&self) -> Result<Vec<Held<Monthly>>, StoreError>;
    /// The content of a month's snapshot, whatever its hash; `None`: there is none, or none any more.
    fn monthly_content(&self, month: &str) -> Result<Option<String>, StoreError>;
    /// The newest snapshot at or before a day whose content is still there and has the hash that the trail says.
    fn monthly_at(&self, day: Day) -> Result<Option<String>, StoreError>;
    /// Keeps a snapshot with its content, unless there is one of the month. Whether it did.
    fn keep_monthly(&self, snapshot: Monthly, content: String, act: Act) -> Result<bool, StoreError>;
    /// The day of the first entry of the trail: no snapshot is of a month before.
    fn trail_begin(&self) -> Result<Option<Day>, StoreError>;
}
