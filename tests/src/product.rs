//! A running product: `umbrascope-collector try` with its agent, as a person would start it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A running `try`. Killed on drop.
#[derive(Debug)]
pub struct Try {
    child: Child,
    /// Address of the pages, `http://127.0.0.1:PORT`.
    pub base: String,
    /// The one-time sign-in link.
    pub link: String,
    cookies: tempfile::NamedTempFile,
    shell: Vec<String>,
}

impl Try {
    /// Starts `command` (a `umbrascope-collector try …`, perhaps inside a namespace), waits for the
    /// sign-in link and signs in. `shell` is what stands before a command that must run where the
    /// product runs (`ip netns exec NAME`).
    ///
    /// # Panics
    /// When the link does not come within two minutes or the sign-in fails.
    pub fn start(mut command: Command, shell: Vec<String>) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdout = child.stdout.take().map(BufReader::new);
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let deadline = Instant::now() + Duration::from_secs(120);
        let link = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = receiver
                .recv_timeout(left)
                .unwrap_or_else(|error| panic!("try printed no sign-in link within two minutes: {error}"));
            if let Some(at) = line.find("http://").or_else(|| line.find("https://"))
                && line.contains("/sign-in/link/")
            {
                break line[at..].split_whitespace().next().unwrap_or_default().to_owned();
            }
        };
        let base = link.split("/sign-in/").next().unwrap_or_default().to_owned();
        let cookies =
            tempfile::NamedTempFile::new().unwrap_or_else(|error| panic!("no temporary file: {error}"));
        let product = Self { child, base, link, cookies, shell };
        product.sign_in();
        product
    }

    fn sign_in(&self) {
        self.curl(&["-L", "-o", "/dev/null", &self.link]);
        let totals = self.json("/api/v1/totals");
        assert!(totals["sensors"].is_u64(), "sign-in by the one-time link did not work: {totals}");
    }

    /// Runs curl where the product runs, with the session's cookies; returns the body.
    ///
    /// # Panics
    /// When curl cannot be run.
    pub fn curl(&self, arguments: &[&str]) -> String {
        let jar = self.cookies.path().to_string_lossy().into_owned();
        let mut words = self.shell.clone();
        words.extend(["curl", "-sS", "--max-time", "20", "-b", &jar, "-c", &jar].map(str::to_owned));
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        let output = Command::new(&words[0])
            .args(&words[1..])
            .output()
            .unwrap_or_else(|error| panic!("cannot run curl: {error}"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A page of the product.
    pub fn page(&self, path: &str) -> String {
        self.curl(&[&format!("{}{path}", self.base)])
    }

    /// JSON of the product; `null` where the answer is none.
    pub fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.page(path)).unwrap_or(Value::Null)
    }

    /// Waits until `check` on the JSON of `path` holds, at most `limit`; returns the last answer.
    pub fn wait(&self, path: &str, limit: Duration, check: impl Fn(&Value) -> bool) -> Result<Value, Value> {
        let deadline = Instant::now() + limit;
        loop {
            let value = self.json(path);
            if check(&value) {
                return Ok(value);
            }
            if Instant::now() > deadline {
                return Err(value);
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Process id of the collector.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, as Ctrl-C does, and returns its exit code.
    ///
    /// # Panics
    /// When it has not stopped within 20 seconds.
    pub fn interrupt(mut self) -> Option<i32> {
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("try did not stop within 20 seconds of an interrupt");
    }
}

impl Drop for Try {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
