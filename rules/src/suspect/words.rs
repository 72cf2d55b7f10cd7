//! The words of the table, and how a label is read with them.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::Signs;
use super::kind::{DENY, Kind, MAX_WORD};

/// Longest label in octets (RFC 1035 section 3.1).
const MAX_LABEL: usize = 63;
/// Shortest word that tells something where the rest of its piece is unknown, below `.ai` and beside `ai`.
const SHORTEST_BESIDE: usize = 4;
/// Shortest word that [`Words::begin`] knows of.
const SHORTEST: usize = 3;
/// Shortest rest that may stand in front of, or behind, a word that is enough alone.
const SHORTEST_REST: usize = 3;
/// Kinds in the order of their bits while a label is read.
const READ: [Kind; 6] = [Kind::Strong, Kind::Ai, Kind::Brand, Kind::Hint, Kind::Use, Kind::Plain];

/// The words and their kinds.
#[derive(Debug)]
pub(super) struct Words {
    kinds: HashMap<&'static str, u16, BuildHasherDefault<Quick>>,
    denied: HashMap<&'static str, (), BuildHasherDefault<Quick>>,
    /// Words of [`Kind::Anywhere`] and [`Kind::Ending`].
    anywhere: Vec<&'static str>,
    endings: Vec<&'static str>,
    /// Three letters with which a word of any kind begins.
    begin: Threes,
    /// Of the words one of which a suspected label must hold, `ai` apart: those of three letters, and the first three and the
    /// next but one of the longer ones.
    short: Threes,
    first: Threes,
    second: Threes,
}

impl Words {
    /// Reads the compiled table.
    pub(super) fn read(compiled: &'static str) -> Words {
        let mut words = Words {
            kinds: HashMap::default(),
            denied: HashMap::default(),
            anywhere: Vec::new(),
            endings: Vec::new(),
            begin: Threes::default(),
            short: Threes::default(),
            first: Threes::default(),
            second: Threes::default(),
        };
        for line in compiled.lines() {
            let Some((letter, word)) = line.split_at_checked(1) else { continue };
            if letter.starts_with(DENY) {
                words.denied.insert(word, ());
                continue;
            }
            let Some(kind) = letter.chars().next().and_then(Kind::of_letter) else { continue };
            *words.kinds.entry(word).or_default() |= kind.bit();
            match kind {
                Kind::Anywhere => words.anywhere.push(word),
                Kind::Ending => words.endings.push(word),
                _ => {}
            }
            let needed =
                matches!(kind, Kind::Strong | Kind::Piece | Kind::Anywhere | Kind::Ending | Kind::Hint);
            match *word.as_bytes() {
                [a, b, c] if needed => words.short.put(a, b, c),
                [a, b, c, d, ..] if needed => {
                    words.first.put(a, b, c);
                    words.second.put(b, c, d);
                }
                _ => {}
            }
            if let [a, b, c, ..] = *word.as_bytes() {
                words.begin.put(a, b, c);
            }
        }
        words
    }

    /// Whether a label may show enough. Cheap, and right whenever it says no.
    pub(super) fn may_show(&self, label: &[u8]) -> bool {
        // Two octets in front and two behind that are no letters.
        let (mut a, mut b, mut c) = (b'-', b'-', b'-');
        label.iter().chain(b"--").any(|&d| {
            // `ai` counts at the edges of a piece, `ki` and `ia` as the whole of it.
            let (opens, closes) = (!a.is_ascii_lowercase(), !d.is_ascii_lowercase());
            let found = (b, c) == (b'a', b'i') && (opens || closes)
                || matches!((b, c), (b'k', b'i') | (b'i', b'a')) && opens && closes
                || self.short.has(b, c, d)
                || self.first.has(a, b, c) && self.second.has(b, c, d);
            (a, b, c) = (b, c, d);
            found
        })
    }

    /// Whether people said that a domain is not to be suspected.
    pub(super) fn denies(&self, domain: &str, label: &str) -> bool {
        let with_dot = &domain[..=label.len()];
        self.denied.contains_key(domain) || self.denied.contains_key(with_dot)
    }

    /// What the labels in front of the registrable one say.
    pub(super) fn host(&self, labels: &str) -> Option<&'static str> {
        labels.split(['.', '-']).find_map(|piece| {
            self.word(piece.trim_end_matches(|c: char| c.is_ascii_digit()), Kind::Host.bit())
        })
    }

    /// A word of use with which a piece of the label begins or ends.
    pub(super) fn at_an_end(&self, label: &str) -> Option<&'static str> {
        let kinds = [Kind::Use, Kind::Hint, Kind::Brand, Kind::Strong]
            .into_iter()
            .fold(0, |all, kind| all | kind.bit());
        let telling = |text: &str| self.word(text, kinds);
        pieces(label).find_map(|(start, end)| {
            let piece = &label[start..end];
            (SHORTEST_BESIDE..=piece.len().min(MAX_WORD)).rev().find_map(|length| {
                telling(&piece[..length]).or_else(|| telling(&piece[piece.len() - length..]))
            })
        })
    }

    /// Reads a label: which kinds of words it is made of, as bits. What is told in `signs` is what made it so.
    pub(super) fn read_label(&self, label: &str, signs: &mut Signs) -> u16 {
        if label.len() > MAX_LABEL {
            return 0;
        }
        for (start, end) in pieces(label) {
            if let Some(word) = self.alone(&label[start..end]) {
                signs.add(Some(word));
                return Kind::Strong.bit();
            }
        }
        if let Some(rest) = label.strip_suffix("-ai")
            && rest.bytes().filter(u8::is_ascii_lowercase).count() >= SHORTEST_BESIDE
        {
            signs.add(Some("-ai"));
            return Kind::Strong.bit();
        }
        self.read_words(label, signs)
    }

    /// A word that is enough in a piece, whatever the rest of it is.
    fn alone(&self, piece: &str) -> Option<&'static str> {
        let rest = |word: &&&str| piece.len() - word.len() >= SHORTEST_REST;
        let ending = self.endings.iter().filter(|word| piece.ends_with(**word)).find(rest);
        let anywhere = || self.anywhere.iter().find(|word| piece.contains(**word));
        ending.or_else(anywhere).copied()
    }

    /// The best that the label can be read as, piece by piece and word by word. A piece that is no word is passed over.
    fn read_words(&self, label: &str, signs: &mut Signs) -> u16 {
        // By octet: the sets of kinds that the words up to there can make.
        let mut sets = [0u64; MAX_LABEL + 1];
        sets[0] = 1;
        let mut last = 0;
        for (start, end) in pieces(label) {
            sets[start] |= sets[last];
            for at in start..end {
                if sets[at] == 0 {
                    continue;
                }
                let begins = matches!(label.as_bytes()[at..end], [a, b, c, ..] if self.begin.has(a, b, c));
                let longest = if begins { MAX_WORD } else { SHORTEST - 1 };
                for to in at + 1..=end.min(at + longest) {
                    if let Some(word) = self.set_of(&label[at..to], (at, to) == (start, end)) {
                        sets[to] |= with(sets[at], word);
                    }
                }
            }
            sets[end] |= sets[start];
            last = end;
        }
        // Of those that are enough, the one that takes the fewest words for something.
        let rank = |set: &usize| (super::is_enough(kinds(*set), label), *set != 0, Reverse(set.count_ones()));
        let best = each(sets[last]).max_by_key(rank).unwrap_or_default();
        self.tell(label, &sets, best, signs);
        kinds(best)
    }

    /// Goes back word by word from the end, over words where it can, to tell which ones made the set.
    fn tell(&self, label: &str, sets: &[u64; MAX_LABEL + 1], mut set: usize, signs: &mut Signs) {
        let mut at = pieces(label).last().map_or(0, |(_, end)| end);
        while set != 0 && at > 0 {
            let Some((start, end)) = pieces(label).filter(|(start, _)| *start < at).last() else { break };
            if at > end {
                at = end;
                continue;
            }
            let step = (start.max(at.saturating_sub(MAX_WORD))..at).find_map(|from| {
                let word = self.set_of(&label[from..at], (from, at) == (start, end))?;
                let before = each(sets[from]).find(|before| before | word == set)?;
                Some((from, before, word))
            });
            let Some((from, before, word)) = step else {
                at = start;
                continue;
            };
            if word != 0 {
                signs.add(self.find(&label[from..at]).map(|(word, _)| word));
            }
            (at, set) = (from, before);
        }
        signs.turn();
    }

    /// The bits of a word, in the order of [`READ`].
    fn set_of(&self, text: &str, whole: bool) -> Option<usize> {
        let (_, all) = self.find(text)?;
        let apart = |kind: Kind, counts: Kind| if whole && all & kind.bit() != 0 { counts.bit() } else { 0 };
        let all = all | apart(Kind::AiApart, Kind::Ai) | apart(Kind::Piece, Kind::Strong);
        let known = READ.iter().fold(Kind::Filler.bit(), |bits, kind| bits | kind.bit());
        let set = READ.iter().enumerate().filter(|(_, kind)| all & kind.bit() != 0);
        (all & known != 0).then(|| set.fold(0, |set, (bit, _)| set | 1 << bit))
    }

    /// A word and its kinds. Most texts are turned away by their first three letters.
    fn find(&self, text: &str) -> Option<(&'static str, u16)> {
        match *text.as_bytes() {
            [a, b, c, ..] if !self.begin.has(a, b, c) => None,
            _ => self.kinds.get_key_value(text).map(|(word, kinds)| (*word, *kinds)),
        }
    }

    /// A word of one of these kinds.
    fn word(&self, text: &str, wanted: u16) -> Option<&'static str> {
        let (word, kinds) = self.find(text)?;
        (kinds & wanted != 0).then_some(word)
    }
}

/// The sets with a word's bits added to each.
fn with(sets: u64, word: usize) -> u64 {
    each(sets).fold(0, |all, set| all | 1 << (set | word))
}

/// The sets among them, by number.
fn each(mut sets: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let set = sets.trailing_zeros();
        sets &= sets.wrapping_sub(1);
        (set < u64::BITS).then_some(set as usize)
    })
}

/// The kinds of a set.
fn kinds(set: usize) -> u16 {
    READ.iter()
        .enumerate()
        .filter(|(bit, _)| set & (1 << bit) != 0)
        .fold(0, |bits, (_, kind)| bits | kind.bit())
}

/// Where the pieces of a label are: runs of letters. Words with digits in them are runs too where the table knows them.
fn pieces(label: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let is_letter = |at: usize| label.as_bytes().get(at).is_some_and(u8::is_ascii_lowercase);
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < label.len() && !is_letter(at) {
            at += 1;
        }
        let start = at;
        while is_letter(at) {
            at += 1;
        }
        (start < at).then_some((start, at))
    })
}

/// A set of three letters in a row. Digits and hyphens stand for some letter or other: what it says is then only perhaps.
#[derive(Debug)]
struct Threes(Box<[u64; 512]>);

impl Default for Threes {
    fn default() -> Threes {
        Threes(Box::new([0; 512]))
    }
}

impl Threes {
    fn put(&mut self, a: u8, b: u8, c: u8) {
        let place = Threes::place(a, b, c);
        self.0[place / 64] |= 1 << (place % 64);
    }

    fn has(&self, a: u8, b: u8, c: u8) -> bool {
        let place = Threes::place(a, b, c);
        self.0[place / 64] >> (place % 64) & 1 != 0
    }

    fn place(a: u8, b: u8, c: u8) -> usize {
        usize::from(a & 31) << 10 | usize::from(b & 31) << 5 | usize::from(c & 31)
    }
}

/// The hash of the matcher: quick for short texts. What comes from the network is only looked up, never
/// put in, so a chosen name can at most compare equal to what it collides with.
#[derive(Debug, Default)]
pub(super) struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = crate::matcher::hash(self.0 as u32, bytes);
    }

    fn write_u8(&mut self, _: u8) {}
}
