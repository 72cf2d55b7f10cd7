//! Monthly snapshots, and how far the audit trail is signed and stamped.

use askama::Template;

use super::{Frame, filters};
use crate::audit::Checkpoint;
use crate::model::governed::Held;
use crate::model::monthly::Monthly;
use crate::store::proof::Stamped;

/// Snapshots, the newest first, and the proofs that they stand on.
#[derive(Debug, Template)]
#[template(path = "snapshots.html")]
pub(crate) struct SnapshotsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Whether the reader sees the records of every unit, which are in each.
    pub(crate) whole: bool,
    /// The snapshots.
    pub(crate) rows: Vec<Held<Monthly>>,
    /// The newest signed checkpoint.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// How far the trail is stamped.
    pub(crate) stamped: Stamped,
    /// Host of the authority that is asked for stamps; `None`: nobody is.
    pub(crate) authority: Option<String>,
    /// Stamps since the start, and attempts that failed.
    pub(crate) attempts: (u64, u64),
    /// When the last attempt failed, Unix milliseconds, and why.
    pub(crate) failure: Option<(i64, String)>,
}

impl SnapshotsPage {
    /// Whether the newest checkpoint covers the entry of a snapshot.
    pub(crate) fn is_signed(&self, held: &Held<Monthly>) -> bool {
        self.checkpoint.as_ref().is_some_and(|checkpoint| held.seq < checkpoint.size)
    }
}
