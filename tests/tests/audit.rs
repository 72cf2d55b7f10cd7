//! The audit trail from the outside: exports of the program checked by the program, and by a verifier that shares nothing with it but its
//! documentation.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::services::soon;
use umbrascope_e2e::{have_command, require, workspace_root};

/// A data folder, and files beside it.
struct Place(tempfile::TempDir);

impl Place {
    /// With some entries, a change of the key, and more entries.
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a temporary folder"));
        place.done(&["init"]);
        for _ in 0..4 {
            place.done(&["export", "evidence-pack"]);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(&programs().collector);
        command.arg("--data-dir").arg(self.path("data")).args(words);
        command
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .expect("the collector can be started")
    }

    fn done(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a script in the folder.
    fn shell(&self, script: &str) {
        let output = Command::new("sh").args(["-ec", script]).current_dir(self.0.path()).output();
        let output = output.expect("a shell");
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Exit code of `audit verify`.
    fn verify(&self, words: &[&str]) -> i32 {
        self.run(&[&["audit", "verify"], words].concat()).status.code().expect("an exit code")
    }
}

/// The Python that has the tree of another make.
fn python() -> Option<String> {
    let python = std::env::var("UMBRASCOPE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).args(["-c", "import pymerkle"]).output();
    let has = has.is_ok_and(|output| output.status.success()) && have_command("openssl");
    require("pymerkle (a Python module) and openssl", has).then_some(python)
}

fn independently(python: &str, pack: &Path) -> Result<Value, String> {
    let script = workspace_root().join("tests/tests/audit/verify.py");
    let output =
        Command::new(python).args(["-W", "ignore"]).arg(script).arg(pack).output().expect("python starts");
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout).expect("its answer is JSON"));
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_verifier_written_from_the_documentation_agrees() {
    let Some(python) = python() else { return };
    let place = Place::new();
    place.done(&["audit", "rotate-key"]);
    place.done(&["export", "evidence-pack", "-o", "pack"]);
    let said = independently(&python, &place.path("pack")).expect("the pack is consistent");
    assert_eq!(
        (&said["entries"], &said["keys"], &said["earlier"]),
        (&6.into(), &2.into(), &5.into()),
        "{said}"
    );
    let own = place.done(&["audit", "verify", "pack"]);
    assert!(own.contains(said["root"].as_str().expect("a root")), "{own}");
    // Both refuse the same changes.
    let pack = fs::read(place.path("pack")).expect("the pack is there");
    for needle in ["export.make", "\"prev\":", "export/evidence", "reason", "time 1", "host.example"] {
        let Some(at) = pack.windows(needle.len()).rposition(|window| window == needle.as_bytes()) else {
            continue;
        };
        let mut changed = pack.clone();
        changed[at] ^= 1;
        fs::write(place.path("changed"), changed).expect("the copy is written");
        assert_eq!(place.verify(&["changed"]), 1, "{needle}");
        assert!(independently(&python, &place.path("changed")).is_err(), "{needle}");
    }
}

#[test]
fn each_way_to_tamper_has_its_exit_code() {
    let place = Place::new();
    place.done(&["export", "evidence-pack", "-o", "pack"]);
    place.done(&["export", "json", "-o", "json"]);
    fs::write(place.path("checkpoint"), place.done(&["audit", "checkpoint"])).expect("it is written");
    let key = place.done(&["audit", "key"]);
    for file in ["pack", "json"] {
        assert_eq!(place.verify(&[file]), 0, "{file}");
        assert_eq!(place.verify(&["--vkey", key.trim(), "--since", "checkpoint", file]), 0, "{file}");
        let bytes = fs::read(place.path(file)).expect("it is there");
        let code = |changed: &[u8]| {
            fs::write(place.path("changed"), changed).expect("the copy is written");
            place.verify(&["changed"])
        };
        for part in 1..8 {
            let mut changed = bytes.clone();
            changed[bytes.len() * part / 8] ^= 4;
            let code = code(&changed);
            // A JSON export may be no JSON any more, and then it looks cut short.
            assert!(
                code == 1 || (file == "json" && code == 3),
                "{file}, byte {}: {code}",
                bytes.len() * part / 8
            );
        }
        assert_eq!(code(&bytes[..bytes.len() / 2]), 3, "half of {file}");
        assert_eq!(code(&[&bytes[..], b"\n"].concat()), 1, "{file} and more");
    }
    let other = Place::new();
    other.done(&["export", "evidence-pack", "-o", "pack"]);
    let foreign = other.path("pack");
    let foreign = foreign.to_str().expect("a path of ASCII");
    assert_eq!(place.verify(&["--vkey", key.trim(), foreign]), 4);
    assert_eq!(place.verify(&["--since", "checkpoint", foreign]), 4);
    assert_eq!(place.verify(&["none"]), 2);
    assert_eq!(place.verify(&["--vkey", "no key", "pack"]), 2);
    assert_eq!(place.verify(&[]), 2);
    // The same log as it was before: only who kept the later checkpoint notices.
    place.done(&["export", "evidence-pack"]);
    fs::write(place.path("later"), place.done(&["audit", "checkpoint"])).expect("it is written");
    assert_eq!(place.verify(&["pack"]), 0);
    assert_eq!(place.verify(&["--since", "later", "pack"]), 1);
}

/// Answers each request for a time stamp with the authority of `tsa.cnf` in a folder; its port.
fn authority(folder: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it has an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a connection"));
            let (mut line, mut length, mut kind) = (String::new(), 0, String::new());
            while stream.read_line(&mut line).expect("a head") > 2 {
                let (name, value) = line.split_once(':').unwrap_or_default();
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim().parse().expect("a length"),
                    "content-type" => value.trim().clone_into(&mut kind),
                    _ => {}
                }
                line.clear();
            }
            assert_eq!(kind, "application/timestamp-query");
            let mut asked = vec![0; length];
            stream.read_exact(&mut asked).expect("a request");
            fs::write(folder.join("asked.tsq"), asked).expect("it is written");
            let words =
                ["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "asked.tsq", "-out", "answer.tsr"];
            let openssl = Command::new("openssl").args(words).current_dir(&folder).output();
            assert!(openssl.is_ok_and(|output| output.status.success()), "openssl answers");
            let answer = fs::read(folder.join("answer.tsr")).expect("an answer");
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/timestamp-reply\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            let stream = stream.get_mut();
            stream.write_all(&[head.as_bytes(), &answer].concat()).expect("the answer is taken");
        }
    });
    port
}

/// A child that is ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_running_collector_has_its_checkpoints_stamped_by_the_authority_that_is_configured() {
    if !require("openssl", have_command("openssl")) {
        return;
    }
    let place = Place::new();
    place.shell(AUTHORITY);
    let port = authority(place.0.path().to_owned());
    let listen = "listen = \"127.0.0.1:0\"\n";
    let config = format!(
        "[people]\n{listen}[agents]\n{listen}[time_stamps]\nauthority = \"http://127.0.0.1:{port}/tsr\"\n"
    );
    fs::write(place.path("collector.toml"), config).expect("it is written");
    let mut command = Command::new(&programs().collector);
    command.arg("--data-dir").arg(place.path("data")).arg("--config").arg(place.path("collector.toml"));
    let log = fs::File::create(place.path("log")).expect("a log");
    let serve = command.arg("serve").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
    let _running = Ended(serve.expect("the collector starts"));
    let stamped = soon(Duration::from_secs(90), || {
        place.run(&["export", "evidence-pack", "-o", "pack"]).status.success()
            && place.done(&["audit", "verify", "pack"]).contains("time stamp")
    });
    let log = fs::read_to_string(place.path("log")).unwrap_or_default();
    assert!(stamped, "{log}");
    // The checkpoint that it is of is among the earlier ones: openssl takes the stamp for it, and for nothing else.
    place.shell("mkdir out && tar xf pack -C out && cp out/timestamps/*.tsr packed.tsr");
    let lines = fs::read_to_string(place.path("out/checkpoints.jsonl")).expect("checkpoints");
    let notes = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("a checkpoint"));
    let verified = notes.filter(|line| {
        fs::write(place.path("note"), line["note"].as_str().expect("a note")).expect("it is written");
        let words = ["ts", "-verify", "-data", "note", "-in", "packed.tsr", "-CAfile", "tsa.pem"];
        let openssl = Command::new("openssl").args(words).current_dir(place.0.path()).output();
        openssl.expect("openssl starts").status.success()
    });
    assert_eq!(verified.count(), 1, "{log}");
}

/// Makes a time-stamping authority in the folder.
const AUTHORITY: &str =
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.key -out tsa.pem -days 2 \
       -subj /CN=authority.example -addext extendedKeyUsage=critical,timeStamping 2>log
     printf '[tsa]\\ndefault_tsa = t\\n[t]\\nserial = serial\\nsigner_cert = tsa.pem\\nsigner_key = tsa.key\\n' >tsa.cnf
     printf 'signer_digest = sha256\\ndefault_policy = 1.2.3.4\\ndigests = sha256\\n' >>tsa.cnf
     echo 01 >serial";

#[test]
fn a_time_stamp_of_an_authority_goes_along() {
    if !require("openssl", have_command("openssl")) {
        return;
    }
    let place = Place::new();
    let shell = |script: &str| place.shell(script);
    shell(AUTHORITY);
    place.done(&["audit", "stamp-request", "q.tsq"]);
    shell("openssl ts -reply -config tsa.cnf -queryfile q.tsq -out a.tsr 2>log");
    fs::write(place.path("checkpoint"), place.done(&["audit", "checkpoint"])).expect("it is written");
    shell("openssl ts -verify -data checkpoint -in a.tsr -CAfile tsa.pem");
    place.done(&["audit", "stamp-answer", "a.tsr"]);
    place.done(&["export", "evidence-pack", "-o", "pack"]);
    let said = place.done(&["audit", "verify", "pack"]);
    assert!(said.contains("time stamp") && said.contains("the checkpoint of 4 entries"), "{said}");
    shell(
        "tar xOf pack timestamps/4.tsr >packed.tsr && openssl ts -verify -data checkpoint -in packed.tsr -CAfile tsa.pem",
    );
    // The answer for something else is not taken.
    shell(
        "openssl ts -query -data tsa.cnf -sha256 -out other.tsq 2>log
         openssl ts -reply -config tsa.cnf -queryfile other.tsq -out other.tsr 2>log",
    );
    assert!(!place.run(&["audit", "stamp-answer", "other.tsr"]).status.success());
}
