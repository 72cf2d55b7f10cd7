//! The scope: the statement in force, the one that is written, its sheet, endpoints and sites.

use askama::Template;

use super::{Frame, filters};
use crate::model::record::{OrgRole, Tri};
use crate::model::{Deed, UnitRow};
use crate::scope::endpoints::EndpointList;
use crate::scope::{Body, Boundary, Section, SentBack, Sheet, Site, Statement, StatementState};
use crate::store::scope::{EndpointRow, Endpoints, StatementRow};
use crate::web::language::t;
use crate::web::list::Pager;

/// The overview.
#[derive(Debug, Template)]
#[template(path = "scope.html")]
pub(crate) struct ScopePage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What was refused, in words.
    pub(crate) problem: Option<String>,
    /// Statements, the newest first.
    pub(crate) rows: Vec<StatementRow>,
    /// Whether the reader sees the records of every unit, of which statements tell.
    pub(crate) whole: bool,
    /// Share of the expected endpoints that report, in words.
    pub(crate) share: String,
    /// Records in, out and undetermined as they are now.
    pub(crate) counts: (usize, usize, usize),
    /// What there is now: what changed since the last signed statement, who is undetermined, who is out.
    pub(crate) sections: Vec<Section>,
}

impl ScopePage {
    /// The statement that is not signed yet.
    pub(crate) fn open(&self) -> Option<&StatementRow> {
        self.rows.iter().find(|row| row.state != StatementState::Signed)
    }

    /// The statement in force.
    pub(crate) fn in_force(&self) -> Option<&StatementRow> {
        self.rows.iter().find(|row| row.state == StatementState::Signed)
    }

    /// Whether the reader writes statements.
    pub(crate) fn writes(&self) -> bool {
        self.frame.decides_scope()
    }

    /// The number before a statement's, if there is one.
    pub(crate) fn before(&self, number: &u64) -> Option<u64> {
        self.rows.iter().map(|row| row.number).find(|other| other < number)
    }
}

/// The form of the statement that is written.
#[derive(Debug, Template)]
#[template(path = "scope_draft.html")]
pub(crate) struct ScopeDraftPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What was refused, in words.
    pub(crate) problem: Option<String>,
    /// Number of the statement.
    pub(crate) number: u64,
    /// Version of the record that the form shows.
    pub(crate) version: u64,
    /// What is written.
    pub(crate) boundary: Boundary,
    /// Why it was sent back, by whom.
    pub(crate) sent_back: Option<(SentBack, String)>,
    /// Units to choose from.
    pub(crate) units: Vec<UnitRow>,
    /// Sites to choose from.
    pub(crate) sites: Vec<Site>,
}

impl ScopeDraftPage {
    /// Whether a site is chosen.
    pub(crate) fn covers(&self, site: &Site) -> bool {
        self.boundary.sites.contains(&site.id)
    }

    /// Roles to choose from.
    pub(crate) fn roles(&self) -> &'static [OrgRole] {
        OrgRole::ALL
    }
}

/// A statement's sheet.
#[derive(Debug, Template)]
#[template(path = "scope_statement.html")]
pub(crate) struct ScopeStatementPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What was refused, in words.
    pub(crate) problem: Option<String>,
    /// The statement.
    pub(crate) statement: Statement,
    /// Version of the record that the page shows.
    pub(crate) version: u64,
    /// What people read.
    pub(crate) sheet: Sheet,
    /// The beginnings of its sections; where there is more, how many rows and where.
    pub(crate) folded: Vec<(Section, Option<(u64, String)>)>,
    /// Number of the statement before, if there is one.
    pub(crate) before: Option<u64>,
}

impl ScopeStatementPage {
    /// Whether the reader can approve it now.
    pub(crate) fn can_approve(&self) -> bool {
        self.is_proposed() && self.statement.approved.is_none() && self.frame.decides_scope()
    }

    /// Whether the reader can countersign it now.
    pub(crate) fn can_countersign(&self) -> bool {
        self.is_proposed()
            && self.statement.countersigned.is_none()
            && self.frame.writes_all(Deed::CountersignScope)
    }

    /// Whether the reader can send it back.
    pub(crate) fn can_send_back(&self) -> bool {
        self.is_proposed() && (self.frame.decides_scope() || self.frame.writes_all(Deed::CountersignScope))
    }

    /// Whether it is signed.
    pub(crate) fn is_signed(&self) -> bool {
        self.statement.state == StatementState::Signed
    }

    fn is_proposed(&self) -> bool {
        self.statement.state == StatementState::Proposed
    }
}

/// A section of a statement, page by page.
#[derive(Debug, Template)]
#[template(path = "scope_section.html")]
pub(crate) struct ScopeSectionPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Number of the statement.
    pub(crate) number: u64,
    /// Its title.
    pub(crate) title: String,
    /// Its hash; `None`: it is not signed.
    pub(crate) hash: Option<String>,
    /// The rows of this page.
    pub(crate) section: Section,
    /// The foot.
    pub(crate) pager: Pager,
}

/// A statement whole, to be printed.
#[derive(Debug, Template)]
#[template(path = "scope_print.html")]
pub(crate) struct ScopePrintPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Number of the statement.
    pub(crate) number: u64,
    /// What people read.
    pub(crate) sheet: Sheet,
}

/// What one statement says otherwise than another.
#[derive(Debug, Template)]
#[template(path = "scope_diff.html")]
pub(crate) struct ScopeDiffPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Number of the first.
    pub(crate) from: u64,
    /// Number of the second.
    pub(crate) to: u64,
    /// Statements to choose from.
    pub(crate) rows: Vec<StatementRow>,
    /// What changed.
    pub(crate) sections: Vec<Section>,
}

/// The endpoints that there should be.
#[derive(Debug, Template)]
#[template(path = "scope_endpoints.html")]
pub(crate) struct ScopeEndpointsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What was refused, in words, line by line.
    pub(crate) problems: Vec<String>,
    /// What a trial would take in.
    pub(crate) trial: Option<String>,
    /// Whether the reader may change them.
    pub(crate) writes: bool,
    /// Whether the reader sees single machines.
    pub(crate) machines: bool,
    /// Lists.
    pub(crate) lists: Vec<EndpointList>,
    /// Coverage, line by line.
    pub(crate) coverage: Vec<(&'static str, String)>,
    /// Which endpoints are listed.
    pub(crate) which: Endpoints,
    /// Those.
    pub(crate) rows: Vec<EndpointRow>,
    /// Pages of them.
    pub(crate) pager: Pager,
}

impl ScopeEndpointsPage {
    /// Whether this list is the one that is shown.
    pub(crate) fn shows(&self, which: &Endpoints) -> bool {
        self.which == *which
    }

    /// Lists to choose from: word, label.
    pub(crate) fn views(&self) -> [(Endpoints, &'static str, &'static str); 4] {
        [
            (Endpoints::NeverEnrolled, "missing", t("Expected and never enrolled")),
            (Endpoints::Unexpected, "unexpected", t("Enrolled and not expected")),
            (Endpoints::Unsupported, "unsupported", t("Without an agent for their platform")),
            (Endpoints::Expected, "expected", t("All expected")),
        ]
    }
}

/// Sites and networks.
#[derive(Debug, Template)]
#[template(path = "scope_sites.html")]
pub(crate) struct ScopeSitesPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What was refused, in words.
    pub(crate) problem: Option<String>,
    /// Whether the reader may change them.
    pub(crate) writes: bool,
    /// Sites, each with the version of its record.
    pub(crate) sites: Vec<(Site, u64)>,
}

impl ScopeSitesPage {
    /// What can be said of sensors there.
    pub(crate) fn answers(&self) -> &'static [Tri] {
        Tri::ALL
    }
}
