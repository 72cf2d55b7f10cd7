//! A fleet that does not exist: machines of made-up units that report products of the catalogue.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use umbrascope_api::{
    ActivityRow, Batch, CaptureState, Channel, Completeness, CoverageReport, Day, Epoch, Evidence,
    ItemDetails, MachineId, RiskFlag, SensorId, SensorInfo, Snapshot, SnapshotItem,
};
use umbrascope_rules::{Catalogue, IndicatorKind, SoftwareKind};

use super::chance::Chance;
use crate::cli::CliError;
use crate::cli::user::command_line;
use crate::model::{NewToken, TokenId};
use crate::scope::endpoints::{Endpoint, ReadList};
use crate::store::{Enrolment, NewCertificate, Report, Store, StoreError};

/// Machines of the fleet.
pub(super) const ASSETS: usize = 2_000;
/// Products that they show.
pub(super) const PRODUCTS: usize = 300;
/// Days for which the fleet has reported.
pub(super) const DAYS: u32 = 75;
/// Units, with how many in a hundred of the machines are theirs.
pub(super) const UNITS: [(&str, usize); 6] = [
    ("Demonstration: Engineering", 30),
    ("Demonstration: Sales", 20),
    ("Demonstration: Customer service", 18),
    ("Demonstration: Finance", 12),
    ("Demonstration: Human resources", 8),
    ("Demonstration: Production", 12),
];

/// What the machines run that nobody updated yet.
const OLD_AGENT: &str = "0.0.9";
const OLD_CATALOGUE: &str = "2026-09-01.1+demonstration";
/// Machines that a list names and that no sensor was ever enrolled on, and machines with a sensor that the list does not name.
const MISSING: usize = 130;
const UNLISTED: usize = 40;

/// Vendors whose products people meet most.
const HEAD: [&str; 14] = [
    "openai.",
    "anthropic.",
    "microsoft.",
    "github.",
    "google.",
    "cursor.",
    "perplexity.",
    "mistral.",
    "grammarly.",
    "deepl.",
    "notion.",
    "huggingface.",
    "ollama.",
    "jetbrains.",
];

/// How one product shows.
pub(super) struct Shown {
    pub(super) product: String,
    ways: Vec<Way>,
}

/// A rule of it, and what would match.
struct Way {
    rule: String,
    channel: Channel,
    /// Source of a snapshot; `None`: a name on the network.
    source: Option<&'static str>,
    value: String,
}

/// Products of the catalogue to show, those of well-known vendors first.
pub(super) fn products(catalogue: &Catalogue) -> Vec<Shown> {
    let mut ways: BTreeMap<&str, Vec<Way>> = BTreeMap::new();
    for rule in catalogue.rules().iter().filter(|rule| !rule.deny && !rule.retired) {
        if !matches!(rule.confidence.as_str(), "high" | "medium") {
            continue;
        }
        for indicator in &rule.indicators {
            if let Some((channel, source)) = place(indicator.kind) {
                ways.entry(&rule.product).or_default().push(Way {
                    rule: rule.id.to_string(),
                    channel,
                    source,
                    value: indicator.pattern.to_string(),
                });
            }
        }
    }
    let rank =
        |product: &str| HEAD.iter().position(|vendor| product.starts_with(vendor)).unwrap_or(HEAD.len());
    let mut shown: Vec<Shown> = ways
        .into_iter()
        .filter(|(product, _)| catalogue.product(product).is_some())
        .map(|(product, ways)| Shown { product: product.to_owned(), ways })
        .collect();
    // Beyond the well-known ones an even choice over the catalogue, not its first letters.
    shown.sort_by_key(|shown| (rank(&shown.product), spread(&shown.product)));
    shown.truncate(PRODUCTS);
    shown
}

fn spread(text: &str) -> u64 {
    text.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
}

fn place(kind: IndicatorKind) -> Option<(Channel, Option<&'static str>)> {
    match kind {
        IndicatorKind::Exact | IndicatorKind::Suffix => Some((Channel::Tls, None)),
        IndicatorKind::Software(SoftwareKind::Pypi) => Some((Channel::Package, Some("python"))),
        IndicatorKind::Software(SoftwareKind::Npm) => Some((Channel::Package, Some("npm"))),
        IndicatorKind::Software(SoftwareKind::VscodeExtension) => {
            Some((Channel::Extension, Some("vscode-extensions")))
        }
        IndicatorKind::Software(SoftwareKind::ChromiumExtension) => {
            Some((Channel::Extension, Some("chromium-extensions")))
        }
        IndicatorKind::Software(SoftwareKind::McpPackage) => Some((Channel::McpConfig, Some("mcp"))),
        IndicatorKind::Software(SoftwareKind::Model) => Some((Channel::ModelFile, Some("models"))),
        IndicatorKind::Software(SoftwareKind::BundleId) => Some((Channel::App, Some("macos-apps"))),
        _ => None,
    }
}

/// Enrols the fleet and lets it report. Says how many machines did after each hundred.
pub(super) fn seed(
    store: &dyn Store,
    (shown, catalogue): (&[Shown], &str),
    now_ms: i64,
    mut progress: impl FnMut(usize),
) -> Result<(), CliError> {
    let mut chance = Chance::new(42_001);
    let today = Day::from_unix_ms(now_ms);
    let (answer, answered) = sync_channel(ASSETS);
    let mut waiting = 0;
    let mut reports = Vec::with_capacity(ASSETS);
    for number in 0..ASSETS {
        let place = (number, unit_of(number));
        reports.push(machine(store, shown, &mut chance, place, catalogue, (today, now_ms))?);
    }
    // As they would have come: those of machines that fell silent first.
    reports.sort_by_key(|report| report.received_at_ms);
    for (number, report) in reports.into_iter().enumerate() {
        let mut report = Box::new(report);
        loop {
            let answer = answer.clone();
            // The queue is bounded: what waits is committed meanwhile.
            match store.submit(*report, Box::new(move |taken| drop(answer.send(taken.map(|_| ()))))) {
                Ok(()) => break,
                Err(back) => report = back,
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        waiting += 1;
        if number % 100 == 99 {
            progress(number + 1);
        }
    }
    for _ in 0..waiting {
        answered.recv().map_err(|_| CliError::from(StoreError::Stopped))??;
    }
    Ok(())
}

fn hostname(number: usize) -> String {
    format!("demo-{:04}", number + 1)
}

/// The list of the machines that there should be: more than have a sensor, and not all that do.
pub(super) fn expected() -> ReadList {
    let listed = (UNLISTED..ASSETS + MISSING).map(|number| Endpoint {
        hostname: hostname(number),
        unit: UNITS[unit_of(number)].0.to_owned(),
        ..Endpoint::default()
    });
    ReadList { endpoints: listed.collect(), ..ReadList::default() }
}

fn unit_of(number: usize) -> usize {
    let mut place = number * 7 % 100;
    for (unit, (_, share)) in UNITS.iter().enumerate() {
        if place < *share {
            return unit;
        }
        place -= share;
    }
    0
}

fn token(store: &dyn Store, unit: usize, now_ms: i64) -> Result<(TokenId, [u8; 32]), StoreError> {
    let id = TokenId(format!("demo{unit}"));
    let secret = [u8::try_from(unit).unwrap_or(0); 32];
    let new = NewToken {
        unit: UNITS[unit].0.to_owned(),
        label: "demonstration".to_owned(),
        max_uses: u32::try_from(ASSETS).unwrap_or(u32::MAX),
        expires_at_ms: now_ms + 60_000,
        created_by: "try --demo".to_owned(),
    };
    store.create_token(&id, &secret, &new, now_ms)?;
    Ok((id, secret))
}

/// Makes a token for each unit.
pub(super) fn tokens(store: &dyn Store, now_ms: i64) -> Result<(), StoreError> {
    (0..UNITS.len()).try_for_each(|unit| token(store, unit, now_ms).map(|_| ()))
}

/// Takes the tokens away again: nobody enrols with them.
pub(super) fn revoke_tokens(store: &dyn Store, now_ms: i64) -> Result<(), StoreError> {
    (0..UNITS.len()).try_for_each(|unit| {
        store.revoke_token(&TokenId(format!("demo{unit}")), &command_line(now_ms)).map(|_| ())
    })
}

fn machine(
    store: &dyn Store,
    shown: &[Shown],
    chance: &mut Chance,
    (number, unit): (usize, usize),
    catalogue: &str,
    (today, now_ms): (Day, i64),
) -> Result<Report, StoreError> {
    let (sensor, machine) = (SensorId::from_bytes(chance.bytes()), MachineId::from_bytes(chance.bytes()));
    let (os, os_version) =
        [("windows", "Windows 11"), ("macos", "macOS 26"), ("linux", "Debian GNU/Linux 13")]
            [[0, 0, 0, 1, 1, 2][chance.below(6)]];
    let info = SensorInfo {
        hostname: hostname(number),
        os: os.to_owned(),
        os_version: os_version.to_owned(),
        arch: "x86_64".to_owned(),
        agent_version: if number % 14 == 5 { OLD_AGENT } else { env!("CARGO_PKG_VERSION") }.to_owned(),
        catalogue_version: if number % 9 == 4 { OLD_CATALOGUE } else { catalogue }.to_owned(),
    };
    // A made-up key: no certificate goes with it, and its time is over when it begins.
    let certificate = NewCertificate { key_hash: chance.bytes(), issued_at_ms: now_ms, ends_at_ms: now_ms };
    let secret_hash = [u8::try_from(unit).unwrap_or(0); 32];
    store.enrol(Enrolment {
        token: TokenId(format!("demo{unit}")),
        secret_hash,
        sensor,
        machine,
        info: info.clone(),
        certificate,
    })?;
    let (activity, snapshots) = seen(shown, chance, unit, today);
    // Some machines fell silent, which the coverage has to show.
    let silent_for_ms =
        if chance.percent(6) { 86_400_000 * (2 + i64::from(chance.percent(50)) * 12) } else { 0 };
    let hellos = 400 + u64::try_from(chance.below(9_000)).unwrap_or(0);
    let coverage = CoverageReport {
        capture: if chance.percent(97) { CaptureState::Capturing } else { CaptureState::Off },
        packets: hellos * 4,
        hellos,
        hellos_without_name: hellos / 90,
        hellos_with_ech: hellos / 40,
        encrypted_dns: u64::from(chance.percent(8)) * 120,
        ..CoverageReport::default()
    };
    let batch = Batch {
        protocol: 1,
        sensor,
        epoch: Epoch::from_bytes(chance.bytes()),
        // The clock of some is off, so that their days are in doubt.
        sent_at_ms: now_ms - silent_for_ms + if number % 41 == 3 { 40 * 60_000 } else { 0 },
        machine,
        boot: Epoch::from_bytes(chance.bytes()),
        info,
        activity,
        stations: Vec::new(),
        snapshots,
        suspects: Vec::new(),
        sealed_accounts: vec![],
        coverage,
    };
    Ok(Report {
        sensor,
        batch,
        refused: Vec::new(),
        unknown_fields: 0,
        suspect_source: format!("demo-{number}"),
        received_at_ms: now_ms - silent_for_ms,
        next_report_after_s: 300,
    })
}

/// What one machine showed in its days: a handful of products, each from some day on.
fn seen(shown: &[Shown], chance: &mut Chance, unit: usize, today: Day) -> (Vec<ActivityRow>, Vec<Snapshot>) {
    let mut chosen = BTreeSet::new();
    for _ in 0..2 + chance.below(7) {
        // Each unit has its own taste beside the common one.
        let shift = if chance.percent(40) { unit * 37 } else { 0 };
        chosen.insert((chance.head_of(shown.len()) + shift) % shown.len().max(1));
    }
    let mut activity = Vec::new();
    let mut sources: BTreeMap<&str, Vec<SnapshotItem>> = BTreeMap::new();
    for product in chosen.into_iter().filter_map(|at| shown.get(at)) {
        let Some(way) = chance.one(&product.ways) else { continue };
        let value = Evidence { value: way.value.clone(), ..Evidence::default() };
        match way.source {
            None => {
                let first = chance.below(usize::try_from(DAYS).unwrap_or(1));
                for _ in 0..1 + chance.below(8) {
                    let back = u32::try_from(chance.below(first + 1)).unwrap_or(0);
                    activity.push(ActivityRow {
                        day: today.back(back),
                        rule: way.rule.clone(),
                        channel: if chance.percent(30) { Channel::Quic } else { way.channel.clone() },
                        subject: None,
                        account: None,
                        evidence: value.clone(),
                        count: 1 + u64::try_from(chance.below(40)).unwrap_or(0),
                    });
                }
            }
            Some(source) => sources.entry(source).or_default().push(SnapshotItem {
                rule: way.rule.clone(),
                channel: way.channel.clone(),
                account: None,
                evidence: Evidence { version: Some(version(chance)), ..value },
                details: details(way),
                flags: flags(&way.channel, chance),
            }),
        }
    }
    let snapshots = sources.into_iter().map(|(source, items)| Snapshot {
        source: source.to_owned(),
        generation: 1,
        completeness: Completeness::Complete,
        items,
    });
    (activity, snapshots.collect())
}

/// What the store of a model says of it: made up, and the same on each machine.
fn details(way: &Way) -> ItemDetails {
    const LICENCES: [&str; 3] = ["Apache License", "MIT", "Llama 3.1 Community License"];
    if way.channel != Channel::ModelFile {
        return ItemDetails::default();
    }
    let made_up = spread(&way.value);
    let licence = usize::try_from(made_up % 3).ok().and_then(|at| LICENCES.get(at));
    ItemDetails {
        sha256: Some(format!("{made_up:016x}").repeat(4)),
        licence: licence.map(|text| (*text).to_owned()),
        ..ItemDetails::default()
    }
}

fn version(chance: &mut Chance) -> String {
    format!("{}.{}.{}", 1 + chance.below(3), chance.below(9), chance.below(4))
}

fn flags(channel: &Channel, chance: &mut Chance) -> Vec<RiskFlag> {
    let flag = match channel {
        Channel::McpConfig if chance.percent(25) => RiskFlag::UnpinnedPackage,
        Channel::McpConfig if chance.percent(6) => RiskFlag::PlainTextSecret,
        Channel::Extension if chance.percent(2) => RiskFlag::Unpacked,
        Channel::Package if chance.percent(3) => RiskFlag::ApprovalBypass,
        _ => return Vec::new(),
    };
    vec![flag]
}
