//! One entry of an MCP configuration, in whatever words its client has for it.

use serde_json::{Map, Value};
use umbrascope_api::RiskFlag;

use super::launch::{self, Launch, Package};
use super::secret;

/// A configured server: names and facts, no value of a secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) name: String,
    /// Folder of the project that it stands under, as the client wrote it.
    pub(super) project: Option<String>,
    /// Version of what brings the server along, where that has one of its own.
    pub(super) version: Option<String>,
    pub(super) transport: Option<&'static str>,
    pub(super) command: Option<String>,
    pub(super) package: Option<Package>,
    pub(super) host: Option<String>,
    pub(super) env_names: Vec<String>,
    pub(super) enabled: Option<bool>,
    pub(super) flags: Vec<RiskFlag>,
}

/// One entry. `None`: it says neither what to run nor where to connect, so it is no server (an option of the
/// client, or something built into it).
pub(super) fn server(name: &str, value: &Value) -> Option<Server> {
    let entry = value.as_object()?;
    // Zed once wrote `"command": {"path": …, "args": …, "env": …}`; others nest under `transport` or `config`.
    let nested =
        ["command", "transport", "config", "settings"].iter().find_map(|key| entry.get(*key)?.as_object());
    let get = |keys: &[&str]| {
        keys.iter().find_map(|key| entry.get(*key)).or_else(|| {
            let nested = nested?;
            keys.iter().find_map(|key| nested.get(*key))
        })
    };
    let command_value =
        entry.get("command").filter(|v| !v.is_object()).or_else(|| get(&["cmd", "path", "executable"]));
    let mut words: Vec<&str> = match command_value {
        Some(Value::String(command)) => vec![command.as_str()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    match get(&["args", "arguments"]) {
        Some(Value::Array(list)) => words.extend(list.iter().filter_map(Value::as_str)),
        Some(Value::String(line)) => words.extend(line.split_whitespace()),
        _ => {}
    }
    let has_command = command_value.is_some_and(|command| command.as_str() != Some("") && !words.is_empty());
    let launch = match words.split_first() {
        Some((command, args)) if has_command => launch::read(command, args),
        _ => Launch::default(),
    };
    let url =
        get(&["url", "serverUrl", "httpUrl", "uri", "baseUrl", "endpoint", "sseUrl"]).and_then(Value::as_str);
    if !has_command && url.is_none() {
        return None;
    }
    let mut flags = launch.flags;
    let mut env_names = launch.env_names;
    let mut secret = false;
    for key in ["env", "environment", "envs", "headers", "http_headers"] {
        for (name, value) in get(&[key]).and_then(Value::as_object).into_iter().flatten() {
            if key.starts_with("env") {
                env_names.push(name.clone());
            }
            secret |= value.as_str().is_some_and(|value| secret::is_plain_secret(name, value));
        }
    }
    let request =
        ["requestOptions", "requestInit"].iter().find_map(|key| entry.get(*key)?.get("headers")?.as_object());
    for (name, value) in request.into_iter().flatten() {
        secret |= value.as_str().is_some_and(|value| secret::is_plain_secret(name, value));
    }
    for key in ["env_keys", "env_vars", "envKeys"] {
        let names = get(&[key]).and_then(Value::as_array).into_iter().flatten();
        env_names.extend(names.filter_map(Value::as_str).map(str::to_owned));
    }
    env_names.extend(entry.get("bearer_token_env_var").and_then(Value::as_str).map(str::to_owned));
    let by_header = entry.get("env_http_headers").and_then(Value::as_object).into_iter().flatten();
    env_names.extend(by_header.filter_map(|(_, name)| name.as_str()).map(str::to_owned));
    // What stands in a place for names need not be one.
    env_names.retain(|name| is_variable(name));
    for key in ["bearer_token", "apiKey", "api_key", "token", "authorization"] {
        let value = entry.get(key).and_then(Value::as_str);
        secret |= value.is_some_and(|value| secret::is_plain_secret("token", value));
    }
    let target = url.or(launch.url.as_deref());
    if let Some(url) = target {
        secret |= secret::secret_in_url(url);
        if is_plain_http(url) {
            flags.push(RiskFlag::PlainHttp);
        }
    }
    if secret {
        flags.push(RiskFlag::PlainTextSecret);
    }
    if acts_unasked(entry) {
        flags.push(RiskFlag::ApprovalBypass);
    }
    flags.sort();
    flags.dedup();
    let enabled = ["enabled", "isActive", "active"].iter().find_map(|key| entry.get(*key)?.as_bool());
    let disabled = entry.get("disabled").and_then(Value::as_bool).map(|disabled| !disabled);
    Some(Server {
        project: None,
        version: None,
        name: name.to_owned(),
        transport: transport(entry, has_command, url),
        command: launch.command,
        package: launch.package,
        host: target.and_then(host),
        env_names,
        enabled: enabled.or(disabled),
        flags,
    })
}

/// An entry of Zed's `context_servers` for a server that an extension brings along: the extension knows what to run, the entry says
/// how it is set (`docs/src/ai/mcp.md` of Zed).
pub(super) fn of_extension(name: &str, value: &Value) -> Option<Server> {
    let settings = value.get("settings");
    if settings.is_none() && value.get("source").and_then(Value::as_str) != Some("extension") {
        return None;
    }
    let mut texts = settings.and_then(Value::as_object).into_iter().flatten();
    let secret =
        texts.any(|(name, value)| value.as_str().is_some_and(|value| secret::is_plain_secret(name, value)));
    Some(Server {
        enabled: value.get("enabled").and_then(Value::as_bool),
        flags: if secret { vec![RiskFlag::PlainTextSecret] } else { Vec::new() },
        ..Server::named(name)
    })
}

impl Server {
    /// Nothing but a name.
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            project: None,
            version: None,
            transport: None,
            command: None,
            package: None,
            host: None,
            env_names: Vec::new(),
            enabled: None,
            flags: Vec::new(),
        }
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Gemini CLI's `trust`, Kiro's and Cline's list of tools that need no question, when it holds every tool.
fn acts_unasked(entry: &Map<String, Value>) -> bool {
    let every = |value: &Value| match value {
        Value::Bool(all) => *all,
        Value::Array(list) => list.iter().any(|tool| tool.as_str() == Some("*")),
        _ => false,
    };
    entry.get("trust").and_then(Value::as_bool) == Some(true)
        || ["autoApprove", "alwaysAllow"].iter().any(|key| entry.get(*key).is_some_and(every))
}

fn transport(entry: &Map<String, Value>, has_command: bool, url: Option<&str>) -> Option<&'static str> {
    let said = ["type", "transport", "transportType"].iter().find_map(|key| {
        let value = entry.get(*key)?;
        value.as_str().or_else(|| value.get("type")?.as_str())
    });
    match said.map(str::to_ascii_lowercase).as_deref() {
        Some("stdio" | "local" | "inline_python") => return Some("stdio"),
        Some("sse") => return Some("sse"),
        Some("http" | "streamable" | "streamable-http" | "streamablehttp" | "streamable_http") => {
            return Some("http");
        }
        _ => {}
    }
    if has_command {
        return Some("stdio");
    }
    let path = url?.split(['?', '#']).next()?;
    Some(if path.trim_end_matches('/').ends_with("/sse") { "sse" } else { "http" })
}

/// The host of a URL: without user, port, path or query. `None` when a variable stands for it.
pub(in crate::scan) fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => authority.split(':').next()?,
    };
    let plain = |c: char| c.is_alphanumeric() || ".-_:".contains(c);
    (!host.is_empty() && host.len() <= 253 && host.chars().all(plain)).then(|| host.to_ascii_lowercase())
}

/// Whether a URL goes unencrypted to another machine.
pub(in crate::scan) fn is_plain_http(url: &str) -> bool {
    let scheme = url.split("://").next().unwrap_or_default().to_ascii_lowercase();
    let Some(host) = host(url) else { return false };
    let loopback = host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    matches!(scheme.as_str(), "http" | "ws") && !loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_url_is_all_that_is_kept_of_it() {
        assert_eq!(
            host("https://user:pw@Mcp.Example.com:8443/a/b?key=1#x").as_deref(),
            Some("mcp.example.com")
        );
        assert_eq!(host("http://[::1]:3000/sse").as_deref(), Some("::1"));
        assert_eq!(host("${BASE_URL}/mcp"), None);
        assert_eq!(host("https://${HOST}/mcp"), None);
        assert!(!is_plain_http("http://127.0.0.1:3000/x"));
        assert!(!is_plain_http("http://localhost/x"));
        assert!(is_plain_http("http://10.0.0.1/x"));
    }
}
