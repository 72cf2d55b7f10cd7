//! Where Pythons are installed, as they say in the registry (PEP 514).

use std::path::PathBuf;

use super::super::python::read_environment;
use super::super::registry::{self, Registry, text};
use super::super::safe::Dir;
use super::super::source::Source;
use super::{each_key, each_software};

/// Most installations.
const INSTALLATIONS: usize = 256;

/// Reads the packages of every Python that the registry names and that lies on this volume.
pub(in super::super) fn read(root: &Dir, registry: &Registry, source: &mut Source<'_>) {
    let mut places: Vec<PathBuf> = Vec::new();
    each_software(registry, source, |software, shown, _, source| {
        for path in ["Python", r"WOW6432Node\Python"] {
            each_key(software, path, shown, source, |_, company, _| {
                company.each(&mut |_, tag| {
                    let place = tag.open("InstallPath").ok().and_then(|key| text(&*key, ""));
                    let place = place.and_then(|place| registry.below_root(&place));
                    if let Some(place) = place
                        && places.len() < INSTALLATIONS
                        && !places.contains(&place)
                    {
                        places.push(place);
                    }
                    Ok(())
                })
            });
        }
    });
    for place in places.iter().filter_map(|place| registry::any_case(root, place)) {
        // Within its home, so that no link leads out of it and it is shown as a home's.
        let at = PathBuf::from("/").join(&place);
        let homes = registry.users.iter().filter_map(|user| user.home.as_ref());
        let home =
            homes.filter_map(|home| Some((home, at.strip_prefix(home.absolute()).ok()?.to_owned()))).next();
        match home {
            Some((home, inside)) => read_environment(home, &inside, source),
            None => read_environment(root, &place, source),
        }
    }
}
