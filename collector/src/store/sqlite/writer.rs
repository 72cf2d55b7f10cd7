//! The one thread that writes. Jobs come through a bounded channel. Reports that come within
//! [`Options::group_wait`] of the first share one commit; other work has a commit of its own. A
//! group that fails is tried again report by report, so that one bad report takes no other with
//! it: dearer than a savepoint each when it happens, and free when it does not. Answers go out
//! after COMMIT, or after its failure.

use std::sync::mpsc::{Receiver, RecvError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, ErrorCode};

use super::Options;
use super::books::Books;
use super::merge::merge;
use crate::store::{Answer, Report, StoreError};

/// Work that is no report: runs in a transaction and says what to do after it.
type Work = Box<dyn FnOnce(&Connection, &mut Books) -> rusqlite::Result<Finish> + Send>;
/// Called after the commit.
type Finish = Box<dyn FnOnce() + Send>;

enum Job {
    Report(Box<Report>, Answer),
    Work(Work, Box<dyn FnOnce(StoreError) + Send>),
    Stop,
}

/// Handle of the writing thread.
pub(super) struct Writer {
    jobs: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread; the roll-ups are rebuilt first if they are another catalogue's.
    pub(super) fn start(connection: Connection, options: Options, now_ms: i64) -> Result<Self, StoreError> {
        let failed = |source| StoreError::database("be made ready for the catalogue", source);
        let mut books = Books::new(options.clone());
        super::rebuild::on_new_catalogue(&connection, &mut books, now_ms).map_err(failed)?;
        let (jobs, queue) = sync_channel(options.queue);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&connection, &mut books, &options, &queue))
            .map_err(|source| StoreError::database("be given a thread of its own", source))?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) })
    }

    /// A writer that takes nothing.
    pub(super) fn stopped() -> Self {
        Self { jobs: Mutex::new(None), thread: Mutex::new(None) }
    }

    /// Queues a report without waiting.
    pub(super) fn submit(&self, report: Report, answer: Answer) -> Result<(), Box<Report>> {
        let Some(jobs) = self.sender() else {
            answer(Err(StoreError::Stopped));
            return Ok(());
        };
        match jobs.try_send(Job::Report(Box::new(report), answer)) {
            Err(TrySendError::Full(Job::Report(report, _))) => Err(report),
            Err(TrySendError::Disconnected(Job::Report(_, answer))) => {
                answer(Err(StoreError::Stopped));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Runs `work` in the next commit and waits for it.
    pub(super) fn run<T: Send + 'static>(
        &self,
        attempted: &'static str,
        work: impl FnOnce(&Connection, &mut Books) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let jobs = self.sender().ok_or(StoreError::Stopped)?;
        // The answer beside a channel of nothing: a channel for each kind of answer would be compiled anew for it.
        let answer = Arc::new(Mutex::new(None));
        let keep = |answer: &Mutex<Option<_>>, result| {
            *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        };
        let (done, waiting) = sync_channel(1);
        let (kept, failing) = (Arc::clone(&answer), (Arc::clone(&answer), done.clone()));
        let work: Work = Box::new(move |connection, books| {
            let value = work(connection, books)?;
            Ok(Box::new(move || {
                keep(&kept, Ok(value));
                // A caller that went away has no use for it.
                let _ = done.send(());
            }))
        });
        let fail = Box::new(move |error| {
            keep(&failing.0, Err(error));
            let _ = failing.1.send(());
        });
        jobs.send(Job::Work(work, fail)).map_err(|_| StoreError::Stopped)?;
        // An error means that the writer is gone, and nothing was kept.
        let _: Result<(), RecvError> = waiting.recv();
        let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        match answer {
            Some(Err(StoreError::Database { source, .. })) => Err(StoreError::Database { attempted, source }),
            Some(result) => result,
            None => Err(StoreError::Stopped),
        }
    }

    /// Lets what is queued be committed and waits for the thread.
    pub(super) fn stop(&self) {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(jobs) = jobs {
            // Disconnected means that the thread is gone already.
            let _ = jobs.send(Job::Stop);
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's writer panicked");
        }
    }

    fn sender(&self) -> Option<SyncSender<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(connection: &Connection, books: &mut Books, options: &Options, queue: &Receiver<Job>) {
    let mut next = queue.recv().ok();
    let mut lost = false;
    while let Some(job) = next.take().filter(|job| !lost && !matches!(job, Job::Stop)) {
        match job {
            Job::Stop => {}
            Job::Work(work, fail) => {
                lost = run_work(connection, books, work, fail);
            }
            Job::Report(report, answer) => {
                let mut reports = vec![(report, answer)];
                next = gather(options, queue, &mut reports);
                lost = commit_reports(connection, books, reports);
            }
        }
        next = next.or_else(|| queue.recv().ok());
    }
    // Leaves little in the write-ahead log, and waits for nobody: another process may be writing.
    if let Err(error) = connection.pragma_update_and_check(None, "wal_checkpoint", "PASSIVE", |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log could not be folded into the database");
    }
}

/// Takes the reports that came in time; the job that came instead of one. Asleep meanwhile: to be
/// woken by each report would cost as much as three of its rows.
fn gather(options: &Options, queue: &Receiver<Job>, reports: &mut Vec<(Box<Report>, Answer)>) -> Option<Job> {
    std::thread::sleep(options.group_wait);
    while reports.len() < options.group_reports {
        match queue.try_recv().ok()? {
            Job::Report(report, answer) => reports.push((report, answer)),
            other => return Some(other),
        }
    }
    None
}

/// Commits reports together, or one by one when they cannot be. Whether writing has to stop.
fn commit_reports(connection: &Connection, books: &mut Books, reports: Vec<(Box<Report>, Answer)>) -> bool {
    let merged = transaction(connection, books, true, |connection, books| {
        reports
            .iter()
            .map(|(report, _)| merge(connection, books, report))
            .collect::<rusqlite::Result<Vec<_>>>()
    });
    match merged {
        Ok(acks) => {
            for ((_, answer), ack) in reports.into_iter().zip(acks) {
                answer(Ok(ack));
            }
            false
        }
        Err(failed) if failed.lost || reports.len() == 1 => {
            let text = failed.error.to_string();
            for (_, answer) in reports {
                answer(Err(StoreError::database("take a report", text.clone())));
            }
            failed.lost
        }
        Err(_) => {
            let mut lost = false;
            for one in reports {
                lost |= commit_reports(connection, books, vec![one]);
            }
            lost
        }
    }
}

/// Runs one piece of work in a transaction of its own. Whether writing has to stop.
fn run_work(
    connection: &Connection,
    books: &mut Books,
    work: Work,
    fail: Box<dyn FnOnce(StoreError) + Send>,
) -> bool {
    match transaction(connection, books, false, work) {
        Ok(finish) => {
            finish();
            false
        }
        Err(failed) => {
            fail(StoreError::database("be changed", failed.error));
            failed.lost
        }
    }
}

/// A transaction that left nothing behind.
struct Failed {
    error: rusqlite::Error,
    /// Nobody knows what the disk holds: no second try, a restart reads it again.
    lost: bool,
}

fn transaction<T>(
    connection: &Connection,
    books: &mut Books,
    of_reports: bool,
    work: impl FnOnce(&Connection, &mut Books) -> rusqlite::Result<T>,
) -> Result<T, Failed> {
    let attempt = || -> rusqlite::Result<T> {
        super::prepare(connection, "BEGIN IMMEDIATE")?.execute([])?;
        let value = work(connection, books)?;
        books.flush(connection)?;
        if of_reports {
            crate::failpoint::hit("collector-before-commit");
        }
        super::prepare(connection, "COMMIT")?.execute([])?;
        if of_reports {
            crate::failpoint::hit("collector-after-commit");
        }
        Ok(value)
    };
    let error = match attempt() {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    books.forget();
    let mut lost = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    );
    if !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a failed change could not be rolled back");
        lost = true;
    }
    tracing::error!(%error, stops = lost, "a change of the records failed; nothing of it was acknowledged");
    Err(Failed { error, lost })
}
