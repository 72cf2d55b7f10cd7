use super::*;
use crate::testing::{HEAD, rule, small};

fn problems(text: &str) -> Vec<String> {
    match Catalogue::parse(&[("v.toml", text)]) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

fn with(rules: &str) -> Vec<String> {
    problems(&format!("{HEAD}{rules}"))
}

/// Line of the first rule after [`HEAD`]; its own lines follow seven lines later.
fn first() -> usize {
    HEAD.lines().count() + 1
}

#[test]
fn a_catalogue_reads_what_is_written() {
    let catalogue = small();
    let vendor = catalogue.vendor("v").unwrap();
    assert_eq!(
        (&*vendor.name, vendor.country.as_deref(), &*vendor.aliases),
        ("V", Some("DE"), &["Vau".into()][..])
    );
    let rule = catalogue.rule("v.p.medium").unwrap();
    assert_eq!((rule.confidence, rule.attribution), (Confidence::Medium, Confidence::High));
    assert_eq!(rule.last_checked.unwrap().to_string(), "2026-11-21");
    assert!(catalogue.rule("deny.shared").unwrap().deny);
    let suffixes: Vec<_> = catalogue.indicators(IndicatorKind::Suffix).map(|(_, pattern)| pattern).collect();
    assert!(suffixes.contains(&"openai.azure.com") && !suffixes.contains(&"b-cdn.net"));
}

#[test]
fn every_mistake_is_told_with_its_line_and_what_to_do() {
    let text = rule("web", "sure", "sufix = [\"vendor.dev\"]\nglob = [\"*.com\"]");
    let at = first();
    assert_eq!(
        with(&text),
        [
            format!("v.toml:{at}: rule `v.p.web` has no indicators; add some, or retired = true"),
            format!(
                "v.toml:{}: confidence: `sure` is none of suspect, low, medium, high; use one of these words",
                at + 3
            ),
            format!("v.toml:{}: rule has no key `sufix`; did you mean `suffix`?", at + 7),
            format!(
                "v.toml:{}: `*.com` has fewer than two fixed labels at its end; a glob stays inside one domain: write \
                 the domain out",
                at + 8
            ),
        ]
    );
}

#[test]
fn each_kind_of_mistake_is_found() {
    let good = rule("web", "high", "suffix = [\"vendor.dev\"]");
    assert!(with(&good).is_empty());
    for (from, to, expected) in [
        (
            "last_checked = 2026-11-21",
            "last_checked = \"2026-11-21\"",
            "`last_checked` is a string where a day is expected",
        ),
        ("last_checked = 2026-11-21", "", "rule has no `last_checked`"),
        ("last_checked = 2026-11-21", "last_checked = 2026-11-31", "not TOML"),
        (
            "suffix = [\"vendor.dev\"]",
            "suffix = \"vendor.dev\"",
            "`suffix` is a string where a list of strings is expected",
        ),
        ("suffix = [\"vendor.dev\"]", "suffix = [7]", "where a non-empty string is expected"),
        ("suffix = [\"vendor.dev\"]", "suffix = [\"vendor.dev\"", "not TOML"),
        (
            "suffix = [\"vendor.dev\"]",
            "suffix = [\"vendor.dev\", \"Vendor.Dev.\"]\nexact = [\"1.2.3.4\"]",
            "an address is not a name",
        ),
        (
            "suffix = [\"vendor.dev\"]",
            "suffix = [\"vendor.dev\", \"vendor.dev\"]",
            "suffix `vendor.dev` is in rule `v.p.web` already",
        ),
        ("suffix = [\"vendor.dev\"]", "", "has no indicators"),
        ("suffix = [\"vendor.dev\"]", "suffix = [\"vendor.dev\"]\nretired = true", "has indicators"),
        ("suffix = [\"vendor.dev\"]", "replaced_by = \"v.p.gone\"", "leads nowhere"),
        ("suffix = [\"vendor.dev\"]", "replaced_by = \"v.p.web\"", "leads nowhere"),
        ("https://docs.vendor.dev/hosts", "docs.vendor.dev", "is not a web address"),
        ("id = \"v.p.web\"", "id = \"v.q.web\"", "rule id `v.q.web` does not go with `v.p`"),
        ("id = \"v.p.web\"", "id = \"v.p.Web\"", "does not go with"),
        (
            "id = \"v.p.web\"\nproduct = \"v.p\"",
            "id = \"v.q.web\"\nproduct = \"v.q\"",
            "of product `v.q`, which is not there",
        ),
        ("source_type = \"first_party\"", "source_type = \"hearsay\"", "`hearsay` is none of"),
        (
            "confidence = \"high\"",
            "confidence = true",
            "`confidence` is a boolean where a string is expected",
        ),
        ("[[rule]]", "[rule]", "`rule` is a table where a list of tables is expected"),
    ] {
        assert!(good.contains(from), "{from}");
        let found = with(&good.replace(from, to));
        assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
    }
}

#[test]
fn vendors_and_products_are_checked_too() {
    for (from, to, expected) in [
        ("id = \"v\"", "id = \"V \"", "is not a slug"),
        ("id = \"v\"", "id = \"w\"", "call the file w.toml"),
        ("country = \"DE\"", "country = \"Germany\"", "two capital letters"),
        ("category = \"assistant\"", "category = \"chat\"", "`chat` is none of assistant"),
        ("kind = \"service\"", "kind = \"website\"", "`website` is none of service"),
        ("name = \"P\"", "", "product has no `name`"),
        ("name = \"P\"", "name = \" \"", "`name` is empty"),
        ("[vendor]", "[vendors]", "the file has no key `vendors`; did you mean `vendor`?"),
    ] {
        let found = problems(&HEAD.replacen(from, to, 1));
        assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
    }
}

#[test]
fn general_knowledge_carries_no_day_and_every_other_source_does() {
    let read = rule("web", "high", "suffix = [\"vendor.dev\"]");
    let known = read.replace("first_party", "knowledge");
    let undated = |rule: &str| rule.replace("last_checked = 2026-11-21\n", "");
    assert!(with(&known)[0].contains("general knowledge has a `last_checked`; remove it"));
    assert!(with(&undated(&read))[0].contains("rule has no `last_checked`"));
    let catalogue = Catalogue::parse(&[("v.toml", &format!("{HEAD}{}", undated(&known)))]).unwrap();
    let rule = catalogue.rule("v.p.web").unwrap();
    assert_eq!((rule.source_type, rule.last_checked), (SourceType::Knowledge, None));
}

#[test]
fn a_whole_suffix_is_claimed_with_a_reason() {
    let lines = "suffix = [\"hf.space\"]\nwhole_suffix_is_ours = true";
    assert!(with(&rule("web", "medium", lines))[0].contains("stands without a `note`"));
    assert_eq!(with(&rule("web", "medium", &format!("{lines}\nnote = \"n\""))), Vec::<String>::new());
}

#[test]
fn an_id_or_a_pattern_stands_once_in_all_files() {
    let one = format!("{HEAD}{}", rule("web", "high", "suffix = [\"vendor.dev\"]"));
    let two = one.replace("\"v\"", "\"w\"").replace("\"v.p", "\"w.p");
    let problems = Catalogue::parse(&[("v.toml", &one), ("w.toml", &two)]).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].to_string().starts_with("w.toml:"), "{}", problems[0]);
    assert!(problems[0].message.contains("`vendor.dev` is in rule `v.p.web` already"));
    let twice = Catalogue::parse(&[("v.toml", &one), ("v.toml", HEAD)]).unwrap_err();
    assert!(
        twice.iter().any(|problem| problem.message.contains("vendor id `v` is taken by v.toml:2")),
        "{twice:?}"
    );
}

#[test]
fn a_landmark_has_names_a_source_and_no_software() {
    let landmark = |lines: &str| {
        let text = format!(
            "[[landmark]]\nid = \"landmark.r\"\nkind = \"resolver\"\nsource_url = \"https://vendor.dev\"\n\
             source_type = \"knowledge\"\n{lines}\n"
        );
        problems(&text)
    };
    assert_eq!(landmark("suffix = [\"dns.vendor.dev\"]"), Vec::<String>::new());
    assert!(landmark("")[0].contains("landmark `landmark.r` has no names"));
    assert!(landmark("exact = [\"dns.vendor.dev\"]\nnpm = [\"v\"]")[0].contains("landmark has no key `npm`"));
    assert!(
        landmark("exact = [\"a.vendor.dev\", \"a.vendor.dev\"]")[0]
            .contains("is in landmark `landmark.r` already")
    );
}

#[test]
fn replaced_ids_lead_to_what_took_their_place() {
    let rules = [
        rule("old", "high", "replaced_by = \"v.p.newer\""),
        rule("newer", "high", "replaced_by = \"v.p.new\""),
        rule("new", "high", "suffix = [\"vendor.dev\"]"),
    ];
    let catalogue = Catalogue::parse(&[("v.toml", &format!("{HEAD}{}", rules.concat()))]).unwrap();
    assert_eq!(catalogue.rule("v.p.old").map(|rule| &*rule.id), Some("v.p.new"));
}

#[test]
fn the_version_tells_catalogues_apart() {
    let version = |text: &str| Catalogue::parse(&[("v.toml", text)]).unwrap().version().to_owned();
    let numbered = format!("[catalogue]\nnumber = 7\ndate = 2026-11-21\n{HEAD}");
    assert!(version(&numbered).starts_with("2026-11-21.7+"));
    assert_ne!(version(HEAD), version(&HEAD.replace("Vau", "Fau")));
    let elsewhere = Catalogue::parse(&[("some/folder/v.toml", HEAD)]).unwrap();
    assert_eq!(version(HEAD), elsewhere.version());
}

#[test]
fn every_prefix_of_a_file_is_answered_without_panic() {
    let text = format!("{HEAD}{}", rule("web", "high", "suffix = [\"vendör.dev\"]\nglob = [\"*.x.dev\"]"));
    for (end, _) in text.char_indices() {
        let _ = Catalogue::parse(&[("v.toml", &text[..end])]);
    }
}
