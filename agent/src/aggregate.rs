//! Sightings to activity rows: equal ones are counted, not listed.

use std::collections::HashMap;

use umbrascope_api::{AccountId, Channel, Evidence, Station, Subject, limits};

use crate::ipc::message::{Sighting, StreamId};
use crate::state::{Change, RowKey};

/// Distinct rows that wait for the next commit at most; then it comes early.
pub const PENDING_ROWS: usize = 4096;

/// What was counted since the last commit.
#[derive(Debug, Default)]
pub struct Aggregate {
    rows: HashMap<RowKey, u64>,
    stations: HashMap<Subject, Station>,
    streams: HashMap<StreamId, u64>,
}

impl Aggregate {
    /// Counts equal sightings.
    pub fn add(&mut self, count: u64, sighting: Sighting, account: Option<AccountId>) {
        let evidence = Evidence {
            value: cut(sighting.name, limits::TEXT_BYTES),
            version: None,
            executable: sighting.owner.executable,
            container: sighting.owner.container,
            package: sighting.owner.package,
            forwarded: sighting.owner.forwarded,
        };
        let channel = Channel::from(sighting.channel.as_str());
        let subject = sighting.station.as_ref().map(|station| station.subject);
        if let Some(station) = sighting.station {
            self.describe(station);
        }
        let key = RowKey { day: sighting.day, rule: sighting.rule, channel, subject, account, evidence };
        *self.rows.entry(key).or_default() += count;
    }

    /// Notes that everything of a stream up to this number is counted.
    pub fn advance(&mut self, stream: StreamId, number: u64) {
        let last = self.streams.entry(stream).or_default();
        *last = number.max(*last);
    }

    /// Notes what is known of a machine; what it leaves out stays as it was.
    pub fn describe(&mut self, station: Station) {
        let full = self.stations.len() >= PENDING_ROWS;
        match self.stations.get_mut(&station.subject) {
            Some(known) => {
                known.address = station.address.or(known.address);
                known.host_name = station.host_name.or(known.host_name.take());
            }
            // A name for a machine is of no use without its rows, and those bound the list.
            None if full => {}
            None => drop(self.stations.insert(station.subject, station)),
        }
    }

    /// Whether a sighting came before and is stored or about to be. `stored` is the last number in the database; it is
    /// asked for once a stream and commit. The next commit says again how far this stream is stored.
    pub fn is_repeat<E>(
        &mut self,
        stream: StreamId,
        number: u64,
        stored: impl FnOnce() -> Result<Option<u64>, E>,
    ) -> Result<bool, E> {
        let last = match self.streams.get(&stream) {
            Some(last) => *last,
            None => match stored()? {
                Some(last) => last,
                None => return Ok(false),
            },
        };
        if number <= last {
            self.streams.insert(stream, last);
        }
        Ok(number <= last)
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.streams.is_empty() && self.stations.is_empty()
    }

    /// Whether the commit should not wait.
    pub fn is_full(&self) -> bool {
        self.rows.len() >= PENDING_ROWS
    }

    /// What a commit writes. It stays here until [`Self::clear`], so that a commit that fails can be tried again.
    pub fn change(&self) -> Change {
        Change {
            rows: self.rows.iter().map(|(key, count)| (key.clone(), *count)).collect(),
            stations: self.stations.values().cloned().collect(),
            streams: self.streams.iter().map(|(stream, last)| (*stream, *last)).collect(),
        }
    }

    /// The commit is done.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.stations.clear();
        self.streams.clear();
    }
}

/// The text cut to so many bytes, between characters.
pub fn cut(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::message::Owner;
    use umbrascope_api::Day;

    fn sighting(name: &str, owner: &Owner) -> Sighting {
        Sighting {
            day: Day::from_number(20_778).unwrap(),
            rule: "openai.chatgpt.web".to_owned(),
            channel: "tls".to_owned(),
            name: name.to_owned(),
            owner: owner.clone(),
            station: None,
        }
    }

    #[test]
    fn equal_sightings_are_one_row_and_another_process_is_another() {
        let mut aggregate = Aggregate::default();
        let stream = StreamId([1; 16]);
        let curl = Owner { executable: Some("/usr/bin/curl".to_owned()), ..Owner::default() };
        aggregate.add(1, sighting("chatgpt.com", &curl), None);
        aggregate.add(2, sighting("chatgpt.com", &curl), None);
        aggregate.add(1, sighting("chatgpt.com", &Owner::default()), None);
        aggregate.advance(stream, 4);
        let forwarded = Owner { forwarded: true, ..Owner::default() };
        aggregate.add(2, sighting("chatgpt.com", &forwarded), None);
        aggregate.advance(stream, 6);
        let mut counts: Vec<_> = aggregate.change().rows.into_iter().map(|(_, count)| count).collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, 2, 3]);
        assert_eq!(aggregate.change().streams, [(stream, 6)]);
        aggregate.clear();
        assert!(aggregate.is_empty());
    }

    #[test]
    fn machines_are_counted_apart_and_described_once() {
        let mut aggregate = Aggregate::default();
        let of = |address: &str, name: Option<&str>| Sighting {
            station: Some(Station {
                subject: address.parse().unwrap(),
                address: address.parse().ok(),
                host_name: name.map(str::to_owned),
            }),
            ..sighting("chatgpt.com", &Owner::default())
        };
        let all = [of("10.0.0.7", Some("laptop-7")), of("10.0.0.7", None), of("10.0.0.8", None)];
        for sighting in all {
            aggregate.add(1, sighting, None);
        }
        let change = aggregate.change();
        let mut counts: Vec<_> = change.rows.iter().map(|(_, count)| *count).collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, 2]);
        let mut names: Vec<_> = change.stations.into_iter().map(|station| station.host_name).collect();
        names.sort();
        assert_eq!(names, [None, Some("laptop-7".to_owned())]);
    }

    #[test]
    fn what_was_stored_before_is_not_counted_again_however_much_of_it_comes() {
        let mut aggregate = Aggregate::default();
        let stream = StreamId([1; 16]);
        let stored = || Ok::<_, ()>(Some(7));
        assert_eq!(aggregate.is_repeat(stream, 3, stored), Ok(true));
        assert_eq!(aggregate.is_repeat(stream, 7, stored), Ok(true));
        assert_eq!(aggregate.is_repeat(stream, 8, stored), Ok(false));
        aggregate.add(1, sighting("chatgpt.com", &Owner::default()), None);
        aggregate.advance(stream, 8);
        assert_eq!(aggregate.is_repeat(stream, 8, stored), Ok(true));
        assert_eq!(aggregate.change().streams, [(stream, 8)]);
        assert_eq!(Aggregate::default().is_repeat(stream, 1, || Ok::<_, ()>(None)), Ok(false));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("aé".to_owned(), 2), "a");
        assert_eq!(cut("aé".to_owned(), 3), "aé");
    }
}
