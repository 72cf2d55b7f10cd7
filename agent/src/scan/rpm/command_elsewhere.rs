//! No system but Linux has an rpm of its own that could be asked.

use std::path::Path;

use super::header::Package;
use crate::scan::safe::Trouble;

/// Asks nobody, and says so.
pub(super) fn query(
    _folder: &Path,
    _go_on: impl Fn() -> Result<(), Trouble>,
) -> Result<Vec<Package>, Trouble> {
    Err(Trouble::Refused)
}
