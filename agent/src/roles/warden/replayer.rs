//! Capture files: a dissector for one after the other.

use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use super::child::Child;
use super::{REPLAY_ATTEMPTS, Warden, WardenError, connect};
use crate::ipc::Received;
use crate::ipc::message::{FromDissector, ToDissector, ToUplink};
use crate::roles::Role;

impl Warden {
    pub(super) fn start_replayer(&mut self) -> Result<(), WardenError> {
        let (child, _) = Child::start(Role::Dissector, &[], self.replayer_backoff.starts())
            .map_err(|e| WardenError::System("start a dissector for a capture file", e))?;
        if let Some((path, file)) = self.replays.front_mut() {
            // The descriptor shares its position with the one an earlier dissector read from.
            let _ = io::Seek::rewind(file);
            tracing::info!(file = %path.display(), "feeding in a capture");
            self.catalogue.give_replayer(&child.control);
            let _ = child.control.send_with(&ToDissector::Replay, file.as_fd());
        }
        self.replayer_backoff.started(Instant::now());
        self.replayer_attempts += 1;
        self.replayer = Some(child);
        self.connect_replayer();
        Ok(())
    }

    /// After its file, or in the middle of it; a file that cannot be got through is left after a few attempts.
    pub(super) fn replayer_ended(&mut self) {
        self.replayer = None;
        self.replayer_backoff.died(Instant::now());
        if self.replayer_attempts >= REPLAY_ATTEMPTS
            && let Some((path, _)) = self.replays.pop_front()
        {
            tracing::error!(file = %path.display(), "the dissector died of this capture; it is left out");
            self.replayer_attempts = 0;
        }
    }

    pub(super) fn read_replayer(&mut self) {
        while let Some(replayer) = &mut self.replayer {
            match replayer.control.receive() {
                Ok(Received::Message(FromDissector::ReplayDone { trouble }, _)) => {
                    if let (Some((path, _)), trouble) = (self.replays.pop_front(), trouble) {
                        match trouble {
                            None => tracing::info!(file = %path.display(), "the capture is fed in"),
                            Some(trouble) => {
                                tracing::warn!(file = %path.display(), trouble, "the capture could not be read to its end");
                            }
                        }
                    }
                    self.replayer_backoff.works();
                    self.replayer_attempts = 0;
                }
                Ok(Received::Message(FromDissector::Ready { .. } | FromDissector::Whose(_), _)) => {}
                Ok(Received::Empty | Received::Closed) => return,
                Err(_) => {
                    replayer.kill();
                    return;
                }
            }
        }
    }

    pub(super) fn connect_replayer(&mut self) {
        if let (Some(replayer), Some(_)) = (&self.replayer, &self.uplink) {
            let socket = connect(&replayer.control);
            self.to_uplink.extend(socket.map(|socket| (ToUplink::Capture, Some(socket))));
        }
    }
}
