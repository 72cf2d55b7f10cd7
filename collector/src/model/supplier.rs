//! The organisation's own judgement of a supplier, beside what public sources say of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

use super::governed::{Governed, Held};
use super::record::{Assessment, AssessmentState};

/// An assessment of a supplier that a person made; earlier ones stand in its trail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VendorAssessment {
    /// Id of the vendor in the catalogue.
    pub vendor: String,
    /// How far it is, when, where, by whom, and until when it counts.
    pub assessment: Assessment,
    /// What it came to, in words.
    pub result: Option<String>,
}

impl VendorAssessment {
    /// Whether it counts on a day, or it was found that none is needed.
    pub fn is_valid(&self, today: Day) -> bool {
        suffices(&self.assessment, today)
    }
}

/// Whether an assessment of a supplier counts on a day, or it was found that none is needed.
pub fn suffices(assessment: &Assessment, today: Day) -> bool {
    assessment.is_valid(today) || assessment.state == AssessmentState::NotNeeded
}

/// Whether each vendor of these products is assessed, as `valid` says. Of none: no.
pub fn all_assessed(products: &BTreeSet<String>, valid: impl FnMut(&str) -> bool) -> bool {
    let vendors: BTreeSet<&str> = products.iter().map(|product| vendor_of(product)).collect();
    !vendors.is_empty() && vendors.into_iter().all(valid)
}

impl Governed for VendorAssessment {
    const KIND: &'static str = "vendor-assessment";

    fn id(&self) -> String {
        self.vendor.clone()
    }
}

/// The vendor of a product: the part of its id before the first dot, as the catalogue has it.
pub fn vendor_of(product: &str) -> &str {
    product.split_once('.').map_or(product, |(vendor, _)| vendor)
}

/// What the fleet has of a vendor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VendorUse {
    /// Id in the catalogue.
    pub vendor: String,
    /// Its name.
    pub name: String,
    /// Its products that were seen, with the number of assets, by id and name.
    pub products: Vec<(String, String, u64)>,
    /// Records that use one of its products: reference, name, whether in scope.
    pub systems: Vec<(String, String, bool)>,
    /// The organisation's own assessment.
    pub assessment: Option<Held<VendorAssessment>>,
}
