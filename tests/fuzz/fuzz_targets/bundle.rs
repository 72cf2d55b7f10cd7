//! A catalogue bundle as it comes from the collector, and what is in it. The first byte says at which layer to begin, since a
//! signature stops whatever is behind it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use umbrascope_rules::bundle::{self, Kind, PublicKey};
use umbrascope_rules::{Catalogue, Matcher};

/// That of `examples/seeds.rs`.
static KEYS: LazyLock<Vec<PublicKey>> = LazyLock::new(|| {
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    vec![key.parse().expect("a public key")]
});

fuzz_target!(|bytes: &[u8]| {
    let Some((layer, bytes)) = bytes.split_first() else { return };
    if layer % 2 == 0 {
        // Nobody here holds the secret key.
        assert!(bundle::read(bytes, &KEYS, Kind::Catalogue).is_err());
        if let Some(manifest) = bundle::peek(bytes) {
            let text = manifest.to_string();
            assert!(bytes.windows(text.len()).any(|window| window == text.as_bytes()), "one spelling only");
        }
        return;
    }
    let catalogue = Catalogue::from_compiled(bytes);
    let matcher = Matcher::from_compiled(bytes);
    // Read whole it has the same rules as read one by one.
    let Some(catalogue) = catalogue else { return };
    let (lean, full) = (matcher.expect("what reads whole reads one by one"), Matcher::new(&catalogue));
    for rule in catalogue.rules() {
        for example in &rule.examples {
            assert_eq!(lean.name(example), full.name(example));
        }
    }
});
