//! Coverage.

use askama::Template;

use super::{Frame, filters};
use crate::model::CoverageTotals;
use crate::web::blind::SensorView;
use crate::web::list::Pager;

/// What the fleet could see and what it could not.
#[derive(Debug, Template)]
#[template(path = "coverage.html")]
pub(crate) struct CoveragePage<'a> {
    /// The frame.
    pub(crate) frame: Frame,
    /// Sums over the fleet.
    pub(crate) totals: CoverageTotals,
    /// Share of the expected endpoints that report, in words.
    pub(crate) share: String,
    /// Whether the reader sees the sensors, which go by the names of machines.
    pub(crate) whole: bool,
    /// Sensors, the worst first.
    pub(crate) sensors: Vec<SensorView<'a>>,
    /// The foot.
    pub(crate) pager: Pager,
}
