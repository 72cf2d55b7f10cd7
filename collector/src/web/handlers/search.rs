//! `/search`: products, vendors, records, machines, people, work and settings by what they are called.

use axum::extract::{Query, State};
use axum::response::Response;
use umbrascope_api::Day;

use super::page;
use crate::model::finding::FindingRow;
use crate::model::task::LinkKind;
use crate::model::{
    AssetFilter, AssetSort, Deed, Direction, Page, PageRequest, PersonFilter, ProductFilter, ProductSort,
    SystemFilter, SystemSort,
};
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{key, say, t};
use crate::web::list::ListQuery;
use crate::web::pages::{Hit, Hits, SearchPage};
use crate::web::places::{Group, SETTINGS};
use crate::web::url::{Address, encode};
use crate::web::{WebState, blocking};

/// Hits of one sort that are shown; the others are a link away.
const ROWS: u32 = 6;

/// What is found.
pub(crate) async fn show(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    let search = query.search();
    blocking(move || {
        let asker = Asker { state: &state, reader: &reader, search: &search };
        let mut found = Vec::new();
        if !search.is_empty() {
            found.push(asker.work()?);
            found.push(asker.places());
            found.push(asker.systems()?);
            found.push(asker.products()?);
            found.push(asker.vendors()?);
            found.push(asker.machines()?);
            found.push(asker.people()?);
        }
        page(&SearchPage {
            frame: reader.frame(Here::Search, None),
            within: asker.within(),
            found: found.into_iter().filter(|hits| !hits.rows.is_empty()).collect(),
            search: search.clone(),
        })
    })
    .await
}

/// Who searches for what. Its methods block.
struct Asker<'a> {
    state: &'a WebState,
    reader: &'a Reader,
    search: &'a str,
}

impl Asker<'_> {
    fn reads(&self, deed: Deed) -> bool {
        self.reader.must_read(deed).is_ok()
    }

    /// Sorts of what the reader can find.
    fn within(&self) -> Vec<&'static str> {
        let mut sorts = vec![t("pages and settings")];
        if self.reads(Deed::ReadInventory) {
            sorts.extend([
                t("records"),
                t("findings and tasks by their number"),
                t("products"),
                t("vendors"),
            ]);
        }
        if self.reads(Deed::ReadMachines) {
            sorts.push(t("machines by how their names begin"));
        }
        if self.reads(Deed::ManagePeople) {
            sorts.push(t("people"));
        }
        sorts
    }

    fn first(&self) -> PageRequest {
        PageRequest { offset: 0, limit: ROWS }
    }

    /// What a list finds, for who may read it: the first of it, and where all of it stands.
    fn list<T>(
        &self,
        label: &'static str,
        (list, deed): (&str, Deed),
        find: impl FnOnce() -> Result<Page<T>, StoreError>,
        hit: impl FnMut(T) -> Hit,
    ) -> Result<Hits, StoreError> {
        if !self.reads(deed) {
            return Ok(Hits::nothing(label));
        }
        let found = find()?;
        let all = (found.total > u64::from(ROWS))
            .then(|| (found.total, Address::new(list).with("q", self.search).href()));
        Ok(Hits { label, rows: found.rows.into_iter().map(hit).collect(), all })
    }

    /// A record, finding or task by its number.
    fn work(&self) -> Result<Hits, WebError> {
        let mut hits = Hits::nothing(key("By number"));
        let reference = self.search.to_ascii_uppercase();
        // Every number has a dash in it; whatever has none is no number.
        if !reference.contains('-') || !self.reads(Deed::ReadInventory) {
            return Ok(hits);
        }
        let app = &self.state.app;
        let sight = self.reader.sight(app)?;
        let sees = |kind| app.governance.sees(&sight, kind, &reference);
        if sees(LinkKind::System)?
            && let Some(found) = app.governance.system(&reference)?
        {
            let system = found.held.body;
            hits.rows.push(Hit {
                href: format!("/inventory/{}", encode(&system.reference)),
                name: system.name,
                note: system.reference,
            });
        }
        if sees(LinkKind::Finding)?
            && let Some(FindingRow { held, about, .. }) = app.governance.finding(&reference)?
        {
            hits.rows.push(Hit {
                href: format!("/findings/{}", encode(&held.body.reference)),
                name: t(held.body.rule.label()).to_owned(),
                note: say!("{0} · {1}", held.body.reference, about),
            });
        }
        if sees(LinkKind::Task)?
            && let Some(row) = app.governance.task(&reference)?
        {
            hits.rows.push(Hit {
                href: format!("/tasks/{}", encode(&row.held.body.reference)),
                name: row.held.body.title,
                note: row.held.body.reference,
            });
        }
        Ok(hits)
    }

    /// Pages and settings that the reader may go to.
    fn places(&self) -> Hits {
        let wanted: Vec<String> = self.search.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let fits = |text: &str| {
            let text = text.to_lowercase();
            wanted.iter().all(|word| text.contains(word))
        };
        let grants = &self.reader.user.grants;
        let places = Group::all().iter().flat_map(|group| {
            group.open_to(grants).into_iter().filter(|place| fits(place.label) || fits(t(place.label))).map(
                |place| Hit {
                    href: place.href.to_owned(),
                    name: t(place.label).to_owned(),
                    note: t(group.label).to_owned(),
                },
            )
        });
        let settings = SETTINGS.iter().filter(|one| one.is_open_to(grants));
        let settings = settings
            .filter(|one| fits(&format!("{} {} {}", one.label, t(one.label), one.words)))
            .map(|one| Hit {
                href: one.href.to_owned(),
                name: t(one.label).to_owned(),
                note: t("Setting").to_owned(),
            });
        let rows = places.chain(settings).take(ROWS as usize * 2).collect();
        Hits { rows, ..Hits::nothing(key("Pages and settings")) }
    }

    fn systems(&self) -> Result<Hits, StoreError> {
        let find = || {
            let (search, sight) = (self.search.to_owned(), self.reader.sight(&self.state.app)?);
            let filter = SystemFilter { search, sight, ..SystemFilter::default() };
            self.state.app.store.systems(&filter, SystemSort::Name, Direction::Ascending, self.first())
        };
        self.list(key("Records"), ("/inventory", Deed::ReadInventory), find, |row| Hit {
            href: format!("/inventory/{}", encode(&row.reference)),
            note: format!("{} · {}", row.reference, t(row.review.label())),
            name: row.name,
        })
    }

    fn products(&self) -> Result<Hits, StoreError> {
        let find = || {
            let (least, today) = (self.reader.least(&self.state.app)?, Day::from_unix_ms(self.reader.now_ms));
            let filter = ProductFilter { search: self.search.to_owned(), least, ..ProductFilter::default() };
            let (sort, way) = (ProductSort::Assets, Direction::Descending);
            self.state.app.store.products(&filter, sort, way, self.first(), today)
        };
        self.list(key("Products seen"), ("/products", Deed::ReadInventory), find, |row| Hit {
            href: format!("/products/{}", encode(&row.id)),
            name: row.name,
            note: row.vendor,
        })
    }

    /// Vendors that the catalogue knows, seen or not.
    fn vendors(&self) -> Result<Hits, StoreError> {
        let find = || {
            let known = self.state.app.catalogue.known();
            let wanted = self.search.to_lowercase();
            let vendors =
                known.catalogue().vendors().iter().map(|vendor| (vendor.name.to_lowercase(), vendor));
            let mut fitting: Vec<_> = vendors.filter(|(name, _)| name.contains(&wanted)).collect();
            // What begins so comes before what has it somewhere.
            fitting.sort_by(|(one, _), (other, _)| {
                (!one.starts_with(&wanted), one).cmp(&(!other.starts_with(&wanted), other))
            });
            let total = fitting.len() as u64;
            let rows = fitting.into_iter().take(ROWS as usize).map(|(_, vendor)| vendor.clone()).collect();
            Ok(Page { rows, total })
        };
        self.list(key("Vendors of the catalogue"), ("/catalogue", Deed::ReadInventory), find, |vendor| Hit {
            href: format!("/catalogue/{}", encode(&vendor.id)),
            name: vendor.name.to_string(),
            note: t("what the catalogue knows").to_owned(),
        })
    }

    /// Machines by how their names begin: to look in the middle of each of very many takes too long for a page that looks everywhere.
    fn machines(&self) -> Result<Hits, StoreError> {
        let find = || {
            let within = self.reader.user.grants.within(Deed::ReadMachines);
            let filter = AssetFilter { begins: self.search.to_owned(), within, ..AssetFilter::default() };
            let (sort, way) = (AssetSort::Name, Direction::Ascending);
            self.state.app.store.assets(&filter, sort, way, self.first(), self.reader.now_ms)
        };
        self.list(key("Machines"), ("/assets", Deed::ReadMachines), find, |row| Hit {
            href: format!("/assets/{}", row.id.0),
            name: row.hostname,
            note: row.unit,
        })
    }

    fn people(&self) -> Result<Hits, StoreError> {
        let find = || {
            let within = self.reader.user.grants.within(Deed::ManagePeople);
            let filter = PersonFilter { search: self.search.to_owned(), within, ..PersonFilter::default() };
            self.state.app.people.people(&filter, self.first())
        };
        self.list(key("People"), ("/people", Deed::ManagePeople), find, |row| Hit {
            href: format!("/people/{}", row.id),
            name: row.details.display_name,
            note: row.name,
        })
    }
}
