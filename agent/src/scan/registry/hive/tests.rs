use std::io::Cursor;

use super::*;

/// Made by hivexregedit (hivex 1.3.23): `testdata/README.md`.
const SMALL: &[u8] = include_bytes!("../testdata/small.hive");
const OLLAMA: &str =
    r"software\MICROSOFT\Windows\CurrentVersion\Uninstall\{44E83376-CE68-45EB-8FC1-393500EB558C}_is1";

fn root(bytes: &[u8]) -> Result<(Node, Tidy), Trouble> {
    Hive::root(Box::new(Cursor::new(bytes.to_vec())), bytes.len() as u64)
}

fn used() -> usize {
    SMALL.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

#[test]
fn a_value_is_found_whatever_the_case_of_its_path() {
    let (root, tidy) = root(SMALL).unwrap();
    assert_eq!(tidy, Tidy::Yes);
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
    let (root, _) = root(SMALL).unwrap();
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
    let (root, _) = root(SMALL).unwrap();
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
    assert_eq!(root(&bytes).unwrap().1, Tidy::No);
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
