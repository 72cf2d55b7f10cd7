//! Every operation of `/api/v1` that writes, tried by who may not; and what of the pages it stands for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::refusals::{KEY, World};
use super::*;
use crate::model::Scope;

/// Every operation that writes, with a body that it takes.
fn writes() -> Vec<(Method, &'static str, Value)> {
    let (post, put, patch, delete) = (Method::POST, Method::PUT, Method::PATCH, Method::DELETE);
    let site = json!({"name": "Berlin", "kind": "site", "sensor": "no", "version": 1});
    vec![
        (post.clone(), "/systems", json!({"fields": {"name": "Mine", "kind": "saas-service"}})),
        (
            post.clone(),
            "/systems/bulk",
            json!({"rows": [{"id": "AIS-0001", "version": 1}], "step": {"move": "triage"}}),
        ),
        (patch.clone(), "/systems/AIS-0001", json!({"fields": {"purpose": "x"}, "version": 1})),
        (post.clone(), "/systems/AIS-0001/moves", json!({"move": "triage", "version": 1})),
        (
            post.clone(),
            "/policies",
            json!({"version": "9", "title": "x", "approved_by": "x", "from": "2026-01-01"}),
        ),
        (
            put.clone(),
            "/limits",
            json!({"tolerance_days": 9, "review_days": 9, "bulk_records": 9, "reason": "r"}),
        ),
        (put.clone(), "/due-days", json!({"low": 1, "medium": 1, "high": 1, "critical": 1})),
        (put.clone(), "/second-factor-roles", json!({"roles": ["auditor"]})),
        (post.clone(), "/units", json!({"name": "Mars"})),
        (put.clone(), "/units/1", json!({"name": "Mars"})),
        (post.clone(), "/tokens", json!({"unit": "Sales", "max_uses": 1, "days": 1})),
        (post.clone(), "/tokens/aa/revoke", Value::Null),
        (post.clone(), "/people", json!({"name": "nina", "details": {"display_name": "Nina"}})),
        (post.clone(), "/people/import", json!({"text": "name,email\nNina,nina@x.org\n"})),
        (put.clone(), "/people/2", json!({"details": {"display_name": "Somebody else"}})),
        (post.clone(), "/people/2/active", json!({"active": false})),
        (post.clone(), "/people/11/grant", json!({"role": "reviewer"})),
        (post.clone(), "/people/4/revoke", json!({"role": "analyst"})),
        (post.clone(), "/people/2/link", Value::Null),
        (delete.clone(), "/people/2/second-factor", Value::Null),
        (post.clone(), "/api-tokens", json!({"label": "x", "scopes": ["read-inventory"], "days": 7})),
        (post.clone(), "/api-tokens/aa/revoke", Value::Null),
        (post.clone(), "/own-rules/check", json!({"text": ""})),
        (post.clone(), "/own-rules/versions", json!({"text": "", "note": "n", "after": 0})),
        (post.clone(), "/suspects/setting", json!({"step": "asked"})),
        (post.clone(), "/suspects/quorbel.ai/dismiss", json!({"reason": "none"})),
        (post.clone(), "/suspects/quorbel.ai/restore", Value::Null),
        (
            post.clone(),
            "/emergencies",
            json!({"role": "reviewer", "hours": 2, "reason": "a reason of twenty letters"}),
        ),
        (post.clone(), "/emergencies/EMA-000001/end", Value::Null),
        (
            post.clone(),
            "/reidentification",
            json!({"step": "ask", "key": KEY, "reason": "a reason of twenty letters"}),
        ),
        (
            post.clone(),
            "/reidentifications",
            json!({"asset": 1, "product": "openai.chatgpt", "account": "a", "ticket": "1", "hours": 1,
                "reason": "a reason of twenty letters"}),
        ),
        (post.clone(), "/reidentifications/RID-000001", json!({"step": "approve"})),
        (post.clone(), "/reidentifications/RID-000001/name", Value::Null),
        (post.clone(), "/retention", json!({"step": "approve"})),
        (post.clone(), "/erasures", json!({"pseudonym": "x", "reason": "a reason of twenty letters"})),
        (post.clone(), "/erasures/ERA-000001", json!({"step": "approve"})),
        (put.clone(), "/readiness/R-4.3-b", json!({"owner": 1, "note": "x"})),
        (put.clone(), "/controls/A.9.4", json!({"applies": "no", "reason": "x"})),
        (put.clone(), "/indicators/K-04/target", json!({"value": 95, "reason": "x"})),
        (
            post.clone(),
            "/management-reviews",
            json!({"held_on": "2026-11-20", "from": "2026-01-01", "until": "2026-11-20", "present": "x", "conclusion": "x"}),
        ),
        (post.clone(), "/management-reviews/MRV-0001/decisions", json!({"subject": "other", "says": "x"})),
        (
            post.clone(),
            "/campaigns",
            json!({"title": "x", "remind": "2026-12-01", "due": "2026-12-02", "escalate": "2026-12-03", "report": "2026-12-04"}),
        ),
        (post.clone(), "/campaigns/CAM-0001/close", json!({"reason": "x"})),
        (post.clone(), "/campaigns/rows/x/assign", json!({"to": "anna"})),
        (post.clone(), "/attest", json!({"answers": [{"row": "x", "answer": "confirm"}]})),
        (post.clone(), "/scope/endpoints", json!({"hostname": "x"})),
        (delete.clone(), "/scope/endpoints/1", Value::Null),
        (post.clone(), "/scope/endpoint-lists", json!({"source": "x", "text": "hostname\nx\n"})),
        (delete, "/scope/endpoint-lists/x", Value::Null),
        (post.clone(), "/scope/sites", site.clone()),
        (put.clone(), "/scope/sites/S-1", site),
        (post.clone(), "/scope/statements", Value::Null),
        (put, "/scope/statements/1", json!({"version": 1, "boundary": {"organisation": "x"}})),
        (
            post.clone(),
            "/scope/statements/1/steps",
            json!({"step": "approve", "version": 1, "password": "twelve or more"}),
        ),
        (post.clone(), "/findings", json!({"findings": ["FND-0001"], "person": 1})),
        (patch.clone(), "/findings/FND-0001", json!({"step": "dismiss", "reason": "x"})),
        (post.clone(), "/tasks", json!({"title": "x"})),
        (patch.clone(), "/tasks/TSK-0001", json!({"step": "drop", "reason": "x"})),
        (
            post,
            "/documents",
            json!({"title": "x", "kind": "url", "location": "https://x.example", "link_kind": "requirement",
                "link_id": "R-4.3-b"}),
        ),
        (patch, "/vendors/openai", json!({"state": "done", "date": "2026-01-01"})),
    ]
}

/// What is sent by POST and writes no record.
const READS: [&str; 2] = ["/documents/hash", "/export/evidence-pack"];

/// Of which each one's own coming to nothing is an answer.
const EACH_BY_ITSELF: [&str; 2] = ["/systems/bulk", "/findings"];

fn fits(path: &str, template: &str) -> bool {
    let (path, template): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), template.split('/').collect());
    path.len() == template.len()
        && path.iter().zip(&template).all(|(part, place)| place.starts_with('{') || part == place)
}

/// Method and path, below `/api/v1`, of every operation that writes.
async fn described(visitor: &mut Visitor) -> BTreeSet<(String, String)> {
    let described: Value = serde_json::from_str(&visitor.get("/api/v1/openapi.json").await.text).unwrap();
    let mut all = BTreeSet::new();
    for (path, item) in described["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys().filter(|method| *method != "get");
        all.extend(methods.map(|method| (method.to_uppercase(), path.replacen("/api/v1", "", 1))));
    }
    all.retain(|(_, path)| !READS.contains(&path.as_str()));
    all
}

#[tokio::test]
async fn no_operation_that_writes_is_missing_from_the_list() {
    let all = described(&mut Visitor::new(Sample::default())).await;
    let writes = writes();
    for (method, template) in &all {
        let tried = writes.iter().any(|(tried, path, _)| tried.as_str() == method && fits(path, template));
        assert!(tried, "{method} {template} is tried by nobody");
    }
    assert_eq!(all.len(), writes.len());
}

#[tokio::test]
async fn who_only_reads_changes_no_record_by_any_operation() {
    let mut world = World::new();
    world.visitor.browser = false;
    for name in ["vera", "wim"] {
        world.visitor.sign_in_again(name).await;
        let before = world.records();
        for (method, path, body) in writes() {
            let (status, problem) =
                world.visitor.sent(method.clone(), &format!("/api/v1{path}"), &body).await;
            let refused = status.is_client_error() || EACH_BY_ITSELF.contains(&path);
            assert!(refused, "{name} {method} {path}: {status} {problem}");
            let says = problem["detail"].as_str().unwrap_or_default();
            assert!(!says.contains("cannot be read"), "{method} {path} was never asked for: {says}");
            assert_eq!(world.records(), before, "{name} {method} {path}");
        }
    }
}

#[tokio::test]
async fn nobody_and_no_token_that_only_reads_gets_further_than_the_door() {
    let mut world = World::new();
    world.visitor.browser = false;
    let reads = [Scope::ReadInventory, Scope::ReadMachines, Scope::ReadAudit, Scope::ReadPeople];
    let token = tokens_of_programs::token(&world.visitor, "ada", &reads);
    let bearer = format!("Bearer {token}");
    let before = world.records();
    for (method, path, body) in writes() {
        let path = format!("/api/v1{path}");
        let (status, _) = world.visitor.sent(method.clone(), &path, &body).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
        let headers = [("authorization", bearer.as_str())];
        let (status, problem) = world.visitor.sent_with(method.clone(), &path, &body, &headers).await;
        assert_eq!(
            (status, &problem["guard"]),
            (StatusCode::FORBIDDEN, &json!("G-SCOPE")),
            "{method} {path}"
        );
    }
    let after = world.records();
    let changed: Vec<&String> =
        after.iter().filter(|(table, rows)| before[*table] != **rows).map(|(t, _)| t).collect();
    assert_eq!(changed, ["api_token"], "that the token was used is noted, and nothing else");
}

/// What is signed, what concerns people and what is set for everybody is done by no program, whatever its token is scoped to.
#[tokio::test]
async fn a_token_of_every_scope_does_not_do_what_takes_a_person() {
    let mut world = World::new();
    world.visitor.browser = false;
    let token = tokens_of_programs::token(&world.visitor, "ada", &Scope::ALL);
    let bearer = format!("Bearer {token}");
    let mut persons = 0;
    for (method, path, body) in writes() {
        let path = format!("/api/v1{path}");
        if Scope::of_route(method.as_str(), &path).is_ok() {
            continue;
        }
        persons += 1;
        let headers = [("authorization", bearer.as_str())];
        let (status, problem) = world.visitor.sent_with(method.clone(), &path, &body, &headers).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
        assert_eq!(problem["title"], "Takes a person", "{method} {path}");
        assert!(problem["detail"].as_str().unwrap().contains("sign in and do it at /"), "{problem}");
    }
    assert_eq!(persons, 32);
}

/// Forms that the interface for programs has no counterpart of, and why.
const PAGES_ONLY: [(&str, &str); 16] = [
    ("/sign-in", "signing in"),
    ("/sign-in/link/{secret}", "signing in"),
    ("/sign-out", "signing in"),
    ("/confirm", "signing in"),
    ("/password", "one's own password"),
    ("/account/second-factor", "one's own second factor"),
    ("/account/second-factor/remove", "one's own second factor"),
    ("/account/recovery-codes", "one's own second factor"),
    ("/theme", "how pages look"),
    ("/language", "how pages look"),
    ("/emergency/seen", "that one person has seen what is reported to them"),
    ("/looked", "up to where one person has looked at pages"),
    ("/views", "addresses of pages that one person wants to come back to"),
    ("/views/{number}/drop", "addresses of pages that one person wants to come back to"),
    ("/catalogue/own/new", "a form that writes into the text, which is published as a whole"),
    ("/catalogue/own/remove", "a form that writes into the text, which is published as a whole"),
];

/// Forms, and the operation that does the same.
const COUNTERPARTS: &[(&str, &str, &str)] = &[
    ("/policies", "POST", "/policies"),
    ("/policies/limits", "PUT", "/limits"),
    ("/inventory/bulk", "POST", "/systems/bulk"),
    ("/inventory/new", "POST", "/systems"),
    ("/inventory/{reference}/moves/{word}", "POST", "/systems/{id}/moves"),
    ("/inventory/{reference}/edit/{group}", "PATCH", "/systems/{id}"),
    ("/catalogue/own/edit", "POST", "/own-rules/versions"),
    ("/suspects/setting", "POST", "/suspects/setting"),
    ("/suspects/{domain}/dismiss", "POST", "/suspects/{domain}/dismiss"),
    ("/suspects/{domain}/restore", "POST", "/suspects/{domain}/restore"),
    ("/readiness/controls/{id}", "PUT", "/controls/{id}"),
    ("/readiness/{id}", "PUT", "/readiness/{id}"),
    ("/indicators/{id}", "PUT", "/indicators/{id}/target"),
    ("/management-reviews", "POST", "/management-reviews"),
    ("/management-reviews/{reference}", "POST", "/management-reviews/{reference}/decisions"),
    ("/campaigns/new", "POST", "/campaigns"),
    ("/campaigns/{id}/close", "POST", "/campaigns/{id}/close"),
    ("/campaigns/rows/{row}/assign", "POST", "/campaigns/rows/{row}/assign"),
    ("/attest", "POST", "/attest"),
    ("/findings/assign", "POST", "/findings"),
    ("/findings/due-days", "PUT", "/due-days"),
    ("/findings/{reference}", "PATCH", "/findings/{reference}"),
    ("/tasks", "POST", "/tasks"),
    ("/tasks/{reference}", "PATCH", "/tasks/{reference}"),
    ("/documents", "POST", "/documents"),
    ("/vendors/{id}", "PATCH", "/vendors/{id}"),
    ("/scope/draft", "PUT", "/scope/statements/{number}"),
    ("/scope/endpoints/import", "POST", "/scope/endpoint-lists"),
    ("/scope/endpoints/withdraw", "DELETE", "/scope/endpoint-lists/{source}"),
    ("/scope/endpoints/add", "POST", "/scope/endpoints"),
    ("/scope/endpoints/{number}/remove", "DELETE", "/scope/endpoints/{number}"),
    ("/scope/sites", "POST", "/scope/sites"),
    ("/scope/sites/{id}", "PUT", "/scope/sites/{id}"),
    ("/scope/{number}/{step}", "POST", "/scope/statements/{number}/steps"),
    ("/privacy/retention", "POST", "/retention"),
    ("/privacy/erasures", "POST", "/erasures"),
    ("/privacy/erasures/{id}", "POST", "/erasures/{id}"),
    ("/emergency", "POST", "/emergencies"),
    ("/emergency/{id}/end", "POST", "/emergencies/{id}/end"),
    ("/reidentification/setting", "POST", "/reidentification"),
    ("/reidentification/new", "POST", "/reidentifications"),
    ("/reidentification/{id}", "POST", "/reidentifications/{id}"),
    ("/reidentification/{id}/name", "POST", "/reidentifications/{id}/name"),
    ("/tokens", "POST", "/tokens"),
    ("/tokens/{id}/revoke", "POST", "/tokens/{id}/revoke"),
    ("/export/evidence-pack", "POST", "/export/evidence-pack"),
    ("/people", "POST", "/people"),
    ("/people/import", "POST", "/people/import"),
    ("/people/second-factor-roles", "PUT", "/second-factor-roles"),
    ("/people/{id}", "PUT", "/people/{id}"),
    ("/people/{id}/active", "POST", "/people/{id}/active"),
    ("/people/{id}/grant", "POST", "/people/{id}/grant"),
    ("/people/{id}/revoke", "POST", "/people/{id}/revoke"),
    ("/people/{id}/link", "POST", "/people/{id}/link"),
    ("/people/{id}/second-factor/remove", "DELETE", "/people/{id}/second-factor"),
    ("/units", "POST", "/units"),
    ("/units/{id}", "PUT", "/units/{id}"),
    ("/account/api-tokens", "POST", "/api-tokens"),
    ("/account/api-tokens/{id}/revoke", "POST", "/api-tokens/{id}/revoke"),
];

#[tokio::test]
async fn every_form_of_the_pages_has_its_operation_or_a_reason() {
    let described: Value =
        serde_json::from_str(&Visitor::new(Sample::default()).get("/api/v1/openapi.json").await.text)
            .unwrap();
    let mut forms = BTreeSet::new();
    for piece in include_str!("../mod.rs").split(".route(").skip(1) {
        if piece.contains("post(") {
            forms.insert(piece.split('"').nth(1).unwrap());
        }
    }
    for form in &forms {
        let reason = PAGES_ONLY.iter().any(|(page, _)| page == form);
        let counterpart = COUNTERPARTS.iter().find(|(page, ..)| page == form);
        assert!(reason != counterpart.is_some(), "{form} is in no list, or in both");
        if let Some((_, method, path)) = counterpart {
            let operation = &described["paths"][format!("/api/v1{path}")][method.to_lowercase()];
            assert!(operation.is_object(), "{form}: there is no {method} {path}");
        }
    }
    assert_eq!(forms.len(), PAGES_ONLY.len() + COUNTERPARTS.len(), "a list names what is no form");
}

/// A method that no operation is described for is refused as such, and says which are there.
#[tokio::test]
async fn what_is_not_described_is_not_there() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    ada.browser = false;
    let described: Value = serde_json::from_str(&ada.get("/api/v1/openapi.json").await.text).unwrap();
    for (path, item) in described["paths"].as_object().unwrap() {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if item.as_object().unwrap().contains_key(&method.as_str().to_lowercase()) {
                continue;
            }
            let request = Request::builder().method(method.clone()).uri(path.replace(['{', '}'], ""));
            let answer = ada.send(request, Body::empty()).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert!(answer.headers.contains_key("allow"), "{method} {path}");
            assert_eq!(answer.headers["content-type"], "application/problem+json", "{method} {path}");
        }
    }
}
