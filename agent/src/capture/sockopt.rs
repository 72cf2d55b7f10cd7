//! Options of a packet socket that no safe library offers. The only unsafe code of `capture`.
#![expect(
    unsafe_code,
    reason = "setsockopt and getsockopt with kernel structures; each call states its contract"
)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::filter::classic::Instruction;

/// Packets that passed the filter and packets dropped for want of buffer, since the last call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Packets that passed the filter, those dropped afterwards included.
    pub packets: u32,
    /// Packets dropped because the receive buffer was full.
    pub drops: u32,
}

/// Attaches a classic BPF program.
pub fn attach_filter(socket: BorrowedFd<'_>, program: &[Instruction]) -> io::Result<()> {
    let mut code: Vec<libc::sock_filter> = program
        .iter()
        .map(|Instruction { code, jt, jf, k }| libc::sock_filter { code: *code, jt: *jt, jf: *jf, k: *k })
        .collect();
    let len = u16::try_from(code.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let program = libc::sock_fprog { len, filter: code.as_mut_ptr() };
    // `program` points to `code`, which lives past the call; the kernel copies both.
    set(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

/// Makes the filter unremovable and unchangeable for whoever holds the socket.
pub fn lock_filter(socket: BorrowedFd<'_>) -> io::Result<()> {
    set(socket, libc::SOL_SOCKET, libc::SO_LOCK_FILTER, &1i32)
}

/// Sets the receive buffer in bytes: past the system's limit where `CAP_NET_ADMIN` allows it, else up to
/// that limit. Returns what the kernel made of it (its bookkeeping included, twice what was asked for).
pub fn set_receive_buffer(socket: BorrowedFd<'_>, bytes: i32) -> io::Result<i32> {
    if set(socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &bytes).is_err() {
        set(socket, libc::SOL_SOCKET, libc::SO_RCVBUF, &bytes)?;
    }
    get(socket, libc::SOL_SOCKET, libc::SO_RCVBUF, 0i32)
}

/// Has the interface hand over frames for other machines as well, for as long as the socket is open. The one place that asks for
/// that; only a gateway's socket does.
pub fn watch_everything(socket: BorrowedFd<'_>, interface: u32) -> io::Result<()> {
    let membership = libc::packet_mreq {
        mr_ifindex: i32::try_from(interface).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?,
        mr_type: PACKET_MR_PROMISC,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    set(socket, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership)
}

/// linux/if_packet.h.
const PACKET_MR_PROMISC: u16 = 1;

/// Reads and resets the counters of a packet socket.
pub fn statistics(socket: BorrowedFd<'_>) -> io::Result<Statistics> {
    // struct tpacket_stats (linux/if_packet.h): two 32-bit counters.
    let [packets, drops] = get(socket, libc::SOL_PACKET, libc::PACKET_STATISTICS, [0u32; 2])?;
    Ok(Statistics { packets, drops })
}

/// A value that the kernel may read or write as bytes: plain integers without padding, or the one
/// structure whose pointer [`attach_filter`] keeps alive. The fields of `packet_mreq` leave no gap either.
trait Plain: Copy {}
impl Plain for i32 {}
impl Plain for [u32; 2] {}
impl Plain for libc::sock_fprog {}
impl Plain for libc::packet_mreq {}

fn set<T: Plain>(socket: BorrowedFd<'_>, level: i32, option: i32, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).unwrap_or_default();
    // SAFETY: the descriptor is open for as long as it is borrowed; `value` is valid for reads of
    // `length` bytes, and `T: Plain` says that the kernel may read them.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, std::ptr::from_ref(value).cast(), length)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn get<T: Plain>(socket: BorrowedFd<'_>, level: i32, option: i32, mut value: T) -> io::Result<T> {
    let mut length = libc::socklen_t::try_from(size_of::<T>()).unwrap_or_default();
    // SAFETY: the descriptor is open for as long as it is borrowed; `value` is valid for writes of
    // `length` bytes, any bytes are a valid `T: Plain` of the two types read here, and the kernel
    // writes no more than `length`.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, option, (&raw mut value).cast(), &raw mut length)
    };
    if result == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_locked_filter_cannot_be_replaced() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        attach_filter(socket.as_fd(), &super::super::filter::tier1()).unwrap();
        lock_filter(socket.as_fd()).unwrap();
        let error = attach_filter(socket.as_fd(), &super::super::filter::tier1()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    }

    #[test]
    fn the_receive_buffer_grows_to_what_is_asked_for_or_allowed() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(set_receive_buffer(socket.as_fd(), 64 * 1024).unwrap() >= 64 * 1024);
    }
}
