//! The pcap format: a header of 24 bytes, then packets, each behind a header of its own.

use std::io::Read;

use umbrascope_dissect::{LinkType, Timestamp};

use super::input::Input;
use super::{CaptureError, Frame, MAX_PACKET_BYTES, Order};

const FILE_HEADER: usize = 24;
/// Bytes looked at to tell how long record headers are.
const LOOKED_AT: usize = 16 * 1024;

/// How the records of one file look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Classic {
    order: Order,
    nanoseconds: bool,
    /// Length of a record's header.
    record_header: usize,
    link: LinkType,
}

impl Classic {
    /// Reads the file's header.
    pub(super) fn open<R: Read>(input: &mut Input<R>) -> Result<Self, CaptureError> {
        let Some(header) = input.peek(FILE_HEADER)? else {
            return Err(input.trouble().unwrap_or(CaptureError::NotACapture));
        };
        let magic = [header[0], header[1], header[2], header[3]];
        let (order, nanoseconds, record_headers) = kind(magic).ok_or(CaptureError::NotACapture)?;
        let number = order.u32(header, 20);
        let link = LinkType::from_dlt(number).ok_or(CaptureError::UnknownLink(number))?;
        input.consume(FILE_HEADER);
        // Fewer bytes are a short file, which serves as well.
        input.peek(LOOKED_AT)?;
        let record_header = record_header(order, nanoseconds, record_headers, input.window());
        Ok(Classic { order, nanoseconds, record_header, link })
    }

    /// The next frame.
    #[inline]
    pub(super) fn frame<'i, R: Read>(
        self,
        input: &'i mut Input<R>,
    ) -> Result<Option<Frame<'i>>, CaptureError> {
        let offset = input.offset();
        let Some(header) = input.peek(self.record_header)? else {
            return input.end(offset).map(|()| None);
        };
        let (seconds, fraction) =
            (u64::from(self.order.u32(header, 0)), u64::from(self.order.u32(header, 4)));
        let len = self.order.u32(header, 8) as usize;
        if len > MAX_PACKET_BYTES {
            return Err(CaptureError::Damaged {
                offset,
                what: "a packet header that claims more than 262,144 bytes",
            });
        }
        let micros = if self.nanoseconds { fraction / 1000 } else { fraction };
        let at = Timestamp(seconds * 1_000_000 + micros);
        let total = self.record_header + len;
        if input.peek(total)?.is_none() {
            let bytes = input.cut_short(offset, self.record_header, len)?;
            return Ok(Some(Frame { at, link: self.link, bytes }));
        }
        input.consume(total);
        Ok(Some(Frame { at, link: self.link, bytes: input.consumed(len, len) }))
    }
}

/// Byte order, whether fractions are nanoseconds, and the lengths that a record's header may have.
///
/// Patched writers of old made the record's header longer without always saying so in the file's: Nokia's by 4 bytes,
/// Red Hat 6.1's by 8, both under the standard magic; under a magic of their own, Alexey Kuznetzov's by 8 and SuSE
/// 6.3's by 12.
fn kind(magic: [u8; 4]) -> Option<(Order, bool, &'static [usize])> {
    let read = |order, magic| -> Option<(Order, bool, &'static [usize])> {
        match magic {
            0xa1b2_c3d4 => Some((order, false, &[16, 20, 24])),
            0xa1b2_3c4d => Some((order, true, &[16])),
            0xa1b2_cd34 => Some((order, false, &[24, 28])),
            _ => None,
        }
    };
    read(Order::Little, u32::from_le_bytes(magic)).or_else(|| read(Order::Big, u32::from_be_bytes(magic)))
}

/// The length with which the most of the file's first records make sense; in doubt the usual one.
fn record_header(order: Order, nanoseconds: bool, lengths: &[usize], records: &[u8]) -> usize {
    let most = lengths.iter().rev().max_by_key(|&&length| sensible(order, nanoseconds, length, records));
    most.copied().unwrap_or(lengths[0])
}

/// How many of the first records, three at most, say what a real one does: a fraction below a second, a length that
/// is no longer than the packet was, and a time not far from the one before.
fn sensible(order: Order, nanoseconds: bool, record_header: usize, mut records: &[u8]) -> usize {
    const FAR_S: u32 = 30 * 24 * 3600;
    let second = if nanoseconds { 1_000_000_000 } else { 1_000_000 };
    let mut before = None;
    let mut count = 0;
    while count < 3 && records.len() >= record_header {
        let [seconds, fraction, len, original] = [0, 4, 8, 12].map(|at| order.u32(records, at));
        let near = before.is_none_or(|before: u32| before.abs_diff(seconds) < FAR_S);
        if !near || fraction >= second || len > original || len as usize > MAX_PACKET_BYTES {
            break;
        }
        before = Some(seconds);
        count += 1;
        records = records.get(record_header + len as usize..).unwrap_or_default();
    }
    count
}
