//! AI assistants by what they leave in a home, and how freely they may act.
//!
//! Many come without any package manager: what is always there is their folder or settings file. Which names mean
//! an assistant is the catalogue's knowledge; here are only the places where such names stand, and the settings that
//! let an assistant act without asking.

use std::collections::BTreeMap;

use serde_json::Value;
use umbrascope_api::RiskFlag;
use umbrascope_rules::SoftwareKind;

use super::document::{self, Format, TREE_BYTES};
use super::safe::{Dir, FileType, Trouble};
use super::source::{Found, Source};
use super::userdata;

/// Folders of a home whose entries may be an assistant's own. Of the home itself only hidden names are asked for.
const PLACES: &[&str] = &[
    "",
    ".config",
    ".local/share",
    ".local/state",
    "Library/Application Support",
    "AppData/Roaming",
    "AppData/Local",
    // Assistants that share a folder with another, or keep their versions in one.
    ".gemini",
    ".aws",
    ".local/share/claude",
    ".local/share/cursor-agent",
    ".local/share/gh/extensions",
    ".local/share/uv/tools",
    ".config/goose",
    ".config/github-copilot",
    ".opencode",
    ".grok",
    ".pi",
    ".omp",
    ".codex",
    ".cline/data",
    ".copilot",
    ".claude",
];

/// Folders in which each entry is one installed version: the program and where its versions are.
const VERSIONS: &[(&str, &str)] =
    &[("~/.claude", ".local/share/claude/versions"), ("~/.cursor", ".local/share/cursor-agent/versions")];

/// A setting that switches questions off: which assistant (by its path), the file, and the test.
type Test = fn(&Value) -> bool;
const PERMISSIONS: &[(&str, &str, Format, Test)] = &[
    ("~/.claude", ".claude/settings.json", Format::Json, claude),
    ("~/.claude", ".claude/settings.local.json", Format::Json, claude),
    ("~/.codex", ".codex/config.toml", Format::Toml, codex),
    ("~/.gemini", ".gemini/settings.json", Format::Json, gemini),
    ("~/.qwen", ".qwen/settings.json", Format::Json, gemini),
    ("~/.kimi", ".kimi/config.toml", Format::Toml, kimi),
    ("~/.config/opencode", ".config/opencode/opencode.json", Format::Json, opencode),
    ("~/.config/opencode", ".config/opencode/opencode.jsonc", Format::Json, opencode),
    ("~/.config/goose", ".config/goose/config.yaml", Format::Yaml, goose),
    ("~/.config/amp", ".config/amp/settings.json", Format::Json, amp),
    ("~/.aider.conf.yml", ".aider.conf.yml", Format::Yaml, aider),
    ("~/.cursor", ".cursor/cli-config.json", Format::Json, cursor),
    ("~/.config/crush", ".config/crush/crush.json", Format::Json, crush),
];

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    let mut flags: BTreeMap<&str, Vec<RiskFlag>> = BTreeMap::new();
    for (assistant, path, format, test) in PERMISSIONS {
        let Some(value) = read(home, path, *format, source) else { continue };
        if test(&value) {
            flags.entry(assistant).or_default().push(RiskFlag::ApprovalBypass);
        }
    }
    for place in PLACES {
        let opened = if place.is_empty() { Ok(home.clone()) } else { home.dir(place) };
        let Some(folder) = source.note(opened, || format!("~/{place}")) else { continue };
        let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else {
            continue;
        };
        if let Some(trouble) = trouble {
            source.trouble(trouble, folder.shown());
        }
        let around = source.rule(SoftwareKind::ConfigPath, &format!("~/{place}"));
        for entry in entries {
            let Some(name) = entry.text() else { continue };
            if place.is_empty() && !name.starts_with('.') {
                continue;
            }
            let path = if place.is_empty() { format!("~/{name}") } else { format!("~/{place}/{name}") };
            let rule = source.rule(SoftwareKind::ConfigPath, &path);
            // What stands in an assistant's own folder says nothing new about the same assistant.
            let Some(rule) = rule.filter(|rule| around.is_none_or(|around| around.product != rule.product))
            else {
                source.pass();
                continue;
            };
            let Some(look) = source.note(folder.look(name), || path.clone()) else { continue };
            let mut found = Found::new(path.clone()).version(version(home, &path)).at(path.clone(), look.uid);
            found.flags = flags.get(path.as_str()).cloned().unwrap_or_default();
            source.take(rule, found);
        }
    }
    read_editors(home, source);
}

/// Editors whose own assistant was told not to ask.
fn read_editors(home: &Dir, source: &mut Source<'_>) {
    for (editor, folder) in userdata::folders(home) {
        let path = "User/settings.json";
        let Some(value) = read(&folder, path, Format::Json, source) else { continue };
        let extension = match value {
            value if roo(&value) => "rooveterinaryinc.roo-cline",
            value if vs_code(&value) => "github.copilot-chat",
            _ => continue,
        };
        let Some(rule) = source.rule(SoftwareKind::VscodeExtension, extension) else { continue };
        let mut found = Found::new(extension).at(folder.shown_child(path), folder.uid());
        found.details.client = Some(editor.to_owned());
        found.flags.push(RiskFlag::ApprovalBypass);
        source.take(rule, found);
    }
}

fn version(home: &Dir, path: &str) -> Option<String> {
    let (_, versions) = VERSIONS.iter().find(|(assistant, _)| *assistant == path)?;
    let (entries, _) = home.dir(versions).ok()?.entries().ok()?;
    let number =
        |name: &str| name.split(['.', '-']).map(|part| part.parse().unwrap_or(0)).collect::<Vec<u64>>();
    let installed =
        entries.iter().filter(|entry| entry.kind != FileType::Symlink).filter_map(|entry| entry.text());
    installed
        .filter(|name| name.starts_with(|c: char| c.is_ascii_digit()))
        .max_by_key(|name| number(name))
        .map(str::to_owned)
}

fn read(base: &Dir, path: &str, format: Format, source: &mut Source<'_>) -> Option<Value> {
    let parsed = match base.read(path, TREE_BYTES as u64) {
        Ok(bytes) => document::parse(&bytes, format),
        Err(trouble) => Err(trouble),
    };
    match parsed {
        Ok(value) => Some(value),
        Err(Trouble::Absent) => None,
        Err(trouble) => {
            source.trouble(trouble, base.shown_child(path));
            None
        }
    }
}

/// Claude Code: `permissions.defaultMode` is `bypassPermissions`, or every shell command is allowed.
fn claude(value: &Value) -> bool {
    let permissions = &value["permissions"];
    let all = ["Bash", "Bash(*)", "Bash(:*)", "*"];
    permissions["defaultMode"] == "bypassPermissions" || holds(&permissions["allow"], &all)
}

/// Codex: `approval_policy = "never"` or `sandbox_mode = "danger-full-access"`, at the top or in a profile.
fn codex(value: &Value) -> bool {
    let free =
        |table: &Value| table["approval_policy"] == "never" || table["sandbox_mode"] == "danger-full-access";
    free(value) || value["profiles"].as_object().is_some_and(|profiles| profiles.values().any(free))
}

/// Gemini CLI and Qwen Code: the shell allowed without a question, or the approval mode `yolo`. Gemini CLI itself
/// takes that mode from its command line only; its forks take it from the file.
fn gemini(value: &Value) -> bool {
    value["general"]["defaultApprovalMode"] == "yolo"
        || value["tools"]["approvalMode"] == "yolo"
        || value["approvalMode"] == "yolo"
        || holds(&value["tools"]["allowed"], &["run_shell_command", "ShellTool"])
}

/// Kimi CLI: `default_yolo`.
fn kimi(value: &Value) -> bool {
    value["default_yolo"] == true
}

/// opencode: `permission` allows all, or shell commands. Without the setting it is its own default, which is told
/// by its presence.
fn opencode(value: &Value) -> bool {
    let permission = &value["permission"];
    permission == "allow"
        || permission["*"] == "allow"
        || permission["bash"] == "allow"
        || permission["bash"]["*"] == "allow"
}

/// Goose: `GOOSE_MODE: auto`.
fn goose(value: &Value) -> bool {
    value["GOOSE_MODE"] == "auto"
}

/// Amp: `amp.dangerouslyAllowAll`.
fn amp(value: &Value) -> bool {
    value["amp.dangerouslyAllowAll"] == true
}

/// Aider: `yes-always`.
fn aider(value: &Value) -> bool {
    value["yes-always"] == true
}

/// The command line of Cursor: every shell command allowed.
fn cursor(value: &Value) -> bool {
    holds(&value["permissions"]["allow"], &["Shell(*)", "Shell(**)", "*"])
        || value["approvalMode"] == "unrestricted"
}

/// Crush: shell commands need no permission.
fn crush(value: &Value) -> bool {
    holds(&value["permissions"]["allowed_tools"], &["bash", "*"])
}

/// Copilot in VS Code: every tool approved beforehand.
fn vs_code(value: &Value) -> bool {
    value["chat.tools.autoApprove"] == true || value["chat.tools.global.autoApprove"] == true
}

/// Roo Code: every command allowed.
fn roo(value: &Value) -> bool {
    holds(&value["roo-cline.allowedCommands"], &["*"])
}

fn holds(list: &Value, words: &[&str]) -> bool {
    list.as_array()
        .is_some_and(|list| list.iter().filter_map(Value::as_str).any(|word| words.contains(&word)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn modes_that_ask_nothing_are_told_from_those_that_ask() {
        assert!(claude(&json!({"permissions": {"defaultMode": "bypassPermissions"}})));
        assert!(claude(&json!({"permissions": {"allow": ["Read", "Bash(*)"]}})));
        assert!(!claude(&json!({"permissions": {"defaultMode": "acceptEdits", "allow": ["Bash(ls:*)"]}})));
        assert!(codex(&json!({"approval_policy": "never"})));
        assert!(codex(&json!({"profiles": {"ci": {"sandbox_mode": "danger-full-access"}}})));
        assert!(!codex(&json!({"approval_policy": "on-request", "sandbox_mode": "workspace-write"})));
        assert!(gemini(&json!({"tools": {"approvalMode": "yolo"}})));
        assert!(!gemini(&json!({"general": {"defaultApprovalMode": "auto_edit"}})));
        assert!(kimi(&json!({"default_yolo": true})));
        assert!(opencode(&json!({"permission": {"bash": "allow"}})));
        assert!(!opencode(&json!({"permission": {"bash": {"*": "ask"}}})));
        assert!(goose(&json!({"GOOSE_MODE": "auto"})));
        assert!(!goose(&json!({"GOOSE_MODE": "approve"})));
        assert!(amp(&json!({"amp.dangerouslyAllowAll": true})));
        assert!(aider(&json!({"yes-always": true})));
        assert!(vs_code(&json!({"chat.tools.global.autoApprove": true})));
        assert!(!vs_code(&json!({"editor.fontSize": 12})));
    }
}
