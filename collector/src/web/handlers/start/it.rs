//! How far the roll-out is, and which sensors need somebody.

use axum::response::Response;

use super::ROWS;
use crate::model::{Deed, PageRequest, SensorState, TokenState};
use crate::web::WebState;
use crate::web::blind::SensorView;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::handlers::page;
use crate::web::language::{key, t};
use crate::web::pages::{DoorTab, ItDoor, VersionLine};

/// Versions that are told; the others are summed up.
const VERSIONS: usize = 6;

/// The page. Blocks.
pub(super) fn show(state: &WebState, reader: &Reader, doors: Vec<DoorTab>) -> Result<Response, WebError> {
    let (app, now_ms) = (&state.app, reader.now_ms);
    let versions = app.governance.fleet_versions(now_ms)?;
    let known = app.catalogue.known();
    let ours = known.catalogue().version();
    let own = env!("CARGO_PKG_VERSION");
    let agent = |version: &str| agent_standing(version, own);
    let outdated = versions.agents.iter().filter(|(version, _)| is_behind(agent(version)));
    let outdated = outdated.map(|(_, count)| count).sum();
    let sees = reader.may_read(Deed::ReadMachines, &[]);
    let first = PageRequest { offset: 0, limit: ROWS };
    let worst = match sees {
        true => app.store.coverage(first, now_ms)?.rows,
        false => Vec::new(),
    };
    let views = worst.iter().filter(|row| row.sensor.state != SensorState::Revoked);
    let views = views.map(|row| SensorView::of(&row.sensor, ours)).filter(|view| !view.blind.is_empty());
    let within = reader.user.grants.within(Deed::Enrol);
    let tokens = app.store.tokens(within.as_deref(), now_ms)?;
    page(&ItDoor {
        frame: reader.frame(Here::Start, None),
        doors,
        coverage: app.governance.coverage_record(now_ms)?,
        totals: app.store.coverage_totals(now_ms)?,
        outdated,
        agents: lines(&versions.agents, &agent),
        catalogues: lines(&versions.catalogues, &|version| crate::web::blind::standing(version, ours)),
        sensors: sees.then(|| views.collect()),
        tokens: tokens.iter().filter(|token| token.state == TokenState::Active).count() as u64,
        url: app.enrolment.url.clone(),
    })
}

type Standing = Option<(&'static str, &'static str)>;

fn is_behind(standing: Standing) -> bool {
    standing.is_some_and(|(_, word)| word == "behind")
}

/// How the version of an agent stands to the collector's own: they are released together.
fn agent_standing(theirs: &str, ours: &str) -> Standing {
    let numbers = |version: &str| -> Option<Vec<u64>> {
        let release = version.split(['-', '+']).next()?;
        release.split('.').map(|part| part.parse().ok()).collect()
    };
    match (numbers(theirs)?, numbers(ours)?) {
        (theirs, ours) if theirs < ours => Some(("warn", key("behind"))),
        (theirs, ours) if theirs > ours => Some(("run", key("newer than the collector"))),
        _ => None,
    }
}

/// Versions, the most frequent first, and the rest as one.
fn lines(
    counts: &std::collections::BTreeMap<String, u64>,
    standing: &dyn Fn(&str) -> Standing,
) -> Vec<VersionLine> {
    let all: u64 = counts.values().sum();
    let line = |version: &str, count: u64, standing| VersionLine {
        version: version.to_owned(),
        count,
        percent: (count * 100).checked_div(all).unwrap_or(0),
        standing,
    };
    let mut sorted: Vec<(&String, &u64)> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let (head, rest) = sorted.split_at(sorted.len().min(VERSIONS));
    let mut lines: Vec<_> =
        head.iter().map(|(version, count)| line(version, **count, standing(version))).collect();
    if !rest.is_empty() {
        lines.push(line(t("others"), rest.iter().map(|(_, count)| **count).sum(), None));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn agents_are_behind_by_number_not_by_text() {
        assert_eq!(agent_standing("0.9.0", "0.10.0"), Some(("warn", "behind")));
        assert_eq!(agent_standing("0.10.1", "0.10.0"), Some(("run", "newer than the collector")));
        assert_eq!(agent_standing("0.10.0-rc.1", "0.10.0"), None);
        assert_eq!(agent_standing("", "0.10.0"), None);
        assert_eq!(agent_standing("of old", "0.10.0"), None);
    }

    #[test]
    fn the_most_frequent_version_comes_first_and_none_is_lost() {
        let counts: BTreeMap<String, u64> = (1..=9).map(|n| (format!("0.{n}.0"), n)).collect();
        let lines = lines(&counts, &|_| None);
        assert_eq!(lines.len(), VERSIONS + 1);
        assert_eq!((lines[0].version.as_str(), lines[0].count), ("0.9.0", 9));
        assert_eq!((lines[VERSIONS].version.as_str(), lines[VERSIONS].count), ("others", 6));
        assert_eq!(lines.iter().map(|line| line.count).sum::<u64>(), 45);
    }
}
