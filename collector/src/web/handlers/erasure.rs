//! `/privacy/erasures`: requests to erase what is kept for one pseudonym, which take two people.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page;
use crate::AppState;
use crate::erasure::{self, Erasure, Step};
use crate::model::governed::Held;
use crate::model::{AssetId, Deed, Looked};
use crate::review::Refused;
use crate::web::error::{WebError, status_of};
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::t;
use crate::web::list::{Pager, page_number, rows_of};
use crate::web::names::Names;
use crate::web::pages::{ErasureView, ErasuresPage};
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ErasuresQuery {
    page: String,
    done: String,
    machine: String,
}

/// The requests, and the pseudonyms of one machine for who may ask.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ErasuresQuery>,
) -> Result<Response, WebError> {
    let notice = match query.done.as_str() {
        "ask" => Some(t("It is asked for. A privacy officer who is another person has to approve.")),
        "approve" => Some(t("It is erased. What was deleted stands below, and in the audit trail.")),
        "decline" => Some(t("It is declined. Nothing was deleted.")),
        "withdraw" => Some(t("It is taken back. Nothing was deleted.")),
        _ => None,
    };
    blocking(move || erasures_page(&state, &reader, &query, notice, None)).await
}

/// Pseudonyms of the machines of one name, for who may ask for one of them; that it was looked at is noted. Blocks.
pub(crate) fn pseudonyms(
    app: &AppState,
    reader: &Reader,
    machine: &str,
) -> Result<Vec<(AssetId, Vec<String>)>, WebError> {
    reader.must_propose(Deed::ReadPersons, &[])?;
    erasure::may_ask(&reader.who()).map_err(WebError::Guarded)?;
    let found = app.governance.pseudonyms_on(machine)?;
    for (asset, _) in &found {
        app.people.note_reading(reader.user.id, Looked::Asset(*asset), reader.now_ms)?;
    }
    Ok(found)
}

/// What the form for a request holds, and why it was not taken.
struct Refusal {
    pseudonym: String,
    reason: String,
    refused: Refused,
}

/// The page. Blocks.
fn erasures_page(
    state: &WebState,
    reader: &Reader,
    query: &ErasuresQuery,
    notice: Option<&'static str>,
    refusal: Option<Refusal>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::SetRetention)?;
    let number = page_number(&query.page)?;
    let found = state.app.governance.erasures(rows_of(number))?;
    let people = found.rows.iter().flat_map(|held| {
        let ended = held.body.end.as_ref().map(|end| end.mark.by);
        [Some(held.body.asked.by), ended].into_iter().flatten()
    });
    let names = Names::load(&state.app, &people.collect())?;
    let machine = query.machine.trim();
    let asks = erasure::may_ask(&reader.who()).is_ok();
    let looks = asks && reader.must_propose(Deed::ReadPersons, &[]).is_ok();
    let machines = match machine.is_empty() || !looks {
        true => Vec::new(),
        false => pseudonyms(&state.app, reader, machine)?,
    };
    let status = refusal.as_ref().map(|refusal| status_of(refusal.refused.guard));
    let view = |held: &Held<Erasure>| ErasureView::of(&held.body, &names, reader.user.id);
    let (pseudonym, reason, problem) = match refusal {
        Some(refusal) => (refusal.pseudonym, refusal.reason, Some(refusal.refused.to_string())),
        None => (String::new(), String::new(), None),
    };
    let answer = page(&ErasuresPage {
        frame: reader.frame(Here::Privacy, notice),
        rows: found.rows.iter().map(view).collect(),
        pager: Pager::new(
            (number, found.rows.len(), found.total),
            "request",
            &Address::new("/privacy/erasures"),
            "page",
        ),
        asks,
        looks,
        decides: reader.must(Deed::SetRetention, &[]).is_ok(),
        machine: machine.to_owned(),
        machines,
        pseudonym,
        reason,
        problem,
    })?;
    Ok(match status {
        Some(status) => (status, answer).into_response(),
        None => answer,
    })
}

/// A request as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentErasure {
    csrf: String,
    pseudonym: String,
    reason: String,
}

/// Asks that what is kept for a pseudonym is erased. What was typed is given back where it cannot be.
pub(crate) async fn ask(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentErasure>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    reader.must_read(Deed::SetRetention)?;
    let act = reader.act(sent.reason.trim());
    blocking(move || {
        let pseudonym = sent.pseudonym.trim().to_owned();
        match state.app.governance.ask_erasure(&pseudonym, reader.who(), act)? {
            Ok(_) => Ok::<_, WebError>(Redirect::to("/privacy/erasures?done=ask").into_response()),
            Err(refused) => {
                let refusal = Refusal { pseudonym, reason: sent.reason, refused };
                erasures_page(&state, &reader, &ErasuresQuery::default(), None, Some(refusal))
            }
        }
    })
    .await
}

/// A step as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentStep {
    csrf: String,
    step: String,
}

/// Approves a request, declines it or takes it back.
pub(crate) async fn step(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<SentStep>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    reader.must_read(Deed::SetRetention)?;
    let step = Step::parse(&sent.step).ok_or_else(|| WebError::unknown_choice("step", &sent.step))?;
    may_take(&reader, step)?;
    let act = reader.act("");
    let changed = blocking(move || state.app.governance.step_erasure(&id, step, reader.who(), act)).await?;
    super::work::done(changed, t("request to erase"))?;
    Ok(Redirect::to(&format!("/privacy/erasures?done={}", step.as_str())).into_response())
}

/// Refuses who decides nothing here, and who has not signed in again what deletes for good.
pub(crate) fn may_take(reader: &Reader, step: Step) -> Result<(), WebError> {
    match step {
        Step::Approve => {
            reader.must(Deed::SetRetention, &[])?;
            reader.must_be_fresh_for("/privacy/erasures")
        }
        Step::Decline => reader.must(Deed::SetRetention, &[]),
        Step::Withdraw => Ok(()),
    }
}
