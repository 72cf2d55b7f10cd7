//! What is told of the fleet as a whole: of a large one for a while.

use super::governance::act;
use super::*;
use crate::scope::Site;
use crate::store::scope::Scoping;

/// A fleet of two, of which so many are large.
fn fleet_of_two(large: u64) -> Fixture {
    let fixture = Fixture::with(|options| options.large_fleet = large);
    fixture.token("aa", 10);
    for number in 1..=2 {
        fixture.enrol(number, number);
    }
    fixture
}

/// Sensors that report, by both ways in.
fn reporting(fixture: &Fixture, now_ms: i64) -> (u64, u64) {
    let record = fixture.store.coverage_record(now_ms).unwrap();
    (record.reporting, fixture.store.coverage_totals(now_ms).unwrap().reporting)
}

#[test]
fn a_small_fleet_is_told_as_it_is() {
    let fixture = fleet_of_two(3);
    assert_eq!(reporting(&fixture, NOW_MS), (0, 0));
    fixture.store.renew_fleet(NOW_MS).unwrap();
    fixture.send(1, batch(1, 1, NOW_MS), NOW_MS);
    assert_eq!(reporting(&fixture, NOW_MS), (1, 1));
}

#[test]
fn a_large_fleet_is_told_as_it_was_until_it_is_looked_at_anew() {
    let fixture = fleet_of_two(2);
    assert_eq!(reporting(&fixture, NOW_MS), (0, 0));
    fixture.send(1, batch(1, 1, NOW_MS), NOW_MS);
    assert_eq!(reporting(&fixture, NOW_MS + 119_999), (0, 0));
    assert_eq!(fixture.store.coverage_record(NOW_MS + 119_999).unwrap().as_of_ms, NOW_MS);
    // Two minutes later nobody is told of it any more; nor by a clock that was set back.
    assert_eq!(reporting(&fixture, NOW_MS + 120_000), (1, 1));
    fixture.send(2, batch(2, 1, NOW_MS), NOW_MS);
    assert_eq!(reporting(&fixture, NOW_MS + 120_001), (1, 1));
    assert_eq!(reporting(&fixture, NOW_MS + 119_999), (2, 2));
    fixture.send(2, batch(2, 2, NOW_MS + 1), NOW_MS + 1);
    fixture.store.renew_fleet(NOW_MS + 60_000).unwrap();
    assert_eq!(fixture.store.coverage_record(NOW_MS + 60_001).unwrap().as_of_ms, NOW_MS + 60_000);
}

#[test]
fn what_people_say_of_a_large_fleet_is_told_at_once() {
    let fixture = fleet_of_two(2);
    assert_eq!(fixture.store.coverage_record(NOW_MS).unwrap().unsaid_sites, [""; 0]);
    let site = Site { name: "Works".into(), ..Site::default() };
    fixture.store.add_site(site, act(1)).unwrap();
    assert_eq!(fixture.store.coverage_record(NOW_MS).unwrap().unsaid_sites, ["Works"]);
}
