//! What comes in from other systems of the organisation. Beside a running collector too.

use std::path::PathBuf;

use clap::Subcommand;

use super::user::{command_line, refused};
use super::{CliError, Opened, Place};
use crate::directory::{self, Known, MAX_BYTES, Plan};
use crate::store::people::{People, everybody};

#[derive(Debug, Subcommand)]
pub(super) enum ImportCommand {
    /// People and their units, from a CSV file with a line of column names: all of it, or nothing where a line is wrong
    ///
    /// Columns: name (or first and last name), email, sign-in name, unit, manager, external id, active; also as Entra ID, Okta, Google
    /// Workspace and Workday call them in their exports. Who is there already is found by external id, e-mail or sign-in name.
    Directory {
        /// CSV in UTF-8, with commas, semicolons or tabs; at most 64 MiB
        file: PathBuf,
        /// Print what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// The file is the whole directory: set aside whoever came from a directory and is not in it
        #[arg(long)]
        complete: bool,
    },
}

pub(super) fn import(place: &Place, command: ImportCommand) -> Result<(), CliError> {
    let ImportCommand::Directory { file, dry_run, complete } = command;
    let size = std::fs::metadata(&file).map_err(CliError::io("look at the file"))?.len();
    if size > MAX_BYTES as u64 {
        return Err(CliError::Failed(format!("{} is larger than 64 MiB: split it", file.display())));
    }
    let bytes = std::fs::read(&file).map_err(CliError::io("read the file"))?;
    let Opened { store, clock, .. } = place.open()?;
    let (people, units) = (everybody(&store)?, store.all_units()?);
    let plan = directory::plan(&bytes, &Known { people: &people, units: &units }, complete)
        .map_err(|error| CliError::Failed(format!("{}: {error}", file.display())))?;
    tell(&plan);
    if dry_run {
        println!("nothing was changed (--dry-run)");
    } else {
        let done = store.import_directory(&plan, &command_line(clock.now_ms()))?.map_err(refused)?;
        println!("{} added, {} changed, {} set aside", done.added, done.changed, done.set_aside);
    }
    store.close();
    Ok(())
}

/// What the plan says: results on stdout, doubts on stderr.
fn tell(plan: &Plan) {
    for unit in &plan.units {
        println!("add unit\t{}", shown(unit));
    }
    for person in &plan.add {
        println!("add\t{}\t{}", shown(&person.name), shown(&person.details.display_name));
    }
    for person in &plan.change {
        println!("change\t{}", shown(&person.details.display_name));
    }
    for (_, name) in &plan.set_aside {
        println!("set aside\t{}", shown(name));
    }
    eprintln!("{} stay as they are", plan.same);
    if !plan.unread.is_empty() {
        let heads: Vec<String> = plan.unread.iter().map(|head| shown(head)).collect();
        eprintln!("columns left aside: {}", heads.join(", "));
    }
    for (line, manager) in plan.managers_unknown.iter().take(20) {
        eprintln!("line {line}: nobody knows the manager {}", shown(manager));
    }
    if plan.managers_unknown.len() > 20 {
        eprintln!("and {} more managers whom nobody knows", plan.managers_unknown.len() - 20);
    }
}

/// Text of a file, for a terminal: nothing that steers it.
fn shown(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{FFFD}' } else { letter }).collect()
}
