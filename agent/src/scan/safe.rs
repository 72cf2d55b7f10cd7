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
//! * every read has a size cap, every directory and every scan an entry cap, and all of it one deadline;
//! * remote and FUSE file systems are left alone, so that a hung server or a placeholder that downloads on
//!   opening cannot be touched.

use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Take};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use umbrascope_api::SourceState;

use super::journal::{How, Recorder};
use open::{check_file_system, dev_of, kind_of, open_looked_at};

mod open;
mod place;

/// Most entries read of one directory. A package folder of a large machine has a few thousand.
pub(crate) const DIR_ENTRIES: usize = 20_000;
/// Most directory entries read in one scan.
pub(crate) const SCAN_ENTRIES: u64 = 2_000_000;
/// Most symbolic links resolved on the way to one file; the kernel's own bound is 40.
const LINKS: usize = 16;
/// Most components of a path after links are resolved.
const COMPONENTS: usize = 128;

/// Why something was not read. Absence is not trouble, but it is told apart from everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Trouble {
    /// There is no such file or folder.
    Absent,
    /// No right to read it, or not a regular file, or a link that leaves its boundary, or an I/O error.
    Refused,
    /// Over a size, count or depth bound.
    TooLarge,
    /// The deadline came first.
    TimedOut,
    /// On a remote or FUSE file system.
    Skipped,
    /// Not of its format.
    Malformed,
}

impl Trouble {
    /// The word for it in a source report.
    pub(crate) fn state(self) -> SourceState {
        match self {
            Self::Absent => SourceState::Absent,
            Self::Refused => SourceState::Refused,
            Self::TooLarge => SourceState::TooLarge,
            Self::TimedOut => SourceState::TimedOut,
            Self::Skipped => SourceState::Skipped,
            Self::Malformed => SourceState::Malformed,
        }
    }

    fn from_errno(errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR => Self::Absent,
            Errno::NAMETOOLONG => Self::TooLarge,
            _ => Self::Refused,
        }
    }
}

/// What one scan may spend.
#[derive(Debug)]
pub(crate) struct Budget {
    deadline: Instant,
    entries_left: Cell<u64>,
    /// Places that are not even looked at, as seen from within the scanned root.
    untouched: Vec<PathBuf>,
    /// Where the places that are asked for are noted.
    pub(super) recorder: RefCell<Recorder>,
}

impl Budget {
    pub(crate) fn new(deadline: Instant, untouched: Vec<PathBuf>) -> Rc<Self> {
        let recorder = RefCell::new(Recorder::default());
        Rc::new(Self { deadline, entries_left: Cell::new(SCAN_ENTRIES), untouched, recorder })
    }

    /// Whether there is time left.
    pub(crate) fn check(&self) -> Result<(), Trouble> {
        if Instant::now() >= self.deadline { Err(Trouble::TimedOut) } else { Ok(()) }
    }

    fn spend_entry(&self) -> Result<(), Trouble> {
        let left = self.entries_left.get();
        if left == 0 {
            return Err(Trouble::TooLarge);
        }
        self.entries_left.set(left - 1);
        if left.is_multiple_of(256) { self.check() } else { Ok(()) }
    }
}

/// What a link may not lead out of.
#[derive(Debug)]
struct Boundary {
    fd: OwnedFd,
    /// Where it stands as seen from within the scanned root (`/`, `/home/kim`): what an absolute link starts with.
    path: PathBuf,
    /// Who owns it. In the root, links of others are not followed.
    uid: u32,
    whole_root: bool,
}

/// An open directory inside a boundary.
#[derive(Debug, Clone)]
pub(crate) struct Dir {
    fd: Rc<OwnedFd>,
    boundary: Rc<Boundary>,
    /// Path from the boundary to here, without links.
    inner: PathBuf,
    /// As a report shows it: absolute below the root, `~/…` below a home.
    shown: String,
    uid: u32,
    dev: u64,
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
    /// Length in bytes when it was opened.
    pub(crate) len: u64,
    /// Who owns it.
    pub(crate) uid: u32,
}

impl SafeFile {
    /// Reads at most `cap` bytes: a file that grows while it is read is cut, not followed.
    pub(crate) fn reader(self, cap: u64) -> Take<File> {
        self.file.take(cap)
    }

    /// The whole file. The cap it was opened with bounds it.
    pub(crate) fn bytes(self) -> Result<Vec<u8>, Trouble> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.len).unwrap_or(0));
        let len = self.len;
        self.file.take(len).read_to_end(&mut bytes).map_err(|_| Trouble::Refused)?;
        Ok(bytes)
    }

    /// The descriptor, for a library that wants one of its own.
    pub(crate) fn into_file(self) -> File {
        self.file
    }
}

impl Dir {
    /// Opens the tree below `path` as if it were `/`.
    pub(crate) fn root(path: &Path, budget: Rc<Budget>) -> Result<Self, Trouble> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(Trouble::from_errno)?;
        let stat = rustix::fs::fstat(&fd).map_err(Trouble::from_errno)?;
        let twin = fd.try_clone().map_err(|_| Trouble::Refused)?;
        let boundary = Boundary { fd: twin, path: PathBuf::from("/"), uid: stat.st_uid, whole_root: true };
        Ok(Self {
            fd: Rc::new(fd),
            boundary: Rc::new(boundary),
            inner: PathBuf::new(),
            shown: String::new(),
            uid: stat.st_uid,
            dev: dev_of(&stat),
            budget,
        })
    }

    /// Makes this directory a boundary of its own, shown as `~`.
    pub(crate) fn into_home(self) -> Result<Self, Trouble> {
        let twin = self.fd.try_clone().map_err(|_| Trouble::Refused)?;
        let path = self.boundary.path.join(&self.inner);
        let boundary = Boundary { fd: twin, path, uid: self.uid, whole_root: false };
        Ok(Self { boundary: Rc::new(boundary), inner: PathBuf::new(), shown: "~".into(), ..self })
    }

    /// Who owns it.
    pub(crate) fn uid(&self) -> u32 {
        self.uid
    }

    /// Where it stands, as a report shows it.
    pub(crate) fn shown(&self) -> &str {
        if self.shown.is_empty() { "/" } else { &self.shown }
    }

    /// Where `name` in here stands, as a report shows it.
    pub(crate) fn shown_child(&self, name: impl AsRef<Path>) -> String {
        format!("{}/{}", self.shown, name.as_ref().to_string_lossy())
    }

    /// Where it stands as seen from within the scanned root.
    pub(crate) fn absolute(&self) -> PathBuf {
        self.boundary.path.join(&self.inner)
    }

    /// Device and inode: the same directory under two names is read once.
    pub(crate) fn identity(&self) -> Result<(u64, u64), Trouble> {
        self.stat().map(|stat| (dev_of(&stat), stat.st_ino))
    }

    fn stat(&self) -> Result<Stat, Trouble> {
        rustix::fs::fstat(&*self.fd).map_err(Trouble::from_errno)
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
        self.record(rel, How::Folder, || opened.as_ref().map_err(|trouble| *trouble)?.stat());
        opened
    }

    fn open_dir(&self, rel: &Path) -> Result<Self, Trouble> {
        self.check(rel)?;
        let shown = self.shown_child(rel);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        if let Some(fd) = self.open_straight(rel, flags)? {
            let stat = rustix::fs::fstat(&fd).map_err(Trouble::from_errno)?;
            return Ok(self.child(fd, &stat, self.inner.join(rel), shown));
        }
        let (parent, name) = self.resolve(rel)?;
        match name {
            None => Ok(Self { shown, ..parent }),
            Some(name) => {
                let fd = rustix::fs::openat(&*parent.fd, &name, flags | OFlags::NOFOLLOW, Mode::empty())
                    .map_err(Trouble::from_errno)?;
                let stat = rustix::fs::fstat(&fd).map_err(Trouble::from_errno)?;
                check_file_system(&fd, &stat, parent.dev)?;
                let inner = parent.inner.join(&name);
                Ok(parent.child(fd, &stat, inner, shown))
            }
        }
    }

    /// Opens a regular file below, of at most `cap` bytes.
    pub(crate) fn file(&self, rel: impl AsRef<Path>, cap: u64) -> Result<SafeFile, Trouble> {
        let (file, len, uid) = self.open_regular(rel.as_ref())?;
        if len > cap {
            return Err(Trouble::TooLarge);
        }
        Ok(SafeFile { file, len, uid })
    }

    /// Opens a regular file of any length, for a reader that takes only its head.
    pub(crate) fn head(&self, rel: impl AsRef<Path>) -> Result<SafeFile, Trouble> {
        let (file, len, uid) = self.open_regular(rel.as_ref())?;
        Ok(SafeFile { file, len, uid })
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
        Ok(Look { kind: kind_of(&stat), len: u64::try_from(stat.st_size).unwrap_or(0), uid: stat.st_uid })
    }

    fn look_at(&self, rel: &Path) -> Result<Stat, Trouble> {
        self.check(rel)?;
        let name = rel.file_name().ok_or(Trouble::Refused)?;
        // A path of several parts would be resolved by the kernel, links and all.
        let parent = match rel.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => Some(self.open_dir(parent)?),
            None => None,
        };
        let fd = parent.as_ref().map_or(&self.fd, |parent| &parent.fd);
        rustix::fs::statat(&**fd, name, AtFlags::SYMLINK_NOFOLLOW).map_err(Trouble::from_errno)
    }

    /// Where a link here points, as it is written. Nothing is opened.
    pub(crate) fn link(&self, name: impl AsRef<Path>) -> Result<PathBuf, Trouble> {
        let name = name.as_ref();
        self.record(name, How::Look, || {
            rustix::fs::statat(&*self.fd, name, AtFlags::SYMLINK_NOFOLLOW).map_err(Trouble::from_errno)
        });
        self.target(name)
    }

    fn target(&self, name: impl AsRef<Path>) -> Result<PathBuf, Trouble> {
        let target =
            rustix::fs::readlinkat(&*self.fd, name.as_ref(), Vec::new()).map_err(Trouble::from_errno)?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    /// The names in here. Over [`DIR_ENTRIES`] it gives what it read, and says so.
    pub(crate) fn entries(&self) -> Result<(Vec<Entry>, Option<Trouble>), Trouble> {
        // Before the names are read: what changes meanwhile is seen at the next look.
        self.record(Path::new(""), How::Listing, || self.stat());
        let mut listing = rustix::fs::Dir::read_from(&*self.fd).map_err(Trouble::from_errno)?;
        let mut entries = Vec::new();
        while let Some(entry) = listing.read() {
            let Ok(entry) = entry else { return Ok((entries, Some(Trouble::Refused))) };
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if let Err(trouble) = self.budget.spend_entry() {
                return Ok((entries, Some(trouble)));
            }
            if entries.len() == DIR_ENTRIES {
                return Ok((entries, Some(Trouble::TooLarge)));
            }
            entries.push(Entry { name: OsStr::from_bytes(name).to_owned(), kind: entry.file_type() });
        }
        Ok((entries, None))
    }

    fn child(&self, fd: OwnedFd, stat: &Stat, inner: PathBuf, shown: String) -> Self {
        Self {
            fd: Rc::new(fd),
            boundary: Rc::clone(&self.boundary),
            inner,
            shown,
            uid: stat.st_uid,
            dev: dev_of(stat),
            budget: Rc::clone(&self.budget),
        }
    }

    fn open_regular(&self, rel: &Path) -> Result<(File, u64, u32), Trouble> {
        let opened = self.find_regular(rel);
        self.record(rel, How::File, || opened.as_ref().map(|(_, stat)| *stat).map_err(|trouble| *trouble));
        let (file, stat) = opened?;
        // A second name of somebody else's file: whoever put it here may be unable to read it. Of the home's own files there
        // are many with several names, for package managers link them from their caches.
        if stat.st_nlink > 1 && !self.boundary.whole_root && stat.st_uid != self.boundary.uid {
            return Err(Trouble::Refused);
        }
        Ok((file, u64::try_from(stat.st_size).unwrap_or(0), stat.st_uid))
    }

    fn find_regular(&self, rel: &Path) -> Result<(File, Stat), Trouble> {
        self.check(rel)?;
        let name = rel.file_name().ok_or(Trouble::Refused)?;
        let straight = match rel.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            None => Some(Rc::clone(&self.fd)),
            Some(parent) => {
                self.open_straight(parent, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC)?.map(Rc::new)
            }
        };
        if let Some(parent) = straight {
            let stat =
                rustix::fs::statat(&*parent, name, AtFlags::SYMLINK_NOFOLLOW).map_err(Trouble::from_errno)?;
            if kind_of(&stat) != FileType::Symlink {
                return open_looked_at(&parent, name, &stat);
            }
        }
        let (parent, name) = self.resolve(rel)?;
        let name = name.ok_or(Trouble::Refused)?;
        let stat =
            rustix::fs::statat(&*parent.fd, &name, AtFlags::SYMLINK_NOFOLLOW).map_err(Trouble::from_errno)?;
        open_looked_at(&parent.fd, &name, &stat)
    }

    /// The usual case in one system call: no link and no mount point on the way. `None`: take the long way.
    #[cfg(target_os = "linux")]
    fn open_straight(&self, rel: &Path, flags: OFlags) -> Result<Option<OwnedFd>, Trouble> {
        use rustix::fs::ResolveFlags;
        let resolve = ResolveFlags::BENEATH
            | ResolveFlags::NO_SYMLINKS
            | ResolveFlags::NO_MAGICLINKS
            | ResolveFlags::NO_XDEV;
        match rustix::fs::openat2(&*self.fd, rel, flags, Mode::empty(), resolve) {
            Ok(fd) => Ok(Some(fd)),
            Err(Errno::NOENT) => Err(Trouble::Absent),
            // A link (LOOP), a mount point (XDEV), an old kernel (NOSYS), a filter (PERM), a race (AGAIN), or a
            // directory that may be searched but not read (ACCESS): the long way tells which.
            Err(_) => Ok(None),
        }
    }

    /// Other systems always take the long way.
    #[cfg(not(target_os = "linux"))]
    fn open_straight(&self, _rel: &Path, _flags: OFlags) -> Result<Option<OwnedFd>, Trouble> {
        Ok(None)
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
            let stat = rustix::fs::statat(&*here.fd, &name, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(Trouble::from_errno)?;
            match kind_of(&stat) {
                FileType::Symlink => {
                    links += 1;
                    if links > LINKS {
                        return Err(Trouble::Refused);
                    }
                    let trusted = stat.st_uid == 0 || stat.st_uid == self.boundary.uid;
                    if self.boundary.whole_root && !trusted {
                        return Err(Trouble::Refused);
                    }
                    let target = here.target(&name)?;
                    if target.is_absolute() {
                        let target =
                            target.strip_prefix(&self.boundary.path).map_err(|_| Trouble::Refused)?;
                        stack.truncate(1);
                        push_components(&mut todo, target)?;
                    } else {
                        push_components(&mut todo, &target)?;
                    }
                }
                FileType::Directory if !todo.is_empty() => {
                    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let fd = rustix::fs::openat(&*here.fd, &name, flags, Mode::empty())
                        .map_err(Trouble::from_errno)?;
                    let stat = rustix::fs::fstat(&fd).map_err(Trouble::from_errno)?;
                    check_file_system(&fd, &stat, here.dev)?;
                    let next = here.child(fd, &stat, here.inner.join(&name), here.shown_child(&name));
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
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&*here.fd, ".", flags, Mode::empty()).map_err(Trouble::from_errno)?;
        Ok((Self { fd: Rc::new(fd), ..here }, None))
    }

    fn boundary_dir(&self) -> Result<Self, Trouble> {
        let fd = self.boundary.fd.try_clone().map_err(|_| Trouble::Refused)?;
        let stat = rustix::fs::fstat(&fd).map_err(Trouble::from_errno)?;
        let shown = if self.boundary.whole_root { String::new() } else { "~".into() };
        Ok(self.child(fd, &stat, PathBuf::new(), shown))
    }
}

/// What [`Dir::look`] saw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) kind: FileType,
    pub(crate) len: u64,
    pub(crate) uid: u32,
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
