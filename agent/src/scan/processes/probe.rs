//! One question to a server of this machine: is it what its process is?
//!
//! Only a loopback port that listens already and that a matched process owns is asked, with one GET: no second try, no
//! redirect followed, no name resolved, nothing sent but the path that the catalogue names. What the server may cost is
//! bounded in time and bytes, whatever it answers.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use crate::scan::http::{self, Bounds};

/// How long one question may take, from the connection to the last byte.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);
/// How much of an answer is read, in bytes, its head included.
const ANSWER_BYTES: usize = 64 * 1024;
/// Most models that an answer may name, and the longest name, in bytes.
const MODELS: usize = 64;
const NAME_BYTES: usize = 200;

/// Asks for `path`. `None`: no answer in time, or one that says no.
pub(super) fn ask(address: SocketAddr, path: &str) -> Option<Vec<u8>> {
    if !address.ip().is_loopback() {
        return None;
    }
    let bounds = Bounds { bytes: ANSWER_BYTES, until: Instant::now() + PATIENCE };
    let stream = TcpStream::connect_timeout(&address, bounds.left()?).ok()?;
    http::get(stream, &address.to_string(), path, bounds).map(|(body, _)| body)
}

/// Whether an answer holds a text.
pub(super) fn holds(body: &[u8], text: &str) -> bool {
    !text.is_empty() && body.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The models that an answer names: Ollama's `models[].name`, OpenAI's `data[].id`.
pub(in crate::scan) fn models(body: &[u8]) -> Vec<String> {
    let Ok(list) = serde_json::from_slice::<List>(body) else { return Vec::new() };
    let named = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    let ollama = list.models.iter().filter_map(|entry| named(entry, "name"));
    let open_ai = list.data.iter().filter_map(|entry| named(entry, "id"));
    let fits = |name: &String| !name.is_empty() && name.len() <= NAME_BYTES;
    ollama.chain(open_ai).filter(fits).take(MODELS).collect()
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    models: Vec<Value>,
    #[serde(default)]
    data: Vec<Value>,
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A server that reads the question and then does as it is told; gives its address, and the question.
    fn server(
        serve: impl FnOnce(&mut TcpStream) + Send + 'static,
    ) -> (SocketAddr, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let handle = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut question = [0; 1024];
            let read = stream.read(&mut question).unwrap();
            serve(&mut stream);
            String::from_utf8_lossy(&question[..read]).into_owned()
        });
        (address, handle)
    }

    fn timed(address: SocketAddr, path: &str) -> (Option<Vec<u8>>, Duration) {
        let start = Instant::now();
        (ask(address, path), start.elapsed())
    }

    #[test]
    fn a_server_is_asked_once_and_its_answer_is_read() {
        let (address, question) = server(|stream| {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nOllama is running")
                .unwrap();
        });
        assert!(holds(&ask(address, "/").unwrap(), "Ollama is running"));
        let question = question.join().unwrap();
        assert!(question.starts_with("GET / HTTP/1.0\r\nHost: 127.0.0.1:"), "{question}");
    }

    #[test]
    fn a_connection_that_stays_open_does_not_hold_us() {
        let (address, _) = server(|stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
            thread::sleep(Duration::from_secs(3));
        });
        let (answer, took) = timed(address, "/");
        assert!(answer.as_deref() == Some(b"ok") && took < Duration::from_millis(450), "{took:?}");
    }

    #[test]
    fn a_redirect_and_a_no_are_no_answers() {
        for status in ["302 Found\r\nLocation: http://127.0.0.1:1/", "404 Not Found", "401 Unauthorized"] {
            let text = format!("HTTP/1.1 {status}\r\n\r\nOllama is running");
            let (address, _) = server(move |stream| stream.write_all(text.as_bytes()).unwrap());
            assert_eq!(ask(address, "/"), None, "{status}");
        }
    }

    #[test]
    fn a_server_that_is_silent_slow_or_endless_ends_in_its_bounds() {
        let slack = PATIENCE + Duration::from_millis(700);
        let (address, _) = server(|_| thread::sleep(Duration::from_secs(3)));
        let (answer, took) = timed(address, "/");
        assert!(answer.is_none() && took < slack, "{took:?}");

        let (address, _) = server(|stream| {
            for byte in b"HTTP/1.1 200 OK\r\n\r\nx".iter().cycle().take(200) {
                if stream.write_all(&[*byte]).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(50));
            }
        });
        let (answer, took) = timed(address, "/");
        assert!(answer.is_none() && took < slack, "{took:?}");

        let (address, _) = server(|stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(&[b'x'; 65_536]).is_ok() {}
        });
        let (answer, took) = timed(address, "/");
        assert!(answer.unwrap().len() < ANSWER_BYTES && took < slack, "{took:?}");
    }

    #[test]
    fn nothing_but_loopback_is_asked() {
        assert_eq!(ask("192.0.2.1:80".parse().unwrap(), "/"), None);
        assert_eq!(ask("0.0.0.0:80".parse().unwrap(), "/"), None);
    }

    #[test]
    fn an_answer_names_the_models() {
        let tags = br#"{"models":[{"name":"llama3.2:1b","size":1},{"name":"","x":1},{"size":2}]}"#;
        assert_eq!(models(tags), ["llama3.2:1b"]);
        let list = br#"{"object":"list","data":[{"id":"qwen2.5-7b","object":"model"}]}"#;
        assert_eq!(models(list), ["qwen2.5-7b"]);
        for end in 0..list.len() {
            assert_eq!(models(&list[..end]), Vec::<String>::new());
        }
    }
}
