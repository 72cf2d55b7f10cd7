//! Cargo.toml, go.mod, Gemfile and composer.json.

use serde_json::Value;
use umbrascope_rules::SoftwareKind;

use super::super::document::{self, Format};
use super::super::safe::Trouble;
use super::{Dependency, Each};

pub(super) fn cargo(bytes: &[u8], each: Each<'_>) -> Result<(), Trouble> {
    let file = document::parse(bytes, Format::Toml)?;
    crates(&file, each);
    crates(&file["workspace"], each);
    for target in file["target"].as_object().into_iter().flat_map(|targets| targets.values()) {
        crates(target, each);
    }
    Ok(())
}

fn crates(of: &Value, each: Each<'_>) {
    for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
        for (name, asked) in of[table].as_object().into_iter().flatten() {
            // A crate may stand under another name.
            let name = asked["package"].as_str().unwrap_or(name);
            let version = asked.as_str().or_else(|| asked["version"].as_str());
            let version = version.and_then(|version| version.strip_prefix('='));
            each(Dependency::direct(SoftwareKind::Cargo, name, version.map(str::trim)));
        }
    }
}

/// Lines `require path version`, or the same without the word in a block. What stands there for others is marked.
pub(super) fn go_mod(bytes: &[u8], each: Each<'_>) -> Result<(), Trouble> {
    let text = std::str::from_utf8(bytes).map_err(|_| Trouble::Malformed)?;
    let mut inside = false;
    for line in text.lines() {
        let line = line.trim();
        let (line, comment) = line.split_once("//").unwrap_or((line, ""));
        let line = line.trim();
        let asked = match line.strip_prefix("require").filter(|rest| rest.starts_with([' ', '\t', '('])) {
            Some(rest) if rest.trim() == "(" => {
                inside = true;
                continue;
            }
            Some(rest) => rest.trim(),
            None if inside => line,
            None => continue,
        };
        if asked == ")" {
            inside = false;
            continue;
        }
        let mut words = asked.split_whitespace().map(|word| word.trim_matches('"'));
        if let Some(path) = words.next().filter(|path| !path.is_empty()) {
            let direct = comment.trim() != "indirect";
            let version = words.next().map(str::to_owned);
            each(Dependency { kind: SoftwareKind::Go, name: path.to_owned(), version, direct });
        }
    }
    Ok(())
}

/// Lines `gem "name", "range"`. The file is a program; only what stands there as such is seen.
pub(super) fn gemfile(bytes: &[u8], each: Each<'_>) -> Result<(), Trouble> {
    let text = std::str::from_utf8(bytes).map_err(|_| Trouble::Malformed)?;
    for line in text.lines() {
        let Some(rest) =
            line.trim_start().strip_prefix("gem").filter(|rest| rest.starts_with([' ', '(', '\t']))
        else {
            continue;
        };
        let rest = rest.trim_start_matches([' ', '(', '\t']);
        let quote = if rest.starts_with('\'') { '\'' } else { '"' };
        if let Some((name, _)) = rest.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            each(Dependency::direct(SoftwareKind::Gem, name, None));
        }
    }
    Ok(())
}

pub(super) fn composer(bytes: &[u8], each: Each<'_>) -> Result<(), Trouble> {
    let file: Value = serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)?;
    for table in ["require", "require-dev"] {
        for (name, _) in file[table].as_object().into_iter().flatten() {
            // `php` and `ext-json` are what it runs on.
            if name.contains('/') {
                each(Dependency::direct(SoftwareKind::Composer, name.as_str(), None));
            }
        }
    }
    Ok(())
}
