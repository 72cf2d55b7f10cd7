//! The same move on several records: a preview first, in which each record says whether its guards let it through, then the change,
//! one entry of the trail a record.

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ring::rand::SecureRandom as _;
use serde_json::Value;

use super::record::moves::{field, step_of};
use super::{page, work};
use crate::AppState;
use crate::model::governed::Act;
use crate::model::record::{AiSystem, Tier};
use crate::model::task::LinkKind;
use crate::model::{Deed, Role, Sight};
use crate::review::{Guard, Move, Refused, Told, Who, label};
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{say, t};
use crate::web::pages::{BulkPage, BulkRow};
use crate::web::{WebState, blocking};

/// Moves that can be made on several records, and the roles that make them.
const MOVES: [(&str, &[Role]); 15] = [
    ("triage", &[Role::Analyst, Role::Reviewer]),
    ("set-unit", &[Role::Analyst, Role::Reviewer]),
    ("set-owner", &[Role::Analyst, Role::Reviewer]),
    ("set-tier", &[Role::Analyst, Role::Reviewer]),
    ("review", &[Role::Analyst, Role::Reviewer]),
    ("request-sanction", &[Role::Analyst, Role::Reviewer]),
    ("request-tolerance", &[Role::Analyst, Role::Reviewer]),
    ("request-scope-in", &[Role::Analyst, Role::Reviewer]),
    ("request-scope-out", &[Role::Analyst, Role::Reviewer, Role::ScopeOwner]),
    ("approve", &[Role::Reviewer, Role::ScopeOwner]),
    ("decline", &[Role::Reviewer, Role::ScopeOwner]),
    ("prohibit", &[Role::Reviewer]),
    ("scope-in", &[Role::ScopeOwner]),
    ("dismiss", &[Role::Analyst, Role::Reviewer]),
    ("enforce", &[Role::ItDeployer]),
];

/// What a reader is offered, as words and labels. It is a courtesy: the guards of each record decide.
pub(super) fn moves(reader: &Reader) -> Vec<(&'static str, &'static str)> {
    let held = |roles: &[Role]| roles.iter().any(|role| reader.user.grants.any(*role));
    MOVES.iter().filter(|(_, roles)| held(roles)).map(|(word, _)| (*word, words(word))).collect()
}

fn words(word: &str) -> &'static str {
    match word {
        "set-unit" => t("Add to a unit"),
        "set-owner" => t("Give to an owner"),
        "set-tier" => t("Set the risk tier"),
        word => label(word).unwrap_or_default(),
    }
}

/// A preview or, confirmed, the change.
pub(crate) async fn change(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    reader.check_form(field(&sent, "csrf"))?;
    if !reader.changes_records() {
        reader.must_somewhere(Deed::Triage)?;
    }
    let word = MOVES.iter().map(|(word, _)| *word).find(|word| *word == field(&sent, "move"));
    let word = word.ok_or_else(|| WebError::unknown_choice("move", field(&sent, "move")))?;
    let confirmed = field(&sent, "do") == "confirm";
    let picked: Vec<(String, Option<u64>)> = sent
        .iter()
        .filter(|(name, _)| name == "id")
        .map(|(_, value)| match value.split_once('@') {
            Some((id, version)) => (id.to_owned(), version.parse().ok()),
            None => (value.clone(), None),
        })
        .collect();
    let told = Told::of_form(sent.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let batch = if confirmed { new_batch()? } else { String::new() };
    let mut act = reader.act(field(&sent, "reason").trim());
    act.batch = confirmed.then(|| batch.clone());
    let who = reader.who();
    let asked = Asked {
        word: word.to_owned(),
        owner: field(&sent, "owner").to_owned(),
        unit: field(&sent, "unit").to_owned(),
        tier: field(&sent, "tier").to_owned(),
        told,
    };
    let app = state.app.clone();
    let (rows, problem) = blocking(move || each(&app, picked, &asked, &who, &act, confirmed)).await?;
    if confirmed {
        let refused = rows.iter().filter(|row| row.refused.is_some()).count();
        tracing::info!(
            step = word,
            batch,
            records = rows.len(),
            refused,
            person = reader.user.name,
            "records were changed in bulk"
        );
    }
    let status = problem.as_ref().map(|_| axum::http::StatusCode::UNPROCESSABLE_ENTITY);
    let answer = page(&BulkPage {
        frame: reader.frame(Here::Inventory, None),
        title: words(word).to_owned(),
        told: said(&sent),
        kept: sent
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "csrf" | "do" | "id"))
            .cloned()
            .collect(),
        rows,
        batch,
        problem,
        back: work::back(field(&sent, "back"), "/inventory"),
    })?;
    Ok(match status {
        Some(status) => (status, answer).into_response(),
        None => answer,
    })
}

/// What is asked for each record.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The move's word.
    pub(crate) word: String,
    /// Sign-in name of the owner to set.
    pub(crate) owner: String,
    /// Number of the unit to add to.
    pub(crate) unit: String,
    /// Risk tier to set.
    pub(crate) tier: String,
    /// What the move is told.
    pub(crate) told: Told,
}

/// Tries a move on each of some records, or makes it: then each has to be of the version that was seen. The rows, and why nothing can
/// be done at all. It blocks.
pub(crate) fn each(
    app: &AppState,
    picked: Vec<(String, Option<u64>)>,
    asked: &Asked,
    who: &Who,
    act: &Act,
    confirmed: bool,
) -> Result<(Vec<BulkRow>, Option<String>), StoreError> {
    let most = usize::try_from(app.governance.limits()?.bulk_records).unwrap_or(usize::MAX);
    let mut rows = Vec::new();
    if picked.is_empty() {
        return Ok((rows, Some(t("Nothing was chosen: mark some records of the list first.").to_owned())));
    }
    if picked.len() > most {
        let says = say!(
            "{0} records were chosen, and one change reaches at most {1}: choose fewer.",
            picked.len(),
            most
        );
        return Ok((rows, Some(says)));
    }
    let least = app.governance.retention()?.0.times.least_count;
    let sight = Sight::of(who.person, &who.grants, u64::from(least));
    for (id, seen) in picked {
        let found = match app.governance.sees(&sight, LinkKind::System, &id)? {
            true => app.governance.system(&id)?,
            false => None,
        };
        let Some(found) = found else {
            rows.push(BulkRow {
                name: t("no such record").to_owned(),
                reference: id.chars().take(40).collect(),
                version: 0,
                stands: String::new(),
                refused: Some((Guard::Target.as_str(), t("there is no such record").to_owned())),
            });
            continue;
        };
        let held = found.held;
        let came_to = match asked.step(app, &held.body)? {
            Err(refused) => Err(refused),
            Ok(step) if confirmed => {
                // A confirmation is for the version that the preview showed, and for no other.
                let act = act.clone().on(seen.unwrap_or(0));
                let changed = app.governance.move_system(&held.body.id, step, who.clone(), act)?;
                changed.map_or(Ok(()), |changed| changed.map(|_| ()))
            }
            Ok(step) => {
                let came_to = app.governance.trial(&held.body.id, &[step], who, act)?;
                came_to.into_iter().flatten().next().unwrap_or(Ok(()))
            }
        };
        let now = app.governance.system(&id)?.map_or(held, |found| found.held);
        rows.push(BulkRow {
            stands: stands(&now.body),
            reference: now.body.reference,
            name: now.body.name,
            version: now.version,
            refused: came_to.err().map(|refused| (refused.guard.as_str(), refused.says)),
        });
    }
    Ok((rows, None))
}

impl Asked {
    /// The move on one record: what a unit is added to depends on the units that are there.
    fn step(&self, app: &AppState, system: &AiSystem) -> Result<Result<Move, Refused>, StoreError> {
        let edit = |name: &str, value: Value| Ok(Ok(Move::Edit(vec![(name.to_owned(), value)])));
        let unset = |name: &str, says: &str| {
            Ok(Err(Refused { guard: Guard::Fields, missing: vec![name.to_owned()], says: says.to_owned() }))
        };
        match self.word.as_str() {
            "set-owner" => match app.people.person_named(&self.owner.trim().to_lowercase())? {
                Some(person) => edit("system_owner", person.id.into()),
                None => unset("owner", t("name the owner by the sign-in name")),
            },
            "set-unit" => match self.unit.parse::<i64>() {
                Ok(unit) => {
                    let units: Vec<i64> = system.org_units.iter().copied().chain([unit]).collect();
                    edit("org_units", units.into())
                }
                Err(_) => unset("unit", t("choose the unit")),
            },
            "set-tier" => match Tier::parse(&self.tier) {
                Some(tier) => edit("risk_tier", tier.as_str().into()),
                None => unset("tier", t("choose the risk tier")),
            },
            word => step_of(app, word, self.told.clone()),
        }
    }
}

/// Where a record stands, in words.
fn stands(system: &AiSystem) -> String {
    let asked = system.request.as_ref().map(|request| say!(", asked to {0}", t(request.wish.label())));
    format!(
        "{}, {}, {}{}",
        t(system.review.label()),
        t(system.sanction.label()).to_lowercase(),
        t(system.scope.label()).to_lowercase(),
        asked.unwrap_or_default()
    )
}

/// What was typed, for the preview.
fn said(sent: &[(String, String)]) -> Vec<(&'static str, String)> {
    [
        ("reason", t("Why")),
        ("conditions", t("Conditions")),
        ("expires_on", t("Last day")),
        ("justification", t("Justification")),
        ("owner", t("Owner")),
        ("evidence", t("What shows it")),
    ]
    .into_iter()
    .map(|(name, label)| (label, field(sent, name).trim().to_owned()))
    .filter(|(_, text)| !text.is_empty())
    .collect()
}

/// What the changes of one bulk have in common in the trail.
pub(crate) fn new_batch() -> Result<String, WebError> {
    Ok(format!("bulk-{}", random_word()?))
}

fn random_word() -> Result<String, WebError> {
    let mut bytes = [0; 8];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| WebError::Work("no randomness".into()))?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_move_of_a_bulk_has_words() {
        for (word, roles) in MOVES {
            assert!(!words(word).is_empty() && !roles.is_empty(), "{word}");
        }
    }
}
