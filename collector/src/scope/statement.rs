//! Scope statements and what they are made of. After governance reference (d).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Coverage, Diff, Facet, Looked, Seal};
use crate::model::governed::Governed;
use crate::model::record::{AiActClass, Observed, OrgRole, Sanction, SystemKind, Tier, Tri};

/// Most characters of the boundary's text.
pub const LONG_CHARS: usize = 8_000;
/// Most characters of another text of the boundary.
pub const TEXT_CHARS: usize = 4_000;
/// Most characters of a name.
pub const NAME_CHARS: usize = 200;
/// Days after which it is overdue to say whether a record is in scope.
pub const UNDETERMINED_DAYS: u32 = 90;

/// A numbered version of what the management system covers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statement {
    /// From 1; never given out again.
    pub number: u64,
    /// How far it is.
    pub state: StatementState,
    /// What people wrote.
    pub boundary: Boundary,
    /// Who began it: number of a person.
    pub author: i64,
    /// When, Unix milliseconds.
    pub begun_at_ms: i64,
    /// What it lists, frozen when it was proposed.
    pub content: Option<Content>,
    /// The scope owner's approval.
    pub approved: Option<Approval>,
    /// The reviewer's countersignature.
    pub countersigned: Option<Approval>,
    /// The signature of the collector's key, once both approved.
    pub seal: Option<Seal>,
    /// Why it was sent back last.
    pub sent_back: Option<SentBack>,
}

impl Governed for Statement {
    const KIND: &'static str = "statement";

    fn id(&self) -> String {
        self.number.to_string()
    }
}

/// How far a statement is. That a signed one is superseded follows from a later one that is signed, and is written nowhere: what is
/// signed never changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatementState {
    /// It is being written.
    #[default]
    Draft,
    /// Its content is frozen, and it waits for its signatures.
    Proposed,
    /// It is signed and never changes.
    Signed,
}

impl StatementState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Proposed => "proposed",
            Self::Signed => "signed",
        }
    }

    /// The one that is written so.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Draft, Self::Proposed, Self::Signed].into_iter().find(|state| state.as_str() == word)
    }
}

/// What people say about the boundary.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Boundary {
    /// Name of the organisation, at most [`NAME_CHARS`].
    pub organisation: String,
    /// Units that are covered, by number; none: all of them.
    pub units: BTreeSet<i64>,
    /// Sites and networks that are covered, by id.
    pub sites: BTreeSet<String>,
    /// What the organisation does that is covered.
    pub activities: String,
    /// Parts that the organisation plays.
    pub roles: BTreeSet<OrgRole>,
    /// The boundary in words, at most [`LONG_CHARS`].
    pub text: String,
    /// Other management systems, and what is shared with them.
    pub interfaces: String,
}

impl Boundary {
    /// What is too long or cannot stand there, by the name of the field.
    pub fn faults(&self) -> Vec<String> {
        let bad = |text: &str, most: usize| {
            text.chars().count() > most
                || text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        };
        let fields = [
            ("organisation", &self.organisation, NAME_CHARS),
            ("activities", &self.activities, TEXT_CHARS),
            ("text", &self.text, LONG_CHARS),
            ("interfaces", &self.interfaces, TEXT_CHARS),
        ];
        let long = fields.into_iter().filter(|(_, text, most)| bad(text, *most));
        long.map(|(name, ..)| name.to_owned()).collect()
    }

    /// What is missing before it can be proposed.
    pub fn missing(&self) -> Vec<String> {
        let fields =
            [("organisation", &self.organisation), ("activities", &self.activities), ("text", &self.text)];
        let missing = fields.into_iter().filter(|(_, text)| text.trim().is_empty());
        missing.map(|(name, _)| name.to_owned()).collect()
    }
}

/// What a statement lists: frozen, so that it says the same for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Content {
    /// Number of the statement.
    pub number: u64,
    /// Unix milliseconds.
    pub as_of_ms: i64,
    /// The statement signed before.
    pub previous: Option<Previous>,
    /// Who began it: number of a person.
    pub author: i64,
    /// Who proposed it.
    pub proposed_by: i64,
    /// Version of the AI policy in force.
    pub policy: String,
    /// Version of the catalogue.
    pub catalogue: String,
    /// Version of the method by which risk tiers are suggested.
    pub tier_method: String,
    /// Version of the legal dates; `None`: none are held.
    pub legal_data: Option<String>,
    /// What people say about the boundary.
    pub boundary: Boundary,
    /// Names of its units on that day.
    pub units: Vec<UnitName>,
    /// Its sites on that day.
    pub sites: Vec<Site>,
    /// Records that are covered.
    pub included: Vec<Listed>,
    /// Records that are not.
    pub excluded: Vec<Listed>,
    /// Records of which nobody decided.
    pub undetermined: Vec<Listed>,
    /// Days after which that is overdue.
    pub undetermined_limit_days: u32,
    /// What it rests on.
    pub coverage: Coverage,
    /// What changed since the statement signed before.
    pub diff: Diff,
}

impl Content {
    /// Every record, each with where it stands.
    pub fn all(&self) -> impl Iterator<Item = (Place, &Listed)> {
        self.included
            .iter()
            .map(|listed| (Place::In, listed))
            .chain(self.excluded.iter().map(|listed| (Place::Out, listed)))
            .chain(self.undetermined.iter().map(|listed| (Place::Undetermined, listed)))
    }

    /// Records that stand for several products.
    pub fn collective(&self) -> impl Iterator<Item = &Listed> {
        self.all().map(|(_, listed)| listed).filter(|listed| listed.products.len() > 1)
    }

    /// What a difference is made of, by record.
    pub fn facets(&self) -> BTreeMap<String, Facet> {
        self.all().map(|(place, listed)| (listed.id.clone(), listed.facet(place))).collect()
    }
}

/// A statement that went before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// Its number.
    pub number: u64,
    /// Hash of its document, in hexadecimal.
    pub hash: String,
}

/// A unit as it was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitName {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// It is covered.
    In,
    /// It is not.
    Out,
    /// Nobody decided.
    Undetermined,
}

impl Place {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::In => "in scope",
            Self::Out => "out of scope",
            Self::Undetermined => "undetermined",
        }
    }
}

/// A record as a statement lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listed {
    /// Id of the record.
    pub id: String,
    /// For people: `AIS-0042`.
    pub reference: String,
    /// Seeded to show the product, and no system of anybody.
    pub demonstration: bool,
    /// Its name.
    pub name: String,
    /// What sort of system.
    pub kind: SystemKind,
    /// What it is used for.
    pub purpose: Option<String>,
    /// Who answers for it: number of a person.
    pub owner: Option<i64>,
    /// Units, by number.
    pub units: BTreeSet<i64>,
    /// Risk tier.
    pub tier: Tier,
    /// Class under the EU AI Act.
    pub class: AiActClass,
    /// What counts of the decision about its use on that day.
    pub sanction: Sanction,
    /// What sensors show.
    pub observed: Observed,
    /// What is to be said of that.
    pub looked: Looked,
    /// On how many machines, roughly.
    pub usage: UsageBand,
    /// Ids of its products; several: it is a collective record.
    pub products: BTreeSet<String>,
    /// Why it is in or out.
    pub justification: Option<String>,
    /// Who decided that: number of a person.
    pub decided_by: Option<i64>,
    /// When, Unix milliseconds.
    pub decided_at_ms: Option<i64>,
    /// Days since the record was made, where nobody decided.
    pub age_days: Option<u32>,
    /// What a material change is told by: flags, publishers, units, data, products.
    pub marks: BTreeSet<String>,
    /// Version of the record.
    pub record_version: u64,
    /// Hash of that version, in hexadecimal.
    pub record_hash: String,
}

impl Listed {
    /// What a difference is made of.
    pub fn facet(&self, place: Place) -> Facet {
        Facet {
            reference: self.reference.clone(),
            name: self.name.clone(),
            place,
            justification: self.justification.clone(),
            owner: self.owner,
            tier: self.tier,
            class: self.class,
            marks: self.marks.clone(),
        }
    }
}

/// On how many machines something was seen. No smaller number than 5 is told: it would point at somebody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsageBand {
    /// On none.
    #[default]
    None,
    /// On some, and fewer than 5.
    Few,
    /// 5 to 49.
    Tens,
    /// 50 to 499.
    Hundreds,
    /// 500 and more.
    Many,
}

impl UsageBand {
    /// The band of a number.
    pub fn of(machines: u64) -> Self {
        match machines {
            0 => Self::None,
            1..5 => Self::Few,
            5..50 => Self::Tens,
            50..500 => Self::Hundreds,
            _ => Self::Many,
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::None => "no machine",
            Self::Few => "fewer than 5 machines",
            Self::Tens => "5 to 49 machines",
            Self::Hundreds => "50 to 499 machines",
            Self::Many => "500 machines or more",
        }
    }
}

/// A person's approval, for which they signed in again. It is a note of the collector and no signature of the person's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Number of the person.
    pub person: i64,
    /// In which role.
    pub role: String,
    /// When, Unix milliseconds.
    pub at_ms: i64,
}

/// Why a statement was sent back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentBack {
    /// Number of the person.
    pub person: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Why.
    pub reason: String,
}

/// A place or a network of the organisation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Site {
    /// Its id: `S-3`. Never reused.
    pub id: String,
    /// Its name, at most [`NAME_CHARS`].
    pub name: String,
    /// What it is.
    pub kind: SiteKind,
    /// Where it is, or its addresses, in words; at most [`NAME_CHARS`].
    pub place: String,
    /// Whether sensors look at it, as somebody declared.
    pub sensor: Tri,
    /// It is no longer there.
    pub closed: bool,
}

impl Site {
    /// What is too long, missing, or cannot stand there, by the name of the field.
    pub fn faults(&self) -> Vec<String> {
        let bad = |text: &str| text.chars().count() > NAME_CHARS || text.chars().any(char::is_control);
        let mut faults = Vec::new();
        if self.name.trim().is_empty() || bad(&self.name) {
            faults.push("name".to_owned());
        }
        if bad(&self.place) {
            faults.push("place".to_owned());
        }
        faults
    }
}

impl Governed for Site {
    const KIND: &'static str = "site";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// What a site is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SiteKind {
    /// A place.
    #[default]
    Site,
    /// A network.
    Network,
}

impl SiteKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Network => "network",
        }
    }

    /// The one that is written so.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Site, Self::Network].into_iter().find(|kind| kind.as_str() == word)
    }
}
