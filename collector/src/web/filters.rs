//! What the templates call on a value: `{{ row.name|cell }}`.

use std::fmt::Display;

use askama::filters::Safe;
use askama::{Result, Values};
use umbrascope_api::{Channel, Day, ItemDetails, RiskFlag};
use umbrascope_rules::{Answer, ClaimSource, Confidence, Level, ProductKind, Standing};

use super::assets;
use super::chart::Sparkline;
use super::language::{self, Hole, Sentence, say};
use super::text::{self, Ago, DayWords, Grouped, Plural, Rfc3339, Shown, Tenths};
use super::url::encode;
use super::words;
use crate::model::{AiSystemRow, DayCount, SensorState, TokenRow, TokenState};

/// Longest text outside a table, in characters.
const TEXT_CHARS: usize = 600;
/// Longest text that stands on a page of its own, in characters.
const WHOLE_CHARS: usize = 24_000;

/// A value behind as many references as a loop in a template puts before it.
pub(crate) trait Peel<T> {
    /// The value.
    fn peel(&self) -> &T;
}

impl<T> Peel<T> for T {
    fn peel(&self) -> &T {
        self
    }
}

impl<T> Peel<T> for &T {
    fn peel(&self) -> &T {
        self
    }
}

impl<T> Peel<T> for &&T {
    fn peel(&self) -> &T {
        self
    }
}

/// A text of ours, or a label that a record gives, in the reader's language: `{{ "Findings"|t }}`, `{{ state.label()|t }}`.
#[askama::filter_fn]
pub(crate) fn t(text: impl AsRef<str>, _: &dyn Values) -> Result<String> {
    Ok(language::label(text.as_ref()).into_owned())
}

/// A label in the reader's language, in small letters, for the middle of a sentence.
#[askama::filter_fn]
pub(crate) fn lowered(text: impl AsRef<str>, _: &dyn Values) -> Result<String> {
    Ok(language::label(text.as_ref()).to_lowercase())
}

/// What a module without a language formatted, in the reader's: `{{ line.says|said }}`.
#[askama::filter_fn]
pub(crate) fn said(text: impl AsRef<str>, _: &dyn Values) -> Result<String> {
    Ok(language::message(text.as_ref()))
}

/// A text of ours with markup, and with holes for values: `{{ "<strong>{0}</strong> open"|say|with(open) }}`.
#[askama::filter_fn]
pub(crate) fn say(text: &'static str, _: &dyn Values) -> Result<Sentence> {
    Ok(Sentence::new(text))
}

/// A value for the next hole of a text, escaped.
#[askama::filter_fn]
pub(crate) fn with<V: Hole>(sentence: Sentence, _: &dyn Values, value: V) -> Result<Sentence> {
    Ok(sentence.with(&value))
}

/// Address of a static file, with the hash of its content in the name.
#[askama::filter_fn]
pub(crate) fn asset(name: &str, _: &dyn Values) -> Result<String> {
    Ok(assets::href(name))
}

/// Text from outside, made harmless, of the length of a table cell.
#[askama::filter_fn]
pub(crate) fn cell(text: impl AsRef<str>, _: &dyn Values) -> Result<String> {
    Ok(Shown::new(text.as_ref(), text::CELL_CHARS).to_string())
}

/// Text from outside, made harmless, of the length of a paragraph.
#[askama::filter_fn]
pub(crate) fn shown(text: impl AsRef<str>, _: &dyn Values) -> Result<String> {
    Ok(Shown::new(text.as_ref(), TEXT_CHARS).to_string())
}

/// Text from outside, made harmless, of the length of a record.
#[askama::filter_fn]
pub(crate) fn whole(text: impl AsRef<str>, _: &dyn Values) -> Result<String> {
    Ok(Shown::new(text.as_ref(), WHOLE_CHARS).to_string())
}

/// A dash for an empty text.
#[askama::filter_fn]
pub(crate) fn or_dash(text: impl AsRef<str>, _: &dyn Values) -> Result<String> {
    Ok(if text.as_ref().is_empty() { "–" } else { text.as_ref() }.to_owned())
}

/// A word for a machine without a name.
#[askama::filter_fn]
pub(crate) fn or_unnamed(text: impl AsRef<str>, _: &dyn Values) -> Result<String> {
    Ok(if text.as_ref().is_empty() { language::t("unnamed machine") } else { text.as_ref() }.to_owned())
}

/// A word for a token without a label.
#[askama::filter_fn]
pub(crate) fn or_unlabelled(text: impl AsRef<str>, _: &dyn Values) -> Result<String> {
    Ok(if text.as_ref().is_empty() { language::t("no label") } else { text.as_ref() }.to_owned())
}

/// One segment of a path, percent-encoded.
#[askama::filter_fn]
pub(crate) fn segment(text: impl AsRef<str>, _: &dyn Values) -> Result<String> {
    Ok(encode(text.as_ref()))
}

/// A number in groups of three digits.
#[askama::filter_fn]
pub(crate) fn grouped(number: impl Peel<u64>, _: &dyn Values) -> Result<Grouped> {
    Ok(Grouped(*number.peel()))
}

/// A number of machines or accounts, where it may be told.
#[askama::filter_fn]
pub(crate) fn told(number: impl Peel<u64>, _: &dyn Values, least: &u64) -> Result<String> {
    Ok(match crate::anonymity::told(*number.peel(), *least) {
        Some(number) => Grouped(number).to_string(),
        None => say!("fewer than {0}", least),
    })
}

/// The same with its noun.
#[askama::filter_fn]
pub(crate) fn told_plural(
    number: impl Peel<u64>,
    _: &dyn Values,
    least: &u64,
    noun: &'static str,
) -> Result<String> {
    Ok(match crate::anonymity::told(*number.peel(), *least) {
        Some(number) => Plural(number, noun).to_string(),
        None => say!("fewer than {0} {1}", least, language::noun(noun, 0)),
    })
}

/// A number of machines that are a part of so many, where it may be told.
#[askama::filter_fn]
pub(crate) fn part(number: impl Peel<u64>, _: &dyn Values, whole: &u64, least: &u64) -> Result<String> {
    let number = *number.peel();
    Ok(match (crate::anonymity::part(*whole, number, *least), crate::anonymity::told(number, *least)) {
        (Some(number), _) => Grouped(number).to_string(),
        (None, None) => say!("fewer than {0}", least),
        (None, Some(_)) => language::t("not told").to_owned(),
    })
}

/// A number that may be told, or that it may not.
#[askama::filter_fn]
pub(crate) fn if_told(number: impl Peel<Option<u64>>, _: &dyn Values) -> Result<String> {
    Ok(number.peel().map_or_else(|| language::t("not told").to_owned(), |number| Grouped(number).to_string()))
}

/// A number with its noun.
#[askama::filter_fn]
pub(crate) fn plural(number: impl Peel<u64>, _: &dyn Values, noun: &'static str) -> Result<Plural> {
    Ok(Plural(*number.peel(), noun))
}

/// A part of a whole in per cent with one decimal, or a dash where there is no whole.
#[askama::filter_fn]
pub(crate) fn percent(part: impl Peel<u64>, _: &dyn Values, whole: &u64) -> Result<String> {
    if *whole == 0 {
        return Ok("–".to_owned());
    }
    let tenths = u128::from(*part.peel()) * 1_000 / u128::from(*whole);
    Ok(format!("{}\u{A0}%", Tenths(tenths)))
}

/// How long ago a moment was.
#[askama::filter_fn]
pub(crate) fn ago(at_ms: impl Peel<i64>, _: &dyn Values, now_ms: &i64) -> Result<Ago> {
    Ok(Ago { at_ms: *at_ms.peel(), now_ms: *now_ms })
}

/// A moment in a reader's words, for a sentence; its macro stands where there is no sentence.
#[askama::filter_fn]
pub(crate) fn moment(at_ms: impl Peel<i64>, _: &dyn Values, now_ms: &i64) -> Result<Safe<String>> {
    let at_ms = *at_ms.peel();
    let (exact, words) = (Rfc3339(at_ms), Ago { at_ms, now_ms: *now_ms });
    Ok(Safe(format!("<time datetime=\"{exact}\" title=\"{exact}\">{words}</time>")))
}

/// The very moment, for a sentence.
#[askama::filter_fn]
pub(crate) fn instant(at_ms: impl Peel<i64>, _: &dyn Values) -> Result<Safe<String>> {
    let exact = Rfc3339(*at_ms.peel());
    Ok(Safe(format!("<time datetime=\"{exact}\">{exact}</time>")))
}

/// A day in a reader's words, for a sentence.
#[askama::filter_fn]
pub(crate) fn day(day: impl Peel<Day>, _: &dyn Values, today: &Day) -> Result<Safe<String>> {
    let day = *day.peel();
    Ok(Safe(format!("<time datetime=\"{day}\">{}</time>", DayWords { day, today: *today })))
}

/// A moment for machines.
#[askama::filter_fn]
pub(crate) fn rfc3339(at_ms: impl Peel<i64>, _: &dyn Values) -> Result<Rfc3339> {
    Ok(Rfc3339(*at_ms.peel()))
}

/// The small chart of a table cell.
#[askama::filter_fn]
pub(crate) fn spark(values: impl AsRef<[u64]>, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(Sparkline { values: values.as_ref() }.to_string()))
}

/// Days for a table: the newest first.
#[askama::filter_fn]
pub(crate) fn newest_first(days: impl AsRef<[DayCount]>, _: &dyn Values) -> Result<Vec<DayCount>> {
    Ok(days.as_ref().iter().rev().copied().collect())
}

/// Whether the n-th bar of a confidence is filled, as a class.
#[askama::filter_fn]
pub(crate) fn bar(confidence: impl Peel<Confidence>, _: &dyn Values, nth: usize) -> Result<&'static str> {
    Ok(if words::confidence_bars(*confidence.peel()) >= nth { "on" } else { "off" })
}

/// Style class of a channel's badge.
#[askama::filter_fn]
pub(crate) fn channel_class(channel: impl Peel<Channel>, _: &dyn Values) -> Result<&'static str> {
    Ok(words::channel_class(channel.peel()))
}

/// What a channel is.
#[askama::filter_fn]
pub(crate) fn channel_meaning(channel: impl Peel<Channel>, _: &dyn Values) -> Result<&'static str> {
    Ok(words::channel_meaning(channel.peel()))
}

/// A level in a word.
#[askama::filter_fn]
pub(crate) fn level_label(level: impl Peel<Level>, _: &dyn Values) -> Result<&'static str> {
    Ok(words::level_label(*level.peel()))
}

/// What a level proves.
#[askama::filter_fn]
pub(crate) fn level_meaning(level: impl Peel<Level>, _: &dyn Values) -> Result<&'static str> {
    Ok(words::level_meaning(*level.peel()))
}

/// What a confidence means.
#[askama::filter_fn]
pub(crate) fn confidence_meaning(confidence: impl Peel<Confidence>, _: &dyn Values) -> Result<&'static str> {
    Ok(words::confidence_meaning(*confidence.peel()))
}

/// A kind in words.
#[askama::filter_fn]
pub(crate) fn kind_label(kind: impl Peel<ProductKind>, _: &dyn Values) -> Result<&'static str> {
    Ok(words::kind_label(*kind.peel()))
}

/// A risk flag in words.
#[askama::filter_fn]
pub(crate) fn flag_meaning(flag: impl Peel<RiskFlag>, _: &dyn Values) -> Result<String> {
    Ok(words::flag_meaning(flag.peel()).to_owned())
}

/// What a scan said beside an item: label and value.
#[askama::filter_fn]
pub(crate) fn detail_words(
    details: impl Peel<ItemDetails>,
    _: &dyn Values,
) -> Result<Vec<(&'static str, String)>> {
    Ok(words::details(details.peel()))
}

/// Why an AI system stands in the inventory.
#[askama::filter_fn]
pub(crate) fn why(row: impl Peel<AiSystemRow>, _: &dyn Values) -> Result<impl Display> {
    Ok(words::why_candidate(row.peel()))
}

/// What follows from all sources, in words.
#[askama::filter_fn]
pub(crate) fn standing_label(standing: impl Peel<Standing>, _: &dyn Values) -> Result<&'static str> {
    Ok(words::standing(*standing.peel()).0)
}

/// Style class of what follows from all sources.
#[askama::filter_fn]
pub(crate) fn standing_class(standing: impl Peel<Standing>, _: &dyn Values) -> Result<&'static str> {
    Ok(words::standing(*standing.peel()).1)
}

/// What one source answers.
#[askama::filter_fn]
pub(crate) fn answer_label(answer: impl Peel<Answer>, _: &dyn Values) -> Result<&'static str> {
    Ok(words::answer(*answer.peel()))
}

/// What sort of source a claim has.
#[askama::filter_fn]
pub(crate) fn source_label(source: impl Peel<ClaimSource>, _: &dyn Values) -> Result<&'static str> {
    Ok(words::claim_source(*source.peel()))
}

/// A sensor's state in words.
#[askama::filter_fn]
pub(crate) fn sensor_label(state: impl Peel<SensorState>, _: &dyn Values) -> Result<&'static str> {
    Ok(words::sensor_state(*state.peel()).0)
}

/// Style class of a sensor's state.
#[askama::filter_fn]
pub(crate) fn sensor_class(state: impl Peel<SensorState>, _: &dyn Values) -> Result<&'static str> {
    Ok(words::sensor_state(*state.peel()).1)
}

/// A token's state in words.
#[askama::filter_fn]
pub(crate) fn token_label(state: impl Peel<TokenState>, _: &dyn Values) -> Result<&'static str> {
    Ok(words::token_state(*state.peel()).0)
}

/// Style class of a token's state.
#[askama::filter_fn]
pub(crate) fn token_class(state: impl Peel<TokenState>, _: &dyn Values) -> Result<&'static str> {
    Ok(words::token_state(*state.peel()).1)
}

/// Whether a token can still be used, and so revoked.
#[askama::filter_fn]
pub(crate) fn usable(token: impl Peel<TokenRow>, _: &dyn Values) -> Result<bool> {
    Ok(token.peel().state == TokenState::Active)
}
