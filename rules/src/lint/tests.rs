use super::*;
use crate::testing::{HEAD, rule, small};

const TODAY: Date = Date::from_days(20_778);

fn read(rules: &str) -> Report {
    check(&Catalogue::parse(&[("v.toml", &format!("{HEAD}{rules}"))]).unwrap(), TODAY)
}

fn error(rules: &str) -> String {
    let report = read(rules);
    assert_eq!(report.errors.len(), 1, "{:?}", report.errors);
    report.errors[0].to_string()
}

fn warning(rules: &str) -> String {
    let report = read(rules);
    assert_eq!(report.errors, []);
    assert_eq!(report.warnings.len(), 1, "{:?}", report.warnings);
    report.warnings[0].to_string()
}

#[test]
fn a_good_rule_passes_without_a_word() {
    let good = rule(
        "web",
        "high",
        "suffix = [\"vendor.dev\"]\nexamples = [\"a.vendor.dev\"]\ncounter_examples = [\"notvendor.dev\"]",
    );
    assert_eq!(read(&good), Report::default());
}

#[test]
fn a_problem_names_file_and_line_and_what_to_do() {
    let bad = rule(
        "web",
        "high",
        "suffix = [\n  \"vendor.dev\",\n  \"azure.com\",\n]\nexamples = [\"vendor.dev\"]",
    );
    let line = HEAD.lines().count() + 10;
    let text = format!(
        "v.toml:{line}: suffix `azure.com` is shared: `azure.com` serves more than AI; name the hosts that serve AI"
    );
    assert_eq!(error(&bad), text);
}

#[test]
fn an_example_has_to_give_its_own_rule() {
    let one =
        rule("web", "high", "suffix = [\"vendor.dev\"]\nexamples = [\"vendor.dev\", \"api.vendor.dev\"]");
    let two = rule("api", "high", "exact = [\"api.vendor.dev\"]\nexamples = [\"api.vendor.dev\"]");
    assert!(
        error(&format!("{one}{two}"))
            .contains("example `api.vendor.dev` of rule `v.p.web` matches rule `v.p.api`")
    );
    let none =
        rule("web", "high", "suffix = [\"vendor.dev\"]\nexamples = [\"vendor.dev\", \"notvendor.dev\"]");
    assert!(error(&none).contains("matches nothing"));
}

#[test]
fn a_counter_example_must_not_give_its_rule() {
    let bad = rule(
        "web",
        "high",
        "suffix = [\"vendor.dev\"]\nexamples = [\"vendor.dev\"]\ncounter_examples = [\"blog.vendor.dev\"]",
    );
    assert!(error(&bad).contains("counter-example `blog.vendor.dev` matches"));
}

#[test]
fn examples_of_software_carry_their_kind() {
    let good = rule(
        "sdk",
        "high",
        "pypi = [\"v_sdk\"]\nexamples = [\"pypi:V.SDK\"]\ncounter_examples = [\"npm:v-sdk\"]",
    );
    assert_eq!(read(&good), Report::default());
    assert!(error(&good.replace("pypi:V.SDK", "npm:v-sdk")).contains("example `npm:v-sdk`"));
}

#[test]
fn a_deny_is_tried_too() {
    let allow = rule("web", "high", "suffix = [\"vendor.dev\"]\nexamples = [\"vendor.dev\"]");
    let deny =
        "[[deny]]\nid = \"deny.status\"\nreason = \"Status page.\"\nsuffix = [\"status.vendor.dev\"]\n";
    let good =
        format!("{allow}{deny}examples = [\"status.vendor.dev\"]\ncounter_examples = [\"vendor.dev\"]\n");
    assert_eq!(read(&good), Report::default());
    assert!(
        error(&format!("{allow}{deny}examples = [\"www.vendor.dev\"]\n")).contains("should match nothing")
    );
    assert!(
        error(&format!("{allow}{deny}counter_examples = [\"a.status.vendor.dev\"]\n"))
            .contains("should survive")
    );
}

#[test]
fn a_rule_on_names_needs_a_name_as_example() {
    let bad = rule("web", "high", "suffix = [\"vendor.dev\"]\nnpm = [\"v\"]\nexamples = [\"npm:v\"]");
    assert!(error(&bad).contains("no name as example"));
    assert!(warning(&rule("sdk", "high", "npm = [\"v\"]")).contains("has no examples"));
}

#[test]
fn a_placeholder_is_no_source() {
    for url in [
        "https://example.com/x",
        "https://docs.vendor.example/",
        "https://TODO",
        "https://docs.vendor.dev/todo",
        "http://localhost/x",
    ] {
        let bad = rule("web", "high", "suffix = [\"vendor.dev\"]\nexamples = [\"vendor.dev\"]");
        assert!(error(&bad.replace("https://docs.vendor.dev/hosts", url)).contains("placeholder"), "{url}");
    }
}

#[test]
fn a_source_that_nobody_has_read_for_long_is_stale() {
    let rules = rule("web", "high", "suffix = [\"vendor.dev\"]\nexamples = [\"vendor.dev\"]");
    let catalogue = |date: &str| {
        let text = format!("{HEAD}{rules}").replace("2026-11-21", date);
        check(&Catalogue::parse(&[("v.toml", &text)]).unwrap(), TODAY).warnings
    };
    assert_eq!(TODAY.to_string(), "2026-11-21");
    assert_eq!(catalogue("2025-10-17"), []);
    assert!(catalogue("2025-10-16")[0].message.contains("401 days ago"));
    assert!(catalogue("2026-11-22")[0].message.contains("to come"));
}

#[test]
fn what_rests_on_general_knowledge_is_counted_and_no_fault() {
    let read_one = rule("web", "high", "suffix = [\"vendor.dev\"]\nexamples = [\"vendor.dev\"]");
    let known = rule("sdk", "high", "npm = [\"v\"]\nexamples = [\"npm:v\"]")
        .replace("first_party", "knowledge")
        .replace("last_checked = 2026-11-21\n", "");
    let report = read(&format!("{read_one}{known}"));
    assert_eq!((report.errors, report.warnings), (vec![], vec![]));
    assert_eq!(report.notes.len(), 1);
    assert!(report.notes[0].starts_with("1 of 2 rules rest on general knowledge; open source_url"));
}

#[test]
fn a_public_suffix_is_taken_whole_where_one_vendor_serves_it() {
    let lines = "suffix = [\"hf.space\"]\nexamples = [\"a.hf.space\"]\nnote = \"Demos of models.\"";
    assert!(error(&rule("web", "medium", lines)).contains("`hf.space` is a public suffix"));
    let whole = format!("{lines}\nwhole_suffix_is_ours = true");
    assert_eq!(read(&rule("web", "medium", &whole)), Report::default());
    assert!(error(&rule("web", "high", &whole)).contains("claims high for what others publish"));
    let shared = whole.replace("hf.space", "vercel.app");
    assert!(error(&rule("web", "medium", &shared)).contains("`vercel.app` is shared"));
    let idle = whole.replace("hf.space", "vendor.dev");
    assert!(error(&rule("web", "medium", &idle)).contains("has no public suffix; remove the key"));
}

#[test]
fn what_says_nothing_new_is_noted() {
    let bad = rule(
        "web",
        "high",
        "suffix = [\"vendor.dev\"]\nexact = [\"api.vendor.dev\"]\nexamples = [\"vendor.dev\"]",
    );
    assert!(warning(&bad).contains("exact `api.vendor.dev` says no more than suffix `vendor.dev`"));
}

#[test]
fn an_allow_that_a_deny_cancels_is_noted() {
    let allow =
        rule("web", "high", "exact = [\"vendor.dev\", \"api.vendor.dev\"]\nexamples = [\"api.vendor.dev\"]");
    let deny = "[[deny]]\nid = \"deny.v\"\nreason = \"Shared.\"\nsuffix = [\"vendor.dev\"]\n";
    assert!(warning(&format!("{allow}{deny}")).contains("exact `vendor.dev` never matches"));
}

#[test]
fn a_name_of_an_embedded_product_is_low_at_most() {
    let rules =
        |confidence| rule("web", confidence, "suffix = [\"vendor.dev\"]\nexamples = [\"vendor.dev\"]");
    let head = HEAD.replace("category = \"assistant\"", "category = \"embedded\"");
    let errors = |confidence| {
        let text = format!("{head}{}", rules(confidence));
        check(&Catalogue::parse(&[("v.toml", &text)]).unwrap(), TODAY).errors
    };
    assert_eq!(errors("low"), []);
    assert!(errors("medium")[0].message.contains("embedded product"));
}

#[test]
fn an_id_that_vanishes_fails_the_comparison() {
    let (old, empty) = (small(), Catalogue::default());
    assert_eq!(against(&old, &old), []);
    let problems = against(&old, &empty);
    assert_eq!(problems.len(), 1 + 1 + old.rules().len() + old.claims().len());
    assert!(problems.iter().any(|problem| problem.message == "rule `v.p.high` has vanished"));
}

#[test]
fn a_replaced_or_retired_id_has_not_vanished() {
    let web = rule("web", "high", "suffix = [\"vendor.dev\"]");
    let old = Catalogue::parse(&[("v.toml", &format!("{HEAD}{web}"))]).unwrap();
    let site = rule("site", "high", "suffix = [\"vendor.dev\"]");
    for left in [rule("web", "high", "replaced_by = \"v.p.site\""), rule("web", "high", "retired = true")] {
        let new = Catalogue::parse(&[("v.toml", &format!("{HEAD}{site}{left}"))]).unwrap();
        assert_eq!(against(&old, &new), []);
    }
}

#[test]
fn the_embedded_catalogue_has_no_error() {
    let report = check(Catalogue::embedded(), Catalogue::embedded().date());
    let lines: Vec<String> = report.errors.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[test]
fn the_id_of_an_extension_takes_two_sources() {
    let lines = "vscode-extension = [\"v.chat\"]\nexamples = [\"vscode-extension:v.chat\"]\n\
                 counter_examples = [\"vscode-extension:v.other\"]";
    let one = rule("extension", "high", lines);
    let report = read(&one);
    assert_eq!((report.errors, report.warnings), (vec![], vec![]));
    assert!(
        report.notes[0]
            .starts_with("rules on the id of an extension that a second source has yet to name: 1;")
    );
    let second = |url: &str| rule("extension", "high", &format!("{lines}\nsecond_source_url = \"{url}\""));
    assert_eq!(read(&second("https://market.dev/v.chat")), Report::default());
    let source = Catalogue::parse(&[("v.toml", &format!("{HEAD}{one}"))]).unwrap();
    let same = &*source.rules()[0].source_url;
    assert!(error(&second(same)).contains("is no second source"));
    assert!(error(&second("https://example.com/")).contains("is no second source"));
}
