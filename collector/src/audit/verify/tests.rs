//! What is noticed, and what is not: each change of a pack or an export with the code that it has to come to.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::sample::{Files, Log, archive, code, report, since, unpack};
use super::{Known, Setback};
use crate::audit::pack;
use crate::audit::{Keys, Note};

const CONSISTENT: u8 = 0;
const ALTERED: u8 = 1;
const INCOMPLETE: u8 = 3;
const UNKNOWN_KEY: u8 = 4;

fn anybody() -> Known {
    Known::default()
}

/// A pack with one file changed, or removed where the change says so. Checksums as `seal` says.
fn with(log: &Log, name: &str, change: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>, sealed: bool) -> Vec<u8> {
    let mut files = log.files();
    let before = files.remove(name).unwrap();
    if let Some(after) = change(before.clone()) {
        assert_ne!(after, before, "{name} is to be changed");
        files.insert(name.to_owned(), after);
    }
    if sealed { log.seal(&files) } else { log.unsealed(&files) }
}

/// The lines of a file, changed.
fn lines(change: impl FnOnce(&mut Vec<String>)) -> impl FnOnce(Vec<u8>) -> Option<Vec<u8>> {
    move |bytes| {
        let text = String::from_utf8(bytes).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        change(&mut lines);
        Some(lines.iter().flat_map(|line| [line, "\n"]).collect::<String>().into_bytes())
    }
}

fn text(from: &'static str, to: &'static str) -> impl FnOnce(Vec<u8>) -> Option<Vec<u8>> {
    move |bytes| Some(String::from_utf8(bytes).unwrap().replacen(from, to, 1).into_bytes())
}

#[test]
fn an_untouched_pack_is_consistent_and_says_what_is_in_it() {
    let log = Log::sample();
    let report = report(&log.pack(), &log.known());
    assert_eq!(report.findings(), []);
    assert_eq!(report.verdict().code(), CONSISTENT);
    assert_eq!((report.entries, report.files, report.records, report.earlier), (8, 10, 2, 2));
    assert_eq!(report.origin.as_deref(), Some("host.example/aims/demo"));
    assert_eq!(report.span_ms, Some((log.entries[0].at_ms, log.entries[7].at_ms)));
    assert!(report.redacted.is_empty() && report.setbacks.is_empty() && report.key_given);
    assert_eq!(code(&log.pack(), &anybody()), CONSISTENT);
    assert_eq!(code(&log.json(), &log.known()), CONSISTENT);
    assert_eq!(log.pack(), log.pack(), "a pack has one encoding");
    for note in &log.checkpoints {
        assert_eq!(code(&log.pack(), &since(note)), CONSISTENT);
        assert_eq!(code(&log.json(), &since(note)), CONSISTENT);
    }
}

#[test]
fn each_way_to_change_a_monthly_snapshot_is_told_where_it_is() {
    let log = Log::with_snapshots();
    let whole = report(&log.pack(), &log.known());
    assert_eq!((whole.findings(), whole.snapshots), (&[][..], 1));
    assert_eq!(code(&log.json(), &log.known()), CONSISTENT, "a JSON export carries none");
    let file = "snapshots/2026-09.json";
    let found = |packed: &[u8], expected: u8, place: &str| {
        let report = report(packed, &log.known());
        assert_eq!(report.verdict().code(), expected, "{:?}", report.findings());
        assert!(report.findings().iter().any(|finding| finding.place == place), "{:?}", report.findings());
    };
    // As somebody with the key of the pack and without the trail's history does it: checksums and seal fit again.
    found(&with(&log, file, text("2026-09", "2026-08"), true), ALTERED, file);
    found(&with(&log, file, |_| None, true), INCOMPLETE, file);
    let mut files = log.files();
    files.insert("snapshots/2026-08.json".to_owned(), b"{}".to_vec());
    found(&log.seal(&files), ALTERED, "snapshots/2026-08.json");
    // The one that was deleted cannot come back as something else.
    files.remove("snapshots/2026-08.json");
    files.insert("snapshots/2022-09.json".to_owned(), b"{}".to_vec());
    found(&log.seal(&files), ALTERED, "snapshots/2022-09.json");
    // Exchanged for another month's.
    let mut files = log.files();
    let bytes = files.remove(file).unwrap();
    files.insert("snapshots/2026-10.json".to_owned(), bytes);
    found(&log.seal(&files), ALTERED, "snapshots/2026-10.json");
    // And the hash in the record with it.
    let hash = crate::audit::sha256(&[b"{}"]).to_string();
    let mut files = log.files();
    files.insert(file.to_owned(), b"{}".to_vec());
    let old = crate::audit::sha256(&[&log.snapshots["2026-09"]]).to_string();
    let records = String::from_utf8(files[pack::RECORDS].clone()).unwrap().replace(&old, &hash);
    files.insert(pack::RECORDS.to_owned(), records.into_bytes());
    assert_eq!(code(&log.seal(&files), &log.known()), ALTERED);
}

#[test]
fn an_empty_log_is_consistent() {
    let mut log = Log::new();
    log.checkpoint();
    assert_eq!(code(&log.pack(), &log.known()), CONSISTENT);
    assert_eq!(code(&log.json(), &log.known()), CONSISTENT);
}

// ── Without the key ──────────────────────────────────────────────────────────────────────────

#[test]
fn a_flipped_byte_in_any_file_is_a_change_and_the_report_names_the_file() {
    let log = Log::sample();
    let whole = unpack(&log.pack());
    for name in whole.keys() {
        for part in 0..8 {
            let mut files = whole.clone();
            let bytes = files.get_mut(name).unwrap();
            let at = bytes.len() * part / 8;
            bytes[at] ^= 1;
            let last = [pack::SUMS, pack::SEAL];
            let order =
                files.keys().filter(|name| !last.contains(&name.as_str())).map(String::as_str).chain(last);
            let packed = archive(order.map(|name| (name, &*files[name])));
            let report = report(&packed, &anybody());
            assert_eq!(report.verdict().code(), ALTERED, "{name} byte {at}");
            let place = if name == pack::SUMS { pack::SEAL } else { name };
            let named = report.findings().iter().any(|finding| finding.place.starts_with(place));
            assert!(named, "{name} byte {at}: {:?}", report.findings());
            let known = super::verify(std::io::Cursor::new(&packed), &log.known()).unwrap().verdict().code();
            assert!(matches!(known, ALTERED | UNKNOWN_KEY));
        }
    }
}

#[test]
fn a_changed_entry_is_found_by_its_number() {
    let log = Log::sample();
    let change = || text("system.decide", "system.deride");
    for sealed in [false, true] {
        let report = report(&with(&log, pack::ENTRIES, change(), sealed), &anybody());
        assert_eq!(report.verdict().code(), ALTERED);
        let found = report.findings().iter().find(|finding| finding.what.contains("entry 2 was changed"));
        assert!(
            found.is_some_and(|finding| finding.place == "entries.jsonl line 4"),
            "{:?}",
            report.findings()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_changed_byte_of_a_pack_is_taken(at in any::<prop::sample::Index>(), with in 1_u8..) {
        let log = Log::sample();
        let mut bytes = log.pack();
        let at = at.index(bytes.len());
        bytes[at] ^= with;
        prop_assert_eq!(code(&bytes, &anybody()), ALTERED);
    }

    #[test]
    fn no_part_of_a_pack_is_taken_for_the_whole(at in any::<prop::sample::Index>()) {
        let bytes = Log::sample().pack();
        prop_assert_eq!(code(&bytes[..at.index(bytes.len())], &anybody()), INCOMPLETE);
    }

    #[test]
    fn a_removed_or_added_piece_of_a_pack_is_noticed(at in any::<prop::sample::Index>(), length in 1..2000_usize) {
        let bytes = Log::sample().pack();
        let at = at.index(bytes.len());
        let end = (at + length).min(bytes.len());
        prop_assert_ne!(code(&[&bytes[..at], &bytes[end..]].concat(), &anybody()), CONSISTENT);
        prop_assert_ne!(code(&[&bytes[..end], &bytes[at..]].concat(), &anybody()), CONSISTENT);
    }

    #[test]
    fn no_changed_byte_of_a_json_export_is_taken(at in any::<prop::sample::Index>(), with in 1_u8..) {
        let log = Log::sample();
        let mut bytes = log.json();
        let at = at.index(bytes.len());
        bytes[at] ^= with;
        prop_assert_ne!(code(&bytes, &anybody()), CONSISTENT);
        prop_assert_ne!(code(&bytes, &log.known()), CONSISTENT);
        let bytes = log.json();
        prop_assert_ne!(code(&bytes[..at], &anybody()), CONSISTENT);
    }
}

#[test]
fn more_bytes_at_the_end_are_a_change() {
    let pack = Log::sample().pack();
    for more in [&b"\0"[..], &[0; 512], &[0; 10240], b"x", &pack] {
        assert_eq!(code(&[&pack, more].concat(), &anybody()), ALTERED);
    }
    let json = Log::sample().json();
    assert_eq!(code(&[&json[..], b"\n"].concat(), &anybody()), ALTERED);
}

#[test]
fn a_missing_file_is_a_lack() {
    let log = Log::sample();
    let whole = unpack(&log.pack());
    let last = [pack::SUMS, pack::SEAL];
    for gone in whole.keys() {
        let order =
            whole.keys().filter(|name| !last.contains(&name.as_str())).map(String::as_str).chain(last);
        let packed = archive(order.filter(|name| name != gone).map(|name| (name, &*whole[name])));
        let report = report(&packed, &anybody());
        assert_eq!(report.verdict().code(), INCOMPLETE, "{gone}: {:?}", report.findings());
        assert!(report.findings().iter().any(|finding| finding.place == *gone), "{gone}");
    }
    assert_eq!(code(b"", &anybody()), INCOMPLETE);
}

#[test]
fn files_in_another_order_or_besides_are_a_change() {
    let log = Log::sample();
    let whole = unpack(&log.pack());
    assert_eq!(code(&archive(whole.iter().map(|(name, bytes)| (&**name, &**bytes))), &anybody()), ALTERED);
    let last = [pack::SUMS, pack::SEAL];
    let mut more = whole.clone();
    more.insert("inventory/more.csv".into(), b"more".to_vec());
    let order = more.keys().filter(|name| !last.contains(&name.as_str())).map(String::as_str).chain(last);
    assert_eq!(code(&archive(order.map(|name| (name, &*more[name]))), &anybody()), ALTERED);
}

#[test]
fn new_checksums_do_not_help_without_the_key() {
    let log = Log::sample();
    type Change = Box<dyn FnOnce(Vec<u8>) -> Option<Vec<u8>>>;
    let changes: Vec<(&str, Change)> = vec![
        ("inventory/inventory.csv", Box::new(text("Assistant", "Assisted"))),
        ("clauses/R-8.4-a.json", Box::new(text("gap", "met"))),
        (pack::COVERAGE, Box::new(text("null", "1000"))),
        (pack::ENTRIES, Box::new(text("person:7", "person:8"))),
        (pack::ENTRIES, Box::new(lines(|lines| drop(lines.remove(3))))),
        (pack::ENTRIES, Box::new(lines(|lines| lines.insert(3, lines[3].clone())))),
        (pack::ENTRIES, Box::new(lines(|lines| lines.swap(3, 4)))),
        (pack::ENTRIES, Box::new(lines(|lines| lines.truncate(6)))),
        (pack::PAYLOADS, Box::new(text("drafting", "gambling"))),
        (pack::PAYLOADS, Box::new(lines(|lines| lines.truncate(6)))),
        (pack::RECORDS, Box::new(text("translation", "translatory"))),
        (pack::CHECKPOINTS, Box::new(lines(|lines| lines.truncate(1)))),
        (pack::CHECKPOINT, Box::new(|bytes| Some(bytes[..bytes.len() / 2].to_vec()))),
        (pack::README, Box::new(|_| None)),
    ];
    for (name, change) in changes {
        assert_eq!(code(&with(&log, name, change, false), &log.known()), ALTERED, "{name}");
    }
}

#[test]
fn files_of_another_export_do_not_fit() {
    let (mine, other) = (Log::sample(), Log::sample());
    for name in [pack::CHECKPOINT, pack::CHECKPOINTS, pack::VKEY] {
        let swapped = with(&mine, name, |_| Some(other.files()[name].clone()), false);
        assert_ne!(code(&swapped, &anybody()), CONSISTENT, "{name}");
        assert_ne!(code(&swapped, &mine.known()), CONSISTENT, "{name}");
    }
    // A later export of the same log: its inventory in an earlier pack.
    let mut later = Log::with(Keys::load(&Keys::create("h/aims/x").unwrap()).unwrap());
    later.change("system/a", json!({"name": "A"}), &[]);
    later.checkpoint();
    let earlier = later.pack();
    later.change("system/a", json!({"name": "B"}), &[]);
    later.checkpoint();
    let (mut old, new) = (unpack(&earlier), unpack(&later.pack()));
    let last = [pack::SUMS, pack::SEAL];
    let order = |files: &Files| -> Vec<String> {
        let first = files.keys().filter(|name| !last.contains(&name.as_str())).cloned();
        first.chain(last.map(str::to_owned)).collect()
    };
    old.insert(pack::RECORDS.into(), new[pack::RECORDS].clone());
    let mixed = archive(order(&old).iter().map(|name| (&**name, &*old[name])));
    assert_eq!(code(&mixed, &later.known()), ALTERED);
    old.insert(pack::SUMS.into(), new[pack::SUMS].clone());
    old.insert(pack::SEAL.into(), new[pack::SEAL].clone());
    let mixed = archive(order(&old).iter().map(|name| (&**name, &*old[name])));
    assert_eq!(code(&mixed, &later.known()), ALTERED);
}

// ── With the key ─────────────────────────────────────────────────────────────────────────────

#[test]
fn who_holds_the_key_cannot_change_a_part_without_the_rest() {
    let log = Log::sample();
    type Change = Box<dyn FnOnce(Vec<u8>) -> Option<Vec<u8>>>;
    let changes: Vec<(&str, Change, u8)> = vec![
        (pack::ENTRIES, Box::new(text("person:7", "person:8")), ALTERED),
        (pack::ENTRIES, Box::new(lines(|lines| lines.swap(3, 4))), ALTERED),
        (pack::ENTRIES, Box::new(lines(|lines| lines.insert(3, lines[3].clone()))), ALTERED),
        (pack::ENTRIES, Box::new(lines(|lines| drop(lines.remove(3)))), INCOMPLETE),
        (pack::ENTRIES, Box::new(lines(|lines| lines.truncate(6))), INCOMPLETE),
        (pack::ENTRIES, Box::new(lines(|lines| lines.push("{}".into()))), ALTERED),
        (pack::PAYLOADS, Box::new(text("drafting", "gambling")), ALTERED),
        (pack::PAYLOADS, Box::new(lines(|lines| lines.swap(0, 1))), ALTERED),
        (
            pack::PAYLOADS,
            Box::new(lines(|lines| lines.push(lines[0].replace("\"seq\":0", "\"seq\":99")))),
            ALTERED,
        ),
        (pack::RECORDS, Box::new(text("translation", "translatory")), ALTERED),
        (pack::RECORDS, Box::new(text("system/a", "system/A")), ALTERED),
        (pack::RECORDS, Box::new(lines(|lines| drop(lines.remove(0)))), INCOMPLETE),
        (pack::CHECKPOINTS, Box::new(text("\"proof\":[\"", "\"proof\":[\"00")), ALTERED),
        (pack::CHECKPOINTS, Box::new(text("demo\\n2\\n", "demo\\n3\\n")), ALTERED),
        (pack::CHECKPOINT, Box::new(|bytes| Some(bytes[..bytes.len() / 2].to_vec())), ALTERED),
        (pack::VKEY, Box::new(|_| None), INCOMPLETE),
    ];
    for (name, change, expected) in changes {
        let report = report(&with(&log, name, change, true), &anybody());
        assert_eq!(report.verdict().code(), expected, "{name}: {:?}", report.findings());
    }
}

#[test]
fn a_shorter_log_with_its_own_checkpoint_is_noticed_only_by_who_kept_a_later_one() {
    let log = Log::sample();
    let mut short = Log::with(Keys::load(&log.keys.settled()).unwrap());
    short.change("system/a", json!({"name": "Assistant", "owner": null, "labels": ["x"]}), &[]);
    short.change("system/b", json!({"name": "Büro-Bot", "purpose": "drafting"}), &[]);
    short.checkpoint();
    for export in [short.pack(), short.json()] {
        assert_eq!(code(&export, &log.known()), CONSISTENT);
        assert_eq!(
            code(&export, &since(&log.checkpoints[0])),
            CONSISTENT,
            "it is the beginning of the other"
        );
        assert_eq!(code(&export, &since(log.head())), ALTERED);
    }
}

#[test]
fn a_log_rewritten_with_the_key_is_noticed_only_by_who_kept_a_checkpoint() {
    let log = Log::sample();
    let mut rewritten = Log::with(Keys::load(&log.keys.settled()).unwrap());
    for at in 0..10 {
        rewritten.change("system/a", json!({"name": format!("never was {at}")}), &[]);
    }
    rewritten.checkpoint();
    for export in [rewritten.pack(), rewritten.json()] {
        assert_eq!(code(&export, &log.known()), CONSISTENT);
        for note in &log.checkpoints {
            let report = report(&export, &since(note));
            assert_eq!(report.verdict().code(), ALTERED);
            assert!(report.findings()[0].what.contains("rewritten"), "{:?}", report.findings());
        }
    }
}

#[test]
fn another_key_is_told_to_whoever_knows_the_right_one() {
    let (log, forged) = (Log::sample(), Log::sample());
    for export in [forged.pack(), forged.json()] {
        assert_eq!(code(&export, &anybody()), CONSISTENT);
        assert_eq!(code(&export, &log.known()), UNKNOWN_KEY);
        assert_eq!(code(&export, &since(log.head())), UNKNOWN_KEY);
    }
    // Signed anew, and the right key named.
    let vkey = log.files()[pack::VKEY].clone();
    let report = report(&with(&forged, pack::VKEY, |_| Some(vkey), true), &log.known());
    assert_eq!(report.verdict().code(), UNKNOWN_KEY, "{:?}", report.findings());
}

// ── What is no change ────────────────────────────────────────────────────────────────────────

#[test]
fn a_redacted_payload_is_told_and_no_fault() {
    let mut log = Log::sample();
    log.payloads.remove(&2);
    log.payloads.remove(&3);
    for export in [log.pack(), log.json()] {
        let report = report(&export, &log.known());
        assert_eq!(
            (report.verdict().code(), &*report.redacted),
            (CONSISTENT, &[2, 3][..]),
            "{:?}",
            report.findings()
        );
        assert_eq!(report.records, 2, "by its hash");
    }
    // A record whose entries are not all for the reader may be kept from him too.
    log.records.remove("system/a");
    let report = report(&log.pack(), &log.known());
    assert_eq!((report.verdict().code(), report.withheld), (CONSISTENT, 1));
}

#[test]
fn a_clock_that_was_set_back_is_told_and_no_fault() {
    let mut log = Log::sample();
    log.now_ms -= 3_600_000;
    log.note("session/y", "session.begin");
    log.checkpoint();
    let report = report(&log.pack(), &log.known());
    assert_eq!(report.verdict().code(), CONSISTENT);
    assert_eq!(report.setbacks, [Setback { seq: 8, by_ms: 3_599_000 }]);
}

#[test]
fn the_key_may_change_when_the_old_one_signs_it() {
    let mut log = Log::sample();
    let (first, old) = (log.known(), log.head().clone());
    log.rotate();
    log.checkpoint();
    let both = log.pack();
    log.keys = Keys::load(&log.keys.settled()).unwrap();
    log.note("session/z", "session.begin");
    log.checkpoint();
    for export in [both, log.pack(), log.json()] {
        assert_eq!(report(&export, &first).findings(), [], "the old key leads to the new one");
        assert_eq!(
            code(&export, &log.known()),
            CONSISTENT,
            "the new key vouches for the entries under the old one"
        );
        assert_eq!(code(&export, &anybody()), CONSISTENT);
        assert_eq!(code(&export, &since(&old)), CONSISTENT);
        assert_eq!(report(&export, &first).rotations, [8]);
        assert_eq!(code(&export, &Log::sample().known()), UNKNOWN_KEY);
    }
    // A second change, and both are followed.
    log.rotate();
    log.checkpoint();
    assert_eq!(code(&log.pack(), &first), CONSISTENT);
}

#[test]
fn a_change_of_the_key_that_the_old_one_did_not_sign_leads_nowhere() {
    let mut log = Log::sample();
    let first = log.known();
    log.rotate();
    // A thief of the database alone has a key of his own and not the one that leaves.
    log.keys = Keys::load(&log.keys.settled()).unwrap();
    log.checkpoint();
    assert_eq!(code(&log.pack(), &first), UNKNOWN_KEY);
    assert_eq!(code(&log.pack(), &log.known()), CONSISTENT);
    // A new key that no entry tells of.
    let mut log = Log::sample();
    log.keys = Keys::load(&log.keys.rotated().unwrap()).unwrap();
    log.keys = Keys::load(&log.keys.settled()).unwrap();
    log.checkpoint();
    assert_eq!(code(&log.pack(), &first), UNKNOWN_KEY);
    assert_eq!(code(&log.pack(), &anybody()), ALTERED, "earlier checkpoints are by another key");
}

#[test]
fn a_key_that_was_left_signs_nothing_any_more() {
    let mut log = Log::sample();
    let stolen = Keys::load(&log.keys.settled()).unwrap();
    log.rotate();
    log.checkpoint();
    log.keys = stolen;
    log.note("session/z", "session.begin");
    log.checkpoint();
    assert_ne!(code(&log.pack(), &anybody()), CONSISTENT);
    assert_ne!(code(&log.pack(), &log.known()), CONSISTENT);
}

// ── The JSON export ──────────────────────────────────────────────────────────────────────────

#[test]
fn a_json_export_is_checked_in_the_same_terms() {
    let log = Log::sample();
    let text = String::from_utf8(log.json()).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let trail = document["trail"].clone();
    let sealed = |change: &dyn Fn(&mut Value)| {
        let mut changed = trail.clone();
        change(&mut changed);
        assert_ne!(changed, trail);
        code(&log.seal_json(&changed), &anybody())
    };
    assert_eq!(sealed(&|trail| trail["entries"][2]["actor"] = "person:9".into()), ALTERED);
    assert_eq!(sealed(&|trail| trail["entries"].as_array_mut().unwrap().swap(1, 2)), ALTERED);
    assert_eq!(sealed(&|trail| drop(trail["entries"].as_array_mut().unwrap().remove(2))), INCOMPLETE);
    assert_eq!(sealed(&|trail| drop(trail["entries"].as_array_mut().unwrap().pop())), INCOMPLETE);
    assert_eq!(sealed(&|trail| trail["payloads"][0]["payload"]["reason"] = "other".into()), ALTERED);
    assert_eq!(sealed(&|trail| drop(trail["records"].as_array_mut().unwrap().pop())), INCOMPLETE);
    assert_eq!(
        sealed(&|trail| drop(trail["checkpoints"][0].as_object_mut().unwrap().remove("proof"))),
        INCOMPLETE
    );
    assert_eq!(sealed(&|trail| drop(trail.as_object_mut().unwrap().remove("payloads"))), INCOMPLETE);
    // Whoever has not the key changes anything at all.
    for (from, to) in [
        ("\"products\":[]", "\"products\":[ ]"),
        ("umbrascope-inventory", "umbrascope-Inventory"),
        (",\n\"proof\"", ", \n\"proof\""),
    ] {
        assert_ne!(code(text.replacen(from, to, 1).as_bytes(), &anybody()), CONSISTENT, "{from}");
    }
    for cut in [text.len() - 1, text.len() - 2, text.len() / 2, 1] {
        assert_ne!(code(&text.as_bytes()[..cut], &anybody()), CONSISTENT);
    }
    assert_eq!(code(&text.as_bytes()[..text.len() / 2], &anybody()), INCOMPLETE);
    assert_eq!(code(b"{}", &anybody()), INCOMPLETE);
}

#[test]
fn a_seal_of_one_kind_of_export_is_none_of_another() {
    let log = Log::sample();
    let text = String::from_utf8(log.json()).unwrap();
    let at = text.rfind(",\n\"proof\":").unwrap();
    let seal = String::from_utf8(unpack(&log.pack())[pack::SEAL].clone()).unwrap();
    let swapped = format!("{},\n\"proof\":{}}}\n", &text[..at], Value::from(seal));
    assert_eq!(code(swapped.as_bytes(), &anybody()), ALTERED);
    let checkpoint: Note = log.head().clone();
    let swapped = format!("{},\n\"proof\":{}}}\n", &text[..at], Value::from(checkpoint.to_string()));
    assert_eq!(code(swapped.as_bytes(), &anybody()), ALTERED);
}
