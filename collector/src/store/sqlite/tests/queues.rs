//! What waits for whom to decide, against the rule that approving itself goes by.

use super::governance::{act, by, who, with_people};
use super::*;
use crate::model::governed::Held;
use crate::model::record::{AiSystem, Wish};
use crate::model::{Grant, Grants, Role as Part};
use crate::review::{Move, Who};
use crate::store::people::People;
use crate::store::{Governance, Queue, Queues};

/// Records with every choice of two units, asked for by one of two people, to be decided by either role.
fn asked(fixture: &Fixture, people: [i64; 2], units: [i64; 2]) -> Vec<AiSystem> {
    let mut records: Vec<String> = Vec::new();
    for (number, owned) in
        [vec![], vec![units[0]], vec![units[1]], units.to_vec()].iter().cycle().take(16).enumerate()
    {
        let asking = people[number / 4 % 2];
        let system = AiSystem {
            name: format!("Record {number}"),
            org_units: owned.iter().copied().collect(),
            ..AiSystem::default()
        };
        let id = fixture
            .store
            .add_system(system, &who(asking, Part::Analyst), act(asking))
            .unwrap()
            .unwrap()
            .body
            .id;
        let wish = match number / 8 {
            0 => Wish::ScopeOut { justification: "It is used for private ends alone".to_owned() },
            _ => Wish::Merge { into: records[0].clone() },
        };
        records.push(id.clone());
        fixture.moves(&id, asking, Part::Analyst, Move::Request(wish)).unwrap();
    }
    let one = |id: &String| fixture.store.system(id).unwrap().unwrap().held.body;
    records.iter().map(one).collect()
}

#[test]
fn a_request_waits_for_those_who_may_decide_on_it_and_for_nobody_else() {
    let (fixture, analyst, reviewer) = with_people();
    let units = ["North", "South"].map(|name| fixture.store.add_unit(name, None, &by()).unwrap().unwrap().id);
    let records = asked(&fixture, [analyst, reviewer], units);
    let places = [None, Some(units[0]), Some(units[1])];
    let mut grants: Vec<Vec<Grant>> = vec![vec![], vec![Grant { role: Part::Analyst, unit: None }]];
    for role in [Part::Reviewer, Part::ScopeOwner] {
        grants.extend(places.map(|unit| vec![Grant { role, unit }]));
        grants.push(units.map(|unit| Grant { role, unit: Some(unit) }).to_vec());
    }
    grants.push(vec![
        Grant { role: Part::Reviewer, unit: Some(units[0]) },
        Grant { role: Part::ScopeOwner, unit: Some(units[1]) },
    ]);
    for grants in grants.into_iter().map(Grants) {
        let who = Who { person: reviewer, grants, ..Who::default() };
        let mut expected: Vec<&str> = records
            .iter()
            .filter(|record| {
                let request = record.request.as_ref().unwrap();
                request.by != who.person && who.grants.hold(request.wish.decider(), &record.units())
            })
            .map(|record| record.id.as_str())
            .collect();
        // All were asked for at the same moment.
        expected.sort_unstable();
        let page = |offset, limit| {
            fixture.store.queue(Queue::Requests, &who, PageRequest { offset, limit }).unwrap()
        };
        let all = page(0, 100);
        let ids = |rows: &[Held<AiSystem>]| rows.iter().map(|held| held.body.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&all.rows), expected, "{:?}", who.grants);
        assert_eq!(all.total, expected.len() as u64);
        let some = page(1, 2);
        assert_eq!(
            (ids(&some.rows), some.total),
            (ids(&all.rows).into_iter().skip(1).take(2).collect(), all.total)
        );
    }
}

/// Number of who asks, when, and who decides, of each record.
fn columns(connection: &Connection) -> Vec<(i64, i64, String)> {
    let mut statement = connection
        .prepare("SELECT requested_by, requested_at_ms, decider FROM ai_system ORDER BY reference")
        .unwrap();
    statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn requests_of_an_older_database_are_found() {
    let (fixture, analyst, reviewer) = with_people();
    let units = ["North", "South"].map(|name| fixture.store.add_unit(name, None, &by()).unwrap().unwrap().id);
    asked(&fixture, [analyst, reviewer], units);
    let Fixture { store, path, _dir } = fixture;
    drop(store);
    let connection = Connection::open(&path).unwrap();
    let before = columns(&connection);
    assert_eq!(
        before.iter().filter(|(by, at, decider)| *by > 0 && *at > 0 && decider == "scope-owner").count(),
        8
    );
    assert_eq!(
        before.iter().filter(|(by, at, decider)| *by > 0 && *at > 0 && decider == "reviewer").count(),
        8
    );
    assert_eq!(before.iter().filter(|columns| **columns == (0, 0, String::new())).count(), 1);
    let holding = held_findings(&connection);
    assert!(holding.iter().any(|(_, holds)| *holds), "{holding:?}");
    connection
        .execute_batch(
            "DROP INDEX sensor_coverage_by_accelerated;
             ALTER TABLE sensor_coverage DROP COLUMN accelerated;
             DROP INDEX finding_by_holds;
             ALTER TABLE finding DROP COLUMN holds;
             ALTER TABLE product_sign DROP COLUMN last_day;
             DROP INDEX ai_system_by_decider;
             ALTER TABLE ai_system DROP COLUMN requested_by;
             ALTER TABLE ai_system DROP COLUMN requested_at_ms;
             ALTER TABLE ai_system DROP COLUMN decider;
             ALTER TABLE ai_system ADD COLUMN requested INTEGER NOT NULL DEFAULT 0;
             ALTER TABLE ai_system DROP COLUMN by_version;
             DROP TABLE emergency;
             DROP TABLE emergency_seen;
             ALTER TABLE sensor_seen DROP COLUMN clock_off_from;
             ALTER TABLE sensor_seen DROP COLUMN clock_off_until;
             DROP INDEX product_asset_by_first_day;
             DROP TABLE saved_view;
             DROP TABLE last_look;
             DROP TABLE unit_day;
             DROP INDEX asset_by_search;
             DROP TABLE link_use;
             ALTER TABLE session DROP COLUMN let_in;
             ALTER TABLE sign_in_link DROP COLUMN made_by;
             DELETE FROM migration WHERE version IN (33, 35, 36, 37, 38, 39, 40, 41);",
        )
        .unwrap();
    drop(connection);
    drop(SqliteStore::open(&path, Options::new(&KNOWN), NOW_MS).unwrap());
    let connection = Connection::open(&path).unwrap();
    assert_eq!((columns(&connection), held_findings(&connection)), (before, holding));
}

/// Ids of findings, and whether what they ask holds.
fn held_findings(connection: &Connection) -> Vec<(String, bool)> {
    let mut statement = connection.prepare("SELECT id, holds FROM finding ORDER BY id").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}
