//! What indicators look at, as the trail says that it was: nothing here reads a table that is kept up to date.

use std::collections::HashMap;

use rusqlite::Connection;
use umbrascope_api::Day;

use super::exports::as_of_all;
use super::records::first_decisions;
use crate::model::PersonRecord;
use crate::model::finding::Finding;
use crate::model::governed::Governed;
use crate::model::policy::{Limits, Policy};
use crate::model::record::AiSystem;
use crate::model::supplier::VendorAssessment;
use crate::model::task::Task;
use crate::readiness::{Gathered, Replayed, Work};

/// Everything of before a moment, Unix milliseconds.
pub(super) fn gathered(connection: &Connection, before_ms: i64) -> rusqlite::Result<Replayed> {
    let today = Day::from_unix_ms(before_ms.saturating_sub(1));
    let mut erased = 0;
    let mut systems: Vec<AiSystem> = all(connection, before_ms, &mut erased)?;
    systems.retain(|system| !system.is_merged());
    let decided: HashMap<String, i64> = first_decisions(connection, (0, before_ms))?;
    let people: Vec<PersonRecord> = all(connection, before_ms, &mut erased)?;
    let mut active: Vec<i64> =
        people.iter().filter(|person| person.details.active).map(|person| person.id).collect();
    active.sort_unstable();
    let (asked, mut tasks) = (all::<Finding>(connection, before_ms, &mut erased)?, Work::default());
    let (findings, nonconformities) = Work::of_findings(&asked, today);
    let of_tasks: Vec<Task> = all(connection, before_ms, &mut erased)?;
    of_tasks.iter().for_each(|task| tasks.add_task(task, today));
    // Other settings are of the same kind: this one has an id of its own.
    let limits = as_of_all::<Limits>(connection, before_ms)?
        .into_iter()
        .find(|dated| dated.id == Limits::default().id());
    let gathered = Gathered {
        first_decided_ms: systems.iter().map(|system| decided.get(&system.id).copied()).collect(),
        systems,
        suppliers: all::<VendorAssessment>(connection, before_ms, &mut erased)?,
        active,
        policies: all::<Policy>(connection, before_ms, &mut erased)?,
        findings,
        nonconformities,
        tasks,
        review_days: limits.and_then(|dated| dated.body).unwrap_or_default().review_days,
        ..Gathered::default()
    };
    Ok(Replayed { gathered, erased })
}

/// Records of a kind that are known; the others are counted.
fn all<T: Governed>(connection: &Connection, before_ms: i64, erased: &mut usize) -> rusqlite::Result<Vec<T>> {
    let dated = as_of_all::<T>(connection, before_ms)?;
    let of = dated.len();
    let known: Vec<T> = dated.into_iter().filter_map(|dated| dated.body).collect();
    *erased += of - known.len();
    Ok(known)
}
