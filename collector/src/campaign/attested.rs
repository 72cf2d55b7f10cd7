//! K-08: which records in scope their owners confirmed lately.

use umbrascope_api::Day;

use crate::model::campaign::Attested;
use crate::model::record::{AiSystem, Scope, Stage};

/// Version of the definition: a value of an earlier one is not compared with a later one.
const DEFINITION: u32 = 1;

/// Records in scope that the owner of today confirmed within `interval_days`, over records in scope. Merged and retired records are in
/// neither, and so is what is out of scope or undetermined. What a former owner confirmed does not count for a new one.
pub fn attested<'s>(
    systems: impl IntoIterator<Item = &'s AiSystem>,
    today: Day,
    interval_days: u32,
) -> Attested {
    let (mut merged, mut retired, mut out, mut undetermined) = (0, 0, 0, 0);
    let (mut unowned, mut never, mut old, mut former) = (0, 0, 0, 0);
    let (mut numerator, mut denominator) = (0, 0);
    let oldest = today.back(interval_days);
    for system in systems {
        let excluded = if system.is_merged() {
            Some(&mut merged)
        } else if system.stage == Stage::Retired {
            Some(&mut retired)
        } else {
            match system.scope {
                Scope::In => None,
                Scope::Out => Some(&mut out),
                Scope::Undetermined => Some(&mut undetermined),
            }
        };
        if let Some(count) = excluded {
            *count += 1;
            continue;
        }
        denominator += 1;
        let recent = |at_ms: i64| Day::from_unix_ms(at_ms) >= oldest;
        let mut confirmations = system.confirmations.iter();
        let of_owner = system
            .system_owner
            .map(|owner| system.confirmations.iter().rev().find(|one| one.by == owner).map(|one| one.at_ms));
        let count = match of_owner {
            None => &mut unowned,
            Some(Some(at_ms)) if recent(at_ms) => &mut numerator,
            Some(Some(_)) => &mut old,
            Some(None) if confirmations.any(|one| recent(one.at_ms)) => &mut former,
            Some(None) => &mut never,
        };
        *count += 1;
    }
    Attested {
        definition: DEFINITION,
        numerator,
        denominator,
        interval_days,
        excluded: vec![
            ("out of scope", out),
            ("scope undetermined", undetermined),
            ("retired", retired),
            ("merged", merged),
        ],
        missing: vec![
            ("no owner", unowned),
            ("never confirmed", never),
            ("confirmed too long ago", old),
            ("confirmed by a former owner only", former),
        ],
    }
}
