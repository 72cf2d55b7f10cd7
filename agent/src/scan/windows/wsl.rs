//! Distributions of the Windows Subsystem for Linux. To look into one would start it: that it is there is told as something
//! that was not looked into, by its name, and an agent inside does the rest.

use super::super::registry::{Registry, text};
use super::super::safe::Trouble;
use super::super::source::Source;
use super::{each_key, each_software};

const LXSS: &str = r"Microsoft\Windows\CurrentVersion\Lxss";

pub(in super::super) fn read(registry: &Registry, source: &mut Source<'_>) {
    each_software(registry, source, |software, shown, user, source| {
        if user.is_none() {
            return;
        }
        each_key(software, LXSS, shown, source, |_, key, source| {
            if let Some(name) = text(key, "DistributionName") {
                source.pass();
                source.trouble(Trouble::Skipped, format!(r"{shown}\{LXSS}: distribution {name}"));
            }
            Ok(())
        });
    });
}
