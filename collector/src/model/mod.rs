//! What the records are. No SQL, no HTTP: types that the rules work on and the store returns.

mod api_token;
mod asset;
pub mod campaign;
mod clocks;
mod coverage;
pub mod dated;
pub mod document;
pub mod finding;
pub mod governed;
pub mod monthly;
mod own;
mod personal;
pub mod policy;
mod product;
mod query;
pub mod record;
mod rights;
pub mod role;
mod sight;
pub mod supplier;
mod suspect;
mod system;
pub mod task;
pub mod text;
mod token;
mod unit;
mod user;
mod vendor;

pub use api_token::{ApiTokenRow, NewApiToken, Scope, TakesPerson};
pub use asset::{AssetDetail, AssetId, AssetProduct, AssetRow, SensorRow, SensorState, StationRow};
pub use clocks::{CLOCK_OFF_MS, ClockTrust, Clocks};
pub use coverage::{CoverageRow, CoverageTotals, FleetVersions, unread};
pub use own::{KnownValue, OwnItem, OwnText, OwnVersion};
pub use personal::{LastLook, SavedView, Trend, TrendBy, VIEW_NAME_CHARS, VIEW_PLACE_CHARS, VIEWS};
pub use product::{DayCount, EvidenceRow, ProductAsset, ProductDetail, ProductRow, SnapshotEvidence, Totals};
pub use query::{
    AssetFilter, AssetSort, Direction, Page, PageRequest, ProductFilter, ProductSort, SystemFilter,
    SystemSort,
};
pub use rights::{Access, Deed, Refused, may};
pub use role::{Grant, Grants, Role};
pub use sight::{Cut, Sight};
pub use suspect::{CONFIRM_WITHIN_MS, Dismissal, Step, StepRefused, StepRow, SuspectDomain, SuspectSetting};
pub use system::{AiSystemRow, SystemDetail, SystemProduct};
pub use token::{NewToken, TokenId, TokenRow, TokenState};
pub use unit::{UnitRecord, UnitRow};
pub use user::{
    By, EmergencyRole, GrantChange, LetIn, Looked, PersonDetails, PersonFilter, PersonRecord, PersonRow,
    Reading, TotpRow, UserRow,
};
pub use vendor::{Question, QuestionAnswer, VendorFacts};
