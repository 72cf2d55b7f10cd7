//! `doctor`: each thing the agent needs, whether it is there, and what to do if not.

use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use rustix::thread::CapabilitySet;

use super::{CliError, StateArgs};
use crate::attribution::Attribution;
use crate::capture::afpacket::{self, Interface, Tier};
use crate::catalogue::{Shelf, today};
use crate::clock::wall_clock_ms;
use crate::config::Config;
use crate::identity::Identity;
use crate::os::capability;
use crate::roles::uplink::StatusNote;
use crate::sandbox;
use crate::state::Reader as StateReader;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    state: StateArgs,
}

enum Verdict {
    Good,
    /// It works with less.
    Limited,
    Bad,
}

struct Check {
    name: &'static str,
    verdict: Verdict,
    finding: String,
}

/// Prints one line a check; exit code 1 if something is bad.
pub fn run(args: Args) -> Result<ExitCode, CliError> {
    let config = args.state.load()?;
    let identity = Identity::load(&config.state_dir);
    let mut checks =
        vec![privileges(), capture(&config), attribution(&config), sandbox_level(), state(&config.state_dir)];
    if !config.gateway.interfaces.is_empty() {
        checks.push(gateway(&config.gateway.interfaces, &afpacket::interfaces()));
    }
    checks.push(scans(&config));
    if !config.project_roots.is_empty() {
        checks.push(projects(&config.project_roots));
    }
    checks.push(clock());
    checks.push(catalogue(&config));
    match &identity {
        Ok(Some(identity)) => {
            checks.push(certificate(identity));
            checks.push(collector(config.collector.url.as_deref().unwrap_or(&identity.collector)));
        }
        Ok(None) => checks.push(Check {
            name: "enrolment",
            verdict: Verdict::Bad,
            finding: "not enrolled: run `umbrascope-agent enrol --collector URL --token-file FILE`".into(),
        }),
        Err(error) => {
            checks.push(Check { name: "enrolment", verdict: Verdict::Bad, finding: error.to_string() });
        }
    }
    for check in &checks {
        let word = match check.verdict {
            Verdict::Good => "ok",
            Verdict::Limited => "limited",
            Verdict::Bad => "BAD",
        };
        println!("{word:<8} {:<13} {}", check.name, check.finding);
    }
    let bad = checks.iter().any(|check| matches!(check.verdict, Verdict::Bad));
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn privileges() -> Check {
    let have = capability::effective();
    let wanted = [
        (CapabilitySet::NET_RAW, "cap_net_raw (capture)"),
        (CapabilitySet::SYS_PTRACE, "cap_sys_ptrace (whose connection)"),
        (CapabilitySet::DAC_READ_SEARCH, "cap_dac_read_search (other users' homes)"),
        (CapabilitySet::NET_ADMIN, "cap_net_admin (large receive buffer, short-lived processes)"),
        (CapabilitySet::BPF, "cap_bpf (cheapest filter, short-lived processes)"),
    ];
    let missing: Vec<_> =
        wanted.iter().filter(|(cap, _)| !have.contains(*cap)).map(|(_, name)| *name).collect();
    if missing.is_empty() {
        return Check { name: "privileges", verdict: Verdict::Good, finding: "all that can be used".into() };
    }
    let finding = format!(
        "missing: {}; use the packaged systemd unit, or `setcap cap_net_raw,cap_sys_ptrace,cap_dac_read_search+ep` on the program",
        missing.join(", ")
    );
    Check { name: "privileges", verdict: Verdict::Limited, finding }
}

fn capture(config: &Config) -> Check {
    let (verdict, finding) = if config.capture {
        match afpacket::open(config.flow_aware_filter) {
            Ok(socket) => {
                let kib = socket.receive_buffer_bytes / 1024;
                let wanted = afpacket::RECEIVE_BUFFER_BYTES / 1024;
                let finding =
                    format!("possible on every interface; {}; receive buffer {kib} KiB", socket.tier);
                if matches!(socket.tier, Tier::Plain { trouble: Some(_) }) {
                    (Verdict::Limited, finding)
                } else if kib < wanted {
                    let hint = format!(
                        "{finding}; raise net.core.rmem_max to {} or grant cap_net_admin",
                        wanted * 1024
                    );
                    (Verdict::Limited, hint)
                } else {
                    (Verdict::Good, finding)
                }
            }
            Err(error) => (Verdict::Limited, format!("not possible ({error}); scans work without")),
        }
    } else {
        (Verdict::Limited, "switched off in the configuration".into())
    };
    Check { name: "capture", verdict, finding }
}

/// When software is looked for.
fn scans(config: &Config) -> Check {
    let (verdict, finding) = match (config.scan_interval, config.look_interval) {
        (None, _) => (Verdict::Limited, "switched off in the configuration".to_owned()),
        (Some(scan), None) => {
            let finding = format!("every {} s; what changes in between is seen then only", scan.as_secs());
            (Verdict::Limited, finding)
        }
        (Some(scan), Some(look)) => {
            let (scan, look) = (scan.as_secs(), look.as_secs());
            (Verdict::Good, format!("every {scan} s, and every {look} s of what changed since"))
        }
    };
    Check { name: "scans", verdict, finding }
}

/// Whether the folders are there in which projects are to be looked for.
fn projects(roots: &[PathBuf]) -> Check {
    let trouble: Vec<String> = roots
        .iter()
        .filter_map(|root| match std::fs::metadata(root) {
            Ok(data) if data.is_dir() => None,
            Ok(_) => Some(format!("{} is no folder", root.display())),
            Err(error) => Some(format!("{} cannot be looked at ({error})", root.display())),
        })
        .collect();
    let (verdict, finding) = if trouble.is_empty() {
        (Verdict::Good, format!("{} folders of projects are read beside the homes", roots.len()))
    } else {
        (Verdict::Bad, format!("{}: correct `project_roots` of [scan]", trouble.join("; ")))
    };
    Check { name: "projects", verdict, finding }
}

/// Whether the interfaces are there on which the traffic of other machines is to be watched.
fn gateway(names: &[String], interfaces: &[Interface]) -> Check {
    let trouble = names.iter().filter_map(|name| {
        let interface = interfaces.iter().find(|interface| interface.name == *name);
        let why = match interface {
            None => "is not there: correct `interfaces` of [gateway]; it is watched as soon as it comes",
            Some(interface) if !interface.ethernet => "is no Ethernet interface and cannot be watched",
            Some(interface) if !interface.up => "is down: `ip link set dev NAME up`",
            Some(_) => return None,
        };
        Some(format!("{name} {why}"))
    });
    let trouble: Vec<_> = trouble.collect();
    let (verdict, finding) = if trouble.is_empty() {
        let finding =
            format!("watches the traffic of other machines on {}, promiscuous there", names.join(", "));
        (Verdict::Good, finding)
    } else {
        (Verdict::Bad, trouble.join("; "))
    };
    Check { name: "gateway", verdict, finding }
}

fn attribution(config: &Config) -> Check {
    let (best, finding) = Attribution::new(config.attribution_hooks).level();
    let verdict = if best { Verdict::Good } else { Verdict::Limited };
    Check { name: "attribution", verdict, finding }
}

fn sandbox_level() -> Check {
    let landlock = sandbox::landlock_level();
    let seccomp = Path::new("/proc/sys/kernel/seccomp").exists();
    let verdict = if seccomp && landlock == "landlock" { Verdict::Good } else { Verdict::Limited };
    let seccomp = if seccomp { "seccomp" } else { "no seccomp" };
    Check { name: "sandbox", verdict, finding: format!("no capabilities, {landlock}, {seccomp}") }
}

fn state(folder: &Path) -> Check {
    // The folder is made when the agent starts: until then its parent decides.
    let nearest = folder.ancestors().find(|path| path.exists()).unwrap_or(folder);
    let access = rustix::fs::access(nearest, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    match access {
        Ok(()) => Check {
            name: "state",
            verdict: Verdict::Good,
            finding: format!("{} is writable", folder.display()),
        },
        Err(error) => Check {
            name: "state",
            verdict: Verdict::Bad,
            finding: format!(
                "{} cannot be written ({error}): change its owner or `state_dir`",
                folder.display()
            ),
        },
    }
}

/// 2026-01-01: before this program was written, the clock is wrong.
const PLAUSIBLE_MS: i64 = 1_767_225_600_000;

fn clock() -> Check {
    let now = wall_clock_ms();
    let day = umbrascope_api::Day::from_unix_ms(now);
    if now < PLAUSIBLE_MS {
        let finding = format!("says {day} UTC: set it, or certificates and days are wrong");
        return Check { name: "clock", verdict: Verdict::Bad, finding };
    }
    Check { name: "clock", verdict: Verdict::Good, finding: format!("says {day} UTC") }
}

/// Which catalogue is in use, how old it is, and why a newer one is not.
fn catalogue(config: &Config) -> Check {
    let shelf = Shelf::new(&config.state_dir, &config.catalogue_keys);
    let (standing, _) = shelf.standing();
    // Without a state nothing was refused yet.
    let reader = StateReader::open(&config.state_dir).ok().flatten();
    let note = reader.and_then(|reader| reader.note("status").ok().flatten());
    let note = note.and_then(|text| serde_json::from_str::<StatusNote>(&text).ok()).unwrap_or_default();
    let (mut verdict, mut finding) = (Verdict::Good, standing.words(today()));
    if standing.is_expired(today()) {
        verdict = Verdict::Limited;
    }
    if let Some(why) = note.catalogue.refused.or(standing.set_aside) {
        verdict = Verdict::Limited;
        finding.push_str(&format!("; refused: {why}"));
    }
    if shelf.key_ids().is_empty() {
        finding.push_str("; no key is trusted, so newer ones come with newer programs only");
    }
    Check { name: "catalogue", verdict, finding }
}

fn certificate(identity: &Identity) -> Check {
    let name = "certificate";
    let Ok((from, to)) = identity.validity() else {
        return Check {
            name,
            verdict: Verdict::Bad,
            finding: "cannot be read: enrol again with --force".into(),
        };
    };
    let now = wall_clock_ms() / 1000;
    let days = (to - now) / 86_400;
    let (verdict, finding) = if now > to {
        (Verdict::Bad, "has expired: enrol again with --force".to_owned())
    } else if now < from {
        (Verdict::Bad, "is not valid yet: is the clock right?".to_owned())
    } else if now > from + (to - from) * 3 / 4 {
        (Verdict::Limited, format!("ends in {days} days and should have been renewed: is the agent running?"))
    } else {
        (Verdict::Good, format!("valid for {days} more days"))
    };
    Check { name, verdict, finding }
}

fn collector(url: &str) -> Check {
    let name = "collector";
    let authority = url.trim_start_matches("https://").split('/').next().unwrap_or_default();
    let address = if authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        authority.to_owned()
    } else {
        format!("{authority}:443")
    };
    let reached = address
        .to_socket_addrs()
        .and_then(|mut all| all.next().ok_or_else(|| std::io::Error::other("no address")))
        .and_then(|address| TcpStream::connect_timeout(&address, Duration::from_secs(5)));
    match reached {
        Ok(_) => Check { name, verdict: Verdict::Good, finding: format!("{authority} answers") },
        Err(error) => Check {
            name,
            verdict: Verdict::Bad,
            finding: format!("{authority} cannot be reached ({error}): check name, port and firewall"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_interface_that_cannot_be_watched_is_named_with_what_to_do() {
        let interface = |name: &str, up, ethernet| Interface {
            name: name.to_owned(),
            index: 1,
            up,
            ethernet,
            addresses: vec![],
        };
        let all =
            [interface("eth1", true, true), interface("eth2", false, true), interface("tun0", true, false)];
        let check = |name: &str| gateway(&[name.to_owned()], &all);
        assert!(matches!(check("eth1").verdict, Verdict::Good));
        for (name, words) in [("eth2", "ip link set"), ("tun0", "no Ethernet"), ("eth9", "not there")] {
            let check = check(name);
            assert!(
                matches!(check.verdict, Verdict::Bad) && check.finding.contains(words),
                "{}",
                check.finding
            );
        }
    }

    #[test]
    fn a_folder_of_projects_that_is_not_there_is_named_with_what_to_do() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(projects(&[temp.path().to_owned()]).verdict, Verdict::Good));
        for (root, words) in [(file, "no folder"), (temp.path().join("none"), "cannot be looked at")] {
            let check = projects(&[temp.path().to_owned(), root]);
            let finding = check.finding;
            assert!(matches!(check.verdict, Verdict::Bad), "{finding}");
            assert!(finding.contains(words) && finding.contains("correct `project_roots`"), "{finding}");
        }
    }
}
