//! Whether every text has its German one, and the other way round; and how a language is chosen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::catalogue::{File, GERMAN};
use super::*;

/// What the sources ask the catalogue for.
#[derive(Debug, Default)]
struct Asked {
    /// Texts, and where each stands.
    texts: BTreeMap<String, String>,
    /// Nouns, and where each stands.
    nouns: BTreeMap<String, String>,
    /// Every text in quotes, whatever it is for: the label of a state is looked up by what a function gives.
    quoted: BTreeSet<String>,
}

/// A token of a source, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Sign(char),
    Quoted(String),
}

#[test]
fn every_text_of_a_page_has_its_german_one() {
    let asked = Asked::by_the_sources();
    let German { texts, nouns, .. } = German::read();
    let lacking = |asked: &BTreeMap<String, String>, known: &dyn Fn(&str) -> bool| {
        let lacking = asked.iter().filter(|(text, _)| !known(text));
        lacking.map(|(text, place)| format!("{place}: {text:?}")).collect::<Vec<_>>()
    };
    let lacking = [
        lacking(&asked.texts, &|text| texts.contains_key(text)),
        lacking(&asked.nouns, &|noun| nouns.contains_key(noun)),
    ]
    .concat();
    assert!(lacking.is_empty(), "{} have no German text:\n{}", lacking.len(), lacking.join("\n"));
}

#[test]
fn every_german_text_stands_for_one_that_is_in_use() {
    let asked = Asked::by_the_sources();
    let German { texts, nouns, messages } = German::read();
    let known = |text: &&String| asked.texts.contains_key(*text) || asked.quoted.contains(*text);
    let unused: Vec<_> = texts.keys().filter(|text| !known(text)).collect();
    assert!(unused.is_empty(), "{} stand for nothing: {unused:#?}", unused.len());
    let known = |noun: &&String| asked.nouns.contains_key(*noun) || asked.quoted.contains(*noun);
    let unused: Vec<_> = nouns.keys().filter(|noun| !known(noun)).collect();
    assert!(unused.is_empty(), "nouns that stand for nothing: {unused:#?}");
    // A sentence may be formatted piece by piece: each of its pieces stands somewhere.
    let stands = |words: &str| asked.quoted.iter().any(|text| text.contains(words));
    let unused: Vec<_> = messages.keys().filter(|message| !words_of(message).all(stands)).collect();
    assert!(unused.is_empty(), "messages that nothing formats: {unused:#?}");
}

/// The words between the holes of a message.
fn words_of(message: &str) -> impl Iterator<Item = &str> {
    let words = pieces(message).filter_map(|piece| match piece {
        Piece::Text(text) => Some(text.trim_matches([' ', ':', ';', ',', '.'])),
        Piece::Hole(_) => None,
    });
    words.filter(|words| !words.is_empty())
}

#[test]
fn a_german_text_has_the_holes_and_the_markup_of_the_english_one() {
    let German { texts, messages, .. } = German::read();
    for (english, german) in texts.into_iter().chain(messages) {
        assert!(!german.trim().is_empty(), "{english:?}");
        assert_eq!(parts_of(&english), parts_of(&german), "{english:?} and {german:?}");
        let ends = |text: &str| text.chars().last().filter(|last| ":.?!…".contains(*last));
        assert_eq!(ends(without_note(&english)), ends(&german), "{english:?} and {german:?}");
        assert_eq!(english.starts_with(' '), german.starts_with(' '), "{english:?}");
    }
}

/// Holes and tags, in the order of the alphabet: German may have them in another one.
fn parts_of(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '<']) {
        let end = if rest[at..].starts_with('{') { '}' } else { '>' };
        let length = rest[at..].find(end).map_or(rest.len() - at, |end| end + 1);
        parts.push(rest[at..at + length].to_owned());
        rest = &rest[at + length..];
    }
    parts.sort_unstable();
    parts
}

/// English texts that a German page must not have: those whose German one is another, and the longer words between the holes of sentences.
pub(crate) fn not_german() -> (BTreeSet<String>, BTreeSet<String>) {
    let German { texts, messages, .. } = German::read();
    let (mut whole, mut parts) = (BTreeSet::new(), BTreeSet::new());
    for (english, german) in texts.iter().chain(&messages).filter(|(english, german)| english != german) {
        if pieces(english).all(|piece| matches!(piece, Piece::Text(_))) && !english.contains('<') {
            whole.insert(without_note(english).to_owned());
        }
        let words = english.split(['<', '>']).flat_map(words_of);
        let long = words.filter(|words| words.len() > 24 && !german.contains(*words));
        parts.extend(long.map(str::to_owned));
    }
    // A German text may be an English one of another meaning.
    for german in texts.values() {
        whole.remove(german);
    }
    (whole, parts)
}

/// The whole German catalogue.
#[derive(Default)]
struct German {
    texts: BTreeMap<String, String>,
    nouns: BTreeMap<String, (String, String)>,
    messages: BTreeMap<String, String>,
}

impl German {
    /// Reads it; a text that stands in two files fails the test.
    fn read() -> Self {
        let mut german = Self::default();
        for (name, text) in GERMAN {
            let file: File = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            for (english, text) in file.texts {
                assert!(german.texts.insert(english.clone(), text).is_none(), "{name} has {english:?} again");
            }
            for (english, noun) in file.nouns {
                assert!(german.nouns.insert(english.clone(), noun).is_none(), "{name} has {english:?} again");
            }
            for (english, text) in file.messages {
                assert!(
                    german.messages.insert(english.clone(), text).is_none(),
                    "{name} has {english:?} again"
                );
            }
        }
        german
    }
}

impl Asked {
    fn by_the_sources() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut asked = Self::default();
        let mut labels = BTreeSet::new();
        for path in files(&root.join("templates"), "html") {
            let text = fs::read_to_string(&path).unwrap();
            asked.by_template(&name_of(&path), &text, &mut labels);
        }
        for path in files(&root.join("src"), "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let place = path.strip_prefix(root).unwrap().display().to_string();
            if !place.contains("/tests") && !place.contains("/sample") {
                asked.by_code(&place, &tokens(text), &labels);
            }
        }
        for path in files(&root.join("data"), "toml") {
            asked.quoted.extend(tokens(&fs::read_to_string(&path).unwrap()).into_iter().filter_map(quoted));
        }
        // Words of the catalogue of products, of which pages show some.
        let words = fs::read_to_string(root.join("../rules/src/words.rs")).unwrap();
        asked.quoted.extend(tokens(&words).into_iter().filter_map(quoted));
        asked.by_tables();
        asked
    }

    /// Labels that stand in tables and in data.
    fn by_tables(&mut self) {
        use crate::model::Deed;
        use crate::model::record::FIELDS;
        use crate::readiness::{INDICATORS, List};
        use crate::web::places::{Group, SETTINGS};

        let list = List::built_in();
        let requirements = list.requirements.iter().map(|requirement| requirement.says.as_str());
        let controls =
            list.controls.iter().flat_map(|control| [control.title.as_str(), control.objective.as_str()]);
        let labels = FIELDS
            .iter()
            .map(|field| field.label)
            .chain(INDICATORS.iter().flat_map(|indicator| [indicator.name, indicator.says]))
            .chain(crate::review::STEPS.iter().map(|(_, label)| *label))
            .chain(Group::all().iter().flat_map(Group::labels))
            .chain(SETTINGS.iter().map(|setting| setting.label))
            .chain(umbrascope_rules::Framework::ALL.iter().map(|framework| framework.label()))
            .chain(Deed::ALL.iter().map(|deed| deed.words()))
            .chain(requirements)
            .chain(controls);
        self.texts.extend(labels.map(|text| (text.to_owned(), "a table".to_owned())));
    }

    /// `"…"|t`, `"…"|say`, `|plural("…")`; and the names of what `.label()|t` calls.
    fn by_template(&mut self, place: &str, text: &str, labels: &mut BTreeSet<String>) {
        for part in text.split("{{").skip(1) {
            let inside = part.split("}}").next().unwrap_or_default();
            let tokens = tokens(inside);
            for (at, token) in tokens.iter().enumerate() {
                let filter = match tokens.get(at + 1..at + 3) {
                    Some([Token::Sign('|'), Token::Word(filter)]) => filter.as_str(),
                    _ => "",
                };
                match token {
                    Token::Quoted(text) if matches!(filter, "t" | "say") => {
                        self.texts.insert(text.clone(), place.to_owned());
                    }
                    Token::Word(filter) if matches!(filter.as_str(), "plural" | "told_plural") => {
                        let noun = tokens[at..].iter().cloned().find_map(quoted).expect("a noun");
                        self.nouns.insert(noun, place.to_owned());
                    }
                    Token::Sign(')') if filter == "t" && at >= 2 => {
                        // `as_str` gives the words of programs, of which pages translate a few.
                        if let Token::Word(function) = &tokens[at - 2]
                            && function != "as_str"
                        {
                            labels.insert(function.clone());
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// `t("…")`, `say!("…")`, `Plural(…, "…")` and other places of nouns, and every text of a function that a template has translated.
    fn by_code(&mut self, place: &str, tokens: &[Token], labels: &BTreeSet<String>) {
        self.quoted.extend(tokens.iter().cloned().filter_map(quoted));
        let in_web = place.starts_with("src/web/");
        for (at, token) in tokens.iter().enumerate() {
            let Token::Word(word) = token else { continue };
            let behind = &tokens[at + 1..];
            match (word.as_str(), behind) {
                ("t" | "key" | "NotFound", [Token::Sign('('), ..]) if in_web => {
                    self.texts.extend(group(behind).map(|text| (text, place.to_owned())));
                }
                ("say", [Token::Sign('!'), rest @ ..]) if in_web => {
                    self.texts.extend(group(rest).take(1).map(|text| (text, place.to_owned())));
                }
                ("Plural", [Token::Sign('('), ..]) if in_web => {
                    self.nouns.extend(group(behind).map(|noun| (noun, place.to_owned())));
                }
                ("Pager", [Token::Sign(':'), Token::Sign(':'), Token::Word(_), rest @ ..]) if in_web => {
                    self.nouns.extend(group(rest).take(1).map(|noun| (noun, place.to_owned())));
                }
                ("noun", [Token::Sign(':'), Token::Quoted(noun), ..]) if in_web => {
                    self.nouns.insert(noun.clone(), place.to_owned());
                }
                // A closed list: each word with what people read for it.
                ("words", [Token::Sign('!'), rest @ ..]) => {
                    let labels = group(rest).skip(1).step_by(2);
                    self.texts.extend(labels.map(|text| (text, place.to_owned())));
                }
                ("label" | "all", [Token::Sign(':'), Token::Quoted(text), ..]) if in_web => {
                    self.texts.insert(text.clone(), place.to_owned());
                }
                ("fn", [Token::Word(name), rest @ ..]) if labels.contains(name) => {
                    let body = rest.iter().position(|token| *token == Token::Sign('{'));
                    let head = &rest[..body.unwrap_or_default()];
                    if head.ends_with(&[Token::Word("static".to_owned()), Token::Word("str".to_owned())]) {
                        let texts = group(&rest[head.len()..]).filter(|text| !text.is_empty());
                        self.texts.extend(texts.map(|text| (text, place.to_owned())));
                    }
                }
                _ => {}
            }
        }
    }
}

/// The texts within the brackets that open these tokens.
fn group(tokens: &[Token]) -> impl Iterator<Item = String> + '_ {
    let mut depth = 0;
    let inside = tokens.iter().take_while(move |token| {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        depth > 0
    });
    inside.cloned().filter_map(quoted)
}

fn quoted(token: Token) -> Option<String> {
    match token {
        Token::Quoted(text) => Some(text),
        _ => None,
    }
}

/// Words, signs and texts in quotes of Rust, of an expression of a template, or of TOML, without comments and characters.
fn tokens(source: &str) -> Vec<Token> {
    let (mut found, mut rest) = (Vec::new(), source);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            'r' if rest.starts_with("r\"") || rest.starts_with("r#\"") => {
                let hashes = rest[1..].find('"').unwrap();
                let end = format!("\"{}", "#".repeat(hashes));
                2 + hashes + rest[2 + hashes..].find(&end).unwrap() + end.len()
            }
            '"' => {
                let (text, length) = unquoted(rest);
                found.push(Token::Quoted(text));
                length
            }
            '\'' => match rest[1..].chars().next() {
                Some('\\') => 3 + rest[3..].find('\'').unwrap(),
                Some(one) if rest[1 + one.len_utf8()..].starts_with('\'') => 2 + one.len_utf8(),
                _ => 1,
            },
            word if word.is_alphanumeric() || word == '_' => {
                let ends = |character: char| !character.is_alphanumeric() && character != '_';
                let length = rest.find(ends).unwrap_or(rest.len());
                found.push(Token::Word(rest[..length].to_owned()));
                length
            }
            sign => {
                if !sign.is_whitespace() {
                    found.push(Token::Sign(sign));
                }
                sign.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    found
}

/// The text in quotes at the start, without its escapes, and how many bytes it takes.
fn unquoted(source: &str) -> (String, usize) {
    let mut text = String::new();
    let mut characters = source.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (text, at + 1),
            '\\' => match characters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((at, 'u')) => {
                    let hex = source[at + 1..].split(['{', '}']).nth(1).unwrap_or_default();
                    text.extend(u32::from_str_radix(hex, 16).ok().and_then(char::from_u32));
                    characters.by_ref().take_while(|(_, character)| *character != '}').for_each(drop);
                }
                // A line goes on behind the white space of the next one.
                Some((_, '\n')) => {
                    let blank = source[at + 2..].len() - source[at + 2..].trim_start().len();
                    characters.by_ref().take(blank).for_each(drop);
                }
                Some((_, other)) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    (text, source.len())
}

fn files(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("german") {
            found.extend(files(&path, kind));
        } else if path.extension().is_some_and(|extension| extension == kind) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn holes_are_filled_in_any_order_and_escaped_in_a_sentence() {
    assert_eq!(fill("{1} von {0}", &[&7, &"<b>"]), "<b> von 7");
    let sentence =
        Sentence { text: "<strong>{1}</strong> {0} <a /x?q={0}>hin</a> > {2}{x}", values: Vec::new() };
    let sentence = sentence.with(&"\"<&'").with(&Safe("<i>1</i>"));
    assert_eq!(
        sentence.to_string(),
        "<strong><i>1</i></strong> &#34;&lt;&amp;&#39; <a href=\"/x?q=&#34;&lt;&amp;&#39;\">hin</a> > {x}"
    );
}

#[test]
fn outside_of_a_request_everything_is_english() {
    assert_eq!(
        (Language::here(), t("Findings"), noun("asset", 2).as_ref()),
        (Language::English, "Findings", "assets")
    );
    let german =
        Language::German.within(|| (t("Findings"), say!("in\u{A0}{0}", 5), label("Ada").into_owned()));
    assert_eq!(german, ("Feststellungen", "in\u{A0}5".to_owned(), "Ada".to_owned()));
    assert_eq!(label("Set##by a person"), "Set", "no reader sees the note");
    assert_eq!(label("team ##1"), "team ##1", "what somebody typed stays");
}

#[test]
fn the_browser_is_given_the_language_that_it_likes_best() {
    for (line, language) in [
        ("de", Language::German),
        ("de-AT,en;q=0.5", Language::German),
        ("DE-ch; q=1.000", Language::German),
        ("en;q=0.8,de;q=0.9", Language::German),
        ("fr-FR,fr;q=0.9,de;q=0.3", Language::German),
        ("en-GB,de;q=0.9", Language::English),
        ("fr", Language::English),
        ("*", Language::English),
        ("de;q=0", Language::English),
        ("de;q=2,en;q=0.1", Language::English),
        ("de;q=0.1234,en;q=0.1", Language::English),
        ("den", Language::English),
        ("", Language::English),
        (";;,=,q=1", Language::English),
    ] {
        let headers = HeaderMap::from_iter([(ACCEPT_LANGUAGE, line.parse().unwrap())]);
        assert_eq!(Language::accepted(&headers), language, "{line}");
    }
    assert_eq!(Language::accepted(&HeaderMap::new()), Language::English);
}

#[test]
fn what_a_module_formats_is_known_by_its_words() {
    let told = |english: &str| Language::German.within(|| message(english));
    for (english, german) in [
        ("say why: a reason is missing (G-REASON)", "eine Begründung fehlt (G-REASON)"),
        ("this takes the role analyst or reviewer", "das verlangt die Rolle analyst oder reviewer"),
        ("this takes the role auditor or reviewer", "das verlangt die Rolle auditor oder reviewer"),
        ("first seen on 2026-11-20", "zuerst gesehen am 2026-11-20"),
        (
            "impact assessment: none; a task stands for it",
            "Folgenabschätzung: keine; eine Aufgabe steht dafür",
        ),
        (
            "within 365 days; silence is no confirmation",
            "innerhalb von 365 Tagen; Schweigen ist keine Bestätigung",
        ),
        ("3 of 5 systems were looked at", "3 von 5 Systemen wurden angesehen"),
        ("Out of scope (3)", "Außerhalb des Anwendungsbereichs (3)"),
        ("auditor or works-council", "auditor oder works-council"),
    ] {
        assert_eq!(told(english), german);
        assert_eq!(message(english), english, "outside of a request");
    }
    for theirs in
        ["Master of Arts", "team of 5", "", " of ", "3 of ", "sooner or later it breaks", "a; b", "(", "{0}"]
    {
        assert_eq!(told(theirs), theirs, "what a person wrote");
    }
    let long = format!("this takes the role {}", "x".repeat(2_000));
    assert_eq!(told(&long), long);
}
