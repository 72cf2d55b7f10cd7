//! The rules of attestation campaigns: which list is frozen, who may answer what, where silence goes. Pure: no SQL and no clock.
//!
//! Silence never becomes an answer (I-18): only [`answered`] gives a row one of the five answers, and it takes the answer of a person.

mod attested;
mod differ;
mod report;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use umbrascope_api::Day;

pub use attested::attested;
pub use differ::{changed_fields, changes, last_confirmation};
pub use report::{BULK_ROWS, QUICK_SECONDS, Report, report};

use crate::audit::sha256;
use crate::model::campaign::{
    Answer, Asked, Campaign, CampaignPlan, CampaignRow, CampaignState, Candidate, Relation, RowAnswer,
    RowState, RowStep,
};
use crate::model::record::{AiSystem, OWNER_FIELDS};
use crate::model::{Access, Deed, Role};
use crate::review::{Guard, REASON_CHARS, Refused, Who};

/// Most records of one campaign.
pub const MOST_RECORDS: usize = 1_000;
/// Longest title, in characters.
pub const TITLE_CHARS: usize = 200;
/// Most days until an answer is due.
pub const MOST_DAYS: u32 = 366;
/// Most times that a record goes on to another owner within one campaign.
pub const MOST_HOPS: u32 = 5;

/// The roles that start and close campaigns.
pub const STARTERS: [Role; 3] = [Role::Analyst, Role::Reviewer, Role::ScopeOwner];

/// The role in which somebody may start or close a campaign over these units; over no unit in particular it takes one for the whole
/// organisation.
pub fn may_run(who: &Who, unit: Option<i64>) -> Result<Role, Refused> {
    let units: Vec<i64> = unit.into_iter().collect();
    if let Some(role) = STARTERS.into_iter().find(|role| who.grants.hold(*role, &units)) {
        return Ok(role);
    }
    Err(if STARTERS.into_iter().any(|role| who.grants.any(role)) {
        Refused::new(
            Guard::Acl,
            "the role is held for some units only: narrow the campaign to one of them, or ask somebody who holds it for all",
        )
    } else {
        Refused::new(Guard::Role, "this takes the role analyst or reviewer or scope-owner")
    })
}

/// What tells one list of records from another: of their ids and owners, in any order.
pub fn digest(candidates: &[Candidate]) -> String {
    let mut lines: Vec<String> = candidates
        .iter()
        .map(|one| format!("{} {}", one.id, if one.owner_active { one.owner.unwrap_or(0) } else { 0 }))
        .collect();
    lines.sort();
    sha256(&[lines.join("\n").as_bytes()]).to_string()
}

/// A campaign over these records, with one row for each that has somebody to ask.
pub fn start(
    plan: &CampaignPlan,
    candidates: &[Candidate],
    who: &Who,
    now_ms: i64,
    (id, reference): (String, String),
    new_id: &mut dyn FnMut() -> String,
) -> Result<(Campaign, Vec<CampaignRow>, Role), Refused> {
    let role = may_run(who, plan.query.unit)?;
    let title = plan.title.trim();
    if title.is_empty() || title.chars().count() > TITLE_CHARS || title.contains(char::is_control) {
        return Err(field("title", format!("a title has 1 to {TITLE_CHARS} characters in one line")));
    }
    scheduled(plan, Day::from_unix_ms(now_ms))?;
    if plan.previewed.as_ref().is_some_and(|previewed| *previewed != digest(candidates)) {
        return Err(Refused::new(
            Guard::Version,
            "the list is another one than you looked at: look at it again, then start",
        ));
    }
    let (asked, unowned): (Vec<_>, Vec<_>) =
        candidates.iter().partition(|one| one.owner.is_some() && one.owner_active);
    if asked.is_empty() {
        return Err(Refused::new(
            Guard::Target,
            "no record that was found has an owner to ask: choose others, or name owners first",
        ));
    }
    if candidates.len() > MOST_RECORDS {
        return Err(Refused::new(
            Guard::Target,
            format!("a campaign asks about at most {MOST_RECORDS} records: narrow it, and start several"),
        ));
    }
    let rows = asked
        .iter()
        .map(|one| CampaignRow {
            id: new_id(),
            campaign: id.clone(),
            system: one.id.clone(),
            owner: one.owner.unwrap_or(0),
            from: None,
            hops: 0,
            opened_at_ms: now_ms,
            state: RowState::Open,
            step: RowStep::None,
            escalated_to: None,
            answer: None,
            next: None,
        })
        .collect();
    let ids = |some: &[&Candidate]| -> Vec<String> { some.iter().map(|one| one.id.clone()).collect() };
    let campaign = Campaign {
        id,
        reference,
        demonstration: false,
        title: title.to_owned(),
        query: plan.query.clone(),
        mode: plan.mode,
        schedule: plan.schedule,
        state: CampaignState::Open,
        started_by: who.person,
        started_at_ms: now_ms,
        systems: ids(&asked),
        unowned: ids(&unowned),
        closed_by: None,
        closed_at_ms: None,
        report: None,
    };
    Ok((campaign, rows, role))
}

fn scheduled(plan: &CampaignPlan, today: Day) -> Result<(), Refused> {
    let schedule = plan.schedule;
    if schedule.due <= today || schedule.due > today.forward(MOST_DAYS) {
        return Err(field("due", format!("the last day to answer lies ahead, at most {MOST_DAYS} days")));
    }
    if schedule.remind > schedule.due {
        return Err(field("remind", "owners are reminded before the last day to answer"));
    }
    if schedule.escalate <= schedule.due || schedule.report <= schedule.escalate {
        return Err(field(
            "escalate",
            "managers are told after the last day to answer, and whoever starts the campaign after that",
        ));
    }
    if schedule.report > today.forward(2 * MOST_DAYS) {
        return Err(field("report", format!("the last step lies at most {} days ahead", 2 * MOST_DAYS)));
    }
    Ok(())
}

fn field(name: &str, says: impl Into<String>) -> Refused {
    Refused { missing: vec![name.to_owned()], ..Refused::new(Guard::Fields, says) }
}

/// Whether a person may give this answer to this row.
pub fn may_answer(
    campaign: &Campaign,
    row: &CampaignRow,
    who: &Who,
    seen: &str,
    comment: &str,
    answer: &Answer,
    asked: Asked<'_>,
) -> Result<(), Refused> {
    who.grants
        .check_somewhere(Deed::AnswerCampaign, Access::Write)
        .map_err(|refused| Refused::new(Guard::Role, refused.to_string()))?;
    if row.owner != who.person {
        return Err(Refused::new(Guard::Role, "this row is another person's to answer"));
    }
    if campaign.state != CampaignState::Open {
        return Err(Refused::new(Guard::State, "the campaign is closed: it takes no more answers"));
    }
    if row.state != RowState::Open {
        return Err(Refused::new(Guard::State, "this row has an answer already"));
    }
    if comment.chars().count() > REASON_CHARS {
        return Err(Refused::new(Guard::Reason, format!("that is longer than {REASON_CHARS} characters")));
    }
    if asked.served.is_none_or(|(hash, _)| hash != seen) {
        return Err(Refused::new(
            Guard::Version,
            "this version of the record was not on your page: look at the page again, then answer",
        ));
    }
    if asked.system.hash != seen {
        return Err(Refused::new(
            Guard::Version,
            "the record changed after it was shown to you: look at it again, then answer",
        ));
    }
    if matches!(answer, Answer::NotMine) {
        return if comment.trim().is_empty() {
            Err(Refused::new(Guard::Reason, "say why it is not yours, and whose it may be"))
        } else {
            Ok(())
        };
    }
    if asked.system.body.system_owner != Some(who.person) {
        return Err(Refused::new(
            Guard::Role,
            "the record has another owner by now: say that it is not yours, and an analyst looks after it",
        ));
    }
    if asked.blocked && matches!(answer, Answer::Confirm | Answer::Amend(_)) {
        return Err(Refused::new(
            Guard::Evidence,
            "the sensors of its units are silent, so that nobody can tell what is in use: this row waits for them",
        ));
    }
    match answer {
        Answer::Amend(changes) => {
            let beyond: Vec<String> =
                changes.iter().filter(|(name, _)| !amendable(name)).map(|(name, _)| name.clone()).collect();
            if changes.is_empty() {
                return Err(field("changes", "nothing was changed: confirm the record as it stands"));
            }
            if !beyond.is_empty() {
                return Err(Refused {
                    guard: Guard::Fields,
                    says: format!("an owner does not set {}: say in words what is wrong", beyond.join(", ")),
                    missing: beyond,
                });
            }
        }
        Answer::Reassign(to) if *to == who.person => {
            return Err(field("to", "it is yours already: name another person"));
        }
        Answer::Retire { .. } if comment.trim().is_empty() => {
            return Err(Refused::new(Guard::Reason, "say why it is over"));
        }
        _ => {}
    }
    Ok(())
}

/// Whether an owner may correct this field. The owner is changed by reassigning, and what rights and gates hang on by who reviews.
pub fn amendable(name: &str) -> bool {
    name != "system_owner" && OWNER_FIELDS.contains(&name)
}

/// The row with an answer.
pub fn answered(row: &CampaignRow, answer: &Answer, said: RowAnswer) -> CampaignRow {
    CampaignRow { state: answer.state(), answer: Some(said), ..row.clone() }
}

/// What somebody has to do with a system that they answer for.
pub fn relations(
    person: i64,
    unit: Option<i64>,
    system: &AiSystem,
    campaign: &Campaign,
) -> BTreeSet<Relation> {
    let decision = system.decision.as_ref();
    [
        (Relation::SystemOwner, system.system_owner == Some(person)),
        (Relation::RiskOwner, system.risk_owner == Some(person)),
        (Relation::Requester, decision.is_some_and(|decision| decision.requested_by == Some(person))),
        (Relation::Decider, decision.is_some_and(|decision| decision.by == person)),
        (Relation::Starter, campaign.started_by == person),
        (Relation::SameUnit, unit.is_some_and(|unit| system.org_units.contains(&unit))),
    ]
    .into_iter()
    .filter_map(|(relation, holds)| holds.then_some(relation))
    .collect()
}

/// The row that comes out of another one for the next owner. `earlier` are the owners whom this record was put to in this campaign:
/// nobody is asked twice, so that every chain ends.
pub fn successor(
    row: &CampaignRow,
    earlier: &[i64],
    to: i64,
    id: String,
    now_ms: i64,
) -> Result<CampaignRow, Refused> {
    if earlier.contains(&to) || row.owner == to {
        return Err(Refused::new(
            Guard::Target,
            "this record was put to that person in this campaign already: name somebody else",
        ));
    }
    if row.hops >= MOST_HOPS {
        return Err(Refused::new(
            Guard::Target,
            format!(
                "it went on {MOST_HOPS} times already: say that it is not yours, and an analyst looks after it"
            ),
        ));
    }
    Ok(CampaignRow {
        id,
        owner: to,
        from: Some(row.id.clone()),
        hops: row.hops + 1,
        opened_at_ms: now_ms,
        state: RowState::Open,
        step: RowStep::None,
        escalated_to: None,
        answer: None,
        next: None,
        ..row.clone()
    })
}

/// Whether a row may be given to another owner by who runs the campaign: it came back, or the record has another owner by now.
pub fn may_assign(
    campaign: &Campaign,
    row: &CampaignRow,
    owner: Option<i64>,
    who: &Who,
) -> Result<(), Refused> {
    may_run(who, campaign.query.unit)?;
    if campaign.state != CampaignState::Open {
        return Err(Refused::new(Guard::State, "the campaign is closed"));
    }
    let came_back = row.state == RowState::NotMine && row.next.is_none();
    let moved_on = row.state == RowState::Open && owner != Some(row.owner);
    if came_back || moved_on {
        return Ok(());
    }
    Err(Refused::new(
        Guard::State,
        "only what came back as not theirs, or what has another owner by now, is given to somebody else here",
    ))
}

/// Where silence takes an open row on a day; `None`: nowhere further. It moves the step and nothing else.
pub fn escalate(
    campaign: &Campaign,
    row: &CampaignRow,
    today: Day,
    blocked: bool,
    manager: Option<i64>,
) -> Option<CampaignRow> {
    // Who cannot confirm is not silent.
    if campaign.state != CampaignState::Open || row.state != RowState::Open || blocked {
        return None;
    }
    let schedule = campaign.schedule;
    let step = if today >= schedule.report {
        RowStep::Reported
    } else if today >= schedule.escalate {
        // Nobody above: it goes to whoever started the campaign at once.
        if manager.is_some() { RowStep::Escalated } else { RowStep::Reported }
    } else if today >= schedule.remind {
        RowStep::Reminded
    } else {
        RowStep::None
    };
    let to = if today >= schedule.escalate { manager.or(row.escalated_to) } else { row.escalated_to };
    (step > row.step).then(|| CampaignRow { step, escalated_to: to, ..row.clone() })
}

/// How an open row ends when its campaign is closed. Never in an answer.
pub fn ended(row: &CampaignRow, blocked: bool, merged: bool) -> Option<CampaignRow> {
    if row.state != RowState::Open {
        return None;
    }
    let state = match (merged, blocked) {
        (true, _) => RowState::Void,
        (_, true) => RowState::Blocked,
        _ => RowState::Silent,
    };
    Some(CampaignRow { state, ..row.clone() })
}

/// Whether a campaign may be closed: before its last day only when every row is answered, or with a reason.
pub fn may_close(
    campaign: &Campaign,
    open: u64,
    who: &Who,
    reason: &str,
    today: Day,
) -> Result<Role, Refused> {
    let role = may_run(who, campaign.query.unit)?;
    if campaign.state != CampaignState::Open {
        return Err(Refused::new(Guard::State, "the campaign is closed already"));
    }
    if open > 0 && today <= campaign.schedule.due && reason.trim().is_empty() {
        return Err(Refused::new(
            Guard::Reason,
            "rows are open and the last day to answer is not over: say why it is closed now",
        ));
    }
    Ok(role)
}

/// The owners whom each record was put to.
pub fn owners_asked<'r>(rows: impl IntoIterator<Item = &'r CampaignRow>) -> BTreeMap<&'r str, BTreeSet<i64>> {
    let mut asked: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for row in rows {
        asked.entry(&row.system).or_default().insert(row.owner);
    }
    asked
}
