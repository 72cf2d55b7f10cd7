//! `/inventory/{reference}`: one record, and everything that can be done with it.

use std::collections::BTreeSet;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use umbrascope_api::{Day, RiskFlag};
use umbrascope_rules::Catalogue;

use super::{page, work};
use crate::export::monthly::{self, SeenThen};
use crate::export::{Sources, Stamp};
use crate::model::finding::{FindingFilter, Subject};
use crate::model::governed::{Governed, TrailFilter, TrailRow};
use crate::model::record::{AiSystem, Seen};
use crate::model::task::{Link, LinkKind, Purpose};
use crate::model::{Access, Deed, PageRequest, Sight, SystemDetail};
use crate::review::{self, Refused};
use crate::store::{Governance, StoreError};
use crate::web::entries::{self, LOOK_BACK, people_of_rows};
use crate::web::error::{WebError, status_of};
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{say, t};
use crate::web::list::{Pager, page_number};
use crate::web::names::{Names, people_of};
use crate::web::pages::{Beside, DecisionView, Offers, RecordPage, RequestView, Undo};
use crate::web::url::{Address, encode};
use crate::web::{WebState, blocking};

pub(crate) mod edit;
mod fields;
pub(crate) mod moves;
pub(super) mod offers;

pub(crate) use fields::{groups, missing, problem};
pub(crate) use offers::{review_class, sanction_class, scope_class};

/// Entries of the trail on a record's page.
const ENTRIES: u32 = 25;
const DAY_MS: i64 = 86_400_000;

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RecordQuery {
    on: String,
    page: String,
    done: String,
}

/// The page of a record.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(reference): Path<String>,
    Query(query): Query<RecordQuery>,
) -> Result<Response, WebError> {
    let on = match query.on.as_str() {
        "" => None,
        typed => Some(typed.parse::<Day>().map_err(|_| WebError::unknown_choice("on", typed))?),
    };
    let said = Said {
        notice: moves::done(&query.done),
        done: query.done,
        number: page_number(&query.page)?,
        on,
        ..Said::default()
    };
    record_page(&state, &reader, &reference, said).await
}

/// What a page says besides the record.
#[derive(Default)]
pub(super) struct Said {
    notice: Option<&'static str>,
    /// Word of the move that was just made.
    done: String,
    /// Page of the history, from 1; 0: the first.
    number: u64,
    on: Option<Day>,
    /// Why a move was refused, and which.
    refused: Option<(Refused, String)>,
    /// What was typed for it.
    typed: Vec<(String, String)>,
}

/// What is read for a page.
struct Loaded {
    detail: SystemDetail,
    names: Names,
    trials: Vec<Result<(), Refused>>,
    rows: Vec<TrailRow>,
    total: u64,
    then: Option<AiSystem>,
    /// What is known of what sensors showed by then, product by product.
    seen_then: Vec<SeenThen>,
    least: u64,
    beside: Option<Beside>,
    undo: Option<Undo>,
}

async fn record_page(
    state: &WebState,
    reader: &Reader,
    reference: &str,
    said: Said,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let number = said.number.max(1);
    // What is told of a past day is told as of that day.
    let today = said.on.unwrap_or_else(|| Day::from_unix_ms(reader.now_ms));
    let loaded = load(state, reader, reference, number, &said).await?;
    let (held, seen) = (&loaded.detail.held, &loaded.detail.seen);
    let system = loaded.then.as_ref().unwrap_or(&held.body);
    let known = state.app.catalogue.known();
    let catalogue = known.catalogue();
    let names = &loaded.names;
    let (refused, word) = match said.refused {
        Some((refused, word)) => (Some(refused), word),
        None => (None, String::new()),
    };
    let typed = |name: &str| -> Vec<&str> {
        said.typed.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    };
    let offers = match said.on {
        Some(_) => Vec::new(),
        None => {
            let own = system.request.as_ref().is_some_and(|request| request.by == reader.user.id);
            offers::offers(&loaded.detail, &loaded.trials, today, own, names, &word, &typed)
        }
    };
    let (waits, pending) = offers::waits(system, today);
    let here = Address::new(format!("/inventory/{}", held.body.reference));
    let shown = loaded.rows.len().min(ENTRIES as usize);
    let status = refused.as_ref().map(|refused| status_of(refused.guard));
    let template = RecordPage {
        least: loaded.least,
        frame: reader.frame(Here::Inventory, said.notice),
        version: held.version,
        hash: held.hash.clone(),
        then: loaded.seen_then,
        changed: (
            held.stamps
                .values()
                .max_by_key(|stamp| stamp.seq)
                .map_or_else(String::new, |stamp| names.actor(&stamp.by)),
            held.at_ms,
        ),
        as_of: said.on,
        axes: offers::axes(system, names, today),
        waits,
        pending,
        vendors: vendors(catalogue, system),
        products: loaded.detail.products.clone(),
        related: related(system, &loaded.detail.related),
        days: seen.days,
        clocks: loaded.detail.clocks,
        units_seen: seen
            .units
            .iter()
            .map(|unit| (names.unit(*unit), system.org_units.contains(unit)))
            .collect(),
        units_owned: system
            .org_units
            .iter()
            .map(|unit| (names.unit(*unit), seen.units.contains(unit)))
            .collect(),
        flags: seen.flags.iter().map(|flag| RiskFlag::from(flag.as_str())).collect(),
        publishers: seen.publishers.iter().cloned().collect(),
        beyond: if said.on.is_some() { Vec::new() } else { beyond(seen, system, names) },
        decision: system.decision.as_ref().map(|decision| DecisionView {
            by: names.person(decision.by),
            requested_by: decision.requested_by.map(|person| names.person(person)),
            at_ms: decision.at_ms,
            reason: decision.reason.clone(),
            policy: decision.policy.clone(),
            only_in: offers::in_words(&system.limited_to_units, names),
            outside: if said.on.is_some() {
                String::new()
            } else {
                offers::in_words(&system.outside_limit(seen, today), names)
            },
            only_versions: offers::versions_in_words(&system.limited_to_versions),
            outside_versions: match said.on {
                Some(_) => String::new(),
                None => {
                    let outside = system.outside_versions(seen, today).into_iter();
                    outside
                        .map(|(product, version)| format!("{product} {version}"))
                        .collect::<Vec<_>>()
                        .join(", ")
                }
            },
            coverage: decision.coverage_percent,
        }),
        groups: groups(
            system,
            (loaded.then.is_none()).then_some(&held.stamps),
            names,
            catalogue,
            &loaded.detail.related,
        ),
        for_use: missing(&held.body.reference, review::required_for_use(system)),
        for_scope: missing(&held.body.reference, review::required_for_scope(system, false)),
        edits: reader.user.grants.access(Deed::Triage, &held.body.units()) >= Access::Write,
        request: system.request.as_ref().map(|request| RequestView {
            who: names.person(request.by),
            own: request.by == reader.user.id,
            at_ms: request.at_ms,
            what: t(request.wish.label()),
            details: offers::wish_details(&request.wish, &loaded.detail.related, names),
            reason: request.reason.clone(),
        }),
        undo: loaded.undo,
        here: here.href(),
        offers: Offers {
            rows: offers,
            reference: held.body.reference.clone(),
            version: held.version,
            back: None,
            keyed: false,
        },
        problem: refused.as_ref().map(|refused| problem(&held.body.reference, refused)),
        history: entries::views(&loaded.rows, shown, names, None),
        pager: Pager::of_rows(ENTRIES, (number, shown, loaded.total), "event", &here, "page"),
        residual: system.residual.as_ref().map(|residual| {
            (names.person(residual.by), residual.at_ms, residual.expires, residual.note.clone())
        }),
        confirmations: system
            .confirmations
            .iter()
            .rev()
            .map(|answer| (names.person(answer.by), answer.at_ms, answer.comment.clone()))
            .collect(),
        comments: system
            .comments
            .iter()
            .rev()
            .map(|comment| (names.person(comment.by), comment.at_ms, comment.text.clone()))
            .collect(),
        resources: said.on.is_none().then(|| loaded.detail.resources.clone()),
        tier: state.app.governance.tier_method().compare(system),
        beside: loaded.beside,
        system: system.clone(),
    };
    let answer = page(&template)?;
    Ok(match status {
        Some(status) => (status, answer).into_response(),
        None => answer,
    })
}

async fn load(
    state: &WebState,
    reader: &Reader,
    reference: &str,
    number: u64,
    said: &Said,
) -> Result<Loaded, WebError> {
    let (on, done) = (said.on, said.done.clone());
    let (app, reference) = (state.app.clone(), reference.to_owned());
    let (who, act) = (reader.who(), reader.act("why"));
    // Refusals tell of people rather than of the record: they are for who reads the trail.
    let refused = if reader.may_read(Deed::ReadAudit, &[]) { None } else { Some(false) };
    let today = Day::from_unix_ms(reader.now_ms);
    let (by, known, beside_of) = (reader.clone(), state.app.catalogue.known(), state.clone());
    let mut stamp = Stamp { as_of: on, ..Stamp::new(known.catalogue(), reader.now_ms) };
    let found = blocking(move || {
        stamp.least = by.least(&app)?;
        let governance = &app.governance;
        let sight = by.sight(&app)?;
        if !governance.sees(&sight, LinkKind::System, &reference)? {
            return Ok(None);
        }
        let Some(mut detail) = governance.system(&reference)? else { return Ok(None) };
        let body = &detail.held.body;
        let id = body.id.clone();
        let (mut then, mut seen_then) = (None, Vec::new());
        if let Some(day) = on {
            let until = day.unix_ms() + DAY_MS;
            let value = governance.as_of(AiSystem::KIND, &id, until)?;
            match value.and_then(|value| serde_json::from_value(value).ok()) {
                Some(system) => {
                    let from = Sources { reads: &*app.store, governance: &**governance };
                    seen_then = monthly::seen_then(from, &stamp, &system)
                        .map_err(|error| WebError::Work(error.into()))?;
                    then = Some(system);
                }
                None => return Ok(None),
            }
        }
        let steps: Vec<_> = offers::candidates(body, today).into_iter().map(|(_, step)| step).collect();
        let trials = governance.trial(&id, &steps, &who, &act)?.unwrap_or_default();
        let filter = TrailFilter {
            kind: Some(AiSystem::KIND.to_owned()),
            id: Some(id.clone()),
            refused,
            before_ms: on.map(|day| day.unix_ms() + DAY_MS),
            ..TrailFilter::default()
        };
        let offset = (number - 1) * u64::from(ENTRIES);
        let entries = governance.trail(&filter, PageRequest { offset, limit: ENTRIES + LOOK_BACK })?;
        let mut people = people_of(body);
        people.extend(then.as_ref().map(people_of).unwrap_or_default());
        people.extend(people_of_rows(&entries.rows));
        people.extend(
            detail
                .held
                .stamps
                .values()
                .filter_map(|stamp| crate::model::governed::Actor::person_in(&stamp.by)),
        );
        let names = Names::load(&app, &people)?;
        // Merge targets of a request are named too.
        if let Some(crate::model::record::Request {
            wish: crate::model::record::Wish::Merge { into }, ..
        }) = &body.request
            && let Some(target) = governance.system(into)?
        {
            detail.related.push((into.clone(), target.held.body.reference));
        }
        detail.related = in_sight(&**governance, &sight, detail.related)?;
        let beside = match on {
            Some(_) => None,
            None => Some(beside(&beside_of, &by, &detail.held.body)?),
        };
        let undo = match on {
            Some(_) => None,
            None => moves::undo(&by, &app, &done, &detail.held.body.reference)?,
        };
        Ok::<_, WebError>(Some(Loaded {
            undo,
            beside,
            detail,
            names,
            trials,
            rows: entries.rows,
            total: entries.total,
            then,
            seen_then,
            least: stamp.least,
        }))
    })
    .await?;
    found.ok_or(WebError::NotFound(if on.is_some() { "record of that day" } else { "record" }))
}

/// What hangs on a record. Blocks.
fn beside(state: &WebState, reader: &Reader, system: &AiSystem) -> Result<Beside, StoreError> {
    let filter = FindingFilter {
        subject: Some(Subject::system(&system.id)),
        sight: reader.sight(&state.app)?,
        ..FindingFilter::default()
    };
    let findings = state.app.governance.findings(&filter, PageRequest { offset: 0, limit: work::BESIDE })?;
    let (reference, units) = (&system.reference, system.units());
    let link = Link::to(LinkKind::System, system.id.as_str());
    let back = format!("/inventory/{}", encode(reference));
    let may_add = work::triages(reader, &units) || work::works(reader, system.system_owner);
    Ok(Beside {
        findings: findings.rows,
        all_findings: findings.total,
        tasks: work::tasks(state, reader, (link.clone(), &units), reference, &back, may_add, Purpose::Other)?,
        documents: work::documents(state, reader, link, reference, &back, may_add)?,
    })
}

/// Other records that somebody sees, of some by id and reference. Blocking.
pub(crate) fn in_sight(
    governance: &dyn Governance,
    sight: &Sight,
    related: Vec<(String, String)>,
) -> Result<Vec<(String, String)>, StoreError> {
    let mut seen = Vec::with_capacity(related.len());
    for one in related {
        if governance.sees(sight, LinkKind::System, &one.0)? {
            seen.push(one);
        }
    }
    Ok(seen)
}

/// What is seen that the decision does not rest on, with units by name.
pub(super) fn beyond(seen: &Seen, system: &AiSystem, names: &Names) -> Vec<String> {
    let Some(basis) = &system.basis else { return Vec::new() };
    let units = seen.units.difference(&basis.units).map(|unit| say!("Unit {0}", names.unit(*unit)));
    let rest = Seen { units: BTreeSet::new(), ..seen.clone() };
    units.chain(rest.beyond(basis)).collect()
}

/// Vendors of a record's products, by id and name.
fn vendors(catalogue: &Catalogue, system: &AiSystem) -> Vec<(String, String)> {
    let ids: BTreeSet<&str> = system
        .products
        .iter()
        .filter_map(|product| catalogue.product(product))
        .map(|product| &*product.vendor)
        .collect();
    let named = ids.into_iter().filter_map(|id| catalogue.vendor(id));
    named.map(|vendor| (vendor.id.to_string(), vendor.name.to_string())).take(5).collect()
}

/// Other records, and what they are to this one.
fn related(system: &AiSystem, known: &[(String, String)]) -> Vec<(&'static str, String)> {
    let one = |what: &'static str, id: &Option<String>| {
        id.as_ref()
            .and_then(|id| known.iter().find(|(other, _)| other == id))
            .map(|(_, found)| (what, found.clone()))
    };
    let single = [
        one(t("Part of"), &system.part_of),
        one(t("Duplicate of"), &system.duplicate_of),
        one(t("Merged into"), &system.merged_into),
        one(t("Split from"), &system.split_from),
    ];
    let merged = system.merged_from.iter().filter_map(|id| one(t("Took in"), &Some(id.clone())));
    single.into_iter().flatten().chain(merged).collect()
}
