//! The language of a page. Texts stand in English where they are used, in templates and in the code around them; what a reader of another
//! language is shown is looked up by the English text in a [catalogue]. A text that has none stands in English.
//!
//! It holds for the time of a request and within this module only, and is handed on to the threads that [`super::blocking`] works on:
//! words come out of many small functions, and none of them would do anything with a language but hand it on. Programs have one
//! language: `/api/`, exports, the trail, the log and the command line say what they say in English.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};

use askama::filters::{HtmlSafe, Safe};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

mod catalogue;
#[cfg(test)]
pub(crate) mod tests;

/// A language that pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    /// English, in which the texts stand.
    #[default]
    English,
    /// German.
    German,
}

tokio::task_local! {
    static READ_IN: Language;
}

impl Language {
    /// Every language.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::German];

    /// Name of the cookie that keeps a reader's choice. It says nothing else about the person.
    pub(crate) const COOKIE: &'static str = "umbrascope-language";

    /// The language of what is written now: a page's while one is written, and English everywhere else.
    pub(crate) fn here() -> Self {
        READ_IN.try_with(|language| *language).unwrap_or_default()
    }

    /// Those that the foot of a page offers.
    pub(crate) fn offered() -> Vec<Self> {
        Self::ALL.into_iter().filter(|language| *language != Self::here()).collect()
    }

    /// Its tag (RFC 5646), as `lang` has it.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// What it calls itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// The language that a tag names, be it with a region: `de`, `de-AT`.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// The language that a reader's browser asks for: the one it likes best of ours (RFC 9110 section 12.5.4), and English where it names none.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let mut best = (0, Self::English);
        let lines = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok());
        for range in lines.flat_map(|line| line.split(',')) {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let liked = thousandths(parameters);
            if let Some(language) = Self::of_tag(tag)
                && liked > best.0
            {
                best = (liked, language);
            }
        }
        best.1
    }

    /// Has a request answered in this language.
    pub(crate) async fn during<T>(self, work: impl Future<Output = T>) -> T {
        READ_IN.scope(self, work).await
    }

    /// Does on this thread what belongs to a request in this language.
    pub(crate) fn within<T>(self, work: impl FnOnce() -> T) -> T {
        READ_IN.sync_scope(self, work)
    }
}

/// How much a browser likes a language, from the parameters behind its tag: `q=0.8`, at most three decimals; 1 where nothing is said, and 0 for
/// what is no such number.
fn thousandths(parameters: &str) -> u32 {
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return 1_000;
    }
    let number = parameters.strip_prefix("q=").or_else(|| parameters.strip_prefix("Q=")).unwrap_or_default();
    let (whole, decimals) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    let fits = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    match (whole, format!("{decimals:0<3}").parse::<u32>()) {
        ("1", Ok(0)) if fits => 1_000,
        ("0", Ok(part)) if fits => part,
        _ => 0,
    }
}

/// What divides a text from the note for which of its meanings it stands: `Open##of a finding`. No reader sees the note.
const NOTE: &str = "##";

/// A text of ours in the reader's language.
pub(crate) fn t(english: &'static str) -> &'static str {
    translation(english).unwrap_or_else(|| without_note(english))
}

/// Marks a text of ours that stands in a table, where nothing can be looked up: it is translated where it is shown.
pub(crate) const fn key(english: &'static str) -> &'static str {
    english
}

/// A text that may be one of ours: the label of a state, a name that somebody typed. What no catalogue knows stays as it is.
pub(crate) fn label(english: &str) -> Cow<'_, str> {
    Cow::Borrowed(match translation(english) {
        Some(text) => text,
        // A mark that somebody typed stays.
        None if catalogue::german().text(english).is_some() => without_note(english),
        None => english,
    })
}

/// What a module without a language formatted, in the reader's: what a guard says, what a finding rests on. The catalogue knows its sentences by
/// the English ones with holes; what stands in a hole is translated like a label, alone or in a list. What no catalogue knows stays as it is.
pub(crate) fn message(english: impl Display) -> String {
    let english = english.to_string();
    match Language::here() {
        Language::English => english,
        Language::German => catalogue::german().message(&english).unwrap_or(english),
    }
}

/// What the catalogue of the reader's language has for a text.
pub(crate) fn translation(english: &str) -> Option<&'static str> {
    match Language::here() {
        Language::English => None,
        Language::German => catalogue::german().text(english),
    }
}

/// One and several of a noun: those of the reader's language, or the noun with its `s`.
pub(crate) fn noun(english: &str, number: u64) -> Cow<'_, str> {
    let known = match Language::here() {
        Language::English => None,
        Language::German => catalogue::german().noun(english),
    };
    match (known, number) {
        (Some((one, _)), 1) => Cow::Borrowed(one),
        (Some((_, several)), _) => Cow::Borrowed(several),
        (None, 1) => Cow::Borrowed(without_note(english)),
        (None, _) => Cow::Owned(format!("{}s", without_note(english))),
    }
}

fn without_note(english: &str) -> &str {
    english.split_once(NOTE).map_or(english, |(text, _)| text)
}

/// A text with values in it, in the reader's language: `say!("{0} of {1}", done, all)`. The compiler checks the holes of the English text,
/// a test those of the others.
macro_rules! say {
    ($text:literal $(, $value:expr)* $(,)?) => {
        match $crate::web::language::translation($text) {
            None => format!($text $(, $value)*),
            Some(text) => $crate::web::language::fill(text, &[$(&$value as &dyn std::fmt::Display),*]),
        }
    };
}
pub(crate) use say;

/// A text with its numbered holes filled.
pub(crate) fn fill(text: &str, values: &[&dyn Display]) -> String {
    let mut filled = String::with_capacity(text.len() + 16 * values.len());
    for piece in pieces(text) {
        // A String takes all that is written to it.
        let _ = match piece {
            Piece::Text(text) => filled.write_str(text),
            Piece::Hole(number) => values.get(number).map_or(Ok(()), |value| write!(filled, "{value}")),
        };
    }
    filled
}

/// A sentence of a template: our own markup with numbered holes, `{0}`, which [`super::filters::with`] fills one after the other, escaped.
/// A link has its address and nothing else, `<a /findings>`: no quotes stand in a template's text.
#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    text: &'static str,
    values: Vec<String>,
}

impl Sentence {
    /// A sentence of ours. Its markup is written as it stands: `'static` keeps out what came from elsewhere.
    pub(crate) fn new(english: &'static str) -> Self {
        Self { text: t(english), values: Vec::new() }
    }

    /// With a value for the next hole.
    pub(crate) fn with(mut self, value: &impl Hole) -> Self {
        let mut escaped = String::new();
        value.put(&mut escaped);
        self.values.push(escaped);
        self
    }
}

impl Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut in_link = false;
        for piece in pieces(self.text) {
            match piece {
                Piece::Hole(number) => f.write_str(self.values.get(number).map_or("", String::as_str))?,
                Piece::Text("<a ") => {
                    in_link = true;
                    f.write_str("<a href=\"")?;
                }
                Piece::Text(text) => match text.split_once('>').filter(|_| in_link) {
                    Some((address, behind)) => {
                        in_link = false;
                        write!(f, "{address}\">{behind}")?;
                    }
                    None => f.write_str(text)?,
                },
            }
        }
        Ok(())
    }
}

impl HtmlSafe for Sentence {}

/// What a hole of a [`Sentence`] takes.
pub(crate) trait Hole {
    /// Writes it as HTML, escaped unless it is HTML of ours.
    fn put(&self, html: &mut String);
}

impl<T: Hole + ?Sized> Hole for &T {
    fn put(&self, html: &mut String) {
        (*self).put(html);
    }
}

impl<T: Display> Hole for Safe<T> {
    fn put(&self, html: &mut String) {
        let _ = write!(html, "{}", self.0);
    }
}

impl Hole for Sentence {
    fn put(&self, html: &mut String) {
        let _ = write!(html, "{self}");
    }
}

macro_rules! holes {
    ($($kind:ty),* $(,)?) => {$(
        impl Hole for $kind {
            fn put(&self, html: &mut String) {
                let _ = write!(Escaping(html), "{self}");
            }
        }
    )*};
}

holes!(
    str,
    String,
    Cow<'_, str>,
    u8,
    u16,
    u32,
    u64,
    usize,
    i32,
    i64,
    umbrascope_api::Day,
    umbrascope_api::PrivacyKey,
    super::text::Ago,
    super::text::Bytes,
    super::text::DayWords,
    super::text::Grouped,
    super::text::Plural,
    super::text::Rfc3339,
);

/// Escapes what is written to it for HTML, in text and in attributes.
struct Escaping<'a>(&'a mut String);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&#34;"),
                '\'' => self.0.push_str("&#39;"),
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    /// Words and markup; the start of a link, `<a `, is one of its own.
    Text(&'a str),
    /// `{2}`
    Hole(usize),
}

/// The parts of a text, in order.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, behind) = at_start(rest).or_else(|| {
            let ahead = rest.match_indices(['{', '<']).map(|(at, _)| at).filter(|at| *at > 0);
            let next = ahead.into_iter().find(|at| at_start(&rest[*at..]).is_some()).unwrap_or(rest.len());
            let (words, behind) = rest.split_at(next);
            (!words.is_empty()).then_some((Piece::Text(words), behind))
        })?;
        rest = behind;
        Some(piece)
    })
}

fn at_start(text: &str) -> Option<(Piece<'_>, &str)> {
    const LINK: &str = "<a ";
    if text.starts_with(LINK) {
        let (link, behind) = text.split_at(LINK.len());
        return Some((Piece::Text(link), behind));
    }
    let (number, behind) = text.strip_prefix('{')?.split_once('}')?;
    Some((Piece::Hole(number.parse().ok()?), behind))
}
