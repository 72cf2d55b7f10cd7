//! DNS messages (RFC 1035, section 4): the names asked for.

use crate::reader::Reader;

/// Questions that are read of one message; real ones have one.
const MAX_QUESTIONS: u16 = 8;
/// Pointers followed in one name. They should point backwards, but not all writers know; this ends loops.
const MAX_POINTERS: u32 = 16;
/// RFC 1035, section 2.3.4.
const MAX_NAME: usize = 255;

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The names of the question section, the root left out.
    Query(Vec<Box<str>>),
    /// An answer.
    Response,
    /// No DNS.
    NotDns,
}

/// Reads one message. Standard queries only: notifications and updates ask for nothing.
pub(crate) fn parse(message: &[u8]) -> Message {
    let mut reader = Reader::new(message);
    let (Some(_), Some(flags), Some(questions), Some(_), Some(_), Some(_)) =
        (reader.u16(), reader.u16(), reader.u16(), reader.u16(), reader.u16(), reader.u16())
    else {
        return Message::NotDns;
    };
    if flags & 0x8000 != 0 {
        return Message::Response;
    }
    let opcode = flags >> 11 & 0xf;
    if opcode > 6 {
        return Message::NotDns;
    }
    let mut names = Vec::new();
    for _ in 0..questions.min(MAX_QUESTIONS) {
        let at = message.len() - reader.rest().len();
        let Some((name, len)) = name(message, at) else { break };
        // Type and class follow; without them the name was not a question's.
        if reader.take(len + 4).is_none() {
            break;
        }
        if !name.is_empty() {
            names.push(name);
        }
    }
    Message::Query(names)
}

/// A DNSCrypt client's question for its resolver's certificate: the one query in the clear that goes to the resolver's own
/// port (DNSCrypt version 2 protocol specification, section 9).
pub(crate) fn is_certificate_query(message: &[u8]) -> bool {
    const CERTIFICATE: &[u8] = b"\x012\x0ddnscrypt-cert";
    message.get(2..12).is_some_and(|header| header[0] & 0xf8 == 0 && header[2..8] == [0, 1, 0, 0, 0, 0])
        && message[12..].starts_with(CERTIFICATE)
}

/// The name at `at` and how many bytes it takes there.
fn name(message: &[u8], at: usize) -> Option<(Box<str>, usize)> {
    let mut name = String::new();
    let mut wire_len = 0;
    let mut position = at;
    let mut pointers = 0;
    let mut taken = None;
    loop {
        let len = *message.get(position)?;
        match len >> 6 {
            0 if len == 0 => {
                let end = taken.unwrap_or(position + 1 - at);
                return Some((name.into_boxed_str(), end));
            }
            0 => {
                let label = message.get(position + 1..position + 1 + usize::from(len))?;
                wire_len += label.len() + 1;
                if wire_len > MAX_NAME {
                    return None;
                }
                if !name.is_empty() {
                    name.push('.');
                }
                push_label(&mut name, label);
                position += 1 + label.len();
            }
            3 => {
                let target = usize::from(len & 0x3f) << 8 | usize::from(*message.get(position + 1)?);
                taken.get_or_insert(position + 2 - at);
                pointers += 1;
                if pointers > MAX_POINTERS {
                    return None;
                }
                position = target;
            }
            _ => return None, // label types that never came into use (RFC 6891, section 5)
        }
    }
}

/// Lower case; bytes that are no printable ASCII, and dots and backslashes within a label, as `\DDD` or `\.`
/// (RFC 1035, section 5.1).
fn push_label(name: &mut String, label: &[u8]) {
    for &byte in label {
        match byte {
            b'.' | b'\\' => name.extend(['\\', char::from(byte)]),
            byte if byte.is_ascii_graphic() => name.push(char::from(byte.to_ascii_lowercase())),
            byte => {
                name.push('\\');
                name.extend([byte / 100, byte / 10 % 10, byte % 10].map(|digit| char::from(b'0' + digit)));
            }
        }
    }
}
