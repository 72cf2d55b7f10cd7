//! Calls of Windows that tell of processes.
//!
//! A library that lists them (sysinfo) asks for the right to read the memory of each: endpoint protection takes that for theft
//! of credentials, and it cuts long paths. What is asked for here is the least right that there is; of an interpreter alone a
//! few bytes of memory are read, its words and its working folder.
#![expect(unsafe_code, reason = "handles, buffers and tables of the system; each call states its contract")]

use std::ffi::c_void;
use std::io;
use std::mem::offset_of;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr::{self, null_mut};

use windows_sys::Wdk::System::Threading::{NtQueryInformationProcess, ProcessBasicInformation};
use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, NO_ERROR, STILL_ACTIVE};
use windows_sys::Win32::NetworkManagement::IpHelper::{GetExtendedTcpTable, TCP_TABLE_OWNER_PID_LISTENER};
use windows_sys::Win32::Security::{GetLengthSid, GetTokenInformation, TOKEN_QUERY, TOKEN_USER, TokenUser};
use windows_sys::Win32::System::Diagnostics::Debug::ReadProcessMemory;
use windows_sys::Win32::System::ProcessStatus::K32EnumProcesses;
use windows_sys::Win32::System::Threading::{
    GetExitCodeProcess, OpenProcess, OpenProcessToken, PEB, PROCESS_ACCESS_RIGHTS, PROCESS_BASIC_INFORMATION,
    PROCESS_NAME_WIN32, QueryFullProcessImageNameW, RTL_USER_PROCESS_PARAMETERS,
};

use super::super::super::safe::Trouble;

/// Longest path, in UTF-16 units with the zero.
const PATH: usize = 32_768;
/// Most UTF-16 units of a command line, or of a folder, that are read: its first words.
const ARGUMENTS: usize = 4096;
/// Room for a user's SID, of at most 68 bytes, and what points to it, in 8 bytes.
const USER: usize = 16;
/// Largest table of listening sockets, in bytes.
const TABLE_BYTES: usize = 4 * 1024 * 1024;
/// A pointer, in UTF-16 units.
const POINTER: usize = size_of::<usize>() / size_of::<u16>();
/// Families of addresses.
const AF_INET: u32 = 2;
const AF_INET6: u32 = 23;

/// The numbers of at most `most` processes.
pub(super) fn pids(most: usize) -> io::Result<Vec<u32>> {
    let mut pids = vec![0u32; most];
    let mut bytes = 0;
    // SAFETY: as many bytes as there are may be written.
    checked(unsafe { K32EnumProcesses(pids.as_mut_ptr(), size(&*pids), &raw mut bytes) })?;
    pids.truncate(usize::try_from(bytes).unwrap_or(usize::MAX) / size_of::<u32>());
    Ok(pids)
}

/// Opens a process with these rights.
pub(super) fn open(pid: u32, rights: PROCESS_ACCESS_RIGHTS) -> io::Result<OwnedHandle> {
    // SAFETY: nothing is handed over but numbers. What comes back is null or a handle that is nobody else's.
    unsafe {
        let handle = OpenProcess(rights, 0, pid);
        if handle.is_null() {
            Err(io::Error::last_os_error())
        } else {
            Ok(OwnedHandle::from_raw_handle(handle))
        }
    }
}

/// Whether a process runs no more.
pub(super) fn has_ended(process: &OwnedHandle) -> bool {
    let mut code = 0;
    // SAFETY: the handle is open, and the value is of the type that is written.
    let asked = unsafe { GetExitCodeProcess(process.as_raw_handle(), &raw mut code) };
    asked != 0 && code != STILL_ACTIVE.cast_unsigned()
}

/// The executable, as the kernel names it.
pub(super) fn image(process: &OwnedHandle) -> io::Result<String> {
    let mut name = vec![0u16; PATH];
    let mut length = u32::try_from(name.len()).unwrap_or_default();
    // SAFETY: the handle is open, and the buffer has as many units as is said.
    checked(unsafe {
        QueryFullProcessImageNameW(
            process.as_raw_handle(),
            PROCESS_NAME_WIN32,
            name.as_mut_ptr(),
            &raw mut length,
        )
    })?;
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(name.len());
    Ok(String::from_utf16_lossy(&name[..length]))
}

/// The SID of the user that a process runs as, as bytes.
pub(super) fn user(process: &OwnedHandle) -> Option<Vec<u8>> {
    let mut token = null_mut();
    // SAFETY: the process is open. On success the token is new and nobody else's.
    let token = unsafe {
        checked(OpenProcessToken(process.as_raw_handle(), TOKEN_QUERY, &raw mut token)).ok()?;
        OwnedHandle::from_raw_handle(token)
    };
    // Aligned as what is written there has to be.
    let mut answer = [0u64; USER];
    let mut length = 0;
    // SAFETY: the token is open, and as many bytes as there are may be written. On success they begin with a `TOKEN_USER`, whose
    // SID is in the same bytes; its length is asked of the system, and it is copied.
    unsafe {
        checked(GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            answer.as_mut_ptr().cast(),
            size(&answer[..]),
            &raw mut length,
        ))
        .ok()?;
        let sid = (*answer.as_ptr().cast::<TOKEN_USER>()).User.Sid;
        let length = usize::try_from(GetLengthSid(sid)).unwrap_or_default();
        Some(std::slice::from_raw_parts(sid.cast::<u8>(), length).to_vec())
    }
}

/// What a process was started with.
pub(super) struct Parameters {
    /// The folder that it works in.
    pub(super) folder: String,
    /// The first [`ARGUMENTS`] units of it.
    pub(super) command_line: String,
}

/// What a process was started with, from the memory of a process that is opened for that.
pub(super) fn parameters(process: &OwnedHandle) -> io::Result<Parameters> {
    let mut basic = PROCESS_BASIC_INFORMATION::default();
    let mut length = 0;
    // SAFETY: the handle is open, and the value is of the type that this class writes, with its size.
    let status = unsafe {
        NtQueryInformationProcess(
            process.as_raw_handle(),
            ProcessBasicInformation,
            (&raw mut basic).cast(),
            u32::try_from(size_of_val(&basic)).unwrap_or_default(),
            &raw mut length,
        )
    };
    if status < 0 || basic.PebBaseAddress.is_null() {
        return Err(io::Error::other("the process has no environment block"));
    }
    let block = basic.PebBaseAddress.addr();
    let at = number(&read(process, block.wrapping_add(offset_of!(PEB, ProcessParameters)), POINTER)?);
    let text = |offset: usize| -> io::Result<String> {
        // A `UNICODE_STRING`: the length in bytes and, after what fills it up to a pointer, the place.
        let head = read(process, at.wrapping_add(offset), 2 * POINTER)?;
        let (length, place) = head.split_at(POINTER);
        let text = read(process, number(place), (usize::from(length[0]) / 2).min(ARGUMENTS))?;
        Ok(String::from_utf16_lossy(&text))
    };
    // `CurrentDirectory.DosPath`, which the headers leave without a name.
    let folder = offset_of!(RTL_USER_PROCESS_PARAMETERS, Reserved2) + 5 * size_of::<usize>();
    let command_line = offset_of!(RTL_USER_PROCESS_PARAMETERS, CommandLine);
    Ok(Parameters { folder: text(folder)?, command_line: text(command_line)? })
}

/// So many UTF-16 units of the memory of another process.
fn read(process: &OwnedHandle, from: usize, units: usize) -> io::Result<Vec<u16>> {
    let mut text = vec![0u16; units];
    let (from, to) = (ptr::without_provenance(from), text.as_mut_ptr().cast());
    let mut done = 0;
    // SAFETY: the handle is open, and as many bytes as there are may be written. What is read from is an address in the other
    // process, which the system checks.
    checked(unsafe {
        ReadProcessMemory(process.as_raw_handle(), from, to, size_of_val(&*text), &raw mut done)
    })?;
    if done == size_of_val(&*text) { Ok(text) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn number(units: &[u16]) -> usize {
    units.iter().rev().fold(0, |number, unit| number << 16 | usize::from(*unit))
}

/// The table of all listening TCP sockets of a family, with their processes.
pub(super) fn listening(v6: bool) -> Result<Vec<u8>, Trouble> {
    let family = if v6 { AF_INET6 } else { AF_INET };
    // Aligned as the rows have to be.
    let mut table = vec![0u32; 4096];
    loop {
        let mut bytes = size(&*table);
        let to: *mut c_void = table.as_mut_ptr().cast();
        // SAFETY: as many bytes as there are may be written.
        let status =
            unsafe { GetExtendedTcpTable(to, &raw mut bytes, 0, family, TCP_TABLE_OWNER_PID_LISTENER, 0) };
        let wanted = usize::try_from(bytes).unwrap_or(usize::MAX);
        match status {
            NO_ERROR => return Ok(table.into_iter().flat_map(u32::to_ne_bytes).collect()),
            // It may grow meanwhile, up to the cap.
            ERROR_INSUFFICIENT_BUFFER if wanted <= TABLE_BYTES && size_of_val(&*table) < TABLE_BYTES => {
                table.resize((wanted / size_of::<u32>()).max(table.len() * 2), 0);
            }
            ERROR_INSUFFICIENT_BUFFER => return Err(Trouble::TooLarge),
            _ => return Err(Trouble::Refused),
        }
    }
}

fn size<T>(buffer: &[T]) -> u32 {
    u32::try_from(size_of_val(buffer)).unwrap_or_default()
}

fn checked(done: i32) -> io::Result<()> {
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
