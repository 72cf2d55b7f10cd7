//! `/scope/endpoints`: the endpoints that there should be, and what is held against them.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use umbrascope_api::Day;

use crate::audit::sha256;
use crate::model::Deed;
use crate::scope::endpoints::{self, Endpoint};
use crate::store::StoreError;
use crate::store::scope::{EndpointImport, Endpoints};
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::handlers::page;
use crate::web::language::{say, t};
use crate::web::list::{ListQuery, Pager, page_number, rows_of};
use crate::web::pages::ScopeEndpointsPage;
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// Lists, coverage, and the machines that fall on either side.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    let notice = match query.done.as_str() {
        "imported" => Some(t("The list is taken in.")),
        "withdrawn" => Some(t("The list is no longer counted.")),
        "added" => Some(t("The endpoint is added.")),
        "removed" => Some(t("The endpoint is taken out.")),
        _ => None,
    };
    endpoints_page(&state, &reader, &query, notice, Vec::new(), None).await
}

async fn endpoints_page(
    state: &WebState,
    reader: &Reader,
    query: &ListQuery,
    notice: Option<&'static str>,
    problems: Vec<String>,
    trial: Option<String>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (word, which) = match query.kind.as_str() {
        "" | "missing" => ("missing", Endpoints::NeverEnrolled),
        "unexpected" => ("unexpected", Endpoints::Unexpected),
        "unsupported" => ("unsupported", Endpoints::Unsupported),
        "expected" => ("expected", Endpoints::Expected),
        other => return Err(WebError::unknown_choice("kind", other)),
    };
    let number = page_number(&query.page)?;
    // Which machine is which is for who may read about all of them.
    let machines = reader.may_read(Deed::ReadMachines, &[]);
    let (governance, now_ms) = (state.app.governance.clone(), reader.now_ms);
    let (lists, coverage, found) = blocking(move || {
        let found = match machines {
            true => Some(governance.endpoints(which, rows_of(number), now_ms)?),
            false => None,
        };
        Ok::<_, StoreError>((governance.endpoint_lists()?, governance.coverage_record(now_ms)?, found))
    })
    .await?;
    let (rows, total) = found.map_or_else(|| (Vec::new(), 0), |found| (found.rows, found.total));
    let address = Address::new("/scope/endpoints").with("kind", word);
    page(&ScopeEndpointsPage {
        frame: reader.frame(Here::Scope, notice),
        problems,
        trial,
        writes: may_write(reader).is_ok(),
        machines,
        lists: lists.into_iter().map(|held| held.body).collect(),
        coverage: coverage.lines(),
        which,
        pager: Pager::new((number, rows.len(), total), "machine", &address, "page"),
        rows,
    })
}

/// Who deploys agents knows the machines, and who decides the scope answers for the denominator.
pub(crate) fn may_write(reader: &Reader) -> Result<(), WebError> {
    reader.must(Deed::DecideScope, &[]).or_else(|_| reader.must(Deed::Enrol, &[]))
}

/// A list as the form has it.
#[derive(Deserialize)]
pub(crate) struct SentList {
    csrf: String,
    source: String,
    #[serde(default)]
    as_of: String,
    text: String,
    #[serde(rename = "do")]
    wanted: String,
}

/// Takes a list in, or tries it.
pub(crate) async fn import(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentList>,
) -> Result<Response, WebError> {
    may_write(&reader)?;
    reader.check_form(&sent.csrf)?;
    let as_of = match sent.as_of.trim() {
        "" => Ok(None),
        day => day.parse::<Day>().map(Some).map_err(|_| t("the day of the list is no day").to_owned()),
    };
    let named = endpoints::source_name(&sent.source).and_then(|source| match source.as_str() {
        "" => Err(t("say where the list comes from").to_owned()),
        _ => Ok(source),
    });
    let list = endpoints::read(sent.text.as_bytes());
    let problems = [as_of.as_ref().err().cloned(), named.as_ref().err().cloned()].into_iter().flatten();
    let mut problems: Vec<String> = problems.collect();
    problems.extend(
        list.as_ref().err().map(|bad| bad.to_string()).iter().flat_map(|all| all.lines()).map(str::to_owned),
    );
    let (Ok(as_of), Ok(source), Ok(list)) = (as_of, named, list) else {
        return endpoints_page(&state, &reader, &ListQuery::default(), None, problems, None).await;
    };
    if sent.wanted == "try" {
        let columns: Vec<String> =
            list.columns.iter().map(|(field, head)| format!("{field} from {head}")).collect();
        let unsupported = list.endpoints.iter().filter(|one| !endpoints::is_supported(&one.platform)).count();
        let words = say!(
            "A trial; nothing was taken in. It names {0} endpoints ({1} lines named one again), {2} of them without an agent for their platform. Read: {3}.",
            list.endpoints.len(),
            list.repeated,
            unsupported,
            columns.join(", ")
        );
        return endpoints_page(&state, &reader, &ListQuery::default(), None, Vec::new(), Some(words)).await;
    }
    let file_sha256 = sha256(&[sent.text.as_bytes()]).to_string();
    let import = EndpointImport { source, as_of, file_sha256, list };
    let (governance, act) = (state.app.governance.clone(), reader.act("a list of endpoints"));
    blocking(move || governance.import_endpoints(import, act)).await?;
    Ok(Redirect::to("/scope/endpoints?done=imported").into_response())
}

/// A source as the form has it.
#[derive(Deserialize)]
pub(crate) struct SentSource {
    csrf: String,
    source: String,
}

/// Counts a list no longer.
pub(crate) async fn withdraw(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentSource>,
) -> Result<Response, WebError> {
    may_write(&reader)?;
    reader.check_form(&sent.csrf)?;
    let (governance, act) = (state.app.governance.clone(), reader.act("withdrawn"));
    match blocking(move || governance.withdraw_endpoints(&sent.source, act)).await? {
        true => Ok(Redirect::to("/scope/endpoints?done=withdrawn").into_response()),
        false => Err(WebError::NotFound("list")),
    }
}

/// An endpoint as the form has it.
#[derive(Deserialize)]
pub(crate) struct SentEndpoint {
    csrf: String,
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    machine: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    platform: String,
}

/// Adds an endpoint by hand.
pub(crate) async fn add(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentEndpoint>,
) -> Result<Response, WebError> {
    may_write(&reader)?;
    reader.check_form(&sent.csrf)?;
    let endpoint = endpoints::checked(Endpoint {
        hostname: sent.hostname.trim().to_owned(),
        machine: sent.machine.trim().to_owned(),
        unit: sent.unit.trim().to_owned(),
        platform: endpoints::platform(&sent.platform),
        source: String::new(),
    });
    match endpoint {
        Ok(endpoint) => {
            let (governance, act) = (state.app.governance.clone(), reader.act("by hand"));
            blocking(move || governance.add_endpoint(endpoint, act)).await?;
            Ok(Redirect::to("/scope/endpoints?done=added").into_response())
        }
        Err(problem) => {
            endpoints_page(&state, &reader, &ListQuery::default(), None, vec![problem], None).await
        }
    }
}

/// A form that holds nothing else.
#[derive(Deserialize)]
pub(crate) struct Bare {
    csrf: String,
}

/// Takes out one that was added by hand.
pub(crate) async fn remove(
    State(state): State<WebState>,
    reader: Reader,
    Path(number): Path<String>,
    Form(sent): Form<Bare>,
) -> Result<Response, WebError> {
    may_write(&reader)?;
    reader.check_form(&sent.csrf)?;
    let number: i64 = number.parse().map_err(|_| WebError::NotFound("endpoint"))?;
    let (governance, act) = (state.app.governance.clone(), reader.act("by hand"));
    match blocking(move || governance.remove_endpoint(number, act)).await? {
        true => Ok(Redirect::to("/scope/endpoints?done=removed").into_response()),
        false => Err(WebError::NotFound("endpoint")),
    }
}
