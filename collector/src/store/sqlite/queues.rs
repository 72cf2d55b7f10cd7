//! [`Queues`] over SQLite.

use rusqlite::{Connection, OptionalExtension, params};

use super::products::Conditions;
use super::{SqliteStore, governed, prepare, systems};
use crate::model::governed::{Act, Held, TrailEntry, TrailReach};
use crate::model::record::AiSystem;
use crate::model::{Deed, Page, PageRequest, Role};
use crate::review::{Move, Refused, Who};
use crate::store::StoreError;
use crate::store::queues::{Queue, Queues};

impl Queues for SqliteStore {
    fn queue(&self, queue: Queue, who: &Who, page: PageRequest) -> Result<Page<Held<AiSystem>>, StoreError> {
        self.readers.with("list what waits", |connection| read(connection, queue, who, page))
    }

    fn waiting(&self, who: &Who) -> Result<u64, StoreError> {
        let none = PageRequest { offset: 0, limit: 0 };
        self.readers.with("count what waits", |connection| {
            let mut waiting = 0;
            for queue in [Queue::Requests, Queue::Reopened, Queue::New] {
                waiting += read(connection, queue, who, none)?.total;
            }
            Ok(waiting)
        })
    }

    fn trial(
        &self,
        id: &str,
        steps: &[Move],
        who: &Who,
        act: &Act,
    ) -> Result<Option<Vec<Result<(), Refused>>>, StoreError> {
        self.readers.with("try what could be done", |connection| {
            let Some(held) = systems::find(connection, id)? else { return Ok(None) };
            let mut came_to = Vec::new();
            for step in steps {
                came_to.push(
                    systems::judge(connection, &self.tier_method, &held, step, who, act, true)?.map(|_| ()),
                );
            }
            Ok(Some(came_to))
        })
    }

    fn trail_entry(&self, seq: u64, reach: TrailReach) -> Result<Option<TrailEntry>, StoreError> {
        self.readers.with("show an entry of the trail", |connection| {
            let Some(row) = governed::trail_one(connection, seq, reach)? else { return Ok(None) };
            let number = i64::try_from(seq).unwrap_or(i64::MAX);
            let entry = prepare(connection, "SELECT entry FROM trail WHERE seq = $1")?
                .query_row(params![number], |row| row.get(0))?;
            let payload = prepare(connection, "SELECT payload FROM trail_payload WHERE seq = $1")?
                .query_row(params![number], |row| row.get(0))
                .optional()?;
            Ok(Some(TrailEntry { row, entry, payload }))
        })
    }
}

fn read(
    connection: &Connection,
    queue: Queue,
    who: &Who,
    page: PageRequest,
) -> rusqlite::Result<Page<Held<AiSystem>>> {
    let mut conditions = Conditions::default();
    conditions.add("a.merged = $", 0);
    let order = match queue {
        Queue::Requests => {
            conditions.add("a.requested_by <> $", who.person);
            conditions.add_plain(&decided_by(who));
            "a.requested_at_ms, a.id"
        }
        Queue::Reopened | Queue::New => {
            let word = if queue == Queue::New { "new" } else { "reopened" };
            conditions.add("a.review = $", word.to_owned());
            if let Some(units) = who.grants.within(Deed::Triage) {
                conditions.add_plain(&wholly_in(&units));
            }
            "a.created_at_ms, a.id"
        }
        Queue::Own => {
            conditions.add("$ IN (a.owner, a.risk_owner)", who.person);
            "a.name, a.id"
        }
    };
    let total = conditions.count(connection, "ai_system a")?;
    let ids: Vec<String> =
        conditions.page(connection, "SELECT a.id FROM ai_system a", order, page, |row| row.get(0))?;
    Ok(Page { rows: loaded(connection, &ids)?, total })
}

/// Those whose every unit is one of these; what belongs to no unit takes a role for the whole organisation, which no units stand for.
fn wholly_in(units: &[i64]) -> String {
    let places: Vec<String> = units.iter().map(i64::to_string).collect();
    let places = if places.is_empty() { "-1".to_owned() } else { places.join(", ") };
    format!(
        "EXISTS (SELECT 1 FROM ai_system_unit u WHERE u.system = a.id)
         AND NOT EXISTS (SELECT 1 FROM ai_system_unit u WHERE u.system = a.id AND u.unit NOT IN ({places}))"
    )
}

/// Those on which something is asked for that a role of the person's decides there.
fn decided_by(who: &Who) -> String {
    let able = [Role::Reviewer, Role::ScopeOwner].map(|role| {
        let held = who.grants.0.iter().filter(|grant| grant.role == role);
        let units: Option<Vec<i64>> = held.map(|grant| grant.unit).collect();
        let place = units.map_or_else(|| "1 = 1".to_owned(), |units| wholly_in(&units));
        format!("(a.decider = '{}' AND {place})", role.as_str())
    });
    format!("({})", able.join(" OR "))
}

fn loaded(connection: &Connection, ids: &[String]) -> rusqlite::Result<Vec<Held<AiSystem>>> {
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        rows.extend(governed::load(connection, id)?);
    }
    Ok(rows)
}
