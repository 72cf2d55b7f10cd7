//! Coverage, lists of endpoints, sites and scope statements, on a real database.

use std::cell::Cell;
use std::io::Cursor;
use std::sync::Arc;

use serde_json::json;

use super::governance::by;
use super::*;
use crate::audit::{Keys, Tree};
use crate::export;
use crate::model::governed::{Act, Actor, TrailFilter};
use crate::model::policy::Policy;
use crate::model::record::{AiSystem, SystemKind, Tri, Wish};
use crate::model::{By, Grant, Grants, PersonDetails, Role as Part};
use crate::review::{Guard, Move, Who};
use crate::scope::endpoints::{self, Endpoint};
use crate::scope::{
    self as scoping, Boundary, Looked, Place, Site, Statement, StatementState, Step, VerifyError,
};
use crate::store::Governance;
use crate::store::people::People;
use crate::store::proof::Proof;
use crate::store::scope::{EndpointImport, Endpoints, Scoping, Stepping};

struct Set {
    fixture: Fixture,
    analyst: i64,
    reviewer: i64,
    owner: i64,
    keys: Arc<Keys>,
}

fn who(person: i64, roles: &[Part]) -> Who {
    Who {
        person,
        grants: Grants(roles.iter().map(|role| Grant { role: *role, unit: None }).collect()),
        ..Who::default()
    }
}

fn act(person: i64) -> Act {
    Act::by(Actor::Person(person), NOW_MS).because("because it is so")
}

fn import(source: &str, text: &str) -> EndpointImport {
    let list = endpoints::read(text.as_bytes()).unwrap();
    EndpointImport { source: source.into(), as_of: Some(today()), file_sha256: "ab".repeat(32), list }
}

impl Set {
    fn new() -> Self {
        let fixture = fleet();
        let by = By { person: None, name: "the tests".into(), reason: String::new(), at_ms: NOW_MS };
        let add = |name: &str| {
            let details =
                PersonDetails { display_name: name.to_owned(), active: true, ..PersonDetails::default() };
            fixture.store.add_person(name, &details, false, &by).unwrap().unwrap().id
        };
        let (analyst, reviewer, owner) = (add("ana"), add("rea"), add("sol"));
        let keys = Arc::new(Keys::load(&Keys::create("host.example/aims/test").unwrap()).unwrap());
        Self { fixture, analyst, reviewer, owner, keys }
    }

    fn with_policy() -> Self {
        let set = Self::new();
        let policy = Policy {
            version: "2026-1".into(),
            title: "Use of AI".into(),
            link: None,
            sha256: None,
            approved_by: "the board".into(),
            from: today().back(10),
            until: None,
        };
        set.fixture.store.add_policy(policy, act(set.reviewer)).unwrap().unwrap();
        set
    }

    fn store(&self) -> &SqliteStore {
        &self.fixture.store
    }

    /// A record by hand, with what it takes to be in scope.
    fn system(&self, name: &str) -> String {
        let system = AiSystem { name: name.into(), kind: SystemKind::InternalSystem, ..AiSystem::default() };
        let who = who(self.analyst, &[Part::Analyst]);
        let id = self.store().add_system(system, &who, act(self.analyst)).unwrap().unwrap().body.id;
        let edits = [
            ("org_roles", json!(["customer-user"])),
            ("system_owner", json!(self.analyst)),
            ("risk_owner", json!(self.analyst)),
            ("org_units", json!([1])),
            ("third_party", json!("no")),
        ];
        let edits = edits.map(|(name, value)| (name.to_owned(), value)).to_vec();
        self.moves(&id, self.analyst, Part::Analyst, Move::Edit(edits)).unwrap();
        id
    }

    fn moves(&self, id: &str, person: i64, role: Part, step: Move) -> Result<AiSystem, Guard> {
        let came_to = self.store().move_system(id, step, who(person, &[role]), act(person)).unwrap().unwrap();
        came_to.map(|held| held.body).map_err(|refused| refused.guard)
    }

    fn scope_in(&self, id: &str) -> Result<AiSystem, Guard> {
        self.moves(id, self.owner, Part::ScopeOwner, Move::ScopeIn { justification: None })
    }

    fn steps_as(&self, number: u64, who: Who, fresh: bool, step: Step) -> Result<Statement, Guard> {
        let act = act(who.person);
        let by = Stepping { who, fresh, keys: self.keys.clone(), act };
        let came_to = self.store().step_statement(number, step, by).unwrap().unwrap();
        came_to.map(|held| held.body).map_err(|refused| refused.guard)
    }

    fn owner_steps(&self, number: u64, step: Step) -> Result<Statement, Guard> {
        self.steps_as(number, who(self.owner, &[Part::ScopeOwner]), true, step)
    }

    fn reviewer_steps(&self, number: u64, step: Step) -> Result<Statement, Guard> {
        self.steps_as(number, who(self.reviewer, &[Part::Reviewer]), true, step)
    }

    fn begin(&self) -> Result<u64, Guard> {
        let begun = self
            .store()
            .begin_statement("Example", who(self.owner, &[Part::ScopeOwner]), act(self.owner))
            .unwrap();
        begun.map(|held| held.body.number).map_err(|refused| refused.guard)
    }

    fn written(&self) -> u64 {
        let number = self.begin().unwrap();
        let boundary = Boundary {
            organisation: "Example".into(),
            activities: "Trade".into(),
            text: "Everything".into(),
            ..Boundary::default()
        };
        self.owner_steps(number, Step::Write(Box::new(boundary))).unwrap();
        number
    }

    fn signed(&self) -> Statement {
        let number = self.written();
        self.owner_steps(number, Step::Propose).unwrap();
        self.owner_steps(number, Step::Approve).unwrap();
        self.reviewer_steps(number, Step::Countersign).unwrap()
    }

    fn trail(&self, kind: &str) -> Vec<crate::model::governed::TrailRow> {
        let filter = TrailFilter { kind: Some(kind.to_owned()), ..TrailFilter::default() };
        self.store().trail(&filter, PageRequest::default()).unwrap().rows
    }
}

#[test]
fn an_evidence_pack_carries_the_signed_statements_and_no_draft() {
    let set = Set::with_policy();
    let signed = set.signed();
    let draft = set.begin().unwrap();
    set.store().checkpoint(Arc::clone(&set.keys), NOW_MS).unwrap();
    let from = export::Sources { reads: set.store(), governance: set.store() };
    let proving = export::Proving { proof: set.store(), keys: &set.keys };
    let stamp = export::Stamp::new(&KNOWN, NOW_MS);
    let pack =
        export::write_pack(from, &KNOWN, proving, &stamp, Cursor::new(Vec::new())).unwrap().into_inner();
    let (_, file) = proof::packed(&pack, &format!("statements/{}.json", signed.number));
    let verified = scoping::verify(std::str::from_utf8(file).unwrap(), &[set.keys.vkey().clone()]).unwrap();
    assert_eq!(
        (verified.document.content.number, Some(verified.hash)),
        (signed.number, signed.seal.map(|seal| seal.hash))
    );
    assert!(!String::from_utf8_lossy(&pack).contains(&format!("statements/{draft}.json")));
}

#[test]
fn without_a_list_nothing_says_how_much_is_covered() {
    let set = Set::new();
    let coverage = set.store().coverage_record(NOW_MS).unwrap();
    assert_eq!((coverage.expected.as_ref(), coverage.percent(), coverage.unexpected), (None, None, None));
    assert!(coverage.enrolled > 0 && coverage.share().ends_with("unknown"), "{coverage:?}");
    let found = set.store().endpoints(Endpoints::Unexpected, PageRequest::default(), NOW_MS).unwrap();
    assert_eq!(found.total, 0);
}

#[test]
fn a_list_is_one_entry_and_is_held_against_the_machines() {
    let set = Set::new();
    set.fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, 1)]), NOW_MS);
    let coverage = set.store().coverage_record(NOW_MS).unwrap();
    let assets = set
        .store()
        .assets(
            &AssetFilter::default(),
            AssetSort::Name,
            Direction::Ascending,
            PageRequest::default(),
            NOW_MS,
        )
        .unwrap();
    let reporting = assets.rows.iter().find(|asset| asset.state == SensorState::Reporting).unwrap();
    let text = format!(
        "Device name,Serial number,OS\n{},S1,Windows\nnever-enrolled,S2,Linux\ntablet,S3,iOS\n",
        reporting.hostname.to_uppercase()
    );
    let lists = set.store().import_endpoints(import("Intune", &text), act(set.owner)).unwrap();
    assert_eq!((lists.len(), lists[0].body.endpoints, lists[0].body.unsupported), (1, 3, 1));
    assert_eq!(set.trail("endpoint-list").len(), 1);

    let after = set.store().coverage_record(NOW_MS).unwrap();
    let expected = after.expected.as_ref().unwrap();
    assert_eq!((expected.endpoints, expected.enrolled, expected.reporting), (3, 1, 1));
    assert_eq!((after.percent(), expected.never_enrolled()), (Some(33), 2));
    assert_eq!(after.unexpected, Some(coverage.enrolled - 1));
    assert_eq!(expected.unsupported.get("ios"), Some(&1));
    assert_eq!(expected.oldest(), Some(today()));
    assert!(after.detectors.iter().any(|detector| detector.name == "network" && detector.of > 0));
    let missing = set.store().endpoints(Endpoints::NeverEnrolled, PageRequest::default(), NOW_MS).unwrap();
    assert_eq!(missing.rows[0].matched.named.hostname, "never-enrolled");

    // Another list of the same source takes its place; by hand one is added to it.
    set.store().import_endpoints(import("Intune", "hostname\na\nb\n"), act(set.owner)).unwrap();
    let hand = Endpoint { hostname: "c".into(), ..Endpoint::default() };
    let number = set.store().add_endpoint(hand, act(set.owner)).unwrap().body.number;
    let count = || set.store().coverage_record(NOW_MS).unwrap().expected.map(|expected| expected.endpoints);
    assert_eq!(count(), Some(3));
    let rows = set.store().endpoints(Endpoints::Expected, PageRequest::default(), NOW_MS).unwrap().rows;
    assert_eq!(rows.iter().filter_map(|row| row.number).collect::<Vec<_>>(), [number]);
    assert!(set.store().remove_endpoint(number, act(set.owner)).unwrap());
    assert!(!set.store().remove_endpoint(number, act(set.owner)).unwrap());
    assert!(set.store().withdraw_endpoints("Intune", act(set.owner)).unwrap());
    assert_eq!(count(), None);
}

#[test]
fn sites_without_a_sensor_are_told() {
    let set = Set::new();
    let site = |name: &str, sensor| Site { name: name.into(), sensor, ..Site::default() };
    set.store().add_site(site("Works", Tri::No), act(set.owner)).unwrap();
    let open = set.store().add_site(site("Office", Tri::Unknown), act(set.owner)).unwrap();
    let coverage = set.store().coverage_record(NOW_MS).unwrap();
    assert_eq!(
        (coverage.blind_sites, coverage.unsaid_sites),
        (vec!["Works".to_owned()], vec!["Office".to_owned()])
    );
    let seen = Site { sensor: Tri::Yes, ..open.body.clone() };
    set.store().change_site(seen, act(set.owner).on(open.version)).unwrap().unwrap().unwrap();
    let stale = set.store().change_site(open.body, act(set.owner).on(open.version)).unwrap().unwrap();
    assert_eq!(stale.unwrap_err().guard, Guard::Version);
    assert_eq!(set.store().coverage_record(NOW_MS).unwrap().unsaid_sites.len(), 0);
}

#[test]
fn only_what_a_sensor_there_could_have_seen_is_said_to_be_looked_for() {
    let set = Set::new();
    let away = set.store().add_unit("Away", None, &by()).unwrap().unwrap().id;
    let (records, analyst) = (Cell::new(0), who(set.analyst, &[Part::Analyst]));
    let add = |products: &[&str], unit: Option<i64>| {
        records.set(records.get() + 1);
        let system = AiSystem {
            name: format!("Record {}", records.get()),
            products: products.iter().map(|id| (*id).to_owned()).collect(),
            org_units: unit.into_iter().collect(),
            ..AiSystem::default()
        };
        set.store().add_system(system, &analyst, act(set.analyst)).unwrap().unwrap().body.id
    };
    let all = [
        add(&["acme.chat"], Some(1)),
        add(&["acme.chat"], None),
        add(&["acme.chat"], Some(away)),
        add(&[], None),
    ];
    let looked = || {
        let content = set.store().scope_now(NOW_MS).unwrap();
        let of = |id: &String| content.undetermined.iter().find(|listed| listed.id == *id).unwrap().looked;
        all.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(looked(), [Looked::NotLookedFor; 4], "nobody reports");
    let blind = CoverageReport { capture: CaptureState::NoPrivilege, ..CoverageReport::default() };
    set.fixture.send(1, Batch { coverage: blind, ..batch(1, 1, NOW_MS) }, NOW_MS);
    assert_eq!(looked(), [Looked::NotLookedFor; 4], "who reports sees nothing");
    set.fixture.send(2, batch(2, 1, NOW_MS), NOW_MS);
    let found = Looked::LookedForAndNotFound;
    assert_eq!(looked(), [found, found, Looked::NotLookedFor, Looked::NotLookedFor]);
    // A unit has what is below it.
    set.store().change_unit(1, "Berlin", Some(away), &by()).unwrap().unwrap();
    assert_eq!(looked(), [found, found, found, Looked::NotLookedFor]);
}

#[test]
fn a_statement_is_signed_by_two_people_and_verifies_elsewhere() {
    let set = Set::with_policy();
    let (inside, open) = (set.system("Inside"), set.system("Open"));
    assert_eq!(set.scope_in(&inside).unwrap().scope_version, Some(1));
    let signed = set.signed();
    let content = signed.content.as_ref().unwrap();
    assert_eq!(
        content.included.iter().map(|listed| listed.id.as_str()).collect::<Vec<_>>(),
        [inside.as_str()]
    );
    assert_eq!(content.undetermined[0].id, open);
    assert_eq!(content.undetermined[0].age_days, Some(0));
    assert_eq!((content.policy.as_str(), content.previous.as_ref()), ("2026-1", None));
    assert_eq!(content.proposed_by, set.owner);
    assert_eq!(content.diff.records.len(), 2);

    // The root is that of the trail before the entry of the signature.
    let seal = signed.seal.as_ref().unwrap();
    let connection = Connection::open(&set.fixture.path).unwrap();
    let leaves: Vec<String> = connection
        .prepare("SELECT leaf FROM trail ORDER BY seq LIMIT $1")
        .unwrap()
        .query_map([seal.log.size], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let leaves: Vec<_> = leaves.iter().map(|leaf| leaf.parse().unwrap()).collect();
    assert_eq!(Tree::over(&leaves).root().to_string(), seal.log.root);
    let held = set.store().statement(1).unwrap().unwrap();
    assert_eq!(held.seq, seal.log.size);

    let file = signed.signed_file().unwrap().to_string();
    let vkeys = [set.keys.vkey().clone()];
    assert_eq!(scoping::verify(&file, &vkeys).unwrap().hash, seal.hash);
    let altered = file.replace("Inside", "Outside");
    assert!(matches!(scoping::verify(&altered, &vkeys), Err(VerifyError::Hash)));
    let roles: Vec<String> = set.trail("statement").into_iter().map(|row| row.role).collect();
    assert_eq!(roles[..2], ["reviewer", "scope-owner"]);
    let rows = set.store().statements().unwrap();
    assert_eq!((rows[0].state, rows[0].included, rows[0].superseded), (StatementState::Signed, 1, false));
    assert_eq!(rows[0].hash.as_ref(), Some(&seal.hash));
}

#[test]
fn every_refusal_names_its_guard_and_stands_in_the_trail() {
    let set = Set::with_policy();
    let number = set.written();
    assert_eq!(set.begin(), Err(Guard::State));
    assert_eq!(set.reviewer_steps(number, Step::Propose).unwrap_err(), Guard::Role);
    set.owner_steps(number, Step::Propose).unwrap();
    let both = || who(set.owner, &[Part::ScopeOwner, Part::Reviewer]);
    assert_eq!(set.steps_as(number, both(), false, Step::Approve).unwrap_err(), Guard::Fresh);
    set.steps_as(number, both(), true, Step::Approve).unwrap();
    assert_eq!(set.steps_as(number, both(), true, Step::Countersign).unwrap_err(), Guard::FourEyes);
    assert_eq!(set.owner_steps(number, Step::Write(Box::default())).unwrap_err(), Guard::Frozen);
    let refused: Vec<String> = set
        .trail("statement")
        .into_iter()
        .filter(|row| row.outcome != "done")
        .map(|row| row.outcome.replace("refused:", ""))
        .collect();
    assert_eq!(refused, ["G-FROZEN", "G-4EYES", "G-FRESH", "G-ROLE", "G-STATE"]);
    let no_policy = Set::new();
    let number = no_policy.written();
    assert_eq!(no_policy.owner_steps(number, Step::Propose).unwrap_err(), Guard::Policy);
}

#[test]
fn what_is_proposed_is_frozen_and_a_changed_record_has_to_be_proposed_anew() {
    let set = Set::with_policy();
    let (one, other) = (set.system("One"), set.system("Other"));
    set.scope_in(&one).unwrap();
    let number = set.written();
    let proposed = set.owner_steps(number, Step::Propose).unwrap();
    // While it waits nothing goes in or out; a field of what is in may change, and then nobody signs the old state.
    assert_eq!(set.scope_in(&other).unwrap_err(), Guard::Frozen);
    let edit = Move::Edit(vec![("purpose".to_owned(), json!("Letters"))]);
    set.moves(&one, set.analyst, Part::Analyst, edit).unwrap();
    assert_eq!(set.store().statement(number).unwrap().unwrap().body.content, proposed.content);
    assert_eq!(set.owner_steps(number, Step::Approve).unwrap_err(), Guard::Version);
    set.reviewer_steps(number, Step::SendBack).unwrap();
    set.scope_in(&other).unwrap();
    set.owner_steps(number, Step::Propose).unwrap();
    set.owner_steps(number, Step::Approve).unwrap();
    let signed = set.reviewer_steps(number, Step::Countersign).unwrap();
    assert_eq!(signed.content.unwrap().included.len(), 2);
}

#[test]
fn what_is_signed_never_changes_and_a_correction_is_a_new_version() {
    let set = Set::with_policy();
    let (one, two) = (set.system("One"), set.system("Two"));
    set.scope_in(&one).unwrap();
    let first = set.signed();
    let connection = Connection::open(&set.fixture.path).unwrap();
    for sql in [
        "UPDATE governed SET body = '{}' WHERE kind = 'statement'",
        "DELETE FROM governed WHERE kind = 'statement'",
        "UPDATE statement SET state = 'draft'",
        "DELETE FROM statement",
    ] {
        let refused = connection.execute(sql, []).unwrap_err().to_string();
        assert!(refused.contains("a signed scope statement is never"), "{sql}: {refused}");
    }

    // Out takes two people, and has the number of the statement that comes.
    let out = Wish::ScopeOut { justification: "It is switched off everywhere".into() };
    set.moves(&one, set.analyst, Part::Analyst, Move::Request(out)).unwrap();
    let system = set.moves(&one, set.owner, Part::ScopeOwner, Move::Approve).unwrap();
    assert_eq!(system.scope_version, Some(2));
    set.scope_in(&two).unwrap();
    let second = set.signed();
    let content = second.content.as_ref().unwrap();
    assert_eq!(content.previous.as_ref().unwrap().hash, first.seal.as_ref().unwrap().hash);
    let change = &content.diff.records[&one];
    let places = (change.before.as_ref().unwrap().place, change.after.as_ref().unwrap().place);
    assert_eq!(places, (Place::In, Place::Out));
    assert_eq!(content.excluded[0].decided_by, Some(set.owner));
    assert_eq!(set.store().statement(1).unwrap().unwrap().body, first);
    let rows = set.store().statements().unwrap();
    assert_eq!(
        rows.iter().map(|row| (row.number, row.superseded)).collect::<Vec<_>>(),
        [(2, false), (1, true)]
    );
    assert_eq!(set.store().statement_in_force().unwrap().unwrap().body.number, 2);
    assert!(set.store().scope_now(NOW_MS).unwrap().diff.records.is_empty());
}
