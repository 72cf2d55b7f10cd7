//! Emergency access in a real database: who has the role, for how long, and what stands in the trail.

use super::*;
use crate::emergency::{Emergency, Wanted};
use crate::model::governed::{Act, Actor, TrailFilter};
use crate::model::{By, Grant, GrantChange, Grants, PersonDetails, Role, UserRow};
use crate::review::{Guard, Who};
use crate::store::Governance;
use crate::store::emergency::Emergencies;
use crate::store::people::People;

const HOUR_MS: i64 = 3_600_000;
const WHY: &str = "Both reviewers are ill, and a tool leaks";

impl Fixture {
    fn person(&self, name: &str, roles: &[Role]) -> i64 {
        let details =
            PersonDetails { display_name: name.to_owned(), active: true, ..PersonDetails::default() };
        let id = self.store.add_person(name, &details, false, &by()).unwrap().unwrap().id;
        for role in roles {
            let grant = GrantChange::Grant(Grant { role: *role, unit: None });
            self.store.change_grants(id, grant, &by()).unwrap().unwrap();
        }
        id
    }

    fn takes(&self, person: i64, role: Role, at_ms: i64) -> Result<Emergency, Guard> {
        let user = self.user(person);
        let who = Who { person, grants: user.signed_in(at_ms).grants, ..Who::default() };
        let act = Act::by(Actor::Person(person), at_ms).because(WHY);
        let wanted = Wanted { role: Some(role), hours: 2 };
        let taken = self.store.take_emergency(wanted, who, act).unwrap();
        taken.map(|held| held.body).map_err(|refused| refused.guard)
    }

    fn user(&self, person: i64) -> UserRow {
        let name = self.store.person(person).unwrap().unwrap().name;
        self.store.credentials(&name).unwrap().unwrap().0
    }

    fn holds(&self, person: i64, role: Role, at_ms: i64) -> bool {
        self.user(person).signed_in(at_ms).grants.hold(role, &[])
    }
}

fn by() -> By {
    By { person: None, name: "the tests".into(), reason: String::new(), at_ms: NOW_MS }
}

#[test]
fn the_role_is_held_while_it_lasts_and_no_longer() {
    let fixture = fleet();
    let ada = fixture.person("ada", &[Role::Administrator]);
    assert!(!fixture.holds(ada, Role::Reviewer, NOW_MS));
    let taken = fixture.takes(ada, Role::Reviewer, NOW_MS).unwrap();
    assert_eq!((taken.id.as_str(), taken.reason.as_str()), ("EMA-000001", WHY));
    assert!(fixture.holds(ada, Role::Reviewer, NOW_MS + 2 * HOUR_MS - 1));
    assert!(!fixture.holds(ada, Role::Reviewer, NOW_MS + 2 * HOUR_MS));
    assert_eq!(fixture.user(ada).grants, Grants(vec![Grant { role: Role::Administrator, unit: None }]));

    let who = Who { person: ada, ..Who::default() };
    let act = Act::by(Actor::Person(ada), NOW_MS + HOUR_MS);
    fixture.store.end_emergency(&taken.id, who, act).unwrap().unwrap().unwrap();
    assert!(!fixture.holds(ada, Role::Reviewer, NOW_MS + HOUR_MS));
    let filter = TrailFilter { kind: Some("emergency".into()), ..TrailFilter::default() };
    let rows = fixture.store.trail(&filter, PageRequest::default()).unwrap().rows;
    let mut told: Vec<_> = rows
        .iter()
        .map(|row| (row.seq, row.action.as_str(), row.role.as_str(), row.outcome.as_str()))
        .collect();
    told.sort_unstable();
    let told: Vec<_> = told.into_iter().map(|(_, action, role, outcome)| (action, role, outcome)).collect();
    assert_eq!(
        told,
        [("emergency.take", "administrator", "done"), ("emergency.end", "administrator", "done")]
    );
}

#[test]
fn who_administers_no_more_has_it_no_more() {
    let fixture = fleet();
    let ada = fixture.person("ada", &[Role::Administrator]);
    fixture.person("bob", &[Role::Administrator]);
    fixture.takes(ada, Role::Analyst, NOW_MS).unwrap();
    assert!(fixture.holds(ada, Role::Analyst, NOW_MS + 1));
    let revoke = GrantChange::Revoke(Grant { role: Role::Administrator, unit: None });
    fixture.store.change_grants(ada, revoke, &by()).unwrap().unwrap();
    assert!(!fixture.holds(ada, Role::Analyst, NOW_MS + 1));
}

#[test]
fn what_is_refused_stands_in_the_trail() {
    let fixture = fleet();
    let (ada, eve) = (fixture.person("ada", &[Role::Administrator]), fixture.person("eve", &[Role::Analyst]));
    assert_eq!(fixture.takes(eve, Role::Reviewer, NOW_MS), Err(Guard::Role));
    fixture.store.set_totp_roles(&[Role::Reviewer], &by()).unwrap();
    assert_eq!(fixture.takes(ada, Role::Reviewer, NOW_MS), Err(Guard::Role), "it takes a second factor");
    assert!(fixture.takes(ada, Role::Analyst, NOW_MS).is_ok());
    assert_eq!(fixture.takes(ada, Role::ScopeOwner, NOW_MS), Err(Guard::State));
    let filter =
        TrailFilter { kind: Some("emergency".into()), refused: Some(true), ..TrailFilter::default() };
    assert_eq!(fixture.store.trail(&filter, PageRequest::default()).unwrap().total, 3);
    assert!(!fixture.holds(eve, Role::Reviewer, NOW_MS));
}

#[test]
fn whom_it_is_reported_to_has_seen_it_once_they_say_so() {
    let fixture = fleet();
    let ada = fixture.person("ada", &[Role::Administrator]);
    let wim = fixture.person("wim", &[Role::WorksCouncil]);
    let unseen = |since_ms| fixture.store.unseen_emergencies(wim, since_ms).unwrap();
    assert_eq!(unseen(0), 0);
    fixture.takes(ada, Role::Analyst, NOW_MS).unwrap();
    assert_eq!((unseen(NOW_MS), unseen(NOW_MS + 1)), (1, 0), "for as long as it is reported");
    fixture.store.see_emergencies(wim, NOW_MS + 5).unwrap();
    fixture.store.see_emergencies(wim, NOW_MS + 9).unwrap();
    assert_eq!(unseen(NOW_MS), 0);
    let found = fixture.store.emergencies(PageRequest::default()).unwrap();
    assert_eq!((found.total, &found.rows[0].1), (1, &vec![(wim, NOW_MS + 5)]));
}
