//! Hands the stored catalogue, and the organisation's own rules, to those who match with it, without reading them.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use umbrascope_rules::bundle::PublicKey;

use crate::catalogue::open;
use crate::ipc::message::{FromDissector, FromScanner, ToDissector, ToScanner};
use crate::ipc::{Channel, SendError};
use crate::own::OwnShelf;

/// The state of a file.
type Identity = Option<(u64, i64, i64)>;

/// What is stored, as far as the warden knows it.
pub(super) struct Handover {
    folder: PathBuf,
    keys: Vec<String>,
    own: OwnShelf,
    /// The states of the files that were looked at or given last: catalogue and own rules.
    seen: [Identity; 2],
    /// It has others to be given.
    pub(super) due: bool,
}

impl Handover {
    pub(super) fn new(folder: PathBuf, configured: &[PublicKey], own: OwnShelf) -> Self {
        let keys = PublicKey::trusted(configured).iter().map(ToString::to_string).collect();
        Self { folder, keys, own, seen: [None, None], due: false }
    }

    /// Whether a file is another one than was looked at or given last.
    pub(super) fn look(&mut self) -> bool {
        let own = self.own.handed().and_then(|(file, _)| identity(&file));
        let now = [open(&self.folder).as_ref().and_then(identity), own];
        let new = now.iter().zip(&self.seen).any(|(now, seen)| now.is_some() && now != seen);
        self.seen = now;
        self.due |= new;
        new
    }

    /// Gives all to a dissector that works already, or that is starting. What could not be given is due still.
    pub(super) fn give(&mut self, dissector: &Channel<ToDissector, FromDissector>) {
        self.due = false;
        if let Some(file) = open(&self.folder) {
            let message = ToDissector::Catalogue { keys: self.keys.clone() };
            match dissector.send_with(&message, file.as_fd()) {
                Err(SendError::Full) => self.due = true,
                // One that is gone gets it when it is started again.
                Ok(()) | Err(_) => self.seen[0] = identity(&file),
            }
        }
        if let Some((file, keys)) = self.own.handed() {
            match dissector.send_with(&ToDissector::OwnRules { keys }, file.as_fd()) {
                Err(SendError::Full) => self.due = true,
                Ok(()) | Err(_) => self.seen[1] = identity(&file),
            }
        }
    }

    /// Gives all to a dissector that reads a capture file.
    pub(super) fn give_replayer(&self, dissector: &Channel<ToDissector, FromDissector>) {
        if let Some(file) = open(&self.folder) {
            let _ = dissector.send_with(&ToDissector::Catalogue { keys: self.keys.clone() }, file.as_fd());
        }
        if let Some((file, keys)) = self.own.handed() {
            let _ = dissector.send_with(&ToDissector::OwnRules { keys }, file.as_fd());
        }
    }

    /// Says to a scanner that it may begin, and with what.
    pub(super) fn begin_scan(&self, scanner: &Channel<ToScanner, FromScanner>) -> Result<(), SendError> {
        if let Some((file, keys)) = self.own.handed() {
            scanner.send_with(&ToScanner::OwnRules { keys }, file.as_fd())?;
        }
        let message = ToScanner::Begin { keys: self.keys.clone() };
        match open(&self.folder) {
            Some(file) => scanner.send_with(&message, file.as_fd()),
            None => scanner.send(&message),
        }
    }
}

/// Tells two states of the file apart.
fn identity(file: &File) -> Identity {
    let metadata = file.metadata().ok()?;
    Some((metadata.ino(), metadata.mtime(), metadata.mtime_nsec()))
}
