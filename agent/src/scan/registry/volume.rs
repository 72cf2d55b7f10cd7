//! Where the hives of a Windows volume are.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use super::super::safe::{Dir, Trouble};
use super::hive::Hive;
use super::hive::log::{Left, Log};
use super::{Key, Profiles, Registry, User, text};

/// The hive of `HKEY_LOCAL_MACHINE\SOFTWARE`.
const SOFTWARE: &str = "Windows/System32/config/SOFTWARE";
/// The hive of `HKEY_LOCAL_MACHINE\SYSTEM`.
const SYSTEM: &str = "Windows/System32/config/SYSTEM";
/// The hive of `HKEY_CURRENT_USER`, below a home.
const NTUSER: &str = "NTUSER.DAT";
/// The hive of `HKEY_CURRENT_USER\Software\Classes`, below a home.
const USRCLASS: &str = "AppData/Local/Microsoft/Windows/UsrClass.dat";
/// What the name of a hive's log ends with: one of two, or the only one.
const LOGS: [&str; 3] = [".LOG1", ".LOG2", ".LOG"];
pub(super) const PROFILES: &str = r"Microsoft\Windows NT\CurrentVersion\ProfileList";
/// Most users whose hives are held open: each is two files, with two logs where they are dirty, and some of their pages.
const USERS: usize = 64;
/// Accounts of people: of a machine or a domain, and of Microsoft Entra ID. What is shorter is a service's.
pub(super) const PEOPLE: &[&str] = &["S-1-5-21-", "S-1-12-1-"];

/// Opens the registry of the volume that is read as `/`, without its users.
pub(in super::super) fn open(root: &Dir) -> Registry {
    let mut registry = Registry::default();
    let path = any_case(root, SOFTWARE);
    let Registry { lost, logs_left, .. } = &mut registry;
    registry.software = path.and_then(|path| hive(root, &path, logs_left, lost));
    registry
}

/// Opens `HKEY_LOCAL_MACHINE\SYSTEM` of that volume.
pub(super) fn system(root: &Dir, lost: &mut Vec<(String, Trouble)>) -> Option<Box<dyn Key>> {
    hive(root, &any_case(root, SYSTEM)?, &mut Left::default(), lost)
}

impl Registry {
    /// The homes that the machine's list of profiles names. Of a volume, those on another are lost.
    pub(in super::super) fn profiles(&mut self, live: bool) -> Profiles {
        let mut homes = Profiles::default();
        let Some(software) = &self.software else { return homes };
        let Ok(list) = software.open(PROFILES) else { return homes };
        let drive = self.drive();
        let mut lost = Vec::new();
        let done = list.each(&mut |sid, profile| {
            if PEOPLE.iter().any(|people| sid.starts_with(people))
                && let Some(path) = text(profile, "ProfileImagePath")
            {
                match (below_drive(&path, &drive), on_drive(&path).filter(|_| live)) {
                    (Some(home), _) => homes.here.push(home),
                    (None, Some(home)) => homes.on_drives.push(home),
                    (None, None) => lost.push((path, Trouble::Skipped)),
                }
            }
            Ok(())
        });
        if let Err(trouble) = done {
            lost.push((format!(r"HKLM\SOFTWARE\{PROFILES}"), trouble));
        }
        self.lost.extend(lost);
        homes
    }

    /// The letter of the volume, with its colon.
    pub(in super::super) fn drive(&self) -> String {
        let current =
            self.software.as_ref().and_then(|key| key.open(r"Microsoft\Windows NT\CurrentVersion").ok());
        let windows = current.and_then(|key| text(&*key, "SystemRoot"));
        windows.and_then(|path| path.get(..2).map(str::to_owned)).unwrap_or_else(|| "C:".to_owned())
    }

    /// Adds what the homes of the volume keep of their users. Elsewhere than on Windows such a file is a copy of another
    /// machine's, as a server keeps them for its users, and tells nothing of this one.
    pub(in super::super) fn add_users<'a>(&mut self, homes: impl Iterator<Item = &'a Dir>) {
        if self.software.is_none() && self.lost.is_empty() {
            return;
        }
        for home in homes {
            let mut open =
                |path: &str| hive(home, &any_case(home, path)?, &mut self.logs_left, &mut self.lost);
            let (root, classes) = (open(NTUSER), open(USRCLASS));
            if root.is_none() && classes.is_none() {
                continue;
            }
            if self.users.len() == USERS {
                return self.lost.push((home.shown_child(NTUSER), Trouble::TooLarge));
            }
            self.users.push(User { root, classes, owner: home.uid(), home: Some(home.clone()) });
        }
    }

    /// A path as the registry writes it, relative to the root of the volume; `None` where it is on another, or is no path.
    pub(in super::super) fn below_root(&self, path: &str) -> Option<PathBuf> {
        below_drive(path, &self.drive())
    }
}

/// Opens a hive file, with what its logs have of changes to it. One whose last changes are not found is read all the same, and
/// told.
fn hive(base: &Dir, path: &Path, left: &mut Left, lost: &mut Vec<(String, Trouble)>) -> Option<Box<dyn Key>> {
    let opened = base.head(path).and_then(|file| {
        let len = file.len;
        let mut hive = Hive::open(Box::new(file.into_file()), len)?;
        if hive.is_dirty() {
            replay(&mut hive, base, path, left, lost);
        }
        hive.root()
    });
    match opened {
        Ok(root) => Some(Box::new(root)),
        Err(Trouble::Absent) => None,
        Err(trouble) => {
            lost.push((base.shown_child(path), trouble));
            None
        }
    }
}

/// Puts what the logs beside a hive have over it.
fn replay(hive: &mut Hive, base: &Dir, path: &Path, left: &mut Left, lost: &mut Vec<(String, Trouble)>) {
    let mut logs = Vec::new();
    let mut old = false;
    for ending in LOGS {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let Some(log_path) = any_case(base, &name) else { continue };
        let opened = base.head(&log_path).and_then(|file| {
            let len = file.len;
            Log::open(Box::new(file.into_file()), len)
        });
        match opened {
            Ok(log) => logs.extend(log),
            Err(Trouble::Skipped) => old = true,
            Err(Trouble::Absent) => {}
            Err(trouble) => lost.push((base.shown_child(log_path), trouble)),
        }
    }
    let (any, trouble) = hive.replay(logs, left, &|| base.budget().check());
    let place = base.shown_child(path);
    match trouble {
        Some(trouble) => lost.push((format!("{place} (its log)"), trouble)),
        None if any => {}
        None if old => {
            let why = "changes wait in a log as Windows wrote it before 8.1, which is not read";
            lost.push((format!("{place} ({why})"), Trouble::Skipped));
        }
        None => lost.push((format!("{place} (changes wait in its log)"), Trouble::Malformed)),
    }
}

/// The letter of its drive and its place there, of a path as Windows writes it.
pub(super) fn on_drive(path: &str) -> Option<(char, PathBuf)> {
    let letter = path.trim().trim_matches('"').chars().next().filter(char::is_ascii_alphabetic)?;
    Some((letter.to_ascii_uppercase(), below_drive(path, &format!("{letter}:"))?))
}

fn below_drive(path: &str, drive: &str) -> Option<PathBuf> {
    let path = path.trim().trim_matches('"').replace('\\', "/");
    let lower = path.to_ascii_lowercase();
    let drives = [drive.to_ascii_lowercase(), "%systemdrive%".to_owned()];
    let at =
        drives.iter().find(|drive| lower.starts_with(&format!("{drive}/"))).map(|drive| drive.len() + 1)?;
    let rest = path[at..].trim_matches('/');
    let plain = Path::new(rest).components().all(|part| matches!(part, Component::Normal(_)));
    (plain && !rest.is_empty() && !rest.contains('%')).then(|| PathBuf::from(rest))
}

/// The path as it is spelled on the volume: Windows takes no notice of case, the system that has mounted its volume does.
/// `None` where there is no such thing, or a folder on the way cannot be listed.
pub(in super::super) fn any_case(base: &Dir, path: impl AsRef<Path>) -> Option<PathBuf> {
    let mut spelled = PathBuf::new();
    for part in path.as_ref().components() {
        let Component::Normal(part) = part else { return None };
        let next = spelled.join(part);
        if base.look(&next).is_ok() {
            spelled = next;
            continue;
        }
        let folder = if spelled.as_os_str().is_empty() { base.clone() } else { base.dir(&spelled).ok()? };
        let (entries, _) = folder.entries().ok()?;
        let names = entries.into_iter().map(|entry| entry.name);
        let found: Option<OsString> = names.filter(|name| name.eq_ignore_ascii_case(part)).min();
        spelled.push(found?);
    }
    Some(spelled)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::rc::Rc;
    use std::time::{Duration, Instant};

    use super::super::super::safe::Budget;
    use super::super::hive::tests::{OLLAMA, changed, dirty, log, put};
    use super::*;

    const SMALL: &[u8] = include_bytes!("testdata/small.hive");

    struct Volume {
        root: tempfile::TempDir,
    }

    impl Volume {
        fn new(software: &[u8]) -> Self {
            let volume = Self { root: tempfile::tempdir().unwrap() };
            volume.put("Windows/system32/config/Software", software);
            volume
        }

        fn put(&self, path: &str, bytes: &[u8]) {
            let path = self.root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }

        fn open(&self, users: &[&str]) -> Registry {
            let budget = Budget::new(Instant::now() + Duration::from_secs(60), Vec::new());
            let root = Dir::root(self.root.path(), Rc::clone(&budget)).unwrap();
            let mut registry = open(&root);
            let homes: Vec<Dir> = users
                .iter()
                .map(|user| root.dir(format!("Users/{user}")).unwrap().into_home().unwrap())
                .collect();
            registry.add_users(homes.iter());
            registry
        }
    }

    #[test]
    fn hives_are_found_however_their_names_are_spelled() {
        let volume = Volume::new(SMALL);
        volume.put("Users/kim/ntuser.dat", SMALL);
        volume.put("Users/kim/AppData/local/Microsoft/Windows/USRCLASS.DAT", SMALL);
        let registry = volume.open(&["kim"]);
        assert!(registry.software.is_some() && registry.lost.is_empty());
        assert!(registry.users[0].root.is_some() && registry.users[0].classes.is_some());
    }

    #[test]
    fn what_is_no_hive_is_told_for_what_it_is() {
        let volume = Volume::new(&[]);
        let software = volume.root.path().join("Windows/system32/config/Software");
        fs::File::create(software).unwrap().set_len(10 * 1024 * 1024 * 1024).unwrap();
        for user in ["pipe", "link", "folder", "cut", "dirty", "none"] {
            fs::create_dir_all(volume.root.path().join("Users").join(user)).unwrap();
        }
        let at = |user: &str| volume.root.path().join("Users").join(user).join("NTUSER.DAT");
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RUSR).unwrap();
        symlink("/etc/shadow", at("link")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        fs::write(at("cut"), &SMALL[..5000]).unwrap();
        let mut dirty = SMALL.to_vec();
        dirty[4] = 9;
        fs::write(at("dirty"), dirty).unwrap();
        let registry = volume.open(&["pipe", "link", "folder", "cut", "dirty", "none"]);
        let troubles: Vec<Trouble> = registry.lost.iter().map(|(_, trouble)| *trouble).collect();
        use Trouble::{Malformed, Refused};
        // The hive of the machine, the pipe, the link that leads out of its home, and the one whose log has more.
        assert_eq!(troubles, [Malformed, Refused, Refused, Malformed]);
        assert!(registry.lost[3].0.contains("its log"), "{:?}", registry.lost);
        // What is cut is opened as far as its root goes.
        assert_eq!(registry.users.len(), 2);
    }

    #[test]
    fn what_waits_in_a_log_beside_a_hive_is_read_and_what_cannot_be_read_is_told() {
        let volume = Volume::new(SMALL);
        let new = log(7, &[&changed('a')]);
        let mut old = new.clone();
        put(&mut old, 28, 1);
        for user in ["one", "two", "old", "link", "none"] {
            volume.put(&format!("Users/{user}/NTUSER.DAT"), &dirty(7));
        }
        // As Windows names them; the one that is not in use is empty.
        volume.put("Users/one/ntuser.dat.LOG1", &new);
        volume.put("Users/one/ntuser.dat.LOG2", &[]);
        volume.put("Users/two/NTUSER.DAT.LOG1", &log(5, &[SMALL, SMALL]));
        volume.put("Users/two/NTUSER.DAT.LOG2", &new);
        volume.put("Users/old/NTUSER.DAT.LOG1", &old);
        symlink("/etc/shadow", volume.root.path().join("Users/link/ntuser.dat.LOG1")).unwrap();
        let registry = volume.open(&["one", "two", "old", "link", "none"]);
        let names: Vec<char> = registry
            .users
            .iter()
            .map(|user| user.root.as_ref().unwrap().open(OLLAMA).unwrap())
            .map(|key| key.text("DisplayName").unwrap().chars().last().unwrap())
            .collect();
        assert_eq!(names, ['a', 'a', '3', '3', '3']);
        let lost: Vec<(&str, Trouble)> =
            registry.lost.iter().map(|(place, trouble)| (place.as_str(), *trouble)).collect();
        let waits = |why: &str| format!("~/NTUSER.DAT ({why})");
        assert_eq!(
            lost,
            [
                (
                    &*waits("changes wait in a log as Windows wrote it before 8.1, which is not read"),
                    Trouble::Skipped
                ),
                ("~/ntuser.dat.LOG1", Trouble::Refused),
                (&*waits("changes wait in its log"), Trouble::Malformed),
                (&*waits("changes wait in its log"), Trouble::Malformed),
            ]
        );
    }

    #[test]
    fn a_hive_in_a_home_of_another_system_is_not_read() {
        let root = tempfile::tempdir().unwrap();
        let volume = Volume { root };
        volume.put("Users/kim/NTUSER.DAT", SMALL);
        assert!(volume.open(&["kim"]).users.is_empty());
    }

    #[test]
    fn a_path_of_windows_is_found_below_the_volume() {
        let home = |path| below_drive(path, "C:");
        assert_eq!(home(r"C:\Users\Kim Lee"), Some("Users/Kim Lee".into()));
        assert_eq!(home(r"c:\Python312\"), Some("Python312".into()));
        assert_eq!(home(r"%SystemDrive%\Users\kim"), Some("Users/kim".into()));
        assert_eq!(home(r"D:\Profiles\kim"), None);
        assert_eq!(home(r"C:\Users\..\Windows"), None);
        assert_eq!(home(r"\\server\share\kim"), None);
        assert_eq!(home(r"C:\%TEMP%\x"), None);
        assert_eq!(home(r"C:\"), None);
        assert_eq!(on_drive(r"d:\Profiles\kim"), Some(('D', "Profiles/kim".into())));
        for no in [r"\\server\share\kim", "%SystemDrive%\\x", r"D:kim", "D:\\", ""] {
            assert_eq!(on_drive(no), None, "{no}");
        }
    }
}
