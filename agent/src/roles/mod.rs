//! The processes of one agent.
//!
//! The *warden* is what `run` starts and what the service manager knows: it opens the packet socket, answers attribution
//! questions, starts the others and starts them again when they die, and parses nothing that comes from the network or from
//! a home. The *dissector* parses packets and may open nothing. The *uplink* owns state and key and talks to the
//! collector. The *scanner* lives for one scan.
//!
//! Each is this program again (`__role NAME`), with its control socket as standard input; every other descriptor comes over
//! that socket. A role that is not the warden ignores the terminal's signals: it ends when its control socket closes.

use std::io;
use std::os::fd::OwnedFd;

pub mod dissector;
pub mod outbox;
pub mod pace;
pub mod scanner;
pub mod uplink;
pub mod warden;

/// A role that the warden starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Role {
    /// Parses packets.
    Dissector,
    /// Keeps state and talks to the collector.
    Uplink,
    /// Scans once.
    Scanner,
}

impl Role {
    /// Its name on the command line and in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dissector => "dissector",
            Self::Uplink => "uplink",
            Self::Scanner => "scanner",
        }
    }
}

/// The control socket that the warden put where standard input is.
pub fn control_socket() -> io::Result<OwnedFd> {
    let control = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    rustix::net::sockopt::socket_type(&control).map_err(|_| {
        io::Error::other("this is started by `run` only: standard input is no control socket")
    })?;
    Ok(control)
}
