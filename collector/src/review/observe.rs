//! What sensors and time do to a record: they move what is observed, and reopen. They never change what a person set.

use umbrascope_api::Day;

use crate::model::record::{AiSystem, Observed, ReopenReason, ReviewState, Sanction, Seen, Stage};

/// Days without a sighting after which a system is quiet.
pub const QUIET_DAYS: u32 = 30;
/// Days without a sighting after which a system is gone.
pub const GONE_DAYS: u32 = 90;

/// The record after what sensors show.
pub fn observe(system: &AiSystem, seen: &Seen, today: Day) -> AiSystem {
    let mut next = system.clone();
    let Some((first, last)) = seen.days else {
        // What was seen once has outlived its evidence.
        if matches!(next.observed, Observed::Active | Observed::Quiet) {
            next.observed = Observed::Gone;
        }
        return next;
    };
    next.first_seen = Some(next.first_seen.map_or(first, |known| known.min(first)));
    next.observed = if last.forward(GONE_DAYS) < today {
        Observed::Gone
    } else if last.forward(QUIET_DAYS) < today {
        Observed::Quiet
    } else {
        Observed::Active
    };
    if next.is_merged() {
        return next;
    }
    let known_until = next.basis.as_ref().and_then(|basis| basis.last_day);
    let retired = next.retired_on.filter(|_| next.stage == Stage::Retired);
    let settled = matches!(next.review, ReviewState::Decided | ReviewState::Dismissed);
    if retired.is_some_and(|day| last > day) && known_until.is_none_or(|known| last > known) && settled {
        reopen(&mut next, ReopenReason::Resurfaced);
    }
    if next.review == ReviewState::Decided
        && next.sanction != Sanction::Prohibited
        && next.basis.as_ref().is_some_and(|basis| !seen.beyond(basis).is_empty())
    {
        reopen(&mut next, ReopenReason::MaterialChange);
    }
    next
}

/// The record after the day has come that it waits for.
pub fn tick(system: &AiSystem, today: Day) -> AiSystem {
    let mut next = system.clone();
    if next.review != ReviewState::Decided || next.is_merged() {
        return next;
    }
    let assessed = next.sanction == Sanction::Sanctioned && next.needs_impact_assessment();
    if next.sanction == Sanction::Tolerated && next.expires_on.is_none_or(|last| last < today) {
        reopen(&mut next, ReopenReason::Expired);
    } else if next.next_review_due.is_some_and(|due| due <= today)
        || (assessed && !next.has_impact_assessment(today))
    {
        reopen(&mut next, ReopenReason::ReviewDue);
    }
    next
}

fn reopen(system: &mut AiSystem, why: ReopenReason) {
    system.review = ReviewState::Reopened;
    system.reopened = Some(why);
    // What was asked for was asked about something else.
    system.request = None;
}
