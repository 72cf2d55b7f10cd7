//! Parts that every list page is made of: what the address asks for, columns to sort by, filters to
//! choose, and the way to the next page.

use umbrascope_api::Channel;
use umbrascope_rules::{Category, Confidence, ProductKind};

use super::error::WebError;
use super::text::{Grouped, Plural};
use super::url::Address;
use super::words;
use crate::model::{Direction, PageRequest, UnitRow};
use crate::web::language::{self, say, t};

/// Rows of a page.
pub(crate) const PAGE_ROWS: u32 = 50;
/// Pieces of evidence on a page: each can be several lines high.
pub(crate) const EVIDENCE_ROWS: u32 = 25;

/// Highest page number that is asked of the store. Deeper pages are reached by a filter.
pub(crate) const MAX_PAGE: u64 = 1_000_000;

/// The query of a list page, as it was typed. What a page does not know is ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub(crate) struct ListQuery {
    /// Words to search for.
    pub(crate) q: String,
    /// A kind of product.
    pub(crate) kind: String,
    /// A category of the catalogue.
    pub(crate) category: String,
    /// A channel.
    pub(crate) channel: String,
    /// The lowest confidence.
    pub(crate) confidence: String,
    /// Number of a unit.
    pub(crate) unit: String,
    /// `since-last-look`: what was seen for the first time since.
    pub(crate) new: String,
    /// Column to sort by.
    pub(crate) sort: String,
    /// `asc` or `desc`.
    pub(crate) dir: String,
    /// Number of the page, from 1.
    pub(crate) page: String,
    /// Page of the evidence, on a product's page.
    pub(crate) evidence: String,
    /// Page of the assets, on a product's page.
    pub(crate) assets: String,
    /// What was just done, by its short name.
    pub(crate) done: String,
}

impl ListQuery {
    /// The words to search for, at most 100 characters.
    pub(crate) fn search(&self) -> String {
        self.q.trim().chars().take(100).collect()
    }

    /// The kind.
    pub(crate) fn kind(&self) -> Result<Option<ProductKind>, WebError> {
        chosen("kind", &self.kind)
    }

    /// The category.
    pub(crate) fn category(&self) -> Result<Option<Category>, WebError> {
        chosen("category", &self.category)
    }

    /// The lowest confidence.
    pub(crate) fn confidence(&self) -> Result<Option<Confidence>, WebError> {
        chosen("confidence", &self.confidence)
    }

    /// The unit.
    pub(crate) fn unit(&self) -> Result<Option<i64>, WebError> {
        chosen("unit", &self.unit)
    }

    /// The channel. One that this version does not know can still stand in the records.
    pub(crate) fn channel(&self) -> Option<Channel> {
        (!self.channel.is_empty()).then(|| Channel::from(self.channel.as_str()))
    }

    /// The sort order: one of `keys`, the first where none is asked for, and its direction.
    pub(crate) fn sort<K: Copy>(&self, keys: &[SortKey<K>]) -> Result<(usize, Direction), WebError> {
        let at = if self.sort.is_empty() {
            0
        } else {
            keys.iter()
                .position(|key| key.name == self.sort)
                .ok_or_else(|| WebError::unknown_choice("sort", &self.sort))?
        };
        let direction = match self.dir.as_str() {
            "" => keys[at].first,
            "asc" => Direction::Ascending,
            "desc" => Direction::Descending,
            other => return Err(WebError::unknown_choice("dir", other)),
        };
        Ok((at, direction))
    }
}

/// The number of a page as it was typed, from 1.
pub(crate) fn page_number(typed: &str) -> Result<u64, WebError> {
    match chosen::<u64>("page", typed)? {
        None => Ok(1),
        Some(number @ 1..=MAX_PAGE) => Ok(number),
        Some(_) => Err(WebError::unknown_choice("page", typed)),
    }
}

/// The rows of page `number`.
pub(crate) fn rows_of(number: u64) -> PageRequest {
    PageRequest { offset: (number - 1) * u64::from(PAGE_ROWS), limit: PAGE_ROWS }
}

/// The part of a whole list that stands on page `number` of `rows` rows.
pub(crate) fn slice_of<T>(all: &[T], number: u64, rows: u32) -> &[T] {
    let from = usize::try_from((number - 1) * u64::from(rows)).unwrap_or(usize::MAX).min(all.len());
    let to = from.saturating_add(rows as usize).min(all.len());
    &all[from..to]
}

fn chosen<T: std::str::FromStr>(name: &'static str, typed: &str) -> Result<Option<T>, WebError> {
    if typed.is_empty() {
        return Ok(None);
    }
    typed.parse().map(Some).map_err(|_| WebError::unknown_choice(name, typed))
}

/// One way to sort a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SortKey<K> {
    /// Its word in the address.
    pub(crate) name: &'static str,
    /// What the store calls it.
    pub(crate) key: K,
    /// Head of its column.
    pub(crate) label: &'static str,
    /// Whether the column holds numbers.
    pub(crate) number: bool,
    /// Direction at the first click.
    pub(crate) first: Direction,
}

/// Head of a column that can be sorted by.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// What it says.
    pub(crate) label: &'static str,
    /// Whether it holds numbers.
    pub(crate) number: bool,
    /// Where a click leads.
    pub(crate) href: String,
    sorted: Option<Direction>,
}

impl Column {
    /// The heads for `order` (positions in `keys`), the list being sorted by the key at `sorted`.
    pub(crate) fn all<K: Copy>(
        keys: &[SortKey<K>],
        order: &[usize],
        (sorted, direction): (usize, Direction),
        here: &Address,
    ) -> Vec<Self> {
        order
            .iter()
            .map(|&at| {
                let key = &keys[at];
                let sorted = (at == sorted).then_some(direction);
                let next = match sorted {
                    Some(Direction::Ascending) => Direction::Descending,
                    Some(Direction::Descending) => Direction::Ascending,
                    None => key.first,
                };
                let dir = if next == Direction::Ascending { "asc" } else { "desc" };
                let href = here.with("page", "").with("sort", key.name).with("dir", dir).href();
                Self { label: key.label, number: key.number, href, sorted }
            })
            .collect()
    }

    /// Value of `aria-sort`, on the column the list is sorted by.
    pub(crate) fn aria_sort(&self) -> Option<&'static str> {
        self.sorted.map(|direction| match direction {
            Direction::Ascending => "ascending",
            Direction::Descending => "descending",
        })
    }

    /// The arrow behind the label.
    pub(crate) fn arrow(&self) -> &'static str {
        match self.sorted {
            Some(Direction::Ascending) => "↑",
            Some(Direction::Descending) => "↓",
            None => "",
        }
    }
}

/// A list to choose from.
#[derive(Debug, Clone)]
pub(crate) struct Select {
    /// Its word in the address.
    pub(crate) name: &'static str,
    /// What it is called.
    pub(crate) label: &'static str,
    /// The choice that filters nothing.
    pub(crate) all: &'static str,
    /// The choices.
    pub(crate) options: Vec<Choice>,
}

/// One choice of a [`Select`].
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// Its word in the address.
    pub(crate) value: String,
    /// What it says.
    pub(crate) label: String,
    /// Whether it is chosen.
    pub(crate) chosen: bool,
}

impl Select {
    /// Kinds of product.
    pub(crate) fn kinds(chosen: Option<ProductKind>) -> Self {
        let options = ProductKind::ALL.iter().map(|kind| Choice {
            value: kind.as_str().to_owned(),
            label: words::kind_label(*kind).to_owned(),
            chosen: chosen == Some(*kind),
        });
        Self { name: "kind", label: "Kind", all: "every kind", options: options.collect() }
    }

    /// Categories of the catalogue.
    pub(crate) fn categories(chosen: Option<Category>) -> Self {
        let options = Category::ALL.iter().map(|category| Choice {
            value: category.as_str().to_owned(),
            label: language::label(category.as_str()).into_owned(),
            chosen: chosen == Some(*category),
        });
        Self { name: "category", label: "Category", all: "every category", options: options.collect() }
    }

    /// Channels.
    pub(crate) fn channels(chosen: Option<&Channel>) -> Self {
        let options = Channel::KNOWN.iter().map(|channel| Choice {
            value: channel.to_string(),
            label: channel.to_string(),
            chosen: chosen == Some(channel),
        });
        Self { name: "channel", label: "Known by", all: "any channel", options: options.collect() }
    }

    /// Lowest confidence, the surest first.
    pub(crate) fn confidences(chosen: Option<Confidence>) -> Self {
        let options = Confidence::ALL.iter().rev().map(|confidence| Choice {
            value: confidence.as_str().to_owned(),
            label: match confidence {
                Confidence::High => t("high").to_owned(),
                other => say!("{0} or above", language::label(other.as_str())),
            },
            chosen: chosen == Some(*confidence),
        });
        Self { name: "confidence", label: "Confidence", all: "any", options: options.collect() }
    }

    /// Units.
    pub(crate) fn units(units: &[UnitRow], chosen: Option<i64>) -> Self {
        let options = units.iter().map(|unit| Choice {
            value: unit.id.to_string(),
            label: unit.name.clone(),
            chosen: chosen == Some(unit.id),
        });
        Self { name: "unit", label: "Unit", all: "every unit", options: options.collect() }
    }
}

/// The foot of a list.
#[derive(Debug, Clone)]
pub(crate) struct Pager {
    /// Rows of the whole list.
    pub(crate) total: u64,
    /// The page before.
    pub(crate) previous: Option<String>,
    /// The page after.
    pub(crate) next: Option<String>,
    from: u64,
    shown: u64,
    noun: &'static str,
}

impl Pager {
    /// For page `number` with `shown` rows of `total`; `parameter` is its word in the address.
    pub(crate) fn new(
        (number, shown, total): (u64, usize, u64),
        noun: &'static str,
        here: &Address,
        parameter: &'static str,
    ) -> Self {
        Self::of_rows(PAGE_ROWS, (number, shown, total), noun, here, parameter)
    }

    /// The same for pages of `rows` rows.
    pub(crate) fn of_rows(
        rows: u32,
        (number, shown, total): (u64, usize, u64),
        noun: &'static str,
        here: &Address,
        parameter: &'static str,
    ) -> Self {
        let rows = u64::from(rows);
        let link =
            |page: u64| here.with(parameter, if page > 1 { page.to_string() } else { String::new() }).href();
        Self {
            total,
            previous: (number > 1).then(|| link(number - 1)),
            next: (number.saturating_mul(rows) < total).then(|| link(number + 1)),
            from: (number - 1) * rows,
            shown: shown as u64,
            noun,
        }
    }

    /// `1–50 of 312 products`.
    pub(crate) fn words(&self) -> String {
        match self.shown {
            0 => say!("Nothing on this page; {0} in all", Plural(self.total, self.noun)),
            shown if shown == self.total => Plural(self.total, self.noun).to_string(),
            shown => say!(
                "{0}–{1} of {2}",
                Grouped(self.from + 1),
                Grouped(self.from + shown),
                Plural(self.total, self.noun)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[SortKey<u8>] = &[
        SortKey { name: "assets", key: 0, label: "Assets", number: true, first: Direction::Descending },
        SortKey { name: "name", key: 1, label: "Name", number: false, first: Direction::Ascending },
    ];

    #[test]
    fn a_second_click_on_a_column_turns_it_round() {
        let here = Address::new("/products").with("q", "x").with("page", "4");
        let columns = Column::all(KEYS, &[1, 0], (0, Direction::Descending), &here);
        assert_eq!(columns[0].href, "/products?q=x&sort=name&dir=asc");
        assert_eq!(columns[1].href, "/products?q=x&sort=assets&dir=asc");
        assert_eq!((columns[0].aria_sort(), columns[1].aria_sort()), (None, Some("descending")));
    }

    #[test]
    fn the_pager_says_where_it_stands() {
        let here = Address::new("/products");
        let middle = Pager::new((2, 50, 130), "product", &here, "page");
        assert_eq!(middle.words(), "51–100 of 130\u{A0}products");
        assert_eq!(middle.previous.as_deref(), Some("/products"));
        assert_eq!(middle.next.as_deref(), Some("/products?page=3"));
        let only = Pager::new((1, 1, 1), "product", &here, "page");
        assert_eq!(only.words(), "1\u{A0}product");
        assert_eq!((only.previous, only.next), (None, None));
    }

    #[test]
    fn what_cannot_be_chosen_is_refused_by_name() {
        let query = ListQuery { kind: "spaceship".to_owned(), ..ListQuery::default() };
        assert!(query.kind().unwrap_err().to_string().contains("spaceship"));
        for typed in ["0", "-1", "x", "99999999999999999999"] {
            assert!(page_number(typed).is_err(), "{typed}");
        }
        assert!(ListQuery { sort: "x".to_owned(), ..ListQuery::default() }.sort(KEYS).is_err());
    }

    #[test]
    fn a_slice_beyond_the_end_is_empty() {
        let all: Vec<u32> = (0..120).collect();
        assert_eq!(slice_of(&all, 3, 50), &all[100..]);
        assert!(slice_of(&all, 4, 50).is_empty());
    }
}
