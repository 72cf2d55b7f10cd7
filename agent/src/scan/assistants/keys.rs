//! What the keys of settings files say that several assistants have in common, or that are many.

use umbrascope_api::PartKind::{Command, Hook, Plugin, Subagent};
use umbrascope_api::RiskFlag::{ApprovalBypass, SandboxOff};

use super::settings::Is::{All, False, Holds, True, Word};
use super::settings::Says::{
    Keys, Model, ModelOf, Names, Parted, Profile, Provider, ProviderIf, Risk, Secret, Secrets, Url, UrlOf,
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
    at("model", Parted('/')),
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

/// Cline, in the file and in the state of the editor that it kept before (`state-keys.ts`, `provider-keys.ts` of its source). It has a
/// model for planning and one for acting; told is the one that acts.
pub(super) const CLINE: &[Setting] = &[
    at("actModeApiProvider", Provider),
    at("actModeApiModelId", Model),
    at("actModeOpenRouterModelId", ModelOf("openrouter")),
    at("actModeClineModelId", ModelOf("cline")),
    at("actModeOpenAiModelId", ModelOf("openai")),
    at("actModeOllamaModelId", ModelOf("ollama")),
    at("actModeLmStudioModelId", ModelOf("lmstudio")),
    at("actModeLiteLlmModelId", ModelOf("litellm")),
    at("actModeRequestyModelId", ModelOf("requesty")),
    at("actModeTogetherModelId", ModelOf("together")),
    at("actModeFireworksModelId", ModelOf("fireworks")),
    at("actModeSapAiCoreModelId", ModelOf("sapaicore")),
    at("actModeGroqModelId", ModelOf("groq")),
    at("actModeBasetenModelId", ModelOf("baseten")),
    at("actModeHuggingFaceModelId", ModelOf("huggingface")),
    at("actModeHuaweiCloudMaasModelId", ModelOf("huawei-cloud-maas")),
    at("actModeOcaModelId", ModelOf("oca")),
    at("actModeAihubmixModelId", ModelOf("aihubmix")),
    at("actModeVercelAiGatewayModelId", ModelOf("vercel-ai-gateway")),
    at("actModeVsCodeLmModelSelector/family", ModelOf("vscode-lm")),
    at("anthropicBaseUrl", UrlOf("anthropic")),
    at("openAiBaseUrl", UrlOf("openai")),
    at("ollamaBaseUrl", UrlOf("ollama")),
    at("lmStudioBaseUrl", UrlOf("lmstudio")),
    at("liteLlmBaseUrl", UrlOf("litellm")),
    at("geminiBaseUrl", UrlOf("gemini")),
    at("requestyBaseUrl", UrlOf("requesty")),
    at("awsBedrockEndpoint", UrlOf("bedrock")),
    at("difyBaseUrl", UrlOf("dify")),
    at("aihubmixBaseUrl", UrlOf("aihubmix")),
    // Of later versions, in a file of its own.
    at("lastUsedProvider", Provider),
    at("providers/{provider}/settings/model", Model),
    at("providers/{provider}/settings/baseUrl", Url),
    at("providers/*/settings/apiKey", Secret),
    at("yoloModeToggled", Risk(&ApprovalBypass, True)),
    at("autoApproveAllToggled", Risk(&ApprovalBypass, True)),
    at(
        "autoApprovalSettings",
        Risk(&ApprovalBypass, All(&[("enabled", True), ("actions/executeAllCommands", True)])),
    ),
];

/// Roo Code, and Kilo Code, which took its settings over: what they keep in the state of the editor (`provider-settings.ts`,
/// `global-settings.ts` of the source). Commands run without a question where both switches are on and the list has the one entry that every
/// command begins with.
pub(super) const ROO: &[Setting] = &[
    at("apiProvider", Provider),
    at("apiModelId", Model),
    at("openRouterModelId", ModelOf("openrouter")),
    at("openAiModelId", ModelOf("openai")),
    at("ollamaModelId", ModelOf("ollama")),
    at("lmStudioModelId", ModelOf("lmstudio")),
    at("litellmModelId", ModelOf("litellm")),
    at("requestyModelId", ModelOf("requesty")),
    at("unboundModelId", ModelOf("unbound")),
    at("huggingFaceModelId", ModelOf("huggingface")),
    at("deepInfraModelId", ModelOf("deepinfra")),
    at("ioIntelligenceModelId", ModelOf("io-intelligence")),
    at("vercelAiGatewayModelId", ModelOf("vercel-ai-gateway")),
    at("vsCodeLmModelSelector/family", ModelOf("vscode-lm")),
    at("anthropicBaseUrl", UrlOf("anthropic")),
    at("openRouterBaseUrl", UrlOf("openrouter")),
    at("openAiBaseUrl", UrlOf("openai")),
    at("openAiNativeBaseUrl", UrlOf("openai-native")),
    at("ollamaBaseUrl", UrlOf("ollama")),
    at("lmStudioBaseUrl", UrlOf("lmstudio")),
    at("litellmBaseUrl", UrlOf("litellm")),
    at("googleGeminiBaseUrl", UrlOf("gemini")),
    at("deepSeekBaseUrl", UrlOf("deepseek")),
    at("deepInfraBaseUrl", UrlOf("deepinfra")),
    at("doubaoBaseUrl", UrlOf("doubao")),
    at("moonshotBaseUrl", UrlOf("moonshot")),
    at("minimaxBaseUrl", UrlOf("minimax")),
    at("requestyBaseUrl", UrlOf("requesty")),
    at("awsBedrockEndpoint", UrlOf("bedrock")),
    at(
        "",
        Risk(
            &ApprovalBypass,
            All(&[
                ("autoApprovalEnabled", True),
                ("alwaysAllowExecute", True),
                ("allowedCommands", Holds(&["*"])),
            ]),
        ),
    ),
];

/// Junie (JetBrains' help: custom models, Action Allowlist). A model of one's own is `custom:` and the name of a file below `models`, which
/// has its id and its address; a rule of the list is for what begins with a text or is like a pattern.
pub(super) const JUNIE: &[Setting] = &[
    at("model", Parted(':')),
    at("id", Model),
    at("baseUrl", Url),
    at("apiKey", Secret),
    at(
        "rules/executables/rules/*",
        Risk(&ApprovalBypass, All(&[("action", Word(&["allow"])), ("pattern", Word(&["**"]))])),
    ),
    at(
        "rules/executables/rules/*",
        Risk(&ApprovalBypass, All(&[("action", Word(&["allow"])), ("prefix", Word(&[""]))])),
    ),
    at("hooks", Keys(&Hook)),
];

/// Grok Build (the guide in its own package), and the settings of the older program of others that is called Grok CLI
/// (`settings-manager.ts` of superagent-ai/grok-cli).
pub(super) const GROK: &[Setting] = &[
    at("defaultModel", Model),
    at("model", Model),
    at("baseURL", Url),
    at("apiKey", Secret),
    at("models/default", Model),
    at("model/{model}/model_provider", Provider),
    at("model_providers/{provider}/base_url", Url),
    at("model/{model}/base_url", Url),
    at("model/*/api_key", Secret),
    at("model_providers/*/api_key", Secret),
    at("ui/yolo", Risk(&ApprovalBypass, True)),
    at("ui/permission_mode", Risk(&ApprovalBypass, Word(&["always-approve"]))),
    at("permission/allow", Risk(&ApprovalBypass, Holds(&["Bash(*)"]))),
];
