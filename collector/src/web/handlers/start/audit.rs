//! The questions that an auditor begins with, and what there is to answer them.

use axum::response::Response;
use data_encoding::BASE64;

use super::{standings, statement_now};
use crate::audit::Checkpoint;
use crate::web::WebState;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::handlers::page;
use crate::web::names::Names;
use crate::web::pages::{AuditDoor, DoorTab, ProofView};

/// The page. Blocks.
pub(super) fn show(state: &WebState, reader: &Reader, doors: Vec<DoorTab>) -> Result<Response, WebError> {
    let (app, now_ms) = (&state.app, reader.now_ms);
    let governance = &*app.governance;
    let stamped = governance.stamped()?;
    let checkpoint = governance.newest_checkpoint()?.and_then(|note| Checkpoint::of(&note).ok());
    let statement = statement_now(governance, reader)?;
    let held = match statement.is_some() {
        true => governance.statement_in_force()?,
        false => None,
    };
    let signed_by = match held.and_then(|held| held.body.approved.zip(held.body.countersigned)) {
        Some((approved, countersigned)) => {
            let people = [approved.person, countersigned.person];
            let names = Names::load(app, &people.into_iter().collect())?;
            Some((names.person(people[0]), names.person(people[1])))
        }
        None => None,
    };
    let coverage = governance.coverage_record(now_ms)?;
    page(&AuditDoor {
        frame: reader.frame(Here::Start, None),
        doors,
        statement,
        signed_by,
        proof: ProofView {
            entries: stamped.entries,
            unsigned: governance.unsigned_entries()?,
            checkpoint: checkpoint
                .map(|checkpoint| (checkpoint.size, BASE64.encode(checkpoint.root.as_bytes()))),
            stamp: stamped.newest,
        },
        coverage: coverage.lines(),
        standings: standings(governance, reader)?,
        counts: governance.work_counts(reader.user.id, &reader.sight(app)?, now_ms)?,
    })
}
