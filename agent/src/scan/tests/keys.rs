//! Keys of AI services in the environment of a machine and of its people.

use super::*;

fn keys(outcome: &ScanOutcome) -> Vec<(String, Option<OwnerId>, String, bool)> {
    let snapshot = outcome.snapshots.iter().find(|snapshot| snapshot.source == "environment-keys").unwrap();
    let told = snapshot.items.iter().map(|found| {
        let item = &found.item;
        assert_eq!(item.channel, Channel::Environment);
        (
            item.evidence.value.clone(),
            found.owner,
            item.details.location.clone().unwrap_or_default(),
            item.flags.contains(&RiskFlag::PlainTextSecret),
        )
    });
    told.collect()
}

#[test]
fn a_key_is_told_once_by_its_name_and_never_by_its_value() {
    let machine = Machine::new();
    machine.at_home(
        ".bashrc",
        format!("export OPENAI_API_KEY=sk-{SECRET}\nexport MY_KEY={SECRET}\nexport ACME_API_KEY={SECRET}\n"),
    );
    machine.at_home(
        ".zshrc",
        format!("export OPENAI_API_KEY=sk-{SECRET}\nexport ANTHROPIC_API_KEY=$(pass show a)\n"),
    );
    machine.at_home(".config/environment.d/ai.conf", format!("GEMINI_API_KEY=AIza{SECRET}\n"));
    machine.at_home(
        ".config/systemd/user/chat.service.d/key.conf",
        format!("[Service]\nEnvironment=\"MISTRAL_API_KEY={SECRET}\"\n"),
    );
    machine.at_home(".config/fish/conf.d/ai.fish", format!("set -gx GROQ_API_KEY {SECRET}\n"));
    machine.put("etc/environment", format!("HF_TOKEN=hf_{SECRET}\nPATH=/usr/bin\n"));
    machine.put("etc/default/chat", format!("DEEPSEEK_API_KEY={SECRET}\n"));
    machine.put("etc/systemd/system/bot.service", format!("[Service]\nEnvironment=XAI_API_KEY={SECRET}\n"));
    // What a package brings, or is linked to, is not looked at.
    machine.put("usr/lib/systemd/system/x.service", "[Service]\nEnvironment=COHERE_API_KEY=abcdefghijkl\n");
    let outcome = machine.scan();
    let owner =
        Some(fs::metadata(machine.home()).map(|data| std::os::unix::fs::MetadataExt::uid(&data)).unwrap());
    let line =
        |name: &str, owner, location: &str, plain| (name.to_owned(), owner, location.to_owned(), plain);
    let expected = [
        line("ANTHROPIC_API_KEY", owner, "~/.zshrc", false),
        line("DEEPSEEK_API_KEY", None, "/etc/default/chat", true),
        line("GEMINI_API_KEY", owner, "~/.config/environment.d/ai.conf", true),
        line("GROQ_API_KEY", owner, "~/.config/fish/conf.d/ai.fish", true),
        line("HF_TOKEN", None, "/etc/environment", true),
        line("MISTRAL_API_KEY", owner, "~/.config/systemd/user/chat.service.d/key.conf", true),
        line("OPENAI_API_KEY", owner, "~/.bashrc", true),
        line("XAI_API_KEY", None, "/etc/systemd/system/bot.service", true),
    ];
    assert_eq!(keys(&outcome), expected);
    assert!(!format!("{outcome:?}").contains(SECRET));
    // A newer catalogue may know it; what is no key at all is not remembered.
    let snapshot = outcome.snapshots.iter().find(|snapshot| snapshot.source == "environment-keys").unwrap();
    let unmatched: Vec<&str> = snapshot.unmatched.iter().map(|one| one.identifier.as_str()).collect();
    assert_eq!(unmatched, ["ACME_API_KEY"]);
    assert_eq!(snapshot.completeness, Completeness::Complete);
}

#[test]
fn a_file_that_sets_variables_and_cannot_be_read_is_told() {
    let machine = Machine::new();
    machine.at_home(".profile", "export OPENAI_API_KEY=abcdefghijkl\n");
    symlink("/etc/shadow", machine.home().join(".bashrc")).unwrap();
    machine.at_home(".zshrc", vec![b'#'; 100 * 1024]);
    for file in 0..100 {
        machine.at_home(&format!(".config/environment.d/{file:03}.conf"), "A=1\n");
    }
    let outcome = machine.scan();
    assert_eq!(keys(&outcome).len(), 1);
    let mut problems: Vec<(SourceState, &str)> = Vec::new();
    for problem in outcome.problems.iter().filter(|problem| problem.source == "environment-keys") {
        problems.push((problem.state, &problem.location));
    }
    use SourceState::{Refused, TooLarge};
    assert_eq!(
        problems,
        [(Refused, "~/.bashrc"), (TooLarge, "~/.zshrc"), (TooLarge, "~/.config/environment.d")]
    );
}
