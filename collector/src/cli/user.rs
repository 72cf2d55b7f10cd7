//! People and their roles from the command line. Beside a running collector too. What is done here is done by whoever may write the
//! collector's folder: this is how the first administrator comes about.

use std::sync::Arc;

use clap::Subcommand;

use super::admin::{print, read_hidden};
use super::output::moment;
use super::{CliError, Opened, Place};
use crate::model::{
    By, Grant, GrantChange, Page, PageRequest, PersonDetails, PersonFilter, PersonRow, Role, UnitRow,
};
use crate::session::{PASSWORD_MIN_CHARS, Sessions};
use crate::store::SqliteStore;
use crate::store::people::People;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Add a person; with a role, print a one-time sign-in link
    Add {
        /// Name to sign in with
        name: String,
        /// What the person may do: it-deployer, analyst, reviewer, scope-owner, auditor, privacy-officer,
        /// works-council or administrator, and after a colon the unit it is limited to. May be given again
        #[arg(long, value_name = "ROLE[:UNIT]")]
        role: Vec<String>,
        /// The name that people know them by. Default: the sign-in name
        #[arg(long, value_name = "NAME")]
        display_name: Option<String>,
        /// E-mail address
        #[arg(long)]
        email: Option<String>,
        /// Unit that they belong to
        #[arg(long)]
        unit: Option<String>,
    },
    /// Give a person another role. Their sessions end
    Grant {
        /// Name
        name: String,
        /// Role, and after a colon the unit it is limited to
        #[arg(value_name = "ROLE[:UNIT]")]
        role: String,
    },
    /// Take a role from a person. Their sessions end
    Revoke {
        /// Name
        name: String,
        /// Role, and after a colon the unit it was limited to
        #[arg(value_name = "ROLE[:UNIT]")]
        role: String,
    },
    /// List the people who may sign in
    List {
        /// Everybody in the directory, those who left too
        #[arg(long)]
        all: bool,
    },
    /// Set a person aside: they can no longer sign in. What names them stays
    Disable {
        /// Name
        name: String,
    },
    /// Let a person who was set aside in again
    Enable {
        /// Name
        name: String,
    },
    /// Set a person's password, read from the terminal or from the first line of stdin
    #[command(alias = "set-password")]
    Password {
        /// Name
        name: String,
    },
    /// Print a one-time sign-in link
    Link {
        /// Name
        name: String,
    },
}

pub(super) fn user(place: &Place, command: UserCommand) -> Result<(), CliError> {
    let Opened { store, dir, config, clock } = place.open()?;
    let store = Arc::new(store);
    let sessions = Sessions::new(Arc::clone(&store) as Arc<dyn People>, dir.sealing()?)?;
    let by = command_line(clock.now_ms());
    let scheme = if config.people.tls.is_some() { "https" } else { "http" };
    let link = |name: &str| -> Result<(), CliError> {
        let secret = sessions.new_link(name, &by)?.ok_or_else(|| {
            CliError::Failed(format!(
                "there is nobody called {name} who may sign in: `user list` shows them, `user grant` gives a role"
            ))
        })?;
        println!("{scheme}://{}/sign-in/link/{secret}", config.people.listen);
        eprintln!("The link signs {name} in once, within 15 minutes.");
        Ok(())
    };
    match command {
        UserCommand::Add { name, role, display_name, email, unit } => {
            let units = store.all_units()?;
            let roles: Vec<Grant> = role.iter().map(|role| grant(role, &units)).collect::<Result<_, _>>()?;
            let details = PersonDetails {
                display_name: display_name.unwrap_or_else(|| name.clone()),
                email,
                unit: unit.map(|unit| unit_id(&unit, &units)).transpose()?,
                active: true,
                ..PersonDetails::default()
            };
            crate::people::compatible(&crate::model::Grants(roles.clone())).map_err(refused)?;
            let person = store.add_person(&name, &details, false, &by)?.map_err(refused)?;
            for role in &roles {
                store.change_grants(person.id, GrantChange::Grant(*role), &by)?.map_err(refused)?;
            }
            if roles.is_empty() {
                println!("{} is in the directory and cannot sign in: `user grant` gives a role", person.name);
            } else {
                link(&person.name)?;
            }
        }
        UserCommand::Grant { name, role } => {
            let grant = grant(&role, &store.all_units()?)?;
            let person = named(&store, &name)?;
            store.change_grants(person.id, GrantChange::Grant(grant), &by)?.map_err(refused)?;
            println!("{name} is {role}; earlier sessions are ended");
        }
        UserCommand::Revoke { name, role } => {
            let grant = grant(&role, &store.all_units()?)?;
            let person = named(&store, &name)?;
            store.change_grants(person.id, GrantChange::Revoke(grant), &by)?.map_err(refused)?;
            println!("{name} is no longer {role}; earlier sessions are ended");
        }
        UserCommand::List { all } => list(&store, all)?,
        UserCommand::Disable { name } => {
            let person = named(&store, &name)?;
            let details = PersonDetails { active: false, ..person.details };
            store.change_person(person.id, &details, &by)?.map_err(refused)?;
            println!("{name} can no longer sign in");
        }
        UserCommand::Enable { name } => {
            let person = named(&store, &name)?;
            let details = PersonDetails { active: true, ..person.details };
            store.change_person(person.id, &details, &by)?.map_err(refused)?;
            println!("{name} is active again");
        }
        UserCommand::Password { name } => {
            let person = named(&store, &name)?;
            let password =
                read_hidden(&format!("New password of {name}, at least {PASSWORD_MIN_CHARS} characters: "))?;
            if !sessions.set_password(&person.name, &password, &by)? {
                return Err(CliError::Failed(format!(
                    "{name} is not active: `user enable` lets them in again"
                )));
            }
            println!("the password of {name} is set; earlier sessions are ended");
        }
        UserCommand::Link { name } => link(&name.trim().to_lowercase())?,
    }
    store.close();
    Ok(())
}

/// Whoever types commands on the collector's own machine.
pub(super) fn command_line(now_ms: i64) -> By {
    let user = std::env::var("USER").unwrap_or_default();
    By { person: None, name: format!("command line ({user})"), reason: String::new(), at_ms: now_ms }
}

pub(super) fn refused(refused: crate::people::PersonRefused) -> CliError {
    CliError::Failed(refused.to_string())
}

fn named(store: &SqliteStore, name: &str) -> Result<PersonRow, CliError> {
    let found = store.person_named(&name.trim().to_lowercase())?;
    found.ok_or_else(|| {
        CliError::Failed(format!("there is nobody called {name}: `user list --all` shows the directory"))
    })
}

/// `role` or `role:unit`.
fn grant(text: &str, units: &[UnitRow]) -> Result<Grant, CliError> {
    let (role, unit) = match text.split_once(':') {
        Some((role, unit)) => (role, Some(unit)),
        None => (text, None),
    };
    let role = Role::parse(role).ok_or_else(|| {
        let known: Vec<&str> = Role::ALL.into_iter().map(Role::as_str).collect();
        CliError::Usage(format!("{role} is no role: choose one of {}", known.join(", ")))
    })?;
    Ok(Grant { role, unit: unit.map(|unit| unit_id(unit, units)).transpose()? })
}

fn unit_id(name: &str, units: &[UnitRow]) -> Result<i64, CliError> {
    units.iter().find(|unit| unit.name == name).map(|unit| unit.id).ok_or_else(|| {
        let known: Vec<&str> = units.iter().take(20).map(|unit| unit.name.as_str()).collect();
        CliError::Failed(format!("there is no unit {name}; there are: {}", known.join(", ")))
    })
}

fn list(store: &SqliteStore, all: bool) -> Result<(), CliError> {
    let filter = PersonFilter { signs_in: !all, inactive: all, ..PersonFilter::default() };
    let units = store.all_units()?;
    let mut rows = Vec::new();
    let mut page = PageRequest { offset: 0, limit: PageRequest::MAX_LIMIT };
    loop {
        let found: Page<PersonRow> = store.people(&filter, page)?;
        page.offset += found.rows.len() as u64;
        let last = found.rows.is_empty() || page.offset >= found.total;
        rows.extend(found.rows.into_iter().map(|person| {
            let roles: Vec<String> = person.grants.0.iter().map(|grant| in_words(grant, &units)).collect();
            vec![
                person.name,
                person.details.display_name,
                if roles.is_empty() { "-".to_owned() } else { roles.join(",") },
                person.unit_name.unwrap_or_else(|| "-".to_owned()),
                if person.details.active { "active" } else { "set aside" }.to_owned(),
                if person.has_password { "set" } else { "-" }.to_owned(),
                moment(person.last_sign_in_at_ms),
            ]
        }));
        if last {
            break;
        }
    }
    print(&["NAME", "KNOWN AS", "ROLES", "UNIT", "STATE", "PASSWORD", "LAST SIGN-IN"], &rows)
}

fn in_words(grant: &Grant, units: &[UnitRow]) -> String {
    match grant.unit {
        None => grant.role.as_str().to_owned(),
        Some(id) => {
            let name = units.iter().find(|unit| unit.id == id).map_or("?", |unit| unit.name.as_str());
            format!("{}:{name}", grant.role.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_given_for_all_or_for_a_unit() {
        let units = [UnitRow { id: 3, name: "Sales: EU".to_owned(), parent: None, assets: 0 }];
        assert_eq!(grant("analyst", &units).unwrap(), Grant { role: Role::Analyst, unit: None });
        assert_eq!(grant("analyst:Sales: EU", &units).unwrap(), Grant { role: Role::Analyst, unit: Some(3) });
        assert!(grant("analyst:Nowhere", &units).is_err());
        assert!(matches!(grant("viewer", &units), Err(CliError::Usage(_))));
    }
}
