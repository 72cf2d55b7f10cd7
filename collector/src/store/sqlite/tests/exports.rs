//! Whole records of now and of past moments.

use proptest::prelude::*;

use super::*;
use crate::model::Sight;
use crate::model::dated::Dated;
use crate::model::governed::{Act, Actor};
use crate::model::record::AiSystem;
use crate::model::{Grant, Grants, Role as Part};
use crate::review::{Move, Who};
use crate::store::{Exports, Governance};

const STEP_MS: i64 = 1_000;

fn who() -> Who {
    Who { person: 1, grants: Grants(vec![Grant { role: Part::Analyst, unit: None }]), ..Who::default() }
}

fn act(at_ms: i64) -> Act {
    Act::by(Actor::Person(1), at_ms).because("because")
}

/// Edits three records in some order, a step of time each; what stood after each step.
fn history(edits: &[(usize, u8)]) -> (Fixture, Vec<Vec<Dated<AiSystem>>>) {
    let fixture = Fixture::new();
    let add = |name: &str| {
        let system = AiSystem { name: name.into(), ..AiSystem::default() };
        fixture.store.add_system(system, &who(), act(NOW_MS)).unwrap().unwrap().body.id
    };
    let ids = ["a", "b", "c"].map(add);
    let mut states = vec![fixture.store.whole_systems(&Sight::All).unwrap()];
    for (step, (record, text)) in edits.iter().enumerate() {
        let at_ms = NOW_MS + (i64::try_from(step).unwrap() + 1) * STEP_MS;
        let purpose = Move::Edit(vec![("purpose".into(), format!("purpose {text}").into())]);
        fixture.store.move_system(&ids[*record], purpose, who(), act(at_ms)).unwrap().unwrap().unwrap();
        states.push(fixture.store.whole_systems(&Sight::All).unwrap());
    }
    (fixture, states)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_trail_tells_every_past_state_whole(edits in prop::collection::vec((0_usize..3, 0_u8..3), 0..6)) {
        let (fixture, states) = history(&edits);
        for (step, state) in states.iter().enumerate() {
            let before_ms = NOW_MS + i64::try_from(step).unwrap() * STEP_MS + 1;
            prop_assert_eq!(&fixture.store.whole_systems_as_of(before_ms, &Sight::All).unwrap(), state);
        }
        prop_assert_eq!(&fixture.store.whole_systems_as_of(i64::MAX, &Sight::All).unwrap(), states.last().unwrap());
        prop_assert!(fixture.store.whole_systems_as_of(NOW_MS, &Sight::All).unwrap().is_empty());
    }
}

#[test]
fn a_record_of_which_part_was_erased_is_there_and_untold() {
    let (fixture, states) = history(&[(1, 7)]);
    let named = |state: &[Dated<AiSystem>], name: &str| {
        state
            .iter()
            .find(|dated| dated.body.as_ref().is_some_and(|record| record.name == name))
            .unwrap()
            .clone()
    };
    let erased = named(&states[1], "b");
    let connection = Connection::open(&fixture.path).unwrap();
    connection.execute("DELETE FROM trail_payload WHERE seq = $1", [erased.seq]).unwrap();
    let past = fixture.store.whole_systems_as_of(i64::MAX, &Sight::All).unwrap();
    let untold: Vec<_> = past.iter().filter(|dated| dated.body.is_none()).collect();
    assert_eq!(past.len(), 3);
    assert_eq!(untold, [&Dated { body: None, version: 2, ..erased }]);
}

#[test]
fn the_end_of_the_trail_is_that_of_the_moment() {
    let (fixture, states) = history(&[(0, 1), (2, 1)]);
    assert_eq!(fixture.store.trail_end(NOW_MS).unwrap(), None);
    let (seq, leaf) = fixture.store.trail_end(NOW_MS + STEP_MS + 1).unwrap().unwrap();
    assert_eq!((Some(seq), leaf.len()), (states[1].iter().map(|dated| dated.seq).max(), 64));
    assert!(fixture.store.trail_end(i64::MAX).unwrap().unwrap().0 > seq);
}
