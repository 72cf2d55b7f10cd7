//! Whose homes there are: `/etc/passwd` of the root, the profiles that a Windows registry lists, and the folders where homes
//! stand. Never `getpwent`: over SSSD or a directory it enumerates a whole company.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::live;
use super::safe::{Budget, Dir, Trouble};

/// Most homes scanned on one machine.
const HOMES: usize = 256;
/// Largest `/etc/passwd` read, in bytes.
const PASSWD_BYTES: u64 = 4 * 1024 * 1024;
/// Accounts of people start here on Linux and the BSDs; macOS begins at 500 but keeps homes below `/Users`.
const FIRST_PERSON: u32 = 1000;
/// `nobody`.
const NOBODY: u32 = 65_534;
/// Folders of homes, and whether a folder of the system's in them may be one of homes too, as accounts of a directory have it
/// (`/home/DOMAIN/user`, winbind's and sssd's templates).
const PARENTS: &[(&str, bool)] =
    &[("home", true), ("var/home", true), ("export/home", true), ("Users", false)];

/// The homes that could be opened, and those that could not.
pub(crate) struct Homes {
    pub(crate) homes: Vec<Dir>,
    pub(crate) lost: Vec<(String, Trouble)>,
}

impl Homes {
    /// Finds them below `root`; `profiles` are relative to it.
    pub(crate) fn find(root: &Dir, profiles: Vec<PathBuf>) -> Self {
        let mut found = Self { homes: Vec::new(), lost: Vec::new() };
        let mut paths: BTreeSet<PathBuf> = profiles.into_iter().collect();
        match root.read("etc/passwd", PASSWD_BYTES) {
            Ok(bytes) => paths.extend(passwd_homes(&bytes)),
            Err(Trouble::Absent) => {}
            Err(trouble) => found.lost.push(("/etc/passwd".into(), trouble)),
        }
        paths.insert(PathBuf::from("root"));
        for (parent, nested) in PARENTS {
            let listing = root.dir(parent).and_then(|dir| dir.entries());
            match listing {
                Ok((entries, trouble)) => {
                    for entry in entries.iter().filter(|entry| entry.may_be_dir()) {
                        let path = Path::new(parent).join(&entry.name);
                        if is_nobodys(&entry.name.to_string_lossy()) || paths.contains(&path) {
                            continue;
                        }
                        match nested.then(|| homes_in(root, &path)).flatten() {
                            Some(homes) => paths.extend(homes),
                            None => _ = paths.insert(path),
                        }
                    }
                    if let Some(trouble) = trouble {
                        found.lost.push((format!("/{parent}"), trouble));
                    }
                }
                Err(Trouble::Absent) => {}
                Err(trouble) => found.lost.push((format!("/{parent}"), trouble)),
            }
        }
        let mut seen = BTreeSet::new();
        for path in paths {
            if found.homes.len() == HOMES {
                found.lost.push(("/home".into(), Trouble::TooLarge));
                break;
            }
            match root.dir(&path).and_then(Dir::into_home) {
                Ok(home) => {
                    if home.identity().is_ok_and(|identity| seen.insert(identity)) {
                        found.homes.push(home);
                    }
                }
                Err(Trouble::Absent) => {}
                Err(trouble) => found.lost.push((format!("/{}", path.display()), trouble)),
            }
        }
        found
    }
}

impl Homes {
    /// Adds homes on other drives of the machine: the letter of each, and the place there. A drive that is not of this machine is left
    /// alone.
    pub(crate) fn add_of_drives(&mut self, places: Vec<(char, PathBuf)>, budget: &Rc<Budget>) {
        for (letter, place) in places {
            let opened = match live::other_drive(letter) {
                Some(root) => Dir::other_drive(&root, letter, Rc::clone(budget))
                    .and_then(|root| root.dir(&place).and_then(Dir::into_home)),
                None => Err(Trouble::Skipped),
            };
            match opened {
                Ok(_) if self.homes.len() == HOMES => {
                    self.lost.push((drive_path(letter, &place), Trouble::TooLarge))
                }
                Ok(home) => self.homes.push(home),
                Err(Trouble::Absent) => {}
                Err(trouble) => self.lost.push((drive_path(letter, &place), trouble)),
            }
        }
    }
}

fn drive_path(letter: char, place: &Path) -> String {
    format!("{letter}:/{}", place.to_string_lossy().replace('\\', "/"))
}

/// The homes in a folder that is none itself: the system's own, with nothing hidden in it, and folders of others. By the owners alone;
/// no directory service is asked.
fn homes_in(root: &Dir, path: &Path) -> Option<Vec<PathBuf>> {
    let folder = root.dir(path).ok().filter(Dir::is_systems)?;
    let (entries, _) = folder.entries().ok()?;
    if entries.iter().any(|entry| entry.name.as_encoded_bytes().starts_with(b".")) {
        return None;
    }
    let folders = entries.iter().filter(|entry| entry.kind.is_dir());
    let of_people = folders.filter(|entry| folder.dir(&entry.name).is_ok_and(|home| !home.is_systems()));
    let homes: Vec<_> = of_people.take(HOMES).map(|entry| path.join(&entry.name)).collect();
    (!homes.is_empty()).then_some(homes)
}

/// The place below a home of an absolute path that a file there gives. What stands elsewhere is not this home's to show.
pub(crate) fn below(home: &Dir, path: &str) -> Option<PathBuf> {
    below_path(&home.absolute(), path)
}

fn below_path(home: &Path, path: &str) -> Option<PathBuf> {
    let path = match path.as_bytes() {
        // As Windows writes it, whose drives a tree does not have.
        [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic() => {
            let place = path.get(2..)?.replace('\\', "/");
            // A home on another drive than the tree's has it in its path.
            let drive = format!("/{}:", char::from(drive.to_ascii_uppercase()));
            if home.starts_with(&drive) { drive + &place } else { place }
        }
        _ => path.to_owned(),
    };
    Some(Path::new(&path).strip_prefix(home).ok()?.to_owned())
}

/// The homes of people and of root in a passwd file, relative to the root.
pub(super) fn passwd_homes(bytes: &[u8]) -> Vec<PathBuf> {
    let mut homes = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let mut fields = line.split(':');
        let (uid, home) = (fields.nth(2), fields.nth(2));
        let (Some(Ok(uid)), Some(home)) = (uid.map(str::parse::<u32>), home) else { continue };
        let person = uid == 0 || (uid >= FIRST_PERSON && uid != NOBODY);
        let relative = home.trim_start_matches('/');
        let plain =
            Path::new(relative).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if person && home.starts_with('/') && !relative.is_empty() && plain {
            homes.push(PathBuf::from(relative));
        }
    }
    homes
}

/// Folders beside homes that belong to no person.
fn is_nobodys(name: &str) -> bool {
    ["lost+found", "Shared", "Public", "Default", "Default User", "All Users", "Guest"].contains(&name)
        || name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_followed_only_below_the_home() {
        let home = Path::new("/home/kim");
        assert_eq!(below_path(home, "/home/kim/src/ext"), Some("src/ext".into()));
        assert_eq!(below_path(home, "/opt/ext"), None);
        assert_eq!(below_path(Path::new("/Users/kim"), r"C:\Users\kim\ext"), Some("ext".into()));
        assert_eq!(below_path(home, "aaaa/1.0_0"), None);
        let far = Path::new("/D:/Profiles/kim");
        assert_eq!(below_path(far, r"d:\Profiles\kim\ext"), Some("ext".into()));
        assert_eq!(below_path(far, r"C:\Profiles\kim\ext"), None);
    }

    #[test]
    fn people_and_root_have_homes_and_services_do_not() {
        let passwd = b"root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n\
            kim:x:1000:1000:Kim,,,:/home/kim:/bin/bash\nsvc:x:999:999::/srv/svc:/bin/sh\n\
            nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\nodd:x:1001:1001::/:/bin/sh\n\
            up:x:1002:1002::/home/../etc:/bin/sh\nbad:x:abc:1::/x:/bin/sh\nshort:x:1\n\xff\xfe:x:1003:1::/y:/z";
        let homes = passwd_homes(passwd);
        assert_eq!(homes, [PathBuf::from("root"), PathBuf::from("home/kim")]);
    }
}
