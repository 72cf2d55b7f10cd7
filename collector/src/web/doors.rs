//! The front doors, and who goes in by which.

use crate::model::{Grants, Role};
use crate::web::language::t;

/// What somebody is here for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// To find out what is in use and to triage it.
    Security,
    /// To own systems and decide the scope.
    Scope,
    /// To deploy agents.
    It,
    /// To check what is claimed.
    Audit,
    /// To look after the people concerned.
    Privacy,
}

impl Door {
    /// Every door. Who could go in by several begins with the first of them.
    pub(crate) const ALL: [Self; 5] = [Self::Security, Self::Scope, Self::It, Self::Audit, Self::Privacy];

    /// The word for it in an address.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Scope => "scope",
            Self::It => "it",
            Self::Audit => "audit",
            Self::Privacy => "privacy",
        }
    }

    /// What people read.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Security => t("Security"),
            Self::Scope => t("Scope"),
            Self::It => t("Roll-out"),
            Self::Audit => t("Audit"),
            Self::Privacy => t("People concerned"),
        }
    }

    /// The roles that go in by it.
    fn roles(self) -> &'static [Role] {
        match self {
            Self::Security => &[Role::Analyst, Role::Reviewer],
            Self::Scope => &[Role::ScopeOwner],
            Self::It => &[Role::ItDeployer, Role::Administrator],
            Self::Audit => &[Role::Auditor],
            Self::Privacy => &[Role::PrivacyOfficer, Role::WorksCouncil],
        }
    }

    /// The doors that are open to somebody with these roles.
    pub(crate) fn open_to(grants: &Grants) -> Vec<Self> {
        Self::ALL.into_iter().filter(|door| door.roles().iter().any(|role| grants.any(*role))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Grant;

    #[test]
    fn each_role_has_a_door_and_who_has_none_has_none() {
        for role in Role::ALL {
            let grants = Grants(vec![Grant { role, unit: None }]);
            assert_eq!(Door::open_to(&grants).len(), 1, "{}", role.as_str());
        }
        assert!(Door::open_to(&Grants::default()).is_empty());
    }
}
