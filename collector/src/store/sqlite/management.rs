//! [`Reviews`] over SQLite.

use rusqlite::{Connection, params};
use umbrascope_api::Day;

use super::governed::{self, Projected};
use super::{SqliteStore, prepare, statements, systems, tasks};
use crate::management::{
    self, Decided, ManagementReview, Material, Pack, REQUIREMENT, SignedScope, ToDecide, ToRecord,
};
use crate::model::governed::{Act, Governed, Held};
use crate::model::task::{Link, LinkKind, Task};
use crate::readiness::{Gathered, Kept, Target};
use crate::review::{Guard, Refused};
use crate::store::readiness::Readying;
use crate::store::scope::Scoping;
use crate::store::{Changed, Reviews, StoreError};

const RECORD: &str = "management-review.record";
const DECIDE: &str = "management-review.decide";
/// Most characters of the title of a task: what a decision says, cut.
const TITLE_CHARS: usize = 120;

impl Projected for ManagementReview {}

/// What was done between two moments, Unix milliseconds, the second one excluded: kind of record, action, how often.
fn done(
    connection: &Connection,
    from_ms: i64,
    before_ms: i64,
) -> rusqlite::Result<Vec<(String, String, u64)>> {
    prepare(
        connection,
        "SELECT kind, action, count(*) FROM trail WHERE outcome = 'done' AND at_ms >= $1 AND at_ms < $2
         GROUP BY kind, action ORDER BY kind, action",
    )?
    .query_map(params![from_ms, before_ms], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
    .collect()
}

fn bodies<T: Governed>(connection: &Connection) -> rusqlite::Result<Vec<T>> {
    Ok(governed::all::<T>(connection)?.into_iter().map(|held| held.body).collect())
}

/// The reviews in the order in which they were held.
fn held(connection: &Connection) -> rusqlite::Result<Vec<Held<ManagementReview>>> {
    let mut all = governed::all::<ManagementReview>(connection)?;
    all.sort_by(|a, b| (a.body.held_on, &a.body.reference).cmp(&(b.body.held_on, &b.body.reference)));
    Ok(all)
}

/// Reference and day of the review that was held last.
pub(super) fn last(connection: &Connection) -> rusqlite::Result<Option<(String, Day)>> {
    Ok(held(connection)?.pop().map(|held| (held.body.reference, held.body.held_on)))
}

fn find(connection: &Connection, reference: &str) -> rusqlite::Result<Option<Held<ManagementReview>>> {
    let wanted = reference.to_uppercase();
    let mut all = held(connection)?.into_iter();
    Ok(all.find(|held| held.body.reference == wanted || held.body.id == reference))
}

fn record(
    connection: &Connection,
    review: ToRecord,
    pack: Pack,
    act: &Act,
) -> rusqlite::Result<Held<ManagementReview>> {
    let (id, reference) = systems::new_id(connection, "management-review", "MRV", act.now_ms)?;
    let ToRecord { held_on, from, until, present, conclusion } = review;
    let review = ManagementReview {
        id,
        reference,
        held_on,
        from,
        until,
        present,
        conclusion,
        decisions: Vec::new(),
        pack,
        by: act.actor.person().unwrap_or_default(),
        at_ms: act.now_ms,
    };
    governed::create(connection, &review, act, RECORD)
}

fn decide(
    connection: &Connection,
    reference: &str,
    decision: ToDecide,
    act: &Act,
) -> rusqlite::Result<Changed<ManagementReview>> {
    let Some(before) = find(connection, reference)? else { return Ok(None) };
    let id = before.body.id.clone();
    let checked = match management::checked(&before.body, decision) {
        Ok(decision) => assignable(connection, decision)?,
        Err(refused) => Err(refused),
    };
    let stale = act.version.is_some_and(|seen| seen != before.version);
    let decided = match checked {
        // The task is made only where the review takes the decision.
        Ok(decision) if !stale => {
            let task = task(connection, &before.body, &decision, act)?;
            Ok(Decided {
                subject: decision.subject,
                says: decision.says,
                task: task.as_ref().map(|task| task.id.clone()),
                task_reference: task.map(|task| task.reference),
                by: act.actor.person().unwrap_or_default(),
                at_ms: act.now_ms,
            })
        }
        Ok(_) => Ok(Decided::default()),
        Err(refused) => Err(refused),
    };
    governed::change(connection, &id, act, DECIDE, |held: &Held<ManagementReview>| {
        let mut next = held.body.clone();
        next.decisions.push(decided?);
        Ok(next)
    })
}

fn assignable(connection: &Connection, decision: ToDecide) -> rusqlite::Result<Result<ToDecide, Refused>> {
    Ok(match decision.assignee {
        Some(person) if systems::active(connection, person)? != Some(true) => {
            Err(Refused::new(Guard::OwnerActive, "who does it has to be an active person of the directory"))
        }
        _ => Ok(decision),
    })
}

/// The task that comes of a decision: where somebody does it, or it has a day.
fn task(
    connection: &Connection,
    review: &ManagementReview,
    decision: &ToDecide,
    act: &Act,
) -> rusqlite::Result<Option<Task>> {
    if decision.assignee.is_none() && decision.due.is_none() {
        return Ok(None);
    }
    let says: String =
        decision.says.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let mut title: String = says.chars().take(TITLE_CHARS).collect();
    if title.len() < says.len() {
        title.push('…');
    }
    let (id, reference) = systems::new_id(connection, "task", "TSK", act.now_ms)?;
    let task = Task {
        id,
        reference,
        title,
        details: Some(format!("{} of {}: {}", review.reference, review.held_on, decision.says)),
        link: Some(Link::to(LinkKind::Requirement, REQUIREMENT)),
        assignee: decision.assignee,
        due: decision.due,
        added_by: act.actor.person(),
        added_at_ms: act.now_ms,
        ..Task::default()
    };
    let by = Act { version: None, ..act.clone() };
    Ok(Some(governed::create(connection, &task, &by, tasks::ADD)?.body))
}

impl SqliteStore {
    fn drawn(&self, from: Day, until: Day, gathered: &Gathered, now_ms: i64) -> Result<Pack, StoreError> {
        let dates = self.legal_dates();
        self.readers.with("draw up what a management review has before it", |connection| {
            let before_ms = until.forward(1).unix_ms();
            let signed = statements::rows(connection)?.into_iter().filter_map(|row| {
                let on = Day::from_unix_ms(row.signed_at_ms?);
                let (included, excluded, undetermined) = (row.included, row.excluded, row.undetermined);
                Some(SignedScope { number: row.number, on, included, excluded, undetermined })
            });
            let (tasks, findings) = (self.records.tasks(connection)?, self.records.findings(connection)?);
            let reviews: Vec<_> = held(connection)?.into_iter().map(|held| held.body).collect();
            let material = Material {
                today: Day::from_unix_ms(now_ms),
                gathered,
                reviews: &reviews,
                tasks: &tasks.iter().map(|held| &held.body).collect::<Vec<_>>(),
                findings: &findings.iter().map(|held| &held.body).collect::<Vec<_>>(),
                kept: &bodies::<Kept>(connection)?,
                targets: &bodies::<Target>(connection)?,
                statements: &signed.collect::<Vec<_>>(),
                dates: &dates,
                done: &done(connection, from.unix_ms(), before_ms)?,
            };
            Ok(management::pack(&material, from, until))
        })
    }
}

impl Reviews for SqliteStore {
    fn management_reviews(&self) -> Result<Vec<Held<ManagementReview>>, StoreError> {
        self.readers.with("list the management reviews", |connection| {
            let mut all = held(connection)?;
            all.reverse();
            Ok(all)
        })
    }

    fn management_review(&self, reference: &str) -> Result<Option<Held<ManagementReview>>, StoreError> {
        self.readers.with("show a management review", |connection| find(connection, reference))
    }

    fn review_pack(&self, from: Day, until: Day, now_ms: i64) -> Result<Pack, StoreError> {
        self.drawn(from, until, &self.gathered(now_ms)?, now_ms)
    }

    fn record_review(
        &self,
        review: ToRecord,
        act: Act,
    ) -> Result<Result<Held<ManagementReview>, Refused>, StoreError> {
        let review = match review.checked(Day::from_unix_ms(act.now_ms)) {
            Ok(review) => review,
            Err(refused) => {
                return self.writer.run("note that a review was not recorded", move |connection, _| {
                    governed::refuse(connection, ManagementReview::KIND, "new", &act, RECORD, &refused)?;
                    Ok(Err(refused))
                });
            }
        };
        let pack = self.review_pack(review.from, review.until, act.now_ms)?;
        self.writer
            .run("record a management review", move |connection, _| record(connection, review, pack, &act))
            .map(Ok)
    }

    fn add_decision(
        &self,
        reference: &str,
        decision: ToDecide,
        act: Act,
    ) -> Result<Changed<ManagementReview>, StoreError> {
        let reference = reference.to_owned();
        self.writer.run("record what a management review decided", move |connection, _| {
            decide(connection, &reference, decision, &act)
        })
    }
}
