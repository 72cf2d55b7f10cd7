//! The pages as JSON, below `/api/v1/`. The same records, the same words, the same filters; described
//! by `/api/v1/openapi.json`. What goes wrong is problem JSON (RFC 9457). People's session cookie opens
//! it, or the token of a program, in the scope that each route states.
//! What it changes goes through the same rules as at the pages.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post, put};

use crate::web::{OWN_TEXT_BYTES, RECORD_BYTES, STATEMENT_BYTES, WebError, WebState};

mod attest;
mod campaigns;
mod describe;
mod directory;
mod emergency;
mod endpoints;
mod erasure;
mod estate_types;
mod export;
pub mod fleet_types;
mod handlers;
mod keys;
mod management;
mod monthly_types;
mod own;
mod people;
mod privacy;
mod readiness;
mod record_types;
mod reidentify;
mod request;
mod resources;
mod scope;
mod scope_types;
mod sensor_types;
mod settings;
mod snapshots;
mod statements;
pub(crate) mod suspect;
mod suspects;
mod systems;
mod targets;
mod trail;
pub mod types;
mod vendor;
mod work;
pub mod work_types;

/// The routes, to be nested below `/api/v1`.
pub(crate) fn router() -> Router<WebState> {
    Router::new()
        .route("/openapi.json", get(describe::description))
        .route("/totals", get(handlers::totals))
        .route("/products", get(handlers::products))
        .route("/products/{id}", get(handlers::product))
        .route(
            "/systems",
            get(handlers::systems).post(systems::add).layer(DefaultBodyLimit::max(RECORD_BYTES)),
        )
        .route("/systems/bulk", post(systems::bulk).layer(DefaultBodyLimit::max(RECORD_BYTES)))
        .route(
            "/systems/{id}",
            get(systems::one).patch(systems::edit).layer(DefaultBodyLimit::max(RECORD_BYTES)),
        )
        .route("/systems/{id}/moves", post(systems::moves))
        .route("/systems/{id}/history", get(systems::history))
        .route("/trail", get(trail::list))
        .route("/policies", get(trail::policies).post(trail::add_policy))
        .route("/assets", get(handlers::assets))
        .route("/assets/{id}", get(handlers::asset))
        .route("/coverage", get(handlers::coverage))
        .route("/limits", get(settings::limits).put(settings::set_limits))
        .route("/due-days", get(settings::due_days).put(settings::set_due_days))
        .route("/units", get(handlers::units).post(directory::add_unit))
        .route("/units/{id}", put(directory::change_unit))
        .route("/tokens", get(handlers::tokens).post(keys::add))
        .route("/tokens/{id}/revoke", post(keys::revoke))
        .route("/people", get(people::people).post(directory::add))
        .route(
            "/people/import",
            post(directory::import).layer(DefaultBodyLimit::max(directory::DIRECTORY_BYTES)),
        )
        .route("/people/{id}", get(directory::one).put(directory::change))
        .route("/people/{id}/active", post(directory::active))
        .route("/people/{id}/grant", post(directory::grant))
        .route("/people/{id}/revoke", post(directory::revoke))
        .route("/people/{id}/link", post(directory::link))
        .route("/people/{id}/second-factor", delete(directory::drop_second_factor))
        .route("/second-factor-roles", get(settings::second_factor).put(settings::set_second_factor))
        .route("/readings", get(directory::readings))
        .route("/api-tokens", get(people::api_tokens).post(keys::add_api_token))
        .route("/api-tokens/{id}/revoke", post(keys::end_api_token))
        .route("/own-rules", get(own::in_force))
        .route("/own-rules/check", post(own::check).layer(DefaultBodyLimit::max(OWN_TEXT_BYTES)))
        .route(
            "/own-rules/versions",
            get(own::versions).post(own::publish).layer(DefaultBodyLimit::max(OWN_TEXT_BYTES)),
        )
        .route("/own-rules/versions/{number}", get(own::version))
        .route("/suspects", get(suspects::list))
        .route("/suspects/setting", get(suspects::setting).post(suspects::step))
        .route("/suspects/{domain}/dismiss", post(suspects::dismiss))
        .route("/suspects/{domain}/restore", post(suspects::restore))
        .route("/export/evidence-pack", post(export::evidence_pack))
        .route("/export/scope-statements/{number}/{form}", get(statements::file))
        .route("/export/{format}", get(export::export))
        .route("/erasures", get(erasure::list).post(erasure::ask))
        .route("/erasures/pseudonyms", get(erasure::pseudonyms))
        .route("/erasures/{id}", post(erasure::step))
        .route("/privacy", get(privacy::settings))
        .route("/privacy/dpia", get(privacy::pack))
        .route("/retention", get(privacy::retention).post(privacy::step))
        .route("/emergencies", get(emergency::list).post(emergency::take))
        .route("/emergencies/{id}/end", post(emergency::end))
        .route("/reidentification", get(reidentify::setting).post(reidentify::step_setting))
        .route("/reidentifications", get(reidentify::list).post(reidentify::ask))
        .route("/reidentifications/accounts", get(reidentify::accounts_of))
        .route("/reidentifications/report", get(reidentify::report))
        .route("/reidentifications/{id}", get(reidentify::one).post(reidentify::step))
        .route("/reidentifications/{id}/name", post(reidentify::name))
        .route("/readiness", get(readiness::readiness))
        .route("/readiness/{id}", put(readiness::answer))
        .route("/controls", get(readiness::controls))
        .route("/controls/{id}", put(readiness::judge))
        .route("/maturity", get(readiness::maturity))
        .route("/indicators", get(readiness::indicators_now))
        .route("/indicators/{id}/target", put(targets::set))
        .route("/management-reviews", get(management::list).post(management::record))
        .route("/management-reviews/pack", get(management::pack))
        .route("/management-reviews/{reference}", get(management::one))
        .route("/management-reviews/{reference}/decisions", post(management::decide))
        .route("/snapshots", get(snapshots::list))
        .route("/snapshots/{month}", get(snapshots::one))
        .route("/legal-dates", get(readiness::legal_dates))
        .route("/campaigns", get(campaigns::list).post(campaigns::start))
        .route("/campaigns/{id}", get(campaigns::one))
        .route("/campaigns/{id}/rows", get(campaigns::rows))
        .route("/campaigns/{id}/close", post(campaigns::close))
        .route("/campaigns/rows/{row}/assign", post(campaigns::assign))
        .route("/attest", get(attest::mine).post(attest::answer))
        .route("/scope", get(scope::now))
        .route("/scope/coverage", get(scope::coverage))
        .route("/scope/endpoints", get(endpoints::list).post(endpoints::add))
        .route("/scope/endpoints/{number}", delete(endpoints::remove))
        .route(
            "/scope/endpoint-lists",
            get(scope::endpoint_lists)
                .post(endpoints::import)
                .layer(DefaultBodyLimit::max(endpoints::LIST_BYTES)),
        )
        .route("/scope/endpoint-lists/{source}", delete(endpoints::withdraw))
        .route("/scope/sites", get(scope::sites).post(scope::add_site))
        .route("/scope/sites/{id}", put(scope::change_site))
        .route("/scope/statements", get(scope::statements).post(statements::begin))
        .route(
            "/scope/statements/{number}",
            get(scope::statement).put(statements::write).layer(DefaultBodyLimit::max(STATEMENT_BYTES)),
        )
        .route("/scope/statements/{number}/steps", post(statements::step))
        .route("/scope/diff", get(scope::diff))
        .route("/work-counts", get(work::counts))
        .route("/findings", get(work::findings).post(work::assign_findings))
        .route("/findings/{reference}", get(work::finding).patch(work::step_finding))
        .route("/tasks", get(work::tasks).post(work::add_task))
        .route("/tasks/{reference}", get(work::task).patch(work::step_task))
        .route("/documents", get(work::documents).post(work::attach))
        .route("/documents/hash", post(work::hash).layer(DefaultBodyLimit::max(work::HASHED_BYTES)))
        .route("/documents/{reference}", get(work::document))
        .route("/vendors", get(work::vendors))
        .route("/vendors/{id}", get(work::vendor).patch(work::assess_vendor))
        .fallback(|| async { WebError::NotFound("resource") })
}
