//! What there is to show, from a real database.

use super::governance::{sanctioned, with_people};
use super::*;
use crate::model::governed::{Act, Actor};
use crate::model::policy::Limits;
use crate::model::record::Tri;
use crate::model::{Grant, Grants, Role};
use crate::readiness::{
    Answer, Applicability, Facts, Feed, INDICATORS, KeptValue, List, Measured, Standing, assess,
};
use crate::review::{Move, Who};
use crate::store::Governance;
use crate::store::readiness::Readying;

fn act() -> Act {
    Act::by(Actor::Person(1), NOW_MS).because("as it is")
}

#[test]
fn an_inventory_shows_what_it_has_and_no_more() {
    let fixture = fleet();
    fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, 1)]), NOW_MS);
    let gathered = fixture.store.gathered(NOW_MS).unwrap();
    assert_eq!((gathered.systems.len(), gathered.first_decided_ms.len()), (1, 1));
    let facts: Facts<'_> = gathered.facts(today());
    assert_eq!(Feed::SystemsReviewed.look(&facts).n, 0, "nobody looked yet");
    assert_eq!(Feed::SystemsObserved.look(&facts).n, 1);
    assert_eq!(facts.endpoints.1, None, "nobody said how many endpoints there are");
    let assessed = assess(List::built_in(), &facts);
    assert!(assessed.iter().any(|one| one.standing == Standing::Gap));
}

#[test]
fn a_month_is_kept_once_and_stays_as_it_was() {
    let fixture = fleet();
    assert!(fixture.store.keep_indicators(NOW_MS).unwrap());
    assert!(!fixture.store.keep_indicators(NOW_MS + 1_000).unwrap());
    assert!(fixture.store.keep_indicators(NOW_MS + 31 * 86_400_000).unwrap());
    let kept = fixture.store.kept_indicators().unwrap();
    assert_eq!(kept.len(), 2);
    assert!(kept[0].body.month > kept[1].body.month);
    assert_eq!(kept[0].body.values.len(), INDICATORS.len());
}

#[test]
fn a_kept_month_is_computed_again_from_the_trail_after_everything_changed() {
    let (fixture, analyst, reviewer) = with_people();
    let id = sanctioned(&fixture, analyst, reviewer);
    assert!(fixture.store.keep_indicators(NOW_MS).unwrap());
    let kept = fixture.store.kept_indicators().unwrap().remove(0);
    let again = || fixture.store.gathered_as_of(kept.at_ms + 1).unwrap().indicators(kept.body.day);
    let same = |again: Vec<Measured>| {
        assert_eq!(again.len(), INDICATORS.iter().filter(|one| one.from_records).count());
        for one in again {
            let was = kept.body.values.iter().find(|value| value.id == one.indicator.id).unwrap();
            assert_eq!((one.n, one.of), (was.n, was.of), "{}", was.id);
        }
    };
    same(again());
    let reviewed = |values: &[KeptValue]| values.iter().find(|value| value.id == "K-04").unwrap().n;
    assert_eq!(reviewed(&kept.body.values), 1, "the record was decided");

    // A month later: taken back, somebody is gone, another limit.
    let later = NOW_MS + 31 * 86_400_000;
    let who = Who {
        person: reviewer,
        grants: Grants(vec![Grant { role: Role::Reviewer, unit: None }]),
        ..Who::default()
    };
    let late = |person| Act::by(Actor::Person(person), later).because("it was wrong");
    fixture.store.move_system(&id, Move::Revoke, who, late(reviewer)).unwrap().unwrap().unwrap();
    let limits = Limits { review_days: 30, ..Limits::default() };
    fixture.store.set_limits(limits, late(1)).unwrap();
    fixture.store.attend(later).unwrap();
    assert_ne!(
        fixture.store.gathered(later).unwrap().systems,
        fixture.store.gathered_as_of(kept.at_ms + 1).unwrap().gathered.systems
    );
    same(again());
    assert_eq!(fixture.store.gathered_as_of(1).unwrap().gathered.systems, [], "before the first entry");
}

#[test]
fn answers_and_controls_are_kept_with_their_trail() {
    let fixture = fleet();
    let answer = Answer { id: "R-4.3-b".into(), owner: Some(7), ..Answer::default() };
    fixture.store.set_answer(answer.clone(), act()).unwrap();
    fixture.store.set_answer(Answer { note: Some("signed yearly".into()), ..answer }, act()).unwrap();
    let held = &fixture.store.answers().unwrap()[0];
    assert_eq!((held.version, held.body.owner), (2, Some(7)));
    let control = Applicability { id: "A.9.4".into(), applies: Tri::Yes, reason: "AI is used".into() };
    fixture.store.set_applicability(control, act()).unwrap();
    assert_eq!(fixture.store.gathered(NOW_MS).unwrap().controls_judged, 1);
}
