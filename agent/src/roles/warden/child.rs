//! A process that the warden started.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::catalogue::Handover;
use super::journals::Journals;
use crate::failpoint;
use crate::ipc::{Channel, pair};
use crate::roles::Role;

/// A running role and the warden's end of its control socket.
#[derive(Debug)]
pub(super) struct Child<Control> {
    process: std::process::Child,
    pidfd: OwnedFd,
    /// The control socket; the scanner has none.
    pub(super) control: Control,
}

impl<Out: Serialize, In: DeserializeOwned> Child<Channel<Out, In>> {
    /// Starts a role; `starts` is how often it was started before. Returns whether it is the first time.
    pub(super) fn start(role: Role, arguments: &[&str], starts: u32) -> io::Result<(Self, bool)> {
        let (ours, theirs) = pair()?;
        let (process, pidfd) = spawn(role, arguments, theirs, starts == 0)?;
        Ok((Self { process, pidfd, control: Channel::new(ours) }, starts == 0))
    }
}

impl Child<()> {
    /// Starts a scanner and says to it what it begins with; the returned socket is for the uplink.
    pub(super) fn start_scanner(
        arguments: &[&str],
        journals: &Journals,
        catalogue: &Handover,
    ) -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = pair()?;
        let ours = Channel::new(ours);
        journals.give(&ours).map_err(io::Error::other)?;
        catalogue.begin_scan(&ours).map_err(io::Error::other)?;
        let (process, pidfd) = spawn(Role::Scanner, arguments, theirs, true)?;
        Ok((Self { process, pidfd, control: () }, ours.into_socket()))
    }
}

fn spawn(
    role: Role,
    arguments: &[&str],
    control: OwnedFd,
    first: bool,
) -> io::Result<(std::process::Child, OwnedFd)> {
    // /proc/self/exe is this very program even after an upgrade replaced its file.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("umbrascope-agent")
        .arg("__role")
        .arg(role.name())
        .args(arguments)
        .stdin(Stdio::from(control))
        .stdout(Stdio::null())
        // What is for the warden only, or would be a secret in another process.
        .env_remove("NOTIFY_SOCKET")
        .env_remove("WATCHDOG_USEC")
        .env_remove("UMBRASCOPE_TOKEN");
    if !first {
        command.env_remove(failpoint::VARIABLE);
    }
    let process = command.spawn()?;
    let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("a process without a number"))?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    Ok((process, pidfd))
}

impl<Control> Child<Control> {
    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Readable when it has ended.
    pub(super) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Ends it at once.
    pub(super) fn kill(&mut self) {
        let _ = self.process.kill();
    }

    /// How it ended, in words; ends it if it has not.
    pub(super) fn end(&mut self) -> String {
        match self.process.try_wait() {
            Ok(Some(status)) => match (status.code(), status.signal()) {
                (Some(code), _) => format!("exit code {code}"),
                (None, Some(signal)) => format!("signal {signal}"),
                (None, None) => "unknown".to_owned(),
            },
            _ => {
                self.kill();
                let _ = self.process.wait();
                "its control socket closed".to_owned()
            }
        }
    }

    /// What it has spent of CPU, also when it has ended and nobody has asked how.
    pub(super) fn cpu(&self) -> Duration {
        // utime and stime, fields 14 and 15, in ticks of 10 ms (proc_pid_stat(5)); the name before them may hold blanks.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        let ticks = after_name.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
        Duration::from_millis(ticks.sum::<u64>().saturating_mul(10))
    }

    /// Whether it ended of itself and said that all is well.
    pub(super) fn end_was_good(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(Some(status)) if status.success())
    }

    /// Waits for its end, and ends it when that does not come in time.
    pub(super) fn wait_until(&mut self, until: Instant) {
        let wait = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(wait).ok();
        let _ = poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], timeout.as_ref());
        if !matches!(self.process.try_wait(), Ok(Some(_))) {
            self.kill();
        }
        let _ = self.process.wait();
    }
}

impl<Control> Drop for Child<Control> {
    /// No process outlives its warden, and none is left as a zombie.
    fn drop(&mut self) {
        if !matches!(self.process.try_wait(), Ok(Some(_))) {
            self.kill();
            let _ = self.process.wait();
        }
    }
}

/// When a role that died is started again: at once the first time, then later and later.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    starts: u32,
    deaths: u32,
    started_at: Option<Instant>,
    not_before: Option<Instant>,
}

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// A life this long was a good one.
const GOOD_LIFE: Duration = Duration::from_secs(60);

impl Backoff {
    /// How often it was started.
    pub(super) fn starts(&self) -> u32 {
        self.starts
    }

    /// It was started.
    pub(super) fn started(&mut self, now: Instant) {
        self.starts = self.starts.saturating_add(1);
        self.started_at = Some(now);
    }

    /// It came up: the next death is forgiven sooner.
    pub(super) fn works(&mut self) {
        self.deaths = self.deaths.min(4);
    }

    /// It died.
    pub(super) fn died(&mut self, now: Instant) {
        if self.started_at.is_some_and(|at| now.duration_since(at) >= GOOD_LIFE) {
            self.deaths = 0;
        }
        let delay = FIRST_DELAY.saturating_mul(1 << self.deaths.min(12)).min(LONGEST_DELAY);
        self.deaths += 1;
        self.not_before = Some(now + delay);
    }

    /// Whether it may be started now.
    pub(super) fn due(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|at| now >= at)
    }

    /// When it may be started.
    pub(super) fn next(&self) -> Instant {
        self.not_before.unwrap_or_else(Instant::now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_that_keeps_dying_is_started_later_each_time() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        assert!(backoff.due(now));
        let mut waits = Vec::new();
        for _ in 0..12 {
            backoff.started(now);
            backoff.died(now);
            waits.push(backoff.next().duration_since(now));
        }
        assert_eq!(waits[..3], [100, 200, 400].map(Duration::from_millis));
        assert_eq!(waits[11], LONGEST_DELAY);
    }

    #[test]
    fn a_long_life_is_forgiven_its_end() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        (0..10).for_each(|_| backoff.died(now));
        backoff.started(now);
        backoff.died(now + GOOD_LIFE);
        assert_eq!(backoff.next().duration_since(now + GOOD_LIFE), FIRST_DELAY);
    }
}
