use std::path::PathBuf;

use super::any::{open, open_log, parse, parse_with_logs, sealed};
use super::*;
use crate::require::require;

/// Made by hivexregedit (hivex 1.3.23): `testdata/README.md`.
const SMALL: &[u8] = include_bytes!("../testdata/small.hive");
pub(in super::super) const OLLAMA: &str =
    r"software\MICROSOFT\Windows\CurrentVersion\Uninstall\{44E83376-CE68-45EB-8FC1-393500EB558C}_is1";

fn root(bytes: &[u8]) -> Node {
    open(bytes).unwrap().root().unwrap()
}

fn used() -> usize {
    SMALL.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

#[test]
fn a_value_is_found_whatever_the_case_of_its_path() {
    assert!(!open(SMALL).unwrap().is_dirty());
    let root = root(SMALL);
    let key = root.open(OLLAMA).unwrap();
    assert_eq!(key.text("displayname").unwrap(), "Ollama version 0.12.3");
    assert_eq!(key.text("InstallLocation").unwrap(), "%LOCALAPPDATA%");
    assert_eq!(key.text("Codes").unwrap(), "{A}");
    assert_eq!(key.number("EstimatedSize").unwrap(), 16);
    assert_eq!(key.text("EstimatedSize"), Err(Trouble::Absent));
    assert_eq!(key.number("Publisher"), Err(Trouble::Absent));
    assert_eq!(key.names().unwrap().len(), 6);
}

#[test]
fn what_is_not_there_is_absent() {
    let root = root(SMALL);
    for path in [r"Software\Nothing", r"Nothing\Software", "", r"Software\Empty\Below"] {
        assert_eq!(root.open(path).err(), Some(Trouble::Absent), "{path}");
    }
    let empty = root.open(r"Software\Empty").unwrap();
    assert_eq!(empty.text("x"), Err(Trouble::Absent));
    assert_eq!(empty.names().unwrap(), Vec::<String>::new());
    empty.each(&mut |_, _| Err(Trouble::Refused)).unwrap();
}

#[test]
fn each_gives_every_key_with_its_name() {
    let root = root(SMALL);
    let list = root.open(r"Software\Microsoft\Windows\CurrentVersion\Uninstall").unwrap();
    let mut names = Vec::new();
    list.each(&mut |name, key| {
        names.push((name.to_owned(), key.text("DisplayName").unwrap()));
        Ok(())
    })
    .unwrap();
    assert_eq!(names[0].1, "Größe 1");
    assert_eq!(names[0].0, "Größe");
    assert_eq!(names.len(), 2);
    assert_eq!(list.open("grÖsse").err(), Some(Trouble::Absent));
    assert_eq!(list.open("GRÖßE").unwrap().text("").unwrap(), "default");
    assert_eq!(list.each(&mut |_, _| Err(Trouble::TimedOut)), Err(Trouble::TimedOut));
}

#[test]
fn a_hive_whose_changes_wait_in_a_log_says_so() {
    let mut bytes = SMALL.to_vec();
    bytes[4] = bytes[4].wrapping_add(1);
    assert!(open(&bytes).unwrap().is_dirty());
}

#[test]
fn every_prefix_ends_in_an_error_or_in_what_is_there() {
    let whole = parse(SMALL).unwrap();
    assert_eq!(whole, 9);
    // Behind the last cell in use there is nothing but zeros.
    for end in 0..used() {
        if let Ok(seen) = parse(&SMALL[..end]) {
            assert!(seen <= whole);
        }
    }
}

/// Every byte of the cells in use replaced, each by a few others: lengths, places, counts and names that no program writes.
#[test]
fn no_changed_byte_makes_it_panic_or_go_on_for_ever() {
    for at in (0..48).chain(4096..used()) {
        for byte in [0x00, 0xFF] {
            let mut bytes = SMALL.to_vec();
            bytes[at] = byte;
            let _ = parse(&bytes);
        }
    }
}

/// Places exchanged with one another: keys that are their own parents, lists that name themselves.
#[test]
fn no_cycle_is_walked() {
    let places: Vec<[u8; 4]> = (0x20..(used() - 4096) as u32).step_by(8).map(u32::to_le_bytes).collect();
    for at in (4096 + 0x20..used() - 4).step_by(4) {
        for place in places.iter().skip(at / 4 % 61).step_by(61) {
            let mut bytes = SMALL.to_vec();
            bytes[at..at + 4].copy_from_slice(place);
            let _ = parse(&bytes);
        }
    }
}

#[test]
fn a_count_that_no_list_holds_is_malformed() {
    let mut bytes = SMALL.to_vec();
    let list = bytes.windows(2).position(|pair| pair == b"lh" || pair == b"lf").unwrap();
    bytes[list + 2..list + 4].copy_from_slice(&u16::MAX.to_le_bytes());
    assert_eq!(parse(&bytes), Err(Trouble::Malformed));
}

/// The text that the logs of these tests change, and what they make of it: as long, as the registry keeps it.
const BEFORE: &str = "Ollama version 0.12.3";

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// [`SMALL`] with another last letter of that text.
pub(in super::super) fn changed(letter: char) -> Vec<u8> {
    let text = wide(BEFORE);
    let at = SMALL.windows(text.len()).position(|bytes| bytes == text).unwrap() + text.len() - 2;
    let mut bytes = SMALL.to_vec();
    bytes[at..at + 2].copy_from_slice(&wide(&letter.to_string()));
    bytes
}

/// Writes a number, and the sum over the base block that it may stand in.
pub(in super::super) fn put(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    let words = bytes[..508].as_chunks::<4>().0;
    let sum = words.iter().fold(0, |sum, word| sum ^ u32::from_le_bytes(*word));
    bytes[508..512].copy_from_slice(&sum.to_le_bytes());
}

/// [`SMALL`] as it is while what begins with this number is being written.
pub(in super::super) fn dirty(number: u32) -> Vec<u8> {
    let mut bytes = SMALL.to_vec();
    put(&mut bytes, 4, number + 1);
    put(&mut bytes, 8, number);
    bytes
}

/// A log as the specification has it, from this number on: of each entry the bytes that the bins of the hive are to have.
pub(in super::super) fn log(number: u32, entries: &[&[u8]]) -> Vec<u8> {
    let mut log = SMALL[..512].to_vec();
    put(&mut log, 4, number);
    put(&mut log, 8, number);
    put(&mut log, 28, 6);
    for (number, whole) in (0..).map(|index| number.wrapping_add(index)).zip(entries) {
        let bins = &whole[4096..];
        // The bins in two pages of different lengths, the later first.
        let pages = [(4096, &bins[4096..]), (0, &bins[..4096])];
        let size = (40 + 16 + bins.len()).next_multiple_of(512);
        let start = log.len();
        log.extend(b"HvLE");
        for field in [size, 0, number as usize, bins.len(), pages.len()] {
            log.extend(u32::try_from(field).unwrap().to_le_bytes());
        }
        log.extend([0; 16]);
        for (offset, page) in pages {
            log.extend(
                [offset, page.len()].map(|field| u32::try_from(field).unwrap().to_le_bytes()).concat(),
            );
        }
        pages.iter().for_each(|(_, page)| log.extend(*page));
        log.resize(start + size, 0);
    }
    sealed(log)
}

/// What the text is once these logs were put over a hive, whether anything was, and what went wrong.
fn replayed(hive: &[u8], logs: &[Vec<u8>]) -> (String, bool, Option<Trouble>) {
    let mut hive = open(hive).unwrap();
    let logs = logs.iter().filter_map(|log| open_log(log.clone()).unwrap()).collect();
    let (any, trouble) = hive.replay(logs, &mut Left::default(), &|| Ok(()));
    (hive.root().unwrap().open(OLLAMA).unwrap().text("DisplayName").unwrap(), any, trouble)
}

/// The last letter of the text; `3` is what the hive has, also where no entry counted.
fn last(hive: &[u8], logs: &[Vec<u8>]) -> char {
    let (text, any, trouble) = replayed(hive, logs);
    assert_eq!((any, trouble), (!text.ends_with('3'), None));
    text.chars().last().unwrap()
}

#[test]
fn entries_count_in_the_order_of_their_numbers_from_that_of_the_hive_on() {
    let [a, b, c, d] = ['a', 'b', 'c', 'd'].map(changed);
    let hive = dirty(7);
    assert_eq!(last(&hive, &[]), '3');
    assert_eq!(last(&hive, &[log(7, &[&a])]), 'a');
    assert_eq!(last(&hive, &[log(7, &[&a, &b])]), 'b');
    // Two logs are one chain, whichever is which.
    assert_eq!(last(&hive, &[log(7, &[&a, &b]), log(9, &[&c])]), 'c');
    assert_eq!(last(&hive, &[log(9, &[&c]), log(7, &[&a, &b])]), 'c');
    // What the hive has already.
    assert_eq!(last(&hive, &[log(5, &[&a, &b])]), '3');
    assert_eq!(last(&hive, &[log(5, &[&a, &b]), log(7, &[&c])]), 'c');
    assert_eq!(last(&hive, &[log(6, &[&a, &b])]), 'b');
    // A part of the hive was written since the first of the logs began again.
    assert_eq!(last(&hive, &[log(9, &[&c])]), 'c');
    // One between them is missing.
    assert_eq!(last(&hive, &[log(7, &[&a]), log(9, &[&c])]), 'a');
    // Numbers go round.
    let mut round = dirty(u32::MAX - 1);
    put(&mut round, 8, u32::MAX);
    put(&mut round, 4, 0);
    assert_eq!(last(&round, &[log(0, &[&d]), log(u32::MAX, &[&c])]), 'd');
}

#[test]
fn an_entry_that_is_not_whole_ends_the_chain() {
    let [a, b] = ['a', 'b'].map(changed);
    let whole = log(7, &[&a, &b]);
    let second = 512 + (whole.len() - 512) / 2;
    for at in (second..second + 64).chain([whole.len() - 600, whole.len() - 1]) {
        let mut log = whole.clone();
        log[at] ^= 0x10;
        assert_eq!(last(&dirty(7), &[log]), 'a', "{at}");
    }
    for cut in [second, second + 20, whole.len() - 1] {
        assert_eq!(last(&dirty(7), &[whole[..cut].to_vec()]), 'a');
    }
    // Hashes are right and what they are over is not: a number, no bins, bins of no page, pages over the end of hive and entry.
    for (at, number) in
        [(12, 9), (16, 0), (16, 8000), (16, 4096), (20, 9999), (20, 4), (40, 8192), (40, 100), (44, 0)]
    {
        let mut log = whole.clone();
        log[second + at..second + at + 4].copy_from_slice(&u32::to_le_bytes(number));
        assert_eq!(last(&dirty(7), &[sealed(log)]), 'a', "{at} {number}");
    }
}

#[test]
fn a_hive_that_is_clean_has_no_need_of_logs_and_one_with_a_wrong_sum_takes_the_newer() {
    let [a, b] = ['a', 'b'].map(changed);
    assert!(!open(SMALL).unwrap().is_dirty());
    let mut hive = SMALL.to_vec();
    // The place of the root, which the log has right.
    hive[36] = 0xFF;
    assert!(open(&hive).unwrap().is_dirty() && open(&hive).unwrap().root().is_err());
    assert_eq!(last(&hive, &[log(7, &[&b]), log(5, &[&a])]), 'b');
}

#[test]
fn a_hive_grows_as_its_log_says() {
    let mut hive = dirty(7);
    hive.truncate(8192);
    assert_eq!(last(&hive, &[log(7, &[&changed('a')])]), 'a');
}

#[test]
fn logs_that_cannot_be_replayed_are_told_from_those_with_nothing_in_them() {
    let ends = |bytes: Vec<u8>| open_log(bytes).map(|log| log.is_some());
    let new = log(7, &[SMALL]);
    assert_eq!(ends(new.clone()), Ok(true));
    for nothing in [vec![], vec![0; 100], vec![0; 4096], SMALL.to_vec()] {
        assert_eq!(ends(nothing), Ok(false));
    }
    for old in [1, 2] {
        let mut log = new.clone();
        put(&mut log, 28, old);
        assert_eq!(ends(log), Err(Trouble::Skipped));
    }
}

#[test]
fn what_is_read_of_logs_is_bounded_in_bytes_and_time() {
    let replay = |left: &mut Left, check: &dyn Fn() -> Result<(), Trouble>| {
        let logs = vec![open_log(log(7, &[&changed('a'), &changed('b')])).unwrap().unwrap()];
        open(&dirty(7)).unwrap().replay(logs, left, check)
    };
    assert_eq!(replay(&mut Left::of(10_000), &|| Ok(())), (true, Some(Trouble::TooLarge)));
    assert_eq!(replay(&mut Left::of(8_000), &|| Ok(())), (false, Some(Trouble::TooLarge)));
    assert_eq!(replay(&mut Left::default(), &|| Err(Trouble::TimedOut)), (false, Some(Trouble::TimedOut)));
}

/// A hive and two logs as they are fed to the parser, with each prefix and each byte of what is no page changed.
#[test]
fn no_changed_or_missing_byte_of_a_log_makes_it_panic() {
    let logs = [log(7, &[&changed('a')]), log(8, &[&changed('b')])];
    let lens = [SMALL.len(), logs[0].len()].map(|len| u32::try_from(len).unwrap().to_le_bytes()).concat();
    let whole = [lens, dirty(7), logs.concat()].concat();
    assert_eq!(parse_with_logs(&whole), parse(SMALL));
    for end in (0..whole.len()).step_by(97) {
        let _ = parse_with_logs(&whole[..end]);
    }
    let first = 8 + SMALL.len();
    for start in [0, first, first + 512, first + logs[0].len(), first + logs[0].len() + 512] {
        for at in start..start + 64 {
            for byte in [0x00, 0x7F, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                let _ = parse_with_logs(&bytes);
            }
        }
    }
}

/// Hives and logs that Windows 10 wrote, among the tests of the crate `nt_hive2` 4.2.4; one was recovered by Windows 10 as well. Their
/// licence (GPL) keeps them out of our tree: `cargo fetch` of that crate puts them where they are looked for.
#[test]
fn hives_that_windows_left_dirty_become_what_windows_made_of_them() {
    let Some(samples) = samples() else { return };
    let read = |name: &str| std::fs::read(samples.join(name)).unwrap();
    let content = |name: &str, logs: &[&str]| {
        let bytes = read(name);
        let mut hive = open(&bytes).unwrap();
        let logs: Vec<Log> =
            logs.iter().filter_map(|log| open_log(read(&format!("{name}{log}"))).unwrap()).collect();
        let any = hive.is_dirty() && hive.replay(logs, &mut Left::default(), &|| Ok(())) == (true, None);
        (any, hive.bytes(BINS, bytes.len() - 4096).unwrap())
    };
    let recovered = read("NewDirtyHive1/RecoveredHive_Windows10").split_off(4096);
    let both = [".LOG1", ".LOG2"];
    let (any, before) = content("NewDirtyHive1/NewDirtyHive", &[]);
    assert!(!any && before != recovered);
    let (any, after) = content("NewDirtyHive1/NewDirtyHive", &both);
    assert!(any && after == recovered);
    // Of this one the first log is over.
    let (any, after) = content("NewDirtyHive2/NewDirtyHive", &both);
    assert!(any && after == content("NewDirtyHive2/NewDirtyHive", &[".LOG2"]).1);
}

fn samples() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    let registries = std::fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten();
    let found = registries.map(|one| one.path().join("nt_hive2-4.2.4/tests/data")).find(|at| at.is_dir());
    require("the crate nt_hive2 4.2.4 (cargo fetch)", found.is_some()).then_some(found)?
}
