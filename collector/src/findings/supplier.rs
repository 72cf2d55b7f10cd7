//! How a supplier may be judged.

use super::{field_refused, line, location, said, triages};
use crate::model::Role;
use crate::model::record::{Assessment, AssessmentState};
use crate::model::supplier::VendorAssessment;
use crate::review::{Guard, Refused, Who};

/// The assessment as it will be kept, and the role that permits it. A supplier belongs to no unit, so it takes a role for the whole
/// organisation.
pub fn judge(assessment: &VendorAssessment, who: &Who) -> Result<(VendorAssessment, Role), Refused> {
    let role = triages(&[], who)?;
    let Assessment { state, date, link, sha256, expires, assessor } = &assessment.assessment;
    if *state == AssessmentState::Done && (date.is_none() || assessor.is_none()) {
        let missing = [("date", date.is_none()), ("assessor", assessor.is_none())];
        return Err(Refused {
            guard: Guard::Fields,
            missing: missing
                .iter()
                .filter(|(_, missing)| *missing)
                .map(|(name, _)| (*name).to_owned())
                .collect(),
            says: "an assessment that is done says when it was made, and by whom".to_owned(),
        });
    }
    if *state == AssessmentState::NotNeeded
        && assessment.result.as_deref().is_none_or(|text| text.trim().is_empty())
    {
        return Err(field_refused("result", "say why none is needed".to_owned()));
    }
    if date.zip(*expires).is_some_and(|(date, expires)| expires < date) {
        return Err(field_refused("expires", "it ends before it was made".to_owned()));
    }
    let next = VendorAssessment {
        vendor: assessment.vendor.clone(),
        assessment: Assessment {
            state: *state,
            date: *date,
            link: link.as_deref().map(|link| location(link, "link")).transpose()?,
            sha256: sha256.as_deref().map(super::document::hash).transpose()?,
            expires: *expires,
            assessor: assessor.as_deref().map(|name| line(name, "assessor")).transpose()?,
        },
        result: said(assessment.result.as_deref().unwrap_or_default(), "result")?,
    };
    Ok((next, role))
}
