//! The shapes in which clients write down their MCP servers, read into one.

use std::cell::Cell;

use serde_json::Value;

use super::entry::{Server, of_extension, server};
use super::launch;
use crate::scan::bounded::{self, Wanted};
use crate::scan::document::{self, Format, TREE_BYTES};
use crate::scan::safe::Trouble;

/// Most servers taken from one file.
const SERVERS: usize = 500;

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
    /// The manifest of one desktop extension (MCPB): `name`, `version`, `server.mcp_config`.
    Bundle,
    /// The manifest of an extension of Zed: `version`, and `context_servers` that the extension itself knows how to start.
    Extension,
    /// `registry`: the servers of a catalogue that are switched on, by name (Docker).
    Registry,
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
    "amp",
    "chat.mcp",
    "mcpServer",
    "disabledMcpServers",
];

/// And of the objects below `projects`, whose keys are folders.
const WANTED: Wanted<'_> = Wanted { keys: &KEYS, map: Some("projects") };

/// Reads the servers of a file.
pub(super) fn parse(bytes: &[u8], format: Format, shape: Shape) -> Result<Vec<Server>, Trouble> {
    let value = match format {
        Format::Json if !matches!(shape, Shape::Flat | Shape::Bundle) => {
            match bounded::members_of(bytes, WANTED) {
                Some(value) => value,
                None => document::parse(bytes, format)?,
            }
        }
        _ => document::parse(bytes, format)?,
    };
    of_value(&value, shape)
}

/// The servers of what another parser made a value of.
pub(super) fn of_value(value: &Value, shape: Shape) -> Result<Vec<Server>, Trouble> {
    let mut servers = Vec::new();
    collect(value, shape, &mut servers)?;
    Ok(servers)
}

/// Whether a file is small enough for the parsers that need the whole of it.
pub(super) fn fits(len: u64) -> bool {
    len <= TREE_BYTES as u64
}

/// A file that is large because its client keeps a history in it: strict JSON only, read piece by piece.
pub(super) fn parse_large(reader: impl std::io::Read, shape: Shape) -> Result<Vec<Server>, Trouble> {
    of_value(&bounded::members(reader, WANTED)?, shape)
}

fn collect(value: &Value, shape: Shape, servers: &mut Vec<Server>) -> Result<(), Trouble> {
    let Some(top) = value.as_object() else {
        return if value.is_null() { Ok(()) } else { Err(Trouble::Malformed) };
    };
    match shape {
        Shape::Bundle => {
            servers.extend(bundle(value));
            return Ok(());
        }
        Shape::Extension => {
            let version = top.get("version").and_then(Value::as_str);
            let named = top.get("context_servers").and_then(Value::as_object).into_iter().flatten();
            servers.extend(
                named
                    .take(SERVERS)
                    .map(|(name, _)| Server { version: version.map(str::to_owned), ..Server::named(name) }),
            );
            return Ok(());
        }
        Shape::Registry => {
            let names = top.get("registry").and_then(Value::as_object).into_iter().flatten();
            servers.extend(names.take(SERVERS).map(|(name, _)| of_registry(name)));
            return Ok(());
        }
        _ => {}
    }
    let known = Cell::new(false);
    if let Some(group) = top.get("context_servers") {
        known.set(true);
        let read: Read = |name, value| server(name, value).or_else(|| of_extension(name, value));
        collect_group(group, read, servers)?;
    }
    let take = |group: Option<&Value>, servers: &mut Vec<Server>| match group {
        Some(group) => {
            known.set(true);
            collect_group(group, server, servers)
        }
        None => Ok(()),
    };
    for key in ["mcpServers", "mcp_servers", "mcp.servers", "amp.mcpServers"] {
        take(top.get(key), servers)?;
    }
    take(top.get("mcp").and_then(|mcp| mcp.get("servers")), servers)?;
    take(top.get("amp").and_then(|amp| amp.get("mcpServers")), servers)?;
    if let Some(projects) = top.get("projects").and_then(Value::as_object) {
        for (folder, project) in projects {
            let before = servers.len();
            take(project.get("mcpServers"), servers)?;
            let off = project.get("disabledMcpServers");
            for server in servers.iter_mut().skip(before) {
                server.project = Some(folder.clone());
                if lists(off, &server.name) {
                    server.enabled = Some(false);
                }
            }
        }
    }
    match shape {
        Shape::Usual => {}
        Shape::Servers => take(top.get("servers"), servers)?,
        Shape::Mcp => take(top.get("mcp"), servers)?,
        Shape::Extensions => take(top.get("extensions"), servers)?,
        // Visual Studio writes `servers` into the file where others write the map itself, in which a server may have that name.
        Shape::Flat if !known.get() => {
            for key in ["servers", "mcp", "extensions"] {
                take(top.get(key), servers)?;
            }
            if servers.is_empty() {
                collect_group(value, server, servers)?;
            }
        }
        Shape::Flat | Shape::Bundle | Shape::Extension | Shape::Registry => {}
    }
    // Gemini CLI: those that may be used, and those that may not.
    let allowed = top.get("mcp").and_then(|mcp| mcp.get("allowed"));
    let allowed = allowed.filter(|list| list.as_array().is_some_and(|list| !list.is_empty()));
    let excluded = top.get("mcp").and_then(|mcp| mcp.get("excluded"));
    for server in servers.iter_mut() {
        let refused = allowed.is_some_and(|allowed| !lists(Some(allowed), &server.name));
        if refused || lists(excluded, &server.name) {
            server.enabled = Some(false);
        }
    }
    Ok(())
}

fn lists(list: Option<&Value>, name: &str) -> bool {
    list.and_then(Value::as_array).is_some_and(|list| list.iter().any(|entry| entry.as_str() == Some(name)))
}

/// The server of a desktop extension. Where the client itself runs it (`uv`), there is no line to read.
fn bundle(manifest: &Value) -> Option<Server> {
    let name = manifest.get("name")?.as_str()?;
    let part = manifest.get("server")?;
    let config = part.get("mcp_config").and_then(|config| server(name, config));
    let mut found = config.unwrap_or_else(|| Server {
        transport: Some("stdio"),
        command: part.get("type").and_then(Value::as_str).and_then(launch::basename),
        ..Server::named(name)
    });
    found.version = manifest.get("version").and_then(Value::as_str).map(str::to_owned);
    Some(found)
}

/// A server that Docker runs from its own catalogue.
fn of_registry(name: &str) -> Server {
    Server {
        transport: Some("stdio"),
        command: Some("docker".to_owned()),
        enabled: Some(true),
        ..Server::named(name)
    }
}

/// Whether the settings of a desktop extension have it switched on. They may hold secrets: nothing else is kept.
pub(super) fn is_enabled(bytes: &[u8]) -> Option<bool> {
    #[derive(serde::Deserialize)]
    struct Settings {
        #[serde(rename = "isEnabled")]
        is_enabled: Option<bool>,
    }
    serde_json::from_slice::<Settings>(bytes).ok()?.is_enabled
}

/// Reads one entry of a group.
type Read = fn(&str, &Value) -> Option<Server>;

/// A map from name to server, or a list of servers with a name.
fn collect_group(group: &Value, read: Read, servers: &mut Vec<Server>) -> Result<(), Trouble> {
    let named: Vec<(&str, &Value)> = match group {
        Value::Object(map) => map.iter().map(|(name, value)| (name.as_str(), value)).collect(),
        Value::Array(list) => list
            .iter()
            .filter_map(|item| {
                let name = ["name", "id", "key"].iter().find_map(|key| item.get(*key)?.as_str())?;
                Some((name, item))
            })
            .collect(),
        _ => return Ok(()),
    };
    for (name, value) in named {
        if servers.len() == SERVERS {
            return Err(Trouble::TooLarge);
        }
        servers.extend(read(name, value));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use umbrascope_api::RiskFlag;

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
    fn a_file_of_a_project_has_its_map_under_a_key_or_is_the_map() {
        let flat = |text| json(text, Shape::Flat).into_iter().map(|server| server.name).collect::<Vec<_>>();
        assert_eq!(flat(r#"{"inputs": [], "servers": {"a": {"command": "x"}}}"#), ["a"]);
        assert_eq!(flat(r#"{"mcpServers": {"b": {"command": "x"}}}"#), ["b"]);
        assert_eq!(flat(r#"{"servers": {"command": "x"}, "c": {"command": "y"}}"#), ["c", "servers"]);
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
                "new": {"source": "custom", "command": "uvx", "args": ["m"], "env": {}}, "mcp-server-github": {"settings": {"github_personal_access_token": "ghp_0123456789abcdefghijABCDEFGHIJ012345"}},
                "mcp-server-linear": {"source": "extension", "enabled": false, "settings": {}}, "neither": {"enabled": true}}}"#,
            Shape::Usual,
        );
        // Two are brought along by extensions.
        assert_eq!(names(&zed), ["mcp-server-github", "mcp-server-linear", "new", "old"]);
        assert_eq!(zed[0].flags, [RiskFlag::PlainTextSecret]);
        assert_eq!((zed[1].enabled, zed[1].flags.len()), (Some(false), 0));
        assert_eq!(zed[3].package.as_ref().unwrap().version.as_deref(), Some("1.0.0"));
        assert_eq!(zed[3].env_names, ["K"]);
        let manifest =
            b"id = \"mcp-server-github\"\nversion = \"0.1.0\"\n[context_servers.mcp-server-github]\n";
        let extension = parse(manifest, Format::Toml, Shape::Extension).unwrap();
        assert_eq!(names(&extension), ["mcp-server-github"]);
        assert_eq!(extension[0].version.as_deref(), Some("0.1.0"));
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
    fn a_project_and_what_is_switched_off_are_told() {
        let text = r#"{"mcpServers": {"a": {"command": "x"}, "b": {"command": "x"}}, "mcp": {"excluded": ["b"]},
            "projects": {"/home/kim/p": {"mcpServers": {"c": {"command": "x"}, "d": {"command": "x"}}, "disabledMcpServers": ["d"]}}}"#;
        let servers = json(text, Shape::Usual);
        let told = |name: &str| {
            let server = servers.iter().find(|server| server.name == name).unwrap();
            (server.project.as_deref(), server.enabled)
        };
        assert_eq!(told("a"), (None, None));
        assert_eq!(told("b"), (None, Some(false)));
        assert_eq!(told("c"), (Some("/home/kim/p"), None));
        assert_eq!(told("d"), (Some("/home/kim/p"), Some(false)));
        let ire = json(
            r#"{"servers": [{"key": "k", "command": "npx", "args": ["-y", "m"], "isActive": false}]}"#,
            Shape::Servers,
        );
        assert_eq!((names(&ire), ire[0].enabled), (vec!["k"], Some(false)));
    }

    #[test]
    fn a_desktop_extension_is_one_server_and_a_registry_names_many() {
        let text = r#"{"manifest_version": "0.3", "name": "files", "version": "0.2.2", "author": {"name": "A"}, "server": {"type": "node",
            "entry_point": "dist/index.js", "mcp_config": {"command": "node", "args": ["${__dirname}/dist/index.js", "${user_config.dirs}"],
            "env": {"API_KEY": "${user_config.api_key}"}}}}"#;
        let servers = json(text, Shape::Bundle);
        let files = &servers[0];
        assert_eq!((files.name.as_str(), files.version.as_deref()), ("files", Some("0.2.2")));
        assert_eq!(
            (files.command.as_deref(), &files.env_names[..]),
            (Some("node"), &["API_KEY".to_owned()][..])
        );
        assert!(files.flags.is_empty());
        let uv = json(r#"{"name": "u", "server": {"type": "uv", "entry_point": "s.py"}}"#, Shape::Bundle);
        assert_eq!(uv[0].command.as_deref(), Some("uv"));
        assert_eq!(is_enabled(br#"{"isEnabled": false, "userConfig": {"k": "v"}}"#), Some(false));
        let registry = parse(
            b"registry:\n  duckduckgo:\n    ref: \"\"\n  time:\n    ref: \"\"\n",
            Format::Yaml,
            Shape::Registry,
        );
        assert_eq!(names(&registry.unwrap()), ["duckduckgo", "time"]);
    }

    #[test]
    fn every_prefix_of_a_file_is_read_without_a_panic() {
        let text = r#"{"name": "x", "server": {"type": "uv"}, "registry": {"r": {}}, "mcpServers": {"a": {"command": "npx", "args": ["-y", "@s/p@1.0.0"]}}}"#;
        for shape in [
            Shape::Usual,
            Shape::Servers,
            Shape::Mcp,
            Shape::Extensions,
            Shape::Flat,
            Shape::Bundle,
            Shape::Registry,
        ] {
            for end in 0..text.len() {
                for format in [Format::Json, Format::Toml, Format::Yaml] {
                    drop(parse(&text.as_bytes()[..end], format, shape));
                }
            }
        }
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
    fn a_document_that_is_no_map_is_malformed() {
        assert_eq!(parse(b"[1]", Format::Json, Shape::Usual), Err(Trouble::Malformed));
        assert_eq!(parse(b"", Format::Json, Shape::Usual), Ok(vec![]));
    }
}
