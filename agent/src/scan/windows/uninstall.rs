//! Installed programs, as the list of Settings shows them: the keys below `Uninstall`, of the machine, of its 32-bit programs and of
//! each user.
//!
//! The name of a key is what its installer chose, for good: a GUID with `_is1` (Inno Setup), the name of the application
//! (Squirrel), a GUID made of its id (electron-builder). A Windows Installer package has a new one with each version; what
//! stays is its upgrade code, kept elsewhere. winget and bundles name themselves in a value. Names that people read are no
//! identifiers and are not matched.

use std::collections::HashMap;

use umbrascope_rules::{RuleRef, SoftwareKind};

use super::super::registry::{Key, Registry, text};
use super::super::safe::Trouble;
use super::super::source::{Found, Source};
use super::{each_key, each_software};

const UNINSTALL: &str = r"Microsoft\Windows\CurrentVersion\Uninstall";
const UNINSTALL_32: &str = r"WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall";
/// Keys called after an upgrade code, whose values are called after product codes.
const UPGRADE_CODES: &[&str] =
    &[r"Microsoft\Windows\CurrentVersion\Installer\UpgradeCodes", r"Microsoft\Installer\UpgradeCodes"];
/// Most product codes of which the upgrade code is kept.
const PRODUCTS: usize = 20_000;

pub(in super::super) fn read(registry: &Registry, source: &mut Source<'_>) {
    let mut upgrades = HashMap::new();
    each_software(registry, source, |software, shown, user, source| {
        for path in UPGRADE_CODES {
            each_key(software, path, shown, source, |code, key, _| upgrade_codes(code, key, &mut upgrades));
        }
        for path in [UNINSTALL, UNINSTALL_32] {
            each_key(software, path, shown, source, |name, key, source| {
                let mut found = Found::new(name).version(text(key, "DisplayVersion"));
                found.details.title = text(key, "DisplayName");
                found.details.publisher = text(key, "Publisher");
                found.details.location = Some(format!(r"{shown}\{path}"));
                found.owner = user.map(|user| user.owner);
                // A key that names no program and no way to remove it is what an installer left behind.
                if found.details.title.is_none() && text(key, "UninstallString").is_none() {
                    source.pass();
                    return Ok(());
                }
                match rule(name, key, &upgrades, source) {
                    Some((rule, value)) => source.take(rule, Found { value, ..found }),
                    None => source.leave(SoftwareKind::UninstallKey, found.value, found.version),
                }
                Ok(())
            });
        }
    });
}

/// The rule for one of the identifiers of a program, and which one it was.
fn rule<'a>(
    name: &str,
    key: &dyn Key,
    upgrades: &HashMap<String, String>,
    source: &Source<'a>,
) -> Option<(&'a RuleRef, String)> {
    let known = |kind, id: Option<String>| {
        let id = id?;
        source.rule(kind, &id).map(|rule| (rule, id))
    };
    known(SoftwareKind::UninstallKey, Some(name.to_owned()))
        .or_else(|| known(SoftwareKind::UninstallKey, upgrades.get(&name.to_ascii_uppercase()).cloned()))
        .or_else(|| known(SoftwareKind::UninstallKey, text(key, "BundleUpgradeCode")))
        .or_else(|| known(SoftwareKind::Winget, text(key, "WinGetPackageIdentifier")))
        .or_else(|| known(SoftwareKind::BundleId, text(key, "BundleIdentifier")))
}

fn upgrade_codes(code: &str, key: &dyn Key, upgrades: &mut HashMap<String, String>) -> Result<(), Trouble> {
    let Some(code) = unpacked(code) else { return Ok(()) };
    for product in key.names()?.iter().filter_map(|name| unpacked(name)) {
        if upgrades.len() >= PRODUCTS {
            return Err(Trouble::TooLarge);
        }
        upgrades.insert(product, code.clone());
    }
    Ok(())
}

/// A GUID as it is written, of the 32 digits that Windows Installer makes of one: those of each of the first three parts
/// backwards, then each pair of the rest.
fn unpacked(packed: &str) -> Option<String> {
    if packed.len() != 32 || !packed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut guid = String::from("{");
    let mut at = 0;
    for (part, len) in [8, 4, 4, 2, 2, 2, 2, 2, 2, 2, 2].into_iter().enumerate() {
        if matches!(part, 1..=3 | 5) {
            guid.push('-');
        }
        guid.extend(packed[at..at + len].chars().rev());
        at += len;
    }
    guid.push('}');
    Some(guid.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_guid_is_written_out() {
        let packed = "1234567890ABCDEF1032547698BADCFE";
        assert_eq!(unpacked(packed).as_deref(), Some("{87654321-BA09-FEDC-0123-456789ABCDEF}"));
        assert_eq!(unpacked("123"), None);
        assert_eq!(unpacked(&"g".repeat(32)), None);
        assert_eq!(unpacked(&"ä".repeat(16)), None);
    }
}
