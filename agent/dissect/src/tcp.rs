//! One direction of a TCP connection: which protocol it begins with, and where a hello is in it.
//!
//! A stream is followed from its SYN, or from the first segment seen. Segments that come early wait; a stream past
//! its hello, or whose beginning says nothing, is *bulk*: of its segments only the first bytes are looked at, for a
//! second hello (after a STARTTLS, a HelloRetryRequest, or in a new connection whose SYN was missed).

use crate::assembler::{Assembler, MAX_BYTES};
use crate::dns;
use crate::flow::{Held, Tuple, Waiting};
use crate::frame::Segment;
use crate::http::{self, Body};
use crate::observation::Channel;
use crate::output::Output;
use crate::reader::{Answer, be16};
use crate::record;
use crate::table::Table;
use crate::wrapper;
use turn::{may_restart, upgrades};

/// Bytes of a stream in some other protocol that are followed in order, so that the two halves of a hello after a
/// STARTTLS may be swapped. What upgrades says so within a few lines.
const MAX_PLAIN: u32 = 64 * 1024;
/// Bytes kept of a stream whose beginning was not seen and whose first segment says nothing: the segments that
/// overtook the first one of a hello.
const MAX_UNSURE: usize = 8 * 1024;
/// A segment so little behind was sent twice; one further behind belongs to another connection on the same ports.
const MAX_BEHIND: i32 = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// At a place where any protocol may begin.
    Start,
    /// Within a ClientHello.
    Hello,
    /// The first segment seen says nothing, and it may not be the first.
    Unsure,
    /// In another protocol that may turn to TLS.
    Plain,
    /// DNS messages.
    Dns,
    /// Nothing is followed any more.
    Bulk,
}

#[derive(Clone, Copy, Debug)]
struct Stream {
    /// Sequence number of the first byte not dealt with.
    base: u32,
    /// Sequence number the stream began with.
    first: u32,
    /// Bytes from `base` on without which looking again is no use.
    wanted: u32,
    plain: u32,
    phase: Phase,
    /// Of an HTTP request in phase [`Phase::Plain`].
    body: Body,
    /// The beginning was seen.
    synced: bool,
    /// Bytes wait in [`Held`].
    holds: bool,
    /// A hello came before what stands in front of it, at `first`, and was not made to wait.
    front_missing: bool,
}

impl Stream {
    fn new(first: u32, synced: bool) -> Self {
        Stream {
            base: first,
            first,
            wanted: 0,
            plain: 0,
            phase: Phase::Start,
            body: Body::None,
            synced,
            holds: false,
            front_missing: false,
        }
    }
}

/// All streams.
pub(crate) struct Tcp {
    streams: Table<Tuple, Stream>,
}

impl Tcp {
    pub(crate) fn new(max_streams: usize, seed: u64) -> Self {
        Tcp { streams: Table::new(max_streams, seed) }
    }

    #[inline]
    pub(crate) fn handle(&mut self, segment: &Segment<'_>, held: &mut Held, out: &mut Output) {
        if segment.payload.is_empty() && !segment.syn {
            return;
        }
        let key = Tuple::of_segment(segment);
        let sequence = segment.sequence.wrapping_add(u32::from(segment.syn));
        match self.streams.get(&key) {
            Some(stream) if !segment.syn || stream.first == sequence => {
                if stream.phase == Phase::Bulk && !stream.front_missing && !may_restart(segment.payload) {
                    return;
                }
            }
            _ => {
                let count = |evicted, _| out.counters.evicted_flows += u64::from(evicted != key);
                self.streams.insert(key, Stream::new(sequence, segment.syn), 1, count);
            }
        }
        if segment.payload.is_empty() {
            return;
        }
        if let Some(stream) = self.streams.get(&key) {
            Work { stream, key, held, out }.segment(sequence, segment.payload);
        }
    }

    /// See [`Table::is_large`].
    pub(crate) fn is_large(&self) -> bool {
        self.streams.is_large()
    }

    /// See [`Table::sweep`].
    pub(crate) fn sweep(&mut self) -> bool {
        self.streams.sweep()
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }
}

struct Work<'w> {
    stream: &'w mut Stream,
    key: Tuple,
    held: &'w mut Held,
    out: &'w mut Output,
}

impl Work<'_> {
    fn segment(&mut self, mut sequence: u32, mut payload: &[u8]) {
        if self.stream.front_missing && sequence == self.stream.first {
            self.front(payload);
        }
        let mut offset = sequence.wrapping_sub(self.stream.base) as i32;
        let begins = self.stream.phase != Phase::Hello && may_restart(payload);
        match self.stream.phase {
            Phase::Bulk => {
                if !begins || (-MAX_BEHIND..0).contains(&offset) {
                    return;
                }
                *self.stream = Stream { first: self.stream.first, ..Stream::new(sequence, true) };
                offset = 0;
            }
            Phase::Unsure if begins => offset = self.begin_at(sequence, offset),
            Phase::Unsure => return self.keep_unsure(sequence, offset, payload),
            Phase::Start | Phase::Hello if !self.stream.synced && (-MAX_BEHIND..0).contains(&offset) => {
                return self.keep_unsure(sequence, offset, payload);
            }
            Phase::Start | Phase::Plain | Phase::Hello | Phase::Dns => {
                if begins && !(-MAX_BEHIND..=0).contains(&offset) {
                    offset = self.begin_at(sequence, offset);
                }
            }
        }
        if offset < 0 {
            let seen = offset.unsigned_abs() as usize;
            if seen >= payload.len() {
                return;
            }
            payload = &payload[seen..];
            sequence = self.stream.base;
            offset = 0;
        }
        if offset as usize >= MAX_BYTES {
            // Too much is missing in between, or this is another connection.
            self.give_up();
            *self.stream = Stream { phase: Phase::Plain, ..Stream::new(sequence, true) };
            offset = 0;
        }
        if offset == 0 && !self.stream.holds {
            let used = self.run(payload, false);
            self.stream.base = sequence.wrapping_add(used as u32);
            if used < payload.len() {
                let mut assembler = Assembler::default();
                assembler.insert(0, &payload[used..]);
                self.keep(assembler);
            }
            return;
        }
        let Some(mut assembler) = self.taken() else { return };
        let inserted = assembler.insert(offset as usize, payload);
        self.out.counters.conflicts += u64::from(inserted.conflict);
        let ready = assembler.contiguous().len();
        if ready > 0 && ready >= self.stream.wanted as usize {
            let used = self.run(assembler.contiguous(), true);
            assembler.advance(used);
            self.stream.base = self.stream.base.wrapping_add(used as u32);
        }
        if self.stream.phase == Phase::Bulk || assembler.is_empty() {
            return;
        }
        let waits_in_vain = self.stream.phase == Phase::Plain && assembler.filled() > MAX_UNSURE;
        self.keep(assembler);
        if !inserted.whole || waits_in_vain {
            self.give_up();
        }
    }

    /// What stands in front of a hello that overtook it: all that can still be told of it is whom it asks for.
    fn front(&mut self, bytes: &[u8]) {
        let authority = match (wrapper::parse(bytes), http::parse(bytes)) {
            (Answer::Found(wrapper), _) => wrapper.authority,
            (_, Answer::Found(request)) => request.host,
            // A segment that holds more of it may come.
            (Answer::More(_), _) | (_, Answer::More(_)) => return,
            _ => None,
        };
        self.stream.front_missing = false;
        if let Some(authority) = authority {
            self.out.host(&self.key, self.stream.first, authority);
        }
    }

    /// A hello begins at `sequence`, whatever was before it; bytes that wait for it stay. Returns the new offset.
    fn begin_at(&mut self, sequence: u32, offset: i32) -> i32 {
        if self.stream.holds {
            let mut assembler =
                self.held.take(&self.key).map(|waiting| waiting.assembler).unwrap_or_default();
            let distance = offset.unsigned_abs() as usize;
            if offset >= 0 {
                assembler.advance(distance);
            } else if !assembler.make_room(distance.min(MAX_BYTES)) {
                assembler = Assembler::default();
            }
            self.stream.holds = false;
            if !assembler.is_empty() {
                self.keep(assembler);
            }
        }
        let at_first = self.stream.phase == Phase::Start && self.stream.base == self.stream.first;
        self.stream.front_missing = self.stream.synced && at_first && offset > 0;
        self.stream.base = sequence;
        self.stream.phase = Phase::Start;
        self.stream.body = Body::None;
        self.stream.synced = true;
        self.stream.wanted = 0;
        0
    }

    /// Keeps a segment that may have overtaken the beginning.
    fn keep_unsure(&mut self, sequence: u32, offset: i32, payload: &[u8]) {
        let Some(mut assembler) = self.taken() else { return };
        let mut at = offset as usize;
        if offset < 0 {
            let earlier = offset.unsigned_abs() as usize;
            if earlier > MAX_UNSURE || !assembler.make_room(earlier) {
                return self.unsure_no_more(assembler);
            }
            self.stream.base = sequence;
            at = 0;
        }
        let inserted = assembler.insert(at, payload);
        if !inserted.whole || assembler.filled() > MAX_UNSURE {
            self.stream.base = sequence.wrapping_add(payload.len() as u32);
            return self.unsure_no_more(assembler);
        }
        // An earlier segment than all others may be the beginning.
        if offset < 0 && !assembler.contiguous().is_empty() {
            self.stream.phase = Phase::Start;
            let used = self.run(assembler.contiguous(), true);
            assembler.advance(used);
            self.stream.base = self.stream.base.wrapping_add(used as u32);
        }
        if self.stream.phase != Phase::Bulk && !assembler.is_empty() {
            self.keep(assembler);
        }
    }

    /// Too much came for any of it to have overtaken a beginning.
    fn unsure_no_more(&mut self, assembler: Assembler) {
        self.stream.phase = Phase::Bulk;
        self.out.abandon([(self.key, Waiting { assembler, at: self.out.at, total: 0, headless: true })]);
    }

    /// The waiting bytes of this stream. `None` where they had to go for others: the stream is lost then.
    fn taken(&mut self) -> Option<Assembler> {
        if !self.stream.holds {
            return Some(Assembler::default());
        }
        self.stream.holds = false;
        let waiting = self.held.take(&self.key);
        if waiting.is_none() {
            self.stream.phase = Phase::Bulk;
        }
        waiting.map(|waiting| waiting.assembler)
    }

    fn keep(&mut self, assembler: Assembler) {
        self.stream.holds = true;
        let headless = !self.stream.synced;
        let waiting = Waiting { assembler, at: self.out.at, total: 0, headless };
        self.held.put(self.key, waiting, |key, gone| self.out.abandon([(key, gone)]));
    }

    fn give_up(&mut self) {
        if std::mem::take(&mut self.stream.holds) {
            let waiting = self.held.take(&self.key).map(|waiting| (self.key, waiting));
            self.out.abandon(waiting);
        }
        self.stream.phase = Phase::Bulk;
    }

    /// Reads what can be read from the front of `bytes`, which begin at `base`; returns how many are dealt with.
    /// `joined`: they are several segments, so something may begin within them.
    fn run(&mut self, bytes: &[u8], joined: bool) -> usize {
        let mut position = 0;
        let mut failed_at = usize::MAX;
        self.stream.wanted = 0;
        while position < bytes.len() {
            let rest = &bytes[position..];
            match self.stream.phase {
                Phase::Start | Phase::Hello => {
                    match self.begin(self.stream.base.wrapping_add(position as u32), rest) {
                        Answer::Found(used) => position += used,
                        // What is dealt with goes, so `base` will be here.
                        Answer::More(needed) if needed < MAX_BYTES => {
                            self.stream.wanted = needed as u32;
                            return position;
                        }
                        Answer::More(_) => self.stream.phase = Phase::Bulk,
                        Answer::NotThis if self.stream.phase == Phase::Dns => {}
                        Answer::NotThis if !self.stream.synced => {
                            self.stream.phase = Phase::Unsure;
                            return position;
                        }
                        Answer::NotThis => {
                            self.stream.phase = Phase::Plain;
                            failed_at = position;
                        }
                    }
                }
                Phase::Dns => match self.dns(rest) {
                    Answer::Found(used) => position += used,
                    Answer::More(needed) => {
                        self.stream.wanted = needed as u32;
                        return position;
                    }
                    Answer::NotThis => self.stream.phase = Phase::Bulk,
                },
                Phase::Plain if self.stream.body != Body::None => {
                    let Some(count) = self.stream.body.skip(rest) else {
                        self.stream.wanted = rest.len() as u32 + 1;
                        return position;
                    };
                    position += count;
                    if self.passed(count) {
                        return bytes.len();
                    }
                }
                Phase::Plain => {
                    let begins = failed_at != position
                        && (record::may_start(rest) || http::may_start(rest) || may_restart(rest));
                    let within = || record::starts_within(rest).find(|&at| joined || upgrades(&rest[..at]));
                    match if begins { Some(0) } else { within() } {
                        Some(at) => {
                            position += at;
                            self.stream.phase = Phase::Start;
                        }
                        None => {
                            // The first bytes of a hello may be the last of a segment: those wait for more.
                            let last = rest.len().saturating_sub(record::STARTS_BYTES - 1).max(1)..rest.len();
                            let tail = |at: &usize| {
                                record::may_start(&rest[*at..]) && (joined || upgrades(&rest[..*at]))
                            };
                            if let Some(at) = last.into_iter().find(tail) {
                                self.stream.wanted = (rest.len() - at + 1) as u32;
                                return position + at;
                            }
                            self.passed(rest.len());
                            return bytes.len();
                        }
                    }
                }
                Phase::Unsure => return position,
                Phase::Bulk => return bytes.len(),
            }
        }
        position
    }

    /// Counts bytes in another protocol; `true`: they are too many to be followed on.
    fn passed(&mut self, count: usize) -> bool {
        self.stream.plain = self.stream.plain.saturating_add(count as u32);
        if self.stream.plain > MAX_PLAIN {
            self.stream.phase = Phase::Bulk;
        }
        self.stream.phase == Phase::Bulk
    }

    /// Something begins at this sequence number: finds out what. `Found` carries the bytes dealt with.
    fn begin(&mut self, sequence: u32, bytes: &[u8]) -> Answer<usize> {
        let skip = record::change_cipher_spec(bytes);
        match record::parse(&bytes[skip..], &mut self.out.scratch) {
            Answer::Found(found) => {
                self.out.hello(Channel::Tls, &self.key, found.hello);
                self.stream.phase = Phase::Bulk;
                return Answer::Found(skip + found.len);
            }
            Answer::More(needed) => {
                self.stream.phase = Phase::Hello;
                // A few bytes may be the middle of something that overtook its beginning.
                self.stream.synced |= record::starts(&bytes[skip..]);
                return Answer::More(skip + needed);
            }
            Answer::NotThis => {}
        }
        if self.stream.phase == Phase::Hello && self.stream.synced {
            self.stream.phase = Phase::Bulk;
            return Answer::Found(bytes.len());
        }
        if self.key.has_port(53) {
            self.stream.phase = Phase::Dns;
            return Answer::NotThis;
        }
        match wrapper::parse(bytes) {
            Answer::Found(wrapper) => {
                if let Some(authority) = wrapper.authority {
                    self.out.host(&self.key, sequence, authority);
                }
                self.stream.synced = true;
                return Answer::Found(wrapper.len);
            }
            Answer::More(needed) => return Answer::More(needed),
            Answer::NotThis => {}
        }
        match http::parse(bytes) {
            Answer::Found(request) => {
                if let Some(host) = request.host {
                    self.out.host(&self.key, sequence, host);
                }
                self.stream.phase = Phase::Plain;
                self.stream.body = request.body;
                self.stream.synced = true;
                return Answer::Found(request.len);
            }
            Answer::More(needed) => return Answer::More(needed),
            Answer::NotThis => {}
        }
        // The server's side of TLS, or a client's past its hello. Where the beginning was not seen, a handshake
        // record may be the second one of a hello.
        if matches!(bytes, [20..=23, 3, 0..=4, ..]) && (self.stream.synced || bytes[0] != 22) {
            self.stream.phase = Phase::Bulk;
            return Answer::Found(bytes.len());
        }
        Answer::NotThis
    }

    /// One DNS message behind its length (RFC 1035, section 4.2.2).
    fn dns(&mut self, bytes: &[u8]) -> Answer<usize> {
        let Some(len) = be16(bytes, 0) else { return Answer::More(2) };
        let total = 2 + usize::from(len);
        let Some(message) = bytes.get(2..total) else { return Answer::More(total) };
        match dns::parse(message) {
            // In the middle of a stream anything may look like a message without a question.
            dns::Message::Query(questions) if questions.is_empty() && !self.stream.synced => Answer::NotThis,
            dns::Message::Query(questions) => {
                self.stream.synced = true;
                for question in questions {
                    self.out.question(Channel::Dns, &self.key, question);
                }
                Answer::Found(total)
            }
            dns::Message::Response => {
                if self.out.reads_answers
                    && self.key.has_src_port(53)
                    && let Some((question, answer)) = dns::answer(message)
                {
                    self.out.answer(&self.key, question, answer);
                }
                Answer::Found(total)
            }
            dns::Message::NotDns => {
                self.out.counters.not_dns += 1;
                Answer::NotThis
            }
        }
    }
}

#[cfg(test)]
mod tests;
mod turn;
