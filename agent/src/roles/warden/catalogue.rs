//! Hands the stored catalogue to those who match with it, without reading it.

use std::os::fd::AsFd;
use std::path::PathBuf;

use umbrascope_rules::bundle::PublicKey;

use crate::catalogue::{identity, open, trusted};
use crate::ipc::message::{FromDissector, FromScanner, ToDissector, ToScanner};
use crate::ipc::{Channel, SendError};

/// The stored catalogue, as far as the warden knows it.
pub(super) struct Handover {
    folder: PathBuf,
    keys: Vec<String>,
    /// The state of the file that was looked at or given last.
    seen: Option<(u64, i64, i64)>,
    /// It has another one to be given.
    pub(super) due: bool,
}

impl Handover {
    pub(super) fn new(folder: PathBuf, configured: &[PublicKey]) -> Self {
        let keys = trusted(configured).iter().map(ToString::to_string).collect();
        Self { folder, keys, seen: None, due: false }
    }

    /// Whether the file is another one than was looked at or given last.
    pub(super) fn look(&mut self) -> bool {
        let now = open(&self.folder).as_ref().and_then(identity);
        let new = now.is_some() && now != self.seen;
        self.seen = now;
        self.due |= new;
        new
    }

    /// Gives it to a dissector that works already, or that is starting. What could not be given is due still.
    pub(super) fn give(&mut self, dissector: &Channel<ToDissector, FromDissector>) {
        let Some(file) = open(&self.folder) else {
            self.due = false;
            return;
        };
        let message = ToDissector::Catalogue { keys: self.keys.clone() };
        match dissector.send_with(&message, file.as_fd()) {
            Err(SendError::Full) => self.due = true,
            // One that is gone gets it when it is started again.
            Ok(()) | Err(_) => {
                self.seen = identity(&file);
                self.due = false;
            }
        }
    }

    /// Gives it to a dissector that reads a capture file.
    pub(super) fn give_replayer(&self, dissector: &Channel<ToDissector, FromDissector>) {
        if let Some(file) = open(&self.folder) {
            let _ = dissector.send_with(&ToDissector::Catalogue { keys: self.keys.clone() }, file.as_fd());
        }
    }

    /// Says to a scanner that it may begin, and with what.
    pub(super) fn begin_scan(&self, scanner: &Channel<ToScanner, FromScanner>) -> Result<(), SendError> {
        let message = ToScanner::Begin { keys: self.keys.clone() };
        match open(&self.folder) {
            Some(file) => scanner.send_with(&message, file.as_fd()),
            None => scanner.send(&message),
        }
    }
}
