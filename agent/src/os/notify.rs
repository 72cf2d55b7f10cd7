//! Telling the service manager how we are: the `sd_notify` protocol, one datagram a message (sd_notify(3)).

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Where to tell it, if anybody wants to know.
#[derive(Debug, Default)]
pub struct Notifier {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How often the service manager wants to hear from us: half of its patience.
    pub watchdog: Option<Duration>,
}

impl Notifier {
    /// Reads `NOTIFY_SOCKET` and `WATCHDOG_USEC`. A socket that cannot be used is as none.
    pub fn from_environment() -> Self {
        let socket = std::env::var_os("NOTIFY_SOCKET").and_then(|path| {
            let path = path.into_encoded_bytes();
            let address = match path.split_first()? {
                (b'@', name) => SocketAddr::from_abstract_name(name).ok()?,
                _ => SocketAddr::from_pathname(String::from_utf8(path).ok()?).ok()?,
            };
            Some((UnixDatagram::unbound().ok()?, address))
        });
        let watchdog = std::env::var("WATCHDOG_USEC")
            .ok()
            .and_then(|text| text.parse().ok())
            .filter(|_| {
                std::env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string())
            })
            .map(|usec: u64| Duration::from_micros(usec / 2));
        Self { socket, watchdog }
    }

    /// Sends `KEY=value` lines. Nobody listening is not an error.
    pub fn tell(&self, lines: &str) {
        if let Some((socket, address)) = &self.socket {
            let _ = socket.send_to_addr(lines.as_bytes(), address);
        }
    }
}
