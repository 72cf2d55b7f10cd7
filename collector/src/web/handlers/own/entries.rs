//! A version's rules, denies and changes in words.

use umbrascope_rules::{Catalogue, Changed, Indicator, IndicatorKind, Overlay, Rule};

use crate::model::{OwnText, OwnVersion};
use crate::own::{self, Desk};
use crate::store::StoreError;
use crate::web::language::{say, t};
use crate::web::pages::OwnEntry;

/// What stands in a version, in words.
pub(super) fn entries(
    desk: &Desk,
    newest: &OwnText,
    catalogue: &Catalogue,
) -> Result<Vec<OwnEntry>, StoreError> {
    let (overlay, _) = Overlay::parse(own::FILE, &newest.text);
    let mut versions = std::collections::HashMap::<u32, Option<OwnVersion>>::new();
    let mut since = |id: &str| -> Result<Option<OwnVersion>, StoreError> {
        let Some(item) = newest.items.iter().find(|item| item.id == id) else { return Ok(None) };
        if let Some(known) = versions.get(&item.since) {
            return Ok(known.clone());
        }
        let version = desk.store.own_version(item.since)?.map(|version| version.version);
        versions.insert(item.since, version.clone());
        Ok(version)
    };
    let mut entries = Vec::new();
    for rule in overlay.rules() {
        entries.push(OwnEntry { since: since(&rule.id)?, ..rule_entry(rule, &overlay, catalogue) });
    }
    for change in overlay.changes() {
        let (badge, says) = match &change.what {
            Changed::Name { name, .. } => (("run", t("name")), say!("is called {0} here", name)),
            Changed::Confidence { confidence, .. } => {
                (("warn", t("confidence")), say!("counts with confidence {0} here", confidence))
            }
        };
        let target = change.what.target();
        entries.push(OwnEntry {
            id: target.to_owned(),
            badge,
            product: String::new(),
            says: vec![says],
            confidence: None,
            why: change.reason.to_string(),
            since: since(target)?,
            retired: false,
        });
    }
    Ok(entries)
}

fn rule_entry(rule: &Rule, overlay: &Overlay, catalogue: &Catalogue) -> OwnEntry {
    let name = overlay.products().iter().find(|product| product.id == rule.product);
    let name = name.or_else(|| catalogue.product(&rule.product));
    OwnEntry {
        id: rule.id.to_string(),
        badge: if rule.deny { ("bad", t("not AI")) } else { ("disk", t("rule")) },
        product: if rule.deny {
            String::new()
        } else {
            name.map_or_else(|| rule.product.to_string(), |product| product.name.to_string())
        },
        says: rule.indicators.iter().map(says).collect(),
        confidence: (!rule.deny).then_some(rule.confidence),
        why: rule.note.as_deref().unwrap_or_default().to_owned(),
        since: None,
        retired: !rule.deny && rule.indicators.is_empty(),
    }
}

fn says(indicator: &Indicator) -> String {
    match indicator.kind {
        IndicatorKind::Suffix => say!("{0} and below", indicator.pattern),
        IndicatorKind::Exact | IndicatorKind::Glob => indicator.pattern.to_string(),
        IndicatorKind::Software(kind) => say!("{0}: {1}", kind, indicator.pattern),
    }
}
