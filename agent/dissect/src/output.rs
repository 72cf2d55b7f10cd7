//! Where observations wait to be polled, and what is counted.

use crate::flow::{Kind, Tuple, Waiting};
use crate::hello::{self, Hello};
use crate::observation::{Channel, Observation, Timestamp};
use crate::record;
use std::collections::VecDeque;

/// Observations that wait to be polled. One frame makes at most a few; a caller that does not poll loses the rest.
const MAX_QUEUE: usize = 4096;

/// What the dissector met. All only ever grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Frames handed in.
    pub frames: u64,
    /// Headers that are not what they claim to be, or end too early.
    pub malformed: u64,
    /// Frames with more layers of encapsulation than are followed.
    pub too_deep: u64,
    /// IP fragments met.
    pub fragments: u64,
    /// Streams and connections forgotten to keep a table in its bound.
    pub evicted_flows: u64,
    /// Waiting bytes given up, for age or for room.
    pub abandoned: u64,
    /// Hellos of which only the beginning came, reported by what it says.
    pub partial_hellos: u64,
    /// Bytes that came a second time and said something else; the first were kept.
    pub conflicts: u64,
    /// QUIC Initials that no key opens.
    pub undecryptable: u64,
    /// Packets on a DNS port that are no DNS.
    pub not_dns: u64,
    /// Hellos without a usable server name.
    pub unnamed_hellos: u64,
    /// Hellos with the `encrypted_client_hello` extension.
    pub ech_hellos: u64,
    /// Observations dropped because nobody polled.
    pub unpolled: u64,
}

pub(crate) struct Output {
    pub(crate) queue: VecDeque<Observation>,
    pub(crate) counters: Counters,
    pub(crate) at: Timestamp,
    /// Joins the records of hellos that span several.
    pub(crate) scratch: Vec<u8>,
}

impl Output {
    pub(crate) fn new() -> Self {
        Output {
            queue: VecDeque::new(),
            counters: Counters::default(),
            at: Timestamp::default(),
            scratch: Vec::new(),
        }
    }

    pub(crate) fn name(&mut self, channel: Channel, key: &Tuple, name: Box<str>) {
        self.push(channel, key, Hello { name: Some(name), alpn: None, ech: false });
    }

    pub(crate) fn hello(&mut self, channel: Channel, key: &Tuple, hello: Hello) {
        self.counters.unnamed_hellos += u64::from(hello.name.is_none());
        self.counters.ech_hellos += u64::from(hello.ech);
        self.push(channel, key, hello);
    }

    fn push(&mut self, channel: Channel, key: &Tuple, hello: Hello) {
        if self.queue.len() >= MAX_QUEUE {
            self.counters.unpolled += 1;
            return;
        }
        let Hello { name, alpn, ech } = hello;
        self.queue.push_back(Observation { at: self.at, channel, name, flow: key.flow(), ech, alpn });
    }

    /// Says what can be said of bytes whose rest is no longer waited for.
    pub(crate) fn abandon(&mut self, gone: impl IntoIterator<Item = (Tuple, Waiting)>) {
        for (key, waiting) in gone {
            self.counters.abandoned += 1;
            let bytes = waiting.assembler.contiguous();
            let (channel, hello) = match key.kind {
                Kind::Tcp => (Channel::Tls, record::beginning(bytes, &mut self.scratch)),
                Kind::Quic => (Channel::Quic, hello::beginning(bytes)),
                Kind::Dtls(_) | Kind::Fragments { .. } => continue,
            };
            if let Some(hello) = hello {
                self.counters.partial_hellos += 1;
                self.hello(channel, &key, hello);
            }
        }
    }
}
