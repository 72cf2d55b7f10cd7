//! Running programs, on this machine only, and the ports on which those that are servers answer.
//!
//! Where processes come from is a system's own: [`Processes`] is what each has to tell of them. What they are, which of
//! them serve and what is told is here and the same for all.

mod identity;
#[cfg(any(target_os = "macos", test, feature = "fuzzing"))]
mod macos;
pub(super) mod marks;
pub(super) mod probe;
#[cfg(target_os = "linux")]
pub(super) mod procfs;
mod runtimes;
mod sockets;
#[cfg(test)]
mod tests;
#[cfg(any(windows, test, feature = "fuzzing"))]
mod windows;

#[cfg(any(test, feature = "fuzzing"))]
pub(super) use identity::parse_any;
#[cfg(target_os = "macos")]
pub(super) use macos::Libproc as System;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) use macos::parse_any as parse_macos;
#[cfg(target_os = "linux")]
pub(super) use procfs::Procfs as System;
#[cfg(windows)]
pub(super) use windows::Windows as System;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) use windows::parse_any as parse_windows;

use identity::Seen;
pub(super) use identity::Tree;
use marks::Marks;
use runtimes::Runtimes;
use sockets::Listening;

use super::safe::{Budget, OwnerId, Trouble};
use super::source::{Found, Source};

/// Most processes looked at.
const PROCESSES: usize = 20_000;
/// Most words of a command line that are looked at: a program, its switches and what it runs.
const WORDS: usize = 16;

/// All that there are of something, and why that may not be all.
type All<T> = Result<(Vec<T>, Option<Trouble>), Trouble>;

/// What a system tells of its processes. What one of them says of itself is looked at where it runs others' programs only.
pub(super) trait Processes {
    /// What a process is held by while it is looked at.
    type Handle;

    /// Where they come from, as a report writes it.
    const PLACE: &'static str;

    /// The numbers of all processes.
    fn pids(&mut self) -> Result<(Vec<u32>, Option<Trouble>), Trouble>;

    /// What a process is. `Ok(None)`: it has ended by now, or is a part of the kernel.
    fn open(&mut self, pid: u32) -> Result<Option<Process<Self::Handle>>, Trouble>;

    /// The ports of loopback that a process listens on at this moment.
    fn ports(&mut self, process: &Self::Handle) -> Result<(Vec<Listening>, Option<Trouble>), Trouble>;
}

/// A process, as far as it says what it is. Paths are written with `/`.
pub(super) struct Process<H> {
    handle: H,
    /// As the kernel names it.
    executable: String,
    /// The first words of its command line, of an interpreter only: what others run they are themselves.
    words: Vec<String>,
    /// Its working folder, of an interpreter only.
    folder: Option<String>,
    /// `None`: not to be learnt.
    owner: Option<OwnerId>,
}

impl<H> Process<H> {
    fn seen<'a>(&'a self, executable: &'a str) -> Seen<'a> {
        Seen { executable, words: &self.words, folder: self.folder.as_deref() }
    }

    fn mark(&self) -> u64 {
        self.seen(&self.executable).mark()
    }
}

/// Reads what runs. `ask`: whether servers are asked what they are. Gives what is to be compared at the next look.
pub(super) fn read<P: Processes>(
    system: &mut P,
    budget: &Budget,
    tree: &Tree<'_>,
    ask: bool,
    source: &mut Source<'_>,
) -> Option<Marks> {
    let pids = source.note(pids(system), || P::PLACE.into())?;
    let mut runtimes = Runtimes::new(ask);
    let mut marks = Marks::default();
    if let Some(trouble) = pids.1 {
        source.trouble(trouble, P::PLACE);
    }
    for pid in pids.0 {
        if let Err(trouble) = budget.check() {
            source.trouble(trouble, P::PLACE);
            break;
        }
        let process = match system.open(pid) {
            Ok(Some(process)) => process,
            Ok(None) | Err(Trouble::Absent) => continue,
            Err(trouble) => {
                source.trouble(trouble, P::PLACE);
                continue;
            }
        };
        let shown = tree.shorten(&process.executable);
        let Some(known) = process.seen(&shown).identify(tree, source) else {
            marks.plain(process.mark());
            source.pass();
            continue;
        };
        let ports = runtimes.look(system, &process, &known, &shown, source);
        marks.known(process.mark(), process.owner, ports.as_deref());
        let mut found = Found::new(known.value);
        found.executable = Some(shown);
        found.owner = process.owner;
        source.take(known.rule, found);
    }
    runtimes.report(source);
    Some(marks)
}

/// Whether what runs now is something else than what ran when the marks were made. Nothing is asked of anybody, and no rule.
pub(super) fn has_moved<P: Processes>(system: &mut P, before: &Marks) -> bool {
    let Ok((pids, _)) = pids(system) else { return true };
    let mut now = Marks::default();
    for pid in pids {
        let Ok(Some(process)) = system.open(pid) else { continue };
        let mark = process.mark();
        if before.is_plain(mark) {
            continue;
        }
        let ports = before.serves(mark).then(|| system.ports(&process.handle).unwrap_or_default().0);
        now.known(mark, process.owner, ports.as_deref());
    }
    !now.runs_as(before)
}

/// The numbers of all processes, up to the bound.
fn pids<P: Processes>(system: &mut P) -> All<u32> {
    let (mut pids, trouble) = system.pids()?;
    let over = (pids.len() > PROCESSES).then_some(Trouble::TooLarge);
    pids.truncate(PROCESSES);
    Ok((pids, trouble.or(over)))
}
