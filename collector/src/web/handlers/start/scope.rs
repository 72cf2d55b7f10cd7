//! What somebody owns, what awaits them, and how the statement stands.

use std::collections::BTreeSet;

use axum::response::Response;
use umbrascope_api::Day;

use super::{ROWS, standings, statement_now};
use crate::model::PageRequest;
use crate::store::Queue;
use crate::web::WebState;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::handlers::{page, review};
use crate::web::language::t;
use crate::web::names::{Names, people_of};
use crate::web::pages::{DoorTab, ScopeDoor, Waiting};

/// The page. Blocks.
pub(super) fn show(state: &WebState, reader: &Reader, doors: Vec<DoorTab>) -> Result<Response, WebError> {
    let (app, now_ms, who) = (&state.app, reader.now_ms, reader.who());
    let governance = &*app.governance;
    let none = PageRequest { offset: 0, limit: 0 };
    let open_rows = governance.open_rows(reader.user.id, PageRequest { offset: 0, limit: 1 }, now_ms)?.total;
    let escalated = governance.rows_escalated_to(reader.user.id, now_ms)?.len() as u64;
    let counts = governance.work_counts(reader.user.id, &reader.sight(app)?, now_ms)?;
    let statement = statement_now(governance, reader)?;
    let to_sign =
        statement.as_ref().and_then(|now| now.open.as_ref()).filter(|row| row.state.as_str() == "proposed");
    let waiting = [
        ("/attest", t("To confirm"), open_rows, t("Records of yours that a campaign asks you about.")),
        (
            "/attest",
            t("Of others, late"),
            escalated,
            t("Nobody answered in time, and you are asked as the manager."),
        ),
        (
            "/triage?queue=requests",
            t("To decide"),
            governance.queue(Queue::Requests, &who, none)?.total,
            t("Somebody asks for something that you may grant."),
        ),
        (
            "/triage?queue=reopened",
            t("Open again"),
            governance.queue(Queue::Reopened, &who, none)?.total,
            t("Decided once; something changed, is due or expired."),
        ),
        ("/scope", t("To sign"), u64::from(to_sign.is_some()), t("A statement waits for its signatures.")),
        ("/tasks?who=me", t("Tasks"), counts.my_tasks, t("Assigned to you and not done.")),
        ("/findings?who=me", t("Findings"), counts.my_findings, t("Assigned to you and open.")),
    ]
    .into_iter()
    .map(|(href, label, count, advice)| Waiting { href, label, count, advice });
    let own = governance.queue(Queue::Own, &who, PageRequest { offset: 0, limit: ROWS })?;
    let people: BTreeSet<i64> = own.rows.iter().flat_map(|held| people_of(&held.body)).collect();
    let names = Names::load(app, &people)?;
    let today = Day::from_unix_ms(now_ms);
    page(&ScopeDoor {
        frame: reader.frame(Here::Start, None),
        doors,
        waiting: waiting.filter(|waiting| waiting.count > 0).collect(),
        all_own: own.total,
        own: own.rows.iter().map(|held| review::row(held, &names, &[], today)).collect(),
        statement,
        share: governance.coverage_record(now_ms)?.share(),
        standings: standings(governance, reader)?,
    })
}
