//! Governed records and their trail, on a real database.

use serde_json::Value;

use super::*;
use crate::audit::{Entry, Hash, payload_commit, record_hash};
use crate::findings::TaskStep;
use crate::model::governed::{Act, Actor, Governed, TrailFilter};
use crate::model::policy::Policy;
use crate::model::record::{AiSystem, Observed, ReopenReason, ReviewState, Sanction, Wish};
use crate::model::task::{Link, LinkKind, Purpose, Task, TaskFilter};
use crate::model::{By, Grant, Grants, PersonDetails, Role as Part};
use crate::review::{Guard, Move, Who};
use crate::store::Governance;
use crate::store::people::People;
use crate::store::tasks::Tasks;

pub(super) fn who(person: i64, role: Part) -> Who {
    Who { person, grants: Grants(vec![Grant { role, unit: None }]), ..Who::default() }
}

pub(super) fn by() -> By {
    By { person: None, name: "the tests".into(), reason: String::new(), at_ms: NOW_MS }
}

pub(super) fn act(person: i64) -> Act {
    Act::by(Actor::Person(person), NOW_MS).because("because")
}

/// A fleet with one candidate, an analyst, a reviewer and a policy: the numbers of the two.
pub(super) fn with_people() -> (Fixture, i64, i64) {
    let fixture = fleet();
    let add = |name: &str| {
        let details =
            PersonDetails { display_name: name.to_owned(), active: true, ..PersonDetails::default() };
        fixture.store.add_person(name, &details, false, &by()).unwrap().unwrap().id
    };
    let (analyst, reviewer) = (add("ana"), add("rea"));
    let policy = Policy {
        version: "2026-1".into(),
        title: "Use of AI".into(),
        link: None,
        sha256: None,
        approved_by: "the board".into(),
        from: today().back(10),
        until: None,
    };
    fixture.store.add_policy(policy, act(reviewer)).unwrap().unwrap();
    fixture.sees_chat();
    (fixture, analyst, reviewer)
}

pub(super) fn only(fixture: &Fixture) -> String {
    let (filter, page) = (SystemFilter::default(), PageRequest::default());
    let rows = fixture.store.systems(&filter, SystemSort::Name, Direction::Ascending, page).unwrap().rows;
    assert_eq!(rows.len(), 1);
    rows[0].id.clone()
}

impl Fixture {
    pub(super) fn sees_chat(&self) {
        self.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, 1)]), NOW_MS);
    }

    fn look(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }

    pub(super) fn moves(&self, id: &str, person: i64, role: Part, step: Move) -> Result<AiSystem, Guard> {
        let came_to = self.store.move_system(id, step, who(person, role), act(person)).unwrap().unwrap();
        came_to.map(|held| held.body).map_err(|refused| refused.guard)
    }

    /// Entries, oldest first, with salt and payload.
    fn entries(&self) -> Vec<(Entry, Vec<u8>, String)> {
        let connection = self.look();
        let mut statement = connection
            .prepare("SELECT t.entry, p.salt, p.payload FROM trail t JOIN trail_payload p ON p.seq = t.seq ORDER BY t.seq")
            .unwrap();
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?)))
            .unwrap();
        rows.map(|row| {
            let (entry, salt, payload) = row.unwrap();
            let salt = data_encoding::HEXLOWER.decode(salt.as_bytes()).unwrap();
            (Entry::read(entry.as_bytes()).unwrap(), salt, payload)
        })
        .collect()
    }
}

/// Brings the record of the candidate to where it can be decided.
pub(super) fn prepared(fixture: &Fixture, analyst: i64) -> String {
    let id = only(fixture);
    let fields = [
        ("purpose", "\"Drafts\""),
        ("intended_use", "\"Letters\""),
        ("foreseeable_misuse", "\"Dismissals\""),
        ("decision_impact", "\"none\""),
        ("consequential_domain", "\"none\""),
        ("org_units", "[1]"),
        ("data_categories", "[\"internal\"]"),
        ("risk_tier", "\"limited\""),
    ];
    let mut edits: Vec<(String, Value)> = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), serde_json::from_str(value).unwrap()))
        .collect();
    edits.push(("system_owner".to_owned(), analyst.into()));
    fixture.moves(&id, analyst, Part::Analyst, Move::Triage).unwrap();
    fixture.moves(&id, analyst, Part::Analyst, Move::Edit(edits)).unwrap();
    fixture.moves(&id, analyst, Part::Analyst, Move::StartReview).unwrap();
    id
}

pub(super) fn sanctioned(fixture: &Fixture, analyst: i64, reviewer: i64) -> String {
    let id = prepared(fixture, analyst);
    let wish = Wish::sanction();
    fixture.moves(&id, analyst, Part::Analyst, Move::Request(wish)).unwrap();
    fixture.moves(&id, reviewer, Part::Reviewer, Move::Approve).unwrap();
    id
}

#[test]
fn a_candidate_is_a_record_with_an_entry_of_the_transaction_that_saw_it() {
    let (fixture, ..) = with_people();
    let detail = fixture.store.system("AIS-0001").unwrap().unwrap();
    assert_eq!(detail.held.body.name, "Acme Chat");
    assert_eq!((detail.held.body.review, detail.held.body.observed), (ReviewState::New, Observed::Active));
    assert_eq!(detail.held.body.first_seen, Some(today()));
    let entries = fixture.entries();
    let (entry, ..) = entries.iter().rfind(|(entry, ..)| entry.object.starts_with("system/")).unwrap();
    assert_eq!((&entry.actor[..], &entry.action[..]), ("job:observe", "system.propose"));
    assert_eq!(entry.object, format!("system/{}", detail.held.body.id));
    assert_eq!(entry.after.unwrap().to_string(), detail.held.hash);
}

#[test]
fn the_trail_is_a_chain_that_commits_to_its_payloads_and_to_the_records() {
    let (fixture, analyst, reviewer) = with_people();
    sanctioned(&fixture, analyst, reviewer);
    let mut prev = Hash::ZERO;
    for (seq, (entry, salt, payload)) in fixture.entries().into_iter().enumerate() {
        assert_eq!(entry.seq, seq as u64);
        assert_eq!(entry.prev, prev);
        assert_eq!(entry.payload_commit, payload_commit(&salt.try_into().unwrap(), payload.as_bytes()));
        prev = entry.leaf();
    }
    let connection = fixture.look();
    let (hash, nonce, body): (String, String, String) = connection
        .query_row("SELECT hash, nonce, body FROM governed WHERE kind = 'system'", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    let nonce = data_encoding::HEXLOWER.decode(nonce.as_bytes()).unwrap().try_into().unwrap();
    assert_eq!(record_hash(&nonce, &serde_json::from_str(&body).unwrap()).unwrap().to_string(), hash);
}

/// I-14, I-15.
#[test]
fn replaying_the_trail_gives_the_records_and_a_refusal_changes_none() {
    let (fixture, analyst, reviewer) = with_people();
    let id = prepared(&fixture, analyst);
    let before = fixture.store.system(&id).unwrap().unwrap().held;
    let prohibited = fixture.moves(&id, analyst, Part::Analyst, Move::Prohibit);
    assert_eq!(prohibited.unwrap_err(), Guard::Role);
    assert_eq!(fixture.store.system(&id).unwrap().unwrap().held, before);
    let refusals = TrailFilter { refused: Some(true), ..TrailFilter::default() };
    let refusals = fixture.store.trail(&refusals, PageRequest::default()).unwrap();
    assert_eq!((refusals.total, &refusals.rows[0].outcome[..]), (1, "refused:G-ROLE"));

    fixture.moves(&id, reviewer, Part::Reviewer, Move::Prohibit).unwrap();
    let replayed = fixture.store.as_of("system", &id, i64::MAX).unwrap().unwrap();
    let now = fixture.store.system(&id).unwrap().unwrap().held;
    assert_eq!(replayed, serde_json::to_value(&now.body).unwrap());
    assert_eq!(
        fixture.store.as_of("system", &id, NOW_MS).unwrap(),
        None,
        "before its first entry there was none"
    );
    let whole: AiSystem = serde_json::from_value(replayed).unwrap();
    assert_eq!(whole.sanction, Sanction::Prohibited);
    let policies = fixture.store.policies().unwrap();
    assert_eq!(
        fixture.store.as_of(Policy::KIND, "2026-1", i64::MAX).unwrap(),
        Some(serde_json::to_value(&policies[0].body).unwrap())
    );
}

#[test]
fn a_stale_reader_is_refused() {
    let (fixture, analyst, _) = with_people();
    let id = only(&fixture);
    let version = fixture.store.system(&id).unwrap().unwrap().held.version;
    fixture.moves(&id, analyst, Part::Analyst, Move::Triage).unwrap();
    let edit = Move::Edit(vec![("purpose".into(), "x".into())]);
    let stale = act(analyst).on(version);
    let came_to = fixture.store.move_system(&id, edit, who(analyst, Part::Analyst), stale).unwrap().unwrap();
    assert_eq!(came_to.unwrap_err().guard, Guard::Version);
}

#[test]
fn a_prohibition_makes_a_task_for_the_owner_and_another_one_only_when_it_is_done() {
    let (fixture, analyst, reviewer) = with_people();
    let id = prepared(&fixture, analyst);
    let tasks = || {
        let rows = fixture.store.tasks(&TaskFilter::default(), PageRequest::default()).unwrap().rows;
        rows.into_iter().map(|row| row.held.body).collect::<Vec<_>>()
    };
    let refused = fixture.moves(&id, analyst, Part::Analyst, Move::Prohibit);
    assert_eq!((refused.unwrap_err(), tasks().len()), (Guard::Role, 0));
    let prohibit = || {
        fixture.moves(&id, reviewer, Part::Reviewer, Move::Prohibit).unwrap();
    };
    let again = || {
        fixture.moves(&id, reviewer, Part::Reviewer, Move::Reopen).unwrap();
        fixture.moves(&id, reviewer, Part::Reviewer, Move::StartReview).unwrap();
        prohibit();
    };
    prohibit();
    let task = tasks().remove(0);
    assert_eq!((task.purpose, task.assignee, task.added_by), (Purpose::Removal, Some(analyst), None));
    assert_eq!(
        (task.link.clone(), task.reference.as_str()),
        (Some(Link::to(LinkKind::System, &id)), "TSK-0001")
    );
    let of_task = TrailFilter { kind: Some(Task::KIND.into()), ..TrailFilter::default() };
    let trail = fixture.store.trail(&of_task, PageRequest::default()).unwrap().rows;
    assert_eq!((&trail[0].action[..], trail[0].reason.as_deref()), ("task.add", Some("because")));
    again();
    assert_eq!(tasks().len(), 1, "one is open still");
    let finish = TaskStep::Finish { evidence: "TICKET-7".into(), reason: String::new() };
    fixture
        .store
        .step_task("TSK-0001", finish, who(analyst, Part::Analyst), act(analyst))
        .unwrap()
        .unwrap()
        .unwrap();
    again();
    assert_eq!(tasks().iter().filter(|task| task.state.is_open()).count(), 1);
    assert_eq!(tasks().len(), 2);
}

#[test]
fn who_set_a_field_and_when_stands_beside_it() {
    let (fixture, analyst, _) = with_people();
    let id = prepared(&fixture, analyst);
    let held = fixture.store.system(&id).unwrap().unwrap().held;
    assert_eq!(held.stamps["purpose"].by, format!("person:{analyst}"));
    assert_eq!(held.stamps["name"].by, "job:observe");
    let of_person = TrailFilter { person: Some(analyst), ..TrailFilter::default() };
    assert_eq!(fixture.store.trail(&of_person, PageRequest::default()).unwrap().total, 3);
}

#[test]
fn a_new_flag_reopens_in_the_transaction_that_saw_it_and_twice_is_once() {
    let (fixture, analyst, reviewer) = with_people();
    let id = sanctioned(&fixture, analyst, reviewer);
    let scan = |generation| {
        let flagged = SnapshotItem {
            flags: vec![RiskFlag::ApprovalBypass],
            ..item("acme.chat.app", Channel::Process, "/opt/acme/chat")
        };
        with_snapshot(1, 1, NOW_MS, snapshot(generation, Completeness::Complete, vec![flagged]))
    };
    fixture.send(1, scan(1), NOW_MS);
    let held = fixture.store.system(&id).unwrap().unwrap().held;
    assert_eq!(held.body.reopened, Some(ReopenReason::MaterialChange));
    assert_eq!(held.body.sanction, Sanction::Sanctioned, "the decision stays as it was recorded");
    let history = TrailFilter { id: Some(id.clone()), ..TrailFilter::default() };
    let newest = fixture.store.trail(&history, PageRequest::default()).unwrap();
    assert_eq!(newest.rows[0].action, "system.reopen");
    assert_eq!(newest.rows[0].reason.as_deref(), Some("Changed materially: flag approval-bypass"));
    fixture.send(1, scan(2), NOW_MS);
    assert_eq!(fixture.store.trail(&history, PageRequest::default()).unwrap().total, newest.total);
}

#[test]
fn time_makes_it_quiet_then_gone() {
    let (fixture, ..) = with_people();
    let id = only(&fixture);
    let observed = || fixture.store.system(&id).unwrap().unwrap().held.body.observed;
    let day_ms = 86_400_000;
    assert_eq!(fixture.store.attend(NOW_MS + 30 * day_ms).unwrap(), 0);
    assert_eq!(fixture.store.attend(NOW_MS + 31 * day_ms).unwrap(), 1);
    assert_eq!(observed(), Observed::Quiet);
    assert_eq!(fixture.store.attend(NOW_MS + 91 * day_ms).unwrap(), 1);
    assert_eq!(observed(), Observed::Gone);
}

#[test]
fn the_trail_cannot_be_changed_by_accident() {
    let (fixture, ..) = with_people();
    let connection = fixture.look();
    for sql in [
        "UPDATE trail SET actor = 'nobody'",
        "DELETE FROM trail WHERE seq = 0",
        "INSERT INTO trail SELECT seq + 70, at_ms, actor, action, kind, id, outcome, entry, leaf FROM trail WHERE seq = 0",
        "INSERT OR REPLACE INTO trail SELECT seq, at_ms, 'nobody', action, kind, id, outcome, entry, leaf FROM trail WHERE seq = 0",
    ] {
        let error = connection.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("audit trail"), "{sql}: {error}");
    }
}

/// The catalogue without its rule of names, under another number: nothing that came in means anything any more.
pub(super) fn without_chat() -> Arc<Known> {
    let text = CATALOGUE.replace("id = \"acme.chat.web\"", "id = \"acme.chat.other\"");
    let catalogue = Catalogue::parse(&[("acme.toml", &text)]).unwrap();
    Arc::new(Known::from(catalogue.renumbered(2, umbrascope_rules::Date::from_days(20_779))))
}

#[test]
fn a_candidate_that_the_catalogue_no_longer_carries_goes_unless_somebody_looked() {
    let (fixture, ..) = with_people();
    let id = only(&fixture);
    fixture.store.know(without_chat(), NOW_MS).unwrap();
    assert_eq!(fixture.store.system(&id).unwrap(), None);
    assert_eq!(fixture.store.as_of("system", &id, i64::MAX).unwrap(), None, "its trail says that it is gone");
    let history = TrailFilter { id: Some(id), ..TrailFilter::default() };
    let rows = fixture.store.trail(&history, PageRequest::default()).unwrap().rows;
    assert_eq!(rows[0].action, "system.withdraw-candidate");

    let (fixture, analyst, _) = with_people();
    let id = only(&fixture);
    fixture.moves(&id, analyst, Part::Analyst, Move::Triage).unwrap();
    fixture.store.know(without_chat(), NOW_MS).unwrap();
    assert!(fixture.store.system(&id).unwrap().is_some());
}
