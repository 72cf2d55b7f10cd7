//! What is over is deleted, and what is not stays.

use super::*;
use crate::model::governed::TrailFilter;
use crate::store::Governance;
use crate::store::retention::Retaining;

const DAY_MS: i64 = 86_400_000;

fn by_somebody(mut row: ActivityRow) -> ActivityRow {
    row.account = Some(AccountId::from_bytes([9; 16]));
    row
}

#[test]
fn pseudonyms_go_first_then_days_and_the_trail_says_how_many() {
    let fixture = fleet();
    let rows = [0, 89, 90, 91, 365, 366].map(|back| by_somebody(row("acme.chat.web", Channel::Tls, back, 2)));
    fixture.send(1, with_activity(1, rows.to_vec()), NOW_MS);
    let swept = fixture.store.sweep(NOW_MS).unwrap();
    assert_eq!((swept.pseudonyms, swept.activity), (3, 1), "{swept:?}");
    let connection = Connection::open(&fixture.path).unwrap();
    let named: i64 = connection
        .query_row("SELECT count(*) FROM activity WHERE account <> 0", [], |row| row.get(0))
        .unwrap();
    let all: i64 = connection.query_row("SELECT count(*) FROM activity", [], |row| row.get(0)).unwrap();
    assert_eq!((named, all), (3, 5));
    let oldest: u32 = connection.query_row("SELECT min(day) FROM product_day", [], |row| row.get(0)).unwrap();
    assert_eq!(oldest, today().back(365).number());
    let entry = &fixture.store.trail(&TrailFilter::default(), PageRequest::default()).unwrap().rows[0];
    assert_eq!((&entry.action[..], &entry.actor[..]), ("retention.sweep", "job:retention"));
    assert_eq!(entry.set.as_ref().unwrap()["deleted"]["activity"], 1);
    assert!(fixture.store.sweep(NOW_MS).unwrap().is_nothing(), "nothing is over twice");
}

#[test]
fn what_two_accounts_did_is_added_up_and_neither_shows() {
    let fixture = fleet();
    let mut other = row("acme.chat.web", Channel::Tls, 0, 5);
    other.account = Some(AccountId::from_bytes([7; 16]));
    let rows = vec![by_somebody(row("acme.chat.web", Channel::Tls, 0, 2)), other];
    fixture.send(1, with_activity(1, rows), NOW_MS);
    let evidence = |fixture: &Fixture| {
        let detail = fixture.store.product("acme.chat", today()).unwrap().unwrap();
        (detail.evidence[0].count, detail.evidence[0].accounts)
    };
    assert_eq!(evidence(&fixture), (7, 2));
    assert_eq!(fixture.store.sweep(NOW_MS + 91 * DAY_MS).unwrap().pseudonyms, 2);
    assert_eq!(evidence(&fixture), (7, 0));
}

#[test]
fn software_that_is_gone_goes_and_what_is_there_stays() {
    let fixture = fleet();
    let scan =
        |generation, items| with_snapshot(1, 1, NOW_MS, snapshot(generation, Completeness::Complete, items));
    let kept = item("acme.notes.extension", Channel::Extension, "acme.notes");
    let gone = item("acme.chat.app", Channel::Process, "/opt/acme/chat");
    fixture.send(1, scan(1, vec![kept.clone(), gone]), NOW_MS);
    fixture.send(1, scan(2, vec![kept]), NOW_MS);
    assert_eq!(fixture.store.sweep(NOW_MS + 90 * DAY_MS).unwrap().items, 0);
    assert_eq!(fixture.store.sweep(NOW_MS + 91 * DAY_MS).unwrap().items, 1);
    assert_eq!(fixture.dump(&["snapshot_item"])["snapshot_item"].len(), 1);
}

#[test]
fn the_trail_keeps_its_entries_when_their_payloads_are_over() {
    let fixture = fleet();
    fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, 1)]), NOW_MS);
    let before = fixture.store.trail(&TrailFilter::default(), PageRequest::default()).unwrap();
    let later = NOW_MS + 1_462 * DAY_MS;
    let swept = fixture.store.sweep(later).unwrap();
    assert_eq!(swept.payloads, before.total);
    let after = fixture.store.trail(&TrailFilter::default(), PageRequest::default()).unwrap();
    assert_eq!(after.total, before.total + 1);
    let oldest = after.rows.last().unwrap();
    assert_eq!((oldest.reason.as_ref(), oldest.set.as_ref()), (None, None), "erased, and said so");
    assert_eq!(oldest.leaf, before.rows.last().unwrap().leaf);
}
