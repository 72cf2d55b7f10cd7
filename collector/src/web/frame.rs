//! What every page has in common: who reads it, where it stands, light or dark.

use umbrascope_api::Day;

pub(crate) use super::places::{Group, Here, Place};
use crate::model::{Access, Deed, EmergencyRole, Grants, SavedView};

/// Light, dark, or as the reader's system has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Theme {
    /// As the reader's system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Name of the cookie that keeps it. It says nothing about the person.
    pub(crate) const COOKIE: &'static str = "umbrascope-theme";

    /// The theme a cookie or a form names; anything unknown is the system's.
    pub(crate) fn parse(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Value of the root's `data-theme`; absent where the system decides.
    pub(crate) fn attribute(self) -> Option<&'static str> {
        (self != Self::System).then(|| self.as_str())
    }

    /// The theme that the button offers.
    pub(crate) fn next(self) -> &'static str {
        match self {
            Self::System => "dark",
            Self::Dark => "light",
            Self::Light => "system",
        }
    }

    /// What the button says.
    pub(crate) fn offer(self) -> &'static str {
        match self {
            Self::System => "Dark theme",
            Self::Dark => "Light theme",
            Self::Light => "System theme",
        }
    }
}

/// The frame of a page for somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Where the reader is.
    pub(crate) here: Here,
    /// The address of the page, to come back to.
    pub(crate) path: String,
    /// Who reads.
    pub(crate) user: String,
    /// What the reader may do.
    pub(crate) grants: Grants,
    /// Token that each form carries.
    pub(crate) csrf: String,
    /// Light or dark.
    pub(crate) theme: Theme,
    /// Whether the records are made up.
    pub(crate) demonstration: bool,
    /// What was just done, if anything.
    pub(crate) notice: Option<&'static str>,
    /// The day of reading.
    pub(crate) today: Day,
    /// The moment of reading, Unix time in milliseconds.
    pub(crate) now_ms: i64,
    /// Records that wait for the reader.
    pub(crate) waiting: u64,
    /// Lists that the reader wants to come back to.
    pub(crate) views: Vec<SavedView>,
    /// The role that the reader took in an emergency, while it lasts.
    pub(crate) emergency: Option<EmergencyRole>,
    /// Emergencies that are reported to the reader, who has not said to have seen them.
    pub(crate) emergencies: u64,
    /// Version of this collector.
    pub(crate) version: &'static str,
}

impl Frame {
    /// The places this reader may go to, in groups.
    pub(crate) fn groups(&self) -> Vec<(&'static str, Vec<&'static Place>)> {
        let open = |group: &Group| (group.label, group.open_to(&self.grants));
        Group::all().iter().map(open).filter(|(_, places)| !places.is_empty()).collect()
    }

    /// Whether the reader may make enrolment tokens.
    pub(crate) fn enrols(&self) -> bool {
        self.writes(Deed::Enrol)
    }

    /// Whether the reader may triage what belongs to no unit in particular.
    pub(crate) fn triages(&self) -> bool {
        self.grants.access(Deed::Triage, &[]) >= Access::Write
    }

    /// Whether the reader may export an evidence pack, which is of every unit.
    pub(crate) fn exports_evidence(&self) -> bool {
        self.grants.access(Deed::ExportEvidence, &[]) >= Access::Read
    }

    /// Whether the reader may manage people, be it of one unit.
    pub(crate) fn manages_people(&self) -> bool {
        self.writes(Deed::ManagePeople)
    }

    /// Whether the reader may ask that agents gather more.
    pub(crate) fn asks_for_collection(&self) -> bool {
        self.grants.access_somewhere(Deed::ChangeCollection) >= Access::Propose
    }

    /// Whether the reader may approve that agents gather more.
    pub(crate) fn approves_collection(&self) -> bool {
        self.writes(Deed::ChangeCollection)
    }

    /// Whether the reader may triage somewhere, be it in one unit.
    pub(crate) fn triages_somewhere(&self) -> bool {
        self.writes(Deed::Triage)
    }

    /// Whether entries that stand here lead to their pages: for who reads them there too.
    pub(crate) fn reads_trail(&self) -> bool {
        let reads = |deed| self.grants.access_somewhere(deed) >= Access::Read;
        match self.here {
            Here::Trail => true,
            Here::Privacy => reads(Deed::ReadOwnAudit) || reads(Deed::ReadCollectionAudit),
            _ => reads(Deed::ReadOwnAudit),
        }
    }

    /// How many records wait at a place, where they are counted.
    pub(crate) fn waits(&self, place: &Place) -> Option<u64> {
        (place.is(&Here::Review) && self.waiting > 0).then_some(self.waiting)
    }

    /// Whether the reader may start campaigns somewhere.
    pub(crate) fn starts_campaigns(&self) -> bool {
        self.writes(Deed::ProposeScope)
    }

    /// Whether the reader reviews, and so is shown how answers were given.
    pub(crate) fn reviews(&self) -> bool {
        self.writes(Deed::Decide)
    }

    /// Whether the reader decides the scope of the whole organisation.
    pub(crate) fn decides_scope(&self) -> bool {
        self.writes_all(Deed::DecideScope)
    }

    /// Whether the reader may do this for the whole organisation.
    pub(crate) fn writes_all(&self, deed: Deed) -> bool {
        self.grants.access(deed, &[]) >= Access::Write
    }

    fn writes(&self, deed: Deed) -> bool {
        self.grants.access_somewhere(deed) >= Access::Write
    }
}
