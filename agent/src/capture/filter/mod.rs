//! The kernel filter: which packets reach the agent at all.
//!
//! It is made for a `SOCK_DGRAM` packet socket, so offset 0 is the IP header whatever the link, or the rest of a VLAN tag
//! that stands in the packet itself. What passes:
//!
//! | packet | kept bytes |
//! |---|---|
//! | outgoing TCP SYN (not SYN-ACK): its number makes out-of-order joins exact | 4 KiB |
//! | outgoing TCP payload, except segments that begin a TLS application-data record (17 03) | by tier |
//! | TCP and UDP from or to port 53, answers coming in included | whole |
//! | outgoing UDP to ports 5353 and 5355 | whole |
//! | outgoing QUIC Initials and other long headers of known versions, any port | whole |
//! | outgoing DTLS handshake records (16 fe), any port | whole |
//! | outgoing IP fragments: rare, and nothing can be told from one alone | whole |
//!
//! All else stays in the kernel: downloads cost nothing, since they come in. Packets on the loopback interface
//! arrive twice, first as outgoing; the incoming copy is dropped by its interface index.
//! A packet too short for a load is dropped by the kernel's own rule (the program ends with 0).
//!
//! Of outgoing TCP payload, *tier 1* ([`tier1`], classic BPF, every kernel) keeps 4 KiB a packet, and a packet that begins
//! a handshake record (16 03) whole: it cannot know which segment continues a hello. *Tier 2* ([`flow_aware`], extended
//! BPF) remembers where each stream began and keeps its first bytes only.

pub mod classic;
pub mod flow_aware;
pub mod gateway;

use classic::{Assembler, Instruction};

/// Bytes kept of a TCP segment whose beginning may continue a hello, IP header included.
pub const TCP_SNAP_BYTES: u32 = 4 * 1024;
/// "Whole": more than an IP packet of 65,535 bytes can have.
pub const WHOLE_BYTES: u32 = 256 * 1024;

/// Builds the tier 1 program.
pub fn tier1() -> Vec<Instruction> {
    program(&PLAIN)
}

/// What the program answers for outgoing TCP. Tier 2 puts numbers here that send it on to its table of streams.
enum Verdicts {
    /// By the first bytes of the payload: so many bytes of a SYN, of what begins a handshake record, of the rest.
    ByPayload { syn: u32, handshake: u32, data: u32 },
    /// Before the payload is read, which is the slow part: it is nearly always in another page than the headers.
    Unread { syn: u32, data: u32 },
}

/// Those of tier 1.
const PLAIN: Verdicts =
    Verdicts::ByPayload { syn: TCP_SNAP_BYTES, handshake: WHOLE_BYTES, data: TCP_SNAP_BYTES };

fn program(tcp: &Verdicts) -> Vec<Instruction> {
    let mut p = Assembler::default();
    direction(&mut p);
    network(&mut p);

    p.label("fragment");
    p.load_memory(MEM_OUTGOING);
    p.jump_eq(1, "whole", "drop");

    p.label("tcp");
    segment(&mut p, tcp);
    p.label("udp");
    datagram(&mut p);

    p.label("whole");
    p.accept(WHOLE_BYTES);
    p.label("other");
    p.label("drop");
    p.accept(0);
    p.finish()
}

/// TCP, RFC 9293; X is the offset of its header.
fn segment(p: &mut Assembler, tcp: &Verdicts) {
    p.store_x(MEM_TRANSPORT);
    p.load_half_x(0);
    p.jump_eq(PORT_DNS, "tcp-payload-whole", "tcp-not-answer");
    p.label("tcp-not-answer");
    p.load_memory(MEM_OUTGOING);
    p.jump_eq(1, "tcp-outgoing", "drop");
    p.label("tcp-outgoing");
    p.load_byte_x(13);
    p.and_constant(TCP_SYN | TCP_ACK);
    p.jump_eq(TCP_SYN, "tcp-syn", "tcp-data");
    p.label("tcp-data");
    p.load_half_x(2);
    p.jump_eq(PORT_DNS, "tcp-payload-whole", "tcp-other");
    p.label("tcp-other");
    p.tcp_payload_offset_to_x();
    p.load_length();
    p.jump_greater_x("tcp-has-payload", "drop");
    p.label("tcp-has-payload");
    let syn = match tcp {
        Verdicts::ByPayload { syn, handshake, data } => {
            payload(p, *handshake, *data);
            *syn
        }
        Verdicts::Unread { syn, data } => {
            p.accept(*data);
            *syn
        }
    };
    p.label("tcp-syn");
    p.accept(syn);
    p.label("tcp-payload-whole");
    p.tcp_payload_offset_to_x();
    p.load_length();
    p.jump_greater_x("whole", "drop");
}

/// By the first bytes of the payload; X is its offset.
fn payload(p: &mut Assembler, handshake: u32, data: u32) {
    p.subtract_x();
    p.jump_ge(2, "tcp-two-bytes", "tcp-payload");
    p.label("tcp-two-bytes");
    p.load_half_x(0);
    p.jump_eq(TLS_APPLICATION_DATA, "drop", "tcp-not-data");
    p.label("tcp-not-data");
    p.jump_eq(TLS_HANDSHAKE, "tcp-handshake", "tcp-not-handshake");
    // A change of cipher specification with data behind it ends nearly every TLS 1.3 handshake; with a handshake record
    // behind it, it stands before a second hello (RFC 8446, appendix D.4).
    p.label("tcp-not-handshake");
    p.jump_eq(TLS_CHANGE_CIPHER, "tcp-change-cipher", "tcp-payload");
    p.label("tcp-change-cipher");
    p.load_length();
    p.subtract_x();
    p.jump_ge(8, "tcp-behind-change", "tcp-payload");
    p.label("tcp-behind-change");
    p.load_half_x(6);
    p.jump_eq(TLS_APPLICATION_DATA, "drop", "tcp-payload");
    p.label("tcp-handshake");
    p.accept(handshake);
    p.label("tcp-payload");
    p.accept(data);
}

/// M\[outgoing\] = 1 for outgoing. An incoming packet goes on only as a possible DNS answer.
fn direction(p: &mut Assembler) {
    p.load_byte(AD_PKTTYPE);
    p.jump_eq(PACKET_OUTGOING, "outgoing", "not-outgoing");
    p.label("not-outgoing");
    p.jump_eq(PACKET_HOST, "incoming", "drop");
    p.label("incoming");
    p.load_word(AD_IFINDEX);
    p.jump_eq(LOOPBACK_IFINDEX, "drop", "incoming-elsewhere");
    p.label("incoming-elsewhere");
    p.load_constant(0);
    p.store(MEM_OUTGOING);
    p.goto("protocol");
    p.label("outgoing");
    p.load_constant(1);
    p.store(MEM_OUTGOING);
}

/// From the EtherType to `tcp`, `udp` or `fragment`, with X at the transport header.
fn network(p: &mut Assembler) {
    p.label("protocol");
    p.load_x_constant(0);
    p.load_word(AD_PROTOCOL);
    p.jump_eq(ETHERTYPE_IPV4, "ipv4", "not-ipv4");
    p.label("not-ipv4");
    p.jump_eq(ETHERTYPE_IPV6, "ipv6", "not-ipv6");
    // The kernel takes tags off what comes in and keeps them beside the packet; what goes out through a card that cannot
    // insert them has them in itself: two bytes of the tag, then the next EtherType (IEEE 802.1Q, section 9).
    p.label("not-ipv6");
    p.jump_eq(ETHERTYPE_VLAN, "tagged", "not-vlan");
    p.label("not-vlan");
    p.jump_eq(ETHERTYPE_PROVIDER_VLAN, "tagged", "drop");
    p.label("tagged");
    p.load_x_constant(4);
    p.load_half(2);
    p.jump_eq(ETHERTYPE_IPV4, "ipv4", "tagged-not-ipv4");
    p.label("tagged-not-ipv4");
    p.jump_eq(ETHERTYPE_IPV6, "ipv6", "tagged-not-ipv6");
    p.label("tagged-not-ipv6");
    p.jump_eq(ETHERTYPE_VLAN, "tagged-twice", "drop");
    p.label("tagged-twice");
    p.load_x_constant(8);
    p.load_half(6);
    p.jump_eq(ETHERTYPE_IPV4, "ipv4", "tagged-twice-not-ipv4");
    p.label("tagged-twice-not-ipv4");
    p.jump_eq(ETHERTYPE_IPV6, "ipv6", "drop");
    internet(p);
}

/// From `ipv4` and `ipv6`, where X is the offset of the header, to `tcp`, `udp`, `fragment` or `other`. There X is at the
/// transport header, and at `other` the protocol is loaded.
fn internet(p: &mut Assembler) {
    // RFC 791: options are stepped over by the header length.
    p.label("ipv4");
    p.store_x(MEM_NETWORK);
    p.load_half_x(6);
    p.jump_set(IPV4_MORE_FRAGMENTS_OR_OFFSET, "fragment", "ipv4-whole");
    p.label("ipv4-whole");
    p.load_byte_x(9);
    p.store(MEM_NEXT_HEADER);
    p.load_byte_x(0);
    p.and_constant(0x0f);
    p.shift_left(2);
    p.add_x();
    p.move_to_x();
    p.load_memory(MEM_NEXT_HEADER);
    p.jump_eq(IP_TCP, "tcp", "ipv4-not-tcp");
    p.label("ipv4-not-tcp");
    p.jump_eq(IP_UDP, "udp", "other");

    // IPv6, RFC 8200: classic BPF cannot jump back, so up to three extension headers are unrolled.
    p.label("ipv6");
    p.store_x(MEM_NETWORK);
    p.load_byte_x(6);
    p.store(MEM_NEXT_HEADER);
    p.move_from_x();
    p.add_constant(IPV6_HEADER_BYTES);
    p.move_to_x();
    p.load_memory(MEM_NEXT_HEADER);
    for [here, not_tcp, not_udp, not_fragment, not_hop, not_routing, extension] in IPV6_LABELS {
        p.label(here);
        p.jump_eq(IP_TCP, "tcp", not_tcp);
        p.label(not_tcp);
        p.jump_eq(IP_UDP, "udp", not_udp);
        p.label(not_udp);
        p.jump_eq(IPV6_FRAGMENT, "fragment", not_fragment);
        p.label(not_fragment);
        p.jump_eq(IPV6_HOP_BY_HOP, extension, not_hop);
        p.label(not_hop);
        p.jump_eq(IPV6_ROUTING, extension, not_routing);
        p.label(not_routing);
        p.jump_eq(IPV6_DESTINATION, extension, "other");
        p.label(extension);
        p.load_byte_x(0);
        p.store(MEM_NEXT_HEADER);
        p.load_byte_x(1);
        p.add_constant(1);
        p.shift_left(3);
        p.add_x();
        p.move_to_x();
        p.load_memory(MEM_NEXT_HEADER);
    }
    p.jump_eq(IP_TCP, "tcp", "ipv6-last-not-tcp");
    p.label("ipv6-last-not-tcp");
    p.jump_eq(IP_UDP, "udp", "ipv6-last-not-udp");
    p.label("ipv6-last-not-udp");
    p.jump_eq(IPV6_FRAGMENT, "fragment", "other");
}

/// UDP, RFC 768; X is the offset of its header.
fn datagram(p: &mut Assembler) {
    p.load_half_x(0);
    p.jump_eq(PORT_DNS, "whole", "udp-not-answer");
    p.label("udp-not-answer");
    p.load_memory(MEM_OUTGOING);
    p.jump_eq(1, "udp-outgoing", "drop");
    p.label("udp-outgoing");
    p.load_half_x(2);
    p.jump_eq(PORT_DNS, "whole", "udp-not-dns");
    p.label("udp-not-dns");
    p.jump_eq(PORT_MDNS, "whole", "udp-not-mdns");
    p.label("udp-not-mdns");
    p.jump_eq(PORT_LLMNR, "whole", "udp-not-llmnr");
    p.label("udp-not-llmnr");
    p.load_half_x(8);
    p.jump_eq(DTLS_HANDSHAKE, "whole", "udp-not-dtls");
    // QUIC long header, RFC 9000 §17.2: the two top bits are set, then the version.
    p.label("udp-not-dtls");
    p.load_byte_x(8);
    p.and_constant(QUIC_LONG_MASK);
    p.jump_eq(QUIC_LONG_MASK, "quic-long", "drop");
    p.label("quic-long");
    p.load_word_x(9);
    p.jump_eq(QUIC_V1, "quic-v1", "quic-not-v1");
    p.label("quic-v1");
    p.load_byte_x(8);
    p.and_constant(QUIC_TYPE_MASK);
    p.jump_eq(QUIC_V1_INITIAL, "whole", "drop");
    p.label("quic-not-v1");
    p.jump_eq(QUIC_V2, "quic-v2", "quic-not-v2");
    p.label("quic-v2");
    p.load_byte_x(8);
    p.and_constant(QUIC_TYPE_MASK);
    p.jump_eq(QUIC_V2_INITIAL, "whole", "drop");
    // Drafts, mvfst and Google's versions: few enough to let every long header pass.
    p.label("quic-not-v2");
    p.and_constant(0xffff_ff00);
    p.jump_eq(QUIC_DRAFTS, "whole", "quic-not-draft");
    p.label("quic-not-draft");
    p.jump_eq(QUIC_MVFST, "whole", "quic-not-mvfst");
    p.label("quic-not-mvfst");
    p.jump_eq(QUIC_Q04X, "whole", "quic-not-q04x");
    p.label("quic-not-q04x");
    p.jump_eq(QUIC_Q05X, "whole", "quic-not-q05x");
    p.label("quic-not-q05x");
    p.jump_eq(QUIC_T05X, "whole", "drop");
}

// Linux ancillary offsets, SKF_AD_OFF + n (linux/filter.h).
const AD_PROTOCOL: u32 = 0xffff_f000;
const AD_PKTTYPE: u32 = 0xffff_f004;
const AD_IFINDEX: u32 = 0xffff_f008;
// Packet types (linux/if_packet.h).
const PACKET_HOST: u32 = 0;
const PACKET_OUTGOING: u32 = 4;
/// The loopback device is the first of every network namespace.
const LOOPBACK_IFINDEX: u32 = 1;

const ETHERTYPE_IPV4: u32 = 0x0800;
const ETHERTYPE_IPV6: u32 = 0x86dd;
const ETHERTYPE_VLAN: u32 = 0x8100;
const ETHERTYPE_PROVIDER_VLAN: u32 = 0x88a8;
const IPV4_MORE_FRAGMENTS_OR_OFFSET: u32 = 0x3fff;
const IPV6_HEADER_BYTES: u32 = 40;
const IPV6_HOP_BY_HOP: u32 = 0;
const IPV6_ROUTING: u32 = 43;
const IPV6_FRAGMENT: u32 = 44;
const IPV6_DESTINATION: u32 = 60;
const IP_TCP: u32 = 6;
const IP_UDP: u32 = 17;
const TCP_SYN: u32 = 0x02;
const TCP_ACK: u32 = 0x10;
const PORT_DNS: u32 = 53;
const PORT_MDNS: u32 = 5353;
const PORT_LLMNR: u32 = 5355;
const TLS_APPLICATION_DATA: u32 = 0x1703;
const TLS_HANDSHAKE: u32 = 0x1603;
const TLS_CHANGE_CIPHER: u32 = 0x1403;
const DTLS_HANDSHAKE: u32 = 0x16fe;
const QUIC_LONG_MASK: u32 = 0xc0;
const QUIC_TYPE_MASK: u32 = 0x30;
const QUIC_V1: u32 = 1;
const QUIC_V1_INITIAL: u32 = 0x00;
const QUIC_V2: u32 = 0x6b33_43cf; // RFC 9369
const QUIC_V2_INITIAL: u32 = 0x10;
const QUIC_DRAFTS: u32 = 0xff00_0000;
const QUIC_MVFST: u32 = 0xface_b000;
const QUIC_Q04X: u32 = 0x5130_3400;
const QUIC_Q05X: u32 = 0x5130_3500;
const QUIC_T05X: u32 = 0x5430_3500;

// Cells of the program's memory.
const MEM_OUTGOING: u32 = 0;
const MEM_NEXT_HEADER: u32 = 1;
/// Offset of the IP header.
const MEM_NETWORK: u32 = 2;
/// Offset of the TCP header.
const MEM_TRANSPORT: u32 = 3;

const IPV6_LABELS: [[&str; 7]; 3] = [
    ["v6-1", "v6-1-tcp", "v6-1-udp", "v6-1-frag", "v6-1-hop", "v6-1-route", "v6-1-ext"],
    ["v6-2", "v6-2-tcp", "v6-2-udp", "v6-2-frag", "v6-2-hop", "v6-2-route", "v6-2-ext"],
    ["v6-3", "v6-3-tcp", "v6-3-udp", "v6-3-frag", "v6-3-hop", "v6-3-route", "v6-3-ext"],
];

#[cfg(test)]
mod tests;
