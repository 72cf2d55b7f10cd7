//! Which ports a process listens on. The tables are those of our own network namespace: a server in another one, as in most
//! containers, has no port of ours.

use std::net::{IpAddr, Ipv6Addr};

use super::super::All;
use super::super::sockets::{self, Listening};
use crate::scan::safe::{Dir, Trouble};

/// How much of a socket table is read, in bytes.
const TABLE_BYTES: u64 = 4 * 1024 * 1024;
/// Most open files of one process looked at.
const DESCRIPTORS: usize = 4096;
/// State of a listening socket in `/proc/net/tcp` (`TCP_LISTEN`, include/net/tcp_states.h).
const LISTEN: &str = "0A";

/// A listening socket of any process.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::scan) struct Socket {
    inode: u64,
    at: Listening,
}

/// Sockets of `process` that listen and reach loopback, as they are at this moment. A process that has ended has none.
pub(super) fn of_process(proc: &Dir, process: &Dir) -> All<Listening> {
    let (listening, cut) = all(proc)?;
    let listed = process.dir("fd").and_then(|folder| Ok((folder.entries()?, folder)));
    let ((entries, trouble), folder) = match listed {
        Err(Trouble::Absent) => return Ok((Vec::new(), None)),
        listed => listed?,
    };
    let over = (entries.len() > DESCRIPTORS).then_some(Trouble::TooLarge);
    let mut own = Vec::new();
    for entry in entries.iter().take(DESCRIPTORS) {
        let inode = folder.link(&entry.name).ok().and_then(|target| {
            target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()
        });
        own.extend(listening.iter().filter(|socket| Some(socket.inode) == inode).map(|socket| socket.at));
    }
    let (own, more) = sockets::of_one(own);
    Ok((own, cut.or(trouble).or(over).or(more)))
}

fn all(proc: &Dir) -> All<Socket> {
    let mut sockets = Vec::new();
    let mut cut = None;
    let folder = proc.dir(format!("{}/net", std::process::id()))?;
    for table in ["tcp", "tcp6"] {
        let bytes = match folder.head(table).and_then(|file| super::read_up_to(file.reader(TABLE_BYTES))) {
            // Without IPv6 there is no table of it.
            Err(Trouble::Absent) => continue,
            bytes => bytes?,
        };
        if bytes.len() as u64 == TABLE_BYTES {
            cut = Some(Trouble::TooLarge);
        }
        sockets.extend(parse(&bytes));
    }
    Ok((sockets, cut))
}

/// The listening sockets of a table that reach loopback.
pub(in crate::scan) fn parse(table: &[u8]) -> Vec<Socket> {
    String::from_utf8_lossy(table).lines().skip(1).filter_map(row).collect()
}

/// A row of a socket table: `sl local_address rem_address st … inode`.
fn row(row: &str) -> Option<Socket> {
    let mut fields = row.split_whitespace().skip(1);
    let (address, port) = fields.next()?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    if fields.nth(1)? != LISTEN {
        return None;
    }
    let inode = fields.nth(5)?.parse().ok()?;
    Some(Socket { inode, at: Listening::at(ip(address)?, port)? })
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
            Some(Ipv6Addr::from(bytes).into())
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
        let found = [TABLE, TABLE6].iter().flat_map(|table| parse(table.as_bytes()));
        let shown: Vec<_> = found
            .map(|socket| (socket.inode, socket.at.bound.to_string(), socket.at.loopback().to_string()))
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
