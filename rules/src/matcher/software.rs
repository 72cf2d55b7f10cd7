//! Identifiers of software: a hash table per all kinds, and for patterns with stars a list per kind.

use super::{DENY, Index, NONE, hash};
use crate::glob;
use crate::identifier::Boundary;
use crate::words::SoftwareKind;

#[derive(Debug, Clone)]
struct Entry {
    kind: SoftwareKind,
    /// Where its pattern stands in `patterns`.
    pattern: u32,
    len: u16,
    rule: u32,
}

/// The tables, ready to be asked.
#[derive(Debug)]
pub(super) struct Software {
    entries: Box<[Entry]>,
    /// Entries with stars, by kind, the longest first.
    globs: Box<[u32]>,
    patterns: Box<str>,
    index: Index,
}

impl Software {
    /// The rule of an identifier in normal form: the longest pattern decides, and a deny before an allow.
    pub(super) fn find(&self, kind: SoftwareKind, identifier: &str) -> Option<u32> {
        let plain = self.plain(kind, identifier);
        let starred = self.starred(kind, identifier);
        let (plain, starred) = (plain.unwrap_or((0, NONE)), starred.unwrap_or((0, NONE)));
        // At equal length the pattern without a star says more, unless the other is a deny.
        let rule = match plain.0.cmp(&starred.0) {
            std::cmp::Ordering::Less => starred.1,
            std::cmp::Ordering::Equal if starred.1 == DENY => DENY,
            _ => plain.1,
        };
        (rule != NONE && rule != DENY).then_some(rule)
    }

    fn plain(&self, kind: SoftwareKind, identifier: &str) -> Option<(u16, u32)> {
        let mut left = identifier;
        loop {
            let is_it = |entry: u32| {
                let entry = &self.entries[entry as usize];
                entry.kind == kind && self.pattern(entry) == left
            };
            if let Some(entry) = self.index.find(hash(kind as u32, left.as_bytes()), is_it) {
                let entry = &self.entries[entry as usize];
                return Some((entry.len, entry.rule));
            }
            left = match kind.boundary()? {
                Boundary::Below => left.rsplit_once('/')?.0,
                Boundary::SubHost => left.split_once('.')?.1,
            };
        }
    }

    fn starred(&self, kind: SoftwareKind, identifier: &str) -> Option<(u16, u32)> {
        let start = self.globs.partition_point(|&glob| self.entries[glob as usize].kind < kind);
        let of_kind = self.globs[start..].iter().map(|&glob| &self.entries[glob as usize]);
        // A name of a model without an owner speaks for every owner's copy of it.
        let last = identifier.rsplit('/').next().unwrap_or(identifier);
        of_kind
            .take_while(|entry| entry.kind == kind)
            .find(|entry| {
                let pattern = self.pattern(entry);
                let bare = kind == SoftwareKind::Model && !pattern.contains('/');
                glob::path_matches(pattern, if bare { last } else { identifier })
            })
            .map(|entry| (entry.len, entry.rule))
    }

    /// Every pattern of one kind, with the rule it belongs to, in the order of the rules. It reads the whole table: for the
    /// few kinds that are asked by product.
    pub(super) fn of_kind(&self, kind: SoftwareKind) -> impl Iterator<Item = (u32, &str)> {
        let entries = self.entries.iter().filter(move |entry| entry.kind == kind && entry.rule != DENY);
        entries.map(|entry| (entry.rule, self.pattern(entry)))
    }

    fn pattern(&self, entry: &Entry) -> &str {
        let start = entry.pattern as usize;
        &self.patterns[start..start + usize::from(entry.len)]
    }

    pub(super) fn table_bytes(&self) -> usize {
        size_of_val(&*self.entries)
            + size_of_val(&*self.globs)
            + self.patterns.len()
            + self.index.table_bytes()
    }
}

/// Takes patterns one by one.
#[derive(Default)]
pub(super) struct Builder {
    entries: Vec<Entry>,
    patterns: String,
}

impl Builder {
    /// Adds a pattern in normal form.
    pub(super) fn add(&mut self, kind: SoftwareKind, pattern: &str, rule: u32) {
        let len = u16::try_from(pattern.len()).unwrap_or(u16::MAX);
        self.entries.push(Entry { kind, pattern: self.patterns.len() as u32, len, rule });
        self.patterns.push_str(pattern);
    }

    pub(super) fn build(self) -> Software {
        let Builder { entries, patterns } = self;
        let pattern = |entry: &Entry| {
            let start = entry.pattern as usize;
            &patterns[start..start + usize::from(entry.len)]
        };
        // A model without stars and without an owner is compared with the last part too, so it goes with the globs.
        let is_listed = |entry: &Entry| {
            let text = pattern(entry);
            text.contains('*') || entry.kind == SoftwareKind::Model && !text.contains('/')
        };
        let mut globs: Vec<u32> =
            (0..entries.len()).filter(|&at| is_listed(&entries[at])).map(|at| at as u32).collect();
        globs.sort_by_key(|&at| {
            let entry = &entries[at as usize];
            (entry.kind, std::cmp::Reverse(entry.len), entry.rule != DENY)
        });
        let mut index = Index::default();
        for (at, _) in entries.iter().enumerate().filter(|(_, entry)| !is_listed(entry)) {
            index.insert(at as u32, |at| {
                let entry = &entries[at as usize];
                hash(entry.kind as u32, pattern(entry).as_bytes())
            });
        }
        Software {
            entries: entries.into_boxed_slice(),
            globs: globs.into_boxed_slice(),
            patterns: patterns.into_boxed_str(),
            index,
        }
    }
}
