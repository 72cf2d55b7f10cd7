//! TLS that does not begin with its connection: after a STARTTLS, and through proxies. Real clients, and real proxies; the
//! servers behind a STARTTLS are stand-ins that speak as much as the client needs to go on.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use umbrascope_e2e::netns::{Link, NET};
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::stage::Stage;
use umbrascope_e2e::{have_command, require};

/// Ends its process with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Each protocol's hello has another name, all of them below that of an AI service.
#[test]
fn hellos_after_a_starttls_are_seen() {
    if !require("openssl", have_command("openssl")) {
        return;
    }
    let Some(stage) = Stage::new(Link { mtu: 1500, offload: false }) else { return };
    let mut servers = stage.pair.net(&programs().peer);
    servers.args(["upgrades", NET]).stdout(Stdio::piped());
    let mut servers = Running(servers.spawn().unwrap_or_else(|error| panic!("no servers: {error}")));
    let mut line = String::new();
    let _ = servers.0.stdout.take().map(|output| BufReader::new(output).read_line(&mut line));
    assert_eq!(line, "ready\n");
    let protocols = [
        ("smtp", 25),
        ("pop3", 110),
        ("imap", 143),
        ("ftp", 21),
        ("ldap", 389),
        ("xmpp", 5222),
        ("postgres", 5432),
        ("mysql", 3306),
    ];
    for (protocol, port) in protocols {
        let mut client = stage.pair.host("openssl");
        client.args(["s_client", "-quiet", "-starttls", protocol, "-connect", &format!("{NET}:{port}")]);
        client.args(["-servername", &format!("{protocol}.api.openai.com")]);
        client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut client = client.spawn().unwrap_or_else(|error| panic!("openssl: {error}"));
        // The server behind answers a request as a web server would, which shows that TLS stands.
        let _ = client.stdin.take().map(|mut input| input.write_all(b"GET / HTTP/1.0\r\n\r\n"));
        let output = client.wait_with_output().unwrap_or_else(|error| panic!("openssl: {error}"));
        let page = String::from_utf8_lossy(&output.stdout);
        assert!(page.contains("200 OK"), "{protocol}: {page}{}", String::from_utf8_lossy(&output.stderr));
    }
    for (protocol, _) in protocols {
        stage.assert_seen(&format!("{protocol}.api.openai.com"), "tls");
    }
}

/// A proxy is told the name in the clear, and the hello behind it has it again.
#[test]
fn names_through_proxies_are_seen() {
    if !require("microsocks", have_command("microsocks")) || !require("tinyproxy", have_command("tinyproxy"))
    {
        return;
    }
    let Some(stage) = Stage::new(Link::default()) else { return };
    let names = ["api.deepseek.com", "claude.ai", "api.mistral.ai"];
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    let hosts = folder.path().join("hosts");
    let lines: String = names.iter().map(|name| format!("{NET} {name}\n")).collect();
    let configuration = folder.path().join("tinyproxy.conf");
    std::fs::write(&hosts, lines)
        .and_then(|()| {
            std::fs::write(
                &configuration,
                format!("Port 8888\nListen {NET}\nMaxClients 10\nAllow 10.0.0.0/8\n"),
            )
        })
        .unwrap_or_else(|error| panic!("no configuration of the proxies: {error}"));
    // The proxies look names up themselves, in a file of hosts that is theirs alone.
    let proxy = |words: &[&str]| {
        let mut command = stage.pair.net("sh");
        command.args(["-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\""]).arg(&hosts).args(words);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Running(command.spawn().unwrap_or_else(|error| panic!("{words:?}: {error}")))
    };
    let _socks = proxy(&["microsocks", "-i", NET, "-p", "1080"]);
    let _http = proxy(&["tinyproxy", "-d", "-c", &configuration.to_string_lossy()]);
    let fetch = |proxy: &[&str], name: &str| {
        let mut curl = stage.pair.host("curl");
        curl.args(["-sk", "--max-time", "10", "-o", "/dev/null"]).args(proxy);
        stage.run(with_patience(curl, &format!("https://{name}/")));
    };
    fetch(&["--socks5-hostname", &format!("{NET}:1080")], names[0]);
    fetch(&["--proxy", &format!("http://{NET}:8888")], names[1]);
    // Where the client looks the name up itself, the proxy hears an address only.
    fetch(&["--socks5", &format!("{NET}:1080"), "--resolve", &format!("{}:443:{NET}", names[2])], names[2]);
    for name in names {
        stage.assert_seen(name, "tls");
    }
    for name in &names[..2] {
        stage.assert_seen(name, "http");
    }
}

/// Tries again for a while: the proxy may not listen yet.
fn with_patience(mut command: Command, url: &str) -> Command {
    command.args(["--retry", "20", "--retry-connrefused", "--retry-delay", "1", url]);
    command
}
