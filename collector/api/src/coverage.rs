//! Coverage: what a sensor could see and what it could not. A quiet source is not a clean source.

use serde::{Deserialize, Serialize};

/// The sensor itself, as it stands now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SensorInfo {
    /// Host name of the machine.
    pub hostname: String,
    /// Operating system: `linux`, `macos`, `windows`.
    pub os: String,
    /// Its name and version in words (`Debian GNU/Linux 12`).
    #[serde(default)]
    pub os_version: String,
    /// Processor architecture (`x86_64`).
    #[serde(default)]
    pub arch: String,
    /// Version of the agent.
    pub agent_version: String,
    /// Version of the catalogue it matches with.
    pub catalogue_version: String,
}

/// Whether the network is being watched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaptureState {
    /// Packets are being read.
    Capturing,
    /// Switched off in the configuration.
    Off,
    /// The privilege to open a packet socket is missing.
    NoPrivilege,
    /// Capture failed for another reason, or is not built for this system.
    #[default]
    #[serde(other)]
    Unavailable,
}

/// How the last scan of one source ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceState {
    /// Read to the end.
    Read,
    /// The source does not exist on this machine.
    Absent,
    /// Some or all of it could not be read.
    Refused,
    /// Something in it was over a size or count bound.
    TooLarge,
    /// The deadline came first.
    TimedOut,
    /// Left out on purpose: a remote or placeholder file system.
    Skipped,
    /// Something in it is not of its format.
    Malformed,
    /// A state this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// One source, as its last scan left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// The source family, as in [`crate::Snapshot::source`].
    pub source: String,
    /// How its scan ended: the worst of what happened.
    pub state: SourceState,
    /// How many files or folders could not be read, were too large, cut short or malformed.
    #[serde(default)]
    pub problems: u64,
    /// How many items it held, AI or not. The number only.
    #[serde(default)]
    pub items_seen: u64,
}

/// Running totals since the agent started, and the state of each source. The newest report wins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageReport {
    /// Whether the network is being watched.
    pub capture: CaptureState,
    /// Why not, or with what limits, in words for an administrator.
    #[serde(default)]
    pub capture_note: String,
    /// Why the collector's catalogue is not in use, in words for an administrator; empty when nothing was refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub catalogue_note: String,
    /// Why the organisation's own rules are not in use, or which parts of them are not; empty when all are.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub own_rules_note: String,
    /// Names of the interfaces watched.
    #[serde(default)]
    pub interfaces: Vec<String>,
    /// Names of the interfaces on which it watches the traffic of other machines as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateway: Vec<String>,
    /// Graphics processors and other accelerators of the machine, that models could run on: in words, by its own records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accelerators: Vec<String>,
    /// Packets that passed the kernel filter.
    #[serde(default)]
    pub packets: u64,
    /// Packets the kernel dropped because we were too slow.
    #[serde(default)]
    pub kernel_drops: u64,
    /// Sightings dropped inside the agent because a channel was full.
    #[serde(default)]
    pub queue_drops: u64,
    /// ClientHellos seen.
    #[serde(default)]
    pub hellos: u64,
    /// ClientHellos without a server name.
    #[serde(default)]
    pub hellos_without_name: u64,
    /// ClientHellos that carried Encrypted ClientHello, true or GREASE.
    #[serde(default)]
    pub hellos_with_ech: u64,
    /// ClientHellos whose name stands for another that Encrypted ClientHello hides. The number only.
    #[serde(default)]
    pub hidden_destinations: u64,
    /// Those of them to an address that the client had just been given for one name only, an AI service's. At most a
    /// suspicion; the number only, and no name goes with it.
    #[serde(default)]
    pub hidden_suspects: u64,
    /// Times that a suspect was not kept because its day had as many as there may be.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub suspects_dropped: u64,
    /// Connections to encrypted resolvers, known as such by port, protocol or name: queries we cannot see.
    #[serde(default)]
    pub encrypted_dns: u64,
    /// Those of them that are DNS over TLS, DTLS or QUIC.
    #[serde(default)]
    pub dns_over_tls: u64,
    /// Those of them that are DNS over HTTPS, to resolvers known by name.
    #[serde(default)]
    pub dns_over_https: u64,
    /// Flows given up in the middle of what would have said their name: over a bound, too slow, or malformed.
    #[serde(default)]
    pub flows_lost: u64,
    /// Flows that were under way when they were first seen, so that nobody saw what said their name.
    #[serde(default)]
    pub flows_joined_late: u64,
    /// Matches whose process could not be told.
    #[serde(default)]
    pub unattributed: u64,
    /// Activity rows dropped by the agent's own bound, oldest days first.
    #[serde(default)]
    pub rows_dropped: u64,
    /// Rows that the collector would not take.
    #[serde(default)]
    pub rows_refused: u64,
    /// State databases set aside as unreadable.
    #[serde(default)]
    pub state_resets: u64,
    /// Checkpoints of the collector's audit trail that contradicted one it had shown before: the trail was rewritten, cut or restored from a
    /// backup.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub trail_contradictions: u64,
    /// The sandbox level of the dissector, in words.
    #[serde(default)]
    pub sandbox: String,
    /// The last scan, source by source.
    #[serde(default)]
    pub sources: Vec<SourceReport>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
