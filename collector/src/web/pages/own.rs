//! The organisation's own rules.

use askama::Template;
use umbrascope_rules::{Category, Confidence, Problem, ProductKind, SoftwareKind};

use super::{Frame, filters};
use crate::model::OwnVersion;
use crate::own::{DiffLine, Effect};
use crate::web::language::{key, say, t};
use crate::web::list::Pager;

/// A rule, deny or change of the version in force, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnEntry {
    /// Its id, or that of what is changed.
    pub(crate) id: String,
    /// Style class and word of its badge.
    pub(crate) badge: (&'static str, &'static str),
    /// The product that it means; empty for a deny.
    pub(crate) product: String,
    /// What it says, a line each.
    pub(crate) says: Vec<String>,
    /// How sure, for a rule.
    pub(crate) confidence: Option<Confidence>,
    /// Why.
    pub(crate) why: String,
    /// The version that it stands so since.
    pub(crate) since: Option<OwnVersion>,
    /// It matches nothing any more.
    pub(crate) retired: bool,
}

/// What is in force, and what was.
#[derive(Debug, Template)]
#[template(path = "own.html")]
pub(crate) struct OwnPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The newest version.
    pub(crate) newest: Option<OwnVersion>,
    /// Id of the key that signs them.
    pub(crate) key: String,
    /// What does not hold over the catalogue in use.
    pub(crate) left_out: Vec<Problem>,
    /// What stands in it.
    pub(crate) entries: Vec<OwnEntry>,
    /// Versions, newest first.
    pub(crate) versions: Vec<OwnVersion>,
    /// Pages of them.
    pub(crate) pager: Pager,
}

/// What a form for one addition holds, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OwnForm {
    /// `rule`, `deny`, `name` or `confidence`.
    pub(crate) what: String,
    /// What the pattern is compared with.
    pub(crate) kind: String,
    /// The pattern.
    pub(crate) pattern: String,
    /// Id of a known product.
    pub(crate) product: String,
    /// Name of a new product, or the new name of a known one.
    pub(crate) name: String,
    /// Vendor of a new product.
    pub(crate) vendor: String,
    /// Kind of a new product.
    pub(crate) product_kind: String,
    /// Category of a new product.
    pub(crate) category: String,
    /// Id of a rule of the catalogue.
    pub(crate) rule: String,
    /// How sure.
    pub(crate) confidence: String,
    /// Why.
    pub(crate) reason: String,
    /// What must match, parted by spaces.
    pub(crate) examples: String,
}

impl OwnForm {
    /// The forms there are, with their names.
    pub(crate) const WHATS: [(&'static str, &'static str); 4] = [
        ("rule", key("Rule")),
        ("deny", key("Deny")),
        ("name", key("Name")),
        ("confidence", key("Confidence")),
    ];

    /// The same for the template.
    pub(crate) fn whats(&self) -> [(&'static str, &'static str); 4] {
        Self::WHATS
    }

    /// What patterns are compared with.
    pub(crate) fn kinds(&self) -> Vec<(&'static str, &'static str)> {
        let names = [
            ("suffix", t("name and all below it")),
            ("exact", t("that name alone")),
            ("glob", t("names of a shape (*)")),
        ];
        names.into_iter().chain(SoftwareKind::ALL.iter().map(|kind| (kind.as_str(), kind.as_str()))).collect()
    }

    /// Kinds of products.
    pub(crate) fn product_kinds(&self) -> Vec<&'static str> {
        ProductKind::ALL.iter().map(|kind| kind.as_str()).collect()
    }

    /// Categories of products.
    pub(crate) fn categories(&self) -> Vec<&'static str> {
        Category::ALL.iter().map(|category| category.as_str()).collect()
    }

    /// Confidences that a person may choose.
    pub(crate) fn confidences(&self) -> [&'static str; 3] {
        ["high", "medium", "low"]
    }
}

/// The form for one addition.
#[derive(Debug, Template)]
#[template(path = "own_new.html")]
pub(crate) struct OwnNewPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The form.
    pub(crate) form: OwnForm,
    /// What is wrong with it.
    pub(crate) problems: Vec<String>,
    /// It comes from the queue of suspects.
    pub(crate) from_suspect: bool,
    /// The version that it would follow; 0 for none.
    pub(crate) after: u32,
}

/// A text that is not published yet: what is wrong with it, what it would change.
#[derive(Debug, Template)]
#[template(path = "own_text.html")]
pub(crate) struct OwnTextPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What the page is called.
    pub(crate) title: &'static str,
    /// The text.
    pub(crate) text: String,
    /// The version that it would follow; 0 for none.
    pub(crate) after: u32,
    /// Why, as typed.
    pub(crate) note: String,
    /// What was refused just now.
    pub(crate) refused: Option<String>,
    /// Whether it was checked; an editor that was just opened was not.
    pub(crate) checked: bool,
    /// What has to be corrected.
    pub(crate) errors: Vec<Problem>,
    /// What deserves a look.
    pub(crate) warnings: Vec<Problem>,
    /// What would be different in what the collector holds.
    pub(crate) effect: Effect,
    /// What would be different in the text, with the class of each line.
    pub(crate) lines: Vec<ShownLine>,
}

/// A line of a comparison, to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownLine {
    /// Style class: `gone`, `new`, `skipped` or nothing.
    pub(crate) class: &'static str,
    /// What stands before it.
    pub(crate) sign: &'static str,
    /// The line.
    pub(crate) text: String,
}

impl From<DiffLine<'_>> for ShownLine {
    fn from(line: DiffLine<'_>) -> Self {
        let (class, sign, text) = match line {
            DiffLine::Same(text) => ("", " ", text.to_owned()),
            DiffLine::Gone(text) => ("gone", "−", text.to_owned()),
            DiffLine::New(text) => ("new", "+", text.to_owned()),
            DiffLine::Skipped(1) => ("skipped", "…", t("1 line that is the same").to_owned()),
            DiffLine::Skipped(lines) => ("skipped", "…", say!("{0} lines that are the same", lines)),
        };
        Self { class, sign, text }
    }
}

/// One version, and what it changed.
#[derive(Debug, Template)]
#[template(path = "own_version.html")]
pub(crate) struct OwnVersionPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Which one.
    pub(crate) version: OwnVersion,
    /// The version that it followed.
    pub(crate) before: Option<u32>,
    /// What it changed.
    pub(crate) lines: Vec<ShownLine>,
    /// Whether there is a later one.
    pub(crate) is_newest: bool,
}
