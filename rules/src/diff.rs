//! What changed from one catalogue to another, in words.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::Serialize;

use crate::catalogue::{Catalogue, Indicator, Product, Rule, Vendor};
use crate::claim::Claim;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What changed.
    pub subject: Subject,
    /// Its id.
    pub id: String,
    /// How.
    pub change: Kind,
    /// Which of its facts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Patterns that came or went, each `kind:pattern`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<String>,
}

/// Parts of a catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Who offers products.
    Vendor,
    /// A product.
    Product,
    /// A rule; denies too.
    Rule,
    /// What a source says about a vendor.
    Claim,
    /// A name that is no AI.
    Landmark,
}

/// How something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It is new.
    Added,
    /// It is no longer used, and its id stays.
    Retired,
    /// It is used again.
    Restored,
    /// Its id is gone, which no published catalogue may do.
    Vanished,
    /// It has another name.
    Renamed,
    /// It has more patterns.
    Grew,
    /// It has fewer patterns.
    Shrank,
    /// One of its facts is another.
    Changed,
}

/// Compares two catalogues: vendors first, then products, rules, claims and landmarks, each by id. Rules that come with a
/// new product are told with it.
pub fn diff(old: &Catalogue, new: &Catalogue) -> Vec<Change> {
    let mut changes = Vec::new();
    for (id, pair) in pairs(old.vendors(), new.vendors(), |vendor| &vendor.id) {
        vendor(id, pair, &mut changes);
    }
    let mut fresh = HashSet::new();
    for (id, pair) in pairs(old.products(), new.products(), |product| &product.id) {
        if pair.0.is_none() {
            fresh.insert(id);
        }
        product(id, pair, new, &mut changes);
    }
    for (id, pair) in pairs(old.rules(), new.rules(), |rule| &rule.id) {
        match pair {
            (None, Some(new)) if fresh.contains(&*new.product) => {}
            pair => rule(id, pair, &mut changes),
        }
    }
    for (id, pair) in pairs(old.claims(), new.claims(), |claim| &claim.id) {
        claim(id, pair, &mut changes);
    }
    for (id, pair) in pairs(old.landmarks(), new.landmarks(), |landmark| &landmark.id) {
        let empty: &[Indicator] = &[];
        let mut about = About { subject: Subject::Landmark, id, changes: &mut changes };
        match pair {
            (None, Some(_)) => about.push(Kind::Added, None, None, None),
            (Some(_), None) => about.push(Kind::Vanished, None, None, None),
            (old, new) => about.patterns(
                old.map_or(empty, |landmark| &landmark.indicators),
                new.map_or(empty, |landmark| &landmark.indicators),
            ),
        }
    }
    changes
}

/// What stood in the old catalogue and what stands in the new one under one id.
type Pair<'c, T> = (Option<&'c T>, Option<&'c T>);

fn pairs<'c, T>(old: &'c [T], new: &'c [T], id: impl Fn(&'c T) -> &'c str) -> BTreeMap<&'c str, Pair<'c, T>> {
    let mut pairs: BTreeMap<&str, Pair<'c, T>> = BTreeMap::new();
    for item in old {
        pairs.entry(id(item)).or_default().0 = Some(item);
    }
    for item in new {
        pairs.entry(id(item)).or_default().1 = Some(item);
    }
    pairs
}

/// Where the changes of one thing go.
struct About<'a> {
    subject: Subject,
    id: &'a str,
    changes: &'a mut Vec<Change>,
}

impl About<'_> {
    fn push(&mut self, change: Kind, field: Option<&'static str>, from: Option<String>, to: Option<String>) {
        let (subject, id, patterns) = (self.subject, self.id.to_owned(), Vec::new());
        self.changes.push(Change { subject, id, change, field, from, to, patterns });
    }

    /// A fact of it, where it is another.
    fn field<T: PartialEq + ToString>(&mut self, field: &'static str, old: Option<T>, new: Option<T>) {
        if old != new {
            let text = |value: Option<T>| value.map(|value| value.to_string());
            self.push(Kind::Changed, Some(field), text(old), text(new));
        }
    }

    fn renamed(&mut self, old: &str, new: &str) {
        if old != new {
            self.push(Kind::Renamed, None, Some(old.to_owned()), Some(new.to_owned()));
        }
    }

    fn patterns(&mut self, old: &[Indicator], new: &[Indicator]) {
        let only_in = |here: &[Indicator], there: &[Indicator]| {
            let there: HashSet<_> =
                there.iter().map(|indicator| (indicator.kind, &indicator.pattern)).collect();
            here.iter()
                .filter(|indicator| !there.contains(&(indicator.kind, &indicator.pattern)))
                .map(|indicator| format!("{}:{}", indicator.kind, indicator.pattern))
                .collect::<Vec<_>>()
        };
        for (change, patterns) in [(Kind::Grew, only_in(new, old)), (Kind::Shrank, only_in(old, new))] {
            if !patterns.is_empty() {
                self.push(change, None, None, None);
                if let Some(last) = self.changes.last_mut() {
                    last.patterns = patterns;
                }
            }
        }
    }

    /// Told where a thing is out of use or back in use; `true` where there is nothing more to tell of it.
    fn use_of(&mut self, old: bool, new: bool, successor: Option<&str>) -> bool {
        match (old, new) {
            (true, false) => self.push(Kind::Retired, None, None, successor.map(str::to_owned)),
            (false, true) => self.push(Kind::Restored, None, None, None),
            _ => {}
        }
        !new
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn vendor(id: &str, pair: Pair<'_, Vendor>, changes: &mut Vec<Change>) {
    let mut about = About { subject: Subject::Vendor, id, changes };
    let (old, new) = match pair {
        (Some(old), Some(new)) => (old, new),
        (_, new) => return whole(&mut about, new.map(|new| new.name.to_string())),
    };
    about.renamed(&old.name, &new.name);
    about.field("legal name", old.legal_name.as_ref(), new.legal_name.as_ref());
    about.field("country", old.country.as_ref(), new.country.as_ref());
    about.field("site", old.site.as_ref(), new.site.as_ref());
}

/// A thing that stands in one of the two only; `added` describes it where that is the new one.
fn whole(about: &mut About<'_>, added: Option<String>) {
    match added {
        Some(words) => about.push(Kind::Added, None, None, Some(words)),
        None => about.push(Kind::Vanished, None, None, None),
    }
}

fn product(id: &str, pair: Pair<'_, Product>, catalogue: &Catalogue, changes: &mut Vec<Change>) {
    let mut about = About { subject: Subject::Product, id, changes };
    let (old, new) = match pair {
        (Some(old), Some(new)) => (old, new),
        (_, new) => {
            let words = new.map(|new| {
                let rules = catalogue.rules().iter().filter(|rule| rule.product == new.id);
                let vendor = catalogue.vendor(&new.vendor).map_or(&*new.vendor, |vendor| &*vendor.name);
                let rules = counted(rules.count(), "rule");
                format!("{} of {vendor}, {} ({rules})", new.name, new.category)
            });
            return whole(&mut about, words);
        }
    };
    let in_use = |product: &Product| product.replaced_by.is_none();
    if about.use_of(in_use(old), in_use(new), new.replaced_by.as_deref()) {
        return;
    }
    about.renamed(&old.name, &new.name);
    about.field("kind", Some(old.kind), Some(new.kind));
    about.field("category", Some(old.category), Some(new.category));
    about.field("embedded", Some(old.embedded), Some(new.embedded));
    about.field("description", Some(&old.description), Some(&new.description));
}

fn rule(id: &str, pair: Pair<'_, Rule>, changes: &mut Vec<Change>) {
    let mut about = About { subject: Subject::Rule, id, changes };
    let (old, new) = match pair {
        (Some(old), Some(new)) => (old, new),
        (_, new) => {
            let words = new.map(|new| match new.deny {
                true => format!("a deny of {}", counted(new.indicators.len(), "pattern")),
                false => {
                    format!("{} confidence, {}", new.confidence, counted(new.indicators.len(), "pattern"))
                }
            });
            return whole(&mut about, words);
        }
    };
    let in_use = |rule: &Rule| !rule.retired && rule.replaced_by.is_none();
    if about.use_of(in_use(old), in_use(new), new.replaced_by.as_deref()) {
        return;
    }
    about.patterns(&old.indicators, &new.indicators);
    about.field("confidence", Some(old.confidence), Some(new.confidence));
    about.field("attribution", Some(old.attribution), Some(new.attribution));
    about.field("level", old.level, new.level);
    about.field("serves", old.serves, new.serves);
    about.field("product", Some(&old.product), Some(&new.product));
    about.field("source", Some(old.source_type), Some(new.source_type));
    about.field("source_url", Some(&old.source_url), Some(&new.source_url));
    about.field("last_checked", old.last_checked, new.last_checked);
    about.field("second_source_url", old.second_source_url.as_deref(), new.second_source_url.as_deref());
}

fn claim(id: &str, pair: Pair<'_, Claim>, changes: &mut Vec<Change>) {
    let mut about = About { subject: Subject::Claim, id, changes };
    let (old, new) = match pair {
        (Some(old), Some(new)) => (old, new),
        (_, new) => {
            let words = new.map(|new| format!("{}: {}, {}", new.framework, new.status, new.source_url));
            return whole(&mut about, words);
        }
    };
    if about.use_of(!old.retired, !new.retired, None) {
        return;
    }
    about.field("framework", Some(old.framework), Some(new.framework));
    about.field("status", Some(old.status), Some(new.status));
    about.field("product", old.product.as_ref(), new.product.as_ref());
    about.field("plan", old.plan.as_ref(), new.plan.as_ref());
    about.field("scope", old.scope.as_ref(), new.scope.as_ref());
    about.field("detail", old.detail.as_ref(), new.detail.as_ref());
    about.field("link", old.link.as_ref(), new.link.as_ref());
    about.field("confidence", Some(old.confidence), Some(new.confidence));
    about.field("source", Some(old.source_type), Some(new.source_type));
    about.field("source_url", Some(&old.source_url), Some(&new.source_url));
    about.field("source_date", old.source_date, new.source_date);
    about.field("last_checked", Some(old.last_checked), Some(new.last_checked));
}

/// In words, on one line.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = match self.subject {
            Subject::Vendor => "vendor",
            Subject::Product => "product",
            Subject::Rule => "rule",
            Subject::Claim => "claim",
            Subject::Landmark => "landmark",
        };
        write!(f, "{subject} {} ", self.id)?;
        let or_nothing = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        let (from, to) = (or_nothing(&self.from), or_nothing(&self.to));
        match self.change {
            Kind::Added if self.to.is_some() => write!(f, "is new: {to}"),
            Kind::Added => write!(f, "is new"),
            Kind::Retired if self.to.is_some() => write!(f, "is retired; {to} took its place"),
            Kind::Retired => write!(f, "is retired"),
            Kind::Restored => write!(f, "is back in use"),
            Kind::Vanished => write!(f, "has vanished, which an id must not"),
            Kind::Renamed => write!(f, "is called {to}, no longer {from}"),
            Kind::Grew => write!(f, "also knows {}", self.patterns.join(", ")),
            Kind::Shrank => write!(f, "no longer knows {}", self.patterns.join(", ")),
            Kind::Changed => write!(f, "has another {}: {to}, was {from}", self.field.unwrap_or("content")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{HEAD, rule, small};

    fn parse(text: &str) -> Catalogue {
        Catalogue::parse(&[("v.toml", text)]).unwrap()
    }

    fn told(old: &str, new: &str) -> Vec<String> {
        diff(&parse(old), &parse(new)).iter().map(ToString::to_string).collect()
    }

    fn base() -> String {
        [
            HEAD.to_owned(),
            rule("web", "high", "suffix = [\"vendor.dev\", \"v.dev\"]"),
            rule("old", "high", "suffix = [\"old.dev\"]"),
            crate::testing::claim("soc", "soc2", "yes", ""),
        ]
        .concat()
    }

    #[test]
    fn a_catalogue_does_not_differ_from_itself() {
        for catalogue in [&small(), &Catalogue::default(), Catalogue::embedded()] {
            assert_eq!(diff(catalogue, catalogue), []);
        }
    }

    #[test]
    fn each_change_is_told_in_words() {
        let base = base();
        for (from, to, expected) in [
            ("name = \"V\"", "name = \"W\"", vec!["vendor v is called W, no longer V"]),
            ("country = \"DE\"", "", vec!["vendor v has another country: nothing, was DE"]),
            ("name = \"P\"", "name = \"Q\"", vec!["product v.p is called Q, no longer P"]),
            (
                "category = \"assistant\"",
                "category = \"coding\"",
                vec!["product v.p has another category: coding, was assistant"],
            ),
            (
                "\"vendor.dev\", \"v.dev\"",
                "\"vendor.dev\", \"w.dev\"",
                vec!["rule v.p.web also knows suffix:w.dev", "rule v.p.web no longer knows suffix:v.dev"],
            ),
            (
                "confidence = \"high\"",
                "confidence = \"low\"",
                vec!["rule v.p.web has another confidence: low, was high"],
            ),
            ("suffix = [\"old.dev\"]", "retired = true", vec!["rule v.p.old is retired"]),
            (
                "suffix = [\"old.dev\"]",
                "replaced_by = \"v.p.web\"",
                vec!["rule v.p.old is retired; v.p.web took its place"],
            ),
            (
                "status = \"yes\"",
                "status = \"no\"",
                vec!["claim claim.v.soc has another status: no, was yes"],
            ),
            ("status = \"yes\"", "retired = true\nstatus = \"yes\"", vec!["claim claim.v.soc is retired"]),
            (
                "v.p.old",
                "v.p.new",
                vec![
                    "rule v.p.new is new: high confidence, 1 pattern",
                    "rule v.p.old has vanished, which an id must not",
                ],
            ),
        ] {
            assert!(base.contains(from), "{from}");
            assert_eq!(told(&base, &base.replacen(from, to, 1)), expected, "{to}");
        }
    }

    #[test]
    fn a_new_product_is_told_once_with_its_rules() {
        let product = "[[product]]\nid = \"v.q\"\nname = \"Q\"\nkind = \"agent\"\ncategory = \"coding\"\n\
                       description = \"Q of V.\"\n";
        let rule = rule("q", "low", "suffix = [\"q.dev\"]").replace("v.p", "v.q");
        let new = format!("{}{product}{rule}", base());
        assert_eq!(told(&base(), &new), ["product v.q is new: Q of V, coding (1 rule)"]);
        assert_eq!(
            told(&new, &base()),
            [
                "product v.q has vanished, which an id must not",
                "rule v.q.q has vanished, which an id must not"
            ]
        );
    }

    #[test]
    fn landmarks_are_compared_too() {
        let landmark = |name: &str| {
            format!(
                "[[landmark]]\nid = \"landmark.r\"\nkind = \"resolver\"\nsource_url = \"https://vendor.dev\"\n\
                 source_type = \"knowledge\"\nsuffix = [\"{name}\"]\n"
            )
        };
        let told = told(&landmark("a.vendor.dev"), &landmark("b.vendor.dev"));
        assert_eq!(
            told,
            [
                "landmark landmark.r also knows suffix:b.vendor.dev",
                "landmark landmark.r no longer knows suffix:a.vendor.dev"
            ]
        );
    }

    #[test]
    fn json_leaves_out_what_there_is_not() {
        let change = &diff(&parse(&base()), &parse(&base().replacen("name = \"P\"", "name = \"Q\"", 1)))[0];
        let json = serde_json::to_string(change).unwrap();
        assert_eq!(json, r#"{"subject":"product","id":"v.p","change":"renamed","from":"P","to":"Q"}"#);
    }
}
