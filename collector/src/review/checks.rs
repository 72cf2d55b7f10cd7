//! What several moves ask before they are made, each named by the guard that refuses.

use std::collections::BTreeSet;

use umbrascope_api::Day;

use super::{Context, Guard, JUSTIFICATION_CHARS, Moved, Refused, Who};
use crate::model::record::{
    AiSystem, AssessmentState, DataCategory, Decision, DecisionImpact, Domain, Request, ReviewState,
    Sanction, Scope, Tier, Tri, VersionLimit,
};
use crate::model::{Access, Deed, Role};

/// The first of these roles that the person holds for the record.
pub(super) fn role(system: &AiSystem, roles: &[Role], cx: &Context<'_>) -> Result<Role, Refused> {
    held(system, roles, cx.who)
}

pub(super) fn held(system: &AiSystem, roles: &[Role], who: &Who) -> Result<Role, Refused> {
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

pub(super) fn is_owner(system: &AiSystem, cx: &Context<'_>) -> bool {
    is_oneself(system.system_owner, cx)
}

/// Whether a part of the record's is the person's own. Who only reads plays none here, whatever the record says.
pub(super) fn is_oneself(part: Option<i64>, cx: &Context<'_>) -> bool {
    part == Some(cx.who.person) && cx.who.grants.access_somewhere(Deed::AnswerCampaign) >= Access::Write
}

pub(super) fn state(system: &AiSystem, allowed: &[ReviewState]) -> Result<(), Refused> {
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

pub(super) fn reason(cx: &Context<'_>) -> Result<String, Refused> {
    match cx.reason.trim() {
        "" => Err(Refused::new(Guard::Reason, "say why: a reason is missing")),
        reason => Ok(reason.to_owned()),
    }
}

pub(super) fn fields(missing: Vec<&str>, for_what: &str) -> Result<(), Refused> {
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refused {
        guard: Guard::Fields,
        says: format!("to {for_what}, set first: {}", missing.join(", ")),
        missing: missing.into_iter().map(str::to_owned).collect(),
    })
}

pub(super) fn owner_active(system: &AiSystem, cx: &Context<'_>) -> Result<(), Refused> {
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

/// Whether a decision may be limited to these units: the record belongs to each of them, so that who decides there decides on it.
pub(super) fn own_units(system: &AiSystem, units: &BTreeSet<i64>) -> Result<(), Refused> {
    if units.is_subset(&system.org_units) {
        return Ok(());
    }
    Err(Refused {
        guard: Guard::Fields,
        missing: vec!["limited_to_units".to_owned()],
        says: "a decision is limited to units that the record belongs to: choose among those".to_owned(),
    })
}

/// The limits by version with the products that they are of, each one of the record's; where it has but one, nobody has to name it.
pub(super) fn own_versions(
    system: &AiSystem,
    versions: &BTreeSet<VersionLimit>,
) -> Result<BTreeSet<VersionLimit>, Refused> {
    let only = system.products.first().filter(|_| system.products.len() == 1);
    let of = |limit: &VersionLimit| {
        let product = Some(&limit.product).filter(|product| !product.is_empty()).or(only);
        let product = product.filter(|product| system.products.contains(*product))?;
        Some(VersionLimit { product: product.clone(), ..limit.clone() })
    };
    versions.iter().map(of).collect::<Option<_>>().ok_or_else(|| Refused {
        guard: Guard::Fields,
        missing: vec!["limited_to_versions".to_owned()],
        says: format!(
            "a limit by version names one of the record's products: {}",
            system.products.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        ),
    })
}

pub(super) fn justified(text: &str) -> Result<String, Refused> {
    let text = text.trim();
    if text.chars().count() < JUSTIFICATION_CHARS {
        return Err(Refused::new(
            Guard::Justify,
            format!("the justification needs at least {JUSTIFICATION_CHARS} characters"),
        ));
    }
    Ok(text.to_owned())
}

pub(super) fn policy(cx: &Context<'_>) -> Result<String, Refused> {
    cx.policy.map(str::to_owned).ok_or_else(|| {
        Refused::new(
            Guard::Policy,
            "no version of the AI policy is in force today: record one under Settings first",
        )
    })
}

pub(super) fn expiry(last: Day, cx: &Context<'_>) -> Result<(), Refused> {
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

pub(super) fn draft(cx: &Context<'_>) -> Result<u64, Refused> {
    cx.draft.ok_or_else(|| {
        Refused::new(
            Guard::Frozen,
            "a scope statement waits for its second signature: sign it or send it back first",
        )
    })
}

pub(super) fn two_people(request: &Request, cx: &Context<'_>) -> Result<(), Refused> {
    if request.by == cx.who.person {
        return Err(Refused::new(Guard::FourEyes, "nobody decides on an own request: another person has to"));
    }
    cx.who.second_to(request.by, request.at_ms, cx.now_ms)
}

pub(super) fn decided(
    system: &mut AiSystem,
    requested_by: Option<i64>,
    cx: &Context<'_>,
) -> Result<(), Refused> {
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
    // A day ahead that somebody set stays; one that came is over with this decision, or it would reopen the record at once.
    if system.next_review_due.is_none_or(|due| due <= cx.today()) {
        system.next_review_due = Some(cx.today().forward(cx.review_days));
    }
    system.review = ReviewState::Decided;
    system.reopened = None;
    system.request = None;
    Ok(())
}

/// The record that this one doubles or goes into. It is there, it is not gone into another one, and no chain of doubles and of records that
/// went into others leads from it back here. The chain is followed for as long as there are records in it.
pub(super) fn pointed_at(system: &AiSystem, id: &str, cx: &Context<'_>) -> Result<AiSystem, Refused> {
    let no = |says: &str| Err(Refused::new(Guard::Target, says));
    if id == system.id {
        return no("a record neither doubles itself nor goes into itself");
    }
    let Some(target) = (cx.other)(id) else {
        return no("the record that is named is not there");
    };
    if target.is_merged() {
        return no("the record that is named went into another one: name that");
    }
    let links =
        |record: &AiSystem| [record.duplicate_of.clone(), record.merged_into.clone()].into_iter().flatten();
    let mut passed = BTreeSet::from([target.id.clone()]);
    let mut open: Vec<String> = links(&target).collect();
    while let Some(id) = open.pop() {
        if id == system.id {
            return no("the record that is named is itself a duplicate of this one: reopen it first");
        }
        if passed.insert(id.clone()) {
            open.extend((cx.other)(&id).iter().flat_map(links));
        }
    }
    Ok(target)
}

pub(super) fn moved(system: AiSystem, role: Role) -> Result<Moved, Refused> {
    Ok(Moved { system, other: None, task: None, role: Some(role) })
}

/// Names of the fields that a use that may go on for a time has to have and this one has not.
pub(super) fn required_for_tolerance(system: &AiSystem) -> Vec<&'static str> {
    [("purpose", system.purpose.is_none()), ("system_owner", system.system_owner.is_none())]
        .into_iter()
        .filter_map(|(name, missing)| missing.then_some(name))
        .collect()
}

/// Names of the fields that a use that may go on has to have and this one has not.
pub fn required_for_use(system: &AiSystem) -> Vec<&'static str> {
    let text = |text: &Option<String>| text.as_ref().is_none_or(|text| text.trim().is_empty());
    [
        ("purpose", text(&system.purpose)),
        ("intended_use", text(&system.intended_use)),
        ("foreseeable_misuse", text(&system.foreseeable_misuse)),
        ("decision_impact", system.decision_impact == DecisionImpact::Unknown),
        ("consequential_domain", system.consequential_domain == Domain::Unknown),
        ("system_owner", system.system_owner.is_none()),
        ("org_units", system.org_units.is_empty()),
        (
            "data_categories",
            system.data_categories.is_empty() || system.data_categories.contains(&DataCategory::Unknown),
        ),
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

pub(super) fn impact_assessed(system: &AiSystem, today: Day) -> Result<(), Refused> {
    if !system.needs_impact_assessment() || system.has_impact_assessment(today) {
        return Ok(());
    }
    let aiia = &system.aiia;
    let missing = [
        ("aiia.state", aiia.state != AssessmentState::Done),
        ("aiia.date", aiia.date.is_none_or(|made| made > today)),
        ("aiia.link", !aiia.is_kept()),
        ("aiia.expires", aiia.expires.is_some_and(|last| last < today)),
    ];
    Err(Refused {
        guard: Guard::Aiia,
        says: "its tier, class or effect on decisions demands an impact assessment, and none counts today: one that is done, with its \
            day and with a link to it or its SHA-256"
            .to_owned(),
        missing: missing.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name.to_owned()).collect(),
    })
}

/// Whether a record still has what it may be used with: what was decided counts while the record is open again, until it is decided
/// anew or taken back.
pub(super) fn still_complete(system: &AiSystem, today: Day) -> Result<(), Refused> {
    match system.effective_sanction(today) {
        Sanction::Sanctioned => fields(required_for_use(system), "keep it sanctioned")?,
        Sanction::Tolerated => fields(required_for_tolerance(system), "keep it tolerated")?,
        Sanction::None | Sanction::Prohibited => {}
    }
    if system.scope == Scope::In {
        fields(required_for_scope(system, true), "keep it in scope")?;
    }
    Ok(())
}

/// The record as one in scope, but for who decides so.
pub(super) fn in_scope(
    system: &AiSystem,
    justification: Option<&str>,
    cx: &Context<'_>,
) -> Result<AiSystem, Refused> {
    let version = draft(cx)?;
    fields(required_for_scope(system, cx.supplier_task), "put it in scope")?;
    owner_active(system, cx)?;
    let justification = justification.map(str::trim).filter(|text| !text.is_empty());
    Ok(AiSystem {
        scope: Scope::In,
        scope_justification: justification.map(str::to_owned),
        scope_version: Some(version),
        ..system.clone()
    })
}
