//! The rows that wait for somebody, and what becomes of answers.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, params};

use super::campaigns::{Sensed, batch, display_name};
use super::products::Conditions;
use super::{governed, prepare, systems};
use crate::campaign;
use crate::model::campaign::{
    Answer, Asked, Campaign, CampaignRow, Change, OpenRow, RowAnswer, RowState, SentAnswer,
};
use crate::model::governed::{Act, Governed, Held};
use crate::model::record::{AiSystem, Field, Input, Wish};
use crate::model::{Page, PageRequest};
use crate::review::{Guard, Move, Refused, Who};
use crate::store::Changed;
use crate::tier::Method;

/// What a change of several records came to; the outer `None`: there is no such record.
type Taken<T> = rusqlite::Result<Result<T, Refused>>;

// ── What waits ───────────────────────────────────────────────────────────────────────────────

pub(super) fn open_rows(
    connection: &Connection,
    person: i64,
    page: PageRequest,
    sensed: &Sensed,
) -> rusqlite::Result<Page<OpenRow>> {
    let mut conditions = Conditions::default();
    conditions.add("r.owner = $", person);
    conditions.add("r.state = $", RowState::Open.as_str().to_owned());
    conditions.add("c.state = $", "open".to_owned());
    let from = "campaign_row r JOIN campaign c ON c.id = r.campaign JOIN ai_system a ON a.id = r.system";
    let select = format!("SELECT r.id FROM {from}");
    let ids: Vec<String> =
        conditions.page(connection, &select, "c.due_day, a.name, r.id", page, |row| row.get(0))?;
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(held) = governed::load::<CampaignRow>(connection, &id)? else { continue };
        let Some(campaign) = governed::load::<Campaign>(connection, &held.body.campaign)? else { continue };
        let Some(system) = systems::detail(connection, &held.body.system)? else { continue };
        let body = &system.held.body;
        let mut units = Vec::new();
        for unit in &body.org_units {
            units.extend(unit_name(connection, *unit)?);
        }
        let risk_owner = match body.risk_owner {
            Some(person) => display_name(connection, person)?,
            None => None,
        };
        rows.push(OpenRow {
            confirmed_at_ms: campaign::last_confirmation(body, person).map(|one| one.at_ms),
            changes: since_confirmed(connection, &system.held, person)?,
            units,
            risk_owner,
            blocked: sensed.blocks(body),
            campaign: campaign.body,
            held,
            system,
        });
    }
    Ok(Page { rows, total: conditions.count(connection, from)? })
}

fn since_confirmed(
    connection: &Connection,
    held: &Held<AiSystem>,
    person: i64,
) -> rusqlite::Result<Vec<Change>> {
    let Some(fields) = campaign::changed_fields(held, person) else { return Ok(Vec::new()) };
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    let confirmed = campaign::last_confirmation(&held.body, person).map_or(0, |one| one.at_ms);
    let before = governed::replay(connection, AiSystem::KIND, &held.body.id, confirmed + 1)?
        .and_then(|body| serde_json::from_value::<AiSystem>(body).ok());
    // Names are looked up before the comparison, which asks for them by number.
    let mut people = BTreeMap::new();
    let mut units = BTreeMap::new();
    for system in before.iter().chain([&held.body]) {
        for person in [system.system_owner, system.risk_owner].into_iter().flatten() {
            people.insert(person.to_string(), display_name(connection, person)?.unwrap_or_default());
        }
        for unit in &system.org_units {
            units.insert(unit.to_string(), unit_name(connection, *unit)?.unwrap_or_default());
        }
    }
    let named = |field: &Field, text: &str| {
        let known = match field.input {
            Input::Person => people.get(text).cloned(),
            Input::Units => units.get(text).cloned(),
            Input::Choice(choices) | Input::Choices(choices) => {
                choices().into_iter().find_map(|(word, label)| (word == text).then(|| label.to_owned()))
            }
            _ => None,
        };
        known.filter(|name| !name.is_empty()).unwrap_or_else(|| text.to_owned())
    };
    Ok(campaign::changes(before.as_ref(), &held.body, &fields, &named))
}

fn unit_name(connection: &Connection, unit: i64) -> rusqlite::Result<Option<String>> {
    prepare(connection, "SELECT name FROM unit WHERE id = $1")?
        .query_row(params![unit], |row| row.get(0))
        .optional()
}

/// Notes that a person was sent a version of a row's record. `again`: the same version keeps its time of before.
pub(super) fn note_served(
    connection: &Connection,
    (row, person): (&str, i64),
    hash: &str,
    now_ms: i64,
    again: bool,
) -> rusqlite::Result<()> {
    let at_ms = match served(connection, row, person)? {
        Some((known, at_ms)) if again && known == hash => at_ms,
        _ => now_ms,
    };
    prepare(
        connection,
        "INSERT INTO campaign_served AS s (campaign_row, person, hash, at_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (campaign_row, person) DO UPDATE SET hash = excluded.hash, at_ms = excluded.at_ms",
    )?
    .execute(params![row, person, hash, at_ms])?;
    Ok(())
}

fn served(connection: &Connection, row: &str, person: i64) -> rusqlite::Result<Option<(String, i64)>> {
    prepare(connection, "SELECT hash, at_ms FROM campaign_served WHERE campaign_row = $1 AND person = $2")?
        .query_row(params![row, person], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

// ── Answers ──────────────────────────────────────────────────────────────────────────────────

/// What answers are taken with: the database, how tiers are suggested, and what sensors do.
type With<'w> = (&'w Connection, &'w Method, &'w Sensed);

pub(super) fn answer(
    with: With<'_>,
    sent: &SentAnswer,
    submitted: u32,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Changed<CampaignRow>> {
    let (connection, ..) = with;
    let Some(row) = governed::load::<CampaignRow>(connection, &sent.row)? else { return Ok(None) };
    let Some(campaign) = governed::load::<Campaign>(connection, &row.body.campaign)? else { return Ok(None) };
    let comment = sent.comment.trim();
    let act = Act {
        batch: Some(batch(&campaign.body.id)),
        reason: comment.to_owned(),
        role: None,
        version: None,
        ..act.clone()
    };
    match take(with, &campaign.body, &row, sent, submitted, who, &act)? {
        Ok(next) => {
            let held = governed::replace(connection, &row, &next, &act, sent.answer.action())?;
            Ok(Some(Ok(held)))
        }
        Err(refused) => {
            governed::refuse(connection, CampaignRow::KIND, &sent.row, &act, sent.answer.action(), &refused)?;
            Ok(Some(Err(refused)))
        }
    }
}

fn take(
    (connection, method, sensed): With<'_>,
    campaign: &Campaign,
    row: &Held<CampaignRow>,
    sent: &SentAnswer,
    submitted: u32,
    who: &Who,
    act: &Act,
) -> Taken<CampaignRow> {
    let gone = || Refused::new(Guard::Target, "the record is not there any more");
    let Some(system) = governed::load::<AiSystem>(connection, &row.body.system)? else {
        return Ok(Err(gone()));
    };
    let served = served(connection, &row.body.id, who.person)?;
    let asked = Asked {
        system: &system,
        blocked: sensed.blocks(&system.body),
        served: served.as_ref().map(|(hash, at_ms)| (hash.as_str(), *at_ms)),
    };
    let (seen, comment) = (sent.seen.as_str(), sent.comment.trim());
    if let Err(refused) = campaign::may_answer(campaign, &row.body, who, seen, comment, &sent.answer, asked) {
        return Ok(Err(refused));
    }
    let make = |step: Move| -> Taken<Held<AiSystem>> {
        let made =
            systems::make_move_as(connection, method, &system.body.id, &step, who, act, Some(&row.body))?;
        Ok(made.unwrap_or_else(|| Err(gone())))
    };
    let said_besides = (!comment.is_empty()).then(|| comment.to_owned());
    let confirm = |seen: &str| Move::Confirm {
        campaign: Some(campaign.id.clone()),
        seen: seen.to_owned(),
        comment: said_besides.clone(),
    };
    let mut next_row = None;
    let made = match &sent.answer {
        Answer::Confirm => make(confirm(seen))?.map(drop),
        Answer::Amend(changes) => match make(Move::Edit(changes.clone()))? {
            Ok(edited) if edited.hash == system.hash => {
                Err(Refused::new(Guard::Fields, "nothing was changed: confirm the record as it stands"))
            }
            Ok(edited) => make(confirm(&edited.hash))?.map(drop),
            Err(refused) => Err(refused),
        },
        Answer::Reassign(to) => match successor(connection, &row.body, *to, act.now_ms)? {
            Ok(next) => {
                let edit = Move::Edit(vec![("system_owner".to_owned(), (*to).into())]);
                make(edit)?.map(|_| next_row = Some(next))
            }
            Err(refused) => Err(refused),
        },
        Answer::Retire { retired_on, disposal_evidence } => make(Move::Request(Wish::Retire {
            retired_on: *retired_on,
            disposal_evidence: disposal_evidence.clone(),
        }))?
        .map(drop),
        Answer::NotMine => Ok(()),
    };
    if let Err(refused) = made {
        return Ok(Err(refused));
    }
    let at_ms = served.map_or(act.now_ms, |(_, at_ms)| at_ms);
    let said = RowAnswer {
        by: who.person,
        at_ms: act.now_ms,
        seen: sent.seen.clone(),
        comment: said_besides,
        seconds: u64::try_from((act.now_ms - at_ms) / 1_000).unwrap_or(0),
        batch: submitted,
        relation: campaign::relations(who.person, unit_of(connection, who.person)?, &system.body, campaign),
    };
    let mut answered = campaign::answered(&row.body, &sent.answer, said);
    if let Some(next) = next_row {
        governed::create(connection, &next, act, "campaign.ask")?;
        answered.next = Some(next.id);
    }
    Ok(Ok(answered))
}

fn unit_of(connection: &Connection, person: i64) -> rusqlite::Result<Option<i64>> {
    let unit: Option<Option<i64>> = prepare(connection, "SELECT unit FROM person WHERE id = $1")?
        .query_row(params![person], |row| row.get(0))
        .optional()?;
    Ok(unit.flatten())
}

/// The row for the next owner of a record, who has to be there.
fn successor(connection: &Connection, row: &CampaignRow, to: i64, now_ms: i64) -> Taken<CampaignRow> {
    if systems::active(connection, to)? != Some(true) {
        return Ok(Err(Refused::new(
            Guard::OwnerActive,
            "the next owner has to be an active person of the directory",
        )));
    }
    let asked: BTreeSet<i64> =
        prepare(connection, "SELECT owner FROM campaign_row WHERE campaign = $1 AND system = $2")?
            .query_map(params![row.campaign, row.system], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
    let earlier: Vec<i64> = asked.into_iter().collect();
    Ok(campaign::successor(row, &earlier, to, systems::new_uuid(now_ms), now_ms))
}

/// Gives a row to another owner in the name of who runs the campaign. The new row.
pub(super) fn assign(
    connection: &Connection,
    method: &Method,
    id: &str,
    owner: i64,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Changed<CampaignRow>> {
    let Some(row) = governed::load::<CampaignRow>(connection, id)? else { return Ok(None) };
    let Some(campaign) = governed::load::<Campaign>(connection, &row.body.campaign)? else { return Ok(None) };
    let act = Act { batch: Some(batch(&campaign.body.id)), ..act.clone() };
    let judged = take_assignment((connection, method), &campaign.body, &row, owner, who, &act)?;
    match judged {
        Ok(next) => {
            let held = governed::create(connection, &next, &act, "campaign.ask")?;
            let state = match row.body.state {
                RowState::Open => RowState::Reassigned,
                state => state,
            };
            let before = CampaignRow { state, next: Some(next.id), ..row.body.clone() };
            governed::replace(connection, &row, &before, &act, "campaign.assign")?;
            Ok(Some(Ok(held)))
        }
        Err(refused) => {
            governed::refuse(connection, CampaignRow::KIND, id, &act, "campaign.assign", &refused)?;
            Ok(Some(Err(refused)))
        }
    }
}

fn take_assignment(
    (connection, method): (&Connection, &Method),
    campaign: &Campaign,
    row: &Held<CampaignRow>,
    owner: i64,
    who: &Who,
    act: &Act,
) -> Taken<CampaignRow> {
    let Some(system) = governed::load::<AiSystem>(connection, &row.body.system)? else {
        return Ok(Err(Refused::new(Guard::Target, "the record is not there any more")));
    };
    if let Err(refused) = campaign::may_assign(campaign, &row.body, system.body.system_owner, who) {
        return Ok(Err(refused));
    }
    let next = match successor(connection, &row.body, owner, act.now_ms)? {
        Ok(next) => next,
        Err(refused) => return Ok(Err(refused)),
    };
    if system.body.system_owner == Some(owner) {
        return Ok(Ok(next));
    }
    // Naming an owner is a change of the record like any other: with the rights that it takes.
    let edit = Move::Edit(vec![("system_owner".to_owned(), owner.into())]);
    let made = systems::make_move(connection, method, &system.body.id, &edit, who, act)?;
    Ok(made.map_or_else(
        || Err(Refused::new(Guard::Target, "the record is not there any more")),
        |made| made.map(|_| next),
    ))
}
