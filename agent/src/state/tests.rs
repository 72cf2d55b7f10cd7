//! The promises of the state database, crash by crash.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};

use ring::rand::SystemRandom;
use umbrascope_api::Completeness;

use super::*;

const MACHINE: MachineId = MachineId::from_bytes([1; 16]);
const TODAY: u32 = 20_778;

fn today() -> Day {
    Day::from_number(TODAY).unwrap()
}

fn open(folder: &Path) -> (State, Found) {
    State::open(folder, MACHINE, &SystemRandom::new()).unwrap()
}

fn key(value: &str) -> RowKey {
    RowKey {
        day: today(),
        rule: "openai.chatgpt.web".to_owned(),
        channel: Channel::Tls,
        subject: None,
        account: None,
        evidence: Evidence { value: value.to_owned(), ..Evidence::default() },
    }
}

fn count(state: &mut State, value: &str, by: u64) {
    state.commit(&Change { rows: vec![(key(value), by)], ..Change::default() }, today()).unwrap();
}

/// A folder with a database that holds some rows, closed.
fn used_folder() -> (tempfile::TempDir, Epoch) {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = open(folder.path());
    for number in 0..200 {
        count(&mut state, &format!("host-{number}.example"), 1);
    }
    let epoch = state.epoch();
    (folder, epoch)
}

#[test]
fn a_row_stays_due_until_the_count_that_was_sent_is_its_count() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, found) = open(folder.path());
    assert_eq!(found, Found::None);
    count(&mut state, "a.example", 3);
    let sent = state.due_rows(true, 10).unwrap();
    assert_eq!((sent.len(), sent[0].row.count), (1, 3));
    count(&mut state, "a.example", 2);
    state.mark_rows(&[(sent[0].id, 3)]).unwrap();
    assert!(state.due_rows(false, 10).unwrap().is_empty(), "it has been delivered once");
    assert_eq!(state.due_rows(true, 10).unwrap()[0].row.count, 5);
    assert_eq!(state.due().unwrap(), Due { grown_rows: 1, ..Due::default() });
    state.mark_rows(&[(sent[0].id, 5)]).unwrap();
    assert_eq!(state.due().unwrap(), Due::default());
}

#[test]
fn rows_read_back_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = open(folder.path());
    let evidence = Evidence {
        value: "a.example".to_owned(),
        version: None,
        executable: Some("/usr/bin/curl".to_owned()),
        container: Some("c0ffee".to_owned()),
        package: Some("deb:curl".to_owned()),
        forwarded: true,
    };
    let account = Some(state.account(1000));
    let whole = RowKey { account, evidence, subject: "10.0.0.7".parse().ok(), ..key("") };
    state.commit(&Change { rows: vec![(whole.clone(), 1)], ..Change::default() }, today()).unwrap();
    let row = state.due_rows(false, 1).unwrap().remove(0).row;
    assert_eq!(
        (row.account, row.evidence, row.channel, row.day, row.subject),
        (whole.account, whole.evidence, whole.channel, today(), whole.subject)
    );
}

fn station(address: Option<&str>, name: Option<&str>) -> Station {
    Station {
        subject: "3c:52:82:00:00:01".parse().unwrap(),
        address: address.map(|address| address.parse().unwrap()),
        host_name: name.map(str::to_owned),
    }
}

#[test]
fn what_is_new_of_a_machine_is_due_until_it_was_told_and_nothing_known_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = open(folder.path());
    let of = RowKey { subject: Some(station(None, None).subject), ..key("a.example") };
    let stations = vec![station(Some("10.0.0.7"), None)];
    state.commit(&Change { rows: vec![(of, 1)], stations, ..Change::default() }, today()).unwrap();
    let due = state.due_stations(10).unwrap();
    assert_eq!(due, [DueStation { station: station(Some("10.0.0.7"), None), version: 1, known: false }]);
    state.describe(&[station(None, Some("laptop-7"))]).unwrap();
    state.mark_stations(&[(due[0].station.subject, due[0].version)]).unwrap();
    let rows = state.due_rows(false, 10).unwrap();
    state.mark_rows(&[(rows[0].id, 1)]).unwrap();
    let due = state.due_stations(10).unwrap();
    assert_eq!(due[0].station, station(Some("10.0.0.7"), Some("laptop-7")), "changed after it was sent");
    assert!(due[0].known);
    assert_eq!(state.due().unwrap(), Due { stations: 1, ..Due::default() });
    state.mark_stations(&[(due[0].station.subject, due[0].version)]).unwrap();
    state.describe(&[station(Some("10.0.0.7"), Some("laptop-7")), station(None, None)]).unwrap();
    assert!(state.due_stations(10).unwrap().is_empty(), "nothing new");
    state.prune(today().forward(100)).unwrap();
    state.describe(&[station(Some("10.0.0.7"), None)]).unwrap();
    assert_eq!(state.due_stations(10).unwrap()[0].station.host_name, None, "it went with its rows");
}

#[test]
fn state_survives_a_restart_under_the_same_epoch_and_pseudonyms() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = open(folder.path());
    count(&mut state, "a.example", 1);
    let stream = StreamId([7; 16]);
    state.commit(&Change { streams: vec![(stream, 41)], ..Change::default() }, today()).unwrap();
    let (epoch, account) = (state.epoch(), state.account(1000));
    drop(state);
    let (state, found) = open(folder.path());
    assert_eq!((found, state.epoch(), state.account(1000)), (Found::Intact, epoch, account));
    assert_ne!(state.account(1001), account);
    assert_eq!(state.last_number(stream).unwrap(), Some(41));
    assert_eq!(state.last_number(StreamId([8; 16])).unwrap(), None);
    assert_eq!(state.due().unwrap().new_rows, 1);
}

#[test]
fn a_second_uplink_is_refused_while_the_first_lives() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path());
    let second = State::open(folder.path(), MACHINE, &SystemRandom::new());
    assert!(matches!(second, Err(StateError::InUse(_))));
}

#[test]
fn the_database_is_for_its_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("state");
    let (mut state, _) = open(&folder);
    count(&mut state, "a.example", 1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for name in ["state.db", "state.db-wal", "lock"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_commit_cut_off_midway_leaves_nothing_of_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = open(folder.path());
    count(&mut state, "a.example", 1);
    // A copy of the files of a live database is what a power cut leaves.
    let copy = tempfile::tempdir().unwrap();
    let transaction = state.db.transaction().unwrap();
    transaction.execute("UPDATE activity SET count = 99", []).unwrap();
    for name in ["state.db", "state.db-wal"] {
        fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    drop(transaction);
    let (state, found) = open(copy.path());
    assert_eq!((found, state.due_rows(true, 1).unwrap()[0].row.count), (Found::Intact, 1));
}

#[test]
fn a_database_cut_to_any_length_begins_anew_and_is_counted() {
    for keep in [0, 1, 100, 4096, 5000, 8192] {
        let (folder, epoch) = used_folder();
        let file = OpenOptions::new().write(true).open(folder.path().join(FILE)).unwrap();
        file.set_len(keep).unwrap();
        let (state, found) = open(folder.path());
        assert_eq!(found, Found::SetAside, "cut to {keep} bytes");
        assert_ne!(state.epoch(), epoch);
        assert_eq!(state.counter("state_resets").unwrap(), 1);
        drop(state);
        assert_eq!(open(folder.path()).1, Found::Intact, "no loop");
    }
}

#[test]
fn a_database_with_a_page_of_zeros_or_noise_begins_anew_or_opens() {
    for (page, byte) in [(0u64, 0), (0, 0xa5), (1, 0xa5), (3, 0), (3, 0xa5), (5, 0xa5)] {
        let (folder, _) = used_folder();
        let mut file = OpenOptions::new().write(true).open(folder.path().join(FILE)).unwrap();
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[byte; 4096]).unwrap();
        let (mut state, _) = open(folder.path());
        count(&mut state, "after.example", 1);
        assert!(state.due().unwrap().new_rows >= 1, "page {page} of {byte:#x}");
    }
}

#[test]
fn a_log_that_is_missing_cut_or_not_its_own_never_stops_the_agent() {
    for log in [None, Some(&b""[..]), Some(&[0xa5; 9000][..])] {
        let (folder, _) = used_folder();
        let path = folder.path().join("state.db-wal");
        match log {
            None => drop(fs::remove_file(path)),
            Some(bytes) => fs::write(path, bytes).unwrap(),
        }
        let (mut state, _) = open(folder.path());
        count(&mut state, "after.example", 1);
        assert!(state.due().unwrap().new_rows >= 1);
    }
}

#[test]
fn every_reset_is_counted_and_only_the_newest_wreck_is_kept() {
    let (folder, _) = used_folder();
    for round in 1..=3 {
        fs::write(folder.path().join(FILE), b"no database").unwrap();
        let (state, found) = open(folder.path());
        assert_eq!((found, state.counter("state_resets").unwrap()), (Found::SetAside, round));
    }
    let wrecks = fs::read_dir(folder.path()).unwrap().flatten();
    let wrecks: Vec<_> = wrecks.filter(|e| e.file_name().to_string_lossy().contains("broken")).collect();
    assert_eq!(wrecks.len(), 1);
}

#[test]
fn a_database_copied_from_another_machine_begins_a_new_epoch() {
    let (folder, epoch) = used_folder();
    let elsewhere = MachineId::from_bytes([2; 16]);
    let (state, found) = State::open(folder.path(), elsewhere, &SystemRandom::new()).unwrap();
    assert_eq!(found, Found::SetAside);
    assert_ne!(state.epoch(), epoch);
    assert_eq!(state.due().unwrap(), Due::default());
}

#[test]
fn a_database_of_a_newer_agent_is_refused_and_left_alone() {
    let (folder, _) = used_folder();
    let db = Connection::open(folder.path().join(FILE)).unwrap();
    db.pragma_update(None, "user_version", SCHEMA + 1).unwrap();
    drop(db);
    let refused = State::open(folder.path(), MACHINE, &SystemRandom::new());
    assert!(matches!(refused, Err(StateError::Newer { found, .. }) if found == SCHEMA + 1));
    assert!(folder.path().join(FILE).exists());
}

/// The layout of the first release, as it was then.
const LAYOUT_1: &str = "
DROP TABLE activity;
CREATE TABLE activity (
    id INTEGER PRIMARY KEY,
    day INTEGER NOT NULL, rule TEXT NOT NULL, channel TEXT NOT NULL, account TEXT NOT NULL,
    value TEXT NOT NULL, version TEXT NOT NULL, executable TEXT NOT NULL, container TEXT NOT NULL,
    count INTEGER NOT NULL, acked INTEGER NOT NULL DEFAULT 0, touched INTEGER NOT NULL,
    UNIQUE (day, rule, channel, account, value, version, executable, container)
) STRICT;
CREATE INDEX activity_due ON activity (id) WHERE count > acked;
CREATE INDEX activity_touched ON activity (touched);
INSERT INTO activity VALUES
    (3, 20778, 'openai.chatgpt.web', 'tls', '', 'a.example', '', '/usr/bin/curl', '', 5, 2, 20778),
    (7, 20778, 'openai.chatgpt.web', 'tls', '', 'b.example', '', '', '', 1, 1, 20778);
DROP TABLE station;
PRAGMA user_version = 1;
";

#[test]
fn a_database_of_an_older_agent_goes_on_under_its_epoch_with_what_it_had_sent() {
    let (folder, epoch) = used_folder();
    Connection::open(folder.path().join(FILE)).unwrap().execute_batch(LAYOUT_1).unwrap();
    let (mut state, found) = open(folder.path());
    assert_eq!((found, state.epoch()), (Found::Intact, epoch));
    let due = state.due_rows(true, 10).unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].id, due[0].row.count, &due[0].row.evidence.package), (3, 5, &None));
    let mut same = key("a.example");
    same.evidence.executable = Some("/usr/bin/curl".to_owned());
    state.commit(&Change { rows: vec![(same.clone(), 1)], ..Change::default() }, today()).unwrap();
    assert_eq!(state.due_rows(true, 10).unwrap()[0].row.count, 6, "the row is found again");
    same.evidence.forwarded = true;
    state.commit(&Change { rows: vec![(same.clone(), 1)], ..Change::default() }, today()).unwrap();
    same.subject = "10.0.0.7".parse().ok();
    state.commit(&Change { rows: vec![(same, 1)], ..Change::default() }, today()).unwrap();
    assert_eq!(state.due_rows(true, 10).unwrap().len(), 3, "what is new tells rows apart");
    drop(state);
    assert_eq!(open(folder.path()).1, Found::Intact);
}

#[test]
fn a_database_that_is_not_ours_at_all_is_set_aside() {
    let (folder, _) = used_folder();
    let db = Connection::open(folder.path().join(FILE)).unwrap();
    db.execute_batch("DROP TABLE activity; PRAGMA user_version = 1;").unwrap();
    drop(db);
    assert_eq!(open(folder.path()).1, Found::SetAside);
}

#[test]
fn a_database_deleted_under_us_is_written_anew_with_all_it_held() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = open(folder.path());
    count(&mut state, "a.example", 7);
    let epoch = state.epoch();
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    assert!(state.heal().unwrap());
    count(&mut state, "a.example", 1);
    drop(state);
    let (state, found) = open(folder.path());
    assert_eq!((found, state.epoch()), (Found::Intact, epoch));
    assert_eq!(state.due_rows(true, 1).unwrap()[0].row.count, 8);
}

#[test]
fn the_newest_generation_of_a_snapshot_is_due_until_it_was_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = open(folder.path());
    state.store_snapshot("dpkg", Completeness::Complete, &[], &[]).unwrap();
    state.store_snapshot("dpkg", Completeness::Partial, &[], &[]).unwrap();
    state.mark_snapshot("dpkg", 1).unwrap();
    let due = state.due_snapshots(10).unwrap();
    assert_eq!((due.len(), due[0].generation, due[0].completeness), (1, 2, Completeness::Partial));
    state.mark_snapshot("dpkg", 2).unwrap();
    assert!(state.due_snapshots(10).unwrap().is_empty());
}

#[test]
fn an_unknown_identifier_stays_here_until_its_source_no_longer_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = open(folder.path());
    let software =
        |name: &str| Software { kind: "dpkg".into(), identifier: name.into(), version: "1".into() };
    let kept = |folder: &Path| Reader::open(folder).unwrap().unwrap().unmatched().unwrap();
    state.store_snapshot("dpkg", Completeness::Complete, &[], &[software("bash"), software("vim")]).unwrap();
    assert_eq!(kept(folder.path()), 2);
    state.store_snapshot("dpkg", Completeness::Partial, &[], &[software("zsh")]).unwrap();
    assert_eq!(kept(folder.path()), 3, "a partial snapshot removes nothing");
    state.store_snapshot("dpkg", Completeness::Complete, &[], &[software("vim")]).unwrap();
    assert_eq!(kept(folder.path()), 1);
}

#[test]
fn forty_days_offline_drop_the_oldest_days_and_count_them() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = open(folder.path());
    for day in 0..40 {
        let change = Change { rows: vec![(key(&format!("day-{day}.example")), 1)], ..Change::default() };
        state.commit(&change, today().forward(day)).unwrap();
    }
    assert_eq!(state.prune(today().forward(39)).unwrap(), 5);
    assert_eq!(state.counter("rows_dropped").unwrap(), 5);
    let left = state.due_rows(true, 100).unwrap();
    assert_eq!((left.len(), left[0].row.evidence.value.as_str()), (35, "day-5.example"));
}

#[test]
fn a_clock_that_leaps_ten_years_costs_nothing_undelivered() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = open(folder.path());
    count(&mut state, "due.example", 1);
    count(&mut state, "delivered.example", 1);
    let rows = state.due_rows(true, 10).unwrap();
    let delivered = rows.iter().find(|due| due.row.evidence.value == "delivered.example").unwrap();
    state.mark_rows(&[(delivered.id, 1)]).unwrap();
    assert_eq!(state.prune(today().forward(3650)).unwrap(), 0);
    assert_eq!(state.due().unwrap().new_rows, 1);
}
