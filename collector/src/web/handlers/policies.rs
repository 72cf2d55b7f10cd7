//! `/policies`: versions of the AI policy that decisions cite, and the limits that decisions keep to.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use umbrascope_api::Day;

use super::page;
use crate::model::Deed;
use crate::model::governed::Actor;
use crate::model::policy::{Limits, Policy, in_force};
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::t;
use crate::web::list::ListQuery;
use crate::web::names::Names;
use crate::web::pages::{LimitsForm, PoliciesPage, PolicyForm, PolicyRow};
use crate::web::{WebState, blocking};

/// Versions and limits.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    let notice = match query.done.as_str() {
        "policy" => {
            Some(t("The policy is recorded. Decisions cite the version that is in force on their day."))
        }
        "limits" => Some(t("The limits are set. They hold from now on; what was decided before stays.")),
        _ => None,
    };
    policies_page(&state, &reader, notice, None, None).await
}

/// Whether somebody may record a policy: who answers for the management system, or administers.
pub(crate) fn may_record(reader: &Reader) -> Result<(), WebError> {
    reader.must(Deed::ManagePeople, &[]).or_else(|_| reader.must(Deed::DecideScope, &[]))
}

/// A policy as a form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentPolicy {
    csrf: String,
    version: String,
    title: String,
    link: String,
    sha256: String,
    approved_by: String,
    from: String,
    until: String,
    reason: String,
}

/// Records a version.
pub(crate) async fn add(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentPolicy>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    may_record(&reader)?;
    let form = PolicyForm {
        version: sent.version,
        title: sent.title,
        link: sent.link,
        sha256: sent.sha256,
        approved_by: sent.approved_by,
        from: sent.from,
        until: sent.until,
        reason: sent.reason,
        problem: None,
    };
    let day = |text: &str| text.trim().parse::<Day>();
    let read =
        day(&form.from).map_err(|_| t("choose the first day of its force").to_owned()).and_then(|from| {
            let until = match form.until.trim() {
                "" => None,
                text => Some(day(text).map_err(|_| t("the last day is no day").to_owned())?),
            };
            let said = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
            Policy {
                version: form.version.trim().to_owned(),
                title: form.title.trim().to_owned(),
                link: said(&form.link),
                sha256: said(&form.sha256),
                approved_by: form.approved_by.trim().to_owned(),
                from,
                until,
            }
            .checked()
        });
    let problem = match read {
        Ok(policy) => {
            let act = reader.act(form.reason.trim());
            let governance = state.app.governance.clone();
            match blocking(move || governance.add_policy(policy, act)).await? {
                Some(_) => return Ok(Redirect::to("/policies?done=policy").into_response()),
                None => {
                    t("there is a policy of that version already: a new text is a new version").to_owned()
                }
            }
        }
        Err(problem) => problem,
    };
    policies_page(&state, &reader, None, Some(PolicyForm { problem: Some(problem), ..form }), None).await
}

/// Limits as a form has them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentLimits {
    csrf: String,
    tolerance_days: String,
    review_days: String,
    bulk_records: String,
    reason: String,
}

/// Sets the limits.
pub(crate) async fn set_limits(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentLimits>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    reader.must(Deed::ManagePeople, &[])?;
    let number =
        |text: &str| text.trim().parse::<u32>().map_err(|_| t("a limit is a whole number").to_owned());
    let read = number(&sent.tolerance_days).and_then(|tolerance_days| {
        let limits = Limits {
            tolerance_days,
            review_days: number(&sent.review_days)?,
            bulk_records: number(&sent.bulk_records)?,
        };
        if sent.reason.trim().is_empty() {
            return Err(t("say why: a reason is missing").to_owned());
        }
        limits.checked()
    });
    match read {
        Ok(limits) => {
            let act = reader.act(sent.reason.trim());
            let governance = state.app.governance.clone();
            blocking(move || governance.set_limits(limits, act)).await?;
            Ok(Redirect::to("/policies?done=limits").into_response())
        }
        Err(problem) => {
            let form = LimitsForm {
                tolerance_days: sent.tolerance_days,
                review_days: sent.review_days,
                bulk_records: sent.bulk_records,
                reason: sent.reason,
                problem: Some(problem),
            };
            policies_page(&state, &reader, None, None, Some(form)).await
        }
    }
}

async fn policies_page(
    state: &WebState,
    reader: &Reader,
    notice: Option<&'static str>,
    form: Option<PolicyForm>,
    limits_form: Option<LimitsForm>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let app = state.app.clone();
    let (policies, limits, names) = blocking(move || {
        let policies = app.governance.policies()?;
        let people = policies
            .iter()
            .flat_map(|held| held.stamps.values())
            .filter_map(|stamp| Actor::person_in(&stamp.by))
            .collect();
        Ok::<_, StoreError>((policies, app.governance.limits()?, Names::load(&app, &people)?))
    })
    .await?;
    let today = Day::from_unix_ms(reader.now_ms);
    let current =
        in_force(policies.iter().map(|held| &held.body), today).map(|policy| policy.version.clone());
    let rows = policies.into_iter().map(|held| PolicyRow {
        by: held.stamps.values().next().map_or_else(String::new, |stamp| names.actor(&stamp.by)),
        at_ms: held.at_ms,
        current: current.as_deref() == Some(held.body.version.as_str()),
        policy: held.body,
    });
    let refused = [
        form.as_ref().and_then(|form| form.problem.as_ref()),
        limits_form.as_ref().and_then(|form| form.problem.as_ref()),
    ];
    let refused = refused.into_iter().flatten().next().is_some();
    let answer = page(&PoliciesPage {
        frame: reader.frame(Here::Policies, notice),
        rows: rows.collect(),
        current,
        records: may_record(reader).is_ok(),
        form: form.unwrap_or_default(),
        sets: reader.must(Deed::ManagePeople, &[]).is_ok(),
        limits_form: limits_form.unwrap_or_else(|| LimitsForm {
            tolerance_days: limits.tolerance_days.to_string(),
            review_days: limits.review_days.to_string(),
            bulk_records: limits.bulk_records.to_string(),
            ..LimitsForm::default()
        }),
        limits,
    })?;
    Ok(match refused {
        true => (axum::http::StatusCode::UNPROCESSABLE_ENTITY, answer).into_response(),
        false => answer,
    })
}
