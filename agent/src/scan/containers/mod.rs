//! Container images and containers of Docker, Podman and containerd.
//!
//! By default from their stores' own indexes, as files: no daemon is asked. Over a socket of theirs only where the
//! configuration names one, since who may use it is as good as root.

#[cfg(target_os = "linux")]
mod api;
mod bolt;
mod store;

#[cfg(target_os = "linux")]
use std::path::Path;

use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

/// Most images, or containers, of one store or socket.
const IMAGES: usize = 5_000;

pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    store::read(root, store::SYSTEM_PODMAN, store::SYSTEM_DOCKER, source);
    store::read_containerd(root, store::SYSTEM_CONTAINERD, source);
}

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    store::read(home, store::HOME_PODMAN, store::HOME_DOCKER, source);
    store::read_containerd(home, store::HOME_CONTAINERD, source);
}

/// Asks the daemon behind a socket.
#[cfg(target_os = "linux")]
pub(super) fn ask(socket: &Path, source: &mut Source<'_>) {
    let shown = || socket.display().to_string();
    for (path, parse) in api::QUESTIONS {
        let images = api::get(socket, path).and_then(|body| parse(&body).ok_or(Trouble::Malformed));
        if let Some(images) = source.note(images, shown) {
            take(images, None, socket.to_string_lossy().into_owned(), source);
        }
    }
}

/// An image as a store or a daemon names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Image {
    /// `registry/name:tag`, or `registry/name@sha256:…`.
    name: String,
    size: Option<u64>,
    /// Name of the container that runs it.
    container: Option<String>,
}

fn take(images: Vec<Image>, owner: Option<super::OwnerId>, location: String, source: &mut Source<'_>) {
    if images.len() > IMAGES {
        source.trouble(Trouble::TooLarge, location.as_str());
    }
    for image in images.into_iter().take(IMAGES) {
        let (repository, tag) = split(&image.name);
        let mut found = Found::new(repository).version(tag);
        found.owner = owner;
        found.details.location = Some(location.clone());
        found.details.size_bytes = image.size;
        found.details.client = image.container.as_ref().map(|_| "running container".to_owned());
        found.details.title = image.container;
        source.offer(SoftwareKind::ContainerImage, found);
    }
}

/// The repository as people write it, and the tag. What Docker's own registry leaves out is left out.
fn split(name: &str) -> (&str, Option<&str>) {
    let name = name.split('@').next().unwrap_or(name);
    let (repository, tag) = match name.rsplit_once(':') {
        // A port is followed by a path.
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (name, None),
    };
    let short = repository.strip_prefix("docker.io/").unwrap_or(repository);
    (short.strip_prefix("library/").unwrap_or(short), tag)
}

/// Every parser of this folder, for whoever feeds them.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn parse_all(bytes: &[u8]) -> Vec<Image> {
    let answers = api::QUESTIONS.iter().filter_map(|(_, parse)| parse(bytes));
    let stores = [store::podman(bytes), store::docker(bytes)].into_iter().flatten();
    answers.chain(stores).flatten().collect()
}

/// Reads bytes as containerd's database.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn parse_containerd(bytes: &[u8]) {
    drop(store::containerd(std::io::Cursor::new(bytes)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_at_its_tag_and_not_at_a_port() {
        for (name, expected) in [
            ("docker.io/ollama/ollama:latest", ("ollama/ollama", Some("latest"))),
            ("ghcr.io/open-webui/open-webui:main", ("ghcr.io/open-webui/open-webui", Some("main"))),
            ("localhost:5000/vllm/vllm-openai", ("localhost:5000/vllm/vllm-openai", None)),
            ("docker.io/library/debian:12", ("debian", Some("12"))),
            ("ollama/ollama@sha256:0123", ("ollama/ollama", None)),
        ] {
            assert_eq!(split(name), expected, "{name}");
        }
    }
}
