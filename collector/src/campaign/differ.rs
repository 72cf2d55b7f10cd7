//! What changed in a record since its owner confirmed it last.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::campaign::Change;
use crate::model::governed::Held;
use crate::model::record::{AiSystem, Confirmation, FIELDS, Field, shown};

/// Fields that say nothing to an owner: what the confirmation itself sets, what is said besides, and what is kept to compare with.
const BOOKKEEPING: [&str; 5] = ["comments", "confirmations", "basis", "risk_suggested", "risk_method"];

/// The last confirmation by this person.
pub fn last_confirmation(system: &AiSystem, owner: i64) -> Option<&Confirmation> {
    system.confirmations.iter().rev().find(|one| one.by == owner)
}

/// Names of the fields that were set since this person confirmed the record last; `None`: never, so that everything is new.
pub fn changed_fields(held: &Held<AiSystem>, owner: i64) -> Option<BTreeSet<String>> {
    let last = last_confirmation(&held.body, owner)?;
    let newest = held.body.confirmations.last().is_some_and(|newest| newest == last);
    // The entry of the confirmation tells exactly; where somebody confirmed after, its time does.
    let entry = held.stamps.get("confirmations").filter(|_| newest).map(|stamp| stamp.seq);
    let changed = held.stamps.iter().filter(|(name, stamp)| {
        let after = entry.map_or(stamp.at_ms > last.at_ms, |seq| stamp.seq > seq);
        after && !BOOKKEEPING.contains(&name.as_str())
    });
    Some(changed.map(|(name, _)| name.clone()).collect())
}

/// The changed fields in words. `before` is the record as it was confirmed; `named` says what people read for a field's text, such as
/// a person's name for their number. A field that was set and set back is none.
pub fn changes(
    before: Option<&AiSystem>,
    now: &AiSystem,
    fields: &BTreeSet<String>,
    named: &dyn Fn(&Field, &str) -> String,
) -> Vec<Change> {
    let mut found = Vec::new();
    let body = serde_json::to_value(now).unwrap_or_default();
    let old = before.and_then(|before| serde_json::to_value(before).ok());
    for name in fields {
        let inside = format!("{name}.");
        let known: Vec<&Field> =
            FIELDS.iter().filter(|field| field.name == name || field.name.starts_with(&inside)).collect();
        for field in &known {
            let words = |system: &AiSystem| {
                let texts: Vec<String> = shown(system, field)
                    .iter()
                    .map(|text| named(field, text))
                    .filter(|t| !t.is_empty())
                    .collect();
                texts.join(", ")
            };
            let (was, is) = (before.map(words), words(now));
            if was.as_ref() != Some(&is) {
                found.push(Change { label: field.label.to_owned(), before: was, after: is });
            }
        }
        if known.is_empty() {
            let was = old.as_ref().map(|old| plain(&old[name]));
            let is = plain(&body[name]);
            if was.as_ref() != Some(&is) {
                found.push(Change { label: label(name), before: was, after: is });
            }
        }
    }
    found
}

fn label(name: &str) -> String {
    let mut words = name.replace('_', " ");
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    words
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(entries) => entries.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(_) => "see the record".to_owned(),
        other => other.to_string(),
    }
}
