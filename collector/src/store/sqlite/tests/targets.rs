//! What indicators are to come to, in a real database.

use super::governance::with_people;
use super::*;
use crate::model::governed::{Act, Actor, TrailFilter};
use crate::readiness::{Facts, Feed, Target, Verdict, indicators};
use crate::review::Guard;
use crate::store::readiness::Readying;
use crate::store::{Governance, Targets};

fn act(at_ms: i64) -> Act {
    Act::by(Actor::Person(1), at_ms).because("agreed with the board")
}

fn target(value: Option<u32>, owner: Option<i64>) -> Target {
    Target { id: "K-04".into(), value, owner, reason: "agreed with the board".into() }
}

#[test]
fn a_target_is_kept_with_its_trail_and_told_as_of_a_past_day() {
    let (fixture, analyst, _) = with_people();
    let store = &fixture.store;
    let held = store.set_target(target(Some(95), Some(analyst)), act(NOW_MS)).unwrap().unwrap();
    assert_eq!((held.version, held.body.owner), (1, Some(analyst)));
    let later = NOW_MS + 40 * 86_400_000;
    store.set_target(target(Some(99), None), act(later).on(1)).unwrap().unwrap();
    let refused = store.set_target(target(Some(50), None), act(later).on(1)).unwrap().unwrap_err();
    assert_eq!(refused.guard, Guard::Version);
    assert_eq!(store.targets().unwrap()[0].body.value, Some(99));
    let then = store.targets_as_of(NOW_MS + 1).unwrap();
    assert_eq!(then, [target(Some(95), Some(analyst))]);
    assert_eq!(store.targets_as_of(NOW_MS).unwrap(), [], "before it was set");
    store.set_target(target(None, None), act(later + 1)).unwrap().unwrap();
    let held = store.targets().unwrap().remove(0);
    assert_eq!((held.version, held.body.value), (3, None), "taken back, and still there");
    let filter = TrailFilter { kind: Some("target".into()), ..TrailFilter::default() };
    let entries = store.trail(&filter, PageRequest { offset: 0, limit: 10 }).unwrap().rows;
    let told: Vec<_> = entries.iter().map(|row| (row.action.as_str(), row.outcome.as_str())).collect();
    assert_eq!(
        told,
        [
            ("target.set", "done"),
            ("target.set", "refused:G-VERSION"),
            ("target.set", "done"),
            ("target.set", "done")
        ]
    );
}

#[test]
fn a_target_of_nobody_and_one_out_of_bounds_change_nothing() {
    let (fixture, ..) = with_people();
    for (wrong, guard) in [
        (target(Some(95), Some(9_999)), Guard::OwnerActive),
        (target(Some(101), None), Guard::Fields),
        (Target { id: "K-77".into(), ..target(Some(1), None) }, Guard::Fields),
        (Target { reason: String::new(), ..target(Some(1), None) }, Guard::Fields),
    ] {
        let refused = fixture.store.set_target(wrong.clone(), act(NOW_MS)).unwrap().unwrap_err();
        assert_eq!(refused.guard, guard, "{wrong:?}");
    }
    assert_eq!(fixture.store.targets().unwrap(), []);
}

#[test]
fn a_figure_is_held_against_its_target_and_readiness_shows_that_there_is_one() {
    let (fixture, ..) = with_people();
    let gathered = || fixture.store.gathered(NOW_MS).unwrap();
    let (before, none) = (gathered(), |facts: &Facts<'_>| Feed::Targets.look(facts).n);
    assert_eq!(none(&before.facts(today())), 0);
    let ten = Target { id: "K-10".into(), value: Some(0), ..target(None, None) };
    fixture.store.set_target(ten.clone(), act(NOW_MS)).unwrap().unwrap();
    let after = gathered();
    let facts = after.facts(today());
    assert!(Feed::Targets.look(&facts).is_whole());
    let measured = indicators(&facts);
    let verdict = |id: &str| {
        let one = measured.iter().find(|one| one.indicator.id == id).unwrap();
        one.against(Some(&ten).filter(|ten| ten.id == id))
    };
    assert_eq!((verdict("K-10"), verdict("K-04")), (Verdict::Met, Verdict::NoTarget));
}
