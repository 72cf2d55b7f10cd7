//! Reads capture files: pcap (microseconds or nanoseconds, either byte order) and pcapng, either compressed or not.
//!
//! A stream is enough: nothing is sought and nothing is mapped, and the buffer has a bound. What libpcap refuses is read
//! here: a pcapng file may have interfaces of different link types and snap lengths, and several sections of
//! different byte order. A file that is damaged somewhere yields all that comes before; of a packet in whose middle
//! the file ends, what is there.

use std::io::{self, Read};

use umbrascope_dissect::{LinkType, Timestamp};

mod blocks;
mod classic;
mod compressed;
mod input;

use blocks::Blocks;
use classic::Classic;
use input::Input;

/// Longest packet record that is believed: libpcap's own maximum (`MAXIMUM_SNAPLEN`), for all link types but
/// D-Bus, and room for the record's header.
const MAX_PACKET_BYTES: usize = 256 * 1024;

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

/// Why a capture file could not be read (on). Offsets count from the beginning of the capture, decompressed.
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
    /// Compressed in a way that is not read.
    #[error(
        "this file is compressed in a format that is not read (gzip and zstd are); \
         decompress it first: `{command} FILE | umbrascope-agent replay -`"
    )]
    OtherCompression {
        /// What writes the decompressed file to standard output.
        command: &'static str,
    },
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
    /// The compressed data ends before its own end, as it does when its writer was stopped or its copy is not whole.
    #[error(
        "the {format} data ends too early, at byte {offset} of the capture; everything before it was read; \
         if the file was copied, copy it again"
    )]
    CompressedTruncated {
        /// `gzip` or `zstd`.
        format: &'static str,
        /// Bytes that could be decompressed.
        offset: u64,
    },
    /// The compressed data is not what its checksums or its format say, or something else follows it.
    #[error(
        "the {format} data is damaged at byte {offset} of the capture; everything before it was read; \
         `{format} -t FILE` checks a file"
    )]
    CompressedDamaged {
        /// `gzip` or `zstd`.
        format: &'static str,
        /// Bytes that could be decompressed.
        offset: u64,
        /// What is wrong.
        #[source]
        cause: io::Error,
    },
    /// Decompressing would take more memory than any reader has to offer (RFC 8878, section 3.1.1.1.2).
    #[error(
        "the zstd data needs more than 8 MiB to be decompressed; \
         do that first: `zstd -dc --long=31 FILE | umbrascope-agent replay -`"
    )]
    WindowTooLarge,
}

impl CaptureError {
    /// The file only ends too early, which is the normal case of a capture whose writer was stopped.
    pub fn is_early_end(&self) -> bool {
        matches!(self, CaptureError::Truncated { .. } | CaptureError::CompressedTruncated { .. })
    }
}

/// Reads the frames of a capture file one after the other.
#[derive(Debug)]
pub struct CaptureReader<R: Read> {
    input: Input<R>,
    format: Format,
}

#[derive(Debug)]
enum Format {
    Classic(Classic),
    Blocks(Blocks),
}

impl<R: Read> CaptureReader<R> {
    /// Reads the file's header.
    pub fn new(input: R) -> Result<Self, CaptureError> {
        let mut input = Input::new(input)?;
        let format = match input.peek(4)? {
            Some([0x0a, 0x0d, 0x0d, 0x0a, ..]) => Format::Blocks(Blocks::new()),
            Some(_) => Format::Classic(Classic::open(&mut input)?),
            None => return Err(input.trouble().unwrap_or(CaptureError::NotACapture)),
        };
        Ok(CaptureReader { input, format })
    }

    /// Frames left out because the link type of their interface is not read.
    pub fn skipped(&self) -> u64 {
        match &self.format {
            Format::Classic(_) => 0,
            Format::Blocks(blocks) => blocks.skipped(),
        }
    }

    /// The next frame; `None` at the end of the file. After an error there is nothing more.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        match &mut self.format {
            Format::Classic(classic) => classic.frame(&mut self.input),
            Format::Blocks(blocks) => blocks.frame(&mut self.input),
        }
    }
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

#[cfg(test)]
mod tests;
