//! A small catalogue for the tests of this crate.

use crate::catalogue::Catalogue;

/// The head of a file: a vendor `v` with the product `v.p`.
pub(crate) const HEAD: &str = r#"
[vendor]
id = "v"
name = "V"
country = "DE"
aliases = ["Vau"]

[[product]]
id = "v.p"
name = "P"
kind = "service"
category = "assistant"
description = "P of V."
"#;

/// A rule of `v.p` with these lines.
pub(crate) fn rule(slug: &str, confidence: &str, lines: &str) -> String {
    format!(
        "[[rule]]\nid = \"v.p.{slug}\"\nproduct = \"v.p\"\nconfidence = \"{confidence}\"\nsource_url = \
         \"https://docs.vendor.dev/hosts\"\nsource_type = \"first_party\"\nlast_checked = 2026-11-21\n{lines}\n"
    )
}

/// A claim about `v` with these lines.
pub(crate) fn claim(slug: &str, framework: &str, status: &str, lines: &str) -> String {
    format!(
        "[[claim]]\nid = \"claim.v.{slug}\"\nframework = \"{framework}\"\nstatus = \"{status}\"\nsource_url = \
         \"https://trust.vendor.dev/{slug}\"\nsource_type = \"first_party\"\nlast_checked = 2026-11-26\n\
         confidence = \"high\"\n{lines}"
    )
}

/// The rules that the traps are about.
pub(crate) fn small() -> Catalogue {
    let text = [
        HEAD.to_owned(),
        rule(
            "high",
            "high",
            r#"suffix = ["chatgpt.com", "chat.com", "you.com", "grok.com", "ai.com", "anthropic.com", "openai.azure.com",
               "generativelanguage.googleapis.com", "gemini.google.com", "windsurf.com", "suno.com", "claude.ai"]
               exact = ["aiplatform.googleapis.com", "Bücher.example.org"]
               glob = ["bedrock-runtime.*.amazonaws.com", "*-aiplatform.googleapis.com", "q.*.amazonaws.com"]
               examples = ["chatgpt.com"]"#,
        ),
        rule(
            "medium",
            "medium",
            r#"exact = ["servd-anthropic-website.b-cdn.net", "docs.you.com"]
               suffix = ["openai.com", "vendor.dev"]
               glob = ["chatgpt-async-webps-prod-*.webpubsub.azure.com", "*.you.com"]
               note = "n"
               level = "presence"
               serves = "cdn""#,
        ),
        rule("low", "low", r#"suffix = ["bing.com"]"#),
        rule(
            "software",
            "high",
            r#"npm = ["@v/p", "@v/kit-*"]
               pypi = ["V_SDK"]
               executable = ["~/.local/bin/v", "**/node_modules/@v/p/cli.js", "C:/Program Files/V/v.exe"]
               config-path = ["~/.v"]
               container-image = ["v/p", "ghcr.io/v/p"]
               model = ["v-7b", "v-large-*", "vlabs/*"]
               mcp-host = ["mcp.vendor.dev"]
               go = ["github.com/v/sdk"]
               chromium-extension = ["abcdefghijklmnopabcdefghijklmnop"]"#,
        ),
        "[[deny]]\nid = \"deny.shared\"\nreason = \"Shared.\"\nsuffix = [\"b-cdn.net\", \"status.vendor.dev\", \
         \"auth0.com\"]\nnpm = [\"@v/kit-free\"]\nexamples = [\"foo.b-cdn.net\"]\n"
            .to_owned(),
        "[[landmark]]\nid = \"landmark.resolver\"\nkind = \"resolver\"\nsource_url = \"https://docs.vendor.dev\"\n\
         source_type = \"knowledge\"\nsuffix = [\"dns.vendor.dev\"]\n"
            .to_owned(),
        claim("plain", "soc2", "yes", ""),
        claim(
            "whole",
            "training",
            "no",
            "product = \"v.p\"\nplan = \"Team\"\nscope = \"P.\"\ndetail = \"By default.\"\nsource_date = 2026-10-01\n\
             link = \"https://v.dev\"\nretired = true\n",
        ),
    ]
    .concat();
    Catalogue::parse(&[("v.toml", &text)]).unwrap()
}
