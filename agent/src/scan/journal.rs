//! What the answer of each source rested on, so that a later look can tell which sources to read again.
//!
//! While a source is read, [`super::safe::Dir`] notes every place that it listed, opened, looked at or found absent, each
//! with a mark of what stood there. A mark is a number: it says whether a place is as it was, and nothing else.
//!
//! # Layout
//! [`MAGIC`], then sections, each: name, answer and places, as a length (LEB128) and that many bytes, between name and
//! answer one byte that is 1 where there were too many places to keep. A place: how it was asked (1 byte), its mark
//! (8 bytes), then as LEB128 the bytes of its path that are the boundary's, the bytes it shares with the path before it and the
//! bytes that follow, which come last. Paths are those of the machine. It never leaves the machine and is on no disk: the warden
//! keeps it in memory of the kernel, unread, from one scanner to the next.

use std::collections::BTreeMap;
use std::path::Path;

use super::safe::path_of;

/// Most places of one section. A developer's machine with some thousand Python packages has about 10,000 in all.
const SECTION_PLACES: usize = 20_000;
/// Most places of a journal: a look at all of them takes some 0.1 s of CPU.
const PLACES: usize = 60_000;
/// Most bytes of a journal's places and of what walks came across.
const BYTES: usize = 4 * 1024 * 1024;
/// Largest journal that is read: places, names and the answers of walks.
pub const JOURNAL_BYTES: usize = 2 * BYTES;
/// Longest path kept, as the kernel bounds it.
const PATH: usize = 4096;
const MAGIC: &[u8] = b"umbrascope journal 1\n";
const MARK: usize = 8;
/// Bytes of the digest of a source's answer.
pub(crate) const DIGEST: usize = 16;

/// How a place was asked, and so what of it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Which folder stands there.
    Folder,
    /// The names in it.
    Listing,
    /// What stands there, links resolved.
    File,
    /// What stands there, a link not followed.
    Look,
}

impl How {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Folder, Self::Listing, Self::File, Self::Look].into_iter().find(|how| *how as u8 == byte)
    }
}

/// A number for what stood at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(pub(crate) u64);

/// A place as it is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) how: How,
    pub(crate) mark: Mark,
    /// What links may not lead out of: the root, or a home.
    pub(crate) boundary: &'a Path,
    /// The place below it.
    pub(crate) inner: &'a Path,
}

/// One source's places, or those of one walk, and what came of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Section {
    /// What came of it, to be compared.
    pub(crate) answer: Vec<u8>,
    /// There were too many places: only a full scan reads it.
    pub(crate) blind: bool,
    places: Vec<u8>,
}

/// The sections by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) sections: BTreeMap<String, Section>,
}

impl Journal {
    /// As bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for (name, section) in &self.sections {
            put_bytes(&mut out, name.as_bytes());
            out.push(section.blind.into());
            put_bytes(&mut out, &section.answer);
            put_bytes(&mut out, &section.places);
        }
        out
    }

    /// From bytes; `None` where they are none of ours.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let mut journal = Self::default();
        while !rest.is_empty() {
            let name = String::from_utf8(take_bytes(&mut rest)?.to_vec()).ok()?;
            let blind = take(&mut rest, 1)? != [0];
            let answer = take_bytes(&mut rest)?.to_vec();
            let section = Section { answer, blind, places: take_bytes(&mut rest)?.to_vec() };
            section.each(|_| true)?;
            journal.sections.insert(name, section);
        }
        Some(journal)
    }

    /// How many places there are.
    pub(crate) fn places(&self) -> usize {
        let mut count = 0;
        for section in self.sections.values() {
            let _ = section.each(|_| {
                count += 1;
                true
            });
        }
        count
    }
}

impl Section {
    /// Shows each place until `look` says that it has seen enough; `None` where the bytes are none of ours.
    pub(crate) fn each(&self, mut look: impl FnMut(Place<'_>) -> bool) -> Option<()> {
        let mut rest = &*self.places;
        let mut path: Vec<u8> = Vec::new();
        while !rest.is_empty() {
            let how = How::from_byte(take(&mut rest, 1)?[0])?;
            let mark = Mark(u64::from_le_bytes(take(&mut rest, MARK)?.try_into().ok()?));
            let boundary = take_number(&mut rest)?;
            let shared = take_number(&mut rest)?;
            if shared > path.len() {
                return None;
            }
            path.truncate(shared);
            path.extend_from_slice(take_bytes(&mut rest)?);
            if path.len() > PATH {
                return None;
            }
            let (boundary, inner) = path.split_at_checked(boundary)?;
            let inner = inner.strip_prefix(b"/").unwrap_or(inner);
            let place = Place { how, mark, boundary: path_of(boundary)?, inner: path_of(inner)? };
            if !look(place) {
                break;
            }
        }
        Some(())
    }
}

/// Notes places for the section that is open; without one it notes nothing.
#[derive(Debug)]
pub(crate) struct Recorder {
    open: Option<Section>,
    /// The path noted last, and where its record begins.
    path: Vec<u8>,
    at: usize,
    last: Option<How>,
    count: usize,
    places_left: usize,
    bytes_left: usize,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            open: None,
            path: Vec::new(),
            at: 0,
            last: None,
            count: 0,
            places_left: PLACES,
            bytes_left: BYTES,
        }
    }
}

impl Recorder {
    /// Whether a section is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open.as_ref().is_some_and(|section| !section.blind)
    }

    /// Opens a section.
    pub(crate) fn begin(&mut self) {
        self.open = Some(Section::default());
        self.path.clear();
        self.last = None;
        self.count = 0;
    }

    /// Closes the section; `answer` is what came of it.
    pub(crate) fn end(&mut self, answer: Vec<u8>) -> Section {
        let mut section = self.open.take().unwrap_or_default();
        // Without what a walk came across it is walked again; a digest is always kept.
        if answer.len() <= DIGEST || answer.len() <= self.bytes_left {
            section.answer = answer;
        }
        section.places.shrink_to_fit();
        self.places_left = self.places_left.saturating_sub(self.count);
        self.bytes_left = self.bytes_left.saturating_sub(section.places.len() + section.answer.len());
        section
    }

    /// Counts a section that is kept from an earlier journal as if it had been noted now.
    pub(crate) fn count(&mut self, section: &Section) {
        let _ = section.each(|_| {
            self.places_left = self.places_left.saturating_sub(1);
            true
        });
        self.bytes_left = self.bytes_left.saturating_sub(section.places.len() + section.answer.len());
    }

    /// Notes a place.
    pub(crate) fn note(&mut self, boundary: &Path, inner: &Path, how: How, mark: Mark) {
        let Some(section) = self.open.as_mut().filter(|section| !section.blind) else { return };
        let boundary = boundary.as_os_str().as_encoded_bytes();
        let inner = inner.as_os_str().as_encoded_bytes();
        let slash = !inner.is_empty() && !boundary.ends_with(b"/");
        let parts = [boundary, if slash { &b"/"[..] } else { b"" }, inner];
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let is_last = length == self.path.len() && parts.iter().copied().flatten().eq(&self.path);
        if is_last && self.last == Some(How::Folder) && how == How::Listing {
            // A folder is opened and then listed: that is one place, and the names are what matters.
            section.places[self.at] = how as u8;
            section.places[self.at + 1..self.at + 1 + MARK].copy_from_slice(&mark.0.to_le_bytes());
            self.last = Some(how);
            return;
        }
        self.count += 1;
        let over =
            self.count > SECTION_PLACES.min(self.places_left) || section.places.len() > self.bytes_left;
        if over || length > PATH {
            section.blind = true;
            section.places = Vec::new();
            self.count = 0;
            return;
        }
        let shared = parts.iter().copied().flatten().zip(&self.path).take_while(|(a, b)| a == b).count();
        self.path.truncate(shared);
        let mut skip = shared;
        for part in parts {
            self.path.extend_from_slice(&part[skip.min(part.len())..]);
            skip = skip.saturating_sub(part.len());
        }
        self.at = section.places.len();
        self.last = Some(how);
        section.places.push(how as u8);
        section.places.extend(mark.0.to_le_bytes());
        put_number(&mut section.places, boundary.len());
        put_number(&mut section.places, shared);
        put_bytes(&mut section.places, &self.path[shared..]);
    }
}

fn put_number(out: &mut Vec<u8>, mut number: usize) {
    while number > 0x7F {
        out.push(u8::try_from(number & 0x7F).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

/// At most four bytes: more than any length here.
fn take_number(rest: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    for shift in [0, 7, 14, 21] {
        let byte = take(rest, 1)?[0];
        number |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_number(rest)?;
    take(rest, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Noted = (How, u64, &'static str, &'static str);
    const NOTED: [Noted; 5] = [
        (How::Listing, 1, "/", ""),
        (How::File, 2, "/", "etc/passwd"),
        (How::Look, u64::MAX, "/home/kim", "work/.venv/pyvenv.cfg"),
        (How::File, 0, "/home/kim", "work/.mcp.json"),
        (How::Folder, 3, "/home/kim", ""),
    ];

    fn journal() -> Journal {
        let mut recorder = Recorder::default();
        recorder.note(Path::new("/"), Path::new("before any section"), How::File, Mark(9));
        recorder.begin();
        for (how, mark, boundary, inner) in NOTED {
            recorder.note(Path::new(boundary), Path::new(inner), how, Mark(mark));
        }
        let pip = recorder.end(vec![7; 16]);
        Journal { sections: [("npm".into(), Section::default()), ("pip".into(), pip)].into() }
    }

    #[test]
    fn what_is_noted_comes_back() {
        let journal = journal();
        let again = Journal::decode(&journal.encode()).unwrap();
        assert_eq!(again, journal);
        assert_eq!(again.places(), NOTED.len());
        let mut places = NOTED.iter();
        let whole = again.sections["pip"].each(|place| {
            let (how, mark, boundary, inner) = places.next().unwrap();
            assert_eq!((place.how, place.mark.0), (*how, *mark));
            assert_eq!((place.boundary, place.inner), (Path::new(boundary), Path::new(inner)));
            true
        });
        assert_eq!((whole, places.next()), (Some(()), None));
    }

    #[test]
    fn a_folder_that_is_opened_and_listed_is_one_place() {
        let mut recorder = Recorder::default();
        recorder.begin();
        for how in [How::Folder, How::Listing, How::Listing] {
            recorder.note(Path::new("/home/kim"), Path::new("work"), how, Mark(how as u64));
        }
        let mut seen = Vec::new();
        recorder.end(vec![]).each(|place| {
            seen.push((place.how, place.mark.0));
            true
        });
        assert_eq!(seen, [(How::Listing, 1), (How::Listing, 1)]);
    }

    #[test]
    fn too_many_places_are_none() {
        let mut recorder = Recorder::default();
        let mut fill = |count: usize| {
            recorder.begin();
            for number in 0..count {
                recorder.note(Path::new("/"), Path::new(&number.to_string()), How::File, Mark(1));
            }
            recorder.end(vec![])
        };
        assert!(!fill(SECTION_PLACES).blind);
        let over = fill(SECTION_PLACES + 1);
        assert!(over.blind && over.places.is_empty());
        assert!(!fill(SECTION_PLACES).blind && !fill(SECTION_PLACES).blind);
        assert!(fill(1).blind, "the bound of all is reached");
    }

    #[test]
    fn no_prefix_of_a_journal_panics_and_what_is_no_journal_is_refused() {
        let whole = journal().encode();
        for end in 0..whole.len() {
            let _ = Journal::decode(&whole[..end]);
        }
        for at in MAGIC.len()..whole.len() {
            let mut other = whole.clone();
            other[at] ^= 0xFF;
            let _ = Journal::decode(&other);
        }
        assert_eq!(Journal::decode(b""), None);
        assert_eq!(Journal::decode(&[MAGIC, b"\x03pip\0\0\x02\x09\x09"].concat()), None);
    }
}
