//! What each assistant keeps where: its folders, its settings files and what their keys say, and its parts.
//!
//! Read in the projects' own documentation, schemas, source and packages in November 2026; where skills lie, also in the table by
//! which the package `skills` of Vercel installs them (`src/agents.ts`). A key that could not be read there is left out.

use umbrascope_api::PartKind::{Command, Hook, Plugin, Skill, Subagent};
use umbrascope_api::RiskFlag::{ApprovalBypass, SandboxOff};

use super::keys::{CLAUDE, CLINE, CODEX, GEMINI, GROK, JUNIE, KIMI, OPENCODE};
use super::parts::Folder;
use super::parts::Holds::{Files, Folders};
use super::settings::Is::{False, Holds, True, Word};
use super::settings::Says::{Keys, Model, Parted, Provider, ProviderIf, Risk, Secret, Secrets, Url, UrlOf};
use super::settings::{Setting, at};

/// One assistant.
pub(super) struct Assistant {
    /// Its folders (or its one file) in a home, as the catalogue has them. All of them are one assistant.
    pub(super) places: &'static [&'static str],
    /// Its folder in a project.
    pub(super) project: Option<&'static str>,
    /// Its folders for administrators, below the root.
    pub(super) managed: &'static [&'static str],
    /// Whether it is made for the models of its own vendor, so that any other endpoint is a custom one.
    pub(super) own_models: bool,
    /// Its settings files in any of these folders; the later wins. Empty: the place itself is the file. `{model}` in a name stands for
    /// the model that those before have said.
    pub(super) files: &'static [&'static str],
    /// What the keys of these files say.
    pub(super) settings: &'static [Setting],
    pub(super) parts: &'static [Folder],
}

/// Nothing but its place.
const BARE: Assistant = Assistant {
    places: &[],
    project: None,
    managed: &[],
    own_models: false,
    files: &[],
    settings: &[],
    parts: &[],
};

const fn folder(kind: umbrascope_api::PartKind, at: &'static str, holds: super::parts::Holds) -> Folder {
    Folder { kind, at, holds }
}

/// Folders with a `SKILL.md`, as most assistants have come to keep skills.
const SKILLS: Folder = folder(Skill, "skills", Folders(&["SKILL.md"]));

const OPENCODE_PARTS: &[Folder] = &[
    folder(Subagent, "agent", Files(&[".md"])),
    folder(Subagent, "agents", Files(&[".md"])),
    folder(Command, "command", Files(&[".md"])),
    folder(Command, "commands", Files(&[".md"])),
    folder(Plugin, "plugin", Files(&[".ts", ".js"])),
    folder(Plugin, "plugins", Files(&[".ts", ".js"])),
    folder(Skill, "skill", Folders(&["SKILL.md"])),
    SKILLS,
];

/// All of them.
pub(super) const ASSISTANTS: &[Assistant] = &[
    Assistant {
        places: &["~/.claude"],
        project: Some(".claude"),
        managed: &[
            "etc/claude-code",
            "Library/Application Support/ClaudeCode",
            "Program Files/ClaudeCode",
            "ProgramData/ClaudeCode",
        ],
        own_models: true,
        files: &["settings.json", "settings.local.json", "managed-settings.json"],
        settings: CLAUDE,
        parts: &[
            SKILLS,
            folder(Subagent, "agents", Files(&[".md"])),
            folder(Command, "commands", Files(&[".md"])),
        ],
    },
    Assistant {
        places: &["~/.config/Claude", "~/Library/Application Support/Claude", "~/AppData/Roaming/Claude"],
        parts: &[folder(Plugin, "Claude Extensions", Folders(&["manifest.json"]))],
        ..BARE
    },
    Assistant {
        places: &["~/.codex"],
        project: Some(".codex"),
        managed: &["etc/codex", "ProgramData/OpenAI/Codex"],
        own_models: true,
        files: &["managed_config.toml", "config.toml", "hooks.json"],
        settings: CODEX,
        parts: &[
            SKILLS,
            folder(Skill, "~/.agents/skills", Folders(&["SKILL.md"])),
            folder(Command, "prompts", Files(&[".md"])),
            folder(Subagent, "agents", Files(&[".toml"])),
        ],
    },
    Assistant {
        places: &["~/.gemini"],
        project: Some(".gemini"),
        managed: &["etc/gemini-cli", "Library/Application Support/GeminiCli", "ProgramData/gemini-cli"],
        own_models: true,
        files: &["system-defaults.json", "settings.json"],
        settings: GEMINI,
        parts: &[
            SKILLS,
            folder(
                Plugin,
                "extensions",
                Folders(&["gemini-extension.json", ".gemini-extension-install.json"]),
            ),
            folder(Command, "commands", Files(&[".toml"])),
            folder(Subagent, "agents", Files(&[".md"])),
        ],
    },
    Assistant {
        places: &["~/.qwen"],
        project: Some(".qwen"),
        managed: &["etc/qwen-code", "Library/Application Support/QwenCode", "ProgramData/qwen-code"],
        files: &["settings.json"],
        settings: GEMINI,
        parts: &[
            SKILLS,
            folder(Plugin, "extensions", Folders(&["qwen-extension.json"])),
            folder(Command, "commands", Files(&[".toml", ".md"])),
            folder(Subagent, "agents", Files(&[".md"])),
        ],
        ..BARE
    },
    Assistant {
        places: &["~/.iflow"],
        project: Some(".iflow"),
        files: &["settings.json"],
        settings: &[
            at("modelName", Model),
            at("selectedAuthType", ProviderIf("openai-compatible", Word(&["openai-compatible"]))),
            at("baseUrl", Url),
            at("apiKey", Secret),
            at("hooks", Keys(&Hook)),
        ],
        parts: &[SKILLS],
        ..BARE
    },
    Assistant {
        places: &["~/.copilot"],
        files: &["config.json", "settings.json"],
        settings: &[
            at("model", Model),
            at("defaultPermissionMode", Risk(&ApprovalBypass, Word(&["allow-all"]))),
            at("hooks", Keys(&Hook)),
        ],
        parts: &[SKILLS, folder(Subagent, "agents", Files(&[".agent.md", ".md"]))],
        ..BARE
    },
    Assistant {
        places: &["~/.config/opencode"],
        project: Some(".opencode"),
        managed: &["etc/opencode", "Library/Application Support/opencode", "ProgramData/opencode"],
        files: &["config.json", "opencode.json", "opencode.jsonc"],
        settings: OPENCODE,
        parts: OPENCODE_PARTS,
        ..BARE
    },
    Assistant {
        places: &["~/.config/kilo"],
        project: Some(".kilo"),
        files: &["kilo.json", "kilo.jsonc", "opencode.json"],
        settings: OPENCODE,
        parts: OPENCODE_PARTS,
        ..BARE
    },
    Assistant {
        places: &["~/.config/goose", "~/AppData/Roaming/Block/goose"],
        files: &["config.yaml", "config/config.yaml"],
        settings: &[
            at("GOOSE_PROVIDER", Provider),
            at("GOOSE_MODEL", Model),
            at("GOOSE_MODE", Risk(&ApprovalBypass, Word(&["auto"]))),
            at("OLLAMA_HOST", UrlOf("ollama")),
            at("OPENAI_HOST", UrlOf("openai")),
            at("ANTHROPIC_HOST", UrlOf("anthropic")),
            at("", Secrets),
        ],
        parts: &[SKILLS],
        ..BARE
    },
    Assistant {
        places: &["~/.config/amp"],
        files: &["settings.json", "settings.jsonc"],
        settings: &[at("amp.dangerouslyAllowAll", Risk(&ApprovalBypass, True)), at("amp.url", Url)],
        own_models: true,
        parts: &[SKILLS, folder(Skill, "~/.config/agents/skills", Folders(&["SKILL.md"]))],
        ..BARE
    },
    Assistant {
        places: &["~/.config/crush", "~/.local/share/crush", "~/AppData/Local/crush"],
        files: &["crush.json"],
        settings: &[
            at("models/large/provider", Provider),
            at("models/large/model", Model),
            at("providers/{provider}/base_url", Url),
            at("permissions/allowed_tools", Risk(&ApprovalBypass, Holds(&["bash", "*"]))),
            at("providers/*/api_key", Secret),
        ],
        parts: &[SKILLS],
        ..BARE
    },
    Assistant {
        places: &["~/.aider.conf.yml"],
        files: &[""],
        settings: &[
            at("model", Parted('/')),
            at("openai-api-base", Url),
            at("yes-always", Risk(&ApprovalBypass, True)),
            at("openai-api-key", Secret),
            at("anthropic-api-key", Secret),
        ],
        ..BARE
    },
    Assistant {
        places: &["~/.cursor"],
        project: Some(".cursor"),
        files: &["cli-config.json", "cli.json", "hooks.json"],
        settings: &[
            at("permissions/allow", Risk(&ApprovalBypass, Holds(&["Shell(*)", "Shell(**)", "*"]))),
            at("approvalMode", Risk(&ApprovalBypass, Word(&["unrestricted"]))),
            at("sandbox/mode", Risk(&SandboxOff, Word(&["disabled"]))),
            at("hooks", Keys(&Hook)),
        ],
        parts: &[
            SKILLS,
            folder(Subagent, "agents", Files(&[".md"])),
            folder(Command, "commands", Files(&[".md"])),
        ],
        ..BARE
    },
    Assistant {
        places: &["~/.config/zed", "~/Library/Application Support/Zed"],
        project: Some(".zed"),
        files: &["settings.json"],
        settings: &[
            at("agent/default_model/provider", Provider),
            at("agent/default_model/model", Model),
            at("language_models/{provider}/api_url", Url),
            at("agent/always_allow_tool_actions", Risk(&ApprovalBypass, True)),
            at("agent/tool_permissions/default", Risk(&ApprovalBypass, Word(&["allow"]))),
        ],
        ..BARE
    },
    Assistant {
        places: &["~/.continue"],
        files: &["config.json", "config.yaml"],
        settings: &[
            at("models/0/provider", Provider),
            at("models/0/model", Model),
            at("models/0/apiBase", Url),
            at("models/*/apiKey", Secret),
        ],
        parts: &[SKILLS],
        ..BARE
    },
    Assistant {
        places: &["~/.factory"],
        project: Some(".factory"),
        files: &["settings.json", "settings.local.json"],
        settings: &[
            at("model", Model),
            at("sessionDefaultSettings/model", Model),
            at("customModels/*/apiKey", Secret),
            at("hooks", Keys(&Hook)),
        ],
        parts: &[
            SKILLS,
            folder(Subagent, "droids", Files(&[".md"])),
            folder(Command, "commands", Files(&[".md"])),
        ],
        ..BARE
    },
    Assistant { places: &["~/.kimi"], own_models: true, files: &["config.toml"], settings: KIMI, ..BARE },
    Assistant {
        places: &["~/.kimi-code"],
        project: Some(".kimi-code"),
        own_models: true,
        files: &["config.toml"],
        settings: KIMI,
        parts: &[SKILLS, folder(Subagent, "agents", Files(&[".md"]))],
        ..BARE
    },
    Assistant {
        places: &["~/.codebuddy"],
        project: Some(".codebuddy"),
        files: &["settings.json", "settings.local.json"],
        settings: CLAUDE,
        parts: &[
            SKILLS,
            folder(Subagent, "agents", Files(&[".md"])),
            folder(Command, "commands", Files(&[".md"])),
        ],
        ..BARE
    },
    Assistant {
        places: &["~/.aws/amazonq"],
        project: Some(".amazonq"),
        parts: &[
            folder(Subagent, "cli-agents", Files(&[".json"])),
            folder(Command, "prompts", Files(&[".md"])),
        ],
        ..BARE
    },
    Assistant {
        places: &["~/.kiro"],
        project: Some(".kiro"),
        parts: &[
            SKILLS,
            folder(Subagent, "agents", Files(&[".json", ".md"])),
            folder(Hook, "hooks", Files(&[".kiro.hook"])),
        ],
        ..BARE
    },
    Assistant {
        places: &["~/.openhands"],
        files: &["settings.json", "agent_settings.json"],
        settings: &[
            at("llm_model", Parted('/')),
            at("llm_base_url", Url),
            at("llm_api_key", Secret),
            at("llm/model", Parted('/')),
            at("llm/base_url", Url),
            at("llm/api_key", Secret),
        ],
        parts: &[SKILLS],
        ..BARE
    },
    Assistant {
        places: &["~/.pi/agent", "~/.omp/agent"],
        files: &["settings.json", "models.json"],
        settings: &[
            at("defaultProvider", Provider),
            at("defaultModel", Model),
            at("providers/{provider}/baseUrl", Url),
            at("providers/*/apiKey", Secret),
        ],
        parts: &[
            SKILLS,
            folder(Command, "prompts", Files(&[".md"])),
            folder(Plugin, "extensions", Files(&[".ts", ".js"])),
        ],
        ..BARE
    },
    Assistant {
        places: &["~/.openclaw", "~/.clawdbot", "~/.moltbot"],
        files: &["clawdbot.json", "moltbot.json", "openclaw.json"],
        settings: &[
            at("agents/defaults/model/primary", Parted('/')),
            at("models/providers/{provider}/baseUrl", Url),
            at("models/providers/*/apiKey", Secret),
            at("plugins/entries", Keys(&Plugin)),
        ],
        parts: &[SKILLS],
        ..BARE
    },
    Assistant {
        places: &["~/.config/gptme"],
        files: &["config.toml"],
        settings: &[at("models/default", Parted('/')), at("env/MODEL", Parted('/')), at("env", Secrets)],
        ..BARE
    },
    Assistant {
        places: &["~/.config/mods"],
        files: &["mods.yml"],
        settings: &[
            at("default-api", Provider),
            at("default-model", Model),
            at("apis/{provider}/base-url", Url),
            at("apis/*/api-key", Secret),
        ],
        ..BARE
    },
    Assistant {
        places: &["~/.config/shell_gpt"],
        files: &[".sgptrc"],
        settings: &[at("DEFAULT_MODEL", Model), at("API_BASE_URL", Url), at("", Secrets)],
        ..BARE
    },
    Assistant {
        places: &["~/.config/fabric"],
        files: &[".env"],
        settings: &[at("DEFAULT_VENDOR", Provider), at("DEFAULT_MODEL", Model), at("", Secrets)],
        ..BARE
    },
    Assistant {
        places: &["~/.vibe"],
        project: Some(".vibe"),
        files: &["config.toml"],
        settings: &[at("active_model", Model)],
        parts: &[SKILLS],
        ..BARE
    },
    Assistant {
        places: &["~/.augment"],
        project: Some(".augment"),
        files: &["settings.json"],
        settings: &[at("hooks", Keys(&Hook))],
        parts: &[
            SKILLS,
            folder(Subagent, "agents", Files(&[".md"])),
            folder(Command, "commands", Files(&[".md"])),
        ],
        ..BARE
    },
    Assistant {
        places: &["~/.cline"],
        files: &["data/globalState.json", "data/settings/providers.json"],
        settings: CLINE,
        parts: &[SKILLS],
        ..BARE
    },
    Assistant {
        places: &["~/.hermes", "~/AppData/Local/hermes"],
        files: &["config.yaml"],
        settings: &[
            at("model", Model),
            at("model/model", Model),
            at("model/default", Model),
            at("model/provider", Provider),
            at("providers/{provider}/base_url", Url),
            at("model/base_url", Url),
            at("approvals/mode", Risk(&ApprovalBypass, Word(&["off"]))),
            // As YAML 1.1 reads the same word.
            at("approvals/mode", Risk(&ApprovalBypass, False)),
            at("model/api_key", Secret),
            at("providers/*/api_key", Secret),
        ],
        parts: &[SKILLS],
        ..BARE
    },
    Assistant {
        places: &["~/.config/aichat"],
        files: &["config.yaml"],
        settings: &[
            at("model", Parted(':')),
            at("clients/{provider}/api_base", Url),
            at("clients/*/api_key", Secret),
        ],
        ..BARE
    },
    Assistant {
        places: &["~/.rovodev"],
        files: &["config.yml"],
        settings: &[
            at("agent/modelId", Model),
            at("toolPermissions/tools/bash/default", Risk(&ApprovalBypass, Word(&["allow"]))),
        ],
        parts: &[SKILLS],
        ..BARE
    },
    Assistant {
        places: &["~/.neovate"],
        project: Some(".neovate"),
        files: &["config.json"],
        settings: &[at("model", Parted('/')), at("apiKeys", Secrets)],
        parts: &[SKILLS],
        ..BARE
    },
    Assistant {
        places: &["~/.mux"],
        files: &["providers.jsonc"],
        settings: &[at("*/apiKey", Secret)],
        parts: &[SKILLS],
        ..BARE
    },
    Assistant {
        places: &["~/.junie"],
        project: Some(".junie"),
        files: &["config.json", "models/{model}.json", "allowlist.json"],
        settings: JUNIE,
        parts: &[
            SKILLS,
            folder(Subagent, "agents", Files(&[".md"])),
            folder(Command, "commands", Files(&[".md"])),
        ],
        ..BARE
    },
    Assistant {
        places: &["~/.qoder"],
        project: Some(".qoder"),
        files: &["settings.json", "settings.local.json"],
        settings: &[
            at("model/name", Parted('/')),
            at("providers/{provider}/baseUrl", Url),
            at("providers/*/apiKey", Secret),
            at(
                "general/defaultPermissionMode",
                Risk(&ApprovalBypass, Word(&["bypass_permissions", "bypassPermissions", "yolo", "YOLO"])),
            ),
            at("hooks", Keys(&Hook)),
        ],
        parts: &[SKILLS, folder(Subagent, "agents", Files(&[".md"]))],
        ..BARE
    },
    Assistant {
        places: &["~/.trae", "~/.trae-cn"],
        project: Some(".trae"),
        files: &["hooks.json"],
        settings: &[at("hooks", Keys(&Hook))],
        parts: &[SKILLS, folder(Subagent, "agents", Files(&[".md"]))],
        ..BARE
    },
    Assistant {
        places: &["~/.grok"],
        project: Some(".grok"),
        managed: &["etc/grok"],
        own_models: true,
        // The JSON is that of another program of this name, which shares the folder.
        files: &[
            "managed_config.toml",
            "user-settings.json",
            "settings.json",
            "config.toml",
            "requirements.toml",
        ],
        settings: GROK,
        parts: &[SKILLS, folder(Hook, "hooks", Files(&[".json"]))],
    },
    Assistant {
        places: &["~/.warp", "~/.warp_cli", "~/.config/warp-terminal", "~/AppData/Local/warp"],
        files: &["settings.toml", "cli/settings.toml", "Warp/config/cli/settings.toml"],
        settings: &[
            at("agents/execution_profiles/default/base_model", Model),
            at(
                "agents/execution_profiles/*/execute_commands",
                Risk(&ApprovalBypass, Word(&["always_allow"])),
            ),
        ],
        ..BARE
    },
    Assistant {
        places: &["~/.adal"],
        project: Some(".adal"),
        files: &["settings.json"],
        settings: &[at("hooks", Keys(&Hook)), at("enabledPlugins", Keys(&Plugin)), at("api_keys", Secrets)],
        parts: &[SKILLS],
        ..BARE
    },
    Assistant {
        places: &["~/.config/io.datasette.llm", "~/Library/Application Support/io.datasette.llm"],
        files: &["default_model.txt", "extra-openai-models.yaml"],
        settings: &[at("", Model), at("{model}/api_base", Url)],
        ..BARE
    },
    Assistant {
        places: &["~/.commandcode"],
        project: Some(".commandcode"),
        files: &["config.json", "settings.json", "settings.local.json"],
        settings: &[at("model", Model), at("hooks", Keys(&Hook))],
        parts: &[SKILLS, folder(Subagent, "agents", Files(&[".md"]))],
        ..BARE
    },
    // Of these only where skills lie is known.
    Assistant { places: &["~/.zencoder"], project: Some(".zencoder"), parts: &[SKILLS], ..BARE },
    Assistant { places: &["~/.kode"], project: Some(".kode"), parts: &[SKILLS], ..BARE },
    Assistant { places: &["~/.lingma"], project: Some(".lingma"), parts: &[SKILLS], ..BARE },
    Assistant { places: &["~/.roo"], project: Some(".roo"), parts: &[SKILLS], ..BARE },
    Assistant { places: &["~/.pochi"], project: Some(".pochi"), parts: &[SKILLS], ..BARE },
    Assistant { places: &["~/.mcpjam"], project: Some(".mcpjam"), parts: &[SKILLS], ..BARE },
    Assistant {
        places: &["~/.tabnine"],
        project: Some(".tabnine"),
        parts: &[folder(Skill, "agent/skills", Folders(&["SKILL.md"]))],
        ..BARE
    },
    Assistant {
        places: &["~/.codeium"],
        parts: &[folder(Skill, "windsurf/skills", Folders(&["SKILL.md"]))],
        ..BARE
    },
    Assistant { places: &["~/.gemini/antigravity"], parts: &[SKILLS], ..BARE },
];
