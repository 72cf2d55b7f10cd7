//! The catalogue into the bytes that [`compiled`](crate::compiled) describes: done by the build script, and by tests.

use crate::catalogue::{Catalogue, Indicator, IndicatorKind, Landmark, Origin, Product, Rule, Text, Vendor};
use crate::claim::Claim;
use crate::compiled::MAGIC;
use crate::words::{
    Answer, Category, ClaimSource, Confidence, Fallback, Framework, LandmarkKind, Level, ProductKind, Serves,
    SoftwareKind, SourceType,
};

/// Writes a catalogue.
pub(crate) fn encode(catalogue: &Catalogue) -> Vec<u8> {
    let mut writer = Writer(MAGIC.to_vec());
    writer.number(catalogue.number);
    writer.number(catalogue.date.days());
    writer.text(&catalogue.version);
    writer.list(&catalogue.landmarks, Writer::landmark);
    writer.list(&catalogue.vendors, Writer::vendor);
    writer.list(&catalogue.products, Writer::product);
    writer.list(&catalogue.rules, Writer::rule);
    writer.list(&catalogue.claims, Writer::claim);
    writer.0
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: u32) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn text(&mut self, text: &Text) {
        self.number(text.len() as u32);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.0.push(u8::from(flag));
    }

    fn optional<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Writer, &T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Writer, &T)) {
        self.number(items.len() as u32);
        for item in items {
            write(self, item);
        }
    }

    fn word<T: PartialEq>(&mut self, all: &[T], word: &T) {
        self.number(all.iter().position(|known| known == word).unwrap_or_default() as u32);
    }

    fn origin(&mut self, origin: &Origin) {
        self.text(&origin.file);
        self.number(origin.line);
    }

    fn landmark(&mut self, landmark: &Landmark) {
        self.text(&landmark.id);
        self.word(LandmarkKind::ALL, &landmark.kind);
        self.text(&landmark.source_url);
        self.word(SourceType::ALL, &landmark.source_type);
        self.optional(landmark.last_checked.as_ref(), |writer, date| writer.number(date.days()));
        self.list(&landmark.indicators, Writer::indicator);
        self.origin(&landmark.origin);
    }

    fn vendor(&mut self, vendor: &Vendor) {
        self.text(&vendor.id);
        self.text(&vendor.name);
        self.optional(vendor.legal_name.as_ref(), Writer::text);
        self.optional(vendor.country.as_ref(), Writer::text);
        self.optional(vendor.site.as_ref(), Writer::text);
        self.list(&vendor.aliases, Writer::text);
        self.origin(&vendor.origin);
    }

    fn product(&mut self, product: &Product) {
        self.text(&product.id);
        self.text(&product.vendor);
        self.text(&product.name);
        self.word(ProductKind::ALL, &product.kind);
        self.word(Category::ALL, &product.category);
        self.text(&product.description);
        self.flag(product.embedded);
        self.optional(product.replaced_by.as_ref(), Writer::text);
        self.origin(&product.origin);
    }

    fn rule(&mut self, rule: &Rule) {
        self.text(&rule.id);
        self.text(&rule.product);
        self.word(Confidence::ALL, &rule.confidence);
        self.optional(rule.level.as_ref(), |writer, level| writer.word(Level::ALL, level));
        self.optional(rule.fallback.as_ref(), |writer, fallback| writer.word(Fallback::ALL, fallback));
        self.flag(rule.deny);
        self.list(&rule.indicators, Writer::indicator);
        let mut rest = Writer(Vec::new());
        rest.rule_rest(rule);
        self.number(rest.0.len() as u32);
        self.0.append(&mut rest.0);
    }

    fn rule_rest(&mut self, rule: &Rule) {
        self.word(Confidence::ALL, &rule.attribution);
        self.optional(rule.serves.as_ref(), |writer, serves| writer.word(Serves::ALL, serves));
        self.text(&rule.source_url);
        self.word(SourceType::ALL, &rule.source_type);
        self.optional(rule.last_checked.as_ref(), |writer, date| writer.number(date.days()));
        self.optional(rule.second_source_url.as_ref(), Writer::text);
        self.flag(rule.whole_suffix_is_ours);
        self.optional(rule.note.as_ref(), Writer::text);
        self.optional(rule.replaced_by.as_ref(), Writer::text);
        self.flag(rule.retired);
        self.list(&rule.examples, Writer::text);
        self.list(&rule.counter_examples, Writer::text);
        self.origin(&rule.origin);
    }

    fn claim(&mut self, claim: &Claim) {
        self.text(&claim.id);
        self.text(&claim.vendor);
        self.word(Framework::ALL, &claim.framework);
        self.word(Answer::ALL, &claim.status);
        self.optional(claim.product.as_ref(), Writer::text);
        self.optional(claim.plan.as_ref(), Writer::text);
        self.optional(claim.scope.as_ref(), Writer::text);
        self.optional(claim.detail.as_ref(), Writer::text);
        self.optional(claim.link.as_ref(), Writer::text);
        self.text(&claim.source_url);
        self.word(ClaimSource::ALL, &claim.source_type);
        self.optional(claim.source_date.as_ref(), |writer, date| writer.number(date.days()));
        self.number(claim.last_checked.days());
        self.word(Confidence::ALL, &claim.confidence);
        self.flag(claim.retired);
        self.origin(&claim.origin);
    }

    fn indicator(&mut self, indicator: &Indicator) {
        match indicator.kind {
            IndicatorKind::Exact => self.0.push(0),
            IndicatorKind::Suffix => self.0.push(1),
            IndicatorKind::Glob => self.0.push(2),
            IndicatorKind::Software(kind) => {
                self.0.push(3);
                self.word(SoftwareKind::ALL, &kind);
            }
        }
        self.text(&indicator.pattern);
        self.number(indicator.line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compiled::{decode, landmarks, visit_rules};

    #[test]
    fn a_catalogue_reads_back_as_it_was_written_and_no_prefix_does() {
        let catalogue = crate::testing::small();
        let bytes: &'static [u8] = encode(&catalogue).leak();
        assert_eq!(decode(bytes), Some(catalogue.clone()));
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), None, "{end}");
        }
        let mut rules = Vec::new();
        visit_rules(bytes, |products, rule| rules.push((products.len(), rule.id, rule.indicators))).unwrap();
        let expected: Vec<_> =
            catalogue.rules().iter().map(|rule| (1, rule.id.clone(), rule.indicators.clone())).collect();
        assert_eq!(rules, expected);
        assert!(!catalogue.claims().is_empty(), "or what stands behind the rules is not tried");
        assert_eq!(landmarks(bytes).as_deref(), Some(catalogue.landmarks()));
    }
}
