//! The one thread that writes. Jobs come through a bounded channel; what has come within
//! [`Options::group_wait`] of the first shares one commit. Each job has a savepoint of its own, so
//! that one which fails takes nothing with it. Answers go out after COMMIT, or after its failure.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use rusqlite::{Connection, ErrorCode};
use umbrascope_rules::Matcher;

use super::Options;
use super::books::Books;
use crate::store::{Answer, Report, StoreError};

/// Work that is no report: runs in the group's transaction and says what to do after it.
type Work = Box<dyn FnOnce(&Connection, &mut Books) -> rusqlite::Result<Finish> + Send>;
/// Called with whether the commit succeeded, or with why the work failed.
type Finish = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

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
    pub(super) fn start(
        connection: Connection,
        options: Options,
        matcher: Arc<Matcher>,
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        let failed = |source| StoreError::database("be made ready for the catalogue", source);
        let mut books = Books::new(options, matcher);
        super::rebuild::on_new_catalogue(&connection, &mut books, now_ms).map_err(failed)?;
        let (jobs, queue) = sync_channel(options.queue);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&connection, &mut books, options, &queue))
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
        let (answer, answered) = sync_channel(1);
        let failing = answer.clone();
        let work: Work = Box::new(move |connection, books| {
            let value = work(connection, books)?;
            // A caller that went away has no use for the answer.
            Ok(Box::new(move |committed: Result<(), StoreError>| {
                let _ = answer.send(committed.map(|()| value));
            }))
        });
        let fail = Box::new(move |error| {
            let _ = failing.send(Err(error));
        });
        jobs.send(Job::Work(work, fail)).map_err(|_| StoreError::Stopped)?;
        match answered.recv() {
            Ok(Err(StoreError::Database { source, .. })) => Err(StoreError::Database { attempted, source }),
            Ok(result) => result,
            Err(_) => Err(StoreError::Stopped),
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

/// Whether the loop goes on after a group.
enum Next {
    Go,
    Stop,
}

fn run(connection: &Connection, books: &mut Books, options: Options, queue: &Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        match group(connection, books, options, queue, first) {
            Next::Go => {}
            Next::Stop => break,
        }
    }
    // Leaves little in the write-ahead log, and waits for nobody: another process may be writing.
    if let Err(error) = connection.pragma_update_and_check(None, "wal_checkpoint", "PASSIVE", |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log could not be folded into the database");
    }
}

fn group(
    connection: &Connection,
    books: &mut Books,
    options: Options,
    queue: &Receiver<Job>,
    first: Job,
) -> Next {
    if matches!(first, Job::Stop) {
        return Next::Stop;
    }
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        refuse(first, StoreError::database("begin a change", error));
        return Next::Go;
    }
    let mut finishes: Vec<Finish> = Vec::new();
    let mut next = Next::Go;
    let mut reports = 0;
    let mut joins_until = None;
    let mut job = Some(first);
    loop {
        match job.take() {
            Some(Job::Stop) => {
                next = Next::Stop;
                break;
            }
            Some(Job::Report(report, answer)) => {
                reports += 1;
                joins_until.get_or_insert_with(|| Instant::now() + options.group_wait);
                match guarded(connection, books, |connection, books| {
                    super::merge::merge(connection, books, *report)
                }) {
                    Ok(ack) => finishes.push(Box::new(move |committed| answer(committed.map(|()| ack)))),
                    Err(error) => answer(Err(StoreError::database("take a report", error))),
                }
            }
            Some(Job::Work(work, fail)) => match guarded(connection, books, work) {
                Ok(finish) => finishes.push(finish),
                Err(error) => fail(StoreError::database("be changed", error)),
            },
            None => break,
        }
        if reports >= options.group_reports {
            break;
        }
        job = match joins_until {
            // People who press a button do not wait for others.
            None => queue.try_recv().ok(),
            Some(until) => queue.recv_timeout(until.saturating_duration_since(Instant::now())).ok(),
        };
    }
    let committed = books.flush(connection).and_then(|()| {
        if reports > 0 {
            crate::failpoint::hit("collector-before-commit");
        }
        connection.execute_batch("COMMIT")
    });
    match committed {
        Ok(()) => {
            if reports > 0 {
                crate::failpoint::hit("collector-after-commit");
            }
            finishes.into_iter().for_each(|finish| finish(Ok(())));
            next
        }
        Err(error) => {
            // After a failed sync nobody knows what the disk holds: no second try, a restart
            // reads it again.
            let lost = matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            );
            tracing::error!(%error, stops = lost, "a commit failed; its reports were not acknowledged");
            let text = error.to_string();
            for finish in finishes {
                finish(Err(StoreError::database("commit", text.clone())));
            }
            if !connection.is_autocommit()
                && let Err(error) = connection.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "a failed commit could not be rolled back; writing stops");
                return Next::Stop;
            }
            books.forget();
            if lost { Next::Stop } else { next }
        }
    }
}

/// Runs one job under a savepoint.
fn guarded<T>(
    connection: &Connection,
    books: &mut Books,
    work: impl FnOnce(&Connection, &mut Books) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    super::prepare(connection, "SAVEPOINT job")?.execute([])?;
    match work(connection, books) {
        Ok(value) => {
            super::prepare(connection, "RELEASE job")?.execute([])?;
            books.keep();
            Ok(value)
        }
        Err(error) => {
            connection.execute_batch("ROLLBACK TO job; RELEASE job")?;
            books.drop_job();
            Err(error)
        }
    }
}

fn refuse(job: Job, error: StoreError) {
    match job {
        Job::Report(_, answer) => answer(Err(error)),
        Job::Work(_, fail) => fail(error),
        Job::Stop => {}
    }
}
