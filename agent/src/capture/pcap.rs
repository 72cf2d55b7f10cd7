//! Reads capture files: pcap (microseconds or nanoseconds, either byte order) and pcapng.
//!
//! A stream is enough: nothing is sought and nothing is mapped, and the buffer has a bound. What libpcap refuses is read
//! here: a pcapng file may have interfaces of different link types and snap lengths, and several sections of
//! different byte order. A file that is damaged somewhere yields all that comes before.

use std::io::{self, Read};

use umbrascope_dissect::{LinkType, Timestamp};

/// Read at once. Fits the second-level cache, so that what was read is still there when it is looked at.
const BUFFER_BYTES: usize = 256 * 1024;

/// Longest packet record that is believed: libpcap's own maximum (`MAXIMUM_SNAPLEN`), for all link types but
/// D-Bus, and room for the record's header.
const MAX_PACKET_BYTES: usize = 256 * 1024;

/// Longest pcapng block that is read whole. Longer ones hold no packet (secrets, name tables) and are skipped.
const MAX_BLOCK_BYTES: usize = MAX_PACKET_BYTES + 64 * 1024;

/// Interfaces of one section of a pcapng file.
const MAX_INTERFACES: usize = 64 * 1024;

/// One captured frame, valid until the next is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When it was captured, since the Unix epoch; 0 where the file does not say.
    pub at: Timestamp,
    /// How it begins.
    pub link: LinkType,
    /// As much of it as was captured.
    pub bytes: &'a [u8],
}

/// Why a capture file could not be read (on).
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The operating system says no.
    #[error("cannot read on at byte {offset}")]
    Read {
        /// Bytes read before.
        offset: u64,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Neither pcap nor pcapng.
    #[error(
        "this is no pcap or pcapng file; captures of other formats can be converted with `editcap -F pcapng`"
    )]
    NotACapture,
    /// The whole file is of a link type that is not read.
    #[error("link type {0} is not read; capture on an Ethernet, IP, Linux cooked, PPP or 802.11 link")]
    UnknownLink(u32),
    /// The file says something impossible.
    #[error("the file is damaged at byte {offset}: {what}; everything before it was read")]
    Damaged {
        /// Where.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The file ends within a record, as one does whose writer was stopped.
    #[error("the file ends within a record at byte {offset}; everything before it was read")]
    Truncated {
        /// Where the record begins.
        offset: u64,
    },
}

/// Reads the frames of a capture file one after the other.
#[derive(Debug)]
pub struct CaptureReader<R> {
    input: Input<R>,
    format: Format,
    skipped: u64,
}

#[derive(Debug)]
enum Format {
    Classic { order: Order, record_header: usize, nanoseconds: bool, link: LinkType },
    Blocks { order: Order, interfaces: Vec<Interface> },
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: Option<LinkType>,
    snap_len: u32,
    /// Ticks a second.
    resolution: u64,
    offset_s: i64,
}

impl<R: Read> CaptureReader<R> {
    /// Reads the file's header.
    pub fn new(input: R) -> Result<Self, CaptureError> {
        let mut input = Input::new(input);
        let Some(magic) = input.peek(4)? else { return Err(CaptureError::NotACapture) };
        let magic = [magic[0], magic[1], magic[2], magic[3]];
        let format = match classic(magic) {
            Some((order, nanoseconds, record_header)) => {
                let Some(header) = input.peek(24)? else { return Err(CaptureError::NotACapture) };
                let number = order.u32(header, 20);
                let link = LinkType::from_dlt(number).ok_or(CaptureError::UnknownLink(number))?;
                input.consume(24);
                Format::Classic { order, record_header, nanoseconds, link }
            }
            None if magic == SECTION_HEADER.to_be_bytes() => {
                Format::Blocks { order: Order::Little, interfaces: Vec::new() }
            }
            None => return Err(CaptureError::NotACapture),
        };
        Ok(CaptureReader { input, format, skipped: 0 })
    }

    /// Frames left out because the link type of their interface is not read.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The next frame; `None` at the end of the file. After an error there is nothing more.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        match self.format {
            Format::Classic { order, record_header, nanoseconds, link } => {
                classic_frame(&mut self.input, order, record_header, nanoseconds, link)
            }
            Format::Blocks { .. } => self.block_frame(),
        }
    }

    fn block_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        let Format::Blocks { order, interfaces } = &mut self.format else { return Ok(None) };
        // The frame's place is found first and borrowed last: a loop cannot hand out what it may still refill.
        let (at, link, from, len) = loop {
            let offset = self.input.offset();
            let Some(head) = self.input.peek(12)? else {
                return if self.input.available() == 0 {
                    Ok(None)
                } else {
                    Err(CaptureError::Truncated { offset })
                };
            };
            if head[..4] == SECTION_HEADER.to_be_bytes() {
                *order = match [head[8], head[9], head[10], head[11]] {
                    [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
                    [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
                    _ => {
                        return Err(CaptureError::Damaged {
                            offset,
                            what: "a section header without its magic",
                        });
                    }
                };
                interfaces.clear();
            }
            let kind = order.u32(head, 0);
            let len = order.u32(head, 4) as usize;
            if len < 12 {
                return Err(CaptureError::Damaged { offset, what: "a block shorter than its own header" });
            }
            // The length counts padding; files exist whose writer forgot that.
            let len = len.next_multiple_of(4);
            let wanted = matches!(kind, INTERFACE | ENHANCED_PACKET | SIMPLE_PACKET | OLD_PACKET);
            if !wanted {
                if !self.input.skip(len as u64)? {
                    return Err(CaptureError::Truncated { offset });
                }
                continue;
            }
            if len > MAX_BLOCK_BYTES {
                return Err(CaptureError::Damaged { offset, what: "a packet block longer than any packet" });
            }
            let Some(block) = self.input.peek(len)? else { return Err(CaptureError::Truncated { offset }) };
            let body = &block[8..len - 4];
            if kind == INTERFACE {
                if body.len() < 8 || interfaces.len() >= MAX_INTERFACES {
                    return Err(CaptureError::Damaged {
                        offset,
                        what: "an interface block that cannot be right",
                    });
                }
                interfaces.push(interface(*order, body));
                self.input.consume(len);
                continue;
            }
            let Some((number, ticks, from, captured)) = packet(*order, kind, body, interfaces) else {
                return Err(CaptureError::Damaged { offset, what: "a packet longer than its block" });
            };
            let Some(interface) = interfaces.get(number) else {
                return Err(CaptureError::Damaged {
                    offset,
                    what: "a packet of an interface that was never described",
                });
            };
            let at = interface.time(ticks);
            self.input.consume(len);
            match interface.link {
                Some(link) => break (at, link, len - 8 - from, captured),
                None => self.skipped += 1,
            }
        };
        Ok(Some(Frame { at, link, bytes: self.input.consumed(from, len) }))
    }
}

fn classic_frame<R: Read>(
    input: &mut Input<R>,
    order: Order,
    record_header: usize,
    nanoseconds: bool,
    link: LinkType,
) -> Result<Option<Frame<'_>>, CaptureError> {
    let offset = input.offset();
    let Some(header) = input.peek(record_header)? else {
        return if input.available() == 0 { Ok(None) } else { Err(CaptureError::Truncated { offset }) };
    };
    let (seconds, fraction) = (u64::from(order.u32(header, 0)), u64::from(order.u32(header, 4)));
    let len = order.u32(header, 8) as usize;
    if len > MAX_PACKET_BYTES {
        return Err(CaptureError::Damaged {
            offset,
            what: "a packet header that claims more than 262,144 bytes",
        });
    }
    let total = record_header + len;
    if input.peek(total)?.is_none() {
        return Err(CaptureError::Truncated { offset });
    }
    input.consume(total);
    let micros = if nanoseconds { fraction / 1000 } else { fraction };
    let at = Timestamp(seconds * 1_000_000 + micros);
    Ok(Some(Frame { at, link, bytes: input.consumed(len, len) }))
}

/// Byte order, whether fractions are nanoseconds, and the length of a record's header.
fn classic(magic: [u8; 4]) -> Option<(Order, bool, usize)> {
    let read = |order, magic| match magic {
        0xa1b2_c3d4 => Some((order, false, 16)),
        0xa1b2_3c4d => Some((order, true, 16)),
        // The format of some patched libpcap 0.8: eight bytes more a record.
        0xa1b2_cd34 => Some((order, false, 24)),
        _ => None,
    };
    read(Order::Little, u32::from_le_bytes(magic)).or_else(|| read(Order::Big, u32::from_be_bytes(magic)))
}

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

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

/// Interface number, time, where the packet begins in the body and how long it is.
fn packet(
    order: Order,
    kind: u32,
    body: &[u8],
    interfaces: &[Interface],
) -> Option<(usize, u64, usize, usize)> {
    let ticks = |at| u64::from(order.u32(body, at)) << 32 | u64::from(order.u32(body, at + 4));
    let (number, ticks, from, len) = match kind {
        SIMPLE_PACKET => {
            let original = if body.len() < 4 { return None } else { order.u32(body, 0) };
            // A snap length of 0 is none. The block does not say how much of it is padding.
            let snap_len = interfaces.first().map_or(0, |interface| interface.snap_len);
            let len = if snap_len == 0 { original } else { original.min(snap_len) };
            (0, 0, 4, (len as usize).min(body.len() - 4))
        }
        _ if body.len() < 20 => return None,
        OLD_PACKET => (usize::from(order.u16(body, 0)), ticks(4), 20, order.u32(body, 12) as usize),
        _ => (order.u32(body, 0) as usize, ticks(4), 20, order.u32(body, 12) as usize),
    };
    (len <= body.len() - from).then_some((number, ticks, from, len))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    /// The number at `at`; the caller has checked that it is there.
    #[inline]
    fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let four = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        match self {
            Order::Little => u32::from_le_bytes(four),
            Order::Big => u32::from_be_bytes(four),
        }
    }

    fn u16(self, bytes: &[u8], at: usize) -> u16 {
        match self {
            Order::Little => u16::from_le_bytes([bytes[at], bytes[at + 1]]),
            Order::Big => u16::from_be_bytes([bytes[at], bytes[at + 1]]),
        }
    }
}

/// A window on a stream of bytes.
#[derive(Debug)]
struct Input<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes of the stream before the window.
    before: u64,
}

impl<R: Read> Input<R> {
    fn new(source: R) -> Self {
        Input { source, buffer: vec![0; BUFFER_BYTES], start: 0, end: 0, before: 0 }
    }

    fn offset(&self) -> u64 {
        self.before + self.start as u64
    }

    fn available(&self) -> usize {
        self.end - self.start
    }

    /// At least the next `count` bytes; `None` where the stream ends before.
    #[inline]
    fn peek(&mut self, count: usize) -> Result<Option<&[u8]>, CaptureError> {
        if self.available() < count && !self.fill(count)? {
            return Ok(None);
        }
        Ok(Some(&self.buffer[self.start..self.end]))
    }

    #[inline]
    fn consume(&mut self, count: usize) {
        self.start += count;
    }

    /// `len` bytes that begin `back` bytes before those not consumed.
    #[inline]
    fn consumed(&self, back: usize, len: usize) -> &[u8] {
        &self.buffer[self.start - back..self.start - back + len]
    }

    #[cold]
    fn fill(&mut self, count: usize) -> Result<bool, CaptureError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.before += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        if count > self.buffer.len() {
            self.buffer.resize(count.next_power_of_two(), 0);
        }
        while self.end < count {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    return Err(CaptureError::Read { offset: self.before + self.end as u64, cause });
                }
            }
        }
        Ok(true)
    }

    /// Goes on `count` bytes; `false` where the stream ends before.
    fn skip(&mut self, mut count: u64) -> Result<bool, CaptureError> {
        loop {
            let now = count.min(self.available() as u64);
            self.consume(now as usize);
            count -= now;
            if count == 0 {
                return Ok(true);
            }
            if !self.fill(1)? {
                return Ok(false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives a few bytes at a time, as a pipe may.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(buffer.len()).min(7);
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    type Read1 = (u64, LinkType, Vec<u8>);

    fn read(file: &[u8]) -> (Vec<Read1>, Option<String>) {
        let mut frames = Vec::new();
        let mut capture = match CaptureReader::new(Drip(file)) {
            Ok(capture) => capture,
            Err(error) => return (frames, Some(error.to_string())),
        };
        loop {
            match capture.next_frame() {
                Ok(Some(frame)) => frames.push((frame.at.0, frame.link, frame.bytes.to_vec())),
                Ok(None) => return (frames, None),
                Err(error) => return (frames, Some(error.to_string())),
            }
        }
    }

    fn words(big: bool, words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| if big { word.to_be_bytes() } else { word.to_le_bytes() }).collect()
    }

    fn classic_file(magic: u32, big: bool, fraction: u32) -> Vec<u8> {
        let version = if big { 0x0002_0004 } else { 0x0004_0002 };
        let mut file = words(big, &[magic, version, 0, 0, 65535, 1]);
        for payload in [b"first".as_slice(), b"second"] {
            file.extend(words(big, &[10, fraction, payload.len() as u32, payload.len() as u32]));
            file.extend(payload);
        }
        file
    }

    fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let len = body.len() as u32 + 12;
        [words(big, &[kind, len]), body, words(big, &[len])].concat()
    }

    fn section(big: bool) -> Vec<u8> {
        let version = if big { 0x0001_0000 } else { 0x0000_0001 };
        block(big, SECTION_HEADER, &words(big, &[0x1a2b_3c4d, version, u32::MAX, u32::MAX]))
    }

    fn interface_block(big: bool, link: u16, snap_len: u32, options: &[u8]) -> Vec<u8> {
        let link = if big { u32::from(link) << 16 } else { u32::from(link) };
        block(big, INTERFACE, &[words(big, &[link, snap_len]), options.to_vec()].concat())
    }

    fn enhanced(big: bool, interface: u32, ticks: u64, bytes: &[u8]) -> Vec<u8> {
        let head = [interface, (ticks >> 32) as u32, ticks as u32, bytes.len() as u32, bytes.len() as u32];
        block(big, ENHANCED_PACKET, &[words(big, &head), bytes.to_vec()].concat())
    }

    #[test]
    fn pcap_files_of_both_units_and_byte_orders_read_the_same() {
        let expected = vec![
            (10_000_005, LinkType::Ethernet, b"first".to_vec()),
            (10_000_005, LinkType::Ethernet, b"second".to_vec()),
        ];
        for big in [false, true] {
            assert_eq!(read(&classic_file(0xa1b2_c3d4, big, 5)), (expected.clone(), None));
            assert_eq!(read(&classic_file(0xa1b2_3c4d, big, 5999)), (expected.clone(), None));
        }
    }

    #[test]
    fn pcapng_interfaces_keep_their_own_link_type_and_clock() {
        for big in [false, true] {
            let nanoseconds =
                [&words(big, &[])[..], if big { &[0, 9, 0, 1] } else { &[9, 0, 1, 0] }, &[9, 0, 0, 0]]
                    .concat();
            let file = [
                section(big),
                interface_block(big, 1, 65535, &[]),
                block(big, 0x0bad, b"a block of a kind nobody knows"),
                interface_block(big, 101, 96, &nanoseconds),
                interface_block(big, 147, 96, &[]),
                enhanced(big, 1, 7_000_000, b"raw"),
                enhanced(big, 2, 0, b"unknown link"),
                enhanced(big, 0, 9, b"ethernet"),
                block(big, SIMPLE_PACKET, &[words(big, &[6]), b"simple".to_vec()].concat()),
            ]
            .concat();
            let expected = vec![
                (7000, LinkType::Raw, b"raw".to_vec()),
                (9, LinkType::Ethernet, b"ethernet".to_vec()),
                (0, LinkType::Ethernet, b"simple".to_vec()),
            ];
            assert_eq!(read(&file), (expected, None));
        }
    }

    #[test]
    fn a_section_may_change_the_byte_order_and_forgets_the_interfaces() {
        let part = |big| [section(big), interface_block(big, 1, 0, &[]), enhanced(big, 0, 1, b"x")].concat();
        assert_eq!(read(&[part(false), part(true)].concat()).0.len(), 2);
        let (frames, error) = read(&[part(false), section(true), enhanced(true, 0, 1, b"x")].concat());
        assert_eq!(frames.len(), 1);
        assert!(error.unwrap().contains("never described"));
    }

    #[test]
    fn every_prefix_yields_what_is_whole_and_says_that_it_ends_early() {
        let blocks = [
            section(false),
            interface_block(false, 1, 0, &[]),
            enhanced(false, 0, 1, b"abc"),
            enhanced(false, 0, 1, b"d"),
        ];
        let edges: Vec<usize> = blocks
            .iter()
            .scan(0, |sum, block| {
                *sum += block.len();
                Some(*sum)
            })
            .collect();
        let blocks = blocks.concat();
        for (file, edges) in [(classic_file(0xa1b2_c3d4, false, 5), vec![24, 45, 67]), (blocks, edges)] {
            for len in 24..=file.len() {
                let (frames, error) = read(&file[..len]);
                let whole = edges.iter().filter(|&&edge| edge <= len).count();
                assert_eq!(error.is_none(), edges.contains(&len), "at {len}");
                assert_eq!(
                    frames.len(),
                    whole.saturating_sub(if edges.len() == 3 { 1 } else { 2 }),
                    "at {len}"
                );
                if let Some(error) = error {
                    assert!(error.contains("ends within a record"), "{error}");
                }
            }
        }
    }

    #[test]
    fn a_damaged_header_is_told_with_its_place_after_what_comes_before() {
        let mut file = classic_file(0xa1b2_c3d4, false, 5);
        file[45 + 8..45 + 12].copy_from_slice(&4_325_376_u32.to_le_bytes());
        let (frames, error) = read(&file);
        assert_eq!(frames.len(), 1);
        assert!(error.unwrap().contains("damaged at byte 45"));

        let whole =
            [section(false), interface_block(false, 1, 0, &[]), enhanced(false, 0, 1, b"abc")].concat();
        for (kind, len) in [(ENHANCED_PACKET, 4), (ENHANCED_PACKET, 0xffff_fff0)] {
            let (frames, error) = read(&[&whole[..], &words(false, &[kind, len, 0])].concat());
            assert_eq!(frames.len(), 1);
            assert!(error.unwrap().contains(&format!("damaged at byte {}", whole.len())));
        }
    }

    #[test]
    fn other_files_and_unknown_links_are_refused_in_words() {
        for file in [&b""[..], b"PK\x03\x04 and so on, long enough", b"\xd4\xc3\xb2\xa1 short"] {
            assert!(read(file).1.unwrap().contains("no pcap or pcapng"));
        }
        let mut file = classic_file(0xa1b2_c3d4, false, 5);
        file[20] = 147;
        assert!(read(&file).1.unwrap().contains("link type 147"));
    }

    #[test]
    fn the_buffer_keeps_its_bound_over_blocks_of_any_length() {
        let secrets = block(false, 10, &vec![0; 3 * 1024 * 1024]);
        let file =
            [section(false), secrets, interface_block(false, 1, 0, &[]), enhanced(false, 0, 1, b"abc")]
                .concat();
        let mut capture = CaptureReader::new(&file[..]).unwrap();
        assert_eq!(capture.next_frame().unwrap().unwrap().bytes, b"abc");
        assert!(capture.input.buffer.len() <= BUFFER_BYTES);
    }
}
