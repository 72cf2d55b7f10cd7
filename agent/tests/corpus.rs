//! Every capture of the corpus through `replay`, against the names that are known to be in it.
//!
//! The corpus is public captures that are not ours to ship; without it the test says so and passes, unless
//! `UMBRASCOPE_TEST_REQUIRE=all` is set. `UMBRASCOPE_CORPUS` names another folder that holds `pcaps`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use umbrascope_agent::replay;

/// Channel and name.
type Names = BTreeSet<(&'static str, String)>;

/// Recall below which the test fails, in percent. Every name is found; what is not, is a regression.
const BAR_PERCENT: f64 = 100.0;

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("UMBRASCOPE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    Some(folder.join("pcaps")).filter(|folder| folder.join("truth.tsv").is_file())
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split('\n').skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// Names with bytes outside printable ASCII are spelled differently by every tool and not compared.
fn comparable(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'<')
}

#[test]
fn every_name_of_the_corpus_is_found_and_none_is_invented() {
    let Some(folder) = corpus() else {
        assert_ne!(std::env::var("UMBRASCOPE_TEST_REQUIRE").as_deref(), Ok("all"), "the corpus is not there");
        eprintln!("skipped: corpus not present");
        return;
    };
    let mut expected = BTreeMap::<String, Names>::new();
    let mut known = BTreeMap::<String, BTreeSet<String>>::new();
    let mut spelled_oddly = BTreeSet::new();
    for table in ["truth.tsv", "truth-extra.tsv", "truth-doubt.tsv"] {
        for row in rows(&folder.join(table)).into_iter().filter(|row| row.len() > 2) {
            let (file, name) = (row[0].clone(), row[2].to_lowercase().trim_end_matches('.').to_owned());
            if !comparable(&name) {
                spelled_oddly.insert(file);
                continue;
            }
            known.entry(file.clone()).or_default().insert(name.clone());
            let channel = match row[1].as_str() {
                "tls-sni" => "tls",
                "quic-sni" => "quic",
                "dns-query" => "dns",
                _ => continue,
            };
            if table == "truth.tsv" {
                expected.entry(file).or_default().insert((channel, name));
            }
        }
    }
    let mut recall = BTreeMap::<&str, (usize, usize)>::new();
    let (mut missing, mut invented) = (Vec::new(), Vec::new());
    for file in
        rows(&folder.join("tags.tsv")).into_iter().map(|row| row[0].clone()).filter(|file| !file.is_empty())
    {
        let mut found = Names::new();
        let result = replay::names(&folder.join(&file), &mut |channel, name| {
            found.insert((channel, name.into()));
        });
        result.unwrap_or_else(|error| panic!("{file}: {error}"));
        for pair in expected.get(&file).into_iter().flatten() {
            let (hits, all) = recall.entry(pair.0).or_default();
            *all += 1;
            if found.contains(pair) {
                *hits += 1;
            } else {
                missing.push((file.clone(), pair.clone()));
            }
        }
        let known = known.entry(file.clone()).or_default();
        if !spelled_oddly.contains(&file) {
            let unknown =
                found.into_iter().filter(|(channel, name)| *channel != "http" && !known.contains(name));
            invented.extend(unknown.map(|pair| (file.clone(), pair)));
        }
    }
    for (channel, (hits, all)) in &recall {
        eprintln!("{channel}: {hits} of {all} names ({:.1} %)", *hits as f64 * 100.0 / *all as f64);
    }
    eprintln!("names not in the truth: {}", invented.len());
    assert_eq!(invented, [], "names were invented");
    for (channel, (hits, all)) in recall {
        assert!(hits as f64 * 100.0 >= BAR_PERCENT * all as f64, "{channel}: missing {missing:#?}");
    }
}
