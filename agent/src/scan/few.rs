//! A JSON list of which only so many entries are kept, so that a file of a few megabytes cannot become a hundred.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

/// Most entries kept of one list. Nobody has as many extensions.
pub(crate) const KEPT: usize = 5_000;

/// The first [`KEPT`] entries of a list, and whether there were more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Few<T> {
    pub(crate) kept: Vec<T>,
    pub(crate) cut: bool,
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { kept: Vec::new(), cut: false }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(First(PhantomData))
    }
}

struct First<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for First<T> {
    type Value = Few<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Few<T>, A::Error> {
        let mut few = Few::default();
        while few.kept.len() < KEPT {
            match list.next_element()? {
                Some(entry) => few.kept.push(entry),
                None => return Ok(few),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            few.cut = true;
        }
        Ok(few)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_and_says_so() {
        let few: Few<u8> = serde_json::from_str("[1,2]").unwrap();
        assert_eq!((few.kept, few.cut), (vec![1, 2], false));
        let text = format!("[{}1]", "1,".repeat(KEPT));
        let few: Few<u8> = serde_json::from_str(&text).unwrap();
        assert_eq!((few.kept.len(), few.cut), (KEPT, true));
        assert!(serde_json::from_str::<Few<u8>>("[1,").is_err());
    }
}
