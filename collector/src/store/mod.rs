//! Where records are kept: a trait in the words of the domain, and one implementation over SQLite.
//! The only place with SQL. Its statements keep to the dialect that SQLite and PostgreSQL share.

use umbrascope_api::{Ack, Batch, Day, MachineId, RefusedRow, SensorId, SensorInfo};

use crate::model::{
    AiSystemRow, AssetDetail, AssetFilter, AssetId, AssetRow, AssetSort, By, CoverageRow, CoverageTotals,
    DayCount, Direction, Dismissal, NewToken, Page, PageRequest, ProductDetail, ProductFilter, ProductRow,
    ProductSort, Step, StepRefused, StepRow, SuspectDomain, SuspectSetting, SystemFilter, SystemSort,
    TokenId, TokenRow, Totals, UnitRow, UserRow,
};

pub mod campaigns;
pub mod documents;
pub mod emergency;
pub mod erasure;
pub mod exports;
pub mod findings;
pub mod governance;
pub mod management;
pub mod monthly;
pub mod own;
pub mod people;
pub mod personal;
pub mod proof;
pub mod queues;
pub mod readiness;
pub mod reidentify;
pub mod retention;
pub mod scope;
pub mod sights;
pub mod sqlite;
pub mod suppliers;
pub mod targets;
pub mod tasks;

pub use campaigns::Campaigns;
pub use documents::Documents;
pub use erasure::Erasing;
pub use exports::Exports;
pub use findings::Findings;
pub use governance::{Changed, Governance};
pub use management::Reviews;
pub use monthly::Snapshots;
pub use personal::Personal;
pub use queues::{Queue, Queues};
pub use sights::Sights;
pub use sqlite::SqliteStore;
pub use suppliers::Suppliers;
pub use targets::Targets;
pub use tasks::Tasks;

/// Suspects: whether they are collected, what came in, and what people decided. Blocking, like the rest.
pub trait Suspects: Send + Sync {
    /// Whether they are collected.
    fn suspect_setting(&self, now_ms: i64) -> Result<SuspectSetting, StoreError>;
    /// Who asked, confirmed and withdrew, newest first.
    fn suspect_steps(&self, limit: u32) -> Result<Vec<StepRow>, StoreError>;
    /// Suspected domains, the most named first: those that wait for a person, or those dismissed. One that a rule or a deny speaks
    /// of by now waits for nobody.
    fn suspects(&self, dismissed: bool, page: PageRequest) -> Result<Page<SuspectDomain>, StoreError>;
    /// Takes a step in the name of a person and records it, or says why it was refused; then nothing is recorded.
    fn step_suspects(
        &self,
        step: Step,
        person: &str,
        now_ms: i64,
    ) -> Result<Result<SuspectSetting, StepRefused>, StoreError>;
    /// Dismisses a domain: nothing more of it is taken. One that is dismissed stays as it was. `false` when there is none.
    fn dismiss_suspect(&self, domain: &str, dismissal: &Dismissal) -> Result<bool, StoreError>;
    /// Takes a dismissal back; `false` when there is none.
    fn restore_suspect(&self, domain: &str, by: &By) -> Result<bool, StoreError>;
}

/// What pages, JSON and exports read. Blocking: call it from a blocking thread.
pub trait Reads: Suspects {
    /// Numbers at the head of the pages, as of `today`.
    fn totals(&self, today: Day, now_ms: i64) -> Result<Totals, StoreError>;
    /// Assets and sightings a day over all products, the last `days` days, oldest first.
    fn fleet_days(&self, today: Day, days: u32) -> Result<Vec<DayCount>, StoreError>;
    /// Products seen.
    fn products(
        &self,
        filter: &ProductFilter,
        sort: ProductSort,
        direction: Direction,
        page: PageRequest,
        today: Day,
    ) -> Result<Page<ProductRow>, StoreError>;
    /// One product; `None` when it was never seen.
    fn product(&self, id: &str, today: Day) -> Result<Option<ProductDetail>, StoreError>;
    /// The inventory.
    fn systems(
        &self,
        filter: &SystemFilter,
        sort: SystemSort,
        direction: Direction,
        page: PageRequest,
    ) -> Result<Page<AiSystemRow>, StoreError>;
    /// Machines.
    fn assets(
        &self,
        filter: &AssetFilter,
        sort: AssetSort,
        direction: Direction,
        page: PageRequest,
        now_ms: i64,
    ) -> Result<Page<AssetRow>, StoreError>;
    /// One machine; `None` when there is none.
    fn asset(&self, id: AssetId, today: Day, now_ms: i64) -> Result<Option<AssetDetail>, StoreError>;
    /// Sensors and what they could not see, the worst first.
    fn coverage(&self, page: PageRequest, now_ms: i64) -> Result<Page<CoverageRow>, StoreError>;
    /// Sums of the same.
    fn coverage_totals(&self, now_ms: i64) -> Result<CoverageTotals, StoreError>;
    /// Units by name.
    fn units(&self) -> Result<Vec<UnitRow>, StoreError>;
    /// Enrolment tokens, newest first; of some units only, where these are given.
    fn tokens(&self, within: Option<&[i64]>, now_ms: i64) -> Result<Vec<TokenRow>, StoreError>;
}

/// Everything that changes records, beside what [`Reads`] reads. Blocking, but for
/// [`Store::submit`].
pub trait Store: Reads {
    /// Queues a report for the next commit and comes back at once; the answer is called after
    /// COMMIT, or after it failed. `Err` gives the report back: the queue is full.
    fn submit(&self, report: Report, answer: Answer) -> Result<(), Box<Report>>;

    /// Stores a token whose secret hashes to `secret_hash`, and its unit when that is new.
    fn create_token(
        &self,
        id: &TokenId,
        secret_hash: &SecretHash,
        token: &NewToken,
        now_ms: i64,
    ) -> Result<TokenRow, StoreError>;
    /// Revokes a token; `false` when there is none of that id.
    fn revoke_token(&self, id: &TokenId, by: &By) -> Result<bool, StoreError>;

    /// Uses a token once and records the sensor with its first certificate.
    fn enrol(&self, enrolment: Enrolment) -> Result<Enrolled, StoreError>;
    /// Records another certificate of a sensor. `false` when the sensor is revoked or unknown.
    fn renew(&self, sensor: SensorId, certificate: NewCertificate) -> Result<bool, StoreError>;
    /// Takes every certificate of a sensor out of use; `false` when there is none of that id.
    fn revoke_sensor(&self, sensor: SensorId, by: &By) -> Result<bool, StoreError>;
    /// The keys that are let in.
    fn trusted_keys(&self, now_ms: i64) -> Result<Vec<TrustedKey>, StoreError>;
    /// A number that changes with every revocation, also by another process.
    fn trust_revision(&self) -> Result<i64, StoreError>;
}

/// SHA-256 of a secret with 256 random bits, which needs no salt and no slow hash.
pub type SecretHash = [u8; 32];

/// What becomes of a report.
pub type Answer = Box<dyn FnOnce(Result<Ack, StoreError>) + Send>;

/// A batch with what the collector knows about its sender.
#[derive(Debug)]
pub struct Report {
    /// The sensor of the certificate.
    pub sensor: SensorId,
    /// What it sent, its accounts keyed once more.
    pub batch: Batch,
    /// Rows of it that are not to be taken.
    pub refused: Vec<RefusedRow>,
    /// Fields of the body that were not known.
    pub unknown_fields: u64,
    /// Stands for the sensor's state database where suspects are counted: a pseudonym under a key that no database holds.
    pub suspect_source: String,
    /// Unix time in milliseconds at which it came.
    pub received_at_ms: i64,
    /// When the next report is asked for, in seconds.
    pub next_report_after_s: u32,
}

/// A certificate that was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewCertificate {
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub key_hash: [u8; 32],
    /// Unix time in milliseconds.
    pub issued_at_ms: i64,
    /// Unix time in milliseconds.
    pub ends_at_ms: i64,
}

/// What an enrolment asks for.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// Public part of the token.
    pub token: TokenId,
    /// Hash of the secret that came with it.
    pub secret_hash: SecretHash,
    /// The identity that the certificate names.
    pub sensor: SensorId,
    /// Its machine.
    pub machine: MachineId,
    /// What the sensor says of itself.
    pub info: SensorInfo,
    /// Its certificate.
    pub certificate: NewCertificate,
}

/// What became of an enrolment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrolled {
    /// Recorded.
    Yes {
        /// The machine has a sensor already: a reinstall, or a clone.
        machine_known: bool,
    },
    /// Unknown, wrong secret, used up, expired or revoked: the sender is not told which.
    TokenRefused,
}

/// A key that is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedKey {
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub key_hash: [u8; 32],
    /// Whose it is.
    pub sensor: SensorId,
    /// Unix time in milliseconds at which its certificate ends.
    pub ends_at_ms: i64,
}

/// A session as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Who signed in.
    pub user: UserRow,
    /// Unix time in milliseconds.
    pub created_at_ms: i64,
    /// Unix time in milliseconds of the last use, exact to a minute.
    pub used_at_ms: i64,
    /// A role of the person's takes a second factor, and none is set up.
    pub totp_missing: bool,
    /// Unix time in milliseconds at which the person last proved to be there, beyond holding the cookie; 0: not since it began.
    pub confirmed_at_ms: i64,
    /// It began with a sign-in link that somebody else made, and the person has not proved to be there since.
    pub by_link: bool,
}

/// What went wrong with the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused or failed. The cause is the source.
    #[error("the database could not {attempted}")]
    Database {
        /// What was being attempted.
        attempted: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database is of a newer version of this program.
    #[error(
        "the database has schema version {found}, and this version knows up to {known}: \
         install the newer version again, or restore the backup made before it"
    )]
    Newer {
        /// Version of the database.
        found: i64,
        /// Newest version known here.
        known: i64,
    },
    /// A migration that was applied is not the one this version has.
    #[error(
        "migration {version} in the database differs from the one of this version: the file or the program was altered"
    )]
    Altered {
        /// Which one.
        version: i64,
    },
    /// The writer has stopped: the collector is going down, or a commit failed badly.
    #[error("the store takes no more changes: its writer has stopped")]
    Stopped,
}

impl StoreError {
    /// Wraps what the database said.
    pub(crate) fn database(
        attempted: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Database { attempted, source: source.into() }
    }
}
