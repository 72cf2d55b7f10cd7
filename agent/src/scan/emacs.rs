//! Emacs packages: of package.el, straight, elpaca and el-get, of Doom and Spacemacs, and those of the system.
//!
//! package.el unpacks to `elpa/<name>-<version>`; the others build a package into a folder of its name.

use std::path::Path;

use umbrascope_rules::SoftwareKind;

use super::safe::Dir;
use super::source::{Found, Source};

/// Folders of Emacs's own files below a home. Doom and Spacemacs live in the same.
const EMACS: &[&str] = &[
    ".emacs.d",
    ".config/emacs",
    ".config/doom-emacs",
    ".doomemacs",
    ".local/share/emacs",
    "AppData/Roaming/.emacs.d",
    ".var/app/org.gnu.emacs/config/emacs",
];
/// Folders of builds in it, a folder a package.
const BUILDS: &[&str] = &["straight/build", "elpaca/builds", "el-get", ".local/elpaca/builds"];
/// Doom's builds: `build-<version of Emacs>` beside the clones.
const DOOM: &str = ".local/straight";
/// Folders of package.el's packages below the root, as distributions install them.
const SYSTEM: &[&str] = &["usr/share/emacs/site-lisp/elpa", "usr/share/emacs/site-lisp/elpa-src"];
/// Most packages of one folder.
const PACKAGES: usize = 5_000;
/// Largest description of a package read, in bytes.
const DESCRIPTION_BYTES: u64 = 64 * 1024;

pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for path in SYSTEM {
        read_elpa(root, path, source);
    }
}

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for place in EMACS {
        let Some(emacs) = source.note(home.dir(place), || home.shown_child(place)) else { continue };
        for name in read_elpa(&emacs, "elpa", source) {
            // Spacemacs: a folder for each version of Emacs, and in it one for each branch.
            let versions = name.starts_with(|c: char| c.is_ascii_digit());
            if !versions {
                continue;
            }
            let path = format!("elpa/{name}");
            let Some(version) = source.note(emacs.dir(&path), || emacs.shown_child(&path)) else { continue };
            for branch in source.folders(&version) {
                read_elpa(&version, &branch, source);
            }
        }
        for path in BUILDS {
            read_builds(&emacs, path, source);
        }
        if let Some(straight) = source.note(emacs.dir(DOOM), || emacs.shown_child(DOOM)) {
            for name in source.folders(&straight).into_iter().filter(|name| name.starts_with("build-")) {
                read_builds(&straight, &name, source);
            }
        }
    }
}

/// Reads package.el's folder and gives the names of what is no package.
fn read_elpa(base: &Dir, path: &str, source: &mut Source<'_>) -> Vec<String> {
    let Some(folder) = source.note(base.dir(path), || base.shown_child(path)) else { return Vec::new() };
    let mut others = Vec::new();
    let names = source.folders(&folder);
    for name in source.first(names, PACKAGES, folder.shown()) {
        // A package that was fetched by version control has no version in its name, but a description of that name.
        let (package, version) = match split(&name) {
            Some((package, version)) => (package.to_owned(), Some(version.to_owned())),
            None => {
                let description = Path::new(&name).join(format!("{name}-pkg.el"));
                match folder.read(description, DESCRIPTION_BYTES) {
                    Ok(bytes) => (name.clone(), described_version(&bytes)),
                    Err(_) => {
                        others.push(name);
                        continue;
                    }
                }
            }
        };
        let mut found = Found::new(package).version(version).at(folder.shown_child(&name), folder.uid());
        found.details.client = Some("Emacs".into());
        source.offer(SoftwareKind::EmacsPackage, found);
    }
    others
}

fn read_builds(base: &Dir, path: &str, source: &mut Source<'_>) {
    let Some(folder) = source.note(base.dir(path), || base.shown_child(path)) else { return };
    let names = source.folders(&folder);
    for name in source.first(names, PACKAGES, folder.shown()) {
        let mut found = Found::new(name.as_str()).at(folder.shown_child(&name), folder.uid());
        found.details.client = Some("Emacs".into());
        source.offer(SoftwareKind::EmacsPackage, found);
    }
}

/// Name and version of a folder of package.el: digits and dots after the last hyphen before a digit.
pub(super) fn split(folder: &str) -> Option<(&str, &str)> {
    let (name, version) = folder.rsplit_once('-')?;
    let digits = version.starts_with(|c: char| c.is_ascii_digit());
    let plain = version.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    (digits && plain && !name.is_empty()).then_some((name, version))
}

/// The second text of `(define-package "name" "version" …`.
pub(super) fn described_version(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, call) = text.split_once("(define-package")?;
    let mut texts = call.split('"').skip(1).step_by(2);
    let version = texts.nth(1)?;
    (version.len() <= 64 && version.starts_with(|c: char| c.is_ascii_digit())).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_name_and_version() {
        assert_eq!(split("gptel-20260110.1234"), Some(("gptel", "20260110.1234")));
        assert_eq!(split("org-ai-0.5.6"), Some(("org-ai", "0.5.6")));
        assert_eq!(split("0x0-1.0"), Some(("0x0", "1.0")));
        assert_eq!(split("archives"), None);
        assert_eq!(split("29.1"), None);
        assert_eq!(split("copilot-chat"), None);
        assert_eq!(split("-1"), None);
    }

    #[test]
    fn a_description_gives_the_version() {
        let text = b";; Generated package description from copilot.el  -*- no-byte-compile: t -*-\n\
            (define-package \"copilot\" \"0.3.0\" \"An unofficial \\\"Copilot\\\" plugin\" '((emacs \"27.2\")))\n";
        assert_eq!(described_version(text).as_deref(), Some("0.3.0"));
        for end in 0..text.len() {
            drop(described_version(&text[..end]));
        }
    }
}
