//! AI systems: proposed by sightings, moved by people, reopened by sightings and time.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, params};
use umbrascope_api::Day;
use umbrascope_rules::{Confidence, ProductKind};
use uuid::{NoContext, Timestamp, Uuid};

use super::books::{confidence_of, strongest_level};
use super::governed::{self, Projected};
use super::identity::next_number;
use super::products::{Channels, Conditions, by_assets, day, way};
use super::{clocks, coverage, findings, prepare, resources, sight, statements, tasks};
use crate::inventory::Bits;
use crate::model::campaign::{CampaignRow, RowState};
use crate::model::governed::{Act, Governed, Held};
use crate::model::policy::{Limits, Policy, in_force};
use crate::model::record::{
    AiActClass, AiSystem, Enforcement, Observed, ReviewState, Sanction, Scope, Seen, Stage, SystemKind, Tier,
    Tri,
};
use crate::model::{
    AiSystemRow, Clocks, Direction, Page, PageRequest, SystemDetail, SystemFilter, SystemProduct, SystemSort,
};
use crate::review::{self, Context, GONE_DAYS, Guard, Move, QUIET_DAYS, Refused, Who};
use crate::tier::Method;

/// Name of the job that proposes, observes and reopens.
const JOB: &str = "observe";
/// Versions of one product that are held against the limits of a decision.
const VERSIONS: i64 = 1_000;

impl Projected for Policy {}
impl Projected for Limits {}

impl Projected for AiSystem {
    fn project(connection: &Connection, id: &str, new: Option<&Self>, act: &Act) -> rusqlite::Result<()> {
        for table in ["ai_system_product", "ai_system_unit"] {
            prepare(connection, &format!("DELETE FROM {table} WHERE system = $1"))?.execute(params![id])?;
        }
        let Some(new) = new else {
            prepare(connection, "DELETE FROM ai_system WHERE id = $1")?.execute(params![id])?;
            return findings::evaluate(connection, id, None, act.now_ms);
        };
        for product in &new.products {
            prepare(connection, "INSERT INTO ai_system_product (system, product) VALUES ($1, $2)")?
                .execute(params![id, product])?;
        }
        for unit in &new.org_units {
            prepare(connection, "INSERT INTO ai_system_unit (system, unit) VALUES ($1, $2)")?
                .execute(params![id, unit])?;
        }
        let vendor = new.vendor_name.clone().map_or_else(|| vendors(connection, new), Ok)?;
        let labels = new.labels.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let search = format!("{} {} {vendor} {labels}", new.name, new.reference).to_lowercase();
        let request = new.request.as_ref();
        prepare(
            connection,
            "INSERT INTO ai_system AS s (id, reference, name, search, kind, review, sanction, scope, stage, observed,
                enforcement, tier, ai_act_class, owner, risk_owner, requested_by, requested_at_ms, decider, merged,
                watch_day, created_at_ms, by_version)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                $22)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, search = excluded.search, kind = excluded.kind,
                review = excluded.review, sanction = excluded.sanction, scope = excluded.scope,
                stage = excluded.stage, observed = excluded.observed, enforcement = excluded.enforcement,
                tier = excluded.tier, ai_act_class = excluded.ai_act_class, owner = excluded.owner,
                risk_owner = excluded.risk_owner, requested_by = excluded.requested_by,
                requested_at_ms = excluded.requested_at_ms, decider = excluded.decider,
                merged = excluded.merged, watch_day = excluded.watch_day, by_version = excluded.by_version",
        )?
        .execute(params![
            id,
            new.reference,
            new.name,
            search,
            new.kind.as_str(),
            new.review.as_str(),
            new.sanction.as_str(),
            new.scope.as_str(),
            new.stage.as_str(),
            new.observed.as_str(),
            new.enforcement.as_str(),
            new.risk_tier.as_str(),
            new.ai_act_class.as_str(),
            new.system_owner.unwrap_or(0),
            new.risk_owner.unwrap_or(0),
            request.map_or(0, |request| request.by),
            request.map_or(0, |request| request.at_ms),
            request.map_or("", |request| request.wish.decider().as_str()),
            new.is_merged(),
            watch_day(new),
            act.now_ms,
            !new.limited_to_versions.is_empty()
        ])?;
        findings::evaluate(connection, id, Some(new), act.now_ms)
    }
}

/// The first day on which time alone may move the record; 0: none.
fn watch_day(system: &AiSystem) -> u32 {
    if system.review != ReviewState::Decided {
        return 0;
    }
    let after = |day: Option<Day>| day.map(|day| day.forward(1));
    let days = [after(system.expires_on), system.next_review_due, after(system.aiia.expires)];
    days.into_iter().flatten().min().map_or(0, Day::number)
}

fn vendors(connection: &Connection, system: &AiSystem) -> rusqlite::Result<String> {
    let mut found = BTreeSet::new();
    for product in &system.products {
        let vendor: Option<String> = prepare(connection, "SELECT vendor FROM product WHERE word = $1")?
            .query_row(params![product], |row| row.get(0))
            .optional()?;
        found.extend(vendor);
    }
    Ok(found.into_iter().collect::<Vec<_>>().join(" "))
}

// ── What sensors do ──────────────────────────────────────────────────────────────────────────

/// Makes the record of a product that became a candidate, unless it has one.
pub(super) fn propose(connection: &Connection, product: i64, now_ms: i64) -> rusqlite::Result<()> {
    let (word, name, kind): (String, String, String) =
        prepare(connection, "SELECT word, name, kind FROM product WHERE id = $1")?
            .query_row(params![product], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let there = prepare(connection, "SELECT 1 FROM ai_system_product WHERE product = $1 LIMIT 1")?
        .exists(params![word])?;
    if there {
        return Ok(());
    }
    let seen = seen(connection, &BTreeSet::from([word.clone()]))?;
    let (id, reference) = new_record(connection, now_ms)?;
    let system = AiSystem {
        id,
        reference,
        name,
        kind: kind_of(kind.parse().ok()),
        products: BTreeSet::from([word]),
        third_party: Tri::Unknown,
        observed: Observed::Never,
        ..AiSystem::default()
    };
    let system = review::observe(&system, &seen, Day::from_unix_ms(now_ms));
    let act = Act::job(JOB, now_ms);
    governed::create(connection, &system, &act, "system.propose")?;
    Ok(())
}

/// Products that are candidates and that no record speaks of: after a migration, and after a rebuild.
pub(super) fn propose_missing(connection: &Connection, now_ms: i64) -> rusqlite::Result<()> {
    let missing: Vec<i64> = prepare(
        connection,
        "SELECT s.product FROM product_summary s JOIN product p ON p.id = s.product
         WHERE s.candidate = 1
            AND NOT EXISTS (SELECT 1 FROM ai_system_product sp WHERE sp.product = p.word)
         ORDER BY s.product",
    )?
    .query_map([], |row| row.get(0))?
    .collect::<rusqlite::Result<_>>()?;
    missing.into_iter().try_for_each(|product| propose(connection, product, now_ms))
}

/// Takes back candidates that no person looked at, once no catalogue carries them.
pub(super) fn withdraw_candidates(connection: &Connection, now_ms: i64) -> rusqlite::Result<()> {
    let ids: Vec<String> = prepare(
        connection,
        "SELECT a.id FROM ai_system a WHERE a.review = 'new' AND NOT EXISTS (
            SELECT 1 FROM ai_system_product sp JOIN product p ON p.word = sp.product
            JOIN product_summary s ON s.product = p.id WHERE sp.system = a.id AND s.candidate = 1)
         ORDER BY a.id",
    )?
    .query_map([], |row| row.get(0))?
    .collect::<rusqlite::Result<_>>()?;
    for id in ids {
        let Some(held) = governed::load::<AiSystem>(connection, &id)? else { continue };
        // A record of a person's making, or one that a person touched, stays.
        if held.stamps.values().all(|stamp| stamp.by == format!("job:{JOB}")) {
            let act = Act::job(JOB, now_ms).because("nothing that makes it a candidate is left");
            governed::remove(connection, &held, &act, "system.withdraw-candidate")?;
        }
    }
    Ok(())
}

/// Whether the decision on a record of a product is limited to versions.
pub(super) fn is_limited_by_version(connection: &Connection, product: i64) -> rusqlite::Result<bool> {
    prepare(
        connection,
        "SELECT 1 FROM product p JOIN ai_system_product sp ON sp.product = p.word
            JOIN ai_system a ON a.id = sp.system WHERE p.id = $1 AND a.by_version = 1 LIMIT 1",
    )?
    .exists(params![product])
}

/// Lets what sensors show of some products reach the records that they belong to.
pub(super) fn observe_products(
    connection: &Connection,
    products: &BTreeSet<i64>,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let mut systems = BTreeSet::new();
    for product in products {
        let mut statement = prepare(
            connection,
            "SELECT sp.system FROM product p JOIN ai_system_product sp ON sp.product = p.word WHERE p.id = $1",
        )?;
        for system in statement.query_map(params![product], |row| row.get::<_, String>(0))? {
            systems.insert(system?);
        }
    }
    for system in systems {
        observe(connection, &system, now_ms)?;
    }
    Ok(())
}

/// Whether the record changed.
fn observe(connection: &Connection, id: &str, now_ms: i64) -> rusqlite::Result<bool> {
    let Some(before) = governed::load::<AiSystem>(connection, id)? else { return Ok(false) };
    let today = Day::from_unix_ms(now_ms);
    let seen = seen_of(connection, &before.body)?;
    let observed = review::observe(&before.body, &seen, today);
    let next = review::tick(&observed, today);
    if next == before.body {
        findings::evaluate(connection, id, Some(&before.body), now_ms)?;
        return Ok(false);
    }
    let act = match (next.reopened, next.review == before.body.review) {
        (Some(why), false) => {
            let news = before.body.basis.as_ref().map(|basis| seen.beyond(basis)).unwrap_or_default();
            Act::job(JOB, now_ms)
                .because(format!("{}: {}", why.label(), news.join(", ")).trim_end_matches(": "))
        }
        _ => Act::job(JOB, now_ms),
    };
    let action = if next.review == before.body.review { "system.observe" } else { "system.reopen" };
    governed::replace(connection, &before, &next, &act, action)?;
    Ok(true)
}

/// Lets time pass over every record that it may move. How many changed.
pub(super) fn attend(connection: &Connection, now_ms: i64) -> rusqlite::Result<usize> {
    let today = Day::from_unix_ms(now_ms);
    let last =
        "(SELECT coalesce(max(q.last_day), 0) FROM ai_system_product sp JOIN product p ON p.word = sp.product
        JOIN product_summary q ON q.product = p.id WHERE sp.system = a.id)";
    let ids: Vec<String> = prepare(
        connection,
        &format!(
            "SELECT a.id FROM ai_system a
             WHERE (a.watch_day > 0 AND a.watch_day <= $1)
                OR (a.observed = 'active' AND {last} < $2) OR (a.observed = 'quiet' AND {last} < $3)
             ORDER BY a.id"
        ),
    )?
    .query_map(
        params![today.number(), today.back(QUIET_DAYS).number(), today.back(GONE_DAYS).number()],
        |row| row.get(0),
    )?
    .collect::<rusqlite::Result<_>>()?;
    let mut changed = 0;
    for id in ids {
        changed += usize::from(observe(connection, &id, now_ms)?);
    }
    Ok(changed)
}

/// What sensors ever showed of these products.
pub(super) fn seen(connection: &Connection, products: &BTreeSet<String>) -> rusqlite::Result<Seen> {
    let mut seen = Seen::default();
    for word in products {
        let found: Option<(i64, Option<i64>, Option<i64>)> = prepare(
            connection,
            "SELECT p.id, s.first_day, s.last_day FROM product p LEFT JOIN product_summary s ON s.product = p.id
             WHERE p.word = $1",
        )?
        .query_row(params![word], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
        let Some((product, first, last)) = found else { continue };
        if let (Some(first), Some(last)) = (first.map(day), last.map(day)) {
            let (known_first, known_last) = seen.days.unwrap_or((first, last));
            seen.days = Some((known_first.min(first), known_last.max(last)));
        }
        let mut units =
            prepare(connection, "SELECT unit FROM product_unit WHERE product = $1 AND assets > 0")?;
        for unit in units.query_map(params![product], |row| row.get::<_, i64>(0))? {
            seen.units.insert(unit?);
        }
    }
    add_signs(connection, products, &mut seen)?;
    Ok(seen)
}

/// What sensors show of a record: with the versions that machines hold, where its decision is limited by them.
pub(super) fn seen_of(connection: &Connection, system: &AiSystem) -> rusqlite::Result<Seen> {
    let mut seen = seen(connection, &system.products)?;
    for product in system.limited_to_versions.iter().map(|limit| &limit.product) {
        let versions = prepare(
            connection,
            "SELECT DISTINCT e.version FROM product p JOIN evidence_summary s ON s.product = p.id
                JOIN evidence e ON e.id = s.evidence
             WHERE p.word = $1 AND s.present > 0 AND s.items > 0 AND e.version IS NOT NULL
             ORDER BY e.version LIMIT $2",
        )?
        .query_map(params![product, VERSIONS], |row| row.get(0))?
        .collect::<rusqlite::Result<BTreeSet<String>>>()?;
        seen.versions.insert(product.clone(), versions);
    }
    Ok(seen)
}

/// The flags and publishers of [`seen`], without a look at each unit.
pub(super) fn signs(connection: &Connection, products: &BTreeSet<String>) -> rusqlite::Result<Seen> {
    let mut seen = Seen::default();
    add_signs(connection, products, &mut seen)?;
    Ok(seen)
}

fn add_signs(connection: &Connection, products: &BTreeSet<String>, seen: &mut Seen) -> rusqlite::Result<()> {
    let mut signs = prepare(
        connection,
        "SELECT g.sign, g.word, g.last_day FROM product p JOIN product_sign g ON g.product = p.id WHERE p.word = $1",
    )?;
    for product in products {
        let mut rows = signs.query(params![product])?;
        while let Some(row) = rows.next()? {
            let (sign, word): (String, String) = (row.get(0)?, row.get(1)?);
            if sign != "flag" {
                seen.publishers.insert(word);
                continue;
            }
            if let Some(last) = Some(row.get::<_, i64>(2)?).filter(|last| *last > 0).map(day) {
                let known = seen.flag_days.entry(word.clone()).or_insert(last);
                *known = last.max(*known);
            }
            seen.flags.insert(word);
        }
    }
    Ok(())
}

fn kind_of(kind: Option<ProductKind>) -> SystemKind {
    match kind {
        Some(ProductKind::Application) => SystemKind::DesktopApp,
        Some(ProductKind::Extension) => SystemKind::IdeExtension,
        Some(ProductKind::Library) => SystemKind::ApiIntegration,
        Some(ProductKind::Runtime) => SystemKind::LocalRuntime,
        Some(ProductKind::Model) => SystemKind::LocalModel,
        Some(ProductKind::McpServer) => SystemKind::McpServer,
        Some(ProductKind::Agent) => SystemKind::CliAgent,
        Some(ProductKind::Service) | None => SystemKind::SaasService,
    }
}

/// The id and the reference of a new record.
fn new_record(connection: &Connection, now_ms: i64) -> rusqlite::Result<(String, String)> {
    new_id(connection, "ai_system", "AIS", now_ms)
}

/// An id and a reference that were never given out: the number is counted under `name`.
pub(super) fn new_id(
    connection: &Connection,
    name: &str,
    letters: &str,
    now_ms: i64,
) -> rusqlite::Result<(String, String)> {
    let number = next_number(connection, name)?;
    Ok((new_uuid(now_ms), format!("{letters}-{number:04}")))
}

/// A UUID of version 7.
pub(super) fn new_uuid(now_ms: i64) -> String {
    let ms = u64::try_from(now_ms).unwrap_or(0);
    let nanos = u32::try_from(ms % 1_000).unwrap_or(0) * 1_000_000;
    Uuid::new_v7(Timestamp::from_unix(NoContext, ms / 1_000, nanos)).to_string()
}

// ── What people do ───────────────────────────────────────────────────────────────────────────

/// What a move has to know and the store keeps.
struct World {
    policy: Option<String>,
    limits: Limits,
    draft: Option<u64>,
    coverage_percent: Option<u32>,
}

impl World {
    fn read(connection: &Connection, step: &Move, now_ms: i64, trial: bool) -> rusqlite::Result<Self> {
        let policies: Vec<Policy> =
            governed::all::<Policy>(connection)?.into_iter().map(|held| held.body).collect();
        let policy = in_force(&policies, Day::from_unix_ms(now_ms)).map(|policy| policy.version.clone());
        // Only a decision that is made keeps it, and it is dear.
        let expected = match step {
            Move::Approve | Move::Prohibit if !trial => coverage::expected(connection, now_ms)?,
            _ => None,
        };
        let coverage_percent = expected.and_then(|expected| expected.percent());
        Ok(Self {
            policy,
            limits: limits(connection)?,
            draft: statements::draft(connection)?,
            coverage_percent,
        })
    }
}

pub(super) fn limits(connection: &Connection) -> rusqlite::Result<Limits> {
    Ok(governed::load::<Limits>(connection, "limits")?.map(|held| held.body).unwrap_or_default())
}

/// Makes a record by hand.
pub(super) fn add(
    connection: &Connection,
    method: &Method,
    system: &AiSystem,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Result<Held<AiSystem>, Refused>> {
    match review::add(system, who, method) {
        Ok((system, role)) => {
            let (id, reference) = new_record(connection, act.now_ms)?;
            let system = AiSystem { id, reference, ..system };
            let seen = seen_of(connection, &system)?;
            let system = review::observe(&system, &seen, Day::from_unix_ms(act.now_ms));
            governed::create(connection, &system, &act.clone().as_role(role), "system.add").map(Ok)
        }
        Err(refused) => {
            governed::refuse(connection, AiSystem::KIND, "new", act, "system.add", &refused)?;
            Ok(Err(refused))
        }
    }
}

/// Makes a move, or notes which guard refused it.
pub(super) fn make_move(
    connection: &Connection,
    method: &Method,
    id: &str,
    step: &Move,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Option<Result<Held<AiSystem>, Refused>>> {
    make_move_as(connection, method, id, step, who, act, None)
}

/// The same, for who answers a row of a campaign.
pub(super) fn make_move_as(
    connection: &Connection,
    method: &Method,
    id: &str,
    step: &Move,
    who: &Who,
    act: &Act,
    answering: Option<&CampaignRow>,
) -> rusqlite::Result<Option<Result<Held<AiSystem>, Refused>>> {
    let Some(before) = find(connection, id)? else { return Ok(None) };
    match judge_as(connection, method, &before, step, who, act, (false, answering))? {
        Ok((moved, policy)) => {
            let act = Act { role: moved.role, policy, ..act.clone() };
            let held = governed::replace(connection, &before, &moved.system, &act, step.action())?;
            if let Some(other) = &moved.other {
                match governed::load::<AiSystem>(connection, &other.id)? {
                    Some(known) => governed::replace(connection, &known, other, &act, step.action())?,
                    None => governed::create(connection, other, &act, step.action())?,
                };
            }
            if let Some(task) = moved.task {
                tasks::call_for(connection, task, &act)?;
            }
            Ok(Some(Ok(held)))
        }
        Err(refused) => {
            let id = &before.body.id;
            governed::refuse(connection, AiSystem::KIND, id, act, step.action(), &refused)?;
            Ok(Some(Err(refused)))
        }
    }
}

type Judged = Result<(review::Moved, Option<String>), Refused>;

/// What a move would come to; nothing is written but, unless it is a `trial`, the number of a record that it makes.
pub(super) fn judge(
    connection: &Connection,
    method: &Method,
    before: &Held<AiSystem>,
    step: &Move,
    who: &Who,
    act: &Act,
    trial: bool,
) -> rusqlite::Result<Judged> {
    judge_as(connection, method, before, step, who, act, (trial, None))
}

fn judge_as(
    connection: &Connection,
    method: &Method,
    before: &Held<AiSystem>,
    step: &Move,
    who: &Who,
    act: &Act,
    (trial, answering): (bool, Option<&CampaignRow>),
) -> rusqlite::Result<Judged> {
    // A row opens an owner's own record only, and only while it waits for that owner.
    let answering = answering
        .filter(|row| row.state == RowState::Open && row.owner == who.person && row.system == before.body.id);
    if act.version.is_some_and(|seen| seen != before.version) {
        return Ok(Err(Refused::new(
            Guard::Version,
            "somebody changed this record since you read it: read it again, then decide",
        )));
    }
    let world = World::read(connection, step, act.now_ms, trial)?;
    let seen = seen_of(connection, &before.body)?;
    // The rules ask while they decide; what the database answers badly is told after them.
    let failed = std::cell::RefCell::new(None);
    let keep = |error: rusqlite::Error| {
        failed.borrow_mut().get_or_insert(error);
    };
    let context = Context {
        who,
        reason: &act.reason,
        now_ms: act.now_ms,
        method,
        policy: world.policy.as_deref(),
        tolerance_days: world.limits.tolerance_days,
        draft: world.draft,
        coverage_percent: world.coverage_percent,
        seen: &seen,
        review_days: world.limits.review_days,
        hash: &before.hash,
        answering: answering.map(|row| row.campaign.as_str()),
        supplier_task: tasks::stands_for_supplier(connection, &before.body)?,
        active: &|person| active(connection, person).map_err(keep).ok().flatten(),
        other: &|id| {
            let found = governed::load::<AiSystem>(connection, id).map_err(keep).ok().flatten();
            found.map(|held| held.body)
        },
        new_record: &|| match trial {
            true => (String::new(), String::new()),
            false => new_record(connection, act.now_ms).map_err(keep).unwrap_or_default(),
        },
    };
    let taken = review::take(&before.body, step, &context);
    match failed.into_inner() {
        Some(error) => Err(error),
        None => Ok(taken.map(|moved| (moved, world.policy))),
    }
}

/// Whether a person is in the directory and active.
pub(super) fn active(connection: &Connection, person: i64) -> rusqlite::Result<Option<bool>> {
    prepare(connection, "SELECT active FROM person WHERE id = $1")?
        .query_row(params![person], |row| row.get(0))
        .optional()
}

/// A record by its id or its reference.
pub(super) fn find(connection: &Connection, id: &str) -> rusqlite::Result<Option<Held<AiSystem>>> {
    if let Some(held) = governed::load(connection, id)? {
        return Ok(Some(held));
    }
    let known: Option<String> = prepare(connection, "SELECT id FROM ai_system WHERE reference = $1")?
        .query_row(params![id.to_uppercase()], |row| row.get(0))
        .optional()?;
    match known {
        Some(id) => governed::load(connection, &id),
        None => Ok(None),
    }
}

// ── What pages read ──────────────────────────────────────────────────────────────────────────

/// A record as its own page tells of it.
pub(super) fn whole(connection: &Connection, id: &str) -> rusqlite::Result<Option<SystemDetail>> {
    let Some(mut detail) = detail(connection, id)? else { return Ok(None) };
    detail.clocks = clocks::of_products(connection, &detail.products)?;
    Ok(Some(detail))
}

/// A record as lists tell of it, which say nothing of clocks.
pub(super) fn detail(connection: &Connection, id: &str) -> rusqlite::Result<Option<SystemDetail>> {
    let Some(held) = find(connection, id)? else { return Ok(None) };
    let mut products = Vec::new();
    for word in &held.body.products {
        let row = prepare(
            connection,
            "SELECT p.name, p.vendor, coalesce(s.assets, 0), s.first_day, s.last_day
             FROM product p LEFT JOIN product_summary s ON s.product = p.id WHERE p.word = $1",
        )?
        .query_row(params![word], |row| {
            let days: (Option<i64>, Option<i64>) = (row.get(3)?, row.get(4)?);
            Ok(SystemProduct {
                id: word.clone(),
                name: row.get(0)?,
                vendor: row.get(1)?,
                assets: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
                days: days.0.map(day).zip(days.1.map(day)),
            })
        })
        .optional()?;
        products.push(row.unwrap_or_else(|| SystemProduct {
            id: word.clone(),
            name: word.clone(),
            vendor: String::new(),
            assets: 0,
            days: None,
        }));
    }
    let body = &held.body;
    let named = [&body.part_of, &body.duplicate_of, &body.merged_into, &body.split_from];
    let mut related = BTreeMap::new();
    for id in named.into_iter().flatten().chain(&body.merged_from) {
        let reference = prepare(connection, "SELECT reference FROM ai_system WHERE id = $1")?
            .query_row(params![id], |row| row.get::<_, String>(0))
            .optional()?;
        related.extend(reference.map(|reference| (id.clone(), reference)));
    }
    let seen = seen_of(connection, body)?;
    let resources = resources::of(connection, &products)?;
    let related = related.into_iter().collect();
    Ok(Some(SystemDetail { held, seen, clocks: Clocks::default(), products, related, resources }))
}

/// The product of a record that most assets show.
const LEAD: &str = "(SELECT p.id FROM ai_system_product sp JOIN product p ON p.word = sp.product
    JOIN product_summary q ON q.product = p.id WHERE sp.system = a.id ORDER BY q.assets DESC, p.id LIMIT 1)";

pub(super) fn list(
    connection: &Connection,
    filter: &SystemFilter,
    sort: SystemSort,
    direction: Direction,
    page: PageRequest,
) -> rusqlite::Result<Page<AiSystemRow>> {
    let channels = Channels::load(connection)?;
    let conditions = conditions(filter);
    let (way, assets) = (way(direction), by_assets(filter.least));
    let order = match sort {
        SystemSort::Assets => format!("{assets} {way}, a.id"),
        SystemSort::Name => format!("a.name {way}, a.id"),
        SystemSort::FirstSeen => format!("coalesce(s.first_day, 0) {way}, {assets} DESC, a.id"),
        SystemSort::Review => format!(
            "CASE a.review WHEN 'new' THEN 0 WHEN 'reopened' THEN 1 WHEN 'triaged' THEN 2 WHEN 'under-review' THEN 3
             WHEN 'decided' THEN 4 ELSE 5 END {way}, a.name, a.id"
        ),
        SystemSort::LastSeen => format!("coalesce(s.last_day, 0) {way}, {assets} DESC, a.id"),
    };
    let from = format!(
        "ai_system a LEFT JOIN product l ON l.id = {LEAD} LEFT JOIN product_summary s ON s.product = l.id"
    );
    let select = format!(
        "SELECT a.id, a.reference, a.name, a.kind, a.review, a.sanction, a.scope, a.stage, a.observed, a.enforcement,
            a.tier, a.ai_act_class, a.owner, a.decider <> '', a.created_at_ms, l.vendor, l.kind, s.channels,
            s.confidence, s.levels, s.assets, s.first_day, s.last_day FROM {from}"
    );
    let mut rows = conditions.page(connection, &select, &order, page, |row| {
        let word = |at: usize| row.get::<_, String>(at);
        let number = |at: usize| row.get::<_, Option<i64>>(at).map(Option::unwrap_or_default);
        let owner: i64 = row.get(12)?;
        let product_kind: Option<String> = row.get(16)?;
        let days: (Option<i64>, Option<i64>) = (row.get(21)?, row.get(22)?);
        Ok(AiSystemRow {
            id: row.get(0)?,
            reference: row.get(1)?,
            name: row.get(2)?,
            kind: SystemKind::parse(&word(3)?).unwrap_or_default(),
            products: Vec::new(),
            vendor: row.get::<_, Option<String>>(15)?.unwrap_or_default(),
            product_kind: product_kind.and_then(|kind| kind.parse().ok()),
            review: ReviewState::parse(&word(4)?).unwrap_or_default(),
            sanction: Sanction::parse(&word(5)?).unwrap_or_default(),
            scope: Scope::parse(&word(6)?).unwrap_or_default(),
            stage: Stage::parse(&word(7)?).unwrap_or_default(),
            observed: Observed::parse(&word(8)?).unwrap_or_default(),
            enforcement: Enforcement::parse(&word(9)?).unwrap_or_default(),
            tier: Tier::parse(&word(10)?).unwrap_or_default(),
            ai_act_class: AiActClass::parse(&word(11)?).unwrap_or_default(),
            owner: (owner != 0).then_some(owner),
            requested: row.get(13)?,
            channels: channels.of(Bits(number(17)?)),
            confidence: confidence_of(number(18)?).unwrap_or(Confidence::Suspect),
            level: strongest_level(Bits(number(19)?)),
            assets: u64::try_from(number(20)?).unwrap_or(0),
            first_day: days.0.map(day),
            last_day: days.1.map(day),
            created_at_ms: row.get(14)?,
        })
    })?;
    for row in &mut rows {
        row.products =
            prepare(connection, "SELECT product FROM ai_system_product WHERE system = $1 ORDER BY product")?
                .query_map(params![row.id], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
    }
    Ok(Page { rows, total: conditions.count(connection, "ai_system a")? })
}

fn conditions(filter: &SystemFilter) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.add_search("a.search", &filter.search);
    if !filter.merged {
        conditions.add("a.merged = $", 0);
    }
    let mut word = |column: &str, word: Option<&'static str>| {
        if let Some(word) = word {
            conditions.add(&format!("a.{column} = $"), word.to_owned());
        }
    };
    word("kind", filter.kind.map(SystemKind::as_str));
    word("review", filter.review.map(ReviewState::as_str));
    word("sanction", filter.sanction.map(|one| one.as_str()));
    word("scope", filter.scope.map(|one| one.as_str()));
    word("stage", filter.stage.map(|one| one.as_str()));
    word("observed", filter.observed.map(Observed::as_str));
    word("tier", filter.tier.map(|one| one.as_str()));
    if filter.pending {
        conditions.add("a.review <> $", "decided".to_owned());
        conditions.add("a.review <> $", "dismissed".to_owned());
    }
    if let Some(owner) = filter.owner {
        conditions.add("a.owner = $", owner);
    }
    if let Some(requested) = filter.requested {
        conditions.add_plain(if requested { "a.decider <> ''" } else { "a.decider = ''" });
    }
    sight::limit_systems(&mut conditions, &filter.sight);
    if let Some(unit) = filter.unit {
        conditions.add("EXISTS (SELECT 1 FROM ai_system_unit u WHERE u.system = a.id AND u.unit = $)", unit);
    }
    conditions
}
