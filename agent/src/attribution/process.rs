//! From a socket to the process that holds it, and from the process to what can be said of it.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::packages::Packages;
use crate::ipc::message::Owner;

/// Processes whose descriptors were looked through lately, the most recent last: a process that made one
/// connection makes the next.
const REMEMBERED: usize = 64;
/// Home folders are read once and again when a user turns up that is not among them.
const HOMES: usize = 4096;
/// Longest path told, in bytes (the wire's bound).
const PATH_BYTES: usize = umbrascope_api::limits::TEXT_BYTES;

/// The processes below a `/proc`.
#[derive(Debug)]
pub struct Processes {
    proc: PathBuf,
    recent: Vec<u32>,
    homes: HashMap<u32, String>,
    packages: Packages,
}

impl Processes {
    /// Those below this folder.
    pub fn new(proc: PathBuf) -> Self {
        let packages = Packages::new("/".into());
        Self { proc, recent: Vec::new(), homes: HashMap::new(), packages }
    }

    /// Has the lists of packages read, so that the first answer need not do without.
    pub fn look_at_packages(&mut self, now: Instant) {
        self.packages.look(now);
    }

    /// The owner of a socket. Only processes of the socket's user are looked through, then root's, since a
    /// descriptor can be handed down.
    pub fn of_socket(&mut self, inode: u64, uid: u32) -> Option<Owner> {
        let wanted = format!("socket:[{inode}]");
        if let Some(at) = self.recent.iter().rposition(|pid| self.holds(*pid, &wanted)) {
            let pid = self.recent.remove(at);
            self.recent.push(pid);
            return self.describe(pid, uid);
        }
        let mut pids: Vec<(bool, u32)> = fs::read_dir(&self.proc)
            .ok()?
            .flatten()
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let owner = entry.metadata().ok()?.uid();
                (owner == uid || owner == 0).then_some((owner == uid, pid))
            })
            .collect();
        // The user's own first, the youngest first.
        pids.sort_unstable_by(|one, other| other.cmp(one));
        let pid = pids.into_iter().map(|(_, pid)| pid).find(|pid| self.holds(*pid, &wanted))?;
        if self.recent.len() >= REMEMBERED {
            self.recent.remove(0);
        }
        self.recent.push(pid);
        self.describe(pid, uid)
    }

    fn holds(&self, pid: u32, wanted: &str) -> bool {
        let Ok(descriptors) = fs::read_dir(self.proc.join(pid.to_string()).join("fd")) else { return false };
        descriptors
            .flatten()
            .any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == wanted))
    }

    /// What can be said of a process of a user; `None` where it has ended.
    pub fn describe(&mut self, pid: u32, uid: u32) -> Option<Owner> {
        let folder = self.proc.join(pid.to_string());
        // First what matters most: the process may be about to end.
        let path = fs::read_link(folder.join("exe")).ok();
        if path.is_none() && !folder.exists() {
            return None;
        }
        let container = fs::read_to_string(folder.join("cgroup")).ok().and_then(|text| container(&text));
        // A path inside a container is that of its own files.
        let outside = path.as_deref().filter(|_| container.is_none());
        let package = outside.and_then(|path| self.packages.of(without_mark(path), Instant::now()));
        let executable = path.as_deref().map(|path| self.shorten(path, Some(uid)));
        Some(Owner { uid: Some(uid), executable, container, package, ..Owner::default() })
    }

    /// The path with a home as `~`, and without the kernel's mark for a file replaced since.
    fn shorten(&mut self, path: &Path, uid: Option<u32>) -> String {
        let text = without_mark(path).to_string_lossy();
        let own = uid.and_then(|uid| self.home(uid)).and_then(|home| text.strip_prefix(home));
        // What runs as somebody else, by sudo say, may lie in a person's home all the same.
        let other = || text.strip_prefix("/home/").and_then(|rest| rest.find('/').map(|end| &rest[end..]));
        let short = match own.filter(|rest| rest.starts_with('/')).or_else(other) {
            Some(rest) => format!("~{rest}"),
            None => text.into_owned(),
        };
        crate::aggregate::cut(short, PATH_BYTES)
    }

    fn home(&mut self, uid: u32) -> Option<&str> {
        if !self.homes.contains_key(&uid) {
            let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
            self.homes = homes(&passwd);
            // A user of a directory service has no line; remember that too.
            self.homes.entry(uid).or_default();
        }
        self.homes.get(&uid).map(String::as_str).filter(|home| home.len() > 1)
    }
}

/// User ids and home folders of a passwd(5) file.
fn homes(passwd: &str) -> HashMap<u32, String> {
    let line = |line: &str| {
        let mut fields = line.split(':');
        let uid = fields.nth(2)?.parse().ok()?;
        Some((uid, fields.nth(2)?.trim_end_matches('/').to_owned()))
    };
    passwd.lines().filter_map(line).take(HOMES).collect()
}

/// A path without the kernel's mark for a file that was replaced or deleted since.
fn without_mark(path: &Path) -> &Path {
    path.to_str().and_then(|text| text.strip_suffix(" (deleted)")).map_or(path, Path::new)
}

/// The container of a cgroup path: an id of 64 hexadecimal digits, as Docker, containerd, CRI-O and Podman name
/// their groups, cut to the 12 that their tools show; or the name that LXC and systemd-nspawn put there.
fn container(cgroup: &str) -> Option<String> {
    let id = cgroup
        .split(['/', '\n', '-', '.', ':', '_'])
        .find(|part| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map(|id| id[..12].to_owned());
    let named = || {
        let mut parts = cgroup.split(['/', '\n']).peekable();
        while let Some(part) = parts.next() {
            if let Some(name) = part.strip_prefix("lxc.payload.") {
                return Some(name.to_owned());
            }
            if let Some(name) = part.strip_prefix("machine-").and_then(|rest| rest.strip_suffix(".scope")) {
                return Some(name.replace("\\x2d", "-"));
            }
            if part == "lxc" {
                return parts.next().map(str::to_owned);
            }
        }
        None
    };
    id.or_else(named).map(|name| crate::aggregate::cut(name, PATH_BYTES)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_told_by_its_cgroup() {
        let id = "0123456789abcdef".repeat(4);
        for cgroup in [
            format!("0::/system.slice/docker-{id}.scope\n"),
            format!("0::/docker/{id}\n"),
            format!("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope\n"),
            format!("12:cpu:/\n0::/machine.slice/libpod-{id}.scope/container\n"),
        ] {
            assert_eq!(container(&cgroup).as_deref(), Some("0123456789ab"), "{cgroup}");
        }
        for cgroup in
            ["0::/lxc.payload.web/init.scope\n", "4:cpu:/lxc/web\n", "0::/machine.slice/machine-web.scope\n"]
        {
            assert_eq!(container(cgroup).as_deref(), Some("web"), "{cgroup}");
        }
        assert_eq!(container("0::/user.slice/user-1000.slice/session-1.scope\n"), None);
    }

    #[test]
    fn homes_come_from_the_passwd_file() {
        let homes = homes("root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000:A:/home/alice/:/bin/sh\nbad\n");
        assert_eq!(homes.get(&1000).map(String::as_str), Some("/home/alice"));
        assert_eq!(homes.len(), 2);
    }

    #[test]
    fn a_home_is_never_named() {
        let mut processes = Processes::new("/proc".into());
        processes.homes = HashMap::from([(1000, "/home/alice".to_owned())]);
        let mut short = |path: &str| processes.shorten(Path::new(path), Some(1000));
        assert_eq!(short("/home/alice/bin/tool (deleted)"), "~/bin/tool");
        assert_eq!(short("/home/bob/bin/tool"), "~/bin/tool", "run by somebody else");
        assert_eq!(short("/srv/alice/tool"), "/srv/alice/tool");
        assert_eq!(short("/usr/bin/curl"), "/usr/bin/curl");
    }
}
