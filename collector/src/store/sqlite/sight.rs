//! The one place that says in SQL which records are in a person's sight. Lists, counts, pages and exports all ask here.
//!
//! Each condition is about a row by the alias that its table has in the statement; `$` in it stands for the number of the person. Numbers of
//! units stand in the text: they are our own, and a person may hold more of them than a statement takes parameters.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::products::Conditions;
use super::{SqliteStore, prepare};
use crate::model::task::LinkKind;
use crate::model::{Cut, Sight};
use crate::store::{Sights, StoreError};

impl Sights for SqliteStore {
    fn sees(&self, sight: &Sight, kind: LinkKind, id: &str) -> Result<bool, StoreError> {
        self.readers.with("tell whether a record is in sight", |connection| sees(connection, sight, kind, id))
    }
}

/// Limits a statement over `ai_system a`.
pub(super) fn limit_systems(conditions: &mut Conditions, sight: &Sight) {
    limit(conditions, sight, |cut| system(cut, "a.id"));
}

/// Limits a statement over `finding f`.
pub(super) fn limit_findings(conditions: &mut Conditions, sight: &Sight) {
    limit(conditions, sight, |cut| finding(cut, "f"));
}

/// Limits a statement over `task t`.
pub(super) fn limit_tasks(conditions: &mut Conditions, sight: &Sight) {
    limit(conditions, sight, |cut| task(cut, "t"));
}

/// Limits a statement over `document d`.
pub(super) fn limit_documents(conditions: &mut Conditions, sight: &Sight) {
    limit(conditions, sight, |cut| linked(cut, "d.link_kind", "d.link"));
}

/// Limits a statement over `campaign_row r`.
pub(super) fn limit_rows(conditions: &mut Conditions, sight: &Sight) {
    limit(conditions, sight, |cut| format!("($ IN (r.owner, r.manager) OR {})", system(cut, "r.system")));
}

/// Ids of the records in sight; `None`: all.
pub(super) fn systems(connection: &Connection, sight: &Sight) -> rusqlite::Result<Option<BTreeSet<String>>> {
    let Sight::Cut(cut) = sight else { return Ok(None) };
    let sql = format!("SELECT a.id FROM ai_system a WHERE {}", system(cut, "a.id").replace('$', "$1"));
    let mut statement = prepare(connection, &sql)?;
    let ids = statement.query_map(params![cut.person], |row| row.get(0))?;
    ids.collect::<rusqlite::Result<_>>().map(Some)
}

fn limit(conditions: &mut Conditions, sight: &Sight, of: impl Fn(&Cut) -> String) {
    if let Sight::Cut(cut) = sight {
        conditions.add(&of(cut), cut.person);
    }
}

/// Whether something that is known by its id or its reference is in sight. What is not there is not.
fn sees(connection: &Connection, sight: &Sight, kind: LinkKind, id: &str) -> rusqlite::Result<bool> {
    let Sight::Cut(cut) = sight else { return Ok(true) };
    let (from, condition) = match kind {
        LinkKind::System => ("ai_system x", system(cut, "x.id")),
        LinkKind::Finding => ("finding x", finding(cut, "x")),
        LinkKind::Task => ("task x", task(cut, "x")),
        LinkKind::Vendor | LinkKind::Campaign | LinkKind::Requirement => return Ok(true),
    };
    let condition = condition.replace('$', "$3");
    let sql = format!("SELECT 1 FROM {from} WHERE (x.id = $1 OR x.reference = $2) AND {condition}");
    let found = prepare(connection, &sql)?
        .query_row(params![id, id.to_uppercase(), cut.person], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

/// The ids of the records in sight, as a statement of its own: it does not depend on the row that it is asked about, so that a database makes
/// the set once.
fn systems_in(cut: &Cut) -> String {
    let mut parts = vec![
        "SELECT s.id FROM ai_system s WHERE s.owner = $".to_owned(),
        "SELECT s.id FROM ai_system s WHERE s.risk_owner = $".to_owned(),
        "SELECT w.system FROM campaign_row w WHERE w.owner = $ AND w.state = 'open'".to_owned(),
        "SELECT w.system FROM campaign_row w WHERE w.manager = $ AND w.state = 'open'".to_owned(),
        "SELECT w.subject FROM finding w WHERE w.assignee = $ AND w.open = 1 AND w.subject_kind = 'system'"
            .to_owned(),
        "SELECT w.link FROM task w WHERE w.assignee = $ AND w.open = 1 AND w.link_kind = 'system'".to_owned(),
    ];
    if !cut.units.is_empty() {
        let units = numbers(&cut.units);
        parts.push(format!("SELECT y.system FROM ai_system_unit y WHERE y.unit IN ({units})"));
        parts.push(format!(
            "SELECT q.system FROM ai_system_product q WHERE q.product IN (
                SELECT k.word FROM product k WHERE EXISTS (
                    SELECT 1 FROM product_unit z WHERE z.product = k.id AND z.unit IN ({units}) AND {}))",
            enough(cut)
        ));
    }
    parts.join(" UNION ALL ")
}

/// Whether machines of a unit, row `z` of `product_unit`, are enough to bring a record into sight.
fn enough(cut: &Cut) -> String {
    match (cut.near.is_empty(), cut.least.max(1)) {
        (_, 1) => "z.assets >= 1".to_owned(),
        (true, least) => format!("z.assets >= {least}"),
        (false, least) => {
            format!("z.assets >= CASE WHEN z.unit IN ({}) THEN 1 ELSE {least} END", numbers(&cut.near))
        }
    }
}

/// Of a record that a column names.
fn system(cut: &Cut, column: &str) -> String {
    format!("{column} IN ({})", systems_in(cut))
}

/// Of a finding: the record's where it is about one, else its unit's.
fn finding(cut: &Cut, alias: &str) -> String {
    let about = system(cut, &format!("{alias}.subject"));
    let units = if cut.units.is_empty() { "-1".to_owned() } else { numbers(&cut.units) };
    format!(
        "({alias}.assignee = $ OR ({alias}.subject_kind = 'system' AND {about})
          OR ({alias}.subject_kind = 'unit' AND EXISTS (
            SELECT 1 FROM finding_unit u WHERE u.finding = {alias}.id AND u.unit IN ({units}))))"
    )
}

/// Of a task: that of what it hangs on, through any task between.
fn task(cut: &Cut, alias: &str) -> String {
    let hangs = hung(cut, "up.kind", "up.id");
    format!(
        "({alias}.assignee = $ OR EXISTS (
            WITH RECURSIVE up (kind, id) AS (
                SELECT {alias}.link_kind, {alias}.link
                UNION SELECT v.link_kind, v.link FROM up JOIN task v ON up.kind = 'task' AND v.id = up.id)
            SELECT 1 FROM up WHERE {hangs}))"
    )
}

/// Of what hangs on something.
fn linked(cut: &Cut, kind: &str, id: &str) -> String {
    let task = task(cut, "j");
    format!(
        "({} OR ({kind} = 'task' AND EXISTS (SELECT 1 FROM task j WHERE j.id = {id} AND {task})))",
        hung(cut, kind, id)
    )
}

/// Of what hangs on anything but a task.
fn hung(cut: &Cut, kind: &str, id: &str) -> String {
    let finding = finding(cut, "h");
    format!(
        "({kind} IN ('vendor', 'requirement', 'campaign') OR ({kind} = 'system' AND {})
          OR ({kind} = 'finding' AND EXISTS (SELECT 1 FROM finding h WHERE h.id = {id} AND {finding})))",
        system(cut, id)
    )
}

fn numbers(units: &[i64]) -> String {
    units.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}
