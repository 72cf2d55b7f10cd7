//! Sightings on their way from the dissector to the uplink.
//!
//! A sighting stays here until the uplink says that it is stored. When the uplink died and another took its place, all that is
//! here is sent again; the uplink knows by the numbers what it had stored. Bounded: what does not fit is
//! counted and dropped, since capture must never wait.

use std::collections::VecDeque;

use crate::ipc::message::{FromCapture, Owner, Sighting, Stored, StreamId};
use crate::ipc::{Channel, SendError};

/// Sightings kept, at some 300 bytes each.
pub const CAPACITY: usize = 4096;

/// Patience for the word whose a connection is, in microseconds.
const PATIENCE_US: u64 = 1_000_000;

/// The end of a channel that a dissector holds to its uplink.
pub type ToUplink = Channel<FromCapture, Stored>;

/// The queue.
#[derive(Debug)]
pub struct Outbox {
    stream: StreamId,
    replayed: bool,
    waiting: VecDeque<Entry>,
    /// How many of `waiting`, from the front, went out over the present channel.
    sent: usize,
    dropped: u64,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    sighting: Sighting,
    /// Until when its owner is waited for; `None` once that is known or given up.
    owner_until_us: Option<u64>,
}

impl Outbox {
    /// An empty queue of one stream.
    pub fn new(stream: StreamId, replayed: bool) -> Self {
        Self { stream, replayed, waiting: VecDeque::new(), sent: 0, dropped: 0 }
    }

    /// Adds a sighting whose owner is known, or never will be. Numbers must ascend.
    pub fn push(&mut self, number: u64, sighting: Sighting) -> bool {
        self.push_entry(Entry { number, sighting, owner_until_us: None })
    }

    /// Adds a sighting whose owner was asked for. It stays until the answer comes, or [`PATIENCE_US`] have passed; those
    /// behind it stay too. False if it had to be dropped.
    pub fn push_asking(&mut self, number: u64, sighting: Sighting, now_us: u64) -> bool {
        self.push_entry(Entry { number, sighting, owner_until_us: Some(now_us + PATIENCE_US) })
    }

    fn push_entry(&mut self, entry: Entry) -> bool {
        if self.is_full() {
            self.dropped += 1;
            return false;
        }
        self.waiting.push_back(entry);
        true
    }

    /// The owner of the sighting with this number.
    pub fn answer(&mut self, number: u64, owner: Owner) {
        if let Ok(at) = self.waiting.binary_search_by_key(&number, |entry| entry.number)
            && self.waiting[at].owner_until_us.take().is_some()
        {
            self.waiting[at].sighting.owner = owner;
        }
    }

    /// When the next owner is given up.
    pub fn patience_ends_us(&self) -> Option<u64> {
        self.waiting.get(self.sent).and_then(|entry| entry.owner_until_us)
    }

    /// Gives up owners that did not come in time; with `u64::MAX` all.
    pub fn give_up(&mut self, now_us: u64) {
        for entry in self.waiting.range_mut(self.sent..) {
            if entry.owner_until_us.is_some_and(|until| now_us >= until) {
                entry.owner_until_us = None;
            }
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

    /// Whether something could go out now and has not.
    pub fn has_unsent(&self) -> bool {
        self.waiting.get(self.sent).is_some_and(|entry| entry.owner_until_us.is_none())
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
        while self.waiting.front().is_some_and(|entry| entry.number <= stored.number) {
            self.waiting.pop_front();
            self.sent = self.sent.saturating_sub(1);
        }
    }

    /// Sends what fits now.
    pub fn pump(&mut self, channel: &ToUplink) -> Result<(), SendError> {
        while let Some(entry) = self.waiting.get(self.sent).filter(|entry| entry.owner_until_us.is_none()) {
            let message = FromCapture::Sighting {
                stream: self.stream,
                number: entry.number,
                replayed: self.replayed,
                sighting: entry.sighting.clone(),
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
    use crate::ipc::{Received, pair};
    use umbrascope_api::Day;

    const STREAM: StreamId = StreamId([9; 16]);

    fn sighting() -> Sighting {
        Sighting {
            day: Day::from_number(20_778).unwrap(),
            rule: "a.b.c".to_owned(),
            channel: "tls".to_owned(),
            name: "a.example".to_owned(),
            owner: Owner::default(),
            station: None,
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
        (1..=3).for_each(|number| assert!(outbox.push(number, sighting())));
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
    fn a_sighting_waits_for_its_owner_and_those_behind_it_wait_too() {
        let mut outbox = Outbox::new(STREAM, false);
        outbox.push_asking(1, sighting(), 0);
        outbox.push_asking(5, sighting(), 0);
        outbox.push(7, sighting());
        let (here, mut uplink) = ends();
        let curl =
            Owner { uid: Some(1000), executable: Some("/usr/bin/curl".to_owned()), ..Owner::default() };
        outbox.answer(5, curl.clone());
        outbox.answer(6, curl.clone());
        outbox.pump(&here).unwrap();
        assert!(numbers(&mut uplink).is_empty() && !outbox.has_unsent());
        outbox.answer(1, curl.clone());
        outbox.pump(&here).unwrap();
        let Ok(Received::Message(FromCapture::Sighting { sighting, .. }, _)) = uplink.receive() else {
            panic!()
        };
        assert_eq!(sighting.owner, curl);
        assert_eq!(numbers(&mut uplink), [5, 7]);
    }

    #[test]
    fn an_owner_that_does_not_come_is_given_up() {
        let mut outbox = Outbox::new(STREAM, false);
        outbox.push_asking(1, sighting(), 10);
        outbox.give_up(10 + PATIENCE_US - 1);
        assert!(!outbox.has_unsent());
        assert_eq!(outbox.patience_ends_us(), Some(10 + PATIENCE_US));
        outbox.give_up(10 + PATIENCE_US);
        assert!(outbox.has_unsent());
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
