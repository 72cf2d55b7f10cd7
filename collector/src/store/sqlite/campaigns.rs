//! Campaigns: frozen lists, their rows, and what time does to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};
use umbrascope_api::Day;

use super::governed::{self, Projected};
use super::identity::next_number;
use super::products::Conditions;
use super::records::Records;
use super::{SqliteStore, campaign_answers, prepare, sight, systems};
use crate::audit::{Keys, canonical};
use crate::campaign;
use crate::model::campaign::{
    Attested, Campaign, CampaignDetail, CampaignLine, CampaignPlan, CampaignQuery, CampaignRow,
    CampaignState, Candidate, OpenRow, OwnerProgress, RowCounts, RowFilter, RowState, RowStep, RowView,
    SentAnswer,
};
use crate::model::governed::{Act, Governed, Held};
use crate::model::record::AiSystem;
use crate::model::{Page, PageRequest, Sight};
use crate::review::{Refused, Who};
use crate::store::campaigns::Answers;
use crate::store::{Campaigns, Changed, StoreError};

/// Name of the job that lets silence go on.
const JOB: &str = "campaign";
/// Sensors of a unit that were silent for longer feed none of its records: a week, since machines rest over weekends and holidays.
const DATA_GAP_MS: i64 = 7 * 86_400_000;

impl Projected for Campaign {
    fn project(connection: &Connection, id: &str, new: Option<&Self>, _: &Act) -> rusqlite::Result<()> {
        let Some(new) = new else {
            prepare(connection, "DELETE FROM campaign WHERE id = $1")?.execute(params![id])?;
            return Ok(());
        };
        prepare(
            connection,
            "INSERT INTO campaign AS s (id, reference, state, due_day, started_at_ms) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, due_day = excluded.due_day",
        )?
        .execute(params![
            id,
            new.reference,
            new.state.as_str(),
            new.schedule.due.number(),
            new.started_at_ms
        ])?;
        Ok(())
    }
}

impl Projected for CampaignRow {
    fn project(connection: &Connection, id: &str, new: Option<&Self>, _: &Act) -> rusqlite::Result<()> {
        let Some(new) = new else {
            prepare(connection, "DELETE FROM campaign_row WHERE id = $1")?.execute(params![id])?;
            return Ok(());
        };
        prepare(
            connection,
            "INSERT INTO campaign_row AS s (id, campaign, system, owner, state, step, manager)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, step = excluded.step, manager = excluded.manager",
        )?
        .execute(params![
            id,
            new.campaign,
            new.system,
            new.owner,
            new.state.as_str(),
            new.step.as_str(),
            new.escalated_to.unwrap_or(0)
        ])?;
        Ok(())
    }
}

impl Campaigns for SqliteStore {
    fn campaign_records(&self, query: &CampaignQuery, sight: &Sight) -> Result<Vec<Candidate>, StoreError> {
        self.readers.with("find the records of a campaign", |connection| candidates(connection, query, sight))
    }

    fn start_campaign(
        &self,
        plan: CampaignPlan,
        who: Who,
        act: Act,
    ) -> Result<Result<Held<Campaign>, Refused>, StoreError> {
        self.writer.run("start a campaign", move |connection, books| {
            books.governed.clear();
            start(connection, &plan, &who, &act)
        })
    }

    fn campaigns(&self, page: PageRequest, sight: &Sight) -> Result<Page<CampaignLine>, StoreError> {
        self.readers.with("list the campaigns", |connection| {
            let conditions = Conditions::default();
            let order = "started_at_ms DESC, id";
            let ids: Vec<String> =
                conditions.page(connection, "SELECT id FROM campaign", order, page, |row| row.get(0))?;
            let mut rows = Vec::with_capacity(ids.len());
            for id in ids {
                let Some(mut held) = governed::load::<Campaign>(connection, &id)? else { continue };
                cut(&mut held.body, sight::systems(connection, sight)?.as_ref());
                rows.push(CampaignLine { counts: counts(connection, &id, sight)?, held });
            }
            Ok(Page { rows, total: conditions.count(connection, "campaign")? })
        })
    }

    fn campaign(&self, id: &str, sight: &Sight, now_ms: i64) -> Result<Option<CampaignDetail>, StoreError> {
        let sensed = self.told_sensed(now_ms)?;
        self.readers
            .with("show a campaign", |connection| detail((connection, &self.records), id, sight, &sensed))
    }

    fn campaign_rows(
        &self,
        campaign: &str,
        filter: &RowFilter,
        page: PageRequest,
        now_ms: i64,
    ) -> Result<Page<RowView>, StoreError> {
        let sensed = self.told_sensed(now_ms)?;
        self.readers.with("list the rows of a campaign", |connection| {
            let mut conditions = Conditions::default();
            conditions.add("r.campaign = $", campaign.to_owned());
            if let Some(state) = filter.state {
                conditions.add("r.state = $", state.as_str().to_owned());
            }
            if let Some(owner) = filter.owner {
                conditions.add("r.owner = $", owner);
            }
            sight::limit_rows(&mut conditions, &filter.sight);
            views(connection, &conditions, page, &sensed)
        })
    }

    fn serve_rows(
        &self,
        person: i64,
        page: PageRequest,
        now_ms: i64,
        again: bool,
    ) -> Result<Page<OpenRow>, StoreError> {
        let found = self.open_rows(person, page, now_ms)?;
        let sent = |row: &OpenRow| (row.held.body.id.clone(), row.system.held.hash.clone());
        let sent: Vec<(String, String)> = found.rows.iter().map(sent).collect();
        if !sent.is_empty() {
            self.writer.run("note which rows somebody was sent", move |connection, _| {
                for (row, hash) in &sent {
                    campaign_answers::note_served(connection, (row, person), hash, now_ms, again)?;
                }
                Ok(())
            })?;
        }
        Ok(found)
    }

    fn open_rows(&self, person: i64, page: PageRequest, now_ms: i64) -> Result<Page<OpenRow>, StoreError> {
        let sensed = self.told_sensed(now_ms)?;
        self.readers.with("show somebody their rows", |connection| {
            campaign_answers::open_rows(connection, person, page, &sensed)
        })
    }

    fn rows_escalated_to(&self, person: i64, now_ms: i64) -> Result<Vec<RowView>, StoreError> {
        let sensed = self.told_sensed(now_ms)?;
        self.readers.with("show a manager what waits", |connection| {
            let mut conditions = Conditions::default();
            conditions.add("r.manager = $", person);
            conditions.add("r.state = $", RowState::Open.as_str().to_owned());
            let page = PageRequest { offset: 0, limit: PageRequest::MAX_LIMIT };
            Ok(views(connection, &conditions, page, &sensed)?.rows)
        })
    }

    fn answer_rows(&self, answers: Vec<SentAnswer>, who: Who, act: Act) -> Result<Answers, StoreError> {
        let sensed = self.told_sensed(act.now_ms)?;
        self.writer.run("take answers of a campaign", move |connection, books| {
            books.governed.clear();
            let method = Arc::clone(&books.options.tier_method);
            let batch = u32::try_from(answers.len()).unwrap_or(u32::MAX);
            let mut came_to = Vec::with_capacity(answers.len());
            for sent in answers {
                let changed =
                    campaign_answers::answer((connection, &method, &sensed), &sent, batch, &who, &act)?;
                came_to.push((sent.row, changed));
            }
            Ok(came_to)
        })
    }

    fn assign_row(
        &self,
        row: &str,
        owner: i64,
        who: Who,
        act: Act,
    ) -> Result<Changed<CampaignRow>, StoreError> {
        let row = row.to_owned();
        self.writer.run("give a row to another owner", move |connection, books| {
            books.governed.clear();
            let method = Arc::clone(&books.options.tier_method);
            campaign_answers::assign(connection, &method, &row, owner, &who, &act)
        })
    }

    fn close_campaign(
        &self,
        id: &str,
        who: Who,
        act: Act,
        keys: Arc<Keys>,
    ) -> Result<Changed<Campaign>, StoreError> {
        let id = id.to_owned();
        self.writer.run("close a campaign", move |connection, books| {
            books.governed.clear();
            close(connection, &id, &who, &act, &keys)
        })
    }

    fn attested(&self, now_ms: i64) -> Result<Attested, StoreError> {
        self.readers.with("count what is attested", |connection| {
            let days = systems::limits(connection)?.review_days;
            let all = self.records.systems(connection)?;
            Ok(campaign::attested(all.iter().map(|held| &held.body), Day::from_unix_ms(now_ms), days))
        })
    }
}

// ── Starting and closing ─────────────────────────────────────────────────────────────────────

fn candidates(
    connection: &Connection,
    query: &CampaignQuery,
    sight: &Sight,
) -> rusqlite::Result<Vec<Candidate>> {
    let mut conditions = Conditions::default();
    sight::limit_systems(&mut conditions, sight);
    conditions.add("a.merged = $", 0);
    conditions.add("a.stage <> $", "retired".to_owned());
    // What nobody looked at yet has no owner to ask, and what was dismissed is nothing to answer for.
    conditions.add("a.review <> $", "dismissed".to_owned());
    if let Some(unit) = query.unit {
        conditions.add("EXISTS (SELECT 1 FROM ai_system_unit u WHERE u.system = a.id AND u.unit = $)", unit);
    }
    let words = [
        ("a.tier = $", query.tier.map(|one| one.as_str())),
        ("a.scope = $", query.scope.map(|one| one.as_str())),
        ("a.kind = $", query.kind.map(|one| one.as_str())),
    ];
    for (condition, word) in words {
        if let Some(word) = word {
            conditions.add(condition, word.to_owned());
        }
    }
    let select =
        "SELECT a.id, a.reference, a.name, a.owner, coalesce(p.display_name, ''), coalesce(p.active, 0)
        FROM ai_system a LEFT JOIN person p ON p.id = a.owner";
    let most = u32::try_from(campaign::MOST_RECORDS + 1).unwrap_or(u32::MAX);
    conditions.page(connection, select, "a.name, a.id", PageRequest { offset: 0, limit: most }, candidate)
}

fn candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    let owner: i64 = row.get(3)?;
    Ok(Candidate {
        id: row.get(0)?,
        reference: row.get(1)?,
        name: row.get(2)?,
        owner: (owner != 0).then_some(owner),
        owner_name: row.get(4)?,
        owner_active: row.get(5)?,
    })
}

fn start(
    connection: &Connection,
    plan: &CampaignPlan,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Result<Held<Campaign>, Refused>> {
    let found = candidates(connection, &plan.query, &Sight::All)?;
    // The number is taken only when it is used.
    let ids = (systems::new_uuid(act.now_ms), String::new());
    match campaign::start(plan, &found, who, act.now_ms, ids, &mut || systems::new_uuid(act.now_ms)) {
        Ok((mut campaign, rows, role)) => {
            campaign.reference = format!("CAM-{:04}", next_number(connection, Campaign::KIND)?);
            let act = Act { batch: Some(batch(&campaign.id)), ..act.clone().as_role(role) };
            let held = governed::create(connection, &campaign, &act, "campaign.start")?;
            for row in &rows {
                governed::create(connection, row, &act, "campaign.ask")?;
            }
            Ok(Ok(held))
        }
        Err(refused) => {
            governed::refuse(connection, Campaign::KIND, "new", act, "campaign.start", &refused)?;
            Ok(Err(refused))
        }
    }
}

/// What the entries of one campaign have in common.
pub(super) fn batch(campaign: &str) -> String {
    format!("campaign:{campaign}")
}

fn close(
    connection: &Connection,
    id: &str,
    who: &Who,
    act: &Act,
    keys: &Keys,
) -> rusqlite::Result<Changed<Campaign>> {
    let Some(before) = find(connection, id)? else { return Ok(None) };
    let id = before.body.id.clone();
    let open = counts(connection, &id, &Sight::All)?.open;
    let judged = campaign::may_close(&before.body, open, who, &act.reason, Day::from_unix_ms(act.now_ms));
    let role = match judged {
        Ok(role) => role,
        Err(refused) => {
            governed::refuse(connection, Campaign::KIND, &id, act, "campaign.close", &refused)?;
            return Ok(Some(Err(refused)));
        }
    };
    let act = Act { batch: Some(batch(&id)), ..act.clone().as_role(role) };
    let sensed = Sensed::now(connection, act.now_ms)?;
    let mut rows = Vec::new();
    for row in all_rows(connection, &id)? {
        let system = governed::load::<AiSystem>(connection, &row.body.system)?;
        let merged = system.as_ref().is_none_or(|held| held.body.is_merged());
        let blocked = system.as_ref().is_some_and(|held| sensed.blocks(&held.body));
        match campaign::ended(&row.body, blocked, merged) {
            Some(next) => {
                rows.push(governed::replace(connection, &row, &next, &act, "campaign.end")?.body);
            }
            None => rows.push(row.body),
        }
    }
    let mut next = Campaign {
        state: CampaignState::Closed,
        closed_by: Some(who.person),
        closed_at_ms: Some(act.now_ms),
        ..before.body.clone()
    };
    let report = campaign::report(&next, &rows, keys.origin());
    next.report = Some(signed(&report, keys)?);
    governed::replace(connection, &before, &next, &act, "campaign.close").map(|held| Some(Ok(held)))
}

/// One line of canonical JSON, and the collector's signature of it.
fn signed(report: &campaign::Report, keys: &Keys) -> rusqlite::Result<String> {
    let failed =
        |error: Box<dyn std::error::Error + Send + Sync>| rusqlite::Error::ToSqlConversionFailure(error);
    let json = serde_json::to_value(report).map_err(|error| failed(error.into()))?;
    let bytes = canonical(&json).map_err(|error| failed(error.into()))?;
    let text = format!("{}\n", String::from_utf8_lossy(&bytes));
    Ok(keys.sign_text(text).map_err(|error| failed(error.into()))?.to_string())
}

// ── Time ─────────────────────────────────────────────────────────────────────────────────────

/// Takes silence one step further where its day has come. How many rows went on.
pub(super) fn attend(connection: &Connection, now_ms: i64) -> rusqlite::Result<usize> {
    let ids: Vec<(String, String)> = prepare(
        connection,
        "SELECT r.id, r.campaign FROM campaign_row r JOIN campaign c ON c.id = r.campaign
         WHERE c.state = 'open' AND r.state = 'open' AND r.step <> 'reported' ORDER BY r.campaign, r.id",
    )?
    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
    .collect::<rusqlite::Result<_>>()?;
    if ids.is_empty() {
        return Ok(0);
    }
    let (sensed, today) = (Sensed::now(connection, now_ms)?, Day::from_unix_ms(now_ms));
    let mut campaigns: BTreeMap<String, Campaign> = BTreeMap::new();
    let mut moved = 0;
    for (id, campaign) in ids {
        if !campaigns.contains_key(&campaign) {
            let Some(held) = governed::load::<Campaign>(connection, &campaign)? else { continue };
            campaigns.insert(campaign.clone(), held.body);
        }
        let Some(row) = governed::load::<CampaignRow>(connection, &id)? else { continue };
        let system = governed::load::<AiSystem>(connection, &row.body.system)?;
        let blocked = system.is_some_and(|held| sensed.blocks(&held.body));
        let manager = manager(connection, row.body.owner)?;
        let campaign = &campaigns[&campaign];
        if let Some(next) = campaign::escalate(campaign, &row.body, today, blocked, manager) {
            let act = Act { batch: Some(batch(&campaign.id)), ..Act::job(JOB, now_ms) };
            let act = act.because(next.step.label());
            governed::replace(connection, &row, &next, &act, "campaign.escalate")?;
            moved += 1;
        }
    }
    Ok(moved)
}

/// The manager of a person, if there is one who is still there.
fn manager(connection: &Connection, person: i64) -> rusqlite::Result<Option<i64>> {
    prepare(
        connection,
        "SELECT m.id FROM person p JOIN person m ON m.id = p.manager WHERE p.id = $1 AND m.active = 1",
    )?
    .query_row(params![person], |row| row.get(0))
    .optional()
}

/// Units by what their sensors do. A unit without any sensor is in neither.
#[derive(Debug, Clone, Default)]
pub(super) struct Sensed {
    silent: BTreeSet<i64>,
    reporting: BTreeSet<i64>,
}

impl Sensed {
    /// A look at every sensor.
    pub(super) fn now(connection: &Connection, now_ms: i64) -> rusqlite::Result<Self> {
        let mut sensed = Self::default();
        let mut statement = prepare(
            connection,
            "SELECT a.unit, max(q.last_report_at_ms) FROM sensor s JOIN asset a ON a.id = s.asset
             JOIN sensor_seen q ON q.sensor = s.id WHERE q.revoked = 0 GROUP BY a.unit",
        )?;
        for row in statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))? {
            let (unit, last) = row?;
            if last < now_ms - DATA_GAP_MS {
                sensed.silent.insert(unit)
            } else {
                sensed.reporting.insert(unit)
            };
        }
        Ok(sensed)
    }

    /// Whether sensors of a record's units are there and silent, all of them. Where there is none, nothing was to be looked at.
    pub(super) fn blocks(&self, system: &AiSystem) -> bool {
        system.org_units.iter().any(|unit| self.silent.contains(unit))
            && !system.org_units.iter().any(|unit| self.reporting.contains(unit))
    }
}

// ── What pages read ──────────────────────────────────────────────────────────────────────────

/// A campaign by its id or its reference.
pub(super) fn find(connection: &Connection, id: &str) -> rusqlite::Result<Option<Held<Campaign>>> {
    if let Some(held) = governed::load(connection, id)? {
        return Ok(Some(held));
    }
    let known: Option<String> = prepare(connection, "SELECT id FROM campaign WHERE reference = $1")?
        .query_row(params![id.to_uppercase()], |row| row.get(0))
        .optional()?;
    known.map_or(Ok(None), |id| governed::load(connection, &id))
}

fn all_rows(connection: &Connection, campaign: &str) -> rusqlite::Result<Vec<Held<CampaignRow>>> {
    let ids: Vec<String> =
        prepare(connection, "SELECT id FROM campaign_row WHERE campaign = $1 ORDER BY id")?
            .query_map(params![campaign], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        rows.extend(governed::load::<CampaignRow>(connection, &id)?);
    }
    Ok(rows)
}

fn counts(connection: &Connection, campaign: &str, sight: &Sight) -> rusqlite::Result<RowCounts> {
    let mut counts = RowCounts::default();
    let conditions = of_campaign(campaign, sight);
    let rows = conditions.every(
        connection,
        "SELECT r.state, count(*) FROM campaign_row r",
        "GROUP BY r.state ORDER BY r.state",
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?)),
    )?;
    for (state, rows) in rows {
        counts.add(RowState::parse(&state).unwrap_or_default(), rows);
    }
    Ok(counts)
}

/// Takes out what is out of sight: single records, and the report, which tells of all of them.
fn cut(campaign: &mut Campaign, in_sight: Option<&BTreeSet<String>>) {
    if let Some(in_sight) = in_sight {
        campaign.unowned.retain(|system| in_sight.contains(system));
        campaign.report = None;
    }
}

/// Rows in sight of a campaign.
fn of_campaign(campaign: &str, sight: &Sight) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.add("r.campaign = $", campaign.to_owned());
    sight::limit_rows(&mut conditions, sight);
    conditions
}

fn detail(
    (connection, records): (&Connection, &Records),
    id: &str,
    sight: &Sight,
    sensed: &Sensed,
) -> rusqlite::Result<Option<CampaignDetail>> {
    let Some(mut held) = find(connection, id)? else { return Ok(None) };
    let seen = sight::systems(connection, sight)?;
    let in_sight = |system: &String| seen.as_ref().is_none_or(|seen| seen.contains(system));
    cut(&mut held.body, seen.as_ref());
    let id = &held.body.id;
    let mut owners: BTreeMap<i64, OwnerProgress> = BTreeMap::new();
    type Line = (i64, String, String, u64, String, Option<String>);
    let lines: Vec<Line> = of_campaign(id, sight).every(
        connection,
        "SELECT r.owner, r.state, r.step, count(*), coalesce(p.display_name, ''), m.display_name
         FROM campaign_row r LEFT JOIN person p ON p.id = r.owner LEFT JOIN person m ON m.id = p.manager",
        "GROUP BY r.owner, r.state, r.step, p.display_name, m.display_name ORDER BY r.owner",
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)),
    )?;
    for (owner, state, step, rows, name, manager) in lines {
        let state = RowState::parse(&state).unwrap_or_default();
        let step = RowStep::parse(&step).unwrap_or_default();
        let progress = owners.entry(owner).or_insert_with(|| OwnerProgress {
            owner,
            name,
            manager,
            counts: RowCounts::default(),
            step: RowStep::None,
        });
        progress.counts.add(state, rows);
        if matches!(state, RowState::Open | RowState::Silent) {
            progress.step = progress.step.max(step);
        }
    }
    let mut owners: Vec<OwnerProgress> = owners.into_values().collect();
    owners.sort_by(|a, b| {
        (b.counts.open + b.counts.silent, &a.name).cmp(&(a.counts.open + a.counts.silent, &b.name))
    });
    let mut blocked_now = 0;
    let systems = records.systems(connection)?;
    let mut open = prepare(connection, "SELECT system FROM campaign_row WHERE campaign = $1 AND state = $2")?;
    for system in open.query_map(params![id, RowState::Open.as_str()], |row| row.get::<_, String>(0))? {
        let held = systems.get(&system?).filter(|held| in_sight(&held.body.id));
        blocked_now += u64::from(held.is_some_and(|held| sensed.blocks(&held.body)));
    }
    let mut unowned = Vec::new();
    for system in &held.body.unowned {
        let found = prepare(
            connection,
            "SELECT a.id, a.reference, a.name, a.owner, coalesce(p.display_name, ''), coalesce(p.active, 0)
             FROM ai_system a LEFT JOIN person p ON p.id = a.owner WHERE a.id = $1",
        )?
        .query_row(params![system], candidate)
        .optional()?;
        unowned.extend(found);
    }
    let started_by = display_name(connection, held.body.started_by)?.unwrap_or_default();
    let counts = counts(connection, id, sight)?;
    Ok(Some(CampaignDetail { started_by, counts, blocked_now, owners, unowned, held }))
}

/// The name that people know somebody by.
pub(super) fn display_name(connection: &Connection, person: i64) -> rusqlite::Result<Option<String>> {
    prepare(connection, "SELECT display_name FROM person WHERE id = $1")?
        .query_row(params![person], |row| row.get(0))
        .optional()
}

fn views(
    connection: &Connection,
    conditions: &Conditions,
    page: PageRequest,
    sensed: &Sensed,
) -> rusqlite::Result<Page<RowView>> {
    let select =
        "SELECT r.id, coalesce(a.reference, ''), coalesce(a.name, ''), coalesce(p.display_name, ''), a.owner
        FROM campaign_row r LEFT JOIN ai_system a ON a.id = r.system LEFT JOIN person p ON p.id = r.owner";
    type Line = (String, String, String, String, Option<i64>);
    let lines: Vec<Line> = conditions.page(connection, select, "a.name, r.id", page, |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
    })?;
    let mut rows = Vec::with_capacity(lines.len());
    for (id, reference, name, owner, owner_now) in lines {
        let Some(held) = governed::load::<CampaignRow>(connection, &id)? else { continue };
        let open = held.body.state == RowState::Open;
        let blocked = open
            && governed::load::<AiSystem>(connection, &held.body.system)?
                .is_some_and(|system| sensed.blocks(&system.body));
        let owner_changed = open && owner_now != Some(held.body.owner);
        rows.push(RowView { held, reference, name, owner, owner_changed, blocked });
    }
    Ok(Page { rows, total: conditions.count(connection, "campaign_row r")? })
}
