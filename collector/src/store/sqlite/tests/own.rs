//! An organisation's own rules in the roll-ups.

use umbrascope_api::SuspectRow;
use umbrascope_rules::Overlay;

use super::*;
use crate::model::Step;
use crate::store::Suspects;

/// [`KNOWN`] with own rules over it.
fn with_own(number: u32, text: &str) -> Arc<Known> {
    let (overlay, problems) = Overlay::parse("own-rules.toml", text);
    assert_eq!(problems, []);
    let composed = KNOWN.with_overlay(&overlay, number);
    assert_eq!(composed.left_out, []);
    Arc::new(Known::with_own(composed.catalogue, Arc::new(overlay)))
}

const DENY: &str = "[[deny]]\nid = \"deny.own-x\"\nreason = \"No AI here.\"\nsuffix = [\"acme.example\"]\n";

#[test]
fn what_a_deny_is_about_is_no_longer_counted_and_counts_again_without_it() {
    let fixture = fleet();
    fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, 5)]), NOW_MS);
    let (before, facts) = (fixture.dump(ROLLUPS), fixture.dump(&["activity"]));
    assert_eq!(fixture.products().len(), 1);

    fixture.store.know(with_own(1, DENY), NOW_MS).unwrap();
    assert!(fixture.products().is_empty() && fixture.systems().is_empty());
    assert_eq!(fixture.dump(&["activity"]), facts, "the facts stay");
    // An agent that does not know it yet goes on reporting: the same row grown, and a new one.
    let late = vec![row("acme.chat.web", Channel::Tls, 0, 7), row("acme.chat.web", Channel::Dns, 0, 2)];
    assert_eq!(fixture.send(2, with_activity(2, late.clone()), NOW_MS).activity_taken, 2);
    assert_eq!(fixture.send(1, with_activity(1, late), NOW_MS).activity_taken, 2);
    assert!(fixture.products().is_empty(), "{:?}", fixture.products());
    let live = fixture.dump(ROLLUPS);
    fixture.store.rebuild(NOW_MS).unwrap();
    assert_eq!(fixture.dump(ROLLUPS), live, "a rebuild leaves out the same");

    fixture.store.know(with_own(2, ""), NOW_MS).unwrap();
    let detail = fixture.store.product("acme.chat", today()).unwrap().unwrap();
    assert_eq!(detail.evidence.iter().map(|row| row.count).sum::<u64>(), 7 + 7 + 2 + 2);
    assert_ne!(fixture.dump(ROLLUPS), before);
}

#[test]
fn other_names_and_confidences_are_shown_for_what_was_reported_before() {
    let fixture = fleet();
    fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, 0, 5)]), NOW_MS);
    let text = "[[change]]\nproduct = \"acme.chat\"\nname = \"Approved chat\"\nreason = \"r\"\n\
                [[change]]\nrule = \"acme.chat.web\"\nconfidence = \"low\"\nreason = \"r\"\n";
    fixture.store.know(with_own(1, text), NOW_MS).unwrap();
    let product = &fixture.products()[0];
    assert_eq!((product.name.as_str(), product.confidence), ("Approved chat", Confidence::Low));
    assert!(fixture.systems().is_empty(), "low needs a second hint");
}

#[test]
fn what_an_own_rule_found_is_known_by_its_product() {
    let fixture = fleet();
    let text = "[[product]]\nid = \"own.chat\"\nname = \"House chat\"\nkind = \"service\"\ncategory = \"assistant\"\n\
                description = \"d\"\n[[rule]]\nid = \"own.chat.web\"\nproduct = \"own.chat\"\nconfidence = \"high\"\n\
                note = \"n\"\nexact = [\"llm.intranet.example\"]\nexamples = [\"llm.intranet.example\"]\n";
    let mut found = row("own.chat.web", Channel::Tls, 0, 3);
    found.evidence.value = "llm.intranet.example".into();
    fixture.send(1, with_activity(1, vec![found]), NOW_MS);
    assert!(fixture.products()[0].needs_catalogue);
    fixture.store.know(with_own(1, text), NOW_MS).unwrap();
    let product = &fixture.products()[0];
    assert_eq!((product.name.as_str(), product.vendor.as_str()), ("House chat", "This organisation"));
    assert_eq!(fixture.systems(), ["own.chat"]);
}

#[test]
fn a_suspect_that_a_rule_or_a_deny_speaks_of_waits_for_nobody() {
    let fixture = fleet();
    fixture.store.step_suspects(Step::Asked, "ada", NOW_MS).unwrap().unwrap();
    fixture.store.step_suspects(Step::Confirmed, "vera", NOW_MS).unwrap().unwrap();
    let suspects = ["one-chatbot.com", "two-chatbot.com", "three-chatbot.com"].map(|domain| SuspectRow {
        day: today(),
        domain: domain.to_owned(),
        count: 1,
    });
    fixture.send(1, Batch { suspects: suspects.to_vec(), ..batch(1, 1, NOW_MS) }, NOW_MS);
    let queue = |offset| {
        let page = fixture.store.suspects(false, PageRequest { offset, ..PageRequest::default() }).unwrap();
        (page.rows.into_iter().map(|row| row.domain).collect::<Vec<_>>(), page.total)
    };
    assert_eq!(queue(0).1, 3);
    let deny = DENY.replace("acme.example", "two-chatbot.com");
    fixture.store.know(with_own(1, &deny), NOW_MS).unwrap();
    assert_eq!(queue(0), (vec!["three-chatbot.com".to_owned(), "one-chatbot.com".to_owned()], 2));
    assert_eq!(queue(1), (vec!["one-chatbot.com".to_owned()], 2));
    fixture.store.know(with_own(2, ""), NOW_MS).unwrap();
    assert_eq!(queue(0).1, 3, "nothing was decided about it by that");
}
