//! What is told of the fleet as a whole. It takes a look at every sensor, so that of a large fleet the answer is kept for a while:
//! the collector makes it anew each minute, and it says of itself as of when it is. Statements are made from none that was kept.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params};

use super::campaigns::Sensed;
use super::coverage::Works;
use super::{SqliteStore, assets, coverage, prepare};
use crate::model::{CoverageTotals, FleetVersions};
use crate::scope::{Coverage, Matched};
use crate::store::StoreError;

/// How long an answer is told, in milliseconds: until it was made anew, and longer by as much as that may take.
const KEPT_MS: i64 = 120_000;

/// One answer.
pub(super) struct Told {
    pub(super) coverage: Coverage,
    pub(super) totals: CoverageTotals,
    pub(super) works: Works,
    /// What the sensors that report run.
    pub(super) versions: FleetVersions,
    /// What should be there and what is, side by side; `None`: no list says so.
    pub(super) matched: Option<Matched>,
    /// Units by what their sensors do.
    pub(super) sensed: Sensed,
}

impl Told {
    /// As it is now.
    pub(super) fn anew(connection: &Connection, now_ms: i64) -> rusqlite::Result<Self> {
        let totals = assets::coverage_totals(connection, now_ms)?;
        let (detectors, works, versions) = coverage::detectors(connection, now_ms)?;
        let (coverage, matched) = coverage::record(connection, &totals, detectors, now_ms)?;
        let sensed = Sensed::now(connection, now_ms)?;
        Ok(Self { coverage, totals, works, versions, matched, sensed })
    }
}

/// The last answer, and how often what it rests on was changed by people.
#[derive(Default)]
pub(super) struct Fleet {
    last: Mutex<Option<Arc<Told>>>,
    changes: AtomicU64,
}

impl Fleet {
    /// Endpoints or sites are others now: what is kept is true no longer.
    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn kept(&self, now_ms: i64) -> Option<Arc<Told>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|told| (0..KEPT_MS).contains(&(now_ms - told.coverage.as_of_ms))).cloned()
    }

    /// Keeps an answer, unless something changed since it was begun.
    fn keep(&self, told: &Arc<Told>, changes: u64) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if self.changes.load(Ordering::SeqCst) == changes {
            *last = Some(Arc::clone(told));
        }
    }
}

impl SqliteStore {
    /// Makes the answer about a large fleet anew. Does nothing for a small one.
    pub fn renew_fleet(&self, now_ms: i64) -> Result<(), StoreError> {
        let large = self.readers.with("count the sensors", |connection| self.is_large(connection))?;
        if large { self.tell_anew(now_ms).map(|_| ()) } else { Ok(()) }
    }

    /// Runs what people change about what the answer rests on.
    pub(super) fn change_fleet<T: Send + 'static>(
        &self,
        attempted: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = self.writer.run(attempted, move |connection, _| work(connection));
        self.fleet.changed();
        done
    }

    /// The answer, from less than two minutes ago where the fleet is large.
    pub(super) fn told(&self, now_ms: i64) -> Result<Arc<Told>, StoreError> {
        self.fleet.kept(now_ms).map_or_else(|| self.tell_anew(now_ms), Ok)
    }

    /// Its sums, which take no look at what each sensor says.
    pub(super) fn told_totals(&self, now_ms: i64) -> Result<CoverageTotals, StoreError> {
        match self.fleet.kept(now_ms) {
            Some(told) => Ok(told.totals.clone()),
            None => self
                .readers
                .with("sum up the coverage", |connection| assets::coverage_totals(connection, now_ms)),
        }
    }

    /// What the sensors of each unit do.
    pub(super) fn told_sensed(&self, now_ms: i64) -> Result<Sensed, StoreError> {
        match self.fleet.kept(now_ms) {
            Some(told) => Ok(told.sensed.clone()),
            None => self
                .readers
                .with("look which units have sensors", |connection| Sensed::now(connection, now_ms)),
        }
    }

    fn tell_anew(&self, now_ms: i64) -> Result<Arc<Told>, StoreError> {
        let changes = self.fleet.changes.load(Ordering::SeqCst);
        let (told, large) = self.readers.with("tell the coverage", |connection| {
            Ok((Arc::new(Told::anew(connection, now_ms)?), self.is_large(connection)?))
        })?;
        if large {
            self.fleet.keep(&told, changes);
        }
        Ok(told)
    }

    fn is_large(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let counted: u64 =
            prepare(connection, "SELECT count(*) FROM (SELECT 1 FROM sensor_seen LIMIT $1) AS some")?
                .query_row(params![self.large_fleet], |row| row.get(0))?;
        Ok(counted >= self.large_fleet)
    }
}
