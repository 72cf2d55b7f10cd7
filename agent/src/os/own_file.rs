//! The agent's own files, in a folder that is its own: replaced whole, and opened only if they are plain.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file so that whoever reads it, and whatever ends this process, sees the old one or the new one whole.
///
/// Writes a file of mode 0600 beside, syncs it, puts it in place and syncs the folder. What stands beside from before is made
/// anew, so that no link which somebody may have laid there is followed. `before` gets the file before it has its name.
pub fn replace(
    folder: &Path,
    name: &str,
    content: &[u8],
    before: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let beside = folder.join(format!("{name}.new"));
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    system::for_the_owner_only(&mut options);
    let mut file = options.write(true).create_new(true).open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    before(&file)?;
    fs::rename(&beside, folder.join(name))?;
    system::sync_folder(folder)
}

/// Opens a plain file, never through a link.
pub fn open_plain(path: &Path) -> Option<File> {
    let mut options = OpenOptions::new();
    system::no_link(&mut options);
    let file = options.read(true).open(path).ok()?;
    file.metadata().is_ok_and(|metadata| metadata.is_file()).then_some(file)
}

#[cfg(unix)]
mod system {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    use super::*;

    pub(super) fn for_the_owner_only(options: &mut OpenOptions) {
        options.mode(0o600);
    }

    pub(super) fn no_link(options: &mut OpenOptions) {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    }

    pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

/// A file has the rights of its folder here, and NTFS keeps its names in a journal.
#[cfg(windows)]
mod system {
    use std::os::windows::fs::OpenOptionsExt;

    use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_OPEN_REPARSE_POINT;

    use super::*;

    pub(super) fn for_the_owner_only(_options: &mut OpenOptions) {}

    /// A link opened itself is no plain file to the metadata.
    pub(super) fn no_link(options: &mut OpenOptions) {
        options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    }

    pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
        Ok(())
    }
}
