//! `/findings`: what the records ask of people.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{page, work};
use crate::findings::Step;
use crate::model::Deed;
use crate::model::finding::{Cause, DueDays, FindingFilter, FindingState, Rule, Severity};
use crate::model::governed::Governed as _;
use crate::model::task::{Link, LinkKind, Purpose};
use crate::store::Changed;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{key, say, t};
use crate::web::list::{Choice, Pager, Select, page_number, rows_of};
use crate::web::pages::{FindingPage, FindingsPage};
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// Words of an address that narrow the list.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct FindingQuery {
    /// `open` where nothing is said, `all`, or a state.
    pub(crate) state: String,
    /// `me`, or the number of a person.
    pub(crate) who: String,
    /// A rule.
    pub(crate) rule: String,
    /// A severity.
    pub(crate) severity: String,
    /// Number of a unit.
    pub(crate) unit: String,
    /// Number of the page, from 1.
    pub(crate) page: String,
    /// What was just done.
    pub(crate) done: String,
}

/// The word of findings that were closed or dismissed while what they ask still holds.
const STILL_HOLDING: &str = "still-holding";

impl FindingQuery {
    /// The filter; a word that is no choice is told of. Who does not read the inventory sees what is assigned to them.
    pub(crate) fn filter(&self, reader: &Reader) -> Result<FindingFilter, WebError> {
        let state = match self.state.as_str() {
            "" | "open-all" | "all" | STILL_HOLDING => None,
            word => Some(FindingState::parse(word).ok_or_else(|| WebError::unknown_choice("state", word))?),
        };
        let assignee = match self.who.as_str() {
            _ if !work::see_all(reader) => Some(reader.user.id),
            "" => None,
            "me" => Some(reader.user.id),
            word => work::number(word)?,
        };
        let rule = match self.rule.as_str() {
            "" => None,
            word => Some(Rule::parse(word).ok_or_else(|| WebError::unknown_choice("rule", word))?),
        };
        let severity = match self.severity.as_str() {
            "" => None,
            word => Some(Severity::parse(word).ok_or_else(|| WebError::unknown_choice("severity", word))?),
        };
        let unit = match self.unit.as_str() {
            "" => None,
            word => Some(word.parse().map_err(|_| WebError::unknown_choice("unit", word))?),
        };
        let open = self.state.is_empty() || self.state == "open-all";
        let still_holding = self.state == STILL_HOLDING;
        Ok(FindingFilter {
            state,
            open,
            still_holding,
            assignee,
            rule,
            severity,
            unit,
            ..FindingFilter::default()
        })
    }
}

/// The list.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<FindingQuery>,
) -> Result<Response, WebError> {
    findings_page(state, reader, query, Vec::new()).await
}

async fn findings_page(
    state: WebState,
    reader: Reader,
    query: FindingQuery,
    left: Vec<(String, String)>,
) -> Result<Response, WebError> {
    let filter = query.filter(&reader)?;
    let number = page_number(&query.page)?;
    let notice = match query.done.as_str() {
        "assigned" => Some(t("The chosen findings are assigned.")),
        "days" => Some(t("The days are set.")),
        _ => None,
    };
    let here = Address::new("/findings")
        .with("state", query.state.as_str())
        .with("who", query.who.as_str())
        .with("rule", query.rule.as_str())
        .with("severity", query.severity.as_str())
        .with("unit", query.unit.as_str());
    let frame = reader.frame(Here::Findings, notice);
    blocking(move || {
        let (governance, sight) = (&state.app.governance, reader.sight(&state.app)?);
        let filtered = filter != FindingFilter { open: true, ..FindingFilter::default() };
        let filter = FindingFilter { sight: sight.clone(), ..filter };
        let found = governance.findings(&filter, rows_of(number))?;
        let triages = reader.must_somewhere(Deed::Triage).is_ok();
        page(&FindingsPage {
            frame,
            counts: governance.work_counts(reader.user.id, &sight, reader.now_ms)?,
            selects: selects(&state, &query)?,
            filtered,
            pager: Pager::new((number, found.rows.len(), found.total), "finding", &here, "page"),
            rows: found.rows,
            people: work::people(&state, &home(&reader), [])?,
            triages,
            left,
            due_days: governance.due_days()?,
            sets_days: reader.must(Deed::Decide, &[]).is_ok(),
        })
    })
    .await
}

fn selects(state: &WebState, query: &FindingQuery) -> Result<Vec<Select>, WebError> {
    let select = |name, label, all, chosen: &str, words: Vec<(&'static str, &'static str)>| Select {
        name,
        label,
        all,
        options: words
            .into_iter()
            .map(|(value, label)| Choice {
                value: value.to_owned(),
                label: t(label).to_owned(),
                chosen: value == chosen,
            })
            .collect(),
    };
    let states = [("all", t("Every state")), (STILL_HOLDING, t("Answered, and still so"))]
        .into_iter()
        .chain(FindingState::choices())
        .collect();
    Ok(vec![
        select("state", t("State"), t("to be answered"), &query.state, states),
        select("who", t("Assigned to"), "anybody", &query.who, vec![("me", key("me"))]),
        select("rule", t("Rule"), t("every rule"), &query.rule, Rule::choices()),
        select("severity", t("Severity"), "any", &query.severity, Severity::choices()),
        Select::units(&state.app.people.all_units()?, query.unit.parse().ok()),
    ])
}

/// One finding.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(reference): Path<String>,
    Query(query): Query<FindingQuery>,
) -> Result<Response, WebError> {
    let notice = (!query.done.is_empty()).then_some(t("It is done."));
    let frame = reader.frame(Here::Findings, notice);
    blocking(move || {
        reader.must_see(&state.app, LinkKind::Finding, &reference, "finding")?;
        let row = state.app.governance.finding(&reference)?;
        let row = row.ok_or(WebError::NotFound("finding"))?;
        let finding = &row.held.body;
        work::may_see(&reader, finding.assignee)?;
        let link = Link::to(LinkKind::Finding, &finding.id);
        let shown = finding.reference.clone();
        let back = format!("/findings/{shown}");
        let triages = work::triages(&reader, &finding.units());
        let works = triages || work::works(&reader, finding.assignee);
        let purpose = match finding.rule {
            Rule::SupplierAssessmentMissing => Purpose::SupplierAssessment,
            Rule::ImpactAssessmentMissing => Purpose::ImpactAssessment,
            Rule::ProhibitedSeen => Purpose::Removal,
            _ => Purpose::Correction,
        };
        let units = state.app.people.all_units()?;
        let named = [
            finding.assignee,
            finding.closing.as_ref().and_then(|closing| closing.by),
            finding.cause.as_ref().map(|cause| cause.by),
            finding.effect.as_ref().map(|effect| effect.by),
        ];
        let history = work::history(&state, crate::model::finding::Finding::KIND, &finding.id)?;
        let named = named.into_iter().chain(work::actors(&history));
        page(&FindingPage {
            frame,
            units: finding
                .units
                .iter()
                .map(|number| {
                    let unit = units.iter().find(|unit| unit.id == *number);
                    unit.map_or_else(|| say!("unit {0}", number), |unit| unit.name.clone())
                })
                .collect(),
            triages,
            works,
            people: work::people(&state, &finding.units(), named)?,
            tasks: work::tasks(
                &state,
                &reader,
                (link.clone(), &finding.units()),
                &shown,
                &back,
                works,
                purpose,
            )?,
            documents: work::documents(&state, &reader, link, &shown, &back, works)?,
            history,
            row,
        })
    })
    .await
}

/// Units of the reader's own roles.
pub(super) fn home(reader: &Reader) -> Vec<i64> {
    reader.user.grants.0.iter().filter_map(|grant| grant.unit).collect()
}

/// Takes a step on one finding.
pub(crate) async fn step(
    State(state): State<WebState>,
    reader: Reader,
    Path(reference): Path<String>,
    Form(sent): Form<work::SentStep>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    let person = work::person(&state, &sent.person).await?;
    let worked = match sent.worked.as_str() {
        "" => None,
        "yes" => Some(true),
        "no" => Some(false),
        other => return Err(WebError::unknown_choice("worked", other)),
    };
    let (day, reason, evidence) = (sent.day, sent.reason, sent.evidence);
    let step = step_of(&sent.step, ToldStep { person, day, reason, evidence, cause: sent.cause, worked })?;
    let mut act = reader.act("");
    act.version = sent.version.parse().ok();
    let changed =
        blocking(move || state.app.governance.step_finding(&reference, step, reader.who(), act)).await?;
    let held = work::done(changed, "finding")?;
    Ok(Redirect::to(&format!("/findings/{}?done=step", held.body.reference)).into_response())
}

/// What is told with a step on a finding.
#[derive(Debug, Default)]
pub(crate) struct ToldStep {
    /// Number of a person.
    pub(crate) person: Option<i64>,
    /// A day; empty: none.
    pub(crate) day: String,
    /// Why.
    pub(crate) reason: String,
    /// What shows it.
    pub(crate) evidence: String,
    /// The word of a cause; empty: none.
    pub(crate) cause: String,
    /// Whether what was done worked.
    pub(crate) worked: Option<bool>,
}

/// The step that words name.
pub(crate) fn step_of(word: &str, told: ToldStep) -> Result<Step, WebError> {
    let ToldStep { person, day, reason, evidence, cause, worked } = told;
    Ok(match word {
        "assign" => Step::Assign(person),
        "due" => Step::Due(work::day(&day)?.ok_or(WebError::BadRequest)?),
        "start" => Step::Start,
        "close" => Step::Close { reason, evidence },
        "dismiss" => Step::Dismiss { reason },
        "reopen" => Step::Reopen { reason },
        "cause" => Step::Cause {
            cause: Cause::parse(&cause).ok_or_else(|| WebError::unknown_choice("cause", &cause))?,
            note: reason,
        },
        "effect" => Step::Effect {
            worked: worked.ok_or_else(|| WebError::unknown_choice("worked", ""))?,
            note: reason,
        },
        other => return Err(WebError::unknown_choice("step", other)),
    })
}

/// Assigns several.
pub(crate) async fn assign(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let one = |name: &str| sent.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    reader.check_form(one("csrf"))?;
    reader.must_somewhere(Deed::Triage)?;
    let step = Step::Assign(work::person(&state, one("person")).await?);
    let back = work::back(one("back"), "/findings");
    let chosen: Vec<String> =
        sent.iter().filter(|(key, _)| key == "finding").map(|(_, value)| value.clone()).collect();
    let left = assign_many(&state, &reader, chosen, step).await?;
    if left.is_empty() {
        let joint = if back.contains('?') { '&' } else { '?' };
        let back = if back.contains("done=") { back } else { format!("{back}{joint}done=assigned") };
        return Ok(Redirect::to(&back).into_response());
    }
    findings_page(state, reader, FindingQuery::default(), left).await
}

/// What several came to: those that were left, and why.
async fn assign_many(
    state: &WebState,
    reader: &Reader,
    chosen: Vec<String>,
    step: Step,
) -> Result<Vec<(String, String)>, WebError> {
    let (governance, who) = (state.app.governance.clone(), reader.who());
    let mut act = reader.act("");
    act.batch = Some(format!("findings:{}:{}", reader.user.id, reader.now_ms));
    let came_to = blocking(move || governance.step_findings(chosen, step, who, act)).await?;
    let left = |(reference, changed): (String, Changed<_>)| match changed {
        Some(Ok(_)) => None,
        Some(Err(refused)) => Some((reference, refused.to_string())),
        None => Some((reference, t("there is no such finding").to_owned())),
    };
    Ok(came_to.into_iter().filter_map(left).collect())
}

/// The days as the form has them.
#[derive(Debug, Deserialize)]
pub(crate) struct SentDays {
    csrf: String,
    #[serde(flatten)]
    days: std::collections::BTreeMap<String, String>,
}

/// Sets the days within which findings are to be answered: for who decides, for the whole organisation.
pub(crate) async fn set_due_days(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentDays>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    reader.must(Deed::Decide, &[])?;
    let number = |name: &'static str| {
        let typed = sent.days.get(name).map_or("", String::as_str);
        let days = typed.parse().ok().filter(|days| *days <= DueDays::MAX);
        days.ok_or_else(|| WebError::unknown_choice(name, typed))
    };
    let days = DueDays {
        low: number("low")?,
        medium: number("medium")?,
        high: number("high")?,
        critical: number("critical")?,
    };
    let act = reader.act("");
    blocking(move || state.app.governance.set_due_days(days, act)).await?;
    Ok(Redirect::to("/findings?done=days").into_response())
}
