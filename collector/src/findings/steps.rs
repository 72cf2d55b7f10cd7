//! What people do with a finding.

use umbrascope_api::Day;

use super::{assignable, may_work, said, triages};
use crate::model::Role;
use crate::model::finding::{Cause, Caused, Closing, Effect, Finding, FindingState};
use crate::review::{Guard, Refused, Who};

/// What a person does with a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Somebody is to work on it; `None`: nobody any more.
    Assign(Option<i64>),
    /// It is to be answered by this day.
    Due(Day),
    /// Somebody works on it.
    Start,
    /// It is answered. Evidence, or a reason.
    Close {
        /// Why.
        reason: String,
        /// What shows it.
        evidence: String,
    },
    /// It is no question. A reason.
    Dismiss {
        /// Why.
        reason: String,
    },
    /// It is to be answered again. A reason.
    Reopen {
        /// Why.
        reason: String,
    },
    /// What it came from, where it is a nonconformity.
    Cause {
        /// Which sort of cause.
        cause: Cause,
        /// In words.
        note: String,
    },
    /// Whether what was done about a nonconformity worked. By somebody else than who closed it; what did not work is open again.
    Effect {
        /// Whether it did.
        worked: bool,
        /// What shows it.
        note: String,
    },
}

impl Step {
    /// What stands in the trail.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Assign(_) => "finding.assign",
            Self::Due(_) => "finding.due",
            Self::Start => "finding.start",
            Self::Close { .. } => "finding.close",
            Self::Dismiss { .. } => "finding.dismiss",
            Self::Reopen { .. } => "finding.reopen",
            Self::Cause { .. } => "finding.cause",
            Self::Effect { .. } => "finding.effect",
        }
    }

    /// The reason that came with it.
    pub fn reason(&self) -> &str {
        match self {
            Self::Close { reason, .. } | Self::Dismiss { reason } | Self::Reopen { reason } => reason,
            Self::Cause { note, .. } | Self::Effect { note, .. } => note,
            Self::Assign(_) | Self::Due(_) | Self::Start => "",
        }
    }
}

/// Takes a step on a finding, or says which guard refuses it. Who triages its units may do all of it; who it is assigned to may begin
/// close it and name its cause. `active`: whether a person is in the directory and active.
pub fn take(
    finding: &Finding,
    step: &Step,
    who: &Who,
    now_ms: i64,
    active: &dyn Fn(i64) -> Option<bool>,
) -> Result<(Finding, Option<Role>), Refused> {
    let role = match triages(&finding.units(), who) {
        Ok(role) => Some(role),
        Err(refused) => {
            let own = finding.assignee == Some(who.person) && may_work(who);
            if !own || !matches!(step, Step::Start | Step::Close { .. } | Step::Cause { .. }) {
                return Err(refused);
            }
            None
        }
    };
    let mut next = finding.clone();
    let closing = |reason, evidence| Some(Closing { by: Some(who.person), at_ms: now_ms, reason, evidence });
    match step {
        Step::Assign(person) => {
            must_be(finding, true)?;
            assignable(*person, active)?;
            next.assignee = *person;
        }
        Step::Due(day) => {
            must_be(finding, true)?;
            if *day < Day::from_unix_ms(now_ms) {
                return Err(Refused::new(Guard::Expiry, "the day is over already: choose one to come"));
            }
            next.due = Some(*day);
        }
        Step::Start => {
            must_be(finding, true)?;
            next.state = FindingState::InProgress;
            next.assignee = next.assignee.or(Some(who.person));
        }
        Step::Close { reason, evidence } => {
            must_be(finding, true)?;
            let (reason, evidence) = (said(reason, "reason")?, said(evidence, "evidence")?);
            if reason.is_none() && evidence.is_none() {
                return Err(Refused::new(Guard::Evidence, "say what shows that it is answered, or why"));
            }
            next.state = FindingState::Closed;
            next.closing = closing(reason, evidence);
            next.effect = None;
        }
        Step::Dismiss { reason } => {
            must_be(finding, true)?;
            next.state = FindingState::Dismissed;
            next.closing = closing(Some(needed(reason)?), None);
        }
        Step::Reopen { reason } => {
            must_be(finding, false)?;
            needed(reason)?;
            open_again(&mut next, now_ms);
        }
        Step::Cause { cause, note } => {
            must_be_nonconformity(finding)?;
            let note = needed(note)?;
            next.cause = Some(Caused { cause: *cause, note, by: who.person, at_ms: now_ms });
        }
        Step::Effect { worked, note } => {
            must_be_nonconformity(finding)?;
            if finding.state != FindingState::Closed {
                return Err(Refused::new(
                    Guard::State,
                    "what was done is looked at once the finding is closed",
                ));
            }
            if finding.closing.as_ref().and_then(|closing| closing.by) == Some(who.person) {
                return Err(Refused::new(
                    Guard::FourEyes,
                    "you closed it: somebody else has to see whether that worked",
                ));
            }
            match finding.closing.as_ref().and_then(|closing| Some((closing.by?, closing.at_ms))) {
                Some((closer, at_ms)) => who.second_to(closer, at_ms, now_ms)?,
                None => who.stands_alone(now_ms)?,
            }
            let note = needed(note)?;
            next.effect = Some(Effect { worked: *worked, note, by: who.person, at_ms: now_ms });
            if !worked {
                open_again(&mut next, now_ms);
            }
        }
    }
    Ok((next, role))
}

fn open_again(finding: &mut Finding, now_ms: i64) {
    finding.state = FindingState::Open;
    finding.closing = None;
    finding.opened_at_ms = now_ms;
    finding.reopened += 1;
}

fn must_be_nonconformity(finding: &Finding) -> Result<(), Refused> {
    match finding.rule.is_nonconformity() && finding.state != FindingState::Dismissed {
        true => Ok(()),
        false => Err(Refused::new(
            Guard::State,
            "only of a nonconformity that was not dismissed are cause and effect told",
        )),
    }
}

fn needed(reason: &str) -> Result<String, Refused> {
    said(reason, "reason")?.ok_or_else(|| Refused::new(Guard::Reason, "say why: a reason is missing"))
}

fn must_be(finding: &Finding, open: bool) -> Result<(), Refused> {
    if finding.state.is_open() == open {
        return Ok(());
    }
    let says = if open {
        format!("the finding is {}: reopen it first", finding.state.label().to_lowercase())
    } else {
        "the finding is open".to_owned()
    };
    Err(Refused::new(Guard::State, says))
}
