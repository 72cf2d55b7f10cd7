//! Suspects: names that no rule knows and that look like AI all the same.
//!
//! A guess from the letters of a name, for people to look at; never a sighting. It is asked only about names that
//! matched nothing. What it looks at is the registrable label, by the public suffix list, and below `.ai` the labels
//! in front of it; what it answers with is the registrable domain and nothing below it.
//!
//! Names below a suffix of the list's private section are never suspected: what stands there is often a person's
//! account at a hosting company.

mod kind;
#[cfg(test)]
mod source;
mod words;

use std::fmt;

use psl::{Psl, Type};

use crate::domain;
use kind::Kind;
use words::Words;

/// Written by the build script from `suspects.toml`.
static COMPILED: &str = include_str!(concat!(env!("OUT_DIR"), "/suspects.txt"));

/// A name that looks like AI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// The registrable domain.
    pub domain: Box<str>,
    /// Why.
    pub signs: Signs,
}

/// The signs that a name shows: words of its own letters that the table knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signs([Option<&'static str>; MAX_SIGNS]);

/// Signs told of one name at most; it may show more.
const MAX_SIGNS: usize = 4;

/// The table of signs, ready to be asked.
#[derive(Debug)]
pub struct Suspects {
    words: Words,
}

impl Suspects {
    /// The table that this program was built with.
    pub fn embedded() -> Suspects {
        Suspects { words: Words::read(COMPILED) }
    }

    /// Whether a host name, however it is written, looks like AI. Does not know the catalogue: ask
    /// [`crate::Matcher::name`] first.
    pub fn judge(&self, name: &str) -> Option<Suspect> {
        if let Some(dots) = domain::plain(name.as_bytes()) {
            let (domain, signs) = self.judge_normal(name)?;
            return domain::is_sound(name, &dots).then(|| Suspect { domain: domain.into(), signs });
        }
        let name = domain::normalise(name).ok()?;
        let (domain, signs) = self.judge_normal(&name)?;
        Some(Suspect { domain: domain.into(), signs })
    }

    fn judge_normal<'n>(&self, name: &'n str) -> Option<(&'n str, Signs)> {
        let (domain, suffix) = split(name)?;
        let label = &domain[..domain.len() - suffix.len() - 1];
        if suffix != "ai" && !self.words.may_show(label.as_bytes()) {
            return None;
        }
        // The letters of an A-label are no words.
        if label.starts_with("xn--") || self.words.denies(domain, label) {
            return None;
        }
        let below_ai = suffix == "ai";
        let mut signs = Signs::default();
        let found = self.words.read_label(label, &mut signs);
        if is_enough(found, label) {
            return Some((domain, signs));
        }
        if !below_ai {
            return None;
        }
        let in_front = name[..name.len() - domain.len()].trim_end_matches('.');
        let host = self.words.host(in_front);
        let hinted = found & (Kind::Hint.bit() | Kind::Brand.bit() | Kind::Use.bit()) != 0;
        let beside = if hinted { None } else { self.words.at_an_end(label) };
        if !hinted {
            signs = Signs::default();
            signs.add(beside);
        }
        signs.add(host);
        signs.add(Some(".ai"));
        (hinted || host.is_some() || beside.is_some()).then_some((domain, signs))
    }
}

/// The registrable domain of a name in normal form, by the public suffix list: the one label that somebody registered, and the
/// suffix. `None` for a suffix itself, below an unknown one, and below one of the list's private section.
pub fn registrable(name: &str) -> Option<&str> {
    split(name).map(|(domain, _)| domain)
}

fn split(name: &str) -> Option<(&str, &str)> {
    let suffix = psl::List.suffix(name.as_bytes())?;
    if !suffix.is_known() || suffix.typ() == Some(Type::Private) {
        return None;
    }
    let length = suffix.as_bytes().len();
    let in_front = name.len().checked_sub(length + 1)?;
    let start = name[..in_front].rfind('.').map_or(0, |dot| dot + 1);
    (start < in_front).then(|| (&name[start..], &name[in_front + 1..]))
}

/// Whether the signs of a label are enough without its suffix.
fn is_enough(found: u16, label: &str) -> bool {
    let has = |kinds: &[Kind]| kinds.iter().any(|kind| found & kind.bit() != 0);
    has(&[Kind::Strong])
        || has(&[Kind::Ai]) && has(&[Kind::Use, Kind::Brand, Kind::Hint])
        || has(&[Kind::Hint]) && has(&[Kind::Use])
        || has(&[Kind::Ai]) && has(&[Kind::Plain]) && label.ends_with("ai")
}

impl Signs {
    fn add(&mut self, sign: Option<&'static str>) {
        if let Some(free) = self.0.iter_mut().find(|free| free.is_none()) {
            *free = sign;
        }
    }

    /// Puts the last first.
    fn turn(&mut self) {
        let count = self.iter().count();
        self.0[..count].reverse();
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().copied().flatten()
    }
}

impl fmt::Display for Signs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, sign) in self.iter().enumerate() {
            write!(f, "{}{sign}", if at == 0 { "" } else { " + " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
