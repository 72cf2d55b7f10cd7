//! Fields of a record, one form a group; and a record made by hand.

use std::collections::BTreeSet;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;

use super::moves::{field, id_of};
use super::problem;
use crate::AppState;
use crate::model::governed::Held;
use crate::model::record::{
    self, AiSystem, FIELDS, Field, FieldGroup, Input, LINE_CHARS, TEXT_CHARS, edit as edited, shown,
};
use crate::model::task::LinkKind;
use crate::model::{Access, Deed, PersonRow, UnitRow};
use crate::review::{Guard, Move, Refused};
use crate::store::StoreError;
use crate::web::error::{WebError, status_of};
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::handlers::findings::home;
use crate::web::handlers::page;
use crate::web::language::{message, t};
use crate::web::list::Choice;
use crate::web::names::Names;
use crate::web::pages::{FormField, Problem, RecordEditPage};
use crate::web::pick::{in_words, offered, person};
use crate::web::{WebState, blocking};

/// Fields that a new record is made with.
const NEW: [&str; 5] = ["name", "kind", "purpose", "system_owner", "org_units"];

/// What a form shows again after it was refused.
#[derive(Default)]
struct Again {
    typed: Option<Vec<(String, String)>>,
    refused: Option<Refused>,
    candidates: Vec<(&'static str, Vec<PersonRow>)>,
    /// The record as it was read, where it is another one now.
    stale: bool,
}

/// The form of a group.
pub(crate) async fn form(
    State(state): State<WebState>,
    reader: Reader,
    Path((reference, group)): Path<(String, String)>,
) -> Result<Response, WebError> {
    let group = known(&group)?;
    let held = read(&state, &reader, &reference).await?;
    may_edit(&reader, &held.body)?;
    edit_page(&state, &reader, Some((&held, group)), Again::default()).await
}

/// Saves a group of fields: all of them, or none and why.
pub(crate) async fn save(
    State(state): State<WebState>,
    reader: Reader,
    Path((reference, group)): Path<(String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    reader.check_form(field(&sent, "csrf"))?;
    let group = known(&group)?;
    let version: u64 = field(&sent, "version").parse().map_err(|_| WebError::BadRequest)?;
    let held = read(&state, &reader, &reference).await?;
    let names: Vec<&'static Field> = FIELDS.iter().filter(|field| field.group == group).collect();
    let (app, typed, before) = (state.app.clone(), sent.clone(), held.body.clone());
    // Who may not change it is refused by the rules below, whatever was typed.
    let may_change = may(&reader, &held.body);
    let read = match may_change {
        true => blocking(move || changes(&app, &names, &typed, &before)).await?,
        false => Ok(Vec::new()),
    };
    let mut again = Again { typed: Some(sent.clone()), ..Again::default() };
    let refused = match read {
        Ok(changes) if changes.is_empty() && may_change && version == held.version => {
            return Ok(Redirect::to(&format!("/inventory/{}?done=same", held.body.reference)).into_response());
        }
        Ok(changes) => {
            let act = reader.act(field(&sent, "reason").trim()).on(version);
            let (app, who, id) = (state.app.clone(), reader.who(), held.body.id.clone());
            let moved =
                blocking(move || app.governance.move_system(&id, Move::Edit(changes), who, act)).await?;
            match moved.ok_or(WebError::NotFound("record"))? {
                Ok(held) => {
                    return Ok(Redirect::to(&format!("/inventory/{}?done=edit", held.body.reference))
                        .into_response());
                }
                Err(refused) => refused,
            }
        }
        Err((refused, candidates)) => {
            again.candidates = candidates;
            refused
        }
    };
    again.stale = refused.guard == Guard::Version;
    again.refused = Some(refused);
    // Whoever may not change it is told so, and shown no form.
    if !may_change {
        let refused = again
            .refused
            .take()
            .unwrap_or_else(|| Refused::new(Guard::Role, t("this takes the role analyst")));
        return Err(WebError::Guarded(refused));
    }
    edit_page(&state, &reader, Some((&held, group)), again).await
}

/// The form of a new record.
pub(crate) async fn new_form(State(state): State<WebState>, reader: Reader) -> Result<Response, WebError> {
    reader.must_somewhere(Deed::Triage)?;
    edit_page(&state, &reader, None, Again::default()).await
}

/// Makes a record by hand.
pub(crate) async fn add(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    reader.check_form(field(&sent, "csrf"))?;
    let names: Vec<&'static Field> = NEW.iter().filter_map(|name| record::named(name)).collect();
    let (app, typed) = (state.app.clone(), sent.clone());
    let (who, act) = (reader.who(), reader.act(field(&sent, "reason").trim()));
    let nowhere = reader.must_somewhere(Deed::Triage).is_err();
    let made = blocking(move || {
        // Who may do it nowhere is refused by the rules, and that is noted, whatever was typed.
        if nowhere {
            let made = app.governance.add_system(AiSystem::default(), &who, act)?;
            return Ok(made.map_err(|refused| (refused, Vec::new())));
        }
        let changes = match changes(&app, &names, &typed, &AiSystem::default())? {
            Ok(changes) => changes,
            Err(refused) => return Ok(Err(refused)),
        };
        add_record(&app, &changes, &who, act).map(|made| made.map_err(|refused| (refused, Vec::new())))
    })
    .await?;
    match made {
        Ok(held) => Ok(Redirect::to(&format!("/inventory/{}?done=add", held.body.reference)).into_response()),
        Err((refused, _)) if nowhere => Err(WebError::Guarded(refused)),
        Err((refused, candidates)) => {
            let again = Again { typed: Some(sent), refused: Some(refused), candidates, stale: false };
            edit_page(&state, &reader, None, again).await
        }
    }
}

/// Makes a record with these fields. It blocks.
pub(crate) fn add_record(
    app: &AppState,
    changes: &[(String, Value)],
    who: &crate::review::Who,
    act: crate::model::governed::Act,
) -> Result<Result<Held<AiSystem>, Refused>, StoreError> {
    let system = match edited(&AiSystem::default(), changes) {
        Ok(system) => system,
        Err(refused) => {
            return Ok(Err(Refused {
                guard: Guard::Fields,
                says: refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
                missing: refused.into_iter().map(|one| one.field).collect(),
            }));
        }
    };
    for person in [system.system_owner, system.risk_owner].into_iter().flatten() {
        if !app.people.person(person)?.is_some_and(|row| row.details.active) {
            return Ok(Err(Refused::new(
                Guard::OwnerActive,
                t("an owner has to be an active person of the directory"),
            )));
        }
    }
    app.governance.add_system(system, who, act)
}

async fn read(state: &WebState, reader: &Reader, reference: &str) -> Result<Held<AiSystem>, WebError> {
    let (app, by, reference) = (state.app.clone(), reader.clone(), reference.to_owned());
    let found = blocking(move || {
        by.must_see(&app, LinkKind::System, &reference, "record")?;
        Ok::<_, WebError>(app.governance.system(&reference)?)
    });
    Ok(found.await?.ok_or(WebError::NotFound("record"))?.held)
}

fn known(group: &str) -> Result<FieldGroup, WebError> {
    FieldGroup::ALL
        .into_iter()
        .find(|known| known.as_str() == group)
        .ok_or(WebError::NotFound("group of fields"))
}

fn may(reader: &Reader, system: &AiSystem) -> bool {
    reader.user.grants.access(Deed::Triage, &system.units()) >= Access::Write
}

fn may_edit(reader: &Reader, system: &AiSystem) -> Result<(), WebError> {
    reader.must_read(Deed::ReadInventory)?;
    reader.must(Deed::Triage, &system.units())
}

type Candidates = Vec<(&'static str, Vec<PersonRow>)>;
/// What is set, by field; or why a form cannot be read, and who may be meant in it.
type Changes = Result<Vec<(String, Value)>, (Refused, Candidates)>;

/// What a form changes of a record, or why it cannot be read. It blocks.
fn changes(
    app: &AppState,
    fields: &[&'static Field],
    sent: &[(String, String)],
    before: &AiSystem,
) -> Result<Changes, StoreError> {
    let body = serde_json::to_value(before).unwrap_or_default();
    let (mut changes, mut unsure) = (Vec::new(), Candidates::new());
    for field in fields {
        let typed: Vec<String> = values(sent, field.name).map(|value| value.replace("\r\n", "\n")).collect();
        let value = match field.input {
            Input::Person => {
                let pick = values(sent, &format!("{}.pick", field.name)).next();
                match person(&*app.people, typed.first().map_or("", String::as_str), pick)? {
                    Ok(person) => person.map_or(Value::Null, Value::from),
                    Err(candidates) => {
                        unsure.push((field.name, candidates));
                        continue;
                    }
                }
            }
            _ if field.name == "part_of" => match typed.first().map(|text| text.trim()) {
                None | Some("") => Value::Null,
                Some(text) => id_of(&*app.governance, text)?.unwrap_or_else(|| text.to_owned()).into(),
            },
            input => input.of_form(&typed),
        };
        let there = field.name.split('.').fold(&body, |value, name| &value[name]);
        if *there != value {
            changes.push((field.name.to_owned(), value));
        }
    }
    if unsure.is_empty() {
        return Ok(Ok(changes));
    }
    let says = match unsure.iter().any(|(_, candidates)| candidates.is_empty()) {
        true => t("nobody in the directory is called so: type part of a name, or the sign-in name"),
        false => t("several people fit what was typed: choose who is meant"),
    };
    let missing = unsure.iter().map(|(name, _)| (*name).to_owned()).collect();
    Ok(Err((Refused { guard: Guard::Fields, missing, says: says.to_owned() }, unsure)))
}

fn values<'s>(sent: &'s [(String, String)], name: &str) -> impl Iterator<Item = &'s str> {
    sent.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// What a form is made of beside the record.
struct Around {
    units: Vec<UnitRow>,
    people: Vec<String>,
    owners: Vec<(i64, String)>,
    part_of: Option<String>,
    names: Names,
}

async fn edit_page(
    state: &WebState,
    reader: &Reader,
    what: Option<(&Held<AiSystem>, FieldGroup)>,
    again: Again,
) -> Result<Response, WebError> {
    let system = what.map(|(held, _)| held.body.clone()).unwrap_or_default();
    let near = if system.org_units.is_empty() { home(reader) } else { system.units() };
    let (app, owners, part_of) = (
        state.app.clone(),
        [system.system_owner, system.risk_owner].into_iter().flatten().collect::<BTreeSet<i64>>(),
        system.part_of.clone(),
    );
    let around = blocking(move || {
        let people = offered(&*app.people, &near)?;
        let mut known = Vec::new();
        for owner in &owners {
            known.extend(app.people.person(*owner)?.map(|row| (*owner, in_words(&row))));
        }
        let part_of = match part_of {
            Some(id) => app.governance.system(&id)?.map(|found| found.held.body.reference).or(Some(id)),
            None => None,
        };
        Ok::<_, StoreError>(Around {
            units: app.people.all_units()?,
            people,
            owners: known,
            part_of,
            names: Names::load(&app, &owners)?,
        })
    })
    .await?;
    let fields = FIELDS.iter().filter(|field| match what {
        Some((_, group)) => field.group == group,
        None => NEW.contains(&field.name),
    });
    let fields = fields.map(|field| form_field(field, &system, &around, &again)).collect();
    let reference = system.reference.clone();
    let (title, action) = match what {
        Some((_, group)) => (t(group.label()), format!("/inventory/{reference}/edit/{}", group.as_str())),
        None => (t("A new record"), "/inventory/new".to_owned()),
    };
    let others = what.map(|(_, here)| {
        let other = |group: FieldGroup| {
            (format!("/inventory/{reference}/edit/{}", group.as_str()), t(group.label()), group == here)
        };
        FieldGroup::ALL.into_iter().map(other).collect()
    });
    let status = again.refused.as_ref().map(|refused| status_of(refused.guard));
    let told = again.refused.as_ref().map(|refused| {
        let found = problem(&reference, refused);
        let says = match again.stale {
            true => t("somebody changed this record since you read it: what stands there now is shown beside what you typed; save again to set what you typed").to_owned(),
            false => found.says,
        };
        Problem { says, ..found }
    });
    let typed = again.typed.as_deref().unwrap_or_default();
    let template = RecordEditPage {
        frame: reader.frame(Here::Inventory, None),
        name: system.name.clone(),
        title,
        action,
        version: what.map_or(0, |(held, _)| held.version),
        fields,
        people: around.people,
        reason: field(typed, "reason").to_owned(),
        problem: told,
        tier: what
            .filter(|(_, group)| *group == FieldGroup::Risk)
            .map(|(held, _)| state.app.governance.tier_method().compare(&held.body)),
        others: others.unwrap_or_default(),
        reference,
    };
    let answer = page(&template)?;
    Ok(match status {
        Some(status) => (status, answer).into_response(),
        None => answer,
    })
}

fn form_field(field: &'static Field, system: &AiSystem, around: &Around, again: &Again) -> FormField {
    let there = shown(system, field);
    let kept =
        again.typed.as_ref().map(|typed| values(typed, field.name).map(str::to_owned).collect::<Vec<_>>());
    let stands: Vec<String> = kept.clone().unwrap_or_else(|| there.clone());
    let choices = |choices: Vec<(String, String)>| {
        let chosen = |value: &String| stands.contains(value);
        let choice = |(value, label): (String, String)| Choice { chosen: chosen(&value), value, label };
        choices.into_iter().map(choice).collect::<Vec<_>>()
    };
    let words = |list: Vec<(&'static str, &'static str)>| {
        choices(list.into_iter().map(|(value, label)| (value.to_owned(), t(label).to_owned())).collect())
    };
    let first = || stands.first().cloned().unwrap_or_default();
    let (kind, value, options) = match field.input {
        Input::Text => ("text", first(), Vec::new()),
        Input::Lines => ("lines", stands.join("\n"), Vec::new()),
        Input::Day => ("day", first(), Vec::new()),
        Input::Choice(list) => ("choice", String::new(), words(list())),
        Input::Choices(list) => ("choices", String::new(), words(list())),
        Input::Units => {
            let units = around.units.iter().map(|unit| (unit.id.to_string(), unit.name.clone())).collect();
            ("choices", String::new(), choices(units))
        }
        Input::Person if kept.is_none() => {
            let owner = there.first().and_then(|text| text.parse::<i64>().ok());
            let known = owner.and_then(|owner| around.owners.iter().find(|(id, _)| *id == owner));
            ("person", known.map_or_else(String::new, |(_, words)| words.clone()), Vec::new())
        }
        Input::Person => ("person", first(), Vec::new()),
        _ if field.name == "part_of" && kept.is_none() => {
            ("line", around.part_of.clone().unwrap_or_default(), Vec::new())
        }
        _ => ("line", first(), Vec::new()),
    };
    let refused = again.refused.as_ref();
    let wrong = refused.filter(|refused| refused.missing.iter().any(|name| name == field.name));
    let mine =
        |one: &str| one.strip_prefix(field.name).and_then(|rest| rest.strip_prefix(": ")).map(str::to_owned);
    let problem = wrong.map(|refused| {
        let says = refused.says.split("; ").find_map(mine);
        says.map_or_else(|| t("This is needed.").to_owned(), message)
    });
    let body = serde_json::to_value(system).unwrap_or_default();
    let value_now = field.name.split('.').fold(&body, |value, name| &value[name]);
    let differs = kept.as_ref().is_some_and(|kept| field.input.of_form(kept) != *value_now);
    let candidates = again.candidates.iter().find(|(name, _)| *name == field.name);
    FormField {
        name: field.name,
        label: t(field.label),
        why: t(field.why),
        kind,
        value,
        options,
        problem,
        now: (again.stale && differs).then(|| around.names.value(field.name, value_now)),
        candidates: candidates
            .map(|(_, rows)| rows.iter().map(|row| (row.id, in_words(row))).collect())
            .unwrap_or_default(),
        longest: match field.input {
            Input::Text => TEXT_CHARS,
            Input::Lines => LINE_CHARS * record::LIST_ENTRIES,
            Input::Link => 2_000,
            _ => LINE_CHARS,
        },
    }
}
