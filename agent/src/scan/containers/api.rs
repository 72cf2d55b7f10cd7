//! Two questions to the daemon behind a socket, Docker's or Podman's in Docker's words: which images there are and which
//! containers run. GET only; the answers are bounded in size and time.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use serde::Deserialize;

use super::Image;
use crate::scan::http::{self, Bounds};
use crate::scan::safe::Trouble;

/// How long an answer may take. Daemons with thousands of images take a second or two.
const PATIENCE: Duration = Duration::from_secs(5);
/// Largest answer read, in bytes; an image takes one or two thousand.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;

type Parse = fn(&[u8]) -> Option<Vec<Image>>;

/// What is asked, and how the answer is read (Docker Engine API: ImageList and ContainerList).
pub(super) const QUESTIONS: &[(&str, Parse)] = &[("/images/json", images), ("/containers/json", containers)];

/// Asks once.
pub(super) fn get(socket: &Path, path: &str) -> Result<Vec<u8>, Trouble> {
    let bounds = Bounds { bytes: ANSWER_BYTES, until: Instant::now() + PATIENCE };
    let stream = connect(socket)?;
    let (body, whole) = http::get(stream, "localhost", path, bounds).ok_or(Trouble::Refused)?;
    match (whole, body.len() < ANSWER_BYTES / 2) {
        (true, _) => Ok(body),
        (false, true) => Err(Trouble::TimedOut),
        (false, false) => Err(Trouble::TooLarge),
    }
}

/// Connects without waiting: a daemon that takes no connection must not hold the scan.
fn connect(path: &Path) -> Result<UnixStream, Trouble> {
    let refused = |_| Trouble::Refused;
    let address = SocketAddrUnix::new(path).map_err(refused)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None);
    let socket = socket.map_err(refused)?;
    rustix::net::connect(&socket, &address).map_err(|error| match error {
        rustix::io::Errno::NOENT => Trouble::Absent,
        _ => Trouble::Refused,
    })?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false).map_err(|_| Trouble::Refused)?;
    Ok(stream)
}

fn images(bytes: &[u8]) -> Option<Vec<Image>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Entry {
        repo_tags: Option<Vec<String>>,
        repo_digests: Option<Vec<String>>,
        size: Option<u64>,
    }
    let entries: Vec<Entry> = serde_json::from_slice(bytes).ok()?;
    let images = entries.into_iter().flat_map(|entry| {
        let real = |names: Option<Vec<String>>| {
            let names = names.unwrap_or_default().into_iter();
            names.filter(|name| !name.starts_with("<none>")).collect::<Vec<_>>()
        };
        let tags = real(entry.repo_tags);
        let names = if tags.is_empty() { real(entry.repo_digests) } else { tags };
        names.into_iter().map(move |name| Image { name, size: entry.size, container: None })
    });
    Some(images.collect())
}

fn containers(bytes: &[u8]) -> Option<Vec<Image>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Entry {
        image: String,
        names: Option<Vec<String>>,
    }
    let entries: Vec<Entry> = serde_json::from_slice(bytes).ok()?;
    let running = entries.into_iter().map(|entry| {
        let name = entry.names.unwrap_or_default().into_iter().next().unwrap_or_default();
        Image { name: entry.image, size: None, container: Some(name.trim_start_matches('/').to_owned()) }
    });
    Some(running.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGES: &[u8] = br#"[{"Containers":-1,"Id":"sha256:2d1","RepoTags":["ollama/ollama:latest"],"RepoDigests":["ollama/ollama@sha256:45a"],"Size":3000000000},{"Id":"sha256:3","RepoTags":["<none>:<none>"],"RepoDigests":null,"Size":1}]"#;
    const CONTAINERS: &[u8] =
        br#"[{"Id":"8df","Names":["/chat"],"Image":"ghcr.io/open-webui/open-webui:main","State":"running"}]"#;

    #[test]
    fn images_and_containers_are_read() {
        let image = |name: &str, size, container: Option<&str>| {
            vec![Image { name: name.into(), size, container: container.map(Into::into) }]
        };
        assert_eq!(images(IMAGES).unwrap(), image("ollama/ollama:latest", Some(3_000_000_000), None));
        let running = image("ghcr.io/open-webui/open-webui:main", None, Some("chat"));
        assert_eq!(containers(CONTAINERS).unwrap(), running);
        for end in 0..IMAGES.len() {
            assert!(images(&IMAGES[..end]).is_none());
        }
        for end in 0..CONTAINERS.len() {
            assert!(containers(&CONTAINERS[..end]).is_none());
        }
    }

    #[test]
    fn a_socket_that_is_not_there_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(get(&folder.path().join("none.sock"), "/images/json"), Err(Trouble::Absent));
    }
}
