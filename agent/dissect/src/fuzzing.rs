//! Entry points of the fuzz targets (`tests/fuzz`), one a parser, each asserting a property. They are no part of the
//! crate's interface.

use crate::assembler::Assembler;
use crate::dns;
use crate::frame::{Layer, Peeled, peel};
use crate::hello;
use crate::http;
use crate::link;
use crate::quic;
use crate::reader::Answer;
use crate::record;
use crate::station::Stations;
use crate::testing;
use crate::tunnel;
use crate::wrapper;
use crate::{Channel, Dissector, Limits, LinkType, Timestamp};
use std::fmt::Debug;

/// The link types that capture files name by these numbers.
pub const LINKS: [u32; 15] = [1, 0, 9, 12, 51, 101, 104, 105, 113, 127, 163, 192, 228, 229, 276];

/// Each layer taken off leaves a part of the bytes that were there, and there is an end to it.
pub fn frame(link: u8, bytes: &[u8]) {
    let Some(link) = LinkType::from_dlt(LINKS[usize::from(link) % LINKS.len()]) else { return };
    let (mut layer, mut rest) = (Layer::Link(link), bytes);
    for _ in 0..64 {
        let (next, inner) = match peel(layer, rest) {
            Peeled::Inner(next, inner) => (next, inner),
            Peeled::Tcp(segment) => return assert!(within(segment.payload, rest)),
            Peeled::Fragment(fragment) => return assert!(within(fragment.bytes, rest)),
            Peeled::Udp(datagram) => {
                assert!(within(datagram.payload, rest));
                match tunnel::inner(&datagram) {
                    Some((next, inner)) => (next, inner),
                    None => return,
                }
            }
            Peeled::Aggregate(bytes) => {
                assert!(within(bytes, rest));
                assert!(link::subframes(bytes).all(|frame| within(frame, bytes)));
                return;
            }
            Peeled::Other | Peeled::Malformed => return,
        };
        assert!(within(inner, rest));
        (layer, rest) = (next, inner);
    }
}

/// What frames tell of machines has bounds: each of a few addresses and one name, and a name is a host name.
pub fn station(frames: &[u8]) {
    let mut stations = Stations::new(1);
    let mut count = 0;
    let mut rest = frames;
    while let Some((len, behind)) = rest.split_first_chunk::<2>() {
        let (frame, behind) = behind.split_at(behind.len().min(usize::from(u16::from_be_bytes(*len))));
        stations.handle_frame(Timestamp(count), frame);
        (rest, count) = (behind, count + 1);
        // The source of an IPv4 packet right behind the Ethernet header.
        if let Some(source) = frame.get(26..).and_then(<[u8]>::first_chunk::<4>) {
            let name = stations.ask(Timestamp(count), (*source).into()).host_name;
            assert!(name.is_none_or(|name| (1..=253).contains(&name.len()) && name.is_ascii()));
        }
    }
    let (addresses, machines) = stations.counts();
    // A DHCP message tells of three addresses at the most: its sender's, the client's present one and the new one.
    assert!(addresses as u64 <= 3 * count && machines as u64 <= 3 * count);
}

fn within(part: &[u8], whole: &[u8]) -> bool {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    part.is_empty() || whole.start <= part.start && part.end <= whole.end
}

/// A prefix of a message asks for the first of the names that the whole asks for, and for nothing else; what an answer
/// says has bounds.
pub fn dns(message: &[u8]) {
    if let Some((_, answer)) = dns::answer(message) {
        assert!(answer.targets.len() <= 64 && answer.addresses.len() <= 64 && answer.services.len() <= 64);
    }
    let Some(whole) = questions(message) else { return };
    for cut in cuts(message.len()) {
        let some = questions(&message[..cut]).unwrap_or_default();
        assert!(whole.starts_with(&some), "{whole:?} does not begin with {some:?}");
    }
}

fn questions(message: &[u8]) -> Option<Vec<String>> {
    match dns::parse(message) {
        dns::Message::Query(names) => Some(names.into_iter().map(|question| question.name.into()).collect()),
        _ => None,
    }
}

/// Records and hellos: no answer about a prefix is taken back, and what a cut one tells is what the whole does.
pub fn tls(bytes: &[u8]) {
    let name = |hello: hello::Hello| hello.name;
    answers_agree(bytes, |bytes| match record::parse(bytes, &mut Vec::new()) {
        Answer::Found(found) => {
            assert!(found.len <= bytes.len());
            Answer::Found(name(found.hello))
        }
        Answer::NotThis => Answer::NotThis,
        Answer::More(needed) => Answer::More(needed),
    });
    answers_agree(bytes, |bytes| match hello::parse(bytes) {
        Answer::Found(hello) => Answer::Found(name(hello)),
        Answer::NotThis => Answer::NotThis,
        Answer::More(needed) => Answer::More(needed),
    });
    if let Some(hello) = hello::ending(bytes) {
        assert!(hello.name.is_some_and(|name| name.contains('.')));
    }
    if let Answer::Found(hello) = hello::parse(bytes) {
        for cut in cuts(bytes.len()) {
            if let Some(beginning) = hello::beginning(&bytes[..cut]) {
                assert_eq!(beginning.name, hello.name);
            }
        }
    }
}

/// Request heads and what stands in front of a stream: no answer about a prefix is taken back.
pub fn http(bytes: &[u8]) {
    if bytes.len() >= http::MAX_HEAD {
        return; // where a head that has not ended is given up
    }
    answers_agree(bytes, |bytes| match http::parse(bytes) {
        Answer::Found(request) => {
            assert!(request.len <= bytes.len());
            Answer::Found(request.host)
        }
        Answer::NotThis => Answer::NotThis,
        Answer::More(needed) => Answer::More(needed),
    });
    answers_agree(bytes, |bytes| match wrapper::parse(bytes) {
        Answer::Found(wrapper) => {
            assert!(wrapper.len > 0 && wrapper.len <= bytes.len());
            Answer::Found((wrapper.len, wrapper.authority))
        }
        Answer::NotThis => Answer::NotThis,
        Answer::More(needed) => Answer::More(needed),
    });
}

/// A datagram is survived; and frames mean the same whether they come protected or not.
pub fn quic(bytes: &[u8]) {
    let mut scratch = Vec::new();
    quic::handle(&mut None, &mut Assembler::default(), bytes, &mut scratch);
    for version in [1, 0x6b33_43cf, 0x5130_3530] {
        let Some(packet) = initial(version, b"fuzzing!", 0, bytes) else { return };
        let (mut connection, mut held) = (None, Assembler::default());
        let outcome = quic::handle(&mut connection, &mut held, &packet, &mut scratch);
        assert_eq!(outcome, quic::outcome_of_frames(version, bytes));
        assert!(connection.is_some());
    }
}

/// A client's Initial packet with these frames; `None` where they do not fit one.
pub fn initial(version: u32, dst_cid: &[u8], number: u8, frames: &[u8]) -> Option<Vec<u8>> {
    if !(3..16_000).contains(&frames.len()) {
        return None; // fewer would leave nothing to sample (RFC 9001, section 5.4.2)
    }
    quic::protected_initial(version, dst_cid, number, frames)
}

/// What a dissector with small tables holds after any sequence of frames is within its bounds, and nothing in the end.
pub struct Bounded {
    dissector: Dissector,
    limits: Limits,
    at: u64,
}

impl Default for Bounded {
    fn default() -> Self {
        let limits = Limits {
            max_streams: 16,
            max_quic_bytes: 6000,
            max_held_bytes: 256 * 1024,
            hold_us: 1_000_000,
            seed: 1,
        };
        Bounded { dissector: Dissector::new(limits), limits, at: 0 }
    }
}

impl Bounded {
    /// Time goes on.
    pub fn wait(&mut self, milliseconds: u8) {
        self.at += u64::from(milliseconds) * 1000;
        self.dissector.handle_timeout(Timestamp(self.at));
        assert!(self.dissector.next_timeout().is_none_or(|due| due > Timestamp(self.at)));
        self.check();
    }

    /// A frame comes.
    pub fn frame(&mut self, link: u8, bytes: &[u8]) {
        let Some(link) = LinkType::from_dlt(LINKS[usize::from(link) % LINKS.len()]) else { return };
        self.dissector.handle_frame(Timestamp(self.at), link, bytes);
        self.check();
    }

    /// The capture ends.
    pub fn finish(mut self) {
        self.dissector.finish();
        assert_eq!(self.dissector.held_bytes(), 0);
        self.check();
    }

    fn check(&mut self) {
        assert!(self.dissector.held_bytes() <= self.limits.max_held_bytes);
        assert!(self.dissector.quic_bytes() <= self.limits.max_quic_bytes);
        assert!(self.dissector.streams() <= self.limits.max_streams);
        while let Some(observation) = self.dissector.poll_observation() {
            let name = observation.name.as_deref().unwrap_or("x");
            assert!(!name.is_empty() && name.is_ascii() && !name.contains(char::is_uppercase), "{name:?}");
        }
    }
}

/// Channel and name of what raw IP packets in this order show.
pub fn names(packets: &[Vec<u8>]) -> Vec<(Channel, String)> {
    testing::seen_in(packets)
}

/// A ClientHello of about `padding` bytes with this name, in front of the padding or behind it.
pub fn client_hello(name: &str, padding: usize, name_last: bool) -> Vec<u8> {
    let mut extensions = vec![testing::server_name(name), testing::extension(21, &vec![0; padding])];
    if name_last {
        extensions.reverse();
    }
    testing::hello_of(&extensions)
}

/// A message in TLS records of at most `size` bytes.
pub fn records(message: &[u8], size: usize) -> Vec<u8> {
    testing::records(message, size)
}

/// The client's SYN with this sequence number.
pub fn syn(sequence: u32) -> Vec<u8> {
    testing::syn(sequence)
}

/// A segment of the client's.
pub fn tcp(sequence: u32, payload: &[u8]) -> Vec<u8> {
    testing::tcp(sequence, payload)
}

/// A datagram of the client's.
pub fn udp(src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    testing::udp(src_port, dst_port, payload)
}

/// A DNS query message.
pub fn query(name: &str) -> Vec<u8> {
    testing::query(name)
}

fn answers_agree<T: PartialEq + Debug>(bytes: &[u8], parse: impl Fn(&[u8]) -> Answer<T>) {
    let whole = parse(bytes);
    for cut in cuts(bytes.len()) {
        match parse(&bytes[..cut]) {
            Answer::More(needed) => assert!(needed > cut, "{needed} at {cut}"),
            earlier => assert_eq!(earlier, whole, "at {cut} of {}", bytes.len()),
        }
    }
    if let Answer::More(needed) = whole {
        assert!(needed > bytes.len());
    }
}

/// Some prefixes of so many bytes, the very short ones and the longest among them.
fn cuts(len: usize) -> impl Iterator<Item = usize> {
    let few = [1, 2, 3, 5, 6, 9, 11, 12, 16, 40].into_iter();
    let parts = [len / 4, len / 2, len / 4 * 3, len.saturating_sub(2), len.saturating_sub(1)];
    few.chain(parts).filter(move |&cut| cut > 0 && cut < len)
}
