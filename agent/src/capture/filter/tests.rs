//! The filter against a table of packets, run by a small interpreter of classic BPF.

use super::classic::*;
use super::*;

mod gateway;

const DROP: u32 = 0;
const WHOLE: u32 = WHOLE_BYTES;
const SNAP: u32 = TCP_SNAP_BYTES;

/// A packet as the filter meets it: ancillary values and the bytes from the IP header on.
#[derive(Clone)]
struct Packet {
    kind: u32,
    ifindex: u32,
    ethertype: u32,
    bytes: Vec<u8>,
}

/// Runs a program as the kernel does: a load outside the packet ends it with 0.
fn run(program: &[Instruction], packet: &Packet) -> u32 {
    let (mut a, mut x, mut memory) = (0u32, 0u32, [0u32; 16]);
    let mut at = 0;
    let load = |offset: u32, width: usize| -> Option<u32> {
        match offset {
            AD_PROTOCOL => return Some(packet.ethertype),
            AD_PKTTYPE => return Some(packet.kind),
            AD_IFINDEX => return Some(packet.ifindex),
            _ => {}
        }
        let from = offset as usize;
        let bytes = packet.bytes.get(from..from.checked_add(width)?)?;
        Some(bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte)))
    };
    loop {
        let Instruction { code, jt, jf, k } = program[at];
        at += 1;
        let branch = |holds: bool| usize::from(if holds { jt } else { jf });
        let loaded = match code {
            LD_W_ABS => load(k, 4),
            LD_H_ABS => load(k, 2),
            LD_B_ABS => load(k, 1),
            LD_W_IND => load(x.wrapping_add(k), 4),
            LD_H_IND => load(x.wrapping_add(k), 2),
            LD_B_IND => load(x.wrapping_add(k), 1),
            LD_IMM => Some(k),
            LD_MEM => Some(memory[k as usize]),
            LD_LEN => Some(packet.bytes.len() as u32),
            ALU_ADD_K => Some(a.wrapping_add(k)),
            ALU_ADD_X => Some(a.wrapping_add(x)),
            ALU_SUB_X => Some(a.wrapping_sub(x)),
            ALU_AND_K => Some(a & k),
            ALU_LSH_K => Some(a << k),
            ALU_RSH_K => Some(a >> k),
            _ => {
                match code {
                    LDX_IMM => x = k,
                    ST => memory[k as usize] = a,
                    STX => memory[k as usize] = x,
                    MISC_TAX => x = a,
                    MISC_TXA => a = x,
                    JMP_JA => at += k as usize,
                    JMP_JEQ_K => at += branch(a == k),
                    JMP_JGE_K => at += branch(a >= k),
                    JMP_JSET_K => at += branch(a & k != 0),
                    JMP_JGT_X => at += branch(a > x),
                    RET_K => return k,
                    other => panic!("operation {other:#x} is not in this interpreter"),
                }
                continue;
            }
        };
        match loaded {
            Some(value) => a = value,
            None => return 0,
        }
    }
}

fn ipv4(protocol: u8, options: usize, fragment: u16, payload: &[u8]) -> Packet {
    let header = 20 + options;
    let mut bytes = vec![0; header];
    bytes[0] = 0x40 | (header / 4) as u8;
    bytes[2..4].copy_from_slice(&((header + payload.len()) as u16).to_be_bytes());
    bytes[6..8].copy_from_slice(&fragment.to_be_bytes());
    bytes[9] = protocol;
    bytes.extend_from_slice(payload);
    Packet { kind: PACKET_OUTGOING, ifindex: 2, ethertype: ETHERTYPE_IPV4, bytes }
}

/// An IPv6 packet whose extension headers are given as (type, length in bytes).
fn ipv6(extensions: &[(u8, usize)], protocol: u8, payload: &[u8]) -> Packet {
    let mut bytes = vec![0; 40];
    bytes[0] = 0x60;
    bytes[6] = extensions.first().map_or(protocol, |(kind, _)| *kind);
    for (index, (_, length)) in extensions.iter().enumerate() {
        let mut header = vec![0; *length];
        header[0] = extensions.get(index + 1).map_or(protocol, |(kind, _)| *kind);
        header[1] = (length / 8 - 1) as u8;
        bytes.extend_from_slice(&header);
    }
    bytes.extend_from_slice(payload);
    Packet { kind: PACKET_OUTGOING, ifindex: 2, ethertype: ETHERTYPE_IPV6, bytes }
}

fn tcp(sport: u16, dport: u16, flags: u8, options: usize, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 20 + options];
    bytes[0..2].copy_from_slice(&sport.to_be_bytes());
    bytes[2..4].copy_from_slice(&dport.to_be_bytes());
    bytes[12] = (((20 + options) / 4) << 4) as u8;
    bytes[13] = flags;
    bytes.extend_from_slice(payload);
    bytes
}

fn udp(sport: u16, dport: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    bytes[0..2].copy_from_slice(&sport.to_be_bytes());
    bytes[2..4].copy_from_slice(&dport.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn incoming(packet: Packet) -> Packet {
    Packet { kind: PACKET_HOST, ..packet }
}

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const HELLO: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0];
const SECOND_HELLO: &[u8] = &[0x14, 3, 3, 0, 1, 1, 0x16, 3, 3, 2, 0, 1];
const LAST_FLIGHT: &[u8] = &[0x14, 3, 3, 0, 1, 1, 0x17, 3, 3, 0, 53];
const BULK: &[u8] = &[0x17, 3, 3, 0x40, 0, 9, 9];
const INITIAL_V1: &[u8] = &[0xc3, 0, 0, 0, 1, 8, 1, 2, 3];
const INITIAL_V2: &[u8] = &[0xd3, 0x6b, 0x33, 0x43, 0xcf, 8, 1, 2, 3];

/// Checks one row of a table; the name says which failed.
#[track_caller]
fn expect(name: &str, packet: &Packet, verdict: u32) {
    assert_eq!(run(&tier1(), packet), verdict, "{name}");
}

#[test]
fn every_jump_stays_inside_the_program_and_fits_its_byte() {
    check_jumps(&tier1());
}

fn check_jumps(program: &[Instruction]) {
    assert!(program.len() < 4096, "{} instructions: more than the kernel takes", program.len());
    for (at, instruction) in program.iter().enumerate() {
        let far = match instruction.code {
            JMP_JA => instruction.k as usize,
            JMP_JEQ_K | JMP_JGE_K | JMP_JSET_K | JMP_JGT_X => instruction.jt.max(instruction.jf).into(),
            _ => continue,
        };
        assert!(at + 1 + far < program.len(), "instruction {at}: {instruction:?}");
        assert!(!(instruction.jt == u8::MAX || instruction.jf == u8::MAX), "unresolved label at {at}");
    }
    assert_eq!(program.last().unwrap().code, RET_K);
}

#[test]
fn starts_of_client_streams_pass() {
    let v4 = |payload: &[u8]| ipv4(6, 0, 0x4000, payload);
    expect("SYN", &v4(&tcp(40000, 443, SYN, 20, &[])), SNAP);
    expect("SYN with ECE and CWR", &v4(&tcp(40000, 443, SYN | 0xc0, 20, &[])), SNAP);
    expect("hello", &v4(&tcp(40000, 443, ACK, 12, HELLO)), WHOLE);
    expect("hello on an odd port", &v4(&tcp(40000, 8131, ACK, 0, HELLO)), WHOLE);
    expect("second segment of a split hello", &v4(&tcp(40000, 443, ACK, 12, &[7; 105])), SNAP);
    expect("one byte of payload", &v4(&tcp(40000, 443, ACK, 12, &[0x16])), SNAP);
    expect("second hello behind a change of cipher", &v4(&tcp(40000, 443, ACK, 12, SECOND_HELLO)), SNAP);
    expect("lone change of cipher", &v4(&tcp(40000, 443, ACK, 12, &SECOND_HELLO[..6])), SNAP);
    expect("plain HTTP", &v4(&tcp(40000, 80, ACK, 12, b"GET / HTTP/1.1\r\n")), SNAP);
    expect("behind IPv4 options", &ipv4(6, 40, 0, &tcp(40000, 443, ACK, 12, HELLO)), WHOLE);
    let big = [HELLO, &[0; 40_000]].concat();
    expect("a hello of 40 kB under offload", &v4(&tcp(40000, 443, ACK, 12, &big)), WHOLE);
}

#[test]
fn bulk_and_empty_segments_stay_in_the_kernel() {
    let v4 = |payload: &[u8]| ipv4(6, 0, 0x4000, payload);
    expect("application data", &v4(&tcp(40000, 443, ACK, 12, BULK)), DROP);
    expect("end of a handshake", &v4(&tcp(40000, 443, ACK, 12, LAST_FLIGHT)), DROP);
    expect("bare ACK", &v4(&tcp(40000, 443, ACK, 12, &[])), DROP);
    expect("SYN-ACK", &v4(&tcp(443, 40000, SYN | ACK, 12, &[])), DROP);
    expect("incoming hello", &incoming(v4(&tcp(40000, 443, ACK, 12, HELLO))), DROP);
    expect("incoming download", &incoming(v4(&tcp(443, 40000, ACK, 12, &[5; 1400]))), DROP);
    let other_host = Packet { kind: 3, ..v4(&tcp(40000, 443, ACK, 12, HELLO)) };
    expect("for another host", &other_host, DROP);
    let arp = Packet { ethertype: 0x0806, ..v4(&[]) };
    expect("ARP", &arp, DROP);
    expect("ICMP", &ipv4(1, 0, 0, &[8; 64]), DROP);
}

#[test]
fn dns_passes_in_both_directions() {
    let query = &[0x12, 0x34, 1, 0, 0, 1];
    expect("query", &ipv4(17, 0, 0, &udp(40000, 53, query)), WHOLE);
    expect("answer", &incoming(ipv4(17, 0, 0, &udp(53, 40000, query))), WHOLE);
    expect("query that comes in", &incoming(ipv4(17, 0, 0, &udp(40000, 53, query))), DROP);
    expect("mDNS", &ipv4(17, 0, 0, &udp(5353, 5353, query)), WHOLE);
    expect("LLMNR", &ipv4(17, 0, 0, &udp(40000, 5355, query)), WHOLE);
    expect("TCP query", &ipv4(6, 0, 0, &tcp(40000, 53, ACK, 12, query)), WHOLE);
    expect("TCP query like a TLS record", &ipv4(6, 0, 0, &tcp(40000, 53, ACK, 12, BULK)), WHOLE);
    expect("TCP answer", &incoming(ipv4(6, 0, 0, &tcp(53, 40000, ACK, 12, query))), WHOLE);
    expect("TCP ACK from port 53", &incoming(ipv4(6, 0, 0, &tcp(53, 40000, ACK, 12, &[]))), DROP);
    expect("SYN to port 53", &ipv4(6, 0, 0, &tcp(40000, 53, SYN, 12, &[])), SNAP);
    let stub = Packet { ifindex: 1, ..incoming(ipv4(17, 0, 0, &udp(53, 40000, query))) };
    expect("second copy on loopback", &stub, DROP);
}

#[test]
fn quic_and_dtls_starts_pass_on_any_port() {
    let v4 = |dport, payload: &[u8]| ipv4(17, 0, 0, &udp(40000, dport, payload));
    expect("Initial v1", &v4(443, INITIAL_V1), WHOLE);
    expect("Initial v1 on an odd port", &v4(8443, INITIAL_V1), WHOLE);
    expect("Initial v2", &v4(443, INITIAL_V2), WHOLE);
    expect("draft 29", &v4(443, &[0xc0, 0xff, 0, 0, 29, 8]), WHOLE);
    expect("mvfst", &v4(443, &[0xc0, 0xfa, 0xce, 0xb0, 2, 8]), WHOLE);
    expect("Q046", &v4(443, &[0xc3, b'Q', b'0', b'4', b'6', 8]), WHOLE);
    expect("T051", &v4(443, &[0xc3, b'T', b'0', b'5', b'1', 8]), WHOLE);
    expect("Handshake v1", &v4(443, &[0xe3, 0, 0, 0, 1, 8]), DROP);
    expect("0-RTT v1", &v4(443, &[0xd3, 0, 0, 0, 1, 8]), DROP);
    expect("short header", &v4(443, &[0x43, 0, 0, 0, 1, 8]), DROP);
    expect("unknown version", &v4(443, &[0xc3, 9, 9, 9, 9, 8]), DROP);
    expect("incoming Initial", &incoming(v4(443, INITIAL_V1)), DROP);
    expect("DTLS hello", &v4(3478, &[0x16, 0xfe, 0xff, 0, 0]), WHOLE);
    expect("DTLS data", &v4(3478, &[0x17, 0xfe, 0xfd, 0, 0]), DROP);
    expect("media", &v4(3478, &[0x80, 0x60, 1, 2, 3, 4, 5, 6]), DROP);
    expect("empty datagram", &v4(443, &[]), DROP);
}

#[test]
fn ipv6_extension_headers_are_stepped_over() {
    let hello = tcp(40000, 443, ACK, 12, HELLO);
    expect("none", &ipv6(&[], 6, &hello), WHOLE);
    expect("hop-by-hop", &ipv6(&[(0, 8)], 6, &hello), WHOLE);
    expect("hop-by-hop, routing", &ipv6(&[(0, 8), (43, 24)], 6, &hello), WHOLE);
    expect("three", &ipv6(&[(0, 8), (43, 24), (60, 16)], 6, &hello), WHOLE);
    expect("four are too many", &ipv6(&[(0, 8), (60, 8), (43, 24), (60, 16)], 6, &hello), DROP);
    expect("QUIC behind one", &ipv6(&[(60, 8)], 17, &udp(40000, 443, INITIAL_V1)), WHOLE);
    expect("DNS", &ipv6(&[], 17, &udp(40000, 53, &[1; 12])), WHOLE);
    expect("bulk behind two", &ipv6(&[(0, 8), (60, 8)], 6, &tcp(40000, 443, ACK, 12, BULK)), DROP);
    expect("ICMPv6", &ipv6(&[], 58, &[0; 16]), DROP);
}

/// A packet with its VLAN tags in it: the rest of the outer tag comes first.
fn tagged(tags: &[u16], packet: Packet) -> Packet {
    let types = tags[1..].iter().map(|_| ETHERTYPE_VLAN).chain([packet.ethertype]);
    let words = tags.iter().zip(types);
    let mut bytes: Vec<u8> =
        words.flat_map(|(tag, kind)| [tag.to_be_bytes(), (kind as u16).to_be_bytes()].concat()).collect();
    bytes.extend_from_slice(&packet.bytes);
    let ethertype = if tags.len() > 1 { ETHERTYPE_PROVIDER_VLAN } else { ETHERTYPE_VLAN };
    Packet { ethertype, bytes, ..packet }
}

#[test]
fn vlan_tags_in_the_packet_are_stepped_over() {
    // Beside the packet they are not seen by the program at all: such a packet is like any other.
    let hello = tcp(40000, 443, ACK, 12, HELLO);
    let initial = udp(40000, 443, INITIAL_V1);
    for tags in [&[9][..], &[0x6009, 10]] {
        let tagged = |packet| tagged(tags, packet);
        expect("hello", &tagged(ipv4(6, 0, 0, &hello)), WHOLE);
        expect("hello behind options", &tagged(ipv4(6, 12, 0, &hello)), WHOLE);
        expect("IPv6 hello", &tagged(ipv6(&[(0, 8)], 6, &hello)), WHOLE);
        expect("QUIC", &tagged(ipv4(17, 0, 0, &initial)), WHOLE);
        expect("bulk", &tagged(ipv4(6, 0, 0, &tcp(40000, 443, ACK, 12, BULK))), DROP);
        expect("fragment", &tagged(ipv4(6, 0, 0x2000, &hello)), WHOLE);
        expect("incoming hello", &incoming(tagged(ipv4(6, 0, 0, &hello))), DROP);
        expect("DNS answer", &incoming(tagged(ipv4(17, 0, 0, &udp(53, 40000, &[1; 12])))), WHOLE);
        expect("ARP", &tagged(Packet { ethertype: 0x0806, ..ipv4(6, 0, 0, &hello) }), DROP);
    }
}

#[test]
fn outgoing_fragments_pass_whole() {
    expect("first of IPv4", &ipv4(17, 0, 0x2000, &[1; 64]), WHOLE);
    expect("later of IPv4", &ipv4(6, 0, 0x00b9, &[1; 64]), WHOLE);
    expect("incoming IPv4", &incoming(ipv4(17, 0, 0x2000, &[1; 64])), DROP);
    expect("IPv6", &ipv6(&[(44, 8)], 6, &[1; 64]), WHOLE);
    expect("IPv6 behind hop-by-hop", &ipv6(&[(0, 8), (44, 8)], 6, &[1; 64]), WHOLE);
    expect("incoming IPv6", &incoming(ipv6(&[(44, 8)], 6, &[1; 64])), DROP);
}

#[test]
fn a_packet_cut_anywhere_ends_the_program_without_a_panic() {
    let program = tier1();
    let whole = [
        ipv4(6, 8, 0, &tcp(40000, 443, ACK, 12, HELLO)),
        ipv6(&[(0, 8), (43, 24)], 17, &udp(40000, 443, INITIAL_V1)),
    ];
    for packet in whole {
        for length in 0..packet.bytes.len() {
            let cut = Packet { bytes: packet.bytes[..length].to_vec(), ..packet.clone() };
            run(&program, &cut);
        }
    }
}
