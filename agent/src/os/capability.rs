//! Capabilities of a process: what it has, and giving up what it does not need.

use std::io;

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    configure_capability_in_ambient_set, remove_capability_from_bounding_set, set_capabilities,
    set_no_new_privs,
};

/// What the warden keeps of what it was given until capture is set up: the packet socket, its buffer, its filter and the
/// hooks that tell whose a connection is; and `SETPCAP`, which root has, to cut the bounding set once more afterwards.
pub const WARDEN_STARTING: CapabilitySet = CapabilitySet::NET_RAW
    .union(CapabilitySet::NET_ADMIN)
    .union(CapabilitySet::BPF)
    .union(CapabilitySet::PERFMON)
    .union(CapabilitySet::SETPCAP)
    .union(WARDEN);

/// What it keeps from then on: a look at other users' processes, and what the scanner is to inherit.
pub const WARDEN: CapabilitySet = CapabilitySet::SYS_PTRACE.union(CapabilitySet::DAC_READ_SEARCH);

/// What it keeps besides while its programs in the kernel are asked: before Linux 6.0 looking into their tables needs the
/// capability that made them (where `kernel.unprivileged_bpf_disabled` is set, as it is nearly everywhere).
pub fn to_ask_bpf(release: &str) -> CapabilitySet {
    let major = release.split('.').next().and_then(|major| major.parse().ok());
    if major.is_some_and(|major: u32| major >= 6) { CapabilitySet::empty() } else { CapabilitySet::BPF }
}

/// What the scanner starts with: the executables and sockets of other users' processes, and every file. It looks at the
/// processes first and gives the right to look into them up ([`SCANNER`]) before it reads what a home holds.
pub const SCANNER_STARTING: CapabilitySet = CapabilitySet::SYS_PTRACE.union(SCANNER);

/// What the scanner reads homes with.
pub const SCANNER: CapabilitySet = CapabilitySet::DAC_READ_SEARCH;

/// Capabilities that this process can use now.
pub fn effective() -> CapabilitySet {
    capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective)
}

/// Keeps of the present capabilities those in `keep`, for this process and for what it starts.
///
/// The bounding set is cut where that is allowed (`CAP_SETPCAP`), so that a program started later by root cannot
/// get back what is gone. Ambient capabilities are set to what is kept, so that a role started under a dedicated
/// user inherits them and can drop down further. Call it before the first thread starts: it acts on one thread.
pub fn keep_only(keep: CapabilitySet) -> io::Result<CapabilitySet> {
    let present = capabilities(None)?;
    if present.effective.contains(CapabilitySet::SETPCAP) {
        for bit in 0..CAPABILITY_NUMBERS {
            let capability = CapabilitySet::from_bits_retain(1 << bit);
            if !keep.contains(capability) {
                // Fails past the last capability of this kernel, which is as good as gone.
                let _ = remove_capability_from_bounding_set(capability);
            }
        }
    }
    let kept = present.permitted & keep;
    let _ = clear_ambient_capability_set();
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable: kept })?;
    for bit in 0..CAPABILITY_NUMBERS {
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        if kept.contains(capability) {
            // Without ambient capabilities (Linux before 4.3) file capabilities or root still serve.
            let _ = configure_capability_in_ambient_set(capability, true);
        }
    }
    Ok(kept)
}

/// Passes nothing of what is kept on to what this process starts. Call it before the first thread starts.
pub fn keep_to_itself() {
    // Linux before 4.3 has no such set, and passes nothing on.
    let _ = clear_ambient_capability_set();
}

/// Gives up every capability, for good: nothing started later can gain one.
pub fn drop_all() -> io::Result<()> {
    keep_only(CapabilitySet::empty())?;
    set_no_new_privs(true)?;
    Ok(())
}

/// Capability numbers of Linux fit a set of 64 bits.
const CAPABILITY_NUMBERS: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_kernels_want_the_capability_for_a_look_into_a_table() {
        assert_eq!(to_ask_bpf("6.1.0-18-amd64"), CapabilitySet::empty());
        for old in ["5.15.0-91-generic", "", "unknown"] {
            assert_eq!(to_ask_bpf(old), CapabilitySet::BPF);
        }
    }
}
