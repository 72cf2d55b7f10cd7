//! Lock files, read a piece at a time: the names in them and the version of each.

use std::fmt;
use std::io::{BufRead, Read};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use umbrascope_rules::SoftwareKind;

use super::super::safe::Trouble;
use super::{Dependency, Each, LINE_BYTES};

type Input<'a> = &'a mut dyn BufRead;

/// npm: `packages` by path (`node_modules/a/node_modules/b`), in old files `dependencies` by name.
pub(super) fn package_lock(input: Input<'_>, each: Each<'_>) -> Result<(), Trouble> {
    json(input, &["packages", "dependencies"], &mut |key, entry| {
        let name = match key.rsplit_once("node_modules/") {
            Some((_, name)) => name,
            // A path without it is a folder of the project.
            None if key.is_empty() || key.contains('/') && !key.starts_with('@') => return,
            None => key,
        };
        // Under another name it says which one it is.
        let name = entry.name.as_deref().unwrap_or(name);
        each(Dependency::locked(SoftwareKind::Npm, name, entry.version.as_deref()));
    })
}

/// Pipenv: `default` and `develop`, by name.
pub(super) fn pipfile(input: Input<'_>, each: Each<'_>) -> Result<(), Trouble> {
    json(input, &["default", "develop"], &mut |name, entry| {
        let version = entry.version.as_deref().map(|version| version.trim_start_matches('='));
        each(Dependency::locked(SoftwareKind::Pypi, name, version));
    })
}

/// Composer: lists of packages.
pub(super) fn composer(input: Input<'_>, each: Each<'_>) -> Result<(), Trouble> {
    json(input, &["packages", "packages-dev"], &mut |_, entry| {
        if let Some(name) = &entry.name {
            each(Dependency::locked(SoftwareKind::Composer, name, entry.version.as_deref()));
        }
    })
}

/// pnpm: keys of `packages` and `snapshots`, as its versions 5 to 9 write them: `/@a/b/1.0.0`, `/@a/b@1.0.0(c@2.0.0)`,
/// `'@a/b@1.0.0'`.
pub(super) fn pnpm(input: Input<'_>, each: Each<'_>) -> Result<(), Trouble> {
    let mut inside = false;
    lines(input, |line| {
        if line.is_empty() {
            return;
        }
        if !line.starts_with(' ') {
            inside = matches!(line, "packages:" | "snapshots:");
            return;
        }
        let key = line.strip_prefix("  ").filter(|key| inside && !key.starts_with(' '));
        let Some(key) =
            key.and_then(|key| key.split_once(": ").map_or(key.strip_suffix(':'), |(key, _)| Some(key)))
        else {
            return;
        };
        let key = key.trim_matches(['\'', '"']).trim_start_matches('/');
        let key = key.split('(').next().unwrap_or(key);
        let (name, version) = specifier(key).or_else(|| key.rsplit_once('/')).unwrap_or((key, ""));
        each(Dependency::locked(SoftwareKind::Npm, name, Some(version)));
    })
}

/// yarn, its first version and the later ones: `"@a/b@^1.0.0", "@a/b@^1.1.0":`, below it `version "1.1.2"`.
pub(super) fn yarn(input: Input<'_>, each: Each<'_>) -> Result<(), Trouble> {
    let mut name: Option<String> = None;
    lines(input, |line| {
        if let Some(version) = line.strip_prefix("  version") {
            if let Some(name) = name.take() {
                let version = version.trim_matches([' ', ':', '"']);
                each(Dependency::locked(SoftwareKind::Npm, &name, Some(version)));
            }
        } else if !line.starts_with([' ', '#']) {
            let first = line.split(", ").next().unwrap_or(line).trim_matches(['"', ':']);
            name = specifier(first).map(|(name, range)| {
                // An alias: `ai@npm:openai@4`.
                let real = range.strip_prefix("npm:").and_then(specifier);
                real.map_or(name, |(real, _)| real).to_owned()
            });
        }
    })
}

/// bun: a line a package, `"name": ["name@1.0.0", …`.
pub(super) fn bun(input: Input<'_>, each: Each<'_>) -> Result<(), Trouble> {
    lines(input, |line| {
        let Some((_, rest)) = line.split_once("\": [\"") else { return };
        if let Some((name, version)) = rest.split('"').next().and_then(specifier)
            && line.starts_with("    \"")
        {
            each(Dependency::locked(SoftwareKind::Npm, name, Some(version)));
        }
    })
}

/// Poetry, uv and PDM: `[[package]]` tables; `[[packages]]` in a pylock.toml (PEP 751).
pub(super) fn python(input: Input<'_>, each: Each<'_>) -> Result<(), Trouble> {
    packages(input, SoftwareKind::Pypi, each)
}

/// Cargo: the same; a crate without a source is the project's own.
pub(super) fn cargo(input: Input<'_>, each: Each<'_>) -> Result<(), Trouble> {
    packages(input, SoftwareKind::Cargo, each)
}

fn packages(input: Input<'_>, kind: SoftwareKind, each: Each<'_>) -> Result<(), Trouble> {
    let mut package: Option<(String, String)> = None;
    let mut from_registry = false;
    let mut end = |package: &mut Option<(String, String)>, from_registry: bool| {
        let own = kind == SoftwareKind::Cargo && !from_registry;
        if let Some((name, version)) = package.take().filter(|(name, _)| !own && !name.is_empty()) {
            each(Dependency::locked(kind, &name, Some(&version)));
        }
    };
    lines(input, |line| {
        let text = |key: &str| {
            let value = line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim();
            value.strip_prefix('"')?.split('"').next()
        };
        if line.starts_with('[') {
            end(&mut package, from_registry);
            from_registry = false;
            package = matches!(line, "[[package]]" | "[[packages]]").then(Default::default);
        } else if let Some(package) = &mut package {
            if let Some(name) = text("name") {
                package.0 = name.to_owned();
            } else if let Some(version) = text("version") {
                package.1 = version.to_owned();
            }
            from_registry |= line.starts_with("source");
        }
    })?;
    end(&mut package, from_registry);
    Ok(())
}

/// Bundler: `    name (1.0.0)` under `specs:`; what is further to the right are the wishes of others.
pub(super) fn gemfile(input: Input<'_>, each: Each<'_>) -> Result<(), Trouble> {
    lines(input, |line| {
        let Some(rest) = line.strip_prefix("    ").filter(|rest| !rest.starts_with(' ')) else { return };
        if let Some((name, version)) = rest.split_once(" (") {
            let version = version.trim_end_matches(')');
            each(Dependency::locked(SoftwareKind::Gem, name, Some(version)));
        }
    })
}

/// `name@version`, where a name may begin with `@`.
fn specifier(text: &str) -> Option<(&str, &str)> {
    let at = text.get(1..)?.find('@')? + 1;
    Some((&text[..at], &text[at + 1..]))
}

/// Gives every line, without what goes beyond [`LINE_BYTES`] of it. Bytes that are no text end it.
fn lines(input: Input<'_>, mut each: impl FnMut(&str)) -> Result<(), Trouble> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut *input)
            .take(LINE_BYTES)
            .read_until(b'\n', &mut line)
            .map_err(|error| Trouble::of_reading(error.kind()))?;
        if read == 0 {
            return Ok(());
        }
        if line.contains(&0) {
            return Err(Trouble::Malformed);
        }
        if read as u64 == LINE_BYTES && !line.ends_with(b"\n") {
            input.skip_until(b'\n').map_err(|error| Trouble::of_reading(error.kind()))?;
        }
        each(String::from_utf8_lossy(&line).trim_end());
    }
}

/// What is of use of an entry.
#[derive(Deserialize)]
struct Entry {
    name: Option<String>,
    version: Option<String>,
}

type Take<'a> = &'a mut dyn FnMut(&str, &Entry);

/// Gives the entries of some tables, or lists, of a JSON object, and keeps none of them.
fn json(input: Input<'_>, tables: &[&str], take: Take<'_>) -> Result<(), Trouble> {
    let mut deserializer = serde_json::Deserializer::from_reader(input);
    Top { tables, take }.deserialize(&mut deserializer).map_err(|error| Trouble::of_json(&error))
}

struct Top<'a> {
    tables: &'a [&'a str],
    take: Take<'a>,
}

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a lock file")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self.tables.contains(&key.as_str()) {
                map.next_value_seed(Entries { take: self.take })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Entries<'a> {
    take: Take<'a>,
}

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("packages")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let entry: Entry = map.next_value()?;
            (self.take)(&key, &entry);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(entry) = list.next_element::<Entry>()? {
            (self.take)("", &entry);
        }
        Ok(())
    }
}
