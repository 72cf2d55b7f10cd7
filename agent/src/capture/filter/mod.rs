//! The kernel filter, tier 1: a classic BPF program built in code.
//!
//! It is made for a `SOCK_DGRAM` packet socket, so offset 0 is the IP header whatever the link. What passes:
//!
//! | packet | kept bytes |
//! |---|---|
//! | outgoing TCP SYN (not SYN-ACK): its number makes out-of-order joins exact | 4 KiB |
//! | outgoing TCP payload, except segments that begin a TLS application-data record (17 03) | 4 KiB; whole if it begins a handshake record (16 03) |
//! | TCP and UDP from or to port 53, answers coming in included | whole |
//! | outgoing UDP to ports 5353 and 5355 | whole |
//! | outgoing QUIC Initials and other long headers of known versions, any port | whole |
//! | outgoing DTLS handshake records (16 fe), any port | whole |
//! | outgoing IP fragments: rare, and nothing can be told from one alone | whole |
//!
//! All else stays in the kernel: downloads cost nothing, since they come in. Packets on the loopback interface
//! arrive twice, first as outgoing; the incoming copy is dropped by its interface index.
//! A packet too short for a load is dropped by the kernel's own rule (the program ends with 0).

/// One instruction in the kernel's form (`struct sock_filter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions to skip if the condition holds.
    pub jt: u8,
    /// Instructions to skip if it does not.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

/// Bytes kept of a TCP segment whose beginning may continue a hello, IP header included.
pub const TCP_SNAP_BYTES: u32 = 4 * 1024;
/// "Whole": more than an IP packet of 65,535 bytes can have.
pub const WHOLE_BYTES: u32 = 256 * 1024;

/// Builds the tier 1 program.
pub fn tier1() -> Vec<Instruction> {
    let mut p = Assembler::default();

    // Direction: M[0] = 1 for outgoing. An incoming packet goes on only as a possible DNS answer.
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

    p.label("protocol");
    p.load_word(AD_PROTOCOL);
    p.jump_eq(ETHERTYPE_IPV4, "ipv4", "not-ipv4");
    p.label("not-ipv4");
    p.jump_eq(ETHERTYPE_IPV6, "ipv6", "drop");

    // IPv4, RFC 791: options are stepped over by the header length.
    p.label("ipv4");
    p.load_half(6);
    p.jump_set(IPV4_MORE_FRAGMENTS_OR_OFFSET, "fragment", "ipv4-whole");
    p.label("ipv4-whole");
    p.load_x_header_length(0);
    p.load_byte(9);
    p.jump_eq(IP_TCP, "tcp", "ipv4-not-tcp");
    p.label("ipv4-not-tcp");
    p.jump_eq(IP_UDP, "udp", "drop");

    // IPv6, RFC 8200: classic BPF cannot jump back, so up to three extension headers are unrolled.
    p.label("ipv6");
    p.load_x_constant(IPV6_HEADER_BYTES);
    p.load_byte(6);
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
        p.jump_eq(IPV6_DESTINATION, extension, "drop");
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
    p.jump_eq(IPV6_FRAGMENT, "fragment", "drop");

    p.label("fragment");
    p.load_memory(MEM_OUTGOING);
    p.jump_eq(1, "whole", "drop");

    // TCP, RFC 9293; X is the offset of its header.
    p.label("tcp");
    p.load_half_x(0);
    p.jump_eq(PORT_DNS, "tcp-payload-whole", "tcp-not-answer");
    p.label("tcp-not-answer");
    p.load_memory(MEM_OUTGOING);
    p.jump_eq(1, "tcp-outgoing", "drop");
    p.label("tcp-outgoing");
    p.load_byte_x(13);
    p.and_constant(TCP_SYN | TCP_ACK);
    p.jump_eq(TCP_SYN, "tcp-snap", "tcp-data");
    p.label("tcp-data");
    p.load_half_x(2);
    p.jump_eq(PORT_DNS, "tcp-payload-whole", "tcp-other");
    p.label("tcp-other");
    p.tcp_payload_offset_to_x();
    p.load_length();
    p.jump_greater_x("tcp-has-payload", "drop");
    p.label("tcp-has-payload");
    p.subtract_x();
    p.jump_ge(2, "tcp-two-bytes", "tcp-snap");
    p.label("tcp-two-bytes");
    p.load_half_x(0);
    p.jump_eq(TLS_APPLICATION_DATA, "drop", "tcp-not-bulk");
    p.label("tcp-not-bulk");
    p.jump_eq(TLS_HANDSHAKE, "whole", "tcp-snap");
    p.label("tcp-payload-whole");
    p.tcp_payload_offset_to_x();
    p.load_length();
    p.jump_greater_x("whole", "drop");
    p.label("tcp-snap");
    p.accept(TCP_SNAP_BYTES);

    // UDP, RFC 768; X is the offset of its header.
    p.label("udp");
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

    p.label("whole");
    p.accept(WHOLE_BYTES);
    p.label("drop");
    p.accept(0);
    p.finish()
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

const MEM_OUTGOING: u32 = 0;
const MEM_NEXT_HEADER: u32 = 1;

const IPV6_LABELS: [[&str; 7]; 3] = [
    ["v6-1", "v6-1-tcp", "v6-1-udp", "v6-1-frag", "v6-1-hop", "v6-1-route", "v6-1-ext"],
    ["v6-2", "v6-2-tcp", "v6-2-udp", "v6-2-frag", "v6-2-hop", "v6-2-route", "v6-2-ext"],
    ["v6-3", "v6-3-tcp", "v6-3-udp", "v6-3-frag", "v6-3-hop", "v6-3-route", "v6-3-ext"],
];

// Operation codes (linux/bpf_common.h).
const LD_W_ABS: u16 = 0x20;
const LD_H_ABS: u16 = 0x28;
const LD_B_ABS: u16 = 0x30;
const LD_W_IND: u16 = 0x40;
const LD_H_IND: u16 = 0x48;
const LD_B_IND: u16 = 0x50;
const LD_IMM: u16 = 0x00;
const LD_MEM: u16 = 0x60;
const LD_LEN: u16 = 0x80;
const LDX_IMM: u16 = 0x01;
const LDX_MSH: u16 = 0xb1;
const ST: u16 = 0x02;
const ALU_ADD_K: u16 = 0x04;
const ALU_ADD_X: u16 = 0x0c;
const ALU_SUB_X: u16 = 0x1c;
const ALU_AND_K: u16 = 0x54;
const ALU_LSH_K: u16 = 0x64;
const ALU_RSH_K: u16 = 0x74;
const JMP_JA: u16 = 0x05;
const JMP_JEQ_K: u16 = 0x15;
const JMP_JGE_K: u16 = 0x35;
const JMP_JSET_K: u16 = 0x45;
const JMP_JGT_X: u16 = 0x2d;
const RET_K: u16 = 0x06;
const MISC_TAX: u16 = 0x07;

/// Puts instructions in a row and resolves forward labels at the end.
#[derive(Default)]
struct Assembler {
    code: Vec<(Instruction, Option<(&'static str, &'static str)>)>,
    labels: Vec<(&'static str, usize)>,
}

impl Assembler {
    fn label(&mut self, name: &'static str) {
        self.labels.push((name, self.code.len()));
    }

    fn plain(&mut self, code: u16, k: u32) {
        self.code.push((Instruction { code, jt: 0, jf: 0, k }, None));
    }

    fn jump(&mut self, code: u16, k: u32, yes: &'static str, no: &'static str) {
        self.code.push((Instruction { code, jt: 0, jf: 0, k }, Some((yes, no))));
    }

    fn load_byte(&mut self, offset: u32) {
        self.plain(LD_B_ABS, offset);
    }
    fn load_half(&mut self, offset: u32) {
        self.plain(LD_H_ABS, offset);
    }
    fn load_word(&mut self, offset: u32) {
        self.plain(LD_W_ABS, offset);
    }
    fn load_byte_x(&mut self, offset: u32) {
        self.plain(LD_B_IND, offset);
    }
    fn load_half_x(&mut self, offset: u32) {
        self.plain(LD_H_IND, offset);
    }
    fn load_word_x(&mut self, offset: u32) {
        self.plain(LD_W_IND, offset);
    }
    fn load_constant(&mut self, value: u32) {
        self.plain(LD_IMM, value);
    }
    fn load_memory(&mut self, cell: u32) {
        self.plain(LD_MEM, cell);
    }
    fn load_length(&mut self) {
        self.plain(LD_LEN, 0);
    }
    fn load_x_constant(&mut self, value: u32) {
        self.plain(LDX_IMM, value);
    }
    /// X = 4 * (low four bits of the byte at `offset`).
    fn load_x_header_length(&mut self, offset: u32) {
        self.plain(LDX_MSH, offset);
    }
    fn store(&mut self, cell: u32) {
        self.plain(ST, cell);
    }
    fn add_constant(&mut self, value: u32) {
        self.plain(ALU_ADD_K, value);
    }
    fn add_x(&mut self) {
        self.plain(ALU_ADD_X, 0);
    }
    fn subtract_x(&mut self) {
        self.plain(ALU_SUB_X, 0);
    }
    fn and_constant(&mut self, mask: u32) {
        self.plain(ALU_AND_K, mask);
    }
    fn shift_left(&mut self, bits: u32) {
        self.plain(ALU_LSH_K, bits);
    }
    fn shift_right(&mut self, bits: u32) {
        self.plain(ALU_RSH_K, bits);
    }
    fn move_to_x(&mut self) {
        self.plain(MISC_TAX, 0);
    }
    fn accept(&mut self, bytes: u32) {
        self.plain(RET_K, bytes);
    }
    fn jump_eq(&mut self, value: u32, yes: &'static str, no: &'static str) {
        self.jump(JMP_JEQ_K, value, yes, no);
    }
    fn jump_ge(&mut self, value: u32, yes: &'static str, no: &'static str) {
        self.jump(JMP_JGE_K, value, yes, no);
    }
    fn jump_set(&mut self, mask: u32, yes: &'static str, no: &'static str) {
        self.jump(JMP_JSET_K, mask, yes, no);
    }
    fn jump_greater_x(&mut self, yes: &'static str, no: &'static str) {
        self.jump(JMP_JGT_X, 0, yes, no);
    }
    fn goto(&mut self, to: &'static str) {
        self.jump(JMP_JA, 0, to, to);
    }

    /// From the offset of a TCP header in X to the offset of its payload in X.
    fn tcp_payload_offset_to_x(&mut self) {
        self.load_byte_x(12);
        self.shift_right(2);
        self.and_constant(0x3c);
        self.add_x();
        self.move_to_x();
    }

    fn finish(self) -> Vec<Instruction> {
        let distance = |from: usize, name: &str| -> usize {
            let target = self.labels.iter().find(|(label, _)| *label == name).map(|(_, at)| *at);
            // The program is a constant of this file: the tests below build it, so a label that is
            // missing or lies behind can never reach a user.
            target.and_then(|at| at.checked_sub(from + 1)).unwrap_or(usize::MAX)
        };
        let short = |far: usize| u8::try_from(far).unwrap_or(u8::MAX);
        self.code
            .iter()
            .enumerate()
            .map(|(at, (instruction, jump))| match jump {
                None => *instruction,
                Some((to, _)) if instruction.code == JMP_JA => {
                    Instruction { k: u32::try_from(distance(at, to)).unwrap_or(u32::MAX), ..*instruction }
                }
                Some((yes, no)) => {
                    Instruction { jt: short(distance(at, yes)), jf: short(distance(at, no)), ..*instruction }
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
