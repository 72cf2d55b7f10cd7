//! `/attest`: what somebody answers for, and their answers.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;
use umbrascope_api::Day;

use super::page;
use crate::model::campaign::{Answer, OpenRow, SentAnswer};
use crate::model::record::{AiSystem, named, shown};
use crate::model::{Deed, Page, PageRequest, PersonFilter};
use crate::store::StoreError;
use crate::store::people::People;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{say, t};
use crate::web::list::{ListQuery, Pager, page_number};
use crate::web::pages::{AMEND_ON_PAGE, AttestPage, AttestRow, Typed};
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// Rows of a page: each is as long as a record.
const ROWS: u32 = 20;

/// What waits for the reader.
pub(crate) async fn mine(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_somewhere(Deed::AnswerCampaign)?;
    let number = page_number(&query.page)?;
    let taken = query.done.parse().unwrap_or(0);
    let (governance, person, now_ms) = (state.app.governance.clone(), reader.user.id, reader.now_ms);
    let (found, escalated) = blocking(move || {
        Ok::<_, StoreError>((
            governance.serve_rows(person, rows_of(number), now_ms, false)?,
            governance.rows_escalated_to(person, now_ms)?,
        ))
    })
    .await?;
    let shown = Shown { taken, problem: None, number, escalated, typed: BTreeMap::new() };
    attest_page(&reader, found, shown)
}

fn rows_of(number: u64) -> PageRequest {
    PageRequest { offset: (number - 1) * u64::from(ROWS), limit: ROWS }
}

/// What the page says beside its rows.
struct Shown {
    taken: u64,
    problem: Option<String>,
    number: u64,
    escalated: Vec<crate::model::campaign::RowView>,
    /// By the id of the row: what was typed, and why it is not taken.
    typed: BTreeMap<String, (Typed, Option<String>)>,
}

fn attest_page(reader: &Reader, found: Page<OpenRow>, mut shown: Shown) -> Result<Response, WebError> {
    let pager =
        Pager::new((shown.number, found.rows.len(), found.total), "record", &Address::new("/attest"), "page");
    let rows = found.rows.into_iter().enumerate().map(|(number, open)| {
        let (typed, problem) = match shown.typed.remove(&open.held.body.id) {
            Some((typed, problem)) => (Some(typed), problem),
            None => (None, None),
        };
        AttestRow { number, open, typed, problem }
    });
    page(&AttestPage {
        frame: reader.frame(Here::Attest, None),
        taken: shown.taken,
        problem: shown.problem,
        page: shown.number,
        rows: rows.collect(),
        escalated: shown.escalated,
        pager,
    })
}

/// One row of the form.
#[derive(Debug, Default)]
struct SentRow {
    row: String,
    seen: String,
    typed: Typed,
}

/// The rows of a form, by their numbers; names are `what.number` and, of a field, `f.field.number`.
fn sent_rows(pairs: Vec<(String, String)>) -> BTreeMap<usize, SentRow> {
    let mut rows: BTreeMap<usize, SentRow> = BTreeMap::new();
    for (name, value) in pairs {
        let Some((what, number)) = name.rsplit_once('.') else { continue };
        let Some(number) = number.parse().ok().filter(|number| *number < ROWS as usize) else { continue };
        let row = rows.entry(number).or_default();
        match what {
            "row" => row.row = value,
            "seen" => row.seen = value,
            "answer" => row.typed.answer = value,
            "comment" => row.typed.comment = value,
            "to" => row.typed.to = value,
            "retired_on" => row.typed.retired_on = value,
            "evidence" => row.typed.evidence = value,
            _ => {
                if let Some(field) = what.strip_prefix("f.").filter(|field| AMEND_ON_PAGE.contains(field)) {
                    row.typed.fields.entry(field.to_owned()).or_default().push(value);
                }
            }
        }
    }
    rows
}

/// Takes the answers of a page, each by itself. What is refused is shown again as it was typed, with why.
pub(crate) async fn answer(
    State(state): State<WebState>,
    reader: Reader,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    reader.must_somewhere(Deed::AnswerCampaign)?;
    let one = |name: &str| pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value);
    reader.check_form(one("csrf"))?;
    let number = page_number(one("page"))?;
    let sent: Vec<SentRow> =
        sent_rows(pairs).into_values().filter(|row| !row.typed.answer.is_empty()).collect();
    let (app, who, act) = (state.app.clone(), reader.who(), reader.act(""));
    let now_ms = reader.now_ms;
    let (taken, typed, found, escalated, nothing) = blocking(move || {
        let everything = PageRequest { offset: 0, limit: PageRequest::MAX_LIMIT };
        let before = app.governance.open_rows(who.person, everything, now_ms)?.rows;
        let nothing = sent.is_empty();
        let (mut typed, mut answers) = (BTreeMap::new(), Vec::new());
        for row in sent {
            let known = before.iter().find(|open| open.held.body.id == row.row);
            let record = known.map(|open| &open.system.held.body);
            let said = match said(&row.typed, record, app.people.as_ref())? {
                Ok(said) => said,
                Err(problem) => {
                    typed.insert(row.row, (row.typed, Some(problem)));
                    continue;
                }
            };
            answers.push(SentAnswer {
                row: row.row.clone(),
                seen: row.seen,
                answer: said,
                comment: row.typed.comment.clone(),
            });
            typed.insert(row.row, (row.typed, None));
        }
        let mut taken = 0_u64;
        for (row, came_to) in app.governance.answer_rows(answers, who.clone(), act)? {
            let problem = match came_to {
                Some(Ok(_)) => {
                    taken += 1;
                    typed.remove(&row);
                    continue;
                }
                Some(Err(refused)) => refused.to_string(),
                None => t("there is no such row any more").to_owned(),
            };
            if let Some((_, why)) = typed.get_mut(&row) {
                *why = Some(problem);
            }
        }
        // What changed meanwhile is on this page in its new version: the page is sent, and what is refused can be answered again.
        let found = app.governance.serve_rows(who.person, rows_of(number), now_ms, true)?;
        let escalated = app.governance.rows_escalated_to(who.person, now_ms)?;
        Ok::<_, StoreError>((taken, typed, found, escalated, nothing))
    })
    .await?;
    if typed.is_empty() && !nothing {
        return Ok(Redirect::to(&format!("/attest?done={taken}")).into_response());
    }
    let problem = nothing.then(|| t("Choose an answer for at least one record, then send.").to_owned());
    let shown = Shown { taken, problem, number, escalated, typed };
    let mut again = attest_page(&reader, found, shown)?;
    *again.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(again)
}

/// The answer that was typed, or what is wrong with it.
fn said(
    typed: &Typed,
    record: Option<&AiSystem>,
    people: &dyn People,
) -> Result<Result<Answer, String>, StoreError> {
    Ok(match typed.answer.as_str() {
        "confirm" => Ok(Answer::Confirm),
        "amend" => Ok(Answer::Amend(record.map_or_else(Vec::new, |record| changed(typed, record)))),
        "reassign" => match person(people, &typed.to)? {
            Some(person) => Ok(Answer::Reassign(person)),
            None => Err(say!(
                "there is nobody in the directory with the sign-in name or address “{0}”: ask an administrator, or say that it is not yours",
                typed.to.trim()
            )),
        },
        "retire" => match typed.retired_on.trim().parse::<Day>() {
            Ok(retired_on) => {
                Ok(Answer::Retire { retired_on, disposal_evidence: typed.evidence.trim().to_owned() })
            }
            Err(_) => Err(t("name the day of its end, as in 2026-11-30").to_owned()),
        },
        "not-mine" => Ok(Answer::NotMine),
        other => Err(say!("{0} is no answer", other.chars().take(40).collect::<String>())),
    })
}

/// The fields that were typed otherwise than the record has them.
fn changed(typed: &Typed, record: &AiSystem) -> Vec<(String, Value)> {
    let fields = AMEND_ON_PAGE.iter().filter_map(|name| named(name));
    let changed = fields.filter_map(|field| {
        let sent = typed.fields.get(field.name).cloned().unwrap_or_default();
        let as_it_is = field.input.of_form(&shown(record, field));
        // A form sends line ends its own way.
        let sent: Vec<String> = sent.into_iter().map(|text| text.replace("\r\n", "\n")).collect();
        let value = field.input.of_form(&sent);
        (value != as_it_is).then(|| (field.name.to_owned(), value))
    });
    changed.collect()
}

/// The number of a person by sign-in name or address, as far as they are there.
pub(crate) fn person(people: &dyn People, typed: &str) -> Result<Option<i64>, StoreError> {
    let typed = typed.trim().to_lowercase();
    if typed.is_empty() {
        return Ok(None);
    }
    if let Some(found) = people.person_named(&typed)? {
        return Ok(Some(found.id));
    }
    let filter = PersonFilter { search: typed.clone(), ..PersonFilter::default() };
    let found = people.people(&filter, PageRequest::default())?.rows;
    let mut of_address = found.into_iter().filter(|person| person.details.email.as_ref() == Some(&typed));
    Ok(of_address.next().filter(|_| of_address.next().is_none()).map(|person| person.id))
}
