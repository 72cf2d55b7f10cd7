use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::testing::{HEAD, rule, small};

fn matcher() -> &'static Matcher {
    static MATCHER: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(&small()));
    &MATCHER
}

#[track_caller]
fn gives(matcher: &Matcher, name: &str, expected: Option<&str>) {
    let found = matcher.name(name).map(|found| &*found.rule);
    assert_eq!(found, expected.map(|slug| format!("v.p.{slug}")).as_deref(), "{name}");
}

/// A catalogue of one rule a line: `slug kind pattern`, `deny` being the slug of denies.
fn of(lines: &[(&str, &str, &str)]) -> Matcher {
    let rules: Vec<String> = lines
        .iter()
        .enumerate()
        .map(|(at, (slug, kind, pattern))| match *slug {
            "deny" => format!("[[deny]]\nid = \"deny.d{at}\"\nreason = \"r\"\n{kind} = [\"{pattern}\"]\n"),
            _ => rule(slug, "high", &format!("{kind} = [\"{pattern}\"]")),
        })
        .collect();
    Matcher::new(&Catalogue::parse(&[("v.toml", &format!("{HEAD}{}", rules.concat()))]).unwrap())
}

#[test]
fn a_suffix_ends_at_a_label_boundary() {
    let matcher = matcher();
    for name in [
        "snapchat.com",
        "wechat.com",
        "livechat.com",
        "thankyou.com",
        "bayou.com",
        "ngrok-free.app",
        "hyundai.com",
        "dubai.com",
        "bonsai.com",
        "misanthropic.example",
        "notanthropic.com",
        "anthropics.com",
        "explore.openaire.eu",
        "app.openair.com",
        "openair.org",
        "philanthropic.example",
        "claudebernard.example",
        "gemini.com",
        "api.gemini.com",
        "gemini.edu",
        "codeberg.org",
        "suno.com.br",
        "windsurf.co.uk",
        "notopenai.azure.com",
    ] {
        gives(matcher, name, None);
    }
    for name in ["chat.com", "www.chat.com", "a.b.c.anthropic.com", "contoso.openai.azure.com"] {
        gives(matcher, name, Some("high"));
    }
}

#[test]
fn a_pattern_is_anchored_at_the_right() {
    for name in [
        "api.openai.com.evil.example",
        "contoso.openai.azure.com.evil.example",
        "chatgpt.com.evil.example",
        "bedrock-runtime.us-east-1.amazonaws.com.evil.example",
        "openai.example",
    ] {
        gives(matcher(), name, None);
    }
}

#[test]
fn a_child_says_nothing_about_its_parent_or_siblings() {
    for name in [
        "storage.googleapis.com",
        "googleapis.com",
        "azure.com",
        "portal.azure.com",
        "amazonaws.com",
        "com",
        "lambda.us-west-2.amazonaws.com",
        "sqs.us-east-1.amazonaws.com",
        "compute.googleapis.com",
        "mail.google.com",
    ] {
        gives(matcher(), name, None);
    }
}

#[test]
fn a_star_is_part_of_one_label() {
    let matcher = matcher();
    for name in [
        "bedrock-runtime.eu-west-1.amazonaws.com",
        "europe-west4-aiplatform.googleapis.com",
        "-aiplatform.googleapis.com",
        "q.us-east-1.amazonaws.com",
        "aiplatform.googleapis.com",
    ] {
        gives(matcher, name, Some("high"));
    }
    gives(matcher, "chatgpt-async-webps-prod-eastus-4.webpubsub.azure.com", Some("medium"));
    for name in [
        "xbedrock-runtime.us-east-1.amazonaws.com",
        "bedrock-runtime.amazonaws.com",
        "bedrock-runtime.a.b.amazonaws.com",
        "a.bedrock-runtime.eu-west-1.amazonaws.com",
        "a.b-aiplatform.googleapis.com",
        "a.europe-west4-aiplatform.googleapis.com",
        "contoso.webpubsub.azure.com",
    ] {
        gives(matcher, name, None);
    }
}

#[test]
fn names_are_normalised_before_they_are_compared() {
    let matcher = matcher();
    for name in ["CHATGPT.COM.", "chatgpt.com:443", "ChatGPT.com.:443", "ｃｈａｔｇｐｔ．ｃｏｍ"] {
        gives(matcher, name, Some("high"));
    }
    for name in ["bücher.example.org", "xn--bcher-kva.example.org", "BÜCHER.example.org"] {
        gives(matcher, name, Some("high"));
    }
    for name in ["xn--chtgpt-4nf.com", "ch\u{430}tgpt.com", "xn--.chatgpt.com"] {
        gives(matcher, name, None);
    }
}

#[test]
fn what_is_not_a_name_matches_nothing() {
    let matcher = matcher();
    let long = format!("{}.chatgpt.com", "a".repeat(289));
    let deep = format!("{}chatgpt.com", "abcd.".repeat(49));
    let dots = format!("{}chatgpt.com", "a.".repeat(121));
    for name in
        [".", "", "a..b", "a..chatgpt.com", ".chatgpt.com", "1.2.3.4", "[::1]", "chatgpt.com..", &long, &deep]
    {
        gives(matcher, name, None);
    }
    assert_eq!((deep.len(), dots.len()), (256, 253));
    gives(matcher, &dots, Some("high"));
}

#[test]
fn a_deny_cancels_what_is_not_longer() {
    let matcher = matcher();
    gives(matcher, "servd-anthropic-website.b-cdn.net", Some("medium"));
    gives(matcher, "foo.b-cdn.net", None);
    gives(matcher, "status.vendor.dev", None);
    gives(matcher, "x.status.vendor.dev", None);
    gives(matcher, "www.vendor.dev", Some("medium"));
    gives(matcher, "auth0.com", None);
}

#[test]
fn a_deny_of_the_same_length_wins_over_any_kind() {
    let matcher = of(&[
        ("deny", "suffix", "a.vendor.dev"),
        ("x", "exact", "a.vendor.dev"),
        ("y", "suffix", "vendor.dev"),
        ("z", "exact", "b.a.vendor.dev"),
        ("deny", "exact", "q.vendor.dev"),
    ]);
    gives(&matcher, "a.vendor.dev", None);
    gives(&matcher, "c.a.vendor.dev", None);
    gives(&matcher, "b.a.vendor.dev", Some("z"));
    gives(&matcher, "q.vendor.dev", None);
    gives(&matcher, "r.q.vendor.dev", Some("y"));
}

#[test]
fn a_deny_with_a_star_counts_its_labels_before_its_characters() {
    let matcher = of(&[
        ("deny", "glob", "status-*.vendor.dev"),
        ("short", "suffix", "vendor.dev"),
        ("long", "exact", "status-europe.vendor.dev"),
        ("same", "suffix", "status-1.vendor.dev"),
    ]);
    gives(&matcher, "status-asia.vendor.dev", None);
    // 24 characters against the deny's 19: longer, so it stands. `status-1.vendor.dev` has 19: it does not.
    gives(&matcher, "status-europe.vendor.dev", Some("long"));
    gives(&matcher, "status-1.vendor.dev", None);
    gives(&matcher, "a.status-1.vendor.dev", Some("same"));
}

#[test]
fn the_longest_wins_and_then_exact_before_glob_before_suffix() {
    let matcher = of(&[
        ("suffix2", "suffix", "vendor.dev"),
        ("suffix3", "suffix", "api.vendor.dev"),
        ("exact", "exact", "api.vendor.dev"),
        ("glob", "glob", "a*i.vendor.dev"),
        ("wide", "glob", "*.vendor.dev"),
    ]);
    gives(&matcher, "vendor.dev", Some("suffix2"));
    gives(&matcher, "api.vendor.dev", Some("exact"));
    gives(&matcher, "x.api.vendor.dev", Some("suffix3"));
    gives(&matcher, "axi.vendor.dev", Some("glob"));
    gives(&matcher, "web.vendor.dev", Some("wide"));
    gives(&matcher, "x.web.vendor.dev", Some("suffix2"));
}

#[test]
fn several_stars_share_a_parent_and_the_literal_way_stays_open() {
    let matcher = of(&[
        ("a", "glob", "a.*.vendor.dev"),
        ("b", "glob", "b.*.vendor.dev"),
        ("x", "exact", "c.eu.vendor.dev"),
        ("two", "glob", "*.*-1.vendor.dev"),
    ]);
    gives(&matcher, "a.eu.vendor.dev", Some("a"));
    gives(&matcher, "b.eu.vendor.dev", Some("b"));
    gives(&matcher, "c.eu.vendor.dev", Some("x"));
    gives(&matcher, "c.us.vendor.dev", None);
    gives(&matcher, "c.us-1.vendor.dev", Some("two"));
    gives(&matcher, "eu.vendor.dev", None);
}

#[test]
fn software_is_found_in_its_own_namespace_only() {
    let matcher = matcher();
    let rule = |kind, text| matcher.software(kind, text).map(|found| found.rule.to_string());
    let software = Some("v.p.software".to_owned());
    for (kind, text) in [
        (SoftwareKind::Npm, "@V/p"),
        (SoftwareKind::Npm, "@v/kit-core"),
        (SoftwareKind::Npm, "@v/kit-"),
        (SoftwareKind::Pypi, "v.sdk"),
        (SoftwareKind::Executable, "/home/alice/.local/bin/v"),
        (SoftwareKind::Executable, "/usr/lib/node_modules/@v/p/cli.js"),
        (SoftwareKind::Executable, r"c:\program files\v\V.exe"),
        (SoftwareKind::ConfigPath, "/Users/bob/.v/settings.json"),
        (SoftwareKind::ContainerImage, "docker.io/v/p:1.2@sha256:aa"),
        (SoftwareKind::ContainerImage, "ghcr.io/v/p/server"),
        (SoftwareKind::Model, "someone/V_7B:q4"),
        (SoftwareKind::Model, "v-large-2"),
        (SoftwareKind::Model, "vlabs/anything"),
        (SoftwareKind::McpHost, "https://eu.mcp.vendor.dev/sse"),
        (SoftwareKind::Go, "github.com/v/sdk/v2"),
        (SoftwareKind::ChromiumExtension, "ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP"),
    ] {
        assert_eq!(rule(kind, text), software, "{kind} {text}");
    }
    for (kind, text) in [
        (SoftwareKind::Pypi, "@v/p"),
        (SoftwareKind::Npm, "v-sdk"),
        (SoftwareKind::Npm, "@v/kit-free"),
        (SoftwareKind::Executable, "/home/alice/bin/v"),
        (SoftwareKind::ConfigPath, "~/.vim"),
        (SoftwareKind::ContainerImage, "v/pq"),
        (SoftwareKind::ContainerImage, "evil/v/p"),
        (SoftwareKind::Model, "v-7b-instruct"),
        (SoftwareKind::Model, "other/vlabs"),
        (SoftwareKind::McpHost, "https://vendor.dev/mcp"),
        (SoftwareKind::Go, "github.com/v/sdkx"),
    ] {
        assert_eq!(rule(kind, text), None, "{kind} {text}");
    }
}

#[test]
fn servers_and_models_that_nobody_knows_have_a_rule() {
    for matcher in [matcher(), &Matcher::embedded()] {
        assert_eq!(matcher.fallback_mcp().product, "generic.mcp-server");
        assert_eq!(matcher.fallback_model().product, "generic.model-file");
        assert_eq!(matcher.fallback_model().kind, ProductKind::Model);
    }
}

#[test]
fn ten_thousand_indicators_fit_the_budget_of_memory() {
    let lines: String = (0..100)
        .map(|at| {
            let names: Vec<String> =
                (0..100).map(|n| format!("\"host{n}.vendor-number-{at}.com\"")).collect();
            rule(&format!("r{at}"), "high", &format!("suffix = [{}]", names.join(", ")))
        })
        .collect();
    let catalogue = Catalogue::parse(&[("v.toml", &format!("{HEAD}{lines}"))]).unwrap();
    let matcher = Matcher::new(&catalogue);
    gives(&matcher, "a.host99.vendor-number-99.com", Some("r99"));
    assert!(matcher.table_bytes() < 4 << 20, "{}", matcher.table_bytes());
}

proptest! {
    #[test]
    fn any_text_is_answered_without_panic(text in "\\PC{0,120}") {
        let matcher = matcher();
        matcher.name(&text);
        for kind in SoftwareKind::ALL {
            matcher.software(*kind, &text);
        }
    }

    /// What the reference says in words, over names made from the parts that matter.
    #[test]
    fn a_match_implies_a_label_boundary(name in "([a-c]{1,2}\\.){0,3}(vendor|xvendor|openai|notopenai)\\.(dev|com|de)(\\.(evil|com))?") {
        static MATCHER: LazyLock<Matcher> = LazyLock::new(|| {
            of(&[("one", "suffix", "vendor.dev"), ("two", "exact", "a.openai.com"), ("three", "glob", "b*.c.vendor.com")])
        });
        let labels: Vec<&str> = name.split('.').collect();
        let suffix = labels.ends_with(&["vendor", "dev"]);
        let exact = labels == ["a", "openai", "com"];
        let glob = labels.len() == 4 && labels[0].starts_with('b') && labels[1..] == ["c", "vendor", "com"];
        prop_assert_eq!(MATCHER.name(&name).is_some(), suffix || exact || glob, "{}", name);
    }
}

#[test]
fn what_stands_below_a_name_touches_it_and_so_does_a_denial() {
    let matcher = of(&[("a", "exact", "api.vendor.com"), ("deny", "suffix", "shared.net")]);
    for (name, touched) in [
        ("vendor.com", true),
        ("api.vendor.com", true),
        ("shared.net", true),
        ("www.vendor.com", false),
        ("other.com", false),
        ("endor.com", false),
    ] {
        assert_eq!(matcher.touches(name), touched, "{name}");
    }
}

#[test]
fn a_product_says_how_its_local_server_is_known() {
    let matcher = of(&[
        ("port", "local-port", "11434"),
        ("other", "local-port", "8080"),
        ("answer", "api-fingerprint", "/ Ollama is running"),
        ("tags", "api-fingerprint", "/api/tags \\\"models\\\":["),
        ("deny", "local-port", "1"),
    ]);
    let server = matcher.local_server("v.p");
    assert_eq!(server.ports, [8080, 11434]);
    let fingerprint = |path, text| Fingerprint { path, text };
    assert_eq!(
        server.fingerprints,
        [fingerprint("/", "Ollama is running"), fingerprint("/api/tags", "\"models\":[")]
    );
    assert_eq!(matcher.local_server("v.other"), LocalServer::default());
}
