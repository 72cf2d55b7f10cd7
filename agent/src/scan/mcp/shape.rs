//! The shapes in which clients write down their MCP servers, read into one.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use umbrascope_api::RiskFlag;

use super::launch::{self, Launch, Package};
use super::secret;
use crate::scan::bounded::{Allowance, Bounded, Key};
use crate::scan::document::{self, Format, TREE_BYTES};
use crate::scan::safe::Trouble;

/// Most servers taken from one file.
const SERVERS: usize = 500;

/// Longest key of a large file, in bytes.
const KEY_BYTES: usize = 4096;

/// A configured server: names and facts, no value of a secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) transport: Option<&'static str>,
    pub(super) command: Option<String>,
    pub(super) package: Option<Package>,
    pub(super) host: Option<String>,
    pub(super) env_names: Vec<String>,
    pub(super) enabled: Option<bool>,
    pub(super) flags: Vec<RiskFlag>,
}

/// Which keys may hold servers in a file, besides those that can mean nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `mcpServers`, `mcp_servers`, `context_servers`, `mcp.servers`, `amp.mcpServers`, `projects.*.mcpServers`.
    Usual,
    /// `servers` as well (VS Code and Visual Studio `mcp.json`).
    Servers,
    /// `mcp` as well (opencode, Crush).
    Mcp,
    /// `extensions` as well (Goose).
    Extensions,
    /// Any of the above, or the map itself (`.mcp.json` of a plugin).
    Flat,
}

/// The keys that are read at all. Everything else of a JSON file is passed over without being kept.
const KEYS: [&str; 12] = [
    "mcpServers",
    "mcp_servers",
    "context_servers",
    "mcp",
    "mcp.servers",
    "amp.mcpServers",
    "servers",
    "extensions",
    "projects",
    "amp",
    "chat.mcp",
    "mcpServer",
];

/// Reads the servers of a file.
pub(super) fn parse(bytes: &[u8], format: Format, shape: Shape) -> Result<Vec<Server>, Trouble> {
    let value = match format {
        Format::Json if shape != Shape::Flat => match wanted(bytes) {
            Some(value) => value,
            None => document::parse(bytes, format)?,
        },
        _ => document::parse(bytes, format)?,
    };
    let mut servers = Vec::new();
    collect(&value, shape, &mut servers)?;
    Ok(servers)
}

/// Whether a file is small enough for the parsers that need the whole of it.
pub(super) fn fits(len: u64) -> bool {
    len <= TREE_BYTES as u64
}

/// A file that is large because its client keeps a history in it: strict JSON only, read piece by piece.
pub(super) fn parse_large(reader: impl std::io::Read, shape: Shape) -> Result<Vec<Server>, Trouble> {
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let mut allowance = Allowance::default();
    let kept = Keep { depth: 0, allowance: &mut allowance }.deserialize(&mut deserializer);
    let value = kept.map_err(|error| match error.is_io() {
        true => Trouble::Refused,
        false if allowance.is_over() => Trouble::TooLarge,
        false => Trouble::Malformed,
    })?;
    let mut servers = Vec::new();
    collect(&value, shape, &mut servers)?;
    Ok(servers)
}

fn wanted(bytes: &[u8]) -> Option<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let mut allowance = Allowance::default();
    let value = Keep { depth: 0, allowance: &mut allowance }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

/// Keeps [`KEYS`] of an object, and of the objects below `projects`.
struct Keep<'a> {
    depth: u8,
    allowance: &'a mut Allowance,
}

impl<'de> DeserializeSeed<'de> for Keep<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keep<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let Self { depth, allowance } = self;
        let mut kept = Map::new();
        // A key that is not kept costs nothing, but none is longer than the path of a folder.
        while let Some(key) = access.next_key_seed(Key(&mut Allowance::for_name(KEY_BYTES)))? {
            // Depth 1 is the map below `projects`: its keys are folders.
            if depth == 1 || (depth == 0 && key == "projects") {
                let value = access.next_value_seed(Keep { depth: depth + 1, allowance })?;
                kept.insert(key, value);
            } else if KEYS.contains(&key.as_str()) {
                kept.insert(key, access.next_value_seed(Bounded(allowance))?);
            } else {
                access.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Value::Object(kept))
    }
}

fn collect(value: &Value, shape: Shape, servers: &mut Vec<Server>) -> Result<(), Trouble> {
    let Some(top) = value.as_object() else {
        return if value.is_null() { Ok(()) } else { Err(Trouble::Malformed) };
    };
    let mut known = false;
    let mut take = |group: Option<&Value>, servers: &mut Vec<Server>| match group {
        Some(group) => {
            known = true;
            collect_group(group, servers)
        }
        None => Ok(()),
    };
    for key in ["mcpServers", "mcp_servers", "context_servers", "mcp.servers", "amp.mcpServers"] {
        take(top.get(key), servers)?;
    }
    take(top.get("mcp").and_then(|mcp| mcp.get("servers")), servers)?;
    take(top.get("amp").and_then(|amp| amp.get("mcpServers")), servers)?;
    if let Some(projects) = top.get("projects").and_then(Value::as_object) {
        for project in projects.values() {
            take(project.get("mcpServers"), servers)?;
        }
    }
    match shape {
        Shape::Usual => {}
        Shape::Servers => take(top.get("servers"), servers)?,
        Shape::Mcp => take(top.get("mcp"), servers)?,
        Shape::Extensions => take(top.get("extensions"), servers)?,
        Shape::Flat if !known => collect_group(value, servers)?,
        Shape::Flat => {}
    }
    Ok(())
}

/// A map from name to server, or a list of servers with a name.
fn collect_group(group: &Value, servers: &mut Vec<Server>) -> Result<(), Trouble> {
    let named: Vec<(&str, &Value)> = match group {
        Value::Object(map) => map.iter().map(|(name, value)| (name.as_str(), value)).collect(),
        Value::Array(list) => list
            .iter()
            .filter_map(|item| Some((item.get("name").or_else(|| item.get("id"))?.as_str()?, item)))
            .collect(),
        _ => return Ok(()),
    };
    for (name, value) in named {
        if servers.len() == SERVERS {
            return Err(Trouble::TooLarge);
        }
        servers.extend(server(name, value));
    }
    Ok(())
}

/// One entry. `None`: it says neither what to run nor where to connect, so it is no server (an option of the
/// client, or something built into it).
fn server(name: &str, value: &Value) -> Option<Server> {
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
    let disabled = entry.get("disabled").and_then(Value::as_bool).map(|disabled| !disabled);
    Some(Server {
        name: name.to_owned(),
        transport: transport(entry, has_command, url),
        command: launch.command,
        package: launch.package,
        host: target.and_then(host),
        env_names,
        enabled: entry.get("enabled").and_then(Value::as_bool).or(disabled),
        flags,
    })
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
        Some("http" | "streamable-http" | "streamablehttp" | "streamable_http") => return Some("http"),
        _ => {}
    }
    if has_command {
        return Some("stdio");
    }
    let path = url?.split(['?', '#']).next()?;
    Some(if path.trim_end_matches('/').ends_with("/sse") { "sse" } else { "http" })
}

/// The host of a URL: without user, port, path or query. `None` when a variable stands for it.
pub(super) fn host(url: &str) -> Option<String> {
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
fn is_plain_http(url: &str) -> bool {
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

    fn json(text: &str, shape: Shape) -> Vec<Server> {
        parse(text.as_bytes(), Format::Json, shape).unwrap()
    }

    fn names(servers: &[Server]) -> Vec<&str> {
        servers.iter().map(|server| server.name.as_str()).collect()
    }

    #[test]
    fn the_usual_map_gives_every_fact_and_no_value() {
        let servers = json(
            r#"{"theme": "dark", "mcpServers": {
                "github": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-github"],
                           "env": {"GITHUB_PERSONAL_ACCESS_TOKEN": "ghp_0123456789abcdefghijABCDEFGHIJ012345"}},
                "linear": {"type": "sse", "url": "https://mcp.linear.app/sse"},
                "off": {"command": "/opt/tools/bin/server", "args": ["--port", "1"], "disabled": true}}}"#,
            Shape::Usual,
        );
        assert_eq!(names(&servers), ["github", "linear", "off"]);
        let github = &servers[0];
        assert_eq!(github.transport, Some("stdio"));
        assert_eq!(github.command.as_deref(), Some("npx"));
        assert_eq!(github.package.as_ref().unwrap().name, "@modelcontextprotocol/server-github");
        assert_eq!(github.env_names, ["GITHUB_PERSONAL_ACCESS_TOKEN"]);
        assert_eq!(github.flags, [RiskFlag::UnpinnedPackage, RiskFlag::PlainTextSecret]);
        assert_eq!((servers[1].transport, servers[1].host.as_deref()), (Some("sse"), Some("mcp.linear.app")));
        assert_eq!((servers[2].command.as_deref(), servers[2].enabled), (Some("server"), Some(false)));
        assert!(!format!("{servers:?}").contains("0123456789"));
    }

    #[test]
    fn claude_codes_project_servers_are_found() {
        let text = r#"{"numStartups": 3, "mcpServers": {"a": {"command": "x"}}, "history": [{"mcpServers": {"no": {}}}],
            "projects": {"/home/kim/p": {"allowedTools": [], "mcpServers": {"b": {"type": "http", "url": "https://b.example/mcp"}}},
                         "/home/kim/q": {"mcpServers": {}}}}"#;
        assert_eq!(names(&json(text, Shape::Usual)), ["a", "b"]);
        assert_eq!(names(&parse_large(text.as_bytes(), Shape::Usual).unwrap()), ["a", "b"]);
    }

    #[test]
    fn vs_code_writes_servers_with_comments_and_inputs() {
        let servers = json(
            "{\n // asked for on start\n \"inputs\": [{\"id\": \"key\", \"type\": \"promptString\"}],\n \"servers\": {\n  \
             \"ctx\": {\"type\": \"http\", \"url\": \"http://ctx.example:8080/mcp\", \"headers\": {\"Authorization\": \"Bearer ${input:key}\"}},\n }\n}",
            Shape::Servers,
        );
        assert_eq!(names(&servers), ["ctx"]);
        assert_eq!(servers[0].flags, [RiskFlag::PlainHttp]);
        assert_eq!(servers[0].host.as_deref(), Some("ctx.example"));
    }

    #[test]
    fn settings_of_vs_code_amp_zed_opencode_and_crush_are_read() {
        assert_eq!(
            names(&json(r#"{"mcp": {"inputs": [], "servers": {"a": {"command": "x"}}}}"#, Shape::Usual)),
            ["a"]
        );
        assert_eq!(names(&json(r#"{"mcp.servers": {"a": {"command": "x"}}}"#, Shape::Usual)), ["a"]);
        assert_eq!(
            names(&json(r#"{"amp.mcpServers": {"a": {"url": "https://x.example"}}}"#, Shape::Usual)),
            ["a"]
        );
        let zed = json(
            r#"{"context_servers": {"old": {"command": {"path": "npx", "args": ["-y", "z@1.0.0"], "env": {"K": "v"}}, "settings": {}},
                "new": {"source": "custom", "command": "uvx", "args": ["m"], "env": {}}, "built-in": {"settings": {}}}}"#,
            Shape::Usual,
        );
        assert_eq!(names(&zed), ["new", "old"]);
        assert_eq!(zed[1].package.as_ref().unwrap().version.as_deref(), Some("1.0.0"));
        assert_eq!(zed[1].env_names, ["K"]);
        let opencode = json(
            r#"{"$schema": "https://opencode.ai/config.json", "mcp": {"local": {"type": "local", "command": ["npx", "-y", "m"],
                "environment": {"E": "1"}, "enabled": false}, "far": {"type": "remote", "url": "https://r.example/mcp"}}}"#,
            Shape::Mcp,
        );
        assert_eq!(names(&opencode), ["far", "local"]);
        assert_eq!((opencode[1].transport, opencode[1].enabled), (Some("stdio"), Some(false)));
        assert_eq!(opencode[1].env_names, ["E"]);
    }

    #[test]
    fn codex_toml_is_read() {
        let text = "model = \"gpt-5\"\n[mcp_servers.docs]\ncommand = \"npx\"\nargs = [\"-y\", \"docs@2.1.0\"]\nenv_vars = [\"DOCS_KEY\"]\n\
            [mcp_servers.docs.env]\nREGION = \"eu\"\n[mcp_servers.figma]\nurl = \"https://mcp.figma.com/mcp\"\nbearer_token_env_var = \"FIGMA\"\n";
        let servers = parse(text.as_bytes(), Format::Toml, Shape::Usual).unwrap();
        assert_eq!(names(&servers), ["docs", "figma"]);
        assert_eq!(servers[0].env_names, ["REGION", "DOCS_KEY"]);
        assert_eq!(servers[1].env_names, ["FIGMA"]);
        assert_eq!(servers[1].transport, Some("http"));
    }

    #[test]
    fn goose_and_continue_yaml_are_read() {
        let goose = "GOOSE_MODEL: gpt-4o\nextensions:\n  developer:\n    bundled: true\n    enabled: true\n    name: developer\n    type: builtin\n  \
            fetch:\n    name: fetch\n    cmd: uvx\n    args: [mcp-server-fetch]\n    enabled: true\n    envs: {}\n    env_keys: [TOKEN]\n    type: stdio\n  \
            far:\n    type: streamable_http\n    uri: https://g.example/mcp\n";
        let servers = parse(goose.as_bytes(), Format::Yaml, Shape::Extensions).unwrap();
        assert_eq!(names(&servers), ["far", "fetch"]);
        assert_eq!(servers[1].env_names, ["TOKEN"]);
        assert_eq!(servers[0].transport, Some("http"));
        let continues = "name: My Config\nversion: 0.0.1\nmcpServers:\n  - name: sqlite\n    command: npx\n    args:\n      - -y\n      - mcp-sqlite\n    env:\n      NAME: x\n";
        let servers = parse(continues.as_bytes(), Format::Yaml, Shape::Usual).unwrap();
        assert_eq!(names(&servers), ["sqlite"]);
    }

    #[test]
    fn a_plugin_may_write_the_map_alone() {
        assert_eq!(
            names(&json(r#"{"db": {"command": "${CLAUDE_PLUGIN_ROOT}/server"}}"#, Shape::Flat)),
            ["db"]
        );
        assert_eq!(names(&json(r#"{"mcpServers": {"db": {"command": "x"}}}"#, Shape::Flat)), ["db"]);
    }

    #[test]
    fn servers_that_act_unasked_are_flagged() {
        let servers = json(
            r#"{"mcpServers": {"a": {"command": "x", "trust": true}, "b": {"command": "x", "autoApprove": ["*"]},
                "c": {"command": "x", "autoApprove": ["read"]}}}"#,
            Shape::Usual,
        );
        let flagged: Vec<bool> =
            servers.iter().map(|s| s.flags.contains(&RiskFlag::ApprovalBypass)).collect();
        assert_eq!(flagged, [true, true, false]);
    }

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

    #[test]
    fn a_document_that_is_no_map_is_malformed() {
        assert_eq!(parse(b"[1]", Format::Json, Shape::Usual), Err(Trouble::Malformed));
        assert_eq!(parse(b"", Format::Json, Shape::Usual), Ok(vec![]));
    }
}
