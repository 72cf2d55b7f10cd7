//! What a person may do: roles, held for the whole organisation or for one unit of it.

use serde::{Deserialize, Serialize};

/// A part that a person plays. Nobody's duties add up to more than their roles, and one that reads only cannot be held beside one
/// that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Enrols and configures agents.
    ItDeployer,
    /// Triages, edits records, asks for decisions.
    Analyst,
    /// Decides what others asked for.
    Reviewer,
    /// Decides what is in scope, drafts and signs scope statements.
    ScopeOwner,
    /// Reads everything but what is personal, and takes evidence away.
    Auditor,
    /// Answers for what is read about people.
    PrivacyOfficer,
    /// Reads what is collected, and who read about people.
    WorksCouncil,
    /// Manages people, roles, keys and retention; holds no permission of the business.
    Administrator,
}

impl Role {
    /// Every role, in the order in which people read them.
    pub const ALL: [Self; 8] = [
        Self::ItDeployer,
        Self::Analyst,
        Self::Reviewer,
        Self::ScopeOwner,
        Self::Auditor,
        Self::PrivacyOfficer,
        Self::WorksCouncil,
        Self::Administrator,
    ];

    /// The word for it in SQL, JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ItDeployer => "it-deployer",
            Self::Analyst => "analyst",
            Self::Reviewer => "reviewer",
            Self::ScopeOwner => "scope-owner",
            Self::Auditor => "auditor",
            Self::PrivacyOfficer => "privacy-officer",
            Self::WorksCouncil => "works-council",
            Self::Administrator => "administrator",
        }
    }

    /// The role that is written so.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Whether it changes records or settings. Reading roles are not held beside these.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Auditor | Self::WorksCouncil)
    }
}

/// A role, and where it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Grant {
    /// Which.
    pub role: Role,
    /// Number of the unit it is limited to; `None`: the whole organisation.
    pub unit: Option<i64>,
}

/// Everything a person was given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grants(pub Vec<Grant>);

impl Grants {
    /// Whether the role is held for something that belongs to these units. What belongs to no unit yet, and what belongs to several,
    /// takes the role for the whole organisation or for every one of them.
    pub fn hold(&self, role: Role, units: &[i64]) -> bool {
        let mut held = self.0.iter().filter(|grant| grant.role == role).map(|grant| grant.unit);
        let (mut everywhere, mut some) = (false, Vec::new());
        held.by_ref().for_each(|unit| match unit {
            None => everywhere = true,
            Some(unit) => some.push(unit),
        });
        everywhere || (!units.is_empty() && units.iter().all(|unit| some.contains(unit)))
    }

    /// Whether the role is held at all, be it for one unit.
    pub fn any(&self, role: Role) -> bool {
        self.0.iter().any(|grant| grant.role == role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(held: &[(Role, Option<i64>)]) -> Grants {
        Grants(held.iter().map(|(role, unit)| Grant { role: *role, unit: *unit }).collect())
    }

    #[test]
    fn a_role_for_a_unit_counts_there_only() {
        let held = grants(&[(Role::Reviewer, Some(3))]);
        assert!(held.hold(Role::Reviewer, &[3]));
        assert!(!held.hold(Role::Reviewer, &[4]) && !held.hold(Role::Reviewer, &[3, 4]));
        assert!(!held.hold(Role::Reviewer, &[]), "what belongs to no unit is nobody's in particular");
        assert!(!held.hold(Role::Analyst, &[3]) && held.any(Role::Reviewer));
    }

    #[test]
    fn a_role_for_all_counts_everywhere() {
        let held = grants(&[(Role::Analyst, None)]);
        assert!(held.hold(Role::Analyst, &[]) && held.hold(Role::Analyst, &[3, 4]));
    }

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("owner"), None);
    }
}
