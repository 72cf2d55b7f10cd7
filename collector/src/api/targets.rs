//! What indicators are to come to, as JSON.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::request::{Body, some_version};
use super::types::Problem;
use crate::model::Deed;
use crate::readiness::{Target, Verdict, indicator_named};
use crate::web::{Reader, WebError, WebState, blocking};

/// What an indicator is to come to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IndicatorTarget {
    /// Percent, or a number.
    value: u32,
    /// In words: `at least 95 %`.
    says: String,
    /// Number of the person who answers for it.
    owner: Option<i64>,
    /// Why that much.
    reason: String,
}

impl IndicatorTarget {
    /// `None`: none is set, or it was taken back.
    pub(super) fn of(target: &Target) -> Option<Self> {
        Some(Self {
            value: target.value?,
            says: target.words()?,
            owner: target.owner,
            reason: target.reason.clone(),
        })
    }
}

/// How a figure stands to its target.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum VerdictWord {
    /// Nobody set one.
    NoTarget,
    /// There is nothing that could be held against it.
    NoFigure,
    /// It is reached.
    Met,
    /// It is not.
    Missed,
}

impl From<Verdict> for VerdictWord {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::NoTarget => Self::NoTarget,
            Verdict::NoFigure => Self::NoFigure,
            Verdict::Met => Self::Met,
            Verdict::Missed => Self::Missed,
        }
    }
}

/// A target to be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetBody {
    /// Percent for a share, else a number; null: it is taken back.
    #[schema(maximum = 1_000_000)]
    value: Option<u32>,
    /// Number of the person who answers for it, who is active; null: nobody.
    owner: Option<i64>,
    /// Why that much.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
    /// The version that was read; null: whichever it is.
    #[serde(default, deserialize_with = "some_version")]
    #[schema(minimum = 0, maximum = 9_223_372_036_854_775_807_i64)]
    version: Option<u64>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TargetSet {
    /// What it is to come to; null: it was taken back.
    target: Option<IndicatorTarget>,
    /// The version of it.
    version: u64,
}

/// Sets what an indicator is to come to, or takes it back. For who decides the scope of the whole organisation.
#[utoipa::path(put, path = "/api/v1/indicators/{id}/target", request_body = TargetBody,
    params(("id" = String, Path, description = "K-04")),
    responses((status = 200, body = TargetSet), (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn set(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Body(body): Body<TargetBody>,
) -> Result<Json<TargetSet>, WebError> {
    reader.must(Deed::DecideScope, &[])?;
    indicator_named(&id).ok_or(WebError::NotFound("indicator"))?;
    let act = reader.act(body.reason.trim());
    let act = match body.version {
        Some(version) => act.on(version),
        None => act,
    };
    let target = Target { id, value: body.value, owner: body.owner, reason: body.reason };
    let held =
        blocking(move || state.app.governance.set_target(target, act)).await?.map_err(WebError::Guarded)?;
    Ok(Json(TargetSet { target: IndicatorTarget::of(&held.body), version: held.version }))
}
