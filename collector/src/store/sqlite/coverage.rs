//! Coverage as a record, and the endpoints that there should be.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::iter;
use std::sync::Arc;

use rusqlite::{Connection, params};
use serde::Deserialize;
use umbrascope_api::{CaptureState, SourceState};

use super::governed::{self, Projected};
use super::identity::next_number;
use super::prepare;
use super::products::day;
use crate::model::governed::{Act, Held};
use crate::model::record::Tri;
use crate::model::{CoverageTotals, FleetVersions, Page, PageRequest};
use crate::scope::endpoints::{BY_HAND, Endpoint, EndpointList, NamedEndpoint, is_supported};
use crate::scope::{
    Coverage, Detector, Expected, Machine, Match, Matched, NETWORK, Named, Silent, Site, Source, Traffic,
    WINDOW_HOURS, Ways, matched,
};
use crate::store::scope::{EndpointImport, EndpointRow, Endpoints};

const HOUR_MS: i64 = 3_600_000;

impl Projected for EndpointList {
    fn project(connection: &Connection, id: &str, new: Option<&Self>, _: &Act) -> rusqlite::Result<()> {
        if new.is_none_or(|list| list.withdrawn) {
            prepare(connection, "DELETE FROM expected_endpoint WHERE source = $1")?.execute(params![id])?;
        }
        Ok(())
    }
}

impl Projected for NamedEndpoint {
    fn project(connection: &Connection, id: &str, new: Option<&Self>, _: &Act) -> rusqlite::Result<()> {
        let number: i64 = id.parse().unwrap_or(0);
        prepare(connection, "DELETE FROM expected_endpoint WHERE source = $1 AND n = $2")?
            .execute(params![BY_HAND, number])?;
        new.map_or(Ok(()), |new| insert(connection, BY_HAND, number, &new.endpoint))
    }
}

impl Projected for Site {}

fn insert(connection: &Connection, source: &str, n: i64, endpoint: &Endpoint) -> rusqlite::Result<()> {
    prepare(
        connection,
        "INSERT INTO expected_endpoint (source, n, hostname, machine, unit, platform) VALUES ($1, $2, $3, $4, $5, $6)",
    )?
    .execute(params![source, n, endpoint.hostname, endpoint.machine, endpoint.unit, endpoint.platform])?;
    Ok(())
}

/// What every list rests on, with what should be there and what is side by side, where a list says so.
pub(super) fn record(
    connection: &Connection,
    totals: &CoverageTotals,
    detectors: Vec<Detector>,
    now_ms: i64,
) -> rusqlite::Result<(Coverage, Option<Matched>)> {
    let since_ms = now_ms - i64::from(WINDOW_HOURS) * HOUR_MS;
    let mut silent = Silent::default();
    let (mut enrolled, mut reporting) = (0, 0);
    let seen = machines(connection)?;
    for (_, last_report_at_ms) in &seen {
        enrolled += 1;
        match *last_report_at_ms >= since_ms && *last_report_at_ms > 0 {
            true => reporting += 1,
            false => silent.count(*last_report_at_ms, now_ms),
        }
    }
    let side_by_side = side_by_side(connection, seen, since_ms)?;
    let (matched, sources) = side_by_side.unzip();
    let sites = governed::all::<Site>(connection)?;
    let named = |wanted: Tri| {
        let open = sites.iter().filter(|held| !held.body.closed && held.body.sensor == wanted);
        open.map(|held| held.body.name.clone()).collect()
    };
    let days: (Option<i64>, Option<i64>) = prepare(connection, "SELECT min(day), max(day) FROM fleet_day")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let coverage = Coverage {
        as_of_ms: now_ms,
        window_hours: WINDOW_HOURS,
        unexpected: matched.as_ref().map(|matched| matched.unexpected.len() as u64),
        expected: matched.as_ref().zip(sources).map(|(matched, sources)| matched.expected(sources)),
        enrolled,
        reporting,
        detectors,
        silent,
        blind_sites: named(Tri::No),
        unsaid_sites: named(Tri::Unknown),
        connectors_failing: None,
        traffic: Traffic {
            connections: totals.hellos,
            without_name: totals.hellos_without_name,
            hidden: totals.hidden_destinations,
            encrypted_dns: totals.encrypted_dns,
        },
        days: days.0.map(day).zip(days.1.map(day)),
    };
    Ok((coverage, matched))
}

/// The endpoints that there should be; `None`: no list says so.
pub(super) fn expected(connection: &Connection, now_ms: i64) -> rusqlite::Result<Option<Expected>> {
    let since_ms = now_ms - i64::from(WINDOW_HOURS) * HOUR_MS;
    if !prepare(connection, "SELECT 1 FROM expected_endpoint LIMIT 1")?.exists([])? {
        return Ok(None);
    }
    let found = side_by_side(connection, machines(connection)?, since_ms)?;
    Ok(found.map(|(matched, sources)| matched.expected(sources)))
}

/// Machines with a sensor that is let in, and when one of them reported last; 0: never.
fn machines(connection: &Connection) -> rusqlite::Result<Vec<(Machine, i64)>> {
    prepare(
        connection,
        "SELECT a.id, a.hostname, a.machine, max(e.last_report_at_ms)
         FROM sensor_seen e JOIN sensor s ON s.id = e.sensor JOIN asset a ON a.id = s.asset
         WHERE e.revoked = 0 GROUP BY a.id, a.hostname, a.machine ORDER BY a.id",
    )?
    .query_map([], |row| {
        let machine =
            Machine { asset: row.get(0)?, hostname: row.get(1)?, machine: row.get(2)?, reporting: false };
        Ok((machine, row.get(3)?))
    })?
    .collect()
}

fn side_by_side(
    connection: &Connection,
    machines: Vec<(Machine, i64)>,
    since_ms: i64,
) -> rusqlite::Result<Option<(Matched, Vec<Source>)>> {
    let mut words = Words::default();
    let named: Vec<Named> = prepare(
        connection,
        "SELECT source, hostname, machine, unit, platform FROM expected_endpoint ORDER BY source, n",
    )?
    .query_map([], |row| {
        Ok(Named {
            source: words.shared(row.get_ref(0)?.as_str()?),
            hostname: row.get(1)?,
            machine: row.get(2)?,
            unit: words.shared(row.get_ref(3)?.as_str()?),
            platform: words.shared(row.get_ref(4)?.as_str()?),
        })
    })?
    .collect::<rusqlite::Result<_>>()?;
    if named.is_empty() {
        return Ok(None);
    }
    let by_hand = named.iter().filter(|one| *one.source == *BY_HAND).count() as u64;
    let machines = machines.into_iter().map(|(machine, last_report_at_ms)| Machine {
        reporting: last_report_at_ms > 0 && last_report_at_ms >= since_ms,
        ..machine
    });
    let mut sources: Vec<Source> = governed::all::<EndpointList>(connection)?
        .into_iter()
        .filter(|held| !held.body.withdrawn)
        .map(|held| Source { name: held.body.source, as_of: held.body.as_of, endpoints: held.body.endpoints })
        .collect();
    if by_hand > 0 {
        sources.push(Source { name: BY_HAND.to_owned(), as_of: None, endpoints: by_hand });
    }
    Ok(Some((matched(named, machines.collect()), sources)))
}

/// Words that many rows have in common, each once.
#[derive(Default)]
struct Words(HashSet<Arc<str>>);

impl Words {
    fn shared(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.0.get(word) {
            return Arc::clone(known);
        }
        let new: Arc<str> = word.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}

/// What of a [`CoverageReport`](umbrascope_api::CoverageReport) says how a sensor looks.
#[derive(Deserialize)]
struct Looked<'t> {
    capture: CaptureState,
    #[serde(borrow, default)]
    sources: Vec<LookedIn<'t>>,
}

#[derive(Deserialize)]
struct LookedIn<'t> {
    #[serde(borrow)]
    source: Cow<'t, str>,
    state: SourceState,
}

/// Ways of looking that work on some sensor that reports: anywhere, and by unit, in which those below are counted in.
#[derive(Debug, Default)]
pub(super) struct Works {
    anywhere: Ways,
    units: BTreeMap<i64, Ways>,
}

impl Works {
    /// Those that work where something belongs; what belongs to no unit may be anywhere.
    pub(super) fn in_units(&self, units: &BTreeSet<i64>) -> Ways {
        if units.is_empty() {
            return self.anywhere;
        }
        units.iter().filter_map(|unit| self.units.get(unit)).fold(Ways::default(), |all, one| all.or(*one))
    }

    /// Counts the units below into those above.
    fn lift(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let above: BTreeMap<i64, i64> =
            prepare(connection, "SELECT id, parent FROM unit WHERE parent IS NOT NULL")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
        for (unit, works) in self.units.clone() {
            // No longer a way up than there are units, should they go round.
            for above in iter::successors(above.get(&unit), |unit| above.get(unit)).take(above.len()) {
                let known = self.units.entry(*above).or_default();
                *known = known.or(works);
            }
        }
        Ok(())
    }
}

/// On how many of the sensors that report each way of looking works, and where one does. The network is one, each source of a scan another.
pub(super) fn detectors(
    connection: &Connection,
    now_ms: i64,
) -> rusqlite::Result<(Vec<Detector>, Works, FleetVersions)> {
    let since_ms = now_ms - i64::from(WINDOW_HOURS) * HOUR_MS;
    let (mut found, mut works): (BTreeMap<String, (u64, u64)>, _) = (BTreeMap::new(), Works::default());
    let mut versions = FleetVersions::default();
    let mut statement = prepare(
        connection,
        "SELECT c.coverage, a.unit, c.agent_version, c.catalogue_version FROM sensor_coverage c JOIN sensor_seen e ON e.sensor = c.sensor
            JOIN sensor s ON s.id = e.sensor JOIN asset a ON a.id = s.asset
         WHERE e.revoked = 0 AND e.last_report_at_ms >= $1 AND e.last_report_at_ms > 0",
    )?;
    let mut rows = statement.query(params![since_ms])?;
    while let Some(row) = rows.next()? {
        versions.count(row.get_ref(2)?.as_str()?, row.get_ref(3)?.as_str()?);
        let Ok(report) = serde_json::from_str::<Looked>(row.get_ref(0)?.as_str()?) else { continue };
        let mut count = |name: &str, works: bool| {
            let (healthy, of) = match found.get_mut(name) {
                Some(known) => known,
                None => found.entry(name.to_owned()).or_default(),
            };
            *healthy += u64::from(works);
            *of += 1;
            works
        };
        let names = count(NETWORK, report.capture == CaptureState::Capturing);
        let mut software = false;
        for source in &report.sources {
            software |=
                count(&source.source, matches!(source.state, SourceState::Read | SourceState::Absent));
        }
        let here = works.units.entry(row.get(1)?).or_default();
        *here = here.or(Ways { names, software });
    }
    works.anywhere = works.units.values().fold(Ways::default(), |all, one| all.or(*one));
    works.lift(connection)?;
    let one = |(name, (healthy, of))| Detector { name, healthy, of };
    Ok((found.into_iter().map(one).collect(), works, versions))
}

// ── Lists of endpoints ───────────────────────────────────────────────────────────────────────

/// Takes a list in, in the place of the one of its source.
pub(super) fn import(
    connection: &Connection,
    import: EndpointImport,
    act: &Act,
) -> rusqlite::Result<Vec<Held<EndpointList>>> {
    let mut by_source: BTreeMap<String, Vec<Endpoint>> = BTreeMap::new();
    for endpoint in import.list.endpoints {
        let own = Some(endpoint.source.clone()).filter(|source| !source.is_empty());
        by_source.entry(own.unwrap_or_else(|| import.source.clone())).or_default().push(endpoint);
    }
    let mut repeated = Some(import.list.repeated);
    let mut lists = Vec::new();
    for (source, endpoints) in by_source {
        prepare(connection, "DELETE FROM expected_endpoint WHERE source = $1")?.execute(params![source])?;
        for (n, endpoint) in (1..).zip(&endpoints) {
            insert(connection, &source, n, endpoint)?;
        }
        let list = EndpointList {
            as_of: import.as_of,
            file_sha256: import.file_sha256.clone(),
            endpoints: endpoints.len() as u64,
            // They are counted over the whole file.
            repeated: repeated.take().unwrap_or(0),
            unsupported: endpoints.iter().filter(|one| !is_supported(&one.platform)).count() as u64,
            imported_at_ms: act.now_ms,
            withdrawn: false,
            source,
        };
        lists.push(match governed::load::<EndpointList>(connection, &list.source)? {
            Some(before) => governed::replace(connection, &before, &list, act, "endpoints.import")?,
            None => governed::create(connection, &list, act, "endpoints.import")?,
        });
    }
    Ok(lists)
}

pub(super) fn withdraw(connection: &Connection, source: &str, act: &Act) -> rusqlite::Result<bool> {
    let Some(before) = governed::load::<EndpointList>(connection, source)? else { return Ok(false) };
    let next = EndpointList { withdrawn: true, ..before.body.clone() };
    governed::replace(connection, &before, &next, act, "endpoints.withdraw")?;
    Ok(true)
}

pub(super) fn add_endpoint(
    connection: &Connection,
    endpoint: Endpoint,
    act: &Act,
) -> rusqlite::Result<Held<NamedEndpoint>> {
    let named = NamedEndpoint { number: next_number(connection, "endpoint")?, endpoint };
    governed::create(connection, &named, act, "endpoints.add")
}

pub(super) fn remove_endpoint(connection: &Connection, number: i64, act: &Act) -> rusqlite::Result<bool> {
    let before = governed::load::<NamedEndpoint>(connection, &number.to_string())?;
    let Some(before) = before else { return Ok(false) };
    governed::remove(connection, &before, act, "endpoints.remove")?;
    Ok(true)
}

pub(super) fn endpoints(
    connection: &Connection,
    matched: &Matched,
    which: Endpoints,
    page: PageRequest,
) -> rusqlite::Result<Page<EndpointRow>> {
    let expected = |wanted: fn(&Match) -> bool| {
        slice(page, matched.expected.iter().filter(|one| wanted(one)), Match::clone)
    };
    let (rows, total) = match which {
        Endpoints::Expected => expected(|_| true),
        Endpoints::NeverEnrolled => expected(|one| one.asset.is_none()),
        Endpoints::Unsupported => expected(|one| !is_supported(&one.named.platform)),
        Endpoints::Unexpected => slice(page, matched.unexpected.iter(), unexpected),
    };
    let numbered = |one: Match| {
        let number = match one.sources.iter().any(|source| **source == *BY_HAND) {
            true => by_hand(connection, &one.named)?,
            false => None,
        };
        Ok(EndpointRow { matched: one, number })
    };
    Ok(Page { rows: rows.into_iter().map(numbered).collect::<rusqlite::Result<_>>()?, total })
}

/// The page of a list, and how long the list is.
fn slice<'a, T: 'a>(
    page: PageRequest,
    all: impl Iterator<Item = &'a T>,
    shown: impl Fn(&T) -> Match,
) -> (Vec<Match>, u64) {
    let (skip, take) = (usize::try_from(page.offset).unwrap_or(usize::MAX), page.limit as usize);
    let (mut rows, mut total) = (Vec::new(), 0);
    for (at, one) in all.enumerate() {
        total += 1;
        if at >= skip && rows.len() < take {
            rows.push(shown(one));
        }
    }
    (rows, total)
}

fn by_hand(connection: &Connection, named: &Named) -> rusqlite::Result<Option<i64>> {
    let mut statement = prepare(
        connection,
        "SELECT n FROM expected_endpoint WHERE source = $1 AND hostname = $2 AND machine = $3 ORDER BY n",
    )?;
    let mut rows = statement.query(params![BY_HAND, named.hostname, named.machine])?;
    rows.next()?.map(|row| row.get(0)).transpose()
}

fn unexpected(machine: &Machine) -> Match {
    let nothing: Arc<str> = "".into();
    let named = Named {
        source: Arc::clone(&nothing),
        hostname: machine.hostname.clone(),
        machine: String::new(),
        unit: Arc::clone(&nothing),
        platform: nothing,
    };
    Match { named, sources: Vec::new(), asset: Some(machine.asset), reporting: machine.reporting }
}
