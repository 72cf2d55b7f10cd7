//! An organisation's own rules: what stands over the catalogue on its machines and in its collector.
//!
//! # Format
//! One TOML text in the format of the catalogue, with these differences. `[[vendor]]` is a list; a vendor `own` is there without
//! being written. Ids are in a name space that no release uses ([`Space::Own`]): vendors `own` and `own-<slug>`, products and
//! rules below them, rules of a product of the catalogue `own.<product id>.<slug>`, denies `deny.own-<slug>`. Sources may be left
//! out; a rule carries a `note` that says why it is there. There are no landmarks and no fallbacks. `[[change]]` re-names a
//! product of the catalogue (`product`, `name`) or sets how sure a rule of it is (`rule`, `confidence`), with a `reason`.
//!
//! # What a deny cancels
//! An own deny is the organisation's last word: a denied suffix cancels every pattern of the catalogue at or below it, however
//! long; any other denied pattern cancels the same one, and what the catalogue's own denies would cancel.
//!
//! # When the catalogue moves on
//! Own rules were checked against the catalogue of their day, and stand over whichever is in use. Composing never fails: a part
//! that does not hold over a catalogue is left out and told ([`Composed::left_out`]), the rest holds. Where both have a pattern, the
//! catalogue's stays: it has caught up. Whoever publishes insists on nothing being left out; whoever matches goes on.
//! A pattern on names that many share is left out wherever it comes from, so that nobody can have a machine report everything.

mod fit;
mod read;

use crate::catalogue::{Catalogue, Indicator, IndicatorKind, Origin, Problem, Product, Rule, Text, Vendor};
use crate::space::Space;
use crate::words::Confidence;
use crate::{domain, glob};

pub(crate) use fit::Survey;

/// Longest text, in bytes: a thousand rules. Bounds what composing holds in memory.
pub const MAX_OVERLAY_BYTES: usize = 256 * 1024;

/// An organisation's own rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    pub(crate) vendors: Vec<Vendor>,
    pub(crate) products: Vec<Product>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) changes: Vec<Change>,
}

/// What an organisation changes in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What, and into what.
    pub what: Changed,
    /// Why.
    pub reason: Text,
    /// Where it is written.
    pub origin: Origin,
}

/// What is changed, and into what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// A product of the catalogue has another name here.
    Name {
        /// Id of the product.
        product: Text,
        /// What people call it here.
        name: Text,
    },
    /// A rule of the catalogue is more or less sure here.
    Confidence {
        /// Id of the rule.
        rule: Text,
        /// How sure.
        confidence: Confidence,
    },
}

impl Changed {
    /// The id of what is changed. No product has the id of a rule.
    pub fn target(&self) -> &str {
        match self {
            Changed::Name { product, .. } => product,
            Changed::Confidence { rule, .. } => rule,
        }
    }
}

impl Overlay {
    /// Reads an overlay, whole or as far as it can be read, with what is wrong with it. `name` stands in messages.
    pub fn parse(name: &str, text: &str) -> (Overlay, Vec<Problem>) {
        read::overlay(name, text)
    }

    /// Vendors, by id.
    pub fn vendors(&self) -> &[Vendor] {
        &self.vendors
    }

    /// Products, by id.
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// Rules and denies, by id.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Changes of the catalogue, by what they change.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether one of its denies is about a host name, however that is written. An own rule may allow it all the same.
    pub fn denies_name(&self, name: &str) -> bool {
        let denies = || self.rules.iter().filter(|rule| rule.deny).flat_map(|rule| &rule.indicators);
        if !denies().any(|indicator| indicator.kind.is_name()) {
            return false;
        }
        let Ok(name) = domain::normalise(name) else { return false };
        let below = |suffix: &str| {
            name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        denies().any(|Indicator { kind, pattern, .. }| match kind {
            IndicatorKind::Exact => *name == **pattern,
            IndicatorKind::Suffix => below(pattern),
            IndicatorKind::Glob => {
                let (labels, stars) = (name.split('.'), pattern.split('.'));
                labels.clone().count() == stars.clone().count()
                    && stars.zip(labels).all(|(star, label)| glob::matches(star.as_bytes(), label.as_bytes()))
            }
            IndicatorKind::Software(_) => false,
        })
    }

    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.changes.is_empty() && self.products.is_empty()
    }
}

/// A catalogue with an organisation's own rules over it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Composed {
    /// Both as one.
    pub catalogue: Catalogue,
    /// Parts of the own rules that do not hold over this catalogue.
    pub left_out: Vec<Problem>,
}

impl Catalogue {
    /// This catalogue with an organisation's own rules over it. Never fails: what does not hold is left out and told.
    ///
    /// The version tells both: `<version of this one>, own <number>`. Number and date stay those of this one.
    pub fn with_overlay(&self, overlay: &Overlay, number: u32) -> Composed {
        let mut survey = Survey::new(overlay);
        self.products.iter().for_each(|product| survey.product(product));
        self.rules.iter().for_each(|rule| survey.rule(rule));
        let mut fitted = survey.finish();
        let mut catalogue = self.clone();
        for rule in &mut catalogue.rules {
            fitted.adjust(rule);
        }
        for product in &mut catalogue.products {
            if let Some(name) = fitted.name(&product.id) {
                product.name = name.clone();
            }
        }
        catalogue.vendors.append(&mut fitted.vendors);
        catalogue.products.append(&mut fitted.products);
        catalogue.rules.append(&mut fitted.rules);
        // No id of one is an id of the other, so that each stays where it is found.
        catalogue.vendors.sort_by(|a, b| a.id.cmp(&b.id));
        catalogue.products.sort_by(|a, b| a.id.cmp(&b.id));
        catalogue.rules.sort_by(|a, b| a.id.cmp(&b.id));
        let mut left_out = fitted.left_out;
        unreplaced(&mut catalogue, &mut left_out);
        left_out.sort_by_key(|problem| problem.line);
        catalogue.version = Text::Owned(composed_version(&self.version, number));
        Composed { catalogue, left_out }
    }
}

/// The version of a catalogue with own rules over it.
pub(crate) fn composed_version(base: &str, number: u32) -> String {
    format!("{base}, own {number}")
}

/// An own product or rule whose replacement is not there stands for itself.
fn unreplaced(catalogue: &mut Catalogue, left_out: &mut Vec<Problem>) {
    let lost = |what: &str, id: &str, origin: &Origin| {
        let message = format!("replaced_by of {what} `{id}` leads nowhere");
        crate::parse::problem(origin, origin.line, message, format!("name a {what} that is there"))
    };
    let own = |id: &str, replaced: &Option<Text>| replaced.is_some() && Space::of(id) == Space::Own;
    for at in 0..catalogue.products.len() {
        let product = &catalogue.products[at];
        if own(&product.id, &product.replaced_by) && catalogue.product(&product.id).is_none() {
            left_out.push(lost("product", &product.id, &product.origin));
            catalogue.products[at].replaced_by = None;
        }
    }
    for at in 0..catalogue.rules.len() {
        let rule = &catalogue.rules[at];
        if own(&rule.id, &rule.replaced_by) && catalogue.rule(&rule.id).is_none() {
            left_out.push(lost("rule", &rule.id, &rule.origin));
            catalogue.rules[at].replaced_by = None;
        }
    }
}

#[cfg(test)]
mod tests;
