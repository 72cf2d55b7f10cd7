//! Tier 2: an extended BPF socket filter that knows how far each TCP stream has come.
//!
//! It is the very program of tier 1, instruction by instruction in the newer language ([`translate`]), but for outgoing TCP:
//! there a table in the kernel remembers the sequence number each stream begins with, and only the first
//! [`STREAM_BYTES`] pass. So both halves of a split hello pass in any order, and an upload does not:
//!
//! - A SYN puts its stream into the table. So does the first segment of a stream that is not in it, since it may have begun
//!   before the filter did.
//! - Past its first bytes a segment passes only if it begins a ClientHello (after a STARTTLS, or on a proxy's connection) or
//!   an HTTP request, and is none of the large ones that only bulk makes; the stream's budget then begins anew there.
//! - The table is a least-recently-used one: a flood of new streams makes old ones start over, which costs [`STREAM_BYTES`]
//!   each at most and hides nothing.
//!
//! Sequence numbers wrap after 4 GiB, where a stream's first bytes pass once more.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::classic::{self, Instruction as Classic};
use super::{AD_IFINDEX, AD_PKTTYPE, AD_PROTOCOL, MEM_NETWORK, MEM_TRANSPORT, TCP_SNAP_BYTES, Verdicts};
use crate::bpf::assemble::Register::{R0, R1, R2, R3, R4, R6, R7, R8, R9, R10};
use crate::bpf::assemble::{
    AssembleError, Assembler, Condition, Helper, Instruction, Operand, Operation, Register, Width,
};
use crate::bpf::kernel::{self, LruMap, Program, ProgramKind};

/// Bytes of a stream that pass from where it begins. A ClientHello with two post-quantum key shares and Encrypted ClientHello is
/// below 4 KiB; what comes before it in an upgrade or a proxy's greeting is less.
pub const STREAM_BYTES: i32 = 16 * 1024;

/// Packets with more payload than that, past the first bytes of their stream, are bulk that segmentation offload put together:
/// whatever begins in a stream comes by itself. Not to read their payload is most of what they save.
const LARGE_BYTES: i32 = 8 * 1024;

/// Streams remembered, at some 100 bytes of kernel memory each.
const STREAMS: u32 = 16 * 1024;

/// Loads the filter and attaches it to a socket. Needs `CAP_BPF` and Linux 5.8 (`CAP_SYS_ADMIN` before).
pub fn attach(socket: BorrowedFd<'_>) -> io::Result<()> {
    attach_rules(socket, &super::program(&ASK))
}

/// As [`attach`], for the socket of a gateway's interface: the same, over the rules of [`super::gateway`].
pub fn attach_gateway(socket: BorrowedFd<'_>) -> io::Result<()> {
    attach_rules(socket, &super::gateway::program(&ASK))
}

fn attach_rules(socket: BorrowedFd<'_>, rules: &[Classic]) -> io::Result<()> {
    let streams = LruMap::<KEY_BYTES, 4>::new("ush_streams", STREAMS)?;
    let code = build(rules, streams.as_fd()).map_err(io::Error::other)?;
    let program = Program::load("ush_packets", ProgramKind::SocketFilter, None, &code)?;
    // The socket keeps the program, the program the table.
    kernel::attach_to_socket(socket, &program)
}

// What tier 1 answers where this program goes on. No packet is that long.
const ASK_SYN: u32 = 0xffff_0001;
const ASK_DATA: u32 = 0xffff_0002;
const ASK: Verdicts = Verdicts::Unread { syn: ASK_SYN, data: ASK_DATA };

fn build(rules: &[Classic], streams: BorrowedFd<'_>) -> Result<Vec<Instruction>, AssembleError> {
    let mut p = Assembler::new();
    p.copy(CONTEXT, R1);
    translate(rules, &mut p);
    streams_part(&mut p, streams.as_raw_fd());
    p.finish()
}

// Registers, which calls leave alone, for the context and for the two registers of classic BPF; its memory cells are at the top
// of the stack.
const CONTEXT: Register = R6;
const A: Register = R7;
const X: Register = R8;

fn cell(number: u32) -> i16 {
    -4 * (number as i16 + 1)
}

// Fields of the context (`struct __sk_buff`, linux/bpf.h).
const CONTEXT_LENGTH: i16 = 0;
const CONTEXT_PACKET_TYPE: i16 = 4;
const CONTEXT_PROTOCOL: i16 = 16;
const CONTEXT_INTERFACE: i16 = 40;

/// Each instruction of a classic program in the extended language; a label stands at each by its number.
fn translate(rules: &[Classic], p: &mut Assembler) {
    for (at, Classic { code, jt, jf, k }) in rules.iter().enumerate() {
        p.label(at);
        let constant = *k as i32;
        let target = |distance: u32| at + 1 + distance as usize;
        match *code {
            classic::LD_B_ABS if *k == AD_PKTTYPE => p.load(Width::Word, A, CONTEXT, CONTEXT_PACKET_TYPE),
            classic::LD_W_ABS if *k == AD_IFINDEX => p.load(Width::Word, A, CONTEXT, CONTEXT_INTERFACE),
            classic::LD_W_ABS if *k == AD_PROTOCOL => {
                p.load(Width::Word, A, CONTEXT, CONTEXT_PROTOCOL);
                p.swap_network_order(A, Width::Half);
            }
            classic::LD_B_ABS => packet(p, Width::Byte, constant, None),
            classic::LD_H_ABS => packet(p, Width::Half, constant, None),
            classic::LD_W_ABS => packet(p, Width::Word, constant, None),
            classic::LD_B_IND => packet(p, Width::Byte, constant, Some(X)),
            classic::LD_H_IND => packet(p, Width::Half, constant, Some(X)),
            classic::LD_W_IND => packet(p, Width::Word, constant, Some(X)),
            classic::LD_IMM => p.compute32(Operation::Move, A, constant),
            classic::LD_MEM => p.load(Width::Word, A, R10, cell(*k)),
            classic::LD_LEN => p.load(Width::Word, A, CONTEXT, CONTEXT_LENGTH),
            classic::LDX_IMM => p.compute32(Operation::Move, X, constant),
            classic::ST => p.store(Width::Word, R10, cell(*k), A),
            classic::STX => p.store(Width::Word, R10, cell(*k), X),
            classic::MISC_TAX => p.compute32(Operation::Move, X, A),
            classic::MISC_TXA => p.compute32(Operation::Move, A, X),
            classic::ALU_ADD_K => p.compute32(Operation::Add, A, constant),
            classic::ALU_ADD_X => p.compute32(Operation::Add, A, X),
            classic::ALU_SUB_X => p.compute32(Operation::Subtract, A, X),
            classic::ALU_AND_K => p.compute32(Operation::And, A, constant),
            classic::ALU_LSH_K => p.compute32(Operation::ShiftLeft, A, constant),
            classic::ALU_RSH_K => p.compute32(Operation::ShiftRight, A, constant),
            classic::JMP_JA => p.jump(target(*k)),
            classic::RET_K if *k == ASK_SYN => p.jump("syn"),
            classic::RET_K if *k == ASK_DATA => p.jump("data"),
            classic::RET_K => answer(p, constant),
            conditional => {
                let (condition, operand): (_, Operand) = match conditional {
                    classic::JMP_JEQ_K => (Condition::Equal, constant.into()),
                    classic::JMP_JGE_K => (Condition::GreaterOrEqual, constant.into()),
                    classic::JMP_JSET_K => (Condition::AnyBit, constant.into()),
                    _ => (Condition::Greater, X.into()),
                };
                p.jump32_if(condition, A, operand, target(u32::from(*jt)));
                p.jump(target(u32::from(*jf)));
            }
        }
    }
}

fn packet(p: &mut Assembler, width: Width, offset: i32, index: Option<Register>) {
    p.load_packet(width, offset, index);
    p.compute32(Operation::Move, A, R0);
}

fn answer(p: &mut Assembler, bytes: i32) {
    p.compute32(Operation::Move, R0, bytes);
    p.exit();
}

/// Addresses (32 bytes; an IPv4 pair takes the first eight) and ports, as they stand in the packet.
const KEY_BYTES: usize = 36;

// The stack below the cells of the classic program.
const KEY: i16 = -16 - KEY_BYTES as i16 - 4;
const TCP_HEADER: i16 = KEY - 24;
const BEGINNING: i16 = TCP_HEADER - 8;
/// Sequence number to be remembered.
const START: i16 = BEGINNING - 8;

/// Stands in R9 for a stream that is not in the table. No segment that is looked at is so far from where its stream began.
const UNKNOWN: i32 = i32::MIN;

/// Begins at `syn` and `data`: X is the offset of the TCP header there, or of the payload.
fn streams_part(p: &mut Assembler, streams: i32) {
    p.label("syn");
    key_and_header(p, "syn-addresses-v6", "syn-ports");
    p.load(Width::Word, A, R10, TCP_HEADER + 4);
    p.swap_network_order(A, Width::Word);
    p.compute32(Operation::Add, A, 1);
    remember(p, streams);
    answer(p, TCP_SNAP_BYTES as i32);

    p.label("data");
    key_and_header(p, "data-addresses-v6", "data-ports");
    p.load(Width::Word, A, R10, TCP_HEADER + 4);
    p.swap_network_order(A, Width::Word);
    p.load_map(R1, streams);
    p.copy(R2, R10);
    p.compute(Operation::Add, R2, i32::from(KEY));
    p.call(Helper::MapLookupElem);
    p.jump_if(Condition::Equal, R0, 0, "unknown");
    // How far the segment is from where its stream began; in front of it by as much as after it.
    p.load(Width::Word, R1, R0, 0);
    p.compute32(Operation::Move, R9, A);
    p.compute32(Operation::Subtract, R9, R1);
    p.jump32_if(Condition::Less, R9, STREAM_BYTES, "judge");
    p.jump32_if(Condition::GreaterOrEqual, R9, -STREAM_BYTES, "before");

    // Past the first bytes: does something begin here?
    payload_length(p);
    p.jump32_if(Condition::Less, R1, 6, "nothing");
    p.jump32_if(Condition::Greater, R1, LARGE_BYTES, "nothing");
    p.copy(R1, CONTEXT);
    p.copy(R2, X);
    p.copy(R3, R10);
    p.compute(Operation::Add, R3, i32::from(BEGINNING));
    p.copy(R4, 6);
    p.call(Helper::SkbLoadBytes);
    p.jump_if(Condition::NotEqual, R0, 0, "nothing");
    p.load(Width::Word, R1, R10, BEGINNING);
    p.swap_network_order(R1, Width::Word);
    for method in HTTP_METHODS {
        p.jump32_if(Condition::Equal, R1, i32::from_be_bytes(*method), "begin");
    }
    p.compute32(Operation::ShiftRight, R1, 16);
    p.jump32_if(Condition::NotEqual, R1, super::TLS_HANDSHAKE as i32, "nothing");
    p.load(Width::Byte, R1, R10, BEGINNING + 5);
    p.jump32_if(Condition::Equal, R1, CLIENT_HELLO, "begin");
    p.label("nothing");
    answer(p, 0);

    // Among the first bytes too what is encrypted says nothing; the same words as in tier 1.
    p.label("unknown");
    p.compute32(Operation::Move, R9, UNKNOWN);
    p.jump("judge");
    p.label("before");
    p.compute32(Operation::Move, R9, 0);
    p.label("judge");
    payload_length(p);
    p.jump32_if(Condition::Less, R1, 2, "judged");
    p.load_packet(Width::Half, 0, Some(X));
    p.jump32_if(Condition::Equal, R0, super::TLS_APPLICATION_DATA as i32, "nothing");
    p.jump32_if(Condition::NotEqual, R0, super::TLS_CHANGE_CIPHER as i32, "judged");
    payload_length(p);
    p.jump32_if(Condition::Less, R1, 8, "judged");
    p.load_packet(Width::Half, 6, Some(X));
    p.jump32_if(Condition::Equal, R0, super::TLS_APPLICATION_DATA as i32, "nothing");
    p.label("judged");
    p.jump32_if(Condition::NotEqual, R9, UNKNOWN, "within");
    p.label("begin");
    remember(p, streams);
    p.compute32(Operation::Move, R9, 0);
    // So many bytes are left; what is more of this packet is cut off.
    p.label("within");
    p.compute32(Operation::Move, R0, X);
    p.compute32(Operation::Add, R0, STREAM_BYTES);
    p.compute32(Operation::Subtract, R0, R9);
    p.exit();
}

/// R1 = bytes of payload.
fn payload_length(p: &mut Assembler) {
    p.load(Width::Word, R1, CONTEXT, CONTEXT_LENGTH);
    p.compute32(Operation::Subtract, R1, X);
}

/// Puts the key of the stream and the TCP header on the stack.
fn key_and_header(p: &mut Assembler, version6: &'static str, ports: &'static str) {
    for place in (0..KEY_BYTES as i16).step_by(4) {
        p.store_constant(Width::Word, R10, KEY + place, 0);
    }
    p.load(Width::Word, R9, R10, cell(MEM_NETWORK));
    p.load_packet(Width::Byte, 0, Some(R9));
    p.compute32(Operation::ShiftRight, R0, 4);
    p.jump32_if(Condition::Equal, R0, 6, version6);
    p.copy(R2, R9);
    p.compute(Operation::Add, R2, 12);
    to_stack(p, KEY, 8);
    p.jump(ports);
    p.label(version6);
    p.copy(R2, R9);
    p.compute(Operation::Add, R2, 8);
    to_stack(p, KEY, 32);
    p.label(ports);
    p.load(Width::Word, R2, R10, cell(MEM_TRANSPORT));
    to_stack(p, TCP_HEADER, 20);
    p.load(Width::Word, R1, R10, TCP_HEADER);
    p.store(Width::Word, R10, KEY + 32, R1);
}

/// Copies bytes of the packet, from the offset in R2 on; one that has not so many is let go.
fn to_stack(p: &mut Assembler, place: i16, bytes: i32) {
    p.copy(R1, CONTEXT);
    p.copy(R3, R10);
    p.compute(Operation::Add, R3, i32::from(place));
    p.copy(R4, bytes);
    p.call(Helper::SkbLoadBytes);
    p.jump_if(Condition::NotEqual, R0, 0, "nothing");
}

/// Notes that the stream begins at the sequence number in A.
fn remember(p: &mut Assembler, streams: i32) {
    p.store(Width::Word, R10, START, A);
    p.load_map(R1, streams);
    p.copy(R2, R10);
    p.compute(Operation::Add, R2, i32::from(KEY));
    p.copy(R3, R10);
    p.compute(Operation::Add, R3, i32::from(START));
    p.copy(R4, 0);
    p.call(Helper::MapUpdateElem);
}

/// How requests begin that may name another host than the one before.
const HTTP_METHODS: [&[u8; 4]; 8] = [b"GET ", b"POST", b"HEAD", b"PUT ", b"CONN", b"OPTI", b"DELE", b"PATC"];
/// The handshake message of that type (RFC 8446, section 4).
const CLIENT_HELLO: i32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_complete() {
        let stand_in = std::fs::File::open("/dev/null").unwrap();
        for rules in [super::super::program(&ASK), super::super::gateway::program(&ASK)] {
            let code = build(&rules, stand_in.as_fd()).unwrap();
            assert!(code.len() < 4096, "{} instructions: more than kernels before 5.2 take", code.len());
        }
    }
}
