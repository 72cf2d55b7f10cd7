//! When a scanner is started, and what its end means.

use std::time::{Duration, Instant};

use super::child::Child;
use super::{SOON, Warden, WardenError, chance};
use crate::ipc::message::ToUplink;

impl Warden {
    pub(super) fn scan_deadline(&self) -> Duration {
        // Of a deadline for everything, a third is left for delivery.
        let most = if self.once { self.deadline.mul_f64(0.66) } else { self.deadline };
        most.min(Duration::from_secs(120))
    }

    pub(super) fn start_scanner(&mut self) -> Result<(), WardenError> {
        let deadline = self.scan_deadline().as_secs().to_string();
        let mut arguments = vec!["--deadline-s", &deadline];
        if !self.config.probe_runtimes {
            arguments.push("--no-probe");
        }
        let containers = self.config.containers.as_ref().map(|socket| socket.to_string_lossy().into_owned());
        if let Some(socket) = &containers {
            arguments.extend(["--containers", socket.as_str()]);
        }
        let (child, socket) = Child::start_scanner(&arguments, &self.catalogue)
            .map_err(|e| WardenError::System("start the scanner", e))?;
        self.to_uplink.push_back((ToUplink::Scan, Some(socket)));
        self.scanner = Some((child, Instant::now()));
        Ok(())
    }

    pub(super) fn scanner_ended(&mut self) {
        let Some((mut child, _)) = self.scanner.take() else { return };
        let now = Instant::now();
        let done = child.end_was_good();
        if !done {
            tracing::warn!(end = child.end(), "the scan did not come to its end");
        }
        self.scans_done += 1;
        self.scan_at = self.config.scan_interval.filter(|_| !self.once).map(|interval| {
            // Splay: sensors that started together must not scan and report together.
            let again = std::mem::take(&mut self.scan_again);
            let share = if again || !done { SOON } else { 0.9 + 0.2 * chance() };
            now + interval.mul_f64(share)
        });
    }
}
