//! What sensors show of the resources of a record, and what people say about it, in a real database.

use super::super::resources::{FROM_MACHINES, FROM_PRODUCT, with_accelerator};
use super::governance::{only, with_people};
use super::*;
use crate::model::Role as Part;
use crate::model::record::{AiSystem, COMMENT_CHARS, COMMENTS};
use crate::review::{Guard, Move};
use crate::store::Governance;

fn versioned(rule: &str, channel: Channel, value: &str, version: &str) -> SnapshotItem {
    let item = item(rule, channel, value);
    SnapshotItem { evidence: Evidence { version: Some(version.into()), ..item.evidence }, ..item }
}

#[test]
fn a_record_tells_versions_tools_and_interfaces_and_an_observation_changes_nothing_of_it() {
    let (fixture, ..) = with_people();
    let id = only(&fixture);
    let before = fixture.store.system(&id).unwrap().unwrap().held;
    let items = vec![
        versioned("acme.chat.app", Channel::App, "chat", "1.0"),
        versioned("acme.chat.app", Channel::Package, "deb:chat", "1.1"),
        item("acme.chat.app", Channel::McpConfig, "chat-files"),
    ];
    let report = with_snapshot(2, 1, NOW_MS, snapshot(1, Completeness::Complete, items));
    fixture.send(2, report, NOW_MS);
    let detail = fixture.store.system(&id).unwrap().unwrap();
    let found = &detail.resources;
    let versions: Vec<&str> = found.versions_seen.iter().map(|one| one.version.as_str()).collect();
    assert_eq!(versions, ["1.0", "1.1"]);
    let tools: Vec<_> = found.tooling.iter().map(|one| (one.sort.as_str(), one.name.as_str())).collect();
    assert_eq!(tools, [("app", "chat"), ("mcp-config", "chat-files"), ("package", "deb:chat")]);
    let interfaces: Vec<_> = found.interfaces.iter().map(|one| (one.sort, one.name.as_str())).collect();
    assert_eq!(interfaces, [("endpoint", "chat.acme.example"), ("mcp-server", "chat-files")]);
    assert_eq!((&found.models, found.more), (&Vec::new(), 0));
    assert_eq!(detail.held.body.comments, before.body.comments);
    assert_eq!((detail.held.version, &detail.held.hash), (before.version, &before.hash));
}

#[test]
fn a_model_is_told_with_what_machines_say_of_its_files() {
    let (fixture, ..) = with_people();
    let id = only(&fixture);
    let file = |sha256: &str, licence: Option<&str>| {
        let item = item("acme.chat.app", Channel::ModelFile, "chat:latest");
        let details = ItemDetails {
            sha256: Some(sha256.repeat(64)),
            licence: licence.map(str::to_owned),
            ..ItemDetails::default()
        };
        SnapshotItem { details, ..item }
    };
    for (machine, item) in [(1, file("a", Some("MIT"))), (2, file("b", None)), (3, file("a", Some("MIT")))] {
        let report = with_snapshot(machine, 1, NOW_MS, snapshot(1, Completeness::Complete, vec![item]));
        fixture.send(machine, report, NOW_MS);
    }
    let found = fixture.store.system(&id).unwrap().unwrap().resources.models;
    let told: Vec<_> = found
        .iter()
        .map(|one| (one.name.as_str(), one.sha256.as_deref().map(|hash| &hash[..1]), one.licence.as_deref()))
        .collect();
    let name = "chat:latest";
    assert_eq!(told, [(name, Some("a"), Some("MIT")), (name, Some("b"), None)]);
}

#[test]
fn machines_with_an_accelerator_are_counted_for_the_records_that_they_show() {
    let (fixture, ..) = with_people();
    let id = only(&fixture);
    let accelerated = || fixture.store.system(&id).unwrap().unwrap().resources.accelerated;
    assert_eq!(accelerated(), Some(0));
    let says = |generation, devices: &[&str]| {
        let item = item("acme.chat.app", Channel::App, "chat");
        let mut report =
            with_snapshot(2, 1, NOW_MS, snapshot(generation, Completeness::Complete, vec![item]));
        report.coverage.accelerators = devices.iter().map(|device| (*device).to_owned()).collect();
        report.sent_at_ms = NOW_MS + i64::try_from(generation).unwrap();
        fixture.send(2, report, NOW_MS);
    };
    let from = |sql| {
        let connection = Connection::open(&fixture.path).unwrap();
        with_accelerator(&connection, sql, "acme.chat").unwrap().len()
    };
    for (generation, devices, machines) in [(1, &["one", "another"][..], 1), (2, &[][..], 0)] {
        says(generation, devices);
        assert_eq!(
            accelerated(),
            Some(machines as u64),
            "a machine counts once, and no more when it has none"
        );
        assert_eq!((from(FROM_PRODUCT), from(FROM_MACHINES)), (machines, machines), "from either end");
    }
}

#[test]
fn comments_are_kept_with_who_and_when_and_change_nothing_else() {
    let (fixture, analyst, reviewer) = with_people();
    let id = only(&fixture);
    let before = fixture.store.system(&id).unwrap().unwrap().held.body;
    let say = |person, role, text: &str| fixture.moves(&id, person, role, Move::Comment(text.into()));
    let said = say(analyst, Part::Analyst, " The vendor was asked ").unwrap();
    let comment = said.comments[0].clone();
    assert_eq!((comment.by, comment.at_ms, comment.text.as_str()), (analyst, NOW_MS, "The vendor was asked"));
    assert_eq!(AiSystem { comments: Vec::new(), ..said }, before);
    assert_eq!(say(reviewer, Part::ScopeOwner, "seen").unwrap().comments.len(), 2);
    for role in [Part::Auditor, Part::Administrator, Part::ItDeployer, Part::WorksCouncil] {
        assert_eq!(say(reviewer, role, "no"), Err(Guard::Role), "{role:?}");
    }
    assert_eq!(say(analyst, Part::Analyst, "  "), Err(Guard::Fields));
    assert_eq!(say(analyst, Part::Analyst, &"x".repeat(COMMENT_CHARS + 1)), Err(Guard::Fields));
    for number in 0..COMMENTS {
        say(analyst, Part::Analyst, &number.to_string()).unwrap();
    }
    let kept = fixture.store.system(&id).unwrap().unwrap().held.body.comments;
    assert_eq!((kept.len(), kept[0].text.as_str()), (COMMENTS, "0"), "older ones stand in the trail");
    let then = fixture.store.as_of("system", &id, NOW_MS + 1).unwrap().unwrap();
    assert_eq!(then["comments"].as_array().unwrap().len(), COMMENTS);
}
