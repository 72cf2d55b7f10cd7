//! Own rules of the sample: kept in memory, with a key in a folder that goes with the process.

use std::sync::{Arc, Mutex, PoisonError};

use umbrascope_api::{Channel, Day};
use umbrascope_rules::Catalogue;

use super::{HOSTILE, NOW_MS};
use crate::datadir::DataDir;
use crate::model::{KnownValue, OwnText, OwnVersion, Page, PageRequest};
use crate::own::Desk;
use crate::store::StoreError;
use crate::store::own::OwnRules;
use crate::store::sqlite::Options;

/// Versions in memory.
#[derive(Default)]
pub(crate) struct Versions(Mutex<Vec<OwnText>>);

const DAY_MS: i64 = 86_400_000;

/// What the sample's organisation knows of itself.
const RULES: &str = r#"[[product]]
id = "own.house-chat"
name = "House chat"
kind = "service"
category = "assistant"
description = "The assistant that IT runs."

[[rule]]
id = "own.house-chat.llm-intranet-example"
product = "own.house-chat"
confidence = "high"
note = "Runs in our own data centre."
exact = ["llm.intranet.example"]
examples = ["llm.intranet.example"]
"#;
const MORE: &str = r#"
[[deny]]
id = "deny.own-bing-com"
reason = "Searched for everything else too; told apart by the proxy."
suffix = ["bing.com"]

[[change]]
product = "openai.chatgpt"
name = "ChatGPT (contract 4711)"
reason = "That is what the works agreement calls it."
"#;

/// A desk with a key in a folder that the system clears away, and two versions unless it is to be empty.
pub(super) fn desk(empty: bool) -> Desk {
    let dir = DataDir::choose(Some(tempfile::tempdir().unwrap().keep().join("data"))).unwrap();
    dir.init(Options::new(Catalogue::embedded()), NOW_MS).unwrap();
    let desk = Desk::new(Arc::new(Versions::default()), &dir).unwrap();
    if !empty {
        let base = Catalogue::embedded();
        desk.publish(base, RULES, "House chat is live", "ada", 0, NOW_MS - 9 * DAY_MS).unwrap();
        let more = format!("{RULES}{MORE}");
        desk.publish(base, &more, HOSTILE, "ada", 1, NOW_MS - DAY_MS).unwrap();
    }
    desk
}

impl Versions {
    fn all(&self) -> Vec<OwnText> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl OwnRules for Versions {
    fn own_newest(&self) -> Result<Option<OwnText>, StoreError> {
        Ok(self.all().pop())
    }

    fn own_version(&self, number: u32) -> Result<Option<OwnText>, StoreError> {
        Ok(self.all().into_iter().find(|version| version.version.number == number))
    }

    fn own_versions(&self, page: PageRequest) -> Result<Page<OwnVersion>, StoreError> {
        let all = self.all();
        let rows = all.iter().rev().map(|version| version.version.clone());
        let rows = rows.skip(page.offset as usize).take(page.limit as usize).collect();
        Ok(Page { rows, total: all.len() as u64 })
    }

    fn add_own_version(&self, new: OwnText) -> Result<bool, StoreError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = all.len() + 1 == new.version.number as usize;
        if next {
            all.push(new);
        }
        Ok(next)
    }

    fn known_values(&self, _limit: u32) -> Result<Vec<KnownValue>, StoreError> {
        let value = |rule: &str, value: &str, assets| KnownValue {
            rule: rule.to_owned(),
            channel: Channel::Tls,
            value: value.to_owned(),
            assets,
            last_day: Day::from_unix_ms(NOW_MS),
        };
        let matcher = umbrascope_rules::Matcher::embedded();
        let known = |name: &str, assets| value(&matcher.name(name).unwrap().rule, name, assets);
        Ok(vec![known("chatgpt.com", 12), known("claude.ai", 6), known("bing.com", 40)])
    }
}
