//! Governed records of the sample: one for each product that is a candidate, in the order of the products, and a policy that is in force.

use umbrascope_rules::Level;

use super::{NOW_MS, Sample, today};
use crate::model::governed::{Act, Actor};
use crate::model::policy::Policy;
use crate::model::record::{AiSystem, SystemKind};
use crate::model::{Grant, Grants, Role};
use crate::review::Who;
use crate::store::{Governance, SqliteStore};

/// Adds them.
pub(super) fn add(store: &SqliteStore, sample: &Sample) {
    let act = || Act::by(Actor::Console, NOW_MS - 86_400_000).because("the sample");
    let who =
        Who { person: 1, grants: Grants(vec![Grant { role: Role::Analyst, unit: None }]), ..Who::default() };
    let policy = Policy {
        version: "2026-1".to_owned(),
        title: "Use of AI".to_owned(),
        link: Some("https://intranet.example/ai-policy".to_owned()),
        sha256: None,
        approved_by: "The board".to_owned(),
        from: today().back(90),
        until: None,
    };
    store.add_policy(policy, act()).unwrap().unwrap();
    for row in
        sample.product_rows().into_iter().filter(|row| row.level != Level::Resolution || row.needs_catalogue)
    {
        let system = AiSystem {
            name: row.name,
            kind: SystemKind::SaasService,
            products: [row.id].into(),
            ..AiSystem::default()
        };
        store.add_system(system, &who, act()).unwrap().unwrap();
    }
}
