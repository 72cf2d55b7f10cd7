//! When a scanner is started, and what its end means.

use std::time::{Duration, Instant};

use super::child::Child;
use super::{SOON, Warden, WardenError, chance};
use crate::ipc::message::ToUplink;

/// A look that costs much is done more seldom: no more than one part in so many of a core is spent looking.
const LOOK_SHARE: u32 = 10;

impl Warden {
    pub(super) fn scan_deadline(&self) -> Duration {
        // Of a deadline for everything, a third is left for delivery.
        let most = if self.once { self.deadline.mul_f64(0.66) } else { self.deadline };
        most.min(Duration::from_secs(120))
    }

    /// Starts a scanner if one is due.
    pub(super) fn scan_if_due(&mut self, now: Instant) -> Result<(), WardenError> {
        if self.scanner.is_some() || !self.uplink_ready {
            return Ok(());
        }
        if self.scan_at.is_some_and(|at| now >= at) {
            self.start_scanner(false)
        } else if self.look_at.is_some_and(|at| now >= at) {
            self.start_scanner(true)
        } else {
            Ok(())
        }
    }

    /// Starts a scanner; `looking` only at what changed since the last.
    fn start_scanner(&mut self, looking: bool) -> Result<(), WardenError> {
        let deadline = self.scan_deadline().as_secs().to_string();
        let mut arguments = vec!["--deadline-s", &deadline];
        if !self.config.probe_runtimes {
            arguments.push("--no-probe");
        }
        let containers = self.config.containers.as_ref().map(|socket| socket.to_string_lossy().into_owned());
        if let Some(socket) = &containers {
            arguments.extend(["--containers", socket.as_str()]);
        }
        let roots: Vec<String> =
            self.config.project_roots.iter().map(|root| root.to_string_lossy().into_owned()).collect();
        for root in &roots {
            arguments.extend(["--project-root", root.as_str()]);
        }
        let started = self
            .journals
            .prepare(looking)
            .and_then(|()| Child::start_scanner(&arguments, &self.journals, &self.catalogue));
        let (child, socket) = started.map_err(|e| WardenError::System("start the scanner", e))?;
        self.to_uplink.push_back((ToUplink::Scan, Some(socket)));
        self.scanner = Some((child, Instant::now()));
        Ok(())
    }

    pub(super) fn scanner_ended(&mut self) {
        let Some((mut child, _)) = self.scanner.take() else { return };
        let now = Instant::now();
        let spent = child.cpu();
        let done = child.end_was_good();
        if !done {
            tracing::warn!(end = child.end(), "the scan did not come to its end");
        }
        let looked = self.journals.looking();
        self.journals.ended(done);
        if !looked {
            self.scans_done += 1;
            self.scan_at = self.config.scan_interval.filter(|_| !self.once).map(|interval| {
                // Splay: sensors that started together must not scan and report together.
                let again = std::mem::take(&mut self.scan_again);
                let share = if again || !done { SOON } else { 0.9 + 0.2 * chance() };
                now + interval.mul_f64(share)
            });
        } else if std::mem::take(&mut self.scan_again) {
            // Another catalogue came while it looked: the full scan is due already.
            self.scan_at = self.scan_at.map(|at| at.min(now));
        }
        let look = self.config.look_interval.filter(|_| !self.once && self.journals.can_look());
        self.look_at = look.map(|interval| {
            // A little less by chance, so that what changes is seen within the interval.
            let wait = interval.mul_f64(0.8 + 0.2 * chance());
            let spent = if looked { spent } else { Duration::ZERO };
            now + wait.max(spent * LOOK_SHARE)
        });
    }
}
