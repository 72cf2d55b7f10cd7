//! `/readiness`: what the standard asks for and what there is to show; `/readiness/controls`: which controls apply;
//! `/indicators`; `/legal-dates`.

use std::collections::{BTreeSet, HashMap};

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use umbrascope_api::Day;

use super::findings::home;
use super::{page, work};
use crate::model::Deed;
use crate::model::record::Tri;
use crate::model::task::{Link, LinkKind, Purpose};
use crate::readiness::{
    Answer, Applicability, List, Measured, Standing, Target, assess, indicators, maturity,
};
use crate::store::{Governance, StoreError};
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{self, say, t};
use crate::web::list::{Choice, Select};
use crate::web::pages::{
    ControlRow, ControlsPage, IndicatorsPage, LegalDatesPage, ReadinessPage, RequirementPage, RequirementRow,
};
use crate::web::{WebState, blocking};

/// Most characters of a note or a reason.
const NOTE_CHARS: usize = 2_000;

/// What narrows the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReadinessQuery {
    standing: String,
    owner: String,
    done: String,
}

/// The list, gaps first.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ReadinessQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let wanted = match query.standing.as_str() {
        "" => None,
        word => Some(
            STANDINGS
                .into_iter()
                .find(|(known, _)| *known == word)
                .map(|(_, standing)| standing)
                .ok_or_else(|| WebError::unknown_choice("standing", word))?,
        ),
    };
    let owner = match query.owner.as_str() {
        "me" => Some(reader.user.id),
        word => work::number(word)?,
    };
    let frame = reader.frame(Here::Readiness, None);
    let (now_ms, today) = (reader.now_ms, frame.today);
    blocking(move || {
        let governance = &state.app.governance;
        let gathered = governance.gathered(now_ms)?;
        let answers: HashMap<String, Answer> =
            governance.answers()?.into_iter().map(|held| (held.body.id.clone(), held.body)).collect();
        let owners: BTreeSet<i64> = answers.values().filter_map(|answer| answer.owner).collect();
        let people = work::people(&state, &[], owners.into_iter().map(Some))?;
        let assessed = assess(List::built_in(), &gathered.facts(today));
        let maturity = maturity(List::built_in(), &assessed);
        let mut rows: Vec<RequirementRow> = assessed
            .into_iter()
            .map(|assessed| {
                let answer = answers.get(&assessed.requirement.id).cloned().unwrap_or_default();
                RequirementRow { owner: answer.owner.map(|owner| people.name(&owner)), answer, assessed }
            })
            .collect();
        let counts = STANDINGS.map(|(_, standing)| {
            (t(standing.label()), rows.iter().filter(|row| row.assessed.standing == standing).count())
        });
        rows.retain(|row| {
            wanted.is_none_or(|wanted| row.assessed.standing == wanted)
                && owner.is_none_or(|owner| row.answer.owner == Some(owner))
        });
        // The order of the clauses within each: a sort that keeps it.
        rows.sort_by_key(|row| row.assessed.standing);
        let choice = |value: &str, label: &str, chosen: &str| Choice {
            value: value.to_owned(),
            label: language::label(label).into_owned(),
            chosen: value == chosen,
        };
        let standings =
            STANDINGS.into_iter().map(|(word, standing)| choice(word, t(standing.label()), &query.standing));
        let selects = vec![
            Select { name: "standing", label: "Standing", all: "any", options: standings.collect() },
            Select {
                name: "owner",
                label: "Answered by",
                all: "anybody",
                options: vec![choice("me", t("me"), &query.owner)],
            },
        ];
        page(&ReadinessPage {
            frame,
            counts,
            maturity,
            selects,
            filtered: wanted.is_some() || owner.is_some(),
            coverage: gathered.coverage.lines(),
            rows,
            as_of: List::built_in().as_of,
        })
    })
    .await
}

/// Standings in the order of the page.
pub(super) const STANDINGS: [(&str, Standing); 4] = [
    ("gap", Standing::Gap),
    ("partly", Standing::Partly),
    ("shown", Standing::Shown),
    ("not-ours", Standing::NotOurs),
];

/// One requirement.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Query(query): Query<ReadinessQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let notice = (!query.done.is_empty()).then_some(t("It is noted."));
    let frame = reader.frame(Here::Readiness, notice);
    let (now_ms, today) = (reader.now_ms, frame.today);
    let may = reader.must(Deed::ProposeScope, &[]).is_ok();
    blocking(move || {
        let governance = &state.app.governance;
        let gathered = governance.gathered(now_ms)?;
        let assessed = assess(List::built_in(), &gathered.facts(today))
            .into_iter()
            .find(|assessed| assessed.requirement.id == id)
            .ok_or(WebError::NotFound("requirement"))?;
        let answer = governance.answers()?.into_iter().find(|held| held.body.id == id);
        let answer = answer.map(|held| held.body).unwrap_or_default();
        let (link, back) = (Link::to(LinkKind::Requirement, id.clone()), format!("/readiness/{id}"));
        let history = work::history(&state, "requirement", &id)?;
        let people =
            work::people(&state, &home(&reader), [answer.owner].into_iter().chain(work::actors(&history)))?;
        page(&RequirementPage {
            frame,
            owner: answer.owner.map(|owner| people.name(&owner)),
            answer,
            people,
            may_answer: may,
            documents: work::documents(&state, &reader, link.clone(), &id, &back, may)?,
            tasks: work::tasks(&state, &reader, (link, &home(&reader)), &id, &back, may, Purpose::Other)?,
            history,
            assessed,
        })
    })
    .await
}

/// An answer as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentAnswer {
    csrf: String,
    owner: String,
    note: String,
    due: String,
}

/// Says who answers for a requirement.
pub(crate) async fn answer(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<SentAnswer>,
) -> Result<Response, WebError> {
    reader.must(Deed::ProposeScope, &[])?;
    reader.check_form(&sent.csrf)?;
    if List::built_in().named(&id).is_none() {
        return Err(WebError::NotFound("requirement"));
    }
    if sent.note.chars().count() > NOTE_CHARS {
        return Err(WebError::BadRequest);
    }
    let answer = Answer {
        id: id.clone(),
        owner: work::person(&state, &sent.owner).await?,
        note: work::given(&sent.note),
        due: work::day(&sent.due)?,
    };
    let act = reader.act("");
    blocking(move || state.app.governance.set_answer(answer, act)).await?;
    Ok(Redirect::to(&format!("/readiness/{id}?done=answered")).into_response())
}

/// The controls of Annex A, and whether each applies.
pub(crate) async fn controls(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ReadinessQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let notice = (!query.done.is_empty()).then_some(t("It is noted."));
    let frame = reader.frame(Here::Readiness, notice);
    let may_judge = reader.must(Deed::ProposeScope, &[]).is_ok();
    blocking(move || {
        let judged: HashMap<String, Applicability> = state
            .app
            .governance
            .applicabilities()?
            .into_iter()
            .map(|held| (held.body.id.clone(), held.body))
            .collect();
        let rows: Vec<ControlRow> = List::built_in()
            .controls
            .iter()
            .map(|control| ControlRow { control: control.clone(), judged: judged.get(&control.id).cloned() })
            .collect();
        page(&ControlsPage { frame, judged: judged.len(), rows, may_judge })
    })
    .await
}

/// A judgement as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentJudgement {
    csrf: String,
    applies: String,
    reason: String,
}

/// Says whether a control applies.
pub(crate) async fn judge(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<SentJudgement>,
) -> Result<Response, WebError> {
    reader.must(Deed::ProposeScope, &[])?;
    reader.check_form(&sent.csrf)?;
    if !List::built_in().controls.iter().any(|control| control.id == id) {
        return Err(WebError::NotFound("control"));
    }
    let applies =
        Tri::parse(&sent.applies).ok_or_else(|| WebError::unknown_choice("applies", &sent.applies))?;
    let reason = sent.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > NOTE_CHARS {
        return Err(WebError::Guarded(crate::review::Refused::new(
            crate::review::Guard::Reason,
            say!("say why it applies or does not, in at most {0} characters", NOTE_CHARS),
        )));
    }
    let act = reader.act(reason.clone());
    let judgement = Applicability { id, applies, reason };
    blocking(move || state.app.governance.set_applicability(judgement, act)).await?;
    Ok(Redirect::to("/readiness/controls?done=judged").into_response())
}

/// Dates of laws and rules.
pub(crate) async fn legal_dates(State(state): State<WebState>, reader: Reader) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let frame = reader.frame(Here::Readiness, None);
    page(&LegalDatesPage { frame, list: state.app.governance.legal_dates() })
}

/// The day that indicators are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct IndicatorsQuery {
    as_of: String,
}

impl IndicatorsQuery {
    /// The day; `None`: now. One to come is refused: nobody knows it.
    pub(crate) fn day(&self, now_ms: i64) -> Result<Option<Day>, WebError> {
        let unknown = || WebError::unknown_choice("as_of", &self.as_of);
        match self.as_of.trim() {
            "" => Ok(None),
            typed => match typed.parse::<Day>() {
                Ok(day) if day <= Day::from_unix_ms(now_ms) => Ok(Some(day)),
                Ok(_) | Err(_) => Err(unknown()),
            },
        }
    }
}

/// Indicators now, or as of the end of a past day, each with its target of that time. Blocks.
pub(crate) fn with_targets(
    governance: &dyn Governance,
    as_of: Option<Day>,
    now_ms: i64,
) -> Result<Vec<(Measured, Option<Target>)>, StoreError> {
    let (measured, targets) = match as_of {
        None => {
            let targets = governance.targets()?.into_iter().map(|held| held.body).collect();
            (indicators(&governance.gathered(now_ms)?.facts(Day::from_unix_ms(now_ms))), targets)
        }
        Some(day) => {
            let before_ms = day.forward(1).unix_ms();
            (governance.gathered_as_of(before_ms)?.indicators(day), governance.targets_as_of(before_ms)?)
        }
    };
    let of = |one: &Measured| targets.iter().find(|target: &&Target| target.id == one.indicator.id).cloned();
    Ok(measured.into_iter().map(|one| (of(&one), one)).map(|(target, one)| (one, target)).collect())
}

/// Indicators now or as of the end of a past day, and as they were kept.
pub(crate) async fn indicators_page(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<IndicatorsQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let as_of = query.day(reader.now_ms)?;
    let frame = reader.frame(Here::Indicators, None);
    let now_ms = reader.now_ms;
    blocking(move || {
        let governance = &state.app.governance;
        let rows = with_targets(&**governance, as_of, now_ms)?;
        let kept = governance.kept_indicators()?.into_iter().map(|held| held.body).take(12).collect();
        page(&IndicatorsPage { frame, as_of, rows, kept })
    })
    .await
}
