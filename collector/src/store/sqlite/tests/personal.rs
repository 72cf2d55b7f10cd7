//! Views, the last look, and trends.

use super::*;
use crate::model::{LastLook, TrendBy, VIEWS};
use crate::store::Personal as _;

#[test]
fn what_is_seen_for_the_first_time_after_a_look_is_new() {
    let fixture = fleet();
    let new = |look: LastLook| {
        let filter = ProductFilter { newer_than: Some(look.product), ..ProductFilter::default() };
        let page = PageRequest::default();
        let found =
            fixture.store.products(&filter, ProductSort::Name, Direction::Ascending, page, today()).unwrap();
        found.rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(fixture.store.last_look(1).unwrap(), LastLook::default());
    fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, 1)]), NOW_MS);
    assert_eq!(new(fixture.store.last_look(1).unwrap()), ["acme.chat"]);
    fixture.store.look(1, NOW_MS).unwrap();
    assert_eq!(fixture.store.last_look(1).unwrap().at_ms, NOW_MS);
    assert!(new(fixture.store.last_look(1).unwrap()).is_empty());
    fixture.send(1, with_activity(1, vec![row("acme.notes.web", Channel::Tls, 0, 1)]), NOW_MS + 1);
    assert_eq!(new(fixture.store.last_look(1).unwrap()), ["acme.notes"]);
    // Somebody else's look is their own.
    assert_eq!(new(fixture.store.last_look(2).unwrap()).len(), 2);
}

#[test]
fn views_are_of_one_person_replaced_by_name_and_bounded() {
    let Fixture { store, .. } = Fixture::new();
    for at in 0..VIEWS {
        assert!(store.keep_view(1, &format!("view {at:02}"), "/products").unwrap());
    }
    assert!(!store.keep_view(1, "one more", "/products").unwrap());
    assert!(store.keep_view(1, "view 00", "/assets").unwrap());
    assert_eq!(store.views(1).unwrap()[0].place, "/assets");
    assert_eq!(store.views(1).unwrap().len(), VIEWS as usize);
    assert!(store.views(2).unwrap().is_empty());
    let number = store.views(1).unwrap()[0].number;
    assert!(!store.drop_view(2, number).unwrap());
    assert!(store.drop_view(1, number).unwrap() && !store.drop_view(1, number).unwrap());
}

#[test]
fn a_trend_is_split_and_loses_nothing() {
    let fixture = fleet();
    let rows = || {
        vec![
            row("acme.chat.web", Channel::Tls, 0, 3),
            row("acme.notes.web", Channel::Tls, 0, 1),
            row("acme.chat.web", Channel::Tls, 1, 1),
        ]
    };
    fixture.send(1, with_activity(1, rows()), NOW_MS);
    fixture.send(2, with_activity(2, rows()), NOW_MS);
    let trend = |by, lines| fixture.store.trend(by, today(), 3, lines).unwrap();
    let of = |by, lines| trend(by, lines).into_iter().map(|line| (line.name, line.days)).collect::<Vec<_>>();
    assert_eq!(of(TrendBy::Vendor, 6), [("Acme".to_owned(), vec![0, 2, 4])]);
    assert_eq!(of(TrendBy::Unit, 6), [("Berlin".to_owned(), vec![0, 2, 2])]);
    assert_eq!(
        of(TrendBy::Kind, 6),
        [("service".to_owned(), vec![0, 2, 2]), ("application".to_owned(), vec![0, 0, 2])]
    );
    // What is too small for a line of its own is in the last one.
    assert_eq!(of(TrendBy::Kind, 1), [("service".to_owned(), vec![0, 2, 2]), (String::new(), vec![0, 0, 2])]);
    // What only a later catalogue explains is of the rest, in one line with what is too small.
    fixture.send(1, with_activity(1, vec![row("tomorrow.service.web", Channel::Tls, 0, 1)]), NOW_MS);
    assert_eq!(of(TrendBy::Kind, 1), [("service".to_owned(), vec![0, 2, 2]), (String::new(), vec![0, 0, 3])]);
    assert!(fixture.store.trend(TrendBy::Kind, today().back(40), 3, 6).unwrap().is_empty());
}
