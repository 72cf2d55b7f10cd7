//! Entries of the audit trail in a reader's words.

use std::collections::BTreeSet;

use crate::model::governed::{Actor, TrailRow};
use crate::web::language::t;
use crate::web::names::{Names, field_label, people_in};
use crate::web::pages::{Change, EntryView};

/// Older entries that are read with a page of a record's history, to tell what stood there before.
pub(crate) const LOOK_BACK: u32 = 300;

/// What an entry is about, and where that has a page.
pub(crate) type About = (String, Option<String>);

/// Entries as a page shows them, the first `shown` of `rows`; the rest, older ones of the same record, tell what stood there before.
/// With `object`, each says what it was done to.
pub(crate) fn views(
    rows: &[TrailRow],
    shown: usize,
    names: &Names,
    object: Option<fn(&TrailRow) -> About>,
) -> Vec<EntryView> {
    rows.iter()
        .enumerate()
        .take(shown)
        .map(|(at, row)| EntryView {
            seq: row.seq,
            at_ms: row.at_ms,
            who: names.actor(&row.actor),
            role: row.role.clone(),
            action: action(&row.action),
            object: object.map(|object| object(row)).unwrap_or_default(),
            refused: row.outcome.strip_prefix("refused:").map(str::to_owned),
            reason: row.reason.clone(),
            policy: row.policy.clone(),
            batch: row.batch.clone(),
            changes: changes(row, &rows[at + 1..], names, object.is_none()),
        })
        .collect()
}

fn changes(row: &TrailRow, older: &[TrailRow], names: &Names, one_record: bool) -> Vec<Change> {
    let Some(set) = &row.set else { return Vec::new() };
    let before = |name: &String| {
        if !one_record {
            return None;
        }
        let found = older.iter().filter_map(|older| older.set.as_ref()?.get(name)).next();
        found.map(|value| names.value(name, value))
    };
    set.iter()
        // What was never set and stays so is no change that anybody looks for.
        .map(|(name, value)| Change {
            label: field_label(name),
            from: before(name),
            to: names.value(name, value),
        })
        .filter(|change| change.from.is_some() || !matches!(change.to.as_str(), "–" | "Unknown" | "false"))
        .collect()
}

/// What was done, in words: the trail has `system.request`.
pub(crate) fn action(word: &str) -> String {
    match word {
        "system.propose" => t("proposed by sightings"),
        "system.observe" => t("seen"),
        "system.tick" => t("a day had come"),
        "system.add" => t("made by hand"),
        "system.triage" => t("looked at"),
        "system.review" => t("review started"),
        "system.edit" => t("fields set"),
        "system.request" => t("asked"),
        "system.withdraw" => t("request taken back"),
        "system.approve" => t("approved"),
        "system.decline" => t("declined"),
        "system.prohibit" => t("prohibited"),
        "system.dismiss" => t("dismissed"),
        "system.reopen" => t("reopened"),
        "system.revoke" => t("decision revoked"),
        "system.scope-in" => t("put in scope"),
        "system.scope-open" => t("scope opened again"),
        "system.suspend" => t("suspended"),
        "system.resume" => t("resumed"),
        "system.enforce" => t("enforcement said"),
        "system.accept-residual" => t("remaining risk accepted"),
        "system.confirm" => t("confirmed"),
        "system.products" => t("products changed"),
        "policy.add" => t("policy recorded"),
        "setting.limits" => t("limits set"),
        "setting.suspects" => t("collection of suspects changed"),
        "own-rules.publish" => t("own rules published"),
        "retention.ask" => t("asked for other times"),
        "retention.approve" => t("put other times into force"),
        "retention.decline" => t("declined other times"),
        "retention.sweep" => t("deleted what was over"),
        "emergency.take" => t("took a role in an emergency"),
        "emergency.end" => t("ended emergency access"),
        "reidentification-setting.ask" => t("asked to keep sealed names"),
        "reidentification-setting.confirm" => t("switched sealed names on"),
        "reidentification-setting.withdraw" => t("switched sealed names off, or took the request back"),
        "reidentification-setting.delete" => t("deleted the sealed names"),
        "reidentification.ask" => t("asked whose an account is"),
        "reidentification.approve" => t("approved"),
        "reidentification.decline" => t("declined"),
        "reidentification.withdraw" => t("took it back"),
        "reidentification.take" => t("took the sealed name"),
        "reidentification.close" => t("closed it"),
        other => other,
    }
    .to_owned()
}

/// People that entries name.
pub(crate) fn people_of_rows(rows: &[TrailRow]) -> BTreeSet<i64> {
    let mut people: BTreeSet<i64> = rows.iter().filter_map(|row| Actor::person_in(&row.actor)).collect();
    for set in rows.iter().filter_map(|row| row.set.as_ref()) {
        people.extend(people_in(set));
    }
    people
}
