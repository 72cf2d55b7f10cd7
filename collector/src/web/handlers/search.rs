//! `/search`: products, vendors, records, machines, people, work and settings by what they are called.

use axum::extract::{Query, State};
use axum::response::Response;
use umbrascope_api::Day;

use super::page;
use crate::model::finding::FindingRow;
use crate::model::task::LinkKind;
use crate::model::{
    AssetFilter, AssetSort, Deed, Direction, PageRequest, PersonFilter, ProductFilter, ProductSort,
    SystemFilter, SystemSort,
};
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{say, t};
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
            found.push(asker.vendors());
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

    /// The list of all of them, where there are more than are shown.
    fn rest(&self, total: u64, list: &str) -> Option<(u64, String)> {
        (total > u64::from(ROWS)).then(|| (total, Address::new(list).with("q", self.search).href()))
    }

    fn nothing(label: &'static str) -> Hits {
        Hits { label, rows: Vec::new(), all: None }
    }

    /// A record, finding or task by its number.
    fn work(&self) -> Result<Hits, WebError> {
        let mut hits = Self::nothing(t("By number"));
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
        Hits { rows, ..Self::nothing(t("Pages and settings")) }
    }

    fn systems(&self) -> Result<Hits, StoreError> {
        if !self.reads(Deed::ReadInventory) {
            return Ok(Self::nothing(t("Records")));
        }
        let app = &self.state.app;
        let filter = SystemFilter {
            search: self.search.to_owned(),
            sight: self.reader.sight(app)?,
            ..SystemFilter::default()
        };
        let found = app.store.systems(&filter, SystemSort::Name, Direction::Ascending, self.first())?;
        let hit = |row: crate::model::AiSystemRow| Hit {
            href: format!("/inventory/{}", encode(&row.reference)),
            note: format!("{} · {}", row.reference, t(row.review.label())),
            name: row.name,
        };
        Ok(Hits {
            label: "Records",
            all: self.rest(found.total, "/inventory"),
            rows: found.rows.into_iter().map(hit).collect(),
        })
    }

    fn products(&self) -> Result<Hits, StoreError> {
        if !self.reads(Deed::ReadInventory) {
            return Ok(Self::nothing(t("Products seen")));
        }
        let app = &self.state.app;
        let (least, today) = (self.reader.least(app)?, Day::from_unix_ms(self.reader.now_ms));
        let filter = ProductFilter { search: self.search.to_owned(), least, ..ProductFilter::default() };
        let found =
            app.store.products(&filter, ProductSort::Assets, Direction::Descending, self.first(), today)?;
        let hit = |row: crate::model::ProductRow| Hit {
            href: format!("/products/{}", encode(&row.id)),
            name: row.name,
            note: row.vendor,
        };
        Ok(Hits {
            label: "Products seen",
            all: self.rest(found.total, "/products"),
            rows: found.rows.into_iter().map(hit).collect(),
        })
    }

    /// Vendors that the catalogue knows, seen or not.
    fn vendors(&self) -> Hits {
        if !self.reads(Deed::ReadInventory) {
            return Self::nothing(t("Vendors of the catalogue"));
        }
        let known = self.state.app.catalogue.known();
        let wanted = self.search.to_lowercase();
        let mut fitting: Vec<_> = known
            .catalogue()
            .vendors()
            .iter()
            .filter(|vendor| vendor.name.to_lowercase().contains(&wanted))
            .collect();
        // What begins so comes before what has it somewhere.
        fitting.sort_by_key(|vendor| {
            let name = vendor.name.to_lowercase();
            (!name.starts_with(&wanted), name)
        });
        let hit = |vendor: &&umbrascope_rules::Vendor| Hit {
            href: format!("/catalogue/{}", encode(&vendor.id)),
            name: vendor.name.to_string(),
            note: t("what the catalogue knows").to_owned(),
        };
        Hits {
            label: "Vendors of the catalogue",
            all: self.rest(fitting.len() as u64, "/catalogue"),
            rows: fitting.iter().take(ROWS as usize).map(hit).collect(),
        }
    }

    fn machines(&self) -> Result<Hits, StoreError> {
        if !self.reads(Deed::ReadMachines) {
            return Ok(Self::nothing(t("Machines")));
        }
        let filter = AssetFilter {
            begins: self.search.to_owned(),
            within: self.reader.user.grants.within(Deed::ReadMachines),
            ..AssetFilter::default()
        };
        let store = &self.state.app.store;
        let found =
            store.assets(&filter, AssetSort::Name, Direction::Ascending, self.first(), self.reader.now_ms)?;
        let hit = |row: crate::model::AssetRow| Hit {
            href: format!("/assets/{}", row.id.0),
            name: row.hostname,
            note: row.unit,
        };
        Ok(Hits {
            label: "Machines",
            all: self.rest(found.total, "/assets"),
            rows: found.rows.into_iter().map(hit).collect(),
        })
    }

    fn people(&self) -> Result<Hits, StoreError> {
        if !self.reads(Deed::ManagePeople) {
            return Ok(Self::nothing(t("People")));
        }
        let filter = PersonFilter {
            search: self.search.to_owned(),
            within: self.reader.user.grants.within(Deed::ManagePeople),
            ..PersonFilter::default()
        };
        let found = self.state.app.people.people(&filter, self.first())?;
        let hit = |row: crate::model::PersonRow| Hit {
            href: format!("/people/{}", row.id),
            name: row.details.display_name,
            note: row.name,
        };
        Ok(Hits {
            label: "People",
            all: self.rest(found.total, "/people"),
            rows: found.rows.into_iter().map(hit).collect(),
        })
    }
}
