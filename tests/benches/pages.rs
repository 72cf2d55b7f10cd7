//! What pages cost over a large fleet while the writer commits, beside a page that reads no record, in the same run: a fleet of 100,000 assets
//! and 10 million activity rows on top of the demonstration with its decisions, findings, campaign and statements. Each page is asked for over
//! one kept connection: once cold, then again and again. Budget: 50 ms at the 95th percentile of the worst page.
//!
//! Run with `cargo bench -p umbrascope-e2e --bench pages [-- --quick]`; the quick fleet has a twentieth of it.
//! UMBRASCOPE_BENCH_DATA names a folder that keeps the fleet for the next run.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark that cannot go on has nothing better to do than stop"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use umbrascope_api::{
    ActivityRow, Batch, Channel, CoverageReport, Day, Epoch, Evidence, MachineId, SensorId, SensorInfo,
};
use umbrascope_collector::clock::Clock;
use umbrascope_collector::config::Config;
use umbrascope_collector::datadir::DataDir;
use umbrascope_collector::model::{NewToken, TokenId};
use umbrascope_collector::serve;
use umbrascope_collector::store::sqlite::Options;
use umbrascope_collector::store::{Enrolment, NewCertificate, Report, Store};
use umbrascope_e2e::programs::released;
use umbrascope_rules::Catalogue;

/// Assets beside those of the demonstration, and activity rows of each.
const ASSETS: u64 = 98_000;
const ROWS: u64 = 103;
/// Units that they are of.
const UNITS: u64 = 200;
/// Products that they show.
const PRODUCTS: usize = 600;
/// Times that each page is asked for.
const TIMES: usize = 40;
/// Bytes of an answer that are looked at.
const MOST_BYTES: usize = 4 << 20;

fn main() {
    if let Ok(dir) = std::env::var("UMBRASCOPE_BENCH_DIR") {
        serve_one(Path::new(&dir));
        return;
    }
    let quick = std::env::args().any(|word| word == "--quick");
    let (assets, times) = if quick { (ASSETS / 20, TIMES / 4) } else { (ASSETS, TIMES) };
    let kept = std::env::var_os("UMBRASCOPE_BENCH_DATA").map(PathBuf::from);
    let run = tempfile::tempdir().unwrap();
    let folder = kept.unwrap_or_else(|| run.path().to_owned()).join("data");
    if !folder.join("seeded").exists() {
        furnish(&folder, assets);
        std::fs::write(folder.join("seeded"), "").unwrap();
    }
    let link = sign_in_link(&folder);
    let mut server = Command::new(std::env::current_exe().unwrap())
        .env("UMBRASCOPE_BENCH_DIR", &folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let mut visitor = Visitor::new(line.trim().parse().unwrap());
    visitor.sign_in(&link);
    measure(&mut visitor, times);
    drop(server.stdin.take());
    server.wait().unwrap();
}

// ── The fleet ────────────────────────────────────────────────────────────────────────────────

fn furnish(folder: &Path, assets: u64) {
    let began = Instant::now();
    let seeded = Command::new(&released().collector)
        .args(["try", "--demo", "--once", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(seeded.success(), "`try --demo --once` failed");
    // The demonstration makes `admin`, who holds every role that writes.
    println!("demonstration: {:.1} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let now_ms = Clock::system().now_ms();
    let mut options = Options::new(Catalogue::embedded());
    options.queue = 4_096;
    let dir = DataDir::choose(Some(folder.to_owned())).unwrap();
    let store = dir.open(options, now_ms).unwrap();
    for unit in 0..UNITS {
        let token = NewToken {
            unit: format!("Unit {unit:03}"),
            label: String::new(),
            max_uses: u32::try_from(assets).unwrap(),
            expires_at_ms: now_ms + 86_400_000,
            created_by: "bench".into(),
        };
        store.create_token(&TokenId(format!("t{unit}")), &[1; 32], &token, now_ms).unwrap();
    }
    let seen = indicators();
    let (answer, answered) = channel();
    for number in 0..assets {
        let certificate =
            NewCertificate { key_hash: wide(number), issued_at_ms: now_ms, ends_at_ms: now_ms + 1 };
        store
            .enrol(Enrolment {
                token: TokenId(format!("t{}", number % UNITS)),
                secret_hash: [1; 32],
                sensor: sensor(number),
                machine: machine(number),
                info: info(number),
                certificate,
            })
            .unwrap();
    }
    // Work of its own waits for reports that may join a commit: all of it comes before them.
    for number in 0..assets {
        let mut next = Box::new(report(number, 1, &seen, now_ms));
        loop {
            let answer = answer.clone();
            match store.submit(*next, Box::new(move |taken| answer.send(taken.is_ok()).unwrap())) {
                Ok(()) => break,
                Err(back) => next = back,
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    for _ in 0..assets {
        assert!(answered.recv().unwrap());
    }
    store.close();
    println!(
        "fleet: {assets} more assets, {} activity rows in {:.0} s",
        assets * ROWS,
        began.elapsed().as_secs_f64()
    );
}

/// Rules of products, with a value that each matches.
fn indicators() -> Vec<(String, String)> {
    let catalogue = Catalogue::embedded();
    let mut of_product = BTreeMap::new();
    for rule in catalogue.rules().iter().filter(|rule| !rule.deny && !rule.retired) {
        if let Some(indicator) = rule.indicators.first() {
            of_product
                .entry(rule.product.to_string())
                .or_insert((rule.id.to_string(), indicator.pattern.to_string()));
        }
    }
    let step = (of_product.len() / PRODUCTS).max(1);
    of_product.into_values().step_by(step).take(PRODUCTS).collect()
}

/// A number that looks like chance and is the same each time (SplitMix64).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn wide(number: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (at, part) in (0..).zip(bytes.chunks_exact_mut(8)) {
        part.copy_from_slice(&mixed(number * 4 + at).to_le_bytes());
    }
    bytes
}

fn sensor(number: u64) -> SensorId {
    SensorId::from_bytes(*wide(number).first_chunk().unwrap())
}

fn machine(number: u64) -> MachineId {
    MachineId::from_bytes(*wide(number + (1 << 40)).first_chunk().unwrap())
}

fn info(number: u64) -> SensorInfo {
    SensorInfo { hostname: format!("host-{number:06}"), os: "linux".into(), ..SensorInfo::default() }
}

/// Eight products, few of them rare, each on some of the last 30 days.
fn report(number: u64, count: u64, seen: &[(String, String)], now_ms: i64) -> Report {
    let today = Day::from_unix_ms(now_ms);
    let activity = (0..ROWS)
        .map(|at| {
            let chance = mixed(number * 8 + at % 8);
            // The lower of two: common products are common.
            let common = (chance % seen.len() as u64).min((chance >> 20) % seen.len() as u64);
            let (rule, value) = &seen[usize::try_from(common).unwrap()];
            ActivityRow {
                day: today.back(u32::try_from(at / 8 * 2 % 30).unwrap()),
                rule: rule.clone(),
                channel: if at % 2 == 0 { Channel::Tls } else { Channel::Dns },
                subject: None,
                account: None,
                evidence: Evidence { value: value.clone(), ..Evidence::default() },
                count,
            }
        })
        .collect();
    let batch = Batch {
        protocol: 1,
        sensor: sensor(number),
        epoch: Epoch::from_bytes(mixed(number).to_le_bytes()),
        sent_at_ms: now_ms,
        machine: machine(number),
        boot: Epoch::from_bytes([1; 8]),
        info: info(number),
        activity,
        stations: Vec::new(),
        snapshots: Vec::new(),
        suspects: Vec::new(),
        sealed_accounts: Vec::new(),
        coverage: CoverageReport { packets: 1_000, hellos: 250, ..CoverageReport::default() },
    };
    Report {
        sensor: batch.sensor,
        batch,
        refused: Vec::new(),
        unknown_fields: 0,
        suspect_source: format!("bench-{number}"),
        received_at_ms: now_ms,
        next_report_after_s: 300,
    }
}

// ── The server, with a writer that commits meanwhile ─────────────────────────────────────────

fn serve_one(path: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let dir = DataDir::choose(Some(path.to_owned())).unwrap();
        let mut config = Config::default();
        config.people.listen.set_port(0);
        config.agents.listen.set_port(0);
        config.min_free_bytes = Some(0);
        let running = serve::start(&dir, &config, Clock::system()).await.unwrap();
        println!("{}", running.people);
        std::io::stdout().flush().unwrap();
        let (store, stop) = (Arc::clone(&running.app.store), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let writer = std::thread::spawn(move || keep_writing(store.as_ref(), &stopped));
        tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()))
            .await
            .unwrap()
            .unwrap();
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        running.stop().await;
    });
}

/// Fifty reports a second of machines here and there, with new counts.
fn keep_writing(store: &dyn Store, stop: &AtomicBool) {
    let seen = indicators();
    for turn in 2.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let number = mixed(turn) % (ASSETS / 20);
        // One that does not fit in the queue is not missed.
        let _ = store.submit(report(number, turn, &seen, Clock::system().now_ms()), Box::new(|_| ()));
        std::thread::sleep(Duration::from_millis(20));
    }
}

// ── Who looks ────────────────────────────────────────────────────────────────────────────────

fn sign_in_link(folder: &Path) -> String {
    let made = Command::new(&released().collector)
        .args(["user", "link", "admin", "--data-dir"])
        .arg(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(made.stdout).unwrap();
    let at = text.find("/sign-in/link/").expect("a link is printed");
    text[at..].split_whitespace().next().unwrap().to_owned()
}

struct Visitor {
    stream: TcpStream,
    address: SocketAddr,
    cookie: String,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Visitor {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, address, cookie: String::new() }
    }

    fn sign_in(&mut self, link: &str) {
        let page = self.ask("GET", link, "");
        self.cookie = cookies(&page.head);
        if page.status == 303 {
            return;
        }
        let csrf =
            page.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let answer = self.ask("POST", link, &format!("csrf={csrf}"));
        assert_eq!(answer.status, 303, "signing in: {}", answer.body);
        self.cookie = format!("{}; {}", self.cookie, cookies(&answer.head));
    }

    fn ask(&mut self, method: &str, path: &str, form: &str) -> Answer {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {0}\r\norigin: http://{0}\r\ncookie: {1}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {2}\r\n\r\n{form}",
            self.address,
            self.cookie,
            form.len()
        );
        self.stream.write_all(request.as_bytes()).unwrap();
        let (mut bytes, mut part) = (Vec::new(), [0; 65_536]);
        loop {
            let length = self.stream.read(&mut part).unwrap();
            assert!(length > 0 && bytes.len() < MOST_BYTES, "{path}: the answer is cut");
            bytes.extend_from_slice(&part[..length]);
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head
                .split("content-length: ")
                .nth(1)
                .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
            if bytes.len() >= end + 4 + length {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
                return Answer { status, head, body };
            }
        }
    }

    fn get(&mut self, path: &str) -> String {
        let answer = self.ask("GET", path, "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }
}

fn cookies(head: &str) -> String {
    let set = head.lines().filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next().unwrap().to_owned())
    });
    set.collect::<Vec<_>>().join("; ")
}

/// The pages, with the deepest page of each list that has several.
fn places(visitor: &mut Visitor) -> Vec<String> {
    let lists = [
        "/products",
        "/products?q=zz",
        "/products?sort=name&dir=desc",
        "/products?kind=library&confidence=high&channel=tls",
        "/products?unit=7",
        "/inventory",
        "/inventory?q=zz",
        "/inventory?review=pending&sort=review",
        "/inventory?observed=active&unit=7",
        "/review",
        "/review?queue=new",
        "/assets",
        "/assets?q=099",
        "/assets?unit=7&sort=name&dir=desc",
        "/coverage",
        "/findings",
        "/findings?state=all",
        "/tasks",
        "/campaigns",
        "/attest",
        "/trail",
        "/trail?kind=system",
        "/vendors",
        "/catalogue",
        "/people",
        "/units",
        "/tokens",
        "/suspects",
        "/api/v1/products",
        "/api/v1/systems",
        "/api/v1/assets",
    ];
    let mut places: Vec<String> = lists.iter().map(|path| (*path).to_owned()).collect();
    for list in lists {
        let body = visitor.get(list);
        let last = body.split("page=").skip(1).filter_map(|rest| {
            rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse::<u64>().ok()
        });
        if let Some(last) = last.max().filter(|last| *last > 1) {
            places.push(format!("{list}{}page={last}", if list.contains('?') { '&' } else { '?' }));
        }
    }
    for (list, before) in [
        ("/products", "/products/"),
        ("/inventory", "/inventory/AIS-"),
        ("/assets", "/assets/"),
        ("/vendors", "/vendors/"),
        ("/findings?state=all", "/findings/"),
        ("/campaigns", "/campaigns/"),
        ("/trail", "/trail/"),
    ] {
        let body = visitor.get(list);
        let found = body.split("href=\"").filter(|rest| rest.starts_with(before));
        // The first form of the list's own is a link too.
        let of_one = found.filter_map(|rest| rest.split('"').next()).find(|href| !href.ends_with("/new"));
        places.push(of_one.unwrap_or_else(|| panic!("{list} links to nothing")).replace("&amp;", "&"));
    }
    places.extend(
        [
            "/scope",
            "/scope/1",
            "/scope/2",
            "/scope/diff?from=1&to=2",
            "/scope/endpoints",
            "/readiness",
            "/readiness/controls",
        ]
        .into_iter()
        .chain([
            "/indicators",
            "/indicators/K-04",
            "/management-reviews",
            "/policies",
            "/privacy",
            "/privacy/dpia",
        ])
        .chain(["/notice", "/export", "/account"])
        .chain(["/start/security", "/start/security?by=kind", "/start/security?by=unit"])
        .chain(["/start/scope", "/start/it", "/start/privacy"])
        .chain(["/triage", "/triage?queue=new", "/search?q=a", "/search?q=host-0999", "/search?q=zz"])
        .map(str::to_owned),
    );
    places
}

struct Measured {
    path: String,
    cold: f64,
    median: f64,
    p95: f64,
}

fn measure(visitor: &mut Visitor, times: usize) {
    let base = ask_often(visitor, "/static-page-of-nothing", times, 404);
    let mut measured: Vec<Measured> =
        places(visitor).into_iter().map(|path| ask_often(visitor, &path, times, 200)).collect();
    measured.sort_by(|one, other| other.p95.total_cmp(&one.p95));
    println!("{} pages, each {times} times, a writer committing meanwhile; milliseconds:", measured.len());
    println!("{:>8} {:>8} {:>8}", "first", "median", "p95");
    for one in measured.iter().take(20).chain([&base]) {
        println!("{:8.1} {:8.1} {:8.1}  {}", one.cold, one.median, one.p95, one.path);
    }
    let worst = &measured[0];
    let over = measured.iter().filter(|one| one.p95 > 50.0).count();
    println!(
        "the worst page: {:.1} ms (budget 50), {:.0} x the page that reads no record",
        worst.p95,
        worst.p95 / base.p95
    );
    println!("pages over the budget: {over} of {}", measured.len());
}

fn ask_often(visitor: &mut Visitor, path: &str, times: usize, status: u16) -> Measured {
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let began = Instant::now();
        let answer = visitor.ask("GET", path, "");
        took.push(began.elapsed().as_secs_f64() * 1_000.0);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
    let cold = took[0];
    took.sort_by(f64::total_cmp);
    Measured {
        path: path.to_owned(),
        cold,
        median: took[times / 2],
        p95: took[(times * 95).div_ceil(100) - 1],
    }
}
