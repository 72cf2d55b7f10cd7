//! The uplink: owns state and key, and talks to the collector. It has no capability.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::ExitCode;
use std::task::Poll;
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom, SystemRandom};
use umbrascope_api::{CaptureState, Day};

use super::control_socket;
use crate::aggregate::Aggregate;
use crate::catalogue::Shelf;
use crate::clock::wall_clock_ms;
use crate::config::CollectorConfig;
use crate::failpoint;
use crate::ipc::Channel;
use crate::ipc::message::{
    Counted, FromCapture, FromScanner, FromUplink, Stored, StreamId, ToCapture, ToScanner, ToUplink,
};
use crate::ipc::waiting::AsyncChannel;
use crate::os::{capability, host, memory, signals};
use crate::own::OwnShelf;
use crate::state::{Found, State, StateError};

mod catalogue;
mod delivery;
mod intake;
mod own;
mod sealing;

pub use catalogue::CatalogueNote;
use catalogue::Keeper;
pub use delivery::StatusNote;
use delivery::{Delivery, Finished};
use intake::{Lives, ScanIntake};
use own::OwnKeeper;
pub use own::OwnNote;

/// What was counted is committed at the latest this long afterwards.
const COMMIT_AFTER: Duration = Duration::from_secs(1);
/// How often the bounds of the state are looked at.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// How long the last messages and the last delivery may take when told to end.
const FINISH_INTAKE: Duration = Duration::from_millis(1500);
const FINISH_DELIVERY: Duration = Duration::from_millis(2000);
/// Another uplink may still be storing its last when this one starts.
const LOCK_PATIENCE: Duration = Duration::from_secs(6);

/// Runs until the warden says so or is gone.
pub fn run() -> ExitCode {
    let started = signals::block_termination()
        .and_then(|()| capability::drop_all())
        .and_then(|()| tokio::runtime::Builder::new_current_thread().enable_all().build());
    let result = started.and_then(|runtime| runtime.block_on(async { Uplink::start().await?.run().await }));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the uplink ends");
            ExitCode::FAILURE
        }
    }
}

/// A dissector at the other end.
struct CaptureLink {
    channel: AsyncChannel<ToCapture, FromCapture>,
    stream: Option<StreamId>,
    /// The last number said to be stored could not be told yet.
    untold: Option<Stored>,
    /// Whether it was told that suspects are wanted; `None`: neither way yet.
    suspects: Option<bool>,
}

struct ScanLink {
    channel: ScanChannel,
    intake: ScanIntake,
    /// Something of it could not be stored: the scanner is not told that all is well.
    lost: bool,
}

type ScanChannel = AsyncChannel<ToScanner, FromScanner>;

/// What happened next.
enum Event {
    Control(ToUplink, Option<std::os::fd::OwnedFd>),
    ControlClosed,
    Capture(usize, FromCapture),
    CaptureClosed(usize),
    Scan(FromScanner),
    ScanClosed,
    Finished(Finished),
    Timer,
}

/// How far the end is.
#[derive(PartialEq)]
enum Ending {
    No,
    /// Everything must be delivered, then the warden is told.
    Deliver,
    /// What comes in until then is taken.
    Intake(Instant),
}

struct Uplink {
    control: AsyncChannel<FromUplink, ToUplink>,
    state: State,
    aggregate: Aggregate,
    lives: Lives,
    captures: Vec<CaptureLink>,
    scan: Option<ScanLink>,
    queued_scans: VecDeque<ScanChannel>,
    delivery: Delivery,
    commit_at: Option<Instant>,
    prune_at: Instant,
    ending: Ending,
}

impl Uplink {
    async fn start() -> io::Result<Self> {
        let mut control = AsyncChannel::new(Channel::new(control_socket()?))?;
        let first = poll_fn(|context| control.poll_receive(context)).await?;
        let Some((
            ToUplink::Start {
                state_dir,
                collector_url,
                proxy,
                counter_interval_s,
                catalogue_keys,
                own_rules,
                own_rules_key,
                suspects,
                privacy_key,
            },
            _,
        )) = first
        else {
            return Err(io::Error::other("the warden did not say where the state is"));
        };
        let state = match open_state(&state_dir).await {
            Ok(state) => state,
            Err(error) => {
                let mut trouble = error.to_string();
                if let Some(cause) = std::error::Error::source(&error) {
                    trouble = format!("{trouble}: {cause}");
                }
                let _ = control.channel().send_waiting(&FromUplink::Broken { trouble: trouble.clone() });
                return Err(io::Error::other(trouble));
            }
        };
        let collector = CollectorConfig { url: collector_url, proxy };
        let counter_interval = Duration::from_secs(counter_interval_s);
        let keys: Vec<_> = catalogue_keys.iter().filter_map(|key| key.parse().ok()).collect();
        let shelf = Shelf::new(&state_dir, &keys);
        let own = OwnShelf::new(&state_dir, own_rules, own_rules_key.and_then(|key| key.parse().ok()));
        let own = OwnKeeper::new(own, shelf.clone(), Instant::now());
        let catalogue = Keeper::new(shelf, Instant::now());
        let delivery = Delivery::new(
            state_dir,
            collector,
            counter_interval,
            (catalogue, own),
            (suspects, privacy_key),
            &state,
            Instant::now(),
        );
        let _ = control.channel().send_waiting(&FromUplink::Ready);
        memory::give_back();
        Ok(Self {
            control,
            state,
            aggregate: Aggregate::default(),
            lives: Lives::default(),
            captures: Vec::new(),
            scan: None,
            queued_scans: VecDeque::new(),
            delivery,
            commit_at: None,
            prune_at: Instant::now(),
            ending: Ending::No,
        })
    }

    async fn run(mut self) -> io::Result<()> {
        loop {
            let event = self.next_event().await?;
            if self.handle(event)? {
                return self.finish().await;
            }
        }
    }

    /// Handles one event and what is due; true when it is time to end.
    fn handle(&mut self, event: Event) -> io::Result<bool> {
        match event {
            Event::Control(message, descriptor) => self.handle_control(message, descriptor)?,
            Event::ControlClosed => self.end_intake(),
            Event::Capture(index, message) => self.handle_capture(index, message)?,
            Event::CaptureClosed(index) => drop(self.captures.swap_remove(index)),
            Event::Scan(message) => {
                if let Some(mut scan) = self.scan.take() {
                    let done = matches!(message, FromScanner::Done);
                    let taken = scan.intake.take(message, &mut self.state);
                    scan.lost |= self.survive_value(taken)?.is_none();
                    if done && !scan.lost {
                        let _ = scan.channel.channel().send(&ToScanner::Stored);
                    }
                    self.scan = Some(scan);
                }
            }
            Event::ScanClosed => self.end_scan()?,
            Event::Finished(finished) => {
                let done = self.delivery.finished(finished, &mut self.state, Instant::now());
                self.survive(done)?;
                if self.delivery.swapped() {
                    // A warden that does not read now looks for itself once it hears from the next uplink.
                    let _ = self.control.channel().send_waiting(&FromUplink::Catalogue);
                }
                // A handshake runs through much of the program, and the next is minutes away.
                memory::give_back();
            }
            Event::Timer => {}
        }
        self.tick()
    }

    fn tick(&mut self) -> io::Result<bool> {
        let now = Instant::now();
        if !self.aggregate.is_empty() {
            self.commit_at.get_or_insert(now + COMMIT_AFTER);
        }
        if self.aggregate.is_full() || self.commit_at.is_some_and(|at| now >= at) {
            self.commit()?;
        }
        if now >= self.prune_at {
            self.prune_at = now + PRUNE_EVERY;
            let pruned = self.state.prune(today()).map(drop);
            self.survive(pruned)?;
        }
        self.delivery.counters = self.lives.total();
        let started = self.delivery.tick(&mut self.state, now);
        self.survive(started)?;
        match self.ending {
            Ending::No => Ok(false),
            Ending::Deliver => {
                if self.captures.is_empty() && self.scan.is_none() && self.aggregate.is_empty() {
                    let now_due = self.delivery.everything_is_delivered(&self.state);
                    if let Some(trouble) = self.survive_value(now_due)?.flatten() {
                        let trouble = Some(trouble).filter(|text| !text.is_empty());
                        let _ = self.control.channel().send_waiting(&FromUplink::Delivered { trouble });
                        self.ending = Ending::No;
                    }
                }
                Ok(false)
            }
            Ending::Intake(until) => Ok(now >= until || (self.captures.is_empty() && self.scan.is_none())),
        }
    }

    /// A damaged database ends this process, and the next sets it aside; a full disk is waited for.
    fn survive(&mut self, result: Result<(), StateError>) -> io::Result<()> {
        self.survive_value(result).map(drop)
    }

    fn survive_value<T>(&mut self, result: Result<T, StateError>) -> io::Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(StateError::Damaged(error)) => {
                Err(io::Error::other(format!("the state database is damaged: {error}")))
            }
            Err(error) => {
                tracing::warn!(%error, "cannot write the state now; trying again");
                Ok(None)
            }
        }
    }

    fn commit(&mut self) -> io::Result<()> {
        let healed = self.state.heal();
        if let Some(true) = self.survive_value(healed)? {
            tracing::warn!("the state database was deleted while in use; it is written anew");
        }
        failpoint::hit("agent-before-commit");
        let change = self.aggregate.change();
        let committed = self.state.commit(&change, today());
        if self.survive_value(committed)?.is_none() {
            self.commit_at = Some(Instant::now() + COMMIT_AFTER);
            return Ok(());
        }
        failpoint::hit("agent-after-commit");
        self.commit_at = None;
        self.aggregate.clear();
        for (stream, number) in change.streams {
            for link in self.captures.iter_mut().filter(|link| link.stream == Some(stream)) {
                link.untold = Some(Stored { stream, number });
            }
        }
        self.tell_stored();
        if !change.rows.is_empty() || !change.stations.is_empty() {
            self.delivery.something_new(Instant::now());
        }
        Ok(())
    }

    /// Says what is stored, and whether suspects are wanted; a dissector that does not read now is told at the next look.
    fn tell_stored(&mut self) {
        let suspects = self.delivery.wants_suspects();
        for link in &mut self.captures {
            if let Some(stored) = &link.untold
                && link.channel.channel().send(&ToCapture::Stored(*stored)).is_ok()
            {
                link.untold = None;
            }
            if link.suspects != Some(suspects)
                && link.channel.channel().send(&ToCapture::Suspects(suspects)).is_ok()
            {
                link.suspects = Some(suspects);
            }
        }
    }

    fn handle_control(
        &mut self,
        message: ToUplink,
        descriptor: Option<std::os::fd::OwnedFd>,
    ) -> io::Result<()> {
        match (message, descriptor) {
            (ToUplink::Capture, Some(socket)) => self.captures.push(CaptureLink {
                channel: AsyncChannel::new(Channel::new(socket))?,
                stream: None,
                untold: None,
                suspects: None,
            }),
            (ToUplink::Scan, Some(socket)) => {
                self.queued_scans.push_back(AsyncChannel::new(Channel::new(socket))?);
                self.next_scan();
            }
            (ToUplink::Coverage { state, note, interfaces, gateway, sandbox }, _) => {
                let coverage = &mut self.delivery.coverage;
                let changed = coverage.capture != state || coverage.interfaces != interfaces;
                coverage.capture = state;
                coverage.capture_note = note;
                coverage.interfaces = interfaces;
                coverage.gateway = gateway;
                coverage.sandbox = sandbox;
                if changed && state != CaptureState::Capturing {
                    self.delivery.something_new(Instant::now());
                }
            }
            (ToUplink::Deliver, _) => self.ending = Ending::Deliver,
            (ToUplink::Finish, _) => self.end_intake(),
            (ToUplink::Start { .. } | ToUplink::Capture | ToUplink::Scan, _) => {}
        }
        Ok(())
    }

    fn end_intake(&mut self) {
        if !matches!(self.ending, Ending::Intake(_)) {
            self.ending = Ending::Intake(Instant::now() + FINISH_INTAKE);
        }
    }

    fn handle_capture(&mut self, index: usize, message: FromCapture) -> io::Result<()> {
        match message {
            FromCapture::Counters { stream, counters } => self.lives.note(stream, counters),
            FromCapture::Renamed(station) => self.aggregate.describe(station),
            // Some may still be on their way when they are not wanted any more.
            FromCapture::Suspects(rows) if self.delivery.wants_suspects() => {
                let counted = self.state.count_suspects(&rows, today());
                self.survive(counted)?;
            }
            FromCapture::Suspects(_) => {}
            FromCapture::Sightings { stream, number, replayed, rows } => {
                self.captures[index].stream = Some(stream);
                let repeat = self.aggregate.is_repeat(stream, number, || self.state.last_number(stream));
                // A database that cannot be read now ends this process; the dissector sends it again to the next.
                let Some(repeat) = self.survive_value(repeat)? else {
                    return Err(io::Error::other("the state database cannot be read"));
                };
                if !repeat {
                    for Counted { count, sighting } in rows {
                        let told = sighting.owner.executable.is_some()
                            || sighting.owner.forwarded
                            || sighting.station.is_some();
                        self.delivery.coverage.unattributed += if replayed || told { 0 } else { count };
                        let account = sighting.owner.uid.map(|uid| self.state.account(uid));
                        self.aggregate.add(count, sighting, account);
                    }
                    self.aggregate.advance(stream, number);
                }
            }
        }
        Ok(())
    }

    fn next_scan(&mut self) {
        if self.scan.is_none()
            && let Some(channel) = self.queued_scans.pop_front()
        {
            self.scan = Some(ScanLink { channel, intake: ScanIntake::default(), lost: false });
        }
    }

    fn end_scan(&mut self) -> io::Result<()> {
        if let Some(scan) = self.scan.take()
            && !scan.intake.is_empty()
        {
            let only_changes = scan.intake.only_changes;
            let ended = scan.intake.end(&mut self.state);
            if let Some((reports, watched)) = self.survive_value(ended)? {
                self.delivery.scanned(reports, only_changes, watched, &self.state);
            }
            self.delivery.something_new(Instant::now());
        }
        self.next_scan();
        Ok(())
    }

    /// Waits for the next thing to do. Dissectors are not read while a commit is due that could not be written.
    async fn next_event(&mut self) -> io::Result<Event> {
        self.tell_stored();
        let wake = self.wake_at();
        let mut sleep = std::pin::pin!(tokio::time::sleep_until(wake.into()));
        poll_fn(|context| {
            if let Poll::Ready(received) = self.control.poll_receive(context) {
                return Poll::Ready(received.map(|received| match received {
                    Some((message, descriptor)) => Event::Control(message, descriptor),
                    None => Event::ControlClosed,
                }));
            }
            if let Poll::Ready(finished) = self.delivery.poll(context) {
                return Poll::Ready(Ok(Event::Finished(finished)));
            }
            if !self.aggregate.is_full() {
                for (index, link) in self.captures.iter_mut().enumerate() {
                    match link.channel.poll_receive(context) {
                        Poll::Ready(Ok(Some((message, _)))) => {
                            return Poll::Ready(Ok(Event::Capture(index, message)));
                        }
                        // A dissector that speaks nonsense is not listened to any more.
                        Poll::Ready(Ok(None) | Err(_)) => {
                            return Poll::Ready(Ok(Event::CaptureClosed(index)));
                        }
                        Poll::Pending => {}
                    }
                }
            }
            if let Some(scan) = &mut self.scan {
                match scan.channel.poll_receive(context) {
                    Poll::Ready(Ok(Some((message, _)))) => return Poll::Ready(Ok(Event::Scan(message))),
                    Poll::Ready(Ok(None) | Err(_)) => return Poll::Ready(Ok(Event::ScanClosed)),
                    Poll::Pending => {}
                }
            }
            sleep.as_mut().poll(context).map(|()| Ok(Event::Timer))
        })
        .await
    }

    fn wake_at(&self) -> Instant {
        let ending = match self.ending {
            Ending::Intake(until) => Some(until),
            _ => None,
        };
        let suspects = Some(self.delivery.wants_suspects());
        let untold = self.captures.iter().any(|link| link.untold.is_some() || link.suspects != suspects);
        let untold = untold.then(|| Instant::now() + Duration::from_millis(50));
        [self.commit_at, ending, untold, Some(self.prune_at), self.delivery.wake_at()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(self.prune_at)
    }

    /// Commits the last, and delivers once more if there is time.
    async fn finish(mut self) -> io::Result<()> {
        self.end_scan()?;
        if !self.aggregate.is_empty() {
            self.commit()?;
        }
        self.delivery.counters = self.lives.total();
        let end = Instant::now() + FINISH_DELIVERY;
        let last = tokio::time::timeout_at(end.into(), self.delivery.last(&mut self.state)).await;
        if let Ok(Err(error)) = last {
            tracing::warn!(%error, "the last delivery is left for the next start");
        }
        self.delivery.write_note(&self.state);
        Ok(())
    }
}

async fn open_state(folder: &Path) -> Result<State, StateError> {
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match State::open(folder, host::machine_id(), &SystemRandom::new()) {
            Ok((state, found)) => {
                if found == Found::SetAside {
                    tracing::warn!(
                        "the state database could not be used; it is set aside and a new one begun"
                    );
                }
                return Ok(state);
            }
            Err(StateError::InUse(_)) if Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

fn today() -> Day {
    Day::from_unix_ms(wall_clock_ms())
}

/// A number between 0 and 1.
fn chance() -> f64 {
    let mut bytes = [0; 4];
    // Without random numbers the middle is as good as anything.
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

type Request<T> = Pin<Box<dyn Future<Output = T>>>;
