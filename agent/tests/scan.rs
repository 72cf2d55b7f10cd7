//! `scan` as a command.

use std::fs;
use std::process::Command;

#[test]
fn folders_of_projects_that_the_configuration_names_are_looked_at_in_a_tree_too() {
    let tree = tempfile::tempdir().unwrap();
    let root = tree.path().join("machine");
    fs::create_dir_all(root.join("srv/src/app")).unwrap();
    fs::write(root.join("srv/src/app/package.json"), r#"{"dependencies": {"openai": "^5"}}"#).unwrap();
    let config = tree.path().join("agent.toml");
    let scan = |text: &str| {
        fs::write(&config, text).unwrap();
        let mut agent = Command::new(env!("CARGO_BIN_EXE_umbrascope-agent"));
        let output = agent.args(["scan", "--format", "tsv", "--config"]).arg(&config);
        let output = output.arg("--state-dir").arg(tree.path().join("state")).arg("--root").arg(&root);
        let output = output.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(!scan("").contains("/srv/src"));
    let found = scan("[scan]\nproject_roots = [\"/srv/src\"]\n");
    assert!(found.contains("/srv/src/app/package.json"), "{found}");
}
