//! The endpoints that there should be, as JSON: lists taken in and withdrawn, and machines named by hand.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use umbrascope_api::Day;
use utoipa::ToSchema;

use super::request::{Body, Params, Rows, page_of};
use super::types::{List, Moment};
use crate::audit::sha256;
use crate::model::Deed;
use crate::model::governed::Held;
use crate::review::{Guard, Refused};
use crate::scope::endpoints::{self, EndpointList, ReadList};
use crate::store::scope::{EndpointImport, EndpointRow, Endpoints};
use crate::web::{Reader, WebError, WebState, blocking, may_write_endpoints};

/// Longest list in a request, in bytes: each letter of it may take six in JSON.
pub(super) const LIST_BYTES: usize = 16 << 20;

/// A machine that there should be, or one that no list names.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Endpoint {
    /// Its number, where it was added by hand.
    number: Option<i64>,
    /// Host name; empty: not said.
    hostname: String,
    /// Serial number or another id; empty: not said.
    machine: String,
    /// Name of its unit; empty: not said.
    unit: String,
    /// Its platform; empty: not said.
    platform: String,
    /// The lists that name it; none: no list does.
    sources: Vec<String>,
    /// Number of the asset that it is; null: no sensor was ever enrolled on it.
    asset: Option<i64>,
    /// Whether its sensor reported of late.
    reporting: bool,
}

impl From<EndpointRow> for Endpoint {
    fn from(row: EndpointRow) -> Self {
        let named = row.matched.named;
        Self {
            number: row.number,
            hostname: named.hostname,
            machine: named.machine,
            unit: named.unit.to_string(),
            platform: named.platform.to_string(),
            sources: row.matched.sources.iter().map(|source| source.to_string()).collect(),
            asset: row.matched.asset,
            reporting: row.matched.reporting,
        }
    }
}

/// Which endpoints.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Which {
    /// Every one that is expected.
    #[default]
    Expected,
    /// Expected, and never enrolled.
    Missing,
    /// Expected, of a platform without an agent.
    Unsupported,
    /// With a sensor, and in no list.
    Unexpected,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WhichQuery {
    kind: Which,
}

/// Machines that there should be, held against those with a sensor. For who may read about single machines of the whole organisation.
#[utoipa::path(get, path = "/api/v1/scope/endpoints",
    params(("kind" = inline(Option<Which>), Query, description = "Which of them"),
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<Endpoint>)))]
pub(super) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Params(asked): Params<WhichQuery>,
    Params(rows): Params<Rows>,
) -> Result<Json<List<Endpoint>>, WebError> {
    reader.must_read_all(Deed::ReadMachines)?;
    let (number, page) = page_of(&rows)?;
    let which = match asked.kind {
        Which::Expected => Endpoints::Expected,
        Which::Missing => Endpoints::NeverEnrolled,
        Which::Unsupported => Endpoints::Unsupported,
        Which::Unexpected => Endpoints::Unexpected,
    };
    let found = blocking(move || state.app.governance.endpoints(which, page, reader.now_ms)).await?;
    Ok(Json(List::of(found, number, page)))
}

/// A machine to be named by hand: by its host name, its id, or both.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"hostname": "box-2", "platform": "linux"}))]
pub(super) struct NewEndpoint {
    /// Host name.
    hostname: String,
    /// Serial number or another id.
    machine: String,
    /// Name of its unit.
    unit: String,
    /// Its platform: `windows`, `macos`, `linux` or another word.
    platform: String,
}

/// A machine that was named by hand.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NamedEndpoint {
    /// Its number.
    number: i64,
    /// Host name; empty: not said.
    hostname: String,
    /// Serial number or another id; empty: not said.
    machine: String,
    /// Name of its unit; empty: not said.
    unit: String,
    /// Its platform; empty: not said.
    platform: String,
}

/// Names a machine that there should be. For who deploys agents, and who decides the scope.
#[utoipa::path(post, path = "/api/v1/scope/endpoints", request_body = NewEndpoint,
    responses((status = 201, body = NamedEndpoint)))]
pub(super) async fn add(
    State(state): State<WebState>,
    reader: Reader,
    Body(new): Body<NewEndpoint>,
) -> Result<(StatusCode, Json<NamedEndpoint>), WebError> {
    may_write_endpoints(&reader)?;
    let endpoint = endpoints::checked(endpoints::Endpoint {
        hostname: new.hostname.trim().to_owned(),
        machine: new.machine.trim().to_owned(),
        unit: new.unit.trim().to_owned(),
        platform: endpoints::platform(&new.platform),
        source: String::new(),
    });
    let endpoint = endpoint.map_err(fields)?;
    let held = blocking(move || state.app.governance.add_endpoint(endpoint, reader.act("by hand"))).await?;
    let endpoints::NamedEndpoint { number, endpoint } = held.body;
    let endpoints::Endpoint { hostname, machine, unit, platform, .. } = endpoint;
    Ok((StatusCode::CREATED, Json(NamedEndpoint { number, hostname, machine, unit, platform })))
}

/// Takes out a machine that was named by hand.
#[utoipa::path(delete, path = "/api/v1/scope/endpoints/{number}",
    params(("number" = i64, Path, description = "Number of the endpoint")),
    responses((status = 204, description = "It is taken out")))]
pub(super) async fn remove(
    State(state): State<WebState>,
    reader: Reader,
    Path(number): Path<String>,
) -> Result<StatusCode, WebError> {
    may_write_endpoints(&reader)?;
    let number: i64 = number.parse().map_err(|_| WebError::NotFound("endpoint"))?;
    match blocking(move || state.app.governance.remove_endpoint(number, reader.act("by hand"))).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(WebError::NotFound("endpoint")),
    }
}

/// A list to be taken in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"source": "Intune", "as_of": "2026-11-30", "text": "hostname,os\nbox-1,Windows 11\n"}))]
pub(super) struct NewList {
    /// Where it comes from: `Intune`. It takes the place of the list of the same source.
    #[schema(max_length = 100)]
    source: String,
    /// Day of the list.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    as_of: Option<Day>,
    /// CSV, parted by commas, semicolons or tabs, with a head.
    text: String,
    /// Only read it: nothing is taken in.
    #[serde(default)]
    preview: bool,
}

/// A list that was taken in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TakenList {
    /// Where it comes from.
    source: String,
    /// Day of the list; null: not said.
    #[schema(format = Date)]
    as_of: Option<String>,
    /// SHA-256 of the text, in hexadecimal.
    file_sha256: String,
    /// Endpoints in it.
    endpoints: u64,
    /// Lines that named one a second time.
    repeated: u64,
    /// Endpoints for whose platform there is no agent.
    unsupported: u64,
    /// When it was taken in.
    imported_at: Moment,
    /// It is no longer counted.
    withdrawn: bool,
    /// Version of the record.
    version: u64,
}

impl From<Held<EndpointList>> for TakenList {
    fn from(held: Held<EndpointList>) -> Self {
        let list = held.body;
        Self {
            source: list.source,
            as_of: list.as_of.map(|day| day.to_string()),
            file_sha256: list.file_sha256,
            endpoints: list.endpoints,
            repeated: list.repeated,
            unsupported: list.unsupported,
            imported_at: Moment::of(list.imported_at_ms),
            withdrawn: list.withdrawn,
            version: held.version,
        }
    }
}

/// What was read, and what was taken in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Import {
    /// Endpoints that the text names, each once.
    endpoints: u64,
    /// Lines that named one a second time.
    repeated: u64,
    /// Endpoints for whose platform there is no agent.
    unsupported: u64,
    /// What is read from which column.
    columns: Vec<Column>,
    /// What was taken in: one list of each source. None of a preview.
    taken: Vec<TakenList>,
}

/// A column that is read.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Column {
    /// What.
    field: &'static str,
    /// Head of the column.
    head: String,
}

impl From<&ReadList> for Import {
    fn from(list: &ReadList) -> Self {
        let unsupported = list.endpoints.iter().filter(|one| !endpoints::is_supported(&one.platform)).count();
        let columns = list.columns.iter().map(|(field, head)| Column { field, head: head.clone() });
        Self {
            endpoints: list.endpoints.len() as u64,
            repeated: list.repeated,
            unsupported: unsupported as u64,
            columns: columns.collect(),
            taken: Vec::new(),
        }
    }
}

/// Takes a list in, or reads it as a preview.
#[utoipa::path(post, path = "/api/v1/scope/endpoint-lists", request_body = NewList, responses((status = 200, body = Import)))]
pub(super) async fn import(
    State(state): State<WebState>,
    reader: Reader,
    Body(new): Body<NewList>,
) -> Result<Json<Import>, WebError> {
    may_write_endpoints(&reader)?;
    let source = endpoints::source_name(&new.source).map_err(fields)?;
    if source.is_empty() {
        return Err(fields("say where the list comes from"));
    }
    let list = endpoints::read(new.text.as_bytes()).map_err(|bad| fields(bad.to_string()))?;
    let mut came_to = Import::from(&list);
    if new.preview {
        return Ok(Json(came_to));
    }
    let file_sha256 = sha256(&[new.text.as_bytes()]).to_string();
    let import = EndpointImport { source, as_of: new.as_of, file_sha256, list };
    let act = reader.act("a list of endpoints");
    let taken = blocking(move || state.app.governance.import_endpoints(import, act)).await?;
    came_to.taken = taken.into_iter().map(TakenList::from).collect();
    Ok(Json(came_to))
}

/// Counts a list no longer. Its record stays.
#[utoipa::path(delete, path = "/api/v1/scope/endpoint-lists/{source}",
    params(("source" = String, Path, description = "Where the list comes from")),
    responses((status = 204, description = "It is no longer counted")))]
pub(super) async fn withdraw(
    State(state): State<WebState>,
    reader: Reader,
    Path(source): Path<String>,
) -> Result<StatusCode, WebError> {
    may_write_endpoints(&reader)?;
    match blocking(move || state.app.governance.withdraw_endpoints(&source, reader.act("withdrawn"))).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(WebError::NotFound("list")),
    }
}

fn fields(says: impl Into<String>) -> WebError {
    WebError::Guarded(Refused::new(Guard::Fields, says))
}
