//! What Python projects ask for: requirements files (pip's format), pyproject.toml (PEP 621, PEP 735, Poetry, uv),
//! Pipfile, and conda's environment.yml.

use serde_json::Value;
use umbrascope_rules::SoftwareKind;

use super::super::document::{self, Format};
use super::super::safe::Trouble;
use super::{Dependency, Each};

pub(super) fn requirements(bytes: &[u8], each: Each<'_>) -> Result<(), Trouble> {
    // Some editors of Windows write UTF-16, which pip reads by its mark.
    if bytes.contains(&0) {
        return Err(Trouble::Malformed);
    }
    for line in String::from_utf8_lossy(bytes).lines() {
        let line = line.trim_start_matches('\u{feff}').trim();
        if let Some(dependency) = requirement(line) {
            each(dependency);
        }
    }
    Ok(())
}

pub(super) fn pyproject(bytes: &[u8], each: Each<'_>) -> Result<(), Trouble> {
    let file = document::parse(bytes, Format::Toml)?;
    let project = &file["project"];
    list(&project["dependencies"], each);
    lists(&project["optional-dependencies"], each);
    lists(&file["dependency-groups"], each);
    list(&file["tool"]["uv"]["dev-dependencies"], each);
    lists(&file["tool"]["pdm"]["dev-dependencies"], each);
    let poetry = &file["tool"]["poetry"];
    table(&poetry["dependencies"], each);
    table(&poetry["dev-dependencies"], each);
    for group in poetry["group"].as_object().into_iter().flat_map(|groups| groups.values()) {
        table(&group["dependencies"], each);
    }
    Ok(())
}

pub(super) fn pipfile(bytes: &[u8], each: Each<'_>) -> Result<(), Trouble> {
    let file = document::parse(bytes, Format::Toml)?;
    table(&file["packages"], each);
    table(&file["dev-packages"], each);
    Ok(())
}

pub(super) fn environment(bytes: &[u8], each: Each<'_>) -> Result<(), Trouble> {
    let file = document::parse(bytes, Format::Yaml)?;
    for entry in file["dependencies"].as_array().into_iter().flatten() {
        list(&entry["pip"], each);
        // `conda-forge::llama.cpp=0.0.5046=cpu`: channel, name, version, build.
        let Some(text) = entry.as_str() else { continue };
        let text = text.rsplit("::").next().unwrap_or(text);
        let name = text.split(['=', '<', '>', '!', '~', ' ', '[']).next().unwrap_or_default();
        let rest = text.get(name.len()..).unwrap_or_default();
        let version = rest.trim_start_matches('=').split('=').next();
        let version = version.filter(|_| rest.starts_with('=') && !rest.contains('*'));
        if !name.is_empty() {
            each(Dependency::direct(SoftwareKind::Conda, name, version));
        }
    }
    Ok(())
}

fn list(value: &Value, each: Each<'_>) {
    for text in value.as_array().into_iter().flatten().filter_map(Value::as_str) {
        if let Some(dependency) = requirement(text) {
            each(dependency);
        }
    }
}

fn lists(value: &Value, each: Each<'_>) {
    for group in value.as_object().into_iter().flat_map(|groups| groups.values()) {
        list(group, each);
    }
}

/// Names as keys, as Poetry and Pipenv write them.
fn table(value: &Value, each: Each<'_>) {
    for (name, range) in value.as_object().into_iter().flatten() {
        let range = range.as_str().or_else(|| range["version"].as_str()).unwrap_or_default();
        let exact = range.strip_prefix("==").or(Some(range).filter(|range| is_number(range)));
        if name != "python" {
            each(Dependency::direct(SoftwareKind::Pypi, name.as_str(), exact.filter(|v| is_number(v))));
        }
    }
}

/// One requirement (PEP 508): a name, extras, a range, a marker. Options, paths and addresses are none.
fn requirement(text: &str) -> Option<Dependency> {
    let name = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).next()?;
    let rest = text.get(name.len()..)?.trim_start();
    let named = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && (rest.is_empty()
            || rest.starts_with(['[', '=', '<', '>', '!', '~', ';', '@', '#', '(', ',', '\\']))
        && !name.ends_with(".txt");
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']').map_or("", |(_, rest)| rest.trim_start()),
        None => rest,
    };
    let version = rest.trim_start_matches('=').trim_start();
    let version = version.split([';', ' ', ',', '#', '\\']).next().filter(|v| is_number(v));
    named.then(|| Dependency::direct(SoftwareKind::Pypi, name, version.filter(|_| rest.starts_with("=="))))
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(['*', ' ', ',', '<', '>', '|'])
}
