//! Erasing what is kept for one pseudonym, where the person behind it asks for that (GDPR, article 17). One person asks, a privacy officer
//! who is somebody else has it done; what was deleted is told of in the trail, and what cannot be deleted is said. After governance
//! reference (g.2).
//!
//! Nobody learns here whose a pseudonym is.

use serde::{Deserialize, Serialize};

use crate::model::Role;
use crate::model::governed::Governed;
use crate::reidentify::Mark;
use crate::review::{Guard, JUSTIFICATION_CHARS, REASON_CHARS, Refused, Who};

/// What no erasure reaches, in words: told wherever one is asked for or done.
pub const STAYS: [&str; 5] = [
    "that a product was seen on a machine on a day, which is then of nobody in particular, and sums without names",
    "entries of the audit trail, which hold hashes: what they say of the pseudonym is deleted, and verification calls that redacted",
    "copies outside of this database: exports, evidence packs and backups that were made before",
    "what the machine itself keeps, until its own time for that is over",
    "what the machine reports from then on, which is kept anew under the same rules",
];

/// A request to erase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// `ERA-000001`.
    pub id: String,
    /// Number of the account; `None`: it is erased, or nothing is to be.
    pub account: Option<i64>,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub asked: Mark,
    /// How it ended.
    pub end: Option<Ended>,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Who ended it.
    pub mark: Mark,
    /// What was deleted; `None`: nothing, it was declined or taken back.
    pub erased: Option<Erased>,
}

/// What was deleted, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Erased {
    /// Rows of activity that lost their pseudonym.
    pub activity: u64,
    /// Pieces of software that did.
    pub items: u64,
    /// Sealed names.
    pub names: u64,
    /// Requests to learn whose it is, of which ticket and reason are gone.
    pub requests: u64,
    /// Payloads of the trail.
    pub payloads: u64,
}

impl Erased {
    /// What each of them is of, and how many.
    pub fn lines(&self) -> [(&'static str, u64); 5] {
        [
            ("rows of activity that lost their pseudonym", self.activity),
            ("pieces of software that lost it", self.items),
            ("sealed names", self.names),
            ("requests to learn whose it is, without their words now", self.requests),
            ("reasons and fields in the trail", self.payloads),
        ]
    }
}

impl Governed for Erasure {
    const KIND: &'static str = "erasure";

    fn id(&self) -> String {
        self.id.clone()
    }
}

impl Erasure {
    /// Whether somebody has to decide on it.
    pub fn waits(&self) -> bool {
        self.end.is_none()
    }

    /// Where it stands, in a word.
    pub fn state(&self) -> &'static str {
        match &self.end {
            None => "asked",
            Some(Ended { erased: Some(_), .. }) => "done",
            Some(Ended { mark, .. }) if mark.by == self.asked.by => "withdrawn",
            Some(_) => "declined",
        }
    }
}

/// A step of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A privacy officer has it done.
    Approve,
    /// A privacy officer declines it.
    Decline,
    /// Whoever asked takes it back.
    Withdraw,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Approve, Self::Decline, Self::Withdraw];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Decline => "decline",
            Self::Withdraw => "withdraw",
        }
    }

    /// The step that is written so.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == word)
    }

    /// What stands in the trail.
    pub fn action(self) -> &'static str {
        match self {
            Self::Approve => "erasure.approve",
            Self::Decline => "erasure.decline",
            Self::Withdraw => "erasure.withdraw",
        }
    }
}

/// Whether somebody may ask at all: a privacy officer, or who administers.
pub fn may_ask(who: &Who) -> Result<Role, Refused> {
    held(who, &[Role::PrivacyOfficer, Role::Administrator])
}

/// Makes a request, or says which guard refuses it; and the role that permitted it. `account`: `None`, nothing is kept of that pseudonym.
pub fn ask(account: Option<i64>, who: &Who, reason: &str, now_ms: i64) -> Result<(Erasure, Role), Refused> {
    let role = may_ask(who)?;
    let Some(account) = account else {
        return Err(Refused::new(Guard::Target, "nothing is kept of that pseudonym"));
    };
    let reason = reason.trim();
    if !(JUSTIFICATION_CHARS..=REASON_CHARS).contains(&reason.chars().count()) {
        return Err(Refused::new(
            Guard::Justify,
            format!("say why, without a name, in {JUSTIFICATION_CHARS} to {REASON_CHARS} characters"),
        ));
    }
    let asked = Mark { by: who.person, at_ms: now_ms };
    Ok((
        Erasure { id: String::new(), account: Some(account), reason: reason.to_owned(), asked, end: None },
        role,
    ))
}

/// Takes a step, or says which guard refuses it; and the role that permitted it, `None`: the part of who asked. What an approval deletes is
/// filled in by who does it.
pub fn take(
    erasure: &Erasure,
    step: Step,
    who: &Who,
    now_ms: i64,
) -> Result<(Erasure, Option<Role>), Refused> {
    let role = match step {
        Step::Approve => {
            let role = held(who, &[Role::PrivacyOfficer])?;
            if erasure.asked.by == who.person {
                return Err(Refused::new(
                    Guard::FourEyes,
                    "nobody approves an own request: another privacy officer has to",
                ));
            }
            who.second_to(erasure.asked.by, erasure.asked.at_ms, now_ms)?;
            Some(role)
        }
        Step::Decline => Some(held(who, &[Role::PrivacyOfficer])?),
        Step::Withdraw if erasure.asked.by == who.person => None,
        Step::Withdraw => return Err(Refused::new(Guard::Role, "a request is taken back by who made it")),
    };
    if !erasure.waits() {
        return Err(Refused::new(Guard::State, format!("it is {} already", erasure.state())));
    }
    let erased = (step == Step::Approve).then(Erased::default);
    let mark = Mark { by: who.person, at_ms: now_ms };
    Ok((Erasure { account: None, end: Some(Ended { mark, erased }), ..erasure.clone() }, role))
}

fn held(who: &Who, roles: &[Role]) -> Result<Role, Refused> {
    roles.iter().copied().find(|role| who.grants.hold(*role, &[])).ok_or_else(|| {
        let named = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" or ");
        Refused::new(Guard::Role, format!("this takes the role {named} for the whole organisation"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Grant, Grants};

    const WHY: &str = "the person asked on 2026-11-20";

    fn who(person: i64, role: Role) -> Who {
        Who { person, grants: Grants(vec![Grant { role, unit: None }]), ..Who::default() }
    }

    fn guard<T: std::fmt::Debug>(result: Result<T, Refused>) -> Guard {
        result.unwrap_err().guard
    }

    #[test]
    fn it_takes_a_reason_and_a_privacy_officer_who_is_another_person() {
        let (paul, pia) = (who(1, Role::PrivacyOfficer), who(2, Role::PrivacyOfficer));
        assert_eq!(guard(ask(Some(9), &paul, "because", 5)), Guard::Justify);
        assert_eq!(guard(ask(None, &paul, WHY, 5)), Guard::Target);
        assert_eq!(guard(ask(Some(9), &who(3, Role::Analyst), WHY, 5)), Guard::Role);
        let (asked, role) = ask(Some(9), &paul, WHY, 5).unwrap();
        assert_eq!((asked.state(), role), ("asked", Role::PrivacyOfficer));
        assert_eq!(guard(take(&asked, Step::Approve, &paul, 6)), Guard::FourEyes);
        assert_eq!(guard(take(&asked, Step::Approve, &who(3, Role::Administrator), 6)), Guard::Role);
        assert_eq!(guard(take(&asked, Step::Withdraw, &pia, 6)), Guard::Role);
        let (done, _) = take(&asked, Step::Approve, &pia, 6).unwrap();
        assert_eq!((done.state(), done.account), ("done", None), "the account is named no more");
        for step in Step::ALL {
            assert!(matches!(guard(take(&done, step, &paul, 7)), Guard::State | Guard::FourEyes));
        }
        assert_eq!(take(&asked, Step::Decline, &pia, 6).unwrap().0.state(), "declined");
        assert_eq!(take(&asked, Step::Withdraw, &paul, 6).unwrap().0.state(), "withdrawn");
    }

    #[test]
    fn who_was_let_in_by_somebody_elses_link_erases_nothing() {
        let (asked, _) = ask(Some(9), &who(1, Role::Administrator), WHY, 5).unwrap();
        let let_in = Who { by_link: true, ..who(2, Role::PrivacyOfficer) };
        assert_eq!(guard(take(&asked, Step::Approve, &let_in, 6)), Guard::FourEyes);
    }

    #[test]
    fn a_step_is_read_as_it_is_written() {
        for step in Step::ALL {
            assert_eq!(Step::parse(step.as_str()), Some(step));
        }
        assert_eq!(Step::parse("erase"), None);
    }
}
