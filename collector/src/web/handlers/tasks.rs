//! `/tasks`: what somebody is to do.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::findings::home;
use super::{page, work};
use crate::findings::TaskStep;
use crate::model::Deed;
use crate::model::governed::Governed as _;
use crate::model::task::{Link, LinkKind, Purpose, Task, TaskFilter};
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{self, t};
use crate::web::list::{Choice, Pager, Select, page_number, rows_of};
use crate::web::pages::{TaskForm, TaskPage, TasksPage};
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// Words of an address that narrow the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TaskQuery {
    /// `open` where nothing is said, or `all`.
    pub(crate) state: String,
    /// `me`, or the number of a person.
    pub(crate) who: String,
    /// Number of the page, from 1.
    pub(crate) page: String,
    /// What was just done.
    pub(crate) done: String,
}

impl TaskQuery {
    /// The filter. Who does not read the inventory sees what is assigned to them.
    pub(crate) fn filter(&self, reader: &Reader) -> Result<TaskFilter, WebError> {
        let open = match self.state.as_str() {
            "" => true,
            "all" => false,
            other => return Err(WebError::unknown_choice("state", other)),
        };
        let assignee = match self.who.as_str() {
            _ if !work::see_all(reader) => Some(reader.user.id),
            "" => None,
            "me" => Some(reader.user.id),
            word => work::number(word)?,
        };
        Ok(TaskFilter { open, assignee, ..TaskFilter::default() })
    }
}

/// The list.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<TaskQuery>,
) -> Result<Response, WebError> {
    let filter = query.filter(&reader)?;
    let number = page_number(&query.page)?;
    let here = Address::new("/tasks").with("state", query.state.as_str()).with("who", query.who.as_str());
    let frame = reader.frame(Here::Tasks, (!query.done.is_empty()).then_some(t("The task is made.")));
    let choice = |value: &str, label: &str, chosen: &str| Choice {
        value: value.to_owned(),
        label: language::label(label).into_owned(),
        chosen: value == chosen,
    };
    let selects = vec![
        Select {
            name: "state",
            label: "State",
            all: "to be done",
            options: vec![choice("all", t("Every state"), &query.state)],
        },
        Select {
            name: "who",
            label: "Assigned to",
            all: "anybody",
            options: vec![choice("me", t("me"), &query.who)],
        },
    ];
    blocking(move || {
        let filtered = filter != TaskFilter { open: true, ..TaskFilter::default() };
        let filter = TaskFilter { sight: reader.sight(&state.app)?, ..filter };
        let found = state.app.governance.tasks(&filter, rows_of(number))?;
        page(&TasksPage {
            frame,
            selects,
            filtered,
            pager: Pager::new((number, found.rows.len(), found.total), "task", &here, "page"),
            tasks: TaskForm {
                link: None,
                back: String::new(),
                rows: found.rows,
                people: work::people(&state, &home(&reader), [])?,
                may_add: reader.must(Deed::Triage, &[]).is_ok(),
                purpose: Purpose::Other,
            },
        })
    })
    .await
}

/// A task as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentTask {
    csrf: String,
    back: String,
    title: String,
    details: String,
    purpose: String,
    link_kind: String,
    link_id: String,
    assignee: String,
    due: String,
}

/// Makes a task.
pub(crate) async fn add(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentTask>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    let back = work::back(&sent.back, "/tasks?done=added");
    let task = Task {
        title: sent.title,
        details: work::given(&sent.details),
        purpose: Purpose::parse(&sent.purpose)
            .ok_or_else(|| WebError::unknown_choice("purpose", &sent.purpose))?,
        assignee: work::person(&state, &sent.assignee).await?,
        due: work::day(&sent.due)?,
        ..Task::default()
    };
    blocking(move || {
        let task = Task { link: work::link(&state, &sent.link_kind, &sent.link_id)?, ..task };
        state.app.governance.add_task(task, reader.who(), reader.act(""))?.map_err(WebError::Guarded)
    })
    .await?;
    Ok(Redirect::to(&back).into_response())
}

/// One task.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(reference): Path<String>,
    Query(query): Query<TaskQuery>,
) -> Result<Response, WebError> {
    let frame = reader.frame(Here::Tasks, (!query.done.is_empty()).then_some(t("It is done.")));
    blocking(move || {
        reader.must_see(&state.app, LinkKind::Task, &reference, "task")?;
        let row = state.app.governance.task(&reference)?.ok_or(WebError::NotFound("task"))?;
        let task = &row.held.body;
        work::may_see(&reader, task.assignee)?;
        let triages = work::triages(&reader, &task.units());
        let works = triages || work::works(&reader, task.assignee);
        let link = Link::to(LinkKind::Task, &task.id);
        let back = format!("/tasks/{}", task.reference);
        let closed_by = task.closing.as_ref().and_then(|closing| closing.by);
        let history = work::history(&state, Task::KIND, &task.id)?;
        let named = [task.assignee, closed_by].into_iter().chain(work::actors(&history));
        page(&TaskPage {
            frame,
            triages,
            works,
            people: work::people(&state, &task.units(), named)?,
            documents: work::documents(&state, &reader, link, &task.reference, &back, works)?,
            history,
            row,
        })
    })
    .await
}

/// Takes a step on one task.
pub(crate) async fn step(
    State(state): State<WebState>,
    reader: Reader,
    Path(reference): Path<String>,
    Form(sent): Form<work::SentStep>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    let person = work::person(&state, &sent.person).await?;
    let step = step_of(&sent.step, person, &sent.day, sent.reason, sent.evidence)?;
    let mut act = reader.act("");
    act.version = sent.version.parse().ok();
    let changed =
        blocking(move || state.app.governance.step_task(&reference, step, reader.who(), act)).await?;
    let held = work::done(changed, "task")?;
    Ok(Redirect::to(&format!("/tasks/{}?done=step", held.body.reference)).into_response())
}

/// The step that words name.
pub(crate) fn step_of(
    word: &str,
    person: Option<i64>,
    day: &str,
    reason: String,
    evidence: String,
) -> Result<TaskStep, WebError> {
    Ok(match word {
        "assign" => TaskStep::Assign(person),
        "due" => TaskStep::Due(work::day(day)?.ok_or(WebError::BadRequest)?),
        "start" => TaskStep::Start,
        "finish" => TaskStep::Finish { evidence, reason },
        "drop" => TaskStep::Drop { reason },
        "reopen" => TaskStep::Reopen { reason },
        other => return Err(WebError::unknown_choice("step", other)),
    })
}
