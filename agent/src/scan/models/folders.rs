//! Where programs keep model files of their own: which folder, whose, how deep, and which endings are models there.
//!
//! Endings that other files have too (`bin`, `pt`) count in such folders only, by the file's name: what is pickled is never read.

/// A folder with models in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folder {
    pub(super) path: &'static str,
    pub(super) client: &'static str,
    /// Levels below it that are looked into.
    pub(super) depth: usize,
    pub(super) endings: &'static [&'static str],
}

const fn folder(
    path: &'static str,
    client: &'static str,
    depth: usize,
    endings: &'static [&'static str],
) -> Folder {
    Folder { path, client, depth, endings }
}

const GGUF: &[&str] = &["gguf"];
const OPEN: &[&str] = &["gguf", "safetensors"];
const TORCH: &[&str] = &["pt", "pth"];
/// Of programs that take what there is.
const ANY: &[&str] = &[
    "gguf",
    "safetensors",
    "sft",
    "ckpt",
    "pt",
    "pth",
    "bin",
    "onnx",
    "engine",
    "plan",
    "tflite",
    "mlmodel",
];
const WHISPER_CPP: &[&str] = &["bin"];

/// Folders of a home.
pub(super) const IN_HOME: &[Folder] = &[
    folder(".lmstudio/models", "LM Studio", 2, OPEN),
    folder(".cache/lm-studio/models", "LM Studio", 2, OPEN),
    folder(".local/share/nomic.ai/GPT4All", "GPT4All", 0, GGUF),
    folder("Library/Application Support/nomic.ai/GPT4All", "GPT4All", 0, GGUF),
    folder("AppData/Local/nomic.ai/GPT4All", "GPT4All", 0, GGUF),
    folder(".local/share/Jan/data/llamacpp/models", "Jan", 3, GGUF),
    folder(".config/Jan/data/llamacpp/models", "Jan", 3, GGUF),
    folder("Library/Application Support/Jan/data/llamacpp/models", "Jan", 3, GGUF),
    folder("Library/Application Support/Jan/data/mlx/models", "Jan", 3, OPEN),
    folder("AppData/Roaming/Jan/data/llamacpp/models", "Jan", 3, GGUF),
    folder("jan/models", "Jan", 2, GGUF),
    folder(".cache/llama.cpp", "llama.cpp", 1, GGUF),
    folder("Library/Caches/llama.cpp", "llama.cpp", 1, GGUF),
    folder("AppData/Local/llama.cpp", "llama.cpp", 1, GGUF),
    folder(".cache/whisper", "Whisper", 0, &["pt"]),
    folder("AppData/Local/whisper", "Whisper", 0, &["pt"]),
    folder("whisper.cpp/models", "whisper.cpp", 0, WHISPER_CPP),
    folder(".cache/torch/hub/checkpoints", "PyTorch Hub", 0, TORCH),
    folder("Library/Caches/torch/hub/checkpoints", "PyTorch Hub", 0, TORCH),
    folder(".cache/modelscope/hub", "ModelScope", 4, OPEN),
    folder(".local/share/ramalama/models", "RamaLama", 5, OPEN),
    folder(".local/share/ramalama/store", "RamaLama", 6, OPEN),
    folder(".config/anythingllm-desktop/storage/models", "AnythingLLM", 4, ANY),
    folder("Library/Application Support/anythingllm-desktop/storage/models", "AnythingLLM", 4, ANY),
    folder("AppData/Roaming/anythingllm-desktop/storage/models", "AnythingLLM", 4, ANY),
    folder("text-generation-webui/user_data/models", "text-generation-webui", 2, ANY),
    folder("text-generation-webui/user_data/loras", "text-generation-webui", 2, ANY),
    folder("text-generation-webui/models", "text-generation-webui", 2, ANY),
    folder("ComfyUI/models", "ComfyUI", 3, ANY),
    folder("comfy/ComfyUI/models", "ComfyUI", 3, ANY),
    folder("Documents/ComfyUI/models", "ComfyUI", 3, ANY),
    folder("stable-diffusion-webui/models", "Stable Diffusion web UI", 3, ANY),
    folder("stable-diffusion-webui/embeddings", "Stable Diffusion web UI", 1, ANY),
    folder("stable-diffusion-webui-forge/models", "Stable Diffusion web UI Forge", 3, ANY),
    folder("sd-webui-forge/models", "Stable Diffusion web UI Forge", 3, ANY),
    folder("invokeai/models", "InvokeAI", 5, ANY),
    folder("koboldcpp/models", "KoboldCpp", 1, OPEN),
];

/// Folders of the system.
pub(super) const IN_SYSTEM: &[Folder] = &[
    folder("opt/ComfyUI/models", "ComfyUI", 3, ANY),
    folder("opt/stable-diffusion-webui/models", "Stable Diffusion web UI", 3, ANY),
    folder("opt/text-generation-webui/user_data/models", "text-generation-webui", 2, ANY),
    folder("usr/share/local-ai/models", "LocalAI", 1, ANY),
    folder("var/lib/local-ai/models", "LocalAI", 1, ANY),
    folder("opt/models", "", 2, OPEN),
    folder("srv/models", "", 2, OPEN),
    folder("var/cache/llama.cpp", "llama.cpp", 1, GGUF),
];

/// What lies in a folder of this name is for, where that is not a model of its own. ComfyUI, the web UIs and InvokeAI name them so.
pub(super) fn role(folder: &str) -> Option<&'static str> {
    Some(match folder.to_ascii_lowercase().as_str() {
        "loras" | "lora" | "lycoris" => "adapter",
        "vae" | "vae_approx" => "autoencoder",
        "clip" | "text_encoders" | "text_encoder" => "text encoder",
        "clip_vision" | "clip-interrogator" => "image encoder",
        "controlnet" | "t2i_adapter" | "ip_adapter" => "control",
        "embeddings" | "textual_inversion" => "embedding",
        "upscale_models" | "esrgan" | "realesrgan" | "gfpgan" | "codeformer" => "upscaler",
        _ => return None,
    })
}
