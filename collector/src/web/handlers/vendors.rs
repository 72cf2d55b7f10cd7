//! `/vendors`: who supplies what is used here.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use umbrascope_rules::Standing;

use super::findings::home;
use super::{page, work};
use crate::model::governed::Actor;
use crate::model::record::{Assessment, AssessmentState};
use crate::model::supplier::VendorAssessment;
use crate::model::task::{Link, LinkKind, Purpose};
use crate::model::{Deed, VendorFacts};
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::t;
use crate::web::list::{ListQuery, PAGE_ROWS, Pager, page_number};
use crate::web::pages::{DossierPage, VendorLine, VendorsPage};
use crate::web::url::{Address, encode};
use crate::web::{WebState, blocking};

/// Every vendor in use.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let number = page_number(&query.page)?;
    let here = Address::new("/vendors");
    let frame = reader.frame(Here::Vendors, None);
    blocking(move || {
        let mut used = state.app.governance.vendors_in_use(&reader.sight(&state.app)?)?;
        let total = used.len() as u64;
        let from = usize::try_from((number - 1) * u64::from(PAGE_ROWS)).unwrap_or(usize::MAX).min(used.len());
        used.drain(..from);
        used.truncate(PAGE_ROWS as usize);
        let known = state.app.catalogue.known();
        let line = |used: crate::model::supplier::VendorUse| {
            let facts = VendorFacts::of(known.catalogue(), &used.vendor, None);
            VendorLine { answered: facts.map(|facts| (facts.answered(), facts.questions.len())), used }
        };
        let rows: Vec<VendorLine> = used.into_iter().map(line).collect();
        page(&VendorsPage {
            frame,
            pager: Pager::new((number, rows.len(), total), "vendor", &here, "page"),
            rows,
        })
    })
    .await
}

/// The dossier of one.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let frame =
        reader.frame(Here::Vendors, (!query.done.is_empty()).then_some(t("The assessment is recorded.")));
    blocking(move || {
        work::known_vendor(&state, &id)?;
        let known = state.app.catalogue.known();
        let facts = VendorFacts::of(known.catalogue(), &id, None);
        let mut used = state.app.governance.vendor_in_use(&id, &reader.sight(&state.app)?)?;
        if let Some(facts) = &facts {
            used.name = facts.vendor.name.to_string();
        }
        let by = used.assessment.as_ref().and_then(|held| held.stamps.values().max_by_key(|stamp| stamp.seq));
        let recorded_by = match by.and_then(|stamp| Actor::person_in(&stamp.by)) {
            Some(person) => state.app.people.person(person)?.map(|row| row.details.display_name),
            None => None,
        };
        let assesses = work::triages(&reader, &[]);
        let back = format!("/vendors/{}", encode(&id));
        let link = Link::to(LinkKind::Vendor, id.as_str());
        page(&DossierPage {
            least: reader.least(&state.app)?,
            frame,
            open: open_questions(facts.as_ref()),
            facts,
            used,
            assesses,
            recorded_by,
            tasks: work::tasks(
                &state,
                &reader,
                (link.clone(), &home(&reader)),
                &id,
                &back,
                assesses,
                Purpose::SupplierAssessment,
            )?,
            documents: work::documents(&state, &reader, link, &id, &back, assesses)?,
            id,
        })
    })
    .await
}

/// Questions that no source answers.
pub(crate) fn open_questions(facts: Option<&VendorFacts>) -> Vec<&'static str> {
    let unanswered = |question: &&crate::model::Question| {
        question.answers.iter().all(|answer| answer.standing == Standing::Unknown)
    };
    let questions = facts.map(|facts| facts.questions.as_slice()).unwrap_or_default();
    questions.iter().filter(unanswered).map(|question| t(question.framework.label())).collect()
}

/// An assessment as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentAssessment {
    csrf: String,
    version: String,
    state: String,
    date: String,
    expires: String,
    assessor: String,
    link: String,
    sha256: String,
    result: String,
    reason: String,
}

/// Records an assessment.
pub(crate) async fn assess(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<SentAssessment>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    let back = format!("/vendors/{}?done=assessed", encode(&id));
    let assessment = VendorAssessment {
        vendor: id.clone(),
        assessment: Assessment {
            state: AssessmentState::parse(&sent.state)
                .ok_or_else(|| WebError::unknown_choice("state", &sent.state))?,
            date: work::day(&sent.date)?,
            link: work::given(&sent.link),
            sha256: work::given(&sent.sha256),
            expires: work::day(&sent.expires)?,
            assessor: work::given(&sent.assessor),
        },
        result: work::given(&sent.result),
    };
    let mut act = reader.act(sent.reason.trim().chars().take(2_000).collect::<String>());
    act.version = sent.version.parse().ok();
    blocking(move || {
        work::known_vendor(&state, &id)?;
        state.app.governance.assess_vendor(assessment, reader.who(), act)?.map_err(WebError::Guarded)
    })
    .await?;
    Ok(Redirect::to(&back).into_response())
}
