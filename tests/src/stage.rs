//! The product at work between two machines: `try` in one namespace, servers under any name in the other.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a helper that cannot go on fails its test"
)]

use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::netns::{Link, NET, Pair};
use crate::product::Try;
use crate::programs::programs;
use crate::{have_command, require};

/// A sighting is in the inventory within 10 s (DESIGN.md); the rest is for a slow machine.
pub const SOON: Duration = Duration::from_secs(30);

/// A product under `try` in one namespace and servers under any name in the other.
#[derive(Debug)]
pub struct Stage {
    /// The two machines.
    pub pair: Pair,
    /// The product, on the machine under test.
    pub product: Try,
    server: Child,
    /// The product's data folder.
    pub data: tempfile::TempDir,
}

impl Stage {
    /// A stage on such a link, or `None` with a word where a part is missing for it.
    pub fn new(link: Link) -> Option<Self> {
        require("curl", have_command("curl")).then(|| Pair::new(link)).flatten().map(Self::between)
    }

    /// Sets the stage in namespaces that are there already.
    pub fn between(pair: Pair) -> Self {
        let programs = programs();
        let mut server = pair
            .net(&programs.peer)
            .args(["serve", NET])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test server starts");
        let mut line = String::new();
        std::io::BufRead::read_line(
            &mut std::io::BufReader::new(server.stdout.take().expect("stdout is piped")),
            &mut line,
        )
        .expect("the test server says that it is ready");
        assert_eq!(line, "ready\n");
        let data = tempfile::tempdir().expect("a temporary folder");
        let mut command = pair.host(&programs.collector);
        command.env("SSLKEYLOGFILE", data.path().join("session-keys"));
        command.args(["try", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data.path());
        let product = Try::start(command, pair.host_words());
        Self { pair, product, server, data }
    }

    /// Runs a command that must succeed.
    pub fn run(&self, mut command: Command) -> Output {
        let output =
            command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Fetches a page under that name from the server side.
    pub fn curl(&self, name: &str) {
        let mut curl = self.pair.host("curl");
        curl.args(["-sk", "--max-time", "10", "-o", "/dev/null"]);
        curl.args(["--resolve", &format!("{name}:443:{NET}"), &format!("https://{name}/")]);
        self.run(curl);
    }

    /// Runs the test peer on the machine under test.
    pub fn peer(&self, words: &[&str]) {
        let mut peer = self.pair.host(&programs().peer);
        peer.args(words);
        self.run(peer);
    }

    /// A client with the TLS stack and the habits of a current Chrome, GREASE ECH among them; with `ech`, an ECHConfigList in
    /// base64, it hides the name for good. The server has no key for that, so such a request ends after the hello.
    pub fn chrome(&self, python: &str, name: &str, ech: Option<&str>) -> bool {
        let ech = ech.map(|list| format!("CurlOpt.ECH: 'ecl:{list}', ")).unwrap_or_default();
        let mut client = self.pair.host(python);
        client.arg("-c").arg(format!(
            "from curl_cffi import CurlOpt, requests\n\
             r = requests.get('https://{name}/', impersonate='chrome', verify=False, timeout=10,\n\
                 curl_options={{{ech}CurlOpt.RESOLVE: ['{name}:443:{NET}']}})\n\
             assert r.status_code == 200, r"
        ));
        client.stdin(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// Asks the server side's DNS.
    pub fn dig(&self, words: &[&str]) -> String {
        let mut dig = self.pair.host("dig");
        dig.args(["+short", "+time=3", "+tries=1", &format!("@{NET}")]).args(words);
        String::from_utf8_lossy(&self.run(dig).stdout).into_owned()
    }

    /// Waits until the fleet's coverage is as `check` wants it.
    pub fn assert_coverage(&self, what: &str, check: impl Fn(&Value) -> bool) {
        let found = self.product.wait("/api/v1/coverage", SOON, |coverage| check(&coverage["totals"]));
        assert!(found.is_ok(), "{what}: {}", found.unwrap_err()["totals"]);
    }

    /// Waits until `value` stands as evidence of some product by `channel`.
    pub fn assert_seen(&self, value: &str, channel: &str) {
        let found = self.product.wait("/api/v1/products?limit=500", SOON, |products| {
            product_ids(products).iter().any(|id| {
                let detail = self.product.json(&format!("/api/v1/products/{id}"));
                evidence(&detail).iter().any(|row| row["value"] == value && row["channel"] == channel)
            })
        });
        assert!(found.is_ok(), "{value} by {channel} is not in the inventory: {}", found.unwrap_err());
    }
}

impl Stage {
    /// Ends the product as Ctrl-C does; returns its exit code.
    pub fn interrupt(mut self) -> Option<i32> {
        let code = self.product.interrupt();
        let _ = self.server.kill();
        let _ = self.server.wait();
        code
    }
}

/// Ids on a page of products.
pub fn product_ids(products: &Value) -> Vec<String> {
    let rows = products["rows"].as_array().or_else(|| products["products"].as_array());
    rows.into_iter().flatten().filter_map(|row| row["id"].as_str().map(str::to_owned)).collect()
}

/// Rows of evidence of a product.
pub fn evidence(detail: &Value) -> Vec<Value> {
    detail["evidence"].as_array().cloned().unwrap_or_default()
}
