//! One question over a local stream, and its answer within bounds of time and size: HTTP/1.0, GET, nothing followed.

use std::io::{self, Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Most header lines of an answer.
const HEADERS: usize = 64;

/// What an answer may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// How much of an answer is read, in bytes, its head included.
    pub(super) bytes: usize,
    /// When the last byte must have come.
    pub(super) until: Instant,
}

impl Bounds {
    /// The time that is left, if any.
    pub(super) fn left(self) -> Option<Duration> {
        Some(self.until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }
}

/// A stream whose reads and writes can be given an end.
pub(super) trait Timed: Read + Write {
    fn read_within(&self, time: Option<Duration>) -> io::Result<()>;
    fn write_within(&self, time: Option<Duration>) -> io::Result<()>;
}

impl Timed for TcpStream {
    fn read_within(&self, time: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(time)
    }

    fn write_within(&self, time: Option<Duration>) -> io::Result<()> {
        self.set_write_timeout(time)
    }
}

#[cfg(unix)]
impl Timed for UnixStream {
    fn read_within(&self, time: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(time)
    }

    fn write_within(&self, time: Option<Duration>) -> io::Result<()> {
        self.set_write_timeout(time)
    }
}

/// Asks for `path` and gives the body, as far as it came within the bounds, and whether that is all of it. `None`: no
/// answer, or one that says no.
pub(super) fn get(mut stream: impl Timed, host: &str, path: &str, bounds: Bounds) -> Option<(Vec<u8>, bool)> {
    stream.write_within(Some(bounds.left()?)).ok()?;
    // HTTP/1.0: the end of the connection is the end of the answer, and no part of it comes in chunks.
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: umbrascope-agent\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    let mut ended = false;
    while answer.len() < bounds.bytes {
        // The whole answer has one deadline: a server that sends a byte now and then gains no time by it.
        let Some(left) = bounds.left() else { break };
        stream.read_within(Some(left)).ok()?;
        match stream.read(&mut piece) {
            Ok(0) => {
                ended = true;
                break;
            }
            Ok(read) => answer.extend_from_slice(&piece[..read.min(bounds.bytes - answer.len())]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
        // Some keep the connection open all the same.
        if is_whole(&answer) {
            ended = true;
            break;
        }
    }
    Some((body(&answer)?.to_vec(), ended))
}

/// The body of an answer that says yes, as far as it came.
pub(super) fn body(answer: &[u8]) -> Option<&[u8]> {
    let (status, start, _) = head(answer)?;
    // Anything else, a redirect among them, is no answer.
    (status == 200).then(|| &answer[start..])
}

fn is_whole(answer: &[u8]) -> bool {
    matches!(head(answer), Some((_, start, Some(length))) if answer.len() - start >= length)
}

/// Status, where the body begins, and how long it says it is.
fn head(answer: &[u8]) -> Option<(u16, usize, Option<usize>)> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = response.parse(answer).ok()? else { return None };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok());
    Some((response.code?, start, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_of_an_answer_is_read() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nokay";
        for end in 0..answer.len() {
            assert_eq!(body(&answer[..end]).is_some(), end >= answer.len() - 4, "{end}");
            assert!(!is_whole(&answer[..end]));
        }
        assert!(is_whole(answer));
    }
}
