//! Snapshot: what one source of a machine holds now.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Channel, Evidence, PartKind, RiskFlag};

/// Whether a snapshot saw the whole of its source. Only a complete one removes what it lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Completeness {
    /// All of the source was read.
    Complete,
    /// Something could not be read, or time ran out.
    Partial,
}

/// The matched items of one source. Key: (sensor, epoch, source), sensor and epoch standing on the
/// batch; the newest generation wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The source family: `dpkg`, `pip`, `vscode-extensions`, `mcp-config` …
    pub source: String,
    /// Grows with every scan of this source by this epoch.
    pub generation: u64,
    /// Whether all of the source was read.
    pub completeness: Completeness,
    /// What it holds, at most [`crate::limits::SNAPSHOT_ITEMS`].
    pub items: Vec<SnapshotItem>,
}

/// One thing that is installed, configured or running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotItem {
    /// Id of the rule that matched.
    pub rule: String,
    /// How it is known.
    pub channel: Channel,
    /// Whose home it was found in, as a pseudonym; absent for the system's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// What matched.
    pub evidence: Evidence,
    /// What else its own records say.
    #[serde(default, skip_serializing_if = "ItemDetails::is_empty")]
    pub details: ItemDetails,
    /// Risks seen in its configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<RiskFlag>,
}

/// What a scan may say about an item beyond its identity. No field can hold a secret's value, a
/// command line or a URL path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemDetails {
    /// The program whose configuration names it (`Claude Desktop`, `Cursor` …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The file or folder it was found in; a home folder is written `~`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// MCP transport: `stdio`, `http`, `sse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// Package that a configured command runs, without its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// File name of the configured command, without arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Host it talks to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Names, never values, of the environment variables it is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_names: Vec<String>,
    /// Name that its own header or manifest gives it, where it is known by another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Model family or architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Parameter count as the model's own header words it (`7B`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<String>,
    /// Quantisation as the model's own header words it (`Q4_K_M`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantisation: Option<String>,
    /// Licence as its own records word it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// SHA-256 of a model's weights as the store that holds them names it, 64 hexadecimal digits; nothing is hashed for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Size on disk, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Whether its client has it switched on; absent when the client does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Who made it, as its signature, its store or its own records say; `title` and `publisher` are texts of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// Provider of the model that the tool is set to use, as the tool names it (`anthropic`, `ollama`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Model that the tool is set to use, as the tool names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether the model answers on this machine; absent where the configuration does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<bool>,
    /// What a model file is where it is no model of its own: `adapter`, `projector`, `text encoder` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Whether a server of this machine, asked once, answered as its product does; absent where it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<bool>,
    /// Skills, plugins, hooks and the like of an assistant, or models of a server, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// A part of an assistant or of a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// What it is called: the name of its folder or file, or of the event for a hook.
    pub name: String,
}

impl ItemDetails {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Every field that holds one text.
    pub fn texts(&self) -> [&Option<String>; 16] {
        [
            &self.client,
            &self.location,
            &self.transport,
            &self.package,
            &self.command,
            &self.host,
            &self.title,
            &self.family,
            &self.parameters,
            &self.quantisation,
            &self.licence,
            &self.sha256,
            &self.publisher,
            &self.provider,
            &self.model,
            &self.role,
        ]
    }

    /// The same, to cut them to size.
    pub fn texts_mut(&mut self) -> [&mut Option<String>; 16] {
        [
            &mut self.client,
            &mut self.location,
            &mut self.transport,
            &mut self.package,
            &mut self.command,
            &mut self.host,
            &mut self.title,
            &mut self.family,
            &mut self.parameters,
            &mut self.quantisation,
            &mut self.licence,
            &mut self.sha256,
            &mut self.publisher,
            &mut self.provider,
            &mut self.model,
            &mut self.role,
        ]
    }
}
