//! Findings, tasks, documents and assessments of suppliers, on a real database.

use std::collections::BTreeSet;

use super::governance::{act, only, prepared, sanctioned, who, with_people};
use super::*;
use crate::findings::{Step, TaskStep};
use crate::model::Role as Part;
use crate::model::Sight;
use crate::model::document::{Document, DocumentFilter, DocumentKind};
use crate::model::finding::{DueDays, FindingFilter, FindingRow, FindingState, Rule};
use crate::model::governed::{Governed, TrailFilter};
use crate::model::record::{Assessment, AssessmentState, Limit, VersionLimit, Wish};
use crate::model::supplier::VendorAssessment;
use crate::model::task::{Link, LinkKind, Purpose, Task, TaskFilter};
use crate::review::{Guard, Move};
use crate::store::people::People;
use crate::store::{Documents, Findings, Governance, Suppliers, Tasks};

const DAY_MS: i64 = 86_400_000;

impl Fixture {
    fn all_findings(&self) -> Vec<FindingRow> {
        self.store.findings(&FindingFilter::default(), PageRequest::default()).unwrap().rows
    }

    fn of_rule(&self, rule: Rule) -> FindingRow {
        let filter = FindingFilter { rule: Some(rule), ..FindingFilter::default() };
        let mut rows = self.store.findings(&filter, PageRequest::default()).unwrap().rows;
        assert_eq!(rows.len(), 1, "{rule:?}");
        rows.remove(0)
    }

    fn open_rules(&self) -> BTreeSet<Rule> {
        let open = FindingFilter { open: true, ..FindingFilter::default() };
        let rows = self.store.findings(&open, PageRequest::default()).unwrap().rows;
        rows.into_iter().map(|row| row.held.body.rule).collect()
    }
}

fn flagged(generation: u64, flag: RiskFlag) -> Batch {
    let item =
        SnapshotItem { flags: vec![flag], ..item("acme.chat.app", Channel::Process, "/opt/acme/chat") };
    with_snapshot(1, 1, NOW_MS, snapshot(generation, Completeness::Complete, vec![item]))
}

#[test]
fn a_candidate_opens_a_finding_in_the_transaction_that_saw_it_and_triage_closes_it() {
    let (fixture, analyst, _) = with_people();
    let row = fixture.of_rule(Rule::NewProduct);
    assert_eq!((&row.about[..], row.system.as_deref()), ("Acme Chat", Some("AIS-0001")));
    assert_eq!(row.held.body.reference, "FND-0001");
    assert_eq!(row.held.body.due, Some(today().forward(DueDays::default().low)));
    fixture.sees_chat();
    assert_eq!(fixture.all_findings().len(), 1);
    fixture.moves(&only(&fixture), analyst, Part::Analyst, Move::Triage).unwrap();
    let closing = fixture.of_rule(Rule::NewProduct).held.body.closing.unwrap();
    assert_eq!((closing.by, closing.reason.as_deref()), (None, Some("somebody looked at the record")));
    assert_eq!(fixture.open_rules(), BTreeSet::from([Rule::NoOwner]));
}

#[test]
fn what_is_prohibited_and_seen_on_a_later_day_is_asked_of_once_and_again_after_it_was_closed() {
    let (fixture, analyst, reviewer) = with_people();
    let id = prepared(&fixture, analyst);
    fixture.moves(&id, reviewer, Part::Reviewer, Move::Prohibit).unwrap();
    assert!(!fixture.open_rules().contains(&Rule::ProhibitedSeen));
    let sees = |back: u32, boot: u8| {
        let later = NOW_MS + i64::from(back) * DAY_MS;
        let row = ActivityRow {
            day: Day::from_unix_ms(later),
            ..row("acme.chat.web", Channel::Tls, 0, u64::from(boot))
        };
        fixture.send(1, with_activity(boot, vec![row]), later);
    };
    sees(1, 2);
    let found = fixture.of_rule(Rule::ProhibitedSeen).held.body;
    assert_eq!(found.state, FindingState::Open);
    assert!(found.evidence[0].contains("prohibited on"), "{:?}", found.evidence);
    let close = || Step::Close { reason: "uninstalled".into(), evidence: "TICKET-7".into() };
    let closed =
        fixture.store.step_finding(&found.reference, close(), who(analyst, Part::Analyst), act(analyst));
    assert_eq!(closed.unwrap().unwrap().unwrap().body.state, FindingState::Closed);
    fixture.store.attend(NOW_MS + DAY_MS).unwrap();
    assert_eq!(fixture.of_rule(Rule::ProhibitedSeen).held.body.state, FindingState::Closed);
    sees(3, 3);
    let again = fixture.of_rule(Rule::ProhibitedSeen).held.body;
    assert_eq!((again.state, again.reopened), (FindingState::Open, 1));
}

#[test]
fn what_is_seen_where_its_decision_does_not_count_is_asked_of_until_one_counts_there() {
    let (fixture, analyst, reviewer) = with_people();
    let id = prepared(&fixture, analyst);
    let elsewhere = fixture.store.add_unit("Munich", None, &governance::by()).unwrap().unwrap().id;
    let edit = Move::Edit(vec![("org_units".to_owned(), serde_json::json!([1, elsewhere]))]);
    fixture.moves(&id, analyst, Part::Analyst, edit).unwrap();
    let decide = |units: &[i64]| {
        let wish = Wish::Sanction {
            conditions: None,
            limit: Limit { units: units.iter().copied().collect(), ..Limit::default() },
        };
        fixture.moves(&id, analyst, Part::Analyst, Move::Request(wish)).unwrap();
        fixture.moves(&id, reviewer, Part::Reviewer, Move::Approve).unwrap()
    };
    let decided = decide(&[elsewhere]);
    let found = fixture.of_rule(Rule::OutsideLimit).held.body;
    assert_eq!(
        (found.state, &found.evidence[..]),
        (FindingState::Open, &["seen in unit 1, where the decision does not count".to_owned()][..])
    );
    fixture.sees_chat();
    let after = fixture.store.system(&id).unwrap().unwrap().held.body;
    assert_eq!((after.sanction, &after.limited_to_units), (decided.sanction, &decided.limited_to_units));
    assert_eq!(fixture.of_rule(Rule::OutsideLimit).held.body.reopened, 0, "it is one question");
    // Somebody says that it is gone, and it is not: what is closed tells that what it asks still holds.
    let close = Step::Close { reason: "uninstalled".into(), evidence: "TICKET-8".into() };
    fixture.store.step_finding(&found.reference, close, who(analyst, Part::Analyst), act(analyst)).unwrap();
    fixture.store.attend(NOW_MS + DAY_MS).unwrap();
    let closed = fixture.of_rule(Rule::OutsideLimit).held.body;
    assert_eq!((closed.state, closed.holds), (FindingState::Closed, true));
    fixture.moves(&id, reviewer, Part::Reviewer, Move::Reopen).unwrap();
    fixture.moves(&id, analyst, Part::Analyst, Move::StartReview).unwrap();
    decide(&[]);
    assert!(!fixture.of_rule(Rule::OutsideLimit).held.body.holds);
}

#[test]
fn a_version_that_its_decision_does_not_let_be_used_is_asked_of_while_a_machine_holds_it() {
    let (fixture, analyst, reviewer) = with_people();
    let id = prepared(&fixture, analyst);
    let holds = |generation: u64, versions: &[&str]| {
        let item = |version: &&str| {
            let item = item("acme.chat.app", Channel::App, "chat");
            SnapshotItem { evidence: Evidence { version: Some((*version).into()), ..item.evidence }, ..item }
        };
        let items = versions.iter().map(item).collect();
        let sent_at_ms = NOW_MS + i64::try_from(generation).unwrap();
        let report = with_snapshot(2, 1, sent_at_ms, snapshot(generation, Completeness::Complete, items));
        fixture.send(2, report, sent_at_ms);
    };
    holds(1, &["1.4", "1.10"]);
    let limit =
        |text: &str| Limit { versions: [VersionLimit::parse(text).unwrap()].into(), ..Limit::default() };
    let ask = |limit| {
        let wish = Wish::Sanction { conditions: None, limit };
        fixture.moves(&id, analyst, Part::Analyst, Move::Request(wish))
    };
    assert_eq!(ask(limit("other.product >=1")), Err(Guard::Fields), "of no product of the record");
    ask(limit(">=1.2 <2.0")).unwrap();
    let decided = fixture.moves(&id, reviewer, Part::Reviewer, Move::Approve).unwrap();
    let told: Vec<String> = decided.limited_to_versions.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["acme.chat >=1.2 <2.0"], "of its only product");
    assert!(!fixture.open_rules().contains(&Rule::OutsideLimit), "1.10 comes after 1.2");
    holds(2, &["1.4", "2.0.1", "nightly"]);
    let found = fixture.of_rule(Rule::OutsideLimit).held.body;
    let evidence = "seen in acme.chat 2.0.1, acme.chat nightly, where the decision does not count";
    assert_eq!((found.state, &found.evidence[..]), (FindingState::Open, &[evidence.to_owned()][..]));
    let after = fixture.store.system(&id).unwrap().unwrap().held.body;
    assert_eq!(
        (after.review, after.sanction),
        (decided.review, decided.sanction),
        "a version alone reopens nothing"
    );
    holds(3, &["1.4"]);
    fixture.store.attend(NOW_MS + DAY_MS).unwrap();
    assert!(!fixture.of_rule(Rule::OutsideLimit).held.body.holds, "no machine holds it any more");
    fixture.moves(&id, reviewer, Part::Reviewer, Move::Revoke).unwrap();
    fixture.moves(&id, analyst, Part::Analyst, Move::StartReview).unwrap();
    let prohibited = fixture.moves(&id, reviewer, Part::Reviewer, Move::Prohibit).unwrap();
    assert!(prohibited.limited_to_versions.is_empty(), "only what may be used is limited");
}

#[test]
fn time_opens_what_it_makes_true() {
    let (fixture, analyst, reviewer) = with_people();
    let id = prepared(&fixture, analyst);
    let wish = Wish::Tolerate {
        conditions: "drafts only".into(),
        expires_on: today().forward(10),
        limit: Limit::default(),
    };
    fixture.moves(&id, analyst, Part::Analyst, Move::Request(wish)).unwrap();
    fixture.moves(&id, reviewer, Part::Reviewer, Move::Approve).unwrap();
    fixture.store.attend(NOW_MS + 10 * DAY_MS).unwrap();
    assert!(!fixture.open_rules().contains(&Rule::ToleratedPastExpiry));
    fixture.store.attend(NOW_MS + 11 * DAY_MS).unwrap();
    assert!(fixture.open_rules().contains(&Rule::ToleratedPastExpiry));
    let silent = fixture.of_rule(Rule::SensorSilent).held.body;
    assert_eq!(silent.subject.kind, "unit");
    let before = fixture.store.trail(&TrailFilter::default(), PageRequest::default()).unwrap().total;
    fixture.store.attend(NOW_MS + 11 * DAY_MS).unwrap();
    let after = fixture.store.trail(&TrailFilter::default(), PageRequest::default()).unwrap().total;
    assert_eq!(before, after, "a second look changes nothing");
}

#[test]
fn an_owner_who_left_is_asked_of() {
    let (fixture, analyst, reviewer) = with_people();
    sanctioned(&fixture, analyst, reviewer);
    assert_eq!(fixture.open_rules(), BTreeSet::new());
    let left = crate::model::PersonDetails { display_name: "ana".into(), ..Default::default() };
    fixture.store.change_person(analyst, &left, &governance::by()).unwrap().unwrap();
    fixture.store.attend(NOW_MS).unwrap();
    assert_eq!(fixture.open_rules(), BTreeSet::from([Rule::NoOwner]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn reports_in_any_order_and_twice_open_the_same_findings(
        order in Just(vec![0_usize, 1, 2, 3]).prop_shuffle(),
        again in 0_usize..4,
    ) {
        let reports = || [
            with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, 1)]),
            with_activity(2, vec![row("acme.chat.web", Channel::Dns, 3, 2)]),
            flagged(1, RiskFlag::ApprovalBypass),
            flagged(1, RiskFlag::PersonalAccount),
        ];
        let told = |order: &[usize]| {
            let fixture = fleet();
            let sent = reports();
            for at in order {
                // The last one is another machine's: of one machine, a newer snapshot takes the place of an older one.
                fixture.send(if *at == 3 { 2 } else { 1 }, sent[*at].clone(), NOW_MS);
            }
            fixture.store.attend(NOW_MS).unwrap();
            let rows = fixture.all_findings();
            let told = |row: FindingRow| {
                let body = row.held.body;
                (body.rule, body.state, body.holds, body.severity, row.about)
            };
            let keys: BTreeSet<String> = rows.iter().map(|row| row.held.body.id.clone()).collect();
            assert_eq!(keys.len(), rows.len(), "no question twice");
            rows.into_iter().map(told).collect::<BTreeSet<_>>()
        };
        let mut shuffled = order.clone();
        shuffled.push(order[again]);
        let other = told(&shuffled);
        prop_assert!(other.iter().any(|one| one.0 == Rule::NewProduct));
        prop_assert_eq!(other, told(&[0, 1, 2, 3]));
    }
}

#[test]
fn the_trail_replays_findings_tasks_documents_and_assessments() {
    let (fixture, analyst, _) = with_people();
    let person = || who(analyst, Part::Analyst);
    let id = only(&fixture);
    let finding = fixture.of_rule(Rule::NewProduct).held.body;
    let step = Step::Assign(Some(analyst));
    fixture.store.step_finding("fnd-0001", step, person(), act(analyst)).unwrap().unwrap().unwrap();
    let task = Task {
        title: "Ask the supplier".into(),
        purpose: Purpose::SupplierAssessment,
        link: Some(Link::to(LinkKind::System, "AIS-0001")),
        ..Task::default()
    };
    let task = fixture.store.add_task(task, person(), act(analyst)).unwrap().unwrap().body;
    assert_eq!((task.reference.as_str(), task.link.as_ref().unwrap().id.as_str()), ("TSK-0001", id.as_str()));
    let document = Document {
        link: Link::to(LinkKind::Finding, &finding.reference),
        title: "Minutes".into(),
        location: Some("https://wiki.example/7".into()),
        ..Document::default()
    };
    let document = fixture.store.attach(document, person(), act(analyst)).unwrap().unwrap().body;
    let assessment = VendorAssessment {
        vendor: "acme".into(),
        assessment: Assessment { state: AssessmentState::Planned, ..Assessment::default() },
        result: None,
    };
    fixture.store.assess_vendor(assessment, person(), act(analyst)).unwrap().unwrap();
    for (kind, id, now) in [
        (
            "finding",
            finding.id.clone(),
            serde_json::to_value(fixture.of_rule(Rule::NewProduct).held.body).unwrap(),
        ),
        (Task::KIND, task.id.clone(), serde_json::to_value(&task).unwrap()),
        (Document::KIND, document.id.clone(), serde_json::to_value(&document).unwrap()),
        (
            VendorAssessment::KIND,
            "acme".to_owned(),
            serde_json::to_value(
                fixture.store.vendor_in_use("acme", &Sight::All).unwrap().assessment.unwrap().body,
            )
            .unwrap(),
        ),
    ] {
        assert_eq!(fixture.store.as_of(kind, &id, i64::MAX).unwrap(), Some(now), "{kind}");
    }
}

#[test]
fn a_task_for_the_supplier_lets_a_record_into_scope_until_it_ends() {
    let (fixture, analyst, reviewer) = with_people();
    let id = sanctioned(&fixture, analyst, reviewer);
    let edits =
        [("third_party", "\"yes\""), ("org_roles", "[\"customer-user\"]"), ("ai_act_role", "\"deployer\"")];
    let mut edits: Vec<(String, serde_json::Value)> = edits
        .iter()
        .filter_map(|(name, value)| Some(((*name).to_owned(), serde_json::from_str(value).ok()?)))
        .collect();
    edits.retain(|(name, _)| name != "org_roles");
    edits.push(("org_roles".into(), serde_json::json!([crate::model::record::OrgRole::ALL[0].as_str()])));
    edits.push(("risk_owner".into(), reviewer.into()));
    fixture.moves(&id, analyst, Part::Analyst, Move::Edit(edits)).unwrap();
    let scope_in = || Move::ScopeIn { justification: None };
    assert_eq!(fixture.moves(&id, reviewer, Part::ScopeOwner, scope_in()).unwrap_err(), Guard::Fields);
    let task = Task {
        title: "Assess".into(),
        purpose: Purpose::SupplierAssessment,
        link: Some(Link::to(LinkKind::Vendor, "acme")),
        ..Task::default()
    };
    let person = || who(analyst, Part::Analyst);
    let task = fixture.store.add_task(task, person(), act(analyst)).unwrap().unwrap().body;
    fixture.moves(&id, reviewer, Part::ScopeOwner, scope_in()).unwrap();
    let missing = fixture.of_rule(Rule::SupplierAssessmentMissing).held.body;
    assert!(missing.evidence[0].contains("a task stands for it"), "{:?}", missing.evidence);
    let finish = |evidence: &str| TaskStep::Finish { evidence: evidence.into(), reason: String::new() };
    let refused =
        fixture.store.step_task(&task.reference, finish(" "), person(), act(analyst)).unwrap().unwrap();
    assert_eq!(refused.unwrap_err().guard, Guard::Evidence);
    fixture
        .store
        .step_task(&task.reference, finish("DOC-1"), person(), act(analyst))
        .unwrap()
        .unwrap()
        .unwrap();
    let missing = fixture.of_rule(Rule::SupplierAssessmentMissing).held.body;
    assert!(!missing.evidence[0].contains("task"), "{:?}", missing.evidence);
    let assessed = VendorAssessment {
        vendor: "acme".into(),
        assessment: Assessment {
            state: AssessmentState::Done,
            date: Some(today()),
            expires: Some(today().forward(20)),
            assessor: Some("Procurement".into()),
            ..Assessment::default()
        },
        result: None,
    };
    fixture.store.assess_vendor(assessed, person(), act(analyst)).unwrap().unwrap();
    assert_eq!(fixture.of_rule(Rule::SupplierAssessmentMissing).held.body.state, FindingState::Closed);
    fixture.store.attend(NOW_MS + 21 * DAY_MS).unwrap();
    assert_eq!(fixture.of_rule(Rule::SupplierAssessmentMissing).held.body.state, FindingState::Open);
    assert_eq!(fixture.store.tasks(&TaskFilter::default(), PageRequest::default()).unwrap().total, 1);
}

#[test]
fn a_document_is_superseded_and_never_goes() {
    let (fixture, analyst, _) = with_people();
    let person = || who(analyst, Part::Analyst);
    let on_record = |title: &str, supersedes: Option<&str>| Document {
        link: Link::to(LinkKind::System, "AIS-0001"),
        kind: DocumentKind::Doc,
        title: title.into(),
        sha256: Some("AB".repeat(32)),
        supersedes: supersedes.map(str::to_owned),
        ..Document::default()
    };
    let attach = |document| fixture.store.attach(document, person(), act(analyst)).unwrap();
    assert_eq!(attach(on_record("One", None)).unwrap().body.sha256, Some("ab".repeat(32)));
    attach(on_record("Two", Some("DOC-0001"))).unwrap();
    assert_eq!(attach(on_record("Three", Some("DOC-0001"))).unwrap_err().guard, Guard::State);
    let titles = |superseded| {
        let filter = DocumentFilter { superseded, ..DocumentFilter::default() };
        let rows = fixture.store.documents(&filter, PageRequest::default()).unwrap().rows;
        rows.into_iter().map(|row| row.held.body.title).collect::<Vec<_>>()
    };
    assert_eq!(
        (titles(false), titles(true)),
        (vec!["Two".to_owned()], vec!["Two".to_owned(), "One".to_owned()])
    );
    let nowhere = Document { link: Link::to(LinkKind::System, "AIS-0099"), ..on_record("x", None) };
    assert_eq!(attach(nowhere).unwrap_err().guard, Guard::Target);
    let script = Document { location: Some("javascript:alert(1)".into()), ..on_record("x", None) };
    assert_eq!(attach(script).unwrap_err().guard, Guard::Fields);
}

#[test]
fn a_bulk_is_the_same_as_one_by_one_and_tells_of_what_was_left() {
    let (fixture, analyst, _) = with_people();
    let step = Step::Assign(Some(analyst));
    let many = vec!["FND-0001".to_owned(), "FND-0099".to_owned()];
    let came_to = fixture.store.step_findings(many, step, who(analyst, Part::Analyst), act(analyst)).unwrap();
    assert!(came_to[0].1.as_ref().unwrap().is_ok() && came_to[1].1.is_none());
    let counts = fixture.store.work_counts(analyst, &Sight::All, NOW_MS).unwrap();
    assert_eq!((counts.open_findings, counts.my_findings, counts.overdue_findings), (1, 1, 0));
    let auditor = fixture.store.step_finding(
        "FND-0001",
        Step::Dismiss { reason: "no".into() },
        who(analyst, Part::Auditor),
        act(analyst),
    );
    assert_eq!(auditor.unwrap().unwrap().unwrap_err().guard, Guard::Role);
}
