//! Which system package an executable belongs to.
//!
//! The lists of the package managers are read once, on a thread of their own, and again after they have changed: answers must
//! not wait for hundreds of files. Only paths that may be programs are kept, as hashes.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::os::memory;

/// Programs that are remembered, at ten bytes each. A desktop has some 20,000.
const MAX_PATHS: usize = 128 * 1024;
/// Packages that are remembered.
const MAX_PACKAGES: usize = u16::MAX as usize;
/// Longest list that is read, in bytes.
const MAX_LIST_BYTES: u64 = 32 * 1024 * 1024;
/// How often it is looked whether the lists have changed.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Answers which package a path belongs to.
#[derive(Debug)]
pub struct Packages {
    root: PathBuf,
    index: Arc<Mutex<Index>>,
    changed: Option<SystemTime>,
    looked: Option<Instant>,
}

impl Packages {
    /// For the system below `root`. Reading begins with the first question.
    pub fn new(root: PathBuf) -> Self {
        Self { root, index: Arc::default(), changed: None, looked: None }
    }

    /// The package of an executable, behind the word of its manager: `deb:curl`. `None` while the lists are being read.
    pub fn of(&mut self, path: &Path, now: Instant) -> Option<String> {
        if let Some(told) = by_path(path) {
            return Some(told);
        }
        self.look(now);
        self.index.lock().unwrap_or_else(PoisonError::into_inner).of(path)
    }

    /// Reads the lists anew if they have changed.
    pub fn look(&mut self, now: Instant) {
        if self.looked.is_some_and(|looked| now.duration_since(looked) < LOOK_EVERY) {
            return;
        }
        self.looked = Some(now);
        let changed = [DPKG_STATUS, APK_INSTALLED]
            .iter()
            .filter_map(|list| fs::metadata(self.root.join(list)).ok()?.modified().ok())
            .max();
        if changed.is_none() || changed == self.changed {
            return;
        }
        self.changed = changed;
        let (root, index) = (self.root.clone(), Arc::clone(&self.index));
        // Without a thread nothing is told, which is an answer too.
        let _ = std::thread::Builder::new().name("packages".into()).spawn(move || {
            let read = Index::read(&root);
            *index.lock().unwrap_or_else(PoisonError::into_inner) = read;
            // The lists are some megabytes, and what is kept of them is some hundred kilobytes.
            memory::give_back();
        });
    }
}

const DPKG_STATUS: &str = "var/lib/dpkg/status";
const DPKG_LISTS: &str = "var/lib/dpkg/info";
const APK_INSTALLED: &str = "lib/apk/db/installed";

/// Managers that tell it by where they put things.
fn by_path(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let first =
        |text: &str, split: char| text.split(split).next().map(str::to_owned).filter(|name| !name.is_empty());
    if let Some(rest) = text.strip_prefix("/snap/") {
        return first(rest, '/').map(|name| format!("snap:{name}"));
    }
    if let Some(rest) = text.strip_prefix("/var/lib/flatpak/app/") {
        return first(rest, '/').map(|name| format!("flatpak:{name}"));
    }
    if let Some(rest) = text.strip_prefix("/nix/store/") {
        // HASH-NAME/…
        let name = rest.split('/').next()?.split_once('-')?.1;
        return Some(format!("nix:{name}"));
    }
    let (_, rest) = text.split_once("/Cellar/")?;
    first(rest, '/').map(|name| format!("brew:{name}"))
}

/// Hashes of paths, sorted, and beside each the number of its package.
#[derive(Debug, Default)]
struct Index {
    hashes: Vec<u64>,
    owners: Vec<u16>,
    packages: Vec<Box<str>>,
}

impl Index {
    fn read(root: &Path) -> Self {
        let mut building = Building::default();
        if let Ok(lists) = fs::read_dir(root.join(DPKG_LISTS)) {
            for entry in lists.flatten() {
                let name = entry.file_name();
                let Some(package) = name.to_str().and_then(|name| name.strip_suffix(".list")) else {
                    continue;
                };
                // `libc6:amd64.list` where a package may be there for several architectures.
                let package = package.split(':').next().unwrap_or(package);
                if let Some(text) = read_list(&entry.path()) {
                    building.package(&format!("deb:{package}"), text.lines());
                }
            }
        }
        if let Some(text) = read_list(&root.join(APK_INSTALLED)) {
            building.apk(&text);
        }
        building.finish()
    }

    fn of(&self, path: &Path) -> Option<String> {
        let at = self.hashes.binary_search(&hash(path.to_str()?)).ok()?;
        self.packages.get(usize::from(*self.owners.get(at)?)).map(|name| name.to_string())
    }
}

fn read_list(path: &Path) -> Option<String> {
    let length = fs::metadata(path).ok()?.len();
    (length <= MAX_LIST_BYTES).then(|| fs::read_to_string(path).ok())?
}

#[derive(Default)]
struct Building {
    paths: Vec<(u64, u16)>,
    packages: Vec<Box<str>>,
}

impl Building {
    fn package(&mut self, name: &str, paths: impl Iterator<Item = impl AsRef<str>>) {
        let Some(number) =
            u16::try_from(self.packages.len()).ok().filter(|_| self.packages.len() < MAX_PACKAGES)
        else {
            return;
        };
        let before = self.paths.len();
        for path in paths.filter(|path| may_be_program(path.as_ref())) {
            if self.paths.len() < MAX_PATHS {
                self.paths.push((hash(path.as_ref()), number));
            }
        }
        if self.paths.len() > before {
            self.packages.push(name.into());
        }
    }

    /// The installed database of apk-tools: a paragraph a package, `P:` its name, `F:` a folder, `R:` a file in it.
    fn apk(&mut self, text: &str) {
        for paragraph in text.split("\n\n") {
            let mut name = None;
            let mut folder = "";
            let mut paths = Vec::new();
            for line in paragraph.lines() {
                match line.split_once(':') {
                    Some(("P", value)) => name = Some(value),
                    Some(("F", value)) => folder = value,
                    Some(("R", value)) => paths.push(format!("/{folder}/{value}")),
                    _ => {}
                }
            }
            if let Some(name) = name {
                self.package(&format!("apk:{name}"), paths.into_iter());
            }
        }
    }

    fn finish(mut self) -> Index {
        self.paths.sort_unstable();
        Index {
            hashes: self.paths.iter().map(|(hash, _)| *hash).collect(),
            owners: self.paths.iter().map(|(_, owner)| *owner).collect(),
            packages: self.packages,
        }
    }
}

/// In a folder of programs; or, where applications keep theirs among other things, without an extension.
fn may_be_program(path: &str) -> bool {
    let Some((folder, name)) = path.rsplit_once('/') else { return false };
    let private = ["/opt/", "/usr/lib", "/lib", "/usr/share/", "/usr/games"];
    folder.ends_with("/bin")
        || folder.ends_with("/sbin")
        || private.iter().any(|place| path.starts_with(place)) && !name.contains('.')
}

/// Of systems whose `/bin` is a link to `/usr/bin` both spellings are one.
fn hash(path: &str) -> u64 {
    let merged = path
        .strip_prefix("/usr")
        .filter(|rest| ["/bin/", "/sbin/", "/lib"].iter().any(|folder| rest.starts_with(folder)));
    let mut hasher = DefaultHasher::new();
    merged.unwrap_or(path).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_dpkg_and_apk_tell_the_package() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(DPKG_LISTS)).unwrap();
        fs::create_dir_all(root.path().join("lib/apk/db")).unwrap();
        fs::write(root.path().join(DPKG_STATUS), "").unwrap();
        let list = |name: &str, text: &str| fs::write(root.path().join(DPKG_LISTS).join(name), text).unwrap();
        list("curl.list", "/.\n/usr\n/usr/bin\n/usr/bin/curl\n/usr/share/doc/curl/copyright\n");
        list("tool:amd64.list", "/bin/tool\n/opt/tool/runner\n/usr/lib/tool/library.so\n");
        list("curl.md5sums", "/usr/bin/other\n");
        let apk = "P:busybox\nF:bin\nR:busybox\nZ:Q1\n\nP:other\nF:usr/sbin\nR:other\n";
        fs::write(root.path().join(APK_INSTALLED), apk).unwrap();
        let index = Index::read(root.path());
        let of = |path: &str| index.of(Path::new(path));
        assert_eq!(of("/usr/bin/curl").as_deref(), Some("deb:curl"));
        assert_eq!(of("/usr/bin/tool").as_deref(), Some("deb:tool"), "merged /usr");
        assert_eq!(of("/opt/tool/runner").as_deref(), Some("deb:tool"));
        assert_eq!(of("/bin/busybox").as_deref(), Some("apk:busybox"));
        assert_eq!(of("/usr/sbin/other").as_deref(), Some("apk:other"));
        for unknown in ["/usr/bin/other", "/usr/lib/tool/library.so", "/home/alice/curl"] {
            assert_eq!(of(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_path_tells_other_managers() {
        let of = |path: &str| by_path(Path::new(path));
        assert_eq!(of("/snap/firefox/42/usr/lib/firefox/firefox").as_deref(), Some("snap:firefox"));
        assert_eq!(of("/nix/store/abc123-curl-8.5.0/bin/curl").as_deref(), Some("nix:curl-8.5.0"));
        assert_eq!(of("/home/linuxbrew/.linuxbrew/Cellar/jq/1.7/bin/jq").as_deref(), Some("brew:jq"));
        assert_eq!(of("/usr/bin/curl"), None);
    }

    #[test]
    fn the_answer_comes_once_the_lists_are_read_and_follows_their_change() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(DPKG_LISTS)).unwrap();
        fs::write(root.path().join(DPKG_STATUS), "").unwrap();
        fs::write(root.path().join(DPKG_LISTS).join("curl.list"), "/usr/bin/curl\n").unwrap();
        let mut packages = Packages::new(root.path().to_owned());
        let start = Instant::now();
        let mut wait_for = |path: &str, now: Instant| {
            let until = Instant::now() + Duration::from_secs(10);
            loop {
                let told = packages.of(Path::new(path), now);
                if told.is_some() || Instant::now() > until {
                    return told;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        assert_eq!(wait_for("/usr/bin/curl", start).as_deref(), Some("deb:curl"));
        fs::write(root.path().join(DPKG_LISTS).join("jq.list"), "/usr/bin/jq\n").unwrap();
        let later = SystemTime::now() + Duration::from_secs(5);
        fs::File::options()
            .write(true)
            .open(root.path().join(DPKG_STATUS))
            .unwrap()
            .set_modified(later)
            .unwrap();
        assert_eq!(wait_for("/usr/bin/jq", start + LOOK_EVERY).as_deref(), Some("deb:jq"));
    }
}
