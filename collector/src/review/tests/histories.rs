//! Random people, random moves, random sightings.

use proptest::prelude::*;

use super::*;

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
        Just(("risk_owner", json!(PRIVACY_OFFICER))),
        Just(("system_owner", json!(AUDITOR))),
        Just(("org_units", json!([3]))),
        Just(("org_units", json!([3, 9]))),
        Just(("org_roles", json!(["producer-deployer"]))),
        Just(("data_categories", json!(["internal"]))),
        Just(("data_categories", json!(["health"]))),
        Just(("risk_tier", json!("limited"))),
        Just(("risk_tier", json!("high"))),
        Just(("data_categories", json!(["internal", "unknown"]))),
        Just(("consequential_domain", json!("none"))),
        Just(("consequential_domain", json!("unknown"))),
        Just(("aiia.state", json!("done"))),
        Just(("aiia.date", json!(day(TODAY).to_string()))),
        Just(("aiia.date", json!(day(TODAY + 30).to_string()))),
        Just(("aiia.link", json!("DOC-7"))),
        Just(("third_party", json!("no"))),
        Just(("next_review_due", json!(day(TODAY + 20).to_string()))),
        Just(("next_review_due", json!(null))),
        Just(("stage", json!("pilot"))),
        Just(("stage", json!("retired"))),
        Just(("sanction", json!("sanctioned"))),
        Just(("review", json!("decided"))),
    ];
    let edit = prop::collection::vec(edits, 1..9).prop_map(|edits| {
        Move::Edit(edits.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    });
    let wish = prop_oneof![
        4 => Just(Wish::sanction()),
        2 => prop::collection::btree_set(3_i64..5, 0..2).prop_map(|units| Wish::Sanction { conditions: None, limit: Limit { units, ..Limit::default() } }),
        3 => (0_u32..300).prop_map(|days| Wish::Tolerate {
            conditions: "no personal data".into(),
            expires_on: day(TODAY + days),
            limit: Limit::default(),
        }),
        2 => Just(Wish::ScopeIn { justification: None }),
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
        12 => (prop_oneof![Just(ANALYST), Just(REVIEWER), Just(SCOPE_OWNER), Just(BOTH), 1_i64..=PRIVACY_OFFICER], any_move(), prop::bool::weighted(0.9))
            .prop_map(|(person, step, reason)| Event::Person(person, step, reason)),
        2 => (0_u32..40, flag).prop_map(|(days, flag)| Event::Seen(days, flag)),
        1 => (1_u32..60).prop_map(Event::Days),
    ]
}

/// Whether following doubles and merges leads from a record back to it.
fn comes_round(records: &BTreeMap<String, AiSystem>, start: &str) -> bool {
    let links = |id: &str| {
        let record = &records[id];
        [record.duplicate_of.clone(), record.merged_into.clone()].into_iter().flatten()
    };
    let (mut passed, mut open) = (BTreeSet::new(), links(start).collect::<Vec<_>>());
    while let Some(id) = open.pop() {
        if id == start {
            return true;
        }
        if passed.insert(id.clone()) {
            open.extend(links(&id));
        }
    }
    false
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
        assert!(system.next_review_due.is_some_and(|due| due > today), "it will be looked at again");
        match system.sanction {
            // I-02, I-09
            Sanction::Sanctioned => {
                assert_ne!(decision.requested_by, Some(decision.by));
                assert!(decision.requested_by.is_some());
                assert!(!system.needs_impact_assessment() || system.has_impact_assessment(today));
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
    // I-09, also while it is open again
    match system.effective_sanction(today) {
        Sanction::Sanctioned => assert_eq!(required_for_use(system), Vec::<&str>::new()),
        Sanction::Tolerated => assert!(system.purpose.is_some() && system.system_owner.is_some()),
        Sanction::None | Sanction::Prohibited => {}
    }
    if matches!(system.sanction, Sanction::None | Sanction::Prohibited) {
        assert!(
            system.limited_to_units.is_empty() && system.limited_to_versions.is_empty(),
            "only what may be used is limited"
        );
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
                            // What is prohibited has to go, and nothing else.
                            prop_assert_eq!(moved.task.is_some(), matches!(step, Move::Prohibit));
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

    /// Whatever day of a next review the record had: a decision counts today, and somebody looks again in time.
    #[test]
    fn what_is_decided_stays_so_and_comes_due(
        due in prop::option::of(0_u32..2 * REVIEW_DAYS),
        wish in prop_oneof![
            Just(Some(Wish::sanction())),
            (1_u32..=180).prop_map(|days| Some(Wish::Tolerate {
                conditions: "no personal data".into(),
                expires_on: day(TODAY + days),
                limit: Limit::default(),
            })),
            Just(None),
        ],
    ) {
        let world = World::default();
        let due = due.map(|ahead| day(TODAY - REVIEW_DAYS + ahead));
        let start = AiSystem { next_review_due: due, ..under_review() };
        let decided = match wish {
            Some(wish) => {
                let asked = world.must(&start, ANALYST, &Move::Request(wish));
                world.must(&asked, REVIEWER, &Move::Approve)
            }
            None => world.must(&start, REVIEWER, &Move::Prohibit),
        };
        prop_assert_eq!(&tick(&decided, day(TODAY)), &decided);
        match due.filter(|due| *due > day(TODAY)) {
            Some(due) => prop_assert_eq!(decided.next_review_due, Some(due), "a day ahead stays"),
            None => prop_assert_eq!(decided.next_review_due, Some(day(TODAY + REVIEW_DAYS))),
        }
        let (last, ended) = match decided.expires_on.map(|last| last.forward(1)) {
            Some(after) if after <= decided.next_review_due.unwrap() => (after, ReopenReason::Expired),
            _ => (decided.next_review_due.unwrap(), ReopenReason::ReviewDue),
        };
        prop_assert_eq!(&tick(&decided, last.back(1)), &decided);
        prop_assert_eq!(tick(&decided, last).reopened, Some(ended));
        prop_assert!(last <= day(TODAY + REVIEW_DAYS));
    }

    /// I-07: whatever is dismissed as a double, merged and reopened, no chain of records comes round, and nothing is done to a record that
    /// went into another one.
    #[test]
    fn doubles_and_merges_never_come_round(
        steps in prop::collection::vec((0_usize..4, 0_usize..4, 0_u8..5), 1..40),
    ) {
        let id = |number: usize| format!("r{number}");
        let others = (0..4).map(|number| (id(number), AiSystem { id: id(number), ..fresh() })).collect();
        let mut world = World { others, ..World::default() };
        for (from, to, what) in steps {
            let system = world.others[&id(from)].clone();
            let (why, duplicate_of) = (DismissReason::DuplicateOf, Some(id(to)));
            let made = match what {
                0 | 1 => world.take(&system, ANALYST, "because", &Move::Dismiss { why, duplicate_of }),
                2 | 3 => world
                    .take(&system, ANALYST, "because", &Move::Request(Wish::Merge { into: id(to) }))
                    .and_then(|asked| world.take(&asked.system, REVIEWER, "because", &Move::Approve)),
                _ => world.take(&system, ANALYST, "because", &Move::Reopen),
            };
            let Ok(made) = made else { continue };
            prop_assert!(!system.is_merged());
            for changed in [Some(made.system), made.other].into_iter().flatten() {
                prop_assert!(world.others.insert(changed.id.clone(), changed).is_some(), "ids are kept");
            }
            for start in world.others.keys() {
                prop_assert!(!comes_round(&world.others, start), "{start}: {:?}", world.others);
            }
        }
    }

    /// I-06: what is no AI, or a double, goes on being observed just as before, and stays dismissed.
    #[test]
    fn what_is_dismissed_keeps_counting_observations(
        why in prop::sample::select(DismissReason::ALL),
        sightings in prop::collection::vec((0_u32..200, 0_u32..60), 1..8),
    ) {
        let mut world = World::default();
        let duplicate_of = (why == DismissReason::DuplicateOf).then(|| "other".to_owned());
        let dismiss = Move::Dismiss { why, duplicate_of };
        let mut dismissed = world.must(&complete(), ANALYST, &dismiss);
        let mut open = complete();
        for (waits, ago) in sightings {
            world.today += waits;
            let today = day(world.today);
            let (first, last) = world.seen.days.unwrap();
            let seen_on = day(world.today - ago);
            world.seen.days = Some((first.min(seen_on), last.max(seen_on)));
            dismissed = tick(&observe(&dismissed, &world.seen, today), today);
            open = observe(&open, &world.seen, today);
            prop_assert_eq!((dismissed.observed, dismissed.first_seen), (open.observed, open.first_seen));
            prop_assert_eq!((dismissed.review, dismissed.dismissed), (ReviewState::Dismissed, Some(why)));
        }
    }

    /// I-05: what is retired and seen after its end is open again, for that reason and once; its stage stays. What was seen up to its end
    /// reopens nothing, whenever it is told.
    #[test]
    fn what_is_retired_resurfaces_when_it_is_seen_after_its_end_and_not_before(
        ended in 0_u32..30,
        sightings in prop::collection::vec(0_u32..60, 1..6),
    ) {
        let world = World::default();
        let (retired_on, disposal_evidence) = (day(TODAY - ended), "accounts closed".to_owned());
        let wish = Wish::Retire { retired_on, disposal_evidence };
        let asked = world.must(&sanctioned(&world), OWNER, &Move::Request(wish));
        let retired = world.must(&asked, REVIEWER, &Move::Approve);
        let (mut system, mut seen) = (retired.clone(), world.seen.clone());
        let mut resurfaced = false;
        for ahead in sightings {
            let at = TODAY - 30 + ahead;
            resurfaced |= at > TODAY;
            let (first, last) = seen.days.unwrap();
            seen.days = Some((first.min(day(at)), last.max(day(at))));
            system = observe(&system, &seen, day(TODAY + 30));
            let expected = match resurfaced {
                true => (ReviewState::Reopened, Some(ReopenReason::Resurfaced)),
                false => (ReviewState::Decided, None),
            };
            prop_assert_eq!((system.review, system.reopened), expected);
            prop_assert_eq!((system.stage, system.retired_on), (Stage::Retired, Some(retired_on)));
            prop_assert_eq!(decided_by_people(&system), decided_by_people(&retired));
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
            versions: BTreeMap::new(),
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
