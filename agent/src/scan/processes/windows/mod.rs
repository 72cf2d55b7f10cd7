//! Processes of Windows. What its calls give is read here, as if anybody had written it; the calls are beside.

#[cfg(windows)]
mod calls;
#[cfg(windows)]
mod system;

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Listening, WORDS};

#[cfg(windows)]
pub(in crate::scan) use system::Windows;

/// A path as Windows writes it, with `/` and without the prefix that lets it be long.
fn path(text: &str) -> String {
    text.strip_prefix(r"\\?\").unwrap_or(text).replace('\\', "/")
}

/// The first words of a command line, as programs take it apart (the rules of `CommandLineToArgvW`), paths with `/`.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    // The first word is the program's name, in which a backslash is nothing but itself.
    let (first, mut rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => line.split_once([' ', '\t']).unwrap_or((line, "")),
    };
    words.push(path(first));
    while words.len() < WORDS {
        rest = rest.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            break;
        }
        let (word, after) = word(rest);
        words.push(path(&word));
        rest = after;
    }
    words
}

/// The word that a text begins with, and what follows it.
fn word(text: &str) -> (String, &str) {
    let mut word = String::new();
    let (mut quoted, mut backslashes) = (false, 0_usize);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                backslashes += 1;
                word.push(c);
            }
            '"' => {
                // Before a quote two backslashes are one, and an odd one makes it a letter.
                word.truncate(word.len() - backslashes.div_ceil(2));
                let letter = backslashes % 2 == 1;
                if letter || (quoted && chars.next_if(|(_, next)| *next == '"').is_some()) {
                    word.push('"');
                } else {
                    quoted = !quoted;
                }
                backslashes = 0;
            }
            ' ' | '\t' if !quoted => return (word, &text[at..]),
            _ => {
                backslashes = 0;
                word.push(c);
            }
        }
    }
    (word, "")
}

/// How a row of a table of listening sockets is laid out, in bytes: `MIB_TCPROW_OWNER_PID`, `MIB_TCP6ROW_OWNER_PID`.
#[derive(Debug, Clone, Copy)]
enum Family {
    V4,
    V6,
}

impl Family {
    const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// The sockets of a process in a table: how many rows, then the rows.
    fn ports(self, table: &[u8], pid: u32) -> Vec<Listening> {
        let Some((rows, table)) = table.split_first_chunk() else { return Vec::new() };
        let rows = usize::try_from(u32::from_le_bytes(*rows)).unwrap_or(usize::MAX);
        let (length, read) = match self {
            Self::V4 => (24, row4 as Row),
            Self::V6 => (56, row6 as Row),
        };
        table.chunks_exact(length).take(rows).filter_map(|row| read(row, pid)).collect()
    }
}

/// The socket in a row, if it is that process's.
type Row = fn(&[u8], u32) -> Option<Listening>;

/// State, local address and port, remote address and port, process.
fn row4(row: &[u8], pid: u32) -> Option<Listening> {
    let address: [u8; 4] = *row.get(4..)?.first_chunk()?;
    of(row, 20, pid).then(|| Listening::at(Ipv4Addr::from(address).into(), port(row, 8)?))?
}

/// Local address, its scope and port, remote address, its scope and port, state, process.
fn row6(row: &[u8], pid: u32) -> Option<Listening> {
    let address: [u8; 16] = *row.first_chunk()?;
    of(row, 52, pid).then(|| Listening::at(Ipv6Addr::from(address).into(), port(row, 20)?))?
}

fn of(row: &[u8], at: usize, pid: u32) -> bool {
    row.get(at..).and_then(<[u8]>::first_chunk).is_some_and(|owner| u32::from_le_bytes(*owner) == pid)
}

/// A number of four bytes, of which the first two hold the port as the network writes it.
fn port(row: &[u8], at: usize) -> Option<u16> {
    row.get(at..)?.first_chunk().copied().map(u16::from_be_bytes)
}

/// A command line, and a table of sockets, for [`super::super::parsers`].
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::scan) fn parse_any(bytes: &[u8]) {
    drop(words(&String::from_utf8_lossy(bytes)));
    for family in Family::ALL {
        drop(family.ports(bytes, 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_taken_apart_as_windows_does() {
        // The last five are examples of Microsoft's (`CommandLineToArgvW`, "Parsing C command-line arguments").
        for (line, expected) in [
            (
                r#""C:\Program Files\node.exe" -r x C:\a\b.js"#,
                &["C:/Program Files/node.exe", "-r", "x", "C:/a/b.js"][..],
            ),
            (r#"python   "C:\my scripts\a.py""#, &["python", "C:/my scripts/a.py"]),
            ("", &[""]),
            (r#"x "" a"#, &["x", "", "a"]),
            (r#"x "open"#, &["x", "open"]),
            (r#"x "abc" d e"#, &["x", "abc", "d", "e"]),
            (r#"x a\\\b d"e f"g h"#, &["x", "a///b", "de fg", "h"]),
            (r#"x a\\\"b c d"#, &["x", r#"a/"b"#, "c", "d"]),
            (r#"x a\\\\"b c" d e"#, &["x", "a//b c", "d", "e"]),
            (r#"x a"b"" c d"#, &["x", r#"ab" c d"#]),
        ] {
            assert_eq!(words(line), expected, "{line}");
        }
        assert_eq!(words(&"a ".repeat(100)).len(), WORDS);
        let hard = r#"ä "\\" \"ö\\\" ""#;
        for end in (0..=hard.len()).filter(|end| hard.is_char_boundary(*end)) {
            words(&hard[..end]);
        }
    }

    #[test]
    fn a_path_may_be_long() {
        assert_eq!(path(r"\\?\C:\Users\kim\x.exe"), "C:/Users/kim/x.exe");
        assert_eq!(path(r"\\server\share\x.exe"), "//server/share/x.exe");
    }

    fn shown(sockets: Vec<Listening>) -> Vec<String> {
        sockets.iter().map(|socket| socket.bound.to_string()).collect()
    }

    fn table4(rows: &[([u8; 4], u16, u32)]) -> Vec<u8> {
        let mut table = u32::try_from(rows.len()).unwrap().to_le_bytes().to_vec();
        for (address, port, pid) in rows {
            table.extend([2, 0, 0, 0]);
            table.extend(address);
            table.extend(port.to_be_bytes());
            // What stands behind a port is no part of it.
            table.extend([0xAA; 2 + 8]);
            table.extend(pid.to_le_bytes());
        }
        table
    }

    fn table6(rows: &[([u8; 16], u16, u32)]) -> Vec<u8> {
        let mut table = u32::try_from(rows.len()).unwrap().to_le_bytes().to_vec();
        for (address, port, pid) in rows {
            table.extend(address);
            table.extend([0; 4]);
            table.extend(port.to_be_bytes());
            table.extend([0xAA; 2 + 24 + 4]);
            table.extend(pid.to_le_bytes());
        }
        table
    }

    #[test]
    fn the_ports_of_one_process_are_those_that_reach_loopback() {
        let table = table4(&[
            ([127, 0, 0, 1], 11434, 7),
            ([0, 0, 0, 0], 8080, 7),
            ([10, 0, 0, 1], 8081, 7),
            ([127, 0, 0, 1], 80, 8),
        ]);
        assert_eq!(shown(Family::V4.ports(&table, 7)), ["127.0.0.1:11434", "0.0.0.0:8080"]);
        let local = Ipv6Addr::LOCALHOST.octets();
        let far = "2001:db8::1".parse::<Ipv6Addr>().unwrap().octets();
        let table = table6(&[(local, 11434, 7), (far, 8080, 7), ([0; 16], 8081, 7), (local, 80, 8)]);
        assert_eq!(shown(Family::V6.ports(&table, 7)), ["[::1]:11434", "[::]:8081"]);
    }

    /// As another writer lays them out, the `iphlpapi.dll` of wine 8, which says of each socket that it is process 0's.
    #[test]
    fn tables_of_the_system_are_read() {
        let bytes = |hex: &str| -> Vec<u8> {
            hex.as_bytes()
                .as_chunks::<2>()
                .0
                .iter()
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect()
        };
        let v4 = bytes(concat!(
            "03000000",
            "020000000000000007e80000000000000000000000000000",
            "020000007f0000012caa0000000000000000000000000000",
            "020000007f0000016db00000000000000000000000000000",
        ));
        let v6 = bytes(concat!(
            "01000000",
            "00000000000000000000000000000001001000001f900000",
            "0000000000000000000000000000000000000000000000000200000000000000",
        ));
        assert_eq!(shown(Family::V4.ports(&v4, 0)), ["0.0.0.0:2024", "127.0.0.1:11434", "127.0.0.1:28080"]);
        assert_eq!(shown(Family::V6.ports(&v6, 0)), ["[::1]:8080"]);
        assert!(Family::V4.ports(&v4, 7).is_empty() && Family::V6.ports(&v6, 7).is_empty());
    }

    #[test]
    fn every_prefix_of_a_table_is_read_and_a_row_that_is_not_there_is_none() {
        let mut table = table4(&[([127, 0, 0, 1], 80, 7); 3]);
        for family in Family::ALL {
            for end in 0..table.len() {
                assert!(family.ports(&table[..end], 7).len() < 3);
            }
        }
        table[0] = 0xFF;
        assert_eq!(Family::V4.ports(&table, 7).len(), 3);
        table[0] = 1;
        assert_eq!(Family::V4.ports(&table, 7).len(), 1);
    }
}
