//! Several records at once.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::refusals::World;
use super::*;

/// Records that are there, of which every other one has an owner.
const RECORDS: usize = 4;

fn reference(at: usize) -> String {
    format!("AIS-{:04}", at + 1)
}

/// As an analyst who uses the interface of programs.
async fn with_records() -> World {
    let mut world = World::new();
    let visitor = &mut world.visitor;
    visitor.sign_in("anna").await;
    visitor.browser = false;
    let anna = visitor.person("anna");
    // The world has one record already.
    for at in 1..RECORDS {
        let owner = if at % 2 == 1 { json!(anna) } else { Value::Null };
        let made = json!({"fields": {"name": format!("Use {at}"), "system_owner": owner}, "reason": "r"});
        let (status, whole) = visitor.sent(Method::POST, "/api/v1/systems", &made).await;
        assert_eq!((status, &whole["reference"]), (StatusCode::CREATED, &json!(reference(at))), "{whole}");
    }
    world
}

/// Every record, apart from the id, which is another one in each database.
async fn records(visitor: &mut Visitor) -> Vec<Value> {
    let mut records = Vec::new();
    for at in 0..RECORDS {
        let answer = visitor.get(&format!("/api/v1/systems/{}", reference(at))).await;
        let mut whole: Value = serde_json::from_str(&answer.text).unwrap();
        whole["record"]["id"] = Value::Null;
        records.push(json!([whole["version"], whole["record"]]));
    }
    records
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    /// I-19: a bulk changes and refuses the same rows as moving them one by one.
    #[test]
    fn a_bulk_comes_to_the_same_as_its_rows_one_by_one(
        steps in prop::collection::vec(
            (
                prop::sample::select(vec![
                    "triage", "review", "dismiss", "reopen", "request-scope-out", "withdraw", "suspend",
                ]),
                prop::collection::btree_set(0..RECORDS, 1..=RECORDS),
                prop::bool::weighted(0.2),
            ),
            1..12,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut at_once, mut one_by_one) = (with_records().await, with_records().await);
            for (word, rows, stale) in steps {
                let before = records(&mut one_by_one.visitor).await;
                let version = |at: usize| before[at][0].as_u64().unwrap() + u64::from(stale);
                let step = json!({"move": word, "reason": "r", "why": "not-ai",
                    "justification": "used by nobody in these units"});
                let picked: Vec<Value> =
                    rows.iter().map(|at| json!({"id": reference(*at), "version": version(*at)})).collect();
                let bulk = json!({"rows": picked, "step": step});
                let (status, done) = at_once.visitor.sent(Method::POST, "/api/v1/systems/bulk", &bulk).await;
                assert_eq!(status, StatusCode::OK, "{done}");
                let mut guards = Vec::new();
                for at in &rows {
                    let mut alone = step.clone();
                    alone["version"] = json!(version(*at));
                    let path = format!("/api/v1/systems/{}/moves", reference(*at));
                    let (_, told) = one_by_one.visitor.sent(Method::POST, &path, &alone).await;
                    guards.push(told["guard"].clone());
                }
                let in_bulk: Vec<Value> =
                    done["rows"].as_array().unwrap().iter().map(|row| row["guard"].clone()).collect();
                assert_eq!(in_bulk, guards, "{word}");
                let after = records(&mut one_by_one.visitor).await;
                assert_eq!(records(&mut at_once.visitor).await, after, "{word}");
                let untouched = (0..RECORDS).filter(|at| !rows.contains(at)).collect::<BTreeSet<_>>();
                assert!(untouched.iter().all(|at| after[*at] == before[*at]), "{word}");
            }
        });
    }
}
