//! What is kept of governed records is what is in the database, whatever happened since it was read.

use super::governance::{prepared, with_people, without_chat};
use super::*;
use crate::model::Role as Part;
use crate::model::finding::Finding;
use crate::model::governed::Governed;
use crate::model::record::AiSystem;
use crate::review::Move;
use crate::store::retention::Retaining;
use crate::store::sqlite::records::{All, Records, first_decisions};
use crate::store::sqlite::{Pool, governed};

/// Each record with its version.
fn versions<T: Governed>(all: &All<T>) -> Vec<(String, u64)> {
    all.iter().map(|held| (held.body.id(), held.version)).collect()
}

/// Looks through a reader of the store's own, and holds what is kept against what is there.
fn assert_true(fixture: &Fixture, records: &Records) {
    let compared = fixture.store.readers.with("compare", |connection| {
        assert_eq!(
            records.systems(connection)?.iter().cloned().collect::<Vec<_>>(),
            governed::all::<AiSystem>(connection)?
        );
        assert_eq!(
            records.findings(connection)?.iter().cloned().collect::<Vec<_>>(),
            governed::all::<Finding>(connection)?
        );
        assert_eq!(*records.decided(connection)?, first_decisions(connection, (0, i64::MAX))?);
        Ok(())
    });
    compared.unwrap();
}

#[test]
fn what_is_kept_follows_every_change() {
    let (fixture, analyst, reviewer) = with_people();
    let records = &fixture.store.records;
    assert_true(&fixture, records);
    let id = prepared(&fixture, analyst);
    assert_true(&fixture, records);
    fixture.moves(&id, reviewer, Part::Reviewer, Move::Prohibit).unwrap();
    assert_true(&fixture, records);
    // A look without a change between them is the same one.
    let looks = fixture
        .store
        .readers
        .with("look twice", |connection| Ok((records.systems(connection)?, records.systems(connection)?)));
    let (one, other) = looks.unwrap();
    assert!(Arc::ptr_eq(&one, &other));
    assert_eq!(versions(&*one).len(), 1);
}

#[test]
fn what_was_taken_out_is_kept_no_longer() {
    let (fixture, ..) = with_people();
    let records = &fixture.store.records;
    let count =
        || fixture.store.readers.with("count", |connection| Ok(records.systems(connection)?.iter().count()));
    assert_eq!(count().unwrap(), 1);
    fixture.store.know(without_chat(), NOW_MS).unwrap();
    assert_eq!(count().unwrap(), 0);
    assert_true(&fixture, records);
}

#[test]
fn a_decision_whose_entries_are_over_is_told_no_longer() {
    let (fixture, analyst, reviewer) = with_people();
    let id = prepared(&fixture, analyst);
    fixture.moves(&id, reviewer, Part::Reviewer, Move::Prohibit).unwrap();
    let records = &fixture.store.records;
    let decided = || fixture.store.readers.with("count", |connection| Ok(records.decided(connection)?.len()));
    assert_eq!(decided().unwrap(), 1);
    assert!(fixture.store.sweep(NOW_MS + 1_462 * 86_400_000).unwrap().payloads > 0);
    assert_eq!(decided().unwrap(), 0);
    assert_true(&fixture, records);
}

#[test]
fn a_reader_that_began_before_a_change_is_told_what_was() {
    let (fixture, analyst, reviewer) = with_people();
    let id = prepared(&fixture, analyst);
    let records = &fixture.store.records;
    let pool = Pool::open(&fixture.path, 2).unwrap();
    let told = pool.with("look before", |early| {
        let before = versions(&*records.systems(early)?);
        fixture.moves(&id, reviewer, Part::Reviewer, Move::Prohibit).unwrap();
        pool.with("look after", |late| {
            assert_ne!(versions(&*records.systems(late)?), before);
            Ok(())
        })
        .unwrap();
        assert_eq!(versions(&*records.systems(early)?), before, "another state of the database");
        Ok(())
    });
    told.unwrap();
    assert_true(&fixture, records);
}
