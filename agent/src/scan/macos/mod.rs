//! What macOS keeps of installed software: applications with the extensions inside them, receipts, MacPorts.

pub(super) mod apps;
pub(super) mod launchd;
pub(super) mod ports;
pub(super) mod portsdb;
pub(super) mod receipts;
pub(super) mod signature;
#[cfg(test)]
mod tests;
