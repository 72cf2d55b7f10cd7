//! The moves, one by one, with their guards.

use std::collections::BTreeSet;

use umbrascope_api::Day;

use super::{Context, Guard, JUSTIFICATION_CHARS, Move, Moved, REASON_CHARS, Refused, Who};
use crate::model::record::{
    AiSystem, AssessmentState, CONFIRMATIONS, Confirmation, Decision, DecisionImpact, DismissReason,
    Enforcement, OWNER_FIELDS, ReopenReason, Request, Residual, ReviewState, Sanction, Scope, Stage, Tier,
    Tri, Wish, edit,
};
use crate::model::{Access, Deed, Role};

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
    }
}

// ── What several moves ask ───────────────────────────────────────────────────────────────────

/// The first of these roles that the person holds for the record.
fn role(system: &AiSystem, roles: &[Role], cx: &Context<'_>) -> Result<Role, Refused> {
    held(system, roles, cx.who)
}

fn held(system: &AiSystem, roles: &[Role], who: &Who) -> Result<Role, Refused> {
    let units = system.units();
    if let Some(role) = roles.iter().find(|role| who.grants.hold(**role, &units)) {
        return Ok(*role);
    }
    let named = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" or ");
    Err(if roles.iter().any(|role| who.grants.any(*role)) {
        Refused::new(Guard::Acl, format!("the role {named} is not held for every unit of this record"))
    } else {
        Refused::new(Guard::Role, format!("this takes the role {named}"))
    })
}

fn is_owner(system: &AiSystem, cx: &Context<'_>) -> bool {
    is_oneself(system.system_owner, cx)
}

/// Whether a part of the record's is the person's own. Who only reads plays none here, whatever the record says.
fn is_oneself(part: Option<i64>, cx: &Context<'_>) -> bool {
    part == Some(cx.who.person) && cx.who.grants.access_somewhere(Deed::AnswerCampaign) >= Access::Write
}

fn state(system: &AiSystem, allowed: &[ReviewState]) -> Result<(), Refused> {
    if allowed.contains(&system.review) {
        return Ok(());
    }
    let named = allowed.iter().map(|state| state.label().to_lowercase()).collect::<Vec<_>>().join(" or ");
    Err(Refused::new(
        Guard::State,
        format!(
            "the record is {}; this can be done when it is {named}",
            system.review.label().to_lowercase()
        ),
    ))
}

fn reason(cx: &Context<'_>) -> Result<String, Refused> {
    match cx.reason.trim() {
        "" => Err(Refused::new(Guard::Reason, "say why: a reason is missing")),
        reason => Ok(reason.to_owned()),
    }
}

fn fields(missing: Vec<&str>, for_what: &str) -> Result<(), Refused> {
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refused {
        guard: Guard::Fields,
        says: format!("to {for_what}, set first: {}", missing.join(", ")),
        missing: missing.into_iter().map(str::to_owned).collect(),
    })
}

fn owner_active(system: &AiSystem, cx: &Context<'_>) -> Result<(), Refused> {
    let owner = system.system_owner.ok_or_else(|| Refused {
        guard: Guard::Fields,
        says: "name the system owner first".to_owned(),
        missing: vec!["system_owner".to_owned()],
    })?;
    match (cx.active)(owner) {
        Some(true) => Ok(()),
        _ => Err(Refused::new(
            Guard::OwnerActive,
            "the system owner is no active person of the directory: name another one",
        )),
    }
}

fn justified(text: &str) -> Result<String, Refused> {
    let text = text.trim();
    if text.chars().count() < JUSTIFICATION_CHARS {
        return Err(Refused::new(
            Guard::Justify,
            format!("the justification needs at least {JUSTIFICATION_CHARS} characters"),
        ));
    }
    Ok(text.to_owned())
}

fn policy(cx: &Context<'_>) -> Result<String, Refused> {
    cx.policy.map(str::to_owned).ok_or_else(|| {
        Refused::new(
            Guard::Policy,
            "no version of the AI policy is in force today: record one under Settings first",
        )
    })
}

fn expiry(last: Day, cx: &Context<'_>) -> Result<(), Refused> {
    let today = cx.today();
    if last <= today {
        return Err(Refused::new(Guard::Expiry, format!("{last} does not lie ahead")));
    }
    let latest = today.forward(cx.tolerance_days);
    if last > latest {
        return Err(Refused::new(
            Guard::Expiry,
            format!("at most {} days are allowed: choose a day up to {latest}", cx.tolerance_days),
        ));
    }
    Ok(())
}

fn draft(cx: &Context<'_>) -> Result<u64, Refused> {
    cx.draft.ok_or_else(|| {
        Refused::new(
            Guard::Frozen,
            "a scope statement waits for its second signature: sign it or send it back first",
        )
    })
}

fn two_people(request: &Request, cx: &Context<'_>) -> Result<(), Refused> {
    if request.by == cx.who.person {
        return Err(Refused::new(Guard::FourEyes, "nobody decides on an own request: another person has to"));
    }
    Ok(())
}

fn decided(system: &mut AiSystem, requested_by: Option<i64>, cx: &Context<'_>) -> Result<(), Refused> {
    system.decision = Some(Decision {
        by: cx.who.person,
        requested_by,
        at_ms: cx.now_ms,
        reason: reason(cx)?,
        policy: policy(cx)?,
        coverage_percent: cx.coverage_percent,
    });
    system.revoked_at_ms = None;
    system.basis = Some(cx.seen.basis());
    system.review = ReviewState::Decided;
    system.reopened = None;
    system.request = None;
    Ok(())
}

fn moved(system: AiSystem, role: Role) -> Result<Moved, Refused> {
    Ok(Moved { system, other: None, role: Some(role) })
}

/// Names of the fields that a use that may go on has to have and this one has not.
pub fn required_for_use(system: &AiSystem) -> Vec<&'static str> {
    let text = |text: &Option<String>| text.as_ref().is_none_or(|text| text.trim().is_empty());
    [
        ("purpose", text(&system.purpose)),
        ("intended_use", text(&system.intended_use)),
        ("foreseeable_misuse", text(&system.foreseeable_misuse)),
        ("decision_impact", system.decision_impact == DecisionImpact::Unknown),
        ("system_owner", system.system_owner.is_none()),
        ("org_units", system.org_units.is_empty()),
        ("data_categories", system.data_categories.is_empty()),
        ("risk_tier", system.risk_tier == Tier::Unassessed),
    ]
    .into_iter()
    .filter_map(|(name, missing)| missing.then_some(name))
    .collect()
}

/// Names of the fields that a system in scope has to have and this one has not.
pub fn required_for_scope(system: &AiSystem, supplier_task: bool) -> Vec<&'static str> {
    let unassessed =
        system.third_party != Tri::No && system.supplier_assessment.state == AssessmentState::None;
    [
        ("org_roles", system.org_roles.is_empty()),
        ("system_owner", system.system_owner.is_none()),
        ("risk_owner", system.risk_owner.is_none()),
        ("org_units", system.org_units.is_empty()),
        ("supplier_assessment.state", unassessed && !supplier_task),
    ]
    .into_iter()
    .filter_map(|(name, missing)| missing.then_some(name))
    .collect()
}

fn impact_assessed(system: &AiSystem, today: Day) -> Result<(), Refused> {
    if system.needs_impact_assessment() && !system.aiia.is_valid(today) {
        return Err(Refused {
            guard: Guard::Aiia,
            says: "its tier, class or effect on decisions demands an impact assessment, and none counts today: attach one"
                .to_owned(),
            missing: vec!["aiia.state".to_owned(), "aiia.date".to_owned()],
        });
    }
    Ok(())
}

/// Whether a sanctioned record still has what it was sanctioned with.
fn still_complete(system: &AiSystem) -> Result<(), Refused> {
    let sanctioned = system.review == ReviewState::Decided && system.sanction == Sanction::Sanctioned;
    if sanctioned {
        fields(required_for_use(system), "keep it sanctioned")?;
    }
    if system.scope == Scope::In {
        fields(required_for_scope(system, true), "keep it in scope")?;
    }
    Ok(())
}

pub(super) fn add(system: &AiSystem, who: &Who) -> Result<Role, Refused> {
    let role = held(system, &[Role::Analyst, Role::Reviewer], who)?;
    let missing = if system.name.trim().is_empty() { vec!["name"] } else { Vec::new() };
    fields(missing, "make a record")?;
    let fresh = AiSystem {
        review: ReviewState::New,
        sanction: Sanction::None,
        scope: Scope::Undetermined,
        decision: None,
        confirmations: Vec::new(),
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
    Ok(role)
}

// ── The moves ────────────────────────────────────────────────────────────────────────────────

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
    if let Some(of) = &next.part_of
        && (*of == system.id || (cx.other)(of).is_none())
    {
        return Err(Refused::new(Guard::Target, "the record that this one is part of is not there"));
    }
    if next.risk_tier != system.risk_tier {
        let suggestion = cx.method.suggest(&next);
        if next.risk_tier < suggestion.tier && next.risk_tier_reason.is_none() {
            return Err(Refused {
                guard: Guard::Reason,
                says: format!("{} is suggested: say why the tier is a lower one", suggestion.words()),
                missing: vec!["risk_tier_reason".to_owned()],
            });
        }
        next.risk_method = Some(suggestion.method);
        next.risk_suggested = Some(suggestion.tier);
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
    still_complete(&next)?;
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
    Ok(Moved { system: next, other: None, role })
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

fn request(system: &AiSystem, wish: &Wish, cx: &Context<'_>) -> Result<Moved, Refused> {
    let owner_may = matches!(wish, Wish::Retire { .. });
    let role = match wish {
        Wish::ScopeOut { .. } => Some(role(system, &[Role::Analyst, Role::Reviewer, Role::ScopeOwner], cx)?),
        _ if owner_may && is_owner(system, cx) => None,
        _ => Some(role(system, &[Role::Analyst, Role::Reviewer], cx)?),
    };
    let reason = reason(cx)?;
    if system.request.is_some() {
        return Err(Refused::new(
            Guard::State,
            "something is asked for already: it has to be decided or taken back first",
        ));
    }
    granted(system, wish, cx)?;
    let request = Request { wish: wish.clone(), by: cx.who.person, at_ms: cx.now_ms, reason };
    Ok(Moved { system: AiSystem { request: Some(request), ..system.clone() }, other: None, role })
}

/// What would become of the record if the wish were granted, without who and why: asked on request and again on approval, since
/// the world moves in between.
fn granted(
    system: &AiSystem,
    wish: &Wish,
    cx: &Context<'_>,
) -> Result<(AiSystem, Option<AiSystem>), Refused> {
    let mut next = system.clone();
    match wish {
        Wish::Sanction { conditions } => {
            state(system, &[ReviewState::UnderReview])?;
            fields(required_for_use(system), "sanction it")?;
            owner_active(system, cx)?;
            impact_assessed(system, cx.today())?;
            policy(cx)?;
            next.sanction = Sanction::Sanctioned;
            next.conditions.clone_from(conditions);
            next.expires_on = None;
        }
        Wish::Tolerate { conditions, expires_on } => {
            state(system, &[ReviewState::UnderReview])?;
            let missing = [
                ("purpose", system.purpose.is_none()),
                ("system_owner", system.system_owner.is_none()),
                ("conditions", conditions.trim().is_empty()),
            ];
            fields(
                missing.into_iter().filter_map(|(name, missing)| missing.then_some(name)).collect(),
                "tolerate it",
            )?;
            owner_active(system, cx)?;
            expiry(*expires_on, cx)?;
            policy(cx)?;
            next.sanction = Sanction::Tolerated;
            next.conditions = Some(conditions.trim().to_owned());
            next.expires_on = Some(*expires_on);
        }
        Wish::ScopeOut { justification } => {
            let justification = justified(justification)?;
            next.scope_version = Some(draft(cx)?);
            next.scope = Scope::Out;
            next.scope_justification = Some(justification);
        }
        Wish::Retire { retired_on, disposal_evidence } => {
            if disposal_evidence.trim().is_empty() {
                return Err(Refused::new(
                    Guard::Disposal,
                    "say what shows that nothing of it is left: accounts closed, data deleted, software removed",
                ));
            }
            if *retired_on > cx.today() {
                return Err(Refused::new(Guard::Fields, format!("{retired_on} is not over yet")));
            }
            if system.stage == Stage::Retired {
                return Err(Refused::new(Guard::State, "it is retired already"));
            }
            next.stage = Stage::Retired;
            next.retired_on = Some(*retired_on);
            next.disposal_evidence = Some(disposal_evidence.trim().to_owned());
        }
        Wish::Merge { into } => return merged(system, into, cx),
        Wish::Split { products, name } => return split(system, products, name, cx),
    }
    Ok((next, None))
}

fn merged(system: &AiSystem, into: &str, cx: &Context<'_>) -> Result<(AiSystem, Option<AiSystem>), Refused> {
    let no = |says: &str| Err(Refused::new(Guard::Target, says));
    if into == system.id {
        return no("a record does not go into itself");
    }
    let Some(mut target) = (cx.other)(into) else {
        return no("the record that it is to go into is not there");
    };
    if target.is_merged() {
        return no("the record that it is to go into went into another one: name that");
    }
    if target.duplicate_of.as_deref() == Some(system.id.as_str()) {
        return no("that record was dismissed as a duplicate of this one: reopen it first");
    }
    target.products.extend(system.products.iter().cloned());
    target.merged_from.push(system.id.clone());
    target.merged_from.sort();
    target.first_seen = [target.first_seen, system.first_seen].into_iter().flatten().min();
    if target.review == ReviewState::Decided {
        target.review = ReviewState::Reopened;
        target.reopened = Some(ReopenReason::MaterialChange);
        target.request = None;
    }
    let source = AiSystem { merged_into: Some(into.to_owned()), request: None, ..system.clone() };
    Ok((source, Some(target)))
}

fn split(
    system: &AiSystem,
    products: &BTreeSet<String>,
    name: &str,
    cx: &Context<'_>,
) -> Result<(AiSystem, Option<AiSystem>), Refused> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Refused::new(Guard::Fields, "name the new record"));
    }
    if products.is_empty() || !products.is_subset(&system.products) || *products == system.products {
        return Err(Refused::new(
            Guard::Target,
            "choose some, and not all, of the products of this record for the new one",
        ));
    }
    let (id, reference) = (cx.new_record)();
    let new = AiSystem {
        id,
        reference,
        name: name.to_owned(),
        kind: system.kind,
        demonstration: system.demonstration,
        products: products.clone(),
        first_seen: system.first_seen,
        observed: system.observed,
        system_owner: system.system_owner,
        org_units: system.org_units.clone(),
        review: ReviewState::Triaged,
        split_from: Some(system.id.clone()),
        ..AiSystem::default()
    };
    let mut rest = system.clone();
    rest.products = rest.products.difference(products).cloned().collect();
    if rest.review == ReviewState::Decided {
        rest.review = ReviewState::Reopened;
        rest.reopened = Some(ReopenReason::MaterialChange);
    }
    rest.request = None;
    Ok((rest, Some(new)))
}

fn asked(system: &AiSystem) -> Result<&Request, Refused> {
    system.request.as_ref().ok_or_else(|| Refused::new(Guard::State, "nothing is asked for on this record"))
}

fn withdraw(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let request = asked(system)?;
    if !is_oneself(Some(request.by), cx) {
        return Err(Refused::new(Guard::Role, "only who asked takes it back; a reviewer can decline it"));
    }
    Ok(Moved { system: AiSystem { request: None, ..system.clone() }, other: None, role: None })
}

fn decider(wish: &Wish) -> Role {
    match wish {
        Wish::ScopeOut { .. } => Role::ScopeOwner,
        _ => Role::Reviewer,
    }
}

fn decline(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let request = asked(system)?;
    let role = role(system, &[decider(&request.wish)], cx)?;
    reason(cx)?;
    moved(AiSystem { request: None, ..system.clone() }, role)
}

fn approve(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let request = asked(system)?.clone();
    let role = role(system, &[decider(&request.wish)], cx)?;
    two_people(&request, cx)?;
    reason(cx)?;
    let (mut next, mut other) = granted(system, &request.wish, cx)?;
    next.request = None;
    match &request.wish {
        Wish::Sanction { .. } | Wish::Tolerate { .. } => decided(&mut next, Some(request.by), cx)?,
        Wish::ScopeOut { .. } => {
            next.scope_decided_by = Some(cx.who.person);
            next.scope_decided_at_ms = Some(cx.now_ms);
        }
        Wish::Retire { .. } => next.basis = Some(cx.seen.basis()),
        Wish::Merge { .. } => {
            if let Some(target) = &other {
                self::role(target, &[Role::Reviewer], cx)?;
            }
        }
        Wish::Split { .. } => {
            if let Some(new) = &mut other {
                new.labels = system.labels.clone();
            }
        }
    }
    Ok(Moved { system: next, other, role: Some(role) })
}

fn prohibit(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let role = role(system, &[Role::Reviewer], cx)?;
    state(system, &[ReviewState::UnderReview])?;
    let mut next = system.clone();
    next.sanction = Sanction::Prohibited;
    next.conditions = None;
    next.expires_on = None;
    decided(&mut next, None, cx)?;
    moved(next, role)
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
        (DismissReason::DuplicateOf, Some(id)) => {
            no_circle(system, id, cx)?;
            Some(id.to_owned())
        }
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

/// A chain of duplicates ends, and not here. It is followed for as long as there could be records in it.
fn no_circle(system: &AiSystem, id: &str, cx: &Context<'_>) -> Result<(), Refused> {
    let mut next = Some(id.to_owned());
    let mut passed = BTreeSet::from([system.id.clone()]);
    while let Some(id) = next {
        if !passed.insert(id.clone()) {
            return Err(Refused::new(Guard::Target, "that record is itself a duplicate of this one"));
        }
        let Some(other) = (cx.other)(&id) else {
            return Err(Refused::new(Guard::Target, "the record that this one doubles is not there"));
        };
        next = other.duplicate_of;
    }
    Ok(())
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
    let version = draft(cx)?;
    fields(required_for_scope(system, cx.supplier_task), "put it in scope")?;
    owner_active(system, cx)?;
    let mut next = system.clone();
    next.scope = Scope::In;
    next.scope_justification =
        justification.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    next.scope_version = Some(version);
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
    Ok(Moved { system: AiSystem { residual: Some(residual), ..system.clone() }, other: None, role: None })
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
    Ok(Moved { system: next, other: None, role: None })
}
