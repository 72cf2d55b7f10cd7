//! Calls of macOS that tell of processes.
//!
//! A library that lists them (sysinfo) takes the executable from what a process was called with, which it may write itself, and
//! reads the environment of each. Here the kernel names the executable, and the arguments are read of interpreters alone.
#![expect(unsafe_code, reason = "libproc and sysctl with buffers; each call states its contract")]

use std::ffi::{CStr, c_int, c_void};
use std::io;
use std::mem::zeroed;
use std::ptr::null_mut;

use libc::{
    CTL_KERN, KERN_PROCARGS2, PROC_PIDPATHINFO_MAXSIZE, PROC_PIDTBSDINFO, PROC_PIDVNODEPATHINFO,
    proc_bsdinfo, proc_listallpids, proc_pidinfo, proc_pidpath, proc_vnodepathinfo, sysctl,
};

use super::super::super::safe::{OwnerId, Trouble};

/// Most that arguments and environment of a process may take, in bytes (`ARG_MAX`), and what stands before them.
const ARGUMENTS_BYTES: usize = 1024 * 1024 + 8192;

/// The numbers of at most `most` processes.
pub(super) fn pids(most: usize) -> Result<Vec<u32>, Trouble> {
    let mut pids = vec![0u32; most];
    // SAFETY: as many bytes as there are may be written; the numbers are of the same size and never negative.
    let found = unsafe { proc_listallpids(pids.as_mut_ptr().cast(), size(size_of_val(&*pids))) };
    // This process is always there.
    let found = usize::try_from(found).ok().filter(|found| *found > 0).ok_or(Trouble::Refused)?;
    pids.truncate(found);
    Ok(pids)
}

/// The executable, as the kernel names it. Of a process that has ended it is absent.
pub(super) fn image(pid: u32) -> Result<String, Trouble> {
    let mut path = vec![0u8; usize::try_from(PROC_PIDPATHINFO_MAXSIZE).unwrap_or_default()];
    let length = u32::try_from(path.len()).unwrap_or_default();
    // SAFETY: as many bytes as there are may be written.
    let length = unsafe { proc_pidpath(pid.cast_signed(), path.as_mut_ptr().cast(), length) };
    match usize::try_from(length) {
        Ok(length) if length > 0 => Ok(String::from_utf8_lossy(&path[..length.min(path.len())]).into_owned()),
        _ if io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH) => Err(Trouble::Absent),
        _ => Err(Trouble::Refused),
    }
}

/// The user that a process runs as.
pub(super) fn user(pid: u32) -> Option<OwnerId> {
    // SAFETY: zeros are such a value: it holds numbers.
    let mut info: proc_bsdinfo = unsafe { zeroed() };
    // SAFETY: the value is of the type that this kind writes.
    unsafe { tell(pid, PROC_PIDTBSDINFO, &mut info) }.then_some(info.pbi_uid)
}

/// The folder that a process works in.
pub(super) fn folder(pid: u32) -> Option<String> {
    // SAFETY: zeros are such a value: it holds numbers.
    let mut info: proc_vnodepathinfo = unsafe { zeroed() };
    // SAFETY: the value is of the type that this kind writes.
    if !unsafe { tell(pid, PROC_PIDVNODEPATHINFO, &mut info) } {
        return None;
    }
    let path: Vec<u8> =
        info.pvi_cdir.vip_path.as_flattened().iter().map(|byte| byte.cast_unsigned()).collect();
    let path = CStr::from_bytes_until_nul(&path).ok()?.to_string_lossy().into_owned();
    (!path.is_empty()).then_some(path)
}

/// Arguments and environment of a process, as [`super::words`] reads them.
pub(super) fn arguments(pid: u32) -> Option<Vec<u8>> {
    let mut name = [CTL_KERN, KERN_PROCARGS2, pid.cast_signed()];
    let mut answer = vec![0u8; ARGUMENTS_BYTES];
    let mut length = answer.len();
    // SAFETY: the name has as many parts as is said, as many bytes as there are may be written, and nothing is set.
    let done =
        unsafe { sysctl(name.as_mut_ptr(), 3, answer.as_mut_ptr().cast(), &raw mut length, null_mut(), 0) };
    answer.truncate(length);
    (done == 0).then_some(answer)
}

/// Asks for one kind of information, and tells whether all of it came.
///
/// # Safety
/// `T` is what this kind writes.
unsafe fn tell<T>(pid: u32, kind: c_int, info: &mut T) -> bool {
    let to: *mut c_void = (&raw mut *info).cast();
    // SAFETY: as many bytes as the value has may be written, and the caller says that they make one.
    unsafe { proc_pidinfo(pid.cast_signed(), kind, 0, to, size(size_of::<T>())) == size(size_of::<T>()) }
}

fn size(bytes: usize) -> c_int {
    c_int::try_from(bytes).unwrap_or_default()
}
