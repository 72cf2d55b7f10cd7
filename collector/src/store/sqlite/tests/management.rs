//! Management reviews in a real database.

use super::governance::{sanctioned, with_people};
use super::*;
use crate::management::{ManagementReview, Subject, ToDecide, ToRecord};
use crate::model::governed::{Act, Actor, Held, TrailFilter};
use crate::model::task::{LinkKind, TaskFilter};
use crate::readiness::Feed;
use crate::review::Guard;
use crate::store::readiness::Readying;
use crate::store::{Governance, Reviews, Tasks};

const DAY_MS: i64 = 86_400_000;

fn act(at_ms: i64) -> Act {
    Act::by(Actor::Person(1), at_ms)
}

fn held_on(day: Day, from: Day) -> ToRecord {
    ToRecord {
        held_on: day,
        from,
        until: day,
        present: "The board".into(),
        conclusion: "Suitable, adequate and effective".into(),
    }
}

fn record(store: &SqliteStore, at_ms: i64) -> Held<ManagementReview> {
    let day = Day::from_unix_ms(at_ms);
    store.record_review(held_on(day, day.back(30)), act(at_ms)).unwrap().unwrap()
}

#[test]
fn a_review_keeps_what_it_had_before_it_however_things_go_on() {
    let (fixture, analyst, reviewer) = with_people();
    sanctioned(&fixture, analyst, reviewer);
    let store = &fixture.store;
    let review = record(store, NOW_MS);
    assert_eq!((review.body.reference.as_str(), review.version, review.body.by), ("MRV-0001", 1, 1));
    let changes = |review: &ManagementReview| review.pack.inputs[1].lines[1].says.clone();
    assert!(changes(&review.body).starts_with("requests granted 1,"), "{}", changes(&review.body));
    let before = store.review_pack(today().back(30), today().back(1), NOW_MS).unwrap();
    assert!(before.inputs[1].lines[1].says.starts_with("requests granted 0,"), "what was not in the period");
    let later = NOW_MS + 40 * DAY_MS;
    store.attend(later).unwrap();
    let kept = store.management_review("mrv-0001").unwrap().unwrap();
    assert_eq!(kept.body.pack, review.body.pack);
    let facts = |now_ms| store.gathered(now_ms).unwrap();
    let whole = |now_ms| {
        let gathered = facts(now_ms);
        Feed::ManagementReview.look(&gathered.facts(Day::from_unix_ms(now_ms))).is_whole()
    };
    assert!(whole(NOW_MS) && !whole(NOW_MS + 366 * DAY_MS), "a review of more than a year ago is late");
}

#[test]
fn what_a_review_decides_becomes_a_task_and_comes_before_the_next_one() {
    let (fixture, analyst, _) = with_people();
    let store = &fixture.store;
    record(store, NOW_MS);
    let decide = |says: &str, assignee, due, version: u64| {
        let decision = ToDecide { subject: Subject::Change, says: says.into(), assignee, due };
        let act = act(NOW_MS + 1).on(version);
        store.add_decision("MRV-0001", decision, act).unwrap().unwrap()
    };
    let due = today().forward(10);
    let done = decide("Name owners\nfor every record", Some(analyst), Some(due), 1).unwrap();
    let decided = &done.body.decisions[0];
    assert_eq!((decided.by, decided.at_ms, decided.subject), (1, NOW_MS + 1, Subject::Change));
    let stale = decide("twice", Some(analyst), None, 1).unwrap_err();
    assert_eq!(stale.guard, Guard::Version);
    assert_eq!(decide("by nobody", Some(9_999), None, 2).unwrap_err().guard, Guard::OwnerActive);
    assert_eq!(decide(" ", None, None, 2).unwrap_err().guard, Guard::Fields);
    decide("nothing is to change", None, None, 2).unwrap();
    let tasks = store.tasks(&TaskFilter::default(), PageRequest { offset: 0, limit: 10 }).unwrap().rows;
    assert_eq!(tasks.len(), 1, "a refused decision makes no task");
    let task = &tasks[0].held.body;
    assert_eq!(Some(&task.reference), decided.task_reference.as_ref());
    assert_eq!((task.assignee, task.due, task.added_by), (Some(analyst), Some(due), Some(1)));
    let link = task.link.as_ref().unwrap();
    assert_eq!((link.kind, link.id.as_str()), (LinkKind::Requirement, "R-9.3.3-a"));
    assert_eq!(task.title, "Name owners for every record");

    let later = NOW_MS + 30 * DAY_MS;
    let day = Day::from_unix_ms(later);
    let pack = store.review_pack(day.back(30), day, later).unwrap();
    let told: Vec<_> =
        pack.inputs[0].lines.iter().map(|line| (line.says.contains(", late"), line.amiss)).collect();
    assert_eq!(told, [(true, true), (false, false)], "{:?}", pack.inputs[0]);
    let filter = TrailFilter { kind: Some("management-review".into()), ..TrailFilter::default() };
    let entries = store.trail(&filter, PageRequest { offset: 0, limit: 20 }).unwrap().rows;
    let done = entries.iter().filter(|row| row.outcome == "done").count();
    assert_eq!((entries.len(), done), (6, 3), "what was refused is in the trail too");
}

#[test]
fn a_review_to_come_is_not_recorded() {
    let (fixture, ..) = with_people();
    let tomorrow = today().forward(1);
    let refused = fixture.store.record_review(held_on(tomorrow, today()), act(NOW_MS)).unwrap().unwrap_err();
    assert_eq!(refused.guard, Guard::Fields);
    assert_eq!(fixture.store.management_reviews().unwrap(), []);
    assert_eq!(fixture.store.add_decision("MRV-0001", ToDecide::default(), act(NOW_MS)).unwrap(), None);
}
