//! What of an overlay holds over a catalogue that is looked through once, a rule at a time.

use std::collections::{HashMap, HashSet};

use super::{Changed, Overlay};
use crate::catalogue::{Indicator, IndicatorKind, Origin, Problem, Product, Rule, Text, Vendor};
use crate::lint::check_own_place;
use crate::parse::problem;
use crate::space::Space;
use crate::words::Confidence;

/// Looks at the products and rules of a catalogue for what an overlay has to do with.
pub(crate) struct Survey<'o> {
    overlay: &'o Overlay,
    /// Products that the overlay names, as far as the catalogue has them.
    products: HashMap<&'o str, Option<Product>>,
    /// Rules that the overlay names, and whether the catalogue's matches anything.
    rules: HashMap<&'o str, Option<bool>>,
    /// Patterns of the overlay, and the rule of the catalogue that has the same one.
    patterns: HashMap<IndicatorKind, HashMap<&'o str, Option<Holder>>>,
}

struct Holder {
    rule: Text,
    deny: bool,
}

impl<'o> Survey<'o> {
    pub(crate) fn new(overlay: &'o Overlay) -> Self {
        let mut survey =
            Self { overlay, products: HashMap::new(), rules: HashMap::new(), patterns: HashMap::new() };
        for rule in &overlay.rules {
            if Space::of(&rule.product) == Space::Release && !rule.deny {
                survey.products.insert(&rule.product, None);
            }
            for indicator in &rule.indicators {
                survey.patterns.entry(indicator.kind).or_default().insert(&indicator.pattern, None);
            }
        }
        for change in &overlay.changes {
            match &change.what {
                Changed::Name { product, .. } => drop(survey.products.insert(product, None)),
                Changed::Confidence { rule, .. } => drop(survey.rules.insert(rule, None)),
            }
        }
        survey
    }

    pub(crate) fn product(&mut self, product: &Product) {
        if let Some(found) = self.products.get_mut(&*product.id) {
            *found = Some(product.clone());
        }
    }

    pub(crate) fn rule(&mut self, rule: &Rule) {
        if let Some(found) = self.rules.get_mut(&*rule.id) {
            *found = Some(!rule.indicators.is_empty() || rule.fallback.is_some());
        }
        for indicator in &rule.indicators {
            let of_kind = self.patterns.get_mut(&indicator.kind);
            if let Some(holder) = of_kind.and_then(|patterns| patterns.get_mut(&*indicator.pattern)) {
                *holder = Some(Holder { rule: rule.id.clone(), deny: rule.deny });
            }
        }
    }

    /// What holds.
    pub(crate) fn finish(self) -> Fitted {
        let mut fitted = Fitted {
            vendors: self.overlay.vendors.clone(),
            products: self.overlay.products.clone(),
            base_products: self.products.values().flatten().cloned().collect(),
            ..Fitted::default()
        };
        fitted.base_products.sort_by(|a, b| a.id.cmp(&b.id));
        for change in &self.overlay.changes {
            let message = match &change.what {
                Changed::Name { product, name } => match self.products.get(&**product) {
                    Some(Some(found)) if found.replaced_by.is_none() => {
                        fitted.names.insert(product.clone(), name.clone());
                        continue;
                    }
                    Some(Some(_)) => format!("product `{product}` was replaced by another"),
                    _ => format!("the catalogue has no product `{product}`"),
                },
                Changed::Confidence { rule, confidence } => match self.rules.get(&**rule) {
                    Some(Some(true)) => {
                        fitted.confidence.insert(rule.clone(), *confidence);
                        continue;
                    }
                    Some(Some(false)) => format!("rule `{rule}` matches nothing any more"),
                    _ => format!("the catalogue has no rule `{rule}`"),
                },
            };
            fitted.leave_out(
                &change.origin,
                change.origin.line,
                message,
                "correct the id, or remove the change",
            );
        }
        for rule in &self.overlay.rules {
            self.fit_rule(rule, &mut fitted);
        }
        fitted
    }

    fn fit_rule(&self, rule: &Rule, fitted: &mut Fitted) {
        let line = rule.origin.line;
        let has_product = rule.deny
            || self.overlay.products.binary_search_by(|product| product.id.cmp(&rule.product)).is_ok()
            || matches!(self.products.get(&*rule.product), Some(Some(_)));
        if !has_product {
            let message = format!("rule `{}` is of product `{}`, which is not there", rule.id, rule.product);
            fitted.leave_out(&rule.origin, line, message, "add the product or correct the id");
            return;
        }
        let mut rule = rule.clone();
        let indicators = std::mem::take(&mut rule.indicators);
        for indicator in indicators {
            match self.fit_indicator(&rule, &indicator) {
                Ok(()) => {
                    if rule.deny {
                        fitted.denied.insert((indicator.kind, indicator.pattern.clone()));
                    }
                    rule.indicators.push(indicator);
                }
                Err((message, fix)) => fitted.leave_out(&rule.origin, indicator.line, message, fix),
            }
        }
        fitted.rules.push(rule);
    }

    fn fit_indicator(&self, rule: &Rule, indicator: &Indicator) -> Result<(), (String, String)> {
        let Indicator { kind, pattern, .. } = indicator;
        let holder = self.patterns.get(kind).and_then(|patterns| patterns.get(&**pattern)?.as_ref());
        match holder {
            Some(Holder { rule: held, deny }) if *deny == rule.deny => {
                let (does, fix) = match deny {
                    true => ("denies", "remove it here".to_owned()),
                    false => (
                        "has",
                        format!(
                            "remove it here; a [[change]] re-names its product or sets the confidence of `{held}`"
                        ),
                    ),
                };
                return Err((format!("the catalogue {does} {kind} `{pattern}` already, in `{held}`"), fix));
            }
            Some(Holder { rule: held, deny: true }) => {
                let message = format!("the catalogue denies {kind} `{pattern}`, in `{held}`");
                return Err((message, "write a longer pattern: what is denied stays so".to_owned()));
            }
            _ => {}
        }
        if rule.deny { Ok(()) } else { check_own_place(rule, indicator) }
    }
}

/// An overlay as far as it holds, and what it does to the catalogue.
#[derive(Default)]
pub(crate) struct Fitted {
    pub(crate) vendors: Vec<Vendor>,
    pub(crate) products: Vec<Product>,
    /// Rules and denies, by id.
    pub(crate) rules: Vec<Rule>,
    pub(crate) left_out: Vec<Problem>,
    /// Products of the catalogue that own rules are of.
    base_products: Vec<Product>,
    names: HashMap<Text, Text>,
    confidence: HashMap<Text, Confidence>,
    denied: HashSet<(IndicatorKind, Text)>,
}

impl Fitted {
    fn leave_out(&mut self, origin: &Origin, line: u32, message: String, fix: impl Into<String>) {
        self.left_out.push(problem(origin, line, message, fix));
    }

    /// What people call a product of the catalogue here, where that is something else.
    pub(crate) fn name(&self, product: &str) -> Option<&Text> {
        self.names.get(product)
    }

    /// Makes a rule of the catalogue what it is here.
    pub(crate) fn adjust(&self, rule: &mut Rule) {
        if let Some(confidence) = self.confidence.get(&rule.id) {
            rule.confidence = *confidence;
        }
        if !self.denied.is_empty() && !rule.deny {
            rule.indicators.retain(|indicator| !self.cancels(indicator));
        }
    }

    /// All products that own rules are of, by id.
    pub(crate) fn all_products(&self) -> Vec<Product> {
        let mut all = [&*self.base_products, &*self.products].concat();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    fn cancels(&self, indicator: &Indicator) -> bool {
        let denied = |kind, pattern: &str| self.denied.contains(&(kind, Text::Owned(pattern.to_owned())));
        if denied(indicator.kind, &indicator.pattern) {
            return true;
        }
        let mut rest = &*indicator.pattern;
        while indicator.kind.is_name() {
            if denied(IndicatorKind::Suffix, rest) {
                return true;
            }
            match rest.split_once('.') {
                Some((_, above)) => rest = above,
                None => break,
            }
        }
        false
    }
}
