//! What one person asks for and another decides: a use, a scope, the end of a record.

use std::collections::BTreeSet;

use super::checks::{
    decided, draft, expiry, fields, impact_assessed, in_scope, is_oneself, is_owner, justified, moved,
    own_units, own_versions, owner_active, pointed_at, policy, reason, required_for_tolerance,
    required_for_use, role, state, two_people,
};
use super::{Context, Guard, Moved, Refused};
use crate::model::Role;
use crate::model::record::{AiSystem, ReopenReason, Request, ReviewState, Sanction, Scope, Stage, Wish};

pub(super) fn request(system: &AiSystem, wish: &Wish, cx: &Context<'_>) -> Result<Moved, Refused> {
    let owner_may = matches!(wish, Wish::Retire { .. });
    let role = match wish {
        Wish::ScopeIn { .. } | Wish::ScopeOut { .. } => {
            Some(role(system, &[Role::Analyst, Role::Reviewer, Role::ScopeOwner], cx)?)
        }
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
    Ok(Moved { system: AiSystem { request: Some(request), ..system.clone() }, other: None, task: None, role })
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
        Wish::Sanction { conditions, limit } => {
            state(system, &[ReviewState::UnderReview])?;
            fields(required_for_use(system), "sanction it")?;
            owner_active(system, cx)?;
            impact_assessed(system, cx.today())?;
            own_units(system, &limit.units)?;
            let versions = own_versions(system, &limit.versions)?;
            policy(cx)?;
            next.sanction = Sanction::Sanctioned;
            next.conditions.clone_from(conditions);
            next.expires_on = None;
            next.limited_to_units.clone_from(&limit.units);
            next.limited_to_versions = versions;
        }
        Wish::Tolerate { conditions, expires_on, limit } => {
            state(system, &[ReviewState::UnderReview])?;
            let mut missing = required_for_tolerance(system);
            missing.extend(conditions.trim().is_empty().then_some("conditions"));
            fields(missing, "tolerate it")?;
            owner_active(system, cx)?;
            expiry(*expires_on, cx)?;
            own_units(system, &limit.units)?;
            let versions = own_versions(system, &limit.versions)?;
            policy(cx)?;
            next.sanction = Sanction::Tolerated;
            next.conditions = Some(conditions.trim().to_owned());
            next.expires_on = Some(*expires_on);
            next.limited_to_units.clone_from(&limit.units);
            next.limited_to_versions = versions;
        }
        Wish::ScopeIn { justification } => {
            if system.scope == Scope::In {
                return Err(Refused::new(Guard::State, "it is in scope already"));
            }
            next = in_scope(system, justification.as_deref(), cx)?;
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
    let mut target = pointed_at(system, into, cx)?;
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

pub(super) fn withdraw(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let request = asked(system)?;
    if !is_oneself(Some(request.by), cx) {
        return Err(Refused::new(Guard::Role, "only who asked takes it back; a reviewer can decline it"));
    }
    Ok(Moved { system: AiSystem { request: None, ..system.clone() }, other: None, task: None, role: None })
}

pub(super) fn decline(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let request = asked(system)?;
    let role = role(system, &[request.wish.decider()], cx)?;
    reason(cx)?;
    moved(AiSystem { request: None, ..system.clone() }, role)
}

pub(super) fn approve(system: &AiSystem, cx: &Context<'_>) -> Result<Moved, Refused> {
    let request = asked(system)?.clone();
    let role = role(system, &[request.wish.decider()], cx)?;
    two_people(&request, cx)?;
    reason(cx)?;
    let (mut next, mut other) = granted(system, &request.wish, cx)?;
    next.request = None;
    match &request.wish {
        Wish::Sanction { .. } | Wish::Tolerate { .. } => decided(&mut next, Some(request.by), cx)?,
        Wish::ScopeIn { .. } | Wish::ScopeOut { .. } => {
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
    Ok(Moved { system: next, other, task: None, role: Some(role) })
}
