//! What can be done with people and their roles, and what cannot.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::model::{By, Grant, GrantChange, Grants, PersonDetails, Role};
use crate::review::Guard;

/// Why a change of people or their roles was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonRefused {
    /// The sign-in name is somebody's.
    #[error("there is somebody with the sign-in name {0} already")]
    NameTaken(String),
    /// The key of the directory is somebody's.
    #[error("there is somebody with the external id {0} already")]
    ExternalIdTaken(String),
    /// A field is empty, too long, or holds what it cannot.
    #[error("{0}")]
    Field(&'static str),
    /// There is no such person.
    #[error("there is no such person")]
    NoSuchPerson,
    /// There is no such unit.
    #[error("there is no such unit")]
    NoSuchUnit,
    /// There is no such manager.
    #[error("the manager is not in the directory")]
    NoSuchManager,
    /// The manager answers to the person, or is the person.
    #[error("nobody can be their own manager, be it by way of others")]
    ManagerLoop,
    /// People do not give themselves roles.
    #[error("nobody can grant a role to themselves: another administrator has to")]
    OwnGrant,
    /// A reading role beside a writing one.
    #[error("{reads} reads only and is not held beside {writes}, which changes records")]
    Incompatible {
        /// The role that reads only.
        reads: &'static str,
        /// The role that writes.
        writes: &'static str,
    },
    /// Nobody would be left to manage people.
    #[error(
        "that is the last active administrator of the whole organisation: make another one administrator first"
    )]
    LastAdministrator,
    /// Who left holds no roles.
    #[error("the person is not active: activate them first")]
    Inactive,
    /// A line of an import.
    #[error("line {0}: {1}")]
    Line(u64, Box<Self>),
    /// Somebody changed it meanwhile.
    #[error("the role is not held like that any more")]
    NotHeld,
}

impl PersonRefused {
    /// Which guard it is.
    pub fn guard(&self) -> Guard {
        match self {
            Self::Line(_, refused) => refused.guard(),
            Self::OwnGrant => Guard::FourEyes,
            Self::Incompatible { .. } => Guard::Role,
            Self::LastAdministrator | Self::Inactive | Self::NotHeld => Guard::State,
            Self::Field(_) | Self::NameTaken(_) | Self::ExternalIdTaken(_) => Guard::Fields,
            Self::NoSuchPerson | Self::NoSuchUnit | Self::NoSuchManager | Self::ManagerLoop => Guard::Target,
        }
    }
}

/// What is held after a change, or why it was refused. `others` is how many other active people administer the whole organisation.
pub fn changed_grants(
    person: i64,
    active: bool,
    held: &Grants,
    change: GrantChange,
    others: u64,
    by: &By,
) -> Result<Grants, PersonRefused> {
    let mut after = held.clone();
    match change {
        GrantChange::Grant(grant) => {
            if by.person == Some(person) {
                return Err(PersonRefused::OwnGrant);
            }
            if !active {
                return Err(PersonRefused::Inactive);
            }
            if !after.0.contains(&grant) {
                after.0.push(grant);
            }
        }
        GrantChange::Revoke(grant) => {
            if !after.0.contains(&grant) {
                return Err(PersonRefused::NotHeld);
            }
            after.0.retain(|held| *held != grant);
        }
    }
    after.0.sort_unstable();
    compatible(&after)?;
    if active && administers(held) && !administers(&after) && others == 0 {
        return Err(PersonRefused::LastAdministrator);
    }
    Ok(after)
}

/// Whether somebody may be set aside who holds these. `others` as in [`changed_grants`].
pub fn may_leave(held: &Grants, others: u64) -> Result<(), PersonRefused> {
    if administers(held) && others == 0 { Err(PersonRefused::LastAdministrator) } else { Ok(()) }
}

/// Whether these can be held together.
pub fn compatible(grants: &Grants) -> Result<(), PersonRefused> {
    let one = |writes: bool| grants.0.iter().map(|grant| grant.role).find(|role| role.writes() == writes);
    match (one(false), one(true)) {
        (Some(reads), Some(writes)) => {
            Err(PersonRefused::Incompatible { reads: reads.as_str(), writes: writes.as_str() })
        }
        _ => Ok(()),
    }
}

/// Whether this administers the whole organisation.
pub fn administers(grants: &Grants) -> bool {
    grants.0.contains(&Grant { role: Role::Administrator, unit: None })
}

/// A sign-in name as it is kept, or why it cannot be one.
pub fn sign_in_name(typed: &str) -> Result<String, PersonRefused> {
    let name = typed.trim().to_lowercase();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(PersonRefused::Field("a sign-in name has 1 to 100 characters"));
    }
    Ok(name)
}

/// Details as they are kept: trimmed, nothing where nothing was said; or what is wrong with them.
pub fn checked_details(details: PersonDetails) -> Result<PersonDetails, PersonRefused> {
    let said = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let details = PersonDetails {
        display_name: details.display_name.trim().to_owned(),
        email: said(details.email).map(|email| email.to_lowercase()),
        external_id: said(details.external_id),
        ..details
    };
    let fits =
        |text: &str| text.chars().count() <= PersonDetails::MAX_CHARS && !text.chars().any(char::is_control);
    if details.display_name.is_empty() || !fits(&details.display_name) {
        return Err(PersonRefused::Field("a name has 1 to 200 characters, none of them a control character"));
    }
    if let Some(email) = &details.email
        && !(fits(email) && plausible_email(email))
    {
        return Err(PersonRefused::Field("an e-mail address has one @ with something before and after it"));
    }
    if details.external_id.as_deref().is_some_and(|id| !fits(id)) {
        return Err(PersonRefused::Field(
            "an external id has at most 200 characters, none of them a control character",
        ));
    }
    Ok(details)
}

/// Nothing but what shows that somebody mistook the field: an address is proved by writing to it.
fn plausible_email(email: &str) -> bool {
    match email.split_once('@') {
        Some((before, after)) => {
            !before.is_empty()
                && !after.is_empty()
                && !after.contains('@')
                && !email.contains(char::is_whitespace)
        }
        None => false,
    }
}

/// Of people with their managers, those who answer to themselves, through however many others.
pub fn in_loops(managers: &HashMap<i64, i64>) -> BTreeSet<i64> {
    let (mut looked_at, mut looped) = (HashSet::new(), BTreeSet::new());
    for start in managers.keys() {
        let (mut way, mut next) = (Vec::new(), Some(*start));
        while let Some(person) = next.filter(|person| looked_at.insert(*person)) {
            way.push(person);
            next = managers.get(&person).copied();
        }
        // Where it ends at somebody of this very way, it goes round from there.
        if let Some(at) = next.and_then(|person| way.iter().position(|other| *other == person)) {
            looped.extend(&way[at..]);
        }
    }
    looped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by(person: Option<i64>) -> By {
        By { person, name: "ada".to_owned(), reason: String::new(), at_ms: 1 }
    }

    fn all(role: Role) -> Grant {
        Grant { role, unit: None }
    }

    #[test]
    fn nobody_grants_to_themselves_and_the_command_line_grants_to_anybody() {
        let grant = GrantChange::Grant(all(Role::Analyst));
        assert_eq!(
            changed_grants(1, true, &Grants::default(), grant, 1, &by(Some(1))),
            Err(PersonRefused::OwnGrant)
        );
        assert!(changed_grants(1, true, &Grants::default(), grant, 1, &by(Some(2))).is_ok());
        assert!(changed_grants(1, true, &Grants::default(), grant, 1, &by(None)).is_ok());
    }

    #[test]
    fn a_reading_role_is_not_held_beside_a_writing_one() {
        let held = Grants(vec![all(Role::Auditor)]);
        let refused =
            changed_grants(1, true, &held, GrantChange::Grant(all(Role::Analyst)), 1, &by(None)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "auditor reads only and is not held beside analyst, which changes records"
        );
        assert!(
            changed_grants(1, true, &held, GrantChange::Grant(all(Role::WorksCouncil)), 1, &by(None)).is_ok()
        );
    }

    #[test]
    fn the_last_administrator_stays() {
        let held = Grants(vec![all(Role::Administrator)]);
        let revoke = GrantChange::Revoke(all(Role::Administrator));
        assert_eq!(
            changed_grants(1, true, &held, revoke, 0, &by(None)),
            Err(PersonRefused::LastAdministrator)
        );
        assert!(changed_grants(1, true, &held, revoke, 1, &by(None)).is_ok());
        assert_eq!(may_leave(&held, 0), Err(PersonRefused::LastAdministrator));
        assert_eq!(may_leave(&Grants::default(), 0), Ok(()));
    }

    #[test]
    fn details_are_kept_trimmed_and_a_mistaken_field_is_told() {
        let details = PersonDetails {
            display_name: " Ada ".to_owned(),
            email: Some(" Ada@Example.com ".to_owned()),
            external_id: Some("  ".to_owned()),
            active: true,
            ..PersonDetails::default()
        };
        let kept = checked_details(details.clone()).unwrap();
        assert_eq!((kept.display_name.as_str(), kept.email.as_deref()), ("Ada", Some("ada@example.com")));
        assert_eq!(kept.external_id, None);
        for email in ["ada", "@", "a@b@c", "a b@c"] {
            assert!(
                checked_details(PersonDetails { email: Some(email.to_owned()), ..details.clone() }).is_err()
            );
        }
        assert!(checked_details(PersonDetails { display_name: "a\nb".to_owned(), ..details }).is_err());
        assert!(sign_in_name("  ").is_err());
    }

    fn any_grant() -> impl Strategy<Value = Grant> {
        (0..Role::ALL.len(), prop::option::of(1_i64..4))
            .prop_map(|(role, unit)| Grant { role: Role::ALL[role], unit })
    }

    proptest! {
        /// Whatever is tried in whatever order: what is held together may be held together, the last administrator stays, and a
        /// refused change changes nothing.
        #[test]
        fn no_sequence_of_changes_breaks_the_rules(
            changes in prop::collection::vec((any::<bool>(), any_grant(), prop::option::of(1_i64..3)), 0..40),
        ) {
            let mut held = Grants(vec![all(Role::Administrator)]);
            for (grant, which, actor) in changes {
                let change = if grant { GrantChange::Grant(which) } else { GrantChange::Revoke(which) };
                let before = held.clone();
                if let Ok(after) = changed_grants(1, true, &held, change, 0, &by(actor)) {
                    prop_assert!(actor != Some(1) || after.0.len() <= before.0.len());
                    held = after;
                }
                prop_assert!(compatible(&held).is_ok());
                prop_assert!(administers(&held));
            }
        }
    }
}
