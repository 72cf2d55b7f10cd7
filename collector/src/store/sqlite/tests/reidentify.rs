//! Sealed names: kept while two people want it and facts are of the account, and given to two approvers alone.

use std::io::Cursor;
use std::sync::Arc;

use umbrascope_api::{PrivacyKey, Refusal, RowKind, SEALED_TEXT_BYTES, SealedAccount, limits};

use super::*;
use crate::audit::Keys;
use crate::audit::verify::{Known, verify};
use crate::export::{self, Proving, Sources, Stamp};
use crate::model::governed::{Act, Actor, TrailFilter};
use crate::model::{AssetId, Grant, Grants, Role};
use crate::reidentify::{Asked, SettingStep, State, Step};
use crate::review::{Guard, Who};
use crate::store::Governance;
use crate::store::erasure::Erasing;
use crate::store::proof::Proof;
use crate::store::reidentify::Reidentifying;
use crate::store::retention::Retaining;

const WHY: &str = "A customer's data was pasted into it on that day";
const DAY_MS: i64 = 86_400_000;
const ACCOUNT: AccountId = AccountId::from_bytes([9; 16]);

fn key() -> PrivacyKey {
    PrivacyKey::from_bytes([5; 32])
}

fn who(person: i64, role: Role) -> Who {
    Who { person, grants: Grants(vec![Grant { role, unit: None }]), ..Who::default() }
}

fn act(person: i64, now_ms: i64) -> Act {
    Act::by(Actor::Person(person), now_ms).because(WHY)
}

fn switch(fixture: &Fixture, step: SettingStep, person: i64, role: Role) -> Result<(), Guard> {
    let came = fixture.store.step_reidentification(step, who(person, role), act(person, NOW_MS)).unwrap();
    came.map(drop).map_err(|refused| refused.guard)
}

fn switch_on(fixture: &Fixture) {
    switch(fixture, SettingStep::Ask(key()), 1, Role::Administrator).unwrap();
    switch(fixture, SettingStep::Confirm, 2, Role::PrivacyOfficer).unwrap();
}

fn sealed(account: AccountId, letter: &str) -> SealedAccount {
    SealedAccount { account, key: key(), sealed: letter.repeat(SEALED_TEXT_BYTES) }
}

fn used(back: u32) -> ActivityRow {
    ActivityRow { account: Some(ACCOUNT), ..row("acme.chat.web", Channel::Tls, back, 2) }
}

fn report(rows: Vec<ActivityRow>, names: Vec<SealedAccount>) -> Batch {
    Batch { sealed_accounts: names, ..with_activity(1, rows) }
}

fn ask(fixture: &Fixture, account: AccountId) -> Result<String, Guard> {
    let asked = Asked {
        asset: 1,
        account: account.to_string(),
        product: "acme.chat".to_owned(),
        ticket: "INC-7".to_owned(),
        hours: 24,
    };
    let came = fixture.store.ask_reidentification(asked, who(3, Role::Analyst), act(3, NOW_MS)).unwrap();
    came.map(|held| held.body.id).map_err(|refused| refused.guard)
}

fn step(fixture: &Fixture, id: &str, step: Step, person: i64, now_ms: i64) -> Result<State, Guard> {
    let (who, act) = (who(person, Role::PrivacyOfficer), act(person, now_ms));
    let came = fixture.store.step_request(id, step, who, act).unwrap().expect("it is there");
    came.map(|held| held.body.state(now_ms)).map_err(|refused| refused.guard)
}

fn take(fixture: &Fixture, id: &str, person: i64, now_ms: i64) -> Result<String, Guard> {
    let came = fixture.store.take_sealed(id, who(person, Role::PrivacyOfficer), act(person, now_ms)).unwrap();
    came.expect("it is there").map(|file| file.sealed).map_err(|refused| refused.guard)
}

/// Actions and outcomes of a kind in the trail, oldest first.
fn told(fixture: &Fixture, kind: &str) -> Vec<(String, String)> {
    let filter = TrailFilter { kind: Some(kind.to_owned()), ..TrailFilter::default() };
    let rows = fixture.store.trail(&filter, PageRequest { offset: 0, limit: 100 }).unwrap().rows;
    let short = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
    rows.into_iter().rev().map(|row| (short(&row.action), row.outcome)).collect()
}

#[test]
fn no_name_is_kept_before_two_people_want_it_nor_for_another_key_nor_of_nobody() {
    let fixture = fleet();
    let kept = || fixture.store.sealed_names().unwrap();
    let refused =
        |ack: &Ack| ack.refused.iter().map(|row| (row.kind, row.index, row.reason)).collect::<Vec<_>>();
    let not_asked = |index| (RowKind::SealedAccount, index, Refusal::NotAsked);
    let send = |names| fixture.send(1, report(vec![used(0)], names), NOW_MS);
    let ack = send(vec![sealed(ACCOUNT, "A")]);
    assert_eq!((refused(&ack), ack.reidentification, kept()), (vec![not_asked(0)], None, 0), "off");
    assert_eq!(ask(&fixture, ACCOUNT), Err(Guard::State), "switched off");
    switch(&fixture, SettingStep::Ask(key()), 2, Role::PrivacyOfficer).unwrap();
    let ack = send(vec![sealed(ACCOUNT, "A")]);
    assert_eq!((refused(&ack), ack.reidentification), (vec![not_asked(0)], None), "asked for");
    assert_eq!(switch(&fixture, SettingStep::Confirm, 2, Role::PrivacyOfficer), Err(Guard::FourEyes));
    switch(&fixture, SettingStep::Confirm, 4, Role::PrivacyOfficer).unwrap();
    let other = SealedAccount { key: PrivacyKey::from_bytes([6; 32]), ..sealed(ACCOUNT, "A") };
    let nobodys = sealed(AccountId::from_bytes([1; 16]), "A");
    let ack = send(vec![other, nobodys, sealed(ACCOUNT, "A")]);
    assert_eq!((refused(&ack), kept()), (vec![not_asked(0), not_asked(1)], 1));
    assert_eq!(ack.reidentification.map(|told| (told.since_ms, told.key)), Some((NOW_MS, key())));
    assert_eq!(refused(&send(vec![sealed(ACCOUNT, "B")])), [], "a newer one takes its place");
    assert_eq!(kept(), 1);
    switch(&fixture, SettingStep::Withdraw, 1, Role::ItDeployer).unwrap();
    assert_eq!(kept(), 0, "switched off: they are deleted");
    assert_eq!(send(vec![]).reidentification, None);
    let outcome = |action: &str, outcome: &str| (action.to_owned(), outcome.to_owned());
    assert_eq!(
        told(&fixture, "reidentification-setting"),
        [
            outcome("ask", "done"),
            outcome("confirm", "refused:G-4EYES"),
            outcome("confirm", "done"),
            outcome("withdraw", "done"),
            outcome("delete", "done"),
        ]
    );
}

#[test]
fn a_machine_has_no_more_names_than_there_may_be() {
    let fixture = fleet();
    switch_on(&fixture);
    let account = |number: usize| {
        let mut bytes = [3; 16];
        bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
        AccountId::from_bytes(bytes)
    };
    let all = 0..limits::SEALED_ACCOUNTS + 2;
    let rows = all.clone().map(|number| ActivityRow { account: Some(account(number)), ..used(0) }).collect();
    let names = all.map(|number| sealed(account(number), "A")).collect();
    let ack = fixture.send(1, report(rows, names), NOW_MS);
    assert_eq!(ack.refused.iter().map(|row| row.reason).collect::<Vec<_>>(), [Refusal::OverQuota; 2]);
    assert_eq!(fixture.store.sealed_names().unwrap(), limits::SEALED_ACCOUNTS as u64);
}

#[test]
fn a_name_is_given_after_two_approvals_in_its_time_and_every_step_stands_in_the_trail() {
    let fixture = fleet();
    switch_on(&fixture);
    fixture.send(1, report(vec![used(0)], vec![sealed(ACCOUNT, "A")]), NOW_MS);
    let accounts = fixture.store.accounts_of(AssetId(1), "acme.chat").unwrap();
    assert_eq!(accounts, [ACCOUNT.to_string()]);
    assert_eq!(fixture.store.accounts_of(AssetId(1), "acme.notes").unwrap(), [""; 0]);
    assert_eq!(fixture.store.accounts_of(AssetId(2), "acme.chat").unwrap(), [""; 0]);
    assert_eq!(ask(&fixture, AccountId::from_bytes([1; 16])), Err(Guard::Target));
    let id = ask(&fixture, ACCOUNT).unwrap();
    assert_eq!(id, "RID-000001");
    assert_eq!(take(&fixture, &id, 2, NOW_MS), Err(Guard::FourEyes), "nobody approved");
    assert_eq!(step(&fixture, &id, Step::Approve, 3, NOW_MS), Err(Guard::FourEyes), "who asked");
    assert_eq!(step(&fixture, &id, Step::Approve, 2, NOW_MS), Ok(State::HalfApproved));
    assert_eq!(step(&fixture, &id, Step::Approve, 2, NOW_MS), Err(Guard::FourEyes), "the same again");
    assert_eq!(take(&fixture, &id, 2, NOW_MS), Err(Guard::FourEyes), "one is not two");
    assert_eq!(step(&fixture, &id, Step::Approve, 4, NOW_MS), Ok(State::Open));
    assert_eq!(take(&fixture, &id, 3, NOW_MS), Err(Guard::FourEyes), "who asked");
    assert_eq!(take(&fixture, &id, 2, NOW_MS), Ok("A".repeat(SEALED_TEXT_BYTES)));
    assert_eq!(take(&fixture, &id, 4, NOW_MS + 24 * 3_600_000), Err(Guard::Expiry), "its time is over");
    let list = |by| fixture.store.reidentifications(by, PageRequest::default()).unwrap().total;
    assert_eq!((list(None), list(Some(3)), list(Some(2))), (1, 1, 0));
    let outcome = |action: &str, outcome: &str| (action.to_owned(), outcome.to_owned());
    assert_eq!(
        told(&fixture, "reidentification"),
        [
            outcome("ask", "refused:G-TARGET"),
            outcome("ask", "done"),
            outcome("take", "refused:G-4EYES"),
            outcome("approve", "refused:G-4EYES"),
            outcome("approve", "done"),
            outcome("approve", "refused:G-4EYES"),
            outcome("take", "refused:G-4EYES"),
            outcome("approve", "done"),
            outcome("take", "refused:G-4EYES"),
            outcome("take", "done"),
            outcome("take", "refused:G-EXPIRY"),
        ]
    );
    // What stands in the trail and in the record tells no name, be it a sealed one.
    let dump = fixture.dump(&["trail", "trail_payload", "governed"]);
    assert!(!format!("{dump:?}").contains(&"A".repeat(40)));
}

#[test]
fn a_name_goes_with_the_last_fact_of_its_account_and_can_then_not_be_taken() {
    let fixture = fleet();
    switch_on(&fixture);
    fixture.send(1, report(vec![used(0)], vec![sealed(ACCOUNT, "A")]), NOW_MS);
    let id = ask(&fixture, ACCOUNT).unwrap();
    step(&fixture, &id, Step::Approve, 2, NOW_MS).unwrap();
    let kept = || fixture.store.sealed_names().unwrap();
    assert_eq!((fixture.store.sweep(NOW_MS + 90 * DAY_MS).unwrap().names, kept()), (0, 1));
    step(&fixture, &id, Step::Approve, 4, NOW_MS).unwrap();
    let swept = fixture.store.sweep(NOW_MS + 91 * DAY_MS).unwrap();
    assert_eq!((swept.pseudonyms, swept.names, kept()), (1, 1, 0));
    assert_eq!(take(&fixture, &id, 2, NOW_MS), Err(Guard::Target));
    assert_eq!(ask(&fixture, ACCOUNT), Err(Guard::Target));
    // Of software that is there it stays, however old, and goes with it.
    let scan = |generation, items| {
        let held = snapshot(generation, Completeness::Complete, items);
        let batch = with_snapshot(1, 1, NOW_MS, held);
        fixture.send(1, Batch { sealed_accounts: vec![sealed(ACCOUNT, "A")], ..batch }, NOW_MS)
    };
    let mut theirs = item("acme.notes.extension", Channel::Extension, "acme.notes");
    theirs.account = Some(ACCOUNT);
    scan(1, vec![theirs]);
    assert_eq!((fixture.store.sweep(NOW_MS + 300 * DAY_MS).unwrap().names, kept()), (0, 1));
    scan(2, vec![]);
    assert_eq!((fixture.store.sweep(NOW_MS + 300 * DAY_MS).unwrap().names, kept()), (1, 0));
}

#[test]
fn a_rebuild_keeps_names_and_what_they_belong_to() {
    let fixture = fleet();
    switch_on(&fixture);
    fixture.send(1, report(vec![used(0)], vec![sealed(ACCOUNT, "A")]), NOW_MS);
    fixture.store.rebuild(NOW_MS).unwrap();
    assert_eq!(fixture.store.accounts_of(AssetId(1), "acme.chat").unwrap(), [ACCOUNT.to_string()]);
    assert!(ask(&fixture, ACCOUNT).is_ok());
}

#[test]
fn a_request_for_a_name_stands_in_no_pack_and_in_no_export_with_the_trail() {
    const TICKET: &str = "INC-PLANTED-4711";
    const REASON: &str = "Petra Planted of the night shift was seen with it";
    let fixture = fleet();
    switch_on(&fixture);
    fixture.send(1, report(vec![used(0)], vec![sealed(ACCOUNT, "A")]), NOW_MS);
    let asked = Asked {
        asset: 1,
        account: ACCOUNT.to_string(),
        product: "acme.chat".to_owned(),
        ticket: TICKET.to_owned(),
        hours: 24,
    };
    let because = |act: Act| Act { reason: REASON.to_owned(), ..act };
    let came = fixture
        .store
        .ask_reidentification(asked.clone(), who(3, Role::Analyst), because(act(3, NOW_MS)))
        .unwrap()
        .unwrap();
    step(&fixture, &came.body.id, Step::Approve, 4, NOW_MS).unwrap();
    // A refused one leaves a payload too.
    let refused = fixture
        .store
        .ask_reidentification(Asked { asset: 99, ..asked }, who(3, Role::Analyst), because(act(3, NOW_MS)))
        .unwrap();
    assert!(refused.is_err());

    let keys = Arc::new(Keys::load(&Keys::create("host.example/aims/demo").unwrap()).unwrap());
    fixture.store.checkpoint(Arc::clone(&keys), NOW_MS).unwrap();
    let (proving, stamp) = (Proving { proof: &fixture.store, keys: &keys }, Stamp::new(&KNOWN, NOW_MS));
    let from = Sources { reads: &fixture.store, governance: &fixture.store };
    let pack = export::write_pack(from, &KNOWN, proving, &stamp, Cursor::new(Vec::new())).unwrap();
    let mut json = Vec::new();
    let without = Stamp { machines: false, ..stamp };
    export::write_proven_json(from, &KNOWN, proving, &without, &mut json).unwrap();
    for bytes in [pack.into_inner(), json] {
        let report = verify(Cursor::new(&bytes), &Known::default()).unwrap();
        assert_eq!((report.findings(), report.verdict().code()), (&[][..], 0));
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("reidentification.approve"), "that it was asked is no secret");
        for planted in [TICKET, REASON, &ACCOUNT.to_string()] {
            assert!(!text.contains(planted), "{planted} left the collector");
        }
    }
}

fn erase(fixture: &Fixture, id: &str, person: i64) -> Result<crate::erasure::Erased, Guard> {
    let (who, act) = (who(person, Role::PrivacyOfficer), act(person, NOW_MS));
    let came = fixture.store.step_erasure(id, crate::erasure::Step::Approve, who, act).unwrap().unwrap();
    came.map(|held| held.body.end.unwrap().erased.unwrap()).map_err(|refused| refused.guard)
}

#[test]
fn what_is_kept_for_one_pseudonym_is_erased_by_two_people_and_what_others_did_stays() {
    let fixture = fleet();
    switch_on(&fixture);
    let other = AccountId::from_bytes([8; 16]);
    let found = |account| SnapshotItem {
        account: Some(account),
        ..item("acme.notes.extension", Channel::Extension, "acme.notes")
    };
    let of_other = ActivityRow { account: Some(other), ..row("acme.chat.web", Channel::Tls, 0, 3) };
    let batch = Batch {
        snapshots: vec![snapshot(1, Completeness::Complete, vec![found(ACCOUNT), found(other)])],
        ..report(vec![used(0), used(1), of_other], vec![sealed(ACCOUNT, "A"), sealed(other, "B")])
    };
    fixture.send(1, batch.clone(), NOW_MS);
    let named = ask(&fixture, ACCOUNT).unwrap();
    let pseudonyms = || fixture.store.pseudonyms_on("host-1").unwrap();
    assert_eq!(pseudonyms()[0].1, [other.to_string(), ACCOUNT.to_string()]);
    let counted =
        |product: &str| fixture.store.product(product, today()).unwrap().unwrap().evidence[0].clone();
    let before = counted("acme.chat");
    assert_eq!((before.count, before.accounts), (7, 2));

    let request = |pseudonym: &str| {
        let (who, act) = (who(2, Role::PrivacyOfficer), act(2, NOW_MS));
        fixture.store.ask_erasure(pseudonym, who, act).unwrap().map_err(|refused| refused.guard)
    };
    assert_eq!(request("nobody").unwrap_err(), Guard::Target);
    let asked = request(&ACCOUNT.to_string()).unwrap().body.id;
    assert_eq!(asked, "ERA-000001");
    assert_eq!(erase(&fixture, &asked, 2), Err(Guard::FourEyes));
    assert_eq!(pseudonyms()[0].1.len(), 2, "a refusal deletes nothing");
    let erased = erase(&fixture, &asked, 4).unwrap();
    assert_eq!((erased.activity, erased.items, erased.names, erased.requests), (2, 1, 1, 1));
    assert_eq!(erased.payloads, 3, "what the trail said of both requests, and of the refused step");
    assert_eq!(erase(&fixture, &asked, 4), Err(Guard::State), "once");

    // Nothing names the account any more; what others did stays theirs, and sums stay.
    assert_eq!(pseudonyms()[0].1, [other.to_string()]);
    let connection = Connection::open(&fixture.path).unwrap();
    let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let number = one("SELECT id FROM account WHERE word LIKE 'erased %'");
    for table in ["activity", "snapshot_item", "asset_evidence", "sealed_account"] {
        assert_eq!(one(&format!("SELECT count(*) FROM {table} WHERE account = {number}")), 0, "{table}");
    }
    let word = ACCOUNT.to_string();
    for (table, column) in [("account", "word"), ("trail_payload", "payload"), ("governed", "body")] {
        assert_eq!(
            one(&format!("SELECT count(*) FROM {table} WHERE {column} LIKE '%{word}%'")),
            0,
            "{table}"
        );
    }
    let after = counted("acme.chat");
    assert_eq!((after.count, after.accounts, after.assets), (7, 1, before.assets));
    let request = fixture.store.reidentification_request(&named).unwrap().unwrap().body;
    assert_eq!((request.account, request.ticket.as_str(), request.reason.as_str()), (0, "erased", "erased"));
    step(&fixture, &named, Step::Approve, 2, NOW_MS).unwrap();
    step(&fixture, &named, Step::Approve, 5, NOW_MS).unwrap();
    assert_eq!(take(&fixture, &named, 2, NOW_MS), Err(Guard::Target), "no name is left to take");
    assert_eq!(told(&fixture, "erasure").iter().filter(|(_, outcome)| outcome == "done").count(), 2);

    // The trail verifies with what was redacted, and what comes from then on is another account.
    fixture.send(1, batch, NOW_MS + 1);
    let again = pseudonyms()[0].1.clone();
    assert_eq!(again, [other.to_string(), ACCOUNT.to_string()], "it is kept anew");
    assert_ne!(one(&format!("SELECT id FROM account WHERE word = '{word}'")), number);
}
