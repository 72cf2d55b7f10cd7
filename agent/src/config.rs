//! Configuration: what the file says, then what the program needs.
//!
//! Every key is optional. `packaging/` holds the documented sample; the defaults here are safe to leave alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use umbrascope_api::PrivacyKey;
use umbrascope_rules::bundle::PublicKey;

use crate::os::places;

/// The checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Folder of the state database and the identity.
    pub state_dir: PathBuf,
    /// How to reach the collector.
    pub collector: CollectorConfig,
    /// Public keys that may sign catalogues, beside those of the program.
    pub catalogue_keys: Vec<PublicKey>,
    /// Whether the organisation's own rules are taken from the collector.
    pub own_rules: bool,
    /// The one key that may sign them; `None`: the one that the collector named first.
    pub own_rules_key: Option<PublicKey>,
    /// Whether packets are read.
    pub capture: bool,
    /// Whether the filter that knows the streams is tried; else each packet is judged alone.
    pub flow_aware_filter: bool,
    /// Whether `connect` is hooked to know whose a connection is; else its socket is looked for afterwards.
    pub attribution_hooks: bool,
    /// Interfaces on which the traffic of other machines is watched; empty: on none.
    pub gateway: GatewayConfig,
    /// When to scan; `None`: never.
    pub scan_interval: Option<Duration>,
    /// Whether servers that run on this machine are asked what they are.
    pub probe_runtimes: bool,
    /// Socket of a container daemon that is asked for images and containers; `None`: none is.
    pub containers: Option<PathBuf>,
    /// Folders of projects beside the homes.
    pub project_roots: Vec<PathBuf>,
    /// When to look for what changed since; `None`: never.
    pub look_interval: Option<Duration>,
    /// Whether suspects are kept and reported if the collector asks for them.
    pub suspects: bool,
    /// The privacy officer's key that names of accounts are sealed to while the collector asks for it; `None`: no name ever is.
    pub privacy_key: Option<PrivacyKey>,
    /// How long counts that only grew may wait before they are reported again.
    pub counter_interval: Duration,
}

/// Watching the traffic of other machines, on a router or at a mirror port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GatewayConfig {
    /// Names of the interfaces; empty: this sensor watches its own machine only.
    pub interfaces: Vec<String>,
    /// Whether the names that machines give themselves are kept.
    pub host_names: bool,
}

/// How to reach the collector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectorConfig {
    /// Base address, in place of the one that enrolment stored.
    pub url: Option<String>,
    /// HTTP proxy to go through. No proxy is taken from the environment.
    pub proxy: Option<String>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}:{line}: {message}")]
    Content {
        /// Which.
        path: PathBuf,
        /// Where, counted from 1.
        line: usize,
        /// What is wrong and what would be right.
        message: String,
    },
}

impl Config {
    /// Reads `file`, or the system's file if there is one, else takes the defaults. `state_dir` overrides the file's.
    pub fn load(file: Option<&Path>, state_dir: Option<&Path>) -> Result<Self, ConfigError> {
        let usual = places::configuration();
        let path = file.unwrap_or(&usual);
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(cause) => return Err(ConfigError::Read { path: path.to_owned(), cause }),
        };
        let mut config = Self::parse(path, &text)?;
        if let Some(folder) = state_dir {
            config.state_dir = folder.to_owned();
        }
        Ok(config)
    }

    /// Checks the text of a file; `path` is for messages only.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let content = |start: usize, message: String| ConfigError::Content {
            path: path.to_owned(),
            line: text.get(..start).unwrap_or_default().matches('\n').count() + 1,
            message,
        };
        let file: File = toml::from_str(text).map_err(|error| {
            content(error.span().map_or(0, |span| span.start), error.message().replace('\n', " "))
        })?;
        let wrong = |key: &str, rule: &str| content(text.find(key).unwrap_or(0), format!("`{key}` {rule}"));
        if let Some(url) = &file.collector.url
            && !url.starts_with("https://")
        {
            return Err(wrong("url", "must begin with https://: reports go over mutual TLS only"));
        }
        if let Some(proxy) = &file.collector.proxy
            && !proxy.starts_with("http://")
        {
            return Err(wrong("proxy", "must be of the form http://HOST:PORT"));
        }
        if !(60..=7 * 86_400).contains(&file.scan.interval_s) {
            return Err(wrong("interval_s", "of [scan] must be between 60 and 604800 seconds"));
        }
        if file.scan.containers.as_ref().is_some_and(|socket| !socket.is_absolute()) {
            return Err(wrong("containers", "of [scan] must be the absolute path of a socket"));
        }
        let roots = &file.scan.project_roots;
        let plain = |root: &PathBuf| {
            let mut parts = root.components();
            root.is_absolute() && !parts.any(|part| part == std::path::Component::ParentDir)
        };
        if roots.len() > MAX_PROJECT_ROOTS || !roots.iter().all(|root| plain(root) && root.parent().is_some())
        {
            return Err(wrong(
                "project_roots",
                "of [scan] must be absolute paths of folders, without `..` and not the root itself, 32 at most",
            ));
        }
        if file.scan.look_every_s > 86_400 {
            return Err(wrong("look_every_s", "must be between 1 and 86400 seconds, or 0 for never"));
        }
        if !(1..=86_400).contains(&file.report.counter_interval_s) {
            return Err(wrong("counter_interval_s", "must be between 1 and 86400 seconds"));
        }
        let GatewaySection { interfaces, host_names } = file.gateway;
        // IFNAMSIZ (linux/if.h) with its end; netdev_valid_name rules out the rest.
        let good = |name: &String| {
            (1..16).contains(&name.len())
                && !name.contains(|c: char| c == '/' || c == ':' || c.is_whitespace())
        };
        if !interfaces.iter().all(good) {
            return Err(wrong("interfaces", "of [gateway] must be names of interfaces, such as \"eth1\""));
        }
        if interfaces.len() > MAX_GATEWAY_INTERFACES {
            return Err(wrong("interfaces", "of [gateway] must be 16 names at most"));
        }
        if !interfaces.is_empty() && !file.capture.enabled {
            return Err(wrong(
                "interfaces",
                "of [gateway] needs capture: remove `enabled = false` from [capture]",
            ));
        }
        let keys = file.catalogue.keys.iter().map(|key| key.parse()).collect::<Result<Vec<_>, _>>();
        let catalogue_keys = match keys {
            Ok(keys) if keys.len() <= MAX_KEYS => keys,
            Ok(_) => return Err(wrong("keys", "of [catalogue] must be 16 keys at most")),
            Err(error) => return Err(wrong("keys", &format!("of [catalogue] must be public keys: {error}"))),
        };
        let own_rules_key = file.catalogue.own_rules_key.as_ref().map(|key| key.parse()).transpose();
        let own_rules_key = own_rules_key.map_err(|error| {
            wrong("own_rules_key", &format!("of [catalogue] must be a public key: {error}"))
        })?;
        let privacy_key = file.privacy.reidentification_key.as_ref().map(|key| key.parse()).transpose();
        let privacy_key = privacy_key.map_err(|error| {
            wrong("reidentification_key", &format!("of [privacy] must be a public key: {error}"))
        })?;
        if file.state_dir.as_ref().is_some_and(|folder| !folder.is_absolute()) {
            return Err(wrong("state_dir", "must be an absolute path"));
        }
        Ok(Self {
            state_dir: file.state_dir.unwrap_or_else(places::state),
            collector: CollectorConfig { url: file.collector.url, proxy: file.collector.proxy },
            catalogue_keys,
            own_rules: file.catalogue.own_rules,
            own_rules_key,
            capture: file.capture.enabled,
            flow_aware_filter: file.capture.filter == Choice::Auto,
            attribution_hooks: file.capture.enabled && file.capture.attribution == Choice::Auto,
            gateway: GatewayConfig { interfaces, host_names },
            scan_interval: file.scan.enabled.then(|| Duration::from_secs(file.scan.interval_s)),
            probe_runtimes: file.scan.probe_runtimes,
            containers: file.scan.containers,
            project_roots: file.scan.project_roots,
            look_interval: (file.scan.enabled && file.scan.look_every_s > 0)
                .then(|| Duration::from_secs(file.scan.look_every_s)),
            suspects: file.discovery.suspects == SuspectsChoice::ByCollector,
            privacy_key,
            counter_interval: Duration::from_secs(file.report.counter_interval_s),
        })
    }
}

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    /// Folder of the state database and the identity. Default: `$STATE_DIRECTORY`, for root
    /// `/var/lib/umbrascope-agent`, else `~/.local/state/umbrascope-agent`.
    state_dir: Option<PathBuf>,
    collector: CollectorSection,
    catalogue: CatalogueSection,
    capture: CaptureSection,
    gateway: GatewaySection,
    scan: ScanSection,
    discovery: DiscoverySection,
    privacy: PrivacySection,
    report: ReportSection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CollectorSection {
    /// Base address of the collector's agent listener. Default: the one given at enrolment.
    url: Option<String>,
    /// HTTP proxy. Default: none.
    proxy: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CatalogueSection {
    /// Public keys that may sign catalogues, beside those of the program, at most 16. Default: none.
    keys: Vec<String>,
    /// Whether the organisation's own rules are taken from the collector. Default: true.
    own_rules: bool,
    /// The one key that may sign them. Default: the one that the collector names first after the enrolment.
    own_rules_key: Option<String>,
}

impl Default for CatalogueSection {
    fn default() -> Self {
        Self { keys: Vec::new(), own_rules: true, own_rules_key: None }
    }
}

/// An old key, a new one and some in reserve.
const MAX_KEYS: usize = 16;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CaptureSection {
    /// Whether packets are read. Default: true.
    enabled: bool,
    /// Which kernel filter. Default: `auto`.
    filter: Choice,
    /// How it is told whose a connection is. Default: `auto`.
    attribution: Choice,
}

impl Default for CaptureSection {
    fn default() -> Self {
        Self { enabled: true, filter: Choice::Auto, attribution: Choice::Auto }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Choice {
    /// What needs extended BPF where the kernel allows it, else the plain way.
    Auto,
    /// The plain way.
    Plain,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GatewaySection {
    /// Interfaces on which the traffic of other machines is watched, at most 16. Default: none.
    interfaces: Vec<String>,
    /// Whether the names that those machines give themselves are kept. Default: true.
    host_names: bool,
}

impl Default for GatewaySection {
    fn default() -> Self {
        Self { interfaces: Vec::new(), host_names: true }
    }
}

/// Each interface takes a socket and a buffer.
const MAX_GATEWAY_INTERFACES: usize = 16;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ScanSection {
    /// Whether this machine is scanned. Default: true.
    enabled: bool,
    /// Seconds between scans, up to a tenth more or less by chance. Default: 21600.
    interval_s: u64,
    /// Whether a server that runs is asked what it is. Default: true.
    probe_runtimes: bool,
    /// Socket of a container daemon to ask, an absolute path. Default: none.
    containers: Option<PathBuf>,
    /// Folders of projects beside the homes, absolute paths, at most 32. Default: none.
    project_roots: Vec<PathBuf>,
    /// Seconds between looks for what changed since, up to a fifth less by chance; 0: only whole scans. Default: 60.
    look_every_s: u64,
}

impl Default for ScanSection {
    fn default() -> Self {
        Self {
            enabled: true,
            interval_s: 21_600,
            look_every_s: 60,
            probe_runtimes: true,
            containers: None,
            project_roots: Vec::new(),
        }
    }
}

/// Each has a part of what a scan may spend.
const MAX_PROJECT_ROOTS: usize = 32;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DiscoverySection {
    /// Whether names that no rule knows and that look like AI are reported. Default: `by-collector`.
    suspects: SuspectsChoice,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SuspectsChoice {
    /// While two people at the collector want it.
    #[default]
    ByCollector,
    /// Not whatever they want.
    Never,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PrivacySection {
    /// The privacy officer's public key that names of accounts may be sealed to. Default: none, and no name leaves.
    reidentification_key: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ReportSection {
    /// Seconds that counts which only grew may wait. What is new is reported within seconds. Default: 3600.
    counter_interval_s: u64,
}

impl Default for ReportSection {
    fn default() -> Self {
        Self { counter_interval_s: 3_600 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("agent.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn asking_servers_can_be_switched_off_and_a_daemon_is_asked_only_when_named() {
        assert!(!parse("[scan]\nprobe_runtimes = false").unwrap().probe_runtimes);
        assert_eq!(parse("").unwrap().containers, None);
        let named = parse("[scan]\ncontainers = \"/run/docker.sock\"").unwrap();
        assert_eq!(named.containers.as_deref(), Some(Path::new("/run/docker.sock")));
        assert!(parse("[scan]\ncontainers = \"docker.sock\"").unwrap_err().contains("agent.toml:2"));
    }

    #[test]
    fn folders_of_projects_are_absolute_paths_and_none_by_default() {
        assert!(parse("").unwrap().project_roots.is_empty());
        let named = parse("[scan]\nproject_roots = [\"/srv/src\", \"/data/work\"]").unwrap();
        assert_eq!(named.project_roots, [Path::new("/srv/src"), Path::new("/data/work")]);
        for wrong in ["\"src\"", "\"/\"", "\"/srv/../etc\"", "\"\"", &"\"/a\",".repeat(33)] {
            let error = parse(&format!("[scan]\nproject_roots = [{wrong}]")).unwrap_err();
            assert!(error.contains("agent.toml:2") && error.contains("absolute paths"), "{wrong}: {error}");
        }
    }

    #[test]
    fn an_empty_file_gives_the_defaults() {
        let config = parse("").unwrap();
        assert!(config.capture && config.flow_aware_filter && config.attribution_hooks);
        assert_eq!(config.scan_interval, Some(Duration::from_secs(6 * 3600)));
        assert_eq!(config.look_interval, Some(Duration::from_secs(60)));
        assert_eq!(config.counter_interval, Duration::from_secs(3600));
        assert_eq!(config.collector, CollectorConfig::default());
        assert!(config.probe_runtimes, "a port of this machine that a known server has");
        assert!(config.suspects, "the collector decides, and its own default is no");
        assert!(config.gateway.interfaces.is_empty(), "nobody else's traffic unless asked for");
    }

    #[test]
    fn a_gateway_is_one_by_the_names_of_its_interfaces() {
        let config = parse("[gateway]\ninterfaces = [\"eth1\", \"br-lan\"]\nhost_names = false\n").unwrap();
        assert_eq!(config.gateway.interfaces, ["eth1", "br-lan"]);
        assert!(!config.gateway.host_names);
        for (text, says) in [
            ("[gateway]\ninterfaces = [\"\"]\n", "names of interfaces"),
            ("[gateway]\ninterfaces = [\"a/b\"]\n", "names of interfaces"),
            ("[gateway]\ninterfaces = [\"an-interface-name-too-long\"]\n", "names of interfaces"),
            ("[capture]\nenabled = false\n[gateway]\ninterfaces = [\"eth1\"]\n", "needs capture"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn names_are_sealed_to_the_key_that_the_file_names_and_to_none_by_default() {
        assert_eq!(parse("").unwrap().privacy_key, None);
        let key = PrivacyKey::from_bytes([3; 32]);
        let named = parse(&format!("[privacy]\nreidentification_key = \"{key}\"\n")).unwrap();
        assert_eq!(named.privacy_key, Some(key));
        let error = parse("[privacy]\nreidentification_key = \"upk-00\"\n").unwrap_err();
        assert!(error.contains("agent.toml:2") && error.contains("upk-"), "{error}");
    }

    #[test]
    fn keys_of_catalogues_are_checked() {
        let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
        let config = parse(&format!("[catalogue]\nkeys = [\"{key}\"]\n")).unwrap();
        assert_eq!(config.catalogue_keys[0].to_string(), key);
        let error = parse("\n[catalogue]\nkeys = [\"RWQ\"]\n").unwrap_err();
        assert!(error.starts_with("agent.toml:3: ") && error.contains("public key"), "{error}");
        let many = vec![format!("\"{key}\""); 17].join(", ");
        assert!(parse(&format!("[catalogue]\nkeys = [{many}]\n")).is_err());
        assert!(
            parse("").unwrap().own_rules && !parse("[catalogue]\nown_rules = false\n").unwrap().own_rules
        );
        let config = parse(&format!("[catalogue]\nown_rules_key = \"{key}\"\n")).unwrap();
        assert_eq!(config.own_rules_key.unwrap().to_string(), key);
        let error = parse("[catalogue]\nown_rules_key = \"x\"\n").unwrap_err();
        assert!(error.starts_with("agent.toml:2: ") && error.contains("public key"), "{error}");
    }

    #[test]
    fn every_key_is_taken() {
        let config = parse(
            "state_dir = \"/srv/a\"\n[collector]\nurl = \"https://c.example:8443\"\nproxy = \"http://p:3128\"\n\
             [capture]\nenabled = false\nfilter = \"plain\"\nattribution = \"plain\"\n[scan]\nenabled = false\ninterval_s = 60\n[report]\ncounter_interval_s = 5\n\
             [discovery]\nsuspects = \"never\"\n",
        )
        .unwrap();
        assert_eq!(config.state_dir, Path::new("/srv/a"));
        assert_eq!(config.collector.url.as_deref(), Some("https://c.example:8443"));
        assert_eq!(config.collector.proxy.as_deref(), Some("http://p:3128"));
        assert_eq!(
            (config.capture, config.flow_aware_filter, config.attribution_hooks),
            (false, false, false)
        );
        assert!(!config.suspects);
        assert_eq!((config.scan_interval, config.look_interval), (None, None));
        assert_eq!(parse("[scan]\nlook_every_s = 0\n").unwrap().look_interval, None);
        assert_eq!(config.counter_interval, Duration::from_secs(5));
    }

    #[test]
    fn an_unknown_key_is_named_with_file_and_line() {
        let error = parse("[capture]\nenabled = true\npromiscuous = true\n").unwrap_err();
        assert!(error.starts_with("agent.toml:3: unknown field `promiscuous`"), "{error}");
    }

    #[test]
    fn values_out_of_bounds_are_refused_with_their_line() {
        for (text, place) in [
            ("\n[collector]\nurl = \"http://c.example\"\n", "agent.toml:3:"),
            ("[scan]\ninterval_s = 5\n", "agent.toml:2:"),
            ("[scan]\nlook_every_s = 86401\n", "agent.toml:2:"),
            ("[report]\n\ncounter_interval_s = 0\n", "agent.toml:3:"),
            ("state_dir = \"relative\"\n", "agent.toml:1:"),
            ("[discovery]\nsuspects = \"always\"\n", "agent.toml:2:"),
            ("[scan\n", "agent.toml:1:"),
            ("[scan]\ninterval_s = \"often\"\n", "agent.toml:2:"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(place), "{error}");
        }
    }

    /// The sample with every key that it shows commented in force.
    fn sample() -> String {
        let key = |line: &str| {
            line.split_once(" = ")
                .is_some_and(|(key, _)| key.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'))
        };
        include_str!("../../packaging/config/agent.toml")
            .lines()
            .map(|line| line.strip_prefix('#').filter(|rest| key(rest)).unwrap_or(line).to_owned() + "\n")
            .collect()
    }

    #[test]
    fn the_packaged_sample_shows_every_default() {
        let (sample, default) = (parse(&sample()).unwrap(), parse("").unwrap());
        assert_eq!(sample.capture, default.capture);
        assert_eq!(sample.flow_aware_filter, default.flow_aware_filter);
        assert_eq!(sample.attribution_hooks, default.attribution_hooks);
        assert_eq!(sample.gateway, default.gateway);
        assert_eq!(sample.catalogue_keys, default.catalogue_keys);
        assert_eq!(sample.own_rules, default.own_rules);
        assert_eq!(sample.scan_interval, default.scan_interval);
        assert_eq!(sample.probe_runtimes, default.probe_runtimes);
        assert_eq!(sample.containers, default.containers);
        assert_eq!(sample.look_interval, default.look_interval);
        assert_eq!(sample.suspects, default.suspects);
        assert_eq!(sample.counter_interval, default.counter_interval);
        assert_eq!(sample.state_dir, Path::new("/var/lib/umbrascope-agent"));
        assert!(sample.collector.url.is_some() && sample.collector.proxy.is_some());
    }
}
