//! Endpoint lists and sites in JSON as they are described to programs. What is answered is read into these types first, so that the
//! description and the answer cannot part. Fields are in the order of their names, as they were answered before they were described.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Lists of the endpoints that there should be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointLists {
    /// The lists.
    lists: Vec<HeldEndpointList>,
}

/// A list with its version.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HeldEndpointList {
    /// Hash of this version, in hexadecimal.
    hash: String,
    /// The list.
    record: EndpointListBody,
    /// From 1, one more with every change.
    version: u64,
}

/// A list of endpoints, without the endpoints.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointListBody {
    /// Day of the list; null: not said.
    #[schema(format = Date)]
    as_of: Option<String>,
    /// Endpoints in it.
    endpoints: u64,
    /// SHA-256 of the file, in hexadecimal.
    file_sha256: String,
    /// When it was taken in, Unix milliseconds.
    imported_at_ms: i64,
    /// Lines that named one a second time.
    repeated: u64,
    /// Where it comes from: `Intune`. A list replaces the one of the same source.
    source: String,
    /// Endpoints for whose platform there is no agent.
    unsupported: u64,
    /// It is no longer counted.
    withdrawn: bool,
}

/// Sites and networks.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteList {
    /// The sites and networks.
    sites: Vec<HeldSite>,
}

/// A site or a network with its version.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HeldSite {
    /// Hash of this version, in hexadecimal.
    hash: String,
    /// The site.
    record: SiteRecord,
    /// From 1, one more with every change: what a change has to name.
    version: u64,
}

/// A site or a network.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteRecord {
    /// It is no longer there.
    closed: bool,
    /// Its id: `S-3`; never reused.
    id: String,
    /// `site` or `network`.
    kind: String,
    /// Its name.
    name: String,
    /// Where it is, or its addresses, in words.
    place: String,
    /// Whether sensors look at it, as somebody declared: `yes`, `no` or `unknown`.
    sensor: String,
}
