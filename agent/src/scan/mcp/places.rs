//! Where clients keep their MCP servers: files below a home, a project or the root, and the folders of what brings
//! servers along.

use super::shape::Shape;
use crate::scan::document::Format::{self, Json, Toml, Yaml};

/// Files of one client at a fixed place below a home.
pub(super) const IN_HOME: &[(&str, &str, Format, Shape)] = &[
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
    ("Zed", "AppData/Roaming/Zed/settings.json", Json, Shape::Usual),
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
    ("Amazon Q", ".aws/amazonq/agents/mcp.json", Json, Shape::Usual),
    ("VS Code", ".vscode/mcp.json", Json, Shape::Servers),
    ("GitHub Copilot", ".config/github-copilot/intellij/mcp.json", Json, Shape::Servers),
    ("GitHub Copilot", "AppData/Local/github-copilot/intellij/mcp.json", Json, Shape::Servers),
    ("GitHub Copilot", ".config/github-copilot/xcode/mcp.json", Json, Shape::Servers),
    ("JetBrains AI Assistant", ".ai/mcp/mcp.json", Json, Shape::Flat),
    ("Kilo Code", ".config/kilo/kilo.json", Json, Shape::Mcp),
    ("Kilo Code", ".config/kilo/kilo.jsonc", Json, Shape::Mcp),
    ("Kilo Code", ".config/kilo/opencode.json", Json, Shape::Mcp),
    ("Kimi CLI", ".kimi/mcp.json", Json, Shape::Usual),
    ("Kimi Code", ".kimi-code/mcp.json", Json, Shape::Usual),
    ("Devin", ".config/devin/mcp_config.json", Json, Shape::Usual),
    ("Devin", "AppData/Roaming/devin/mcp_config.json", Json, Shape::Usual),
    ("Warp", ".warp/.mcp.json", Json, Shape::Usual),
    ("pi", ".pi/agent/mcp.json", Json, Shape::Usual),
    ("Oh My Pi", ".omp/agent/mcp.json", Json, Shape::Usual),
    ("Hermes Agent", ".hermes/config.yaml", Yaml, Shape::Usual),
    ("Mistral Vibe", ".vibe/config.toml", Toml, Shape::Usual),
    ("Grok", ".grok/config.toml", Toml, Shape::Usual),
    ("Grok", ".grok/managed_config.toml", Toml, Shape::Usual),
    ("AdaL", ".adal/settings.json", Json, Shape::Usual),
    ("Qoder", ".qoder/settings.json", Json, Shape::Usual),
    ("Warp", ".warp_cli/.mcp.json", Json, Shape::Usual),
    ("Zencoder", ".zencoder/mcp.local.json", Json, Shape::Flat),
    ("Command Code", ".commandcode/mcp.json", Json, Shape::Usual),
    ("Kode", ".kode.json", Json, Shape::Usual),
    ("gptme", ".config/gptme/config.toml", Toml, Shape::Usual),
    ("OpenHands", ".openhands/mcp.json", Json, Shape::Usual),
    ("OpenClaw", ".openclaw/openclaw.json", Json, Shape::Usual),
    ("CodeBuddy", ".codebuddy/mcp.json", Json, Shape::Usual),
    ("Rovo Dev", ".rovodev/mcp.json", Json, Shape::Usual),
    ("Rovo Dev", ".rovodev/mcp_config.json", Json, Shape::Usual),
    ("Pochi", ".pochi/config.jsonc", Json, Shape::Mcp),
    ("Neovate", ".neovate/config.json", Json, Shape::Usual),
    ("Lingma", ".lingma/lingma_mcp.json", Json, Shape::Usual),
    ("Augment", ".augment/settings.json", Json, Shape::Usual),
    ("Tabnine", ".tabnine/mcp_servers.json", Json, Shape::Usual),
    ("Tabnine", ".tabnine/agent/settings.json", Json, Shape::Usual),
    ("MCP Hub", ".config/mcphub/servers.json", Json, Shape::Usual),
    ("BoltAI", ".boltai/mcp.json", Json, Shape::Usual),
    ("Tome", ".tome/mcp_config.json", Json, Shape::Usual),
    ("Enconvo", ".config/enconvo/mcp_config.json", Json, Shape::Usual),
    ("Amazon Bedrock Client", "Amazon Bedrock Client/mcp_config.json", Json, Shape::Usual),
    ("LibreChat", "LibreChat/librechat.yaml", Yaml, Shape::Usual),
    ("Jan", ".local/share/Jan/data/mcp_config.json", Json, Shape::Usual),
    ("Docker MCP Toolkit", ".docker/mcp/registry.yaml", Yaml, Shape::Registry),
    ("Visual Studio", ".mcp.json", Json, Shape::Servers),
];

/// Variables that move the folder of a client, and the files in it.
pub(super) const MOVED: &[(&str, &str, &str, Format)] = &[
    ("Codex", "~/.codex", "config.toml", Toml),
    ("Claude Code", "~/.claude", ".claude.json", Json),
    ("Claude Code", "~/.claude", "settings.json", Json),
    ("Cline", "~/.cline", "data/settings/cline_mcp_settings.json", Json),
    ("Grok", "~/.grok", "config.toml", Toml),
    ("Hermes Agent", "~/.hermes", "config.yaml", Yaml),
    ("Junie", "~/.junie", "mcp/mcp.json", Json),
    ("Mistral Vibe", "~/.vibe", "config.toml", Toml),
];

/// Files that administrators put down for everybody.
pub(super) const MANAGED: &[(&str, &str, Format, Shape)] = &[
    ("Claude Code", "etc/claude-code/managed-mcp.json", Json, Shape::Usual),
    ("Claude Code", "etc/claude-code/managed-settings.json", Json, Shape::Usual),
    ("Claude Code", "Library/Application Support/ClaudeCode/managed-mcp.json", Json, Shape::Usual),
    ("Claude Code", "Program Files/ClaudeCode/managed-mcp.json", Json, Shape::Usual),
    ("Claude Code", "ProgramData/ClaudeCode/managed-mcp.json", Json, Shape::Usual),
    ("Codex", "etc/codex/config.toml", Toml, Shape::Usual),
    ("Codex", "ProgramData/OpenAI/Codex/config.toml", Toml, Shape::Usual),
    ("Codex", "etc/codex/managed_config.toml", Toml, Shape::Usual),
    ("Gemini CLI", "etc/gemini-cli/settings.json", Json, Shape::Usual),
    ("Gemini CLI", "etc/gemini-cli/system-defaults.json", Json, Shape::Usual),
    ("Gemini CLI", "Library/Application Support/GeminiCli/settings.json", Json, Shape::Usual),
    ("Gemini CLI", "ProgramData/gemini-cli/settings.json", Json, Shape::Usual),
    ("Qwen Code", "etc/qwen-code/settings.json", Json, Shape::Usual),
    ("Qwen Code", "Library/Application Support/QwenCode/settings.json", Json, Shape::Usual),
    ("Qwen Code", "ProgramData/qwen-code/settings.json", Json, Shape::Usual),
    ("Grok", "etc/grok/managed_config.toml", Toml, Shape::Usual),
    ("opencode", "etc/opencode/opencode.json", Json, Shape::Mcp),
    ("opencode", "Library/Application Support/opencode/opencode.json", Json, Shape::Mcp),
    ("opencode", "ProgramData/opencode/opencode.json", Json, Shape::Mcp),
];

/// Files below the user data folder of an editor of the VS Code family; `None`: the editor itself.
pub(super) const IN_USERDATA: &[(Option<&str>, &str, Shape)] = &[
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
pub(in crate::scan) const IN_PROJECT: &[(&str, &str, Format)] = &[
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
    ("opencode", ".opencode/opencode.json", Json),
    ("Kilo Code", "kilo.json", Json),
    ("Kilo Code", "kilo.jsonc", Json),
    ("Kilo Code", ".kilo/kilo.jsonc", Json),
    ("Copilot CLI", ".github/mcp.json", Json),
    ("JetBrains AI Assistant", ".ai/mcp/mcp.json", Json),
    ("Qwen Code", ".qwen/settings.json", Json),
    ("iFlow CLI", ".iflow/settings.json", Json),
    ("Droid", ".factory/mcp.json", Json),
    ("Kimi Code", ".kimi-code/mcp.json", Json),
    ("Trae", ".trae/mcp.json", Json),
    ("pi", ".pi/mcp.json", Json),
    ("Oh My Pi", ".omp/mcp.json", Json),
    ("Grok", ".grok/config.toml", Toml),
    ("Grok", ".grok/settings.json", Json),
    ("Qoder", ".qoder/settings.json", Json),
    ("Kode", ".kode.json", Json),
    ("Rovo Dev", ".rovodev/mcp.json", Json),
    ("CodeBuddy", ".codebuddy/mcp.json", Json),
    ("Tabnine", ".tabnine/mcp_servers.json", Json),
    ("LibreChat", "librechat.yaml", Yaml),
    ("Pochi", ".pochi/config.jsonc", Json),
    ("Neovate", ".neovate/config.json", Json),
    ("Visual Studio", ".vs/mcp.json", Json),
];

/// Folders of the system for the data of applications, below a home: Linux, macOS, Windows.
pub(super) const APP_DATA: &[&str] = &[".config", "Library/Application Support", "AppData/Roaming"];

/// Files below a folder of [`APP_DATA`].
pub(super) const IN_APP_DATA: &[(&str, &str, Shape)] = &[
    ("Witsy", "Witsy/settings.json", Shape::Usual),
    ("5ire", "5ire/mcp.json", Shape::Servers),
    ("Jan", "Jan/data/mcp_config.json", Shape::Usual),
    ("AnythingLLM", "anythingllm-desktop/storage/plugins/anythingllm_mcp_servers.json", Shape::Usual),
];

/// Folders with one folder for the settings of each product of JetBrains, and each of its versions.
pub(super) const JETBRAINS: &[&str] =
    &[".config/JetBrains", "Library/Application Support/JetBrains", "AppData/Roaming/JetBrains"];

/// A client, a folder of it, and the files that are looked for below.
type Plugins = (&'static str, &'static str, &'static [(&'static str, Shape)]);

/// Folders below which plugins lie, some levels down, each perhaps with servers of its own.
pub(super) const PLUGINS: &[Plugins] = &[
    (
        "Claude Code",
        ".claude/plugins/cache",
        &[(".mcp.json", Shape::Flat), (".claude-plugin/plugin.json", Shape::Usual)],
    ),
    (
        "Codex",
        ".codex/plugins/cache",
        &[(".mcp.json", Shape::Flat), (".codex-plugin/plugin.json", Shape::Usual)],
    ),
    ("Gemini CLI", ".gemini/extensions", &[("gemini-extension.json", Shape::Usual)]),
    ("Qwen Code", ".qwen/extensions", &[("qwen-extension.json", Shape::Usual)]),
];

/// Folders of desktop extensions: one each, with a manifest. Beside them lie their settings.
pub(super) const BUNDLES: &[(&str, &str)] = &[
    ("Claude Desktop", ".config/Claude"),
    ("Claude Desktop", "Library/Application Support/Claude"),
    ("Claude Desktop", "AppData/Roaming/Claude"),
    ("Claude Desktop", "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude"),
];

/// Clients that say in another file which servers are switched off: the file, and the key of the list.
pub(super) const OFF: &[(&str, &str, &str)] =
    &[("Copilot CLI", ".copilot/settings.json", "disabledMcpServers")];
