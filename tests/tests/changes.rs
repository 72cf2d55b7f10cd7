//! What changes on a machine between two scans is at the collector soon, without another scan.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use umbrascope_e2e::services::{Services, soon};

/// A look is made every two seconds here, and a report as often.
const SOON: Duration = Duration::from_secs(60);

/// The values that the collector has by a channel.
fn values(services: &Services, channel: &str) -> Vec<String> {
    let export: Value =
        serde_json::from_str(&services.collector(&["export", "json"])).expect("the export is JSON");
    let products = export["products"].as_array().expect("the export has products");
    let rows = products.iter().filter_map(|product| product["evidence"].as_array()).flatten();
    let rows = rows.filter(|row| row["channel"] == channel);
    rows.filter_map(|row| row["value"].as_str()).map(str::to_owned).collect()
}

/// Whether the collector has an item as being there now. What is gone stays as what was there once.
fn is_present(services: &Services, value: &str) -> bool {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = rusqlite::Connection::open_with_flags(services.path("collector/collector.db"), flags);
    let db = db.expect("the collector's database");
    let query =
        "SELECT max(present) FROM snapshot_item i JOIN evidence e ON e.id = i.evidence WHERE e.value = ?1";
    let present: Option<bool> = db.query_row(query, [value], |row| row.get(0)).expect("its tables");
    present.unwrap_or(false)
}

fn put(tree: &Path, path: &str, text: &str) {
    let path = tree.join(path);
    fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder is made");
    fs::write(path, text).expect("the file is written");
}

fn servers(names: &[&str]) -> String {
    let servers: Vec<_> = names.iter().map(|name| format!(r#""{name}":{{"command":"{name}"}}"#)).collect();
    format!(r#"{{"mcpServers":{{{}}}}}"#, servers.join(","))
}

#[test]
fn a_changed_file_a_new_extension_and_a_removed_package_are_at_the_collector_soon() {
    let Some(mut services) = Services::new() else { return };
    services.scanning();
    services.configure("", "");
    let tree = services.tree();
    put(&tree, "home/kim/.cursor/mcp.json", &servers(&["first"]));
    put(&tree, "home/kim/.vscode/extensions/extensions.json", "[]");
    put(
        &tree,
        "var/lib/dpkg/status",
        "Package: ollama\nStatus: install ok installed\nVersion: 1\n\nPackage: bash\nStatus: install ok installed\nVersion: 5\n\n",
    );
    services.start_collector(None);
    services.enrol();
    services.start_agent(None);
    let scanned = || {
        values(&services, "mcp-config").contains(&"first".to_owned())
            && values(&services, "package").contains(&"ollama".to_owned())
            && is_present(&services, "ollama")
    };
    assert!(soon(SOON * 3, scanned), "the first scan did not arrive: {}", services.logs());

    let wait = |what: &str, check: &dyn Fn() -> bool| {
        let start = Instant::now();
        assert!(soon(SOON, check), "{what} is not at the collector: {}", services.logs());
        println!("{what}: at the collector after {:.1} s", start.elapsed().as_secs_f64());
    };
    put(&tree, "home/kim/.cursor/mcp.json", &servers(&["first", "second"]));
    wait("a changed MCP file", &|| values(&services, "mcp-config").contains(&"second".to_owned()));
    let extensions = r#"[{"identifier":{"id":"github.copilot"},"version":"1.2.3"}]"#;
    put(&tree, "home/kim/.vscode/extensions/extensions.json", extensions);
    wait("a new extension", &|| values(&services, "extension").contains(&"github.copilot".to_owned()));
    put(&tree, "home/kim/work/new/.mcp.json", &servers(&["third"]));
    wait("a project's file in a new folder", &|| {
        values(&services, "mcp-config").contains(&"third".to_owned())
    });
    put(&tree, "var/lib/dpkg/status", "Package: bash\nStatus: install ok installed\nVersion: 5\n\n");
    wait("a removed package", &|| !is_present(&services, "ollama"));
    assert!(is_present(&services, "second") && is_present(&services, "github.copilot"));

    let status = services.agent_says(&["status"]);
    assert!(status.contains("places are looked at every 2 s"), "{status}");
}
