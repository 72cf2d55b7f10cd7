//! `/start/{door}`: what one begins with, by what one is here for.

mod audit;
mod it;
mod privacy;
mod scope;
mod security;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use umbrascope_api::Day;

pub(crate) use security::looked;

use super::readiness::STANDINGS;
use crate::model::Deed;
use crate::readiness::{List, Standing, assess};
use crate::scope::{Content, StatementState};
use crate::store::{Governance, StoreError};
use crate::web::doors::Door;
use crate::web::error::WebError;
use crate::web::guard::Reader;
use crate::web::language::{self, say, t};
use crate::web::pages::{DoorTab, Standings, StatementNow, standing_class};
use crate::web::{WebState, blocking};

/// Rows of a list on a door: the list itself is a link away.
const ROWS: u32 = 8;
/// Changes and gaps that are told.
const TOLD: usize = 6;

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StartQuery {
    /// What the trend is split by.
    by: String,
    done: String,
}

/// Where one begins: at the door of one's roles, or with what one answers for where that is all.
pub(crate) async fn home(reader: Reader) -> Redirect {
    match Door::open_to(&reader.user.grants).first() {
        Some(door) => Redirect::to(&format!("/start/{}", door.as_str())),
        None => Redirect::to("/attest"),
    }
}

/// A door. One that is not the reader's leads to the one that is.
pub(crate) async fn door(
    State(state): State<WebState>,
    reader: Reader,
    Path(word): Path<String>,
    Query(query): Query<StartQuery>,
) -> Result<Response, WebError> {
    let door = Door::ALL.into_iter().find(|door| door.as_str() == word).ok_or(WebError::NotFound("page"))?;
    let open = Door::open_to(&reader.user.grants);
    if !open.contains(&door) {
        return Ok(home(reader).await.into_response());
    }
    reader.must_read(Deed::ReadInventory)?;
    let doors = open.into_iter().map(|one| DoorTab { door: one, open: one == door }).collect();
    blocking(move || match door {
        Door::Security => security::show(&state, &reader, doors, &query),
        Door::Scope => scope::show(&state, &reader, doors),
        Door::It => it::show(&state, &reader, doors),
        Door::Audit => audit::show(&state, &reader, doors),
        Door::Privacy => privacy::show(&state, &reader, doors),
    })
    .await
}

/// The statement in force and how the records stand to it now; `None`: the reader does not see every unit's records. Blocks.
fn statement_now(governance: &dyn Governance, reader: &Reader) -> Result<Option<StatementNow>, StoreError> {
    if !reader.sees_all() {
        return Ok(None);
    }
    let rows = governance.statements()?;
    let content = governance.scope_now(reader.now_ms)?;
    let count = |rows: usize| rows as u64;
    let all_changes = match content.previous {
        Some(_) => count(content.diff.records.len()),
        None => 0,
    };
    Ok(Some(StatementNow {
        in_force: rows.iter().find(|row| row.state == StatementState::Signed).cloned(),
        open: rows.iter().find(|row| row.state != StatementState::Signed).cloned(),
        counts: (
            count(content.included.len()),
            count(content.excluded.len()),
            count(content.undetermined.len()),
        ),
        changes: if all_changes == 0 { Vec::new() } else { told(&content) },
        all_changes,
    }))
}

/// What changed of the first few records: reference, name, and how.
fn told(content: &Content) -> Vec<(String, String, String)> {
    let mut changes: Vec<_> = content
        .diff
        .records
        .values()
        .filter_map(|change| {
            let told = change.told(&|person| say!("person {0}", person));
            let what = match told.first()? {
                one if one.before.is_empty() => format!("{}: {}", t(one.what), language::label(&one.after)),
                one if one.after.is_empty() => format!("{}: {}", t(one.what), language::label(&one.before)),
                one if one.what == "owner" => t(one.what).to_owned(),
                one => format!(
                    "{}: {} → {}",
                    t(one.what),
                    language::label(&one.before),
                    language::label(&one.after)
                ),
            };
            Some((change.reference().to_owned(), change.name().to_owned(), what))
        })
        .collect();
    changes.sort();
    changes.truncate(TOLD);
    changes
}

/// How many requirements stand where, and the first gaps. Blocks.
fn standings(governance: &dyn Governance, reader: &Reader) -> Result<Standings, StoreError> {
    let gathered = governance.gathered(reader.now_ms)?;
    let assessed = assess(List::built_in(), &gathered.facts(Day::from_unix_ms(reader.now_ms)));
    let count = |standing| assessed.iter().filter(|one| one.standing == standing).count() as u64;
    let gaps = assessed.iter().filter(|one| one.standing == Standing::Gap).take(TOLD);
    Ok(Standings {
        counts: STANDINGS
            .iter()
            .rev()
            .map(|(_, standing)| {
                let class = Some(standing_class(standing)).filter(|class| !class.is_empty());
                (t(standing.label()), class.unwrap_or("none"), count(*standing))
            })
            .collect(),
        gaps: gaps.map(|one| (one.requirement.id.clone(), one.requirement.says.clone())).collect(),
    })
}
