//! Documents: evidence that people attach. What is kept is where it is and what it hashes to, never the file. None is taken back:
//! another one takes its place.

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

use super::governed::{Governed, Held};
use super::record::words;
use super::task::{About, Link};

words! {
    /// What sort of evidence.
    DocumentKind {
        /// A document.
        Doc = "doc", "Document";
        /// A page on the web.
        Url = "url", "Web page";
        /// A ticket.
        Ticket = "ticket", "Ticket";
        /// Somebody saw it.
        Observation = "observation", "Observation";
    }
}

/// A piece of evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Document {
    /// UUID of version 7; never reused.
    pub id: String,
    /// For people: `DOC-0007`; never reused.
    pub reference: String,
    /// What it hangs on.
    pub link: Link,
    /// What sort.
    pub kind: DocumentKind,
    /// Its title.
    pub title: String,
    /// Where it is: an address, or a reference such as a ticket's number.
    pub location: Option<String>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: Option<String>,
    /// First day that it speaks of, whenever it was attached.
    pub effective_from: Option<Day>,
    /// Last day that it speaks of.
    pub effective_to: Option<Day>,
    /// Last day that it counts.
    pub expires: Option<Day>,
    /// Number of the person who attached it.
    pub added_by: Option<i64>,
    /// When, Unix milliseconds.
    pub added_at_ms: i64,
    /// Id of the document that took its place.
    pub superseded_by: Option<String>,
    /// Id of the document whose place it took.
    pub supersedes: Option<String>,
}

/// How far a document counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It counts.
    Current,
    /// It speaks of days to come.
    NotYet,
    /// Its last day is over.
    Expired,
    /// Another one took its place.
    Superseded,
}

impl Standing {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::NotYet => "not-yet",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Current => "counts",
            Self::NotYet => "not yet",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
        }
    }
}

impl Document {
    /// How far it counts on a day.
    pub fn standing(&self, today: Day) -> Standing {
        let over = |day: Option<Day>| day.is_some_and(|last| last < today);
        if self.superseded_by.is_some() {
            Standing::Superseded
        } else if over(self.expires) || over(self.effective_to) {
            Standing::Expired
        } else if self.effective_from.is_some_and(|first| first > today) {
            Standing::NotYet
        } else {
            Standing::Current
        }
    }
}

impl Governed for Document {
    const KIND: &'static str = "document";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// Which documents to list. Empty fields let everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentFilter {
    /// That hang on this.
    pub link: Option<Link>,
    /// Superseded ones too.
    pub superseded: bool,
    /// Those in this sight.
    pub sight: crate::model::Sight,
}

/// A document on a list.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentRow {
    /// The document.
    pub held: Held<Document>,
    /// What it hangs on.
    pub about: Option<About>,
    /// Name of who attached it.
    pub added_by: Option<String>,
}
