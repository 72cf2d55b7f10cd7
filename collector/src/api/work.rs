//! Findings, tasks, documents and vendors: read and changed by the same rules as at their pages.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use umbrascope_api::Day;

use super::request::{Body, Params, Rows, page_of, reason};
use super::types::{List, Problem};
use super::work_types::{
    AssessmentBody, AssignBody, CameTo, CountsJson, DocumentBody, DocumentJson, Dossier, FindingJson, Hashed,
    StepBody, TaskBody, TaskJson, VendorJson,
};
use crate::findings::Step;
use crate::model::document::{Document, DocumentFilter, DocumentKind};
use crate::model::finding::FindingFilter;
use crate::model::record::{Assessment, AssessmentState};
use crate::model::supplier::VendorAssessment;
use crate::model::task::{LinkKind, Purpose, Task, TaskFilter};
use crate::model::{Deed, Page, VendorFacts};
use crate::store::StoreError;
use crate::web::{
    FindingQuery, Reader, TaskQuery, ToldStep, WebError, WebState, blocking, done, finding_step,
    known_vendor, link, may_see, open_questions, task_step,
};

/// Largest file that is hashed, in bytes. It is not kept.
pub(super) const HASHED_BYTES: usize = 32 * 1024 * 1024;

fn day(text: Option<&str>) -> Result<Option<Day>, WebError> {
    text.filter(|text| !text.is_empty())
        .map(|text| text.parse().map_err(|_| WebError::unknown_choice("day", text)))
        .transpose()
}

/// Numbers of findings and tasks, for who asks.
#[utoipa::path(get, path = "/api/v1/work-counts", responses(
    (status = 200, body = CountsJson), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn counts(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<CountsJson>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (person, now_ms) = (reader.user.id, reader.now_ms);
    let counts = blocking(move || {
        let sight = reader.sight(&state.app)?;
        state.app.governance.work_counts(person, &sight, now_ms)
    })
    .await?;
    Ok(Json(counts.into()))
}

/// Findings, those that press most and are due first at the head. Who does not read the inventory sees their own.
#[utoipa::path(get, path = "/api/v1/findings",
    params(
        ("state" = Option<String>, Query, description = "open, in-progress, closed, dismissed or all; those to be answered where nothing is said"),
        ("who" = Option<String>, Query, description = "me, or the number of a person"),
        ("rule" = Option<String>, Query, description = "Rule"),
        ("severity" = Option<String>, Query, description = "low, medium, high or critical"),
        ("unit" = Option<i64>, Query, description = "Number of a unit"),
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<FindingJson>),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn findings(
    State(state): State<WebState>,
    reader: Reader,
    Params(asked): Params<FindingQuery>,
    Params(rows): Params<Rows>,
) -> Result<Json<List<FindingJson>>, WebError> {
    let filter = asked.filter(&reader)?;
    let (number, page) = page_of(&rows)?;
    let found = blocking(move || {
        let filter = FindingFilter { sight: reader.sight(&state.app)?, ..filter };
        state.app.governance.findings(&filter, page)
    })
    .await?;
    Ok(Json(List::of(found, number, page)))
}

/// One finding.
#[utoipa::path(get, path = "/api/v1/findings/{reference}",
    params(("reference" = String, Path, description = "FND-0007")),
    responses((status = 200, body = FindingJson),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn finding(
    State(state): State<WebState>,
    reader: Reader,
    Path(reference): Path<String>,
) -> Result<Json<FindingJson>, WebError> {
    let by = reader.clone();
    let row = blocking(move || {
        by.must_see(&state.app, LinkKind::Finding, &reference, "finding")?;
        Ok::<_, WebError>(state.app.governance.finding(&reference)?)
    })
    .await?;
    let row = row.ok_or(WebError::NotFound("finding"))?;
    may_see(&reader, row.held.body.assignee)?;
    Ok(Json(row.into()))
}

/// Takes a step on a finding. A refusal names the guard.
#[utoipa::path(patch, path = "/api/v1/findings/{reference}", request_body = StepBody,
    params(("reference" = String, Path, description = "FND-0007")),
    responses((status = 200, body = FindingJson),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn step_finding(
    State(state): State<WebState>,
    reader: Reader,
    Path(reference): Path<String>,
    Body(body): Body<StepBody>,
) -> Result<Json<FindingJson>, WebError> {
    let told = ToldStep {
        person: body.person,
        day: body.day.unwrap_or_default(),
        reason: body.reason.unwrap_or_default(),
        evidence: body.evidence.unwrap_or_default(),
        cause: body.cause.unwrap_or_default(),
        worked: body.worked,
    };
    let step = finding_step(&body.step, told)?;
    let mut act = reader.act("");
    act.version = body.version;
    let row = blocking(move || {
        let governance = &state.app.governance;
        done(governance.step_finding(&reference, step, reader.who(), act)?, "finding")?;
        governance.finding(&reference)?.ok_or(WebError::NotFound("finding"))
    })
    .await?;
    Ok(Json(row.into()))
}

/// Assigns several findings, one after the other, each with its guards. What each came to.
#[utoipa::path(post, path = "/api/v1/findings", request_body = AssignBody,
    responses((status = 200, body = Vec<CameTo>),
        (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn assign_findings(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<AssignBody>,
) -> Result<Json<Vec<CameTo>>, WebError> {
    let mut act = reader.act("");
    act.batch = Some(format!("findings:{}:{}", reader.user.id, reader.now_ms));
    let (step, who) = (Step::Assign(body.person), reader.who());
    let came_to = blocking(move || state.app.governance.step_findings(body.findings, step, who, act)).await?;
    let told = came_to.into_iter().map(|(reference, changed)| match changed {
        Some(Ok(_)) => CameTo { reference, changed: true, guard: None, says: None },
        Some(Err(refused)) => CameTo {
            reference,
            changed: false,
            guard: Some(refused.guard.as_str().to_owned()),
            says: Some(refused.says),
        },
        None => CameTo {
            reference,
            changed: false,
            guard: None,
            says: Some("there is no such finding".to_owned()),
        },
    });
    Ok(Json(told.collect()))
}

/// Tasks, those that are due first at the head. Who does not read the inventory sees their own.
#[utoipa::path(get, path = "/api/v1/tasks",
    params(
        ("state" = Option<String>, Query, description = "all; those to be done where nothing is said"),
        ("who" = Option<String>, Query, description = "me, or the number of a person"),
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<TaskJson>),
        (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn tasks(
    State(state): State<WebState>,
    reader: Reader,
    Params(asked): Params<TaskQuery>,
    Params(rows): Params<Rows>,
) -> Result<Json<List<TaskJson>>, WebError> {
    let filter = asked.filter(&reader)?;
    let (number, page) = page_of(&rows)?;
    let found = blocking(move || {
        let filter = TaskFilter { sight: reader.sight(&state.app)?, ..filter };
        state.app.governance.tasks(&filter, page)
    })
    .await?;
    Ok(Json(List::of(found, number, page)))
}

/// Makes a task.
#[utoipa::path(post, path = "/api/v1/tasks", request_body = TaskBody,
    responses((status = 201, body = TaskJson),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn add_task(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<TaskBody>,
) -> Result<(StatusCode, Json<TaskJson>), WebError> {
    let purpose = match body.purpose.as_deref() {
        None | Some("") => Purpose::Other,
        Some(word) => Purpose::parse(word).ok_or_else(|| WebError::unknown_choice("purpose", word))?,
    };
    let due = day(body.due.as_deref())?;
    let row = blocking(move || {
        let kind = body.link_kind.unwrap_or_default();
        let task = Task {
            title: body.title,
            details: body.details,
            purpose,
            link: link(&state, &kind, &body.link_id.unwrap_or_default())?,
            assignee: body.assignee,
            due,
            ..Task::default()
        };
        let governance = &state.app.governance;
        let held = governance.add_task(task, reader.who(), reader.act(""))?.map_err(WebError::Guarded)?;
        governance.task(&held.body.id)?.ok_or(WebError::NotFound("task"))
    })
    .await?;
    Ok((StatusCode::CREATED, Json(row.into())))
}

/// One task.
#[utoipa::path(get, path = "/api/v1/tasks/{reference}",
    params(("reference" = String, Path, description = "TSK-0007")),
    responses((status = 200, body = TaskJson),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn task(
    State(state): State<WebState>,
    reader: Reader,
    Path(reference): Path<String>,
) -> Result<Json<TaskJson>, WebError> {
    let by = reader.clone();
    let row = blocking(move || {
        by.must_see(&state.app, LinkKind::Task, &reference, "task")?;
        Ok::<_, WebError>(state.app.governance.task(&reference)?)
    })
    .await?;
    let row = row.ok_or(WebError::NotFound("task"))?;
    may_see(&reader, row.held.body.assignee)?;
    Ok(Json(row.into()))
}

/// Takes a step on a task. A refusal names the guard.
#[utoipa::path(patch, path = "/api/v1/tasks/{reference}", request_body = StepBody,
    params(("reference" = String, Path, description = "TSK-0007")),
    responses((status = 200, body = TaskJson),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn step_task(
    State(state): State<WebState>,
    reader: Reader,
    Path(reference): Path<String>,
    Body(body): Body<StepBody>,
) -> Result<Json<TaskJson>, WebError> {
    let day = body.day.unwrap_or_default();
    let (reason, evidence) = (body.reason.unwrap_or_default(), body.evidence.unwrap_or_default());
    let step = task_step(&body.step, body.person, &day, reason, evidence)?;
    let mut act = reader.act("");
    act.version = body.version;
    let row = blocking(move || {
        let governance = &state.app.governance;
        done(governance.step_task(&reference, step, reader.who(), act)?, "task")?;
        governance.task(&reference)?.ok_or(WebError::NotFound("task"))
    })
    .await?;
    Ok(Json(row.into()))
}

/// Words of an address that narrow the list of documents.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DocumentQuery {
    link_kind: String,
    link_id: String,
    superseded: bool,
}

/// Documents, the newest first.
#[utoipa::path(get, path = "/api/v1/documents",
    params(
        ("link_kind" = Option<String>, Query, description = "system, finding, vendor, campaign, requirement or task"),
        ("link_id" = Option<String>, Query, description = "The id of that, as documents have it"),
        ("superseded" = Option<bool>, Query, description = "Superseded ones too"),
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<DocumentJson>),
        (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn documents(
    State(state): State<WebState>,
    reader: Reader,
    Params(asked): Params<DocumentQuery>,
    Params(rows): Params<Rows>,
) -> Result<Json<List<DocumentJson>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (number, page) = page_of(&rows)?;
    let link = match asked.link_kind.as_str() {
        "" => None,
        word => {
            let kind = LinkKind::parse(word).ok_or_else(|| WebError::unknown_choice("link_kind", word))?;
            Some(crate::model::task::Link::to(kind, asked.link_id.clone()))
        }
    };
    let today = Day::from_unix_ms(reader.now_ms);
    let found = blocking(move || {
        let filter = DocumentFilter { link, superseded: asked.superseded, sight: reader.sight(&state.app)? };
        state.app.governance.documents(&filter, page)
    })
    .await?;
    let rows = found.rows.into_iter().map(|row| DocumentJson::of(row, today)).collect();
    Ok(Json(List::of(Page { rows, total: found.total }, number, page)))
}

/// Attaches a document. None is taken back; another one takes its place.
#[utoipa::path(post, path = "/api/v1/documents", request_body = DocumentBody,
    responses((status = 201, body = DocumentJson),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn attach(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<DocumentBody>,
) -> Result<(StatusCode, Json<DocumentJson>), WebError> {
    let kind = DocumentKind::parse(&body.kind).ok_or_else(|| WebError::unknown_choice("kind", &body.kind))?;
    let (from, to) = (day(body.effective_from.as_deref())?, day(body.effective_to.as_deref())?);
    let expires = day(body.expires.as_deref())?;
    let today = Day::from_unix_ms(reader.now_ms);
    let row = blocking(move || {
        let link = link(&state, &body.link_kind, &body.link_id)?.ok_or(WebError::BadRequest)?;
        let document = Document {
            link,
            kind,
            title: body.title,
            location: body.location,
            sha256: body.sha256,
            effective_from: from,
            effective_to: to,
            expires,
            supersedes: body.supersedes,
            ..Document::default()
        };
        let governance = &state.app.governance;
        let held = governance.attach(document, reader.who(), reader.act(""))?.map_err(WebError::Guarded)?;
        governance.document(&held.body.id)?.ok_or(WebError::NotFound("document"))
    })
    .await?;
    Ok((StatusCode::CREATED, Json(DocumentJson::of(row, today))))
}

/// Hashes a file, of at most 32 MiB, and forgets it: for who attaches it and has no tool for that at hand.
#[utoipa::path(post, path = "/api/v1/documents/hash",
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 200, body = Hashed),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn hash(reader: Reader, file: Bytes) -> Result<Json<Hashed>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    if file.is_empty() {
        return Err(WebError::Unreadable {
            status: StatusCode::BAD_REQUEST,
            says: "there is no file in the body".to_owned(),
        });
    }
    let hashed = blocking(move || {
        let digest = ring::digest::digest(&ring::digest::SHA256, &file);
        Ok::<_, WebError>(Hashed {
            sha256: data_encoding::HEXLOWER.encode(digest.as_ref()),
            bytes: file.len() as u64,
        })
    })
    .await?;
    Ok(Json(hashed))
}

/// One document.
#[utoipa::path(get, path = "/api/v1/documents/{reference}",
    params(("reference" = String, Path, description = "DOC-0007")),
    responses((status = 200, body = DocumentJson),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn document(
    State(state): State<WebState>,
    reader: Reader,
    Path(reference): Path<String>,
) -> Result<Json<DocumentJson>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let now_ms = reader.now_ms;
    let row = blocking(move || {
        let row = state.app.governance.document(&reference)?.ok_or(WebError::NotFound("document"))?;
        let link = &row.held.body.link;
        reader.must_see(&state.app, link.kind, &link.id, "document")?;
        Ok::<_, WebError>(row)
    })
    .await?;
    Ok(Json(DocumentJson::of(row, Day::from_unix_ms(now_ms))))
}

/// Vendors whose products were seen, that a record uses, or that were assessed.
#[utoipa::path(get, path = "/api/v1/vendors",
    params(
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<VendorJson>),
        (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn vendors(
    State(state): State<WebState>,
    reader: Reader,
    Params(rows): Params<Rows>,
) -> Result<Json<List<VendorJson>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (number, page) = page_of(&rows)?;
    let (used, least) = blocking(move || {
        let used = state.app.governance.vendors_in_use(&reader.sight(&state.app)?)?;
        Ok::<_, StoreError>((used, reader.least(&state.app)?))
    })
    .await?;
    let total = used.len() as u64;
    let skip = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let rows = used.into_iter().skip(skip).take(page.limit as usize);
    let rows: Vec<VendorJson> = rows.map(|used| VendorJson::of(used, least)).collect();
    Ok(Json(List::of(Page { rows, total }, number, page)))
}

/// The dossier of a vendor.
#[utoipa::path(get, path = "/api/v1/vendors/{id}",
    params(("id" = String, Path, description = "Id in the catalogue, such as openai")),
    responses((status = 200, body = Dossier),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn vendor(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<Dossier>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let dossier = blocking(move || dossier(&state, &reader, &id)).await?;
    Ok(Json(dossier))
}

fn dossier(state: &WebState, reader: &Reader, id: &str) -> Result<Dossier, WebError> {
    known_vendor(state, id)?;
    let known = state.app.catalogue.known();
    let facts = VendorFacts::of(known.catalogue(), id, None);
    let mut used = state.app.governance.vendor_in_use(id, &reader.sight(&state.app)?)?;
    if let Some(facts) = &facts {
        used.name = facts.vendor.name.to_string();
    }
    let open_questions = open_questions(facts.as_ref()).into_iter().map(str::to_owned).collect();
    let vendor = VendorJson::of(used, reader.least(&state.app)?);
    Ok(Dossier { vendor, facts: facts.map(Into::into), open_questions })
}

/// Records an assessment of a vendor in the place of the one before, which stays in the trail.
#[utoipa::path(patch, path = "/api/v1/vendors/{id}", request_body = AssessmentBody,
    params(("id" = String, Path, description = "Id in the catalogue, such as openai")),
    responses((status = 200, body = Dossier),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn assess_vendor(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Body(body): Body<AssessmentBody>,
) -> Result<Json<Dossier>, WebError> {
    let assessment = VendorAssessment {
        vendor: id.clone(),
        assessment: Assessment {
            state: AssessmentState::parse(&body.state)
                .ok_or_else(|| WebError::unknown_choice("state", &body.state))?,
            date: day(body.date.as_deref())?,
            link: body.link,
            sha256: body.sha256,
            expires: day(body.expires.as_deref())?,
            assessor: body.assessor,
        },
        result: body.result,
    };
    let mut act = reader.act(reason(&body.reason.unwrap_or_default(), 2_000)?);
    act.version = body.version;
    let dossier = blocking(move || {
        known_vendor(&state, &id)?;
        state.app.governance.assess_vendor(assessment, reader.who(), act)?.map_err(WebError::Guarded)?;
        dossier(&state, &reader, &id)
    })
    .await?;
    Ok(Json(dossier))
}
