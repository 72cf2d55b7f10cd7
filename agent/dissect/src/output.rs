//! Where observations wait to be polled, and what is counted.

use crate::dns::Question;
use crate::flow::{Kind, Tuple, Waiting};
use crate::hello::{self, Hello};
use crate::observation::{Answer, Channel, Observation, Timestamp};
use crate::record;
use crate::table::Seeded;
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash, Hasher};

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
    /// Waiting bytes given up, for age or for room, that told nothing.
    pub abandoned: u64,
    /// Streams given up whose beginning was not seen: they were under way before, and their names had been said.
    pub headless: u64,
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
    /// DNS answers are read.
    pub(crate) reads_answers: bool,
    seed: Seeded,
}

impl Output {
    pub(crate) fn new(seed: u64) -> Self {
        Output {
            seed: Seeded(seed),
            queue: VecDeque::new(),
            counters: Counters::default(),
            at: Timestamp::default(),
            scratch: Vec::new(),
            reads_answers: true,
        }
    }

    /// A host asked for by HTTP or of a proxy, at this sequence number of its stream.
    pub(crate) fn host(&mut self, tuple: &Tuple, sequence: u32, name: Box<str>) {
        let key = self.key(|hasher| {
            hasher.write_u64(u64::from(sequence) | (Channel::Http as u64) << 32);
            write_text(hasher, &name);
        });
        self.push(Channel::Http, tuple, key, Some(name));
    }

    /// A name asked for.
    pub(crate) fn question(&mut self, channel: Channel, tuple: &Tuple, question: Question) {
        let key = self.key(|hasher| write_question(hasher, channel, &question));
        self.push(channel, tuple, key, Some(question.name));
    }

    /// An answer; `tuple` is that of the answer, from the server to the client.
    pub(crate) fn answer(&mut self, tuple: &Tuple, question: Question, mut answer: Answer) {
        let key = self.key(|hasher| write_question(hasher, Channel::DnsAnswer, &question));
        answer.query = self.key(|hasher| write_question(hasher, Channel::Dns, &question));
        if let Some(observation) = self.push(Channel::DnsAnswer, &tuple.reversed(), key, Some(question.name))
        {
            observation.answer = Some(Box::new(answer));
        }
    }

    pub(crate) fn hello(&mut self, channel: Channel, tuple: &Tuple, hello: Hello) {
        self.counters.unnamed_hellos += u64::from(hello.name.is_none());
        self.counters.ech_hellos += u64::from(hello.ech);
        let Hello { random, name, alpn, ech } = hello;
        let key = self.key(|hasher| {
            match random {
                Some(random) => write_bytes(hasher, &random),
                // Only the flow is left to tell it by.
                None => tuple.hash(hasher),
            }
            write_text(hasher, name.as_deref().unwrap_or_default());
        });
        if let Some(observation) = self.push(channel, tuple, key, name) {
            (observation.alpn, observation.ech) = (alpn, ech);
        }
    }

    fn key(&self, write: impl FnOnce(&mut crate::table::Fold)) -> u64 {
        let mut hasher = self.seed.build_hasher();
        write(&mut hasher);
        hasher.finish()
    }

    fn push(
        &mut self,
        channel: Channel,
        tuple: &Tuple,
        key: u64,
        name: Option<Box<str>>,
    ) -> Option<&mut Observation> {
        if self.queue.len() >= MAX_QUEUE {
            self.counters.unpolled += 1;
            return None;
        }
        let flow = tuple.flow();
        let observation =
            Observation { at: self.at, channel, name, flow, ech: false, alpn: None, answer: None, key };
        self.queue.push_back(observation);
        self.queue.back_mut()
    }

    /// Says what can be said of bytes whose rest is no longer waited for.
    pub(crate) fn abandon(&mut self, gone: impl IntoIterator<Item = (Tuple, Waiting)>) {
        for (key, waiting) in gone {
            let bytes = waiting.assembler.contiguous();
            // Of a hello in which something is missing, the end is told as well as the beginning.
            let end = || hello::ending(waiting.assembler.last());
            let (channel, hello) = match key.kind {
                Kind::Tcp => {
                    let beginning = record::beginning(bytes, &mut self.scratch);
                    let is_one = waiting.headless || record::starts(bytes);
                    (Channel::Tls, beginning.or_else(|| is_one.then(end).flatten()))
                }
                Kind::Quic(_) => (Channel::Quic, hello::beginning(bytes).or_else(end)),
                Kind::Udp | Kind::Dtls(_) | Kind::Fragments { .. } => (Channel::Dtls, None),
            };
            match hello {
                Some(hello) => {
                    self.counters.partial_hellos += 1;
                    self.hello(channel, &key, hello);
                }
                None if waiting.headless => self.counters.headless += 1,
                None => self.counters.abandoned += 1,
            }
        }
    }
}

/// Everything that tells one query, or one answer, from another; the class is nearly always the Internet's.
fn write_question(hasher: &mut impl Hasher, channel: Channel, question: &Question) {
    hasher.write_u64(u64::from(question.id) | u64::from(question.kind) << 16 | (channel as u64) << 32);
    write_text(hasher, &question.name);
}

fn write_text(hasher: &mut impl Hasher, text: &str) {
    write_bytes(hasher, text.as_bytes());
}

/// Eight bytes at a time, the length last so that no two texts are written the same.
fn write_bytes(hasher: &mut impl Hasher, bytes: &[u8]) {
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().for_each(|word| hasher.write_u64(u64::from_le_bytes(*word)));
    let last = rest.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
    hasher.write_u64(last);
    hasher.write_u64(bytes.len() as u64);
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, hello_of, ipv4, query, records, rustls_records, server_name, tcp, udp};
    use crate::{Dissector, Limits};
    use std::collections::BTreeSet;

    fn keys(packets: &[Vec<u8>]) -> Vec<u64> {
        let mut bench = Bench::new();
        packets.iter().for_each(|packet| bench.packet(packet));
        bench.observations().iter().map(|seen| seen.key).collect()
    }

    /// The packet as it leaves a router that translates addresses.
    fn translated(packet: &[u8]) -> Vec<u8> {
        let mut payload = packet[20..].to_vec();
        payload[..2].copy_from_slice(&[0xf0, 0x0d]);
        ipv4([203, 0, 113, 1], [packet[16], packet[17], packet[18], packet[19]], packet[9], &payload)
    }

    #[test]
    fn copies_of_a_message_have_one_key_and_other_messages_another() {
        let request = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
        let mut other_id = query("a.example");
        other_id[0] = 9;
        let mut other_type = query("a.example");
        let at = other_type.len() - 3;
        other_type[at] = 28;
        let packets = [
            tcp(100, &rustls_records("a.example")),
            tcp(100, &rustls_records("a.example")),
            udp(4000, 53, &query("a.example")),
            udp(4000, 53, &other_id),
            udp(4000, 53, &other_type),
            udp(4000, 53, &query("b.example")),
            tcp(500, request),
            tcp(9500, request),
        ];
        let mut distinct = BTreeSet::new();
        for packet in packets {
            let keys = keys(&[packet.clone(), translated(&packet)]);
            assert_eq!(keys.len(), 2);
            assert_eq!(keys[0], keys[1]);
            assert!(distinct.insert(keys[0]), "{packet:x?}");
        }
    }

    #[test]
    fn both_hellos_of_a_connection_have_one_key() {
        let hello = hello_of(&[server_name("again.example")]);
        let second = hello_of(&[server_name("again.example"), crate::testing::extension(44, &[1; 20])]);
        let first = records(&hello, 16000);
        let next = 100 + first.len() as u32;
        let keys = keys(&[tcp(100, &first), tcp(next, &records(&second, 16000))]);
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0], keys[1]);
    }

    #[test]
    fn keys_depend_on_the_seed() {
        let key = |seed| {
            let mut bench = Bench(Dissector::new(Limits { seed, ..Limits::default() }));
            bench.packet(&udp(4000, 53, &query("a.example")));
            bench.observations()[0].key
        };
        assert_ne!(key(1), key(2));
        assert_eq!(key(1), key(1));
    }
}
