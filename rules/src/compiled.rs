//! The catalogue as one run of bytes: what the build script writes and the program reads without copying.
//!
//! Layout: magic, number, date, version, then landmarks, vendors, products, rules and claims, each list led by its length
//! and sorted by id (claims by vendor first). Numbers are LEB128, texts their length and UTF-8, words their position in their
//! list, optional things a 0 or a 1 and the thing. What matching does not need of a rule comes last in it, led by its length.
//! The embedded catalogue is of the same build as its reader; one that comes in a bundle says which [`LAYOUT`] it has.

use crate::catalogue::{Catalogue, Indicator, IndicatorKind, Landmark, Origin, Product, Rule, Text, Vendor};
use crate::claim::Claim;
use crate::date::Date;
use crate::words::{
    Answer, Category, ClaimSource, Confidence, Fallback, Framework, LandmarkKind, Level, ProductKind, Serves,
    SoftwareKind, SourceType,
};

pub(crate) const MAGIC: &[u8] = b"umbrascope rules\n";

/// Grows by one with every change of the layout that was part of a release, a word added to a list among them: a program reads
/// only its own. The test of this name in `bundle` fails when the bytes change.
pub(crate) const LAYOUT: u32 = 1;

/// Longest pattern, in bytes: names have 253, and no path or identifier of ours comes near. The matcher counts in 16 bits.
const MAX_PATTERN_BYTES: usize = 4096;

/// Reads a whole catalogue; `None` where the bytes are not what the build script writes.
pub(crate) fn decode<'a>(source: impl Into<Reader<'a>>) -> Option<Catalogue> {
    let mut reader = source.into().begin()?;
    let catalogue = Catalogue {
        number: reader.number()?,
        date: Date::from_days(reader.number()?),
        version: reader.text()?,
        landmarks: reader.list(Reader::landmark)?,
        vendors: reader.list(Reader::vendor)?,
        products: reader.list(Reader::product)?,
        rules: reader.list(Reader::rule)?,
        claims: reader.list(Reader::claim)?,
    };
    reader.0.is_empty().then_some(catalogue)
}

/// Reads the version alone.
pub(crate) fn version<'a>(source: impl Into<Reader<'a>>) -> Option<Text> {
    let mut reader = source.into().begin()?;
    reader.number()?;
    reader.number()?;
    reader.text()
}

/// Reads the number alone.
pub(crate) fn number(bytes: &[u8]) -> Option<u32> {
    Reader::from(Passing(bytes)).begin()?.number()
}

/// Reads the landmarks alone.
pub(crate) fn landmarks<'a>(source: impl Into<Reader<'a>>) -> Option<Vec<Landmark>> {
    head(source.into())?.list(Reader::landmark)
}

/// Reads what a matcher needs of the rules, a rule at a time, so that the whole catalogue never stands in memory: ids,
/// confidence and indicators, the rest of a rule being left at nothing. `None` where the bytes are no catalogue, also after some visits.
pub(crate) fn visit_rules<'a>(
    source: impl Into<Reader<'a>>,
    mut visit: impl FnMut(&[Product], Rule),
) -> Option<()> {
    let mut reader = head(source.into())?;
    for _ in 0..reader.number()? {
        reader.landmark()?;
    }
    for _ in 0..reader.number()? {
        reader.vendor()?;
    }
    let products = reader.list(Reader::product)?;
    for _ in 0..reader.number()? {
        let (rule, _) = reader.rule_head()?;
        visit(&products, rule);
    }
    for _ in 0..reader.number()? {
        reader.claim()?;
    }
    reader.0.is_empty().then_some(())
}

/// The bytes behind the version.
fn head(source: Reader<'_>) -> Option<Reader<'_>> {
    let mut reader = source.begin()?;
    reader.number()?;
    reader.number()?;
    reader.text()?;
    Some(reader)
}

/// Bytes of a catalogue, and how their texts are kept.
pub(crate) struct Reader<'a>(&'a [u8], fn(&'a str) -> Text);

/// Bytes that go away: every text is copied.
pub(crate) struct Passing<'a>(pub(crate) &'a [u8]);

impl From<&'static [u8]> for Reader<'static> {
    /// Bytes that stay: every text is part of them.
    fn from(bytes: &'static [u8]) -> Self {
        Reader(bytes, Text::Borrowed)
    }
}

impl<'a> From<Passing<'a>> for Reader<'a> {
    fn from(bytes: Passing<'a>) -> Self {
        Reader(bytes.0, |text| Text::Owned(text.to_owned()))
    }
}

impl<'a> Reader<'a> {
    fn begin(self) -> Option<Self> {
        Some(Reader(self.0.strip_prefix(MAGIC)?, self.1))
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = 0;
        for shift in (0..32).step_by(7) {
            let byte = self.byte()?;
            number |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<Text> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some((self.1)(std::str::from_utf8(text).ok()?))
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.byte()? == 1)
    }

    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Some(None) }
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = usize::try_from(self.number()?).ok()?;
        // Each item takes a byte at least, and much more in memory: a wrong length must not reserve that.
        let mut items = Vec::with_capacity(length.min(self.0.len()).min(4096));
        for _ in 0..length {
            items.push(read(self)?);
        }
        Some(items)
    }

    fn word<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        all.get(usize::try_from(self.number()?).ok()?).copied()
    }

    fn origin(&mut self) -> Option<Origin> {
        Some(Origin { file: self.text()?, line: self.number()? })
    }

    fn landmark(&mut self) -> Option<Landmark> {
        Some(Landmark {
            id: self.text()?,
            kind: self.word(LandmarkKind::ALL)?,
            source_url: self.text()?,
            source_type: self.word(SourceType::ALL)?,
            last_checked: self.optional(|reader| reader.number().map(Date::from_days))?,
            indicators: self.list(Reader::indicator)?,
            origin: self.origin()?,
        })
    }

    fn vendor(&mut self) -> Option<Vendor> {
        Some(Vendor {
            id: self.text()?,
            name: self.text()?,
            legal_name: self.optional(Reader::text)?,
            country: self.optional(Reader::text)?,
            site: self.optional(Reader::text)?,
            aliases: self.list(Reader::text)?,
            origin: self.origin()?,
        })
    }

    fn product(&mut self) -> Option<Product> {
        Some(Product {
            id: self.text()?,
            vendor: self.text()?,
            name: self.text()?,
            kind: self.word(ProductKind::ALL)?,
            category: self.word(Category::ALL)?,
            description: self.text()?,
            embedded: self.flag()?,
            replaced_by: self.optional(Reader::text)?,
            origin: self.origin()?,
        })
    }

    fn rule(&mut self) -> Option<Rule> {
        let (head, mut rest) = self.rule_head()?;
        let rule = Rule {
            attribution: rest.word(Confidence::ALL)?,
            serves: rest.optional(|reader| reader.word(Serves::ALL))?,
            source_url: rest.text()?,
            source_type: rest.word(SourceType::ALL)?,
            last_checked: rest.optional(|reader| reader.number().map(Date::from_days))?,
            second_source_url: rest.optional(Reader::text)?,
            whole_suffix_is_ours: rest.flag()?,
            note: rest.optional(Reader::text)?,
            replaced_by: rest.optional(Reader::text)?,
            retired: rest.flag()?,
            examples: rest.list(Reader::text)?,
            counter_examples: rest.list(Reader::text)?,
            origin: rest.origin()?,
            ..head
        };
        rest.0.is_empty().then_some(rule)
    }

    /// What matching needs of a rule, and the bytes of what it does not.
    fn rule_head(&mut self) -> Option<(Rule, Reader<'a>)> {
        let rule = Rule {
            id: self.text()?,
            product: self.text()?,
            confidence: self.word(Confidence::ALL)?,
            level: self.optional(|reader| reader.word(Level::ALL))?,
            fallback: self.optional(|reader| reader.word(Fallback::ALL))?,
            deny: self.flag()?,
            indicators: self.list(Reader::indicator)?,
            attribution: Confidence::Suspect,
            serves: None,
            source_url: Text::default(),
            source_type: SourceType::Observation,
            last_checked: None,
            second_source_url: None,
            whole_suffix_is_ours: false,
            note: None,
            replaced_by: None,
            retired: false,
            examples: Vec::new(),
            counter_examples: Vec::new(),
            origin: Origin::default(),
        };
        let length = usize::try_from(self.number()?).ok()?;
        let (rest, after) = self.0.split_at_checked(length)?;
        self.0 = after;
        Some((rule, Reader(rest, self.1)))
    }

    fn claim(&mut self) -> Option<Claim> {
        Some(Claim {
            id: self.text()?,
            vendor: self.text()?,
            framework: self.word(Framework::ALL)?,
            status: self.word(Answer::ALL)?,
            product: self.optional(Reader::text)?,
            plan: self.optional(Reader::text)?,
            scope: self.optional(Reader::text)?,
            detail: self.optional(Reader::text)?,
            link: self.optional(Reader::text)?,
            source_url: self.text()?,
            source_type: self.word(ClaimSource::ALL)?,
            source_date: self.optional(|reader| reader.number().map(Date::from_days))?,
            last_checked: Date::from_days(self.number()?),
            confidence: self.word(Confidence::ALL)?,
            retired: self.flag()?,
            origin: self.origin()?,
        })
    }

    fn indicator(&mut self) -> Option<Indicator> {
        let kind = match self.byte()? {
            0 => IndicatorKind::Exact,
            1 => IndicatorKind::Suffix,
            2 => IndicatorKind::Glob,
            3 => IndicatorKind::Software(self.word(SoftwareKind::ALL)?),
            _ => return None,
        };
        let pattern = Some(self.text()?).filter(|pattern| pattern.len() <= MAX_PATTERN_BYTES)?;
        Some(Indicator { kind, pattern, line: self.number()? })
    }
}
