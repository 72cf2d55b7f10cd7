//! A catalogue from `rules publish` to the names that an agent finds: taken while traffic flows, refused when it is not good,
//! and never lost by whatever is killed on the way. Both programs as services, real mutual TLS, real packets.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod fleet;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use minisign::{KeyPair, SecretKey};
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::services::soon;
use umbrascope_e2e::{have_command, require};
use umbrascope_rules::bundle::{self, Draft, Kind, PublicKey};
use umbrascope_rules::{Catalogue, Date};

use fleet::{Fleet, SOON};

const KNOWN: [&str; 2] = ["chatgpt.com", "claude.ai"];
const NEW: &str = "chat.umbrascope-e2e.dev";

/// Number of the catalogue that the programs came with.
fn floor() -> u32 {
    Catalogue::embedded().number()
}

#[test]
fn a_published_catalogue_is_matched_with_while_traffic_flows_and_no_name_is_lost() {
    let Some(mut fleet) = Fleet::new() else { return };
    fleet.services.start_agent(None);
    fleet.ask(&KNOWN, 20);
    fleet.ask(&[NEW], 20);
    assert!(soon(SOON, || fleet.counted(KNOWN[0]).0 == 20), "{:?}", fleet.counted(KNOWN[0]));
    assert_eq!(fleet.counted(NEW).0, 0, "no rule knows it yet, so it stayed on the machine");

    let mut publishing = fleet.publish("first", floor() + 1, &[]).spawn().unwrap();
    let deadline = Instant::now() + SOON * 2;
    while fleet.number() != floor() + 1 {
        assert!(Instant::now() < deadline, "{}\n{}", fleet.catalogue(), fleet.services.read_log("agent.log"));
        fleet.ask(&KNOWN, 5);
        fleet.ask(&[NEW], 1);
    }
    assert!(publishing.wait().unwrap().success());
    fleet.ask(&KNOWN, 20);
    // The dissector is told in the same moment as `status`; its first match shows that it has swapped.
    let before = fleet.asked[NEW];
    let swapped = soon(SOON, || {
        fleet.ask(&[NEW], 1);
        fleet.counted(NEW).0 > 0
    });
    assert!(swapped, "the new rule matches nothing: {}", fleet.services.read_log("agent.log"));
    let unsure = fleet.asked[NEW];
    fleet.ask(&[NEW], 50);
    fleet.ask(&KNOWN, 20);
    let all = soon(SOON, || KNOWN.iter().all(|name| fleet.counted(name).0 == fleet.asked[name]));
    let found: Vec<_> = KNOWN.iter().map(|name| (name, fleet.counted(name).0)).collect();
    assert!(all, "asked {:?}, counted {found:?}", fleet.asked);
    let (counted, product) = fleet.counted(NEW);
    assert!(
        counted > fleet.asked[NEW] - unsure && counted <= fleet.asked[NEW],
        "{counted} of {:?}",
        fleet.asked
    );
    println!(
        "of the new name {counted} of {} were counted, {before} of them asked before the swap",
        fleet.asked[NEW]
    );
    // The collector itself knows the product by then.
    assert_eq!(product, "umbrascope-e2e.chat");
    let status = fleet.services.collector(&["rules", "status"]);
    assert!(status.contains(&format!(".{}+", floor() + 1)), "{status}");
}

#[test]
fn a_machine_is_scanned_again_with_the_catalogue_that_came() {
    let Some(mut fleet) = Fleet::new() else { return };
    let config = fs::read_to_string(fleet.services.path("agent.toml")).unwrap();
    let scanning = "[scan]\ninterval_s = 600";
    fs::write(fleet.services.path("agent.toml"), config.replace("[scan]\nenabled = false", scanning))
        .unwrap();
    fleet.services.start_agent(None);
    fleet.published("first", floor() + 1, &[]);
    fleet.assert_number(floor() + 1);
    // The first scan was with the program's own; without a newer catalogue the next would be nine minutes away.
    let words = "scanning with another catalogue";
    let scanned = soon(SOON * 2, || fleet.services.read_log("agent.log").contains(words));
    assert!(scanned, "{}", fleet.services.read_log("agent.log"));
    let log = fleet.services.read_log("agent.log");
    let line = log.lines().find(|line| line.contains(words)).unwrap_or_default();
    assert!(line.contains(&format!(".{}+", floor() + 1)), "{line}");
}

#[test]
fn a_key_takes_the_place_of_another_and_an_agent_starts_on_what_it_took_last() {
    let Some(mut fleet) = Fleet::new() else { return };
    fleet.published("first", floor() + 1, &[]);
    fleet.services.start_agent(None);
    fleet.assert_number(floor() + 1);
    fleet.published("second", floor() + 2, &[]);
    fleet.assert_number(floor() + 2);
    // Facts carry the ids: what was published with one is not followed by one without.
    let mut without = fleet.services.collector_command();
    without.args(["rules", "publish", "--key"]).arg(fleet.services.path("second")).arg("--embedded");
    let refused = without.output().unwrap();
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && told.contains("rule `umbrascope-e2e.chat.web` has vanished"),
        "{told}"
    );
    // The first key is lost: nobody trusts it any more.
    let second =
        fs::read_to_string(fleet.services.path("second.pub")).unwrap().lines().nth(1).unwrap().to_owned();
    fleet.trust(&[second]);
    fleet.services.kill_agent();
    fleet.services.kill_collector();
    fleet.services.start_agent(None);
    fleet.assert_number(floor() + 2);
    assert!(fleet.catalogue()["set_aside"].is_null());
    fleet.ask(&[NEW], 3);
    fleet.services.start_collector(None);
    assert!(soon(SOON, || fleet.counted(NEW).0 == 3), "{}", fleet.services.read_log("agent.log"));
    let refused = fleet.publish("first", floor() + 3, &[]).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not trusted here"), "{refused:?}");
}

#[test]
fn what_is_not_good_is_refused_told_and_changes_nothing() {
    let Some(mut fleet) = Fleet::new() else { return };
    let bundle = |name: &str| fs::read(fleet.services.path(name)).unwrap();
    let output = |name: &str| fleet.services.path(name).display().to_string();
    fleet.published("first", floor() + 1, &["-o", &output("older")]);
    fleet.published("first", floor() + 2, &["-o", &output("twin"), "--expires", "30"]);
    fleet.published("first", floor() + 3, &["-o", &output("newer")]);
    fleet.keygen("stranger");
    fleet.published("stranger", floor() + 3, &["-o", &output("foreign")]);
    fleet.published("first", floor() + 2, &[]);
    let (older, twin, newer, foreign) = (bundle("older"), bundle("twin"), bundle("newer"), bundle("foreign"));
    let good = bundle("collector/catalogue.bundle");
    let expired = expired(&fleet.services.path("first"), floor() + 3);
    fleet.services.start_agent(None);
    let in_use = floor() + 2;
    fleet.assert_number(in_use);

    fleet.assert_refused(&newer[..newer.len() / 2], "cut short", in_use);
    fleet.assert_refused(&foreign, "not trusted", in_use);
    fleet.assert_refused(&older, "was taken before", in_use);
    fleet.assert_refused(&twin, "another bundle of number", in_use);
    let mut altered = newer.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    fleet.assert_refused(&altered, "is not what was signed", in_use);
    fleet.assert_refused(b"<html>", "no catalogue bundle", in_use);
    fleet.assert_refused(&expired, "expired on", in_use);
    // The people at the collector are told too, and it has gone on with what it knew.
    let known = soon(SOON, || fleet.services.read_log("collector.log").contains("is not used here"));
    assert!(known, "{}", fleet.services.read_log("collector.log"));

    fleet.ask(&[NEW], 4);
    assert!(soon(SOON, || fleet.counted(NEW).0 == 4), "it goes on matching with the last good one");
    fleet.replace_served(&good);
    assert!(soon(SOON, || fleet.catalogue()["refused"].is_null()), "{}", fleet.catalogue());
    let import = |name: &str| {
        let mut import = fleet.services.collector_command();
        import.args(["rules", "import"]).arg(fleet.services.path(name));
        import.output().unwrap()
    };
    for (name, words) in
        [("older", "was taken before"), ("foreign", "not trusted"), ("first.pub", "no catalogue")]
    {
        let refused = import(name);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && told.contains(words), "{name}: {told}");
    }
    assert!(import("newer").status.success());
    fleet.assert_number(floor() + 3);
}

#[test]
fn an_agent_killed_in_the_middle_of_a_swap_comes_back_on_a_good_one() {
    let Some(mut fleet) = Fleet::new() else { return };
    fleet.services.start_agent(None);
    let mut number = floor() + 1;
    fleet.published("first", number, &[]);
    fleet.assert_number(number);
    for (point, taken) in [
        ("agent-catalogue-before-rename", false),
        ("agent-catalogue-after-rename", true),
        ("agent-catalogue-before-mark", true),
        ("agent-catalogue-after-mark", true),
    ] {
        fleet.services.kill_agent();
        let ended = fleet.services.uplinks_ended();
        fleet.services.start_agent(Some(&format!("{point}:1")));
        fleet.published("first", number + 1, &[]);
        let died = soon(SOON, || fleet.services.uplinks_ended() > ended);
        assert!(died, "nothing was killed at {point}");
        // All of it, before another uplink has asked again; then without a collector.
        fleet.services.kill_agent();
        fleet.services.kill_collector();
        let stored = fs::read(fleet.services.path("agent/catalogue.bundle")).unwrap();
        let stored = bundle::peek(&stored).unwrap().number;
        assert!(stored == number + 1 || (!taken && stored == number), "{point}: {stored}");
        fleet.services.start_agent(None);
        fleet.assert_number(stored);
        fleet.services.start_collector(None);
        number += 1;
        fleet.assert_number(number);
    }
    fleet.ask(&[NEW], 5);
    assert!(soon(SOON, || fleet.counted(NEW).0 == 5), "{}", fleet.services.read_log("agent.log"));
}

/// A bundle whose time was over before it was made: `rules publish` makes none.
fn expired(key: &Path, number: u32) -> Vec<u8> {
    let secret = SecretKey::from_unencrypted_box(fs::read_to_string(key).unwrap().into()).unwrap();
    let (date, expires) = (day("2026-11-21"), day("2026-11-25"));
    let catalogue = Catalogue::embedded().clone().renumbered(number, date);
    let draft = Draft::of_catalogue(&catalogue, date, expires).unwrap();
    let signed = minisign::sign(None, &secret, draft.to_sign(), Some("c"), None).unwrap();
    draft.sign(&signed.to_string()).unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// Runs the tool called minisign.
fn minisign_tool(folder: &Path, words: &[&str]) {
    let output =
        Command::new("minisign").args(words).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn our_signatures_are_minisigns_and_its_are_ours() {
    if !require("minisign", have_command("minisign")) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (today, expires) = (day("2026-11-26"), day("2999-01-01"));
    let draft = || Draft::of_catalogue(Catalogue::embedded(), today, expires).unwrap();

    // Ours, read by the tool.
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let draft_signed = draft();
    let signed = minisign::sign(None, &pair.sk, draft_signed.to_sign(), Some("c"), None).unwrap();
    let bytes = draft_signed.sign(&signed.to_string()).unwrap();
    let (manifest, rest) = piece(&bytes[b"umbrascope bundle 1\n".len()..]);
    let (signature, _) = piece(rest);
    fs::write(path("manifest"), manifest).unwrap();
    fs::write(path("manifest.minisig"), signature).unwrap();
    minisign_tool(folder.path(), &["-V", "-q", "-m", "manifest", "-P", &pair.pk.to_base64()]);

    // The tool's, read by us; and its key used by `rules publish`.
    minisign_tool(folder.path(), &["-G", "-W", "-p", "tool.pub", "-s", "tool"]);
    fs::write(path("manifest"), draft().to_sign()).unwrap();
    minisign_tool(
        folder.path(),
        &["-S", "-s", "tool", "-m", "manifest", "-x", "by-tool", "-t", "by the tool"],
    );
    let bytes = draft().sign(&fs::read_to_string(path("by-tool")).unwrap()).unwrap();
    let public: PublicKey = fs::read_to_string(path("tool.pub")).unwrap().parse().unwrap();
    let bundle = bundle::read(&bytes, std::slice::from_ref(&public), Kind::Catalogue).unwrap();
    assert_eq!(bundle.version().unwrap(), Catalogue::embedded().version());
    let mut publish = Command::new(&programs().collector);
    publish.args(["--data-dir", "data", "rules", "publish", "--embedded", "-o", "bundle", "--key", "tool"]);
    let output = publish.current_dir(folder.path()).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    bundle::read(&fs::read(path("bundle")).unwrap(), &[public], Kind::Catalogue).unwrap();
}

/// What stands behind a length of four bytes, and the rest.
fn piece(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = bytes.split_first_chunk::<4>().unwrap();
    rest.split_at(usize::try_from(u32::from_be_bytes(*length)).unwrap())
}
