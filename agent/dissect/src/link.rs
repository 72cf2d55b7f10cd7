//! Link layers other than plain Ethernet, by the numbers capture files give them.

use crate::frame::{Layer, Peeled, llc};
use crate::reader::be16;

/// How a captured frame begins (the `LINKTYPE_` numbers of the pcap format).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkType {
    /// BSD loopback: four bytes of address family, in the byte order of the machine that wrote it.
    Null,
    /// Ethernet.
    Ethernet,
    /// IPv4 or IPv6 with nothing in front.
    Raw,
    /// IPv4 with nothing in front.
    Ipv4,
    /// IPv6 with nothing in front.
    Ipv6,
    /// What a Linux packet socket without link headers hands up: IPv4 or IPv6, or, where the packet has its VLAN tags in
    /// itself, the rest of the outer tag first. No capture file has it.
    LinuxPacket,
    /// Linux cooked capture, first version.
    LinuxSll,
    /// Linux cooked capture, second version.
    LinuxSll2,
    /// IEEE 802.11.
    Ieee80211,
    /// IEEE 802.11 behind a radiotap header.
    Radiotap,
    /// IEEE 802.11 behind an AVS header.
    Avs,
    /// Any link behind a Per-Packet Information header.
    Ppi,
    /// PPP, with or without HDLC framing.
    Ppp,
    /// PPPoE session packets without their Ethernet header.
    PppEther,
    /// Cisco HDLC.
    CiscoHdlc,
}

impl LinkType {
    /// The link type of a capture file's number; `None` where we cannot read it.
    pub fn from_dlt(number: u32) -> Option<LinkType> {
        // Files carry a frame check sequence length in the upper bits (pcap format, "LinkType and additional
        // information").
        Some(match number & 0x03ff_ffff {
            0 | 108 => LinkType::Null,
            1 => LinkType::Ethernet,
            9 | 50 => LinkType::Ppp,
            12 | 14 | 101 => LinkType::Raw,
            51 => LinkType::PppEther,
            104 => LinkType::CiscoHdlc,
            105 => LinkType::Ieee80211,
            113 => LinkType::LinuxSll,
            127 => LinkType::Radiotap,
            163 => LinkType::Avs,
            192 => LinkType::Ppi,
            228 => LinkType::Ipv4,
            229 => LinkType::Ipv6,
            276 => LinkType::LinuxSll2,
            _ => return None,
        })
    }
}

/// Takes the link header off.
pub(crate) fn peel(link: LinkType, bytes: &[u8]) -> Peeled<'_> {
    let inner = match link {
        LinkType::Ethernet => {
            bytes.get(14..).zip(be16(bytes, 12)).map(|(rest, kind)| (Layer::EtherType(kind), rest))
        }
        LinkType::Null => match bytes {
            // AF_INET is 2 everywhere; AF_INET6 is 10, 23, 24, 28 or 30.
            [2 | 10 | 23 | 24 | 28 | 30, 0, 0, 0, rest @ ..]
            | [0, 0, 0, 2 | 10 | 23 | 24 | 28 | 30, rest @ ..] => Some((Layer::Ip, rest)),
            _ => return Peeled::Other,
        },
        LinkType::Raw | LinkType::Ipv4 | LinkType::Ipv6 => Some((Layer::Ip, bytes)),
        LinkType::LinuxPacket => Some(untag(bytes).unwrap_or((Layer::Ip, bytes))),
        LinkType::LinuxSll => cooked(bytes, be16(bytes, 14), 16),
        LinkType::LinuxSll2 => cooked(bytes, be16(bytes, 0), 20),
        LinkType::Ieee80211 => match bytes {
            [control, flags, ..] => return ieee80211(*control, *flags, bytes),
            _ => None,
        },
        LinkType::Radiotap => {
            le16(bytes, 2).and_then(|len| Some((Layer::Link(LinkType::Ieee80211), bytes.get(len..)?)))
        }
        LinkType::Avs => be16(bytes, 6)
            .and_then(|len| Some((Layer::Link(LinkType::Ieee80211), bytes.get(usize::from(len)..)?))),
        LinkType::Ppi => le16(bytes, 2).zip(le16(bytes, 4)).and_then(|(len, number)| {
            let inner = LinkType::from_dlt(u32::try_from(number).ok()?)?;
            Some((Layer::Link(inner), bytes.get(len..)?))
        }),
        LinkType::Ppp => Some((Layer::Ppp, bytes)),
        LinkType::PppEther => Some((Layer::EtherType(0x8864), bytes)),
        LinkType::CiscoHdlc => {
            be16(bytes, 2).and_then(|kind| Some((Layer::EtherType(kind), bytes.get(4..)?)))
        }
    };
    match inner {
        Some((layer, rest)) => Peeled::Inner(layer, rest),
        None => Peeled::Malformed,
    }
}

/// What stands behind the rest of a VLAN tag: its two bytes of control, then an EtherType (IEEE 802.1Q, section 9). `None` where
/// the bytes are an IP packet by their own length, whose third and fourth byte may look like that by chance.
fn untag(bytes: &[u8]) -> Option<(Layer, &[u8])> {
    let kind = be16(bytes, 2).filter(|kind| matches!(kind, 0x0800 | 0x86dd | 0x8100 | 0x88a8))?;
    let length = match bytes[0] >> 4 {
        4 => Some(usize::from(be16(bytes, 2)?)),
        6 => Some(usize::from(be16(bytes, 4)?) + 40),
        _ => None,
    };
    // Ethernet pads what is below 46 bytes.
    if length.is_some_and(|length| length == bytes.len() || length < bytes.len() && bytes.len() <= 46) {
        return None;
    }
    Some((Layer::EtherType(kind), bytes.get(4..)?))
}

/// Linux cooked captures carry an EtherType, or 4 for a frame that starts with 802.2 LLC.
fn cooked(bytes: &[u8], kind: Option<u16>, header_len: usize) -> Option<(Layer, &[u8])> {
    Some((Layer::EtherType(kind?), bytes.get(header_len..)?))
}

fn le16(bytes: &[u8], at: usize) -> Option<usize> {
    be16(bytes, at).map(|value| usize::from(value.swap_bytes()))
}

/// The subframes of an aggregate (IEEE 802.11, section 9.3.2.2): two addresses and a length in front of each, and all but
/// the last filled up to a multiple of four.
pub(crate) fn subframes(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    const HEADER: usize = 14;
    std::iter::from_fn(move || {
        let len = usize::from(be16(bytes, 12)?);
        // A capture may have cut the last one.
        let frame = &bytes[HEADER..bytes.len().min(HEADER + len)];
        bytes = bytes.get((HEADER + len).next_multiple_of(4)..).unwrap_or_default();
        (!frame.is_empty()).then_some(frame)
    })
}

/// An unprotected data frame (IEEE 802.11, section 9.3.2) with this frame control field.
pub(crate) fn ieee80211(control: u8, flags: u8, bytes: &[u8]) -> Peeled<'_> {
    let (kind, subtype) = (control & 0x0c, control >> 4);
    let (protected, no_data) = (flags & 0x40 != 0, subtype & 0x4 != 0);
    if control & 3 != 0 || kind != 0x08 || protected || no_data {
        return Peeled::Other;
    }
    let mut header_len = if flags & 3 == 3 { 30 } else { 24 };
    let mut aggregated = false;
    if subtype & 0x8 != 0 {
        aggregated = bytes.get(header_len).is_some_and(|qos| qos & 0x80 != 0);
        header_len += if flags & 0x80 != 0 { 6 } else { 2 };
    }
    if aggregated {
        return bytes.get(header_len..).map_or(Peeled::Malformed, Peeled::Aggregate);
    }
    match bytes.get(header_len..) {
        // Some cards pad the header to a multiple of four.
        Some([_, _, padded @ ..]) if header_len % 4 == 2 && padded.starts_with(&[0xaa, 0xaa, 3]) => {
            llc(padded)
        }
        Some(rest) => llc(rest),
        None => Peeled::Malformed,
    }
}
