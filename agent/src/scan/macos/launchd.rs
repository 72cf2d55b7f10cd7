//! What launchd starts by itself (launchd.plist(5)): jobs of everybody and of a person whose program a rule knows.

use std::path::Path;

use serde_json::Value;
use umbrascope_rules::SoftwareKind;

use super::super::plist::{self, PLIST_BYTES, text};
use super::super::safe::{Dir, Trouble};
use super::super::source::{Found, Source};

/// Jobs of the system below its root. Apple's own, below `System/Library`, start Apple's own programs.
const SYSTEM: &[&str] = &["Library/LaunchAgents", "Library/LaunchDaemons"];
/// Jobs of a person below the home.
const HOME: &str = "Library/LaunchAgents";
/// Words of a command line that may be the program: an interpreter's script is the second.
const WORDS: usize = 2;

pub(in super::super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for path in SYSTEM {
        read(root, path, None, source);
    }
}

pub(in super::super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    read(home, HOME, Some(&home.absolute()), source);
}

fn read(base: &Dir, path: &str, home: Option<&Path>, source: &mut Source<'_>) {
    let Some(folder) = source.note(base.dir(path), || base.shown_child(path)) else { return };
    for name in source.names(&folder).iter().filter(|name| name.ends_with(".plist")) {
        let location = || folder.shown_child(name);
        let Some(file) = source.note(folder.file(name, PLIST_BYTES), location) else { continue };
        let owner = file.uid;
        let job = file.bytes().and_then(|bytes| parse(&bytes));
        let Some(job) = source.note(job, location) else { continue };
        let known = job.words.iter().find_map(|word| {
            let below = home.and_then(|home| Path::new(word).strip_prefix(home).ok());
            let shown = below.map_or_else(|| word.clone(), |below| format!("~/{}", below.display()));
            source.rule(SoftwareKind::Executable, &shown).map(|rule| (rule, shown))
        });
        let Some((rule, program)) = known else {
            source.pass();
            continue;
        };
        let mut found = Found::new(program).at(location(), owner);
        found.details.title = job.label;
        found.details.enabled = Some(!job.off);
        source.take(rule, found);
    }
}

/// A job, as far as it says what it starts.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Job {
    label: Option<String>,
    words: Vec<String>,
    /// It says of itself that it is not started. What `launchctl disable` switched off stands elsewhere.
    off: bool,
}

pub(in super::super) fn parse(bytes: &[u8]) -> Result<Job, Trouble> {
    let job = plist::parse(bytes)?;
    let arguments = job.get("ProgramArguments").and_then(Value::as_array).into_iter().flatten();
    let arguments = arguments.filter_map(Value::as_str).take(WORDS);
    // Where both stand, the program is what is started and the first argument what it is told it is called.
    let words = text(&job, "Program").into_iter().chain(arguments).map(str::to_owned).collect();
    let off = job.get("Disabled").and_then(Value::as_bool).unwrap_or(false);
    Ok(Job { label: text(&job, "Label").map(str::to_owned), words, off })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Homebrew writes it for its services.
    const JOB: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>KeepAlive</key>
	<true/>
	<key>Label</key>
	<string>homebrew.mxcl.ollama</string>
	<key>ProgramArguments</key>
	<array>
		<string>/opt/homebrew/opt/ollama/bin/ollama</string>
		<string>serve</string>
	</array>
	<key>RunAtLoad</key>
	<true/>
</dict>
</plist>"#;

    #[test]
    fn a_job_says_what_it_starts() {
        let job = parse(JOB.as_bytes()).unwrap();
        assert_eq!(job.label.as_deref(), Some("homebrew.mxcl.ollama"));
        assert_eq!(
            (&job.words[..], job.off),
            (&["/opt/homebrew/opt/ollama/bin/ollama".into(), "serve".into()][..], false)
        );
        for end in 0..JOB.len() {
            let _ = parse(&JOB.as_bytes()[..end]);
        }
    }
}
