//! What the rows mean: evidence levels, corroboration, and when a product becomes a candidate of
//! the inventory. Pure rules: no store, no time.

use umbrascope_api::Channel;
use umbrascope_rules::{Catalogue, Confidence, Level};

/// Days of connections on one asset from which on they count as use.
pub const USE_DAYS: i64 = 3;

/// A set of small numbers, bit i standing for number i.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bits(pub i64);

impl Bits {
    /// Most members: the sign bit of the store's integer stays free.
    pub const CAPACITY: i64 = 63;

    /// The set of one number below [`Bits::CAPACITY`].
    pub fn of(number: i64) -> Self {
        Self(1 << number.clamp(0, Self::CAPACITY - 1))
    }

    /// Both sets together.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the number is in it.
    pub fn has(self, number: i64) -> bool {
        (0..Self::CAPACITY).contains(&number) && self.0 & (1 << number) != 0
    }

    /// The numbers, smallest first.
    pub fn numbers(self) -> impl Iterator<Item = i64> {
        (0..Self::CAPACITY).filter(move |number| self.has(*number))
    }
}

/// The product that a rule stands for, as far as the catalogue knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// Product id; the rule's own id when the catalogue does not know the rule.
    pub product: Box<str>,
    /// How sure the rule is.
    pub confidence: Confidence,
    /// The level that the rule states for all its sightings.
    pub level: Option<Level>,
    /// Whether the catalogue knows the rule.
    pub known: bool,
}

impl Meaning {
    /// What a rule means. An unknown one stands for itself: low, shown, and no candidate until a
    /// newer catalogue explains it.
    pub fn of(rule: &str, catalogue: &Catalogue) -> Self {
        match catalogue.rule(rule) {
            Some(known) => Self {
                product: catalogue
                    .product(&known.product)
                    .map_or(known.product.as_ref(), |product| product.id.as_ref())
                    .into(),
                confidence: known.confidence,
                level: known.level,
                known: true,
            },
            None => Self { product: rule.into(), confidence: Confidence::Low, level: None, known: false },
        }
    }
}

/// Whether a channel saw a connection begin.
pub fn is_connection(channel: &Channel) -> bool {
    matches!(channel, Channel::Tls | Channel::Quic | Channel::Http)
}

/// What one sighting proves. A connection made by an executable that is itself an AI product's is
/// use; a channel that this version does not know proves no more than a reference.
pub fn level(channel: &Channel, stated: Option<Level>, by_ai_executable: bool) -> Level {
    let of_channel = match channel {
        Channel::Dns => Level::Resolution,
        Channel::Tls | Channel::Quic | Channel::Http if by_ai_executable => Level::Use,
        Channel::Tls | Channel::Quic | Channel::Http | Channel::Log => Level::Connection,
        Channel::Process | Channel::Runtime => Level::Use,
        Channel::McpConfig | Channel::Policy | Channel::Account | Channel::Environment => Level::Configured,
        Channel::Package | Channel::App | Channel::Extension | Channel::ModelFile | Channel::Container => {
            Level::Presence
        }
        _ => Level::Referenced,
    };
    match stated {
        // A rule speaks of names or of software as a whole; how it was seen on the wire stays.
        Some(_) if is_connection(channel) || *channel == Channel::Dns => of_channel,
        Some(stated) => stated,
        None => of_channel,
    }
}

/// Whether evidence of this level can carry a candidate: not a reference or a resolution alone.
pub fn carries(level: Level) -> bool {
    !matches!(level, Level::Referenced | Level::Resolution)
}

/// Whether the channels are hints of two kinds. A name is one hint, however often it was seen: a
/// DNS query and the hello that follows it are not two.
pub fn corroborated<'a>(channels: impl IntoIterator<Item = &'a Channel>) -> bool {
    let mut first = None;
    for channel in channels {
        let kind = match channel {
            Channel::Tls | Channel::Quic | Channel::Http | Channel::Log => &Channel::Dns,
            other => other,
        };
        match first {
            None => first = Some(kind),
            Some(seen) if seen != kind => return true,
            Some(_) => {}
        }
    }
    false
}

/// How sure, after a second kind of hint on the same asset has lifted low to medium.
pub fn lifted(confidence: Confidence, corroborated: bool) -> Confidence {
    if corroborated && confidence == Confidence::Low { Confidence::Medium } else { confidence }
}

/// Whether a product on one asset is a candidate of the inventory. `carrying` is the best
/// confidence among the evidence that [`carries`].
pub fn is_candidate(carrying: Option<Confidence>, corroborated: bool) -> bool {
    carrying.is_some_and(|confidence| lifted(confidence, corroborated) >= Confidence::Medium)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_and_its_hello_are_one_hint() {
        assert!(!corroborated(&[Channel::Dns, Channel::Tls, Channel::Quic]));
        assert!(corroborated(&[Channel::Tls, Channel::Extension]));
        assert!(corroborated(&[Channel::Package, Channel::Process]));
    }

    #[test]
    fn a_low_product_needs_a_second_hint_and_a_suspect_one_never_makes_it() {
        assert!(!is_candidate(Some(Confidence::Low), false));
        assert!(is_candidate(Some(Confidence::Low), true));
        assert!(!is_candidate(Some(Confidence::Suspect), true));
        assert!(is_candidate(Some(Confidence::Medium), false));
        assert!(!is_candidate(None, true));
    }

    #[test]
    fn a_resolution_or_a_reference_alone_carries_nothing() {
        assert!(!carries(Level::Resolution));
        assert!(!carries(Level::Referenced));
        assert!(carries(Level::Presence) && carries(Level::Connection));
    }

    #[test]
    fn a_connection_of_an_ai_program_is_use() {
        assert_eq!(level(&Channel::Tls, None, true), Level::Use);
        assert_eq!(level(&Channel::Tls, None, false), Level::Connection);
        assert_eq!(level(&Channel::Dns, Some(Level::Use), true), Level::Resolution);
        assert_eq!(level(&Channel::Package, Some(Level::Referenced), false), Level::Referenced);
        assert_eq!(level(&Channel::Other("telepathy".into()), None, false), Level::Referenced);
    }

    #[test]
    fn sets_of_bits_hold_what_was_put_in() {
        let set = Bits::of(0).union(Bits::of(5)).union(Bits::of(62));
        assert_eq!(set.numbers().collect::<Vec<_>>(), [0, 5, 62]);
        assert!(set.0 > 0, "the sign bit stays free");
    }
}
