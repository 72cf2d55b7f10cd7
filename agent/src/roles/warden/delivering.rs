//! The uplink: started, connected with the others, heard, and told.

use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Instant;

use super::child::Child;
use super::gateway::Gateway;
use super::{MAX_INTERFACES, SOON, Warden, WardenError, chance};
use crate::ipc::message::{FromUplink, ToUplink};
use crate::ipc::{Received, SendError};
use crate::roles::Role;

impl Warden {
    pub(super) fn start_uplink(&mut self) -> Result<(), WardenError> {
        let (child, first) = Child::start(Role::Uplink, &[], self.uplink_backoff.starts())
            .map_err(|e| WardenError::System("start the uplink", e))?;
        tracing::debug!(pid = child.pid(), first, "uplink started");
        let config = &self.config;
        let start = ToUplink::Start {
            state_dir: config.state_dir.clone(),
            collector_url: config.collector.url.clone(),
            proxy: config.collector.proxy.clone(),
            counter_interval_s: config.counter_interval.as_secs(),
            catalogue_keys: config.catalogue_keys.iter().map(ToString::to_string).collect(),
            own_rules: config.own_rules,
            own_rules_key: config.own_rules_key.as_ref().map(ToString::to_string),
            suspects: config.suspects,
            privacy_key: config.privacy_key,
        };
        if let Err(error) = child.control.send(&start) {
            tracing::warn!(%error, "the uplink could not be told where the state is");
        }
        self.uplink_backoff.started(Instant::now());
        self.uplink = Some(child);
        self.uplink_ready = false;
        self.coverage_due = true;
        // Whoever spoke to the last one gets a new line; a scan that it was told of is lost and done again.
        self.to_uplink.clear();
        self.connect_dissector();
        self.connect_replayer();
        if self.deliver_asked {
            self.to_uplink.push_back((ToUplink::Deliver, None));
        }
        Ok(())
    }

    pub(super) fn uplink_died(&mut self) {
        if let Some(mut child) = self.uplink.take() {
            tracing::warn!(end = child.end(), "the uplink ended; it is started again");
            self.uplink_ready = false;
            self.uplink_backoff.died(Instant::now());
        }
    }

    /// Another catalogue is stored: the dissector gets it, and what it knows of this machine's software is looked for.
    pub(super) fn catalogue_stored(&mut self) {
        if !self.catalogue.look() {
            return;
        }
        let Some(interval) = self.config.scan_interval.filter(|_| !self.once) else { return };
        self.scan_again = self.scanner.is_some();
        let soon = Instant::now() + interval.mul_f64(SOON * chance());
        self.scan_at = self.scan_at.map(|at| at.min(soon));
    }

    pub(super) fn read_uplink(&mut self) -> Result<Option<Result<ExitCode, WardenError>>, WardenError> {
        loop {
            let Some(uplink) = &mut self.uplink else { return Ok(None) };
            match uplink.control.receive() {
                Ok(Received::Message(FromUplink::Ready, _)) => {
                    self.uplink_ready = true;
                    self.uplink_backoff.works();
                    // The last one may have ended between storing a catalogue and saying so.
                    self.catalogue_stored();
                }
                Ok(Received::Message(FromUplink::Catalogue, _)) => self.catalogue_stored(),
                Ok(Received::Message(FromUplink::Delivered { trouble: None }, _)) => {
                    return Ok(Some(Ok(ExitCode::SUCCESS)));
                }
                Ok(Received::Message(FromUplink::Delivered { trouble: Some(why) }, _)) => {
                    return Ok(Some(Err(WardenError::Undelivered(why))));
                }
                Ok(Received::Message(FromUplink::Broken { trouble }, _)) => {
                    return Ok(Some(Err(WardenError::Broken(trouble))));
                }
                Ok(Received::Empty) => return Ok(None),
                Ok(Received::Closed) => {
                    self.uplink_died();
                    return Ok(None);
                }
                Err(error) => {
                    tracing::warn!(%error, "the uplink speaks nonsense");
                    uplink.kill();
                    return Ok(None);
                }
            }
        }
    }

    pub(super) fn flush_to_uplink(&mut self) {
        let Some(uplink) = &self.uplink else { return };
        if std::mem::take(&mut self.coverage_due) {
            let gateway = self.gateway.as_ref().filter(|_| self.packets.is_some());
            let trouble = gateway.map(Gateway::trouble).filter(|trouble| !trouble.is_empty());
            let note =
                [Some(self.note.clone()), trouble].into_iter().flatten().collect::<Vec<_>>().join("; ");
            self.to_uplink.push_back((
                ToUplink::Coverage {
                    state: self.capture,
                    note,
                    interfaces: self.interfaces.iter().take(MAX_INTERFACES).cloned().collect(),
                    gateway: gateway.map(Gateway::names).unwrap_or_default(),
                    sandbox: self.sandbox.clone(),
                },
                None,
            ));
        }
        while let Some((message, descriptor)) = self.to_uplink.front() {
            let sent = match descriptor {
                Some(descriptor) => uplink.control.send_with(message, descriptor.as_fd()),
                None => uplink.control.send(message),
            };
            match sent {
                Err(SendError::Full) => return,
                Ok(()) | Err(_) => drop(self.to_uplink.pop_front()),
            }
        }
    }
}
