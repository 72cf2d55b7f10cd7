//! A hive: the file a part of the registry is kept in (regf, versions 1.3 to 1.6).
//!
//! After a base block of 4 KiB come bins full of cells; a cell is a length and a key node (`nk`), a list of sub-keys (`lf`, `lh`,
//! `li`, `ri`), a list of values, a value (`vk`) or data, and points to others by their place. A user owns his hive and
//! may have written anything into it: places are checked, lists are bounded, names and texts too, and a path is as deep as it is
//! written, so that no cycle is walked. Only the pages that are asked for are read.
//!
//! The layout is that of the "Windows registry file format specification" by M. Suhanov (github.com/msuhanov/regf).

use std::cell::RefCell;
use std::rc::Rc;

use super::super::safe::Trouble;
use super::{Key, SUBKEYS, TEXT_BYTES, VALUES, Visit};
use log::{Base, Left, Log, SECTOR};
use pages::{Bytes, Pages};

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod any;
pub(super) mod log;
mod marvin;
mod pages;

/// Where the first bin begins; all places are counted from here.
const BINS: u64 = 4096;
/// Longest name of a key or value, in bytes; Windows allows 255 characters for a key, and more for a value.
const NAME_BYTES: usize = 1024;
/// Most lists that a list of lists names.
const LISTS: usize = 4_096;
/// Deepest path opened, in keys; Windows allows 512.
const DEPTH: usize = 32;

/// Flag of a key node: a symbolic link to another key.
const KEY_LINK: u16 = 0x0010;
/// Flag of a key node: its name is Latin-1.
const KEY_NARROW: u16 = 0x0020;
/// Flag of a value: its name is Latin-1.
const VALUE_NARROW: u16 = 0x0001;
/// Set in the length of data that stands in the value itself.
const INLINE: u32 = 0x8000_0000;
/// Data over this length is kept in segments, since version 1.4; no text of use is as long.
const SEGMENT: usize = 16_344;

const REG_SZ: u32 = 1;
const REG_EXPAND_SZ: u32 = 2;
const REG_DWORD: u32 = 4;
const REG_MULTI_SZ: u32 = 7;

/// An open hive.
pub(super) struct Hive {
    base: Base,
    pages: RefCell<Pages>,
}

impl Hive {
    /// The hive in `file`, which is `len` bytes long.
    pub(super) fn open(file: Box<dyn Bytes>, len: u64) -> Result<Self, Trouble> {
        let mut pages = Pages::new(file, len);
        let mut block = [0; SECTOR];
        pages.read(0, &mut block)?;
        let base = Base::read(&block).ok_or(Trouble::Malformed)?;
        Ok(Self { base, pages: RefCell::new(pages) })
    }

    /// Whether the last changes wait in its logs, or writing it was cut short.
    pub(super) fn is_dirty(&self) -> bool {
        self.base.is_dirty()
    }

    /// Puts what its logs have over what it has, and tells whether that was anything, and why it may not be all.
    pub(super) fn replay(
        &mut self,
        logs: Vec<Log>,
        left: &mut Left,
        check: &dyn Fn() -> Result<(), Trouble>,
    ) -> (bool, Option<Trouble>) {
        let replayed = log::replay(self.base, logs, left, check);
        self.base = replayed.base;
        let any = replayed.changes.is_some();
        replayed.changes.into_iter().for_each(|changes| self.pages.get_mut().change(changes));
        (any, replayed.trouble)
    }

    /// Its root key.
    pub(super) fn root(self) -> Result<Node, Trouble> {
        if !self.base.is_known() {
            return Err(Trouble::Malformed);
        }
        let root = self.base.root;
        Node::at(&Rc::new(self), root)
    }

    /// The content of the cell at a place, `least` bytes long at least: where it begins and how long it is.
    fn cell(&self, place: u32, least: usize) -> Result<(u64, usize), Trouble> {
        let at = BINS + u64::from(place);
        let size = i32::from_le_bytes(self.array(at)?);
        // A cell in use has a negative length, which counts the length itself.
        let len = size.checked_neg().and_then(|size| usize::try_from(size).ok()).ok_or(Trouble::Malformed)?;
        let len = len.checked_sub(4).filter(|len| *len >= least).ok_or(Trouble::Malformed)?;
        Ok((at + 4, len))
    }

    fn array<const N: usize>(&self, at: u64) -> Result<[u8; N], Trouble> {
        let mut bytes = [0; N];
        self.pages.borrow_mut().read(at, &mut bytes)?;
        Ok(bytes)
    }

    fn bytes(&self, at: u64, len: usize) -> Result<Vec<u8>, Trouble> {
        let mut bytes = vec![0; len];
        self.pages.borrow_mut().read(at, &mut bytes)?;
        Ok(bytes)
    }

    fn name(&self, at: u64, len: usize, narrow: bool) -> Result<String, Trouble> {
        if len > NAME_BYTES {
            return Err(Trouble::Malformed);
        }
        let bytes = self.bytes(at, len)?;
        Ok(if narrow { bytes.iter().map(|byte| char::from(*byte)).collect() } else { utf16(&bytes) })
    }
}

/// A key of a hive.
pub(super) struct Node {
    hive: Rc<Hive>,
    name: String,
    subkeys: u32,
    list: u32,
    values: u32,
    value_list: u32,
}

impl Node {
    fn at(hive: &Rc<Hive>, place: u32) -> Result<Self, Trouble> {
        let (at, len) = hive.cell(place, 76)?;
        let head: [u8; 76] = hive.array(at)?;
        let flags = u16_of(&head, 2);
        if !head.starts_with(b"nk") || flags & KEY_LINK != 0 {
            return Err(Trouble::Malformed);
        }
        let name_len = usize::from(u16_of(&head, 72));
        if name_len > len - 76 {
            return Err(Trouble::Malformed);
        }
        Ok(Self {
            hive: Rc::clone(hive),
            name: hive.name(at + 76, name_len, flags & KEY_NARROW != 0)?,
            subkeys: u32_of(&head, 20),
            list: u32_of(&head, 28),
            values: u32_of(&head, 36),
            value_list: u32_of(&head, 40),
        })
    }

    /// Gives the place of each sub-key, with what the list says of its name, until `visit` has what it wants.
    fn places(&self, visit: &mut dyn FnMut(u32, Hint) -> Result<bool, Trouble>) -> Result<(), Trouble> {
        if self.subkeys == 0 {
            return Ok(());
        }
        let mut left = SUBKEYS;
        let (at, len) = self.hive.cell(self.list, 4)?;
        let head: [u8; 4] = self.hive.array(at)?;
        if !head.starts_with(b"ri") {
            return self.list_at(at, len, &mut left, visit).map(drop);
        }
        let lists = usize::from(u16_of(&head, 2));
        if lists > LISTS || lists * 4 > len - 4 {
            return Err(Trouble::Malformed);
        }
        for index in 0..lists as u64 {
            let (at, len) = self.hive.cell(u32::from_le_bytes(self.hive.array(at + 4 + index * 4)?), 4)?;
            // A list of lists names lists of keys, never another of its kind.
            if !self.list_at(at, len, &mut left, visit)? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn list_at(
        &self,
        at: u64,
        len: usize,
        left: &mut usize,
        visit: &mut dyn FnMut(u32, Hint) -> Result<bool, Trouble>,
    ) -> Result<bool, Trouble> {
        let head: [u8; 4] = self.hive.array(at)?;
        let width = match &head[..2] {
            b"lf" | b"lh" => 8,
            b"li" => 4,
            _ => return Err(Trouble::Malformed),
        };
        let count = usize::from(u16_of(&head, 2));
        if count * width > len - 4 {
            return Err(Trouble::Malformed);
        }
        for index in 0..count {
            *left = left.checked_sub(1).ok_or(Trouble::TooLarge)?;
            let entry = at + 4 + (index * width) as u64;
            let place = u32::from_le_bytes(self.hive.array(entry)?);
            let hint = match &head[..2] {
                b"lh" => Hint::Hash(u32::from_le_bytes(self.hive.array(entry + 4)?)),
                _ => Hint::None,
            };
            if !visit(place, hint)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn child(&self, name: &str) -> Result<Self, Trouble> {
        let hash = hash(name);
        let mut found = Err(Trouble::Absent);
        self.places(&mut |place, hint| {
            // A hash that differs spares the reading of the key.
            if let (Hint::Hash(hint), Some(hash)) = (hint, hash)
                && hint != hash
            {
                return Ok(true);
            }
            match Self::at(&self.hive, place) {
                Ok(node) if same(&node.name, name) => {
                    found = Ok(node);
                    Ok(false)
                }
                Ok(_) => Ok(true),
                // Another key that cannot be read is not the one asked for, as far as can be told.
                Err(trouble) if hash.is_some() && matches!(hint, Hint::Hash(_)) => Err(trouble),
                Err(_) => Ok(true),
            }
        })?;
        found
    }

    /// Visits the values: name, place and length of the data, type.
    fn values(&self, visit: &mut dyn FnMut(String, Value) -> bool) -> Result<(), Trouble> {
        let count = usize::try_from(self.values).map_err(|_| Trouble::Malformed)?;
        if count == 0 {
            return Ok(());
        }
        let (list, len) = self.hive.cell(self.value_list, 4)?;
        if count > len / 4 {
            return Err(Trouble::Malformed);
        }
        for index in 0..count.min(VALUES) as u64 {
            let (at, len) = self.hive.cell(u32::from_le_bytes(self.hive.array(list + index * 4)?), 20)?;
            let head: [u8; 20] = self.hive.array(at)?;
            let name_len = usize::from(u16_of(&head, 2));
            if !head.starts_with(b"vk") || name_len > len - 20 {
                return Err(Trouble::Malformed);
            }
            let name = self.hive.name(at + 20, name_len, u16_of(&head, 16) & VALUE_NARROW != 0)?;
            let value =
                Value { len: u32_of(&head, 4), data: u32_of(&head, 8), at: at + 8, kind: u32_of(&head, 12) };
            if !visit(name, value) {
                return Ok(());
            }
        }
        if count > VALUES { Err(Trouble::TooLarge) } else { Ok(()) }
    }

    fn value(&self, name: &str) -> Result<Value, Trouble> {
        let mut found = None;
        let done = self.values(&mut |at, value| {
            if same(&at, name) {
                found = Some(value);
            }
            found.is_none()
        });
        match found {
            Some(value) => Ok(value),
            None => done.and(Err(Trouble::Absent)),
        }
    }

    fn data(&self, value: Value) -> Result<Vec<u8>, Trouble> {
        if value.len & INLINE != 0 {
            let len = (value.len & !INLINE) as usize;
            return if len <= 4 { self.hive.bytes(value.at, len) } else { Err(Trouble::Malformed) };
        }
        let len = value.len as usize;
        if len == 0 {
            return Ok(Vec::new());
        }
        if len > SEGMENT.min(TEXT_BYTES) {
            return Err(Trouble::TooLarge);
        }
        let (at, _) = self.hive.cell(value.data, len)?;
        self.hive.bytes(at, len)
    }
}

impl Key for Node {
    fn open(&self, path: &str) -> Result<Box<dyn Key>, Trouble> {
        let mut parts = path.split('\\').filter(|part| !part.is_empty());
        let mut node = self.child(parts.next().ok_or(Trouble::Absent)?)?;
        for (depth, part) in parts.enumerate() {
            if depth == DEPTH {
                return Err(Trouble::TooLarge);
            }
            node = node.child(part)?;
        }
        Ok(Box::new(node))
    }

    fn each(&self, visit: &mut Visit<'_>) -> Result<(), Trouble> {
        let mut trouble = Ok(());
        self.places(&mut |place, _| {
            match Self::at(&self.hive, place) {
                Ok(node) => visit(&node.name, &node)?,
                Err(error) => trouble = Err(error),
            }
            Ok(true)
        })?;
        trouble
    }

    fn names(&self) -> Result<Vec<String>, Trouble> {
        let mut names = Vec::new();
        self.values(&mut |name, _| {
            names.push(name);
            true
        })?;
        Ok(names)
    }

    fn text(&self, name: &str) -> Result<String, Trouble> {
        let value = self.value(name)?;
        if !matches!(value.kind, REG_SZ | REG_EXPAND_SZ | REG_MULTI_SZ) {
            return Err(Trouble::Absent);
        }
        let text = utf16(&self.data(value)?);
        Ok(text.split('\0').next().unwrap_or_default().to_owned())
    }

    fn number(&self, name: &str) -> Result<u32, Trouble> {
        let value = self.value(name)?;
        let bytes = if value.kind == REG_DWORD { self.data(value)? } else { Vec::new() };
        bytes.try_into().map(u32::from_le_bytes).map_err(|_| Trouble::Absent)
    }
}

/// What a list says of a key's name.
#[derive(Debug, Clone, Copy)]
enum Hint {
    None,
    Hash(u32),
}

/// Where a value's data is.
#[derive(Debug, Clone, Copy)]
struct Value {
    len: u32,
    data: u32,
    at: u64,
    kind: u32,
}

/// The hash of a name in an `lh` list. `None` where the upper case of it is Windows' own affair.
fn hash(name: &str) -> Option<u32> {
    let upper = |byte: u8| u32::from(byte.to_ascii_uppercase());
    name.is_ascii()
        .then(|| name.bytes().fold(0, |hash: u32, byte| hash.wrapping_mul(37).wrapping_add(upper(byte))))
}

/// Whether two names are one. Windows compares the upper case of each character by itself.
fn same(one: &str, other: &str) -> bool {
    let alike = |(a, b): (char, char)| a == b || a.to_uppercase().eq(b.to_uppercase());
    one.eq_ignore_ascii_case(other)
        || (!one.is_ascii()
            && one.chars().count() == other.chars().count()
            && one.chars().zip(other.chars()).all(alike))
}

fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The number at an offset of a head, which is a constant within its length.
fn u16_of(head: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([head[at], head[at + 1]])
}

fn u32_of(head: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

#[cfg(test)]
pub(super) mod tests;
