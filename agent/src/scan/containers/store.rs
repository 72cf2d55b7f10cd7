//! The indexes that the stores keep of their images: `images.json` of containers/storage (Podman, Buildah, CRI-O),
//! `repositories.json` of Docker's own store, and the database of containerd, where Docker keeps its images since version 29 and
//! Kubernetes its own.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use serde::Deserialize;

use super::bolt::{self, Bucket};
use super::{Image, take};
use crate::scan::safe::{Dir, Trouble};
use crate::scan::source::Source;

/// Roots of containers/storage and of Docker's data, of the system and below a home (rootless).
pub(super) const SYSTEM_PODMAN: &str = "var/lib/containers/storage";
pub(super) const SYSTEM_DOCKER: &str = "var/lib/docker/image";
pub(super) const HOME_PODMAN: &str = ".local/share/containers/storage";
pub(super) const HOME_DOCKER: &str = ".local/share/docker/image";
/// Roots of containerd: its own, Docker's, and those of Kubernetes' small distributions.
pub(super) const SYSTEM_CONTAINERD: &[&str] = &[
    "var/lib/containerd",
    "var/lib/docker/containerd/daemon",
    "var/snap/docker/common/var-lib-docker/containerd/daemon",
    "var/lib/rancher/k3s/agent/containerd",
    "var/lib/rancher/rke2/agent/containerd",
    "var/snap/microk8s/common/var/lib/containerd",
];
pub(super) const HOME_CONTAINERD: &[&str] =
    &[".local/share/containerd", ".local/share/docker/containerd/daemon"];
/// The database below such a root.
const DATABASE: &str = "io.containerd.metadata.v1.bolt/meta.db";
/// The file of an index by the driver of the store.
const DRIVERS: &[&str] = &["overlay-images", "vfs-images", "btrfs-images", "zfs-images"];
/// Largest index read, in bytes; an image takes one or two thousand.
const INDEX_BYTES: u64 = 8 * 1024 * 1024;

pub(super) fn read_containerd(base: &Dir, roots: &[&str], source: &mut Source<'_>) {
    for root in roots {
        let path = format!("{root}/{DATABASE}");
        let location = || base.shown_child(&path);
        let Some(file) = source.note(base.head(&path), location) else { continue };
        let owner = file.uid;
        let images = containerd(file.into_file());
        if let Some(images) = source.note(images, location) {
            take(images, Some(owner), location(), source);
        }
    }
}

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

/// Reads containerd's database: the buckets in `images` of each namespace in `v1` are called as the images are.
pub(super) fn containerd(reader: impl Read + Seek) -> Result<Vec<Image>, Trouble> {
    let (mut store, root) = bolt::Store::open(reader)?;
    let mut images = Vec::new();
    let named = |buckets: Vec<(Vec<u8>, Bucket)>, wanted: &[u8]| {
        buckets.into_iter().find_map(|(name, bucket)| (name == wanted).then_some(bucket))
    };
    let Some(version) = named(store.buckets(&root)?, b"v1") else { return Ok(images) };
    for (_, namespace) in store.buckets(&version)? {
        let Some(bucket) = named(store.buckets(&namespace)?, b"images") else { continue };
        for (name, _) in store.buckets(&bucket)? {
            // Kubernetes gives each image its digest for another name.
            let name = String::from_utf8(name).ok().filter(|name| !name.starts_with("sha256:"));
            images.extend(name.map(|name| Image { name, size: None, container: None }));
        }
    }
    Ok(images)
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

    /// Written by containerd 1.6 when it took in three images for Docker.
    const CONTAINERD: &[u8] = include_bytes!("testdata/meta.db.gz");
    /// The same, with 150 more in another namespace.
    const MANY: &[u8] = include_bytes!("testdata/many.db.gz");

    fn unpacked(packed: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn images(bytes: &[u8]) -> Result<Vec<String>, Trouble> {
        let images = containerd(std::io::Cursor::new(bytes))?;
        Ok(images.into_iter().map(|image| image.name).collect())
    }

    #[test]
    fn the_database_names_the_images_of_every_namespace() {
        let own = [
            "docker.io/library/redis:7",
            "docker.io/ollama/ollama:latest",
            "ghcr.io/open-webui/open-webui:main",
        ];
        assert_eq!(images(&unpacked(CONTAINERD)).unwrap(), own);
        let many = images(&unpacked(MANY)).unwrap();
        let neighbours = many.iter().filter(|name| name.contains("neighbour-of-a-long-name-")).count();
        assert_eq!((many.len(), neighbours), (153, 150));
    }

    #[test]
    fn a_database_cut_or_changed_is_malformed_or_bounded() {
        let whole = unpacked(CONTAINERD);
        for end in (0..whole.len()).step_by(61) {
            let _ = images(&whole[..end]).map(|names| assert_eq!(names.len(), 3));
        }
        assert_eq!(images(&whole[..8192]), Err(Trouble::Malformed));
        for at in (0..20).flat_map(|page| page * 4096..page * 4096 + 96) {
            let mut broken = whole.clone();
            broken[at] ^= 0xFF;
            let _ = images(&broken);
        }
        assert_eq!(images(&[0; 8192]), Err(Trouble::Malformed));
    }

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
