//! The file of a bbolt database (`go.etcd.io/bbolt`), as far as the names in its buckets: containerd keeps its images in one.
//!
//! Pages of one size, each with a header of 16 bytes: number, kind, count of elements, pages that belong to it. Pages 0 and 1 say where
//! the root is, the one with the later transaction counts. A bucket is a tree of branch and leaf pages, or a page within the
//! element of its parent. Numbers are those of the machine, little endian on all that the agent runs on.

use std::io::{Read, Seek, SeekFrom};

use crate::scan::safe::Trouble;

const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;
/// Bytes of a page's header, and of an element of a branch or a leaf.
const HEADER: usize = 16;
/// Bytes of what says where the root is, up to its checksum.
const META: usize = 56;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
/// Marks an element that is a bucket.
const BUCKET: u32 = 0x01;
/// Bytes before the page of a bucket that stands in an element: root page, sequence.
const BUCKET_HEADER: usize = 16;
/// Most pages read of one file, and the most bytes of one with those that belong to it.
const PAGES: usize = 20_000;
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// An open file.
pub(super) struct Store<R> {
    reader: R,
    page_bytes: usize,
    pages_left: usize,
}

/// A bucket: its root page, or the page itself.
pub(super) enum Bucket {
    At(u64),
    Here(Vec<u8>),
}

impl<R: Read + Seek> Store<R> {
    /// Gives the root bucket too.
    pub(super) fn open(mut reader: R) -> Result<(Self, Bucket), Trouble> {
        let first = meta(&mut reader, 0)?;
        let size = first.as_ref().map_or(4096, |meta| meta.page_bytes);
        let second = meta(&mut reader, size as u64)?.filter(|meta| meta.page_bytes == size);
        let latest = [first, second].into_iter().flatten().max_by_key(|meta| meta.transaction);
        let meta = latest.ok_or(Trouble::Malformed)?;
        let store = Self { reader, page_bytes: meta.page_bytes, pages_left: PAGES };
        Ok((store, Bucket::At(meta.root)))
    }

    /// The buckets in a bucket, by name.
    pub(super) fn buckets(&mut self, bucket: &Bucket) -> Result<Vec<(Vec<u8>, Bucket)>, Trouble> {
        let mut found = Vec::new();
        let mut next = match bucket {
            Bucket::Here(page) => {
                leaf(page, &mut found)?;
                return Ok(found);
            }
            Bucket::At(page) => vec![*page],
        };
        while let Some(number) = next.pop() {
            let page = self.page(number)?;
            match u16_at(&page, 8)? {
                kind if kind & BRANCH != 0 => {
                    for at in 0..usize::from(u16_at(&page, 10)?) {
                        next.push(u64_at(&page, HEADER + at * 16 + 8)?);
                    }
                    if next.len() > PAGES {
                        return Err(Trouble::TooLarge);
                    }
                }
                kind if kind & LEAF != 0 => leaf(&page, &mut found)?,
                _ => return Err(Trouble::Malformed),
            }
        }
        Ok(found)
    }

    fn page(&mut self, number: u64) -> Result<Vec<u8>, Trouble> {
        let place = number.checked_mul(self.page_bytes as u64).ok_or(Trouble::Malformed)?;
        let header = read_at(&mut self.reader, place, HEADER)?;
        let pages = u32_at(&header, 12)? as usize + 1;
        self.pages_left = self.pages_left.checked_sub(pages).ok_or(Trouble::TooLarge)?;
        let bytes = pages.saturating_mul(self.page_bytes);
        if bytes > PAGE_BYTES {
            return Err(Trouble::TooLarge);
        }
        let page = read_at(&mut self.reader, place, bytes)?;
        // A page that was given to something else meanwhile says another number.
        if u64_at(&page, 0)? == number { Ok(page) } else { Err(Trouble::Malformed) }
    }
}

/// Takes the buckets of a leaf page.
fn leaf(page: &[u8], found: &mut Vec<(Vec<u8>, Bucket)>) -> Result<(), Trouble> {
    for at in 0..usize::from(u16_at(page, 10)?) {
        let element = HEADER + at * 16;
        let [flags, place, key, value] = [0, 4, 8, 12].map(|word| u32_at(page, element + word));
        if flags? & BUCKET == 0 {
            continue;
        }
        let start = element.saturating_add(place? as usize);
        let middle = start.saturating_add(key? as usize);
        let end = middle.saturating_add(value? as usize);
        let name = page.get(start..middle).ok_or(Trouble::Malformed)?;
        let value = page.get(middle..end).ok_or(Trouble::Malformed)?;
        let bucket = match u64_at(value, 0)? {
            0 => Bucket::Here(value.get(BUCKET_HEADER..).ok_or(Trouble::Malformed)?.to_vec()),
            root => Bucket::At(root),
        };
        found.push((name.to_vec(), bucket));
    }
    Ok(())
}

struct Meta {
    page_bytes: usize,
    root: u64,
    transaction: u64,
}

/// What a page says of the root; `None`: it is none that counts.
fn meta(reader: &mut (impl Read + Seek), place: u64) -> Result<Option<Meta>, Trouble> {
    let page = match read_at(reader, place, HEADER + META + 8) {
        Ok(page) => page,
        Err(Trouble::Malformed) => return Ok(None),
        Err(trouble) => return Err(trouble),
    };
    let meta = &page[HEADER..];
    let page_bytes = u32_at(meta, 8)? as usize;
    // FNV-1a.
    let sum = meta[..META]
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let whole = u32_at(meta, 0)? == MAGIC && u32_at(meta, 4)? == VERSION && u64_at(meta, META)? == sum;
    let sound = whole && page_bytes.is_power_of_two() && (512..=64 * 1024).contains(&page_bytes);
    Ok(sound.then_some(Meta { page_bytes, root: u64_at(meta, 16)?, transaction: u64_at(meta, 48)? }))
}

fn read_at(reader: &mut (impl Read + Seek), place: u64, len: usize) -> Result<Vec<u8>, Trouble> {
    reader.seek(SeekFrom::Start(place)).map_err(|_| Trouble::Malformed)?;
    let mut bytes = vec![0; len];
    reader.read_exact(&mut bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Trouble::Malformed,
        _ => Trouble::Refused,
    })?;
    Ok(bytes)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Trouble> {
    let part = at.checked_add(N).and_then(|end| bytes.get(at..end));
    part.and_then(|part| part.try_into().ok()).ok_or(Trouble::Malformed)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Trouble> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Trouble> {
    array(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, Trouble> {
    array(bytes, at).map(u64::from_le_bytes)
}
