//! Ports on which a process listens, of those that reach loopback.
//!
//! A socket bound to every address (`0.0.0.0`, `[::]`) reaches loopback too and counts; one bound to another address of this
//! machine does not, and is never contacted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::scan::safe::Trouble;

/// Most listening sockets of one process.
pub(super) const PORTS: usize = 32;

/// A listening socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scan) struct Listening {
    /// What it is bound to.
    pub(super) bound: SocketAddr,
}

impl Listening {
    /// A socket that is bound so, if it reaches loopback.
    pub(super) fn at(ip: IpAddr, port: u16) -> Option<Self> {
        // `::ffff:127.0.0.1` is how a socket of both families is bound to IPv4 loopback.
        let ip = ip.to_canonical();
        let reaches = port > 0 && (ip.is_loopback() || ip.is_unspecified());
        reaches.then_some(Self { bound: SocketAddr::new(ip, port) })
    }

    /// Where it is reached from this machine.
    pub(super) fn loopback(self) -> SocketAddr {
        let ip = match self.bound.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        SocketAddr::new(ip, self.bound.port())
    }

    /// Whether only this machine reaches it.
    pub(super) fn is_private(self) -> bool {
        self.bound.ip().is_loopback()
    }
}

/// The sockets of one process, each once and [`PORTS`] at most, and whether that is all.
pub(super) fn of_one(mut sockets: Vec<Listening>) -> (Vec<Listening>, Option<Trouble>) {
    sockets.sort_unstable();
    sockets.dedup();
    let over = (sockets.len() > PORTS).then_some(Trouble::TooLarge);
    sockets.truncate(PORTS);
    (sockets, over)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_loopback_is_told_from_what_does_not() {
        let at = |ip: &str| Listening::at(ip.parse().unwrap(), 80);
        for (ip, reached, private) in [
            ("127.0.0.1", "127.0.0.1:80", true),
            ("127.8.0.1", "127.8.0.1:80", true),
            ("0.0.0.0", "127.0.0.1:80", false),
            ("::", "[::1]:80", false),
            ("::ffff:127.0.0.1", "127.0.0.1:80", true),
        ] {
            let socket = at(ip).unwrap();
            assert_eq!((socket.loopback().to_string(), socket.is_private()), (reached.to_owned(), private));
        }
        assert!(["10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1"].iter().all(|ip| at(ip).is_none()));
        assert_eq!(Listening::at(Ipv4Addr::LOCALHOST.into(), 0), None);
    }

    #[test]
    fn more_ports_than_are_kept_are_not_all() {
        let ports =
            |count: u16| (1..=count).filter_map(|port| Listening::at(Ipv4Addr::LOCALHOST.into(), port));
        let twice = ports(32).chain(ports(32)).collect();
        assert_eq!(of_one(twice), (ports(32).collect(), None));
        assert_eq!(of_one(ports(33).collect()), (ports(32).collect(), Some(Trouble::TooLarge)));
    }
}
