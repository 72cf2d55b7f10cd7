//! Programs that winget unpacked itself, without an installer: folders called `<package>_<source>`. What has an installer is in the list
//! of installed programs.

use umbrascope_rules::SoftwareKind;

use super::super::safe::Dir;
use super::super::source::{Found, Source};

const HOME: &str = "AppData/Local/Microsoft/WinGet/Packages";
const SYSTEM: &[&str] = &["Program Files/WinGet/Packages", "Program Files (x86)/WinGet/Packages"];

pub(in super::super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for path in SYSTEM {
        read(root, path, source);
    }
}

pub(in super::super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    read(home, HOME, source);
}

fn read(base: &Dir, path: &str, source: &mut Source<'_>) {
    let Some(folder) = source.note(base.dir(path), || base.shown_child(path)) else { return };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries.iter().filter(|entry| entry.may_be_dir()) {
        let Some(id) = entry.text().and_then(package) else { continue };
        source.offer(SoftwareKind::Winget, Found::new(id).at(folder.shown(), folder.uid()));
    }
}

/// The package of a folder. Its source is called `Microsoft.Winget.Source_8wekyb3d8bbwe`, or `_DefaultSource` for a manifest of
/// one's own.
fn package(folder: &str) -> Option<&str> {
    let known = ["_Microsoft.Winget.Source_8wekyb3d8bbwe", "__DefaultSource"];
    let id = known
        .iter()
        .find_map(|source| folder.strip_suffix(source))
        .or_else(|| Some(folder.split_once('_')?.0))?;
    id.contains('.').then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_names_package_and_source() {
        let suffix = "Microsoft.Winget.Source_8wekyb3d8bbwe";
        assert_eq!(package(&format!("ggml.llamacpp_{suffix}")), Some("ggml.llamacpp"));
        assert_eq!(package("Ollama.Ollama__DefaultSource"), Some("Ollama.Ollama"));
        assert_eq!(package("Some.Tool_other"), Some("Some.Tool"));
        assert_eq!(package("README"), None);
    }
}
