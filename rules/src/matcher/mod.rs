//! From a name or an identifier to the rule that knows it, in time that does not grow with the catalogue.

mod names;
mod software;

use crate::catalogue::{Catalogue, IndicatorKind, Landmark, Product, Rule, Text};
use crate::domain::{self, Dots};
use crate::identifier;
use crate::words::{Confidence, Fallback, LandmarkKind, Level, ProductKind, SoftwareKind};

use names::Names;
use software::Software;

/// A rule as matching answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRef {
    /// Id of the rule.
    pub rule: Text,
    /// Id of the product.
    pub product: Text,
    /// Id of the vendor.
    pub vendor: Text,
    /// How sure it is that this is AI.
    pub confidence: Confidence,
    /// What a match proves, where it is not what the channel proves.
    pub level: Option<Level>,
    /// What sort of thing the product is.
    pub kind: ProductKind,
    /// AI is only a part of the product.
    pub embedded: bool,
}

/// How a product answers on this machine, as far as the catalogue knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalServer<'a> {
    /// Ports it listens on unless told otherwise. Many products share some: a port alone is no evidence.
    pub ports: Vec<u16>,
    /// What to ask it for, and what its answer then holds, in the order of the rules' ids.
    pub fingerprints: Vec<Fingerprint<'a>>,
}

/// One way to know a local server by its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint<'a> {
    /// Path to ask for, with its slash.
    pub path: &'a str,
    /// Text that the answer holds.
    pub text: &'a str,
}

/// A catalogue compiled for matching. Holds no more than ids and patterns.
#[derive(Debug)]
pub struct Matcher {
    rules: Box<[RuleRef]>,
    names: Names,
    landmarks: Names,
    software: Software,
    fallback_mcp: RuleRef,
    fallback_model: RuleRef,
}

impl Matcher {
    /// Compiles a catalogue.
    pub fn new(catalogue: &Catalogue) -> Matcher {
        let mut builder = MatcherBuilder::default();
        for landmark in catalogue.landmarks() {
            builder.add_landmark(landmark);
        }
        for rule in catalogue.rules() {
            builder.add(catalogue.products(), rule);
        }
        builder.build()
    }

    /// The rule that knows a host name, however it is written. `None` for what no rule knows, for what a deny
    /// cancels and for what is not a name. Does not allocate where the name is in normal form.
    pub fn name(&self, name: &str) -> Option<&RuleRef> {
        self.rules.get(find(&self.names, name)? as usize)
    }

    /// Whether the catalogue says anything of a name in normal form or of one below it, be it that it is no AI.
    pub fn touches(&self, name: &str) -> bool {
        self.names.touches(name)
    }

    /// What a host name, however it is written, means that is no AI and has to be known all the same.
    pub fn landmark(&self, name: &str) -> Option<LandmarkKind> {
        LandmarkKind::ALL.get(find(&self.landmarks, name)? as usize).copied()
    }

    /// The rule that knows an identifier of software.
    pub fn software(&self, kind: SoftwareKind, identifier: &str) -> Option<&RuleRef> {
        let identifier = identifier::normalise(kind, identifier)?;
        self.software.find(kind, &identifier).and_then(|rule| self.rules.get(rule as usize))
    }

    /// How the local server of a product is known. Empty for a product that is none.
    pub fn local_server(&self, product: &str) -> LocalServer<'_> {
        let of_product = |kind| {
            let all = self.software.of_kind(kind);
            all.filter(|(rule, _)| self.rules.get(*rule as usize).is_some_and(|rule| rule.product == product))
        };
        let fingerprints = of_product(SoftwareKind::ApiFingerprint).filter_map(|(_, pattern)| {
            let (path, text) = pattern.split_once(' ')?;
            Some(Fingerprint { path, text })
        });
        LocalServer {
            ports: of_product(SoftwareKind::LocalPort).filter_map(|(_, port)| port.parse().ok()).collect(),
            fingerprints: fingerprints.collect(),
        }
    }

    /// The rule for an MCP server that no other knows: every MCP server counts as AI.
    pub fn fallback_mcp(&self) -> &RuleRef {
        &self.fallback_mcp
    }

    /// The rule for a model file that no other knows: every model file counts as AI.
    pub fn fallback_model(&self) -> &RuleRef {
        &self.fallback_model
    }

    /// Bytes of the tables, texts of an embedded catalogue not counted: they are part of the program.
    pub fn table_bytes(&self) -> usize {
        let owned = |text: &Text| if matches!(text, Text::Owned(_)) { text.len() } else { 0 };
        let texts: usize =
            self.rules.iter().map(|r| owned(&r.rule) + owned(&r.product) + owned(&r.vendor)).sum();
        let names = self.names.table_bytes() + self.landmarks.table_bytes();
        size_of_val(&*self.rules) + texts + names + self.software.table_bytes()
    }
}

fn find(names: &Names, name: &str) -> Option<u32> {
    match domain::plain(name.as_bytes()) {
        Some(dots) => {
            let found = names.find(name.as_bytes(), &dots);
            found.filter(|_| domain::is_sound(name, &dots))
        }
        None => {
            let name = domain::normalise(name).ok()?;
            names.find(name.as_bytes(), &Dots::of(name.as_bytes()))
        }
    }
}

/// Stands for "known not to be AI" where an index of a rule is expected.
const DENY: u32 = u32::MAX - 1;
/// Stands for "nothing here".
const NONE: u32 = u32::MAX;

/// Takes rules one by one.
#[derive(Default)]
pub(crate) struct MatcherBuilder {
    rules: Vec<RuleRef>,
    names: names::Builder,
    landmarks: names::Builder,
    software: software::Builder,
    fallback_mcp: Option<RuleRef>,
    fallback_model: Option<RuleRef>,
}

impl MatcherBuilder {
    /// Adds a rule. `products` is sorted by id; a rule of a product that is not there is left out, which
    /// [`Catalogue::parse`] never lets happen.
    pub(crate) fn add(&mut self, products: &[Product], rule: &Rule) {
        let index = if rule.deny {
            DENY
        } else {
            let Ok(at) = products.binary_search_by(|product| product.id.cmp(&rule.product)) else { return };
            let reference = reference(rule, &products[at]);
            match rule.fallback {
                Some(Fallback::McpServer) => self.fallback_mcp = Some(reference),
                Some(Fallback::Model) => self.fallback_model = Some(reference),
                None if rule.indicators.is_empty() => {}
                None => self.rules.push(reference),
            }
            self.rules.len().saturating_sub(1) as u32
        };
        for indicator in &rule.indicators {
            match indicator.kind {
                IndicatorKind::Software(kind) => self.software.add(kind, &indicator.pattern, index),
                kind => self.names.add(kind, &indicator.pattern, index),
            }
        }
    }

    /// Adds a landmark.
    pub(crate) fn add_landmark(&mut self, landmark: &Landmark) {
        let kind = LandmarkKind::ALL.iter().position(|kind| *kind == landmark.kind).unwrap_or_default();
        for indicator in &landmark.indicators {
            self.landmarks.add(indicator.kind, &indicator.pattern, kind as u32);
        }
    }

    pub(crate) fn build(self) -> Matcher {
        let built_in = |product: &'static str, rule, kind| RuleRef {
            rule: Text::Borrowed(rule),
            product: Text::Borrowed(product),
            vendor: Text::Borrowed("generic"),
            confidence: Confidence::High,
            level: None,
            kind,
            embedded: false,
        };
        Matcher {
            rules: self.rules.into_boxed_slice(),
            names: self.names.build(),
            landmarks: self.landmarks.build(),
            software: self.software.build(),
            fallback_mcp: self.fallback_mcp.unwrap_or_else(|| {
                built_in("generic.mcp-server", "generic.mcp-server.any", ProductKind::McpServer)
            }),
            fallback_model: self.fallback_model.unwrap_or_else(|| {
                built_in("generic.model-file", "generic.model-file.any", ProductKind::Model)
            }),
        }
    }
}

fn reference(rule: &Rule, product: &Product) -> RuleRef {
    RuleRef {
        rule: rule.id.clone(),
        product: rule.product.clone(),
        vendor: product.vendor.clone(),
        confidence: rule.confidence,
        level: rule.level,
        kind: product.kind,
        embedded: product.embedded,
    }
}

/// Mixes a text into a seed. Fixed, not keyed: what comes from the network is only looked up, never inserted, so
/// a chosen name can at most compare equal to the one entry it collides with.
pub(crate) fn hash(seed: u32, text: &[u8]) -> u64 {
    // Odd constants of high entropy: the golden ratio and the first of wyhash's primes.
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    const L: u64 = 0xa076_1d64_78bd_642f;
    let mut h = (u64::from(seed) ^ L).wrapping_mul(K) ^ text.len() as u64;
    let mut mix = |word: u64| {
        h = (h ^ word).wrapping_mul(K);
        h ^= h >> 29;
    };
    match (text.as_chunks::<8>().0, text.last_chunk::<8>(), text.first_chunk::<4>(), text.last_chunk::<4>()) {
        // Whole words, then the last eight bytes, which may overlap.
        (words, Some(last), _, _) => {
            words.iter().for_each(|word| mix(u64::from_le_bytes(*word)));
            mix(u64::from_le_bytes(*last));
        }
        (_, None, Some(first), Some(last)) => {
            mix(u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32);
        }
        _ => mix(text.iter().fold(0, |word, &byte| word << 8 | u64::from(byte))),
    }
    h ^ (h >> 32)
}

/// Open addressing with linear probing, at most half full, so that a miss ends after a slot or two.
#[derive(Debug)]
struct Index {
    /// Upper half of the hash, and what it leads to.
    slots: Box<[(u32, u32)]>,
    entries: usize,
}

impl Default for Index {
    fn default() -> Index {
        Index { slots: vec![(0, NONE); 16].into_boxed_slice(), entries: 0 }
    }
}

impl Index {
    /// Adds an entry. `hash_of` gives the hash of any entry added so far.
    fn insert(&mut self, entry: u32, hash_of: impl Fn(u32) -> u64) {
        self.entries += 1;
        if self.entries * 2 > self.slots.len() {
            let empty = vec![(0, NONE); self.slots.len() * 2].into_boxed_slice();
            for (_, old) in
                std::mem::replace(&mut self.slots, empty).into_iter().filter(|&(_, old)| old != NONE)
            {
                self.place(old, hash_of(old));
            }
        }
        self.place(entry, hash_of(entry));
    }

    fn place(&mut self, entry: u32, hash: u64) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at].1 != NONE {
            at = (at + 1) & mask;
        }
        self.slots[at] = ((hash >> 32) as u32, entry);
    }

    fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        // Half of the slots are empty, so this ends.
        loop {
            let (tag, entry) = self.slots[at];
            if entry == NONE {
                return None;
            }
            if tag == (hash >> 32) as u32 && is_it(entry) {
                return Some(entry);
            }
            at = (at + 1) & mask;
        }
    }

    fn table_bytes(&self) -> usize {
        size_of_val(&*self.slots)
    }
}

#[cfg(test)]
mod tests;
