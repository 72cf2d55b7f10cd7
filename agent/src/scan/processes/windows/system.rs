//! What Windows tells of its processes.

use std::io;
use std::os::windows::io::OwnedHandle;

use windows_sys::Win32::Foundation::{ERROR_GEN_FAILURE, ERROR_INVALID_PARAMETER};
use windows_sys::Win32::System::Threading::{PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_VM_READ};

use super::super::{All, Listening, PROCESSES, Process, Processes, identity, sockets};
use super::{Family, calls};
use crate::scan::safe::{OwnerId, Trouble};

/// The idle process and the system itself, which have these numbers always and no executable.
const KERNEL: [u32; 2] = [0, 4];

/// The running Windows.
#[derive(Default)]
pub(in crate::scan) struct Windows;

/// A process. As long as it is held open no other has its number.
pub(in crate::scan) struct Held {
    pid: u32,
    _handle: OwnedHandle,
}

impl Processes for Windows {
    type Handle = Held;

    const PLACE: &'static str = "processes";

    fn pids(&mut self) -> All<u32> {
        let mut pids = calls::pids(PROCESSES + 1).map_err(|_| Trouble::Refused)?;
        pids.retain(|pid| !KERNEL.contains(pid));
        Ok((pids, None))
    }

    fn open(&mut self, pid: u32) -> Result<Option<Process<Held>>, Trouble> {
        let handle = match calls::open(pid, PROCESS_QUERY_LIMITED_INFORMATION) {
            Err(error) if is(&error, ERROR_INVALID_PARAMETER) => return Ok(None),
            handle => handle.map_err(|_| Trouble::Refused)?,
        };
        let executable = match calls::image(&handle) {
            Ok(name) => super::path(&name),
            // Parts of the kernel that are kept as processes have none (`Registry`, `Memory Compression`).
            Err(error) if is(&error, ERROR_GEN_FAILURE) || calls::has_ended(&handle) => return Ok(None),
            Err(_) => return Err(Trouble::Refused),
        };
        let (mut words, mut folder) = (Vec::new(), None);
        if identity::is_interpreter(&executable) {
            let rights = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_VM_READ;
            match calls::open(pid, rights).and_then(|handle| calls::parameters(&handle)) {
                Ok(parameters) => {
                    words = super::words(&parameters.command_line);
                    folder = Some(super::path(&parameters.folder));
                }
                Err(_) if calls::has_ended(&handle) => return Ok(None),
                Err(_) => return Err(Trouble::Refused),
            }
        }
        let owner = calls::user(&handle).and_then(|bytes| OwnerId::read(&bytes));
        Ok(Some(Process { handle: Held { pid, _handle: handle }, executable, words, folder, owner }))
    }

    fn ports(&mut self, process: &Held) -> All<Listening> {
        let mut own = Vec::new();
        for family in Family::ALL {
            let v6 = matches!(family, Family::V6);
            own.extend(family.ports(&calls::listening(v6)?, process.pid));
        }
        Ok(sockets::of_one(own))
    }
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}
