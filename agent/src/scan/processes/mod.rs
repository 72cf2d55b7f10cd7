//! Running programs, on this machine only, and the ports on which those that are servers answer.

mod identity;
pub(super) mod probe;
mod runtimes;
pub(super) mod sockets;

use std::path::{Path, PathBuf};

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};
use identity::{Seen, shorten};
use runtimes::Runtimes;

/// Most processes looked at.
const PROCESSES: usize = 20_000;
/// How much of a command line is read, in bytes: its first words.
const ARGUMENTS_BYTES: u64 = 4096;
/// Most words of it: a program, its switches and what it runs.
const WORDS: usize = 16;

/// `proc` is opened apart from the scanned tree: the kernel's own view, whose links are read and never followed. `ask`:
/// whether servers are asked what they are.
pub(super) fn read(proc: &Dir, root: &Dir, homes: &[PathBuf], ask: bool, source: &mut Source<'_>) {
    let Some((entries, trouble)) = source.note(proc.entries(), || "/proc".into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, "/proc");
    }
    let mut runtimes = Runtimes::new(ask);
    let pids = entries.iter().filter_map(|entry| entry.text()?.parse::<u32>().ok());
    for pid in pids.take(PROCESSES) {
        if let Err(trouble) = proc.budget().check() {
            source.trouble(trouble, "/proc");
            break;
        }
        // It may have ended by now: that is absence.
        let Ok(process) = proc.dir(pid.to_string()) else { continue };
        let executable = match process.link("exe") {
            Ok(path) => path,
            Err(Trouble::Absent) => continue, // A thread of the kernel.
            Err(trouble) => {
                source.trouble(trouble, "/proc");
                continue;
            }
        };
        let shown = shorten(&without_deleted(&executable), homes);
        let words = words(&process);
        let seen = Seen { executable: &shown, words: &words, folder: process.link("cwd").ok() };
        let Some(known) = seen.identify(homes, root, source) else {
            source.pass();
            continue;
        };
        runtimes.look(proc, &process, &known, &shown, source);
        let mut found = Found::new(known.value);
        found.executable = Some(shown);
        found.owner = Some(process.uid());
        source.take(known.rule, found);
    }
    runtimes.report(source);
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
