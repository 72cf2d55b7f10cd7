//! Signals as descriptors: the warden polls for them, the other roles leave them alone.
#![expect(unsafe_code, reason = "signal masks and signalfd; each call states its contract")]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};

/// Blocks SIGTERM, SIGINT and SIGHUP in this thread and those it starts later. A role other than the warden ends
/// when its control socket closes, not when a terminal or a service manager signals the whole group.
pub fn block_termination() -> io::Result<()> {
    let mask = termination_mask();
    // SAFETY: `mask` is an initialised signal set; the old one is not asked for.
    let result = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const mask, std::ptr::null_mut()) };
    if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(result)) }
}

/// Blocks SIGTERM, SIGINT and SIGHUP and returns a descriptor that becomes readable when one is sent.
pub fn termination() -> io::Result<OwnedFd> {
    block_termination()?;
    let mask = termination_mask();
    // SAFETY: `mask` is an initialised signal set.
    let descriptor = unsafe { libc::signalfd(-1, &raw const mask, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn termination_mask() -> libc::sigset_t {
    let mut mask = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the set; `sigaddset` gets an initialised set and valid numbers.
    unsafe {
        libc::sigemptyset(mask.as_mut_ptr());
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
            libc::sigaddset(mask.as_mut_ptr(), signal);
        }
        mask.assume_init()
    }
}
