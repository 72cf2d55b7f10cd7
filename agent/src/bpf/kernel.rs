//! The `bpf(2)` system call: maps, programs and their attachment. The only unsafe code of `bpf`.
#![expect(
    unsafe_code,
    reason = "bpf(2) and mmap(2), which no safe library here offers; each call states its contract"
)]

use std::ffi::{c_long, c_void};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::assemble::Instruction;

/// Kinds of programs (linux/bpf.h, `enum bpf_prog_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum ProgramKind {
    /// Decides what a socket receives.
    SocketFilter = 1,
    /// Looks at the packets of a control group's sockets.
    CgroupSkb = 8,
    /// Hooks of a socket's life in a control group.
    SockOps = 13,
    /// Hooks of `connect` and `sendmsg` in a control group.
    SockAddr = 18,
}

/// Where a program is attached (linux/bpf.h, `enum bpf_attach_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum AttachPoint {
    /// Packets that sockets send.
    InetEgress = 1,
    /// Steps of a TCP connection.
    SockOps = 3,
    /// `connect` to an IPv4 address.
    Inet4Connect = 10,
    /// `connect` to an IPv6 address.
    Inet6Connect = 11,
    /// `sendmsg` on an unconnected UDP socket to an IPv4 address.
    Udp4Sendmsg = 14,
    /// The same to an IPv6 address.
    Udp6Sendmsg = 15,
}

/// A hash table in the kernel that forgets what was used least lately when it is full.
#[derive(Debug)]
pub struct LruMap<const KEY: usize, const VALUE: usize> {
    descriptor: OwnedFd,
}

impl<const KEY: usize, const VALUE: usize> LruMap<KEY, VALUE> {
    /// A map of so many entries; `name` is what `bpftool` shows, at most 15 letters, digits and underscores.
    pub fn new(name: &str, entries: u32) -> io::Result<Self> {
        let attributes = MapCreate {
            kind: BPF_MAP_TYPE_LRU_HASH,
            key_bytes: length_u32(KEY),
            value_bytes: length_u32(VALUE),
            entries,
            name: object_name(name),
            ..MapCreate::default()
        };
        Ok(Self { descriptor: create(BPF_MAP_CREATE, &attributes)? })
    }

    /// The value of a key.
    pub fn lookup(&self, key: &[u8; KEY]) -> Option<[u8; VALUE]> {
        let mut value = [0; VALUE];
        let attributes = MapElement {
            map: self.descriptor.as_raw_fd().unsigned_abs(),
            key: key.as_ptr() as u64,
            value: value.as_mut_ptr() as u64,
            ..MapElement::default()
        };
        // The kernel reads KEY bytes of `key` and writes VALUE bytes of `value`, as the map was created; both live past the call.
        call(BPF_MAP_LOOKUP_ELEM, &attributes).ok()?;
        Some(value)
    }
}

impl<const KEY: usize, const VALUE: usize> AsFd for LruMap<KEY, VALUE> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// A program that the kernel has checked and taken.
#[derive(Debug)]
pub struct Program {
    descriptor: OwnedFd,
}

impl Program {
    /// Hands the kernel a program. A refusal's error carries the last lines of what the kernel's verifier says.
    pub fn load(
        name: &str,
        kind: ProgramKind,
        expected: Option<AttachPoint>,
        code: &[Instruction],
    ) -> io::Result<Self> {
        let mut attributes = ProgramLoad {
            kind: kind as u32,
            instruction_count: length_u32(code.len()),
            instructions: code.as_ptr() as u64,
            licence: LICENCE.as_ptr() as u64,
            name: object_name(name),
            expected_attach: expected.map_or(0, |point| point as u32),
            ..ProgramLoad::default()
        };
        let refused = match create(BPF_PROG_LOAD, &attributes) {
            Ok(descriptor) => return Ok(Self { descriptor }),
            Err(error) => error,
        };
        let mut log = vec![0; LOG_BYTES];
        (attributes.log_level, attributes.log_bytes) = (1, length_u32(log.len()));
        attributes.log = log.as_mut_ptr() as u64;
        // Said again only to hear why; a program that is taken now is as good.
        match create(BPF_PROG_LOAD, &attributes) {
            Ok(descriptor) => Ok(Self { descriptor }),
            Err(_) => Err(io::Error::new(refused.kind(), format!("{refused}{}", verdict(&log)))),
        }
    }

    /// Attaches it to a control group, beside whatever is attached there. It is detached when the link is dropped, or this
    /// process ends in whatever way.
    pub fn attach_to_cgroup(&self, group: BorrowedFd<'_>, point: AttachPoint) -> io::Result<Link> {
        let attributes = LinkCreate {
            program: self.descriptor.as_raw_fd().unsigned_abs(),
            target: group.as_raw_fd().unsigned_abs(),
            attach: point as u32,
            flags: 0,
        };
        Ok(Link { _descriptor: create(BPF_LINK_CREATE, &attributes)? })
    }
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// The attachment of a program.
#[derive(Debug)]
pub struct Link {
    _descriptor: OwnedFd,
}

/// A queue from programs in the kernel to this process, in memory that both see (linux: Documentation/bpf/ringbuf.rst).
/// Its descriptor is readable while something is in it.
#[derive(Debug)]
pub struct RingBuffer {
    descriptor: OwnedFd,
    /// The consumer's page, which we write; behind it the producer's page and the data, the data twice in a row.
    consumer: Mapping,
    producer: Mapping,
    page_bytes: usize,
    data_bytes: usize,
}

impl RingBuffer {
    /// A ring of `data_bytes`: a power of two, a multiple of the page size.
    pub fn new(name: &str, data_bytes: usize) -> io::Result<Self> {
        let attributes = MapCreate {
            kind: BPF_MAP_TYPE_RINGBUF,
            entries: length_u32(data_bytes),
            name: object_name(name),
            ..MapCreate::default()
        };
        let descriptor = create(BPF_MAP_CREATE, &attributes)?;
        let page_bytes = rustix::param::page_size();
        let consumer = Mapping::new(descriptor.as_fd(), page_bytes, libc::PROT_READ | libc::PROT_WRITE, 0)?;
        let producer =
            Mapping::new(descriptor.as_fd(), page_bytes + 2 * data_bytes, libc::PROT_READ, page_bytes)?;
        Ok(Self { descriptor, consumer, producer, page_bytes, data_bytes })
    }

    /// Hands over every record that is there.
    pub fn drain(&mut self, mut sink: impl FnMut(&[u8])) {
        let mut at = self.consumer.atomic_u64(0).load(Ordering::Acquire);
        loop {
            let end = self.producer.atomic_u64(0).load(Ordering::Acquire);
            if at >= end {
                return;
            }
            let place = self.page_bytes + (at as usize & (self.data_bytes - 1));
            let header = self.producer.atomic_u32(place).load(Ordering::Acquire);
            if header & RECORD_BUSY != 0 {
                return;
            }
            let length = (header & RECORD_LENGTH) as usize;
            if header & RECORD_DISCARDED == 0
                && let Some(record) = self.producer.bytes(place + RECORD_HEADER_BYTES, length)
            {
                sink(record);
            }
            at += (length + RECORD_HEADER_BYTES).next_multiple_of(8) as u64;
            self.consumer.atomic_u64(0).store(at, Ordering::Release);
        }
    }
}

impl AsFd for RingBuffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Makes a program decide what a socket receives.
pub fn attach_to_socket(socket: BorrowedFd<'_>, program: &Program) -> io::Result<()> {
    let number: RawFd = program.descriptor.as_raw_fd();
    // SAFETY: both descriptors are open; the kernel reads the four bytes of `number`.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_BPF,
            (&raw const number).cast(),
            libc::socklen_t::try_from(size_of::<RawFd>()).unwrap_or_default(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The programs' licence, which decides what helpers they may call. None here is for GPL programs only.
const LICENCE: &std::ffi::CStr = c"Dual MIT/GPL";
const LOG_BYTES: usize = 64 * 1024;

// Commands (linux/bpf.h, `enum bpf_cmd`) and kinds of maps (`enum bpf_map_type`).
const BPF_MAP_CREATE: i32 = 0;
const BPF_MAP_LOOKUP_ELEM: i32 = 1;
const BPF_PROG_LOAD: i32 = 5;
const BPF_LINK_CREATE: i32 = 28;
const BPF_MAP_TYPE_LRU_HASH: u32 = 9;
const BPF_MAP_TYPE_RINGBUF: u32 = 27;

// The header of a record in a ring: flags and length in four bytes, four for the kernel.
const RECORD_BUSY: u32 = 1 << 31;
const RECORD_DISCARDED: u32 = 1 << 30;
const RECORD_LENGTH: u32 = RECORD_DISCARDED - 1;
const RECORD_HEADER_BYTES: usize = 8;

/// A part of `union bpf_attr` that the system call takes. The kernel takes any length and reads what is missing as zero.
trait Attributes {}

#[derive(Default)]
#[repr(C)]
struct MapCreate {
    kind: u32,
    key_bytes: u32,
    value_bytes: u32,
    entries: u32,
    flags: u32,
    inner_map: u32,
    numa_node: u32,
    name: [u8; 16],
}

#[derive(Default)]
#[repr(C)]
struct MapElement {
    map: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[derive(Default)]
#[repr(C)]
struct ProgramLoad {
    kind: u32,
    instruction_count: u32,
    instructions: u64,
    licence: u64,
    log_level: u32,
    log_bytes: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    expected_attach: u32,
}

#[derive(Default)]
#[repr(C)]
struct LinkCreate {
    program: u32,
    target: u32,
    attach: u32,
    flags: u32,
}

impl Attributes for MapCreate {}
impl Attributes for MapElement {}
impl Attributes for ProgramLoad {}
impl Attributes for LinkCreate {}

fn call<A: Attributes>(command: i32, attributes: &A) -> io::Result<c_long> {
    // SAFETY: `attributes` is a plain C structure of the length given, without padding that is not a field of it; the
    // pointers in it are to memory that the caller keeps alive and as long as the kernel is told.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attributes), size_of::<A>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A command that answers with a new descriptor.
fn create<A: Attributes>(command: i32, attributes: &A) -> io::Result<OwnedFd> {
    let number = RawFd::try_from(call(command, attributes)?).map_err(io::Error::other)?;
    // SAFETY: the kernel has just opened this descriptor for us, close-on-exec, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn object_name(name: &str) -> [u8; 16] {
    let mut field = [0; 16];
    for (to, from) in field[..15].iter_mut().zip(name.bytes()) {
        *to = from;
    }
    field
}

fn length_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The end of the verifier's words, on one line.
fn verdict(log: &[u8]) -> String {
    let text = String::from_utf8_lossy(log.split(|byte| *byte == 0).next().unwrap_or_default());
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("processed ")).collect();
    let last = lines.len().saturating_sub(3);
    if lines.is_empty() { String::new() } else { format!(": {}", lines[last..].join("; ")) }
}

/// Memory shared with the kernel.
#[derive(Debug)]
struct Mapping {
    start: *mut c_void,
    length: usize,
}

impl Mapping {
    fn new(descriptor: BorrowedFd<'_>, length: usize, protection: i32, offset: usize) -> io::Result<Self> {
        let offset = libc::off_t::try_from(offset).map_err(io::Error::other)?;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                protection,
                libc::MAP_SHARED,
                descriptor.as_raw_fd(),
                offset,
            )
        };
        if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(Self { start, length }) }
    }

    /// The eight bytes at `place`.
    ///
    /// # Panics
    /// Where they are not in the mapping or not aligned, which the one caller's constants rule out.
    fn atomic_u64(&self, place: usize) -> &AtomicU64 {
        assert!(place.is_multiple_of(8) && place + 8 <= self.length);
        // SAFETY: in bounds and aligned as just checked (a mapping begins at a page); the mapping lives as long as `self`;
        // the kernel accesses the place atomically too.
        unsafe { &*self.start.cast::<u8>().add(place).cast::<AtomicU64>() }
    }

    /// The four bytes at `place`; see [`Self::atomic_u64`].
    fn atomic_u32(&self, place: usize) -> &AtomicU32 {
        assert!(place.is_multiple_of(4) && place + 4 <= self.length);
        // SAFETY: as in `atomic_u64`.
        unsafe { &*self.start.cast::<u8>().add(place).cast::<AtomicU32>() }
    }

    /// Bytes of a record that the kernel has finished and does not touch until it is consumed.
    fn bytes(&self, place: usize, length: usize) -> Option<&[u8]> {
        if place.checked_add(length)? > self.length {
            return None;
        }
        // SAFETY: in bounds; the ring's protocol keeps the kernel off the record while its position is not consumed, and
        // the position moves only after the borrow ends (`RingBuffer::drain`).
        Some(unsafe { std::slice::from_raw_parts(self.start.cast::<u8>().add(place), length) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours alone and nothing borrows from it any more.
        unsafe { libc::munmap(self.start, self.length) };
    }
}
