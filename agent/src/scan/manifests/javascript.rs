//! package.json (npm's package.json documentation): names in four tables, each with a range.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use umbrascope_rules::SoftwareKind;

use super::super::safe::Trouble;
use super::{Dependency, Each};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(default)]
    dependencies: BTreeMap<String, Value>,
    #[serde(default)]
    dev_dependencies: BTreeMap<String, Value>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Value>,
    #[serde(default)]
    peer_dependencies: BTreeMap<String, Value>,
}

pub(super) fn package_json(bytes: &[u8], each: Each<'_>) -> Result<(), Trouble> {
    let package: Package = serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)?;
    let tables = [
        package.dependencies,
        package.dev_dependencies,
        package.optional_dependencies,
        package.peer_dependencies,
    ];
    for (name, range) in tables.into_iter().flatten() {
        let range = range.as_str().unwrap_or_default();
        // An alias: `"ai": "npm:openai@4.1.0"`.
        let (name, range) = match range.strip_prefix("npm:") {
            Some(real) => match real.rsplit_once('@').filter(|(name, _)| !name.is_empty()) {
                Some((name, range)) => (name.to_owned(), range),
                None => (real.to_owned(), ""),
            },
            None => (name, range),
        };
        each(Dependency::direct(SoftwareKind::Npm, name, exact(range)));
    }
    Ok(())
}

/// A range that is one version.
fn exact(range: &str) -> Option<&str> {
    let plain = range.trim().trim_start_matches('=');
    let numbers = plain.split(['-', '+']).next().unwrap_or_default();
    let parts =
        numbers.split('.').filter(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    (parts.count() == 3 && numbers.split('.').count() == 3).then_some(plain)
}
