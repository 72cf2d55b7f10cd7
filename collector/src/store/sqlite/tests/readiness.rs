//! What there is to show, from a real database.

use super::*;
use crate::model::governed::{Act, Actor};
use crate::model::record::Tri;
use crate::readiness::{Answer, Applicability, Facts, Feed, INDICATORS, List, Standing, assess};
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
