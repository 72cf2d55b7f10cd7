//! What matching a name costs, by size of the catalogue, beside a plain hash of suffixes and an Aho-Corasick over the
//! same patterns and the same names; then load time and memory. Budgets: 100 ns a name at 10,000 indicators, flat in
//! size; load 20 ms; 4 MB.
//!
//! `cargo bench -p umbrascope-e2e --bench match_name`. Times are those of the fastest of several rounds.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::fs;
use std::hint::black_box;
use std::time::Instant;

use aho_corasick::AhoCorasick;
use umbrascope_rules::bundle::{self, Draft, Kind};
use umbrascope_rules::{Catalogue, Date, IndicatorKind, Matcher};

const ROUNDS: usize = 25;
/// Names asked for in a round.
const NAMES: usize = 20_000;

fn main() {
    load();
    load_bundle();
    println!(
        "{:>10} {:>12} {:>14} {:>14} {:>12} {:>10}",
        "indicators", "ours ns", "hash ns", "aho ns", "build ms", "table KiB"
    );
    for size in [1_000, 10_000, 50_000] {
        let text = synthetic(size);
        let catalogue = Catalogue::parse(&[("v.toml", &text)]).expect("the synthetic catalogue is right");
        row(&catalogue, &names(size));
    }
    println!("\nthe embedded catalogue, {} indicators:", count(Catalogue::embedded()));
    row(Catalogue::embedded(), &real_names());
}

/// Comes first, while the memory of the process is still untouched.
fn load() {
    let before = resident_kib();
    let started = Instant::now();
    let matcher = black_box(Matcher::embedded());
    let cold = started.elapsed();
    let grown = resident_kib().saturating_sub(before);
    let warm = best(|| {
        black_box(Matcher::embedded());
    });
    println!(
        "matcher of the embedded catalogue: first load {:.2} ms, best {:.2} ms; tables {} KiB, resident set grown by {grown} KiB\n",
        cold.as_secs_f64() * 1e3,
        warm as f64 / 1e6,
        matcher.table_bytes() / 1024
    );
}

/// The same catalogue from a signed bundle: what an agent does before it goes over to it.
fn load_bundle() {
    let pair = minisign::KeyPair::generate_unencrypted_keypair().expect("a key");
    let key = [pair.pk.to_base64().parse().expect("a public key")];
    let (today, expires) = (Catalogue::embedded().date(), Date::from_days(100_000));
    let draft = Draft::of_catalogue(Catalogue::embedded(), today, expires).expect("a draft");
    let signature = minisign::sign(None, &pair.sk, draft.to_sign(), Some("c"), None).expect("a signature");
    let bytes = draft.sign(&signature.to_string()).expect("a bundle");
    let read = || {
        let bundle = bundle::read(&bytes, &key, Kind::Catalogue).expect("it reads");
        black_box(bundle.matcher().expect("a matcher"))
    };
    let (matcher, time) = (read(), best(|| drop(read())));
    println!(
        "matcher of a bundle of {} KiB: checked, unpacked and loaded in {:.2} ms; tables and texts {} KiB\n",
        bytes.len() / 1024,
        time as f64 / 1e6,
        matcher.table_bytes() / 1024
    );
}

fn row(catalogue: &Catalogue, names: &[String]) {
    let matcher = Matcher::new(catalogue);
    let suffixes = HashSuffixes::new(catalogue);
    let aho = Aho::new(catalogue);
    // In one run of memory, as names lie that were read a moment ago.
    let packed = names.join("\n");
    let in_order: Vec<&str> = packed.lines().collect();
    let hits = names.iter().filter(|name| matcher.name(name).is_some()).count();
    let each = |find: &dyn Fn(&str) -> bool| {
        best(|| {
            for name in &in_order {
                black_box(find(black_box(name)));
            }
        }) as f64
            / names.len() as f64
    };
    let ours = each(&|name| matcher.name(name).is_some());
    let hash = each(&|name| suffixes.find(name));
    let automaton = each(&|name| aho.find(name));
    let build = best(|| {
        black_box(Matcher::new(catalogue));
    });
    println!(
        "{:>10} {ours:>12.1} {hash:>14.1} {automaton:>14.1} {:>12.2} {:>10}   ({hits} of {} names match)",
        count(catalogue),
        build as f64 / 1e6,
        matcher.table_bytes() / 1024,
        names.len()
    );
}

fn count(catalogue: &Catalogue) -> usize {
    catalogue.rules().iter().map(|rule| rule.indicators.len()).sum()
}

/// Four fifths suffixes, the rest exact names and stars, as a real catalogue has them.
fn synthetic(size: usize) -> String {
    let mut text = "[vendor]\nid = \"v\"\nname = \"V\"\n[[product]]\nid = \"v.p\"\nname = \"P\"\nkind = \"service\"\ncategory = \
                    \"assistant\"\ndescription = \"P.\"\n"
        .to_owned();
    for rule in 0..size / 10 {
        let patterns = |kind: &str| -> String {
            let listed: Vec<String> = match kind {
                "suffix" => (0..8).map(|n| format!("\"{}\"", domain(rule * 8 + n))).collect(),
                "exact" => vec![format!("\"api.eu.{}\"", domain(rule * 8))],
                _ => vec![format!("\"edge-*.cdn.{}\"", domain(rule * 8 + 1))],
            };
            format!("{kind} = [{}]\n", listed.join(", "))
        };
        let head = format!("[[rule]]\nid = \"v.p.r{rule}\"\nproduct = \"v.p\"\nconfidence = \"high\"\n");
        let source = "source_url = \"https://docs.vendor.dev\"\nsource_type = \"first_party\"\nlast_checked = 2026-11-21\n";
        let lists = patterns("suffix") + &patterns("exact") + &patterns("glob");
        write!(text, "{head}{source}{lists}").expect("writing to a string does not fail");
    }
    text
}

fn domain(number: usize) -> String {
    let tld = ["com", "ai", "io", "dev", "net"][number % 5];
    format!("{}{number}.{tld}", ["chat", "vision-model", "copilot", "agents", "speech"][number % 5])
}

/// A third of the names match; the others are of the same shape, half of them under top-level domains that the
/// catalogue knows.
fn names(size: usize) -> Vec<String> {
    let mut seed = 7;
    (0..NAMES)
        .map(|at| {
            let number = next(&mut seed) as usize % size;
            match at % 6 {
                0 => domain(number),
                1 => format!("api.{}", domain(number)),
                2 => format!("www.shop{number}.com"),
                3 => format!("r{}---sn-4g5e.cdn{number}.example.org", at % 9),
                4 => format!("static.assets{number}.de"),
                _ => format!("not{}", domain(number)),
            }
        })
        .collect()
}

/// The examples and counter-examples of the catalogue itself.
fn real_names() -> Vec<String> {
    let rules = Catalogue::embedded().rules();
    let names = rules.iter().flat_map(|rule| rule.examples.iter().chain(&rule.counter_examples));
    names.filter(|name| !name.contains(':')).map(|name| name.to_string()).collect()
}

fn next(seed: &mut u64) -> u64 {
    // xorshift64: any spread will do, but the same one in each run.
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// What one would write first: a set of suffixes, asked for each parent of the name; no stars.
struct HashSuffixes {
    suffixes: HashSet<String>,
    exact: HashSet<String>,
}

impl HashSuffixes {
    fn new(catalogue: &Catalogue) -> HashSuffixes {
        let of = |kind| catalogue.indicators(kind).map(|(_, pattern)| pattern.to_owned()).collect();
        HashSuffixes { suffixes: of(IndicatorKind::Suffix), exact: of(IndicatorKind::Exact) }
    }

    fn find(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let mut parents =
            std::iter::successors(Some(&*name), |name| name.split_once('.').map(|(_, rest)| rest));
        self.exact.contains(&name) || parents.any(|parent| self.suffixes.contains(parent))
    }
}

/// An automaton over all suffixes, hits then held against the end of the name and the label boundary.
struct Aho {
    automaton: AhoCorasick,
    exact: HashMap<usize, ()>,
}

impl Aho {
    fn new(catalogue: &Catalogue) -> Aho {
        let suffixes: Vec<&str> =
            catalogue.indicators(IndicatorKind::Suffix).map(|(_, pattern)| pattern).collect();
        let exact: Vec<&str> =
            catalogue.indicators(IndicatorKind::Exact).map(|(_, pattern)| pattern).collect();
        let first_exact = suffixes.len();
        let patterns: Vec<&str> = suffixes.into_iter().chain(exact).collect();
        let exact = (first_exact..patterns.len()).map(|at| (at, ())).collect();
        Aho { automaton: AhoCorasick::new(patterns).expect("the patterns are plain"), exact }
    }

    fn find(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.automaton.find_overlapping_iter(&name).any(|hit| {
            let start = hit.start();
            let whole = start == 0;
            let exact = self.exact.contains_key(&hit.pattern().as_usize());
            hit.end() == name.len() && (whole || !exact && name.as_bytes()[start - 1] == b'.')
        })
    }
}

/// Nanoseconds of the fastest round, the one that nothing else on the machine disturbed: CPU time, near enough.
/// The counters that the system keeps of CPU time advance by whole ticks, which is too coarse here.
fn best(mut work: impl FnMut()) -> u64 {
    let timed = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        work();
        started.elapsed().as_nanos() as u64
    });
    timed.min().unwrap_or_default()
}

fn resident_kib() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}
