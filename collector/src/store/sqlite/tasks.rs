//! Tasks, and what tasks and documents hang on.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};
use umbrascope_api::Day;

use super::governed::{self, Projected};
use super::products::Conditions;
use super::{findings, prepare, sight, suppliers, systems};
use crate::findings::{TaskStep, add_task, take_task};
use crate::model::finding::Finding;
use crate::model::governed::{Act, Governed, Held};
use crate::model::record::AiSystem;
use crate::model::supplier::vendor_of;
use crate::model::task::{About, Link, LinkKind, Purpose, Task, TaskFilter, TaskRow};
use crate::model::{Page, PageRequest};
use crate::review::{Guard, Refused, Who};
use crate::store::Changed;

/// What stands in the trail where a task is made.
pub(super) const ADD: &str = "task.add";
/// Name of the job that makes the tasks that changes call for.
const JOB: &str = "tasks";

impl Projected for Task {
    fn project(connection: &Connection, id: &str, new: Option<&Self>, act: &Act) -> rusqlite::Result<()> {
        let Some(new) = new else {
            prepare(connection, "DELETE FROM task WHERE id = $1")?.execute(params![id])?;
            return Ok(());
        };
        let (kind, link) = new.link.as_ref().map_or(("", ""), |link| (link.kind.as_str(), link.id.as_str()));
        prepare(
            connection,
            "INSERT INTO task (id, reference, open, purpose, link_kind, link, assignee, due_day)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (id) DO UPDATE SET open = excluded.open, purpose = excluded.purpose,
                assignee = excluded.assignee, due_day = excluded.due_day",
        )?
        .execute(params![
            id,
            new.reference,
            new.state.is_open(),
            new.purpose.as_str(),
            kind,
            link,
            new.assignee.unwrap_or(0),
            new.due.map_or(0, Day::number)
        ])?;
        match &new.link {
            Some(link) if new.purpose == Purpose::SupplierAssessment => {
                reconsider(connection, link, act.now_ms)
            }
            _ => Ok(()),
        }
    }
}

/// The finding about a supplier says whether a task stands for its assessment.
fn reconsider(connection: &Connection, link: &Link, now_ms: i64) -> rusqlite::Result<()> {
    let system = match link.kind {
        LinkKind::Vendor => return suppliers::reconsider(connection, &link.id, now_ms),
        LinkKind::System => Some(link.id.clone()),
        LinkKind::Finding => governed::load::<Finding>(connection, &link.id)?
            .map(|held| held.body.subject)
            .filter(|subject| subject.kind == AiSystem::KIND)
            .map(|subject| subject.id),
        _ => None,
    };
    let Some(system) = system else { return Ok(()) };
    match governed::load::<AiSystem>(connection, &system)? {
        Some(held) => findings::evaluate(connection, &system, Some(&held.body), now_ms),
        None => Ok(()),
    }
}

/// Whether an open task stands for the assessment of a record's supplier: it hangs on the record, on a finding about it, or on the vendor
/// of one of its products.
pub(super) fn stands_for_supplier(connection: &Connection, system: &AiSystem) -> rusqlite::Result<bool> {
    let stands = |kind: LinkKind, id: &str| -> rusqlite::Result<bool> {
        prepare(
            connection,
            "SELECT 1 FROM task WHERE link_kind = $1 AND link = $2 AND open = 1 AND purpose = $3 LIMIT 1",
        )?
        .exists(params![kind.as_str(), id, Purpose::SupplierAssessment.as_str()])
    };
    let finding = format!("supplier-assessment-missing:system:{}", system.id);
    if stands(LinkKind::System, &system.id)? || stands(LinkKind::Finding, &finding)? {
        return Ok(true);
    }
    let vendors: BTreeSet<&str> = system.products.iter().map(|product| vendor_of(product)).collect();
    for vendor in vendors {
        if stands(LinkKind::Vendor, vendor)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What something hangs on.
pub(super) struct Hook {
    /// With the id in the place of a reference.
    pub(super) link: Link,
    /// Units that it belongs to.
    pub(super) units: BTreeSet<i64>,
    /// Number of the person who answers for it, or who works on it.
    pub(super) owner: Option<i64>,
}

/// Finds what something is to hang on, by id or reference; a refusal where there is no such thing.
pub(super) fn hook(connection: &Connection, link: &Link) -> rusqlite::Result<Result<Hook, Refused>> {
    let none = |what: &str| Refused::new(Guard::Target, format!("there is no such {what}"));
    let hooked = |link: Link, units: BTreeSet<i64>, owner: Option<i64>| Ok(Hook { link, units, owner });
    let id_is_odd = link.id.is_empty() || link.id.chars().count() > 200 || link.id.contains(char::is_control);
    if id_is_odd {
        return Ok(Err(none("thing")));
    }
    Ok(match link.kind {
        LinkKind::System => match systems::find(connection, &link.id)? {
            Some(held) => {
                let AiSystem { id, org_units, system_owner, .. } = held.body;
                hooked(Link::to(LinkKind::System, id), org_units, system_owner)
            }
            None => Err(none("record")),
        },
        LinkKind::Finding => match findings::one(connection, &link.id)? {
            Some(row) => {
                let Finding { id, units, assignee, .. } = row.held.body;
                hooked(Link::to(LinkKind::Finding, id), units, assignee)
            }
            None => Err(none("finding")),
        },
        LinkKind::Task => match one(connection, &link.id)? {
            Some(row) => {
                let Task { id, units, assignee, .. } = row.held.body;
                hooked(Link::to(LinkKind::Task, id), units, assignee)
            }
            None => Err(none("task")),
        },
        // These belong to no unit; whether the id is one is for who knows the catalogue and the standard to say.
        LinkKind::Vendor | LinkKind::Campaign | LinkKind::Requirement => {
            hooked(link.clone(), BTreeSet::new(), None)
        }
    })
}

/// What something hangs on, as people read it.
pub(super) fn about(connection: &Connection, link: &Link) -> rusqlite::Result<About> {
    let found: Option<(String, String)> = match link.kind {
        LinkKind::System => prepare(connection, "SELECT name, reference FROM ai_system WHERE id = $1")?
            .query_row(params![link.id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?,
        LinkKind::Finding => findings::one(connection, &link.id)?.map(|row| {
            let name = format!("{}: {}", row.held.body.rule.label(), row.about);
            (name, row.held.body.reference)
        }),
        LinkKind::Task => {
            governed::load::<Task>(connection, &link.id)?.map(|held| (held.body.title, held.body.reference))
        }
        LinkKind::Vendor => {
            let name =
                prepare(connection, "SELECT vendor FROM product WHERE word >= $1 AND word < $2 LIMIT 1")?
                    .query_row(params![format!("{}.", link.id), format!("{}/", link.id)], |row| {
                        row.get::<_, String>(0)
                    })
                    .optional()?;
            Some((name.unwrap_or_else(|| link.id.clone()), link.id.clone()))
        }
        LinkKind::Campaign | LinkKind::Requirement => None,
    };
    Ok(match found {
        Some((name, reference)) => About { name, reference: Some(reference) },
        None => About { name: link.id.clone(), reference: None },
    })
}

pub(super) fn add(
    connection: &Connection,
    task: Task,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Result<Held<Task>, Refused>> {
    let refuse = |refused: Refused| {
        governed::refuse(connection, Task::KIND, "new", act, ADD, &refused).map(|()| Err(refused))
    };
    let hook = match &task.link {
        None => None,
        Some(link) => match hook(connection, link)? {
            Ok(hook) => Some(hook),
            Err(refused) => return refuse(refused),
        },
    };
    let owns = hook.as_ref().is_some_and(|hook| hook.owner == Some(who.person));
    let units = hook.as_ref().map(|hook| hook.units.clone()).unwrap_or_default();
    let task = Task { link: hook.map(|hook| hook.link), units, ..task };
    let added = with_active(connection, |active| add_task(&task, who, owns, active))?;
    match added {
        Ok((task, role)) => {
            let (id, reference) = systems::new_id(connection, "task", "TSK", act.now_ms)?;
            let task = Task { id, reference, added_by: Some(who.person), added_at_ms: act.now_ms, ..task };
            governed::create(connection, &task, &Act { role, ..act.clone() }, ADD).map(Ok)
        }
        Err(refused) => refuse(refused),
    }
}

/// Makes a task that a change calls for, in the transaction of the change; none where one for the same is open still. `act` is the change.
pub(super) fn call_for(connection: &Connection, task: Task, act: &Act) -> rusqlite::Result<()> {
    let link = task.link.clone().unwrap_or_default();
    let open = prepare(
        connection,
        "SELECT 1 FROM task WHERE link_kind = $1 AND link = $2 AND purpose = $3 AND open = 1 LIMIT 1",
    )?
    .exists(params![link.kind.as_str(), link.id, task.purpose.as_str()])?;
    if open {
        return Ok(());
    }
    let (id, reference) = systems::new_id(connection, "task", "TSK", act.now_ms)?;
    let by = Act { batch: act.batch.clone(), ..Act::job(JOB, act.now_ms) }.because(&act.reason);
    governed::create(connection, &Task { id, reference, ..task }, &by, ADD)?;
    Ok(())
}

pub(super) fn step(
    connection: &Connection,
    reference: &str,
    step: &TaskStep,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Changed<Task>> {
    let Some(id) = id_of(connection, reference)? else { return Ok(None) };
    let Some(before) = governed::load::<Task>(connection, &id)? else { return Ok(None) };
    let taken = with_active(connection, |active| take_task(&before.body, step, who, act.now_ms, active))?;
    let role = taken.as_ref().ok().and_then(|(_, role)| *role);
    let act = Act { role, ..act.clone() }.because(step.reason().trim());
    governed::change(connection, &id, &act, step.action(), |_| taken.map(|(next, _)| next))
}

/// Lets a pure rule ask who is active; what the database answers badly is told after it.
fn with_active<T>(
    connection: &Connection,
    rule: impl FnOnce(&dyn Fn(i64) -> Option<bool>) -> T,
) -> rusqlite::Result<T> {
    let failed = std::cell::RefCell::new(None);
    let active = |person| {
        let keep = |error: rusqlite::Error| {
            failed.borrow_mut().get_or_insert(error);
        };
        systems::active(connection, person).map_err(keep).ok().flatten()
    };
    let came_to = rule(&active);
    match failed.into_inner() {
        Some(error) => Err(error),
        None => Ok(came_to),
    }
}

fn id_of(connection: &Connection, reference: &str) -> rusqlite::Result<Option<String>> {
    prepare(connection, "SELECT id FROM task WHERE reference = $1 OR id = $2")?
        .query_row(params![reference.to_uppercase(), reference], |row| row.get(0))
        .optional()
}

const FROM: &str =
    "task t JOIN governed g ON g.kind = 'task' AND g.id = t.id LEFT JOIN person p ON p.id = t.assignee";
const SELECT: &str = "SELECT g.body, g.version, g.hash, g.seq, g.at_ms, g.stamps, p.display_name";

pub(super) fn list(
    connection: &Connection,
    filter: &TaskFilter,
    page: PageRequest,
) -> rusqlite::Result<Page<TaskRow>> {
    let mut conditions = Conditions::default();
    if filter.open {
        conditions.add("t.open = $", 1);
    }
    if let Some(person) = filter.assignee {
        conditions.add("t.assignee = $", person);
    }
    if let Some(link) = &filter.link {
        conditions.add("t.link_kind = $", link.kind.as_str().to_owned());
        conditions.add("t.link = $", link.id.clone());
    }
    sight::limit_tasks(&mut conditions, &filter.sight);
    let order = "t.open DESC, CASE WHEN t.due_day = 0 THEN 1 ELSE 0 END, t.due_day, t.id";
    let rows = conditions.page(connection, &format!("{SELECT} FROM {FROM}"), order, page, bare)?;
    let rows = rows.into_iter().map(|row| named(connection, row)).collect::<rusqlite::Result<_>>()?;
    Ok(Page { rows, total: conditions.count(connection, "task t")? })
}

pub(super) fn one(connection: &Connection, reference: &str) -> rusqlite::Result<Option<TaskRow>> {
    let Some(id) = id_of(connection, reference)? else { return Ok(None) };
    let sql = format!("{SELECT} FROM {FROM} WHERE t.id = $1");
    let row = prepare(connection, &sql)?.query_row(params![id], bare).optional()?;
    row.map(|row| named(connection, row)).transpose()
}

fn bare(row: &Row<'_>) -> rusqlite::Result<TaskRow> {
    Ok(TaskRow { held: governed::held(row)?, about: None, assignee: row.get(6)? })
}

fn named(connection: &Connection, mut row: TaskRow) -> rusqlite::Result<TaskRow> {
    row.about = row.held.body.link.as_ref().map(|link| about(connection, link)).transpose()?;
    Ok(row)
}
