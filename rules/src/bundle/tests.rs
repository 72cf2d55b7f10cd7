use minisign::KeyPair;
use proptest::prelude::*;

use super::*;
use crate::words::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

const TODAY: &str = "2026-11-26";

struct Signer(KeyPair);

impl Signer {
    fn new() -> Signer {
        Signer(KeyPair::generate_unencrypted_keypair().unwrap())
    }

    fn public(&self) -> PublicKey {
        self.0.pk.to_base64().parse().unwrap()
    }

    fn sign(&self, draft: Draft) -> Vec<u8> {
        let comment = draft.comment.clone();
        let signed = minisign::sign(Some(&self.0.pk), &self.0.sk, draft.to_sign(), Some(&comment), None);
        draft.sign(&signed.unwrap().to_string()).unwrap()
    }

    fn bundle(&self, number: u32, expires: &str) -> Vec<u8> {
        self.sign(draft(number, expires))
    }
}

fn draft(number: u32, expires: &str) -> Draft {
    let catalogue = crate::testing::small().renumbered(number, day(TODAY));
    Draft::of_catalogue(&catalogue, day(TODAY), day(expires)).unwrap()
}

/// A bundle around a manifest, with whatever signature its signer gives.
fn around(signer: &Signer, manifest: &str, parts: &[u8]) -> Vec<u8> {
    let draft =
        Draft { manifest: manifest.as_bytes().to_vec(), parts: parts.to_vec(), comment: "c".to_owned() };
    signer.sign(draft)
}

fn admit(bytes: &[u8], key: &PublicKey, today: &str, floor: u32, mark: Option<&Mark>) -> Result<(), Error> {
    let bundle = read(bytes, std::slice::from_ref(key), Kind::Catalogue)?;
    bundle.manifest.admit(bundle.digest, day(today), floor, mark)
}

#[test]
fn a_bundle_reads_back_as_it_was_made() {
    let signer = Signer::new();
    let bytes = signer.bundle(7, "2027-11-26");
    let bundle = read(&bytes, &[signer.public()], Kind::Catalogue).unwrap();
    assert_eq!((bundle.manifest.number, bundle.key), (7, signer.public().id()));
    assert_eq!(bundle.manifest.parts[0].encoding, Encoding::Zstd);
    let catalogue = bundle.catalogue().unwrap();
    assert_eq!(catalogue, crate::testing::small().renumbered(7, day(TODAY)));
    assert_eq!(number_in(catalogue.version()), Some(7));
    assert_eq!(bundle.version().unwrap(), catalogue.version());
    assert_eq!(&*bundle.matcher().unwrap().name("chatgpt.com").unwrap().rule, "v.p.high");
    bundle.manifest.admit(bundle.digest, day(TODAY), 7, Some(&bundle.mark())).unwrap();
    assert_eq!(peek(&bytes), Some(bundle.manifest.clone()));
    assert_eq!(bundle.mark().to_string().parse(), Ok(bundle.mark()));
}

#[test]
fn any_byte_changed_any_cut_and_anything_behind_is_refused() {
    let signer = Signer::new();
    let keys = [signer.public()];
    let bytes = signer.bundle(7, "2027-11-26");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(read(&changed, &keys, Kind::Catalogue).is_err(), "byte {at}");
        let cut = read(&bytes[..at], &keys, Kind::Catalogue).map(drop);
        assert_eq!(cut, Err(Error::Truncated), "cut at {at}");
    }
    let longer = [&bytes[..], b"x"].concat();
    assert_eq!(read(&longer, &keys, Kind::Catalogue).map(drop), Err(Error::Trailing { bytes: 1 }));
}

#[test]
fn the_comment_that_nobody_signs_cannot_be_changed_either() {
    let signer = Signer::new();
    let bytes = signer.bundle(7, "2027-11-26");
    let at = bytes.windows(9).position(|window| window == b"untrusted").unwrap();
    let mut changed = bytes.clone();
    changed[at + b"untrusted comment: ".len()] = b'X';
    let refused = read(&changed, &[signer.public()], Kind::Catalogue).map(drop);
    assert!(matches!(refused, Err(Error::BadSignature(_))), "{refused:?}");
}

#[test]
fn either_of_two_keys_will_do_and_no_third() {
    let (old, new, other) = (Signer::new(), Signer::new(), Signer::new());
    let keys = [old.public(), new.public()];
    for signer in [&old, &new] {
        read(&signer.bundle(1, "2027-01-01"), &keys, Kind::Catalogue).unwrap();
    }
    let refused = read(&other.bundle(1, "2027-01-01"), &keys, Kind::Catalogue).map(drop);
    assert_eq!(refused, Err(Error::UnknownKey { key: other.public().id() }));
    assert!(matches!(
        read(&new.bundle(1, "2027-01-01"), &[], Kind::Catalogue),
        Err(Error::UnknownKey { .. })
    ));
}

#[test]
fn a_key_that_only_has_the_id_of_a_trusted_one_is_none() {
    let (signer, other) = (Signer::new(), Signer::new());
    let bytes = signer.bundle(1, "2027-01-01");
    // The id of the one with the key of the other.
    let mut key = data_encoding::BASE64.decode(other.public().to_string().as_bytes()).unwrap();
    key[2..10].copy_from_slice(&signer.public().id().0);
    let impostor: PublicKey = data_encoding::BASE64.encode(&key).parse().unwrap();
    let refused = read(&bytes, std::slice::from_ref(&impostor), Kind::Catalogue).map(drop);
    assert_eq!(refused, Err(Error::Forged { key: signer.public().id() }));
    read(&bytes, &[impostor, signer.public()], Kind::Catalogue).unwrap();
}

#[test]
fn what_was_taken_before_is_never_gone_back_behind() {
    let signer = Signer::new();
    let key = signer.public();
    let seven = signer.bundle(7, "2027-01-01");
    let mark = read(&seven, std::slice::from_ref(&key), Kind::Catalogue).unwrap().mark();
    let admit = |bytes: &[u8]| admit(bytes, &key, TODAY, 1, Some(&mark));
    assert_eq!(admit(&seven), Ok(()));
    assert_eq!(admit(&signer.bundle(8, "2027-01-01")), Ok(()));
    assert_eq!(admit(&signer.bundle(6, "2027-01-01")), Err(Error::Rollback { number: 6, mark: 7 }));
    // The same number, another content.
    assert_eq!(admit(&signer.bundle(7, "2027-01-02")), Err(Error::Replaced { number: 7 }));
}

#[test]
fn what_is_older_than_the_program_is_not_taken() {
    let signer = Signer::new();
    let bytes = signer.bundle(7, "2027-01-01");
    assert_eq!(admit(&bytes, &signer.public(), TODAY, 8, None), Err(Error::Older { number: 7, floor: 8 }));
    assert_eq!(admit(&bytes, &signer.public(), TODAY, 7, None), Ok(()));
}

#[test]
fn a_bundle_is_taken_until_the_day_it_expires_and_a_clock_that_is_behind_does_no_harm() {
    let signer = Signer::new();
    let bytes = signer.bundle(7, "2026-12-24");
    let admit = |today: &str| admit(&bytes, &signer.public(), today, 0, None);
    assert_eq!(admit("2026-12-23"), Ok(()));
    let expired = Error::Expired { expired: day("2026-12-24"), today: day("2026-12-24") };
    assert_eq!(admit("2026-12-24"), Err(expired));
    assert!(matches!(admit("2045-01-01"), Err(Error::Expired { .. })));
    assert_eq!(admit("1970-01-01"), Ok(()));
    let over = signer.bundle(7, TODAY);
    assert!(read(&over, &[signer.public()], Kind::Catalogue).unwrap().manifest.is_expired(day("1970-01-01")));
}

#[test]
fn an_overlay_is_no_catalogue_and_the_other_way_round() {
    let signer = Signer::new();
    let keys = [signer.public()];
    let part = [("rules", &b"own rules"[..])];
    let overlay = Draft::new(Kind::Overlay, 1, day(TODAY), day("2027-01-01"), &part).unwrap();
    let bytes = signer.sign(overlay);
    let bundle = read(&bytes, &keys, Kind::Overlay).unwrap();
    assert_eq!(&*bundle.part("rules").unwrap().unwrap(), b"own rules");
    assert!(bundle.part("rule").is_none());
    let refused = read(&bytes, &keys, Kind::Catalogue).map(drop);
    assert_eq!(refused, Err(Error::OtherKind { found: Kind::Overlay, wanted: Kind::Catalogue }));
    assert!(matches!(
        read(&signer.bundle(1, "2027-01-01"), &keys, Kind::Overlay),
        Err(Error::OtherKind { .. })
    ));
}

#[test]
fn formats_and_layouts_of_other_versions_are_named() {
    let signer = Signer::new();
    let keys = [signer.public()];
    let mut bytes = signer.bundle(1, "2027-01-01");
    bytes[FORMAT.len()] = b'2';
    let refused = read(&bytes, &keys, Kind::Catalogue).map(drop);
    assert_eq!(refused, Err(Error::UnknownFormat { found: "2".to_owned() }));
    assert_eq!(read(b"PK\x03\x04", &keys, Kind::Catalogue).map(drop), Err(Error::NoBundle));
    assert_eq!(read(b"", &keys, Kind::Catalogue).map(drop), Err(Error::Truncated));

    let part = [("catalogue.999", &b"of another day"[..])];
    let bytes = signer.sign(Draft::new(Kind::Catalogue, 1, day(TODAY), day("2027-01-01"), &part).unwrap());
    let refused = read(&bytes, &keys, Kind::Catalogue).unwrap().matcher().map(drop);
    assert_eq!(
        refused,
        Err(Error::OtherLayout { found: vec!["catalogue.999".to_owned()], wanted: part_name() })
    );
}

#[test]
fn a_catalogue_that_is_none_or_of_another_number_is_refused() {
    let signer = Signer::new();
    let compiled = compile::encode(&crate::testing::small());
    let cut = &compiled[..compiled.len() - 1];
    for (number, content) in
        [(crate::testing::small().number(), cut), (99, &compiled[..]), (0, &b"nothing"[..])]
    {
        let part = [(&*part_name(), content)];
        let draft = Draft::new(Kind::Catalogue, number, day(TODAY), day("2027-01-01"), &part).unwrap();
        let bytes = signer.sign(draft);
        let keys = [signer.public()];
        let bundle = read(&bytes, &keys, Kind::Catalogue).unwrap();
        assert_eq!(bundle.matcher().map(drop), Err(Error::NoCatalogue));
        assert_eq!(bundle.catalogue().map(drop), Err(Error::NoCatalogue));
    }
}

#[test]
fn a_pattern_longer_than_the_matcher_counts_is_refused() {
    let compiled = |letters: usize| {
        let mut catalogue = crate::testing::small();
        catalogue.rules[0].indicators[0].pattern = Text::Owned("ü".repeat(letters));
        compile::encode(&catalogue)
    };
    assert!(Matcher::from_compiled(&compiled(2_000)).is_some());
    assert!(Matcher::from_compiled(&compiled(40_000)).is_none());
    assert!(Catalogue::from_compiled(&compiled(40_000)).is_none());
}

#[test]
fn a_manifest_has_one_spelling() {
    let signer = Signer::new();
    let keys = [signer.public()];
    let good = Manifest {
        kind: Kind::Catalogue,
        number: 1,
        date: day(TODAY),
        expires: day("2027-01-01"),
        parts: vec![Part {
            name: "p".to_owned(),
            encoding: Encoding::Plain,
            stored: 2,
            length: 2,
            sha256: sha256(b"ab"),
        }],
    };
    let text = good.to_string();
    read(&around(&signer, &text, b"ab"), &keys, Kind::Catalogue).unwrap();
    for (from, to) in [
        ("number 1", "number 01"),
        ("number 1", "number +1"),
        ("number 1", "number 4294967296"),
        ("kind catalogue", "kind catalogues"),
        ("manifest 1", "manifest 2"),
        ("\n", "\r\n"),
        ("part p", "part  p"),
        ("part p", "part P"),
        ("part p", "part ../p"),
        ("plain 2 2", "plain 2 9000000"),
        ("plain 2 2", "plain 4294967295 2"),
        ("plain", "gzip"),
        ("date 2026-11-26\n", ""),
        ("expires", "ends"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(text, changed);
        let refused = read(&around(&signer, &changed, b"ab"), &keys, Kind::Catalogue).map(drop);
        assert!(matches!(refused, Err(Error::BadManifest(_))), "{changed}: {refused:?}");
    }
    for changed in [format!("{text}\n"), text.trim_end().to_owned(), text.clone() + "part q plain 0 0 00\n"] {
        let refused = read(&around(&signer, &changed, b"ab"), &keys, Kind::Catalogue).map(drop);
        assert!(matches!(refused, Err(Error::BadManifest(_))), "{changed}: {refused:?}");
    }
}

#[test]
fn a_part_that_unpacks_to_more_than_it_says_is_refused_and_not_unpacked() {
    let signer = Signer::new();
    let bomb = zstd::bulk::compress(&vec![0; 64 * 1024 * 1024], 3).unwrap();
    let manifest = format!(
        "umbrascope manifest 1\nkind catalogue\nnumber 1\ndate {TODAY}\nexpires 2027-01-01\npart {} zstd {} 1000 {}\n",
        part_name(),
        bomb.len(),
        sha256(&bomb)
    );
    let bytes = around(&signer, &manifest, &bomb);
    let keys = [signer.public()];
    let bundle = read(&bytes, &keys, Kind::Catalogue).unwrap();
    assert_eq!(bundle.matcher().map(drop), Err(Error::Unpack { part: part_name() }));
}

#[test]
fn lengths_over_the_bounds_are_refused_before_anything_is_read() {
    let too_long = |what, bytes: &[u8]| {
        let refused = read(bytes, &[], Kind::Catalogue).map(drop);
        assert!(matches!(&refused, Err(Error::TooLong { what: found, .. }) if *found == what), "{refused:?}");
    };
    too_long("bundle", &vec![0; MAX_BYTES + 1]);
    too_long("manifest", &[MAGIC, &[0xff; 4]].concat());
    too_long("signature", &[MAGIC, &[0, 0, 0, 1], b"m", &[0, 1, 0, 0]].concat());
}

#[test]
fn a_signature_of_the_legacy_kind_or_of_another_form_is_refused() {
    for (text, why) in [
        ("", "fewer"),
        ("untrusted comment: a\nb\nc\nd\ne", "none of minisign"),
        ("untrusted comment: a\nRWQ=\ntrusted comment: t\nAAAA", "too short"),
        ("untrusted comment: a\nRWQ=\ncomment: t\nAAAA", "no trusted comment"),
    ] {
        let refused = draft(1, "2027-01-01").sign(text).unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
    let mut legacy = vec![0; 74];
    legacy[..2].copy_from_slice(b"Ed");
    let text =
        format!("untrusted comment: a\n{}\ntrusted comment: t\nAAAA", data_encoding::BASE64.encode(&legacy));
    assert!(draft(1, "2027-01-01").sign(&text).unwrap_err().to_string().contains("legacy"));
}

#[test]
fn keys_are_read_in_the_forms_that_minisign_writes() {
    let (one, other) = (Signer::new().public(), Signer::new().public());
    assert_eq!(
        format!("untrusted comment: minisign public key {}\n{one}\n", one.id()).parse(),
        Ok(one.clone())
    );
    let list = format!("# the present one\n{one}\n\nuntrusted comment: the next one\n  {other}\n");
    assert_eq!(PublicKey::list(&list), Ok(vec![one.clone(), other]));
    assert_eq!(one.id().to_string().parse(), Ok(one.id()));
    for text in ["", "RWQ", "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO=", "a\nb"] {
        assert_eq!(text.parse::<PublicKey>(), Err(NoKey), "{text}");
    }
}

#[test]
fn the_keys_of_the_program_are_keys() {
    assert_eq!(PublicKey::list(RELEASE_KEYS).map(|keys| keys.len()), Ok(PublicKey::of_release().len()));
}

/// What programs out there read must not change under the same [`LAYOUT`]: give it the next number (if the present one was
/// part of a release) and put the digest here that the failure shows.
#[test]
fn the_layout_is_the_one_that_its_number_stands_for() {
    let mut bytes = compile::encode(&crate::testing::small());
    let words = [
        format!("{:?}", Answer::ALL),
        format!("{:?}", Category::ALL),
        format!("{:?}", ClaimSource::ALL),
        format!("{:?}", Confidence::ALL),
        format!("{:?}", Fallback::ALL),
        format!("{:?}", Framework::ALL),
        format!("{:?}", LandmarkKind::ALL),
        format!("{:?}", Level::ALL),
        format!("{:?}", ProductKind::ALL),
        format!("{:?}", Serves::ALL),
        format!("{:?}", SoftwareKind::ALL),
        format!("{:?}", SourceType::ALL),
    ];
    bytes.extend(words.concat().into_bytes());
    assert_eq!((LAYOUT, &sha256(&bytes).to_string()[..16]), (1, "036a60e0ad3a9a7c"));
}

proptest! {
    #[test]
    fn nothing_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = read(&bytes, &[], Kind::Catalogue);
        let _ = read(&[MAGIC, &bytes].concat(), &[], Kind::Catalogue);
        let _ = Manifest::parse(&bytes);
        let _ = key::canonical(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_compiled_catalogue_with_bytes_changed_reads_or_does_not_and_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let mut bytes = compile::encode(&crate::testing::small());
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = Catalogue::from_compiled(&bytes);
        if let Some(matcher) = Matcher::from_compiled(&bytes) {
            matcher.name("api.chatgpt.com");
            matcher.software(SoftwareKind::Npm, "@v/p");
        }
    }
}
