//! What is new, what waits, and how it goes.

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use umbrascope_api::Day;

use super::{ROWS, StartQuery};
use crate::model::{Deed, Direction, PageRequest, ProductFilter, ProductSort, TrendBy};
use crate::store::{Queue, StoreError};
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::handlers::page;
use crate::web::language::t;
use crate::web::pages::{DoorTab, SecurityDoor, Tile, TrendView};
use crate::web::{WebState, blocking};

/// Days of the trend.
const DAYS: u32 = 30;
/// Parts of the trend; all that is smaller is one more.
const PARTS: usize = 6;

/// The page. Blocks.
pub(super) fn show(
    state: &WebState,
    reader: &Reader,
    doors: Vec<DoorTab>,
    query: &StartQuery,
) -> Result<Response, WebError> {
    let by = match query.by.as_str() {
        "" => TrendBy::default(),
        word => TrendBy::ALL
            .into_iter()
            .find(|by| by.as_str() == word)
            .ok_or_else(|| WebError::unknown_choice("by", word))?,
    };
    let notice = (query.done == "looked")
        .then_some(t("From now on, what is seen for the first time after this is new."));
    let (app, today) = (&state.app, Day::from_unix_ms(reader.now_ms));
    let (least, sight) = (reader.least(app)?, reader.sight(app)?);
    let look = app.people.last_look(reader.user.id)?;
    let news = ProductFilter { newer_than: Some(look.product), least, ..ProductFilter::default() };
    let first = PageRequest { offset: 0, limit: ROWS };
    let news = app.store.products(&news, ProductSort::FirstSeen, Direction::Descending, first, today)?;
    let counts = app.governance.work_counts(reader.user.id, &sight, reader.now_ms)?;
    let queue = |queue| {
        let none = PageRequest { offset: 0, limit: 0 };
        Ok::<_, StoreError>(app.governance.queue(queue, &reader.who(), none)?.total)
    };
    let mut tiles = vec![
        Tile::new("/triage", t("New to look at"), queue(Queue::New)?),
        Tile::new("/triage?queue=reopened", t("Open again"), queue(Queue::Reopened)?),
        Tile::new("/triage?queue=requests", t("To decide"), queue(Queue::Requests)?),
        Tile::new("/findings", t("Open findings"), counts.open_findings)
            .noted(counts.overdue_findings, t("overdue")),
        Tile::new("/tasks?who=me", t("Your tasks"), counts.my_tasks),
    ];
    if app.store.suspect_setting(reader.now_ms)?.since_ms().is_some() {
        let suspects = app.store.suspects(false, PageRequest { offset: 0, limit: 1 })?.total;
        tiles.push(Tile::new("/suspects", t("Suspects"), suspects));
    }
    // Parts of a trend are of small groups: it is for who may see what was found on each machine.
    let trend = match least {
        0 => Some(TrendView::of(by, app.people.trend(by, today, DAYS, PARTS)?, today)),
        _ => None,
    };
    let totals = app.store.totals(today, reader.now_ms)?;
    page(&SecurityDoor {
        frame: reader.frame(Here::Start, notice),
        doors,
        tiles,
        looked_at_ms: look.at_ms,
        all_news: news.total,
        news: news.rows.into_iter().map(|row| row.at_least(least)).collect(),
        least,
        trend,
        sensors: (totals.sensors_reporting, totals.sensors),
    })
}

/// That one has looked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentLook {
    csrf: String,
}

/// `POST /looked`.
pub(crate) async fn looked(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentLook>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    reader.check_form(&sent.csrf)?;
    let (people, person, now_ms) = (state.app.people.clone(), reader.user.id, reader.now_ms);
    blocking(move || people.look(person, now_ms)).await?;
    Ok(Redirect::to("/start/security?done=looked").into_response())
}
