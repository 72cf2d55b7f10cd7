//! What of the records a person sees, by the units of their roles.

use super::{Deed, Grants};

/// The records that a person sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Sight {
    /// All of them: by a role for the whole organisation, or on the collector's own machine.
    #[default]
    All,
    /// Those of some units, and those that the person answers for.
    Cut(Cut),
}

/// What a sight that is cut to units lets through. A record is in sight
/// - when one of these units owns it, or its products were seen on enough machines of one;
/// - when the person owns it or its risk, or an open row of a campaign about it is theirs, or came to them as the manager;
/// - when an open finding or task about it is assigned to the person.
///
/// A record that no unit owns and of which no sensor saw anything is nobody's: who has a role for the whole organisation sees it. A finding, a
/// task and a document follow what they are about, and are in sight of whom they are assigned to. What hangs on a vendor, a requirement
/// or a campaign belongs to the whole organisation, and everybody who reads the inventory reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Number of the person.
    pub person: i64,
    /// Units, those below them too.
    pub units: Vec<i64>,
    /// Those of them on whose single machines the person may read what was found: there one machine is enough.
    pub near: Vec<i64>,
    /// How many machines of any other unit have to show a product before that brings a record into sight.
    pub least: u64,
}

impl Sight {
    /// What somebody of these roles sees, who is told of no fewer machines than `least`; who holds no role sees what they answer for.
    pub fn of(person: i64, grants: &Grants, least: u64) -> Self {
        let Some(units) = grants.within(Deed::ReadInventory) else { return Self::All };
        let near = grants.within(Deed::ReadFindings).unwrap_or_else(|| units.clone());
        Self::Cut(Cut { person, units, near, least })
    }

    /// The units that it is cut to; `None`: it is not.
    pub fn units(&self) -> Option<&[i64]> {
        match self {
            Self::All => None,
            Self::Cut(cut) => Some(&cut.units),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Grant, Role};

    #[test]
    fn one_role_for_the_whole_organisation_sees_all() {
        let unit = |role, unit| Grant { role, unit: Some(unit) };
        let held = Grants(vec![unit(Role::Analyst, 4), unit(Role::Auditor, 3)]);
        let cut = Cut { person: 9, units: vec![3, 4], near: vec![4], least: 5 };
        assert_eq!(Sight::of(9, &held, 5), Sight::Cut(cut));
        let all = Grants(vec![unit(Role::Analyst, 4), Grant { role: Role::Auditor, unit: None }]);
        assert_eq!(Sight::of(9, &all, 5), Sight::All);
        assert_eq!(Sight::of(9, &Grants::default(), 5).units(), Some(&[][..]));
    }
}
