//! Reads an organisation's own rules as a reviewer would, against the catalogue that they are to stand over.

use super::{Report, cancelled, embedded, examples, places, problem, redundant, sources};
use crate::catalogue::{Catalogue, Indicator, IndicatorKind, Problem, Rule};
use crate::date::Date;
use crate::matcher::Matcher;
use crate::overlay::{Changed, Composed, Overlay};
use crate::pattern::Refusal;
use crate::space::Space;
use crate::words::Confidence;

/// What a reading of own rules found.
#[derive(Debug, Default)]
pub struct OwnReading {
    /// As far as they could be read.
    pub overlay: Overlay,
    /// With the catalogue below.
    pub composed: Composed,
    /// What is wrong. Only what has no errors is to be published.
    pub report: Report,
}

/// Reads own rules as of a day: with all that [`super::check`] looks for, and what does not hold over `base`. An id that was
/// published before (`previous`) stays, since facts carry it. `number` is the one that they would be published under.
pub fn check_own(
    base: &Catalogue,
    previous: Option<&Overlay>,
    name: &str,
    text: &str,
    number: u32,
    today: Date,
) -> OwnReading {
    let (overlay, mut errors) = Overlay::parse(name, text);
    let composed = base.with_overlay(&overlay, number);
    errors.extend(composed.left_out.iter().cloned());
    let mut report = Report::default();
    let matcher = Matcher::new(&composed.catalogue);
    let own = composed.catalogue.rules().iter().filter(|rule| Space::of(&rule.id) == Space::Own);
    let below = Matcher::new(base);
    for rule in own {
        places(rule, &mut report);
        sources(rule, today, &mut report);
        examples(rule, &matcher, &mut report);
        redundant(rule, &mut report);
        if rule.confidence == Confidence::Suspect {
            let message = format!("rule `{}` only suspects", rule.id);
            let fix = "decide: low, medium or high; or leave the rule out";
            report.errors.push(problem(&rule.origin, rule.origin.line, message, fix));
        }
        if !rule.deny && rule.confidence > Confidence::Low && rule.indicators.iter().any(|i| i.kind.is_name())
        {
            embedded(&composed.catalogue, rule, &mut report);
        }
        if !rule.deny {
            taken(&composed.catalogue, &below, rule, &mut report);
        }
    }
    let mut dead = Report::default();
    cancelled(&composed.catalogue, &mut dead);
    report.warnings.extend(dead.warnings.into_iter().filter(|problem| problem.file == name));
    changes(base, &overlay, &mut report);
    if let Some(previous) = previous {
        vanished(previous, &overlay, name, &mut errors);
    }
    report.errors.append(&mut errors);
    for problems in [&mut report.errors, &mut report.warnings] {
        problems.sort_by_key(|problem| problem.line);
        problems.dedup();
    }
    OwnReading { overlay, composed, report }
}

/// Whether an own indicator stands where it may. The one check that agents make too, whoever signed.
pub(crate) fn check_own_place(rule: &Rule, indicator: &Indicator) -> Result<(), Refusal> {
    super::place(rule, indicator)
}

/// Names that another product had so far.
fn taken(catalogue: &Catalogue, below: &Matcher, rule: &Rule, report: &mut Report) {
    let named = |i: &&Indicator| matches!(i.kind, IndicatorKind::Exact | IndicatorKind::Suffix);
    for indicator in rule.indicators.iter().filter(named) {
        let Some(found) = below.name(&indicator.pattern).filter(|found| found.product != rule.product) else {
            continue;
        };
        let from = catalogue.product(&found.product).map_or(&*found.product, |product| &*product.name);
        let message = format!("`{}` was {from} so far, by rule `{}`", indicator.pattern, found.rule);
        let fix = "keep it if that is meant";
        report.warnings.push(problem(&rule.origin, indicator.line, message, fix));
    }
}

fn changes(base: &Catalogue, overlay: &Overlay, report: &mut Report) {
    for change in overlay.changes() {
        let Changed::Confidence { rule, confidence } = &change.what else { continue };
        let Some(found) = base.rule(rule) else { continue };
        let embedded = base.product(&found.product).is_some_and(|product| product.embedded);
        if embedded && *confidence > Confidence::Low && found.indicators.iter().any(|i| i.kind.is_name()) {
            let message =
                format!("rule `{rule}` knows a product by its name, and AI is only a part of that product");
            let fix = "keep it if here its use is use of AI";
            report.warnings.push(problem(&change.origin, change.origin.line, message, fix));
        }
    }
}

fn vanished(previous: &Overlay, overlay: &Overlay, name: &str, errors: &mut Vec<Problem>) {
    let mut vanished = |what: &str, id: &str, fix: &str| {
        let (file, line) = (name.to_owned(), 1);
        let message = format!("{what} `{id}` has vanished, and facts may carry it");
        errors.push(Problem { file, line, message, fix: fix.to_owned() });
    };
    for vendor in &previous.vendors {
        if overlay.vendors.binary_search_by(|other| other.id.cmp(&vendor.id)).is_err() {
            vanished("vendor", &vendor.id, "put it back");
        }
    }
    for product in &previous.products {
        if overlay.products.binary_search_by(|other| other.id.cmp(&product.id)).is_err() {
            vanished("product", &product.id, "put it back, with replaced_by if another took its place");
        }
    }
    // No fact carries a deny.
    for rule in previous.rules.iter().filter(|rule| !rule.deny) {
        if overlay.rules.binary_search_by(|other| other.id.cmp(&rule.id)).is_err() {
            vanished("rule", &rule.id, "put it back, with retired = true and without its patterns");
        }
    }
}
