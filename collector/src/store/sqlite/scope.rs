//! [`Scoping`] over SQLite: each method one job of the writer, or one read.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::statements::Versions;
use super::{SqliteStore, coverage, governed, statements};
use crate::legal::Dates;
use crate::model::governed::{Act, Governed, Held};
use crate::model::{FleetVersions, Page, PageRequest};
use crate::review::{Refused, Who};
use crate::scope::endpoints::{Endpoint, EndpointList, NamedEndpoint};
use crate::scope::{Content, Coverage, Site, Statement, Step};
use crate::store::scope::{EndpointImport, EndpointRow, Endpoints, Scoping, StatementRow, Stepping};
use crate::store::{Changed, StoreError};

impl SqliteStore {
    fn versions(&self) -> Versions {
        Versions {
            known: self.known(),
            tier_method: self.tier_method.version.clone(),
            legal_data: self.legal_dates.version.clone(),
        }
    }
}

impl Scoping for SqliteStore {
    fn legal_dates(&self) -> Arc<Dates> {
        Arc::clone(&self.legal_dates)
    }

    fn coverage_record(&self, now_ms: i64) -> Result<Coverage, StoreError> {
        Ok(self.told(now_ms)?.coverage.clone())
    }

    fn fleet_versions(&self, now_ms: i64) -> Result<FleetVersions, StoreError> {
        Ok(self.told(now_ms)?.versions.clone())
    }

    fn endpoint_lists(&self) -> Result<Vec<Held<EndpointList>>, StoreError> {
        self.readers.with("list the lists of endpoints", governed::all::<EndpointList>)
    }

    fn import_endpoints(
        &self,
        import: EndpointImport,
        act: Act,
    ) -> Result<Vec<Held<EndpointList>>, StoreError> {
        self.change_fleet("take a list of endpoints in", move |connection| {
            coverage::import(connection, import, &act)
        })
    }

    fn withdraw_endpoints(&self, source: &str, act: Act) -> Result<bool, StoreError> {
        let source = source.to_owned();
        self.change_fleet("withdraw a list of endpoints", move |connection| {
            coverage::withdraw(connection, &source, &act)
        })
    }

    fn endpoints(
        &self,
        which: Endpoints,
        page: PageRequest,
        now_ms: i64,
    ) -> Result<Page<EndpointRow>, StoreError> {
        let told = self.told(now_ms)?;
        let Some(matched) = &told.matched else { return Ok(Page { rows: Vec::new(), total: 0 }) };
        self.readers
            .with("list the endpoints", |connection| coverage::endpoints(connection, matched, which, page))
    }

    fn add_endpoint(&self, endpoint: Endpoint, act: Act) -> Result<Held<NamedEndpoint>, StoreError> {
        self.change_fleet("add an endpoint", move |connection| {
            coverage::add_endpoint(connection, endpoint, &act)
        })
    }

    fn remove_endpoint(&self, number: i64, act: Act) -> Result<bool, StoreError> {
        self.change_fleet("take an endpoint out", move |connection| {
            coverage::remove_endpoint(connection, number, &act)
        })
    }

    fn sites(&self) -> Result<Vec<Held<Site>>, StoreError> {
        self.readers.with("list the sites", statements::sites)
    }

    fn add_site(&self, site: Site, act: Act) -> Result<Held<Site>, StoreError> {
        self.change_fleet("add a site", move |connection| statements::add_site(connection, site, &act))
    }

    fn change_site(&self, site: Site, act: Act) -> Result<Changed<Site>, StoreError> {
        self.change_fleet("change a site", move |connection| {
            governed::change::<Site>(connection, &site.id, &act, "site.change", |_| Ok(site.clone()))
        })
    }

    fn statements(&self) -> Result<Vec<StatementRow>, StoreError> {
        self.readers.with("list the scope statements", statements::rows)
    }

    fn statement(&self, number: u64) -> Result<Option<Held<Statement>>, StoreError> {
        self.readers.with("show a scope statement", |connection| {
            governed::load::<Statement>(connection, &number.to_string())
        })
    }

    fn statement_in_force(&self) -> Result<Option<Held<Statement>>, StoreError> {
        self.readers.with("show the scope statement in force", statements::in_force_now)
    }

    fn scope_now(&self, now_ms: i64) -> Result<Content, StoreError> {
        let (versions, told) = (self.versions(), self.told(now_ms)?);
        self.readers.with("tell the scope", |connection| {
            let open = match statements::draft(connection)? {
                Some(number) => governed::load::<Statement>(connection, &number.to_string())?,
                None => None,
            };
            let open = open.as_ref().map(|held| &held.body);
            let systems = self.records.systems(connection)?;
            statements::content(connection, (systems.iter(), open), &told, &versions, now_ms)
        })
    }

    fn begin_statement(
        &self,
        organisation: &str,
        who: Who,
        act: Act,
    ) -> Result<Result<Held<Statement>, Refused>, StoreError> {
        let organisation = organisation.to_owned();
        self.writer.run("begin a scope statement", move |connection, _| {
            statements::begin(connection, &organisation, &who, &act)
        })
    }

    fn step_statement(
        &self,
        number: u64,
        step: Step,
        by: Stepping,
    ) -> Result<Changed<Statement>, StoreError> {
        let versions = self.versions();
        self.writer.run("change a scope statement", move |connection, _| {
            statements::step(connection, number, &step, &by, &versions)
        })
    }

    fn note_statement_export(&self, number: u64, format: &'static str, act: Act) -> Result<(), StoreError> {
        self.writer.run("note an export", move |connection, _| {
            let details = Map::from_iter([("format".to_owned(), Value::from(format))]);
            let id = number.to_string();
            governed::note(connection, Statement::KIND, &id, &act, "export.make", &details).map(|_| ())
        })
    }
}
