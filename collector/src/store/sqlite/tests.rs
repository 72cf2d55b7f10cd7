//! The store's contract, tried on a database of its own.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::mpsc::sync_channel;

use proptest::prelude::*;
use umbrascope_api::{
    AccountId, Ack, ActivityRow, Batch, CaptureState, Channel, Completeness, CoverageReport, Day, Epoch,
    Evidence, ItemDetails, MachineId, Refusal, RiskFlag, SensorId, SensorInfo, Snapshot, SnapshotItem,
};
use umbrascope_rules::{Catalogue, Confidence, Level};

use super::*;
use crate::model::{
    AssetFilter, AssetId, AssetSort, Direction, NewToken, PageRequest, ProductFilter, ProductSort,
    SensorState, SystemFilter, SystemSort, TokenId, TokenState,
};
use crate::store::{Enrolled, Enrolment, NewCertificate, Reads, Report, Store};

mod campaigns;
mod catalogue;
mod clocks;
mod emergency;
mod exports;
mod findings;
mod fleet;
mod gateway;
mod governance;
mod histories;
mod management;
mod monthly;
mod own;
mod people;
mod personal;
mod proof;
mod queues;
mod readiness;
mod records;
mod reidentify;
mod resources;
mod retention;
mod scope;
mod sight;
mod suspects;
mod targets;

const CATALOGUE: &str = r#"
[vendor]
id = "acme"
name = "Acme"

[[product]]
id = "acme.chat"
name = "Acme Chat"
kind = "service"
category = "assistant"
description = "A chat assistant."

[[product]]
id = "acme.notes"
name = "Acme Notes"
kind = "application"
category = "writing"
description = "Notes with some AI."

[[rule]]
id = "acme.chat.web"
product = "acme.chat"
confidence = "high"
source_url = "https://acme.example/"
source_type = "first_party"
last_checked = 2026-11-21
suffix = ["chat.acme.example"]
examples = ["chat.acme.example"]
counter_examples = ["notchat.acme.example"]

[[rule]]
id = "acme.chat.app"
product = "acme.chat"
confidence = "high"
source_url = "https://acme.example/"
source_type = "first_party"
last_checked = 2026-11-21
executable = ["/opt/acme/chat"]
examples = ["executable:/opt/acme/chat"]
counter_examples = ["executable:/opt/acme/chatter"]

[[rule]]
id = "acme.notes.web"
product = "acme.notes"
confidence = "low"
source_url = "https://acme.example/"
source_type = "first_party"
last_checked = 2026-11-21
suffix = ["notes.acme.example"]
examples = ["notes.acme.example"]
counter_examples = ["notnotes.acme.example"]

[[rule]]
id = "acme.notes.extension"
product = "acme.notes"
confidence = "low"
source_url = "https://acme.example/"
source_type = "first_party"
last_checked = 2026-11-21
vscode-extension = ["acme.notes"]
examples = ["vscode-extension:acme.notes"]
counter_examples = ["vscode-extension:acme.notebook"]
"#;

static KNOWN: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::parse(&[("acme.toml", CATALOGUE)]).expect("the catalogue of the tests"));

const NOW_MS: i64 = 1_795_000_000_000;

fn today() -> Day {
    Day::from_unix_ms(NOW_MS)
}

struct Fixture {
    store: SqliteStore,
    path: std::path::PathBuf,
    _dir: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Options)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("collector.db");
        let mut options = Options::new(&KNOWN);
        options.group_wait = Duration::ZERO;
        change(&mut options);
        let store = SqliteStore::open(&path, options, NOW_MS).unwrap();
        Self { store, path, _dir: dir }
    }

    fn token(&self, id: &str, max_uses: u32) {
        let token = NewToken {
            unit: "Berlin".into(),
            label: "laptops".into(),
            max_uses,
            expires_at_ms: NOW_MS + 1_000,
            created_by: "admin".into(),
        };
        self.store.create_token(&TokenId(id.into()), &[7; 32], &token, NOW_MS).unwrap();
    }

    fn enrol(&self, number: u8, machine: u8) -> Enrolled {
        self.store.enrol(enrolment(number, machine)).unwrap()
    }

    fn send(&self, number: u8, batch: Batch, received_at_ms: i64) -> Ack {
        let (answer, answered) = sync_channel(1);
        let report = Report {
            sensor: sensor(number),
            suspect_source: format!("source-{number}-{}", batch.epoch),
            batch,
            refused: Vec::new(),
            unknown_fields: 0,
            received_at_ms,
            next_report_after_s: 60,
        };
        let queued = self.store.submit(report, Box::new(move |ack| answer.send(ack).unwrap()));
        assert!(queued.is_ok());
        answered.recv().unwrap().unwrap()
    }

    /// Facts and roll-ups as text, table by table.
    fn dump(&self, tables: &[&str]) -> BTreeMap<String, Vec<String>> {
        let connection = Connection::open(&self.path).unwrap();
        tables
            .iter()
            .map(|table| {
                let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
                let columns = statement.column_count();
                let rows = statement
                    .query_map([], |row| {
                        (0..columns)
                            .map(|column| Ok(format!("{:?}", row.get_ref(column)?)))
                            .collect::<rusqlite::Result<Vec<_>>>()
                    })
                    .unwrap();
                let mut rows: Vec<String> = rows.map(|row| row.unwrap().join("|")).collect();
                rows.sort();
                ((*table).to_owned(), rows)
            })
            .collect()
    }

    fn products(&self) -> Vec<crate::model::ProductRow> {
        let page = PageRequest::default();
        let filter = ProductFilter::default();
        self.store.products(&filter, ProductSort::Name, Direction::Ascending, page, today()).unwrap().rows
    }

    fn systems(&self) -> Vec<String> {
        let (filter, page) = (SystemFilter::default(), PageRequest::default());
        let systems = self.store.systems(&filter, SystemSort::Name, Direction::Ascending, page).unwrap();
        systems.rows.into_iter().flat_map(|system| system.products).collect()
    }
}

const ROLLUPS: &[&str] = &[
    "product_asset",
    "asset_product_day",
    "product_day",
    "asset_day",
    "unit_day",
    "fleet_day",
    "product_unit",
    "asset_summary",
    "product_summary",
    "asset_evidence",
    "evidence_summary",
    "product_sign",
];

fn sensor(number: u8) -> SensorId {
    SensorId::from_bytes([number; 16])
}

fn enrolment(number: u8, machine: u8) -> Enrolment {
    Enrolment {
        token: TokenId("aa".into()),
        secret_hash: [7; 32],
        sensor: sensor(number),
        machine: MachineId::from_bytes([machine; 16]),
        info: SensorInfo { hostname: format!("host-{machine}"), ..SensorInfo::default() },
        certificate: NewCertificate {
            key_hash: [number; 32],
            issued_at_ms: NOW_MS,
            ends_at_ms: NOW_MS + 500,
        },
    }
}

fn fleet() -> Fixture {
    let fixture = Fixture::new();
    fixture.token("aa", 10);
    for number in 1..=3 {
        assert_eq!(fixture.enrol(number, number), Enrolled::Yes { machine_known: false });
    }
    fixture
}

fn batch(number: u8, epoch: u8, sent_at_ms: i64) -> Batch {
    Batch {
        protocol: 1,
        sensor: sensor(number),
        epoch: Epoch::from_bytes([epoch; 8]),
        sent_at_ms,
        machine: MachineId::from_bytes([number; 16]),
        boot: Epoch::from_bytes([1; 8]),
        info: SensorInfo { hostname: format!("host-{number}"), os: "linux".into(), ..SensorInfo::default() },
        activity: Vec::new(),
        stations: Vec::new(),
        snapshots: Vec::new(),
        suspects: vec![],
        sealed_accounts: vec![],
        coverage: CoverageReport { capture: CaptureState::Capturing, hellos: 5, ..CoverageReport::default() },
    }
}

fn row(rule: &str, channel: Channel, back: u32, count: u64) -> ActivityRow {
    ActivityRow {
        day: today().back(back),
        rule: rule.into(),
        channel,
        subject: None,
        account: None,
        evidence: Evidence { value: "chat.acme.example".into(), ..Evidence::default() },
        count,
    }
}

fn item(rule: &str, channel: Channel, value: &str) -> SnapshotItem {
    SnapshotItem {
        rule: rule.into(),
        channel,
        account: None,
        evidence: Evidence { value: value.into(), ..Evidence::default() },
        details: ItemDetails::default(),
        flags: Vec::new(),
    }
}

fn snapshot(generation: u64, completeness: Completeness, items: Vec<SnapshotItem>) -> Snapshot {
    Snapshot { source: "vscode-extensions".into(), generation, completeness, items }
}

fn with_activity(number: u8, rows: Vec<ActivityRow>) -> Batch {
    Batch { activity: rows, ..batch(number, 1, NOW_MS) }
}

fn with_snapshot(number: u8, epoch: u8, sent_at_ms: i64, snapshot: Snapshot) -> Batch {
    Batch { snapshots: vec![snapshot], ..batch(number, epoch, sent_at_ms) }
}

#[test]
fn parameters_are_numbered_by_first_appearance() {
    assert!(parameters_in_order("SELECT $1, $2, $1"));
    assert!(!parameters_in_order("SELECT $2, $1"));
    assert!(!parameters_in_order("SELECT $1, $3"));
}

#[test]
fn a_report_is_counted_once_however_often_it_comes() {
    let fixture = fleet();
    let report = with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, 5)]);
    fixture.send(1, report.clone(), NOW_MS);
    let once = fixture.dump(ROLLUPS);
    let ack = fixture.send(1, report, NOW_MS);
    assert_eq!(ack.activity_taken, 1);
    assert_eq!(fixture.dump(ROLLUPS), once);
    let detail = fixture.store.product("acme.chat", today()).unwrap().unwrap();
    assert_eq!(detail.evidence[0].count, 5);
    assert_eq!(detail.days.last().unwrap().assets, 1);
}

#[test]
fn a_smaller_count_never_replaces_a_larger_one() {
    let fixture = fleet();
    for count in [3, 9, 4] {
        fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, count)]), NOW_MS);
    }
    assert_eq!(fixture.store.product("acme.chat", today()).unwrap().unwrap().evidence[0].count, 9);
}

#[test]
fn counts_of_two_epochs_add_up() {
    let fixture = fleet();
    for epoch in [1, 2] {
        let report =
            Batch { activity: vec![row("acme.chat.web", Channel::Tls, 0, 4)], ..batch(1, epoch, NOW_MS) };
        fixture.send(1, report, NOW_MS);
    }
    let detail = fixture.store.product("acme.chat", today()).unwrap().unwrap();
    assert_eq!((detail.evidence[0].count, detail.row.assets), (8, 1));
}

#[test]
fn a_resolution_alone_is_no_candidate_and_a_connection_is() {
    let fixture = fleet();
    fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Dns, 0, 1)]), NOW_MS);
    assert_eq!(fixture.products()[0].level, Level::Resolution);
    assert!(fixture.systems().is_empty());
    fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, 1)]), NOW_MS);
    assert_eq!(fixture.products()[0].level, Level::Connection);
    assert_eq!(fixture.systems(), ["acme.chat"]);
}

#[test]
fn connections_on_three_days_are_use() {
    let fixture = fleet();
    for back in 0..2 {
        fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, back, 1)]), NOW_MS);
        fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Quic, back, 1)]), NOW_MS);
    }
    assert_eq!(fixture.products()[0].level, Level::Connection);
    fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, 2, 1)]), NOW_MS);
    assert_eq!(fixture.products()[0].level, Level::Use);
}

#[test]
fn a_connection_of_the_products_own_program_is_use() {
    let fixture = fleet();
    let mut own = row("acme.chat.web", Channel::Tls, 0, 1);
    own.evidence.executable = Some("/opt/acme/chat".into());
    fixture.send(1, with_activity(1, vec![own]), NOW_MS);
    assert_eq!(fixture.products()[0].level, Level::Use);
}

#[test]
fn the_package_of_a_program_and_what_was_forwarded_are_told_on_product_and_asset() {
    let fixture = fleet();
    let mut own = row("acme.chat.web", Channel::Tls, 0, 1);
    own.evidence.executable = Some("/usr/bin/curl".into());
    own.evidence.package = Some("deb:curl".into());
    let mut forwarded = row("acme.chat.web", Channel::Tls, 0, 2);
    forwarded.evidence.forwarded = true;
    fixture.send(1, with_activity(1, vec![own, forwarded]), NOW_MS);
    let product = fixture.store.product("acme.chat", today()).unwrap().unwrap().evidence;
    let asset = fixture.store.asset(AssetId(1), today(), NOW_MS).unwrap().unwrap();
    for evidence in [product, asset.products[0].activity.clone()] {
        let mut told: Vec<_> =
            evidence.iter().map(|row| (row.package.as_deref(), row.forwarded, row.count)).collect();
        told.sort();
        assert_eq!(told, [(None, true, 2), (Some("deb:curl"), false, 1)]);
    }
}

#[test]
fn a_second_kind_of_hint_on_the_same_asset_lifts_low_to_medium() {
    let fixture = fleet();
    let extension =
        || snapshot(1, Completeness::Complete, vec![item("acme.notes.extension", Channel::Extension, "n")]);
    fixture.send(1, with_activity(1, vec![row("acme.notes.web", Channel::Tls, 0, 1)]), NOW_MS);
    fixture.send(2, with_snapshot(2, 1, NOW_MS, extension()), NOW_MS);
    assert_eq!(fixture.products()[0].confidence, Confidence::Low, "hints on two assets are not two hints");
    assert!(fixture.systems().is_empty());
    fixture.send(1, with_snapshot(1, 1, NOW_MS, extension()), NOW_MS);
    assert_eq!(fixture.products()[0].confidence, Confidence::Medium);
    assert_eq!(fixture.systems(), ["acme.notes"]);
}

#[test]
fn an_unknown_rule_is_shown_and_makes_no_candidate() {
    let fixture = fleet();
    fixture.send(1, with_activity(1, vec![row("newer.thing.web", Channel::Tls, 0, 1)]), NOW_MS);
    let product = &fixture.products()[0];
    assert_eq!((product.id.as_str(), product.needs_catalogue), ("newer.thing.web", true));
    assert!(fixture.systems().is_empty());
}

#[test]
fn only_a_complete_scan_removes_and_an_older_one_changes_nothing() {
    let fixture = fleet();
    let a = || item("acme.notes.extension", Channel::Extension, "a");
    let b = || item("acme.notes.extension", Channel::Extension, "b");
    let present = || {
        let detail = fixture.store.asset(AssetId(1), today(), NOW_MS).unwrap().unwrap();
        let items = detail.products[0].items.iter().filter(|item| item.evidence.present);
        items.map(|item| item.evidence.value.clone()).collect::<Vec<_>>()
    };
    let send = |generation, completeness, items| {
        fixture.send(1, with_snapshot(1, 1, NOW_MS, snapshot(generation, completeness, items)), NOW_MS);
    };
    send(1, Completeness::Complete, vec![a(), b()]);
    assert_eq!(present(), ["a", "b"]);
    send(3, Completeness::Partial, vec![a()]);
    assert_eq!(present(), ["a", "b"]);
    send(4, Completeness::Complete, vec![a()]);
    assert_eq!(present(), ["a"]);
    send(2, Completeness::Complete, vec![a(), b()]);
    assert_eq!(present(), ["a"]);
    let evidence = fixture.store.product("acme.notes", today()).unwrap().unwrap().evidence;
    assert_eq!(evidence.iter().filter(|row| row.present).count(), 1);
}

#[test]
fn a_new_state_database_replaces_what_the_lost_one_reported() {
    let fixture = fleet();
    let old =
        snapshot(9, Completeness::Complete, vec![item("acme.notes.extension", Channel::Extension, "old")]);
    let new =
        snapshot(1, Completeness::Complete, vec![item("acme.notes.extension", Channel::Extension, "new")]);
    fixture.send(1, with_snapshot(1, 2, NOW_MS, new), NOW_MS);
    fixture.send(1, with_snapshot(1, 1, NOW_MS - 5, old), NOW_MS);
    let detail = fixture.store.asset(AssetId(1), today(), NOW_MS).unwrap().unwrap();
    let present: Vec<_> = detail.products[0].items.iter().filter(|item| item.evidence.present).collect();
    assert_eq!(present.len(), 1);
    assert_eq!(present[0].evidence.value, "new");
}

#[test]
fn flags_and_details_of_a_scan_reach_the_product() {
    let fixture = fleet();
    let mut risky = item("acme.notes.extension", Channel::McpConfig, "files");
    risky.flags = vec![RiskFlag::Shell, RiskFlag::ApprovalBypass];
    risky.details.client = Some("Cursor".into());
    fixture.send(1, with_snapshot(1, 1, NOW_MS, snapshot(1, Completeness::Complete, vec![risky])), NOW_MS);
    let evidence = &fixture.store.product("acme.notes", today()).unwrap().unwrap().evidence[0];
    assert_eq!(evidence.flags, [RiskFlag::ApprovalBypass, RiskFlag::Shell]);
    assert_eq!(evidence.details.client.as_deref(), Some("Cursor"));
    assert_eq!(evidence.level, Level::Configured);
}

#[test]
fn a_sensor_over_its_quota_is_told_and_its_known_rows_still_count() {
    let fixture = Fixture::with(|options| (options.rows_a_day, options.new_words) = (2, 1));
    fixture.token("aa", 10);
    fixture.enrol(1, 1);
    let rows = (0..4).map(|back| row("acme.chat.web", Channel::Tls, back, 1)).collect();
    let ack = fixture.send(1, with_activity(1, rows), NOW_MS);
    assert_eq!(ack.activity_taken, 2);
    assert!(ack.refused.iter().all(|row| row.reason == Refusal::OverQuota));
    let words = ["x.one", "x.two"].map(|rule| row(rule, Channel::Tls, 0, 1)).to_vec();
    assert_eq!(fixture.send(1, with_activity(1, words), NOW_MS).refused.len(), 2);
    // The days in the table are the oldest two, by key order.
    let known = vec![row("acme.chat.web", Channel::Tls, 3, 9)];
    assert_eq!(fixture.send(1, with_activity(1, known.clone()), NOW_MS).activity_taken, 1);
    let tomorrow = NOW_MS + 86_400_000;
    let fresh = vec![row("acme.chat.web", Channel::Tls, 0, 1)];
    assert_eq!(fixture.send(1, with_activity(1, fresh), tomorrow).activity_taken, 1);
}

#[test]
fn a_day_with_very_many_rows_is_counted_like_any_other() {
    let fixture = fleet();
    let rows: Vec<ActivityRow> = (0..600)
        .map(|number| {
            let mut row = row("acme.chat.web", Channel::Tls, 0, 1);
            row.evidence.value = format!("{number}.chat.acme.example");
            row
        })
        .collect();
    for _ in 0..2 {
        fixture.send(1, with_activity(1, rows.clone()), NOW_MS);
    }
    let more: Vec<ActivityRow> = rows.into_iter().map(|row| ActivityRow { count: 2, ..row }).collect();
    fixture.send(1, with_activity(1, more), NOW_MS);
    let detail = fixture.store.product("acme.chat", today()).unwrap().unwrap();
    assert_eq!(detail.assets[0].count, 1_200);
    assert_eq!((detail.evidence.len(), detail.evidence_left_out), (500, 100));
}

#[test]
fn a_token_enrols_as_often_as_it_says() {
    let fixture = Fixture::new();
    fixture.token("aa", 1);
    let wrong = Enrolment { secret_hash: [8; 32], ..enrolment(1, 1) };
    assert_eq!(fixture.store.enrol(wrong).unwrap(), Enrolled::TokenRefused);
    assert_eq!(fixture.enrol(1, 1), Enrolled::Yes { machine_known: false });
    assert_eq!(fixture.enrol(2, 2), Enrolled::TokenRefused);
    let token = &fixture.store.tokens(None, NOW_MS).unwrap()[0];
    assert_eq!((token.state, token.uses, token.last_host.as_deref()), (TokenState::Used, 1, Some("host-1")));
}

#[test]
fn an_expired_or_revoked_token_enrols_nobody() {
    let fixture = Fixture::new();
    fixture.token("aa", 5);
    let mut late = enrolment(1, 1);
    late.certificate.issued_at_ms = NOW_MS + 2_000;
    assert_eq!(fixture.store.enrol(late).unwrap(), Enrolled::TokenRefused);
    assert!(fixture.store.revoke_token(&TokenId("aa".into()), &people::by()).unwrap());
    assert_eq!(fixture.enrol(1, 1), Enrolled::TokenRefused);
}

#[test]
fn a_machine_that_enrols_again_is_the_same_asset_and_may_be_a_clone() {
    let fixture = fleet();
    assert_eq!(fixture.enrol(4, 1), Enrolled::Yes { machine_known: true });
    let detail = fixture.store.asset(AssetId(1), today(), NOW_MS).unwrap().unwrap();
    assert_eq!(detail.sensors.len(), 2);
    assert_eq!(detail.sensors[0].clone_suspected_at_ms, Some(NOW_MS));
    assert_eq!(fixture.store.coverage_totals(NOW_MS).unwrap().clones, 1);
}

#[test]
fn a_revoked_sensor_is_no_longer_let_in() {
    let fixture = fleet();
    let before = fixture.store.trust_revision().unwrap();
    assert_eq!(fixture.store.trusted_keys(NOW_MS).unwrap().len(), 3);
    assert!(fixture.store.revoke_sensor(sensor(1), &people::by()).unwrap());
    assert!(!fixture.store.revoke_sensor(sensor(9), &people::by()).unwrap());
    let keys = fixture.store.trusted_keys(NOW_MS).unwrap();
    assert!(keys.iter().all(|key| key.sensor != sensor(1)) && keys.len() == 2);
    assert_ne!(fixture.store.trust_revision().unwrap(), before);
    let certificate = NewCertificate { key_hash: [99; 32], issued_at_ms: NOW_MS, ends_at_ms: NOW_MS + 1 };
    assert!(!fixture.store.renew(sensor(1), certificate).unwrap());
}

#[test]
fn a_renewed_sensor_is_let_in_with_both_keys_until_the_old_one_ends() {
    let fixture = fleet();
    let certificate = NewCertificate { key_hash: [99; 32], issued_at_ms: NOW_MS, ends_at_ms: NOW_MS + 900 };
    assert!(fixture.store.renew(sensor(1), certificate).unwrap());
    let keys_at = |now_ms| {
        let keys = fixture.store.trusted_keys(now_ms).unwrap();
        keys.iter().filter(|key| key.sensor == sensor(1)).count()
    };
    assert_eq!((keys_at(NOW_MS), keys_at(NOW_MS + 600)), (2, 1));
    assert!(!fixture.store.renew(sensor(1), certificate).unwrap(), "a new certificate needs a new key");
}

#[test]
fn two_machines_under_one_key_are_noticed() {
    let fixture = fleet();
    let suspected = |asset| {
        let detail = fixture.store.asset(AssetId(asset), today(), NOW_MS).unwrap().unwrap();
        detail.sensors[0].clone_suspected_at_ms.is_some()
    };
    let moved = Batch { machine: MachineId::from_bytes([9; 16]), ..batch(1, 1, NOW_MS) };
    fixture.send(1, moved, NOW_MS);
    assert!(suspected(1));
    for boot in [1, 2, 1, 2] {
        fixture.send(2, Batch { boot: Epoch::from_bytes([boot; 8]), ..batch(2, 1, NOW_MS) }, NOW_MS);
    }
    assert!(suspected(2));
    for boot in [1, 2, 3, 4] {
        fixture.send(3, Batch { boot: Epoch::from_bytes([boot; 8]), ..batch(3, 1, NOW_MS) }, NOW_MS);
    }
    assert!(!suspected(3), "restarts are no clones");
}

#[test]
fn the_newest_word_of_a_sensor_stands() {
    let fixture = fleet();
    let mut newer = batch(1, 1, NOW_MS);
    newer.info.hostname = "renamed".into();
    newer.coverage.hidden_destinations = 4;
    (newer.coverage.encrypted_dns, newer.coverage.dns_over_tls, newer.coverage.dns_over_https) = (9, 2, 7);
    fixture.send(1, newer, NOW_MS);
    fixture.send(1, batch(1, 1, NOW_MS - 60_000), NOW_MS + 1);
    let (filter, page) = (AssetFilter::default(), PageRequest::default());
    let assets =
        fixture.store.assets(&filter, AssetSort::Name, Direction::Ascending, page, NOW_MS + 1).unwrap();
    assert_eq!(
        assets.rows.iter().map(|asset| asset.hostname.as_str()).collect::<Vec<_>>(),
        ["host-2", "host-3", "renamed"]
    );
    assert_eq!(assets.rows[2].state, SensorState::Reporting);
    assert_eq!(assets.rows[0].state, SensorState::NeverReported);
    let totals = fixture.store.coverage_totals(NOW_MS + 1).unwrap();
    assert_eq!((totals.sensors, totals.reporting, totals.silent, totals.hellos), (3, 1, 2, 5));
    assert_eq!((totals.hidden_destinations, totals.encrypted_dns), (4, 9));
    assert_eq!((totals.dns_over_tls, totals.dns_over_https), (2, 7));
    let coverage = fixture.store.coverage(page, NOW_MS + 90_000_000).unwrap();
    assert_eq!(coverage.total, 3);
    assert_eq!(coverage.rows[2].sensor.state, SensorState::Silent);
}

#[test]
fn lists_search_filter_and_page() {
    let fixture = fleet();
    fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, 1)]), NOW_MS);
    fixture.send(2, with_activity(2, vec![row("acme.notes.web", Channel::Dns, 0, 1)]), NOW_MS);
    let ids = |filter: ProductFilter, page| {
        let found =
            fixture.store.products(&filter, ProductSort::Name, Direction::Ascending, page, today()).unwrap();
        (found.rows.into_iter().map(|row| row.id).collect::<Vec<_>>(), found.total)
    };
    let all = PageRequest::default();
    let only = |id: &str| (vec![id.to_owned()], 1);
    assert_eq!(
        ids(ProductFilter { search: "ACME no".into(), ..ProductFilter::default() }, all),
        only("acme.notes")
    );
    assert_eq!(ids(ProductFilter { search: "100%".into(), ..ProductFilter::default() }, all), (vec![], 0));
    assert_eq!(
        ids(ProductFilter { channel: Some(Channel::Tls), ..ProductFilter::default() }, all),
        only("acme.chat")
    );
    assert_eq!(
        ids(ProductFilter { confidence: Some(Confidence::High), ..ProductFilter::default() }, all),
        only("acme.chat")
    );
    let unit = fixture.store.units().unwrap()[0].id;
    assert_eq!(ids(ProductFilter { unit: Some(unit), ..ProductFilter::default() }, all).1, 2);
    assert_eq!(ids(ProductFilter { unit: Some(unit + 1), ..ProductFilter::default() }, all).1, 0);
    let second = PageRequest { offset: 1, limit: 1 };
    assert_eq!(ids(ProductFilter::default(), second), (vec!["acme.notes".to_owned()], 2));
    let filter = AssetFilter { search: "host-2 linux".into(), unit: Some(unit), ..AssetFilter::default() };
    for sort in [AssetSort::Products, AssetSort::LastReport, AssetSort::Name] {
        let found = fixture.store.assets(&filter, sort, Direction::Descending, all, NOW_MS).unwrap();
        assert_eq!((found.total, found.rows[0].id), (1, AssetId(2)));
    }
    for (within, total) in [(vec![unit], 3), (vec![unit + 1, unit], 3), (vec![unit + 1], 0), (Vec::new(), 0)]
    {
        let filter = AssetFilter { within: Some(within), ..AssetFilter::default() };
        let found =
            fixture.store.assets(&filter, AssetSort::Name, Direction::Descending, all, NOW_MS).unwrap();
        assert_eq!((found.total, found.rows.len()), (total, total as usize));
    }
}

#[test]
fn a_failing_report_takes_nothing_of_its_neighbours_with_it() {
    let fixture = Fixture::with(|options| options.group_wait = Duration::from_millis(200));
    fixture.token("aa", 1);
    fixture.enrol(1, 1);
    let nobody = with_activity(9, vec![row("acme.chat.web", Channel::Tls, 0, 1)]);
    let (answer, answered) = sync_channel(1);
    let report = Report {
        sensor: sensor(9),
        batch: nobody,
        refused: Vec::new(),
        unknown_fields: 0,
        suspect_source: "s".repeat(32),
        received_at_ms: NOW_MS,
        next_report_after_s: 60,
    };
    assert!(fixture.store.submit(report, Box::new(move |ack| answer.send(ack).unwrap())).is_ok());
    fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, 2)]), NOW_MS);
    assert!(answered.recv().unwrap().is_err());
    assert_eq!(fixture.products()[0].assets, 1);
}

#[test]
fn a_reader_beside_the_writer_sees_what_was_committed_and_changes_nothing() {
    let fixture = fleet();
    fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, 1)]), NOW_MS);
    let reader = SqliteStore::open_read_only(&fixture.path, Options::new(&KNOWN)).unwrap();
    assert_eq!(reader.totals(today(), NOW_MS).unwrap().products, 1);
    assert!(matches!(reader.revoke_sensor(sensor(1), &people::by()), Err(StoreError::Stopped)));
}

/// Any report that one of three sensors could send, on few words so that keys meet.
fn any_batch() -> impl Strategy<Value = (u8, Batch, i64)> {
    let rule = prop::sample::select(vec![
        "acme.chat.web",
        "acme.chat.app",
        "acme.notes.web",
        "acme.notes.extension",
        "newer.rule",
    ]);
    let channel = prop::sample::select(vec![
        Channel::Dns,
        Channel::Tls,
        Channel::Quic,
        Channel::Extension,
        Channel::Other("telepathy".into()),
    ]);
    let evidence = (0..3_u8, any::<bool>(), any::<bool>()).prop_map(|(value, own, forwarded)| Evidence {
        value: format!("value-{value}"),
        executable: own.then(|| "/opt/acme/chat".to_owned()),
        package: own.then(|| "deb:acme-chat".to_owned()),
        forwarded,
        ..Evidence::default()
    });
    let account = prop::option::of((0..3_u8).prop_map(|number| AccountId::from_bytes([number; 16])));
    let subject = prop::sample::select(vec!["", "10.0.0.7", "02:42:ac:11:00:02"]);
    let activity =
        (rule.clone(), channel.clone(), subject, account.clone(), evidence.clone(), 0..4_u32, 1..50_u64)
            .prop_map(|(rule, channel, subject, account, evidence, back, count)| ActivityRow {
                day: today().back(back),
                rule: rule.into(),
                channel,
                subject: subject.parse().ok(),
                account,
                evidence,
                count,
            });
    let item =
        (rule, channel, account, evidence).prop_map(|(rule, channel, account, evidence)| SnapshotItem {
            rule: rule.into(),
            channel,
            account,
            evidence,
            details: ItemDetails::default(),
            flags: Vec::new(),
        });
    let snapshot =
        (0..2_u8, any::<bool>(), prop::collection::vec(item, 0..4)).prop_map(|(source, complete, items)| {
            Snapshot {
                source: format!("source-{source}"),
                generation: 0,
                completeness: if complete { Completeness::Complete } else { Completeness::Partial },
                items,
            }
        });
    (1..4_u8, 1..3_u8, prop::collection::vec(activity, 0..6), prop::collection::vec(snapshot, 0..2), 0..3_i64)
        .prop_map(|(number, epoch, activity, snapshots, days_later)| {
            let mut report = batch(number, epoch, NOW_MS);
            (report.activity, report.snapshots) = (activity, snapshots);
            (number, report, days_later * 86_400_000)
        })
}

/// As an agent numbers them: generations grow within an epoch, no two sends at the same moment.
fn numbered(mut batches: Vec<(u8, Batch, i64)>) -> Vec<(u8, Batch, i64)> {
    for (position, (_, report, _)) in (1..).zip(&mut batches) {
        report.sent_at_ms = NOW_MS - 1_000_000 + position;
        for (source, snapshot) in (0..).zip(&mut report.snapshots) {
            snapshot.generation = position as u64 * 10 + source;
        }
    }
    batches
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rebuilt_rollups_equal_maintained_ones(
        batches in prop::collection::vec(any_batch(), 1..10),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let fixture = fleet();
        let batches = numbered(batches);
        // In order once, then again in any order and number; the collector's clock goes on.
        let replayed = order.iter().map(|index| index.get(&batches).clone());
        let mut later = 0;
        for (number, report, delay) in batches.iter().cloned().chain(replayed) {
            later = delay.max(later);
            fixture.send(number, report, NOW_MS + later);
        }
        let maintained = fixture.dump(ROLLUPS);
        fixture.store.rebuild(NOW_MS).unwrap();
        prop_assert_eq!(fixture.dump(ROLLUPS), maintained);
    }

    #[test]
    fn facts_do_not_depend_on_order_or_number_of_deliveries(
        batches in prop::collection::vec(any_batch(), 1..8),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..16),
    ) {
        let batches = numbered(batches);
        // Dictionary numbers depend on the order of arrival: the facts are compared by their words.
        let facts = |fixture: &Fixture| {
            let connection = Connection::open(&fixture.path).unwrap();
            let mut rows = Vec::new();
            for sql in [
                "SELECT a.machine || t.day || ' ' || r.word || ' ' || c.word || ' ' || coalesce(o.word, '') || ' '
                    || e.hash || p.word || ' ' || t.n
                 FROM activity t JOIN asset a ON a.id = t.asset JOIN rule r ON r.id = t.rule
                    JOIN channel c ON c.id = t.channel LEFT JOIN account o ON o.id = t.account
                    JOIN evidence e ON e.id = t.evidence JOIN epoch p ON p.id = t.epoch",
                "SELECT a.machine || s.word || ' ' || r.word || ' ' || c.word || ' ' || coalesce(o.word, '') || ' '
                    || e.hash || p.word || ' ' || t.generation || ' ' || t.present
                 FROM snapshot_item t JOIN asset a ON a.id = t.asset JOIN rule r ON r.id = t.rule
                    JOIN channel c ON c.id = t.channel LEFT JOIN account o ON o.id = t.account
                    JOIN evidence e ON e.id = t.evidence JOIN epoch p ON p.id = t.epoch
                    JOIN source s ON s.id = t.source",
            ] {
                let mut statement = connection.prepare(sql).unwrap();
                rows.extend(statement.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap));
            }
            rows.sort();
            rows
        };
        let straight = fleet();
        for (number, report, _) in batches.iter().cloned() {
            straight.send(number, report, NOW_MS);
        }
        let shuffled = fleet();
        let any_order = order.iter().map(|index| index.get(&batches).clone());
        for (number, report, _) in any_order.chain(batches.iter().rev().cloned()) {
            shuffled.send(number, report, NOW_MS);
        }
        prop_assert_eq!(facts(&straight), facts(&shuffled));
        let totals = |fixture: &Fixture| {
            let rows = fixture.products().into_iter();
            rows.map(|row| (row.id, row.assets, row.channels, row.confidence, row.level)).collect::<Vec<_>>()
        };
        prop_assert_eq!(totals(&straight), totals(&shuffled));
    }
}
