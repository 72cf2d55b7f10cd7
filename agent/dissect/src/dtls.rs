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

/// The pieces of ClientHello messages in a datagram.
pub(crate) fn pieces(datagram: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let mut reader = Reader::new(datagram);
    std::iter::from_fn(move || {
        loop {
            let record = Reader::new(reader.rest());
            if !may_start(record.rest()) {
                return None;
            }
            reader.take(11)?;
            if let Some(piece) = piece(reader.vec16()?) {
                return Some(piece);
            }
        }
    })
}

fn piece(record: &[u8]) -> Option<Piece<'_>> {
    let mut reader = Reader::new(record);
    if reader.u8()? != 1 {
        return None;
    }
    let total = reader.u24()?;
    let message_seq = reader.u16()?;
    let offset = reader.u24()?;
    let len = reader.u24()?;
    let bytes = reader.take(len)?;
    (offset + len <= total && total <= crate::hello::MAX_HELLO).then_some(Piece {
        total,
        message_seq,
        offset,
        bytes,
    })
}
