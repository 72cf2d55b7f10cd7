//! The moves, one by one, with their guards.

use std::collections::BTreeSet;

use umbrascope_api::Day;

use super::checks::{
    decided, draft, fields, held, impact_assessed, in_scope, is_oneself, is_owner, moved, owner_active,
    pointed_at, reason, role, state, still_complete,
};
use super::requests::{approve, decline, request, withdraw};
use super::{Context, Guard, Move, Moved, REASON_CHARS, Refused, Who};
use crate::model::Role;
use crate::model::record::{
    AiSystem, COMMENT_CHARS, COMMENTS, CONFIRMATIONS, Comment, Confirmation, DismissReason, Enforcement,
    OWNER_FIELDS, ReopenReason, Residual, ReviewState, Sanction, Scope, Stage, Tier, edit,
};
use crate::model::task::{Link, LinkKind, Purpose, Task};
use crate::tier::Method;

pub(super) fn take(system: &AiSystem, step: &Move, cx: &Context<'_>) -> Result<Moved, Refused> {
    if system.is_merged() {
        return Err(Refused::new(Guard::State, "this record went into another one: change that one instead"));
    }
    if cx.reason.chars().count() > REASON_CHARS {
        return Err(Refused::new(
            Guard::Reason,
            format!("the reason is longer than {REASON_CHARS} characters"),
        ));
    }
    match step {
        Move::Triage => triage(system, cx),
        Move::StartReview => start_review(system, cx),
        Move::Edit(changes) => change_fields(system, changes, cx),
        Move::Request(wish) => request(system, wish, cx),
        Move::Withdraw => withdraw(system, cx),
        Move::Approve => approve(system, cx),
        Move::Decline => decline(system, cx),
        Move::Prohibit => prohibit(system, cx),
        Move::Dismiss { why, duplicate_of } => dismiss(system, *why, duplicate_of.as_deref(), cx),
        Move::Reopen => reopen(system, cx),
        Move::Revoke => revoke(system, cx),
        Move::ScopeIn { justification } => scope_in(system, justification.as_deref(), cx),
        Move::ScopeOpen => scope_open(system, cx),
        Move::Suspend => suspend(system, cx),
        Move::Resume => resume(system, cx),
        Move::Enforce { level, evidence } => enforce(system, *level, evidence.as_deref(), cx),
        Move::AcceptResidual { note, expires } => accept_residual(system, note, *expires, cx),
        Move::Confirm { campaign, seen, comment } => {
            confirm(system, campaign.as_deref(), seen, comment.as_deref(), cx)
        }
        Move::Products(products) => set_products(system, products, cx),
        Move::Comment(text) => comment(system, text, cx),
    }
}

pub(super) fn add(system: &AiSystem, who: &Who, method: &Method) -> Result<(AiSystem, Role), Refused> {
    let role = held(system, &[Role::Analyst, Role::Reviewer], who)?;
    let missing = if system.name.trim().is_empty() { vec!["name"] } else { Vec::new() };
    fields(missing, "make a record")?;
    let fresh = AiSystem {
        review: ReviewState::New,
        sanction: Sanction::None,
        scope: Scope::Undetermined,
        decision: None,
        confirmations: Vec::new(),
        comments: Vec::new(),
        request: None,
        merged_into: None,
        ..system.clone()
    };
    if fresh != *system {
        return Err(Refused::new(
            Guard::State,
            "a new record is neither decided nor confirmed: make it, then decide",
        ));
    }
    let mut system = fresh;
    if system.risk_tier != Tier::Unassessed {
        keep_suggestion(&mut system, method)?;
    }
    Ok((system, role))
}

fn triage(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let role = role(system, &[Role::Analyst, Role::Reviewer], cx)?;
    state(system, &[ReviewState::New])?;
    moved(AiSystem { review: ReviewState::Triaged, ..system.clone() }, role)
}

fn start_review(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let role = role(system, &[Role::Analyst, Role::Reviewer], cx)?;
    state(system, &[ReviewState::Triaged, ReviewState::Reopened])?;
    owner_active(system, cx)?;
    moved(AiSystem { review: ReviewState::UnderReview, ..system.clone() }, role)
}

fn change_fields(
    system: &AiSystem,
    changes: &[(String, serde_json::Value)],
    cx: &Context<'_>,
) -> Result<Moved, Refused> {
    let role = if cx.answering.is_some() && is_owner(system, cx) {
        let beyond: Vec<&str> =
            changes.iter().map(|(name, _)| &name[..]).filter(|name| !OWNER_FIELDS.contains(name)).collect();
        if !beyond.is_empty() {
            return Err(Refused {
                guard: Guard::Role,
                says: format!("an owner does not set {}", beyond.join(", ")),
                missing: beyond.into_iter().map(str::to_owned).collect(),
            });
        }
        None
    } else {
        Some(role(system, &[Role::Analyst, Role::Reviewer], cx)?)
    };
    let mut next = edit(system, changes).map_err(|refused| Refused {
        guard: Guard::Fields,
        says: refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        missing: refused.into_iter().map(|one| one.field).collect(),
    })?;
    for person in [next.system_owner, next.risk_owner].into_iter().flatten() {
        let kept = [system.system_owner, system.risk_owner].contains(&Some(person));
        if !kept && (cx.active)(person) != Some(true) {
            return Err(Refused::new(
                Guard::OwnerActive,
                "an owner has to be an active person of the directory",
            ));
        }
    }
    if next.stage != system.stage
        && [next.stage, system.stage].iter().any(|stage| matches!(stage, Stage::Retired | Stage::Suspended))
    {
        return Err(Refused::new(
            Guard::State,
            "a system is retired on request, and suspended and resumed by a reviewer: not by editing",
        ));
    }
    if system.review == ReviewState::Decided
        && system.next_review_due.is_some()
        && next.next_review_due.is_none()
    {
        return Err(Refused {
            guard: Guard::Fields,
            says: "what is decided is looked at again: choose another day of its next review".to_owned(),
            missing: vec!["next_review_due".to_owned()],
        });
    }
    if let Some(of) = &next.part_of
        && (*of == system.id || (cx.other)(of).is_none())
    {
        return Err(Refused::new(Guard::Target, "the record that this one is part of is not there"));
    }
    // Whoever names the tier again, or gives another reason for it, has looked at what is suggested now.
    let assessed_anew = next.risk_tier != Tier::Unassessed
        && (changes.iter().any(|(name, _)| name == "risk_tier")
            || next.risk_tier_reason != system.risk_tier_reason);
    if next.risk_tier != system.risk_tier || assessed_anew {
        keep_suggestion(&mut next, cx.method)?;
    }
    // A role for a unit does not reach into another one by moving a record there.
    if let Some(role) = role
        && next.org_units != system.org_units
        && !cx.who.grants.hold(role, &next.units())
    {
        return Err(Refused::new(
            Guard::Acl,
            format!("the role {} is not held for every unit named", role.as_str()),
        ));
    }
    still_complete(&next, cx.today())?;
    // What an owner says about its effect may lift the demand for an assessment: then who decided looks again.
    let effect = |system: &AiSystem| (system.decision_impact, system.consequential_domain);
    let material = next.data_categories != system.data_categories
        || next.org_units != system.org_units
        || (role.is_none() && effect(&next) != effect(system));
    let unassessed = next.sanction == Sanction::Sanctioned && impact_assessed(&next, cx.today()).is_err();
    if next.review == ReviewState::Decided && (material || unassessed) {
        next.review = ReviewState::Reopened;
        next.reopened = Some(ReopenReason::MaterialChange);
        next.request = None;
    }
    Ok(Moved { system: next, other: None, task: None, role })
}

/// Keeps beside a tier what is suggested as it is set; a lower one takes a reason.
fn keep_suggestion(system: &mut AiSystem, method: &Method) -> Result<(), Refused> {
    let suggestion = method.suggest(system);
    if system.risk_tier < suggestion.tier && system.risk_tier_reason.is_none() {
        return Err(Refused {
            guard: Guard::Reason,
            says: format!("{} is suggested: say why the tier is a lower one", suggestion.words()),
            missing: vec!["risk_tier_reason".to_owned()],
        });
    }
    system.risk_method = Some(suggestion.method);
    system.risk_suggested = Some(suggestion.tier);
    Ok(())
}

fn set_products(system: &AiSystem, products: &BTreeSet<String>, cx: &Context<'_>) -> Result<Moved, Refused> {
    let role = role(system, &[Role::Analyst, Role::Reviewer], cx)?;
    if products.len() > crate::model::record::LIST_ENTRIES || products.iter().any(|id| id.trim().is_empty()) {
        return Err(Refused::new(Guard::Fields, "name between one and 100 products by their ids"));
    }
    let mut next = AiSystem { products: products.clone(), ..system.clone() };
    if next.review == ReviewState::Decided && next.products != system.products {
        next.review = ReviewState::Reopened;
        next.reopened = Some(ReopenReason::MaterialChange);
        next.request = None;
    }
    moved(next, role)
}

/// Says something about a record: who works on it, and who answers for it. It changes nothing else.
fn comment(system: &AiSystem, text: &str, cx: &Context<'_>) -> Result<Moved, Refused> {
    let role = match is_owner(system, cx) || is_oneself(system.risk_owner, cx) {
        true => None,
        false => Some(role(system, &[Role::Analyst, Role::Reviewer, Role::ScopeOwner], cx)?),
    };
    let text = text.trim();
    if text.is_empty() || text.chars().count() > COMMENT_CHARS || text.contains('\0') {
        return Err(Refused {
            guard: Guard::Fields,
            missing: vec!["note".to_owned()],
            says: format!("a comment has 1 to {COMMENT_CHARS} characters"),
        });
    }
    let mut next = system.clone();
    next.comments.push(Comment { by: cx.who.person, at_ms: cx.now_ms, text: text.to_owned() });
    let surplus = next.comments.len().saturating_sub(COMMENTS);
    next.comments.drain(..surplus);
    Ok(Moved { system: next, other: None, task: None, role })
}

fn prohibit(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let role = role(system, &[Role::Reviewer], cx)?;
    state(system, &[ReviewState::UnderReview])?;
    let mut next = system.clone();
    next.sanction = Sanction::Prohibited;
    next.conditions = None;
    next.expires_on = None;
    next.limited_to_units.clear();
    next.limited_to_versions.clear();
    decided(&mut next, None, cx)?;
    let task = Some(removal(&next, cx));
    Ok(Moved { system: next, other: None, task, role: Some(role) })
}

/// What was prohibited has to go: for its owner to see to or, where nobody active is named, for whoever works for its units.
fn removal(system: &AiSystem, cx: &Context<'_>) -> Task {
    Task {
        title: format!("Take {} out of use: it is prohibited", system.reference),
        details: system.decision.as_ref().map(|decision| decision.reason.clone()),
        purpose: Purpose::Removal,
        link: Some(Link::to(LinkKind::System, &system.id)),
        units: system.org_units.clone(),
        assignee: system.system_owner.filter(|owner| (cx.active)(*owner) == Some(true)),
        added_at_ms: cx.now_ms,
        ..Task::default()
    }
}

fn dismiss(
    system: &AiSystem,
    why: DismissReason,
    duplicate_of: Option<&str>,
    cx: &Context<'_>,
) -> Result<Moved, Refused> {
    let role = role(system, &[Role::Analyst, Role::Reviewer], cx)?;
    state(
        system,
        &[ReviewState::New, ReviewState::Triaged, ReviewState::UnderReview, ReviewState::Reopened],
    )?;
    reason(cx)?;
    let target = match (why, duplicate_of) {
        (DismissReason::DuplicateOf, Some(id)) => Some(pointed_at(system, id, cx)?.id),
        (DismissReason::DuplicateOf, None) => {
            return Err(Refused::new(Guard::Target, "name the record that this one doubles"));
        }
        _ => None,
    };
    let next = AiSystem {
        review: ReviewState::Dismissed,
        dismissed: Some(why),
        duplicate_of: target,
        reopened: None,
        request: None,
        basis: Some(cx.seen.basis()),
        ..system.clone()
    };
    moved(next, role)
}

fn reopen(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let roles: &[Role] = match system.review {
        ReviewState::Dismissed => &[Role::Analyst, Role::Reviewer],
        _ => &[Role::Reviewer],
    };
    let role = role(system, roles, cx)?;
    state(system, &[ReviewState::Decided, ReviewState::Dismissed])?;
    reason(cx)?;
    let next = AiSystem {
        review: ReviewState::Reopened,
        reopened: Some(ReopenReason::Manual),
        dismissed: None,
        duplicate_of: None,
        ..system.clone()
    };
    moved(next, role)
}

fn revoke(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let role = role(system, &[Role::Reviewer], cx)?;
    state(system, &[ReviewState::Decided])?;
    reason(cx)?;
    let next = AiSystem {
        review: ReviewState::Reopened,
        reopened: Some(ReopenReason::DecisionRevoked),
        revoked_at_ms: Some(cx.now_ms),
        request: None,
        ..system.clone()
    };
    moved(next, role)
}

fn scope_in(system: &AiSystem, justification: Option<&str>, cx: &Context<'_>) -> Result<Moved, Refused> {
    let role = role(system, &[Role::ScopeOwner], cx)?;
    let mut next = in_scope(system, justification, cx)?;
    next.scope_decided_by = Some(cx.who.person);
    next.scope_decided_at_ms = Some(cx.now_ms);
    moved(next, role)
}

fn scope_open(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let role = role(system, &[Role::ScopeOwner], cx)?;
    let version = draft(cx)?;
    reason(cx)?;
    let mut next = system.clone();
    next.scope = Scope::Undetermined;
    next.scope_justification = None;
    next.scope_version = Some(version);
    next.scope_decided_by = Some(cx.who.person);
    next.scope_decided_at_ms = Some(cx.now_ms);
    moved(next, role)
}

fn suspend(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let role = role(system, &[Role::Reviewer], cx)?;
    reason(cx)?;
    if matches!(system.stage, Stage::Retired | Stage::Suspended) {
        return Err(Refused::new(
            Guard::State,
            format!("it is {} already", system.stage.label().to_lowercase()),
        ));
    }
    moved(AiSystem { stage: Stage::Suspended, ..system.clone() }, role)
}

fn resume(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let role = role(system, &[Role::Reviewer], cx)?;
    reason(cx)?;
    if !matches!(system.stage, Stage::Retired | Stage::Suspended) {
        return Err(Refused::new(Guard::State, "it is neither suspended nor retired"));
    }
    let next =
        AiSystem { stage: Stage::Deployed, retired_on: None, disposal_evidence: None, ..system.clone() };
    moved(next, role)
}

fn enforce(
    system: &AiSystem,
    level: Enforcement,
    evidence: Option<&str>,
    cx: &Context<'_>,
) -> Result<Moved, Refused> {
    let role = role(system, &[Role::ItDeployer], cx)?;
    let evidence = evidence.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    if matches!(level, Enforcement::Partial | Enforcement::Full) && evidence.is_none() {
        return Err(Refused::new(
            Guard::Evidence,
            "say what shows it: a rule of the proxy, a policy of the device management",
        ));
    }
    moved(AiSystem { enforcement: level, enforcement_evidence: evidence, ..system.clone() }, role)
}

fn accept_residual(system: &AiSystem, note: &str, expires: Day, cx: &Context<'_>) -> Result<Moved, Refused> {
    if !is_oneself(system.risk_owner, cx) {
        return Err(Refused::new(
            Guard::Role,
            "only the risk owner of the record accepts what remains of its risk",
        ));
    }
    if note.trim().is_empty() {
        return Err(Refused::new(Guard::Reason, "say what remains"));
    }
    if expires <= cx.today() {
        return Err(Refused::new(Guard::Expiry, format!("{expires} does not lie ahead")));
    }
    let residual = Residual { by: cx.who.person, at_ms: cx.now_ms, expires, note: note.trim().to_owned() };
    Ok(Moved {
        system: AiSystem { residual: Some(residual), ..system.clone() },
        other: None,
        task: None,
        role: None,
    })
}

fn confirm(
    system: &AiSystem,
    campaign: Option<&str>,
    seen: &str,
    comment: Option<&str>,
    cx: &Context<'_>,
) -> Result<Moved, Refused> {
    if !is_owner(system, cx) {
        return Err(Refused::new(Guard::Role, "only the system owner confirms a record"));
    }
    if seen != cx.hash {
        return Err(Refused::new(
            Guard::Version,
            "the record changed after it was shown to you: look at it again, then confirm",
        ));
    }
    if campaign.is_some() && campaign != cx.answering {
        return Err(Refused::new(
            Guard::Target,
            "that is no campaign with an open row of yours for this record",
        ));
    }
    let mut next = system.clone();
    next.next_review_due = Some(cx.today().forward(cx.review_days));
    next.confirmations.push(Confirmation {
        campaign: campaign.map(str::to_owned),
        by: cx.who.person,
        at_ms: cx.now_ms,
        seen: seen.to_owned(),
        comment: comment.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned),
    });
    let surplus = next.confirmations.len().saturating_sub(CONFIRMATIONS);
    next.confirmations.drain(..surplus);
    Ok(Moved { system: next, other: None, task: None, role: None })
}
