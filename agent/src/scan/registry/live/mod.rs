//! The registry of this running Windows.
//!
//! Users who are logged on have their keys open; the files of the others' are read as those of a volume.

use windows_sys::Win32::System::Registry::{REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_SZ};

use super::super::safe::{Dir, OwnerId, Trouble};
use super::volume::{PEOPLE, PROFILES, on_drive};
use super::{Key, Registry, SUBKEYS, TEXT_BYTES, User, VALUES, Visit, text};
use calls::{Handle, Root};

mod calls;

/// Opens it, without its users.
pub(super) fn open() -> Registry {
    let mut registry = Registry::default();
    match Root::LocalMachine.open("SOFTWARE") {
        Ok(key) => registry.software = Some(Box::new(key)),
        Err(trouble) => registry.lost.push((r"HKLM\SOFTWARE".to_owned(), trouble)),
    }
    registry
}

/// Opens `HKEY_LOCAL_MACHINE\SYSTEM`.
pub(super) fn system(lost: &mut Vec<(String, Trouble)>) -> Option<Box<dyn Key>> {
    match Root::LocalMachine.open("SYSTEM") {
        Ok(key) => Some(Box::new(key)),
        Err(trouble) => {
            lost.push((r"HKLM\SYSTEM".to_owned(), trouble));
            None
        }
    }
}

impl Registry {
    /// Adds the users of the homes, and those who are logged on and have theirs elsewhere.
    pub(in super::super) fn add_live_users(&mut self, homes: &[Dir]) {
        let mut without: Vec<Dir> = homes.to_vec();
        for index in 0..u32::try_from(SUBKEYS).unwrap_or(u32::MAX) {
            let sid = match Root::Users.sub_key(index) {
                Ok(Some(sid)) => sid,
                Ok(None) => break,
                Err(trouble) => {
                    self.lost.push(("HKEY_USERS".to_owned(), trouble));
                    break;
                }
            };
            let Some(owner) = person(&sid) else { continue };
            let home = self.home_of(&sid, &without).map(|at| without.swap_remove(at));
            let mut key = |name: &str| match Root::Users.open(name) {
                Ok(key) => Some(Box::new(key) as Box<dyn Key>),
                Err(Trouble::Absent) => None,
                Err(trouble) => {
                    self.lost.push((format!(r"HKEY_USERS\{name}"), trouble));
                    None
                }
            };
            let (root, classes) = (key(&sid), key(&format!("{sid}_Classes")));
            self.users.push(User { root, classes, owner, home });
        }
        self.add_users(without.iter());
    }

    /// Which of the homes is this account's, by the machine's list of profiles.
    fn home_of(&self, sid: &str, homes: &[Dir]) -> Option<usize> {
        let profile = self.software.as_ref()?.open(&format!(r"{PROFILES}\{sid}")).ok()?;
        let path = text(&*profile, "ProfileImagePath")?;
        let spelled = |path: &std::path::Path| path.to_string_lossy().replace('\\', "/").to_lowercase();
        let path = match self.below_root(&path) {
            Some(path) => spelled(&path),
            None => {
                let (letter, path) = on_drive(&path)?;
                format!("{}:/{}", letter.to_ascii_lowercase(), spelled(&path))
            }
        };
        homes.iter().position(|home| spelled(&home.absolute()).trim_start_matches('/') == path)
    }
}

/// The account of a key of `HKEY_USERS`, where it is a person's and not the second key of one.
fn person(name: &str) -> Option<OwnerId> {
    if PEOPLE.iter().any(|people| name.starts_with(people)) { OwnerId::parse(name) } else { None }
}

impl Key for Handle {
    fn open(&self, path: &str) -> Result<Box<dyn Key>, Trouble> {
        // One key at a time: the system would follow a link in the middle of a path.
        let mut parts = path.split('\\').filter(|part| !part.is_empty());
        let first = parts.next().ok_or(Trouble::Absent)?;
        let key = parts.try_fold(Handle::open(self, first)?, |key, part| Handle::open(&key, part))?;
        Ok(Box::new(key))
    }

    fn each(&self, visit: &mut Visit<'_>) -> Result<(), Trouble> {
        let mut end = Ok(());
        for index in 0..u32::try_from(SUBKEYS).unwrap_or(u32::MAX) {
            let Some(name) = self.sub_key(index)? else { return end };
            match Handle::open(self, &name) {
                Ok(key) => visit(&name, &key)?,
                // It went meanwhile.
                Err(Trouble::Absent) => {}
                Err(trouble) => end = Err(trouble),
            }
        }
        Err(Trouble::TooLarge)
    }

    fn names(&self) -> Result<Vec<String>, Trouble> {
        let mut names = Vec::new();
        for index in 0..u32::try_from(VALUES).unwrap_or(u32::MAX) {
            let Some(name) = self.value_name(index)? else { break };
            names.push(name);
        }
        Ok(names)
    }

    fn text(&self, name: &str) -> Result<String, Trouble> {
        let (kind, data) = self.value(name, TEXT_BYTES)?;
        if !matches!(kind, REG_SZ | REG_EXPAND_SZ | REG_MULTI_SZ) {
            return Err(Trouble::Absent);
        }
        let wide: Vec<u16> = data
            .chunks_exact(2)
            .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
            .take_while(|unit| *unit != 0)
            .collect();
        Ok(String::from_utf16_lossy(&wide))
    }

    fn number(&self, name: &str) -> Result<u32, Trouble> {
        let (kind, data) = self.value(name, TEXT_BYTES)?;
        let bytes = data.first_chunk().filter(|_| kind == REG_DWORD && data.len() == 4);
        bytes.copied().map(u32::from_le_bytes).ok_or(Trouble::Absent)
    }
}
