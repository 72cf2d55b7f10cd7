//! The indexes that the stores keep of their images: `images.json` of containers/storage (Podman, Buildah, CRI-O), and
//! `repositories.json` of Docker's own store.
//!
//! Where Docker keeps its images in containerd's store, they have no such file: the socket is the only way to them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Image, take};
use crate::scan::safe::{Dir, Trouble};
use crate::scan::source::Source;

/// Roots of containers/storage and of Docker's data, of the system and below a home (rootless).
pub(super) const SYSTEM_PODMAN: &str = "var/lib/containers/storage";
pub(super) const SYSTEM_DOCKER: &str = "var/lib/docker/image";
pub(super) const HOME_PODMAN: &str = ".local/share/containers/storage";
pub(super) const HOME_DOCKER: &str = ".local/share/docker/image";
/// The file of an index by the driver of the store.
const DRIVERS: &[&str] = &["overlay-images", "vfs-images", "btrfs-images", "zfs-images"];
/// Largest index read, in bytes; an image takes one or two thousand.
const INDEX_BYTES: u64 = 8 * 1024 * 1024;

pub(super) fn read(base: &Dir, podman_root: &str, docker_root: &str, source: &mut Source<'_>) {
    for driver in DRIVERS {
        read_index(base, &format!("{podman_root}/{driver}/images.json"), podman, source);
    }
    let Some(folder) = source.note(base.dir(docker_root), || base.shown_child(docker_root)) else { return };
    let Some((drivers, _)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    for driver in drivers.iter().filter(|entry| entry.may_be_dir()) {
        let Some(name) = driver.text() else { continue };
        read_index(&folder, &format!("{name}/repositories.json"), docker, source);
    }
}

fn read_index(base: &Dir, path: &str, parse: fn(&[u8]) -> Option<Vec<Image>>, source: &mut Source<'_>) {
    let location = || base.shown_child(path);
    let Some(file) = source.note(base.file(path, INDEX_BYTES), location) else { return };
    let owner = file.uid;
    let images = file.bytes().and_then(|bytes| parse(&bytes).ok_or(Trouble::Malformed));
    if let Some(images) = source.note(images, location) {
        take(images, Some(owner), location(), source);
    }
}

/// Reads containers/storage's index.
pub(super) fn podman(bytes: &[u8]) -> Option<Vec<Image>> {
    #[derive(Deserialize)]
    struct Entry {
        // Null for a layer of a build that has no name.
        names: Option<Vec<String>>,
    }
    let entries: Vec<Entry> = serde_json::from_slice(bytes).ok()?;
    let names = entries.into_iter().filter_map(|entry| entry.names).flatten();
    Some(names.map(|name| Image { name, size: None, container: None }).collect())
}

/// Reads Docker's index: repository to its references, each to the id of an image.
pub(super) fn docker(bytes: &[u8]) -> Option<Vec<Image>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Index {
        repositories: BTreeMap<String, BTreeMap<String, String>>,
    }
    let index: Index = serde_json::from_slice(bytes).ok()?;
    let names = index.repositories.into_iter().flat_map(|(repository, references)| {
        let tagged: Vec<String> = references.into_keys().filter(|name| !name.contains('@')).collect();
        // Pulled by its digest alone.
        if tagged.is_empty() { vec![repository] } else { tagged }
    });
    Some(names.map(|name| Image { name, size: None, container: None }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(images: Option<Vec<Image>>) -> Vec<String> {
        images.unwrap().into_iter().map(|image| image.name).collect()
    }

    /// As Buildah 1.28 writes it, ids shortened.
    const PODMAN: &[u8] = br#"[{"id":"2d1","digest":"sha256:45a","names":["docker.io/ollama/ollama:latest"],"names-history":["docker.io/ollama/ollama:latest"],"layer":"5bc","metadata":"{}","big-data-names":["manifest"],"created":"2026-11-26T20:00:00Z"},{"id":"3e1","names":null,"layer":"6"}]"#;
    /// As Docker 20 to 28 write it with the overlay2 driver.
    const DOCKER: &[u8] = br#"{"Repositories":{"ollama/ollama":{"ollama/ollama:latest":"sha256:2d1","ollama/ollama@sha256:45a":"sha256:2d1"},"redis":{"redis@sha256:1":"sha256:9"}}}"#;

    #[test]
    fn both_indexes_name_their_images() {
        assert_eq!(names(podman(PODMAN)), ["docker.io/ollama/ollama:latest"]);
        assert_eq!(names(docker(DOCKER)), ["ollama/ollama:latest", "redis"]);
        for end in 0..PODMAN.len() {
            assert!(podman(&PODMAN[..end]).is_none());
        }
        for end in 0..DOCKER.len() {
            assert!(docker(&DOCKER[..end]).is_none());
        }
    }
}
