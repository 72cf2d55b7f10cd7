//! The warden: has the privileges and uses them for nothing but opening the packet socket, telling whose a connection is, and
//! giving the scanner leave to read. It parses nothing that a network or a home sends.
//!
//! It starts the other roles, connects them with one another, and starts again whichever dies, later each time. The
//! packet socket stays open here, so that packets wait in it while a dissector is started again.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom, SystemRandom};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use umbrascope_api::CaptureState;

use crate::attribution::Attribution;
use crate::capture::afpacket;
use crate::config::Config;
use crate::ipc::message::{FromDissector, FromUplink, ToDissector, ToUplink};
use crate::ipc::{Channel, pair};
use crate::os::notify::Notifier;
use crate::os::{capability, links, memory, signals};
use crate::own::OwnShelf;

mod capturing;
mod catalogue;
mod child;
mod delivering;
mod gateway;
mod journals;
mod replayer;
mod scanning;

use catalogue::Handover;
use child::{Backoff, Child};
use gateway::Gateway;
use journals::Journals;

/// The scanner's own patience is the deadline; past this much more it is ended.
const SCAN_GRACE: Duration = Duration::from_secs(10);
/// How long children may take to end: together with the rest below the five seconds that a service manager is promised.
const END_PATIENCE: Duration = Duration::from_millis(4500);
/// Interfaces come in bursts: look once, this long after the first word of a change.
const LINKS_SETTLE: Duration = Duration::from_millis(500);
/// How often a capture file is begun.
const REPLAY_ATTEMPTS: u32 = 3;
/// A scan that did not come to its end, or found with an older catalogue, is done again after this share of the interval at most.
const SOON: f64 = 0.05;
/// A message to a role that does not read is tried again after this long.
const RETRY_SEND: Duration = Duration::from_millis(50);

/// What `run` was asked for.
#[derive(Debug)]
pub struct Task {
    /// The configuration.
    pub config: Config,
    /// Capture files to feed through the pipeline.
    pub replays: Vec<PathBuf>,
    /// One scan and the replays, everything delivered, then the end.
    pub once: bool,
    /// Patience for that.
    pub deadline: Duration,
}

/// Why the warden ends with an error.
#[derive(Debug, thiserror::Error)]
pub enum WardenError {
    /// Something of the system that nothing can be done without.
    #[error("cannot {0}")]
    System(&'static str, #[source] io::Error),
    /// A capture file.
    #[error("cannot open the capture file {0}")]
    Replay(PathBuf, #[source] io::Error),
    /// The uplink cannot work.
    #[error("{0}")]
    Broken(String),
    /// `--once`: not everything was delivered.
    #[error("not everything was delivered: {0}")]
    Undelivered(String),
}

type DissectorChild = Child<Channel<ToDissector, FromDissector>>;
type UplinkChild = Child<Channel<ToUplink, FromUplink>>;

/// Runs the agent until it is told to end.
pub fn run(task: Task) -> Result<ExitCode, WardenError> {
    let termination = signals::termination().map_err(|e| WardenError::System("watch for signals", e))?;
    let kept = capability::keep_only(capability::WARDEN_STARTING)
        .map_err(|e| WardenError::System("give up unneeded capabilities", e))?;
    let mut replays = VecDeque::new();
    for path in task.replays {
        let file = File::open(&path).map_err(|e| WardenError::Replay(path.clone(), e))?;
        replays.push_back((path, file));
    }
    let mut warden = Warden {
        termination,
        links: links::open(!task.config.gateway.interfaces.is_empty()).ok(),
        links_at: None,
        notifier: Notifier::from_environment(),
        notified: false,
        watchdog_at: None,
        attribution: Attribution::new(task.config.attribution_hooks),
        packets: None,
        gateway: Gateway::new(&task.config.gateway, task.config.flow_aware_filter),
        catalogue: Handover::new(
            task.config.state_dir.clone(),
            &task.config.catalogue_keys,
            OwnShelf::of(&task.config),
        ),
        capture: CaptureState::Off,
        note: String::new(),
        sandbox: String::new(),
        interfaces: afpacket::interface_names(),
        coverage_due: true,
        uplink: None,
        uplink_ready: false,
        uplink_backoff: Backoff::default(),
        to_uplink: VecDeque::new(),
        dissector: None,
        dissector_ready: false,
        dissector_backoff: Backoff::default(),
        replayer: None,
        replayer_backoff: Backoff::default(),
        replayer_attempts: 0,
        replays,
        scanner: None,
        scan_at: None,
        look_at: None,
        journals: Journals::default(),
        scan_again: false,
        scans_done: 0,
        once: task.once,
        deliver_asked: false,
        ends_at: task.once.then(|| Instant::now() + task.deadline),
        deadline: task.deadline,
        config: task.config,
    };
    warden.open_capture(kept);
    let mut keep = capability::WARDEN;
    if warden.attribution.announcements().is_some() {
        keep |= capability::to_ask_bpf(&rustix::system::uname().release().to_string_lossy());
    }
    capability::keep_only(keep)
        .map_err(|e| WardenError::System("give up the capabilities that only the start needs", e))?;
    if warden.config.scan_interval.is_some() || warden.once {
        warden.scan_at = Some(Instant::now());
    }
    warden.run()
}

struct Warden {
    config: Config,
    termination: OwnedFd,
    links: Option<OwnedFd>,
    links_at: Option<Instant>,
    notifier: Notifier,
    notified: bool,
    watchdog_at: Option<Instant>,
    attribution: Attribution,
    packets: Option<OwnedFd>,
    gateway: Option<Gateway>,
    catalogue: Handover,
    capture: CaptureState,
    note: String,
    sandbox: String,
    interfaces: Vec<String>,
    coverage_due: bool,
    uplink: Option<UplinkChild>,
    uplink_ready: bool,
    uplink_backoff: Backoff,
    /// Messages that the uplink had no room for, or that wait for it to be started.
    to_uplink: VecDeque<(ToUplink, Option<OwnedFd>)>,
    dissector: Option<DissectorChild>,
    dissector_ready: bool,
    dissector_backoff: Backoff,
    replayer: Option<DissectorChild>,
    replayer_backoff: Backoff,
    replayer_attempts: u32,
    replays: VecDeque<(PathBuf, File)>,
    scanner: Option<(Child<()>, Instant)>,
    scan_at: Option<Instant>,
    /// When to look for what changed since.
    look_at: Option<Instant>,
    journals: Journals,
    /// Another catalogue came while a scan went on.
    scan_again: bool,
    scans_done: u32,
    once: bool,
    deliver_asked: bool,
    ends_at: Option<Instant>,
    deadline: Duration,
}

/// What woke the warden.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    Termination,
    Announcements,
    Links,
    Uplink,
    UplinkEnd,
    Dissector,
    DissectorEnd,
    Replayer,
    ReplayerEnd,
    ScannerEnd,
}

impl Warden {
    fn run(&mut self) -> Result<ExitCode, WardenError> {
        loop {
            self.start_what_is_due()?;
            self.flush_to_uplink();
            self.notify();
            for source in self.wait()? {
                match source {
                    Source::Termination => {
                        self.end();
                        return Ok(ExitCode::SUCCESS);
                    }
                    Source::Announcements => self.attribution.handle_announcements(Instant::now()),
                    Source::Links => {
                        if let Some(links) = &self.links {
                            links::drain(links.as_fd());
                        }
                        self.links_at.get_or_insert(Instant::now() + LINKS_SETTLE);
                    }
                    Source::Uplink => {
                        if let Some(end) = self.read_uplink()? {
                            self.end();
                            return end;
                        }
                    }
                    Source::UplinkEnd => self.uplink_died(),
                    Source::Dissector => self.read_dissector(),
                    Source::DissectorEnd => self.dissector_died(),
                    Source::Replayer => self.read_replayer(),
                    Source::ReplayerEnd => {
                        // Its word that it is done may still be in the socket.
                        self.read_replayer();
                        self.replayer_ended();
                    }
                    Source::ScannerEnd => self.scanner_ended(),
                }
            }
            if self.ends_at.is_some_and(|at| Instant::now() >= at) {
                self.end();
                return Err(WardenError::Undelivered("the deadline came first".to_owned()));
            }
        }
    }

    fn start_what_is_due(&mut self) -> Result<(), WardenError> {
        let now = Instant::now();
        if self.uplink.is_none() && self.uplink_backoff.due(now) {
            self.start_uplink()?;
        }
        if self.packets.is_some() && self.dissector.is_none() && self.dissector_backoff.due(now) {
            self.start_dissector()?;
        }
        if self.replayer.is_none() && !self.replays.is_empty() && self.replayer_backoff.due(now) {
            self.start_replayer()?;
        }
        self.scan_if_due(now)?;
        let patience = self.scan_deadline() + SCAN_GRACE;
        if let Some((scanner, started)) = &mut self.scanner
            && now >= *started + patience
        {
            tracing::warn!("the scanner does not end; it is ended");
            scanner.kill();
        }
        if self.catalogue.due
            && let Some(dissector) = &self.dissector
        {
            self.catalogue.give(&dissector.control);
        }
        if self.links_at.is_some_and(|at| now >= at) {
            self.links_at = None;
            let interfaces = afpacket::interface_names();
            if interfaces != self.interfaces {
                self.interfaces = interfaces;
                self.coverage_due = true;
            }
            if let Some(gateway) = self.gateway.as_mut().filter(|_| self.packets.is_some()) {
                self.coverage_due |= gateway.look(self.dissector.as_ref().map(|child| &child.control));
            }
        }
        let all_fed = self.replays.is_empty() && self.replayer.is_none();
        if self.once && !self.deliver_asked && all_fed && self.scanner.is_none() && self.scans_done > 0 {
            self.deliver_asked = true;
            // Live capture is not what was asked for: its dissector ends first, so that nothing more comes.
            if let Some(dissector) = &self.dissector {
                let _ = dissector.control.send(&ToDissector::Finish);
            }
            self.packets = None;
            self.to_uplink.push_back((ToUplink::Deliver, None));
        }
        Ok(())
    }

    /// Says that we are ready once the children run and capture is up or known to be impossible.
    fn notify(&mut self) {
        let now = Instant::now();
        let capture_known = self.packets.is_none() || self.dissector_ready;
        if !self.notified && self.uplink_ready && capture_known {
            self.notified = true;
            let status = match self.capture {
                CaptureState::Capturing => {
                    let others = self.gateway.as_ref().map(Gateway::names).unwrap_or_default();
                    let others = if others.is_empty() {
                        String::new()
                    } else {
                        format!("; the traffic of other machines on {}", others.join(", "))
                    };
                    format!("capturing on {}{others}", self.interfaces.join(", "))
                }
                _ => self.note.clone(),
            };
            tracing::info!(pid = std::process::id(), "ready: {status}");
            self.notifier.tell(&format!("READY=1\nSTATUS={status}"));
            self.watchdog_at = self.notifier.watchdog.map(|every| now + every);
            memory::give_back();
        }
        if let (Some(at), Some(every)) = (self.watchdog_at, self.notifier.watchdog)
            && now >= at
        {
            self.notifier.tell("WATCHDOG=1");
            self.watchdog_at = Some(now + every);
        }
    }

    fn wait(&self) -> Result<Vec<Source>, WardenError> {
        let mut waited: Vec<(Source, BorrowedFd<'_>)> = vec![(Source::Termination, self.termination.as_fd())];
        // First, for who connected may be about to end.
        waited.extend(self.attribution.announcements().map(|fd| (Source::Announcements, fd)));
        waited.extend(self.links.as_ref().map(|links| (Source::Links, links.as_fd())));
        if let Some(child) = &self.uplink {
            waited.extend([(Source::Uplink, child.control.as_fd()), (Source::UplinkEnd, child.pidfd())]);
        }
        if let Some(child) = &self.dissector {
            waited
                .extend([(Source::Dissector, child.control.as_fd()), (Source::DissectorEnd, child.pidfd())]);
        }
        if let Some(child) = &self.replayer {
            waited.extend([(Source::Replayer, child.control.as_fd()), (Source::ReplayerEnd, child.pidfd())]);
        }
        waited.extend(self.scanner.as_ref().map(|(child, _)| (Source::ScannerEnd, child.pidfd())));
        let mut polled: Vec<_> =
            waited.iter().map(|(_, fd)| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        let timeout = self.next_wake().map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = timeout.and_then(|wait| Timespec::try_from(wait).ok());
        match poll(&mut polled, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(WardenError::System("wait for the other roles", error.into())),
        }
        let awake = waited.iter().zip(&polled).filter(|(_, polled)| !polled.revents().is_empty());
        Ok(awake.map(|((source, _), _)| *source).collect())
    }

    fn next_wake(&self) -> Option<Instant> {
        let now = Instant::now();
        let due = |running: bool, backoff: &Backoff| (!running).then(|| backoff.next());
        [
            due(self.uplink.is_some(), &self.uplink_backoff),
            due(self.dissector.is_some() || self.packets.is_none(), &self.dissector_backoff),
            due(self.replayer.is_some() || self.replays.is_empty(), &self.replayer_backoff),
            self.scan_at.filter(|_| self.scanner.is_none() && self.uplink_ready),
            self.look_at.filter(|_| self.scanner.is_none() && self.uplink_ready),
            self.scanner.as_ref().map(|(_, started)| *started + self.scan_deadline() + SCAN_GRACE),
            self.links_at,
            self.watchdog_at,
            self.ends_at,
            (!self.to_uplink.is_empty() && self.uplink.is_some()).then_some(now + RETRY_SEND),
            (self.catalogue.due && self.dissector.is_some()).then_some(now + RETRY_SEND),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Ends the others in the order of the data: scanner, dissectors, uplink.
    fn end(&mut self) {
        self.notifier.tell("STOPPING=1");
        let until = Instant::now() + END_PATIENCE;
        if let Some((scanner, _)) = &mut self.scanner {
            scanner.kill();
        }
        if let Some(uplink) = &self.uplink {
            // It goes on listening to the dissectors until they have ended.
            let _ = uplink.control.send(&ToUplink::Finish);
        }
        for dissector in [&self.dissector, &self.replayer].into_iter().flatten() {
            let _ = dissector.control.send(&ToDissector::Finish);
        }
        // Questions about the last connections are answered no more; "unknown" is an answer too.
        for dissector in [&mut self.dissector, &mut self.replayer].into_iter().flatten() {
            dissector.wait_until(until);
        }
        if let Some(uplink) = &mut self.uplink {
            uplink.wait_until(until);
        }
    }
}

/// Interfaces named in Coverage; a container host has hundreds.
const MAX_INTERFACES: usize = 64;

/// A new line between a dissector and the uplink: the dissector gets its end, the other is returned.
fn connect(dissector: &Channel<ToDissector, FromDissector>) -> Option<OwnedFd> {
    let (one, other) = pair().ok()?;
    dissector.send_with(&ToDissector::Uplink, one.as_fd()).ok()?;
    Some(other)
}

fn chance() -> f64 {
    let mut byte = [0];
    let _ = SystemRandom::new().fill(&mut byte);
    f64::from(byte[0]) / 255.0
}
