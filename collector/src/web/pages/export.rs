//! What can be taken away.

use askama::Template;

use super::{Frame, filters};
use crate::export::Format;

/// The formats, and what each is for.
#[derive(Debug, Template)]
#[template(path = "export.html")]
pub(crate) struct ExportPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Whether single machines stand in the JSON export of the reader.
    pub(crate) machines: bool,
    /// Whether the reader sees the records of every unit.
    pub(crate) whole: bool,
}

impl ExportPage {
    /// Every format.
    pub(crate) fn formats(&self) -> [Format; 9] {
        Format::ALL
    }
}
