//! Plugins of editors that keep them as plain folders: Zed, Vim, Neovim.
//!
//! A Vim plugin has no id but the repository it was cloned from, so it is known by that.

use std::path::Path;

use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

/// Where Zed keeps its extensions, below a home.
pub(super) const ZED: &[&str] = &[
    ".local/share/zed/extensions/installed",
    "Library/Application Support/Zed/extensions/installed",
    "AppData/Local/Zed/extensions/installed",
    ".var/app/dev.zed.Zed/data/zed/extensions/installed",
];

/// What describes an extension of Zed, in its folder.
pub(super) const MANIFEST: &str = "extension.toml";

/// Folders of plugins, and how many levels above the plugins they are: lazy and vim-plug keep them side by side, packer,
/// mini.deps and Vim itself as `pack/*/{start,opt}/<plugin>`, dein by host and owner.
const VIM: &[(&str, usize)] = &[
    (".local/share/nvim/plugged", 0),
    (".local/share/nvim/bundle", 0),
    (".local/share/nvim/site/pack", 2),
    (".local/share/lunarvim/site/pack", 2),
    (".local/share/nvim/dein/repos", 2),
    (".local/share/dein/repos", 2),
    (".cache/dein/repos", 2),
    (".config/nvim/plugged", 0),
    (".config/nvim/bundle", 0),
    (".config/nvim/pack", 2),
    (".vim/plugged", 0),
    (".vim/bundle", 0),
    (".vim/pack", 2),
    (".config/vim/pack", 2),
    ("vimfiles/plugged", 0),
    ("vimfiles/bundle", 0),
    ("vimfiles/pack", 2),
    ("AppData/Local/nvim-data/plugged", 0),
    ("AppData/Local/nvim-data/site/pack", 2),
    ("AppData/Local/nvim/pack", 2),
    (".var/app/io.neovim.nvim/data/nvim/site/pack", 2),
];
/// Folders of data, in which a Neovim of any name may have its own (`NVIM_APPNAME`).
const NEOVIM_DATA: &[&str] = &[".local/share", "AppData/Local", ".var/app/io.neovim.nvim/data"];

/// Largest `.git/config` or `extension.toml` read, in bytes.
const CONFIG_BYTES: u64 = 64 * 1024;

pub(super) fn read_zed(home: &Dir, source: &mut Source<'_>) {
    for path in ZED {
        for (folder, name) in children(home, path, source) {
            let bytes = folder.read(Path::new(&name).join(MANIFEST), CONFIG_BYTES).ok();
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
        let client = if path.contains("nvim") { "Neovim" } else { "Vim" };
        for (folder, name) in level {
            offer_clone(&folder, &name, client, source);
        }
    }
    for place in NEOVIM_DATA {
        let Some(data) = source.through(home.dir(place), || home.shown_child(place)) else { continue };
        let Some((entries, _)) = source.through(data.entries(), || data.shown().into()) else { continue };
        // A folder of lazy's holds lazy itself.
        let named = entries.iter().filter(|entry| entry.may_be_dir()).filter_map(|entry| entry.text());
        for name in named.filter(|name| data.look(format!("{name}/lazy/lazy.nvim")).is_ok()) {
            for (folder, plugin) in children(&data, &format!("{name}/lazy"), source) {
                offer_clone(&folder, &plugin, "Neovim", source);
            }
        }
    }
}

fn offer_clone(folder: &Dir, name: &str, client: &str, source: &mut Source<'_>) {
    let Some(repository) = repository(folder, name) else {
        return source.leave(SoftwareKind::VimPlugin, name.to_owned(), None);
    };
    let mut found = Found::new(repository).at(folder.shown_child(name), folder.uid());
    found.details.client = Some(client.into());
    source.offer(SoftwareKind::VimPlugin, found);
}

/// Where a clone came from. A clone inside another repository has its settings in that one, and says where.
pub(super) fn repository(folder: &Dir, name: &str) -> Option<String> {
    let clone = Path::new(name);
    let config = folder.read(clone.join(".git/config"), CONFIG_BYTES).or_else(|_| {
        let pointer = folder.read(clone.join(".git"), CONFIG_BYTES)?;
        let target = submodule(&pointer).ok_or(Trouble::Absent)?;
        folder.read(clone.join(target).join("config"), CONFIG_BYTES)
    });
    origin(&config.ok()?)
}

/// The relative place that a `.git` file points to.
fn submodule(pointer: &[u8]) -> Option<&Path> {
    let target = std::str::from_utf8(pointer).ok()?.strip_prefix("gitdir:")?.trim();
    Some(Path::new(target)).filter(|target| target.is_relative())
}

/// The folders in a folder, each as its parent and its name.
pub(super) fn children(base: &Dir, path: &str, source: &mut Source<'_>) -> Vec<(Dir, String)> {
    let Some(folder) = source.note(base.dir(path), || base.shown_child(path)) else { return Vec::new() };
    source.folders(&folder).into_iter().map(|name| (folder.clone(), name)).collect()
}

/// `owner/name` of the repository a clone came from; of the address nothing else is kept, for it may hold a token.
pub(super) fn origin(config: &[u8]) -> Option<String> {
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

    #[test]
    fn a_clone_inside_another_says_where_its_settings_are() {
        let pointer = b"gitdir: ../../.git/modules/pack/x\n";
        assert_eq!(submodule(pointer), Some(Path::new("../../.git/modules/pack/x")));
        assert_eq!(submodule(b"gitdir: /etc\n"), None);
        assert_eq!(submodule(b"\xff"), None);
    }
}
