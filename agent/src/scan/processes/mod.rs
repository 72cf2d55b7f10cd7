//! Running programs, on this machine only, and the ports on which those that are servers answer.

mod identity;
pub(super) mod marks;
pub(super) mod probe;
mod runtimes;
pub(super) mod sockets;

use std::path::{Path, PathBuf};

use super::safe::{Dir, Entry, Trouble};
use super::source::{Found, Source};
use identity::{Seen, shorten};
use marks::Marks;
use runtimes::Runtimes;

/// Most processes looked at.
const PROCESSES: usize = 20_000;
/// How much of a command line is read, in bytes: its first words.
const ARGUMENTS_BYTES: u64 = 4096;
/// Most words of it: a program, its switches and what it runs.
const WORDS: usize = 16;

/// A process, as far as it says what it is.
struct Process {
    folder: Dir,
    /// As the kernel names it.
    executable: PathBuf,
    words: Vec<String>,
    works_in: Option<PathBuf>,
}

impl Process {
    /// `Ok(None)`: it has ended by now, or is a thread of the kernel.
    fn open(proc: &Dir, pid: u32) -> Result<Option<Self>, Trouble> {
        let Ok(folder) = proc.dir(pid.to_string()) else { return Ok(None) };
        let executable = match folder.link("exe") {
            Ok(path) => without_deleted(&path),
            Err(Trouble::Absent) => return Ok(None),
            Err(trouble) => return Err(trouble),
        };
        let mut process = Self { folder, executable, words: Vec::new(), works_in: None };
        // What others run they are themselves.
        if identity::is_interpreter(&process.executable.to_string_lossy()) {
            process.words = words(&process.folder);
            process.works_in = process.folder.link("cwd").ok();
        }
        Ok(Some(process))
    }

    fn seen<'a>(&'a self, executable: &'a str) -> Seen<'a> {
        Seen { executable, words: &self.words, folder: self.works_in.clone() }
    }

    fn mark(&self) -> u64 {
        self.seen(&self.executable.to_string_lossy()).mark()
    }
}

/// `proc` is opened apart from the scanned tree: the kernel's own view, whose links are read and never followed. `ask`:
/// whether servers are asked what they are. Gives what is to be compared at the next look.
pub(super) fn read(
    proc: &Dir,
    root: &Dir,
    homes: &[PathBuf],
    ask: bool,
    source: &mut Source<'_>,
) -> Option<Marks> {
    let (entries, trouble) = source.note(proc.entries(), || "/proc".into())?;
    if let Some(trouble) = trouble {
        source.trouble(trouble, "/proc");
    }
    let mut runtimes = Runtimes::new(ask);
    let mut marks = Marks::default();
    for pid in pids(&entries) {
        if let Err(trouble) = proc.budget().check() {
            source.trouble(trouble, "/proc");
            break;
        }
        let process = match Process::open(proc, pid) {
            Ok(Some(process)) => process,
            Ok(None) => continue,
            Err(trouble) => {
                source.trouble(trouble, "/proc");
                continue;
            }
        };
        let shown = shorten(&process.executable, homes);
        let Some(known) = process.seen(&shown).identify(homes, root, source) else {
            marks.plain(process.mark());
            source.pass();
            continue;
        };
        let owner = process.folder.uid();
        let ports = runtimes.look(proc, &process.folder, &known, &shown, source);
        marks.known(process.mark(), owner, ports.as_deref());
        let mut found = Found::new(known.value);
        found.executable = Some(shown);
        found.owner = Some(owner);
        source.take(known.rule, found);
    }
    runtimes.report(source);
    Some(marks)
}

/// Whether what runs now is something else than what ran when the marks were made. Nothing is asked of anybody, and no rule.
pub(super) fn has_moved(proc: &Dir, before: &Marks) -> bool {
    let Ok((entries, _)) = proc.entries() else { return true };
    let mut now = Marks::default();
    for pid in pids(&entries) {
        let Ok(Some(process)) = Process::open(proc, pid) else { continue };
        let mark = process.mark();
        if before.is_plain(mark) {
            continue;
        }
        let ports = before.serves(mark).then(|| sockets::of_process(proc, &process.folder));
        now.known(mark, process.folder.uid(), ports.as_deref());
    }
    !now.runs_as(before)
}

fn pids(entries: &[Entry]) -> impl Iterator<Item = u32> {
    entries.iter().filter_map(|entry| entry.text()?.parse().ok()).take(PROCESSES)
}

/// The first words of its command line. Its length is 0 to `stat`, so it is read by its head.
fn words(process: &Dir) -> Vec<String> {
    let bytes = process.head("cmdline").and_then(|file| read_up_to(file.reader(ARGUMENTS_BYTES)));
    let bytes = bytes.unwrap_or_default();
    // A word that is cut or not UTF-8 keeps its place, as one that nothing knows.
    let words = bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    words.take(WORDS).collect()
}

fn read_up_to(mut reader: impl std::io::Read) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|_| Trouble::Refused)?;
    Ok(bytes)
}

/// The kernel appends this when the file was replaced by an update.
fn without_deleted(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    PathBuf::from(text.strip_suffix(" (deleted)").unwrap_or(&text))
}
