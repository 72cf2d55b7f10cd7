//! A capture file, read to its end: nothing is dropped, for a file can wait.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;

use ring::digest::{Context, SHA256};
use rustix::event::PollFlags;

use super::{Control, Order, pump, read_control, read_stored, send_control, sighting, wait};
use crate::capture::pcap::CaptureReader;
use crate::ipc::message::{FromDissector, StreamId};
use crate::pipeline::Pipeline;
use crate::roles::outbox::{Outbox, ToUplink};

/// Frames of a capture file between two looks at the other descriptors.
const REPLAY_IN_A_ROW: usize = 4096;

/// A capture file.
pub(super) struct Replay {
    pub(super) control: Control,
    pub(super) uplink: Option<ToUplink>,
    pub(super) pipeline: Pipeline,
    pub(super) outbox: Outbox,
}

impl Replay {
    pub(super) fn run(mut self, file: File) -> io::Result<()> {
        let mut frames = 0;
        let mut trouble = None;
        match CaptureReader::new(file) {
            Err(error) => trouble = Some(error.to_string()),
            Ok(mut capture) => loop {
                match capture.next_frame() {
                    Ok(Some(frame)) => self.pipeline.handle_frame(frame.at, frame.link, frame.bytes),
                    Ok(None) => break,
                    Err(error) => {
                        trouble = Some(error.to_string());
                        break;
                    }
                }
                self.collect()?;
                frames += 1;
                if frames % REPLAY_IN_A_ROW == 0 && matches!(self.serve(Some(0))?, Order::Finish) {
                    return Ok(());
                }
            },
        }
        self.pipeline.finish();
        self.collect()?;
        self.outbox.pack(u64::MAX);
        while !self.outbox.is_empty() {
            if matches!(self.serve(None)?, Order::Finish) {
                return Ok(());
            }
        }
        send_control(&self.control, &FromDissector::ReplayDone { trouble });
        Ok(())
    }

    /// A file can wait: nothing is dropped while the uplink is slow or being started again.
    fn collect(&mut self) -> io::Result<()> {
        let mut found = Vec::new();
        while let Some(matched) = self.pipeline.poll_matched() {
            found.push(sighting(matched));
        }
        for (number, sighting) in found {
            while self.outbox.is_full() {
                if matches!(self.serve(None)?, Order::Finish) {
                    return Err(io::Error::other("told to end in the middle of a capture file"));
                }
            }
            self.outbox.push(number, sighting, 0);
        }
        Ok(())
    }

    fn serve(&mut self, timeout_us: Option<u64>) -> io::Result<Order> {
        self.outbox.pack(0);
        pump(&mut self.uplink, &mut self.outbox);
        let uplink_events =
            if self.outbox.has_unsent() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let mut waited = vec![(self.control.as_fd(), PollFlags::IN)];
        waited.extend(self.uplink.as_ref().map(|uplink| (uplink.as_fd(), uplink_events)));
        wait(&waited, timeout_us)?;
        let order = read_control(&mut self.control, &mut self.outbox, &mut self.uplink, None)?;
        // A capture file's names are judged by the rules alone: nothing of it is of today.
        read_stored(&mut self.uplink, &mut self.outbox);
        pump(&mut self.uplink, &mut self.outbox);
        Ok(order)
    }
}

/// A hash of all of a file as it is, compressed or not, which is then at its beginning again.
pub(super) fn content_id(file: &mut File) -> io::Result<StreamId> {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => context.update(&buffer[..length]),
        }
    }
    file.rewind()?;
    let mut id = [0; 16];
    id.copy_from_slice(&context.finish().as_ref()[..16]);
    Ok(StreamId(id))
}
