//! Tunnels that run over UDP, by their port. Only traffic of a gateway or a capture file shows them: the endpoint
//! sees its own packets before they go in.

use crate::frame::{Datagram, Layer};
use crate::link::LinkType;
use crate::reader::{Reader, be16};

/// What a tunnel packet carries; `None`: no tunnel.
pub(crate) fn inner<'a>(datagram: &Datagram<'a>) -> Option<(Layer, &'a [u8])> {
    let bytes = datagram.payload;
    let on = |port: u16| datagram.dst_port == port || datagram.src_port == port;
    match datagram.dst_port {
        4789 | 8472 | 4790 => vxlan(bytes),
        6081 => geneve(bytes),
        4754 => Some((Layer::Gre, bytes)),  // GRE in UDP, RFC 8086
        6635 => Some((Layer::Mpls, bytes)), // MPLS in UDP, RFC 7510
        // LISP data (RFC 9300, section 5): eight bytes, then IP.
        4341 => bytes.get(8..).map(|rest| (Layer::Ip, rest)),
        37008 => tzsp(bytes),
        _ if on(2152) => gtp_u(bytes),
        _ if on(5247) => capwap(bytes),
        _ if on(1701) => l2tp(bytes),
        _ if on(3544) => teredo(bytes),
        _ => None,
    }
}

/// VXLAN (RFC 7348), and VXLAN-GPE where the P flag names the next protocol.
fn vxlan(bytes: &[u8]) -> Option<(Layer, &[u8])> {
    let rest = bytes.get(8..)?;
    if bytes[0] & 0x08 == 0 {
        return None;
    }
    match (bytes[0] & 0x04 != 0, bytes[3]) {
        (true, 1 | 2) => Some((Layer::Ip, rest)),
        _ => Some((Layer::Link(LinkType::Ethernet), rest)),
    }
}

/// TZSP, by which some routers mirror a port: version, type, protocol 1 for Ethernet, then tagged fields up to tag 1.
fn tzsp(bytes: &[u8]) -> Option<(Layer, &[u8])> {
    let mut reader = Reader::new(bytes);
    let (version, kind, protocol) = (reader.u8()?, reader.u8()?, reader.u16()?);
    if version != 1 || kind > 1 || protocol != 1 {
        return None;
    }
    loop {
        match reader.u8()? {
            1 => return Some((Layer::Link(LinkType::Ethernet), reader.rest())),
            0 => {}
            _ => reader.vec8().map(drop)?,
        }
    }
}

/// Geneve (RFC 8926): options in units of four bytes, then an EtherType's worth.
fn geneve(bytes: &[u8]) -> Option<(Layer, &[u8])> {
    let first = *bytes.first()?;
    let rest = bytes.get(8 + usize::from(first & 0x3f) * 4..)?;
    (first >> 6 == 0).then_some((Layer::EtherType(be16(bytes, 2)?), rest))
}

/// GTP-U (3GPP TS 29.281, section 5): a G-PDU, with any extension headers skipped.
fn gtp_u(bytes: &[u8]) -> Option<(Layer, &[u8])> {
    let mut reader = Reader::new(bytes);
    let flags = reader.u8()?;
    let kind = reader.u8()?;
    if flags & 0xf0 != 0x30 || kind != 0xff {
        return None;
    }
    reader.take(6)?;
    if flags & 7 != 0 {
        reader.take(3)?;
        let mut next = reader.u8()?;
        while flags & 4 != 0 && next != 0 {
            let units = usize::from(reader.u8()?);
            let content = reader.take((units * 4).checked_sub(1)?)?;
            next = *content.last()?;
        }
    }
    Some((Layer::Ip, reader.rest()))
}

/// CAPWAP data (RFC 5415, section 4.3), clear: the header length is in units of four bytes; the T bit tells
/// 802.11 from 802.3.
fn capwap(bytes: &[u8]) -> Option<(Layer, &[u8])> {
    let [0, hlen, binding, flags, ..] = bytes else { return None };
    let rest = bytes.get(usize::from(hlen >> 3) * 4..)?;
    let native = binding & 0x01 != 0;
    let fragment = flags & 0x80 != 0;
    if fragment || hlen >> 3 < 2 {
        return None;
    }
    let layer = match rest {
        _ if !native => Layer::Link(LinkType::Ethernet),
        // Controllers of one large vendor send the two bytes of the frame control field swapped.
        [flags, control, ..] if flags & 0x0f != 0x08 && control & 0x0f == 0x08 => Layer::SwappedIeee80211,
        _ => Layer::Link(LinkType::Ieee80211),
    };
    Some((layer, rest))
}

/// L2TP version 2 data messages (RFC 2661, section 3.1).
fn l2tp(bytes: &[u8]) -> Option<(Layer, &[u8])> {
    let mut reader = Reader::new(bytes);
    let flags = reader.u16()?;
    if flags & 0x8000 != 0 || flags & 0x000f != 2 {
        return None;
    }
    reader.take(if flags & 0x4000 != 0 { 2 } else { 0 })?;
    reader.take(4)?;
    reader.take(if flags & 0x0800 != 0 { 4 } else { 0 })?;
    if flags & 0x0200 != 0 {
        let padding = reader.u16()?;
        reader.take(usize::from(padding))?;
    }
    Some((Layer::Ppp, reader.rest()))
}

/// Teredo (RFC 4380, section 5.1.1): IPv6, perhaps behind an authentication or origin indication.
fn teredo(bytes: &[u8]) -> Option<(Layer, &[u8])> {
    let mut bytes = bytes;
    if let [0, 1, client_len, auth_len, rest @ ..] = bytes {
        bytes = rest.get(usize::from(*client_len) + usize::from(*auth_len) + 9..)?;
    }
    if let [0, 0, rest @ ..] = bytes {
        bytes = rest.get(6..)?;
    }
    (bytes.first()? >> 4 == 6).then_some((Layer::Ip, bytes))
}
