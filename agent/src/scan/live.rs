//! What a scan of this running machine does beside reading its files, system by system.

use std::path::{Path, PathBuf};

/// Where its tree begins.
pub(super) fn root() -> PathBuf {
    system::root()
}

/// What its absolute paths begin with where systems have drives: the letter and a colon, elsewhere nothing.
pub(super) fn drive() -> String {
    root().to_string_lossy().trim_end_matches(['/', '\\']).to_owned()
}

/// The root of another drive of this machine, by its letter. `None`: it is somebody else's, as a drive of the network is, or there are no
/// drives.
pub(super) fn other_drive(letter: char) -> Option<PathBuf> {
    system::other_drive(letter)
}

/// Places below a tree whose look already could block, as seen from there, to be left alone.
pub(super) fn untouched(root: &Path) -> Vec<PathBuf> {
    system::untouched(root)
}

#[cfg(target_os = "linux")]
mod system {
    use super::*;

    pub(super) fn root() -> PathBuf {
        "/".into()
    }

    pub(super) fn other_drive(_letter: char) -> Option<PathBuf> {
        None
    }

    pub(super) fn untouched(root: &Path) -> Vec<PathBuf> {
        super::super::mounts::remote(root)
    }
}

/// Remote volumes are known by their flags where they begin, and are mounted below `/Volumes`, where nothing is looked for.
#[cfg(target_os = "macos")]
mod system {
    use super::*;

    pub(super) fn root() -> PathBuf {
        "/".into()
    }

    pub(super) fn other_drive(_letter: char) -> Option<PathBuf> {
        None
    }

    pub(super) fn untouched(_root: &Path) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// One drive is one tree; what is mounted in it elsewhere is a link that is not followed.
#[cfg(windows)]
mod system {
    use super::super::safe::is_local_drive;
    use super::*;

    /// The system drive.
    pub(super) fn root() -> PathBuf {
        let drive = std::env::var("SystemDrive").ok().filter(|drive| {
            let bytes = drive.as_bytes();
            bytes.len() == 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
        });
        PathBuf::from(drive.unwrap_or_else(|| "C:".into()) + r"\")
    }

    pub(super) fn other_drive(letter: char) -> Option<PathBuf> {
        let root = PathBuf::from(format!(r"{letter}:\"));
        is_local_drive(&root).then_some(root)
    }

    pub(super) fn untouched(_root: &Path) -> Vec<PathBuf> {
        Vec::new()
    }
}
