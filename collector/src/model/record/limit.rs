//! Where and in which versions a decision lets something be used.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest version, in characters.
const VERSION_CHARS: usize = 64;

/// What a decision is limited to; empty: wherever and in whatever version it is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limit {
    /// Units in which alone, by number.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub units: BTreeSet<i64>,
    /// Versions in which alone, of the products that are named.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub versions: BTreeSet<VersionLimit>,
}

/// Versions of a product: from one on, below another one, or both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VersionLimit {
    /// Its id in the catalogue; empty while it is asked for: the only product of the record.
    pub product: String,
    /// The first version of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The first version after them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<String>,
}

/// Why a text is no limit by version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VersionRefused {
    /// Another form.
    #[error("write a limit by version as `PRODUCT >=1.2 <2.0`, with one of the two versions or both")]
    Form,
    /// A version that has no place in an order.
    #[error("a version that others can be compared with begins with a digit and has at most 64 characters")]
    Version,
    /// Nothing would be left.
    #[error("the first version has to come before the one that it ends below")]
    Empty,
}

impl VersionLimit {
    /// Reads `PRODUCT >=1.2 <2.0`; the product may be left out.
    pub fn parse(text: &str) -> Result<Self, VersionRefused> {
        let (mut product, mut from, mut below) = (None, None, None);
        for (at, word) in text.split_whitespace().enumerate() {
            let place = match (word.strip_prefix(">="), word.strip_prefix('<')) {
                (Some(version), _) => (&mut from, version),
                (_, Some(version)) if !version.starts_with('=') => (&mut below, version),
                _ if at == 0 && !word.starts_with(['<', '>', '=']) => (&mut product, word),
                _ => return Err(VersionRefused::Form),
            };
            if place.0.replace(place.1.to_owned()).is_some() {
                return Err(VersionRefused::Form);
            }
        }
        let limit = Self { product: product.unwrap_or_default(), from, below };
        limit.check()?;
        Ok(limit)
    }

    fn check(&self) -> Result<(), VersionRefused> {
        let bounds = || self.from.iter().chain(&self.below);
        if bounds().count() == 0 {
            return Err(VersionRefused::Form);
        }
        if bounds()
            .any(|version| version.chars().count() > VERSION_CHARS || compared(version, version).is_none())
        {
            return Err(VersionRefused::Version);
        }
        match (&self.from, &self.below) {
            (Some(from), Some(below)) if compared(from, below) != Some(Ordering::Less) => {
                Err(VersionRefused::Empty)
            }
            _ => Ok(()),
        }
    }

    /// Whether a version lies in it; one that has no place in the order does not.
    pub fn holds(&self, version: &str) -> bool {
        let from = self
            .from
            .as_ref()
            .is_none_or(|from| matches!(compared(version, from), Some(Ordering::Equal | Ordering::Greater)));
        from && self.below.as_ref().is_none_or(|below| compared(version, below) == Some(Ordering::Less))
    }
}

impl fmt::Display for VersionLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.product)?;
        if let Some(from) = &self.from {
            write!(f, " >={from}")?;
        }
        if let Some(below) = &self.below {
            write!(f, " <{below}")?;
        }
        Ok(())
    }
}

/// Of versions by product, those that no limit of their product holds.
pub(super) fn outside(
    limits: &BTreeSet<VersionLimit>,
    seen: &BTreeMap<String, BTreeSet<String>>,
) -> BTreeSet<(String, String)> {
    let mut outside = BTreeSet::new();
    for (product, versions) in seen {
        let of_product: Vec<&VersionLimit> =
            limits.iter().filter(|limit| limit.product == *product).collect();
        if of_product.is_empty() {
            continue;
        }
        let left_out = versions.iter().filter(|version| !of_product.iter().any(|limit| limit.holds(version)));
        outside.extend(left_out.map(|version| (product.clone(), version.clone())));
    }
    outside
}

/// Which of two versions is the older one; `None`: one of them does not begin with a digit (but for a `v`), so that it has no place in an order.
///
/// Versions of all makes are compared: numbers as numbers, however many of them there are (1.10 after 1.9, 1.0 like 1); what is named before a
/// release (`-rc.1`, `b2`, `dev`) before it (Semantic Versioning 2.0.0 §11, PEP 440), other words after it (`1.0-ubuntu2` after `1.0`, as of
/// packages); what stands behind a `+` says nothing of the order (§10).
pub fn compared(one: &str, other: &str) -> Option<Ordering> {
    Some(parts(one)?.cmp(&parts(other)?))
}

/// A part of a version. The order of the kinds is that of versions: what is named before a release, the release, other words, more numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// What comes before a release.
    Before(String),
    /// Nothing more. Each version ends with it.
    End,
    /// Any other word.
    Word(String),
    /// A number: how many digits it has without zeros in front, and these. No number is too long to be compared.
    Number(usize, String),
}

/// Words that name what comes before a release.
const BEFORE: [&str; 13] = [
    "a", "alpha", "b", "beta", "c", "canary", "dev", "insider", "insiders", "nightly", "pre", "preview", "rc",
];

/// The parts of a version. Zeros at the end of a run of numbers are left out: 1.0 is 1.
fn parts(version: &str) -> Option<Vec<Part>> {
    let version = version.trim();
    let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let version = version.split_once('+').map_or(version, |(release, _)| release);
    if !version.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let (mut parts, mut rest) = (Vec::new(), version);
    loop {
        rest = rest.trim_start_matches(|letter: char| !letter.is_alphanumeric());
        let Some(first) = rest.chars().next() else { break };
        let digits = first.is_ascii_digit();
        let other_kind = |letter: char| !letter.is_alphanumeric() || letter.is_ascii_digit() != digits;
        let (part, behind) = rest.split_at(rest.find(other_kind).unwrap_or(rest.len()));
        rest = behind;
        if digits {
            let number = part.trim_start_matches('0');
            parts.push(Part::Number(number.len(), number.to_owned()));
            continue;
        }
        without_zeros(&mut parts);
        let word = part.to_lowercase();
        parts.push(if BEFORE.contains(&word.as_str()) { Part::Before(word) } else { Part::Word(word) });
    }
    without_zeros(&mut parts);
    parts.push(Part::End);
    Some(parts)
}

fn without_zeros(parts: &mut Vec<Part>) {
    while parts.last() == Some(&Part::Number(0, String::new())) {
        parts.pop();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_of_all_makes_stand_in_their_order() {
        let in_order = [
            "0.9",
            "1.0.0-alpha",
            "1.0.0-alpha.2",
            "1.0.0-beta",
            "1.0.0-rc.1",
            "1.0.0-rc.11",
            "1.0.0",
            "1.0.0-ubuntu2",
            "1.0.1",
            "1.9",
            "1.10",
            "2.0b1",
            "2.0",
            "2.0.0.1",
            "10",
            "2026.11.21",
            "2026.11.22",
        ];
        for (at, one) in in_order.iter().enumerate() {
            for (other_at, other) in in_order.iter().enumerate() {
                assert_eq!(compared(one, other), Some(at.cmp(&other_at)), "{one} {other}");
            }
        }
        for (one, other) in
            [("1.0", "1"), ("v1.2", "1.2"), ("1.2+build.7", "1.2"), ("1.02", "1.2"), ("1.0.0.0", "1")]
        {
            assert_eq!(compared(one, other), Some(Ordering::Equal), "{one} {other}");
        }
        for odd in ["", "latest", "deadbeef", "vnext", "-1"] {
            assert_eq!(compared(odd, "1.0"), None, "{odd}");
        }
        assert_eq!(compared(&"9".repeat(500), &"8".repeat(500)), Some(Ordering::Greater));
    }

    #[test]
    fn a_limit_is_read_as_it_is_written() {
        for text in ["acme.chat >=1.2 <2.0", "acme.chat >=1.2", "acme.chat <2"] {
            assert_eq!(VersionLimit::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(VersionLimit::parse(" <2  >=1 ").unwrap().to_string(), " >=1 <2");
        for text in [
            "",
            "acme.chat",
            "acme.chat 1.2",
            "acme.chat >1.2",
            "acme.chat <=2",
            ">=1 >=2",
            "<1 <2",
            ">=1 acme",
        ] {
            assert_eq!(VersionLimit::parse(text), Err(VersionRefused::Form), "{text}");
        }
        for text in [">=latest", "<", &format!("<{}", "1".repeat(65))] {
            assert_eq!(VersionLimit::parse(text), Err(VersionRefused::Version), "{text}");
        }
        for text in [">=2 <2", ">=2 <1.9", ">=2.0 <2"] {
            assert_eq!(VersionLimit::parse(text), Err(VersionRefused::Empty), "{text}");
        }
    }

    #[test]
    fn what_no_limit_of_its_product_holds_is_outside() {
        let limits = ["a >=1 <2", "a >=3", "b <5"].map(|text| VersionLimit::parse(text).unwrap()).into();
        let versions = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let seen = BTreeMap::from([
            ("a".to_owned(), versions(&["0.9", "1.5", "2.1", "3.0", "nightly"])),
            ("b".to_owned(), versions(&["4.9"])),
            ("c".to_owned(), versions(&["1"])),
        ]);
        let found = outside(&limits, &seen);
        let found: Vec<_> =
            found.iter().map(|(product, version)| (product.as_str(), version.as_str())).collect();
        assert_eq!(found, [("a", "0.9"), ("a", "2.1"), ("a", "nightly")]);
    }

    proptest! {
        /// An order: of any three versions that have a place in it.
        #[test]
        fn comparing_is_an_order(
            one in "[0-9]{1,2}([.-]([0-9]{1,2}|rc|beta|x)){0,4}",
            two in "[0-9]{1,2}([.-]([0-9]{1,2}|rc|beta|x)){0,4}",
            three in "[0-9]{1,2}([.-]([0-9]{1,2}|rc|beta|x)){0,4}",
        ) {
            let of = |one: &str, other: &str| compared(one, other).unwrap();
            prop_assert_eq!(of(&one, &one), Ordering::Equal);
            prop_assert_eq!(of(&one, &two), of(&two, &one).reverse());
            let (first, second) = (of(&one, &two), of(&two, &three));
            if first == second || second == Ordering::Equal {
                prop_assert_eq!(of(&one, &three), first, "{} {} {}", one, two, three);
            }
            if first == Ordering::Equal {
                prop_assert_eq!(of(&one, &three), second, "{} {} {}", one, two, three);
            }
        }

        #[test]
        fn any_text_is_survived(one in "\\PC{0,40}", other in "\\PC{0,40}") {
            let _ = (compared(&one, &other), VersionLimit::parse(&one));
        }
    }
}
