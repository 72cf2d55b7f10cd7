//! Running programs, on this machine only: by the executable that the kernel names and the first words of the
//! command line, never by a part of a word.

use std::path::{Path, PathBuf};

use umbrascope_api::Channel;
use umbrascope_rules::{RuleRef, SoftwareKind};

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

/// Most processes looked at.
const PROCESSES: usize = 20_000;
/// How much of a command line is read, in bytes: its first words.
const ARGUMENTS_BYTES: u64 = 4096;
/// Most open files of one matched process looked at for its sockets.
const DESCRIPTORS: usize = 4096;
/// How much of a socket table is read, in bytes.
const TABLE_BYTES: u64 = 4 * 1024 * 1024;
/// State of a listening socket in `/proc/net/tcp` (`TCP_LISTEN`, include/net/tcp_states.h).
const LISTEN: &str = "0A";

/// `proc` is opened apart from the scanned tree: the kernel's own view, whose links are read and never followed.
pub(super) fn read(proc: &Dir, homes: &[PathBuf], source: &mut Source<'_>) {
    let Some((entries, trouble)) = source.note(proc.entries(), || "/proc".into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, "/proc");
    }
    let mut sockets = None;
    let pids = entries.iter().filter_map(|entry| entry.text()?.parse::<u32>().ok());
    for pid in pids.take(PROCESSES) {
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
        let executable = without_deleted(&executable);
        // Length 0 in stat: read by its head.
        let arguments = process.head("cmdline").and_then(|file| read_up_to(file.reader(ARGUMENTS_BYTES)));
        let arguments = arguments.unwrap_or_default();
        let words: Vec<&str> = arguments
            .split(|byte| *byte == 0)
            .filter_map(|word| std::str::from_utf8(word).ok())
            .take(3)
            .collect();
        let shown = shorten(&executable, homes);
        let Some((rule, value)) = identify(&shown, &words, homes, source) else {
            source.pass();
            continue;
        };
        let mut found = Found::new(value);
        found.executable = Some(shown);
        found.owner = Some(process.uid());
        let sockets = sockets.get_or_insert_with(|| listening(proc));
        if let Some(address) = owned_port(&process, sockets) {
            let mut runtime = Found {
                executable: found.executable.clone(),
                owner: found.owner,
                ..Found::new(found.value.clone())
            };
            runtime.details.host = Some(address);
            source.take_as(Channel::Runtime, rule, runtime);
        }
        source.take(rule, found);
    }
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

/// A path with the home that it is in written `~`.
fn shorten(path: &Path, homes: &[PathBuf]) -> String {
    let below = homes.iter().find_map(|home| path.strip_prefix(home).ok());
    match below {
        Some(below) => format!("~/{}", below.display()),
        None => path.display().to_string(),
    }
}

/// By the executable; else, when that is an interpreter, by the script it runs: the package a script belongs to, or
/// the module named by `-m`.
fn identify<'a>(
    executable: &str,
    words: &[&str],
    homes: &[PathBuf],
    source: &Source<'a>,
) -> Option<(&'a RuleRef, String)> {
    if let Some(rule) = source.rule(SoftwareKind::Executable, executable) {
        return Some((rule, executable.to_owned()));
    }
    let program = executable.rsplit('/').next()?;
    let interpreter = ["node", "bun", "deno", "python", "pypy", "ruby"].iter().any(|name| {
        program.strip_prefix(name).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
    });
    if !interpreter {
        return None;
    }
    let script = words.get(1)?;
    if *script == "-m" {
        let module = words.get(2)?.split('.').next()?;
        return source.rule(SoftwareKind::Pypi, module).map(|rule| (rule, module.to_owned()));
    }
    let shown = shorten(Path::new(script), homes);
    if let Some(rule) = source.rule(SoftwareKind::Executable, &shown) {
        return Some((rule, shown));
    }
    let package = node_package(script)?;
    let rule =
        source.rule(SoftwareKind::Npm, package).or_else(|| source.rule(SoftwareKind::McpPackage, package))?;
    Some((rule, package.to_owned()))
}

/// The package whose file a script is: what follows the last `node_modules`.
fn node_package(script: &str) -> Option<&str> {
    let (_, below) = script.rsplit_once("/node_modules/")?;
    let parts = if below.starts_with('@') { 2 } else { 1 };
    let end = below.match_indices('/').nth(parts - 1).map(|(at, _)| at)?;
    Some(&below[..end])
}

/// Sockets that listen on loopback: inode and address.
fn listening(proc: &Dir) -> Vec<(u64, String)> {
    let mut sockets = Vec::new();
    // The tables of our own network namespace.
    let Ok(folder) = proc.dir(format!("{}/net", std::process::id())) else { return sockets };
    for table in ["tcp", "tcp6"] {
        let bytes = folder.head(table).and_then(|file| read_up_to(file.reader(TABLE_BYTES)));
        let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
        sockets.extend(text.lines().skip(1).filter_map(loopback));
    }
    sockets
}

/// A row of a socket table: `sl local_address rem_address st … inode`.
pub(super) fn loopback(row: &str) -> Option<(u64, String)> {
    let fields: Vec<&str> = row.split_whitespace().collect();
    let (address, port) = fields.get(1)?.split_once(':')?;
    let inode = fields.get(9)?.parse().ok()?;
    let port = u16::from_str_radix(port, 16).ok()?;
    // The address is in the byte order of the machine, four bytes at a time.
    let host = match address {
        "0100007F" => "127.0.0.1",
        "00000000000000000000000001000000" => "::1",
        _ => return None,
    };
    let host = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    (*fields.get(3)? == LISTEN).then_some((inode, host))
}

fn owned_port(process: &Dir, sockets: &[(u64, String)]) -> Option<String> {
    let folder = process.dir("fd").ok()?;
    let (entries, _) = folder.entries().ok()?;
    entries.iter().take(DESCRIPTORS).find_map(|entry| {
        let target = folder.link(&entry.name).ok()?;
        let inode = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()?;
        sockets.iter().find(|(known, _)| *known == inode).map(|(_, address)| address.clone())
    })
}

#[cfg(test)]
mod tests {
    use umbrascope_rules::Matcher;

    use super::*;

    #[test]
    fn a_script_names_its_package_and_a_word_in_a_file_name_does_not() {
        assert_eq!(node_package("/home/kim/.npm/_npx/1/node_modules/@a/b/dist/x.js"), Some("@a/b"));
        assert_eq!(node_package("/usr/lib/node_modules/npm/bin/npm-cli.js"), Some("npm"));
        assert_eq!(node_package("/home/kim/claude.js"), None);
    }

    #[test]
    fn reading_notes_about_an_assistant_is_not_running_it() {
        let matcher = Matcher::embedded();
        let source = Source::new("processes", Channel::Process, &matcher);
        for (executable, words) in [
            ("/usr/bin/vim.basic", vec!["vim", "claude notes.md"]),
            ("/usr/bin/less", vec!["less", "langchain-notes.txt"]),
            ("/usr/bin/python3.11", vec!["python3", "openai.py"]),
            ("/usr/bin/node", vec!["node", "/home/kim/claude.js"]),
        ] {
            assert!(identify(executable, &words, &[], &source).is_none(), "{executable} {words:?}");
        }
        let script = "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js";
        let (rule, value) = identify("/usr/bin/node", &["node", script], &[], &source).unwrap();
        assert!(rule.product.contains("claude-code"));
        assert_eq!(value, "@anthropic-ai/claude-code");
    }

    #[test]
    fn only_a_listening_loopback_socket_counts() {
        let row = "   0: 0100007F:2CAA 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41234 1 0";
        assert_eq!(loopback(row), Some((41234, "127.0.0.1:11434".into())));
        assert_eq!(loopback(&row.replace(" 0A ", " 01 ")), None);
        assert_eq!(loopback(&row.replace("0100007F", "00000000")), None);
        assert_eq!(loopback("garbage"), None);
    }
}
