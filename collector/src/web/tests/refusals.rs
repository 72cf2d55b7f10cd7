//! Every writing route, tried by every role over a real store (I-21): a role that may not leaves every record as it was, the log of
//! refusals aside.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::model::governed::{Act, Actor};
use crate::model::record::AiSystem;
use crate::model::{Grant, Grants, Role};
use crate::review::Who;
use crate::store::sqlite::Options;
use crate::store::{Governance, SqliteStore};

/// Every route that changes something, with the fields that it would take.
const WRITES: &[(&str, &[(&str, &str)])] = &[
    ("/tokens", &[("unit", "Sales"), ("label", "x"), ("max_uses", "1"), ("days", "1")]),
    ("/tokens/aa/revoke", &[]),
    (
        "/catalogue/own/new",
        &[
            ("do", "publish"),
            ("after", "0"),
            ("what", "deny"),
            ("kind", "suffix"),
            ("pattern", "a.example"),
            ("reason", "r"),
        ],
    ),
    ("/catalogue/own/edit", &[("do", "publish"), ("after", "0"), ("note", "n"), ("text", "")]),
    ("/catalogue/own/remove", &[("id", "own.x")]),
    ("/suspects/setting", &[("step", "asked")]),
    ("/suspects/setting", &[("step", "confirmed")]),
    ("/suspects/setting", &[("step", "withdrawn")]),
    ("/suspects/quorbel.ai/dismiss", &[("reason", "none")]),
    ("/suspects/quorbel.ai/restore", &[]),
    ("/people", &[("name", "nina"), ("display_name", "Nina")]),
    ("/people/2", &[("display_name", "Somebody else")]),
    ("/people/2/active", &[("active", "no")]),
    ("/people/11/grant", &[("role", "reviewer"), ("unit", "")]),
    ("/people/4/revoke", &[("role", "analyst"), ("unit", "")]),
    ("/people/2/link", &[]),
    ("/people/2/second-factor/remove", &[]),
    ("/people/second-factor-roles", &[("auditor", "yes")]),
    ("/people/import", &[("do", "import"), ("text", "name,email\nNina,nina@x.org\n")]),
    ("/units", &[("name", "Mars"), ("parent", "")]),
    ("/units/1", &[("name", "Mars"), ("parent", "")]),
];

/// The same of governed records. Some lead to what is not there: that is no way in either.
const GOVERNED: &[(&str, &[(&str, &str)])] = &[
    ("/policies", &[("version", "9"), ("title", "x"), ("approved_by", "x"), ("from", "2026-01-01")]),
    ("/policies/limits", &[("tolerance_days", "999"), ("review_days", "999"), ("bulk_records", "999")]),
    ("/inventory/bulk", &[("do", "confirm"), ("move", "triage"), ("id", "AIS-0001"), ("reason", "x")]),
    ("/inventory/new", &[("name", "Mine"), ("kind", "saas-service")]),
    ("/inventory/AIS-0001/moves/triage", &[("reason", "x")]),
    ("/inventory/AIS-0001/moves/prohibit", &[("reason", "x")]),
    ("/inventory/AIS-0001/moves/scope-in", &[("reason", "x")]),
    ("/inventory/AIS-0001/moves/confirm", &[("reason", "x")]),
    ("/inventory/AIS-0001/moves/enforce", &[("level", "full"), ("evidence", "x")]),
    ("/inventory/AIS-0001/moves/dismiss", &[("why", "not-ai"), ("reason", "x")]),
    ("/inventory/AIS-0001/edit/purpose", &[("purpose", "x")]),
    ("/readiness/controls/A.9.4", &[("applies", "no"), ("reason", "x")]),
    ("/readiness/R-4.3-b", &[("owner", "1"), ("note", "x"), ("due", "")]),
    ("/indicators/K-04", &[("version", "0"), ("value", "95"), ("owner", ""), ("reason", "x")]),
    (
        "/management-reviews",
        &[
            ("held_on", "2026-11-20"),
            ("from", "2026-01-01"),
            ("until", "2026-11-20"),
            ("present", "x"),
            ("conclusion", "x"),
        ],
    ),
    ("/management-reviews/MRV-0001", &[("version", "1"), ("subject", "other"), ("says", "x"), ("due", "")]),
    ("/privacy/erasures", &[("pseudonym", "x"), ("reason", "a reason of twenty letters")]),
    ("/privacy/erasures/ERA-000001", &[("step", "approve")]),
    ("/campaigns/new", &[("title", "x"), ("do", "start"), ("due", "2027-01-01")]),
    ("/campaigns/CAM-0001/close", &[("reason", "x")]),
    ("/campaigns/rows/x/assign", &[("owner", "1")]),
    ("/findings/assign", &[("id", "FND-0001"), ("assignee", "1")]),
    ("/findings/due-days", &[("critical", "1"), ("high", "1"), ("medium", "1"), ("low", "1")]),
    ("/findings/FND-0001", &[("step", "dismiss"), ("reason", "x")]),
    ("/tasks", &[("title", "x"), ("purpose", "other")]),
    ("/tasks/TSK-0001", &[("step", "drop"), ("reason", "x")]),
    ("/documents", &[("title", "x"), ("kind", "doc"), ("link_kind", "requirement"), ("link_id", "R-4.3-b")]),
    ("/vendors/openai", &[("state", "done"), ("date", "2026-01-01")]),
    ("/scope/draft", &[("do", "begin")]),
    ("/scope/endpoints/import", &[("source", "x"), ("text", "hostname\nx\n")]),
    ("/scope/endpoints/withdraw", &[("source", "x")]),
    ("/scope/endpoints/add", &[("hostname", "x"), ("platform", "linux")]),
    ("/scope/endpoints/1/remove", &[]),
    ("/scope/sites", &[("name", "x"), ("kind", "site")]),
    ("/scope/sites/x", &[("name", "y"), ("kind", "site")]),
    ("/scope/1/approve", &[("password", "x")]),
    ("/privacy/retention", &[("step", "ask"), ("day_days", "1"), ("reason", "x")]),
    ("/reidentification/setting", &[("step", "ask"), ("key", KEY), ("reason", "a reason of twenty letters")]),
    ("/reidentification/setting", &[("step", "confirm")]),
    ("/reidentification/setting", &[("step", "withdraw")]),
    (
        "/reidentification/new",
        &[("asset", "1"), ("product", "openai.chatgpt"), ("account", "aa"), ("ticket", "x"), ("hours", "1")],
    ),
    ("/reidentification/RID-000001", &[("step", "approve")]),
    ("/reidentification/RID-000001", &[("step", "close")]),
    ("/reidentification/RID-000001/name", &[]),
    ("/emergency", &[("role", "reviewer"), ("hours", "2"), ("reason", "a reason of twenty letters")]),
    ("/emergency/EMA-000001/end", &[]),
];

/// A privacy officer's public key, as any.
pub(super) const KEY: &str = "upk-0000000000000000000000000000000000000000000000000000000000000000190a55ad";

/// Who may do something of the above at all. What else they try is refused all the same.
fn may_write_something(name: &str) -> bool {
    !matches!(name, "vera" | "wim")
}

/// The sample's people over a real store, whose records can be looked at.
pub(super) struct World {
    pub(super) visitor: Visitor,
    path: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl World {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("collector.db");
        let options = Options { readers: 1, ..Options::new(umbrascope_rules::Catalogue::embedded()) };
        let store = Arc::new(SqliteStore::open(&path, options, sample::NOW_MS).unwrap());
        sample::people::add_people(&store);
        add_a_system(&store);
        Connection::open(&path)
            .unwrap()
            .execute("INSERT INTO suspect (domain, n, sources, first_day, last_day) VALUES ('quorbel.ai', 9, 9, 1, 2)", [])
            .unwrap();
        let state = sample::state_of(store);
        Self { visitor: Visitor::to(state), path, _folder: folder }
    }

    /// Everything that is recorded, but for sessions, links and the log of refusals.
    pub(super) fn records(&self) -> BTreeMap<String, Vec<String>> {
        dump(&self.path)
    }
}

fn add_a_system(store: &SqliteStore) {
    let who =
        Who { person: 1, grants: Grants(vec![Grant { role: Role::Analyst, unit: None }]), ..Who::default() };
    let act = Act::by(Actor::Console, sample::NOW_MS);
    let system = AiSystem { name: "Drafting".to_owned(), ..AiSystem::default() };
    store.add_system(system, &who, act).unwrap().unwrap();
}

fn dump(path: &Path) -> BTreeMap<String, Vec<String>> {
    let connection = Connection::open(path).unwrap();
    let mut tables =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let left_out = ["session", "sign_in_link", "trail", "trail_payload", "counter", "migration", "meta"];
    let mut all = BTreeMap::new();
    for table in tables.into_iter().filter(|table| !left_out.contains(&table.as_str())) {
        let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows: Vec<String> = statement
            .query_map([], |row| {
                let values = columns.iter().enumerate().filter(|(_, name)| *name != "last_sign_in_at_ms");
                Ok(values
                    .map(|(at, _)| format!("{:?}", row.get_ref(at).unwrap()))
                    .collect::<Vec<_>>()
                    .join("|"))
            })
            .unwrap()
            .map(Result::unwrap)
            .collect();
        rows.sort();
        all.insert(table, rows);
    }
    all
}

#[tokio::test]
async fn who_only_reads_changes_no_record_by_any_route() {
    let mut world = World::new();
    for name in ["vera", "wim"] {
        world.visitor.sign_in(name).await;
        let csrf = world.visitor.get("/account").await.csrf();
        let before = world.records();
        for (path, fields) in WRITES {
            let fields = [*fields, &[("csrf", csrf.as_str())]].concat();
            let answer = world.visitor.post(path, &fields).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name} {path}: {}", answer.location());
        }
        assert_eq!(world.records(), before, "{name}");
    }
}

/// Readers: an auditor and the works council.
#[tokio::test]
async fn who_only_reads_changes_no_governed_record_by_any_route() {
    let mut world = World::new();
    for name in ["vera", "wim"] {
        world.visitor.sign_in(name).await;
        let csrf = world.visitor.get("/account").await.csrf();
        let before = world.records();
        for (path, fields) in GOVERNED {
            let fields = [*fields, &[("csrf", csrf.as_str())]].concat();
            let answer = world.visitor.post(path, &fields).await;
            assert!(
                answer.status.is_client_error(),
                "{name} {path}: {} {}",
                answer.status,
                answer.location()
            );
            assert_eq!(world.records(), before, "{name} {path}");
        }
    }
}

/// An administrator holds no permission of the business.
#[tokio::test]
async fn an_administrator_decides_nothing() {
    let mut world = World::new();
    world.visitor.sign_in("mona").await;
    let csrf = world.visitor.get("/account").await.csrf();
    let before = world.records();
    // What is theirs: to set limits, to record a policy, and to ask for other times of retention or for sealed names.
    // So is emergency access, which sends them to sign in again first.
    let own = ["/policies", "/privacy/retention", "/reidentification/setting", "/emergency"];
    for (path, fields) in GOVERNED.iter().filter(|(path, _)| !own.iter().any(|own| path.starts_with(own))) {
        let fields = [*fields, &[("csrf", csrf.as_str())]].concat();
        let answer = world.visitor.post(path, &fields).await;
        assert!(answer.status.is_client_error(), "{path}: {} {}", answer.status, answer.location());
        assert_eq!(world.records(), before, "{path}");
    }
}

#[tokio::test]
async fn each_writing_role_is_refused_what_is_not_its_own() {
    let mut world = World::new();
    for (name, own) in [
        ("dora", &["/tokens", "/suspects/setting"] as &[&str]),
        ("anna", &["/catalogue", "/suspects/quorbel.ai"]),
        ("rita", &["/catalogue", "/suspects/quorbel.ai"]),
        ("sven", &[]),
        ("paul", &["/suspects/setting"]),
        ("mona", &["/people", "/units", "/suspects/setting"]),
        ("ulla", &[]),
    ] {
        world.visitor.sign_in(name).await;
        let csrf = world.visitor.get("/account").await.csrf();
        for (path, fields) in WRITES.iter().filter(|(path, _)| !own.iter().any(|own| path.starts_with(own))) {
            let before = world.records();
            let fields = [*fields, &[("csrf", csrf.as_str())]].concat();
            let answer = world.visitor.post(path, &fields).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name} {path}: {}", answer.location());
            assert_eq!(world.records(), before, "{name} {path}");
        }
    }
}

#[test]
fn no_route_that_writes_is_missing_from_the_list() {
    let routes = include_str!("../mod.rs");
    let placed = |route: &str| {
        WRITES.iter().chain(GOVERNED).any(|(path, _)| {
            let (mut path, mut route) = (path.split('/'), route.split('/'));
            loop {
                match (path.next(), route.next()) {
                    (None, None) => return true,
                    (Some(_), Some(part)) if part.starts_with('{') => {}
                    (Some(one), Some(other)) if one == other => {}
                    _ => return false,
                }
            }
        })
    };
    // One's own account, what one answers for, and what is no record.
    let own = [
        "/sign-in",
        "/sign-out",
        "/theme",
        "/language",
        "/password",
        "/account",
        "/confirm",
        "/attest",
        "/export/evidence-pack",
        "/looked",
        "/views",
        "/emergency/seen",
    ];
    for piece in routes.split(".route(").skip(1) {
        let route = piece.split('"').nth(1).unwrap();
        if piece.contains("post(") && !own.iter().any(|own| route.starts_with(own)) {
            assert!(placed(route), "{route} is tried by nobody");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// I-21: whoever only reads changes no record over any sequence of requests, forged ones and odd ones among them.
    #[test]
    fn no_sequence_of_requests_of_who_only_reads_changes_a_record(
        requests in prop::collection::vec(
            (prop::sample::select([WRITES, GOVERNED].concat()), any::<bool>(), "[a-z0-9=&]{0,12}"), 1..25),
        name in prop::sample::select(vec!["vera", "wim", "otto"]),
    ) {
        prop_assert!(!may_write_something(name) || name == "otto");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new();
            if name != "otto" {
                world.visitor.sign_in(name).await;
            }
            let csrf = if name == "otto" { String::new() } else { world.visitor.get("/account").await.csrf() };
            let before = world.records();
            for ((path, fields), ours, odd) in requests {
                let token = if ours { csrf.as_str() } else { odd.as_str() };
                let fields = [fields, &[("csrf", token), ("extra", odd.as_str())]].concat();
                let answer = world.visitor.post(path, &fields).await;
                assert!(!answer.status.is_success(), "{name} {path}: {}", answer.status);
            }
            assert_eq!(world.records(), before);
        });
    }
}
