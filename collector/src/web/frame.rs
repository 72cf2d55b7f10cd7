//! What every page has in common: who reads it, where it stands, light or dark.

use umbrascope_api::Day;

use crate::model::{Access, Deed, Grants};

/// A place of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    /// Products, and one product.
    Products,
    /// The inventory of AI systems.
    Inventory,
    /// Findings, and one finding.
    Findings,
    /// Tasks, and one task.
    Tasks,
    /// Vendors in use, and the dossier of one.
    Vendors,
    /// Assets, and one asset.
    Assets,
    /// Suspects.
    Suspects,
    /// Readiness, controls.
    Readiness,
    /// Indicators.
    Indicators,
    /// Coverage.
    Coverage,
    /// Scope statements, endpoints and sites.
    Scope,
    /// The catalogue, and one vendor of it.
    Catalogue,
    /// The organisation's own rules.
    OwnRules,
    /// Enrolment tokens.
    Enrolment,
    /// What waits for the reader.
    Review,
    /// The audit trail.
    Trail,
    /// Policies and limits.
    Policies,
    /// What can be taken away.
    Export,
    /// Attestation campaigns.
    Campaigns,
    /// What the reader answers for.
    Attest,
    /// People and their roles.
    People,
    /// Privacy, the notice, and the pack of the assessment.
    Privacy,
    /// The reader's own account.
    Account,
}

impl Here {
    /// What one must be able to look at to go there.
    fn deed(self) -> Deed {
        match self {
            Self::Assets => Deed::ReadMachines,
            Self::Enrolment => Deed::Enrol,
            Self::Trail => Deed::ReadOwnAudit,
            Self::Attest => Deed::AnswerCampaign,
            Self::People => Deed::ManagePeople,
            _ => Deed::ReadInventory,
        }
    }
}

/// A link of the navigation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    here: Here,
    /// Where it leads.
    pub(crate) href: &'static str,
    /// What it is called.
    pub(crate) label: &'static str,
    /// Outline of its icon, a path in a box of 16 units.
    pub(crate) icon: &'static str,
}

impl Place {
    /// Whether the reader is there.
    pub(crate) fn is(&self, here: &Here) -> bool {
        self.here == *here
    }
}

const PLACES: &[Place] = &[
    Place {
        here: Here::Products,
        href: "/products",
        label: "Products",
        icon: "M8 1.8l5.4 3v6.4L8 14.2l-5.4-3V4.8zM2.8 4.9L8 7.8l5.2-2.9M8 7.8v6.2",
    },
    Place {
        here: Here::Inventory,
        href: "/inventory",
        label: "Inventory",
        icon: "M3 2.5h10v11H3zM5.5 5.5h5M5.5 8h5M5.5 10.5h3",
    },
    Place {
        here: Here::Review,
        href: "/review",
        label: "Review",
        icon: "M2.5 9.5V3h11v6.5M2.5 9.5h3l1 1.8h3l1-1.8h3v3.7h-11zM5.8 6l1.5 1.4 2.9-2.8",
    },
    Place {
        here: Here::Findings,
        href: "/findings",
        label: "Findings",
        icon: "M8 2l6.2 11.2H1.8zM8 6.4v3.2M8 11.4v.1",
    },
    Place {
        here: Here::Tasks,
        href: "/tasks",
        label: "Tasks",
        icon: "M2.5 4l1.2 1.2L6 2.8M2.5 8.4l1.2 1.2L6 7.2M2.5 12.8L3.7 14 6 11.6M8 4h5.5M8 8.4h5.5M8 12.8h5.5",
    },
    Place {
        here: Here::Vendors,
        href: "/vendors",
        label: "Vendors",
        icon: "M2.5 13.5v-9L8 2l5.5 2.5v9zM6 13.5v-3h4v3M5.5 6.5h1M9.5 6.5h1",
    },
    Place {
        here: Here::Assets,
        href: "/assets",
        label: "Assets",
        icon: "M2.5 3h11v7.5h-11zM5.5 13.2h5M8 10.5v2.7",
    },
    Place {
        here: Here::Suspects,
        href: "/suspects",
        label: "Suspects",
        icon: "M6 6.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4M8 11.6v.1M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8z",
    },
    Place { here: Here::Readiness, href: "/readiness", label: "Readiness", icon: "M3 8.5l3 3 7-7M2.5 14h11" },
    Place {
        here: Here::Coverage,
        href: "/coverage",
        label: "Coverage",
        icon: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6z",
    },
    Place {
        here: Here::Scope,
        href: "/scope",
        label: "Scope",
        icon: "M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6z",
    },
    Place {
        here: Here::Catalogue,
        href: "/catalogue",
        label: "Catalogue",
        icon: "M8 4.2C6.6 3 4.6 2.6 2 2.8v9.6c2.6-.2 4.6.2 6 1.4 1.4-1.2 3.4-1.6 6-1.4V2.8c-2.6-.2-4.6.2-6 1.4zM8 4.2v9.6",
    },
    Place {
        here: Here::OwnRules,
        href: "/catalogue/own",
        label: "Own rules",
        icon: "M3 2.5h7l3 3v8H3zM10 2.5v3h3M5.5 8.5h5M8 6v5",
    },
    Place {
        here: Here::Campaigns,
        href: "/campaigns",
        label: "Campaigns",
        icon: "M3 9.5v-3h2.5L11 3v10L5.5 9.5zM5 9.5l1 4h1.5l-.8-3.3M13 6.5v3",
    },
    Place {
        here: Here::Attest,
        href: "/attest",
        label: "My records",
        icon: "M2.5 3.5h7M2.5 7h5M2.5 10.5h4M8.5 11l2 2 3.5-4.5",
    },
    Place {
        here: Here::Enrolment,
        href: "/tokens",
        label: "Enrolment",
        icon: "M10.2 2.2a3.6 3.6 0 1 1-2.9 5.7L2.5 12.7v1.1h2v-1.5H6v-1.5h1.5l1-1M11 5.2v.1",
    },
    Place {
        here: Here::Policies,
        href: "/policies",
        label: "Policies",
        icon: "M8 1.8l5 1.9v4c0 3.2-2 5.4-5 6.5-3-1.1-5-3.3-5-6.5v-4zM5.8 8l1.6 1.6 2.9-3",
    },
    Place {
        here: Here::Trail,
        href: "/trail",
        label: "Audit trail",
        icon: "M8 1.8a6.2 6.2 0 1 1-5.6 3.5M2.2 2.4v3h3M8 4.8V8l2.2 1.4",
    },
    Place {
        here: Here::People,
        href: "/people",
        label: "People",
        icon: "M6 7.4a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8zM1.8 13.4c0-2.4 1.8-4 4.2-4s4.2 1.6 4.2 4M10.6 3a2.2 2.2 0 0 1 0 4.2M12 9.8c1.4.6 2.2 1.9 2.2 3.6",
    },
    Place {
        here: Here::Export,
        href: "/export",
        label: "Export",
        icon: "M8 2v7.5M5 6.8L8 9.8l3-3M2.8 10.5v3h10.4v-3",
    },
    Place {
        here: Here::Privacy,
        href: "/privacy",
        label: "Privacy",
        icon: "M8 1.6l5.2 2v4c0 3.2-2.2 5.6-5.2 6.8-3-1.2-5.2-3.6-5.2-6.8v-4zM5.8 7.8l1.6 1.6 2.8-3",
    },
];

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
    /// Version of this collector.
    pub(crate) version: &'static str,
}

impl Frame {
    /// The places this reader may go to.
    pub(crate) fn places(&self) -> impl Iterator<Item = &'static Place> {
        PLACES.iter().filter(|place| self.grants.access_somewhere(place.here.deed()) >= Access::Read)
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

    /// Whether the reader may look at entries of the trail, be it their own alone.
    pub(crate) fn reads_trail(&self) -> bool {
        self.grants.access_somewhere(Deed::ReadOwnAudit) >= Access::Read
    }

    /// How many records wait at a place, where they are counted.
    pub(crate) fn waits(&self, place: &Place) -> Option<u64> {
        (place.here == Here::Review && self.waiting > 0).then_some(self.waiting)
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
