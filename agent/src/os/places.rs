//! Where the agent's own files are on each system.

use std::path::PathBuf;

/// The configuration that is read when none is named: `/etc/umbrascope/agent.toml`, on Windows
/// `%ProgramData%\Umbrascope\agent.toml`.
pub fn configuration() -> PathBuf {
    system::configuration()
}

/// The folder of state and identity where the configuration names none: the service manager's, the system's for its
/// administrator, else the user's own.
pub fn state() -> PathBuf {
    system::state()
}

#[cfg(unix)]
mod system {
    use super::*;

    /// For root.
    const STATE: &str = if cfg!(target_os = "macos") {
        "/Library/Application Support/Umbrascope"
    } else {
        "/var/lib/umbrascope-agent"
    };

    pub(super) fn configuration() -> PathBuf {
        "/etc/umbrascope/agent.toml".into()
    }

    /// systemd's state folder; root's place; else the user's own (XDG Base Directory Specification).
    pub(super) fn state() -> PathBuf {
        if let Some(folder) = std::env::var_os("STATE_DIRECTORY") {
            return folder.into();
        }
        if rustix::process::geteuid().is_root() {
            return STATE.into();
        }
        let base = std::env::var_os("XDG_STATE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state")))
            .unwrap_or_else(|| "/var/tmp".into());
        base.join("umbrascope-agent")
    }
}

#[cfg(windows)]
mod system {
    use super::*;

    pub(super) fn configuration() -> PathBuf {
        folder().join("agent.toml")
    }

    pub(super) fn state() -> PathBuf {
        folder().join("agent")
    }

    fn folder() -> PathBuf {
        let base = std::env::var_os("ProgramData").map(PathBuf::from).filter(|path| path.is_absolute());
        base.unwrap_or_else(|| r"C:\ProgramData".into()).join("Umbrascope")
    }
}
