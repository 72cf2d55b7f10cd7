//! What one home costs the others.

use super::*;

#[test]
fn a_home_that_floods_the_scan_is_told_as_cut_and_costs_the_others_nothing() {
    let machine = Machine::new();
    let servers = |name: &str| format!(r#"{{"mcpServers": {{"{name}": {{"command": "x"}}}}}}"#);
    machine.at_home(".cursor/mcp.json", servers("kims"));
    machine.at_home("src/project/.mcp.json", servers("kims-project"));
    machine.at_home(
        ".local/lib/python3.11/site-packages/openai-1.2.3.dist-info/METADATA",
        "Name: openai\nVersion: 1.2.3\n",
    );
    machine.put("var/lib/dpkg/status", "Package: ollama\nStatus: install ok installed\nVersion: 1\n");
    // Before the other in every order.
    machine.put("home/aaron/.cursor/mcp.json", servers("aarons"));
    for folder in 0..20 {
        for file in 0..100 {
            machine.put(&format!("home/aaron/{folder}/{file}"), "");
        }
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    let budget = Budget::with_entries(deadline, vec![], 4_000);
    let root = Dir::root(machine.root.path(), Rc::clone(&budget)).unwrap();
    let request = ScanRequest::tree(machine.root.path().to_owned());
    let (outcome, _) = run(&request, &Matcher::embedded(), root, budget, Watch::Off);
    assert_eq!(values(&outcome, "mcp-config"), set(&["aarons", "kims", "kims-project"]));
    assert_eq!(values(&outcome, "pip"), set(&["openai"]));
    let cut = |problem: &&Problem| problem.state == SourceState::TooLarge && problem.location == "~";
    assert_eq!(
        outcome.problems.iter().filter(cut).filter(|problem| problem.source == "mcp-config").count(),
        1
    );
    assert_eq!(state(&outcome, "mcp-config"), SourceState::TooLarge);
    assert_eq!(state(&outcome, "dpkg"), SourceState::Read);
}

#[test]
fn an_assistant_that_a_variable_has_moved_is_read_where_it_is() {
    let machine = Machine::new();
    machine.at_home(".bashrc", "export CODEX_HOME=$HOME/work/codex\n");
    machine.at_home(
        "work/codex/config.toml",
        "model = \"gpt-5\"\napproval_policy = \"never\"\n[mcp_servers.moved]\ncommand = \"x\"\n",
    );
    let claims = "eyJlbWFpbCI6ImtpbUBjb3JwLmV4YW1wbGUifQ";
    machine.at_home("work/codex/auth.json", format!(r#"{{"tokens": {{"id_token": "e30.{claims}.x"}}}}"#));
    let outcome = machine.scan();
    assert_eq!(values(&outcome, "mcp-config"), set(&["moved"]));
    assert_eq!(values(&outcome, "accounts"), set(&["corp.example"]));
    assert!(flags(&outcome, "~/work/codex").contains(&RiskFlag::ApprovalBypass));
}

#[test]
fn a_model_whose_header_is_too_large_is_named_by_its_file() {
    let machine = Machine::new();
    let start = [30_000_000_u64.to_le_bytes().as_slice(), b"{"].concat();
    machine.at_home("models/experts.safetensors", start);
    let file =
        fs::File::options().write(true).open(machine.home().join("models/experts.safetensors")).unwrap();
    file.set_len(40_000_000).unwrap();
    let outcome = machine.scan();
    assert_eq!(values(&outcome, "model-files"), set(&["experts"]));
    assert_eq!(state(&outcome, "model-files"), SourceState::TooLarge);
}
