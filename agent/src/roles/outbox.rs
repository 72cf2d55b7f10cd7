//! Sightings on their way from the dissector to the uplink.
//!
//! A sighting stays here until the uplink says that it is stored. When the uplink died and another took its place, all that is
//! here is sent again; the uplink knows by the numbers what it had stored. Bounded: what does not fit is
//! counted and dropped, since capture must never wait.

use std::collections::VecDeque;

use crate::ipc::message::{FromCapture, Sighting, Stored, StreamId};
use crate::ipc::{Channel, SendError};

/// Sightings kept, at some 300 bytes each.
pub const CAPACITY: usize = 4096;

/// The end of a channel that a dissector holds to its uplink.
pub type ToUplink = Channel<FromCapture, Stored>;

/// The queue.
#[derive(Debug)]
pub struct Outbox {
    stream: StreamId,
    replayed: bool,
    waiting: VecDeque<(u64, Sighting)>,
    /// How many of `waiting`, from the front, went out over the present channel.
    sent: usize,
    dropped: u64,
}

impl Outbox {
    /// An empty queue of one stream.
    pub fn new(stream: StreamId, replayed: bool) -> Self {
        Self { stream, replayed, waiting: VecDeque::new(), sent: 0, dropped: 0 }
    }

    /// Adds a sighting, or counts it as dropped. Numbers must ascend.
    pub fn push(&mut self, number: u64, sighting: Sighting) {
        if self.is_full() {
            self.dropped += 1;
        } else {
            self.waiting.push_back((number, sighting));
        }
    }

    /// Whether the next sighting would be dropped.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= CAPACITY
    }

    /// Whether everything is stored.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether something has not gone out yet.
    pub fn has_unsent(&self) -> bool {
        self.sent < self.waiting.len()
    }

    /// Sightings dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// A new channel: all of it goes out again.
    pub fn reconnected(&mut self) {
        self.sent = 0;
    }

    /// The uplink stored everything up to a number.
    pub fn stored(&mut self, stored: &Stored) {
        if stored.stream != self.stream {
            return;
        }
        while self.waiting.front().is_some_and(|(number, _)| *number <= stored.number) {
            self.waiting.pop_front();
            self.sent = self.sent.saturating_sub(1);
        }
    }

    /// Sends what fits now.
    pub fn pump(&mut self, channel: &ToUplink) -> Result<(), SendError> {
        while let Some((number, sighting)) = self.waiting.get(self.sent) {
            let message = FromCapture::Sighting {
                stream: self.stream,
                number: *number,
                replayed: self.replayed,
                sighting: sighting.clone(),
            };
            match channel.send(&message) {
                Ok(()) => self.sent += 1,
                Err(SendError::Full) => return Ok(()),
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::message::Flow;
    use crate::ipc::{Received, pair};
    use umbrascope_api::Day;

    const STREAM: StreamId = StreamId([9; 16]);

    fn sighting() -> Sighting {
        Sighting {
            day: Day::from_number(20_778).unwrap(),
            rule: "a.b.c".to_owned(),
            channel: "tls".to_owned(),
            name: "a.example".to_owned(),
            flow: Flow {
                udp: false,
                client: ([127, 0, 0, 1], 1).into(),
                server: ([127, 0, 0, 1], 2).into(),
            },
        }
    }

    fn numbers(uplink: &mut Channel<Stored, FromCapture>) -> Vec<u64> {
        let mut seen = Vec::new();
        while let Ok(Received::Message(FromCapture::Sighting { number, .. }, _)) = uplink.receive() {
            seen.push(number);
        }
        seen
    }

    fn ends() -> (ToUplink, Channel<Stored, FromCapture>) {
        let (one, other) = pair().unwrap();
        (Channel::new(one), Channel::new(other))
    }

    #[test]
    fn what_was_not_stored_goes_out_again_over_a_new_channel() {
        let mut outbox = Outbox::new(STREAM, false);
        (1..=3).for_each(|number| outbox.push(number, sighting()));
        let (here, mut uplink) = ends();
        outbox.pump(&here).unwrap();
        assert_eq!(numbers(&mut uplink), [1, 2, 3]);
        outbox.stored(&Stored { stream: STREAM, number: 1 });
        drop(uplink);
        assert!(matches!(outbox.pump(&here), Ok(()) | Err(SendError::Closed)));
        let (here, mut uplink) = ends();
        outbox.reconnected();
        outbox.push(4, sighting());
        outbox.pump(&here).unwrap();
        assert_eq!(numbers(&mut uplink), [2, 3, 4]);
        outbox.stored(&Stored { stream: STREAM, number: 4 });
        assert!(outbox.is_empty() && !outbox.has_unsent());
    }

    #[test]
    fn an_answer_about_another_stream_changes_nothing() {
        let mut outbox = Outbox::new(STREAM, false);
        outbox.push(1, sighting());
        outbox.stored(&Stored { stream: StreamId([8; 16]), number: 1 });
        assert!(!outbox.is_empty());
    }

    #[test]
    fn a_full_queue_counts_what_it_drops_and_keeps_what_it_has() {
        let mut outbox = Outbox::new(STREAM, false);
        for number in 0..CAPACITY as u64 + 5 {
            outbox.push(number, sighting());
        }
        assert_eq!(outbox.dropped(), 5);
        let (here, mut uplink) = ends();
        let mut received = Vec::new();
        while outbox.has_unsent() {
            outbox.pump(&here).unwrap();
            received.extend(numbers(&mut uplink));
        }
        assert_eq!(received, (0..CAPACITY as u64).collect::<Vec<_>>());
    }
}
