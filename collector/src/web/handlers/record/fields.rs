//! A record's fields as a page shows them, with what the catalogue says to the same question.

use std::collections::BTreeMap;

use umbrascope_rules::{Catalogue, Framework, Standing};

use crate::model::VendorFacts;
use crate::model::governed::{Actor, Stamp};
use crate::model::record::{self, AiSystem, FIELDS, Field, FieldGroup, Input};
use crate::review::{Guard, Refused};
use crate::web::language::{message, say, t};
use crate::web::names::{Names, field_label};
use crate::web::pages::{Fact, FieldView, GroupView, Missing, Problem};

/// Facts of the catalogue beside one field.
const FACTS: usize = 3;

/// Every field by group. Without `stamps`, nothing is said of who set it.
pub(crate) fn groups(
    system: &AiSystem,
    stamps: Option<&BTreeMap<String, Stamp>>,
    names: &Names,
    catalogue: &Catalogue,
    related: &[(String, String)],
) -> Vec<GroupView> {
    let view = |field: &Field| view(system, field, stamps, names, catalogue, related);
    let of = |group: FieldGroup| FIELDS.iter().filter(move |field| field.group == group).map(view).collect();
    FieldGroup::ALL.into_iter().map(|group| GroupView { group, fields: of(group) }).collect()
}

fn view(
    system: &AiSystem,
    field: &Field,
    stamps: Option<&BTreeMap<String, Stamp>>,
    names: &Names,
    catalogue: &Catalogue,
    related: &[(String, String)],
) -> FieldView {
    let raw = record::shown(system, field);
    let words = |choices: fn() -> Vec<(&'static str, &'static str)>, word: &str| {
        let found = choices().into_iter().find(|(known, _)| *known == word);
        found.map_or_else(|| word.to_owned(), |(_, label)| t(label).to_owned())
    };
    let number = |text: &str| text.parse::<i64>().unwrap_or_default();
    let values: Vec<String> = raw
        .iter()
        .map(|text| match field.input {
            Input::Choice(choices) | Input::Choices(choices) => words(choices, text),
            Input::Person => names.person(number(text)),
            Input::Units => names.unit(number(text)),
            _ if field.name == "part_of" => related
                .iter()
                .find(|(id, _)| id == text)
                .map_or_else(|| text.clone(), |(_, found)| found.clone()),
            _ => text.clone(),
        })
        .collect();
    let unset = ["unknown", "undetermined", "unassessed"];
    let unknown = match field.input {
        Input::Choice(choices) => {
            let first = choices().first().map(|(word, _)| *word);
            raw.first().is_none_or(|word| Some(word.as_str()) == first && unset.contains(&word.as_str()))
        }
        _ => raw.is_empty(),
    };
    let is_web = |link: &&String| link.starts_with("https://") || link.starts_with("http://");
    let href = match field.input {
        Input::Link => raw.first().filter(is_web).cloned(),
        _ => None,
    };
    let top = field.name.split('.').next().unwrap_or(field.name);
    let by = stamps
        .and_then(|stamps| stamps.get(top))
        // What nobody set, and what a program proposed as unknown, was set by nobody.
        .filter(|stamp| !unknown || Actor::person_in(&stamp.by).is_some())
        .filter(|_| !raw.is_empty() || stamps.is_some_and(|stamps| was_set(stamps, top)))
        .map(|stamp| (names.actor(&stamp.by), stamp.at_ms));
    FieldView {
        name: field.name,
        label: t(field.label),
        why: t(field.why),
        values,
        href,
        unknown,
        by,
        facts: facts(system, field.name, catalogue),
    }
}

/// Whether a person set a field that stands at nothing: then it was emptied, and not merely never filled in.
fn was_set(stamps: &BTreeMap<String, Stamp>, name: &str) -> bool {
    let first = stamps.values().map(|stamp| stamp.seq).min();
    stamps.get(name).is_some_and(|stamp| Some(stamp.seq) != first)
}

/// What the catalogue says to the question of a field.
fn facts(system: &AiSystem, name: &str, catalogue: &Catalogue) -> Vec<Fact> {
    let products = system.products.iter().filter_map(|product| catalogue.product(product));
    let mut found = Vec::new();
    for product in products.take(5) {
        let Some(about) = VendorFacts::of(catalogue, &product.vendor, Some(&product.id)) else { continue };
        let plain = |text: Option<String>| {
            text.map(|text| Fact { text, standing: None, source: None, read: String::new() })
        };
        match name {
            "vendor_name" => found.extend(plain(
                about
                    .vendor
                    .legal_name
                    .as_ref()
                    .map(ToString::to_string)
                    .or(Some(about.vendor.name.to_string())),
            )),
            "vendor_country" => found.extend(plain(about.vendor.country.as_ref().map(ToString::to_string))),
            _ => found.extend(framework(name).into_iter().flat_map(|asked| answers(&about, asked))),
        }
    }
    let mut told: Vec<Fact> = Vec::new();
    for fact in found {
        if !told.iter().any(|known| known.text == fact.text && known.source == fact.source) {
            told.push(fact);
        }
    }
    told.truncate(FACTS);
    told
}

fn framework(name: &str) -> Option<Framework> {
    match name {
        "trains_on_our_data" => Some(Framework::Training),
        "data_residency" => Some(Framework::Residency),
        "vendor_retention" => Some(Framework::Retention),
        "dpa_link" => Some(Framework::Dpa),
        "supplier_assessment.state" => Some(Framework::Iso42001),
        "supplier_assessment.link" => Some(Framework::TrustCentre),
        _ => None,
    }
}

fn answers(about: &VendorFacts, asked: Framework) -> Vec<Fact> {
    let question = about.questions.iter().find(|question| question.framework == asked);
    let answers = question.into_iter().flat_map(|question| &question.answers);
    let known = answers.filter(|answer| answer.standing != Standing::Unknown);
    known
        .map(|answer| {
            let claim = answer.claims.first();
            let plan = answer.plan.as_deref().or(answer.product.as_deref());
            Fact {
                text: match plan {
                    Some(plan) => say!("{0} ({1})", t(asked.label()), plan),
                    None => t(asked.label()).to_owned(),
                },
                standing: Some(answer.standing),
                source: claim.map(|claim| (claim.source_host().to_owned(), claim.source_url.to_string())),
                read: claim.map(|claim| claim.last_checked.to_string()).unwrap_or_default(),
            }
        })
        .collect()
}

/// Fields by name, with where they are set.
pub(crate) fn missing<'n>(reference: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<Missing> {
    let one = |name: &str| Missing {
        label: field_label(name),
        href: record::named(name)
            .map(|field| format!("/inventory/{reference}/edit/{}#f-{}", field.group.as_str(), field.name)),
    };
    names.into_iter().map(one).collect()
}

/// A refusal as a page tells it.
pub(crate) fn problem(reference: &str, refused: &Refused) -> Problem {
    let mut fields = missing(reference, refused.missing.iter().map(String::as_str));
    if refused.guard == Guard::OwnerActive {
        fields.extend(missing(reference, ["system_owner"]));
    }
    let says = refused.says.trim_end_matches('.');
    // Names of fields are for programs; the list below tells them in words.
    let says = match (refused.guard, says.split_once(", set first: ")) {
        (Guard::Fields, Some((what, _))) => say!("{0}, set first what stands below", message(what)),
        _ => message(says),
    };
    Problem { guard: refused.guard.as_str(), says, missing: fields }
}
