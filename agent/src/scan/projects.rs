//! Folders of projects that a configuration names, beside the homes: what lies in them is read as projects of a home are.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::ScanRequest;
use super::homes::Homes;
use super::safe::{Budget, Dir, Trouble};

/// Opens them, each on what it may spend. One in a home is the home's, on a budget of its own; one that is not there is no trouble of
/// a scan's: `doctor` tells.
pub(super) fn find(
    root: &Dir,
    request: &ScanRequest,
    homes: &[Dir],
    mut budget: impl FnMut() -> Rc<Budget>,
) -> Homes {
    let mut found = Homes { homes: Vec::new(), lost: Vec::new() };
    let places: BTreeSet<PathBuf> =
        request.project_roots.iter().filter_map(|path| below(&request.root, path)).collect();
    for place in places {
        let absolute = Path::new("/").join(&place);
        let home = homes.iter().find_map(|home| Some((home, absolute.strip_prefix(home.absolute()).ok()?)));
        let opened = match home {
            // The walk through the home goes there.
            Some((_, inner)) if inner.as_os_str().is_empty() => continue,
            Some((home, inner)) => home.dir(inner),
            None => root.dir(&place).and_then(Dir::into_boundary),
        };
        match opened {
            Ok(dir) => found.homes.push(dir.charged(budget())),
            Err(Trouble::Absent) => {}
            Err(trouble) => found.lost.push((absolute.to_string_lossy().into_owned(), trouble)),
        }
    }
    found
}

/// A configured folder below the root of what is scanned; `None`: it is the root itself, or no plain path.
fn below(root: &Path, path: &Path) -> Option<PathBuf> {
    let below = path.strip_prefix(root).or(path.strip_prefix("/")).ok()?;
    let plain = below.components().all(|part| matches!(part, Component::Normal(_)));
    (plain && below.components().next().is_some()).then(|| below.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_plain_and_below_the_root() {
        let at = |root: &str, path: &str| below(Path::new(root), Path::new(path));
        assert_eq!(at("/", "/srv/src"), Some("srv/src".into()));
        assert_eq!(at("/mnt/image", "/srv/src"), Some("srv/src".into()));
        for no in ["/", "srv", "/srv/../etc", ""] {
            assert_eq!(at("/", no), None, "{no}");
        }
    }
}
