use minisign::KeyPair;
use umbrascope_rules::bundle::Draft;

use super::*;

const NOW: &str = "2026-11-26";

const CHAT: &str = "[[product]]\nid = \"own.chat\"\nname = \"House chat\"\nkind = \"service\"\ncategory = \"assistant\"\n\
    description = \"Ours.\"\n[[rule]]\nid = \"own.chat.web\"\nproduct = \"own.chat\"\nconfidence = \"high\"\nnote = \"Ours.\"\n\
    exact = [\"llm.intranet.example\"]\nexamples = [\"llm.intranet.example\"]\n";

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn key() -> (KeyPair, PublicKey) {
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let public = pair.pk.to_base64().parse().unwrap();
    (pair, public)
}

fn bundle(pair: &KeyPair, number: u32, text: &str) -> Vec<u8> {
    let draft =
        Draft::new(Kind::Overlay, number, day(NOW), day("2036-01-01"), &[(PART, text.as_bytes())]).unwrap();
    let signed = minisign::sign(Some(&pair.pk), &pair.sk, draft.to_sign(), Some("c"), None).unwrap();
    draft.sign(&signed.to_string()).unwrap()
}

fn shelf(folder: &Path) -> OwnShelf {
    OwnShelf::new(folder, true, None)
}

fn sources(shelf: &OwnShelf) -> Sources {
    Sources { catalogue: None, own: shelf.handed() }
}

#[test]
fn own_rules_are_matched_with_beside_the_catalogue_as_often_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (pair, public) = key();
    let shelf = shelf(folder.path());
    assert!(shelf.learn(&public.to_string()).unwrap());
    shelf.take(&bundle(&pair, 1, CHAT), day(NOW)).unwrap();
    let mut both = sources(&shelf);
    for _ in 0..2 {
        let matcher = both.matcher("matching");
        assert_eq!(&*matcher.name("llm.intranet.example").unwrap().product, "own.chat");
        assert!(matcher.name("chatgpt.com").is_some());
    }
    let standing = shelf.standing(&both.matcher_told("matching").1).0;
    assert_eq!((standing.number, standing.left_out), (Some(1), 0));
    assert!(standing.words().starts_with("version 1 of 2026-11-26, signed by key "));
}

#[test]
fn the_first_key_is_kept_and_no_other_signer_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let ((pair, public), (forger, foreign)) = (key(), key());
    let shelf = shelf(folder.path());
    // Before the key is known nothing is taken.
    assert!(shelf.take(&bundle(&pair, 1, CHAT), day(NOW)).is_err());
    assert!(shelf.learn(&public.to_string()).unwrap());
    assert!(!shelf.learn(&foreign.to_string()).unwrap());
    assert!(!shelf.learn("no key").unwrap());
    let refused = shelf.take(&bundle(&forger, 9, CHAT), day(NOW)).unwrap_err();
    assert!(matches!(refused, TakeError::Refused(bundle::Error::UnknownKey { .. })), "{refused}");
    assert!(refusal(&refused).contains("enrol --force"));
    shelf.take(&bundle(&pair, 2, CHAT), day(NOW)).unwrap();
    // After a new enrolment, the next collector's.
    OwnShelf::forget(folder.path()).unwrap();
    assert!(shelf.overlay().is_none());
    assert!(shelf.learn(&foreign.to_string()).unwrap());
    shelf.take(&bundle(&forger, 1, CHAT), day(NOW)).unwrap();
}

#[test]
fn a_configured_key_stands_above_what_the_collector_says() {
    let folder = tempfile::tempdir().unwrap();
    let ((pair, public), (other, foreign)) = (key(), key());
    shelf(folder.path()).learn(&foreign.to_string()).unwrap();
    let shelf = OwnShelf::new(folder.path(), true, Some(public));
    assert!(shelf.take(&bundle(&other, 1, CHAT), day(NOW)).is_err());
    shelf.take(&bundle(&pair, 1, CHAT), day(NOW)).unwrap();
    let off = OwnShelf::new(folder.path(), false, None);
    assert!(off.overlay().is_none() && off.handed().is_none());
    assert_eq!(off.standing(&[]).0.words(), "none");
}

#[test]
fn there_is_no_way_back_and_no_damage_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (pair, public) = key();
    let shelf = shelf(folder.path());
    shelf.learn(&public.to_string()).unwrap();
    let (four, five) = (bundle(&pair, 4, CHAT), bundle(&pair, 5, ""));
    shelf.take(&five, day(NOW)).unwrap();
    for lost in [None, Some(FILE), Some(MARK)] {
        if let Some(lost) = lost {
            shelf.take(&five, day(NOW)).unwrap();
            fs::remove_file(folder.path().join(lost)).unwrap();
        }
        let refused = shelf.take(&four, day(NOW)).unwrap_err();
        assert!(matches!(refused, TakeError::Refused(bundle::Error::Rollback { .. })), "{refused}");
    }
    let six = bundle(&pair, 6, CHAT);
    assert!(shelf.take(&six[..six.len() - 1], day(NOW)).is_err());
    assert!(shelf.take(&bundle(&pair, 5, CHAT), day(NOW)).is_err(), "another one of the same number");
    shelf.take(&six, day(NOW)).unwrap();
}

#[test]
fn what_a_machine_cannot_read_or_must_not_do_is_left_out_and_the_rest_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (pair, public) = key();
    let shelf = shelf(folder.path());
    shelf.learn(&public.to_string()).unwrap();
    let rule = |slug: &str, lines: &str| {
        format!(
            "[[rule]]\nid = \"own.chat.{slug}\"\nproduct = \"own.chat\"\nconfidence = \"high\"\nnote = \"n\"\n{lines}\n"
        )
    };
    let text = format!(
        "{CHAT}{}{}[word-of-tomorrow]\n",
        rule("all", "suffix = [\"google.com\", \"co.uk\"]"),
        rule("new", "teleport = [\"x\"]")
    );
    shelf.take(&bundle(&pair, 1, &text), day(NOW)).unwrap();
    let (matcher, left_out) = sources(&shelf).matcher_told("matching");
    assert!(matcher.name("llm.intranet.example").is_some());
    assert!(matcher.name("www.google.com").is_none() && matcher.name("bbc.co.uk").is_none());
    let standing = shelf.standing(&left_out).0;
    assert_eq!(standing.left_out, 2);
    assert!(standing.left_out_words[0].contains("own-rules.toml:"), "{standing:?}");
}

#[test]
fn damaged_files_leave_the_catalogue_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let (pair, public) = key();
    let shelf = shelf(folder.path());
    shelf.learn(&public.to_string()).unwrap();
    shelf.take(&bundle(&pair, 1, CHAT), day(NOW)).unwrap();
    fs::write(folder.path().join(FILE), b"umbrascope bundle 1\n").unwrap();
    assert!(sources(&shelf).matcher("matching").name("chatgpt.com").is_some());
    assert!(shelf.standing(&[]).0.set_aside.is_some());
    let mut torn =
        Sources { catalogue: Some((File::open(folder.path().join(FILE)).unwrap(), vec![])), own: None };
    assert!(torn.matcher("matching").name("chatgpt.com").is_some());
}
