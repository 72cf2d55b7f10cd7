//! An overlay's text into the [`Overlay`]; every mistake with its line and what to do.

use toml::de::DeTable;

use super::{Change, Changed, MAX_OVERLAY_BYTES, Overlay};
use crate::catalogue::{Origin, Problem, Text, Vendor};
use crate::parse::{owned, problem, read_deny, read_product, read_rule, read_vendor, repeated, unique};
use crate::space::Space;
use crate::table::{Source, Table};
use crate::words::Confidence;

pub(super) fn overlay(name: &str, text: &str) -> (Overlay, Vec<Problem>) {
    let mut overlay = Overlay::default();
    let source = Source::new(name, text);
    if text.len() > MAX_OVERLAY_BYTES {
        let message = format!("the file has {} bytes, and {MAX_OVERLAY_BYTES} is the most", text.len());
        source.report(0, message, "take out rules that are not needed");
        return (overlay, source.into_problems());
    }
    match DeTable::parse(text) {
        Ok(root) => root_table(Table::new(&source, root.get_ref(), 0, "the file"), &mut overlay),
        Err(error) => {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            let at = error.span().map_or(0, |span| span.start);
            source.report(at, format!("not TOML: {message}"), "correct the syntax");
        }
    }
    let mut problems = source.into_problems();
    finish(&mut overlay, &mut problems);
    problems.sort_by_key(|problem| problem.line);
    (overlay, problems)
}

fn root_table(mut root: Table<'_, '_>, overlay: &mut Overlay) {
    for mut table in root.tables("vendor") {
        overlay.vendors.extend(read_vendor(&mut table, Space::Own));
        table.finish();
    }
    if overlay.vendors.iter().all(|vendor| vendor.id != "own") {
        let (id, name) = (Text::Borrowed("own"), Text::Borrowed("This organisation"));
        overlay.vendors.push(Vendor { id, name, ..Vendor::default() });
    }
    for mut table in root.tables("product") {
        let id = table.text("id").map(|(id, _)| id.split('.').next().unwrap_or_default());
        let vendor = id.and_then(|id| overlay.vendors.iter().find(|vendor| vendor.id == id));
        match (id, vendor) {
            (Some(id), None) => {
                let fix = "add it as [[vendor]] with an id that begins with own-, or write own.<slug>";
                table.report(format!("the product's vendor `{id}` is not in this file"), fix);
                continue;
            }
            // Without an id, it says so and gives nothing.
            _ => overlay.products.extend(read_product(&mut table, vendor.or(overlay.vendors.first()))),
        }
        table.finish();
    }
    for mut table in root.tables("rule") {
        overlay.rules.extend(read_rule(&mut table, Space::Own));
        table.finish();
    }
    for mut table in root.tables("deny") {
        overlay.rules.extend(read_deny(&mut table, Space::Own));
        table.finish();
    }
    for mut table in root.tables("change") {
        overlay.changes.extend(read_change(&mut table));
        table.finish();
    }
    root.finish();
}

fn read_change(table: &mut Table<'_, '_>) -> Option<Change> {
    let (product, name) = (table.text("product"), table.text("name"));
    let (rule, confidence) = (table.text("rule"), table.word::<Confidence>("confidence"));
    let reason = table.required("reason").map(|(text, _)| owned(text));
    if confidence == Some(Confidence::Suspect) {
        table.report("a rule is never set to suspect", "use low, medium or high, or deny its patterns");
        return None;
    }
    let what = match (product, name, rule, confidence) {
        (Some((product, _)), Some((name, _)), None, None) => {
            Changed::Name { product: owned(product), name: owned(name) }
        }
        (None, None, Some((rule, _)), Some(confidence)) => {
            Changed::Confidence { rule: owned(rule), confidence }
        }
        _ => {
            table.report(
                "a change says something else than one thing",
                "write product and name, or rule and confidence",
            );
            return None;
        }
    };
    if Space::of(what.target()) == Space::Own {
        table.report(format!("`{}` is your own", what.target()), "change it where it stands");
        return None;
    }
    Some(Change { what, reason: reason?, origin: table.origin() })
}

/// Sorts, and takes out what stands twice: the first stays.
fn finish(overlay: &mut Overlay, problems: &mut Vec<Problem>) {
    fn sorted<T>(
        what: &str,
        items: &mut Vec<T>,
        key: impl Fn(&T) -> (&Text, &Origin),
        problems: &mut Vec<Problem>,
    ) {
        items.sort_by(|a, b| key(a).0.cmp(key(b).0));
        let ids: Vec<_> = items.iter().map(&key).collect();
        unique(what, &ids, problems);
        items.dedup_by(|later, first| key(later).0 == key(first).0);
    }
    sorted("vendor", &mut overlay.vendors, |vendor| (&vendor.id, &vendor.origin), problems);
    sorted("product", &mut overlay.products, |product| (&product.id, &product.origin), problems);
    sorted("rule", &mut overlay.rules, |rule| (&rule.id, &rule.origin), problems);
    overlay.changes.sort_by(|a, b| a.what.target().cmp(b.what.target()));
    overlay.changes.dedup_by(|later, first| {
        let same = later.what.target() == first.what.target();
        if same {
            let message = format!("`{}` is changed twice", later.what.target());
            problems.push(problem(&later.origin, later.origin.line, message, "keep one of the two"));
        }
        same
    });
    repeated("rule", overlay.rules.iter().map(|rule| (&rule.id, &rule.origin, &rule.indicators)), problems);
    let mut seen = std::collections::HashSet::new();
    for rule in &mut overlay.rules {
        rule.indicators.retain(|indicator| seen.insert((indicator.kind, indicator.pattern.clone())));
    }
}
