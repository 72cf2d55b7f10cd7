//! What is known: vendors, their products, and the rules that recognise them.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::claim::Claim;
use crate::date::Date;
use crate::words::{
    Category, Confidence, Fallback, LandmarkKind, Level, ProductKind, Serves, SoftwareKind, SourceType,
};

/// A text of the catalogue: part of the program for the embedded one, owned for one read at run time.
pub type Text = Cow<'static, str>;

/// Who offers products.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Vendor {
    /// `[a-z0-9-]+`, never reused or renamed.
    pub id: Text,
    /// As people call it.
    pub name: Text,
    /// As the register of companies calls it.
    pub legal_name: Option<Text>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<Text>,
    /// Its web site.
    pub site: Option<Text>,
    /// Other names it goes by.
    pub aliases: Vec<Text>,
    /// Where it is written.
    #[serde(skip)]
    pub origin: Origin,
}

/// An AI thing that somebody offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Product {
    /// `<vendor id>.<slug>`, never reused or renamed.
    pub id: Text,
    /// Id of its vendor.
    pub vendor: Text,
    /// As people call it.
    pub name: Text,
    /// What sort of thing it is.
    pub kind: ProductKind,
    /// What it is for.
    pub category: Category,
    /// A sentence about it.
    pub description: Text,
    /// AI is only a part of it: a name alone says little.
    pub embedded: bool,
    /// The product that took its place; the id stays.
    pub replaced_by: Option<Text>,
    /// Where it is written.
    #[serde(skip)]
    pub origin: Origin,
}

/// Patterns that mean one product, with what is known about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// `<product id>.<slug>`, for a deny `deny.<slug>`; never reused or renamed.
    pub id: Text,
    /// Id of the product; empty for a deny.
    pub product: Text,
    /// How sure it is that this is AI.
    pub confidence: Confidence,
    /// How sure it is that this is the vendor's.
    pub attribution: Confidence,
    /// What a match proves, where it is not what the channel proves.
    pub level: Option<Level>,
    /// What the names serve.
    pub serves: Option<Serves>,
    /// Where somebody read it, or where general knowledge can be checked; empty for a deny that needs no source.
    pub source_url: Text,
    /// What sort of source that is.
    pub source_type: SourceType,
    /// The day somebody last read the source; none for general knowledge, and for a deny that needs no source.
    pub last_checked: Option<Date>,
    /// Another page, of somebody else, that names what the rule names. An extension's id is taken for sure only with two: nobody
    /// can read from one what it stands for.
    pub second_source_url: Option<Text>,
    /// A suffix of the public suffix list's private section may stand here: one vendor serves all of it.
    pub whole_suffix_is_ours: bool,
    /// For those who maintain it; the reason of a deny.
    pub note: Option<Text>,
    /// The rule that took its place; the id stays.
    pub replaced_by: Option<Text>,
    /// No longer matches anything; the id stays so that old facts keep their product.
    pub retired: bool,
    /// Stands in for things of a sort that no other rule knows.
    pub fallback: Option<Fallback>,
    /// What it matches is not AI.
    pub deny: bool,
    /// The patterns.
    pub indicators: Vec<Indicator>,
    /// What must match this very rule; for a deny: what must match no rule.
    pub examples: Vec<Text>,
    /// What must not match this rule.
    pub counter_examples: Vec<Text>,
    /// Where it is written.
    #[serde(skip)]
    pub origin: Origin,
}

impl Rule {
    /// It stands on the id of an extension that one source names, or none that was read.
    pub fn is_unconfirmed(&self) -> bool {
        use SoftwareKind as S;
        let opaque = |indicator: &Indicator| match indicator.kind {
            IndicatorKind::Software(kind) => matches!(
                kind,
                S::VscodeExtension | S::ChromiumExtension | S::FirefoxExtension | S::JetbrainsPlugin
            ),
            _ => false,
        };
        self.indicators.iter().any(opaque)
            && (self.source_type == SourceType::Knowledge || self.second_source_url.is_none())
    }
}

/// Names that are no AI and have to be known all the same, for what they say of what cannot be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Landmark {
    /// `landmark.<slug>`.
    pub id: Text,
    /// What the names mean.
    pub kind: LandmarkKind,
    /// Where somebody read it, or where general knowledge can be checked.
    pub source_url: Text,
    /// What sort of source that is.
    pub source_type: SourceType,
    /// The day somebody last read the source; none for general knowledge.
    pub last_checked: Option<Date>,
    /// The patterns, of host names only.
    pub indicators: Vec<Indicator>,
    /// Where it is written.
    #[serde(skip)]
    pub origin: Origin,
}

/// One pattern in normal form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Indicator {
    /// What it is compared with, and how.
    pub kind: IndicatorKind,
    /// The pattern.
    pub pattern: Text,
    /// Line in the file of its rule, from 1.
    #[serde(skip)]
    pub line: u32,
}

/// What a pattern is compared with, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndicatorKind {
    /// That host name.
    Exact,
    /// That host name and any below it.
    Suffix,
    /// Host names of that shape, a `*` standing for part of one label.
    Glob,
    /// An identifier of software.
    Software(SoftwareKind),
}

impl IndicatorKind {
    /// The key in TOML.
    pub const fn as_str(self) -> &'static str {
        match self {
            IndicatorKind::Exact => "exact",
            IndicatorKind::Suffix => "suffix",
            IndicatorKind::Glob => "glob",
            IndicatorKind::Software(kind) => kind.as_str(),
        }
    }

    /// The kind that a key in TOML means.
    pub fn from_key(key: &str) -> Option<IndicatorKind> {
        match key {
            "exact" => Some(IndicatorKind::Exact),
            "suffix" => Some(IndicatorKind::Suffix),
            "glob" => Some(IndicatorKind::Glob),
            _ => key.parse().ok().map(IndicatorKind::Software),
        }
    }

    /// Whether it is compared with host names.
    pub const fn is_name(self) -> bool {
        !matches!(self, IndicatorKind::Software(_))
    }
}

impl fmt::Display for IndicatorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for IndicatorKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Where a part of the catalogue is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// File name.
    pub file: Text,
    /// Line, from 1.
    pub line: u32,
}

/// A mistake in a catalogue, or something in it that deserves a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// File name.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.file, self.line, self.message, self.fix)
    }
}

impl std::error::Error for Problem {}

/// All that is known, sorted by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    pub(crate) number: u32,
    pub(crate) date: Date,
    pub(crate) version: Text,
    pub(crate) landmarks: Vec<Landmark>,
    pub(crate) vendors: Vec<Vendor>,
    pub(crate) products: Vec<Product>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) claims: Vec<Claim>,
}

impl Catalogue {
    /// `<date>.<number>+<digest of the texts>`: tells any two catalogues apart.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Grows with every published catalogue; a lower one never follows a higher one.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The day it was published.
    pub fn date(&self) -> Date {
        self.date
    }

    /// All vendors, by id.
    pub fn vendors(&self) -> &[Vendor] {
        &self.vendors
    }

    /// All products, by id, replaced ones included.
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// All rules, by id, denies and replaced ones included.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Names that are no AI and have to be known all the same, by id.
    pub fn landmarks(&self) -> &[Landmark] {
        &self.landmarks
    }

    /// What sources say about vendors, by id, retired ones included.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// What sources say about one vendor, without what is retired.
    pub fn claims_of(&self, vendor: &str) -> impl Iterator<Item = &Claim> {
        let start = self.claims.partition_point(|claim| *claim.vendor < *vendor);
        let of_vendor = self.claims[start..].iter().take_while(move |claim| claim.vendor == vendor);
        of_vendor.filter(|claim| !claim.retired)
    }

    /// The vendor of that id.
    pub fn vendor(&self, id: &str) -> Option<&Vendor> {
        find(&self.vendors, id, |vendor| &vendor.id)
    }

    /// The product of that id, or the one that took its place.
    pub fn product(&self, id: &str) -> Option<&Product> {
        follow(&self.products, id, |product| &product.id, |product| product.replaced_by.as_deref())
    }

    /// The rule of that id, or the one that took its place.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        follow(&self.rules, id, |rule| &rule.id, |rule| rule.replaced_by.as_deref())
    }

    /// The patterns of one kind, each with its rule: what a scanner may want to look for by name.
    pub fn indicators(&self, kind: IndicatorKind) -> impl Iterator<Item = (&Rule, &str)> {
        self.rules.iter().filter(|rule| !rule.deny).flat_map(move |rule| {
            let of_kind = move |indicator: &&Indicator| indicator.kind == kind;
            rule.indicators.iter().filter(of_kind).map(move |indicator| (rule, &*indicator.pattern))
        })
    }
}

fn find<'a, T>(sorted: &'a [T], id: &str, id_of: impl Fn(&T) -> &str) -> Option<&'a T> {
    sorted.binary_search_by(|item| id_of(item).cmp(id)).ok().map(|at| &sorted[at])
}

/// Longest chain of replacements that is followed.
pub(crate) const MAX_REPLACEMENTS: usize = 16;

fn follow<'a, T>(
    sorted: &'a [T],
    id: &str,
    id_of: impl Fn(&T) -> &str,
    next: impl Fn(&'a T) -> Option<&'a str>,
) -> Option<&'a T> {
    let mut found = find(sorted, id, &id_of)?;
    for _ in 0..MAX_REPLACEMENTS {
        match next(found) {
            Some(id) => found = find(sorted, id, &id_of)?,
            None => return Some(found),
        }
    }
    None
}
