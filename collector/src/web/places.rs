//! The navigation: where one can go, in groups, and who may.

use crate::model::{Access, Deed, Grants};

/// A place of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    /// A front door.
    Start,
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
    /// A search.
    Search,
    /// The reader's saved views.
    Views,
}

impl Here {
    /// One of these one must be able to look at to go there.
    fn deeds(self) -> &'static [Deed] {
        match self {
            Self::Assets => &[Deed::ReadMachines],
            Self::Enrolment => &[Deed::Enrol],
            Self::Trail => &[Deed::ReadOwnAudit, Deed::ReadCollectionAudit],
            Self::Attest => &[Deed::AnswerCampaign],
            Self::People => &[Deed::ManagePeople],
            _ => &[Deed::ReadInventory],
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
    /// The key that leads there, after `g`.
    pub(crate) key: Option<&'static str>,
}

impl Place {
    /// Whether the reader is there.
    pub(crate) fn is(&self, here: &Here) -> bool {
        self.here == *here
    }
}

/// Something that can be set, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// Where it is set.
    pub(crate) href: &'static str,
    /// What it is called.
    pub(crate) label: &'static str,
    /// Other words that people look for it with.
    pub(crate) words: &'static str,
    /// What one must be able to look at to go there; `None`: it is one's own.
    deed: Option<Deed>,
}

impl Setting {
    /// Whether these roles lead there.
    pub(crate) fn is_open_to(&self, grants: &Grants) -> bool {
        self.deed.is_none_or(|deed| grants.access_somewhere(deed) >= Access::Read)
    }
}

const fn setting(
    href: &'static str,
    label: &'static str,
    words: &'static str,
    deed: Option<Deed>,
) -> Setting {
    Setting { href, label, words, deed }
}

/// What can be set, for who looks for it.
pub(crate) const SETTINGS: &[Setting] = &[
    setting("/account#h-password", "Your password", "change sign in", None),
    setting("/account#h-second", "Your second factor", "totp authenticator recovery codes 2fa mfa", None),
    setting("/account/api-tokens", "Tokens of your programs", "api key script bearer", None),
    setting("/views", "Your views", "saved filters lists", None),
    setting(
        "/policies#limits",
        "Limits of decisions",
        "tolerated days expiry review due coverage",
        Some(Deed::ReadInventory),
    ),
    setting("/policies#h-new", "The AI policy", "version document", Some(Deed::ReadInventory)),
    setting(
        "/findings#due-days",
        "Days to answer findings",
        "due overdue severity",
        Some(Deed::ReadInventory),
    ),
    setting(
        "/privacy",
        "How long records are kept",
        "retention delete days pseudonyms",
        Some(Deed::ReadInventory),
    ),
    setting(
        "/privacy/erasures",
        "Erasing what is kept of a person",
        "gdpr right to erasure pseudonym",
        Some(Deed::SetRetention),
    ),
    setting(
        "/suspects#h-setting",
        "Collecting suspects",
        "unknown domains switch on off",
        Some(Deed::ReadInventory),
    ),
    setting(
        "/reidentification",
        "Sealed names of accounts",
        "re-identification pseudonym who",
        Some(Deed::ReadInventory),
    ),
    setting(
        "/emergency",
        "Emergency access",
        "break glass role administrator hours",
        Some(Deed::ReadCollectionAudit),
    ),
    setting("/people#h-second", "Roles that take a second factor", "totp 2fa mfa", Some(Deed::ManagePeople)),
    setting(
        "/people/import",
        "Importing the directory",
        "csv people units managers",
        Some(Deed::ManagePeople),
    ),
    setting("/units", "Units", "departments organisation tree", Some(Deed::ManagePeople)),
    setting("/tokens", "Enrolment tokens", "deploy agent install machine", Some(Deed::Enrol)),
    setting("/scope/endpoints", "Expected endpoints", "list csv cmdb denominator", Some(Deed::ReadInventory)),
    setting("/scope/sites", "Sites and networks", "blind location", Some(Deed::ReadInventory)),
    setting("/readiness/controls", "Controls of Annex A", "applicability soa", Some(Deed::ReadInventory)),
    setting("/indicators", "Targets of indicators", "kpi measure", Some(Deed::ReadInventory)),
    setting("/catalogue/own", "Own rules", "add deny rename domain custom", Some(Deed::ReadInventory)),
];

/// Places that belong together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    /// What they are called together.
    pub(crate) label: &'static str,
    places: &'static [Place],
}

impl Group {
    /// Every group, in the order of the page.
    pub(crate) fn all() -> &'static [Self] {
        GROUPS
    }

    /// What its places are called.
    #[cfg(test)]
    pub(crate) fn labels(&self) -> Vec<&'static str> {
        self.places.iter().map(|place| place.label).collect()
    }

    /// Those of its places to which these roles lead.
    pub(crate) fn open_to(&self, grants: &Grants) -> Vec<&'static Place> {
        let reads = |deed: &Deed| grants.access_somewhere(*deed) >= Access::Read;
        let open = |place: &&Place| place.here.deeds().iter().any(reads);
        self.places.iter().filter(open).collect()
    }
}

const fn place(here: Here, href: &'static str, label: &'static str, icon: &'static str) -> Place {
    Place { here, href, label, icon, key: key_of(here) }
}

/// Keys of the places that people go to all day.
const fn key_of(here: Here) -> Option<&'static str> {
    Some(match here {
        Here::Start => "h",
        Here::Review => "r",
        Here::Findings => "f",
        Here::Tasks => "t",
        Here::Attest => "m",
        Here::Inventory => "i",
        Here::Products => "p",
        Here::Vendors => "v",
        Here::Scope => "s",
        Here::Assets => "a",
        Here::Coverage => "c",
        _ => return None,
    })
}

const GROUPS: &[Group] = &[
    Group {
        label: "Work",
        places: &[
            place(Here::Start, "/", "Start", "M2.5 7.5L8 2.8l5.5 4.7v6h-4V9.8h-3v3.7h-4z"),
            place(
                Here::Review,
                "/review",
                "Review",
                "M2.5 9.5V3h11v6.5M2.5 9.5h3l1 1.8h3l1-1.8h3v3.7h-11zM5.8 6l1.5 1.4 2.9-2.8",
            ),
            place(Here::Findings, "/findings", "Findings", "M8 2l6.2 11.2H1.8zM8 6.4v3.2M8 11.4v.1"),
            place(
                Here::Tasks,
                "/tasks",
                "Tasks",
                "M2.5 4l1.2 1.2L6 2.8M2.5 8.4l1.2 1.2L6 7.2M2.5 12.8L3.7 14 6 11.6M8 4h5.5M8 8.4h5.5M8 12.8h5.5",
            ),
            place(Here::Attest, "/attest", "My records", "M2.5 3.5h7M2.5 7h5M2.5 10.5h4M8.5 11l2 2 3.5-4.5"),
        ],
    },
    Group {
        label: "Inventory",
        places: &[
            place(Here::Inventory, "/inventory", "Inventory", "M3 2.5h10v11H3zM5.5 5.5h5M5.5 8h5M5.5 10.5h3"),
            place(
                Here::Products,
                "/products",
                "Products",
                "M8 1.8l5.4 3v6.4L8 14.2l-5.4-3V4.8zM2.8 4.9L8 7.8l5.2-2.9M8 7.8v6.2",
            ),
            place(
                Here::Vendors,
                "/vendors",
                "Vendors",
                "M2.5 13.5v-9L8 2l5.5 2.5v9zM6 13.5v-3h4v3M5.5 6.5h1M9.5 6.5h1",
            ),
            place(
                Here::Suspects,
                "/suspects",
                "Suspects",
                "M6 6.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4M8 11.6v.1M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8z",
            ),
        ],
    },
    Group {
        label: "Governance",
        places: &[
            place(
                Here::Scope,
                "/scope",
                "Scope",
                "M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6z",
            ),
            place(
                Here::Campaigns,
                "/campaigns",
                "Campaigns",
                "M3 9.5v-3h2.5L11 3v10L5.5 9.5zM5 9.5l1 4h1.5l-.8-3.3M13 6.5v3",
            ),
            place(Here::Readiness, "/readiness", "Readiness", "M3 8.5l3 3 7-7M2.5 14h11"),
            place(
                Here::Policies,
                "/policies",
                "Policies",
                "M8 1.8l5 1.9v4c0 3.2-2 5.4-5 6.5-3-1.1-5-3.3-5-6.5v-4zM5.8 8l1.6 1.6 2.9-3",
            ),
        ],
    },
    Group {
        label: "Fleet",
        places: &[
            place(Here::Assets, "/assets", "Assets", "M2.5 3h11v7.5h-11zM5.5 13.2h5M8 10.5v2.7"),
            place(
                Here::Coverage,
                "/coverage",
                "Coverage",
                "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6z",
            ),
            place(
                Here::Enrolment,
                "/tokens",
                "Enrolment",
                "M10.2 2.2a3.6 3.6 0 1 1-2.9 5.7L2.5 12.7v1.1h2v-1.5H6v-1.5h1.5l1-1M11 5.2v.1",
            ),
        ],
    },
    Group {
        label: "Evidence##for audits",
        places: &[
            place(
                Here::Trail,
                "/trail",
                "Audit trail",
                "M8 1.8a6.2 6.2 0 1 1-5.6 3.5M2.2 2.4v3h3M8 4.8V8l2.2 1.4",
            ),
            place(Here::Export, "/export", "Export", "M8 2v7.5M5 6.8L8 9.8l3-3M2.8 10.5v3h10.4v-3"),
            place(
                Here::Privacy,
                "/privacy",
                "Privacy",
                "M8 1.6l5.2 2v4c0 3.2-2.2 5.6-5.2 6.8-3-1.2-5.2-3.6-5.2-6.8v-4zM5.8 7.8l1.6 1.6 2.8-3",
            ),
        ],
    },
    Group {
        label: "Set-up",
        places: &[
            place(
                Here::Catalogue,
                "/catalogue",
                "Catalogue",
                "M8 4.2C6.6 3 4.6 2.6 2 2.8v9.6c2.6-.2 4.6.2 6 1.4 1.4-1.2 3.4-1.6 6-1.4V2.8c-2.6-.2-4.6.2-6 1.4zM8 4.2v9.6",
            ),
            place(
                Here::OwnRules,
                "/catalogue/own",
                "Own rules",
                "M3 2.5h7l3 3v8H3zM10 2.5v3h3M5.5 8.5h5M8 6v5",
            ),
            place(
                Here::People,
                "/people",
                "People",
                "M6 7.4a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8zM1.8 13.4c0-2.4 1.8-4 4.2-4s4.2 1.6 4.2 4M10.6 3a2.2 2.2 0 0 1 0 4.2M12 9.8c1.4.6 2.2 1.9 2.2 3.6",
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::{Grant, Role};

    #[test]
    fn nobody_is_led_to_a_setting_that_they_may_not_see() {
        let open = |grants: &Grants| SETTINGS.iter().filter(|one| one.is_open_to(grants)).count();
        let nobody = open(&Grants::default());
        assert!((1..SETTINGS.len()).contains(&nobody));
        let council = Grants(vec![Grant { role: Role::WorksCouncil, unit: None }]);
        let found = SETTINGS.iter().filter(|one| one.is_open_to(&council)).map(|one| one.href);
        assert!(!found.collect::<Vec<_>>().contains(&"/tokens"));
    }

    #[test]
    fn each_place_stands_once_and_each_role_gets_somewhere() {
        let places: Vec<_> = GROUPS.iter().flat_map(|group| group.places).collect();
        let addresses: BTreeSet<_> = places.iter().map(|place| place.href).collect();
        assert_eq!(addresses.len(), places.len());
        let keys: Vec<_> = places.iter().filter_map(|place| place.key).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "a key leads to one place");
        for role in Role::ALL {
            let grants = Grants(vec![Grant { role, unit: None }]);
            let open: usize = GROUPS.iter().map(|group| group.open_to(&grants).len()).sum();
            assert!(open > 5, "{}", role.as_str());
        }
        let without: Vec<_> = GROUPS.iter().flat_map(|group| group.open_to(&Grants::default())).collect();
        assert_eq!(
            without.iter().map(|place| place.href).collect::<Vec<_>>(),
            ["/attest"],
            "who owns answers"
        );
    }
}
