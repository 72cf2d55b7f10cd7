//! What macOS tells of its processes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use listeners::{Protocol, SocketState};

use super::super::{All, Listening, PROCESSES, Process, Processes, identity, sockets};
use super::calls;
use crate::scan::safe::Trouble;

/// How long what was learnt of all sockets counts as this moment.
const MOMENT: Duration = Duration::from_secs(1);

/// The running macOS.
#[derive(Default)]
pub(in crate::scan) struct Libproc {
    /// The listening sockets of all processes, which are told together, and when they were.
    listening: Option<(Instant, HashMap<u32, Vec<Listening>>)>,
}

impl Processes for Libproc {
    /// Its number.
    type Handle = u32;

    const PLACE: &'static str = "processes";

    fn pids(&mut self) -> All<u32> {
        let mut pids = calls::pids(PROCESSES + 1)?;
        // The kernel itself.
        pids.retain(|pid| *pid != 0);
        Ok((pids, None))
    }

    fn open(&mut self, pid: u32) -> Result<Option<Process<u32>>, Trouble> {
        let executable = match calls::image(pid) {
            Err(Trouble::Absent) => return Ok(None),
            image => image?,
        };
        let (mut words, mut folder) = (Vec::new(), None);
        if identity::is_interpreter(&executable) {
            words = calls::arguments(pid).map(|answer| super::words(&answer)).unwrap_or_default();
            folder = calls::folder(pid);
        }
        Ok(Some(Process { handle: pid, executable, words, folder, owner: calls::user(pid) }))
    }

    fn ports(&mut self, pid: &u32) -> All<Listening> {
        let current = self.listening.take().filter(|(at, _)| at.elapsed() < MOMENT);
        let (_, all) = self.listening.insert(match current {
            Some(current) => current,
            None => (Instant::now(), all()?),
        });
        Ok(sockets::of_one(all.get(pid).cloned().unwrap_or_default()))
    }
}

fn all() -> Result<HashMap<u32, Vec<Listening>>, Trouble> {
    let mut of = HashMap::<u32, Vec<Listening>>::new();
    for socket in listeners::get_all().map_err(|_| Trouble::Refused)? {
        let listens = socket.protocol == Protocol::TCP && socket.state == SocketState::Listen;
        let at = Listening::at(socket.socket.ip(), socket.socket.port()).filter(|_| listens);
        of.entry(socket.process.pid).or_default().extend(at);
    }
    Ok(of)
}
