//! What a child process cost, as the kernel counted it.
#![expect(unsafe_code, reason = "the standard library waits for a child without telling its resource usage")]

use std::io;
use std::process::{Child, Command, Stdio};

/// Processor time and peak memory of a child that has ended well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) cpu_s: f64,
    /// Peak resident memory. The kernel starts counting with what the parent had, so the parent must be small.
    pub(crate) peak_kib: i64,
}

/// Runs the command with its output thrown away.
pub(crate) fn cost(command: &mut Command) -> io::Result<Cost> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let (status, usage) = wait(&child)?;
    if status != 0 {
        return Err(io::Error::other(format!("{command:?} ended with wait status {status:#x}")));
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Ok(Cost { cpu_s: seconds(usage.ru_utime) + seconds(usage.ru_stime), peak_kib: usage.ru_maxrss })
}

fn wait(child: &Child) -> io::Result<(i32, libc::rusage)> {
    let mut status = 0;
    // SAFETY: `rusage` is a plain structure of integers, for which all zeroes is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live locals of the right types, and the child is ours and not yet waited for.
    let waited = unsafe { libc::wait4(child.id() as i32, &mut status, 0, &mut usage) };
    if waited < 0 { Err(io::Error::last_os_error()) } else { Ok((status, usage)) }
}
