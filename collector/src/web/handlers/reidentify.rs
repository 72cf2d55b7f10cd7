//! `/reidentification`: whether names of accounts are sealed and kept, which takes two people, and the requests to learn whose one is.

use std::collections::BTreeSet;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use umbrascope_api::{Day, PrivacyKey};

use super::page;
use crate::AppState;
use crate::model::governed::{Governed, Held, TrailFilter, TrailRow};
use crate::model::{Access, AssetDetail, AssetId, Deed, Grants, PageRequest, Role};
use crate::reidentify::key::SealedFile;
use crate::reidentify::{self, Asked, Request, Setting, SettingStep, Step};
use crate::store::StoreError;
use crate::web::entries::{people_of_rows, views};
use crate::web::error::{WebError, status_of};
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{message, say, t};
use crate::web::list::{ListQuery, Pager, page_number, rows_of};
use crate::web::names::Names;
use crate::web::pages::{
    AskForm, MonthReport, NameRequestView, ReidentificationNewPage, ReidentificationPage,
    ReidentificationReportPage, ReidentificationRequestPage,
};
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// Longest reason, in characters.
const REASON_CHARS: usize = 2_000;
/// Entries of a month that its report lists. More than that takes more people than there are.
const MONTH_ENTRIES: u32 = 500;

/// Whose requests somebody reads: `Some(None)` everybody's, `Some(Some(person))` that person's, `None` nobody's.
pub(crate) fn reads(grants: &Grants, person: i64) -> Option<Option<i64>> {
    match grants.access(Deed::Reidentify, &[]) {
        Access::Read | Access::Write => Some(None),
        _ => (grants.access_somewhere(Deed::Reidentify) > Access::No).then_some(Some(person)),
    }
}

/// The setting and the requests.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    let notice = match query.done.as_str() {
        "ask" => Some(t(
            "It is asked for. A privacy officer who is another person has to confirm within seven days.",
        )),
        "confirm" => {
            Some(t("It is on. Sensors whose configuration names the same key begin with their next report."))
        }
        "withdraw" => Some(t("It is withdrawn, and the sealed names that were kept are deleted.")),
        _ => None,
    };
    list_page(state, reader, &query, notice, None).await
}

async fn list_page(
    state: WebState,
    reader: Reader,
    query: &ListQuery,
    notice: Option<&'static str>,
    problem: Option<(String, String)>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let number = page_number(&query.page)?;
    blocking(move || {
        let governance = &state.app.governance;
        let setting = governance.reidentification(reader.now_ms)?;
        let reach = reads(&reader.user.grants, reader.user.id);
        let found = match reach {
            Some(by) => governance.reidentifications(by, rows_of(number))?,
            None => crate::model::Page { rows: Vec::new(), total: 0 },
        };
        let names = Names::load(&state.app, &people(&setting, &found.rows))?;
        let address = Address::new("/reidentification");
        let pager = Pager::new((number, found.rows.len(), found.total), "request", &address, "page");
        let (problem, key) = problem.unzip();
        page(&ReidentificationPage {
            frame: reader.frame(Here::Privacy, notice),
            kept: governance.sealed_names()?,
            asked: setting.asked.as_ref().map(|asked| (names.person(asked.by), asked.by == reader.user.id)),
            on: setting.on.as_ref().map(|on| (names.person(on.asked_by), names.person(on.confirmed_by))),
            setting,
            problem,
            key: key.unwrap_or_default(),
            everybody: reach == Some(None),
            shown: reach.is_some(),
            rows: found
                .rows
                .iter()
                .map(|held| NameRequestView::of(&held.body, &names, reader.now_ms))
                .collect(),
            pager,
        })
    })
    .await
}

fn people(setting: &Setting, requests: &[Held<Request>]) -> BTreeSet<i64> {
    let asked = setting.asked.iter().map(|asked| asked.by);
    let on = setting.on.iter().flat_map(|on| [on.asked_by, on.confirmed_by]);
    asked.chain(on).chain(requests.iter().flat_map(|held| held.body.people())).collect()
}

/// A step of the setting as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentSetting {
    csrf: String,
    step: String,
    key: String,
    reason: String,
}

/// The step of a word; the key goes with the asking alone.
pub(crate) fn setting_step(word: &str, key: &str) -> Result<SettingStep, WebError> {
    match word {
        "ask" => {
            let key: PrivacyKey = key.trim().parse().map_err(|error| {
                WebError::Guarded(crate::review::Refused {
                    guard: crate::review::Guard::Fields,
                    missing: vec!["key".to_owned()],
                    says: say!("{0}: `umbrascope-collector privacy-key new` prints one", error),
                })
            })?;
            Ok(SettingStep::Ask(key))
        }
        "confirm" => Ok(SettingStep::Confirm),
        "withdraw" => Ok(SettingStep::Withdraw),
        other => Err(WebError::unknown_choice("step", other)),
    }
}

/// Asks that names are sealed, confirms it or withdraws it. Who may not is told by the guard, and the trail has it.
pub(crate) async fn step_setting(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentSetting>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    reader.check_form(&sent.csrf)?;
    let came = match setting_step(&sent.step, &sent.key) {
        Ok(step) => {
            let (governance, who, act) =
                (state.app.governance.clone(), reader.who(), reader.act(cut(&sent.reason)));
            blocking(move || governance.step_reidentification(step, who, act)).await?
        }
        Err(WebError::Guarded(refused)) => Err(refused),
        Err(error) => return Err(error),
    };
    match came {
        Ok(_) => Ok(Redirect::to(&format!("/reidentification?done={}", sent.step)).into_response()),
        Err(refused) => {
            let problem = Some((say!("That was not done: {0}.", message(&refused)), sent.key));
            let page = list_page(state, reader, &ListQuery::default(), None, problem).await?;
            Ok((status_of(refused.guard), page).into_response())
        }
    }
}

fn cut(reason: &str) -> String {
    reason.trim().chars().take(REASON_CHARS).collect()
}

/// What is to be asked, as the address or the form has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentAsk {
    csrf: String,
    asset: String,
    product: String,
    account: String,
    ticket: String,
    hours: String,
    reason: String,
}

/// The form for a request. Reading which accounts there are is noted as a reading of the machine.
pub(crate) async fn new_form(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<SentAsk>,
) -> Result<Response, WebError> {
    new_page(&state, &reader, query, None).await
}

async fn new_page(
    state: &WebState,
    reader: &Reader,
    sent: SentAsk,
    problem: Option<String>,
) -> Result<Response, WebError> {
    let asset = AssetId(sent.asset.parse().map_err(|_| WebError::NotFound("asset"))?);
    let (detail, accounts) = accounts(state, reader, asset, &sent.product).await?;
    let product = detail.products.iter().find(|product| product.row.id == sent.product);
    let product = product.ok_or(WebError::NotFound("product on this asset"))?.row.name.clone();
    page(&ReidentificationNewPage {
        frame: reader.frame(Here::Assets, None),
        problem,
        asset: asset.0,
        hostname: detail.row.hostname,
        product: (sent.product, product),
        accounts,
        form: AskForm {
            account: sent.account,
            ticket: sent.ticket,
            hours: if sent.hours.is_empty() { "24".to_owned() } else { sent.hours },
            reason: sent.reason,
        },
    })
}

/// A machine and the pseudonyms on it that may be asked about, for who may ask about it; the reading is noted.
pub(crate) async fn accounts(
    state: &WebState,
    reader: &Reader,
    asset: AssetId,
    product: &str,
) -> Result<(AssetDetail, Vec<String>), WebError> {
    reader.check_scope(Deed::Reidentify, Access::Propose)?;
    reader.user.grants.check_somewhere(Deed::Reidentify, Access::Propose)?;
    let detail = super::assets::read(state, reader, asset, Day::from_unix_ms(reader.now_ms)).await?;
    reader.user.grants.check(Deed::Reidentify, Access::Propose, &[detail.row.unit_id])?;
    let (governance, product) = (state.app.governance.clone(), product.to_owned());
    let accounts = blocking(move || governance.accounts_of(asset, &product)).await?;
    Ok((detail, accounts))
}

/// Makes a request.
pub(crate) async fn ask(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentAsk>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    reader.check_form(&sent.csrf)?;
    let asked = Asked {
        asset: sent.asset.parse().map_err(|_| WebError::NotFound("asset"))?,
        account: sent.account.clone(),
        product: sent.product.clone(),
        ticket: sent.ticket.clone(),
        hours: sent.hours.trim().parse().unwrap_or(0),
    };
    let (governance, who, act) = (state.app.governance.clone(), reader.who(), reader.act(cut(&sent.reason)));
    match blocking(move || governance.ask_reidentification(asked, who, act)).await? {
        Ok(held) => {
            Ok(Redirect::to(&format!("/reidentification/{}?done=asked", held.body.id)).into_response())
        }
        Err(refused) => {
            let status = status_of(refused.guard);
            if !reader.user.grants.access_somewhere(Deed::Reidentify).ge(&Access::Propose) {
                return Err(WebError::Guarded(refused));
            }
            let problem = Some(say!("That was not asked: {0}.", message(&refused)));
            let page = new_page(&state, &reader, sent, problem).await?;
            Ok((status, page).into_response())
        }
    }
}

/// A request that the reader may read. To others it is not there.
pub(crate) async fn readable(state: &WebState, reader: &Reader, id: &str) -> Result<Held<Request>, WebError> {
    reader.check_scope(Deed::Reidentify, Access::Read)?;
    let reach = reads(&reader.user.grants, reader.user.id).ok_or(crate::model::Refused {
        deed: Deed::Reidentify,
        access: Access::Read,
        elsewhere: false,
    })?;
    let (governance, id) = (state.app.governance.clone(), id.to_owned());
    let held = blocking(move || governance.reidentification_request(&id)).await?;
    let mine = |held: &Held<Request>| reach.is_none_or(|person| held.body.asked.by == person);
    held.filter(mine).ok_or(WebError::NotFound("request"))
}

/// One request.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    let notice = match query.done.as_str() {
        "asked" => Some(t("It is asked for. Two privacy officers have to approve it within seven days.")),
        "approve" => Some(t("It is approved.")),
        "decline" => Some(t("It is declined.")),
        "withdraw" => Some(t("It is taken back.")),
        "close" => Some(t("It is closed. Nothing can be taken any more.")),
        _ => None,
    };
    request_page(&state, &reader, &id, notice, None).await
}

async fn request_page(
    state: &WebState,
    reader: &Reader,
    id: &str,
    notice: Option<&'static str>,
    problem: Option<String>,
) -> Result<Response, WebError> {
    let held = readable(state, reader, id).await?;
    let app = state.app.clone();
    let of = held.body.id.clone();
    let (rows, names) = blocking(move || {
        let filter =
            TrailFilter { kind: Some(Request::KIND.to_owned()), id: Some(of), ..TrailFilter::default() };
        let rows = app.governance.trail(&filter, PageRequest { offset: 0, limit: 100 })?.rows;
        let mut wanted = people_of_rows(&rows);
        wanted.extend(held.body.people());
        let names = Names::load(&app, &wanted)?;
        Ok::<_, StoreError>(((rows, held), names))
    })
    .await?;
    let ((rows, held), names) = (rows, names);
    let request = held.body;
    let offered = Step::ALL
        .into_iter()
        .filter(|step| reidentify::take(&request, *step, &reader.who(), reader.now_ms).is_ok());
    page(&ReidentificationRequestPage {
        frame: reader.frame(Here::Privacy, notice),
        problem,
        offered: offered.collect(),
        machine: reader.may_read(Deed::ReadMachines, &[request.unit]),
        view: NameRequestView::of(&request, &names, reader.now_ms),
        pager: Pager::new((1, rows.len(), rows.len() as u64), "event", &Address::new("/"), "page"),
        history: views(&rows, rows.len(), &names, None),
        request,
    })
}

/// A step of a request as the form has it.
#[derive(Debug, Deserialize)]
pub(crate) struct SentStep {
    csrf: String,
    step: String,
    #[serde(default)]
    reason: String,
}

/// Approves a request, declines it, takes it back or closes it.
pub(crate) async fn step(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<SentStep>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    reader.check_form(&sent.csrf)?;
    let step = Step::parse(&sent.step).filter(|step| *step != Step::Take).ok_or(WebError::BadRequest)?;
    match make_step(&state, &reader, &id, step, &sent.reason).await {
        Ok(_) => Ok(Redirect::to(&format!("/reidentification/{id}?done={}", step.as_str())).into_response()),
        Err(WebError::Guarded(refused)) if readable(&state, &reader, &id).await.is_ok() => {
            let problem = Some(say!("That was not done: {0}.", message(&refused)));
            let page = request_page(&state, &reader, &id, None, problem).await?;
            Ok((status_of(refused.guard), page).into_response())
        }
        Err(error) => Err(error),
    }
}

/// Takes a step of a request in the reader's name; approving takes that they signed in a moment ago.
pub(crate) async fn make_step(
    state: &WebState,
    reader: &Reader,
    id: &str,
    step: Step,
    reason: &str,
) -> Result<Held<Request>, WebError> {
    reader.check_scope(Deed::Reidentify, Access::Propose)?;
    if step == Step::Approve {
        officer_is_fresh(reader, id)?;
    }
    let (governance, who, act) = (state.app.governance.clone(), reader.who(), reader.act(cut(reason)));
    let id = id.to_owned();
    let came = blocking(move || governance.step_request(&id, step, who, act)).await?;
    came.ok_or(WebError::NotFound("request"))?.map_err(WebError::Guarded)
}

/// Refuses a privacy officer who has not signed in again within five minutes. Anybody else is refused by the guard, whose refusal is noted.
fn officer_is_fresh(reader: &Reader, id: &str) -> Result<(), WebError> {
    match reader.user.grants.hold(Role::PrivacyOfficer, &[]) {
        true => reader.must_be_fresh_for(&format!("/reidentification/{id}")),
        false => Ok(()),
    }
}

/// The sealed name, as a file. By a form and not by a link, for it leaves an entry in the trail.
pub(crate) async fn name(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<SentName>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    reader.check_form(&sent.csrf)?;
    match take_name(&state, &reader, &id).await {
        Ok(file) => {
            let text = serde_json::to_string_pretty(&file).map_err(|error| WebError::Work(error.into()))?;
            let name = format!("attachment; filename=\"umbrascope-{}.sealed.json\"", file.request);
            let headers = [(CONTENT_TYPE, "application/json".to_owned()), (CONTENT_DISPOSITION, name)];
            Ok((headers, text).into_response())
        }
        Err(WebError::Guarded(refused)) if readable(&state, &reader, &id).await.is_ok() => {
            let problem = Some(say!("Nothing was taken: {0}.", message(&refused)));
            let page = request_page(&state, &reader, &id, None, problem).await?;
            Ok((status_of(refused.guard), page).into_response())
        }
        Err(error) => Err(error),
    }
}

/// The form that asks for the sealed name.
#[derive(Debug, Deserialize)]
pub(crate) struct SentName {
    csrf: String,
}

/// Takes the sealed name in the reader's name, who signed in a moment ago.
pub(crate) async fn take_name(state: &WebState, reader: &Reader, id: &str) -> Result<SealedFile, WebError> {
    reader.check_scope(Deed::Reidentify, Access::Write)?;
    officer_is_fresh(reader, id)?;
    let (governance, who, act, id) =
        (state.app.governance.clone(), reader.who(), reader.act(""), id.to_owned());
    let came = blocking(move || governance.take_sealed(&id, who, act)).await?;
    came.ok_or(WebError::NotFound("request"))?.map_err(WebError::Guarded)
}

/// Which month, `2026-11`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Month {
    /// Year and month.
    pub(crate) month: String,
}

/// The report of a month, or of the present one, for who reads of everybody's requests. Blocking.
pub(crate) fn month_report(state: &AppState, reader: &Reader, asked: &str) -> Result<MonthReport, WebError> {
    reader.check_scope(Deed::Reidentify, Access::Read)?;
    if reads(&reader.user.grants, reader.user.id) != Some(None) {
        reader.user.grants.check(Deed::Reidentify, Access::Write, &[])?;
    }
    let today = Day::from_unix_ms(reader.now_ms).to_string();
    let month = if asked.is_empty() { today[..7].to_owned() } else { asked.to_owned() };
    let days = days_of(&month).ok_or_else(|| WebError::unknown_choice("month", asked))?;
    let (mut rows, mut total) = (Vec::new(), 0);
    for kind in [Request::KIND, Setting::KIND] {
        let filter = TrailFilter {
            kind: Some(kind.to_owned()),
            from_ms: Some(days.0.unix_ms()),
            before_ms: Some(days.1.unix_ms()),
            ..TrailFilter::default()
        };
        let found = state.governance.trail(&filter, PageRequest { offset: 0, limit: MONTH_ENTRIES })?;
        total += found.total;
        rows.extend(found.rows);
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.seq));
    let of = |action: &str| rows.iter().filter(|row| row.outcome == "done" && row.action == action).count();
    let counts = [
        (t("asked for"), of("reidentification.ask")),
        (t("approvals"), of("reidentification.approve")),
        (t("declined"), of(Step::Decline.action())),
        (t("taken back"), of(Step::Withdraw.action())),
        (t("sealed names taken"), of(Step::Take.action())),
        (t("closed"), of(Step::Close.action())),
        (t("refused"), rows.iter().filter(|row| row.outcome != "done").count()),
    ];
    Ok(MonthReport {
        month,
        days,
        counts: counts.map(|(what, count)| (what, count as u64)).to_vec(),
        rows,
        total,
        setting: state.governance.reidentification(reader.now_ms)?,
        kept: state.governance.sealed_names()?,
    })
}

/// The first day of a month, and of the next one.
fn days_of(month: &str) -> Option<(Day, Day)> {
    let first: Day = format!("{month}-01").parse().ok()?;
    let next = (28..=31).map(|days| first.forward(days)).find(|day| day.to_string().ends_with("-01"))?;
    Some((first, next))
}

/// What happened in a month.
pub(crate) async fn report(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<Month>,
) -> Result<Response, WebError> {
    blocking(move || {
        let report = month_report(&state.app, &reader, &query.month)?;
        let names = Names::load(&state.app, &people_of_rows(&report.rows))?;
        let (shown, object) = (report.rows.len(), super::trail::object as fn(&TrailRow) -> _);
        let before = report.days.0.back(1).to_string()[..7].to_owned();
        let next = report.days.1.to_string()[..7].to_owned();
        page(&ReidentificationReportPage {
            frame: reader.frame(Here::Privacy, None),
            before,
            next: (report.days.1.unix_ms() <= reader.now_ms).then_some(next),
            pager: Pager::new((1, shown, shown as u64), "event", &Address::new("/"), "page"),
            history: views(&report.rows, shown, &names, Some(object)),
            report,
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let days = |month| days_of(month).map(|(first, next)| (first.to_string(), next.to_string()));
        let some = |first: &str, next: &str| Some((first.to_owned(), next.to_owned()));
        assert_eq!(days("2026-11"), some("2026-11-01", "2026-12-01"));
        assert_eq!(days("2026-12"), some("2026-12-01", "2027-01-01"));
        assert_eq!(days("2028-02"), some("2028-02-01", "2028-03-01"));
        for wrong in ["", "2026", "2026-13", "2026-11-01", "x"] {
            assert_eq!(days(wrong), None, "{wrong}");
        }
    }
}
