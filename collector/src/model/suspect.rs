//! Suspects, and the setting without which there are none: it takes two people.

use umbrascope_api::Day;

/// How long a request waits for a second person, in milliseconds: seven days.
pub const CONFIRM_WITHIN_MS: i64 = 7 * 86_400_000;

/// A step towards a setting that takes two people, or away from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An administrator asks for it.
    Asked,
    /// Somebody else confirms.
    Confirmed,
    /// Anybody takes it back, the request or the setting.
    Withdrawn,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Asked, Self::Confirmed, Self::Withdrawn];

    /// The word for it in SQL and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Confirmed => "confirmed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A step as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    /// Which.
    pub step: Step,
    /// Sign-in name of who took it.
    pub person: String,
    /// Unix time in milliseconds.
    pub at_ms: i64,
}

/// Whether suspects are collected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SuspectSetting {
    /// They are not.
    #[default]
    Off,
    /// They are not yet: a second person is waited for.
    Asked {
        /// Who asked.
        by: String,
        /// Unix time in milliseconds.
        at_ms: i64,
    },
    /// They are.
    On {
        /// Who asked.
        asked_by: String,
        /// Who confirmed.
        confirmed_by: String,
        /// Unix time in milliseconds of the confirmation.
        since_ms: i64,
    },
}

/// Why a step was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StepRefused {
    /// It is on, or asked for.
    #[error("it is on already, or somebody asked for it before")]
    Already,
    /// Nobody asked, the request is too old, or it was withdrawn.
    #[error("there is no request to confirm: nobody asked, or it is too old")]
    NothingAsked,
    /// The same person asked.
    #[error("whoever asked cannot confirm: that takes another person")]
    SamePerson,
    /// The same person may have asked, in somebody else's name.
    #[error("whoever asked had come in by a sign-in link that you made: that takes a third person")]
    LetIn,
    /// It is off.
    #[error("there is nothing to withdraw")]
    Off,
}

impl SuspectSetting {
    /// What these steps, oldest first, come to. Steps that were refused are not among them.
    pub fn after(steps: &[StepRow], now_ms: i64) -> Self {
        let taken = steps.iter().fold(Self::Off, |setting, row| match (row.step, setting) {
            (Step::Asked, _) => Self::Asked { by: row.person.clone(), at_ms: row.at_ms },
            (Step::Confirmed, Self::Asked { by, .. }) if by != row.person => {
                Self::On { asked_by: by, confirmed_by: row.person.clone(), since_ms: row.at_ms }
            }
            (Step::Confirmed, setting) => setting,
            (Step::Withdrawn, _) => Self::Off,
        });
        match taken {
            Self::Asked { at_ms, .. } if now_ms - at_ms > CONFIRM_WITHIN_MS => Self::Off,
            setting => setting,
        }
    }

    /// Takes a step, or says why not.
    pub fn take(&self, step: Step, person: &str, now_ms: i64) -> Result<Self, StepRefused> {
        match (step, self) {
            (Step::Asked, Self::Off) => Ok(Self::Asked { by: person.to_owned(), at_ms: now_ms }),
            (Step::Asked, _) => Err(StepRefused::Already),
            (Step::Confirmed, Self::Asked { by, .. }) if by == person => Err(StepRefused::SamePerson),
            (Step::Confirmed, Self::Asked { by, .. }) => {
                Ok(Self::On { asked_by: by.clone(), confirmed_by: person.to_owned(), since_ms: now_ms })
            }
            (Step::Confirmed, Self::On { .. }) => Err(StepRefused::Already),
            (Step::Confirmed, Self::Off) => Err(StepRefused::NothingAsked),
            (Step::Withdrawn, Self::Off) => Err(StepRefused::Off),
            (Step::Withdrawn, _) => Ok(Self::Off),
        }
    }

    /// Since when suspects are collected, Unix time in milliseconds; `None`: they are not.
    pub fn since_ms(&self) -> Option<i64> {
        match self {
            Self::On { since_ms, .. } => Some(*since_ms),
            _ => None,
        }
    }
}

/// A suspected domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuspectDomain {
    /// The registrable domain.
    pub domain: String,
    /// How often something below it was named.
    pub count: u64,
    /// How many sensors told of it.
    pub sources: u64,
    /// First day.
    pub first_day: Day,
    /// Last day.
    pub last_day: Day,
    /// What a person decided about it, if anybody did.
    pub dismissal: Option<Dismissal>,
}

/// A person wants no more of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dismissal {
    /// Why, in the person's words.
    pub reason: String,
    /// Who.
    pub person: String,
    /// Unix time in milliseconds.
    pub at_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_269_802_000;

    fn row(step: Step, person: &str, at_ms: i64) -> StepRow {
        StepRow { step, person: person.to_owned(), at_ms }
    }

    #[test]
    fn it_takes_two_people_to_switch_it_on_and_one_to_switch_it_off() {
        let off = SuspectSetting::default();
        assert_eq!(off.take(Step::Confirmed, "vera", NOW_MS), Err(StepRefused::NothingAsked));
        assert_eq!(off.take(Step::Withdrawn, "vera", NOW_MS), Err(StepRefused::Off));
        let asked = off.take(Step::Asked, "ada", NOW_MS).unwrap();
        assert_eq!(asked.since_ms(), None);
        assert_eq!(asked.take(Step::Asked, "vera", NOW_MS), Err(StepRefused::Already));
        assert_eq!(asked.take(Step::Confirmed, "ada", NOW_MS), Err(StepRefused::SamePerson));
        let on = asked.take(Step::Confirmed, "vera", NOW_MS + 5).unwrap();
        assert_eq!(on.since_ms(), Some(NOW_MS + 5));
        assert_eq!(on.take(Step::Confirmed, "eve", NOW_MS), Err(StepRefused::Already));
        for person in ["ada", "vera", "eve"] {
            assert_eq!(on.take(Step::Withdrawn, person, NOW_MS), Ok(SuspectSetting::Off));
        }
    }

    #[test]
    fn the_record_of_steps_gives_the_same_setting_and_a_request_grows_old() {
        let steps = [
            row(Step::Asked, "ada", NOW_MS),
            row(Step::Confirmed, "vera", NOW_MS + 5),
            row(Step::Withdrawn, "vera", NOW_MS + 9),
            row(Step::Asked, "vera", NOW_MS + 10),
        ];
        assert_eq!(SuspectSetting::after(&steps[..2], NOW_MS + 6).since_ms(), Some(NOW_MS + 5));
        assert_eq!(SuspectSetting::after(&steps[..3], NOW_MS + 9), SuspectSetting::Off);
        let late = NOW_MS + 10 + CONFIRM_WITHIN_MS;
        let asked = SuspectSetting::Asked { by: "vera".to_owned(), at_ms: NOW_MS + 10 };
        assert_eq!(SuspectSetting::after(&steps, late), asked);
        assert_eq!(SuspectSetting::after(&steps, late + 1), SuspectSetting::Off);
        // One person's two rows, however they came there, switch nothing on.
        let forged = [row(Step::Asked, "ada", NOW_MS), row(Step::Confirmed, "ada", NOW_MS)];
        assert_eq!(SuspectSetting::after(&forged, NOW_MS).since_ms(), None);
    }
}
