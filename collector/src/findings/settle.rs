//! What becomes of a finding when the facts are looked at again.

use umbrascope_api::Day;

use super::Wanted;
use crate::model::finding::{Closing, DueDays, Finding, FindingState};

/// What a look at the facts came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The finding as it is now.
    pub finding: Finding,
    /// What stands in the trail.
    pub action: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// Brings a finding to what the facts ask: opens it, closes it when the fact no longer holds, and opens it again when the fact holds
/// again. What a person closed stays closed until there is more to it than the person saw; what a person dismissed, until the fact was
/// gone in between. `None`: nothing is to be done. A second look at the same facts comes to nothing.
pub fn settle(
    before: Option<&Finding>,
    wanted: Option<&Wanted>,
    due: &DueDays,
    now_ms: i64,
) -> Option<Settled> {
    match (before, wanted) {
        (None, None) => None,
        (None, Some(wanted)) => Some(Settled {
            finding: open(Finding::default(), wanted, due, now_ms),
            action: "finding.open",
            reason: "",
        }),
        (Some(before), None) => cease(before, now_ms),
        (Some(before), Some(wanted)) => hold(before, wanted, due, now_ms),
    }
}

fn cease(before: &Finding, now_ms: i64) -> Option<Settled> {
    if !before.holds {
        return None;
    }
    let mut next = Finding { holds: false, ..before.clone() };
    if !before.state.is_open() {
        // A person's decision stays as it is.
        return Some(Settled { finding: next, action: "finding.cease", reason: "the fact no longer holds" });
    }
    let reason = before.rule.ceased();
    next.state = FindingState::Closed;
    next.closing = Some(Closing { by: None, at_ms: now_ms, reason: Some(reason.to_owned()), evidence: None });
    Some(Settled { finding: next, action: "finding.close", reason })
}

fn hold(before: &Finding, wanted: &Wanted, due: &DueDays, now_ms: i64) -> Option<Settled> {
    let again = !before.holds;
    let more = !wanted.mark.is_subset(&before.mark);
    let reopens = match before.state {
        FindingState::Open | FindingState::InProgress => false,
        FindingState::Closed => again || more,
        FindingState::Dismissed => again,
    };
    if reopens {
        let mut next = open(before.clone(), wanted, due, now_ms);
        next.reopened += 1;
        let reason = if again { "it holds again" } else { "there is more to it" };
        return Some(Settled { finding: next, action: "finding.reopen", reason });
    }
    let mut next = Finding { holds: true, units: wanted.units.clone(), ..before.clone() };
    if before.state.is_open() {
        next.evidence.clone_from(&wanted.evidence);
        next.mark.clone_from(&wanted.mark);
    }
    (next != *before).then_some(Settled { finding: next, action: "finding.observe", reason: "" })
}

fn open(before: Finding, wanted: &Wanted, due: &DueDays, now_ms: i64) -> Finding {
    let severity = wanted.rule.severity();
    Finding {
        id: wanted.key(),
        rule: wanted.rule,
        severity,
        subject: wanted.subject.clone(),
        units: wanted.units.clone(),
        evidence: wanted.evidence.clone(),
        mark: wanted.mark.clone(),
        holds: true,
        state: FindingState::Open,
        due: Some(Day::from_unix_ms(now_ms).forward(due.of(severity))),
        opened_at_ms: now_ms,
        closing: None,
        ..before
    }
}
