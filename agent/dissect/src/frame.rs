//! From a captured frame to the TCP or UDP packet inside it, one header at a time.
//!
//! [`peel`] takes one layer off; the caller loops, with a bound on how deep it goes, because every tunnel here can
//! hold another one. Nothing is copied and nothing is remembered.

use crate::link::{self, LinkType};
use crate::reader::{Reader, be16};

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// A frame of a capture file or socket.
    Link(LinkType),
    /// What follows an EtherType.
    EtherType(u16),
    /// What follows a PPP header.
    Ppp,
    /// IPv4 or IPv6, by its first nibble.
    Ip,
    /// GRE, wherever it came in.
    Gre,
    /// A stack of MPLS labels.
    Mpls,
    /// IEEE 802.2 LLC.
    Llc,
    /// IEEE 802.11 with the bytes of its frame control field swapped.
    SwappedIeee80211,
    /// What follows an IP header.
    Protocol { src: Address, dst: Address, number: u8 },
}

/// An IPv6 address, or an IPv4 address in its IPv4-mapped form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Address(pub(crate) u128);

impl Address {
    pub(crate) fn v4(octets: [u8; 4]) -> Self {
        Address(0xffff_0000_0000 | u128::from(u32::from_be_bytes(octets)))
    }

    pub(crate) fn to_ip(self) -> std::net::IpAddr {
        std::net::Ipv6Addr::from(self.0).to_canonical()
    }
}

/// One layer taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peeled<'a> {
    Inner(Layer, &'a [u8]),
    Tcp(Segment<'a>),
    Udp(Datagram<'a>),
    Fragment(Fragment<'a>),
    /// The subframes of an 802.11 aggregate (A-MSDU).
    Aggregate(&'a [u8]),
    /// Well formed and nothing for us.
    Other,
    /// Not what it claims to be.
    Malformed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) src: Address,
    pub(crate) dst: Address,
    pub(crate) src_port: u16,
    pub(crate) dst_port: u16,
    pub(crate) sequence: u32,
    pub(crate) syn: bool,
    pub(crate) payload: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Datagram<'a> {
    pub(crate) src: Address,
    pub(crate) dst: Address,
    pub(crate) src_port: u16,
    pub(crate) dst_port: u16,
    pub(crate) payload: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment<'a> {
    pub(crate) src: Address,
    pub(crate) dst: Address,
    pub(crate) identification: u32,
    pub(crate) protocol: u8,
    pub(crate) offset: usize,
    pub(crate) more: bool,
    pub(crate) bytes: &'a [u8],
}

/// Takes one layer off `bytes`.
#[inline]
pub(crate) fn peel(layer: Layer, bytes: &[u8]) -> Peeled<'_> {
    match layer {
        Layer::Link(LinkType::Ethernet) => ethernet(bytes),
        Layer::Link(other) => link::peel(other, bytes),
        Layer::EtherType(kind) => ether_type(kind, bytes),
        Layer::Ppp => ppp(bytes),
        Layer::Ip => ip(bytes),
        Layer::Gre => gre(bytes),
        Layer::Mpls => mpls(bytes),
        Layer::Llc => llc(bytes),
        Layer::SwappedIeee80211 => match bytes {
            [flags, control, ..] => link::ieee80211(*control, *flags, bytes),
            _ => Peeled::Malformed,
        },
        Layer::Protocol { src, dst, number } => protocol(src, dst, number, bytes),
    }
}

#[inline]
fn ethernet(bytes: &[u8]) -> Peeled<'_> {
    match (be16(bytes, 12), bytes.get(14..)) {
        (Some(0x0800), Some(rest)) => ipv4(rest),
        (Some(kind), Some(rest)) => Peeled::Inner(Layer::EtherType(kind), rest),
        _ => Peeled::Malformed,
    }
}

fn ether_type(kind: u16, bytes: &[u8]) -> Peeled<'_> {
    match kind {
        0x0800 | 0x86dd => ip(bytes),
        // 802.1Q and 802.1ad tags, and the two numbers in use before 802.1ad: tag control, then the next type.
        0x8100 | 0x88a8 | 0x9100 | 0x9200 => match (be16(bytes, 2), bytes.get(4..)) {
            (Some(kind), Some(rest)) => Peeled::Inner(Layer::EtherType(kind), rest),
            _ => Peeled::Malformed,
        },
        0x8847 | 0x8848 => mpls(bytes),
        // PPPoE session (RFC 2516): version and type, code, session, length.
        0x8864 => match bytes.get(6..) {
            Some(rest) if bytes[0] == 0x11 && bytes[1] == 0 => Peeled::Inner(Layer::Ppp, rest),
            _ => Peeled::Malformed,
        },
        0x6558 => Peeled::Inner(Layer::Link(LinkType::Ethernet), bytes),
        // Provider backbone bridging (802.1ah): a service tag, then the customer's frame.
        0x88e7 if bytes.len() > 4 => Peeled::Inner(Layer::Link(LinkType::Ethernet), &bytes[4..]),
        // A port extender's tag (802.1BR's predecessor, VN-Tag), and a redundancy tag (IEC 62439-3): four bytes, then the type.
        0x8926 | 0x892f => match (be16(bytes, 4), bytes.get(6..)) {
            (Some(kind), Some(rest)) => Peeled::Inner(Layer::EtherType(kind), rest),
            _ => Peeled::Malformed,
        },
        0x880b => Peeled::Inner(Layer::Ppp, bytes),
        0..=1500 => llc(bytes),
        _ => Peeled::Other,
    }
}

/// IEEE 802.2 LLC with SNAP (RFC 1042), as in 802.3 and 802.11 frames.
pub(crate) fn llc(bytes: &[u8]) -> Peeled<'_> {
    match bytes {
        [0xaa, 0xaa, 3, 0, 0, 0, high, low, rest @ ..] => {
            Peeled::Inner(Layer::EtherType(u16::from_be_bytes([*high, *low])), rest)
        }
        // RFC 1201-style IP directly over LLC.
        [6, 6, 3, rest @ ..] => Peeled::Inner(Layer::Ip, rest),
        _ => Peeled::Other,
    }
}

fn ppp(bytes: &[u8]) -> Peeled<'_> {
    let bytes = bytes.strip_prefix(&[0xff, 3]).unwrap_or(bytes);
    // The protocol field may be compressed to its last byte, which is odd (RFC 1661, section 6.5).
    let (number, rest) = match bytes {
        [number, rest @ ..] if number & 1 == 1 => (u16::from(*number), rest),
        [high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
        _ => return Peeled::Malformed,
    };
    match number {
        0x0021 | 0x0057 => ip(rest),
        0x0281 | 0x0283 => mpls(rest),
        _ => Peeled::Other,
    }
}

/// A label stack (RFC 3032). What is below it is told by nothing but its first nibble (RFC 4928).
fn mpls(mut bytes: &[u8]) -> Peeled<'_> {
    loop {
        let [_, _, entry, _, rest @ ..] = bytes else { return Peeled::Malformed };
        bytes = rest;
        if entry & 1 == 1 {
            break;
        }
    }
    match bytes.first().map(|first| first >> 4) {
        Some(4 | 6) => ip(bytes),
        // A pseudowire control word (RFC 4385), where the frame behind it says so; an address may begin with zeros too.
        Some(0) if bytes.len() > 4 && is_ethernet(&bytes[4..]) | !is_ethernet(bytes) => {
            Peeled::Inner(Layer::Link(LinkType::Ethernet), &bytes[4..])
        }
        Some(_) => Peeled::Inner(Layer::Link(LinkType::Ethernet), bytes),
        None => Peeled::Malformed,
    }
}

/// The EtherType of a frame is one that leads on.
fn is_ethernet(frame: &[u8]) -> bool {
    matches!(be16(frame, 12), Some(0x0800 | 0x86dd | 0x8100 | 0x88a8 | 0x8847 | 0x8864))
}

#[inline]
fn ip(bytes: &[u8]) -> Peeled<'_> {
    match bytes.first().map(|first| first >> 4) {
        Some(4) => ipv4(bytes),
        Some(6) => ipv6(bytes),
        _ => Peeled::Malformed,
    }
}

#[inline]
fn ipv4(bytes: &[u8]) -> Peeled<'_> {
    let Some(header) = bytes.first_chunk::<20>() else { return Peeled::Malformed };
    let header_len = usize::from(header[0] & 0x0f) * 4;
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    // A sender that leaves segmentation to its card may show us total length 0. What is behind the total length is
    // padding of the link; what the capture cut off is simply not there.
    let end = if total == 0 { bytes.len() } else { total.min(bytes.len()) };
    if header[0] >> 4 != 4 || header_len < 20 || end < header_len {
        return Peeled::Malformed;
    }
    let src = Address::v4([header[12], header[13], header[14], header[15]]);
    let dst = Address::v4([header[16], header[17], header[18], header[19]]);
    let rest = &bytes[header_len..end];
    let flags = u16::from_be_bytes([header[6], header[7]]);
    if flags & 0x3fff != 0 {
        return Peeled::Fragment(Fragment {
            src,
            dst,
            identification: u32::from(u16::from_be_bytes([header[4], header[5]])),
            protocol: header[9],
            offset: usize::from(flags & 0x1fff) * 8,
            more: flags & 0x2000 != 0,
            bytes: rest,
        });
    }
    protocol(src, dst, header[9], rest)
}

fn ipv6(bytes: &[u8]) -> Peeled<'_> {
    let Some(header) = bytes.first_chunk::<40>() else { return Peeled::Malformed };
    let len = usize::from(u16::from_be_bytes([header[4], header[5]]));
    // Length 0: a jumbogram or a segmentation offload.
    let end = if len == 0 { bytes.len() } else { bytes.len().min(40 + len) };
    let mut address = [0; 16];
    address.copy_from_slice(&header[8..24]);
    let src = Address(u128::from_be_bytes(address));
    address.copy_from_slice(&header[24..40]);
    let dst = Address(u128::from_be_bytes(address));
    protocol(src, dst, header[6], &bytes[40..end])
}

#[inline]
fn protocol(src: Address, dst: Address, number: u8, bytes: &[u8]) -> Peeled<'_> {
    match number {
        6 => tcp(src, dst, bytes),
        17 => udp(src, dst, bytes),
        // IPv6 extension headers: next header, length in units of eight bytes beyond the first eight (RFC 8200,
        // section 4), authentication header in units of four (RFC 4302).
        0 | 43 | 60 | 135 | 139 | 140 | 51 => {
            let [next, len, ..] = bytes else { return Peeled::Malformed };
            let len = if number == 51 { (usize::from(*len) + 2) * 4 } else { (usize::from(*len) + 1) * 8 };
            match bytes.get(len..) {
                Some(rest) => Peeled::Inner(Layer::Protocol { src, dst, number: *next }, rest),
                None => Peeled::Malformed,
            }
        }
        44 => ipv6_fragment(src, dst, bytes),
        4 | 41 => Peeled::Inner(Layer::Ip, bytes),
        47 => gre(bytes),
        // EtherIP (RFC 3378): a two-byte header.
        97 => match bytes.get(2..) {
            Some(rest) => Peeled::Inner(Layer::Link(LinkType::Ethernet), rest),
            None => Peeled::Malformed,
        },
        137 => mpls(bytes),
        _ => Peeled::Other,
    }
}

fn ipv6_fragment(src: Address, dst: Address, bytes: &[u8]) -> Peeled<'_> {
    let mut reader = Reader::new(bytes);
    let (Some(next), Some(_), Some(offset), Some(identification)) =
        (reader.u8(), reader.u8(), reader.u16(), reader.u32())
    else {
        return Peeled::Malformed;
    };
    let more = offset & 1 == 1;
    let offset = usize::from(offset & 0xfff8);
    if offset == 0 && !more {
        return Peeled::Inner(Layer::Protocol { src, dst, number: next }, reader.rest()); // atomic, RFC 6946
    }
    Peeled::Fragment(Fragment {
        src,
        dst,
        identification,
        protocol: next,
        offset,
        more,
        bytes: reader.rest(),
    })
}

#[inline]
fn tcp(src: Address, dst: Address, bytes: &[u8]) -> Peeled<'_> {
    let Some(header) = bytes.first_chunk::<20>() else { return Peeled::Malformed };
    let header_len = usize::from(header[12] >> 4) * 4;
    if header_len < 20 {
        return Peeled::Malformed;
    }
    Peeled::Tcp(Segment {
        src,
        dst,
        src_port: u16::from_be_bytes([header[0], header[1]]),
        dst_port: u16::from_be_bytes([header[2], header[3]]),
        sequence: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        syn: header[13] & 0x02 != 0,
        payload: bytes.get(header_len..).unwrap_or_default(),
    })
}

#[inline]
fn udp(src: Address, dst: Address, bytes: &[u8]) -> Peeled<'_> {
    let Some(header) = bytes.first_chunk::<8>() else { return Peeled::Malformed };
    let len = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let end = if len < 8 { bytes.len() } else { len.min(bytes.len()) };
    Peeled::Udp(Datagram {
        src,
        dst,
        src_port: u16::from_be_bytes([header[0], header[1]]),
        dst_port: u16::from_be_bytes([header[2], header[3]]),
        payload: &bytes[8..end],
    })
}

/// GRE versions 0 (RFC 2784, RFC 2890) and 1 (PPTP, RFC 2637).
fn gre(bytes: &[u8]) -> Peeled<'_> {
    let mut reader = Reader::new(bytes);
    let (Some(flags), Some(kind)) = (reader.u16(), reader.u16()) else { return Peeled::Malformed };
    let version = flags & 7;
    let checksum_or_routing = flags & 0xc000 != 0;
    let sequence = flags & 0x1000 != 0;
    let mut optional = 0;
    optional += if checksum_or_routing && version == 0 { 4 } else { 0 };
    optional += if flags & 0x2000 != 0 { 4 } else { 0 };
    optional += if sequence { 4 } else { 0 };
    optional += if version == 1 && flags & 0x0080 != 0 { 4 } else { 0 };
    if version > 1 || reader.take(optional).is_none() {
        return Peeled::Malformed;
    }
    let (kind, skip) = match kind {
        // ERSPAN: type I has no header of its own and no sequence number, type II has 8 bytes, type III 12 and
        // perhaps 8 more.
        0x88be if !sequence => (0x6558, 0),
        0x88be => (0x6558, 8),
        0x22eb => {
            let more = reader.rest().get(11).is_some_and(|last| last & 1 == 1);
            (0x6558, if more { 20 } else { 12 })
        }
        // WCCP: with or without its own four-byte redirect header, told by the IP version nibble.
        0x883e => (0x0800, if reader.rest().first().is_some_and(|first| first >> 4 == 4) { 0 } else { 4 }),
        _ => (kind, 0),
    };
    match reader.rest().get(skip..) {
        Some(rest) => Peeled::Inner(Layer::EtherType(kind), rest),
        None => Peeled::Malformed,
    }
}
