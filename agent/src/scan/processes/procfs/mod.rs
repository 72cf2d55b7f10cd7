//! Processes as Linux shows them below `/proc`, the kernel's own view, whose links are read and never followed.

pub(in crate::scan) mod sockets;

use std::path::Path;

use super::{All, Listening, Process, Processes, WORDS, identity};
use crate::scan::safe::{Dir, Trouble};

/// How much of a command line is read, in bytes: its first words.
const ARGUMENTS_BYTES: u64 = 4096;

/// `/proc`, opened apart from the scanned tree.
pub(in crate::scan) struct Procfs {
    proc: Dir,
}

impl Procfs {
    pub(in crate::scan) fn new(proc: Dir) -> Self {
        Self { proc }
    }
}

impl Processes for Procfs {
    /// Its folder: of a process that has ended it stays empty, whoever has its number then.
    type Handle = Dir;

    const PLACE: &'static str = "/proc";

    fn pids(&mut self) -> All<u32> {
        let (entries, trouble) = self.proc.entries()?;
        Ok((entries.iter().filter_map(|entry| entry.text()?.parse().ok()).collect(), trouble))
    }

    /// A thread of the kernel has no executable.
    fn open(&mut self, pid: u32) -> Result<Option<Process<Dir>>, Trouble> {
        let Ok(folder) = self.proc.dir(pid.to_string()) else { return Ok(None) };
        let executable = match folder.link("exe") {
            Ok(path) => without_deleted(&path),
            Err(Trouble::Absent) => return Ok(None),
            Err(trouble) => return Err(trouble),
        };
        let (mut in_folder, mut first_words) = (None, Vec::new());
        if identity::is_interpreter(&executable) {
            first_words = words(&folder);
            in_folder = folder.link("cwd").ok().map(|path| path.to_string_lossy().into_owned());
        }
        let owner = Some(folder.uid());
        Ok(Some(Process { handle: folder, executable, words: first_words, folder: in_folder, owner }))
    }

    fn ports(&mut self, process: &Dir) -> All<Listening> {
        sockets::of_process(&self.proc, process)
    }
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
fn without_deleted(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.strip_suffix(" (deleted)").unwrap_or(&text).to_owned()
}
