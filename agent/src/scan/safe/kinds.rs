//! The words of [`super`]: why something was not read, and what stands at a name.

use serde::{Deserialize, Serialize};
use umbrascope_api::SourceState;

use super::OwnerId;

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
    /// On a remote or FUSE file system, or in a form that is not read.
    Skipped,
    /// Not of its format.
    Malformed,
}

impl Trouble {
    /// Why reading a file ended before it did.
    pub(crate) fn of_reading(error: std::io::ErrorKind) -> Self {
        if error == std::io::ErrorKind::TimedOut { Self::TimedOut } else { Self::Refused }
    }

    /// The same of what begins too late: a file that ends there is not of its format.
    pub(crate) fn of_start(error: std::io::ErrorKind) -> Self {
        if error == std::io::ErrorKind::UnexpectedEof { Self::Malformed } else { Self::of_reading(error) }
    }

    /// The same of a reader of JSON.
    pub(crate) fn of_json(error: &serde_json::Error) -> Self {
        error.io_error_kind().map_or(Self::Malformed, Self::of_reading)
    }

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
}

/// What stands at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileType {
    RegularFile,
    Directory,
    /// A symbolic link; on Windows a junction too.
    Symlink,
    /// A device, a FIFO, a socket, or what a driver of Windows makes something else of.
    Other,
    /// The listing does not tell.
    #[cfg_attr(windows, expect(dead_code, reason = "its listings tell"))]
    Unknown,
}

impl FileType {
    pub(crate) fn is_dir(self) -> bool {
        self == Self::Directory
    }

    pub(crate) fn is_file(self) -> bool {
        self == Self::RegularFile
    }
}

/// What the system says of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stat {
    pub(super) kind: FileType,
    pub(super) len: u64,
    pub(super) owner: OwnerId,
    /// With `file`: the same file under two names has the same.
    pub(super) volume: u64,
    pub(super) file: u64,
    /// Its content is elsewhere and would be fetched.
    pub(super) placeholder: bool,
    /// How many names it has.
    pub(super) links: u64,
    /// Who may do what, in the system's own bits.
    pub(super) mode: u32,
    /// When its content and when its status changed, Unix time in nanoseconds.
    pub(super) changed_ns: [i128; 2],
}

impl Stat {
    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        (self.volume, self.file) == (other.volume, other.file)
    }
}

/// What a directory is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// To read its names.
    Names,
    /// To go through it.
    Passage,
}
