//! What waits for the reader in campaigns, and the answers, as JSON.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::record_types::{FieldValue, RecordBody, values};
use super::request::{Body, Params, Rows, page_of};
use super::types::{List, Moment, Problem};
use crate::model::Deed;
use crate::model::campaign::{Answer, Change, OpenRow, SentAnswer};
use crate::review::{Guard, Refused};
use crate::store::StoreError;
use crate::web::{Reader, WebError, WebState, blocking, person_by};

/// Most answers in one request.
const ANSWERS: usize = 100;

/// A row that waits for the reader.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Waiting {
    /// UUID of the row.
    id: String,
    /// Reference of the campaign.
    campaign: String,
    /// The last day to answer.
    #[schema(format = Date)]
    due: String,
    /// Hash of the version that is sent here: it goes back with the answer.
    seen: String,
    /// When the reader confirmed it last.
    confirmed_at: Option<Moment>,
    /// What changed since then.
    #[schema(value_type = Vec<FieldChange>)]
    changes: Vec<Change>,
    /// Whether it cannot be confirmed now, since sensors are silent.
    blocked: bool,
    /// The record.
    #[schema(value_type = RecordBody)]
    record: crate::model::record::AiSystem,
}

impl From<OpenRow> for Waiting {
    fn from(open: OpenRow) -> Self {
        Self {
            id: open.held.body.id,
            campaign: open.campaign.reference,
            due: open.campaign.schedule.due.to_string(),
            seen: open.system.held.hash,
            confirmed_at: open.confirmed_at_ms.map(Moment::of),
            changes: open.changes,
            blocked: open.blocked,
            record: open.system.held.body,
        }
    }
}

/// What waits for the reader. It is noted that it was sent: only what was sent can be answered.
#[utoipa::path(get, path = "/api/v1/attest",
    params(("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"), ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<Waiting>), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn mine(
    State(state): State<WebState>,
    reader: Reader,
    Params(rows): Params<Rows>,
) -> Result<Json<List<Waiting>>, WebError> {
    reader.must_somewhere(Deed::AnswerCampaign)?;
    let (number, page) = page_of(&rows)?;
    let (person, now_ms) = (reader.user.id, reader.now_ms);
    let found = blocking(move || state.app.governance.serve_rows(person, page, now_ms, false)).await?;
    Ok(Json(List::of(found, number, page)))
}

/// Answers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answers {
    /// At most 100. Each is taken or refused by itself.
    answers: Vec<OneAnswer>,
}

/// One answer.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct OneAnswer {
    /// Id of the row.
    row: String,
    /// Hash of the version that was sent.
    seen: String,
    /// `confirm`, `amend`, `reassign`, `retire` or `not-mine`.
    answer: String,
    /// With `amend`: fields and their new values, as `PATCH /systems/{id}` takes them; an owner sets fewer of them.
    changes: BTreeMap<String, FieldValue>,
    /// With `reassign`: sign-in name or e-mail address of the next owner.
    to: String,
    /// With `retire`: the day of its end.
    retired_on: String,
    /// With `retire`: what shows that nothing is left.
    disposal_evidence: String,
    /// What is said besides; with `retire` and `not-mine` the reason.
    comment: String,
}

/// What became of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AnswerCameTo {
    /// Id of the row.
    row: String,
    /// State of the row; null: the answer was not taken.
    state: Option<&'static str>,
    /// Why it was not taken.
    refused: Option<RefusedAnswer>,
}

/// Why something was not done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusedAnswer {
    /// The guard that refused it.
    guard: &'static str,
    /// Names of fields that are missing or wrong.
    missing: Vec<String>,
    /// What is wrong, and what to do.
    says: String,
}

impl From<Refused> for RefusedAnswer {
    fn from(refused: Refused) -> Self {
        let Refused { guard, missing, says } = refused;
        Self { guard: guard.as_str(), missing, says }
    }
}

/// A field that changed.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldChange {
    /// What people read for it.
    label: String,
    /// What was there; null: it cannot be told any more.
    before: Option<String>,
    /// What is there.
    after: String,
}

/// Takes answers, each by itself.
#[utoipa::path(post, path = "/api/v1/attest", request_body = Answers,
    responses((status = 200, body = Vec<AnswerCameTo>), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn answer(
    State(state): State<WebState>,
    reader: Reader,
    Body(sent): Body<Answers>,
) -> Result<Json<Vec<AnswerCameTo>>, WebError> {
    reader.must_somewhere(Deed::AnswerCampaign)?;
    if sent.answers.is_empty() || sent.answers.len() > ANSWERS {
        return Err(WebError::BadRequest);
    }
    let (app, who, act) = (state.app.clone(), reader.who(), reader.act(""));
    let came_to = blocking(move || {
        let (mut came_to, mut answers) = (Vec::new(), Vec::new());
        for one in sent.answers {
            let said = match one.answer.as_str() {
                "confirm" => Ok(Answer::Confirm),
                "amend" => Ok(Answer::Amend(values(one.changes))),
                "reassign" => person_by(app.people.as_ref(), &one.to)?
                    .map(Answer::Reassign)
                    .ok_or("there is nobody in the directory with that name or address"),
                "retire" => one
                    .retired_on
                    .parse()
                    .map(|retired_on| Answer::Retire { retired_on, disposal_evidence: one.disposal_evidence })
                    .map_err(|_| "name the day of its end, as in 2026-11-30"),
                "not-mine" => Ok(Answer::NotMine),
                _ => Err("an answer is confirm, amend, reassign, retire or not-mine"),
            };
            match said {
                Ok(answer) => {
                    answers.push(SentAnswer { row: one.row, seen: one.seen, answer, comment: one.comment })
                }
                Err(says) => {
                    let refused = Some(Refused::new(Guard::Fields, says).into());
                    came_to.push(AnswerCameTo { row: one.row, state: None, refused });
                }
            }
        }
        for (row, changed) in app.governance.answer_rows(answers, who, act)? {
            let (state, refused) = match changed {
                Some(Ok(held)) => (Some(held.body.state.as_str()), None),
                Some(Err(why)) => (None, Some(why.into())),
                None => (None, Some(Refused::new(Guard::Target, "there is no such row").into())),
            };
            came_to.push(AnswerCameTo { row, state, refused });
        }
        Ok::<_, StoreError>(came_to)
    })
    .await?;
    Ok(Json(came_to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_described_as_it_is_answered() {
        for before in [None, Some("x".to_owned())] {
            let change = Change { label: "Purpose".to_owned(), before, after: "y".to_owned() };
            let answered = serde_json::to_value(&change).unwrap();
            let read: FieldChange = serde_json::from_value(answered.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), answered);
        }
    }
}
