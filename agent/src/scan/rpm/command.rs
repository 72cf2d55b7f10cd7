//! rpm itself, asked what its Berkeley DB holds: the one program that a scan starts.
//!
//! Nothing that was found is run: it is the machine's own package manager at its own absolute path, where it and
//! every folder above it are root's and nobody else may write. It gets no environment, no input, a bound on time and
//! on what it prints.

use std::io::{Read, Take};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::super::safe::Trouble;
use super::header::Package;

/// Where rpm stands.
const PROGRAMS: &[&str] = &["/usr/bin/rpm", "/bin/rpm"];
/// What it is asked for, a line a package: `%|TAG?{if}:{else}|` is its own way to leave out what is not there.
const FORMAT: &str = "%{NAME}\\t%|EPOCH?{%{EPOCH}}:{0}|\\t%{VERSION}-%{RELEASE}\\n";
/// A large machine answers in two or three seconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most bytes of an answer: about 60 a package.
const ANSWER_BYTES: u64 = 8 * 1024 * 1024;

/// The packages of the database in `folder`. `go_on` says whether the scan may go on.
pub(super) fn query(folder: &Path, go_on: impl Fn() -> Result<(), Trouble>) -> Result<Vec<Package>, Trouble> {
    let program = PROGRAMS.iter().map(PathBuf::from).find(|program| is_roots_alone(program));
    let program = program.ok_or(Trouble::Refused)?;
    let mut command = Command::new(program);
    command.arg("--dbpath").arg(folder).args(["--nosignature", "--nodigest", "-qa", "--qf", FORMAT]);
    Ok(parse(&run(command, PATIENCE, ANSWER_BYTES, go_on)?))
}

/// Whether a program is a regular file of root's that nobody else may replace or change.
fn is_roots_alone(program: &Path) -> bool {
    let safe = |path: &Path, program: bool| {
        std::fs::symlink_metadata(path).is_ok_and(|data| {
            // `/bin` may be a link to `usr/bin`: then the other path is the right one.
            let kind = if program { data.is_file() } else { data.is_dir() };
            let mode = data.permissions().mode();
            // A program that gains rights by being started is not what stands here on any distribution.
            kind && data.uid() == 0 && mode & 0o022 == 0 && (!program || mode & 0o6000 == 0)
        })
    };
    safe(program, true) && program.ancestors().skip(1).all(|folder| safe(folder, false))
}

/// What a command prints, within bounds; it is ended when it does not keep them.
fn run(
    mut command: Command,
    patience: Duration,
    cap: u64,
    go_on: impl Fn() -> Result<(), Trouble>,
) -> Result<Vec<u8>, Trouble> {
    command.env_clear().env("LC_ALL", "C").env("HOME", "/").env("PATH", "/usr/bin:/bin").current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|_| Trouble::Refused)?;
    let answer = match child.stdout.take() {
        Some(stdout) => listen(stdout.take(cap + 1), Instant::now() + patience, go_on),
        None => Err(Trouble::Refused),
    };
    let answer =
        answer.and_then(|bytes| if bytes.len() as u64 > cap { Err(Trouble::TooLarge) } else { Ok(bytes) });
    let status = end(&mut child, answer.is_ok());
    match answer {
        Ok(bytes) if status => Ok(bytes),
        Ok(_) => Err(Trouble::Refused),
        Err(trouble) => Err(trouble),
    }
}

/// Reads until the other side closes.
fn listen(
    mut stdout: Take<ChildStdout>,
    deadline: Instant,
    go_on: impl Fn() -> Result<(), Trouble>,
) -> Result<Vec<u8>, Trouble> {
    let mut answer = Vec::new();
    let mut chunk = [0; 16 * 1024];
    let tick = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    loop {
        go_on()?;
        if Instant::now() >= deadline {
            return Err(Trouble::TimedOut);
        }
        let ready = poll(&mut [PollFd::new(stdout.get_ref(), PollFlags::IN)], Some(&tick));
        match ready {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(_) => return Err(Trouble::Refused),
        }
        match stdout.read(&mut chunk) {
            Ok(0) => return Ok(answer),
            Ok(read) => answer.extend(&chunk[..read]),
            Err(_) => return Err(Trouble::Refused),
        }
    }
}

/// Whether it ended well. One that closed its output has a second to do so.
fn end(child: &mut Child, willing: bool) -> bool {
    if willing {
        for _ in 0..100 {
            match child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) => std::thread::sleep(Duration::from_millis(10)),
                Err(_) => break,
            }
        }
    }
    // It may have ended by itself meanwhile.
    let _ = child.kill();
    let _ = child.wait();
    false
}

pub(super) fn parse(answer: &[u8]) -> Vec<Package> {
    let package = |line: &[u8]| {
        let line = String::from_utf8_lossy(line);
        let mut fields = line.split('\t');
        let (name, epoch, version) = (fields.next()?, fields.next()?, fields.next()?);
        let epoch = if epoch == "0" { String::new() } else { format!("{epoch}:") };
        (!name.is_empty()).then(|| Package { name: name.to_owned(), version: format!("{epoch}{version}") })
    };
    answer.split(|byte| *byte == b'\n').filter_map(package).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: u64, cap: u64) -> Result<Vec<u8>, Trouble> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).env("UMBRASCOPE_SECRET", "x");
        run(command, Duration::from_millis(patience), cap, || Ok(()))
    }

    #[test]
    fn a_line_gives_name_and_version() {
        let packages = parse(b"ollama\t2\t0.12.3-1\ngpg-pubkey\t0\t1-2\n\nbroken\n");
        let names: Vec<_> = packages.iter().map(|p| format!("{} {}", p.name, p.version)).collect();
        assert_eq!(names, ["ollama 2:0.12.3-1", "gpg-pubkey 1-2"]);
    }

    #[test]
    fn a_command_that_does_not_end_or_prints_too_much_is_ended() {
        let start = Instant::now();
        assert_eq!(shell("exec sleep 60", 200, 100).unwrap_err(), Trouble::TimedOut);
        assert_eq!(shell("exec cat /dev/zero", 5_000, 100_000).unwrap_err(), Trouble::TooLarge);
        assert_eq!(shell("echo a; exit 1", 5_000, 100).unwrap_err(), Trouble::Refused);
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn it_gets_no_environment_and_no_input() {
        assert_eq!(shell("cat; echo \"[$UMBRASCOPE_SECRET]$HOME\"", 5_000, 100).unwrap(), b"[]/\n");
    }

    #[test]
    fn a_scan_that_ends_ends_it_too() {
        let mut command = Command::new("/bin/sleep");
        command.arg("60");
        let outcome = run(command, PATIENCE, 10, || Err(Trouble::TimedOut));
        assert_eq!(outcome.unwrap_err(), Trouble::TimedOut);
    }

    #[test]
    fn a_program_that_others_may_change_is_not_run() {
        let temp = tempfile::tempdir().unwrap();
        let program = temp.path().join("rpm");
        std::fs::write(&program, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        // The folder of all temporary files is everybody's.
        assert!(!is_roots_alone(&program));
        assert!(!is_roots_alone(Path::new("/nonexistent/rpm")));
    }
}
