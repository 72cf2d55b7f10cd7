//! The scanner: reads, matches and ends. It may read every file and do nothing else.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Duration;

use umbrascope_rules::Matcher;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::control_socket;
use crate::ipc::message::{FromScanner, MAX_UNMATCHED, ToScanner};
use crate::ipc::{Channel, Received};
use crate::os::{capability, io_priority, signals};
use crate::own::Sources;
use crate::scan::{self, ScanRequest};
use crate::state::Software;

/// Scans this machine once and hands everything to the uplink.
pub fn run(deadline: Duration) -> ExitCode {
    match start(deadline) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the scanner ends");
            ExitCode::FAILURE
        }
    }
}

fn start(deadline: Duration) -> io::Result<()> {
    signals::block_termination()?;
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // Its standard input is the channel to the uplink itself; the warden's one word comes first.
    let mut uplink: Channel<FromScanner, ToScanner> = Channel::new(control_socket()?);
    capability::keep_only(capability::SCANNER)?;
    // The one program that it may start, rpm, reads what anybody may.
    capability::keep_to_itself();
    rustix::thread::set_no_new_privs(true)?;
    // Neither is worth failing for.
    let _ = rustix::process::nice(19);
    let _ = io_priority::set_idle();

    let matcher = begin(&mut uplink)?;
    let outcome = scan::scan(&ScanRequest { deadline, ..ScanRequest::live() }, &matcher);
    let send = |message: &FromScanner| uplink.send_waiting(message).map_err(io::Error::other);
    for snapshot in outcome.snapshots {
        send(&FromScanner::Source {
            source: snapshot.source.to_owned(),
            completeness: snapshot.completeness,
        })?;
        for found in snapshot.items {
            send(&FromScanner::Item { item: Box::new(found.item), owner: found.owner })?;
        }
        for some in snapshot.unmatched.chunks(MAX_UNMATCHED) {
            let some = some.iter().map(|unmatched| Software {
                kind: unmatched.kind.as_str().to_owned(),
                identifier: unmatched.identifier.clone(),
                version: unmatched.version.clone().unwrap_or_default(),
            });
            send(&FromScanner::Unmatched(some.collect()))?;
        }
    }
    for report in outcome.reports {
        send(&FromScanner::Report(report))?;
    }
    send(&FromScanner::Done)
}

/// Waits for the word to begin; a matcher of what came with it.
fn begin(warden: &mut Channel<FromScanner, ToScanner>) -> io::Result<Matcher> {
    let mut sources = Sources::default();
    loop {
        let patience = Timespec { tv_sec: 10, tv_nsec: 0 };
        poll(&mut [PollFd::from_borrowed_fd(warden.as_fd(), PollFlags::IN)], Some(&patience))?;
        match warden.receive()? {
            Received::Message(ToScanner::OwnRules { keys }, Some(file)) => {
                sources.own = Some((File::from(file), keys));
            }
            Received::Message(ToScanner::OwnRules { .. }, None) => {}
            Received::Message(ToScanner::Begin { keys }, file) => {
                sources.catalogue = file.map(|file| (File::from(file), keys));
                return Ok(sources.matcher("scanning"));
            }
            Received::Empty | Received::Closed => {
                return Err(io::Error::other("the warden did not say to begin"));
            }
        }
    }
}
