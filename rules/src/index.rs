//! What a catalogue covers, for people: its products by category, with what they are known by and how well that is founded.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::catalogue::{Catalogue, IndicatorKind, Rule};
use crate::date::Date;
use crate::words::{Category, Confidence, ProductKind, SoftwareKind, SourceType};

/// The contents of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Index<'c> {
    /// Version of the catalogue.
    pub version: &'c str,
    /// The day it was published.
    pub date: Date,
    /// Of the whole.
    pub totals: Totals,
    /// Categories that have products, in the order of the words.
    pub categories: Vec<Section<'c>>,
}

/// Of a whole catalogue. What is replaced, retired or a deny does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Vendors with a product.
    pub vendors: usize,
    /// Products.
    pub products: usize,
    /// Rules that recognise something.
    pub rules: usize,
    /// Patterns of these rules.
    pub indicators: usize,
    /// Rules that somebody read in a source.
    pub sourced_rules: usize,
    /// Rules that rest on general knowledge.
    pub unread_rules: usize,
    /// Rules that cancel others.
    pub denies: usize,
    /// Claims about vendors.
    pub claims: usize,
    /// Vendors that a claim is about.
    pub vendors_with_claims: usize,
}

impl Totals {
    /// Share of the rules that somebody read in a source, in whole per cent, rounded down.
    pub fn sourced_percent(&self) -> usize {
        (self.sourced_rules * 100).checked_div(self.rules).unwrap_or_default()
    }
}

/// The products of a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section<'c> {
    /// The category.
    pub category: Category,
    /// Its products, by name.
    pub products: Vec<Entry<'c>>,
}

/// A product, and how it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry<'c> {
    /// Its id.
    pub id: &'c str,
    /// Its name.
    pub name: &'c str,
    /// Id of its vendor.
    pub vendor_id: &'c str,
    /// Name of its vendor.
    pub vendor: &'c str,
    /// What it is for.
    pub category: Category,
    /// What sort of thing it is.
    pub kind: ProductKind,
    /// AI is only a part of it.
    pub embedded: bool,
    /// How many patterns of each sort.
    pub signals: BTreeMap<Signal, usize>,
    /// Of its surest rule; none for a product without rules.
    pub confidence: Option<Confidence>,
    /// Its rules.
    pub rules: usize,
    /// Those that somebody read in a source.
    pub sourced_rules: usize,
    /// The last day somebody read a source of one of them.
    pub last_checked: Option<Date>,
    /// Claims about its vendor.
    pub claims: usize,
}

impl Entry<'_> {
    /// What it is known by, as people read it: `2 names`, `1 app`.
    pub fn known_by(&self) -> Vec<String> {
        self.signals.iter().map(|(signal, count)| format!("{count} {}", signal.label(*count))).collect()
    }
}

/// Sorts of patterns, as people tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// Host names.
    Names,
    /// Installed programs, by the name that installers and stores know.
    Apps,
    /// Programs and folders, by their paths.
    Paths,
    /// Extensions of browsers and editors.
    Extensions,
    /// Packages that code is built with.
    Packages,
    /// Servers of the Model Context Protocol.
    McpServers,
    /// Container images.
    Containers,
    /// Model files.
    Models,
    /// Local servers, by their ports and what they answer.
    Runtimes,
    /// Variables that hold keys, by their names.
    Variables,
}

impl Signal {
    /// Every sort, in order.
    pub const ALL: [Signal; 10] = [
        Signal::Names,
        Signal::Apps,
        Signal::Paths,
        Signal::Extensions,
        Signal::Packages,
        Signal::McpServers,
        Signal::Containers,
        Signal::Models,
        Signal::Runtimes,
        Signal::Variables,
    ];

    /// The sort of a kind of pattern.
    pub const fn of(kind: IndicatorKind) -> Signal {
        use SoftwareKind as S;
        let IndicatorKind::Software(kind) = kind else { return Signal::Names };
        match kind {
            S::Dpkg | S::Rpm | S::Apk | S::Pacman | S::Snap | S::Flatpak | S::Brew | S::Winget => {
                Signal::Apps
            }
            S::Macports | S::Nix | S::Chocolatey | S::Scoop => Signal::Apps,
            S::BundleId | S::MsixFamily | S::UninstallKey | S::DesktopId | S::AppImage => Signal::Apps,
            S::Executable | S::ConfigPath | S::ProjectFile => Signal::Paths,
            S::VscodeExtension | S::ChromiumExtension | S::FirefoxExtension => Signal::Extensions,
            S::JetbrainsPlugin | S::ZedExtension | S::VimPlugin | S::EmacsPackage => Signal::Extensions,
            S::SublimePackage | S::ObsidianPlugin | S::RaycastExtension => Signal::Extensions,
            S::VisualStudioExtension => Signal::Extensions,
            S::OfficeAddin | S::NativeMessagingHost => Signal::Extensions,
            S::Pypi | S::Npm | S::Cargo | S::Go | S::Gem | S::Nuget | S::Composer | S::Maven => {
                Signal::Packages
            }
            S::Conda => Signal::Packages,
            S::McpPackage | S::McpHost => Signal::McpServers,
            S::ContainerImage => Signal::Containers,
            S::Model => Signal::Models,
            S::LocalPort | S::ApiFingerprint => Signal::Runtimes,
            S::EnvName => Signal::Variables,
        }
    }

    /// As people read it after a number: `1 name`, `2 names`.
    const fn label(self, count: usize) -> &'static str {
        let (one, many) = match self {
            Signal::Names => ("name", "names"),
            Signal::Apps => ("app", "apps"),
            Signal::Paths => ("path", "paths"),
            Signal::Extensions => ("extension", "extensions"),
            Signal::Packages => ("package", "packages"),
            Signal::McpServers => ("MCP server", "MCP servers"),
            Signal::Containers => ("container", "containers"),
            Signal::Models => ("model", "models"),
            Signal::Runtimes => ("local server", "local servers"),
            Signal::Variables => ("variable", "variables"),
        };
        if count == 1 { one } else { many }
    }
}

/// Lays out the contents of a catalogue. Rules of a replaced product count for the product that took its place.
pub fn index(catalogue: &Catalogue) -> Index<'_> {
    let mut rules: HashMap<&str, Vec<&Rule>> = HashMap::new();
    let mut totals = Totals::default();
    for rule in catalogue.rules() {
        if rule.deny {
            totals.denies += 1;
        } else if !rule.retired
            && rule.replaced_by.is_none()
            && let Some(product) = catalogue.product(&rule.product)
        {
            rules.entry(&product.id).or_default().push(rule);
        }
    }
    let mut sections: BTreeMap<Category, Vec<Entry<'_>>> = BTreeMap::new();
    let mut vendors = Vec::new();
    for product in catalogue.products().iter().filter(|product| product.replaced_by.is_none()) {
        let rules = rules.get(&*product.id).map(Vec::as_slice).unwrap_or_default();
        let mut signals = BTreeMap::new();
        for indicator in rules.iter().flat_map(|rule| &rule.indicators) {
            *signals.entry(Signal::of(indicator.kind)).or_default() += 1;
        }
        let sourced_rules = rules.iter().filter(|rule| rule.source_type != SourceType::Knowledge).count();
        totals.products += 1;
        totals.rules += rules.len();
        totals.sourced_rules += sourced_rules;
        totals.indicators += signals.values().sum::<usize>();
        vendors.push(&*product.vendor);
        sections.entry(product.category).or_default().push(Entry {
            id: &product.id,
            name: &product.name,
            vendor_id: &product.vendor,
            vendor: catalogue.vendor(&product.vendor).map_or(&product.vendor, |vendor| &vendor.name),
            category: product.category,
            kind: product.kind,
            embedded: product.embedded,
            signals,
            confidence: rules.iter().map(|rule| rule.confidence).max(),
            rules: rules.len(),
            sourced_rules,
            last_checked: rules.iter().filter_map(|rule| rule.last_checked).max(),
            claims: catalogue.claims_of(&product.vendor).count(),
        });
    }
    // Products are sorted by id, which begins with the vendor's; still not always vendor by vendor (`a-b` and `a`).
    vendors.sort_unstable();
    vendors.dedup();
    totals.vendors = vendors.len();
    totals.unread_rules = totals.rules - totals.sourced_rules;
    for vendor in catalogue.vendors() {
        let claims = catalogue.claims_of(&vendor.id).count();
        totals.claims += claims;
        totals.vendors_with_claims += usize::from(claims > 0);
    }
    let categories = sections
        .into_iter()
        .map(|(category, mut products)| {
            products.sort_by_cached_key(|product| (product.name.to_lowercase(), product.id));
            Section { category, products }
        })
        .collect();
    Index { version: catalogue.version(), date: catalogue.date(), totals, categories }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{HEAD, claim, rule, small};

    #[test]
    fn every_product_stands_in_its_category_with_what_it_is_known_by() {
        let catalogue = small();
        let index = index(&catalogue);
        assert_eq!(index.categories.len(), 1);
        let section = &index.categories[0];
        assert_eq!((section.category, section.products.len()), (Category::Assistant, 1));
        let entry = &section.products[0];
        assert_eq!((entry.name, entry.vendor, entry.confidence), ("P", "V", Some(Confidence::High)));
        assert_eq!((entry.rules, entry.sourced_rules, entry.claims), (4, 4, 1));
        assert_eq!((entry.signals[&Signal::Packages], entry.signals[&Signal::Containers]), (4, 2));
        let known = entry.known_by();
        assert!(known[0].ends_with(" names"), "{known:?}");
        let rest = ["4 paths", "1 extension", "4 packages", "1 MCP server", "2 containers", "3 models"];
        assert_eq!(known[1..], rest);
        assert_eq!(entry.last_checked.unwrap().to_string(), "2026-11-21");
        assert_eq!((index.totals.denies, index.totals.claims, index.totals.vendors), (1, 1, 1));
        assert_eq!(index.totals.indicators, entry.signals.values().sum::<usize>());
    }

    #[test]
    fn what_is_general_knowledge_is_told_apart_and_what_is_gone_does_not_count() {
        let known = rule("known", "high", "suffix = [\"a.vendor.dev\"]")
            .replace("first_party", "knowledge")
            .replace("last_checked = 2026-11-21\n", "");
        let text = [
            HEAD.to_owned(),
            known,
            rule("read", "low", "suffix = [\"b.vendor.dev\"]"),
            rule("read-too", "low", "suffix = [\"c.vendor.dev\"]"),
            rule("gone", "high", "retired = true"),
            rule("moved", "high", "replaced_by = \"v.p.read\""),
            claim("gone", "soc2", "yes", "retired = true\n"),
        ];
        let catalogue = Catalogue::parse(&[("v.toml", &text.concat())]).unwrap();
        let totals = index(&catalogue).totals;
        assert_eq!((totals.rules, totals.sourced_rules, totals.unread_rules), (3, 2, 1));
        assert_eq!((totals.claims, totals.vendors_with_claims, totals.sourced_percent()), (0, 0, 66));
        assert_eq!(Totals::default().sourced_percent(), 0);
    }

    #[test]
    fn the_embedded_catalogue_is_laid_out_whole() {
        let catalogue = Catalogue::embedded();
        let index = index(catalogue);
        let shown: usize = index.categories.iter().map(|section| section.products.len()).sum();
        assert_eq!(shown, catalogue.products().iter().filter(|p| p.replaced_by.is_none()).count());
        assert!(index.categories.windows(2).all(|pair| pair[0].category < pair[1].category));
    }
}
