//! MCP client configurations: which servers each client is told to start or to connect to.
//!
//! A server is never started and never contacted. Every one counts as AI: it is matched by its package, then by
//! its host, and else stands under the rule for MCP servers as such.

mod launch;
mod secret;
mod shape;

use std::io::BufReader;
use std::path::Path;

use umbrascope_api::ItemDetails;
use umbrascope_rules::{RuleRef, SoftwareKind};

use super::document::{CONFIG_BYTES, Format};
use super::safe::Dir;
use super::source::{Found, Source};
use super::userdata;
use super::walk::Hits;
use launch::Registry;
use shape::{Server, Shape};

use Format::{Json, Toml, Yaml};

/// Files of one client at a fixed place below a home.
const IN_HOME: &[(&str, &str, Format, Shape)] = &[
    ("Claude Desktop", ".config/Claude/claude_desktop_config.json", Json, Shape::Usual),
    ("Claude Desktop", "Library/Application Support/Claude/claude_desktop_config.json", Json, Shape::Usual),
    ("Claude Desktop", "AppData/Roaming/Claude/claude_desktop_config.json", Json, Shape::Usual),
    // Packaged apps have their roaming folder redirected.
    (
        "Claude Desktop",
        "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude/claude_desktop_config.json",
        Json,
        Shape::Usual,
    ),
    ("Claude Code", ".claude.json", Json, Shape::Usual),
    ("Claude Code", ".claude/settings.json", Json, Shape::Usual),
    ("Claude Code", ".claude/settings.local.json", Json, Shape::Usual),
    ("Codex", ".codex/config.toml", Toml, Shape::Usual),
    ("Gemini CLI", ".gemini/settings.json", Json, Shape::Usual),
    ("Antigravity", ".gemini/antigravity/mcp_config.json", Json, Shape::Usual),
    ("Antigravity", ".gemini/config/mcp_config.json", Json, Shape::Usual),
    ("Cursor", ".cursor/mcp.json", Json, Shape::Usual),
    ("Windsurf", ".codeium/windsurf/mcp_config.json", Json, Shape::Usual),
    ("Windsurf", ".codeium/mcp_config.json", Json, Shape::Usual),
    ("Cline", ".cline/data/settings/cline_mcp_settings.json", Json, Shape::Usual),
    ("Copilot CLI", ".copilot/mcp-config.json", Json, Shape::Usual),
    ("Amazon Q", ".aws/amazonq/mcp.json", Json, Shape::Usual),
    ("Amazon Q", ".aws/amazonq/agents/default.json", Json, Shape::Usual),
    ("Kiro", ".kiro/settings/mcp.json", Json, Shape::Usual),
    ("Continue", ".continue/config.yaml", Yaml, Shape::Usual),
    ("Continue", ".continue/config.json", Json, Shape::Usual),
    ("Zed", ".config/zed/settings.json", Json, Shape::Usual),
    ("Zed", "Library/Application Support/Zed/settings.json", Json, Shape::Usual),
    ("Zed", ".var/app/dev.zed.Zed/config/zed/settings.json", Json, Shape::Usual),
    ("opencode", ".config/opencode/opencode.json", Json, Shape::Mcp),
    ("opencode", ".config/opencode/opencode.jsonc", Json, Shape::Mcp),
    ("opencode", ".config/opencode/config.json", Json, Shape::Mcp),
    ("Crush", ".config/crush/crush.json", Json, Shape::Mcp),
    ("Crush", ".local/share/crush/crush.json", Json, Shape::Mcp),
    ("Crush", "AppData/Local/crush/crush.json", Json, Shape::Mcp),
    ("Goose", ".config/goose/config.yaml", Yaml, Shape::Extensions),
    ("Goose", "AppData/Roaming/Block/goose/config/config.yaml", Yaml, Shape::Extensions),
    ("Amp", ".config/amp/settings.json", Json, Shape::Usual),
    ("MCPorter", ".mcporter/mcporter.json", Json, Shape::Usual),
    ("MCPorter", ".mcporter/mcporter.jsonc", Json, Shape::Usual),
    ("LM Studio", ".lmstudio/mcp.json", Json, Shape::Usual),
    ("LM Studio", ".cache/lm-studio/mcp.json", Json, Shape::Usual),
    ("Junie", ".junie/mcp/mcp.json", Json, Shape::Usual),
    ("Droid", ".factory/mcp.json", Json, Shape::Usual),
    ("Qwen Code", ".qwen/settings.json", Json, Shape::Usual),
    ("iFlow CLI", ".iflow/settings.json", Json, Shape::Usual),
    ("Trae", ".trae/mcp.json", Json, Shape::Usual),
    ("Roo Code", ".roo/mcp.json", Json, Shape::Usual),
    ("Visual Studio", ".mcp.json", Json, Shape::Servers),
];

/// Files that administrators put down for everybody.
const MANAGED: &[(&str, &str, Format, Shape)] = &[
    ("Claude Code", "etc/claude-code/managed-mcp.json", Json, Shape::Usual),
    ("Claude Code", "etc/claude-code/managed-settings.json", Json, Shape::Usual),
    ("Claude Code", "Library/Application Support/ClaudeCode/managed-mcp.json", Json, Shape::Usual),
    ("Claude Code", "Program Files/ClaudeCode/managed-mcp.json", Json, Shape::Usual),
    ("Codex", "etc/codex/config.toml", Toml, Shape::Usual),
    ("Codex", "ProgramData/OpenAI/Codex/config.toml", Toml, Shape::Usual),
    ("Gemini CLI", "etc/gemini-cli/settings.json", Json, Shape::Usual),
    ("opencode", "etc/opencode/opencode.json", Json, Shape::Mcp),
    ("opencode", "ProgramData/opencode/opencode.json", Json, Shape::Mcp),
];

/// Files below the user data folder of an editor of the VS Code family; `None`: the editor itself.
const IN_USERDATA: &[(Option<&str>, &str, Shape)] = &[
    (None, "User/mcp.json", Shape::Servers),
    (None, "User/settings.json", Shape::Usual),
    (
        Some("Cline"),
        "User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        Shape::Usual,
    ),
    (
        Some("Roo Code"),
        "User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json",
        Shape::Usual,
    ),
    (
        Some("Roo Code"),
        "User/globalStorage/rooveterinaryinc.roo-cline/settings/cline_mcp_settings.json",
        Shape::Usual,
    ),
    (Some("Kilo Code"), "User/globalStorage/kilocode.kilo-code/settings/mcp_settings.json", Shape::Usual),
];

/// Files of a project, below its own folder.
pub(super) const IN_PROJECT: &[(&str, &str, Format)] = &[
    ("Claude Code", ".mcp.json", Json),
    ("Cursor", ".cursor/mcp.json", Json),
    ("VS Code", ".vscode/mcp.json", Json),
    ("Codex", ".codex/config.toml", Toml),
    ("Gemini CLI", ".gemini/settings.json", Json),
    ("Roo Code", ".roo/mcp.json", Json),
    ("Kilo Code", ".kilocode/mcp.json", Json),
    ("Kiro", ".kiro/settings/mcp.json", Json),
    ("Amazon Q", ".amazonq/mcp.json", Json),
    ("Zed", ".zed/settings.json", Json),
    ("Junie", ".junie/mcp/mcp.json", Json),
    ("opencode", "opencode.json", Json),
    ("opencode", "opencode.jsonc", Json),
    ("Crush", "crush.json", Json),
    ("Crush", ".crush.json", Json),
];

/// Most folders looked through for the files of plugins.
const PLUGIN_DIRS: usize = 2_000;
/// Deepest folder of a plugin below the cache: marketplace, plugin, version, and one more.
const PLUGIN_DEPTH: usize = 4;

pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for (client, path, format, shape) in MANAGED {
        read_file(root, Path::new(path), client, *format, *shape, source);
    }
}

pub(super) fn read_home(home: &Dir, hits: &Hits, source: &mut Source<'_>) {
    for (client, path, format, shape) in IN_HOME {
        read_file(home, Path::new(path), client, *format, *shape, source);
    }
    for (editor, folder) in userdata::folders(home) {
        for (client, path, shape) in IN_USERDATA {
            read_file(&folder, Path::new(path), client.unwrap_or(editor), Json, *shape, source);
        }
        for profile in userdata::profiles(&folder) {
            read_file(&folder, &profile.join("mcp.json"), editor, Json, Shape::Servers, source);
        }
    }
    read_folder(home, ".continue/mcpServers", "Continue", source);
    read_folder(home, ".aws/amazonq/cli-agents", "Amazon Q", source);
    if let Some(cache) = source.note(home.dir(".claude/plugins/cache"), || "~/.claude/plugins/cache".into()) {
        let mut left = PLUGIN_DIRS;
        read_plugins(&cache, 0, &mut left, source);
    }
    for hit in &hits.mcp_files {
        let (client, _, format) = IN_PROJECT[hit.which];
        let shape = match client {
            "VS Code" => Shape::Servers,
            "opencode" | "Crush" => Shape::Mcp,
            "Claude Code" => Shape::Flat,
            _ => Shape::Usual,
        };
        read_file(home, &hit.path, client, format, shape, source);
    }
}

fn read_folder(home: &Dir, path: &str, client: &str, source: &mut Source<'_>) {
    let Some(folder) = source.note(home.dir(path), || format!("~/{path}")) else { return };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries {
        let Some(name) = entry.text() else { continue };
        let format = match name.rsplit('.').next() {
            Some("yaml" | "yml") => Yaml,
            Some("json") => Json,
            _ => continue,
        };
        read_file(&folder, Path::new(name), client, format, Shape::Usual, source);
    }
}

fn read_plugins(folder: &Dir, depth: usize, left: &mut usize, source: &mut Source<'_>) {
    if *left == 0 {
        return source.trouble(super::safe::Trouble::TooLarge, folder.shown());
    }
    *left -= 1;
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries {
        let Some(name) = entry.text() else { continue };
        if name == ".mcp.json" {
            read_file(folder, Path::new(name), "Claude Code", Json, Shape::Flat, source);
        } else if entry.kind == super::safe::FileType::Directory
            && depth < PLUGIN_DEPTH
            && !name.starts_with('.')
            && name != "node_modules"
            && let Some(below) = source.note(folder.dir(name), || folder.shown_child(name))
        {
            read_plugins(&below, depth + 1, left, source);
        }
    }
}

fn read_file(base: &Dir, path: &Path, client: &str, format: Format, shape: Shape, source: &mut Source<'_>) {
    let location = || base.shown_child(path);
    let Some(file) = source.note(base.file(path, CONFIG_BYTES), location) else { return };
    let owner = file.uid;
    let servers = if shape::fits(file.len) {
        file.bytes().and_then(|bytes| shape::parse(&bytes, format, shape))
    } else if format == Json {
        shape::parse_large(BufReader::new(file.reader(CONFIG_BYTES)), shape)
    } else {
        Err(super::safe::Trouble::TooLarge)
    };
    for server in source.note(servers, location).into_iter().flatten() {
        let rule = rule_for(&server, source);
        let package = server.package;
        let version = package.as_ref().and_then(|p| p.version.clone()).filter(|version| !version.is_empty());
        let details = ItemDetails {
            client: Some(client.to_owned()),
            location: Some(location()),
            transport: server.transport.map(str::to_owned),
            package: package.map(|package| package.name),
            command: server.command,
            host: server.host,
            env_names: server.env_names,
            enabled: server.enabled,
            ..ItemDetails::default()
        };
        let flags = server.flags;
        source.take(
            rule,
            Found { value: server.name, version, details, flags, owner: Some(owner), ..Found::default() },
        );
    }
}

fn rule_for<'a>(server: &Server, source: &Source<'a>) -> &'a RuleRef {
    let matcher = source.matcher();
    let package = server.package.as_ref();
    let host = server.host.as_deref();
    let by_registry = |registry| match registry {
        Registry::Npm => SoftwareKind::Npm,
        Registry::Pypi => SoftwareKind::Pypi,
        Registry::Image => SoftwareKind::ContainerImage,
    };
    package
        .and_then(|package| matcher.software(SoftwareKind::McpPackage, &package.name))
        .or_else(|| host.and_then(|host| matcher.software(SoftwareKind::McpHost, host)))
        .or_else(|| package.and_then(|p| matcher.software(by_registry(p.registry), &p.name)))
        .or_else(|| host.and_then(|host| matcher.name(host)))
        .unwrap_or_else(|| matcher.fallback_mcp())
}
