//! What Windows keeps of installed software: in its registry, in the folders of its package managers, and in the folders for
//! programs.
//!
//! A source that asks the registry is as good as the hives are: what could not be read of them is trouble for each.

pub(super) mod chocolatey;
pub(super) mod hosts;
pub(super) mod msix;
pub(super) mod programs;
pub(super) mod python;
pub(super) mod scoop;
pub(super) mod uninstall;
pub(super) mod winget;
pub(super) mod wsl;

use super::registry::{Key, Registry, User};
use super::safe::Trouble;
use super::source::Source;

/// Runs a reader over `HKEY_LOCAL_MACHINE\SOFTWARE`, then over the `Software` key of each user. It is given the key, how a
/// report writes it, and the user.
fn each_software<'a>(
    registry: &Registry,
    source: &mut Source<'a>,
    mut read: impl FnMut(&dyn Key, &str, Option<&User>, &mut Source<'a>),
) {
    lost(registry, source);
    if let Some(software) = &registry.software {
        read(&**software, r"HKLM\SOFTWARE", None, source);
    }
    for user in &registry.users {
        let software = user.root.as_ref().map(|root| root.open("Software"));
        let Some(software) = software.and_then(|key| source.note(key, || r"HKCU\Software".into())) else {
            continue;
        };
        read(&*software, r"HKCU\Software", Some(user), source);
    }
}

fn lost(registry: &Registry, source: &mut Source<'_>) {
    for (location, trouble) in &registry.lost {
        source.trouble(*trouble, location.as_str());
    }
}

/// Visits the sub-keys of a key below `base`, as far as there are any and there is time.
fn each_key<'a>(
    base: &dyn Key,
    path: &str,
    shown: &str,
    source: &mut Source<'a>,
    mut visit: impl FnMut(&str, &dyn Key, &mut Source<'a>) -> Result<(), Trouble>,
) {
    let location = || format!(r"{shown}\{path}");
    let Some(key) = source.note(base.open(path), location) else { return };
    let done = key.each(&mut |name, key| visit(name, key, source));
    source.note(done, location);
}
