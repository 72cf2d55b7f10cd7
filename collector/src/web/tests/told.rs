//! I-20 over every page, answer and export: numbers that a reader is not told have no effect on what they are sent. Two collectors hold the
//! same but for those numbers; who may not know them is sent the same by both, and who may is not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use umbrascope_api::Day;

use super::*;
use crate::catalogue::Known;
use crate::model::governed::{Act, Actor};
use crate::model::record::AiSystem;
use crate::model::{Grant, Grants, Role};
use crate::review::Who;
use crate::store::sqlite::Options;
use crate::store::{Governance, SqliteStore};

/// What is read besides the pages.
const ANSWERS: &[&str] = &[
    "/inventory?sort=assets",
    "/inventory?sort=assets&dir=asc",
    "/inventory?sort=first",
    "/inventory/AIS-0002",
    "/products?sort=assets",
    "/products?sort=assets&dir=asc",
    "/products?sort=confidence",
    "/products?sort=first",
    "/products?sort=last",
    "/products?unit=1",
    "/products?unit=6",
    "/products/openai.api",
    "/products/anthropic.claude",
    "/vendors/anthropic",
    "/readiness",
    "/indicators",
    "/api/v1/totals",
    "/api/v1/products",
    "/api/v1/products?unit=1",
    "/api/v1/products?sort=assets&dir=asc",
    "/api/v1/products/openai.chatgpt",
    "/api/v1/products/openai.api",
    "/api/v1/products/anthropic.claude",
    "/api/v1/systems",
    "/api/v1/systems?sort=assets&dir=asc",
    "/api/v1/systems/AIS-0001",
    "/api/v1/systems/AIS-0002",
    "/api/v1/coverage",
    "/api/v1/units",
    "/api/v1/vendors",
    "/api/v1/vendors/openai",
    "/api/v1/findings",
    "/api/v1/tasks",
    "/api/v1/work-counts",
    "/api/v1/documents",
    "/api/v1/campaigns",
    "/api/v1/scope",
    "/api/v1/scope/coverage",
    "/api/v1/scope/statements",
    "/api/v1/readiness",
    "/api/v1/maturity",
    "/api/v1/indicators",
    "/api/v1/privacy",
    "/export/csv?part=systems",
    "/api/v1/export/json",
    "/api/v1/export/csv",
];

/// Where who may know the numbers is sent other ones.
const TELLING: &[&str] = &[
    "/products",
    "/products/openai.chatgpt",
    "/products/openai.api",
    "/products?sort=assets",
    "/inventory",
    "/inventory?sort=assets",
    "/inventory/AIS-0001",
    "/vendors/openai",
    "/api/v1/products",
    "/api/v1/products/openai.chatgpt",
    "/api/v1/systems",
    "/api/v1/systems/AIS-0001",
    "/api/v1/vendors",
    "/api/v1/vendors/openai",
    "/api/v1/units",
    "/export/csv",
    "/export/json",
    "/export/jsonl",
];

/// Who is told no number below the smallest.
const KEPT_FROM: [&str; 5] = ["vera", "sven", "paul", "wim", "ulla"];

/// The numbers of one collector. Of 20 machines: those of the first unit, of the two rare products, and of the evidence for the common one.
struct Numbers {
    machines: i64,
    chat: i64,
    api: i64,
    evidence: i64,
}

/// All are below five, or five or more with a rest below five.
const ONE: Numbers = Numbers { machines: 3, chat: 2, api: 4, evidence: 9 };
const OTHER: Numbers = Numbers { machines: 4, chat: 4, api: 3, evidence: 10 };

/// A collector with the people of the sample, three records and no facts.
fn seed(folder: &Path) -> PathBuf {
    let path = folder.join("collector.db");
    let store =
        SqliteStore::open(&path, Options::knowing(Arc::new(Known::embedded())), sample::NOW_MS).unwrap();
    sample::people::add_people(&store);
    let who =
        Who { person: 1, grants: Grants(vec![Grant { role: Role::Analyst, unit: None }]), ..Who::default() };
    for (name, product) in
        [("Chatting", "openai.chatgpt"), ("Programming", "openai.api"), ("Writing", "anthropic.claude")]
    {
        let system = AiSystem {
            name: name.to_owned(),
            products: [product.to_owned()].into(),
            org_units: [1].into(),
            ..AiSystem::default()
        };
        let act = Act::by(Actor::Console, sample::NOW_MS);
        store.add_system(system, &who, act).unwrap().unwrap();
    }
    store.close();
    path
}

/// Puts the roll-ups of a fleet into a collector.
fn fill(path: &Path, numbers: &Numbers) {
    let connection = Connection::open(path).unwrap();
    let day = Day::from_unix_ms(sample::NOW_MS).number();
    let mut sql = String::new();
    for machine in 1..=20 {
        let unit = if machine <= numbers.machines { 1 } else { 6 };
        sql += &format!(
            "INSERT INTO asset (id, machine, unit, hostname, os, os_version, arch, agent_version, search, first_day)
                VALUES ({machine}, 'm{machine}', {unit}, '', 'linux', '', '', '', '', {day});
             INSERT INTO asset_seen VALUES ({machine}, 0);
             INSERT INTO asset_summary VALUES ({machine}, 1);"
        );
    }
    sql +=
        "INSERT INTO rule (id, word) VALUES (1, 'x.y.z'); INSERT INTO channel (id, word) VALUES (1, 'app');";
    let products = [
        ("openai.chatgpt", "OpenAI", numbers.chat, numbers.chat),
        ("openai.api", "OpenAI", numbers.api, numbers.api),
        ("anthropic.claude", "Anthropic", 12, numbers.evidence),
    ];
    for (number, (word, vendor, assets, pieces)) in (1..).zip(products) {
        let known: Option<i64> =
            connection.query_row("SELECT id FROM product WHERE word = ?1", [word], |row| row.get(0)).ok();
        assert_eq!(known, None, "the fixture is the first to tell of products");
        sql += &format!(
            "INSERT INTO product (id, word, name, vendor, kind, search, known, embedded)
                VALUES ({number}, '{word}', '{word}', '{vendor}', 'application', '{word}', 1, 0);
             INSERT INTO product_summary (product, channels, levels, confidence, candidate, assets, first_day, last_day)
                VALUES ({number}, 2, 2, 4, 1, {assets}, {day}, {day});
             INSERT INTO product_unit (product, unit, assets) VALUES ({number}, 1, {assets});
             INSERT INTO product_day (product, day, assets, n) VALUES ({number}, {day}, {assets}, {assets});
             INSERT INTO evidence (id, hash, value, version) VALUES ({number}, 'e{number}', 'value-{number}', '1.{number}');
             INSERT INTO evidence_summary
                (product, rule, channel, evidence, assets, accounts, n, present, items, first_day, last_day)
                VALUES ({number}, 1, 1, {number}, {pieces}, {}, 0, {pieces}, {pieces}, {day}, {day});",
            pieces.min(numbers.chat)
        );
    }
    // On the network: as many sightings as assets.
    sql += &format!(
        "INSERT INTO evidence (id, hash, value) VALUES (9, 'e9', 'api.example');
         INSERT INTO evidence_summary
            (product, rule, channel, evidence, assets, accounts, n, present, items, first_day, last_day)
            VALUES (1, 1, 1, 9, {0}, {0}, {0}, 0, 0, {day}, {day});
         INSERT INTO fleet_day (day, assets, n) VALUES ({day}, {0}, {0});",
        numbers.chat
    );
    connection.execute_batch(&sql).unwrap();
}

fn open(path: &Path) -> Visitor {
    let options = Options::knowing(Arc::new(Known::embedded()));
    Visitor::to(sample::state_of(Arc::new(SqliteStore::open(path, options, sample::NOW_MS).unwrap())))
}

/// What is random in an answer, and no number: tokens of forms, hashes and salts.
fn without_chance(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '/');
    for piece in text.split_inclusive(|c| !word(c)) {
        let (body, end) =
            piece.strip_suffix(|c| !word(c)).map_or((piece, ""), |body| (body, &piece[body.len()..]));
        let chance =
            body.len() >= 30 && body.chars().any(|c| c.is_ascii_digit()) && !body.contains("umbrascope");
        kept.push_str(if chance { "~" } else { body });
        kept.push_str(end);
    }
    kept
}

fn all_paths() -> Vec<String> {
    let mut paths: Vec<String> =
        PAGES.iter().chain(ANSWERS).map(|path| (*path).to_owned()).chain(exports()).collect();
    // Single machines are for others, and a new secret is new each time.
    paths.retain(|path| !path.starts_with("/assets") && path != "/account/second-factor");
    paths
}

#[tokio::test]
async fn numbers_below_the_smallest_reach_nobody_who_is_not_told_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let one = seed(folder.path());
    let other = folder.path().join("other.db");
    Connection::open(&one).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    std::fs::copy(&one, &other).unwrap();
    fill(&one, &ONE);
    fill(&other, &OTHER);
    let (mut one, mut other) = (open(&one), open(&other));
    for name in KEPT_FROM {
        one.sign_in(name).await;
        other.sign_in(name).await;
        for path in all_paths() {
            let (told, other_told) = (one.get(&path).await, other.get(&path).await);
            assert_eq!(told.status, other_told.status, "{name} {path}");
            let (told, other_told) = (without_chance(&told.text), without_chance(&other_told.text));
            if told != other_told {
                let differs = told.lines().zip(other_told.lines()).find(|(a, b)| a != b);
                panic!("{name} {path}: {differs:#?}");
            }
        }
    }
    one.sign_in("anna").await;
    other.sign_in("anna").await;
    for path in TELLING {
        let (told, other_told) = (one.get(path).await, other.get(path).await);
        assert_eq!(told.status, StatusCode::OK, "{path}: {}", told.text);
        assert_ne!(without_chance(&told.text), without_chance(&other_told.text), "{path} tells who may know");
    }
}
