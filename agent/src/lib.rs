//! The Umbrascope agent: sees which AI tools a machine uses and tells its collector.
//!
//! The way of a packet: kernel filter → `capture` → `umbrascope-dissect` → rules matcher →
//! `attribution` → `aggregate` → `state` → `sender`. What does not match a rule is dropped where it
//! is first seen. A scan takes the same way from `scan` on.
//!
//! This library is for the binary `umbrascope-agent` and for tests; it is not a public interface.

pub mod aggregate;
pub mod attribution;
pub mod bpf;
pub mod capture;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod enrol;
pub mod failpoint;
pub mod identity;
pub mod ipc;
pub mod os;
pub mod own;
pub mod pipeline;
pub mod replay;
pub mod roles;
pub mod sandbox;
pub mod scan;
pub mod sender;
pub mod state;

#[cfg(test)]
#[path = "../tests/common/require.rs"]
mod require;
