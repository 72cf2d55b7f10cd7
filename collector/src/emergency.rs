//! Emergency access: an administrator of the whole organisation takes a role of the business for some hours, with a reason and without a
//! second person, for nobody who holds the role can be reached. It is the one exception from "nobody grants a role to themselves", so it
//! ends by itself, is bounded by the week, and is told to every privacy officer and works council. What takes two people still takes two.

use serde::{Deserialize, Serialize};

use crate::model::Role;
use crate::model::governed::Governed;
use crate::people::administers;
use crate::review::{Guard, JUSTIFICATION_CHARS, Refused, Who};

/// Roles that can be taken. Those that watch over people and those that read only are not among them.
pub const ROLES: [Role; 4] = [Role::ItDeployer, Role::Analyst, Role::Reviewer, Role::ScopeOwner];
/// Hours of one emergency, at the most.
pub const MOST_HOURS: u32 = 8;
/// Hours of one person within seven days, at the most.
pub const WEEK_HOURS: u32 = 24;
/// For how long an emergency is shown to whom it is reported and who has not said to have seen it, in milliseconds: thirty days.
pub const REPORTED_MS: i64 = 30 * 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// Seven days, in milliseconds.
pub const WEEK_MS: i64 = 7 * 86_400_000;

/// One emergency of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    /// Its reference, `EMA-000001`.
    pub id: String,
    /// Number of the person.
    pub person: i64,
    /// The role that was taken.
    pub role: Role,
    /// Why.
    pub reason: String,
    /// From when on, Unix milliseconds.
    pub from_ms: i64,
    /// Until when, Unix milliseconds, where nobody ends it before.
    pub until_ms: i64,
    /// Who ended it before its time, by number, and when, Unix milliseconds.
    pub ended: Option<(i64, i64)>,
}

impl Governed for Emergency {
    const KIND: &'static str = "emergency";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// The reference of an emergency.
pub fn reference(number: i64) -> String {
    format!("EMA-{number:06}")
}

impl Emergency {
    /// When it ends or ended, Unix milliseconds.
    pub fn end_ms(&self) -> i64 {
        self.ended.map_or(self.until_ms, |(_, at_ms)| at_ms.min(self.until_ms))
    }

    /// Whether it lasts.
    pub fn is_on(&self, now_ms: i64) -> bool {
        (self.from_ms..self.end_ms()).contains(&now_ms)
    }
}

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The role; `None`: one that cannot be taken so, or none.
    pub role: Option<Role>,
    /// For how many hours.
    pub hours: u32,
}

/// Takes a role, or says which guard refuses it. `before`: emergencies of this person that lasted within the last seven days.
/// `lacks_second_factor`: the role takes a second factor, and the person has none.
pub fn take(
    wanted: Wanted,
    before: &[Emergency],
    lacks_second_factor: bool,
    who: &Who,
    reason: &str,
    now_ms: i64,
) -> Result<Emergency, Refused> {
    if !administers(&who.grants) {
        return Err(Refused::new(
            Guard::Role,
            "emergency access is for administrators of the whole organisation",
        ));
    }
    if who.by_link {
        return Err(Refused::new(
            Guard::FourEyes,
            "this session began with a link that somebody else made: sign in with your own password first",
        ));
    }
    let role = wanted.role.filter(|role| ROLES.contains(role));
    let (Some(role), true) = (role, (1..=MOST_HOURS).contains(&wanted.hours)) else {
        let missing = [("role", role.is_none()), ("hours", !(1..=MOST_HOURS).contains(&wanted.hours))];
        let missing = missing.into_iter().filter(|(_, wrong)| *wrong).map(|(name, _)| name.to_owned());
        let roles = ROLES.map(Role::as_str).join(", ");
        return Err(Refused {
            guard: Guard::Fields,
            missing: missing.collect(),
            says: format!("one of the roles {roles} and 1 to {MOST_HOURS} hours are needed"),
        });
    };
    let reason = reason.trim();
    if reason.chars().count() < JUSTIFICATION_CHARS {
        return Err(Refused::new(
            Guard::Justify,
            format!(
                "say what happened and who could not be reached, in at least {JUSTIFICATION_CHARS} characters"
            ),
        ));
    }
    if before.iter().any(|one| one.is_on(now_ms)) {
        return Err(Refused::new(Guard::State, "you have emergency access already: end it first"));
    }
    if who.grants.hold(role, &[]) {
        return Err(Refused::new(Guard::State, format!("you hold the role {} as it is", role.as_str())));
    }
    if lacks_second_factor {
        return Err(Refused::new(
            Guard::Role,
            format!("the role {} takes a second factor: set one up first", role.as_str()),
        ));
    }
    let wanted_ms = i64::from(wanted.hours) * HOUR_MS;
    let since = now_ms - WEEK_MS;
    let used_ms: i64 = before.iter().map(|one| (one.end_ms() - one.from_ms.max(since)).max(0)).sum();
    if used_ms + wanted_ms > i64::from(WEEK_HOURS) * HOUR_MS {
        return Err(Refused::new(
            Guard::Expiry,
            format!(
                "that is more than {WEEK_HOURS} hours within seven days: another administrator can grant the role"
            ),
        ));
    }
    Ok(Emergency {
        id: String::new(),
        person: who.person,
        role,
        reason: reason.to_owned(),
        from_ms: now_ms,
        until_ms: now_ms + wanted_ms,
        ended: None,
    })
}

/// Ends an emergency before its time, or says which guard refuses it: whose it is does, and every administrator.
pub fn end(emergency: &Emergency, who: &Who, now_ms: i64) -> Result<Emergency, Refused> {
    if emergency.person != who.person && !administers(&who.grants) {
        return Err(Refused::new(
            Guard::Role,
            "emergency access is ended by whose it is, or by an administrator",
        ));
    }
    if !emergency.is_on(now_ms) {
        return Err(Refused::new(Guard::State, "it is over"));
    }
    Ok(Emergency { ended: Some((who.person, now_ms)), ..emergency.clone() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Grant, Grants};

    const NOW: i64 = 1_800_000_000_000;
    const WHY: &str = "Both reviewers are ill, and a tool leaks";

    fn administrator(more: &[Role]) -> Who {
        let roles = [Role::Administrator].iter().chain(more);
        let grants = roles.map(|role| Grant { role: *role, unit: None }).collect();
        Who { person: 7, grants: Grants(grants), ..Who::default() }
    }

    fn wanted(role: Role, hours: u32) -> Wanted {
        Wanted { role: Some(role), hours }
    }

    fn guard(taken: Result<Emergency, Refused>) -> Option<Guard> {
        taken.err().map(|refused| refused.guard)
    }

    #[test]
    fn an_administrator_takes_a_role_for_some_hours_and_it_ends_by_itself() {
        let taken = take(wanted(Role::Reviewer, 4), &[], false, &administrator(&[]), WHY, NOW).unwrap();
        assert_eq!((taken.person, taken.role, taken.until_ms), (7, Role::Reviewer, NOW + 4 * HOUR_MS));
        assert!(taken.is_on(NOW) && taken.is_on(NOW + 4 * HOUR_MS - 1) && !taken.is_on(NOW + 4 * HOUR_MS));
        let ended = end(&taken, &administrator(&[]), NOW + HOUR_MS).unwrap();
        assert!(!ended.is_on(NOW + HOUR_MS) && ended.is_on(NOW + HOUR_MS - 1));
        assert_eq!(end(&ended, &administrator(&[]), NOW + HOUR_MS).unwrap_err().guard, Guard::State);
    }

    #[test]
    fn each_guard_refuses_what_it_is_there_for() {
        let me = administrator(&[]);
        let of_unit =
            Who { grants: Grants(vec![Grant { role: Role::Administrator, unit: Some(1) }]), ..me.clone() };
        for other in [Who::default(), of_unit] {
            assert_eq!(
                guard(take(wanted(Role::Reviewer, 1), &[], false, &other, WHY, NOW)),
                Some(Guard::Role)
            );
        }
        let let_in = Who { by_link: true, ..me.clone() };
        assert_eq!(
            guard(take(wanted(Role::Reviewer, 1), &[], false, &let_in, WHY, NOW)),
            Some(Guard::FourEyes)
        );
        for role in Role::ALL.into_iter().filter(|role| !ROLES.contains(role)) {
            let refused = take(wanted(role, 1), &[], false, &me, WHY, NOW).unwrap_err();
            assert_eq!(
                (refused.guard, refused.missing),
                (Guard::Fields, vec!["role".to_owned()]),
                "{role:?}"
            );
        }
        for hours in [0, MOST_HOURS + 1] {
            let refused = take(wanted(Role::Analyst, hours), &[], false, &me, WHY, NOW).unwrap_err();
            assert_eq!((refused.guard, refused.missing), (Guard::Fields, vec!["hours".to_owned()]));
        }
        assert_eq!(
            guard(take(wanted(Role::Analyst, 1), &[], false, &me, " why? ", NOW)),
            Some(Guard::Justify)
        );
        assert_eq!(guard(take(wanted(Role::Analyst, 1), &[], true, &me, WHY, NOW)), Some(Guard::Role));
        let analyst = administrator(&[Role::Analyst]);
        assert_eq!(guard(take(wanted(Role::Analyst, 1), &[], false, &analyst, WHY, NOW)), Some(Guard::State));
        let on = take(wanted(Role::Analyst, 1), &[], false, &me, WHY, NOW).unwrap();
        let again = take(wanted(Role::Reviewer, 1), std::slice::from_ref(&on), false, &me, WHY, NOW + 1);
        assert_eq!(guard(again), Some(Guard::State));
        let stranger = Who { person: 8, ..Who::default() };
        assert_eq!(end(&on, &stranger, NOW).unwrap_err().guard, Guard::Role);
        assert!(end(&on, &Who { person: 8, ..me }, NOW).is_ok());
    }

    proptest! {
        /// However somebody takes and ends it: within any seven days they have it for no more hours than are allowed.
        #[test]
        fn no_sequence_makes_it_last(steps in prop::collection::vec((1_u32..=MOST_HOURS, 0_i64..30, any::<bool>()), 1..60)) {
            let me = administrator(&[]);
            let (mut all, mut now) = (Vec::<Emergency>::new(), NOW);
            for (hours, wait, ends) in steps {
                let recent: Vec<_> = all.iter().filter(|one| one.end_ms() > now - WEEK_MS).cloned().collect();
                if let Ok(taken) = take(wanted(Role::Reviewer, hours), &recent, false, &me, WHY, now) {
                    all.push(taken);
                }
                now += wait * HOUR_MS;
                if let Some(last) = all.last_mut().filter(|_| ends)
                    && let Ok(ended) = end(last, &me, now)
                {
                    *last = ended;
                }
            }
            for at in all.iter().map(Emergency::end_ms) {
                let within: i64 = all
                    .iter()
                    .map(|one| (one.end_ms().min(at) - one.from_ms.max(at - WEEK_MS)).max(0))
                    .sum();
                prop_assert!(within <= i64::from(WEEK_HOURS) * HOUR_MS, "{within}");
            }
            for pair in all.windows(2) {
                prop_assert!(pair[0].end_ms() <= pair[1].from_ms);
            }
        }
    }
}
