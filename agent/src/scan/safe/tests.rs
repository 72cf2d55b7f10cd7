use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::time::Duration;

use rustix::fs::Mode;

use super::*;

fn open(path: &Path) -> Dir {
    Dir::root(path, Budget::new(Instant::now() + Duration::from_secs(60), vec![])).unwrap()
}

fn home() -> (tempfile::TempDir, Dir) {
    let temp = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(temp.path().join("home/kim/dotfiles")).unwrap();
    std::fs::write(temp.path().join("secret"), "root only").unwrap();
    let home = open(temp.path()).dir("home/kim").unwrap().into_home().unwrap();
    (temp, home)
}

#[test]
fn a_plain_file_is_read_and_shown_below_the_home() {
    let (temp, home) = home();
    std::fs::write(temp.path().join("home/kim/dotfiles/a"), "hello").unwrap();
    assert_eq!(home.read("dotfiles/a", 100).unwrap(), b"hello");
    assert_eq!(home.dir("dotfiles").unwrap().shown_child("a"), "~/dotfiles/a");
}

#[test]
fn a_link_inside_the_home_is_followed_whether_relative_or_absolute() {
    let (temp, home) = home();
    let kim = temp.path().join("home/kim");
    std::fs::write(kim.join("dotfiles/mcp.json"), "{}").unwrap();
    symlink("dotfiles/mcp.json", kim.join("relative")).unwrap();
    symlink("/home/kim/dotfiles/mcp.json", kim.join("absolute")).unwrap();
    symlink("dotfiles", kim.join("folder")).unwrap();
    symlink("../..", kim.join("dotfiles/up")).unwrap();
    assert_eq!(home.read("relative", 10).unwrap(), b"{}");
    assert_eq!(home.read("absolute", 10).unwrap(), b"{}");
    assert_eq!(home.read("folder/mcp.json", 10).unwrap(), b"{}");
    assert_eq!(home.dir("folder").unwrap().entries().unwrap().0.len(), 2);
}

#[test]
fn a_link_out_of_the_home_is_refused_at_every_place_of_a_path() {
    let (temp, home) = home();
    let kim = temp.path().join("home/kim");
    symlink("/secret", kim.join("a")).unwrap();
    symlink("../../secret", kim.join("b")).unwrap();
    symlink(temp.path().join("secret"), kim.join("c")).unwrap();
    symlink("../..", kim.join("up")).unwrap();
    symlink("/etc", kim.join("etc")).unwrap();
    for path in ["a", "b", "c", "up/secret", "etc/passwd", "etc/shadow"] {
        assert_eq!(home.read(path, 1 << 20).unwrap_err(), Trouble::Refused, "{path}");
    }
    assert_eq!(home.dir("up").unwrap_err(), Trouble::Refused);
    assert_eq!(home.read("../../secret", 100).unwrap_err(), Trouble::Refused);
}

#[test]
fn a_loop_of_links_ends() {
    let (temp, home) = home();
    let kim = temp.path().join("home/kim");
    symlink("two", kim.join("one")).unwrap();
    symlink("one", kim.join("two")).unwrap();
    symlink(".", kim.join("self")).unwrap();
    assert_eq!(home.read("one", 10).unwrap_err(), Trouble::Refused);
    assert_eq!(home.dir("one").unwrap_err(), Trouble::Refused);
    assert_eq!(home.read("self/self/self/nothing", 10).unwrap_err(), Trouble::Absent);
}

#[test]
fn only_regular_files_are_opened() {
    let (temp, home) = home();
    let fifo = temp.path().join("home/kim/fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
        .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(temp.path().join("home/kim/socket")).unwrap();
    assert_eq!(home.read("fifo", 10).unwrap_err(), Trouble::Refused);
    assert_eq!(home.read("socket", 10).unwrap_err(), Trouble::Refused);
    assert_eq!(home.dir("fifo").unwrap_err(), Trouble::Absent);
    assert_eq!(home.read("dotfiles", 10).unwrap_err(), Trouble::Absent);
}

#[test]
fn a_file_over_its_cap_is_not_read() {
    let (temp, home) = home();
    let file = File::create(temp.path().join("home/kim/sparse")).unwrap();
    file.set_len(10 << 30).unwrap();
    assert_eq!(home.read("sparse", 1 << 20).unwrap_err(), Trouble::TooLarge);
    assert_eq!(home.head("sparse").unwrap().len, 10 << 30);
}

#[test]
fn after_the_deadline_nothing_is_opened() {
    let (temp, _) = home();
    std::fs::write(temp.path().join("a"), "x").unwrap();
    let late = Dir::root(temp.path(), Budget::new(Instant::now(), vec![])).unwrap();
    assert_eq!(late.read("a", 10).unwrap_err(), Trouble::TimedOut);
    assert_eq!(late.dir("home").unwrap_err(), Trouble::TimedOut);
}

#[test]
fn a_remote_mount_point_is_not_touched_by_any_way() {
    let (temp, _) = home();
    let kim = temp.path().join("home/kim");
    std::fs::create_dir_all(kim.join("drive/a")).unwrap();
    std::fs::write(kim.join("drive/a/file"), "x").unwrap();
    symlink("drive/a", kim.join("link")).unwrap();
    let budget = Budget::new(Instant::now() + Duration::from_secs(60), vec!["/home/kim/drive".into()]);
    let home = Dir::root(temp.path(), budget).unwrap().dir("home/kim").unwrap().into_home().unwrap();
    assert_eq!(home.dir("drive").unwrap_err(), Trouble::Skipped);
    assert_eq!(home.read("drive/a/file", 10).unwrap_err(), Trouble::Skipped);
    assert_eq!(home.read("link/file", 10).unwrap_err(), Trouble::Skipped);
    assert_eq!(home.look("drive").map(|look| look.len), Err(Trouble::Skipped));
}

#[test]
fn a_name_that_is_not_utf8_is_listed_and_opened() {
    let (temp, home) = home();
    let name = OsStr::from_bytes(b"bad\xff\xfe");
    std::fs::write(temp.path().join("home/kim").join(name), "x").unwrap();
    let (entries, trouble) = home.entries().unwrap();
    assert!(trouble.is_none());
    let entry = entries.iter().find(|entry| entry.name == name).unwrap();
    assert_eq!(entry.text(), None);
    assert_eq!(home.read(&entry.name, 10).unwrap(), b"x");
}

#[test]
fn remote_and_fuse_file_systems_are_known_by_their_magic() {
    assert!(system::is_remote_magic(0x6969));
    assert!(system::is_remote_magic(0x6573_5546));
    assert!(system::is_remote_magic(i64::from(0xFF53_4D42_u32 as i32)));
    assert!(!system::is_remote_magic(0xEF53)); // ext4
    assert!(!system::is_remote_magic(0x9123_683E)); // btrfs
}
