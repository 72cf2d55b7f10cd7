//! How long records are kept. One person asks for other times, another one in the role of privacy officer approves; keeping something for
//! ever takes a recorded reason. What is over is really deleted, and the deletion is told of in the trail.

use serde::{Deserialize, Serialize};

use crate::model::Role;
use crate::model::governed::Governed;
use crate::review::{Guard, JUSTIFICATION_CHARS, Refused, Who};

/// Fewest and most that [`Times::least_count`] may be: below, a number tells of somebody; above, no number tells of anything.
pub const LEAST_COUNTS: std::ops::RangeInclusive<u32> = 3..=100;

/// Fewest days for which it is kept who read about a machine or a person.
pub const LEAST_READING_DAYS: u32 = 180;
/// Fewest days for which reasons and fields of the trail are kept.
pub const LEAST_TRAIL_DAYS: u32 = 365;

/// Times for which things are kept, in days, 0: for ever; and how small a group is told of by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Times {
    /// Whose account something was, as a pseudonym; and what is no longer installed.
    pub pseudonym_days: u32,
    /// What was seen on a day of a machine.
    pub day_days: u32,
    /// Who read about a machine or a person.
    pub reading_days: u32,
    /// Reasons and fields in the audit trail, and monthly snapshots; the entries themselves stay, or nothing could be verified.
    pub trail_days: u32,
    /// A number of machines or accounts below this one is not told to who may not look at single machines.
    pub least_count: u32,
}

impl Default for Times {
    fn default() -> Self {
        Self { pseudonym_days: 90, day_days: 365, reading_days: 365, trail_days: 4 * 365 + 1, least_count: 5 }
    }
}

impl Times {
    /// What each of them is of, and its value.
    pub fn lines(&self) -> [(&'static str, u32); 4] {
        [
            ("Pseudonyms of accounts, and software no longer there", self.pseudonym_days),
            ("What was seen on a day of a machine", self.day_days),
            ("Who read about a machine or a person", self.reading_days),
            ("Reasons and fields in the audit trail, and monthly snapshots", self.trail_days),
        ]
    }

    fn is_unlimited(&self) -> bool {
        self.lines().iter().any(|(_, days)| *days == 0)
    }
}

/// The times in force, and those that somebody asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// In force.
    pub times: Times,
    /// Why something is kept for ever, where it is.
    pub reason: Option<String>,
    /// Asked for.
    pub asked: Option<Asked>,
}

/// Times that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Number of the person.
    pub by: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Which.
    pub times: Times,
    /// Why.
    pub reason: String,
}

impl Governed for Retention {
    const KIND: &'static str = "retention";

    fn id(&self) -> String {
        "retention".to_owned()
    }
}

/// A step on the way to other times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Asks for them.
    Ask(Times),
    /// Puts what was asked for into force.
    Approve,
    /// Leaves it as it is.
    Decline,
}

impl Step {
    /// What stands in the trail.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Ask(_) => "retention.ask",
            Self::Approve => "retention.approve",
            Self::Decline => "retention.decline",
        }
    }
}

/// Takes a step, or says which guard refuses it; and the role that permitted it.
pub fn take(
    retention: &Retention,
    step: &Step,
    who: &Who,
    reason: &str,
    now_ms: i64,
) -> Result<(Retention, Role), Refused> {
    let reason = reason.trim();
    match step {
        Step::Ask(times) => {
            let role = held(who, &[Role::Administrator, Role::PrivacyOfficer])?;
            if times.day_days != 0 && times.pseudonym_days > times.day_days {
                return Err(Refused::new(
                    Guard::Fields,
                    "pseudonyms are not kept for longer than the days they belong to",
                ));
            }
            if !LEAST_COUNTS.contains(&times.least_count) {
                let (least, most) = (LEAST_COUNTS.start(), LEAST_COUNTS.end());
                return Err(Refused::new(
                    Guard::Fields,
                    format!("the smallest number that is told lies between {least} and {most}"),
                ));
            }
            for (what, days, least) in [
                ("readings", times.reading_days, LEAST_READING_DAYS),
                ("the trail", times.trail_days, LEAST_TRAIL_DAYS),
            ] {
                if days != 0 && days < least {
                    let says =
                        format!("{what}: at least {least} days are kept, or nobody can check what was done");
                    return Err(Refused::new(Guard::Fields, says));
                }
            }
            let least = if times.is_unlimited() { JUSTIFICATION_CHARS } else { 1 };
            if reason.chars().count() < least {
                return Err(Refused::new(
                    Guard::Reason,
                    format!(
                        "say why, in at least {least} characters: keeping something for ever has to be justified"
                    ),
                ));
            }
            let asked = Asked { by: who.person, at_ms: now_ms, times: *times, reason: reason.to_owned() };
            Ok((Retention { asked: Some(asked), ..retention.clone() }, role))
        }
        Step::Approve | Step::Decline => {
            let role = held(who, &[Role::PrivacyOfficer])?;
            let Some(asked) = &retention.asked else {
                return Err(Refused::new(Guard::State, "nobody asks for other times"));
            };
            if *step == Step::Decline {
                return Ok((Retention { asked: None, ..retention.clone() }, role));
            }
            if asked.by == who.person {
                return Err(Refused::new(
                    Guard::FourEyes,
                    "nobody approves an own request: another person has to",
                ));
            }
            who.second_to(asked.by, asked.at_ms, now_ms)?;
            let reason = asked.times.is_unlimited().then(|| asked.reason.clone());
            Ok((Retention { times: asked.times, reason, asked: None }, role))
        }
    }
}

fn held(who: &Who, roles: &[Role]) -> Result<Role, Refused> {
    roles.iter().copied().find(|role| who.grants.hold(*role, &[])).ok_or_else(|| {
        let named = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" or ");
        Refused::new(Guard::Role, format!("this takes the role {named} for the whole organisation"))
    })
}

/// What a sweep deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Swept {
    /// Rows of activity that lost their pseudonym.
    pub pseudonyms: u64,
    /// Rows of activity deleted.
    pub activity: u64,
    /// Software that was no longer there.
    pub items: u64,
    /// Days of machines and products in the roll-ups.
    pub days: u64,
    /// Sealed names of accounts that nothing was of any more.
    pub names: u64,
    /// Notes of who read.
    pub readings: u64,
    /// Payloads of the audit trail.
    pub payloads: u64,
    /// Contents of monthly snapshots.
    #[serde(default)]
    pub snapshots: u64,
}

impl Swept {
    /// What each of them is of, and how many.
    pub fn lines(&self) -> [(&'static str, u64); 8] {
        [
            ("rows that lost their pseudonym", self.pseudonyms),
            ("rows of what was seen", self.activity),
            ("pieces of software no longer there", self.items),
            ("days in the sums", self.days),
            ("sealed names of accounts", self.names),
            ("notes of who read", self.readings),
            ("reasons and fields in the trail", self.payloads),
            ("monthly snapshots", self.snapshots),
        ]
    }

    /// Whether nothing was over.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Grant, Grants};

    fn who(person: i64, role: Role) -> Who {
        Who { person, grants: Grants(vec![Grant { role, unit: None }]), ..Who::default() }
    }

    #[test]
    fn other_times_take_two_people_and_the_second_is_the_privacy_officer() {
        let (start, times) = (Retention::default(), Times { day_days: 180, ..Times::default() });
        let (admin, officer) = (who(1, Role::Administrator), who(2, Role::PrivacyOfficer));
        let (asked, _) = take(&start, &Step::Ask(times), &admin, "the works agreement", 7).unwrap();
        assert_eq!(asked.times, Times::default(), "asking changes nothing");
        assert_eq!(take(&asked, &Step::Approve, &admin, "", 8).unwrap_err().guard, Guard::Role);
        let (own, _) = take(&start, &Step::Ask(times), &officer, "the works agreement", 7).unwrap();
        assert_eq!(take(&own, &Step::Approve, &officer, "", 8).unwrap_err().guard, Guard::FourEyes);
        let (now, role) = take(&asked, &Step::Approve, &officer, "", 8).unwrap();
        assert_eq!((now.times, now.asked, role), (times, None, Role::PrivacyOfficer));
        assert_eq!(take(&start, &Step::Approve, &officer, "", 8).unwrap_err().guard, Guard::State);
        let analyst = who(3, Role::Analyst);
        assert_eq!(take(&start, &Step::Ask(times), &analyst, "x", 7).unwrap_err().guard, Guard::Role);
    }

    #[test]
    fn for_ever_takes_a_reason_that_is_kept() {
        let (start, times) = (Retention::default(), Times { trail_days: 0, ..Times::default() });
        let (admin, officer) = (who(1, Role::Administrator), who(2, Role::PrivacyOfficer));
        assert_eq!(take(&start, &Step::Ask(times), &admin, "because", 7).unwrap_err().guard, Guard::Reason);
        let why = "the register has to be kept for as long as the systems are in use";
        let (asked, _) = take(&start, &Step::Ask(times), &admin, why, 7).unwrap();
        let (now, _) = take(&asked, &Step::Approve, &officer, "", 8).unwrap();
        assert_eq!(now.reason.as_deref(), Some(why));
    }

    #[test]
    fn a_number_that_tells_of_somebody_is_refused() {
        for least_count in [0, 2, 101] {
            let times = Times { least_count, ..Times::default() };
            let refused =
                take(&Retention::default(), &Step::Ask(times), &who(1, Role::Administrator), "x", 7);
            assert_eq!(refused.unwrap_err().guard, Guard::Fields);
        }
    }

    #[test]
    fn a_pseudonym_is_not_kept_beyond_its_day() {
        let times = Times { pseudonym_days: 400, ..Times::default() };
        let refused = take(&Retention::default(), &Step::Ask(times), &who(1, Role::Administrator), "x", 7);
        assert_eq!(refused.unwrap_err().guard, Guard::Fields);
    }
}
