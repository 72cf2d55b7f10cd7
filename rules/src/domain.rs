//! Host names in one form, so that comparing them is comparing bytes.
//!
//! Normal means: lower-case ASCII, A-labels for anything else (UTS 46), labels of 1 to 63 octets from
//! `a-z 0-9 - _`, 253 octets at most, no trailing dot, no port, and not an address.

use std::borrow::Cow;
use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// Longest name in octets, without the trailing dot (RFC 1035 section 3.1, in text form).
const MAX_NAME: usize = 253;
/// Longest label in octets (RFC 1035 section 3.1).
const MAX_LABEL: usize = 63;
/// Longest text worth mapping: UTS 46 may shorten a name, but not to a quarter.
const MAX_TEXT: usize = 4 * MAX_NAME;

/// A host name in normal form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(Box<str>);

impl DomainName {
    /// Normalises a name as a packet, a log or a person wrote it.
    pub fn parse(text: &str) -> Result<DomainName, InvalidName> {
        normalise(text).map(|name| DomainName(name.into()))
    }

    /// The name in normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text is not a host name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing is left of it.
    #[error("the name is empty")]
    Empty,
    /// It is an IPv4 or IPv6 literal, or ends in a number as only addresses do.
    #[error("an address is not a name")]
    Address,
    /// Two dots in a row, a leading dot, or more than one trailing dot.
    #[error("a label is empty")]
    EmptyLabel,
    /// A label is longer than 63 octets.
    #[error("a label is longer than 63 octets")]
    LongLabel,
    /// The name is longer than 253 octets.
    #[error("the name is longer than 253 octets")]
    LongName,
    /// A character that no host name has.
    #[error("a character is not allowed in a name")]
    Character,
    /// UTS 46 refuses it, or an `xn--` label does not come out as it went in.
    #[error("an internationalised label is not valid")]
    Idna,
    /// What follows the colon is not a port.
    #[error("what follows the colon is not a port")]
    Port,
}

/// The normal form of `text`. Does not allocate where the text is in normal form already, or is but for a
/// port and one trailing dot.
pub(crate) fn normalise(text: &str) -> Result<Cow<'_, str>, InvalidName> {
    if scan(text.as_bytes()) == Ok(Labels::Plain) {
        return Ok(Cow::Borrowed(text));
    }
    let host = without_port(text)?;
    if host.len() > MAX_TEXT {
        return Err(InvalidName::LongName);
    }
    let mut name = Cow::Borrowed(host.strip_suffix('.').unwrap_or(host));
    if name.is_ascii() {
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            name = Cow::Owned(name.to_ascii_lowercase());
        }
        if scan(name.as_bytes())? == Labels::Plain {
            return Ok(name);
        }
    }
    let mapped = Uts46::new()
        .to_ascii(host.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore)
        .map_err(|_| InvalidName::Idna)?;
    // The mapping turns other full stops (U+3002 and its like) into dots, so the trailing one goes last.
    let name = mapped.strip_suffix('.').unwrap_or(&mapped);
    scan(name.as_bytes())?;
    Ok(Cow::Owned(name.to_owned()))
}

/// Where the dots of a name stand, a bit an octet, so that its labels are found without looking at it again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dots([u64; 4]);

impl Dots {
    /// Those of a name in normal form, which fits the 256 bits.
    pub(crate) fn of(name: &[u8]) -> Dots {
        let mut dots = [0; 4];
        for (at, _) in name.iter().enumerate().take(256).filter(|&(_, &byte)| byte == b'.') {
            dots[at / 64] |= 1 << (at % 64);
        }
        Dots(dots)
    }

    /// The last dot before an octet.
    #[inline]
    pub(crate) fn before(&self, end: usize) -> Option<usize> {
        let mut word = (end / 64).min(3);
        let mut bits = self.0[word] & ((1 << (end % 64)) - 1);
        while bits == 0 {
            word = word.checked_sub(1)?;
            bits = self.0[word];
        }
        Some(word * 64 + 63 - bits.leading_zeros() as usize)
    }
}

/// Longest name that [`plain`] takes: its dots fit one word.
const PLAIN: usize = 64;

/// The dots of a short name made only of what names in normal form are made of, and not ending in a dot. What it
/// takes may still be an address, hold an empty label or a bad `xn--`; such a name is in no other form either, so it
/// is enough to look closer, with [`is_sound`], when it matches something.
///
/// Eight octets at a time, without a branch on what it reads: this is the path that packets take.
#[inline]
pub(crate) fn plain(name: &[u8]) -> Option<Dots> {
    if name.len() > PLAIN || name.last().is_none_or(|&last| last == b'.') {
        return None;
    }
    let (mut other, mut dots) = (0, 0);
    let mut look = |word: [u8; 8], at: usize| {
        let word = u64::from_le_bytes(word);
        other |= !allowed(word) & HIGH;
        dots |= gather(!differs(word, b'.') & HIGH) << at;
    };
    if let Some(last) = name.last_chunk::<8>() {
        for (at, word) in name.as_chunks::<8>().0.iter().enumerate() {
            look(*word, at * 8);
        }
        // The last eight may overlap the ones before them, which changes nothing.
        look(*last, name.len() - 8);
    } else {
        let mut word = [b'a'; 8];
        word.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
        look(word, 0);
    }
    (other == 0).then_some(Dots([dots, 0, 0, 0]))
}

/// Whether what [`plain`] took and something matched is a name in normal form. Its labels fit their bound, as it has
/// two at least, and it is no address, as no pattern ends in a number.
pub(crate) fn is_sound(name: &str, dots: &Dots) -> bool {
    let mut end = name.len();
    loop {
        let dot = dots.before(end);
        let label = &name.as_bytes()[dot.map_or(0, |dot| dot + 1)..end];
        if label.is_empty() || label.starts_with(b"xn--") {
            return normalise(name).is_ok();
        }
        match dot {
            Some(dot) => end = dot,
            None => return true,
        }
    }
}

// Eight octets in a word, an answer in the high bit of each; the low bits of an answer mean nothing. The octets
// are cut to seven bits first, so that no addition carries into the next.
const HIGH: u64 = 0x8080_8080_8080_8080;
const ONES: u64 = 0x0101_0101_0101_0101;

/// Octets from `a-z 0-9 - . _`.
fn allowed(word: u64) -> u64 {
    let within = |from: u8, to: u8| {
        let low = word & !HIGH;
        (low + ONES * u64::from(0x80 - from)) & !(low + ONES * u64::from(0x7f - to))
    };
    (within(b'a', b'z') | within(b'0', b'9') | within(b'-', b'.') | within(b'_', b'_')) & !word
}

/// Octets that are not `octet`.
fn differs(word: u64, octet: u8) -> u64 {
    let difference = word ^ (ONES * u64::from(octet));
    ((difference & !HIGH) + !HIGH) | difference
}

/// The high bits side by side, that of the first octet lowest.
fn gather(high: u64) -> u64 {
    // Each product puts one of the bits at its place in the top octet; no two meet.
    (high >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// What a text of the right characters and lengths still needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Labels {
    /// Nothing: it is in normal form.
    Plain,
    /// A look at its `xn--` labels.
    Ace,
}

fn scan(name: &[u8]) -> Result<Labels, InvalidName> {
    if name.is_empty() {
        return Err(InvalidName::Empty);
    }
    if name.len() > MAX_NAME {
        return Err(InvalidName::LongName);
    }
    let mut start = 0;
    let mut number = true;
    let mut labels = Labels::Plain;
    for (at, &byte) in name.iter().enumerate() {
        match CLASS[usize::from(byte)] {
            Class::Letter => number = false,
            Class::Digit => {}
            Class::Dot => {
                check_label(&name[start..at], &mut labels)?;
                start = at + 1;
                number = true;
            }
            Class::Other => return Err(InvalidName::Character),
        }
    }
    check_label(&name[start..], &mut labels)?;
    // No top-level domain is a number; what ends in one is an address (URL standard, "ends in a number").
    if number { Err(InvalidName::Address) } else { Ok(labels) }
}

fn check_label(label: &[u8], labels: &mut Labels) -> Result<(), InvalidName> {
    match label.len() {
        0 => return Err(InvalidName::EmptyLabel),
        1..=MAX_LABEL => {}
        _ => return Err(InvalidName::LongLabel),
    }
    if label.starts_with(b"xn--") {
        *labels = Labels::Ace;
    }
    Ok(())
}

fn without_port(text: &str) -> Result<&str, InvalidName> {
    if text.starts_with('[') {
        return Err(InvalidName::Address);
    }
    match text.split_once(':') {
        None => Ok(text),
        Some((_, rest)) if rest.contains(':') => Err(InvalidName::Address),
        // RFC 3986 section 3.2.3: the port may be empty.
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && port.len() <= 5 => Ok(host),
        Some(_) => Err(InvalidName::Port),
    }
}

#[derive(Clone, Copy)]
enum Class {
    Letter,
    Digit,
    Dot,
    Other,
}

const CLASS: [Class; 256] = {
    let mut table = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | b'-' | b'_' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            b'.' => Class::Dot,
            _ => Class::Other,
        };
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(text: &str) -> Result<String, InvalidName> {
        normalise(text).map(Cow::into_owned)
    }

    #[test]
    fn a_name_in_normal_form_is_borrowed() {
        for text in [
            "chatgpt.com",
            "_dmarc.example.org",
            "r3---sn-4g5e.googlevideo.com",
            "chatgpt.com.",
            "chatgpt.com:443",
        ] {
            assert!(matches!(normalise(text), Ok(Cow::Borrowed(_))), "{text}");
        }
    }

    #[test]
    fn case_one_trailing_dot_and_port_go_away() {
        for text in ["CHATGPT.COM.", "chatgpt.com:443", "ChatGPT.com.:8443", "chatgpt.com:"] {
            assert_eq!(normal(text).as_deref(), Ok("chatgpt.com"), "{text}");
        }
    }

    #[test]
    fn unicode_becomes_a_labels() {
        assert_eq!(normal("Bücher.example").as_deref(), Ok("xn--bcher-kva.example"));
        assert_eq!(normal("ch\u{430}tgpt.com").as_deref(), Ok("xn--chtgpt-4nf.com"));
        assert_eq!(normal("chatgpt\u{3002}com\u{3002}").as_deref(), Ok("chatgpt.com"));
        assert_eq!(normal("ＣＨＡＴＧＰＴ.com").as_deref(), Ok("chatgpt.com"));
    }

    #[test]
    fn an_a_label_stays_if_it_comes_out_as_it_went_in() {
        assert_eq!(normal("XN--bcher-KVA.example").as_deref(), Ok("xn--bcher-kva.example"));
        for text in ["xn--.example", "xn--chatgpt-.com", "xn--zzzzzzzz99999.example", "xn--a-\u{fc}.example"]
        {
            assert_eq!(normal(text), Err(InvalidName::Idna), "{text}");
        }
    }

    #[test]
    fn addresses_are_not_names() {
        for text in ["1.2.3.4", "1.2.3.4:80", "[::1]", "[::1]:443", "::1", "fe80::1", "10", "1.2.3.4."] {
            assert_eq!(normal(text), Err(InvalidName::Address), "{text}");
        }
    }

    #[test]
    fn malformed_names_are_refused_with_the_reason() {
        let long_label = format!("{}.example", "a".repeat(64));
        let long_name = format!("{}example", "abcdefghi.".repeat(29));
        for (text, why) in [
            ("", InvalidName::Empty),
            (".", InvalidName::Empty),
            ("a..b", InvalidName::EmptyLabel),
            (".a", InvalidName::EmptyLabel),
            ("chatgpt.com..", InvalidName::EmptyLabel),
            ("chatgpt.com:http", InvalidName::Port),
            ("chat gpt.com", InvalidName::Character),
            ("chatgpt.com/", InvalidName::Character),
            ("*.chatgpt.com", InvalidName::Character),
            ("chatgpt.com\0", InvalidName::Character),
            (long_label.as_str(), InvalidName::LongLabel),
            (long_name.as_str(), InvalidName::LongName),
        ] {
            assert_eq!(normal(text), Err(why), "{text:?}");
        }
        assert!(normal(&long_name[44..]).is_ok(), "253 octets are allowed");
        assert!(normal(&"\u{fc}.".repeat(100_000)).is_err());
    }

    #[test]
    fn each_octet_is_sorted_by_the_quick_look_as_by_the_table() {
        for byte in 0..=255 {
            for at in 0..7 {
                let mut name = *b"abcdefgh";
                name[at] = byte;
                let known = !matches!(CLASS[usize::from(byte)], Class::Other);
                assert_eq!(plain(&name).is_some(), known, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn dots_are_where_they_are() {
        let name = format!("{}example.com", "abcdefg.".repeat(29));
        let dots = Dots::of(name.as_bytes());
        for end in 0..=name.len() {
            assert_eq!(dots.before(end), name[..end].rfind('.'), "{end}");
        }
    }

    proptest! {
        #[test]
        fn the_quick_look_agrees_with_the_slow_one(text in "[a-c1X.:_\\-é{`/]{0,20}|xn--[a-z.]{0,9}|[a-z.]{50,70}") {
            match plain(text.as_bytes()) {
                Some(dots) => {
                    prop_assert_eq!(dots.0, Dots::of(text.as_bytes()).0);
                    let expected = normal(&text).is_ok_and(|_| text.contains('.'));
                    let address = normal(&text) == Err(InvalidName::Address);
                    prop_assert!(address || !text.contains('.') || is_sound(&text, &dots) == expected);
                    prop_assert!(normal(&text).is_ok_and(|name| name == text) || normal(&text).is_err());
                }
                None => prop_assert!(text.len() > PLAIN || scan(text.as_bytes()).is_err()),
            }
        }

        #[test]
        fn normalising_never_panics_and_twice_is_once(text in "\\PC{0,80}") {
            if let Ok(name) = normalise(&text) {
                prop_assert_eq!(normal(&name), Ok(name.to_string()));
                prop_assert!(name.len() <= MAX_NAME && !name.ends_with('.') && name.is_ascii());
            }
        }

        #[test]
        fn host_like_texts_never_panic(text in "[a-zA-Z0-9.:_\\-\\[\\]xnüж。]{0,300}") {
            if let Ok(name) = normalise(&text) {
                prop_assert_eq!(normal(&name), Ok(name.to_string()));
            }
        }
    }
}
