//! The catalogue that is part of the program.

use std::sync::OnceLock;

use crate::catalogue::{Catalogue, Problem, Text};
use crate::compiled::{self, Passing, Reader};
use crate::matcher::{Matcher, MatcherBuilder};
use crate::overlay::{Overlay, Survey};

/// Written by the build script from `catalogue/*.toml`, and read back there to be sure.
static COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/catalogue.bin"));
static EMBEDDED: OnceLock<Catalogue> = OnceLock::new();

const READ_BACK: &str = "the build script read these very bytes back";

impl Catalogue {
    /// The catalogue that this program was built with. Its texts are the program's own; the first call
    /// lays out the tables, the others cost nothing.
    pub fn embedded() -> &'static Catalogue {
        EMBEDDED.get_or_init(|| compiled::decode(COMPILED).expect(READ_BACK))
    }

    /// Reads a compiled catalogue that came from elsewhere; `None` where the bytes are none of this program's layout.
    pub fn from_compiled(bytes: &[u8]) -> Option<Catalogue> {
        compiled::decode(Passing(bytes))
    }

    /// The version of the embedded catalogue, for a process that needs nothing else of it.
    pub fn embedded_version() -> Text {
        compiled::version(COMPILED).expect(READ_BACK)
    }
}

impl Matcher {
    /// A matcher of the embedded catalogue, for a process that needs nothing else of it: the catalogue is
    /// read a rule at a time and never stands in memory.
    pub fn embedded() -> Matcher {
        lean(|| COMPILED.into()).expect(READ_BACK)
    }

    /// The same of a compiled catalogue that came from elsewhere; `None` where the bytes are none of this program's layout.
    pub fn from_compiled(bytes: &[u8]) -> Option<Matcher> {
        lean(|| Passing(bytes).into())
    }

    /// [`Matcher::embedded`] with an organisation's own rules over it, and the parts of these that do not hold.
    pub fn embedded_with(overlay: &Overlay) -> (Matcher, Vec<Problem>) {
        composed(|| COMPILED.into(), overlay).expect(READ_BACK)
    }

    /// [`Matcher::from_compiled`] with an organisation's own rules over it, and the parts of these that do not hold.
    pub fn from_compiled_with(bytes: &[u8], overlay: &Overlay) -> Option<(Matcher, Vec<Problem>)> {
        composed(|| Passing(bytes).into(), overlay)
    }
}

/// Goes through the rules twice, so that neither catalogue ever stands in memory whole.
fn composed<'a>(source: impl Fn() -> Reader<'a>, overlay: &Overlay) -> Option<(Matcher, Vec<Problem>)> {
    let mut survey = Survey::new(overlay);
    let mut seen = false;
    compiled::visit_rules(source(), |products, rule| {
        if !seen {
            products.iter().for_each(|product| survey.product(product));
            seen = true;
        }
        survey.rule(&rule);
    })?;
    let fitted = survey.finish();
    let mut builder = MatcherBuilder::default();
    for landmark in compiled::landmarks(source())? {
        builder.add_landmark(&landmark);
    }
    compiled::visit_rules(source(), |products, mut rule| {
        fitted.adjust(&mut rule);
        builder.add(products, &rule);
    })?;
    let products = fitted.all_products();
    for rule in &fitted.rules {
        builder.add(&products, rule);
    }
    Some((builder.build(), fitted.left_out))
}

fn lean<'a>(source: impl Fn() -> Reader<'a>) -> Option<Matcher> {
    let mut builder = MatcherBuilder::default();
    for landmark in compiled::landmarks(source())? {
        builder.add_landmark(&landmark);
    }
    compiled::visit_rules(source(), |products, rule| builder.add(products, &rule))?;
    Some(builder.build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Confidence, LandmarkKind};

    /// Each a failure of a public list or tool.
    #[test]
    fn the_embedded_catalogue_falls_into_none_of_the_known_traps() {
        let matcher = Matcher::embedded();
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
            "explore.openaire.eu",
            "app.openair.com",
            "openair.org",
            "anthropics.com",
            "philanthropic.example",
            "claudebernard.example",
            "api.openai.com.evil.example",
            "contoso.openai.azure.com.evil.example",
            "notopenai.azure.com",
            "storage.googleapis.com",
            "azure.com",
            "amazonaws.com",
            "microsoft.com",
            "gemini.com",
            "api.gemini.com",
            "gemini.edu",
            "codeberg.org",
            "codepen.io",
            "copilot.money",
            "otterbox.com",
            "suno.com.br",
            "windsurf.co.uk",
            "api.llama.fi",
            "coins.llama.fi",
            "intercom.io",
            "auth0.com",
            "identrust.com",
            "js.stripe.com",
            "statsigapi.net",
            "browser-intake-datadoghq.com",
            "liveperson.net",
            "themeforest.net",
            "envatousercontent.com",
            "learn.microsoft.com",
            "docs.aws.amazon.com",
            "developers.cloudflare.com",
            "foo.livekit.cloud",
            "foo.vercel.app",
            "foo.lovable.app",
            "foo.replit.app",
            "foo.s3.amazonaws.com",
            "xn--chtgpt-4nf.com",
            "foo.b-cdn.net",
            "sqs.us-east-1.amazonaws.com",
            "xbedrock-runtime.us-east-1.amazonaws.com",
            "people-pa.clients6.google.com",
            // Where software of every kind comes from.
            "pypi.org",
            "files.pythonhosted.org",
            "registry.npmjs.org",
            "crates.io",
            "proxy.golang.org",
            "github.com",
        ] {
            assert_eq!(matcher.name(name).map(|found| &*found.rule), None, "{name}");
        }
        for (name, expected) in [
            ("CHATGPT.COM.", Confidence::High),
            ("chatgpt.com:443", Confidence::High),
            ("bedrock-runtime.eu-west-1.amazonaws.com", Confidence::High),
            ("europe-west4-aiplatform.googleapis.com", Confidence::High),
            ("contoso.openai.azure.com", Confidence::High),
            ("servd-anthropic-website.b-cdn.net", Confidence::Medium),
            ("chatgpt-async-webps-prod-eastus-4.webpubsub.azure.com", Confidence::Medium),
            ("contoso.cognitiveservices.azure.com", Confidence::Medium),
            ("owner-demo.hf.space", Confidence::Medium),
            ("0a1b.claudeusercontent.com", Confidence::Medium),
            ("page.chatgpt.site", Confidence::Medium),
            ("bing.com", Confidence::Low),
        ] {
            assert_eq!(matcher.name(name).map(|found| found.confidence), Some(expected), "{name}");
        }
    }

    #[test]
    fn the_embedded_catalogue_is_there_and_matches_the_same_both_ways() {
        let catalogue = Catalogue::embedded();
        assert!(catalogue.number() > 0 && !catalogue.vendors().is_empty());
        let (full, lean) = (Matcher::new(catalogue), Matcher::embedded());
        for rule in catalogue.rules() {
            for example in &rule.examples {
                assert_eq!(full.name(example), lean.name(example), "{example}");
            }
        }
    }

    #[test]
    fn landmarks_are_known_and_are_no_ai() {
        let (full, lean) = (Matcher::new(Catalogue::embedded()), Matcher::embedded());
        for landmark in Catalogue::embedded().landmarks() {
            for indicator in &landmark.indicators {
                let name = &*indicator.pattern;
                assert_eq!(lean.landmark(name), Some(landmark.kind), "{name}");
                assert_eq!(full.landmark(name), lean.landmark(name), "{name}");
                assert_eq!(lean.name(name), None, "{name}");
            }
        }
        for (name, expected) in [
            ("cloudflare-ech.com", Some(LandmarkKind::EchPublicName)),
            ("DNS.google.", Some(LandmarkKind::Resolver)),
            ("mozilla.cloudflare-dns.com", Some(LandmarkKind::Resolver)),
            ("a1b2c3.dns.nextdns.io", Some(LandmarkKind::Resolver)),
            ("my.nextdns.io", None),
            ("www.google", None),
            ("adguard.com", None),
            ("chatgpt.com", None),
        ] {
            assert_eq!(lean.landmark(name), expected, "{name}");
        }
    }

    #[test]
    fn every_namespace_of_software_has_a_rule() {
        for kind in crate::words::SoftwareKind::ALL {
            let kind = crate::catalogue::IndicatorKind::Software(*kind);
            assert!(Catalogue::embedded().indicators(kind).next().is_some(), "nothing of {kind} can be told");
        }
    }
}
