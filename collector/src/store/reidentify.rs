//! Sealed names of accounts, and requests to learn whose one is.

use super::{Changed, StoreError};
use crate::model::governed::{Act, Held};
use crate::model::{AssetId, Page, PageRequest};
use crate::reidentify::key::SealedFile;
use crate::reidentify::{Asked, Request, Setting, SettingStep, Step};
use crate::review::{Refused, Who};

/// Re-identification. Blocking, like the rest of the store.
pub trait Reidentifying: Send + Sync {
    /// Whether sealed names are kept, and what is asked for.
    fn reidentification(&self, now_ms: i64) -> Result<Setting, StoreError>;
    /// How many sealed names are kept.
    fn sealed_names(&self) -> Result<u64, StoreError>;
    /// Takes a step towards the setting or away from it. With it go the names that are kept.
    fn step_reidentification(
        &self,
        step: SettingStep,
        who: Who,
        act: Act,
    ) -> Result<Result<Setting, Refused>, StoreError>;
    /// Pseudonyms of the accounts with a sealed name that a product was found of on a machine.
    fn accounts_of(&self, asset: AssetId, product: &str) -> Result<Vec<String>, StoreError>;
    /// Asks to learn whose an account is.
    fn ask_reidentification(
        &self,
        asked: Asked,
        who: Who,
        act: Act,
    ) -> Result<Result<Held<Request>, Refused>, StoreError>;
    /// Requests, the newest first; `by`: of this person alone.
    fn reidentifications(
        &self,
        by: Option<i64>,
        page: PageRequest,
    ) -> Result<Page<Held<Request>>, StoreError>;
    /// One request.
    fn reidentification_request(&self, id: &str) -> Result<Option<Held<Request>>, StoreError>;
    /// Takes a step of a request. [`Step::Take`] gives nothing here: see [`Self::take_sealed`].
    fn step_request(&self, id: &str, step: Step, who: Who, act: Act) -> Result<Changed<Request>, StoreError>;
    /// Takes the sealed name of a request, and notes who did. `None`: there is no such request.
    fn take_sealed(
        &self,
        id: &str,
        who: Who,
        act: Act,
    ) -> Result<Option<Result<SealedFile, Refused>>, StoreError>;
}
