//! `/scope`: the statement in force, the one that is written, its signatures, and what one says otherwise than another.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

mod endpoints;
mod export;
mod sites;

pub(crate) use endpoints::{add, import, list, may_write, remove, withdraw};
pub(crate) use export::{file, html, json, pdf};
pub(crate) use sites::{add as add_site, change as change_site, list as sites};

use super::page;
use crate::AppState;
use crate::model::Deed;
use crate::model::governed::{Act, Held};
use crate::model::record::OrgRole;
use crate::review::Refused;
use crate::scope::{self, Body, Boundary, Content, Names, Section, Statement, StatementState, Step};
use crate::store::StoreError;
use crate::store::scope::Stepping;
use crate::web::error::{WebError, status_of};
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{message, say, t};
use crate::web::list::{Pager, page_number};
use crate::web::pages::{
    ScopeDiffPage, ScopeDraftPage, ScopePage, ScopePrintPage, ScopeSectionPage, ScopeStatementPage,
};
use crate::web::url::Address;
use crate::web::{WebState, blocking, limit};

/// Rows of a section on a statement's page; the others are a link away.
const FOLDED_ROWS: usize = 20;
/// Rows of a section on a page of its own.
const SECTION_ROWS: u32 = 50;
/// Rows of a section on the overview.
const OVERVIEW_ROWS: usize = 50;

/// What was just done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Done {
    done: String,
}

/// The overview.
pub(crate) async fn overview(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<Done>,
) -> Result<Response, WebError> {
    let notice = match query.done.as_str() {
        "sent-back" => Some(t("It is sent back, and a draft again.")),
        _ => None,
    };
    overview_page(&state, &reader, notice, None).await
}

async fn overview_page(
    state: &WebState,
    reader: &Reader,
    notice: Option<&'static str>,
    problem: Option<String>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (app, now_ms) = (state.app.clone(), reader.now_ms);
    let (rows, content, names) = blocking(move || {
        let content = app.governance.scope_now(now_ms)?;
        let names = names(&app, people_of(&content))?;
        Ok::<_, StoreError>((app.governance.statements()?, content, names))
    })
    .await?;
    let lead = match &content.previous {
        Some(previous) => say!("As the records are now, against statement {0}.", previous.number),
        None => t("No statement is signed yet: everything is new.").to_owned(),
    };
    let mut sections = scope::changes(&content.diff, &lead, &names);
    let now = Statement { content: Some(content.clone()), ..Statement::default() };
    let sheet = scope::sheet(&now, None, false, &names);
    sections.extend(sheet.sections.into_iter().filter(|one| matches!(one.id, "undetermined" | "excluded")));
    let whole = reader.sees_all();
    if !whole {
        sections.clear();
    }
    page(&ScopePage {
        frame: reader.frame(Here::Scope, notice),
        problem,
        rows,
        whole,
        share: content.coverage.share(),
        counts: (content.included.len(), content.excluded.len(), content.undetermined.len()),
        sections: sections.into_iter().map(|section| in_words(section.shortened(OVERVIEW_ROWS))).collect(),
    })
}

/// The form of the statement that is written.
pub(crate) async fn draft(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<Done>,
) -> Result<Response, WebError> {
    reader.must_somewhere(Deed::DecideScope)?;
    let notice = match query.done.as_str() {
        "begun" => Some(t("The statement is begun. It goes on from the one before.")),
        "saved" => Some(t("It is saved.")),
        _ => None,
    };
    match open(&state).await? {
        Some(held) if held.body.state == StatementState::Draft => {
            draft_page(&state, &reader, held, notice, None).await
        }
        Some(held) => Ok(Redirect::to(&format!("/scope/{}", held.body.number)).into_response()),
        None => Ok(Redirect::to("/scope").into_response()),
    }
}

/// The statement that is not signed yet.
async fn open(state: &WebState) -> Result<Option<Held<Statement>>, WebError> {
    let governance = state.app.governance.clone();
    blocking(move || {
        let rows = governance.statements()?;
        let open = rows.iter().find(|row| row.state != StatementState::Signed);
        open.map_or(Ok::<_, StoreError>(None), |row| governance.statement(row.number))
    })
    .await
}

async fn draft_page(
    state: &WebState,
    reader: &Reader,
    held: Held<Statement>,
    notice: Option<&'static str>,
    problem: Option<String>,
) -> Result<Response, WebError> {
    let app = state.app.clone();
    let sent_by = held.body.sent_back.as_ref().map(|back| back.person);
    let (units, sites, names) = blocking(move || {
        let names = names(&app, sent_by.into_iter().collect())?;
        Ok::<_, StoreError>((app.people.all_units()?, app.governance.sites()?, names))
    })
    .await?;
    let sent_back = held.body.sent_back.clone().map(|back| {
        let name = names.person(back.person);
        (back, name)
    });
    page(&ScopeDraftPage {
        frame: reader.frame(Here::Scope, notice),
        problem,
        number: held.body.number,
        version: held.version,
        boundary: held.body.boundary,
        sent_back,
        units,
        sites: sites.into_iter().map(|held| held.body).filter(|site| !site.closed).collect(),
    })
}

/// The form as it was sent: begin, save, or save and propose.
pub(crate) async fn write(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let sent = Sent(sent);
    reader.check_form(sent.one("csrf"))?;
    let who = reader.who();
    if sent.one("do") == "begin" {
        let (governance, act) = (state.app.governance.clone(), reader.act("a new statement"));
        let begun = blocking(move || governance.begin_statement("", who, act)).await?;
        return match begun {
            Ok(_) => Ok(Redirect::to("/scope/draft?done=begun").into_response()),
            Err(refused) => {
                overview_page(&state, &reader, None, Some(not_done(&refused))).await.map(as_refused(&refused))
            }
        };
    }
    let Some(mut held) = open(&state).await? else { return Ok(Redirect::to("/scope").into_response()) };
    let version = sent.one("version").parse().map_err(|_| WebError::BadRequest)?;
    let boundary = sent.boundary();
    let save = Step::Write(Box::new(boundary.clone()));
    let number = held.body.number;
    let saved = step(&state, &reader, number, save, reader.act("").on(version), false).await?;
    let refused = match (saved, sent.one("do")) {
        (Some(Ok(saved)), "propose") => {
            let proposed =
                step(&state, &reader, number, Step::Propose, reader.act("").on(saved.version), false);
            held = saved;
            match proposed.await? {
                Some(Ok(_)) => {
                    return Ok(Redirect::to(&format!("/scope/{number}?done=proposed")).into_response());
                }
                Some(Err(refused)) => refused,
                None => return Err(WebError::NotFound("statement")),
            }
        }
        (Some(Ok(_)), _) => return Ok(Redirect::to("/scope/draft?done=saved").into_response()),
        (Some(Err(refused)), _) => {
            // What was typed is not lost.
            held.body.boundary = boundary;
            refused
        }
        (None, _) => return Err(WebError::NotFound("statement")),
    };
    draft_page(&state, &reader, held, None, Some(not_done(&refused))).await.map(as_refused(&refused))
}

/// Gives a page that tells of a refusal the status of it.
fn as_refused(refused: &Refused) -> impl FnOnce(Response) -> Response + use<> {
    let status = status_of(refused.guard);
    move |mut page| {
        *page.status_mut() = status;
        page
    }
}

/// A statement's sheet.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(number): Path<String>,
    Query(query): Query<Done>,
) -> Result<Response, WebError> {
    let notice = match query.done.as_str() {
        "proposed" => Some(t("It is proposed. A scope owner approves it and a reviewer countersigns it.")),
        "approve" => Some(t("You approved it.")),
        "countersign" => Some(t("You countersigned it.")),
        _ => None,
    };
    statement_page(&state, &reader, number_of(&number)?, notice, None).await
}

async fn statement_page(
    state: &WebState,
    reader: &Reader,
    number: u64,
    notice: Option<&'static str>,
    problem: Option<String>,
) -> Result<Response, WebError> {
    // It tells of the records of every unit in one piece.
    reader.must_see_all()?;
    let (app, now_ms) = (state.app.clone(), reader.now_ms);
    let shown = blocking(move || shown(&app, number, now_ms)).await?;
    let shown = shown.ok_or(WebError::NotFound("statement"))?;
    let sheet = sheet_in_words(shown.sheet);
    page(&ScopeStatementPage {
        frame: reader.frame(Here::Scope, notice),
        problem,
        before: shown.before,
        folded: sheet.sections.iter().map(|section| fold(section, number)).collect(),
        sheet,
        version: shown.held.version,
        statement: shown.held.body,
    })
}

/// The beginning of a section, with how many rows it has and where all of them are, if there are more.
fn fold(section: &Section, number: u64) -> (Section, Option<(u64, String)>) {
    let mut section = section.clone();
    let rows = section.rows();
    section.keep(0, FOLDED_ROWS);
    let more = (rows > FOLDED_ROWS).then(|| (rows as u64, format!("/scope/{number}/{}", section.id)));
    (section, more)
}

/// Page of a section.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Paged {
    page: String,
}

/// A section of a statement, page by page; or, as `print`, all of them on one.
pub(crate) async fn part(
    State(state): State<WebState>,
    reader: Reader,
    Path((number, word)): Path<(String, String)>,
    Query(query): Query<Paged>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (number, page_number) = (number_of(&number)?, page_number(&query.page)?);
    let (app, now_ms) = (state.app.clone(), reader.now_ms);
    let shown = blocking(move || shown(&app, number, now_ms)).await?;
    let mut sheet = sheet_in_words(shown.ok_or(WebError::NotFound("statement"))?.sheet);
    let frame = reader.frame(Here::Scope, None);
    if word == "print" {
        return page(&ScopePrintPage { frame, number, sheet });
    }
    let at = sheet.sections.iter().position(|section| section.id == word);
    let mut section = sheet.sections.swap_remove(at.ok_or(WebError::NotFound("section"))?);
    let all = section.rows() as u64;
    let from = (page_number - 1).saturating_mul(u64::from(SECTION_ROWS));
    section.keep(usize::try_from(from).unwrap_or(usize::MAX), SECTION_ROWS as usize);
    let here = Address::new(format!("/scope/{number}/{}", section.id));
    let pager = Pager::of_rows(SECTION_ROWS, (page_number, section.rows(), all), "row", &here, "page");
    page(&ScopeSectionPage { frame, number, title: sheet.title, hash: sheet.hash, section, pager })
}

/// A sheet as a page shows it.
fn sheet_in_words(mut sheet: scope::Sheet) -> scope::Sheet {
    sheet.title = message(sheet.title);
    sheet.sections = sheet.sections.into_iter().map(in_words).collect();
    sheet
}

/// Columns of a sheet that hold words of ours. The others hold what people wrote, and names.
const WORDED: [&str; 12] = [
    "Kind",
    "Owner",
    "Tier",
    "AI Act class",
    "Sensors",
    "Tier and class",
    "Use",
    "Age",
    "Change",
    "What",
    "Before",
    "After",
];

/// A section with what is ours of it in the reader's language: the signed file keeps its words.
fn in_words(mut section: Section) -> Section {
    section.title = message(section.title);
    section.lead = lead_in_words(&section.lead);
    match &mut section.body {
        Body::Pairs(pairs) => {
            for (name, value) in pairs {
                *name = message(&*name);
                *value = message(&*value);
            }
        }
        Body::Table(heads, rows) => {
            let worded: Vec<bool> = heads.iter().map(|head| WORDED.contains(head)).collect();
            for cells in rows {
                for (cell, _) in cells.iter_mut().zip(&worded).filter(|(_, worded)| **worded) {
                    *cell = message(&*cell);
                }
            }
            for head in heads {
                *head = if *head == "Change" { t("Change##of a record") } else { t(head) };
            }
        }
    }
    section
}

/// What is said before a section: one text, or several sentences that were put together.
fn lead_in_words(lead: &str) -> String {
    let whole = message(lead);
    if whole != lead {
        return whole;
    }
    let sentence = |sentence: &str| {
        let (words, behind) = sentence.split_at(sentence.trim_end().len());
        format!("{}{behind}", message(words))
    };
    lead.split_inclusive(". ").map(sentence).collect()
}

/// A statement with its sheet.
struct Shown {
    held: Held<Statement>,
    sheet: scope::Sheet,
    before: Option<u64>,
}

fn shown(app: &AppState, number: u64, now_ms: i64) -> Result<Option<Shown>, StoreError> {
    let Some(held) = app.governance.statement(number)? else { return Ok(None) };
    let now = match held.body.content {
        Some(_) => None,
        None => Some(app.governance.scope_now(now_ms)?),
    };
    let mut people: BTreeSet<i64> =
        held.body.content.as_ref().or(now.as_ref()).map(people_of).unwrap_or_default();
    people.insert(held.body.author);
    people.extend([&held.body.approved, &held.body.countersigned].into_iter().flatten().map(|by| by.person));
    let names = names(app, people)?;
    let rows = app.governance.statements()?;
    let superseded = rows.iter().any(|row| row.number == number && row.superseded);
    let before = rows.iter().map(|row| row.number).find(|other| *other < number);
    let sheet = scope::sheet(&held.body, now.as_ref(), superseded, &names);
    Ok(Some(Shown { held, sheet, before }))
}

/// A step as the form has it.
#[derive(Deserialize)]
pub(crate) struct SentStep {
    csrf: String,
    version: u64,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
}

/// Approves a statement, countersigns it, or sends it back. A signature takes the password again.
pub(crate) async fn take(
    State(state): State<WebState>,
    reader: Reader,
    Path((number, word)): Path<(String, String)>,
    Form(sent): Form<SentStep>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    let number = number_of(&number)?;
    let wanted = match word.as_str() {
        "approve" => Step::Approve,
        "countersign" => Step::Countersign,
        "send-back" => Step::SendBack,
        _ => return Err(WebError::NotFound("step")),
    };
    let fresh =
        wanted != Step::SendBack && signed_in_again(&state, &reader, sent.password, sent.code).await?;
    let to = match wanted {
        Step::SendBack => "/scope?done=sent-back".to_owned(),
        _ => format!("/scope/{number}?done={word}"),
    };
    match step(&state, &reader, number, wanted, reader.act(sent.reason.trim()).on(sent.version), fresh)
        .await?
    {
        Some(Ok(_)) => Ok(Redirect::to(&to).into_response()),
        Some(Err(refused)) => {
            let problem = Some(not_done(&refused));
            statement_page(&state, &reader, number, None, problem).await.map(as_refused(&refused))
        }
        None => Err(WebError::NotFound("statement")),
    }
}

/// Whether the person proved again to be there, for this very signature: that they did so a moment ago for something else is not
/// enough. Guesses are counted like those at the sign-in.
pub(crate) async fn signed_in_again(
    state: &WebState,
    reader: &Reader,
    password: String,
    code: String,
) -> Result<bool, WebError> {
    if password.is_empty() {
        return Ok(false);
    }
    let (sessions, secret, now_ms) = (state.app.sessions.clone(), reader.secret.clone(), reader.now_ms);
    state
        .limiter
        .attempt(limit::Who::name(&reader.user.name), now_ms)
        .map_err(|retry_after_s| WebError::TooMany { retry_after_s })?;
    blocking(move || sessions.confirm(&secret, &password, &code, now_ms)).await
}

/// What one statement says otherwise than another.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Between {
    from: String,
    to: String,
}

/// The difference between two statements; nothing is asked of a draft, which has no content yet.
pub(crate) async fn compare(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<Between>,
) -> Result<Response, WebError> {
    reader.must_see_all()?;
    let (from, to) = (number_of(&query.from)?, number_of(&query.to)?);
    let (app, now_ms) = (state.app.clone(), reader.now_ms);
    let found = blocking(move || {
        let (Some(one), Some(other)) = (content_of(&app, from, now_ms)?, content_of(&app, to, now_ms)?)
        else {
            return Ok(None);
        };
        let people = people_of(&one).into_iter().chain(people_of(&other)).collect();
        let names = names(&app, people)?;
        let sections = scope::changes(&scope::diff(Some(&one), &other), "", &names);
        let sections = sections.into_iter().map(in_words).collect();
        Ok::<_, StoreError>(Some((app.governance.statements()?, sections)))
    })
    .await?;
    let (rows, sections) = found.ok_or(WebError::NotFound("statement"))?;
    page(&ScopeDiffPage { frame: reader.frame(Here::Scope, None), from, to, rows, sections })
}

/// What a statement lists; of a draft what it would list now.
pub(crate) fn content_of(app: &AppState, number: u64, now_ms: i64) -> Result<Option<Content>, StoreError> {
    match app.governance.statement(number)? {
        Some(held) => match held.body.content {
            Some(content) => Ok(Some(content)),
            None => app.governance.scope_now(now_ms).map(Some),
        },
        None => Ok(None),
    }
}

/// Takes a step with a statement.
pub(crate) async fn step(
    state: &WebState,
    reader: &Reader,
    number: u64,
    step: Step,
    act: Act,
    fresh: bool,
) -> Result<crate::store::Changed<Statement>, WebError> {
    let by = Stepping { who: reader.who(), fresh, keys: state.app.notary.keys(), act };
    let governance = Arc::clone(&state.app.governance);
    blocking(move || governance.step_statement(number, step, by)).await
}

fn not_done(refused: &Refused) -> String {
    say!("That was not done: {0}.", message(refused))
}

fn number_of(typed: &str) -> Result<u64, WebError> {
    typed.parse().map_err(|_| WebError::NotFound("statement"))
}

/// Numbers of the people that a content names.
fn people_of(content: &Content) -> BTreeSet<i64> {
    let listed = content.all().flat_map(|(_, one)| [one.owner, one.decided_by]);
    let changed =
        content.diff.records.values().flat_map(|change| {
            [&change.before, &change.after].into_iter().flatten().map(|facet| facet.owner)
        });
    let mut people: BTreeSet<i64> = listed.chain(changed).flatten().collect();
    people.extend([content.author, content.proposed_by]);
    people
}

fn names(app: &AppState, people: BTreeSet<i64>) -> Result<Names, StoreError> {
    let mut names = Names::default();
    for number in people {
        if let Some(person) = app.people.person(number)? {
            names.people.insert(number, person.details.display_name);
        }
    }
    Ok(names)
}

/// A form in which a name may stand several times.
struct Sent(Vec<(String, String)>);

impl Sent {
    fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn boundary(&self) -> Boundary {
        // Browsers send ends of lines as CR LF.
        let text = |name: &str| self.one(name).trim().replace("\r\n", "\n");
        Boundary {
            organisation: text("organisation"),
            units: self.all("unit").filter_map(|unit| unit.parse().ok()).collect(),
            sites: self.all("site").map(str::to_owned).collect(),
            activities: text("activities"),
            roles: self.all("role").filter_map(OrgRole::parse).collect(),
            text: text("text"),
            interfaces: text("interfaces"),
        }
    }
}
