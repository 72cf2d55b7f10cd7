//! Word of interfaces that come and go, over rtnetlink. What came is asked for elsewhere; the messages are not read.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};

/// `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV6_IFADDR` (linux/rtnetlink.h).
const LINK_GROUP: u32 = 1;
const ADDRESS_GROUPS: u32 = 0x10 | 0x100;

/// A descriptor that becomes readable when an interface comes, goes, or changes its state; with `addresses` also when
/// one of this machine's addresses does.
pub fn open(addresses: bool) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    // NETLINK_ROUTE is protocol 0.
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    let groups = if addresses { LINK_GROUP | ADDRESS_GROUPS } else { LINK_GROUP };
    rustix::net::bind(&socket, &SocketAddrNetlink::new(0, groups))?;
    Ok(socket)
}

/// Throws away what is there.
pub fn drain(socket: BorrowedFd<'_>) {
    let mut buffer = [0; 8192];
    loop {
        match rustix::net::recv(socket, &mut buffer[..], RecvFlags::DONTWAIT) {
            // Too much came at once: the next read tells it apart from nothing.
            Ok(_) | Err(rustix::io::Errno::NOBUFS) => {}
            Err(_) => return,
        }
    }
}
