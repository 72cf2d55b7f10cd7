//! Plugins of editors that keep them as plain folders: Zed, Vim, Neovim.
//!
//! A Vim plugin has no id but the repository it was cloned from, so it is known by that.

use std::path::Path;

use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, FileType};
use super::source::{Found, Source};

const ZED: &[&str] = &[
    ".local/share/zed/extensions/installed",
    "Library/Application Support/Zed/extensions/installed",
    "AppData/Local/Zed/extensions/installed",
    ".var/app/dev.zed.Zed/data/zed/extensions/installed",
];

/// Folders of plugins, and how many levels above the plugins they are (`pack/*/{start,opt}/<plugin>`).
const VIM: &[(&str, usize)] = &[
    (".local/share/nvim/lazy", 0),
    (".local/share/nvim/plugged", 0),
    (".local/share/nvim/site/pack", 2),
    (".config/nvim/pack", 2),
    (".vim/plugged", 0),
    (".vim/bundle", 0),
    (".vim/pack", 2),
];

/// Largest `.git/config` or `extension.toml` read, in bytes.
const CONFIG_BYTES: u64 = 64 * 1024;

pub(super) fn read_zed(home: &Dir, source: &mut Source<'_>) {
    for path in ZED {
        for (folder, name) in children(home, path, source) {
            let bytes = folder.read(Path::new(&name).join("extension.toml"), CONFIG_BYTES).ok();
            let manifest =
                bytes.and_then(|bytes| toml::from_str::<toml::Table>(&String::from_utf8_lossy(&bytes)).ok());
            let text = |key: &str| manifest.as_ref()?.get(key)?.as_str().map(str::to_owned);
            let id = text("id").unwrap_or(name);
            let mut found = Found::new(id).version(text("version")).at(folder.shown(), folder.uid());
            found.details.client = Some("Zed".into());
            source.offer(SoftwareKind::ZedExtension, found);
        }
    }
}

pub(super) fn read_vim(home: &Dir, source: &mut Source<'_>) {
    for (path, depth) in VIM {
        let mut level = children(home, path, source);
        for _ in 0..*depth {
            level = level.iter().flat_map(|(folder, name)| children(folder, name, source)).collect();
        }
        for (folder, name) in level {
            let config = folder.read(Path::new(&name).join(".git/config"), CONFIG_BYTES).ok();
            let Some(repository) = config.as_deref().and_then(origin) else {
                source.leave(SoftwareKind::VimPlugin, name, None);
                continue;
            };
            let mut found = Found::new(repository).at(folder.shown_child(&name), folder.uid());
            found.details.client = Some(if path.contains("nvim") { "Neovim" } else { "Vim" }.into());
            source.offer(SoftwareKind::VimPlugin, found);
        }
    }
}

/// The folders in a folder, each as its parent and its name.
fn children(base: &Dir, path: &str, source: &mut Source<'_>) -> Vec<(Dir, String)> {
    let Some(folder) = source.note(base.dir(path), || base.shown_child(path)) else { return Vec::new() };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else {
        return Vec::new();
    };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    let named =
        entries.iter().filter(|entry| entry.kind == FileType::Directory).filter_map(|entry| entry.text());
    named.map(|name| (folder.clone(), name.to_owned())).collect()
}

/// `owner/name` of the repository a clone came from; of the address nothing else is kept, for it may hold a token.
fn origin(config: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(config).ok()?;
    let url =
        text.lines().find_map(|line| line.trim().strip_prefix("url")?.trim_start().strip_prefix('='))?;
    let url = url.trim().trim_end_matches('/');
    let url = url.strip_suffix(".git").unwrap_or(url);
    let mut parts = url.rsplit(['/', ':']);
    let (name, owner) = (parts.next()?, parts.next()?);
    (!name.is_empty() && !owner.is_empty() && !owner.contains('@')).then(|| format!("{owner}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_names_its_repository_and_no_token() {
        let https = b"[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://ghp_secret@github.com/github/copilot.vim.git\n";
        assert_eq!(origin(https).as_deref(), Some("github/copilot.vim"));
        assert_eq!(
            origin(b"[remote \"origin\"]\n url = git@github.com:zbirenbaum/copilot.lua\n").as_deref(),
            Some("zbirenbaum/copilot.lua")
        );
        assert_eq!(origin(b"[core]\n"), None);
    }
}
