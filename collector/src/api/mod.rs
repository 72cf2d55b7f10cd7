//! The pages as JSON, below `/api/v1/`. The same records, the same words, the same filters; described
//! by `/api/v1/openapi.json`. What goes wrong is problem JSON (RFC 9457). People's session cookie opens
//! it, or the token of a program, in the scope that each route states.
//! What it changes goes through the same rules as at the pages.

use axum::Json;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use utoipa::OpenApi;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};

use crate::model::Scope;

use crate::web::{RECORD_BYTES, WebError, WebState};

mod campaigns;
mod export;
mod handlers;
mod own;
mod people;
mod privacy;
mod readiness;
mod reidentify;
mod scope;
mod snapshots;
pub(crate) mod suspect;
mod systems;
mod trail;
pub mod types;
mod vendor;
mod work;
pub mod work_types;

/// The routes, to be nested below `/api/v1`.
pub(crate) fn router() -> Router<WebState> {
    Router::new()
        .route("/openapi.json", get(description))
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
        .route("/units", get(handlers::units))
        .route("/tokens", get(handlers::tokens))
        .route("/people", get(people::people))
        .route("/api-tokens", get(people::api_tokens))
        .route("/own-rules", get(own::in_force))
        .route("/own-rules/versions", get(own::versions))
        .route("/own-rules/versions/{number}", get(own::version))
        .route("/export/{format}", get(export::export))
        .route("/privacy", get(privacy::settings))
        .route("/privacy/dpia", get(privacy::pack))
        .route("/retention", get(privacy::retention).post(privacy::step))
        .route("/reidentification", get(reidentify::setting).post(reidentify::step_setting))
        .route("/reidentifications", get(reidentify::list).post(reidentify::ask))
        .route("/reidentifications/accounts", get(reidentify::accounts_of))
        .route("/reidentifications/report", get(reidentify::report))
        .route("/reidentifications/{id}", get(reidentify::one).post(reidentify::step))
        .route("/reidentifications/{id}/name", post(reidentify::name))
        .route("/readiness", get(readiness::readiness))
        .route("/indicators", get(readiness::indicators_now))
        .route("/snapshots", get(snapshots::list))
        .route("/snapshots/{month}", get(snapshots::one))
        .route("/legal-dates", get(readiness::legal_dates))
        .route("/campaigns", get(campaigns::list).post(campaigns::start))
        .route("/campaigns/{id}", get(campaigns::one))
        .route("/campaigns/{id}/rows", get(campaigns::rows))
        .route("/campaigns/{id}/close", post(campaigns::close))
        .route("/attest", get(campaigns::mine).post(campaigns::answer))
        .route("/scope", get(scope::now))
        .route("/scope/coverage", get(scope::coverage))
        .route("/scope/endpoint-lists", get(scope::endpoint_lists))
        .route("/scope/sites", get(scope::sites))
        .route("/scope/statements", get(scope::statements))
        .route("/scope/statements/{number}", get(scope::statement))
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

/// What the interface is, for programs.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Umbrascope",
        description = "Which AI products a fleet shows, how each is known, and what could not be seen.",
    ),
    paths(
        handlers::totals,
        handlers::products,
        handlers::product,
        handlers::systems,
        systems::one,
        systems::add,
        systems::edit,
        systems::moves,
        systems::bulk,
        systems::history,
        trail::list,
        trail::policies,
        trail::add_policy,
        handlers::assets,
        handlers::asset,
        handlers::coverage,
        handlers::units,
        handlers::tokens,
        people::people,
        people::api_tokens,
        own::in_force,
        own::versions,
        own::version,
        export::export,
        privacy::settings,
        privacy::pack,
        privacy::retention,
        privacy::step,
        reidentify::setting,
        reidentify::step_setting,
        reidentify::list,
        reidentify::ask,
        reidentify::accounts_of,
        reidentify::report,
        reidentify::one,
        reidentify::step,
        reidentify::name,
        readiness::readiness,
        readiness::indicators_now,
        readiness::legal_dates,
        snapshots::list,
        snapshots::one,
        campaigns::list,
        campaigns::start,
        campaigns::one,
        campaigns::rows,
        campaigns::close,
        campaigns::mine,
        campaigns::answer,
        scope::now,
        scope::coverage,
        scope::endpoint_lists,
        scope::sites,
        scope::statements,
        scope::statement,
        scope::diff,
        work::counts,
        work::findings,
        work::assign_findings,
        work::finding,
        work::step_finding,
        work::tasks,
        work::add_task,
        work::task,
        work::step_task,
        work::documents,
        work::attach,
        work::hash,
        work::document,
        work::vendors,
        work::vendor,
        work::assess_vendor,
    ),
    components(schemas(types::Problem)),
    security(("session" = [])),
    modifiers(&Session),
)]
struct Description;

/// What a program has to know of tokens.
const TOKEN: &str = "A token of a program, made at /account/api-tokens. It takes the scope that each operation names, and does never more \
    than its owner may.";

/// The cookie of a person who has signed in.
struct Session;

impl utoipa::Modify for Session {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let cookie = ApiKeyValue::with_description(
            "umbrascope",
            "The session of a person; over TLS its name is __Host-umbrascope.",
        );
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(TOKEN)).build();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        for (path, item) in &mut openapi.paths.paths {
            let operations = [
                ("GET", &mut item.get),
                ("POST", &mut item.post),
                ("PUT", &mut item.put),
                ("PATCH", &mut item.patch),
                ("DELETE", &mut item.delete),
            ];
            for (method, operation) in operations {
                let Some(operation) = operation else { continue };
                let scope = Scope::of_route(method, path).as_str();
                operation.security = Some(vec![
                    SecurityRequirement::new("session", [] as [&str; 0]),
                    SecurityRequirement::new("token", [scope]),
                ]);
            }
        }
    }
}

/// `GET /api/v1/openapi.json`. It tells nothing of the records, so nobody has to sign in for it.
async fn description() -> Response {
    Json(Description::openapi()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_states_its_scope() {
        let described = serde_json::to_value(Description::openapi()).unwrap();
        for (path, item) in described["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let scope = Scope::of_route(&method.to_uppercase(), path).as_str();
                assert_eq!(operation["security"][1]["token"][0], scope, "{method} {path}");
            }
        }
    }

    #[test]
    fn the_description_names_every_route() {
        let described = serde_json::to_value(Description::openapi()).unwrap();
        let paths = described["paths"].as_object().unwrap();
        for path in [
            "totals",
            "products",
            "products/{id}",
            "systems",
            "systems/{id}",
            "systems/{id}/moves",
            "systems/{id}/history",
            "systems/bulk",
            "trail",
            "policies",
            "assets",
            "assets/{id}",
            "coverage",
            "units",
            "tokens",
            "people",
            "api-tokens",
            "own-rules",
            "own-rules/versions",
            "own-rules/versions/{number}",
            "privacy",
            "privacy/dpia",
            "retention",
            "reidentification",
            "reidentifications",
            "reidentifications/accounts",
            "reidentifications/report",
            "reidentifications/{id}",
            "reidentifications/{id}/name",
            "campaigns",
            "campaigns/{id}",
            "campaigns/{id}/rows",
            "campaigns/{id}/close",
            "attest",
            "scope",
            "scope/coverage",
            "scope/endpoint-lists",
            "scope/sites",
            "scope/statements",
            "scope/statements/{number}",
            "scope/diff",
            "work-counts",
            "readiness",
            "indicators",
            "legal-dates",
            "snapshots",
            "snapshots/{month}",
            "findings",
            "findings/{reference}",
            "tasks",
            "tasks/{reference}",
            "documents",
            "documents/hash",
            "documents/{reference}",
            "vendors",
            "vendors/{id}",
        ] {
            assert!(paths.contains_key(&format!("/api/v1/{path}")), "{path}");
        }
        assert_eq!(paths.len(), 57);
    }
}
