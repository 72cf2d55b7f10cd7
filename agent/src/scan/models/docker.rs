//! Docker Model Runner's store: `models.json` names the models with their tags and files, `manifests/sha256/<hex>` and
//! `blobs/sha256/<hex>` hold them (pkg/distribution/internal/store of docker/model-runner).

use std::path::{Path, PathBuf};

use serde::Deserialize;
use umbrascope_api::ItemDetails;
use umbrascope_rules::SoftwareKind;

use super::{gguf, hex_of, take_model};
use crate::scan::safe::{Dir, Trouble};
use crate::scan::source::{Found, Source};

/// Stores of a home, and of the system where the runner is a container's.
const HOME_STORES: &[&str] = &[".docker/models"];
const SYSTEM_STORES: &[&str] = &["var/lib/docker/volumes/docker-model-runner-models/_data"];
/// Most models of one store.
const MODELS: usize = 2_000;
/// Largest index, manifest or configuration read, in bytes.
const INDEX_BYTES: u64 = 4 * 1024 * 1024;
const CONFIG_BYTES: u64 = 256 * 1024;

pub(in crate::scan) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for path in SYSTEM_STORES {
        read_store(root, path, source);
    }
}

pub(in crate::scan) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for path in HOME_STORES {
        read_store(home, path, source);
    }
}

fn read_store(base: &Dir, path: &str, source: &mut Source<'_>) {
    let Some(store) = source.note(base.dir(path), || base.shown_child(path)) else { return };
    let location = || store.shown_child("models.json");
    let Some(file) = source.note(store.file("models.json", INDEX_BYTES), location) else { return };
    let owner = file.uid;
    let parsed = file.bytes().and_then(|bytes| parse(&bytes).ok_or(Trouble::Malformed));
    let Some(index) = source.note(parsed, location) else { return };
    for (at, model) in index.models.into_iter().enumerate() {
        if at == MODELS {
            return source.trouble(Trouble::TooLarge, location());
        }
        let digest = hex_of(&model.id);
        let manifest: Option<Manifest> = digest.and_then(|hex| json(&store, "manifests", hex));
        let config = manifest.as_ref().and_then(|manifest| manifest.config.as_ref());
        let config: Config =
            config.and_then(|blob| json(&store, "blobs", hex_of(&blob.digest)?)).unwrap_or_default();
        let layers = manifest.map(|manifest| manifest.layers).unwrap_or_default();
        let weights = layers.iter().find(|layer| layer.media_type.contains("gguf"));
        let header = weights
            .and_then(|layer| store.head(blob("blobs", hex_of(&layer.digest)?)).ok())
            .and_then(|file| gguf::parse(file.into_file(), config.config.quantization.is_some()))
            .unwrap_or_default();
        let size = layers.iter().fold(0, |sum: u64, layer| sum.saturating_add(layer.size));
        // Without a tag it stands under its digest only.
        let Some(value) = model.tags.first().or(Some(&model.id)).map(|tag| plain(tag).to_owned()) else {
            continue;
        };
        let details = ItemDetails {
            client: Some("Docker Model Runner".into()),
            location: Some(store.shown().into()),
            title: header.name,
            family: config.config.architecture.or(header.family),
            parameters: config.config.parameters.or(header.parameters),
            quantisation: config.config.quantization.or(header.quantisation),
            licence: header.licence,
            sha256: weights.and_then(|layer| hex_of(&layer.digest)).map(str::to_owned),
            publisher: header.publisher,
            size_bytes: Some(size).filter(|size| *size > 0),
            ..ItemDetails::default()
        };
        let repository = value.rsplit_once(':').map_or(value.as_str(), |(name, _)| name).to_owned();
        let last = repository.rsplit('/').next().unwrap_or_default().to_owned();
        let found = Found { value, details, owner: Some(owner), ..Found::default() };
        take_model(SoftwareKind::Model, &[&repository, &last], found, source);
    }
}

/// `docker.io/ai/smollm2:latest` is shown as `ai/smollm2:latest`, as the command line does.
fn plain(tag: &str) -> &str {
    tag.strip_prefix("index.docker.io/").or(tag.strip_prefix("docker.io/")).unwrap_or(tag)
}

fn blob(folder: &str, hex: &str) -> PathBuf {
    Path::new(folder).join("sha256").join(hex)
}

fn json<T: for<'de> Deserialize<'de>>(store: &Dir, folder: &str, hex: &str) -> Option<T> {
    serde_json::from_slice(&store.read(blob(folder, hex), CONFIG_BYTES).ok()?).ok()
}

/// Reads the index. `None`: it is none.
pub(super) fn parse(bytes: &[u8]) -> Option<Index> {
    serde_json::from_slice(bytes).ok()
}

#[derive(Debug, Deserialize)]
pub(super) struct Index {
    #[serde(default)]
    models: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Manifest {
    config: Option<Layer>,
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Debug, Deserialize)]
struct Layer {
    #[serde(rename = "mediaType", default)]
    media_type: String,
    digest: String,
    #[serde(default)]
    size: u64,
}

#[derive(Debug, Default, Deserialize)]
struct Config {
    #[serde(default)]
    config: ModelConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ModelConfig {
    quantization: Option<String>,
    parameters: Option<String>,
    architecture: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_names_models_by_tag() {
        let index =
            br#"{"models":[{"id":"sha256:0f","tags":["docker.io/ai/smollm2:latest"],"files":["sha256:1a"]},
            {"id":"sha256:10","tags":[],"files":[]}]}"#;
        let parsed = parse(index).unwrap();
        assert_eq!(plain(&parsed.models[0].tags[0]), "ai/smollm2:latest");
        assert_eq!(parsed.models.len(), 2);
        for end in 0..index.len() {
            assert!(parse(&index[..end]).is_none());
        }
    }

    #[test]
    fn a_digest_that_leads_elsewhere_names_no_file() {
        assert_eq!(hex_of("sha256:../../../etc/shadow"), None);
        assert_eq!(hex_of(&format!("sha256:{}", "a".repeat(64))).map(|hex| hex.len()), Some(64));
    }
}
