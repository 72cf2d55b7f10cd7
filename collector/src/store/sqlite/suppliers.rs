//! Suppliers: what the fleet has of them, and how the organisation judges them.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};
use umbrascope_api::Day;

use super::governed::{self, Projected};
use super::{findings, prepare, sight};
use crate::findings::judge_supplier;
use crate::model::Sight;
use crate::model::governed::{Act, Governed, Held};
use crate::model::record::{AiSystem, Scope};
use crate::model::supplier::{VendorAssessment, VendorUse, all_assessed, vendor_of};
use crate::review::{Refused, Who};

impl Projected for VendorAssessment {
    fn project(connection: &Connection, id: &str, _new: Option<&Self>, act: &Act) -> rusqlite::Result<()> {
        reconsider(connection, id, act.now_ms)
    }
}

/// Looks again at the records that use something of a vendor.
pub(super) fn reconsider(connection: &Connection, vendor: &str, now_ms: i64) -> rusqlite::Result<()> {
    // A slash is the character after the dot.
    let systems: Vec<String> = prepare(
        connection,
        "SELECT DISTINCT system FROM ai_system_product WHERE product >= $1 AND product < $2 ORDER BY system",
    )?
    .query_map(params![format!("{vendor}."), format!("{vendor}/")], |row| row.get(0))?
    .collect::<rusqlite::Result<_>>()?;
    for system in systems {
        if let Some(held) = governed::load::<AiSystem>(connection, &system)? {
            findings::evaluate(connection, &system, Some(&held.body), now_ms)?;
        }
    }
    Ok(())
}

/// Whether the organisation assessed every vendor of these products, and that counts on a day. Of none: no.
pub(super) fn assessed(
    connection: &Connection,
    products: &BTreeSet<String>,
    today: Day,
) -> rusqlite::Result<bool> {
    let mut valid = BTreeSet::new();
    for vendor in products.iter().map(|product| vendor_of(product)) {
        let held = governed::load::<VendorAssessment>(connection, vendor)?;
        if held.is_some_and(|held| held.body.is_valid(today)) {
            valid.insert(vendor);
        }
    }
    Ok(all_assessed(products, |vendor| valid.contains(vendor)))
}

pub(super) fn assess(
    connection: &Connection,
    assessment: VendorAssessment,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Result<Held<VendorAssessment>, Refused>> {
    const ACTION: &str = "vendor.assess";
    match judge_supplier(&assessment, who) {
        Ok((assessment, role)) => {
            let act = Act { role: Some(role), ..act.clone() };
            match governed::load::<VendorAssessment>(connection, &assessment.vendor)? {
                None => governed::create(connection, &assessment, &act, ACTION).map(Ok),
                Some(before) => {
                    let changed =
                        governed::change(connection, &before.body.vendor, &act, ACTION, |_| Ok(assessment))?;
                    Ok(changed.unwrap_or(Ok(before)))
                }
            }
        }
        Err(refused) => {
            governed::refuse(connection, VendorAssessment::KIND, &assessment.vendor, act, ACTION, &refused)?;
            Ok(Err(refused))
        }
    }
}

/// Vendors of products that were seen, of records, and those that were assessed; or one of them.
pub(super) fn in_use(
    connection: &Connection,
    only: Option<&str>,
    sight: &Sight,
) -> rusqlite::Result<Vec<VendorUse>> {
    let mut uses: BTreeMap<String, VendorUse> = BTreeMap::new();
    let wanted = |vendor: &str| only.is_none_or(|only| only == vendor);
    if let Some(only) = only {
        uses.insert(only.to_owned(), VendorUse { vendor: only.to_owned(), ..VendorUse::default() });
    }
    fn of<'u>(uses: &'u mut BTreeMap<String, VendorUse>, vendor: &str) -> &'u mut VendorUse {
        uses.entry(vendor.to_owned())
            .or_insert_with(|| VendorUse { vendor: vendor.to_owned(), ..VendorUse::default() })
    }
    let mut products = prepare(
        connection,
        "SELECT p.word, p.name, p.vendor, s.assets FROM product_summary s JOIN product p ON p.id = s.product
         WHERE p.known = 1 ORDER BY p.word",
    )?;
    let mut rows = products.query([])?;
    while let Some(row) = rows.next()? {
        let word: String = row.get(0)?;
        if wanted(vendor_of(&word)) {
            let vendor = of(&mut uses, vendor_of(&word));
            vendor.name = row.get(2)?;
            let assets = u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0);
            vendor.products.push((word, row.get(1)?, assets));
        }
    }
    let in_sight = sight::systems(connection, sight)?;
    let mut systems = prepare(
        connection,
        "SELECT DISTINCT sp.product, a.reference, a.name, a.scope, a.id FROM ai_system_product sp
         JOIN ai_system a ON a.id = sp.system WHERE a.merged = 0 ORDER BY a.reference, sp.product",
    )?;
    let mut rows = systems.query([])?;
    while let Some(row) = rows.next()? {
        let (word, id): (String, String) = (row.get(0)?, row.get(4)?);
        if in_sight.as_ref().is_some_and(|in_sight| !in_sight.contains(&id)) {
            continue;
        }
        if wanted(vendor_of(&word)) {
            let system = (row.get(1)?, row.get(2)?, row.get::<_, String>(3)? == Scope::In.as_str());
            let vendor = of(&mut uses, vendor_of(&word));
            if !vendor.systems.contains(&system) {
                vendor.systems.push(system);
            }
        }
    }
    for held in governed::all::<VendorAssessment>(connection)? {
        if wanted(&held.body.vendor) {
            let vendor = held.body.vendor.clone();
            of(&mut uses, &vendor).assessment = Some(held);
        }
    }
    for (vendor, used) in &mut uses {
        if used.name.is_empty() {
            used.name.clone_from(vendor);
        }
    }
    let mut uses: Vec<VendorUse> = uses.into_values().collect();
    uses.sort_by_cached_key(|used| (used.name.to_lowercase(), used.vendor.clone()));
    Ok(uses)
}
