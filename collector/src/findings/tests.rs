//! The same question is never open twice, and neither order nor repetition matters.

use std::collections::BTreeSet;

use proptest::prelude::*;
use umbrascope_api::Day;

use super::*;
use crate::model::finding::{Cause, Closing, DueDays, Finding, FindingState, Rule};
use crate::model::record::{
    AiSystem, Assessment, AssessmentState, Basis, Decision, DecisionImpact, Domain, ReopenReason,
    ReviewState, Sanction, Scope, Seen, Stage, Tier, Tri,
};
use crate::model::{Grant, Grants};

const DAY_MS: i64 = 86_400_000;
const NOW_MS: i64 = 20_000 * DAY_MS;

fn day(number: u32) -> Day {
    Day::from_unix_ms(0).forward(number)
}

fn who(person: i64, role: Option<Role>) -> Who {
    let grants = role.map(|role| Grant { role, unit: None }).into_iter().collect();
    Who { person, grants: Grants(grants), ..Who::default() }
}

/// One sighting.
#[derive(Debug, Clone)]
struct Sighting {
    day: u32,
    flag: Option<&'static str>,
    unit: i64,
}

fn seen<'s>(sightings: impl IntoIterator<Item = &'s Sighting>) -> Seen {
    let mut seen = Seen::default();
    for one in sightings {
        let at = day(one.day);
        let (first, last) = seen.days.unwrap_or((at, at));
        seen.days = Some((first.min(at), last.max(at)));
        seen.flags.extend(one.flag.map(str::to_owned));
        seen.units.insert(one.unit);
    }
    seen
}

fn keys(wanted: &[Wanted]) -> BTreeSet<String> {
    wanted.iter().map(Wanted::key).collect()
}

fn look(system: &AiSystem, seen: &Seen, owner_active: bool) -> Vec<Wanted> {
    of_record(&RecordFacts {
        system,
        seen,
        owner_active,
        suppliers_assessed: false,
        supplier_task: false,
        today: Day::from_unix_ms(NOW_MS),
    })
}

prop_compose! {
    fn sighting()(
        day in 19_900_u32..20_000,
        flag in prop::option::of(prop::sample::select(vec!["personal-account", "approval-bypass", "sandbox-off"])),
        unit in 1_i64..4,
    ) -> Sighting {
        Sighting { day, flag, unit }
    }
}

prop_compose! {
    fn system()(
        review in prop::sample::select(ReviewState::ALL),
        reopened in prop::option::of(prop::sample::select(ReopenReason::ALL)),
        sanction in prop::sample::select(Sanction::ALL),
        scope in prop::sample::select(Scope::ALL),
        stage in prop::sample::select(Stage::ALL),
        tier in prop::sample::select(Tier::ALL),
        third_party in prop::sample::select(Tri::ALL),
        owner in prop::option::of(1_i64..3),
        decided in prop::option::of(19_900_u32..20_000),
        expires in prop::option::of(19_950_u32..20_050),
        basis in prop::option::of(prop::collection::btree_set("personal-account|approval-bypass", 0..3)),
    ) -> AiSystem {
        AiSystem {
            id: "one".into(),
            review, reopened, sanction, scope, stage, third_party,
            risk_tier: tier,
            system_owner: owner,
            expires_on: expires.map(day),
            decision: decided.map(|number| Decision {
                by: 2,
                requested_by: Some(1),
                at_ms: i64::from(number) * DAY_MS,
                reason: "because".into(),
                policy: "1".into(),
                coverage_percent: None,
            }),
            basis: basis.map(|flags| Basis { flags, ..Basis::default() }),
            ..AiSystem::default()
        }
    }
}

/// A finding that was opened, and what a person did with it.
fn finding(state: FindingState, holds: bool) -> Finding {
    let closing = Closing { by: Some(7), at_ms: NOW_MS, reason: Some("done".into()), evidence: None };
    Finding {
        id: "personal-account:system:one".into(),
        rule: Rule::PersonalAccount,
        severity: Rule::PersonalAccount.severity(),
        mark: BTreeSet::from(["a".to_owned()]),
        state,
        holds,
        closing: (!state.is_open()).then_some(closing),
        ..Finding::default()
    }
}

fn wanted(mark: &[&str]) -> Wanted {
    Wanted {
        rule: Rule::PersonalAccount,
        subject: crate::model::finding::Subject::system("one"),
        units: BTreeSet::from([3]),
        evidence: vec!["seen".into()],
        mark: mark.iter().map(|word| (*word).to_owned()).collect(),
    }
}

fn any_state() -> impl Strategy<Value = FindingState> {
    prop::sample::select(FindingState::ALL)
}

proptest! {
    #[test]
    fn the_order_and_the_repetition_of_sightings_do_not_matter(
        system in system(),
        sightings in prop::collection::vec(sighting(), 0..12),
        turn in 0_usize..12,
    ) {
        let straight = look(&system, &seen(&sightings), true);
        let mut other = sightings.clone();
        other.reverse();
        let at = turn.min(other.len());
        other.rotate_left(at);
        other.extend(sightings.iter().take(turn).cloned());
        prop_assert_eq!(look(&system, &seen(&other), true), straight);
    }

    #[test]
    fn no_question_is_asked_twice(system in system(), sightings in prop::collection::vec(sighting(), 0..12)) {
        let asked = look(&system, &seen(&sightings), false);
        prop_assert_eq!(keys(&asked).len(), asked.len());
    }

    /// Whatever is seen where: it is asked of exactly where the decision does not count, and the decision stays as it is.
    #[test]
    fn what_is_seen_outside_of_a_limit_is_asked_of_and_changes_no_decision(
        sanction in prop::sample::select(Sanction::ALL),
        limit in prop::collection::btree_set(1_i64..4, 0..4),
        revoked: bool,
        sightings in prop::collection::vec(sighting(), 0..12),
    ) {
        let system = AiSystem {
            sanction,
            limited_to_units: limit.clone(),
            expires_on: Some(day(20_001)),
            revoked_at_ms: revoked.then_some(NOW_MS),
            ..base()
        };
        let seen = seen(&sightings);
        let outside: BTreeSet<String> = seen.units.difference(&limit).map(|unit| format!("unit {unit}")).collect();
        let counts = !revoked && !limit.is_empty() && matches!(sanction, Sanction::Sanctioned | Sanction::Tolerated);
        let asked = look(&system, &seen, true).into_iter().find(|wanted| wanted.rule == Rule::OutsideLimit);
        let expected = Some(outside).filter(|outside| counts && !outside.is_empty());
        prop_assert_eq!(asked.map(|asked| asked.mark), expected);
        let after = crate::review::observe(&system, &seen, day(20_000));
        prop_assert_eq!(
            (after.sanction, after.limited_to_units, after.expires_on, after.decision, after.revoked_at_ms),
            (system.sanction, system.limited_to_units, system.expires_on, system.decision, system.revoked_at_ms)
        );
    }

    #[test]
    fn a_second_look_comes_to_nothing(
        state in any_state(),
        holds: bool,
        there: bool,
        mark in prop::collection::btree_set("[abc]", 0..3),
        asked: bool,
    ) {
        let before = there.then(|| finding(state, holds));
        let mark: Vec<&str> = mark.iter().map(String::as_str).collect();
        let wanted = asked.then(|| wanted(&mark));
        let due = DueDays::default();
        if let Some(settled) = settle(before.as_ref(), wanted.as_ref(), &due, NOW_MS) {
            let again = settle(Some(&settled.finding), wanted.as_ref(), &due, NOW_MS + 1);
            prop_assert_eq!(again, None);
        }
    }

    #[test]
    fn what_a_person_decided_stays_when_the_fact_goes(
        state in prop::sample::select(vec![FindingState::Closed, FindingState::Dismissed]),
        holds: bool,
    ) {
        let before = finding(state, holds);
        if let Some(settled) = settle(Some(&before), None, &DueDays::default(), NOW_MS) {
            let after = settled.finding;
            prop_assert_eq!(Finding { holds: before.holds, ..after }, before);
        }
    }

    /// I-22: whatever was decided, what is asked presses as its rule says, and what is seen is asked of.
    #[test]
    fn no_decision_lowers_a_severity_or_hides_a_personal_account(
        system in system(),
        sightings in prop::collection::vec(sighting(), 1..12),
    ) {
        let shown = seen(&sightings);
        let asked = look(&system, &shown, true);
        for one in &asked {
            let opened = settle(None, Some(one), &DueDays::default(), NOW_MS).unwrap().finding;
            prop_assert_eq!(opened.severity, one.rule.severity());
        }
        let hidden = system.review == ReviewState::Dismissed;
        let asks = asked.iter().any(|one| one.rule == Rule::PersonalAccount);
        prop_assert_eq!(asks, !hidden && shown.flags.contains("personal-account"));
    }

    #[test]
    fn who_only_reads_changes_nothing_even_what_is_assigned_to_them(
        state in any_state(),
        role in prop::sample::select(vec![Role::Auditor, Role::WorksCouncil]),
    ) {
        let finding = Finding { assignee: Some(5), ..finding(state, true) };
        for step in steps() {
            prop_assert!(take(&finding, &step, &who(5, Some(role)), NOW_MS, &|_| Some(true)).is_err());
        }
    }
}

fn steps() -> Vec<Step> {
    vec![
        Step::Assign(Some(5)),
        Step::Due(day(20_010)),
        Step::Start,
        Step::Close { reason: "gone".into(), evidence: String::new() },
        Step::Dismiss { reason: "no".into() },
        Step::Reopen { reason: "again".into() },
        Step::Cause { cause: Cause::Process, note: "nobody asks".into() },
        Step::Effect { worked: false, note: "there again".into() },
    ]
}

#[test]
fn a_closed_finding_opens_again_when_its_fact_holds_again_or_there_is_more_to_it() {
    let due = DueDays::default();
    let closed = finding(FindingState::Closed, true);
    assert_eq!(
        settle(Some(&closed), Some(&wanted(&["a"])), &due, NOW_MS).unwrap().finding.state,
        FindingState::Closed,
        "the same fact was answered"
    );
    let more = settle(Some(&closed), Some(&wanted(&["a", "b"])), &due, NOW_MS).unwrap();
    assert_eq!((more.action, more.finding.state), ("finding.reopen", FindingState::Open));
    let gone = settle(Some(&closed), None, &due, NOW_MS).unwrap().finding;
    let again = settle(Some(&gone), Some(&wanted(&["a"])), &due, NOW_MS).unwrap().finding;
    assert_eq!((again.state, again.reopened, again.closing), (FindingState::Open, 1, None));
    assert_eq!(again.due, Some(Day::from_unix_ms(NOW_MS).forward(due.high)));
}

#[test]
fn a_dismissed_finding_stays_until_its_fact_was_gone() {
    let due = DueDays::default();
    let dismissed = finding(FindingState::Dismissed, true);
    let more = settle(Some(&dismissed), Some(&wanted(&["a", "b"])), &due, NOW_MS).unwrap();
    assert_eq!(more.finding.state, FindingState::Dismissed);
    let gone = settle(Some(&dismissed), None, &due, NOW_MS).unwrap().finding;
    let again = settle(Some(&gone), Some(&wanted(&["a"])), &due, NOW_MS).unwrap().finding;
    assert_eq!(again.state, FindingState::Open);
}

#[test]
fn the_collector_closes_what_no_longer_holds_and_says_why() {
    let open = Finding { assignee: Some(5), ..finding(FindingState::InProgress, true) };
    let closed = settle(Some(&open), None, &DueDays::default(), NOW_MS).unwrap().finding;
    let closing = closed.closing.unwrap();
    assert_eq!((closed.state, closing.by, closed.assignee), (FindingState::Closed, None, Some(5)));
    assert!(closing.reason.unwrap().contains("decided knowing this"));
}

fn base() -> AiSystem {
    AiSystem { id: "one".into(), review: ReviewState::Decided, system_owner: Some(1), ..AiSystem::default() }
}

fn rules(system: &AiSystem, seen: &Seen) -> Vec<Rule> {
    look(system, seen, true).into_iter().map(|wanted| wanted.rule).collect()
}

#[test]
fn each_rule_asks_when_its_fact_holds_and_not_before() {
    let on = |number| Seen { days: Some((day(number), day(number))), ..Seen::default() };
    let decided = Decision {
        by: 2,
        requested_by: None,
        at_ms: 19_990 * DAY_MS,
        reason: "no".into(),
        policy: "1".into(),
        coverage_percent: None,
    };
    let prohibited = AiSystem { sanction: Sanction::Prohibited, decision: Some(decided), ..base() };
    assert_eq!(rules(&prohibited, &on(19_990)), [], "the day of the decision may have been before it");
    assert_eq!(rules(&prohibited, &on(19_991)), [Rule::ProhibitedSeen]);

    let tolerated = |last| AiSystem { sanction: Sanction::Tolerated, expires_on: Some(day(last)), ..base() };
    assert_eq!(rules(&tolerated(20_000), &on(19_990)), [], "its last day is today");
    assert_eq!(rules(&tolerated(19_999), &on(19_990)), [Rule::ToleratedPastExpiry]);

    let done = |expires| Assessment {
        state: AssessmentState::Done,
        date: Some(day(19_000)),
        link: Some("DOC-7".into()),
        expires: Some(day(expires)),
        ..Assessment::default()
    };
    let consequential = AiSystem {
        decision_impact: DecisionImpact::Decides,
        consequential_domain: Domain::Employment,
        aiia: done(19_999),
        ..base()
    };
    assert_eq!(rules(&consequential, &on(19_990)), [Rule::ImpactAssessmentMissing]);
    assert_eq!(rules(&AiSystem { aiia: done(20_000), ..consequential.clone() }, &on(19_990)), []);

    let unproved = [
        Assessment { date: None, ..done(20_000) },
        Assessment { date: Some(day(20_001)), ..done(20_000) },
        Assessment { link: None, ..done(20_000) },
    ];
    for aiia in unproved {
        let missing = [Rule::ImpactAssessmentMissing];
        assert_eq!(rules(&AiSystem { aiia, ..consequential.clone() }, &on(19_990)), missing);
    }

    let supplied = AiSystem { scope: Scope::In, third_party: Tri::Yes, ..base() };
    assert_eq!(rules(&supplied, &on(19_990)), [Rule::SupplierAssessmentMissing]);
    assert_eq!(rules(&AiSystem { supplier_assessment: done(20_000), ..supplied }, &on(19_990)), []);

    let unowned = look(&base(), &on(19_990), false);
    assert_eq!(unowned.iter().map(|wanted| wanted.rule).collect::<Vec<_>>(), [Rule::NoOwner]);
    assert_eq!(rules(&AiSystem { review: ReviewState::New, ..base() }, &on(19_990)), [Rule::NewProduct]);

    let resurfaced =
        AiSystem { review: ReviewState::Reopened, reopened: Some(ReopenReason::Resurfaced), ..base() };
    assert_eq!(rules(&resurfaced, &on(19_990)), [Rule::Resurfaced]);
    assert_eq!(of_unit(UnitFacts { unit: 3, sensors: 40, silent: 0 }), None);
    assert!(
        of_unit(UnitFacts { unit: 3, sensors: 40, silent: 12 }).unwrap().evidence[0]
            .starts_with("some of its sensors")
    );
}

#[test]
fn a_flag_is_asked_of_unless_a_decision_knew_it() {
    let mut flagged = Seen { flags: BTreeSet::from(["sandbox-off".to_owned()]), ..Seen::default() };
    flagged.days = Some((day(19_990), day(19_990)));
    let undecided = AiSystem { review: ReviewState::Triaged, ..base() };
    assert_eq!(rules(&undecided, &flagged), [Rule::RiskFlag]);
    let decided = AiSystem { sanction: Sanction::Sanctioned, basis: Some(flagged.basis()), ..base() };
    assert_eq!(rules(&decided, &flagged), []);
    flagged.flags.insert("approval-bypass".to_owned());
    let asked = look(&decided, &flagged, true);
    assert_eq!(asked[0].mark, BTreeSet::from(["approval-bypass".to_owned()]));
}

#[test]
fn an_owner_may_begin_and_close_what_is_assigned_to_them_and_no_more() {
    let own = Finding { assignee: Some(5), ..finding(FindingState::Open, true) };
    let tried = |step: &Step| take(&own, step, &who(5, None), NOW_MS, &|_| Some(true)).is_ok();
    let allowed: Vec<&str> = steps().iter().filter(|step| tried(step)).map(Step::action).collect();
    assert_eq!(allowed, ["finding.start", "finding.close"]);
    let others = take(&own, &Step::Start, &who(6, None), NOW_MS, &|_| Some(true)).unwrap_err();
    assert_eq!(others.guard, Guard::Role);
}

#[test]
fn closing_needs_evidence_or_a_reason_and_dismissing_a_reason() {
    let analyst = who(5, Some(Role::Analyst));
    let guard = |step: Step| {
        take(&finding(FindingState::Open, true), &step, &analyst, NOW_MS, &|_| Some(true)).unwrap_err().guard
    };
    assert_eq!(guard(Step::Close { reason: " ".into(), evidence: String::new() }), Guard::Evidence);
    assert_eq!(guard(Step::Dismiss { reason: String::new() }), Guard::Reason);
    assert_eq!(guard(Step::Due(day(19_999))), Guard::Expiry);
    let gone =
        take(&finding(FindingState::Open, true), &Step::Assign(Some(9)), &analyst, NOW_MS, &|_| Some(false));
    assert_eq!(gone.unwrap_err().guard, Guard::OwnerActive);
}

#[test]
fn a_nonconformity_has_a_cause_and_somebody_else_sees_whether_what_was_done_worked() {
    let (closer, other) = (who(5, Some(Role::Analyst)), who(6, Some(Role::Analyst)));
    let steps = |finding: &Finding, step: Step, who: &Who| take(finding, &step, who, NOW_MS, &|_| Some(true));
    let cause = |note: &str| Step::Cause { cause: Cause::Process, note: note.into() };
    let effect = |worked| Step::Effect { worked, note: "looked after a month".into() };
    let open = Finding { rule: Rule::ProhibitedSeen, ..finding(FindingState::Open, true) };
    let guard = |finding: &Finding, step, who: &Who| steps(finding, step, who).unwrap_err().guard;

    assert_eq!(guard(&open, cause(" "), &closer), Guard::Reason);
    assert_eq!(guard(&open, effect(true), &other), Guard::State, "nothing was done yet");
    let (caused, _) = steps(&open, cause("nobody asks before buying"), &closer).unwrap();
    assert_eq!(caused.cause.as_ref().map(|told| (told.cause, told.by)), Some((Cause::Process, 5)));
    let close = Step::Close { reason: String::new(), evidence: "TICKET-7".into() };
    let (closed, _) = steps(&caused, close.clone(), &closer).unwrap();
    assert_eq!(closed.cause, caused.cause);
    assert_eq!(guard(&closed, effect(true), &closer), Guard::FourEyes);
    let (worked, _) = steps(&closed, effect(true), &other).unwrap();
    assert_eq!(
        (worked.state, worked.effect.as_ref().map(|told| told.worked)),
        (FindingState::Closed, Some(true))
    );
    let (failed, _) = steps(&closed, effect(false), &other).unwrap();
    assert_eq!((failed.state, failed.reopened, failed.closing.clone()), (FindingState::Open, 1, None));
    assert_eq!(
        failed.effect.as_ref().map(|told| told.worked),
        Some(false),
        "what was found stays to be read"
    );
    assert_eq!(steps(&failed, close, &closer).unwrap().0.effect, None, "what is done now is looked at anew");

    let sign = Finding { rule: Rule::RiskFlag, ..open.clone() };
    assert_eq!(guard(&sign, cause("no"), &closer), Guard::State, "a sign is no nonconformity");
    let dismissed = Finding { state: FindingState::Dismissed, ..open };
    assert_eq!(guard(&dismissed, cause("no"), &closer), Guard::State);
}

fn with_account(last: u32) -> Seen {
    let flag = "personal-account".to_owned();
    Seen { flags: [flag.clone()].into(), flag_days: [(flag, day(last))].into(), ..Seen::default() }
}

fn account(seen: &Seen, today: u32) -> Option<Wanted> {
    let system = AiSystem { id: "one".into(), ..AiSystem::default() };
    let facts = RecordFacts {
        system: &system,
        seen,
        owner_active: true,
        suppliers_assessed: false,
        supplier_task: false,
        today: day(today),
    };
    of_record(&facts).into_iter().find(|one| one.rule == Rule::PersonalAccount)
}

#[test]
fn a_personal_account_that_was_answered_comes_up_again_with_the_next_day_that_it_is_seen() {
    let asked = account(&with_account(19_990), 20_000).unwrap();
    let opened = settle(None, Some(&asked), &DueDays::default(), NOW_MS).unwrap().finding;
    let closed = Step::Close { reason: "an account of ours is used".into(), evidence: String::new() };
    let (closed, _) = take(&opened, &closed, &who(7, Some(Role::Analyst)), NOW_MS, &|_| Some(true)).unwrap();
    assert_eq!(settle(Some(&closed), Some(&asked), &DueDays::default(), NOW_MS), None, "the same sighting");
    let again = account(&with_account(19_991), 20_000).unwrap();
    let reopened = settle(Some(&closed), Some(&again), &DueDays::default(), NOW_MS).unwrap();
    assert_eq!((reopened.action, reopened.finding.state), ("finding.reopen", FindingState::Open));
    let dismiss = Step::Dismiss { reason: "it may be".into() };
    let (dismissed, _) =
        take(&opened, &dismiss, &who(7, Some(Role::Analyst)), NOW_MS, &|_| Some(true)).unwrap();
    assert_eq!(settle(Some(&dismissed), Some(&again), &DueDays::default(), NOW_MS), None);
    assert!(dismissed.holds, "it is counted as still so");
}

#[test]
fn a_flag_that_was_not_seen_for_long_holds_no_more_and_one_without_a_day_does() {
    let last = 20_000 - crate::review::GONE_DAYS;
    assert!(account(&with_account(last), 20_000).is_some());
    assert_eq!(account(&with_account(last), 20_001), None);
    let undated = Seen { flag_days: Default::default(), ..with_account(last) };
    assert!(account(&undated, 20_001).is_some());
}
