//! Memory that only the start needed goes back to the system.
#![expect(
    unsafe_code,
    reason = "the system is told which pages of this program's image need not stay mapped"
)]

use std::io;
use std::ptr::addr_of;

unsafe extern "C" {
    // Made by the linker: where the image begins, and where its code ends.
    static __executable_start: u8;
    static etext: u8;
}

/// Gives back free memory of the allocator, and pages of the program that were read at the start and may never be again: code
/// of the command line, of the configuration, of a TLS handshake. A page that is touched later comes back from the page
/// cache. Mapped, they would count for this process and be the last that the system reclaims.
pub fn give_back() {
    // SAFETY: it takes a plain number, and the C library knows this answer without asking: a role in its sandbox could not ask.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let Some(page) = usize::try_from(page).ok().filter(|page| *page > 0) else { return };
    let (start, end) = (addr_of!(__executable_start).addr(), addr_of!(etext).addr());
    let length = end.saturating_sub(start) / page * page;
    // SAFETY: between the two symbols the linkers put headers, constants and code, all of them mapped from the file,
    // read only and never written to (what is relocated lies behind the code), so that a page that is dropped reads
    // the same when it is read again. The image begins at a page.
    let dropped =
        unsafe { libc::madvise(addr_of!(__executable_start).cast_mut().cast(), length, libc::MADV_DONTNEED) };
    if dropped != 0 {
        tracing::debug!(error = %io::Error::last_os_error(), "the pages of the start stay");
    }
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes no pointer and touches nothing but free memory of the allocator.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of this program's file that are mapped in now.
    fn resident() -> u64 {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let program = std::env::current_exe().unwrap().display().to_string();
        let mut ours = false;
        let mut sum = 0;
        for line in smaps.lines() {
            match line.split_once(": ") {
                Some(("Rss", value)) if ours => {
                    sum += value.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
                }
                _ if line.contains('-') && line.split(' ').nth(1).is_some_and(|word| word.len() == 4) => {
                    ours = line.ends_with(&program);
                }
                _ => {}
            }
        }
        sum
    }

    #[test]
    fn pages_go_and_come_back_the_same() {
        let before = resident();
        let text = "a constant of the program".to_owned();
        give_back();
        let after = resident();
        assert!(after < before, "{after} KiB of {before} are still mapped");
        assert_eq!(text, "a constant of the program");
        assert_eq!(std::env::args().count(), std::env::args_os().count());
    }
}
