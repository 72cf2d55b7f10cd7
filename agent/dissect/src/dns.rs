//! DNS messages (RFC 1035, section 4): the names asked for, and what the answers say.

mod answer;
mod service;

use crate::reader::Reader;

pub(crate) use answer::answer;

/// Questions that are read of one message; real ones have one.
const MAX_QUESTIONS: u16 = 8;
/// Pointers followed in one name. They should point backwards, but not all writers know; this ends loops.
const MAX_POINTERS: u32 = 16;
/// RFC 1035, section 2.3.4.
const MAX_NAME: usize = 255;
/// RFC 1035, section 4.1.1.
const HEADER: usize = 12;

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The question section, questions for the root left out.
    Query(Vec<Question>),
    /// An answer: [`answer`] reads it.
    Response,
    /// No DNS.
    NotDns,
}

/// One question of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The message's id.
    pub(crate) id: u16,
    /// The name asked for.
    pub(crate) name: Box<str>,
    /// The type of record asked for.
    pub(crate) kind: u16,
}

/// Reads one message. Standard queries only: notifications and updates ask for nothing.
pub(crate) fn parse(message: &[u8]) -> Message {
    let mut reader = Reader::new(message);
    let (Some(_), Some(flags), Some(asked), Some(_), Some(_), Some(_)) =
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
    let mut found = Vec::new();
    let mut at = HEADER;
    for _ in 0..asked.min(MAX_QUESTIONS) {
        let Some((question, next)) = question(message, at) else { break };
        at = next;
        if !question.name.is_empty() {
            found.push(question);
        }
    }
    Message::Query(found)
}

/// The question at `at`, and where the next one begins. Without type and class behind it a name was not a question's.
fn question(message: &[u8], at: usize) -> Option<(Question, usize)> {
    let mut name = String::with_capacity(64);
    let len = name_into(message, at, &mut name)?;
    let mut reader = Reader::new(message.get(at + len..)?);
    let (kind, _class) = (reader.u16()?, reader.u16()?);
    let id = Reader::new(message).u16()?;
    Some((Question { id, name: name.into_boxed_str(), kind }, at + len + 4))
}

/// A DNSCrypt client's question for its resolver's certificate: the one query in the clear that goes to the resolver's own
/// port (DNSCrypt version 2 protocol specification, section 9).
pub(crate) fn is_certificate_query(message: &[u8]) -> bool {
    const CERTIFICATE: &[u8] = b"\x012\x0ddnscrypt-cert";
    message.get(2..12).is_some_and(|header| header[0] & 0xf8 == 0 && header[2..8] == [0, 1, 0, 0, 0, 0])
        && message[12..].starts_with(CERTIFICATE)
}

/// A query on a port that says nothing: one question of a usual type for a host's name, and nothing else but what EDNS
/// adds. Other protocols begin with the same twelve bytes (NetBIOS), or may by chance.
pub(crate) fn is_query_of_a_host(message: &[u8]) -> bool {
    // A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, NAPTR, DS, DNSKEY, SVCB, HTTPS, ANY, CAA.
    const KINDS: [u16; 16] = [1, 2, 5, 6, 12, 15, 16, 28, 33, 35, 43, 48, 64, 65, 255, 257];
    const OPT: &[u8] = &[0, 0, 41];
    let [_, _, 0 | 1, flags, 0, 1, 0, 0, 0, 0, 0, additional @ (0 | 1), rest @ ..] = message else {
        return false;
    };
    let mut reader = Reader::new(rest);
    let mut labels = 0;
    loop {
        match reader.vec8() {
            Some([]) => break,
            Some(label)
                if label.len() < 64
                    && label.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)) =>
            {
                labels += 1;
            }
            _ => return false,
        }
    }
    let (kind, class) = (reader.u16(), reader.u16());
    let ends = if *additional == 0 { reader.is_empty() } else { reader.rest().starts_with(OPT) };
    // Of the flags a query may have: authentic data, checking disabled (RFC 4035, section 3.1.6).
    flags & !0x30 == 0
        && labels > 1
        && rest.len() - reader.rest().len() <= MAX_NAME + 4
        && kind.is_some_and(|kind| KINDS.contains(&kind))
        && class == Some(1)
        && ends
}

/// Reads the name at `at` into `name`; returns how many bytes it takes there.
pub(crate) fn name_into(message: &[u8], at: usize, name: &mut String) -> Option<usize> {
    name.clear();
    let mut wire_len = 0;
    let mut position = at;
    let mut pointers = 0;
    let mut taken = None;
    loop {
        let len = *message.get(position)?;
        match len >> 6 {
            0 if len == 0 => return Some(taken.unwrap_or_else(|| position + 1 - at)),
            0 => {
                let label = message.get(position + 1..position + 1 + usize::from(len))?;
                wire_len += label.len() + 1;
                if wire_len > MAX_NAME {
                    return None;
                }
                if !name.is_empty() {
                    name.push('.');
                }
                push_label(name, label);
                position += 1 + label.len();
            }
            3 => {
                let target = usize::from(len & 0x3f) << 8 | usize::from(*message.get(position + 1)?);
                taken.get_or_insert_with(|| position + 2 - at);
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

/// How many bytes the name at the front takes there; pointers are not followed.
fn name_len(bytes: &[u8]) -> Option<usize> {
    let mut reader = Reader::new(bytes);
    loop {
        let len = reader.u8()?;
        match len >> 6 {
            0 if len == 0 => break,
            0 => reader.take(usize::from(len)).map(drop)?,
            3 => {
                reader.u8()?;
                break;
            }
            _ => return None,
        }
    }
    Some(bytes.len() - reader.rest().len())
}

/// Lower case; bytes that are no printable ASCII, and dots and backslashes within a label, as `\DDD` or `\.`
/// (RFC 1035, section 5.1).
fn push_label(name: &mut String, label: &[u8]) {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'.' | b'\\');
    if label.iter().all(plain)
        && let Ok(text) = std::str::from_utf8(label)
    {
        let start = name.len();
        name.push_str(text);
        name[start..].make_ascii_lowercase();
        return;
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::query;

    fn names(message: &[u8]) -> Vec<String> {
        match parse(message) {
            Message::Query(questions) => questions.into_iter().map(|question| question.name.into()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_name_asked_for_is_read_in_lower_case() {
        assert_eq!(names(&query("Api.Example.COM")), ["api.example.com"]);
    }

    #[test]
    fn every_prefix_of_a_query_names_nothing() {
        let message = query("api.example.com");
        for len in 0..message.len() {
            match parse(&message[..len]) {
                Message::NotDns => assert!(len < 12),
                Message::Query(found) => assert!(found.is_empty(), "at {len}: {found:?}"),
                Message::Response => panic!("at {len}"),
            }
        }
    }

    #[test]
    fn an_answer_is_no_query() {
        let mut message = query("api.example.com");
        message[2] |= 0x80;
        assert_eq!(parse(&message), Message::Response);
    }

    #[test]
    fn edns_behind_the_question_changes_nothing() {
        let mut message = query("api.example.com");
        message[11] = 1;
        message.extend([0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(names(&message), ["api.example.com"]);
    }

    #[test]
    fn compression_is_followed_and_its_loops_end() {
        let mut message = query("api.example.com");
        message[5] = 2;
        message.extend([1, b'b', 0xc0, 12, 0, 1, 0, 1]);
        assert_eq!(names(&message), ["api.example.com", "b.api.example.com"]);

        let header = &query("a")[..12];
        for pointers in [&[0xc0, 12][..], &[0xc0, 14, 0xc0, 12], &[1, b'a', 0xc0, 12], &[0xc0, 200]] {
            let message = [header, pointers, &[0, 1, 0, 1]].concat();
            assert_eq!(names(&message), [""; 0], "{pointers:?}");
        }
    }

    #[test]
    fn odd_bytes_are_written_as_numbers() {
        let mut message = query("axb.example");
        message[14] = 0;
        assert_eq!(names(&message), ["a\\000b.example"]);
        message[14] = b'.';
        assert_eq!(names(&message), ["a\\.b.example"]);
    }

    #[test]
    fn a_question_for_the_root_has_no_name() {
        assert_eq!(names(&[0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1]), [""; 0]);
    }

    #[test]
    fn a_query_on_any_port_has_to_be_one_in_every_byte() {
        let plain = query("a.example");
        let mut edns = plain.clone();
        edns[11] = 1;
        edns.extend([0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0]);
        assert!(is_query_of_a_host(&plain) && is_query_of_a_host(&edns));
        for len in 0..plain.len() {
            assert!(!is_query_of_a_host(&plain[..len]));
        }
        assert!(!is_query_of_a_host(&[&plain[..], &[0]].concat()));
        assert!(!is_query_of_a_host(&query("host")), "as of NetBIOS");
        for (at, bits) in
            [(2, 0x80), (2, 0x08), (3, 0x80), (5, 2), (7, 1), (14, 0x80), (plain.len() - 3, 0x08)]
        {
            let mut other = plain.clone();
            other[at] ^= bits;
            assert!(!is_query_of_a_host(&other), "at {at}");
        }
    }

    #[test]
    fn a_certificate_query_is_told_from_others() {
        assert!(is_certificate_query(&query("2.dnscrypt-cert.example.com")));
        assert!(!is_certificate_query(&query("3.dnscrypt-cert.example.com")));
    }
}
