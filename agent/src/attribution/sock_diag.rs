//! From a flow to its socket, over the kernel's `sock_diag` netlink interface (linux/inet_diag.h).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use crate::ipc::message::Flow;

/// A socket of this network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Socket {
    /// Its inode, as `/proc/PID/fd` names it. Never 0.
    pub inode: u64,
    /// The user who made it.
    pub uid: u32,
    /// A number that no other socket ever has until the system starts anew.
    pub cookie: u64,
}

/// A connection to the kernel's socket diagnosis.
#[derive(Debug)]
pub struct Diagnosis {
    netlink: OwnedFd,
    sequence: u32,
}

impl Diagnosis {
    /// Opens it. Needs no capability.
    pub fn open() -> io::Result<Self> {
        let netlink = rustix::net::socket_with(
            AddressFamily::NETLINK,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            Some(netlink::SOCK_DIAG),
        )?;
        // The kernel answers at once; the bound is for the case that it never does.
        rustix::net::sockopt::set_socket_timeout(
            &netlink,
            rustix::net::sockopt::Timeout::Recv,
            Some(Duration::from_millis(100)),
        )?;
        Ok(Self { netlink, sequence: 0 })
    }

    /// The socket of the client's end of a flow.
    pub fn find(&mut self, flow: &Flow) -> Option<Socket> {
        let (client, server) = (canonical(flow.client), canonical(flow.server));
        let direct = if flow.udp {
            // For UDP the kernel looks the pair up as a packet that comes in would: source is the other side.
            self.ask(IPPROTO_UDP, server, client)
        } else {
            self.ask(IPPROTO_TCP, client, server)
        };
        // A dual-stack socket that is not connected is in the IPv6 table only.
        direct.or_else(|| match (flow.udp, client.ip(), server.ip()) {
            (true, IpAddr::V4(here), IpAddr::V4(there)) => self.ask(
                IPPROTO_UDP,
                SocketAddr::new(there.to_ipv6_mapped().into(), server.port()),
                SocketAddr::new(here.to_ipv6_mapped().into(), client.port()),
            ),
            _ => None,
        })
    }

    fn ask(&mut self, protocol: u8, source: SocketAddr, destination: SocketAddr) -> Option<Socket> {
        self.sequence = self.sequence.wrapping_add(1);
        let request = request(protocol, source, destination, self.sequence);
        let kernel = SocketAddrNetlink::new(0, 0);
        rustix::net::sendto(&self.netlink, &request, SendFlags::empty(), &kernel).ok()?;
        let mut buffer = [0; 4096];
        // An answer to an earlier question that came too late is read past, a few at most.
        for _ in 0..4 {
            let (_, length) = rustix::net::recv(&self.netlink, &mut buffer[..], RecvFlags::empty()).ok()?;
            match answer(buffer.get(..length)?, self.sequence) {
                Answer::Socket(socket) => return Some(socket),
                Answer::None => return None,
                Answer::Stale => {}
            }
        }
        None
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Socket(Socket),
    None,
    Stale,
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2`: 16 + 56 bytes, the address pair in network order.
fn request(protocol: u8, source: SocketAddr, destination: SocketAddr, sequence: u32) -> Vec<u8> {
    let mut message = Vec::with_capacity(72);
    message.extend_from_slice(&72u32.to_ne_bytes());
    message.extend_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend_from_slice(&NLM_F_REQUEST.to_ne_bytes());
    message.extend_from_slice(&sequence.to_ne_bytes());
    message.extend_from_slice(&0u32.to_ne_bytes());
    let family = if source.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    message.push(u8::try_from(family.as_raw()).unwrap_or_default());
    message.push(protocol);
    message.extend_from_slice(&[0, 0]);
    message.extend_from_slice(&u32::MAX.to_ne_bytes());
    message.extend_from_slice(&source.port().to_be_bytes());
    message.extend_from_slice(&destination.port().to_be_bytes());
    for address in [source.ip(), destination.ip()] {
        let mut field = [0; 16];
        match address {
            IpAddr::V4(v4) => field[..4].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => field = v6.octets(),
        }
        message.extend_from_slice(&field);
    }
    message.extend_from_slice(&0u32.to_ne_bytes());
    // No cookie: any socket of this pair.
    message.extend_from_slice(&[0xff; 8]);
    message
}

/// `struct nlmsghdr` and, unless it is an error, `struct inet_diag_msg`: user id and inode are its last two words, and its
/// cookie is the end of the socket's identity.
fn answer(message: &[u8], sequence: u32) -> Answer {
    let word =
        |at: usize| -> Option<u32> { Some(u32::from_ne_bytes(message.get(at..at + 4)?.try_into().ok()?)) };
    let Some(kind) = message.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes) else {
        return Answer::None;
    };
    if word(8) != Some(sequence) {
        return Answer::Stale;
    }
    if kind != SOCK_DIAG_BY_FAMILY {
        return Answer::None;
    }
    let cookie = word(16 + 44).zip(word(16 + 48)).map(|(low, high)| u64::from(high) << 32 | u64::from(low));
    match (word(16 + 64), word(16 + 68)) {
        // Inode 0: closed already (TIME_WAIT and such). The kernel then says user 0, who it may never have been.
        (Some(_), Some(0)) => Answer::None,
        (Some(uid), Some(inode)) => {
            Answer::Socket(Socket { uid, inode: inode.into(), cookie: cookie.unwrap_or_default() })
        }
        _ => Answer::None,
    }
}

/// IPv4 in IPv6 clothes is IPv4 on the wire and in the kernel's tables.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_cut_anywhere_is_no_socket() {
        let mut message = vec![0; 16 + 72];
        message[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        message[8..12].copy_from_slice(&7u32.to_ne_bytes());
        message[60..68].copy_from_slice(&(9u64 << 32 | 5).to_ne_bytes());
        message[80..84].copy_from_slice(&1000u32.to_ne_bytes());
        message[84..88].copy_from_slice(&4242u32.to_ne_bytes());
        assert_eq!(
            answer(&message, 7),
            Answer::Socket(Socket { inode: 4242, uid: 1000, cookie: 9 << 32 | 5 })
        );
        assert_eq!(answer(&message, 8), Answer::Stale);
        let mut closed = message.clone();
        closed[84..88].copy_from_slice(&0u32.to_ne_bytes());
        assert_eq!(answer(&closed, 7), Answer::None);
        for length in 0..message.len() {
            assert!(!matches!(answer(&message[..length], 7), Answer::Socket(_)), "{length}");
        }
    }
}
