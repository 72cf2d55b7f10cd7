//! Which ports a process listens on, of those that reach loopback.
//!
//! A socket bound to every address (`0.0.0.0`, `[::]`) reaches loopback too and counts; one bound to another address of this
//! machine does not, and is never contacted. The tables are those of our own network namespace: a server in another one,
//! as in most containers, has no port of ours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::scan::safe::Dir;

/// How much of a socket table is read, in bytes.
const TABLE_BYTES: u64 = 4 * 1024 * 1024;
/// Most open files of one process looked at.
const DESCRIPTORS: usize = 4096;
/// Most listening sockets of one process.
const PORTS: usize = 32;
/// State of a listening socket in `/proc/net/tcp` (`TCP_LISTEN`, include/net/tcp_states.h).
const LISTEN: &str = "0A";

/// A listening socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scan) struct Listening {
    inode: u64,
    /// What it is bound to.
    pub(super) bound: SocketAddr,
}

impl Listening {
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

/// Sockets of `process` that listen and reach loopback, as they are at this moment.
pub(super) fn of_process(proc: &Dir, process: &Dir) -> Vec<Listening> {
    let listening = all(proc);
    let mut own = Vec::new();
    let Ok((entries, _)) = process.dir("fd").and_then(|folder| folder.entries()) else { return own };
    let Ok(folder) = process.dir("fd") else { return own };
    for entry in entries.iter().take(DESCRIPTORS) {
        let inode = folder.link(&entry.name).ok().and_then(|target| {
            target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()
        });
        own.extend(listening.iter().filter(|socket| Some(socket.inode) == inode));
    }
    own.sort_unstable_by_key(|socket| (socket.bound, socket.inode));
    own.dedup_by_key(|socket| socket.bound);
    own.truncate(PORTS);
    own
}

fn all(proc: &Dir) -> Vec<Listening> {
    let mut sockets = Vec::new();
    let Ok(folder) = proc.dir(format!("{}/net", std::process::id())) else { return sockets };
    for table in ["tcp", "tcp6"] {
        let bytes = folder.head(table).and_then(|file| super::read_up_to(file.reader(TABLE_BYTES)));
        sockets.extend(parse(&bytes.unwrap_or_default()));
    }
    sockets
}

/// The listening sockets of a table that reach loopback.
pub(in crate::scan) fn parse(table: &[u8]) -> Vec<Listening> {
    String::from_utf8_lossy(table).lines().skip(1).filter_map(row).collect()
}

/// A row of a socket table: `sl local_address rem_address st … inode`.
fn row(row: &str) -> Option<Listening> {
    let mut fields = row.split_whitespace().skip(1);
    let (address, port) = fields.next()?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok().filter(|port| *port > 0)?;
    if fields.nth(1)? != LISTEN {
        return None;
    }
    let inode = fields.nth(5)?.parse().ok()?;
    let ip = ip(address)?;
    let reaches = ip.is_loopback() || ip.is_unspecified();
    reaches.then_some(Listening { inode, bound: SocketAddr::new(ip, port) })
}

/// The bytes of an address stand in words of four, each printed as the number that it is on this machine.
fn ip(text: &str) -> Option<IpAddr> {
    if !text.is_ascii() {
        return None;
    }
    let word = |at: usize| Some(u32::from_str_radix(text.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match text.len() {
        8 => Some(IpAddr::V4(word(0)?.into())),
        32 => {
            let mut bytes = [0; 16];
            for (part, at) in bytes.as_chunks_mut::<4>().0.iter_mut().zip([0, 8, 16, 24]) {
                *part = word(at)?;
            }
            // `::ffff:127.0.0.1` is how a socket of both families is bound to IPv4 loopback.
            Some(Ipv6Addr::from(bytes).to_canonical())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Linux 6.1 prints it.
    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2CAA 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41234 1 0000000000000000 100 0 0 10 0
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41235 1 0000000000000000 100 0 0 10 0
   2: 0A00000A:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41236 1 0000000000000000 100 0 0 10 0
   3: 0100007F:2CAA 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 41237 1 0000000000000000 20 4 30 10 -1
";
    const TABLE6: &str = "  sl  local_address                         remote_address                        st
   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 5 1 0
   1: 00000000000000000000000000000000:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 6 1 0
   2: 0000000000000000FFFF00000100007F:1F92 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 7 1 0
   3: B80D0120000000000000000001000000:1F93 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 8 1 0
";

    #[test]
    fn only_what_listens_and_reaches_loopback_counts() {
        let found = [parse(TABLE.as_bytes()), parse(TABLE6.as_bytes())].concat();
        let shown: Vec<_> = found
            .iter()
            .map(|socket| (socket.inode, socket.bound.to_string(), socket.loopback().to_string()))
            .collect();
        let expected = [
            (41234, "127.0.0.1:11434", "127.0.0.1:11434"),
            (41235, "0.0.0.0:8080", "127.0.0.1:8080"),
            (5, "[::1]:8080", "[::1]:8080"),
            (6, "[::]:8081", "[::1]:8081"),
            (7, "127.0.0.1:8082", "127.0.0.1:8082"),
        ];
        let expected: Vec<_> =
            expected.map(|(inode, bound, reached)| (inode, bound.to_owned(), reached.to_owned())).into();
        assert_eq!(shown, expected);
        assert!(found[0].is_private() && !found[1].is_private());
    }

    #[test]
    fn every_prefix_of_a_table_is_read() {
        for table in [TABLE, TABLE6] {
            for end in 0..table.len() {
                parse(&table.as_bytes()[..end]);
            }
        }
        assert_eq!(parse("x\nä: äääääääa:0000 x 0A".as_bytes()), []);
    }
}
