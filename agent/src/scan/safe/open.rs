//! Opening one thing and being sure that it is the thing that was looked at.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, Stat};

use super::Trouble;

/// Opens what `looked` described, and nothing else.
pub(super) fn open_looked_at(parent: &OwnedFd, name: &OsStr, looked: &Stat) -> Result<(File, Stat), Trouble> {
    if kind_of(looked) != FileType::RegularFile {
        return Err(if kind_of(looked) == FileType::Directory { Trouble::Absent } else { Trouble::Refused });
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(parent, name, flags, Mode::empty()).map_err(Trouble::from_errno)?;
    let stat = rustix::fs::fstat(&fd).map_err(Trouble::from_errno)?;
    let same = dev_of(&stat) == dev_of(looked) && stat.st_ino == looked.st_ino;
    if !same || kind_of(&stat) != FileType::RegularFile {
        return Err(Trouble::Refused);
    }
    Ok((File::from(fd), stat))
}

pub(super) fn kind_of(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

#[expect(clippy::unnecessary_cast, reason = "st_dev differs in width and sign by system")]
pub(super) fn dev_of(stat: &Stat) -> u64 {
    stat.st_dev as u64
}

/// Refuses a remote or FUSE file system where one begins.
pub(super) fn check_file_system(fd: impl AsFd, stat: &Stat, above: u64) -> Result<(), Trouble> {
    if dev_of(stat) == above {
        return Ok(());
    }
    let magic = rustix::fs::fstatfs(fd).map_err(Trouble::from_errno)?.f_type as i64;
    if is_remote(magic) { Err(Trouble::Skipped) } else { Ok(()) }
}

/// Whether a statfs magic number (linux/magic.h, and the headers of the file systems named) is of a file system
/// whose reads leave the machine or run somebody's program.
pub(super) fn is_remote(magic: i64) -> bool {
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
