//! Moves on one record, each a form of its own.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use umbrascope_rules::Catalogue;

use super::{Said, record_page};
use crate::AppState;
use crate::model::Deed;
use crate::model::governed::Actor;
use crate::review::{self, Guard, Refused, Told};
use crate::store::{Governance, StoreError};
use crate::web::error::WebError;
use crate::web::guard::Reader;
use crate::web::handlers::work;
use crate::web::language::{say, t};
use crate::web::pages::Undo;
use crate::web::{WebState, blocking};

/// How long a move can be taken back with one click, in milliseconds: ten minutes.
const UNDO_MS: i64 = 600_000;

/// Makes a move, or shows the page again with what was typed and why not.
pub(crate) async fn make(
    State(state): State<WebState>,
    reader: Reader,
    Path((reference, word)): Path<(String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    reader.check_form(field(&sent, "csrf"))?;
    if review::label(&word).is_none() {
        return Err(WebError::NotFound("move"));
    }
    let version = field(&sent, "version").parse().map_err(|_| WebError::BadRequest)?;
    let told = Told::of_form(sent.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let (add, back) = (field(&sent, "add").to_owned(), field(&sent, "back").to_owned());
    let act = reader.act(field(&sent, "reason").trim()).on(version);
    let (app, who, known) = (state.app.clone(), reader.who(), state.app.catalogue.known());
    let (id, asked) = (reference.clone(), word.clone());
    let moved = blocking(move || {
        let mut told = told;
        if let Err(refused) = name_products(&mut told, &add, known.catalogue()) {
            return Ok(Some(Err(refused)));
        }
        match step_of(&app, &asked, told)? {
            Ok(step) => app.governance.move_system(&id, step, who, act),
            Err(refused) => Ok(Some(Err(refused))),
        }
    })
    .await?;
    match moved {
        None => Err(WebError::NotFound("record")),
        Some(Ok(held)) => {
            tracing::info!(
                record = held.body.reference,
                step = word,
                person = reader.user.name,
                "a record was moved"
            );
            let reference = &held.body.reference;
            let own = format!("/inventory/{reference}");
            let to = work::back(&back, &own);
            let joint = if to.contains('?') { '&' } else { '?' };
            let of = if to == own { String::new() } else { format!("&of={reference}") };
            Ok(Redirect::to(&format!("{to}{joint}done={word}{of}")).into_response())
        }
        Some(Err(refused)) => {
            let said = Said { refused: Some((refused, word)), typed: sent, ..Said::default() };
            record_page(&state, &reader, &reference, said).await
        }
    }
}

/// The first field of a form with this name.
pub(crate) fn field<'f>(sent: &'f [(String, String)], name: &str) -> &'f str {
    sent.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

/// The move that a word means, other records being named by reference or id. It blocks.
pub(crate) fn step_of(
    app: &AppState,
    word: &str,
    mut told: Told,
) -> Result<Result<review::Move, Refused>, StoreError> {
    if let Err(refused) = told.fits() {
        return Ok(Err(refused));
    }
    for other in [&mut told.into, &mut told.duplicate_of] {
        if !other.is_empty()
            && let Some(found) = id_of(&*app.governance, other)?
        {
            *other = found;
        }
    }
    Ok(told.step(word).unwrap_or_else(|| Err(Refused::new(Guard::State, t("there is no such move")))))
}

/// The id of the record that goes by this reference or id.
pub(crate) fn id_of(governance: &dyn Governance, reference: &str) -> Result<Option<String>, StoreError> {
    Ok(governance.system(reference.trim())?.map(|found| found.held.body.id))
}

/// Adds products that are named by id or by name.
fn name_products(told: &mut Told, add: &str, catalogue: &Catalogue) -> Result<(), Refused> {
    for typed in add.split([',', '\n']).map(str::trim).filter(|typed| !typed.is_empty()) {
        let found = catalogue
            .product(typed)
            .or_else(|| catalogue.products().iter().find(|product| product.name.eq_ignore_ascii_case(typed)));
        match found {
            Some(product) => told.products.push(product.id.to_string()),
            None => {
                let typed: String = typed.chars().take(100).collect();
                let says = say!("the catalogue knows no product by the id or name {0}", typed);
                return Err(Refused { guard: Guard::Target, missing: vec!["add".to_owned()], says });
            }
        }
    }
    Ok(())
}

/// What takes a move back that the reader made a moment ago, as long as nobody did anything since. A decision is not taken back: it is
/// revoked, with a reason of its own. Blocks.
pub(in crate::web::handlers) fn undo(
    reader: &Reader,
    app: &AppState,
    word: &str,
    reference: &str,
) -> Result<Option<Undo>, StoreError> {
    let (back, step) = match word {
        "request-sanction" | "request-tolerance" | "request-scope-in" | "request-scope-out"
        | "request-retire" | "request-merge" | "request-split" => ("withdraw", review::Move::Withdraw),
        "dismiss" => ("reopen", review::Move::Reopen),
        "scope-in" => ("scope-open", review::Move::ScopeOpen),
        "suspend" => ("resume", review::Move::Resume),
        "resume" => ("suspend", review::Move::Suspend),
        _ => return Ok(None),
    };
    let Some(detail) = app.governance.system(reference)? else { return Ok(None) };
    let newest = detail.held.stamps.values().max_by_key(|stamp| stamp.seq);
    let own = newest.is_some_and(|stamp| Actor::person_in(&stamp.by) == Some(reader.user.id));
    if !own || reader.now_ms - detail.held.at_ms > UNDO_MS {
        return Ok(None);
    }
    let (id, act) = (&detail.held.body.id, reader.act("taken back"));
    let may = app.governance.trial(id, &[step], &reader.who(), &act)?;
    let may = may.is_some_and(|trials| trials.iter().all(Result::is_ok));
    Ok(may.then(|| Undo {
        reference: detail.held.body.reference.clone(),
        word: back,
        version: detail.held.version,
    }))
}

/// What was just done, in words.
pub(in crate::web::handlers) fn done(word: &str) -> Option<&'static str> {
    Some(match word {
        "triage" => t("Marked as looked at."),
        "review" => t("The review has started."),
        "request-sanction" | "request-tolerance" | "request-scope-in" | "request-scope-out"
        | "request-retire" | "request-merge" | "request-split" => {
            t("Asked for. Another person has to decide.")
        }
        "withdraw" => t("The request is taken back."),
        "approve" => t("Approved."),
        "decline" => t("Declined. The record stays as it was."),
        "prohibit" => {
            t("Its use is prohibited. Nothing is blocked by that: say under Enforcement what enforces it.")
        }
        "dismiss" => t("Dismissed."),
        "reopen" => t("It is open again."),
        "revoke" => t("The decision is revoked, and the record open again."),
        "scope-in" => t("It is in scope."),
        "scope-open" => t("Whether it is in scope is open again."),
        "suspend" => t("Suspended."),
        "resume" => t("Resumed."),
        "enforce" => t("Recorded."),
        "accept-residual" => t("Accepted, in your name."),
        "confirm" => t("Confirmed, in your name."),
        "products" => t("Its products are changed."),
        "comment" => t("The comment is added."),
        "edit" => t("Saved."),
        "add" => t("Made. Set its owner and its purpose next."),
        "same" => t("Nothing was different, so nothing was saved."),
        _ => return None,
    })
}
