//! One direction of a TCP connection: which protocol it begins with, and where a hello is in it.
//!
//! A stream is followed from its SYN, or from the first segment seen. Segments that come early wait; a stream past
//! its hello, or whose beginning says nothing, is *bulk*: of its segments only the first bytes are looked at, for a
//! second hello (after a STARTTLS, a HelloRetryRequest, or in a new connection whose SYN was missed).

use crate::assembler::{Assembler, MAX_BYTES};
use crate::dns;
use crate::flow::{Held, Tuple, Waiting};
use crate::frame::Segment;
use crate::http;
use crate::observation::Channel;
use crate::output::Output;
use crate::reader::{Answer, be16};
use crate::record;
use crate::table::Table;
use crate::wrapper;

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
    /// The beginning was seen.
    synced: bool,
    /// Bytes wait in [`Held`].
    holds: bool,
}

impl Stream {
    fn new(first: u32, synced: bool) -> Self {
        Stream { base: first, first, wanted: 0, plain: 0, phase: Phase::Start, synced, holds: false }
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
                if stream.phase == Phase::Bulk && !may_restart(segment.payload) {
                    return;
                }
            }
            _ => {
                let gone = self.streams.insert(key, Stream::new(sequence, segment.syn), 1);
                out.counters.evicted_flows +=
                    gone.iter().filter(|(evicted, _)| *evicted != key).count() as u64;
            }
        }
        if segment.payload.is_empty() {
            return;
        }
        if let Some(stream) = self.streams.get(&key) {
            Work { stream, key, held, out }.segment(sequence, segment.payload);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }
}

/// The bytes may begin something in the middle of a stream; told by enough bytes that chance does not do it.
#[inline]
fn may_restart(payload: &[u8]) -> bool {
    match payload.first() {
        Some(22) => record::starts(payload),
        Some(20) => {
            let skip = record::change_cipher_spec(payload);
            skip > 0 && record::starts(&payload[skip..])
        }
        Some(0x12) => payload.len() > 8 && record::starts(&payload[8..]),
        Some(b'A'..=b'Z') => payload.len() > 16 && http::may_start(payload),
        _ => false,
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
            Phase::Start | Phase::Plain | Phase::Hello | Phase::Dns => {
                if begins && (offset > 0 || offset < -MAX_BEHIND) {
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
        self.stream.base = sequence;
        self.stream.phase = Phase::Start;
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
                self.stream.phase = Phase::Bulk;
                return;
            }
            self.stream.base = sequence;
            at = 0;
        }
        let inserted = assembler.insert(at, payload);
        if !inserted.whole || assembler.filled() > MAX_UNSURE {
            self.stream.phase = Phase::Bulk;
            self.stream.base = sequence.wrapping_add(payload.len() as u32);
            return;
        }
        // An earlier segment than all others may be a beginning that is no hello's, a greeting of SOCKS for one.
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
        let gone = self.held.put(self.key, Waiting { assembler, at: self.out.at, total: 0 });
        self.out.abandon(gone);
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
                Phase::Start | Phase::Hello => match self.begin(rest) {
                    Answer::Found(used) => position += used,
                    Answer::More(needed) if position + needed < MAX_BYTES => {
                        self.stream.wanted = (position + needed) as u32;
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
                },
                Phase::Dns => match self.dns(rest) {
                    Answer::Found(used) => position += used,
                    Answer::More(needed) => {
                        self.stream.wanted = (position + needed) as u32;
                        return position;
                    }
                    Answer::NotThis => self.stream.phase = Phase::Bulk,
                },
                Phase::Plain => {
                    let begins = failed_at != position
                        && (record::may_start(rest) || http::may_start(rest) || may_restart(rest));
                    let within = || (1..rest.len()).find(|&at| record::starts(&rest[at..]));
                    match if begins {
                        Some(0)
                    } else if joined {
                        within()
                    } else {
                        None
                    } {
                        Some(at) => {
                            position += at;
                            self.stream.phase = Phase::Start;
                        }
                        None => {
                            self.stream.plain = self.stream.plain.saturating_add(rest.len() as u32);
                            if self.stream.plain > MAX_PLAIN {
                                self.stream.phase = Phase::Bulk;
                            }
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

    /// Something begins here: finds out what. `Found` carries the bytes dealt with.
    fn begin(&mut self, bytes: &[u8]) -> Answer<usize> {
        let skip = record::change_cipher_spec(bytes);
        match record::parse(&bytes[skip..], &mut self.out.scratch) {
            Answer::Found(found) => {
                self.out.hello(Channel::Tls, &self.key, found.hello);
                self.stream.phase = Phase::Bulk;
                return Answer::Found(skip + found.len);
            }
            Answer::More(needed) => {
                self.stream.phase = Phase::Hello;
                self.stream.synced = true;
                return Answer::More(skip + needed);
            }
            Answer::NotThis => {}
        }
        if self.stream.phase == Phase::Hello {
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
                    self.out.name(Channel::Http, &self.key, authority);
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
                    self.out.name(Channel::Http, &self.key, host);
                }
                self.stream.phase = Phase::Plain;
                self.stream.synced = true;
                return Answer::Found(request.len);
            }
            Answer::More(needed) => return Answer::More(needed),
            Answer::NotThis => {}
        }
        // The server's side of TLS, or a client's past its hello.
        if matches!(bytes, [20..=23, 3, 0..=4, ..]) {
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
            dns::Message::Query(names) => {
                for name in names {
                    self.out.name(Channel::Dns, &self.key, name);
                }
                Answer::Found(total)
            }
            dns::Message::Response => Answer::Found(total),
            dns::Message::NotDns => {
                self.out.counters.not_dns += 1;
                Answer::NotThis
            }
        }
    }
}
