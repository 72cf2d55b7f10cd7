//! Replacing a file so that whoever reads it, and whatever ends this process, sees the old one or the new one whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

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
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    before(&file)?;
    fs::rename(&beside, folder.join(name))?;
    File::open(folder)?.sync_all()
}
