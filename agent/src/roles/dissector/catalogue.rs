//! The catalogue, and the organisation's own rules over it, that this process matches with.

use std::fs::File;

use crate::own::{Handed, Sources};

/// What the warden handed over: each a file that it opened, and the keys that it trusts for it.
pub(super) enum Handover {
    /// A catalogue.
    Catalogue(Handed),
    /// Own rules.
    Own(Handed),
}

impl Handover {
    pub(super) fn catalogue(file: impl Into<File>, keys: Vec<String>) -> Self {
        Self::Catalogue((file.into(), keys))
    }

    pub(super) fn own(file: impl Into<File>, keys: Vec<String>) -> Self {
        Self::Own((file.into(), keys))
    }

    /// Puts it in the place of an earlier one.
    pub(super) fn put(self, sources: &mut Sources) {
        match self {
            Self::Catalogue(handed) => sources.catalogue = Some(handed),
            Self::Own(handed) => sources.own = Some(handed),
        }
    }
}
