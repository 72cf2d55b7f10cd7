//! Maven's pom.xml and Gradle's build files.

use umbrascope_rules::SoftwareKind;

use super::super::document::{self, Format};
use super::super::safe::Trouble;
use super::{Dependency, Each, dotnet};

/// `<dependency>` elements: `groupId`, `artifactId` and `version` of each.
pub(super) fn pom(bytes: &[u8], each: Each<'_>) -> Result<(), Trouble> {
    let mut rest = dotnet::text(bytes)?;
    while let Some((_, after)) = rest.split_once("<dependency>") {
        let (inside, after) = after.split_once("</dependency>").unwrap_or((after, ""));
        rest = after;
        // What a dependency leaves out is none of its own.
        let own = inside.split("<exclusions>").next().unwrap_or(inside);
        if let (Some(group), Some(artifact)) = (value(own, "groupId"), value(own, "artifactId")) {
            each(coordinates(group, artifact, value(own, "version")));
        }
    }
    Ok(())
}

fn value<'a>(inside: &'a str, element: &str) -> Option<&'a str> {
    let (_, rest) = inside.split_once(&format!("<{element}>"))?;
    rest.split_once("</").map(|(value, _)| value.trim()).filter(|value| !value.is_empty())
}

fn coordinates(group: &str, artifact: &str, version: Option<&str>) -> Dependency {
    let version = version.filter(|version| version.starts_with(|c: char| c.is_ascii_digit()));
    Dependency::direct(SoftwareKind::Maven, format!("{group}:{artifact}"), version)
}

/// Texts in quotes that are `group:artifact` or `group:artifact:version`. The file is a program: only what stands there
/// as such is seen.
pub(super) fn gradle(bytes: &[u8], each: Each<'_>) -> Result<(), Trouble> {
    let text = std::str::from_utf8(bytes).map_err(|_| Trouble::Malformed)?;
    for line in text.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
        // Every second piece is in quotes.
        for quoted in line.split(['"', '\'']).skip(1).step_by(2) {
            if let Some(dependency) = short(quoted) {
                each(dependency);
            }
        }
    }
    Ok(())
}

fn short(text: &str) -> Option<Dependency> {
    let mut parts = text.split(':');
    let (group, artifact, version) = (parts.next()?, parts.next()?, parts.next());
    let token = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    };
    (token(group) && token(artifact) && group.contains('.')).then(|| coordinates(group, artifact, version))
}

/// A version catalogue: `libraries`, each a text or a table.
pub(super) fn versions(bytes: &[u8], each: Each<'_>) -> Result<(), Trouble> {
    let file = document::parse(bytes, Format::Toml)?;
    for library in file["libraries"].as_object().into_iter().flat_map(|libraries| libraries.values()) {
        let version = library["version"]
            .as_str()
            .or_else(|| library["version"]["ref"].as_str().and_then(|name| file["versions"][name].as_str()));
        let whole = library.as_str().or_else(|| library["module"].as_str()).and_then(short);
        if let Some(mut dependency) = whole {
            dependency.version = dependency.version.or_else(|| version.map(str::to_owned));
            each(dependency);
        } else if let (Some(group), Some(name)) = (library["group"].as_str(), library["name"].as_str()) {
            each(coordinates(group, name, version));
        }
    }
    Ok(())
}
