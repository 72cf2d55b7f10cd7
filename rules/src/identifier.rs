//! Identifiers of software in one form per namespace, so that comparing them is comparing bytes.
//!
//! Patterns and what a scanner found go through the same function, so neither has to be exact about case,
//! separators, versions and prefixes that the namespace itself does not tell apart.

use std::borrow::Cow;

use crate::words::SoftwareKind;

/// Longest identifier that is looked at, in bytes: `PATH_MAX` of Linux, the longest of them all.
pub(crate) const MAX_IDENTIFIER: usize = 4096;

impl SoftwareKind {
    /// Whether a pattern of this kind may hold `*`.
    pub(crate) const fn takes_globs(self) -> bool {
        use SoftwareKind::*;
        matches!(
            self,
            Executable
                | ConfigPath
                | Model
                | AppImage
                | UninstallKey
                | MsixFamily
                | Npm
                | Composer
                | Maven
                | McpPackage
        )
    }

    /// Whether it is no identifier of its own but something that a product known otherwise is asked about: a port or an
    /// answer, which products share.
    pub(crate) const fn asked_by_product(self) -> bool {
        matches!(self, Self::LocalPort | Self::ApiFingerprint)
    }

    /// Where a pattern may end inside a longer identifier: before that byte, if at all.
    pub(crate) const fn boundary(self) -> Option<Boundary> {
        use SoftwareKind::*;
        match self {
            Go | ContainerImage | ConfigPath | ProjectFile => Some(Boundary::Below),
            McpHost => Some(Boundary::SubHost),
            _ => None,
        }
    }
}

/// Which longer identifiers a pattern speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Boundary {
    /// `pattern/anything`.
    Below,
    /// `anything.pattern`.
    SubHost,
}

/// The normal form of an identifier; `None` where it cannot be one of its kind.
pub(crate) fn normalise(kind: SoftwareKind, text: &str) -> Option<Cow<'_, str>> {
    use SoftwareKind::*;
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_IDENTIFIER {
        return None;
    }
    let normal = match kind {
        // Debian policy 5.6.1: lower case; the architecture may follow a colon in lists.
        Dpkg => lower(text.split_once(':').map_or(text, |(name, _)| name)),
        // PEP 503: case, and runs of - _ . are all one; an extra in brackets is no part of the name.
        Pypi => fold(before(text, "[=<>!~; @"), '-'),
        // The registry takes `a-b` and `a_b` for one name.
        Cargo => fold(text, '-'),
        Brew => {
            lower(text.strip_prefix("homebrew/core/").or(text.strip_prefix("homebrew/cask/")).unwrap_or(text))
        }
        DesktopId => lower(text.strip_suffix(".desktop").unwrap_or(text)),
        VimPlugin => lower(trim_repository(text)),
        Maven => maven(text),
        AppImage => lower(text.rsplit(['/', '\\']).next().unwrap_or(text)),
        Executable | ConfigPath => path(text),
        ProjectFile => lower(text.trim_end_matches('/')),
        McpPackage => mcp_package(text),
        McpHost => return host(text),
        ContainerImage => image(text),
        Model => model(text),
        ApiFingerprint => Cow::Borrowed(text),
        _ => lower(text),
    };
    (!normal.is_empty()).then_some(normal)
}

/// `group:artifact`, of coordinates that may go on with packaging, classifier and version, or of a package URL.
fn maven(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix("pkg:maven/").unwrap_or(text);
    let (group, rest) = text.split_once([':', '/']).unwrap_or((text, ""));
    let artifact = before(rest, ":@/?");
    let whole = group.len() + 1 + artifact.len();
    match text.get(..whole) {
        Some(coordinates) if coordinates.as_bytes()[group.len()] == b':' => lower(coordinates),
        _ => Cow::Owned(format!("{group}:{artifact}").to_ascii_lowercase()),
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Lower case, with every run of `-`, `_` and `.` one separator.
fn fold(text: &str, separator: char) -> Cow<'_, str> {
    let is_separator = |c: char| matches!(c, '-' | '_' | '.');
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if is_separator(c) && folded.ends_with(separator) => {}
            c if is_separator(c) => folded.push(separator),
            c => folded.push(c.to_ascii_lowercase()),
        }
    }
    Cow::Owned(folded)
}

fn before<'a>(text: &'a str, stops: &str) -> &'a str {
    text.split(|c| stops.contains(c)).next().unwrap_or(text)
}

fn trim_repository(text: &str) -> &str {
    let text = text.strip_prefix("https://").unwrap_or(text);
    let text = text.strip_prefix("github.com/").unwrap_or(text);
    let text = text.strip_suffix('/').unwrap_or(text);
    text.strip_suffix(".git").unwrap_or(text)
}

/// Slashes one way, `~` for a home, no slash at the end. Case is dropped: two of the three systems ignore
/// it, and no two products differ by case alone.
fn path(text: &str) -> Cow<'_, str> {
    let mut path = lower(text);
    if path.contains('\\') {
        path = Cow::Owned(path.replace('\\', "/"));
    }
    if path.len() > 1 && path.ends_with('/') {
        path = Cow::Owned(path.trim_end_matches('/').to_owned());
    }
    match below_home(&path) {
        Some("") => Cow::Borrowed("~"),
        Some(rest) => Cow::Owned(format!("~/{rest}")),
        None => path,
    }
}

/// What follows the home folder in a lower-case path: `/home/x`, `/var/home/x`, `/root`, `/users/x`, `c:/users/x`.
fn below_home(path: &str) -> Option<&str> {
    if let Some(rest) = path.strip_prefix("/root") {
        return if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') };
    }
    let drive = path.as_bytes().get(1) == Some(&b':') && path.is_char_boundary(2);
    let homes = if drive { path[2..].strip_prefix("/users/") } else { None };
    let homes =
        homes.or_else(|| ["/home/", "/var/home/", "/users/"].iter().find_map(|at| path.strip_prefix(at)))?;
    if matches!(homes.split('/').next(), None | Some("" | "shared" | "public" | "*")) {
        return None;
    }
    Some(homes.split_once('/').map_or("", |(_, rest)| rest))
}

/// `@scope/name@1.2`, `name==1.2`, `registry/name:tag`: the name, folded as PyPI does, which npm does not
/// forbid and nobody tells apart.
fn mcp_package(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix("npm:").unwrap_or(text);
    let (scope, rest) = match text.strip_prefix('@').and_then(|rest| rest.split_once('/')) {
        Some((scope, rest)) => (Some(scope), rest),
        None => (None, text),
    };
    let name = before(rest, "@=<>![; ");
    // A colon that no slash follows starts a tag; one that a slash follows is the port of a registry.
    let name = match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    };
    match scope {
        Some(scope) => Cow::Owned(format!("@{}/{}", fold(scope, '-'), fold(name, '-'))),
        None => fold(name, '-'),
    }
}

fn host(text: &str) -> Option<Cow<'_, str>> {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = before(text, "/?#");
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    crate::domain::normalise(host).ok()
}

/// The repository without tag and digest; Docker Hub's prefixes are dropped, as its client adds them
/// (distribution reference grammar, "familiar names").
fn image(text: &str) -> Cow<'_, str> {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split_once('@').map_or(text, |(name, _)| name);
    let text = match text.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => text,
    };
    let hubs = ["docker.io/", "index.docker.io/", "registry-1.docker.io/", "registry.hub.docker.com/"];
    let text = hubs.iter().find_map(|hub| text.strip_prefix(hub)).unwrap_or(text);
    lower(text.strip_prefix("library/").unwrap_or(text))
}

/// Without host, revision and tag; spaces and underscores as hyphens, as names in model headers have them.
fn model(text: &str) -> Cow<'_, str> {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let hosts = ["huggingface.co/", "hf.co/", "registry.ollama.ai/", "ollama.com/"];
    let text = hosts.iter().find_map(|host| text.strip_prefix(host)).unwrap_or(text);
    let text = text.strip_prefix("library/").unwrap_or(text);
    let text = before(text, ":@");
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' | '_' | '-' if name.ends_with('-') => {}
            ' ' | '_' | '-' => name.push('-'),
            c => name.push(c.to_ascii_lowercase()),
        }
    }
    Cow::Owned(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_namespace_has_its_own_normal_form() {
        for (kind, text, expected) in [
            (SoftwareKind::Pypi, "Hugging_Face..Hub[cli]==0.1", "hugging-face-hub"),
            (SoftwareKind::Npm, "@Anthropic-AI/claude-code", "@anthropic-ai/claude-code"),
            (SoftwareKind::Cargo, "async_openai", "async-openai"),
            (SoftwareKind::Dpkg, "ollama:amd64", "ollama"),
            (SoftwareKind::Maven, "com.OpenAI:openai-java:4.15.0", "com.openai:openai-java"),
            (SoftwareKind::Maven, "pkg:maven/com.openai/openai-java@4.15.0", "com.openai:openai-java"),
            (SoftwareKind::Maven, "com.openai", "com.openai:"),
            (SoftwareKind::BundleId, "com.OpenAI.chat", "com.openai.chat"),
            (SoftwareKind::DesktopId, "com.openai.Chat.desktop", "com.openai.chat"),
            (SoftwareKind::VimPlugin, "https://github.com/github/copilot.vim.git", "github/copilot.vim"),
            (SoftwareKind::AppImage, "/home/a/Cursor-1.2.AppImage", "cursor-1.2.appimage"),
            (SoftwareKind::Executable, "/home/alice/.local/bin/claude", "~/.local/bin/claude"),
            (
                SoftwareKind::Executable,
                r"C:\Users\Bob\AppData\Local\Programs\Cursor.exe",
                "~/appdata/local/programs/cursor.exe",
            ),
            (SoftwareKind::Executable, "/Users/Shared/x", "/users/shared/x"),
            (SoftwareKind::ConfigPath, "/root/.claude/", "~/.claude"),
            (SoftwareKind::ConfigPath, "/rootless/.claude", "/rootless/.claude"),
            (
                SoftwareKind::McpPackage,
                "@modelcontextprotocol/server-filesystem@1.2",
                "@modelcontextprotocol/server-filesystem",
            ),
            (SoftwareKind::McpPackage, "mcp_server.fetch==2025.1", "mcp-server-fetch"),
            (
                SoftwareKind::McpPackage,
                "ghcr.io/github/github-mcp-server:latest",
                "ghcr-io/github/github-mcp-server",
            ),
            (SoftwareKind::McpHost, "https://user:x@MCP.linear.app:443/sse?x#y", "mcp.linear.app"),
            (SoftwareKind::ContainerImage, "docker.io/library/Ollama:0.5@sha256:00", "ollama"),
            (SoftwareKind::ContainerImage, "localhost:5000/ollama/ollama", "localhost:5000/ollama/ollama"),
            (SoftwareKind::Model, "hf.co/bartowski/Llama_3.2 3B:Q4", "bartowski/llama-3.2-3b"),
            (SoftwareKind::Model, "registry.ollama.ai/library/llama3.2:3b", "llama3.2"),
        ] {
            assert_eq!(normalise(kind, text).as_deref(), Some(expected), "{kind} {text}");
        }
    }

    #[test]
    fn what_is_empty_or_no_host_is_no_identifier() {
        assert_eq!(normalise(SoftwareKind::Npm, "  "), None);
        assert_eq!(normalise(SoftwareKind::McpHost, "http://127.0.0.1:3000/"), None);
        assert_eq!(normalise(SoftwareKind::Executable, &"a/".repeat(4000)), None);
    }

    proptest! {
        #[test]
        fn normalising_never_panics(text in "\\PC{0,60}") {
            for kind in SoftwareKind::ALL {
                let _ = normalise(*kind, &text);
            }
        }

        #[test]
        fn paths_never_panic(text in "[/\\\\~.:@*a-zA-Zä]{0,40}") {
            for kind in SoftwareKind::ALL {
                let _ = normalise(*kind, &text);
            }
        }
    }
}
