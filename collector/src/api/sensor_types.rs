//! What sensors say, in JSON as it is described to programs. It is answered in the types of the wire; a test below reads a report with
//! every field set into these and back, so that the description and the answer cannot part.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a scan may say about an item beyond its identity. What has no value is left out.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DetailsSaid {
    /// The program whose configuration names it: `Claude Desktop`, `Cursor` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// The file or folder it was found in; a home folder is written `~`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    /// MCP transport: `stdio`, `http`, `sse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transport: Option<String>,
    /// Package that a configured command runs, without its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    /// File name of the configured command, without arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    /// Host it talks to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    /// Names, never values, of the environment variables it is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    env_names: Vec<String>,
    /// Name that its own header or manifest gives it, where it is known by another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// Model family or architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    family: Option<String>,
    /// Parameter count as the model's own header words it: `7B`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parameters: Option<String>,
    /// Quantisation as the model's own header words it: `Q4_K_M`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantisation: Option<String>,
    /// Licence as its own records word it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    licence: Option<String>,
    /// SHA-256 of a model's weights as the store that holds them names it, 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// Size on disk, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
    /// Whether its client has it switched on; absent when the client does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    /// Who made it, as its signature, its store or its own records say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    publisher: Option<String>,
    /// Provider of the model that the tool is set to use, as the tool names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    /// Model that the tool is set to use, as the tool names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Whether the model answers on this machine; absent where the configuration does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    local: Option<bool>,
    /// What a model file is where it is no model of its own: `adapter`, `projector` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// Whether a server of the machine, asked once, answered as its product does; absent where it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confirmed: Option<bool>,
    /// Skills, plugins, hooks and the like of an assistant, or models of a server, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<PartSaid>,
}

/// A part of an assistant or of a server.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PartSaid {
    /// What it is: `skill`, `plugin`, `hook` …
    kind: String,
    /// What it is called.
    name: String,
}

/// What a sensor could see and what it could not: running totals since its agent started, and the state of each source.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CoverageSaid {
    /// Whether the network is being watched: `capturing`, `off`, `no-privilege` or `unavailable`.
    capture: String,
    /// Why not, or with what limits, in words for an administrator.
    capture_note: String,
    /// Why the collector's catalogue is not in use; left out when nothing was refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    catalogue_note: String,
    /// Why the organisation's own rules are not in use, or which parts of them are not; left out when all are.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    own_rules_note: String,
    /// Names of the interfaces watched.
    interfaces: Vec<String>,
    /// Names of the interfaces on which it watches the traffic of other machines as well; left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gateway: Vec<String>,
    /// Graphics processors and other accelerators of the machine, by its own records; left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    accelerators: Vec<String>,
    /// Packets that passed the kernel filter.
    packets: u64,
    /// Packets the kernel dropped.
    kernel_drops: u64,
    /// Sightings dropped inside the agent because a channel was full.
    queue_drops: u64,
    /// ClientHellos seen.
    hellos: u64,
    /// ClientHellos without a server name.
    hellos_without_name: u64,
    /// ClientHellos that carried Encrypted ClientHello, true or GREASE.
    hellos_with_ech: u64,
    /// ClientHellos whose name stands for another that Encrypted ClientHello hides.
    hidden_destinations: u64,
    /// Those of them to an address that the client had just been given for an AI service's name only.
    hidden_suspects: u64,
    /// Times that a suspect was not kept because its day had as many as there may be; left out: never.
    #[serde(default, skip_serializing_if = "is_zero")]
    suspects_dropped: u64,
    /// Connections to encrypted resolvers.
    encrypted_dns: u64,
    /// Those of them that are DNS over TLS, DTLS or QUIC.
    dns_over_tls: u64,
    /// Those of them that are DNS over HTTPS, to resolvers known by name.
    dns_over_https: u64,
    /// Flows given up in the middle of what would have said their name.
    flows_lost: u64,
    /// Flows that were under way when they were first seen.
    flows_joined_late: u64,
    /// Matches whose process could not be told.
    unattributed: u64,
    /// Activity rows dropped by the agent's own bound, oldest days first.
    rows_dropped: u64,
    /// Rows that the collector would not take.
    rows_refused: u64,
    /// State databases set aside as unreadable.
    state_resets: u64,
    /// Checkpoints of the audit trail that contradicted one shown before; left out: none.
    #[serde(default, skip_serializing_if = "is_zero")]
    trail_contradictions: u64,
    /// The sandbox level of the dissector, in words.
    sandbox: String,
    /// The last scan, source by source.
    sources: Vec<SourceSaid>,
}

/// A source, as its last scan left it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceSaid {
    /// The source family: `dpkg`, `pip` …
    source: String,
    /// How its scan ended: `read`, `absent`, `refused`, `too-large`, `timed-out`, `skipped`, `malformed` or `unknown`.
    state: String,
    /// How many files or folders could not be read, were too large, cut short or malformed.
    problems: u64,
    /// How many items it held, AI or not.
    items_seen: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::Value;
    use umbrascope_api::{CoverageReport, ItemDetails};

    use super::*;
    use crate::privacy::sample;

    fn same<T: Serialize + DeserializeOwned>(answered: &Value) {
        let read: T =
            serde_json::from_value(answered.clone()).unwrap_or_else(|error| panic!("{error}: {answered}"));
        assert_eq!(serde_json::to_value(read).unwrap(), *answered);
    }

    #[test]
    fn what_a_sensor_says_is_described_as_it_is_answered_whether_it_says_everything_or_nothing() {
        let report = serde_json::to_value(sample()).unwrap();
        same::<CoverageSaid>(&report["coverage"]);
        same::<DetailsSaid>(&report["snapshots"][0]["items"][0]["details"]);
        same::<CoverageSaid>(&serde_json::to_value(CoverageReport::default()).unwrap());
        same::<DetailsSaid>(&serde_json::to_value(ItemDetails::default()).unwrap());
    }
}
