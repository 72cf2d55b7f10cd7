//! What a reader of some units sees of the records, over every page, answer and export.

use std::sync::Arc;

use super::*;
use crate::catalogue::Known;
use crate::model::document::{Document, DocumentKind};
use crate::model::governed::{Act, Actor};
use crate::model::record::AiSystem;
use crate::model::task::{Link, LinkKind, Purpose, Task};
use crate::model::{Grant, GrantChange, Grants, Role};
use crate::review::{Move, Who};
use crate::store::sqlite::Options;
use crate::store::{Documents, Governance, SqliteStore, Tasks};

/// Every list but the exports, and what stands at the head of it.
const LISTS: &[&str] = &[
    "/inventory",
    "/inventory?sort=name",
    "/review",
    "/triage?queue=new",
    "/search?q=drafting",
    "/findings",
    "/findings?state=all",
    "/tasks",
    "/tasks?state=all",
    "/vendors/openai",
    "/campaigns",
    "/campaigns/CAM-0001",
    "/attest",
    "/scope",
    "/readiness",
    "/trail",
    "/api/v1/systems",
    "/api/v1/findings",
    "/api/v1/tasks",
    "/api/v1/documents",
    "/api/v1/vendors",
    "/api/v1/vendors/openai",
    "/api/v1/campaigns",
    "/api/v1/campaigns/CAM-0001",
    "/api/v1/campaigns/CAM-0001/rows",
    "/api/v1/readiness",
    "/api/v1/trail",
    "/export/csv?part=systems",
    "/export/ciso-assistant?part=findings",
    "/export/json?as_of=2026-11-21",
    "/api/v1/export/json",
];

/// Those of them that tell of no record by name to anybody in this small world.
const SILENT: &[&str] =
    &["/review", "/triage?queue=new", "/campaigns", "/readiness", "/api/v1/readiness", "/export/csv"];

/// What of the parts that no unit owns is for who sees all.
const WHOLE: &[&str] = &[
    "/scope/1",
    "/scope/diff?from=1&to=1",
    "/api/v1/scope",
    "/api/v1/scope/statements/1",
    "/api/v1/scope/diff?from=1&to=1",
    "/export/scope-html",
    "/export/scope-json",
    "/campaigns/CAM-0001/report",
    "/campaigns/CAM-0001/report.note",
    "/snapshots/2026-10",
    "/api/v1/snapshots/2026-10",
];

/// Names in the records of each place: of the first unit, of another, of none.
const NAMES: [(&str, &[i64]); 3] = [("Quillon", &[1]), ("Zephrane", &[5]), ("Ombrelisk", &[])];

/// A collector of them, each with a task and a document; their ids, and the folder that it is in.
fn world() -> (Visitor, Vec<String>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::knowing(Arc::new(Known::embedded()));
    let store = Arc::new(SqliteStore::open(&folder.path().join("c.db"), options, sample::NOW_MS).unwrap());
    sample::people::add_people(&store);
    let who =
        Who { person: 1, grants: Grants(vec![Grant { role: Role::Analyst, unit: None }]), ..Who::default() };
    let act = || Act::by(Actor::Person(1), sample::NOW_MS - 86_400_000);
    let ids = NAMES.map(|(name, units)| {
        let system = AiSystem {
            name: format!("{name} drafting"),
            products: ["openai.chatgpt".to_owned()].into(),
            org_units: units.iter().copied().collect(),
            ..AiSystem::default()
        };
        let id = store.add_system(system, &who, act()).unwrap().unwrap().body.id;
        store.move_system(&id, Move::Triage, who.clone(), act()).unwrap().unwrap().unwrap();
        let task = Task {
            title: format!("{name} task"),
            purpose: Purpose::Other,
            link: Some(Link::to(LinkKind::System, id.clone())),
            ..Task::default()
        };
        store.add_task(task, who.clone(), act()).unwrap().unwrap();
        let document = Document {
            kind: DocumentKind::Url,
            title: format!("{name} contract"),
            location: Some("https://dms.example/1".to_owned()),
            link: Link::to(LinkKind::System, id.clone()),
            ..Document::default()
        };
        store.attach(document, who.clone(), act()).unwrap().unwrap();
        id
    });
    (Visitor::to(sample::state_of(store)), ids.to_vec(), folder)
}

/// Starts a campaign over everything, in which one person is asked about one record of another unit, and nobody about the rest.
async fn campaign(visitor: &mut Visitor) {
    visitor.sign_in("anna").await;
    let otto = visitor.state.people.person_named("otto").unwrap().unwrap().id;
    let who =
        Who { person: 1, grants: Grants(vec![Grant { role: Role::Analyst, unit: None }]), ..Who::default() };
    let owner = Move::Edit(vec![("system_owner".to_owned(), otto.into())]);
    let act = Act::by(Actor::Person(1), sample::NOW_MS).because("he buys it");
    visitor.state.governance.move_system("AIS-0002", owner, who, act).unwrap().unwrap().unwrap();
    let form = visitor.get("/campaigns/new?title=Spring&look=yes").await;
    let hidden: Vec<(String, String)> = form
        .text
        .split("<form")
        .find(|form| form.contains("name=\"previewed\""))
        .unwrap_or_else(|| panic!("{}", form.text))
        .split("type=\"hidden\" name=\"")
        .skip(1)
        .map(|rest| {
            let (name, rest) = rest.split_once("\" value=\"").unwrap();
            (name.to_owned(), rest.split('"').next().unwrap().to_owned())
        })
        .collect();
    let fields: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    let started = visitor.post("/campaigns/new", &fields).await;
    assert_eq!(started.location(), "/campaigns/CAM-0001?done=started", "{}", started.text);
}

#[tokio::test]
async fn no_list_page_answer_or_export_shows_a_record_of_another_unit() {
    let (mut visitor, ids, _folder) = world();
    campaign(&mut visitor).await;
    let stranger = |text: &str| {
        let names = ["Zephrane", "Ombrelisk", "AIS-0002", "AIS-0003"].into_iter();
        names.chain(ids[1..].iter().map(String::as_str)).find(|name| text.contains(name)).map(str::to_owned)
    };
    visitor.sign_in("vera").await;
    let lists: Vec<String> = LISTS.iter().map(|path| (*path).to_owned()).chain(exports()).collect();
    let mut empty = Vec::new();
    // Who only reads is asked nothing.
    for path in lists.iter().filter(|path| **path != "/attest") {
        let page = visitor.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        if stranger(&page.text).is_none() {
            empty.push(path.as_str());
        }
    }
    assert_eq!(empty, SILENT, "who sees all is shown them");
    visitor.sign_in("ulla").await;
    let mut shown = Vec::new();
    for path in &lists {
        let page = visitor.get(path).await;
        shown.extend(stranger(&page.text).map(|name| (path, name)));
        shown.extend((page.status != StatusCode::OK).then(|| (path, page.status.to_string())));
    }
    assert_eq!(shown, [], "who sees one unit is not");
    for path in [
        "/inventory",
        "/findings",
        "/tasks",
        "/api/v1/systems",
        "/api/v1/findings",
        "/api/v1/tasks",
        "/api/v1/documents",
        "/export/json",
    ] {
        let page = visitor.get(path).await.text;
        assert!(page.contains("Quillon"), "{path} shows those of her unit: {page}");
    }
    for reference in ["AIS-0002", &ids[2]] {
        for path in [
            format!("/inventory/{reference}"),
            format!("/inventory/{reference}?on=2026-11-20"),
            format!("/inventory/{reference}/edit/purpose"),
            format!("/api/v1/systems/{reference}"),
            format!("/api/v1/systems/{reference}/history"),
        ] {
            let page = visitor.get(&path).await;
            assert_eq!(
                (page.status, stranger(&page.text.replace(&path, ""))),
                (StatusCode::NOT_FOUND, None),
                "{path}"
            );
        }
    }
    assert_eq!(visitor.get("/inventory/AIS-0001").await.status, StatusCode::OK);
    for path in
        ["/tasks/TSK-0002", "/api/v1/tasks/TSK-0003", "/findings/FND-0002", "/api/v1/findings/FND-0003"]
    {
        assert_eq!(visitor.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in WHOLE {
        assert_eq!(visitor.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let csrf = visitor.get("/inventory").await.csrf();
    let bulk = [("csrf", csrf.as_str()), ("move", "triage"), ("id", "AIS-0002"), ("reason", "x")];
    let preview = visitor.post("/inventory/bulk", &bulk).await.text;
    assert!(preview.contains("there is no such record") && !preview.contains("Zephrane"), "{preview}");
    let moved = visitor
        .post("/inventory/AIS-0002/moves/triage", &[("csrf", &csrf), ("version", "1"), ("reason", "x")])
        .await;
    assert!(moved.status.is_client_error() && stranger(&moved.text).is_none(), "{}", moved.text);
}

#[tokio::test]
async fn an_export_that_is_cut_says_so_and_to_which_units() {
    let (mut visitor, _, _folder) = world();
    visitor.sign_in("ulla").await;
    let json = visitor.get("/export/json").await;
    let export: serde_json::Value = serde_json::from_str(&json.text).unwrap();
    assert_eq!(export["cut_to_units"], serde_json::json!([1]));
    assert_eq!(export["ai_systems"].as_array().unwrap().len(), 1);
    for path in [
        "/export/csv?part=systems",
        "/export/oscal",
        "/export/ocsf-1.8",
        "/export/spdx-3.0.1",
        "/export/jsonl",
    ] {
        let made = visitor.get(path).await;
        assert!(
            made.text.contains("Not the whole inventory") && made.text.contains("unit:1"),
            "{path}: {}",
            made.text
        );
        assert!(made.headers["content-disposition"].to_str().unwrap().contains("cut-to-units"), "{path}");
    }
    visitor.sign_in("vera").await;
    let export: serde_json::Value = serde_json::from_str(&visitor.get("/export/json").await.text).unwrap();
    assert!(export["cut_to_units"].is_null() && export["ai_systems"].as_array().unwrap().len() == 3);
    let trail = visitor.get("/api/v1/trail?kind=export").await.text;
    assert!(trail.contains("\"units\":[1]"), "the trail says what was taken: {trail}");
}

#[tokio::test]
async fn what_somebody_owns_or_is_asked_about_is_in_their_sight() {
    let (mut visitor, ids, _folder) = world();
    let ulla = visitor.state.people.person_named("ulla").unwrap().unwrap().id;
    let anna = visitor.state.people.person_named("anna").unwrap().unwrap().id;
    visitor.sign_in("ulla").await;
    assert_eq!(visitor.get("/inventory/AIS-0003").await.status, StatusCode::NOT_FOUND);
    let who = Who {
        person: anna,
        grants: Grants(vec![Grant { role: Role::Analyst, unit: None }]),
        ..Who::default()
    };
    let act = || Act::by(Actor::Person(anna), sample::NOW_MS).because("hers");
    let assign = crate::findings::TaskStep::Assign(Some(ulla));
    visitor.state.governance.step_task("TSK-0003", assign, who.clone(), act()).unwrap().unwrap().unwrap();
    for path in ["/inventory/AIS-0003", "/tasks/TSK-0003", "/api/v1/systems/AIS-0003"] {
        assert_eq!(visitor.get(path).await.status, StatusCode::OK, "{path}");
    }
    let owner = Move::Edit(vec![("risk_owner".to_owned(), ulla.into())]);
    visitor.state.governance.move_system(&ids[1], owner, who, act()).unwrap().unwrap().unwrap();
    assert!(visitor.get("/inventory").await.text.contains("Zephrane"));
    // A second role, for the whole organisation, opens the rest.
    let all = GrantChange::Grant(Grant { role: Role::ItDeployer, unit: None });
    visitor.state.people.change_grants(ulla, all, &sample::people::nobody()).unwrap().unwrap();
    visitor.sign_in("ulla").await;
    assert!(visitor.get("/inventory").await.text.contains("Ombrelisk"));
}
