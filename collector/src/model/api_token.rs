//! What programs sign in with, in the name of a person.

use serde::Serialize;

use super::{Access, Deed, Role};

/// What a token may be used for. It never gives more than its owner may do at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Products, systems, coverage in numbers, the catalogue.
    ReadInventory,
    /// Single machines. Each reading is recorded, as a person's is.
    ReadMachines,
    /// The audit trail.
    ReadAudit,
    /// People, units and tokens.
    ReadPeople,
    /// Triage, requests and decisions.
    WriteReview,
    /// Enrolment tokens and sensors.
    Enrol,
}

impl Scope {
    /// Every scope, in the order in which people read them.
    pub const ALL: [Self; 6] = [
        Self::ReadInventory,
        Self::ReadMachines,
        Self::ReadAudit,
        Self::ReadPeople,
        Self::WriteReview,
        Self::Enrol,
    ];

    /// The word for it in SQL, JSON and forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadInventory => "read-inventory",
            Self::ReadMachines => "read-machines",
            Self::ReadAudit => "read-audit",
            Self::ReadPeople => "read-people",
            Self::WriteReview => "write-review",
            Self::Enrol => "enrol",
        }
    }

    /// The scope that is written so.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    /// How far it lets a token go.
    pub fn covers(self, deed: Deed) -> Access {
        use Access::{No, Read, Write};
        match (self, deed) {
            (Self::ReadInventory, Deed::ReadInventory | Deed::ExportEvidence) => Read,
            (Self::ReadMachines, Deed::ReadMachines | Deed::ReadFindings) => Read,
            (Self::ReadAudit, Deed::ReadAudit | Deed::ReadOwnAudit | Deed::ReadCollectionAudit) => Read,
            (Self::ReadPeople, Deed::ManagePeople) => Read,
            (
                Self::WriteReview,
                Deed::Triage
                | Deed::RequestDecision
                | Deed::Decide
                | Deed::ProposeScope
                | Deed::AnswerCampaign,
            ) => Write,
            (Self::Enrol, Deed::Enrol) => Write,
            // To write a record one reads it.
            (Self::WriteReview, Deed::ReadInventory) => Read,
            _ => No,
        }
    }

    /// Whether a token acts in this role of its owner's. What is decided of the scope, and what is signed, takes a person.
    pub fn lends(self, role: Role) -> bool {
        match self {
            Self::WriteReview => matches!(role, Role::Analyst | Role::Reviewer),
            Self::Enrol => role == Role::ItDeployer,
            Self::ReadInventory | Self::ReadMachines | Self::ReadAudit | Self::ReadPeople => false,
        }
    }

    /// The scope that a route of the interface for programs takes.
    ///
    /// # Errors
    /// Where no token does: what concerns people and their rights, what is set for everybody, and what is signed takes a person.
    pub fn of_route(method: &str, path: &str) -> Result<Self, TakesPerson> {
        let reads = method == "GET" || method == "HEAD";
        let below = |place: &str| {
            let rest = path.strip_prefix("/api/v1/").and_then(|rest| rest.strip_prefix(place));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let any = |places: &[&str]| places.iter().any(|place| below(place));
        let persons = PERSONS.iter().filter(|_| !reads).chain(&PERSONS_ALONE).find(|(place, _)| below(place));
        if let Some((_, page)) = persons {
            return Err(TakesPerson { page });
        }
        Ok(if any(&["tokens", "sensors"]) || !reads && any(&["scope/endpoints", "scope/endpoint-lists"]) {
            Self::Enrol
        } else if any(&["people", "api-tokens", "second-factor-roles"]) {
            Self::ReadPeople
        } else if any(&["assets", "scope/endpoints"]) {
            Self::ReadMachines
        } else if any(&["audit", "trail", "readings"]) {
            Self::ReadAudit
        } else if reads || any(&["export"]) {
            Self::ReadInventory
        } else {
            Self::WriteReview
        })
    }
}

/// Places below which only people write, and the page on which they do.
const PERSONS: [(&str, &str); 13] = [
    ("api-tokens", "/account/api-tokens"),
    ("indicators", "/indicators"),
    ("limits", "/policies"),
    ("management-reviews", "/management-reviews"),
    ("own-rules/versions", "/catalogue/own"),
    ("people", "/people"),
    ("policies", "/policies"),
    ("reidentification", "/reidentification"),
    ("retention", "/privacy"),
    ("scope/statements", "/scope"),
    ("second-factor-roles", "/people"),
    ("suspects/setting", "/suspects"),
    ("units", "/units"),
];

/// Places below which only people read, too.
const PERSONS_ALONE: [(&str, &str); 3] = [
    ("emergencies", "/emergency"),
    ("erasures", "/privacy/erasures"),
    ("reidentifications", "/reidentification"),
];

/// A route that no token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("G-SCOPE: no token does this, it takes a person, who is signed in")]
pub struct TakesPerson {
    /// The page on which people do it.
    pub page: &'static str,
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiTokenRow {
    /// Public part, 16 lower-case hexadecimal digits.
    pub id: String,
    /// Number of the owner.
    pub person: i64,
    /// Sign-in name of the owner.
    pub owner: String,
    /// What it is for.
    pub label: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// Unix time in milliseconds.
    pub created_at_ms: i64,
    /// Unix time in milliseconds.
    pub expires_at_ms: i64,
    /// Unix time in milliseconds of the last use, exact to a minute.
    pub last_used_at_ms: Option<i64>,
    /// Unix time in milliseconds; `None`: it was not revoked.
    pub revoked_at_ms: Option<i64>,
}

impl ApiTokenRow {
    /// Whether it can be used at a time.
    pub fn usable(&self, now_ms: i64) -> bool {
        self.revoked_at_ms.is_none() && self.expires_at_ms > now_ms
    }
}

/// What a new token is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiToken {
    /// Public part.
    pub id: String,
    /// Number of the owner.
    pub person: i64,
    /// What it is for.
    pub label: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// Unix time in milliseconds after which it is refused.
    pub expires_at_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_as_it_is_written_and_gives_nothing_beyond_its_name() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
            for deed in [Deed::ManagePeople, Deed::DecideScope, Deed::CountersignScope, Deed::Reidentify] {
                assert!(
                    scope.covers(deed) <= Access::Read,
                    "{scope:?} {deed:?}: what is signed takes a person"
                );
            }
            if scope.as_str().starts_with("read-") {
                assert!(Deed::ALL.into_iter().all(|deed| scope.covers(deed) <= Access::Read), "{scope:?}");
            }
        }
        assert_eq!(Scope::parse("everything"), None);
    }

    #[test]
    fn each_route_takes_the_scope_of_its_place() {
        for (method, path, scope) in [
            ("GET", "/api/v1/products/{id}", Scope::ReadInventory),
            ("GET", "/api/v1/assets", Scope::ReadMachines),
            ("GET", "/api/v1/assets/{id}", Scope::ReadMachines),
            ("GET", "/api/v1/tokens", Scope::Enrol),
            ("GET", "/api/v1/people", Scope::ReadPeople),
            ("GET", "/api/v1/audit/entries", Scope::ReadAudit),
            ("GET", "/api/v1/auditors", Scope::ReadInventory),
            ("GET", "/api/v1/scope/endpoints", Scope::ReadMachines),
            ("POST", "/api/v1/scope/endpoints", Scope::Enrol),
            ("GET", "/api/v1/scope/statements/1", Scope::ReadInventory),
            ("POST", "/api/v1/export/evidence-pack", Scope::ReadInventory),
            ("POST", "/api/v1/own-rules/check", Scope::WriteReview),
            ("POST", "/api/v1/systems/{id}/move", Scope::WriteReview),
        ] {
            assert_eq!(Scope::of_route(method, path), Ok(scope), "{method} {path}");
        }
        for (method, path) in [
            ("POST", "/api/v1/people/{id}/grant"),
            ("POST", "/api/v1/api-tokens"),
            ("PUT", "/api/v1/limits"),
            ("POST", "/api/v1/scope/statements/{number}/steps"),
            ("POST", "/api/v1/suspects/setting"),
        ] {
            assert!(Scope::of_route(method, path).is_err(), "{method} {path}");
        }
    }
}
