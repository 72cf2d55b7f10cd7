//! Multicast DNS (RFC 6762): the name that a machine gives itself in what it announces.

use std::net::IpAddr;

use crate::dns;
use crate::reader::{Reader, be16};

/// Records of one message that are looked at.
const MAX_RECORDS: u32 = 64;
const A: u16 = 1;
const AAAA: u16 = 28;
const HEADER: usize = 12;

/// The host name that `sender` announces for its own address: of a record of it with its name in `.local`. What a machine
/// says of others (a sleep proxy, RFC 6762 section 20) is no name of its own.
pub(crate) fn announced(message: &[u8], sender: IpAddr) -> Option<Box<str>> {
    let flags = be16(message, 2)?;
    // A response without an error.
    if flags & 0x800f != 0x8000 {
        return None;
    }
    let counts = [be16(message, 6)?, be16(message, 8)?, be16(message, 10)?];
    let (mut at, mut name) = (HEADER, String::new());
    for _ in 0..be16(message, 4)?.min(8) {
        at += dns::name_into(message, at, &mut name)? + 4;
    }
    let records = counts.iter().map(|count| u32::from(*count)).sum::<u32>().min(MAX_RECORDS);
    for _ in 0..records {
        let owner_len = dns::name_into(message, at, &mut name)?;
        let mut record = Reader::new(message.get(at + owner_len..)?);
        let (kind, _class, lifetime, len) = (record.u16()?, record.u16()?, record.u32()?, record.u16()?);
        let data = record.take(usize::from(len))?;
        at = message.len() - record.rest().len();
        let address = match kind {
            A => <[u8; 4]>::try_from(data).ok().map(IpAddr::from),
            AAAA => <[u8; 16]>::try_from(data).ok().map(IpAddr::from),
            _ => None,
        };
        // A lifetime of 0 takes the record back (section 10.1).
        if address == Some(sender) && lifetime > 0 {
            return name.strip_suffix(".local").and_then(|label| super::host_name(label.as_bytes()));
        }
    }
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An announcement of an address under a name, behind a record of another kind.
    pub(crate) fn announcement(label: &str, address: [u8; 4]) -> Vec<u8> {
        let mut message = vec![0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0];
        message.push(u8::try_from(label.len()).unwrap());
        message.extend(label.as_bytes());
        message.extend(b"\x05local\x00");
        message.extend([0, 16, 0x80, 1, 0, 0, 0, 120, 0, 1, 0]);
        message.extend([0xc0, 12, 0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4]);
        message.extend(address);
        message
    }

    const SENDER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7));

    #[test]
    fn a_machine_is_called_what_it_calls_its_own_address() {
        let message = announcement("Desk-7", [10, 0, 0, 7]);
        assert_eq!(announced(&message, SENDER).as_deref(), Some("desk-7"));
        assert_eq!(announced(&message, [10, 0, 0, 8].into()), None, "somebody else's address");
    }

    #[test]
    fn a_record_that_is_taken_back_and_a_question_say_nothing() {
        let mut gone = announcement("desk-7", [10, 0, 0, 7]);
        let lifetime = gone.len() - 7;
        gone[lifetime] = 0;
        assert_eq!(announced(&gone, SENDER), None);
        let mut question = announcement("desk-7", [10, 0, 0, 7]);
        question[2] = 0;
        assert_eq!(announced(&question, SENDER), None);
    }

    #[test]
    fn every_prefix_says_nothing() {
        let message = announcement("desk-7", [10, 0, 0, 7]);
        for len in 0..message.len() {
            assert_eq!(announced(&message[..len], SENDER), None, "at {len}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_messages_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let message = [&[0, 0, 0x84, 0, 0, 1, 0, 9, 0, 9, 0, 9][..], &bytes].concat();
            announced(&message, SENDER);
        }
    }
}
