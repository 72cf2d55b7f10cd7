//! Another catalogue while the store works.

use super::*;

/// [`KNOWN`] with a rule more, under another number.
fn newer() -> Arc<Known> {
    let text = CATALOGUE.to_owned()
        + "\n[[rule]]\nid = \"acme.chat.later\"\nproduct = \"acme.chat\"\nconfidence = \"high\"\n\
           source_url = \"https://acme.example/\"\nsource_type = \"knowledge\"\nexact = [\"later.acme.example\"]\n";
    let catalogue = Catalogue::parse(&[("acme.toml", &text)]).unwrap();
    Arc::new(Known::from(catalogue.renumbered(2, umbrascope_rules::Date::from_days(20_779))))
}

#[test]
fn a_newer_catalogue_explains_what_was_reported_before_it_and_what_comes_after() {
    let fixture = fleet();
    fixture.send(1, with_activity(1, vec![row("acme.chat.later", Channel::Tls, 0, 3)]), NOW_MS);
    let product = &fixture.products()[0];
    assert_eq!((product.id.as_str(), product.needs_catalogue), ("acme.chat.later", true));
    assert!(fixture.systems().is_empty());

    fixture.store.know(newer(), NOW_MS).unwrap();
    let products = fixture.products();
    assert_eq!(products.len(), 1);
    assert_eq!((products[0].id.as_str(), products[0].needs_catalogue), ("acme.chat", false));
    assert_eq!(fixture.systems(), ["acme.chat"]);
    let detail = fixture.store.product("acme.chat", today()).unwrap().unwrap();
    assert_eq!(detail.evidence.iter().map(|row| row.count).sum::<u64>(), 3);

    fixture.send(1, with_activity(1, vec![row("acme.chat.later", Channel::Tls, 0, 5)]), NOW_MS);
    let detail = fixture.store.product("acme.chat", today()).unwrap().unwrap();
    assert_eq!(detail.evidence.iter().map(|row| row.count).sum::<u64>(), 5, "merged by the larger count");

    // A store that is opened with the same catalogue finds its roll-ups made with it.
    fixture.store.close();
    let mut options = Options::knowing(newer());
    options.rebuild_on_new_catalogue = true;
    let again = SqliteStore::open(&fixture.path, options, NOW_MS).unwrap();
    assert_eq!(again.product("acme.chat", today()).unwrap().unwrap().evidence.len(), detail.evidence.len());
}
