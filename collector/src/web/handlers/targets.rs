//! `/indicators/{id}`: one indicator, what it is to come to, and who answers for that.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::findings::home;
use super::work;
use crate::model::Deed;
use crate::model::governed::Governed as _;
use crate::readiness::{Target, indicator_named, indicators};
use crate::web::error::{WebError, status_of};
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::t;
use crate::web::list::ListQuery;
use crate::web::pages::{TargetForm, TargetPage};
use crate::web::pick::one_person;
use crate::web::{WebState, blocking};

/// One indicator.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let notice = match query.done.as_str() {
        "set" => Some(t("The target is set.")),
        _ => None,
    };
    blocking(move || shown(&state, &reader, &id, notice, None)).await
}

/// A target as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentTarget {
    csrf: String,
    version: String,
    value: String,
    owner: String,
    reason: String,
}

/// Sets a target, or takes it back where no value is given. What was typed is given back where it cannot be kept.
pub(crate) async fn set(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<SentTarget>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    reader.must(Deed::DecideScope, &[])?;
    indicator_named(&id).ok_or(WebError::NotFound("indicator"))?;
    let version = sent.version.parse().map_err(|_| WebError::BadRequest)?;
    blocking(move || {
        let problem = match read(&state, &id, &sent) {
            Ok(target) => {
                let act = reader.act(target.reason.trim()).on(version);
                match state.app.governance.set_target(target, act)? {
                    Ok(_) => return Ok(Redirect::to(&format!("/indicators/{id}?done=set")).into_response()),
                    Err(refused) => refused,
                }
            }
            Err(WebError::Guarded(refused)) => refused,
            Err(WebError::Unclear(unclear)) => unclear.refused(),
            Err(other) => return Err(other),
        };
        let form = TargetForm {
            value: sent.value,
            owner: sent.owner,
            reason: sent.reason,
            problem: Some(problem.to_string()),
        };
        let mut answer = shown(&state, &reader, &id, None, Some(form))?;
        *answer.status_mut() = status_of(problem.guard);
        Ok(answer)
    })
    .await
}

fn read(state: &WebState, id: &str, sent: &SentTarget) -> Result<Target, WebError> {
    let value = match sent.value.trim() {
        "" => None,
        text => Some(text.parse().map_err(|_| {
            WebError::Guarded(crate::review::Refused::new(
                crate::review::Guard::Fields,
                t("the target is a whole number that is not negative, or empty to take it back"),
            ))
        })?),
    };
    let owner = one_person(&*state.app.people, &sent.owner)?;
    Ok(Target { id: id.to_owned(), value, owner, reason: sent.reason.clone() })
}

/// The page. Blocks.
fn shown(
    state: &WebState,
    reader: &Reader,
    id: &str,
    notice: Option<&'static str>,
    form: Option<TargetForm>,
) -> Result<Response, WebError> {
    let governance = &state.app.governance;
    let frame = reader.frame(Here::Indicators, notice);
    let gathered = governance.gathered(reader.now_ms)?;
    let measured = indicators(&gathered.facts(frame.today)).into_iter().find(|one| one.indicator.id == id);
    let measured = measured.ok_or(WebError::NotFound("indicator"))?;
    let held = governance.targets()?.into_iter().find(|held| held.body.id == id);
    let (version, target) = held.map_or((0, None), |held| (held.version, Some(held.body)));
    let owner = target.as_ref().and_then(|target| target.owner);
    let history = work::history(state, Target::KIND, id)?;
    let people = work::people(state, &home(reader), [owner].into_iter().chain(work::actors(&history)))?;
    let form = form.unwrap_or_else(|| {
        let set = target.clone().unwrap_or_default();
        let value = set.value.map_or_else(String::new, |value| value.to_string());
        TargetForm { value, owner: people.field(owner).to_owned(), reason: set.reason, problem: None }
    });
    super::page(&TargetPage {
        verdict: measured.against(target.as_ref()),
        words: target.as_ref().and_then(Target::words),
        owner: owner.map(|owner| people.name(&owner)),
        reason: target.map(|target| target.reason),
        may_set: reader.must(Deed::DecideScope, &[]).is_ok(),
        history,
        kept: governance.kept_indicators()?.into_iter().map(|held| held.body).take(12).collect(),
        frame,
        measured,
        version,
        form,
        people,
    })
}
