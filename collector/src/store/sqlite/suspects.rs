//! Suspects: who switched them on, what came in of them, and what people decided.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Map;
use umbrascope_api::{Ack, Day, Refusal, RefusedRow, RowKind, SuspectRow, limits};
use umbrascope_rules::Matcher;

use super::identity::next_number;
use super::people::{act, by_name};
use super::{SqliteStore, governed, prepare, sign_in};
use crate::model::{
    By, Deed, Dismissal, Page, PageRequest, Step, StepRefused, StepRow, SuspectDomain, SuspectSetting,
};
use crate::review::Who;
use crate::store::{Report, StoreError, Suspects};

/// Name of the setting in `setting_step`.
const SETTING: &str = "suspects";
/// Days that counts, and domains nobody dismissed, are kept after they were last seen.
const KEPT_DAYS: u32 = 90;
/// Steps that are looked at for the present setting: the last request and what followed it are among them.
const STEPS: i64 = 16;

/// Takes the suspects of a report while they are asked for, and says in the answer whether they are.
pub(super) fn merge(
    connection: &Connection,
    report: &Report,
    ack: &mut Ack,
) -> rusqlite::Result<Vec<RefusedRow>> {
    ack.suspects_since_ms = setting(connection, report.received_at_ms)?.since_ms();
    let refused_before =
        |index: u64| report.refused.iter().any(|row| (row.kind, row.index) == (RowKind::Suspect, index));
    let mut refused = Vec::new();
    if report.batch.suspects.is_empty() {
        return Ok(refused);
    }
    if ack.suspects_since_ms.is_some() {
        let oldest = Day::from_unix_ms(report.received_at_ms).back(KEPT_DAYS);
        prune(connection, oldest)?;
    }
    for (index, row) in (0_u64..).zip(&report.batch.suspects).filter(|(index, _)| !refused_before(*index)) {
        let reason = match ack.suspects_since_ms {
            None => Some(Refusal::NotAsked),
            Some(_) => merge_row(connection, &report.suspect_source, row)?,
        };
        refused.extend(reason.map(|reason| RefusedRow { kind: RowKind::Suspect, index, reason }));
    }
    Ok(refused)
}

fn merge_row(connection: &Connection, source: &str, row: &SuspectRow) -> rusqlite::Result<Option<Refusal>> {
    let dismissed = prepare(connection, "SELECT 1 FROM suspect_dismissal WHERE domain = $1")?
        .exists(params![row.domain])?;
    if dismissed {
        return Ok(None);
    }
    let day = i64::from(row.day.number());
    let n = i64::try_from(row.count).unwrap_or(i64::MAX);
    let stored: Option<i64> =
        prepare(connection, "SELECT n FROM suspect_count WHERE domain = $1 AND source = $2 AND day = $3")?
            .query_row(params![row.domain, source, day], |row| row.get(0))
            .optional()?;
    let mut new_source = 0;
    if stored.is_none() {
        let of_the_day: i64 =
            prepare(connection, "SELECT count(*) FROM suspect_count WHERE day = $1 AND source = $2")?
                .query_row(params![day, source], |row| row.get(0))?;
        if of_the_day >= i64::try_from(limits::SUSPECTS).unwrap_or(i64::MAX) {
            return Ok(Some(Refusal::OverQuota));
        }
        let known = prepare(connection, "SELECT 1 FROM suspect_count WHERE domain = $1 AND source = $2")?
            .exists(params![row.domain, source])?;
        new_source = i64::from(!known);
    }
    let gained = n - stored.unwrap_or(0);
    if gained <= 0 {
        return Ok(None);
    }
    prepare(
        connection,
        "INSERT INTO suspect_count (domain, source, day, n) VALUES ($1, $2, $3, $4)
         ON CONFLICT (domain, source, day) DO UPDATE SET n = excluded.n",
    )?
    .execute(params![row.domain, source, day, n])?;
    prepare(
        connection,
        "INSERT INTO suspect AS s (domain, n, sources, first_day, last_day) VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (domain) DO UPDATE SET n = s.n + excluded.n, sources = s.sources + excluded.sources,
            first_day = CASE WHEN excluded.first_day < s.first_day THEN excluded.first_day ELSE s.first_day END,
            last_day = CASE WHEN excluded.last_day > s.last_day THEN excluded.last_day ELSE s.last_day END",
    )?
    .execute(params![row.domain, gained, new_source, day])?;
    Ok(None)
}

fn prune(connection: &Connection, oldest: Day) -> rusqlite::Result<()> {
    prepare(connection, "DELETE FROM suspect_count WHERE day < $1")?.execute(params![oldest.number()])?;
    prepare(
        connection,
        "DELETE FROM suspect WHERE last_day < $1 AND domain NOT IN (SELECT domain FROM suspect_dismissal)",
    )?
    .execute(params![oldest.number()])?;
    Ok(())
}

fn steps(connection: &Connection, limit: i64) -> rusqlite::Result<Vec<StepRow>> {
    let mut statement = prepare(
        connection,
        "SELECT step, person, at_ms FROM setting_step WHERE setting = $1 ORDER BY id DESC LIMIT $2",
    )?;
    let rows = statement.query_map(params![SETTING, limit], |row| {
        let word: String = row.get(0)?;
        // A word of another version switches nothing on.
        let step = Step::ALL.into_iter().find(|step| step.as_str() == word).unwrap_or(Step::Withdrawn);
        Ok(StepRow { step, person: row.get(1)?, at_ms: row.get(2)? })
    })?;
    rows.collect()
}

fn setting(connection: &Connection, now_ms: i64) -> rusqlite::Result<SuspectSetting> {
    let mut steps = steps(connection, STEPS)?;
    steps.reverse();
    Ok(SuspectSetting::after(&steps, now_ms))
}

fn take(
    connection: &Connection,
    step: Step,
    person: &str,
    now_ms: i64,
) -> rusqlite::Result<Result<SuspectSetting, StepRefused>> {
    let setting = setting(connection, now_ms)?;
    let mut taken = setting.take(step, person, now_ms);
    if let (Step::Confirmed, SuspectSetting::Asked { by, at_ms }) = (step, &setting)
        && taken.is_ok()
        && !second(connection, person, by, *at_ms, now_ms)?
    {
        taken = Err(StepRefused::LetIn);
    }
    if taken.is_ok() {
        let id = next_number(connection, "setting_step")?;
        prepare(
            connection,
            "INSERT INTO setting_step (id, setting, step, person, at_ms) VALUES ($1, $2, $3, $4, $5)",
        )?
        .execute(params![id, SETTING, step.as_str(), person, now_ms])?;
        let by = by_name(connection, person, "", now_ms)?;
        let act = act(connection, &by, Deed::ChangeCollection)?;
        let details = Map::from_iter([("step".to_owned(), step.as_str().into())]);
        governed::note(connection, "setting", SETTING, &act, "setting.suspects", &details)?;
    }
    Ok(taken)
}

/// Whether a person counts as another one than who asked, both known by their sign-in names.
fn second(
    connection: &Connection,
    person: &str,
    asker: &str,
    at_ms: i64,
    now_ms: i64,
) -> rusqlite::Result<bool> {
    let number = |name: &str| Ok::<_, rusqlite::Error>(by_name(connection, name, "", now_ms)?.person);
    let (Some(person), Some(asker)) = (number(person)?, number(asker)?) else { return Ok(true) };
    let who = Who { person, let_in: sign_in::let_in(connection, person)?, ..Who::default() };
    Ok(who.second_to(asker, at_ms, now_ms).is_ok())
}

fn list(
    connection: &Connection,
    dismissed: bool,
    page: PageRequest,
    matcher: &Matcher,
) -> rusqlite::Result<Page<SuspectDomain>> {
    let mut statement = prepare(
        connection,
        "SELECT s.domain, s.n, s.sources, s.first_day, s.last_day, d.reason, d.person, d.at_ms
         FROM suspect s LEFT JOIN suspect_dismissal d ON d.domain = s.domain
         WHERE (d.domain IS NOT NULL) = $1 ORDER BY s.n DESC, s.domain DESC",
    )?;
    let day = |number: u32| Day::from_number(number).unwrap_or(Day::MAX);
    let rows = statement.query_map(params![dismissed], |row| {
        let reason: Option<String> = row.get(5)?;
        let dismissal = match reason {
            Some(reason) => Some(Dismissal { reason, person: row.get(6)?, at_ms: row.get(7)? }),
            None => None,
        };
        Ok(SuspectDomain {
            domain: row.get(0)?,
            count: u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
            sources: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
            first_day: day(row.get(3)?),
            last_day: day(row.get(4)?),
            dismissal,
        })
    })?;
    // What a rule or a deny speaks of by now is settled. The queue is short: a sensor tells of some hundred domains a day, most
    // of them the same as all others, and they go after a while.
    let open = |row: &SuspectDomain| dismissed || !matcher.touches(&row.domain);
    let (mut total, mut wanted) = (0, Vec::new());
    for row in rows {
        let row = row?;
        if open(&row) {
            if total >= page.offset && wanted.len() < page.limit as usize {
                wanted.push(row);
            }
            total += 1;
        }
    }
    Ok(Page { rows: wanted, total })
}

/// Suspected domains that wait for a person; `None`: they are not collected.
pub(super) fn waiting(
    connection: &Connection,
    matcher: &Matcher,
    now_ms: i64,
) -> rusqlite::Result<Option<u64>> {
    if setting(connection, now_ms)?.since_ms().is_none() {
        return Ok(None);
    }
    let page = PageRequest { offset: 0, limit: 1 };
    Ok(Some(list(connection, false, page, matcher)?.total))
}

fn dismiss(connection: &Connection, domain: &str, dismissal: &Dismissal) -> rusqlite::Result<bool> {
    let known = prepare(connection, "SELECT 1 FROM suspect WHERE domain = $1")?.exists(params![domain])?;
    if known {
        prepare(
            connection,
            "INSERT INTO suspect_dismissal (domain, reason, person, at_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (domain) DO NOTHING",
        )?
        .execute(params![domain, dismissal.reason, dismissal.person, dismissal.at_ms])?;
        let by = by_name(connection, &dismissal.person, &dismissal.reason, dismissal.at_ms)?;
        let act = act(connection, &by, Deed::Triage)?;
        governed::note(connection, "suspect", domain, &act, "suspect.dismiss", &Map::new())?;
    }
    Ok(known)
}

impl Suspects for SqliteStore {
    fn suspect_setting(&self, now_ms: i64) -> Result<SuspectSetting, StoreError> {
        self.readers.with("tell whether suspects are collected", |connection| setting(connection, now_ms))
    }

    fn suspect_steps(&self, limit: u32) -> Result<Vec<StepRow>, StoreError> {
        self.readers.with("list who switched suspects on", |connection| steps(connection, limit.into()))
    }

    fn suspects(&self, dismissed: bool, page: PageRequest) -> Result<Page<SuspectDomain>, StoreError> {
        let known = self.known();
        self.readers
            .with("list the suspects", |connection| list(connection, dismissed, page, known.matcher()))
    }

    fn step_suspects(
        &self,
        step: Step,
        person: &str,
        now_ms: i64,
    ) -> Result<Result<SuspectSetting, StepRefused>, StoreError> {
        let person = person.to_owned();
        self.writer.run("change whether suspects are collected", move |connection, _| {
            take(connection, step, &person, now_ms)
        })
    }

    fn dismiss_suspect(&self, domain: &str, dismissal: &Dismissal) -> Result<bool, StoreError> {
        let (domain, dismissal) = (domain.to_owned(), dismissal.clone());
        self.writer.run("dismiss a suspect", move |connection, _| dismiss(connection, &domain, &dismissal))
    }

    fn restore_suspect(&self, domain: &str, by: &By) -> Result<bool, StoreError> {
        let (domain, by) = (domain.to_owned(), by.clone());
        self.writer.run("take a dismissal back", move |connection, _| {
            let gone = prepare(connection, "DELETE FROM suspect_dismissal WHERE domain = $1")?
                .execute(params![domain])?;
            if gone > 0 {
                let act = act(connection, &by, Deed::Triage)?;
                governed::note(connection, "suspect", &domain, &act, "suspect.restore", &Map::new())?;
            }
            Ok(gone > 0)
        })
    }
}
