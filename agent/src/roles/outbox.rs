//! Sightings on their way from the dissector to the uplink.
//!
//! A sighting waits for its owner and a moment for others like it. Then those that wait are packed into a parcel, in which
//! equal ones are one row with a count: a flood of the same takes the room of one. A parcel stays here, unchanged, until the
//! uplink says that it is stored. When the uplink died and another took its place, all parcels are sent again; the uplink knows
//! by their numbers what it had stored. Bounded: what does not fit is counted and dropped, since capture must never wait.

use std::collections::VecDeque;

use crate::ipc::message::{A_MESSAGE, Counted, FromCapture, Owner, Sighting, Stored, StreamId, ToCapture};
use crate::ipc::{Channel, SendError};

/// Sightings and rows kept, at some 300 bytes each.
pub const CAPACITY: usize = 4096;

/// Patience for the word whose a connection is, in microseconds.
const PATIENCE_US: u64 = 1_000_000;
/// How long a sighting waits for others like it, in microseconds.
const PACK_AFTER_US: u64 = 50_000;
/// Sightings in a parcel at most, and as many of a capture file in each but the last: a file that is fed again is packed in the
/// same way, so that the numbers of its parcels mean the same.
const PARCEL: usize = 256;

/// The end of a channel that a dissector holds to its uplink.
pub type ToUplink = Channel<FromCapture, ToCapture>;

/// The queue.
#[derive(Debug)]
pub struct Outbox {
    stream: StreamId,
    replayed: bool,
    waiting: VecDeque<Entry>,
    parcels: VecDeque<Parcel>,
    /// Rows in all parcels.
    rows: usize,
    /// How many of `parcels`, from the front, went out over the present channel.
    sent: usize,
    dropped: u64,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    sighting: Sighting,
    since_us: u64,
    /// Until when its owner is waited for; `None` once that is known or given up.
    owner_until_us: Option<u64>,
}

#[derive(Debug)]
struct Parcel {
    /// That of the last sighting in it.
    number: u64,
    rows: Vec<Counted>,
}

impl Outbox {
    /// An empty queue of one stream.
    pub fn new(stream: StreamId, replayed: bool) -> Self {
        Self {
            stream,
            replayed,
            waiting: VecDeque::new(),
            parcels: VecDeque::new(),
            rows: 0,
            sent: 0,
            dropped: 0,
        }
    }

    /// Adds a sighting whose owner is known, or never will be. Numbers must ascend. False if it had to be dropped.
    pub fn push(&mut self, number: u64, sighting: Sighting, now_us: u64) -> bool {
        self.push_entry(Entry { number, sighting, since_us: now_us, owner_until_us: None })
    }

    /// Adds a sighting whose owner was asked for. It stays until the answer comes, or [`PATIENCE_US`] have passed; those
    /// behind it stay too. False if it had to be dropped.
    pub fn push_asking(&mut self, number: u64, sighting: Sighting, now_us: u64) -> bool {
        let owner_until_us = Some(now_us + PATIENCE_US);
        self.push_entry(Entry { number, sighting, since_us: now_us, owner_until_us })
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

    /// When there is something to do: to give up an owner, or to pack.
    pub fn wake_at_us(&self) -> Option<u64> {
        let first = self.waiting.front()?;
        Some(first.owner_until_us.unwrap_or(first.since_us + PACK_AFTER_US))
    }

    /// Gives up owners that did not come in time; with `u64::MAX` all.
    pub fn give_up(&mut self, now_us: u64) {
        for entry in &mut self.waiting {
            if entry.owner_until_us.is_some_and(|until| now_us >= until) {
                entry.owner_until_us = None;
            }
        }
    }

    /// Whether the next sighting would be dropped.
    pub fn is_full(&self) -> bool {
        self.waiting.len() + self.rows >= CAPACITY
    }

    /// Whether everything is stored.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.parcels.is_empty()
    }

    /// Whether a parcel could not go out for want of room.
    pub fn has_unsent(&self) -> bool {
        self.sent < self.parcels.len()
    }

    /// Sightings dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// A new channel: every parcel goes out again.
    pub fn reconnected(&mut self) {
        self.sent = 0;
    }

    /// The uplink stored everything up to a number.
    pub fn stored(&mut self, stored: &Stored) {
        if stored.stream != self.stream {
            return;
        }
        while let Some(parcel) = self.parcels.front().filter(|parcel| parcel.number <= stored.number) {
            self.rows -= parcel.rows.len();
            self.sent = self.sent.saturating_sub(1);
            self.parcels.pop_front();
        }
    }

    /// Packs what has waited long enough, with `u64::MAX` everything whose owner is not waited for.
    pub fn pack(&mut self, now_us: u64) {
        while let Some(first) = self.waiting.front() {
            let ripe = !self.replayed && now_us.saturating_sub(first.since_us) >= PACK_AFTER_US;
            if first.owner_until_us.is_some() || !ripe && now_us != u64::MAX && self.waiting.len() < PARCEL {
                return;
            }
            let parcel = self.next_parcel();
            self.rows += parcel.rows.len();
            self.parcels.push_back(parcel);
        }
    }

    fn next_parcel(&mut self) -> Parcel {
        let mut parcel = Parcel { number: 0, rows: Vec::new() };
        for _ in 0..PARCEL {
            let Some(entry) = self.waiting.front().filter(|entry| entry.owner_until_us.is_none()) else {
                break;
            };
            let alike = parcel.rows.iter().position(|row| row.sighting == entry.sighting);
            if alike.is_none() && parcel.rows.len() == A_MESSAGE {
                break;
            }
            let Some(Entry { number, sighting, .. }) = self.waiting.pop_front() else { break };
            parcel.number = number;
            match alike {
                Some(at) => parcel.rows[at].count += 1,
                None => parcel.rows.push(Counted { count: 1, sighting }),
            }
        }
        parcel
    }

    /// Sends what fits now.
    pub fn pump(&mut self, channel: &ToUplink) -> Result<(), SendError> {
        while let Some(parcel) = self.parcels.get_mut(self.sent) {
            let message = FromCapture::Sightings {
                stream: self.stream,
                number: parcel.number,
                replayed: self.replayed,
                rows: std::mem::take(&mut parcel.rows),
            };
            let sent = channel.send(&message);
            if let FromCapture::Sightings { rows, .. } = message {
                parcel.rows = rows;
            }
            match sent {
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

    fn sighting(name: &str) -> Sighting {
        Sighting {
            day: Day::from_number(20_778).unwrap(),
            rule: "a.b.c".to_owned(),
            channel: "tls".to_owned(),
            name: name.to_owned(),
            owner: Owner::default(),
            station: None,
        }
    }

    /// Numbers of the parcels that arrive, and the names and counts in each.
    fn parcels(uplink: &mut Channel<ToCapture, FromCapture>) -> Vec<(u64, Vec<(String, u64)>)> {
        let mut seen = Vec::new();
        while let Ok(Received::Message(FromCapture::Sightings { number, rows, .. }, _)) = uplink.receive() {
            seen.push((number, rows.into_iter().map(|row| (row.sighting.name, row.count)).collect()));
        }
        seen
    }

    fn numbers(uplink: &mut Channel<ToCapture, FromCapture>) -> Vec<u64> {
        parcels(uplink).into_iter().map(|(number, _)| number).collect()
    }

    fn ends() -> (ToUplink, Channel<ToCapture, FromCapture>) {
        let (one, other) = pair().unwrap();
        (Channel::new(one), Channel::new(other))
    }

    #[test]
    fn what_was_not_stored_goes_out_again_as_it_was() {
        let mut outbox = Outbox::new(STREAM, false);
        for number in 1..=3 {
            assert!(outbox.push(number, sighting("a.example"), 0));
            outbox.pack(u64::MAX);
        }
        let (here, mut uplink) = ends();
        outbox.pump(&here).unwrap();
        assert_eq!(numbers(&mut uplink), [1, 2, 3]);
        outbox.stored(&Stored { stream: STREAM, number: 1 });
        drop(uplink);
        assert!(matches!(outbox.pump(&here), Ok(()) | Err(SendError::Closed)));
        let (here, mut uplink) = ends();
        outbox.reconnected();
        outbox.push(4, sighting("a.example"), 0);
        outbox.pack(u64::MAX);
        outbox.pump(&here).unwrap();
        // Equal as they all are, what was sent before is not packed anew.
        assert_eq!(numbers(&mut uplink), [2, 3, 4]);
        outbox.stored(&Stored { stream: STREAM, number: 4 });
        assert!(outbox.is_empty() && !outbox.has_unsent());
    }

    #[test]
    fn equal_sightings_are_one_row_of_a_parcel() {
        let mut outbox = Outbox::new(STREAM, false);
        for number in 1..=6 {
            outbox.push(number, sighting(if number % 3 == 0 { "b.example" } else { "a.example" }), 1000);
        }
        outbox.pack(1000 + PACK_AFTER_US - 1);
        assert_eq!(outbox.wake_at_us(), Some(1000 + PACK_AFTER_US));
        assert!(!outbox.has_unsent(), "others like them are waited for");
        outbox.pack(1000 + PACK_AFTER_US);
        let (here, mut uplink) = ends();
        outbox.pump(&here).unwrap();
        let rows = vec![("a.example".to_owned(), 4), ("b.example".to_owned(), 2)];
        assert_eq!(parcels(&mut uplink), [(6, rows)]);
    }

    #[test]
    fn a_parcel_holds_no_more_than_a_message_does() {
        let mut outbox = Outbox::new(STREAM, false);
        let long = |byte: char| Some(byte.to_string().repeat(umbrascope_api::limits::TEXT_BYTES));
        for number in 0..100 {
            let owner = Owner { executable: long('\u{1}'), package: long('\u{2}'), ..Owner::default() };
            let name = format!("{number}{}", "a".repeat(250));
            outbox.push(number, Sighting { owner, ..sighting(&name) }, 0);
        }
        outbox.pack(u64::MAX);
        let (here, mut uplink) = ends();
        let mut seen = Vec::new();
        while outbox.has_unsent() {
            outbox.pump(&here).unwrap();
            seen.extend(parcels(&mut uplink));
        }
        assert!(seen.iter().all(|(_, rows)| rows.len() <= A_MESSAGE));
        assert_eq!(seen.iter().map(|(_, rows)| rows.len()).sum::<usize>(), 100);
    }

    #[test]
    fn a_capture_file_is_packed_in_the_same_way_however_it_is_read() {
        let pack = |every: u64| {
            let mut outbox = Outbox::new(STREAM, true);
            for number in 1..=1000 {
                outbox.push(number, sighting(&format!("{}.example", number % 37)), 0);
                if number % every == 0 {
                    outbox.pack(0);
                }
            }
            outbox.pack(u64::MAX);
            outbox.parcels.iter().map(|parcel| parcel.number).collect::<Vec<_>>()
        };
        assert_eq!(pack(1), pack(999));
        assert_eq!(pack(7).last(), Some(&1000));
    }

    #[test]
    fn a_sighting_waits_for_its_owner_and_those_behind_it_wait_too() {
        let mut outbox = Outbox::new(STREAM, false);
        outbox.push_asking(1, sighting("a.example"), 0);
        outbox.push_asking(5, sighting("a.example"), 0);
        outbox.push(7, sighting("a.example"), 0);
        let (here, mut uplink) = ends();
        let curl =
            Owner { uid: Some(1000), executable: Some("/usr/bin/curl".to_owned()), ..Owner::default() };
        outbox.answer(5, curl.clone());
        outbox.answer(6, curl.clone());
        outbox.pack(u64::MAX);
        assert!(!outbox.has_unsent());
        outbox.answer(1, curl.clone());
        outbox.pack(u64::MAX);
        outbox.pump(&here).unwrap();
        let Ok(Received::Message(FromCapture::Sightings { number: 7, rows, .. }, _)) = uplink.receive()
        else {
            panic!()
        };
        let owners: Vec<_> = rows.iter().map(|row| (row.count, row.sighting.owner.clone())).collect();
        assert_eq!(owners, [(2, curl), (1, Owner::default())]);
    }

    #[test]
    fn an_owner_that_does_not_come_is_given_up() {
        let mut outbox = Outbox::new(STREAM, false);
        outbox.push_asking(1, sighting("a.example"), 10);
        outbox.give_up(10 + PATIENCE_US - 1);
        assert_eq!(outbox.wake_at_us(), Some(10 + PATIENCE_US));
        outbox.pack(10 + PATIENCE_US - 1);
        assert!(!outbox.has_unsent());
        outbox.give_up(10 + PATIENCE_US);
        outbox.pack(10 + PATIENCE_US);
        assert!(outbox.has_unsent());
    }

    #[test]
    fn an_answer_about_another_stream_changes_nothing() {
        let mut outbox = Outbox::new(STREAM, false);
        outbox.push(1, sighting("a.example"), 0);
        outbox.pack(u64::MAX);
        outbox.stored(&Stored { stream: StreamId([8; 16]), number: 1 });
        assert!(!outbox.is_empty());
    }

    #[test]
    fn a_full_queue_counts_what_it_drops_and_keeps_what_it_has() {
        let mut outbox = Outbox::new(STREAM, false);
        for number in 0..CAPACITY as u64 + 5 {
            outbox.push(number, sighting(&number.to_string()), 0);
            outbox.pack(0);
        }
        assert_eq!(outbox.dropped(), 5);
        outbox.pack(u64::MAX);
        assert!(outbox.is_full());
        let (here, mut uplink) = ends();
        let mut received = Vec::new();
        while outbox.has_unsent() {
            outbox.pump(&here).unwrap();
            received.extend(parcels(&mut uplink).into_iter().flat_map(|(_, rows)| rows));
        }
        let all: Vec<_> = (0..CAPACITY).map(|number| (number.to_string(), 1)).collect();
        assert_eq!(received, all);
    }
}
