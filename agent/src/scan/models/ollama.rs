//! Ollama's store: `manifests/<host>/<namespace>/<model>/<tag>` in the layout of OCI images, `blobs/sha256-<hex>`.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use umbrascope_api::ItemDetails;
use umbrascope_rules::SoftwareKind;

use super::{gguf, hex_of, take_model};
use crate::scan::environment;
use crate::scan::safe::{Dir, Trouble};
use crate::scan::source::{Found, Source};

/// Stores of the system: the service's own home in the packages and scripts that make one.
const SYSTEM_STORES: &[&str] = &[
    "usr/share/ollama/.ollama/models",
    "var/lib/ollama/.ollama/models",
    "var/lib/ollama/models",
    "var/lib/private/ollama/models",
];
/// Stores of a home, and the program whose they are: some bring an Ollama of their own.
const HOME_STORES: &[(&str, &str)] = &[
    (".ollama/models", OLLAMA),
    ("snap/ollama/common/models", OLLAMA),
    (".config/Msty/models", "Msty"),
    (".config/MstyStudio/models", "Msty"),
    ("Library/Application Support/Msty/models", "Msty"),
    ("AppData/Roaming/Msty/models", "Msty"),
    (".config/anythingllm-desktop/storage/models/ollama", "AnythingLLM"),
    ("Library/Application Support/anythingllm-desktop/storage/models/ollama", "AnythingLLM"),
    ("AppData/Roaming/anythingllm-desktop/storage/models/ollama", "AnythingLLM"),
];
const OLLAMA: &str = "Ollama";
/// The unit of the service, and the variable that moves the store.
const UNIT: &str = "ollama";
const VARIABLE: &str = "OLLAMA_MODELS";

/// Most models of one store.
const MODELS: usize = 2_000;
/// Largest manifest or configuration read, in bytes: both are a few hundred.
const MANIFEST_BYTES: u64 = 256 * 1024;

pub(in crate::scan) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for path in SYSTEM_STORES {
        read_store(root.dir(path), &root.shown_child(path), OLLAMA, source);
    }
    for path in environment::of_system(root, UNIT, VARIABLE) {
        let usual = SYSTEM_STORES.iter().any(|store| Path::new("/").join(store) == path);
        if !usual {
            read_store(environment::open(root, None, &path), &path.to_string_lossy(), OLLAMA, source);
        }
    }
}

pub(in crate::scan) fn read_home(home: &Dir, root: &Dir, source: &mut Source<'_>) {
    for (path, client) in HOME_STORES {
        read_store(home.dir(path), &home.shown_child(path), client, source);
    }
    for path in environment::of_home(home, UNIT, VARIABLE) {
        let usual = HOME_STORES.iter().any(|(store, _)| home.absolute().join(store) == path);
        if !usual {
            read_store(environment::open(root, Some(home), &path), &path.to_string_lossy(), OLLAMA, source);
        }
    }
}

fn read_store(store: Result<Dir, Trouble>, shown: &str, client: &str, source: &mut Source<'_>) {
    let Some(dir) = source.note(store, || shown.to_owned()) else { return };
    let Some(manifests) = source.note(dir.dir("manifests"), || dir.shown_child("manifests")) else { return };
    let store = Store { dir, client };
    read_level(&store, &manifests, &mut Vec::new(), &mut 0, source);
}

struct Store<'c> {
    dir: Dir,
    client: &'c str,
}

/// Goes down host, namespace and model to the tags.
fn read_level(
    store: &Store<'_>,
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
                return source.trouble(Trouble::TooLarge, store.dir.shown());
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

fn read_model(store: &Store<'_>, folder: &Dir, name: &str, tag: &str, source: &mut Source<'_>) {
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
        .and_then(|path| store.dir.read(path, MANIFEST_BYTES).ok())
        .and_then(|bytes| serde_json::from_slice::<Config>(&bytes).ok())
        .unwrap_or_default();
    let layer = |kind: &str| {
        let mut layers = manifest.layers.iter();
        layers.find(|layer| layer.media_type.strip_prefix("application/vnd.ollama.image.") == Some(kind))
    };
    let header = layer("model")
        .and_then(&blob)
        .and_then(|path| store.dir.head(path).ok())
        .and_then(|file| gguf::parse(file.into_file(), config.file_type.is_some()))
        .unwrap_or_default();
    let licence = layer("license")
        .and_then(&blob)
        .and_then(|path| store.dir.head(path).ok())
        .and_then(|file| first_line(file.reader(512)));
    // A model of the cloud has a manifest and a configuration here, and its weights elsewhere.
    let remote = config.remote_host.as_deref().and_then(host_of);
    let sizes = manifest.layers.iter().chain(&manifest.config).map(|layer| layer.size);
    let details = ItemDetails {
        client: Some(store.client.to_owned()),
        local: config.remote_host.is_some().then_some(false),
        host: remote,
        model: config.remote_model,
        publisher: header.publisher,
        role: header.role.map(|role| role.as_str().to_owned()),
        location: Some(location()),
        title: header.name,
        family: config.model_family.or(header.family),
        parameters: config.model_type.or(header.parameters),
        quantisation: config.file_type.or(header.quantisation),
        licence: licence.or(header.licence),
        sha256: layer("model").and_then(|layer| hex_of(&layer.digest)).map(str::to_owned),
        size_bytes: Some(sizes.fold(0, u64::saturating_add)),
        ..ItemDetails::default()
    };
    let found = Found { value: format!("{name}:{tag}"), details, owner: Some(owner), ..Found::default() };
    take_model(SoftwareKind::Model, &[name], found, source);
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
    /// `sha256:<hex>` is the file `sha256-<hex>`.
    fn file_name(&self) -> Option<String> {
        hex_of(&self.digest).map(|hex| format!("sha256-{hex}"))
    }
}

#[derive(Debug, Default, Deserialize)]
struct Config {
    model_family: Option<String>,
    model_type: Option<String>,
    file_type: Option<String>,
    remote_host: Option<String>,
    remote_model: Option<String>,
}

/// The host of an address, without what may stand before and behind it.
fn host_of(address: &str) -> Option<String> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
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
    fn a_host_is_told_without_what_stands_around_it() {
        assert_eq!(host_of("https://ollama.com:443").as_deref(), Some("ollama.com:443"));
        assert_eq!(host_of("https://kim:secret@Ollama.com/x?y").as_deref(), Some("ollama.com"));
        assert_eq!(host_of(""), None);
    }

    #[test]
    fn models_are_named_as_ollama_names_them() {
        assert_eq!(model_name("registry.ollama.ai", "library", "llama3.2"), "llama3.2");
        assert_eq!(model_name("registry.ollama.ai", "kim", "mine"), "kim/mine");
        assert_eq!(model_name("hf.co", "bartowski", "X-GGUF"), "hf.co/bartowski/X-GGUF");
    }
}
