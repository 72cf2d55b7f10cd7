//! [`Readying`] over SQLite.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use umbrascope_api::Day;

use super::fleet::Told;
use super::governed::{self, Projected};
use super::records::Records;
use super::{SqliteStore, management, prepare, replayed, statements, suspects, systems};
use crate::catalogue::Known;
use crate::model::Role;
use crate::model::document::Document;
use crate::model::governed::{Act, Governed, Held};
use crate::model::policy::Policy;
use crate::model::record::{AiSystem, Scope};
use crate::model::supplier::VendorAssessment;
use crate::readiness::{Answer, Applicability, Gathered, Kept, Replayed, Target, Work};
use crate::scope::UsageBand;
use crate::store::StoreError;
use crate::store::readiness::Readying;

impl Projected for Answer {}
impl Projected for Applicability {}
impl Projected for Kept {}

fn gathered(
    connection: &Connection,
    records: &Records,
    known: &Known,
    (told, tier_method): (&Told, &str),
    now_ms: i64,
) -> rusqlite::Result<Gathered> {
    let today = Day::from_unix_ms(now_ms);
    let held = records.systems(connection)?;
    let systems: Vec<AiSystem> =
        held.iter().map(|held| &held.body).filter(|system| !system.is_merged()).cloned().collect();
    let decided = records.decided(connection)?;
    let policies = governed::all::<Policy>(connection)?;
    let documents = governed::all::<Document>(connection)?.into_iter().map(|held| held.body);
    let documents = documents.filter(|document| document.superseded_by.is_none());
    let one = |sql: &str| prepare(connection, sql)?.query_row([], |row| row.get::<_, u64>(0));
    let active: Vec<i64> = prepare(connection, "SELECT id FROM person WHERE active = 1 ORDER BY id")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let roles: Vec<(Role, u64)> = prepare(
        connection,
        "SELECT g.role, count(DISTINCT g.person) FROM person_grant g JOIN person p ON p.id = g.person
         WHERE p.active = 1 GROUP BY g.role ORDER BY g.role",
    )?
    .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?
    .filter_map(|row| row.map(|(word, people)| Role::parse(&word).map(|role| (role, people))).transpose())
    .collect::<rusqlite::Result<_>>()?;
    let (asked, mut tasks) = (records.findings(connection)?, Work::default());
    let (findings, nonconformities) = Work::of_findings(asked.iter().map(|held| &held.body), today);
    records.tasks(connection)?.iter().for_each(|held| tasks.add_task(&held.body, today));
    let mut usage = Vec::with_capacity(systems.len());
    for system in &systems {
        // Counted where an indicator asks for it only.
        usage.push(match system.scope {
            Scope::Out => statements::usage(connection, &system.id)?,
            Scope::In | Scope::Undetermined => UsageBand::None,
        });
    }
    let suppliers = governed::all::<VendorAssessment>(connection)?;
    let targets = governed::all::<Target>(connection)?.into_iter().filter(|held| held.body.value.is_some());
    Ok(Gathered {
        usage,
        suppliers: suppliers.into_iter().map(|held| held.body).collect(),
        suspects: suspects::waiting(connection, known.matcher(), now_ms)?,
        first_decided_ms: systems.iter().map(|system| decided.get(&system.id).copied()).collect(),
        systems,
        active,
        roles,
        policies: policies.into_iter().map(|held| held.body).collect(),
        documents: documents.collect(),
        signed_scope: signed_scope(connection)?,
        findings,
        nonconformities,
        tasks,
        trail: (
            one("SELECT coalesce(max(seq) + 1, 0) FROM trail")?,
            one("SELECT coalesce(max(size), 0) FROM checkpoint")?,
        ),
        coverage: told.coverage.clone(),
        reviewed: management::last(connection)?,
        targets: targets.count().try_into().unwrap_or(0),
        months_kept: one("SELECT count(*) FROM governed WHERE kind = 'indicators'")?,
        settings_changed: one("SELECT count(*) FROM trail WHERE kind = 'setting' AND outcome = 'done'")?,
        retention_runs: one(
            "SELECT count(*) FROM trail WHERE kind = 'retention' AND action = 'retention.sweep'",
        )? > 0,
        tier_method: tier_method.to_owned(),
        controls_judged: one("SELECT count(*) FROM governed WHERE kind = 'control'")?,
        review_days: systems::limits(connection)?.review_days,
    })
}

fn signed_scope(connection: &Connection) -> rusqlite::Result<Option<(u64, Day)>> {
    prepare(
        connection,
        "SELECT number, signed_at_ms FROM statement WHERE state = 'signed' ORDER BY number DESC LIMIT 1",
    )?
    .query_row([], |row| Ok((row.get(0)?, Day::from_unix_ms(row.get(1)?))))
    .optional()
}

fn set<T: Projected>(connection: &Connection, record: &T, act: &Act, action: &str) -> rusqlite::Result<()> {
    match governed::load::<T>(connection, &record.id())? {
        Some(before) => governed::replace(connection, &before, record, act, action)?,
        None => governed::create(connection, record, act, action)?,
    };
    Ok(())
}

impl Readying for SqliteStore {
    fn gathered(&self, now_ms: i64) -> Result<Gathered, StoreError> {
        let (known, told) = (self.known(), self.told(now_ms)?);
        let method = self.tier_method.version.as_str();
        self.readers.with("gather what there is to show", |connection| {
            gathered(connection, &self.records, &known, (&told, method), now_ms)
        })
    }

    fn gathered_as_of(&self, before_ms: i64) -> Result<Replayed, StoreError> {
        self.readers
            .with("gather the records of a past day", |connection| replayed::gathered(connection, before_ms))
    }

    fn answers(&self) -> Result<Vec<Held<Answer>>, StoreError> {
        self.readers.with("list who answers for what", governed::all)
    }

    fn set_answer(&self, answer: Answer, act: Act) -> Result<(), StoreError> {
        self.writer.run("note who answers for a requirement", move |connection, _| {
            set(connection, &answer, &act, "requirement.answer")
        })
    }

    fn applicabilities(&self) -> Result<Vec<Held<Applicability>>, StoreError> {
        self.readers.with("list which controls apply", governed::all)
    }

    fn set_applicability(&self, applicability: Applicability, act: Act) -> Result<(), StoreError> {
        self.writer.run("note whether a control applies", move |connection, _| {
            set(connection, &applicability, &act, "control.judge")
        })
    }

    fn record_hashes(&self, kinds: &[&str]) -> Result<BTreeMap<String, String>, StoreError> {
        self.readers.with("read the hashes of records", |connection| {
            let mut hashes = BTreeMap::new();
            for kind in kinds {
                let mut statement = prepare(
                    connection,
                    "SELECT kind || '/' || id, hash FROM governed WHERE kind = $1 ORDER BY id",
                )?;
                let mut rows = statement.query(params![kind])?;
                while let Some(row) = rows.next()? {
                    hashes.insert(row.get(0)?, row.get(1)?);
                }
            }
            Ok(hashes)
        })
    }

    fn kept_indicators(&self) -> Result<Vec<Held<Kept>>, StoreError> {
        self.readers.with("list the indicators that were kept", |connection| {
            let mut kept = governed::all::<Kept>(connection)?;
            kept.reverse();
            Ok(kept)
        })
    }

    fn keep_indicators(&self, now_ms: i64) -> Result<bool, StoreError> {
        let today = Day::from_unix_ms(now_ms);
        let (year, month, _) = today.ymd();
        let month = format!("{year:04}-{month:02}");
        let wanted = month.clone();
        let there = self.readers.with("look whether indicators are kept", move |connection| {
            prepare(connection, "SELECT 1 FROM governed WHERE kind = $1 AND id = $2")?
                .exists(params![Kept::KIND, wanted])
        })?;
        if there {
            return Ok(false);
        }
        let kept = self.gathered(now_ms)?.kept(month, today);
        self.writer.run("keep the indicators of the month", move |connection, _| {
            set(connection, &kept, &Act::job("indicators", now_ms), "indicators.keep")
        })?;
        Ok(true)
    }
}
