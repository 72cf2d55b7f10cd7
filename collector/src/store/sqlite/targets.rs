//! [`Targets`] over SQLite.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::governed::{self, Projected};
use super::{SqliteStore, prepare};
use crate::model::governed::{Act, Governed, Held};
use crate::readiness::{INDICATORS, Target};
use crate::review::{Guard, Refused};
use crate::store::{StoreError, Targets};

const SET: &str = "target.set";

impl Projected for Target {}

fn set(
    connection: &Connection,
    target: &Target,
    act: &Act,
) -> rusqlite::Result<Result<Held<Target>, Refused>> {
    let checked = match target.clone().checked() {
        Ok(target) => active(connection, target)?,
        Err(says) => Err(Refused::new(Guard::Fields, says)),
    };
    let target = match checked {
        Ok(target) => target,
        Err(refused) => {
            governed::refuse(connection, Target::KIND, &target.id, act, SET, &refused)?;
            return Ok(Err(refused));
        }
    };
    match governed::change(connection, &target.id, act, SET, |_| Ok(target.clone()))? {
        Some(changed) => Ok(changed),
        None => Ok(Ok(governed::create(connection, &target, act, SET)?)),
    }
}

fn active(connection: &Connection, target: Target) -> rusqlite::Result<Result<Target, Refused>> {
    let Some(owner) = target.owner else { return Ok(Ok(target)) };
    let there =
        prepare(connection, "SELECT 1 FROM person WHERE id = $1 AND active = 1")?.exists(params![owner])?;
    Ok(if there {
        Ok(target)
    } else {
        Err(Refused::new(
            Guard::OwnerActive,
            "who answers for a target has to be an active person of the directory",
        ))
    })
}

/// The targets as entries of the trail before a moment add up to them.
pub(super) fn as_of(connection: &Connection, before_ms: i64) -> rusqlite::Result<Vec<Target>> {
    let mut targets = Vec::new();
    for indicator in INDICATORS {
        if let Some(Value::Object(fields)) =
            governed::replay(connection, Target::KIND, indicator.id, before_ms)?
        {
            targets.push(governed::body_of(fields)?);
        }
    }
    Ok(targets)
}

impl Targets for SqliteStore {
    fn targets(&self) -> Result<Vec<Held<Target>>, StoreError> {
        self.readers.with("list the targets of indicators", governed::all)
    }

    fn targets_as_of(&self, before_ms: i64) -> Result<Vec<Target>, StoreError> {
        self.readers.with("read the targets of a past day", |connection| as_of(connection, before_ms))
    }

    fn set_target(&self, target: Target, act: Act) -> Result<Result<Held<Target>, Refused>, StoreError> {
        self.writer.run("set a target", move |connection, _| set(connection, &target, &act))
    }
}
