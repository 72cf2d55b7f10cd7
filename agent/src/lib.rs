//! The Umbrascope agent: sees which AI tools a machine uses and tells its collector.
//!
//! The way of a packet: kernel filter → `capture` → `umbrascope-dissect` → rules matcher →
//! `attribution` → `aggregate` → `state` → `sender`. What does not match a rule is dropped where it
//! is first seen. A scan takes the same way from `scan` on.
//!
//! Scans, captures read from files and the catalogue work on Linux, macOS and Windows; watching the network and
//! reporting, on Linux only so far: those modules are there for no other system, and `cli` says so to whoever asks.
//!
//! This library is for the binary `umbrascope-agent` and for tests; it is not a public interface.

pub mod capture;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod config;
pub mod failpoint;
pub mod os;
pub mod own;
pub mod pipeline;
pub mod replay;
pub mod scan;

// The running agent.
#[cfg(target_os = "linux")]
pub mod aggregate;
#[cfg(target_os = "linux")]
pub mod attribution;
#[cfg(target_os = "linux")]
pub mod bpf;
#[cfg(target_os = "linux")]
pub mod enrol;
#[cfg(target_os = "linux")]
pub mod identity;
#[cfg(target_os = "linux")]
pub mod ipc;
#[cfg(target_os = "linux")]
pub mod roles;
#[cfg(target_os = "linux")]
pub mod sandbox;
#[cfg(target_os = "linux")]
pub mod sender;
#[cfg(target_os = "linux")]
pub mod state;
#[cfg(target_os = "linux")]
pub mod witness;

#[cfg(all(test, target_os = "linux"))]
#[path = "../tests/common/require.rs"]
mod require;
