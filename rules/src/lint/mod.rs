//! Reads a catalogue as a reviewer would: what [`Catalogue::parse`] lets pass and is wrong all the same.

mod claims;
mod own;
mod places;

use std::collections::HashSet;

use crate::catalogue::{Catalogue, Indicator, IndicatorKind, Origin, Problem, Rule};
use crate::date::Date;
use crate::matcher::Matcher;
use crate::pattern::Refusal;
use crate::space::Space;
use crate::words::{Confidence, SoftwareKind, SourceType};

pub(crate) use own::check_own_place;
pub use own::{OwnReading, check_own};

/// Days after which somebody should read a source again.
const STALE_DAYS: u32 = 400;

/// What a reading found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Has to be corrected.
    pub errors: Vec<Problem>,
    /// Deserves a look.
    pub warnings: Vec<Problem>,
    /// What holds for the catalogue as a whole.
    pub notes: Vec<String>,
}

/// Reads a catalogue as of a day: rules on names that many share, claims without a proper source, examples that do
/// not come out, patterns that can never win, sources that nobody has read for long.
pub fn check(catalogue: &Catalogue, today: Date) -> Report {
    let mut report = Report::default();
    let matcher = Matcher::new(catalogue);
    for rule in catalogue.rules() {
        places(rule, &mut report);
        sources(rule, today, &mut report);
        examples(rule, &matcher, &mut report);
        redundant(rule, &mut report);
        if !rule.deny && rule.confidence > Confidence::Low && rule.indicators.iter().any(|i| i.kind.is_name())
        {
            embedded(catalogue, rule, &mut report);
        }
    }
    cancelled(catalogue, &mut report);
    unused(catalogue, &mut report);
    unread(catalogue, &mut report);
    claims::check(catalogue, today, &mut report);
    for problems in [&mut report.errors, &mut report.warnings] {
        problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    }
    report
}

/// Compares a catalogue with one published before: an id that facts may carry stays, and goes on meaning the same.
pub fn against(old: &Catalogue, new: &Catalogue) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut vanished = |what: &str, id: &str, origin: &Origin, fix: &str| {
        problems.push(problem(origin, origin.line, format!("{what} `{id}` has vanished"), fix));
    };
    for vendor in old.vendors() {
        if new.vendor(&vendor.id).is_none() {
            vanished("vendor", &vendor.id, &vendor.origin, "put it back");
        }
    }
    for product in old.products() {
        if new.product(&product.id).is_none() {
            vanished(
                "product",
                &product.id,
                &product.origin,
                "put it back, with replaced_by if another took its place",
            );
        }
    }
    for rule in old.rules() {
        if new.rule(&rule.id).is_none() {
            vanished("rule", &rule.id, &rule.origin, "put it back, with replaced_by or retired = true");
        }
    }
    for claim in old.claims() {
        if !new.claims().iter().any(|known| known.id == claim.id) {
            vanished("claim", &claim.id, &claim.origin, "put it back, with retired = true");
        }
    }
    if new.number() < old.number() {
        let message = format!("the catalogue goes back from number {} to {}", old.number(), new.number());
        let origin = Origin { file: "catalogue.toml".into(), line: 1 };
        problems.push(problem(&origin, 1, message, "give it a higher number"));
    }
    problems
}

fn problem(origin: &Origin, line: u32, message: String, fix: impl Into<String>) -> Problem {
    Problem { file: origin.file.to_string(), line, message, fix: fix.into() }
}

/// Whether an indicator of a rule that allows stands where it may.
fn place(rule: &Rule, indicator: &Indicator) -> Result<(), Refusal> {
    let Indicator { kind, pattern, .. } = indicator;
    let own = Space::of(&rule.id) == Space::Own;
    match kind {
        IndicatorKind::Suffix if rule.whole_suffix_is_ours => places::check_whole(pattern),
        IndicatorKind::Software(SoftwareKind::McpHost) if own => {
            places::check_inside(IndicatorKind::Suffix, pattern)
        }
        IndicatorKind::Software(SoftwareKind::McpHost) => places::check(IndicatorKind::Suffix, pattern),
        IndicatorKind::Software(_) => Ok(()),
        kind if own => places::check_inside(*kind, pattern),
        kind => places::check(*kind, pattern),
    }
}

fn places(rule: &Rule, report: &mut Report) {
    let mut whole = false;
    for indicator in rule.indicators.iter().filter(|_| !rule.deny) {
        whole |= rule.whole_suffix_is_ours
            && indicator.kind == IndicatorKind::Suffix
            && places::is_private_suffix(&indicator.pattern);
        let refused = place(rule, indicator);
        if let Err((message, fix)) = refused {
            report.errors.push(problem(&rule.origin, indicator.line, message, fix));
        }
    }
    if !rule.whole_suffix_is_ours {
        return;
    }
    let mut error = |message: String, fix: &str| {
        report.errors.push(problem(&rule.origin, rule.origin.line, message, fix));
    };
    if !whole && !rule.indicators.is_empty() {
        let message = format!("rule `{}` says whole_suffix_is_ours and has no public suffix", rule.id);
        error(message, "remove the key");
    }
    if rule.confidence > Confidence::Medium {
        let message = format!("rule `{}` claims {} for what others publish", rule.id, rule.confidence);
        error(message, "set confidence = \"medium\"");
    }
}

fn sources(rule: &Rule, today: Date, report: &mut Report) {
    let line = rule.origin.line;
    // What an organisation knows of itself may stand on a page that only it can open, or on none.
    let need = Space::of(&rule.id) == Space::Release && !(rule.deny && rule.source_url.is_empty());
    if need && is_placeholder(&rule.source_url) {
        let message = format!("source_url `{}` of rule `{}` is a placeholder", rule.source_url, rule.id);
        report.errors.push(problem(&rule.origin, line, message, "name the page where somebody read it"));
    }
    if let Some(second) = &rule.second_source_url
        && (*second == rule.source_url || is_placeholder(second))
    {
        let message = format!("second_source_url `{second}` of rule `{}` is no second source", rule.id);
        report.errors.push(problem(
            &rule.origin,
            line,
            message,
            "name a page of somebody else, or remove the key",
        ));
    }
    let Some(last_checked) = rule.last_checked else { return };
    let age = today.days().saturating_sub(last_checked.days());
    if age > STALE_DAYS && !rule.retired && rule.replaced_by.is_none() {
        let message = format!("rule `{}` was last checked {last_checked}, {age} days ago", rule.id);
        report.warnings.push(problem(
            &rule.origin,
            line,
            message,
            "read its source again and set last_checked",
        ));
    }
    if last_checked > today {
        let message = format!("rule `{}` was last checked {last_checked}, which is to come", rule.id);
        report.warnings.push(problem(&rule.origin, line, message, "set the day somebody read the source"));
    }
}

fn is_placeholder(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest).to_ascii_lowercase();
    let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
    // RFC 2606: reserved for examples.
    let reserved = ["example.com", "example.org", "example.net"];
    let tld = host.rsplit('.').next().unwrap_or_default();
    !host.contains('.')
        || reserved
            .iter()
            .any(|name| host == *name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')))
        || ["example", "test", "invalid", "localhost"].contains(&tld)
        || ["todo", "tbd", "fixme", "placeholder", "…", "..."].iter().any(|word| rest.contains(word))
}

fn examples(rule: &Rule, matcher: &Matcher, report: &mut Report) {
    let mut error = |message: String, fix: &str| {
        report.errors.push(problem(&rule.origin, rule.origin.line, message, fix));
    };
    for example in &rule.examples {
        match (answer(rule, matcher, example), rule.deny) {
            (None, true) => {}
            (Some(other), true) => {
                error(
                    format!("`{example}` should match nothing and matches rule `{other}`"),
                    "widen the deny",
                );
            }
            (Some(found), false) if found == rule.id => {}
            (Some(other), false) => {
                let message = format!("example `{example}` of rule `{}` matches rule `{other}`", rule.id);
                error(message, "correct the example, or make one of the patterns longer");
            }
            (None, false) => {
                let message = format!("example `{example}` of rule `{}` matches nothing", rule.id);
                error(message, "correct the example or the patterns; see whether a deny cancels it");
            }
        }
    }
    for example in &rule.counter_examples {
        let found = answer(rule, matcher, example);
        if rule.deny && found.is_none() {
            error(
                format!("`{example}` should survive deny `{}` and matches nothing", rule.id),
                "narrow the deny",
            );
        }
        if !rule.deny && found == Some(&*rule.id) {
            error(format!("counter-example `{example}` matches rule `{}`", rule.id), "narrow the patterns");
        }
    }
    if rule.deny {
        return;
    }
    let has_names = rule.indicators.iter().any(|indicator| indicator.kind.is_name());
    if has_names && !rule.examples.iter().any(|example| software_example(example).is_none()) {
        error(
            format!("rule `{}` has patterns of names and no name as example", rule.id),
            "add examples = [\"…\"]",
        );
    } else if !rule.indicators.is_empty() && rule.examples.is_empty() {
        let message = format!("rule `{}` has no examples", rule.id);
        let fix = "add examples = [\"<kind>:<identifier>\"]";
        report.warnings.push(problem(&rule.origin, rule.origin.line, message, fix));
    }
}

/// The rule that an example matches: `kind:identifier` for software, anything else is a name. What is asked by product may
/// stand in many rules, so it is looked for in this one.
fn answer<'m>(rule: &'m Rule, matcher: &'m Matcher, example: &str) -> Option<&'m str> {
    let found = match software_example(example) {
        Some((kind, identifier)) if kind.asked_by_product() => {
            let own = |indicator: &Indicator| {
                indicator.kind == IndicatorKind::Software(kind) && indicator.pattern == identifier
            };
            return rule.indicators.iter().any(own).then_some(&*rule.id);
        }
        Some((kind, identifier)) => matcher.software(kind, identifier),
        None => matcher.name(example),
    };
    found.map(|found| &*found.rule)
}

fn software_example(example: &str) -> Option<(SoftwareKind, &str)> {
    let (kind, identifier) = example.split_once(':')?;
    Some((kind.parse().ok()?, identifier))
}

/// Names that a suffix of the same rule covers already.
fn redundant(rule: &Rule, report: &mut Report) {
    let suffixes: HashSet<&str> =
        rule.indicators.iter().filter(|i| i.kind == IndicatorKind::Suffix).map(|i| &*i.pattern).collect();
    for indicator in rule.indicators.iter().filter(|indicator| indicator.kind.is_name()) {
        let own = indicator.kind == IndicatorKind::Suffix;
        let covering =
            parents(&indicator.pattern).skip(usize::from(own)).find(|parent| suffixes.contains(parent));
        if let Some(covering) = covering {
            let message =
                format!("{} `{}` says no more than suffix `{covering}`", indicator.kind, indicator.pattern);
            report.warnings.push(problem(&rule.origin, indicator.line, message, "remove it"));
        }
    }
}

/// A name and what stands above it.
fn parents(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, parent)| parent))
}

/// Allows that a deny of the same pattern cancels whatever is seen.
fn cancelled(catalogue: &Catalogue, report: &mut Report) {
    let denies: HashSet<&str> = catalogue
        .rules()
        .iter()
        .filter(|rule| rule.deny)
        .flat_map(|rule| {
            rule.indicators.iter().filter(|i| i.kind == IndicatorKind::Suffix).map(|i| &*i.pattern)
        })
        .collect();
    for rule in catalogue.rules().iter().filter(|rule| !rule.deny) {
        for indicator in rule.indicators.iter().filter(|indicator| indicator.kind == IndicatorKind::Exact) {
            if denies.contains(&*indicator.pattern) {
                let message =
                    format!("exact `{}` never matches: a deny has the same name", indicator.pattern);
                report.warnings.push(problem(&rule.origin, indicator.line, message, "remove one of the two"));
            }
        }
    }
}

/// AI that is only a part of a product is not proved by the product's name.
fn embedded(catalogue: &Catalogue, rule: &Rule, report: &mut Report) {
    if catalogue.product(&rule.product).is_some_and(|product| product.embedded) {
        let message =
            format!("rule `{}` claims {} for names of an embedded product", rule.id, rule.confidence);
        report.errors.push(problem(&rule.origin, rule.origin.line, message, "set confidence = \"low\""));
    }
}

fn unused(catalogue: &Catalogue, report: &mut Report) {
    let ruled: HashSet<&str> = catalogue.rules().iter().map(|rule| &*rule.product).collect();
    for product in catalogue.products() {
        if product.replaced_by.is_none() && !ruled.contains(&*product.id) {
            let message = format!("product `{}` has no rule", product.id);
            report.warnings.push(problem(&product.origin, product.origin.line, message, "add one"));
        }
    }
}

/// How much of the catalogue nobody has read in its source yet.
fn unread(catalogue: &Catalogue, report: &mut Report) {
    let allows: Vec<&Rule> = catalogue.rules().iter().filter(|rule| !rule.deny).collect();
    let known = allows.iter().filter(|rule| rule.source_type == SourceType::Knowledge).count();
    if known > 0 {
        report.notes.push(format!(
            "{known} of {} rules rest on general knowledge; open source_url, then set source_type and last_checked",
            allows.len()
        ));
    }
    let unconfirmed = allows.iter().filter(|rule| rule.is_unconfirmed()).count();
    if unconfirmed > 0 {
        report.notes.push(format!(
            "rules on the id of an extension that a second source has yet to name: {unconfirmed}; set second_source_url"
        ));
    }
}

#[cfg(test)]
mod tests;
