//! What a scanner knows of the places it looked at, kept for the next one. The warden does not read it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_get_seals, fstat, memfd_create};

use crate::ipc::message::{FromScanner, ToScanner};
use crate::ipc::{Channel, SendError};
use crate::scan::JOURNAL_BYTES;

/// The journal of the last scanner that came to its end, and the one that the next is to fill. They are files in memory that belong to
/// the kernel: no process has their pages mapped.
#[derive(Debug, Default)]
pub(super) struct Journals {
    kept: Option<OwnedFd>,
    filling: Option<OwnedFd>,
    /// The scanner looks only at what changed.
    looking: bool,
    /// Whether the last scanner came to its end is not known, or it did not.
    again: bool,
}

impl Journals {
    /// Whether there is one to look with.
    pub(super) fn can_look(&self) -> bool {
        self.kept.is_some()
    }

    /// Whether the scanner that runs looks only at what changed.
    pub(super) fn looking(&self) -> bool {
        self.looking
    }

    /// A scanner is about to start.
    pub(super) fn prepare(&mut self, looking: bool) -> io::Result<()> {
        self.looking = looking;
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        self.filling = Some(memfd_create("umbrascope-journal", flags)?);
        Ok(())
    }

    /// Says it to the scanner, before the word to begin.
    pub(super) fn give(&self, scanner: &Channel<ToScanner, FromScanner>) -> Result<(), SendError> {
        if let Some(filling) = &self.filling {
            scanner.send_with(&ToScanner::Journal, filling.as_fd())?;
        }
        if let Some(kept) = self.kept.as_ref().filter(|_| self.looking) {
            scanner.send_with(&ToScanner::Changed { again: self.again }, kept.as_fd())?;
        }
        Ok(())
    }

    /// The scanner ended. One that filled nothing leaves the earlier journal as it is: nothing moved, or it did not come to
    /// its end, and what it saw is still to be seen.
    pub(super) fn ended(&mut self, well: bool) {
        let filled = self.filling.take().filter(|_| well).filter(|file| {
            let sealed = fcntl_get_seals(file)
                .is_ok_and(|seals| seals.contains(SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK));
            let length = fstat(file).ok().and_then(|stat| usize::try_from(stat.st_size).ok()).unwrap_or(0);
            sealed && (1..=JOURNAL_BYTES).contains(&length)
        });
        self.kept = filled.or(self.kept.take());
        self.again = !well;
        self.looking = false;
    }
}
