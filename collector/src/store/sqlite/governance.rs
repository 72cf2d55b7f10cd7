//! [`Governance`] over SQLite.

use std::sync::Arc;

use super::books::Books;
use super::governed;
use super::{SqliteStore, campaigns, findings, systems};
use crate::model::governed::{Act, Held, TrailFilter, TrailRow};
use crate::model::policy::{Limits, Policy};
use crate::model::record::AiSystem;
use crate::model::{Page, PageRequest, SystemDetail};
use crate::review::{Move, Refused, Who};
use crate::store::{Changed, Governance, StoreError};
use crate::tier::Method;

fn method(books: &Books) -> Arc<Method> {
    Arc::clone(&books.options.tier_method)
}

impl Governance for SqliteStore {
    fn system(&self, id: &str) -> Result<Option<SystemDetail>, StoreError> {
        self.readers.with("show an AI system", |connection| systems::whole(connection, id))
    }

    fn add_system(
        &self,
        system: AiSystem,
        who: &Who,
        act: Act,
    ) -> Result<Result<Held<AiSystem>, Refused>, StoreError> {
        let who = who.clone();
        self.writer.run("make an AI system", move |connection, books| {
            books.governed.clear();
            systems::add(connection, &method(books), &system, &who, &act)
        })
    }

    fn move_system(&self, id: &str, step: Move, who: Who, act: Act) -> Result<Changed<AiSystem>, StoreError> {
        let id = id.to_owned();
        self.writer.run("change an AI system", move |connection, books| {
            books.governed.clear();
            systems::make_move(connection, &method(books), &id, &step, &who, &act)
        })
    }

    fn tier_method(&self) -> Arc<Method> {
        Arc::clone(&self.tier_method)
    }

    fn attend(&self, now_ms: i64) -> Result<usize, StoreError> {
        self.writer.run("let time pass", move |connection, _| {
            let changed = systems::attend(connection, now_ms)? + campaigns::attend(connection, now_ms)?;
            findings::attend(connection, now_ms)?;
            Ok(changed)
        })
    }

    fn policies(&self) -> Result<Vec<Held<Policy>>, StoreError> {
        self.readers.with("list the policies", |connection| {
            let mut policies = governed::all::<Policy>(connection)?;
            policies.sort_by_key(|held| std::cmp::Reverse(held.body.from));
            Ok(policies)
        })
    }

    fn add_policy(&self, policy: Policy, act: Act) -> Result<Option<Held<Policy>>, StoreError> {
        self.writer.run("record a policy", move |connection, _| {
            if governed::load::<Policy>(connection, &policy.version)?.is_some() {
                return Ok(None);
            }
            governed::create(connection, &policy, &act, "policy.add").map(Some)
        })
    }

    fn limits(&self) -> Result<Limits, StoreError> {
        self.readers.with("read the limits", systems::limits)
    }

    fn set_limits(&self, limits: Limits, act: Act) -> Result<(), StoreError> {
        self.writer.run("set the limits", move |connection, _| {
            match governed::load::<Limits>(connection, "limits")? {
                Some(before) => governed::replace(connection, &before, &limits, &act, "setting.limits")?,
                None => governed::create(connection, &limits, &act, "setting.limits")?,
            };
            Ok(())
        })
    }

    fn trail(&self, filter: &TrailFilter, page: PageRequest) -> Result<Page<TrailRow>, StoreError> {
        self.readers.with("read the audit trail", |connection| governed::trail(connection, filter, page))
    }

    fn as_of(&self, kind: &str, id: &str, before_ms: i64) -> Result<Option<serde_json::Value>, StoreError> {
        self.readers.with("look at a record as it was", |connection| {
            governed::replay(connection, kind, id, before_ms)
        })
    }
}
