//! What own rules would change in what the collector holds.

use std::collections::BTreeMap;

use umbrascope_api::{Channel, Day};
use umbrascope_rules::{Catalogue, Confidence, Matcher};

use crate::inventory::Meaning;
use crate::model::KnownValue;

/// What would be different.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effect {
    /// Values that would mean something else, those on the most assets first.
    pub shifts: Vec<Shift>,
    /// How many values were looked at.
    pub looked_at: usize,
}

/// A value that would mean something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// The value that an agent reported.
    pub value: String,
    /// How it is known.
    pub channel: Channel,
    /// On how many assets.
    pub assets: u64,
    /// The last day.
    pub last_day: Day,
    /// Product and confidence now.
    pub now: (String, Confidence),
    /// Product and confidence then; `None`: nothing would know it.
    pub then: Option<(String, Confidence)>,
    /// Only what is seen from then on: facts keep the rule that they came by.
    pub from_then_on: bool,
}

/// Compares what values mean now with what they would mean.
pub fn effect(values: &[KnownValue], now: &Catalogue, then: &Catalogue) -> Effect {
    let matcher = Matcher::new(then);
    let mut meanings = BTreeMap::new();
    let mut shifts = Vec::new();
    for known in values {
        let [before, after] = meanings
            .entry(known.rule.as_str())
            .or_insert_with(|| [now, then].map(|catalogue| meaning(&known.rule, catalogue)))
            .clone();
        let is_name = [Channel::Dns, Channel::Tls, Channel::Quic, Channel::Http].contains(&known.channel);
        let found = is_name.then(|| matcher.name(&known.value));
        let (then, from_then_on) = match found {
            // A rule that is longer takes names from another; what was reported stays with the other.
            Some(Some(found)) if *found.rule != *known.rule => (Some(meaning(&found.rule, then)), true),
            Some(None) => (None, false),
            _ => (Some(after), false),
        };
        if then.as_ref() != Some(&before) {
            shifts.push(Shift {
                value: known.value.clone(),
                channel: known.channel.clone(),
                assets: known.assets,
                last_day: known.last_day,
                now: before,
                then,
                from_then_on,
            });
        }
    }
    Effect { shifts, looked_at: values.len() }
}

/// Name of the product and confidence.
fn meaning(rule: &str, catalogue: &Catalogue) -> (String, Confidence) {
    let meaning = Meaning::of(rule, catalogue);
    let name = catalogue.product(&meaning.product).map_or(&*meaning.product, |product| &*product.name);
    (name.to_owned(), meaning.confidence)
}

#[cfg(test)]
mod tests {
    use umbrascope_rules::Overlay;

    use super::*;

    fn value(rule: &str, value: &str) -> KnownValue {
        KnownValue {
            rule: rule.to_owned(),
            channel: Channel::Tls,
            value: value.to_owned(),
            assets: 3,
            last_day: Day::MAX,
        }
    }

    #[test]
    fn names_confidences_and_denies_are_told_before_they_are_published() {
        let now = Catalogue::embedded();
        let matcher = Matcher::new(now);
        let known = |name: &str| value(&matcher.name(name).unwrap().rule, name);
        let values = [known("chatgpt.com"), known("claude.ai"), known("bing.com"), known("api.groq.com")];
        let product = |at: usize| now.rule(&values[at].rule).unwrap().product.clone();
        let text = format!(
            "[[deny]]\nid = \"deny.own-a\"\nreason = \"r\"\nsuffix = [\"chatgpt.com\"]\n\
             [[change]]\nproduct = \"{}\"\nname = \"Approved\"\nreason = \"r\"\n\
             [[change]]\nrule = \"{}\"\nconfidence = \"medium\"\nreason = \"r\"\n",
            product(1),
            values[2].rule
        );
        let (overlay, problems) = Overlay::parse("own-rules.toml", &text);
        assert_eq!(problems, []);
        let then = now.with_overlay(&overlay, 1).catalogue;
        let effect = effect(&values, now, &then);
        assert_eq!((effect.looked_at, effect.shifts.len()), (4, 3), "{:?}", effect.shifts);
        assert_eq!(effect.shifts[0].then, None);
        assert_eq!(effect.shifts[1].then.as_ref().unwrap().0, "Approved");
        assert_eq!(effect.shifts[2].then.as_ref().unwrap().1, Confidence::Medium);
    }
}
