//! What is suspected and what is not.

use super::*;

fn judged(name: &str) -> Option<(String, String)> {
    let suspect = Suspects::embedded().judge(name)?;
    Some((suspect.domain.to_string(), suspect.signs.to_string()))
}

#[test]
fn a_suspect_is_told_by_its_registrable_domain_and_the_words_that_gave_it_away() {
    for (name, domain, signs) in [
        ("cdn.staging.some-chatbot.co.uk", "some-chatbot.co.uk", "chatbot"),
        ("www.novelgpt.example.com.de.photo-ai.net", "photo-ai.net", "-ai"),
        ("aivideoeditor.app", "aivideoeditor.app", "ai + video + editor"),
        ("getlegalai.com", "getlegalai.com", "legal + ai"),
        ("cobaltlanternai.com", "cobaltlanternai.com", "cobalt + lantern + ai"),
        ("recipegpt.io", "recipegpt.io", "gpt"),
        ("open-llm-router.dev", "open-llm-router.dev", "llm"),
        ("bilder-ki.de", "bilder-ki.de", "bilder + ki"),
        ("text2image-free.com", "text2image-free.com", "-"),
        ("api.quorbel.ai", "quorbel.ai", "api + .ai"),
        ("eu-inference2.quorbel.ai", "quorbel.ai", "inference + .ai"),
        ("www.tryvoicelab.ai", "tryvoicelab.ai", "voice + lab + .ai"),
        ("CHATBOT-Forge.COM.", "chatbot-forge.com", "chatbot"),
    ] {
        let expected = (signs != "-").then(|| (domain.to_owned(), signs.to_owned()));
        assert_eq!(judged(name), expected, "{name}");
    }
}

#[test]
fn below_ai_the_suffix_alone_is_not_enough() {
    for name in [
        "quorbel.ai",
        "www.quorbel.ai",
        "mail.quorbel.ai",
        "cdn.quorbel.ai",
        "hotel.com.ai",
        "api.hotel.off.ai",
    ] {
        assert_eq!(judged(name), None, "{name}");
    }
}

#[test]
fn words_that_only_hold_the_letters_are_not_suspected() {
    for name in [
        "hyundai.com",
        "dubai.com",
        "bmw-dubai.com",
        "mumbai.com",
        "shanghai.com",
        "bonsai.com",
        "samurai.org",
        "kauai.travel",
        "thai-massage.de",
        "excelsamurai.com",
        "airbnb.com",
        "aide.gouv.fr",
        "aikido-zone.org",
        "openaire.eu",
        "explore.openaire.eu",
        "openair.org",
        "garnix-openair.de",
        "gkrellm.net",
        "wallm.com",
        "gptw.com",
        "gpt.com.au",
        "llm-guide.com",
        "aiphone.com",
        "aka-ai.com",
        "myopenai.com",
        "notopenai.com",
        "notdeepseek.com",
        "copilot.money",
        "copilotgps.com",
        "anthropics.com",
        "misanthropic.com",
        "snapchat.com",
        "livechat.com",
        "robot.com",
        "talbot.org",
        "gemini.edu",
        "claudebernard.fr",
        "sigptr.me",
        "ki.se",
        "ia.net",
        "trinidad-ia.com",
    ] {
        assert_eq!(judged(name), None, "{name}");
    }
}

#[test]
fn what_has_no_registrable_domain_is_not_suspected() {
    let long = format!("{}.chatbot.com", "a.".repeat(130));
    let label = format!("{}chatbot.com", "a".repeat(60));
    for name in [
        "",
        ".",
        "ai",
        "com.ai",
        "chatbot",
        "chatbot..com",
        ".chatbot.com",
        "1.2.3.4",
        "[::1]",
        "chatbot.notatld",
        "chatbot.example",
        // A person's page at a hosting company.
        "jane-doe-gpt.github.io",
        "chatbot.vercel.app",
        "github.io",
        "xn--chtgpt-4nf.com",
        "xn--.chatbot.com",
        &long,
        &label,
    ] {
        assert_eq!(judged(name), None, "{name:?}");
    }
    assert_eq!(registrable("a.b.co.uk"), Some("b.co.uk"));
    assert_eq!(registrable("co.uk"), None);
}

#[test]
fn a_label_of_words_only_is_read_in_bounded_time() {
    let suspects = Suspects::embedded();
    for word in ["ai", "aiai", "chatai", "openopen", "gpt-", "aiprompt"] {
        let label = word.repeat(63 / word.len());
        let name = format!("{}.com", label.trim_end_matches('-'));
        let started = std::time::Instant::now();
        suspects.judge(&name);
        assert!(started.elapsed().as_millis() < 50, "{name}");
    }
}

#[test]
fn the_table_is_refused_with_what_is_wrong_with_it() {
    let deny = "[[deny]]\nreason = \"r\"\nnames = []\n";
    let sign = |kind: &str, reason: &str, words: &str| {
        source::compile(&format!(
            "[[sign]]\nkind = \"{kind}\"\nreason = \"{reason}\"\nwords = [{words}]\n{deny}"
        ))
    };
    assert_eq!(sign("strong", "r", "\"b\", \"a\""), Ok("Aa\nAb\n".to_owned()));
    for (table, says) in [
        (sign("loud", "r", ""), "no kind of sign"),
        (sign("strong", " ", ""), "no reason"),
        (sign("strong", "r", "\"a-b\""), "a-z and 0-9"),
        (sign("strong", "r", "\"\""), "1 to 24"),
        (sign("strong", "r", "\"a\", \"a\""), "twice"),
    ] {
        let error = table.unwrap_err();
        assert!(error.contains(says), "{error}");
    }
    let name = source::compile("sign = []\n[[deny]]\nreason = \"r\"\nnames = [\"label\"]\n").unwrap_err();
    assert!(name.contains("final dot"), "{name}");
}

proptest::proptest! {
    #[test]
    fn any_text_is_judged_without_a_panic_and_only_a_registrable_domain_comes_back(name in "\\PC{0,300}|([a-z0-9-]{1,20}\\.){1,4}(ai|com|co\\.uk)") {
        if let Some(suspect) = Suspects::embedded().judge(&name) {
            proptest::prop_assert_eq!(registrable(&suspect.domain), Some(&*suspect.domain));
            proptest::prop_assert!(suspect.signs.iter().next().is_some());
        }
    }
}
