//! Scope statements and sites.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use umbrascope_api::Day;

use super::fleet::Told;
use super::governed::{self, Projected};
use super::identity::next_number;
use super::{prepare, proof, systems};
use crate::catalogue::Known;
use crate::model::governed::{Act, Governed, Held};
use crate::model::policy::{Policy, in_force};
use crate::model::record::{AiSystem, ReviewState, Scope};
use crate::review::{Refused, Who};
use crate::scope::{
    self, Content, Listed, Looked, Previous, Site, Statement, StatementState, Step, Surroundings,
    UNDETERMINED_DAYS, UnitName, UsageBand, Ways,
};
use crate::store::scope::{StatementRow, Stepping};

/// What is signed stays as it is, whoever writes the tables by accident.
pub(super) const TRIGGERS: &str = "
    CREATE TRIGGER IF NOT EXISTS signed_statement_keeps BEFORE UPDATE ON governed
    WHEN OLD.kind = 'statement' AND EXISTS (
        SELECT 1 FROM statement s WHERE s.state = 'signed' AND s.number = CAST(OLD.id AS INTEGER))
    BEGIN SELECT raise(ABORT, 'a signed scope statement is never changed'); END;
    CREATE TRIGGER IF NOT EXISTS signed_statement_stays BEFORE DELETE ON governed
    WHEN OLD.kind = 'statement' AND EXISTS (
        SELECT 1 FROM statement s WHERE s.state = 'signed' AND s.number = CAST(OLD.id AS INTEGER))
    BEGIN SELECT raise(ABORT, 'a signed scope statement is never taken out'); END;
    CREATE TRIGGER IF NOT EXISTS signed_row_keeps BEFORE UPDATE ON statement WHEN OLD.state = 'signed'
    BEGIN SELECT raise(ABORT, 'a signed scope statement is never changed'); END;
    CREATE TRIGGER IF NOT EXISTS signed_row_stays BEFORE DELETE ON statement WHEN OLD.state = 'signed'
    BEGIN SELECT raise(ABORT, 'a signed scope statement is never taken out'); END;";

impl Projected for Statement {
    fn project(connection: &Connection, _: &str, new: Option<&Self>, _: &Act) -> rusqlite::Result<()> {
        let Some(new) = new else { return Ok(()) };
        let content = new.content.as_ref();
        let count =
            |list: fn(&Content) -> &Vec<Listed>| content.map_or(0, |content| number(list(content).len()));
        let signed = [&new.approved, &new.countersigned].into_iter().flatten().map(|by| by.at_ms).max();
        prepare(
            connection,
            "INSERT INTO statement (number, state, as_of_ms, signed_at_ms, hash, included, excluded, undetermined)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (number) DO UPDATE SET state = excluded.state, as_of_ms = excluded.as_of_ms,
                signed_at_ms = excluded.signed_at_ms, hash = excluded.hash, included = excluded.included,
                excluded = excluded.excluded, undetermined = excluded.undetermined",
        )?
        .execute(params![
            signed_number(new.number),
            new.state.as_str(),
            content.map_or(0, |content| content.as_of_ms),
            if new.state == StatementState::Signed { signed.unwrap_or(0) } else { 0 },
            new.seal.as_ref().map_or("", |seal| &seal.hash),
            count(|content| &content.included),
            count(|content| &content.excluded),
            count(|content| &content.undetermined)
        ])?;
        Ok(())
    }
}

/// Versions that a statement names and that no table holds.
#[derive(Debug, Clone)]
pub(super) struct Versions {
    pub(super) known: Arc<Known>,
    pub(super) tier_method: String,
    pub(super) legal_data: String,
}

/// Number of the statement that can be drafted now; `None`: one waits for its signatures.
pub(super) fn draft(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    let last: Option<(i64, String)> =
        prepare(connection, "SELECT number, state FROM statement ORDER BY number DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
    Ok(match last {
        None => Some(1),
        Some((number, state)) => {
            let number = u64::try_from(number).unwrap_or(0);
            match StatementState::parse(&state) {
                Some(StatementState::Draft) => Some(number),
                Some(StatementState::Signed) => Some(number + 1),
                Some(StatementState::Proposed) | None => None,
            }
        }
    })
}

pub(super) fn rows(connection: &Connection) -> rusqlite::Result<Vec<StatementRow>> {
    let mut later_signed = false;
    let mut rows = prepare(
        connection,
        "SELECT number, state, as_of_ms, signed_at_ms, hash, included, excluded, undetermined
         FROM statement ORDER BY number DESC",
    )?
    .query_map([], |row| {
        let state: String = row.get(1)?;
        Ok(StatementRow {
            number: row.get(0)?,
            state: StatementState::parse(&state).unwrap_or_default(),
            superseded: false,
            as_of_ms: Some(row.get(2)?).filter(|at_ms| *at_ms != 0),
            signed_at_ms: Some(row.get(3)?).filter(|at_ms| *at_ms != 0),
            hash: Some(row.get(4)?).filter(|hash: &String| !hash.is_empty()),
            included: row.get(5)?,
            excluded: row.get(6)?,
            undetermined: row.get(7)?,
        })
    })?
    .collect::<rusqlite::Result<Vec<_>>>()?;
    for row in rows.iter_mut().filter(|row| row.state == StatementState::Signed) {
        row.superseded = later_signed;
        later_signed = true;
    }
    Ok(rows)
}

pub(super) fn in_force_now(connection: &Connection) -> rusqlite::Result<Option<Held<Statement>>> {
    let last: Option<i64> = prepare(connection, "SELECT max(number) FROM statement WHERE state = 'signed'")?
        .query_row([], |row| row.get(0))?;
    last.map_or(Ok(None), |number| governed::load(connection, &number.to_string()))
}

pub(super) fn begin(
    connection: &Connection,
    organisation: &str,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Result<Held<Statement>, Refused>> {
    let earlier: Vec<Statement> =
        governed::all::<Statement>(connection)?.into_iter().map(|held| held.body).collect();
    match scope::begin(&earlier, organisation, who, act.now_ms) {
        Ok((statement, role)) => {
            let act = act.clone().as_role(role);
            governed::create(connection, &statement, &act, "statement.begin").map(Ok)
        }
        Err(refused) => {
            governed::refuse(connection, Statement::KIND, "new", act, "statement.begin", &refused)?;
            Ok(Err(refused))
        }
    }
}

pub(super) fn step(
    connection: &Connection,
    number: u64,
    step: &Step,
    by: &Stepping,
    versions: &Versions,
) -> rusqlite::Result<Option<Result<Held<Statement>, Refused>>> {
    let id = number.to_string();
    let Some(before) = governed::load::<Statement>(connection, &id)? else { return Ok(None) };
    let content = match step {
        Step::Propose => {
            let told = Told::anew(connection, by.act.now_ms)?;
            let systems = governed::all::<AiSystem>(connection)?;
            let content =
                content(connection, (&systems, Some(&before.body)), &told, versions, by.act.now_ms)?;
            Some(Content { proposed_by: by.who.person, ..content })
                .filter(|content| !content.policy.is_empty())
        }
        _ => None,
    };
    let stale = match step {
        Step::Approve | Step::Countersign => stale(connection, &before.body)?,
        _ => Vec::new(),
    };
    let around = Surroundings {
        who: &by.who,
        fresh: by.fresh,
        reason: &by.act.reason,
        now_ms: by.act.now_ms,
        content,
        stale: &stale,
    };
    let mut act = by.act.clone();
    act.policy = before.body.content.as_ref().map(|content| content.policy.clone());
    let mut taken = scope::take(&before.body, step, &around);
    if let Ok((next, role)) = &mut taken {
        act.role = Some(*role);
        if next.state == StatementState::Signed {
            // The trail as it is before the entry of this very step.
            let (tree, _) = proof::grown(connection, &by.keys)?;
            let seal = scope::seal(next, tree.size(), tree.root(), &by.keys);
            next.seal = Some(seal.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?);
        }
    }
    governed::change(connection, &id, &act, step.action(), |_| taken.map(|(next, _)| next))
}

/// References of what a proposed statement says otherwise than the records do by now: of what is in and out.
fn stale(connection: &Connection, statement: &Statement) -> rusqlite::Result<Vec<String>> {
    let Some(content) = &statement.content else { return Ok(Vec::new()) };
    let mut frozen: BTreeMap<&str, (&str, &str)> = content
        .included
        .iter()
        .chain(&content.excluded)
        .map(|listed| (listed.id.as_str(), (listed.reference.as_str(), listed.record_hash.as_str())))
        .collect();
    let mut stale = BTreeSet::new();
    let mut rows = prepare(
        connection,
        "SELECT a.id, a.reference, g.hash FROM ai_system a JOIN governed g ON g.kind = 'system' AND g.id = a.id
         WHERE a.merged = 0 AND a.scope <> 'undetermined' ORDER BY a.id",
    )?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let (id, reference, hash): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if frozen.remove(id.as_str()).is_none_or(|(_, known)| known != hash) {
            stale.insert(reference);
        }
    }
    stale.extend(frozen.into_values().map(|(reference, _)| reference.to_owned()));
    Ok(stale.into_iter().collect())
}

/// What a statement lists now: of these records, for this statement, where one is drafted.
pub(super) fn content<'h>(
    connection: &Connection,
    (systems, statement): (impl IntoIterator<Item = &'h Held<AiSystem>>, Option<&Statement>),
    told: &Told,
    versions: &Versions,
    now_ms: i64,
) -> rusqlite::Result<Content> {
    let today = Day::from_unix_ms(now_ms);
    let policies: Vec<Policy> =
        governed::all::<Policy>(connection)?.into_iter().map(|held| held.body).collect();
    let before = in_force_now(connection)?;
    let boundary = statement
        .or(before.as_ref().map(|held| &held.body))
        .map(|statement| statement.boundary.clone())
        .unwrap_or_default();
    let mut content = Content {
        number: statement.map_or(0, |statement| statement.number),
        as_of_ms: now_ms,
        previous: before.as_ref().and_then(|held| {
            let seal = held.body.seal.as_ref()?;
            Some(Previous { number: held.body.number, hash: seal.hash.clone() })
        }),
        author: statement.map_or(0, |statement| statement.author),
        policy: in_force(&policies, today).map(|policy| policy.version.clone()).unwrap_or_default(),
        catalogue: versions.known.catalogue().version().to_owned(),
        tier_method: versions.tier_method.clone(),
        legal_data: Some(versions.legal_data.clone()),
        units: unit_names(connection, &boundary.units)?,
        sites: sites(connection)?
            .into_iter()
            .map(|held| held.body)
            .filter(|site| boundary.sites.contains(&site.id))
            .collect(),
        undetermined_limit_days: UNDETERMINED_DAYS,
        boundary,
        coverage: told.coverage.clone(),
        ..Content::default()
    };
    let ways = Ways::of_products(versions.known.catalogue());
    for held in systems {
        let system = &held.body;
        if system.is_merged()
            || (system.scope == Scope::Undetermined && system.review == ReviewState::Dismissed)
        {
            continue;
        }
        let ways = system.products.iter().filter_map(|product| ways.get(product.as_str()));
        let ways = ways.fold(Ways::default(), |all, one| all.or(*one));
        let looked = Looked::of(system.observed, ways, told.works.in_units(&system.org_units));
        let listed = listed(connection, held, looked, today)?;
        match system.scope {
            Scope::In => content.included.push(listed),
            Scope::Out => content.excluded.push(listed),
            Scope::Undetermined => content.undetermined.push(listed),
        }
    }
    for list in [&mut content.included, &mut content.excluded, &mut content.undetermined] {
        list.sort_by(|one, other| one.reference.cmp(&other.reference));
    }
    content.diff = scope::diff(before.as_ref().and_then(|held| held.body.content.as_ref()), &content);
    Ok(content)
}

fn listed(
    connection: &Connection,
    held: &Held<AiSystem>,
    looked: Looked,
    today: Day,
) -> rusqlite::Result<Listed> {
    let system = &held.body;
    let created_at_ms: i64 = prepare(connection, "SELECT created_at_ms FROM ai_system WHERE id = $1")?
        .query_row(params![system.id], |row| row.get(0))?;
    let seen = systems::signs(connection, &system.products)?;
    let flags = seen.flags.iter().map(|flag| format!("flag {flag}"));
    let publishers = seen.publishers.iter().map(|name| format!("publisher {name}"));
    let units = system.org_units.iter().map(|unit| format!("unit {unit}"));
    let data = system.data_categories.iter().map(|category| format!("data {}", category.as_str()));
    let products = system.products.iter().map(|product| format!("product {product}"));
    let age = today.number().saturating_sub(Day::from_unix_ms(created_at_ms).number());
    Ok(Listed {
        id: system.id.clone(),
        reference: system.reference.clone(),
        demonstration: system.demonstration,
        name: system.name.clone(),
        kind: system.kind,
        purpose: system.purpose.clone(),
        owner: system.system_owner,
        units: system.org_units.clone(),
        tier: system.risk_tier,
        class: system.ai_act_class,
        sanction: system.effective_sanction(today),
        observed: system.observed,
        looked,
        usage: usage(connection, &system.id)?,
        products: system.products.clone(),
        justification: system.scope_justification.clone(),
        decided_by: system.scope_decided_by,
        decided_at_ms: system.scope_decided_at_ms,
        age_days: (system.scope == Scope::Undetermined).then_some(age),
        marks: flags.chain(publishers).chain(units).chain(data).chain(products).collect(),
        record_version: held.version,
        record_hash: held.hash.clone(),
    })
}

/// On how many machines its products are.
pub(super) fn usage(connection: &Connection, system: &str) -> rusqlite::Result<UsageBand> {
    let (most, all): (u64, u64) = prepare(
        connection,
        "SELECT coalesce(max(s.assets), 0), coalesce(sum(s.assets), 0) FROM ai_system_product sp
            JOIN product p ON p.word = sp.product JOIN product_summary s ON s.product = p.id WHERE sp.system = $1",
    )?
    .query_row(params![system], |row| Ok((row.get(0)?, row.get(1)?)))?;
    // A machine with several of them is one: they are counted only where that makes a difference.
    if UsageBand::of(most) == UsageBand::of(all) {
        return Ok(UsageBand::of(most));
    }
    let machines: u64 = prepare(
        connection,
        "SELECT count(DISTINCT pa.asset) FROM ai_system_product sp JOIN product p ON p.word = sp.product
            JOIN product_asset pa ON pa.product = p.id WHERE sp.system = $1",
    )?
    .query_row(params![system], |row| row.get(0))?;
    Ok(UsageBand::of(machines))
}

fn unit_names(connection: &Connection, units: &BTreeSet<i64>) -> rusqlite::Result<Vec<UnitName>> {
    let mut names = Vec::new();
    for id in units {
        let name: Option<String> = prepare(connection, "SELECT name FROM unit WHERE id = $1")?
            .query_row(params![id], |row| row.get(0))
            .optional()?;
        names.push(UnitName { id: *id, name: name.unwrap_or_else(|| format!("unit {id}")) });
    }
    Ok(names)
}

pub(super) fn sites(connection: &Connection) -> rusqlite::Result<Vec<Held<Site>>> {
    let mut sites = governed::all::<Site>(connection)?;
    sites.sort_by(|one, other| one.body.name.cmp(&other.body.name));
    Ok(sites)
}

pub(super) fn add_site(connection: &Connection, site: Site, act: &Act) -> rusqlite::Result<Held<Site>> {
    let site = Site { id: format!("S-{}", next_number(connection, "site")?), ..site };
    governed::create(connection, &site, act, "site.add")
}

fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn signed_number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
