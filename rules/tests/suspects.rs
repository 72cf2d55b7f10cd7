//! How good the guess at names that no rule knows is: what it finds of real AI products' names when no rule knows
//! them, and whom it accuses wrongly. Prints the figures.
//!
//! The negatives are a corpus that is not ours to ship; without it that part says so and passes, unless
//! `UMBRASCOPE_TEST_REQUIRE=all` is set. `UMBRASCOPE_CORPUS` names another folder that holds `catalogue`.
//! `UMBRASCOPE_NAMES` names a file of further names, one a line, of no AI: what is suspected of them is printed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use umbrascope_rules::{Catalogue, Confidence, IndicatorKind, Matcher, Suspects, registrable};

fn suspected<'n>(suspects: &Suspects, names: impl IntoIterator<Item = &'n str>) -> (Vec<&'n str>, usize) {
    let names: Vec<&str> = names.into_iter().collect();
    let count = names.len();
    (names.into_iter().filter(|name| suspects.judge(name).is_some()).collect(), count)
}

/// Every product's names with its rules taken away: what would be left of a catalogue that does not know it.
#[test]
fn of_the_products_that_the_catalogue_knows_a_good_part_would_be_suspected_without_it() {
    let suspects = Suspects::embedded();
    let catalogue = Catalogue::embedded();
    let names: BTreeSet<&str> = catalogue
        .rules()
        .iter()
        .filter(|rule| !rule.deny && matches!(rule.confidence, Confidence::High | Confidence::Medium))
        .flat_map(|rule| &rule.indicators)
        .filter(|indicator| matches!(indicator.kind, IndicatorKind::Exact | IndicatorKind::Suffix))
        .map(|indicator| &*indicator.pattern)
        .collect();
    // One that stands on a name above somebody's is not what a machine asks for.
    let names: Vec<&str> = names.into_iter().filter(|name| registrable(name).is_some()).collect();
    let of = |wanted: &dyn Fn(&str) -> bool| {
        suspected(&suspects, names.iter().copied().filter(|name| wanted(name)))
    };
    let is_domain = |name: &str| registrable(name) == Some(name);
    let shows = |name: &str| {
        let label = name.split('.').next().unwrap_or_default();
        label.ends_with("ai")
            || label.starts_with("ai")
            || ["gpt", "llm", "chatbot"].iter().any(|word| label.contains(word))
    };
    let mut shares = Vec::new();
    for (what, (found, all)) in [
        ("hosts below .ai domains", of(&|name| name.ends_with(".ai") && !is_domain(name))),
        ("bare .ai domains", of(&|name| name.ends_with(".ai") && is_domain(name))),
        ("other domains", of(&|name| !name.ends_with(".ai") && is_domain(name))),
        (
            "of them with ai, gpt, llm or chatbot",
            of(&|name| !name.ends_with(".ai") && is_domain(name) && shows(name)),
        ),
    ] {
        let share = 100.0 * found.len() as f64 / all as f64;
        println!("{what:<40}{:>5} of {all:>5} ({share:.0} %)", found.len());
        shares.push(share);
    }
    assert!(shares[0] >= 80.0 && shares[1] >= 15.0 && shares[2] >= 8.0 && shares[3] >= 50.0, "{shares:?}");
}

#[test]
fn at_most_one_in_ten_thousand_of_the_innocent_is_suspected() {
    let suspects = Suspects::embedded();
    if let Some(path) = std::env::var_os("UMBRASCOPE_NAMES") {
        let text =
            std::fs::read_to_string(&path).expect("UMBRASCOPE_NAMES must name a file that can be read");
        let matcher = Matcher::embedded();
        let (found, all) = suspected(&suspects, text.lines().filter(|name| matcher.name(name).is_none()));
        println!("{} of {all} further names: {found:?}", found.len());
    }
    let folder = std::env::var_os("UMBRASCOPE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from)
        .join("catalogue");
    if !folder.join("negatives-dev.tsv").is_file() {
        assert_ne!(std::env::var("UMBRASCOPE_TEST_REQUIRE").as_deref(), Ok("all"), "the corpus is not there");
        eprintln!("skipped: corpus not present");
        return;
    }
    let mut wrong = Vec::new();
    let mut asked = 0;
    for file in ["negatives-dev.tsv", "list-false-positives-dev.tsv", "mixed-embedded-dev.tsv"] {
        let text = std::fs::read_to_string(folder.join(file)).expect("the corpus can be read");
        let (found, all) =
            suspected(&suspects, text.lines().skip(1).filter_map(|line| line.split('\t').next()));
        println!("{file:<40}{:>5} of {all:>5}", found.len());
        wrong.extend(found.into_iter().map(str::to_owned));
        asked += all;
    }
    assert!(wrong.len() * 10_000 <= asked, "{wrong:?} of {asked}");
    let text = std::fs::read_to_string(folder.join("recall-dev.tsv")).expect("the corpus can be read");
    let (found, all) = suspected(&suspects, text.lines().skip(1).filter_map(|line| line.split('\t').next()));
    println!("{:<40}{:>5} of {all:>5}", "recall-dev.tsv, no rule asked", found.len());
}
