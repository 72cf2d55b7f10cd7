//! Folders of projects that a configuration names.

use super::*;

fn scan_with(machine: &Machine, roots: &[&str]) -> ScanOutcome {
    let request = ScanRequest {
        project_roots: roots.iter().map(PathBuf::from).collect(),
        ..ScanRequest::tree(machine.root.path().to_owned())
    };
    scan(&request, &Matcher::embedded())
}

fn locations(outcome: &ScanOutcome, source: &str) -> BTreeSet<String> {
    let snapshot = outcome.snapshots.iter().find(|snapshot| snapshot.source == source).unwrap();
    snapshot.items.iter().filter_map(|found| found.item.details.location.clone()).collect()
}

/// What projects hold, in a folder that is one and in one that holds one.
fn furnish(machine: &Machine, root: &str) {
    machine.put(&format!("{root}/package.json"), r#"{"dependencies": {"openai": "^5"}}"#);
    machine.put(&format!("{root}/.mcp.json"), r#"{"mcpServers": {"top": {"command": "x"}}}"#);
    machine.put(&format!("{root}/team/app/requirements.txt"), "anthropic==0.70.0\n");
    machine
        .put(&format!("{root}/team/app/.cursor/mcp.json"), r#"{"mcpServers": {"below": {"command": "x"}}}"#);
    let bypass = r#"{"permissions": {"defaultMode": "bypassPermissions"}}"#;
    machine.put(&format!("{root}/team/app/.claude/settings.json"), bypass);
    machine.put(&format!("{root}/team/app/.env"), format!("OPENAI_API_KEY=sk-{SECRET}\nDEBUG=1\n"));
    machine.put(&format!("{root}/team/app/.env.example"), "ANTHROPIC_API_KEY=your-key\n");
    machine.put(&format!("{root}/team/app/.venv/pyvenv.cfg"), "home = /usr/bin\n");
    machine.put(
        &format!("{root}/team/app/.venv/lib/python3.12/site-packages/openai-2.1.0.dist-info/METADATA"),
        "Name: openai\nVersion: 2.1.0\n",
    );
    machine.put(
        &format!("{root}/team/app/node_modules/x/package.json"),
        r#"{"dependencies": {"cohere-ai": "1"}}"#,
    );
}

#[test]
fn projects_are_read_where_the_configuration_says_and_nowhere_else() {
    let machine = Machine::new();
    furnish(&machine, "srv/src");
    furnish(&machine, "srv/other");
    let nothing = machine.scan();
    for source in ["manifests", "mcp-config", "assistants", "pip"] {
        assert_eq!(values(&nothing, source), set(&[]), "{source}");
    }
    let outcome = scan_with(&machine, &["/srv/src", "/srv/none", "/srv/src/"]);
    assert_eq!(values(&outcome, "mcp-config"), set(&["below", "top"]));
    assert_eq!(
        values(&outcome, "manifests"),
        set(&[".claude/settings.json", "OPENAI_API_KEY", "anthropic", "openai"])
    );
    assert_eq!(
        locations(&outcome, "manifests"),
        set(&[
            "/srv/src/package.json",
            "/srv/src/team/app/requirements.txt",
            "/srv/src/team/app/.env",
            "/srv/src/team/app/.claude/settings.json"
        ])
    );
    assert_eq!(flags(&outcome, ".claude"), [RiskFlag::ApprovalBypass]);
    assert_eq!(values(&outcome, "pip"), set(&["openai"]));
    let snapshot = outcome.snapshots.iter().find(|snapshot| snapshot.source == "manifests").unwrap();
    let key = snapshot.items.iter().find(|found| found.item.evidence.value == "OPENAI_API_KEY").unwrap();
    assert_eq!(
        (&key.item.channel, &key.item.flags[..]),
        (&Channel::Environment, &[RiskFlag::PlainTextSecret][..])
    );
    assert!(!format!("{outcome:?}").contains(SECRET));
    assert!(!outcome.partial());
}

#[test]
fn a_folder_in_a_home_is_the_homes_and_told_once() {
    let machine = Machine::new();
    machine.at_home("src/app/package.json", r#"{"dependencies": {"openai": "^5"}}"#);
    let deep = "src/1/2/3/4/5/6/7/app";
    machine.at_home(&format!("{deep}/package.json"), r#"{"dependencies": {"@anthropic-ai/sdk": "1"}}"#);
    assert_eq!(values(&machine.scan(), "manifests"), set(&["openai"]));
    let outcome = scan_with(&machine, &["/home/kim/src", "/home/kim/src/1/2/3", "/home/kim"]);
    assert_eq!(
        locations(&outcome, "manifests"),
        set(&["~/src/app/package.json", &format!("~/{deep}/package.json")])
    );
    let snapshot = outcome.snapshots.iter().find(|snapshot| snapshot.source == "manifests").unwrap();
    assert_eq!(snapshot.items.len(), 2);
}

#[test]
fn a_hostile_folder_of_projects_is_left_at_its_border() {
    let machine = Machine::new();
    machine.put("srv/secret/package.json", r#"{"dependencies": {"openai": "^5"}}"#);
    machine.put("srv/src/ok/package.json", r#"{"dependencies": {"@anthropic-ai/sdk": "1"}}"#);
    symlink("../secret", machine.root.path().join("srv/src/out")).unwrap();
    fs::create_dir_all(machine.root.path().join("srv/src/in")).unwrap();
    symlink("../../secret/package.json", machine.root.path().join("srv/src/in/package.json")).unwrap();
    for folder in 0..9_000 {
        fs::create_dir_all(machine.root.path().join(format!("srv/many/{}/{folder}", folder % 100))).unwrap();
    }
    let outcome = scan_with(&machine, &["/srv/src", "/srv/many"]);
    assert_eq!(values(&outcome, "manifests"), set(&["@anthropic-ai/sdk"]));
    let cut = |problem: &Problem| problem.source == "manifests" && problem.state == SourceState::TooLarge;
    assert!(outcome.problems.iter().any(cut), "{:?}", outcome.problems);
}

#[test]
fn a_look_sees_what_came_into_a_folder_of_projects() {
    let machine = Machine::new();
    furnish(&machine, "srv/src");
    let request = ScanRequest {
        project_roots: vec!["/srv/src".into()],
        ..ScanRequest::tree(machine.root.path().to_owned())
    };
    std::thread::sleep(Duration::from_millis(3_100));
    let (_, journal) = scan_watched(&request, &Matcher::embedded());
    assert!(scan_changed(&request, &journal, false, Matcher::embedded).is_none(), "nothing moved");
    machine.put("srv/src/team/new/.mcp.json", r#"{"mcpServers": {"new": {"command": "x"}}}"#);
    let (outcome, _) = scan_changed(&request, &journal, false, Matcher::embedded).unwrap();
    assert_eq!(values(&outcome, "mcp-config"), set(&["below", "new", "top"]));
}
