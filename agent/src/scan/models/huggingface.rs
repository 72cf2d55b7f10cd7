//! The Hugging Face cache: `models--ORG--NAME/{refs,blobs,snapshots/<commit>}`.
//!
//! What stands in a snapshot is a link into `blobs`; its target's name is read and the blob opened by it, so that
//! no link is followed. Data sets and spaces are no models. A token beside the cache is never opened.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use umbrascope_api::ItemDetails;
use umbrascope_rules::SoftwareKind;

use super::files::is_part;
use super::{Header, Role, header_of, is_sha256, take_model};
use crate::scan::environment;
use crate::scan::safe::{Dir, Trouble};
use crate::scan::source::{Found, Source};

/// Caches of a home.
const HOME_CACHES: &[&str] =
    &[".cache/huggingface/hub", ".cache/huggingface/transformers", "Library/Caches/huggingface/hub"];

/// Most models of one cache.
const MODELS: usize = 2_000;
/// Largest reference, model card head or configuration read, in bytes.
const TEXT_BYTES: u64 = 256 * 1024;

/// Variables that move the cache, and where it then is below what they name (huggingface_hub, constants.py).
const VARIABLES: &[(&str, &str)] = &[
    ("HF_HUB_CACHE", ""),
    ("HUGGINGFACE_HUB_CACHE", ""),
    ("HF_HOME", "hub"),
    ("XDG_CACHE_HOME", "huggingface/hub"),
    ("TRANSFORMERS_CACHE", ""),
];

pub(in crate::scan) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for (variable, below) in VARIABLES {
        for folder in environment::of_system(root, "vllm", variable) {
            let folder = folder.join(below);
            read_cache(environment::open(root, None, &folder), &folder.to_string_lossy(), source);
        }
    }
}

pub(in crate::scan) fn read_home(home: &Dir, root: &Dir, source: &mut Source<'_>) {
    for path in HOME_CACHES {
        read_cache(home.dir(path), &home.shown_child(path), source);
    }
    for (variable, below) in VARIABLES {
        for folder in environment::of_home(home, "vllm", variable) {
            let folder = folder.join(below);
            let usual = HOME_CACHES.iter().any(|cache| home.absolute().join(cache) == folder);
            if !usual {
                read_cache(environment::open(root, Some(home), &folder), &folder.to_string_lossy(), source);
            }
        }
    }
}

fn read_cache(cache: Result<Dir, Trouble>, shown: &str, source: &mut Source<'_>) {
    let Some(cache) = source.note(cache, || shown.to_owned()) else { return };
    let Some((entries, trouble)) = source.note(cache.entries(), || cache.shown().into()) else {
        return;
    };
    let mut models = 0;
    if let Some(trouble) = trouble {
        source.trouble(trouble, cache.shown());
    }
    for entry in entries.iter().filter(|entry| entry.may_be_dir()) {
        let Some(name) = entry.text().and_then(model_name) else { continue };
        models += 1;
        if models > MODELS {
            source.trouble(Trouble::TooLarge, cache.shown());
            break;
        }
        if let Some(folder) = source.note(cache.dir(&entry.name), || cache.shown_child(&entry.name)) {
            read_model(&folder, name, source);
        }
    }
}

/// `models--ORG--NAME` is `ORG/NAME`; a model of the first days has no organisation.
fn model_name(folder: &str) -> Option<String> {
    let name = folder.strip_prefix("models--")?;
    (!name.is_empty()).then(|| name.replacen("--", "/", 1))
}

fn read_model(folder: &Dir, name: String, source: &mut Source<'_>) {
    let mut size: u64 = 0;
    if let Some(blobs) = source.note(folder.dir("blobs"), || folder.shown_child("blobs")) {
        let listing = source.note(blobs.entries(), || blobs.shown().into());
        let (entries, trouble) = listing.unwrap_or_default();
        if let Some(trouble) = trouble {
            source.trouble(trouble, blobs.shown());
        }
        for entry in entries {
            // A download under way is no model yet.
            let whole = entry.text().is_some_and(|name| !name.ends_with(".incomplete"));
            if let Ok(look) = blobs.look(&entry.name)
                && whole
            {
                size = size.saturating_add(look.len);
            }
        }
    }
    let commit = commit(folder);
    let snapshot = commit.as_ref().and_then(|commit| folder.dir(Path::new("snapshots").join(commit)).ok());
    let mut card = Card::default();
    let mut config = Config::default();
    let mut header = Header::default();
    let mut sha256 = None;
    let mut weights = false;
    let mut adapter = false;
    if let Some(snapshot) = snapshot {
        let (entries, _) = snapshot.entries().unwrap_or_default();
        for entry in entries {
            let Some(file) = entry.text() else { continue };
            let blob = blob_of(folder, &snapshot, file);
            let text = |blob: Option<PathBuf>| folder.read(blob?, TEXT_BYTES).ok();
            match file {
                "config.json" => {
                    config =
                        text(blob).and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
                }
                "README.md" => card = text(blob).map(|bytes| model_card(&bytes)).unwrap_or_default(),
                // Of the PEFT library: what it stands beside was trained on top of another model.
                "adapter_config.json" => adapter = true,
                _ if !weights && (file.ends_with(".gguf") || file.ends_with(".safetensors")) => {
                    let found = blob.as_ref().and_then(|blob| header_of(folder, blob, file).ok());
                    // The projector that goes with a model is not the model.
                    if let Some(mut found) = found.filter(|found| found.role != Some(Role::Projector)) {
                        // A split model's first part does not count all parameters.
                        if file.ends_with(".safetensors") && is_part(file) {
                            found.parameters = None;
                        }
                        // A file of Git LFS is kept under its SHA-256; no part of a model speaks for the whole.
                        let stored = blob.as_ref().and_then(|blob| blob.file_name()?.to_str());
                        sha256 = stored.filter(|name| is_sha256(name) && !is_part(file)).map(str::to_owned);
                        header = found;
                        weights = true;
                    }
                }
                _ => {}
            }
        }
    }
    let role = header.role.or(adapter.then_some(Role::Adapter));
    let details = ItemDetails {
        client: Some("Hugging Face cache".into()),
        location: Some(folder.shown().into()),
        title: header.name,
        family: config.model_type.or(header.family),
        parameters: header.parameters,
        quantisation: header.quantisation.or(config.torch_dtype).or(config.dtype),
        licence: card.licence.or(header.licence),
        sha256,
        role: role.map(|role| role.as_str().to_owned()),
        size_bytes: Some(size),
        ..ItemDetails::default()
    };
    let found = Found {
        value: name.clone(),
        version: commit,
        details,
        owner: Some(folder.uid()),
        ..Found::default()
    };
    take_model(SoftwareKind::Model, &[&name], found, source);
}

/// The commit that `main` stands at, or the only one there is.
fn commit(folder: &Dir) -> Option<String> {
    let is_commit = |text: &str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let main = folder.read("refs/main", 1024).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let main = main.map(|text| text.trim().to_owned()).filter(|text| is_commit(text));
    main.or_else(|| {
        let (entries, _) = folder.dir("snapshots").ok()?.entries().ok()?;
        entries.iter().filter_map(|entry| entry.text()).find(|name| is_commit(name)).map(str::to_owned)
    })
}

/// The blob that a name in a snapshot stands for: by the last part of its link, whatever the rest says. On systems
/// without links the file itself.
fn blob_of(folder: &Dir, snapshot: &Dir, file: &str) -> Option<PathBuf> {
    match snapshot.link(file) {
        Ok(target) => Some(Path::new("blobs").join(target.file_name()?)),
        Err(_) => {
            let inner = snapshot.absolute();
            let below = inner.strip_prefix(folder.absolute()).ok()?;
            Some(below.join(file))
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    model_type: Option<String>,
    torch_dtype: Option<String>,
    dtype: Option<String>,
}

#[derive(Debug, Default)]
pub(in crate::scan) struct Card {
    licence: Option<String>,
}

/// The `license` of a model card's front matter.
pub(in crate::scan) fn model_card(bytes: &[u8]) -> Card {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    if lines.next().map(str::trim_end) != Some("---") {
        return Card::default();
    }
    let licence = lines
        .take_while(|line| line.trim_end() != "---")
        .find_map(|line| line.strip_prefix("license:"))
        .map(|value| value.trim().trim_matches(['"', '\'']).to_owned())
        .filter(|value| !value.is_empty());
    Card { licence }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_names_its_model() {
        assert_eq!(
            model_name("models--meta-llama--Llama-3.2-1B").as_deref(),
            Some("meta-llama/Llama-3.2-1B")
        );
        assert_eq!(model_name("models--gpt2").as_deref(), Some("gpt2"));
        assert_eq!(model_name("datasets--squad"), None);
        assert_eq!(model_name("models--"), None);
    }

    #[test]
    fn the_front_matter_names_the_licence() {
        let card = model_card(b"---\nlanguage: en\nlicense: apache-2.0\ntags:\n- x\n---\nlicense: no\n");
        assert_eq!(card.licence.as_deref(), Some("apache-2.0"));
        assert_eq!(model_card(b"# Title\nlicense: mit\n").licence, None);
    }
}
