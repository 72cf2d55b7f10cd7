//! TOML tables read key by key: what nobody asked for is a mistake, and every mistake knows its line.

use std::cell::RefCell;
use std::fmt::Display;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::catalogue::{Origin, Problem, Text};
use crate::date::Date;

/// One catalogue file, and what is wrong with it so far.
pub(crate) struct Source<'s> {
    name: &'s str,
    line_starts: Vec<usize>,
    problems: RefCell<Vec<Problem>>,
}

impl<'s> Source<'s> {
    pub(crate) fn new(name: &'s str, text: &str) -> Source<'s> {
        let line_starts =
            text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at + 1).collect();
        Source { name, line_starts, problems: RefCell::default() }
    }

    pub(crate) fn name(&self) -> &'s str {
        self.name
    }

    /// The line of a byte offset, from 1.
    pub(crate) fn line(&self, at: usize) -> u32 {
        let before = self.line_starts.partition_point(|&start| start <= at);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }

    pub(crate) fn report(&self, at: usize, message: impl Display, fix: impl Display) {
        self.problems.borrow_mut().push(Problem {
            file: self.name.to_owned(),
            line: self.line(at),
            message: message.to_string(),
            fix: fix.to_string(),
        });
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

/// A table of a file. Asking for a key makes it a known one; [`Table::finish`] reports the rest.
pub(crate) struct Table<'t, 'i> {
    pub(crate) source: &'t Source<'t>,
    table: &'t DeTable<'i>,
    at: usize,
    what: &'static str,
    asked: Vec<&'static str>,
}

/// A value and the byte offset it stands at.
pub(crate) type At<T> = (T, usize);

impl<'t, 'i> Table<'t, 'i> {
    /// `what` names the table in messages.
    pub(crate) fn new(source: &'t Source<'t>, table: &'t DeTable<'i>, at: usize, what: &'static str) -> Self {
        Table { source, table, at, what, asked: Vec::new() }
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin { file: Text::Owned(self.source.name().to_owned()), line: self.source.line(self.at) }
    }

    /// Reports a mistake of the table as a whole.
    pub(crate) fn report(&self, message: impl Display, fix: impl Display) {
        self.source.report(self.at, message, fix);
    }

    fn get(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.asked.push(key);
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'i>>, wanted: &str, fix: impl Display) {
        let message =
            format!("`{key}` is {} where {wanted} is expected", article(value.get_ref().type_str()));
        self.source.report(value.span().start, message, fix);
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<At<&'t str>> {
        let value = self.get(key)?;
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => return Some((text, value.span().start)),
            Some(_) => {
                self.source.report(
                    value.span().start,
                    format!("`{key}` is empty"),
                    "fill it in or leave it out",
                );
            }
            None => self.wrong(key, value, "a string", format!("write {key} = \"…\"")),
        }
        None
    }

    pub(crate) fn required(&mut self, key: &'static str) -> Option<At<&'t str>> {
        let before = self.source.problems.borrow().len();
        let value = self.text(key);
        if value.is_none() && before == self.source.problems.borrow().len() {
            self.missing(key, "\"…\"");
        }
        value
    }

    fn missing(&self, key: &str, value: &str) {
        self.report(format!("{} has no `{key}`", self.what), format!("add {key} = {value}"));
    }

    /// A word of a closed list.
    pub(crate) fn word<T: FromStr<Err: Display>>(&mut self, key: &'static str) -> Option<T> {
        let (text, at) = self.text(key)?;
        text.parse()
            .map_err(|error| self.source.report(at, format!("{key}: {error}"), "use one of these words"))
            .ok()
    }

    pub(crate) fn required_word<T: FromStr<Err: Display>>(&mut self, key: &'static str) -> Option<T> {
        let (text, at) = self.required(key)?;
        text.parse()
            .map_err(|error| self.source.report(at, format!("{key}: {error}"), "use one of these words"))
            .ok()
    }

    pub(crate) fn flag(&mut self, key: &'static str) -> bool {
        match self.get(key) {
            None => false,
            Some(value) => value.get_ref().as_bool().unwrap_or_else(|| {
                self.wrong(key, value, "true or false", format!("write {key} = true, or leave it out"));
                false
            }),
        }
    }

    pub(crate) fn number(&mut self, key: &'static str) -> Option<u32> {
        let Some(value) = self.get(key) else {
            self.missing(key, "1");
            return None;
        };
        let number = value.get_ref().as_integer().and_then(|number| number.as_str().parse().ok());
        if number.is_none() {
            self.wrong(key, value, "a whole number from 0 to 4294967295", format!("write {key} = 1"));
        }
        number
    }

    pub(crate) fn date(&mut self, key: &'static str) -> Option<Date> {
        let value = self.get(key)?;
        let date =
            value.get_ref().as_datetime().filter(|time| time.time.is_none()).and_then(|time| time.date);
        let date = date.and_then(|date| Date::from_civil(date.year, date.month, date.day));
        if date.is_none() {
            self.wrong(key, value, "a day", format!("write {key} = 2026-01-31, without quotes"));
        }
        date
    }

    pub(crate) fn required_date(&mut self, key: &'static str) -> Option<Date> {
        if !self.table.iter().any(|(name, _)| name.get_ref() == key) {
            self.missing(key, "2026-01-31 (the day somebody last read the source)");
        }
        self.date(key)
    }

    pub(crate) fn texts(&mut self, key: &'static str) -> Vec<At<&'t str>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(key, value, "a list of strings", format!("write {key} = [\"…\"]"));
            return Vec::new();
        };
        let mut texts = Vec::with_capacity(array.len());
        for item in array.iter() {
            match item.get_ref().as_str() {
                Some(text) if !text.trim().is_empty() => texts.push((text, item.span().start)),
                _ => self.wrong(key, item, "a non-empty string", format!("write {key} = [\"…\"]")),
            }
        }
        texts
    }

    pub(crate) fn table(&mut self, key: &'static str) -> Option<Table<'t, 'i>> {
        let value = self.get(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong(key, value, "a table", format!("write [{key}]"));
        }
        table.map(|table| Table::new(self.source, table, value.span().start, key))
    }

    pub(crate) fn tables(&mut self, key: &'static str) -> Vec<Table<'t, 'i>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let tables: Option<Vec<_>> = value.get_ref().as_array().and_then(|array| {
            let table = |item: &'t Spanned<DeValue<'i>>| {
                item.get_ref().as_table().map(|table| Table::new(self.source, table, item.span().start, key))
            };
            array.iter().map(table).collect()
        });
        tables.unwrap_or_else(|| {
            self.wrong(key, value, "a list of tables", format!("write [[{key}]] before each of them"));
            Vec::new()
        })
    }

    /// Reports the keys that nobody asked for.
    pub(crate) fn finish(self) {
        for (key, _) in self.table {
            let name: &str = key.get_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let near = self.asked.iter().map(|known| (distance(known, name), known)).min();
            let fix = match near {
                Some((distance, known)) if distance <= 2 => format!("did you mean `{known}`?"),
                _ => "remove it, or see rules/catalogue/README.md".to_owned(),
            };
            self.source.report(key.span().start, format!("{} has no key `{name}`", self.what), fix);
        }
    }
}

fn article(kind: &str) -> String {
    let vowel = kind.starts_with(['a', 'e', 'i', 'o']);
    format!("{} {kind}", if vowel { "an" } else { "a" })
}

/// How many letters to change, add or drop (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let cost = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_from_one() {
        let source = Source::new("f", "a\nb\n\nc");
        assert_eq!([0, 1, 2, 4, 5].map(|at| source.line(at)), [1, 1, 2, 3, 4]);
    }

    #[test]
    fn a_slip_of_the_pen_is_one_or_two_letters_away() {
        assert_eq!(
            (distance("suffix", "sufix"), distance("suffix", "suffix"), distance("glob", "exact")),
            (1, 0, 5)
        );
    }
}
