//! `/suspects`: whether domains that look like AI are collected, which takes two people, and the queue of them.

use std::sync::OnceLock;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use umbrascope_rules::Suspects as Signs;

use super::page;
use crate::model::{Deed, Dismissal, Step};
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{message, say, t};
use crate::web::list::{ListQuery, Pager, page_number, rows_of};
use crate::web::pages::{SuspectView, SuspectsPage};
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// Steps that the page lists.
const STEPS: u32 = 20;
/// Longest reason, in characters.
pub(crate) const REASON_CHARS: usize = 200;

/// The queue.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let notice = match query.done.as_str() {
        "asked" => Some(t("It is asked for. Another person has to confirm within seven days.")),
        "confirmed" => Some(t("It is on. Sensors begin with their next report.")),
        "withdrawn" => Some(t(
            "It is withdrawn. Sensors stop, and forget what they had not sent, with their next report.",
        )),
        "dismissed" => Some(t("The domain is dismissed. Nothing more of it is taken.")),
        "restored" => Some(t("The dismissal is taken back.")),
        _ => None,
    };
    suspects_page(&state, &reader, &query, notice, None).await
}

async fn suspects_page(
    state: &WebState,
    reader: &Reader,
    query: &ListQuery,
    notice: Option<&'static str>,
    problem: Option<String>,
) -> Result<Response, WebError> {
    let number = page_number(&query.page)?;
    let dismissed = match query.kind.as_str() {
        "" => false,
        "dismissed" => true,
        other => return Err(WebError::unknown_choice("kind", other)),
    };
    let (store, now_ms) = (state.app.store.clone(), reader.now_ms);
    let (setting, steps, found) = blocking(move || {
        Ok::<_, StoreError>((
            store.suspect_setting(now_ms)?,
            store.suspect_steps(STEPS)?,
            store.suspects(dismissed, rows_of(number))?,
        ))
    })
    .await?;
    let mut address = Address::new("/suspects");
    if dismissed {
        address = address.with("kind", "dismissed");
    }
    let pager = Pager::new((number, found.rows.len(), found.total), "domain", &address, "page");
    let view = |row: crate::model::SuspectDomain| {
        let judged = signs().judge(&row.domain);
        SuspectView { signs: judged.map(|judged| judged.signs.to_string()).unwrap_or_default(), row }
    };
    page(&SuspectsPage {
        frame: reader.frame(Here::Suspects, notice),
        setting,
        steps,
        problem,
        dismissed,
        rows: found.rows.into_iter().map(view).collect(),
        pager,
    })
}

/// A step as the form has it.
#[derive(Debug, Deserialize)]
pub(crate) struct SentStep {
    csrf: String,
    step: String,
}

/// Refuses who may not take this step. Who deploys, who administers and the privacy officer may ask and withdraw; to confirm takes a
/// privacy officer, who is another person than the one who asked.
pub(crate) fn may_step(reader: &Reader, step: Step) -> Result<(), WebError> {
    match step {
        Step::Confirmed => {
            reader.must(Deed::ChangeCollection, &[])?;
            reader.who().stands_alone(reader.now_ms).map_err(WebError::Guarded)
        }
        Step::Asked | Step::Withdrawn => reader.must_propose(Deed::ChangeCollection, &[]),
    }
}

/// Asks for it, confirms it or withdraws it.
pub(crate) async fn step(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentStep>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    let step = Step::ALL.into_iter().find(|step| step.as_str() == sent.step).ok_or(WebError::BadRequest)?;
    may_step(&reader, step)?;
    let (store, person, now_ms) = (state.app.store.clone(), reader.user.name.clone(), reader.now_ms);
    match blocking(move || store.step_suspects(step, &person, now_ms)).await? {
        Ok(_) => {
            tracing::info!(
                step = step.as_str(),
                person = reader.user.name,
                "the collection of suspects changed"
            );
            Ok(Redirect::to(&format!("/suspects?done={}", step.as_str())).into_response())
        }
        Err(refused) => {
            let problem = say!("That was not done: {0}.", message(refused));
            suspects_page(&state, &reader, &ListQuery::default(), None, Some(problem)).await
        }
    }
}

/// A decision about one domain as the form has it.
#[derive(Debug, Deserialize)]
pub(crate) struct SentDecision {
    csrf: String,
    #[serde(default)]
    reason: String,
}

/// Dismisses a domain, with a reason.
pub(crate) async fn dismiss(
    State(state): State<WebState>,
    reader: Reader,
    Path(domain): Path<String>,
    Form(sent): Form<SentDecision>,
) -> Result<Response, WebError> {
    reader.must(Deed::Triage, &[])?;
    reader.check_form(&sent.csrf)?;
    let reason = sent.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS {
        let problem =
            say!("That was not done: a dismissal needs a reason, in at most {0} characters.", REASON_CHARS);
        return suspects_page(&state, &reader, &ListQuery::default(), None, Some(problem)).await;
    }
    let dismissal = Dismissal { reason, person: reader.user.name.clone(), at_ms: reader.now_ms };
    let known = blocking(move || state.app.store.dismiss_suspect(&domain, &dismissal)).await?;
    if known {
        Ok(Redirect::to("/suspects?done=dismissed").into_response())
    } else {
        Err(WebError::NotFound("suspect"))
    }
}

/// Takes a dismissal back.
pub(crate) async fn restore(
    State(state): State<WebState>,
    reader: Reader,
    Path(domain): Path<String>,
    Form(sent): Form<SentDecision>,
) -> Result<Response, WebError> {
    reader.must(Deed::Triage, &[])?;
    reader.check_form(&sent.csrf)?;
    let by = reader.by("");
    let known = blocking(move || state.app.store.restore_suspect(&domain, &by)).await?;
    if known {
        Ok(Redirect::to("/suspects?done=restored").into_response())
    } else {
        Err(WebError::NotFound("dismissal"))
    }
}

/// The table that tells why a domain looks like AI.
fn signs() -> &'static Signs {
    static TABLE: OnceLock<Signs> = OnceLock::new();
    TABLE.get_or_init(Signs::embedded)
}
