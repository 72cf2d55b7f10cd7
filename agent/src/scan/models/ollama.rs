//! Ollama's store: `manifests/<host>/<namespace>/<model>/<tag>` in the layout of OCI images, `blobs/sha256-<hex>`.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use umbrascope_api::ItemDetails;
use umbrascope_rules::SoftwareKind;

use super::{Header, gguf, take_model};
use crate::scan::safe::{Dir, Trouble};
use crate::scan::source::{Found, Source};

/// Stores of the system: the service's own home in the packages and scripts that make one.
const SYSTEM_STORES: &[&str] = &[
    "usr/share/ollama/.ollama/models",
    "var/lib/ollama/.ollama/models",
    "var/lib/ollama/models",
    "var/lib/private/ollama/models",
];
/// Stores of a home.
const HOME_STORES: &[&str] = &[".ollama/models", "snap/ollama/common/models"];

/// Most models of one store.
const MODELS: usize = 2_000;
/// Largest manifest or configuration read, in bytes: both are a few hundred.
const MANIFEST_BYTES: u64 = 256 * 1024;

pub(in crate::scan) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for store in SYSTEM_STORES {
        read_store(root, store, source);
    }
}

pub(in crate::scan) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for store in HOME_STORES {
        read_store(home, store, source);
    }
}

fn read_store(base: &Dir, path: &str, source: &mut Source<'_>) {
    let Some(store) = source.note(base.dir(path), || base.shown_child(path)) else { return };
    let Some(manifests) = source.note(store.dir("manifests"), || store.shown_child("manifests")) else {
        return;
    };
    let mut models = 0;
    read_level(&store, &manifests, &mut Vec::new(), &mut models, source);
}

/// Goes down host, namespace and model to the tags.
fn read_level(
    store: &Dir,
    folder: &Dir,
    names: &mut Vec<String>,
    models: &mut usize,
    source: &mut Source<'_>,
) {
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries {
        let Some(name) = entry.text().filter(|name| !name.starts_with('.')) else { continue };
        if names.len() < 3 {
            if !entry.may_be_dir() {
                continue;
            }
            let Some(below) = source.note(folder.dir(name), || folder.shown_child(name)) else { continue };
            names.push(name.to_owned());
            read_level(store, &below, names, models, source);
            names.pop();
        } else {
            *models += 1;
            if *models > MODELS {
                return source.trouble(Trouble::TooLarge, store.shown());
            }
            let [host, namespace, model] = names.as_slice() else { return };
            read_model(store, folder, &model_name(host, namespace, model), name, source);
        }
    }
}

/// A model's name as `ollama list` prints it, without its tag.
fn model_name(host: &str, namespace: &str, model: &str) -> String {
    match (host, namespace) {
        ("registry.ollama.ai", "library") => model.to_owned(),
        ("registry.ollama.ai", _) => format!("{namespace}/{model}"),
        _ => format!("{host}/{namespace}/{model}"),
    }
}

fn read_model(store: &Dir, folder: &Dir, name: &str, tag: &str, source: &mut Source<'_>) {
    let location = || folder.shown_child(tag);
    let Some(file) = source.note(folder.file(tag, MANIFEST_BYTES), location) else { return };
    let owner = file.uid;
    let Some(manifest) = source.note(file.bytes().and_then(|bytes| manifest(&bytes)), location) else {
        return;
    };
    let blob = |layer: &Layer| Some(Path::new("blobs").join(layer.file_name()?));
    let config = manifest
        .config
        .as_ref()
        .and_then(&blob)
        .and_then(|path| store.read(path, MANIFEST_BYTES).ok())
        .and_then(|bytes| serde_json::from_slice::<Config>(&bytes).ok())
        .unwrap_or_default();
    let layer = |kind: &str| {
        let mut layers = manifest.layers.iter();
        layers.find(|layer| layer.media_type.strip_prefix("application/vnd.ollama.image.") == Some(kind))
    };
    let header = layer("model")
        .and_then(&blob)
        .and_then(|path| store.head(path).ok())
        .and_then(|file| head(file.reader(gguf::HEAD_BYTES)))
        .unwrap_or_default();
    let licence = layer("license")
        .and_then(&blob)
        .and_then(|path| store.head(path).ok())
        .and_then(|file| first_line(file.reader(512)));
    let sizes = manifest.layers.iter().chain(&manifest.config).map(|layer| layer.size);
    let details = ItemDetails {
        client: Some("Ollama".into()),
        location: Some(location()),
        title: header.name,
        family: config.model_family.or(header.family),
        parameters: config.model_type.or(header.parameters),
        quantisation: config.file_type.or(header.quantisation),
        licence: licence.or(header.licence),
        size_bytes: Some(sizes.fold(0, u64::saturating_add)),
        ..ItemDetails::default()
    };
    let found = Found { value: format!("{name}:{tag}"), details, owner: Some(owner), ..Found::default() };
    take_model(SoftwareKind::Model, &[name], found, source);
}

fn head(mut reader: impl Read) -> Option<Header> {
    let mut head = Vec::new();
    reader.read_to_end(&mut head).ok()?;
    gguf::parse(&head)
}

/// A licence's text begins with its name.
fn first_line(mut reader: impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().take(100).collect())
}

#[derive(Debug, Deserialize)]
pub(in crate::scan) struct Manifest {
    config: Option<Layer>,
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Debug, Deserialize)]
struct Layer {
    #[serde(rename = "mediaType")]
    media_type: String,
    digest: String,
    #[serde(default)]
    size: u64,
}

impl Layer {
    /// `sha256:<hex>` is the file `sha256-<hex>`. Anything else could lead elsewhere.
    fn file_name(&self) -> Option<String> {
        let hex = self.digest.strip_prefix("sha256:")?;
        let plain = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| format!("sha256-{hex}"))
    }
}

#[derive(Debug, Default, Deserialize)]
struct Config {
    model_family: Option<String>,
    model_type: Option<String>,
    file_type: Option<String>,
}

pub(in crate::scan) fn manifest(bytes: &[u8]) -> Result<Manifest, Trouble> {
    serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",
        "config":{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"sha256:4f659a1e86d7f5a33c389f7991e7224b7ee6ad0358b53437d54c02d2e1b1118d","size":485},
        "layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:74701a8c35f6c8d9a4b91f3f3497643001d63e0c7a84e085bed452548fa88d45","size":1321082688}]}"#;

    #[test]
    fn a_manifest_gives_layers_and_sizes() {
        let manifest = manifest(MANIFEST.as_bytes()).unwrap();
        assert_eq!(manifest.layers[0].size, 1_321_082_688);
        assert!(manifest.config.unwrap().file_name().unwrap().starts_with("sha256-4f65"));
    }

    #[test]
    fn a_digest_that_leads_elsewhere_names_no_file() {
        let layer = |digest: &str| Layer { media_type: String::new(), digest: digest.into(), size: 0 };
        assert_eq!(layer("sha256:../../../etc/shadow").file_name(), None);
        assert_eq!(layer("/etc/shadow").file_name(), None);
    }

    #[test]
    fn models_are_named_as_ollama_names_them() {
        assert_eq!(model_name("registry.ollama.ai", "library", "llama3.2"), "llama3.2");
        assert_eq!(model_name("registry.ollama.ai", "kim", "mine"), "kim/mine");
        assert_eq!(model_name("hf.co", "bartowski", "X-GGUF"), "hf.co/bartowski/X-GGUF");
    }
}
