//! The Windows registry, wherever it is: as the hive files of a volume, or as the running system serves it.
//!
//! Readers ask a [`Key`] and do not know which of the two answers. Paths are written with `\` and their case does not
//! matter. Keys that stand in for others (symbolic links) are not followed.

mod hive;
#[cfg(windows)]
mod live;
mod volume;

use std::path::PathBuf;

use super::safe::{Dir, OwnerId, Trouble};

use hive::log::Left;
pub(super) use volume::any_case;

/// The variables of a machine's environment, as a report writes the key that holds them.
pub(super) const MACHINE_ENVIRONMENT: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment";

#[cfg(any(test, feature = "fuzzing"))]
pub(super) use hive::any::{parse, parse_with_logs};

/// Most sub-keys of one key that are visited. The longest list that is read, of a machine's installed components, has some
/// thousands.
pub(super) const SUBKEYS: usize = 20_000;
/// Most values of one key that are looked at.
pub(super) const VALUES: usize = 1_000;
/// Longest text of a value, in bytes as the registry keeps it (UTF-16). A path is no longer.
pub(super) const TEXT_BYTES: usize = 64 * 1024;

/// What [`Key::each`] calls with the name of a sub-key and the sub-key. Its error ends the visit.
pub(super) type Visit<'a> = dyn FnMut(&str, &dyn Key) -> Result<(), Trouble> + 'a;

/// An open key of a registry. What is not there is [`Trouble::Absent`].
pub(super) trait Key {
    /// The key at a path below this one.
    fn open(&self, path: &str) -> Result<Box<dyn Key>, Trouble>;

    /// Visits the sub-keys, [`SUBKEYS`] at most. One that cannot be opened does not keep the others from being visited; the
    /// trouble comes at the end.
    fn each(&self, visit: &mut Visit<'_>) -> Result<(), Trouble>;

    /// The names of the values, [`VALUES`] at most; the value without a name is `""`.
    fn names(&self) -> Result<Vec<String>, Trouble>;

    /// The text of a value (`REG_SZ`, `REG_EXPAND_SZ` as it is written, the first of a `REG_MULTI_SZ`) up to its first zero. A
    /// value of another type is absent.
    fn text(&self, name: &str) -> Result<String, Trouble>;

    /// The number of a value (`REG_DWORD`). A value of another type is absent.
    fn number(&self, name: &str) -> Result<u32, Trouble>;
}

/// The registry of one machine.
#[derive(Default)]
pub(super) struct Registry {
    /// `HKEY_LOCAL_MACHINE\SOFTWARE`.
    pub(super) software: Option<Box<dyn Key>>,
    pub(super) users: Vec<User>,
    /// Hives that are there and could not be read, or not to their end.
    pub(super) lost: Vec<(String, Trouble)>,
    /// What may still be read of the logs of hives.
    logs_left: Left,
}

/// The homes in a machine's list of profiles.
#[derive(Default)]
pub(super) struct Profiles {
    /// Relative to the root of what is scanned.
    pub(super) here: Vec<PathBuf>,
    /// On other drives of a running machine: the letter, and the place there.
    pub(super) on_drives: Vec<(char, PathBuf)>,
}

/// What a registry keeps of one user.
pub(super) struct User {
    /// `HKEY_CURRENT_USER`.
    pub(super) root: Option<Box<dyn Key>>,
    /// `HKEY_CURRENT_USER\Software\Classes`, which is a hive of its own.
    pub(super) classes: Option<Box<dyn Key>>,
    /// Who owns it.
    pub(super) owner: OwnerId,
    /// The home, where it is on this machine.
    pub(super) home: Option<Dir>,
}

/// Opens the registry of the tree, without its users: on a running Windows, what the system serves.
pub(super) fn open(root: &Dir, live: bool) -> Registry {
    #[cfg(windows)]
    if live {
        return live::open();
    }
    let _ = live;
    volume::open(root)
}

/// The variables of the machine's environment. `CurrentControlSet` is a link to the set that another key names, so it is asked for by that.
pub(super) fn machine_environment(
    root: &Dir,
    live: bool,
    lost: &mut Vec<(String, Trouble)>,
) -> Option<Box<dyn Key>> {
    let system = system(root, live, lost)?;
    let number = match system.open("Select").and_then(|select| select.number("Current")) {
        // The first, where nothing says otherwise.
        Err(Trouble::Absent) => Ok(1),
        number => number,
    };
    let variables = |set: &str| system.open(&format!(r"{set}\Control\Session Manager\Environment"));
    let opened = number.and_then(|number| match variables(&format!("ControlSet{number:03}")) {
        // Wine has the set itself where Windows has the link.
        Err(Trouble::Absent) => variables("CurrentControlSet"),
        opened => opened,
    });
    match opened {
        Ok(key) => Some(key),
        Err(Trouble::Absent) => None,
        Err(trouble) => {
            lost.push((MACHINE_ENVIRONMENT.to_owned(), trouble));
            None
        }
    }
}

/// `HKEY_LOCAL_MACHINE\SYSTEM`.
fn system(root: &Dir, live: bool, lost: &mut Vec<(String, Trouble)>) -> Option<Box<dyn Key>> {
    #[cfg(windows)]
    if live {
        return live::system(lost);
    }
    let _ = live;
    volume::system(root, lost)
}

impl Registry {
    /// Adds the users whose homes these are.
    pub(super) fn add_all_users(&mut self, homes: &[Dir], live: bool) {
        #[cfg(windows)]
        if live {
            return self.add_live_users(homes);
        }
        let _ = live;
        self.add_users(homes.iter());
    }
}

/// The text of a value that is there and says something.
pub(super) fn text(key: &dyn Key, name: &str) -> Option<String> {
    key.text(name).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
