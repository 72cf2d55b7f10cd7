//! A look at a place by the rules of every read, and the note of it.

use std::hash::{DefaultHasher, Hasher};
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::{AtFlags, FileType, OFlags, Stat};

use super::open::{dev_of, kind_of};
use super::{Dir, Trouble};
use crate::scan::journal::{How, Mark, Place};

/// A file changed within so many seconds of being looked at may be changed again without its times showing it: file systems
/// keep them in steps, of 2 s at worst (FAT).
const STEP_S: i64 = 2;

/// The mark of what may be changing: no look finds it again, so that the place is read once more.
const UNSURE: Mark = Mark(0);

impl Mark {
    fn of(how: How, seen: &Result<Stat, Trouble>) -> Self {
        // The hash of this very program is enough: a journal does not outlive it.
        let mut hasher = DefaultHasher::new();
        match seen {
            Ok(stat) => {
                hasher.write_u64(dev_of(stat));
                hasher.write_u64(stat.st_ino);
                hasher.write_i64(number(stat.st_mode));
                hasher.write_u32(stat.st_uid);
                let folder = how == How::Folder && kind_of(stat) == FileType::Directory;
                if !folder {
                    hasher.write_i64(number(stat.st_mtime));
                    hasher.write_i64(number(stat.st_mtime_nsec));
                    hasher.write_i64(number(stat.st_ctime));
                    hasher.write_i64(number(stat.st_ctime_nsec));
                    hasher.write_i64(stat.st_size);
                }
            }
            Err(trouble) => hasher.write_u8(*trouble as u8),
        }
        Self(hasher.finish().max(1))
    }
}

/// The fields are of different types on different systems.
fn number(field: impl TryInto<i64>) -> i64 {
    field.try_into().unwrap_or_default()
}

impl Dir {
    /// Whether what stands at a place is not what the journal says. The place is below this directory, which is its boundary.
    pub(crate) fn has_moved(&self, place: &Place<'_>) -> bool {
        Mark::of(place.how, &self.glance(place.inner, place.how)) != place.mark
    }

    /// Notes what was seen at a place below. Where it could not be read, what stands there is looked at once more.
    pub(super) fn record(&self, rel: &Path, how: How, seen: impl FnOnce() -> Result<Stat, Trouble>) {
        if !self.budget.recorder.borrow().is_open() {
            return;
        }
        let (seen, opened) = match seen() {
            Err(_) => (self.glance(rel, how), false),
            seen => (seen, true),
        };
        let timeless = opened && how == How::Folder;
        let recent = seen.as_ref().is_ok_and(|stat| !timeless && is_recent(number(stat.st_ctime)));
        let mark = if recent { UNSURE } else { Mark::of(how, &seen) };
        // Joined with nothing, a path would end in a slash.
        let inner = if rel.as_os_str().is_empty() { self.inner.clone() } else { self.inner.join(rel) };
        self.budget.recorder.borrow_mut().note(&self.boundary.path, &inner, how, mark);
    }

    /// What stands at a place below. Nothing is opened that could be read.
    fn glance(&self, rel: &Path, how: How) -> Result<Stat, Trouble> {
        if rel.as_os_str().is_empty() {
            return rustix::fs::fstat(&*self.fd).map_err(Trouble::from_errno);
        }
        self.check(rel)?;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if let Some(fd) = self.open_straight(rel, flags)? {
            let stat = rustix::fs::fstat(&fd).map_err(Trouble::from_errno)?;
            if how == How::Look || kind_of(&stat) != FileType::Symlink {
                return Ok(stat);
            }
        }
        let (parent, name) = match (how, rel.parent(), rel.file_name()) {
            // A link in the last place is what is asked for.
            (How::Look, Some(parent), Some(name)) if parent.as_os_str().is_empty() => {
                (self.clone(), Some(name.to_owned()))
            }
            (How::Look, Some(parent), Some(name)) => (self.open_dir(parent)?, Some(name.to_owned())),
            _ => self.resolve(rel)?,
        };
        match name {
            None => rustix::fs::fstat(&*parent.fd).map_err(Trouble::from_errno),
            Some(name) => {
                rustix::fs::statat(&*parent.fd, &name, AtFlags::SYMLINK_NOFOLLOW).map_err(Trouble::from_errno)
            }
        }
    }
}

fn is_recent(changed_s: i64) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    // A time that lies ahead, because the clock was set back, says nothing for long.
    i64::try_from(now).is_ok_and(|now| (now - STEP_S..=now + STEP_S).contains(&changed_s))
}
