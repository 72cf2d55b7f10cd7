//! Machines that gateway sensors saw.

use umbrascope_api::{Station, Subject};

use super::*;

const MAC: &str = "3c:52:82:00:00:01";
/// Administered locally: means something in its own network only.
const LOCAL: &str = "02:42:ac:11:00:02";

fn subject(text: &str) -> Subject {
    text.parse().unwrap()
}

fn of(text: &str, count: u64) -> ActivityRow {
    ActivityRow { subject: Some(subject(text)), ..row("acme.chat.web", Channel::Tls, 0, count) }
}

fn station(text: &str, address: Option<&str>, name: Option<&str>) -> Station {
    Station {
        subject: subject(text),
        address: address.map(|address| address.parse().unwrap()),
        host_name: name.map(str::to_owned),
    }
}

fn seen(number: u8, rows: Vec<ActivityRow>, stations: Vec<Station>) -> Batch {
    Batch { stations, ..with_activity(number, rows) }
}

fn assets(fixture: &Fixture) -> Vec<crate::model::AssetRow> {
    let (filter, page) = (AssetFilter::default(), PageRequest::default());
    fixture.store.assets(&filter, AssetSort::Name, Direction::Ascending, page, NOW_MS).unwrap().rows
}

/// Names of the assets that no sensor is on.
fn stations(fixture: &Fixture) -> Vec<String> {
    assets(fixture).into_iter().filter(|row| row.station.is_some()).map(|row| row.hostname).collect()
}

fn detail(fixture: &Fixture, hostname: &str) -> crate::model::AssetDetail {
    let row = assets(fixture).into_iter().find(|row| row.hostname == hostname).unwrap();
    fixture.store.asset(row.id, today(), NOW_MS).unwrap().unwrap()
}

#[test]
fn every_machine_that_a_gateway_sensor_saw_is_an_asset_and_the_gateway_is_not_it() {
    let fixture = fleet();
    let rows = vec![of(MAC, 2), of("10.0.0.8", 3)];
    let described = vec![station(MAC, Some("10.0.0.7"), Some("laptop-7")), station("10.0.0.8", None, None)];
    let ack = fixture.send(1, seen(1, rows, described), NOW_MS);
    assert_eq!((ack.activity_taken, ack.refused.len()), (2, 0));
    assert_eq!(stations(&fixture), ["10.0.0.8", "laptop-7"]);
    assert_eq!(fixture.products()[0].assets, 2, "an occurrence is a machine, not the gateway");
    let laptop = detail(&fixture, "laptop-7");
    let known = laptop.row.station.unwrap();
    assert_eq!((known.mac.as_deref(), known.address.as_deref()), (Some(MAC), Some("10.0.0.7")));
    assert_eq!((laptop.row.state, laptop.row.unit.as_str()), (SensorState::Reporting, "Berlin"));
    assert_eq!(laptop.products[0].activity[0].count, 2);
    assert_eq!(laptop.sensors[0].asset, AssetId(1), "the sensor that saw it is the gateway's");
    assert!(fixture.store.asset(AssetId(1), today(), NOW_MS).unwrap().unwrap().products.is_empty());
}

#[test]
fn a_machine_is_found_by_its_hardware_address_and_by_its_name() {
    let fixture = fleet();
    let described = vec![station(MAC, Some("10.0.0.7"), Some("Laptop-7"))];
    fixture.send(1, seen(1, vec![of(MAC, 1)], described), NOW_MS);
    for words in [MAC, "10.0.0.7", "laptop"] {
        let filter = AssetFilter { search: words.to_owned(), ..AssetFilter::default() };
        let page = PageRequest::default();
        let found =
            fixture.store.assets(&filter, AssetSort::Name, Direction::Ascending, page, NOW_MS).unwrap();
        assert_eq!((found.rows.len(), found.total), (1, 1), "{words}");
    }
}

#[test]
fn a_name_that_is_learnt_later_is_taken_and_an_older_word_changes_nothing() {
    let fixture = fleet();
    fixture.send(1, seen(1, vec![of(MAC, 1)], vec![station(MAC, Some("10.0.0.7"), None)]), NOW_MS);
    assert_eq!(stations(&fixture), ["10.0.0.7"]);
    fixture.send(1, seen(1, vec![], vec![station(MAC, Some("10.0.0.9"), Some("laptop-7"))]), NOW_MS);
    assert_eq!(stations(&fixture), ["laptop-7"]);
    let mut older = seen(1, vec![], vec![station(MAC, Some("10.0.0.7"), Some("before"))]);
    older.sent_at_ms = NOW_MS - 1;
    fixture.send(1, older, NOW_MS);
    fixture.send(1, seen(1, vec![], vec![station(MAC, None, None)]), NOW_MS);
    assert_eq!(detail(&fixture, "laptop-7").row.station.unwrap().address.as_deref(), Some("10.0.0.9"));
    fixture.send(1, seen(1, vec![], vec![station("10.0.0.99", None, Some("nobody"))]), NOW_MS);
    assert_eq!(stations(&fixture), ["laptop-7"], "a word about a machine of which no row came makes none");
}

#[test]
fn a_hardware_address_learnt_within_a_day_makes_no_second_asset() {
    let fixture = fleet();
    fixture.send(1, seen(1, vec![of("10.0.0.7", 4)], vec![]), NOW_MS);
    let learnt = || seen(1, vec![of(MAC, 2)], vec![station(MAC, Some("10.0.0.7"), None)]);
    fixture.send(1, learnt(), NOW_MS + 1);
    assert_eq!(stations(&fixture), ["10.0.0.7"]);
    assert_eq!(detail(&fixture, "10.0.0.7").row.station.unwrap().mac.as_deref(), Some(MAC));
    // The other way round: a packet through a router, which does not show it again.
    fixture.send(1, seen(1, vec![of("10.0.0.7", 5)], vec![]), NOW_MS + 2);
    assert_eq!(fixture.products()[0].assets, 1);
    assert_eq!(detail(&fixture, "10.0.0.7").products[0].activity[0].count, 5);
    // A day later the lease may be somebody else's.
    let fixture = fleet();
    fixture.send(1, seen(1, vec![of("10.0.0.7", 4)], vec![]), NOW_MS);
    fixture.send(1, learnt(), NOW_MS + 86_400_001);
    assert_eq!(stations(&fixture).len(), 2);
}

#[test]
fn a_row_sent_again_reaches_the_asset_it_reached_before() {
    let fixture = fleet();
    let first = seen(1, vec![of("10.0.0.7", 4)], vec![]);
    fixture.send(1, first.clone(), NOW_MS);
    let other = seen(1, vec![of(MAC, 2)], vec![station(MAC, Some("10.0.0.7"), Some("other"))]);
    fixture.send(1, other.clone(), NOW_MS + 86_400_001);
    let before = fixture.dump(ROLLUPS);
    for report in [other, first] {
        fixture.send(1, report, NOW_MS + 86_400_002);
    }
    assert_eq!(fixture.dump(ROLLUPS), before);
}

#[test]
fn a_makers_hardware_address_is_one_machine_for_all_sensors_and_another_one_for_each() {
    let fixture = fleet();
    for number in 1..=2 {
        for address in [MAC, LOCAL, "10.0.0.8"] {
            fixture.send(
                number,
                seen(number, vec![of(address, 1)], vec![station(address, None, None)]),
                NOW_MS,
            );
        }
    }
    let assets = stations(&fixture);
    assert_eq!(assets, [LOCAL, LOCAL, "10.0.0.8", "10.0.0.8", MAC]);
    let machine = detail(&fixture, MAC);
    assert_eq!(machine.sensors.len(), 2, "both gateway sensors are told");
    assert_eq!(machine.products[0].activity[0].count, 2);
}

#[test]
fn a_sensor_names_no_more_machines_than_its_bound() {
    let fixture = Fixture::with(|options| options.subjects = 3);
    fixture.token("aa", 10);
    fixture.enrol(1, 1);
    let rows = (1..=5).map(|last| of(&format!("10.0.0.{last}"), 1)).collect();
    let ack = fixture.send(1, seen(1, rows, vec![]), NOW_MS);
    assert_eq!(ack.activity_taken, 3);
    assert_eq!(ack.refused.iter().map(|row| row.reason).collect::<Vec<_>>(), [Refusal::OverQuota; 2]);
    assert_eq!(ack.refused.iter().map(|row| row.index).collect::<Vec<_>>(), [3, 4]);
    let again = fixture.send(1, seen(1, vec![of("10.0.0.1", 9), of("10.0.0.9", 1)], vec![]), NOW_MS);
    assert_eq!((again.activity_taken, again.refused[0].index), (1, 1), "the known ones go on");
}

#[test]
fn rollups_of_machines_without_a_sensor_are_rebuilt_as_they_were() {
    let fixture = fleet();
    let own = row("acme.notes.web", Channel::Tls, 0, 1);
    fixture.send(1, seen(1, vec![of(MAC, 2), own, of("10.0.0.8", 1)], vec![]), NOW_MS);
    let maintained = fixture.dump(ROLLUPS);
    fixture.store.rebuild(NOW_MS).unwrap();
    assert_eq!(fixture.dump(ROLLUPS), maintained);
    let units = fixture.store.units().unwrap();
    assert_eq!(units[0].assets, 5, "three with a sensor, two without");
}
