//! What people do with a finding.

use umbrascope_api::Day;

use super::{assignable, may_work, said, triages};
use crate::model::Role;
use crate::model::finding::{Closing, Finding, FindingState};
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
        }
    }

    /// The reason that came with it.
    pub fn reason(&self) -> &str {
        match self {
            Self::Close { reason, .. } | Self::Dismiss { reason } | Self::Reopen { reason } => reason,
            Self::Assign(_) | Self::Due(_) | Self::Start => "",
        }
    }
}

/// Takes a step on a finding, or says which guard refuses it. Who triages its units may do all of it; who it is assigned to may begin
/// and close it. `active`: whether a person is in the directory and active.
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
            if !own || !matches!(step, Step::Start | Step::Close { .. }) {
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
        }
        Step::Dismiss { reason } => {
            must_be(finding, true)?;
            next.state = FindingState::Dismissed;
            next.closing = closing(Some(needed(reason)?), None);
        }
        Step::Reopen { reason } => {
            must_be(finding, false)?;
            needed(reason)?;
            next.state = FindingState::Open;
            next.closing = None;
            next.opened_at_ms = now_ms;
            next.reopened += 1;
        }
    }
    Ok((next, role))
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
