//! Who is there under `try`: one person for whoever tries it, who holds every role that changes something, and made-up people who
//! are marked as such. Nobody approves what they asked for themselves, here neither: the second person is one of the made-up ones.

use super::super::CliError;
use super::super::user::refused;
use crate::model::{By, Grant, GrantChange, PersonDetails, Role};
use crate::store::people::People;

/// Who the link signs in.
pub(super) const PERSON: &str = "admin";

/// Made-up people: sign-in name, name, role.
const DEMONSTRATION: [(&str, &str, Role); 5] = [
    ("demo-reviewer", "Reviewer (demonstration)", Role::Reviewer),
    ("demo-scope-owner", "Scope owner (demonstration)", Role::ScopeOwner),
    ("demo-privacy", "Privacy officer (demonstration)", Role::PrivacyOfficer),
    ("demo-auditor", "Auditor (demonstration)", Role::Auditor),
    ("demo-council", "Works council (demonstration)", Role::WorksCouncil),
];

/// Adds who is missing. Whoever was changed since stays so.
pub(super) fn ready(people: &dyn People, by: &By) -> Result<(), CliError> {
    let writing: Vec<Role> = Role::ALL.into_iter().filter(|role| role.writes()).collect();
    add(people, (PERSON, "Whoever tries it"), &writing, false, by)?;
    for (name, display_name, role) in DEMONSTRATION {
        add(people, (name, display_name), &[role], true, by)?;
    }
    Ok(())
}

/// The sign-in names of the made-up people, in a sentence.
pub(super) fn names() -> String {
    let names: Vec<&str> = DEMONSTRATION.iter().map(|(name, ..)| *name).collect();
    match names.split_last() {
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

fn add(
    people: &dyn People,
    (name, display_name): (&str, &str),
    roles: &[Role],
    demonstration: bool,
    by: &By,
) -> Result<(), CliError> {
    if people.person_named(name)?.is_some() {
        return Ok(());
    }
    let details =
        PersonDetails { display_name: display_name.to_owned(), active: true, ..PersonDetails::default() };
    let person = people.add_person(name, &details, demonstration, by)?.map_err(refused)?;
    for role in roles {
        let change = GrantChange::Grant(Grant { role: *role, unit: None });
        people.change_grants(person.id, change, by)?.map_err(refused)?;
    }
    Ok(())
}
