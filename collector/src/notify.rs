//! Tells the service manager how we are: sd_notify(3), written out, for its protocol is one datagram.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// Sends `state` (`READY=1`, `WATCHDOG=1` …) to whoever started us and asked for it.
pub fn send(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    // Whoever does not listen does not need to know.
    let _ = sent(&path, state);
}

#[cfg(target_os = "linux")]
fn sent(path: &std::ffi::OsStr, state: &str) -> std::io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;

    let socket = UnixDatagram::unbound()?;
    match path.as_bytes() {
        [b'@', name @ ..] => {
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            socket.send_to_addr(state.as_bytes(), &address)?;
        }
        _ => {
            socket.send_to(state.as_bytes(), path)?;
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn sent(path: &std::ffi::OsStr, state: &str) -> std::io::Result<()> {
    UnixDatagram::unbound()?.send_to(state.as_bytes(), path).map(|_| ())
}

/// How often the service manager wants to hear `WATCHDOG=1`: half of what it waits for.
pub fn watchdog_interval() -> Option<Duration> {
    let limit: u64 = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    (limit > 0).then(|| Duration::from_micros(limit / 2))
}
