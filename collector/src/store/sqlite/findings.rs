//! Findings: looked at again whenever a record changes or is observed, and when time passes.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Row, params};
use umbrascope_api::Day;

use super::assets::SILENT_AFTER_MS;
use super::governed::{self, Projected};
use super::products::Conditions;
use super::{prepare, sight, suppliers, systems, tasks};
use crate::findings::{self, RecordFacts, Step, UnitFacts, Wanted, settle};
use crate::model::finding::{
    DueDays, Finding, FindingFilter, FindingRow, FindingState, Rule, Subject, WorkCounts,
};
use crate::model::governed::{Act, Held};
use crate::model::record::AiSystem;
use crate::model::{Page, PageRequest, Sight};
use crate::review::{Guard, Refused, Who};
use crate::store::Changed;

/// Name of the job that opens and closes findings.
const JOB: &str = "findings";

impl Projected for DueDays {}

impl Projected for Finding {
    fn project(connection: &Connection, id: &str, new: Option<&Self>, _act: &Act) -> rusqlite::Result<()> {
        prepare(connection, "DELETE FROM finding_unit WHERE finding = $1")?.execute(params![id])?;
        let Some(new) = new else {
            prepare(connection, "DELETE FROM finding WHERE id = $1")?.execute(params![id])?;
            return Ok(());
        };
        for unit in &new.units {
            prepare(connection, "INSERT INTO finding_unit (finding, unit) VALUES ($1, $2)")?
                .execute(params![id, unit])?;
        }
        prepare(
            connection,
            "INSERT INTO finding (id, reference, rule, severity, state, open, subject_kind, subject, assignee, due_day,
                opened_at_ms, holds)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, state = excluded.state,
                open = excluded.open, assignee = excluded.assignee, due_day = excluded.due_day,
                opened_at_ms = excluded.opened_at_ms, holds = excluded.holds",
        )?
        .execute(params![
            id,
            new.reference,
            new.rule.as_str(),
            new.severity as i64,
            new.state.as_str(),
            new.state.is_open(),
            new.subject.kind,
            new.subject.id,
            new.assignee.unwrap_or(0),
            new.due.map_or(0, Day::number),
            new.opened_at_ms,
            new.holds
        ])?;
        Ok(())
    }
}

// ── What rules do ────────────────────────────────────────────────────────────────────────────

/// Brings the findings about a record to what its facts ask now; `None`: the record is gone.
pub(super) fn evaluate(
    connection: &Connection,
    id: &str,
    system: Option<&AiSystem>,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let wanted = match system {
        None => Vec::new(),
        Some(system) => {
            let today = Day::from_unix_ms(now_ms);
            let seen = systems::seen_of(connection, system)?;
            let owner_active = match system.system_owner {
                Some(owner) => systems::active(connection, owner)? == Some(true),
                None => false,
            };
            findings::of_record(&RecordFacts {
                system,
                seen: &seen,
                owner_active,
                suppliers_assessed: suppliers::assessed(connection, &system.products, today)?,
                supplier_task: tasks::stands_for_supplier(connection, system)?,
                today,
            })
        }
    };
    bring(connection, &Subject::system(id), wanted, now_ms)
}

/// Lets time pass: looks at every record, and at the sensors of every unit.
pub(super) fn attend(connection: &Connection, now_ms: i64) -> rusqlite::Result<()> {
    for held in governed::all::<AiSystem>(connection)? {
        evaluate(connection, &held.body.id, Some(&held.body), now_ms)?;
    }
    let mut units: BTreeMap<i64, UnitFacts> = prepare(connection, "SELECT id FROM unit")?
        .query_map([], |row| row.get(0))?
        .map(|unit| unit.map(|unit| (unit, UnitFacts { unit, sensors: 0, silent: 0 })))
        .collect::<rusqlite::Result<_>>()?;
    let mut statement = prepare(
        connection,
        "SELECT a.unit, count(*), sum(CASE WHEN q.last_report_at_ms < $1 THEN 1 ELSE 0 END)
         FROM sensor_seen q JOIN sensor s ON s.id = q.sensor JOIN asset a ON a.id = s.asset
         WHERE q.revoked = 0 AND q.last_report_at_ms > 0 GROUP BY a.unit ORDER BY a.unit",
    )?;
    let rows = statement.query_map(params![now_ms - SILENT_AFTER_MS], |row| {
        Ok(UnitFacts { unit: row.get(0)?, sensors: row.get(1)?, silent: row.get(2)? })
    })?;
    for facts in rows {
        let facts = facts?;
        units.insert(facts.unit, facts);
    }
    for (unit, facts) in units {
        bring(connection, &Subject::unit(unit), findings::of_unit(facts).into_iter().collect(), now_ms)?;
    }
    Ok(())
}

/// Opens, closes and reopens what is to be about one subject.
fn bring(
    connection: &Connection,
    subject: &Subject,
    wanted: Vec<Wanted>,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let known: BTreeSet<String> =
        prepare(connection, "SELECT id FROM finding WHERE subject_kind = $1 AND subject = $2")?
            .query_map(params![subject.kind, subject.id], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
    if known.is_empty() && wanted.is_empty() {
        return Ok(());
    }
    let wanted: BTreeMap<String, Wanted> = wanted.into_iter().map(|wanted| (wanted.key(), wanted)).collect();
    let due = due_days(connection)?;
    let keys: BTreeSet<&String> = known.iter().chain(wanted.keys()).collect();
    for key in keys {
        let before = governed::load::<Finding>(connection, key)?;
        let settled = settle(before.as_ref().map(|held| &held.body), wanted.get(key), &due, now_ms);
        let Some(settled) = settled else { continue };
        let act = Act::job(JOB, now_ms).because(settled.reason);
        match before {
            Some(before) => {
                governed::replace(connection, &before, &settled.finding, &act, settled.action)?;
            }
            None => {
                let (_, reference) = systems::new_id(connection, "finding", "FND", now_ms)?;
                let finding = Finding { reference, ..settled.finding };
                governed::create(connection, &finding, &act, settled.action)?;
            }
        }
    }
    Ok(())
}

pub(super) fn due_days(connection: &Connection) -> rusqlite::Result<DueDays> {
    let held = governed::load::<DueDays>(connection, "finding-due-days")?;
    Ok(held.map(|held| held.body).unwrap_or_default())
}

pub(super) fn set_due_days(connection: &Connection, days: &DueDays, act: &Act) -> rusqlite::Result<()> {
    match governed::load::<DueDays>(connection, "finding-due-days")? {
        Some(before) => governed::replace(connection, &before, days, act, "setting.finding-due-days")?,
        None => governed::create(connection, days, act, "setting.finding-due-days")?,
    };
    Ok(())
}

// ── What people do ───────────────────────────────────────────────────────────────────────────

/// The id of a finding that is named by its reference or its id.
fn id_of(connection: &Connection, reference: &str) -> rusqlite::Result<Option<String>> {
    prepare(connection, "SELECT id FROM finding WHERE reference = $1 OR id = $2")?
        .query_row(params![reference.to_uppercase(), reference], |row| row.get(0))
        .optional()
}

pub(super) fn step(
    connection: &Connection,
    reference: &str,
    step: &Step,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Changed<Finding>> {
    let Some(id) = id_of(connection, reference)? else { return Ok(None) };
    let Some(before) = governed::load::<Finding>(connection, &id)? else { return Ok(None) };
    let failed = std::cell::RefCell::new(None);
    let active = |person| {
        let keep = |error: rusqlite::Error| {
            failed.borrow_mut().get_or_insert(error);
        };
        systems::active(connection, person).map_err(keep).ok().flatten()
    };
    let taken = findings::take(&before.body, step, who, act.now_ms, &active);
    if let Some(error) = failed.into_inner() {
        return Err(error);
    }
    let role = taken.as_ref().ok().and_then(|(_, role)| *role);
    let act = Act { role, ..act.clone() }.because(step.reason().trim());
    governed::change(connection, &id, &act, step.action(), |_| taken.map(|(next, _)| next))
}

/// The same step on several; those beyond the limit are refused, and told of.
pub(super) fn step_many(
    connection: &Connection,
    references: Vec<String>,
    one: &Step,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Vec<(String, Changed<Finding>)>> {
    let most = usize::try_from(systems::limits(connection)?.bulk_records).unwrap_or(usize::MAX);
    let mut came_to = Vec::new();
    for (at, reference) in references.into_iter().enumerate() {
        let changed = if at < most {
            step(connection, &reference, one, who, act)?
        } else {
            let says = format!("one change reaches at most {most} findings: do the rest in another one");
            Some(Err(Refused::new(Guard::Target, says)))
        };
        came_to.push((reference, changed));
    }
    Ok(came_to)
}

// ── What pages read ──────────────────────────────────────────────────────────────────────────

const FROM: &str = "finding f
    JOIN governed g ON g.kind = 'finding' AND g.id = f.id
    LEFT JOIN ai_system a ON f.subject_kind = 'system' AND a.id = f.subject
    LEFT JOIN unit u ON f.subject_kind = 'unit' AND CAST(u.id AS TEXT) = f.subject
    LEFT JOIN person p ON p.id = f.assignee";
const SELECT: &str =
    "SELECT g.body, g.version, g.hash, g.seq, g.at_ms, g.stamps, a.reference, a.name, u.name, p.display_name";

pub(super) fn list(
    connection: &Connection,
    filter: &FindingFilter,
    page: PageRequest,
) -> rusqlite::Result<Page<FindingRow>> {
    let conditions = conditions(filter);
    let order = "f.open DESC, f.severity DESC, f.due_day, f.opened_at_ms, f.id";
    let rows = conditions.page(connection, &format!("{SELECT} FROM {FROM}"), order, page, row)?;
    Ok(Page { rows, total: conditions.count(connection, "finding f")? })
}

pub(super) fn one(connection: &Connection, reference: &str) -> rusqlite::Result<Option<FindingRow>> {
    let Some(id) = id_of(connection, reference)? else { return Ok(None) };
    let sql = format!("{SELECT} FROM {FROM} WHERE f.id = $1");
    prepare(connection, &sql)?.query_row(params![id], row).optional()
}

pub(super) fn counts(
    connection: &Connection,
    person: i64,
    sight: &Sight,
    now_ms: i64,
) -> rusqlite::Result<WorkCounts> {
    let today = Day::from_unix_ms(now_ms).number();
    let findings = |and: Option<(&str, i64)>| {
        let mut conditions = Conditions::default();
        conditions.add("f.open = $", 1);
        sight::limit_findings(&mut conditions, sight);
        and.into_iter().for_each(|(condition, value)| conditions.add(condition, value));
        conditions.count(connection, "finding f")
    };
    let tasks = |and: Option<(&str, i64)>| {
        let mut conditions = Conditions::default();
        conditions.add("t.open = $", 1);
        sight::limit_tasks(&mut conditions, sight);
        and.into_iter().for_each(|(condition, value)| conditions.add(condition, value));
        conditions.count(connection, "task t")
    };
    let mut still_holding = Conditions::default();
    still_holding.add("f.open = $", 0);
    still_holding.add("f.holds = $", 1);
    sight::limit_findings(&mut still_holding, sight);
    Ok(WorkCounts {
        still_holding: still_holding.count(connection, "finding f")?,
        open_findings: findings(None)?,
        my_findings: findings(Some(("f.assignee = $", person)))?,
        overdue_findings: findings(Some(("f.due_day > 0 AND f.due_day < $", i64::from(today))))?,
        open_tasks: tasks(None)?,
        my_tasks: tasks(Some(("t.assignee = $", person)))?,
    })
}

fn row(row: &Row<'_>) -> rusqlite::Result<FindingRow> {
    let held: Held<Finding> = governed::held(row)?;
    let text = |at: usize| row.get::<_, Option<String>>(at);
    let subject = &held.body.subject;
    let about = text(7)?.or(text(8)?).unwrap_or_else(|| format!("{} {}", subject.kind, subject.id));
    Ok(FindingRow { system: text(6)?, about, assignee: text(9)?, held })
}

fn conditions(filter: &FindingFilter) -> Conditions {
    let mut conditions = Conditions::default();
    if filter.open {
        conditions.add("f.open = $", 1);
    }
    if filter.still_holding {
        conditions.add("f.open = $", 0);
        conditions.add("f.holds = $", 1);
    }
    if let Some(state) = filter.state {
        conditions.add("f.state = $", FindingState::as_str(state).to_owned());
    }
    if let Some(person) = filter.assignee {
        conditions.add("f.assignee = $", person);
    }
    if let Some(rule) = filter.rule {
        conditions.add("f.rule = $", Rule::as_str(rule).to_owned());
    }
    if let Some(severity) = filter.severity {
        conditions.add("f.severity = $", severity as i64);
    }
    if let Some(unit) = filter.unit {
        conditions.add("EXISTS (SELECT 1 FROM finding_unit x WHERE x.finding = f.id AND x.unit = $)", unit);
    }
    sight::limit_findings(&mut conditions, &filter.sight);
    if let Some(subject) = &filter.subject {
        conditions.add("f.subject_kind = $", subject.kind.clone());
        conditions.add("f.subject = $", subject.id.clone());
    }
    conditions
}
