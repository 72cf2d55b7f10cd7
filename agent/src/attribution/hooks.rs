//! Who connects, told by the kernel at the moment it happens: extended BPF programs in the root control group.
//!
//! A process that lives for some milliseconds is gone before its packets have been read and its socket can be asked for.
//! So two programs run in the process's own context, and a third knows the addresses:
//!
//! - at `connect`, and at `sendmsg` on an unconnected UDP socket, process, user and name are noted for the socket (its
//!   *cookie*, a number the kernel never uses again), and the process is announced: whoever reads the announcement
//!   has the rest of the process's life to look at `/proc`;
//! - when a TCP connection is about to begin, its addresses are noted with that; for unconnected UDP at `sendmsg` too. A
//!   connected UDP socket has its port only after `connect`, so its addresses are noted with its first packet.
//!
//! A question about a flow is then one look into a table, whatever network namespace the flow is in.
//!
//! The programs are detached when this process ends, however it ends. They need control groups of version 2, `CAP_BPF`
//! and `CAP_NET_ADMIN`, and Linux 5.8; where the kernel wants `CAP_PERFMON` for a process's name and it is not there, they do
//! without the name.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};

use crate::bpf::assemble::Register::{R0, R1, R2, R3, R4, R6, R7, R8, R10};
use crate::bpf::assemble::{
    AssembleError, Assembler, Condition, Helper, Instruction, Operation, Register, Width,
};
use crate::bpf::kernel::{AttachPoint, Link, LruMap, Program, ProgramKind, RingBuffer};
use crate::ipc::message::Flow;

/// Sockets and connections remembered, at some 150 bytes of kernel memory each.
const ENTRIES: u32 = 16 * 1024;
/// Processes that were announced lately.
const PROCESSES: u32 = 4096;
/// A process is announced again after this long: its number may be another's by then.
const ANNOUNCE_EVERY_NS: i32 = 2_000_000_000;
/// Announcements that fit while nobody reads: some 450. What does not fit is looked up when it is asked for.
const RING_BYTES: usize = 16 * 1024;

/// A process that made a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connector {
    /// Its number.
    pub process: u32,
    /// The number of the thread; the same for the first one.
    pub thread: u32,
    /// Its user.
    pub uid: u32,
    /// The name of the thread, 15 bytes at most, or nothing; of the first one it is the executable's, if nothing changed it.
    pub name: String,
}

/// The attached programs and their tables.
#[derive(Debug)]
pub struct Hooks {
    sockets: LruMap<COOKIE_BYTES, CONNECTOR_BYTES>,
    connections: LruMap<KEY_BYTES, VALUE_BYTES>,
    announcements: RingBuffer,
    _links: Vec<Link>,
}

impl Hooks {
    /// Loads and attaches the programs.
    pub fn attach() -> io::Result<Self> {
        // Process numbers are those of the first namespace.
        if std::fs::read_link("/proc/self/ns/pid")?.as_os_str() != FIRST_PID_NAMESPACE {
            return Err(io::Error::other("this process is in a PID namespace of its own"));
        }
        let group = root_group()?;
        let hooks = Self {
            sockets: LruMap::new("ush_sockets", ENTRIES)?,
            connections: LruMap::new("ush_connections", ENTRIES)?,
            announcements: RingBuffer::new("ush_announced", RING_BYTES)?,
            _links: Vec::new(),
        };
        let announced = LruMap::<4, 8>::new("ush_processes", PROCESSES)?;
        let maps = Maps {
            sockets: hooks.sockets.as_fd().as_raw_fd(),
            connections: hooks.connections.as_fd().as_raw_fd(),
            announced: announced.as_fd().as_raw_fd(),
            ring: hooks.announcements.as_fd().as_raw_fd(),
            named: true,
        };
        let links = maps.attach(group.as_fd());
        let links = links.or_else(|_| Maps { named: false, ..maps }.attach(group.as_fd()))?;
        Ok(Self { _links: links, ..hooks })
    }

    /// Who made a connection, if it was made here since the programs stand; and from which address, for TCP. It is another
    /// one than the flow's where a container's connection has been translated on its way out, which nearly always
    /// keeps the port.
    pub fn of_flow(&self, flow: &Flow) -> Option<(Connector, Option<IpAddr>)> {
        let value = self.connections.lookup(&key(flow))?;
        let who = value.get(COOKIE_BYTES..)?.first_chunk().map(connector)?;
        let local = value.last_chunk::<16>().map(|octets| IpAddr::from(*octets).to_canonical());
        Some((who, local.filter(|address| !address.is_unspecified())))
    }

    /// Who connected the socket with this cookie.
    pub fn of_cookie(&self, cookie: u64) -> Option<Connector> {
        self.sockets.lookup(&cookie.to_ne_bytes()).as_ref().map(connector)
    }

    /// Hands over the processes that were announced. Call it when the descriptor is readable.
    pub fn drain(&mut self, mut sink: impl FnMut(Connector)) {
        self.announcements.drain(|record| {
            if let Some(record) = record.first_chunk() {
                sink(connector(record));
            }
        });
    }
}

impl AsFd for Hooks {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.announcements.as_fd()
    }
}

/// `PROC_PID_INIT_INO` (linux/proc_ns.h).
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// The root of the control groups of version 2, wherever it is mounted.
fn root_group() -> io::Result<OwnedFd> {
    let mounts = std::fs::read_to_string("/proc/self/mounts")?;
    let mount = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ');
        let place = fields.nth(1)?;
        (fields.next()? == "cgroup2").then(|| PathBuf::from(place))
    });
    let mount = mount.ok_or_else(|| io::Error::other("no control groups of version 2 are mounted"))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(&mount, flags, Mode::empty())?)
}

/// Process, thread and user of four bytes each, and a name of 16.
const CONNECTOR_BYTES: usize = 28;
const COOKIE_BYTES: usize = 8;
/// A cookie, who has it, and the socket's own address in its IPv6 form: zero for UDP, whose socket may have none.
const VALUE_BYTES: usize = COOKIE_BYTES + CONNECTOR_BYTES + 16;
/// Address of the other side in its IPv6 form, ports of both in host order, and the protocol.
const KEY_BYTES: usize = 24;
const KEY_REMOTE_PORT: usize = 16;
const KEY_LOCAL_PORT: usize = 18;
const KEY_PROTOCOL: usize = 20;

fn key(flow: &Flow) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    let remote = match flow.server.ip() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    key[..KEY_REMOTE_PORT].copy_from_slice(&remote.octets());
    key[KEY_REMOTE_PORT..KEY_LOCAL_PORT].copy_from_slice(&flow.server.port().to_ne_bytes());
    key[KEY_LOCAL_PORT..KEY_PROTOCOL].copy_from_slice(&flow.client.port().to_ne_bytes());
    key[KEY_PROTOCOL] = if flow.udp { UDP } else { TCP } as u8;
    key
}

fn connector(bytes: &[u8; CONNECTOR_BYTES]) -> Connector {
    let word = |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let name = bytes[12..].split(|byte| *byte == 0).next().unwrap_or_default();
    Connector {
        process: word(0),
        thread: word(4),
        uid: word(8),
        name: String::from_utf8_lossy(name).into_owned(),
    }
}

const AF_INET6: i32 = 10;
const TCP: i32 = 6;
const UDP: i32 = 17;

struct Maps {
    sockets: i32,
    connections: i32,
    announced: i32,
    ring: i32,
    /// Whether the programs note the process's name.
    named: bool,
}

impl Maps {
    fn attach(&self, group: BorrowedFd<'_>) -> io::Result<Vec<Link>> {
        [
            ("ush_connect4", ProgramKind::SockAddr, AttachPoint::Inet4Connect, connect(self)),
            ("ush_connect6", ProgramKind::SockAddr, AttachPoint::Inet6Connect, connect(self)),
            ("ush_sendmsg4", ProgramKind::SockAddr, AttachPoint::Udp4Sendmsg, sendmsg(self, false)),
            ("ush_sendmsg6", ProgramKind::SockAddr, AttachPoint::Udp6Sendmsg, sendmsg(self, true)),
            ("ush_tcp", ProgramKind::SockOps, AttachPoint::SockOps, tcp_begins(self)),
            ("ush_udp", ProgramKind::CgroupSkb, AttachPoint::InetEgress, connected_udp(self)),
        ]
        .into_iter()
        .map(|(name, kind, point, code)| {
            let code = code.map_err(io::Error::other)?;
            let program = Program::load(name, kind, Some(point), &code)
                .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
            program.attach_to_cgroup(group, point)
        })
        .collect()
    }
}

// The programs' stack, from its top down: the table's value, that is cookie, who, and the socket's address; the key of a
// connection; a process number; a time.
const COOKIE: i16 = -(VALUE_BYTES as i16) - 4;
const CONNECTOR: i16 = COOKIE + COOKIE_BYTES as i16;
const LOCAL: i16 = CONNECTOR + CONNECTOR_BYTES as i16;
const KEY: i16 = COOKIE - KEY_BYTES as i16;
const PROCESS: i16 = KEY - 8;
const TIME: i16 = PROCESS - 8;

/// At `connect`: notes who, and announces it.
fn connect(maps: &Maps) -> Result<Vec<Instruction>, AssembleError> {
    let mut p = Assembler::new();
    p.copy(R6, R1);
    cookie(&mut p);
    who(&mut p, maps.named);
    update(&mut p, maps.sockets, COOKIE, CONNECTOR);
    announce(&mut p, maps);
    p.label("out");
    allow(&mut p);
    p.finish()
}

/// At `sendmsg` on an unconnected UDP socket: notes who, and for which addresses, once a socket and address.
fn sendmsg(maps: &Maps, six: bool) -> Result<Vec<Instruction>, AssembleError> {
    // struct bpf_sock_addr and struct bpf_sock (linux/bpf.h).
    const USER_IP4: i16 = 4;
    const USER_IP6: i16 = 8;
    const USER_PORT: i16 = 24;
    const SOCKET: i16 = 64;
    const SOCKET_SRC_PORT: i16 = 44;

    let mut p = Assembler::new();
    p.copy(R6, R1);
    cookie(&mut p);
    empty_key_and_address(&mut p, UDP);
    if six {
        for word in 0..4 {
            move_word(&mut p, R6, USER_IP6 + 4 * word, KEY + 4 * word);
        }
    } else {
        mapped(&mut p, R6, USER_IP4, KEY);
    }
    p.load(Width::Word, R1, R6, USER_PORT);
    p.swap_network_order(R1, Width::Half);
    p.store(Width::Half, R10, KEY + KEY_REMOTE_PORT as i16, R1);
    p.load(Width::Double, R1, R6, SOCKET);
    p.load(Width::Word, R1, R1, SOCKET_SRC_PORT);
    p.store(Width::Half, R10, KEY + KEY_LOCAL_PORT as i16, R1);
    out_if_known(&mut p, maps);
    who(&mut p, maps.named);
    update(&mut p, maps.sockets, COOKIE, CONNECTOR);
    update(&mut p, maps.connections, KEY, COOKIE);
    announce(&mut p, maps);
    p.label("out");
    allow(&mut p);
    p.finish()
}

/// When a TCP connection is about to be made, its local port chosen: notes whose it is. Still before the SYN is sent.
fn tcp_begins(maps: &Maps) -> Result<Vec<Instruction>, AssembleError> {
    // struct bpf_sock_ops (linux/bpf.h).
    const OPERATION: i16 = 0;
    const FAMILY: i16 = 20;
    const REMOTE_IP4: i16 = 24;
    const LOCAL_IP4: i16 = 28;
    const REMOTE_IP6: i16 = 32;
    const LOCAL_IP6: i16 = 48;
    const REMOTE_PORT: i16 = 64;
    const LOCAL_PORT: i16 = 68;
    /// `BPF_SOCK_OPS_TCP_CONNECT_CB`.
    const CONNECTS: i32 = 3;

    let mut p = Assembler::new();
    p.copy(R6, R1);
    p.load(Width::Word, R1, R6, OPERATION);
    p.jump32_if(Condition::NotEqual, R1, CONNECTS, "out");
    cookie(&mut p);
    lookup(&mut p, maps.sockets, COOKIE);
    p.jump_if(Condition::Equal, R0, 0, "out");
    p.copy(R7, R0);
    for word in 0..CONNECTOR_BYTES as i16 / 4 {
        move_word(&mut p, R7, 4 * word, CONNECTOR + 4 * word);
    }
    empty_key_and_address(&mut p, TCP);
    p.load(Width::Word, R1, R6, FAMILY);
    p.jump32_if(Condition::Equal, R1, AF_INET6, "six");
    mapped(&mut p, R6, REMOTE_IP4, KEY);
    mapped(&mut p, R6, LOCAL_IP4, LOCAL);
    p.jump("ports");
    p.label("six");
    for word in 0..4 {
        move_word(&mut p, R6, REMOTE_IP6 + 4 * word, KEY + 4 * word);
        move_word(&mut p, R6, LOCAL_IP6 + 4 * word, LOCAL + 4 * word);
    }
    p.label("ports");
    p.load(Width::Word, R1, R6, REMOTE_PORT);
    // The upper half of a word in network order.
    p.swap_network_order(R1, Width::Word);
    p.store(Width::Half, R10, KEY + KEY_REMOTE_PORT as i16, R1);
    p.load(Width::Word, R1, R6, LOCAL_PORT);
    p.store(Width::Half, R10, KEY + KEY_LOCAL_PORT as i16, R1);
    update(&mut p, maps.connections, KEY, COOKIE);
    // What other programs answer is left as it is.
    p.label("out");
    allow(&mut p);
    p.finish()
}

/// When a connected UDP socket sends: notes whose it is, with the first packet. All else is let through after a few
/// instructions; nothing is ever held back.
fn connected_udp(maps: &Maps) -> Result<Vec<Instruction>, AssembleError> {
    // struct __sk_buff and struct bpf_sock (linux/bpf.h).
    const SOCKET: i16 = 168;
    const FAMILY: i16 = 4;
    const PROTOCOL: i16 = 12;
    const SRC_PORT: i16 = 44;
    const DST_PORT: i16 = 48;
    const DST_IP4: i16 = 52;
    const DST_IP6: i16 = 56;

    let mut p = Assembler::new();
    p.copy(R6, R1);
    p.load(Width::Double, R1, R6, SOCKET);
    p.jump_if(Condition::Equal, R1, 0, "out");
    p.call(Helper::SkFullsock);
    p.jump_if(Condition::Equal, R0, 0, "out");
    p.copy(R7, R0);
    p.load(Width::Word, R1, R7, PROTOCOL);
    p.jump32_if(Condition::NotEqual, R1, UDP, "out");
    p.load(Width::Half, R8, R7, DST_PORT);
    p.jump32_if(Condition::Equal, R8, 0, "out");
    empty_key_and_address(&mut p, UDP);
    p.swap_network_order(R8, Width::Half);
    p.store(Width::Half, R10, KEY + KEY_REMOTE_PORT as i16, R8);
    p.load(Width::Word, R1, R7, SRC_PORT);
    p.store(Width::Half, R10, KEY + KEY_LOCAL_PORT as i16, R1);
    p.load(Width::Word, R1, R7, FAMILY);
    p.jump32_if(Condition::Equal, R1, AF_INET6, "six");
    mapped(&mut p, R7, DST_IP4, KEY);
    p.jump("key");
    p.label("six");
    for word in 0..4 {
        move_word(&mut p, R7, DST_IP6 + 4 * word, KEY + 4 * word);
    }
    p.label("key");
    cookie(&mut p);
    out_if_known(&mut p, maps);
    lookup(&mut p, maps.sockets, COOKIE);
    p.jump_if(Condition::Equal, R0, 0, "out");
    p.copy(R7, R0);
    for word in 0..CONNECTOR_BYTES as i16 / 4 {
        move_word(&mut p, R7, 4 * word, CONNECTOR + 4 * word);
    }
    update(&mut p, maps.connections, KEY, COOKIE);
    p.label("out");
    allow(&mut p);
    p.finish()
}

/// Goes to `out` if the connection is noted for this very socket. A port that another socket had before is not.
fn out_if_known(p: &mut Assembler, maps: &Maps) {
    lookup(p, maps.connections, KEY);
    p.jump_if(Condition::Equal, R0, 0, "new");
    p.load(Width::Double, R1, R0, 0);
    p.load(Width::Double, R2, R10, COOKIE);
    p.jump_if(Condition::Equal, R1, R2, "out");
    p.label("new");
}

/// Cookie of the context's socket to the stack.
fn cookie(p: &mut Assembler) {
    p.copy(R1, R6);
    p.call(Helper::GetSocketCookie);
    p.store(Width::Double, R10, COOKIE, R0);
}

/// The running process to the stack.
fn who(p: &mut Assembler, named: bool) {
    p.call(Helper::GetCurrentPidTgid);
    p.store(Width::Word, R10, CONNECTOR + 4, R0);
    p.compute(Operation::ShiftRight, R0, 32);
    p.store(Width::Word, R10, CONNECTOR, R0);
    p.call(Helper::GetCurrentUidGid);
    p.store(Width::Word, R10, CONNECTOR + 8, R0);
    for word in 3..CONNECTOR_BYTES as i16 / 4 {
        p.store_constant(Width::Word, R10, CONNECTOR + 4 * word, 0);
    }
    if named {
        address(p, R1, CONNECTOR + 12);
        p.copy(R2, 16);
        p.call(Helper::GetCurrentComm);
    }
}

/// Puts the process into the ring, unless it was there a moment ago.
fn announce(p: &mut Assembler, maps: &Maps) {
    p.load(Width::Word, R1, R10, CONNECTOR);
    p.store(Width::Word, R10, PROCESS, R1);
    p.call(Helper::KtimeGetNs);
    p.store(Width::Double, R10, TIME, R0);
    lookup(p, maps.announced, PROCESS);
    p.jump_if(Condition::Equal, R0, 0, "announce");
    p.load(Width::Double, R1, R10, TIME);
    p.load(Width::Double, R2, R0, 0);
    p.compute(Operation::Subtract, R1, R2);
    p.jump_if(Condition::Less, R1, ANNOUNCE_EVERY_NS, "out");
    p.label("announce");
    update(p, maps.announced, PROCESS, TIME);
    p.load_map(R1, maps.ring);
    address(p, R2, CONNECTOR);
    p.copy(R3, CONNECTOR_BYTES as i32);
    p.copy(R4, 0);
    p.call(Helper::RingbufOutput);
}

fn allow(p: &mut Assembler) {
    p.copy(R0, 1);
    p.exit();
}

fn empty_key_and_address(p: &mut Assembler, protocol: i32) {
    for word in 0..KEY_BYTES as i16 / 4 {
        p.store_constant(Width::Word, R10, KEY + 4 * word, 0);
    }
    for word in 0..4 {
        p.store_constant(Width::Word, R10, LOCAL + 4 * word, 0);
    }
    p.store_constant(Width::Byte, R10, KEY + KEY_PROTOCOL as i16, protocol);
}

/// An IPv4 address of the context in its IPv6 form.
fn mapped(p: &mut Assembler, from: Register, at: i16, place: i16) {
    p.store_constant(Width::Half, R10, place + 10, -1);
    move_word(p, from, at, place + 12);
}

fn move_word(p: &mut Assembler, from: Register, at: i16, place: i16) {
    p.load(Width::Word, R1, from, at);
    p.store(Width::Word, R10, place, R1);
}

fn address(p: &mut Assembler, register: Register, place: i16) {
    p.copy(register, R10);
    p.compute(Operation::Add, register, i32::from(place));
}

fn lookup(p: &mut Assembler, map: i32, key: i16) {
    p.load_map(R1, map);
    address(p, R2, key);
    p.call(Helper::MapLookupElem);
}

fn update(p: &mut Assembler, map: i32, key: i16, value: i16) {
    p.load_map(R1, map);
    address(p, R2, key);
    address(p, R3, value);
    p.copy(R4, 0);
    p.call(Helper::MapUpdateElem);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_flow_has_the_layout_that_the_programs_write() {
        let flow = Flow {
            udp: false,
            client: ([192, 0, 2, 1], 40000).into(),
            server: ([198, 51, 100, 2], 443).into(),
        };
        let bytes = key(&flow);
        assert_eq!(bytes[8..16], [0, 0, 0xff, 0xff, 198, 51, 100, 2]);
        assert_eq!(bytes[16..18], 443_u16.to_ne_bytes());
        assert_eq!(bytes[18..24], [&40000_u16.to_ne_bytes()[..], &[6, 0, 0, 0]].concat());
        assert_eq!(key(&Flow { udp: true, ..flow })[20], 17);
    }

    #[test]
    fn a_connector_is_read_as_it_was_written() {
        let mut bytes = [0; CONNECTOR_BYTES];
        bytes[..4].copy_from_slice(&7_u32.to_ne_bytes());
        bytes[4..8].copy_from_slice(&8_u32.to_ne_bytes());
        bytes[8..12].copy_from_slice(&1000_u32.to_ne_bytes());
        bytes[12..16].copy_from_slice(b"curl");
        let expected = Connector { process: 7, thread: 8, uid: 1000, name: "curl".to_owned() };
        assert_eq!(connector(&bytes), expected);
    }
}
