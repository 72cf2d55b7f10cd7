//! What only an operating system offers, each subject in a file of its own. [`accelerators`], [`places`] and [`own_file`] are there on each,
//! the others on Linux.

pub mod accelerators;
pub mod own_file;
pub mod places;

#[cfg(target_os = "linux")]
pub mod capability;
#[cfg(target_os = "linux")]
pub mod host;
#[cfg(target_os = "linux")]
pub mod io_priority;
#[cfg(target_os = "linux")]
pub mod links;
#[cfg(target_os = "linux")]
pub mod memory;
#[cfg(target_os = "linux")]
pub mod notify;
#[cfg(target_os = "linux")]
pub mod signals;
