//! `/api/v1/openapi.json`: what the interface is, for programs.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use umbrascope_rules::{Confidence, ProductKind};
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ArrayItems, SchemaType};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, PathItem, Ref, RefOr, Schema, Type};

use super::{
    attest, campaigns, directory, emergency, endpoints, erasure, export, handlers, keys, management, own,
    people, privacy, readiness, record_types, reidentify, scope, settings, snapshots, statements, suspects,
    systems, targets, trail, types, work,
};
use crate::export::Format;
use crate::export::scope::ScopeFormat;
use crate::model::Scope;
use crate::model::campaign::RowState;
use crate::model::finding::{FindingState, Rule, Severity};
use crate::model::record::{self, Observed, ReviewState, Sanction, Stage, SystemKind, Tier};
use crate::web::{ASSET_SORTS, PRODUCT_SORTS, SYSTEM_SORTS};

/// What the interface is.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Umbrascope",
        description = "Which AI products a fleet shows, how each is known, what could not be seen, and what people decided. What a page does \
            is done here too, under the same rules: a refusal is problem JSON (RFC 9457) that names the guard. Parameters that are not \
            asked for are left out: one without a value is refused. Signing in, passwords and second factors of one's own are for the \
            pages alone.",
    ),
    paths(
        description,
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
        settings::limits,
        settings::set_limits,
        settings::due_days,
        settings::set_due_days,
        settings::second_factor,
        settings::set_second_factor,
        handlers::assets,
        handlers::asset,
        handlers::coverage,
        handlers::units,
        handlers::tokens,
        keys::add,
        keys::revoke,
        people::people,
        directory::add,
        directory::one,
        directory::change,
        directory::active,
        directory::grant,
        directory::revoke,
        directory::link,
        directory::drop_second_factor,
        directory::import,
        directory::readings,
        directory::add_unit,
        directory::change_unit,
        people::api_tokens,
        keys::add_api_token,
        keys::end_api_token,
        own::in_force,
        own::check,
        own::versions,
        own::publish,
        own::version,
        suspects::list,
        suspects::setting,
        suspects::step,
        suspects::dismiss,
        suspects::restore,
        export::export,
        export::evidence_pack,
        erasure::list,
        erasure::pseudonyms,
        erasure::ask,
        erasure::step,
        privacy::settings,
        privacy::pack,
        privacy::retention,
        privacy::step,
        emergency::list,
        emergency::take,
        emergency::end,
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
        readiness::answer,
        readiness::controls,
        readiness::judge,
        readiness::maturity,
        targets::set,
        management::pack,
        management::list,
        management::one,
        management::record,
        management::decide,
        readiness::indicators_now,
        readiness::legal_dates,
        snapshots::list,
        snapshots::one,
        campaigns::list,
        campaigns::start,
        campaigns::one,
        campaigns::rows,
        campaigns::close,
        campaigns::assign,
        attest::mine,
        attest::answer,
        scope::now,
        scope::coverage,
        scope::endpoint_lists,
        endpoints::import,
        endpoints::withdraw,
        endpoints::list,
        endpoints::add,
        endpoints::remove,
        scope::sites,
        scope::add_site,
        scope::change_site,
        scope::statements,
        scope::statement,
        statements::begin,
        statements::write,
        statements::step,
        statements::file,
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
    modifiers(&Common),
)]
struct Description;

/// What a program has to know of tokens.
const TOKEN: &str = "A token of a program, made at /account/api-tokens. It takes the scope that each operation names, and does never more \
    than its owner may. Operations that do not name this scheme take a person.";

/// This very description. It tells nothing of the records, so nobody has to sign in for it.
#[utoipa::path(get, path = "/api/v1/openapi.json", responses((status = 200, body = Object)))]
pub(super) async fn description() -> Response {
    Json(Description::openapi()).into_response()
}

/// Operations that are asked for like changes, and change no record.
const CHANGE_NOTHING: [&str; 3] = ["/documents/hash", "/export/evidence-pack", "/own-rules/check"];

/// What every operation has in common: who may ask, and how it is told what went wrong.
struct Common;

impl utoipa::Modify for Common {
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
            for (method, operation) in operations(item) {
                complete(method, path, operation);
            }
        }
        for (of, property, words) in record_types::words() {
            let known = openapi.components.as_mut().and_then(|all| all.schemas.get_mut(of));
            if let Some(RefOr::T(Schema::Object(object))) = known
                && let Some(RefOr::T(schema)) = object.properties.get_mut(property)
            {
                limit(schema, &words);
            }
        }
    }
}

/// Lets a property, or the elements of a list, hold these words alone, and nothing where it may.
fn limit(schema: &mut Schema, words: &[&str]) {
    match schema {
        Schema::Object(object) => {
            let nothing =
                matches!(&object.schema_type, SchemaType::Array(types) if types.contains(&Type::Null));
            let known = words.iter().map(|word| Value::from(*word));
            object.enum_values = Some(known.chain(nothing.then_some(Value::Null)).collect());
        }
        Schema::Array(list) => {
            if let ArrayItems::RefOrSchema(element) = &mut list.items
                && let RefOr::T(element) = element.as_mut()
            {
                limit(element, words);
            }
        }
        _ => {}
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("GET", item.get.as_mut()),
        ("POST", item.post.as_mut()),
        ("PUT", item.put.as_mut()),
        ("PATCH", item.patch.as_mut()),
        ("DELETE", item.delete.as_mut()),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation?)))
}

fn complete(method: &str, path: &str, operation: &mut Operation) {
    // The words of the path name it; those of the code are not unique.
    let words =
        path.trim_start_matches("/api/v1").split(['/', '-', '{', '}', '.']).filter(|word| !word.is_empty());
    let name: Vec<String> = std::iter::once(method.to_lowercase()).chain(words.map(str::to_owned)).collect();
    operation.operation_id = Some(name.join("_"));
    if path.ends_with("/openapi.json") {
        operation.security = Some(Vec::new());
        return;
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if let Some(words) = choices(path, &parameter.name) {
            let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build();
            parameter.schema = Some(schema.into());
        }
        if let (Some(example), Some(RefOr::T(Schema::Object(schema)))) =
            (example(path, &parameter.name), &mut parameter.schema)
        {
            schema.examples = vec![example];
        }
    }
    let session = SecurityRequirement::new("session", [] as [&str; 0]);
    let token =
        Scope::of_route(method, path).ok().map(|scope| SecurityRequirement::new("token", [scope.as_str()]));
    operation.security = Some(std::iter::once(session).chain(token).collect());
    refused(operation, "401", "Nobody is signed in, or the token does not count");
    refused(
        operation,
        "403",
        "A role or a scope is missing, or another site asks; `guard` says which guard refused",
    );
    let place = |place| {
        let mut parameters = operation.parameters.iter().flatten();
        parameters.any(|one| matches!(one, RefOr::T(one) if one.parameter_in == place))
    };
    let (in_path, in_query) = (place(ParameterIn::Path), place(ParameterIn::Query));
    if in_path {
        refused(operation, "404", "There is no such thing, or it is not there for who asks");
    }
    let body = match &operation.request_body {
        Some(RefOr::T(body)) => Some(body.content.contains_key("application/json")),
        _ => None,
    };
    if in_path || in_query || body.is_some() {
        refused(operation, "400", "The request cannot be read, or names what is no choice");
    }
    if method != "GET" && !CHANGE_NOTHING.iter().any(|place| path.ends_with(place)) {
        refused(
            operation,
            "409",
            "The record is not the one that was read, or stands where this is not done",
        );
    }
    if body.is_some() {
        refused(operation, "413", "The body is larger than this takes");
    }
    if body == Some(true) {
        refused(operation, "415", "The body is not said to be JSON");
        refused(
            operation,
            "422",
            "The body does not have this form, or a guard refuses it: `missing` names fields",
        );
    }
}

/// The words that a parameter takes, where no other is taken: those that its handler reads it by.
fn choices(path: &str, parameter: &str) -> Option<Vec<String>> {
    let listed = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Some(match (path.trim_start_matches("/api/v1"), parameter) {
        (_, "dir") => listed(&["asc", "desc"]),
        ("/products", "sort") => PRODUCT_SORTS.iter().map(|key| key.name.to_owned()).collect(),
        ("/systems", "sort") => SYSTEM_SORTS.iter().map(|key| key.name.to_owned()).collect(),
        ("/assets", "sort") => ASSET_SORTS.iter().map(|key| key.name.to_owned()).collect(),
        ("/products", "kind") => ProductKind::ALL.iter().map(ToString::to_string).collect(),
        ("/products", "confidence") => Confidence::ALL.iter().map(ToString::to_string).collect(),
        ("/systems", "kind") => words(SystemKind::ALL, SystemKind::as_str),
        ("/systems", "review") => {
            let states = words(ReviewState::ALL, ReviewState::as_str);
            states.into_iter().chain(["pending".to_owned()]).collect()
        }
        ("/systems", "sanction") => words(Sanction::ALL, Sanction::as_str),
        ("/systems", "scope") => words(record::Scope::ALL, record::Scope::as_str),
        ("/systems", "tier") => words(Tier::ALL, Tier::as_str),
        ("/systems", "stage") => words(Stage::ALL, Stage::as_str),
        ("/systems", "observed") => words(Observed::ALL, Observed::as_str),
        ("/systems", "requested") | ("/trail", "refused") => listed(&["yes", "no"]),
        ("/people", "kind") => listed(&["signs-in", "all"]),
        ("/findings", "state") => {
            let states = FindingState::choices().into_iter().map(|(word, _)| word.to_owned());
            states.chain(["all".to_owned()]).collect()
        }
        ("/findings", "rule") => Rule::choices().into_iter().map(|(word, _)| word.to_owned()).collect(),
        ("/findings", "severity") => {
            Severity::choices().into_iter().map(|(word, _)| word.to_owned()).collect()
        }
        ("/tasks", "state") => listed(&["all"]),
        ("/campaigns/{id}/rows", "state") => {
            RowState::choices().into_iter().map(|(word, _)| word.to_owned()).collect()
        }
        ("/export/{format}", "format") => Format::ALL.iter().map(|one| one.as_str().to_owned()).collect(),
        ("/export/scope-statements/{number}/{form}", "form") => {
            ScopeFormat::ALL.iter().map(|one| one.extension().to_owned()).collect()
        }
        _ => return None,
    })
}

/// What a parameter may look like, where its type does not say.
fn example(path: &str, parameter: &str) -> Option<Value> {
    let place = path.trim_start_matches("/api/v1/").split('/').next().unwrap_or_default();
    Some(match (place, parameter) {
        ("systems", "id") => json!("AIS-0001"),
        ("findings", "reference") => json!("FND-0001"),
        ("tasks", "reference") => json!("TSK-0001"),
        ("documents", "reference") => json!("DOC-0001"),
        ("campaigns", "id") => json!("CAM-0001"),
        ("products", "id") => json!("openai.chatgpt"),
        ("vendors", "id") => json!("openai"),
        ("readiness", "id") => json!("R-4.3-b"),
        ("controls", "id") => json!("A.9.4"),
        ("scope", "id") => json!("S-1"),
        ("scope", "from" | "to" | "number")
        | ("own-rules", "number")
        | ("assets" | "people" | "units", "id") => {
            json!(1)
        }
        _ => return None,
    })
}

fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Vec<String> {
    all.iter().map(|one| word(*one).to_owned()).collect()
}

/// Says that an operation may be refused with this status, unless it says so itself.
fn refused(operation: &mut Operation, status: &str, why: &str) {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response =
        ResponseBuilder::new().description(why).content("application/problem+json", problem).build();
    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| response.into());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn described() -> Value {
        serde_json::to_value(Description::openapi()).unwrap()
    }

    /// Method and path of every operation.
    fn operations_of(described: &Value) -> BTreeSet<(String, String)> {
        let mut all = BTreeSet::new();
        for (path, item) in described["paths"].as_object().unwrap() {
            all.extend(item.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())));
        }
        all
    }

    #[test]
    fn every_operation_states_who_may_ask() {
        let described = described();
        for (method, path) in operations_of(&described) {
            let operation = &described["paths"][&path][&method];
            let security = operation["security"].as_array().unwrap();
            if path.ends_with("/openapi.json") {
                assert!(security.is_empty());
                continue;
            }
            assert!(security[0]["session"].is_array(), "{method} {path}");
            match Scope::of_route(&method.to_uppercase(), &path) {
                Ok(scope) => assert_eq!(security[1]["token"][0], scope.as_str(), "{method} {path}"),
                Err(_) => assert_eq!(security.len(), 1, "{method} {path} takes a person"),
            }
            for status in ["401", "403"] {
                let content = &operation["responses"][status]["content"]["application/problem+json"];
                assert_eq!(
                    content["schema"]["$ref"], "#/components/schemas/Problem",
                    "{method} {path} {status}"
                );
            }
        }
    }

    /// Read from the source, since a router does not tell its routes.
    #[test]
    fn the_description_names_every_route_and_no_other() {
        let source = include_str!("mod.rs");
        let methods = ["get", "post", "put", "patch", "delete"];
        let mut routes = BTreeSet::new();
        for piece in source.split(".route(").skip(1) {
            let path = piece.split('"').nth(1).unwrap();
            let after = &piece[piece.find('"').unwrap() + path.len() + 2..];
            for method in methods {
                let starts =
                    |at: usize| !after[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
                if after.match_indices(&format!("{method}(")).any(|(at, _)| starts(at)) {
                    routes.insert((method.to_owned(), format!("/api/v1{path}")));
                }
            }
        }
        assert!(routes.len() > 100, "the source is not read: {routes:?}");
        assert_eq!(operations_of(&described()), routes);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let described = described();
        let text = described.to_string();
        for piece in text.split("\"$ref\":\"#").skip(1) {
            let pointer = piece.split('"').next().unwrap();
            assert!(described.pointer(pointer).is_some(), "{pointer}");
        }
    }

    /// What is described by no form of its own, and why.
    const FREE: [(&str, &str); 3] = [
        ("GET /api/v1/openapi.json", "this description: OpenAPI says what form it has"),
        (
            "GET /api/v1/export/{format}",
            "a file in the form of each format, which its own specification says",
        ),
        ("SetFields.*", "what a field of any kind of record was set to: the types of those records say what"),
    ];

    /// Places below a form where anything may stand, each named by the last type that has a name.
    fn untyped(
        described: &Value,
        form: &Value,
        at: &str,
        found: &mut BTreeSet<String>,
        passed: &mut BTreeSet<String>,
    ) {
        if let Some(reference) = form["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap();
            if passed.insert(name.to_owned()) {
                untyped(described, described.pointer(&reference[1..]).unwrap(), name, found, passed);
            }
            return;
        }
        let several = ["oneOf", "anyOf", "allOf"].iter().filter_map(|word| form[*word].as_array()).flatten();
        let several: Vec<&Value> = several.collect();
        several.iter().for_each(|one| untyped(described, one, at, found, passed));
        let types: Vec<&str> = match &form["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            word => word.as_str().into_iter().collect(),
        };
        if types.contains(&"object") {
            let fields = form["properties"].as_object().into_iter().flatten();
            let fields: Vec<_> = fields.collect();
            for (name, form) in &fields {
                untyped(described, form, &format!("{at}.{name}"), found, passed);
            }
            match &form["additionalProperties"] {
                more @ Value::Object(_) => untyped(described, more, &format!("{at}.*"), found, passed),
                Value::Bool(false) => {}
                _ if !fields.is_empty() => {}
                _ => drop(found.insert(at.to_owned())),
            }
        } else if types.contains(&"array") {
            untyped(described, &form["items"], &format!("{at}[]"), found, passed);
        } else if types.is_empty() && several.is_empty() && form.get("enum").is_none() {
            found.insert(at.to_owned());
        }
    }

    #[test]
    fn every_body_and_every_answer_has_a_form() {
        let described = described();
        let (mut found, mut passed) = (BTreeSet::new(), BTreeSet::new());
        for (method, path) in operations_of(&described) {
            let operation = &described["paths"][&path][&method];
            let named = format!("{} {path}", method.to_uppercase());
            let answers = operation["responses"].as_object().unwrap().iter();
            let answers = answers.filter(|(status, _)| status.starts_with('2') && *status != "204");
            let bodies = operation.get("requestBody").into_iter().chain(answers.map(|(_, answer)| answer));
            for body in bodies {
                let content = body["content"].as_object().into_iter().flatten();
                let forms: Vec<&Value> = content.map(|(_, one)| &one["schema"]).collect();
                if forms.is_empty() {
                    found.insert(named.clone());
                }
                for form in forms {
                    untyped(&described, form, &named, &mut found, &mut passed);
                }
            }
        }
        let free: BTreeSet<String> = FREE.iter().map(|(place, _)| (*place).to_owned()).collect();
        assert_eq!(found, free);
        assert!(FREE.iter().all(|(_, why)| !why.is_empty()));
        assert!(passed.len() > 100, "the description is not read: {passed:?}");
    }

    #[test]
    fn a_place_where_anything_may_stand_is_found() {
        let free = json!({"type": "object"});
        for form in [
            json!({}),
            free.clone(),
            json!({"type": ["object", "null"]}),
            json!({"type": "array", "items": free}),
            json!({"type": "array"}),
            json!({"oneOf": [{"type": "null"}, {"type": "object"}]}),
            json!({"type": "object", "additionalProperties": {}}),
            json!({"type": "object", "additionalProperties": true}),
            json!({"type": "object", "properties": {"a": {"type": "object"}}}),
        ] {
            let (mut found, mut passed) = (BTreeSet::new(), BTreeSet::new());
            untyped(&json!({}), &form, "x", &mut found, &mut passed);
            assert_eq!(found.len(), 1, "{form}");
        }
        for form in [
            json!({"type": "string"}),
            json!({"enum": ["a"]}),
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}}),
        ] {
            let (mut found, mut passed) = (BTreeSet::new(), BTreeSet::new());
            untyped(&json!({}), &form, "x", &mut found, &mut passed);
            assert!(found.is_empty(), "{form}");
        }
    }

    #[test]
    fn closed_lists_of_a_record_are_described_by_their_words() {
        let described = described();
        let record = &described["components"]["schemas"]["RecordBody"]["properties"];
        for (of, property, words) in record_types::words() {
            let schema = &described["components"]["schemas"][of]["properties"][property];
            let told = schema["enum"].as_array().or_else(|| schema["items"]["enum"].as_array());
            let told: Vec<&str> =
                told.unwrap_or_else(|| panic!("{of}.{property}")).iter().filter_map(Value::as_str).collect();
            assert_eq!(told, words, "{of}.{property}");
        }
        assert!(record["reopened"]["enum"].as_array().unwrap().contains(&Value::Null));
        let fields = &described["components"]["schemas"]["FieldsBody"]["properties"]["fields"]["properties"];
        assert_eq!(fields.as_object().unwrap().len(), record::FIELDS.len());
        assert_eq!(fields["purpose"]["type"], json!(["string", "null"]));
        assert_eq!(fields["org_units"]["items"]["type"], "integer");
    }

    /// Of two types of one name the description would hold one, for both.
    #[test]
    fn no_two_types_of_the_interface_have_one_name() {
        // Put together, for this file is one of those that are read.
        let derived = ["ToSchema", ")]"].concat();
        let mut names = BTreeSet::new();
        for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/api")).unwrap() {
            let source = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for piece in source.split(&derived).skip(1) {
                let declared =
                    piece.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
                let mut words = declared.unwrap_or_default().split([' ', '<', '(']);
                let name =
                    words.by_ref().skip_while(|word| !["struct", "enum"].contains(word)).nth(1).unwrap();
                assert!(names.insert(name.to_owned()), "{name} is declared twice");
            }
        }
        assert!(names.len() > 90, "the source is not read: {names:?}");
    }

    #[test]
    fn every_operation_has_a_summary_and_a_name_of_its_own() {
        let described = described();
        let mut names = BTreeSet::new();
        for (method, path) in operations_of(&described) {
            let operation = &described["paths"][&path][&method];
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{method} {path}: {name} is another operation's");
        }
    }
}
