//! The dissector's sandbox: it parses what the network sends, so it may open nothing, reach nothing, start nothing.
//!
//! Layers, each told in words for `doctor` and Coverage: no capability and no way to gain one; landlock (no file and no
//! TCP port, best effort by kernel); a seccomp list of the system calls that reading descriptors it already has needs, every
//! other refused with `EPERM`. What is open stays usable: the packet socket, the sockets to warden and uplink, a capture
//! file, standard error.

use std::collections::BTreeMap;
use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

use crate::os::capability;

/// Enters the sandbox and says in words what it reached. Call it before the first thread starts.
pub fn enter() -> io::Result<String> {
    capability::drop_all()?;
    let landlock = landlock_nothing();
    let seccomp = match seccomp_reading_only() {
        Ok(()) => "seccomp allow-list",
        Err(Unavailable) => "no seccomp",
    };
    Ok(format!("no capabilities, no new privileges, {landlock}, {seccomp}"))
}

/// What [`enter`] would reach on this kernel, without entering: for `doctor`.
pub fn landlock_level() -> &'static str {
    // Building a ruleset asks the kernel for its version and changes nothing.
    let created = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))
        .and_then(Ruleset::create);
    if created.is_ok() { "landlock" } else { "no landlock" }
}

/// Forbids every file and TCP port, and signals and abstract sockets outside, as far as the kernel can.
fn landlock_nothing() -> &'static str {
    let abi = ABI::V6;
    let restricted = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(abi)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(abi)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
    match restricted.map(|status| status.ruleset) {
        Ok(RulesetStatus::FullyEnforced) => "landlock full",
        Ok(RulesetStatus::PartiallyEnforced) => "landlock partial",
        _ => "no landlock",
    }
}

/// No TCP connection, no signal and no abstract socket from here on, and no look into a process outside, as far as the
/// kernel can: for the scanner, before it reads homes.
pub fn leave_the_network() {
    let abi = ABI::V6;
    // Best effort; without it the scanner still has no use for a network.
    let _ = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessNet::from_all(abi))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(abi)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
}

/// The kernel or this processor has no seccomp that we can use.
struct Unavailable;

fn seccomp_reading_only() -> Result<(), Unavailable> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|_| Unavailable)?;
    let rules: BTreeMap<_, _> = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(rules, refused, SeccompAction::Allow, arch).map_err(|_| Unavailable)?;
    let program = BpfProgram::try_from(filter).map_err(|_| Unavailable)?;
    seccompiler::apply_filter(&program).map_err(|_| Unavailable)
}

/// System calls of a process that reads, computes and talks over what it already has. Allocation, clocks, `poll`, the
/// calls of message passing, `bind` and `fcntl` for the packet socket, and a clean or an unclean end.
const ALLOWED: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_lseek,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_fcntl,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_bind,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_ppoll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Tries what the sandbox forbids: each attempt's name, and whether it was refused. For tests, inside the sandbox.
pub fn attempts() -> Vec<(&'static str, bool)> {
    use std::net::{TcpStream, UdpSocket};
    use std::process::Command;

    let pid = rustix::process::getpid();
    vec![
        ("open a file", std::fs::File::open("/etc/passwd").is_err()),
        ("write a file", std::fs::write("/tmp/umbrascope-self-test", b"x").is_err()),
        ("list a folder", std::fs::read_dir("/").is_err()),
        ("open a UDP socket", UdpSocket::bind("127.0.0.1:0").is_err()),
        ("connect over TCP", TcpStream::connect("127.0.0.1:1").is_err_and(|error| denied(&error))),
        (
            "open a packet socket",
            rustix::net::socket(rustix::net::AddressFamily::PACKET, rustix::net::SocketType::RAW, None)
                .is_err(),
        ),
        ("start a program", Command::new("/bin/true").status().is_err()),
        ("signal a process", rustix::process::test_kill_process(pid).is_err()),
        ("start a thread", std::thread::Builder::new().spawn(|| ()).is_err()),
    ]
}

fn denied(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES))
}
