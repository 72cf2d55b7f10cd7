//! .NET: `PackageReference` and `PackageVersion` of project files, `package` of the older packages.config.

use umbrascope_rules::SoftwareKind;

use super::super::safe::Trouble;
use super::{Dependency, Each};

/// Elements that name a package, and the attribute with its name.
const ELEMENTS: &[(&str, &str)] =
    &[("PackageReference", "Include"), ("PackageVersion", "Include"), ("package", "id")];

pub(super) fn project(bytes: &[u8], each: Each<'_>) -> Result<(), Trouble> {
    let text = text(bytes)?;
    for tag in tags(text) {
        let Some((_, key)) = ELEMENTS.iter().find(|(name, _)| element(tag) == *name) else { continue };
        let Some(name) = attribute(tag, key).filter(|name| !name.is_empty()) else { continue };
        let version = attribute(tag, "Version").or_else(|| attribute(tag, "version"));
        // A range is in brackets, a property begins with a dollar sign.
        let version = version.filter(|version| version.starts_with(|c: char| c.is_ascii_digit()));
        each(Dependency::direct(SoftwareKind::Nuget, name, version));
    }
    Ok(())
}

/// XML's text. A file in UTF-16 is left as malformed: no tool of today writes it.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Trouble> {
    let text = std::str::from_utf8(bytes).map_err(|_| Trouble::Malformed)?;
    if text.contains('<') { Ok(text) } else { Err(Trouble::Malformed) }
}

/// What stands between `<` and `>`, comments left out.
pub(super) fn tags(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.split_once('<')?.1;
            if let Some(comment) = rest.strip_prefix("!--") {
                rest = comment.split_once("-->")?.1;
                continue;
            }
            let (tag, after) = rest.split_once('>')?;
            rest = after;
            return Some(tag);
        }
    })
}

fn element(tag: &str) -> &str {
    tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default()
}

fn attribute<'a>(tag: &'a str, key: &str) -> Option<&'a str> {
    let mut rest = tag;
    loop {
        let (before, after) = rest.split_once(key)?;
        rest = after;
        let value = after.trim_start().strip_prefix('=').map(str::trim_start);
        let quoted = value.and_then(|value| {
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            value[1..].split_once(quote).map(|(value, _)| value.trim())
        });
        if before.ends_with(char::is_whitespace)
            && let Some(value) = quoted
        {
            return Some(value);
        }
    }
}
