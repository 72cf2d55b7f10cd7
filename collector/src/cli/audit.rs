//! `audit`: checks what was exported, with nothing but the file.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use ring::rand::{SecureRandom, SystemRandom};

use super::export::sign;
use super::{CliError, Place, output};
use crate::audit::verify::{Fault, Known, Report, verify};
use crate::audit::{Checkpoint, Note, NoteError, VerifyingKey, sha256, stamp};
use crate::export::ExportError;
use crate::model::text::visible;
use crate::scope;
use crate::serve::control::Ask;
use crate::store::proof::Proof;

/// A checkpoint is a few lines; so is a file with a key.
const MAX_GIVEN_BYTES: u64 = 64 * 1024;
/// An authority's answer, with its certificates.
const MAX_ANSWER_BYTES: u64 = 256 * 1024;
/// A statement lists thousands of systems at the most.
const MAX_STATEMENT_BYTES: u64 = 64 << 20;
/// Entries that are named one by one.
const NAMED: usize = 20;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Check an evidence pack, a JSON export or a signed scope statement (JSON), offline. Exit code: 0 consistent, 1 altered, 2 wrong usage, 3 incomplete,
    /// 4 signed by an unknown key
    Verify(VerifyArgs),
    /// Sign what the trail comes to now, and print it: keep it elsewhere, for `verify --since`
    Checkpoint,
    /// Print the key that checks what this collector signs, for `verify --vkey`, and its fingerprint
    Key,
    /// Sign with another key from now on. The old one signs that, and is gone
    RotateKey,
    /// Write a request for a time stamp (RFC 3161) of the newest checkpoint to FILE, for an authority of your choice
    StampRequest {
        /// Where to write it
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Take the authority's answer from FILE; it goes along in evidence packs
    StampAnswer {
        /// The answer, as the authority sent it
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// File with a checkpoint that you kept: the log has to go on from it
    #[arg(long, value_name = "CHECKPOINT")]
    since: Option<PathBuf>,
    /// Key that you trust, NAME+ID+BASE64, or a file with it. Default: the one in FILE, whose fingerprint is printed
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
    /// Evidence pack, JSON export or signed scope statement
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Runs the command; the exit code.
pub(super) fn run(place: &Place, command: AuditCommand) -> Result<u8, CliError> {
    let ask = match command {
        AuditCommand::Verify(args) => return check(args),
        AuditCommand::Checkpoint => Ask::Checkpoint,
        AuditCommand::RotateKey => Ask::RotateKey,
        AuditCommand::StampRequest { file } => return stamp_request(place, &file),
        AuditCommand::StampAnswer { file } => return stamp_answer(place, &file),
        AuditCommand::Key => {
            let keys = place.data_dir(&place.config()?)?.audit_keys()?;
            println!("{}", keys.vkey());
            eprintln!("fingerprint {}", keys.vkey().fingerprint());
            return Ok(0);
        }
    };
    let config = place.config()?;
    print!("{}", sign(&config, &place.data_dir(&config)?, &ask)?);
    Ok(0)
}

fn stamp_request(place: &Place, path: &Path) -> Result<u8, CliError> {
    let config = place.config()?;
    let note = sign(&config, &place.data_dir(&config)?, &Ask::Checkpoint)?;
    let mut nonce = [0; 8];
    let random = SystemRandom::new().fill(&mut nonce);
    random.map_err(|_| CliError::Failed("the system gave no random numbers".to_owned()))?;
    let request = stamp::request(&sha256(&[note.as_bytes()]), u64::from_be_bytes(nonce));
    std::fs::write(path, request).map_err(CliError::io("write the request"))?;
    println!("{}: send it to the authority, and give its answer to `audit stamp-answer`", path.display());
    Ok(0)
}

fn stamp_answer(place: &Place, path: &Path) -> Result<u8, CliError> {
    let mut answer = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_ANSWER_BYTES).read_to_end(&mut answer));
    read.map_err(|error| CliError::Usage(format!("{}: {error}", path.display())))?;
    let refused = |what: &str| CliError::Failed(format!("{}: {what}", path.display()));
    let stamp = stamp::read(&answer).map_err(|error| refused(&error.to_string()))?;
    let opened = place.open()?;
    let mut found = None;
    let looked = opened.store.evidence(&mut |evidence| {
        let notes = evidence.checkpoints()?;
        found = notes.into_iter().find(|note| sha256(&[note.to_string().as_bytes()]) == stamp.imprint);
        Ok(())
    });
    looked.map_err(ExportError::from)?;
    let checkpoint = found.as_ref().and_then(|note| Checkpoint::of(note).ok());
    let size = checkpoint.ok_or_else(|| refused("it is of none of this collector's checkpoints"))?.size;
    opened.store.keep_stamp(size, answer)?;
    opened.store.close();
    println!("the checkpoint of {size} entries is stamped with {}", stamp.at);
    Ok(0)
}

/// Needs no data folder and reads no configuration.
fn check(args: VerifyArgs) -> Result<u8, CliError> {
    let since = args.since.as_deref().map(given_note).transpose()?;
    let vkey = args.vkey.as_deref().map(given_key).transpose()?;
    let known = Known { since, vkey };
    let unreadable = |error: io::Error| CliError::Usage(format!("{}: {error}", args.file.display()));
    let file = File::open(&args.file).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(CliError::Usage(format!("{} is no file", args.file.display())));
    }
    if let Some(text) = statement(&args.file).map_err(unreadable)? {
        return check_statement(&text, &known);
    }
    let report = verify(BufReader::new(file), &known).map_err(unreadable)?;
    print(&report, &known, &mut io::stdout().lock()).map_err(CliError::io("print the report"))?;
    Ok(report.verdict().code())
}

/// The text of a signed scope statement; `None`: the file is something else.
fn statement(path: &Path) -> io::Result<Option<String>> {
    let file = File::open(path)?;
    let (mut bytes, mut file) = (Vec::new(), BufReader::new(file));
    (&mut file).take(100).read_to_end(&mut bytes)?;
    let begin: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if !begin.starts_with(b"{\"document\":{") {
        return Ok(None);
    }
    file.take(MAX_STATEMENT_BYTES).read_to_end(&mut bytes)?;
    String::from_utf8(bytes).map(Some).map_err(|_| io::Error::other("it is not UTF-8"))
}

/// Checks a signed scope statement with the key that was given, or with its own.
fn check_statement(text: &str, known: &Known) -> Result<u8, CliError> {
    let own = || {
        let file: serde_json::Value = serde_json::from_str(text).ok()?;
        file["vkey"].as_str()?.parse::<VerifyingKey>().ok()
    };
    let (code, words) = match known.vkey.clone().or_else(own) {
        None => (3, "incomplete: it names no key, and none was given with --vkey".to_owned()),
        Some(key) => match scope::verify(text, std::slice::from_ref(&key)) {
            Ok(verified) => {
                let whose = match known.vkey {
                    Some(_) => "the one given with --vkey",
                    None => {
                        "of the file itself: compare this fingerprint with one that you were given elsewhere"
                    }
                };
                let (document, hash) = (verified.document, verified.hash);
                let origin = visible(&document.log.origin);
                println!("checked  scope statement {} of {origin}", document.content.number);
                println!("hash     {hash}");
                println!("key      {} ({whose})", key.fingerprint());
                println!("log      {} entries, root {}", document.log.size, visible(&document.log.root));
                (0, "consistent".to_owned())
            }
            Err(scope::VerifyError::Note(NoteError::Unknown)) => (4, "signed by an unknown key".to_owned()),
            Err(error) => (1, visible(&super::chain(&error))),
        },
    };
    println!("{words}");
    Ok(code)
}

fn print(report: &Report, known: &Known, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = Vec::new();
    let mut row = |name: &str, text: String| rows.push(vec![name.to_owned(), text]);
    row("checked", report.kind.to_owned());
    if let Some(origin) = &report.origin {
        row("log", origin.clone());
    }
    if let Some(key) = &report.key {
        let whose = match (&known.vkey, report.key_given) {
            (Some(given), _) if given == key => "the one given with --vkey",
            (_, true) => "of the file, which the one given with --vkey has to lead to",
            _ => "of the file itself: compare this fingerprint with one that you were given elsewhere",
        };
        row("key", format!("{} ({whose})", key.fingerprint()));
    }
    row("entries", report.entries.to_string());
    if let Some((first, last)) = report.span_ms {
        row("first, last", format!("{}, {}", output::moment(Some(first)), output::moment(Some(last))));
    }
    if let Some(checkpoint) = &report.checkpoint {
        let at = output::moment(Some(checkpoint.at_ms));
        row("checkpoint", format!("{} entries, root {}, {at}", checkpoint.size, checkpoint.root));
    }
    row("earlier checkpoints", report.earlier.to_string());
    if report.files > 0 {
        row("files", format!("{} as their checksums say", report.files));
    }
    row("records", format!("{} compared with what the entries come to", report.records));
    if report.snapshots > 0 {
        row("monthly snapshots", format!("{} as their records say", report.snapshots));
    }
    if report.withheld > 0 {
        row("withheld", format!("{} records whose payloads were redacted", report.withheld));
    }
    if !report.redacted.is_empty() {
        let entries = some(report.redacted.iter().map(u64::to_string), report.redacted.len());
        row("redacted", format!("{} payloads: entries {entries}", report.redacted.len()));
    }
    for rotation in &report.rotations {
        row("key changed", format!("in entry {rotation}"));
    }
    if !report.setbacks.is_empty() {
        let steps = report.setbacks.iter().map(|step| format!("{} by {} ms", step.seq, step.by_ms));
        row("clock set back", format!("before entry {}", some(steps, report.setbacks.len())));
    }
    for (size, at) in &report.stamps {
        row(
            "time stamp",
            format!("of the checkpoint of {size} entries, {at}; check its signature with openssl ts"),
        );
    }
    match (&known.since, report.since) {
        (Some(_), Some(size)) => {
            row("since", format!("the log goes on from the checkpoint of {size} entries"))
        }
        (Some(_), None) => row("since", "the log was not shown to go on from the checkpoint".to_owned()),
        (None, _) => {}
    }
    for finding in report.findings() {
        let word = match finding.fault {
            Fault::Altered => "ALTERED",
            Fault::Incomplete => "INCOMPLETE",
            Fault::UnknownKey => "UNKNOWN KEY",
        };
        row(word, format!("{}: {}", finding.place, finding.what));
    }
    if report.more() > 0 {
        row("and", format!("{} more of the kind", report.more()));
    }
    let result = report.verdict().as_str();
    row("result", result.to_owned());
    output::table(out, &["WHAT", "FOUND"], &rows)
}

fn some(items: impl Iterator<Item = String>, all: usize) -> String {
    let named: Vec<String> = items.take(NAMED).collect();
    let rest = all - named.len();
    if rest == 0 { named.join(", ") } else { format!("{} and {rest} more", named.join(", ")) }
}

fn given_note(path: &Path) -> Result<Note, CliError> {
    let text = small_file(path)?;
    Note::read(&text)
        .map_err(|error| CliError::Usage(format!("{} holds no checkpoint: {error}", path.display())))
}

fn given_key(text: &str) -> Result<VerifyingKey, CliError> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    let path = Path::new(text);
    if !path.exists() {
        return Err(CliError::Usage(
            "--vkey is neither a key, NAME+ID+BASE64, nor a file with one".to_owned(),
        ));
    }
    let key = small_file(path)?;
    key.trim_end().parse().map_err(|error| CliError::Usage(format!("{}: {error}", path.display())))
}

fn small_file(path: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_GIVEN_BYTES).read_to_string(&mut text));
    read.map_err(|error| CliError::Usage(format!("{}: {error}", path.display())))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::verify::verify;

    #[test]
    fn what_is_wrong_with_the_question_is_usage() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        std::fs::write(&file, "nothing").unwrap();
        let run = |since: Option<&Path>, vkey: Option<&str>, file: &Path| {
            let args = VerifyArgs {
                since: since.map(Path::to_owned),
                vkey: vkey.map(str::to_owned),
                file: file.to_owned(),
            };
            check(args)
        };
        for refused in [
            run(None, None, &dir.path().join("none")),
            run(None, None, dir.path()),
            run(Some(&file), None, &file),
            run(None, Some("no key"), &file),
            run(None, file.to_str(), &file),
        ] {
            assert!(matches!(refused, Err(CliError::Usage(_))), "{refused:?}");
        }
        assert_eq!(run(None, None, &file).unwrap(), 3);
    }

    #[test]
    fn a_signed_scope_statement_is_checked_too() {
        use crate::audit::{Hash, Keys};
        use crate::export::scope::{ScopeFormat, write};
        use crate::scope::{Approval, Content, Names, Statement, seal, sheet};

        let keys = Keys::load(&Keys::create("host.example/aims/demo").unwrap()).unwrap();
        let by = |person| Some(Approval { person, role: "reviewer".into(), at_ms: 5 });
        let mut statement = Statement {
            number: 1,
            content: Some(Content { number: 1, policy: "2026-1".into(), ..Content::default() }),
            approved: by(1),
            countersigned: by(2),
            ..Statement::default()
        };
        statement.seal = Some(seal(&statement, 3, Hash([7; 32]), &keys).unwrap());
        let sheet = sheet(&statement, None, false, &Names::default());
        let json = write(ScopeFormat::Json, &statement, &sheet, &keys.vkey().to_string()).unwrap().unwrap();
        let json = String::from_utf8(json).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("statement.json");
        let code = |text: &str, vkey: Option<String>| {
            std::fs::write(&file, text).unwrap();
            check(VerifyArgs { since: None, vkey, file: file.clone() }).unwrap()
        };
        assert_eq!(code(&json, None), 0);
        assert_eq!(code(&json, Some(keys.vkey().to_string())), 0);
        let laid_out: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(code(&laid_out.to_string(), None), 0);
        assert_eq!(code(&json.replace("2026-1", "2026-2"), None), 1);
        assert_eq!(code(&json.replace("\"vkey\"", "\"key\""), None), 3);
        let other = Keys::load(&Keys::create("host.example/aims/demo").unwrap()).unwrap();
        assert_eq!(code(&json, Some(other.vkey().to_string())), 4);
    }

    #[test]
    fn hostile_text_of_a_file_does_not_reach_the_terminal() {
        let known = Known::default();
        let report = verify(io::Cursor::new(b"{\"trail\":\"\x1b[31m\"}"), &known).unwrap();
        let mut out = Vec::new();
        print(&report, &known, &mut out).unwrap();
        assert!(!out.contains(&0x1b) && out.ends_with(b"\n"));
    }
}
