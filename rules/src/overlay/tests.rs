use super::*;
use crate::compile;
use crate::lint::check_own;
use crate::matcher::Matcher;
use crate::testing::{HEAD, rule, small};
use crate::words::SoftwareKind;

const FILE: &str = "own-rules.toml";

/// A product and a rule of the organisation's own.
const CHAT: &str = r#"
[[product]]
id = "own.chat"
name = "House chat"
kind = "service"
category = "assistant"
description = "The assistant that IT runs."

[[rule]]
id = "own.chat.web"
product = "own.chat"
confidence = "high"
note = "Runs in the basement."
exact = ["llm.intranet.example"]
examples = ["llm.intranet.example"]
"#;

fn read(text: &str) -> Overlay {
    let (overlay, problems) = Overlay::parse(FILE, text);
    assert_eq!(problems, []);
    overlay
}

fn problems(text: &str) -> Vec<String> {
    let (overlay, mut problems) = Overlay::parse(FILE, text);
    problems.extend(small().with_overlay(&overlay, 1).left_out);
    problems.iter().map(ToString::to_string).collect()
}

fn deny(lines: &str) -> String {
    format!("[[deny]]\nid = \"deny.own-x\"\nreason = \"r\"\n{lines}\n")
}

/// Both ways to compose, which must not differ.
fn matchers(text: &str) -> [Matcher; 2] {
    let overlay = read(text);
    let composed = small().with_overlay(&overlay, 1);
    let (lean, left_out) = Matcher::from_compiled_with(&compile::encode(&small()), &overlay).unwrap();
    assert_eq!((composed.left_out, left_out), (vec![], vec![]));
    [Matcher::new(&composed.catalogue), lean]
}

fn answers(text: &str, name: &str) -> Option<String> {
    let [full, lean] = matchers(text);
    assert_eq!(full.name(name), lean.name(name), "{name}");
    full.name(name).map(|found| found.rule.to_string())
}

#[test]
fn own_rules_match_beside_those_of_the_catalogue() {
    assert_eq!(answers(CHAT, "llm.intranet.example").as_deref(), Some("own.chat.web"));
    assert_eq!(answers(CHAT, "chatgpt.com").as_deref(), Some("v.p.high"));
    assert_eq!(answers(CHAT, "www.intranet.example"), None);
    let composed = small().with_overlay(&read(CHAT), 3);
    let catalogue = composed.catalogue;
    assert_eq!(catalogue.version(), format!("{}, own 3", small().version()));
    assert_eq!(&*catalogue.vendor("own").unwrap().name, "This organisation");
    assert_eq!(&*catalogue.product("own.chat").unwrap().name, "House chat");
    assert_eq!(crate::bundle::number_in(catalogue.version()), Some(small().number()));
}

#[test]
fn a_rule_of_a_product_of_the_catalogue_adds_names_to_it() {
    let text = "[[rule]]\nid = \"own.v.p.tenant\"\nproduct = \"v.p\"\nconfidence = \"medium\"\nnote = \"n\"\n\
                suffix = [\"ai.corp.example\"]\n";
    for matcher in matchers(text) {
        let found = matcher.name("eu.ai.corp.example").unwrap();
        assert_eq!((&*found.product, &*found.vendor, found.confidence), ("v.p", "v", Confidence::Medium));
    }
}

#[test]
fn a_denied_suffix_cancels_every_pattern_of_the_catalogue_at_or_below_it() {
    let text = deny("suffix = [\"googleapis.com\", \"you.com\"]");
    for name in ["aiplatform.googleapis.com", "eu-aiplatform.googleapis.com", "docs.you.com", "you.com"] {
        assert!(Matcher::new(&small()).name(name).is_some(), "{name}");
        assert_eq!(answers(&text, name), None, "{name}");
    }
    assert_eq!(answers(&text, "notyou.com"), None);
    assert_eq!(answers(&text, "chatgpt.com").as_deref(), Some("v.p.high"));
}

#[test]
fn a_denied_name_is_denied_and_those_below_it_are_not() {
    let text = deny("exact = [\"openai.com\"]\nnpm = [\"@v/p\"]");
    assert_eq!(answers(&text, "openai.com"), None);
    assert_eq!(answers(&text, "api.openai.com").as_deref(), Some("v.p.medium"));
    for matcher in matchers(&text) {
        assert_eq!(matcher.software(SoftwareKind::Npm, "@v/p"), None);
        assert!(matcher.software(SoftwareKind::Npm, "@v/kit-x").is_some());
    }
}

#[test]
fn it_can_be_asked_whether_a_name_is_denied() {
    let overlay =
        read(&deny("suffix = [\"you.com\"]\nexact = [\"a.dev.example\"]\nglob = [\"x-*.dev.example\"]"));
    for name in ["you.com", "API.You.com.", "a.dev.example", "x-1.dev.example"] {
        assert!(overlay.denies_name(name), "{name}");
    }
    for name in ["notyou.com", "b.a.dev.example", "x-1.y.dev.example", "dev.example", "", "/usr/bin/x"] {
        assert!(!overlay.denies_name(name), "{name}");
    }
    assert!(!read(CHAT).denies_name("llm.intranet.example"));
}

#[test]
fn an_own_rule_holds_inside_what_is_denied() {
    let text = format!("{CHAT}{}", deny("suffix = [\"intranet.example\"]"));
    assert_eq!(answers(&text, "llm.intranet.example").as_deref(), Some("own.chat.web"));
}

#[test]
fn changes_name_a_product_and_weigh_a_rule() {
    let text = "[[change]]\nproduct = \"v.p\"\nname = \"P, approved\"\nreason = \"r\"\n\
                [[change]]\nrule = \"v.p.low\"\nconfidence = \"high\"\nreason = \"r\"\n";
    let composed = small().with_overlay(&read(text), 1).catalogue;
    assert_eq!(&*composed.product("v.p").unwrap().name, "P, approved");
    assert_eq!(composed.rule("v.p.low").unwrap().confidence, Confidence::High);
    for matcher in matchers(text) {
        assert_eq!(matcher.name("bing.com").unwrap().confidence, Confidence::High);
    }
}

#[test]
fn what_the_catalogue_has_already_is_told_with_the_line_and_what_to_do() {
    let text =
        CHAT.replace("exact = [\"llm.intranet.example\"]", "suffix = [\"claude.ai\", \"intranet.example\"]");
    assert_eq!(
        problems(&text),
        [
            "own-rules.toml:14: the catalogue has suffix `claude.ai` already, in `v.p.high`; remove it here; a [[change]] \
          re-names its product or sets the confidence of `v.p.high`"
        ]
    );
    let denied = CHAT.replace("exact = [\"llm.intranet.example\"]", "suffix = [\"b-cdn.net\"]");
    assert!(problems(&denied)[0].contains("the catalogue denies suffix `b-cdn.net`, in `deny.shared`"));
    assert!(problems(&deny("suffix = [\"b-cdn.net\"]"))[0].contains("denies suffix `b-cdn.net` already"));
}

#[test]
fn what_no_longer_holds_over_a_newer_catalogue_is_left_out_and_the_rest_holds() {
    let both = CHAT.replace(
        "exact = [\"llm.intranet.example\"]",
        "exact = [\"llm.intranet.example\", \"chat.house.dev\"]",
    );
    let overlay = read(&format!("{both}[[change]]\nproduct = \"v.p\"\nname = \"N\"\nreason = \"r\"\n"));
    assert_eq!(small().with_overlay(&overlay, 1).left_out, []);
    // The next catalogue knows one of the names, and has another product in the place of the one that was re-named.
    let head = HEAD.replace("description = \"P of V.\"", "description = \"P.\"\nreplaced_by = \"v.q\"");
    let next = format!(
        "{head}{}[[product]]\nid = \"v.q\"\nname = \"Q\"\nkind = \"service\"\ncategory = \"assistant\"\ndescription = \"Q.\"\n",
        rule("web", "high", "exact = [\"chat.house.dev\"]")
    );
    let next = Catalogue::parse(&[("v.toml", &next)]).unwrap();
    let composed = next.with_overlay(&overlay, 1);
    let (lean, left_out) = Matcher::from_compiled_with(&compile::encode(&next), &overlay).unwrap();
    assert_eq!(composed.left_out.len(), 2, "{:?}", composed.left_out);
    assert_eq!(left_out.len(), 2);
    for matcher in [Matcher::new(&composed.catalogue), lean] {
        assert_eq!(&*matcher.name("chat.house.dev").unwrap().rule, "v.p.web");
        assert_eq!(&*matcher.name("llm.intranet.example").unwrap().rule, "own.chat.web");
    }
    // Facts of the own rule keep their product.
    assert_eq!(&*composed.catalogue.rule("own.chat.web").unwrap().product, "own.chat");
}

#[test]
fn nobody_can_have_a_machine_report_what_many_share() {
    for lines in [
        "suffix = [\"com\", \"co.uk\"]",
        "suffix = [\"co.uk\"]",
        "suffix = [\"google.com\"]",
        "suffix = [\"github.io\"]",
        "glob = [\"*.cloudfront.net\"]",
        "glob = [\"*.com\"]",
        "glob = [\"a*.co.uk\"]",
        "mcp-host = [\"githubusercontent.com\"]",
        "executable = [\"**/*\"]",
    ] {
        let text = CHAT.replace("exact = [\"llm.intranet.example\"]", lines);
        let (overlay, _) = Overlay::parse(FILE, &text);
        assert!(!problems(&text).is_empty(), "{lines}");
        // Told or not, it is not matched with.
        let (lean, _) = Matcher::from_compiled_with(&compile::encode(&small()), &overlay).unwrap();
        for name in [
            "a.com",
            "bbc.co.uk",
            "www.google.com",
            "x.github.io",
            "d1.cloudfront.net",
            "raw.githubusercontent.com",
        ] {
            assert_eq!(lean.name(name), None, "{lines} {name}");
            assert_eq!(lean.software(SoftwareKind::McpHost, name), None, "{lines} {name}");
        }
    }
}

#[test]
fn each_name_space_refuses_the_ids_of_the_other() {
    for (from, to) in [
        ("id = \"own.chat\"", "id = \"acme.chat\""),
        ("id = \"own.chat.web\"", "id = \"own.other.web\""),
        ("id = \"own.chat.web\"\nproduct = \"own.chat\"", "id = \"v.p.web\"\nproduct = \"v.p\""),
        ("[[product]]", "[[vendor]]\nid = \"acme\"\nname = \"Acme\"\n[[product]]"),
    ] {
        assert!(CHAT.contains(from));
        assert!(!problems(&CHAT.replacen(from, to, 1)).is_empty(), "{to}");
    }
    assert!(
        problems(&deny("exact = [\"a.b.example\"]").replace("deny.own-x", "deny.x"))[0]
            .contains("name space")
    );
    let release = |text: &str| Catalogue::parse(&[("own.toml", text)]).unwrap_err()[0].to_string();
    let head = HEAD.replace("\"v\"", "\"own\"").replace("\"v.p\"", "\"own.p\"");
    assert!(release(&head).contains("`own` is in the name space of an organisation's own rules"));
    assert!(release(&deny("exact = [\"a.b.example\"]")).contains("`deny.own-x` is in the name space"));
}

#[test]
fn each_kind_of_mistake_is_told() {
    for (text, expected) in [
        ("[[change]]\nrule = \"v.p.low\"\nconfidence = \"suspect\"\nreason = \"r\"", "never set to suspect"),
        ("[[change]]\nrule = \"v.p.low\"\nname = \"n\"\nreason = \"r\"", "something else than one thing"),
        ("[[change]]\nproduct = \"v.p\"\nname = \"n\"", "has no `reason`"),
        ("[[change]]\nproduct = \"v.gone\"\nname = \"n\"\nreason = \"r\"", "no product `v.gone`"),
        ("[[change]]\nrule = \"v.p.gone\"\nconfidence = \"low\"\nreason = \"r\"", "no rule `v.p.gone`"),
        ("[[change]]\nproduct = \"own.chat\"\nname = \"n\"\nreason = \"r\"", "is your own"),
        (
            "[[change]]\nproduct = \"v.p\"\nname = \"n\"\nreason = \"r\"\n[[change]]\nproduct = \"v.p\"\nname = \"m\"\nreason = \"r\"",
            "`v.p` is changed twice",
        ),
        ("[[landmark]]\nid = \"landmark.x\"", "no key `landmark`"),
        ("[catalogue]\nnumber = 7", "no key `catalogue`"),
        ("[[rule]", "not TOML"),
    ] {
        let found = problems(text);
        assert!(found.iter().any(|line| line.contains(expected)), "{text}: {found:?}");
    }
    assert!(problems(&CHAT.replace("note = \"Runs in the basement.\"", ""))[0].contains("has no `note`"));
    let long = format!("# {}", "x".repeat(MAX_OVERLAY_BYTES));
    assert!(problems(&long)[0].contains("is the most"));
}

#[test]
fn what_stands_twice_is_told_and_stands_once() {
    let (overlay, problems) = Overlay::parse(FILE, &format!("{CHAT}{CHAT}"));
    assert!(problems.len() >= 2, "{problems:?}");
    assert_eq!((overlay.products.len(), overlay.rules.len()), (1, 1));
    let (lean, _) = Matcher::from_compiled_with(&compile::encode(&small()), &overlay).unwrap();
    assert!(lean.name("llm.intranet.example").is_some());
}

#[test]
fn own_ids_may_lead_to_the_catalogue_and_nowhere_else() {
    let replaced = |by: &str| {
        CHAT.replace("description", &format!("replaced_by = \"{by}\"\ndescription")).replace(
            "exact = [\"llm.intranet.example\"]\nexamples = [\"llm.intranet.example\"]",
            "retired = true",
        )
    };
    let composed = small().with_overlay(&read(&replaced("v.p")), 1);
    assert_eq!(composed.left_out, []);
    assert_eq!(&*composed.catalogue.product("own.chat").unwrap().id, "v.p");
    for nowhere in ["v.gone", "own.chat"] {
        let composed = small().with_overlay(&read(&replaced(nowhere)), 1);
        assert!(composed.left_out[0].message.contains("leads nowhere"));
        assert_eq!(&*composed.catalogue.product("own.chat").unwrap().id, "own.chat");
    }
}

#[test]
fn the_reviewer_reads_own_rules_with_the_lint_of_the_catalogue() {
    let today = "2026-11-26".parse().unwrap();
    let check = |previous: Option<&Overlay>, text: &str| {
        let reading = check_own(&small(), previous, FILE, text, 1, today);
        let words = |problems: &[Problem]| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
        (words(&reading.report.errors), words(&reading.report.warnings))
    };
    assert_eq!(check(None, CHAT), (vec![], vec![]));
    let wrong = CHAT.replace("examples = [\"llm.intranet.example\"]", "examples = [\"llm.intranet.test\"]");
    assert!(check(None, &wrong).0[0].contains("matches nothing"));
    let none = CHAT.replace("examples = [\"llm.intranet.example\"]", "");
    assert!(check(None, &none).0[0].contains("no name as example"));
    let unsure = CHAT.replace("\"high\"", "\"suspect\"");
    assert!(check(None, &unsure).0[0].contains("only suspects"));
    let taken = CHAT.replace("llm.intranet.example", "corp.openai.azure.com");
    assert!(check(None, &taken).1[0].contains("`corp.openai.azure.com` was P so far, by rule `v.p.high`"));
    let before = read(CHAT);
    let gone = check(Some(&before), "").0;
    assert_eq!(gone.len(), 2, "{gone:?}");
    assert!(gone[0].contains("`own.chat` has vanished"));
    assert_eq!(check(Some(&before), CHAT).0, Vec::<String>::new());
}

#[test]
fn an_empty_overlay_changes_nothing_but_the_version() {
    let composed = small().with_overlay(&read(""), 1);
    assert_eq!(composed.catalogue.rules(), small().rules());
    assert_eq!(composed.catalogue.products(), small().products());
    assert!(read("").is_empty() && !read(CHAT).is_empty());
}

#[test]
fn every_prefix_of_an_overlay_is_answered_without_panic() {
    let text = format!("{CHAT}{}", deny("suffix = [\"vendör.dev\"]"));
    let compiled = compile::encode(&small());
    for (end, _) in text.char_indices() {
        let (overlay, _) = Overlay::parse(FILE, &text[..end]);
        let _ = Matcher::from_compiled_with(&compiled, &overlay).unwrap();
    }
}

#[test]
fn the_embedded_catalogue_takes_own_rules_both_ways() {
    let text = format!("{CHAT}{}", deny("suffix = [\"chatgpt.com\"]"));
    let overlay = read(&text);
    let (lean, left_out) = Matcher::embedded_with(&overlay);
    assert_eq!(left_out, []);
    assert!(lean.name("llm.intranet.example").is_some() && lean.name("chatgpt.com").is_none());
    assert!(lean.name("claude.ai").is_some());
}
