//! Catalogue files as people write them, into the [`Catalogue`]; every mistake with its line and what to do.

use std::collections::HashMap;

use toml::de::DeTable;

use crate::catalogue::{
    Catalogue, Indicator, IndicatorKind, Landmark, MAX_REPLACEMENTS, Origin, Problem, Product, Rule, Text,
    Vendor,
};
use crate::claim::read_claim;
use crate::date::Date;
use crate::pattern;
use crate::space::Space;
use crate::table::{At, Source, Table};
use crate::words::{Category, Confidence, ProductKind, SoftwareKind, SourceType};

impl Catalogue {
    /// Reads catalogue files, each a name and its text. A file with a `[vendor]` is called after it; denies may
    /// stand in any file; one file may carry `[catalogue]` with number and date.
    pub fn parse(files: &[(&str, &str)]) -> Result<Catalogue, Vec<Problem>> {
        let mut reader = Reader::default();
        let mut digest = FNV_OFFSET;
        for (name, text) in files {
            // Where the folder is does not make it another catalogue.
            let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
            digest = fnv(fnv(digest, file.as_bytes()), text.as_bytes());
            reader.file(name, text);
        }
        reader.catalogue.version = Text::Owned(format!(
            "{}.{}+{:08x}",
            reader.catalogue.date, reader.catalogue.number, digest as u32
        ));
        reader.finish()
    }
}

// FNV-1a, 64 bits: tells versions apart for people. Bundles are protected by a signature, not by this.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(digest: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .chain(&[0])
        .fold(digest, |digest, &byte| (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[derive(Default)]
struct Reader {
    catalogue: Catalogue,
    problems: Vec<Problem>,
}

impl Reader {
    fn file(&mut self, name: &str, text: &str) {
        let source = Source::new(name, text);
        match DeTable::parse(text) {
            Ok(root) => self.root(Table::new(&source, root.get_ref(), 0, "the file")),
            Err(error) => {
                let message = error.message().lines().collect::<Vec<_>>().join(", ");
                source.report(
                    error.span().map_or(0, |span| span.start),
                    format!("not TOML: {message}"),
                    "correct the syntax",
                );
            }
        }
        self.problems.append(&mut source.into_problems());
    }

    fn root(&mut self, mut root: Table<'_, '_>) {
        if let Some(mut table) = root.table("catalogue") {
            self.catalogue.number = table.number("number").unwrap_or_default();
            self.catalogue.date = table.required_date("date").unwrap_or_default();
            table.finish();
        }
        let vendor = root.table("vendor").and_then(|mut table| {
            let vendor = read_vendor(&mut table, Space::Release);
            table.finish();
            vendor
        });
        for mut table in root.tables("product") {
            self.catalogue.products.extend(read_product(&mut table, vendor.as_ref()));
            table.finish();
        }
        for mut table in root.tables("landmark") {
            self.catalogue.landmarks.extend(read_landmark(&mut table));
            table.finish();
        }
        for mut table in root.tables("rule") {
            self.catalogue.rules.extend(read_rule(&mut table, Space::Release));
            table.finish();
        }
        for mut table in root.tables("claim") {
            self.catalogue.claims.extend(read_claim(&mut table, vendor.as_ref()));
            table.finish();
        }
        for mut table in root.tables("deny") {
            self.catalogue.rules.extend(read_deny(&mut table, Space::Release));
            table.finish();
        }
        root.finish();
        self.catalogue.vendors.extend(vendor);
    }

    fn finish(mut self) -> Result<Catalogue, Vec<Problem>> {
        let catalogue = &mut self.catalogue;
        catalogue.landmarks.sort_by(|a, b| a.id.cmp(&b.id));
        catalogue.vendors.sort_by(|a, b| a.id.cmp(&b.id));
        catalogue.products.sort_by(|a, b| a.id.cmp(&b.id));
        catalogue.rules.sort_by(|a, b| a.id.cmp(&b.id));
        catalogue.claims.sort_by(|a, b| (&a.vendor, &a.id).cmp(&(&b.vendor, &b.id)));
        let landmarks: Vec<_> =
            catalogue.landmarks.iter().map(|landmark| (&landmark.id, &landmark.origin)).collect();
        let vendors: Vec<_> = catalogue.vendors.iter().map(|vendor| (&vendor.id, &vendor.origin)).collect();
        let products: Vec<_> =
            catalogue.products.iter().map(|product| (&product.id, &product.origin)).collect();
        let rules: Vec<_> = catalogue.rules.iter().map(|rule| (&rule.id, &rule.origin)).collect();
        let claims: Vec<_> = catalogue.claims.iter().map(|claim| (&claim.id, &claim.origin)).collect();
        for (what, ids) in [
            ("landmark", landmarks),
            ("vendor", vendors),
            ("product", products),
            ("rule", rules),
            ("claim", claims),
        ] {
            unique(what, &ids, &mut self.problems);
        }
        references(&self.catalogue, &mut self.problems);
        patterns(&self.catalogue, &mut self.problems);
        if self.problems.is_empty() {
            return Ok(self.catalogue);
        }
        self.problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        Err(self.problems)
    }
}

pub(crate) fn owned(text: &str) -> Text {
    Text::Owned(text.to_owned())
}

fn texts(found: Vec<At<&str>>) -> Vec<Text> {
    found.into_iter().map(|(text, _)| owned(text)).collect()
}

pub(crate) fn url(table: &Table<'_, '_>, found: Option<At<&str>>) -> Option<Text> {
    let (text, at) = found?;
    if !text.starts_with("https://") && !text.starts_with("http://") || text.contains(char::is_whitespace) {
        table.source.report(at, format!("`{text}` is not a web address"), "write https://…");
    }
    Some(owned(text))
}

pub(crate) fn read_vendor(table: &mut Table<'_, '_>, space: Space) -> Option<Vendor> {
    let id = table.required("id");
    if let Some((id, at)) = id {
        let slug = !id.is_empty() && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if !slug {
            table.source.report(at, format!("vendor id `{id}` is not a slug"), "use a-z, 0-9 and -");
        }
        in_space(table, space, "vendor", id, at);
        let file = table.source.name().rsplit(['/', '\\']).next().unwrap_or_default();
        if space == Space::Release && file.strip_suffix(".toml").is_some_and(|stem| stem != id) {
            table.source.report(
                at,
                format!("vendor `{id}` stands in {file}"),
                format!("call the file {id}.toml"),
            );
        }
    }
    let name = table.required("name");
    let legal_name = table.text("legal_name").map(|(text, _)| owned(text));
    let country = table.text("country").map(|(country, at)| {
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            table.source.report(
                at,
                format!("country `{country}` is not two capital letters"),
                "use ISO 3166-1 alpha-2",
            );
        }
        owned(country)
    });
    let site = table.text("site");
    let site = url(table, site);
    let aliases = texts(table.texts("aliases"));
    let (id, name) = (owned(id?.0), owned(name?.0));
    Some(Vendor { id, name, legal_name, country, site, aliases, origin: table.origin() })
}

/// An id that is in the other name space could come to mean two things.
fn in_space(table: &Table<'_, '_>, space: Space, what: &str, id: &str, at: usize) {
    if space != Space::of(id) {
        let (message, fix) = match space {
            Space::Release => ("is in the name space of an organisation's own rules", "choose another"),
            Space::Own => {
                ("is not in the name space of own rules", "begin it with own (deny.own- for a deny)")
            }
        };
        table.source.report(at, format!("{what} id `{id}` {message}"), fix);
    }
}

pub(crate) fn read_product(table: &mut Table<'_, '_>, vendor: Option<&Vendor>) -> Option<Product> {
    let id = table.required("id");
    let name = table.required("name");
    let kind = table.required_word::<ProductKind>("kind");
    let category = table.required_word::<Category>("category");
    let description = table.required("description");
    let embedded = table.flag("embedded") || category == Some(Category::Embedded);
    let replaced_by = table.text("replaced_by").map(|(text, _)| owned(text));
    let Some(vendor) = vendor else {
        table.report("a product stands in a file without a vendor", "add [vendor] at the top");
        return None;
    };
    let (id, at) = id?;
    check_id(table, "product", id, at, &vendor.id);
    Some(Product {
        id: owned(id),
        vendor: vendor.id.clone(),
        name: owned(name?.0),
        kind: kind?,
        category: category?,
        description: owned(description?.0),
        embedded,
        replaced_by,
        origin: table.origin(),
    })
}

pub(crate) fn check_id(table: &Table<'_, '_>, what: &str, id: &str, at: usize, parent: &str) {
    let slug = id.strip_prefix(parent).and_then(|rest| rest.strip_prefix('.')).is_some_and(|slug| {
        !slug.is_empty() && slug.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    });
    if !slug {
        let fix = format!("write {parent}.<slug>, the slug from a-z, 0-9 and -");
        table.source.report(at, format!("{what} id `{id}` does not go with `{parent}`"), fix);
    }
}

fn read_landmark(table: &mut Table<'_, '_>) -> Option<Landmark> {
    let id = table.required("id");
    let kind = table.required_word("kind");
    let source_url = table.required("source_url");
    let source_url = url(table, source_url);
    let source_type = table.required_word::<SourceType>("source_type");
    let last_checked = last_checked(table, source_type);
    let indicators = read_indicators(table, &NAMES);
    let (id, at) = id?;
    check_id(table, "landmark", id, at, "landmark");
    if indicators.is_empty() {
        table.report(format!("landmark `{id}` has no names"), "add some as exact or suffix");
    }
    Some(Landmark {
        id: owned(id),
        kind: kind?,
        source_url: source_url?,
        source_type: source_type?,
        last_checked,
        indicators,
        origin: table.origin(),
    })
}

pub(crate) fn read_rule(table: &mut Table<'_, '_>, space: Space) -> Option<Rule> {
    let id = table.required("id");
    let product = table.required("product");
    let confidence = table.required_word::<Confidence>("confidence");
    let attribution = table.word::<Confidence>("attribution");
    let level = table.word("level");
    let serves = table.word("serves");
    let (source_url, source_type, last_checked) = match space {
        Space::Release => {
            let source_url = table.required("source_url");
            let source_url = url(table, source_url);
            let source_type = table.required_word::<SourceType>("source_type");
            (source_url, source_type, last_checked(table, source_type))
        }
        Space::Own => optional_source(table),
    };
    let second_source_url = table.text("second_source_url");
    let second_source_url = second_source_url.and_then(|text| url(table, Some(text)));
    let whole_suffix_is_ours = table.flag("whole_suffix_is_ours");
    let note = match space {
        Space::Release => table.text("note"),
        // What an organisation says of itself needs no page, and a reason all the more.
        Space::Own => table.required("note"),
    };
    let note = note.map(|(text, _)| owned(text));
    if whole_suffix_is_ours && note.is_none() {
        table.report("whole_suffix_is_ours stands without a `note`", "say in it what the sub-domains hold");
    }
    let replaced_by = table.text("replaced_by").map(|(text, _)| owned(text));
    let retired = table.flag("retired");
    let fallback = match space {
        Space::Release => table.word("fallback"),
        Space::Own => None,
    };
    let indicators = all_indicators(table);
    let (examples, counter_examples) =
        (texts(table.texts("examples")), texts(table.texts("counter_examples")));
    let (id, at) = id?;
    let product = product?.0;
    match space {
        Space::Own if Space::of(product) == Space::Release => {
            check_id(table, "rule", id, at, &format!("own.{product}"));
        }
        _ => check_id(table, "rule", id, at, product),
    }
    let stands_without = retired || replaced_by.is_some() || fallback.is_some();
    if indicators.is_empty() && !stands_without {
        table.report(format!("rule `{id}` has no indicators"), "add some, or retired = true");
    } else if !indicators.is_empty() && stands_without {
        let fix = "remove them: a rule that is retired, replaced or a fallback matches nothing itself";
        table.report(format!("rule `{id}` has indicators"), fix);
    }
    Some(Rule {
        id: owned(id),
        product: owned(product),
        confidence: confidence?,
        attribution: attribution.unwrap_or(Confidence::High),
        level,
        serves,
        source_url: source_url?,
        source_type: source_type?,
        last_checked,
        second_source_url,
        whole_suffix_is_ours,
        note,
        replaced_by,
        retired,
        fallback,
        deny: false,
        indicators,
        examples,
        counter_examples,
        origin: table.origin(),
    })
}

/// A day goes with every source that somebody read, and with no other.
fn last_checked(table: &mut Table<'_, '_>, source_type: Option<SourceType>) -> Option<Date> {
    if source_type != Some(SourceType::Knowledge) {
        return table.required_date("last_checked");
    }
    if table.date("last_checked").is_some() {
        table.report(
            "general knowledge has a `last_checked`",
            "remove it, or write the source_type of the source that was read on that day",
        );
    }
    None
}

/// A source that may be left out.
fn optional_source(table: &mut Table<'_, '_>) -> (Option<Text>, Option<SourceType>, Option<Date>) {
    let source_url = table.text("source_url");
    let source_url = url(table, source_url).unwrap_or_default();
    let source_type = table.word("source_type").unwrap_or(SourceType::Observation);
    (Some(source_url), Some(source_type), table.date("last_checked"))
}

pub(crate) fn read_deny(table: &mut Table<'_, '_>, space: Space) -> Option<Rule> {
    let id = table.required("id");
    let reason = table.required("reason");
    let (source_url, source_type, last_checked) = optional_source(table);
    let indicators = all_indicators(table);
    let (examples, counter_examples) =
        (texts(table.texts("examples")), texts(table.texts("counter_examples")));
    let (id, at) = id?;
    check_id(table, "deny", id, at, "deny");
    in_space(table, space, "deny", id, at);
    if indicators.is_empty() {
        table.report(format!("deny `{id}` has no indicators"), "add some");
    }
    Some(Rule {
        id: owned(id),
        product: Text::default(),
        confidence: Confidence::High,
        attribution: Confidence::High,
        level: None,
        serves: None,
        source_url: source_url?,
        source_type: source_type?,
        last_checked,
        second_source_url: None,
        whole_suffix_is_ours: false,
        note: Some(owned(reason?.0)),
        replaced_by: None,
        retired: false,
        fallback: None,
        deny: true,
        indicators,
        examples,
        counter_examples,
        origin: table.origin(),
    })
}

const NAMES: [IndicatorKind; 3] = [IndicatorKind::Exact, IndicatorKind::Suffix, IndicatorKind::Glob];

/// Indicators of every kind.
fn all_indicators(table: &mut Table<'_, '_>) -> Vec<Indicator> {
    let software = SoftwareKind::ALL.iter().copied().map(IndicatorKind::Software);
    read_indicators(table, &NAMES.into_iter().chain(software).collect::<Vec<_>>())
}

fn read_indicators(table: &mut Table<'_, '_>, kinds: &[IndicatorKind]) -> Vec<Indicator> {
    let mut indicators = Vec::new();
    for kind in kinds.iter().copied() {
        for (text, at) in table.texts(kind.as_str()) {
            match pattern::normalise(kind, text) {
                Ok(pattern) => {
                    let pattern = Text::Owned(pattern);
                    // Two ways to write one pattern (`yi` and `yi:*` of a model) in one rule are one.
                    let known = |other: &Indicator| other.kind == kind && other.pattern == pattern;
                    if *pattern != *text && indicators.iter().any(known) {
                        continue;
                    }
                    indicators.push(Indicator { kind, pattern, line: table.source.line(at) });
                }
                Err((message, fix)) => table.source.report(at, message, fix),
            }
        }
    }
    indicators
}

pub(crate) fn problem(origin: &Origin, line: u32, message: String, fix: impl Into<String>) -> Problem {
    Problem { file: origin.file.to_string(), line, message, fix: fix.into() }
}

pub(crate) fn unique(what: &str, sorted: &[(&Text, &Origin)], problems: &mut Vec<Problem>) {
    for pair in sorted.windows(2) {
        let [(id, first), (next, second)] = pair else { continue };
        if id == next {
            let message = format!("{what} id `{id}` is taken by {}:{}", first.file, first.line);
            problems.push(problem(second, second.line, message, "give it an id of its own"));
        }
    }
}

/// Whatever names another part of the catalogue names one that is there.
fn references(catalogue: &Catalogue, problems: &mut Vec<Problem>) {
    for product in &catalogue.products {
        if product.replaced_by.is_some() && catalogue.product(&product.id).is_none() {
            problems.push(replacement("product", &product.id, &product.origin));
        }
    }
    for claim in &catalogue.claims {
        let Some(product) = claim.product.as_deref() else { continue };
        if catalogue.products.binary_search_by(|known| (*known.id).cmp(product)).is_err() {
            let message = format!("claim `{}` is of product `{product}`, which is not there", claim.id);
            let fix = "correct the id, or leave product out where it holds for the whole vendor";
            problems.push(problem(&claim.origin, claim.origin.line, message, fix));
        }
    }
    for rule in &catalogue.rules {
        if rule.replaced_by.is_some() && catalogue.rule(&rule.id).is_none() {
            problems.push(replacement("rule", &rule.id, &rule.origin));
        }
        if !rule.deny && catalogue.product(&rule.product).is_none() {
            let message = format!("rule `{}` is of product `{}`, which is not there", rule.id, rule.product);
            problems.push(problem(
                &rule.origin,
                rule.origin.line,
                message,
                "add the product or correct the id",
            ));
        }
    }
}

fn replacement(what: &str, id: &str, origin: &Origin) -> Problem {
    let message = format!("replaced_by of {what} `{id}` leads nowhere within {MAX_REPLACEMENTS} steps");
    problem(origin, origin.line, message, format!("name a {what} that is there"))
}

/// The same pattern of the same kind twice would make the winner a matter of luck. Ports and answers have no winner: they are
/// asked by product, and products share them.
fn patterns(catalogue: &Catalogue, problems: &mut Vec<Problem>) {
    let rules = catalogue.rules.iter().map(|rule| (&rule.id, &rule.origin, &rule.indicators));
    repeated("rule", rules, problems);
    let landmarks =
        catalogue.landmarks.iter().map(|landmark| (&landmark.id, &landmark.origin, &landmark.indicators));
    repeated("landmark", landmarks, problems);
}

pub(crate) fn repeated<'c>(
    what: &str,
    all: impl Iterator<Item = (&'c Text, &'c Origin, &'c Vec<Indicator>)>,
    problems: &mut Vec<Problem>,
) {
    let mut seen: HashMap<(IndicatorKind, &str), &Text> = HashMap::new();
    for (id, origin, indicators) in all {
        for indicator in indicators {
            if matches!(indicator.kind, IndicatorKind::Software(kind) if kind.asked_by_product()) {
                continue;
            }
            let Some(first) = seen.insert((indicator.kind, &indicator.pattern), id) else { continue };
            let message =
                format!("{} `{}` is in {what} `{first}` already", indicator.kind, indicator.pattern);
            problems.push(problem(origin, indicator.line, message, "keep it in one of them"));
        }
    }
}

// The path is written out since the build script reads this file as a module of its own.
#[cfg(test)]
#[path = "parse/tests.rs"]
mod tests;
