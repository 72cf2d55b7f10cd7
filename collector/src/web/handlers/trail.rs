//! `/trail`: the audit trail, for who reads it; who changes records reads their own entries, and who looks after the people concerned those
//! about collection and re-identification.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use umbrascope_api::Day;

use super::page;
use crate::model::Deed;
use crate::model::governed::{TrailFilter, TrailReach, TrailRow};
use crate::store::StoreError;
use crate::web::entries::{people_of_rows, views};
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{self, key, say, t};
use crate::web::list::{Choice, Pager, Select, page_number, rows_of};
use crate::web::names::Names;
use crate::web::pages::{TrailEntryPage, TrailPage};
use crate::web::url::{Address, encode};
use crate::web::{WebState, blocking};

const DAY_MS: i64 = 86_400_000;
/// Kinds of records that can be asked for. Others stand in the list too.
const KINDS: [(&str, &str); 7] = [
    ("system", key("AI systems")),
    ("policy", key("Policies")),
    ("setting", key("Settings")),
    ("retention", key("Retention")),
    ("own-rules", key("Own rules")),
    ("reidentification", key("Re-identification")),
    ("emergency", key("Emergency access")),
];

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TrailQuery {
    /// Sign-in name of a person.
    pub(crate) person: String,
    /// Kind of the record.
    pub(crate) kind: String,
    /// Id of the record.
    pub(crate) id: String,
    /// `yes` or `no`.
    pub(crate) refused: String,
    /// First day.
    pub(crate) from: String,
    /// Last day.
    pub(crate) to: String,
    /// Number of the page.
    pub(crate) page: String,
}

impl TrailQuery {
    /// The filter within reach, without the person, who is looked up.
    fn filter(&self, reach: TrailReach) -> Result<TrailFilter, WebError> {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let day = |name: &'static str, text: &str| match text {
            "" => Ok(None),
            typed => typed.parse::<Day>().map(Some).map_err(|_| WebError::unknown_choice(name, typed)),
        };
        Ok(TrailFilter {
            reach,
            kind: some(&self.kind),
            id: some(&self.id),
            person: None,
            refused: match self.refused.as_str() {
                "" => None,
                "yes" => Some(true),
                "no" => Some(false),
                other => return Err(WebError::unknown_choice("refused", other)),
            },
            from_ms: day("from", &self.from)?.map(Day::unix_ms),
            before_ms: day("to", &self.to)?.map(|day| day.unix_ms() + DAY_MS),
        })
    }
}

/// How much of the trail the reader reads: all of it, what is about collection and re-identification, what is their own doing. Who reads
/// none of it is refused.
pub(crate) fn reach(reader: &Reader) -> Result<TrailReach, WebError> {
    if reader.may_read(Deed::ReadAudit, &[]) {
        return Ok(TrailReach::Whole);
    }
    let collection = reader.may_read(Deed::ReadCollectionAudit, &[]);
    let own = reader.must_read(Deed::ReadOwnAudit);
    if !collection {
        own?;
        return Ok(TrailReach::Part { collection, own: Some(reader.user.id) });
    }
    Ok(TrailReach::Part { collection, own: own.is_ok().then_some(reader.user.id) })
}

/// The filter as far as the reader may look. `None`: of a person who is not there.
pub(crate) async fn allowed(
    state: &WebState,
    reader: &Reader,
    query: &TrailQuery,
) -> Result<Option<TrailFilter>, WebError> {
    let filter = query.filter(reach(reader)?)?;
    let name = query.person.trim().to_lowercase();
    // Who reads their own entries alone finds nothing of others, and is not told who signs in here.
    if name.is_empty() || matches!(filter.reach, TrailReach::Part { collection: false, .. }) {
        return Ok(Some(filter));
    }
    let people = state.app.people.clone();
    let found = blocking(move || people.person_named(&name)).await?;
    Ok(found.map(|row| TrailFilter { person: Some(row.id), ..filter }))
}

/// Entries, the newest first.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<TrailQuery>,
) -> Result<Response, WebError> {
    let number = page_number(&query.page)?;
    let known = allowed(&state, &reader, &query).await?;
    let nobody = known.is_none();
    let reach = reach(&reader)?;
    let app = state.app.clone();
    let (found, names) = blocking(move || {
        let found = match known {
            Some(filter) => app.governance.trail(&filter, rows_of(number))?,
            None => crate::model::Page { rows: Vec::new(), total: 0 },
        };
        let names = Names::load(&app, &people_of_rows(&found.rows))?;
        Ok::<_, StoreError>((found, names))
    })
    .await?;
    let here = Address::new("/trail")
        .with("person", query.person.trim())
        .with("kind", query.kind.as_str())
        .with("id", query.id.as_str())
        .with("refused", query.refused.as_str())
        .with("from", query.from.as_str())
        .with("to", query.to.as_str());
    let choice = |(value, label): &(&str, &str), chosen: &str| Choice {
        value: (*value).to_owned(),
        label: language::label(label).into_owned(),
        chosen: *value == chosen,
    };
    let select = |name, label, all, choices: &[(&str, &str)], chosen: &str| Select {
        name,
        label,
        all,
        options: choices.iter().map(|one| choice(one, chosen)).collect(),
    };
    page(&TrailPage {
        frame: reader.frame(Here::Trail, None),
        reach,
        nobody,
        selects: vec![
            select("kind", t("Of##what"), t("everything"), &KINDS, &query.kind),
            select(
                "refused",
                t("Outcome"),
                "any",
                &[("no", t("Done##outcome")), ("yes", t("Refused"))],
                &query.refused,
            ),
        ],
        filtered: here.href() != "/trail",
        history: views(&found.rows, found.rows.len(), &names, Some(object)),
        pager: Pager::new((number, found.rows.len(), found.total), "event", &here, "page"),
        person: query.person,
        from: query.from,
        to: query.to,
    })
}

/// What an entry is about, and where it has a page.
pub(super) fn object(row: &TrailRow) -> (String, Option<String>) {
    match row.kind.as_str() {
        "system" if row.id != "new" => {
            (t("the record").to_owned(), Some(format!("/inventory/{}", encode(&row.id))))
        }
        "policy" => (say!("policy {0}", row.id), Some("/policies".to_owned())),
        "reidentification" if row.id != "new" => {
            (row.id.clone(), Some(format!("/reidentification/{}", encode(&row.id))))
        }
        "reidentification" => (t("a request").to_owned(), Some("/reidentification".to_owned())),
        "reidentification-setting" => (t("the setting").to_owned(), Some("/reidentification".to_owned())),
        "emergency" if row.id != "new" => (row.id.clone(), Some("/emergency".to_owned())),
        "emergency" => (t("emergency access").to_owned(), Some("/emergency".to_owned())),
        kind => (say!("{0} {1}", kind, row.id), None),
    }
}

/// One entry with its hash and everything that it commits to.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(seq): Path<String>,
) -> Result<Response, WebError> {
    // To who reads a part only, another entry is not there; a change of a record stands in its history as well.
    let reach = reach(&reader)?;
    let seq: u64 = seq.parse().map_err(|_| WebError::NotFound("entry"))?;
    let app = state.app.clone();
    let found = blocking(move || {
        let Some(entry) = app.governance.trail_entry(seq, reach)? else { return Ok(None) };
        let rows = [entry.row.clone()];
        let names = Names::load(&app, &people_of_rows(&rows))?;
        Ok::<_, StoreError>(Some((entry, names)))
    })
    .await?;
    let (entry, names) = found.ok_or(WebError::NotFound("entry"))?;
    let view = views(std::slice::from_ref(&entry.row), 1, &names, Some(object))
        .pop()
        .ok_or(WebError::NotFound("entry"))?;
    page(&TrailEntryPage { frame: reader.frame(Here::Trail, None), view, entry })
}
