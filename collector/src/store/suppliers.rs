//! Suppliers: what the fleet has of them, and how the organisation judges them.

use super::StoreError;
use crate::model::Sight;
use crate::model::governed::{Act, Held};
use crate::model::supplier::{VendorAssessment, VendorUse};
use crate::review::{Refused, Who};

/// Suppliers. Blocking, like the rest of the store.
pub trait Suppliers: Send + Sync {
    /// Vendors whose products were seen, that a record in sight uses, or that were assessed, by name.
    fn vendors_in_use(&self, sight: &Sight) -> Result<Vec<VendorUse>, StoreError>;
    /// One vendor, with the records in sight; what is not known of it is empty.
    fn vendor_in_use(&self, vendor: &str, sight: &Sight) -> Result<VendorUse, StoreError>;
    /// Records an assessment of a vendor in the place of the one before.
    fn assess_vendor(
        &self,
        assessment: VendorAssessment,
        who: Who,
        act: Act,
    ) -> Result<Result<Held<VendorAssessment>, Refused>, StoreError>;
}
