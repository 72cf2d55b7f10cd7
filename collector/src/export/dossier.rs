//! What an evidence pack shows clause by clause: for each thing that the standard asks for, how it stands, what was counted and of which
//! records, and which documents count, each record with the hash that its last entry in the trail says; besides, an index by clause, the
//! statement of applicability, the indicators with their targets, the management reviews, and each signed scope statement as the file that verifies by itself.
//!
//! Of the same moment as the trail in the pack: a change in between leaves the trail ahead of its checkpoint, and the pack is begun again.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, Write};

use serde::Serialize;
use umbrascope_api::Day;

use super::ExportError;
use crate::audit::pack::{self, Writer};
use crate::management::ManagementReview;
use crate::model::document::Document;
use crate::model::governed::Governed;
use crate::model::record::{AiSystem, Tri};
use crate::readiness::{
    Answer, Applicability, Assessed, DEFINITIONS, Gathered, Kept, List, Maturity, Measured, Shown, Standing,
    Target, Verdict, assess, indicators, maturity,
};
use crate::scope::StatementState;
use crate::store::Governance;

/// What the index is written as.
const FORMAT: &str = "umbrascope-clauses/1";

/// A record that something rests on.
#[derive(Serialize)]
struct Reference {
    /// What entries call it: `system/0192…`.
    object: String,
    /// For people: `AIS-0042`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// What its last entry says; null: it has none, which the trail's check tells of.
    record_hash: Option<String>,
    /// Whether it is as it should be; absent where it is not counted one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_it_should_be: Option<bool>,
}

/// A document that is attached.
#[derive(Serialize)]
struct Attached<'a> {
    #[serde(flatten)]
    at: Reference,
    title: &'a str,
    /// SHA-256 of the file.
    sha256: Option<&'a str>,
    effective_from: Option<Day>,
    effective_to: Option<Day>,
    expires: Option<Day>,
    standing: &'static str,
}

/// What a feed counted, and of what.
#[derive(Serialize)]
struct Fed<'a> {
    #[serde(flatten)]
    shown: &'a Shown,
    records: Vec<Reference>,
}

/// `clauses/R-8.4-a.json`.
#[derive(Serialize)]
struct Clause<'a> {
    id: &'a str,
    clauses: &'a [String],
    says: &'a str,
    class: &'static str,
    standing: Standing,
    as_of: Day,
    shown: Vec<Fed<'a>>,
    documents: Vec<Attached<'a>>,
    answer: Option<&'a Answer>,
    controls: Vec<&'a Applies<'a>>,
}

/// A line of the statement of applicability.
#[derive(Serialize)]
struct Applies<'a> {
    id: &'a str,
    objective: &'a str,
    title: &'a str,
    applies: &'static str,
    reason: Option<&'a str>,
    record_hash: Option<&'a str>,
    /// What bears on it, by our ids.
    requirements: Vec<&'a str>,
}

/// A requirement in the index.
#[derive(Serialize)]
struct Indexed<'a> {
    id: &'a str,
    says: &'a str,
    class: &'static str,
    standing: Standing,
    file: String,
}

#[derive(Serialize)]
struct Index<'a> {
    format: &'static str,
    list: &'a str,
    list_as_of: Day,
    as_of: Day,
    /// In the order of the list.
    clauses: Vec<OfClause<'a>>,
}

#[derive(Serialize)]
struct OfClause<'a> {
    /// Its published number.
    clause: &'a str,
    requirements: Vec<Indexed<'a>>,
}

#[derive(Serialize)]
struct Readiness<'a> {
    list: &'a str,
    as_of: Day,
    counts: BTreeMap<&'static str, usize>,
    maturity: Vec<Maturity>,
    requirements: Vec<Stands<'a>>,
}

#[derive(Serialize)]
struct Stands<'a> {
    id: &'a str,
    clauses: &'a [String],
    standing: Standing,
    shown: Vec<&'a str>,
    documents: Vec<&'a str>,
    answer: Option<&'a Answer>,
}

#[derive(Serialize)]
struct Indicators<'a> {
    definitions: &'static str,
    as_of: Day,
    now: Vec<Against<'a>>,
    kept: Vec<Month<'a>>,
}

/// A figure, what it is to come to, and whether it does.
#[derive(Serialize)]
struct Against<'a> {
    #[serde(flatten)]
    measured: Measured,
    target: Option<&'a Target>,
    says: Option<String>,
    verdict: Verdict,
}

/// A management review that was held, with what it had before it.
#[derive(Serialize)]
struct Review<'a> {
    #[serde(flatten)]
    review: &'a ManagementReview,
    record_hash: &'a str,
}

#[derive(Serialize)]
struct Month<'a> {
    #[serde(flatten)]
    kept: &'a Kept,
    record_hash: &'a str,
}

/// Everything that the files are made of.
struct Dossier {
    gathered: Gathered,
    answers: BTreeMap<String, Answer>,
    judged: BTreeMap<String, Applicability>,
    /// Hashes of records as they stand, by what entries call them.
    hashes: BTreeMap<String, String>,
}

/// Writes the files. `now_ms`: Unix milliseconds. Blocking.
pub(super) fn write<W: Write + Seek>(
    writer: &mut Writer<W>,
    governance: &dyn Governance,
    now_ms: i64,
) -> Result<(), ExportError> {
    let today = Day::from_unix_ms(now_ms);
    let list = List::built_in();
    let kinds: BTreeSet<&str> = list
        .requirements
        .iter()
        .flat_map(|requirement| &requirement.feeds)
        .flat_map(|feed| feed.kinds())
        .copied()
        .chain([AiSystem::KIND, Document::KIND, Applicability::KIND])
        .collect();
    let kept = governance.kept_indicators()?;
    let dossier = Dossier {
        gathered: governance.gathered(now_ms)?,
        answers: by_id(governance.answers()?.into_iter().map(|held| held.body)),
        judged: by_id(governance.applicabilities()?.into_iter().map(|held| held.body)),
        hashes: governance.record_hashes(&kinds.into_iter().collect::<Vec<_>>())?,
    };
    let facts = dossier.gathered.facts(today);
    let assessed = assess(list, &facts);
    let controls = dossier.controls(list);
    for one in &assessed {
        let clause = dossier.clause(one, &controls, today);
        writer.line::<ExportError>(&clause_file(&one.requirement.id), &clause)?;
    }
    writer.line::<ExportError>(pack::CLAUSE_INDEX, &index(list, &assessed, today))?;
    writer.line::<ExportError>(pack::CONTROLS, &controls)?;
    writer.line::<ExportError>(pack::READINESS, &dossier.readiness(list, &assessed, today))?;
    let targets: Vec<Target> = governance.targets()?.into_iter().map(|held| held.body).collect();
    let against = |measured: Measured| {
        let target =
            targets.iter().find(|target| target.id == measured.indicator.id && target.value.is_some());
        let says = target.and_then(Target::words);
        Against { verdict: measured.against(target), measured, target, says }
    };
    let now = indicators(&facts).into_iter().map(against).collect();
    let kept = kept.iter().map(|held| Month { kept: &held.body, record_hash: &held.hash }).collect();
    let told = Indicators { definitions: DEFINITIONS, as_of: today, now, kept };
    writer.line::<ExportError>(pack::INDICATORS, &told)?;
    let reviews = governance.management_reviews()?;
    let reviews = reviews.iter().map(|held| Review { review: &held.body, record_hash: &held.hash });
    writer.line::<ExportError>(pack::MANAGEMENT_REVIEWS, &reviews.collect::<Vec<_>>())?;
    statements(writer, governance)
}

fn statements<W: Write + Seek>(
    writer: &mut Writer<W>,
    governance: &dyn Governance,
) -> Result<(), ExportError> {
    // One after the other: a statement lists every record that is covered.
    for row in governance.statements()?.into_iter().filter(|row| row.state == StatementState::Signed) {
        let held = governance.statement(row.number)?;
        if let Some(file) = held.and_then(|held| held.body.signed_file()) {
            writer.line::<ExportError>(&format!("{}{}.json", pack::STATEMENTS, row.number), &file)?;
        }
    }
    Ok(())
}

fn by_id<T: Governed>(records: impl IntoIterator<Item = T>) -> BTreeMap<String, T> {
    records.into_iter().map(|record| (record.id(), record)).collect()
}

fn clause_file(id: &str) -> String {
    format!("{}{id}.json", pack::CLAUSES)
}

fn index<'a>(list: &'a List, assessed: &'a [Assessed], today: Day) -> Index<'a> {
    let mut clauses: Vec<OfClause<'_>> = Vec::new();
    for one in assessed {
        let requirement = &one.requirement;
        for number in &requirement.clauses {
            let indexed = Indexed {
                id: &requirement.id,
                says: &requirement.says,
                class: requirement.class.as_str(),
                standing: one.standing,
                file: clause_file(&requirement.id),
            };
            match clauses.iter_mut().find(|known| known.clause == number) {
                Some(of) => of.requirements.push(indexed),
                None => clauses.push(OfClause { clause: number, requirements: vec![indexed] }),
            }
        }
    }
    Index { format: FORMAT, list: &list.version, list_as_of: list.as_of, as_of: today, clauses }
}

impl Dossier {
    fn reference(&self, object: String, reference: Option<&str>, right: Option<bool>) -> Reference {
        let record_hash = self.hashes.get(&object).cloned();
        Reference { object, reference: reference.map(str::to_owned), record_hash, as_it_should_be: right }
    }

    fn clause<'a>(&'a self, one: &'a Assessed, controls: &'a [Applies<'a>], today: Day) -> Clause<'a> {
        let requirement = &one.requirement;
        let documents = one.documents.iter().chain(&one.expired);
        Clause {
            id: &requirement.id,
            clauses: &requirement.clauses,
            says: &requirement.says,
            class: requirement.class.as_str(),
            standing: one.standing,
            as_of: today,
            shown: one.shown.iter().map(|shown| self.fed(shown)).collect(),
            documents: documents.map(|document| self.attached(document, today)).collect(),
            answer: self.answers.get(&requirement.id),
            controls: controls
                .iter()
                .filter(|control| requirement.clauses.iter().any(|one| one == control.id))
                .collect(),
        }
    }

    fn fed<'a>(&self, shown: &'a Shown) -> Fed<'a> {
        let systems = shown.systems.iter().filter_map(|(at, right)| {
            let system = self.gathered.systems.get(*at)?;
            let object = format!("{}/{}", AiSystem::KIND, system.id);
            Some(self.reference(object, Some(&system.reference), Some(*right)))
        });
        let others = shown.feed.kinds().iter().flat_map(|kind| {
            let begin = format!("{kind}/");
            let of_kind = self.hashes.range(begin.clone()..);
            of_kind
                .map_while(move |(object, _)| object.starts_with(&begin).then(|| object.clone()))
                .map(|object| self.reference(object, None, None))
        });
        Fed { shown, records: systems.chain(others).collect() }
    }

    fn attached<'a>(&self, document: &'a Document, today: Day) -> Attached<'a> {
        let object = format!("{}/{}", Document::KIND, document.id);
        Attached {
            at: self.reference(object, Some(&document.reference), None),
            title: &document.title,
            sha256: document.sha256.as_deref(),
            effective_from: document.effective_from,
            effective_to: document.effective_to,
            expires: document.expires,
            standing: document.standing(today).as_str(),
        }
    }

    /// The statement of applicability: every control, whether somebody judged it or not.
    fn controls<'a>(&'a self, list: &'a List) -> Vec<Applies<'a>> {
        let line = |control: &'a crate::readiness::Control| {
            let judged = self.judged.get(&control.id);
            let bears = list.requirements.iter().filter(|one| one.clauses.contains(&control.id));
            let object = format!("{}/{}", Applicability::KIND, control.id);
            Applies {
                id: &control.id,
                objective: &control.objective,
                title: &control.title,
                applies: judged.map_or(Tri::Unknown, |judged| judged.applies).as_str(),
                reason: judged.map(|judged| judged.reason.as_str()),
                record_hash: self.hashes.get(&object).map(String::as_str),
                requirements: bears.map(|one| one.id.as_str()).collect(),
            }
        };
        list.controls.iter().map(line).collect()
    }

    fn readiness<'a>(&'a self, list: &'a List, assessed: &'a [Assessed], today: Day) -> Readiness<'a> {
        let mut counts = BTreeMap::new();
        for one in assessed {
            *counts.entry(one.standing.as_str()).or_default() += 1;
        }
        let stands = |one: &'a Assessed| Stands {
            id: &one.requirement.id,
            clauses: &one.requirement.clauses,
            standing: one.standing,
            shown: one.shown.iter().map(|shown| shown.says.as_str()).collect(),
            documents: one.documents.iter().map(|document| document.title.as_str()).collect(),
            answer: self.answers.get(&one.requirement.id),
        };
        Readiness {
            list: &list.version,
            as_of: today,
            counts,
            maturity: maturity(list, assessed),
            requirements: assessed.iter().map(stands).collect(),
        }
    }
}
