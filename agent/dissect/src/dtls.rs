//! DTLS records (RFC 6347, section 4.1) with a ClientHello in the clear.

use crate::reader::Reader;

/// A piece of a ClientHello body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// The body's length.
    pub(crate) total: usize,
    pub(crate) message_seq: u16,
    pub(crate) offset: usize,
    pub(crate) bytes: &'a [u8],
}

/// The datagram may begin with a DTLS handshake record of epoch 0.
#[inline]
pub(crate) fn may_start(datagram: &[u8]) -> bool {
    matches!(datagram, [22, 0xfe, 0xfd..=0xff, 0, 0, ..])
}

/// What stands behind the header that CAPWAP puts in front of DTLS records: a one and three reserved bytes (RFC 5415,
/// section 4.2).
#[inline]
pub(crate) fn behind_capwap(datagram: &[u8]) -> Option<&[u8]> {
    match datagram {
        [1, _, _, _, rest @ ..] if may_start(rest) => Some(rest),
        _ => None,
    }
}

/// The pieces of ClientHello messages in a datagram, which may hold several records, which may hold several pieces.
pub(crate) fn pieces(datagram: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let mut records = Reader::new(datagram);
    let mut messages = Reader::new(&[]);
    std::iter::from_fn(move || {
        loop {
            match piece(&mut messages) {
                Some(Some(piece)) => return Some(piece),
                Some(None) => continue,
                None => {}
            }
            if !may_start(records.rest()) {
                return None;
            }
            records.take(11)?;
            messages = Reader::new(records.vec16()?);
        }
    })
}

/// The next piece of a record, `Some(None)` where it is none of a ClientHello; `None` at the record's end.
fn piece<'a>(reader: &mut Reader<'a>) -> Option<Option<Piece<'a>>> {
    let kind = reader.u8()?;
    let total = reader.u24()?;
    let message_seq = reader.u16()?;
    let offset = reader.u24()?;
    let len = reader.u24()?;
    let bytes = reader.take(len)?;
    let sound = kind == 1 && offset + len <= total && total <= crate::hello::MAX_HELLO;
    Some(sound.then_some(Piece { total, message_seq, offset, bytes }))
}

#[cfg(test)]
mod tests {
    use crate::Channel;
    use crate::testing::{Bench, hello_of, server_name, udp};

    /// A DTLS 1.2 hello body: the TLS one with another version and an empty cookie.
    fn body(name: &str) -> Vec<u8> {
        let mut body = hello_of(&[server_name(name)])[4..].to_vec();
        body[..2].copy_from_slice(&[0xfe, 0xfd]);
        body.insert(2 + 32 + 1 + 32, 0);
        body
    }

    fn record(body: &[u8], from: usize, to: usize) -> Vec<u8> {
        let u24 = |value: usize| (value as u32).to_be_bytes()[1..].to_vec();
        let message =
            [vec![1], u24(body.len()), vec![0, 0], u24(from), u24(to - from), body[from..to].to_vec()]
                .concat();
        [&[22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0][..], &(message.len() as u16).to_be_bytes(), &message]
            .concat()
    }

    fn seen(datagrams: &[Vec<u8>]) -> Vec<(Channel, String)> {
        let mut bench = Bench::new();
        for datagram in datagrams {
            bench.packet(&udp(50000, 4433, datagram));
        }
        bench.seen()
    }

    #[test]
    fn a_hello_is_found_whole_and_in_fragments_of_any_order() {
        let body = body("dtls.example");
        let end = body.len();
        let expected = [(Channel::Dtls, "dtls.example".to_owned())];
        assert_eq!(seen(&[record(&body, 0, end)]), expected);
        assert_eq!(seen(&[record(&body, 50, end), record(&body, 0, 50)]), expected);
        assert_eq!(seen(&[[record(&body, 50, end), record(&body, 0, 50)].concat()]), expected);
        assert_eq!(seen(&[record(&body, 50, end)]), []);
        let mut one = [record(&body, 50, end), record(&body, 0, 50)[13..].to_vec()].concat();
        let len = (one.len() as u16 - 13).to_be_bytes();
        one[11..13].copy_from_slice(&len);
        assert_eq!(seen(&[one]), expected, "both in one record");
    }

    #[test]
    fn every_prefix_is_survived_and_names_nothing() {
        let body = body("dtls.example");
        let datagram = record(&body, 0, body.len());
        for len in 0..datagram.len() {
            assert_eq!(seen(&[datagram[..len].to_vec()]), [], "at {len}");
        }
    }

    #[test]
    fn a_hello_between_an_access_point_and_its_controller_is_found_on_their_ports_alone() {
        let body = body("controller.example");
        let datagram = [&[1, 0, 0, 0][..], &record(&body, 0, body.len())].concat();
        let seen_on = |port| {
            let mut bench = Bench::new();
            bench.packet(&udp(50000, port, &datagram));
            bench.seen()
        };
        assert_eq!(seen_on(5246), [(Channel::Dtls, "controller.example".to_owned())]);
        assert_eq!(seen_on(4433), []);
    }
}
