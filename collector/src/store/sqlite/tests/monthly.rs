//! Monthly snapshots: kept once, proved by the trail, told from when retention has deleted the rest, and deleted in their turn.

use std::io::Cursor;
use std::sync::Arc;

use super::governance::with_people;
use super::*;
use crate::audit::Keys;
use crate::audit::verify::{Known as Trusted, Report as Checked, verify};
use crate::export::{self, Format, Proving, Sources, Stamp, monthly};
use crate::model::governed::TrailFilter;
use crate::model::monthly::Content;
use crate::scope::UsageBand;
use crate::store::proof::Proof;
use crate::store::readiness::Readying;
use crate::store::retention::Retaining;
use crate::store::{Exports, Governance, Snapshots};

const DAY_MS: i64 = 86_400_000;

/// Ten minutes into the month after that of the fixtures.
fn next_month() -> i64 {
    "2026-12-01".parse::<Day>().unwrap().unix_ms() + 600_000
}

fn sources(store: &SqliteStore) -> Sources<'_> {
    Sources { reads: store, governance: store }
}

fn keep(fixture: &Fixture, now_ms: i64) -> Vec<String> {
    monthly::keep(sources(&fixture.store), &KNOWN, now_ms).unwrap()
}

fn content(fixture: &Fixture, month: &str) -> Content {
    serde_json::from_str(&fixture.store.monthly_content(month).unwrap().unwrap()).unwrap()
}

/// An evidence pack of now, checked.
fn checked(fixture: &Fixture, now_ms: i64) -> Checked {
    let keys = Arc::new(Keys::load(&Keys::create("host.example/aims/demo").unwrap()).unwrap());
    fixture.store.checkpoint(Arc::clone(&keys), now_ms).unwrap();
    let proving = Proving { proof: &fixture.store, keys: &keys };
    let stamp = Stamp::new(&KNOWN, now_ms);
    let pack = export::write_pack(sources(&fixture.store), &KNOWN, proving, &stamp, Cursor::new(Vec::new()));
    verify(Cursor::new(pack.unwrap().into_inner()), &Trusted::default()).unwrap()
}

/// An export as JSON of the end of a day.
fn as_of(fixture: &Fixture, day: &str, now_ms: i64) -> serde_json::Value {
    let stamp = Stamp::new(&KNOWN, now_ms).as_of(Some(day.parse().unwrap())).unwrap();
    let mut out = Vec::new();
    export::write(Format::Json, "", sources(&fixture.store), &KNOWN, &stamp, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn a_month_that_ended_is_kept_once_with_its_hash_in_the_trail() {
    let (fixture, ..) = with_people();
    assert!(keep(&fixture, NOW_MS).is_empty(), "the month is not over");
    assert!(fixture.store.keep_indicators(next_month()).unwrap());
    assert_eq!(keep(&fixture, next_month()), ["2026-11"]);
    assert!(keep(&fixture, next_month() + 9 * DAY_MS).is_empty(), "once");

    let held = &fixture.store.monthly_snapshots().unwrap()[0];
    let text = fixture.store.monthly_content("2026-11").unwrap().unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(crate::audit::canonical(&value).unwrap(), text.as_bytes(), "it is in canonical form");
    assert_eq!(crate::audit::sha256(&[text.as_bytes()]).to_string(), held.body.sha256);
    let entry = &fixture.store.trail(&TrailFilter::default(), PageRequest::default()).unwrap().rows[0];
    assert_eq!((&entry.action[..], &entry.actor[..]), ("snapshot.keep", "job:snapshot"));
    assert_eq!(entry.set.as_ref().unwrap()["sha256"], held.body.sha256.as_str());

    let content = content(&fixture, "2026-11");
    let record = &fixture.store.whole_systems(&crate::model::Sight::All).unwrap()[0];
    assert_eq!(content.systems.len(), 1);
    assert_eq!(Some(&content.systems[0].record), record.body.as_ref());
    assert_eq!((&content.systems[0].hash, content.systems[0].version), (&record.hash, record.version));
    assert!(content.in_time && content.coverage.denominator.is_some() && content.coverage.totals.is_some());
    assert_eq!(content.indicators.unwrap().month, "2026-12", "those of the morning after");
    let report = checked(&fixture, next_month());
    assert_eq!((report.findings(), report.snapshots), (&[][..], 1));
}

#[test]
fn a_snapshot_tells_no_number_that_may_not_leave_and_nothing_of_after_the_month() {
    let (fixture, ..) = with_people();
    let late =
        ActivityRow { day: Day::from_unix_ms(next_month()), ..row("acme.notes.web", Channel::Tls, 0, 1) };
    fixture.send(2, with_activity(2, vec![late]), next_month());
    keep(&fixture, next_month());
    let content = content(&fixture, "2026-11");
    let chat = &content.products["acme.chat"];
    assert_eq!((chat.machines, chat.usage), (None, Some(UsageBand::Few)), "one machine is too few");
    assert_eq!(chat.last_day, Some(today()));
    assert_eq!(content.products.len(), 1, "what was first seen in December is not in November");
    let text = fixture.store.monthly_content("2026-11").unwrap().unwrap();
    assert!(!text.contains("host-1") && !text.contains("\"ana\""), "{text}");
}

#[test]
fn a_collector_that_was_off_makes_up_for_each_month_and_makes_nothing_up() {
    let (fixture, ..) = with_people();
    let now_ms = "2027-03-15".parse::<Day>().unwrap().unix_ms();
    assert_eq!(keep(&fixture, now_ms), ["2026-11", "2026-12", "2027-01", "2027-02"]);
    assert!(keep(&fixture, now_ms).is_empty());
    let content = content(&fixture, "2026-12");
    assert_eq!((content.systems.len(), content.as_of.to_string().as_str()), (1, "2026-12-31"));
    assert!(!content.in_time && content.coverage.denominator.is_none() && content.coverage.totals.is_none());
    let chat = &content.products["acme.chat"];
    assert_eq!((chat.machines, chat.usage, chat.last_day), (None, None, Some(today())));
    assert_eq!(checked(&fixture, now_ms).snapshots, 4);
}

#[test]
fn a_snapshot_that_somebody_changed_is_told_and_told_from_no_more() {
    for (sql, code, place) in [
        (
            "DROP TRIGGER monthly_snapshot_keeps;
             UPDATE monthly_snapshot SET content = replace(content, 'Acme Chat', 'Acme Chut')",
            1,
            "snapshots/2026-11.json",
        ),
        ("DELETE FROM monthly_snapshot", 3, "snapshots/2026-11.json"),
        ("INSERT INTO monthly_snapshot VALUES ('2026-09', '{}')", 1, "snapshots/2026-09.json"),
        (
            "UPDATE governed SET body = replace(body, '\"systems\":1', '\"systems\":2') WHERE kind = 'monthly-snapshot'",
            1,
            "records.jsonl",
        ),
    ] {
        let (fixture, ..) = with_people();
        keep(&fixture, next_month());
        Connection::open(&fixture.path).unwrap().execute_batch(sql).unwrap();
        let report = checked(&fixture, next_month());
        assert_eq!(report.verdict().code(), code, "{sql}: {:?}", report.findings());
        let named = report.findings().iter().any(|finding| finding.place.starts_with(place));
        assert!(named, "{sql}: {:?}", report.findings());
        let sound = place == "snapshots/2026-09.json" || place == "records.jsonl";
        let told = fixture.store.monthly_at("2026-12-31".parse().unwrap()).unwrap();
        assert_eq!(told.is_some(), sound, "{sql}");
    }
    let (fixture, ..) = with_people();
    keep(&fixture, next_month());
    let update = "UPDATE monthly_snapshot SET content = '{}'";
    assert!(Connection::open(&fixture.path).unwrap().execute_batch(update).is_err(), "a slip is stopped");
}

#[test]
fn what_retention_deleted_is_told_from_the_snapshot_before_or_is_expired() {
    let (fixture, ..) = with_people();
    keep(&fixture, next_month());
    // Seen again two years later, when the days of back then are deleted.
    let later = NOW_MS + 730 * DAY_MS;
    let again = ActivityRow { day: Day::from_unix_ms(later), ..row("acme.chat.web", Channel::Tls, 0, 1) };
    fixture.send(1, with_activity(1, vec![again]), later);
    fixture.store.sweep(later).unwrap();

    let export = as_of(&fixture, "2027-01-31", later);
    let product = &export["products"][0];
    assert_eq!(product["observations"], "snapshot");
    assert_eq!(
        (&product["observed_as_of"], &product["last_day"]),
        (&"2026-11-30".into(), &"2026-11-18".into())
    );
    assert_eq!(export["ai_systems"][0]["observed_as_of"], "2026-11-30");
    let statement = &export["coverage"]["statement"];
    let told = statement["coverage-not-looked-for"].as_str().unwrap();
    assert!(told.contains("monthly snapshot of 2026-11-30"), "{statement}");
    assert!(export["coverage"]["totals"].is_null(), "the sums are of another day");
    let exact = as_of(&fixture, "2026-11-30", later);
    assert_eq!(exact["coverage"]["totals"]["sensors"], 3, "{}", exact["coverage"]);

    // No snapshot is of before.
    let export = as_of(&fixture, "2026-11-29", later);
    let product = &export["products"][0];
    assert_eq!(product["observations"], "expired");
    assert!(product["observed_as_of"].is_null() && product["last_day"].is_null(), "{product}");
    assert!(export["ai_systems"][0]["assets"].is_null(), "no number is made up");
}

#[test]
fn a_snapshot_is_deleted_with_the_payloads_of_its_time_and_the_trail_says_so() {
    let (fixture, ..) = with_people();
    keep(&fixture, next_month());
    let later = next_month() + 1_470 * DAY_MS;
    let swept = fixture.store.sweep(later).unwrap();
    assert_eq!((swept.snapshots, fixture.store.sweep(later).unwrap().snapshots), (1, 0));
    assert_eq!(fixture.store.monthly_content("2026-11").unwrap(), None);
    let held = &fixture.store.monthly_snapshots().unwrap()[0];
    assert_eq!(held.body.erased_on, Some(Day::from_unix_ms(later)));
    let report = checked(&fixture, later);
    assert_eq!((report.findings(), report.snapshots), (&[][..], 0), "what was to go is no lack");
}
