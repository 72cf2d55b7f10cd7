//! Disk priority: the scanner reads only when nobody else wants to.
#![expect(
    unsafe_code,
    reason = "ioprio_set has no wrapper in the C library; its arguments are plain numbers"
)]

use std::io;

/// Puts this process into the idle class of the I/O scheduler.
pub fn set_idle() -> io::Result<()> {
    const IOPRIO_WHO_PROCESS: libc::c_int = 1;
    const IOPRIO_CLASS_IDLE: libc::c_int = 3 << 13;
    // SAFETY: the call takes three integers and touches no memory of ours.
    let result = unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_IDLE) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_idle_class_needs_no_privilege() {
        super::set_idle().unwrap();
    }
}
