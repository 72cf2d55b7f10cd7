//! The filter of a gateway sensor: frames of other machines on one interface, from the Ethernet header on.
//!
//! The rules are those of the endpoint's filter, with these differences:
//!
//! | frame | kept |
//! |---|---|
//! | what other machines send | by the rules for what goes out, behind up to two VLAN tags, PPPoE, and up to three MPLS labels |
//! | what this machine sends | answers from port 53 and DHCP only: the endpoint's socket has the rest |
//! | TCP from ports 80 and 443 | nothing: that is a server's, and the bulk of all traffic |
//! | ARP, DHCP, multicast DNS | whole: they tell whose address it is |
//! | tunnels that the dissector follows, by protocol, port or EtherType | whole: what is in them cannot be told here |
//!
//! VLAN tags that the kernel took off are not in the frame, and need no care.

use super::classic::{Assembler, Instruction};
use super::{
    AD_PKTTYPE, ETHERTYPE_IPV4, ETHERTYPE_IPV6, MEM_NEXT_HEADER, MEM_OUTGOING, PACKET_OUTGOING, PLAIN,
    Verdicts, WHOLE_BYTES, datagram, internet, segment,
};

/// Builds the tier 1 program.
pub fn tier1() -> Vec<Instruction> {
    program(&PLAIN)
}

pub(super) fn program(tcp: &Verdicts) -> Vec<Instruction> {
    let mut p = Assembler::default();
    // What the rules say of outgoing packets holds for those of other machines here.
    p.load_byte(AD_PKTTYPE);
    p.jump_eq(PACKET_OUTGOING, "own", "seen");
    p.label("own");
    p.load_constant(0);
    p.store(MEM_OUTGOING);
    p.goto("link");
    p.label("seen");
    p.load_constant(1);
    p.store(MEM_OUTGOING);
    p.label("link");
    link(&mut p);
    internet(&mut p);

    p.label("fragment");
    p.load_memory(MEM_OUTGOING);
    p.jump_eq(1, "tunnel", "no-tunnel");
    p.label("other");
    for (protocol, next) in TUNNEL_PROTOCOLS.iter().zip(TUNNEL_PROTOCOL_LABELS) {
        p.jump_eq(*protocol, "tunnel-if-seen", next);
        p.label(next);
    }
    p.label("no-tunnel");
    p.accept(0);
    p.label("tunnel-if-seen");
    p.load_memory(MEM_OUTGOING);
    p.jump_eq(1, "tunnel", "no-tunnel-after-all");
    p.label("tunnel");
    p.accept(WHOLE_BYTES);
    p.label("no-tunnel-after-all");
    p.accept(0);

    p.label("tcp");
    p.load_half_x(0);
    p.jump_eq(PORT_HTTPS, "server", "tcp-not-https");
    p.label("tcp-not-https");
    p.jump_eq(PORT_HTTP, "server", "tcp-client");
    p.label("server");
    p.accept(0);
    p.label("tcp-client");
    segment(&mut p, tcp);

    p.label("udp");
    p.load_half_x(0);
    p.jump_eq(PORT_DHCP_SERVER, "whole", "udp-not-dhcp-server");
    p.label("udp-not-dhcp-server");
    p.jump_eq(PORT_DHCP_CLIENT, "whole", "udp-not-dhcp");
    p.label("udp-not-dhcp");
    p.load_half_x(2);
    for (port, next) in TUNNEL_PORTS.iter().zip(TUNNEL_PORT_LABELS) {
        p.jump_eq(*port, "udp-tunnel", next);
        p.label(next);
    }
    p.goto("udp-no-tunnel");
    p.label("udp-tunnel");
    p.load_memory(MEM_OUTGOING);
    p.jump_eq(1, "whole", "drop");
    p.label("udp-no-tunnel");
    datagram(&mut p);

    p.label("whole");
    p.accept(WHOLE_BYTES);
    p.label("drop");
    p.accept(0);
    p.finish()
}

/// From the Ethernet header to `ipv4` or `ipv6`, with X at the header.
fn link(p: &mut Assembler) {
    // Where the type of a frame, and of one behind one tag and behind two, stands; what is behind a tag is looked at next.
    for (at, [not_ipv4, not_ipv6, not_pppoe, not_mpls], not_tag, behind) in [
        (12, ["eth-1", "eth-2", "eth-3", "eth-4"], ["eth-5", "eth-6", "eth-7", "eth-end"], "tag"),
        (16, ["tag-1", "tag-2", "tag-3", "tag-4"], ["tag-5", "tag-6", "tag-7", "tag-end"], "tags"),
        (
            20,
            ["tags-1", "tags-2", "tags-3", "tags-4"],
            ["tags-5", "tags-6", "tags-7", "tags-end"],
            "too-many",
        ),
    ] {
        p.load_x_constant(at + 2);
        p.load_half(at);
        p.jump_eq(ETHERTYPE_IPV4, "ipv4", not_ipv4);
        p.label(not_ipv4);
        p.jump_eq(ETHERTYPE_IPV6, "ipv6", not_ipv6);
        p.label(not_ipv6);
        p.jump_eq(ETHERTYPE_PPPOE, "pppoe", not_pppoe);
        p.label(not_pppoe);
        p.jump_eq(ETHERTYPE_MPLS, "mpls-1", not_mpls);
        p.label(not_mpls);
        for (tag, not_this) in ETHERTYPE_TAGS.iter().zip(not_tag) {
            p.jump_eq(*tag, behind, not_this);
            p.label(not_this);
        }
        p.goto("kind");
        p.label(behind);
    }

    // Neither IP nor a tag, or one tag too many: the type is still loaded. Below 1536 it is a length, and 802.2 follows.
    p.label("kind");
    p.jump_ge(1536, "type", "link-whole");
    p.label("type");
    for (kind, not_this) in ETHERTYPES_WHOLE.iter().zip(ETHERTYPE_LABELS) {
        p.jump_eq(*kind, "link-whole", not_this);
        p.label(not_this);
    }
    p.goto("link-drop");

    // PPPoE session (RFC 2516): six bytes, then the PPP protocol.
    p.label("pppoe");
    p.load_half_x(6);
    p.jump_eq(PPP_IPV4, "pppoe-ip", "pppoe-not-ipv4");
    p.label("pppoe-not-ipv4");
    p.jump_eq(PPP_IPV6, "pppoe-ip", "link-drop");
    p.label("pppoe-ip");
    p.move_from_x();
    p.add_constant(8);
    p.move_to_x();
    p.goto("by-version");

    // Labels of four bytes, the last of which says so (RFC 3032); what is below, its first nibble tells.
    for [here, next] in MPLS_LABELS {
        p.label(here);
        p.load_byte_x(2);
        p.store(MEM_NEXT_HEADER);
        p.move_from_x();
        p.add_constant(4);
        p.move_to_x();
        p.load_memory(MEM_NEXT_HEADER);
        p.jump_set(1, "by-version", next);
    }
    p.label("by-version");
    p.load_byte_x(0);
    p.shift_right(4);
    p.jump_eq(4, "ipv4", "not-version-4");
    p.label("not-version-4");
    p.jump_eq(6, "ipv6", "link-whole");

    // The ends of the program are too far for a condition.
    p.label("link-whole");
    p.accept(WHOLE_BYTES);
    p.label("link-drop");
    p.accept(0);
}

/// 802.1Q, 802.1ad, and the two numbers in use before it.
const ETHERTYPE_TAGS: [u32; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
/// ARP; then what the dissector follows and is too rare for rules: MPLS multicast, Ethernet in GRE's number, PPP, provider backbone
/// bridges, and the tags of network cards shared by virtual machines.
const ETHERTYPES_WHOLE: [u32; 7] = [0x0806, 0x8848, 0x6558, 0x880b, 0x88e7, 0x8926, 0x892f];
const ETHERTYPE_LABELS: [&str; 7] = ["k-1", "k-2", "k-3", "k-4", "k-5", "k-6", "k-7"];
const ETHERTYPE_PPPOE: u32 = 0x8864;
const ETHERTYPE_MPLS: u32 = 0x8847;
const PPP_IPV4: u32 = 0x0021;
const PPP_IPV6: u32 = 0x0057;
const PORT_HTTP: u32 = 80;
const PORT_HTTPS: u32 = 443;
const PORT_DHCP_SERVER: u32 = 67;
const PORT_DHCP_CLIENT: u32 = 68;
/// IP in IP, IPv6 in IP, GRE, authentication header, EtherIP, MPLS in IP.
const TUNNEL_PROTOCOLS: [u32; 6] = [4, 41, 47, 51, 97, 137];
/// VXLAN, Geneve, GRE in UDP, MPLS in UDP, LISP, TZSP, GTP-U, CAPWAP, L2TP, Teredo.
const TUNNEL_PORTS: [u32; 12] = [4789, 8472, 4790, 6081, 4754, 6635, 4341, 37008, 2152, 5247, 1701, 3544];

const MPLS_LABELS: [[&str; 2]; 3] = [["mpls-1", "mpls-2"], ["mpls-2", "mpls-3"], ["mpls-3", "link-whole"]];
const TUNNEL_PROTOCOL_LABELS: [&str; 6] = ["p-1", "p-2", "p-3", "p-4", "p-5", "p-6"];
const TUNNEL_PORT_LABELS: [&str; 12] =
    ["t-1", "t-2", "t-3", "t-4", "t-5", "t-6", "t-7", "t-8", "t-9", "t-10", "t-11", "t-12"];
