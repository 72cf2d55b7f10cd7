//! What an agent posts to `/v1/batches`, and the answer.

use serde::{Deserialize, Serialize};

use crate::{
    ActivityRow, CoverageReport, Epoch, MachineId, Reidentification, SealedAccount, SensorId, SensorInfo,
    Snapshot, Station, SuspectRow,
};

/// One delivery. The sensor is known by its certificate; `sensor` is only compared with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// [`crate::PROTOCOL_VERSION`] of the sender.
    pub protocol: u16,
    /// Who the sender believes to be. Anything but the certificate's sensor is refused.
    pub sensor: SensorId,
    /// The agent state database the rows come from.
    pub epoch: Epoch,
    /// The sender's wall clock, Unix time in milliseconds. Used for the skew only.
    pub sent_at_ms: i64,
    /// The machine the sender runs on; a change under one certificate tells of a copied key.
    pub machine: MachineId,
    /// Random per start of the agent; two that alternate under one certificate tell of a copied key.
    pub boot: Epoch,
    /// The sensor itself.
    pub info: SensorInfo,
    /// Activity rows that changed since the last acknowledged batch.
    #[serde(default)]
    pub activity: Vec<ActivityRow>,
    /// What changed of the machines that rows of this batch, or of one taken before, are of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stations: Vec<Station>,
    /// Snapshots that changed since the last acknowledged batch.
    #[serde(default)]
    pub snapshots: Vec<Snapshot>,
    /// Domains that look like AI and that no rule knows; none unless the collector asks for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspects: Vec<SuspectRow>,
    /// Names of accounts that rows are of, sealed to a privacy officer's key; none unless the collector asks for them and the sensor's own
    /// configuration names that key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sealed_accounts: Vec<SealedAccount>,
    /// What could be seen and what could not.
    #[serde(default)]
    pub coverage: CoverageReport,
}

/// The answer, sent after COMMIT.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Activity rows taken, including those that changed nothing.
    pub activity_taken: u64,
    /// Snapshots taken, including those that were older than what stands.
    pub snapshots_taken: u64,
    /// Rows not taken, and why. The agent counts them and does not send them again.
    #[serde(default)]
    pub refused: Vec<RefusedRow>,
    /// Fields of the batch that this collector does not know. Ignored and never stored.
    #[serde(default)]
    pub unknown_fields: u64,
    /// When the collector would like to hear again, in seconds.
    pub next_report_after_s: u32,
    /// SHA-256 of the catalogue bundle that `GET /v1/catalogue` gives now, in lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<String>,
    /// The same of the organisation's own rules and `GET /v1/own-rules`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_rules: Option<String>,
    /// Public key that these are signed with, in minisign's form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_rules_key: Option<String>,
    /// Since when two people of the organisation want to be told of suspects, Unix time in milliseconds; absent: they do
    /// not, and a sensor keeps none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspects_since_ms: Option<i64>,
    /// Since when two people of the organisation want names of accounts, sealed to which key; absent: they do not, and a sensor sends none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reidentification: Option<Reidentification>,
    /// The newest signed checkpoint of the collector's audit trail (c2sp.org/tlog-checkpoint), for sensors to remember: a later one that
    /// contradicts it shows that the trail was rewritten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

/// One row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// Which list of the batch.
    pub kind: RowKind,
    /// Position in that list.
    pub index: u64,
    /// Why.
    pub reason: Refusal,
}

/// Which list of a batch a row stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// [`Batch::activity`].
    Activity,
    /// [`Batch::snapshots`].
    Snapshot,
    /// [`Batch::suspects`].
    Suspect,
    /// [`Batch::sealed_accounts`].
    SealedAccount,
}

/// Why a row was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// A text is empty where it must not be, too long, or holds a NUL.
    BadText,
    /// A list is longer than its bound.
    TooMany,
    /// The day is before 2020-01-01 or more than two days ahead of the collector.
    ImplausibleDay,
    /// The count is zero or does not fit the store.
    BadCount,
    /// The sensor has more distinct rows than its quota allows.
    OverQuota,
    /// Rows of this list are not asked for.
    NotAsked,
    /// A reason this version does not know.
    #[serde(other)]
    Other,
}
