//! What only this operating system offers, each subject in a file of its own.

pub mod accelerators;
pub mod capability;
pub mod host;
pub mod io_priority;
pub mod links;
pub mod memory;
pub mod notify;
pub mod replace;
pub mod signals;
