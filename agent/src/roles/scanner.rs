//! The scanner: reads, matches and ends. It looks at the processes and their ports first, gives up what that needs, the network
//! with it, and then may read every file and do nothing else.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{SealFlags, fcntl_add_seals};

use super::control_socket;
use crate::ipc::message::{FromScanner, MAX_UNMATCHED, ToScanner};
use crate::ipc::{Channel, Received};
use crate::os::{capability, io_priority, signals};
use crate::own::Sources;
use crate::sandbox;
use crate::scan::{self, JOURNAL_BYTES, ScanOutcome, ScanRequest, Watched};
use crate::state::Software;

type Uplink = Channel<FromScanner, ToScanner>;

/// How long the uplink may take to store everything.
const STORING: Duration = Duration::from_secs(60);

/// Scans this machine once and hands everything to the uplink.
pub fn run(request: ScanRequest) -> ExitCode {
    match start(request) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the scanner ends");
            ExitCode::FAILURE
        }
    }
}

fn start(request: ScanRequest) -> io::Result<()> {
    signals::block_termination()?;
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // Its standard input is the channel to the uplink itself; the warden's one word comes first.
    let mut uplink: Channel<FromScanner, ToScanner> = Channel::new(control_socket()?);
    capability::keep_only(capability::SCANNER_STARTING)?;
    rustix::thread::set_no_new_privs(true)?;
    // Neither is worth failing for.
    let _ = rustix::process::nice(19);
    let _ = io_priority::set_idle();

    let mut begun = begin(&mut uplink)?;
    let request = ScanRequest { before_homes: only_read, ..request };
    let (outcome, journal) = match &begun.earlier {
        Some((file, again)) => {
            let sources = &mut begun.sources;
            let matcher = || sources.matcher("looking for what changed");
            match scan::scan_changed(&request, &read(file)?, *again, matcher) {
                Some(found) => found,
                // Nothing is said, and the journal stays as it is.
                None => return Ok(()),
            }
        }
        None => scan::scan_watched(&request, &begun.sources.matcher("scanning")),
    };
    // A change that means nothing to anybody is not worth a word: only what moved is noted.
    if begun.earlier.is_none() || !outcome.snapshots.is_empty() {
        if begun.earlier.is_some() {
            uplink.send_waiting(&FromScanner::Changed).map_err(io::Error::other)?;
        }
        send(&uplink, outcome, Watched::of(&journal))?;
        wait_until_stored(&mut uplink)?;
    }
    // Only now: with the new journal nobody would look at the same again.
    match begun.journal {
        Some(file) => fill(file, &journal),
        None => Ok(()),
    }
}

fn send(uplink: &Uplink, outcome: ScanOutcome, watched: Watched) -> io::Result<()> {
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
    send(&FromScanner::Watched(watched))?;
    send(&FromScanner::Done)
}

/// From here on files are read that anybody may have written. A scanner that kept more than that needs is worse than none.
fn only_read() {
    if let Err(error) = capability::keep_only(capability::SCANNER) {
        tracing::error!(%error, "the scanner cannot give up its rights and ends");
        std::process::exit(1);
    }
    // The one program that it may start, rpm, reads what anybody may.
    capability::keep_to_itself();
    sandbox::leave_the_network();
}

/// What the warden said.
#[derive(Default)]
struct Begun {
    sources: Sources,
    /// The journal to fill.
    journal: Option<File>,
    /// The journal of an earlier scan, and whether everything that is read again is to be said.
    earlier: Option<(File, bool)>,
}

/// Waits for the word to begin.
fn begin(warden: &mut Uplink) -> io::Result<Begun> {
    let mut begun = Begun::default();
    loop {
        match next(warden, Duration::from_secs(10))? {
            Some((ToScanner::OwnRules { keys }, Some(file))) => {
                begun.sources.own = Some((File::from(file), keys));
            }
            Some((ToScanner::Journal, file)) => begun.journal = file.map(File::from),
            Some((ToScanner::Changed { again }, file)) => {
                begun.earlier = file.map(|file| (File::from(file), again));
            }
            Some((ToScanner::Begin { keys }, file)) => {
                begun.sources.catalogue = file.map(|file| (File::from(file), keys));
                return Ok(begun);
            }
            Some((ToScanner::OwnRules { .. } | ToScanner::Stored, _)) => {}
            None => return Err(io::Error::other("the warden did not say to begin")),
        }
    }
}

/// The uplink may end before it has read, or may not be able to write now: then all of this is said again later.
fn wait_until_stored(uplink: &mut Uplink) -> io::Result<()> {
    match next(uplink, STORING)? {
        Some((ToScanner::Stored, _)) => Ok(()),
        _ => Err(io::Error::other("what was found could not be stored")),
    }
}

fn next(
    channel: &mut Uplink,
    patience: Duration,
) -> io::Result<Option<(ToScanner, Option<std::os::fd::OwnedFd>)>> {
    let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
    poll(&mut [PollFd::from_borrowed_fd(channel.as_fd(), PollFlags::IN)], Some(&patience))?;
    match channel.receive()? {
        Received::Message(message, file) => Ok(Some((message, file))),
        Received::Empty | Received::Closed => Ok(None),
    }
}

fn read(file: &File) -> io::Result<Vec<u8>> {
    let mut journal = Vec::new();
    // The offset is shared with the warden's descriptor and with the one that wrote.
    let mut file = file;
    io::Seek::rewind(&mut file)?;
    file.take(JOURNAL_BYTES as u64).read_to_end(&mut journal)?;
    Ok(journal)
}

/// Writes the journal, which nobody can change after that.
fn fill(mut file: File, journal: &[u8]) -> io::Result<()> {
    if journal.len() > JOURNAL_BYTES {
        return Ok(());
    }
    file.write_all(journal)?;
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(())
}
