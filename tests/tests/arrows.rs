//! Dependencies point one way: agent → dissect, rules, api; collector → api, rules; and the three
//! inner crates know nothing of each other, of the runtime, of the network or of SQL.

use umbrascope_e2e::arrows::dependencies;

const OURS: [&str; 6] = [
    "umbrascope-rules",
    "umbrascope-api",
    "umbrascope-dissect",
    "umbrascope-agent",
    "umbrascope-collector",
    "umbrascope-e2e",
];

fn assert_own_dependencies(package: &str, expected: &[&str]) {
    let all = dependencies(package);
    let own: Vec<&str> = OURS.into_iter().filter(|name| all.contains(*name)).collect();
    let mut expected = expected.to_vec();
    expected.sort_by_key(|name| OURS.iter().position(|ours| ours == name));
    assert_eq!(own, expected, "crates of the workspace below {package}");
}

#[test]
fn the_arrows_between_our_crates_point_the_right_way() {
    assert_own_dependencies("umbrascope-rules", &[]);
    assert_own_dependencies("umbrascope-api", &[]);
    assert_own_dependencies("umbrascope-dissect", &[]);
    assert_own_dependencies(
        "umbrascope-agent",
        &["umbrascope-rules", "umbrascope-api", "umbrascope-dissect"],
    );
    assert_own_dependencies("umbrascope-collector", &["umbrascope-rules", "umbrascope-api"]);
}

#[test]
fn the_inner_crates_do_no_io() {
    for package in ["umbrascope-rules", "umbrascope-api", "umbrascope-dissect"] {
        let all = dependencies(package);
        for forbidden in ["tokio", "pnet", "reqwest", "rusqlite", "axum", "hyper", "rustls"] {
            assert!(!all.contains(forbidden), "{package} depends on {forbidden}");
        }
    }
}

#[test]
fn the_two_programs_keep_to_their_own_tools() {
    let agent = dependencies("umbrascope-agent");
    assert!(!agent.contains("axum"), "the agent serves nothing");
    let collector = dependencies("umbrascope-collector");
    for forbidden in ["pnet", "reqwest", "tls-parser"] {
        assert!(!collector.contains(forbidden), "the collector depends on {forbidden}");
    }
}

/// Only these files of the agent name these crates.
#[test]
fn each_outward_crate_of_the_agent_is_named_in_its_own_file() {
    let allowed: [(&str, &[&str]); 3] = [
        ("pnet::", &["capture/afpacket.rs"]),
        ("reqwest::", &["sender.rs", "enrol.rs"]),
        (
            "rusqlite::",
            &["state.rs", "scan/sqlite.rs", "scan/macos/portsdb.rs", "scan/statedb.rs", "scan/mcp/cherry.rs"],
        ),
    ];
    let source = umbrascope_e2e::workspace_root().join("agent/src");
    let mut files = Vec::new();
    umbrascope_e2e::walk(&source, &mut files);
    assert!(files.len() > 10, "the agent's sources were not found below {}", source.display());
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        // Tests may use what the module itself must not.
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let name = file.strip_prefix(&source).unwrap().to_string_lossy().replace('\\', "/");
        for (needle, files) in allowed {
            let permitted = files
                .iter()
                .any(|file| name == *file || name.starts_with(&format!("{}/", file.trim_end_matches(".rs"))));
            assert!(
                permitted || !text.contains(needle),
                "agent/src/{name} names {needle}, which belongs to {files:?}"
            );
        }
    }
}

#[test]
fn every_parser_crate_forbids_unsafe_code() {
    for library in
        ["rules/src/lib.rs", "agent/dissect/src/lib.rs", "collector/api/src/lib.rs", "collector/src/lib.rs"]
    {
        let text = std::fs::read_to_string(umbrascope_e2e::workspace_root().join(library)).unwrap();
        assert!(text.contains("#![forbid(unsafe_code)]"), "{library} does not forbid unsafe code");
    }
}
