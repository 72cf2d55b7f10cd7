//! Puts the parts together: frames in, observations out.

use crate::flow::{Held, Tuple, Waiting};
use crate::frame::{Fragment, Layer, Peeled, peel};
use crate::link::{self, LinkType};
use crate::observation::{Observation, Timestamp};
use crate::output::{Counters, Output};
use crate::tcp::Tcp;
use crate::tunnel;
use crate::udp::Udp;

/// Headers below each other that are followed. Two nested tunnels with tags and extension headers need about 16.
const MAX_LAYERS: usize = 24;

/// How often the tables are swept, in microseconds: what was not used for that long is forgotten within twice that time. A
/// stream that goes on later is one whose beginning was not seen.
const SWEEP_US: u64 = 120_000_000;

/// How much the dissector may keep. The defaults take at most about 12 MiB, whatever comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Directions of TCP connections remembered; each takes about 150 bytes.
    pub max_streams: usize,
    /// Bytes taken by QUIC connections remembered; each takes about 200, while its hello is incomplete 1,200.
    pub max_quic_bytes: usize,
    /// Bytes that wait for more, of all flows together: halves of hellos, IP fragments.
    pub max_held_bytes: usize,
    /// How long bytes wait before what they tell is reported and they are forgotten, in microseconds.
    pub hold_us: u64,
    /// A random number, so that nobody outside can make the tables slow by choosing addresses.
    pub seed: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_streams: 32 * 1024,
            max_quic_bytes: 2 * 1024 * 1024,
            max_held_bytes: 4 * 1024 * 1024,
            hold_us: 5_000_000,
            seed: 0,
        }
    }
}

/// Frames in, names out. Does no I/O and asks for no time.
pub struct Dissector {
    tcp: Tcp,
    udp: Udp,
    held: Held,
    out: Output,
    hold_us: u64,
    /// When the tables are swept next; 0 before the first time is known.
    sweep_at: u64,
}

impl Dissector {
    /// A dissector that has seen nothing yet.
    pub fn new(limits: Limits) -> Self {
        Dissector {
            tcp: Tcp::new(limits.max_streams, limits.seed),
            udp: Udp::new(limits.max_quic_bytes, limits.seed),
            held: Held::new(limits.max_held_bytes, limits.seed),
            out: Output::new(limits.seed),
            hold_us: limits.hold_us,
            sweep_at: 0,
        }
    }

    /// Leaves DNS answers unread: they tell whoever wants names alone nothing, and cost several times what a query does.
    pub fn without_answers(mut self) -> Self {
        self.out.reads_answers = false;
        self
    }

    /// Reads one captured frame. Bytes that the capture cut off are simply not there.
    #[inline]
    pub fn handle_frame(&mut self, at: Timestamp, link: LinkType, frame: &[u8]) {
        self.out.at = at;
        self.out.counters.frames += 1;
        self.layers(Layer::Link(link), frame, 0);
    }

    /// Forgets what has waited too long, when what it tells is reported first, and every now and then what was not used for long.
    /// Tells whether much memory became free.
    pub fn handle_timeout(&mut self, at: Timestamp) -> bool {
        self.out.at = self.out.at.max(at);
        let before = Timestamp(at.0.saturating_sub(self.hold_us).saturating_add(1));
        while let Some(gone) = self.held.take_older(before) {
            self.out.abandon([gone]);
        }
        if at.0 < self.sweep_at {
            return false;
        }
        let first = self.sweep_at == 0;
        self.sweep_at = at.0.saturating_add(self.hold_us.max(SWEEP_US));
        // None of them is spared for another's having shrunk.
        !first && [self.tcp.sweep(), self.udp.sweep(), self.held.sweep()].contains(&true)
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do; `None` while nothing waits and the tables are small.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        let held = self.held.oldest().map(|oldest| Timestamp(oldest.0.saturating_add(self.hold_us)));
        let large = self.tcp.is_large() || self.udp.is_large() || self.held.is_large();
        held.into_iter().chain(large.then_some(Timestamp(self.sweep_at))).min()
    }

    /// The capture has ended: whatever waits is reported by what it tells.
    pub fn finish(&mut self) {
        while let Some(gone) = self.held.take_older(Timestamp(u64::MAX)) {
            self.out.abandon([gone]);
        }
    }

    /// The next observation. To be called until it has none after each call that takes something in.
    #[inline]
    pub fn poll_observation(&mut self) -> Option<Observation> {
        self.out.queue.pop_front()
    }

    /// What was met so far.
    pub fn counters(&self) -> &Counters {
        &self.out.counters
    }

    /// Bytes that wait for more, bookkeeping included.
    pub fn held_bytes(&self) -> usize {
        self.held.weight()
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn quic_bytes(&self) -> usize {
        self.udp.weight()
    }

    #[cfg(feature = "fuzzing")]
    pub(crate) fn streams(&self) -> usize {
        self.tcp.len()
    }

    #[inline]
    fn layers(&mut self, mut layer: Layer, mut bytes: &[u8], depth: usize) {
        for depth in depth..MAX_LAYERS {
            match peel(layer, bytes) {
                Peeled::Tcp(segment) => return self.tcp.handle(&segment, &mut self.held, &mut self.out),
                Peeled::Inner(next, rest) => (layer, bytes) = (next, rest),
                Peeled::Udp(datagram) => match tunnel::inner(&datagram) {
                    Some((next, rest)) => (layer, bytes) = (next, rest),
                    None => return self.udp.handle(&datagram, &mut self.held, &mut self.out),
                },
                Peeled::Fragment(fragment) => return self.fragment(&fragment, depth),
                Peeled::Aggregate(bytes) => {
                    for frame in link::subframes(bytes) {
                        self.layers(Layer::Llc, frame, depth + 1);
                    }
                    return;
                }
                Peeled::Other => return,
                Peeled::Malformed => {
                    self.out.counters.malformed += 1;
                    return;
                }
            }
        }
        self.out.counters.too_deep += 1;
    }

    /// Joins IP fragments; the datagram goes on as if it had come whole.
    fn fragment(&mut self, fragment: &Fragment<'_>, depth: usize) {
        self.out.counters.fragments += 1;
        let key = Tuple::of_fragment(fragment);
        let (mut assembler, mut total) = match self.held.take(&key) {
            Some(waiting) => (waiting.assembler, waiting.total),
            None => Default::default(),
        };
        let inserted = assembler.insert(fragment.offset, fragment.bytes);
        self.out.counters.conflicts += u64::from(inserted.conflict);
        if !fragment.more {
            total = fragment.offset + fragment.bytes.len();
        }
        if !inserted.whole {
            return;
        }
        match assembler.contiguous().get(..total) {
            Some(datagram) if total > 0 => {
                let layer =
                    Layer::Protocol { src: fragment.src, dst: fragment.dst, number: fragment.protocol };
                self.layers(layer, datagram, depth + 1);
            }
            _ => {
                let waiting = Waiting { assembler, at: self.out.at, total, headless: false };
                self.held.put(key, waiting, |key, gone| self.out.abandon([(key, gone)]));
            }
        }
    }
}

#[cfg(test)]
mod tests;
