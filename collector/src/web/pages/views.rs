//! Saved views.

use askama::Template;

use super::{Frame, filters};
use crate::model::SavedView;

/// The reader's views.
#[derive(Debug, Template)]
#[template(path = "views.html")]
pub(crate) struct ViewsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The views, by name.
    pub(crate) rows: Vec<SavedView>,
    /// Why a view was not saved.
    pub(crate) problem: Option<&'static str>,
}
