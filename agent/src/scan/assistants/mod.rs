//! AI assistants by what they leave in a home: which there are, what model they are set to use and where it answers, how
//! freely they may act, and what they were given beyond themselves.
//!
//! Many come without any package manager: what is always there is their folder or settings file. Which names mean
//! an assistant is the catalogue's knowledge; here are only the places where such names stand ([`places`]), and what
//! the keys of their settings say ([`table`], [`keys`]). A new assistant is one more row there.

mod editors;
mod keys;
mod parts;
mod places;
mod settings;
mod table;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use umbrascope_api::{Channel, RiskFlag};
use umbrascope_rules::{RuleRef, SoftwareKind};

use super::document::{self, Format, TREE_BYTES};
use super::environment;
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};
use super::walk::Hits;
use settings::{Facts, is_loopback};
use table::{ASSISTANTS, Assistant};

/// Whether an assistant keeps a folder of this name in projects.
pub(super) fn is_project_folder(name: &str) -> bool {
    ASSISTANTS.iter().any(|assistant| assistant.project == Some(name))
}

/// What administrators put down for everybody.
pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for assistant in ASSISTANTS {
        let Some(rule) = rule_of(assistant, source) else { continue };
        for place in assistant.managed {
            let shown = format!("/{place}");
            let Some(folder) = source.note(root.dir(place), || shown.clone()) else { continue };
            let facts = read(&folder, None, assistant, source);
            if !facts.is_empty() {
                let found = Found::new(shown.clone()).at(shown, folder.uid());
                let found = Found { owner: None, ..tell(found, facts, assistant.own_models, rule, source) };
                source.take(rule, found);
            }
        }
    }
}

pub(super) fn read_home(home: &Dir, hits: &Hits, source: &mut Source<'_>) {
    let mut known: BTreeMap<&str, (&Assistant, Facts)> = BTreeMap::new();
    for assistant in ASSISTANTS {
        for place in assistant.places {
            let at = place.trim_start_matches("~/");
            let facts = match assistant.files {
                [""] => one_file(home, at, assistant, source),
                _ => match source.note(home.dir(at), || (*place).into()) {
                    Some(own) => read(&own, Some(home), assistant, source),
                    None => continue,
                },
            };
            known.insert(place, (assistant, facts));
        }
    }
    for place in places::PLACES {
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
            let version = places::version(home, &path);
            let mut found = Found::new(path.clone()).version(version).at(path.clone(), look.uid);
            if let Some((assistant, facts)) = known.remove(path.as_str()) {
                found = tell(found, facts, assistant.own_models, rule, source);
            }
            source.take(rule, found);
        }
    }
    read_moved(home, source);
    read_projects(home, hits, source);
    editors::read_home(home, source);
}

/// The folders of projects that a walk came across.
pub(super) fn read_projects(home: &Dir, hits: &Hits, source: &mut Source<'_>) {
    for path in &hits.assistant_folders {
        read_project(home, path, source);
    }
}

/// The folders of assistants that stand where a variable has them.
fn read_moved(home: &Dir, source: &mut Source<'_>) {
    for assistant in ASSISTANTS {
        for path in assistant.places.iter().flat_map(|place| environment::of_assistant(home, place)) {
            let Some(rule) = rule_of(assistant, source) else { continue };
            let location = home.shown_child(&path);
            let Some(own) = source.note(home.dir(&path), || location.clone()) else { continue };
            let facts = read(&own, Some(home), assistant, source);
            let found = Found::new(location.clone()).at(location, own.uid());
            let found = tell(found, facts, assistant.own_models, rule, source);
            source.take(rule, found);
        }
    }
}

/// What a project holds for an assistant: no proof that anybody here runs it, but what it would be given and allowed.
fn read_project(home: &Dir, path: &Path, source: &mut Source<'_>) {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return };
    let Some(own) = source.note(home.dir(path), || home.shown_child(path)) else { return };
    for assistant in ASSISTANTS.iter().filter(|assistant| assistant.project == Some(name)) {
        let Some(rule) = rule_of(assistant, source) else { continue };
        let facts = read(&own, None, assistant, source);
        if !facts.is_empty() {
            let found = Found::new(name).at(home.shown_child(path), own.uid());
            let found = tell(found, facts, assistant.own_models, rule, source);
            source.take_as(Channel::Manifest, rule, found);
        }
    }
}

/// The rule by which the catalogue knows an assistant, wherever its files stand.
fn rule_of<'a>(assistant: &Assistant, source: &Source<'a>) -> Option<&'a RuleRef> {
    assistant.places.iter().find_map(|place| source.rule(SoftwareKind::ConfigPath, place))
}

/// Reads the settings and the parts in one of an assistant's folders.
fn read(own: &Dir, home: Option<&Dir>, assistant: &Assistant, source: &mut Source<'_>) -> Facts {
    let mut facts = Facts::default();
    for file in assistant.files {
        let Some(file) = facts.named(file) else { continue };
        if let Some(document) = document_at(own, &file, source) {
            facts.read(&document, assistant.settings);
        }
    }
    for folder in assistant.parts {
        parts::read(own, home, folder, &mut facts, source);
    }
    facts
}

fn one_file(home: &Dir, path: &str, assistant: &Assistant, source: &mut Source<'_>) -> Facts {
    let mut facts = Facts::default();
    if let Some(document) = document_at(home, path, source) {
        facts.read(&document, assistant.settings);
    }
    facts
}

fn document_at(base: &Dir, path: &str, source: &mut Source<'_>) -> Option<Value> {
    let parsed = match base.read(path, TREE_BYTES as u64) {
        Ok(bytes) => parse(path, &bytes),
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

/// A settings file, by the ending of its name.
pub(super) fn parse(path: &str, bytes: &[u8]) -> Result<Value, Trouble> {
    match path.rsplit('.').next() {
        Some("toml") => document::parse(bytes, Format::Toml),
        Some("yaml" | "yml") => document::parse(bytes, Format::Yaml),
        Some("env" | "sgptrc") => variables(bytes),
        // One word that needs no more of a format.
        Some("txt") => Ok(String::from_utf8_lossy(bytes).trim().into()),
        _ => document::parse(bytes, Format::Json),
    }
}

/// `NAME=value` in lines, as a map.
fn variables(bytes: &[u8]) -> Result<Value, Trouble> {
    let text = std::str::from_utf8(bytes).map_err(|_| Trouble::Malformed)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.strip_prefix("export ").unwrap_or(line).split_once('='));
    let unquoted = |value: &str| value.trim().trim_matches(['"', '\'']).to_owned();
    Ok(Value::Object(pairs.map(|(name, value)| (name.trim().to_owned(), unquoted(value).into())).collect()))
}

/// Puts what was read of an assistant into what is reported. `own_models`: whether it is made for those of its own vendor.
fn tell(mut found: Found, facts: Facts, own_models: bool, rule: &RuleRef, source: &Source<'_>) -> Found {
    found.details.local = facts.local();
    if let Some(host) = &facts.host {
        let known = source.matcher().name(host);
        let custom = match own_models {
            // A server on this machine may pass everything on.
            true => known.is_none_or(|known| known.vendor != rule.vendor),
            false => known.is_none() && !is_loopback(host),
        };
        if custom {
            found.flags.push(RiskFlag::CustomEndpoint);
        }
    }
    let Facts { profile: _, provider, model, host, flags, parts } = facts;
    found.details.provider = provider;
    found.details.model = model;
    found.details.host = host;
    found.details.parts = parts;
    found.flags.extend(flags);
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(place: &str, document: Value) -> Facts {
        let assistant = ASSISTANTS.iter().find(|assistant| assistant.places.contains(&place)).unwrap();
        let mut facts = Facts::default();
        facts.read(&document, assistant.settings);
        facts
    }

    fn flags(place: &str, document: Value) -> Vec<RiskFlag> {
        facts(place, document).flags
    }

    #[test]
    fn modes_that_ask_nothing_are_told_from_those_that_ask() {
        let bypass = [
            ("~/.claude", json!({"permissions": {"defaultMode": "bypassPermissions"}})),
            ("~/.claude", json!({"permissions": {"allow": ["Read", "Bash(*)"]}})),
            ("~/.codex", json!({"approval_policy": "never"})),
            ("~/.gemini", json!({"tools": {"approvalMode": "yolo"}})),
            ("~/.kimi", json!({"default_yolo": true})),
            ("~/.kimi-code", json!({"default_permission_mode": "yolo"})),
            ("~/.config/opencode", json!({"permission": "allow"})),
            ("~/.config/opencode", json!({"permission": {"*": "allow"}})),
            ("~/.config/opencode", json!({"permission": {"bash": "allow"}})),
            ("~/.config/opencode", json!({"permission": {"bash": {"*": "allow"}}})),
            ("~/.config/goose", json!({"GOOSE_MODE": "auto"})),
            ("~/.config/amp", json!({"amp.dangerouslyAllowAll": true})),
            ("~/.aider.conf.yml", json!({"yes-always": true})),
            ("~/.copilot", json!({"defaultPermissionMode": "allow-all"})),
            ("~/.cursor", json!({"approvalMode": "unrestricted"})),
            ("~/.config/zed", json!({"agent": {"tool_permissions": {"default": "allow"}}})),
            ("~/.cline", json!({"yoloModeToggled": true})),
            (
                "~/.cline",
                json!({"autoApprovalSettings": {"enabled": true, "actions": {"executeAllCommands": true}}}),
            ),
            ("~/.hermes", json!({"approvals": {"mode": "off"}})),
            ("~/.rovodev", json!({"toolPermissions": {"tools": {"bash": {"default": "allow"}}}})),
            ("~/.qoder", json!({"general": {"defaultPermissionMode": "bypass_permissions"}})),
            ("~/.grok", json!({"ui": {"permission_mode": "always-approve"}})),
            ("~/.grok", json!({"ui": {"yolo": true}})),
            ("~/.grok", json!({"permission": {"allow": ["Read", "Bash(*)"]}})),
            (
                "~/.junie",
                json!({"rules": {"executables": {"rules": [{"prefix": "git", "action": "allow"}, {"pattern": "**", "action": "allow"}]}}}),
            ),
            ("~/.junie", json!({"rules": {"executables": {"rules": [{"prefix": "", "action": "allow"}]}}})),
            (
                "~/.config/warp-terminal",
                json!({"agents": {"execution_profiles": {"default": {"execute_commands": "always_allow"}}}}),
            ),
        ];
        for (place, document) in bypass {
            assert_eq!(flags(place, document.clone()), [RiskFlag::ApprovalBypass], "{place} {document}");
        }
        let asking = [
            ("~/.claude", json!({"permissions": {"defaultMode": "acceptEdits", "allow": ["Bash(ls:*)"]}})),
            ("~/.codex", json!({"approval_policy": "on-request", "sandbox_mode": "workspace-write"})),
            ("~/.gemini", json!({"general": {"defaultApprovalMode": "auto_edit"}})),
            (
                "~/.config/opencode",
                json!({"permission": {"bash": {"*": "ask", "ls": "allow"}, "edit": "allow"}}),
            ),
            ("~/.config/goose", json!({"GOOSE_MODE": "approve"})),
            ("~/.copilot", json!({"defaultPermissionMode": "assisted"})),
            (
                "~/.cline",
                json!({"autoApprovalSettings": {"enabled": true, "actions": {"executeSafeCommands": true, "editFiles": true}}}),
            ),
            // As a version wrote it in which all of it could be switched off.
            (
                "~/.cline",
                json!({"autoApprovalSettings": {"enabled": false, "actions": {"executeAllCommands": true}}}),
            ),
            ("~/.hermes", json!({"approvals": {"mode": "smart"}})),
            ("~/.rovodev", json!({"toolPermissions": {"tools": {"bash": {"default": "ask"}}}})),
            ("~/.qoder", json!({"general": {"defaultPermissionMode": "auto"}})),
            (
                "~/.grok",
                json!({"ui": {"permission_mode": "ask", "yolo": false}, "permission": {"allow": ["Bash(git *)"]}}),
            ),
            (
                "~/.junie",
                json!({"rules": {"executables": {"rules": [{"prefix": "git", "action": "allow"}, {"pattern": "**", "action": "ask"}]}}}),
            ),
            (
                "~/.config/warp-terminal",
                json!({"agents": {"execution_profiles": {"default": {"execute_commands": "agent_decides", "read_files": "always_allow"}}}}),
            ),
        ];
        for (place, document) in asking {
            assert_eq!(flags(place, document.clone()), [], "{place} {document}");
        }
        let codex = flags("~/.codex", json!({"profiles": {"ci": {"sandbox_mode": "danger-full-access"}}}));
        assert_eq!(codex, [RiskFlag::ApprovalBypass, RiskFlag::SandboxOff]);
        assert_eq!(flags("~/.cursor", json!({"sandbox": {"mode": "disabled"}})), [RiskFlag::SandboxOff]);
    }

    #[test]
    fn the_model_and_its_provider_are_read_where_each_keeps_them() {
        for (place, document, provider, model, host) in [
            (
                "~/.codex",
                json!({"model": "gpt-5", "profile": "local", "profiles": {"local": {"model": "qwen3", "model_provider": "lm"},
                    "other": {"model": "o3"}}, "model_providers": {"lm": {"base_url": "http://localhost:1234/v1"}}}),
                Some("lm"),
                "qwen3",
                Some("localhost"),
            ),
            (
                "~/.codex",
                json!({"model": "qwen3", "model_provider": "lm", "model_providers": {"lm": {"base_url": "http://localhost:1234/v1"}}}),
                Some("lm"),
                "qwen3",
                Some("localhost"),
            ),
            (
                "~/.config/opencode",
                json!({"model": "corp/gpt-5", "provider": {"corp": {"options": {"baseURL": "https://ai.corp.example/v1"}}}}),
                Some("corp"),
                "gpt-5",
                Some("ai.corp.example"),
            ),
            (
                "~/.config/goose",
                json!({"GOOSE_PROVIDER": "ollama", "GOOSE_MODEL": "llama3.2", "OLLAMA_HOST": "localhost", "OPENAI_HOST": "https://x.example"}),
                Some("ollama"),
                "llama3.2",
                Some("localhost"),
            ),
            (
                "~/.claude",
                json!({"model": "opus", "env": {"CLAUDE_CODE_USE_BEDROCK": "1"}}),
                Some("bedrock"),
                "opus",
                None,
            ),
            (
                "~/.kimi",
                json!({"default_model": "k2", "models": {"k2": {"provider": "p", "model": "kimi-k2"}}, "providers": {"p": {"base_url": "https://api.kimi.com/coding/v1"}}}),
                Some("p"),
                "kimi-k2",
                Some("api.kimi.com"),
            ),
            (
                "~/.continue",
                json!({"models": [{"provider": "ollama", "model": "a"}, {"provider": "openai", "model": "b"}]}),
                Some("ollama"),
                "a",
                None,
            ),
            (
                "~/.config/zed",
                json!({"agent": {"default_model": {"provider": "zed.dev", "model": "claude-sonnet-4"}}}),
                Some("zed.dev"),
                "claude-sonnet-4",
                None,
            ),
            (
                "~/.openclaw",
                json!({"agents": {"defaults": {"model": {"primary": "anthropic/claude-opus-4-5"}}}}),
                Some("anthropic"),
                "claude-opus-4-5",
                None,
            ),
            (
                "~/.cline",
                json!({"actModeApiProvider": "ollama", "actModeApiModelId": "claude-sonnet-4-5", "actModeOllamaModelId": "qwen3-coder:30b",
                    "planModeApiProvider": "anthropic", "ollamaBaseUrl": "http://gpu.corp.example:11434", "openAiBaseUrl": "https://x.example"}),
                Some("ollama"),
                "qwen3-coder:30b",
                Some("gpu.corp.example"),
            ),
            (
                "~/.hermes",
                json!({"model": {"default": "anthropic/claude-opus-4.6", "provider": "custom", "base_url": "http://127.0.0.1:8000/v1"}}),
                Some("custom"),
                "anthropic/claude-opus-4.6",
                Some("127.0.0.1"),
            ),
            (
                "~/.config/aichat",
                json!({"model": "local:llama3", "clients": [{"type": "openai", "api_base": "https://api.openai.com/v1"},
                    {"type": "openai-compatible", "name": "local", "api_base": "http://localhost:8080/v1"}]}),
                Some("local"),
                "llama3",
                Some("localhost"),
            ),
            ("~/.rovodev", json!({"agent": {"modelId": "claude-sonnet-4"}}), None, "claude-sonnet-4", None),
        ] {
            let facts = facts(place, document);
            assert_eq!(
                (facts.provider.as_deref(), facts.model.as_deref(), facts.host.as_deref()),
                (provider, Some(model), host),
                "{place}"
            );
        }
    }

    #[test]
    fn lines_of_variables_are_read_as_a_map() {
        let document = parse(
            ".sgptrc",
            b"# mine\nDEFAULT_MODEL=gpt-4o\nexport API_BASE_URL=\"http://127.0.0.1:11434/v1\"\nodd\n",
        )
        .unwrap();
        let facts = facts("~/.config/shell_gpt", document);
        assert_eq!((facts.model.as_deref(), facts.local()), (Some("gpt-4o"), Some(true)));
    }

    #[test]
    fn every_place_of_the_table_is_known_to_the_catalogue() {
        let matcher = umbrascope_rules::Matcher::embedded();
        for place in ASSISTANTS.iter().flat_map(|assistant| assistant.places) {
            assert!(matcher.software(SoftwareKind::ConfigPath, place).is_some(), "{place}");
        }
    }
}
