//! Takes the compression off a capture file: gzip (RFC 1952) and zstd (RFC 8878), told by the first bytes and never by
//! a name.
//!
//! A stream is enough. A gzip file may have several members and a zstd file several frames. Memory is bounded whatever
//! the file says, so one that decompresses to a thousand times its size only costs time. Nothing here needs a system
//! call but those of memory: the sandboxed dissector reads through it as well.

use std::fmt;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use flate2::bufread::GzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::CaptureError;

/// Compressed bytes read at once.
const BUFFER_BYTES: usize = 128 * 1024;

/// A zstd frame may ask for so much memory as a power of two: 8 MiB, what RFC 8878 (section 3.1.1.1.2) recommends
/// every decoder to support and every encoder not to exceed. `zstd` itself does so only when told to (`--ultra`,
/// `--long`).
const MAX_WINDOW_LOG: u32 = 23;

/// The library does not hand over what it decompressed in the call that met damaged data: so much at most.
const MAX_LOST_BYTES: usize = 4 * 1024;

/// Longest magic number below.
const MAGIC: usize = 6;

type Source<R> = Chain<Cursor<Vec<u8>>, R>;

/// The bytes of a file, whether it is compressed or not.
pub(super) enum Decompressed<R: Read> {
    Plain(Source<R>),
    Gzip(Box<Gzip<BufReader<Source<R>>>>),
    Zstd(Box<ZstdDecoder<'static, BufReader<Source<R>>>>),
}

impl<R: Read> Decompressed<R> {
    /// Looks at the first bytes.
    pub(super) fn new(mut input: R) -> Result<Self, CaptureError> {
        let mut head = Vec::with_capacity(MAGIC);
        input
            .by_ref()
            .take(MAGIC as u64)
            .read_to_end(&mut head)
            .map_err(|cause| CaptureError::Read { offset: 0, cause })?;
        let other = |command| Err(CaptureError::OtherCompression { command });
        let kind = head.clone();
        let source = Cursor::new(head).chain(input);
        match &kind[..] {
            [0x1f, 0x8b, 8, ..] => Ok(Decompressed::Gzip(Box::new(Gzip::new(buffered(source))))),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                let decoder = ZstdDecoder::with_buffer(buffered(source)).and_then(|mut decoder| {
                    decoder.window_log_max(MAX_WINDOW_LOG)?;
                    Ok(decoder)
                });
                match decoder {
                    Ok(decoder) => Ok(Decompressed::Zstd(Box::new(decoder))),
                    Err(cause) => Err(CaptureError::Read { offset: 0, cause }),
                }
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0] => other("xz -dc"),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => other("bzip2 -dc"),
            [0x04, 0x22, 0x4d, 0x18, ..] => other("lz4 -dc"),
            [b'L', b'Z', b'I', b'P', ..] => other("lzip -dc"),
            [b'P', b'K', 3, 4, ..] => other("unzip -p"),
            [0x1f, 0x9d, ..] => other("gzip -dc"),
            _ => Ok(Decompressed::Plain(source)),
        }
    }

    /// What an error of [`Read::read`] means, after `offset` bytes.
    pub(super) fn trouble(&self, error: io::Error, offset: u64) -> CaptureError {
        /// What zstd says of a window beyond [`MAX_WINDOW_LOG`].
        const TOO_MUCH_MEMORY: &str = "too much memory";
        let format = match self {
            Decompressed::Gzip(_) => "gzip",
            Decompressed::Zstd(_) => "zstd",
            Decompressed::Plain(_) => return CaptureError::Read { offset, cause: error },
        };
        if error.raw_os_error().is_some() {
            CaptureError::Read { offset, cause: error }
        } else if error.kind() == io::ErrorKind::UnexpectedEof {
            CaptureError::CompressedTruncated { format, offset }
        } else if format == "zstd" && error.to_string().contains(TOO_MUCH_MEMORY) {
            CaptureError::WindowTooLarge
        } else {
            CaptureError::CompressedDamaged { format, offset, cause: error }
        }
    }
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Decompressed::Plain(source) => source.read(buffer),
            Decompressed::Gzip(gzip) => gzip.read(buffer),
            Decompressed::Zstd(zstd) => zstd.read(buffer),
        }
    }
}

impl<R: Read> fmt::Debug for Decompressed<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Decompressed::Plain(_) => "Plain",
            Decompressed::Gzip(_) => "Gzip",
            Decompressed::Zstd(_) => "Zstd",
        })
    }
}

fn buffered<R: Read>(source: R) -> BufReader<R> {
    BufReader::with_capacity(BUFFER_BYTES, source)
}

/// The members of a gzip file, one after the other.
pub(super) struct Gzip<B> {
    /// There but while one member's end is looked at, and after the last.
    member: Option<GzDecoder<B>>,
}

impl<B: BufRead> Gzip<B> {
    fn new(input: B) -> Self {
        Gzip { member: Some(GzDecoder::new(input)) }
    }
}

impl<B: BufRead> Read for Gzip<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(member) = &mut self.member else { return Ok(0) };
            let some = buffer.len().min(MAX_LOST_BYTES);
            let count = member.read(&mut buffer[..some])?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            // The member is whole and its checksum right.
            let Some(mut input) = self.member.take().map(GzDecoder::into_inner) else { return Ok(0) };
            match past_padding(&mut input)? {
                None => return Ok(0),
                Some(0x1f) => self.member = Some(GzDecoder::new(input)),
                Some(_) => {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "something that is not gzip data follows",
                    ));
                }
            }
        }
    }
}

/// The first byte that is not zero: devices and archives of fixed block size pad files with zeros.
fn past_padding(input: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if let Some(at) = bytes.iter().position(|&byte| byte != 0) {
            let byte = bytes[at];
            input.consume(at);
            return Ok(Some(byte));
        }
        let count = bytes.len();
        input.consume(count);
    }
}
