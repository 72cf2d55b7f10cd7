//! Who asks, and whether a form is ours: cookies, form tokens, and the origin of what changes things.

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN, REFERER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};

use umbrascope_api::Day;

use super::WebState;
use super::error::WebError;
use super::frame::{Frame, Here, Theme};
use super::language::Language;
use crate::AppState;
use crate::anonymity::parts;
use crate::emergency::REPORTED_MS;
use crate::model::governed::{Act, Actor};
use crate::model::task::LinkKind;
use crate::model::{
    Access, ApiTokenRow, By, Deed, Direction, Grants, PageRequest, ProductDetail, Role, SavedView, Scope,
    Sight, SystemFilter, SystemSort, Totals, UnitRow, UserRow,
};
use crate::review::Who;
use crate::session::{ABSOLUTE_LIMIT_MS, csrf_token, random_secret, same_bytes};
use crate::store::StoreError;

/// Where one begins; it leads on to the door of one's roles.
pub(crate) const HOME: &str = "/";
/// How long the reader's choice of theme and of language is kept, in seconds: a year.
const CHOICE_SECONDS: u32 = 31_536_000;

/// Somebody who is signed in. As an extractor it refuses everybody else.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    /// Who.
    pub(crate) user: UserRow,
    /// Token of this session's forms.
    pub(crate) csrf: String,
    /// Value of the session's cookie.
    pub(crate) secret: String,
    /// Whether the records are made up, which every page says.
    pub(crate) demonstration: bool,
    /// Light or dark.
    pub(crate) theme: Theme,
    /// Path and query asked for.
    pub(crate) path: String,
    /// The moment of the request, Unix time in milliseconds.
    pub(crate) now_ms: i64,
    /// Records that wait for the reader; not counted for programs.
    pub(crate) waiting: u64,
    /// Lists that the reader wants to come back to; not read for programs.
    pub(crate) views: Vec<SavedView>,
    /// Emergencies that are reported to the reader and were not seen; not counted for programs.
    pub(crate) emergencies: u64,
    /// When the session began, Unix time in milliseconds.
    pub(crate) since_ms: i64,
    /// Whether the reader signed in again a moment ago.
    pub(crate) fresh: bool,
    /// A role of the reader's takes a second factor, and none is set up.
    pub(crate) totp_missing: bool,
    /// The reader came by a sign-in link that somebody else made, and has not proved to be there since.
    pub(crate) by_link: bool,
    /// The token of a program that acts for the reader.
    pub(crate) token: Option<ApiTokenRow>,
}

/// Where somebody may go whose role takes a second factor, before it is set up.
const BEFORE_SECOND_FACTOR: [&str; 5] = ["/account", "/confirm", "/password", "/sign-out", "/theme"];

impl Reader {
    /// The frame of a page.
    pub(crate) fn frame(&self, here: Here, notice: Option<&'static str>) -> Frame {
        Frame {
            here,
            path: self.path.clone(),
            user: self.user.name.clone(),
            grants: self.user.grants.clone(),
            csrf: self.csrf.clone(),
            demonstration: self.demonstration,
            theme: self.theme,
            notice,
            today: Day::from_unix_ms(self.now_ms),
            now_ms: self.now_ms,
            waiting: self.waiting,
            views: self.views.clone(),
            emergency: self.user.emergency,
            emergencies: self.emergencies,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// Refuses who may not do this to something that belongs to these units; to what belongs to none, it takes a role for the
    /// whole organisation.
    pub(crate) fn must(&self, deed: Deed, units: &[i64]) -> Result<(), WebError> {
        self.check_scope(deed, Access::Write)?;
        Ok(self.user.grants.check(deed, Access::Write, units)?)
    }

    /// Refuses who may not even ask for it.
    pub(crate) fn must_propose(&self, deed: Deed, units: &[i64]) -> Result<(), WebError> {
        self.check_scope(deed, Access::Propose)?;
        Ok(self.user.grants.check(deed, Access::Propose, units)?)
    }

    /// Refuses who may look at it nowhere. What is then shown is cut to [`crate::model::Grants::within`].
    pub(crate) fn must_read(&self, deed: Deed) -> Result<(), WebError> {
        self.check_scope(deed, Access::Read)?;
        Ok(self.user.grants.check_somewhere(deed, Access::Read)?)
    }

    /// Refuses who may not look at all of it, in every unit.
    pub(crate) fn must_read_all(&self, deed: Deed) -> Result<(), WebError> {
        self.check_scope(deed, Access::Read)?;
        Ok(self.user.grants.check(deed, Access::Read, &[])?)
    }

    /// Refuses who may do it nowhere: before a form for it is shown.
    pub(crate) fn must_somewhere(&self, deed: Deed) -> Result<(), WebError> {
        self.check_scope(deed, Access::Write)?;
        Ok(self.user.grants.check_somewhere(deed, Access::Write)?)
    }

    /// Whether the reader may look at this, for something that belongs to these units.
    pub(crate) fn may_read(&self, deed: Deed, units: &[i64]) -> bool {
        self.check_scope(deed, Access::Read).is_ok() && self.user.grants.access(deed, units) >= Access::Read
    }

    /// A product without the assets that the reader may not know of: on which machine it was found is for who triages there. Nor by day,
    /// where that tells a number below the smallest one.
    pub(crate) fn without_hidden_assets(&self, product: ProductDetail, least: u64) -> ProductDetail {
        let mut product = product.at_least(least);
        if self.check_scope(Deed::ReadFindings, Access::Read).is_err() {
            product.assets.clear();
        }
        if let Some(units) = self.user.grants.within(Deed::ReadFindings) {
            product.assets.retain(|asset| units.contains(&asset.unit_id));
        }
        product
    }

    /// Whether the reader may change records of the inventory, be it of one unit.
    pub(crate) fn changes_records(&self) -> bool {
        [Deed::Triage, Deed::DecideScope, Deed::Enrol]
            .into_iter()
            .any(|deed| self.user.grants.access_somewhere(deed) >= Access::Write)
    }

    /// The smallest number of machines or accounts that the reader is told: any, for who may see what was found on each. Blocking.
    pub(crate) fn least(&self, state: &AppState) -> Result<u64, StoreError> {
        if self.may_read(Deed::ReadFindings, &[]) {
            return Ok(0);
        }
        Ok(u64::from(state.governance.retention()?.0.times.least_count))
    }

    /// What of the records the reader sees. Blocking.
    pub(crate) fn sight(&self, state: &AppState) -> Result<Sight, StoreError> {
        let grants = &self.user.grants;
        match grants.within(Deed::ReadInventory) {
            None => Ok(Sight::All),
            Some(_) => Ok(Sight::of(self.user.id, grants, self.least(state)?)),
        }
    }

    /// Refuses, as what is not there, what is out of the reader's sight, by its id or its reference. Blocking.
    pub(crate) fn must_see(
        &self,
        state: &AppState,
        kind: LinkKind,
        id: &str,
        what: &'static str,
    ) -> Result<(), WebError> {
        match state.governance.sees(&self.sight(state)?, kind, id)? {
            true => Ok(()),
            false => Err(WebError::NotFound(what)),
        }
    }

    /// Numbers at the head of the pages, with the records in sight. Blocking.
    pub(crate) fn totals(&self, state: &AppState) -> Result<Totals, StoreError> {
        let mut totals = state.store.totals(Day::from_unix_ms(self.now_ms), self.now_ms)?;
        let sight = self.sight(state)?;
        if sight != Sight::All {
            let (filter, none) =
                (SystemFilter { sight, ..SystemFilter::default() }, PageRequest { offset: 0, limit: 1 });
            let found = state.store.systems(&filter, SystemSort::Name, Direction::Ascending, none)?;
            totals.systems = found.total;
        }
        Ok(totals)
    }

    /// Whether the reader sees the records of every unit.
    pub(crate) fn sees_all(&self) -> bool {
        self.may_read(Deed::ReadInventory, &[])
    }

    /// Refuses who sees the records of some units only what tells of all of them in one piece.
    pub(crate) fn must_see_all(&self) -> Result<(), WebError> {
        self.must_read_all(Deed::ReadInventory)
    }

    /// Machines of each unit, as far as the reader is told. The totals tell the whole, so that a single hidden part would follow.
    pub(crate) fn told_machines(&self, units: &[UnitRow], least: u64) -> Vec<Option<u64>> {
        let counts: Vec<u64> = units.iter().map(|unit| unit.assets).collect();
        let least = if self.may_read(Deed::ReadMachines, &[]) { 0 } else { least };
        parts(&counts, least).0
    }

    /// Refuses who has not signed in again within five minutes; they are sent to do so and come back to this page.
    pub(crate) fn must_be_fresh(&self) -> Result<(), WebError> {
        self.must_be_fresh_for(&self.path)
    }

    /// The same, coming back elsewhere: to the page of the form, where what is asked for cannot be opened.
    pub(crate) fn must_be_fresh_for(&self, back: &str) -> Result<(), WebError> {
        if self.fresh { Ok(()) } else { Err(WebError::ConfirmFirst { next: back.to_owned() }) }
    }

    /// Refuses a program what its token is not scoped to. A person is not a program.
    pub(crate) fn check_scope(&self, deed: Deed, access: Access) -> Result<(), WebError> {
        match &self.token {
            Some(token) if token.scopes.iter().all(|scope| scope.covers(deed) < access) => {
                Err(WebError::NotInScope(deed))
            }
            _ => Ok(()),
        }
    }

    /// The reader as the author of a change.
    pub(crate) fn by(&self, reason: impl Into<String>) -> By {
        By {
            person: Some(self.user.id),
            name: self.user.name.clone(),
            reason: reason.into(),
            at_ms: self.now_ms,
        }
    }

    /// The reader as the rules of review know them: a program with those roles only that its scopes lend it.
    pub(crate) fn who(&self) -> Who {
        let mut grants = self.user.grants.clone();
        if let Some(token) = &self.token {
            grants.0.retain(|grant| token.scopes.iter().any(|scope| scope.lends(grant.role)));
        }
        Who { person: self.user.id, grants, let_in: self.user.let_in.clone(), by_link: self.by_link }
    }

    /// A change of a governed record by the reader; by way of a program, its token stands in the trail too.
    pub(crate) fn act(&self, reason: impl Into<String>) -> Act {
        let person = self.user.id;
        let actor = match &self.token {
            Some(token) => Actor::Token { token: token.id.clone(), person },
            None => Actor::Person(person),
        };
        Act::by(actor, self.now_ms).because(reason)
    }

    /// Refuses a form that does not carry this session's token.
    pub(crate) fn check_form(&self, token: &str) -> Result<(), WebError> {
        if same_bytes(self.csrf.as_bytes(), token.as_bytes()) { Ok(()) } else { Err(WebError::Forged) }
    }
}

impl FromRequestParts<WebState> for Reader {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, WebError> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        // Below a nested router the request has the rest of its path only.
        let whole = parts.extensions.get::<WholePath>().map_or("", |path| path.0.as_str()).to_owned();
        let first = || WebError::SignInFirst {
            next: if parts.method == Method::GET { path.clone() } else { String::new() },
        };
        if let Some(bearer) = parts.headers.get(AUTHORIZATION) {
            return Self::program(parts, state, bearer, whole).await;
        }
        let secret = cookie(&parts.headers, session_cookie(state.app.https)).ok_or_else(first)?.to_owned();
        let now_ms = state.app.clock.now_ms();
        let sessions = state.app.sessions.clone();
        let asked = secret.clone();
        let signed_in = super::blocking(move || sessions.signed_in(&asked, now_ms)).await?;
        let signed_in = signed_in.ok_or_else(first)?;
        let theme = theme(&parts.headers);
        let who = Who { person: signed_in.user.id, grants: signed_in.user.grants.clone(), ..Who::default() };
        let governance = state.app.governance.clone();
        let shows_no_page = whole.starts_with("/api/") || parts.method != Method::GET;
        let (people, person) = (state.app.people.clone(), signed_in.user.id);
        let (waiting, views, emergencies) = match shows_no_page {
            true => (0, Vec::new(), 0),
            false => {
                let read = move || {
                    let unseen = match is_told_of_emergencies(&who.grants) {
                        true => governance.unseen_emergencies(person, now_ms - REPORTED_MS)?,
                        false => 0,
                    };
                    Ok::<_, StoreError>((governance.waiting(&who)?, people.views(person)?, unseen))
                };
                super::blocking(read).await?
            }
        };
        let reader = Self {
            user: signed_in.user,
            csrf: signed_in.csrf,
            secret,
            demonstration: state.app.demonstration,
            theme,
            path,
            now_ms,
            waiting,
            views,
            emergencies,
            since_ms: signed_in.since_ms,
            fresh: signed_in.fresh,
            totp_missing: signed_in.totp_missing,
            by_link: signed_in.by_link,
            token: None,
        };
        let allowed = |before: &str| whole == before || whole.starts_with(&format!("{before}/"));
        if reader.totp_missing && !BEFORE_SECOND_FACTOR.into_iter().any(allowed) {
            return Err(WebError::SecondFactorFirst);
        }
        Ok(reader)
    }
}

/// Whom emergencies are reported to.
pub(crate) fn is_told_of_emergencies(grants: &Grants) -> bool {
    [Role::PrivacyOfficer, Role::WorksCouncil].into_iter().any(|role| grants.any(role))
}

/// The path that was asked for: below a nested router the request has the rest of it only.
#[derive(Debug, Clone)]
pub(crate) struct WholePath(pub(crate) String);

impl Reader {
    /// A program, by the token that it sends. Only `/api/v1` takes one, each route in the scope of its place.
    async fn program(
        parts: &Parts,
        state: &WebState,
        bearer: &HeaderValue,
        path: String,
    ) -> Result<Self, WebError> {
        let unknown = || WebError::SignInFirst { next: String::new() };
        let text = bearer.to_str().ok().and_then(|text| text.split_once(' '));
        let (scheme, text) = text.ok_or_else(unknown)?;
        if !scheme.eq_ignore_ascii_case("bearer") || !path.starts_with("/api/v1/") {
            return Err(unknown());
        }
        let (sessions, text, now_ms) =
            (state.app.sessions.clone(), text.to_owned(), state.app.clock.now_ms());
        let found = super::blocking(move || sessions.by_token(&text, now_ms)).await?;
        let (token, user) = found.ok_or_else(unknown)?;
        let (people, owner) = (state.app.people.clone(), user.clone());
        if super::blocking(move || people.lacks_second_factor(&owner)).await? {
            return Err(WebError::SecondFactorFirst);
        }
        let scope = Scope::of_route(parts.method.as_str(), &path)?;
        if !token.scopes.contains(&scope) {
            return Err(WebError::RouteNotInScope(scope));
        }
        Ok(Self {
            user,
            // No form of a page is a program's.
            csrf: random_secret()?,
            secret: String::new(),
            demonstration: state.app.demonstration,
            theme: Theme::System,
            path,
            now_ms,
            since_ms: now_ms,
            fresh: false,
            totp_missing: false,
            by_link: false,
            waiting: 0,
            views: Vec::new(),
            emergencies: 0,
            token: Some(token),
        })
    }
}

/// The token of forms that are sent before anybody is signed in. It is derived from a random cookie
/// that a foreign site can neither read nor, under its `__Host-` name, set.
#[derive(Debug)]
pub(crate) struct Visitor {
    /// Token of the forms.
    pub(crate) csrf: String,
    /// The cookie to set, where the visitor has none yet.
    pub(crate) set_cookie: Option<HeaderValue>,
}

impl Visitor {
    /// The visitor who sent these headers.
    pub(crate) fn of(headers: &HeaderMap, https: bool) -> Result<Self, WebError> {
        if let Some(secret) = cookie(headers, visitor_cookie(https)) {
            return Ok(Self { csrf: csrf_token(secret), set_cookie: None });
        }
        let secret = random_secret()?;
        let set_cookie = set_cookie(visitor_cookie(https), &secret, None, https)?;
        Ok(Self { csrf: csrf_token(&secret), set_cookie: Some(set_cookie) })
    }

    /// Refuses a form that does not carry the token of the cookie beside it.
    pub(crate) fn check_form(headers: &HeaderMap, https: bool, token: &str) -> Result<(), WebError> {
        let secret = cookie(headers, visitor_cookie(https)).ok_or(WebError::Forged)?;
        if same_bytes(csrf_token(secret).as_bytes(), token.as_bytes()) {
            Ok(())
        } else {
            Err(WebError::Forged)
        }
    }
}

/// Whether a request that changes something comes from a page of this very site, or from no browser
/// at all. Browsers say so in `Sec-Fetch-Site` (over TLS and on loopback) or else in `Origin`, which
/// every browser sends with a form; a program that sends neither carries nobody's cookies by accident.
pub(crate) fn is_from_here(headers: &HeaderMap, uri: &Uri) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Some((_, authority)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else {
        return false;
    };
    let host = uri.authority().map(|authority| authority.as_str());
    let host = host.or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()));
    host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
}

/// Whether a person's browser asks for a page. Browsers name HTML in `Accept`; programs such as curl
/// send `*/*` or nothing.
pub(crate) fn is_browser(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-mode")
        || headers
            .get_all(axum::http::header::ACCEPT)
            .iter()
            .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

/// Name of the session's cookie. The `__Host-` prefix makes browsers insist on `Secure`, on `Path=/` and
/// on this very host (RFC 6265bis section 4.1.3.2); without TLS they would refuse it.
pub(crate) fn session_cookie(https: bool) -> &'static str {
    if https { "__Host-umbrascope" } else { "umbrascope" }
}

fn visitor_cookie(https: bool) -> &'static str {
    if https { "__Host-umbrascope-form" } else { "umbrascope-form" }
}

/// Sets the session's cookie. It lasts as long as a session may; the server ends it before.
pub(crate) fn begin_session(secret: &str, https: bool) -> Result<HeaderValue, WebError> {
    let seconds = u32::try_from(ABSOLUTE_LIMIT_MS / 1_000).unwrap_or(u32::MAX);
    set_cookie(session_cookie(https), secret, Some(seconds), https)
}

/// Takes the session's cookie away.
pub(crate) fn end_session(https: bool) -> Result<HeaderValue, WebError> {
    set_cookie(session_cookie(https), "", Some(0), https)
}

/// Keeps the reader's choice of theme.
pub(crate) fn keep_theme(theme: Theme, https: bool) -> Result<HeaderValue, WebError> {
    let seconds = if theme == Theme::System { 0 } else { CHOICE_SECONDS };
    set_cookie(Theme::COOKIE, theme.as_str(), Some(seconds), https)
}

/// The reader's choice of theme.
pub(crate) fn theme(headers: &HeaderMap) -> Theme {
    cookie(headers, Theme::COOKIE).map(Theme::parse).unwrap_or_default()
}

/// Keeps the reader's choice of language.
pub(crate) fn keep_language(language: Language, https: bool) -> Result<HeaderValue, WebError> {
    set_cookie(Language::COOKIE, language.tag(), Some(CHOICE_SECONDS), https)
}

/// The language to answer in: the reader's choice, or what the browser asks for.
pub(crate) fn language(headers: &HeaderMap) -> Language {
    let chosen = cookie(headers, Language::COOKIE).and_then(Language::of_tag);
    chosen.unwrap_or_else(|| Language::accepted(headers))
}

/// The page of this site from which a form was sent, as the browser names it in `Referer`; nothing where it names none, or another site's.
pub(crate) fn sent_from(headers: &HeaderMap) -> Option<String> {
    let page: Uri = headers.get(REFERER)?.to_str().ok()?.parse().ok()?;
    let host = headers.get(HOST)?.to_str().ok()?;
    let ours = page.authority().is_some_and(|authority| authority.as_str().eq_ignore_ascii_case(host));
    ours.then(|| page.path_and_query().map_or("/", |path| path.as_str()).to_owned())
}

/// A path of this site to go to, or the start page: never another site's.
pub(crate) fn local_path(asked: &str) -> &str {
    let local = asked.starts_with('/')
        && !asked.starts_with("//")
        && !asked.contains('\\')
        && asked.len() <= 2_048
        && asked.bytes().all(|byte| (0x21..0x7F).contains(&byte));
    if local { asked } else { HOME }
}

fn set_cookie(name: &str, value: &str, max_age_s: Option<u32>, https: bool) -> Result<HeaderValue, WebError> {
    let secure = if https { "; Secure" } else { "" };
    let age = max_age_s.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}{secure}"))
        .map_err(|error| WebError::Work(error.into()))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, value)| *known == name && !value.is_empty())
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_form_of_another_site_is_told_from_ours() {
        let uri = Uri::from_static("/sign-out");
        for (sent, ours) in [
            (
                vec![("sec-fetch-site", "same-origin"), ("origin", "https://evil.example"), ("host", "here")],
                true,
            ),
            (vec![("sec-fetch-site", "cross-site"), ("host", "here")], false),
            (vec![("sec-fetch-site", "same-site"), ("host", "here")], false),
            (vec![("origin", "http://here:8443"), ("host", "here:8443")], true),
            (vec![("origin", "http://here:9999"), ("host", "here:8443")], false),
            (vec![("origin", "null"), ("host", "here")], false),
            (vec![("host", "here")], true),
        ] {
            assert_eq!(is_from_here(&headers(&sent), &uri), ours, "{sent:?}");
        }
    }

    #[test]
    fn only_paths_of_this_site_are_gone_to() {
        for path in ["/products?q=a", "/assets/1"] {
            assert_eq!(local_path(path), path);
        }
        for path in ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a b", "/a\r\nX: y"] {
            assert_eq!(local_path(path), HOME, "{path:?}");
        }
    }

    #[test]
    fn cookies_are_secure_over_tls_and_never_readable_by_scripts() {
        let secure = begin_session("abc", true).unwrap();
        assert_eq!(
            secure.to_str().unwrap(),
            "__Host-umbrascope=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800; Secure"
        );
        assert!(!begin_session("abc", false).unwrap().to_str().unwrap().contains("Secure"));
    }

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let sent = headers(&[("cookie", "xumbrascope=1; umbrascope=2; umbrascope-theme=dark")]);
        assert_eq!(cookie(&sent, "umbrascope"), Some("2"));
        assert_eq!(theme(&sent), Theme::Dark);
        assert_eq!(cookie(&sent, "__Host-umbrascope"), None);
    }

    #[test]
    fn a_form_before_sign_in_needs_the_cookie_it_was_made_with() {
        let visitor = Visitor::of(&HeaderMap::new(), false).unwrap();
        let cookie = visitor.set_cookie.unwrap();
        let sent = headers(&[("cookie", cookie.to_str().unwrap().split(';').next().unwrap())]);
        assert!(Visitor::check_form(&sent, false, &visitor.csrf).is_ok());
        assert!(Visitor::check_form(&sent, false, "guess").is_err());
        assert!(Visitor::check_form(&HeaderMap::new(), false, &visitor.csrf).is_err());
    }

    #[test]
    fn curl_is_no_browser() {
        assert!(!is_browser(&headers(&[("accept", "*/*")])));
        assert!(!is_browser(&HeaderMap::new()));
        assert!(is_browser(&headers(&[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")])));
    }
}
