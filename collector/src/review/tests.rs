//! The machine's invariants (governance reference, c.3), each over random moves of random people.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use umbrascope_api::Day;

use super::*;
use crate::model::Grant;
use crate::model::record::{
    DataCategory, DecisionImpact, Domain, Observed, OrgRole, ReopenReason, Request, ReviewState, Sanction,
    Scope, Stage, Tier, Tri,
};

const TODAY: u32 = 20_784;
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
                review_days: 365,
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
    let asked = world.must(&under_review(), ANALYST, &Move::Request(Wish::Sanction { conditions: None }));
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
    let asked = world.must(&system, ANALYST, &Move::Request(Wish::Sanction { conditions: None }));
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
    let asked = world.must(&under_review(), BOTH, &Move::Request(Wish::Sanction { conditions: None }));
    assert_eq!(guard(world.take(&asked, BOTH, "because", &Move::Approve)), Guard::FourEyes);
    assert!(world.take(&asked, REVIEWER, "because", &Move::Approve).is_ok());
}

#[test]
fn each_guard_says_what_is_missing() {
    let world = World::default();
    let wish = Move::Request(Wish::Sanction { conditions: None });
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
            "org_units",
            "data_categories",
            "risk_tier"
        ]
    );
    assert_eq!(guard(world.take(&under_review(), ANALYST, "  ", &wish)), Guard::Reason);
    assert_eq!(guard(world.take(&complete(), ANALYST, "because", &wish)), Guard::State);
    let high = AiSystem { risk_tier: Tier::High, ..under_review() };
    assert_eq!(guard(world.take(&high, ANALYST, "because", &wish)), Guard::Aiia);
    let left = AiSystem { system_owner: Some(LEFT), ..under_review() };
    assert_eq!(guard(world.take(&left, ANALYST, "because", &wish)), Guard::OwnerActive);
    let no_policy = World { policy: None, ..World::default() };
    assert_eq!(guard(no_policy.take(&under_review(), ANALYST, "because", &wish)), Guard::Policy);
    let late = |days| {
        Move::Request(Wish::Tolerate { conditions: "no personal data".into(), expires_on: day(TODAY + days) })
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
fn what_is_tolerated_ends_and_the_decision_stays_as_it_was_recorded() {
    let world = World::default();
    let last = day(TODAY + 30);
    let wish = Wish::Tolerate { conditions: "no personal data".into(), expires_on: last };
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
    let asked = knowing.must(&reviewed, ANALYST, &Move::Request(Wish::Sanction { conditions: None }));
    let again = knowing.must(&asked, REVIEWER, &Move::Approve);
    assert_eq!(observe(&again, &flagged, day(TODAY)), again);
}

#[test]
fn a_sanctioned_record_keeps_what_it_was_sanctioned_with() {
    let world = World::default();
    let system = sanctioned(&world);
    let clear = Move::Edit(vec![("purpose".into(), json!(null))]);
    assert_eq!(guard(world.take(&system, ANALYST, "because", &clear)), Guard::Fields);
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
    let asked = world.must(&reviewed, ANALYST, &Move::Request(Wish::Sanction { conditions: None }));
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
    let request =
        Request { wish: Wish::Sanction { conditions: None }, by: AUDITOR, at_ms: 0, reason: "x".into() };
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

    let wish = Wish::Split { products: ["acme.notes".to_owned()].into(), name: "Notes".into() };
    let asked = world.must(&complete(), ANALYST, &Move::Request(wish));
    let moved = world.take(&asked, REVIEWER, "another use", &Move::Approve).unwrap();
    let new = moved.other.unwrap();
    assert_eq!((new.id, new.split_from.as_deref()), ("new".to_owned(), Some("it")));
    assert_eq!(moved.system.products, ["acme.chat".to_owned()].into());
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

// ── Random people, random moves ──────────────────────────────────────────────────────────────

fn any_move() -> impl Strategy<Value = Move> {
    let edits = prop_oneof![
        Just(("purpose", json!("Drafts"))),
        Just(("purpose", json!(null))),
        Just(("intended_use", json!("Letters"))),
        Just(("foreseeable_misuse", json!("Dismissals"))),
        Just(("decision_impact", json!("none"))),
        Just(("decision_impact", json!("decides"))),
        Just(("consequential_domain", json!("employment"))),
        Just(("system_owner", json!(OWNER))),
        Just(("system_owner", json!(LEFT))),
        Just(("system_owner", json!(null))),
        Just(("risk_owner", json!(OWNER))),
        Just(("risk_owner", json!(AUDITOR))),
        Just(("system_owner", json!(AUDITOR))),
        Just(("org_units", json!([3]))),
        Just(("org_units", json!([3, 9]))),
        Just(("org_roles", json!(["producer-deployer"]))),
        Just(("data_categories", json!(["internal"]))),
        Just(("data_categories", json!(["health"]))),
        Just(("risk_tier", json!("limited"))),
        Just(("risk_tier", json!("high"))),
        Just(("aiia.state", json!("done"))),
        Just(("third_party", json!("no"))),
        Just(("stage", json!("pilot"))),
        Just(("stage", json!("retired"))),
        Just(("sanction", json!("sanctioned"))),
        Just(("review", json!("decided"))),
    ];
    let edit = prop::collection::vec(edits, 1..9).prop_map(|edits| {
        Move::Edit(edits.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    });
    let wish = prop_oneof![
        4 => Just(Wish::Sanction { conditions: None }),
        3 => (0_u32..300).prop_map(|days| Wish::Tolerate {
            conditions: "no personal data".into(),
            expires_on: day(TODAY + days),
        }),
        2 => Just(Wish::ScopeOut { justification: "used by nobody in these units".into() }),
        1 => Just(Wish::ScopeOut { justification: "no".into() }),
        1 => (0_u32..3).prop_map(|days| Wish::Retire {
            retired_on: day(TODAY + days - 1),
            disposal_evidence: "accounts closed".into(),
        }),
        1 => Just(Wish::Merge { into: "other".into() }),
        1 => Just(Wish::Split { products: ["acme.notes".to_owned()].into(), name: "Notes".into() }),
    ];
    prop_oneof![
        2 => Just(Move::Triage),
        3 => Just(Move::StartReview),
        4 => edit,
        6 => wish.prop_map(Move::Request),
        1 => Just(Move::Withdraw),
        6 => Just(Move::Approve),
        1 => Just(Move::Decline),
        2 => Just(Move::Prohibit),
        1 => Just(Move::Dismiss { why: DismissReason::NotAi, duplicate_of: None }),
        1 => Just(Move::Dismiss { why: DismissReason::DuplicateOf, duplicate_of: Some("other".into()) }),
        1 => Just(Move::Reopen),
        1 => Just(Move::Revoke),
        2 => Just(Move::ScopeIn { justification: None }),
        1 => Just(Move::ScopeOpen),
        1 => Just(Move::Suspend),
        1 => Just(Move::Resume),
        1 => Just(Move::Enforce { level: Enforcement::Full, evidence: Some("proxy rule 7".into()) }),
        1 => Just(Move::AcceptResidual { note: "some".into(), expires: day(TODAY + 40) }),
        1 => Just(Move::Confirm { campaign: None, seen: "ab".into(), comment: None }),
    ]
}

/// What happens next: a person's move, or what sensors and time do.
#[derive(Debug, Clone)]
enum Event {
    Person(i64, Move, bool),
    Seen(u32, Option<&'static str>),
    Days(u32),
}

fn any_event() -> impl Strategy<Value = Event> {
    let flag = prop_oneof![Just(None), Just(Some("approval-bypass")), Just(Some("plaintext-secret"))];
    prop_oneof![
        // Mostly people who may, or nothing would ever happen.
        12 => (prop_oneof![Just(ANALYST), Just(REVIEWER), Just(SCOPE_OWNER), Just(BOTH), 1_i64..=10], any_move(), prop::bool::weighted(0.9))
            .prop_map(|(person, step, reason)| Event::Person(person, step, reason)),
        2 => (0_u32..40, flag).prop_map(|(days, flag)| Event::Seen(days, flag)),
        1 => (1_u32..60).prop_map(Event::Days),
    ]
}

/// What only people set.
fn decided_by_people(system: &AiSystem) -> AiSystem {
    AiSystem {
        review: ReviewState::New,
        reopened: None,
        request: None,
        observed: Observed::Never,
        first_seen: None,
        ..system.clone()
    }
}

/// The axes, apart from how far people are.
fn axes(system: &AiSystem) -> (Sanction, Scope, Stage, Enforcement, Observed) {
    (system.sanction, system.scope, system.stage, system.enforcement, system.observed)
}

fn differences(before: &AiSystem, after: &AiSystem) -> usize {
    let (a, b) = (axes(before), axes(after));
    [a.0 != b.0, a.1 != b.1, a.2 != b.2, a.3 != b.3, a.4 != b.4]
        .into_iter()
        .filter(|differs| *differs)
        .count()
}

fn holds_invariants(system: &AiSystem, today: Day) {
    if system.review == ReviewState::Decided {
        // I-01
        let decision = system.decision.as_ref().expect("what is decided has a decision");
        assert!(!decision.reason.trim().is_empty() && !decision.policy.is_empty());
        match system.sanction {
            // I-02, I-09
            Sanction::Sanctioned => {
                assert_ne!(decision.requested_by, Some(decision.by));
                assert!(decision.requested_by.is_some());
                assert_eq!(required_for_use(system), Vec::<&str>::new());
                assert!(!system.needs_impact_assessment() || system.aiia.is_valid(today));
            }
            // I-03
            Sanction::Tolerated => {
                assert!(decision.requested_by.is_some_and(|asked| asked != decision.by));
                assert!(system.expires_on.is_some_and(|last| last >= today));
                assert!(system.conditions.is_some());
            }
            Sanction::Prohibited => {}
            Sanction::None => panic!("decided, and nothing was"),
        }
    }
    // I-10
    if system.scope == Scope::Out {
        let justification = system.scope_justification.as_deref().unwrap_or_default();
        assert!(justification.chars().count() >= JUSTIFICATION_CHARS);
        assert!(system.scope_decided_by.is_some() && system.scope_version.is_some());
    }
    if system.scope == Scope::In {
        assert_eq!(required_for_scope(system, false), Vec::<&str>::new());
    }
    if system.stage == Stage::Retired {
        assert!(system.retired_on.is_some() && system.disposal_evidence.is_some());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn the_invariants_hold_after_any_history(
        start in prop_oneof![Just(fresh()), Just(complete()), Just(under_review())],
        events in prop::collection::vec(any_event(), 1..40),
    ) {
        let mut world = World::default();
        let mut system = start;
        for event in events {
            let before = system.clone();
            match event {
                Event::Person(person, step, reasoned) => {
                    let reason = if reasoned { "because" } else { "" };
                    match world.take(&before, person, reason, &step) {
                        Ok(moved) => {
                            // I-21: reading roles and administrators change nothing.
                            prop_assert!(![AUDITOR, ADMINISTRATOR].contains(&person));
                            // Who only answers for what is theirs moves nothing else.
                            let part = [before.system_owner, before.risk_owner].contains(&Some(person));
                            prop_assert!(person != PRIVACY_OFFICER || part, "{step:?}");
                            // I-08: a move is on one axis.
                            prop_assert!(differences(&before, &moved.system) <= 1, "{step:?}");
                            // What counts again was decided again.
                            let today = day(world.today);
                            let dead = before.effective_sanction(today) == Sanction::None;
                            if dead && moved.system.effective_sanction(today) != Sanction::None {
                                prop_assert!(matches!(step, Move::Approve | Move::Prohibit), "{step:?}");
                            }
                            // I-07: what was split off or merged into keeps where it came from.
                            if let Some(other) = &moved.other {
                                prop_assert!(other.split_from.is_some() || other.merged_from.contains(&before.id));
                            }
                            system = moved.system;
                        }
                        Err(refused) => prop_assert!(!refused.says.is_empty()),
                    }
                }
                Event::Seen(days, flag) => {
                    world.today += days.min(3);
                    let (first, last) = world.seen.days.unwrap();
                    world.seen.days = Some((first, last.max(day(world.today))));
                    world.seen.flags.extend(flag.map(str::to_owned));
                    system = observe(&before, &world.seen, day(world.today));
                    // I-04, I-05, I-06, I-22
                    prop_assert_eq!(decided_by_people(&before), decided_by_people(&system));
                    let today = day(world.today);
                    prop_assert_eq!(before.effective_sanction(today), system.effective_sanction(today));
                    prop_assert_eq!(observe(&system, &world.seen, day(world.today)), system.clone());
                }
                Event::Days(days) => world.today += days,
            }
            system = tick(&system, day(world.today));
            prop_assert_eq!(before.id, system.id.clone());
            prop_assert_eq!(before.reference, system.reference.clone());
            holds_invariants(&system, day(world.today));
        }
    }

    /// I-12, I-13: neither order nor repetition of what is seen matters.
    #[test]
    fn observations_commute(
        pieces in prop::collection::vec((0_u32..200, 0_u32..200, 0_usize..4, 0_i64..3), 1..8),
        order in any::<prop::sample::Index>(),
    ) {
        let world = World::default();
        let start = sanctioned(&world);
        let flags = ["a", "b", "c", "d"];
        let seen: Vec<Seen> = pieces.iter().map(|(first, more, flag, unit)| Seen {
            days: Some((day(TODAY - 200 + first), day(TODAY - 200 + first + more))),
            flags: [flags[*flag].to_owned()].into(),
            flag_days: BTreeMap::new(),
            units: [*unit].into(),
            publishers: BTreeSet::new(),
        }).collect();
        let joined = |seen: &[Seen]| seen.iter().fold(world.seen.clone(), |mut all, one| {
            let ((first, last), (f, l)) = (all.days.unwrap(), one.days.unwrap());
            all.days = Some((first.min(f), last.max(l)));
            all.flags.extend(one.flags.iter().cloned());
            all.units.extend(&one.units);
            all
        });
        let today = day(TODAY + 200);
        let at_once = observe(&start, &joined(&seen), today);
        let mut turned = seen.clone();
        turned.rotate_left(order.index(seen.len()));
        let mut step_by_step = start.clone();
        for upto in 1..=turned.len() {
            let next = observe(&step_by_step, &joined(&turned[..upto]), today);
            prop_assert!(next.first_seen <= step_by_step.first_seen);
            step_by_step = next;
        }
        prop_assert_eq!(at_once, step_by_step);
    }
}
