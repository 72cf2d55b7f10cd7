//! The files of the state folder.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::FILE;

pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

pub(super) fn open_private(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Renames the database out of the way and returns how often that has happened here.
pub(super) fn set_aside(folder: &Path) -> io::Result<u64> {
    let path = folder.join(FILE);
    let mut resets = 0;
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        if let Some(number) = name.to_string_lossy().strip_prefix("state.db.broken-") {
            resets = resets.max(number.parse().unwrap_or(0));
            fs::remove_file(entry.path())?;
        }
    }
    resets += 1;
    fs::rename(&path, folder.join(format!("{FILE}.broken-{resets}")))?;
    for suffix in ["-wal", "-shm"] {
        match fs::remove_file(with_suffix(&path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(resets)
}
