//! Calls of Windows that no safe library offers. The only unsafe code that opens files.
#![expect(unsafe_code, reason = "NtCreateFile and what asks a handle; each call states its contract")]

use std::ffi::{OsStr, c_void};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr::{null, null_mut};

use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem::{
    FILE_OPEN, FILE_OPEN_FOR_BACKUP_INTENT, FILE_OPEN_NO_RECALL, FILE_OPEN_REPARSE_POINT,
    FILE_SYNCHRONOUS_IO_NONALERT, NTCREATEFILE_CREATE_OPTIONS, NtCreateFile,
};
use windows_sys::Win32::Foundation::{
    ERROR_NO_MORE_FILES, LocalFree, NTSTATUS, OBJ_CASE_INSENSITIVE, STATUS_NAME_TOO_LONG, UNICODE_STRING,
};
use windows_sys::Win32::Security::Authorization::{GetSecurityInfo, SE_FILE_OBJECT};
use windows_sys::Win32::Security::{GetLengthSid, OWNER_SECURITY_INFORMATION};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_TAG_INFO, FILE_SHARE_DELETE, FILE_SHARE_READ,
    FILE_SHARE_WRITE, FileAttributeTagInfo, FileIdBothDirectoryInfo, FileIdBothDirectoryRestartInfo,
    GetDriveTypeW, GetFileInformationByHandle, GetFileInformationByHandleEx,
};
use windows_sys::Win32::System::IO::{DeviceIoControl, IO_STATUS_BLOCK};
use windows_sys::Win32::System::Ioctl::FSCTL_GET_REPARSE_POINT;

/// `MAXIMUM_REPARSE_DATA_BUFFER_SIZE`, in bytes.
const REPARSE_BYTES: usize = 16 * 1024;
/// A page of a listing, in 8 bytes: some hundred names.
const PAGE: usize = 8 * 1024;

/// `DRIVE_FIXED` of `GetDriveTypeW`.
const FIXED: u32 = 3;

/// Whether a root (`D:\`) is that of a disk that is built in.
pub(super) fn is_fixed(root: &OsStr) -> bool {
    let root: Vec<u16> = root.encode_wide().chain([0]).collect();
    // SAFETY: the text ends with a zero, is only read, and outlives the call.
    unsafe { GetDriveTypeW(root.as_ptr()) == FIXED }
}

/// Opens what has this name in a folder, itself and not what it may link to, and without fetching it from elsewhere. Without a
/// name, the folder once more.
pub(super) fn open(
    folder: &OwnedHandle,
    name: &[u16],
    access: u32,
    options: NTCREATEFILE_CREATE_OPTIONS,
) -> Result<OwnedHandle, NTSTATUS> {
    let bytes = u16::try_from(size_of_val(name)).map_err(|_| STATUS_NAME_TOO_LONG)?;
    let name = UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: name.as_ptr().cast_mut() };
    let attributes = OBJECT_ATTRIBUTES {
        Length: u32::try_from(size_of::<OBJECT_ATTRIBUTES>()).unwrap_or_default(),
        RootDirectory: folder.as_raw_handle(),
        ObjectName: &raw const name,
        Attributes: OBJ_CASE_INSENSITIVE,
        SecurityDescriptor: null(),
        SecurityQualityOfService: null(),
    };
    let options = options
        | FILE_OPEN_REPARSE_POINT
        | FILE_OPEN_FOR_BACKUP_INTENT
        | FILE_OPEN_NO_RECALL
        | FILE_SYNCHRONOUS_IO_NONALERT;
    let share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    let mut handle = null_mut();
    let mut done = IO_STATUS_BLOCK::default();
    // SAFETY: every pointer is to a living value of the declared type, the name's buffer is only read and outlives the call, and
    // the folder's handle is open. On success the handle is new and nobody else's.
    unsafe {
        let status = NtCreateFile(
            &raw mut handle,
            access,
            &raw const attributes,
            &raw mut done,
            null(),
            0,
            share,
            FILE_OPEN,
            options,
            null(),
            0,
        );
        if status < 0 { Err(status) } else { Ok(OwnedHandle::from_raw_handle(handle)) }
    }
}

/// Attributes, length, volume and number of what is open.
pub(super) fn information(handle: &OwnedHandle) -> io::Result<BY_HANDLE_FILE_INFORMATION> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, and the value is of the type that is written.
    checked(unsafe { GetFileInformationByHandle(handle.as_raw_handle(), &raw mut found) })?;
    Ok(found)
}

/// What kind of reparse point is open.
pub(super) fn reparse_tag(handle: &OwnedHandle) -> io::Result<u32> {
    let mut found = FILE_ATTRIBUTE_TAG_INFO::default();
    let size = u32::try_from(size_of_val(&found)).unwrap_or_default();
    let to: *mut c_void = (&raw mut found).cast();
    // SAFETY: the handle is open, and the value is of the type that this class writes, with its size.
    checked(unsafe { GetFileInformationByHandleEx(handle.as_raw_handle(), FileAttributeTagInfo, to, size) })?;
    Ok(found.ReparseTag)
}

/// The data of the reparse point that is open.
pub(super) fn reparse_data(handle: &OwnedHandle) -> io::Result<Vec<u8>> {
    let mut data = vec![0u8; REPARSE_BYTES];
    let size = u32::try_from(data.len()).unwrap_or_default();
    let mut length = 0;
    // SAFETY: the handle is open and synchronous, nothing is read from, and as many bytes as there are may be written.
    checked(unsafe {
        DeviceIoControl(
            handle.as_raw_handle(),
            FSCTL_GET_REPARSE_POINT,
            null(),
            0,
            data.as_mut_ptr().cast(),
            size,
            &raw mut length,
            null_mut(),
        )
    })?;
    data.truncate(usize::try_from(length).unwrap_or_default());
    Ok(data)
}

/// The SID of the owner of what is open, as bytes.
pub(super) fn owner(handle: &OwnedHandle) -> Option<Vec<u8>> {
    let (mut sid, mut descriptor) = (null_mut(), null_mut());
    // SAFETY: the handle is open; what is not asked for may be null. On success the owner points into the descriptor, which is
    // ours and freed once; its length is asked of the system and copied before that.
    unsafe {
        let status = GetSecurityInfo(
            handle.as_raw_handle(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut sid,
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut descriptor,
        );
        if status != 0 {
            return None;
        }
        let bytes = (!sid.is_null()).then(|| {
            let length = usize::try_from(GetLengthSid(sid)).unwrap_or_default();
            std::slice::from_raw_parts(sid.cast::<u8>(), length).to_vec()
        });
        LocalFree(descriptor);
        bytes
    }
}

/// The names of a folder, page by page.
pub(super) struct Listing {
    /// Aligned as the entries have to be.
    page: Vec<u64>,
    begun: bool,
}

impl Listing {
    /// From the beginning, wherever another listing of the same handle stopped.
    pub(super) fn new() -> Self {
        Self { page: vec![0; PAGE], begun: false }
    }

    /// The next page, with what an earlier one left behind its last entry; `None` after the last.
    pub(super) fn next(&mut self, folder: &OwnedHandle) -> io::Result<Option<&[u8]>> {
        let class = if self.begun { FileIdBothDirectoryInfo } else { FileIdBothDirectoryRestartInfo };
        self.begun = true;
        let size = u32::try_from(size_of_val(&*self.page)).unwrap_or_default();
        let to: *mut c_void = self.page.as_mut_ptr().cast();
        // SAFETY: the handle is open, and as many bytes as there are may be written.
        let done = unsafe { GetFileInformationByHandleEx(folder.as_raw_handle(), class, to, size) };
        match checked(done) {
            // SAFETY: any eight bytes are a number and the other way round; the length is the page's own.
            Ok(()) => Ok(Some(unsafe {
                std::slice::from_raw_parts(self.page.as_ptr().cast(), size_of_val(&*self.page))
            })),
            Err(error) if error.raw_os_error() == Some(ERROR_NO_MORE_FILES.cast_signed()) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn checked(done: i32) -> io::Result<()> {
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
