//! The rules of campaigns over random fleets, owners and silences.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::campaign::{CampaignMode, CampaignQuery, RowCounts, Schedule};
use crate::model::governed::{Held, Stamp};
use crate::model::record::{Confirmation, Scope, Stage};
use crate::model::{Grant, Grants};

const TODAY: u32 = 20_784;
const STARTER: i64 = 100;

fn day(number: u32) -> Day {
    Day::from_number(number).unwrap()
}

fn who(person: i64, roles: &[(Role, Option<i64>)]) -> Who {
    Who {
        person,
        grants: Grants(roles.iter().map(|(role, unit)| Grant { role: *role, unit: *unit }).collect()),
        ..Who::default()
    }
}

fn plan() -> CampaignPlan {
    CampaignPlan {
        title: "Spring".into(),
        query: CampaignQuery::default(),
        mode: CampaignMode::Whole,
        schedule: Schedule {
            remind: day(TODAY + 7),
            due: day(TODAY + 14),
            escalate: day(TODAY + 15),
            report: day(TODAY + 21),
        },
        previewed: None,
    }
}

fn candidate(number: usize, owner: Option<i64>, active: bool) -> Candidate {
    Candidate {
        id: format!("s{number}"),
        reference: String::new(),
        name: String::new(),
        owner,
        owner_name: String::new(),
        owner_active: active,
    }
}

fn begin(found: &[Candidate]) -> Result<(Campaign, Vec<CampaignRow>), Refused> {
    let mut number = 0;
    let mut id = || {
        number += 1;
        format!("r{number}")
    };
    let starter = who(STARTER, &[(Role::Analyst, None)]);
    let ids = ("c".to_owned(), "CAM-0001".to_owned());
    start(&plan(), found, &starter, day(TODAY).unix_ms(), ids, &mut id)
        .map(|(campaign, rows, _)| (campaign, rows))
}

fn one(owner: i64) -> (Campaign, CampaignRow) {
    let (campaign, mut rows) = begin(&[candidate(1, Some(owner), true)]).unwrap();
    (campaign, rows.remove(0))
}

fn held(system: AiSystem, stamps: &[(&str, u64, i64)]) -> Held<AiSystem> {
    let stamps = stamps.iter().map(|(name, seq, at_ms)| {
        ((*name).to_owned(), Stamp { seq: *seq, by: "person:1".into(), at_ms: *at_ms })
    });
    Held { body: system, version: 1, hash: "h1".into(), seq: 1, at_ms: 0, stamps: stamps.collect() }
}

fn confirmation(by: i64, at_ms: i64) -> Confirmation {
    Confirmation { campaign: None, by, at_ms, seen: "h".into(), comment: None }
}

fn said(by: i64) -> RowAnswer {
    RowAnswer {
        by,
        at_ms: 1,
        seen: "h1".into(),
        comment: None,
        seconds: 3,
        batch: 1,
        relation: BTreeSet::new(),
    }
}

#[test]
fn it_takes_a_role_a_title_a_schedule_and_somebody_to_ask() {
    let found = [candidate(1, Some(1), true)];
    let ids = || ("c".to_owned(), String::new());
    let mut id = || "r".to_owned();
    let mut refused = |plan: CampaignPlan, who: &Who| {
        start(&plan, &found, who, day(TODAY).unix_ms(), ids(), &mut id).unwrap_err()
    };
    let starter = who(STARTER, &[(Role::Analyst, None)]);
    assert_eq!(refused(plan(), &who(1, &[(Role::Auditor, None)])).guard, Guard::Role);
    assert_eq!(refused(plan(), &who(1, &[])).guard, Guard::Role);
    assert_eq!(refused(plan(), &who(1, &[(Role::Analyst, Some(3))])).guard, Guard::Acl);
    for title in ["", "  ", "a\nb", &"x".repeat(201)] {
        assert_eq!(refused(CampaignPlan { title: title.into(), ..plan() }, &starter).missing, ["title"]);
    }
    let when = |change: fn(&mut Schedule)| {
        let mut plan = plan();
        change(&mut plan.schedule);
        plan
    };
    for (plan, field) in [
        (when(|on| on.due = day(TODAY)), "due"),
        (when(|on| on.due = day(TODAY + 400)), "due"),
        (when(|on| on.remind = day(TODAY + 20)), "remind"),
        (when(|on| on.escalate = on.due), "escalate"),
        (when(|on| on.report = on.escalate), "escalate"),
    ] {
        assert_eq!(refused(plan, &starter).missing, [field]);
    }
    let other = CampaignPlan { previewed: Some("another list".into()), ..plan() };
    assert_eq!(refused(other, &starter).guard, Guard::Version);
    assert_eq!(begin(&[candidate(1, None, false)]).unwrap_err().guard, Guard::Target);
    let many: Vec<_> = (0..=MOST_RECORDS).map(|number| candidate(number, Some(1), true)).collect();
    assert_eq!(begin(&many).unwrap_err().guard, Guard::Target);
    let same = CampaignPlan { previewed: Some(digest(&found)), ..plan() };
    assert!(start(&same, &found, &starter, day(TODAY).unix_ms(), ids(), &mut id).is_ok());
}

#[test]
fn each_guard_of_an_answer_refuses() {
    let (campaign, row) = one(4);
    let system = AiSystem { id: "s1".into(), system_owner: Some(4), ..AiSystem::default() };
    let record = held(system.clone(), &[]);
    let owner = who(4, &[]);
    let asked = || Asked { system: &record, blocked: false, served: Some(("h1", 0)) };
    let confirm = Answer::Confirm;
    let ask = |who: &Who, seen: &str, comment: &str, answer: &Answer, asked: Asked<'_>| {
        may_answer(&campaign, &row, who, seen, comment, answer, asked).map_err(|refused| refused.guard)
    };
    assert_eq!(ask(&owner, "h1", "", &confirm, asked()), Ok(()));
    assert_eq!(ask(&who(5, &[]), "h1", "", &confirm, asked()), Err(Guard::Role));
    for role in [Role::Auditor, Role::WorksCouncil] {
        assert_eq!(ask(&who(4, &[(role, None)]), "h1", "", &confirm, asked()), Err(Guard::Role));
    }
    assert_eq!(ask(&who(4, &[(Role::Analyst, Some(3))]), "h1", "", &confirm, asked()), Ok(()));
    assert_eq!(ask(&owner, "h0", "", &confirm, asked()), Err(Guard::Version));
    assert_eq!(ask(&owner, "h1", "", &confirm, Asked { served: None, ..asked() }), Err(Guard::Version));
    let newer = Held { hash: "h2".into(), ..record.clone() };
    let stale = Asked { system: &newer, ..asked() };
    assert_eq!(ask(&owner, "h1", "", &confirm, stale), Err(Guard::Version));
    assert_eq!(ask(&owner, "h1", &"x".repeat(REASON_CHARS + 1), &confirm, asked()), Err(Guard::Reason));

    let blocked = || Asked { blocked: true, ..asked() };
    assert_eq!(ask(&owner, "h1", "", &confirm, blocked()), Err(Guard::Evidence));
    let purpose = Answer::Amend(vec![("purpose".into(), "x".into())]);
    assert_eq!(ask(&owner, "h1", "", &purpose, blocked()), Err(Guard::Evidence));
    assert_eq!(ask(&owner, "h1", "why", &Answer::NotMine, blocked()), Ok(()));

    assert_eq!(ask(&owner, "h1", "", &purpose, asked()), Ok(()));
    assert_eq!(ask(&owner, "h1", "", &Answer::Amend(Vec::new()), asked()), Err(Guard::Fields));
    for name in
        ["system_owner", "risk_owner", "org_units", "risk_tier", "aiia.state", "next_review_due", "stage"]
    {
        let amend = Answer::Amend(vec![(name.into(), "x".into())]);
        assert_eq!(ask(&owner, "h1", "", &amend, asked()), Err(Guard::Fields), "{name}");
    }
    assert_eq!(ask(&owner, "h1", "", &Answer::Reassign(4), asked()), Err(Guard::Fields));
    assert_eq!(ask(&owner, "h1", " ", &Answer::NotMine, asked()), Err(Guard::Reason));
    let retire = Answer::Retire { retired_on: day(TODAY), disposal_evidence: "T-1".into() };
    assert_eq!(ask(&owner, "h1", "", &retire, asked()), Err(Guard::Reason));

    let moved = held(AiSystem { system_owner: Some(9), ..system }, &[]);
    let elsewhere = || Asked { system: &moved, ..asked() };
    assert_eq!(ask(&owner, "h1", "", &confirm, elsewhere()), Err(Guard::Role));
    assert_eq!(ask(&owner, "h1", "ask them", &Answer::NotMine, elsewhere()), Ok(()));

    let closed = Campaign { state: CampaignState::Closed, ..campaign.clone() };
    let late = may_answer(&closed, &row, &owner, "h1", "", &confirm, asked());
    assert_eq!(late.unwrap_err().guard, Guard::State);
    let done = answered(&row, &confirm, said(4));
    let twice = may_answer(&campaign, &done, &owner, "h1", "", &confirm, asked());
    assert_eq!(twice.unwrap_err().guard, Guard::State);
}

#[test]
fn without_a_manager_silence_goes_to_who_started_it_and_a_blocked_row_is_not_silent() {
    let (campaign, row) = one(4);
    let after = day(TODAY + 15);
    let told = escalate(&campaign, &row, after, false, Some(8)).unwrap();
    assert_eq!((told.step, told.escalated_to), (RowStep::Escalated, Some(8)));
    let told = escalate(&campaign, &row, after, false, None).unwrap();
    assert_eq!((told.step, told.escalated_to), (RowStep::Reported, None));
    assert_eq!(escalate(&campaign, &row, day(TODAY + 40), true, Some(8)), None);
    assert_eq!(ended(&row, true, false).unwrap().state, RowState::Blocked);
    assert_eq!(ended(&row, true, true).unwrap().state, RowState::Void);
}

#[test]
fn a_campaign_is_closed_early_only_with_a_reason() {
    let (campaign, _) = one(4);
    let starter = who(STARTER, &[(Role::ScopeOwner, None)]);
    let close = |open, reason, today| may_close(&campaign, open, &starter, reason, day(today));
    assert_eq!(close(1, " ", TODAY).unwrap_err().guard, Guard::Reason);
    assert!(close(1, "merger", TODAY).is_ok() && close(0, "", TODAY).is_ok());
    assert!(close(1, "", TODAY + 15).is_ok());
    let nobody = who(1, &[(Role::Administrator, None)]);
    assert_eq!(may_close(&campaign, 0, &nobody, "", day(TODAY)).unwrap_err().guard, Guard::Role);
}

#[test]
fn what_came_back_is_given_to_another_owner_once() {
    let (campaign, row) = one(4);
    let analyst = who(STARTER, &[(Role::Analyst, None)]);
    let may = |row: &CampaignRow, owner| {
        may_assign(&campaign, row, owner, &analyst).map_err(|refused| refused.guard)
    };
    assert_eq!(may(&row, Some(4)), Err(Guard::State), "it waits for its owner");
    assert_eq!(may(&row, Some(5)), Ok(()), "the record has another owner");
    let back = answered(&row, &Answer::NotMine, said(4));
    assert_eq!(may(&back, Some(4)), Ok(()));
    let gone_on = CampaignRow { next: Some("r2".into()), ..back };
    assert_eq!(may(&gone_on, Some(4)), Err(Guard::State));
    let owner = who(4, &[]);
    assert_eq!(may_assign(&campaign, &row, Some(5), &owner).unwrap_err().guard, Guard::Role);
}

#[test]
fn a_report_has_silence_as_a_line_of_its_own_and_no_score_of_anybody() {
    let found: Vec<_> = (0..4).map(|number| candidate(number, Some(number as i64 + 1), true)).collect();
    let (campaign, mut rows) = begin(&found).unwrap();
    rows[0] = answered(&rows[0], &Answer::Confirm, said(1));
    rows[1] =
        answered(&rows[1], &Answer::Amend(Vec::new()), RowAnswer { seconds: 300, batch: 12, ..said(2) });
    let late = escalate(&campaign, &rows[2], day(TODAY + 15), false, Some(9)).unwrap();
    rows[2] = ended(&late, false, false).unwrap();
    rows[3] = ended(&rows[3], true, false).unwrap();
    let report = report(&campaign, &rows, "h/aims/x");
    let expected = RowCounts { confirmed: 1, amended: 1, silent: 1, blocked: 1, ..RowCounts::default() };
    assert_eq!(report.counts, expected);
    assert_eq!((report.silence.escalated, report.silence.none), (1, 0));
    assert_eq!((report.signals.quick, report.signals.in_bulk, report.signals.largest_submit), (1, 0, 12));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["counts"]["silent"], 1);
    assert!(
        json["signals"].as_object().unwrap().values().all(|value| !value.is_object() && !value.is_array())
    );
}

#[test]
fn k_08_counts_what_the_owner_of_today_confirmed_within_the_interval() {
    let now = day(TODAY).unix_ms();
    let ago = |days: u32| day(TODAY - days).unix_ms();
    let system = |owner, confirmations| AiSystem {
        scope: Scope::In,
        system_owner: owner,
        confirmations,
        ..AiSystem::default()
    };
    let all = [
        system(Some(1), vec![confirmation(1, ago(365))]),
        system(Some(1), vec![confirmation(1, ago(366))]),
        system(Some(1), vec![confirmation(2, now)]),
        system(Some(1), Vec::new()),
        system(None, vec![confirmation(1, now)]),
        AiSystem { stage: Stage::Retired, ..system(Some(1), vec![confirmation(1, now)]) },
        AiSystem { merged_into: Some("x".into()), ..system(Some(1), Vec::new()) },
        AiSystem { scope: Scope::Out, ..system(Some(1), vec![confirmation(1, now)]) },
        AiSystem { scope: Scope::Undetermined, ..system(Some(1), Vec::new()) },
    ];
    let kpi = attested(&all, day(TODAY), 365);
    assert_eq!((kpi.numerator, kpi.denominator), (1, 5));
    assert_eq!(kpi.excluded.iter().map(|(_, count)| count).sum::<u64>(), 4);
    let missing: Vec<u64> = kpi.missing.iter().map(|(_, count)| *count).collect();
    assert_eq!(missing, [1, 1, 1, 1]);
    assert_eq!(kpi.numerator + missing.iter().sum::<u64>(), kpi.denominator);
}

#[test]
fn an_empty_difference_and_one_that_was_set_back_show_nothing() {
    let before = AiSystem { purpose: Some("Drafts".into()), system_owner: Some(4), ..AiSystem::default() };
    let plainly = |_: &crate::model::record::Field, text: &str| text.to_owned();
    let fields = BTreeSet::from(["purpose".to_owned(), "sanction".to_owned()]);
    assert_eq!(changes(Some(&before), &before, &fields, &plainly), []);
    let now = AiSystem { purpose: Some("Decides".into()), ..before.clone() };
    let found = changes(Some(&before), &now, &fields, &plainly);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].label.as_str(), found[0].before.as_deref(), &found[0].after[..]),
        ("Purpose", Some("Drafts"), "Decides")
    );
    let erased = changes(None, &now, &fields, &plainly);
    assert_eq!(erased.len(), 2, "what was there cannot be told, that it was set can");
    assert!(erased.iter().all(|change| change.before.is_none()));
}

proptest! {
    /// One row for each record with somebody to ask; each record that was found is in one of the two lists, whatever comes after.
    #[test]
    fn the_list_is_frozen(owners in prop::collection::vec(prop::option::of((1_i64..6, any::<bool>())), 1..40)) {
        let found: Vec<Candidate> = owners.iter().enumerate()
            .map(|(number, owner)| candidate(number, owner.map(|(owner, _)| owner), owner.is_some_and(|(_, active)| active)))
            .collect();
        let Ok((campaign, rows)) = begin(&found) else {
            prop_assert!(found.iter().all(|one| !one.owner_active));
            return Ok(());
        };
        let asked: BTreeSet<&str> = rows.iter().map(|row| row.system.as_str()).collect();
        prop_assert_eq!(asked.len(), rows.len(), "one row a record");
        prop_assert_eq!(rows.len(), campaign.systems.len());
        let listed: BTreeSet<&str> = campaign.systems.iter().chain(&campaign.unowned).map(String::as_str).collect();
        prop_assert_eq!(listed, found.iter().map(|one| one.id.as_str()).collect::<BTreeSet<_>>());
        for row in &rows {
            let of = found.iter().find(|one| one.id == row.system).unwrap();
            prop_assert_eq!(of.owner, Some(row.owner));
        }
        let mut turned = found.clone();
        turned.reverse();
        prop_assert_eq!(digest(&found), digest(&turned));
        turned.push(candidate(99, Some(1), true));
        prop_assert_ne!(digest(&found), digest(&turned));
    }

    /// I-18: whatever days pass and however it is closed, silence becomes no answer, and every row is counted once.
    #[test]
    fn silence_is_never_a_confirmation(
        days in prop::collection::vec((0_u32..60, any::<bool>(), prop::option::of(1_i64..4)), 0..20),
        answers in prop::collection::vec(prop::option::of(0_usize..2), 1..12),
        end in (any::<bool>(), any::<bool>()),
    ) {
        let found: Vec<_> = (0..answers.len()).map(|number| candidate(number, Some(1), true)).collect();
        let (campaign, mut rows) = begin(&found).unwrap();
        for (row, answer) in rows.iter_mut().zip(&answers) {
            if let Some(answer) = answer {
                let answer = [Answer::Confirm, Answer::NotMine][*answer].clone();
                *row = answered(row, &answer, said(1));
            }
        }
        let spoken = rows.clone();
        for (day_of, blocked, manager) in days {
            for row in &mut rows {
                if let Some(next) = escalate(&campaign, row, day(TODAY + day_of), blocked, manager) {
                    prop_assert!(next.step > row.step);
                    prop_assert_eq!((next.state, &next.answer), (row.state, &row.answer));
                    *row = next;
                }
            }
        }
        for row in &mut rows {
            if let Some(next) = ended(row, end.0, end.1) {
                *row = next;
            }
        }
        let mut counts = RowCounts::default();
        for (row, before) in rows.iter().zip(&spoken) {
            counts.add(row.state, 1);
            if before.answer.is_none() {
                prop_assert!(matches!(row.state, RowState::Silent | RowState::Blocked | RowState::Void));
                prop_assert!(row.answer.is_none());
            } else {
                prop_assert_eq!(row, before);
            }
        }
        let silent = answers.iter().filter(|answer| answer.is_none()).count() as u64;
        prop_assert_eq!(counts.silent + counts.blocked + counts.void, silent);
        prop_assert_eq!(counts.rows(), answers.len() as u64);
        prop_assert_eq!(counts.attested(), answers.iter().filter(|answer| **answer == Some(0)).count() as u64);
    }

    /// Whoever passes it on to whom: nobody is asked twice about one record, and the chain ends.
    #[test]
    fn chains_of_owners_end(to in prop::collection::vec(1_i64..12, 0..60)) {
        let (_, first) = one(1);
        let mut rows = vec![first];
        for (number, to) in to.into_iter().enumerate() {
            let last = rows.last().unwrap().clone();
            let earlier: Vec<i64> = owners_asked(&rows).remove("s1").unwrap().into_iter().collect();
            match successor(&last, &earlier, to, format!("n{number}"), 1) {
                Ok(next) => {
                    prop_assert_eq!((next.from.as_deref(), next.state), (Some(last.id.as_str()), RowState::Open));
                    prop_assert!(next.answer.is_none());
                    rows.push(next);
                }
                Err(refused) => {
                    prop_assert_eq!(refused.guard, Guard::Target);
                    prop_assert!(earlier.contains(&to) || last.hops == MOST_HOPS);
                }
            }
        }
        prop_assert!(rows.len() <= 1 + MOST_HOPS as usize);
        let asked: BTreeSet<i64> = rows.iter().map(|row| row.owner).collect();
        prop_assert_eq!(asked.len(), rows.len());
    }

    /// Exactly what was set after the owner's own last confirmation is new; to who never confirmed, everything is.
    #[test]
    fn the_difference_is_what_came_after(
        events in prop::collection::vec((0_usize..4, 1_i64..3), 0..30),
    ) {
        const NAMES: [&str; 3] = ["purpose", "sanction", "aiia"];
        let mut system = AiSystem::default();
        let mut stamps: BTreeMap<&str, (u64, i64)> = BTreeMap::new();
        let mut expected: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
        for (seq, (what, person)) in events.into_iter().enumerate() {
            let (seq, at_ms) = (seq as u64, seq as i64 * 10);
            if let Some(name) = NAMES.get(what) {
                stamps.insert(name, (seq, at_ms));
                expected.values_mut().for_each(|fields| { fields.insert(name); });
            } else {
                system.confirmations.push(confirmation(person, at_ms));
                stamps.insert("confirmations", (seq, at_ms));
                stamps.insert("next_review_due", (seq, at_ms));
                expected.insert(person, BTreeSet::new());
                // Another one's confirmation moves the next review, and that is a change to the rest.
                for (other, fields) in &mut expected {
                    if *other != person {
                        fields.insert("next_review_due");
                    }
                }
            }
        }
        let stamps: Vec<(&str, u64, i64)> = stamps.iter().map(|(name, (seq, at))| (*name, *seq, *at)).collect();
        let record = held(system, &stamps);
        for person in 1..3 {
            let found = changed_fields(&record, person);
            let expected = expected.get(&person).map(|fields| fields.iter().map(|name| (*name).to_owned()).collect());
            prop_assert_eq!(found, expected);
        }
    }
}
