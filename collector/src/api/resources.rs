//! What sensors and the catalogue show of the resources of a record, as JSON.

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::record::{InterfaceSeen, ModelSeen, RegionSeen, Resources, ToolSeen, VersionSeen};
use crate::scope::UsageBand;

/// What sensors and the catalogue show of the resources of a record.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ResourcesNow {
    /// Versions of its products that were seen, the newest first.
    versions_seen: Vec<ResourceVersion>,
    /// Models: files that were found, and products that are models.
    models: Vec<ResourceModel>,
    /// Packages, applications, extensions, MCP servers and whatever else was found installed or configured.
    tooling: Vec<ResourceTool>,
    /// Where it is talked to.
    interfaces: Vec<ResourceInterface>,
    /// Regions of clouds, as names on the network tell them: where requests were sent to, not where they were worked on.
    regions: Vec<ResourceRegion>,
    /// On how many of its machines there is a graphics processor or another accelerator: `none`, `few` (under 5), `tens` (5 to 49), `hundreds`
    /// (50 to 499) or `many`; null: not known.
    #[schema(value_type = Option<String>)]
    accelerated: Option<UsageBand>,
    /// Entries that are left out of these lists, since there are too many.
    more: u64,
}

/// A version of a product.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ResourceVersion {
    /// Id of the product.
    product: String,
    /// The version.
    version: String,
    /// First day.
    #[schema(format = Date)]
    first_day: String,
    /// Last day; null: no longer known.
    #[schema(format = Date)]
    last_day: Option<String>,
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ResourceModel {
    /// Its name.
    name: String,
    /// Who provides it; null: unknown.
    provider: Option<String>,
    /// Its version; null: unknown.
    version: Option<String>,
    /// SHA-256 of its weights, as the store that holds them names it, 64 hexadecimal digits; null: unknown. Two that are called the same are two
    /// entries.
    sha256: Option<String>,
    /// Its licence, as its own records word it; null: unknown.
    licence: Option<String>,
    /// `observed` or `catalogue`.
    source: &'static str,
}

/// Something that was found installed or configured.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ResourceTool {
    /// How it is known: `package`, `extension`, `mcp-config` …
    sort: String,
    /// Its name or identifier.
    name: String,
    /// Its version; null: unknown.
    version: Option<String>,
}

/// Where it is talked to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ResourceInterface {
    /// `mcp-server`, `runtime` or `endpoint`.
    sort: &'static str,
    /// Its name.
    name: String,
    /// How it was seen: `tls`, `quic`, `mcp-config` …
    transport: String,
}

/// A region of a cloud.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ResourceRegion {
    /// Whose cloud: `AWS`, `Azure`, `Google Cloud`.
    cloud: &'static str,
    /// The region, as the name has it.
    region: String,
}

impl From<Resources> for ResourcesNow {
    fn from(resources: Resources) -> Self {
        let Resources { versions_seen, models, tooling, interfaces, regions, accelerated, more } = resources;
        let version = |VersionSeen { product, version, first, last }| ResourceVersion {
            product,
            version,
            first_day: first.to_string(),
            last_day: last.map(|last| last.to_string()),
        };
        let model = |ModelSeen { name, provider, version, sha256, licence, source }| ResourceModel {
            name,
            provider,
            version,
            sha256,
            licence,
            source,
        };
        let tool = |ToolSeen { sort, name, version }| ResourceTool { sort, name, version };
        let interface = |InterfaceSeen { sort, name, transport }| ResourceInterface { sort, name, transport };
        let region = |RegionSeen { cloud, region }| ResourceRegion { cloud, region };
        Self {
            versions_seen: versions_seen.into_iter().map(version).collect(),
            models: models.into_iter().map(model).collect(),
            tooling: tooling.into_iter().map(tool).collect(),
            interfaces: interfaces.into_iter().map(interface).collect(),
            regions: regions.into_iter().map(region).collect(),
            accelerated: accelerated.map(UsageBand::of),
            more,
        }
    }
}
