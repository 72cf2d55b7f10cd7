//! QUIC: the ClientHello in the client's Initial packets.
//!
//! A connection is known by the addresses and ports of its client's packets, and by the Destination Connection ID its
//! keys come from. Its CRYPTO bytes are joined over frames and datagrams in any order; the keys stay when the
//! client goes over to the server's connection ID, and are made anew after a Retry.

mod google;
mod keys;

use crate::assembler::Assembler;
use crate::hello::{self, Hello};
use crate::reader::{Answer, Reader};
use keys::{Keys, Version};

/// Long packets that are looked at in one datagram.
const MAX_COALESCED: usize = 8;

/// A connection ID of at most 20 bytes (RFC 9000, section 17.2).
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct ConnectionId {
    bytes: [u8; 20],
    len: u8,
}

impl ConnectionId {
    fn new(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; 20];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        Some(ConnectionId { bytes, len: from.len() as u8 })
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// What is remembered of a client's side.
pub(crate) struct Connection {
    version: u32,
    /// What the keys were made from.
    dst_cid: ConnectionId,
    /// A connection ID whose own keys did not open its packet: the server's.
    other_cid: ConnectionId,
    /// There until the hello is.
    keys: Option<Box<Keys>>,
}

impl Connection {
    /// The hello is still to come.
    pub(crate) fn is_open(&self) -> bool {
        self.keys.is_some()
    }
}

/// What a datagram brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Hello(Hello),
    /// A new or a known connection that wants more datagrams.
    More,
    /// Nothing that concerns a client's hello.
    Nothing,
    /// An Initial of a known version that no key opens.
    Undecryptable,
}

/// The datagram may hold something for this module.
#[inline]
pub(crate) fn may_start(datagram: &[u8]) -> bool {
    match datagram {
        [first, v0, v1, v2, v3, _, ..] if first & 0x80 != 0 => {
            let number = u32::from_be_bytes([*v0, *v1, *v2, *v3]);
            Version::of(number).is_some() || google::is_clear_version(number)
        }
        [_, rest @ ..] => google::may_start(datagram[0], rest),
        [] => false,
    }
}

/// Source and destination connection ID of the first packet of a datagram, as far as it has a long header: the client's
/// own ID stays the same through Retry and version negotiation.
pub(crate) fn connection_ids(datagram: &[u8]) -> (&[u8], &[u8]) {
    let mut reader = Reader::new(datagram);
    if reader.take(5).is_none_or(|head| head[0] & 0x80 == 0) {
        return (&[], &[]);
    }
    let dst_cid = reader.vec8().unwrap_or_default();
    (reader.vec8().unwrap_or_default(), dst_cid)
}

/// Reads a datagram of a client. `held` is the assembler of the connection; it is emptied when a connection begins anew.
pub(crate) fn handle(
    connection: &mut Option<Connection>,
    held: &mut Assembler,
    datagram: &[u8],
    scratch: &mut Vec<u8>,
) -> Outcome {
    if let Some(answer) = google::clear_hello(datagram) {
        return answer.map_or(Outcome::Nothing, Outcome::Hello);
    }
    let mut outcome = Outcome::Nothing;
    let mut rest = datagram;
    for _ in 0..MAX_COALESCED {
        let Some(packet) = LongPacket::read(rest) else { break };
        rest = &rest[packet.bytes.len()..];
        if !packet.initial {
            continue;
        }
        match initial(connection, held, &packet, scratch) {
            Outcome::Nothing => {}
            Outcome::Hello(hello) => return Outcome::Hello(hello),
            other => outcome = other,
        }
    }
    outcome
}

/// One packet with a long header (RFC 9000, section 17.2).
struct LongPacket<'a> {
    version: Version,
    number: u32,
    initial: bool,
    dst_cid: ConnectionId,
    /// Where the packet number field begins.
    number_at: usize,
    bytes: &'a [u8],
}

impl<'a> LongPacket<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let first = reader.u8()?;
        let number = reader.u32()?;
        if first & 0x80 == 0 {
            return None;
        }
        let version = Version::of(number)?;
        let dst_cid = ConnectionId::new(reader.vec8()?)?;
        let src_cid = reader.vec8()?;
        if src_cid.len() > 20 {
            return None;
        }
        let kind = first & 0x30;
        let initial = kind == version.initial_type;
        if initial {
            let token = reader.varint()?;
            reader.take(usize::try_from(token).ok()?)?;
        } else if kind == version.initial_type.wrapping_sub(0x10) & 0x30 {
            return None; // Retry: it has no length and fills the datagram
        }
        let len = usize::try_from(reader.varint()?).ok()?;
        let number_at = bytes.len() - reader.rest().len();
        // A capture may have cut the packet short; it cannot be opened then, but what came before can.
        reader.take(len)?;
        let total = bytes.len() - reader.rest().len();
        Some(LongPacket { version, number, initial, dst_cid, number_at, bytes: &bytes[..total] })
    }
}

fn initial(
    connection: &mut Option<Connection>,
    held: &mut Assembler,
    packet: &LongPacket<'_>,
    scratch: &mut Vec<u8>,
) -> Outcome {
    let opened = match connection {
        Some(known) if known.number_and_cid_are(packet) && known.keys.is_none() => return Outcome::Nothing,
        Some(Connection { keys: Some(keys), version, .. }) if *version == packet.number => {
            keys.open(packet.bytes, packet.number_at, scratch).is_some()
        }
        _ => false,
    };
    if !opened {
        // A new connection, or a Retry: the keys come from this packet's own connection ID then.
        if let Some(known) = connection
            && (known.other_cid == packet.dst_cid || known.number_and_cid_are(packet))
        {
            return Outcome::Nothing;
        }
        let Some(keys) = Keys::derive(packet.version, packet.dst_cid.as_slice()) else {
            return Outcome::Nothing;
        };
        if keys.open(packet.bytes, packet.number_at, scratch).is_none() {
            if let Some(known) = connection {
                known.other_cid = packet.dst_cid;
            }
            return Outcome::Undecryptable;
        }
        *held = Assembler::default();
        *connection = Some(Connection {
            version: packet.number,
            dst_cid: packet.dst_cid,
            other_cid: ConnectionId::default(),
            keys: Some(Box::new(keys)),
        });
    }
    let payload = scratch.get(payload_range(packet, scratch)).unwrap_or_default();
    let outcome = crypto(payload, packet.version.google, held);
    if outcome != Outcome::More
        && let Some(known) = connection
    {
        known.keys = None;
    }
    outcome
}

impl Connection {
    fn number_and_cid_are(&self, packet: &LongPacket<'_>) -> bool {
        self.version == packet.number && self.dst_cid == packet.dst_cid
    }
}

/// Where the opened payload lies in a packet copied and opened in place: behind the packet number, whose length the
/// now unmasked first byte tells, and before the tag.
fn payload_range(packet: &LongPacket<'_>, opened: &[u8]) -> std::ops::Range<usize> {
    let number_len = opened.first().map_or(1, |first| usize::from(first & 3) + 1);
    packet.number_at + number_len..opened.len().saturating_sub(16)
}

/// Puts the CRYPTO frames of an opened payload together with what is held.
fn crypto(payload: &[u8], google: bool, held: &mut Assembler) -> Outcome {
    let mut reader = Reader::new(payload);
    while !reader.is_empty() {
        match frame(&mut reader, google) {
            Some(Some((offset, data))) => {
                // A whole hello in one frame, which is most of them, needs no copy.
                if held.is_empty() && offset == 0 {
                    match stream(data, google) {
                        Answer::Found(hello) => return Outcome::Hello(hello),
                        Answer::NotThis => return Outcome::Nothing,
                        Answer::More(_) => {}
                    }
                }
                held.insert(offset, data);
            }
            Some(None) => {}
            None => break,
        }
    }
    match stream(held.contiguous(), google) {
        Answer::Found(hello) => Outcome::Hello(hello),
        Answer::NotThis => Outcome::Nothing,
        Answer::More(_) => Outcome::More,
    }
}

fn stream(bytes: &[u8], google: bool) -> Answer<Hello> {
    if google && bytes.first() == Some(&b'C') { google::chlo(bytes) } else { hello::parse(bytes) }
}

/// Reads one frame (RFC 9000, section 19): `Some(Some(..))` for CRYPTO data, `Some(None)` for any other; `None` where
/// the payload cannot be read on. Only five kinds are allowed in an Initial; the others are skipped, not refused.
fn frame<'a>(reader: &mut Reader<'a>, google: bool) -> Option<Option<(usize, &'a [u8])>> {
    let kind = reader.varint()?;
    let skip = |reader: &mut Reader<'a>, count: usize| (0..count).try_for_each(|_| reader.varint().map(drop));
    match kind {
        0x00 => {
            // Padding comes by the hundred.
            let padding = reader.rest().iter().take_while(|&&byte| byte == 0).count();
            reader.take(padding)?;
        }
        0x01 | 0x1e => {}
        0x02 | 0x03 => {
            skip(reader, 2)?;
            let ranges = reader.varint()?;
            // The first range, then a gap and a range each; a false count ends with the bytes.
            let fields = usize::try_from(ranges).ok()?.checked_mul(2)?.checked_add(1)?;
            skip(reader, fields)?;
            skip(reader, if kind == 0x03 { 3 } else { 0 })?;
        }
        0x08 if google => return crypto_frame(reader),
        0x06 => return crypto_frame(reader),
        0x04 => skip(reader, 3)?,
        0x05 | 0x11 | 0x15 => skip(reader, 2)?,
        0x07 => blob(reader)?,
        0x08..=0x0f => {
            skip(reader, if kind & 4 != 0 { 2 } else { 1 })?;
            if kind & 2 != 0 {
                blob(reader)?;
            } else {
                return None;
            }
        }
        0x10 | 0x12..=0x14 | 0x16 | 0x17 | 0x19 => skip(reader, 1)?,
        0x18 => {
            skip(reader, 2)?;
            reader.vec8()?;
            reader.take(16)?;
        }
        0x1a | 0x1b => {
            reader.take(8)?;
        }
        0x1c => {
            skip(reader, 2)?;
            blob(reader)?;
        }
        0x1d => {
            skip(reader, 1)?;
            blob(reader)?;
        }
        0x31 => blob(reader)?,
        _ => return None,
    }
    Some(None)
}

fn crypto_frame<'a>(reader: &mut Reader<'a>) -> Option<Option<(usize, &'a [u8])>> {
    let offset = usize::try_from(reader.varint()?).ok()?;
    let len = usize::try_from(reader.varint()?).ok()?;
    Some(Some((offset, reader.take(len)?)))
}

fn blob(reader: &mut Reader<'_>) -> Option<()> {
    let len = usize::try_from(reader.varint()?).ok()?;
    reader.take(len).map(drop)
}

/// What frames mean that come in a first Initial of this version.
#[cfg(feature = "fuzzing")]
pub(crate) fn outcome_of_frames(version: u32, frames: &[u8]) -> Outcome {
    let google = Version::of(version).is_some_and(|version| version.google);
    crypto(frames, google, &mut Assembler::default())
}

/// A client's Initial packet, as it goes over the wire.
#[cfg(feature = "fuzzing")]
pub(crate) fn protected_initial(version: u32, dst_cid: &[u8], number: u8, frames: &[u8]) -> Option<Vec<u8>> {
    let known = Version::of(version)?;
    let mut header = vec![0xc0 | known.initial_type];
    header.extend(version.to_be_bytes());
    header.push(u8::try_from(dst_cid.len()).ok()?);
    header.extend(dst_cid);
    header.extend([0, 0]);
    let len = u16::try_from(1 + frames.len() + 16).ok().filter(|len| *len < 0x4000)?;
    header.extend((0x4000 | len).to_be_bytes());
    header.push(number);
    Keys::derive(known, dst_cid)?.seal(header, frames)
}

#[cfg(test)]
mod tests;
