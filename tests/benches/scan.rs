//! What a scan costs: a home of 200,000 files with 500 packages, 60 extensions and 40 configurations, beside `find`
//! over the same tree; and what a look costs that finds nothing changed since. Prints CPU, wall and peak memory, cold (the caches
//! of the kernel dropped, where that is allowed) and warm (median of the others).
//!
//! `cargo bench -p umbrascope-e2e --bench scan`. Budget: 0.1 s CPU warm, 16 MB.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use umbrascope_agent::scan::{ScanRequest, Watched, scan_changed, scan_watched};
use umbrascope_rules::Matcher;

const FILES: usize = 200_000;
const RUNS: usize = 11;
/// Clock ticks a second in /proc (USER_HZ, fixed in the Linux ABI).
const TICKS: f64 = 100.0;

fn main() {
    if let Some(root) = std::env::var_os("UMBRASCOPE_BENCH_ROOT") {
        let journal = std::env::var_os("UMBRASCOPE_BENCH_JOURNAL").expect("a place for the journal");
        let looking = std::env::var_os("UMBRASCOPE_BENCH_LOOK").is_some();
        return child(Path::new(&root), Path::new(&journal), looking);
    }
    let temp = tempfile::tempdir().expect("a folder for the bench");
    let files = furnish(&temp.path().join("tree"));
    println!("tree: {files} files");
    let journal = temp.path().join("journal");
    let tree = temp.path().join("tree");
    for looking in [false, true] {
        // What was made a moment ago is noted as such, and looked at twice.
        std::thread::sleep(Duration::from_secs(3));
        let what = if looking { "look" } else { "scan" };
        let cold = if drop_caches() { "cold" } else { "first" };
        print(&format!("{what}, {cold}"), run(&tree, &journal, looking));
        let mut warm: Vec<[f64; 3]> = (1..RUNS).map(|_| run(&tree, &journal, looking)).collect();
        warm.sort_by(|a, b| a[0].total_cmp(&b[0]));
        print(&format!("{what}, warm"), warm[warm.len() / 2]);
    }
    let noted = fs::read(&journal).expect("a journal");
    println!("journal: {} places in {} KB", Watched::of(&noted).places, noted.len() / 1024);
    let before = children_ticks();
    let start = Instant::now();
    for _ in 0..RUNS {
        let status = Command::new("find").arg(&tree).arg("-newermt").arg("2100-01-01").status();
        assert!(status.expect("find runs").success());
    }
    let cpu = (children_ticks() - before) / TICKS / RUNS as f64;
    println!("find, warm     cpu {cpu:.3} s  wall {:.3} s", start.elapsed().as_secs_f64() / RUNS as f64);
}

fn print(what: &str, [cpu, wall, peak]: [f64; 3]) {
    println!("{what:<14} cpu {cpu:.3} s  wall {wall:.3} s  peak {peak:.1} MB");
}

/// One scan in a process of its own, so that its peak is its own.
fn run(root: &Path, journal: &Path, looking: bool) -> [f64; 3] {
    let this = std::env::current_exe().expect("the path of this program");
    let mut command = Command::new(this);
    command.env("UMBRASCOPE_BENCH_ROOT", root).env("UMBRASCOPE_BENCH_JOURNAL", journal);
    if looking {
        command.env("UMBRASCOPE_BENCH_LOOK", "1");
    }
    let out = command.output().expect("the child runs");
    let text = String::from_utf8(out.stdout).expect("numbers");
    let mut numbers = text.split_whitespace().map(|number| number.parse().expect("a number"));
    [(); 3].map(|()| numbers.next().expect("three numbers"))
}

/// As the scanner of the service does it, from the word to begin to the journal.
fn child(root: &Path, journal: &Path, looking: bool) {
    let start = Instant::now();
    let request = ScanRequest { deadline: Duration::from_secs(120), ..ScanRequest::tree(root.to_owned()) };
    if looking {
        let noted = fs::read(journal).expect("a journal");
        assert!(scan_changed(&request, &noted, false, Matcher::embedded).is_none(), "nothing changed");
    } else {
        let (outcome, noted) = scan_watched(&request, &Matcher::embedded());
        let found: usize = outcome.snapshots.iter().map(|snapshot| snapshot.items.len()).sum();
        assert!(found >= 80, "only {found} found");
        fs::write(journal, noted).expect("the journal is written");
    }
    let wall = start.elapsed().as_secs_f64();
    let schedstat = fs::read_to_string("/proc/self/schedstat").expect("schedstat");
    let nanoseconds: f64 = schedstat.split(' ').next().and_then(|n| n.parse().ok()).expect("nanoseconds");
    let status = fs::read_to_string("/proc/self/status").expect("status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kilobytes: f64 = peak.trim().trim_end_matches(" kB").parse().expect("kilobytes");
    println!("{} {wall} {}", nanoseconds / 1e9, kilobytes / 1024.0);
}

/// Drops the kernel's caches of files and folders; only root may.
fn drop_caches() -> bool {
    Command::new("sync").status().is_ok() && fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

/// CPU of children that have ended, in clock ticks: fields 16 and 17 of /proc/self/stat (proc_pid_stat(5)).
fn children_ticks() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("stat");
    let after_name = stat.rsplit_once(") ").expect("a name in brackets").1;
    let fields: Vec<f64> = after_name.split(' ').map(|field| field.parse().unwrap_or(0.0)).collect();
    fields[13] + fields[14]
}

fn furnish(root: &Path) -> usize {
    let home = root.join("home/kim");
    let mut files = 0;
    let mut put = |path: PathBuf, text: &str| {
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
        files += 1;
    };
    put(root.join("etc/passwd"), "kim:x:1000:1000::/home/kim:/bin/sh\n");
    let status: String = (0..2000)
        .map(|i| {
            format!(
                "Package: lib-{i}\nStatus: install ok installed\nDepends: {}\nVersion: 1.{i}\n\n",
                "libc6, ".repeat(20)
            )
        })
        .collect();
    put(root.join("var/lib/dpkg/status"), &status);
    let packages = ["openai", "anthropic", "langchain", "transformers", "torch"];
    for i in 0..500 {
        let name = packages.get(i).map_or_else(|| format!("package{i}"), |name| (*name).to_owned());
        let folder =
            home.join(format!("work/service/.venv/lib/python3.12/site-packages/{name}-1.{i}.dist-info"));
        put(
            folder.join("METADATA"),
            &format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.{i}\n\n{}", "text ".repeat(2000)),
        );
    }
    put(home.join("work/service/.venv/pyvenv.cfg"), "home = /usr/bin\n");
    let extensions: Vec<String> = (0..30)
        .map(|i| {
            let id = if i == 0 { "github.copilot".to_owned() } else { format!("publisher.extension{i}") };
            format!(r#"{{"identifier":{{"id":"{id}"}},"version":"1.{i}.0","location":{{"path":"/x/{id}-1.{i}.0"}},"metadata":{{"installedTimestamp":1}}}}"#)
        })
        .collect();
    put(home.join(".vscode/extensions/extensions.json"), &format!("[{}]", extensions.join(",")));
    let mut settings = Vec::new();
    for i in 0..30u8 {
        let id: String = (0..32).map(|at| char::from(b'a' + ((i + at) % 16))).collect();
        put(
            home.join(format!(".config/google-chrome/Default/Extensions/{id}/1.0_0/manifest.json")),
            r#"{"version":"1.0"}"#,
        );
        settings
            .push(format!(r#""{id}":{{"state":1,"location":1,"active_permissions":{{"api":["tabs"]}}}}"#));
    }
    let history = r#"{"a":[1,2,3],"b":"some text that a browser keeps"},"#.repeat(10_000);
    put(
        home.join(".config/google-chrome/Default/Preferences"),
        &format!(r#"{{"x":[{}0],"extensions":{{"settings":{{{}}}}}}}"#, history, settings.join(",")),
    );
    for i in 0..40 {
        let server = |name: &str| {
            format!(
                r#""{name}-{i}":{{"command":"npx","args":["-y","{name}@1.0.{i}"],"env":{{"KEY":"${{KEY}}"}}}}"#
            )
        };
        put(
            home.join(format!("work/project{i}/.mcp.json")),
            &format!(r#"{{"mcpServers":{{{},{}}}}}"#, server("a"), server("b")),
        );
    }
    let history = r#"{"display":"a prompt of some length that is kept","pastedContents":{}},"#.repeat(20_000);
    put(
        home.join(".claude.json"),
        &format!(r#"{{"projects":{{"/home/kim/work":{{"history":[{history}{{}}],"mcpServers":{{}}}}}}}}"#),
    );
    // The rest as a developer's home has it: sources, dependencies, caches.
    let mut i = 0;
    while i < FILES {
        let folder = match i / 100 % 4 {
            0 => format!("work/project{}/src/module{}", i / 5_000, i / 100),
            1 => format!("work/project{}/node_modules/dep{}/lib", i / 5_000, i / 100),
            2 => format!(".cache/tool/{}", i / 100),
            _ => format!("Documents/{}/{}", i / 10_000, i / 100),
        };
        let folder = home.join(folder);
        fs::create_dir_all(&folder).expect("a folder");
        for _ in 0..100 {
            fs::File::create(folder.join(format!("file{i}.txt"))).expect("a file");
            i += 1;
        }
    }
    files + FILES
}
