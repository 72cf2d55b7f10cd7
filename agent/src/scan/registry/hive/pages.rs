//! A file in pages, of which those read last are kept. What its logs change is put over them as they are read.

use std::io::{Read, Seek, SeekFrom};

use super::super::super::safe::Trouble;
use super::log::{Changes, SECTOR};

/// Bytes of one page that is read and kept, a power of two.
const PAGE: usize = 4096;
/// Most pages kept. A walk through a list and its keys stays among few.
const PAGES: usize = 32;

/// Something a hive can be read from.
pub(in super::super) trait Bytes: Read + Seek {}
impl<T: Read + Seek> Bytes for T {}

/// The pages read last. A full store gives up the one read longest ago.
pub(super) struct Pages {
    file: Box<dyn Bytes>,
    len: u64,
    kept: Vec<(u64, Box<[u8]>)>,
    next: usize,
    changes: Option<Changes>,
}

impl Pages {
    pub(super) fn new(file: Box<dyn Bytes>, len: u64) -> Self {
        Self { file, len, kept: Vec::new(), next: 0, changes: None }
    }

    /// From now on the file is what these make of it.
    pub(super) fn change(&mut self, changes: Changes) {
        self.len = self.len.max(changes.len);
        self.changes = Some(changes);
        self.kept.clear();
        self.next = 0;
    }

    /// Fills `into` with what stands at a place.
    pub(super) fn read(&mut self, mut at: u64, mut into: &mut [u8]) -> Result<(), Trouble> {
        let end = at.checked_add(into.len() as u64).ok_or(Trouble::Malformed)?;
        if end > self.len {
            return Err(Trouble::Malformed);
        }
        while !into.is_empty() {
            let offset = (at % PAGE as u64) as usize;
            let page = self.page(at / PAGE as u64)?;
            // A file that shrank since it was opened has a short page.
            let part = page.get(offset..).filter(|part| !part.is_empty()).ok_or(Trouble::Malformed)?;
            let taken = part.len().min(into.len());
            into[..taken].copy_from_slice(&part[..taken]);
            into = &mut into[taken..];
            at += taken as u64;
        }
        Ok(())
    }

    fn page(&mut self, number: u64) -> Result<&[u8], Trouble> {
        if let Some(slot) = self.kept.iter().position(|(kept, _)| *kept == number) {
            return Ok(&self.kept[slot].1);
        }
        self.file.seek(SeekFrom::Start(number * PAGE as u64)).map_err(|_| Trouble::Refused)?;
        let mut page = Vec::with_capacity(PAGE);
        (&mut self.file).take(PAGE as u64).read_to_end(&mut page).map_err(|_| Trouble::Refused)?;
        if let Some(changes) = &mut self.changes {
            // The file may have to grow.
            page.resize(PAGE, 0);
            changes.patch(number * (PAGE / SECTOR) as u64, &mut page)?;
        }
        let page = (number, page.into_boxed_slice());
        let slot = self.next;
        self.next = (slot + 1) % PAGES;
        match self.kept.get_mut(slot) {
            Some(kept) => *kept = page,
            None => self.kept.push(page),
        }
        self.kept.get(slot).map(|(_, page)| &**page).ok_or(Trouble::Malformed)
    }
}
