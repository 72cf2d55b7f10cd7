//! What a search finds, whatever it is.

use askama::Template;

use super::{Frame, filters};

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Its page.
    pub(crate) href: String,
    /// What it is called.
    pub(crate) name: String,
    /// More of it, in a few words.
    pub(crate) note: String,
}

/// What was found of one sort.
#[derive(Debug)]
pub(crate) struct Hits {
    /// The sort.
    pub(crate) label: &'static str,
    /// The first of them.
    pub(crate) rows: Vec<Hit>,
    /// How many there are, and where all of them stand.
    pub(crate) all: Option<(u64, String)>,
}

impl Hits {
    /// Of which nothing was found.
    pub(crate) fn nothing(label: &'static str) -> Self {
        Self { label, rows: Vec::new(), all: None }
    }
}

/// What was found.
#[derive(Debug, Template)]
#[template(path = "search.html")]
pub(crate) struct SearchPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What was searched for.
    pub(crate) search: String,
    /// What was found, sort by sort; nothing of those of which nothing was.
    pub(crate) found: Vec<Hits>,
    /// What is looked in, for this reader.
    pub(crate) within: Vec<&'static str>,
}
