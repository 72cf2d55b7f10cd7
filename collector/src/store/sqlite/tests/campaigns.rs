//! Campaigns on a real database: what is asked, answered, refused and left unsaid.

use serde_json::json;

use super::governance::{act, by, only, prepared, sanctioned, who, with_people};
use super::*;
use crate::audit::{Keys, Note};
use crate::campaign::Report;
use crate::model::Sight;
use crate::model::campaign::{
    Answer, CampaignMode, CampaignPlan, CampaignQuery, CampaignRow, OpenRow, Relation, RowFilter, RowState,
    RowStep, Schedule, SentAnswer,
};
use crate::model::governed::{Act, Held, TrailFilter};
use crate::model::record::{AiSystem, ReviewState, Wish};
use crate::model::{Grants, PersonDetails, Role as Part};
use crate::review::{Guard, Move, Refused, Who};
use crate::store::people::People;
use crate::store::{Campaigns, Governance};

const DAY_MS: i64 = 86_400_000;

fn person(fixture: &Fixture, name: &str, manager: Option<i64>) -> i64 {
    let details =
        PersonDetails { display_name: name.to_owned(), active: true, manager, ..PersonDetails::default() };
    fixture.store.add_person(name, &details, false, &by()).unwrap().unwrap().id
}

fn plan() -> CampaignPlan {
    CampaignPlan {
        title: "Spring".into(),
        query: CampaignQuery::default(),
        mode: CampaignMode::Differential,
        schedule: Schedule {
            remind: today().forward(7),
            due: today().forward(14),
            escalate: today().forward(15),
            report: today().forward(21),
        },
        previewed: None,
    }
}

/// An owner without any role, with a manager.
struct Asked {
    fixture: Fixture,
    analyst: i64,
    reviewer: i64,
    owner: i64,
    boss: i64,
    system: String,
    campaign: String,
}

/// A record of an owner who holds no role, and a campaign that asks.
fn asked() -> Asked {
    let (fixture, analyst, reviewer) = with_people();
    let boss = person(&fixture, "bo", None);
    let owner = person(&fixture, "olga", Some(boss));
    let system = prepared(&fixture, analyst);
    own(&fixture, &system, analyst, owner);
    let campaign =
        fixture.store.start_campaign(plan(), who(analyst, Part::Analyst), act(analyst)).unwrap().unwrap();
    Asked { analyst, reviewer, owner, boss, system, campaign: campaign.body.id, fixture }
}

fn own(fixture: &Fixture, system: &str, analyst: i64, owner: i64) {
    let edit = Move::Edit(vec![("system_owner".into(), owner.into())]);
    fixture.moves(system, analyst, Part::Analyst, edit).unwrap();
}

fn nobody(person: i64) -> Who {
    Who { person, grants: Grants::default(), ..Who::default() }
}

impl Asked {
    fn served(&self, person: i64, now_ms: i64) -> Vec<OpenRow> {
        self.fixture.store.serve_rows(person, PageRequest::default(), now_ms, false).unwrap().rows
    }

    fn record(&self) -> Held<AiSystem> {
        self.fixture.store.system(&self.system).unwrap().unwrap().held
    }

    fn answer(
        &self,
        person: i64,
        row: &OpenRow,
        answer: Answer,
        comment: &str,
    ) -> Result<CampaignRow, Refused> {
        let sent = SentAnswer {
            row: row.held.body.id.clone(),
            seen: row.system.held.hash.clone(),
            answer,
            comment: comment.into(),
        };
        self.sends(person, vec![sent], NOW_MS + 42_000).remove(0).unwrap()
    }

    fn sends(
        &self,
        person: i64,
        answers: Vec<SentAnswer>,
        now_ms: i64,
    ) -> Vec<Option<Result<CampaignRow, Refused>>> {
        let act = Act { now_ms, ..act(person) };
        let came_to = self.fixture.store.answer_rows(answers, nobody(person), act).unwrap();
        came_to.into_iter().map(|(_, changed)| changed.map(|made| made.map(|held| held.body))).collect()
    }

    fn rows(&self) -> Vec<CampaignRow> {
        let all = RowFilter::default();
        let page = PageRequest::default();
        let rows = self.fixture.store.campaign_rows(&self.campaign, &all, page, NOW_MS).unwrap().rows;
        rows.into_iter().map(|row| row.held.body).collect()
    }
}

#[test]
fn an_owner_without_a_role_confirms_what_was_on_the_page_and_the_next_review_is_due() {
    let asked = asked();
    let row = asked.served(asked.owner, NOW_MS).remove(0);
    assert_eq!((row.confirmed_at_ms, row.changes.len(), row.blocked), (None, 0, false));
    let made = asked.answer(asked.owner, &row, Answer::Confirm, "as it is").unwrap();
    assert_eq!(made.state, RowState::Confirmed);
    let said = made.answer.unwrap();
    assert_eq!((said.seconds, said.batch, said.by), (42, 1, asked.owner));
    assert!(said.relation.contains(&Relation::SystemOwner));
    let record = asked.record();
    let confirmation = record.body.confirmations.last().unwrap();
    assert_eq!((confirmation.by, &confirmation.seen), (asked.owner, &row.system.held.hash));
    assert_eq!(confirmation.campaign.as_ref(), Some(&asked.campaign));
    assert_eq!(record.body.next_review_due, Some(today().forward(365)));
    let of_row = TrailFilter { kind: Some("campaign-row".into()), ..TrailFilter::default() };
    let trail = asked.fixture.store.trail(&of_row, PageRequest::default()).unwrap().rows;
    let expected = format!("campaign:{}", asked.campaign);
    assert_eq!((&trail[0].action[..], trail[0].batch.as_ref()), ("campaign.confirm", Some(&expected)));
    assert!(asked.served(asked.owner, NOW_MS).is_empty());
}

#[test]
fn what_changed_after_it_was_shown_needs_another_look() {
    let asked = asked();
    let row = asked.served(asked.owner, NOW_MS).remove(0);
    let edit = Move::Edit(vec![("purpose".into(), "Something else".into())]);
    asked.fixture.moves(&asked.system, asked.analyst, Part::Analyst, edit).unwrap();
    let refused = asked.answer(asked.owner, &row, Answer::Confirm, "").unwrap_err();
    assert_eq!(refused.guard, Guard::Version);
    assert!(asked.record().body.confirmations.is_empty());
    assert_eq!(asked.rows()[0].state, RowState::Open);
    // The hash of the new version, without having been sent it, does not help.
    let mut guessed = row.clone();
    guessed.system.held.hash = asked.record().hash;
    assert_eq!(asked.answer(asked.owner, &guessed, Answer::Confirm, "").unwrap_err().guard, Guard::Version);
    let again = asked.served(asked.owner, NOW_MS).remove(0);
    assert!(asked.answer(asked.owner, &again, Answer::Confirm, "").is_ok());
}

#[test]
fn the_way_of_an_answer_is_open_to_nobody_else() {
    let asked = asked();
    let row = asked.served(asked.owner, NOW_MS).remove(0);
    // Another person, even one who was sent the row somehow.
    asked.fixture.store.serve_rows(asked.boss, PageRequest::default(), NOW_MS, false).unwrap();
    let refused = asked.answer(asked.boss, &row, Answer::Confirm, "").unwrap_err();
    assert_eq!(refused.guard, Guard::Role);
    // The owner, past the row: with the batch of the campaign, and with its id in the confirmation.
    let as_if = Act { batch: Some(format!("campaign:{}", asked.campaign)), ..act(asked.owner) };
    let edit = Move::Edit(vec![("purpose".into(), "x".into())]);
    let moved = |step| {
        let came_to =
            asked.fixture.store.move_system(&asked.system, step, nobody(asked.owner), as_if.clone());
        came_to.unwrap().unwrap().map(|held| held.body).map_err(|refused| refused.guard)
    };
    assert_eq!(moved(edit).unwrap_err(), Guard::Role);
    let seen = asked.record().hash;
    let confirm = |campaign, seen: &str| Move::Confirm { campaign, seen: seen.into(), comment: None };
    assert_eq!(moved(confirm(Some(asked.campaign.clone()), &seen)).unwrap_err(), Guard::Target);
    assert_eq!(moved(confirm(None, "00")).unwrap_err(), Guard::Version);
    assert_eq!(moved(confirm(None, &seen)).unwrap().confirmations.len(), 1);
    // What an owner does not set, within the row.
    let row = asked.served(asked.owner, NOW_MS).remove(0);
    for (field, value) in
        [("risk_tier", json!("minimal")), ("org_units", json!([2])), ("stage", json!("deployed"))]
    {
        let amend = Answer::Amend(vec![(field.into(), value)]);
        assert_eq!(asked.answer(asked.owner, &row, amend, "").unwrap_err().guard, Guard::Fields, "{field}");
    }
}

#[test]
fn an_amendment_is_an_edit_and_a_confirmation_of_what_came_of_it() {
    let asked = asked();
    let row = asked.served(asked.owner, NOW_MS).remove(0);
    let amend = Answer::Amend(vec![("purpose".into(), "Drafts contracts".into())]);
    let made = asked.answer(asked.owner, &row, amend.clone(), "").unwrap();
    assert_eq!(made.state, RowState::Amended);
    let record = asked.record();
    assert_eq!(record.body.purpose.as_deref(), Some("Drafts contracts"));
    assert_eq!(record.stamps["purpose"].by, format!("person:{}", asked.owner));
    let seen = &record.body.confirmations.last().unwrap().seen;
    assert!(*seen != row.system.held.hash && *seen != record.hash, "the version between the two");
    let of_record = TrailFilter { id: Some(asked.system.clone()), ..TrailFilter::default() };
    let trail = asked.fixture.store.trail(&of_record, PageRequest::default()).unwrap().rows;
    assert_eq!([&trail[0].action[..], &trail[1].action[..]], ["system.confirm", "system.edit"]);
    // An amendment that amends nothing.
    let again = asked.fixture.store;
    let plan = CampaignPlan { title: "Again".into(), ..plan() };
    again.start_campaign(plan, who(asked.analyst, Part::Analyst), act(asked.analyst)).unwrap().unwrap();
    let row = again.serve_rows(asked.owner, PageRequest::default(), NOW_MS, false).unwrap().rows.remove(0);
    let (row, seen) = (row.held.body.id, row.system.held.hash);
    let sent = SentAnswer { row, seen, answer: amend, comment: String::new() };
    let came_to = again.answer_rows(vec![sent], nobody(asked.owner), act(asked.owner)).unwrap();
    assert_eq!(came_to[0].1.as_ref().unwrap().as_ref().unwrap_err().guard, Guard::Fields);
}

#[test]
fn what_an_owner_says_of_its_effect_lets_who_decided_look_again() {
    let (fixture, analyst, reviewer) = with_people();
    let system = sanctioned(&fixture, analyst, reviewer);
    let plan = plan();
    let started =
        fixture.store.start_campaign(plan, who(analyst, Part::Analyst), act(analyst)).unwrap().unwrap();
    let row =
        fixture.store.serve_rows(analyst, PageRequest::default(), NOW_MS, false).unwrap().rows.remove(0);
    let sent = SentAnswer {
        row: row.held.body.id,
        seen: row.system.held.hash,
        answer: Answer::Amend(vec![("decision_impact".into(), "informs".into())]),
        comment: String::new(),
    };
    let came_to = fixture.store.answer_rows(vec![sent], who(analyst, Part::Analyst), act(analyst)).unwrap();
    assert!(came_to[0].1.as_ref().unwrap().is_ok());
    assert_eq!(fixture.store.system(&system).unwrap().unwrap().held.body.review, ReviewState::Reopened);
    assert_eq!(
        fixture.store.campaign(&started.body.reference, &Sight::All, NOW_MS).unwrap().unwrap().counts.amended,
        1
    );
}

#[test]
fn a_record_that_goes_on_is_put_to_the_next_owner_and_comes_back_to_an_analyst() {
    let asked = asked();
    let next = person(&asked.fixture, "nora", None);
    let row = asked.served(asked.owner, NOW_MS).remove(0);
    let left = person(&asked.fixture, "leo", None);
    let gone = PersonDetails { display_name: "leo".into(), active: false, ..PersonDetails::default() };
    asked.fixture.store.change_person(left, &gone, &by()).unwrap().unwrap();
    assert_eq!(
        asked.answer(asked.owner, &row, Answer::Reassign(left), "").unwrap_err().guard,
        Guard::OwnerActive
    );
    assert_eq!(
        asked.answer(asked.owner, &row, Answer::Reassign(999), "").unwrap_err().guard,
        Guard::OwnerActive
    );

    let made = asked.answer(asked.owner, &row, Answer::Reassign(next), "she runs it").unwrap();
    assert_eq!(asked.record().body.system_owner, Some(next));
    let second = asked.served(next, NOW_MS).remove(0);
    assert_eq!((made.state, made.next.as_ref()), (RowState::Reassigned, Some(&second.held.body.id)));
    assert_eq!(second.held.body.from.as_ref(), Some(&made.id));
    let back = asked.answer(next, &second, Answer::Reassign(asked.owner), "no, his").unwrap_err();
    assert_eq!(back.guard, Guard::Target, "nobody is asked twice");
    assert_eq!(asked.answer(next, &second, Answer::NotMine, " ").unwrap_err().guard, Guard::Reason);
    asked.answer(next, &second, Answer::NotMine, "finance has it").unwrap();

    let third = person(&asked.fixture, "fred", None);
    let give = |who| asked.fixture.store.assign_row(&second.held.body.id, third, who, act(asked.analyst));
    assert_eq!(give(nobody(next)).unwrap().unwrap().unwrap_err().guard, Guard::Role);
    let given = give(who(asked.analyst, Part::Analyst)).unwrap().unwrap().unwrap();
    assert_eq!((given.body.owner, given.body.hops), (third, 2));
    assert_eq!(asked.record().body.system_owner, Some(third));
    assert_eq!(give(who(asked.analyst, Part::Analyst)).unwrap().unwrap().unwrap_err().guard, Guard::State);
    assert_eq!(asked.served(third, NOW_MS).len(), 1);
}

#[test]
fn a_retirement_is_asked_for_and_not_made() {
    let asked = asked();
    let row = asked.served(asked.owner, NOW_MS).remove(0);
    let retire = |evidence: &str| Answer::Retire { retired_on: today(), disposal_evidence: evidence.into() };
    assert_eq!(asked.answer(asked.owner, &row, retire("T-1"), "").unwrap_err().guard, Guard::Reason);
    assert_eq!(asked.answer(asked.owner, &row, retire(" "), "over").unwrap_err().guard, Guard::Disposal);
    let made = asked.answer(asked.owner, &row, retire("T-1"), "over").unwrap();
    assert_eq!(made.state, RowState::Retired);
    let record = asked.record().body;
    assert!(matches!(record.request.unwrap().wish, Wish::Retire { .. }));
    assert_eq!(record.retired_on, None);
    asked.fixture.moves(&asked.system, asked.reviewer, Part::Reviewer, Move::Approve).unwrap();
    assert_eq!(asked.record().body.retired_on, Some(today()));
}

#[test]
fn of_many_answers_each_is_taken_or_refused_by_itself() {
    let asked = asked();
    let add = |name: &str| {
        let system = AiSystem { name: name.into(), org_units: [1].into(), ..AiSystem::default() };
        let made =
            asked.fixture.store.add_system(system, &who(asked.analyst, Part::Analyst), act(asked.analyst));
        let id = made.unwrap().unwrap().body.id;
        own(&asked.fixture, &id, asked.analyst, asked.owner);
        id
    };
    let more = [add("b"), add("c")];
    assert_eq!(asked.served(asked.owner, NOW_MS).len(), 1, "the list is frozen");
    let plan = CampaignPlan { title: "Two".into(), ..plan() };
    asked
        .fixture
        .store
        .start_campaign(plan, who(asked.analyst, Part::Analyst), act(asked.analyst))
        .unwrap()
        .unwrap();
    let rows = asked.served(asked.owner, NOW_MS);
    assert_eq!(rows.len(), 4);
    let edit = Move::Edit(vec![("purpose".into(), "x".into())]);
    asked.fixture.moves(&more[0], asked.analyst, Part::Analyst, edit).unwrap();
    let sent: Vec<SentAnswer> = rows
        .iter()
        .map(|row| SentAnswer {
            row: row.held.body.id.clone(),
            seen: row.system.held.hash.clone(),
            answer: Answer::Confirm,
            comment: String::new(),
        })
        .chain([SentAnswer {
            row: "no such row".into(),
            seen: String::new(),
            answer: Answer::Confirm,
            comment: String::new(),
        }])
        .collect();
    let came_to = asked.sends(asked.owner, sent, NOW_MS + 5_000);
    let mut outcomes: Vec<String> = came_to
        .iter()
        .map(|one| match one {
            None => "none".to_owned(),
            Some(Ok(row)) => format!("{} {}", row.state.as_str(), row.answer.as_ref().unwrap().batch),
            Some(Err(refused)) => refused.guard.as_str().to_owned(),
        })
        .collect();
    outcomes.sort();
    // The record that both campaigns ask about changed with its first confirmation, and the edited one before.
    assert_eq!(outcomes, ["G-VERSION", "G-VERSION", "confirmed 5", "confirmed 5", "none"]);
    assert_eq!(asked.served(asked.owner, NOW_MS).len(), 2, "what was refused still waits");
    let refusals =
        TrailFilter { refused: Some(true), kind: Some("campaign-row".into()), ..TrailFilter::default() };
    assert_eq!(asked.fixture.store.trail(&refusals, PageRequest::default()).unwrap().total, 2);
}

/// I-18 on the whole path.
#[test]
fn silence_goes_to_the_owner_the_manager_and_the_starter_and_ends_in_a_signed_line_of_its_own() {
    let asked = asked();
    let before = asked.record();
    let at = |days: i64| NOW_MS + days * DAY_MS;
    let keep = |days: u8| {
        // Its sensors go on reporting, so that silence is the owner's.
        let heard = with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, 1)]);
        asked.fixture.send(1, heard, at(i64::from(days)));
        asked.fixture.store.attend(at(i64::from(days))).unwrap();
        asked.rows().remove(0)
    };
    assert_eq!(keep(6).step, RowStep::None);
    assert_eq!(keep(7).step, RowStep::Reminded);
    assert!(asked.fixture.store.rows_escalated_to(asked.boss, at(7)).unwrap().is_empty());
    let told = keep(15);
    assert_eq!((told.step, told.escalated_to), (RowStep::Escalated, Some(asked.boss)));
    assert_eq!(asked.fixture.store.rows_escalated_to(asked.boss, at(15)).unwrap().len(), 1);
    assert_eq!(keep(21).step, RowStep::Reported);
    let owner =
        &asked.fixture.store.campaign(&asked.campaign, &Sight::All, at(21)).unwrap().unwrap().owners[0];
    assert_eq!((owner.step, owner.manager.as_deref(), owner.counts.open), (RowStep::Reported, Some("bo"), 1));

    let keys = Arc::new(Keys::load(&Keys::create("h/aims/x").unwrap()).unwrap());
    let close = |who| {
        let act = Act { now_ms: at(22), ..act(asked.analyst) };
        asked.fixture.store.close_campaign(&asked.campaign, who, act, Arc::clone(&keys)).unwrap().unwrap()
    };
    assert_eq!(close(nobody(asked.owner)).unwrap_err().guard, Guard::Role);
    let closed = close(who(asked.analyst, Part::Analyst)).unwrap().body;
    let note = Note::read(closed.report.as_ref().unwrap()).unwrap();
    assert_eq!(note.verify(&[keys.vkey().clone()]).unwrap(), [0]);
    let report: Report = serde_json::from_str(note.text()).unwrap();
    assert_eq!((report.counts.silent, report.counts.attested(), report.silence.reported), (1, 0, 1));
    let changed = closed.report.unwrap().replace("\"silent\":1", "\"silent\":0");
    assert!(Note::read(&changed).unwrap().verify(&[keys.vkey().clone()]).is_err());

    assert_eq!(asked.rows()[0].state, RowState::Silent);
    let after = asked.record().body;
    assert_eq!(
        (after.confirmations, after.next_review_due),
        (before.body.confirmations, before.body.next_review_due)
    );
    assert_eq!(close(who(asked.analyst, Part::Analyst)).unwrap_err().guard, Guard::State);
    assert_eq!(asked.fixture.store.attested(at(22)).unwrap().numerator, 0);
    assert!(asked.served(asked.owner, at(22)).is_empty());
}

#[test]
fn rows_whose_sensors_are_silent_are_shown_and_wait() {
    let asked = asked();
    let later = NOW_MS + 8 * DAY_MS;
    let row = asked.served(asked.owner, later).remove(0);
    assert!(row.blocked);
    let sent = |answer, comment: &str| SentAnswer {
        row: row.held.body.id.clone(),
        seen: row.system.held.hash.clone(),
        answer,
        comment: comment.into(),
    };
    let came_to = asked.sends(asked.owner, vec![sent(Answer::Confirm, "")], later).remove(0).unwrap();
    assert_eq!(came_to.unwrap_err().guard, Guard::Evidence);
    asked.fixture.store.attend(NOW_MS + 30 * DAY_MS).unwrap();
    assert_eq!(asked.rows()[0].step, RowStep::None, "who cannot answer is not silent");
    assert_eq!(
        asked.fixture.store.campaign(&asked.campaign, &Sight::All, later).unwrap().unwrap().blocked_now,
        1
    );
    let keys = Arc::new(Keys::load(&Keys::create("h/aims/x").unwrap()).unwrap());
    let act = Act { now_ms: NOW_MS + 30 * DAY_MS, ..act(asked.analyst) };
    let closed =
        asked.fixture.store.close_campaign(&asked.campaign, who(asked.analyst, Part::Analyst), act, keys);
    assert!(closed.unwrap().unwrap().is_ok());
    assert_eq!(asked.rows()[0].state, RowState::Blocked);
}

#[test]
fn an_owner_is_shown_what_changed_since_and_what_was_there() {
    let asked = asked();
    let row = asked.served(asked.owner, NOW_MS).remove(0);
    asked.answer(asked.owner, &row, Answer::Confirm, "").unwrap();
    let again = || {
        let plan = CampaignPlan { title: "Again".into(), ..plan() };
        let act = Act { now_ms: NOW_MS + DAY_MS, ..act(asked.analyst) };
        asked.fixture.store.start_campaign(plan, who(asked.analyst, Part::Analyst), act).unwrap().unwrap();
        asked.served(asked.owner, NOW_MS + DAY_MS).remove(0)
    };
    let row = again();
    assert_eq!((row.confirmed_at_ms, row.changes), (Some(NOW_MS + 42_000), Vec::new()));
    let edit = Act { now_ms: NOW_MS + DAY_MS, ..act(asked.analyst) };
    let risk = Move::Edit(vec![("risk_owner".into(), asked.boss.into()), ("purpose".into(), "Other".into())]);
    asked.fixture.store.move_system(&asked.system, risk, who(asked.analyst, Part::Analyst), edit).unwrap();
    let changes = again().changes;
    let told: Vec<_> =
        changes.iter().map(|one| (&one.label[..], one.before.as_deref(), &one.after[..])).collect();
    assert_eq!(told, [("Purpose", Some("Drafts"), "Other"), ("Risk owner", Some(""), "bo")]);
}

#[test]
fn who_answers_for_something_can_be_let_in_without_a_role() {
    let (fixture, analyst, _) = with_people();
    let owner = person(&fixture, "olga", None);
    let link = |hash: u8| fixture.store.add_link("olga", &[hash; 32], NOW_MS + DAY_MS, &by()).unwrap();
    assert!(!link(1), "only in the directory");
    let system = only(&fixture);
    own(&fixture, &system, analyst, owner);
    assert!(link(2));
    let user = fixture.store.take_link(&[2; 32], NOW_MS).unwrap().unwrap();
    assert_eq!((user.id, user.grants), (owner, Grants::default()));
}
