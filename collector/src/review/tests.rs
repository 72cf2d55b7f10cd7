//! The moves and their guards one by one; the machine's invariants (governance reference, c.3) over any history stand in [`histories`].

mod histories;

use std::collections::BTreeMap;

use serde_json::json;
use umbrascope_api::Day;

use super::*;
use crate::model::Grant;
use crate::model::record::{
    Assessment, AssessmentState, DataCategory, DecisionImpact, Domain, Limit, Observed, OrgRole,
    ReopenReason, Request, ReviewState, Sanction, Scope, Stage, Tier, Tri,
};
use crate::model::task::{Link, LinkKind, Purpose};

const TODAY: u32 = 20_784;
const REVIEW_DAYS: u32 = 365;
const ANALYST: i64 = 1;
const REVIEWER: i64 = 2;
const SCOPE_OWNER: i64 = 3;
const OWNER: i64 = 4;
const DEPLOYER: i64 = 5;
const AUDITOR: i64 = 6;
const ADMINISTRATOR: i64 = 7;
/// Analyst and reviewer in one.
const BOTH: i64 = 8;
/// Reviewer of unit 9 only.
const ELSEWHERE: i64 = 9;
const LEFT: i64 = 10;
const PRIVACY_OFFICER: i64 = 11;

fn day(number: u32) -> Day {
    Day::from_number(number).unwrap()
}

fn who(person: i64) -> Who {
    let roles: &[(Role, Option<i64>)] = match person {
        ANALYST => &[(Role::Analyst, None)],
        REVIEWER => &[(Role::Reviewer, None)],
        SCOPE_OWNER => &[(Role::ScopeOwner, None)],
        DEPLOYER => &[(Role::ItDeployer, None)],
        AUDITOR => &[(Role::Auditor, None), (Role::WorksCouncil, None)],
        PRIVACY_OFFICER => &[(Role::PrivacyOfficer, None)],
        ADMINISTRATOR => &[(Role::Administrator, None)],
        BOTH => &[(Role::Analyst, None), (Role::Reviewer, None), (Role::ScopeOwner, None)],
        ELSEWHERE => &[(Role::Reviewer, Some(9))],
        _ => &[],
    };
    Who {
        person,
        grants: Grants(roles.iter().map(|(role, unit)| Grant { role: *role, unit: *unit }).collect()),
        ..Who::default()
    }
}

/// What stands around one record.
struct World {
    today: u32,
    policy: Option<&'static str>,
    draft: Option<u64>,
    seen: Seen,
    others: BTreeMap<String, AiSystem>,
}

impl Default for World {
    fn default() -> Self {
        let other = AiSystem {
            id: "other".into(),
            reference: "AIS-0002".into(),
            name: "Other".into(),
            ..AiSystem::default()
        };
        let double = AiSystem { id: "double".into(), duplicate_of: Some("it".into()), ..other.clone() };
        Self {
            today: TODAY,
            policy: Some("2026-1"),
            draft: Some(1),
            seen: Seen { days: Some((day(TODAY - 5), day(TODAY))), ..Seen::default() },
            others: [("other".into(), other), ("double".into(), double)].into(),
        }
    }
}

impl World {
    fn take(&self, system: &AiSystem, person: i64, reason: &str, step: &Move) -> Result<Moved, Refused> {
        let who = who(person);
        take(
            system,
            step,
            &Context {
                who: &who,
                reason,
                now_ms: day(self.today).unix_ms(),
                method: &Method::built_in(),
                policy: self.policy,
                tolerance_days: 180,
                draft: self.draft,
                coverage_percent: None,
                seen: &self.seen,
                review_days: REVIEW_DAYS,
                hash: "ab",
                answering: None,
                supplier_task: false,
                active: &|person| match person {
                    LEFT => Some(false),
                    1..=9 | PRIVACY_OFFICER => Some(true),
                    _ => None,
                },
                other: &|id| self.others.get(id).cloned(),
                new_record: &|| ("new".into(), "AIS-0099".into()),
            },
        )
    }

    fn must(&self, system: &AiSystem, person: i64, step: &Move) -> AiSystem {
        self.take(system, person, "because", step).unwrap().system
    }
}

fn fresh() -> AiSystem {
    AiSystem {
        id: "it".into(),
        reference: "AIS-0001".into(),
        name: "Drafting".into(),
        products: ["acme.chat".to_owned(), "acme.notes".to_owned()].into(),
        observed: Observed::Active,
        first_seen: Some(day(TODAY - 5)),
        ..AiSystem::default()
    }
}

/// With every field that a sanctioned system in scope needs.
fn complete() -> AiSystem {
    AiSystem {
        purpose: Some("Drafts letters".into()),
        intended_use: Some("Letters to suppliers".into()),
        foreseeable_misuse: Some("Letters of dismissal".into()),
        decision_impact: DecisionImpact::None,
        consequential_domain: Domain::None,
        system_owner: Some(OWNER),
        risk_owner: Some(OWNER),
        org_units: [3].into(),
        org_roles: [OrgRole::Deployer].into(),
        data_categories: [DataCategory::Internal].into(),
        risk_tier: Tier::Limited,
        third_party: Tri::No,
        ..fresh()
    }
}

fn under_review() -> AiSystem {
    AiSystem { review: ReviewState::UnderReview, ..complete() }
}

fn sanctioned(world: &World) -> AiSystem {
    let asked = world.must(&under_review(), ANALYST, &Move::Request(Wish::sanction()));
    world.must(&asked, REVIEWER, &Move::Approve)
}

fn guard(result: Result<Moved, Refused>) -> Guard {
    result.unwrap_err().guard
}

#[test]
fn a_candidate_is_triaged_reviewed_and_sanctioned_by_two_people() {
    let world = World::default();
    let system = world.must(&complete(), ANALYST, &Move::Triage);
    let system = world.must(&system, ANALYST, &Move::StartReview);
    let asked = world.must(&system, ANALYST, &Move::Request(Wish::sanction()));
    assert_eq!((asked.sanction, asked.review), (Sanction::None, ReviewState::UnderReview));
    assert_eq!(guard(world.take(&asked, ANALYST, "because", &Move::Approve)), Guard::Role);
    let system = world.must(&asked, REVIEWER, &Move::Approve);
    assert_eq!((system.sanction, system.review), (Sanction::Sanctioned, ReviewState::Decided));
    let decision = system.decision.unwrap();
    assert_eq!(
        (decision.by, decision.requested_by, &decision.policy[..]),
        (REVIEWER, Some(ANALYST), "2026-1")
    );
}

#[test]
fn nobody_approves_an_own_request_in_another_role() {
    let world = World::default();
    let asked = world.must(&under_review(), BOTH, &Move::Request(Wish::sanction()));
    assert_eq!(guard(world.take(&asked, BOTH, "because", &Move::Approve)), Guard::FourEyes);
    assert!(world.take(&asked, REVIEWER, "because", &Move::Approve).is_ok());
}

#[test]
fn each_guard_says_what_is_missing() {
    let world = World::default();
    let wish = Move::Request(Wish::sanction());
    let bare = AiSystem { review: ReviewState::UnderReview, system_owner: Some(OWNER), ..fresh() };
    let refused = world.take(&bare, ANALYST, "because", &wish).unwrap_err();
    assert_eq!(refused.guard, Guard::Fields);
    assert_eq!(
        refused.missing,
        [
            "purpose",
            "intended_use",
            "foreseeable_misuse",
            "decision_impact",
            "consequential_domain",
            "org_units",
            "data_categories",
            "risk_tier"
        ]
    );
    assert_eq!(guard(world.take(&under_review(), ANALYST, "  ", &wish)), Guard::Reason);
    assert_eq!(guard(world.take(&complete(), ANALYST, "because", &wish)), Guard::State);
    let high = AiSystem { risk_tier: Tier::High, ..under_review() };
    assert_eq!(guard(world.take(&high, ANALYST, "because", &wish)), Guard::Aiia);
    let unsure = AiSystem {
        data_categories: [DataCategory::Internal, DataCategory::Unknown].into(),
        consequential_domain: Domain::Unknown,
        ..under_review()
    };
    let refused = world.take(&unsure, ANALYST, "because", &wish).unwrap_err();
    assert_eq!(
        (refused.guard, &refused.missing[..]),
        (Guard::Fields, &["consequential_domain".to_owned(), "data_categories".to_owned()][..])
    );
    let left = AiSystem { system_owner: Some(LEFT), ..under_review() };
    assert_eq!(guard(world.take(&left, ANALYST, "because", &wish)), Guard::OwnerActive);
    let no_policy = World { policy: None, ..World::default() };
    assert_eq!(guard(no_policy.take(&under_review(), ANALYST, "because", &wish)), Guard::Policy);
    let late = |days| {
        Move::Request(Wish::Tolerate {
            conditions: "no personal data".into(),
            expires_on: day(TODAY + days),
            limit: Limit::default(),
        })
    };
    assert_eq!(guard(world.take(&under_review(), ANALYST, "because", &late(0))), Guard::Expiry);
    assert_eq!(guard(world.take(&under_review(), ANALYST, "because", &late(181))), Guard::Expiry);
    assert!(world.take(&under_review(), ANALYST, "because", &late(180)).is_ok());
    assert_eq!(guard(world.take(&under_review(), ELSEWHERE, "because", &Move::Prohibit)), Guard::Acl);
    assert_eq!(guard(world.take(&under_review(), ADMINISTRATOR, "because", &Move::Prohibit)), Guard::Role);
    let short = Move::Request(Wish::ScopeOut { justification: "too short".into() });
    assert_eq!(guard(world.take(&complete(), ANALYST, "because", &short)), Guard::Justify);
    let frozen = World { draft: None, ..World::default() };
    assert_eq!(
        guard(frozen.take(&complete(), SCOPE_OWNER, "because", &Move::ScopeIn { justification: None })),
        Guard::Frozen
    );
    let enforce = Move::Enforce { level: Enforcement::Full, evidence: None };
    assert_eq!(guard(world.take(&complete(), DEPLOYER, "because", &enforce)), Guard::Evidence);
    let retire = Move::Request(Wish::Retire { retired_on: day(TODAY), disposal_evidence: " ".into() });
    assert_eq!(guard(world.take(&complete(), OWNER, "because", &retire)), Guard::Disposal);
    for target in ["it", "double", "nowhere"] {
        let dismiss = Move::Dismiss { why: DismissReason::DuplicateOf, duplicate_of: Some(target.into()) };
        assert_eq!(guard(world.take(&fresh(), ANALYST, "because", &dismiss)), Guard::Target, "{target}");
        let merge = Move::Request(Wish::Merge { into: target.into() });
        assert_eq!(guard(world.take(&fresh(), ANALYST, "because", &merge)), Guard::Target, "{target}");
    }
}

#[test]
fn an_impact_assessment_counts_when_it_is_done_dated_and_named() {
    let world = World::default();
    let wish = Move::Request(Wish::sanction());
    let counts = Assessment {
        state: AssessmentState::Done,
        date: Some(day(TODAY)),
        link: Some("DOC-7".into()),
        ..Assessment::default()
    };
    let high = |aiia: &Assessment| AiSystem { risk_tier: Tier::High, aiia: aiia.clone(), ..under_review() };
    let lacks = |aiia: Assessment| {
        let refused = world.take(&high(&aiia), ANALYST, "because", &wish).unwrap_err();
        assert_eq!(refused.guard, Guard::Aiia);
        refused.missing
    };
    assert!(world.take(&high(&counts), ANALYST, "because", &wish).is_ok());
    let hashed = Assessment { link: None, sha256: Some("ab".repeat(32)), ..counts.clone() };
    assert!(world.take(&high(&hashed), ANALYST, "because", &wish).is_ok());
    assert_eq!(lacks(Assessment::default()), ["aiia.state", "aiia.date", "aiia.link"]);
    assert_eq!(lacks(Assessment { date: None, ..counts.clone() }), ["aiia.date"]);
    assert_eq!(lacks(Assessment { date: Some(day(TODAY + 1)), ..counts.clone() }), ["aiia.date"]);
    assert_eq!(lacks(Assessment { link: None, ..counts.clone() }), ["aiia.link"]);
    assert_eq!(lacks(Assessment { expires: Some(day(TODAY - 1)), ..counts }), ["aiia.expires"]);
    for (domain, needs) in [(Domain::None, false), (Domain::Unknown, true), (Domain::Credit, true)] {
        let heavy = AiSystem {
            decision_impact: DecisionImpact::Decides,
            consequential_domain: domain,
            ..under_review()
        };
        assert_eq!(heavy.needs_impact_assessment(), needs, "{domain:?}");
    }
}

#[test]
fn what_is_tolerated_ends_and_the_decision_stays_as_it_was_recorded() {
    let world = World::default();
    let last = day(TODAY + 30);
    let wish =
        Wish::Tolerate { conditions: "no personal data".into(), expires_on: last, limit: Limit::default() };
    let asked = world.must(&under_review(), ANALYST, &Move::Request(wish));
    let system = world.must(&asked, REVIEWER, &Move::Approve);
    assert_eq!(tick(&system, last), system, "it counts on its last day");
    let after = tick(&system, last.forward(1));
    assert_eq!((after.review, after.reopened), (ReviewState::Reopened, Some(ReopenReason::Expired)));
    assert_eq!(
        (after.sanction, after.effective_sanction(last.forward(1))),
        (Sanction::Tolerated, Sanction::None)
    );
    assert_eq!(after.decision, system.decision);
}

#[test]
fn a_decision_counts_in_the_units_that_it_names_and_stays_whatever_is_seen_elsewhere() {
    let seen = Seen { units: [3, 4].into(), ..World::default().seen };
    let world = World { seen, ..World::default() };
    let system = AiSystem { org_units: [3, 4].into(), ..under_review() };
    let wish = |units: &[i64]| Wish::Sanction {
        conditions: None,
        limit: Limit { units: units.iter().copied().collect(), ..Limit::default() },
    };
    let refused = world.take(&system, ANALYST, "r", &Move::Request(wish(&[3, 5]))).unwrap_err();
    assert_eq!((refused.guard, &refused.missing[..]), (Guard::Fields, &["limited_to_units".to_owned()][..]));
    let asked = world.must(&system, ANALYST, &Move::Request(wish(&[3])));
    let decided = world.must(&asked, REVIEWER, &Move::Approve);
    assert_eq!(decided.limited_to_units, [3].into());
    assert_eq!(decided.outside_limit(&world.seen, day(TODAY)), [4].into());
    assert_eq!(observe(&decided, &world.seen, day(TODAY)), decided, "unit 4 was known when it was decided");
    // Elsewhere again: it is open, and the decision stays as it was recorded.
    let more = Seen { units: [3, 4, 6].into(), ..world.seen.clone() };
    let after = observe(&decided, &more, day(TODAY));
    assert_eq!((after.reopened, after.sanction), (Some(ReopenReason::MaterialChange), Sanction::Sanctioned));
    assert_eq!((&after.decision, &after.limited_to_units), (&decided.decision, &decided.limited_to_units));
    assert_eq!(after.outside_limit(&more, day(TODAY)), [4, 6].into());
    // What lets nobody use it has no limit to be outside of.
    let revoked = world.must(&decided, REVIEWER, &Move::Revoke);
    assert_eq!(revoked.outside_limit(&more, day(TODAY)), [].into());
    let again = world.must(&revoked, ANALYST, &Move::StartReview);
    let wide = world.must(&again, ANALYST, &Move::Request(Wish::sanction()));
    let wide = world.must(&wide, REVIEWER, &Move::Approve);
    assert_eq!((wide.limited_to_units.len(), wide.outside_limit(&more, day(TODAY)).len()), (0, 0));
    let prohibited = world.must(&again, REVIEWER, &Move::Prohibit);
    assert!(prohibited.limited_to_units.is_empty());
    let until = Wish::Tolerate {
        conditions: "drafts".into(),
        expires_on: day(TODAY + 9),
        limit: Limit { units: [4].into(), ..Limit::default() },
    };
    let tolerated = world.must(&again, ANALYST, &Move::Request(until));
    let tolerated = world.must(&tolerated, REVIEWER, &Move::Approve);
    assert_eq!(tolerated.outside_limit(&more, day(TODAY + 9)), [3, 6].into());
    assert_eq!(tolerated.outside_limit(&more, day(TODAY + 10)), [].into(), "it counts no more");
}

#[test]
fn a_retired_system_that_is_seen_again_is_reopened_and_stays_retired() {
    let world = World::default();
    let system = sanctioned(&world);
    let wish = Wish::Retire { retired_on: day(TODAY), disposal_evidence: "accounts closed".into() };
    let asked = world.must(&system, OWNER, &Move::Request(wish));
    let retired = world.must(&asked, REVIEWER, &Move::Approve);
    assert_eq!(observe(&retired, &world.seen, day(TODAY)), retired);
    let again = Seen { days: Some((day(TODAY - 5), day(TODAY + 9))), ..Seen::default() };
    let seen = observe(&retired, &again, day(TODAY + 9));
    assert_eq!((seen.review, seen.reopened), (ReviewState::Reopened, Some(ReopenReason::Resurfaced)));
    assert_eq!((seen.stage, seen.retired_on), (Stage::Retired, Some(day(TODAY))));
}

#[test]
fn a_new_flag_reopens_what_was_decided_without_it() {
    let world = World::default();
    let system = sanctioned(&world);
    let flagged = Seen { flags: ["approval-bypass".to_owned()].into(), ..world.seen.clone() };
    let reopened = observe(&system, &flagged, day(TODAY));
    assert_eq!(reopened.reopened, Some(ReopenReason::MaterialChange));
    assert_eq!(flagged.beyond(system.basis.as_ref().unwrap()), ["flag approval-bypass"]);
    // Decided with it, it stays.
    let knowing = World { seen: flagged.clone(), ..World::default() };
    let reviewed = knowing.must(&reopened, ANALYST, &Move::StartReview);
    let asked = knowing.must(&reviewed, ANALYST, &Move::Request(Wish::sanction()));
    let again = knowing.must(&asked, REVIEWER, &Move::Approve);
    assert_eq!(observe(&again, &flagged, day(TODAY)), again);
}

#[test]
fn a_sanctioned_record_keeps_what_it_was_sanctioned_with() {
    let world = World::default();
    let system = sanctioned(&world);
    let clear = Move::Edit(vec![("purpose".into(), json!(null))]);
    assert_eq!(guard(world.take(&system, ANALYST, "because", &clear)), Guard::Fields);
    let reopened = world.must(&system, REVIEWER, &Move::Reopen);
    assert_eq!(guard(world.take(&reopened, ANALYST, "because", &clear)), Guard::Fields, "it still counts");
    let revoked = world.must(&system, REVIEWER, &Move::Revoke);
    assert_eq!(world.must(&revoked, ANALYST, &clear).purpose, None);
    let worse = Move::Edit(vec![("risk_tier".into(), json!("high"))]);
    let reopened = world.must(&system, ANALYST, &worse);
    assert_eq!(reopened.reopened, Some(ReopenReason::MaterialChange), "it now needs an impact assessment");
    let wording = Move::Edit(vec![("outputs".into(), json!("letters"))]);
    assert_eq!(world.must(&system, ANALYST, &wording).review, ReviewState::Decided);
}

#[test]
fn a_tier_below_the_suggestion_needs_a_reason_and_both_are_kept() {
    let world = World::default();
    let heavy = AiSystem {
        decision_impact: DecisionImpact::Decides,
        consequential_domain: Domain::Employment,
        ..complete()
    };
    let lower = |reason: Value| {
        Move::Edit(vec![("risk_tier".into(), json!("minimal")), ("risk_tier_reason".into(), reason)])
    };
    assert_eq!(guard(world.take(&heavy, ANALYST, "", &lower(json!(null)))), Guard::Reason);
    let set = world.must(&heavy, ANALYST, &lower(json!("a person decides each case anew")));
    assert_eq!((set.risk_tier, set.risk_suggested), (Tier::Minimal, Some(Tier::High)));
    assert_eq!(set.risk_method.as_deref(), Some("umbrascope-1"));
}

#[test]
fn a_tier_whose_inputs_changed_is_flagged_until_a_person_assesses_it_anew() {
    let world = World::default();
    let edit = |fields: &[(&str, Value)]| {
        Move::Edit(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    };
    let differs = |system: &AiSystem| Method::built_in().compare(system).differs;
    let set = world.must(&complete(), ANALYST, &edit(&[("risk_tier", json!("high"))]));
    assert!(!differs(&set));
    let changed = world.must(&set, ANALYST, &edit(&[("data_categories", json!(["health"]))]));
    assert!(differs(&changed));
    assert_eq!(changed.risk_tier, Tier::High, "the person's tier stays");
    let elsewhere = world.must(&changed, ANALYST, &edit(&[("outputs", json!("letters"))]));
    assert!(differs(&elsewhere), "another field says nothing about the tier");
    for anew in [("risk_tier", json!("high")), ("risk_tier_reason", json!("still true of health data"))] {
        assert!(!differs(&world.must(&changed, ANALYST, &edit(&[anew]))));
    }
    let heavier = edit(&[("risk_tier", json!("limited")), ("environment", json!("safety-related"))]);
    let lower = world.take(&changed, ANALYST, "", &heavier).unwrap_err();
    assert_eq!((lower.guard, lower.missing), (Guard::Reason, vec!["risk_tier_reason".to_owned()]));
}

#[test]
fn what_was_revoked_stays_so_until_it_is_decided_again() {
    let world = World::default();
    let revoked = world.must(&sanctioned(&world), REVIEWER, &Move::Revoke);
    let dismissed =
        world.must(&revoked, ANALYST, &Move::Dismiss { why: DismissReason::Test, duplicate_of: None });
    let reopened = world.must(&dismissed, ANALYST, &Move::Reopen);
    for system in [&revoked, &dismissed, &reopened] {
        assert_eq!(system.effective_sanction(day(TODAY)), Sanction::None);
    }
    let reviewed = world.must(&reopened, ANALYST, &Move::StartReview);
    let asked = world.must(&reviewed, ANALYST, &Move::Request(Wish::sanction()));
    let again = world.must(&asked, REVIEWER, &Move::Approve);
    assert_eq!(again.effective_sanction(day(TODAY)), Sanction::Sanctioned);
}

#[test]
fn who_only_reads_plays_no_part_that_a_record_names_them_for() {
    let world = World::default();
    let hers = AiSystem { system_owner: Some(AUDITOR), risk_owner: Some(AUDITOR), ..complete() };
    let accept = Move::AcceptResidual { note: "some".into(), expires: day(TODAY + 1) };
    assert_eq!(guard(world.take(&hers, AUDITOR, "", &accept)), Guard::Role);
    let confirm = Move::Confirm { campaign: None, seen: "ab".into(), comment: None };
    assert_eq!(guard(world.take(&hers, AUDITOR, "", &confirm)), Guard::Role);
    let request = Request { wish: Wish::sanction(), by: AUDITOR, at_ms: 0, reason: "x".into() };
    let asked = AiSystem { request: Some(request), ..under_review() };
    assert_eq!(guard(world.take(&asked, AUDITOR, "", &Move::Withdraw)), Guard::Role);
}

#[test]
fn merging_keeps_both_and_splitting_keeps_the_rest() {
    let world = World::default();
    let asked = world.must(&complete(), ANALYST, &Move::Request(Wish::Merge { into: "other".into() }));
    let moved = world.take(&asked, REVIEWER, "the same", &Move::Approve).unwrap();
    assert_eq!(moved.system.merged_into.as_deref(), Some("other"));
    assert_eq!(moved.system.purpose, complete().purpose, "what was known of it stays");
    let target = moved.other.unwrap();
    assert_eq!((target.merged_from, target.products), (vec!["it".to_owned()], complete().products));
    assert_eq!(guard(world.take(&moved.system, ANALYST, "because", &Move::Triage)), Guard::State);

    // What went into another one is neither doubled nor gone into, and what it went into is no double of it over any other.
    let through = AiSystem { id: "through".into(), duplicate_of: Some("it".into()), ..fresh() };
    let mut after = World::default();
    after.others.extend([("it".into(), moved.system), ("through".into(), through)]);
    let other = after.others["other"].clone();
    for target in ["it", "through"] {
        let dismiss = Move::Dismiss { why: DismissReason::DuplicateOf, duplicate_of: Some(target.into()) };
        assert_eq!(guard(after.take(&other, ANALYST, "because", &dismiss)), Guard::Target, "{target}");
        let merge = Move::Request(Wish::Merge { into: target.into() });
        assert_eq!(guard(after.take(&other, ANALYST, "because", &merge)), Guard::Target, "{target}");
    }

    let wish = Wish::Split { products: ["acme.notes".to_owned()].into(), name: "Notes".into() };
    let asked = world.must(&complete(), ANALYST, &Move::Request(wish));
    let moved = world.take(&asked, REVIEWER, "another use", &Move::Approve).unwrap();
    let new = moved.other.unwrap();
    assert_eq!((new.id, new.split_from.as_deref()), ("new".to_owned(), Some("it")));
    assert_eq!(moved.system.products, ["acme.chat".to_owned()].into());
}

#[test]
fn what_is_prohibited_leaves_a_task_for_its_owner_or_else_for_its_units() {
    let world = World::default();
    let task =
        |system: &AiSystem| world.take(system, REVIEWER, "it leaks", &Move::Prohibit).unwrap().task.unwrap();
    let owned = task(&under_review());
    assert_eq!((owned.purpose, owned.assignee, owned.added_by), (Purpose::Removal, Some(OWNER), None));
    assert_eq!((owned.link, owned.units), (Some(Link::to(LinkKind::System, "it")), under_review().org_units));
    assert_eq!(owned.details.as_deref(), Some("it leaks"));
    for owner in [Some(LEFT), None] {
        let unowned = task(&AiSystem { system_owner: owner, ..under_review() });
        assert_eq!((unowned.assignee, unowned.units), (None, under_review().org_units));
    }
    assert_eq!(world.take(&complete(), ANALYST, "because", &Move::Triage).unwrap().task, None);
}

#[test]
fn only_the_owner_confirms_and_only_the_risk_owner_accepts() {
    let world = World::default();
    let confirm = Move::Confirm { campaign: None, seen: "ab".into(), comment: None };
    assert_eq!(guard(world.take(&complete(), REVIEWER, "", &confirm)), Guard::Role);
    assert_eq!(world.must(&complete(), OWNER, &confirm).confirmations.len(), 1);
    let accept = Move::AcceptResidual { note: "some".into(), expires: day(TODAY + 1) };
    assert_eq!(guard(world.take(&complete(), BOTH, "", &accept)), Guard::Role);
    assert!(world.must(&complete(), OWNER, &accept).residual.is_some());
}
