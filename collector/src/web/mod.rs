//! The pages people read: server-rendered, without JavaScript, without anything from elsewhere.
//!
//! A request goes through [`layers`] (headers, origin, error pages) and [`guard`] (who asks) to one of
//! the [`handlers`], which reads the store on a blocking thread and fills one of the typed [`pages`].
//! A change needs the session's form token and a request from this very site.
//!
//! **One-time links.** Opened in a browser, `/sign-in/link/SECRET` shows one button, and only the
//! button uses the link up: a program that looks ahead does not burn it. A program that asks for it
//! without naming HTML in `Accept` is signed in at once: `curl -sL -c jar LINK` leaves the cookie in
//! `jar`, and `curl -b jar …/api/v1/products` uses it.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{get, post};
use tokio::sync::oneshot;
use tokio::task::JoinError;

use crate::AppState;

mod assets;
mod blind;
mod chart;
mod doors;
mod entries;
mod error;
#[expect(unreachable_pub, reason = "the attribute macro of the template engine writes public items")]
mod filters;
mod frame;
mod glance;
mod guard;
mod handlers;
mod language;
mod layers;
mod limit;
mod list;
mod names;
mod narrow;
mod pages;
mod pick;
mod places;
mod text;
mod typed;
mod url;
mod words;

pub(crate) use error::WebError;
pub(crate) use guard::Reader;
pub(crate) use handlers::api_tokens::{
    DAYS as API_TOKEN_DAYS, end as revoke_api_token, make as made_api_token,
};
pub(crate) use handlers::assets::read as read_asset;
pub(crate) use handlers::attest::person as person_by;
pub(crate) use handlers::bulk;
pub(crate) use handlers::download;
pub(crate) use handlers::emergency;
pub(crate) use handlers::erasure::{may_take as may_take_erasure, pseudonyms as pseudonyms_of};
pub(crate) use handlers::findings::{FindingQuery, ToldStep, step_of as finding_step};
pub(crate) use handlers::management::{PeriodQuery, pack_of as review_pack};
pub(crate) use handlers::own::{Preview, preview as preview_own, publish_text as publish_own};
pub(crate) use handlers::people::{REASON_CHARS as PERSON_REASON_CHARS, found as found_person, must_outrank};
pub(crate) use handlers::policies::may_record as may_record_policy;
pub(crate) use handlers::privacy::{in_force, may_assess, sweeps};
pub(crate) use handlers::readiness::{IndicatorsQuery, with_targets};
pub(crate) use handlers::record::edit::add_record;
pub(crate) use handlers::record::moves::step_of;
pub(crate) use handlers::reidentify;
pub(crate) use handlers::scope::{
    content_of as statement_content, file as statement_file, may_write as may_write_endpoints,
    signed_in_again, step as step_statement,
};
pub(crate) use handlers::snapshots;
pub(crate) use handlers::suspects::{REASON_CHARS as DISMISSAL_CHARS, may_step as may_step_suspects};
pub(crate) use handlers::tasks::{TaskQuery, step_of as task_step};
pub(crate) use handlers::tokens::{command as enrol_command, may_enrol_into};
pub(crate) use handlers::trail::{TrailQuery, allowed as allowed_trail};
pub(crate) use handlers::vendors::open_questions;
pub(crate) use handlers::work::{done, known_vendor, link, may_see};
pub(crate) use list::{ListQuery, MAX_PAGE};
pub(crate) use narrow::{SystemQuery, word};
pub(crate) use pages::TokenForm;
pub(crate) use pages::{ASSET_SORTS, PRODUCT_SORTS, SYSTEM_SORTS};
pub(crate) use text::Rfc3339;

/// Largest form that is read, in bytes. The largest one has a password and its repetition in it.
const FORM_BYTES: usize = 16 * 1024;

/// Largest form with fields of a record in it, in bytes: five texts, each of whose characters takes twelve.
pub(crate) const RECORD_BYTES: usize = 5 * 12 * crate::model::record::TEXT_CHARS + 4 * FORM_BYTES;

/// Largest form with own rules in it, in bytes: a form writes three bytes for some of the text's.
pub(crate) const OWN_TEXT_BYTES: usize = 3 * umbrascope_rules::MAX_OVERLAY_BYTES + FORM_BYTES;

/// Largest form with answers of a campaign in it, in bytes: one page of rows, each with its texts.
const ANSWERS_BYTES: usize = 1024 * 1024;
/// Largest form of a scope statement, in bytes: a form writes nine bytes for some letters of its texts.
pub(crate) const STATEMENT_BYTES: usize = 256 * 1024;

/// Largest list of endpoints that a page takes, in bytes, as a form writes it; the command line takes larger ones.
const LIST_BYTES: usize = 16 * 1024 * 1024;

/// Largest form with a directory in it, in bytes: 4 MB of it, some of which a form writes as three bytes.
const DIRECTORY_BYTES: usize = 8 << 20;

/// What the handlers of people's requests are given.
#[derive(Clone)]
pub struct WebState {
    /// The collector.
    pub(crate) app: AppState,
    limiter: Arc<limit::Limiter>,
}

/// Pages, JSON below `/api/v1/` and static files. Serve it with the peer's address as
/// [`axum::extract::ConnectInfo`] in the request's extensions: attempts to sign in are counted by it.
pub fn router(app: AppState) -> Router {
    let state = WebState { app, limiter: Arc::default() };
    Router::new()
        .route("/", get(handlers::start::home))
        .route("/start/{door}", get(handlers::start::door))
        .route("/looked", post(handlers::start::looked))
        .route("/triage", get(handlers::triage::show))
        .route("/search", get(handlers::search::show))
        .route("/style", get(handlers::style))
        .route("/views", get(handlers::views::list).post(handlers::views::keep))
        .route("/views/{number}/drop", post(handlers::views::drop))
        .route("/products", get(handlers::products::list))
        .route("/products/{id}", get(handlers::products::one))
        .route("/inventory", get(handlers::systems::list))
        .route("/review", get(handlers::review::list))
        .route("/policies", get(handlers::policies::list).post(handlers::policies::add))
        .route("/policies/limits", post(handlers::policies::set_limits))
        .route("/settings", get(|| async { Redirect::to("/policies#limits") }))
        .route("/trail", get(handlers::trail::list))
        .route("/trail/{seq}", get(handlers::trail::one))
        .route(
            "/inventory/bulk",
            post(bulk::change).layer(axum::extract::DefaultBodyLimit::max(RECORD_BYTES)),
        )
        .route("/inventory/new", get(handlers::record::edit::new_form).post(handlers::record::edit::add))
        .route("/inventory/{reference}", get(handlers::record::one))
        .route("/inventory/{reference}/moves/{word}", post(handlers::record::moves::make))
        .route(
            "/inventory/{reference}/edit/{group}",
            get(handlers::record::edit::form)
                .post(handlers::record::edit::save)
                .layer(axum::extract::DefaultBodyLimit::max(RECORD_BYTES)),
        )
        .route("/assets", get(handlers::assets::list))
        .route("/assets/{id}", get(handlers::assets::one))
        .route("/coverage", get(handlers::coverage::list))
        .route("/catalogue/own", get(handlers::own::list))
        .route("/catalogue/own/new", get(handlers::own::new_form).post(handlers::own::add))
        .route("/catalogue/own/remove", post(handlers::own::remove))
        .route(
            "/catalogue/own/edit",
            get(handlers::own::edit_form)
                .post(handlers::own::edit)
                .layer(axum::extract::DefaultBodyLimit::max(OWN_TEXT_BYTES)),
        )
        .route("/catalogue/own/text", get(handlers::own::text))
        .route("/catalogue/own/versions/{number}", get(handlers::own::version))
        .route("/catalogue", get(handlers::catalogue::list))
        .route("/catalogue/{vendor}", get(handlers::catalogue::vendor))
        .route("/suspects", get(handlers::suspects::list))
        .route("/suspects/setting", post(handlers::suspects::step))
        .route("/suspects/{domain}/dismiss", post(handlers::suspects::dismiss))
        .route("/suspects/{domain}/restore", post(handlers::suspects::restore))
        .route("/readiness", get(handlers::readiness::list))
        .route("/readiness/controls", get(handlers::readiness::controls))
        .route("/readiness/controls/{id}", post(handlers::readiness::judge))
        .route("/readiness/{id}", get(handlers::readiness::one).post(handlers::readiness::answer))
        .route("/management-reviews", get(handlers::management::list).post(handlers::management::record))
        .route("/management-reviews/pack", get(handlers::management::file))
        .route(
            "/management-reviews/{reference}",
            get(handlers::management::one).post(handlers::management::decide),
        )
        .route("/indicators", get(handlers::readiness::indicators_page))
        .route("/indicators/{id}", get(handlers::targets::one).post(handlers::targets::set))
        .route("/legal-dates", get(handlers::readiness::legal_dates))
        .route("/campaigns", get(handlers::campaigns::list))
        .route("/campaigns/new", get(handlers::campaigns::new_form).post(handlers::campaigns::start))
        .route("/campaigns/{id}", get(handlers::campaigns::one))
        .route("/campaigns/{id}/close", post(handlers::campaigns::close))
        .route("/campaigns/{id}/report", get(handlers::campaigns::report))
        .route("/campaigns/{id}/report.note", get(handlers::campaigns::report_note))
        .route("/campaigns/rows/{row}/assign", post(handlers::campaigns::assign))
        .route(
            "/attest",
            get(handlers::attest::mine)
                .post(handlers::attest::answer)
                .layer(axum::extract::DefaultBodyLimit::max(ANSWERS_BYTES)),
        )
        .route("/findings", get(handlers::findings::list))
        .route("/findings/assign", post(handlers::findings::assign))
        .route("/findings/due-days", post(handlers::findings::set_due_days))
        .route("/findings/{reference}", get(handlers::findings::one).post(handlers::findings::step))
        .route("/tasks", get(handlers::tasks::list).post(handlers::tasks::add))
        .route("/tasks/{reference}", get(handlers::tasks::one).post(handlers::tasks::step))
        .route("/documents", post(handlers::documents::attach))
        .route("/vendors", get(handlers::vendors::list))
        .route("/vendors/{id}", get(handlers::vendors::one).post(handlers::vendors::assess))
        .route("/scope", get(handlers::scope::overview))
        .route(
            "/scope/draft",
            get(handlers::scope::draft)
                .post(handlers::scope::write)
                .layer(axum::extract::DefaultBodyLimit::max(STATEMENT_BYTES)),
        )
        .route("/scope/diff", get(handlers::scope::compare))
        .route("/scope/endpoints", get(handlers::scope::list))
        .route(
            "/scope/endpoints/import",
            post(handlers::scope::import).layer(axum::extract::DefaultBodyLimit::max(LIST_BYTES)),
        )
        .route("/scope/endpoints/withdraw", post(handlers::scope::withdraw))
        .route("/scope/endpoints/add", post(handlers::scope::add))
        .route("/scope/endpoints/{number}/remove", post(handlers::scope::remove))
        .route("/scope/sites", get(handlers::scope::sites).post(handlers::scope::add_site))
        .route("/scope/sites/{id}", post(handlers::scope::change_site))
        .route("/scope/{number}", get(handlers::scope::one))
        .route("/scope/{number}/{step}", get(handlers::scope::part).post(handlers::scope::take))
        .route("/privacy", get(handlers::privacy::show))
        .route("/privacy/retention", post(handlers::privacy::step))
        .route("/privacy/dpia", get(handlers::privacy::pack))
        .route("/privacy/erasures", get(handlers::erasure::list).post(handlers::erasure::ask))
        .route("/privacy/erasures/{id}", post(handlers::erasure::step))
        .route("/notice", get(handlers::privacy::notice))
        .route("/emergency", get(emergency::list).post(emergency::take))
        .route("/emergency/seen", post(emergency::see))
        .route("/emergency/{id}/end", post(emergency::end))
        .route("/reidentification", get(reidentify::list))
        .route("/reidentification/setting", post(reidentify::step_setting))
        .route("/reidentification/new", get(reidentify::new_form).post(reidentify::ask))
        .route("/reidentification/report", get(reidentify::report))
        .route("/reidentification/{id}", get(reidentify::one).post(reidentify::step))
        .route("/reidentification/{id}/name", post(reidentify::name))
        .route("/tokens", get(handlers::tokens::list).post(handlers::tokens::create))
        .route("/tokens/{id}/revoke", post(handlers::tokens::revoke))
        .route("/snapshots", get(snapshots::list))
        .route("/snapshots/{month}", get(snapshots::one))
        .route("/export", get(download::list))
        .route("/export/evidence-pack", post(download::evidence_pack))
        .route("/export/scope-html", get(handlers::scope::html))
        .route("/export/scope-pdf", get(handlers::scope::pdf))
        .route("/export/scope-json", get(handlers::scope::json))
        .route("/export/{format}", get(download::export))
        .route("/sign-in", get(handlers::sign_in::form).post(handlers::sign_in::with_password))
        .route("/sign-in/link/{secret}", get(handlers::sign_in::link).post(handlers::sign_in::with_link))
        .route("/password", get(handlers::sign_in::password_form).post(handlers::sign_in::set_password))
        .route("/people", get(handlers::people::list).post(handlers::people::add))
        .route("/people/new", get(handlers::people::new_form))
        .route(
            "/people/import",
            get(handlers::import::form)
                .post(handlers::import::import)
                .layer(axum::extract::DefaultBodyLimit::max(DIRECTORY_BYTES)),
        )
        .route("/people/readings", get(handlers::people::readings))
        .route("/people/second-factor-roles", post(handlers::people::second_factor_roles))
        .route("/people/{id}", get(handlers::people::one).post(handlers::people::change))
        .route("/people/{id}/active", post(handlers::people::active))
        .route("/people/{id}/grant", post(handlers::people::grant))
        .route("/people/{id}/revoke", post(handlers::people::revoke))
        .route("/people/{id}/link", post(handlers::people::link))
        .route("/people/{id}/second-factor/remove", post(handlers::people::drop_second_factor))
        .route("/units", get(handlers::units::list).post(handlers::units::add))
        .route("/units/{id}", post(handlers::units::change))
        .route("/account", get(handlers::account::account))
        .route(
            "/account/second-factor",
            get(handlers::account::second_factor).post(handlers::account::set_up),
        )
        .route("/account/second-factor/remove", post(handlers::account::remove))
        .route("/account/recovery-codes", post(handlers::account::recovery_codes))
        .route("/account/api-tokens", get(handlers::api_tokens::list).post(handlers::api_tokens::create))
        .route("/account/api-tokens/{id}/revoke", post(handlers::api_tokens::revoke))
        .route("/confirm", get(handlers::account::confirm_form).post(handlers::account::confirm))
        .route("/sign-out", post(handlers::sign_in::sign_out))
        .route("/theme", post(handlers::sign_in::theme))
        .route("/language", post(handlers::sign_in::language))
        .route("/static/{name}", get(assets::serve))
        .nest("/api/v1", crate::api::router())
        .fallback(|| async { WebError::NotFound("page") })
        .method_not_allowed_fallback(|| async { WebError::Method })
        .layer(axum::extract::DefaultBodyLimit::max(FORM_BYTES))
        .layer(from_fn_with_state(state.clone(), layers::around))
        .with_state(state)
}

/// Runs what blocks (the store, a password's hash) away from the threads that serve requests.
pub(crate) async fn blocking<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, WebError>
where
    T: Send + 'static,
    E: Send + 'static,
    WebError: From<E>,
{
    let (answer, mut answered) = oneshot::channel();
    let language = language::Language::here();
    let done = away(Box::new(move || {
        // Who asked may have gone.
        let _ = answer.send(language.within(work));
    }));
    done.await.map_err(|error| WebError::Work(error.into()))?;
    Ok(answered.try_recv().map_err(|error| WebError::Work(error.into()))??)
}

/// The one kind of task for every kind of work: with one for each of them the program takes minutes longer to build.
async fn away(work: Box<dyn FnOnce() + Send>) -> Result<(), JoinError> {
    tokio::task::spawn_blocking(work).await
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod sample_suspects;
#[cfg(test)]
mod tests;
