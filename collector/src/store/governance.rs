//! Records that people answer for: read, moved, and told of.

use std::sync::Arc;

use crate::model::governed::{Act, Held, TrailFilter, TrailRow};
use crate::model::policy::{Limits, Policy};
use crate::model::record::AiSystem;
use crate::model::{Page, PageRequest, SystemDetail};
use crate::review::{Move, Refused, Who};
use crate::store::emergency::Emergencies;
use crate::store::readiness::Readying;
use crate::store::reidentify::Reidentifying;
use crate::store::retention::Retaining;
use crate::store::scope::Scoping;
use crate::store::{
    Campaigns, Documents, Erasing, Exports, Findings, Queues, Reviews, Sights, Snapshots, StoreError,
    Suppliers, Targets, Tasks,
};
use crate::tier::Method;

/// What became of a change: the record as it is now, or the guard that refused. `None`: there is no such record.
pub type Changed<T> = Option<Result<Held<T>, Refused>>;

/// The governed records. Blocking, like the rest of the store.
pub trait Governance:
    Campaigns
    + Documents
    + Emergencies
    + Erasing
    + Exports
    + Findings
    + Queues
    + Readying
    + Reidentifying
    + Retaining
    + Reviews
    + Scoping
    + Sights
    + Snapshots
    + Suppliers
    + Targets
    + Tasks
    + Send
    + Sync
{
    /// A record by its id or its reference.
    fn system(&self, id: &str) -> Result<Option<SystemDetail>, StoreError>;
    /// Makes a record by hand: for a use that no sensor can see. Its reference is given here.
    fn add_system(
        &self,
        system: AiSystem,
        who: &Who,
        act: Act,
    ) -> Result<Result<Held<AiSystem>, Refused>, StoreError>;
    /// Makes a move on a record in a person's name.
    fn move_system(&self, id: &str, step: Move, who: Who, act: Act) -> Result<Changed<AiSystem>, StoreError>;
    /// How risk tiers are suggested.
    fn tier_method(&self) -> Arc<Method>;
    /// Lets time pass: what expired or is due is reopened, what was not seen for long becomes quiet. How many records changed.
    fn attend(&self, now_ms: i64) -> Result<usize, StoreError>;

    /// Versions of the AI policy, the newest first.
    fn policies(&self) -> Result<Vec<Held<Policy>>, StoreError>;
    /// Records a version of the AI policy; `None` when there is one of that version.
    fn add_policy(&self, policy: Policy, act: Act) -> Result<Option<Held<Policy>>, StoreError>;
    /// Limits that decisions keep to.
    fn limits(&self) -> Result<Limits, StoreError>;
    /// Sets them.
    fn set_limits(&self, limits: Limits, act: Act) -> Result<(), StoreError>;

    /// Entries of the audit trail, the newest first.
    fn trail(&self, filter: &TrailFilter, page: PageRequest) -> Result<Page<TrailRow>, StoreError>;
    /// A record as its trail says that it was before a time; `None`: there was none, or part of it was erased.
    fn as_of(&self, kind: &str, id: &str, before_ms: i64) -> Result<Option<serde_json::Value>, StoreError>;
}
