//! Evidence of a real database, and what is left of it when the program is killed.

use std::io::{BufRead, BufReader, Cursor};
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::governance::{act, by, sanctioned, who, with_people};
use super::*;
use crate::audit::verify::{Known as Trusted, Report as Checked, verify};
use crate::audit::{Checkpoint, Keys, RecordLine, sha256};
use crate::export::{self, Proving, Sources, Stamp};
use crate::model::document::Document;
use crate::model::monthly::Monthly;
use crate::model::policy::{Limits, Policy};
use crate::model::record::{AiSystem, Tri, Wish};
use crate::model::task::{Link, LinkKind};
use crate::model::{Grant, Grants, PersonDetails, Role};
use crate::readiness::{Applicability, List};
use crate::review::{Move, Who};
use crate::store::documents::Documents;
use crate::store::people::People;
use crate::store::proof::Proof;
use crate::store::readiness::Readying;
use crate::store::{Governance, Snapshots, StoreError};

fn keys() -> Arc<Keys> {
    Arc::new(Keys::load(&Keys::create("host.example/aims/demo").unwrap()).unwrap())
}

fn stamp() -> Stamp {
    Stamp::new(&KNOWN, NOW_MS)
}

fn sources(store: &SqliteStore) -> Sources<'_> {
    Sources { reads: store, governance: store }
}

fn pack(store: &SqliteStore, keys: &Arc<Keys>) -> Vec<u8> {
    store.checkpoint(Arc::clone(keys), NOW_MS).unwrap();
    let proving = Proving { proof: store, keys };
    export::write_pack(sources(store), &KNOWN, proving, &stamp(), Cursor::new(Vec::new()))
        .unwrap()
        .into_inner()
}

fn checked(bytes: &[u8]) -> Checked {
    verify(Cursor::new(bytes), &Trusted::default()).unwrap()
}

/// Entries whose payloads tell of people, which a pack does not carry.
const OF_PEOPLE: &str =
    "SELECT seq FROM trail WHERE kind IN ('person', 'grant', 'directory', 'endpoint') ORDER BY seq";

fn numbers(fixture: &Fixture, sql: &str) -> Vec<u64> {
    numbers_of(&fixture.path, sql)
}

fn numbers_of(path: &Path, sql: &str) -> Vec<u64> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, i64>(0)).unwrap();
    rows.map(|number| u64::try_from(number.unwrap()).unwrap()).collect()
}

#[test]
fn an_export_of_real_decisions_is_consistent_and_its_records_follow_from_its_entries() {
    let (fixture, analyst, reviewer) = with_people();
    let keys = keys();
    let first = fixture.store.checkpoint(Arc::clone(&keys), NOW_MS).unwrap();
    sanctioned(&fixture, analyst, reviewer);
    let bytes = pack(&fixture.store, &keys);
    let report = checked(&bytes);
    assert_eq!(report.findings(), []);
    assert!(report.records >= 2 && report.entries > 6 && report.earlier == 1, "{report:?}");
    assert_eq!(report.redacted, numbers(&fixture, OF_PEOPLE), "what is said of people stays here");
    let since = Trusted { since: Some(first), vkey: Some(keys.vkey().clone()) };
    assert_eq!(verify(Cursor::new(&bytes), &since).unwrap().verdict().code(), 0);
    let mut json = Vec::new();
    let proving = Proving { proof: &fixture.store, keys: &keys };
    export::write_proven_json(sources(&fixture.store), &KNOWN, proving, &stamp(), &mut json).unwrap();
    let report = checked(&json);
    assert_eq!(report.findings(), []);
    assert_eq!(verify(Cursor::new(&json), &since).unwrap().verdict().code(), 0);
    let document: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(document["ai_systems"].as_array().unwrap().len(), 1);
}

#[test]
fn a_payload_that_was_erased_is_redacted() {
    let (fixture, analyst, reviewer) = with_people();
    sanctioned(&fixture, analyst, reviewer);
    let connection = Connection::open(&fixture.path).unwrap();
    let mut expected = numbers(&fixture, OF_PEOPLE);
    expected.extend(numbers(&fixture, "SELECT seq FROM trail WHERE action = 'system.triage'"));
    expected.sort_unstable();
    connection
        .execute_batch(
            "DELETE FROM trail_payload WHERE seq IN (SELECT seq FROM trail WHERE action = 'system.triage')",
        )
        .unwrap();
    let report = checked(&pack(&fixture.store, &keys()));
    assert_eq!((report.verdict().code(), report.redacted.clone()), (0, expected), "{:?}", report.findings());
}

/// Where the content of a file begins in a pack, and the content.
pub(super) fn packed<'p>(pack: &'p [u8], name: &str) -> (usize, &'p [u8]) {
    let mut at = 0;
    while at < pack.len() {
        let header = &pack[at..at + 512];
        let field = |range: std::ops::Range<usize>| {
            let text = std::str::from_utf8(&header[range]).unwrap();
            text.trim_end_matches(['\0', ' ']).to_owned()
        };
        let size = usize::from_str_radix(&field(124..136), 8).unwrap();
        if field(0..100) == name {
            return (at + 512, &pack[at + 512..at + 512 + size]);
        }
        at += 512 + size.div_ceil(512) * 512;
    }
    panic!("{name} is not in the pack");
}

#[test]
fn a_pack_shows_each_clause_with_the_hashes_of_its_records() {
    let (fixture, analyst, reviewer) = with_people();
    let id = sanctioned(&fixture, analyst, reviewer);
    let board = Document {
        link: Link { kind: LinkKind::Requirement, id: "R-8.4-a".to_owned() },
        title: "How impact is assessed".to_owned(),
        sha256: Some("ab".repeat(32)),
        ..Document::default()
    };
    let grants = Grants(vec![Grant { role: Role::Reviewer, unit: None }]);
    let attached = fixture
        .store
        .attach(board, Who { person: reviewer, grants, ..Who::default() }, act(reviewer))
        .unwrap()
        .unwrap();
    let control = Applicability { id: "A.5.2".into(), applies: Tri::Yes, reason: "AI is used".into() };
    fixture.store.set_applicability(control, act(reviewer)).unwrap();
    fixture.store.keep_indicators(NOW_MS).unwrap();
    let review = crate::management::ToRecord {
        held_on: today(),
        from: today().back(30),
        until: today(),
        present: "The board".into(),
        conclusion: "It works".into(),
    };
    crate::store::Reviews::record_review(&fixture.store, review, act(reviewer)).unwrap().unwrap();
    let bytes = pack(&fixture.store, &keys());
    assert_eq!(checked(&bytes).findings(), []);
    let json = |name: &str| -> serde_json::Value { serde_json::from_slice(packed(&bytes, name).1).unwrap() };

    let index = json("clauses/index.json");
    let of_clause = index["clauses"].as_array().unwrap().iter().find(|one| one["clause"] == "8.4").unwrap();
    let file = of_clause["requirements"][0]["file"].as_str().unwrap().to_owned();
    for one in
        index["clauses"].as_array().unwrap().iter().flat_map(|one| one["requirements"].as_array().unwrap())
    {
        assert_eq!(json(one["file"].as_str().unwrap())["id"], one["id"]);
    }
    assert_eq!(file, "clauses/R-8.4-a.json");
    let clause = json(&file);
    let document = &clause["documents"][0];
    assert_eq!(
        (&document["title"], &document["sha256"]),
        (&"How impact is assessed".into(), &"ab".repeat(32).into())
    );
    assert_eq!(document["record_hash"], attached.hash.as_str());
    assert_eq!(clause["controls"][0]["applies"], "yes");

    // What a clause file says of a record is what anybody computes from the record in the same pack.
    let records = String::from_utf8(packed(&bytes, "records.jsonl").1.to_vec()).unwrap();
    let records: Vec<RecordLine> = records.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let reviewed = json("clauses/R-4.1-a.json");
    let record = &reviewed["shown"][0]["records"][0];
    assert_eq!(
        (&record["object"], &record["as_it_should_be"]),
        (&format!("system/{id}").into(), &true.into())
    );
    let line = records.iter().find(|line| line.object == record["object"].as_str().unwrap()).unwrap();
    assert_eq!(record["record_hash"], line.hash().unwrap().to_string());

    assert_eq!(json("controls.json").as_array().unwrap().len(), 38);
    assert_eq!(json("indicators.json")["kept"].as_array().unwrap().len(), 1);
    assert_eq!(
        json("readiness.json")["requirements"].as_array().unwrap().len(),
        List::built_in().requirements.len()
    );

    let reviews = json("management-reviews.json");
    assert_eq!(
        (&reviews[0]["reference"], &reviews[0]["pack"]["inputs"][0]["clause"]),
        (&"MRV-0001".into(), &"9.3.2 a".into())
    );
    assert!(json("indicators.json")["now"][0]["verdict"] == "no-target");

    for name in [
        &file[..],
        "clauses/index.json",
        "controls.json",
        "indicators.json",
        "management-reviews.json",
        "readiness.json",
    ] {
        let (begin, content) = packed(&bytes, name);
        let mut changed = bytes.clone();
        changed[begin + content.len() / 2] ^= 1;
        let report = checked(&changed);
        assert_eq!(report.verdict().code(), 1, "{name}");
        assert!(report.findings().iter().any(|finding| finding.place.contains(name)), "{name}: {report:?}");
    }
}

#[test]
fn an_export_waits_for_its_checkpoint() {
    let (fixture, ..) = with_people();
    let keys = keys();
    let write = || {
        let proving = Proving { proof: &fixture.store, keys: &keys };
        export::write_pack(sources(&fixture.store), &KNOWN, proving, &stamp(), Cursor::new(Vec::new()))
            .map(|_| ())
    };
    assert!(matches!(write(), Err(export::ExportError::Behind)));
    let entries = numbers(&fixture, "SELECT count(*) FROM trail")[0];
    assert_eq!(fixture.store.unsigned_entries().unwrap(), entries);
    let note = fixture.store.checkpoint(Arc::clone(&keys), NOW_MS).unwrap();
    assert_eq!(Checkpoint::of(&note).unwrap().size, entries);
    assert_eq!(fixture.store.unsigned_entries().unwrap(), 0);
    write().unwrap();
    fixture.store.set_limits(Limits { tolerance_days: 9, ..Limits::default() }, act(1)).unwrap();
    assert!(matches!(write(), Err(export::ExportError::Behind)));
}

/// What a hand in the database does, and how it comes out: the collector signs nothing on top of it, or the export says what it was.
#[test]
fn a_hand_in_the_database_is_noticed() {
    let cases: [(&str, Option<u8>); 8] = [
        ("UPDATE governed SET body = replace(body, 'Acme Chat', 'Acme Cat') WHERE kind = 'system'", Some(1)),
        ("DELETE FROM governed WHERE kind = 'system'", Some(3)),
        (
            "UPDATE trail_payload SET payload = replace(payload, 'because', 'for fun') WHERE seq IN (SELECT seq FROM trail WHERE action = 'system.triage')",
            Some(1),
        ),
        ("UPDATE trail SET entry = replace(entry, 'system.triage', 'system.dismiss')", None),
        ("DELETE FROM trail WHERE seq = (SELECT max(seq) FROM trail)", Some(1)),
        ("DELETE FROM trail WHERE seq = 4", None),
        ("UPDATE trail SET seq = 99 WHERE seq = 4", None),
        ("DELETE FROM checkpoint; DELETE FROM trail; DELETE FROM trail_payload", Some(1)),
    ];
    for (sql, expected) in cases {
        let (fixture, analyst, reviewer) = with_people();
        sanctioned(&fixture, analyst, reviewer);
        let keys = keys();
        let connection = Connection::open(&fixture.path).unwrap();
        connection
            .execute_batch(
                "DROP TRIGGER trail_keeps; DROP TRIGGER trail_stays; DROP TRIGGER trail_has_no_gap;",
            )
            .unwrap();
        connection.execute_batch(sql).unwrap();
        let signed = fixture.store.checkpoint(Arc::clone(&keys), NOW_MS);
        match expected {
            None => assert!(matches!(signed, Err(StoreError::Database { .. })), "{sql}"),
            Some(code) => {
                signed.unwrap();
                let report = checked(&pack(&fixture.store, &keys));
                assert_eq!(report.verdict().code(), code, "{sql}: {:?}", report.findings());
            }
        }
    }
}

#[test]
fn the_trail_is_guarded_against_accidents() {
    let (fixture, ..) = with_people();
    let connection = Connection::open(&fixture.path).unwrap();
    for sql in [
        "UPDATE trail SET actor = 'nobody'",
        "DELETE FROM trail",
        "INSERT INTO trail SELECT seq + 2, at_ms, actor, action, kind, id, outcome, entry, leaf FROM trail WHERE seq = 1",
        "INSERT OR REPLACE INTO trail SELECT seq, at_ms, 'nobody', action, kind, id, outcome, entry, leaf FROM trail WHERE seq = 1",
    ] {
        assert!(connection.execute_batch(sql).is_err(), "{sql}");
    }
}

// ── Kills ────────────────────────────────────────────────────────────────────────────────────

/// Where the child finds its database.
const PLACE: &str = "UMBRASCOPE_TEST_KILLED_DATABASE";
/// How often it is killed, where nobody says otherwise, and the variable by which somebody does. A thousand times take some minutes.
const KILLS: (u32, &str) = (25, "UMBRASCOPE_TEST_KILLS");
/// However often it is to be killed, no kill begins after this: a slow machine does fewer, and says how many. Not for a number asked for.
const KILLS_WITHIN: Duration = Duration::from_secs(120);

#[test]
fn a_kill_during_a_commit_leaves_no_record_without_its_entry_and_no_entry_without_its_record() {
    let asked = std::env::var(KILLS.1).ok().map(|kills| kills.parse::<u32>().expect("a number of kills"));
    let begun = std::time::Instant::now();
    let (mut done, mut commits, mut moved) = (0_u32, 0, 0);
    let keys = keys();
    let mut last = 0;
    let mut dir = tempfile::tempdir().unwrap();
    for kill in 0..asked.unwrap_or(KILLS.0) {
        if asked.is_none() && begun.elapsed() > KILLS_WITHIN {
            break;
        }
        if kill % 25 == 0 {
            (dir, last) = (tempfile::tempdir().unwrap(), 0);
        }
        let path = dir.path().join("collector.db");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::sqlite::tests::proof::changes_records_until_it_is_killed"])
            .args(["--ignored", "--nocapture"])
            .env(PLACE, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("begins")), "the child did not begin");
        // Before, in, or between some commits: how many there are in that time is up to the disk.
        std::thread::sleep(Duration::from_micros(u64::from(kill) * 7_919 % 60_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = SqliteStore::open(&path, Options::new(&KNOWN), NOW_MS).unwrap();
        let report = checked(&pack(&store, &keys));
        assert_eq!(report.findings(), [], "after kill {kill}");
        assert_eq!(report.redacted, numbers_of(&path, OF_PEOPLE), "after kill {kill}");
        assert!(report.entries >= last, "after kill {kill}");
        // What changes in one transaction is there together: a prohibition and its task, both ends of a merge.
        assert_eq!(numbers_of(&path, TORN), [0, 0], "after kill {kill}");
        let decisions = numbers_of(&path, "SELECT count(*) FROM trail WHERE action = 'system.prohibit'")[0];
        moved = decisions.max(moved);
        commits += report.entries - last;
        last = report.entries;
        done += 1;
    }
    println!("{done} kills, {commits} entries committed before them, in {:?}", begun.elapsed());
    assert!(done > 0 && commits > 0, "the kills came before every commit");
    // What is made ready to be decided on is committed in any case; a decision is the first commit that a kill can come before.
    assert!(moved > 0, "the kills came before every decision");
}

/// How many prohibitions have no task, and how many merged records one end only.
const TORN: &str = "
    SELECT count(*) FROM governed g WHERE g.kind = 'system' AND json_extract(g.body, '$.sanction') = 'prohibited'
        AND NOT EXISTS (SELECT 1 FROM task t WHERE t.link = g.id AND t.purpose = 'removal')
    UNION ALL
    SELECT count(*) FROM governed g WHERE g.kind = 'system' AND json_extract(g.body, '$.merged_into') IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM governed o, json_each(o.body, '$.merged_from') f
            WHERE o.kind = 'system' AND o.id = json_extract(g.body, '$.merged_into') AND f.value = g.id)";

/// A record that can be decided on, and one that it can go into.
fn under_review(store: &SqliteStore, person: i64) -> (String, String) {
    let analyst = who(person, Role::Analyst);
    let add = |name: &str| {
        let system = AiSystem { name: name.into(), system_owner: Some(person), ..AiSystem::default() };
        store.add_system(system, &analyst, act(person)).unwrap().unwrap().body.id
    };
    let (id, into) = (add("Drafting"), add("Writing"));
    for step in [Move::Triage, Move::StartReview] {
        store.move_system(&id, step, analyst.clone(), act(person)).unwrap().unwrap().unwrap();
    }
    (id, into)
}

/// It is prohibited, with a task, and goes into the other one, which changes with it.
fn decide(store: &SqliteStore, person: i64, (id, into): (String, String)) {
    let (analyst, reviewer) = (who(person, Role::Analyst), who(person + 1, Role::Reviewer));
    for (step, who) in [
        (Move::Prohibit, &reviewer),
        (Move::Request(Wish::Merge { into }), &analyst),
        (Move::Approve, &reviewer),
    ] {
        store.move_system(&id, step, who.clone(), act(who.person)).unwrap().unwrap().unwrap();
    }
}

#[test]
#[ignore = "is started by the test of kills"]
fn changes_records_until_it_is_killed() {
    let path = std::path::PathBuf::from(std::env::var_os(PLACE).unwrap());
    let store = SqliteStore::open(&path, Options::new(&KNOWN), NOW_MS).unwrap();
    let entries = store.unsigned_entries().unwrap();
    let name = format!("p{}-{entries}", std::process::id());
    let details = PersonDetails { display_name: name.clone(), active: true, ..PersonDetails::default() };
    let person = store.add_person(&name, &details, false, &by()).unwrap().unwrap().id;
    let policy = |version: String| Policy {
        version,
        title: "Use of AI".into(),
        link: None,
        sha256: None,
        approved_by: "the board".into(),
        from: today(),
        until: None,
    };
    store.add_policy(policy(name), act(1)).unwrap().unwrap();
    let mut ready = under_review(&store, person);
    println!("\nbegins");
    for at in 0_u32.. {
        decide(&store, person, ready);
        let limits = Limits { tolerance_days: 1 + at % 300, review_days: at, ..Limits::default() };
        store.set_limits(limits, act(1)).unwrap();
        let version = format!("{}-{entries}-{at}", std::process::id());
        store.add_policy(policy(version), act(1)).unwrap().unwrap();
        let content = format!("{{\"at\":{at}}}");
        let snapshot = Monthly {
            month: format!("{}-{entries}-{at}", std::process::id()),
            as_of: today(),
            taken_at_ms: NOW_MS,
            sha256: sha256(&[content.as_bytes()]).to_string(),
            bytes: content.len() as u64,
            systems: 0,
            products: 0,
            erased_on: None,
        };
        assert!(store.keep_monthly(snapshot, content, act(1)).unwrap());
        ready = under_review(&store, person);
    }
}
