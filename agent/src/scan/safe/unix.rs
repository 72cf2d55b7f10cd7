//! The system calls of [`super`] on Linux and macOS.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::{FileType, Stat, Trouble, Want};

/// An open file or directory.
pub(super) type Handle = OwnedFd;
/// Whose a file is: the user id.
pub type OwnerId = u32;

/// Whether links of this owner are to be trusted anywhere.
pub(super) fn is_system(owner: OwnerId) -> bool {
    owner == 0
}

/// Opens the directory that a scan reads as `/`.
pub(super) fn open_root(path: &Path) -> Result<Handle, Trouble> {
    rustix::fs::open(path, Want::Names.flags(), Mode::empty()).map_err(trouble)
}

/// Opens a directory by its name in another, never through a link.
pub(super) fn open_dir(parent: &Handle, name: &OsStr, want: Want) -> Result<Handle, Trouble> {
    rustix::fs::openat(parent, name, want.flags() | OFlags::NOFOLLOW, Mode::empty()).map_err(trouble)
}

/// Opens what is a regular file, it is hoped: never through a link, and without waiting for whatever it is.
pub(super) fn open_file(parent: &Handle, name: &OsStr) -> Result<Handle, Trouble> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty()).map_err(trouble)
}

/// The same directory, with the right to read its names.
pub(super) fn with_names(dir: &Handle) -> Result<Handle, Trouble> {
    rustix::fs::openat(dir, ".", Want::Names.flags(), Mode::empty()).map_err(trouble)
}

/// A path of its bytes.
pub(crate) fn path_of(bytes: &[u8]) -> Option<&Path> {
    Some(Path::new(OsStr::from_bytes(bytes)))
}

/// Reads at a place of a file.
pub(crate) fn read_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<usize> {
    file.read_at(bytes, at)
}

/// What is open.
pub(super) fn stat(handle: &Handle) -> Result<Stat, Trouble> {
    rustix::fs::fstat(handle).map(|stat| Stat::of(&stat)).map_err(trouble)
}

/// What stands at a name, a link not followed.
pub(super) fn stat_at(parent: &Handle, name: &OsStr) -> Result<Stat, Trouble> {
    rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| Stat::of(&stat)).map_err(trouble)
}

/// Where a link points.
pub(super) fn link(parent: &Handle, name: &Path) -> Result<PathBuf, Trouble> {
    let target = rustix::fs::readlinkat(parent, name, Vec::new()).map_err(trouble)?;
    Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
}

/// The names of a directory. After an error there are no more.
pub(super) fn names(
    dir: &Handle,
) -> Result<impl Iterator<Item = Result<(OsString, FileType), Trouble>>, Trouble> {
    let mut listing = rustix::fs::Dir::read_from(dir).map_err(trouble)?;
    Ok(std::iter::from_fn(move || {
        loop {
            let entry = match listing.read()? {
                Ok(entry) => entry,
                Err(errno) => return Some(Err(trouble(errno))),
            };
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                return Some(Ok((OsStr::from_bytes(name).to_owned(), FileType::of(entry.file_type()))));
            }
        }
    }))
}

/// The usual case in one system call: no link and no mount point on the way. `None`: take the long way.
#[cfg(target_os = "linux")]
pub(super) fn open_straight(dir: &Handle, rel: &Path, want: Want) -> Result<Option<Handle>, Trouble> {
    use rustix::fs::ResolveFlags;
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    match rustix::fs::openat2(dir, rel, want.flags(), Mode::empty(), resolve) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NOENT) => Err(Trouble::Absent),
        // A link (LOOP), a mount point (XDEV), an old kernel (NOSYS), a filter (PERM), a race (AGAIN), or a
        // directory that may be searched but not read (ACCESS): the long way tells which.
        Err(_) => Ok(None),
    }
}

/// What stands at a place of several parts, in one system call where no link and no mount point is on the way. `None`: take
/// the long way.
#[cfg(target_os = "linux")]
pub(super) fn stat_straight(dir: &Handle, rel: &Path) -> Result<Option<Stat>, Trouble> {
    use rustix::fs::ResolveFlags;
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat2(dir, rel, flags, Mode::empty(), resolve) {
        Ok(fd) => stat(&fd).map(Some),
        Err(Errno::NOENT) => Err(Trouble::Absent),
        Err(_) => Ok(None),
    }
}

/// Only Linux has the short way.
#[cfg(not(target_os = "linux"))]
pub(super) fn stat_straight(_dir: &Handle, _rel: &Path) -> Result<Option<Stat>, Trouble> {
    Ok(None)
}

/// macOS always takes the long way.
#[cfg(not(target_os = "linux"))]
pub(super) fn open_straight(_dir: &Handle, _rel: &Path, _want: Want) -> Result<Option<Handle>, Trouble> {
    Ok(None)
}

/// Whether reads of its file system leave the machine or run somebody's program.
#[cfg(target_os = "linux")]
#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::unnecessary_cast, reason = "the field differs in width by system")
)]
pub(super) fn is_remote(handle: &Handle) -> Result<bool, Trouble> {
    rustix::fs::fstatfs(handle).map(|found| is_remote_magic(found.f_type as i64)).map_err(trouble)
}

/// Whether reads of its file system leave the machine or run somebody's program.
#[cfg(target_os = "macos")]
pub(super) fn is_remote(handle: &Handle) -> Result<bool, Trouble> {
    /// `MNT_LOCAL` (sys/mount.h).
    const LOCAL: u32 = 0x1000;
    let found = rustix::fs::fstatfs(handle).map_err(trouble)?;
    // `macfuse`, `osxfuse`, `fusefs`.
    let name: Vec<u8> =
        found.f_fstypename.iter().map(|byte| byte.cast_unsigned()).take_while(|byte| *byte != 0).collect();
    let fuse = name.windows(4).any(|part| part == b"fuse");
    Ok(fuse || found.f_flags & LOCAL == 0)
}

/// Whether a statfs magic number (linux/magic.h, and the headers of the file systems named) is of such one.
#[cfg(target_os = "linux")]
pub(super) fn is_remote_magic(magic: i64) -> bool {
    const REMOTE: [u32; 14] = [
        0x6969,      // nfs
        0x517B,      // smb
        0xFF53_4D42, // cifs
        0xFE53_4D42, // smb2
        0x6573_5546, // fuse
        0x0187,      // autofs
        0x00C3_6400, // ceph
        0x5346_414F, // afs
        0x6B41_4653, // kafs
        0x7375_7245, // coda
        0x0BD0_0BD0, // lustre
        0x0102_1997, // 9p
        0x0116_1970, // gfs2
        0x7461_636F, // ocfs2
    ];
    REMOTE.iter().any(|known| i64::from(*known) == (magic & 0xFFFF_FFFF))
}

fn trouble(errno: Errno) -> Trouble {
    match errno {
        Errno::NOENT | Errno::NOTDIR => Trouble::Absent,
        Errno::NAMETOOLONG => Trouble::TooLarge,
        _ => Trouble::Refused,
    }
}

impl Want {
    fn flags(self) -> OFlags {
        /// What opens a directory that may be searched and not read.
        #[cfg(target_os = "linux")]
        const PASSAGE: OFlags = OFlags::PATH;
        #[cfg(not(target_os = "linux"))]
        const PASSAGE: OFlags = OFlags::RDONLY;
        let access = match self {
            Self::Names => OFlags::RDONLY | OFlags::NONBLOCK,
            Self::Passage => PASSAGE,
        };
        access | OFlags::DIRECTORY | OFlags::CLOEXEC
    }
}

impl Stat {
    #[expect(clippy::unnecessary_cast, reason = "the fields differ in width and sign by system")]
    fn of(stat: &rustix::fs::Stat) -> Self {
        Self {
            kind: FileType::of(rustix::fs::FileType::from_raw_mode(stat.st_mode)),
            len: u64::try_from(stat.st_size).unwrap_or(0),
            owner: stat.st_uid,
            volume: stat.st_dev as u64,
            file: stat.st_ino,
            placeholder: is_placeholder(stat),
            links: stat.st_nlink as u64,
            mode: stat.st_mode as u32,
            changed_ns: [
                nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
                nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            ],
        }
    }
}

fn nanoseconds(seconds: i64, part: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(part)
}

/// Whether reading it would fetch it from somewhere: `SF_DATALESS` (sys/stat.h).
#[cfg(target_os = "macos")]
fn is_placeholder(stat: &rustix::fs::Stat) -> bool {
    stat.st_flags & 0x4000_0000 != 0
}

/// Linux knows no such files: what fetches on opening is a file system of its own.
#[cfg(not(target_os = "macos"))]
fn is_placeholder(_stat: &rustix::fs::Stat) -> bool {
    false
}

impl FileType {
    fn of(kind: rustix::fs::FileType) -> Self {
        match kind {
            rustix::fs::FileType::RegularFile => Self::RegularFile,
            rustix::fs::FileType::Directory => Self::Directory,
            rustix::fs::FileType::Symlink => Self::Symlink,
            rustix::fs::FileType::Unknown => Self::Unknown,
            _ => Self::Other,
        }
    }
}
