//! What of the records a person sees, for random people, units and records.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::governance::{act, by, prepared, who, with_people};
use super::*;
use crate::findings::Step;
use crate::model::campaign::{CampaignMode, CampaignPlan, CampaignQuery, RowFilter, Schedule};
use crate::model::document::{Document, DocumentFilter, DocumentKind};
use crate::model::finding::FindingFilter;
use crate::model::governed::Governed as _;
use crate::model::record::AiSystem;
use crate::model::task::{Link, LinkKind, Purpose, Task, TaskFilter};
use crate::model::{Grant, GrantChange, Grants, Page, PersonDetails, Role as Part, Sight};
use crate::review::Move;
use crate::store::people::People;
use crate::store::{Campaigns, Documents, Exports, Findings, Governance, Sights, Suppliers, Tasks};

const PRODUCTS: [&str; 2] = ["acme.chat", "acme.notes"];
const LEAST: u64 = 5;

/// A record: its units, its products by place in [`PRODUCTS`], its owner and who answers for its risk, and to whom its first finding and its
/// task are assigned. People by place.
#[derive(Debug, Clone)]
struct Told {
    units: BTreeSet<usize>,
    products: BTreeSet<usize>,
    owner: Option<usize>,
    risk: Option<usize>,
    finding: Option<usize>,
    task: Option<usize>,
}

/// A world: the parent of each unit, machines of each product in each unit, the roles of each person, and the records.
#[derive(Debug, Clone)]
struct Tale {
    parents: Vec<Option<usize>>,
    machines: Vec<[u64; 2]>,
    people: Vec<Vec<(Part, Option<usize>)>>,
    records: Vec<Told>,
}

const UNITS: usize = 4;
const PEOPLE: usize = 4;

fn told() -> impl Strategy<Value = Told> {
    let somebody = || prop::option::weighted(0.25, 0..PEOPLE);
    (btree_set(0..UNITS, 0..3), btree_set(0..2_usize, 0..3), somebody(), somebody(), somebody(), somebody())
        .prop_map(|(units, products, owner, risk, finding, task)| Told {
            units,
            products,
            owner,
            risk,
            finding,
            task,
        })
}

fn tale() -> impl Strategy<Value = Tale> {
    let role = prop_oneof![Just(Part::Analyst), Just(Part::ItDeployer), Just(Part::ScopeOwner)];
    let grant = (role, prop::option::weighted(0.9, 0..UNITS));
    let parents = (0..UNITS).map(|unit| prop::option::weighted(0.5, 0..unit.max(1))).collect::<Vec<_>>();
    (parents, vec([0..8_u64, 0..8_u64], UNITS), vec(vec(grant, 0..3), PEOPLE), vec(told(), 1..6)).prop_map(
        |(mut parents, machines, people, records)| {
            parents[0] = None;
            Tale { parents, machines, people, records }
        },
    )
}

struct World {
    fixture: Fixture,
    units: Vec<i64>,
    people: Vec<i64>,
    ids: Vec<String>,
    /// To whom a finding about each record is assigned, by place.
    assigned: Vec<Option<usize>>,
    campaign: String,
}

impl World {
    fn of(tale: &Tale) -> Self {
        let fixture = Fixture::new();
        let store = &fixture.store;
        let mut units: Vec<i64> = Vec::new();
        for (number, parent) in tale.parents.iter().enumerate() {
            let parent = parent.map(|parent| units[parent]);
            units.push(store.add_unit(&format!("Unit {number}"), parent, &by()).unwrap().unwrap().id);
        }
        let mut people = Vec::new();
        for (number, grants) in tale.people.iter().enumerate() {
            let name = format!("person{number}");
            let details =
                PersonDetails { display_name: name.clone(), active: true, ..PersonDetails::default() };
            let id = store.add_person(&name, &details, false, &by()).unwrap().unwrap().id;
            for (role, unit) in grants {
                let grant = Grant { role: *role, unit: unit.map(|unit| units[unit]) };
                store.change_grants(id, GrantChange::Grant(grant), &by()).unwrap().unwrap();
            }
            people.push(id);
        }
        let connection = Connection::open(&fixture.path).unwrap();
        for (number, word) in (1_i64..).zip(PRODUCTS) {
            let sql = "INSERT INTO product (id, word, name, vendor, kind, search, known, embedded)
                VALUES (?1, ?2, ?2, 'Acme', 'service', ?2, 1, 0)";
            connection.execute(sql, rusqlite::params![number, word]).unwrap();
            for (unit, machines) in units.iter().zip(&tale.machines) {
                let machines = machines[usize::try_from(number - 1).unwrap()];
                let sql = "INSERT INTO product_unit (product, unit, assets) VALUES (?1, ?2, ?3)";
                connection.execute(sql, rusqlite::params![number, unit, machines]).unwrap();
            }
        }
        drop(connection);
        let ids = tale.records.iter().enumerate().map(|(number, told)| {
            let person = |at: Option<usize>| at.map(|at| people[at]);
            let system = AiSystem {
                name: format!("Record {number}"),
                products: told.products.iter().map(|at| PRODUCTS[*at].to_owned()).collect(),
                org_units: told.units.iter().map(|at| units[*at]).collect(),
                system_owner: person(told.owner),
                risk_owner: person(told.risk),
                ..AiSystem::default()
            };
            let all = who(people[0], Part::Analyst);
            let id = store.add_system(system, &all, act(people[0])).unwrap().unwrap().body.id;
            let link = Link::to(LinkKind::System, id.clone());
            let task = Task {
                title: format!("Task {number}"),
                purpose: Purpose::Other,
                link: Some(link.clone()),
                assignee: person(told.task),
                ..Task::default()
            };
            store.add_task(task, all.clone(), act(people[0])).unwrap().unwrap();
            let document = Document {
                link,
                kind: DocumentKind::Url,
                title: format!("Document {number}"),
                location: Some("https://acme.example/".into()),
                ..Document::default()
            };
            store.attach(document, all.clone(), act(people[0])).unwrap().unwrap();
            let triaged = store.move_system(&id, Move::Triage, all.clone(), act(people[0]));
            triaged.unwrap().unwrap().unwrap();
            let about = crate::model::finding::Subject::system(&id);
            let filter = FindingFilter { subject: Some(about), ..FindingFilter::default() };
            let found = store.findings(&filter, PageRequest::default()).unwrap().rows;
            let mut assigned = None;
            if let (Some(finding), Some(assignee)) = (found.first(), person(told.finding)) {
                let step = Step::Assign(Some(assignee));
                let reference = &finding.held.body.reference;
                store.step_finding(reference, step, all, act(people[0])).unwrap().unwrap().unwrap();
                assigned = told.finding;
            }
            (id, assigned)
        });
        let (ids, assigned): (Vec<String>, Vec<Option<usize>>) = ids.unzip();
        let campaign = campaign(store, people[0]);
        Self { fixture, units, people, ids, assigned, campaign }
    }

    /// The roles that count, those for the units below among them.
    fn grants(&self, tale: &Tale, person: usize) -> Grants {
        let below = |unit: usize| {
            let mut all = BTreeSet::from([unit]);
            for (other, parent) in tale.parents.iter().enumerate() {
                if parent.is_some_and(|parent| all.contains(&parent)) {
                    all.insert(other);
                }
            }
            all
        };
        let mut grants = Vec::new();
        for (role, unit) in &tale.people[person] {
            match unit {
                None => grants.push(Grant { role: *role, unit: None }),
                Some(unit) => grants.extend(
                    below(*unit).into_iter().map(|at| Grant { role: *role, unit: Some(self.units[at]) }),
                ),
            }
        }
        Grants(grants)
    }

    /// What a person has to see, said once more and without SQL. An open row of a campaign is the owner's.
    fn expected(&self, tale: &Tale, person: usize) -> BTreeSet<String> {
        let grants = self.grants(tale, person);
        let all = grants.0.iter().any(|grant| grant.unit.is_none());
        let held = |unit: usize, analyst: bool| {
            let fits = |role: Part| !analyst || role == Part::Analyst;
            grants.0.iter().any(|grant| grant.unit == Some(self.units[unit]) && fits(grant.role))
        };
        let sees = |told: &Told, assigned: Option<usize>| {
            let own = [told.owner, told.risk, assigned, told.task].contains(&Some(person));
            let owned = told.units.iter().any(|unit| held(*unit, false));
            let seen = told.products.iter().any(|product| {
                (0..UNITS).any(|unit| {
                    let machines = tale.machines[unit][*product];
                    (held(unit, true) && machines > 0) || (held(unit, false) && machines >= LEAST)
                })
            });
            all || own || owned || seen
        };
        let records = tale.records.iter().zip(&self.assigned).zip(&self.ids);
        records.filter(|((told, at), _)| sees(told, **at)).map(|(_, id)| id.clone()).collect()
    }
}

fn campaign(store: &SqliteStore, person: i64) -> String {
    let days = [1, 2, 3, 4].map(|days| today().forward(days));
    let plan = CampaignPlan {
        title: "All".into(),
        query: CampaignQuery::default(),
        mode: CampaignMode::default(),
        schedule: Schedule { remind: days[0], due: days[1], escalate: days[2], report: days[3] },
        previewed: None,
    };
    match store.start_campaign(plan, who(person, Part::Analyst), act(person)).unwrap() {
        Ok(held) => held.body.id,
        // Where no record has an owner there is nobody to ask.
        Err(_) => String::new(),
    }
}

/// Reads a list in pages of two: its rows, as many as it says that there are.
fn every<T>(mut page_of: impl FnMut(PageRequest) -> Page<T>) -> Vec<T> {
    let (mut rows, mut total) = (Vec::new(), 0);
    for offset in (0..).step_by(2) {
        let page = page_of(PageRequest { offset, limit: 2 });
        total = page.total;
        if page.rows.is_empty() {
            break;
        }
        rows.extend(page.rows);
    }
    assert_eq!(rows.len() as u64, total, "a list says how long it is");
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn nothing_shows_a_record_that_is_out_of_sight_and_everything_shows_the_others(tale in tale()) {
        let world = World::of(&tale);
        let store = &world.fixture.store;
        for person in 0..PEOPLE {
            let expected = world.expected(&tale, person);
            let grants = world.grants(&tale, person);
            let number = world.people[person];
            let sight = Sight::of(number, &grants, LEAST);

            let filter = SystemFilter { sight: sight.clone(), ..SystemFilter::default() };
            let listed = every(|page| {
                store.systems(&filter, SystemSort::Assets, Direction::Descending, page).unwrap()
            });
            let listed: BTreeSet<String> = listed.into_iter().map(|row| row.id).collect();
            prop_assert_eq!(&listed, &expected, "{:?} {:?}", person, sight);
            for id in &world.ids {
                prop_assert_eq!(store.sees(&sight, LinkKind::System, id).unwrap(), expected.contains(id));
            }
            let exported: BTreeSet<String> =
                store.whole_systems(&sight).unwrap().into_iter().map(|one| one.id).collect();
            prop_assert_eq!(&exported, &expected);
            let past: BTreeSet<String> =
                store.whole_systems_as_of(i64::MAX, &sight).unwrap().into_iter().map(|one| one.id).collect();
            prop_assert_eq!(&past, &expected);

            let filter = FindingFilter { sight: sight.clone(), ..FindingFilter::default() };
            let findings = every(|page| store.findings(&filter, page).unwrap());
            for row in &findings {
                prop_assert!(expected.contains(&row.held.body.subject.id) || row.held.body.assignee == Some(number));
                prop_assert!(store.sees(&sight, LinkKind::Finding, &row.held.body.reference).unwrap());
            }
            let all = every(|page| store.findings(&FindingFilter::default(), page).unwrap());
            let due = all.iter().filter(|row| expected.contains(&row.held.body.subject.id)).count();
            prop_assert_eq!(findings.len(), due, "those of the records in sight are all there");

            let filter = TaskFilter { sight: sight.clone(), ..TaskFilter::default() };
            let of = |link: Option<Link>| link.map(|link| link.id).unwrap_or_default();
            let tasks = every(|page| store.tasks(&filter, page).unwrap());
            let tasks: BTreeSet<String> = tasks.into_iter().map(|row| of(row.held.body.link)).collect();
            prop_assert_eq!(&tasks, &expected);
            let filter = DocumentFilter { sight: sight.clone(), ..DocumentFilter::default() };
            let documents = every(|page| store.documents(&filter, page).unwrap());
            let documents: BTreeSet<String> = documents.into_iter().map(|row| row.held.body.link.id).collect();
            prop_assert_eq!(&documents, &expected);
            let counts = store.work_counts(number, &sight, NOW_MS).unwrap();
            let open = findings.iter().filter(|row| row.held.body.state.is_open()).count() as u64;
            prop_assert_eq!((counts.open_findings, counts.open_tasks), (open, expected.len() as u64));

            let vendor = store.vendor_in_use("acme", &sight).unwrap();
            let with_product = tale.records.iter().zip(&world.ids)
                .filter(|(told, id)| !told.products.is_empty() && expected.contains(*id)).count();
            prop_assert_eq!(vendor.systems.len(), with_product);
            if !world.campaign.is_empty() {
                let rows = every(|page| {
                    let filter = RowFilter { sight: sight.clone(), ..RowFilter::default() };
                    store.campaign_rows(&world.campaign, &filter, page, NOW_MS).unwrap()
                });
                let detail = store.campaign(&world.campaign, &sight, NOW_MS).unwrap().unwrap();
                prop_assert_eq!(detail.counts.rows(), rows.len() as u64);
                prop_assert!(rows.iter().all(|row| expected.contains(&row.held.body.system)));
                prop_assert!(detail.held.body.unowned.iter().all(|id| expected.contains(id)));
                let owned = tale.records.iter().zip(&world.ids)
                    .filter(|(told, id)| told.owner.is_some() && expected.contains(*id)).count();
                prop_assert_eq!(rows.len(), owned);
            }
        }
    }
}

#[test]
fn a_task_on_a_task_and_a_document_on_it_follow_what_the_first_hangs_on() {
    let (fixture, analyst, _) = with_people();
    let store = &fixture.store;
    let all = || who(analyst, Part::Analyst);
    let make = |link: Link, title: &str| {
        let task = Task { title: title.into(), purpose: Purpose::Other, link: Some(link), ..Task::default() };
        store.add_task(task, all(), act(analyst)).unwrap().unwrap().body.id
    };
    let system = prepared(&fixture, analyst);
    let first = make(Link::to(LinkKind::System, system.clone()), "first");
    let second = make(Link::to(LinkKind::Task, first), "second");
    let third = make(Link::to(LinkKind::Task, second), "third");
    let document = Document {
        link: Link::to(LinkKind::Task, third),
        kind: DocumentKind::Url,
        title: "Shown".into(),
        location: Some("https://acme.example/".into()),
        ..Document::default()
    };
    store.attach(document, all(), act(analyst)).unwrap().unwrap();
    for (unit, seen) in [(1, 3), (2, 0)] {
        let grants = Grants(vec![Grant { role: Part::Auditor, unit: Some(unit) }]);
        let sight = Sight::of(99, &grants, LEAST);
        let tasks = TaskFilter { sight: sight.clone(), ..TaskFilter::default() };
        assert_eq!(store.tasks(&tasks, PageRequest::default()).unwrap().total, seen, "unit {unit}");
        let documents = DocumentFilter { sight, ..DocumentFilter::default() };
        assert_eq!(store.documents(&documents, PageRequest::default()).unwrap().total, seen.min(1));
    }
    assert_eq!(AiSystem::KIND, LinkKind::System.as_str(), "what hangs on a record names it so");
}
