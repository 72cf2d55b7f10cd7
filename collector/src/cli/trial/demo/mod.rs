//! `try --demo`: a fleet and an organisation that do not exist, so that anybody can see the product alive. Everything of it is marked:
//! units, machines and people by their names, AI systems by a field of their record, and every page by a line at its head.

mod chance;
mod decisions;
mod fleet;
mod people;
mod statements;

use std::time::Instant;

use crate::AppState;
use crate::cli::CliError;
use crate::model::{Direction, PageRequest, SystemFilter, SystemSort};

/// Seeds a collector that is for demonstration and holds nothing yet.
pub(super) fn seed(app: &AppState) -> Result<(), CliError> {
    if !app.demonstration {
        return Err(CliError::Failed(
            "this data folder holds what sensors really saw: name another one for the demonstration with --data-dir".to_owned(),
        ));
    }
    let now_ms = app.clock.now_ms();
    let any = PageRequest { offset: 0, limit: 1 };
    let store = app.store.as_ref();
    let held = store.systems(&SystemFilter::default(), SystemSort::Name, Direction::Ascending, any)?;
    if held.total > 0 {
        return Ok(());
    }
    let began = Instant::now();
    let known = app.catalogue.known();
    let shown = fleet::products(known.catalogue());
    fleet::tokens(store, now_ms)?;
    fleet::seed(store, (&shown, known.catalogue().version()), now_ms, |machines| {
        if machines % 500 == 0 {
            eprintln!("demonstration: {machines} of {} machines", fleet::ASSETS);
        }
    })?;
    fleet::revoke_tokens(store, now_ms)?;
    let cast = people::ready(app, now_ms)?;
    statements::endpoints(app, &cast, now_ms)?;
    let decided = decisions::make(app, &cast, now_ms)?;
    statements::sign(app, &cast, now_ms, "All made-up units; what sensors of the fleet show.")?;
    decisions::reconsider(app, &cast, now_ms)?;
    statements::sign(
        app,
        &cast,
        now_ms,
        "All made-up units; what sensors of the fleet show, and what was reconsidered.",
    )?;
    statements::campaign(app, &cast, now_ms)?;
    eprintln!(
        "demonstration: {} machines, {decided} AI systems with decisions, made up in {:.1} s",
        fleet::ASSETS,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}
