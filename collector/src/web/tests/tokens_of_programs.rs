//! Programs with tokens: what a token opens, and what it never does.

use super::*;
use crate::model::{Access, By, Deed, Grant, GrantChange, Role, Scope};

/// A token of somebody for some scopes.
pub(super) fn token(of: &Visitor, name: &str, scopes: &[Scope]) -> String {
    let people = of.state.people.clone();
    let person = people.person_named(name).unwrap().unwrap().id;
    let by = sample::people::nobody();
    crate::api_token::create(&*people, person, "a test", scopes.to_vec(), sample::NOW_MS + 1_000, &by)
        .unwrap()
        .1
}

async fn ask(of: &mut Visitor, path: &str, token: &str) -> Answer {
    of.cookies.clear();
    of.send(Request::get(path).header("authorization", format!("Bearer {token}")), Body::empty()).await
}

#[tokio::test]
async fn a_token_opens_the_interface_for_programs_in_its_scopes_and_no_page() {
    let mut program = Visitor::new(Sample::default());
    program.browser = false;
    let reads = token(&program, "anna", &[Scope::ReadInventory]);
    assert_eq!(ask(&mut program, "/api/v1/products", &reads).await.status, StatusCode::OK);
    for path in ["/api/v1/assets", "/api/v1/assets/1", "/api/v1/tokens"] {
        let refused = ask(&mut program, path, &reads).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        assert!(refused.text.contains("G-SCOPE"), "{path}: {}", refused.text);
    }
    let product = ask(&mut program, "/api/v1/products/openai.chatgpt", &reads).await.text;
    assert!(!product.contains("dev-01"), "single machines are another scope: {product}");
    for path in ["/products", "/account", "/people"] {
        let page = ask(&mut program, path, &reads).await;
        assert!(page.location().starts_with("/sign-in"), "{path}: {}", page.status);
    }
    let machines = token(&program, "anna", &[Scope::ReadInventory, Scope::ReadMachines]);
    assert_eq!(ask(&mut program, "/api/v1/assets/1", &machines).await.status, StatusCode::OK);
    assert!(ask(&mut program, "/api/v1/products/openai.chatgpt", &machines).await.text.contains("dev-01"));
    let readings = program.state.people.readings(None, crate::model::PageRequest::default()).unwrap();
    assert_eq!((readings.total, readings.rows[0].reader.as_str()), (1, "anna"), "noted as a person's");
}

#[tokio::test]
async fn a_token_gives_no_more_than_its_owner_may_at_that_moment() {
    let mut program = Visitor::new(Sample::default());
    program.browser = false;
    let every = token(&program, "vera", &Scope::ALL);
    assert_eq!(ask(&mut program, "/api/v1/products", &every).await.status, StatusCode::OK);
    assert_eq!(
        ask(&mut program, "/api/v1/assets", &every).await.status,
        StatusCode::FORBIDDEN,
        "an auditor's"
    );
    let of_anna = token(&program, "anna", &Scope::ALL);
    assert_eq!(ask(&mut program, "/api/v1/assets", &of_anna).await.status, StatusCode::OK);
    let people = program.state.people.clone();
    let anna = people.person_named("anna").unwrap().unwrap();
    let revoke = GrantChange::Revoke(Grant { role: Role::Analyst, unit: None });
    people.change_grants(anna.id, revoke, &sample::people::nobody()).unwrap().unwrap();
    assert_eq!(ask(&mut program, "/api/v1/assets", &of_anna).await.status, StatusCode::FORBIDDEN);
    let gone = crate::model::PersonDetails { active: false, ..anna.details };
    people.change_person(anna.id, &gone, &sample::people::nobody()).unwrap().unwrap();
    assert_eq!(ask(&mut program, "/api/v1/products", &of_anna).await.status, StatusCode::UNAUTHORIZED);
}

/// What is the scope owner's to decide is done by no token, be it scoped to what others do in the same place.
#[tokio::test]
async fn a_token_does_not_act_in_a_role_that_its_scopes_do_not_lend() {
    let mut program = Visitor::new(Sample::with_records());
    program.browser = false;
    for (name, status) in [("sven", StatusCode::FORBIDDEN), ("dora", StatusCode::CREATED)] {
        let bearer = format!("Bearer {}", token(&program, name, &Scope::ALL));
        let headers = [("authorization", bearer.as_str())];
        let endpoint = serde_json::json!({"hostname": "box-1"});
        let (came, told) =
            program.sent_with(Method::POST, "/api/v1/scope/endpoints", &endpoint, &headers).await;
        assert_eq!(came, status, "{name}: {told}");
    }
}

#[tokio::test]
async fn a_token_that_is_wrong_expired_or_revoked_opens_nothing() {
    let mut program = Visitor::new(Sample::default());
    program.browser = false;
    let good = token(&program, "anna", &[Scope::ReadInventory]);
    for bad in ["", "umt1-0123456789abcdef-guess", &good[..good.len() - 1], "umb1-0123456789abcdef-a-b"] {
        assert_eq!(
            ask(&mut program, "/api/v1/products", bad).await.status,
            StatusCode::UNAUTHORIZED,
            "{bad}"
        );
    }
    let sessions = program.state.sessions.clone();
    assert!(sessions.by_token(&good, sample::NOW_MS).unwrap().is_some());
    assert!(sessions.by_token(&good, sample::NOW_MS + 1_000).unwrap().is_none(), "its time is over");
    let people = program.state.people.clone();
    let row = people.api_tokens(None).unwrap().remove(0);
    assert_eq!(row.last_used_at_ms, Some(sample::NOW_MS));
    let by = By { person: Some(row.person), ..sample::people::nobody() };
    assert!(
        people.revoke_api_token(&row.id, &by).unwrap() && !people.revoke_api_token(&row.id, &by).unwrap()
    );
    assert_eq!(ask(&mut program, "/api/v1/products", &good).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_is_made_by_who_signed_in_again_shown_once_and_revoked() {
    let mut anna = Visitor::signed_in(Sample::default(), "anna").await;
    let csrf = anna.get("/account/api-tokens").await.csrf();
    let new = [("csrf", csrf.as_str()), ("label", "dashboard"), ("read-inventory", "yes"), ("days", "30")];
    assert_eq!(
        anna.post("/account/api-tokens", &new).await.location(),
        "/confirm?next=%2Faccount%2Fapi-tokens"
    );
    let password = [("csrf", csrf.as_str()), ("password", "twelve or more"), ("again", "twelve or more")];
    anna.post("/password", &password).await;
    let csrf = anna.get("/account/api-tokens").await.csrf();
    anna.post("/confirm", &[("csrf", &csrf), ("password", "twelve or more"), ("next", "/account")]).await;
    let without = [("csrf", csrf.as_str()), ("label", "dashboard"), ("days", "30")];
    assert!(anna.post("/account/api-tokens", &without).await.text.contains("Choose what it may be used for"));
    let new = [("csrf", csrf.as_str()), ("label", "dashboard"), ("read-inventory", "yes"), ("days", "30")];
    let made = anna.post("/account/api-tokens", &new).await.text;
    let token = made.split("umt1-").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let list = anna.get("/account/api-tokens").await.text;
    assert!(list.contains("dashboard") && !list.contains(&token), "{list}");
    let id = token.split('-').next().unwrap().to_owned();

    let mut other = Visitor::to(anna.state.clone());
    other.sign_in("rita").await;
    let csrf_of_rita = other.get("/account").await.csrf();
    let place = format!("/account/api-tokens/{id}/revoke");
    assert_eq!(
        other.post(&place, &[("csrf", &csrf_of_rita)]).await.status,
        StatusCode::FORBIDDEN,
        "not hers"
    );
    assert!(!other.get("/account/api-tokens").await.text.contains("dashboard"));
    assert_eq!(anna.post(&place, &[("csrf", &csrf)]).await.location(), "/account/api-tokens?done=revoked");
    assert_eq!(anna.post(&place, &[("csrf", &csrf)]).await.status, StatusCode::NOT_FOUND, "done already");
}

#[test]
fn no_scope_goes_further_than_the_furthest_role() {
    for scope in Scope::ALL {
        for deed in Deed::ALL {
            let furthest = Role::ALL.into_iter().map(|role| crate::model::may(role, deed)).max().unwrap();
            assert!(scope.covers(deed) <= furthest || scope.covers(deed) == Access::No, "{scope:?} {deed:?}");
        }
    }
}
