//! The calls of Windows' registry. Its safe libraries follow links and read values of any length.
#![expect(unsafe_code, reason = "advapi32 with handles and buffers; each call states its contract")]

use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{
    ERROR_FILE_NOT_FOUND, ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS, ERROR_PATH_NOT_FOUND, ERROR_SUCCESS,
};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, HKEY_USERS, KEY_READ, KEY_WOW64_64KEY, REG_OPTION_OPEN_LINK, RegCloseKey,
    RegEnumKeyExW, RegEnumValueW, RegOpenKeyExW, RegQueryValueExW,
};

use super::super::super::safe::Trouble;

/// Longest name of a key and of a value, in UTF-16 units with the zero (Registry element size limits).
const KEY_NAME: usize = 256;
const VALUE_NAME: usize = 16_384;

/// A key that the system has always open.
#[derive(Debug, Clone, Copy)]
pub(super) enum Root {
    LocalMachine,
    Users,
}

/// An open key.
#[derive(Debug)]
pub(super) struct Handle(HKEY);

impl Root {
    /// Opens a key directly below.
    pub(super) fn open(self, name: &str) -> Result<Handle, Trouble> {
        open(self.key(), name)
    }

    /// The name of a key directly below.
    pub(super) fn sub_key(self, index: u32) -> Result<Option<String>, Trouble> {
        sub_key(self.key(), index)
    }

    fn key(self) -> HKEY {
        match self {
            Self::LocalMachine => HKEY_LOCAL_MACHINE,
            Self::Users => HKEY_USERS,
        }
    }
}

impl Handle {
    /// Opens a key directly below: as 64-bit programs see it, and itself where it is a link to another.
    pub(super) fn open(&self, name: &str) -> Result<Self, Trouble> {
        open(self.0, name)
    }

    /// The name of a key directly below; `None` after the last.
    pub(super) fn sub_key(&self, index: u32) -> Result<Option<String>, Trouble> {
        sub_key(self.0, index)
    }

    /// The name of a value; `None` after the last.
    pub(super) fn value_name(&self, index: u32) -> Result<Option<String>, Trouble> {
        let mut name = vec![0u16; VALUE_NAME];
        let mut length = u32::try_from(name.len()).unwrap_or_default();
        // SAFETY: the key is open, the buffer has as many units as is said, and what is not asked for may be null.
        let status = unsafe {
            RegEnumValueW(
                self.0,
                index,
                name.as_mut_ptr(),
                &raw mut length,
                null(),
                null_mut(),
                null_mut(),
                null_mut(),
            )
        };
        // What is asked for is the name alone: data that has no place is no trouble.
        text(if status == ERROR_MORE_DATA { ERROR_SUCCESS } else { status }, &name, length)
    }

    /// Kind and content of a value of at most `cap` bytes.
    pub(super) fn value(&self, name: &str, cap: usize) -> Result<(u32, Vec<u8>), Trouble> {
        let name = wide(name)?;
        let mut data = vec![0u8; cap.min(1024)];
        loop {
            let mut kind = 0;
            let mut length = u32::try_from(data.len()).unwrap_or_default();
            // SAFETY: the key is open, the name ends with a zero, and the buffer has as many bytes as is said.
            let status = unsafe {
                RegQueryValueExW(
                    self.0,
                    name.as_ptr(),
                    null(),
                    &raw mut kind,
                    data.as_mut_ptr(),
                    &raw mut length,
                )
            };
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            match status {
                ERROR_SUCCESS => {
                    data.truncate(length);
                    return Ok((kind, data));
                }
                // It may grow meanwhile, up to the cap.
                ERROR_MORE_DATA if length <= cap && data.len() < cap => {
                    data.resize(length.max(data.len() + 1), 0);
                }
                ERROR_MORE_DATA => return Err(Trouble::TooLarge),
                status => return Err(trouble(status)),
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the key was opened by `open`, and is closed once.
        unsafe { RegCloseKey(self.0) };
    }
}

fn open(above: HKEY, name: &str) -> Result<Handle, Trouble> {
    let name = wide(name)?;
    let mut key = null_mut();
    // SAFETY: the key above is open, the name ends with a zero. On success the key is new and nobody else's.
    let status = unsafe {
        RegOpenKeyExW(above, name.as_ptr(), REG_OPTION_OPEN_LINK, KEY_READ | KEY_WOW64_64KEY, &raw mut key)
    };
    if status == ERROR_SUCCESS { Ok(Handle(key)) } else { Err(trouble(status)) }
}

fn sub_key(above: HKEY, index: u32) -> Result<Option<String>, Trouble> {
    let mut name = [0u16; KEY_NAME];
    let mut length = u32::try_from(name.len()).unwrap_or_default();
    // SAFETY: the key is open, the buffer has as many units as is said, and what is not asked for may be null.
    let status = unsafe {
        RegEnumKeyExW(
            above,
            index,
            name.as_mut_ptr(),
            &raw mut length,
            null(),
            null_mut(),
            null_mut(),
            null_mut(),
        )
    };
    text(status, &name, length)
}

fn text(status: u32, name: &[u16], length: u32) -> Result<Option<String>, Trouble> {
    match status {
        ERROR_SUCCESS => {
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(name.len());
            Ok(Some(String::from_utf16_lossy(&name[..length])))
        }
        ERROR_NO_MORE_ITEMS => Ok(None),
        status => Err(trouble(status)),
    }
}

fn wide(name: &str) -> Result<Vec<u16>, Trouble> {
    if name.contains('\0') {
        return Err(Trouble::Absent);
    }
    Ok(name.encode_utf16().chain([0]).collect())
}

fn trouble(status: u32) -> Trouble {
    match status {
        ERROR_FILE_NOT_FOUND | ERROR_PATH_NOT_FOUND => Trouble::Absent,
        _ => Trouble::Refused,
    }
}
