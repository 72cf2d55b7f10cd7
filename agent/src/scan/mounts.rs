//! Mount points of this machine whose file systems are remote or somebody's program.
//!
//! A look at a hung server's mount point already blocks, so such places are known beforehand and never touched. Where the
//! table cannot be read, the check by magic number stands alone.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Most mount points kept: a machine of containers has thousands, few of them remote.
const MOUNTS: usize = 4096;

/// The remote mount points of this machine below `root`, as seen from there.
pub(super) fn remote(root: &Path) -> Vec<PathBuf> {
    // The kernel's own file, not a path that anybody else can put something at.
    let points = std::fs::read("/proc/self/mountinfo").map(|table| parse(&table)).unwrap_or_default();
    if points.is_empty() {
        return points;
    }
    let Ok(root) = root.canonicalize() else { return Vec::new() };
    let below = points.iter().filter_map(|point| point.strip_prefix(&root).ok());
    below.filter(|below| !below.as_os_str().is_empty()).map(|below| Path::new("/").join(below)).collect()
}

/// `id parent dev root mount-point options [tags] - type source options` (proc_pid_mountinfo(5)).
pub(super) fn parse(table: &[u8]) -> Vec<PathBuf> {
    let lines = table.split(|byte| *byte == b'\n');
    let mounts = lines.filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b' ');
        let point = unescape(fields.nth(4)?);
        let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
        (is_remote(kind) && point != Path::new("/")).then_some(point)
    });
    mounts.take(MOUNTS).collect()
}

fn is_remote(kind: &[u8]) -> bool {
    const REMOTE: [&[u8]; 16] = [
        b"nfs",
        b"nfs4",
        b"cifs",
        b"smb3",
        b"smbfs",
        b"autofs",
        b"ceph",
        b"afs",
        b"coda",
        b"lustre",
        b"glusterfs",
        b"9p",
        b"gfs2",
        b"ocfs2",
        b"fuse",
        b"fuseblk",
    ];
    REMOTE.contains(&kind) || kind.starts_with(b"fuse.")
}

/// Blank, tab, newline and backslash are written as three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, after)) = rest.split_first() {
        let octal = after
            .get(..3)
            .filter(|digits| *byte == b'\\' && digits.iter().all(|d| (b'0'..=b'7').contains(d)));
        match octal {
            Some(digits) => {
                let value = digits.iter().fold(0u32, |value, digit| value * 8 + u32::from(digit - b'0'));
                out.push(u8::try_from(value).unwrap_or(b'?'));
                rest = &after[3..];
            }
            None => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    PathBuf::from(OsString::from_vec(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_mount_points_are_named() {
        let table = b"22 1 254:0 / / rw - ext4 /dev/vda rw\n\
            36 22 0:40 / /home/kim/my\\040drive rw,nosuid shared:1 - fuse.rclone remote: rw\n\
            37 22 0:41 / /srv/nfs rw - nfs4 server:/x rw\n38 22 0:42 / /tmp rw - tmpfs tmpfs rw\ngarbage\n";
        assert_eq!(parse(table), [PathBuf::from("/home/kim/my drive"), PathBuf::from("/srv/nfs")]);
    }
}
