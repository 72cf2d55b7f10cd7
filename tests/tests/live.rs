//! From a real packet to the inventory: real clients in network namespaces, captured live by the
//! agent itself, each name on the Products page of the collector that runs beside it.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use umbrascope_e2e::netns::{HOST, Link, NET, Pair};
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::stage::{Stage, evidence, product_ids};
use umbrascope_e2e::{have_command, require};

/// The Python that has the client of [`Stage::chrome`].
fn chrome_client() -> Option<String> {
    let python = std::env::var("UMBRASCOPE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has =
        Command::new(&python).args(["-c", "import curl_cffi"]).output().is_ok_and(|out| out.status.success());
    require("a client with the TLS stack of Chrome (Python module curl_cffi)", has).then_some(python)
}

#[test]
fn names_of_real_clients_reach_the_products_page() {
    let Some(stage) = Stage::new(Link::default()) else { return };
    stage.curl("chatgpt.com");
    stage.peer(&["tls", &format!("{NET}:8443"), "claude.ai"]);
    stage.peer(&["quic", &format!("{NET}:443"), "gemini.google.com"]);
    stage.peer(&["swapped", "eth0", HOST, NET, "api.mistral.ai"]);
    if require("dig (dnsutils)", have_command("dig")) {
        let mut dig = stage.pair.host("dig");
        dig.args(["+short", "+time=3", "+tries=1", &format!("@{NET}"), "api.deepseek.com"]);
        stage.run(dig);
        stage.assert_seen("api.deepseek.com", "dns");
    }
    stage.assert_seen("chatgpt.com", "tls");
    stage.assert_seen("claude.ai", "tls");
    stage.assert_seen("gemini.google.com", "quic");
    stage.assert_seen("api.mistral.ai", "tls");
    let page = stage.product.page("/products");
    assert!(page.contains("ChatGPT") && page.contains("Claude"), "the Products page shows them");
    assert_eq!(stage.interrupt(), Some(0), "Ctrl-C stops it cleanly");
}

/// Today's browsers send hellos of two segments, with GREASE ECH and the true name.
#[test]
fn a_headless_chromium_is_seen_by_name() {
    if !require("chromium", have_command("chromium")) {
        return;
    }
    let Some(stage) = Stage::new(Link { mtu: 1280, offload: false }) else { return };
    let profile = tempfile::tempdir().expect("a temporary folder");
    let mut chromium = stage.pair.host("timeout");
    chromium.args(["60", "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic"]);
    chromium.args(["--no-first-run", "--disable-background-networking", "--disable-component-update"]);
    chromium.args(["--disable-sync", "--ignore-certificate-errors", "--dump-dom"]);
    chromium.arg(format!("--user-data-dir={}", profile.path().display()));
    chromium.arg(format!("--host-resolver-rules=MAP www.perplexity.ai {NET}"));
    chromium.arg("https://www.perplexity.ai/");
    stage.run(chromium);
    stage.assert_seen("www.perplexity.ai", "tls");
}

/// A hello with an X25519MLKEM768 key share is larger than a packet on every link used here.
#[test]
fn a_post_quantum_hello_is_joined_on_links_of_any_mtu() {
    let Some(python) = chrome_client() else { return };
    for (mtu, name) in [(1280, "api.anthropic.com"), (600, "api.openai.com")] {
        let Some(stage) = Stage::new(Link { mtu, offload: false }) else { return };
        assert!(stage.chrome(&python, name, None));
        stage.assert_seen(name, "tls");
        stage.peer(&["tls", &format!("{NET}:443"), "claude.ai"]);
        stage.assert_seen("claude.ai", "tls");
    }
}

/// On a machine whose address is a bridge's, every packet goes out twice, on the bridge and on its port.
#[test]
fn a_look_up_seen_on_a_bridge_and_on_its_port_counts_once() {
    if !require("dig (dnsutils)", have_command("dig")) {
        return;
    }
    let Some(pair) = Pair::new(Link::default()) else { return };
    for words in [
        &["link", "add", "br0", "type", "bridge"][..],
        &["link", "set", "eth0", "master", "br0"],
        &["addr", "flush", "dev", "eth0"],
        &["addr", "add", &format!("{HOST}/24"), "dev", "br0"],
        &["link", "set", "br0", "up"],
        &["route", "add", "default", "via", NET],
    ] {
        let output = pair.host("ip").args(words).output().expect("ip runs");
        assert!(output.status.success(), "ip {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let stage = Stage::between(pair);
    let names = ["api.deepseek.com", "chatgpt.com", "claude.ai"];
    for name in names {
        stage.dig(&[name]);
    }
    for name in names {
        stage.assert_seen(name, "dns");
    }
    let products = stage.product.json("/api/v1/products?limit=500");
    for id in product_ids(&products) {
        let detail = stage.product.json(&format!("/api/v1/products/{id}"));
        let mut rows = evidence(&detail).into_iter().filter(|row| row["channel"] == "dns");
        assert!(rows.all(|row| row["count"] == 1), "one look-up each: {detail}");
    }
}

/// A browser offers ECH by habit and says the true name beside it; one that has the keys says the public name. The first
/// is a sighting, the second is none, whether the public name is listed or was told by DNS, and is counted.
#[test]
fn what_ech_hides_is_counted_and_what_it_does_not_is_seen() {
    let Some(python) = chrome_client() else { return };
    if !require("dig (dnsutils)", have_command("dig")) {
        return;
    }
    let Some(stage) = Stage::new(Link::default()) else { return };
    let keys = |public_name: &str| {
        let output =
            Command::new(&programs().peer).args(["ech", public_name]).output().expect("the peer runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    assert!(stage.chrome(&python, "chatgpt.com", None));
    stage.assert_seen("chatgpt.com", "tls");
    let grease = |totals: &Value| totals["hellos_with_ech"] == 1 && totals["hidden_destinations"] == 0;
    stage.assert_coverage("the hello offers ECH and hides nothing", grease);

    let listed = keys("cloudflare-ech.com");
    assert!(!stage.chrome(&python, "payroll.intranet.example", Some(&listed)), "the server cannot open it");
    stage.assert_coverage("a listed public name hides", |totals| totals["hidden_destinations"] == 1);

    // The public name is that of an AI service, so that it would be a sighting if it were taken for the destination.
    let told = keys("claude.ai");
    let record = stage.dig(&["claude.ai.hidden.example", "HTTPS"]);
    assert!(record.contains(&told), "{record} does not hand out {told}");
    assert!(!stage.chrome(&python, "payroll.intranet.example", Some(&told)), "the server cannot open it");
    stage.assert_coverage("a public name told by DNS hides", |totals| totals["hidden_destinations"] == 2);
    // Whatever came before this is in the inventory with it.
    stage.curl("api.mistral.ai");
    stage.assert_seen("api.mistral.ai", "tls");
    let products = stage.product.json("/api/v1/products?limit=500");
    for id in product_ids(&products) {
        let detail = stage.product.json(&format!("/api/v1/products/{id}"));
        assert!(evidence(&detail).iter().all(|row| row["value"] != "claude.ai"), "{id}: {detail}");
    }
}

/// The name that was asked for is none of an AI service and stays on the machine; the one that it leads to is a look-up.
#[test]
fn a_name_reached_by_cname_is_a_resolution() {
    if !require("dig (dnsutils)", have_command("dig")) {
        return;
    }
    let Some(stage) = Stage::new(Link::default()) else { return };
    let answer = stage.dig(&["api.deepseek.com.alias.example"]);
    assert!(answer.starts_with("api.deepseek.com."), "{answer}");
    stage.assert_seen("api.deepseek.com", "dns");
    let mut files = Vec::new();
    umbrascope_e2e::walk(stage.data.path(), &mut files);
    for file in &files {
        let bytes = std::fs::read(file).unwrap_or_default();
        let holds = bytes.windows(13).any(|window| window == b"alias.example");
        assert!(!holds, "{} holds the name that was asked for", file.display());
    }
}

/// Matching happens on the agent: a name that is not AI is in no database afterwards.
#[test]
fn a_name_that_is_not_ai_stays_out_of_every_database() {
    let Some(stage) = Stage::new(Link::default()) else { return };
    stage.curl("payroll.intranet.example");
    stage.curl("chatgpt.com");
    stage.assert_seen("chatgpt.com", "tls");
    let mut files = Vec::new();
    umbrascope_e2e::walk(stage.data.path(), &mut files);
    assert!(
        files.iter().any(|file| file.extension().is_some_and(|extension| extension == "db")),
        "{files:?}"
    );
    let mut with_ai_name = 0;
    for file in &files {
        let bytes = std::fs::read(file).unwrap_or_default();
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(b"intranet.example"), "{} holds a name that is not AI", file.display());
        with_ai_name += usize::from(holds(b"chatgpt.com"));
    }
    assert!(
        with_ai_name >= 2,
        "agent and collector both hold the AI name, so the search would have found the other"
    );
}

/// What goes over the wire, decrypted with the agent's own session keys, names the AI service and
/// not the other one.
#[test]
fn a_name_that_is_not_ai_is_not_on_the_wire() {
    if !require("tcpdump", have_command("tcpdump")) || !require("tshark", have_command("tshark")) {
        return;
    }
    let Some(pair) = Pair::new(Link::default()) else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let capture = folder.path().join("wire.pcap");
    let mut tcpdump = pair.host("tcpdump");
    tcpdump.args(["-i", "lo", "-U", "--immediate-mode", "-s", "0", "-Z", "root", "tcp", "-w"]).arg(&capture);
    let mut tcpdump = tcpdump.stderr(Stdio::null()).spawn().expect("tcpdump starts");
    // The file header is written once the socket is open.
    for _ in 0..100 {
        if std::fs::metadata(&capture).is_ok_and(|file| file.len() >= 24) {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let stage = Stage::between(pair);
    stage.curl("payroll.intranet.example");
    stage.curl("chatgpt.com");
    stage.assert_seen("chatgpt.com", "tls");
    let keys = stage.data.path().join("session-keys");
    let _ = Command::new("kill").args(["-INT", &tcpdump.id().to_string()]).status();
    let _ = tcpdump.wait();
    let tshark = Command::new("tshark")
        .args(["-o", &format!("tls.keylog_file:{}", keys.display()), "-T", "fields"])
        .args(["-e", "json.value.string", "-Y", "tls && json"])
        .arg("-r")
        .arg(&capture)
        .output()
        .expect("tshark runs");
    let sent = String::from_utf8_lossy(&tshark.stdout).into_owned();
    assert!(sent.contains("chatgpt.com"), "the decrypted reports name the AI service: {sent}");
    assert!(!sent.contains("intranet.example"), "a name that is not AI went over the wire: {sent}");
}
