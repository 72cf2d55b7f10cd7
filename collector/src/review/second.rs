//! Who counts as the second person where two are needed. Whoever holds a sign-in link is taken for the person that it names, so that who
//! made it could be both: what comes of such a link is not enough for that.

use umbrascope_api::Day;

use super::{Guard, Refused, Who};

/// For how long somebody who was let in by a link that another person made is nobody's second person, in milliseconds: a day, in which
/// whose password was replaced notices.
pub const LET_IN_MS: i64 = 86_400_000;
/// For how long after a link was used its maker is not the second person of what was asked for in that name, in milliseconds: as long
/// as a session that began with it may last.
pub const LINK_OF_MS: i64 = 7 * 86_400_000;

impl Who {
    /// Refuses who was let in by somebody else and may be that one.
    pub fn stands_alone(&self, now_ms: i64) -> Result<(), Refused> {
        if self.by_link {
            return Err(Refused::new(
                Guard::FourEyes,
                "you came in by a sign-in link that somebody else made, which does not make you a second person: sign in with your \
                 own password, or ask another person",
            ));
        }
        match self.let_in.last_ms.map(|last_ms| last_ms + LET_IN_MS) {
            Some(until_ms) if now_ms < until_ms => Err(Refused::new(
                Guard::FourEyes,
                format!(
                    "a sign-in link that somebody else made was used in your name: until {} that keeps you from being a second person. \
                     Wait, or ask another person",
                    minute(until_ms)
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Refuses who is not another person than the one who took the first step at this time, as far as that can be known. That it is not
    /// the same number is told apart before.
    pub fn second_to(&self, first: i64, at_ms: i64, now_ms: i64) -> Result<(), Refused> {
        self.stands_alone(now_ms)?;
        let let_in = |(person, used_ms): &(i64, i64)| {
            *person == first && (*used_ms..=*used_ms + LINK_OF_MS).contains(&at_ms)
        };
        if self.let_in.others.iter().any(let_in) {
            return Err(Refused::new(
                Guard::FourEyes,
                "whoever took the first step had come in by a sign-in link that you made: a third person has to take the second",
            ));
        }
        Ok(())
    }
}

/// The first whole minute that is not before a time, in UTC.
fn minute(ms: i64) -> String {
    let minutes = ms.div_euclid(60_000) + i64::from(ms.rem_euclid(60_000) != 0);
    let of_day = minutes.rem_euclid(24 * 60);
    format!("{} {:02}:{:02} UTC", Day::from_unix_ms(minutes * 60_000), of_day / 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::LetIn;

    const NOW_MS: i64 = 1_795_269_802_000;

    fn who(by_link: bool, last_ms: Option<i64>, others: &[(i64, i64)]) -> Who {
        Who { person: 1, let_in: LetIn { last_ms, others: others.to_vec() }, by_link, ..Who::default() }
    }

    #[test]
    fn who_came_by_somebody_elses_link_is_no_second_person_for_a_day() {
        let refused = who(true, None, &[]).stands_alone(NOW_MS).unwrap_err();
        assert_eq!(refused.guard, Guard::FourEyes);
        assert!(refused.says.contains("sign in with your own password"), "{refused}");
        let let_in = who(false, Some(NOW_MS), &[]);
        let refused = let_in.stands_alone(NOW_MS + LET_IN_MS - 1).unwrap_err();
        assert!(refused.says.contains("until 2026-11-22 14:04 UTC"), "{refused}");
        assert!(let_in.stands_alone(NOW_MS + LET_IN_MS).is_ok());
        assert!(who(false, None, &[]).second_to(2, NOW_MS, NOW_MS).is_ok());
    }

    #[test]
    fn who_made_the_link_is_no_second_person_of_what_was_asked_for_with_it() {
        let maker = who(false, None, &[(2, NOW_MS), (3, NOW_MS - LINK_OF_MS - 1)]);
        let asked =
            |first, at_ms| maker.second_to(first, at_ms, at_ms + 365 * 86_400_000).map_err(|no| no.guard);
        assert_eq!(asked(2, NOW_MS), Err(Guard::FourEyes));
        assert_eq!(asked(2, NOW_MS + LINK_OF_MS), Err(Guard::FourEyes));
        assert_eq!(asked(2, NOW_MS - 1), Ok(()), "before the link was used");
        assert_eq!(asked(2, NOW_MS + LINK_OF_MS + 1), Ok(()), "no session of it lasts as long");
        assert_eq!(asked(3, NOW_MS), Ok(()));
        assert_eq!(asked(4, NOW_MS), Ok(()), "somebody else");
    }

    proptest! {
        /// Whatever links there were: nobody who stands refused alone is second to anybody, and time only lifts what refuses alone.
        #[test]
        fn time_lifts_the_cool_down_and_nothing_else_does(
            by_link: bool,
            last in prop::option::of(0_i64..3 * LET_IN_MS),
            others in prop::collection::vec((0_i64..4, 0_i64..3 * LET_IN_MS), 0..4),
            first in 0_i64..4,
            at in 0_i64..3 * LET_IN_MS,
            later in 0_i64..3 * LET_IN_MS,
        ) {
            let who = who(by_link, last, &others);
            if who.stands_alone(at).is_err() {
                prop_assert!(who.second_to(first, at, at).is_err());
            } else {
                prop_assert!(who.stands_alone(at + later).is_ok());
            }
            prop_assert_eq!(who.stands_alone(at + 4 * LET_IN_MS).is_err(), by_link);
        }
    }
}
