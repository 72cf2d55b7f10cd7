//! What is collected of people, how long it is kept, who looked, and what waits for a second person.

use axum::response::Response;

use crate::model::{Deed, PageRequest};
use crate::web::WebState;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::handlers::{emergency, page, privacy, reidentify};
use crate::web::pages::{DoorTab, PrivacyDoor};

/// Requests that are looked through for those that wait.
const REQUESTS: u32 = 200;

/// The page. Blocks.
pub(super) fn show(state: &WebState, reader: &Reader, doors: Vec<DoorTab>) -> Result<Response, WebError> {
    let (app, now_ms) = (&state.app, reader.now_ms);
    let (retention, notice) = privacy::in_force(app, now_ms)?;
    let some = PageRequest { offset: 0, limit: REQUESTS };
    let readings = match reader.must_read(Deed::ReadCollectionAudit) {
        Ok(()) => {
            let within = reader.user.grants.within(Deed::ReadCollectionAudit);
            Some(app.people.readings(within.as_deref(), PageRequest { offset: 0, limit: 1 })?.total)
        }
        Err(_) => None,
    };
    let names = match reidentify::reads(&reader.user.grants, reader.user.id) {
        Some(by) => {
            let found = app.governance.reidentifications(by, some)?;
            let waits = found.rows.iter().filter(|held| held.body.state(now_ms).waits()).count();
            Some((waits as u64, found.total))
        }
        None => None,
    };
    let erasures = match reader.must_read(Deed::SetRetention) {
        Ok(()) => {
            let found = app.governance.erasures(some)?;
            let waits = found.rows.iter().filter(|held| held.body.end.is_none()).count();
            Some((waits as u64, found.total))
        }
        Err(_) => None,
    };
    let emergencies = match reader.must_read_all(Deed::ReadCollectionAudit) {
        Ok(()) => Some(emergency::recent(app, now_ms)?),
        Err(_) => None,
    };
    let swept = privacy::sweeps(app)?.into_iter().next().map(|(row, swept)| {
        let rows = swept.map_or(0, |swept| swept.lines().iter().map(|(_, count)| count).sum());
        (row.at_ms, rows)
    });
    page(&PrivacyDoor {
        frame: reader.frame(Here::Start, None),
        doors,
        suspects_since_ms: notice.suspects_since_ms,
        names_since_ms: notice.sealed_names.as_ref().map(|names| names.since_ms),
        kept: notice.kept(),
        least: u64::from(retention.times.least_count),
        swept,
        readings,
        names,
        erasures,
        emergencies,
        times_asked: retention.asked.is_some(),
        assesses: privacy::may_assess(&reader.user.grants),
        notice: notice.hash(),
    })
}
