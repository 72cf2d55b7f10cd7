//! The system calls of [`super`] on Windows.
//!
//! Names are opened relative to the handle of their folder, one component at a time, as `openat` does, and always what
//! stands there itself: no link is followed, no drive letter, device or stream name has a meaning, and no path is too long.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::OwnedHandle;
use std::path::{Component, Path, PathBuf};

use windows_sys::Wdk::Storage::FileSystem::{
    FILE_DIRECTORY_FILE, FILE_NON_DIRECTORY_FILE, NTCREATEFILE_CREATE_OPTIONS,
};
use windows_sys::Win32::Foundation::{
    NTSTATUS, STATUS_DELETE_PENDING, STATUS_FILE_IS_A_DIRECTORY, STATUS_NAME_TOO_LONG, STATUS_NO_SUCH_FILE,
    STATUS_NOT_A_DIRECTORY, STATUS_OBJECT_NAME_INVALID, STATUS_OBJECT_NAME_NOT_FOUND,
    STATUS_OBJECT_PATH_NOT_FOUND,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_OFFLINE, FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS,
    FILE_ATTRIBUTE_RECALL_ON_OPEN, FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_LIST_DIRECTORY, FILE_READ_ATTRIBUTES, FILE_READ_DATA, FILE_SHARE_DELETE, FILE_SHARE_READ,
    FILE_SHARE_WRITE, FILE_TRAVERSE, READ_CONTROL, SYNCHRONIZE,
};

use super::reparse::{self, Target};
use super::sid::Sid;
use super::{FileType, Stat, Trouble, Want};

mod calls;

/// An open file or directory.
pub(super) type Handle = OwnedHandle;
/// Whose a file is: the SID of its owner.
pub type OwnerId = Sid;

/// What any look at a file needs; `READ_CONTROL` tells the owner.
const LOOK: u32 = FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE;
/// The content is elsewhere and would be fetched: of the file, of a folder's names, or from a tape.
const PLACEHOLDER: u32 =
    FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS | FILE_ATTRIBUTE_RECALL_ON_OPEN | FILE_ATTRIBUTE_OFFLINE;
/// `IsReparseTagNameSurrogate`: it stands for another file.
const SURROGATE: u32 = 0x2000_0000;

/// Whether links of this owner are to be trusted anywhere.
pub(super) fn is_system(owner: OwnerId) -> bool {
    owner.is_system()
}

/// Whether the root of a drive (`D:\`) is on a disk of this machine.
pub(crate) fn is_local_drive(root: &Path) -> bool {
    calls::is_fixed(root.as_os_str())
}

/// Opens the directory that a scan reads as `/`.
pub(super) fn open_root(path: &Path) -> Result<Handle, Trouble> {
    let mut options = OpenOptions::new();
    options
        .access_mode(Want::Names.access())
        .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    options.open(path).map(OwnedHandle::from).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Trouble::Absent,
        _ => Trouble::Refused,
    })
}

/// Opens a directory by its name in another, never through a link.
pub(super) fn open_dir(parent: &Handle, name: &OsStr, want: Want) -> Result<Handle, Trouble> {
    let handle = open(parent, name, want.access(), FILE_DIRECTORY_FILE)?;
    match stat(&handle)?.kind {
        FileType::Directory => Ok(handle),
        _ => Err(Trouble::Refused),
    }
}

/// Opens what is a regular file, it is hoped: never through a link.
pub(super) fn open_file(parent: &Handle, name: &OsStr) -> Result<Handle, Trouble> {
    open(parent, name, LOOK | FILE_READ_DATA, FILE_NON_DIRECTORY_FILE)
}

/// The same directory, with the right to read its names.
pub(super) fn with_names(dir: &Handle) -> Result<Handle, Trouble> {
    calls::open(dir, &[], Want::Names.access(), FILE_DIRECTORY_FILE).map_err(trouble)
}

/// What is open.
pub(super) fn stat(handle: &Handle) -> Result<Stat, Trouble> {
    let found = calls::information(handle).map_err(|_| Trouble::Refused)?;
    let tag = if found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT == 0 {
        0
    } else {
        calls::reparse_tag(handle).map_err(|_| Trouble::Refused)?
    };
    Ok(Stat {
        kind: kind(found.dwFileAttributes, tag),
        len: both(found.nFileSizeHigh, found.nFileSizeLow),
        owner: calls::owner(handle).and_then(|bytes| Sid::read(&bytes)).unwrap_or(Sid::NOBODY),
        volume: u64::from(found.dwVolumeSerialNumber),
        file: both(found.nFileIndexHigh, found.nFileIndexLow),
        placeholder: found.dwFileAttributes & PLACEHOLDER != 0,
        links: u64::from(found.nNumberOfLinks),
        mode: 0,
        changed_ns: [nanoseconds(found.ftLastWriteTime.dwHighDateTime, found.ftLastWriteTime.dwLowDateTime);
            2],
    })
}

fn both(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// A path of its bytes; of Windows' own paths those that are Unicode can be written down.
pub(crate) fn path_of(bytes: &[u8]) -> Option<&Path> {
    std::str::from_utf8(bytes).ok().map(Path::new)
}

/// Reads at a place of a file.
pub(crate) fn read_at(file: &std::fs::File, bytes: &mut [u8], at: u64) -> std::io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, at)
}

/// Steps of 100 ns since 1601, as Unix time.
fn nanoseconds(high: u32, low: u32) -> i128 {
    const FROM_1601_TO_1970_S: i128 = 11_644_473_600;
    i128::from(both(high, low)) * 100 - FROM_1601_TO_1970_S * 1_000_000_000
}

/// There is no short way to a place of several parts.
pub(super) fn stat_straight(_dir: &Handle, _rel: &Path) -> Result<Option<Stat>, Trouble> {
    Ok(None)
}

/// What stands at a name, a link not followed.
pub(super) fn stat_at(parent: &Handle, name: &OsStr) -> Result<Stat, Trouble> {
    stat(&open(parent, name, LOOK, 0)?)
}

/// Where a link points. Of drives, the system's own is known: the tree that is scanned is one.
pub(super) fn link(parent: &Handle, name: &Path) -> Result<PathBuf, Trouble> {
    let handle = open(parent, name.as_os_str(), LOOK, 0)?;
    let data = calls::reparse_data(&handle).map_err(|_| Trouble::Refused)?;
    match reparse::target(&data)? {
        Target::Here(path) => Ok(path.into()),
        Target::Drive(letter, path) => {
            let system = std::env::var("SystemDrive").ok().and_then(|drive| drive.chars().next());
            let own = system.unwrap_or('C').eq_ignore_ascii_case(&letter);
            if own { Ok(path.into()) } else { Err(Trouble::Skipped) }
        }
    }
}

/// The names of a directory. After an error there are no more.
pub(super) fn names(
    dir: &Handle,
) -> Result<impl Iterator<Item = Result<(OsString, FileType), Trouble>>, Trouble> {
    let mut listing = calls::Listing::new();
    let mut page =
        listing.next(dir).map_err(|_| Trouble::Refused)?.map(entries).unwrap_or_default().into_iter();
    Ok(std::iter::from_fn(move || {
        loop {
            if let Some(entry) = page.next() {
                return Some(Ok(entry));
            }
            match listing.next(dir) {
                Ok(None) => return None,
                Ok(Some(bytes)) => page = entries(bytes).into_iter(),
                Err(_) => return Some(Err(Trouble::Refused)),
            }
        }
    }))
}

/// The usual case: no link on the way. `None`: take the long way, which tells what else there is.
pub(super) fn open_straight(dir: &Handle, rel: &Path, want: Want) -> Result<Option<Handle>, Trouble> {
    let mut here = None;
    let mut components = rel.components().peekable();
    while let Some(component) = components.next() {
        let Component::Normal(name) = component else { return Ok(None) };
        let want = if components.peek().is_some() { Want::Passage } else { want };
        let handle = match open(here.as_ref().unwrap_or(dir), name, want.access(), FILE_DIRECTORY_FILE) {
            Ok(handle) => handle,
            Err(Trouble::Absent) => return Err(Trouble::Absent),
            Err(_) => return Ok(None),
        };
        let found = calls::information(&handle).map_err(|_| Trouble::Refused)?;
        if found.dwFileAttributes & (FILE_ATTRIBUTE_REPARSE_POINT | PLACEHOLDER) != 0 {
            return Ok(None);
        }
        here = Some(handle);
    }
    Ok(here)
}

/// Another volume is reached through a link only, and such a link is not followed.
pub(super) fn is_remote(_handle: &Handle) -> Result<bool, Trouble> {
    Ok(true)
}

fn open(
    parent: &Handle,
    name: &OsStr,
    access: u32,
    options: NTCREATEFILE_CREATE_OPTIONS,
) -> Result<Handle, Trouble> {
    let wide: Vec<u16> = name.encode_wide().collect();
    // No file has such a name: a separator, the mark of a stream, the folder itself, or the end of a text.
    let odd = |unit: &u16| [b'\\', b'/', b':', 0].map(u16::from).contains(unit);
    if wide.is_empty() || wide.iter().any(odd) {
        return Err(Trouble::Absent);
    }
    calls::open(parent, &wide, access, options).map_err(trouble)
}

fn trouble(status: NTSTATUS) -> Trouble {
    match status {
        STATUS_OBJECT_NAME_NOT_FOUND
        | STATUS_OBJECT_PATH_NOT_FOUND
        | STATUS_OBJECT_NAME_INVALID
        | STATUS_NO_SUCH_FILE
        | STATUS_NOT_A_DIRECTORY
        | STATUS_FILE_IS_A_DIRECTORY
        | STATUS_DELETE_PENDING => Trouble::Absent,
        STATUS_NAME_TOO_LONG => Trouble::TooLarge,
        _ => Trouble::Refused,
    }
}

fn kind(attributes: u32, tag: u32) -> FileType {
    if attributes & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
        match tag {
            reparse::SYMLINK | reparse::MOUNT_POINT => return FileType::Symlink,
            tag if tag & SURROGATE != 0 => return FileType::Other,
            // A mark of a driver on what is a file or a folder all the same, as clouds set it.
            _ => {}
        }
    }
    if attributes & FILE_ATTRIBUTE_DIRECTORY != 0 { FileType::Directory } else { FileType::RegularFile }
}

/// What a page of `FILE_ID_BOTH_DIR_INFO` holds. Windows writes it; it is read as if anybody had.
fn entries(page: &[u8]) -> Vec<(OsString, FileType)> {
    let number = |at: usize| page.get(at..at + 4)?.first_chunk().copied().map(u32::from_le_bytes);
    let mut entries = Vec::new();
    let mut at = 0;
    loop {
        let entry = || {
            let (next, attributes, length, tag) =
                (number(at)?, number(at + 56)?, number(at + 60)?, number(at + 64)?);
            let name = page.get(at + 104..at + 104 + usize::try_from(length).ok()?)?;
            let wide: Vec<u16> =
                name.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
            Some((usize::try_from(next).ok()?, OsString::from_wide(&wide), kind(attributes, tag)))
        };
        let Some((next, name, kind)) = entry() else { return entries };
        if name != "." && name != ".." {
            entries.push((name, kind));
        }
        if next == 0 {
            return entries;
        }
        at += next;
    }
}

impl Want {
    fn access(self) -> u32 {
        match self {
            Self::Names => LOOK | FILE_TRAVERSE | FILE_LIST_DIRECTORY,
            Self::Passage => LOOK | FILE_TRAVERSE,
        }
    }
}
