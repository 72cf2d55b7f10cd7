//! Numbers of people and units in a reader's words. Records hold numbers; names come from the directory when a page is made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::AppState;
use crate::model::governed::Actor;
use crate::model::record::{self, AiSystem, FIELDS, Input, VersionLimit};
use crate::store::StoreError;
use crate::web::language::{self, say, t};

/// Names of some people and of every unit.
#[derive(Debug, Default)]
pub(crate) struct Names {
    people: BTreeMap<i64, String>,
    units: BTreeMap<i64, String>,
}

impl Names {
    /// Looks them up. It blocks.
    pub(crate) fn load(state: &AppState, people: &BTreeSet<i64>) -> Result<Self, StoreError> {
        let mut names = Self::default();
        for person in people {
            if let Some(row) = state.people.person(*person)? {
                names.people.insert(*person, row.details.display_name);
            }
        }
        names.units = state.people.all_units()?.into_iter().map(|unit| (unit.id, unit.name)).collect();
        Ok(names)
    }

    /// A person.
    pub(crate) fn person(&self, id: i64) -> String {
        self.people.get(&id).cloned().unwrap_or_else(|| say!("person {0}", id))
    }

    /// A unit.
    pub(crate) fn unit(&self, id: i64) -> String {
        self.units.get(&id).cloned().unwrap_or_else(|| say!("unit {0}", id))
    }

    /// Who did something, from the trail's text.
    pub(crate) fn actor(&self, text: &str) -> String {
        match (Actor::person_in(text), text) {
            (Some(person), text) if text.contains(" token:") => {
                say!("{0}, by a program", self.person(person))
            }
            (Some(person), _) => self.person(person),
            (None, "console") => t("the command line").to_owned(),
            (None, "job:observe") => t("sightings").to_owned(),
            (None, other) => say!("the collector ({0})", other.trim_start_matches("job:")),
        }
    }

    /// What a field of a record was set to, in words; `–`: to nothing.
    pub(crate) fn value(&self, name: &str, value: &Value) -> String {
        let person = |value: &Value| value.as_i64().map(|id| self.person(id));
        match (name, value) {
            (_, Value::Null) => "–".to_owned(),
            ("system_owner" | "risk_owner" | "scope_decided_by" | "by" | "requested_by", value) => {
                person(value).unwrap_or_else(|| value.to_string())
            }
            ("org_units" | "limited_to_units" | "units" | "request.wish.units", Value::Array(units)) => {
                let names: Vec<String> =
                    units.iter().filter_map(Value::as_i64).map(|id| self.unit(id)).collect();
                or_dash(names.join(", "))
            }
            ("limited_to_versions" | "request.wish.versions", Value::Array(limits)) => {
                let read = |limit: &Value| serde_json::from_value::<VersionLimit>(limit.clone()).ok();
                let words = limits.iter().filter_map(read).map(|limit| limit.to_string().trim().to_owned());
                or_dash(words.collect::<Vec<_>>().join("; "))
            }
            (_, Value::Array(entries)) => {
                let last = entries.last().filter(|entry| entry.is_object());
                match last {
                    Some(entry) => say!("{0}, the last: {1}", entries.len(), self.value(name, entry)),
                    None => {
                        let words: Vec<String> =
                            entries.iter().map(|entry| self.value(name, entry)).collect();
                        or_dash(words.join(", "))
                    }
                }
            }
            (name, Value::Object(fields)) => {
                let said = |(key, value): (&String, &Value)| match value {
                    Value::Null => None,
                    Value::Array(list) if list.is_empty() => None,
                    value => Some(format!(
                        "{}: {}",
                        key.trim_end_matches("_ms").replace('_', " "),
                        self.value(&format!("{name}.{key}"), value)
                    )),
                };
                or_dash(fields.iter().filter_map(said).collect::<Vec<_>>().join("; "))
            }
            (name, Value::Number(number)) if name.ends_with("_ms") => match number.as_i64() {
                Some(at_ms) => super::text::Rfc3339(at_ms).to_string(),
                None => number.to_string(),
            },
            (name, Value::Number(_)) if name.ends_with(".by") || name.ends_with(".requested_by") => {
                person(value).unwrap_or_default()
            }
            (name, Value::String(word)) => language::label(chosen(name, word).unwrap_or(word)).into_owned(),
            (_, other) => other.to_string(),
        }
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "–".to_owned() } else { text }
}

/// What people read for a word of a closed list.
fn chosen<'w>(name: &str, word: &'w str) -> Option<&'w str> {
    let states = |choices: Vec<(&'static str, &'static str)>| {
        choices.into_iter().find(|(known, _)| *known == word).map(|(_, label)| label)
    };
    match name {
        "review" => states(record::ReviewState::choices()),
        "sanction" => states(record::Sanction::choices()),
        "scope" => states(record::Scope::choices()),
        "observed" => states(record::Observed::choices()),
        "enforcement" => states(record::Enforcement::choices()),
        "reopened" => states(record::ReopenReason::choices()),
        "dismissed" => states(record::DismissReason::choices()),
        _ => match record::named(name)?.input {
            Input::Choice(choices) | Input::Choices(choices) => states(choices()),
            _ => None,
        },
    }
}

/// What people read for a field, also for one that is not set by editing.
pub(crate) fn field_label(name: &str) -> String {
    let exact = FIELDS.iter().find(|field| field.name == name);
    let within = || FIELDS.iter().find(|field| field.name.split('.').next() == Some(name));
    if let Some(field) = exact.or_else(within) {
        return t(field.label).to_owned();
    }
    match name {
        "review" => t("Review"),
        "reopened" => t("Reopened because"),
        "dismissed" => t("Dismissed because"),
        "sanction" => t("Decision"),
        "expires_on" => t("Counts until"),
        "limited_to_units" => t("Counts only in"),
        "limited_to_versions" => t("Counts only in versions"),
        "scope" => t("Scope"),
        "scope_justification" => t("Why so scoped"),
        "scope_decided_by" => t("Scope decided by"),
        "scope_decided_at_ms" => t("Scope decided"),
        "observed" => t("Observed"),
        "enforcement" => t("Enforcement"),
        "enforcement_evidence" => t("What shows the enforcement"),
        "request" => t("Asked for"),
        "decision" => t("The decision"),
        "basis" => t("What the decision rests on"),
        "residual" => t("Remaining risk accepted"),
        "confirmations" => t("Confirmations"),
        "comments" => t("Comments"),
        "merged_into" => t("Merged into"),
        other => return other.trim_end_matches("_ms").replace('_', " "),
    }
    .to_owned()
}

/// People that a record names.
pub(crate) fn people_of(system: &AiSystem) -> BTreeSet<i64> {
    let decision = system.decision.as_ref();
    [
        system.system_owner,
        system.risk_owner,
        system.scope_decided_by,
        system.request.as_ref().map(|request| request.by),
        decision.map(|decision| decision.by),
        decision.and_then(|decision| decision.requested_by),
        system.residual.as_ref().map(|residual| residual.by),
    ]
    .into_iter()
    .flatten()
    .chain(system.confirmations.iter().map(|answer| answer.by))
    .chain(system.comments.iter().map(|comment| comment.by))
    .collect()
}

/// People that an entry's values name, as far as a reader is shown them.
pub(crate) fn people_in(set: &BTreeMap<String, Value>) -> BTreeSet<i64> {
    let mut found = BTreeSet::new();
    for (name, value) in set {
        gather(name, value, &mut found);
    }
    found
}

fn gather(name: &str, value: &Value, found: &mut BTreeSet<i64>) {
    match value {
        Value::Number(number)
            if matches!(name, "system_owner" | "risk_owner" | "scope_decided_by" | "by" | "requested_by") =>
        {
            found.extend(number.as_i64());
        }
        Value::Array(entries) => entries.iter().for_each(|entry| gather(name, entry, found)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| gather(name, value, found)),
        _ => {}
    }
}
