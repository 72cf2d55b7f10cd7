//! Made-up people of the demonstration: who decides, and who owns systems.

use super::super::people::PERSON;
use super::fleet::UNITS;
use crate::AppState;
use crate::cli::CliError;
use crate::cli::user::refused;
use crate::model::{By, Grant, GrantChange, Grants, PersonDetails, Role};
use crate::review::Who;

/// Owners of each unit.
const OWNERS: usize = 3;

/// Who plays which part.
pub(super) struct Cast {
    pub(super) analyst: Who,
    pub(super) reviewer: Who,
    pub(super) scope_owner: Who,
    pub(super) deployer: Who,
    /// Numbers of the units, in the order of the fleet.
    pub(super) units: Vec<i64>,
    /// Numbers of the owners, by unit.
    pub(super) owners: Vec<Vec<i64>>,
}

/// Adds them.
pub(super) fn ready(app: &AppState, now_ms: i64) -> Result<Cast, CliError> {
    let by =
        By { person: None, name: "try --demo".to_owned(), reason: "demonstration".to_owned(), at_ms: now_ms };
    super::super::people::ready(&*app.people, &by)?;
    let known = app.people.all_units()?;
    let unit = |name: &str| known.iter().find(|unit| unit.name == name).map(|unit| unit.id);
    let units: Vec<i64> = UNITS.iter().filter_map(|(name, _)| unit(name)).collect();
    let person = |name: &str, shown: &str, unit: Option<i64>, role: Option<Role>| {
        let details = PersonDetails {
            display_name: shown.to_owned(),
            email: Some(format!("{name}@demonstration.example")),
            unit,
            active: true,
            ..PersonDetails::default()
        };
        let row = match app.people.person_named(name)? {
            Some(row) => row,
            None => app.people.add_person(name, &details, true, &by)?.map_err(refused)?,
        };
        let mut grants = Grants::default();
        if let Some(role) = role {
            let grant = Grant { role, unit: None };
            app.people.change_grants(row.id, GrantChange::Grant(grant), &by)?.map_err(refused)?;
            grants.0.push(grant);
        }
        Ok::<_, CliError>(Who { person: row.id, grants, ..Who::default() })
    };
    let decider = |name, shown, role| person(name, shown, None, Some(role));
    let analyst = decider("demo-analyst", "Analyst (demonstration)", Role::Analyst)?;
    let reviewer = decider("demo-reviewer", "Reviewer (demonstration)", Role::Reviewer)?;
    let scope_owner = decider("demo-scope-owner", "Scope owner (demonstration)", Role::ScopeOwner)?;
    let deployer = decider("demo-deployer", "IT deployer (demonstration)", Role::ItDeployer)?;
    let mut owners = Vec::new();
    for (at, unit) in units.iter().enumerate() {
        let mut of_unit = Vec::new();
        for number in 0..OWNERS {
            let serial = at * OWNERS + number + 1;
            let shown = format!("Owner {serial:02} (demonstration)");
            of_unit.push(person(&format!("demo-owner-{serial:02}"), &shown, Some(*unit), None)?.person);
        }
        // Whoever tries it answers for something too, and is asked about it.
        if at == 0
            && let Some(row) = app.people.person_named(PERSON)?
        {
            of_unit.push(row.id);
        }
        owners.push(of_unit);
    }
    Ok(Cast { analyst, reviewer, scope_owner, deployer, units, owners })
}
