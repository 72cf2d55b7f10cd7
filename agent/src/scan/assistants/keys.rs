//! What the keys of settings files say that several assistants have in common, or that are many.

use umbrascope_api::PartKind::{Command, Hook, Plugin, Subagent};
use umbrascope_api::RiskFlag::{ApprovalBypass, SandboxOff};

use super::settings::Is::{False, Holds, True, Word};
use super::settings::Says::{
    Keys, Model, Names, Profile, Provider, ProviderAndModel, ProviderIf, Risk, Secret, Secrets, Url, UrlOf,
};
use super::settings::{Setting, at};

/// Claude Code, and CodeBuddy, which took its settings over.
pub(super) const CLAUDE: &[Setting] = &[
    at("model", Model),
    at("env/ANTHROPIC_MODEL", Model),
    at("env/CLAUDE_CODE_USE_BEDROCK", ProviderIf("bedrock", True)),
    at("env/CLAUDE_CODE_USE_VERTEX", ProviderIf("vertex", True)),
    at("env/CLAUDE_CODE_USE_FOUNDRY", ProviderIf("foundry", True)),
    at("env/ANTHROPIC_BASE_URL", Url),
    at("env/ANTHROPIC_BEDROCK_BASE_URL", UrlOf("bedrock")),
    at("env/ANTHROPIC_VERTEX_BASE_URL", UrlOf("vertex")),
    at("env/ANTHROPIC_FOUNDRY_BASE_URL", UrlOf("foundry")),
    at("permissions/defaultMode", Risk(&ApprovalBypass, Word(&["bypassPermissions"]))),
    at("permissions/allow", Risk(&ApprovalBypass, Holds(&["Bash", "Bash(*)", "Bash(:*)", "*"]))),
    at("sandbox/enabled", Risk(&SandboxOff, False)),
    at("hooks", Keys(&Hook)),
    at("enabledPlugins", Keys(&Plugin)),
    at("env", Secrets),
];

pub(super) const CODEX: &[Setting] = &[
    at("model", Model),
    at("model_provider", Provider),
    at("profile", Profile),
    at("profiles/{profile}/model", Model),
    at("profiles/{profile}/model_provider", Provider),
    at("openai_base_url", Url),
    at("model_providers/{provider}/base_url", Url),
    at("approval_policy", Risk(&ApprovalBypass, Word(&["never"]))),
    at("profiles/*/approval_policy", Risk(&ApprovalBypass, Word(&["never"]))),
    // Without a sandbox there is nothing to ask for.
    at("sandbox_mode", Risk(&ApprovalBypass, Word(&["danger-full-access"]))),
    at("profiles/*/sandbox_mode", Risk(&ApprovalBypass, Word(&["danger-full-access"]))),
    at("sandbox_mode", Risk(&SandboxOff, Word(&["danger-full-access"]))),
    at("profiles/*/sandbox_mode", Risk(&SandboxOff, Word(&["danger-full-access"]))),
    at("plugins", Keys(&Plugin)),
    at("hooks", Keys(&Hook)),
    at("model_providers/*/http_headers", Secrets),
    at("shell_environment_policy/set", Secrets),
];

/// Gemini CLI and its forks. Gemini CLI itself takes the mode `yolo` from its command line only; its forks take it from
/// the file.
pub(super) const GEMINI: &[Setting] = &[
    at("model/name", Model),
    at("security/auth/selectedType", ProviderIf("vertex", Word(&["vertex-ai"]))),
    at("security/auth/selectedType", ProviderIf("openai", Word(&["openai"]))),
    at("security/auth/baseUrl", Url),
    at("security/auth/apiKey", Secret),
    at("general/defaultApprovalMode", Risk(&ApprovalBypass, Word(&["yolo"]))),
    at("tools/approvalMode", Risk(&ApprovalBypass, Word(&["yolo"]))),
    at("approvalMode", Risk(&ApprovalBypass, Word(&["yolo"]))),
    at("tools/allowed", Risk(&ApprovalBypass, Holds(&["run_shell_command", "ShellTool"]))),
    at("tools/sandbox", Risk(&SandboxOff, False)),
    at("hooks", Keys(&Hook)),
    at("env", Secrets),
];

pub(super) const KIMI: &[Setting] = &[
    at("default_model", Model),
    at("models/{model}/provider", Provider),
    at("models/{model}/model", Model),
    at("providers/{provider}/base_url", Url),
    at("providers/*/api_key", Secret),
    at("default_yolo", Risk(&ApprovalBypass, True)),
    at("default_permission_mode", Risk(&ApprovalBypass, Word(&["yolo"]))),
];

/// opencode and what was made from it. Without `permission` it is its own default, which is told by its presence.
pub(super) const OPENCODE: &[Setting] = &[
    at("model", ProviderAndModel),
    at("provider/{provider}/options/baseURL", Url),
    at("permission", Risk(&ApprovalBypass, Word(&["allow"]))),
    at("permission/\\*", Risk(&ApprovalBypass, Word(&["allow"]))),
    at("permission/bash", Risk(&ApprovalBypass, Word(&["allow"]))),
    at("permission/bash/\\*", Risk(&ApprovalBypass, Word(&["allow"]))),
    at("agent", Keys(&Subagent)),
    at("command", Keys(&Command)),
    at("plugin", Names(&Plugin)),
    at("provider/*/options/apiKey", Secret),
];
