//! One record of the inventory: what it is, where it stands, what can be done, and what was done.

use askama::Template;
use umbrascope_api::{Day, RiskFlag};
use umbrascope_rules::Standing;

use super::triage::Undo;
use super::work::{DocumentsView, TaskForm};
use super::{Frame, filters};
use crate::export::monthly::SeenThen;
use crate::model::finding::FindingRow;
use crate::model::record::{AiSystem, FieldGroup, Resources};
use crate::model::{Clocks, SystemProduct};
use crate::scope::UsageBand;
use crate::tier::Comparison;
use crate::web::language::t;
use crate::web::list::{Choice, Pager};

/// One of the six axes.
#[derive(Debug)]
pub(crate) struct Axis {
    /// What it is called.
    pub(crate) label: &'static str,
    /// Where the record stands on it.
    pub(crate) word: &'static str,
    /// Style class of its badge.
    pub(crate) class: &'static str,
    /// More of it, in a few words.
    pub(crate) note: String,
}

/// A fact of the catalogue beside a field: it never counts as the field's value.
#[derive(Debug)]
pub(crate) struct Fact {
    /// What it says.
    pub(crate) text: String,
    /// What follows from all sources.
    pub(crate) standing: Option<Standing>,
    /// Where it stands: host and address.
    pub(crate) source: Option<(String, String)>,
    /// When it was read there.
    pub(crate) read: String,
}

/// A field with its value.
#[derive(Debug)]
pub(crate) struct FieldView {
    /// Its name, to jump to.
    pub(crate) name: &'static str,
    /// What it is called.
    pub(crate) label: &'static str,
    /// Which demand it answers.
    pub(crate) why: &'static str,
    /// What stands in it; none: nothing was set.
    pub(crate) values: Vec<String>,
    /// Where its only value leads.
    pub(crate) href: Option<String>,
    /// Whether it stands at `unknown`, or at nothing.
    pub(crate) unknown: bool,
    /// Who set it last, and when.
    pub(crate) by: Option<(String, i64)>,
    /// What the catalogue says to the same question.
    pub(crate) facts: Vec<Fact>,
}

/// Fields that stand together.
#[derive(Debug)]
pub(crate) struct GroupView {
    /// Which.
    pub(crate) group: FieldGroup,
    /// Its fields.
    pub(crate) fields: Vec<FieldView>,
}

impl GroupView {
    /// How many of them are set.
    pub(crate) fn set(&self) -> usize {
        self.fields.iter().filter(|field| !field.unknown).count()
    }
}

/// A field that is missing, and where it is set.
#[derive(Debug, Clone)]
pub(crate) struct Missing {
    /// What it is called.
    pub(crate) label: String,
    /// Where it is set; `None`: in the form itself.
    pub(crate) href: Option<String>,
}

/// Why something was not done.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The guard.
    pub(crate) guard: &'static str,
    /// What it says.
    pub(crate) says: String,
    /// What is missing.
    pub(crate) missing: Vec<Missing>,
}

/// Something that a move has to be told.
#[derive(Debug)]
pub(crate) struct Ask {
    /// Its name in the form.
    pub(crate) name: &'static str,
    /// What it is called.
    pub(crate) label: &'static str,
    /// `text`, `line`, `day`, `choice`, `checks` or `hidden`.
    pub(crate) kind: &'static str,
    /// Whether it may be left out.
    pub(crate) required: bool,
    /// What stands in it.
    pub(crate) value: String,
    /// What can be chosen.
    pub(crate) options: Vec<Choice>,
    /// What helps to fill it in.
    pub(crate) hint: String,
}

/// A move that the reader may make, or could make if something else were done first.
#[derive(Debug)]
pub(crate) struct Offer {
    /// The move's word.
    pub(crate) word: &'static str,
    /// What people read.
    pub(crate) label: &'static str,
    /// Which part of the list it stands in.
    pub(crate) section: &'static str,
    /// What has to be done before.
    pub(crate) blocked: Option<Problem>,
    /// What it has to be told.
    pub(crate) asks: Vec<Ask>,
    /// Whether its form is open.
    pub(crate) open: bool,
}

impl Offer {
    /// Whether it takes one click.
    pub(crate) fn at_once(&self) -> bool {
        self.blocked.is_none() && self.asks.iter().all(|ask| ask.kind == "hidden")
    }

    /// Style class of its button.
    pub(crate) fn class(&self) -> &'static str {
        match self.word {
            "approve" | "triage" | "review" | "request-sanction" | "confirm" => "primary",
            "prohibit" | "revoke" | "decline" | "dismiss" | "suspend" => "danger",
            _ => "",
        }
    }
}

/// What can be done with a record, and where the forms lead.
#[derive(Debug)]
pub(crate) struct Offers {
    /// Each move.
    pub(crate) rows: Vec<Offer>,
    /// The record's reference.
    pub(crate) reference: String,
    /// Its version.
    pub(crate) version: u64,
    /// Where a move leads; `None`: to the record.
    pub(crate) back: Option<String>,
    /// Whether keys make them.
    pub(crate) keyed: bool,
}

impl Offers {
    /// Whether an offer begins a new part of the list.
    pub(crate) fn begins(&self, at: &usize) -> bool {
        let section = |at: usize| self.rows.get(at).map(|offer| offer.section);
        *at == 0 || section(*at) != section(at.saturating_sub(1))
    }

    /// The key that makes an offer, or opens its form.
    pub(crate) fn key(&self, offer: &Offer) -> Option<&'static str> {
        let key = match offer.word {
            "triage" => "a",
            "review" => "r",
            "request-sanction" => "s",
            "request-tolerance" => "t",
            "prohibit" => "p",
            "dismiss" => "d",
            "approve" => "y",
            "decline" => "n",
            "withdraw" => "w",
            "reopen" => "o",
            "scope-in" => "i",
            "request-scope-in" => "q",
            "request-scope-out" => "u",
            "comment" => "c",
            "confirm" => "m",
            _ => return None,
        };
        self.keyed.then_some(key)
    }
}

/// What somebody asks for.
#[derive(Debug)]
pub(crate) struct RequestView {
    /// Who asks.
    pub(crate) who: String,
    /// Whether that is the reader.
    pub(crate) own: bool,
    /// When, Unix time in milliseconds.
    pub(crate) at_ms: i64,
    /// What.
    pub(crate) what: &'static str,
    /// More of what.
    pub(crate) details: Vec<(&'static str, String)>,
    /// Why.
    pub(crate) reason: String,
}

/// A field that an entry of the trail changed.
#[derive(Debug)]
pub(crate) struct Change {
    /// What it is called.
    pub(crate) label: String,
    /// What stood there; `None`: it is too long ago to tell here.
    pub(crate) from: Option<String>,
    /// What stands there from then.
    pub(crate) to: String,
}

/// An entry of the trail.
#[derive(Debug)]
pub(crate) struct EntryView {
    /// Its number.
    pub(crate) seq: u64,
    /// When, Unix time in milliseconds.
    pub(crate) at_ms: i64,
    /// Who.
    pub(crate) who: String,
    /// In which role; `-`: in none.
    pub(crate) role: String,
    /// What, as the trail has it.
    pub(crate) action: String,
    /// What it was done to: words and, where it has a page, the address.
    pub(crate) object: (String, Option<String>),
    /// The guard that refused it.
    pub(crate) refused: Option<String>,
    /// Why; `None`: erased.
    pub(crate) reason: Option<String>,
    /// Version of the policy that was in force.
    pub(crate) policy: Option<String>,
    /// What it has in common with others of one bulk.
    pub(crate) batch: Option<String>,
    /// What changed.
    pub(crate) changes: Vec<Change>,
}

/// The whole page.
#[derive(Debug, Template)]
#[template(path = "record.html")]
pub(crate) struct RecordPage {
    /// The smallest number of assets that is told to the reader.
    pub(crate) least: u64,
    /// The frame.
    pub(crate) frame: Frame,
    /// The record.
    pub(crate) system: AiSystem,
    /// Its version.
    pub(crate) version: u64,
    /// Hash of that version.
    pub(crate) hash: String,
    /// What is known of what sensors had shown by the day as of which it is shown.
    pub(crate) then: Vec<SeenThen>,
    /// Who changed it last, and when.
    pub(crate) changed: (String, i64),
    /// The day as of which it is shown; `None`: as it is.
    pub(crate) as_of: Option<Day>,
    /// The six axes.
    pub(crate) axes: Vec<Axis>,
    /// What it waits for.
    pub(crate) waits: String,
    /// Whether that is something to do.
    pub(crate) pending: bool,
    /// Vendors, by id in the catalogue and name.
    pub(crate) vendors: Vec<(String, String)>,
    /// Products.
    pub(crate) products: Vec<SystemProduct>,
    /// Other records that it names: what they are to it, reference.
    pub(crate) related: Vec<(&'static str, String)>,
    /// First and last day of a sighting.
    pub(crate) days: Option<(Day, Day)>,
    /// Whether the clocks were right that told them.
    pub(crate) clocks: Clocks,
    /// Units in which it is seen, and whether they are its own.
    pub(crate) units_seen: Vec<(String, bool)>,
    /// Units that it belongs to, and whether it is seen there.
    pub(crate) units_owned: Vec<(String, bool)>,
    /// Risk flags seen.
    pub(crate) flags: Vec<RiskFlag>,
    /// Publishers seen.
    pub(crate) publishers: Vec<String>,
    /// What is seen that the decision does not rest on.
    pub(crate) beyond: Vec<String>,
    /// The decision: who, when, why, under which policy, with which coverage, who had asked.
    pub(crate) decision: Option<DecisionView>,
    /// Fields by group.
    pub(crate) groups: Vec<GroupView>,
    /// What a sanction takes and is missing.
    pub(crate) for_use: Vec<Missing>,
    /// What scope takes and is missing.
    pub(crate) for_scope: Vec<Missing>,
    /// Whether the reader may change fields.
    pub(crate) edits: bool,
    /// What is asked for.
    pub(crate) request: Option<RequestView>,
    /// What the reader may do.
    pub(crate) offers: Offers,
    /// What can be taken back.
    pub(crate) undo: Option<Undo>,
    /// The address of this page, to come back to.
    pub(crate) here: String,
    /// Why what was just asked for was not done.
    pub(crate) problem: Option<Problem>,
    /// Entries of its trail.
    pub(crate) history: Vec<EntryView>,
    /// The foot of them.
    pub(crate) pager: Pager,
    /// What remains of its risk, as a named person took it on: who, when, until which day, what.
    pub(crate) residual: Option<(String, i64, Day, String)>,
    /// Who confirmed it, when, and what was said, the newest first.
    pub(crate) confirmations: Vec<(String, i64, Option<String>)>,
    /// Who said what about it, and when, the newest first.
    pub(crate) comments: Vec<(String, i64, String)>,
    /// What sensors and the catalogue show of its resources; `None`: of a past day.
    pub(crate) resources: Option<Resources>,
    /// The tier that was set beside what is suggested.
    pub(crate) tier: Comparison,
    /// What hangs on it; of a past day nothing is shown.
    pub(crate) beside: Option<Beside>,
}

/// What hangs on a record.
#[derive(Debug)]
pub(crate) struct Beside {
    /// Its findings, the newest of them; ended ones too.
    pub(crate) findings: Vec<FindingRow>,
    /// How many there are.
    pub(crate) all_findings: u64,
    /// Its tasks, and a form for one more.
    pub(crate) tasks: TaskForm,
    /// Its documents, and a form for one more.
    pub(crate) documents: DocumentsView,
}

impl Beside {
    /// How many findings are not listed.
    pub(crate) fn more_findings(&self) -> u64 {
        self.all_findings.saturating_sub(self.findings.len() as u64)
    }
}

/// A decision in words.
#[derive(Debug)]
pub(crate) struct DecisionView {
    /// Who decided.
    pub(crate) by: String,
    /// Who had asked.
    pub(crate) requested_by: Option<String>,
    /// When, Unix time in milliseconds.
    pub(crate) at_ms: i64,
    /// Why.
    pub(crate) reason: String,
    /// Version of the policy.
    pub(crate) policy: String,
    /// Units in which alone it may be used; empty: wherever it is.
    pub(crate) only_in: String,
    /// Others in which it is seen nevertheless; empty: none.
    pub(crate) outside: String,
    /// Versions in which alone it counts, in words; empty: in each.
    pub(crate) only_versions: String,
    /// Versions that are seen and in which it does not count.
    pub(crate) outside_versions: String,
    /// Share of the endpoints that reported then, in percent.
    pub(crate) coverage: Option<u32>,
}

impl RecordPage {
    /// The most assets that one of its products has.
    pub(crate) fn assets(&self) -> u64 {
        self.products.iter().map(|product| product.assets).max().unwrap_or(0)
    }

    /// On how many machines it is, in a band.
    pub(crate) fn band(&self) -> &'static str {
        t(UsageBand::of(self.assets()).label())
    }

    /// On how many of its machines there is an accelerator, in a band.
    pub(crate) fn accelerated(&self) -> Option<&'static str> {
        let machines = self.resources.as_ref()?.accelerated?;
        Some(UsageBand::of(machines).label())
    }

    /// Units in which it is seen and that are not its own.
    pub(crate) fn drifts(&self) -> bool {
        !self.units_owned.is_empty() && self.units_seen.iter().any(|(_, own)| !own)
    }
}

/// A field as a form has it.
#[derive(Debug)]
pub(crate) struct FormField {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is called.
    pub(crate) label: &'static str,
    /// Which demand it answers.
    pub(crate) why: &'static str,
    /// `line`, `text`, `day`, `choice`, `choices`, `lines` or `person`.
    pub(crate) kind: &'static str,
    /// What stands in it.
    pub(crate) value: String,
    /// What can be chosen.
    pub(crate) options: Vec<Choice>,
    /// What is wrong with it.
    pub(crate) problem: Option<String>,
    /// What stands there now, where somebody else changed it meanwhile.
    pub(crate) now: Option<String>,
    /// People of whom one is meant: number and words.
    pub(crate) candidates: Vec<(i64, String)>,
    /// Most characters.
    pub(crate) longest: usize,
}

/// The form of a group of fields; without a reference, of a new record.
#[derive(Debug, Template)]
#[template(path = "record_edit.html")]
pub(crate) struct RecordEditPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The record's reference; empty: it is new.
    pub(crate) reference: String,
    /// Its name.
    pub(crate) name: String,
    /// What the form is about.
    pub(crate) title: &'static str,
    /// Where it is sent to.
    pub(crate) action: String,
    /// Version that was read.
    pub(crate) version: u64,
    /// The fields.
    pub(crate) fields: Vec<FormField>,
    /// People to choose from, where the directory is small.
    pub(crate) people: Vec<String>,
    /// Why it is changed.
    pub(crate) reason: String,
    /// Why it was not saved.
    pub(crate) problem: Option<Problem>,
    /// The tier that was set beside what is suggested, where the form sets it.
    pub(crate) tier: Option<Comparison>,
    /// The other groups.
    pub(crate) others: Vec<(String, &'static str, bool)>,
}
