//! `/scope/sites`: places and networks, and whether sensors look there.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{Done, not_done};
use crate::model::record::Tri;
use crate::model::{Access, Deed};
use crate::scope::{Site, SiteKind};
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::handlers::page;
use crate::web::language::{message, say, t};
use crate::web::pages::ScopeSitesPage;
use crate::web::{WebState, blocking};

/// Those that are entered.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<Done>,
) -> Result<Response, WebError> {
    let notice = match query.done.as_str() {
        "entered" => Some(t("It is entered.")),
        "changed" => Some(t("It is changed.")),
        _ => None,
    };
    sites_page(&state, &reader, notice, None).await
}

async fn sites_page(
    state: &WebState,
    reader: &Reader,
    notice: Option<&'static str>,
    problem: Option<String>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let governance = state.app.governance.clone();
    let sites = blocking(move || governance.sites()).await?;
    page(&ScopeSitesPage {
        frame: reader.frame(Here::Scope, notice),
        problem,
        writes: reader.user.grants.access(Deed::ProposeScope, &[]) >= Access::Write,
        sites: sites.into_iter().map(|held| (held.body, held.version)).collect(),
    })
}

/// A site as the form has it.
#[derive(Deserialize)]
pub(crate) struct SentSite {
    csrf: String,
    name: String,
    kind: String,
    #[serde(default)]
    place: String,
    sensor: String,
    #[serde(default)]
    closed: String,
    #[serde(default)]
    version: u64,
}

impl SentSite {
    /// The site, or what is wrong with it.
    fn site(&self, id: String) -> Result<Site, String> {
        let site = Site {
            id,
            name: self.name.trim().to_owned(),
            kind: SiteKind::parse(&self.kind).ok_or(t("choose what it is"))?,
            place: self.place.trim().to_owned(),
            sensor: Tri::parse(&self.sensor).ok_or(t("choose whether sensors look there"))?,
            closed: self.closed == "yes",
        };
        match site.faults().as_slice() {
            [] => Ok(site),
            faults => Err(say!("missing, too long, or with a control character: {0}", faults.join(", "))),
        }
    }
}

/// Enters one.
pub(crate) async fn add(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentSite>,
) -> Result<Response, WebError> {
    reader.must(Deed::ProposeScope, &[])?;
    reader.check_form(&sent.csrf)?;
    match sent.site(String::new()) {
        Ok(site) => {
            let (governance, act) = (state.app.governance.clone(), reader.act("by hand"));
            blocking(move || governance.add_site(site, act)).await?;
            Ok(Redirect::to("/scope/sites?done=entered").into_response())
        }
        Err(problem) => {
            sites_page(&state, &reader, None, Some(say!("Not entered: {0}.", message(&problem)))).await
        }
    }
}

/// Changes one.
pub(crate) async fn change(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<SentSite>,
) -> Result<Response, WebError> {
    reader.must(Deed::ProposeScope, &[])?;
    reader.check_form(&sent.csrf)?;
    let site = match sent.site(id) {
        Ok(site) => site,
        Err(problem) => {
            return sites_page(&state, &reader, None, Some(say!("Not changed: {0}.", message(&problem))))
                .await;
        }
    };
    let (governance, act) = (state.app.governance.clone(), reader.act("by hand").on(sent.version));
    match blocking(move || governance.change_site(site, act)).await? {
        Some(Ok(_)) => Ok(Redirect::to("/scope/sites?done=changed").into_response()),
        Some(Err(refused)) => sites_page(&state, &reader, None, Some(not_done(&refused))).await,
        None => Err(WebError::NotFound("site")),
    }
}
