//! Requests to erase what is kept for one pseudonym.

use askama::Template;

use super::{Frame, filters};
use crate::erasure::{Ended, Erasure, STAYS};
use crate::model::AssetId;
use crate::web::list::Pager;
use crate::web::names::Names;

/// The requests.
#[derive(Debug, Template)]
#[template(path = "erasures.html")]
pub(crate) struct ErasuresPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The requests, the newest first.
    pub(crate) rows: Vec<ErasureView>,
    /// The foot.
    pub(crate) pager: Pager,
    /// Whether the reader may ask.
    pub(crate) asks: bool,
    /// Whether the reader may look which pseudonyms a machine has.
    pub(crate) looks: bool,
    /// Whether the reader may approve and decline.
    pub(crate) decides: bool,
    /// The host name that is looked for.
    pub(crate) machine: String,
    /// Machines of that name and their pseudonyms.
    pub(crate) machines: Vec<(AssetId, Vec<String>)>,
    /// What was typed as the pseudonym.
    pub(crate) pseudonym: String,
    /// And why.
    pub(crate) reason: String,
    /// Why that was not taken.
    pub(crate) problem: Option<String>,
}

impl ErasuresPage {
    /// What no erasure reaches.
    fn stays(&self) -> &'static [&'static str] {
        &STAYS
    }
}

/// A request on the list.
#[derive(Debug)]
pub(crate) struct ErasureView {
    /// Its id.
    pub(crate) id: String,
    /// Where it stands.
    pub(crate) state: &'static str,
    /// Whether it waits for a decision.
    pub(crate) waits: bool,
    /// Whether the reader asked.
    pub(crate) own: bool,
    /// Why.
    pub(crate) reason: String,
    /// Who asked, and when.
    pub(crate) asked: (String, i64),
    /// Who ended it, and when.
    pub(crate) ended: Option<(String, i64)>,
    /// What was deleted.
    pub(crate) erased: Vec<(&'static str, u64)>,
}

impl ErasureView {
    /// The view of a request for a reader of this number.
    pub(crate) fn of(erasure: &Erasure, names: &Names, reader: i64) -> Self {
        let erased = erasure.end.as_ref().and_then(|Ended { erased, .. }| *erased);
        Self {
            id: erasure.id.clone(),
            state: erasure.state(),
            waits: erasure.waits(),
            own: erasure.asked.by == reader,
            reason: erasure.reason.clone(),
            asked: (names.person(erasure.asked.by), erasure.asked.at_ms),
            ended: erasure.end.as_ref().map(|end| (names.person(end.mark.by), end.mark.at_ms)),
            erased: erased.map(|erased| erased.lines().to_vec()).unwrap_or_default(),
        }
    }
}
