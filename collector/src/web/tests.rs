//! Requests to the real router over the sample fleet.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::{
    CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE,
};
use axum::http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::sample::{self, HOSTILE, Sample};
use super::url::encode;

use crate::AppState;

mod api_jobs;
mod api_writes;
mod bulk;
mod campaigns;
mod catalogue;
mod comments;
mod emergency;
mod export;
mod governance;
mod governed_api;
mod language;
mod legal;
mod management;
mod own;
mod people;
mod privacy;
mod record;
mod refusals;
mod reidentify;
mod rights;
mod scope;
mod search;
mod second_person;
mod sights;
mod snapshots;
mod start;
mod targets;
mod tokens_of_programs;
mod told;
mod triage;
mod typed;
mod views;
mod work;

/// Every export that is one file.
fn exports() -> impl Iterator<Item = String> {
    let formats = crate::export::FORMATS.iter().filter(|word| **word != crate::export::EVIDENCE_PACK);
    formats.map(|word| format!("/export/{word}"))
}

/// Somebody with a browser and a jar for cookies.
struct Visitor {
    router: Router,
    state: AppState,
    cookies: Vec<(String, String)>,
    browser: bool,
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

impl Answer {
    fn location(&self) -> &str {
        self.headers.get(LOCATION).map_or("", |to| to.to_str().unwrap())
    }

    /// The page without the scripts that are ours: files, with nothing between their tags. Any other is none of ours.
    fn written(&self) -> String {
        let ours = |line: &&str| {
            line.starts_with("<script defer src=\"/static/") && line.ends_with(".js\"></script>")
        };
        self.text.lines().filter(|line| !ours(line)).collect::<Vec<_>>().join("\n")
    }

    /// The token of the first form.
    fn csrf(&self) -> String {
        let after = self.text.split("name=\"csrf\" value=\"").nth(1).expect("a form");
        after.split('"').next().unwrap().to_owned()
    }
}

impl Visitor {
    fn new(sample: Sample) -> Self {
        Self::to(sample::state(sample))
    }

    fn to(state: AppState) -> Self {
        Self { router: super::router(state.clone()), state, cookies: Vec::new(), browser: true }
    }

    async fn signed_in(sample: Sample, name: &str) -> Self {
        let mut visitor = Self::new(sample);
        visitor.sign_in(name).await;
        visitor
    }

    async fn sign_in(&mut self, name: &str) {
        let link = self.link(name);
        let page = self.get(&link).await;
        self.post(&link, &[("csrf", &page.csrf())]).await;
    }

    fn link(&self, name: &str) -> String {
        format!(
            "/sign-in/link/{}",
            self.state.sessions.new_link(name, &sample::people::nobody()).unwrap().unwrap()
        )
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let form = form.join("&");
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(CONTENT_LENGTH, form.len());
        let request = if self.browser { request.header("sec-fetch-site", "same-origin") } else { request };
        self.send(request, Body::from(form)).await
    }

    async fn send(&mut self, request: axum::http::request::Builder, body: Body) -> Answer {
        let jar: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let accept = if self.browser { "text/html,*/*;q=0.8" } else { "*/*" };
        let mut request = request.header("host", "localhost").header("accept", accept);
        if !jar.is_empty() {
            request = request.header(COOKIE, jar.join("; "));
        }
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 9], 4000))));
        let answer: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        for line in answer.headers().get_all(SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }
}

/// Every page that reads.
const PAGES: &[&str] = &[
    "/start/security",
    "/start/security?by=unit",
    "/start/scope",
    "/start/it",
    "/start/privacy",
    "/triage",
    "/triage?queue=requests",
    "/triage?queue=own",
    "/search",
    "/search?q=open",
    "/views",
    "/style",
    "/products",
    "/products?q=chat&kind=service&channel=dns&confidence=medium&sort=vendor&dir=desc",
    "/products?q=nothing-fits-this",
    "/products/openai.chatgpt",
    "/products/anthropic.claude-code",
    "/inventory",
    "/inventory?q=nothing-fits-this",
    "/inventory?owner=mine&requested=no&unit=1&observed=never&stage=deployed&sort=review&dir=desc",
    "/inventory/new",
    "/inventory/AIS-0001",
    "/inventory/AIS-0001?on=2026-11-20",
    "/inventory/AIS-0020",
    "/inventory/AIS-0001/edit/identity",
    "/inventory/AIS-0001/edit/purpose",
    "/inventory/AIS-0001/edit/roles",
    "/inventory/AIS-0001/edit/supplier",
    "/inventory/AIS-0001/edit/data",
    "/inventory/AIS-0001/edit/risk",
    "/inventory/AIS-0001/edit/life",
    "/review",
    "/review?queue=requests",
    "/review?queue=reopened",
    "/review?queue=new",
    "/review?queue=own",
    "/policies",
    "/trail",
    "/trail?person=ada&kind=system&refused=no&from=2026-11-01&to=2026-11-30",
    "/trail/0",
    "/assets",
    "/assets?q=nothing-fits-this",
    "/assets/1",
    "/assets/10",
    "/assets/13",
    "/coverage",
    "/export",
    "/catalogue/own",
    "/catalogue/own/new",
    "/catalogue/own/new?what=deny",
    "/catalogue/own/new?what=name&product=openai.chatgpt",
    "/catalogue/own/new?what=confidence",
    "/catalogue/own/new?suffix=good-bot.ai&from=suspect",
    "/catalogue/own/edit",
    "/catalogue/own/versions/2",
    "/catalogue",
    "/catalogue?q=gpt&category=assistant&kind=service&confidence=high&sort=vendor&dir=desc",
    "/catalogue?page=40",
    "/catalogue?q=nothing-fits-this",
    "/catalogue/openai",
    "/catalogue/midjourney",
    "/campaigns",
    "/campaigns/new",
    "/campaigns/new?look=yes",
    "/attest",
    "/scope",
    "/scope/endpoints",
    "/scope/endpoints?kind=unexpected",
    "/scope/sites",
    "/suspects",
    "/suspects?kind=dismissed",
    "/indicators/K-04",
    "/management-reviews",
    "/management-reviews?from=2026-01-01&until=2026-11-20",
    "/indicators/K-18",
    "/findings",
    "/findings?state=all&who=me&rule=no-owner&severity=medium",
    "/tasks",
    "/tasks?state=all&who=me",
    "/vendors",
    "/vendors/openai",
    "/notice",
    "/privacy",
    "/privacy/dpia",
    "/emergency",
    "/reidentification",
    "/reidentification/report",
    "/reidentification/report?month=2026-02",
    "/tokens",
    "/people",
    "/people?q=a&unit=1&kind=all",
    "/people?q=nobody-is-called-this",
    "/people/new",
    "/people/1",
    "/people/10",
    "/people/import",
    "/people/readings",
    "/units",
    "/account",
    "/account/second-factor",
    "/account/api-tokens",
    "/confirm?next=/products",
    "/password",
];

#[tokio::test]
async fn every_page_is_written_and_keeps_the_policy() {
    let mut ada = Visitor::signed_in(Sample::with_records(), "ada").await;
    let hostile = format!("/products/{}", encode(HOSTILE));
    for path in PAGES.iter().copied().chain(["/sign-in", "/sign-in/link/x", hostile.as_str()]) {
        let page = ada.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        assert!(page.text.len() < 100_000, "{path} has {} bytes", page.text.len());
        let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy
                .starts_with("default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; ")
                && !policy.contains("unsafe"),
            "{policy}"
        );
        for forbidden in
            ["<script", " style=", "<style", " onclick", "javascript:", "http-equiv", "src=\"http"]
        {
            assert!(!page.written().to_lowercase().contains(forbidden), "{path}: {forbidden}");
        }
        for invisible in ['\u{202E}', '\u{2066}', '\u{200B}', '\u{0}', '\u{1B}'] {
            assert!(!page.text.contains(invisible), "{path}: {invisible:?}");
        }
        assert!(page.text.contains("<html lang=\"en\"") && page.text.contains("<h1>"), "{path}");
    }
}

#[tokio::test]
async fn a_machine_that_a_gateway_sensor_saw_is_told_from_one_with_a_sensor() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let page = ada.get("/assets/13").await.text;
    for words in [
        "Seen by a gateway sensor",
        "10.20.0.7",
        "3c:52:82:01:02:03",
        "has no sensor of its own",
        "/assets/4\"",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("deb:"), "no program is told: {page}");
    let page = ada.get("/assets/4").await.text;
    assert!(
        !page.contains("has no sensor of its own") && page.contains("traffic of other machines on wlp2s0")
    );
    let list = ada.get("/assets").await.text;
    assert_eq!(list.matches("seen by a gateway sensor").count(), 1);
    let seen: serde_json::Value = serde_json::from_str(&ada.get("/api/v1/assets/13").await.text).unwrap();
    assert_eq!((&seen["seen_by_gateway"], &seen["mac"]), (&true.into(), &"3c:52:82:01:02:03".into()));
    let own: serde_json::Value = serde_json::from_str(&ada.get("/api/v1/assets/1").await.text).unwrap();
    assert_eq!((&own["seen_by_gateway"], &own["mac"]), (&false.into(), &serde_json::Value::Null));
}

#[tokio::test]
async fn empty_pages_teach() {
    let mut ada = Visitor::signed_in(Sample::empty(), "ada").await;
    for (path, words) in [
        ("/products", "enrol --collector"),
        ("/inventory", "becomes a candidate"),
        ("/assets", "as soon as an agent has enrolled"),
        ("/coverage", "Nothing is covered"),
        ("/tokens", "No token yet"),
    ] {
        let page = ada.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text.contains(words), "{path}: {}", page.text);
    }
}

#[tokio::test]
async fn nobody_reads_anything_without_signing_in() {
    let mut nobody = Visitor::new(Sample::default());
    for path in PAGES.iter().chain(&["/export/json", "/export/csv"]) {
        let page = nobody.get(path).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}");
        assert!(page.location().starts_with("/sign-in?next=%2F"), "{path}: {}", page.location());
    }
    let json = nobody.get("/api/v1/products").await;
    assert_eq!(json.status, StatusCode::UNAUTHORIZED);
    assert_eq!(json.headers[CONTENT_TYPE], "application/problem+json");
    assert!(json.text.contains("\"instance\":\"/api/v1/products\""), "{}", json.text);
}

#[tokio::test]
async fn opening_a_link_does_not_use_it_up_and_pressing_the_button_does() {
    let mut ada = Visitor::new(Sample::default());
    let link = ada.link("ada");
    ada.get(&link).await;
    ada.send(Request::builder().method(Method::HEAD).uri(&link), Body::empty()).await;
    let page = ada.get(&link).await;
    let csrf = page.csrf();
    let done = ada.post(&link, &[("csrf", &csrf)]).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/password"));
    assert_eq!(ada.get("/products").await.status, StatusCode::OK);
    assert_eq!(ada.post(&link, &[("csrf", &csrf)]).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_program_follows_the_link_and_is_signed_in() {
    let mut curl = Visitor::new(Sample::default());
    curl.browser = false;
    let link = curl.link("ada");
    let head = curl.send(Request::builder().method(Method::HEAD).uri(&link), Body::empty()).await;
    assert_eq!(head.status, StatusCode::OK);
    let done = curl.get(&link).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/"));
    assert_eq!(curl.get("/api/v1/totals").await.status, StatusCode::OK);
    let again = curl.link("ada");
    assert_eq!(curl.post(&again, &[]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let foreign = Request::post("/sign-out").header("sec-fetch-site", "cross-site");
    let csrf = ada.get("/products").await.csrf();
    let foreign = foreign.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    assert_eq!(ada.send(foreign, Body::from(format!("csrf={csrf}"))).await.status, StatusCode::FORBIDDEN);
    let guessed = ada.post("/sign-out", &[("csrf", "guessed")]).await;
    assert_eq!(guessed.status, StatusCode::FORBIDDEN);
    assert!(guessed.text.contains("Nothing was changed"), "{}", guessed.text);
    assert_eq!(ada.get("/products").await.status, StatusCode::OK);
    assert_eq!(ada.post("/sign-out", &[("csrf", &csrf)]).await.location(), "/sign-in");
    assert_eq!(ada.get("/products").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_password_is_set_once_and_then_signs_in() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let csrf = ada.get("/password").await.csrf();
    let form = |password: &'static str, again: &'static str| [("password", password), ("again", again)];
    for (password, again, problem) in
        [("short", "short", "too short"), ("twelve or more", "something else", "not the same")]
    {
        let fields = [form(password, again).as_slice(), &[("csrf", csrf.as_str())]].concat();
        assert!(ada.post("/password", &fields).await.text.contains(problem));
    }
    let fields = [form("twelve or more", "twelve or more").as_slice(), &[("csrf", csrf.as_str())]].concat();
    assert_eq!(ada.post("/password", &fields).await.location(), "/");
    assert_eq!(ada.get("/products").await.status, StatusCode::OK, "the session goes on");

    let mut later = Visitor { cookies: Vec::new(), ..ada };
    let csrf = later.get("/sign-in?next=/coverage").await.csrf();
    let wrong = [("csrf", csrf.as_str()), ("name", "ada"), ("password", "wrong"), ("next", "/coverage")];
    assert!(later.post("/sign-in", &wrong).await.text.contains("do not fit together"));
    let right =
        [("csrf", csrf.as_str()), ("name", "Ada "), ("password", "twelve or more"), ("next", "/coverage")];
    assert_eq!(later.post("/sign-in", &right).await.location(), "/coverage");
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let mut guesser = Visitor::new(Sample::default());
    let mut last = StatusCode::OK;
    for _ in 0..11 {
        last = guesser.post("/sign-in/link/guess", &[("csrf", "x")]).await.status;
    }
    assert_eq!(last, StatusCode::FORBIDDEN, "a form without its cookie is not even an attempt");
    guesser.browser = false;
    for _ in 0..11 {
        last = guesser.post("/sign-in/link/guess", &[]).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn what_goes_wrong_is_explained() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    for (path, status, words) in [
        ("/nowhere", StatusCode::NOT_FOUND, "There is no page"),
        ("/products/never.seen", StatusCode::NOT_FOUND, "There is no product"),
        ("/catalogue/nobody", StatusCode::NOT_FOUND, "There is no vendor"),
        ("/catalogue?category=spaceships", StatusCode::BAD_REQUEST, "category=spaceships"),
        ("/assets/999", StatusCode::NOT_FOUND, "There is no asset"),
        ("/assets/x", StatusCode::NOT_FOUND, "There is no asset"),
        ("/products?kind=spaceship", StatusCode::BAD_REQUEST, "kind=spaceship"),
        ("/products?page=0", StatusCode::BAD_REQUEST, "page=0"),
        ("/products?q=a&q=b", StatusCode::BAD_REQUEST, "not understood"),
        ("/export/docx", StatusCode::NOT_FOUND, "export format"),
        ("/sign-out", StatusCode::METHOD_NOT_ALLOWED, "Not this way"),
    ] {
        let page = ada.get(path).await;
        assert_eq!(page.status, status, "{path}");
        assert!(page.text.contains(words) && page.text.contains("<h1>"), "{path}: {}", page.text);
    }
    assert_eq!(ada.get("/api/v1/nowhere").await.headers[CONTENT_TYPE], "application/problem+json");
}

#[tokio::test]
async fn a_store_that_fails_gives_a_page_without_its_secrets() {
    let mut ada = Visitor::signed_in(Sample::broken(), "ada").await;
    let page = ada.get("/products").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(page.text.contains("went wrong on our side") && !page.text.contains("writer"), "{}", page.text);
}

#[tokio::test]
async fn an_auditor_sees_no_tokens() {
    let mut vera = Visitor::signed_in(Sample::default(), "vera").await;
    assert!(!vera.get("/products").await.text.contains("/tokens"));
    assert_eq!(vera.get("/tokens").await.status, StatusCode::FORBIDDEN);
    assert_eq!(vera.get("/api/v1/tokens").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_token_is_made_and_its_secret_shown_once() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let csrf = ada.get("/tokens").await.csrf();
    let form = |unit: &'static str, uses: &'static str| {
        [("label", "Sales"), ("unit", unit), ("max_uses", uses), ("days", "30")]
    };
    for (unit, uses, problem) in
        [("", "1", "Name the unit"), ("Sales", "0", "from 1 to 100000"), ("Sales", "x", "from 1")]
    {
        let page =
            ada.post("/tokens", &[form(unit, uses).as_slice(), &[("csrf", csrf.as_str())]].concat()).await;
        assert!(page.text.contains(problem) && page.text.contains("value=\"Sales\""), "{}", page.text);
    }
    let page =
        ada.post("/tokens", &[form("Sales", "40").as_slice(), &[("csrf", csrf.as_str())]].concat()).await;
    let command = "umbrascope-agent enrol --collector https://collector.example:8444 --token umb1-";
    assert!(page.text.contains(command), "{}", page.text);
    let revoked = ada.post("/tokens/5ca1ab1e/revoke", &[("csrf", &csrf)]).await;
    assert_eq!(revoked.location(), "/tokens?done=revoked");
    assert!(ada.get("/tokens?done=revoked").await.text.contains("The token is revoked"));
    assert_eq!(ada.post("/tokens", &form("Sales", "40")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_theme_is_a_choice_that_stays() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let csrf = ada.get("/products").await.csrf();
    let back = ada.post("/theme", &[("csrf", &csrf), ("theme", "dark"), ("back", "//evil.example")]).await;
    assert_eq!(back.location(), "/");
    assert!(ada.get("/coverage").await.text.contains("data-theme=\"dark\""));
    assert!(ada.get("/nowhere").await.text.contains("data-theme=\"dark\""));
}

#[tokio::test]
async fn json_says_what_the_pages_say() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let json = async |ada: &mut Visitor, path: &str| -> serde_json::Value {
        serde_json::from_str(&ada.get(path).await.text).unwrap()
    };
    let products = json(&mut ada, "/api/v1/products?kind=agent").await;
    assert_eq!(products["total"], 1);
    assert_eq!(products["rows"][0]["id"], "anthropic.claude-code");
    assert_eq!(products["rows"][0]["confidence"], "high");
    let one = json(&mut ada, "/api/v1/products/openai.chatgpt").await;
    assert_eq!(one["evidence"][0]["value"], "chatgpt.com");
    assert_eq!(one["vendor_facts"]["id"], "openai");
    assert_eq!(
        one["vendor_facts"]["questions"].as_array().unwrap().len(),
        umbrascope_rules::Framework::ALL.len()
    );
    assert_eq!(json(&mut ada, "/api/v1/assets/1").await["hostname"], "dev-01");
    assert_eq!(json(&mut ada, "/api/v1/coverage").await["sensors"]["total"], 12);
    assert_eq!(json(&mut ada, "/api/v1/tokens").await[0]["state"], "active");
    let limited = json(&mut ada, "/api/v1/products?limit=5&page=2&sort=name").await;
    assert_eq!((limited["rows"].as_array().unwrap().len(), &limited["page"]), (5, &2.into()));
    for path in
        ["/api/v1/systems", "/api/v1/assets", "/api/v1/units", "/api/v1/totals", "/api/v1/openapi.json"]
    {
        assert_eq!(ada.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(ada.get("/api/v1/products?limit=501").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn exports_hold_every_product_and_keep_hostile_text_inert() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let csv = ada.get("/export/csv").await;
    assert!(csv.headers["content-disposition"].to_str().unwrap().contains("umbrascope-2026-11-21.csv"));
    assert!(
        csv.text.contains(
            "\r\n\"openai.chatgpt\",\"ChatGPT\",\"OpenAI\",\"service\",\"dns tls quic\",\"high\",\"use\",12,"
        ),
        "{}",
        csv.text
    );
    let json: serde_json::Value = serde_json::from_str(&ada.get("/export/json").await.text).unwrap();
    assert_eq!(json["products"].as_array().unwrap().len(), 23);
    for part in ["ai_systems", "assets"] {
        assert!(!json[part].as_array().unwrap().is_empty(), "{part}");
    }
    assert_eq!(json["coverage"]["sensors"].as_array().unwrap().len(), 12);
    let hostile =
        json["products"].as_array().unwrap().iter().find(|product| product["id"] == HOSTILE).unwrap();
    assert_eq!(hostile["evidence"][0]["value"], HOSTILE, "an identifier stands verbatim in JSON");
    // Each is noted in the trail, and tells how far the trail goes.
    let untold = |text: &str| {
        text.lines().filter(|line| !line.starts_with("\"trail_end\"")).collect::<Vec<_>>().join("\n")
    };
    let (one, other) = (ada.get("/export/json").await.text, ada.get("/export/json").await.text);
    assert_eq!(untold(&one), untold(&other), "the order is fixed");
}

#[tokio::test]
async fn static_files_are_kept_for_ever_under_a_name_of_their_content() {
    let mut nobody = Visitor::new(Sample::default());
    let page = nobody.get("/sign-in").await.text;
    let href = page.split("<link rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let css = nobody.get(href).await;
    assert_eq!(css.headers["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(css.headers[CONTENT_TYPE], "text/css; charset=utf-8");
    assert_eq!(nobody.get("/static/app.css").await.status, StatusCode::NOT_FOUND);
    assert_eq!(nobody.get("/sign-in").await.headers["cache-control"], "no-store");
}

/// For looking at the pages: `UMBRASCOPE_SAMPLE=127.0.0.1:8443 cargo test -p umbrascope-collector
/// sample_fleet_is_served -- --ignored --nocapture` prints two links, over the sample and over an empty one.
#[tokio::test]
#[ignore = "serves until it is stopped"]
async fn the_sample_fleet_is_served() {
    let address: SocketAddr = std::env::var("UMBRASCOPE_SAMPLE").expect("ADDR:PORT").parse().unwrap();
    let serve = async |address: SocketAddr, sample: Sample| {
        let visitor = Visitor::new(sample);
        println!("http://{address}{}", visitor.link("ada"));
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let service = visitor.router.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).await.unwrap();
    };
    let next = SocketAddr::new(address.ip(), address.port() + 1);
    tokio::join!(serve(address, Sample::default()), serve(next, Sample::empty()));
}

#[tokio::test]
async fn suspects_are_switched_on_by_two_people_and_off_by_one() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let state = ada.state.clone();
    let mut vera =
        Visitor { router: super::router(state.clone()), state, cookies: Vec::new(), browser: true };
    vera.sign_in("vera").await;
    let page = vera.get("/suspects").await;
    assert!(!page.text.contains("/suspects/setting"), "an auditor has no such form");
    let refused = vera.post("/suspects/setting", &[("csrf", &page.csrf()), ("step", "asked")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "an auditor cannot ask");
    assert!(vera.get("/notice").await.text.contains("not collected"));

    let csrf = ada.get("/suspects").await.csrf();
    let forged = ada.post("/suspects/setting", &[("csrf", "guess"), ("step", "asked")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let asked = ada.post("/suspects/setting", &[("csrf", &csrf), ("step", "asked")]).await;
    assert_eq!(asked.location(), "/suspects?done=asked");
    assert!(!ada.get("/suspects").await.text.contains("value=\"confirmed\""), "no button for who asked");
    let alone = ada.post("/suspects/setting", &[("csrf", &csrf), ("step", "confirmed")]).await;
    assert!(alone.text.contains("takes another person"), "{}", alone.text);
    assert!(ada.get("/notice").await.text.contains("not collected"));

    for (name, step) in
        [("vera", "confirmed"), ("vera", "withdrawn"), ("mona", "confirmed"), ("anna", "withdrawn")]
    {
        vera.sign_in(name).await;
        let csrf = vera.get("/suspects").await.csrf();
        let refused = vera.post("/suspects/setting", &[("csrf", &csrf), ("step", step)]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name} {step}");
    }
    let mut paul = vera;
    paul.sign_in("paul").await;
    let csrf = paul.get("/suspects").await.csrf();
    let on = paul.post("/suspects/setting", &[("csrf", &csrf), ("step", "confirmed")]).await;
    assert_eq!(on.location(), "/suspects?done=confirmed");
    let page = ada.get("/suspects").await;
    assert!(page.text.contains("asked, <bdi>paul</bdi> confirmed"), "{}", page.text);
    assert!(ada.get("/notice").await.text.contains("two people of this organisation have it switched on"));
    let off = paul.post("/suspects/setting", &[("csrf", &csrf), ("step", "withdrawn")]).await;
    assert_eq!(off.location(), "/suspects?done=withdrawn");
    let page = ada.get("/suspects").await;
    assert!(page.text.contains("Ask to switch it on") && page.text.contains("withdrew it"), "{}", page.text);
}

#[tokio::test]
async fn a_suspect_is_dismissed_with_a_reason_by_who_triages() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let page = ada.get("/suspects").await;
    assert!(page.text.contains("fewer than 5") && page.text.contains("ai + video + editor"), "{}", page.text);
    let (csrf, path) = (page.csrf(), "/suspects/quorbel.ai/dismiss");
    let without = ada.post(path, &[("csrf", &csrf), ("reason", " ")]).await;
    assert!(without.text.contains("needs a reason"));
    let sent = [("csrf", csrf.as_str()), ("reason", "a hotel")];
    assert_eq!(ada.post(path, &sent).await.location(), "/suspects?done=dismissed");
    assert_eq!(ada.post("/suspects/none.example/dismiss", &sent).await.status, StatusCode::NOT_FOUND);
    let hostile = format!("/suspects/{}/restore", encode(HOSTILE));
    assert_eq!(ada.post(&hostile, &[("csrf", &csrf)]).await.location(), "/suspects?done=restored");

    let mut vera = Visitor::signed_in(Sample::default(), "vera").await;
    let page = vera.get("/suspects").await;
    assert!(!page.text.contains("/dismiss\""), "an auditor has no such form");
    let csrf = page.csrf();
    let sent = [("csrf", csrf.as_str()), ("reason", "a hotel")];
    assert_eq!(vera.post(path, &sent).await.status, StatusCode::FORBIDDEN);
}
