//! The packet socket, and the dissector that reads it.

use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use rustix::thread::CapabilitySet;
use umbrascope_api::CaptureState;

use super::child::Child;
use super::{Warden, WardenError, connect};
use crate::capture::afpacket::{self, Tier};
use crate::ipc::Received;
use crate::ipc::message::{FromDissector, ToDissector, ToUplink};
use crate::roles::Role;

impl Warden {
    /// Opens the packet socket, or says once why not and what to do about it.
    pub(super) fn open_capture(&mut self, kept: CapabilitySet) {
        if !self.config.capture {
            self.note = "capture is switched off in the configuration".to_owned();
            return;
        }
        match afpacket::open(self.config.flow_aware_filter) {
            Ok(opened) => {
                self.capture = CaptureState::Capturing;
                self.note = capture_note(&opened.tier, opened.receive_buffer_bytes, kept);
                self.packets = Some(opened.socket);
                if let Some(gateway) = &mut self.gateway {
                    gateway.open();
                    gateway.look(None);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.capture = CaptureState::NoPrivilege;
                self.note = "the privilege to capture is missing (CAP_NET_RAW)".to_owned();
                tracing::warn!(
                    "{}: names in network traffic are not seen; scans go on. Grant it with the packaged systemd unit, or \
                     `setcap cap_net_raw,cap_sys_ptrace,cap_dac_read_search+ep` on the program",
                    self.note
                );
            }
            Err(error) => {
                self.capture = CaptureState::Unavailable;
                self.note = format!("the packet socket cannot be opened: {error}");
                tracing::warn!("{}", self.note);
            }
        }
    }

    pub(super) fn start_dissector(&mut self) -> Result<(), WardenError> {
        let (child, _) = Child::start(Role::Dissector, &[], self.dissector_backoff.starts())
            .map_err(|e| WardenError::System("start the dissector", e))?;
        if let Some(packets) = &self.packets {
            self.catalogue.give(&child.control);
            let _ = self.gateway.as_ref().map(|gateway| gateway.tell(&child.control));
            let _ = child.control.send_with(&ToDissector::Capture, packets.as_fd());
        }
        self.dissector_backoff.started(Instant::now());
        self.dissector = Some(child);
        self.dissector_ready = false;
        self.connect_dissector();
        Ok(())
    }

    pub(super) fn connect_dissector(&mut self) {
        if let (Some(dissector), Some(_)) = (&self.dissector, &self.uplink) {
            let socket = connect(&dissector.control);
            self.to_uplink.extend(socket.map(|socket| (ToUplink::Capture, Some(socket))));
        }
    }

    pub(super) fn read_dissector(&mut self) {
        while let Some(dissector) = &mut self.dissector {
            match dissector.control.receive() {
                Ok(Received::Message(FromDissector::Ready { sandbox, trouble }, _)) => {
                    self.dissector_ready = true;
                    self.dissector_backoff.works();
                    self.sandbox = sandbox;
                    if let Some(trouble) = trouble {
                        tracing::warn!("{trouble}");
                        self.capture = CaptureState::Unavailable;
                        self.note = trouble;
                        self.packets = None;
                    }
                    self.coverage_due = true;
                }
                Ok(Received::Message(FromDissector::Whose(questions), _)) => {
                    let now = Instant::now();
                    let owner = |(number, flow)| (number, self.attribution.owner(&flow, now));
                    let owners = questions.into_iter().map(owner).collect();
                    // Without room the dissector goes on with "unknown" after its patience.
                    let _ = dissector.control.send(&ToDissector::Owners(owners));
                }
                Ok(Received::Message(FromDissector::ReplayDone { .. }, _)) => {}
                Ok(Received::Empty) => return,
                Ok(Received::Closed) => return self.dissector_died(),
                Err(error) => {
                    tracing::warn!(%error, "the dissector speaks nonsense");
                    dissector.kill();
                    return;
                }
            }
        }
    }

    pub(super) fn dissector_died(&mut self) {
        if let Some(mut child) = self.dissector.take() {
            if self.packets.is_some() {
                tracing::warn!(end = child.end(), "the dissector ended; it is started again");
                self.dissector_ready = false;
            }
            self.dissector_backoff.died(Instant::now());
        }
    }
}

fn capture_note(tier: &Tier, receive_buffer_bytes: i32, kept: CapabilitySet) -> String {
    let mut note = format!("{tier}; receive buffer {} KiB", receive_buffer_bytes / 1024);
    if !kept.contains(CapabilitySet::SYS_PTRACE) && !rustix::process::geteuid().is_root() {
        note.push_str("; without CAP_SYS_PTRACE only this user's processes are told");
    }
    note
}
