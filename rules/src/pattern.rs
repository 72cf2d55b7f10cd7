//! Patterns in normal form, or the reason why they have none.

use crate::catalogue::IndicatorKind;
use crate::words::SoftwareKind;
use crate::{domain, glob, identifier};

/// What is wrong with a pattern, and what to do.
pub(crate) type Refusal = (String, String);

/// The normal form of a pattern of that kind.
pub(crate) fn normalise(kind: IndicatorKind, text: &str) -> Result<String, Refusal> {
    match kind {
        IndicatorKind::Exact => name(text),
        // Imported lists write `*.example.com` or `.example.com` for what is a suffix here.
        IndicatorKind::Suffix => name(text.strip_prefix("*.").or(text.strip_prefix('.')).unwrap_or(text)),
        IndicatorKind::Glob => name_glob(text),
        IndicatorKind::Software(kind) => software(kind, text),
    }
}

fn name(text: &str) -> Result<String, Refusal> {
    if text.contains('*') {
        return Err((format!("`{text}` holds a `*`"), "put it under `glob`".to_owned()));
    }
    let name = domain::normalise(text).map_err(|why| {
        (format!("`{text}` is not a host name: {why}"), "write the bare host name".to_owned())
    })?;
    if !name.contains('.') {
        return Err((format!("`{text}` is a single label"), "write a full host name".to_owned()));
    }
    Ok(name.into_owned())
}

fn name_glob(text: &str) -> Result<String, Refusal> {
    let refuse = |message: String, fix: &str| Err((message, fix.to_owned()));
    if !text.contains('*') {
        return refuse(format!("`{text}` holds no `*`"), "put it under `exact` or `suffix`");
    }
    // With the stars replaced by a letter what is left has to be a host name.
    let filled = text.replace('*', "a").to_ascii_lowercase();
    match domain::normalise(&filled) {
        Ok(name) if *name == *filled => {}
        _ => {
            return refuse(
                format!("`{text}` is not a host name with `*`"),
                "write labels of a-z, 0-9, -, _ and *",
            );
        }
    }
    let fixed = text.rsplit('.').take_while(|label| !label.contains('*')).count();
    if fixed < 2 {
        return refuse(
            format!("`{text}` has fewer than two fixed labels at its end"),
            "a glob stays inside one domain: write the domain out",
        );
    }
    Ok(text.to_ascii_lowercase())
}

fn software(kind: SoftwareKind, text: &str) -> Result<String, Refusal> {
    let refuse = |what: &str, fix: &str| Err((format!("`{text}` is not {what}"), fix.to_owned()));
    if text.contains('*') && !kind.takes_globs() {
        return refuse(&format!("a {kind}: no `*` there"), "write the identifier out");
    }
    let Some(normal) = identifier::normalise(kind, text) else {
        return refuse(&format!("a {kind}"), "write the identifier as its registry has it");
    };
    let parts = |text: &str, by: char| text.split(by).filter(|part| !part.is_empty()).count();
    let token = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    match kind {
        SoftwareKind::ChromiumExtension if !is_chromium_id(&normal) => {
            return refuse(
                "a Chromium extension id",
                "32 letters from a to p, as in the address of its store page",
            );
        }
        SoftwareKind::BundleId if parts(&normal, '.') < 2 || !normal.bytes().all(is_bundle_byte) => {
            return refuse(
                "a bundle identifier",
                "write CFBundleIdentifier: reverse DNS from letters, digits, - and .",
            );
        }
        SoftwareKind::VscodeExtension if parts(&normal, '.') != 2 || !token(&normal) => {
            return refuse("an extension id", "write publisher.name, without a version");
        }
        SoftwareKind::FirefoxExtension if !is_firefox_id(&normal) => {
            return refuse("a Firefox add-on id", "write name@domain or {uuid}");
        }
        SoftwareKind::VimPlugin if parts(&normal, '/') != 2 || !token(&normal) => {
            return refuse("a repository", "write owner/repository");
        }
        SoftwareKind::MsixFamily if !is_msix_family(&normal) => {
            return refuse(
                "a package family name",
                "write Name_publisherid, the publisher id being 13 characters",
            );
        }
        SoftwareKind::Winget if parts(&normal, '.') < 2 => {
            return refuse("a winget id", "write Publisher.Package");
        }
        SoftwareKind::Go if parts(&normal, '/') < 2 || !normal.contains('.') => {
            return refuse("a module path", "write host/path");
        }
        SoftwareKind::Composer if parts(&normal, '/') != 2 => {
            return refuse("a package", "write vendor/package");
        }
        SoftwareKind::Maven
            if parts(&normal, ':') != 2
                || normal.split(':').next().is_some_and(|group| group.contains('*'))
                || !token(&normal) =>
        {
            return refuse("Maven coordinates", "write group:artifact, without a version");
        }
        SoftwareKind::Flatpak if parts(&normal, '.') < 3 => {
            return refuse("a Flatpak id", "write reverse DNS of three parts or more");
        }
        SoftwareKind::Executable | SoftwareKind::ConfigPath => check_path(&normal).map_err(|what| {
            (
                format!("`{text}` {what}"),
                "write /…, ~/…, C:/… or **/folder/file, with a name of its own".to_owned(),
            )
        })?,
        SoftwareKind::Model if normal.bytes().filter(u8::is_ascii_alphanumeric).count() < 2 => {
            return refuse("a model name", "two letters at least stand outside of `*`");
        }
        SoftwareKind::RaycastExtension if parts(&normal, '/') != 2 || !token(&normal) => {
            return refuse("a Raycast extension", "write author/name, as in the address of its store page");
        }
        SoftwareKind::OfficeAddin if !is_uuid(&normal) => {
            return refuse("the id of an Office add-in", "write the UUID of its manifest's <Id>");
        }
        SoftwareKind::NativeMessagingHost if parts(&normal, '.') < 2 || !normal.bytes().all(is_host_byte) => {
            return refuse("a native messaging host", "write the `name` of its manifest");
        }
        SoftwareKind::LocalPort if !normal.parse::<u16>().is_ok_and(|port| port > 0) => {
            return refuse("a TCP port", "write a number from 1 to 65535");
        }
        SoftwareKind::ApiFingerprint if !is_fingerprint(&normal) => {
            return refuse(
                "a fingerprint",
                "write `/path text`: the path that is asked, and what its answer holds",
            );
        }
        SoftwareKind::EnvName if !is_variable(&normal) => {
            return refuse(
                "the name of a variable",
                "write it as it is set, with a `_` at least: ACME_API_KEY",
            );
        }
        SoftwareKind::ProjectFile if !is_project_path(&normal) => {
            return refuse(
                "a project's file",
                "write its path below the project's folder, as in .cursor/rules",
            );
        }
        SoftwareKind::Dpkg
        | SoftwareKind::Rpm
        | SoftwareKind::Apk
        | SoftwareKind::Pacman
        | SoftwareKind::Snap
        | SoftwareKind::Brew
        | SoftwareKind::Macports
        | SoftwareKind::Nix
        | SoftwareKind::Chocolatey
        | SoftwareKind::Scoop
        | SoftwareKind::EmacsPackage
        | SoftwareKind::ObsidianPlugin
        | SoftwareKind::Conda
        | SoftwareKind::Pypi
        | SoftwareKind::Npm
        | SoftwareKind::Cargo
        | SoftwareKind::Gem
        | SoftwareKind::Nuget
        | SoftwareKind::McpPackage
        | SoftwareKind::ContainerImage
            if !token(&normal) =>
        {
            return refuse(&format!("a {kind} name"), "write the package name, not the display name");
        }
        _ => {}
    }
    Ok(normal.into_owned())
}

fn check_path(path: &str) -> Result<(), &'static str> {
    let drive = path.as_bytes().get(1) == Some(&b':') && path.as_bytes().get(2) == Some(&b'/');
    if !(drive || ["/", "~/", "**/"].iter().any(|start| path.starts_with(start))) {
        return Err("starts nowhere");
    }
    let stars = path.split('/').filter(|part| *part == "**").count();
    if stars > usize::from(glob::MAX_DOUBLE_STARS) {
        return Err("holds more than two `**`");
    }
    if path.split('/').any(|part| part.contains("**") && part != "**") {
        return Err("has `**` inside a part");
    }
    // `~/.config`, `**/bin/*`: nobody's in particular.
    let own = |part: &&str| {
        !part.contains('*') && !matches!(*part, "" | "~" | "bin" | ".config" | "usr" | "opt" | "local")
    };
    if path.split('/').filter(own).count() == 0 {
        return Err("has no name of its own");
    }
    Ok(())
}

fn is_chromium_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'a'..=b'p'))
}

fn is_bundle_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

fn is_firefox_id(text: &str) -> bool {
    let uuid = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).is_some_and(is_uuid);
    uuid || text.split_once('@').is_some_and(|(_, domain)| !domain.is_empty() && !domain.contains('@'))
}

/// Relative, and a name that more than one tool would not think of: two letters at least.
fn is_project_path(text: &str) -> bool {
    let plain = text.split('/').all(|part| !matches!(part, "" | "." | ".." | "~"));
    plain && text.bytes().filter(u8::is_ascii_alphanumeric).count() > 1
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Chrome's rule for the name of a native messaging host: lower case letters, digits, `_` and `.`.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_')
}

/// A path without a query, a space, and a text of three letters at least.
fn is_fingerprint(text: &str) -> bool {
    text.split_once(' ').is_some_and(|(path, text)| {
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'%'));
        path.starts_with('/') && plain && text.bytes().filter(u8::is_ascii_alphanumeric).count() >= 3
    })
}

/// Letters, digits and `_` (POSIX, "Environment Variable Definition"), in lower case, and in two parts: a word alone is everybody's.
fn is_variable(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.bytes().all(plain)
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.split('_').filter(|part| !part.is_empty()).count() >= 2
}

fn is_msix_family(text: &str) -> bool {
    text.rsplit_once('_').is_some_and(|(name, publisher)| {
        let publisher_fits =
            publisher == "*" || publisher.len() == 13 && publisher.bytes().all(|b| b.is_ascii_alphanumeric());
        !name.is_empty() && publisher_fits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_out_normal() {
        assert_eq!(normalise(IndicatorKind::Suffix, "*.OpenAI.com"), Ok("openai.com".to_owned()));
        assert_eq!(normalise(IndicatorKind::Suffix, ".openai.com"), Ok("openai.com".to_owned()));
        assert_eq!(normalise(IndicatorKind::Glob, "Q.*.amazonaws.com"), Ok("q.*.amazonaws.com".to_owned()));
    }

    #[test]
    fn patterns_that_say_too_much_or_nothing_are_refused() {
        for (kind, text) in [
            ("exact", "*.openai.com"),
            ("exact", "localhost"),
            ("suffix", "https://openai.com"),
            ("glob", "openai.com"),
            ("glob", "api.*.com"),
            ("glob", "*.com"),
            ("glob", "a b*.openai.com"),
            ("chromium-extension", "abcdefghijklmnopabcdefghijklmnoz"),
            ("chromium-extension", "abcdef"),
            ("bundle-id", "ChatGPT"),
            ("bundle-id", "com.open ai.chat"),
            ("vscode-extension", "github.copilot.chat"),
            ("firefox-extension", "grammarly"),
            ("msix-family", "OpenAI.ChatGPT"),
            ("pypi", "*openai"),
            ("npm", "Claude Code"),
            ("executable", "ollama"),
            ("executable", "**/*"),
            ("config-path", "~/.config"),
            ("model", "*"),
            ("mcp-host", "not a host"),
            ("go", "openai"),
            ("maven", "com.openai"),
            ("maven", "*:openai-java"),
            ("raycast-extension", "raycast-ai"),
            ("office-addin", "WA200005502"),
            ("native-messaging-host", "Claude"),
            ("local-port", "tcp/11434"),
            ("local-port", "65536"),
            ("api-fingerprint", "/api/version"),
            ("api-fingerprint", "/api/tags?x=1 models"),
        ] {
            let kind = IndicatorKind::from_key(kind).unwrap();
            assert!(normalise(kind, text).is_err(), "{kind} {text}");
        }
    }

    #[test]
    fn identifiers_of_the_right_form_are_taken() {
        for (kind, text) in [
            ("chromium-extension", "difoiogjjojoaoomphldepapgpbgkhkb"),
            ("bundle-id", "com.openai.chat"),
            ("vscode-extension", "GitHub.copilot-chat"),
            ("firefox-extension", "{446900e4-71c2-419f-a6a7-df9c091e268b}"),
            ("firefox-extension", "87677a2c52b84ad3a151a4a72f5bd3c4@jetpack"),
            ("msix-family", "OpenAI.ChatGPT-Desktop_2p2nqsd0c76g0"),
            ("npm", "@langchain/*"),
            ("executable", "**/.local/bin/claude"),
            ("executable", "C:/Program Files/Ollama/ollama.exe"),
            ("config-path", "~/.claude"),
            ("model", "meta-llama/*"),
            ("go", "github.com/openai/openai-go"),
            ("jetbrains-plugin", "com.github.copilot"),
            ("maven", "com.openai:openai-java"),
            ("sublime-package", "OpenAI completion"),
            ("raycast-extension", "abielzulio/chatgpt"),
            ("office-addin", "e504fb41-a92a-4526-b101-542f357b7acb"),
            ("native-messaging-host", "com.anthropic.claude_code_browser_extension"),
            ("local-port", "11434"),
            ("api-fingerprint", "/ Ollama is running"),
            ("maven", "dev.langchain4j:*"),
        ] {
            let kind = IndicatorKind::from_key(kind).unwrap();
            assert!(normalise(kind, text).is_ok(), "{kind} {text}: {:?}", normalise(kind, text));
        }
    }
}
