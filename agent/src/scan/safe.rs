//! Reading trees that somebody hostile may own.
//!
//! The scanner may run with the right to read every file of a machine, over homes whose owners can put anything
//! there at any moment. Hence the rules that this file, and only this file, keeps:
//!
//! * every path component is opened relative to the directory before it and never through a symbolic link; a link
//!   is resolved by us, component by component, and only as long as it stays within its boundary (the scanned root,
//!   or one home);
//! * only regular files are opened for reading: looked at first, opened without following or blocking, looked at
//!   again, and refused when it is not the same file;
//! * in a home, a file of somebody else that has a further name (a hard link) is not read;
//! * every read has a size cap, every directory and every scan an entry cap, and all of it one deadline; one home has its part
//!   of either, and no more ([`Budget`]);
//! * remote and FUSE file systems and placeholders of a cloud's files are left alone, so that a hung server is not
//!   waited for and nothing is downloaded.
//!
//! The system calls are in `unix.rs` and `windows/`; what is done with them, here.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Take};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use super::journal::How;
pub(crate) use budget::Budget;
pub(crate) use kinds::{FileType, Trouble};
use kinds::{Stat, Want};
use system::Handle;
pub use system::OwnerId;
#[cfg(windows)]
pub(crate) use system::is_local_drive;
pub(crate) use system::{path_of, read_at};

mod budget;
mod kinds;
mod place;

#[cfg(any(windows, test, feature = "fuzzing"))]
pub(super) mod reparse;
#[cfg(any(windows, test))]
mod sid;
#[cfg_attr(unix, path = "safe/unix.rs")]
#[cfg_attr(windows, path = "safe/windows/mod.rs")]
mod system;

/// Most entries read of one directory. A package folder of a large machine has a few thousand.
pub(crate) const DIR_ENTRIES: usize = 20_000;
/// Most symbolic links resolved on the way to one file; the kernel's own bound is 40.
const LINKS: usize = 16;
/// Most components of a path after links are resolved.
const COMPONENTS: usize = 128;

/// What a link may not lead out of.
#[derive(Debug)]
struct Boundary {
    handle: Handle,
    /// Where it stands as seen from within the scanned root (`/`, `/home/kim`): what an absolute link starts with.
    path: PathBuf,
    /// Who owns it. In the root, links of others are not followed.
    uid: OwnerId,
    whole_root: bool,
}

/// An open directory inside a boundary.
#[derive(Debug, Clone)]
pub(crate) struct Dir {
    handle: Rc<Handle>,
    boundary: Rc<Boundary>,
    /// Path from the boundary to here, without links.
    inner: PathBuf,
    /// As a report shows it: absolute below the root, `~/…` below a home.
    shown: String,
    uid: OwnerId,
    volume: u64,
    budget: Rc<Budget>,
}

/// A name in a directory.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: OsString,
    pub(crate) kind: FileType,
}

impl Entry {
    /// The name, when it is UTF-8. The identifiers of every known format are.
    pub(crate) fn text(&self) -> Option<&str> {
        self.name.to_str()
    }

    /// Whether it is a directory, or a link that may turn out to be one.
    pub(crate) fn may_be_dir(&self) -> bool {
        matches!(self.kind, FileType::Directory | FileType::Symlink | FileType::Unknown)
    }
}

/// An open regular file, no longer than the cap it was opened with.
#[derive(Debug)]
pub(crate) struct SafeFile {
    file: File,
    deadline: Instant,
    /// Length in bytes when it was opened.
    pub(crate) len: u64,
    /// Who owns it.
    pub(crate) uid: OwnerId,
}

impl SafeFile {
    /// Reads at most `cap` bytes: a file that grows while it is read is cut, not followed.
    pub(crate) fn reader(self, cap: u64) -> Reading {
        Reading { file: self.file.take(cap), deadline: self.deadline }
    }

    /// The whole file. The cap it was opened with bounds it.
    pub(crate) fn bytes(self) -> Result<Vec<u8>, Trouble> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.len).unwrap_or(0));
        let len = self.len;
        self.reader(len).read_to_end(&mut bytes).map_err(|error| Trouble::of_reading(error.kind()))?;
        Ok(bytes)
    }

    /// The descriptor, for a library that wants one of its own.
    pub(crate) fn into_file(self) -> File {
        self.file
    }
}

/// A file being read, as long as there is time.
#[derive(Debug)]
pub(crate) struct Reading {
    file: Take<File>,
    deadline: Instant,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if Instant::now() >= self.deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.file.read(buffer)
    }
}

impl Dir {
    /// Opens the tree below `path` as if it were `/`.
    pub(crate) fn root(path: &Path, budget: Rc<Budget>) -> Result<Self, Trouble> {
        let handle = system::open_root(path)?;
        let stat = system::stat(&handle)?;
        let twin = handle.try_clone().map_err(|_| Trouble::Refused)?;
        let boundary = Boundary { handle: twin, path: PathBuf::from("/"), uid: stat.owner, whole_root: true };
        Ok(Self {
            handle: Rc::new(handle),
            boundary: Rc::new(boundary),
            inner: PathBuf::new(),
            shown: String::new(),
            uid: stat.owner,
            volume: stat.volume,
            budget,
        })
    }

    /// Opens the tree of another drive, which stands beside the root: `/D:`.
    pub(crate) fn other_drive(path: &Path, letter: char, budget: Rc<Budget>) -> Result<Self, Trouble> {
        let root = Self::root(path, budget)?;
        let handle = root.handle.try_clone().map_err(|_| Trouble::Refused)?;
        let place = PathBuf::from(format!("/{letter}:"));
        let boundary = Boundary { handle, path: place, uid: root.uid, whole_root: true };
        Ok(Self { boundary: Rc::new(boundary), ..root })
    }

    /// Makes this directory a boundary of its own, shown as `~`.
    pub(crate) fn into_home(self) -> Result<Self, Trouble> {
        let twin = self.handle.try_clone().map_err(|_| Trouble::Refused)?;
        let path = self.boundary.path.join(&self.inner);
        let boundary = Boundary { handle: twin, path, uid: self.uid, whole_root: false };
        Ok(Self { boundary: Rc::new(boundary), inner: PathBuf::new(), shown: "~".into(), ..self })
    }

    /// Makes this directory a boundary of its own, shown as it is: folders of projects, which are nobody's home.
    pub(crate) fn into_boundary(self) -> Result<Self, Trouble> {
        let shown = self.shown.clone();
        Ok(Self { shown, ..self.into_home()? })
    }

    /// The same directory on another budget.
    pub(crate) fn charged(self, budget: Rc<Budget>) -> Self {
        Self { budget, ..self }
    }

    /// The same directory on the budget of a home which led to it.
    pub(crate) fn charged_to(&self, home: &Self) -> Self {
        self.clone().charged(Rc::clone(&home.budget))
    }

    /// The same home on what the walk through it may spend.
    pub(crate) fn for_walk(&self) -> Self {
        self.clone().charged(Budget::of_walk(&self.budget))
    }

    /// Who owns it.
    pub(crate) fn uid(&self) -> OwnerId {
        self.uid
    }

    /// Whether it belongs to the system, not to a person.
    pub(crate) fn is_systems(&self) -> bool {
        system::is_system(self.uid)
    }

    /// Where it stands, as a report shows it.
    pub(crate) fn shown(&self) -> &str {
        if self.shown.is_empty() { "/" } else { &self.shown }
    }

    /// Where `name` in here stands, as a report shows it.
    pub(crate) fn shown_child(&self, name: impl AsRef<Path>) -> String {
        let name = name.as_ref().to_string_lossy();
        // One spelling on every system: what is reported of it is compared across them.
        let name = if cfg!(windows) { name.replace('\\', "/").into() } else { name };
        format!("{}/{name}", self.shown)
    }

    /// Where it stands as seen from within the scanned root.
    pub(crate) fn absolute(&self) -> PathBuf {
        self.boundary.path.join(&self.inner)
    }

    /// Device and inode: the same directory under two names is read once.
    pub(crate) fn identity(&self) -> Result<(u64, u64), Trouble> {
        let stat = system::stat(&self.handle)?;
        Ok((stat.volume, stat.file))
    }

    /// What the scan may spend.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Whether a place below may be touched at all.
    fn check(&self, rel: &Path) -> Result<(), Trouble> {
        self.budget.check()?;
        if self.budget.untouched.is_empty() {
            return Ok(());
        }
        let place = self.absolute().join(rel);
        let untouched = self.budget.untouched.iter().any(|mount| place.starts_with(mount));
        if untouched { Err(Trouble::Skipped) } else { Ok(()) }
    }

    /// Opens a directory below.
    pub(crate) fn dir(&self, rel: impl AsRef<Path>) -> Result<Self, Trouble> {
        let rel = rel.as_ref();
        let opened = self.open_dir(rel);
        self.record(rel, How::Folder, || system::stat(&opened.as_ref().map_err(|trouble| *trouble)?.handle));
        opened
    }

    fn open_dir(&self, rel: &Path) -> Result<Self, Trouble> {
        self.check(rel)?;
        let shown = self.shown_child(rel);
        if let Some(handle) = system::open_straight(&self.handle, rel, Want::Names)? {
            let stat = system::stat(&handle)?;
            return Ok(self.child(handle, &stat, self.inner.join(rel), shown));
        }
        let (parent, name) = self.resolve(rel)?;
        match name {
            None => Ok(Self { shown, ..parent }),
            Some(name) => {
                let (handle, stat) = parent.enter(&name, Want::Names)?;
                let inner = parent.inner.join(&name);
                Ok(parent.child(handle, &stat, inner, shown))
            }
        }
    }

    /// Opens a regular file below, of at most `cap` bytes.
    pub(crate) fn file(&self, rel: impl AsRef<Path>, cap: u64) -> Result<SafeFile, Trouble> {
        let (file, len, uid) = self.open_regular(rel.as_ref())?;
        if len > cap {
            return Err(Trouble::TooLarge);
        }
        Ok(SafeFile { file, deadline: self.budget.deadline(), len, uid })
    }

    /// Opens a regular file of any length, for a reader that takes only its head.
    pub(crate) fn head(&self, rel: impl AsRef<Path>) -> Result<SafeFile, Trouble> {
        let (file, len, uid) = self.open_regular(rel.as_ref())?;
        Ok(SafeFile { file, deadline: self.budget.deadline(), len, uid })
    }

    /// Reads a regular file of at most `cap` bytes.
    pub(crate) fn read(&self, rel: impl AsRef<Path>, cap: u64) -> Result<Vec<u8>, Trouble> {
        self.file(rel, cap)?.bytes()
    }

    /// What stands at a place below, a link there not followed: kind, length and owner.
    pub(crate) fn look(&self, rel: impl AsRef<Path>) -> Result<Look, Trouble> {
        let rel = rel.as_ref();
        let seen = self.look_at(rel);
        self.record(rel, How::Look, || seen);
        let stat = seen?;
        Ok(Look { kind: stat.kind, len: stat.len, uid: stat.owner })
    }

    fn look_at(&self, rel: &Path) -> Result<Stat, Trouble> {
        self.check(rel)?;
        let name = rel.file_name().ok_or(Trouble::Refused)?;
        // A path of several parts would be resolved by the kernel, links and all.
        let parent = match rel.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => Some(self.open_dir(parent)?),
            None => None,
        };
        let handle = parent.as_ref().map_or(&self.handle, |parent| &parent.handle);
        system::stat_at(handle, name)
    }

    /// Where a link here points, as it is written. Nothing is opened.
    pub(crate) fn link(&self, name: impl AsRef<Path>) -> Result<PathBuf, Trouble> {
        let name = name.as_ref();
        self.record(name, How::Look, || system::stat_at(&self.handle, name.as_os_str()));
        system::link(&self.handle, name)
    }

    /// The names in here. Over [`DIR_ENTRIES`] it gives what it read, and says so.
    pub(crate) fn entries(&self) -> Result<(Vec<Entry>, Option<Trouble>), Trouble> {
        // Before the names are read: what changes meanwhile is seen at the next look.
        self.record(Path::new(""), How::Listing, || system::stat(&self.handle));
        let mut entries = Vec::new();
        for entry in system::names(&self.handle)? {
            let Ok((name, kind)) = entry else { return Ok((entries, Some(Trouble::Refused))) };
            if let Err(trouble) = self.budget.spend_entry() {
                return Ok((entries, Some(trouble)));
            }
            if entries.len() == DIR_ENTRIES {
                return Ok((entries, Some(Trouble::TooLarge)));
            }
            entries.push(Entry { name, kind });
        }
        Ok((entries, None))
    }

    fn child(&self, handle: Handle, stat: &Stat, inner: PathBuf, shown: String) -> Self {
        Self {
            handle: Rc::new(handle),
            boundary: Rc::clone(&self.boundary),
            inner,
            shown,
            uid: stat.owner,
            volume: stat.volume,
            budget: Rc::clone(&self.budget),
        }
    }

    /// Opens a directory by its name in here; not where a remote file system begins, nor one whose names would be fetched.
    fn enter(&self, name: &OsStr, want: Want) -> Result<(Handle, Stat), Trouble> {
        let handle = system::open_dir(&self.handle, name, want)?;
        let stat = system::stat(&handle)?;
        if stat.placeholder || (stat.volume != self.volume && system::is_remote(&handle)?) {
            return Err(Trouble::Skipped);
        }
        Ok((handle, stat))
    }

    fn open_regular(&self, rel: &Path) -> Result<(File, u64, OwnerId), Trouble> {
        let opened = self.find_regular(rel);
        self.record(rel, How::File, || opened.as_ref().map(|(_, stat)| *stat).map_err(|trouble| *trouble));
        let (file, stat) = opened?;
        // A second name of somebody else's file: whoever put it here may be unable to read it. Of the home's own files there
        // are many with several names, for package managers link them from their caches.
        if stat.links > 1 && !self.boundary.whole_root && stat.owner != self.boundary.uid {
            return Err(Trouble::Refused);
        }
        Ok((file, stat.len, stat.owner))
    }

    fn find_regular(&self, rel: &Path) -> Result<(File, Stat), Trouble> {
        self.check(rel)?;
        let name = rel.file_name().ok_or(Trouble::Refused)?;
        let straight = match rel.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            None => Some(Rc::clone(&self.handle)),
            Some(parent) => system::open_straight(&self.handle, parent, Want::Passage)?.map(Rc::new),
        };
        if let Some(parent) = straight {
            let stat = system::stat_at(&parent, name)?;
            if stat.kind != FileType::Symlink {
                return open_looked_at(&parent, name, &stat);
            }
        }
        let (parent, name) = self.resolve(rel)?;
        let name = name.ok_or(Trouble::Refused)?;
        let stat = system::stat_at(&parent.handle, &name)?;
        open_looked_at(&parent.handle, &name, &stat)
    }

    /// Walks to the directory that holds the last component, resolving links inside the boundary. The last
    /// component is no link when it was looked at; it is `None` when the path ends in a directory already open.
    fn resolve(&self, rel: &Path) -> Result<(Self, Option<OsString>), Trouble> {
        let top = self.boundary_dir()?;
        let mut todo: Vec<OsString> = Vec::new();
        push_components(&mut todo, &self.inner.join(rel))?;
        let mut stack = vec![top];
        let mut links = 0;
        while let Some(name) = todo.pop() {
            self.budget.check()?;
            if name == ".." {
                // Above the boundary is outside it.
                stack.pop();
                if stack.is_empty() {
                    return Err(Trouble::Refused);
                }
                continue;
            }
            let here = stack.last().ok_or(Trouble::Refused)?;
            here.check(Path::new(&name))?;
            let stat = system::stat_at(&here.handle, &name)?;
            match stat.kind {
                FileType::Symlink => {
                    links += 1;
                    if links > LINKS {
                        return Err(Trouble::Refused);
                    }
                    let trusted = system::is_system(stat.owner) || stat.owner == self.boundary.uid;
                    if self.boundary.whole_root && !trusted {
                        return Err(Trouble::Refused);
                    }
                    let target = system::link(&here.handle, Path::new(&name))?;
                    if target.has_root() {
                        let target =
                            target.strip_prefix(&self.boundary.path).map_err(|_| Trouble::Refused)?;
                        stack.truncate(1);
                        push_components(&mut todo, target)?;
                    } else {
                        push_components(&mut todo, &target)?;
                    }
                }
                FileType::Directory if !todo.is_empty() => {
                    let (handle, stat) = here.enter(&name, Want::Passage)?;
                    let next = here.child(handle, &stat, here.inner.join(&name), here.shown_child(&name));
                    if stack.len() >= COMPONENTS {
                        return Err(Trouble::TooLarge);
                    }
                    stack.push(next);
                }
                _ if todo.is_empty() => {
                    let here = stack.pop().ok_or(Trouble::Refused)?;
                    return Ok((here, Some(name)));
                }
                _ => return Err(Trouble::Absent),
            }
        }
        // Ended in `..` or at the boundary itself: give a descriptor that can be read.
        let here = stack.pop().ok_or(Trouble::Refused)?;
        let handle = system::with_names(&here.handle)?;
        Ok((Self { handle: Rc::new(handle), ..here }, None))
    }

    fn boundary_dir(&self) -> Result<Self, Trouble> {
        let handle = self.boundary.handle.try_clone().map_err(|_| Trouble::Refused)?;
        let stat = system::stat(&handle)?;
        let shown = if self.boundary.whole_root { String::new() } else { "~".into() };
        Ok(self.child(handle, &stat, PathBuf::new(), shown))
    }
}

/// What [`Dir::look`] saw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) kind: FileType,
    pub(crate) len: u64,
    pub(crate) uid: OwnerId,
}

/// Opens what `looked` described, and nothing else.
fn open_looked_at(parent: &Handle, name: &OsStr, looked: &Stat) -> Result<(File, Stat), Trouble> {
    match looked.kind {
        FileType::RegularFile if looked.placeholder => return Err(Trouble::Skipped),
        FileType::RegularFile => {}
        FileType::Directory => return Err(Trouble::Absent),
        _ => return Err(Trouble::Refused),
    }
    let handle = system::open_file(parent, name)?;
    let stat = system::stat(&handle)?;
    if !stat.is_same_file(looked) || stat.kind != FileType::RegularFile {
        return Err(Trouble::Refused);
    }
    Ok((File::from(handle), stat))
}

/// The components, last first, so that the next one is popped.
fn push_components(todo: &mut Vec<OsString>, path: &Path) -> Result<(), Trouble> {
    for component in path.components().rev() {
        match component {
            Component::Normal(name) => todo.push(name.to_owned()),
            Component::ParentDir => todo.push("..".into()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    if todo.len() > COMPONENTS { Err(Trouble::TooLarge) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
