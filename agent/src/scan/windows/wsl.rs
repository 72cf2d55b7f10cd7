//! Distributions of the Windows Subsystem for Linux. To look into one would start it: that it is there is told as something
//! that was not looked into, by its name, and an agent inside does the rest.

use super::super::registry::{Registry, text};
use super::super::safe::Trouble;
use super::super::source::Source;
use super::{each_key, each_software};

const LXSS: &str = r"Microsoft\Windows\CurrentVersion\Lxss";
/// The state of a distribution that can be started.
const INSTALLED: u32 = 1;

pub(in super::super) fn read(registry: &Registry, source: &mut Source<'_>) {
    each_software(registry, source, |software, shown, user, source| {
        if user.is_none() {
            return;
        }
        each_key(software, LXSS, shown, source, |_, key, source| {
            // What is being installed or removed is none.
            let whole = key.number("State").is_ok_and(|state| state == INSTALLED);
            if let Some(name) = text(key, "DistributionName").filter(|_| whole) {
                source.pass();
                source.trouble(Trouble::Skipped, format!(r"{shown}\{LXSS}: distribution {name}"));
            }
            Ok(())
        });
    });
}
