//! The pcapng format (draft-ietf-opsawg-pcapng): blocks, of which those with packets and those that describe
//! interfaces are read and all others skipped.

use std::io::Read;

use umbrascope_dissect::{LinkType, Timestamp};

use super::input::Input;
use super::{CaptureError, Frame, MAX_PACKET_BYTES, Order};

/// Longest block that is read whole. Longer ones hold no packet (secrets, name tables) and are skipped.
const MAX_BLOCK_BYTES: usize = MAX_PACKET_BYTES + 64 * 1024;

/// Interfaces of one section of a file.
const MAX_INTERFACES: usize = 64 * 1024;

pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
pub(super) const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
pub(super) const SIMPLE_PACKET: u32 = 3;
pub(super) const ENHANCED_PACKET: u32 = 6;

/// Type and length in front of a block; the length stands once more behind it.
const HEAD: usize = 8;
const TAIL: usize = 4;

/// What is known of the section being read.
#[derive(Debug)]
pub(super) struct Blocks {
    order: Order,
    interfaces: Vec<Interface>,
    skipped: u64,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: Option<LinkType>,
    snap_len: u32,
    /// Ticks a second.
    resolution: u64,
    offset_s: i64,
}

/// A packet in the body of its block.
struct Packet {
    interface: usize,
    ticks: u64,
    /// Where it begins in the body.
    from: usize,
    len: usize,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Blocks { order: Order::Little, interfaces: Vec::new(), skipped: 0 }
    }

    /// Frames left out because the link type of their interface is not read.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The next frame.
    pub(super) fn frame<'i, R: Read>(
        &mut self,
        input: &'i mut Input<R>,
    ) -> Result<Option<Frame<'i>>, CaptureError> {
        // The frame's place is found first and borrowed last: a loop cannot hand out what it may still refill.
        let (at, link, from, len) = loop {
            let offset = input.offset();
            let damaged = |what| CaptureError::Damaged { offset, what };
            let Some(head) = input.peek(HEAD + TAIL)? else {
                return input.end(offset).map(|()| None);
            };
            if head[..4] == SECTION_HEADER.to_be_bytes() {
                self.order = match [head[8], head[9], head[10], head[11]] {
                    [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
                    [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
                    _ => return Err(damaged("a section header without its magic")),
                };
                self.interfaces.clear();
            }
            let kind = self.order.u32(head, 0);
            let len = self.order.u32(head, 4) as usize;
            if len < HEAD + TAIL {
                return Err(damaged("a block shorter than its own header"));
            }
            // The length counts padding; files exist whose writer forgot that.
            let len = len.next_multiple_of(4);
            let wanted = matches!(kind, INTERFACE | ENHANCED_PACKET | SIMPLE_PACKET | OLD_PACKET);
            if !wanted {
                if !input.skip(len as u64)? {
                    return input.end_within(offset).map(|()| None);
                }
                continue;
            }
            if len > MAX_BLOCK_BYTES {
                return Err(damaged("a packet block longer than any packet"));
            }
            let whole = input.peek(len)?.is_some();
            // Of a block in whose middle the file ends, the body goes as far as the file.
            let body = &input.window()[HEAD..];
            let body = &body[..body.len().min(len - HEAD - TAIL)];
            if kind == INTERFACE {
                if !whole {
                    return input.end(offset).map(|()| None);
                }
                if body.len() < 8 || self.interfaces.len() >= MAX_INTERFACES {
                    return Err(damaged("an interface block that cannot be right"));
                }
                self.interfaces.push(interface(self.order, body));
                input.consume(len);
                continue;
            }
            let packet = packet(self.order, kind, body, len - HEAD - TAIL, &self.interfaces);
            let Some(packet) = packet else {
                if !whole {
                    return input.end(offset).map(|()| None);
                }
                return Err(damaged("a packet longer than its block"));
            };
            let Some(interface) = self.interfaces.get(packet.interface) else {
                return Err(damaged("a packet of an interface that was never described"));
            };
            let at = interface.time(packet.ticks);
            let Some(link) = interface.link else {
                self.skipped += 1;
                if !whole {
                    return input.end(offset).map(|()| None);
                }
                input.consume(len);
                continue;
            };
            if !whole {
                let bytes = input.cut_short(offset, HEAD + packet.from, packet.len)?;
                return Ok(Some(Frame { at, link, bytes }));
            }
            input.consume(len);
            break (at, link, len - HEAD - packet.from, packet.len);
        };
        Ok(Some(Frame { at, link, bytes: input.consumed(from, len) }))
    }
}

/// An interface description: its options tell the unit and the origin of its times.
fn interface(order: Order, body: &[u8]) -> Interface {
    const END: u16 = 0;
    const TIME_RESOLUTION: u16 = 9;
    const TIME_OFFSET: u16 = 14;
    let mut interface = Interface {
        link: LinkType::from_dlt(u32::from(order.u16(body, 0))),
        snap_len: order.u32(body, 4),
        resolution: 1_000_000,
        offset_s: 0,
    };
    let mut options = &body[8..];
    while options.len() >= 4 {
        let (code, len) = (order.u16(options, 0), usize::from(order.u16(options, 2)));
        let Some(value) = options.get(4..4 + len) else { break };
        match (code, value) {
            (END, _) => break,
            // A power of ten, or of two with the upper bit set.
            (TIME_RESOLUTION, [power]) if power & 0x80 != 0 => {
                interface.resolution = 1_u64.checked_shl(u32::from(power & 0x7f)).unwrap_or(u64::MAX);
            }
            (TIME_RESOLUTION, [power]) => {
                interface.resolution = 10_u64.checked_pow(u32::from(*power)).unwrap_or(u64::MAX);
            }
            (TIME_OFFSET, value) if value.len() == 8 => {
                interface.offset_s = (u64::from(order.u32(value, if order == Order::Big { 0 } else { 4 }))
                    << 32
                    | u64::from(order.u32(value, if order == Order::Big { 4 } else { 0 })))
                    as i64;
            }
            _ => {}
        }
        options = options.get(4 + len.next_multiple_of(4)..).unwrap_or_default();
    }
    interface
}

impl Interface {
    fn time(&self, ticks: u64) -> Timestamp {
        let micros = u128::from(ticks) * 1_000_000 / u128::from(self.resolution.max(1));
        let micros = i128::try_from(micros).unwrap_or_default() + i128::from(self.offset_s) * 1_000_000;
        Timestamp(u64::try_from(micros.max(0)).unwrap_or(u64::MAX))
    }
}

/// The packet of a block whose body has `body_len` bytes, not all of which need be there; `None` where its fixed
/// fields are not, or where it claims more than the block has.
fn packet(order: Order, kind: u32, body: &[u8], body_len: usize, interfaces: &[Interface]) -> Option<Packet> {
    let ticks = |at| u64::from(order.u32(body, at)) << 32 | u64::from(order.u32(body, at + 4));
    let packet = match kind {
        SIMPLE_PACKET if body.len() < 4 => return None,
        SIMPLE_PACKET => {
            // A snap length of 0 is none. The block does not say how much of it is padding.
            let original = order.u32(body, 0);
            let snap_len = interfaces.first().map_or(0, |interface| interface.snap_len);
            let len = if snap_len == 0 { original } else { original.min(snap_len) };
            Packet { interface: 0, ticks: 0, from: 4, len: (len as usize).min(body_len - 4) }
        }
        _ if body.len() < 20 => return None,
        _ => Packet {
            interface: match kind {
                OLD_PACKET => usize::from(order.u16(body, 0)),
                _ => order.u32(body, 0) as usize,
            },
            ticks: ticks(4),
            from: 20,
            len: order.u32(body, 12) as usize,
        },
    };
    (packet.len <= body_len - packet.from).then_some(packet)
}
