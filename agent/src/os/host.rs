//! Who this machine is, as far as the collector may know.

use ring::digest::{SHA256, digest};
use umbrascope_api::{MachineId, SensorInfo};

/// Identifies the machine without telling its id: a hash of `/etc/machine-id` keyed with our name
/// (machine-id(5) asks for that), or of the host name where there is none.
pub fn machine_id() -> MachineId {
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let id = if id.trim().is_empty() { hostname() } else { id.trim().to_owned() };
    let hash = digest(&SHA256, format!("umbrascope machine\n{id}").as_bytes());
    let mut bytes = [0; MachineId::BYTES];
    bytes.copy_from_slice(&hash.as_ref()[..MachineId::BYTES]);
    MachineId::from_bytes(bytes)
}

/// What a batch says about its sensor.
pub fn sensor_info(catalogue_version: &str) -> SensorInfo {
    SensorInfo {
        hostname: hostname(),
        os: std::env::consts::OS.to_owned(),
        os_version: os_version(),
        arch: std::env::consts::ARCH.to_owned(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        catalogue_version: catalogue_version.to_owned(),
    }
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn os_version() -> String {
    let release = std::fs::read_to_string("/etc/os-release")
        .or_else(|_| std::fs::read_to_string("/usr/lib/os-release"))
        .unwrap_or_default();
    release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map(|name| name.trim_matches(['"', '\'']).chars().take(128).collect())
        .unwrap_or_else(|| format!("Linux {}", rustix::system::uname().release().to_string_lossy()))
}
